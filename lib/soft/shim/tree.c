/* SPDX-License-Identifier: MIT */
/* tree.c - the folder that stands for /dev/dri and the device's part of /sys. Layout as on a PC with a Radeon. */
#include "shim.h"

#include "soft/gca.h"

#include <dirent.h>
#include <drm.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PCI_SLOT         "0000:03:00.0"
#define PCI_DEVICES      "devices/pci0000:00/0000:00:03.1/0000:01:00.0/0000:02:00.0/" PCI_SLOT
#define PCI_PATH         "sys/" PCI_DEVICES
#define DEBUGFS          "/sys/kernel/debug/dri"
#define RECOVER          "amdgpu_gpu_recover"
#define RESET_MASK_MINOR 60u /* 6.13, which brought gfx_reset_mask */

static char root[256];
static pid_t owner;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* What lies under these is led to the folder. */
static const char *const prefixes[] = {
	"/dev/dri",
	"/sys/dev/char/226:",
	"/sys/class/drm",
	"/sys/bus/pci/devices/" PCI_SLOT,
	"/sys/bus/pci/drivers/amdgpu",
	"/" PCI_PATH,
	"/sys/module/amdgpu",
	DEBUGFS,
};

const char *shim_spec(void)
{
	const char *spec = getenv("DRUMFIRE_SHIM");

	return spec && *spec ? spec : "gfx1030";
}

/* All folders of a path relative to the root. */
static void make_folders(const char *path)
{
	char text[512];

	snprintf(text, sizeof(text), "%s/%s", root, path);
	for (char *at = text + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(text, 0755);
		*at = '/';
	}
	mkdir(text, 0755);
}

static void put_data(const char *folder, const char *name, const void *data, size_t size)
{
	char path[1024];
	int fd;

	snprintf(path, sizeof(path), "%s/%s/%s", root, folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	if (write(fd, data, size) < 0)
		unlink(path);
	close(fd);
}

static void put_text(const char *folder, const char *name, const char *text)
{
	put_data(folder, name, text, strlen(text));
}

static void put_number(const char *folder, const char *name, unsigned digits, unsigned value)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%0*x\n", (int)digits, value);
	put_text(folder, name, text);
}

static void put_link(const char *folder, const char *name, const char *target)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s/%s", root, folder, name);
	if (symlink(target, path))
		errno = 0;
}

static void put_pci(uint16_t vendor, uint16_t device, uint8_t revision)
{
	unsigned char config[256] = {0};
	char text[256];

	make_folders(PCI_PATH);
	snprintf(text, sizeof(text),
		 "DRIVER=amdgpu\nPCI_CLASS=30000\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\nPCI_SLOT_NAME=" PCI_SLOT
		 "\nMODALIAS=pci:v%08Xd%08Xsv%08Xsd%08Xbc03sc00i00\n",
		 vendor, device, SOFT_SUBVENDOR, SOFT_SUBDEVICE, vendor, device, SOFT_SUBVENDOR, SOFT_SUBDEVICE);
	put_text(PCI_PATH, "uevent", text);
	put_number(PCI_PATH, "vendor", 4, vendor);
	put_number(PCI_PATH, "device", 4, device);
	put_number(PCI_PATH, "subsystem_vendor", 4, SOFT_SUBVENDOR);
	put_number(PCI_PATH, "subsystem_device", 4, SOFT_SUBDEVICE);
	put_number(PCI_PATH, "revision", 2, revision);
	put_number(PCI_PATH, "class", 6, 0x030000);
	put_text(PCI_PATH, "boot_vga", "0\n");
	put_text(PCI_PATH, "numa_node", "-1\n");
	put_text(PCI_PATH, "local_cpulist", "0\n");
	config[0] = (unsigned char)vendor;
	config[1] = (unsigned char)(vendor >> 8);
	config[2] = (unsigned char)device;
	config[3] = (unsigned char)(device >> 8);
	config[8] = revision;
	config[11] = 3; /* display controller */
	config[0x2c] = (unsigned char)SOFT_SUBVENDOR;
	config[0x2d] = (unsigned char)(SOFT_SUBVENDOR >> 8);
	config[0x2e] = (unsigned char)SOFT_SUBDEVICE;
	config[0x2f] = (unsigned char)(SOFT_SUBDEVICE >> 8);
	put_data(PCI_PATH, "config", config, sizeof(config));
	put_link(PCI_PATH, "subsystem", "../../../../../../bus/pci");
	put_link(PCI_PATH, "driver", "../../../../../../bus/pci/drivers/amdgpu");
}

/* amdgpu_show_reset_mask(): gfx10.3 has no soft recovery where it has the file (gfx_v10_0_sw_init, 7.2). */
static void put_reset_masks(unsigned drm_minor)
{
	static const char *const names[] = {"gfx_reset_mask", "compute_reset_mask", "sdma_reset_mask"};

	for (size_t i = 0; drm_minor >= RESET_MASK_MINOR && i < sizeof(names) / sizeof(names[0]); i++)
		put_text(PCI_PATH, names[i], "queue full \n");
}

static void put_node(const char *name, unsigned minor)
{
	char folder[256], link[256], text[128];

	snprintf(folder, sizeof(folder), PCI_PATH "/drm/%s", name);
	make_folders(folder);
	snprintf(text, sizeof(text), "%u:%u\n", SHIM_MAJOR, minor);
	put_text(folder, "dev", text);
	snprintf(text, sizeof(text), "MAJOR=%u\nMINOR=%u\nDEVNAME=dri/%s\nDEVTYPE=drm_minor\n", SHIM_MAJOR, minor,
		 name);
	put_text(folder, "uevent", text);
	put_link(folder, "device", "../../../" PCI_SLOT);
	put_link(folder, "subsystem", "../../../../../../../../class/drm");
	snprintf(link, sizeof(link), "../../" PCI_DEVICES "/drm/%s", name);
	snprintf(text, sizeof(text), "%u:%u", SHIM_MAJOR, minor);
	put_link("sys/dev/char", text, link);
	put_link("sys/class/drm", name, link);
	put_text("dev/dri", name, "");
}

/* debugfs as amdgpu_debugfs_init() makes it, one folder a minor. */
static void put_debugfs(const char *minor, const uint32_t *gca, size_t gca_size)
{
	char folder[64];

	snprintf(folder, sizeof(folder), "%s/%s", &DEBUGFS[1], minor);
	make_folders(folder);
	put_text(folder, "name", "amdgpu dev=" PCI_SLOT " unique=" PCI_SLOT "\n");
	put_text(folder, RECOVER, "0\n");
	put_data(folder, "amdgpu_gca_config", gca, gca_size);
}

/* A folder with all in it; links are not followed. */
static void remove_folder(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	char inside[PATH_MAX];

	while (folder && (entry = readdir(folder))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    (size_t)snprintf(inside, sizeof(inside), "%s/%s", path, entry->d_name) >= sizeof(inside))
			continue;
		if (unlink(inside) && (errno == EISDIR || errno == EPERM))
			remove_folder(inside);
	}
	if (folder)
		closedir(folder);
	rmdir(path);
}

__attribute__((destructor)) void shim_tree_remove(void)
{
	if (*root && owner == getpid())
		remove_folder(root);
}

static void tree_make(void)
{
	const char *base = getenv("TMPDIR");
	char error[256] = "";
	uint16_t vendor, device;
	uint8_t revision;
	uint32_t gca[SOFT_GCA_MAX];
	size_t gca_size;
	struct drm_version version = {0};
	void *file = df_soft_ops.open(shim_spec(), error, sizeof(error));

	if (!file) {
		fprintf(stderr, "libdrumfire-shim: %s\n", error);
		return;
	}
	df_soft_ops.pci_id(file, &vendor, &device, &revision);
	df_soft_ops.ioctl(file, DRM_IOCTL_VERSION, &version);
	gca_size = soft_gca_config(file, gca);
	df_soft_ops.close(file);
	snprintf(root, sizeof(root), "%s/drumfire-shim-XXXXXX", base && *base ? base : "/tmp");
	if (!mkdtemp(root)) {
		fprintf(stderr, "libdrumfire-shim: no folder for the device's files (%s: %s). Fix: set TMPDIR.\n", root,
			strerror(errno));
		*root = '\0';
		return;
	}
	owner = getpid();
	make_folders("dev/dri");
	make_folders("sys/dev/char");
	make_folders("sys/class/drm");
	make_folders("sys/bus/pci/devices");
	make_folders("sys/bus/pci/drivers/amdgpu");
	make_folders("sys/module/amdgpu");
	put_text("sys/class/drm", "version", "drm 1.1.0 20060810\n");
	put_pci(vendor, device, revision);
	put_reset_masks((unsigned)version.version_minor);
	put_link("sys/bus/pci/devices", PCI_SLOT, "../../../" PCI_DEVICES);
	put_link("sys/bus/pci/drivers/amdgpu", PCI_SLOT, "../../../../" PCI_DEVICES);
	put_node("card0", 0);
	put_node("renderD128", 128);
	put_debugfs("0", gca, gca_size);
	put_debugfs("128", gca, gca_size);
}

const char *shim_tree(void)
{
	static __thread bool making; /* what the making opens is not led anywhere */

	if (making)
		return NULL;
	making = true;
	pthread_once(&once, tree_make);
	making = false;
	return *root ? root : NULL;
}

static bool is_ours(const char *path)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t length = strlen(prefixes[i]);

		if (!strncmp(path, prefixes[i], length) &&
		    (prefixes[i][length - 1] == ':' || path[length] == '\0' || path[length] == '/'))
			return true;
	}
	return false;
}

const char *shim_path(const char *path, char *buffer, size_t size)
{
	const char *base;

	if (!path || path[0] != '/' || (path[1] != 'd' && path[1] != 's') || !is_ours(path))
		return path;
	base = shim_tree();
	if (!base || (size_t)snprintf(buffer, size, "%s%s", base, path) >= size)
		return path;
	return buffer;
}

const char *shim_path_at(int dir, const char *path, char *buffer, size_t size)
{
	(void)dir;
	return shim_path(path, buffer, size);
}

void shim_path_back(char *path)
{
	size_t length = strlen(root);

	if (length && !strncmp(path, root, length) && path[length] == '/')
		memmove(path, path + length, strlen(path + length) + 1);
}

bool shim_is_recover(const char *led_path)
{
	const char *name = strrchr(led_path, '/');

	return name && !strcmp(name + 1, RECOVER);
}

void shim_recover(void)
{
	void *file = df_soft_ops.open(shim_spec(), NULL, 0);

	if (file) {
		df_soft_ops.recover(file);
		df_soft_ops.close(file);
	}
}

int shim_node_of(const char *led_path)
{
	size_t length = strlen(root);

	if (!length || strncmp(led_path, root, length))
		return -1;
	if (!strcmp(led_path + length, "/dev/dri/renderD128"))
		return 128;
	return !strcmp(led_path + length, "/dev/dri/card0") ? 0 : -1;
}

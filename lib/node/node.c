/* SPDX-License-Identifier: MIT */
/*
 * The seam. A node is a render node's file descriptor or an open file of a soft node; df_node_ioctl() and
 * df_node_mmap() are the only places that know which. A node has no lock: the counters are atomic and the rest never
 * changes.
 */
#include "node/node.h"

#include "node/ioctl_names.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xf86drm.h>

#include "core/alloc.h"
#include "core/error.h"
#include "node/soft.h"

#define PCI_VENDOR_AMD 0x1002u
#define MAX_DEVICES    64

/* A driver that answers EAGAIN for ever must not hang a caller: after so many repeats the error is handed on. */
#define MAX_REPEATS 4096u

#define IOCTL_NUMBERS 256u

struct df_node {
	int fd; /* -1 when soft */
	const struct df_soft_ops *soft;
	void *file;
	char name[64];
	_Atomic uint64_t calls[IOCTL_NUMBERS]; /* by ioctl number */
};

int df_node_each(int (*found)(void *user, const char *path), void *user)
{
	drmDevicePtr devices[MAX_DEVICES];
	int count = drmGetDevices2(0, devices, MAX_DEVICES);
	int ret = 0;

	if (count < 0)
		return count == -ENOENT ? 0 : count;
	for (int i = 0; i < count && !ret; i++) {
		if (!(devices[i]->available_nodes & (1 << DRM_NODE_RENDER)) || devices[i]->bustype != DRM_BUS_PCI)
			continue;
		if (devices[i]->deviceinfo.pci->vendor_id == PCI_VENDOR_AMD)
			ret = found(user, devices[i]->nodes[DRM_NODE_RENDER]);
	}
	drmFreeDevices(devices, count);
	return ret;
}

static int take_first(void *user, const char *path)
{
	char *name = user;

	snprintf(name, sizeof(((struct df_node *)0)->name), "%s", path);
	return 1;
}

static int open_real(struct df_node *node, const char *name)
{
	int ret;

	if (!strcmp(name, "auto")) {
		ret = df_node_each(take_first, node->name);
		if (ret < 0)
			return df_error_kernel(ret, "device \"auto\": the system's DRM devices cannot be listed");
		if (!ret)
			return df_error_set(-ENODEV, "device \"auto\": no render node of an AMD GPU. Fix: load the "
						     "amdgpu driver, name a node, or use \"soft:gfx1030\"");
	} else {
		snprintf(node->name, sizeof(node->name), "%s", name);
	}
	node->fd = open(node->name, O_RDWR | O_CLOEXEC);
	if (node->fd >= 0)
		return 0;
	ret = -errno;
	if (ret == -EACCES || ret == -EPERM)
		return df_error_set(ret,
				    "device %s: permission denied. Fix: add the user to the group that owns the "
				    "node (often render or video)",
				    node->name);
	return df_error_set(ret,
			    "device %s: %s. Fix: give the path of a render node such as /dev/dri/renderD128, "
			    "\"auto\" or \"soft:gfx1030\"",
			    node->name, strerror(-ret));
}

static int open_soft(struct df_node *node, const char *name)
{
	const char *spec = name[4] == ':' ? name + 5 : "";
	char error[256] = "";
	int ret;

	ret = df_soft_load(&node->soft);
	if (ret < 0)
		return df_error_within(ret, "device \"%s\"", name);
	errno = 0;
	node->file = node->soft->open(spec, error, sizeof(error));
	if (!node->file) {
		ret = errno ? -errno : -EIO;
		return df_error_set(ret, "device \"%s\": %s", name, error[0] ? error : strerror(-ret));
	}
	snprintf(node->name, sizeof(node->name), "%s", name);
	return 0;
}

int df_node_open(const char *name, struct df_node **node_out)
{
	struct df_node *node;
	int ret;

	if (!name || !name[0])
		return df_error_set(-EINVAL,
				    "df_device_open: no device name. Fix: \"auto\", a path, or \"soft:gfx1030\"");
	if (strlen(name) >= sizeof(node->name))
		return df_error_set(-ENAMETOOLONG, "df_device_open: the device name is longer than %zu bytes",
				    sizeof(node->name) - 1);
	node = df_calloc(1, sizeof(*node));
	if (!node)
		return df_error_set(-ENOMEM, "device %s: out of memory", name);
	node->fd = -1;
	ret = !strncmp(name, "soft", 4) && (!name[4] || name[4] == ':') ? open_soft(node, name) : open_real(node, name);
	if (ret < 0) {
		free(node);
		return ret;
	}
	*node_out = node;
	return 0;
}

void df_node_close(struct df_node *node)
{
	if (!node)
		return;
	if (node->soft)
		node->soft->close(node->file);
	else
		close(node->fd);
	free(node);
}

int df_node_ioctl(struct df_node *node, unsigned long request, void *arg)
{
	int ret;

	atomic_fetch_add_explicit(&node->calls[_IOC_NR(request)], 1, memory_order_relaxed);
	for (unsigned repeats = 0;; repeats++) {
		ret = node->soft ? node->soft->ioctl(node->file, request, arg) : ioctl(node->fd, request, arg);
		if (ret >= 0)
			return ret;
		ret = -errno;
		if (ret == -EAGAIN && repeats < MAX_REPEATS)
			sched_yield();
		else if (ret != -EINTR)
			return ret;
	}
}

int df_node_mmap(struct df_node *node, size_t size_B, uint64_t offset, void **map_out)
{
	void *map;

	if (node->soft)
		map = node->soft->mmap(node->file, NULL, size_B, PROT_READ | PROT_WRITE, MAP_SHARED, offset);
	else
		map = mmap(NULL, size_B, PROT_READ | PROT_WRITE, MAP_SHARED, node->fd, (off_t)offset);
	if (map == MAP_FAILED)
		return -errno;
	*map_out = map;
	return 0;
}

int df_node_mmap_at(struct df_node *node, size_t size_B, uint64_t offset, void *at)
{
	void *map;

	if (node->soft)
		map = node->soft->mmap(node->file, at, size_B, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, offset);
	else
		map = mmap(at, size_B, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, node->fd, (off_t)offset);
	return map == MAP_FAILED ? -errno : 0;
}

int df_node_blank(void *map, size_t size_B)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;

	return mmap(map, size_B, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED ? -errno : 0;
}

void df_node_munmap(struct df_node *node, void *map, size_t size_B)
{
	if (node->soft)
		node->soft->munmap(node->file, map, size_B);
	else
		munmap(map, size_B);
}

const char *df_node_name(const struct df_node *node)
{
	return node->name;
}

int df_node_is_soft(const struct df_node *node)
{
	return node->soft != NULL;
}

const struct df_soft_ops *df_node_soft(const struct df_node *node, void **file_out)
{
	if (node->soft)
		*file_out = node->file;
	return node->soft;
}

int df_node_pci(struct df_node *node, uint16_t *vendor_out, uint16_t *device_out, uint8_t *revision_out)
{
	drmDevicePtr device;
	int ret;

	if (node->soft) {
		node->soft->pci_id(node->file, vendor_out, device_out, revision_out);
		return 0;
	}
	ret = drmGetDevice2(node->fd, DRM_DEVICE_GET_PCI_REVISION, &device);
	if (ret < 0)
		return ret;
	if (device->bustype == DRM_BUS_PCI) {
		*vendor_out = device->deviceinfo.pci->vendor_id;
		*device_out = device->deviceinfo.pci->device_id;
		*revision_out = device->deviceinfo.pci->revision_id;
	} else {
		ret = -ENODEV;
	}
	drmFreeDevice(&device);
	return ret;
}

void df_node_inherit_counts(struct df_node *node, const struct df_node *from)
{
	for (unsigned i = 0; i < IOCTL_NUMBERS; i++)
		atomic_fetch_add_explicit(&node->calls[i], atomic_load_explicit(&from->calls[i], memory_order_relaxed),
					  memory_order_relaxed);
}

unsigned df_node_counts(const struct df_node *node, struct df_node_count *counts, unsigned max)
{
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(ioctl_names) / sizeof(ioctl_names[0]); i++) {
		uint64_t calls = atomic_load_explicit(&node->calls[ioctl_names[i].number], memory_order_relaxed);

		if (!calls)
			continue;
		if (n < max)
			counts[n] = (struct df_node_count){ioctl_names[i].name, calls};
		n++;
	}
	return n;
}

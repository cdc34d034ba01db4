/* SPDX-License-Identifier: MIT */
/*
 * ioctl.c - what drm_ioctl() does before and after a driver's handler: argument sizes, permissions of render nodes,
 * copies, and the refusal of what is not known. Also the ioctls of the DRM core that are not about memory or syncs.
 */
#include "soft.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

enum { AUTH = 1, MASTER = 2, ROOT = 4, RENDER = 8 }; /* DRM_AUTH ... DRM_RENDER_ALLOW */

struct ioctl_desc {
	unsigned long request;
	soft_ioctl_fn *fn;
	unsigned flags;
};

/*
 * The kernel copies with fault handling. Here the copy is asked of the kernel itself, so that a wild pointer gives
 * EFAULT and not a signal. Where that call is not allowed (some containers), copies are plain.
 */
static int copy(void *local, uint64_t remote, size_t size, bool out)
{
	struct iovec mine = {local, size}, theirs = {(void *)(uintptr_t)remote, size};
	static _Atomic bool plain;
	ssize_t done;

	if (!size)
		return 0;
	if (!atomic_load_explicit(&plain, memory_order_relaxed)) {
		done = out ? process_vm_writev(getpid(), &mine, 1, &theirs, 1, 0)
			   : process_vm_readv(getpid(), &mine, 1, &theirs, 1, 0);
		if (done == (ssize_t)size)
			return 0;
		if (done >= 0 || (errno != ENOSYS && errno != EPERM))
			return -EFAULT;
		atomic_store(&plain, true);
	}
	if (remote < SOFT_PAGE)
		return -EFAULT;
	if (out)
		memcpy((void *)(uintptr_t)remote, local, size);
	else
		memcpy(local, (void *)(uintptr_t)remote, size);
	return 0;
}

int soft_copy_in(void *to, uint64_t from, size_t size)
{
	return copy(to, from, size, false);
}

int soft_copy_out(uint64_t to, const void *from, size_t size)
{
	return copy((void *)(uintptr_t)from, to, size, true);
}

int soft_copy_in_array(uint64_t from, uint64_t count, size_t size, void **to_out)
{
	size_t bytes;
	void *to;

	if (__builtin_mul_overflow(count, size, &bytes))
		return -EOVERFLOW;
	if (bytes > 1ull << 31) /* the kernel's kvmalloc limit, INT_MAX */
		return -ENOMEM;
	to = malloc(bytes ? bytes : 1);
	if (!to)
		return -ENOMEM;
	if (soft_copy_in(to, from, bytes)) {
		free(to);
		return -EFAULT;
	}
	*to_out = to;
	return 0;
}

/* drm_copy_field() */
static int copy_field(uint64_t buf, __kernel_size_t *len, const char *value)
{
	__kernel_size_t size = strlen(value), room = *len;

	*len = size;
	if (size > room)
		size = room;
	return size && buf ? soft_copy_out(buf, value, size) : 0;
}

static int version_ioctl(struct soft_file *file, void *arg)
{
	struct drm_version *version = arg;
	bool dateless = file->device->spec.kernel->client_name; /* 6.13 dropped the date */
	int ret;

	version->version_major = 3;
	version->version_minor = (int)file->device->spec.kernel->minor;
	version->version_patchlevel = 0;
	ret = copy_field((uintptr_t)version->name, &version->name_len, "amdgpu");
	if (!ret)
		ret = copy_field((uintptr_t)version->date, &version->date_len, dateless ? "0" : "20150101");
	if (!ret)
		ret = copy_field((uintptr_t)version->desc, &version->desc_len, "AMD GPU");
	return ret;
}

static int get_cap_ioctl(struct soft_file *file, void *arg)
{
	struct drm_get_cap *cap = arg;

	(void)file;
	cap->value = 0;
	switch (cap->capability) {
	case DRM_CAP_PRIME:
		cap->value = DRM_PRIME_CAP_IMPORT | DRM_PRIME_CAP_EXPORT;
		return 0;
	case DRM_CAP_DUMB_BUFFER:
	case DRM_CAP_VBLANK_HIGH_CRTC:
	case DRM_CAP_TIMESTAMP_MONOTONIC:
	case DRM_CAP_ADDFB2_MODIFIERS:
	case DRM_CAP_ASYNC_PAGE_FLIP:
	case DRM_CAP_CRTC_IN_VBLANK_EVENT:
	case DRM_CAP_SYNCOBJ:
	case DRM_CAP_SYNCOBJ_TIMELINE:
	case DRM_CAP_PAGE_FLIP_TARGET:
		cap->value = 1;
		return 0;
	case DRM_CAP_DUMB_PREFERRED_DEPTH:
		cap->value = 24;
		return 0;
	case DRM_CAP_DUMB_PREFER_SHADOW:
		return 0;
	case DRM_CAP_CURSOR_WIDTH:
	case DRM_CAP_CURSOR_HEIGHT:
		cap->value = 256;
		return 0;
	default:
		return -EINVAL;
	}
}

static int set_client_cap_ioctl(struct soft_file *file, void *arg)
{
	const struct drm_set_client_cap *cap = arg;

	(void)file;
	switch (cap->capability) {
	case DRM_CLIENT_CAP_STEREO_3D:
	case DRM_CLIENT_CAP_UNIVERSAL_PLANES:
	case DRM_CLIENT_CAP_ASPECT_RATIO:
		return cap->value > 1 ? -EINVAL : 0;
	case DRM_CLIENT_CAP_ATOMIC:
		return cap->value > 2 ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

static int get_unique_ioctl(struct soft_file *file, void *arg)
{
	static const char unique[] = "pci:0000:03:00.0";
	struct drm_unique *u = arg;
	int ret = 0;

	(void)file;
	if (u->unique_len >= sizeof(unique) - 1)
		ret = soft_copy_out((uintptr_t)u->unique, unique, sizeof(unique) - 1);
	if (!ret)
		u->unique_len = sizeof(unique) - 1;
	return ret;
}

static int set_version_ioctl(struct soft_file *file, void *arg)
{
	struct drm_set_version *sv = arg;
	int minor = (int)file->device->spec.kernel->minor, ret = 0;

	if (sv->drm_di_major != -1 && (sv->drm_di_major != 1 || sv->drm_di_minor < 0 || sv->drm_di_minor > 4))
		ret = -EINVAL;
	else if (sv->drm_dd_major != -1 && (sv->drm_dd_major != 3 || sv->drm_dd_minor < 0 || sv->drm_dd_minor > minor))
		ret = -EINVAL;
	sv->drm_di_major = 1;
	sv->drm_di_minor = 4;
	sv->drm_dd_major = 3;
	sv->drm_dd_minor = minor;
	return ret;
}

static int get_magic_ioctl(struct soft_file *file, void *arg)
{
	struct drm_auth *auth = arg;

	auth->magic = (unsigned)((uintptr_t)file >> 4);
	return 0;
}

static int get_client_ioctl(struct soft_file *file, void *arg)
{
	struct drm_client *client = arg;

	if (client->idx != 0)
		return -EINVAL;
	client->auth = file->authenticated;
	client->pid = (unsigned long)getpid();
	client->uid = (unsigned long)geteuid();
	client->magic = 0;
	client->iocs = 0;
	return 0;
}

static int get_stats_ioctl(struct soft_file *file, void *arg)
{
	(void)file;
	memset(arg, 0, sizeof(struct drm_stats));
	return 0;
}

static int set_master_ioctl(struct soft_file *file, void *arg)
{
	(void)arg;
	file->master = true;
	return 0;
}

static int drop_master_ioctl(struct soft_file *file, void *arg)
{
	(void)arg;
	if (!file->master)
		return -EINVAL;
	file->master = false;
	return 0;
}

static int set_client_name_ioctl(struct soft_file *file, void *arg)
{
	const struct abi_set_client_name *name = arg;
	char text[ABI_CLIENT_NAME_MAX_LEN];
	int ret;

	(void)file;
	if (name->name_len > ABI_CLIENT_NAME_MAX_LEN)
		return -EINVAL;
	if (!name->name_len)
		return 0;
	ret = soft_copy_in(text, name->name, (size_t)name->name_len);
	if (ret)
		return ret;
	for (uint64_t i = 0; i + 1 < name->name_len; i++) /* visible characters, or the end */
		if (text[i] <= ' ' || text[i] > '~')
			return -EINVAL;
	return 0;
}

static int invalid_ioctl(struct soft_file *file, void *arg)
{
	(void)file;
	(void)arg;
	return -EINVAL;
}

/* User-mode queues: known to 7.x, not offered by gfx10.3 (amdgpu_userq_enabled). */
static int userq_ioctl(struct soft_file *file, void *arg)
{
	(void)file;
	(void)arg;
	return -524; /* -ENOTSUPP, as the kernel lets it out */
}

static int sched_ioctl(struct soft_file *file, void *arg)
{
	(void)file;
	(void)arg;
	return -EACCES; /* DRM_MASTER is checked before, and nobody but a master with another fd gets here */
}

static const struct ioctl_desc core_ioctls[] = {
	{DRM_IOCTL_VERSION, version_ioctl, RENDER},
	{DRM_IOCTL_GET_UNIQUE, get_unique_ioctl, 0},
	{DRM_IOCTL_GET_MAGIC, get_magic_ioctl, 0},
	{DRM_IOCTL_GET_CLIENT, get_client_ioctl, 0},
	{DRM_IOCTL_GET_STATS, get_stats_ioctl, 0},
	{DRM_IOCTL_GET_CAP, get_cap_ioctl, RENDER},
	{DRM_IOCTL_SET_CLIENT_CAP, set_client_cap_ioctl, 0},
	{DRM_IOCTL_SET_VERSION, set_version_ioctl, MASTER},
	{DRM_IOCTL_SET_MASTER, set_master_ioctl, ROOT},
	{DRM_IOCTL_DROP_MASTER, drop_master_ioctl, ROOT},
	{DRM_IOCTL_AUTH_MAGIC, invalid_ioctl, MASTER},
	{DRM_IOCTL_GEM_CLOSE, soft_gem_close_ioctl, RENDER},
	{DRM_IOCTL_GEM_FLINK, soft_gem_flink_ioctl, AUTH},
	{DRM_IOCTL_GEM_OPEN, soft_gem_open_ioctl, AUTH},
	{DRM_IOCTL_PRIME_HANDLE_TO_FD, soft_prime_to_fd_ioctl, RENDER},
	{DRM_IOCTL_PRIME_FD_TO_HANDLE, soft_prime_to_handle_ioctl, RENDER},
	{DRM_IOWR(0xD1, struct abi_set_client_name), set_client_name_ioctl, RENDER},
	{DRM_IOWR(0xD2, struct drm_gem_flink), invalid_ioctl, RENDER}, /* GEM_CHANGE_HANDLE: known, always refused */
	{DRM_IOCTL_SYNCOBJ_CREATE, soft_syncobj_create_ioctl, RENDER},
	{DRM_IOCTL_SYNCOBJ_DESTROY, soft_syncobj_destroy_ioctl, RENDER},
	{DRM_IOWR(0xC1, struct abi_syncobj_handle), soft_syncobj_to_fd_ioctl, RENDER},
	{DRM_IOWR(0xC2, struct abi_syncobj_handle), soft_syncobj_to_handle_ioctl, RENDER},
	{DRM_IOWR(0xC3, struct abi_syncobj_wait), soft_syncobj_wait_ioctl, RENDER},
	{DRM_IOCTL_SYNCOBJ_RESET, soft_syncobj_reset_ioctl, RENDER},
	{DRM_IOCTL_SYNCOBJ_SIGNAL, soft_syncobj_signal_ioctl, RENDER},
	{DRM_IOWR(0xCA, struct abi_syncobj_timeline_wait), soft_syncobj_timeline_wait_ioctl, RENDER},
	{DRM_IOCTL_SYNCOBJ_QUERY, soft_syncobj_query_ioctl, RENDER},
	{DRM_IOCTL_SYNCOBJ_TRANSFER, soft_syncobj_transfer_ioctl, RENDER},
	{DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, soft_syncobj_timeline_signal_ioctl, RENDER},
	{DRM_IOWR(0xCF, struct abi_syncobj_eventfd), soft_syncobj_eventfd_ioctl, RENDER},
};

#define DRIVER(nr, type, fn, flags)                                                                                    \
	{                                                                                                              \
		DRM_IOWR(DRM_COMMAND_BASE + (nr), type), fn, flags                                                     \
	}
#define DRIVER_W(nr, type, fn, flags)                                                                                  \
	{                                                                                                              \
		DRM_IOW(DRM_COMMAND_BASE + (nr), type), fn, flags                                                      \
	}

/* amdgpu_ioctls_kms[] */
static const struct ioctl_desc driver_ioctls[] = {
	DRIVER(DRM_AMDGPU_GEM_CREATE, union drm_amdgpu_gem_create, soft_gem_create_ioctl, AUTH | RENDER),
	DRIVER(DRM_AMDGPU_GEM_MMAP, union drm_amdgpu_gem_mmap, soft_gem_mmap_ioctl, AUTH | RENDER),
	DRIVER(DRM_AMDGPU_CTX, union drm_amdgpu_ctx, soft_ctx_ioctl, AUTH | RENDER),
	DRIVER(DRM_AMDGPU_BO_LIST, union drm_amdgpu_bo_list, soft_bo_list_ioctl, AUTH | RENDER),
	DRIVER(DRM_AMDGPU_CS, union drm_amdgpu_cs, soft_cs_ioctl, AUTH | RENDER),
	DRIVER_W(DRM_AMDGPU_INFO, struct drm_amdgpu_info, soft_info_ioctl, AUTH | RENDER),
	DRIVER(DRM_AMDGPU_GEM_METADATA, struct drm_amdgpu_gem_metadata, soft_gem_metadata_ioctl, AUTH | RENDER),
	DRIVER(DRM_AMDGPU_GEM_WAIT_IDLE, union drm_amdgpu_gem_wait_idle, soft_gem_wait_idle_ioctl, AUTH | RENDER),
	DRIVER_W(DRM_AMDGPU_GEM_VA, struct abi_gem_va, soft_gem_va_ioctl, AUTH | RENDER),
	DRIVER(DRM_AMDGPU_WAIT_CS, union drm_amdgpu_wait_cs, soft_wait_cs_ioctl, AUTH | RENDER),
	DRIVER(DRM_AMDGPU_GEM_OP, struct abi_gem_op, soft_gem_op_ioctl, AUTH | RENDER),
	DRIVER(DRM_AMDGPU_GEM_USERPTR, struct drm_amdgpu_gem_userptr, soft_gem_userptr_ioctl, AUTH | RENDER),
	DRIVER(DRM_AMDGPU_WAIT_FENCES, union drm_amdgpu_wait_fences, soft_wait_fences_ioctl, AUTH | RENDER),
	DRIVER(DRM_AMDGPU_VM, union drm_amdgpu_vm, soft_vm_ioctl, AUTH | RENDER),
	DRIVER(DRM_AMDGPU_FENCE_TO_HANDLE, union drm_amdgpu_fence_to_handle, soft_fence_to_handle_ioctl, AUTH | RENDER),
	DRIVER_W(DRM_AMDGPU_SCHED, union drm_amdgpu_sched, sched_ioctl, MASTER),
	DRIVER(0x16, struct abi_gem_list_handles, userq_ioctl, AUTH | RENDER),
	DRIVER(0x17, struct abi_gem_list_handles, userq_ioctl, AUTH | RENDER),
	DRIVER(0x18, struct abi_gem_list_handles, userq_ioctl, AUTH | RENDER),
	DRIVER(0x19, struct abi_gem_list_handles, soft_gem_list_handles_ioctl, AUTH | RENDER),
};

static bool known_to_kernel(const struct soft_kernel *kernel, unsigned nr)
{
	switch (nr) {
	case 0xCF:
		return kernel->syncobj_eventfd;
	case 0xD1:
		return kernel->client_name;
	case 0xD2:
		return kernel->list_handles;
	case DRM_COMMAND_BASE + 0x16:
	case DRM_COMMAND_BASE + 0x17:
	case DRM_COMMAND_BASE + 0x18:
		return kernel->userq_ioctls != 0;
	case DRM_COMMAND_BASE + 0x19:
		return kernel->list_handles;
	default:
		return true;
	}
}

/* The argument's size as the kernel knows it. */
static size_t known_size(const struct soft_kernel *kernel, const struct ioctl_desc *desc)
{
	switch (_IOC_NR(desc->request)) {
	case DRM_COMMAND_BASE + DRM_AMDGPU_GEM_VA:
		return kernel->va_size;
	case DRM_COMMAND_BASE + DRM_AMDGPU_GEM_OP:
		return kernel->gem_op_size;
	case 0xC1:
	case 0xC2:
		return kernel->syncobj_handle_size;
	case 0xC3:
		return kernel->wait_size;
	case 0xCA:
		return kernel->wait_size + 8;
	default:
		return _IOC_SIZE(desc->request);
	}
}

static const struct ioctl_desc *find(const struct soft_kernel *kernel, unsigned nr)
{
	bool driver = nr >= DRM_COMMAND_BASE && nr < DRM_COMMAND_END;
	const struct ioctl_desc *table = driver ? driver_ioctls : core_ioctls;
	size_t count = driver ? sizeof(driver_ioctls) / sizeof(driver_ioctls[0])
			      : sizeof(core_ioctls) / sizeof(core_ioctls[0]);

	for (size_t i = 0; i < count; i++)
		if (_IOC_NR(table[i].request) == nr)
			return known_to_kernel(kernel, nr) ? &table[i] : NULL;
	return NULL;
}

/* drm_ioctl_permit() */
static int permit(const struct soft_file *file, unsigned flags)
{
	if ((flags & ROOT) && geteuid() != 0)
		return -EACCES;
	if ((flags & AUTH) && file->primary && !file->authenticated)
		return -EACCES;
	if ((flags & MASTER) && !file->master)
		return -EACCES;
	if (!(flags & RENDER) && !file->primary)
		return -EACCES;
	return 0;
}

int soft_ioctl(struct soft_file *file, unsigned long request, void *arg)
{
	const struct soft_kernel *kernel = file->device->spec.kernel;
	const struct ioctl_desc *desc = find(kernel, _IOC_NR(request));
	size_t size = _IOC_SIZE(request), in = size, out = size, known;
	union {
		uint64_t align;
		char bytes[512];
	} data;
	int ret;

	atomic_fetch_add_explicit(&file->device->ioctls, 1, memory_order_relaxed);
	if (atomic_load(&file->device->lost))
		return -ENODEV;
	ret = soft_fault_call(file->device, _IOC_NR(request));
	if (ret)
		return ret;
	if (!desc) {
		atomic_fetch_add(&file->device->refused_ioctls, 1);
		return -EINVAL;
	}
	known = known_size(kernel, desc);
	if (!(request & desc->request & ((unsigned long)_IOC_WRITE << _IOC_DIRSHIFT)))
		in = 0;
	if (!(request & desc->request & ((unsigned long)_IOC_READ << _IOC_DIRSHIFT)))
		out = 0;
	/* Bytes beyond what the kernel knows are carried in and out, and nobody looks at them. */
	if (in > sizeof(data) || out > sizeof(data)) {
		in = in > sizeof(data) ? sizeof(data) : in;
		out = out > sizeof(data) ? sizeof(data) : out;
	}
	if (soft_copy_in(data.bytes, (uintptr_t)arg, in))
		return -EFAULT;
	memset(data.bytes + in, 0, sizeof(data) - in);
	(void)known;
	ret = permit(file, desc->flags);
	if (!ret) {
		char beyond[sizeof(data)];

		/* A handler must not see fields that its kernel does not have. */
		if (in > known) {
			memcpy(beyond, data.bytes + known, in - known);
			memset(data.bytes + known, 0, in - known);
		}
		ret = desc->fn(file, data.bytes);
		if (in > known)
			memcpy(data.bytes + known, beyond, in - known);
	}
	if (soft_copy_out((uintptr_t)arg, data.bytes, out))
		return -EFAULT;
	return ret;
}

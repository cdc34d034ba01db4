/* SPDX-License-Identifier: MIT */
/*
 * Buffer objects. A BO is allocated, gets its address and is mapped there in one step, and keeps the address until it
 * is destroyed. Private ones are always valid in the address space; exportable, imported and wrapped ones cannot be
 * (the kernel refuses to export what is always valid), so batches that use them list them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/contents.h"
#include "core/internal.h"

#define LARGE_PAGE_B (2u << 20)
#define MAX_BYTES    (1ull << 46)
#define WINDOW_B     (1ull << 32)

const char *df_bo_label(const struct df_bo *bo)
{
	return bo->name[0] ? bo->name : "unnamed";
}

static uint64_t round_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

static unsigned va_flags(const struct df_bo_desc *desc)
{
	unsigned flags = DF_KMD_VA_READ;

	if (!desc->read_only)
		flags |= DF_KMD_VA_WRITE;
	if (desc->executable)
		flags |= DF_KMD_VA_EXEC;
	if (desc->uncached)
		flags |= DF_KMD_VA_UNCACHED;
	return flags;
}

static struct df_bo *bo_alloc(struct df_device *device, const struct df_bo_desc *desc)
{
	struct df_bo *bo = df_calloc(1, sizeof(*bo));

	if (!bo) {
		df_error_set(-ENOMEM, "df_bo_create: out of memory");
		return NULL;
	}
	bo->device = device;
	bo->size_B = desc->bytes;
	bo->alloc_B = round_up(desc->bytes, device->info.va_align_B);
	bo->domain = desc->domain;
	bo->recovery = desc->recovery ? desc->recovery : DF_BO_SCRATCH;
	bo->unclassed = !desc->recovery;
	bo->dmabuf = -1;
	bo->cpu_access = !desc->no_cpu_access;
	bo->va_flags = va_flags(desc);
	snprintf(bo->name, sizeof(bo->name), "%s", desc->name ? desc->name : "");
	return bo;
}

/* The range of the address space that the hint allows. */
static struct df_va_range hinted_range(const struct df_device *device, const struct df_bo_desc *desc)
{
	const struct df_va_range *va = device->info.va;
	uint64_t window = (uint64_t)desc->va_hi32 << 32;

	switch (desc->va) {
	case DF_VA_LOW:
		return va[0];
	case DF_VA_HIGH:
		return va[1];
	case DF_VA_WINDOW32:
		return (struct df_va_range){window, desc->va_hi32 == UINT32_MAX ? UINT64_MAX : window + WINDOW_B};
	case DF_VA_ANY:
		break;
	}
	return (struct df_va_range){0, UINT64_MAX};
}

/* Gives the BO, whose handle exists, its address and maps it. */
static int bo_place(struct df_bo *bo, const struct df_bo_desc *desc)
{
	struct df_device *device = bo->device;
	struct df_va_range range = hinted_range(device, desc);
	uint64_t align = desc->align_B > device->info.va_align_B ? desc->align_B : device->info.va_align_B;
	int ret;

	/* Large pages of the GPU need aligned addresses. */
	if (bo->alloc_B >= LARGE_PAGE_B && align < LARGE_PAGE_B)
		align = LARGE_PAGE_B;
	pthread_mutex_lock(&device->lock);
	ret = df_va_alloc(&device->va, bo->alloc_B, align, range.start, range.end, &bo->va);
	pthread_mutex_unlock(&device->lock);
	if (ret < 0)
		return df_error_set(ret,
				    "BO %s: no free GPU addresses for %llu bytes. Fix: destroy BOs, or open the device "
				    "with a larger va_reserve_B",
				    df_bo_label(bo), (unsigned long long)bo->alloc_B);
	ret = device->kmd->va_map(device, bo->handle, 0, bo->va, bo->alloc_B, bo->va_flags);
	if (!ret)
		return 0;
	pthread_mutex_lock(&device->lock);
	df_va_free(&device->va, bo->va, bo->alloc_B);
	pthread_mutex_unlock(&device->lock);
	return ret;
}

/* Nothing can fail from here: the BO becomes visible. */
static void bo_publish(struct df_bo *bo, struct df_bo **bo_out)
{
	struct df_device *device = bo->device;

	if (!bo->internal)
		atomic_fetch_add(&device->live.bos, 1);
	pthread_mutex_lock(&device->lock);
	bo->next = device->bos;
	bo->prev = &device->bos;
	if (bo->next)
		bo->next->prev = &bo->next;
	device->bos = bo;
	pthread_mutex_unlock(&device->lock);
	*bo_out = bo;
}

/* Places and publishes a BO that has its handle, or gives up all of it. */
static int bo_finish_creation(struct df_bo *bo, const struct df_bo_desc *desc, struct df_bo **bo_out)
{
	int ret = bo_place(bo, desc);

	if (ret < 0) {
		bo->device->kmd->bo_close(bo->device, bo->handle);
		free(bo);
		return ret;
	}
	bo_publish(bo, bo_out);
	return 0;
}

static int bo_create(struct df_device *device, const struct df_bo_desc *desc, bool exportable, bool internal,
		     struct df_bo **bo_out)
{
	struct df_kmd_bo_desc memory;
	struct df_bo *bo = bo_alloc(device, desc);
	int ret;

	if (!bo)
		return -ENOMEM;
	bo->exportable = exportable;
	bo->internal = internal;
	bo->always_valid = !exportable;
	memory = (struct df_kmd_bo_desc){
		.size_B = bo->alloc_B,
		.align_B = device->info.va_align_B,
		.domain = bo->domain,
		.cpu_access = bo->cpu_access,
		.private_to_vm = bo->always_valid,
	};
	ret = device->kmd->bo_create(device, &memory, &bo->handle);
	if (ret < 0) {
		ret = df_error_within(ret, "BO %s", df_bo_label(bo));
		free(bo);
		return ret;
	}
	return bo_finish_creation(bo, desc, bo_out);
}

/* A BO over memory of the process, which the GPU reads and writes there. */
static int bo_wrap(struct df_device *device, void *memory, const struct df_bo_desc *desc, bool internal,
		   struct df_bo **bo_out)
{
	struct df_bo *bo = bo_alloc(device, desc);
	int ret;

	if (!bo)
		return -ENOMEM;
	bo->userptr = true;
	bo->internal = internal;
	atomic_store(&bo->map, memory);
	atomic_store(&bo->contents.map_taken, true);
	ret = device->kmd->bo_userptr(device, memory, bo->alloc_B, desc->read_only, &bo->handle);
	if (ret < 0) {
		ret = df_error_within(ret, "BO %s", df_bo_label(bo));
		free(bo);
		return ret;
	}
	return bo_finish_creation(bo, desc, bo_out);
}

/* In memory of the process, which is there also when the device is not. */
static int create_surviving(struct df_device *device, const struct df_bo_desc *desc, struct df_bo **bo_out)
{
	uint64_t bytes = round_up(desc->bytes, device->info.va_align_B);
	void *memory = df_map_anonymous(bytes);
	int ret;

	if (!memory)
		return df_error_set(-ENOMEM, "BO %s: out of memory", desc->name);
	ret = bo_wrap(device, memory, desc, true, bo_out);
	if (ret < 0)
		munmap(memory, bytes);
	else
		(*bo_out)->own_memory = true;
	return ret;
}

int df_bo_create_internal(struct df_device *device, const struct df_bo_desc *desc, struct df_bo **bo_out)
{
	if (desc->survives && device->reopenable)
		return create_surviving(device, desc, bo_out);
	return bo_create(device, desc, false, true, bo_out);
}

int df_bo_wrap_internal(struct df_device *device, void *memory, uint64_t bytes, const char *name, struct df_bo **bo_out)
{
	const struct df_bo_desc desc = {.bytes = bytes, .domain = DF_DOMAIN_HOST_CACHED, .name = name};

	return bo_wrap(device, memory, &desc, true, bo_out);
}

static int read_options(const char *what, struct df_device *device, const struct df_bo_options *options,
			struct df_bo_options *copy, struct df_bo_desc *desc)
{
	int ret;

	if (!device)
		return df_error_set(-EINVAL, "%s: device is NULL", what);
	ret = df_options_read(what, options, copy, sizeof(*copy));
	if (ret < 0)
		return ret;
	if ((unsigned)copy->domain > DF_DOMAIN_HOST_WC)
		return df_error_set(-EINVAL, "%s: domain %d does not exist. Fix: one of enum df_domain", what,
				    copy->domain);
	if ((unsigned)copy->recovery > DF_BO_SCRATCH)
		return df_error_set(-EINVAL, "%s: recovery class %d does not exist. Fix: one of enum df_bo_class, or 0",
				    what, copy->recovery);
	if (copy->align_B & (copy->align_B - 1) || copy->align_B > MAX_BYTES)
		return df_error_set(-EINVAL, "%s: align_B %llu is not a power of two up to 2^46", what,
				    (unsigned long long)copy->align_B);
	if (copy->no_cpu_access && copy->domain != DF_DOMAIN_DEVICE)
		return df_error_set(-EINVAL, "%s: no_cpu_access is for DF_DOMAIN_DEVICE only. Fix: leave it out", what);
	*desc = (struct df_bo_desc){
		.align_B = copy->align_B,
		.domain = copy->domain,
		.recovery = copy->recovery,
		.no_cpu_access = copy->no_cpu_access,
		.read_only = copy->recovery == DF_BO_INPUT,
		.name = copy->name,
	};
	return 0;
}

static int check_bytes(const char *what, const struct df_bo_desc *desc)
{
	const char *name = desc->name && desc->name[0] ? desc->name : "unnamed";

	if (!desc->bytes)
		return df_error_set(-EINVAL, "%s: BO %s of 0 bytes. Fix: at least 1", what, name);
	if (desc->bytes > MAX_BYTES)
		return df_error_set(-ENOMEM,
				    "%s: BO %s of %llu bytes is more than any device addresses. Fix: make it smaller",
				    what, name, (unsigned long long)desc->bytes);
	return 0;
}

DF_API int df_bo_create(struct df_device *device, uint64_t bytes, const struct df_bo_options *options,
			struct df_bo **bo_out)
{
	struct df_bo_options copy;
	struct df_bo_desc desc;
	int ret;

	if (!bo_out)
		return df_error_set(-EINVAL, "df_bo_create: bo_out is NULL");
	ret = read_options("df_bo_create", device, options, &copy, &desc);
	if (ret < 0)
		return ret;
	desc.bytes = bytes;
	ret = check_bytes("df_bo_create", &desc);
	if (ret < 0)
		return ret;
	return bo_create(device, &desc, copy.exportable, false, bo_out);
}

DF_API int df_bo_from_memory(struct df_device *device, void *memory, uint64_t bytes,
			     const struct df_bo_options *options, struct df_bo **bo_out)
{
	struct df_bo_options copy;
	struct df_bo_desc desc;
	uint64_t page;
	int ret;

	if (!bo_out)
		return df_error_set(-EINVAL, "df_bo_from_memory: bo_out is NULL");
	ret = read_options("df_bo_from_memory", device, options, &copy, &desc);
	if (ret < 0)
		return ret;
	desc.bytes = bytes;
	ret = check_bytes("df_bo_from_memory", &desc);
	if (ret < 0)
		return ret;
	page = device->info.va_align_B;
	if (!memory || (uintptr_t)memory % page || bytes % page)
		return df_error_set(-EINVAL,
				    "df_bo_from_memory: %p of %llu bytes is not whole pages of %llu. Fix: allocate "
				    "with mmap or aligned_alloc, in whole pages",
				    memory, (unsigned long long)bytes, (unsigned long long)page);
	if (copy.exportable)
		return df_error_set(-EINVAL,
				    "df_bo_from_memory: the caller's memory cannot be exported. Fix: leave out "
				    "exportable, or use df_bo_create");
	if (copy.no_cpu_access || copy.domain == DF_DOMAIN_HOST_WC)
		return df_error_set(-EINVAL,
				    "df_bo_from_memory: the caller's memory is cached host memory. Fix: leave out %s",
				    copy.no_cpu_access ? "no_cpu_access" : "the domain");
	desc.domain = DF_DOMAIN_HOST_CACHED;
	return bo_wrap(device, memory, &desc, false, bo_out);
}

/* The kernel gives the same handle for the same memory: a second BO over it would close it under the first. */
static bool handle_is_known(struct df_device *device, uint32_t handle)
{
	bool known = false;

	pthread_mutex_lock(&device->lock);
	for (const struct df_bo *bo = device->bos; bo && !known; bo = bo->next)
		known = bo->handle == handle;
	pthread_mutex_unlock(&device->lock);
	return known;
}

DF_API int df_bo_import(struct df_device *device, int dmabuf_fd, const struct df_bo_options *options,
			struct df_bo **bo_out)
{
	struct df_bo_options copy;
	struct df_bo_desc desc;
	struct df_bo *bo;
	uint32_t handle;
	int ret;

	if (!bo_out)
		return df_error_set(-EINVAL, "df_bo_import: bo_out is NULL");
	ret = read_options("df_bo_import", device, options, &copy, &desc);
	if (ret < 0)
		return ret;
	if (dmabuf_fd < 0)
		return df_error_set(-EBADF, "df_bo_import: %d is not a file descriptor", dmabuf_fd);
	ret = device->kmd->bo_import(device, dmabuf_fd, &handle);
	if (ret < 0)
		return ret;
	if (handle_is_known(device, handle))
		return df_error_set(-EEXIST,
				    "df_bo_import: dma-buf %d is already a BO of this device. Fix: use that BO",
				    dmabuf_fd);
	ret = device->kmd->bo_size(device, handle, &desc.bytes);
	bo = ret < 0 ? NULL : bo_alloc(device, &desc);
	if (!bo) {
		device->kmd->bo_close(device, handle);
		return ret < 0 ? ret : -ENOMEM;
	}
	bo->handle = handle;
	bo->imported = true;
	bo->exportable = true;
	if (device->reopenable)
		bo->dmabuf = fcntl(dmabuf_fd, F_DUPFD_CLOEXEC, 0);
	atomic_store(&bo->contents.map_taken, true); /* others write it */
	return bo_finish_creation(bo, &desc, bo_out);
}

DF_API int df_bo_export(struct df_bo *bo, int *dmabuf_fd_out)
{
	int ret;

	if (!bo || !dmabuf_fd_out)
		return df_error_set(-EINVAL, "df_bo_export: %s is NULL", bo ? "dmabuf_fd_out" : "bo");
	if (!bo->exportable)
		return df_error_set(-EPERM,
				    "df_bo_export: BO %s is private to the device. Fix: create it with .exportable = "
				    "true",
				    df_bo_label(bo));
	ret = bo->device->kmd->bo_export(bo->device, bo->handle, dmabuf_fd_out);
	if (ret < 0)
		return df_error_within(ret, "BO %s", df_bo_label(bo));
	pthread_mutex_lock(&bo->device->lock);
	bo->exported = true;
	bo->cut_off = bo->cut_off && bo->imported;
	pthread_mutex_unlock(&bo->device->lock);
	return 0;
}

static void bo_free(struct df_bo *bo)
{
	struct df_device *device = bo->device;
	void *map = atomic_load(&bo->map);

	df_contents_finish(bo);
	pthread_mutex_lock(&device->lock);
	*bo->prev = bo->next;
	if (bo->next)
		bo->next->prev = bo->prev;
	pthread_mutex_unlock(&device->lock);
	if (map && !bo->userptr)
		df_node_munmap(device->node, map, bo->alloc_B);
	device->kmd->va_unmap(device, bo->handle, bo->va, bo->alloc_B);
	device->kmd->bo_close(device, bo->handle);
	pthread_mutex_lock(&device->lock);
	df_va_free(&device->va, bo->va, bo->alloc_B);
	pthread_mutex_unlock(&device->lock);
	if (bo->own_memory)
		munmap(map, bo->alloc_B);
	if (bo->dmabuf >= 0)
		close(bo->dmabuf);
	free(bo);
}

DF_API int df_bo_destroy(struct df_bo *bo)
{
	unsigned users;

	if (!bo)
		return 0;
	users = atomic_load(&bo->users);
	if (users)
		return df_error_set(-EBUSY,
				    "df_bo_destroy: BO %s is used by %u batch%s. Fix: destroy or reset %s first",
				    df_bo_label(bo), users, users == 1 ? "" : "es", users == 1 ? "it" : "them");
	atomic_fetch_sub(&bo->device->live.bos, 1);
	bo_free(bo);
	return 0;
}

void df_bo_destroy_internal(struct df_bo *bo)
{
	if (bo)
		bo_free(bo);
}

void df_bo_use(struct df_bo *bo)
{
	atomic_fetch_add(&bo->users, 1);
}

void df_bo_unuse(struct df_bo *bo)
{
	atomic_fetch_sub(&bo->users, 1);
}

DF_API uint64_t df_bo_address(const struct df_bo *bo)
{
	return bo ? bo->va : 0;
}

DF_API uint64_t df_bo_size(const struct df_bo *bo)
{
	return bo ? bo->size_B : 0;
}

DF_API struct df_device *df_bo_device(const struct df_bo *bo)
{
	return bo ? bo->device : NULL;
}

int df_bo_check_range(const struct df_bo *bo, uint64_t offset_B, uint64_t bytes, const char *what)
{
	if (offset_B <= bo->size_B && bytes <= bo->size_B - offset_B)
		return 0;
	return df_error_set(-ERANGE, "%s: %llu bytes from offset %llu are not inside BO %s of %llu bytes", what,
			    (unsigned long long)bytes, (unsigned long long)offset_B, df_bo_label(bo),
			    (unsigned long long)bo->size_B);
}

int df_bo_map_internal(struct df_bo *bo, void **map_out)
{
	struct df_device *device = bo->device;
	void *map = atomic_load_explicit(&bo->map, memory_order_acquire);
	int ret = 0;

	if (map) {
		*map_out = map;
		return 0;
	}
	if (!bo->cpu_access)
		return df_error_set(-EPERM,
				    "df_bo_map: BO %s was created with no_cpu_access. Fix: leave that out, or use "
				    "df_bo_read and df_bo_write",
				    df_bo_label(bo));
	pthread_mutex_lock(&device->lock);
	map = atomic_load_explicit(&bo->map, memory_order_relaxed);
	if (!map)
		ret = device->kmd->bo_map(device, bo->handle, bo->alloc_B, &map);
	if (!ret)
		atomic_store_explicit(&bo->map, map, memory_order_release);
	pthread_mutex_unlock(&device->lock);
	if (ret < 0)
		return df_error_within(ret, "BO %s", df_bo_label(bo));
	*map_out = map;
	return 0;
}

DF_API int df_bo_map(struct df_bo *bo, void **map_out)
{
	int ret;

	if (!bo || !map_out)
		return df_error_set(-EINVAL, "df_bo_map: %s is NULL", bo ? "map_out" : "bo");
	ret = df_bo_map_internal(bo, map_out);
	if (!ret)
		atomic_store_explicit(&bo->contents.map_taken, true, memory_order_relaxed);
	return ret;
}

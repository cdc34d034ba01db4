/* SPDX-License-Identifier: MIT */
/* gem.c - GEM handles and the ioctls on them, and PRIME. Order of checks as in amdgpu_gem.c and drm_prime.c. */
#include "soft.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct soft_bo *soft_gem_lookup(struct soft_file *file, uint32_t handle)
{
	struct soft_gem *gem;
	struct soft_bo *bo = NULL;

	pthread_mutex_lock(&soft_lock);
	gem = soft_table_get(&file->gems, handle);
	if (gem)
		bo = soft_bo_get(gem->bo);
	pthread_mutex_unlock(&soft_lock);
	return bo;
}

/* Takes its own reference. */
int soft_gem_add(struct soft_file *file, struct soft_bo *bo, bool prime, uint32_t *handle_out)
{
	struct soft_gem *gem = calloc(1, sizeof(*gem));
	int ret;

	if (!gem)
		return -ENOMEM;
	gem->bo = bo;
	gem->prime = prime;
	pthread_mutex_lock(&soft_lock);
	ret = soft_table_add(&file->gems, gem, handle_out);
	bo->handles += !ret;
	pthread_mutex_unlock(&soft_lock);
	if (ret)
		free(gem);
	else
		soft_bo_get(bo);
	return ret;
}

int soft_gem_close(struct soft_file *file, uint32_t handle)
{
	struct soft_gem *gem;
	struct soft_bo *bo;
	bool last = true;

	pthread_mutex_lock(&soft_lock);
	gem = soft_table_remove(&file->gems, handle);
	/* Only a BO with other handles may have one in this file. */
	if (gem && --gem->bo->handles)
		for (uint32_t i = 0; last && i < file->gems.count; i++)
			if (file->gems.slots[i] && ((struct soft_gem *)file->gems.slots[i])->bo == gem->bo)
				last = false;
	pthread_mutex_unlock(&soft_lock);
	if (!gem)
		return -EINVAL;
	bo = gem->bo;
	free(gem);
	if (last)
		soft_va_close_bo(file, bo);
	soft_bo_put(bo);
	return 0;
}

int soft_gem_close_ioctl(struct soft_file *file, void *arg)
{
	const struct drm_gem_close *args = arg;

	return soft_gem_close(file, args->handle);
}

static bool domains_valid(uint32_t domains)
{
	uint32_t normal = AMDGPU_GEM_DOMAIN_CPU | AMDGPU_GEM_DOMAIN_GTT | AMDGPU_GEM_DOMAIN_VRAM;
	uint32_t special = domains & ~normal;

	return !special || (!(domains & normal) && !(special & (special - 1)));
}

int soft_gem_create_ioctl(struct soft_file *file, void *arg)
{
	const struct soft_kernel *kernel = file->device->spec.kernel;
	union drm_amdgpu_gem_create *args = arg;
	uint64_t flags = args->in.domain_flags;
	uint32_t special = AMDGPU_GEM_DOMAIN_GDS | AMDGPU_GEM_DOMAIN_GWS | AMDGPU_GEM_DOMAIN_OA;
	uint32_t handle, domains = (uint32_t)args->in.domains;
	struct soft_bo *bo;
	int ret;

	if ((flags & ~(uint64_t)kernel->gem_flags) || (args->in.domains & ~(uint64_t)kernel->gem_domains) ||
	    !domains_valid(domains)) {
		atomic_fetch_add(&file->device->refused_flags, 1);
		return -EINVAL;
	}
	if (flags & AMDGPU_GEM_CREATE_ENCRYPTED) /* TMZ is off on navi21 and vangogh by default */
		return -EINVAL;
	if (kernel->always_clears)
		flags |= AMDGPU_GEM_CREATE_VRAM_CLEARED;
	if (domains & special) {
		if (flags & AMDGPU_GEM_CREATE_VM_ALWAYS_VALID)
			return -EINVAL;
		flags |= AMDGPU_GEM_CREATE_NO_CPU_ACCESS;
	}
	if (domains & ABI_GEM_DOMAIN_DOORBELL) /* no doorbell aperture: nothing to allocate from */
		return -ENOMEM;
	ret = soft_bo_create(file, args->in.bo_size, args->in.alignment, domains, (uint32_t)flags, &bo);
	if (ret && domains == AMDGPU_GEM_DOMAIN_VRAM)
		ret = soft_bo_create(file, args->in.bo_size, args->in.alignment, domains | AMDGPU_GEM_DOMAIN_GTT,
				     (uint32_t)flags, &bo);
	if (ret)
		return ret;
	ret = soft_gem_add(file, bo, false, &handle);
	soft_bo_put(bo);
	if (ret)
		return ret;
	memset(args, 0, sizeof(*args));
	args->out.handle = handle;
	return 0;
}

int soft_gem_mmap_ioctl(struct soft_file *file, void *arg)
{
	union drm_amdgpu_gem_mmap *args = arg;
	struct soft_bo *bo = soft_gem_lookup(file, args->in.handle);
	int ret = 0;

	memset(args, 0, sizeof(*args));
	if (!bo)
		return -ENOENT;
	if (bo->userptr || (bo->flags & AMDGPU_GEM_CREATE_NO_CPU_ACCESS))
		ret = -EPERM;
	else
		args->out.addr_ptr = bo->mmap_offset;
	soft_bo_put(bo);
	return ret;
}

/* Whether every page is there: what AMDGPU_GEM_USERPTR_VALIDATE finds out. */
static int pages_present(uint64_t addr, uint64_t size)
{
	unsigned char seen[256];
	uint64_t step = sizeof(seen) * SOFT_PAGE;

	for (uint64_t at = 0; at < size; at += step) {
		uint64_t length = size - at < step ? size - at : step;

		if (mincore((void *)(uintptr_t)(addr + at), (size_t)length, seen))
			return errno == ENOMEM ? -EFAULT : -errno;
	}
	return 0;
}

int soft_gem_userptr_ioctl(struct soft_file *file, void *arg)
{
	struct drm_amdgpu_gem_userptr *args = arg;
	uint32_t known = AMDGPU_GEM_USERPTR_READONLY | AMDGPU_GEM_USERPTR_ANONONLY | AMDGPU_GEM_USERPTR_VALIDATE |
			 AMDGPU_GEM_USERPTR_REGISTER;
	uint64_t top = 1ull << 47;
	struct soft_bo *bo;
	int ret;

	if ((args->addr | args->size) & (SOFT_PAGE - 1))
		return -EINVAL;
	if (args->addr >= top || args->size > top - args->addr) {
		if (file->device->spec.kernel->always_clears) /* access_ok() came after 6.1 */
			return -EFAULT;
	}
	if (args->flags & ~known) {
		atomic_fetch_add(&file->device->refused_flags, 1);
		return -EINVAL;
	}
	if (!(args->flags & AMDGPU_GEM_USERPTR_READONLY) && !(args->flags & AMDGPU_GEM_USERPTR_REGISTER))
		return -EACCES;
	if ((args->flags & AMDGPU_GEM_USERPTR_VALIDATE) && (ret = pages_present(args->addr, args->size)))
		return ret;
	ret = soft_bo_userptr(file, args->addr, args->size, args->flags, &bo);
	if (ret)
		return ret;
	ret = soft_gem_add(file, bo, false, &args->handle);
	soft_bo_put(bo);
	return ret;
}

int soft_gem_wait_idle_ioctl(struct soft_file *file, void *arg)
{
	union drm_amdgpu_gem_wait_idle *args = arg;
	int64_t deadline = soft_deadline(args->in.timeout);
	struct soft_bo *bo = soft_gem_lookup(file, args->in.handle);
	bool idle;

	if (!bo)
		return -ENOENT;
	pthread_mutex_lock(&soft_lock);
	while (!(idle = soft_resv_idle(bo->resv)))
		if (soft_wait_until(deadline)) {
			idle = soft_resv_idle(bo->resv);
			break;
		}
	pthread_mutex_unlock(&soft_lock);
	memset(args, 0, sizeof(*args));
	args->out.status = !idle;
	soft_bo_put(bo);
	return 0;
}

int soft_gem_metadata_ioctl(struct soft_file *file, void *arg)
{
	struct drm_amdgpu_gem_metadata *args = arg;
	struct soft_bo *bo = soft_gem_lookup(file, args->handle);
	int ret = -1; /* the kernel's own answer to an op that it does not know is that of bo_reserve: 0 */

	if (!bo)
		return -ENOENT;
	pthread_mutex_lock(&soft_lock);
	ret = 0;
	if (args->op == AMDGPU_GEM_METADATA_OP_GET_METADATA) {
		args->data.tiling_info = bo->tiling;
		args->data.data_size_bytes = bo->metadata_size;
		memcpy(args->data.data, bo->metadata, bo->metadata_size);
		args->data.flags = bo->metadata_flags;
	} else if (args->op == AMDGPU_GEM_METADATA_OP_SET_METADATA) {
		if (args->data.data_size_bytes > sizeof(args->data.data)) {
			ret = -EINVAL;
		} else {
			bo->tiling = args->data.tiling_info;
			bo->metadata_size = args->data.data_size_bytes;
			if (bo->metadata_size) {
				bo->metadata_flags = args->data.flags;
				memcpy(bo->metadata, args->data.data, bo->metadata_size);
			}
		}
	}
	pthread_mutex_unlock(&soft_lock);
	soft_bo_put(bo);
	return ret;
}

static int get_create_info(struct soft_bo *bo, uint64_t value)
{
	struct drm_amdgpu_gem_create_in info = {
		.bo_size = bo->size, .alignment = bo->alignment, .domains = bo->preferred, .domain_flags = bo->flags};

	return soft_copy_out(value, &info, sizeof(info));
}

static int set_placement(struct soft_bo *bo, uint64_t value)
{
	uint32_t domains = (uint32_t)value & (AMDGPU_GEM_DOMAIN_VRAM | AMDGPU_GEM_DOMAIN_GTT | AMDGPU_GEM_DOMAIN_CPU);

	if (bo->imported && (value & AMDGPU_GEM_DOMAIN_VRAM))
		return -EINVAL;
	if (bo->userptr)
		return -EPERM;
	pthread_mutex_lock(&soft_lock);
	bo->preferred = bo->allowed = domains;
	if (domains == AMDGPU_GEM_DOMAIN_VRAM)
		bo->allowed |= AMDGPU_GEM_DOMAIN_GTT;
	pthread_mutex_unlock(&soft_lock);
	return 0;
}

static int get_mapping_info(struct soft_file *file, struct soft_bo *bo, struct abi_gem_op *args)
{
	uint32_t room = args->num_entries, count = 0;
	int ret = 0;

	if (room > INT32_MAX / sizeof(struct abi_gem_vm_entry))
		return -EINVAL;
	pthread_mutex_lock(&file->va_lock);
	for (unsigned i = 0; i < file->va.count; i++)
		count += file->va.maps[i].bo == bo;
	for (unsigned i = 0, at = 0; !ret && count <= room && i < file->va.count; i++) {
		const struct soft_mapping *map = &file->va.maps[i];
		struct abi_gem_vm_entry entry = {map->start * SOFT_PAGE, (map->last - map->start + 1) * SOFT_PAGE,
						 map->offset, map->flags};

		if (map->bo == bo)
			ret = soft_copy_out(args->value + at++ * sizeof(entry), &entry, sizeof(entry));
	}
	pthread_mutex_unlock(&file->va_lock);
	args->num_entries = count;
	return ret;
}

int soft_gem_op_ioctl(struct soft_file *file, void *arg)
{
	struct abi_gem_op *args = arg;
	struct soft_bo *bo;
	int ret;

	if (args->padding)
		return -EINVAL;
	bo = soft_gem_lookup(file, args->handle);
	if (!bo)
		return -ENOENT;
	if (args->op == AMDGPU_GEM_OP_GET_GEM_CREATE_INFO)
		ret = get_create_info(bo, args->value);
	else if (args->op == AMDGPU_GEM_OP_SET_PLACEMENT)
		ret = set_placement(bo, args->value);
	else if (args->op == ABI_GEM_OP_GET_MAPPING_INFO && file->device->spec.kernel->list_handles)
		ret = get_mapping_info(file, bo, args);
	else
		ret = -EINVAL;
	soft_bo_put(bo);
	return ret;
}

int soft_gem_list_handles_ioctl(struct soft_file *file, void *arg)
{
	struct abi_gem_list_handles *args = arg;
	uint32_t count = 0;
	int ret = 0;

	pthread_mutex_lock(&soft_lock);
	for (uint32_t i = 0; i < file->gems.count; i++)
		count += file->gems.slots[i] != NULL;
	for (uint32_t i = 0, at = 0; !ret && args->num_entries >= count && i < file->gems.count; i++) {
		const struct soft_gem *gem = file->gems.slots[i];
		struct abi_gem_list_handles_entry entry;

		if (!gem)
			continue;
		entry = (struct abi_gem_list_handles_entry){.gem_handle = i + 1,
							    .flags = gem->bo->imported ? ABI_LIST_HANDLES_IS_IMPORT : 0,
							    .size = gem->bo->size,
							    .preferred_domains = gem->bo->preferred,
							    .alloc_flags = gem->bo->flags &
									   file->device->spec.kernel->gem_flags,
							    .alignment = gem->bo->alignment};
		ret = soft_copy_out(args->entries + at++ * sizeof(entry), &entry, sizeof(entry));
	}
	pthread_mutex_unlock(&soft_lock);
	args->num_entries = count;
	return ret;
}

/* drm_gem_flink_ioctl(): a BO's name is the same for all who ask, while it lives. */
int soft_gem_flink_ioctl(struct soft_file *file, void *arg)
{
	struct drm_gem_flink *args = arg;
	struct soft_gem *gem;

	pthread_mutex_lock(&soft_lock);
	gem = soft_table_get(&file->gems, args->handle);
	if (gem && !gem->bo->name)
		gem->bo->name = ++file->device->names;
	args->name = gem ? gem->bo->name : 0;
	pthread_mutex_unlock(&soft_lock);
	return gem ? 0 : -ENOENT;
}

/* drm_gem_open_ioctl(): a new handle each time. The table's lock keeps a BO on the list from going away. */
int soft_gem_open_ioctl(struct soft_file *file, void *arg)
{
	struct drm_gem_open *args = arg;
	struct soft_bo *bo;
	int ret;

	pthread_mutex_lock(&soft_lock);
	for (bo = file->device->bos; bo; bo = bo->next)
		if (args->name && bo->name == args->name && atomic_load(&bo->refs))
			break;
	bo = bo ? soft_bo_get(bo) : NULL;
	pthread_mutex_unlock(&soft_lock);
	if (!bo)
		return -ENOENT;
	if (bo->always && bo->always != file) /* amdgpu_gem_object_open() */
		ret = -EPERM;
	else
		ret = soft_gem_add(file, bo, false, &args->handle);
	if (!ret)
		args->size = bo->size;
	soft_bo_put(bo);
	return ret;
}

int soft_prime_to_fd_ioctl(struct soft_file *file, void *arg)
{
	struct drm_prime_handle *args = arg;
	struct soft_gem *gem;
	int ret;

	if (args->flags & ~(uint32_t)(DRM_CLOEXEC | DRM_RDWR))
		return -EINVAL;
	pthread_mutex_lock(&soft_lock);
	gem = soft_table_get(&file->gems, args->handle);
	if (!gem)
		ret = -ENOENT;
	else if (gem->bo->userptr || gem->bo->always)
		ret = -EPERM;
	else
		ret = soft_bo_fd(gem->bo, (int)args->flags);
	if (ret >= 0) {
		gem->prime = true;
		args->fd = ret;
		ret = 0;
	}
	pthread_mutex_unlock(&soft_lock);
	return ret;
}

/* A BO of another device or process, or one that lives on only in its descriptor. */
static int import_foreign(struct soft_file *file, int fd, const struct stat *st, struct soft_bo **bo_out)
{
	char path[64], target[96];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return -EINVAL;
	target[length] = '\0';
	if (strncmp(target, "/memfd:drumfire-bo", 18) && strncmp(target, "/dmabuf:", 8))
		return -EINVAL; /* no dma-buf */
	if (st->st_size <= 0)
		return -EINVAL;
	return soft_bo_import(file, fd, (uint64_t)st->st_size, bo_out);
}

int soft_prime_to_handle_ioctl(struct soft_file *file, void *arg)
{
	struct drm_prime_handle *args = arg;
	struct soft_bo *bo;
	struct stat st;
	int ret = 0;

	if (fstat(args->fd, &st))
		return -EBADF;
	pthread_mutex_lock(&soft_lock);
	bo = soft_bo_find_inode(file->device, st.st_ino);
	for (uint32_t i = 0; bo && i < file->gems.count; i++) {
		const struct soft_gem *gem = file->gems.slots[i];

		if (gem && gem->prime && gem->bo == bo) {
			args->handle = i + 1;
			pthread_mutex_unlock(&soft_lock);
			soft_bo_put(bo);
			return 0;
		}
	}
	pthread_mutex_unlock(&soft_lock);
	if (!bo)
		ret = import_foreign(file, args->fd, &st, &bo);
	if (ret)
		return ret;
	ret = soft_gem_add(file, bo, true, &args->handle);
	soft_bo_put(bo);
	return ret;
}

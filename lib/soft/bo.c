/* SPDX-License-Identifier: MIT */
/*
 * bo.c - buffer objects: their memory, placement and accounting.
 *
 * A BO that can be shared is a memfd, kept open while few are (its descriptor is what PRIME hands out); one that is
 * always valid in one address space, and those beyond the budget of descriptors, are anonymous shared memory. Either
 * kind is mapped once here, for the GPU; what user space maps is a second view of the same pages.
 */
#include "soft.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MMAP_FIRST (1ull << 32) /* DRM_FILE_PAGE_OFFSET_START */

static unsigned fds_kept;

static bool may_keep_fd(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return false;
	return fds_kept < limit.rlim_cur / 4;
}

/* amdgpu_bo_create(): special domains count in units, the others in pages. */
static int round_size(uint64_t *size, uint64_t *alignment, uint32_t domains)
{
	uint64_t shift = 0;

	if (domains & (AMDGPU_GEM_DOMAIN_GWS | AMDGPU_GEM_DOMAIN_OA)) {
		shift = 12;
	} else if (domains & AMDGPU_GEM_DOMAIN_GDS) {
		*size = (*size + 3) & ~3ull;
		shift = 12;
	} else {
		if (*size > UINT64_MAX - SOFT_PAGE)
			*size = 0; /* ALIGN() wraps */
		*size = (*size + SOFT_PAGE - 1) & ~(SOFT_PAGE - 1);
		*alignment = (*alignment + SOFT_PAGE - 1) & ~(SOFT_PAGE - 1);
	}
	if (*size > (UINT64_MAX >> 13) >> shift)
		return -ENOMEM;
	*size <<= shift;
	return 0;
}

/* amdgpu_bo_validate_size() */
static bool size_fits(const struct soft_device *device, uint64_t size, uint32_t domains)
{
	if (domains & AMDGPU_GEM_DOMAIN_GTT)
		return size < device->spec.gtt_B;
	if (domains & AMDGPU_GEM_DOMAIN_VRAM)
		return size < device->spec.vram_B;
	return true;
}

/* Where the BO goes, charged. soft_lock is held. */
static int place(struct soft_bo *bo)
{
	struct soft_device *device = bo->device;

	if ((bo->preferred & AMDGPU_GEM_DOMAIN_VRAM) && device->vram_used + bo->size <= device->spec.vram_B) {
		device->vram_used += bo->size;
		bo->placed = AMDGPU_GEM_DOMAIN_VRAM;
	} else if (bo->allowed & AMDGPU_GEM_DOMAIN_GTT) {
		if (device->gtt_used + bo->size > device->spec.gtt_B)
			return -ENOMEM;
		device->gtt_used += bo->size;
		bo->placed = AMDGPU_GEM_DOMAIN_GTT;
		device->evictions += (bo->preferred & AMDGPU_GEM_DOMAIN_GTT) ? 0 : 1;
	} else if (bo->allowed & AMDGPU_GEM_DOMAIN_VRAM) {
		return -ENOMEM;
	} else {
		bo->placed = AMDGPU_GEM_DOMAIN_CPU;
	}
	return 0;
}

static void uncharge(struct soft_bo *bo)
{
	if (bo->placed == AMDGPU_GEM_DOMAIN_VRAM)
		bo->device->vram_used -= bo->size;
	else if (bo->placed == AMDGPU_GEM_DOMAIN_GTT)
		bo->device->gtt_used -= bo->size;
}

static void *map_fd(int fd, uint64_t size)
{
	void *host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);

	return host == MAP_FAILED ? NULL : host;
}

/*
 * Memory of BOs without a descriptor of their own: ranges of one sparse file, so that a BO can be mapped any number of
 * times. Ranges are never used twice; a freed one gives its pages back. Guarded by pool_lock.
 */
#define POOL_SIZE (1ull << 46)
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static int pool_fd = -1;
static uint64_t pool_next;

static int pool_take(uint64_t size, uint64_t *offset_out)
{
	int ret = -ENOMEM;

	size = (size + SOFT_PAGE - 1) & ~(uint64_t)(SOFT_PAGE - 1);
	pthread_mutex_lock(&pool_lock);
	if (pool_fd < 0) {
		pool_fd = memfd_create("drumfire-memory", MFD_CLOEXEC);
		if (pool_fd >= 0 && ftruncate(pool_fd, (off_t)POOL_SIZE)) {
			close(pool_fd);
			pool_fd = -1;
		}
	}
	if (pool_fd >= 0 && size <= POOL_SIZE - pool_next) {
		*offset_out = pool_next;
		pool_next += size;
		ret = 0;
	}
	pthread_mutex_unlock(&pool_lock);
	return ret;
}

static void pool_give(uint64_t offset, uint64_t size)
{
	if (fallocate(pool_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size))
		errno = 0; /* the pages stay until the process ends */
}

static int back(struct soft_bo *bo, bool shareable)
{
	if (!shareable || !may_keep_fd()) {
		if (pool_take(bo->size, &bo->pool_offset))
			return -ENOMEM;
		bo->host = mmap(NULL, bo->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, pool_fd,
				(off_t)bo->pool_offset);
		if (bo->host == MAP_FAILED)
			bo->host = NULL;
		return bo->host ? 0 : -ENOMEM;
	}
	bo->fd = memfd_create("drumfire-bo", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (bo->fd < 0)
		return back(bo, false);
	if (!ftruncate(bo->fd, (off_t)bo->size)) {
		fcntl(bo->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
		bo->host = map_fd(bo->fd, bo->size);
	}
	if (bo->host) {
		fds_kept++;
		return 0;
	}
	close(bo->fd);
	bo->fd = -1;
	return -ENOMEM;
}

static struct soft_bo *bo_new(struct soft_file *file, uint64_t size)
{
	struct soft_bo *bo = calloc(1, sizeof(*bo));

	if (!bo)
		return NULL;
	bo->refs = 1;
	bo->device = file->device;
	bo->size = size;
	bo->fd = -1;
	bo->resv = &bo->resv_own;
	return bo;
}

/* Into the device's list, with an mmap offset. soft_lock is held. */
static void bo_publish(struct soft_bo *bo)
{
	struct soft_device *device = bo->device;

	bo->mmap_offset = MMAP_FIRST + device->next_mmap;
	device->next_mmap += (bo->size + SOFT_PAGE - 1) & ~(SOFT_PAGE - 1);
	bo->next = device->bos;
	bo->link = &device->bos;
	if (bo->next)
		bo->next->link = &bo->next;
	device->bos = bo;
	device->bo_count++;
}

int soft_bo_create(struct soft_file *file, uint64_t size, uint64_t alignment, uint32_t domains, uint32_t flags,
		   struct soft_bo **bo_out)
{
	bool always = flags & AMDGPU_GEM_CREATE_VM_ALWAYS_VALID;
	bool special = domains & (AMDGPU_GEM_DOMAIN_GDS | AMDGPU_GEM_DOMAIN_GWS | AMDGPU_GEM_DOMAIN_OA);
	struct soft_bo *bo;
	int ret = round_size(&size, &alignment, domains);

	if (ret)
		return ret;
	if (!size_fits(file->device, size, domains))
		return -ENOMEM;
	if (!size)
		return -ENOSPC; /* drm_vma_offset_add() of no pages */
	bo = bo_new(file, size);
	if (!bo)
		return -ENOMEM;
	bo->alignment = alignment;
	bo->preferred = bo->allowed = domains;
	bo->flags = flags & ~(uint32_t)AMDGPU_GEM_CREATE_CPU_ACCESS_REQUIRED; /* a hint, forgotten after placing */
	if (!(flags & ABI_GEM_DISCARDABLE) && domains == AMDGPU_GEM_DOMAIN_VRAM)
		bo->allowed |= AMDGPU_GEM_DOMAIN_GTT;
	if (always) {
		bo->always = file;
		bo->resv = &file->resv;
	}
	if (!special)
		ret = back(bo, !always);
	pthread_mutex_lock(&soft_lock);
	if (!ret)
		ret = special ? 0 : place(bo);
	if (!ret)
		bo_publish(bo);
	pthread_mutex_unlock(&soft_lock);
	if (ret) {
		if (bo->host)
			munmap(bo->host, bo->size);
		if (bo->fd >= 0)
			close(bo->fd);
		free(bo);
		return ret;
	}
	*bo_out = bo;
	return 0;
}

int soft_bo_userptr(struct soft_file *file, uint64_t addr, uint64_t size, uint32_t flags, struct soft_bo **bo_out)
{
	struct soft_bo *bo;

	if (!size)
		return -ENOSPC;
	if (size >= file->device->spec.gtt_B)
		return -ENOMEM;
	bo = bo_new(file, size);
	if (!bo)
		return -ENOMEM;
	bo->host = (void *)(uintptr_t)addr;
	bo->userptr = true;
	bo->readonly = flags & AMDGPU_GEM_USERPTR_READONLY;
	bo->preferred = bo->allowed = AMDGPU_GEM_DOMAIN_GTT;
	bo->placed = AMDGPU_GEM_DOMAIN_CPU;
	pthread_mutex_lock(&soft_lock);
	bo_publish(bo);
	pthread_mutex_unlock(&soft_lock);
	*bo_out = bo;
	return 0;
}

int soft_bo_import(struct soft_file *file, int fd, uint64_t size, struct soft_bo **bo_out)
{
	struct soft_bo *bo = bo_new(file, size);
	struct stat st;

	if (!bo)
		return -ENOMEM;
	bo->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (bo->fd >= 0)
		bo->host = map_fd(bo->fd, size);
	if (!bo->host || fstat(bo->fd, &st)) {
		if (bo->fd >= 0)
			close(bo->fd);
		free(bo);
		return -ENOMEM;
	}
	bo->inode = st.st_ino;
	bo->imported = true;
	bo->preferred = AMDGPU_GEM_DOMAIN_GTT;
	bo->allowed = AMDGPU_GEM_DOMAIN_GTT;
	bo->placed = AMDGPU_GEM_DOMAIN_CPU;
	pthread_mutex_lock(&soft_lock);
	fds_kept++;
	bo_publish(bo);
	pthread_mutex_unlock(&soft_lock);
	*bo_out = bo;
	return 0;
}

struct soft_bo *soft_bo_get(struct soft_bo *bo)
{
	atomic_fetch_add(&bo->refs, 1);
	return bo;
}

void soft_bo_put(struct soft_bo *bo)
{
	if (!bo || atomic_fetch_sub(&bo->refs, 1) != 1)
		return;
	pthread_mutex_lock(&soft_lock);
	if (atomic_load(&bo->refs)) { /* found again by its inode before the list was locked */
		pthread_mutex_unlock(&soft_lock);
		return;
	}
	if (bo->link)
		*bo->link = bo->next;
	if (bo->link && bo->next)
		bo->next->link = bo->link;
	uncharge(bo);
	soft_resv_clear(&bo->resv_own);
	if (bo->fd >= 0)
		fds_kept--;
	bo->device->bo_count--;
	pthread_cond_broadcast(&soft_cond);
	pthread_mutex_unlock(&soft_lock);
	if (bo->host && !bo->userptr) {
		munmap(bo->host, bo->size);
		if (bo->fd < 0)
			pool_give(bo->pool_offset, bo->size);
	}
	if (bo->fd >= 0)
		close(bo->fd);
	free(bo);
}

/* The BO's memory as a new descriptor, or -errno. */
int soft_bo_fd(struct soft_bo *bo, int flags)
{
	struct stat st;
	int fd = bo->fd, copy;

	if (fd < 0)
		return -EMFILE; /* made when the process was short of descriptors: its memory is part of the pool */
	if (fstat(fd, &st))
		return -errno;
	bo->inode = st.st_ino;
	copy = fcntl(fd, (flags & O_CLOEXEC) ? F_DUPFD_CLOEXEC : F_DUPFD, 3);
	return copy < 0 ? -errno : copy;
}

/* An exported or imported BO of the device, with a reference. soft_lock is held. Other devices make BOs of their own
 * from the descriptor, as drivers do of another's dma-buf. */
struct soft_bo *soft_bo_find_inode(struct soft_device *device, uint64_t inode)
{
	for (struct soft_bo *bo = device->bos; bo; bo = bo->next)
		if (bo->inode == inode && bo->fd >= 0 && atomic_load(&bo->refs))
			return soft_bo_get(bo);
	return NULL;
}

/* Pages that nothing has touched hold zeros, which is garbage enough: they are left alone. */
static void overwrite(unsigned char *host, uint64_t size)
{
	enum { PIECE = 1024 };
	unsigned char present[PIECE];

	for (uint64_t at = 0; at < size; at += PIECE * SOFT_PAGE) {
		const uint64_t bytes = size - at < PIECE * SOFT_PAGE ? size - at : PIECE * SOFT_PAGE;

		if (mincore(host + at, bytes, present))
			memset(present, 1, sizeof(present));
		for (uint64_t page = 0; page * SOFT_PAGE < bytes; page++)
			if (present[page] & 1)
				memset(host + at + page * SOFT_PAGE, 0xdb, SOFT_PAGE);
	}
}

void soft_bo_lose(struct soft_device *device)
{
	for (struct soft_bo *bo = device->bos; bo; bo = bo->next)
		if (bo->placed == AMDGPU_GEM_DOMAIN_VRAM && bo->host)
			overwrite(bo->host, bo->size);
}

/* drm_gem_mmap(): the exact start of a BO, at most its size. */
void *soft_file_mmap(struct soft_file *file, void *addr, size_t size, int prot, int flags, uint64_t offset)
{
	struct soft_bo *bo = NULL;
	void *map = MAP_FAILED;
	int error = 0;
	bool allowed = false;

	pthread_mutex_lock(&soft_lock);
	for (bo = file->device->bos; bo && bo->mmap_offset != offset; bo = bo->next)
		;
	for (uint32_t i = 0; bo && i < file->gems.count; i++)
		allowed |= file->gems.slots[i] && ((struct soft_gem *)file->gems.slots[i])->bo == bo;
	if (bo)
		soft_bo_get(bo);
	pthread_mutex_unlock(&soft_lock);
	if (atomic_load(&file->device->lost))
		error = ENODEV; /* drm_gem_mmap() looks at this first */
	else if (soft_fault_call(file->device, SOFT_FAULT_MMAP))
		error = ENOMEM;
	else if (!bo || !size || size > bo->size)
		error = EINVAL;
	else if (!allowed)
		error = EACCES;
	else if (bo->userptr || (bo->flags & AMDGPU_GEM_CREATE_NO_CPU_ACCESS) || !bo->host)
		error = EPERM;
	else if ((flags & MAP_TYPE) == MAP_PRIVATE && (prot & PROT_WRITE))
		error = EINVAL; /* copy-on-write of device memory */
	if (!error) {
		size = (size + SOFT_PAGE - 1) & ~(size_t)(SOFT_PAGE - 1);
		flags &= ~MAP_ANONYMOUS;
		map = bo->fd >= 0 ? mmap(addr, size, prot, flags, bo->fd, 0)
				  : mmap(addr, size, prot, flags, pool_fd, (off_t)bo->pool_offset);
		error = map == MAP_FAILED ? errno : 0;
		if (!error && soft_map_add(file->device, map, size)) {
			munmap(map, size);
			map = MAP_FAILED;
			error = ENOMEM;
		}
	}
	soft_bo_put(bo);
	if (error)
		errno = error;
	return map;
}

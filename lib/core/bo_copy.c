/* SPDX-License-Identifier: MIT */
/*
 * df_bo_write and df_bo_read. BOs that the CPU can map are copied through the map. The others go through a staging BO
 * and a copy on the GPU, on a context of the library's own, one at a time for a device.
 */
#include <errno.h>
#include <string.h>

#include "core/contents.h"
#include "core/context.h"
#include "core/internal.h"

#define STAGE_B         (1u << 20)
#define COPY_TIMEOUT_NS (60ull * 1000000000u)
#define READ_TRIES      8u

struct copy {
	struct df_bo *stage;
	/* The BO as the copy's batch sees it: the same memory at the same address, without its class, so that INPUT may
	 * be written too. */
	struct df_bo bo;
	struct df_batch *batch;
	void *map;
	bool to_bo;
};

static int copy_init(struct copy *copy, struct df_bo *bo, bool to_bo)
{
	const struct df_bo_desc desc = {.bytes = STAGE_B, .domain = DF_DOMAIN_HOST_CACHED, .name = "staging"};
	struct df_device *device = bo->device;
	int ret = 0;

	*copy = (struct copy){.to_bo = to_bo};
	copy->bo.device = device;
	copy->bo.va = bo->va;
	copy->bo.size_B = bo->size_B;
	copy->bo.alloc_B = bo->alloc_B;
	copy->bo.handle = bo->handle;
	copy->bo.domain = bo->domain;
	copy->bo.recovery = DF_BO_SCRATCH;
	copy->bo.always_valid = bo->always_valid;
	copy->bo.va_flags = bo->va_flags | DF_KMD_VA_WRITE;
	memcpy(copy->bo.name, bo->name, sizeof(bo->name));
	if (!device->copy)
		ret = df_context_create_internal(device, &device->copy);
	if (!ret)
		ret = df_bo_create_internal(device, &desc, &copy->stage);
	if (!ret)
		ret = df_bo_map(copy->stage, &copy->map);
	if (!ret)
		ret = df_batch_create(device, NULL, &copy->batch);
	return ret;
}

static int copy_finish(struct copy *copy, int ret)
{
	int left = df_batch_destroy(copy->batch);

	/* A copy that is still running keeps its memory: leaking it is better than letting the GPU write to another's.
	 */
	if (left < 0)
		return ret < 0 ? ret : left;
	df_bo_destroy_internal(copy->stage);
	return ret;
}

static int run(struct copy *copy, uint64_t offset_B, uint64_t bytes)
{
	struct df_fence *fence = NULL;
	int ret;

	ret = df_batch_reset(copy->batch);
	if (!ret)
		ret = copy->to_bo ? df_batch_copy(copy->batch, &copy->bo, offset_B, copy->stage, 0, bytes)
				  : df_batch_copy(copy->batch, copy->stage, 0, &copy->bo, offset_B, bytes);
	if (!ret)
		ret = df_batch_seal(copy->batch);
	if (!ret)
		ret = df_submit(copy->bo.device->copy, copy->batch, NULL, &fence);
	if (ret < 0)
		return ret;
	ret = df_fence_wait(fence, df_now_ns() + COPY_TIMEOUT_NS, NULL);
	df_fence_put(fence);
	return ret;
}

static int copy_pieces(struct copy *copy, uint64_t offset_B, char *data, size_t bytes)
{
	int ret = 0;

	for (size_t done = 0; done < bytes && !ret;) {
		size_t piece = bytes - done < STAGE_B ? bytes - done : STAGE_B;

		if (copy->to_bo)
			memcpy(copy->map, data + done, piece);
		ret = run(copy, offset_B + done, piece);
		if (!ret && !copy->to_bo)
			memcpy(data + done, copy->map, piece);
		done += piece;
	}
	return ret;
}

/* INPUT BOs are mapped read-only; for the time of a write they are not. The address stays. */
static int set_writable(struct df_bo *bo, bool writable)
{
	unsigned flags = bo->va_flags | DF_KMD_VA_REPLACE | (writable ? DF_KMD_VA_WRITE : 0);

	if (bo->va_flags & DF_KMD_VA_WRITE)
		return 0;
	return bo->device->kmd->va_map(bo->device, bo->handle, 0, bo->va, bo->alloc_B, flags);
}

static int copy_by_gpu(struct df_bo *bo, uint64_t offset_B, char *data, size_t bytes, bool to_bo)
{
	struct df_device *device = bo->device;
	struct copy copy;
	int ret;

	pthread_mutex_lock(&device->copy_lock);
	ret = copy_init(&copy, bo, to_bo);
	if (!ret && to_bo)
		ret = set_writable(bo, true);
	if (!ret) {
		int restored;

		ret = copy_pieces(&copy, offset_B, data, bytes);
		restored = to_bo ? set_writable(bo, false) : 0;
		ret = ret < 0 ? ret : restored;
	}
	ret = copy_finish(&copy, ret);
	pthread_mutex_unlock(&device->copy_lock);
	return ret < 0 ? df_error_within(ret, "BO %s: copy by the GPU", df_bo_label(bo)) : 0;
}

static int check(const char *what, const struct df_bo *bo, uint64_t offset_B, const void *data, size_t bytes)
{
	if (!bo || (!data && bytes))
		return df_error_set(-EINVAL, "%s: %s is NULL", what, bo ? "data" : "bo");
	return df_bo_check_range(bo, offset_B, bytes, what);
}

DF_API int df_bo_write(struct df_bo *bo, uint64_t offset_B, const void *data, size_t bytes)
{
	void *map = NULL;
	int ret = check("df_bo_write", bo, offset_B, data, bytes);

	if (ret < 0 || !bytes)
		return ret;
	ret = df_contents_reserve(bo);
	if (!ret)
		ret = bo->cpu_access ? df_bo_map_internal(bo, &map)
				     : copy_by_gpu(bo, offset_B, (char *)(uintptr_t)data, bytes, true);
	if (ret < 0)
		return ret;
	if (map)
		memcpy((char *)map + offset_B, data, bytes);
	df_contents_written(bo, offset_B, data, bytes);
	return 0;
}

static int read_once(struct df_bo *bo, uint64_t offset_B, void *data, size_t bytes)
{
	void *map;
	int ret;

	if (!bo->cpu_access)
		return copy_by_gpu(bo, offset_B, data, bytes, false);
	ret = df_bo_map_internal(bo, &map);
	if (ret < 0)
		return ret;
	memcpy(data, (const char *)map + offset_B, bytes);
	return 0;
}

/* Device memory may be lost at any moment, also by another process: what is kept of it is put back and read again. */
DF_API int df_bo_read(struct df_bo *bo, uint64_t offset_B, void *data, size_t bytes)
{
	uint64_t restored = 0;
	int ret = check("df_bo_read", bo, offset_B, data, bytes);

	if (ret < 0 || !bytes)
		return ret;
	if (bo->domain != DF_DOMAIN_DEVICE || !df_contents_kept(bo))
		return read_once(bo, offset_B, data, bytes);
	for (unsigned i = 0; i < READ_TRIES; i++) {
		ret = df_restore_device_wait(bo->device, &restored);
		if (!ret)
			ret = read_once(bo, offset_B, data, bytes);
		if (ret < 0 || !df_restore_needed(bo->device))
			break;
	}
	return ret;
}

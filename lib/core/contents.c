/* SPDX-License-Identifier: MIT */
/* Images and copies of BOs' contents; contents.h has the rules. */
#include "core/contents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/alloc.h"
#include "core/context.h"

bool df_contents_commits(const struct df_bo *bo)
{
	return bo->recovery == DF_BO_STATE ||
	       (bo->recovery == DF_BO_OUTPUT && (bo->domain == DF_DOMAIN_DEVICE || bo->device->reopenable));
}

bool df_contents_kept(const struct df_bo *bo)
{
	return atomic_load_explicit(&bo->contents.filled, memory_order_relaxed);
}

/* ---- images ---- */

static int image_create(struct df_bo *bo, struct df_bo **image_out)
{
	void *memory = df_map_anonymous(bo->alloc_B);
	int ret;

	if (!memory)
		return df_error_set(-ENOMEM, "BO %s: no host memory for an image of %llu bytes", df_bo_label(bo),
				    (unsigned long long)bo->alloc_B);
	ret = df_bo_wrap_internal(bo->device, memory, bo->alloc_B, "image", image_out);
	if (ret < 0)
		munmap(memory, bo->alloc_B);
	return ret;
}

static void image_destroy(struct df_bo *image)
{
	void *memory;
	uint64_t bytes;

	if (!image)
		return;
	memory = atomic_load(&image->map);
	bytes = image->alloc_B;
	df_bo_destroy_internal(image);
	munmap(memory, bytes);
}

int df_contents_prepare(struct df_bo *bo)
{
	struct df_contents *contents = &bo->contents;
	unsigned count = bo->recovery == DF_BO_STATE ? 2 : 1;
	struct df_bo *image[2] = {NULL, NULL};
	bool taken = false;
	int ret = 0;
	void *map;

	if (contents->image[0])
		return 0;
	/* Recovery maps nothing and allocates nothing. */
	ret = bo->cpu_access ? df_bo_map_internal(bo, &map) : df_restore_prepare_gpu(bo->device);
	for (unsigned i = 0; i < count && !ret; i++)
		ret = image_create(bo, &image[i]);
	if (!ret) {
		pthread_mutex_lock(&bo->device->lock);
		taken = !contents->image[0];
		if (taken) {
			contents->image[1] = image[1];
			contents->image[0] = image[0];
		}
		pthread_mutex_unlock(&bo->device->lock);
	}
	for (unsigned i = 0; i < count && !taken; i++)
		image_destroy(image[i]);
	return ret;
}

void df_contents_finish(struct df_bo *bo)
{
	struct df_contents *contents = &bo->contents;
	struct df_device *device = bo->device;
	struct df_bo *image[2] = {contents->image[0], contents->image[1]};

	if (!image[0] && !contents->copy && !atomic_load(&contents->lost))
		return;
	/* Nobody is putting its contents back, and nobody will. */
	pthread_mutex_lock(&device->restore_lock);
	contents->image[0] = contents->image[1] = NULL;
	free(contents->copy);
	contents->copy = NULL;
	if (atomic_exchange(&contents->lost, false))
		atomic_fetch_sub(&device->lost_bos, 1);
	pthread_mutex_unlock(&device->restore_lock);
	image_destroy(image[0]);
	image_destroy(image[1]);
}

/* ---- what the host writes ---- */

static bool keeps_copy(const struct df_bo *bo)
{
	return bo->recovery == DF_BO_INPUT && !bo->userptr && !bo->imported &&
	       (bo->domain == DF_DOMAIN_DEVICE || bo->device->reopenable);
}

int df_contents_reserve(struct df_bo *bo)
{
	void *copy, *unused = NULL;

	if (bo->recovery == DF_BO_STATE)
		return df_contents_prepare(bo);
	if (!keeps_copy(bo) || bo->contents.copy)
		return 0;
	/* The GPU puts it back: from memory that it reaches. */
	if (!bo->cpu_access)
		return df_contents_prepare(bo);
	copy = df_calloc(1, bo->alloc_B);
	if (!copy)
		return df_error_set(-ENOMEM, "BO %s: out of memory for the copy that a loss is repaired from",
				    df_bo_label(bo));
	pthread_mutex_lock(&bo->device->lock);
	if (bo->contents.copy)
		unused = copy;
	else
		bo->contents.copy = copy;
	pthread_mutex_unlock(&bo->device->lock);
	free(unused);
	return 0;
}

void df_contents_written(struct df_bo *bo, uint64_t offset_B, const void *data, size_t bytes)
{
	struct df_contents *contents = &bo->contents;
	char *to = contents->copy;

	if (bo->recovery != DF_BO_OUTPUT && contents->image[0])
		to = atomic_load(&contents->image[atomic_load(&contents->verified)]->map);
	if (!to)
		return;
	memcpy(to + offset_B, data, bytes);
	atomic_store(&contents->filled, true);
}

/* ---- submissions ---- */

static int claim_one(struct df_context *context, struct df_bo *bo)
{
	struct df_contents *contents = &bo->contents;

	if (bo->recovery != DF_BO_STATE)
		return 0;
	if (atomic_load(&contents->writer) != context) {
		if (atomic_load(&contents->pending))
			return df_error_set(-EBUSY,
					    "df_submit: STATE BO %s is being written by a batch of another context. "
					    "Fix: wait for its fence first, or write it from one context",
					    df_bo_label(bo));
		atomic_store(&contents->writer, context);
	}
	return 0;
}

int df_contents_claim(struct df_context *context, const struct df_batch_submit *batch)
{
	int ret = 0;

	for (unsigned i = 0; i < batch->commit_count && !ret; i++)
		ret = claim_one(context, batch->commits[i]);
	for (unsigned i = 0; i < batch->commit_count && !ret; i++)
		atomic_fetch_add(&batch->commits[i]->contents.pending, 1);
	return ret;
}

void df_contents_release(const struct df_batch_submit *batch)
{
	for (unsigned i = 0; i < batch->commit_count; i++)
		atomic_fetch_sub(&batch->commits[i]->contents.pending, 1);
}

/*
 * What is written through the caller's map between batches is not seen by the library. Host memory is read before every
 * batch; device memory, which the CPU reads slowly, before the first one only: later changes go through df_bo_write().
 */
static void snapshot_one(struct df_bo *bo)
{
	struct df_contents *contents = &bo->contents;
	bool taken = atomic_load_explicit(&contents->map_taken, memory_order_relaxed);

	if (bo->recovery != DF_BO_STATE)
		return;
	if (taken && (bo->domain != DF_DOMAIN_DEVICE || !atomic_load(&contents->filled)))
		memcpy(atomic_load(&contents->image[atomic_load(&contents->verified)]->map), atomic_load(&bo->map),
		       bo->size_B);
	atomic_store(&contents->filled, true);
}

void df_contents_snapshot(const struct df_batch_submit *batch)
{
	for (unsigned i = 0; i < batch->commit_count; i++)
		snapshot_one(batch->commits[i]);
}

unsigned df_contents_ranges(const struct df_batch_submit *batch, struct df_copy_range *ranges)
{
	for (unsigned i = 0; i < batch->commit_count; i++) {
		const struct df_bo *bo = batch->commits[i];
		unsigned to = bo->recovery == DF_BO_STATE ? !atomic_load(&bo->contents.verified) : 0;

		ranges[i] = (struct df_copy_range){bo->contents.image[to]->va, bo->va, bo->alloc_B};
	}
	return batch->commit_count;
}

void df_contents_commit(const struct df_batch_submit *batch)
{
	for (unsigned i = 0; i < batch->commit_count; i++) {
		struct df_bo *bo = batch->commits[i];

		if (bo->recovery == DF_BO_STATE)
			atomic_fetch_xor(&bo->contents.verified, 1);
		atomic_store(&bo->contents.filled, true);
	}
}

DF_API int df_bo_release(struct df_bo *bo)
{
	if (!bo)
		return df_error_set(-EINVAL, "df_bo_release: bo is NULL");
	if (bo->recovery != DF_BO_OUTPUT)
		return df_error_set(-EINVAL,
				    "df_bo_release: BO %s is not of class OUTPUT. Fix: release only what batches write "
				    "whole",
				    df_bo_label(bo));
	atomic_store(&bo->contents.filled, false);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* What is recorded into a batch: checks of the caller's objects here, packets in the encoder. */
#include <errno.h>
#include <string.h>

#include "core/batch.h"
#include "core/code.h"

/* The hot call: the encoder looks at everything itself, the likely case first. */
DF_API int df_batch_launch(struct df_batch *batch, struct df_kernel *kernel, const uint32_t grid[3], const void *args,
			   size_t args_size_B)
{
	if (__builtin_expect(!batch, 0))
		return df_error_set(-EINVAL, "df_batch_launch: batch is NULL");
	return batch->ops->launch(batch, kernel, grid, args, args_size_B);
}

DF_API int df_batch_launch_indirect(struct df_batch *batch, struct df_kernel *kernel, struct df_bo *grid,
				    uint64_t offset_B, const void *args, size_t args_size_B)
{
	static const char what[] = "df_batch_launch_indirect";
	if (!batch || !kernel || !grid)
		return df_error_set(-EINVAL, "%s: batch, kernel or grid is NULL", what);
	int ret = df_bo_check_range(grid, offset_B, 3 * sizeof(uint32_t), "df_batch_launch_indirect: grid");
	if (ret)
		return ret;
	if (offset_B % 4)
		return df_error_set(
			-EINVAL,
			"%s: the grid's offset %llu is not a multiple of 4. Fix: place the three uint32 aligned", what,
			(unsigned long long)offset_B);
	if (batch->submit.sealed)
		return df_batch_check_open(batch, what);
	ret = df_batch_name_bo(batch, grid, DF_READ, what);
	return ret ? ret : batch->ops->launch_indirect(batch, kernel, grid->va + offset_B, args, args_size_B);
}

DF_API int df_batch_barrier(struct df_batch *batch)
{
	int ret = df_batch_check_open(batch, "df_batch_barrier");
	if (!ret)
		ret = batch->ops->barrier(batch);
	if (!ret)
		batch->barriers++;
	return ret;
}

DF_API int df_batch_copy(struct df_batch *batch, struct df_bo *to, uint64_t to_B, struct df_bo *from, uint64_t from_B,
			 uint64_t bytes)
{
	static const char what[] = "df_batch_copy";
	int ret = df_batch_check_open(batch, what);
	if (ret)
		return ret;
	if (!to || !from)
		return df_error_set(-EINVAL, "%s: a BO is NULL", what);
	ret = df_bo_check_range(to, to_B, bytes, "df_batch_copy: destination");
	if (!ret)
		ret = df_bo_check_range(from, from_B, bytes, "df_batch_copy: source");
	if (ret || !bytes)
		return ret;
	if (to == from && to_B < from_B + bytes && from_B < to_B + bytes)
		return df_error_set(-EINVAL,
				    "%s: source and destination overlap in BO %s. Fix: copy through another BO", what,
				    df_bo_label(to));
	ret = df_batch_name_bo(batch, from, DF_READ, what);
	if (!ret)
		ret = df_batch_name_bo(batch, to, DF_WRITE, what);
	return ret ? ret : batch->ops->copy(batch, to->va + to_B, from->va + from_B, bytes);
}

static int check_target(struct df_batch *batch, struct df_bo *to, uint64_t to_B, uint64_t bytes, unsigned align,
			const char *what)
{
	int ret = df_batch_check_open(batch, what);
	if (ret)
		return ret;
	if (!to)
		return df_error_set(-EINVAL, "%s: BO is NULL", what);
	ret = df_bo_check_range(to, to_B, bytes, what);
	if (ret)
		return ret;
	if (to_B % align)
		return df_error_set(-EINVAL, "%s: offset %llu in BO %s is not a multiple of %u", what,
				    (unsigned long long)to_B, df_bo_label(to), align);
	return 0;
}

DF_API int df_batch_fill(struct df_batch *batch, struct df_bo *to, uint64_t to_B, uint32_t value, uint64_t bytes)
{
	static const char what[] = "df_batch_fill";
	int ret = check_target(batch, to, to_B, bytes, 4, what);
	if (ret)
		return ret;
	if (bytes % 4)
		return df_error_set(-EINVAL, "%s: %llu bytes are not a multiple of 4", what, (unsigned long long)bytes);
	if (!bytes)
		return 0;
	ret = df_batch_name_bo(batch, to, DF_WRITE, what);
	return ret ? ret : batch->ops->fill(batch, to->va + to_B, value, bytes);
}

DF_API int df_batch_timestamp(struct df_batch *batch, struct df_bo *to, uint64_t to_B)
{
	static const char what[] = "df_batch_timestamp";
	int ret = check_target(batch, to, to_B, 8, 8, what);
	if (!ret)
		ret = df_batch_name_bo(batch, to, DF_WRITE, what);
	return ret ? ret : batch->ops->timestamp(batch, to->va + to_B);
}

DF_API int df_batch_write(struct df_batch *batch, struct df_bo *to, uint64_t to_B, uint32_t value)
{
	static const char what[] = "df_batch_write";
	int ret = check_target(batch, to, to_B, 4, 4, what);
	if (!ret)
		ret = df_batch_name_bo(batch, to, DF_WRITE, what);
	return ret ? ret : batch->ops->write(batch, to->va + to_B, value);
}

DF_API int df_batch_wait(struct df_batch *batch, struct df_bo *bo, uint64_t offset_B, enum df_compare compare,
			 uint32_t value, uint32_t mask)
{
	static const char what[] = "df_batch_wait";
	int ret = check_target(batch, bo, offset_B, 4, 4, what);
	if (ret)
		return ret;
	if (compare < DF_LESS || compare > DF_GREATER)
		return df_error_set(-EINVAL, "%s: %d is no comparison. Fix: use DF_LESS to DF_GREATER", what,
				    (int)compare);
	ret = df_batch_name_bo(batch, bo, DF_READ, what);
	return ret ? ret : batch->ops->wait(batch, bo->va + offset_B, compare, value, mask);
}

/* ---- patch points ---- */

static int check_patch(const struct df_batch *batch, const struct df_patch *patch_out, const char *what)
{
	if (!batch || !patch_out)
		return df_error_set(-EINVAL, "%s: batch or patch_out is NULL", what);
	if (batch->submit.sealed)
		return df_error_set(-EPERM, "%s: the batch is sealed. Fix: take patch points while recording", what);
	return 0;
}

DF_API int df_batch_patch_args(struct df_batch *batch, uint32_t offset_B, uint32_t bytes, struct df_patch *patch_out)
{
	static const char what[] = "df_batch_patch_args";
	int ret = check_patch(batch, patch_out, what);
	if (ret)
		return ret;
	if (offset_B % 4 || bytes % 4 || !bytes || bytes > DF_IMAGE_MAX_ARGS_B || offset_B > DF_IMAGE_MAX_ARGS_B)
		return df_error_set(
			-EINVAL,
			"%s: [%u, %u) is not a range of whole dwords of an argument block. Fix: align offset and "
			"length to 4",
			what, offset_B, offset_B + bytes);
	if (batch->patch_count == DF_BATCH_PATCHES)
		return df_error_set(-ENOSPC, "%s: one launch takes at most %u patch points. Fix: patch larger ranges",
				    what, DF_BATCH_PATCHES);
	batch->patches[batch->patch_count++] = (struct df_pending_patch){patch_out, offset_B, bytes};
	batch->same = &df_no_kernel; /* off the short path */
	return 0;
}

DF_API int df_batch_patch_grid(struct df_batch *batch, struct df_patch *patch_out)
{
	int ret = check_patch(batch, patch_out, "df_batch_patch_grid");
	if (ret)
		return ret;
	batch->patch_grid = patch_out;
	batch->same = &df_no_kernel;
	return 0;
}

DF_API void df_patch_store(const struct df_patch *patch, const uint32_t *values)
{
	if (patch && patch->where && values)
		memcpy(patch->where, values, patch->size_dw * sizeof(uint32_t));
}

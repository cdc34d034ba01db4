/* SPDX-License-Identifier: MIT */
/*
 * Batches: their life, their memory, sealing, and the BOs they name. What is recorded, and how, is in commands.c and in
 * the encoder.
 *
 * A chunk of the stream ends in a packet that continues it in the next chunk. That packet needs the next chunk's
 * length, which is known when that one is closed; chain_size remembers where it goes.
 */
#include "core/batch.h"
#include "core/code.h"
#include "core/contents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"

const struct df_kernel df_no_kernel;

enum {
	FIRST_CHUNK_DW = 4096,
	FIRST_ARGS_B = 16384,
	MAX_ARGS_CHUNK_B = 64 << 20,
	/* reserve_launches: a launch that changes everything, and an argument block with its alignment */
	LAUNCH_RESERVE_DW = 64,
	LAUNCH_RESERVE_ARGS_B = 512,
	USED_RESERVE = 256,
};

static uint32_t slack_dw(const struct df_batch *batch)
{
	const struct df_kmd_info *info = &batch->submit.device->info;
	uint32_t align = info->ib_size_align_dw > batch->ops->chain_dw ? info->ib_size_align_dw : batch->ops->chain_dw;
	return batch->ops->chain_dw + align;
}

static uint32_t largest_chunk_dw(const struct df_batch *batch)
{
	const struct df_kmd_info *info = &batch->submit.device->info;
	uint32_t align = info->ib_size_align_dw ? info->ib_size_align_dw : 1;
	return info->max_ib_dw & ~(align - 1);
}

/* ---- chunks of the stream ---- */

static void *grown(void *array, unsigned count, unsigned *capacity, size_t element)
{
	if (count < *capacity)
		return array;
	unsigned wanted = *capacity ? *capacity * 2 : 4;
	void *larger = df_realloc(array, wanted, element);
	if (larger)
		*capacity = wanted;
	return larger;
}

static int add_chunk(struct df_batch *batch, uint32_t capacity_dw)
{
	void *larger = grown(batch->chunks, batch->chunk_count, &batch->chunk_capacity, sizeof(*batch->chunks));
	if (!larger)
		return df_error_set(-ENOMEM, "out of memory for the list of a batch's chunks");
	batch->chunks = larger;
	struct df_stream_chunk chunk = {.capacity_dw = capacity_dw};
	struct df_bo_desc desc = {
		.bytes = (uint64_t)capacity_dw * 4,
		.align_B = batch->submit.device->info.ib_align_B,
		.domain = DF_DOMAIN_HOST_WC,
		.read_only = true,
		.survives = true,
		.name = "stream",
	};
	int ret = df_bo_create_internal(batch->submit.device, &desc, &chunk.bo);
	if (ret)
		return ret;
	void *map;
	ret = df_bo_map(chunk.bo, &map);
	if (ret) {
		df_bo_destroy_internal(chunk.bo);
		return ret;
	}
	chunk.map = map;
	batch->chunks[batch->chunk_count++] = chunk;
	return 0;
}

static void open_chunk(struct df_batch *batch, unsigned i)
{
	struct df_stream_chunk *chunk = &batch->chunks[i];
	batch->chunk = i;
	batch->cursor = chunk->map;
	batch->limit = chunk->map + chunk->capacity_dw - slack_dw(batch);
}

/* Pads the open chunk so that with tail_dw more its length is one that the kernel takes. */
static void pad(struct df_batch *batch, uint32_t tail_dw)
{
	uint32_t align = batch->submit.device->info.ib_size_align_dw;
	uint32_t used = (uint32_t)(batch->cursor - batch->chunks[batch->chunk].map) + tail_dw;
	uint32_t count = align > 1 ? (align - used % align) % align : 0;
	batch->submit.device->enc->nop(batch->cursor, count);
	batch->cursor += count;
}

/* Its length is final: tell whoever leads to it. */
static void close_chunk(struct df_batch *batch)
{
	struct df_stream_chunk *chunk = &batch->chunks[batch->chunk];
	chunk->used_dw = (uint32_t)(batch->cursor - chunk->map);
	batch->closed_dw += chunk->used_dw;
	if (batch->chain_size)
		*batch->chain_size = batch->chain_flags | chunk->used_dw;
	batch->chain_size = NULL;
}

static uint32_t next_capacity(const struct df_batch *batch, uint32_t dw)
{
	uint64_t wanted = FIRST_CHUNK_DW;
	if (batch->chunk_count)
		wanted = (uint64_t)batch->chunks[batch->chunk_count - 1].capacity_dw * 2;
	if (wanted < dw + slack_dw(batch))
		wanted = dw + slack_dw(batch);
	return wanted < largest_chunk_dw(batch) ? (uint32_t)wanted : largest_chunk_dw(batch);
}

int df_batch_next_chunk(struct df_batch *batch, uint32_t dw)
{
	if (!batch->cursor)
		return df_error_set(-EPERM, "the batch is sealed. Fix: df_batch_reset() before recording again");
	if (dw + slack_dw(batch) > largest_chunk_dw(batch))
		return df_error_set(-E2BIG, "an operation of %u dwords does not fit into one IB of the device (%u)", dw,
				    largest_chunk_dw(batch));
	unsigned next = batch->chunk + 1;
	while (next < batch->chunk_count && batch->chunks[next].capacity_dw < dw + slack_dw(batch))
		next++;
	if (next == batch->chunk_count) {
		if (batch->fixed)
			return df_error_set(
				-ENOSPC,
				"the batch's reserved stream is full after %llu launches. Fix: reserve more "
				"(df_batch_options), or submit and reset it",
				(unsigned long long)batch->submit.launches);
		int ret = add_chunk(batch, next_capacity(batch, dw));
		if (ret)
			return ret;
	}
	const struct df_record_ops *ops = batch->ops;
	pad(batch, ops->chain_dw);
	uint32_t *packet = batch->cursor;
	ops->chain(packet, batch->chunks[next].bo->va);
	batch->cursor += ops->chain_dw;
	close_chunk(batch);
	batch->chain_size = packet + ops->chain_size_at;
	batch->chain_flags = ops->chain_flags;
	open_chunk(batch, next);
	return 0;
}

/* ---- argument blocks ---- */

static int add_args(struct df_batch *batch, uint32_t bytes, uint32_t hi32)
{
	void *larger = grown(batch->args, batch->args_count, &batch->args_capacity, sizeof(*batch->args));
	if (!larger)
		return df_error_set(-ENOMEM, "out of memory for the list of a batch's argument chunks");
	batch->args = larger;
	struct df_device *device = batch->submit.device;
	const struct df_va_range *high = &device->info.va[1];
	/* Kernels with 32-bit pointers find their blocks in one 4 GiB window only, and all others do there too. */
	bool window = hi32 || high->end > high->start;
	struct df_bo_desc desc = {
		.bytes = bytes,
		.domain = DF_DOMAIN_HOST_WC,
		.read_only = true,
		.survives = true,
		.va = window ? DF_VA_WINDOW32 : DF_VA_ANY,
		.va_hi32 = hi32 ? hi32 : (uint32_t)(high->start >> 32),
		.name = "arguments",
	};
	struct df_args_chunk chunk = {.size_B = bytes};
	int ret = df_bo_create_internal(device, &desc, &chunk.bo);
	if (ret)
		return ret;
	void *map;
	ret = df_bo_map(chunk.bo, &map);
	if (ret) {
		df_bo_destroy_internal(chunk.bo);
		return ret;
	}
	chunk.map = map;
	batch->args[batch->args_count++] = chunk;
	return 0;
}

static bool args_fit(const struct df_batch *batch, unsigned i, uint32_t at, uint32_t bytes, uint32_t hi32)
{
	const struct df_args_chunk *chunk = &batch->args[i];
	return chunk->size_B - at >= bytes && (!hi32 || chunk->bo->va >> 32 == hi32);
}

int df_batch_args_room(struct df_batch *batch, uint32_t bytes, uint32_t hi32)
{
	if (!bytes || (batch->args_count && args_fit(batch, batch->args_chunk, batch->args_at_B, bytes, hi32)))
		return 0;
	unsigned next = batch->args_count ? batch->args_chunk + 1 : 0;
	while (next < batch->args_count && !args_fit(batch, next, 0, bytes, hi32))
		next++;
	if (next == batch->args_count) {
		if (batch->fixed)
			return df_error_set(
				-ENOSPC,
				"the batch's reserved argument memory is full after %llu launches. Fix: reserve "
				"more (df_batch_options.reserve_args_B), or submit and reset it",
				(unsigned long long)batch->submit.launches);
		uint64_t wanted = next ? (uint64_t)batch->args[next - 1].size_B * 2 : FIRST_ARGS_B;
		if (wanted < bytes)
			wanted = bytes;
		int ret = add_args(batch, wanted < MAX_ARGS_CHUNK_B ? (uint32_t)wanted : MAX_ARGS_CHUNK_B, hi32);
		if (ret)
			return ret;
	}
	if (batch->args_count > 1)
		batch->args_closed_B += batch->args_at_B;
	batch->args_chunk = next;
	batch->args_at_B = 0;
	return 0;
}

void *df_batch_args_take(struct df_batch *batch, uint32_t bytes, uint32_t align_B, uint64_t *va_out)
{
	struct df_args_chunk *chunk = &batch->args[batch->args_chunk];
	uint32_t at = (batch->args_at_B + align_B - 1) & ~(align_B - 1);
	batch->args_at_B = at + bytes;
	*va_out = chunk->bo->va + at;
	return chunk->map + at;
}

/* ---- BOs that the submission must list ---- */

static int room_external(struct df_batch *batch, unsigned more)
{
	struct df_batch_submit *submit = &batch->submit;
	if (submit->external_count + more <= batch->external_capacity)
		return 0;
	unsigned capacity = (submit->external_count + more) * 2;
	struct df_bo **external = df_realloc(submit->external, capacity, sizeof(struct df_bo *));
	if (!external)
		return df_error_set(-ENOMEM, "out of memory for the list of a batch's BOs");
	submit->external = external;
	uint32_t *handles = df_realloc(submit->external_handles, capacity, sizeof(*handles));
	if (!handles)
		return df_error_set(-ENOMEM, "out of memory for the list of a batch's BOs");
	submit->external_handles = handles;
	batch->external_capacity = capacity;
	return 0;
}

static void list_external(struct df_batch *batch, struct df_bo *bo)
{
	struct df_batch_submit *submit = &batch->submit;
	if (bo->always_valid)
		return;
	df_batch_refresh(submit);
	submit->external_handles[submit->external_count] = bo->handle;
	submit->external[submit->external_count++] = bo;
}

/* ---- life ---- */

static void start(struct df_batch *batch)
{
	batch->submit.sealed = false;
	batch->submit.launches = 0;
	batch->submit.not_repeatable = false;
	batch->barriers = 0;
	batch->marker_due = batch->marker_interval ? batch->marker_interval : UINT64_MAX;
	batch->restart_count = 0;
	batch->closed_dw = 0;
	batch->chain_size = NULL;
	batch->args_chunk = 0;
	batch->args_at_B = 0;
	batch->args_closed_B = 0;
	batch->patch_count = 0;
	batch->patch_grid = NULL;
	batch->same = &df_no_kernel;
	batch->empty = true;
	open_chunk(batch, 0);
	batch->ops->begin(batch);
}

static void forget_bos(struct df_batch *batch)
{
	for (unsigned i = 0; i < batch->used_count; i++)
		df_bo_unuse(batch->used[i]);
	batch->used_count = 0;
	batch->submit.external_count = 0;
	batch->submit.commit_count = 0;
	batch->submit.commits_state = false;
}

static void release(struct df_batch *batch)
{
	forget_bos(batch);
	batch->ops->batch_finish(batch);
	for (unsigned i = 0; i < batch->chunk_count; i++)
		df_bo_destroy_internal(batch->chunks[i].bo);
	for (unsigned i = 0; i < batch->args_count; i++)
		df_bo_destroy_internal(batch->args[i].bo);
	df_bo_destroy_internal(batch->progress);
	free(batch->restarts);
	free(batch->chunks);
	free(batch->args);
	free(batch->used);
	free(batch->submit.external);
	free(batch->submit.external_handles);
	free(batch->submit.commits);
	free(batch);
}

static int reserve_stream(struct df_batch *batch, uint64_t dw)
{
	/* What a chunk cannot use: its end, and the start of an operation that no longer fits. */
	uint32_t lost = slack_dw(batch) + batch->ops->launch_max_dw;
	uint32_t most = largest_chunk_dw(batch);
	if (most <= lost)
		return df_error_set(-EINVAL, "the device's longest IB (%u dwords) is too short", most);
	dw += batch->ops->begin_max_dw;
	while (dw) {
		uint64_t take = dw < most - lost ? dw : most - lost;
		int ret = add_chunk(batch, (uint32_t)take + lost);
		if (ret)
			return ret;
		dw -= take;
	}
	return 0;
}

static int reserve_args(struct df_batch *batch, uint64_t bytes)
{
	while (bytes) {
		uint64_t take = bytes < MAX_ARGS_CHUNK_B ? bytes : MAX_ARGS_CHUNK_B;
		int ret = add_args(batch, (uint32_t)take, 0);
		if (ret)
			return ret;
		bytes -= take;
	}
	return 0;
}

static int reserve_used(struct df_batch *batch)
{
	batch->used = df_malloc(USED_RESERVE * sizeof(struct df_bo *));
	batch->submit.external = df_malloc(USED_RESERVE * sizeof(struct df_bo *));
	batch->submit.external_handles = df_malloc(USED_RESERVE * sizeof(uint32_t));
	if (!batch->used || !batch->submit.external || !batch->submit.external_handles)
		return df_error_set(-ENOMEM, "out of memory for the list of a batch's BOs");
	batch->used_capacity = batch->external_capacity = USED_RESERVE;
	return 0;
}

static int reserve(struct df_batch *batch, const struct df_batch_options *options)
{
	uint64_t dw = options->reserve_dw + (uint64_t)options->reserve_launches * LAUNCH_RESERVE_DW;
	uint64_t args_B = options->reserve_args_B + (uint64_t)options->reserve_launches * LAUNCH_RESERVE_ARGS_B;
	batch->fixed = dw || args_B;
	batch->marker_interval = options->marker_interval;
	batch->submit.independent = options->independent;
	batch->submit.generation = batch->submit.device->generation;
	int ret = reserve_used(batch);
	if (!ret && batch->marker_interval)
		ret = df_batch_progress_create(batch);
	if (!ret)
		ret = batch->fixed ? reserve_stream(batch, dw)
				   : add_chunk(batch, next_capacity(batch, batch->ops->begin_max_dw));
	if (!ret)
		ret = reserve_args(batch, args_B);
	if (!ret && batch->fixed)
		ret = batch->ops->batch_reserve(batch);
	return ret;
}

DF_API int df_batch_create(struct df_device *device, const struct df_batch_options *options,
			   struct df_batch **batch_out)
{
	if (!device || !batch_out)
		return df_error_set(-EINVAL, "df_batch_create: device or batch_out is NULL");
	struct df_batch_options copy;
	int ret = df_options_read("df_batch_create", options, &copy, sizeof(copy));
	if (ret)
		return ret;
	const struct df_record_ops *ops = device->enc->record;
	struct df_batch *batch = df_calloc(1, ops->batch_size_B);
	if (!batch)
		return df_error_set(-ENOMEM, "df_batch_create: out of memory");
	batch->submit.device = device;
	batch->ops = ops;
	ret = reserve(batch, &copy);
	if (ret) {
		release(batch);
		return df_error_within(ret, "df_batch_create");
	}
	start(batch);
	atomic_fetch_add(&device->live.batches, 1);
	*batch_out = batch;
	return 0;
}

static int check_idle(struct df_batch *batch, const char *what)
{
	unsigned flying = df_batch_in_flight(&batch->submit);
	if (flying)
		return df_error_set(
			-EBUSY, "%s: %u submissions of the batch are still in flight. Fix: wait for their fences first",
			what, flying);
	return 0;
}

DF_API int df_batch_destroy(struct df_batch *batch)
{
	if (!batch)
		return 0;
	int ret = check_idle(batch, "df_batch_destroy");
	if (ret)
		return ret;
	atomic_fetch_sub(&batch->submit.device->live.batches, 1);
	release(batch);
	return 0;
}

DF_API int df_batch_reset(struct df_batch *batch)
{
	if (!batch)
		return df_error_set(-EINVAL, "df_batch_reset: batch is NULL");
	int ret = check_idle(batch, "df_batch_reset");
	if (ret)
		return ret;
	forget_bos(batch);
	start(batch);
	return 0;
}

static void list_own(struct df_batch *batch)
{
	for (unsigned i = 0; i <= batch->chunk; i++)
		list_external(batch, batch->chunks[i].bo);
	for (unsigned i = 0; i < batch->args_count; i++)
		list_external(batch, batch->args[i].bo);
	for (unsigned i = 0; i < batch->own_count; i++)
		list_external(batch, batch->own[i]);
	if (batch->progress)
		list_external(batch, batch->progress);
}

DF_API int df_batch_seal(struct df_batch *batch)
{
	int ret = df_batch_check_open(batch, "df_batch_seal");
	if (ret)
		return ret;
	ret = room_external(batch, batch->chunk_count + batch->args_count + DF_BATCH_OWN_BOS + 1);
	if (ret)
		return ret;
	/* Nothing fails from here on. */
	batch->ops->end(batch);
	pad(batch, 0);
	close_chunk(batch);
	batch->submit.ib_va = batch->chunks[0].bo->va;
	batch->submit.ib_dw = batch->chunks[0].used_dw;
	list_own(batch);
	batch->cursor = batch->limit = NULL;
	batch->same = &df_no_kernel;
	batch->submit.sealed = true;
	return 0;
}

DF_API void df_batch_get_info(const struct df_batch *batch, struct df_batch_info *info_out)
{
	if (!info_out)
		return;
	*info_out = (struct df_batch_info){0};
	if (!batch)
		return;
	uint64_t open_dw = batch->cursor ? (uint64_t)(batch->cursor - batch->chunks[batch->chunk].map) : 0;
	*info_out = (struct df_batch_info){
		.launches = batch->submit.launches,
		.barriers = batch->barriers,
		.ib_dwords = batch->closed_dw + open_dw,
		.args_B = batch->args_closed_B + batch->args_at_B,
		.ib_count = batch->chunk + 1,
		.sealed = batch->submit.sealed,
	};
}

/* ---- BOs ---- */

int df_batch_check_open(const struct df_batch *batch, const char *what)
{
	if (!batch)
		return df_error_set(-EINVAL, "%s: batch is NULL", what);
	if (batch->submit.sealed)
		return df_error_set(-EPERM, "%s: the batch is sealed. Fix: df_batch_reset() before recording again",
				    what);
	if (batch->patch_count || batch->patch_grid)
		return df_error_set(-EPERM,
				    "%s: a patch point waits for its launch. Fix: record the launch right after "
				    "df_batch_patch_args() or df_batch_patch_grid()",
				    what);
	return 0;
}

static int grow_used(struct df_batch *batch)
{
	void *larger = grown(batch->used, batch->used_count, &batch->used_capacity, sizeof(*batch->used));
	if (!larger)
		return df_error_set(-ENOMEM, "out of memory for the list of a batch's BOs");
	batch->used = larger;
	return 0;
}

static bool is_named(const struct df_batch *batch, const struct df_bo *bo)
{
	for (unsigned i = batch->used_count; i--;)
		if (batch->used[i] == bo)
			return true;
	return false;
}

static bool is_committed(const struct df_batch_submit *submit, const struct df_bo *bo)
{
	for (unsigned i = 0; i < submit->commit_count; i++)
		if (submit->commits[i] == bo)
			return true;
	return false;
}

/* Makes everything that committing the BO takes; list_commit() cannot fail then. */
static int room_commit(struct df_batch *batch, struct df_bo *bo, const char *what)
{
	struct df_batch_submit *submit = &batch->submit;
	int ret;
	if (submit->commit_count == DF_MAX_COMMITS)
		return df_error_set(
			-E2BIG,
			"%s: BO %s would be the %uth whose contents are kept on the host (STATE, and OUTPUT in "
			"device memory). Fix: put several into one BO, or use more batches",
			what, df_bo_label(bo), DF_MAX_COMMITS + 1);
	if (!submit->commits)
		submit->commits = df_calloc(DF_MAX_COMMITS, sizeof(struct df_bo *));
	if (!submit->commits)
		return df_error_set(-ENOMEM, "%s: out of memory for the list of a batch's BOs", what);
	ret = room_external(batch, 3);
	return ret ? ret : df_contents_prepare(bo);
}

static void list_commit(struct df_batch *batch, struct df_bo *bo)
{
	struct df_batch_submit *submit = &batch->submit;
	submit->commits[submit->commit_count++] = bo;
	submit->commits_state |= bo->recovery == DF_BO_STATE;
	for (unsigned i = 0; i < 2 && bo->contents.image[i]; i++)
		list_external(batch, bo->contents.image[i]);
}

int df_batch_name_bo(struct df_batch *batch, struct df_bo *bo, unsigned access, const char *what)
{
	if (!bo)
		return df_error_set(-EINVAL, "%s: a BO is NULL", what);
	if (bo->device != batch->submit.device)
		return df_error_set(-EXDEV,
				    "%s: BO %s is of another device than the batch. Fix: import it there with "
				    "df_bo_export() and df_bo_import()",
				    what, df_bo_label(bo));
	if ((access & DF_WRITE) && bo->recovery == DF_BO_INPUT)
		return df_error_set(
			-EACCES,
			"%s: BO %s is of class INPUT, which the GPU cannot write. Fix: create it as OUTPUT, STATE "
			"or SCRATCH",
			what, df_bo_label(bo));
	bool commit = (access & DF_WRITE) && df_contents_commits(bo) && !is_committed(&batch->submit, bo);
	int ret = commit ? room_commit(batch, bo, what) : 0;
	if (ret)
		return ret;
	if (!is_named(batch, bo)) {
		ret = grow_used(batch);
		if (!ret)
			ret = room_external(batch, 3);
		if (ret)
			return ret;
		df_bo_use(bo);
		batch->used[batch->used_count++] = bo;
		list_external(batch, bo);
	}
	if (commit)
		list_commit(batch, bo);
	if ((access & DF_WRITE) && bo->imported && bo->unclassed)
		batch->submit.not_repeatable = true;
	return 0;
}

DF_API int df_batch_use(struct df_batch *batch, struct df_bo *bo, unsigned access)
{
	if (!batch)
		return df_error_set(-EINVAL, "df_batch_use: batch is NULL");
	if (batch->submit.sealed)
		return df_error_set(-EPERM,
				    "df_batch_use: the batch is sealed. Fix: declare BOs before df_batch_seal()");
	if (!access || (access & ~(unsigned)(DF_READ | DF_WRITE)))
		return df_error_set(-EINVAL, "df_batch_use: access 0x%x is not made of DF_READ and DF_WRITE", access);
	return df_batch_name_bo(batch, bo, access, "df_batch_use");
}

/* SPDX-License-Identifier: MIT */
/* Progress words, restart points, and the life of filtered streams; stream.h has the rules. */
#include "core/stream.h"

#include <errno.h>
#include <string.h>

#include "core/alloc.h"
#include "core/batch.h"

/* ---- progress words ---- */

static int words_create(struct df_device *device, struct df_bo **bo_out, _Atomic uint32_t **words_out)
{
	const struct df_bo_desc desc = {
		.bytes = DF_PAGE_B, .domain = DF_DOMAIN_HOST_CACHED, .uncached = true, .name = "progress words"};
	struct df_bo *bo;
	void *map;
	int ret;

	ret = df_bo_create_internal(device, &desc, &bo);
	if (ret < 0)
		return ret;
	ret = df_bo_map_internal(bo, &map);
	if (ret < 0) {
		df_bo_destroy_internal(bo);
		return ret;
	}
	memset(map, 0, DF_PROGRESS_WORDS * sizeof(uint32_t));
	*bo_out = bo;
	*words_out = map;
	return 0;
}

int df_batch_progress_create(struct df_batch *batch)
{
	struct df_bo *bo;
	int ret;

	if (batch->progress)
		return 0;
	ret = words_create(batch->submit.device, &bo, &batch->words);
	if (ret < 0)
		return ret;
	batch->progress = bo;
	return 0;
}

static struct df_batch *batch_of(const struct df_batch_submit *submit)
{
	return (struct df_batch *)(uintptr_t)submit;
}

int df_batch_progress(const struct df_batch_submit *submit, uint64_t *first_out, uint64_t *end_out)
{
	const struct df_batch *batch = batch_of(submit);
	uint64_t first = 0;

	if (batch->progress)
		first = atomic_load(&batch->words[DF_PROGRESS_FINISHED]);
	if (first > submit->launches)
		first = 0;
	*first_out = first;
	*end_out = batch->progress ? batch->ops->next_marker(batch, first) : submit->launches;
	return 0;
}

void df_batch_progress_reset(struct df_batch_submit *submit)
{
	struct df_batch *batch = batch_of(submit);

	for (unsigned i = 0; batch->progress && i < DF_PROGRESS_WORDS; i++)
		atomic_store(&batch->words[i], 0);
}

/* ---- restart points ---- */

static int room_restart(struct df_batch *batch)
{
	unsigned capacity = batch->restart_capacity ? batch->restart_capacity * 2 : 16;
	struct df_restart *larger;

	if (batch->restart_count < batch->restart_capacity)
		return 0;
	larger = df_realloc(batch->restarts, capacity, sizeof(*larger));
	if (!larger)
		return df_error_set(-ENOMEM, "df_batch_restart: out of memory for the list of restart points");
	batch->restarts = larger;
	batch->restart_capacity = capacity;
	return 0;
}

DF_API int df_batch_restart(struct df_batch *batch)
{
	int ret = df_batch_check_open(batch, "df_batch_restart");

	if (!ret)
		ret = room_restart(batch);
	if (!ret)
		ret = df_batch_progress_create(batch);
	if (!ret)
		ret = batch->ops->restart(batch);
	if (!ret)
		batch->barriers++;
	return ret;
}

const struct df_restart *df_batch_last_restart(const struct df_batch *batch)
{
	uint32_t passed = batch->progress ? atomic_load(&batch->words[DF_PROGRESS_RESTARTS]) : 0;

	return passed && passed <= batch->restart_count ? &batch->restarts[passed - 1] : NULL;
}

bool df_batch_resume(const struct df_batch_submit *submit, uint64_t *ib_va_out, uint32_t *ib_dw_out,
		     uint64_t *launch_out)
{
	const struct df_batch *batch = batch_of(submit);
	const struct df_restart *restart = df_batch_last_restart(batch);
	const struct df_stream_chunk *chunk;

	if (!restart)
		return false;
	chunk = &batch->chunks[restart->chunk];
	*ib_va_out = chunk->bo->va + restart->at_dw * 4ull;
	*ib_dw_out = chunk->used_dw - restart->at_dw;
	*launch_out = restart->launch;
	return true;
}

/* ---- filtered streams ---- */

static int check_filter(const struct df_batch *batch, const struct df_filter *filter)
{
	if (!batch->submit.sealed)
		return df_error_set(-EINVAL, "only a sealed batch can be filtered");
	if (filter->first > filter->end || filter->end > batch->submit.launches)
		return df_error_set(-ERANGE, "launches %llu to %llu of %llu cannot be picked",
				    (unsigned long long)filter->first, (unsigned long long)filter->end,
				    (unsigned long long)batch->submit.launches);
	return 0;
}

int df_batch_filter(struct df_batch *batch, const struct df_filter *filter, struct df_stream *stream_out)
{
	struct df_stream stream = {0};
	_Atomic uint32_t *words;
	int ret = check_filter(batch, filter);

	if (!ret)
		ret = words_create(batch->submit.device, &stream.progress, &words);
	if (ret < 0)
		return ret;
	atomic_store(&words[DF_FILTER_FIRST], (uint32_t)filter->first);
	atomic_store(&words[DF_FILTER_END], (uint32_t)filter->end);
	stream.words = words;
	ret = batch->ops->filter(batch, filter, &stream);
	if (ret < 0) {
		df_stream_finish(&stream);
		return ret;
	}
	*stream_out = stream;
	return 0;
}

void df_stream_progress(const struct df_stream *stream, uint64_t *first_out, uint64_t *end_out)
{
	*first_out = atomic_load(&stream->words[DF_FILTER_FIRST]);
	*end_out = atomic_load(&stream->words[DF_FILTER_END]);
}

void df_stream_finish(struct df_stream *stream)
{
	df_bo_destroy_internal(stream->bo);
	df_bo_destroy_internal(stream->progress);
	*stream = (struct df_stream){0};
}

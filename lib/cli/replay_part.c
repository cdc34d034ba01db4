/* SPDX-License-Identifier: MIT */
/*
 * The launches of a captured batch before one: its streams, as they lie in memory now, are given to the library's own
 * filter as a batch that knows nothing but where they are.
 */
#include <errno.h>
#include <stdlib.h>

#include "cli/replay.h"
#include "core/batch.h"
#include "core/stream.h"

struct replay_part_state {
	struct df_batch *batch;
	struct df_bo *bos;                         /* of the chunks: addresses only */
	struct df_bo progress;                     /* the page that the words are in */
	_Atomic uint32_t words[DF_PROGRESS_WORDS]; /* what they say: nothing has run */
	struct df_stream stream;
};

static void describe(struct replay_part_state *state, const struct replay_file *file, struct df_device *device,
		     uint32_t *const *maps)
{
	struct df_batch *batch = state->batch;

	batch->ops = device->enc->record;
	batch->submit.device = device;
	batch->submit.sealed = true;
	batch->submit.launches = file->job.launches;
	batch->barriers = file->job.barriers;
	batch->chunk = file->ibs.count - 1;
	batch->chunk_count = file->ibs.count;
	for (uint32_t i = 0; i < file->ibs.count; i++) {
		const struct df_capture_ib ib = replay_ib(file, i);

		state->bos[i].va = ib.va;
		batch->chunks[i] = (struct df_stream_chunk){&state->bos[i], maps[i], ib.size_dw, ib.size_dw};
	}
	if (!file->job.progress_va)
		return;
	state->progress.va = file->job.progress_va & ~(uint64_t)(DF_PAGE_B - 1);
	batch->progress = &state->progress;
	batch->words = state->words;
}

int replay_part_make(const struct replay_file *file, struct df_device *device, uint32_t *const *maps, uint64_t until,
		     struct replay_part *part)
{
	const struct df_filter filter = {.end = until, .barriers = true};
	struct replay_part_state *state = calloc(1, sizeof(*state));
	int ret = 0;

	part->state = state;
	if (!state)
		return df_error_set(-ENOMEM, "out of memory for a part of the batch");
	state->batch = calloc(1, device->enc->record->batch_size_B);
	state->bos = calloc(file->ibs.count, sizeof(*state->bos));
	if (state->batch)
		state->batch->chunks = calloc(file->ibs.count, sizeof(*state->batch->chunks));
	if (!state->batch || !state->bos || !state->batch->chunks)
		return df_error_set(-ENOMEM, "out of memory for a part of the batch");
	describe(state, file, device, maps);
	ret = df_batch_filter(state->batch, &filter, &state->stream);
	if (ret < 0)
		return ret;
	part->ib_va = state->stream.ib_va;
	part->ib_dw = state->stream.ib_dw;
	return 0;
}

uint32_t replay_part_finished(const struct replay_part *part)
{
	uint64_t first, end;

	df_stream_progress(&part->state->stream, &first, &end);
	return (uint32_t)first;
}

void replay_part_finish(struct replay_part *part)
{
	struct replay_part_state *state = part->state;

	if (!state)
		return;
	if (part->ib_dw)
		df_stream_finish(&state->stream);
	if (state->batch)
		free(state->batch->chunks);
	free(state->batch);
	free(state->bos);
	free(state);
	*part = (struct replay_part){0};
}

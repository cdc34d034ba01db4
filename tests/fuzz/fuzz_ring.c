/* SPDX-License-Identifier: MIT */
/* Any memory as a set: the host's decoder and the reference interpreter must stay inside it. */
#include <stdlib.h>
#include <string.h>

#include "drumfire_mega.h"
/* Shared with tests/mega, whose helpers are not linked in here. NOLINTNEXTLINE(bugprone-suspicious-include) */
#include "mega/ref_ring.c"

/* The input cut in four; each piece copied, so that a step past its end is seen. */
static void *piece(const uint8_t *data, size_t size, unsigned i, size_t *size_out)
{
	size_t part = size / 4 & ~(size_t)3;
	void *copy = malloc(part ? part : 1);

	if (copy)
		memcpy(copy, data + i * part, part);
	*size_out = part;
	return copy;
}

static void decode(const struct df_mega_view *view, const uint8_t *data, size_t size)
{
	struct df_ring_log_record records[4];
	struct df_mega_counts counts;
	struct df_mega_result result;
	struct df_mega_work work = {0};
	struct df_mega_io request;
	char format[32] = {0}, text[64];
	uint32_t slot = 0;

	(void)df_mega_counts(view, &counts);
	for (uint32_t i = 0; i < view->slots; i++) {
		(void)df_mega_take(view, i, &result);
		(void)df_mega_reclaim(view, i);
	}
	memcpy(&work, data, size < sizeof(work) ? size : sizeof(work));
	if (!df_mega_publish_next(view, &work, &slot))
		(void)df_mega_peek(view, slot, &result);
	while (!df_mega_io_next(view, &request))
		(void)df_mega_io_answer(view, request.index, DF_RING_DONE, 1);
	memcpy(format, data, size < sizeof(format) - 1 ? size : sizeof(format) - 1);
	if (df_mega_log_read(view, records, 4, NULL))
		(void)df_mega_log_text(&records[0], format, text, sizeof(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct df_mega_view view;
	size_t sizes[4];
	void *pieces[4];

	for (unsigned i = 0; i < 4; i++)
		pieces[i] = piece(data, size, i, &sizes[i]);
	if (pieces[0] && pieces[1] && pieces[2] && pieces[3]) {
		/* Random bytes seldom hold the magic: let the rest be looked at too. */
		if (sizes[0] >= 8 && data[size - 1] & 1)
			memcpy(pieces[0], (const uint32_t[]){DF_RING_MAGIC, DF_RING_VERSION}, 8);
		if (sizes[0] >= 64 && data[size - 1] & 2)
			memcpy((uint32_t *)pieces[0] + DF_RING_SLOTS, (const uint32_t[]){2, 16, 2, 2}, 16);
		ref_ring_run(&(struct ref_ring){pieces[0], pieces[1], pieces[2], pieces[3], sizes[0] / 4, sizes[1] / 4,
						sizes[2] / 4, sizes[3] / 4},
			     1 + (size ? data[0] % 4 : 0));
		if (!df_mega_view_memory(pieces[0], sizes[0], pieces[1], sizes[1], pieces[2], sizes[2], pieces[3],
					 sizes[3], &view))
			decode(&view, data, size);
	}
	for (unsigned i = 0; i < 4; i++)
		free(pieces[i]);
	return 0;
}

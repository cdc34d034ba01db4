/* SPDX-License-Identifier: MIT */
/*
 * stream.h - where a batch was when it was lost, where it may go on, and streams made of a part of it. For recovery.
 *
 * Progress words. The stream itself writes {launches finished, restart points passed} to memory that the GPU's caches
 * are bypassed for: {0, 0} where it begins, the first word behind a barrier after every marker_interval launches, both
 * at a restart point. What the words say is of the run that began last, so they mean something while one submission of
 * the batch is at the kernel. A stream without markers and restart points writes nothing.
 */
#ifndef DF_CORE_STREAM_H
#define DF_CORE_STREAM_H

#include "core/internal.h"

/* Launches that may have been in flight, [first, end): the whole batch without markers. */
int df_batch_progress(const struct df_batch_submit *batch, uint64_t *first_out, uint64_t *end_out);
/* The words as the stream's beginning sets them; no submission of the batch is at the kernel. */
void df_batch_progress_reset(struct df_batch_submit *batch);
/* The last restart point that was passed: an IB that begins there, and the number of its first launch. False: none. */
bool df_batch_resume(const struct df_batch_submit *batch, uint64_t *ib_va_out, uint32_t *ib_dw_out,
		     uint64_t *launch_out);

/*
 * Which part of a batch. Launches in [first, end) and not in exclude are run; the others are left standing with no
 * workgroups, so that every launch keeps its number. Other operations (copies, fills, writes, waits, timestamps) are
 * run when they lie behind launch first - 1, or at the beginning, and not behind launch end. A first that is the launch
 * of a restart point that was passed means: from that point on.
 */
struct df_filter {
	uint64_t first, end;
	const uint64_t *exclude;
	unsigned exclude_count;
	bool barriers; /* a full barrier around each launch, and a marker before and behind it */
};

/* A filtered stream: submitted with the batch's list of BOs. The batch outlives it and stays sealed. */
struct df_stream {
	struct df_bo *bo, *progress;
	uint64_t ib_va;
	uint32_t ib_dw;
	const _Atomic uint32_t *words;
};

/* Reads the sealed batch's stream back, patches included, and writes the part. 0 or -errno with nothing made. */
int df_batch_filter(struct df_batch *batch, const struct df_filter *filter, struct df_stream *stream_out);
/*
 * As df_batch_progress(). With barriers: [k, k + 1) while launch k runs and [k, k) between launches, when something
 * else than a launch does. Without: what the filter runs.
 */
void df_stream_progress(const struct df_stream *stream, uint64_t *first_out, uint64_t *end_out);
void df_stream_finish(struct df_stream *stream);

#endif

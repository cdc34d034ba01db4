/* SPDX-License-Identifier: MIT */
/*
 * batch.h - a batch: a stream of packets in one or more chunks, each chained to the next, and the argument blocks that
 * launches read from memory.
 *
 * Streams lie in memory that is slow to read (write-combined): nothing here ever reads one back. What the encoder must
 * know of what it wrote, it keeps beside it. limit leaves room for the chain packet and for padding, so that a chunk
 * can always be closed.
 */
#ifndef DF_CORE_BATCH_H
#define DF_CORE_BATCH_H

#include "core/internal.h"
#include "core/record.h"

struct df_stream_chunk {
	struct df_bo *bo;
	uint32_t *map;
	uint32_t capacity_dw, used_dw; /* used_dw is good once the chunk is closed */
};

struct df_args_chunk {
	struct df_bo *bo;
	uint8_t *map;
	uint32_t size_B;
};

/* Where a lost batch may go on: an IB that begins here is a whole one. */
struct df_restart {
	unsigned chunk;
	uint32_t at_dw;
	uint64_t launch; /* number of the first behind it */
};

#define DF_BATCH_PATCHES 8u
#define DF_BATCH_OWN_BOS 32u

/* A patch point that the next launch makes. */
struct df_pending_patch {
	struct df_patch *out;
	uint32_t offset_B, bytes;
};

struct df_batch {
	struct df_batch_submit submit; /* first */
	const struct df_record_ops *ops;
	uint32_t *cursor, *limit;     /* of the open chunk; both NULL once sealed */
	const struct df_kernel *same; /* encoder: the kernel whose launches may take the short path, or &df_no_kernel */
	uint64_t barriers;
	uint64_t marker_due; /* a barrier behind so many launches writes a marker */
	uint64_t marker_interval;

	/* Markers and restart points; progress is NULL in a batch without. */
	struct df_bo *progress;
	_Atomic uint32_t *words;
	uint32_t *words_begin; /* where the stream resets the words, or has room for that */
	struct df_restart *restarts;
	unsigned restart_count, restart_capacity;

	struct df_stream_chunk *chunks;
	unsigned chunk_count, chunk_capacity, chunk; /* chunk: the open one */
	uint64_t closed_dw;                          /* in the chunks before it */
	uint32_t *chain_size;                        /* dword that takes the open chunk's length; NULL in the first */
	uint32_t chain_flags;                        /* what stands in that dword beside the length */

	struct df_args_chunk *args;
	unsigned args_count, args_capacity, args_chunk;
	uint32_t args_at_B; /* in the open one */
	uint64_t args_closed_B;

	struct df_pending_patch patches[DF_BATCH_PATCHES];
	unsigned patch_count;
	struct df_patch *patch_grid;

	struct df_bo **used; /* every BO the batch names, each once */
	unsigned used_count, used_capacity;
	unsigned external_capacity;

	struct df_bo *own[DF_BATCH_OWN_BOS]; /* the encoder's, of this batch: it makes and destroys them */
	unsigned own_count;

	bool fixed; /* capacity was reserved: never grow */
	bool empty; /* nothing recorded since the last barrier (or the beginning) */
};

extern const struct df_kernel df_no_kernel; /* no caller has it */

/* Room for dw more dwords in the open chunk, going on to the next if need be. -ENOSPC (fixed) or -ENOMEM, with nothing
 * changed. */
int df_batch_next_chunk(struct df_batch *batch, uint32_t dw);
static inline int df_batch_room(struct df_batch *batch, uint32_t dw)
{
	return (size_t)(batch->limit - batch->cursor) >= dw ? 0 : df_batch_next_chunk(batch, dw);
}
/*
 * Room for bytes more of argument blocks (alignment included) in one chunk. hi32 non-zero: at an address whose upper
 * half it is. df_batch_args_take() then gives the space and cannot fail.
 */
int df_batch_args_room(struct df_batch *batch, uint32_t bytes, uint32_t hi32);
void *df_batch_args_take(struct df_batch *batch, uint32_t bytes, uint32_t align_B, uint64_t *va_out);

/* Makes the progress words if there are none. */
int df_batch_progress_create(struct df_batch *batch);
/* The last restart point that was passed, or NULL. */
const struct df_restart *df_batch_last_restart(const struct df_batch *batch);

/* 0 while the batch can be recorded into; what: the function. */
int df_batch_check_open(const struct df_batch *batch, const char *what);
/* Adds bo to the lists. */
int df_batch_name_bo(struct df_batch *batch, struct df_bo *bo, unsigned access, const char *what);

#endif

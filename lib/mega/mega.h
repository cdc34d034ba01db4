/* SPDX-License-Identifier: MIT */
/* mega.h - what the files of the megakernel runtime share. */
#ifndef DF_MEGA_MEGA_H
#define DF_MEGA_MEGA_H

#include <errno.h>

#include "core/error.h"
#include "drumfire_mega.h"

#define DF_MEGA_MAX_SLOTS   (1u << 24)
#define DF_MEGA_MAX_WORDS   (1u << 28)
#define DF_MEGA_MAX_RECORDS (1u << 24)
#define DF_MEGA_MAX_IO      (1u << 16)
#define DF_MEGA_HANDLES     4u

struct df_mega {
	struct df_device *device;
	struct df_context *context;
	bool own_context;
	struct df_kernel *kernel;
	uint32_t workgroup, groups_resident;
	uint32_t rounds;
	uint64_t timeout_ns;
	bool ordered, grid_barrier, split;
	struct df_mega_scratch *late; /* of dispatches past their deadline, until they have ended */
	unsigned scratches;           /* the caller's */
};

/*
 * What one submission needs. The batch holds the launches of sets[0..count) and is good for them until something else
 * is recorded; a scratch whose fence is set is in flight and is left alone.
 */
struct df_mega_scratch {
	struct df_mega *mega;
	uint32_t max_sets, count;
	struct df_mega_set *sets;
	uint32_t *slots;                        /* of each set, as recorded */
	uint64_t (*addresses)[DF_MEGA_HANDLES]; /* likewise */
	struct df_mega_view *views;
	struct df_mega_output *outputs;
	uint8_t *arena;
	size_t arena_B;
	const struct df_bo **seen; /* open hash table of the BOs of the submission */
	uint32_t seen_mask;
	struct df_batch *batch;
	uint32_t capacity; /* launches and barriers the batch has room for */
	uint32_t launches;
	bool recorded;
	struct df_fence *fence;
	struct df_mega_scratch *next; /* mega->late */
};

/* Name of the BO of a set by number, and the BO. */
const char *df_mega_handle_name(unsigned i);
struct df_bo *df_mega_handle(const struct df_mega_set *set, unsigned i);
/* Fills defaults in and refuses what cannot be. */
int df_mega_shape_read(const struct df_mega_shape *shape, struct df_mega_shape *full_out);

/* Checks the sets, and records them unless they stand recorded. stats: allocation counts are added. */
int df_mega_prepare(struct df_mega_scratch *scratch, const struct df_mega_set *sets, uint32_t count,
		    struct df_mega_stats *stats);
/* Submits and waits. -ETIME leaves the scratch in flight. */
int df_mega_run(struct df_mega_scratch *scratch, struct df_mega_stats *stats);
/* Copies the parts that output has room for; sizes were checked by df_mega_check_output(). */
void df_mega_copy_out(const struct df_mega_view *view, struct df_mega_output *output, struct df_mega_stats *stats);
int df_mega_check_output(const struct df_mega_view *view, const struct df_mega_output *output, uint32_t i);
/* Whether the scratch's submission has ended; waits until the deadline. */
int df_mega_scratch_settle(struct df_mega_scratch *scratch, uint64_t deadline_ns);

static inline size_t df_mega_control_B(const struct df_mega_view *view)
{
	return ((size_t)DF_RING_DATA + view->data_words) * 4;
}
static inline size_t df_mega_ring_B(const struct df_mega_view *view)
{
	return (size_t)view->slots * DF_RING_SLOT_B;
}
static inline size_t df_mega_log_B(const struct df_mega_view *view)
{
	return ((size_t)DF_RING_LOG_HEADER + (size_t)view->log_records * DF_RING_LOG_RECORD_WORDS) * 4;
}
static inline size_t df_mega_io_B(const struct df_mega_view *view)
{
	return (size_t)view->io_slots * DF_RING_IO_WORDS * 4;
}

/* Shared words: the other side is the GPU or another thread. */
static inline uint32_t df_mega_load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}
static inline void df_mega_store(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

#endif

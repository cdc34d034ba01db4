/* SPDX-License-Identifier: MIT */
/*
 * timeline.h - what happened to the batches of a few contexts: runs, losses, restores, runs again; drawn as SVG (or a
 * page with it) and written as a trace that Perfetto and chrome://tracing open.
 *
 * A lane is a context. Its batches run one after the other, so that each begins, for the drawing, when it is submitted
 * or when the one before it was verified. One thread only.
 */
#ifndef DF_CLI_TIMELINE_H
#define DF_CLI_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "drumfire.h"

#define TIMELINE_LANES 8u

enum timeline_kind { TIMELINE_RUN, TIMELINE_AGAIN, TIMELINE_LOST, TIMELINE_RESTORE };

struct timeline_span {
	uint64_t start_ns, end_ns;
	unsigned lane;
	enum timeline_kind kind;
	uint64_t batch;
	char text[96];
};

struct timeline_loss {
	uint64_t at_ns;
	unsigned lane;
	enum df_verdict verdict;
	uint64_t batch, first_launch, last_launch;
	uint64_t detect_ns, recover_ns, restored_B, batches_rerun, launches_rerun;
	char what[64]; /* that was done to the GPU, "" when nobody knows */
};

struct timeline_lane {
	char name[32];
	uint64_t run_ns, loss_ns; /* what is under way began; 0: nothing is */
	bool again;               /* the run is not the first of its batch */
	int loss;                 /* the loss whose cost is not known yet, or -1 */
	struct df_recovery_stats before;
};

struct timeline {
	struct df_device *device;
	char title[96], subtitle[160];
	struct timeline_lane lanes[TIMELINE_LANES];
	unsigned lane_count;
	struct timeline_span *spans;
	unsigned span_count, span_capacity;
	struct timeline_loss *losses;
	unsigned loss_count, loss_capacity;
	uint64_t first_ns;
	uint64_t detect_ns;    /* of all losses so far, as the device counts it */
	const char *next_what; /* of the next loss */
	bool named;            /* some loss had a cause that was known */
	bool out_of_memory;
};

/* The user of a context's callbacks. */
struct timeline_user {
	struct timeline *timeline;
	unsigned lane;
};

void timeline_init(struct timeline *timeline, struct df_device *device);
void timeline_finish(struct timeline *timeline);
unsigned timeline_lane(struct timeline *timeline, const char *name);
/* For df_context_options; user is a struct timeline_user. */
void timeline_before(void *user, const struct df_loss *loss);
void timeline_after(void *user, const struct df_loss *loss);
/* A batch was given to an idle context, or the one before is verified and there are more. */
void timeline_begin(struct timeline *timeline, unsigned lane);
/* A batch came to its end, well or not; more: another is under way behind it. */
void timeline_end(struct timeline *timeline, unsigned lane, const struct df_wait_info *info, uint64_t launches,
		  bool more);
/* The device is gone; then it is back. For every lane with something under way. */
void timeline_gone(struct timeline *timeline, const struct df_wait_info *info);
void timeline_reopened(struct timeline *timeline);

const char *timeline_verdict(enum df_verdict verdict);
/* 0 or -errno. */
int timeline_write_svg(const struct timeline *timeline, const char *path);
int timeline_write_trace(const struct timeline *timeline, const char *path);

#endif

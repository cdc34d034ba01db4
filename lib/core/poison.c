/* SPDX-License-Identifier: MIT */
/*
 * Poison: a launch that hangs whenever it runs. It is looked for when a batch has used up its retries: the batch is run
 * alone in its context, from a stream of its own in which a full barrier stands around each launch and a marker behind
 * it, so that the launch at which it ends is known. One such end may be an accident, so it takes several at the same
 * launch: two when the kernel says that the context was guilty, more when it does not say whose job hung (6.12's reset
 * of a ring).
 *
 * A kernel that kills the waves of a launch and lets the stream go on (6.12), or redirects its page fault, says only
 * that the batch was guilty: there the launch is found by halves, from runs of the first so many launches, which end
 * well or guilty. Such a run never retires; its images are not the verified ones.
 *
 * What is then left of the batch: launches marked independent go on without the poison, which may be found again and
 * again; else the launches before it are run once more and committed, and the batch ends there. The stream is made anew
 * for each of it; nothing else changes about the slot, and losses are settled as usual.
 */
#include <errno.h>
#include <string.h>

#include "core/batch.h"
#include "core/context.h"
#include "core/poison.h"

#define ENDS_GUILTY  2u
#define ENDS_UNKNOWN 4u
#define ENDS_PROBED  5u  /* of runs up to and with the launch that halving has left: they may have ended at another */
#define MAX_ATTEMPTS 96u /* of one search that names nothing new; one that the kernel calls guilty counts as eight */

/* Does the kind of loss say, or leave open, that the batch itself was the cause? */
static bool may_be_own(const struct df_slot *slot)
{
	return (slot->found.ruling.verdict == DF_GUILTY_RESET && !slot->found.doubtful) || slot->found.ruling.unknown;
}

static int make_stream(struct df_slot *slot, const struct df_filter *filter)
{
	struct df_stream stream;
	int ret = df_batch_filter((struct df_batch *)(void *)slot->batch, filter, &stream);

	if (ret < 0)
		return ret;
	df_stream_finish(&slot->stream);
	slot->stream = stream;
	slot->run_va = stream.ib_va;
	slot->run_dw = stream.ib_dw;
	return 0;
}

/* The launches before end, but for poison; a part of a batch is committed as it is, so poison bounds it. */
static int run_as(struct df_slot *slot, enum df_run run, uint64_t end)
{
	bool part = run == DF_RUN_PART;
	const struct df_filter filter = {
		.end = end,
		.exclude = slot->info.poison,
		.exclude_count = part ? 0 : slot->info.poison_count,
		.barriers = !part,
	};
	int ret = make_stream(slot, &filter);

	if (!ret)
		slot->run = run;
	return ret;
}

static int run_alone(struct df_slot *slot)
{
	return run_as(slot, DF_RUN_ALONE, slot->batch->launches);
}

static int run_probe(struct df_slot *slot)
{
	return run_as(slot, DF_RUN_PROBE, slot->probe_end);
}

/* Half of what is open, or when that is one launch, everything up to it once more. */
static int halve(struct df_slot *slot)
{
	slot->probe_end = slot->bad - slot->good > 1 ? slot->good + (slot->bad - slot->good) / 2 : slot->bad;
	return run_probe(slot);
}

static int name_poison(struct df_slot *slot, uint64_t launch)
{
	slot->info.poison[slot->info.poison_count++] = launch;
	slot->suspected_times = slot->attempts = slot->cancelled = 0;
	atomic_fetch_add(&slot->batch->device->recovery.poisoned, 1);
	if (!slot->batch->independent)
		return run_as(slot, DF_RUN_PART, launch);
	return slot->info.poison_count < DF_MAX_POISON ? run_alone(slot) : -E2BIG;
}

/* Losses that were others' are counted elsewhere. */
static bool may_go_on(struct df_slot *slot)
{
	if (!may_be_own(slot))
		return true;
	slot->attempts += slot->found.ruling.unknown ? 1 : 8;
	return slot->attempts < MAX_ATTEMPTS;
}

/* It ran alone and was lost. */
static int search(struct df_slot *slot)
{
	uint64_t first, end;
	unsigned needed = slot->found.ruling.verdict == DF_GUILTY_RESET ? ENDS_GUILTY : ENDS_UNKNOWN;

	df_stream_progress(&slot->stream, &first, &end);
	if (end == first + 1 && may_be_own(slot)) {
		slot->suspected_times =
			slot->suspected_times && slot->suspected == first ? slot->suspected_times + 1 : 1;
		slot->suspected = first;
		if (slot->suspected_times >= needed)
			return name_poison(slot, first);
	}
	if (!may_go_on(slot))
		return -ECANCELED;
	if (slot->found.ruling.verdict != DF_GUILTY_RESET || !slot->found.marked || slot->found.doubtful)
		return run_alone(slot);
	/* It was killed and the stream went on. */
	slot->good = slot->suspected_times = 0;
	slot->bad = slot->batch->launches;
	return halve(slot);
}

/* A probe came to its end or was lost. */
static int weigh(struct df_slot *slot)
{
	if (slot->found.passed && slot->probe_end != slot->bad) {
		slot->good = slot->probe_end;
		return halve(slot);
	}
	if (slot->found.passed) { /* not every time, then */
		slot->attempts += 8;
		slot->suspected_times = 0;
		return slot->attempts < MAX_ATTEMPTS ? run_alone(slot) : -ECANCELED;
	}
	if (slot->found.ruling.verdict != DF_GUILTY_RESET || slot->found.doubtful)
		return may_go_on(slot) ? run_probe(slot) : -ECANCELED;
	if (slot->probe_end == slot->bad)
		return ++slot->suspected_times < ENDS_PROBED ? run_probe(slot) : name_poison(slot, slot->good);
	slot->bad = slot->probe_end;
	return halve(slot);
}

bool df_poison_step(struct df_slot *slot)
{
	if (slot->batch->not_repeatable || !slot->batch->launches)
		return false;
	switch (slot->run) {
	case DF_RUN_WHOLE:
	case DF_RUN_RESUMED:
		slot->suspected_times = slot->attempts = 0;
		return may_be_own(slot) && run_alone(slot) == 0;
	case DF_RUN_ALONE:
		return search(slot) == 0;
	case DF_RUN_PROBE:
		return weigh(slot) == 0;
	case DF_RUN_PART:
		return may_go_on(slot) && run_as(slot, DF_RUN_PART, slot->info.poison[0]) == 0;
	}
	return false;
}

void df_poison_locate(const struct df_slot *slot, uint64_t *first_out, uint64_t *end_out)
{
	df_stream_progress(&slot->stream, first_out, end_out);
}

uint64_t df_poison_done(const struct df_slot *slot)
{
	return slot->run == DF_RUN_PART ? slot->info.poison[0] : slot->batch->launches - slot->info.poison_count;
}

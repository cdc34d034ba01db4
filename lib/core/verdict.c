/* SPDX-License-Identifier: MIT */
/*
 * The verdict table. Read at the kernels' sources (drivers/gpu/drm/amd/amdgpu: amdgpu_job.c, amdgpu_ring.c,
 * amdgpu_fence.c, amdgpu_device.c, amdgpu_ctx.c, amdgpu_cs.c; drivers/gpu/drm/scheduler), Debian's 6.1.192, 6.12 and
 * 7.2.13. Which kernels a row is for is in its name; the evidence, not the version, decides.
 *
 * A device-wide counter is behind the reset flag: it rises for every context, before soft recovery kills waves and
 * after a ring was reset. Guilt is a property of a context where the kernel has no better (before queue resets); it is
 * about the job of it that the ring stood at, which is the oldest that did not finish.
 */
#include "core/verdict.h"

#include <errno.h>

enum answer { ANY_ANSWER, OVER, BUSY, GONE, TIMED_OUT, NO_DATA, CANCELLED, CANCELLED_WITH_QUEUE, FAILED };
enum { NO, YES, ANY };

static const struct row {
	const char *name;
	enum answer answer;
	uint8_t marked, first, reset, guilty, memory_lost, page_fault;
	struct df_ruling ruling;
} rows[] = {
	{"any: device removed",
	 GONE,
	 ANY,
	 ANY,
	 ANY,
	 ANY,
	 ANY,
	 ANY,
	 {DF_DEVICE_GONE, false, false, "the device is gone"}},
	{"any: not over", BUSY, ANY, ANY, ANY, ANY, ANY, ANY, {DF_RUNNING, false, false, "it runs"}},
	/* amdgpu_job_timedout() puts -ETIME into the fence of the job that hung before its ring, or the device, is
	   reset. */
	{"7.2: timed out, its ring was reset",
	 TIMED_OUT,
	 ANY,
	 ANY,
	 ANY,
	 ANY,
	 NO,
	 ANY,
	 {DF_GUILTY_RESET, true, false, "it hung and its queue was reset"}},
	{"7.2: timed out, the device was reset",
	 TIMED_OUT,
	 ANY,
	 ANY,
	 ANY,
	 ANY,
	 YES,
	 ANY,
	 {DF_GUILTY_RESET, false, false, "it hung and the device was reset"}},
	/* amdgpu_ring_soft_recovery(): -ENODATA; the IB went on behind the killed waves. */
	{"6.12: waves killed",
	 NO_DATA,
	 ANY,
	 ANY,
	 ANY,
	 ANY,
	 ANY,
	 ANY,
	 {DF_GUILTY_RESET, false, false, "its waves were killed"}},
	/* drm_sched_increase_karma() marks the context; the fence says -ECANCELED, or success when it was forced. */
	{"6.1, 6.12: guilty context",
	 ANY_ANSWER,
	 NO,
	 YES,
	 ANY,
	 YES,
	 ANY,
	 ANY,
	 {DF_GUILTY_RESET, false, false, "it hung and the device was reset"}},
	{"any: memory lost",
	 ANY_ANSWER,
	 ANY,
	 ANY,
	 ANY,
	 ANY,
	 YES,
	 ANY,
	 {DF_MEMORY_LOST, false, false, "device memory was lost"}},
	/* 7.2 (amdgpu_ring_set_fence_errors_and_reemit) cancels what else the entity of the job that hung has on the
	   ring, and then the entity's last error, not the fence's, is what WAIT_CS tells of all of them. One that had
	   none behind it would be told of as timed out: another's reset of the device cancelled it. */
	{"7.2: cancelled with its queue",
	 CANCELLED_WITH_QUEUE,
	 NO,
	 YES,
	 YES,
	 ANY,
	 NO,
	 ANY,
	 {DF_GUILTY_RESET, false, false, "it hung and its queue was reset"}},
	/* 6.12 ends all jobs of a ring that it resets in the same way, the one that hung too. */
	{"any: cancelled by a reset",
	 CANCELLED,
	 ANY,
	 ANY,
	 ANY,
	 ANY,
	 NO,
	 ANY,
	 {DF_INNOCENT_RESET, false, true, "a reset cancelled it"}},
	{"any: failed", FAILED, ANY, ANY, ANY, ANY, NO, ANY, {DF_INNOCENT_RESET, false, false, "its fence failed"}},
	{"any: success without the marker",
	 OVER,
	 NO,
	 ANY,
	 ANY,
	 ANY,
	 NO,
	 ANY,
	 {DF_INNOCENT_RESET, false, true, "it was left out"}},
	/* 6.1: soft recovery, or the scheduler's own re-run; 7.2: emitted again after another's queue reset. */
	{"6.1, 7.2: success beside a reset",
	 OVER,
	 YES,
	 ANY,
	 YES,
	 ANY,
	 NO,
	 ANY,
	 {DF_INNOCENT_RESET, false, false, "a reset overlapped it"}},
	/* vm_fault_stop=0: the access went to a dummy page. Told of from DRM 3.55 on. */
	{"6.12, 7.2: page fault",
	 OVER,
	 YES,
	 ANY,
	 NO,
	 ANY,
	 NO,
	 YES,
	 {DF_GUILTY_RESET, false, false, "it made a page fault"}},
	{"any: done", OVER, YES, ANY, NO, ANY, NO, NO, {DF_DONE, false, false, "it is done"}},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static enum answer answer_of(const struct df_evidence *evidence)
{
	switch (evidence->wait) {
	case 0:
		return OVER;
	case -EBUSY:
		return BUSY;
	case -ENODEV:
		return GONE;
	case -ETIME:
		return TIMED_OUT;
	case -ENODATA:
		return NO_DATA;
	case -ECANCELED:
		return evidence->spares_others && evidence->behind ? CANCELLED_WITH_QUEUE : CANCELLED;
	default:
		return FAILED;
	}
}

bool df_journal_is_over(int error)
{
	switch (error) {
	case 0:
	case -ECANCELED:
	case -ETIME:
	case -ENODATA:
	case -EIO:
	case -EHWPOISON:
	case -ENODEV:
		return true;
	default:
		return false;
	}
}

static bool answers(enum answer wanted, enum answer is)
{
	return wanted == ANY_ANSWER || wanted == is || (wanted == CANCELLED && is == CANCELLED_WITH_QUEUE);
}

static bool fits(uint8_t wanted, bool is)
{
	return wanted == ANY || wanted == is;
}

struct df_ruling df_verdict(const struct df_evidence *evidence, unsigned *row_out)
{
	enum answer answer = answer_of(evidence);
	const struct df_kmd_reset *reset = &evidence->reset;

	for (unsigned i = 0; i < ROWS; i++) {
		const struct row *row = &rows[i];

		if (!answers(row->answer, answer) || !fits(row->marked, evidence->marked) ||
		    !fits(row->first, evidence->first) || !fits(row->reset, reset->reset) ||
		    !fits(row->guilty, reset->guilty) || !fits(row->memory_lost, reset->memory_lost) ||
		    !fits(row->page_fault, evidence->page_fault))
			continue;
		if (row_out)
			*row_out = i;
		return row->ruling;
	}
	/* Every answer has a row for everything beside it. */
	__builtin_unreachable();
}

unsigned df_verdict_rows(void)
{
	return ROWS;
}

const char *df_verdict_row_name(unsigned row)
{
	return row < ROWS ? rows[row].name : NULL;
}

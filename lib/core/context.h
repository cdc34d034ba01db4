/* SPDX-License-Identifier: MIT */
/*
 * context.h - contexts, their journal, and fences: what context.c, journal.c, recovery.c, submit.c and fence.c share.
 *
 * A context has depth slots, used in turn: submission n (from 1) is in slot n % depth. A slot owns a marker, 64 bits of
 * host memory that the GPU caches bypass, and a tail IB that writes n there once all before it in the job is finished.
 * Submissions [oldest, next) are pending; of them [oldest, unsent) are at the kernel and [unsent, next) are held here:
 * behind a commit that is not verified, a fence that is not at the kernel, a loss that is being settled, or a kernel
 * that would block. They go to the kernel in order, from whatever call comes next (df_journal_pump).
 *
 * A marker says that the stream came to its end, not that all of it happened: submissions retire, in order, when the
 * kernel, asked after the markers were seen, says that nothing was reset since the kernel context was made. If it was,
 * everything at the kernel counts as lost (context->lost) and recovery.c takes over.
 *
 * A fence is pending or final. While it is pending, its slot and context are alive: each fence holds a reference on its
 * context. It becomes final once, under the context's lock; what it says then never changes.
 */
#ifndef DF_CORE_CONTEXT_H
#define DF_CORE_CONTEXT_H

#include <errno.h>

#include "core/internal.h"
#include "core/lock.h"
#include "core/stream.h"
#include "core/verdict.h"

#define DF_MARKER_STRIDE_B  64u /* a cache line each: the host polls one while the GPU writes another */
#define DF_MAX_RETRIES_NONE UINT32_MAX

struct df_fence {
	struct df_device *device;
	struct df_context *context;
	struct df_slot *slot;
	uint64_t sequence;
	atomic_uint references;
	atomic_uint runs; /* times that it went to the kernel */
	atomic_bool final;
	bool soiled; /* info holds more than the usual */
	/* Written before final is set. */
	struct df_wait_info info;
	struct df_fence *next; /* in the context's pool */
};

/* What was found out about a submission that was lost. */
struct df_case {
	struct df_ruling ruling;
	bool marked;
	bool page_fault;     /* that is all that is wrong with it */
	bool doubtful;       /* and it may be another context's */
	bool passed;         /* not lost: a probe that came to its end */
	uint64_t first, end; /* launches in flight */
};

/* What of the batch a slot runs. */
enum df_run {
	DF_RUN_WHOLE,
	DF_RUN_RESUMED, /* from a restart point on */
	DF_RUN_ALONE,   /* all but poison, with a barrier around each launch and nothing else in the context */
	DF_RUN_PART,    /* the launches before the poison */
	DF_RUN_PROBE,   /* as alone, the first probe_end launches: to see whether they end; it never retires */
};

struct df_slot {
	struct df_kmd_slot *kmd;
	_Atomic uint64_t *marker;
	uint32_t *tail_value; /* in the tail IB, host memory */
	uint64_t tail_va, marker_va;
	/* The tail of batches that commit: copies, then the marker. Behind the tail; where that is too short (BOs that
	 * one packet does not copy), in a BO of its own, which stays. */
	struct df_bo *commit_bo;
	uint64_t commit_va;
	uint32_t *commit_map;
	uint32_t commit_capacity_dw;
	/* The pending submission; context lock. */
	struct df_batch_submit *batch; /* NULL: free, or closed and waiting for its turn to retire */
	struct df_fence *fence;
	uint64_t sequence;
	_Atomic uint64_t handle; /* the kernel's; 0: not there */
	uint64_t submitted_ns, looked_ns, give_up_ns;
	bool suspect;       /* the kernel's fence signalled, the marker was missing once */
	bool ran;           /* was at the kernel at least once */
	bool alone;         /* its last run began with nothing of other contexts at the kernel, */
	uint32_t others;    /* which had handed over so many */
	bool troubled;      /* info holds something */
	bool misled;        /* a fence that it waited for was run again, or ended otherwise than done */
	int answer;         /* of the kernel, at the last loss */
	uint64_t job;       /* its number among the kernel context's */
	uint32_t cancelled; /* losses that were others', without progress */
	uint32_t barren;    /* retries without progress */
	uint64_t progress;  /* launches that the last loss found finished */
	struct df_case found;
	struct df_wait_info info; /* as far as it is known */
	enum df_run run;
	bool resumes;    /* it is going to go on from a restart point: its STATE stays as it is */
	uint64_t run_va; /* the IB of a run that is not the whole */
	uint32_t run_dw;
	uint64_t resumed_at;     /* launch of the restart point that it went on from last */
	struct df_stream stream; /* of runs that the library wrote itself */
	uint64_t suspected;      /* launch at which it ended when it ran alone, so many times in a row */
	unsigned suspected_times, attempts;
	uint64_t probe_end, good, bad; /* poison.c: the first good launches ended well, the first bad ones did not */
	unsigned wait_count, syncobj_count;
	/* Kept until the slot retires, so that it can be submitted again: fences (referenced), and syncobjs that hold
	 * the in-fences. Syncobjs are made on first use and stay. wait_runs: which run of each fence it waited for. */
	struct df_fence *waits[DF_KMD_MAX_WAITS];
	uint32_t wait_runs[DF_KMD_MAX_WAITS];
	uint32_t syncobjs[DF_KMD_MAX_WAITS];
	unsigned syncobjs_made;
	int *fds; /* of reopenable devices: the in-fences once more; -1: none */
};

enum df_stage {
	DF_CALM,
	DF_LOST,    /* something is lost, or may be: to be found out */
	DF_REBUILD, /* found out; the new kernel context and the contents are to be made */
};

struct df_context {
	struct df_device *device;
	atomic_uint references; /* the caller's and each fence's */
	struct df_lock lock;
	_Atomic uint32_t kernel; /* 0 while it is being replaced; changes under lock */
	uint32_t timeline;       /* lock */
	int priority;
	uint32_t number; /* from 1, on the device */
	uint32_t depth, tail_dw;
	uint32_t max_retries; /* DF_MAX_RETRIES_NONE: none */
	bool check_faults;
	void (*before)(void *user, const struct df_loss *loss);
	void (*after)(void *user, const struct df_loss *loss);
	void *user;
	char *capture;
	bool captured;                 /* lock; a batch was written to it */
	uint64_t oldest, unsent, next; /* lock */
	uint64_t committing;           /* lock; sequence of the STATE commit at the kernel that is not verified, or 0 */
	uint64_t recoveries;           /* lock */
	atomic_uint losses_seen;       /* device->losses_seen when it was last looked at */
	/* Jobs given to the kernel context, and how many of them its own fences are known to have signalled for; the
	 * last retired, by number and handle. Lock. */
	uint64_t jobs, jobs_over, retired_job, retired_handle;
	unsigned send_failures; /* lock; in a row */
	uint32_t sends, inside; /* lock; its share of device->traffic */

	/* Recovery; lock. stage may be read without it. busy: a thread is at it, without the lock. */
	_Atomic int stage;
	bool busy, announced;
	int loss_error; /* what the kernel said last */
	struct df_kmd_reset reset;
	struct df_slot *culprit; /* that the last loss is put down to, or NULL */
	struct df_loss loss;
	uint64_t lost_ns, judged_ns, restored_B;
	unsigned faults_seen; /* device->faults when it had nothing at the kernel */
	bool renewed, timing;
	unsigned renew_failures;

	/* The recoverable fence; lock. */
	uint32_t point_syncobj;
	int point_fd;    /* of a reopenable device: the timeline that was exported; -1: none */
	bool points_end; /* a batch ended otherwise than done: no later point is signalled */

	/* Names on the node that is not the device's; reopen.c. */
	uint32_t next_kernel, next_timeline, next_points;
	struct df_slot *slots;
	struct df_bo *marker_bo, *tail_bo;
	/* Fences: taken from free under lock; whoever drops the last reference puts it into returned, from where all
	 * are taken at once when free is empty. */
	struct df_fence *free_fences;
	_Atomic(struct df_fence *) returned_fences;
	struct df_fence_chunk *fence_chunks;
	bool internal;                   /* not counted */
	struct df_context *list, **prev; /* device->contexts, device lock */
};

static inline struct df_slot *df_context_slot(struct df_context *context, uint64_t sequence)
{
	return &context->slots[sequence % context->depth];
}

static inline bool df_slot_marked(const struct df_slot *slot, uint64_t sequence)
{
	return atomic_load_explicit(slot->marker, memory_order_acquire) == sequence;
}

/* Lock held. Of the context's submissions left are at the kernel still. */
static inline void df_context_left(struct df_context *context, uint64_t left)
{
	if (context->inside <= left)
		return;
	atomic_fetch_sub_explicit(&context->device->traffic, context->inside - left, memory_order_relaxed);
	context->inside = (uint32_t)left;
}

/* Is it run by itself, from a stream of the library's own? The slot is troubled. */
static inline bool df_slot_is_solitary(const struct df_slot *slot)
{
	return slot->run >= DF_RUN_ALONE;
}

/* Nothing is lost or being recovered, as far as is known. */
static inline bool df_context_calm(const struct df_context *context)
{
	return atomic_load_explicit(&context->stage, memory_order_relaxed) == DF_CALM;
}

/* An ioctl said ENODEV: is the device gone? Only then does it say so twice, and stays gone until it is reopened. */
static inline bool df_context_is_gone(const struct df_context *context)
{
	return atomic_load(&context->device->gone) ||
	       context->device->kmd->context_touched(context->device, atomic_load(&context->kernel)) == -ENODEV;
}

/* For reopen.c: a kernel context and, where the kernel has them, a timeline. */
int df_context_kernel_create(struct df_context *context, uint32_t *kernel_out, uint32_t *timeline_out);
/* Tails as they are before the first submission, and markers that say nothing. */
void df_context_write_tails(struct df_context *context);
/* What was made for runs that the library wrote itself goes with the old file. */
void df_context_drop_streams(struct df_context *context);
/* Of a reopenable device: in-fences are imported again then. */
int df_context_keep_fds(struct df_context *context, struct df_slot *slot, const int *fds, unsigned count);
void df_context_drop_fds(struct df_slot *slot);
/* recovery.c: the device is there again, and contents are (bytes of them): what was pending is held, to be run again.
 */
void df_recovery_reopened(struct df_context *context, uint64_t bytes);

/* context.c */
int df_context_create_internal(struct df_device *device, struct df_context **context_out);
/* Another kernel context and timeline in place of the lost ones. Lock held. */
int df_context_renew(struct df_context *context);
void df_context_unref(struct df_context *context);

/* journal.c; the lock is held by the caller of all of these. */
/* Retires what has finished, and is verified, from the oldest on, up to and with sequence last. True when last is. */
bool df_journal_retire(struct df_context *context, uint64_t last);
/* The last pending submission, or NULL. Slots between may be closed: they got their verdict before their turn. */
struct df_slot *df_journal_youngest(struct df_context *context);
/* Gives held submissions to the kernel as far as it may have them. */
void df_journal_pump_held(struct df_context *context);
static inline void df_journal_pump(struct df_context *context)
{
	if (__builtin_expect(context->unsent != context->next, 0))
		df_journal_pump_held(context);
}
/* Is a batch at the kernel that runs alone? It is the oldest, for it waited for those before it. */
bool df_journal_runs_alone(struct df_context *context);
/* Gives one to the kernel. -EAGAIN: it is to be held for now; others as the kernel refuses it. */
int df_journal_send(struct df_context *context, struct df_slot *slot);
/* Something was lost, or may have been. error: what the kernel said. */
void df_journal_lost(struct df_context *context, int error);
/* Others have found a loss since the context was last looked at: is it lost too? */
void df_journal_look_closely(struct df_context *context);
static inline void df_journal_look(struct df_context *context)
{
	if (__builtin_expect(atomic_load_explicit(&context->losses_seen, memory_order_relaxed) !=
				     atomic_load_explicit(&context->device->losses_seen, memory_order_relaxed),
			     0))
		df_journal_look_closely(context);
}
void df_journal_close_from(struct df_context *context, uint64_t sequence, enum df_verdict verdict,
			   enum df_verdict rest);
bool df_journal_is_condemned(int error);
bool df_journal_misled(const struct df_slot *slot);
bool df_journal_misled_for_good(const struct df_slot *slot);
/* Gives a pending submission its end. The slot keeps its place in the order until those before it have retired. */
void df_journal_close(struct df_context *context, struct df_slot *slot, enum df_verdict verdict);
/* Makes memory for the slot's tail if the batch needs more than it has. */
int df_journal_reserve(struct df_context *context, struct df_slot *slot, const struct df_batch_submit *batch);
/* The first fence that the slot waits for and that is not final, or NULL. */
struct df_fence *df_journal_waits_for(const struct df_slot *slot);

/* page_fault.c */
/* Did a page fault turn up since the context had nothing at the kernel? The last one's address. */
bool df_page_fault_seen(struct df_context *context, uint64_t *address_out);
/* Nothing of the context is at the kernel: what turned up so far is not its own. */
void df_page_fault_forget(struct df_context *context);
/* Would the fault that was seen last not be seen again? Then the sentinel is to be read from. */
bool df_page_fault_stale(struct df_device *device);
void df_page_fault_reopened(struct df_device *device);

/* recovery.c; no lock is held. */
/* Takes the next step of settling a loss. 0: the context is calm; -EBUSY: call again a little later. */
int df_recovery_step(struct df_context *context);
/* The device is gone: every pending submission of the context ends with that verdict (or waits for a reopening). */
void df_recovery_gone(struct df_context *context);

/* fence.c */
/* Room for count more fences. Lock held, or the context not published yet. */
int df_fence_reserve(struct df_context *context, unsigned count);
void df_fence_pool_finish(struct df_context *context);
/* Two references: the caller's and the journal's. Lock held. Allocates only when callers hold more fences than were
 * reserved. */
struct df_fence *df_fence_take(struct df_context *context, struct df_slot *slot, uint64_t sequence);
void df_fence_ref(struct df_fence *fence);
void df_fence_unref(struct df_fence *fence);
/* Its info is written. */
static inline void df_fence_finish(struct df_fence *fence)
{
	atomic_store_explicit(&fence->final, true, memory_order_release);
	df_fence_unref(fence);
}

#endif

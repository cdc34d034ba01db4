/* SPDX-License-Identifier: MIT */
/*
 * context.h - contexts, their journal, and fences: what context.c, journal.c, submit.c and fence.c share.
 *
 * A context has depth slots, used in turn: submission n (from 1) is in slot n % depth. A slot owns a marker, 64 bits of
 * host memory that the GPU caches bypass, and a tail IB that writes n there once all before it in the job is finished.
 * Submissions [oldest, next) are pending; they retire in order. A marker that holds n says that n has finished; one
 * that is missing under a kernel fence that signalled, or before a later marker, says that n was lost.
 *
 * A fence is pending or final. While it is pending, its slot and context are alive: each fence holds a reference on its
 * context. It becomes final once, under the context's lock; what it says then never changes.
 */
#ifndef DF_CORE_CONTEXT_H
#define DF_CORE_CONTEXT_H

#include "core/internal.h"
#include "core/lock.h"

#define DF_MARKER_STRIDE_B  64u /* a cache line each: the host polls one while the GPU writes another */
#define DF_MAX_RETRIES_NONE UINT32_MAX

struct df_fence {
	struct df_device *device;
	struct df_context *context;
	struct df_slot *slot;
	uint64_t sequence;
	atomic_uint references;
	atomic_bool final;
	/* Written before final is set. */
	struct df_wait_info info;
	struct df_fence *next; /* in the context's pool */
};

struct df_slot {
	struct df_kmd_slot *kmd;
	_Atomic uint64_t *marker;
	uint32_t *tail_value; /* in the tail IB, host memory */
	uint64_t tail_va;
	/* The pending submission; context lock. */
	struct df_batch_submit *batch; /* NULL: free, or closed and waiting for its turn to retire */
	struct df_fence *fence;
	uint64_t sequence;
	_Atomic uint64_t handle; /* the kernel's */
	uint64_t submitted_ns, looked_ns;
	bool suspect; /* the kernel's fence signalled, the marker was missing once */
	uint32_t retries;
	unsigned wait_count, syncobj_count;
	/* Kept until the slot retires, so that it can be submitted again: fences (referenced), and syncobjs that hold
	 * the in-fences. Syncobjs are made on first use and stay. */
	struct df_fence *waits[DF_KMD_MAX_WAITS];
	uint32_t syncobjs[DF_KMD_MAX_WAITS];
	unsigned syncobjs_made;
};

struct df_context {
	struct df_device *device;
	atomic_uint references; /* the caller's and each fence's */
	struct df_lock lock;
	_Atomic uint32_t kernel; /* 0 while it is being replaced; changes under lock */
	uint32_t timeline;       /* lock */
	int priority;
	uint32_t depth, tail_dw;
	uint32_t max_retries;  /* DF_MAX_RETRIES_NONE: none */
	uint64_t oldest, next; /* lock */
	uint64_t recoveries;   /* lock */
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

/* context.c */
int df_context_create_internal(struct df_device *device, struct df_context **context_out);
/* Another kernel context and timeline in place of the lost ones. Lock held. */
int df_context_renew(struct df_context *context);
void df_context_unref(struct df_context *context);

/* journal.c; the lock is held by the caller of all of these. */
/* Retires what has finished from the oldest on, up to and with sequence last. True when last is retired. */
bool df_journal_retire(struct df_context *context, uint64_t last);
/* The last pending submission, or NULL. Slots between may be closed: they got their verdict before their turn. */
struct df_slot *df_journal_youngest(struct df_context *context);
/* Is this answer of the port's wait about the job (over, with or without an error), or about the question? */
bool df_journal_is_over(int error);
/*
 * The kernel says of a pending submission that it is over (error 0 or what its fence failed with) and its marker is
 * missing, or refuses the context. Finds out what happened; replays or gives verdicts. 0 when the pending ones are
 * settled or on their way again, -EBUSY when the kernel is not finished with the loss: ask again a little later.
 */
int df_journal_loss(struct df_context *context, int error);
/* Fills the port's submission from a slot: everything but the waits of fences. */
void df_journal_describe(struct df_context *context, struct df_slot *slot, struct df_kmd_submission *submission);
/* The kernel's names of fences still pending, at most DF_KMD_MAX_WAITS. -EAGAIN: one's context is being replaced. */
int df_journal_dependencies(struct df_fence *const *fences, unsigned count, struct df_kmd_dependency *dependencies,
			    unsigned *count_out);

/* fence.c */
/* Room for count more fences. Lock held, or the context not published yet. */
int df_fence_reserve(struct df_context *context, unsigned count);
void df_fence_pool_finish(struct df_context *context);
/* Two references: the caller's and the journal's. Lock held. Allocates only when callers hold more fences than were
 * reserved. */
struct df_fence *df_fence_take(struct df_context *context, struct df_slot *slot, uint64_t sequence);
void df_fence_ref(struct df_fence *fence);
void df_fence_unref(struct df_fence *fence);
void df_fence_finish(struct df_fence *fence, const struct df_wait_info *info);

#endif

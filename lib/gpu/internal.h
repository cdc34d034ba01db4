/* SPDX-License-Identifier: MIT */
/* internal.h - the GPU object and what its units share. */
#ifndef DF_GPU_INTERNAL_H
#define DF_GPU_INTERNAL_H

#include "vm.h"

struct gpu_ring;
struct gpu_sched;
struct gpu_strict;
struct gpu_used;

#define GPU_RING_COUNT (GPU_RINGS_GFX + GPU_RINGS_COMPUTE + GPU_RINGS_SDMA)

/* Counters of gpu_get_stats(). */
struct gpu_counters {
	_Atomic uint64_t jobs, packets, launches, groups, waves, instructions, refused, page_faults;
	_Atomic uint64_t findings[GPU_FINDING_KINDS];
};

struct gpu {
	struct gpu_config config;
	_Atomic bool strict_on, plan_on;
	struct gpu_counters count;
	pthread_mutex_t threads_lock; /* guards threads */
	struct gpu_thread *threads;
	struct gpu_sched *sched;
	struct gpu_ring *rings[GPU_RING_COUNT];
	struct gpu_strict *strict;
	struct gpu_used *used; /* NULL: nothing is counted for a fidelity report */
	_Atomic uint64_t code_epoch;
	_Atomic uint64_t spaces; /* address spaces made so far */
};

/* Fills in where a page fault happened, and keeps the first of a job. */
void gpu_place_page_fault(const struct gpu_tlb *tlb, struct gpu_fault *fault);
/* Calls the page_fault callback from inside a section, and counts. tlb may be NULL. */
void gpu_tell_page_fault(struct gpu *gpu, struct gpu_vm *vm, struct gpu_tlb *tlb, const struct gpu_fault *fault);
/* Calls the finding callback from inside a section, and counts. tlb may be NULL. */
void gpu_tell_finding(struct gpu *gpu, struct gpu_tlb *tlb, const struct gpu_finding *finding);

/* Drops what other units remember of an address space (decoded code, shadows). */
void gpu_forget_vm(struct gpu *gpu, struct gpu_vm *vm);

/* A new code epoch: decoded code is compared with memory before it is used again. */
uint64_t gpu_next_epoch(struct gpu *gpu);

static inline void gpu_count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * vm.h - address spaces and translation caches, inside lib/gpu.
 *
 * Readers never lock. They stand inside a section (gpu_thread_enter ... gpu_thread_leave) while they use translations
 * and say at every quantum which generation of the address space they have seen (gpu_tlb_refresh); gpu_vm_flush()
 * waits until every thread that stands in a section of that address space has seen its generation.
 */
#ifndef DF_GPU_VM_H
#define DF_GPU_VM_H

#include "isa.h"

#include <pthread.h>
#include <stdatomic.h>

#define GPU_PAGE_SHIFT 12
#define GPU_PAGE_SIZE  4096u
#define GPU_PAGE_MASK  (GPU_PAGE_SIZE - 1)

/* A reader of translations. One per host thread of the GPU, and one per address space that the thread serves at the
 * same time: it publishes one address space. */
struct gpu_thread {
	struct gpu_tlb tlb;
	struct gpu *gpu;
	_Atomic(struct gpu_vm *) vm; /* NULL outside a section */
	_Atomic uint64_t seen;       /* generation that the section has seen */
	struct gpu_wave *wave;       /* that runs now, for faults and findings; NULL: the thread works for itself */
	struct gpu_ring *ring;       /* whose command processor reads by it; NULL: a worker's */
	bool astray;                 /* the next access to data goes to GPU_NOWHERE (a planned page fault) */
	unsigned depth;              /* 1 in a section; the callbacks leave it for their time */
	struct gpu_thread *family;   /* the readers of the same host thread, an array; all leave for a callback */
	unsigned family_count;
	struct gpu_thread *next; /* gpu->threads */
};

struct gpu_vm_table;

struct gpu_vm {
	struct gpu *gpu;
	_Atomic uint64_t generation; /* rises after every change of a present entry */
	pthread_mutex_t lock;        /* writers; guards retired */
	struct gpu_vm_table *root;
	struct gpu_vm_table *retired; /* unhooked, still visible to readers of older generations */
	struct gpu_vm_table *spare;   /* tables in reserve: a change never fails half way */
	unsigned spare_count;
};

void gpu_thread_init(struct gpu_thread *thread, struct gpu *gpu);
void gpu_thread_finish(struct gpu_thread *thread);
void gpu_thread_enter(struct gpu_thread *thread, struct gpu_vm *vm);
void gpu_thread_leave(struct gpu_thread *thread);
void gpu_thread_refresh_slow(struct gpu_thread *thread);
/* Lets the thread's next access to data go astray. */
void gpu_thread_lead_astray(struct gpu_thread *thread);

/*
 * At every quantum: forgets removed translations, lets gpu_vm_flush() go on. It looks at what flush looks at: a miss in
 * the middle of a quantum brings the TLB to the new generation, but is no promise about pointers already taken.
 */
static inline void gpu_thread_refresh(struct gpu_thread *thread)
{
	struct gpu_vm *vm = thread->tlb.vm;

	if (__builtin_expect(atomic_load_explicit(&vm->generation, memory_order_acquire) !=
				     atomic_load_explicit(&thread->seen, memory_order_relaxed),
			     0))
		gpu_thread_refresh_slow(thread);
}

/* Translation of a page: false when nothing is mapped. access holds GPU_PTE_PRT for a PRT page (host is NULL then). */
bool gpu_vm_lookup(struct gpu_vm *vm, uint64_t va, struct gpu_tlb_entry *entry_out);

/* Tables that no entry points at any more; the caller holds vm->lock. They are freed after every reader has moved on.
 */
struct gpu_vm_table *gpu_vm_take_retired(struct gpu_vm *vm);
void gpu_vm_free_tables(struct gpu_vm_table *list);

/* Around callbacks: the thread leaves its section, so that the user may flush while it holds its locks. */
void gpu_tlb_pause(struct gpu_tlb *tlb);
void gpu_tlb_resume(struct gpu_tlb *tlb);

#endif

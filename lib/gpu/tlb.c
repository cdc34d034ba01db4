/* SPDX-License-Identifier: MIT */
/*
 * tlb.c - translation caches, the sections in which they are valid, and accesses of any size.
 */
#include "internal.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_PAGE (~0ull)

static void tlb_empty(struct gpu_tlb *tlb)
{
	for (unsigned i = 0; i < GPU_TLB_ENTRIES; i++) {
		tlb->e[i].page = NO_PAGE;
		tlb->e[i].access = 0;
	}
}

void gpu_tlb_init(struct gpu_tlb *tlb, struct gpu_vm *vm)
{
	tlb->vm = vm;
	tlb->thread = NULL;
	tlb->told_page = NO_PAGE;
	tlb->generation = vm ? atomic_load(&vm->generation) : 0;
	tlb_empty(tlb);
}

void gpu_thread_init(struct gpu_thread *thread, struct gpu *gpu)
{
	gpu_tlb_init(&thread->tlb, NULL);
	thread->tlb.thread = thread;
	thread->gpu = gpu;
	thread->depth = 0;
	thread->wave = NULL;
	thread->ring = NULL;
	thread->astray = false;
	thread->family = thread;
	thread->family_count = 1;
	atomic_init(&thread->vm, NULL);
	atomic_init(&thread->seen, 0);
	pthread_mutex_lock(&gpu->threads_lock);
	thread->next = gpu->threads;
	gpu->threads = thread;
	pthread_mutex_unlock(&gpu->threads_lock);
}

void gpu_thread_finish(struct gpu_thread *thread)
{
	struct gpu *gpu = thread->gpu;
	struct gpu_thread **link;

	pthread_mutex_lock(&gpu->threads_lock);
	for (link = &gpu->threads; *link; link = &(*link)->next)
		if (*link == thread) {
			*link = thread->next;
			break;
		}
	pthread_mutex_unlock(&gpu->threads_lock);
}

void gpu_thread_refresh_slow(struct gpu_thread *thread)
{
	struct gpu_vm *vm = thread->tlb.vm;
	uint64_t generation = atomic_load(&vm->generation);

	if (thread->tlb.generation != generation) {
		tlb_empty(&thread->tlb);
		thread->tlb.generation = generation;
	}
	atomic_store(&thread->seen, generation);
}

void gpu_thread_lead_astray(struct gpu_thread *thread)
{
	tlb_empty(&thread->tlb);
	thread->tlb.told_page = NO_PAGE;
	thread->astray = true;
}

/*
 * The store of thread->vm and the load of the generation stand in this order on both sides (gpu_vm_flush() raises the
 * generation, then reads thread->vm), so either the flush waits for this section or the section sees its generation.
 */
void gpu_thread_enter(struct gpu_thread *thread, struct gpu_vm *vm)
{
	if (thread->tlb.vm != vm) {
		tlb_empty(&thread->tlb);
		thread->tlb.vm = vm;
		thread->tlb.generation = 0;
	}
	thread->tlb.told_page = NO_PAGE; /* of another job */
	atomic_store(&thread->seen, 0);
	atomic_store(&thread->vm, vm);
	thread->depth = 1;
	gpu_thread_refresh_slow(thread);
}

void gpu_thread_leave(struct gpu_thread *thread)
{
	thread->depth = 0;
	atomic_store(&thread->vm, NULL);
}

/* A host thread that holds waves of several address spaces leaves all of them: a flush of any may be what the callback
 * waits for. depth stays, and says where to come back to. */
void gpu_tlb_pause(struct gpu_tlb *tlb)
{
	if (!tlb || !tlb->thread)
		return;
	for (unsigned i = 0; i < tlb->thread->family_count; i++)
		if (tlb->thread->family[i].depth)
			atomic_store(&tlb->thread->family[i].vm, NULL);
}

void gpu_tlb_resume(struct gpu_tlb *tlb)
{
	if (!tlb || !tlb->thread)
		return;
	for (unsigned i = 0; i < tlb->thread->family_count; i++)
		if (tlb->thread->family[i].depth)
			gpu_thread_enter(&tlb->thread->family[i], tlb->thread->family[i].tlb.vm);
}

void gpu_vm_flush(struct gpu_vm *vm)
{
	struct gpu *gpu = vm->gpu;
	struct gpu_vm_table *retired;
	uint64_t generation;

	pthread_mutex_lock(&vm->lock);
	retired = gpu_vm_take_retired(vm);
	pthread_mutex_unlock(&vm->lock);
	generation = atomic_load(&vm->generation);
	pthread_mutex_lock(&gpu->threads_lock);
	for (struct gpu_thread *thread = gpu->threads; thread; thread = thread->next)
		while (atomic_load(&thread->vm) == vm && atomic_load(&thread->seen) < generation)
			sched_yield();
	pthread_mutex_unlock(&gpu->threads_lock);
	gpu_vm_free_tables(retired);
}

static const char *access_name(unsigned access)
{
	return access & GPU_EXEC ? "instruction fetch" : access & GPU_WRITE ? "write" : "read";
}

static void fault_fill(struct gpu_fault *fault, uint64_t va, unsigned size_B, unsigned access, bool mapped)
{
	if (!fault)
		return;
	fault->status = GPU_FAULT_PAGE;
	fault->access = access;
	fault->address = va;
	snprintf(fault->what, sizeof(fault->what), "page fault: %s of %u bytes at 0x%llx, %s", access_name(access),
		 size_B, (unsigned long long)va, mapped ? "the page does not allow it" : "nothing is mapped there");
}

void *gpu_tlb_miss(struct gpu_tlb *tlb, uint64_t va, unsigned size_B, unsigned access, struct gpu_fault *fault)
{
	struct gpu_tlb_entry entry = {0}, *slot = &tlb->e[gpu_tlb_slot(va)];
	uint64_t generation = atomic_load_explicit(&tlb->vm->generation, memory_order_acquire);
	bool mapped;

	if (fault)
		fault->status = GPU_DONE;
	if (generation != tlb->generation) {
		tlb_empty(tlb);
		tlb->generation = generation;
	}
	if ((va & GPU_PAGE_MASK) + size_B > GPU_PAGE_SIZE)
		return NULL;
	if (__builtin_expect(tlb->thread && tlb->thread->astray && !(access & GPU_EXEC), 0)) {
		fault_fill(fault, va, size_B, access, false);
		return NULL;
	}
	mapped = gpu_vm_lookup(tlb->vm, va, &entry);
	if (mapped && (entry.access & GPU_PTE_PRT))
		return NULL;
	if (!mapped || (entry.access & access) != access) {
		fault_fill(fault, va, size_B, access, mapped);
		return NULL;
	}
	*slot = entry;
	return entry.host + (va & GPU_PAGE_MASK);
}

/* Atomic where the size allows it: fences and polled words are whole to other threads, with release and acquire order.
 */
static void copy_in(void *to, const void *from, size_t size_B)
{
	if (size_B == 4 && ((uintptr_t)from & 3) == 0) {
		uint32_t v = __atomic_load_n((const uint32_t *)from, __ATOMIC_ACQUIRE);

		memcpy(to, &v, 4);
	} else if (size_B == 8 && ((uintptr_t)from & 7) == 0) {
		uint64_t v = __atomic_load_n((const uint64_t *)from, __ATOMIC_ACQUIRE);

		memcpy(to, &v, 8);
	} else {
		memcpy(to, from, size_B);
	}
}

static void copy_out(void *to, const void *from, size_t size_B)
{
	if (size_B == 4 && ((uintptr_t)to & 3) == 0) {
		uint32_t v;

		memcpy(&v, from, 4);
		__atomic_store_n((uint32_t *)to, v, __ATOMIC_RELEASE);
	} else if (size_B == 8 && ((uintptr_t)to & 7) == 0) {
		uint64_t v;

		memcpy(&v, from, 8);
		__atomic_store_n((uint64_t *)to, v, __ATOMIC_RELEASE);
	} else {
		memmove(to, from, size_B);
	}
}

/* What a page without a host address does with an access: 0 after PRT or a redirected fault, else -EFAULT. */
static int access_nowhere(struct gpu_tlb *tlb, uint64_t va, unsigned size_B, unsigned access, struct gpu_fault *fault)
{
	struct gpu *gpu = tlb->vm->gpu;
	struct gpu_tlb_entry entry;

	if (__builtin_expect(tlb->thread && tlb->thread->astray, 0)) {
		tlb->thread->astray = false;
		va = GPU_NOWHERE(tlb->thread->wave ? tlb->thread->wave->launch : 0) | (va & GPU_PAGE_MASK);
		fault_fill(fault, va, size_B, access, false);
	} else if (gpu_vm_lookup(tlb->vm, va, &entry) && (entry.access & GPU_PTE_PRT)) {
		return 0;
	}
	if (fault->status != GPU_FAULT_PAGE)
		fault_fill(fault, va, size_B, access, false);
	if (!gpu)
		return -EFAULT;
	gpu_place_page_fault(tlb, fault);
	if (tlb->told_page != va >> GPU_PAGE_SHIFT) {
		tlb->told_page = va >> GPU_PAGE_SHIFT;
		gpu_tell_page_fault(gpu, tlb->vm, tlb, fault);
	}
	if (gpu->config.fault_stops)
		return -EFAULT;
	fault->status = GPU_DONE;
	return 0;
}

static size_t page_part(uint64_t va, size_t size_B)
{
	size_t part = GPU_PAGE_SIZE - (va & GPU_PAGE_MASK);

	return part < size_B ? part : size_B;
}

int gpu_tlb_read(struct gpu_tlb *tlb, uint64_t va, void *to, size_t size_B, struct gpu_fault *fault)
{
	struct gpu_fault unused;
	uint8_t *out = to;

	unused.status = GPU_DONE;
	if (!fault)
		fault = &unused;
	while (size_B) {
		size_t part = page_part(va, size_B);
		const void *host = gpu_tlb_ptr(tlb, va, (unsigned)part, GPU_READ, fault);

		if (host)
			copy_in(out, host, part);
		else if (access_nowhere(tlb, va, (unsigned)part, GPU_READ, fault))
			return -EFAULT;
		else
			memset(out, 0, part);
		va += part;
		out += part;
		size_B -= part;
	}
	return 0;
}

int gpu_tlb_write(struct gpu_tlb *tlb, uint64_t va, const void *from, size_t size_B, struct gpu_fault *fault)
{
	struct gpu_fault unused;
	const uint8_t *in = from;

	unused.status = GPU_DONE;
	if (!fault)
		fault = &unused;
	while (size_B) {
		size_t part = page_part(va, size_B);
		void *host = gpu_tlb_ptr(tlb, va, (unsigned)part, GPU_WRITE, fault);

		if (host)
			copy_out(host, in, part);
		else if (access_nowhere(tlb, va, (unsigned)part, GPU_WRITE, fault))
			return -EFAULT;
		va += part;
		in += part;
		size_B -= part;
	}
	return 0;
}

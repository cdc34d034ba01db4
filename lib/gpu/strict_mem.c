/* SPDX-License-Identifier: MIT */
/*
 * strict_mem.c - stale caches, launches that nobody waited for, completion before its data.
 *
 * Every write of a launch or of the CP leaves its time with the dwords it wrote. A load of another launch must have
 * been preceded, after that time, by invalidation of each cache that it goes through (ACQUIRE_MEM or RELEASE_MEM on its
 * own ring), and by a wait for that launch when it was on the same ring. What a launch reads of its own writes is its
 * own business. Data that only the host wrote is not tracked. Whether a line really was in a cache does not matter: on
 * silicon it may be.
 *
 * Completion: a 64-bit RELEASE_MEM value to memory (DST_SEL 0) or into an uncached page, or a WRITE_DATA of two dwords
 * and more into an uncached page, tells a reader outside the GPU that the job's data is there: stores by shaders must
 * have been waited for and written back (GL2_WB). A value that stays in L2 tells only readers that look there, as the
 * stores do. Shorter values are left alone: events and query availability of Vulkan drivers, progress markers say
 * nothing about data.
 */
#include "ring.h"
#include "strict_state.h"

#include <stdlib.h>

enum { TIME_SHIFT = 32, MASK_SHIFT = 0, WRITER_SHIFT = 4, RING_SHIFT = 6 };

static bool ring_strict(const struct gpu_ring *ring)
{
	return atomic_load_explicit(&ring->gpu->strict_on, memory_order_relaxed);
}

static uint32_t time_next(struct gpu_strict *strict)
{
	return atomic_fetch_add(&strict->time, 1) + 1;
}

static struct strict_page *page_find(struct gpu_strict *strict, uintptr_t host, bool create)
{
	_Atomic(struct strict_page *) *bucket = &strict->shadow[(host ^ host >> 12) % STRICT_SHADOW_BUCKETS];
	struct strict_page *page;

	for (page = atomic_load_explicit(bucket, memory_order_acquire); page; page = page->next)
		if (page->host == host)
			return page;
	if (!create)
		return NULL;
	pthread_mutex_lock(&strict->lock);
	for (page = atomic_load(bucket); page && page->host != host; page = page->next)
		;
	if (!page) {
		page = calloc(1, sizeof(*page));
		if (page) {
			page->host = host;
			page->next = atomic_load(bucket);
			atomic_store_explicit(bucket, page, memory_order_release);
		}
	}
	pthread_mutex_unlock(&strict->lock);
	return page;
}

static uint64_t dword_pack(uint32_t time, unsigned mask, enum strict_writer writer, unsigned ring)
{
	return (uint64_t)time << TIME_SHIFT | mask << MASK_SHIFT | (unsigned)writer << WRITER_SHIFT |
	       ring << RING_SHIFT;
}

/* A walk over the dwords of an access, page by page. */
struct walk {
	uint64_t va, end;
	struct strict_page *page;
	uint64_t page_va;
	uint8_t mtype;
};

static bool walk_next(struct gpu_strict *strict, struct gpu_vm *vm, struct walk *walk, bool create,
		      _Atomic uint64_t **dword_out, unsigned *mask_out)
{
	while (walk->va < walk->end) {
		const uint64_t word = walk->va & ~3ull, stop = walk->end - word < 4 ? walk->end - word : 4;
		const unsigned mask = ((1u << stop) - 1) & ~((1u << (walk->va & 3)) - 1);

		if (walk->page_va != (word & ~(uint64_t)GPU_PAGE_MASK)) {
			struct gpu_tlb_entry entry;

			walk->page_va = word & ~(uint64_t)GPU_PAGE_MASK;
			walk->page = NULL;
			if (gpu_vm_lookup(vm, word, &entry) && entry.host) {
				walk->page = page_find(strict, (uintptr_t)entry.host >> GPU_PAGE_SHIFT, create);
				walk->mtype = entry.mtype;
			}
		}
		walk->va = word + 4;
		if (!walk->page)
			continue;
		*dword_out = &walk->page->dword[(word & GPU_PAGE_MASK) / 4];
		*mask_out = mask;
		return true;
	}
	return false;
}

static struct walk walk_begin(uint64_t va, uint64_t size_B)
{
	return (struct walk){.va = va, .end = va + size_B, .page_va = 1};
}

static uint32_t invalidated_at(const struct strict_ring *ring, unsigned cache, uint64_t va)
{
	const unsigned bit = 1u << cache, n = atomic_load_explicit(&ring->ranges, memory_order_acquire);
	uint32_t time = atomic_load_explicit(&ring->invalidated[cache], memory_order_relaxed);

	for (unsigned i = 0; i < STRICT_RANGES && i < n; i++) {
		const struct strict_range *range = &ring->range[i];

		if ((range->caches & bit) && va >= range->base && va < range->end && range->time > time)
			time = range->time;
	}
	return time;
}

static unsigned path_caches(enum gpu_strict_path path)
{
	switch (path) {
	case GPU_STRICT_VECTOR:
		return GPU_INV_GLV | GPU_INV_GL1;
	case GPU_STRICT_VECTOR_GLC:
		return GPU_INV_GL1;
	case GPU_STRICT_SCALAR:
		return GPU_INV_GLK;
	default:
		return 0;
	}
}

static void load_check(struct gpu_wave *w, uint64_t va, uint64_t shadow, enum gpu_strict_path path)
{
	static const char *const cache_name[] = {"GLI_INV", "GLK_INV", "GLV_INV", "GL1_INV"};
	const struct gpu_dispatch *d = w->strict->d;
	const struct strict_ring *ring = &d->gpu->strict->ring[d->ring];
	const uint32_t time = (uint32_t)(shadow >> TIME_SHIFT);
	const bool shader = (shadow >> WRITER_SHIFT & 3) == WRITER_SHADER;
	const char *who = shader ? "an earlier launch" : "the command processor";
	const unsigned caches = path_caches(path);

	if (time == d->strict_event && shader)
		return;
	if (shader && (shadow >> RING_SHIFT & 7) == d->ring && time > d->strict_waited && time < d->strict_event) {
		gpu_strict_wave_finding(
			w, GPU_FINDING_STALE_CACHE, 0, va,
			"load of 0x%llx, which %s writes, with no wait for it (CS_PARTIAL_FLUSH) between",
			(unsigned long long)va, who);
		return;
	}
	for (unsigned cache = 0; cache < 4; cache++)
		if ((caches >> cache & 1) && invalidated_at(ring, cache, va) <= time) {
			gpu_strict_wave_finding(w, GPU_FINDING_STALE_CACHE, 0, va,
						"load of 0x%llx, which %s wrote, with no ACQUIRE_MEM %s between",
						(unsigned long long)va, who, cache_name[cache]);
			return;
		}
}

void gpu_strict_load_slow(struct gpu_wave *w, uint64_t va, unsigned size_B, enum gpu_strict_path path)
{
	struct gpu_strict *strict = w->strict->d->gpu->strict;
	struct walk walk = walk_begin(va, size_B);
	_Atomic uint64_t *dword;
	unsigned mask;

	while (walk_next(strict, w->tlb->vm, &walk, false, &dword, &mask)) {
		const uint64_t shadow = atomic_load_explicit(dword, memory_order_relaxed);

		if ((shadow >> WRITER_SHIFT & 3) != WRITER_NONE && (shadow & mask))
			load_check(w, walk.va - 4, shadow, path);
	}
}

static void dword_write(_Atomic uint64_t *dword, uint32_t time, unsigned mask, enum strict_writer writer, unsigned ring)
{
	const uint64_t old = atomic_load_explicit(dword, memory_order_relaxed);

	if (old >> TIME_SHIFT == time)
		mask |= old >> MASK_SHIFT & 0xf;
	atomic_store_explicit(dword, dword_pack(time, mask, writer, ring), memory_order_relaxed);
}

void gpu_strict_store_slow(struct gpu_wave *w, uint64_t va, unsigned size_B, enum gpu_strict_path path)
{
	const struct gpu_dispatch *d = w->strict->d;
	struct gpu_strict *strict = d->gpu->strict;
	struct walk walk = walk_begin(va, size_B);
	_Atomic uint64_t *dword;
	unsigned mask;

	(void)path; /* stores go through to L2 on gfx10, whatever their bits */
	while (walk_next(strict, w->tlb->vm, &walk, true, &dword, &mask)) {
		dword_write(dword, d->strict_event, mask, WRITER_SHADER, d->ring);
		if (walk.mtype != GPU_MTYPE_UC)
			atomic_store_explicit(&strict->ring[d->ring].stores, true, memory_order_relaxed);
	}
}

void gpu_strict_job_begin(struct gpu_ring *ring)
{
	atomic_store(&ring->gpu->strict->ring[ring->index].stores, false);
}

void gpu_strict_job_end(struct gpu_ring *ring)
{
	gpu_strict_shaders_waited(ring);
}

void gpu_strict_launch(struct gpu_ring *ring, struct gpu_dispatch *d)
{
	struct gpu_strict *strict = ring->gpu->strict;

	if (!d->strict)
		return;
	d->strict_waited = atomic_load(&strict->ring[ring->index].waited);
	d->strict_event = time_next(strict);
	atomic_store(&strict->ring[ring->index].last_launch, d->strict_event);
}

void gpu_strict_shaders_waited(struct gpu_ring *ring)
{
	struct gpu_strict *strict = ring->gpu->strict;

	if (ring_strict(ring))
		atomic_store(&strict->ring[ring->index].waited, time_next(strict));
}

void gpu_strict_invalidate(struct gpu_ring *ring, unsigned caches, uint64_t base, uint64_t size_B)
{
	enum { ALL_BITS = 40 }; /* a range from 0 of at least this many bits is taken for everything */
	struct gpu_strict *strict = ring->gpu->strict;
	struct strict_ring *state = &strict->ring[ring->index];
	uint32_t time;
	unsigned n;

	if (!ring_strict(ring) || !caches)
		return;
	time = time_next(strict);
	if (base == 0 && size_B >> ALL_BITS) {
		for (unsigned cache = 0; cache < 4; cache++)
			if (caches >> cache & 1)
				atomic_store(&state->invalidated[cache], time);
		return;
	}
	n = atomic_load(&state->ranges);
	state->range[n % STRICT_RANGES] =
		(struct strict_range){.caches = caches, .time = time, .base = base, .end = base + size_B};
	atomic_store_explicit(&state->ranges, n + 1, memory_order_release);
}

void gpu_strict_writeback(struct gpu_ring *ring)
{
	struct strict_ring *state = &ring->gpu->strict->ring[ring->index];

	if (ring_strict(ring) && atomic_load(&state->waited) >= atomic_load(&state->last_launch))
		atomic_store(&state->stores, false);
}

void gpu_strict_cp_write(struct gpu_ring *ring, uint64_t va, uint64_t size_B)
{
	struct gpu_strict *strict = ring->gpu->strict;
	struct walk walk = walk_begin(va, size_B);
	_Atomic uint64_t *dword;
	uint32_t time;
	unsigned mask;

	if (!ring_strict(ring))
		return;
	time = time_next(strict);
	while (walk_next(strict, ring->reader.tlb.vm, &walk, true, &dword, &mask))
		dword_write(dword, time, mask, WRITER_CP, ring->index);
}

void gpu_strict_cp_read(struct gpu_ring *ring, uint64_t va, uint64_t size_B, const char *packet)
{
	struct gpu_strict *strict = ring->gpu->strict;
	struct walk walk = walk_begin(va, size_B);
	_Atomic uint64_t *dword;
	unsigned mask;

	if (!ring_strict(ring))
		return;
	while (walk_next(strict, ring->reader.tlb.vm, &walk, false, &dword, &mask)) {
		const uint64_t shadow = atomic_load_explicit(dword, memory_order_relaxed);

		if ((shadow >> WRITER_SHIFT & 3) != WRITER_SHADER || !(shadow & mask) ||
		    (shadow >> RING_SHIFT & 7) != ring->index ||
		    shadow >> TIME_SHIFT <= atomic_load(&strict->ring[ring->index].waited))
			continue;
		gpu_strict_packet(
			ring, GPU_FINDING_STALE_CACHE, walk.va - 4,
			"%s reads 0x%llx, which a launch writes, with no wait for it (CS_PARTIAL_FLUSH) between",
			packet, (unsigned long long)(walk.va - 4));
		return;
	}
}

static bool page_uncached(struct gpu_vm *vm, uint64_t va)
{
	struct gpu_tlb_entry entry;

	return gpu_vm_lookup(vm, va, &entry) && entry.mtype == GPU_MTYPE_UC;
}

void gpu_strict_publish(struct gpu_ring *ring, uint64_t va, bool past_l2, const char *packet)
{
	struct strict_ring *state = &ring->gpu->strict->ring[ring->index];

	if (!ring_strict(ring) || (!past_l2 && !page_uncached(ring->reader.tlb.vm, va)))
		return;
	if (atomic_load(&state->last_launch) > atomic_load(&state->waited))
		gpu_strict_packet(ring, GPU_FINDING_WRITEBACK, va,
				  "%s tells of completion at 0x%llx with launches not waited for", packet,
				  (unsigned long long)va);
	else if (atomic_load(&state->stores))
		gpu_strict_packet(
			ring, GPU_FINDING_WRITEBACK, va,
			"%s tells of completion at 0x%llx with no GL2_WB behind the stores of the job's launches",
			packet, (unsigned long long)va);
}

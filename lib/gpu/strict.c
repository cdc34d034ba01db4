/* SPDX-License-Identifier: MIT */
/*
 * strict.c - strict mode's life, how findings are told, and LDS.
 *
 * One finding per kind, launch and instruction is told and counted; a loop or a wave's lanes would else tell the same
 * thing thousands of times.
 */
#include "ring.h"
#include "strict_state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int gpu_strict_create(struct gpu *gpu, struct gpu_strict **strict_out)
{
	struct gpu_strict *strict = calloc(1, sizeof(*strict));

	if (!strict)
		return -ENOMEM;
	strict->gpu = gpu;
	atomic_init(&strict->time, 1);
	pthread_mutex_init(&strict->lock, NULL);
	*strict_out = strict;
	return 0;
}

void gpu_strict_destroy(struct gpu_strict *strict)
{
	if (!strict)
		return;
	for (unsigned i = 0; i < STRICT_SHADOW_BUCKETS; i++) {
		struct strict_page *page = atomic_load(&strict->shadow[i]);

		while (page) {
			struct strict_page *next = page->next;

			free(page);
			page = next;
		}
	}
	pthread_mutex_destroy(&strict->lock);
	free(strict);
}

bool strict_first(struct gpu_strict *strict, enum gpu_finding_kind kind, uint32_t launch, uint64_t place)
{
	const uint64_t key = (place * 0x9e3779b97f4a7c15ull) ^ ((uint64_t)launch << 8) ^ ((uint64_t)kind + 1);
	uint64_t *slot = &strict->told[(key >> 32 ^ key) % STRICT_TOLD];
	bool first;

	pthread_mutex_lock(&strict->lock);
	first = *slot != key;
	*slot = key;
	pthread_mutex_unlock(&strict->lock);
	return first;
}

void gpu_strict_packet(struct gpu_ring *ring, enum gpu_finding_kind kind, uint64_t address, const char *format, ...)
{
	struct gpu *gpu = ring->gpu;
	struct gpu_finding finding = {.kind = kind, .address = address};
	va_list args;

	if (!atomic_load_explicit(&gpu->strict_on, memory_order_relaxed))
		return;
	finding.launch = ring->job ? ring->job->launches : 0;
	va_start(args, format);
	vsnprintf(finding.what, sizeof(finding.what), format, args);
	va_end(args);
	gpu_tell_finding(gpu, &ring->reader.tlb, &finding);
}

void gpu_strict_wave_finding(struct gpu_wave *w, enum gpu_finding_kind kind, unsigned lane, uint64_t address,
			     const char *format, ...)
{
	struct gpu_strict_wave *state = w->strict;
	struct gpu *gpu = state->d->gpu;
	struct gpu_finding finding = {
		.kind = kind, .pc = state->pc, .address = address, .launch = w->launch, .wave = w->index, .lane = lane};
	va_list args;

	if (!strict_first(gpu->strict, kind, state->d->strict_event, state->pc))
		return;
	memcpy(finding.group, w->group->id, sizeof(finding.group));
	va_start(args, format);
	vsnprintf(finding.what, sizeof(finding.what), format, args);
	va_end(args);
	gpu_tell_finding(gpu, w->tlb, &finding);
}

static void lds_check_race(struct gpu_wave *w, unsigned lane, uint32_t address, const struct gpu_strict_lds_word *word,
			   unsigned mask, enum gpu_strict_lds_access access)
{
	const uint32_t epoch = w->group->barrier_epoch + 1;
	const uint16_t me = (uint16_t)(w->index + 1);
	const bool both_atomic = access == GPU_STRICT_LDS_ATOMIC && word->atomic;

	if (word->write_epoch == epoch && word->writer != me && (word->write_mask & mask) && !both_atomic)
		gpu_strict_wave_finding(w, GPU_FINDING_LDS_RACE, lane, address,
					"LDS 0x%x: wave %u %s what wave %u wrote, with no barrier between", address,
					w->index, access == GPU_STRICT_LDS_READ ? "reads" : "overwrites",
					word->writer - 1u);
	else if (access != GPU_STRICT_LDS_READ && word->read_epoch == epoch && word->reader != me &&
		 (word->read_mask & mask))
		gpu_strict_wave_finding(w, GPU_FINDING_LDS_RACE, lane, address,
					"LDS 0x%x: wave %u overwrites what another wave reads, with no barrier between",
					address, w->index);
}

static void lds_note_read(struct gpu_wave *w, struct gpu_strict_lds_word *word, unsigned mask)
{
	enum { SEVERAL = 0xffff };
	const uint32_t epoch = w->group->barrier_epoch + 1;
	const uint16_t me = (uint16_t)(w->index + 1);

	if (word->read_epoch != epoch) {
		word->read_epoch = epoch;
		word->reader = me;
		word->read_mask = 0;
	}
	if (word->reader != me)
		word->reader = SEVERAL;
	word->read_mask |= (uint8_t)mask;
}

static void lds_note_write(struct gpu_wave *w, struct gpu_strict_lds_word *word, unsigned mask, bool atomic)
{
	const uint32_t epoch = w->group->barrier_epoch + 1;
	const uint16_t me = (uint16_t)(w->index + 1);

	if (word->write_epoch != epoch || word->writer != me)
		word->write_mask = 0;
	word->write_epoch = epoch;
	word->writer = me;
	word->write_mask |= (uint8_t)mask;
	word->atomic = atomic;
	word->written |= (uint8_t)mask;
}

void gpu_strict_lds_slow(struct gpu_wave *w, unsigned lane, uint32_t offset, unsigned size_B,
			 enum gpu_strict_lds_access access)
{
	struct gpu_strict_lds_word *shadow = (struct gpu_strict_lds_word *)w->group->lds_shadow;

	if (!shadow || offset >= w->group->lds_size_B || size_B > w->group->lds_size_B - offset)
		return;
	for (uint32_t at = offset, end = offset + size_B; at < end; at = (at | 3) + 1) {
		struct gpu_strict_lds_word *word = &shadow[at / 4];
		const unsigned last = end - (at & ~3u) < 4 ? end - (at & ~3u) : 4;
		const unsigned mask = ((1u << last) - 1) & ~((1u << (at & 3)) - 1);

		if (access != GPU_STRICT_LDS_WRITE && (word->written & mask) != mask)
			gpu_strict_wave_finding(w, GPU_FINDING_UNINIT_LDS, lane, at,
						"LDS 0x%x is read and nothing has written it", at);
		if (w->group->wave_count > 1)
			lds_check_race(w, lane, at, word, mask, access);
		if (access == GPU_STRICT_LDS_READ)
			lds_note_read(w, word, mask);
		else
			lds_note_write(w, word, mask, access == GPU_STRICT_LDS_ATOMIC);
	}
}

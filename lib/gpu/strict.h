/* SPDX-License-Identifier: MIT */
/*
 * strict.h - hooks of strict mode that execution units call.
 *
 * Each hook is one predictable branch when strict mode is off: w->strict is NULL then. Registers, s_waitcnt and
 * uninitialised reads are checked by the scheduler from the op tables; an execution unit reports only what the tables
 * cannot know: the addresses it touches. Hooks never fault and never change the wave's architectural state.
 *
 * LDS shadow (struct gpu_group.lds_shadow): struct gpu_strict_lds_word per LDS dword.
 */
#ifndef DF_GPU_STRICT_H
#define DF_GPU_STRICT_H

#include "isa.h"

/* Which caches an access to memory goes through. */
enum gpu_strict_path {
	GPU_STRICT_VECTOR,     /* L0 (GLV) and L1 (GL1): loads without GLC */
	GPU_STRICT_VECTOR_GLC, /* past L0, through L1: GLC without DLC */
	GPU_STRICT_L2,         /* GLC and DLC, atomics, stores: at L2 */
	GPU_STRICT_SCALAR,     /* K$ (GLK) */
};

/* State of one LDS dword. */
struct gpu_strict_lds_word {
	uint32_t write_epoch, read_epoch; /* barrier_epoch + 1 of the last access, 0: never */
	uint16_t writer, reader;          /* wave + 1; reader 0xffff: several waves */
	uint8_t written;                  /* bytes that have ever been written, a bit each */
	uint8_t write_mask, read_mask;    /* bytes of the last write and reads */
	uint8_t atomic;                   /* the last write was an atomic */
};

enum gpu_strict_lds_access { GPU_STRICT_LDS_READ, GPU_STRICT_LDS_WRITE, GPU_STRICT_LDS_ATOMIC };

void gpu_strict_load_slow(struct gpu_wave *w, uint64_t va, unsigned size_B, enum gpu_strict_path path);
void gpu_strict_store_slow(struct gpu_wave *w, uint64_t va, unsigned size_B, enum gpu_strict_path path);
void gpu_strict_lds_slow(struct gpu_wave *w, unsigned lane, uint32_t offset, unsigned size_B,
			 enum gpu_strict_lds_access access);

/* A load of [va, va + size_B) by one lane (or by a scalar load), before it reads. Atomics call load and store. */
static inline void gpu_strict_load(struct gpu_wave *w, uint64_t va, unsigned size_B, enum gpu_strict_path path)
{
	if (__builtin_expect(w->strict != NULL, 0))
		gpu_strict_load_slow(w, va, size_B, path);
}

static inline void gpu_strict_store(struct gpu_wave *w, uint64_t va, unsigned size_B, enum gpu_strict_path path)
{
	if (__builtin_expect(w->strict != NULL, 0))
		gpu_strict_store_slow(w, va, size_B, path);
}

/* LDS accesses of one lane, offset in bytes from the workgroup's LDS, already inside lds_size_B. */
static inline void gpu_strict_lds_read(struct gpu_wave *w, unsigned lane, uint32_t offset, unsigned size_B)
{
	if (__builtin_expect(w->strict != NULL, 0))
		gpu_strict_lds_slow(w, lane, offset, size_B, GPU_STRICT_LDS_READ);
}

static inline void gpu_strict_lds_write(struct gpu_wave *w, unsigned lane, uint32_t offset, unsigned size_B)
{
	if (__builtin_expect(w->strict != NULL, 0))
		gpu_strict_lds_slow(w, lane, offset, size_B, GPU_STRICT_LDS_WRITE);
}

static inline void gpu_strict_lds_atomic(struct gpu_wave *w, unsigned lane, uint32_t offset, unsigned size_B)
{
	if (__builtin_expect(w->strict != NULL, 0))
		gpu_strict_lds_slow(w, lane, offset, size_B, GPU_STRICT_LDS_ATOMIC);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * mem_smem.c - scalar memory: loads, constant buffers, clocks, cache controls (RDNA2 ISA, "Scalar Memory Operations").
 *
 * Addresses are in dwords: the two low bits of the base and of the sum of offsets are ignored. What a load would write
 * beyond the last trap SGPR is dropped, as is what goes to NULL.
 */
#include "gpu/isa/mem.h"
#include "gpu/strict.h"

#include <string.h>
#include <time.h>

#define LAST_SGPR 123 /* trap temporaries end here; M0 and EXEC can be single destinations */

static void write_sgprs(struct gpu_wave *w, unsigned dst, const uint32_t *v, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned code = dst + i;

		if (code > 127 || code == 125 || (code > LAST_SGPR && dst <= LAST_SGPR) ||
		    (code == 127 && w->lanes == 32))
			continue;
		w->s[code] = v[i];
	}
}

static enum gpu_strict_path scalar_path(const struct gpu_inst *in)
{
	return in->glc ? GPU_STRICT_L2 : GPU_STRICT_SCALAR;
}

MEM_GUEST static int read_dwords(struct gpu_wave *w, const struct gpu_inst *in, uint64_t va, uint32_t *v, unsigned n)
{
	const uint8_t *p = NULL;

	gpu_strict_load(w, va, n * 4, scalar_path(in));
	if ((va & 4095) + n * 4 <= 4096)
		p = gpu_tlb_ptr(w->tlb, va, n * 4, GPU_READ, &w->fault);
	if (MEM_UNLIKELY(!p))
		return gpu_tlb_read(w->tlb, va, v, (size_t)n * 4, &w->fault);
	for (unsigned i = 0; i < n; i++)
		v[i] = ((const volatile mem_u32 *)p)[i];
	return 0;
}

static int64_t scalar_offset(const struct gpu_wave *w, const struct gpu_inst *in)
{
	int64_t offset = in->imm;

	if (in->src[3] != 125)
		offset += in->src[3] < 128 ? w->s[in->src[3]] : gpu_src32(w, in, in->src[3]);
	return offset;
}

enum gpu_step mem_s_load(struct gpu_wave *w, const struct gpu_inst *in)
{
	unsigned n = (unsigned)in->op->data;
	uint64_t va = (mem_sgpr64(w, in->src[0]) & ~3ull) + (uint64_t)(scalar_offset(w, in) & ~3ll);
	uint32_t v[16];

	if (MEM_UNLIKELY(read_dwords(w, in, va, v, n)))
		return mem_page_fault(w, in);
	write_sgprs(w, in->dst, v, n);
	return GPU_STEP_NEXT;
}

/* Each dword is checked against the buffer's size in bytes; those beyond it are 0. */
enum gpu_step mem_s_buffer_load(struct gpu_wave *w, const struct gpu_inst *in)
{
	unsigned n = (unsigned)in->op->data, sbase = in->src[0] & 124;
	uint64_t base = (uint64_t)((int64_t)(mem_sgpr64(w, sbase) << 16) >> 16) & ~3ull;
	uint32_t stride = w->s[sbase + 1] >> 16 & 0x3fff, records = w->s[sbase + 2];
	uint64_t size_B = stride ? (uint64_t)stride * records : records, offset, in_range;
	uint32_t v[16] = {0};

	offset = (uint64_t)(scalar_offset(w, in) & ~3ll);
	in_range = offset + 4 <= size_B && offset < size_B ? (size_B - offset) / 4 : 0;
	if (in_range > n)
		in_range = n;
	if (in_range && MEM_UNLIKELY(read_dwords(w, in, base + offset, v, (unsigned)in_range)))
		return mem_page_fault(w, in);
	write_sgprs(w, in->dst, v, n);
	return GPU_STEP_NEXT;
}

/* data 0: s_memtime, the shader clock, modelled as one of 1 GHz; 1: s_memrealtime, the reference clock. */
enum gpu_step mem_s_time(struct gpu_wave *w, const struct gpu_inst *in)
{
	struct timespec ts;
	uint64_t t;
	uint32_t v[2];

	if (in->op->data) {
		t = gpu_clock((struct gpu *)w->gpu);
	} else {
		clock_gettime(CLOCK_MONOTONIC, &ts);
		t = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	}
	v[0] = (uint32_t)t;
	v[1] = (uint32_t)(t >> 32);
	write_sgprs(w, in->dst, v, 2);
	return GPU_STEP_NEXT;
}

/* The model has no caches to write back or invalidate: what is stored is visible at once. */
enum gpu_step mem_cache_nop(struct gpu_wave *w, const struct gpu_inst *in)
{
	(void)w;
	(void)in;
	return GPU_STEP_NEXT;
}

/* Asks for a translation ahead of time; it returns nothing and faults nothing. */
enum gpu_step mem_s_probe(struct gpu_wave *w, const struct gpu_inst *in)
{
	uint64_t base = mem_sgpr64(w, in->src[0]);

	if (in->op->data)
		base = (uint64_t)((int64_t)(base << 16) >> 16);
	gpu_tlb_ptr(w->tlb, base + (uint64_t)scalar_offset(w, in), 1, GPU_READ, &w->fault);
	return GPU_STEP_NEXT;
}

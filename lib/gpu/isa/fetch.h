/* SPDX-License-Identifier: MIT */
/*
 * fetch.h - sources and results of the long way through the vector ALU (valu.c), a block of 32 lanes at a time.
 */
#ifndef DF_GPU_ISA_FETCH_H
#define DF_GPU_ISA_FETCH_H

#include <string.h>

#include "gpu/isa/valu.h"

/*
 * Source i (2 with READS_DST: the destination's old value) of the lanes from block on, in the layout of struct
 * gpu_lanes; either in buffer (128 dwords) or the register itself. Clears in *mask the lanes that DPP turns off.
 */
const void *gpu_fetch(const struct gpu_wave *w, const struct gpu_inst *in, unsigned i, unsigned block, uint32_t *buffer,
		      uint32_t *mask);
void gpu_call_lanes(gpu_lane_fn fn, struct gpu_lanes *v);
bool gpu_is_f32(unsigned type);
/* The rounding that MODE asks for, by a result's type; 0 is to nearest even. */
unsigned gpu_type_round(uint32_t mode, unsigned type);
/* The instruction reaches VGPRs that the wave does not have. */
enum gpu_step gpu_too_few(struct gpu_wave *w, const struct gpu_inst *in);

/* 16 bits in the low half of a register. */
static inline bool gpu_is_half(unsigned type)
{
	return type == GPU_O_B16 || type == GPU_O_I16 || type == GPU_O_U16 || type == GPU_O_F16;
}

/* Copies the lanes of mask from a finished block to the register. */
static inline void gpu_blend32(uint32_t *restrict d, const uint32_t *restrict from, uint32_t mask)
{
	if (mask == 0xffffffff) {
		/* cppcheck-suppress uninitvar; a lane function has written all of from */
		memcpy(d, from, 128);
		return;
	}
	for (unsigned i = 0; i < 32; i++)
		d[i] = mask >> i & 1 ? from[i] : d[i];
}

/* Finishing of a block in place. The f16 functions treat both halves. */
void gpu_flush_f32(uint32_t *d);
void gpu_flush_f16(uint32_t *d);
void gpu_flush_f64(uint64_t *d);
void gpu_omod_f32(uint32_t *d, unsigned omod);
void gpu_omod_f16(uint32_t *d, unsigned omod);
void gpu_omod_f64(uint64_t *d, unsigned omod);
/* To [0, 1]; NaN becomes 0 under DX10_CLAMP. */
void gpu_clamp_f32(uint32_t *d, bool nan_to_zero);
void gpu_clamp_f16(uint32_t *d, bool nan_to_zero);
void gpu_clamp_f64(uint64_t *d, bool nan_to_zero);
/* Puts results into the part of the old register that SDWA selects, or into one half. */
void gpu_sdwa_result(uint32_t *d, const uint32_t *old, uint32_t ctl, bool half);
void gpu_half_result(uint32_t *d, const uint32_t *old, bool high);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * fetch.h - sources and results of the long way through the vector ALU (valu.c), a block of 32 lanes at a time.
 */
#ifndef DF_GPU_ISA_FETCH_H
#define DF_GPU_ISA_FETCH_H

#include "gpu/isa/valu.h"

/*
 * Source i (2 with READS_DST: the destination's old value) of the lanes from block on, in the layout of struct
 * gpu_lanes; either in buffer (128 dwords) or the register itself. Clears in *mask the lanes that DPP turns off.
 */
const void *gpu_fetch(const struct gpu_wave *w, const struct gpu_inst *in, unsigned i, unsigned block, uint32_t *buffer,
		      uint32_t *mask);
void gpu_call_lanes(gpu_lane_fn fn, struct gpu_lanes *v);
bool gpu_is_f32(unsigned type);

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

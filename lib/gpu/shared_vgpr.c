/* SPDX-License-Identifier: MIT */
/*
 * shared_vgpr.c - shared VGPRs of wave64 (COMPUTE_PGM_RSRC3.SHARED_VGPR_CNT).
 *
 * A wave64 instruction runs as two passes of 32 lanes, the low half first. Registers from w->shared_first on exist
 * once, not once a half: lane l and lane l + 32 are the same word. The model keeps both copies equal: after an
 * instruction that reaches such a register, the half that changed gives its word to the other one, the high half last
 * as it runs last. RADV moves data between halves so (Mesa, aco_lower_to_hw_instr.cpp). Number and place of the
 * registers: LLVM, AMDGPUUsage, compute_pgm_rsrc3 for GFX10. Registers reached through M0 (v_movrel) are not followed.
 */
#include "shared_vgpr.h"

#include <string.h>

enum { HALF = 32, WAVE = 64 };

bool gpu_shared_vgpr_reached(const struct gpu_wave *w, const struct gpu_inst *in)
{
	return in->vgprs > w->shared_first;
}

static size_t words_of(const struct gpu_wave *w)
{
	return (size_t)(w->vgpr_count - w->shared_first) * WAVE;
}

void gpu_shared_vgpr_before(const struct gpu_wave *w, uint32_t *before)
{
	memcpy(before, w->vgpr + (size_t)w->shared_first * WAVE, words_of(w) * sizeof(*before));
}

void gpu_shared_vgpr_after(struct gpu_wave *w, const struct gpu_inst *in, const uint32_t *before)
{
	uint32_t *now = w->vgpr + (size_t)w->shared_first * WAVE;
	const uint64_t exec = gpu_wave_exec(w);

	for (uint32_t r = w->shared_first; r < w->vgpr_count; r++, now += WAVE, before += WAVE) {
		/* Plain results: an active lane writes, also the value that was there. */
		const uint64_t writes = in->dst == 256 + r && in->mod == GPU_MOD_NONE ? exec : 0;

		for (unsigned l = 0; l < HALF; l++) {
			const bool high = now[l + HALF] != before[l] || writes >> (l + HALF) & 1;

			now[l] = now[l + HALF] = high ? now[l + HALF] : now[l];
		}
	}
}

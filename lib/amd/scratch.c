/* SPDX-License-Identifier: MIT */
/*
 * Scratch: the private memory of work-items that spill or index arrays.
 *
 * The hardware gives a wave one of TMPRING.WAVES slots of TMPRING.WAVESIZE bytes and tells it the offset. Slots of
 * waves that run together must not overlap, so every batch has scratch memory of its own (batches of different contexts
 * run together), and within it all launches use one slot size, the largest seen so far. When a launch needs more, the
 * batch takes a second, larger piece, and keeps the first for the launches recorded before. That allocates; a batch
 * with reserved capacity therefore takes, when it is made, what the most demanding kernel loaded until then needs.
 */
#include <errno.h>
#include <string.h>

#include "amd/encoder.h"

enum {
	WAVES_PER_CU = 32,         /* that may hold scratch at once: [radv] max_scratch_waves */
	MIN_WAVES_PER_ENGINE = 32, /* one workgroup of 1024 work-items must fit wherever it is placed */
	BUDGET_B = 32 << 20,       /* above it fewer waves get scratch at once */
};

static uint32_t waves_for(const struct df_kmd_info *info, uint32_t wave_B)
{
	uint32_t engines = info->shader_engines ? info->shader_engines : 1;
	uint32_t least = MIN_WAVES_PER_ENGINE * engines;
	uint32_t waves = WAVES_PER_CU * info->compute_units;
	if (waves > BUDGET_B / wave_B)
		waves = BUDGET_B / wave_B;
	waves -= waves % engines;
	if (waves < least)
		waves = least;
	return waves < TMPRING_WAVES_MAX ? waves : TMPRING_WAVES_MAX - TMPRING_WAVES_MAX % engines;
}

int amd_scratch_room(struct amd_batch *batch, uint32_t wave_B)
{
	struct df_batch *base = &batch->base;
	if (wave_B <= batch->scratch_wave_B)
		return 0;
	if (base->own_count == DF_BATCH_OWN_BOS)
		return df_error_set(
			-ENOSPC,
			"the batch met kernels of %u growing scratch sizes. Fix: launch the one that needs most "
			"first",
			DF_BATCH_OWN_BOS);
	if (base->fixed && base->cursor)
		return df_error_set(
			-ENOSPC,
			"the batch was reserved before this kernel, which needs %u bytes of scratch a wave, was "
			"loaded. Fix: create the batch after its code",
			wave_B);
	uint32_t waves = waves_for(&base->submit.device->info, wave_B);
	struct df_bo_desc desc = {
		.bytes = (uint64_t)waves * wave_B,
		.align_B = 65536,
		.domain = DF_DOMAIN_DEVICE,
		.no_cpu_access = true,
		.va = DF_VA_HIGH, /* RADV's code fills in the upper 16 bits of the address itself */
		.name = "scratch",
	};
	struct df_bo *bo;
	int ret = df_bo_create_internal(base->submit.device, &desc, &bo);
	if (ret)
		return ret;
	base->own[base->own_count++] = bo;
	batch->scratch_wave_B = wave_B;
	batch->scratch_waves = waves;
	return 0;
}

int amd_scratch_reserve(struct df_batch *base)
{
	const struct amd_device *device = base->submit.device->encoder_data;
	uint32_t wave_B = device ? atomic_load(&device->scratch_wave_B) : 0;
	return wave_B ? amd_scratch_room(amd_batch_of(base), wave_B) : 0;
}

void amd_scratch_finish(struct df_batch *base)
{
	for (unsigned i = 0; i < base->own_count; i++)
		df_bo_destroy_internal(base->own[i]);
	base->own_count = 0;
}

uint32_t amd_scratch_tmpring(const struct amd_batch *batch)
{
	return TMPRING_WAVES(batch->scratch_waves) | TMPRING_WAVESIZE(batch->scratch_wave_B / TMPRING_WAVESIZE_B);
}

void amd_scratch_descriptor(const struct amd_batch *batch, uint32_t wave_size, uint32_t words[4])
{
	uint64_t va = batch->base.own[batch->base.own_count - 1]->va;

	words[0] = amd_lo(va);
	words[1] = V1_BASE_HI(va) | V1_SWIZZLE_ENABLE;
	/* No bounds: slots are the hardware's, and compilers count on offsets that wrap (LLVM, SelectMUBUFScratchOffen;
	 * ROCr has the same selection, FillBufRsrcWord3_Gfx10). */
	words[2] = 0xffffffffu;
	words[3] = V3_DST_SEL_XYZW | V3_FORMAT_32_FLOAT | V3_INDEX_STRIDE(wave_size == 64 ? 3 : 2) | V3_ADD_TID_ENABLE |
		   V3_RESOURCE_LEVEL | V3_OOB_SELECT_NONE;
}

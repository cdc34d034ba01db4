/* SPDX-License-Identifier: MIT */
/*
 * Copies at the end of a job (commits) or as a job of their own (restoring): by the command processor's DMA, which
 * starts when the waves before have ended, through L2, where their stores are. The last packet makes the processor wait
 * for all of them, so that the marker behind, whose release writes L2 back, says that they have landed.
 */
#include "amd/encoder.h"

static uint32_t pieces(uint64_t bytes)
{
	return (uint32_t)((bytes + DMA_CHUNK_B - 1) / DMA_CHUNK_B);
}

unsigned amd_copies_dw(const struct df_copy_range *ranges, unsigned count)
{
	uint32_t dw = PM4_EVENT_WRITE_DW + PM4_ACQUIRE_MEM_DW;

	for (unsigned i = 0; i < count; i++)
		dw += pieces(ranges[i].bytes) * PM4_DMA_DATA_DW;
	return dw;
}

static uint32_t *copy(uint32_t *dw, const struct df_copy_range *range, bool last)
{
	uint64_t done = 0;

	while (done < range->bytes) {
		uint64_t left = range->bytes - done, part = left < DMA_CHUNK_B ? left : DMA_CHUNK_B;
		bool end = last && part == left;

		dw[0] = PM4_HEADER(PM4_DMA_DATA, PM4_DMA_DATA_DW - 2);
		dw[1] = DMA_SRC_L2 | DMA_DST_L2 | (end ? DMA_CP_SYNC : 0);
		dw[2] = amd_lo(range->from + done);
		dw[3] = amd_hi(range->from + done);
		dw[4] = amd_lo(range->to + done);
		dw[5] = amd_hi(range->to + done);
		dw[6] = (uint32_t)part;
		dw += PM4_DMA_DATA_DW;
		done += part;
	}
	return dw;
}

uint32_t *amd_copies(uint32_t *dw, const struct df_copy_range *ranges, unsigned count, bool fresh)
{
	dw = amd_wait_waves(dw);
	if (fresh)
		dw = amd_acquire_all(dw);
	for (unsigned i = 0; i < count; i++)
		dw = copy(dw, &ranges[i], i + 1 == count);
	return dw;
}

/* SPDX-License-Identifier: MIT */
/*
 * Everything in a stream that is no launch: its beginning and end, barriers, copies, fills, writes, waits, timestamps.
 *
 * Copies and fills are run by the command processor's DMA engine, which works beside the packets that follow; a packet
 * with CP_SYNC makes the processor wait until all DMA before it and it itself have landed. Rather than spend a packet
 * on that, the last DMA packet before something that must wait gets the bit afterwards (amd_dma_sync), so a run of
 * copies overlaps and only its last one is waited for.
 */
#include <errno.h>

#include "amd/encoder.h"
#include "drumfire_stream.h"

/*
 * What a barrier does to caches, and why nothing more. Stores of shaders write through L0 and L1 into L2, which all
 * units, the command processor's packets and its DMA share; so results are in L2 once the waves have ended, and only
 * what a reader may still hold in front of L2 is dropped:
 *   GLV_INV  vector L0 of each CU; GL1_INV  the array's L1 behind it; GLK_INV  the scalar cache.
 * Not: GLI (code does not change within a batch), GLM (image metadata: there are no images), GL2 (shared by all agents
 * that a batch's launches can talk to; the host sees results after the job's end, which writes L2 back).
 */
#define BARRIER_GCR (GCR_GLV_INV | GCR_GL1_INV | GCR_GLK_INV)

/*
 * At the start of a job also: GLI (code may have been uploaded since), GL2_INV (the host may have written host memory
 * that L2 holds lines of) with GL2_WB (so that no dirty line is lost by it) and GLM_WB with GLM_INV, which go with them
 * [v10] gfx_v10_0_emit_mem_sync.
 */
#define BEGIN_GCR (BARRIER_GCR | GCR_GLI_INV_ALL | GCR_GL2_INV | GCR_GL2_WB | GCR_GLM_WB | GCR_GLM_INV)

static uint32_t *emit_sh(uint32_t *dw, enum sh_reg reg, unsigned count, uint32_t value)
{
	*dw++ = PM4_HEADER(PM4_SET_SH_REG, count);
	*dw++ = reg;
	while (count--)
		*dw++ = value;
	return dw;
}

uint32_t *amd_wait_waves(uint32_t *dw)
{
	*dw++ = PM4_HEADER(PM4_EVENT_WRITE, 0);
	*dw++ = EVENT_CS_PARTIAL_FLUSH;
	return dw;
}

static uint32_t *emit_acquire(uint32_t *dw, uint32_t gcr)
{
	dw[0] = PM4_HEADER(PM4_ACQUIRE_MEM, PM4_ACQUIRE_MEM_DW - 2);
	dw[1] = 0;
	dw[2] = ACQUIRE_COHER_SIZE_ALL;
	dw[3] = ACQUIRE_COHER_SIZE_HI_ALL;
	dw[4] = 0;
	dw[5] = 0;
	dw[6] = ACQUIRE_POLL_INTERVAL;
	dw[7] = gcr;
	return dw + PM4_ACQUIRE_MEM_DW;
}

uint32_t *amd_acquire_all(uint32_t *dw)
{
	return emit_acquire(dw, BEGIN_GCR);
}

/* CUs of both arrays of an engine, or none where there is no such engine. */
static uint32_t engine_units(const struct df_device *device, unsigned engine)
{
	return engine < device->info.shader_engines ? 0xffffffffu : 0;
}

/* Everything of the state but what launches set. */
static uint32_t *emit_state(uint32_t *dw, const struct df_device *device)
{
	*dw++ = PM4_HEADER(PM4_SET_UCONFIG_REG, 1);
	*dw++ = UCONFIG_CP_COHER_START_DELAY;
	*dw++ = COHER_START_DELAY_GFX10;
	dw = emit_sh(dw, SH_COMPUTE_START_X, 3, 0);
	dw = emit_sh(dw, SH_COMPUTE_PIPELINESTAT_ENABLE, 1, 0);
	dw = emit_sh(dw, SH_COMPUTE_DESTINATION_EN_SE0, 2, engine_units(device, 0));
	dw[-1] = engine_units(device, 1);
	dw = emit_sh(dw, SH_COMPUTE_DESTINATION_EN_SE2, 2, engine_units(device, 2));
	dw[-1] = engine_units(device, 3);
	dw = emit_sh(dw, SH_COMPUTE_USER_ACCUM_0, 4, 0);
	dw = emit_sh(dw, SH_COMPUTE_DISPATCH_TUNNEL, 1, 0);
	/* The job before may still run: the kernel driver puts nothing between two jobs of one context. */
	dw = amd_wait_waves(dw);
	return amd_acquire_all(dw);
}

/* Of what is in registers nothing is known. */
static void forget_registers(struct amd_batch *batch)
{
	batch->state.regs_known = false;
	batch->state.ud_known = 0;
}

static void reset_words(struct df_batch *base, uint32_t *dw)
{
	amd_write_pair(dw, base->progress->va, 0, 0);
}

void amd_begin(struct df_batch *base)
{
	struct amd_batch *batch = amd_batch_of(base);
	const struct df_device *device = base->submit.device;
	forget_registers(batch);
	batch->dma_control = NULL;
	batch->kernarg.known = batch->packet.known = batch->grid.known = batch->ring.known = false;
	batch->on_gfx_ring = device->info.ring_is_gfx;

	uint32_t *dw = emit_state(base->cursor, device);
	/* The words of a batch may be made later, with its first restart point. */
	base->words_begin = dw;
	for (unsigned i = 0; i < PM4_WRITE_PAIR_DW; i++)
		*dw++ = PM4_NOP_PAD;
	if (base->progress)
		reset_words(base, base->words_begin);
	base->cursor = dw;
}

void amd_end(struct df_batch *base)
{
	amd_dma_sync(amd_batch_of(base));
}

void amd_dma_sync(struct amd_batch *batch)
{
	if (batch->dma_control)
		*batch->dma_control = batch->dma_value | DMA_CP_SYNC;
	batch->dma_control = NULL;
}

/* A marker says that launches have ended, for whoever asks how far the batch was: their results may be in L2 still. */
static inline uint32_t *emit_marker(uint32_t *dw, struct df_batch *base)
{
	uint64_t to = base->progress->va + DF_PROGRESS_FINISHED * sizeof(uint32_t), launches = base->submit.launches;
	dw[0] = PM4_HEADER(PM4_WRITE_DATA, PM4_WRITE_DATA_DW - 2);
	dw[1] = WRITE_DATA_DST_GL2 | WRITE_DATA_CONFIRM;
	dw[2] = amd_lo(to);
	dw[3] = amd_hi(to);
	dw[4] = (uint32_t)launches;
	base->marker_due = launches + base->marker_interval;
	return dw + PM4_WRITE_DATA_DW;
}

int amd_barrier(struct df_batch *base)
{
	struct amd_batch *batch = amd_batch_of(base);
	if (base->empty)
		return 0; /* the beginning of the stream, or the barrier before, has done it */
	int ret = df_batch_room(base, PM4_EVENT_WRITE_DW + PM4_ACQUIRE_MEM_DW + PM4_WRITE_DATA_DW);
	if (ret)
		return ret;
	amd_dma_sync(batch);
	uint32_t *dw = emit_acquire(amd_wait_waves(base->cursor), BARRIER_GCR);
	if (base->submit.launches >= base->marker_due)
		dw = emit_marker(dw, base);
	base->cursor = dw;
	base->empty = true;
	return 0;
}

/* ---- restart points ---- */

/* Dwords to where an IB may begin and from where the rest of the chunk has a length that one may have. */
static uint32_t restart_pad(const struct df_batch *base)
{
	const struct df_kmd_info *info = &base->submit.device->info;
	uint32_t align = info->ib_align_B / 4 > info->ib_size_align_dw ? info->ib_align_B / 4 : info->ib_size_align_dw;
	uint32_t used = (uint32_t)(base->cursor - base->chunks[base->chunk].map);
	return align > 1 ? (align - used % align) % align : 0;
}

/*
 * The beginning of a stream once more, in the middle. Whoever comes from before waits there for all launches and for
 * their write-back; whoever begins there has the state that a beginning sets, and the next launch sets the rest. Either
 * way the words say then that the point is passed.
 */
int amd_restart(struct df_batch *base)
{
	const struct df_kmd_info *info = &base->submit.device->info;
	struct amd_batch *batch = amd_batch_of(base);
	int ret = df_batch_room(base, info->ib_align_B / 4 + info->ib_size_align_dw + AMD_RESTART_MAX_DW);
	if (ret)
		return ret;
	amd_dma_sync(batch);
	if (!base->restart_count)
		reset_words(base, base->words_begin);
	for (uint32_t pad = restart_pad(base); pad; pad--)
		*base->cursor++ = PM4_NOP_PAD;
	base->restarts[base->restart_count++] = (struct df_restart){
		.chunk = base->chunk,
		.at_dw = (uint32_t)(base->cursor - base->chunks[base->chunk].map),
		.launch = base->submit.launches,
	};
	uint32_t *dw = base->cursor;
	*dw++ = PM4_HEADER(PM4_NOP, 1);
	*dw++ = DF_STREAM_LAUNCH_BASE;
	*dw++ = (uint32_t)base->submit.launches;
	dw = emit_state(dw, base->submit.device);
	base->cursor = amd_write_pair(dw, base->progress->va, (uint32_t)base->submit.launches, base->restart_count);
	forget_registers(batch);
	if (base->marker_interval)
		base->marker_due = base->submit.launches + base->marker_interval;
	base->same = &df_no_kernel;
	base->empty = true;
	return 0;
}

/* ---- DMA ---- */

static uint64_t packets_for(uint64_t bytes)
{
	return (bytes + DMA_CHUNK_B - 1) / DMA_CHUNK_B;
}

/* DMA operations may need more chunks than one; the room for all of them is made first. Whatever their number, a chunk
 * holds at least the one packet that is asked for next, so only the first request can fail in a fixed batch. */
static int dma(struct amd_batch *batch, uint32_t control, uint64_t to, uint64_t from, bool advance, uint64_t bytes)
{
	struct df_batch *base = &batch->base;
	uint64_t dw_count = packets_for(bytes) * PM4_DMA_DATA_DW;
	if (dw_count > UINT32_MAX / 8)
		return df_error_set(-E2BIG, "a copy of %llu bytes is too long for one batch",
				    (unsigned long long)bytes);
	int ret = df_batch_room(base, (uint32_t)dw_count);
	if (ret)
		return ret;
	uint32_t *dw = base->cursor;
	while (bytes) {
		uint32_t part = bytes < DMA_CHUNK_B ? (uint32_t)bytes : DMA_CHUNK_B;
		dw[0] = PM4_HEADER(PM4_DMA_DATA, PM4_DMA_DATA_DW - 2);
		dw[1] = control;
		dw[2] = amd_lo(from);
		dw[3] = amd_hi(from);
		dw[4] = amd_lo(to);
		dw[5] = amd_hi(to);
		dw[6] = part;
		batch->dma_control = dw + 1;
		dw += PM4_DMA_DATA_DW;
		to += part;
		from += advance ? part : 0;
		bytes -= part;
	}
	batch->dma_value = control;
	base->cursor = dw;
	base->empty = false;
	return 0;
}

int amd_copy(struct df_batch *base, uint64_t to, uint64_t from, uint64_t bytes)
{
	return dma(amd_batch_of(base), DMA_SRC_L2 | DMA_DST_L2, to, from, true, bytes);
}

int amd_fill(struct df_batch *base, uint64_t to, uint32_t value, uint64_t bytes)
{
	return dma(amd_batch_of(base), DMA_SRC_DATA | DMA_DST_L2, to, value, false, bytes);
}

/* ---- single packets ---- */

/* The clock is read once every wave before has ended (bottom of pipe); DMA is waited for by its own packet. */
int amd_timestamp(struct df_batch *base, uint64_t to)
{
	int ret = df_batch_room(base, PM4_RELEASE_MEM_DW);
	if (ret)
		return ret;
	amd_dma_sync(amd_batch_of(base));
	uint32_t *dw = base->cursor;
	dw[0] = PM4_HEADER(PM4_RELEASE_MEM, PM4_RELEASE_MEM_DW - 2);
	dw[1] = EVENT_BOTTOM_OF_PIPE_TS;
	dw[2] = RELEASE_DATA_GPU_CLOCK | RELEASE_DATA_AFTER_CONFIRM;
	dw[3] = amd_lo(to);
	dw[4] = amd_hi(to);
	dw[5] = dw[6] = dw[7] = 0;
	base->cursor = dw + PM4_RELEASE_MEM_DW;
	base->empty = false;
	return 0;
}

/* Into L2, where launches and copies look; the processor waits until it has landed. */
int amd_write(struct df_batch *base, uint64_t to, uint32_t value)
{
	int ret = df_batch_room(base, PM4_WRITE_DATA_DW);
	if (ret)
		return ret;
	uint32_t *dw = base->cursor;
	dw[0] = PM4_HEADER(PM4_WRITE_DATA, PM4_WRITE_DATA_DW - 2);
	dw[1] = WRITE_DATA_DST_GL2 | WRITE_DATA_CONFIRM;
	dw[2] = amd_lo(to);
	dw[3] = amd_hi(to);
	dw[4] = value;
	base->cursor = dw + PM4_WRITE_DATA_DW;
	base->empty = false;
	return 0;
}

uint32_t *amd_write_pair(uint32_t *dw, uint64_t to, uint32_t first, uint32_t second)
{
	dw[0] = PM4_HEADER(PM4_WRITE_DATA, PM4_WRITE_PAIR_DW - 2);
	dw[1] = WRITE_DATA_DST_GL2 | WRITE_DATA_CONFIRM;
	dw[2] = amd_lo(to);
	dw[3] = amd_hi(to);
	dw[4] = first;
	dw[5] = second;
	return dw + PM4_WRITE_PAIR_DW;
}

int amd_wait(struct df_batch *base, uint64_t va, enum df_compare compare, uint32_t value, uint32_t mask)
{
	int ret = df_batch_room(base, PM4_WAIT_REG_MEM_DW);
	if (ret)
		return ret;
	uint32_t *dw = base->cursor;
	dw[0] = PM4_HEADER(PM4_WAIT_REG_MEM, PM4_WAIT_REG_MEM_DW - 2);
	dw[1] = (uint32_t)compare | WAIT_MEM;
	dw[2] = amd_lo(va);
	dw[3] = amd_hi(va);
	dw[4] = value;
	dw[5] = mask;
	dw[6] = WAIT_POLL_INTERVAL;
	base->cursor = dw + PM4_WAIT_REG_MEM_DW;
	base->empty = false;
	return 0;
}

/* The length is ORed in when the next chunk is closed. */
void amd_chain(uint32_t *dw, uint64_t va)
{
	dw[0] = PM4_HEADER(PM4_INDIRECT_BUFFER, PM4_INDIRECT_BUFFER_DW - 2);
	dw[1] = amd_lo(va);
	dw[2] = amd_hi(va);
	dw[3] = IB_CHAIN | IB_VALID;
}

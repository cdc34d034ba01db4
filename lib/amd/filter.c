/* SPDX-License-Identifier: MIT */
/*
 * Reading the library's own streams back: to find a marker, and to write a stream of a part of a batch.
 *
 * What is read is what amd_begin(), amd_launch() and the other writers wrote, as it stands in memory now, with whatever
 * the caller patched since. A launch that is left out stays as a dispatch of no workgroups: registers are deltas from
 * launch to launch, so all that sets state is copied. Memory for streams is slow to read; only recovery does.
 *
 * DMA packets of a filtered stream all carry CP_SYNC: the packet that had it may be left out.
 */
#include <errno.h>
#include <string.h>

#include "amd/encoder.h"
#include "core/stream.h"

/* ---- reading ---- */

struct reader {
	const struct df_batch *batch;
	unsigned chunk;
	uint32_t at;
};

static bool is_chain(uint32_t header)
{
	return PM4_OP(header) == PM4_INDIRECT_BUFFER;
}

/* The next packet that is neither padding nor a chain, and its length; 0 at the end, -EIO when there is none. */
static int next_packet(struct reader *reader, const uint32_t **packet_out)
{
	while (reader->chunk <= reader->batch->chunk) {
		const struct df_stream_chunk *chunk = &reader->batch->chunks[reader->chunk];
		const uint32_t *packet = chunk->map + reader->at;
		uint32_t left = chunk->used_dw - reader->at, dw;
		if (!left) {
			reader->chunk++;
			reader->at = 0;
			continue;
		}
		dw = packet[0] == PM4_NOP_PAD ? PM4_NOP_DW : 1 + PM4_BODY_DW(packet[0]);
		if (!PM4_IS_TYPE3(packet[0]) || dw > left)
			return df_error_set(-EIO,
					    "the batch's stream in memory is not what was recorded: 0x%08x at 0x%llx",
					    packet[0], (unsigned long long)(chunk->bo->va + reader->at * 4ull));
		reader->at += dw;
		if (packet[0] == PM4_NOP_PAD || is_chain(packet[0]))
			continue;
		*packet_out = packet;
		return (int)dw;
	}
	return 0;
}

/* A write of the batch's progress words. */
static bool is_progress(const struct df_batch *batch, const uint32_t *packet)
{
	uint64_t to = packet[2] | (uint64_t)packet[3] << 32;
	return PM4_OP(packet[0]) == PM4_WRITE_DATA && batch->progress && to - batch->progress->va < DF_PAGE_B;
}

uint64_t amd_next_marker(const struct df_batch *batch, uint64_t finished)
{
	struct reader reader = {.batch = batch};
	const uint32_t *packet;
	while (next_packet(&reader, &packet) > 0)
		if (is_progress(batch, packet) && packet[4] > finished)
			return packet[4] < batch->submit.launches ? packet[4] : batch->submit.launches;
	return batch->submit.launches;
}

/* ---- writing ---- */

enum {
	BARRIER_DW = PM4_EVENT_WRITE_DW + PM4_ACQUIRE_MEM_DW,
	AROUND_DW = 2 * (BARRIER_DW + PM4_WRITE_PAIR_DW), /* of a launch, with barriers */
	LONGEST_DW = 2 * (PM4_SET_REG_DW + USER_SGPRS),   /* packet, with room to spare */
};

/* IBs side by side in one BO, each but the last ending in a chain to the next. */
struct writer {
	const struct df_kmd_info *info;
	const struct df_encoder_ops *enc;
	uint64_t va;
	uint32_t *map;
	uint32_t at, start;   /* dwords; start: of the open IB */
	uint32_t first_dw;    /* length of the first IB */
	uint32_t *chain_size; /* where the open IB's length goes, or NULL for the first */
};

static uint32_t end_room(const struct df_kmd_info *info)
{
	return PM4_INDIRECT_BUFFER_DW + info->ib_size_align_dw;
}

/* Pads the open IB so that with tail_dw more its length is one that the kernel takes. */
static void pad(struct writer *writer, uint32_t tail_dw)
{
	uint32_t align = writer->info->ib_size_align_dw, used = writer->at - writer->start + tail_dw;
	uint32_t count = align > 1 ? (align - used % align) % align : 0;
	writer->enc->nop(writer->map + writer->at, count);
	writer->at += count;
}

static void close_ib(struct writer *writer)
{
	uint32_t used = writer->at - writer->start;
	if (writer->chain_size)
		*writer->chain_size = IB_CHAIN | IB_VALID | used;
	else
		writer->first_dw = used;
}

static void next_ib(struct writer *writer)
{
	uint32_t align = writer->info->ib_align_B / 4;
	pad(writer, PM4_INDIRECT_BUFFER_DW);
	uint32_t *chain = writer->map + writer->at;
	writer->at += PM4_INDIRECT_BUFFER_DW;
	close_ib(writer);
	writer->start = writer->at = align > 1 ? (writer->at + align - 1) / align * align : writer->at;
	amd_chain(chain, writer->va + writer->start * 4ull);
	writer->chain_size = chain + 3;
}

/* Room for dw dwords that stay together. The BO is large enough for all that a filter writes. */
static uint32_t *room(struct writer *writer, uint32_t dw)
{
	if (writer->at - writer->start + dw + end_room(writer->info) > writer->info->max_ib_dw)
		next_ib(writer);
	uint32_t *to = writer->map + writer->at;
	writer->at += dw;
	return to;
}

static uint64_t dwords_needed(const struct df_batch *batch, const struct df_kmd_info *info, bool barriers)
{
	uint64_t dw = BARRIER_DW + PM4_WRITE_PAIR_DW;
	uint32_t lost = end_room(info) + LONGEST_DW + info->ib_align_B / 4;
	for (unsigned i = 0; i <= batch->chunk; i++)
		dw += batch->chunks[i].used_dw;
	/* An indirect dispatch may be shorter than what takes its place. */
	dw += batch->submit.launches * ((barriers ? AROUND_DW : 0) + 2);
	return dw + (dw / (info->max_ib_dw - end_room(info) - LONGEST_DW) + 1) * lost;
}

static int writer_init(struct writer *writer, const struct df_batch *batch, bool barriers, struct df_bo **bo_out)
{
	struct df_device *device = batch->submit.device;
	const struct df_kmd_info *info = &device->info;
	if (info->max_ib_dw <= end_room(info) + LONGEST_DW)
		return df_error_set(-EINVAL, "the device's longest IB (%u dwords) is too short", info->max_ib_dw);
	uint64_t dw = dwords_needed(batch, info, barriers);
	if (dw > UINT32_MAX / 4)
		return df_error_set(-E2BIG, "a batch of %llu launches is too long to be run in parts",
				    (unsigned long long)batch->submit.launches);
	struct df_bo_desc desc = {
		.bytes = dw * 4,
		.align_B = info->ib_align_B,
		.domain = DF_DOMAIN_HOST_WC,
		.read_only = true,
		.name = "filtered stream",
	};
	struct df_bo *bo;
	void *map;
	int ret = df_bo_create_internal(device, &desc, &bo);
	if (ret)
		return ret;
	ret = df_bo_map_internal(bo, &map);
	if (ret) {
		df_bo_destroy_internal(bo);
		return ret;
	}
	*writer = (struct writer){.info = info, .enc = device->enc, .va = bo->va, .map = map};
	*bo_out = bo;
	return 0;
}

/* ---- filtering ---- */

struct filtering {
	const struct df_batch *batch;
	const struct df_filter *filter;
	const struct df_restart *from; /* the restart point that the part begins at, or NULL */
	struct reader reader;
	struct writer writer;
	uint64_t launch; /* number of the next */
	uint64_t words_va;
};

static void copy_packet(struct filtering *run, const uint32_t *packet, uint32_t dw)
{
	memcpy(room(&run->writer, dw), packet, dw * sizeof(uint32_t));
}

static bool is_excluded(const struct df_filter *filter, uint64_t launch)
{
	for (unsigned i = 0; i < filter->exclude_count; i++)
		if (filter->exclude[i] == launch)
			return true;
	return false;
}

static bool runs(const struct filtering *run, uint64_t launch)
{
	return launch >= run->filter->first && launch < run->filter->end && !is_excluded(run->filter, launch);
}

/* Of something that is no launch, at the place where the reader is. */
static bool in_part(const struct filtering *run)
{
	const struct df_filter *filter = run->filter;
	if (run->launch > filter->end || run->launch < filter->first)
		return false;
	if (run->launch > filter->first || !filter->first)
		return true;
	return run->from && (run->reader.chunk > run->from->chunk ||
			     (run->reader.chunk == run->from->chunk && run->reader.at > run->from->at_dw));
}

/* Everything before has ended and is written back; then the words say where the stream is. */
static void barrier_and_words(struct filtering *run, uint64_t first, uint64_t end)
{
	uint32_t *dw = room(&run->writer, BARRIER_DW + PM4_WRITE_PAIR_DW);
	dw = amd_acquire_all(amd_wait_waves(dw));
	amd_write_pair(dw, run->words_va, (uint32_t)first, (uint32_t)end);
}

static void empty_dispatch(struct filtering *run, uint32_t initiator)
{
	uint32_t *dw = room(&run->writer, PM4_DISPATCH_DIRECT_DW);
	dw[0] = PM4_HEADER(PM4_DISPATCH_DIRECT, PM4_DISPATCH_DIRECT_DW - 2) | PM4_SHADER_TYPE_COMPUTE;
	dw[1] = dw[2] = dw[3] = 0;
	dw[4] = initiator;
}

static void launch(struct filtering *run, const uint32_t *packet, uint32_t dw)
{
	uint64_t number = run->launch++;
	if (!runs(run, number)) {
		empty_dispatch(run, packet[dw - 1]); /* the initiator comes last in every form */
		return;
	}
	if (run->filter->barriers)
		barrier_and_words(run, number, number + 1);
	copy_packet(run, packet, dw);
	if (run->filter->barriers)
		barrier_and_words(run, number + 1, number + 1);
}

static void dma(struct filtering *run, const uint32_t *packet, uint32_t dw)
{
	uint32_t *to = room(&run->writer, dw);
	memcpy(to, packet, dw * sizeof(uint32_t));
	to[1] |= DMA_CP_SYNC;
}

static void filter_packet(struct filtering *run, const uint32_t *packet, uint32_t dw)
{
	switch (PM4_OP(packet[0])) {
	case PM4_DISPATCH_DIRECT:
	case PM4_DISPATCH_INDIRECT:
		launch(run, packet, dw);
		break;
	case PM4_LOAD_SH_REG_INDEX: /* the grid of the launch behind it; nothing else relies on these registers */
		if (runs(run, run->launch))
			copy_packet(run, packet, dw);
		break;
	case PM4_DMA_DATA:
		if (in_part(run))
			dma(run, packet, dw);
		break;
	case PM4_WRITE_DATA:
	case PM4_RELEASE_MEM:
	case PM4_WAIT_REG_MEM:
		if (!is_progress(run->batch, packet) && in_part(run))
			copy_packet(run, packet, dw);
		break;
	default: /* state, waits for waves, caches, annotations */
		copy_packet(run, packet, dw);
		break;
	}
}

static int filter_all(struct filtering *run)
{
	const uint32_t *packet;
	int dw;
	barrier_and_words(run, run->filter->first, run->filter->barriers ? run->filter->first : run->filter->end);
	while ((dw = next_packet(&run->reader, &packet)) > 0)
		filter_packet(run, packet, (uint32_t)dw);
	if (dw < 0)
		return dw;
	pad(&run->writer, 0);
	close_ib(&run->writer);
	return 0;
}

int amd_filter(struct df_batch *batch, const struct df_filter *filter, struct df_stream *stream)
{
	struct filtering run = {
		.batch = batch, .filter = filter, .reader = {.batch = batch}, .words_va = stream->progress->va};
	const struct df_restart *restart = df_batch_last_restart(batch);
	if (restart && restart->launch == filter->first)
		run.from = restart;
	int ret = writer_init(&run.writer, batch, filter->barriers, &stream->bo);
	if (!ret)
		ret = filter_all(&run);
	if (ret)
		return ret;
	stream->ib_va = run.writer.va;
	stream->ib_dw = run.writer.first_dw;
	return 0;
}

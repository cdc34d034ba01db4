/* SPDX-License-Identifier: MIT */
/*
 * sdma.c - the DMA engine of gfx10.3 (SDMA 5.2): linear work only.
 *
 * Sources: linux 6.1, navi10_sdma_pkt_open.h (opcodes, fields), sdma_v5_2.c (sizes less one, 30 bits of count); Mesa
 * 22.3.6, sid.h (GFX103_SDMA_COPY_MAX_SIZE).
 */
#include "fidelity.h"
#include "ring.h"
#include "strict_core.h"

#include <errno.h>
#include <sched.h>

enum sdma_opcode {
	SDMA_NOP = 0,
	SDMA_COPY = 1,
	SDMA_WRITE = 2,
	SDMA_INDIRECT = 4,
	SDMA_FENCE = 5,
	SDMA_TRAP = 6,
	SDMA_POLL_REGMEM = 8,
	SDMA_COND_EXE = 9,
	SDMA_ATOMIC = 10,
	SDMA_CONST_FILL = 11,
	SDMA_TIMESTAMP = 13,
	SDMA_GCR_REQ = 17,
	SDMA_DUMMY_TRAP = 32,
};
enum { SDMA_TIMESTAMP_GET = 1, SDMA_TIMESTAMP_GET_GLOBAL = 2, SDMA_FILL_BYTE = 0, SDMA_FILL_DWORD = 2 };
enum { SDMA_IB_ALIGN_B = 256 }; /* linux 6.1, amdgpu_kms.c, ib_start_alignment of DMA */

/* clang-format off */
#define SDMA_FIELDS(F) \
	F(SDMA_OP, 0, 8) F(SDMA_SUB_OP, 8, 8) F(SDMA_NOP_COUNT, 16, 14) F(SDMA_COPY_ENCRYPT, 16, 1) \
	F(SDMA_COPY_TMZ, 18, 1) F(SDMA_COPY_BACKWARDS, 25, 1) F(SDMA_COPY_BROADCAST, 27, 1) F(SDMA_BYTES, 0, 30) \
	F(SDMA_COUNT_UNUSED, 30, 2) F(SDMA_WRITE_COUNT, 0, 20) F(SDMA_POLL_HDP, 26, 1) F(SDMA_POLL_FUNC, 28, 3) \
	F(SDMA_POLL_MEM, 31, 1) F(SDMA_FILL_SIZE, 30, 2) F(SDMA_ATOMIC_LOOP, 16, 1) F(SDMA_ATOMIC_OP, 25, 7) \
	F(SDMA_EXEC_COUNT, 0, 14) F(SDMA_IB_SIZE, 0, 20) F(SDMA_IB_PRIV, 31, 1)
/* clang-format on */
enum sdma_field { SDMA_FIELDS(GPU_FIELD_CONSTANTS) };

struct sdma_packet {
	uint8_t op;
	const char *name;
	uint32_t body_dw; /* behind the header; WRITE and NOP have more */
	int (*run)(struct gpu_ring *ring, uint32_t header, const uint32_t *p); /* NULL: nothing to do */
};

static void skip(struct gpu_ring *ring, uint32_t n)
{
	struct gpu_cp_ib *ib = &ring->ib[ring->ib_level];
	const uint32_t left = ib->size_dw - ib->at_dw;

	ib->at_dw += n < left ? n : left;
}

static int run_nop(struct gpu_ring *ring, uint32_t header, const uint32_t *p)
{
	(void)p;
	skip(ring, GPU_FIELD(header, SDMA_NOP_COUNT));
	return 0;
}

static int align_check(struct gpu_ring *ring, const char *name, uint64_t va, unsigned align_B)
{
	if (va % align_B)
		return gpu_ring_refuse(ring, "SDMA %s: address 0x%llx is not aligned to %u bytes", name,
				       (unsigned long long)va, align_B);
	return 0;
}

static int run_copy(struct gpu_ring *ring, uint32_t header, const uint32_t *p)
{
	if (GPU_FIELD(header, SDMA_SUB_OP))
		return gpu_ring_refuse(ring, "SDMA COPY: sub-operation %u is refused: only linear copies are modelled",
				       GPU_FIELD(header, SDMA_SUB_OP));
	if (GPU_FIELD(header, SDMA_COPY_ENCRYPT) || GPU_FIELD(header, SDMA_COPY_TMZ) ||
	    GPU_FIELD(header, SDMA_COPY_BACKWARDS) || GPU_FIELD(header, SDMA_COPY_BROADCAST))
		return gpu_ring_refuse(ring, "SDMA COPY: header 0x%08x asks for more than a plain linear copy", header);
	if (GPU_FIELD(p[0], SDMA_COUNT_UNUSED))
		gpu_strict_packet(ring, GPU_FINDING_RESERVED, ring->packet_va,
				  "SDMA COPY: reserved bits of the count are set");
	return gpu_ring_copy(ring, gpu_u64(p[4], p[5]), gpu_u64(p[2], p[3]), (uint64_t)GPU_FIELD(p[0], SDMA_BYTES) + 1);
}

static int run_write(struct gpu_ring *ring, uint32_t header, const uint32_t *p)
{
	struct gpu_cp_ib *ib = &ring->ib[ring->ib_level];
	uint64_t va = gpu_u64(p[0], p[1]);
	uint32_t left = GPU_FIELD(p[2], SDMA_WRITE_COUNT) + 1;
	int ret = align_check(ring, "WRITE", va, 4);

	if (ret)
		return ret;
	if (GPU_FIELD(header, SDMA_SUB_OP))
		return gpu_ring_refuse(ring, "SDMA WRITE: sub-operation %u is refused: only linear writes are modelled",
				       GPU_FIELD(header, SDMA_SUB_OP));
	if (left > ib->size_dw - ib->at_dw)
		return gpu_ring_refuse(ring, "SDMA WRITE of %u dwords runs over the end of its IB", left);
	while (left && !ret) {
		const uint32_t part = left < GPU_PACKET_MAX_DW ? left : GPU_PACKET_MAX_DW;

		ret = gpu_ib_fetch(ring, ring->packet, part);
		if (!ret)
			ret = gpu_ring_write(ring, va, ring->packet, (size_t)part * 4);
		va += (uint64_t)part * 4;
		left -= part;
	}
	return ret;
}

static int run_fence(struct gpu_ring *ring, uint32_t header, const uint32_t *p)
{
	const uint64_t va = gpu_u64(p[0], p[1]);
	int ret = align_check(ring, "FENCE", va, 4);

	(void)header;
	return ret ? ret : gpu_ring_write(ring, va, &p[2], 4);
}

static int run_poll(struct gpu_ring *ring, uint32_t header, const uint32_t *p)
{
	enum { FUNCTION_LAST = 6 };
	const uint64_t va = gpu_u64(p[0], p[1]);
	int ret;

	if (GPU_FIELD(header, SDMA_SUB_OP))
		return gpu_ring_refuse(ring, "SDMA POLL_REGMEM: sub-operation %u is refused",
				       GPU_FIELD(header, SDMA_SUB_OP));
	if (!GPU_FIELD(header, SDMA_POLL_MEM) || GPU_FIELD(header, SDMA_POLL_HDP))
		return gpu_ring_refuse(ring, "SDMA POLL_REGMEM of a register is refused");
	if (GPU_FIELD(header, SDMA_POLL_FUNC) > FUNCTION_LAST)
		return gpu_ring_refuse(ring, "SDMA POLL_REGMEM: function %u is unknown",
				       GPU_FIELD(header, SDMA_POLL_FUNC));
	ret = align_check(ring, "POLL_REGMEM", va, 4);
	return ret ? ret : gpu_ring_poll(ring, va, GPU_FIELD(header, SDMA_POLL_FUNC), p[2], p[3], 4);
}

static int run_fill(struct gpu_ring *ring, uint32_t header, const uint32_t *p)
{
	const uint64_t va = gpu_u64(p[0], p[1]), size_B = (uint64_t)GPU_FIELD(p[3], SDMA_BYTES) + 1;
	const uint32_t unit = GPU_FIELD(header, SDMA_FILL_SIZE), low = p[2] & 0xff;

	if (GPU_FIELD(header, SDMA_SUB_OP))
		return gpu_ring_refuse(ring, "SDMA CONST_FILL: sub-operation %u is refused",
				       GPU_FIELD(header, SDMA_SUB_OP));
	if (unit == SDMA_FILL_BYTE)
		return gpu_ring_fill(ring, va, low | low << 8 | low << 16 | low << 24, size_B);
	if (unit != SDMA_FILL_DWORD)
		return gpu_ring_refuse(ring, "SDMA CONST_FILL: fill size %u is refused", unit);
	if ((va | size_B) % 4)
		return gpu_ring_refuse(ring, "SDMA CONST_FILL of dwords: %llu bytes at 0x%llx",
				       (unsigned long long)size_B, (unsigned long long)va);
	return gpu_ring_fill(ring, va, p[2], size_B);
}

static int run_atomic(struct gpu_ring *ring, uint32_t header, const uint32_t *p)
{
	enum { RETURN_BIT = 0x40, WIDE_BIT = 0x20 };
	const uint32_t op = GPU_FIELD(header, SDMA_ATOMIC_OP) & ~(uint32_t)RETURN_BIT;
	const uint64_t compare = gpu_u64(p[4], p[5]);

	for (;;) {
		uint64_t old = 0;
		int ret = gpu_ring_check(ring);

		if (!ret)
			ret = gpu_ring_atomic(ring, op, gpu_u64(p[0], p[1]), gpu_u64(p[2], p[3]), compare, &old);
		if (ret || !GPU_FIELD(header, SDMA_ATOMIC_LOOP) || old == (op & WIDE_BIT ? compare : (uint32_t)compare))
			return ret;
		sched_yield();
	}
}

static int run_timestamp(struct gpu_ring *ring, uint32_t header, const uint32_t *p)
{
	const uint32_t sub = GPU_FIELD(header, SDMA_SUB_OP);
	const uint64_t va = gpu_u64(p[0], p[1]), clock = gpu_clock(ring->gpu);
	int ret;

	if (sub != SDMA_TIMESTAMP_GET && sub != SDMA_TIMESTAMP_GET_GLOBAL)
		return gpu_ring_refuse(ring, "SDMA TIMESTAMP: sub-operation %u is refused", sub);
	ret = align_check(ring, "TIMESTAMP", va, 8);
	return ret ? ret : gpu_ring_write(ring, va, &clock, sizeof(clock));
}

static int run_cond_exe(struct gpu_ring *ring, uint32_t header, const uint32_t *p)
{
	const uint64_t va = gpu_u64(p[0], p[1]);
	uint32_t value;
	int ret = align_check(ring, "COND_EXE", va, 4);

	(void)header;
	if (!ret)
		ret = gpu_ring_read(ring, va, &value, 4);
	if (!ret && value != p[2])
		skip(ring, GPU_FIELD(p[3], SDMA_EXEC_COUNT));
	return ret;
}

static int ib_check(struct gpu_ring *ring, uint64_t va)
{
	ring->packet_va = va;
	if (va % 4)
		return gpu_ring_refuse(ring, "SDMA IB at 0x%llx is not aligned to dwords", (unsigned long long)va);
	return 0;
}

static int run_indirect(struct gpu_ring *ring, uint32_t header, const uint32_t *p)
{
	const uint64_t va = gpu_u64(p[0], p[1]);

	if (GPU_FIELD(header, SDMA_IB_PRIV))
		return gpu_ring_refuse(ring, "SDMA INDIRECT with PRIV is refused");
	if (ring->ib_level + 1 == GPU_IB_LEVELS)
		return gpu_ring_refuse(ring, "SDMA INDIRECT in an IB that was itself called");
	if (ib_check(ring, va))
		return -EFAULT;
	ring->ib_level++;
	ring->ib[ring->ib_level] = (struct gpu_cp_ib){.va = va, .size_dw = GPU_FIELD(p[2], SDMA_IB_SIZE), .at_dw = 0};
	return 0;
}

static const struct sdma_packet packets[] = {
	{SDMA_NOP, "NOP", 0, run_nop},
	{SDMA_COPY, "COPY", 6, run_copy},
	{SDMA_WRITE, "WRITE", 3, run_write},
	{SDMA_INDIRECT, "INDIRECT", 5, run_indirect},
	{SDMA_FENCE, "FENCE", 3, run_fence},
	{SDMA_TRAP, "TRAP", 1, NULL},
	{SDMA_POLL_REGMEM, "POLL_REGMEM", 5, run_poll},
	{SDMA_COND_EXE, "COND_EXE", 4, run_cond_exe},
	{SDMA_ATOMIC, "ATOMIC", 7, run_atomic},
	{SDMA_CONST_FILL, "CONST_FILL", 4, run_fill},
	{SDMA_TIMESTAMP, "TIMESTAMP", 2, run_timestamp},
	{SDMA_GCR_REQ, "GCR_REQ", 4, NULL},
	{SDMA_DUMMY_TRAP, "DUMMY_TRAP", 1, NULL},
};

static const struct {
	uint8_t op;
	const char *name;
} refused[] = {{7, "SEM"}, {12, "PTEPDE"}, {14, "SRBM_WRITE"}, {15, "PRE_EXE"}, {16, "GPUVM_INV"}};

static const char *refused_name(uint32_t op)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (refused[i].op == op)
			return refused[i].name;
	return NULL;
}

static const struct sdma_packet *packet_find(uint32_t op)
{
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++)
		if (packets[i].op == op)
			return &packets[i];
	return NULL;
}

const char *gpu_sdma_name(uint32_t opcode, bool *refused_out)
{
	const struct sdma_packet *packet = packet_find(opcode);

	*refused_out = !packet;
	return packet ? packet->name : refused_name(opcode);
}

static int packet_unknown(struct gpu_ring *ring, uint32_t op)
{
	const char *name = refused_name(op);

	if (name)
		return gpu_ring_refuse(ring, "SDMA packet %s is refused: a kernel driver's", name);
	return gpu_ring_refuse(ring, "unknown SDMA packet, opcode 0x%02x", op);
}

static int packet_next(struct gpu_ring *ring)
{
	struct gpu_cp_ib *ib = &ring->ib[ring->ib_level];
	const struct sdma_packet *packet;
	uint32_t header;
	int ret;

	ring->packet_va = ib->va + (uint64_t)ib->at_dw * 4;
	ret = gpu_ib_fetch(ring, &header, 1);
	if (ret)
		return ret;
	gpu_count(&ring->gpu->count.packets, 1);
	if (__builtin_expect(ring->gpu->used != NULL, 0))
		gpu_used_row(ring->gpu->used, GPU_ROW_SDMA, GPU_FIELD(header, SDMA_OP));
	packet = packet_find(GPU_FIELD(header, SDMA_OP));
	if (!packet)
		return packet_unknown(ring, GPU_FIELD(header, SDMA_OP));
	if (packet->body_dw > ib->size_dw - ib->at_dw)
		return gpu_ring_refuse(ring, "SDMA %s runs over the end of its IB", packet->name);
	if (packet->body_dw)
		ret = gpu_ib_fetch(ring, ring->packet, packet->body_dw);
	return ret || !packet->run ? ret : packet->run(ring, header, ring->packet);
}

int gpu_sdma_run(struct gpu_ring *ring, const struct gpu_ib *ib)
{
	ring->ib_level = 0;
	if (ib_check(ring, ib->va))
		return -EFAULT;
	if (ib->va % SDMA_IB_ALIGN_B)
		gpu_strict_packet(ring, GPU_FINDING_ALIGN, ib->va,
				  "SDMA IB at 0x%llx: its start is to be a multiple of %u bytes",
				  (unsigned long long)ib->va, SDMA_IB_ALIGN_B);
	ring->ib[0] = (struct gpu_cp_ib){.va = ib->va, .size_dw = ib->size_dw, .at_dw = 0};
	for (;;) {
		int ret = gpu_ring_check(ring);

		if (ret)
			return ret;
		if (ring->ib[ring->ib_level].at_dw < ring->ib[ring->ib_level].size_dw) {
			ret = packet_next(ring);
			if (ret)
				return ret;
		} else if (ring->ib_level-- == 0) {
			ring->ib_level = 0;
			return 0;
		}
	}
}

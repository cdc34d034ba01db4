/* SPDX-License-Identifier: MIT */
/* pm4_flow.c - packets that decide what is run: IBs, conditions, predication. */
#include "pm4.h"
#include "strict_core.h"

#include <errno.h>

static int run_indirect_buffer(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	const bool chain = GPU_FIELD(p[2], IB_CHAIN);

	(void)n;
	pm4_reserved(ring, "INDIRECT_BUFFER", p[2] & GPU_FIELD_MASK(IB_UNUSED_24));
	if (!chain && ring->type == GPU_RING_COMPUTE)
		gpu_strict_packet(ring, GPU_FINDING_RESERVED, ring->packet_va,
				  "INDIRECT_BUFFER without CHAIN: compute queues have no second level of IBs");
	return pm4_ib_enter(ring, gpu_u64(p[0], p[1]), GPU_FIELD(p[2], IB_SIZE), chain);
}

static void skip(struct gpu_ring *ring, uint32_t n)
{
	struct gpu_cp_ib *ib = &ring->ib[ring->ib_level];
	const uint32_t left = ib->size_dw - ib->at_dw;

	ib->at_dw += n < left ? n : left;
}

static int run_cond_exec(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	const uint64_t va = gpu_u64(p[0], p[1]);
	uint32_t value;
	int ret = pm4_address_check(ring, "COND_EXEC", va, 4);

	(void)n;
	if (ret)
		return ret;
	gpu_strict_cp_read(ring, va, 4, "COND_EXEC");
	ret = gpu_ring_read(ring, va, &value, 4);
	if (!ret && !value)
		skip(ring, GPU_FIELD(p[3], EXEC_COUNT));
	return ret;
}

/* The GPU is its group's first. */
static int run_pred_exec(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	(void)n;
	if (!(GPU_FIELD(p[0], PRED_EXEC_MASK) & 1))
		skip(ring, GPU_FIELD(p[0], EXEC_COUNT));
	return 0;
}

static int run_set_predication(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	const uint32_t op = GPU_FIELD(p[0], PREDICATION_OP);
	const uint64_t va = gpu_u64(p[1], p[2]);
	uint64_t value = 0;
	int ret;

	(void)n;
	if (op == PREDICATION_CLEAR) {
		ring->predicate_off = false;
		return 0;
	}
	if (op != PREDICATION_BOOL64 && op != PREDICATION_BOOL32)
		return gpu_ring_refuse(ring, "SET_PREDICATION: operation %u (%s) is refused", op,
				       op == PREDICATION_ZPASS       ? "ZPASS"
				       : op == PREDICATION_PRIMCOUNT ? "PRIMCOUNT"
								     : "unknown");
	ret = pm4_address_check(ring, "SET_PREDICATION", va, op == PREDICATION_BOOL64 ? 8 : 4);
	if (ret)
		return ret;
	gpu_strict_cp_read(ring, va, op == PREDICATION_BOOL64 ? 8 : 4, "SET_PREDICATION");
	ret = gpu_ring_read(ring, va, &value, op == PREDICATION_BOOL64 ? 8 : 4);
	if (!ret)
		ring->predicate_off = (value != 0) != (GPU_FIELD(p[0], PREDICATION_VISIBLE) != 0);
	return ret;
}

const struct pm4_packet pm4_flow_packets[] = {
	{0x10, "NOP", NULL, 0, PM4_NOP_HEADER_ONLY + 1, false},
	{0x20, "SET_PREDICATION", run_set_predication, 3, 3, true},
	{0x22, "COND_EXEC", run_cond_exec, 4, 4, false},
	{0x23, "PRED_EXEC", run_pred_exec, 1, 1, false},
	{0x3f, "INDIRECT_BUFFER", run_indirect_buffer, 3, 3, false},
	{0, NULL, NULL, 0, 0, false},
};

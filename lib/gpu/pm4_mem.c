/* SPDX-License-Identifier: MIT */
/* pm4_mem.c - packets that move data: WRITE_DATA, COPY_DATA, DMA_DATA, ATOMIC_MEM, COND_WRITE. */
#include "pm4.h"
#include "strict_core.h"

#include <errno.h>
#include <sched.h>

static int run_write_data(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	const uint32_t select = GPU_FIELD(p[0], WRITE_DST_SEL), count = n - 3;
	const bool one = GPU_FIELD(p[0], WRITE_ONE_ADDR);
	const uint64_t va = gpu_u64(p[1], p[2]);
	int ret;

	pm4_reserved(ring, "WRITE_DATA", p[0] & GPU_FIELD_MASK(WRITE_UNUSED_0));
	if (select == WRITE_DST_REG) {
		ret = 0;
		for (uint32_t i = 0; i < count && !ret; i++)
			ret = pm4_reg_write(ring, "WRITE_DATA", (p[1] + (one ? 0 : i)) * 4, p[3 + i]);
		return ret;
	}
	if (select != WRITE_DST_GRBM && select != WRITE_DST_L2 && select != WRITE_DST_MEM)
		return gpu_ring_refuse(ring, "WRITE_DATA: destination %u (%s) is refused", select,
				       select == WRITE_DST_GDS ? "GDS" : "unknown");
	ret = pm4_address_check(ring, "WRITE_DATA", va, 4);
	if (ret)
		return ret;
	if (count > 1)
		gpu_strict_publish(ring, va, false, "WRITE_DATA");
	if (!one)
		return gpu_ring_write(ring, va, p + 3, (size_t)count * 4);
	for (uint32_t i = 0; i < count && !ret; i++)
		ret = gpu_ring_write(ring, va, p + 3 + i, 4);
	return ret;
}

static int copy_source(struct gpu_ring *ring, const uint32_t *p, unsigned size_B, uint64_t *value_out)
{
	const uint32_t select = GPU_FIELD(p[0], COPY_SRC_SEL);
	const uint64_t va = gpu_u64(p[1], p[2]);
	uint32_t reg[2] = {0, 0};
	int ret;

	switch (select) {
	case COPY_REG:
		ret = pm4_reg_read(ring, "COPY_DATA", p[1] * 4, &reg[0]);
		if (!ret && size_B == 8)
			ret = pm4_reg_read(ring, "COPY_DATA", (p[1] + 1) * 4, &reg[1]);
		*value_out = gpu_u64(reg[0], reg[1]);
		return ret;
	case COPY_MEM:
	case COPY_L2:
		ret = pm4_address_check(ring, "COPY_DATA", va, size_B);
		if (ret)
			return ret;
		gpu_strict_cp_read(ring, va, size_B, "COPY_DATA");
		*value_out = 0;
		return gpu_ring_read(ring, va, value_out, size_B);
	case COPY_IMM:
		*value_out = va;
		return 0;
	case COPY_TIMESTAMP:
		*value_out = gpu_clock(ring->gpu);
		return 0;
	default:
		return gpu_ring_refuse(ring, "COPY_DATA: source %u (%s) is refused", select,
				       select == COPY_GDS    ? "GDS"
				       : select == COPY_PERF ? "performance counter"
							     : "unknown");
	}
}

static int run_copy_data(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	const uint32_t select = GPU_FIELD(p[0], COPY_DST_SEL);
	const unsigned size_B = GPU_FIELD(p[0], COPY_COUNT_SEL) ? 8 : 4;
	const uint64_t va = gpu_u64(p[3], p[4]);
	uint64_t value = 0;
	int ret = copy_source(ring, p, size_B, &value);

	(void)n;
	if (ret)
		return ret;
	pm4_reserved(ring, "COPY_DATA", p[0] & GPU_FIELD_MASK(COPY_UNUSED_4));
	switch (select) {
	case COPY_REG:
		ret = pm4_reg_write(ring, "COPY_DATA", p[3] * 4, (uint32_t)value);
		if (!ret && size_B == 8)
			ret = pm4_reg_write(ring, "COPY_DATA", (p[3] + 1) * 4, (uint32_t)(value >> 32));
		return ret;
	case COPY_MEM:
	case COPY_L2:
	case COPY_DST_MEM:
		ret = pm4_address_check(ring, "COPY_DATA", va, size_B);
		return ret ? ret : gpu_ring_write(ring, va, &value, size_B);
	default:
		return gpu_ring_refuse(ring, "COPY_DATA: destination %u is refused", select);
	}
}

static int run_dma_data(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	const uint32_t source = GPU_FIELD(p[0], DMA_SRC_SEL), destination = GPU_FIELD(p[0], DMA_DST_SEL);
	const uint32_t size_B = GPU_FIELD(p[5], DMA_BYTE_COUNT);
	const uint64_t from = gpu_u64(p[1], p[2]), to = gpu_u64(p[3], p[4]);

	(void)n;
	pm4_reserved(ring, "DMA_DATA", p[0] & GPU_FIELD_MASK(DMA_UNUSED_1));
	if (source == DMA_SRC_GDS || destination == DMA_DST_GDS)
		return gpu_ring_refuse(ring, "DMA_DATA from or to GDS is refused");
	if ((GPU_FIELD(p[5], DMA_SAS) && source == DMA_SRC_ADDR) ||
	    (GPU_FIELD(p[5], DMA_DAS) && destination == DMA_DST_ADDR))
		return gpu_ring_refuse(ring, "DMA_DATA from or to registers is refused");
	if (GPU_FIELD(p[5], DMA_SAIC) || GPU_FIELD(p[5], DMA_DAIC))
		return gpu_ring_refuse(ring, "DMA_DATA with an address that stays (SAIC, DAIC) is refused");
	if (destination == DMA_DST_NOWHERE) /* a prefetch to L2: no effect that a program could see, and no faults */
		return 0;
	if (source == DMA_SRC_DATA) {
		if ((to | size_B) % 4)
			return gpu_ring_refuse(ring,
					       "DMA_DATA fill of %u bytes at 0x%llx: both are to be multiples of 4",
					       size_B, (unsigned long long)to);
		return gpu_ring_fill(ring, to, p[1], size_B);
	}
	gpu_strict_cp_read(ring, from, size_B, "DMA_DATA");
	return gpu_ring_copy(ring, to, from, size_B);
}

static int run_atomic_mem(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	enum { LOOP = 1, RETURN_BIT = 0x40 };
	const uint32_t op = GPU_FIELD(p[0], ATOMIC_OP), command = GPU_FIELD(p[0], ATOMIC_COMMAND);
	const uint64_t va = gpu_u64(p[1], p[2]), source = gpu_u64(p[3], p[4]), compare = gpu_u64(p[5], p[6]);
	const bool wide = op & 0x20;

	(void)n;
	pm4_reserved(ring, "ATOMIC_MEM", p[0] & (GPU_FIELD_MASK(ATOMIC_UNUSED_7) | GPU_FIELD_MASK(ATOMIC_UNUSED_10)));
	if (command > LOOP)
		return gpu_ring_refuse(ring, "ATOMIC_MEM: command %u is refused", command);
	for (;;) {
		uint64_t old = 0;
		int ret = gpu_ring_check(ring);

		if (!ret)
			ret = gpu_ring_atomic(ring, op & ~(uint32_t)RETURN_BIT, va, source, compare, &old);
		if (ret || command != LOOP || old == (wide ? compare : (uint32_t)compare))
			return ret;
		sched_yield();
	}
}

static int run_cond_write(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	const uint64_t poll = gpu_u64(p[1], p[2]), to = gpu_u64(p[5], p[6]);
	uint32_t value = 0;
	int ret;

	(void)n;
	if (GPU_FIELD(p[0], COND_WRITE_POLL_SPACE) == SPACE_MEM) {
		ret = pm4_address_check(ring, "COND_WRITE", poll, 4);
		if (!ret)
			ret = gpu_ring_read(ring, poll, &value, 4);
	} else {
		ret = pm4_reg_read(ring, "COND_WRITE", p[1] * 4, &value);
	}
	if (ret || !gpu_compare(GPU_FIELD(p[0], COND_WRITE_FUNCTION), value & p[4], p[3]))
		return ret;
	if (GPU_FIELD(p[0], COND_WRITE_WRITE_SPACE) == SPACE_REG)
		return pm4_reg_write(ring, "COND_WRITE", p[5] * 4, p[7]);
	if (GPU_FIELD(p[0], COND_WRITE_WRITE_SPACE) != SPACE_MEM)
		return gpu_ring_refuse(ring, "COND_WRITE: write space %u is refused",
				       GPU_FIELD(p[0], COND_WRITE_WRITE_SPACE));
	ret = pm4_address_check(ring, "COND_WRITE", to, 4);
	return ret ? ret : gpu_ring_write(ring, to, &p[7], 4);
}

const struct pm4_packet pm4_mem_packets[] = {
	{0x1e, "ATOMIC_MEM", run_atomic_mem, 8, 8, false},
	{0x37, "WRITE_DATA", run_write_data, 4, PM4_NOP_HEADER_ONLY + 1, false},
	{0x40, "COPY_DATA", run_copy_data, 5, 5, false},
	{0x45, "COND_WRITE", run_cond_write, 8, 8, false},
	{0x50, "DMA_DATA", run_dma_data, 6, 6, false},
	{0, NULL, NULL, 0, 0, false},
};

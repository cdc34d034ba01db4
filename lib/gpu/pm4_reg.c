/* SPDX-License-Identifier: MIT */
/* pm4_reg.c - packets that set registers, and launches. */
#include "fidelity.h"
#include "pm4.h"
#include "strict_core.h"

#include <errno.h>
#include <string.h>

static bool reg_of_compute(uint32_t offset)
{
	return offset >= GPU_R_COMPUTE_DISPATCH_INITIATOR && offset < GPU_SH_END;
}

int pm4_reg_write(struct gpu_ring *ring, const char *packet, uint32_t offset, uint32_t value)
{
	uint32_t *slot = gpu_reg_slot(&ring->regs, offset);

	if (!slot)
		return gpu_ring_refuse(ring, "%s: gfx10.3 has no register at 0x%05x", packet, offset);
	if (ring->type == GPU_RING_COMPUTE && offset >= GPU_SH_START && offset < GPU_CONTEXT_END &&
	    !reg_of_compute(offset))
		return gpu_ring_refuse(ring, "%s: %s is a graphics register, refused on a compute ring", packet,
				       gpu_reg_name(offset));
	if (__builtin_expect(ring->gpu->used != NULL, 0))
		gpu_used_row(ring->gpu->used, GPU_ROW_REGISTER, offset);
	*slot = value;
	return 0;
}

int pm4_reg_read(struct gpu_ring *ring, const char *packet, uint32_t offset, uint32_t *value_out)
{
	const uint32_t *slot = gpu_reg_slot(&ring->regs, offset);

	if (!slot)
		return gpu_ring_refuse(ring, "%s: gfx10.3 has no readable register at 0x%05x", packet, offset);
	if (__builtin_expect(ring->gpu->used != NULL, 0))
		gpu_used_row(ring->gpu->used, GPU_ROW_REGISTER, offset);
	*value_out = *slot;
	return 0;
}

/*
 * A word with no register, inside a run of words whose neighbours have one: hardware drops it. IGT's compute preamble
 * writes such a run (from COMPUTE_REQ_CTRL to COMPUTE_USER_ACCUM_3, amd_dispatch_helpers.c), on silicon too. A run that
 * begins or ends beside the registers was meant for another chip and is refused.
 */
static bool is_hole(struct gpu_ring *ring, uint32_t offset, uint32_t word, uint32_t words)
{
	if (word == 1 || word + 1 == words || gpu_reg_slot(&ring->regs, offset))
		return false;
	return gpu_reg_slot(&ring->regs, offset - 4) && gpu_reg_slot(&ring->regs, offset + 4);
}

static int set_regs(struct gpu_ring *ring, const char *name, uint32_t start, uint32_t end, const uint32_t *p,
		    uint32_t n)
{
	const uint32_t first = start + GPU_FIELD(p[0], SET_REG_OFFSET) * 4;

	if (first + (n - 1) * 4 > end)
		return gpu_ring_refuse(ring, "%s: registers 0x%05x to 0x%05x leave the block that ends at 0x%05x", name,
				       first, first + (n - 2) * 4, end);
	for (uint32_t i = 1; i < n; i++) {
		const uint32_t offset = first + (i - 1) * 4;
		int ret = is_hole(ring, offset, i, n) ? 0 : pm4_reg_write(ring, name, offset, p[i]);

		if (ret)
			return ret;
	}
	pm4_reserved(ring, name, p[0] & ~(GPU_FIELD_MASK(SET_REG_OFFSET) | GPU_FIELD_MASK(SET_REG_INDEX)));
	return 0;
}

static int run_set_config(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	return set_regs(ring, "SET_CONFIG_REG", GPU_CONFIG_START, GPU_CONFIG_END, p, n);
}

static int run_set_context(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	return set_regs(ring, "SET_CONTEXT_REG", GPU_CONTEXT_START, GPU_CONTEXT_END, p, n);
}

static int run_set_sh(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	return set_regs(ring, "SET_SH_REG", GPU_SH_START, GPU_SH_END, p, n);
}

static int run_set_sh_index(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	return set_regs(ring, "SET_SH_REG_INDEX", GPU_SH_START, GPU_SH_END, p, n);
}

static int run_set_uconfig(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	return set_regs(ring, "SET_UCONFIG_REG", GPU_UCONFIG_START, GPU_UCONFIG_END, p, n);
}

static int run_set_uconfig_index(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	return set_regs(ring, "SET_UCONFIG_REG_INDEX", GPU_UCONFIG_START, GPU_UCONFIG_END, p, n);
}

/* Consecutive SH registers from memory: address, first register, count (Mesa 22.3.6, radv_cmd_buffer.c). */
static int run_load_sh_index(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	enum { MAX_REGS = (GPU_SH_END - GPU_SH_START) / 4 };
	const uint32_t first = GPU_SH_START + GPU_FIELD(p[2], SET_REG_OFFSET) * 4, count = GPU_FIELD(p[3], EXEC_COUNT);
	const uint64_t va = gpu_u64(p[0], p[1]);
	uint32_t values[MAX_REGS];
	int ret = pm4_address_check(ring, "LOAD_SH_REG_INDEX", va, 4);

	(void)n;
	if (ret)
		return ret;
	if (count > MAX_REGS || first + count * 4 > GPU_SH_END)
		return gpu_ring_refuse(ring, "LOAD_SH_REG_INDEX: %u registers from 0x%05x leave the block", count,
				       first);
	gpu_strict_cp_read(ring, va, (uint64_t)count * 4, "LOAD_SH_REG_INDEX");
	ret = gpu_ring_read(ring, va, values, (size_t)count * 4);
	for (uint32_t i = 0; i < count && !ret; i++)
		ret = pm4_reg_write(ring, "LOAD_SH_REG_INDEX", first + i * 4, values[i]);
	return ret;
}

static int run_dispatch_direct(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	(void)n;
	return gpu_ring_dispatch(ring, p, p[3]);
}

/* On the GFX ring an offset from SET_BASE's address, on compute rings the address itself. */
static int run_dispatch_indirect(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	const bool offset = ring->type == GPU_RING_GFX;
	const uint64_t va = offset ? ring->base[BASE_INDIRECT] + p[0] : gpu_u64(p[0], p[1]);
	uint32_t dim[3];
	int ret;

	if (n != (offset ? 2 : 3))
		return gpu_ring_refuse(ring, "DISPATCH_INDIRECT with %u dwords behind its header: %u on this ring", n,
				       offset ? 2 : 3);
	ret = pm4_address_check(ring, "DISPATCH_INDIRECT", va, 4);
	if (ret)
		return ret;
	gpu_strict_cp_read(ring, va, sizeof(dim), "DISPATCH_INDIRECT");
	ret = gpu_ring_read(ring, va, dim, sizeof(dim));
	return ret ? ret : gpu_ring_dispatch(ring, dim, p[n - 1]);
}

static int run_set_base(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	const uint32_t index = GPU_FIELD(p[0], BASE_INDEX);

	(void)n;
	if (index >= sizeof(ring->base) / sizeof(ring->base[0]))
		return gpu_ring_refuse(ring, "SET_BASE: base index %u is unknown", index);
	ring->base[index] = gpu_u64(p[1], p[2]);
	return 0;
}

static int run_context_control(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	(void)n;
	if ((p[0] | p[1]) & ~GPU_FIELD_MASK(CONTROL_UPDATE))
		return gpu_ring_refuse(
			ring, "CONTEXT_CONTROL 0x%08x 0x%08x asks for register loads or shadowing: not modelled", p[0],
			p[1]);
	return 0;
}

static int run_clear_state(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	(void)p;
	(void)n;
	memset(ring->regs.context, 0, sizeof(ring->regs.context));
	return 0;
}

enum { SET_MAX = PM4_NOP_HEADER_ONLY + 1 };

const struct pm4_packet pm4_reg_packets[] = {
	{0x11, "SET_BASE", run_set_base, 3, 3, false},
	{0x12, "CLEAR_STATE", run_clear_state, 1, 1, true},
	{0x15, "DISPATCH_DIRECT", run_dispatch_direct, 4, 4, false},
	{0x16, "DISPATCH_INDIRECT", run_dispatch_indirect, 2, 3, false},
	{0x28, "CONTEXT_CONTROL", run_context_control, 2, 2, true},
	{0x63, "LOAD_SH_REG_INDEX", run_load_sh_index, 4, 4, false},
	{0x68, "SET_CONFIG_REG", run_set_config, 2, SET_MAX, true},
	{0x69, "SET_CONTEXT_REG", run_set_context, 2, SET_MAX, true},
	{0x76, "SET_SH_REG", run_set_sh, 2, SET_MAX, false},
	{0x79, "SET_UCONFIG_REG", run_set_uconfig, 2, SET_MAX, false},
	{0x7a, "SET_UCONFIG_REG_INDEX", run_set_uconfig_index, 2, SET_MAX, false},
	{0x9b, "SET_SH_REG_INDEX", run_set_sh_index, 2, SET_MAX, false},
	{0, NULL, NULL, 0, 0, false},
};

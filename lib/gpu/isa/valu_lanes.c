/* SPDX-License-Identifier: MIT */
/*
 * valu_lanes.c - vector instructions that cross lanes, index registers, or do nothing.
 */
#include "gpu/isa/tables_exec.h"
#include "gpu/isa/valu.h"

#define VEXEC(name) enum gpu_step name(struct gpu_wave *w, const struct gpu_inst *in)

static uint32_t *reg(struct gpu_wave *w, unsigned code)
{
	return w->vgpr + ((code - 256u) << w->lane_shift);
}

static enum gpu_step too_few(struct gpu_wave *w, const struct gpu_inst *in)
{
	return gpu_wave_fault(w, GPU_FAULT_OPCODE, w->pc, "%s: reaches v%u, the wave has %u VGPRs", in->op->name,
			      in->vgprs - 1u, w->vgpr_count);
}

static void scalar_out(struct gpu_wave *w, unsigned code, uint32_t value)
{
	if (code != 125 && code < 128 && !(code == 127 && w->lanes == 32))
		w->s[code] = value;
}

VEXEC(gpu_v_nop)
{
	(void)w;
	(void)in;
	return GPU_STEP_NEXT;
}

/* Clears the exception bits of TRAPSTS. */
VEXEC(gpu_v_clrexcp)
{
	(void)in;
	w->trapsts &= ~0x1ffu;
	return GPU_STEP_NEXT;
}

/* First lane that is on; lane 0 when none is. */
VEXEC(gpu_v_readfirstlane)
{
	uint64_t exec = gpu_wave_exec(w);
	unsigned lane = exec ? (unsigned)__builtin_ctzll(exec) : 0;

	if (in->vgprs > w->vgpr_count)
		return too_few(w, in);
	scalar_out(w, in->dst, in->src[0] >= 256 ? reg(w, in->src[0])[lane] : gpu_src32(w, in, in->src[0]));
	return GPU_STEP_NEXT;
}

VEXEC(gpu_v_readlane)
{
	unsigned lane;

	if (in->vgprs > w->vgpr_count)
		return too_few(w, in);
	lane = (in->src[1] >= 256 ? reg(w, in->src[1])[0] : gpu_src32(w, in, in->src[1])) & (w->lanes - 1);
	scalar_out(w, in->dst, in->src[0] >= 256 ? reg(w, in->src[0])[lane] : gpu_src32(w, in, in->src[0]));
	return GPU_STEP_NEXT;
}

VEXEC(gpu_v_writelane)
{
	unsigned lane;
	uint32_t value;

	if (in->vgprs > w->vgpr_count)
		return too_few(w, in);
	lane = (in->src[1] >= 256 ? reg(w, in->src[1])[0] : gpu_src32(w, in, in->src[1])) & (w->lanes - 1);
	value = in->src[0] >= 256 ? reg(w, in->src[0])[0] : gpu_src32(w, in, in->src[0]);
	reg(w, in->dst)[lane] = value;
	return GPU_STEP_NEXT;
}

/*
 * Each lane of a row of 16 reads the lane of its own row (or, x16, of the other row of its 32) that four bits of src1
 * and src2 name. op_sel[0]: fetch from lanes that are off; op_sel[1]: such lanes read as 0, else the lane is kept.
 */
VEXEC(gpu_v_permlane)
{
	uint64_t exec = gpu_wave_exec(w), select;
	bool fi = in->opsel & 1, bound = in->opsel & 2;
	uint32_t from[64], *d;

	if (in->vgprs > w->vgpr_count)
		return too_few(w, in);
	for (unsigned l = 0; l < w->lanes; l++)
		from[l] = in->src[0] >= 256 ? reg(w, in->src[0])[l] : gpu_src32(w, in, in->src[0]);
	select = in->src[1] >= 256 ? reg(w, in->src[1])[0] : gpu_src32(w, in, in->src[1]);
	select |= (uint64_t)(in->src[2] >= 256 ? reg(w, in->src[2])[0] : gpu_src32(w, in, in->src[2])) << 32;
	d = reg(w, in->dst);
	for (unsigned l = 0; l < w->lanes; l++) {
		unsigned row = in->op->data ? (l & ~15u) ^ 16 : l & ~15u;
		unsigned s = row | (select >> (4 * (l & 15)) & 15);
		bool valid = fi || exec >> s & 1;

		if (exec >> l & 1 && (valid || bound))
			d[l] = valid ? from[s] : 0;
	}
	return GPU_STEP_NEXT;
}

/* Register number plus an index from M0; NULL outside the wave's registers. */
static uint32_t *indexed(struct gpu_wave *w, unsigned code, uint32_t index)
{
	uint64_t n = (uint64_t)(code - 256u) + index;

	return n < w->vgpr_count ? w->vgpr + (n << w->lane_shift) : NULL;
}

/*
 * data: bit 0 the destination is indexed, bit 1 the source, bit 2 by separate 10-bit fields of M0 (source 9:0,
 * destination 25:16). Outside the registers reads give v0 and writes are dropped.
 */
VEXEC(gpu_v_movrel)
{
	uint32_t m0 = w->s[124], index_s = in->op->data & 4 ? m0 & 1023 : m0;
	uint32_t index_d = in->op->data & 4 ? m0 >> 16 & 1023 : m0, *d;
	const uint32_t *from = NULL;
	uint64_t exec = gpu_wave_exec(w);
	uint32_t value = 0;

	if (in->vgprs > w->vgpr_count)
		return too_few(w, in);
	if (in->mod)
		return gpu_wave_fault(w, GPU_FAULT_OPCODE, w->pc,
				      "%s: its DPP and SDWA forms are not part of this model", in->op->name);
	d = in->op->data & 1 ? indexed(w, in->dst, index_d) : reg(w, in->dst);
	if (in->src[0] < 256)
		value = gpu_src32(w, in, in->src[0]);
	else
		from = in->op->data & 2 ? indexed(w, in->src[0], index_s) : reg(w, in->src[0]);
	if (in->src[0] >= 256 && !from)
		from = w->vgpr;
	for (unsigned l = 0; l < w->lanes && d; l++)
		if (exec >> l & 1)
			d[l] = from ? from[l] : value;
	return GPU_STEP_NEXT;
}

/* data 1: both registers are indexed by M0, source 9:0, destination 25:16. */
VEXEC(gpu_v_swap)
{
	uint64_t exec = gpu_wave_exec(w);
	uint32_t m0 = w->s[124], *a, *b;

	if (in->vgprs > w->vgpr_count)
		return too_few(w, in);
	if (in->src[0] < 256)
		return gpu_wave_fault(w, GPU_FAULT_OPCODE, w->pc, "%s: the source is no VGPR", in->op->name);
	a = in->op->data ? indexed(w, in->dst, m0 >> 16 & 1023) : reg(w, in->dst);
	b = in->op->data ? indexed(w, in->src[0], m0 & 1023) : reg(w, in->src[0]);
	for (unsigned l = 0; l < w->lanes && a && b; l++) {
		uint32_t t = a[l];

		if (!(exec >> l & 1))
			continue;
		a[l] = b[l];
		b[l] = t;
	}
	return GPU_STEP_NEXT;
}

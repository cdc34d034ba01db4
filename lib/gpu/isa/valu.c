/* SPDX-License-Identifier: MIT */
/*
 * valu.c - runs a vector instruction: fetches sources (DPP, SDWA, op_sel, abs, neg, denormal flush), calls the lane
 * function of the opcode on blocks of 32 lanes, finishes the result (omod, clamp, flush) and writes the lanes that are
 * on.
 *
 * This is the long way, open to every instruction. Those without modifiers have a short one (valu_short.c), with the
 * same lane functions.
 */
#include <fenv.h>
#include <string.h>

#include "gpu/isa/fetch.h"
#include "gpu/isa/lane_list.h"
#include "gpu/isa/tables_exec.h"

/* Host rounding modes in the order of MODE.round: nearest even, +inf, -inf, zero. */
static const int host_round[4] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};

void gpu_call_lanes(gpu_lane_fn fn, struct gpu_lanes *v)
{
	unsigned type = v->in->op->dst;

	/* f16 results are rounded in software. */
	if (v->round == 0 || (type != GPU_O_F32 && type != GPU_O_F64)) {
		fn(v);
		return;
	}
	fesetround(host_round[v->round]);
	fn(v);
	fesetround(FE_TONEAREST);
}

bool gpu_is_f32(unsigned type)
{
	return type == GPU_O_F32;
}

/* MODE fields that rule a type: f32 has its own, f16 and f64 share one. */
static unsigned type_denorm(uint32_t mode, unsigned type)
{
	return type == GPU_O_F32 ? mode >> GPU_MODE_DENORM32_SHIFT & 3 : mode >> GPU_MODE_DENORM64_SHIFT & 3;
}

unsigned gpu_type_round(uint32_t mode, unsigned type)
{
	switch (type) {
	case GPU_O_F32:
		return mode >> GPU_MODE_ROUND32_SHIFT & 3;
	case GPU_O_F16:
	case GPU_O_V2F16:
	case GPU_O_F64:
		return mode >> GPU_MODE_ROUND64_SHIFT & 3;
	default:
		return 0;
	}
}

/* The long way. */
static void finish_f32(uint32_t *d, const struct gpu_inst *in, uint32_t mode)
{
	bool flush = !(mode >> GPU_MODE_DENORM32_SHIFT & 2);
	/* Output modifiers exist only where they cannot be seen to break IEEE rules. */
	unsigned omod = flush && !(mode & GPU_MODE_IEEE) ? in->omod : 0;

	if (omod)
		gpu_omod_f32(d, omod);
	if (flush)
		gpu_flush_f32(d);
	if (in->clamp)
		gpu_clamp_f32(d, mode & GPU_MODE_DX10_CLAMP);
}

static void finish(struct gpu_lanes *v, const struct gpu_inst *in, uint32_t mode)
{
	bool flush = !(type_denorm(mode, in->op->dst) & 2);
	unsigned omod = flush && !(mode & GPU_MODE_IEEE) ? in->omod : 0;

	switch (in->op->dst) {
	case GPU_O_F32:
		finish_f32(v->d, in, mode);
		break;
	case GPU_O_F16:
	case GPU_O_V2F16:
		if (omod && in->op->dst == GPU_O_F16)
			gpu_omod_f16(v->d, omod);
		if (flush)
			gpu_flush_f16(v->d);
		if (in->clamp)
			gpu_clamp_f16(v->d, mode & GPU_MODE_DX10_CLAMP);
		break;
	case GPU_O_F64:
		if (omod)
			gpu_omod_f64(v->d, omod);
		if (flush)
			gpu_flush_f64(v->d);
		if (in->clamp)
			gpu_clamp_f64(v->d, mode & GPU_MODE_DX10_CLAMP);
		break;
	default:
		break;
	}
}

static void write_back(struct gpu_wave *w, const struct gpu_inst *in, struct gpu_lanes *v, unsigned block,
		       uint32_t mask)
{
	uint32_t *d = w->vgpr + ((in->dst - 256u) << w->lane_shift) + block, *from = v->d;
	unsigned dwords = gpu_opnd_dwords(in->op->dst);

	if (dwords == 2) {
		const uint64_t *q = v->d;
		uint32_t low[32], high[32];

		for (unsigned i = 0; i < 32; i++) {
			low[i] = (uint32_t)q[i];
			high[i] = (uint32_t)(q[i] >> 32);
		}
		gpu_blend32(d, low, mask);
		gpu_blend32(d + w->lanes, high, mask);
		return;
	}
	if (in->mod == GPU_MOD_SDWA)
		gpu_sdwa_result(from, d, in->ctl, gpu_is_half(in->op->dst));
	else if (gpu_is_half(in->op->dst))
		gpu_half_result(from, d, in->enc == GPU_VOP3 && in->opsel & 8);
	for (unsigned k = 0; k < dwords; k++)
		gpu_blend32(d + (size_t)k * w->lanes, from + (size_t)k * 32, mask);
}

union gpu_lane_block {
	uint32_t w[128];
	uint64_t q[64];
};

/* The mask that the lane function gave for this block's lanes. */
static uint32_t run_block(struct gpu_wave *w, const struct gpu_inst *in, unsigned block, uint64_t mask_in)
{
	union gpu_lane_block buffers[3], result;
	uint32_t exec = w->s[126 + block / 32], mask = exec;
	const void *sources[3] = {NULL, NULL, NULL};
	struct gpu_lanes v;
	const struct gpu_op *op = in->op;
	gpu_lane_fn fn = *(const gpu_lane_fn *)in->spec;

	for (unsigned i = 0; i < 3; i++) {
		bool old = i == 2 && op->flags & GPU_OPF_READS_DST;

		if (old || (op->src[i] != GPU_O_NONE && op->src[i] != GPU_O_MASK))
			sources[i] = gpu_fetch(w, in, i, block, buffers[i].w, &mask);
	}
	memset(&v, 0, sizeof(v));
	v.a = sources[0];
	v.b = sources[1];
	v.c = sources[2];
	v.d = result.w;
	v.exec = exec;
	v.mask_in = (uint32_t)(mask_in >> (block & 32));
	v.mode = w->mode;
	v.clamp = in->clamp;
	v.flush = false;
	v.lane_base = (uint8_t)block;
	v.round = (uint8_t)gpu_type_round(w->mode, op->dst);
	v.in = in;
	if (in->op->enc == GPU_VOP3P && op->dst == GPU_O_F16) /* v_fma_mixhi and _mixlo merge with what is there */
		memcpy(result.w, w->vgpr + ((in->dst - 256u) << w->lane_shift) + block, 128);
	gpu_call_lanes(fn, &v);
	if (op->dst == GPU_O_NONE || !mask)
		return v.mask_out & mask;
	if (in->op->enc == GPU_VOP3P && op->dst == GPU_O_F16) {
		gpu_blend32(w->vgpr + ((in->dst - 256u) << w->lane_shift) + block, result.w, mask);
		return v.mask_out & mask;
	}
	finish(&v, in, w->mode);
	write_back(w, in, &v, block, mask);
	return v.mask_out & mask;
}

enum gpu_step gpu_too_few(struct gpu_wave *w, const struct gpu_inst *in)
{
	return gpu_wave_fault(w, GPU_FAULT_OPCODE, w->pc, "%s: reaches v%u, the wave has %u VGPRs", in->op->name,
			      in->vgprs - 1u, w->vgpr_count);
}

enum gpu_step gpu_valu(struct gpu_wave *w, const struct gpu_inst *in)
{
	uint64_t mask_in = 0, mask_out = 0;

	if (in->vgprs > w->vgpr_count)
		return gpu_too_few(w, in);
	if (in->op->src[2] == GPU_O_MASK)
		mask_in = gpu_mask_get(w, in->src[2]);
	else if (in->op->flags & GPU_OPF_READS_VCC)
		mask_in = gpu_mask_get(w, 106);
	for (unsigned block = 0; block < w->lanes; block += 32)
		mask_out |= (uint64_t)run_block(w, in, block, mask_in) << block;
	if (in->op->sdst == GPU_O_MASK)
		gpu_mask_set(w, in->sdst, mask_out);
	return GPU_STEP_NEXT;
}

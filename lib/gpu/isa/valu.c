/* SPDX-License-Identifier: MIT */
/*
 * valu.c - runs a vector instruction: fetches sources (DPP, SDWA, op_sel, abs, neg, denormal flush), calls the lane
 * function of the opcode on blocks of 32 lanes, finishes the result (omod, clamp, flush) and writes the lanes that are
 * on.
 *
 * Two ways lead through here. The short one is taken by 32-bit operations without modifiers: sources are the registers
 * themselves or a broadcast scalar, and under a full EXEC the destination is the register itself. Everything else takes
 * the long one. Both call the same lane functions.
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

static bool wide(unsigned type)
{
	return gpu_opnd_dwords(type) > 1;
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

static unsigned type_round(uint32_t mode, unsigned type)
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

/* Copies the lanes of mask from a finished block to the register. */
static void blend32(uint32_t *restrict d, const uint32_t *restrict from, uint32_t mask)
{
	if (mask == 0xffffffff) {
		/* cppcheck-suppress uninitvar; a lane function has written all of from */
		memcpy(d, from, 128);
		return;
	}
	for (unsigned i = 0; i < 32; i++)
		d[i] = mask >> i & 1 ? from[i] : d[i];
}

static enum gpu_step too_few(struct gpu_wave *w, const struct gpu_inst *in)
{
	return gpu_wave_fault(w, GPU_FAULT_OPCODE, w->pc, "%s: reaches v%u, the wave has %u VGPRs", in->op->name,
			      in->vgprs - 1u, w->vgpr_count);
}

/* The short way. Bits of spec: which slots are scalars is read from the codes. */
static const uint32_t *short_source(const struct gpu_wave *w, const struct gpu_inst *in, unsigned i, unsigned block,
				    uint32_t *buffer)
{
	unsigned code = in->src[i];
	uint32_t value;

	if (code >= 256)
		return w->vgpr + ((code - 256u) << w->lane_shift) + block;
	value = gpu_src32(w, in, code);
	for (unsigned l = 0; l < 32; l++)
		buffer[l] = value;
	return buffer;
}

/* f32 operations take the short way when rounding is to nearest and denormals are all kept or all flushed. */
static bool short_mode(uint32_t mode)
{
	unsigned denorm = mode >> GPU_MODE_DENORM32_SHIFT & 3;

	return !(mode >> GPU_MODE_ROUND32_SHIFT & 3) && (denorm == 0 || denorm == 3);
}

#define SHORT_EXEC(name, sources, is_float)                                                                            \
	static enum gpu_step name(struct gpu_wave *w, const struct gpu_inst *in)                                       \
	{                                                                                                              \
		gpu_lane_fn fn = *(const gpu_lane_fn *)in->spec;                                                       \
                                                                                                                       \
		if (in->vgprs > w->vgpr_count)                                                                         \
			return too_few(w, in);                                                                         \
		if (is_float && !short_mode(w->mode))                                                                  \
			return gpu_valu(w, in);                                                                        \
		for (unsigned block = 0; block < w->lanes; block += 32) {                                              \
			uint32_t a[32], b[32], c[32], r[32], exec = w->s[126 + block / 32];                            \
			uint32_t *d = w->vgpr + ((in->dst - 256u) << w->lane_shift) + block;                           \
			struct gpu_lanes v;                                                                            \
                                                                                                                       \
			if (!exec)                                                                                     \
				continue;                                                                              \
			v.a = short_source(w, in, 0, block, a);                                                        \
			v.b = sources > 1 ? short_source(w, in, 1, block, b) : NULL;                                   \
			v.c = sources > 2 ? (in->op->flags & GPU_OPF_READS_DST ? d : short_source(w, in, 2, block, c)) \
					  : NULL;                                                                      \
			v.d = exec == 0xffffffff ? d : r;                                                              \
			v.mode = w->mode;                                                                              \
			v.clamp = false;                                                                               \
			v.flush = is_float && !(w->mode >> GPU_MODE_DENORM32_SHIFT & 3);                               \
			v.round = 0;                                                                                   \
			v.lane_base = (uint8_t)block;                                                                  \
			fn(&v);                                                                                        \
			if (exec != 0xffffffff)                                                                        \
				blend32(d, r, exec);                                                                   \
		}                                                                                                      \
		return GPU_STEP_NEXT;                                                                                  \
	}
SHORT_EXEC(short_int1, 1, false)
SHORT_EXEC(short_int2, 2, false)
SHORT_EXEC(short_int3, 3, false)
SHORT_EXEC(short_f1, 1, true)
SHORT_EXEC(short_f2, 2, true)
SHORT_EXEC(short_f3, 3, true)

/* Compares of 32-bit values, and 32-bit operations with a carry or a select, without modifiers. */
static enum gpu_step short_mask(struct gpu_wave *w, const struct gpu_inst *in)
{
	gpu_lane_fn fn = *(const gpu_lane_fn *)in->spec;
	bool has_mask = in->op->src[2] == GPU_O_MASK, has_dst = in->op->dst != GPU_O_NONE;
	uint64_t mask_in = has_mask ? gpu_mask_get(w, in->src[2]) : 0, mask_out = 0;

	if (in->vgprs > w->vgpr_count)
		return too_few(w, in);
	if (in->op->src[0] == GPU_O_F32 && !has_mask && !short_mode(w->mode))
		return gpu_valu(w, in);
	for (unsigned block = 0; block < w->lanes; block += 32) {
		uint32_t a[32], b[32], r[32], exec = w->s[126 + block / 32];
		uint32_t *d = has_dst ? w->vgpr + ((in->dst - 256u) << w->lane_shift) + block : NULL;
		struct gpu_lanes v;

		v.a = short_source(w, in, 0, block, a);
		v.b = short_source(w, in, 1, block, b);
		v.d = exec == 0xffffffff ? d : r;
		v.mask_in = (uint32_t)(mask_in >> (block & 32));
		v.mask_out = 0;
		v.mode = w->mode;
		v.clamp = false;
		v.flush = !(w->mode >> GPU_MODE_DENORM32_SHIFT & 3);
		v.round = 0;
		fn(&v);
		mask_out |= (uint64_t)(v.mask_out & exec) << block;
		if (has_dst && exec != 0xffffffff)
			blend32(d, r, exec);
	}
	if (in->op->sdst == GPU_O_MASK)
		gpu_mask_set(w, in->sdst, mask_out);
	return GPU_STEP_NEXT;
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

static bool half_result(unsigned type)
{
	return type == GPU_O_B16 || type == GPU_O_I16 || type == GPU_O_U16 || type == GPU_O_F16;
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
		blend32(d, low, mask);
		blend32(d + w->lanes, high, mask);
		return;
	}
	if (in->mod == GPU_MOD_SDWA)
		gpu_sdwa_result(from, d, in->ctl, half_result(in->op->dst));
	else if (half_result(in->op->dst))
		gpu_half_result(from, d, in->enc == GPU_VOP3 && in->opsel & 8);
	for (unsigned k = 0; k < dwords; k++)
		blend32(d + (size_t)k * w->lanes, from + (size_t)k * 32, mask);
}

union gpu_lane_block {
	uint32_t w[128];
	uint64_t q[64];
};

static void run_block(struct gpu_wave *w, const struct gpu_inst *in, unsigned block, uint64_t mask_in,
		      uint64_t *mask_out)
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
	v.round = (uint8_t)type_round(w->mode, op->dst);
	v.in = in;
	if (in->op->enc == GPU_VOP3P && op->dst == GPU_O_F16) /* v_fma_mixhi and _mixlo merge with what is there */
		memcpy(result.w, w->vgpr + ((in->dst - 256u) << w->lane_shift) + block, 128);
	gpu_call_lanes(fn, &v);
	*mask_out |= (uint64_t)(v.mask_out & mask) << block;
	if (op->dst == GPU_O_NONE || !mask)
		return;
	if (in->op->enc == GPU_VOP3P && op->dst == GPU_O_F16) {
		blend32(w->vgpr + ((in->dst - 256u) << w->lane_shift) + block, result.w, mask);
		return;
	}
	finish(&v, in, w->mode);
	write_back(w, in, &v, block, mask);
}

enum gpu_step gpu_valu(struct gpu_wave *w, const struct gpu_inst *in)
{
	uint64_t mask_in = 0, mask_out = 0;

	if (in->vgprs > w->vgpr_count)
		return too_few(w, in);
	if (in->op->src[2] == GPU_O_MASK)
		mask_in = gpu_mask_get(w, in->src[2]);
	else if (in->op->flags & GPU_OPF_READS_VCC)
		mask_in = gpu_mask_get(w, 106);
	for (unsigned block = 0; block < w->lanes; block += 32)
		run_block(w, in, block, mask_in, &mask_out);
	if (in->op->sdst == GPU_O_MASK)
		gpu_mask_set(w, in->sdst, mask_out);
	return GPU_STEP_NEXT;
}

static bool plain32(const struct gpu_op *op)
{
	for (unsigned i = 0; i < 3; i++) {
		unsigned t = op->src[i];

		if (wide(t) || t == GPU_O_B16 || t == GPU_O_I16 || t == GPU_O_U16 || t == GPU_O_F16)
			return false;
	}
	return !wide(op->dst) && !half_result(op->dst) && op->dst != GPU_O_V2F16;
}

void gpu_valu_specialise(struct gpu_inst *in)
{
	static const gpu_exec_fn shorts[2][4] = {
		{NULL, short_int1, short_int2, short_int3},
		{NULL, short_f1, short_f2, short_f3},
	};
	const struct gpu_op *op = in->op;
	unsigned group = op->data >> 8 & 0xff, sources = 0;
	bool is_float = false;

	if (op->exec != gpu_valu)
		return;
	in->spec = gpu_lane_find(op->data & 0xffff);
	if (in->mod || in->neg || in->abs || in->omod || in->clamp || in->opsel || !plain32(op))
		return;
	for (unsigned i = 0; i < 3; i++) {
		sources += op->src[i] != GPU_O_NONE && op->src[i] != GPU_O_MASK;
		is_float |= op->src[i] == GPU_O_F32 || op->dst == GPU_O_F32;
	}
	if (op->sdst == GPU_O_MASK || op->src[2] == GPU_O_MASK) {
		if (sources == 2 && (group == GPU_LG_INT || group == GPU_LG_CMP))
			in->exec = short_mask;
		return;
	}
	if (op->flags & GPU_OPF_READS_VCC || (group != GPU_LG_INT && group != GPU_LG_F32))
		return;
	sources += op->flags & GPU_OPF_READS_DST ? 1 : 0;
	if (sources && sources < 4)
		in->exec = shorts[is_float][sources];
}

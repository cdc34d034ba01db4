/* SPDX-License-Identifier: MIT */
/*
 * valu_short.c - the short ways through the vector ALU, for instructions without modifiers on their operands: sources
 * are the registers themselves or a broadcast scalar, and under a full EXEC the destination is the register itself.
 * What the MODE register may still ask for (flushing, rounding) is either done by the lane function or sends the
 * instruction the long way (valu.c), each time it runs. Both call the same lane functions.
 */
#include <string.h>

#include "gpu/isa/fetch.h"
#include "gpu/isa/lane_list.h"
#include "gpu/isa/tables_exec.h"

static bool wide(unsigned type)
{
	return gpu_opnd_dwords(type) > 1;
}

static bool is_v2(unsigned type)
{
	return type == GPU_O_V2F16 || type == GPU_O_V2I16;
}

/* A source: the register itself, or a scalar in every lane of a buffer. Of block 32 it is at + (32 & mask). */
struct source {
	const uint32_t *at;
	unsigned mask;
};

/* Halves have inline constants of their own. */
static struct source source_of(const struct gpu_wave *w, const struct gpu_inst *in, unsigned i, uint32_t buffer[32])
{
	unsigned code = in->src[i], type = in->op->src[i];
	uint32_t value;

	if (code >= 256)
		return (struct source){w->vgpr + ((code - 256u) << w->lane_shift), ~0u};
	value = is_v2(type) || gpu_is_half(type) ? gpu_src16(w, in, code) : gpu_src32(w, in, code);
	for (unsigned l = 0; l < 32; l++)
		buffer[l] = value;
	return (struct source){buffer, 0};
}

static const uint32_t *in_block(struct source source, unsigned block)
{
	return source.at + (block & source.mask);
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
		const bool in_d = sources > 2 && in->op->flags & GPU_OPF_READS_DST;                                    \
		struct source sa, sb = {NULL, 0}, sc = {NULL, 0};                                                      \
		uint32_t a[32], b[32], c[32];                                                                          \
                                                                                                                       \
		if (in->vgprs > w->vgpr_count)                                                                         \
			return gpu_too_few(w, in);                                                                     \
		if (is_float && !short_mode(w->mode))                                                                  \
			return gpu_valu(w, in);                                                                        \
		sa = source_of(w, in, 0, a);                                                                           \
		if (sources > 1)                                                                                       \
			sb = source_of(w, in, 1, b);                                                                   \
		if (sources > 2 && !in_d)                                                                              \
			sc = source_of(w, in, 2, c);                                                                   \
		for (unsigned block = 0; block < w->lanes; block += 32) {                                              \
			uint32_t r[32], exec = w->s[126 + block / 32];                                                 \
			uint32_t *d = w->vgpr + ((in->dst - 256u) << w->lane_shift) + block;                           \
			struct gpu_lanes v;                                                                            \
                                                                                                                       \
			if (!exec)                                                                                     \
				continue;                                                                              \
			v.a = in_block(sa, block);                                                                     \
			v.b = sources > 1 ? in_block(sb, block) : NULL;                                                \
			v.c = in_d ? d : sources > 2 ? in_block(sc, block) : NULL;                                     \
			v.d = exec == 0xffffffff ? d : r;                                                              \
			v.mode = w->mode;                                                                              \
			v.clamp = false;                                                                               \
			v.flush = is_float && !(w->mode >> GPU_MODE_DENORM32_SHIFT & 3);                               \
			v.round = 0;                                                                                   \
			v.lane_base = (uint8_t)block;                                                                  \
			fn(&v);                                                                                        \
			if (exec != 0xffffffff)                                                                        \
				gpu_blend32(d, r, exec);                                                               \
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
	struct source sa, sb;
	uint32_t a[32], b[32];

	if (in->vgprs > w->vgpr_count)
		return gpu_too_few(w, in);
	if (in->op->src[0] == GPU_O_F32 && !has_mask && !short_mode(w->mode))
		return gpu_valu(w, in);
	sa = source_of(w, in, 0, a);
	sb = source_of(w, in, 1, b);
	for (unsigned block = 0; block < w->lanes; block += 32) {
		uint32_t r[32], exec = w->s[126 + block / 32];
		uint32_t *d = has_dst ? w->vgpr + ((in->dst - 256u) << w->lane_shift) + block : NULL;
		struct gpu_lanes v;

		v.a = in_block(sa, block);
		v.b = in_block(sb, block);
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
			gpu_blend32(d, r, exec);
	}
	if (in->op->sdst == GPU_O_MASK)
		gpu_mask_set(w, in->sdst, mask_out);
	return GPU_STEP_NEXT;
}

/* Nothing of MODE that the short way of an operation with halves leaves out is asked for. */
static bool short_half_mode(const struct gpu_op *op, uint32_t mode)
{
	bool halves = op->dst == GPU_O_V2F16 || op->dst == GPU_O_F16;

	for (unsigned i = 0; i < 3; i++)
		halves |= op->src[i] == GPU_O_V2F16 || op->src[i] == GPU_O_F16;
	return short_mode(mode) && (!halves || (mode >> GPU_MODE_DENORM64_SHIFT & 3) == 3);
}

/*
 * Packed, mixed and dot-product operations: their lane functions pick halves and signs themselves, and flush f32 when
 * told to. v_fma_mixlo and _mixhi keep the other half of what is in d.
 */
static enum gpu_step short_packed(struct gpu_wave *w, const struct gpu_inst *in)
{
	const struct gpu_op *op = in->op;
	const bool in_d = op->flags & GPU_OPF_READS_DST, three = op->src[2] != GPU_O_NONE;
	gpu_lane_fn fn = *(const gpu_lane_fn *)in->spec;
	struct source sa, sb, sc = {NULL, 0};
	uint32_t a[32], b[32], c[32];

	if (in->vgprs > w->vgpr_count)
		return gpu_too_few(w, in);
	if (!short_half_mode(op, w->mode))
		return gpu_valu(w, in);
	sa = source_of(w, in, 0, a);
	sb = source_of(w, in, 1, b);
	if (three && !in_d)
		sc = source_of(w, in, 2, c);
	for (unsigned block = 0; block < w->lanes; block += 32) {
		uint32_t r[32], exec = w->s[126 + block / 32];
		uint32_t *d = w->vgpr + ((in->dst - 256u) << w->lane_shift) + block;
		struct gpu_lanes v;

		if (!exec)
			continue;
		v.a = in_block(sa, block);
		v.b = in_block(sb, block);
		v.c = in_d ? d : three ? in_block(sc, block) : NULL;
		v.d = exec == 0xffffffff ? d : r;
		if (v.d == r)
			memcpy(r, d, sizeof(r));
		v.mode = w->mode;
		v.clamp = in->clamp;
		v.flush = !(w->mode >> GPU_MODE_DENORM32_SHIFT & 3);
		v.round = (uint8_t)gpu_type_round(w->mode, op->dst);
		v.lane_base = (uint8_t)block;
		v.in = in;
		fn(&v);
		if (exec != 0xffffffff)
			gpu_blend32(d, r, exec);
	}
	return GPU_STEP_NEXT;
}

/* A source as the f16 operations want it: halves alone, f32 flushed as MODE says. */
static const uint32_t *half_source(const struct gpu_wave *w, const struct gpu_inst *in, unsigned i, unsigned block,
				   uint32_t *buffer, bool flush)
{
	const uint32_t *from = in_block(source_of(w, in, i, buffer), block);
	const uint32_t keep = gpu_is_half(in->op->src[i]) ? 0xffff : 0xffffffff;

	if (keep == 0xffffffff && !flush)
		return from;
	for (unsigned l = 0; l < 32; l++)
		buffer[l] = from[l] & keep;
	if (in->op->src[i] == GPU_O_F32 && flush)
		gpu_flush_f32(buffer);
	return buffer;
}

/* Operations on single halves, and conversions to and from them. */
static enum gpu_step short_half(struct gpu_wave *w, const struct gpu_inst *in)
{
	const struct gpu_op *op = in->op;
	const bool flush = !(w->mode >> GPU_MODE_DENORM32_SHIFT & 3);
	gpu_lane_fn fn = *(const gpu_lane_fn *)in->spec;

	if (in->vgprs > w->vgpr_count)
		return gpu_too_few(w, in);
	if (!short_half_mode(op, w->mode))
		return gpu_valu(w, in);
	for (unsigned block = 0; block < w->lanes; block += 32) {
		uint32_t s[3][32], r[32], exec = w->s[126 + block / 32];
		uint32_t *d = w->vgpr + ((in->dst - 256u) << w->lane_shift) + block;
		const uint32_t *from[3] = {NULL, NULL, NULL};
		struct gpu_lanes v;

		if (!exec)
			continue;
		for (unsigned i = 0; i < 3 && op->src[i] != GPU_O_NONE; i++)
			from[i] = half_source(w, in, i, block, s[i], flush);
		v.a = from[0];
		v.b = from[1];
		v.c = from[2];
		v.d = r;
		v.mode = w->mode;
		v.clamp = v.flush = false;
		v.round = (uint8_t)gpu_type_round(w->mode, op->dst);
		v.lane_base = (uint8_t)block;
		v.in = in;
		fn(&v);
		if (op->dst == GPU_O_F32 && flush)
			gpu_flush_f32(r);
		if (gpu_is_half(op->dst))
			gpu_half_result(r, d, false);
		gpu_blend32(d, r, exec);
	}
	return GPU_STEP_NEXT;
}

/* v_lshlrev_b64 by a scalar: how addresses are made of indices. */
static enum gpu_step short_lshl64(struct gpu_wave *w, const struct gpu_inst *in)
{
	const unsigned n = gpu_src32(w, in, in->src[0]) & 63;

	if (in->vgprs > w->vgpr_count)
		return gpu_too_few(w, in);
	if (n == 0 || n > 31)
		return gpu_valu(w, in);
	for (unsigned block = 0; block < w->lanes; block += 32) {
		uint32_t *d = w->vgpr + ((in->dst - 256u) << w->lane_shift) + block, low[32], high[32];
		const uint32_t *b = w->vgpr + ((in->src[1] - 256u) << w->lane_shift) + block, *b2 = b + w->lanes;
		const uint32_t exec = w->s[126 + block / 32];

		for (unsigned l = 0; l < 32; l++) {
			high[l] = b2[l] << n | b[l] >> (32 - n);
			low[l] = b[l] << n;
		}
		gpu_blend32(d, low, exec);
		gpu_blend32(d + w->lanes, high, exec);
	}
	return GPU_STEP_NEXT;
}

static bool plain32(const struct gpu_op *op)
{
	for (unsigned i = 0; i < 3; i++) {
		unsigned t = op->src[i];

		if (wide(t) || t == GPU_O_B16 || t == GPU_O_I16 || t == GPU_O_U16 || t == GPU_O_F16)
			return false;
	}
	return !wide(op->dst) && !gpu_is_half(op->dst) && op->dst != GPU_O_V2F16;
}

/* The short way of an operation with halves or of 64 bits, or NULL. */
static gpu_exec_fn short_other(const struct gpu_inst *in)
{
	const struct gpu_op *op = in->op;
	const unsigned group = op->data >> 8 & 0xff;
	const bool float_clamp = in->clamp && (op->dst == GPU_O_F32 || op->dst == GPU_O_V2F16);

	if (in->mod || in->omod)
		return NULL;
	if (group == GPU_LG_PK && !float_clamp && (in->enc == GPU_VOP3P || in->enc == GPU_VOP2))
		return short_packed;
	if (in->neg || in->abs || in->clamp || in->opsel)
		return NULL;
	if (group == GPU_LG_F16 && !(op->flags & GPU_OPF_READS_DST))
		return short_half;
	return op->data == GPU_L_INT_lshlrev_b64 && in->src[0] < 256 && in->src[1] >= 256 ? short_lshl64 : NULL;
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
	if (short_other(in)) {
		in->exec = short_other(in);
		return;
	}
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

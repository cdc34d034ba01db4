/* SPDX-License-Identifier: MIT */
/*
 * fetch.c - sources of vector instructions with modifiers.
 *
 * Order, as in the RDNA2 ISA manual's "SDWA" and "DPP" sections: lanes are exchanged (DPP), the part of the dword is
 * selected (SDWA, op_sel) and extended, denormals are flushed as MODE says, abs is applied, then neg.
 */
#include <string.h>

#include "gpu/isa/fetch.h"

enum { WORD_BYTES = 4 };

static bool is_half(unsigned type)
{
	return type == GPU_O_B16 || type == GPU_O_I16 || type == GPU_O_U16 || type == GPU_O_F16;
}

static bool is_float(unsigned type)
{
	return type == GPU_O_F16 || type == GPU_O_F32 || type == GPU_O_F64;
}

/* Lane of the same row, or of the wave, that lane reads under a DPP16 control; -1: none. */
static int dpp16_source(unsigned ctrl, unsigned lane)
{
	unsigned row = lane & ~15u, at = lane & 15, n = ctrl & 15;

	if (ctrl < 0x100)
		return (int)((lane & ~3u) | (ctrl >> (2 * (lane & 3)) & 3));
	switch (ctrl & 0x1f0) {
	case 0x100:
		return at + n < 16 ? (int)(row + at + n) : -1;
	case 0x110:
		return at >= n ? (int)(row + at - n) : -1;
	case 0x120:
		return (int)(row + ((at - n) & 15));
	case 0x140:
		return ctrl == 0x140 ? (int)(row + 15 - at) : (int)(row + (at ^ 7));
	case 0x150:
		return (int)(row + n);
	default:
		return (int)(row + (at ^ n));
	}
}

/*
 * DPP16: a lane whose source is off or outside the row reads 0 with bound_ctrl and is turned off without; fi makes
 * lanes that are off readable. Row and bank masks turn lanes off.
 */
static void dpp16(const struct gpu_inst *in, const uint32_t *from, uint32_t *to, uint32_t exec, uint32_t *mask,
		  unsigned block)
{
	uint32_t ctl = in->ctl;
	bool fi = ctl >> 18 & 1, bound = ctl >> 19 & 1;

	for (unsigned l = 0; l < 32; l++) {
		int s = dpp16_source(ctl >> 8 & 0x1ff, l);
		bool valid = s >= 0 && (fi || exec >> s & 1);
		unsigned row = (block + l) >> 4, bank = l >> 2 & 3;

		to[l] = valid ? from[s] : 0;
		if ((!valid && !bound) || !(ctl >> (28 + row) & 1) || !(ctl >> (24 + bank) & 1))
			*mask &= ~(1u << l);
	}
}

/* DPP8: lanes that are off read as 0 unless fi. */
static void dpp8(const struct gpu_inst *in, const uint32_t *from, uint32_t *to, uint32_t exec)
{
	for (unsigned l = 0; l < 32; l++) {
		unsigned s = (l & ~7u) | (in->ctl >> (8 + 3 * (l & 7)) & 7);

		to[l] = in->imm || exec >> s & 1 ? from[s] : 0;
	}
}

static void sdwa_select(uint32_t *v, unsigned select, bool sext)
{
	unsigned shift = select < 4 ? select * 8 : select < 6 ? (select - 4) * 16 : 0;
	unsigned width = select < 4 ? 8 : select < 6 ? 16 : 32;

	if (width == 32)
		return;
	for (unsigned l = 0; l < 32; l++) {
		uint32_t x = v[l] << (32 - width - shift);

		v[l] = sext ? (uint32_t)((int32_t)x >> (32 - width)) : x >> (32 - width);
	}
}

static void gather64(const uint32_t *low, const uint32_t *high, uint64_t *to)
{
	for (unsigned l = 0; l < 32; l++)
		to[l] = low[l] | (uint64_t)high[l] << 32;
}

/* abs and neg on the sign bit of a type. */
static void signs32(uint32_t *v, uint32_t sign, bool abs, bool neg)
{
	uint32_t keep = abs ? ~sign : ~0u, flip = neg ? sign : 0;

	for (unsigned l = 0; l < 32; l++)
		v[l] = (v[l] & keep) ^ flip;
}

static void signs64(uint64_t *v, bool abs, bool neg)
{
	uint64_t keep = abs ? ~(1ull << 63) : ~0ull, flip = neg ? 1ull << 63 : 0;

	for (unsigned l = 0; l < 32; l++)
		v[l] = (v[l] & keep) ^ flip;
}

static const void *fetch64(const struct gpu_wave *w, const struct gpu_inst *in, unsigned i, unsigned block,
			   uint32_t *buffer)
{
	unsigned code = in->src[i], type = in->op->src[i];
	uint64_t *to = (uint64_t *)(void *)buffer;

	if (code >= 256) {
		const uint32_t *low = w->vgpr + ((code - 256u) << w->lane_shift) + block;

		gather64(low, low + w->lanes, to);
	} else {
		uint64_t value = gpu_src64(w, in, code);

		for (unsigned l = 0; l < 32; l++)
			to[l] = value;
	}
	if (type == GPU_O_F64) {
		if (!(w->mode >> GPU_MODE_DENORM64_SHIFT & 1))
			gpu_flush_f64(to);
		signs64(to, in->abs >> i & 1, in->neg >> i & 1);
	}
	return to;
}

static const void *fetch128(const struct gpu_wave *w, const struct gpu_inst *in, unsigned i, unsigned block,
			    uint32_t *buffer)
{
	unsigned code = in->src[i];

	for (unsigned k = 0; k < WORD_BYTES; k++) {
		if (code >= 256) {
			memcpy(buffer + 32 * k, w->vgpr + ((code - 256u + k) << w->lane_shift) + block, 128);
			continue;
		}
		for (unsigned l = 0; l < 32; l++)
			buffer[32 * k + l] = code + k < 128 ? w->s[code + k] : k ? 0 : gpu_src32(w, in, code);
	}
	return buffer;
}

static uint32_t scalar32(const struct gpu_wave *w, const struct gpu_inst *in, unsigned code, unsigned type)
{
	bool half = is_half(type) || type == GPU_O_V2F16 || type == GPU_O_V2I16;

	return half ? gpu_src16(w, in, code) : gpu_src32(w, in, code);
}

/* Which half a 16-bit source is taken from; packed sources are taken whole, their halves chosen by the operation. */
static void take_half(uint32_t *v, bool high)
{
	if (high)
		for (unsigned l = 0; l < 32; l++)
			v[l] >>= 16;
	else
		for (unsigned l = 0; l < 32; l++)
			v[l] &= 0xffff;
}

static void modify32(const struct gpu_wave *w, const struct gpu_inst *in, unsigned i, unsigned type, uint32_t *v)
{
	bool packed = in->op->enc == GPU_VOP3P || type == GPU_O_V2F16;
	bool keeps = in->op->dst == GPU_O_B32; /* v_cndmask, v_mov: bits are moved, not computed with */

	if (in->mod == GPU_MOD_SDWA) {
		unsigned shift = i ? 24 : 16;

		sdwa_select(v, in->ctl >> shift & 7, in->ctl >> (shift + 3) & 1);
	}
	if (is_half(type))
		take_half(v, in->enc == GPU_VOP3 && in->opsel >> i & 1);
	if (type == GPU_O_F32 && !keeps && !(w->mode >> GPU_MODE_DENORM32_SHIFT & 1))
		gpu_flush_f32(v);
	if ((type == GPU_O_F16 || type == GPU_O_V2F16) && !(w->mode >> GPU_MODE_DENORM64_SHIFT & 1))
		gpu_flush_f16(v);
	if (packed)
		return;
	if (is_float(type) || (keeps && in->mod))
		signs32(v, is_half(type) ? 0x8000 : 0x80000000, in->abs >> i & 1, in->neg >> i & 1);
}

const void *gpu_fetch(const struct gpu_wave *w, const struct gpu_inst *in, unsigned i, unsigned block, uint32_t *buffer,
		      uint32_t *mask)
{
	bool old = i == 2 && in->op->flags & GPU_OPF_READS_DST;
	unsigned code = old ? in->dst : in->src[i], type = old ? in->op->dst : in->op->src[i];
	uint32_t exec = w->s[126 + block / 32];

	if (type == GPU_O_B128)
		return fetch128(w, in, i, block, buffer);
	if (gpu_opnd_dwords(type) == 2)
		return fetch64(w, in, i, block, buffer);
	if (code >= 256) {
		const uint32_t *from = w->vgpr + ((code - 256u) << w->lane_shift) + block;

		if (i == 0 && in->mod == GPU_MOD_DPP16)
			dpp16(in, from, buffer, exec, mask, block);
		else if (i == 0 && in->mod == GPU_MOD_DPP8)
			dpp8(in, from, buffer, exec);
		else
			memcpy(buffer, from, 128);
	} else {
		uint32_t value = scalar32(w, in, code, type);

		for (unsigned l = 0; l < 32; l++)
			buffer[l] = value;
	}
	if (old) {
		struct gpu_inst plain = *in;

		plain.mod = GPU_MOD_NONE;
		plain.neg = plain.abs = plain.opsel = 0;
		/* The high half of the destination holds the third source when the result goes there. */
		plain.opsel = in->opsel & 8 ? 4 : 0;
		modify32(w, &plain, 2, type, buffer);
	} else {
		modify32(w, in, i, type, buffer);
	}
	return buffer;
}

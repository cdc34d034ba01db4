/* SPDX-License-Identifier: MIT */
/*
 * isa.c - the gfx10.3 instruction set as one object, and scalar operands.
 *
 * Inline constants have the width of the operand that reads them: 1.0 is 0x3c00, 0x3f800000 or 0x3ff0000000000000
 * (RDNA2 ISA, "Scalar ALU operands", table of source codes).
 */
#include "gpu/isa/tables.h"
#include "gpu/isa/valu.h"

const struct gpu_isa gpu_isa_gfx10_3 = {
	.name = "gfx1030",
	.ops =
		{
#define ROW(enc, name) [enc] = gpu_gfx10_3_##name,
			GPU_GFX10_3_TABLES(ROW)
#undef ROW
		},
	.count =
		{
#define ROW(enc, name) [enc] = &gpu_gfx10_3_##name##_count,
			GPU_GFX10_3_TABLES(ROW)
#undef ROW
		},
};

unsigned gpu_isa_count(const struct gpu_isa *isa, unsigned enc)
{
	return enc < GPU_ENCS ? *isa->count[enc] : 0;
}

const struct gpu_op *gpu_isa_find(const struct gpu_isa *isa, unsigned enc, unsigned opcode)
{
	const struct gpu_op *ops = isa->ops[enc];
	unsigned low = 0, high = gpu_isa_count(isa, enc);

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (ops[middle].opcode == opcode)
			return &ops[middle];
		if (ops[middle].opcode < opcode)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static const uint32_t inline_f32[9] = {
	0x3f000000, 0xbf000000, 0x3f800000, 0xbf800000, 0x40000000, 0xc0000000, 0x40800000, 0xc0800000, 0x3e22f983,
};
static const uint16_t inline_f16[9] = {0x3800, 0xb800, 0x3c00, 0xbc00, 0x4000, 0xc000, 0x4400, 0xc400, 0x3118};
static const uint64_t inline_f64[9] = {
	0x3fe0000000000000, 0xbfe0000000000000, 0x3ff0000000000000, 0xbff0000000000000, 0x4000000000000000,
	0xc000000000000000, 0x4010000000000000, 0xc010000000000000, 0x3fc45f306dc9c882,
};

/* The codes that are neither SGPRs nor inline floats nor literals. */
static uint64_t src_special(const struct gpu_wave *w, unsigned code)
{
	if (code >= 128 && code <= 192)
		return code - 128;
	if (code >= 193 && code <= 208)
		return (uint64_t)(192 - (int64_t)code);
	switch (code) {
	case 235:
		return w->shared_aperture;
	case 236:
		return w->shared_aperture | 0xffffffff;
	case 237:
		return w->private_aperture;
	case 238:
		return w->private_aperture | 0xffffffff;
	case 251:
		return gpu_mask_get(w, 106) == 0;
	case 252:
		return gpu_wave_exec(w) == 0;
	case 253:
		return w->scc;
	default: /* 239, POPS exiting wave: graphics only */
		return 0;
	}
}

uint32_t gpu_src32(const struct gpu_wave *w, const struct gpu_inst *in, unsigned code)
{
	if (code < 128)
		return w->s[code];
	if (code == 255)
		return in->literal;
	if (code >= 240 && code <= 248)
		return inline_f32[code - 240];
	return (uint32_t)src_special(w, code);
}

uint32_t gpu_src16(const struct gpu_wave *w, const struct gpu_inst *in, unsigned code)
{
	if (code >= 240 && code <= 248)
		return inline_f16[code - 240];
	return gpu_src32(w, in, code);
}

/* A 32-bit literal in a 64-bit operand: the high half of a double, sign-extended for I64, else zero-extended. */
static uint64_t literal64(const struct gpu_inst *in)
{
	for (unsigned i = 0; i < 4; i++) {
		if (in->src[i] != 255)
			continue;
		if (in->op->src[i] == GPU_O_F64)
			return (uint64_t)in->literal << 32;
		if (in->op->src[i] == GPU_O_I64)
			return (uint64_t)(int64_t)(int32_t)in->literal;
	}
	return in->literal;
}

uint64_t gpu_src64(const struct gpu_wave *w, const struct gpu_inst *in, unsigned code)
{
	if (code == 125)
		return 0;
	if (code < 128)
		return w->s[code & 126] | (uint64_t)w->s[code | 1] << 32;
	if (code == 255)
		return literal64(in);
	if (code >= 240 && code <= 248)
		return inline_f64[code - 240];
	return src_special(w, code);
}

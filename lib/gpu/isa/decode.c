/* SPDX-License-Identifier: MIT */
/*
 * decode.c - dwords to struct gpu_inst: scalar and vector ALU. Field layouts are those of the RDNA2 ISA manual,
 * "Microcode formats".
 */
#include <string.h>

#include "gpu/isa/tables.h"
#include "gpu/isa/valu.h"

enum { SRC_DPP8 = 233, SRC_DPP8_FI = 234, SRC_SDWA = 249, SRC_DPP16 = 250, SRC_LITERAL = 255 };
enum { CODE_VCC = 106, CODE_EXEC = 126, CODE_VGPR = 256 };

static unsigned bits(uint32_t value, unsigned low, unsigned count)
{
	return value >> low & ((1u << count) - 1);
}

static int32_t sext16(uint32_t value)
{
	return (int16_t)value;
}

unsigned gpu_opnd_dwords(unsigned type)
{
	switch (type) {
	case GPU_O_NONE:
		return 0;
	case GPU_O_B64:
	case GPU_O_I64:
	case GPU_O_U64:
	case GPU_O_F64:
		return 2;
	case GPU_O_B96:
		return 3;
	case GPU_O_B128:
		return 4;
	case GPU_O_B256:
		return 8;
	case GPU_O_B512:
		return 16;
	default:
		return 1;
	}
}

/* Why a source code is none, or NULL. Codes of the modifier forms are dealt with before. */
static const char *check_source(unsigned code)
{
	if ((code >= 209 && code <= 234) || code == SRC_SDWA || code == SRC_DPP16)
		return "reserved source operand";
	if (code == 254)
		return "LDS direct reads are not part of compute";
	return NULL;
}

/* Takes the literal behind size_dw dwords, once. */
static const char *take_literal(struct gpu_inst *in, const uint32_t *dw, unsigned n, unsigned size_dw)
{
	if (in->size_dw > size_dw)
		return NULL;
	if (size_dw >= n)
		return "the literal lies outside the code";
	in->literal = dw[size_dw];
	in->size_dw = (uint8_t)(size_dw + 1);
	return NULL;
}

static const char *take_sources(struct gpu_inst *in, const uint32_t *dw, unsigned n, unsigned size_dw)
{
	for (unsigned i = 0; i < 4; i++) {
		const char *why;

		if (in->op->src[i] == GPU_O_NONE) {
			in->src[i] = 0;
			continue;
		}
		why = check_source(in->src[i]);
		if (!why && in->src[i] == SRC_LITERAL)
			why = take_literal(in, dw, n, size_dw);
		if (why)
			return why;
		if (gpu_opnd_dwords(in->op->src[i]) > 1 && in->src[i] < 128 && in->src[i] != 125)
			in->src[i] &= (uint16_t)~1u;
	}
	return NULL;
}

static void reach(struct gpu_inst *in, unsigned code, unsigned type)
{
	unsigned top = code - CODE_VGPR + gpu_opnd_dwords(type);

	if (code >= CODE_VGPR && type != GPU_O_NONE && top > in->vgprs)
		in->vgprs = (uint16_t)top;
}

static const char *check_vgprs(struct gpu_inst *in)
{
	reach(in, in->dst, in->op->dst);
	for (unsigned i = 0; i < 4; i++)
		reach(in, in->src[i], in->op->src[i]);
	return in->vgprs > 256 ? "a register tuple ends behind v255" : NULL;
}

static const char *scalar_dst(struct gpu_inst *in, unsigned code)
{
	in->dst = (uint16_t)code;
	if (gpu_opnd_dwords(in->op->dst) > 1 && code != 125)
		in->dst &= (uint16_t)~1u;
	return NULL;
}

static const char *decode_sop1(struct gpu_inst *in, const uint32_t *dw, unsigned n)
{
	scalar_dst(in, bits(dw[0], 16, 7));
	in->src[0] = (uint16_t)bits(dw[0], 0, 8);
	return take_sources(in, dw, n, 1);
}

static const char *decode_sop2(struct gpu_inst *in, const uint32_t *dw, unsigned n)
{
	scalar_dst(in, bits(dw[0], 16, 7));
	in->src[0] = (uint16_t)bits(dw[0], 0, 8);
	in->src[1] = (uint16_t)bits(dw[0], 8, 8);
	return take_sources(in, dw, n, 1);
}

static const char *decode_sopk(struct gpu_inst *in, const uint32_t *dw, unsigned n)
{
	scalar_dst(in, bits(dw[0], 16, 7));
	in->src[0] = in->dst;
	in->imm = sext16(dw[0]);
	return in->op->flags & GPU_OPF_LITERAL ? take_literal(in, dw, n, 1) : NULL;
}

/* The quad_perm, row and permutation codes that gfx10 knows (RDNA2 ISA, "DPP_CTRL enumeration"). */
static bool dpp_ctrl_known(unsigned ctrl)
{
	if (ctrl < 0x100)
		return true;
	if (ctrl == 0x100 || ctrl == 0x110 || ctrl == 0x120)
		return false;
	return ctrl < 0x130 || ctrl == 0x140 || ctrl == 0x141 || (ctrl >= 0x150 && ctrl < 0x170);
}

static const char *decode_dpp16(struct gpu_inst *in)
{
	uint32_t ctl = in->ctl;

	if (in->op->flags & GPU_OPF_NO_DPP)
		return "this opcode has no DPP form";
	if (!dpp_ctrl_known(bits(ctl, 8, 9)))
		return "reserved DPP control";
	in->mod = GPU_MOD_DPP16;
	in->src[0] = (uint16_t)(CODE_VGPR + bits(ctl, 0, 8));
	in->neg = (uint8_t)(bits(ctl, 20, 1) | bits(ctl, 22, 1) << 1);
	in->abs = (uint8_t)(bits(ctl, 21, 1) | bits(ctl, 23, 1) << 1);
	return NULL;
}

static const char *decode_dpp8(struct gpu_inst *in)
{
	if (in->op->flags & GPU_OPF_NO_DPP)
		return "this opcode has no DPP form";
	in->mod = GPU_MOD_DPP8;
	in->src[0] = (uint16_t)(CODE_VGPR + bits(in->ctl, 0, 8));
	return NULL;
}

static const char *decode_sdwa(struct gpu_inst *in)
{
	uint32_t ctl = in->ctl;

	if (in->op->flags & GPU_OPF_NO_SDWA)
		return "this opcode has no SDWA form";
	if (bits(ctl, 16, 3) == 7 || bits(ctl, 24, 3) == 7)
		return "reserved SDWA source select";
	in->mod = GPU_MOD_SDWA;
	in->src[0] = (uint16_t)(bits(ctl, 0, 8) + (bits(ctl, 23, 1) ? 0 : CODE_VGPR));
	if (in->op->src[1] != GPU_O_NONE && bits(ctl, 31, 1))
		in->src[1] = (uint16_t)(in->src[1] - CODE_VGPR);
	in->neg = (uint8_t)(bits(ctl, 20, 1) | bits(ctl, 28, 1) << 1);
	in->abs = (uint8_t)(bits(ctl, 21, 1) | bits(ctl, 29, 1) << 1);
	if (in->op->enc == GPU_VOPC) {
		if (bits(ctl, 15, 1) && in->op->flags & GPU_OPF_WRITES_VCC)
			in->sdst = (uint16_t)bits(ctl, 8, 7);
		return NULL;
	}
	if (bits(ctl, 8, 3) == 7 || bits(ctl, 11, 2) == 3)
		return "reserved SDWA destination select";
	in->clamp = bits(ctl, 13, 1);
	in->omod = (uint8_t)bits(ctl, 14, 2);
	return NULL;
}

/* The second dword of a VOP1, VOP2 or VOPC in DPP or SDWA form. */
static const char *decode_modifier(struct gpu_inst *in, const uint32_t *dw, unsigned n, unsigned code)
{
	if (n < 2)
		return "the modifier dword lies outside the code";
	in->ctl = dw[1];
	in->size_dw = 2;
	if (code == SRC_SDWA)
		return decode_sdwa(in);
	return code == SRC_DPP16 ? decode_dpp16(in) : decode_dpp8(in);
}

static const char *decode_vop12c(struct gpu_inst *in, const uint32_t *dw, unsigned n)
{
	unsigned code = bits(dw[0], 0, 9);
	bool modified = code == SRC_SDWA || code == SRC_DPP16 || code == SRC_DPP8 || code == SRC_DPP8_FI;
	const char *why;

	in->src[0] = (uint16_t)code;
	if (in->op->src[1] != GPU_O_NONE)
		in->src[1] = (uint16_t)(CODE_VGPR + bits(dw[0], 9, 8));
	if (in->op->src[2] == GPU_O_MASK || in->op->sdst == GPU_O_MASK)
		in->sdst = in->src[2] = CODE_VCC;
	if (in->op->enc == GPU_VOPC)
		in->sdst = in->op->flags & GPU_OPF_WRITES_VCC ? CODE_VCC : CODE_EXEC;
	if (modified && in->op->src[0] != GPU_O_NONE) {
		in->imm = code == SRC_DPP8_FI;
		why = decode_modifier(in, dw, n, code);
		if (why)
			return why;
	}
	if (in->op->flags & GPU_OPF_LITERAL) { /* v_fmamk: D = S0 * K + S1; v_fmaak: D = S0 * S1 + K */
		bool middle = in->op->data >> 16 & 1;

		in->src[2] = middle ? in->src[1] : SRC_LITERAL;
		in->src[1] = middle ? SRC_LITERAL : in->src[1];
	}
	return take_sources(in, dw, n, 1);
}

static const char *vop_dst(struct gpu_inst *in, unsigned field)
{
	if (in->op->flags & GPU_OPF_SCALAR_DST) {
		if (field >= 128)
			return "a scalar destination behind EXEC";
		in->dst = (uint16_t)field;
	} else {
		in->dst = (uint16_t)(CODE_VGPR + field);
	}
	return NULL;
}

static const char *decode_vop12(struct gpu_inst *in, const uint32_t *dw, unsigned n)
{
	const char *why = vop_dst(in, bits(dw[0], 17, 8));

	return why ? why : decode_vop12c(in, dw, n);
}

static const char *vop3_modifiers(struct gpu_inst *in, const uint32_t *dw)
{
	in->clamp = bits(dw[0], 15, 1);
	in->omod = (uint8_t)bits(dw[1], 27, 2);
	in->neg = (uint8_t)bits(dw[1], 29, 3);
	if (in->op->sdst == GPU_O_MASK && in->op->enc != GPU_VOPC) { /* VOP3B; compares are VOP3A, their mask is VDST */
		in->sdst = (uint16_t)bits(dw[0], 8, 7);
	} else {
		in->abs = (uint8_t)bits(dw[0], 8, 3);
		in->opsel = (uint8_t)bits(dw[0], 11, 4);
	}
	return NULL;
}

static const char *decode_vop3(struct gpu_inst *in, const uint32_t *dw, unsigned n)
{
	const char *why;

	in->src[0] = (uint16_t)bits(dw[1], 0, 9);
	in->src[1] = (uint16_t)bits(dw[1], 9, 9);
	in->src[2] = (uint16_t)bits(dw[1], 18, 9);
	vop3_modifiers(in, dw);
	if (in->op->enc == GPU_VOPC) {
		in->sdst = (uint16_t)bits(dw[0], 0, 8);
		if (in->sdst >= 128)
			return "a scalar destination behind EXEC";
		if (!(in->op->flags & GPU_OPF_WRITES_VCC))
			in->sdst = CODE_EXEC;
	} else {
		why = vop_dst(in, bits(dw[0], 0, 8));
		if (why)
			return why;
	}
	for (unsigned i = 0; i < 3; i++)
		if (in->op->src[i] == GPU_O_MASK && in->src[i] >= 128)
			return "a lane mask that is no SGPR";
	return take_sources(in, dw, n, 2);
}

static const char *decode_vop3p(struct gpu_inst *in, const uint32_t *dw, unsigned n)
{
	in->dst = (uint16_t)(CODE_VGPR + bits(dw[0], 0, 8));
	in->src[0] = (uint16_t)bits(dw[1], 0, 9);
	in->src[1] = (uint16_t)bits(dw[1], 9, 9);
	in->src[2] = (uint16_t)bits(dw[1], 18, 9);
	in->neg_hi = (uint8_t)bits(dw[0], 8, 3);
	in->opsel = (uint8_t)bits(dw[0], 11, 3);
	in->opsel_hi = (uint8_t)(bits(dw[1], 27, 2) | bits(dw[0], 14, 1) << 2);
	in->clamp = bits(dw[0], 15, 1);
	in->neg = (uint8_t)bits(dw[1], 29, 3);
	return take_sources(in, dw, n, 2);
}

typedef const char *(*decode_fn)(struct gpu_inst *in, const uint32_t *dw, unsigned n);

/* Which encoding a first dword belongs to, and the opcode in it. -1: memory, exports and what is not known. */
static int classify(uint32_t d, unsigned *opcode_out)
{
	if (!(d >> 31)) {
		unsigned op = bits(d, 25, 6);

		*opcode_out = op == 62 ? bits(d, 17, 8) : op == 63 ? bits(d, 9, 8) : op;
		return op == 62 ? GPU_VOPC : op == 63 ? GPU_VOP1 : GPU_VOP2;
	}
	if (d >> 30 == 2) {
		static const uint8_t special[3] = {GPU_SOP1, GPU_SOPC, GPU_SOPP};
		unsigned op = bits(d, 23, 7);

		if (op >= 125) {
			*opcode_out = op == 125 ? bits(d, 8, 8) : bits(d, 16, 7);
			return special[op - 125];
		}
		*opcode_out = op >= 96 ? op - 96 : op;
		return op >= 96 ? GPU_SOPK : GPU_SOP2;
	}
	if (d >> 26 == 0x35) {
		*opcode_out = bits(d, 16, 10);
		return GPU_VOP3;
	}
	if (d >> 26 == 0x33 && !bits(d, 23, 3)) {
		*opcode_out = bits(d, 16, 7);
		return GPU_VOP3P;
	}
	return -1;
}

/* VOP3 holds the opcodes of VOPC at 0, of VOP2 at 0x100 and of VOP1 at 0x180. */
static const struct gpu_op *find_vop3(const struct gpu_isa *isa, unsigned opcode)
{
	const struct gpu_op *op;

	if (opcode < 0x100)
		op = gpu_isa_find(isa, GPU_VOPC, opcode);
	else if (opcode < 0x140)
		op = gpu_isa_find(isa, GPU_VOP2, opcode - 0x100);
	else if (opcode >= 0x180 && opcode < 0x200)
		op = gpu_isa_find(isa, GPU_VOP1, opcode - 0x180);
	else
		op = gpu_isa_find(isa, GPU_VOP3, opcode);
	return op && op->flags & GPU_OPF_NO_VOP3 ? NULL : op;
}

static const char *decode_alu(const struct gpu_isa *isa, int enc, unsigned opcode, const uint32_t *dw, unsigned n,
			      struct gpu_inst *in)
{
	static const decode_fn decoders[GPU_ENCS] = {
		[GPU_SOP1] = decode_sop1,   [GPU_SOP2] = decode_sop2,   [GPU_SOPC] = decode_sop2,
		[GPU_SOPK] = decode_sopk,   [GPU_SOPP] = decode_sopk,   [GPU_VOP1] = decode_vop12,
		[GPU_VOP2] = decode_vop12,  [GPU_VOPC] = decode_vop12c, [GPU_VOP3] = decode_vop3,
		[GPU_VOP3P] = decode_vop3p,
	};
	const char *why;

	in->enc = (uint8_t)enc;
	in->size_dw = enc == GPU_VOP3 || enc == GPU_VOP3P ? 2 : 1;
	in->op = enc == GPU_VOP3 ? find_vop3(isa, opcode) : gpu_isa_find(isa, (unsigned)enc, opcode);
	if (!in->op)
		return "reserved opcode";
	if (n < in->size_dw)
		return "the instruction ends behind the code";
	in->exec = in->op->exec;
	if (!in->exec)
		return NULL;
	why = decoders[enc](in, dw, n);
	if (!why)
		why = check_vgprs(in);
	if (!why && enc >= GPU_VOP1)
		gpu_valu_specialise(in);
	return why;
}

unsigned gpu_isa_decode(const struct gpu_isa *isa, const uint32_t *dw, unsigned n, struct gpu_inst *in_out,
			const char **why_out)
{
	struct gpu_inst in;
	const char *why;
	unsigned opcode;
	int enc = classify(dw[0], &opcode);

	memset(&in, 0, sizeof(in));
	in.raw[0] = dw[0];
	in.raw[1] = n > 1 ? dw[1] : 0;
	if (enc < 0) {
		unsigned size = gpu_decode_memory(isa, dw, n, &in, why_out);

		if (size)
			*in_out = in;
		return size;
	}
	why = decode_alu(isa, enc, opcode, dw, n, &in);
	if (why) {
		*why_out = why;
		return 0;
	}
	*in_out = in;
	return in.size_dw;
}

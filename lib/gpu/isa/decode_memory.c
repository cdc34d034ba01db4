/* SPDX-License-Identifier: MIT */
/*
 * decode_memory.c - the encodings that reach memory: SMEM, DS, FLAT, MUBUF, MTBUF; and those that the model refuses by
 * name: MIMG, EXP, VINTRP. Sources: src[0] address, src[1] data, src[2] saddr or srsrc, src[3] soffset or data1.
 */
#include "gpu/isa/tables.h"
#include "gpu/isa/valu.h"

static unsigned bits(uint32_t value, unsigned low, unsigned count)
{
	return value >> low & ((1u << count) - 1);
}

static int32_t sext(uint32_t value, unsigned count)
{
	return (int32_t)(value << (32 - count)) >> (32 - count);
}

static uint16_t vgpr(uint32_t d, unsigned low)
{
	return (uint16_t)(256 + bits(d, low, 8));
}

static const char *check_soffset(struct gpu_inst *in, unsigned code)
{
	in->src[3] = (uint16_t)code;
	if ((code >= 209 && code < 240) || code >= 249)
		return "reserved scalar offset";
	return NULL;
}

static const char *smem(struct gpu_inst *in, const uint32_t *dw)
{
	in->src[0] = in->src[2] = (uint16_t)(bits(dw[0], 0, 6) * 2);
	in->dst = in->src[1] = (uint16_t)bits(dw[0], 6, 7);
	in->dlc = bits(dw[0], 14, 1);
	in->glc = bits(dw[0], 16, 1);
	in->imm = sext(dw[1], 21);
	in->src[3] = (uint16_t)bits(dw[1], 25, 7);
	return NULL;
}

static const char *ds(struct gpu_inst *in, const uint32_t *dw)
{
	in->imm = (int32_t)bits(dw[0], 0, 8);
	in->offset1 = (uint16_t)bits(dw[0], 8, 8);
	in->gds = bits(dw[0], 17, 1);
	in->src[0] = vgpr(dw[1], 0);
	in->src[1] = vgpr(dw[1], 8);
	in->src[3] = vgpr(dw[1], 16);
	in->dst = vgpr(dw[1], 24);
	return NULL;
}

static const char *flat(struct gpu_inst *in, const uint32_t *dw)
{
	/* The flat segment's offset is 11 bits, unsigned; the others' is 12 bits, signed. */
	in->imm = in->enc == GPU_FLAT ? (int32_t)bits(dw[0], 0, 11) : sext(dw[0], 12);
	in->dlc = bits(dw[0], 12, 1);
	in->lds = bits(dw[0], 13, 1);
	in->glc = bits(dw[0], 16, 1);
	in->slc = bits(dw[0], 17, 1);
	in->src[0] = vgpr(dw[1], 0);
	in->src[1] = vgpr(dw[1], 8);
	in->src[2] = (uint16_t)bits(dw[1], 16, 7);
	in->dst = vgpr(dw[1], 24);
	return NULL;
}

static const char *buffer(struct gpu_inst *in, const uint32_t *dw)
{
	in->imm = (int32_t)bits(dw[0], 0, 12);
	in->offen = bits(dw[0], 12, 1);
	in->idxen = bits(dw[0], 13, 1);
	in->glc = bits(dw[0], 14, 1);
	in->dlc = bits(dw[0], 15, 1);
	in->lds = in->enc == GPU_MUBUF && bits(dw[0], 16, 1);
	in->offset1 = in->enc == GPU_MTBUF ? (uint16_t)bits(dw[0], 19, 7) : 0;
	in->src[0] = vgpr(dw[1], 0);
	in->src[1] = in->dst = vgpr(dw[1], 8);
	in->src[2] = (uint16_t)(bits(dw[1], 16, 5) * 4);
	in->slc = bits(dw[1], 22, 1);
	in->tfe = bits(dw[1], 23, 1);
	return check_soffset(in, bits(dw[1], 24, 8));
}

/* Encoding, opcode and size; -1 when it is none of these. */
static int classify(uint32_t d0, uint32_t d1, unsigned *opcode_out, unsigned *size_out)
{
	static const int16_t segments[4] = {GPU_FLAT, GPU_SCRATCH, GPU_GLOBAL, -1};

	*size_out = 2;
	*opcode_out = bits(d0, 18, 8);
	switch (d0 >> 26) {
	case 0x3d:
		return GPU_SMEM;
	case 0x36:
		return GPU_DS;
	case 0x37:
		*opcode_out = bits(d0, 18, 7);
		return bits(d0, 25, 1) ? -1 : segments[bits(d0, 14, 2)];
	case 0x38:
		return GPU_MUBUF;
	case 0x3a:
		*opcode_out = bits(d0, 16, 3) | bits(d1, 21, 1) << 3;
		return GPU_MTBUF;
	case 0x3c:
		*opcode_out = bits(d0, 18, 7) | bits(d0, 0, 1) << 7;
		*size_out = 2 + bits(d0, 1, 2);
		return GPU_MIMG;
	case 0x3e:
		*opcode_out = 0;
		return GPU_EXP;
	case 0x32:
		*opcode_out = bits(d0, 16, 2);
		*size_out = 1;
		return GPU_VINTRP;
	default:
		return -1;
	}
}

/* How far a VGPR operand reaches; what the row leaves open (GPU_O_NONE) is not a register of this instruction. */
static void reach(struct gpu_inst *in, unsigned code, unsigned type, unsigned extra)
{
	unsigned top = code - 256 + gpu_opnd_dwords(type) + extra;

	if (code >= 256 && type != GPU_O_NONE && top > in->vgprs)
		in->vgprs = (uint16_t)top;
}

/* The address of FLAT, GLOBAL and SCRATCH: one VGPR beside an SGPR base, two without; in SCRATCH it is one or the
 * other. */
static unsigned flat_address(const struct gpu_inst *in)
{
	enum { NO_SADDR = 125, NO_ADDR = 127 };

	if (in->enc == GPU_SCRATCH)
		return in->src[2] == NO_SADDR ? GPU_O_B32 : GPU_O_NONE;
	if (in->enc == GPU_GLOBAL && in->src[2] != NO_SADDR && in->src[2] != NO_ADDR)
		return GPU_O_B32;
	return in->op->src[0];
}

/* Whether the destination field names a register that is written: not by atomics that return nothing, not by loads to
 * LDS. */
static bool writes_dst(const struct gpu_inst *in)
{
	return !(in->lds || (in->op->flags & GPU_OPF_ATOMIC && in->enc != GPU_DS && !in->glc));
}

static const char *check_vgprs(struct gpu_inst *in)
{
	bool buffered = in->enc == GPU_MUBUF || in->enc == GPU_MTBUF;
	bool flat = in->enc == GPU_FLAT || in->enc == GPU_GLOBAL || in->enc == GPU_SCRATCH;

	if (writes_dst(in))
		reach(in, in->dst, in->op->dst, in->tfe);
	for (unsigned i = buffered || flat ? 1 : 0; i < 4; i++)
		reach(in, in->src[i], in->op->src[i], 0);
	if (flat)
		reach(in, in->src[0], flat_address(in), 0);
	if (buffered && (in->offen || in->idxen))
		reach(in, in->src[0], GPU_O_B32, in->offen && in->idxen);
	return in->vgprs > 256 ? "a register tuple ends behind v255" : NULL;
}

static const char *decode(const struct gpu_isa *isa, const uint32_t *dw, unsigned n, struct gpu_inst *in)
{
	unsigned opcode, size;
	int enc = classify(dw[0], n > 1 ? dw[1] : 0, &opcode, &size);
	const char *why;

	if (enc < 0)
		return "reserved encoding";
	if (size > n)
		return "the instruction ends behind the code";
	in->enc = (uint8_t)enc;
	in->size_dw = (uint8_t)size;
	in->op = gpu_isa_find(isa, (unsigned)enc, opcode);
	if (!in->op)
		return "reserved opcode";
	in->exec = in->op->exec;
	if (!in->exec)
		return NULL;
	if (enc == GPU_SMEM)
		why = smem(in, dw);
	else if (enc == GPU_DS)
		why = ds(in, dw);
	else if (enc == GPU_MUBUF || enc == GPU_MTBUF)
		why = buffer(in, dw);
	else
		why = flat(in, dw);
	return why ? why : check_vgprs(in);
}

unsigned gpu_decode_memory(const struct gpu_isa *isa, const uint32_t *dw, unsigned n, struct gpu_inst *in,
			   const char **why_out)
{
	const char *why = decode(isa, dw, n, in);

	if (!why)
		return in->size_dw;
	*why_out = why;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * strict_inst.c - rules of single instructions and of their neighbourhood.
 *
 * gfx10.3 has none of gfx10.1's read and write hazards between the units (LLVM's feature lists: FeatureISAVersion10_3_0
 * against 10_1_Common), and its manual says that s_nop is never needed for data dependencies. What is left, and
 * checked:
 *   - s_denorm_mode within three wait states of a floating-point atomic on memory, unless a vector ALU instruction or a
 *     wait lies between (LLVM, checkFPAtomicToDenormModeHazard: every GFX10);
 *   - an s_clause whose instructions are not of one kind (RDNA2 ISA, S_CLAUSE);
 *   - more scalar values than a vector ALU instruction can be given: two, one for 64-bit shifts (RDNA2 ISA, "VALU
 *     operands");
 *   - scalar tuples that do not begin where their width demands, and bits that the encodings reserve (RDNA2 ISA,
 *     "Microcode formats").
 */
#include "strict_state.h"

#include <string.h>

enum {
	OP_S_NOP = 0x00,
	OP_S_CLAUSE = 0x21,
	OP_S_WAITCNT = 0x0c,
	OP_S_WAIT_IDLE = 0x22,
	OP_S_DENORM_MODE = 0x25,
	OP_S_WAITCNT_VSCNT = 0x17,
	OP_S_WAITCNT_LGKMCNT = 0x1a,
	CODE_SGPR_END = 106,
	CODE_NULL = 125,
	CODE_SCALAR_END = 128,
	CODE_APERTURES = 235,
	CODE_APERTURES_END = 240,
	CODE_VCCZ = 251,
	CODE_SCC = 253,
	CODE_LITERAL = 255,
	CODE_VGPR = 256,
	DENORM_WAIT_STATES = 3,
};

enum clause_kind { CLAUSE_OPEN, CLAUSE_SCALAR, CLAUSE_VECTOR, CLAUSE_LDS, CLAUSE_VALU, CLAUSE_NONE };

static bool is_valu(const struct gpu_inst *in)
{
	return in->enc == GPU_VOP1 || in->enc == GPU_VOP2 || in->enc == GPU_VOPC || in->enc == GPU_VOP3 ||
	       in->enc == GPU_VOP3P;
}

static bool is_sopp(const struct gpu_inst *in, unsigned opcode)
{
	return in->enc == GPU_SOPP && in->op->opcode == opcode;
}

static bool is_wait(const struct gpu_inst *in)
{
	return is_sopp(in, OP_S_WAITCNT) || is_sopp(in, OP_S_WAIT_IDLE) ||
	       (in->enc == GPU_SOPK && in->op->opcode >= OP_S_WAITCNT_VSCNT && in->op->opcode <= OP_S_WAITCNT_LGKMCNT);
}

static bool is_fp_atomic(const struct gpu_inst *in)
{
	return (in->op->flags & GPU_OPF_ATOMIC) && in->enc != GPU_DS && strstr(in->op->name, "atomic_f");
}

static void denorm_rule(struct gpu_wave *w, const struct gpu_inst *in)
{
	struct gpu_strict_wave *state = w->strict;

	if (is_sopp(in, OP_S_DENORM_MODE) && state->since_fp_atomic && state->since_fp_atomic <= DENORM_WAIT_STATES)
		gpu_strict_wave_finding(
			w, GPU_FINDING_HAZARD, 0, state->pc,
			"s_denorm_mode %u wait states behind a floating-point atomic: %u are needed, or a wait",
			state->since_fp_atomic - 1, DENORM_WAIT_STATES);
	if (is_fp_atomic(in))
		state->since_fp_atomic = 1;
	else if (is_valu(in) || is_wait(in))
		state->since_fp_atomic = 0;
	else if (state->since_fp_atomic)
		state->since_fp_atomic += is_sopp(in, OP_S_NOP) ? ((uint32_t)in->imm & 0xf) + 1 : 1;
}

static enum clause_kind clause_kind(const struct gpu_inst *in)
{
	if (is_valu(in))
		return CLAUSE_VALU;
	switch (in->enc) {
	case GPU_SMEM:
		return CLAUSE_SCALAR;
	case GPU_DS:
		return CLAUSE_LDS;
	case GPU_FLAT:
	case GPU_GLOBAL:
	case GPU_SCRATCH:
	case GPU_MUBUF:
	case GPU_MTBUF:
		return CLAUSE_VECTOR;
	default:
		return CLAUSE_NONE;
	}
}

static void clause_rule(struct gpu_wave *w, const struct gpu_inst *in)
{
	struct gpu_strict_wave *state = w->strict;
	enum clause_kind kind;

	if (state->clause_left && !is_sopp(in, OP_S_NOP)) {
		kind = clause_kind(in);
		state->clause_left--;
		if (kind == CLAUSE_NONE || (state->clause_kind != CLAUSE_OPEN && state->clause_kind != kind)) {
			state->clause_left = 0;
			gpu_strict_wave_finding(w, GPU_FINDING_HAZARD, 0, state->pc,
						"%s inside a clause (s_clause) of another kind", in->op->name);
		}
		state->clause_kind = kind;
	} else if (state->clause_left) {
		state->clause_left--;
	}
	if (is_sopp(in, OP_S_CLAUSE)) {
		state->clause_left = ((uint32_t)in->imm & 0x3f) + 1;
		state->clause_kind = CLAUSE_OPEN;
	}
}

/* Source codes that take a place on the way from the scalar registers to the vector ALU. */
static bool takes_bus(unsigned code)
{
	return (code < CODE_SCALAR_END && code != CODE_NULL) || (code >= CODE_APERTURES && code < CODE_APERTURES_END) ||
	       (code >= CODE_VCCZ && code <= CODE_SCC) || code == CODE_LITERAL;
}

static void bus_rule(struct gpu_wave *w, const struct gpu_inst *in)
{
	const unsigned limit = strstr(in->op->name, "rev_b64") || strstr(in->op->name, "rev_i64") ? 1 : 2;
	unsigned n = 0;

	if (!is_valu(in))
		return;
	for (unsigned i = 0; i < 3; i++) {
		bool again = in->op->src[i] == GPU_O_NONE || !takes_bus(in->src[i]);

		for (unsigned k = 0; k < i && !again; k++)
			again = in->op->src[k] != GPU_O_NONE && in->src[k] < CODE_VGPR && in->src[i] < CODE_VGPR &&
				(in->src[k] == in->src[i] || (in->src[k] ^ in->src[i]) == 1);
		n += !again;
	}
	if (n > limit)
		gpu_strict_wave_finding(w, GPU_FINDING_RESERVED, 0, w->strict->pc,
					"%s reads %u scalar values; it can be given %u", in->op->name, n, limit);
}

static void tuple_check(struct gpu_wave *w, const struct gpu_inst *in, unsigned code, unsigned dwords)
{
	const unsigned mask = dwords > 2 ? 3 : dwords - 1;

	if (dwords && code < CODE_SGPR_END && (code & mask))
		gpu_strict_wave_finding(w, GPU_FINDING_RESERVED, 0, w->strict->pc,
					"%s: s%u is no place for %u dwords to begin", in->op->name, code, dwords);
}

/* Tuples as they are encoded: the decoder has already done what the hardware does, it ignores the low bits. */
static void tuple_rule(struct gpu_wave *w, const struct gpu_inst *in)
{
	const unsigned dst = strict_dwords(w, in->op->dst), sdst = strict_dwords(w, in->op->sdst);
	const uint32_t a = in->raw[0], b = in->raw[1];
	unsigned src[3];

	for (unsigned i = 0; i < 3; i++)
		src[i] = strict_dwords(w, in->op->src[i]);
	switch (in->enc) {
	case GPU_SOP1:
	case GPU_SOP2:
	case GPU_SOPC:
		if (in->enc != GPU_SOPC)
			tuple_check(w, in, a >> 16 & 0x7f, dst);
		tuple_check(w, in, a & 0xff, src[0]);
		if (in->enc != GPU_SOP1)
			tuple_check(w, in, a >> 8 & 0xff, src[1]);
		return;
	case GPU_SMEM:
		tuple_check(w, in, in->dst, dst);
		tuple_check(w, in, in->src[0], src[0]);
		return;
	case GPU_GLOBAL:
		tuple_check(w, in, in->src[2], 2);
		return;
	case GPU_VOP1:
	case GPU_VOP2:
	case GPU_VOPC:
		if (in->mod == GPU_MOD_NONE)
			tuple_check(w, in, a & 0x1ff, src[0]);
		return;
	case GPU_VOP3:
		for (unsigned i = 0; i < 3; i++)
			tuple_check(w, in, b >> (9 * i) & 0x1ff, src[i]);
		tuple_check(w, in, in->op->enc == GPU_VOPC ? a & 0xff : a >> 8 & 0x7f, sdst);
		return;
	default:
		return;
	}
}

static void reserved_rule(struct gpu_wave *w, const struct gpu_inst *in)
{
	static const uint32_t reserved[GPU_ENCS][2] = {
		[GPU_SMEM] = {0x0002a000, 0x01e00000},  [GPU_DS] = {0x00010000, 0},
		[GPU_MUBUF] = {0x00020000, 0x00200000}, [GPU_FLAT] = {0x00000800, 0x00800000},
		[GPU_GLOBAL] = {0, 0x00800000},         [GPU_SCRATCH] = {0, 0x00800000},
	};
	const uint32_t modifier = in->mod == GPU_MOD_SDWA ? 0x40400000 : in->mod == GPU_MOD_DPP16 ? 0x00020000 : 0;
	const uint32_t set[2] = {in->raw[0] & reserved[in->enc][0],
				 (in->raw[1] & reserved[in->enc][1]) | (in->ctl & modifier)};

	if (set[0] | set[1])
		gpu_strict_wave_finding(w, GPU_FINDING_RESERVED, 0, w->strict->pc,
					"%s: reserved bits 0x%08x 0x%08x are set", in->op->name, set[0], set[1]);
}

void strict_inst_before(struct gpu_wave *w, const struct gpu_inst *in)
{
	denorm_rule(w, in);
	clause_rule(w, in);
	bus_rule(w, in);
	tuple_rule(w, in);
	reserved_rule(w, in);
}

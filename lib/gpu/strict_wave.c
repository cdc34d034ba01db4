/* SPDX-License-Identifier: MIT */
/*
 * strict_wave.c - registers of a wave: read or overwritten before the s_waitcnt that makes them valid, read with
 * nothing written.
 *
 * A register is taken for uninitialised when none of the lanes that read it has ever been written: compilers do read
 * registers of which parts are undefined. The hardware sets user data, what COMPUTE_PGM_RSRC2 asks for, the thread ids
 * and EXEC; VCC and M0 hold what an earlier wave left.
 */
#include "strict_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CODE_VGPR = 256,
	CODE_TTMP = 108,
	CODE_VCC = 106,
	CODE_M0 = 124,
	CODE_NULL = 125,
	CODE_EXEC = 126,
};

int gpu_strict_group_reserve(struct gpu_group_ctx *ctx)
{
	const size_t states = ctx->d->waves_per_group * sizeof(struct gpu_strict_wave);
	const size_t shadow = (size_t)(ctx->d->lds_size_B + 3) / 4 * sizeof(struct gpu_strict_lds_word);
	void *block;

	if (states > ctx->strict_capacity) {
		block = realloc(ctx->strict, states);
		if (!block)
			return -ENOMEM;
		ctx->strict = block;
		ctx->strict_capacity = states;
	}
	if (shadow > ctx->shadow_capacity) {
		block = realloc(ctx->lds_shadow, shadow);
		if (!block)
			return -ENOMEM;
		ctx->lds_shadow = block;
		ctx->shadow_capacity = shadow;
	}
	return 0;
}

static void sgpr_set(struct gpu_strict_wave *state, unsigned code)
{
	state->sgpr_set[code / 64] |= 1ull << (code % 64);
}

void gpu_strict_group_start(struct gpu_group_ctx *ctx)
{
	const struct gpu_dispatch *d = ctx->d;
	const unsigned set = d->user_count + d->tgid[0] + d->tgid[1] + d->tgid[2] + d->tg_size + d->scratch;

	if (d->lds_size_B) {
		memset(ctx->lds_shadow, 0, (size_t)(d->lds_size_B + 3) / 4 * sizeof(struct gpu_strict_lds_word));
		ctx->group.lds_shadow = ctx->lds_shadow;
	}
	for (unsigned i = 0; i < ctx->group.wave_count; i++) {
		struct gpu_strict_wave *state = &ctx->strict[i];

		memset(state, 0, sizeof(*state));
		state->d = ctx->d;
		for (unsigned code = 0; code < set; code++)
			sgpr_set(state, code);
		for (unsigned code = CODE_TTMP; code < STRICT_SGPRS; code++)
			if (code != CODE_M0)
				sgpr_set(state, code);
		for (unsigned v = 0; v < d->tid_components; v++)
			state->vgpr_set[v] = ~0ull;
		ctx->waves[i].strict = state;
	}
}

unsigned strict_dwords(const struct gpu_wave *w, unsigned operand_kind)
{
	switch (operand_kind) {
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
	case GPU_O_MASK:
		return w->lanes / 32;
	default:
		return 1;
	}
}

int strict_reg(unsigned code)
{
	if (code >= CODE_VGPR)
		return (int)(STRICT_SGPRS + (code - CODE_VGPR));
	return code < STRICT_SGPRS && code != CODE_NULL ? (int)code : -1;
}

static char reg_letter(int reg)
{
	return reg < STRICT_SGPRS ? 's' : 'v';
}

static unsigned reg_number(int reg)
{
	return (unsigned)(reg < STRICT_SGPRS ? reg : reg - STRICT_SGPRS);
}

static const char *reg_name(int reg, char name[8])
{
	if (reg == CODE_VCC || reg == CODE_VCC + 1)
		return reg == CODE_VCC ? "vcc_lo" : "vcc_hi";
	if (reg == CODE_M0)
		return "m0";
	snprintf(name, 8, "%c%u", reg_letter(reg), reg_number(reg));
	return name;
}

static void pending_check(struct gpu_wave *w, int reg, uint64_t lanes, unsigned except, const char *verb,
			  const struct gpu_inst *in)
{
	const unsigned pending = strict_flight_pending(w->strict, reg, lanes, except);

	if (pending)
		gpu_strict_wave_finding(w, GPU_FINDING_WAITCNT, 0, w->strict->pc,
					"%s %s %s before the s_waitcnt %s of the load into it", in->op->name, verb,
					reg_name(reg, (char[8]){0}), pending & PENDING_VM ? "vmcnt" : "lgkmcnt");
}

/* Lanes of its vector sources that an instruction looks at. */
static uint64_t lanes_read(const struct gpu_wave *w, const struct gpu_inst *in)
{
	const uint64_t exec = w->strict->exec;

	if (!(in->op->flags & GPU_OPF_EXEC_ALL))
		return exec;
	if (in->op->src[1] != GPU_O_NONE) /* v_readlane */
		return 1ull << (gpu_src32(w, in, in->src[1]) & (w->lanes - 1));
	return exec ? exec & -exec : 1; /* v_readfirstlane */
}

/* Lanes of a vector result that it writes. */
static uint64_t lanes_written(const struct gpu_wave *w, const struct gpu_inst *in)
{
	return in->op->flags & GPU_OPF_EXEC_ALL ? lanes_read(w, in) : w->strict->exec;
}

static bool reg_unset(const struct gpu_wave *w, int reg, uint64_t lanes)
{
	const struct gpu_strict_wave *state = w->strict;

	if (reg < STRICT_SGPRS)
		return !(state->sgpr_set[reg / 64] >> (reg % 64) & 1);
	return lanes && !(state->vgpr_set[reg - STRICT_SGPRS] & lanes);
}

static void read_check(struct gpu_wave *w, const struct gpu_inst *in, unsigned code, unsigned dwords)
{
	const uint64_t lanes = code >= CODE_VGPR && dwords ? lanes_read(w, in) : 0;

	for (unsigned i = 0; i < dwords; i++) {
		const int reg = strict_reg(code + i);

		if (reg < 0 || reg >= STRICT_REGS)
			return;
		pending_check(w, reg, lanes, 0, "reads", in);
		if (reg_unset(w, reg, lanes))
			gpu_strict_wave_finding(w, GPU_FINDING_UNINIT_REG, 0, w->strict->pc,
						"%s reads %s, which nothing has written", in->op->name,
						reg_name(reg, (char[8]){0}));
	}
}

bool strict_is_memory(const struct gpu_inst *in)
{
	return in->enc == GPU_SMEM || in->enc == GPU_DS || in->enc == GPU_FLAT || in->enc == GPU_GLOBAL ||
	       in->enc == GPU_SCRATCH || in->enc == GPU_MUBUF || in->enc == GPU_MTBUF;
}

/* Dwords that source i really reads; the tables give the widest form of addresses. */
static unsigned source_dwords(const struct gpu_wave *w, const struct gpu_inst *in, unsigned i)
{
	const unsigned dwords = strict_dwords(w, in->op->src[i]);
	const bool saddr = in->src[2] != CODE_NULL && in->src[2] < CODE_EXEC;

	switch (in->enc) {
	case GPU_MUBUF:
	case GPU_MTBUF:
		return i == 0 ? (unsigned)in->offen + (unsigned)in->idxen : dwords;
	case GPU_GLOBAL:
		return i == 0 ? (saddr ? 1 : 2) : i == 2 ? (saddr ? 2 : 0) : dwords;
	case GPU_SCRATCH:
		return i == 0 ? (saddr ? 0 : dwords != 0) : i == 2 ? saddr : dwords;
	default:
		return dwords;
	}
}

/* Registers numbered by M0 or relative addressing are out of the tables' sight: all count as written from then on. */
static bool relative(const struct gpu_inst *in)
{
	return strstr(in->op->name, "movrel") || strstr(in->op->name, "swaprel");
}

static bool accumulates(const struct gpu_inst *in)
{
	return (in->op->flags & GPU_OPF_READS_DST) &&
	       (!strncmp(in->op->name, "v_fmac_f32", 10) || !strncmp(in->op->name, "v_mac_f32", 9) ||
		!strncmp(in->op->name, "v_dot", 5));
}

/* v_xor_b32 v0, v0, v0 and the like make a value out of nothing. */
static bool same_sources(const struct gpu_inst *in)
{
	return in->src[0] == in->src[1] && (strstr(in->op->name, "_xor_b") || strstr(in->op->name, "_sub_"));
}

bool strict_has_result(const struct gpu_inst *in)
{
	if (in->op->dst == GPU_O_NONE || in->lds)
		return false;
	if ((in->op->flags & GPU_OPF_ATOMIC) && in->enc != GPU_DS)
		return in->glc;
	return !(in->op->flags & GPU_OPF_STORE);
}

/* Registers that an instruction reads without naming them. */
static void implicit_check(struct gpu_wave *w, const struct gpu_inst *in)
{
	const char *name = in->op->name;

	if ((in->op->flags & GPU_OPF_READS_VCC) && in->op->src[2] != GPU_O_MASK)
		read_check(w, in, CODE_VCC, w->lanes / 32);
	if (relative(in) || in->lds || strstr(name, "addtid") || !strncmp(name, "ds_append", 9) ||
	    !strncmp(name, "ds_consume", 10))
		read_check(w, in, CODE_M0, 1);
}

static void result_check(struct gpu_wave *w, const struct gpu_inst *in)
{
	/* Results of one kind of vector memory instruction, and those of LDS, arrive in order. */
	const unsigned kind = strict_is_memory(in) ? strict_flight_kind(in) & ~(unsigned)PENDING_SMEM : 0;
	const uint64_t lanes = lanes_written(w, in);

	for (unsigned i = 0; i < strict_dwords(w, in->op->dst); i++) {
		const int reg = strict_reg(in->dst + i);

		if (reg >= 0 && reg < STRICT_REGS)
			pending_check(w, reg, lanes, kind, "overwrites", in);
	}
}

void gpu_strict_before(struct gpu_wave *w, const struct gpu_inst *in, uint64_t pc)
{
	struct gpu_strict_wave *state = w->strict;

	state->pc = pc;
	state->exec = gpu_wave_exec(w);
	if (!in->op)
		return;
	strict_inst_before(w, in);
	implicit_check(w, in);
	if (relative(in))
		return;
	if (!same_sources(in))
		for (unsigned i = 0; i < 4; i++)
			read_check(w, in, in->src[i], source_dwords(w, in, i));
	if (accumulates(in))
		read_check(w, in, in->dst, strict_dwords(w, in->op->dst));
	if (strict_has_result(in))
		result_check(w, in);
	for (unsigned i = 0; i < strict_dwords(w, in->op->sdst); i++)
		if (strict_reg(in->sdst + i) >= 0)
			pending_check(w, strict_reg(in->sdst + i), 0, 0, "overwrites", in);
}

static void written(struct gpu_wave *w, const struct gpu_inst *in, unsigned code, unsigned dwords)
{
	struct gpu_strict_wave *state = w->strict;
	const uint64_t lanes = code >= CODE_VGPR ? lanes_written(w, in) : 0;

	for (unsigned i = 0; i < dwords; i++) {
		const int reg = strict_reg(code + i);

		if (reg < 0 || reg >= STRICT_REGS)
			return;
		if (reg < STRICT_SGPRS)
			sgpr_set(state, (unsigned)reg);
		else if ((uint32_t)reg - STRICT_SGPRS < w->shared_first)
			state->vgpr_set[reg - STRICT_SGPRS] |= lanes;
		else /* one word for both halves */
			state->vgpr_set[reg - STRICT_SGPRS] |= lanes | lanes >> 32 | lanes << 32;
	}
}

void gpu_strict_after(struct gpu_wave *w, const struct gpu_inst *in, uint64_t pc)
{
	struct gpu_strict_wave *state = w->strict;
	const unsigned dwords = in->op && strict_has_result(in) ? strict_dwords(w, in->op->dst) : 0;

	(void)pc;
	if (!in->op)
		return;
	strict_flight_wait(state, in);
	if (relative(in)) {
		memset(state->vgpr_set, 0xff, sizeof(state->vgpr_set));
		memset(state->sgpr_set, 0xff, sizeof(state->sgpr_set));
	}
	if (strict_is_memory(in))
		strict_flight_issue(state, in, dwords);
	written(w, in, in->dst, dwords);
	written(w, in, in->sdst, strict_dwords(w, in->op->sdst));
}

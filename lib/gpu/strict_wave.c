/* SPDX-License-Identifier: MIT */
/*
 * strict_wave.c - registers of a wave: read or overwritten before the s_waitcnt that makes them valid, read with
 * nothing written.
 *
 * Counters of gfx10 (RDNA2 ISA manual, "Data dependency resolution"): vector loads return in order and count in vmcnt;
 * LDS returns in order and scalar loads out of order, both count in lgkmcnt, so while scalar loads are open only
 * lgkmcnt(0) says anything; FLAT counts in both. A register is taken for uninitialised when none of the lanes that read
 * it has ever been written: compilers do read registers of which parts are undefined.
 */
#include "strict_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	CODE_VGPR = 256,
	CODE_SGPRS = 128,
	CODE_FIRST_SPECIAL = 106,
	CODE_NULL = 125,
	CODE_EXEC = 126,
	OP_SOPP_WAITCNT = 0x0c,
	OP_SOPK_WAITCNT_VSCNT = 0x17,
	OP_SOPK_WAITCNT_VMCNT = 0x18,
	OP_SOPK_WAITCNT_LGKMCNT = 0x1a,
	VM_MAX = 63,
	LGKM_MAX = 63,
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
		for (unsigned code = CODE_FIRST_SPECIAL; code < CODE_SGPRS; code++)
			sgpr_set(state, code);
		for (unsigned v = 0; v < d->tid_components; v++)
			state->vgpr_set[v] = ~0ull;
		ctx->waves[i].strict = state;
	}
}

static unsigned operand_dwords(const struct gpu_wave *w, unsigned kind)
{
	switch (kind) {
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

/* Register number for the tables of pending ones, or -1: a constant. */
static int reg_index(unsigned code)
{
	if (code >= CODE_VGPR)
		return (int)(CODE_SGPRS + (code - CODE_VGPR));
	return code < CODE_SGPRS && code != CODE_NULL ? (int)code : -1;
}

static char reg_letter(int reg)
{
	return reg < CODE_SGPRS ? 's' : 'v';
}

static unsigned reg_number(int reg)
{
	return (unsigned)(reg < CODE_SGPRS ? reg : reg - CODE_SGPRS);
}

static void pending_check(struct gpu_wave *w, int reg, const char *verb, const struct gpu_inst *in)
{
	const uint8_t pending = w->strict->pending[reg];

	if (pending)
		gpu_strict_wave_finding(w, GPU_FINDING_WAITCNT, 0, w->strict->pc,
					"%s %s %c%u before the s_waitcnt %s of the load into it", in->op->name, verb,
					reg_letter(reg), reg_number(reg), pending & PENDING_VM ? "vmcnt" : "lgkmcnt");
}

static bool reg_unset(const struct gpu_wave *w, int reg)
{
	const struct gpu_strict_wave *state = w->strict;

	if (reg < CODE_SGPRS)
		return !(state->sgpr_set[reg / 64] >> (reg % 64) & 1);
	return state->exec && !(state->vgpr_set[reg - CODE_SGPRS] & state->exec);
}

static void read_check(struct gpu_wave *w, const struct gpu_inst *in, unsigned code, unsigned dwords)
{
	for (unsigned i = 0; i < dwords; i++) {
		const int reg = reg_index(code + i);

		if (reg < 0 || reg >= STRICT_REGS)
			return;
		pending_check(w, reg, "reads", in);
		if (reg_unset(w, reg))
			gpu_strict_wave_finding(w, GPU_FINDING_UNINIT_REG, 0, w->strict->pc,
						"%s reads %c%u, which nothing has written", in->op->name,
						reg_letter(reg), reg_number(reg));
	}
}

static bool is_memory(const struct gpu_inst *in)
{
	return in->enc == GPU_SMEM || in->enc == GPU_DS || in->enc == GPU_FLAT || in->enc == GPU_GLOBAL ||
	       in->enc == GPU_SCRATCH || in->enc == GPU_MUBUF || in->enc == GPU_MTBUF;
}

/* Dwords that source i really reads; the tables give the widest form of addresses. */
static unsigned source_dwords(const struct gpu_wave *w, const struct gpu_inst *in, unsigned i)
{
	const unsigned dwords = operand_dwords(w, in->op->src[i]);
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

static bool has_result(const struct gpu_inst *in)
{
	if (in->op->dst == GPU_O_NONE || in->lds)
		return false;
	if ((in->op->flags & GPU_OPF_ATOMIC) && in->enc != GPU_DS)
		return in->glc;
	return !(in->op->flags & GPU_OPF_STORE);
}

void gpu_strict_before(struct gpu_wave *w, const struct gpu_inst *in, uint64_t pc)
{
	struct gpu_strict_wave *state = w->strict;

	state->pc = pc;
	state->exec = gpu_wave_exec(w);
	if (!in->op || relative(in))
		return;
	if (!same_sources(in))
		for (unsigned i = 0; i < 4; i++)
			read_check(w, in, in->src[i], source_dwords(w, in, i));
	if (accumulates(in))
		read_check(w, in, in->dst, operand_dwords(w, in->op->dst));
	if (has_result(in))
		for (unsigned i = 0; i < operand_dwords(w, in->op->dst); i++) {
			const int reg = reg_index(in->dst + i);

			if (reg >= 0 && reg < STRICT_REGS && !is_memory(in))
				pending_check(w, reg, "overwrites", in);
		}
}

static void pending_clear(struct gpu_strict_wave *state, int reg, unsigned bits)
{
	if (!state->pending[reg])
		return;
	state->pending[reg] &= (uint8_t)~bits;
	if (!state->pending[reg])
		state->pending_count--;
}

static void wait_vm(struct gpu_strict_wave *state, uint32_t n)
{
	if (n >= VM_MAX || !state->pending_count)
		return;
	for (int reg = 0; reg < STRICT_REGS; reg++)
		if ((state->pending[reg] & PENDING_VM) && state->vm_seq[reg] + n <= state->vm_issued)
			pending_clear(state, reg, PENDING_VM);
}

static void wait_lgkm(struct gpu_strict_wave *state, uint32_t n)
{
	if (n >= LGKM_MAX || !state->pending_count || (n && state->smem_open))
		return;
	for (int reg = 0; reg < STRICT_REGS; reg++)
		if ((state->pending[reg] & (PENDING_LDS | PENDING_SMEM)) &&
		    state->lgkm_seq[reg] + n <= state->lgkm_issued)
			pending_clear(state, reg, PENDING_LDS | PENDING_SMEM);
	if (!n)
		state->smem_open = 0;
}

static void waitcnt(struct gpu_strict_wave *state, const struct gpu_inst *in)
{
	const uint32_t imm = (uint32_t)in->imm & 0xffff;

	if (in->enc == GPU_SOPP && in->op->opcode == OP_SOPP_WAITCNT) {
		wait_vm(state, (imm & 0xf) | (imm >> 14 & 3) << 4);
		wait_lgkm(state, imm >> 8 & 0x3f);
	} else if (in->enc == GPU_SOPK && in->op->opcode == OP_SOPK_WAITCNT_VMCNT) {
		wait_vm(state, imm & 0x3f);
	} else if (in->enc == GPU_SOPK && in->op->opcode == OP_SOPK_WAITCNT_LGKMCNT) {
		wait_lgkm(state, imm & 0x3f);
	}
}

/* Counts the instruction and says what its result waits for. */
static unsigned issue(struct gpu_strict_wave *state, const struct gpu_inst *in)
{
	const bool result = has_result(in);

	switch (in->enc) {
	case GPU_SMEM:
		state->lgkm_issued++;
		if (result)
			state->smem_open++;
		return PENDING_SMEM;
	case GPU_DS:
		state->lgkm_issued++;
		return PENDING_LDS;
	case GPU_FLAT:
		state->lgkm_issued++;
		if (result)
			state->vm_issued++;
		return PENDING_VM | PENDING_LDS;
	default:
		if (result)
			state->vm_issued++;
		return PENDING_VM;
	}
}

static void written(struct gpu_wave *w, const struct gpu_inst *in, unsigned code, unsigned dwords, unsigned pending)
{
	struct gpu_strict_wave *state = w->strict;
	const uint64_t lanes = in->op->flags & GPU_OPF_EXEC_ALL ? ~0ull : state->exec;

	for (unsigned i = 0; i < dwords; i++) {
		const int reg = reg_index(code + i);

		if (reg < 0 || reg >= STRICT_REGS)
			return;
		if (reg < CODE_SGPRS)
			sgpr_set(state, (unsigned)reg);
		else
			state->vgpr_set[reg - CODE_SGPRS] |= lanes;
		if (pending && !state->pending[reg])
			state->pending_count++;
		if (pending) {
			state->pending[reg] = (uint8_t)pending;
			state->vm_seq[reg] = state->vm_issued;
			state->lgkm_seq[reg] = state->lgkm_issued;
		}
	}
}

void gpu_strict_after(struct gpu_wave *w, const struct gpu_inst *in, uint64_t pc)
{
	struct gpu_strict_wave *state = w->strict;
	unsigned pending = 0;

	(void)pc;
	if (!in->op)
		return;
	waitcnt(state, in);
	if (relative(in)) {
		memset(state->vgpr_set, 0xff, sizeof(state->vgpr_set));
		memset(state->sgpr_set, 0xff, sizeof(state->sgpr_set));
	}
	if (is_memory(in))
		pending = issue(state, in);
	if (has_result(in) && (!is_memory(in) || in->enc == GPU_SMEM || state->exec))
		written(w, in, in->dst, operand_dwords(w, in->op->dst), pending);
	written(w, in, in->sdst, operand_dwords(w, in->op->sdst), 0);
}

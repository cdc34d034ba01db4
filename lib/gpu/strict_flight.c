/* SPDX-License-Identifier: MIT */
/*
 * strict_flight.c - loads under way: which lanes of which registers are not valid yet.
 *
 * Counters of gfx10 (RDNA2 ISA manual, "Data dependency resolution"): vector loads and atomics that return count in
 * vmcnt and arrive in order; LDS arrives in order and scalar loads out of order, both count in lgkmcnt, so while scalar
 * loads are open only lgkmcnt(0) says anything; FLAT counts in both. A load owns only the lanes that were active when
 * it was issued: the other half of a divergent branch may use the same register.
 */
#include "strict_state.h"

#include <string.h>

enum {
	OP_SOPP_WAITCNT = 0x0c,
	OP_SOPP_WAIT_IDLE = 0x22,
	OP_SOPK_WAITCNT_VMCNT = 0x18,
	OP_SOPK_WAITCNT_LGKMCNT = 0x1a,
	VM_MAX = 63,
	LGKM_MAX = 63,
};

unsigned strict_flight_pending(const struct gpu_strict_wave *state, int reg, uint64_t lanes, unsigned except)
{
	unsigned pending = 0;

	if (!state->in_flight[reg])
		return 0;
	for (unsigned i = 0; i < state->flights; i++) {
		const struct strict_flight *f = &state->flight[i];

		if (reg >= f->reg && reg < f->reg + f->dwords && (reg < STRICT_SGPRS || (f->lanes & lanes)) &&
		    f->pending & ~except)
			pending |= f->pending;
	}
	return pending;
}

static void flight_remove(struct gpu_strict_wave *state, unsigned at)
{
	const struct strict_flight *f = &state->flight[at];

	for (unsigned i = 0; i < f->dwords; i++)
		state->in_flight[f->reg + i]--;
	state->flights--;
	memmove(&state->flight[at], &state->flight[at + 1], (state->flights - at) * sizeof(*f));
}

/* Takes what has arrived out of what each flight waits for. */
static void arrived(struct gpu_strict_wave *state, unsigned kinds, uint32_t n)
{
	for (unsigned i = 0; i < state->flights;) {
		struct strict_flight *f = &state->flight[i];
		const bool in_time =
			kinds == PENDING_VM ? f->vm_seq + n <= state->vm_issued : f->lgkm_seq + n <= state->lgkm_issued;

		if ((f->pending & kinds) && in_time)
			f->pending &= (uint8_t)~kinds;
		if (f->pending)
			i++;
		else
			flight_remove(state, i);
	}
}

static void wait_vm(struct gpu_strict_wave *state, uint32_t n)
{
	if (n < VM_MAX)
		arrived(state, PENDING_VM, n);
}

static void wait_lgkm(struct gpu_strict_wave *state, uint32_t n)
{
	if (n >= LGKM_MAX || (n && state->smem_open))
		return;
	arrived(state, PENDING_LDS | PENDING_SMEM, n);
	if (!n)
		state->smem_open = 0;
}

void strict_flight_wait(struct gpu_strict_wave *state, const struct gpu_inst *in)
{
	const uint32_t imm = (uint32_t)in->imm & 0xffff;

	if (in->enc == GPU_SOPP && in->op->opcode == OP_SOPP_WAITCNT) {
		wait_vm(state, (imm & 0xf) | (imm >> 14 & 3) << 4);
		wait_lgkm(state, imm >> 8 & 0x3f);
	} else if (in->enc == GPU_SOPP && in->op->opcode == OP_SOPP_WAIT_IDLE) {
		wait_vm(state, 0);
		wait_lgkm(state, 0);
	} else if (in->enc == GPU_SOPK && in->op->opcode == OP_SOPK_WAITCNT_VMCNT) {
		wait_vm(state, imm & 0x3f);
	} else if (in->enc == GPU_SOPK && in->op->opcode == OP_SOPK_WAITCNT_LGKMCNT) {
		wait_lgkm(state, imm & 0x3f);
	}
}

unsigned strict_flight_kind(const struct gpu_inst *in)
{
	switch (in->enc) {
	case GPU_SMEM:
		return PENDING_SMEM;
	case GPU_DS:
		return PENDING_LDS;
	case GPU_FLAT:
		return PENDING_VM | PENDING_LDS;
	default:
		return PENDING_VM;
	}
}

void strict_flight_issue(struct gpu_strict_wave *state, const struct gpu_inst *in, unsigned dwords)
{
	const unsigned kind = strict_flight_kind(in);
	const int reg = dwords ? strict_reg(in->dst) : -1;
	const uint64_t lanes = in->enc == GPU_SMEM ? ~0ull : state->exec;
	struct strict_flight *f;

	if (kind & (PENDING_SMEM | PENDING_LDS))
		state->lgkm_issued++;
	if ((kind & PENDING_SMEM) && dwords)
		state->smem_open++;
	if ((kind & PENDING_VM) && (dwords || in->lds))
		state->vm_issued++;
	if (reg < 0 || reg + (int)dwords > STRICT_REGS || !lanes)
		return;
	if (state->flights == STRICT_FLIGHTS) /* the counters are full: the hardware has waited for the oldest */
		flight_remove(state, 0);
	f = &state->flight[state->flights++];
	*f = (struct strict_flight){.lanes = lanes,
				    .vm_seq = state->vm_issued,
				    .lgkm_seq = state->lgkm_issued,
				    .reg = (uint16_t)reg,
				    .dwords = (uint8_t)dwords,
				    .pending = (uint8_t)kind};
	for (unsigned i = 0; i < dwords; i++)
		state->in_flight[reg + (int)i]++;
}

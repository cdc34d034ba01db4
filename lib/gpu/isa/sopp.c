/* SPDX-License-Identifier: MIT */
/*
 * sopp.c - program control. Counters (s_waitcnt ...) are always satisfied: memory operations of this model complete
 * before the next instruction; strict mode checks the waits that hardware would need.
 */
#include "gpu/isa/salu.h"
#include "gpu/isa/tables_exec.h"

enum { STATUS_COND_DBG_USER = 1 << 20, STATUS_COND_DBG_SYS = 1 << 21 };
enum { MSG_INTERRUPT = 1 };

static enum gpu_step branch_if(struct gpu_wave *w, const struct gpu_inst *in, bool taken)
{
	if (taken)
		w->pc += (uint64_t)((int64_t)in->imm * 4);
	return GPU_STEP_NEXT;
}

#define BRANCH(name, condition)                                                                                        \
	SOP(name)                                                                                                      \
	{                                                                                                              \
		return branch_if(w, in, (condition));                                                                  \
	}

BRANCH(s_branch, true)
BRANCH(s_cbranch_scc0, !w->scc)
BRANCH(s_cbranch_scc1, w->scc)
BRANCH(s_cbranch_vccz, !gpu_mask_get(w, 106))
BRANCH(s_cbranch_vccnz, gpu_mask_get(w, 106))
BRANCH(s_cbranch_execz, !gpu_wave_exec(w))
BRANCH(s_cbranch_execnz, gpu_wave_exec(w))
BRANCH(s_cbranch_cdbgsys, w->status &STATUS_COND_DBG_SYS)
BRANCH(s_cbranch_cdbguser, w->status &STATUS_COND_DBG_USER)
BRANCH(s_cbranch_cdbgsys_or_user, w->status &(STATUS_COND_DBG_SYS | STATUS_COND_DBG_USER))
BRANCH(s_cbranch_cdbgsys_and_user, w->status &STATUS_COND_DBG_SYS && w->status & STATUS_COND_DBG_USER)

/* No effect on what a program computes: delays, hints, waits, traces, and s_trap with no handler installed. */
SOP(s_nop)
{
	(void)w;
	(void)in;
	return GPU_STEP_NEXT;
}

SOP(s_sleep)
{
	(void)w;
	(void)in;
	return GPU_STEP_YIELD;
}

SOP(s_endpgm)
{
	(void)w;
	(void)in;
	return GPU_STEP_END;
}

SOP(s_barrier)
{
	(void)w;
	(void)in;
	return GPU_STEP_BARRIER;
}

SOP(s_setkill)
{
	(void)w;
	return in->imm & 1 ? GPU_STEP_END : GPU_STEP_NEXT;
}

SOP(s_sethalt)
{
	if (in->imm & 1)
		return gpu_wave_fault(w, GPU_FAULT_OPCODE, w->pc,
				      "s_sethalt 1: no debugger could start the wave again");
	return GPU_STEP_NEXT;
}

SOP(s_sendmsg)
{
	unsigned message = (unsigned)in->imm & 15;

	/* The kernel driver ignores a shader's interrupts, so there is nothing to see of them. */
	if (message == MSG_INTERRUPT && in->op->data == 0)
		return GPU_STEP_NEXT;
	return gpu_wave_fault(w, GPU_FAULT_OPCODE, w->pc, "%s: message %u is not for compute waves", in->op->name,
			      message);
}

SOP(s_refused)
{
	return gpu_wave_fault(w, GPU_FAULT_OPCODE, w->pc, "%s: not allowed in a compute shader", in->op->name);
}

SOP(s_round_mode)
{
	w->mode = (w->mode & ~15u) | ((unsigned)in->imm & 15);
	return GPU_STEP_NEXT;
}

SOP(s_denorm_mode)
{
	w->mode = (w->mode & ~0xf0u) | ((unsigned)in->imm & 15) << 4;
	return GPU_STEP_NEXT;
}

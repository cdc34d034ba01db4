/* SPDX-License-Identifier: MIT */
/*
 * sopk.c - scalar operations with a 16-bit constant, hardware registers, subvector loops.
 *
 * Hardware registers (LLVM's and the RDNA2 ISA manual's numbering): those that a wave can use are kept in struct
 * gpu_wave; trap handler addresses do not exist, and reading or writing what is not listed is refused by its number.
 */
#include <time.h>

#include "gpu/isa/salu.h"
#include "gpu/isa/tables_exec.h"

enum {
	HWREG_MODE = 1,
	HWREG_STATUS = 2,
	HWREG_TRAPSTS = 3,
	HWREG_GPR_ALLOC = 5,
	HWREG_LDS_ALLOC = 6,
	HWREG_IB_STS = 7,
	HWREG_SH_MEM_BASES = 15,
	HWREG_FLAT_SCR_LO = 20,
	HWREG_FLAT_SCR_HI = 21,
	HWREG_XNACK_MASK = 22,
	HWREG_HW_ID1 = 23,
	HWREG_HW_ID2 = 24,
	HWREG_SHADER_CYCLES = 29,
};
enum { STATUS_SCC = 1 << 0, STATUS_EXECZ = 1 << 9, STATUS_VCCZ = 1 << 10 };

/* A 20-bit counter of shader clocks; the model's shader clock is the 100 MHz clock. */
static uint32_t shader_cycles(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint32_t)((uint64_t)now.tv_sec * 100000000u + (uint64_t)now.tv_nsec / 10) & 0xfffff;
}

static uint32_t status_value(const struct gpu_wave *w)
{
	uint32_t v = w->status & ~(uint32_t)(STATUS_SCC | STATUS_EXECZ | STATUS_VCCZ);

	v |= w->scc ? STATUS_SCC : 0;
	v |= gpu_wave_exec(w) ? 0 : STATUS_EXECZ;
	return v | (gpu_mask_get(w, 106) ? 0 : STATUS_VCCZ);
}

static bool hwreg_read(const struct gpu_wave *w, unsigned id, uint32_t *value_out)
{
	switch (id) {
	case HWREG_MODE:
		*value_out = w->mode;
		return true;
	case HWREG_STATUS:
		*value_out = status_value(w);
		return true;
	case HWREG_TRAPSTS:
		*value_out = w->trapsts;
		return true;
	case HWREG_GPR_ALLOC: /* VGPR_SIZE in bits 13:8, in granules of four, less one */
		*value_out = w->vgpr_count ? ((w->vgpr_count + 3) / 4 - 1) << 8 : 0;
		return true;
	case HWREG_LDS_ALLOC: /* LDS_SIZE in bits 20:12, in granules of 128 dwords */
		*value_out = w->group ? (w->group->lds_size_B + 511) / 512 << 12 : 0;
		return true;
	case HWREG_IB_STS:
	case HWREG_XNACK_MASK: /* nothing is ever outstanding or replayed */
		*value_out = 0;
		return true;
	case HWREG_SH_MEM_BASES:
		*value_out = (uint32_t)(w->private_aperture >> 48) | (uint32_t)(w->shared_aperture >> 48) << 16;
		return true;
	case HWREG_FLAT_SCR_LO:
		*value_out = (uint32_t)w->flat_scratch;
		return true;
	case HWREG_FLAT_SCR_HI:
		*value_out = (uint32_t)(w->flat_scratch >> 32);
		return true;
	case HWREG_HW_ID1:
		*value_out = w->hw_id1;
		return true;
	case HWREG_HW_ID2:
		*value_out = w->hw_id2;
		return true;
	case HWREG_SHADER_CYCLES:
		*value_out = shader_cycles();
		return true;
	default:
		return false;
	}
}

static bool hwreg_write(struct gpu_wave *w, unsigned id, uint32_t value)
{
	switch (id) {
	case HWREG_MODE:
		w->mode = value;
		return true;
	case HWREG_TRAPSTS:
		w->trapsts = value;
		return true;
	case HWREG_FLAT_SCR_LO:
		w->flat_scratch = (w->flat_scratch & ~0xffffffffull) | value;
		return true;
	case HWREG_FLAT_SCR_HI:
		w->flat_scratch = (w->flat_scratch & 0xffffffff) | (uint64_t)value << 32;
		return true;
	case HWREG_STATUS: /* written by the trap handler alone: user code cannot change it */
		return true;
	default:
		return false;
	}
}

static unsigned hwreg_id(const struct gpu_inst *in)
{
	return (unsigned)in->imm & 63;
}

static unsigned hwreg_offset(const struct gpu_inst *in)
{
	return (unsigned)in->imm >> 6 & 31;
}

static uint32_t hwreg_mask(const struct gpu_inst *in)
{
	unsigned width = ((unsigned)in->imm >> 11 & 31) + 1;

	return width == 32 ? 0xffffffff : (1u << width) - 1;
}

static enum gpu_step hwreg_refused(struct gpu_wave *w, const struct gpu_inst *in)
{
	return gpu_wave_fault(w, GPU_FAULT_OPCODE, w->pc, "%s: hardware register %u is not part of this model",
			      in->op->name, hwreg_id(in));
}

static enum gpu_step setreg(struct gpu_wave *w, const struct gpu_inst *in, uint32_t value)
{
	uint32_t mask = hwreg_mask(in) << hwreg_offset(in), old;

	if (!hwreg_read(w, hwreg_id(in), &old))
		return hwreg_refused(w, in);
	if (!hwreg_write(w, hwreg_id(in), (old & ~mask) | (value << hwreg_offset(in) & mask)))
		return hwreg_refused(w, in);
	return GPU_STEP_NEXT;
}

SOP(s_getreg_b32)
{
	uint32_t value;

	if (!hwreg_read(w, hwreg_id(in), &value))
		return hwreg_refused(w, in);
	gpu_sdst32(w, in->dst, value >> hwreg_offset(in) & hwreg_mask(in));
	return GPU_STEP_NEXT;
}

SOP(s_setreg_b32)
{
	return setreg(w, in, w->s[in->dst & 127]);
}

SOP(s_setreg_imm32_b32)
{
	return setreg(w, in, in->literal);
}

SOP(s_movk_i32)
{
	gpu_sdst32(w, in->dst, (uint32_t)in->imm);
	return GPU_STEP_NEXT;
}

SOP(s_cmovk_i32)
{
	if (w->scc)
		gpu_sdst32(w, in->dst, (uint32_t)in->imm);
	return GPU_STEP_NEXT;
}

SOP(s_addk_i32)
{
	uint32_t a = w->s[in->dst & 127], b = (uint32_t)in->imm, r = a + b;

	w->scc = (~(a ^ b) & (a ^ r)) >> 31;
	gpu_sdst32(w, in->dst, r);
	return GPU_STEP_NEXT;
}

SOP(s_mulk_i32)
{
	gpu_sdst32(w, in->dst, w->s[in->dst & 127] * (uint32_t)in->imm);
	return GPU_STEP_NEXT;
}

SOP(s_call_b64)
{
	gpu_sdst64(w, in->dst, w->pc);
	w->pc += (uint64_t)((int64_t)in->imm * 4);
	return GPU_STEP_NEXT;
}

/* Runs a block for the low half of the lanes, then for the high half (wave64). D holds the other half's EXEC. */
SOP(s_subvector_loop_begin)
{
	if (!gpu_wave_exec(w)) {
		w->pc += (uint64_t)((int64_t)in->imm * 4);
	} else if (!w->s[126]) {
		gpu_sdst32(w, in->dst, 0);
	} else {
		gpu_sdst32(w, in->dst, w->s[127]);
		w->s[127] = 0;
	}
	return GPU_STEP_NEXT;
}

SOP(s_subvector_loop_end)
{
	uint32_t other = w->s[in->dst & 127];

	if (w->s[127]) {
		w->s[126] = other;
	} else if (other) {
		gpu_sdst32(w, in->dst, w->s[126]);
		w->s[127] = other;
		w->s[126] = 0;
		w->pc += (uint64_t)((int64_t)in->imm * 4);
	}
	return GPU_STEP_NEXT;
}

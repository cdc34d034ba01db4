/* SPDX-License-Identifier: MIT */
/*
 * salu.h - operands of the scalar ALU.
 */
#ifndef DF_GPU_ISA_SALU_H
#define DF_GPU_ISA_SALU_H

#include "gpu/isa/valu.h"

#define SOP(name) enum gpu_step gpu_##name(struct gpu_wave *w, const struct gpu_inst *in)

/* Exec functions of the tables, declared where the tables are. */
static inline void gpu_sdst32(struct gpu_wave *w, unsigned code, uint32_t value)
{
	if (code != 125 && code < 128)
		w->s[code] = value;
	if (w->lanes == 32 && code == 127)
		w->s[127] = 0;
}

static inline void gpu_sdst64(struct gpu_wave *w, unsigned code, uint64_t value)
{
	if (code == 125)
		return;
	w->s[code & 126] = (uint32_t)value;
	w->s[(code & 126) + 1] = (uint32_t)(value >> 32);
	/* In wave32 the upper half of EXEC does not exist, and that of VCC is a plain register. */
	if (w->lanes == 32 && (code & 126) == 126)
		w->s[127] = 0;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * valu.h - what the scalar and vector units share inside the ISA folder.
 */
#ifndef DF_GPU_ISA_VALU_H
#define DF_GPU_ISA_VALU_H

#include "gpu/isa.h"

/* Row of an opcode, NULL when the encoding has no such opcode. */
const struct gpu_op *gpu_isa_find(const struct gpu_isa *isa, unsigned enc, unsigned opcode);
/* Rows of an encoding. */
unsigned gpu_isa_count(const struct gpu_isa *isa, unsigned enc);

/* 16-bit scalar operand: inline floats are halves. Only the low 16 bits of an SGPR or a literal count. */
uint32_t gpu_src16(const struct gpu_wave *w, const struct gpu_inst *in, unsigned code);

/* Decoding of the encodings that reach memory or are refused (decode_memory.c). Same contract as gpu_isa_decode. */
unsigned gpu_decode_memory(const struct gpu_isa *isa, const uint32_t *dw, unsigned n, struct gpu_inst *in,
			   const char **why_out);

/* Dwords of an operand of this type in a VGPR; 16-bit types take one. */
unsigned gpu_opnd_dwords(unsigned type);

/* Lane masks: the lower SGPR alone in wave32. */
static inline uint64_t gpu_mask_get(const struct gpu_wave *w, unsigned code)
{
	if (w->lanes == 32 || code == 125)
		return w->s[code & 127];
	return w->s[code & 126] | (uint64_t)w->s[(code & 126) + 1] << 32;
}

static inline void gpu_mask_set(struct gpu_wave *w, unsigned code, uint64_t mask)
{
	if (code == 125)
		return;
	if (w->lanes == 32) {
		w->s[code & 127] = (uint32_t)mask;
		return;
	}
	w->s[code & 126] = (uint32_t)mask;
	w->s[(code & 126) + 1] = (uint32_t)(mask >> 32);
}

/*
 * One block of 32 lanes on its way through the vector ALU. Operands of up to 32 bits are uint32_t[32] (16-bit values
 * in the low half), 64-bit operands uint64_t[32], 128-bit operands uint32_t[4][32], a register after the other.
 * d may be the same array as a source, never overlap it otherwise.
 */
struct gpu_lanes {
	void *d;
	const void *a, *b, *c;
	uint32_t exec;     /* lanes that count, for those few operations that look at their neighbours */
	uint32_t mask_in;  /* carry in, select, VCC */
	uint32_t mask_out; /* carry out, compare */
	uint32_t mode;     /* MODE register */
	bool clamp;        /* saturate, for integer operations */
	bool flush;        /* f32 operations: flush denormal sources and results here */
	uint8_t lane_base; /* 0 or 32 */
	uint8_t round;     /* rounding mode of the result's type */
	const struct gpu_inst *in;
};
typedef void (*gpu_lane_fn)(struct gpu_lanes *v);

/* Lane functions come in groups; a table row's data is group << 8 | index in the group. */
enum gpu_lane_group { GPU_LG_INT, GPU_LG_F32, GPU_LG_F16, GPU_LG_F64, GPU_LG_CMP, GPU_LG_PK, GPU_LANE_GROUPS };
/* The best variant for this machine. */
const gpu_lane_fn *gpu_lane_find(uintptr_t data);

/* Picks in->exec and in->spec for a vector instruction whose fields are complete. */
void gpu_valu_specialise(struct gpu_inst *in);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * tables.h - the opcode tables of the ISAs, one array per encoding, sorted by opcode.
 *
 * A row is `{opcode, enc, dst, sdst, {src...}, flags, name, exec, data}`. Rows that exist but are refused have exec
 * NULL and GPU_OPF_REFUSED.
 */
#ifndef DF_GPU_ISA_TABLES_H
#define DF_GPU_ISA_TABLES_H

#include "gpu/isa.h"

#define GPU_GFX10_3_TABLES(T)                                                                                          \
	T(GPU_SOP1, sop1)                                                                                              \
	T(GPU_SOP2, sop2)                                                                                              \
	T(GPU_SOPC, sopc)                                                                                              \
	T(GPU_SOPK, sopk)                                                                                              \
	T(GPU_SOPP, sopp)                                                                                              \
	T(GPU_SMEM, smem)                                                                                              \
	T(GPU_VOP1, vop1)                                                                                              \
	T(GPU_VOP2, vop2)                                                                                              \
	T(GPU_VOPC, vopc)                                                                                              \
	T(GPU_VOP3, vop3)                                                                                              \
	T(GPU_VOP3P, vop3p)                                                                                            \
	T(GPU_DS, ds)                                                                                                  \
	T(GPU_FLAT, flat)                                                                                              \
	T(GPU_GLOBAL, global)                                                                                          \
	T(GPU_SCRATCH, scratch)                                                                                        \
	T(GPU_MUBUF, mubuf)                                                                                            \
	T(GPU_MTBUF, mtbuf)                                                                                            \
	T(GPU_VINTRP, vintrp)                                                                                          \
	T(GPU_MIMG, mimg)                                                                                              \
	T(GPU_EXP, exp)

#define GPU_TABLE_DECLARE(enc, name)                                                                                   \
	extern const struct gpu_op gpu_gfx10_3_##name[];                                                               \
	extern const unsigned gpu_gfx10_3_##name##_count;
GPU_GFX10_3_TABLES(GPU_TABLE_DECLARE)
#undef GPU_TABLE_DECLARE

#define GPU_TABLE_COUNT(name)                                                                                          \
	const unsigned gpu_gfx10_3_##name##_count = sizeof(gpu_gfx10_3_##name) / sizeof(struct gpu_op)

/* Lanes of v_interp and image work do not exist in this model; a row of them. */
#define GPU_REFUSED_ROW(enc, opcode, name)                                                                             \
	{                                                                                                              \
		opcode, enc, 0, 0, {0}, GPU_OPF_REFUSED, name, NULL, 0                                                 \
	}

#endif

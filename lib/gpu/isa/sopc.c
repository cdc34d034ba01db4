/* SPDX-License-Identifier: MIT */
/*
 * sopc.c - scalar compares, of two sources or of a register with a 16-bit constant.
 */
#include "gpu/isa/salu.h"
#include "gpu/isa/tables_exec.h"

#define SOPC_OP(name, bits_a, bits_b, expr)                                                                            \
	SOP(name)                                                                                                      \
	{                                                                                                              \
		uint##bits_a##_t a = gpu_src##bits_a(w, in, in->src[0]);                                               \
		uint##bits_b##_t b = gpu_src##bits_b(w, in, in->src[1]);                                               \
                                                                                                                       \
		w->scc = (expr);                                                                                       \
		return GPU_STEP_NEXT;                                                                                  \
	}
/* The constant is sign-extended for _i32 and zero-extended for _u32. */
#define SOPK_CMP(name, type, extend, relation)                                                                         \
	SOP(name)                                                                                                      \
	{                                                                                                              \
		w->scc = (type)w->s[in->dst & 127] relation(type)(extend) in->imm;                                     \
		return GPU_STEP_NEXT;                                                                                  \
	}

SOPC_OP(s_cmp_eq_i32, 32, 32, a == b)
SOPC_OP(s_cmp_lg_i32, 32, 32, a != b)
SOPC_OP(s_cmp_gt_i32, 32, 32, (int32_t)a > (int32_t)b)
SOPC_OP(s_cmp_ge_i32, 32, 32, (int32_t)a >= (int32_t)b)
SOPC_OP(s_cmp_lt_i32, 32, 32, (int32_t)a < (int32_t)b)
SOPC_OP(s_cmp_le_i32, 32, 32, (int32_t)a <= (int32_t)b)
SOPC_OP(s_cmp_eq_u32, 32, 32, a == b)
SOPC_OP(s_cmp_lg_u32, 32, 32, a != b)
SOPC_OP(s_cmp_gt_u32, 32, 32, a > b)
SOPC_OP(s_cmp_ge_u32, 32, 32, a >= b)
SOPC_OP(s_cmp_lt_u32, 32, 32, a < b)
SOPC_OP(s_cmp_le_u32, 32, 32, a <= b)
SOPC_OP(s_bitcmp0_b32, 32, 32, !(a >> (b & 31) & 1))
SOPC_OP(s_bitcmp1_b32, 32, 32, a >> (b & 31) & 1)
SOPC_OP(s_bitcmp0_b64, 64, 32, !(a >> (b & 63) & 1))
SOPC_OP(s_bitcmp1_b64, 64, 32, a >> (b & 63) & 1)
SOPC_OP(s_cmp_eq_u64, 64, 64, a == b)
SOPC_OP(s_cmp_lg_u64, 64, 64, a != b)

SOPK_CMP(s_cmpk_eq_i32, int32_t, int32_t, ==)
SOPK_CMP(s_cmpk_lg_i32, int32_t, int32_t, !=)
SOPK_CMP(s_cmpk_gt_i32, int32_t, int32_t, >)
SOPK_CMP(s_cmpk_ge_i32, int32_t, int32_t, >=)
SOPK_CMP(s_cmpk_lt_i32, int32_t, int32_t, <)
SOPK_CMP(s_cmpk_le_i32, int32_t, int32_t, <=)
SOPK_CMP(s_cmpk_eq_u32, uint32_t, uint16_t, ==)
SOPK_CMP(s_cmpk_lg_u32, uint32_t, uint16_t, !=)
SOPK_CMP(s_cmpk_gt_u32, uint32_t, uint16_t, >)
SOPK_CMP(s_cmpk_ge_u32, uint32_t, uint16_t, >=)
SOPK_CMP(s_cmpk_lt_u32, uint32_t, uint16_t, <)
SOPK_CMP(s_cmpk_le_u32, uint32_t, uint16_t, <=)

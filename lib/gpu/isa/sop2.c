/* SPDX-License-Identifier: MIT */
/*
 * sop2.c - scalar operations of two sources. SCC is the carry, the overflow, the choice or "result is not zero", as the
 * RDNA2 ISA manual says for each ("SOP2 instructions").
 */
#include "gpu/isa/salu.h"
#include "gpu/isa/tables_exec.h"

/* r from a and b, then scc. */
#define SOP2_OP(name, bits, expr, scc_expr)                                                                            \
	SOP(name)                                                                                                      \
	{                                                                                                              \
		uint##bits##_t a = gpu_src##bits(w, in, in->src[0]), b = gpu_src##bits(w, in, in->src[1]), r;          \
                                                                                                                       \
		r = (uint##bits##_t)(expr);                                                                            \
		w->scc = (scc_expr);                                                                                   \
		gpu_sdst##bits(w, in->dst, r);                                                                         \
		return GPU_STEP_NEXT;                                                                                  \
	}
/* 64-bit first source, 32-bit second. */
#define SOP2_MIXED(name, expr)                                                                                         \
	SOP(name)                                                                                                      \
	{                                                                                                              \
		uint64_t a = gpu_src64(w, in, in->src[0]), r;                                                          \
		uint32_t b = gpu_src32(w, in, in->src[1]);                                                             \
                                                                                                                       \
		r = (uint64_t)(expr);                                                                                  \
		w->scc = r != 0;                                                                                       \
		gpu_sdst64(w, in->dst, r);                                                                             \
		return GPU_STEP_NEXT;                                                                                  \
	}
#define SIGN32(x) ((x) >> 31 & 1)

static uint32_t bfe_u32(uint32_t a, uint32_t b)
{
	unsigned offset = b & 31, width = b >> 16 & 127;

	if (!width)
		return 0;
	return width >= 32 ? a >> offset : a >> offset & ((1u << width) - 1);
}

static uint32_t bfe_i32(uint32_t a, uint32_t b)
{
	unsigned offset = b & 31, width = b >> 16 & 127;

	if (!width)
		return 0;
	if (offset + width >= 32)
		return (uint32_t)((int32_t)a >> offset);
	return (uint32_t)((int32_t)(a << (32 - offset - width)) >> (32 - width));
}

static uint64_t bfe_u64(uint64_t a, uint32_t b)
{
	unsigned offset = b & 63, width = b >> 16 & 127;

	if (!width)
		return 0;
	return width >= 64 ? a >> offset : a >> offset & ((1ull << width) - 1);
}

static uint64_t bfe_i64(uint64_t a, uint32_t b)
{
	unsigned offset = b & 63, width = b >> 16 & 127;

	if (!width)
		return 0;
	if (offset + width >= 64)
		return (uint64_t)((int64_t)a >> offset);
	return (uint64_t)((int64_t)(a << (64 - offset - width)) >> (64 - width));
}

SOP2_OP(s_add_u32, 32, a + b, r < a)
SOP2_OP(s_sub_u32, 32, a - b, b > a)
SOP2_OP(s_add_i32, 32, a + b, SIGN32(~(a ^ b) & (a ^ r)))
SOP2_OP(s_sub_i32, 32, a - b, SIGN32((a ^ b) & (a ^ r)))
SOP2_OP(s_addc_u32, 32, a + b + w->scc, ((uint64_t)a + b + w->scc) >> 32 & 1)
SOP2_OP(s_subb_u32, 32, a - b - w->scc, (uint64_t)b + w->scc > a)
SOP2_OP(s_min_i32, 32, (int32_t)a < (int32_t)b ? a : b, (int32_t)a < (int32_t)b)
SOP2_OP(s_min_u32, 32, a < b ? a : b, a < b)
SOP2_OP(s_max_i32, 32, (int32_t)a > (int32_t)b ? a : b, (int32_t)a > (int32_t)b)
SOP2_OP(s_max_u32, 32, a > b ? a : b, a > b)
SOP2_OP(s_cselect_b32, 32, w->scc ? a : b, w->scc)
SOP2_OP(s_cselect_b64, 64, w->scc ? a : b, w->scc)
SOP2_OP(s_and_b32, 32, a &b, r != 0)
SOP2_OP(s_and_b64, 64, a &b, r != 0)
SOP2_OP(s_or_b32, 32, a | b, r != 0)
SOP2_OP(s_or_b64, 64, a | b, r != 0)
SOP2_OP(s_xor_b32, 32, a ^ b, r != 0)
SOP2_OP(s_xor_b64, 64, a ^ b, r != 0)
SOP2_OP(s_andn2_b32, 32, a & ~b, r != 0)
SOP2_OP(s_andn2_b64, 64, a & ~b, r != 0)
SOP2_OP(s_orn2_b32, 32, a | ~b, r != 0)
SOP2_OP(s_orn2_b64, 64, a | ~b, r != 0)
SOP2_OP(s_nand_b32, 32, ~(a &b), r != 0)
SOP2_OP(s_nand_b64, 64, ~(a &b), r != 0)
SOP2_OP(s_nor_b32, 32, ~(a | b), r != 0)
SOP2_OP(s_nor_b64, 64, ~(a | b), r != 0)
SOP2_OP(s_xnor_b32, 32, ~(a ^ b), r != 0)
SOP2_OP(s_xnor_b64, 64, ~(a ^ b), r != 0)
SOP2_OP(s_lshl_b32, 32, a << (b & 31), r != 0)
SOP2_MIXED(s_lshl_b64, a << (b & 63))
SOP2_OP(s_lshr_b32, 32, a >> (b & 31), r != 0)
SOP2_MIXED(s_lshr_b64, a >> (b & 63))
SOP2_OP(s_ashr_i32, 32, (int32_t)a >> (b & 31), r != 0)
SOP2_MIXED(s_ashr_i64, (int64_t)a >> (b & 63))
SOP2_OP(s_bfm_b32, 32, ((1u << (a & 31)) - 1) << (b & 31), w->scc)
SOP2_OP(s_mul_i32, 32, a *b, w->scc)
SOP2_OP(s_bfe_u32, 32, bfe_u32(a, b), r != 0)
SOP2_OP(s_bfe_i32, 32, bfe_i32(a, b), r != 0)
SOP2_MIXED(s_bfe_u64, bfe_u64(a, b))
SOP2_MIXED(s_bfe_i64, bfe_i64(a, b))
SOP2_OP(s_absdiff_i32, 32, (int32_t)(a - b) < 0 ? 0 - (a - b) : a - b, r != 0)
SOP2_OP(s_lshl1_add_u32, 32, (a << 1) + b, (((uint64_t)a << 1) + b) >> 32 != 0)
SOP2_OP(s_lshl2_add_u32, 32, (a << 2) + b, (((uint64_t)a << 2) + b) >> 32 != 0)
SOP2_OP(s_lshl3_add_u32, 32, (a << 3) + b, (((uint64_t)a << 3) + b) >> 32 != 0)
SOP2_OP(s_lshl4_add_u32, 32, (a << 4) + b, (((uint64_t)a << 4) + b) >> 32 != 0)
SOP2_OP(s_pack_ll_b32_b16, 32, (a & 0xffff) | b << 16, w->scc)
SOP2_OP(s_pack_lh_b32_b16, 32, (a & 0xffff) | (b & 0xffff0000), w->scc)
SOP2_OP(s_pack_hh_b32_b16, 32, a >> 16 | (b & 0xffff0000), w->scc)
SOP2_OP(s_mul_hi_u32, 32, (uint64_t)a *b >> 32, w->scc)
SOP2_OP(s_mul_hi_i32, 32, (uint64_t)((int64_t)(int32_t)a *(int32_t)b) >> 32, w->scc)

SOP(s_bfm_b64)
{
	uint32_t a = gpu_src32(w, in, in->src[0]), b = gpu_src32(w, in, in->src[1]);

	gpu_sdst64(w, in->dst, ((1ull << (a & 63)) - 1) << (b & 63));
	return GPU_STEP_NEXT;
}

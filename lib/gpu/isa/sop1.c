/* SPDX-License-Identifier: MIT */
/*
 * sop1.c - scalar operations of one source, the EXEC masks' save and change, indirect moves and jumps.
 */
#include "gpu/isa/salu.h"
#include "gpu/isa/tables_exec.h"

#define SOP1_OP(name, to, from, expr, scc_expr)                                                                        \
	SOP(name)                                                                                                      \
	{                                                                                                              \
		uint##from##_t a = gpu_src##from(w, in, in->src[0]);                                                   \
		uint##to##_t r = (uint##to##_t)(expr);                                                                 \
                                                                                                                       \
		w->scc = (scc_expr);                                                                                   \
		gpu_sdst##to(w, in->dst, r);                                                                           \
		return GPU_STEP_NEXT;                                                                                  \
	}
/* Changes the destination it finds. */
#define SOP1_RMW(name, bits, expr)                                                                                     \
	SOP(name)                                                                                                      \
	{                                                                                                              \
		uint32_t a = gpu_src32(w, in, in->src[0]);                                                             \
		uint##bits##_t d = gpu_src##bits(w, in, in->dst);                                                      \
                                                                                                                       \
		gpu_sdst##bits(w, in->dst, (expr));                                                                    \
		return GPU_STEP_NEXT;                                                                                  \
	}
/* D = EXEC, EXEC = expr(source, EXEC), SCC = EXEC is not zero. */
#define SAVEEXEC(name, expr)                                                                                           \
	SOP(s_##name##_saveexec_b32)                                                                                   \
	{                                                                                                              \
		uint32_t a = gpu_src32(w, in, in->src[0]), e = w->s[126];                                              \
                                                                                                                       \
		gpu_sdst32(w, in->dst, e);                                                                             \
		w->s[126] = (uint32_t)(expr);                                                                          \
		w->scc = w->s[126] != 0;                                                                               \
		return GPU_STEP_NEXT;                                                                                  \
	}                                                                                                              \
	SOP(s_##name##_saveexec_b64)                                                                                   \
	{                                                                                                              \
		uint64_t a = gpu_src64(w, in, in->src[0]), e = gpu_wave_exec(w);                                       \
                                                                                                                       \
		gpu_sdst64(w, in->dst, e);                                                                             \
		gpu_sdst64(w, 126, (expr));                                                                            \
		w->scc = gpu_wave_exec(w) != 0;                                                                        \
		return GPU_STEP_NEXT;                                                                                  \
	}
/* EXEC = D = expr. */
#define WREXEC(name, expr)                                                                                             \
	SOP(s_##name##_wrexec_b32)                                                                                     \
	{                                                                                                              \
		uint32_t a = gpu_src32(w, in, in->src[0]), e = w->s[126];                                              \
                                                                                                                       \
		w->s[126] = (uint32_t)(expr);                                                                          \
		gpu_sdst32(w, in->dst, w->s[126]);                                                                     \
		w->scc = w->s[126] != 0;                                                                               \
		return GPU_STEP_NEXT;                                                                                  \
	}                                                                                                              \
	SOP(s_##name##_wrexec_b64)                                                                                     \
	{                                                                                                              \
		uint64_t a = gpu_src64(w, in, in->src[0]), e = gpu_wave_exec(w), r = (expr);                           \
                                                                                                                       \
		gpu_sdst64(w, 126, r);                                                                                 \
		gpu_sdst64(w, in->dst, r);                                                                             \
		w->scc = r != 0;                                                                                       \
		return GPU_STEP_NEXT;                                                                                  \
	}

static uint32_t brev32(uint32_t v)
{
	v = (v >> 1 & 0x55555555) | (v & 0x55555555) << 1;
	v = (v >> 2 & 0x33333333) | (v & 0x33333333) << 2;
	v = (v >> 4 & 0x0f0f0f0f) | (v & 0x0f0f0f0f) << 4;
	return __builtin_bswap32(v);
}

static uint64_t brev64(uint64_t v)
{
	return (uint64_t)brev32((uint32_t)v) << 32 | brev32((uint32_t)(v >> 32));
}

/* A quad is on when any of its four lanes is. */
static uint64_t quads(uint64_t v)
{
	v |= v >> 1;
	v |= v >> 2;
	return v & 0x1111111111111111;
}

static uint64_t quadmask(uint64_t v)
{
	uint64_t q = quads(v), r = 0;

	for (unsigned i = 0; i < 16; i++)
		r |= (q >> (4 * i) & 1) << i;
	return r;
}

static uint64_t bitreplicate(uint32_t v)
{
	uint64_t r = 0;

	for (unsigned i = 0; i < 32; i++)
		r |= (uint64_t)(v >> i & 1) * 3 << (2 * i);
	return r;
}

static uint32_t first_one(uint64_t v)
{
	return v ? (uint32_t)__builtin_ctzll(v) : 0xffffffff;
}

static uint32_t leading(uint64_t v, unsigned width)
{
	return v ? (uint32_t)__builtin_clzll(v) - (64 - width) : 0xffffffff;
}

/* Leading bits equal to the sign; all alike gives -1. */
static uint32_t leading_sign(int64_t v, unsigned width)
{
	uint64_t u = (uint64_t)(v < 0 ? ~v : v);

	return u ? (uint32_t)__builtin_clzll(u) - (64 - width) : 0xffffffff;
}

SOP1_OP(s_mov_b32, 32, 32, a, w->scc)
SOP1_OP(s_mov_b64, 64, 64, a, w->scc)
SOP1_OP(s_not_b32, 32, 32, ~a, r != 0)
SOP1_OP(s_not_b64, 64, 64, ~a, r != 0)
SOP1_OP(s_wqm_b32, 32, 32, quads(a) * 15, r != 0)
SOP1_OP(s_wqm_b64, 64, 64, quads(a) * 15, r != 0)
SOP1_OP(s_brev_b32, 32, 32, brev32(a), w->scc)
SOP1_OP(s_brev_b64, 64, 64, brev64(a), w->scc)
SOP1_OP(s_bcnt0_i32_b32, 32, 32, __builtin_popcount(~a), r != 0)
SOP1_OP(s_bcnt0_i32_b64, 32, 64, __builtin_popcountll(~a), r != 0)
SOP1_OP(s_bcnt1_i32_b32, 32, 32, __builtin_popcount(a), r != 0)
SOP1_OP(s_bcnt1_i32_b64, 32, 64, __builtin_popcountll(a), r != 0)
SOP1_OP(s_ff0_i32_b32, 32, 32, first_one((uint32_t)~a), w->scc)
SOP1_OP(s_ff0_i32_b64, 32, 64, first_one(~a), w->scc)
SOP1_OP(s_ff1_i32_b32, 32, 32, first_one(a), w->scc)
SOP1_OP(s_ff1_i32_b64, 32, 64, first_one(a), w->scc)
SOP1_OP(s_flbit_i32_b32, 32, 32, leading(a, 32), w->scc)
SOP1_OP(s_flbit_i32_b64, 32, 64, leading(a, 64), w->scc)
SOP1_OP(s_flbit_i32, 32, 32, leading_sign((int32_t)a, 32), w->scc)
SOP1_OP(s_flbit_i32_i64, 32, 64, leading_sign((int64_t)a, 64), w->scc)
SOP1_OP(s_sext_i32_i8, 32, 32, (int8_t)a, w->scc)
SOP1_OP(s_sext_i32_i16, 32, 32, (int16_t)a, w->scc)
SOP1_OP(s_quadmask_b32, 32, 32, quadmask(a), r != 0)
SOP1_OP(s_quadmask_b64, 64, 64, quadmask(a), r != 0)
SOP1_OP(s_abs_i32, 32, 32, (int32_t)a < 0 ? 0 - a : a, r != 0)
SOP1_OP(s_bitreplicate_b64_b32, 64, 32, bitreplicate(a), w->scc)

SOP1_RMW(s_bitset0_b32, 32, d & ~(1u << (a & 31)))
SOP1_RMW(s_bitset0_b64, 64, d & ~(1ull << (a & 63)))
SOP1_RMW(s_bitset1_b32, 32, d | 1u << (a & 31))
SOP1_RMW(s_bitset1_b64, 64, d | 1ull << (a & 63))

SAVEEXEC(and, a &e)
SAVEEXEC(or, a | e)
SAVEEXEC(xor, a ^ e)
SAVEEXEC(andn2, a & ~e)
SAVEEXEC(orn2, a | ~e)
SAVEEXEC(nand, ~(a &e))
SAVEEXEC(nor, ~(a | e))
SAVEEXEC(xnor, ~(a ^ e))
SAVEEXEC(andn1, ~a &e)
SAVEEXEC(orn1, ~a | e)
WREXEC(andn1, ~a &e)
WREXEC(andn2, a & ~e)

SOP(s_cmov_b32)
{
	if (w->scc)
		gpu_sdst32(w, in->dst, gpu_src32(w, in, in->src[0]));
	return GPU_STEP_NEXT;
}

SOP(s_cmov_b64)
{
	if (w->scc)
		gpu_sdst64(w, in->dst, gpu_src64(w, in, in->src[0]));
	return GPU_STEP_NEXT;
}

SOP(s_getpc_b64)
{
	gpu_sdst64(w, in->dst, w->pc);
	return GPU_STEP_NEXT;
}

SOP(s_setpc_b64)
{
	w->pc = gpu_src64(w, in, in->src[0]) & ~3ull;
	return GPU_STEP_NEXT;
}

SOP(s_swappc_b64)
{
	uint64_t to = gpu_src64(w, in, in->src[0]) & ~3ull;

	gpu_sdst64(w, in->dst, w->pc);
	w->pc = to;
	return GPU_STEP_NEXT;
}

/*
 * Indirect moves. M0 is added to the register's number; a sum outside the SGPRs reads s0 and writes nothing.
 */
static unsigned indirect(unsigned code, uint32_t index, unsigned width)
{
	uint64_t sum = (uint64_t)code + index;

	return sum + width <= 106 ? (unsigned)sum : 256;
}

static uint32_t read_indirect(struct gpu_wave *w, unsigned code, uint32_t index)
{
	unsigned at = indirect(code, index, 1);

	return w->s[at == 256 ? 0 : at];
}

SOP(s_movrels_b32)
{
	gpu_sdst32(w, in->dst, read_indirect(w, in->src[0], w->s[124]));
	return GPU_STEP_NEXT;
}

SOP(s_movrels_b64)
{
	unsigned at = indirect(in->src[0], w->s[124] & ~1u, 2);

	gpu_sdst64(w, in->dst, gpu_src64(w, in, at == 256 ? 0 : at));
	return GPU_STEP_NEXT;
}

SOP(s_movreld_b32)
{
	unsigned at = indirect(in->dst, w->s[124], 1);

	if (at != 256)
		gpu_sdst32(w, at, gpu_src32(w, in, in->src[0]));
	return GPU_STEP_NEXT;
}

SOP(s_movreld_b64)
{
	unsigned at = indirect(in->dst, w->s[124] & ~1u, 2);

	if (at != 256)
		gpu_sdst64(w, at, gpu_src64(w, in, in->src[0]));
	return GPU_STEP_NEXT;
}

/* Source index in M0[9:0], destination index in M0[25:16]. */
SOP(s_movrelsd_2_b32)
{
	uint32_t m0 = w->s[124];
	unsigned at = indirect(in->dst, m0 >> 16 & 1023, 1);

	if (at != 256)
		gpu_sdst32(w, at, read_indirect(w, in->src[0], m0 & 1023));
	return GPU_STEP_NEXT;
}

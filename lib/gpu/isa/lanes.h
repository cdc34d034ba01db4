/* SPDX-License-Identifier: MIT */
/*
 * lanes.h - how lane functions are written: one expression, one loop over 32 lanes, vectorised by the compiler.
 *
 * Each group of lane functions (lanes_*.h) is compiled twice, for the build's own target and on x86-64 for AVX2 with
 * FMA; lane_find.c picks one at run time. The loops may assume that the destination is a source itself or apart from
 * it.
 */
#ifndef DF_GPU_ISA_LANES_H
#define DF_GPU_ISA_LANES_H

#include "gpu/isa/half.h"
#include "gpu/isa/lane_list.h"

#ifdef __clang__
/* Loops that stay scalar (library calls, branches) are no mistake. */
#pragma clang diagnostic ignored "-Wpass-failed"
#define LANES _Pragma("clang loop vectorize(assume_safety)") for (unsigned i = 0; i < 32; i++)
#else
#define LANES _Pragma("GCC ivdep") for (unsigned i = 0; i < 32; i++)
#endif

#define SRC32(p) const uint32_t *p##_ = v->p
#define SRC64(p) const uint64_t *p##_ = v->p

/* Integer operations on 32-bit slots. The operands are a, b, c. */
#define INT1(name, expr)                                                                                               \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		uint32_t *d = v->d;                                                                                    \
		SRC32(a);                                                                                              \
		LANES                                                                                                  \
		{                                                                                                      \
			uint32_t a = a_[i];                                                                            \
			d[i] = (uint32_t)(expr);                                                                       \
		}                                                                                                      \
	}
#define INT2(name, expr)                                                                                               \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		uint32_t *d = v->d;                                                                                    \
		SRC32(a);                                                                                              \
		SRC32(b);                                                                                              \
		LANES                                                                                                  \
		{                                                                                                      \
			uint32_t a = a_[i], b = b_[i];                                                                 \
			d[i] = (uint32_t)(expr);                                                                       \
		}                                                                                                      \
	}
#define INT3(name, expr)                                                                                               \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		uint32_t *d = v->d;                                                                                    \
		SRC32(a);                                                                                              \
		SRC32(b);                                                                                              \
		SRC32(c);                                                                                              \
		LANES                                                                                                  \
		{                                                                                                      \
			uint32_t a = a_[i], b = b_[i], c = c_[i];                                                      \
			d[i] = (uint32_t)(expr);                                                                       \
		}                                                                                                      \
	}
/* With clamp, the second expression. */
#define INT2_CLAMP(name, expr, clamped)                                                                                \
	INT2(name##_wrap, expr)                                                                                        \
	INT2(name##_clamp, clamped)                                                                                    \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		if (v->clamp)                                                                                          \
			lane_##name##_clamp(v);                                                                        \
		else                                                                                                   \
			lane_##name##_wrap(v);                                                                         \
	}
#define INT3_CLAMP(name, expr, clamped)                                                                                \
	INT3(name##_wrap, expr)                                                                                        \
	INT3(name##_clamp, clamped)                                                                                    \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		if (v->clamp)                                                                                          \
			lane_##name##_clamp(v);                                                                        \
		else                                                                                                   \
			lane_##name##_wrap(v);                                                                         \
	}

/* A bit for each lane: bit 31 of its word. */
static inline uint32_t lane_signs(const uint32_t *words)
{
	uint32_t out = 0;

#ifdef LANES_HAVE_FMA
	for (unsigned i = 0; i < 32; i += 8)
		out |= (uint32_t)_mm256_movemask_ps(_mm256_loadu_ps((const float *)(const void *)(words + i))) << i;
#else
	for (unsigned i = 0; i < 32; i++)
		out |= words[i] >> 31 << i;
#endif
	return out;
}

#define LANE_ROW(group, name) [GPU_L_##group##_##name & 0xff] = lane_##name,

static inline int32_t s16(uint32_t v)
{
	return (int16_t)v;
}

static inline uint32_t u16(uint32_t v)
{
	return v & 0xffff;
}

/* Saturation of wider results. */
static inline uint32_t sat_u32(int64_t v)
{
	return v < 0 ? 0 : v > 0xffffffffll ? 0xffffffff : (uint32_t)v;
}

static inline uint32_t sat_i32(int64_t v)
{
	return (uint32_t)(v < INT32_MIN ? INT32_MIN : v > INT32_MAX ? INT32_MAX : v);
}

static inline uint32_t sat_u16(int64_t v)
{
	return v < 0 ? 0 : v > 0xffff ? 0xffff : (uint32_t)v;
}

static inline uint32_t sat_i16(int64_t v)
{
	return (uint32_t)(v < -32768 ? -32768 : v > 32767 ? 32767 : v) & 0xffff;
}

#endif

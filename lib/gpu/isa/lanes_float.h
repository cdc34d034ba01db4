/* SPDX-License-Identifier: MIT */
/*
 * lanes_float.h - what float lane functions share: NaN results, exact helpers, transcendentals.
 *
 * A NaN result is the first NaN among the operands, quiet, or 0x7fc00000 when none of them is one; hosts differ in
 * both.
 */
#ifndef DF_GPU_ISA_LANES_FLOAT_H
#define DF_GPU_ISA_LANES_FLOAT_H

#include <math.h>

#include "gpu/isa/lanes.h"

#define QUIET32 0x00400000u
#define NAN32   0x7fc00000u
#define QUIET64 0x0008000000000000ull
#define NAN64   0x7ff8000000000000ull
#define SIGN64  0x8000000000000000ull

static inline int isnan32(uint32_t v)
{
	return (v & 0x7fffffff) > 0x7f800000;
}

static inline int issnan32(uint32_t v)
{
	return isnan32(v) & !(v & QUIET32);
}

static inline int isnan64(uint64_t v)
{
	return (v & ~SIGN64) > 0x7ff0000000000000;
}

static inline int issnan64(uint64_t v)
{
	return isnan64(v) & !(v & QUIET64);
}

static inline uint32_t flush32(uint32_t v)
{
	return v & 0x7f800000 ? v : v & 0x80000000;
}

static inline uint32_t nan1_32(uint32_t r, uint32_t a)
{
	uint32_t n = isnan32(a) ? a | QUIET32 : NAN32;

	return isnan32(r) ? n : r;
}

static inline uint32_t nan2_32(uint32_t r, uint32_t a, uint32_t b)
{
	uint32_t n = isnan32(b) ? b | QUIET32 : NAN32;

	n = isnan32(a) ? a | QUIET32 : n;
	return isnan32(r) ? n : r;
}

static inline uint32_t nan3_32(uint32_t r, uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t n = isnan32(c) ? c | QUIET32 : NAN32;

	n = isnan32(b) ? b | QUIET32 : n;
	n = isnan32(a) ? a | QUIET32 : n;
	return isnan32(r) ? n : r;
}

static inline uint64_t nan2_64(uint64_t r, uint64_t a, uint64_t b)
{
	uint64_t n = isnan64(b) ? b | QUIET64 : NAN64;

	n = isnan64(a) ? a | QUIET64 : n;
	return isnan64(r) ? n : r;
}

static inline uint64_t nan3_64(uint64_t r, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t n = isnan64(c) ? c | QUIET64 : NAN64;

	n = isnan64(b) ? b | QUIET64 : n;
	n = isnan64(a) ? a | QUIET64 : n;
	return isnan64(r) ? n : r;
}

/* 2^n as a double, n in the normal range. */
static inline double pow2(int32_t n)
{
	return gpu_f64((uint64_t)(uint32_t)(n + 1023) << 52);
}

/* sin and cos of x revolutions; hardware's range is [-256, 256], beyond it sin is 0 and cos is 1. */
static inline double revolutions(double x)
{
	return x - rint(x);
}

static inline double sin_rev(double x)
{
	if (isinf(x) || isnan(x))
		return NAN;
	if (x < -256 || x > 256)
		return 0;
	if (revolutions(x) == 0 || fabs(revolutions(x)) == 0.5)
		return copysign(0.0, x);
	return sin(revolutions(x) * 6.283185307179586476925);
}

static inline double cos_rev(double x)
{
	if (isinf(x) || isnan(x))
		return NAN;
	if (x < -256 || x > 256)
		return 1;
	if (fabs(revolutions(x)) == 0.25)
		return 0;
	return cos(revolutions(x) * 6.283185307179586476925);
}

#endif

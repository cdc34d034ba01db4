/* SPDX-License-Identifier: MIT */
/*
 * lanes_half.h - f16 arithmetic on the halves of dwords: exact in double, rounded once.
 */
#ifndef DF_GPU_ISA_LANES_HALF_H
#define DF_GPU_ISA_LANES_HALF_H

#include "gpu/isa/lanes_float.h"

#define QUIET16 0x0200u
#define NAN16   0x7e00u

static inline int isnan16(uint32_t v)
{
	return (v & 0x7fff) > 0x7c00;
}

static inline int issnan16(uint32_t v)
{
	return isnan16(v) & !(v & QUIET16);
}

static inline uint32_t nan2_16(uint32_t r, uint32_t a, uint32_t b)
{
	uint32_t n = isnan16(b) ? b | QUIET16 : NAN16;

	n = isnan16(a) ? a | QUIET16 : n;
	return isnan16(r) ? n : r;
}

static inline uint32_t nan3_16(uint32_t r, uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t n = isnan16(c) ? c | QUIET16 : NAN16;

	n = isnan16(b) ? b | QUIET16 : n;
	n = isnan16(a) ? a | QUIET16 : n;
	return isnan16(r) ? n : r;
}

/* The host rounds to nearest here. A sum of x and y that is zero is -0 under rounding to -inf unless both are +0. */
static inline double zero_sign(double sum, double x, double y, unsigned round)
{
	uint64_t signs = (gpu_f64_bits(x) | gpu_f64_bits(y)) & SIGN64;

	return sum == 0 && round == 2 ? gpu_f64(signs) : sum;
}

static inline uint32_t half_add(uint32_t a, uint32_t b, unsigned round)
{
	double x = gpu_half_value(a), y = gpu_half_value(b);

	return nan2_16(gpu_half_round(zero_sign(x + y, x, y, round), round), a, b);
}

static inline uint32_t half_mul(uint32_t a, uint32_t b, unsigned round)
{
	return nan2_16(gpu_half_round(gpu_half_value(a) * gpu_half_value(b), round), a, b);
}

/* x * y + z rounded to odd: the exact product of two floats' worth of bits, then a sum that remembers what it lost. */
static inline double fma_odd(double x, double y, double z)
{
	double p = x * y, s = p + z, t = s - p, error = (p - (s - t)) + (z - t);
	uint64_t u = gpu_f64_bits(s);
	int finite = (u & 0x7ff0000000000000) != 0x7ff0000000000000, lost = finite && error == error && error != 0;
	/* The sum is on one side of the truth: step back to the neighbour nearer zero when it went too far. */
	int beyond = lost && ((error < 0) != (s < 0));

	u -= beyond ? 1 : 0;
	return gpu_f64(lost ? u | 1 : u);
}

static inline uint32_t half_fma(uint32_t a, uint32_t b, uint32_t c, unsigned round)
{
	double x = gpu_half_value(a), y = gpu_half_value(b), z = gpu_half_value(c), r = fma_odd(x, y, z);

	r = zero_sign(r, x * y, z, round);
	return nan3_16(gpu_half_round(r, round), a, b, c);
}

static inline uint32_t half_min(uint32_t a, uint32_t b, bool ieee)
{
	float x = gpu_f32(gpu_half_to_f32_bits(a)), y = gpu_f32(gpu_half_to_f32_bits(b));
	uint32_t r = x < y ? a : x > y ? b : a | b;

	r = isnan16(b) ? a : r;
	r = isnan16(a) ? b : r;
	r = isnan16(a) & isnan16(b) ? a | QUIET16 : r;
	r = ieee & issnan16(b) ? b | QUIET16 : r;
	return ieee & issnan16(a) ? a | QUIET16 : r;
}

static inline uint32_t half_max(uint32_t a, uint32_t b, bool ieee)
{
	float x = gpu_f32(gpu_half_to_f32_bits(a)), y = gpu_f32(gpu_half_to_f32_bits(b));
	uint32_t r = x > y ? a : x < y ? b : a & b;

	r = isnan16(b) ? a : r;
	r = isnan16(a) ? b : r;
	r = isnan16(a) & isnan16(b) ? a | QUIET16 : r;
	r = ieee & issnan16(b) ? b | QUIET16 : r;
	return ieee & issnan16(a) ? a | QUIET16 : r;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * half.h - f16 values as integers: exact widening, and rounding of a double in any of MODE's four ways.
 */
#ifndef DF_GPU_ISA_HALF_H
#define DF_GPU_ISA_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t gpu_f32_bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, 4);
	return u;
}

static inline float gpu_f32(uint32_t u)
{
	float f;

	memcpy(&f, &u, 4);
	return f;
}

static inline uint64_t gpu_f64_bits(double f)
{
	uint64_t u;

	memcpy(&u, &f, 8);
	return u;
}

static inline double gpu_f64(uint64_t u)
{
	double f;

	memcpy(&f, &u, 8);
	return f;
}

/* Bits of the float equal to the half in the low 16 bits of h. */
static inline uint32_t gpu_half_to_f32_bits(uint32_t h)
{
	uint32_t magnitude = (h & 0x7fff) << 13, sign = (h & 0x8000) << 16;
	uint32_t scaled = gpu_f32_bits(gpu_f32(magnitude) * 0x1p112f);

	return sign | ((h & 0x7c00) == 0x7c00 ? magnitude | 0x7f800000 : scaled);
}

static inline double gpu_half_value(uint32_t h)
{
	return (double)gpu_f32(gpu_half_to_f32_bits(h));
}

/* Rounds once: 0 to nearest even, 1 to +inf, 2 to -inf, 3 to zero. A NaN keeps the top of its payload, quiet. */
static inline uint32_t gpu_half_round(double v, unsigned round)
{
	uint64_t u = gpu_f64_bits(v), magnitude = u & 0x7fffffffffffffff;
	uint32_t sign = (uint32_t)(u >> 48) & 0x8000, h, whole, up, away;
	int32_t exponent = (int32_t)(magnitude >> 52) - 1023, e = exponent < -14 ? -14 : exponent > 16 ? 16 : exponent;
	double limited = exponent > 16 ? 0x1p17 : gpu_f64(magnitude);
	double scaled = limited * gpu_f64((uint64_t)(1023 + 10 - e) << 52), rest;

	whole = (uint32_t)(int32_t)scaled;
	rest = scaled - (double)(int32_t)whole;
	away = round == 1 ? !sign : round == 2 ? !!sign : 0;
	up = round == 0 ? (rest > 0.5) | ((rest == 0.5) & whole) : (rest > 0) & away;
	h = ((uint32_t)(e + 14) << 10) + whole + up;
	if (h >= 0x7c00)
		h = magnitude == 0x7ff0000000000000 || round == 0 || away ? 0x7c00 : 0x7bff;
	if (magnitude > 0x7ff0000000000000)
		h = 0x7e00 | ((uint32_t)(u >> 42) & 0x3ff);
	return sign | h;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * mem_format.c - conversion of typed buffer elements.
 *
 * The table is Mesa's GFX10_FORMAT enumeration (gfx10-rsrc.json): the code is the row, names give components from the
 * highest bits down. Loads are exact or correctly rounded. Stores: normalised values are clamped (NaN gives 0) and
 * rounded to nearest even, scaled values are truncated and saturated, integers are saturated, floats are rounded to
 * nearest even; the unsigned small floats take negative values as 0.
 */
#include "gpu/isa/mem_format.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define NORMS(...)                                                                                                     \
	{{__VA_ARGS__}, MEM_UNORM}, {{__VA_ARGS__}, MEM_SNORM}, {{__VA_ARGS__}, MEM_USCALED},                          \
		{{__VA_ARGS__}, MEM_SSCALED}, INTS(__VA_ARGS__)
#define INTS(...)                                                                                                      \
	{{__VA_ARGS__}, MEM_UINT},                                                                                     \
	{                                                                                                              \
		{__VA_ARGS__}, MEM_SINT                                                                                \
	}
#define FLOATS(...)                                                                                                    \
	{                                                                                                              \
		{__VA_ARGS__}, MEM_FLOAT                                                                               \
	}

static const struct mem_format formats[] = {
	{{0}, 0}, /* 0 invalid */
	NORMS(8), /* 1: 8 */
	NORMS(16),
	FLOATS(16),  /* 7: 16 */
	NORMS(8, 8), /* 14: 8_8 */
	INTS(32),
	FLOATS(32), /* 20: 32 */
	NORMS(16, 16),
	FLOATS(16, 16), /* 23: 16_16 */
	NORMS(11, 11, 10),
	FLOATS(11, 11, 10), /* 30: 10_11_11 */
	NORMS(10, 11, 11),
	FLOATS(10, 11, 11),   /* 37: 11_11_10 */
	NORMS(2, 10, 10, 10), /* 44: 10_10_10_2 */
	NORMS(10, 10, 10, 2), /* 50: 2_10_10_10 */
	NORMS(8, 8, 8, 8),    /* 56: 8_8_8_8 */
	INTS(32, 32),
	FLOATS(32, 32), /* 62: 32_32 */
	NORMS(16, 16, 16, 16),
	FLOATS(16, 16, 16, 16), /* 65: 16_16_16_16 */
	INTS(32, 32, 32),
	FLOATS(32, 32, 32), /* 72: 32_32_32 */
	INTS(32, 32, 32, 32),
	FLOATS(32, 32, 32, 32), /* 75: 32_32_32_32 */
};
_Static_assert(sizeof(formats) / sizeof(formats[0]) == 78, "one row a format");

const struct mem_format *mem_format_get(unsigned code)
{
	return code && code < sizeof(formats) / sizeof(formats[0]) ? &formats[code] : NULL;
}

unsigned mem_format_size(const struct mem_format *f)
{
	return (f->bits[0] + f->bits[1] + f->bits[2] + f->bits[3]) / 8u;
}

static uint32_t from_float(float f)
{
	uint32_t v;

	memcpy(&v, &f, 4);
	return v;
}

static float to_float(uint32_t v)
{
	float f;

	memcpy(&f, &v, 4);
	return f;
}

/* A float with 5 exponent bits (bias 15) and m mantissa bits, without its sign. */
static uint32_t small_to_f32(uint32_t v, unsigned m)
{
	uint32_t exponent = v >> m & 31, mantissa = v & ((1u << m) - 1);

	if (exponent == 31)
		return 0x7f800000 | mantissa << (23 - m);
	if (exponent)
		return (exponent + 112) << 23 | mantissa << (23 - m);
	return from_float(ldexpf((float)mantissa, -14 - (int)m));
}

/* Round to nearest even; the magnitude only. A NaN stays one. */
static uint32_t f32_to_small(uint32_t v, unsigned m)
{
	uint32_t magnitude = v & 0x7fffffff, shift = 23 - m, value, rest, half;

	if (magnitude > 0x7f800000)
		return 31u << m | 1u << (m - 1) | (magnitude & 0x7fffff) >> shift;
	if (magnitude >= 0x38800000) { /* 2^-14 and above */
		value = (magnitude - (112u << 23)) >> shift;
		rest = magnitude & ((1u << shift) - 1);
		half = 1u << (shift - 1);
	} else {
		unsigned down = 113 - (magnitude >> 23) + shift;
		uint32_t mantissa = (magnitude & 0x7fffff) | (magnitude >> 23 ? 0x800000 : 0);

		if (down > 25 || magnitude >> 23 == 0)
			return 0;
		value = mantissa >> down;
		rest = mantissa & ((1u << down) - 1);
		half = 1u << (down - 1);
	}
	value += rest > half || (rest == half && value & 1);
	return value > 31u << m ? 31u << m : value;
}

uint32_t mem_f16_to_f32(uint32_t half)
{
	return (half & 0x8000) << 16 | small_to_f32(half & 0x7fff, 10);
}

uint32_t mem_f32_to_f16(uint32_t single)
{
	return (single >> 16 & 0x8000) | f32_to_small(single, 10);
}

static uint32_t mask_of(unsigned bits)
{
	return bits >= 32 ? 0xffffffff : (1u << bits) - 1;
}

static int32_t sign_extend(uint32_t v, unsigned bits)
{
	return (int32_t)(v << ((32 - bits) & 31)) >> ((32 - bits) & 31);
}

static uint32_t load_float(uint32_t v, unsigned bits)
{
	if (bits == 32)
		return v;
	return bits == 16 ? mem_f16_to_f32(v) : small_to_f32(v, bits - 5);
}

static uint32_t load_component(uint32_t v, unsigned bits, enum mem_number number)
{
	float f;

	switch (number) {
	case MEM_UNORM:
		return from_float((float)v / (float)mask_of(bits));
	case MEM_SNORM:
		f = (float)sign_extend(v, bits) / (float)mask_of(bits - 1);
		return from_float(f < -1.0f ? -1.0f : f);
	case MEM_USCALED:
		return from_float((float)v);
	case MEM_SSCALED:
		return from_float((float)sign_extend(v, bits));
	case MEM_SINT:
		return (uint32_t)sign_extend(v, bits);
	case MEM_FLOAT:
		return load_float(v, bits);
	default:
		return v;
	}
}

/* 0, 1 and the halves' even neighbour, without the host's rounding mode. f is inside a few bits of 2^16. */
static int32_t round_even(float f)
{
	float down = floorf(f), rest = f - down;
	int32_t i = (int32_t)down;

	return i + (rest > 0.5f || (rest == 0.5f && i & 1));
}

static uint32_t store_norm(float f, unsigned bits, bool is_signed)
{
	float top = (float)mask_of(is_signed ? bits - 1 : bits), low = is_signed ? -1.0f : 0.0f;

	if (f != f)
		return 0;
	f = f < low ? low : f > 1.0f ? 1.0f : f;
	return (uint32_t)round_even(f * top) & mask_of(bits);
}

static uint32_t store_scaled(float f, unsigned bits, bool is_signed)
{
	float top = (float)mask_of(is_signed ? bits - 1 : bits), low = is_signed ? -top - 1.0f : 0.0f;

	if (f != f)
		return 0;
	f = f < low ? low : f > top ? top : f;
	return (uint32_t)(int32_t)f & mask_of(bits);
}

static uint32_t store_sint(uint32_t v, unsigned bits)
{
	int64_t top = ((int64_t)1 << (bits - 1)) - 1, i = (int32_t)v;

	i = i > top ? top : i < -top - 1 ? -top - 1 : i;
	return (uint32_t)i & mask_of(bits);
}

static uint32_t store_float(uint32_t v, unsigned bits)
{
	if (bits == 32)
		return v;
	if (bits == 16)
		return mem_f32_to_f16(v);
	return v >> 31 && (v & 0x7fffffff) <= 0x7f800000 ? 0 : f32_to_small(v, bits - 5);
}

static uint32_t store_component(uint32_t v, unsigned bits, enum mem_number number)
{
	switch (number) {
	case MEM_UNORM:
	case MEM_SNORM:
		return store_norm(to_float(v), bits, number == MEM_SNORM);
	case MEM_USCALED:
	case MEM_SSCALED:
		return store_scaled(to_float(v), bits, number == MEM_SSCALED);
	case MEM_SINT:
		return store_sint(v, bits);
	case MEM_FLOAT:
		return store_float(v, bits);
	default:
		return v > mask_of(bits) ? mask_of(bits) : v;
	}
}

void mem_format_load(const struct mem_format *f, const uint8_t *bytes, uint32_t v[4])
{
	unsigned at = 0;

	for (unsigned c = 0; c < 4; c++) {
		unsigned bits = f->bits[c];
		uint64_t raw = 0;

		if (!bits) {
			v[c] = c < 3 ? 0 : mem_format_integer(f) ? 1 : 0x3f800000;
			continue;
		}
		for (unsigned i = at / 8; i <= (at + bits - 1) / 8; i++)
			raw |= (uint64_t)bytes[i] << (8 * (i - at / 8));
		v[c] = load_component((uint32_t)(raw >> at % 8) & mask_of(bits), bits, (enum mem_number)f->number);
		at += bits;
	}
}

void mem_format_store(const struct mem_format *f, const uint32_t v[4], uint8_t *bytes)
{
	unsigned at = 0;

	memset(bytes, 0, mem_format_size(f));
	for (unsigned c = 0; c < 4 && f->bits[c]; c++) {
		unsigned bits = f->bits[c];
		uint64_t raw = (uint64_t)store_component(v[c], bits, (enum mem_number)f->number) << at % 8;

		for (unsigned i = at / 8; i <= (at + bits - 1) / 8; i++)
			bytes[i] |= (uint8_t)(raw >> (8 * (i - at / 8)));
		at += bits;
	}
}

/* SPDX-License-Identifier: MIT */
#include "image/clang_table.h"

#include <math.h>
#include <string.h>

/* n work-items in workgroups of this size, one element of each buffer for each */
#define PLAIN(file, name, out, a, b, count, n, k, block, tolerance)                                                    \
	{                                                                                                              \
		file, #name, TWIN_PLAIN, out, a, b, count, count, count, n, k,                                         \
			{((count) + (block)-1) / (block), 1, 1}, {block, 1, 1}, tolerance                              \
	}
/* vectors of width elements */
#define VECTOR(file, name, type, width, n, k, block)                                                                   \
	{                                                                                                              \
		file, #name, TWIN_PLAIN, type, type, type, (n) * (width), (n) * (width), (n) * (width), n, k,          \
			{((n) + (block)-1) / (block), 1, 1}, {block, 1, 1}, 0                                          \
	}

const struct clang_kernel clang_kernels[] = {
	PLAIN("integer", int_arith, U32, U32, U32, 1000, 1000, 0x1234, 64, 0),
	PLAIN("integer", int_divide, U32, U32, U32, 1000, 990, 1, 64, 0),
	PLAIN("integer", uint_divide, U32, U32, U32, 1000, 1000, 1, 128, 0),
	PLAIN("integer", long_arith, U64, U64, U64, 500, 500, 1, 64, 0),
	PLAIN("integer", long_divide, U64, U64, U64, 500, 499, 1, 64, 0),
	PLAIN("integer", int_mul_hi, U32, U32, U32, 777, 777, 99, 64, 0),
	PLAIN("integer", int_bits, U32, U32, U32, 1000, 1000, 0xff00ff, 256, 0),
	PLAIN("integer", int_min_max, U32, U32, U32, 1000, 1000, 0x987654, 64, 0),
	PLAIN("integer", byte_arith, U8, U8, U8, 1000, 1000, 1, 64, 0),
	PLAIN("integer", short_arith, U16, U16, U16, 1000, 1000, 100, 64, 0),
	VECTOR("integer", short2_arith, U16, 2, 600, 1, 64),
	VECTOR("integer", int4_mix, U32, 4, 300, 31, 64),
	PLAIN("integer", crc32, U32, U32, U32, 300, 300, 6, 64, 0),
	PLAIN("integer", xorshift, U32, U32, U32, 1000, 1000, 21, 96, 0),
	PLAIN("integer", hash_rounds, U32, U32, U32, 500, 500, 0xdeadbeef, 64, 0),

	PLAIN("floating", f32_arith, F32, F32, F32, 1000, 1000, 1, 64, 0),
	PLAIN("floating", f32_divide, F32, F32, F32, 1000, 1000, 1, 64, 0),
	PLAIN("floating", f32_fma, F32, F32, F32, 1000, 1000, 3, 64, 0),
	PLAIN("floating", f32_compare, U32, F32, F32, 1000, 1000, 1, 64, 0),
	PLAIN("floating", f32_convert, U32, F32, U32, 1000, 1000, 1, 64, 0),
	PLAIN("floating", f32_round, F32, F32, F32, 1000, 1000, 1, 64, 0),
	PLAIN("floating", f32_exp, F32, F32, F32, 1000, 1000, 1, 64, 1e-6),
	PLAIN("floating", f32_trig, F32, F32, F32, 1000, 1000, 1, 64, 1e-5),
	PLAIN("floating", f64_arith, F64, F64, F64, 500, 500, 1, 64, 0),
	PLAIN("floating", f64_divide, F64, F64, F64, 500, 500, 1, 64, 0),
	PLAIN("floating", f64_sqrt, F64, F64, F64, 500, 500, 1, 64, 0),
	PLAIN("floating", f64_convert, U64, F64, U64, 500, 500, 1, 64, 0),
	PLAIN("floating", f16_arith, F16, F16, F16, 1000, 1000, 1, 64, 0),
	VECTOR("floating", f16_vector, F16, 2, 500, 1, 64),
	PLAIN("floating", f16_convert, F32, F16, F32, 1000, 1000, 1, 64, 0),
	PLAIN("floating", f16_compare, U16, F16, F16, 1000, 1000, 1, 64, 0),
	PLAIN("floating", mandelbrot, U32, F32, F32, 600, 600, 40, 64, 0),
	VECTOR("floating", nbody, F32, 4, 200, 24, 64),
	PLAIN("floating", polynomial, F64, F64, F64, 300, 300, 9, 64, 0),

	PLAIN("local", lds_reverse, U32, U32, U32, 512, 512, 5, 128, 0),
	PLAIN("local", lds_reduce, U32, U32, U32, 512, 500, 5, 128, 0),
	PLAIN("local", lds_scan, U32, U32, U32, 512, 512, 3, 128, 0),
	PLAIN("local", lds_bitonic, U32, U32, U32, 384, 384, 0xf, 128, 0),
	PLAIN("local", lds_histogram, U32, U32, U32, 512, 505, 7, 128, 0),
	{"local", "lds_transpose", TWIN_PLAIN, F32, F32, F32, 1024, 1024, 16, 1, 3, {4, 1, 1}, {128, 1, 1}, 0},
	PLAIN("local", lds_bytes, U8, U8, U8, 384, 384, 11, 128, 0),
	PLAIN("local", lds_double, F64, F64, F64, 256, 256, 5, 128, 0),
	PLAIN("local", lds_atomics, U32, U32, U32, 512, 512, 0x55, 128, 0),
	{"local", "tiled_matmul", TWIN_PLAIN, F32, F32, F32, 576, 576, 576, 1, 24, {3, 3, 1}, {8, 8, 1}, 0},
	{"local", "ids_3d", TWIN_PLAIN, U32, U32, U32, 480, 480, 1, 480, 97, {2, 3, 2}, {5, 4, 2}, 0},

	PLAIN("control", branches, U32, U32, U32, 1000, 1000, 0x777, 64, 0),
	PLAIN("control", switches, U32, U32, U32, 1000, 1000, 0x777, 64, 0),
	PLAIN("control", collatz, U32, U32, U32, 500, 500, 150, 64, 0),
	PLAIN("control", nested_loops, U32, U32, U32, 1000, 1000, 40, 64, 0),
	PLAIN("control", gcd, U32, U32, U32, 400, 400, 3, 64, 0),
	PLAIN("control", binary_search, U32, U32, U32, 1000, 1000, 5, 64, 0),
	PLAIN("control", private_array, U32, U32, U32, 300, 300, 17, 64, 0),
	PLAIN("control", private_sort, U32, U32, U32, 300, 300, 4, 64, 0),
	PLAIN("control", private_bytes, U8, U8, U8, 300, 300, 3, 64, 0),
	PLAIN("control", calls, U32, U32, U32, 600, 600, 2, 64, 0),
	PLAIN("control", global_atomics, U32, U32, U32, 500, 500, 0xff, 64, 0),
	PLAIN("control", global_cas, U32, U32, U32, 200, 200, 1, 64, 0),
	PLAIN("control", global_atomics64, U64, U64, U64, 200, 200, 1, 64, 0),
	PLAIN("control", wave_sum, U32, U32, U32, 512, 512, 9, 128, 0),
	PLAIN("control", wave_vote, U32, U32, U32, 512, 512, 9, 128, 0),
	{"control", "unaligned", TWIN_PLAIN, U32, U8, U8, 400, 1200, 1200, 400, 77, {7, 1, 1}, {64, 1, 1}, 0},
	{"control", "values", TWIN_VALUES, F32, F32, U32, 300, 300, 300, 300, 4, {5, 1, 1}, {64, 1, 1}, 0},
	{"control", "dynamic_local", TWIN_LOCAL, U32, U32, U32, 256, 256, 256, 256, 3, {4, 1, 1}, {64, 1, 1}, 0},
};

const unsigned clang_kernel_count = sizeof(clang_kernels) / sizeof(clang_kernels[0]);

uint32_t element_size_B(enum element element)
{
	static const uint8_t sizes[] = {[U8] = 1, [U16] = 2, [U32] = 4, [U64] = 8, [F16] = 2, [F32] = 4, [F64] = 8};

	return sizes[element];
}

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Numbers in [-4, 4), some exact, some small, zero and a denormal. */
static double number(uint64_t bits)
{
	static const double edges[] = {0.0, 1.0, -1.0, 0.5, 2.0, -0.25, 3.0, 1e-3};

	if (bits % 16 == 0)
		return edges[bits / 16 % 8];
	return (double)(int64_t)(bits >> 11) / (double)(1ll << 50) - 4.0;
}

/* A finite half: exponent at most 18, so that sums and products of a few stay finite. */
static uint16_t half_bits(uint64_t bits)
{
	return (uint16_t)((bits & 0x8000) | (bits >> 16) % 18 << 10 | (bits >> 32 & 0x3ff));
}

void element_fill(enum element element, void *data, uint32_t count, uint64_t seed)
{
	uint64_t state = (seed + 1) * 0x9e3779b97f4a7c15ull;
	uint32_t size = element_size_B(element);

	for (uint32_t i = 0; i < count; i++) {
		uint64_t bits = next(&state);
		double f64 = number(bits);
		float f32 = (float)f64;
		uint16_t f16 = half_bits(bits);
		const void *from = element == F16 ? (void *)&f16 : element == F32 ? (void *)&f32 : &f64;

		if (element < F16)
			from = &bits;
		memcpy((uint8_t *)data + (size_t)i * size, from, size);
	}
}

static double half_value(uint16_t bits)
{
	int exponent = bits >> 10 & 31, fraction = bits & 0x3ff;
	double value = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);

	if (exponent == 31)
		value = fraction ? (double)NAN : (double)INFINITY;
	return bits & 0x8000 ? -value : value;
}

double element_value(enum element element, const void *data, uint32_t i)
{
	const uint8_t *at = (const uint8_t *)data + (size_t)i * element_size_B(element);
	uint64_t bits = 0;
	float f32;
	double f64;

	memcpy(&bits, at, element_size_B(element));
	memcpy(&f32, at, sizeof(f32) < element_size_B(element) ? sizeof(f32) : element_size_B(element));
	memcpy(&f64, &bits, sizeof(f64));
	if (element == F16)
		return half_value((uint16_t)bits);
	if (element == F32)
		return (double)f32;
	return element == F64 ? f64 : (double)bits;
}

/* SPDX-License-Identifier: MIT */
/* clang_table.h - the OpenCL C kernels of tests/image/cl and how each is run. */
#ifndef TESTS_IMAGE_CLANG_TABLE_H
#define TESTS_IMAGE_CLANG_TABLE_H

#include <stdint.h>

#include "image/cl/native.h"

enum element { U8, U16, U32, U64, F16, F32, F64 };

struct clang_kernel {
	const char *file, *name;
	enum twin_signature signature;
	enum element out, a, b;
	uint32_t out_count, a_count, b_count; /* elements of each buffer */
	uint32_t n, k;
	uint32_t grid[3], block[3];
	double tolerance; /* relative; 0: bit for bit */
};

extern const struct clang_kernel clang_kernels[];
extern const unsigned clang_kernel_count;

uint32_t element_size_B(enum element element);
/* Pseudo-random finite elements, edge values among them; the same for the same seed. */
void element_fill(enum element element, void *data, uint32_t count, uint64_t seed);
double element_value(enum element element, const void *data, uint32_t i);

#endif

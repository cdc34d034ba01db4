/* SPDX-License-Identifier: MIT */
/* native.h - running the host's build of the test kernels (build/tests/cl/native.so). */
#ifndef TWIN_NATIVE_H
#define TWIN_NATIVE_H

#include <stdint.h>

/* Shape of a kernel's arguments. */
enum twin_signature {
	TWIN_PLAIN,  /* out, a, b, n, k */
	TWIN_VALUES, /* and struct twin_options, half, double, long, char */
	TWIN_LOCAL,  /* and two local arrays */
};

struct twin_options {
	float scale;
	uint32_t shift;
	int16_t bias;
	uint8_t flags[3];
	double offset;
};

struct twin_values {
	struct twin_options options;
	uint16_t h; /* bits */
	double d;
	int64_t l;
	int8_t c;
};

struct twin_launch {
	const char *kernel;
	enum twin_signature signature;
	uint32_t grid[3]; /* workgroups */
	uint32_t block[3];
	uint32_t wave_size;
	void *out;
	const void *a, *b;
	uint32_t n, k;
	struct twin_values values;
	uint32_t local_B; /* of each local array */
};

/* 0, -ENOENT for a kernel that there is not, -ENOMEM. One launch at a time. */
typedef int twin_run_fn(const struct twin_launch *launch);
twin_run_fn twin_run;

#endif

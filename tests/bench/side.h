/* SPDX-License-Identifier: MIT */
/*
 * side.h - what both sides of "the same work, side by side" measure alike: rounds of recording, submitting and waiting.
 *
 * CPU time is that of the calling thread, the kernel's part in it included: behind a soft node that part is user code
 * of the same process, which the ioctl runs, and the GPU's own threads are not in it. Peak memory is the process's;
 * behind a soft node the GPU is part of it.
 */
#ifndef TESTS_BENCH_SIDE_H
#define TESTS_BENCH_SIDE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SIDE_FLOATS = 64, SIDE_MAX = 1000, SIDE_WARM = 8 };

struct side {
	uint64_t *ns; /* of each round */
	unsigned count;
	uint64_t cpu_ns, began_ns, began_cpu_ns;
};

static uint64_t side_clock(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void side_begin(struct side *side)
{
	side->began_cpu_ns = side_clock(CLOCK_THREAD_CPUTIME_ID);
	side->began_ns = side_clock(CLOCK_MONOTONIC);
}

static void side_end(struct side *side)
{
	side->ns[side->count++] = side_clock(CLOCK_MONOTONIC) - side->began_ns;
	side->cpu_ns += side_clock(CLOCK_THREAD_CPUTIME_ID) - side->began_cpu_ns;
}

static int side_order(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t side_peak_kB(void)
{
	static const char key[] = "VmHWM:";
	uint64_t peak = 0;
	char line[256];
	FILE *file = fopen("/proc/self/status", "r");

	while (file && !peak && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, sizeof(key) - 1))
			peak = strtoull(line + sizeof(key) - 1, NULL, 10);
	if (file)
		fclose(file);
	return peak;
}

/* The measures of a run, a line "name, tab, value" each; ioctls and dwords are sums over the rounds. */
static void side_print(struct side *side, uint64_t ioctls, uint64_t dwords)
{
	static const struct {
		const char *name;
		unsigned per_mille;
	} rows[] = {{"p50", 500}, {"p99", 990}, {"p99.9", 999}};

	qsort(side->ns, side->count, sizeof(*side->ns), side_order);
	for (unsigned i = 0; i < 3; i++)
		printf("%s\t%llu\n", rows[i].name,
		       (unsigned long long)side->ns[(uint64_t)(side->count - 1) * rows[i].per_mille / 1000]);
	printf("cpu\t%llu\n", (unsigned long long)(side->cpu_ns / side->count));
	printf("ioctls\t%g\n", (double)ioctls / side->count);
	printf("dwords\t%g\n", (double)dwords / side->count);
	printf("peak\t%llu\n", (unsigned long long)side_peak_kB());
}

/* z = a x + y over the floats of each launch, a of launch i being i. */
static int side_check(const float *x, const float *y, const float *z, unsigned launches)
{
	for (unsigned i = 0; i < launches * SIDE_FLOATS; i++) {
		const unsigned launch = i / SIDE_FLOATS;

		if (z[i] != (float)launch * x[i] + y[i]) {
			fprintf(stderr, "side: element %u is %g\n", i, (double)z[i]);
			return 1;
		}
	}
	return 0;
}

static void side_fill(float *x, float *y)
{
	for (unsigned i = 0; i < SIDE_MAX * SIDE_FLOATS; i++) {
		x[i] = (float)(i % 17);
		y[i] = (float)(i % 13);
	}
}

/* SIDE_N launches (at most SIDE_MAX) a round; SIDE_PAUSE_US between submission and wait. */
static unsigned side_number(const char *name, unsigned fallback)
{
	const char *text = getenv(name);

	return text ? (unsigned)strtoul(text, NULL, 10) : fallback;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * gen FOLDER FIRST COUNT SEED EVERY: writes kernels FIRST to FIRST + COUNT - 1, ten a file, as FOLDER/bN.cl (of each
 * file one in EVERY, from its first), and FOLDER/index, which says how each is run: "batch N exact|bounded" (whether
 * divisions and square roots of floats are to be rounded correctly), then of each of its kernels "kernel NAME BLOCK
 * GROUPS WORDS", and of bounded ones "bound WORD PRECISION ULP FUNCTION".
 */
#include <stdlib.h>

#include "gen.h"

#define BATCH 10

/* One family a file. */
static const struct {
	unsigned kinds, widths, features;
} families[] = {
	{0x0ff, 0x01, HAS_RETURNS | HAS_CALLS},
	{0x0ff, 0x3f, 0},
	{0x230, 0x0b, HAS_RETURNS},
	{0x7ff, 0x0f, HAS_CALLS},
	{0x0ff, 0x2b, HAS_ARRAYS | HAS_STRUCTS | HAS_MEMORY},
	{0x2f0, 0x0b, HAS_LOCAL},
	{0x0f0, 0x03, HAS_ATOMICS | HAS_MEMORY | HAS_ARRAYS | HAS_RETURNS},
	{0x230, 0x03, HAS_LANES | HAS_LOCAL | HAS_MEMORY},
	{0, 0, 0}, /* functions with a bound */
	{0x7ff, 0x1f, HAS_CALLS | HAS_ARRAYS | HAS_STRUCTS | HAS_MEMORY | HAS_ATOMICS | HAS_LOCAL | HAS_LANES},
};

#define FAMILIES (sizeof(families) / sizeof(families[0]))

static void write_one(struct gen *g, unsigned family, FILE *index)
{
	bool bounded = families[family].kinds == 0;

	if (bounded) {
		fprintf(index, "kernel k%u %u %u %u\n", g->kernel, 64u, 3u, (unsigned)MAX_WORDS);
		write_math_kernel(g, index);
		return;
	}
	g->kinds = families[family].kinds;
	g->widths = families[family].widths;
	g->features = families[family].features;
	write_kernel(g);
	fprintf(index, "kernel k%u %u %u %u\n", g->kernel, 64u << pick(g, 2), 1 + pick(g, 3), g->words);
}

static int write_batch(const char *folder, unsigned first, unsigned end, uint64_t seed, unsigned every, FILE *index)
{
	struct gen g = {0};
	unsigned number = first / BATCH, family = number % FAMILIES;
	char path[512];

	snprintf(path, sizeof(path), "%s/b%u.cl", folder, number);
	g.out = fopen(path, "w");
	if (!g.out)
		return -1;
	fprintf(index, "batch %u %s\n", number, families[family].kinds ? "exact" : "bounded");
	g.state = seed ^ (uint64_t)number << 32;
	write_prelude(&g);
	for (g.kernel = first; g.kernel < end; g.kernel += every) {
		g.state = seed * 0x9e3779b97f4a7c15u ^ (uint64_t)g.kernel << 20;
		write_one(&g, family, index);
	}
	return fclose(g.out);
}

int main(int argc, char **argv)
{
	unsigned first, end, every;
	char path[512];
	FILE *index;

	every = argc == 6 ? (unsigned)strtoul(argv[5], NULL, 0) : 0;
	if (!every) {
		fprintf(stderr, "usage: gen FOLDER FIRST COUNT SEED EVERY\n");
		return 2;
	}
	first = (unsigned)strtoul(argv[2], NULL, 0);
	end = first + (unsigned)strtoul(argv[3], NULL, 0);
	snprintf(path, sizeof(path), "%s/index", argv[1]);
	index = fopen(path, "w");
	if (!index) {
		perror(path);
		return 1;
	}
	while (first < end) {
		unsigned next = (first / BATCH + 1) * BATCH;

		if (write_batch(argv[1], first, next < end ? next : end, strtoull(argv[4], NULL, 0), every, index)) {
			perror(argv[1]);
			return 1;
		}
		first = next;
	}
	return fclose(index) != 0;
}

// SPDX-License-Identifier: MIT
/*
 * Runs a fuzz entry point without a fuzzing engine: over the files named on the command line, or over N (first
 * argument, a number) random inputs from a fixed seed. Half of the random inputs are small mutations of the input
 * before.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state = 0x9e3779b97f4a7c15u;

static uint32_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

static int run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(1 << 20);
	size_t size;

	if (!file || !data) {
		perror(path);
		free(data);
		if (file)
			fclose(file);
		return 1;
	}
	size = fread(data, 1, 1 << 20, file);
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

static void run_random(unsigned long count)
{
	static uint8_t data[4096];
	size_t size = 0;

	for (unsigned long i = 0; i < count; i++) {
		if (size && next() & 1) {
			for (unsigned n = 1 + next() % 8; n; n--)
				data[next() % size] = (uint8_t)next();
		} else {
			size = next() % sizeof(data);
			for (size_t k = 0; k < size; k++)
				data[k] = (uint8_t)next();
		}
		uint8_t *copy = malloc(size ? size : 1); /* its own block, so that overruns are seen */
		if (!copy)
			abort();
		memcpy(copy, data, size);
		LLVMFuzzerTestOneInput(copy, size);
		free(copy);
	}
}

int main(int argc, char **argv)
{
	char *end;
	unsigned long count = argc > 1 ? strtoul(argv[1], &end, 10) : 10000;
	int failed = 0;

	if (argc < 2 || !*end) {
		run_random(count);
		printf("%lu random inputs\n", count);
		return 0;
	}
	for (int i = 1; i < argc; i++)
		failed |= run_file(argv[i]);
	return failed;
}

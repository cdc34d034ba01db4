/* SPDX-License-Identifier: MIT */
/*
 * The GLSL shaders, compiled by RADV, against plain C: shaders/, and tests/image/glsl, which reach the user-SGPR kinds
 * that the others do not. Sizes are no multiples of the workgroups.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drumfire.h"

#define DEADLINE_NS 60000000000ull
#define GUARD       16u /* words behind each buffer */
#define GUARD_WORD  0xa5a5a5a5u
#define MAX_BUFFERS 4u

struct run {
	struct df_device *device;
	struct df_context *context;
	struct df_batch *batch;
	struct df_code *code[2];
	struct df_bo *bo[MAX_BUFFERS];
	uint32_t *word[MAX_BUFFERS];
	uint32_t count[MAX_BUFFERS];
	unsigned codes, buffers;
};

static struct run run;

static void must(int ret, const char *what)
{
	ck_assert_msg(ret == 0, "%s: %d: %s", what, ret, df_error());
}

static void setup(void)
{
	const char *name = getenv("DRUMFIRE_DEVICE");

	memset(&run, 0, sizeof(run));
	must(df_device_open(name && *name ? name : "soft:gfx1030", NULL, &run.device), "device");
	must(df_context_create(run.device, NULL, &run.context), "context");
	must(df_batch_create(run.device, NULL, &run.batch), "batch");
}

static void teardown(void)
{
	for (unsigned b = 0; b < run.buffers; b++) {
		for (uint32_t i = 0; i < GUARD; i++)
			ck_assert_msg(run.word[b][run.count[b] + i] == GUARD_WORD,
				      "buffer %u: word %u behind its end was written", b, i);
	}
	must(df_batch_destroy(run.batch), "batch");
	must(df_context_destroy(run.context), "context");
	for (unsigned b = 0; b < run.buffers; b++)
		must(df_bo_destroy(run.bo[b]), "bo");
	for (unsigned c = 0; c < run.codes; c++)
		must(df_code_destroy(run.code[c]), "code");
	must(df_device_close(run.device), "device");
}

static struct df_kernel *load(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct df_kernel *kernel;
	static uint8_t data[1 << 20];
	size_t size;

	ck_assert_msg(file != NULL, "%s is missing: make shaders test-kernels", path);
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	must(df_code_create(run.device, data, size, &run.code[run.codes]), path);
	must(df_code_kernel(run.code[run.codes++], NULL, &kernel), path);
	return kernel;
}

/* The address of a new buffer of count words, filled with pseudo-random ones. */
static uint64_t buffer(uint32_t count)
{
	struct df_bo_options options = DF_OPTIONS(options, .domain = DF_DOMAIN_HOST_CACHED);
	unsigned b = run.buffers++;
	uint32_t state = b * 977 + 12345;
	void *map;

	must(df_bo_create(run.device, (count + GUARD) * sizeof(uint32_t), &options, &run.bo[b]), "bo");
	must(df_bo_map(run.bo[b], &map), "map");
	run.word[b] = map;
	run.count[b] = count;
	for (uint32_t i = 0; i < count; i++) {
		state = state * 1664525 + 1013904223;
		run.word[b][i] = state ^ state >> 15;
	}
	for (uint32_t i = 0; i < GUARD; i++)
		run.word[b][count + i] = GUARD_WORD;
	return df_bo_address(run.bo[b]);
}

/* Small whole numbers, whose sums and products are exact. */
static void make_floats(unsigned b)
{
	for (uint32_t i = 0; i < run.count[b]; i++) {
		float value = (float)(run.word[b][i] % 33) - 16.0f;

		memcpy(&run.word[b][i], &value, sizeof(value));
	}
}

static float float_at(unsigned b, uint32_t i)
{
	float value;

	memcpy(&value, &run.word[b][i], sizeof(value));
	return value;
}

static void launch(struct df_kernel *kernel, uint32_t x, uint32_t y, uint32_t z, const void *args, size_t args_B)
{
	const uint32_t grid[3] = {x, y, z};

	must(df_batch_launch(run.batch, kernel, grid, args, args_B), "launch");
	must(df_batch_barrier(run.batch), "barrier");
}

static void finish(void)
{
	struct df_fence *fence;

	must(df_batch_seal(run.batch), "seal");
	must(df_submit(run.context, run.batch, NULL, &fence), "submit");
	must(df_fence_wait(fence, df_now_ns() + DEADLINE_NS, NULL), "wait");
	df_fence_put(fence);
}

static uint32_t *copy_of(unsigned b)
{
	uint32_t *copy = malloc(run.count[b] * sizeof(uint32_t));

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, run.word[b], run.count[b] * sizeof(uint32_t));
	return copy;
}

static void equal(unsigned b, const uint32_t *expected)
{
	for (uint32_t i = 0; i < run.count[b]; i++)
		ck_assert_msg(run.word[b][i] == expected[i], "word %u is 0x%x, expected 0x%x", i, run.word[b][i],
			      expected[i]);
}

START_TEST(fill)
{
	struct df_kernel *kernel = load("build/shaders/fill.dfi");
	struct {
		uint64_t result;
		uint32_t n, value;
	} args = {buffer(1000), 900, 0x12345678};
	uint32_t *expected = copy_of(0);

	for (uint32_t i = 0; i < 900; i++)
		expected[i] = args.value;
	launch(kernel, 16, 1, 1, &args, sizeof(args));
	finish();
	equal(0, expected);
	free(expected);
}
END_TEST

START_TEST(copy)
{
	struct df_kernel *kernel = load("build/shaders/copy.dfi");
	struct {
		uint64_t to, from;
		uint32_t n;
	} args = {buffer(777), buffer(800), 770};
	uint32_t *expected = copy_of(0);

	memcpy(expected, run.word[1], 770 * sizeof(uint32_t));
	launch(kernel, 13, 1, 1, &args, 20);
	finish();
	equal(0, expected);
	free(expected);
}
END_TEST

START_TEST(saxpy)
{
	struct df_kernel *kernel = load("build/shaders/saxpy.dfi");
	struct {
		uint64_t x, y, z;
		uint32_t n;
		float a;
	} args = {buffer(1001), buffer(1001), buffer(1001), 1001, 3.0f};

	for (unsigned b = 0; b < 2; b++)
		make_floats(b);
	launch(kernel, 16, 1, 1, &args, sizeof(args));
	finish();
	for (uint32_t i = 0; i < 1001; i++)
		ck_assert(float_at(2, i) == 3.0f * float_at(0, i) + float_at(1, i));
}
END_TEST

START_TEST(reduce)
{
	struct df_kernel *kernel = load("build/shaders/reduce.dfi");
	struct {
		uint64_t source, result;
		uint32_t n;
	} args = {buffer(5000), buffer(1), 4999};
	uint32_t sum = run.word[1][0];

	for (uint32_t i = 0; i < 4999; i++)
		sum += run.word[0][i];
	launch(kernel, 7, 1, 1, &args, 20);
	finish();
	ck_assert_uint_eq(run.word[1][0], sum);
}
END_TEST

START_TEST(histogram)
{
	struct df_kernel *kernel = load("build/shaders/histogram.dfi");
	struct {
		uint64_t source, bins;
		uint32_t n;
	} args = {buffer(3001), buffer(256), 3001};
	uint32_t *expected = copy_of(1);

	for (uint32_t i = 0; i < 3001; i++) {
		for (unsigned shift = 0; shift < 32; shift += 8)
			expected[run.word[0][i] >> shift & 255]++;
	}
	launch(kernel, 5, 1, 1, &args, 20);
	finish();
	equal(1, expected);
	free(expected);
}
END_TEST

/* Three launches: sums of each workgroup, sums of their totals, and the former plus the latter. */
START_TEST(prefix_sum)
{
	const uint32_t n = 256 * 40 - 99, groups = 40;
	struct df_kernel *scan = load("build/shaders/scan.dfi"), *add = load("build/shaders/scan_add.dfi");
	uint64_t source = buffer(n), result = buffer(n), totals = buffer(256), total = buffer(1);
	struct scan_args {
		uint64_t source, result, totals;
		uint32_t n;
	} first = {source, result, totals, n}, second = {totals, totals, total, groups};
	struct {
		uint64_t result, totals;
		uint32_t n;
	} third = {result, totals, n};
	uint32_t *expected = copy_of(0);

	for (uint32_t i = 1; i < n; i++)
		expected[i] += expected[i - 1];
	launch(scan, groups, 1, 1, &first, 28);
	launch(scan, 1, 1, 1, &second, 28);
	launch(add, groups, 1, 1, &third, 20);
	finish();
	equal(1, expected);
	ck_assert_uint_eq(run.word[3][0], expected[n - 1]);
	free(expected);
}
END_TEST

static void matmul(const char *path)
{
	const uint32_t n = 45;
	struct df_kernel *kernel = load(path);
	struct {
		uint64_t a, b, c;
		uint32_t n;
		float alpha;
	} args = {buffer(n * n), buffer(n * n), buffer(n * n), n, 0.5f};

	for (unsigned b = 0; b < 2; b++)
		make_floats(b);
	launch(kernel, 3, 3, 1, &args, sizeof(args));
	finish();
	for (uint32_t i = 0; i < n * n; i++) {
		float sum = 0.0f;

		for (uint32_t k = 0; k < n; k++)
			sum += float_at(0, i / n * n + k) * float_at(1, k * n + i % n);
		ck_assert_msg(float_at(2, i) == 0.5f * sum, "cell %u is %g, expected %g", i, (double)float_at(2, i),
			      (double)(0.5f * sum));
	}
}

START_TEST(matmul_naive)
{
	matmul("build/shaders/matmul.dfi");
}
END_TEST

START_TEST(matmul_tiled)
{
	matmul("build/shaders/matmul_tiled.dfi");
}
END_TEST

/* Arguments in memory behind a 32-bit pointer, and the grid in registers. */
START_TEST(many_arguments)
{
	struct df_kernel *kernel = load("build/tests/glsl/many.dfi");
	struct {
		uint64_t source, result;
		uint32_t n;
		float scale;
		int32_t shift[3];
		uint32_t table[16];
	} args = {buffer(1100), buffer(1100), 1050, 7.5f, {1, -3, 5}, {0}};
	uint32_t *expected = copy_of(1);

	for (uint32_t i = 0; i < 16; i++)
		args.table[i] = i * i + 100;
	for (uint32_t i = 0; i < 1050; i++) {
		uint32_t value = run.word[0][i];

		expected[i] = value + args.table[i / 64 & 15] * (uint32_t)args.shift[1] + 7 + 1;
	}
	launch(kernel, 6, 3, 1, &args, 100);
	finish();
	equal(1, expected);
	free(expected);
}
END_TEST

START_TEST(scratch)
{
	const uint32_t n = 500, rounds = 333;
	struct df_kernel *kernel = load("build/tests/glsl/scratch.dfi");
	struct {
		uint64_t source, result;
		uint32_t n, rounds;
	} args = {buffer(n), buffer(n), n, rounds};

	launch(kernel, 8, 1, 1, &args, sizeof(args));
	finish();
	for (uint32_t i = 0; i < n; i++) {
		uint32_t table[200], sum = 0;

		for (uint32_t j = 0; j < 200; j++)
			table[j] = run.word[0][(i + j) % n];
		for (uint32_t j = 0; j < rounds; j++)
			table[(table[j % 200] + i) % 200] += table[(i * 7 + j) % 200] ^ j;
		for (uint32_t j = 0; j < 200; j++)
			sum = sum * 31 + table[j];
		ck_assert_msg(run.word[1][i] == sum, "word %u is 0x%x, expected 0x%x", i, run.word[1][i], sum);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("glsl");
	TCase *tcase = tcase_create("glsl");
	SRunner *runner = srunner_create(suite);
	int failed;

	setenv("DRUMFIRE_GPU_LIB", BUILD_DIR "/libdrumfire-gpu.so", 0);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, fill);
	tcase_add_test(tcase, copy);
	tcase_add_test(tcase, saxpy);
	tcase_add_test(tcase, reduce);
	tcase_add_test(tcase, histogram);
	tcase_add_test(tcase, prefix_sum);
	tcase_add_test(tcase, matmul_naive);
	tcase_add_test(tcase, matmul_tiled);
	tcase_add_test(tcase, many_arguments);
	tcase_add_test(tcase, scratch);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

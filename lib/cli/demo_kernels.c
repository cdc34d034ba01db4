/* SPDX-License-Identifier: MIT */
/* Chapter 2: plain kernels in batches, each result checked. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli/demo.h"

#define MAX_BUFFERS 4u

struct job {
	struct demo *demo;
	struct df_code *code;
	struct df_kernel *kernel;
	struct df_batch *batch;
	struct df_bo *bo[MAX_BUFFERS];
	void *map[MAX_BUFFERS];
	struct demo_line line;
};

static int job_begin(struct job *job, struct demo *demo, const char *name, const char *shader, uint32_t launches)
{
	struct df_batch_options options = DF_OPTIONS(options, .reserve_launches = 2 * launches);
	int ret;

	memset(job, 0, sizeof(*job));
	job->demo = demo;
	job->line.name = name;
	ret = demo_load(demo, shader, &job->code, &job->kernel);
	if (!ret)
		ret = df_batch_create(demo->device, &options, &job->batch);
	return ret;
}

static int job_buffer(struct job *job, unsigned i, uint64_t bytes)
{
	struct df_bo_options options = DF_OPTIONS(options, .domain = DF_DOMAIN_HOST_CACHED, .name = job->line.name);
	int ret = df_bo_create(job->demo->device, bytes, &options, &job->bo[i]);

	if (!ret)
		ret = df_bo_map(job->bo[i], &job->map[i]);
	if (!ret)
		memset(job->map[i], 0, bytes);
	return ret;
}

static int job_run(struct job *job)
{
	struct df_batch_info info;
	struct df_fence *fence;
	uint64_t submits, start;
	int ret = df_batch_seal(job->batch);

	if (ret)
		return ret;
	df_batch_get_info(job->batch, &info);
	job->line.launches = info.launches;
	job->line.ib_dwords = info.ib_dwords;
	submits = demo_submits(job->demo);
	start = df_now_ns();
	ret = df_submit(job->demo->context, job->batch, NULL, &fence);
	job->line.submits = demo_submits(job->demo) - submits;
	if (ret)
		return ret;
	ret = df_fence_wait(fence, start + 60000000000ull, NULL);
	job->line.run_ns = df_now_ns() - start;
	df_fence_put(fence);
	return ret;
}

static int job_end(struct job *job, int ret)
{
	if (!ret)
		demo_print(job->demo, &job->line);
	(void)df_batch_destroy(job->batch);
	for (unsigned i = 0; i < MAX_BUFFERS; i++)
		(void)df_bo_destroy(job->bo[i]);
	(void)df_code_destroy(job->code);
	return ret;
}

/* ---- saxpy: each launch its own 64 elements ---- */

struct saxpy_args {
	uint64_t x, y, z;
	uint32_t n;
	float a;
};

static int saxpy(struct demo *demo, const char *name, uint32_t launches)
{
	const uint32_t n = launches * 64, one[3] = {1, 1, 1};
	struct job job;
	uint64_t start;
	int ret = job_begin(&job, demo, name, "saxpy", launches);

	for (unsigned i = 0; i < 3 && !ret; i++)
		ret = job_buffer(&job, i, (uint64_t)n * sizeof(float));
	if (ret)
		return job_end(&job, ret);
	float *x = job.map[0], *y = job.map[1], *z = job.map[2];
	for (uint32_t i = 0; i < n; i++) {
		x[i] = (float)(demo_mix(1, i) & 0xfff);
		y[i] = (float)(demo_mix(2, i) & 0xfff);
	}
	start = df_now_ns();
	for (uint32_t i = 0; i < launches && !ret; i++) {
		uint64_t at = (uint64_t)i * 64 * sizeof(float);
		struct saxpy_args args = {df_bo_address(job.bo[0]) + at, df_bo_address(job.bo[1]) + at,
					  df_bo_address(job.bo[2]) + at, 64, (float)(i % 100)};

		ret = df_batch_launch(job.batch, job.kernel, one, &args, sizeof(args));
	}
	job.line.record_ns = df_now_ns() - start;
	if (!ret)
		ret = job_run(&job);
	for (uint32_t i = 0; i < n && !ret; i++) {
		/* Whole numbers below 2^24: exact however it is rounded. */
		job.line.checked++;
		job.line.wrong += z[i] != (float)(i / 64 % 100) * x[i] + y[i];
	}
	return job_end(&job, ret);
}

/* ---- matmul: small products, one launch each ---- */

struct matmul_args {
	uint64_t a, b, c;
	uint32_t n;
	float alpha;
};

static int matmul(struct demo *demo, const char *name, const char *shader, uint32_t n, uint32_t launches)
{
	const uint32_t cells = n * n, grid[3] = {(n + 15) / 16, (n + 15) / 16, 1};
	struct job job;
	uint64_t start;
	int ret = job_begin(&job, demo, name, shader, launches);

	for (unsigned i = 0; i < 3 && !ret; i++)
		ret = job_buffer(&job, i, (uint64_t)cells * launches * sizeof(float));
	if (ret)
		return job_end(&job, ret);
	float *a = job.map[0], *b = job.map[1], *c = job.map[2];
	for (uint32_t i = 0; i < cells * launches; i++) {
		a[i] = (float)(demo_mix(3, i) % 17);
		b[i] = (float)(demo_mix(4, i) % 19);
	}
	start = df_now_ns();
	for (uint32_t i = 0; i < launches && !ret; i++) {
		uint64_t at = (uint64_t)i * cells * sizeof(float);
		struct matmul_args args = {df_bo_address(job.bo[0]) + at, df_bo_address(job.bo[1]) + at,
					   df_bo_address(job.bo[2]) + at, n, 2.0f};

		ret = df_batch_launch(job.batch, job.kernel, grid, &args, sizeof(args));
	}
	job.line.record_ns = df_now_ns() - start;
	if (!ret)
		ret = job_run(&job);
	for (uint32_t i = 0; i < cells * launches && !ret; i++) {
		uint32_t base = i / cells * cells, row = i % cells / n, column = i % n;
		float sum = 0;

		for (uint32_t k = 0; k < n; k++)
			sum += a[base + row * n + k] * b[base + k * n + column];
		job.line.checked++;
		job.line.wrong += c[i] != 2 * sum;
	}
	return job_end(&job, ret);
}

/* ---- reduction and histogram: each launch a stretch of the input, adding into its own result ---- */

/* The argument block ends behind n: what the compiler pads the struct with is not part of it. */
struct words_args {
	uint64_t source, result;
	uint32_t n;
};
#define WORDS_ARGS_B (offsetof(struct words_args, n) + sizeof(uint32_t))

#define STRETCH 4096u

/* results: words that each launch adds to. */
static int words(struct demo *demo, const char *name, const char *shader, uint32_t launches, uint32_t results,
		 void (*expect)(const uint32_t *source, uint32_t *result))
{
	const uint32_t grid[3] = {2, 1, 1};
	uint32_t *expected = calloc(results, sizeof(*expected));
	struct job job;
	uint64_t start;
	int ret = job_begin(&job, demo, name, shader, launches);

	if (!ret)
		ret = job_buffer(&job, 0, (uint64_t)launches * STRETCH * 4);
	if (!ret)
		ret = job_buffer(&job, 1, (uint64_t)launches * results * 4);
	if (ret || !expected) {
		free(expected);
		return job_end(&job, ret ? ret : -ENOMEM);
	}
	uint32_t *source = job.map[0], *result = job.map[1];
	for (uint32_t i = 0; i < launches * STRETCH; i++)
		source[i] = demo_mix(5, i);
	start = df_now_ns();
	for (uint32_t i = 0; i < launches && !ret; i++) {
		struct words_args args = {df_bo_address(job.bo[0]) + (uint64_t)i * STRETCH * 4,
					  df_bo_address(job.bo[1]) + (uint64_t)i * results * 4, STRETCH};

		ret = df_batch_launch(job.batch, job.kernel, grid, &args, WORDS_ARGS_B);
	}
	job.line.record_ns = df_now_ns() - start;
	if (!ret)
		ret = job_run(&job);
	for (uint32_t i = 0; i < launches && !ret; i++) {
		memset(expected, 0, results * sizeof(*expected));
		expect(source + (size_t)i * STRETCH, expected);
		for (uint32_t k = 0; k < results; k++)
			job.line.wrong += result[(size_t)i * results + k] != expected[k];
		job.line.checked += results;
	}
	free(expected);
	return job_end(&job, ret);
}

static void expect_sum(const uint32_t *source, uint32_t *result)
{
	for (uint32_t i = 0; i < STRETCH; i++)
		*result += source[i];
}

static void expect_histogram(const uint32_t *source, uint32_t *result)
{
	for (uint32_t i = 0; i < STRETCH; i++)
		for (unsigned byte = 0; byte < 4; byte++)
			result[source[i] >> (8 * byte) & 0xff]++;
}

/* ---- prefix sum of 64 Ki words: three launches, each behind the one before ---- */

struct scan_args {
	uint64_t source, result, totals;
	uint32_t n;
};
#define SCAN_ARGS_B (offsetof(struct scan_args, n) + sizeof(uint32_t))

#define SCAN_GROUPS 256u
#define SCAN_N      (SCAN_GROUPS * 256u)

static int record_scan(struct job *job, struct df_kernel *add)
{
	const uint64_t source = df_bo_address(job->bo[0]), result = df_bo_address(job->bo[1]);
	const uint64_t totals = df_bo_address(job->bo[2]), sums = totals + SCAN_GROUPS * 4;
	const struct scan_args first = {source, result, totals, SCAN_N};
	const struct scan_args second = {totals, sums, sums + SCAN_GROUPS * 4, SCAN_GROUPS};
	const struct words_args third = {result, sums, SCAN_N};
	const uint32_t all[3] = {SCAN_GROUPS, 1, 1}, one[3] = {1, 1, 1};
	int ret;

	if ((ret = df_batch_launch(job->batch, job->kernel, all, &first, SCAN_ARGS_B)) ||
	    (ret = df_batch_barrier(job->batch)) ||
	    (ret = df_batch_launch(job->batch, job->kernel, one, &second, SCAN_ARGS_B)) ||
	    (ret = df_batch_barrier(job->batch)))
		return ret;
	return df_batch_launch(job->batch, add, all, &third, WORDS_ARGS_B);
}

static int scan(struct demo *demo, const char *name)
{
	struct df_code *add_code = NULL;
	struct df_kernel *add = NULL;
	struct job job;
	uint64_t start;
	uint32_t sum = 0;
	int ret = job_begin(&job, demo, name, "scan", 3);

	if (!ret)
		ret = demo_load(demo, "scan_add", &add_code, &add);
	for (unsigned i = 0; i < 3 && !ret; i++)
		ret = job_buffer(&job, i, SCAN_N * 4);
	if (!ret) {
		for (uint32_t i = 0; i < SCAN_N; i++)
			((uint32_t *)job.map[0])[i] = demo_mix(6, i);
		start = df_now_ns();
		ret = record_scan(&job, add);
		job.line.record_ns = df_now_ns() - start;
	}
	if (!ret)
		ret = job_run(&job);
	for (uint32_t i = 0; i < SCAN_N && !ret; i++) {
		sum += ((const uint32_t *)job.map[0])[i];
		job.line.wrong += ((const uint32_t *)job.map[1])[i] != sum;
		job.line.checked++;
	}
	ret = job_end(&job, ret);
	(void)df_code_destroy(add_code);
	return ret;
}

int demo_kernels(struct demo *demo)
{
	int ret;

	demo_head("2. Plain kernels in batches, one submission each");
	if ((ret = saxpy(demo, "saxpy, 64 elements a launch", 4000)) ||
	    (ret = words(demo, "sum of 4 Ki words", "reduce", 200, 1, expect_sum)) ||
	    (ret = words(demo, "histogram of 4 Ki words", "histogram", 100, 256, expect_histogram)) ||
	    (ret = scan(demo, "prefix sum of 64 Ki words")) || (ret = matmul(demo, "matmul 32 x 32", "matmul", 32, 64)))
		return ret;
	return matmul(demo, "matmul 32 x 32 in tiles", "matmul_tiled", 32, 64);
}

// SPDX-License-Identifier: MIT
/*
 * drumfire's side of scripts/bench.
 *
 *   bench_df record N IMAGE   records N launches with 32 bytes of arguments that differ each time
 *   bench_df marked N IMAGE   the same with a barrier behind each and a progress marker at every MARKERS launches
 *                             (environment; 0: none)
 *   bench_df submit N IMAGE   submits one sealed batch of LAUNCHES launches (environment; 1) N times after a first,
 *                             waiting each time
 *   bench_df side ROUNDS IMAGE  ROUNDS times: records SIDE_N launches (environment), submits, waits (side.h)
 *   bench_df counts IMAGE     prints a line "name, tab, count" each: ioctls a submission and its IBs, heap allocations,
 *                             dwords of a further launch with nothing, one and eight arguments changed, of a barrier,
 *                             bytes written elsewhere
 *   bench_df run KIND IMAGE   KIND saxpy (1 Mi elements) or matmul (512 x 512): best time of 5 in ns, checked
 */
#include "drumfire.h"
#include "side.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct args {
	uint64_t x, y, z;
	uint32_t n;
	float a;
};

static struct df_device *device;
static struct df_code *code;
static struct df_kernel *kernel;
static struct df_context *context;

/* Heap allocations that the library makes (not what a soft node does below its ioctl), counted in front of libc's. */
static _Thread_local unsigned long heap_calls;
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

static bool is_library(const void *caller)
{
	Dl_info info;

	return dladdr(caller, &info) && info.dli_fname && strstr(info.dli_fname, "libdrumfire.so");
}

void *malloc(size_t bytes)
{
	heap_calls += is_library(__builtin_return_address(0));
	return __libc_malloc(bytes);
}

void *calloc(size_t n, size_t bytes)
{
	heap_calls += is_library(__builtin_return_address(0));
	return __libc_calloc(n, bytes);
}

void *realloc(void *old, size_t bytes)
{
	heap_calls += is_library(__builtin_return_address(0));
	return __libc_realloc(old, bytes);
}

static void must(int ret, const char *what)
{
	if (ret) {
		fprintf(stderr, "%s: %s\n", what, df_error());
		exit(1);
	}
}

static void open_all(const char *path)
{
	static char image[1 << 20];
	FILE *file = fopen(path, "rb");
	size_t size = file ? fread(image, 1, sizeof(image), file) : 0;
	const char *name = getenv("DRUMFIRE_DEVICE");

	if (file)
		fclose(file);
	must(df_device_open(name ? name : "soft:gfx1030", NULL, &device), "device");
	must(df_code_create(device, image, size, &code), "code");
	must(df_code_kernel(code, NULL, &kernel), "kernel");
	must(df_context_create(device, NULL, &context), "context");
}

static struct df_bo *make_bo(uint64_t bytes, void **map_out)
{
	struct df_bo_options options = DF_OPTIONS(options, .domain = DF_DOMAIN_HOST_CACHED);
	struct df_bo *bo;

	must(df_bo_create(device, bytes, &options, &bo), "bo");
	must(df_bo_map(bo, map_out), "map");
	return bo;
}

static struct df_batch *make_marked(uint32_t launches, uint32_t interval)
{
	struct df_batch_options options =
		DF_OPTIONS(options, .reserve_launches = launches, .marker_interval = interval);
	struct df_batch *batch;

	must(df_batch_create(device, &options, &batch), "batch");
	return batch;
}

static struct df_batch *make_batch(uint32_t launches)
{
	return make_marked(launches, 0);
}

static uint64_t ioctls(void)
{
	struct df_counter counters[64];
	unsigned count = df_device_counters(device, counters, 64);
	uint64_t sum = 0;

	for (unsigned i = 0; i < count && i < 64; i++)
		sum += counters[i].value;
	return sum;
}

static uint64_t dwords(const struct df_batch *batch)
{
	struct df_batch_info info;

	df_batch_get_info(batch, &info);
	return info.ib_dwords;
}

/* pause_us between submission and wait: time enough for the job, so that the wait finds it done and does not poll. */
static void submit_and_wait(struct df_batch *batch, unsigned pause_us)
{
	struct df_fence *fence;

	must(df_submit(context, batch, NULL, &fence), "submit");
	if (pause_us)
		usleep(pause_us);
	must(df_fence_wait(fence, DF_FOREVER, NULL), "wait");
	df_fence_put(fence);
}

static const uint32_t one[3] = {1, 1, 1};

static void launch(struct df_batch *batch, const struct args *args)
{
	must(df_batch_launch(batch, kernel, one, args, sizeof(*args)), "launch");
}

static void count_ioctls(uint32_t launches, const struct args *args)
{
	struct df_batch *batch = make_batch(launches);
	struct df_batch_info info;
	struct df_fence *fence;

	for (uint32_t i = 0; i < launches; i++)
		launch(batch, args);
	must(df_batch_seal(batch), "seal");
	df_batch_get_info(batch, &info);
	uint64_t before = ioctls();
	must(df_submit(context, batch, NULL, &fence), "submit");
	printf("ioctls %u\t%llu\nibs %u\t%u\n", launches, (unsigned long long)(ioctls() - before), launches,
	       info.ib_count);
	must(df_fence_wait(fence, DF_FOREVER, NULL), "wait");
	df_fence_put(fence);
	must(df_batch_destroy(batch), "batch");
}

/* Dwords of 640 launches, each with a barrier behind it. */
static uint64_t marked_dwords(uint32_t interval, const struct args *args)
{
	struct df_batch *batch = make_marked(640, interval);
	uint64_t dw;

	for (unsigned i = 0; i < 640; i++) {
		launch(batch, args);
		must(df_batch_barrier(batch), "barrier");
	}
	dw = dwords(batch);
	must(df_batch_destroy(batch), "batch");
	return dw;
}

static void count_markers(const struct args *args)
{
	static const uint32_t intervals[] = {1, 64};
	uint64_t none = marked_dwords(0, args);

	for (unsigned i = 0; i < 2; i++)
		printf("marker %u\t%g\n", intervals[i], (double)(marked_dwords(intervals[i], args) - none) / 640);
}

static int counts(void)
{
	void *map;
	struct df_bo *bo = make_bo(1 << 16, &map);
	struct args args = {df_bo_address(bo), df_bo_address(bo), df_bo_address(bo), 0, 1};
	struct df_batch *batch = make_batch(64);
	struct df_batch_info info;

	launch(batch, &args);
	uint64_t start = dwords(batch);
	launch(batch, &args);
	uint64_t same = dwords(batch);
	args.n = 1;
	launch(batch, &args);
	uint64_t one_arg = dwords(batch);
	args = (struct args){args.x + 4, args.y + 8, args.z + 12, 2, 3};
	uint32_t *raw = (uint32_t *)&args;
	raw[1] ^= 1; /* the high halves too: all eight dwords differ */
	raw[3] ^= 1;
	raw[5] ^= 1;
	launch(batch, &args);
	uint64_t eight = dwords(batch);
	must(df_batch_barrier(batch), "barrier");
	uint64_t barrier = dwords(batch);
	df_batch_get_info(batch, &info);
	printf("same\t%llu\n", (unsigned long long)(same - start));
	printf("one\t%llu\n", (unsigned long long)(one_arg - same));
	printf("eight\t%llu\n", (unsigned long long)(eight - one_arg));
	printf("barrier\t%llu\n", (unsigned long long)(barrier - eight));
	printf("elsewhere\t%llu\n", (unsigned long long)info.args_B);
	must(df_batch_destroy(batch), "batch");

	args = (struct args){df_bo_address(bo), df_bo_address(bo), df_bo_address(bo), 0, 1};
	batch = make_batch(1000);
	must(df_batch_seal(batch), "seal");
	submit_and_wait(batch, 0);
	must(df_batch_reset(batch), "reset");
	struct df_patch patch;
	unsigned long before = heap_calls;
	must(df_batch_patch_args(batch, 24, 4, &patch), "patch");
	for (int i = 0; i < 1000; i++) {
		args.a = (float)i;
		launch(batch, &args);
	}
	must(df_batch_seal(batch), "seal");
	for (uint32_t i = 0; i < 8; i++) {
		uint32_t none = 0;
		df_patch_store(&patch, &none);
		submit_and_wait(batch, 0);
	}
	printf("heap\t%lu\n", heap_calls - before); /* recorded, sealed, then patched, submitted, waited for 8 times */
	must(df_batch_destroy(batch), "batch");
	count_markers(&args);
	count_ioctls(1, &args);
	count_ioctls(1000, &args);
	count_ioctls(1000000, &args);
	must(df_bo_destroy(bo), "bo");
	return 0;
}

static int run(const char *kind)
{
	int saxpy = !strcmp(kind, "saxpy");
	uint32_t n = saxpy ? 1 << 20 : 512;
	size_t count = saxpy ? n : (size_t)n * n;
	void *maps[3];
	struct df_bo *bos[3];
	uint64_t best = UINT64_MAX;
	int failed = 0;

	for (int i = 0; i < 3; i++)
		bos[i] = make_bo(count * 4, &maps[i]);
	float *x = maps[0], *y = maps[1], *z = maps[2];
	for (size_t i = 0; i < count; i++) {
		x[i] = (float)(i % 17);
		y[i] = (float)(i % 13);
	}
	struct args args = {df_bo_address(bos[0]), df_bo_address(bos[1]), df_bo_address(bos[2]), n, 2};
	const uint32_t grid[3] = {saxpy ? n / 64 : n / 16, saxpy ? 1 : n / 16, 1};
	struct df_batch *batch = make_batch(1);
	must(df_batch_launch(batch, kernel, grid, &args, sizeof(args)), "launch");
	must(df_batch_seal(batch), "seal");
	for (int i = 0; i < 6; i++) {
		uint64_t start = df_now_ns();
		submit_and_wait(batch, 0);
		uint64_t took = df_now_ns() - start;
		if (i && took < best)
			best = took;
	}
	for (size_t i = 0; i < count && !failed; i += 997) {
		float want = 0;
		if (saxpy) {
			want = 2 * x[i] + y[i];
		} else {
			for (uint32_t k = 0; k < n; k++)
				want += x[i / n * n + k] * y[k * n + i % n];
			want *= 2;
		}
		if (!(fabsf(z[i] - want) <= fabsf(want) * 1e-4f)) {
			fprintf(stderr, "%s: element %zu is %g, want %g\n", kind, i, (double)z[i], (double)want);
			failed = 1;
		}
	}
	must(df_batch_destroy(batch), "batch");
	for (int i = 0; i < 3; i++)
		must(df_bo_destroy(bos[i]), "bo");
	if (!failed)
		printf("%llu\n", (unsigned long long)best);
	return failed;
}

static uint32_t from_environment(const char *name, uint32_t otherwise)
{
	const char *value = getenv(name);

	return value ? (uint32_t)strtoul(value, NULL, 10) : otherwise;
}

static int record_or_submit(const char *mode, uint32_t n)
{
	uint32_t launches = strcmp(mode, "submit") != 0 ? n : from_environment("LAUNCHES", 1);
	int marked = !strcmp(mode, "marked"), record = marked || !strcmp(mode, "record");
	const char *interval = getenv("MARKERS");
	void *map;
	struct df_bo *bo = make_bo(4096, &map);
	struct args args = {df_bo_address(bo), df_bo_address(bo), df_bo_address(bo), 0, 2};
	struct df_batch *batch = make_marked(launches, marked && interval ? (uint32_t)strtoul(interval, NULL, 10) : 0);

	for (uint32_t i = 0; i < launches; i++) {
		args.x += 4;
		args.y += 4;
		args.z += 4;
		args.a += 1;
		launch(batch, &args);
		if (marked)
			must(df_batch_barrier(batch), "barrier");
	}
	must(df_batch_seal(batch), "seal");
	uint64_t start = df_now_ns();
	if (!record)
		submit_and_wait(batch, 0);
	unsigned pause_us = 2000 + (unsigned)((df_now_ns() - start) / 1000) * 2;
	for (uint32_t i = 0; !record && i < n; i++)
		submit_and_wait(batch, pause_us);
	must(df_batch_destroy(batch), "batch");
	must(df_bo_destroy(bo), "bo");
	return 0;
}

/* The three parts of a round, each its own function so that a profiler can count what is below it. */
__attribute__((noinline)) void side_record(struct df_batch *batch, struct args args, unsigned launches);
__attribute__((noinline)) void side_record(struct df_batch *batch, struct args args, unsigned launches)
{
	must(df_batch_reset(batch), "reset");
	for (unsigned i = 0; i < launches; i++) {
		args.a = (float)i;
		launch(batch, &args);
		args.x += SIDE_FLOATS * 4;
		args.y += SIDE_FLOATS * 4;
		args.z += SIDE_FLOATS * 4;
	}
	must(df_batch_seal(batch), "seal");
}

__attribute__((noinline)) void side_submit(struct df_batch *batch, struct df_fence **fence_out);
__attribute__((noinline)) void side_submit(struct df_batch *batch, struct df_fence **fence_out)
{
	must(df_submit(context, batch, NULL, fence_out), "submit");
}

__attribute__((noinline)) void side_wait(struct df_fence *fence);
__attribute__((noinline)) void side_wait(struct df_fence *fence)
{
	must(df_fence_wait(fence, DF_FOREVER, NULL), "wait");
	df_fence_put(fence);
}

static void side_round(struct df_batch *batch, const struct args *args, unsigned launches, unsigned pause_us)
{
	struct df_fence *fence;

	side_record(batch, *args, launches);
	side_submit(batch, &fence);
	if (pause_us)
		usleep(pause_us);
	side_wait(fence);
}

static int side(unsigned rounds)
{
	const unsigned launches = side_number("SIDE_N", 1), pause_us = side_number("SIDE_PAUSE_US", 0);
	struct side side = {.ns = calloc(rounds + 1, sizeof(*side.ns))};
	struct df_batch *batch = make_batch(SIDE_MAX);
	struct df_bo *bos[3];
	void *maps[3];
	uint64_t before;
	int ret = 0;

	for (int i = 0; i < 3; i++)
		bos[i] = make_bo(SIDE_MAX * SIDE_FLOATS * 4, &maps[i]);
	side_fill(maps[0], maps[1]);
	struct args args = {df_bo_address(bos[0]), df_bo_address(bos[1]), df_bo_address(bos[2]), SIDE_FLOATS, 0};
	for (unsigned i = 0; rounds && !pause_us && i < SIDE_WARM; i++)
		side_round(batch, &args, launches, 0);
	before = ioctls();
	for (unsigned i = 0; i < rounds; i++) {
		side_begin(&side);
		side_round(batch, &args, launches, pause_us);
		side_end(&side);
	}
	if (rounds) {
		side_print(&side, ioctls() - before, dwords(batch) * rounds);
		ret = side_check(maps[0], maps[1], maps[2], launches);
	}
	must(df_batch_destroy(batch), "batch");
	for (int i = 0; i < 3; i++)
		must(df_bo_destroy(bos[i]), "bo");
	free(side.ns);
	return ret;
}

int main(int argc, char **argv)
{
	int ret;

	if (argc < 3) {
		fprintf(stderr, "usage: bench_df record N IMAGE | marked N IMAGE | submit N IMAGE | run saxpy|matmul "
				"IMAGE | side ROUNDS IMAGE | counts IMAGE\n");
		return 2;
	}
	open_all(argv[argc - 1]);
	if (!strcmp(argv[1], "counts"))
		ret = counts();
	else if (!strcmp(argv[1], "run"))
		ret = run(argv[2]);
	else if (!strcmp(argv[1], "side"))
		ret = side((unsigned)strtoul(argv[2], NULL, 10));
	else
		ret = record_or_submit(argv[1], (uint32_t)strtoul(argv[2], NULL, 10));
	must(df_context_destroy(context), "context");
	must(df_code_destroy(code), "code");
	must(df_device_close(device), "device");
	return ret;
}

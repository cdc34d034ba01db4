/* SPDX-License-Identifier: MIT */
/*
 * Kernels that clang compiled from OpenCL C, at -O0 and -O3, for waves of 32 and of 64, against the same source
 * compiled for the host. DRUMFIRE_DEVICE names another device than the software GPU.
 */
#include <check.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drumfire.h"
#include "image/clang_table.h"

#define IMAGES      "build/tests/cl"
#define EXPECTED    "build/tests/cl/expected"
#define GUARD_B     256 /* behind each buffer: what no kernel may touch */
#define GUARD_BYTE  0xa5
#define DEADLINE_NS 60000000000ull
#define MAX_ARGS_B  256
#define LOCAL_B     512

static const struct {
	const char *suffix;
	uint32_t wave_size;
} builds[] = {{"O0-w32", 32}, {"O0-w64", 64}, {"O3-w32", 32}, {"O3-w64", 64}};

/* Buffers of one kernel: out, a and b. */
struct buffers {
	enum element element[3];
	uint32_t count[3];
	size_t size_B[3];
	uint8_t *data[3];
};

static void make_buffers(const struct clang_kernel *kernel, struct buffers *buffers)
{
	*buffers = (struct buffers){.element = {kernel->out, kernel->a, kernel->b},
				    .count = {kernel->out_count, kernel->a_count, kernel->b_count}};
	for (unsigned i = 0; i < 3; i++) {
		buffers->size_B[i] = (size_t)buffers->count[i] * element_size_B(buffers->element[i]);
		buffers->data[i] = malloc(buffers->size_B[i] + GUARD_B);
		ck_assert_ptr_nonnull(buffers->data[i]);
		element_fill(buffers->element[i], buffers->data[i], buffers->count[i], i + 1);
		memset(buffers->data[i] + buffers->size_B[i], GUARD_BYTE, GUARD_B);
	}
}

static void free_buffers(struct buffers *buffers)
{
	for (unsigned i = 0; i < 3; i++)
		free(buffers->data[i]);
}

static const struct twin_values values = {
	.options = {.scale = 1.5f, .shift = 9, .bias = -77, .flags = {3, 200, 17}, .offset = 0.125},
	.h = 0x4248, /* 3.140625 */
	.d = -1e6,
	.l = 0x123456789abll,
	.c = -5,
};

/*
 * clang compiles OpenCL C for x86-64 hosts. Tests of other builds (under an emulator) read what the twins gave on the
 * host that built them: EXPECTED holds the out buffers of all kernels for waves of 32, then of 64.
 */
#if defined(__x86_64__) && !defined(READ_EXPECTED)
static void run_native(const struct clang_kernel *kernel, uint32_t wave_size, struct buffers *buffers)
{
	struct twin_launch launch = {
		.kernel = kernel->name,
		.signature = kernel->signature,
		.wave_size = wave_size,
		.out = buffers->data[0],
		.a = buffers->data[1],
		.b = buffers->data[2],
		.n = kernel->n,
		.k = kernel->k,
		.values = values,
		.local_B = LOCAL_B,
	};
	void *library = dlopen(BUILD_DIR "/tests/cl/native.so", RTLD_NOW | RTLD_LOCAL);
	void *symbol;
	twin_run_fn *run;

	ck_assert_msg(library != NULL, "%s", library ? "" : dlerror());
	symbol = dlsym(library, "twin_run");
	ck_assert_ptr_nonnull(symbol);
	memcpy(&run, &symbol, sizeof(run));
	memcpy(launch.grid, kernel->grid, sizeof(launch.grid));
	memcpy(launch.block, kernel->block, sizeof(launch.block));
	ck_assert_int_eq(run(&launch), 0);
	dlclose(library);
}
#else
static void run_native(const struct clang_kernel *kernel, uint32_t wave_size, struct buffers *buffers)
{
	FILE *file = fopen(EXPECTED, "rb");
	long all = 0, before = 0;

	for (unsigned i = 0; i < clang_kernel_count; i++) {
		const struct clang_kernel *row = &clang_kernels[i];

		if (row == kernel)
			before = all;
		all += (long)(row->out_count * element_size_B(row->out));
	}
	ck_assert_msg(file != NULL, "%s is missing: make test-kernels", EXPECTED);
	ck_assert_int_eq(fseek(file, before + (wave_size == 64 ? all : 0), SEEK_SET), 0);
	ck_assert_uint_eq(fread(buffers->data[0], 1, buffers->size_B[0], file), buffers->size_B[0]);
	fclose(file);
}
#endif

static const char *write_to;

/* Not a test: writes what the other run_native() reads. */
START_TEST(write_expected)
{
	FILE *file = fopen(write_to, "wb");

	ck_assert_ptr_nonnull(file);
	for (uint32_t wave_size = 32; wave_size <= 64; wave_size += 32) {
		for (unsigned i = 0; i < clang_kernel_count; i++) {
			struct buffers buffers;

			make_buffers(&clang_kernels[i], &buffers);
			run_native(&clang_kernels[i], wave_size, &buffers);
			ck_assert_uint_eq(fwrite(buffers.data[0], 1, buffers.size_B[0], file), buffers.size_B[0]);
			free_buffers(&buffers);
		}
	}
	ck_assert_int_eq(fclose(file), 0);
}
END_TEST

/* ---- the GPU's side ---- */

static void must(int ret, const char *what)
{
	ck_assert_msg(ret == 0, "%s: %d: %s", what, ret, df_error());
}

static void put(uint8_t *args, const struct df_arg_info *info, const void *value, size_t size_B)
{
	ck_assert_uint_eq(info->arg_size_B, size_B);
	ck_assert_uint_le(info->offset_B + size_B, MAX_ARGS_B);
	memcpy(args + info->offset_B, value, size_B);
}

/* The argument block, as the image lays it out. */
static size_t make_args(struct df_kernel *gpu, const struct clang_kernel *kernel, const uint64_t address[3],
			uint8_t *args)
{
	const uint32_t local_B = LOCAL_B;
	const void *plain[] = {&address[0], &address[1], &address[2], &kernel->n, &kernel->k};
	const size_t plain_B[] = {8, 8, 8, 4, 4};
	const void *by_value[] = {&values.options, &values.h, &values.d, &values.l, &values.c};
	const size_t by_value_B[] = {sizeof(values.options), 2, 8, 8, 1};
	struct df_kernel_info info;
	struct df_arg_info arg;

	must(df_kernel_get_info(gpu, &info), "kernel info");
	ck_assert_uint_le(info.args_size_B, MAX_ARGS_B);
	ck_assert_uint_eq(info.arg_count, kernel->signature == TWIN_PLAIN    ? 5
					  : kernel->signature == TWIN_VALUES ? 10
									     : 7);
	for (unsigned i = 0; i < info.arg_count; i++) {
		must(df_kernel_get_arg(gpu, i, &arg), "argument");
		if (i < 5)
			put(args, &arg, plain[i], plain_B[i]);
		else if (kernel->signature == TWIN_VALUES)
			put(args, &arg, by_value[i - 5], by_value_B[i - 5]);
		else
			put(args, &arg, &local_B, sizeof(local_B));
	}
	return info.args_size_B;
}

static void *read_file(const char *path, size_t *size_out)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	long size = -1;

	ck_assert_msg(file != NULL, "%s is missing: make test-kernels", path);
	if (fseek(file, 0, SEEK_END) == 0)
		size = ftell(file);
	ck_assert_int_gt(size, 0);
	data = malloc((size_t)size);
	rewind(file);
	ck_assert_uint_eq(fread(data, 1, (size_t)size, file), (size_t)size);
	fclose(file);
	*size_out = (size_t)size;
	return data;
}

static struct df_code *load(struct df_device *device, const struct clang_kernel *kernel, const char *suffix)
{
	char path[256];
	struct df_code *code;
	size_t size;
	void *data;

	snprintf(path, sizeof(path), IMAGES "/%s-%s.dfi", kernel->file, suffix);
	data = read_file(path, &size);
	must(df_code_create(device, data, size, &code), path);
	free(data);
	return code;
}

static void run_and_wait(struct df_device *device, struct df_kernel *gpu, const struct clang_kernel *kernel,
			 const void *args, size_t args_B)
{
	struct df_batch *batch;
	struct df_context *context;
	struct df_fence *fence;

	must(df_batch_create(device, NULL, &batch), "batch");
	must(df_context_create(device, NULL, &context), "context");
	must(df_batch_launch(batch, gpu, kernel->grid, args, args_B), "launch");
	must(df_batch_seal(batch), "seal");
	must(df_submit(context, batch, NULL, &fence), "submit");
	must(df_fence_wait(fence, df_now_ns() + DEADLINE_NS, NULL), "wait");
	df_fence_put(fence);
	must(df_context_destroy(context), "context");
	must(df_batch_destroy(batch), "batch");
}

static void run_gpu(const struct clang_kernel *kernel, unsigned build, struct buffers *buffers)
{
	const char *name = getenv("DRUMFIRE_DEVICE");
	struct df_bo_options options = DF_OPTIONS(options, .domain = DF_DOMAIN_HOST_CACHED);
	uint8_t args[MAX_ARGS_B] = {0};
	struct df_device *device;
	struct df_code *code;
	struct df_kernel *any, *gpu;
	struct df_bo *bo[3];
	uint64_t address[3];
	size_t args_B;

	must(df_device_open(name && *name ? name : "soft:gfx1030", NULL, &device), "device");
	code = load(device, kernel, builds[build].suffix);
	must(df_code_kernel(code, kernel->name, &any), kernel->name);
	must(df_kernel_with_block(any, kernel->block, 0, &gpu), "block");
	for (unsigned i = 0; i < 3; i++) {
		must(df_bo_create(device, buffers->size_B[i] + GUARD_B, &options, &bo[i]), "bo");
		must(df_bo_write(bo[i], 0, buffers->data[i], buffers->size_B[i] + GUARD_B), "write");
		address[i] = df_bo_address(bo[i]);
	}
	args_B = make_args(gpu, kernel, address, args);
	run_and_wait(device, gpu, kernel, args, args_B);
	for (unsigned i = 0; i < 3; i++) {
		must(df_bo_read(bo[i], 0, buffers->data[i], buffers->size_B[i] + GUARD_B), "read");
		must(df_bo_destroy(bo[i]), "bo");
	}
	must(df_code_destroy(code), "code");
	must(df_device_close(device), "device");
}

/* ---- comparison ---- */

static bool near(double got, double expected, double tolerance)
{
	return fabs(got - expected) <= tolerance * fmax(1.0, fabs(expected));
}

static void compare(const struct clang_kernel *kernel, const struct buffers *got, const struct buffers *expected)
{
	uint32_t size_B = element_size_B(kernel->out);

	for (uint32_t i = 0; i < kernel->out_count; i++) {
		const uint8_t *g = got->data[0] + (size_t)i * size_B, *e = expected->data[0] + (size_t)i * size_B;
		double gv = element_value(kernel->out, got->data[0], i),
		       ev = element_value(kernel->out, expected->data[0], i);
		uint64_t gbits = 0, ebits = 0;

		memcpy(&gbits, g, size_B);
		memcpy(&ebits, e, size_B);
		if (kernel->tolerance == 0)
			ck_assert_msg(gbits == ebits, "%s: out[%u] is 0x%llx (%g), expected 0x%llx (%g)", kernel->name,
				      i, (unsigned long long)gbits, gv, (unsigned long long)ebits, ev);
		else
			ck_assert_msg(near(gv, ev, kernel->tolerance), "%s: out[%u] is %.9g, expected %.9g",
				      kernel->name, i, gv, ev);
	}
	for (unsigned b = 0; b < 3; b++) {
		for (uint32_t i = 0; i < GUARD_B; i++)
			ck_assert_msg(got->data[b][got->size_B[b] + i] == GUARD_BYTE,
				      "%s wrote %u bytes behind buffer %u", kernel->name, i, b);
	}
	for (unsigned b = 1; b < 3; b++)
		ck_assert_mem_eq(got->data[b], expected->data[b], got->size_B[b]);
}

START_TEST(kernel)
{
	unsigned build = (unsigned)_i / clang_kernel_count;
	const struct clang_kernel *row = &clang_kernels[(unsigned)_i % clang_kernel_count];
	struct buffers got, expected;

	make_buffers(row, &got);
	make_buffers(row, &expected);
	run_native(row, builds[build].wave_size, &expected);
	run_gpu(row, build, &got);
	compare(row, &got, &expected);
	free_buffers(&got);
	free_buffers(&expected);
}
END_TEST

/* The twin itself changes out, so that a GPU that did nothing cannot pass. */
START_TEST(twin_writes)
{
	const struct clang_kernel *row = &clang_kernels[_i];
	struct buffers before, after;

	make_buffers(row, &before);
	make_buffers(row, &after);
	run_native(row, 32, &after);
	ck_assert_mem_ne(before.data[0], after.data[0], before.size_B[0]);
	free_buffers(&before);
	free_buffers(&after);
}
END_TEST

/* test_clang, or test_clang --write FILE */
int main(int argc, char **argv)
{
	Suite *suite = suite_create("clang");
	TCase *twins = tcase_create("twins"), *kernels = tcase_create("kernels");
	SRunner *runner = srunner_create(suite);
	int failed;

	setenv("DRUMFIRE_GPU_LIB", BUILD_DIR "/libdrumfire-gpu.so", 0);
	suite_add_tcase(suite, twins);
	suite_add_tcase(suite, kernels);
	if (argc == 3 && strcmp(argv[1], "--write") == 0) {
		write_to = argv[2];
		tcase_add_test(twins, write_expected);
	} else {
		tcase_add_loop_test(twins, twin_writes, 0, (int)clang_kernel_count);
		tcase_set_timeout(kernels, 120);
		tcase_add_loop_test(kernels, kernel, 0,
				    (int)(clang_kernel_count * (sizeof(builds) / sizeof(builds[0]))));
	}
	srunner_run_all(runner, write_to ? CK_SILENT : CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

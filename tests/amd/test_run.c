/* SPDX-License-Identifier: MIT */
/*
 * Streams run: on the software GPU, or on the device that DRUMFIRE_DEVICE names, which must be a gfx1030. Every result
 * is compared with what the CPU works out.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "kernels.h"

enum { ITEMS = 4096, GROUPS = ITEMS / 64, GUARD = 64 };

static struct df_device *device;
static struct df_context *context;
static struct df_code *code;
static struct df_kernel *affine, *affine_mem, *step, *grid_kernel;
static struct df_bo *out_bo;
static uint32_t *out;
static struct df_batch *batch;

struct args {
	uint64_t out;
	uint32_t a, b;
};

static void must(int ret, const char *what)
{
	ck_assert_msg(ret == 0, "%s: %d %s", what, ret, df_error());
}

static struct fake_kernel spec(unsigned i, const char *name, uint32_t user_sgprs)
{
	return (struct fake_kernel){
		.name = name,
		.k = {.entry_offset = i * 256,
		      .pgm_rsrc1 = 0x602c0000,
		      .pgm_rsrc2 = 0x80 | user_sgprs << 1,
		      .flags = DF_IMAGE_KERNEL_WGP_MODE,
		      .wave_size = 32,
		      .vgprs = 5,
		      .sgprs = 8,
		      .block = {64, 1, 1},
		      .max_flat_size = 64,
		      .args_size_B = 16},
		.sgprs = {{.kind = DF_IMAGE_SGPR_ARG_INLINE, .count = 4}},
		.sgpr_count = 1,
	};
}

static void make_code(void)
{
	struct fake_kernel specs[4] = {spec(0, "affine", 4), spec(1, "affine_mem", 2), spec(2, "step", 4),
				       spec(3, "grid", 5)};
	specs[1].sgprs[0] = (struct df_image_sgpr){.kind = DF_IMAGE_SGPR_KERNARG_PTR, .count = 2};
	specs[1].k.kernarg_size_B = 16;
	specs[1].k.kernarg_align_B = 16;
	specs[3].k.args_size_B = 8;
	specs[3].sgprs[0].count = 2;
	specs[3].sgprs[1] = (struct df_image_sgpr){.kind = DF_IMAGE_SGPR_GRID_SIZE, .first = 2, .count = 3};
	specs[3].sgpr_count = 2;
	size_t bytes;
	void *image = fake_image(specs, 4, "gfx1030", kernel_code, sizeof(kernel_code), &bytes);
	must(df_code_create(device, image, bytes, &code), "df_code_create");
	free(image);
	must(df_code_kernel(code, "affine", &affine), "kernel");
	must(df_code_kernel(code, "affine_mem", &affine_mem), "kernel");
	must(df_code_kernel(code, "step", &step), "kernel");
	must(df_code_kernel(code, "grid", &grid_kernel), "kernel");
}

static struct df_bo *host_bo(uint64_t bytes, uint32_t **map_out)
{
	struct df_bo_options options = DF_OPTIONS(options, .domain = DF_DOMAIN_HOST_CACHED);
	struct df_bo *bo;
	void *map;
	must(df_bo_create(device, bytes, &options, &bo), "df_bo_create");
	must(df_bo_map(bo, &map), "df_bo_map");
	memset(map, 0xee, bytes);
	*map_out = map;
	return bo;
}

static void setup(void)
{
	const char *name = getenv("DRUMFIRE_DEVICE");
	must(df_device_open(name ? name : "soft:gfx1030,strict", NULL, &device), "df_device_open");
	must(df_context_create(device, NULL, &context), "df_context_create");
	make_code();
	out_bo = host_bo(ITEMS * 4 + GUARD, &out);
	must(df_batch_create(device, NULL, &batch), "df_batch_create");
}

/* Whatever ran, the model must have nothing to say of it. */
static void no_findings(void)
{
	char text[256];
	ck_assert_msg(df_device_finding(device, 0, text, sizeof(text)) < 0, "strict finding: %s", text);
}

static void teardown(void)
{
	no_findings();
	must(df_context_destroy(context), "df_context_destroy");
	must(df_batch_destroy(batch), "df_batch_destroy");
	must(df_code_destroy(code), "df_code_destroy");
	must(df_bo_destroy(out_bo), "df_bo_destroy");
	must(df_device_close(device), "df_device_close");
}

static void submit(void)
{
	struct df_fence *fence;
	struct df_wait_info info;
	must(df_submit(context, batch, NULL, &fence), "df_submit");
	int ret = df_fence_wait(fence, df_now_ns() + 60000000000ull, &info);
	ck_assert_msg(ret == 0, "wait: %d, verdict %d, fault 0x%llx, %s", ret, info.verdict,
		      (unsigned long long)info.fault_address, df_error());
	df_fence_put(fence);
}

static void run(void)
{
	must(df_batch_seal(batch), "df_batch_seal");
	submit();
}

static void launch(struct df_kernel *kernel, uint32_t groups, uint32_t a, uint32_t b)
{
	struct args args = {.out = df_bo_address(out_bo), .a = a, .b = b};
	const uint32_t grid[3] = {groups, 1, 1};
	must(df_batch_launch(batch, kernel, grid, &args, sizeof(args)), "df_batch_launch");
}

static void check_affine(uint32_t first, uint32_t count, uint32_t a, uint32_t b)
{
	for (uint32_t i = 0; i < count; i++)
		ck_assert_msg(out[first + i] == a * i + b, "item %u: %u, expected %u", first + i, out[first + i],
			      a * i + b);
}

START_TEST(arguments_in_registers)
{
	launch(affine, GROUPS, 7, 11);
	run();
	check_affine(0, ITEMS, 7, 11);
	ck_assert_uint_eq(out[ITEMS], 0xeeeeeeee);
}
END_TEST

START_TEST(arguments_in_memory)
{
	launch(affine_mem, GROUPS, 5, 3);
	run();
	check_affine(0, ITEMS, 5, 3);
}
END_TEST

/* Every launch writes a piece of its own; kernels take turns, so that state changes back and forth. */
START_TEST(many_launches)
{
	for (uint32_t i = 0; i < GROUPS; i++) {
		struct args args = {.out = df_bo_address(out_bo) + i * 256, .a = i * i, .b = i};
		const uint32_t grid[3] = {1, 1, 1};
		must(df_batch_launch(batch, i % 3 ? affine : affine_mem, grid, &args, sizeof(args)), "launch");
	}
	run();
	for (uint32_t i = 0; i < GROUPS; i++)
		check_affine(i * 64, 64, i * i, i);
}
END_TEST

/* Each launch needs what the one before left. A sealed batch goes on from there when it is submitted again. */
START_TEST(barriers_order)
{
	enum { STEPS = 50 };
	memset(out, 0, ITEMS * 4);
	for (uint32_t i = 0; i < STEPS; i++) {
		launch(step, GROUPS, i, 0);
		must(df_batch_barrier(batch), "barrier");
	}
	run();
	submit();
	uint32_t want = 0;
	for (uint32_t i = 0; i < 2 * STEPS; i++)
		want = want * 3 + i % STEPS;
	for (uint32_t i = 0; i < ITEMS; i++)
		ck_assert_uint_eq(out[i], want);
}
END_TEST

static uint64_t cs_calls(void)
{
	struct df_counter counters[64];
	unsigned count = df_device_counters(device, counters, 64);
	for (unsigned i = 0; i < count && i < 64; i++)
		if (strstr(counters[i].name, "AMDGPU_CS"))
			return counters[i].value;
	return 0;
}

/* A stream of many IBs, in one ioctl, behind a chain of barriers. */
START_TEST(chained_stream_is_one_submission)
{
	enum { LAUNCHES = 30000 };
	memset(out, 0, 256);
	for (uint32_t i = 0; i < LAUNCHES; i++) {
		launch(step, 1, i, 0);
		if (i % 10 == 9)
			must(df_batch_barrier(batch), "barrier");
		else
			launch(affine, 0, 1, 1); /* no workgroups: nothing */
	}
	must(df_batch_reset(batch), "reset");
	for (uint32_t i = 0; i < LAUNCHES; i++) {
		launch(step, 1, i, 0);
		must(df_batch_barrier(batch), "barrier");
	}
	must(df_batch_seal(batch), "seal");
	struct df_batch_info info;
	df_batch_get_info(batch, &info);
	ck_assert_uint_ge(info.ib_count, 3);
	ck_assert_uint_eq(info.launches, LAUNCHES);
	uint64_t before = cs_calls();
	submit();
	ck_assert_uint_eq(cs_calls() - before, 1);
	uint32_t want = 0;
	for (uint32_t i = 0; i < LAUNCHES; i++)
		want = want * 3 + i;
	for (uint32_t i = 0; i < 64; i++)
		ck_assert_uint_eq(out[i], want);
}
END_TEST

START_TEST(grid_from_memory)
{
	uint32_t *map;
	struct df_bo *bo = host_bo(4096, &map);
	struct args args = {.out = df_bo_address(out_bo), .a = 9, .b = 1};
	map[5] = 3, map[6] = 1, map[7] = 1;
	must(df_batch_launch_indirect(batch, affine, bo, 20, &args, sizeof(args)), "indirect");
	run();
	check_affine(0, 3 * 64, 9, 1);
	ck_assert_uint_eq(out[3 * 64], 0xeeeeeeee);
	/* Again with another grid: the batch stays as it is. */
	map[5] = 10;
	submit();
	check_affine(0, 10 * 64, 9, 1);
	ck_assert_uint_eq(out[10 * 64], 0xeeeeeeee);
	must(df_batch_reset(batch), "reset");
	must(df_bo_destroy(bo), "destroy");
}
END_TEST

/* A grid whose X a packet writes and a copy brings, and whose Y and Z an earlier launch writes. */
START_TEST(grid_from_a_launch)
{
	uint32_t *map;
	struct df_bo *bo = host_bo(4096, &map);
	const uint32_t one[3] = {1, 1, 1};
	struct args make = {.out = df_bo_address(bo), .a = 0, .b = 1},
		    args = {.out = df_bo_address(out_bo), .a = 2, .b = 5};
	must(df_batch_write(batch, out_bo, 4096, 4), "write");
	must(df_batch_launch(batch, affine, one, &make, sizeof(make)), "launch");
	must(df_batch_barrier(batch), "barrier");
	must(df_batch_copy(batch, bo, 8, out_bo, 4096, 4), "copy");
	must(df_batch_barrier(batch), "barrier");
	must(df_batch_launch_indirect(batch, affine, bo, 8, &args, sizeof(args)), "indirect");
	run();
	check_affine(0, 4 * 64, 2, 5);
	ck_assert_uint_eq(out[4 * 64], 0xeeeeeeee);
	must(df_batch_reset(batch), "reset");
	must(df_bo_destroy(bo), "destroy");
}
END_TEST

START_TEST(grid_in_registers)
{
	uint32_t *map;
	struct df_bo *bo = host_bo(4096, &map);
	uint64_t va = df_bo_address(out_bo), later = va + 1200;
	static const uint32_t grid[3] = {5, 2, 3};
	map[0] = 4, map[1] = 6, map[2] = 1;
	must(df_batch_launch(batch, grid_kernel, grid, &va, sizeof(va)), "launch");
	must(df_batch_launch_indirect(batch, grid_kernel, bo, 0, &later, sizeof(later)), "indirect");
	run();
	for (unsigned i = 0; i < 5; i++)
		ck_assert(memcmp(out + 3 * i, grid, 12) == 0);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_mem_eq(out + 300 + 3 * i, map, 12);
	must(df_batch_reset(batch), "reset");
	must(df_bo_destroy(bo), "destroy");
}
END_TEST

START_TEST(copies_of_all_sizes)
{
	static const struct {
		uint32_t to, from, bytes;
	} cases[] = {{0, 0, 1},    {1, 0, 1},    {3, 5, 2},    {7, 9, 31},       {32, 32, 32},   {5, 64, 33},
		     {64, 1, 100}, {0, 0, 4096}, {1, 1, 4095}, {13, 4097, 8191}, {100, 3, 16384}};
	enum { BYTES = 65536 };
	for (unsigned n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		uint32_t *from_map, *to_map;
		struct df_bo *from = host_bo(BYTES, &from_map), *to = host_bo(BYTES, &to_map);
		uint8_t *want = malloc(BYTES), *source = (uint8_t *)from_map;
		for (unsigned i = 0; i < BYTES; i++)
			source[i] = (uint8_t)(i * 7 + i / 256);
		memset(want, 0xee, BYTES);
		memcpy(want + cases[n].to, source + cases[n].from, cases[n].bytes);
		must(df_batch_copy(batch, to, cases[n].to, from, cases[n].from, cases[n].bytes), "copy");
		run();
		ck_assert_mem_eq(to_map, want, BYTES);
		free(want);
		must(df_batch_reset(batch), "reset");
		must(df_bo_destroy(from), "destroy");
		must(df_bo_destroy(to), "destroy");
	}
}
END_TEST

/* Longer than one packet's count, and not a multiple of anything. */
START_TEST(long_copy)
{
	const uint64_t bytes = (96u << 20) + 12345;
	uint32_t *from_map, *to_map;
	struct df_bo *from = host_bo(bytes + 64, &from_map), *to = host_bo(bytes + 64, &to_map);
	for (uint64_t i = 0; i < bytes / 4; i++)
		from_map[i] = (uint32_t)i * 2654435761u;
	must(df_batch_copy(batch, to, 3, from, 1, bytes), "copy");
	run();
	ck_assert(!memcmp((uint8_t *)to_map + 3, (uint8_t *)from_map + 1, bytes));
	ck_assert_uint_eq(((uint8_t *)to_map)[2], 0xee);
	ck_assert_uint_eq(((uint8_t *)to_map)[3 + bytes], 0xee);
	must(df_batch_reset(batch), "reset");
	must(df_bo_destroy(from), "destroy");
	must(df_bo_destroy(to), "destroy");
}
END_TEST

/* Fill, then a launch over part of it, then a copy of the whole: each sees the one before through barriers. */
START_TEST(fill_launch_copy)
{
	uint32_t *map;
	struct df_bo *bo = host_bo(ITEMS * 4, &map);
	must(df_batch_fill(batch, out_bo, 0, 100, ITEMS * 4), "fill");
	must(df_batch_barrier(batch), "barrier");
	launch(step, GROUPS / 2, 1, 0);
	must(df_batch_barrier(batch), "barrier");
	must(df_batch_copy(batch, bo, 0, out_bo, 0, ITEMS * 4), "copy");
	must(df_batch_barrier(batch), "barrier");
	must(df_batch_fill(batch, out_bo, 8, 7, 12), "fill");
	run();
	for (uint32_t i = 0; i < ITEMS; i++) {
		ck_assert_uint_eq(map[i], i < ITEMS / 2 ? 301 : 100);
		ck_assert_uint_eq(out[i], i >= 2 && i < 5 ? 7 : map[i]);
	}
	must(df_batch_reset(batch), "reset");
	must(df_bo_destroy(bo), "destroy");
}
END_TEST

START_TEST(writes_waits_timestamps)
{
	uint32_t *map;
	struct df_bo *bo = host_bo(4096, &map);
	memset(map, 0, 4096);
	must(df_batch_write(batch, bo, 64, 0x55aa), "write");
	must(df_batch_timestamp(batch, bo, 0), "timestamp");
	launch(affine, GROUPS, 1, 0);
	must(df_batch_timestamp(batch, bo, 8), "timestamp");
	must(df_batch_wait(batch, bo, 64, DF_EQUAL, 0xaa, 0xff), "wait");
	must(df_batch_wait(batch, bo, 64, DF_GREATER, 0x5000, 0xffff), "wait");
	must(df_batch_wait(batch, bo, 64, DF_NOT_EQUAL, 0, 0xffffffff), "wait");
	must(df_batch_timestamp(batch, bo, 16), "timestamp");
	run();
	uint64_t times[3];
	memcpy(times, map, sizeof(times));
	ck_assert_uint_gt(times[0], 0);
	ck_assert_uint_ge(times[1], times[0]);
	ck_assert_uint_ge(times[2], times[1]);
	ck_assert_uint_eq(map[16], 0x55aa);
	check_affine(0, ITEMS, 1, 0);
	must(df_batch_reset(batch), "reset");
	must(df_bo_destroy(bo), "destroy");
}
END_TEST

/* Patches change the patched launch and no other. */
START_TEST(patched_launches)
{
	struct df_patch register_args, memory_args, grid;
	uint64_t va = df_bo_address(out_bo);
	const uint32_t one[3] = {1, 1, 1};
	struct args args[4] = {{va, 1, 2}, {va + 256, 3, 4}, {va + 512, 5, 6}, {va + 4096, 7, 8}};
	must(df_batch_launch(batch, affine, one, &args[0], 16), "launch");
	must(df_batch_patch_args(batch, 8, 8, &register_args), "patch");
	must(df_batch_launch(batch, affine, one, &args[1], 16), "launch");
	must(df_batch_patch_args(batch, 8, 4, &memory_args), "patch");
	must(df_batch_launch(batch, affine_mem, one, &args[2], 16), "launch");
	must(df_batch_patch_grid(batch, &grid), "patch");
	must(df_batch_launch(batch, affine, one, &args[3], 16), "launch");
	run();
	check_affine(0, 64, 1, 2);
	check_affine(64, 64, 3, 4);
	check_affine(128, 64, 5, 6);
	check_affine(1024, 64, 7, 8);
	ck_assert_uint_eq(out[1024 + 64], 0xeeeeeeee);
	df_patch_store(&register_args, (const uint32_t[]){30, 40});
	df_patch_store(&memory_args, (const uint32_t[]){50});
	df_patch_store(&grid, (const uint32_t[]){4, 1, 1});
	memset(out, 0xee, ITEMS * 4);
	submit();
	check_affine(0, 64, 1, 2);
	check_affine(64, 64, 30, 40);
	check_affine(128, 64, 50, 6);
	check_affine(1024, 256, 7, 8);
	ck_assert_uint_eq(out[1024 + 256], 0xeeeeeeee);
}
END_TEST

/* Two batches of one context run in their order although nothing in the second waits for the first. */
START_TEST(batches_keep_their_order)
{
	struct df_batch *second;
	struct df_fence *fences[2];
	memset(out, 0, ITEMS * 4);
	must(df_batch_create(device, NULL, &second), "create");
	launch(step, GROUPS, 5, 0);
	must(df_batch_seal(batch), "seal");
	struct args args = {.out = df_bo_address(out_bo), .a = 2};
	const uint32_t grid[3] = {GROUPS, 1, 1};
	must(df_batch_launch(second, step, grid, &args, sizeof(args)), "launch");
	must(df_batch_seal(second), "seal");
	for (unsigned round = 0; round < 5; round++) {
		must(df_submit(context, batch, NULL, &fences[0]), "submit");
		must(df_submit(context, second, NULL, &fences[1]), "submit");
		for (unsigned i = 0; i < 2; i++) {
			must(df_fence_wait(fences[i], df_now_ns() + 60000000000ull, NULL), "wait");
			df_fence_put(fences[i]);
		}
	}
	uint32_t want = 0;
	for (unsigned round = 0; round < 5; round++)
		want = (want * 3 + 5) * 3 + 2;
	for (uint32_t i = 0; i < ITEMS; i++)
		ck_assert_uint_eq(out[i], want);
	must(df_batch_destroy(second), "destroy");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("run");
	TCase *tc = tcase_create("streams");
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, arguments_in_registers);
	tcase_add_test(tc, arguments_in_memory);
	tcase_add_test(tc, many_launches);
	tcase_add_test(tc, barriers_order);
	tcase_add_test(tc, chained_stream_is_one_submission);
	tcase_add_test(tc, grid_from_memory);
	tcase_add_test(tc, grid_from_a_launch);
	tcase_add_test(tc, grid_in_registers);
	tcase_add_test(tc, copies_of_all_sizes);
	tcase_add_test(tc, long_copy);
	tcase_add_test(tc, fill_launch_copy);
	tcase_add_test(tc, writes_waits_timestamps);
	tcase_add_test(tc, patched_launches);
	tcase_add_test(tc, batches_keep_their_order);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/* A launch that hangs whenever it runs: it is named, and what can be done without it is done. */
#include <errno.h>
#include <string.h>

#include "world.h"

#define LAUNCHES 1000u

static const char *const kernels[] = {"soft:gfx1030,kernel=6.1", "soft:gfx1030,kernel=6.12", "soft:gfx1030,kernel=7.2"};
#define KERNELS (sizeof(kernels) / sizeof(kernels[0]))

static struct world world;
static struct df_context *context;
static struct df_bo *state;
static struct df_code *bad_code;
static struct df_kernel *bad_kernel;

static void set_up(const char *name, uint32_t max_retries)
{
	struct df_context_options o = DF_OPTIONS(o, .max_retries = max_retries);

	world_open(&world, name, NULL);
	ck_ok(df_context_create(world.device, &o, &context));
	state = world_state(&world, DF_DOMAIN_DEVICE, false);
	world_poison(&world, &bad_code, &bad_kernel);
}

static void tear_down(void)
{
	ck_ok(df_bo_destroy(state));
	ck_ok(df_code_destroy(bad_code));
	ck_ok(df_context_destroy(context));
	world_close(&world);
}

/* Launches of which those in bad never end. */
static struct df_batch *record(const uint64_t *bad, unsigned bad_count, bool independent)
{
	struct df_batch_options o = DF_OPTIONS(o, .independent = independent);
	const uint32_t grid[3] = {WORLD_FLOATS / 64, 1, 1};
	struct df_batch *batch;

	ck_ok(df_batch_create(world.device, &o, &batch));
	ck_ok(df_batch_use(batch, state, DF_READ | DF_WRITE));
	for (uint64_t i = 0; i < LAUNCHES; i++) {
		struct world_args args = {df_bo_address(world.x), df_bo_address(state), df_bo_address(state),
					  WORLD_FLOATS, WORLD_FACTOR};
		struct df_kernel *kernel = world.kernel;

		for (unsigned b = 0; b < bad_count; b++)
			if (bad[b] == i)
				kernel = bad_kernel;
		ck_ok(df_batch_launch(batch, kernel, grid, &args, sizeof(args)));
		ck_ok(df_batch_barrier(batch));
	}
	ck_ok(df_batch_seal(batch));
	return batch;
}

static struct df_wait_info wait_poisoned(struct df_fence *fence)
{
	struct df_wait_info info;

	ck_assert_int_eq(df_fence_wait(fence, df_now_ns() + 50 * SECOND, &info), -ECANCELED);
	ck_assert_msg(info.verdict == DF_POISONED, "verdict %d: %s", info.verdict, df_error());
	ck_assert_ptr_nonnull(strstr(df_error(), "Fix:"));
	df_fence_put(fence);
	return info;
}

/* Everything before it is committed; what was behind in the context is not run; later submissions go on from there. */
START_TEST(test_stop)
{
	static const uint64_t bad[] = {17};
	struct df_recovery_stats stats;
	struct df_fence *poisoned, *behind;
	struct df_batch *batch, *good;
	struct df_wait_info info;

	set_up(kernels[_i], 0);
	batch = record(bad, 1, false);
	good = record(NULL, 0, false);
	poisoned = submit(context, batch);
	behind = submit(context, good);
	info = wait_poisoned(poisoned);
	ck_assert_uint_eq(info.poison_count, 1);
	ck_assert_uint_eq(info.poison[0], 17);
	ck_assert_uint_eq(info.launches_done, 17);
	ck_assert_int_eq(df_fence_wait(behind, df_now_ns() + 50 * SECOND, &info), -ECANCELED);
	ck_assert_int_eq(info.verdict, DF_INNOCENT_RESET);
	df_fence_put(behind);
	world_check(state, 17);
	behind = submit(context, good);
	ck_ok(df_fence_wait(behind, df_now_ns() + 50 * SECOND, &info));
	df_fence_put(behind);
	world_check(state, 17 + LAUNCHES);
	df_device_recovery(world.device, &stats);
	ck_assert_uint_eq(stats.poisoned, 1);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_batch_destroy(good));
	tear_down();
}
END_TEST

/* Independent launches go on without it, however many there are up to DF_MAX_POISON. */
START_TEST(test_go_on)
{
	static const uint64_t bad[] = {0, 5, LAUNCHES - 1};
	struct df_batch *batch;
	struct df_wait_info info;
	struct df_fence *behind;

	set_up(kernels[_i], 0);
	for (unsigned count = 1; count <= 3; count++) {
		struct df_batch *good = record(NULL, 0, true);
		struct df_fence *poisoned;

		batch = record(bad, count, true);
		poisoned = submit(context, batch);
		behind = submit(context, good);
		info = wait_poisoned(poisoned);
		ck_assert_uint_eq(info.poison_count, count);
		for (unsigned i = 0; i < count; i++)
			ck_assert_uint_eq(info.poison[i], bad[i]);
		ck_assert_uint_eq(info.launches_done, LAUNCHES - count);
		ck_ok(df_fence_wait(behind, df_now_ns() + 50 * SECOND, NULL));
		df_fence_put(behind);
		ck_ok(df_batch_destroy(batch));
		ck_ok(df_batch_destroy(good));
	}
	world_check(state, 6 * LAUNCHES - 1 - 2 - 3);
	tear_down();
}
END_TEST

static bool alone_at_kernel(void)
{
	const struct df_slot *slot = df_context_slot(context, context->oldest);

	return slot->batch && slot->troubled && slot->run == DF_RUN_ALONE && context->oldest != context->unsent;
}

/* Nothing joins a batch that runs alone: what is submitted then is held until it has ended. */
START_TEST(test_nothing_joins)
{
	static const uint64_t bad[] = {17};
	struct df_batch *batch, *empty;
	struct df_fence *poisoned, *behind;

	set_up(kernels[_i], 0);
	batch = record(bad, 1, true);
	empty = new_batch(world.device);
	poisoned = submit(context, batch);
	for (unsigned i = 0; i < 5000 && !alone_at_kernel(); i++)
		ck_assert_int_eq(df_fence_wait(poisoned, df_now_ns() + 1000000, NULL), -ETIME);
	ck_assert(alone_at_kernel());
	behind = submit(context, empty);
	ck_assert(!alone_at_kernel() || context->unsent == context->next - 1);
	ck_assert_uint_eq(wait_poisoned(poisoned).poison[0], 17);
	ck_ok(df_fence_wait(behind, df_now_ns() + 50 * SECOND, NULL));
	df_fence_put(behind);
	world_check(state, LAUNCHES - 1);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_batch_destroy(empty));
	tear_down();
}
END_TEST

/* One that hangs whatever runs there. 6.12 kills its waves and lets the stream go on. */
START_TEST(test_hang_always)
{
	static const char *const faults[] = {"hang@617:always", "hang@0:always", "illegal-opcode@999:always"};
	static const uint64_t where[] = {617, 0, 999};
	const unsigned which = (unsigned)(_i / (int)KERNELS) % 3;
	const bool independent = _i >= (int)(3 * KERNELS);
	struct df_wait_info info;
	struct df_batch *batch;

	set_up(kernels[_i % (int)KERNELS], 0);
	ck_ok(df_device_fault(world.device, faults[which]));
	batch = record(NULL, 0, independent);
	info = wait_poisoned(submit(context, batch));
	ck_assert_uint_eq(info.poison_count, 1);
	ck_assert_uint_eq(info.poison[0], where[which]);
	ck_assert_uint_eq(info.launches_done, independent ? LAUNCHES - 1 : where[which]);
	world_check(state, independent ? LAUNCHES - 1 : (uint32_t)where[which]);
	ck_ok(df_batch_destroy(batch));
	tear_down();
}
END_TEST

/* Too many: the batch ends without any of it. */
START_TEST(test_too_many)
{
	uint64_t bad[DF_MAX_POISON + 1];
	struct df_batch *batch;
	struct df_wait_info info;

	for (unsigned i = 0; i <= DF_MAX_POISON; i++)
		bad[i] = 2 * i + 1;
	set_up(kernels[_i], 0);
	batch = record(bad, DF_MAX_POISON + 1, true);
	info = wait_poisoned(submit(context, batch));
	ck_assert_uint_eq(info.poison_count, DF_MAX_POISON);
	ck_assert_uint_eq(info.launches_done, 0);
	world_check(state, 0);
	ck_ok(df_batch_destroy(batch));
	tear_down();
}
END_TEST

/* Who wants no retries gets none, and no search. */
START_TEST(test_no_retries)
{
	static const uint64_t bad[] = {3};
	struct df_batch *batch;
	struct df_wait_info info;
	struct df_fence *fence;

	set_up(kernels[_i], UINT32_MAX);
	batch = record(bad, 1, false);
	fence = submit(context, batch);
	ck_assert_int_eq(df_fence_wait(fence, df_now_ns() + 50 * SECOND, &info), -ECANCELED);
	/* 6.12 resets the ring and does not say whose job hung. */
	ck_assert_int_eq(info.verdict, strstr(kernels[_i], "6.12") ? DF_INNOCENT_RESET : DF_GUILTY_RESET);
	ck_assert_uint_eq(info.poison_count, 0);
	df_fence_put(fence);
	world_check(state, 0);
	ck_ok(df_batch_destroy(batch));
	tear_down();
}
END_TEST

/* A device whose memory is lost at every try is given up on, and nobody is called poison. */
START_TEST(test_never_calm)
{
	struct df_batch *batch;
	struct df_wait_info info;
	struct df_fence *fence;

	set_up(kernels[_i], 0);
	batch = record(NULL, 0, false);
	ck_ok(df_device_fault(world.device, "memory-lost@3:always"));
	fence = submit(context, batch);
	ck_assert_int_eq(df_fence_wait(fence, df_now_ns() + 50 * SECOND, &info), -EIO);
	ck_assert_int_eq(info.verdict, DF_MEMORY_LOST);
	ck_assert_uint_eq(info.retries, 100);
	ck_assert_uint_eq(info.poison_count, 0);
	df_fence_put(fence);
	ck_ok(df_batch_destroy(batch));
	tear_down();
}
END_TEST

int main(void)
{
	TCase *cases = tcase_create("poison");
	Suite *suite = suite_create("poison");
	SRunner *runner;
	int failed;

	tcase_set_timeout(cases, 120);
	tcase_add_loop_test(cases, test_stop, 0, KERNELS);
	tcase_add_loop_test(cases, test_go_on, 0, KERNELS);
	tcase_add_loop_test(cases, test_nothing_joins, 0, KERNELS);
	tcase_add_loop_test(cases, test_hang_always, 0, 4 * KERNELS);
	tcase_add_loop_test(cases, test_too_many, 0, KERNELS);
	tcase_add_loop_test(cases, test_no_retries, 0, KERNELS);
	tcase_add_loop_test(cases, test_never_calm, 0, KERNELS);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

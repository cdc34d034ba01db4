/* SPDX-License-Identifier: MIT */
/* Losses over the software GPU: every result is the undisturbed one, and what is said of them is right. */
#include <errno.h>
#include <string.h>

#include "world.h"

#define LAUNCHES 12u

/* What is not meant to hang ends before that, also where everything is slow. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define TIMEOUT ",timeout_ms=600"
#elif defined(__has_feature)
#define TIMEOUT ",timeout_ms=600"
#else
#define TIMEOUT ",timeout_ms=250"
#endif

static const char *const kernels[] = {
	"soft:gfx1030,kernel=6.1" TIMEOUT,
	"soft:gfx1030,kernel=6.12" TIMEOUT,
	"soft:gfx1030,kernel=7.2" TIMEOUT,
	"soft:gfx1033,kernel=6.1" TIMEOUT,
};
#define KERNELS (sizeof(kernels) / sizeof(kernels[0]))

/* A command processor that stands: 6.12 resets the ring, cancels every job of it and does not say whose hung. */
static enum df_verdict hang_verdict(int kernel)
{
	return strstr(kernels[kernel], "kernel=6.12") ? DF_INNOCENT_RESET : DF_GUILTY_RESET;
}

static struct world world;

static struct df_context *gated_context(uint32_t max_retries)
{
	struct df_context_options o =
		DF_OPTIONS(o, .before_recovery = world_open_gate, .user = &world, .max_retries = max_retries);
	struct df_context *context;

	ck_ok(df_context_create(world.device, &o, &context));
	return context;
}

/* A hang before many launches in turn, in each memory. */
START_TEST(test_hang)
{
	static const enum df_domain domains[] = {DF_DOMAIN_DEVICE, DF_DOMAIN_HOST_CACHED, DF_DOMAIN_DEVICE};
	struct df_context *context;

	world_open(&world, kernels[_i], NULL);
	context = gated_context(0);
	for (uint32_t at = 0; at < LAUNCHES; at += 2) {
		struct df_bo *state = world_state(&world, domains[at / 2 % 3], at / 2 % 3 == 2);
		struct df_batch *batch = world_batch(&world, state, LAUNCHES, at, NULL);
		struct df_wait_info info;

		atomic_store(world.gate, 0);
		info = world_wait(submit(context, batch));
		ck_assert(info.recovered);
		ck_assert_uint_eq(info.retries, 1);
		ck_assert_int_eq(info.loss, hang_verdict(_i));
		ck_assert_uint_eq(info.context, 1);
		ck_assert_uint_eq(info.batch, at / 2 + 1);
		ck_assert_uint_eq(info.launches_rerun, LAUNCHES);
		ck_assert_uint_ge(info.restored_B, df_bo_size(state));
		world_check(state, LAUNCHES);
		ck_ok(df_batch_destroy(batch));
		ck_ok(df_bo_destroy(state));
	}
	ck_ok(df_context_destroy(context));
	world_close(&world);
}
END_TEST

/* Markers tell where a batch was. */
START_TEST(test_markers)
{
	struct df_batch_options marked = DF_OPTIONS(marked, .marker_interval = 1);
	struct df_context *context;

	world_open(&world, kernels[_i], NULL);
	context = gated_context(0);
	for (uint32_t at = 0; at < LAUNCHES; at += 3) {
		struct df_bo *state = world_state(&world, DF_DOMAIN_DEVICE, false);
		struct df_batch *batch = world_batch(&world, state, LAUNCHES, at, &marked);
		struct df_wait_info info;

		atomic_store(world.gate, 0);
		info = world_wait(submit(context, batch));
		ck_assert_uint_eq(info.first_launch, at);
		ck_assert_uint_eq(info.last_launch, at);
		ck_assert_int_eq(info.loss, hang_verdict(_i));
		world_check(state, LAUNCHES);
		ck_ok(df_batch_destroy(batch));
		ck_ok(df_bo_destroy(state));
	}
	ck_ok(df_context_destroy(context));
	world_close(&world);
}
END_TEST

/* From one state to the other and back: each stretch may run twice. */
static struct df_batch *stretches(struct df_bo *states[2], uint32_t hang)
{
	const uint32_t grid[3] = {WORLD_FLOATS / 64, 1, 1};
	struct df_batch *batch;

	ck_ok(df_batch_create(world.device, NULL, &batch));
	for (unsigned i = 0; i < 2; i++)
		ck_ok(df_batch_use(batch, states[i], DF_READ | DF_WRITE));
	for (uint32_t i = 0; i < LAUNCHES; i++) {
		struct world_args args = {df_bo_address(world.x), df_bo_address(states[i % 2]),
					  df_bo_address(states[!(i % 2)]), WORLD_FLOATS, WORLD_FACTOR};

		ck_ok(df_batch_restart(batch));
		ck_ok(df_batch_launch(batch, world.kernel, grid, &args, sizeof(args)));
		ck_ok(df_batch_barrier(batch));
		if (i == hang)
			ck_ok(df_batch_wait(batch, world.gate_bo, 0, DF_EQUAL, 1, UINT32_MAX));
	}
	ck_ok(df_batch_seal(batch));
	return batch;
}

/* Where the kernel ends the job at once and leaves it alone, it goes on from the last restart point; else it begins
 * again. */
START_TEST(test_restart)
{
	bool exact = strstr(kernels[_i], "7.2");
	struct df_context *context;

	world_open(&world, kernels[_i], NULL);
	context = gated_context(0);
	for (uint32_t at = 0; at < LAUNCHES; at += 2) {
		struct df_bo *states[2] = {world_state(&world, DF_DOMAIN_DEVICE, false),
					   world_state(&world, DF_DOMAIN_DEVICE, false)};
		struct df_batch *batch = stretches(states, at);
		struct df_wait_info info;

		atomic_store(world.gate, 0);
		info = world_wait(submit(context, batch));
		ck_assert_uint_eq(info.retries, 1);
		if (exact) {
			ck_assert_uint_eq(info.launches_rerun, LAUNCHES - at);
			ck_assert_uint_eq(info.restored_B, at ? 0 : info.restored_B);
		}
		world_check(states[0], LAUNCHES);
		ck_ok(df_batch_destroy(batch));
		for (unsigned i = 0; i < 2; i++)
			ck_ok(df_bo_destroy(states[i]));
	}
	ck_ok(df_context_destroy(context));
	world_close(&world);
}
END_TEST

/* Many submissions of one batch: those behind the lost one wait for it, those before it are not run twice. */
START_TEST(test_pipeline)
{
	struct df_context *context;
	struct df_fence *fences[20];
	struct df_batch *batch, *hang;
	struct df_recovery_stats stats;
	struct df_bo *state;

	world_open(&world, kernels[_i], NULL);
	context = gated_context(0);
	state = world_state(&world, DF_DOMAIN_DEVICE, false);
	batch = world_batch(&world, state, 5, UINT32_MAX, NULL);
	hang = world_batch(&world, state, 5, 2, NULL);
	for (unsigned i = 0; i < 20; i++)
		fences[i] = submit(context, i == 7 ? hang : batch);
	for (unsigned i = 20; i-- > 0;)
		ck_assert_uint_eq(world_wait(fences[i]).retries, i == 7);
	world_check(state, 100);
	df_device_recovery(world.device, &stats);
	ck_assert_uint_eq(stats.losses, 1);
	ck_assert_uint_eq(stats.contexts_renewed, 1);
	ck_assert_uint_eq(stats.batches_rerun, 1);
	ck_assert_uint_eq(stats.launches_rerun, 5);
	ck_assert_uint_gt(stats.recover_ns, 0);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_batch_destroy(hang));
	ck_ok(df_bo_destroy(state));
	ck_ok(df_context_destroy(context));
	world_close(&world);
}
END_TEST

/* What ended otherwise than done leaves the state as it was before, and the context goes on from there. */
START_TEST(test_given_up)
{
	struct df_context_options o = DF_OPTIONS(o, .max_retries = UINT32_MAX);
	struct df_context *context;
	struct df_batch *batch, *hang;
	struct df_fence *fence, *behind;
	struct df_wait_info info;
	struct df_bo *state;

	world_open(&world, kernels[_i], NULL);
	ck_ok(df_context_create(world.device, &o, &context));
	state = world_state(&world, DF_DOMAIN_DEVICE, false);
	batch = world_batch(&world, state, 5, UINT32_MAX, NULL);
	hang = world_batch(&world, state, 5, 3, NULL);
	world_wait(submit(context, batch));
	fence = submit(context, hang);
	behind = submit(context, batch);
	ck_assert_int_eq(df_fence_wait(fence, df_now_ns() + 20 * SECOND, &info), -ECANCELED);
	ck_assert_int_eq(info.verdict, hang_verdict(_i));
	ck_assert_int_eq(info.loss, hang_verdict(_i));
	ck_assert_uint_eq(info.batch, 2);
	ck_assert_uint_eq(info.launches_done, 0);
	ck_assert_int_eq(df_fence_wait(behind, df_now_ns() + 20 * SECOND, &info), -ECANCELED);
	ck_assert_int_eq(info.verdict, DF_INNOCENT_RESET);
	world_check(state, 5);
	world_wait(submit(context, batch));
	world_check(state, 10);
	df_fence_put(fence);
	df_fence_put(behind);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_batch_destroy(hang));
	ck_ok(df_bo_destroy(state));
	ck_ok(df_context_destroy(context));
	world_close(&world);
}
END_TEST

/* A batch of another context that depends on a lost one is rolled back with it. */
START_TEST(test_dependents)
{
	struct df_submit_options o = DF_OPTIONS(o, .wait_count = 1);
	struct df_context *first, *second;
	struct df_batch *hang, *behind;
	struct df_fence *lost, *after;
	struct df_bo *states[2];

	world_open(&world, kernels[_i], NULL);
	first = gated_context(0);
	second = gated_context(0);
	for (unsigned i = 0; i < 2; i++)
		states[i] = world_state(&world, DF_DOMAIN_DEVICE, false);
	hang = world_batch(&world, states[0], 4, 2, NULL);
	behind = world_batch(&world, states[1], 6, UINT32_MAX, NULL);
	lost = submit(first, hang);
	o.waits = &lost;
	ck_ok(df_submit(second, behind, &o, &after));
	/* The one that waits is waited for first: nobody else looks after the other. */
	world_wait(after);
	ck_assert(atomic_load(&lost->final));
	ck_assert_uint_eq(world_wait(lost).retries, 1);
	world_check(states[0], 4);
	world_check(states[1], 6);
	ck_ok(df_batch_destroy(hang));
	ck_ok(df_batch_destroy(behind));
	for (unsigned i = 0; i < 2; i++)
		ck_ok(df_bo_destroy(states[i]));
	ck_ok(df_context_destroy(first));
	ck_ok(df_context_destroy(second));
	world_close(&world);
}
END_TEST

/* Three launches over the state; the second stores where nothing is mapped, by one address for ever. */
static struct df_batch *stray_batch(struct df_bo *state)
{
	const struct world_args good = {df_bo_address(world.x), df_bo_address(state), df_bo_address(state),
					WORLD_FLOATS, WORLD_FACTOR};
	const struct world_args stray = {df_bo_address(world.x), df_bo_address(state), 0x700000000000, WORLD_FLOATS, 1};
	const uint32_t grid[3] = {WORLD_FLOATS / 64, 1, 1};
	struct df_batch *batch;

	ck_ok(df_batch_create(world.device, NULL, &batch));
	ck_ok(df_batch_use(batch, state, DF_READ | DF_WRITE));
	for (unsigned i = 0; i < 3; i++) {
		ck_ok(df_batch_launch(batch, world.kernel, grid, i == 1 ? &stray : &good, sizeof(good)));
		ck_ok(df_batch_barrier(batch));
	}
	ck_ok(df_batch_seal(batch));
	return batch;
}

/* The kernel tells of the last fault's address only: it is named, whenever it runs and whoever runs it, and nothing
 * else is. */
START_TEST(test_same_fault)
{
	struct df_context_options o = DF_OPTIONS(o, .check_faults = true);
	struct df_context *contexts[2];
	struct df_batch *stray, *good;
	struct df_bo *state;
	struct df_wait_info info;

	if (_i == 0 || _i == 3)
		return; /* 6.1 tells nobody */
	world_open(&world, kernels[_i], NULL);
	state = world_state(&world, DF_DOMAIN_DEVICE, false);
	stray = stray_batch(state);
	good = world_batch(&world, state, 1, UINT32_MAX, NULL);
	for (unsigned i = 0; i < 2; i++)
		ck_ok(df_context_create(world.device, &o, &contexts[i]));
	for (unsigned i = 0; i < 6; i++) {
		struct df_fence *fence = submit(contexts[i / 2 % 2], stray);

		ck_assert_int_eq(df_fence_wait(fence, df_now_ns() + 20 * SECOND, &info), -ECANCELED);
		ck_assert_int_eq(info.verdict, DF_POISONED);
		ck_assert_uint_eq(info.poison_count, 1);
		ck_assert_uint_eq(info.poison[0], 1);
		ck_assert_uint_eq(info.launches_done, 1);
		ck_assert(info.page_fault);
		ck_assert_uint_eq(info.fault_address, 0x700000000000);
		df_fence_put(fence);
		info = world_wait(submit(contexts[i / 2 % 2], good));
		ck_assert(!info.recovered);
		world_check(state, 2 * (i + 1)); /* one before it, one of the good */
	}
	for (unsigned i = 0; i < 2; i++)
		ck_ok(df_context_destroy(contexts[i]));
	ck_ok(df_batch_destroy(stray));
	ck_ok(df_batch_destroy(good));
	ck_ok(df_bo_destroy(state));
	world_close(&world);
}
END_TEST

int main(void)
{
	TCase *cases = tcase_create("recovery");
	Suite *suite = suite_create("recovery");
	SRunner *runner;
	int failed;

	tcase_set_timeout(cases, 60);
	tcase_add_loop_test(cases, test_hang, 0, KERNELS);
	tcase_add_loop_test(cases, test_markers, 0, KERNELS);
	tcase_add_loop_test(cases, test_restart, 0, KERNELS);
	tcase_add_loop_test(cases, test_pipeline, 0, KERNELS);
	tcase_add_loop_test(cases, test_given_up, 0, KERNELS);
	tcase_add_loop_test(cases, test_dependents, 0, KERNELS);
	tcase_add_loop_test(cases, test_same_fault, 0, KERNELS);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

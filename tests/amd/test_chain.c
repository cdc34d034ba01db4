/* SPDX-License-Identifier: MIT */
/* Chunks, capacity, reset, and what failures leave behind. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/batch.h"
#include "core/code.h"
#include "fake.h"

static struct df_device *device;
static struct df_code *code;
static struct df_kernel *saxpy, *kernarg;
static const uint32_t one[3] = {1, 1, 1};

static void setup(void)
{
	struct fake_kernel specs[2] = {fake_saxpy(), fake_kernarg()};
	device = fake_device();
	code = fake_code(device, specs, 2);
	ck_assert_int_eq(df_code_kernel(code, "saxpy", &saxpy), 0);
	ck_assert_int_eq(df_code_kernel(code, "kernarg", &kernarg), 0);
}

static void teardown(void)
{
	ck_assert_int_eq(df_code_destroy(code), 0);
	fake_device_free(device);
}

static struct df_batch *make(uint32_t reserve_dw, uint32_t reserve_args_B)
{
	struct df_batch_options options =
		DF_OPTIONS(options, .reserve_dw = reserve_dw, .reserve_args_B = reserve_args_B);
	struct df_batch *batch = NULL;
	int ret = df_batch_create(device, &options, &batch);
	ck_assert_msg(ret == 0, "%s", df_error());
	return batch;
}

static int launch(struct df_batch *batch, uint32_t value)
{
	uint32_t args[8];
	for (unsigned i = 0; i < 8; i++)
		args[i] = value * 8 + i + 1;
	return df_batch_launch(batch, saxpy, one, args, sizeof(args));
}

struct count {
	unsigned dispatches, chains;
	uint32_t next; /* value that the next launch's arguments should hold */
	bool broken;
};

static void on_event(void *user, const struct pm4_record *record)
{
	struct count *count = user;
	if (record->event == PM4_EV_CHAIN)
		count->chains++;
	if (record->event != PM4_EV_DISPATCH)
		return;
	count->broken |= record->state->reg[0x242] != count->next * 8 + 1;
	count->next++;
	count->dispatches++;
}

static void check_stream(struct df_batch *batch, unsigned launches, unsigned min_ibs)
{
	struct count count = {0};
	struct df_batch_info info;
	ck_assert_int_eq(df_batch_seal(batch), 0);
	const char *error = pm4_read_batch(batch, on_event, &count);
	ck_assert_msg(!error, "%s", error);
	df_batch_get_info(batch, &info);
	ck_assert_uint_eq(count.dispatches, launches);
	ck_assert_uint_eq(info.launches, launches);
	ck_assert_uint_eq(info.ib_count, count.chains + 1);
	ck_assert_uint_ge(info.ib_count, min_ibs);
	ck_assert(!count.broken);
}

START_TEST(grows_by_chunks)
{
	struct df_batch *batch = make(0, 0);
	for (uint32_t i = 0; i < 20000; i++)
		ck_assert_int_eq(launch(batch, i), 0);
	check_stream(batch, 20000, 2);
	ck_assert_int_eq(df_batch_destroy(batch), 0);
}
END_TEST

/* Longer than one IB may be: the limit of the kernel driver, in real numbers. */
START_TEST(longer_than_an_ib_may_be)
{
	struct df_batch *batch = make(0, 0);
	for (uint32_t i = 0; i < 150000; i++)
		ck_assert_int_eq(launch(batch, i), 0);
	check_stream(batch, 150000, 3);
	ck_assert_int_eq(df_batch_destroy(batch), 0);
}
END_TEST

START_TEST(small_ibs)
{
	fake_set_max_ib(device, 160);
	struct df_batch *batch = make(0, 0);
	for (uint32_t i = 0; i < 500; i++)
		ck_assert_int_eq(launch(batch, i), 0);
	check_stream(batch, 500, 50);
	ck_assert_int_eq(df_batch_destroy(batch), 0);
}
END_TEST

/* What was reserved can be used to the last dword; past it nothing changes, and the batch is good as it is. */
START_TEST(reserved_stream_runs_out)
{
	fake_set_max_ib(device, _i ? 1024 : 0xfffff);
	const uint32_t reserve = 3000;
	struct df_batch *batch = make(reserve, 0);
	static struct df_batch_info empty, before, after;
	unsigned bos = fake_bo_count(), launches = 0;
	df_batch_get_info(batch, &empty);
	while (launch(batch, launches) == 0) {
		launches++;
		df_batch_get_info(batch, &before);
	}
	ck_assert_ptr_nonnull(strstr(df_error(), "Fix:"));
	ck_assert_uint_ge(before.ib_dwords - empty.ib_dwords, reserve - 15);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(launch(batch, 77), -ENOSPC);
	df_batch_get_info(batch, &after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	ck_assert_uint_eq(fake_bo_count(), bos);
	check_stream(batch, launches, _i ? 3 : 1);
	/* Reset gives all of it back. */
	for (unsigned round = 0; round < 3; round++) {
		ck_assert_int_eq(df_batch_reset(batch), 0);
		for (unsigned i = 0; i < launches; i++)
			ck_assert_int_eq(launch(batch, i), 0);
		ck_assert_int_eq(launch(batch, 0), -ENOSPC);
	}
	check_stream(batch, launches, 1);
	ck_assert_uint_eq(fake_bo_count(), bos);
	ck_assert_int_eq(df_batch_destroy(batch), 0);
}
END_TEST

START_TEST(reserved_arguments_run_out)
{
	struct df_batch *batch = make(100000, 4096);
	uint32_t args[4] = {0};
	struct df_batch_info before, after;
	unsigned launches = 0;
	do {
		df_batch_get_info(batch, &before);
		args[0]++;
	} while (df_batch_launch(batch, kernarg, one, args, sizeof(args)) == 0 && ++launches < 10000);
	ck_assert_uint_ge(launches, 4096 / 32);
	ck_assert_uint_lt(launches, 10000);
	ck_assert_int_eq(df_batch_launch(batch, kernarg, one, args, sizeof(args)), -ENOSPC);
	df_batch_get_info(batch, &after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	/* The block of the launch before can still be used. */
	args[0]--;
	ck_assert_int_eq(df_batch_launch(batch, kernarg, one, args, sizeof(args)), 0);
	ck_assert_int_eq(df_batch_destroy(batch), 0);
}
END_TEST

START_TEST(reserve_launches_is_enough)
{
	struct df_batch_options options = DF_OPTIONS(options, .reserve_launches = 1000);
	struct df_batch *batch;
	ck_assert_int_eq(df_batch_create(device, &options, &batch), 0);
	unsigned bos = fake_bo_count();
	for (uint32_t i = 0; i < 1000; i++) {
		uint32_t args[8] = {i, 1, 2, 3, 4, 5, 6, i};
		bool memory = i % 2;
		int ret = df_batch_launch(batch, memory ? kernarg : saxpy, one, args, memory ? 16 : 32);
		ck_assert_msg(ret == 0, "launch %u: %s", i, df_error());
	}
	ck_assert_uint_eq(fake_bo_count(), bos);
	ck_assert_int_eq(df_batch_destroy(batch), 0);
}
END_TEST

/* Growing fails for want of memory: the launch is refused, the batch goes on when there is memory again. */
START_TEST(growing_fails_cleanly)
{
	struct df_batch *batch = make(0, 0);
	unsigned bos = fake_bo_count();
	uint32_t i = 0;
	while (fake_bo_count() == bos)
		ck_assert_int_eq(launch(batch, i++), 0);
	bos = fake_bo_count();
	fake_fail_bo(1);
	int ret = 0;
	while (!ret)
		if (!(ret = launch(batch, i)))
			i++;
	ck_assert_int_eq(ret, -ENOMEM);
	ck_assert_int_eq(launch(batch, i++), 0);
	ck_assert_uint_eq(fake_bo_count(), bos + 1);
	check_stream(batch, i, 3);
	ck_assert_int_eq(df_batch_destroy(batch), 0);
}
END_TEST

/* Every allocation of making a batch fails once. */
START_TEST(create_fails_cleanly)
{
	struct df_batch_options options = DF_OPTIONS(options, .reserve_dw = 3000, .reserve_args_B = 4096);
	struct df_batch *batch = NULL;
	fake_set_max_ib(device, 1024);
	unsigned n = 1;
	for (;; n++) {
		fake_fail_bo(n);
		int ret = df_batch_create(device, &options, &batch);
		if (!ret)
			break;
		ck_assert_int_eq(ret, -ENOMEM);
		ck_assert_ptr_null(batch);
	}
	fake_fail_bo(0);
	ck_assert_uint_ge(n, 5);
	ck_assert_uint_eq(atomic_load(&device->live.batches), 1);
	ck_assert_int_eq(df_batch_destroy(batch), 0);
}
END_TEST

START_TEST(sealed_takes_nothing_more)
{
	struct df_batch *batch = make(0, 0);
	struct df_bo *bo;
	struct df_patch patch;
	ck_assert_int_eq(df_bo_create(device, 4096, NULL, &bo), 0);
	ck_assert_int_eq(launch(batch, 0), 0);
	ck_assert_int_eq(df_batch_seal(batch), 0);
	uint32_t args[8] = {0};
	ck_assert_int_eq(launch(batch, 1), -EPERM);
	ck_assert_int_eq(df_batch_launch_indirect(batch, saxpy, bo, 0, args, 32), -EPERM);
	ck_assert_int_eq(df_batch_barrier(batch), -EPERM);
	ck_assert_int_eq(df_batch_copy(batch, bo, 0, bo, 64, 64), -EPERM);
	ck_assert_int_eq(df_batch_fill(batch, bo, 0, 0, 64), -EPERM);
	ck_assert_int_eq(df_batch_timestamp(batch, bo, 0), -EPERM);
	ck_assert_int_eq(df_batch_write(batch, bo, 0, 0), -EPERM);
	ck_assert_int_eq(df_batch_wait(batch, bo, 0, DF_EQUAL, 0, 1), -EPERM);
	ck_assert_int_eq(df_batch_use(batch, bo, DF_READ), -EPERM);
	ck_assert_int_eq(df_batch_patch_args(batch, 0, 4, &patch), -EPERM);
	ck_assert_int_eq(df_batch_patch_grid(batch, &patch), -EPERM);
	ck_assert_int_eq(df_batch_seal(batch), -EPERM);
	ck_assert_int_eq(df_batch_reset(batch), 0);
	ck_assert_int_eq(launch(batch, 0), 0);
	check_stream(batch, 1, 1);
	ck_assert_int_eq(df_batch_destroy(batch), 0);
	ck_assert_int_eq(df_bo_destroy(bo), 0);
}
END_TEST

START_TEST(empty_batch_seals)
{
	struct df_batch *batch = make(0, 0);
	check_stream(batch, 0, 1);
	ck_assert_int_eq(df_batch_destroy(batch), 0);
}
END_TEST

START_TEST(bos_and_code_in_use_stay)
{
	struct df_batch *batch = make(0, 0);
	struct df_bo *bo;
	ck_assert_int_eq(df_bo_create(device, 4096, NULL, &bo), 0);
	ck_assert_int_eq(df_batch_use(batch, bo, DF_READ), 0);
	ck_assert_int_eq(df_batch_use(batch, bo, DF_WRITE), 0);
	ck_assert_uint_eq(atomic_load(&bo->users), 1);
	ck_assert_int_eq(df_bo_destroy(bo), -EBUSY);
	ck_assert_int_eq(launch(batch, 0), 0);
	ck_assert_int_eq(df_code_destroy(code), -EBUSY);
	ck_assert_int_eq(df_batch_reset(batch), 0);
	ck_assert_int_eq(df_bo_destroy(bo), 0);
	ck_assert_int_eq(df_batch_destroy(batch), 0);
}
END_TEST

/* A BO that is not always valid appears once in the list of the submission; STATE and imported ones mark the batch. */
START_TEST(external_and_state_bos)
{
	struct df_batch *batch = make(0, 0);
	struct df_batch_submit *submit = df_batch_submit_of(batch);
	struct df_bo_options exported = DF_OPTIONS(exported, .exportable = true);
	struct df_bo_options state = DF_OPTIONS(state, .recovery = DF_BO_STATE);
	struct df_bo *shared, *kept;
	ck_assert_int_eq(df_bo_create(device, 4096, &exported, &shared), 0);
	ck_assert_int_eq(df_bo_create(device, 4096, &state, &kept), 0);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(df_batch_use(batch, shared, DF_READ), 0);
	ck_assert_uint_eq(submit->external_count, 1);
	ck_assert_ptr_eq(submit->external[0], shared);
	ck_assert_uint_eq(submit->external_handles[0], shared->handle);
	ck_assert_int_eq(df_batch_use(batch, kept, DF_READ), 0);
	ck_assert(!submit->commits_state);
	ck_assert_int_eq(df_batch_fill(batch, kept, 0, 0, 4), 0);
	ck_assert(submit->commits_state);
	ck_assert_uint_eq(submit->commit_count, 1);
	ck_assert_int_eq(df_batch_reset(batch), 0);
	ck_assert(!submit->commits_state);
	ck_assert_uint_eq(submit->commit_count, 0);
	ck_assert_uint_eq(submit->external_count, 0);
	ck_assert_int_eq(df_bo_destroy(shared), 0);
	ck_assert_int_eq(df_bo_destroy(kept), 0);
	ck_assert_int_eq(df_batch_destroy(batch), 0);
}
END_TEST

START_TEST(input_bos_are_not_written)
{
	struct df_batch *batch = make(0, 0);
	struct df_bo_options input = DF_OPTIONS(input, .recovery = DF_BO_INPUT);
	struct df_bo *bo;
	ck_assert_int_eq(df_bo_create(device, 4096, &input, &bo), 0);
	ck_assert_int_eq(df_batch_use(batch, bo, DF_READ | DF_WRITE), -EACCES);
	ck_assert_int_eq(df_batch_fill(batch, bo, 0, 0, 4), -EACCES);
	ck_assert_ptr_nonnull(strstr(df_error(), "Fix:"));
	ck_assert_int_eq(df_batch_use(batch, bo, DF_READ), 0);
	ck_assert_int_eq(df_batch_destroy(batch), 0);
	ck_assert_int_eq(df_bo_destroy(bo), 0);
}
END_TEST

START_TEST(ranges_and_alignment)
{
	struct df_batch *batch = make(0, 0);
	struct df_bo *bo;
	uint32_t args[8] = {0};
	ck_assert_int_eq(df_bo_create(device, 4096, NULL, &bo), 0);
	struct df_batch_info before, after;
	df_batch_get_info(batch, &before);
	ck_assert_int_lt(df_batch_copy(batch, bo, 4000, bo, 0, 97), 0);
	ck_assert_int_lt(df_batch_copy(batch, bo, 0, bo, 4000, 97), 0);
	ck_assert_int_lt(df_batch_copy(batch, bo, UINT64_MAX, bo, 0, 2), 0);
	ck_assert_int_eq(df_batch_copy(batch, bo, 10, bo, 0, 11), -EINVAL);
	ck_assert_int_eq(df_batch_fill(batch, bo, 2, 0, 4), -EINVAL);
	ck_assert_int_eq(df_batch_fill(batch, bo, 0, 0, 6), -EINVAL);
	ck_assert_int_lt(df_batch_fill(batch, bo, 0, 0, 4100), 0);
	ck_assert_int_eq(df_batch_timestamp(batch, bo, 4), -EINVAL);
	ck_assert_int_eq(df_batch_write(batch, bo, 6, 0), -EINVAL);
	ck_assert_int_lt(df_batch_write(batch, bo, 4096, 0), 0);
	ck_assert_int_eq(df_batch_wait(batch, bo, 1, DF_EQUAL, 0, 0), -EINVAL);
	ck_assert_int_eq(df_batch_wait(batch, bo, 0, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(df_batch_wait(batch, bo, 0, 7, 0, 0), -EINVAL);
	ck_assert_int_eq(df_batch_use(batch, bo, 0), -EINVAL);
	ck_assert_int_eq(df_batch_use(batch, bo, 4), -EINVAL);
	ck_assert_int_eq(df_batch_launch_indirect(batch, saxpy, bo, 2, args, 32), -EINVAL);
	ck_assert_int_lt(df_batch_launch_indirect(batch, saxpy, bo, 4088, args, 32), 0);
	ck_assert_int_eq(df_batch_copy(batch, bo, 0, bo, 0, 0), 0);
	df_batch_get_info(batch, &after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	ck_assert_int_eq(df_batch_destroy(batch), 0);
	ck_assert_int_eq(df_bo_destroy(bo), 0);
}
END_TEST

START_TEST(bad_launches)
{
	struct df_batch *batch = make(0, 0);
	uint32_t args[8] = {0};
	struct df_batch_info before, after;
	const uint32_t tall[3] = {1, 65536, 1}, deep[3] = {1, 1, 70000}, none[3] = {4, 0, 4},
		       wide[3] = {UINT32_MAX, 1, 1};
	df_batch_get_info(batch, &before);
	for (unsigned round = 0; round < 2; round++) { /* the second beside the short path */
		ck_assert_int_eq(df_batch_launch(NULL, saxpy, one, args, 32), -EINVAL);
		ck_assert_int_eq(df_batch_launch(batch, NULL, one, args, 32), -EINVAL);
		ck_assert_int_eq(df_batch_launch(batch, saxpy, NULL, args, 32), -EINVAL);
		ck_assert_int_eq(df_batch_launch(batch, saxpy, one, NULL, 32), -EINVAL);
		ck_assert_int_eq(df_batch_launch(batch, saxpy, one, args, 28), -EINVAL);
		ck_assert_int_eq(df_batch_launch(batch, saxpy, tall, args, 32), -EINVAL);
		ck_assert_int_eq(df_batch_launch(batch, saxpy, deep, args, 32), -EINVAL);
		ck_assert_int_eq(df_batch_launch(batch, saxpy, none, args, 32), 0);
		df_batch_get_info(batch, &after);
		ck_assert_mem_eq(&before, &after, sizeof(before));
		ck_assert_int_eq(launch(batch, round), 0);
		ck_assert_int_eq(df_batch_launch(batch, saxpy, wide, args, 32), 0);
		df_batch_get_info(batch, &before);
	}
	ck_assert_int_eq(df_batch_destroy(batch), 0);
}
END_TEST

START_TEST(other_devices_are_refused)
{
	struct df_batch *batch = make(0, 0);
	struct df_device other = *device;
	struct df_kernel *kernel = saxpy;
	uint32_t args[8] = {0};
	batch->submit.device = &other;
	ck_assert_int_eq(df_batch_launch(batch, kernel, one, args, 32), -EXDEV);
	ck_assert_int_eq(df_batch_use(batch, code->bo, DF_READ), -EXDEV);
	batch->submit.device = device;
	ck_assert_int_eq(df_batch_destroy(batch), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("chain");
	TCase *tc = tcase_create("batches");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, grows_by_chunks);
	tcase_add_test(tc, longer_than_an_ib_may_be);
	tcase_add_test(tc, small_ibs);
	tcase_add_loop_test(tc, reserved_stream_runs_out, 0, 2);
	tcase_add_test(tc, reserved_arguments_run_out);
	tcase_add_test(tc, reserve_launches_is_enough);
	tcase_add_test(tc, growing_fails_cleanly);
	tcase_add_test(tc, create_fails_cleanly);
	tcase_add_test(tc, sealed_takes_nothing_more);
	tcase_add_test(tc, empty_batch_seals);
	tcase_add_test(tc, bos_and_code_in_use_stay);
	tcase_add_test(tc, external_and_state_bos);
	tcase_add_test(tc, input_bos_are_not_written);
	tcase_add_test(tc, ranges_and_alignment);
	tcase_add_test(tc, bad_launches);
	tcase_add_test(tc, other_devices_are_refused);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

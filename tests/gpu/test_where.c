/* SPDX-License-Identifier: MIT */
/* test_where.c - where a job went wrong: the same in every run, whichever thread met it first. */
#include "fixture.h"
#include "kernels.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct fx fx;

static void setup(void)
{
	fx_init(&fx, false, false);
}

static void teardown(void)
{
	fx_finish(&fx);
}

static void launch(uint64_t code, uint64_t va, uint32_t groups)
{
	struct fx_launch l = {.code = code, .user_count = 3, .user = {lo(va), hi(va), 77}};

	l.grid[0] = groups;
	l.block[0] = 96;
	l.rsrc2 = FX_TGID_X;
	fx_dispatch(&fx, &l);
}

static void check_at(const struct gpu_fault *at, enum gpu_status status, uint32_t number, uint64_t pc)
{
	ck_assert_int_eq(at->status, status);
	ck_assert_uint_eq(at->launch, number);
	ck_assert_uint_eq(at->group[0] | at->group[1] | at->group[2] | at->wave, 0);
	ck_assert_msg(at->pc == pc, "pc 0x%llx, not 0x%llx", (unsigned long long)at->pc, (unsigned long long)pc);
}

/* The waves spin over five instructions; killed anywhere, they stand at the first of them. */
START_TEST(stuck_wave)
{
	uint64_t end = FX_CODE_OF(&fx, 0, k_end), spin = FX_CODE_OF(&fx, 1, k_spin);
	struct fx_job job;

	launch(end, FX_DATA_VA, 4);
	launch(spin, FX_DATA_VA, 300);
	launch(end, FX_DATA_VA, 4);
	fx_submit(&fx, &job, GPU_RING_COMPUTE, 0);
	ck_assert(!fx_done_within(&job, 20));
	gpu_ring_reset(fx.gpu, GPU_RING_COMPUTE, 0);
	ck_assert_int_eq(job.result.status, GPU_KILLED);
	check_at(&job.job.stuck, GPU_KILLED, 1, spin);
	ck_assert_int_eq(job.job.page_fault.status, GPU_DONE);
}
END_TEST

START_TEST(stuck_wave_while_the_ib_goes_on)
{
	uint64_t spin = FX_CODE_OF(&fx, 1, k_spin);
	struct fx_job job;

	launch(spin, FX_DATA_VA, 3);
	fx_submit(&fx, &job, GPU_RING_GFX, 0);
	ck_assert(!fx_done_within(&job, 20));
	gpu_ring_kill_waves(fx.gpu, GPU_RING_GFX, 0);
	ck_assert_int_eq(fx_wait(&job).status, GPU_DONE);
	check_at(&job.job.stuck, GPU_KILLED, 0, spin);
}
END_TEST

/* The command processor waits, no wave runs: it is the packet that stands. */
START_TEST(stuck_command_processor)
{
	uint64_t end = FX_CODE_OF(&fx, 0, k_end);
	struct fx_job job;
	uint64_t packet;

	launch(end, FX_DATA_VA, 4);
	packet = fx.ib_va + fx.ib_dw * 4;
	FX_PACKET(&fx, P_WAIT_REG_MEM, 3 | 1 << 4, lo(FX_DATA_VA), hi(FX_DATA_VA), 0x77, 0xffffffff, 4);
	fx_submit(&fx, &job, GPU_RING_COMPUTE, 0);
	ck_assert(!fx_done_within(&job, 20));
	gpu_ring_reset(fx.gpu, GPU_RING_COMPUTE, 0);
	ck_assert_int_eq(job.result.status, GPU_KILLED);
	ck_assert_int_eq(job.job.stuck.status, GPU_DONE);
	ck_assert_uint_eq(job.result.address, packet);
	ck_assert_uint_eq(job.result.launch, 1);
}
END_TEST

/* Every group of two launches stores to nowhere and goes on: the first wave of the first launch is told. */
START_TEST(first_page_fault)
{
	const uint64_t nowhere = FX_VA + 0x40000000;
	uint64_t end = FX_CODE_OF(&fx, 0, k_end), store = FX_CODE_OF(&fx, 1, k_store_tid);
	struct fx_job job;

	launch(end, FX_DATA_VA, 1);
	launch(store, nowhere, 200);
	launch(store, nowhere + 0x100000, 200);
	fx_submit(&fx, &job, GPU_RING_COMPUTE, 0);
	ck_assert_int_eq(fx_wait(&job).status, GPU_DONE);
	ck_assert_int_eq(job.job.page_fault.status, GPU_FAULT_PAGE);
	ck_assert_uint_eq(job.job.page_fault.launch, 1);
	ck_assert_uint_eq(job.job.page_fault.group[0] | job.job.page_fault.wave, 0);
	ck_assert_uint_eq(job.job.page_fault.address, nowhere);
	ck_assert_uint_eq(job.job.page_fault.access, GPU_WRITE);
	ck_assert_uint_ge(job.job.page_fault.pc, store);
	ck_assert_uint_lt(job.job.page_fault.pc, store + sizeof(k_store_tid));
}
END_TEST

START_TEST(page_fault_of_the_command_processor)
{
	uint64_t end = FX_CODE_OF(&fx, 0, k_end);
	struct fx_job job;

	launch(end, FX_DATA_VA, 1);
	FX_PACKET(&fx, P_WRITE_DATA, 5 << 8, lo(FX_VA + 0x40000000), hi(FX_VA + 0x40000000), 1);
	fx_submit(&fx, &job, GPU_RING_COMPUTE, 0);
	ck_assert_int_eq(fx_wait(&job).status, GPU_DONE);
	ck_assert_int_eq(job.job.page_fault.status, GPU_FAULT_PAGE);
	ck_assert_uint_eq(job.job.page_fault.launch, 1);
	ck_assert_uint_eq(job.job.page_fault.pc, 0);
	ck_assert_uint_eq(job.job.page_fault.address, FX_VA + 0x40000000);
}
END_TEST

START_TEST(nothing_went_wrong)
{
	uint64_t store = FX_CODE_OF(&fx, 1, k_store_tid);
	struct fx_job job;

	job.job.stuck.status = GPU_KILLED; /* left by a job before */
	launch(store, FX_DATA_VA, 1);
	fx_submit(&fx, &job, GPU_RING_COMPUTE, 0);
	ck_assert_int_eq(fx_wait(&job).status, GPU_DONE);
	ck_assert_int_eq(job.job.stuck.status, GPU_DONE);
	ck_assert_int_eq(job.job.page_fault.status, GPU_DONE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gpu where");
	TCase *tcase = tcase_create("where");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, stuck_wave);
	tcase_add_test(tcase, stuck_wave_while_the_ib_goes_on);
	tcase_add_test(tcase, stuck_command_processor);
	tcase_add_test(tcase, first_page_fault);
	tcase_add_test(tcase, page_fault_of_the_command_processor);
	tcase_add_test(tcase, nothing_went_wrong);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

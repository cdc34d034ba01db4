/* SPDX-License-Identifier: MIT */
/* test_sched.c - progress of every resident wave, kill, reset, faults. */
#include "fixture.h"
#include "kernels.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct fx fx;

static void setup(void)
{
	fx_init(&fx, false, true);
}

static void teardown(void)
{
	fx_finish(&fx);
}

static struct fx_launch kernel(uint64_t code, uint64_t va, uint32_t value)
{
	return (struct fx_launch){.code = code, .user_count = 3, .user = {lo(va), hi(va), value}};
}

/* Every group spins until all have come: only possible when all are resident and each makes progress. */
START_TEST(groups_meet)
{
	struct fx_launch l = kernel(FX_CODE_OF(&fx, 0, k_meet), FX_DATA_VA, 600);

	l.grid[0] = 600;
	fx_dispatch(&fx, &l);
	ck_assert_int_eq(fx_run(&fx, GPU_RING_COMPUTE).status, GPU_DONE);
	ck_assert_uint_eq(fx_data(&fx)[0], 600);
	ck_assert_uint_eq(fx_data(&fx)[1], 600);
}
END_TEST

START_TEST(launches_meet)
{
	struct fx_launch l = kernel(FX_CODE_OF(&fx, 0, k_meet), FX_DATA_VA, 4);

	l.grid[0] = 2;
	fx_dispatch(&fx, &l);
	fx_dispatch(&fx, &l);
	ck_assert_int_eq(fx_run(&fx, GPU_RING_COMPUTE).status, GPU_DONE);
	ck_assert_uint_eq(fx_data(&fx)[1], 4);
}
END_TEST

START_TEST(rings_meet)
{
	struct fx_launch l = kernel(FX_CODE_OF(&fx, 0, k_meet), FX_DATA_VA, 5);
	struct fx_job jobs[5];

	for (unsigned i = 0; i < 5; i++) {
		fx_ib(&fx, i * 0x1000);
		fx_dispatch(&fx, &l);
		fx_submit(&fx, &jobs[i], i < 4 ? GPU_RING_COMPUTE : GPU_RING_GFX, i < 4 ? i : 0);
	}
	for (unsigned i = 0; i < 5; i++)
		ck_assert_int_eq(fx_wait(&jobs[i]).status, GPU_DONE);
	ck_assert_uint_eq(fx_data(&fx)[1], 5);
}
END_TEST

/* What the wave waits for is written by a packet behind its launch. */
START_TEST(cp_goes_on_beside_a_spinning_wave)
{
	struct fx_launch l = kernel(FX_CODE_OF(&fx, 0, k_spin), FX_DATA_VA, 3);

	fx_dispatch(&fx, &l);
	FX_PACKET(&fx, P_WRITE_DATA, 5 << 8, lo(FX_DATA_VA), hi(FX_DATA_VA), 3);
	fx_flush(&fx);
	FX_PACKET(&fx, P_WRITE_DATA, 5 << 8, lo(FX_DATA_VA + 4), hi(FX_DATA_VA), 4);
	ck_assert_int_eq(fx_run(&fx, GPU_RING_COMPUTE).status, GPU_DONE);
	ck_assert_uint_eq(fx_data(&fx)[1], 4);
}
END_TEST

/* A launch too big to be resident at once: groups that meet nobody still all run beside a spinning one. */
START_TEST(more_groups_than_fit)
{
	struct fx_launch l = {.user_count = 2, .grid = {20000}, .block = {1}};
	struct gpu_stats stats;

	l.code = FX_CODE_OF(&fx, 0, k_end);
	fx_dispatch(&fx, &l);
	ck_assert_int_eq(fx_run(&fx, GPU_RING_COMPUTE).status, GPU_DONE);
	gpu_get_stats(fx.gpu, &stats);
	ck_assert_uint_eq(stats.groups, 20000);
	ck_assert_uint_eq(stats.instructions, 20000);
}
END_TEST

static void start_forever(struct fx_job *job, unsigned instance, uint32_t groups)
{
	struct fx_launch l = {.grid = {groups}, .block = {64}};

	if (instance == 0) /* later ones find it, while it runs */
		FX_CODE_OF(&fx, 0, k_forever);
	l.code = FX_CODE_VA;
	fx_ib(&fx, instance * 0x1000);
	fx_dispatch(&fx, &l);
	FX_PACKET(&fx, P_EVENT_WRITE, EV_CS_PARTIAL_FLUSH);
	FX_PACKET(&fx, P_WRITE_DATA, 5 << 8, lo(FX_DATA_VA), hi(FX_DATA_VA), 1);
	fx_submit(&fx, job, GPU_RING_COMPUTE, instance);
	ck_assert(!fx_done_within(job, 20));
}

START_TEST(kill_waves_lets_the_ib_go_on)
{
	struct fx_job job;

	start_forever(&job, 0, 100000);
	ck_assert_uint_eq(fx_data(&fx)[0], 0);
	gpu_ring_kill_waves(fx.gpu, GPU_RING_COMPUTE, 0);
	ck_assert_int_eq(fx_wait(&job).status, GPU_DONE);
	ck_assert_uint_eq(fx_data(&fx)[0], 1);
}
END_TEST

START_TEST(ring_reset_ends_one_job)
{
	struct fx_job job, next, other;

	start_forever(&job, 0, 7);
	start_forever(&other, 1, 7);
	fx_ib(&fx, 0x8000);
	FX_PACKET(&fx, P_WRITE_DATA, 5 << 8, lo(FX_DATA_VA + 4), hi(FX_DATA_VA), 2);
	fx_submit(&fx, &next, GPU_RING_COMPUTE, 0);
	gpu_ring_reset(fx.gpu, GPU_RING_COMPUTE, 0);
	ck_assert(job.done);
	ck_assert_int_eq(job.result.status, GPU_KILLED);
	ck_assert_uint_eq(job.job.launches, 1);
	ck_assert_int_eq(fx_wait(&next).status, GPU_DONE);
	ck_assert_uint_eq(fx_data(&fx)[0], 0);
	ck_assert_uint_eq(fx_data(&fx)[1], 2);
	ck_assert(!fx_done_within(&other, 5));
	gpu_ring_reset(fx.gpu, GPU_RING_COMPUTE, 1);
	ck_assert_int_eq(other.result.status, GPU_KILLED);
}
END_TEST

START_TEST(ring_reset_of_an_idle_ring)
{
	gpu_ring_reset(fx.gpu, GPU_RING_COMPUTE, 0);
	gpu_ring_reset(fx.gpu, GPU_RING_SDMA, 1);
	FX_PACKET(&fx, P_WRITE_DATA, 5 << 8, lo(FX_DATA_VA), hi(FX_DATA_VA), 2);
	ck_assert_int_eq(fx_run(&fx, GPU_RING_COMPUTE).status, GPU_DONE);
	gpu_ring_reset(fx.gpu, GPU_RING_COMPUTE, 0);
	fx_ib(&fx, 0);
	FX_PACKET(&fx, P_WRITE_DATA, 5 << 8, lo(FX_DATA_VA), hi(FX_DATA_VA), 3);
	ck_assert_int_eq(fx_run(&fx, GPU_RING_COMPUTE).status, GPU_DONE);
	ck_assert_uint_eq(fx_data(&fx)[0], 3);
}
END_TEST

START_TEST(reset_ends_everything)
{
	struct fx_job spin, wait, queued, dma;

	start_forever(&spin, 0, 3);
	fx_ib(&fx, 0x4000);
	FX_PACKET(&fx, P_WAIT_REG_MEM, 3 | 1 << 4, lo(FX_DATA_VA), hi(FX_DATA_VA), 0x77, 0xffffffff, 4);
	fx_submit(&fx, &wait, GPU_RING_GFX, 0);
	fx_ib(&fx, 0x5000);
	fx_dw(&fx, 8 | 3u << 28 | 1u << 31);
	fx_dw(&fx, lo(FX_DATA_VA));
	fx_dw(&fx, hi(FX_DATA_VA));
	fx_dw(&fx, 0x77);
	fx_dw(&fx, 0xffffffff);
	fx_dw(&fx, 0xfff << 16);
	fx_submit(&fx, &dma, GPU_RING_SDMA, 0);
	fx_ib(&fx, 0x6000);
	fx_submit(&fx, &queued, GPU_RING_COMPUTE, 0);
	ck_assert(!fx_done_within(&wait, 20));
	ck_assert(!dma.done);
	gpu_reset(fx.gpu);
	ck_assert_int_eq(fx_wait(&spin).status, GPU_KILLED);
	ck_assert_int_eq(fx_wait(&wait).status, GPU_KILLED);
	ck_assert_int_eq(fx_wait(&dma).status, GPU_KILLED);
	ck_assert_int_eq(fx_wait(&queued).status, GPU_KILLED);
	fx_ib(&fx, 0x7000);
	FX_PACKET(&fx, P_WRITE_DATA, 5 << 8, lo(FX_DATA_VA), hi(FX_DATA_VA), 5);
	ck_assert_int_eq(fx_run(&fx, GPU_RING_COMPUTE).status, GPU_DONE);
}
END_TEST

START_TEST(refused_instruction)
{
	struct fx_launch l = {.block = {32}};
	struct gpu_fault fault;
	struct fx_job job;

	l.code = FX_CODE_OF(&fx, 0, k_image);
	fx_dispatch(&fx, &l);
	FX_PACKET(&fx, P_WRITE_DATA, 5 << 8, lo(FX_DATA_VA), hi(FX_DATA_VA), 5);
	fx_submit(&fx, &job, GPU_RING_COMPUTE, 0);
	fault = fx_wait(&job);
	ck_assert_int_eq(fault.status, GPU_FAULT_OPCODE);
	ck_assert_ptr_nonnull(strstr(fault.what, "image_load"));
	ck_assert_uint_eq(fault.pc, l.code);
	ck_assert_uint_eq(job.job.launches, 1);
	ck_assert_uint_eq(fx_data(&fx)[0], 0);
}
END_TEST

START_TEST(illegal_instruction)
{
	static const uint32_t code[] = {0xbf800000, 0xffffffff, 0xbf810000}; /* s_nop; nothing; s_endpgm */
	struct fx_launch l = {.block = {32}};
	struct gpu_fault fault;

	l.code = FX_CODE_OF(&fx, 0, code);
	fx_dispatch(&fx, &l);
	fault = fx_run(&fx, GPU_RING_COMPUTE);
	ck_assert_int_eq(fault.status, GPU_FAULT_OPCODE);
	ck_assert_ptr_nonnull(strstr(fault.what, "0xffffffff"));
	ck_assert_uint_eq(fault.pc, l.code + 4);
}
END_TEST

START_TEST(code_that_is_not_mapped)
{
	struct fx_launch l = {.code = 0x10000, .block = {32}};
	struct gpu_fault fault;

	fx_dispatch(&fx, &l);
	fault = fx_run(&fx, GPU_RING_COMPUTE);
	ck_assert_int_eq(fault.status, GPU_FAULT_PAGE);
	ck_assert_uint_eq(fault.access, GPU_EXEC);
	ck_assert_uint_eq(fault.address, 0x10000);
}
END_TEST

START_TEST(code_without_execute)
{
	struct fx_launch l = {.code = 0x10000, .block = {32}};

	FX_CODE_OF(&fx, 0, k_end);
	ck_assert_int_eq(gpu_vm_map(fx.vm, 0x10000, 4096, fx.mem + FX_CODE, GPU_READ | GPU_WRITE, GPU_MTYPE_NC), 0);
	fx_dispatch(&fx, &l);
	ck_assert_int_eq(fx_run(&fx, GPU_RING_COMPUTE).status, GPU_FAULT_PAGE);
}
END_TEST

/* The same address holds other code in the next job, and in the same job behind GLI_INV. */
START_TEST(changed_code)
{
	struct fx_launch l = kernel(FX_CODE_OF(&fx, 0, k_store_tid), FX_DATA_VA, 0);

	l.block[0] = 8;
	fx_dispatch(&fx, &l);
	ck_assert_int_eq(fx_run(&fx, GPU_RING_COMPUTE).status, GPU_DONE);
	ck_assert_uint_eq(fx_data(&fx)[7], 7);
	memset(fx_data(&fx), 0, 64);
	FX_CODE_OF(&fx, 0, k_end);
	fx_ib(&fx, 0);
	fx_dispatch(&fx, &l);
	fx_flush(&fx);
	FX_PACKET(&fx, P_DMA_DATA, 0, lo(l.code + 256), hi(l.code), lo(l.code), hi(l.code), sizeof(k_store_tid));
	fx_acquire(&fx, FX_GCR_ALL);
	FX_CODE_OF(&fx, 1, k_store_tid);
	fx_dispatch(&fx, &l);
	ck_assert_int_eq(fx_run(&fx, GPU_RING_COMPUTE).status, GPU_DONE);
	ck_assert_uint_eq(fx_data(&fx)[7], 7);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gpu sched");
	TCase *tcase = tcase_create("sched");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, groups_meet);
	tcase_add_test(tcase, launches_meet);
	tcase_add_test(tcase, rings_meet);
	tcase_add_test(tcase, cp_goes_on_beside_a_spinning_wave);
	tcase_add_test(tcase, more_groups_than_fit);
	tcase_add_test(tcase, kill_waves_lets_the_ib_go_on);
	tcase_add_test(tcase, ring_reset_ends_one_job);
	tcase_add_test(tcase, ring_reset_of_an_idle_ring);
	tcase_add_test(tcase, reset_ends_everything);
	tcase_add_test(tcase, refused_instruction);
	tcase_add_test(tcase, illegal_instruction);
	tcase_add_test(tcase, code_that_is_not_mapped);
	tcase_add_test(tcase, code_without_execute);
	tcase_add_test(tcase, changed_code);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/* test_strict.c - each rule of strict mode fires where it is broken and is silent where it is kept. */
#include "fixture.h"
#include "kernels.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { GCR_VECTOR = 1 << 8 | 1 << 9, GCR_SCALAR = 1 << 7, GCR_WB = 1 << 15 };

static struct fx fx;

static void setup(void)
{
	fx_init(&fx, true, true);
}

static void teardown(void)
{
	fx_finish(&fx);
}

static void run_done(void)
{
	const struct gpu_fault fault = fx_run(&fx, GPU_RING_COMPUTE);

	ck_assert_msg(fault.status == GPU_DONE, "%s", fault.what);
}

static void expect(enum gpu_finding_kind kind, unsigned n)
{
	for (unsigned i = 0; i < fx.findings && i < FX_FINDINGS; i++)
		ck_assert_msg(n && fx.finding[i].kind == kind, "%s (pc 0x%llx)", fx.finding[i].what,
			      (unsigned long long)fx.finding[i].pc);
	ck_assert_uint_eq(fx.findings, n);
}

static struct fx_launch copy_launch(uint32_t from, uint32_t to)
{
	return (struct fx_launch){
		.code = FX_CODE_OF(&fx, 0, k_copy),
		.block = {32},
		.rsrc2 = FX_TGID_X,
		.user_count = 4,
		.user = {lo(FX_DATA_VA + from), hi(FX_DATA_VA), lo(FX_DATA_VA + to), hi(FX_DATA_VA)},
	};
}

/* Copies 0 to 0x1000, then 0x1000 to 0x2000, with these packets between. */
static void two_copies(bool wait, uint32_t gcr)
{
	struct fx_launch first = copy_launch(0, 0x1000), second = copy_launch(0x1000, 0x2000);

	fx_data(&fx)[5] = 55;
	fx_acquire(&fx, FX_GCR_ALL);
	fx_dispatch(&fx, &first);
	if (wait)
		fx_flush(&fx);
	if (gcr)
		fx_acquire(&fx, gcr);
	fx_dispatch(&fx, &second);
	run_done();
}

START_TEST(barrier_kept)
{
	two_copies(true, GCR_VECTOR);
	ck_assert_uint_eq(fx_data(&fx)[0x2000 / 4 + 5], 55);
	expect(0, 0);
}
END_TEST

START_TEST(no_invalidation)
{
	two_copies(true, 0);
	expect(GPU_FINDING_STALE_CACHE, 1);
	ck_assert_uint_eq(fx.finding[0].launch, 1);
	ck_assert_uint_ge(fx.finding[0].address, FX_DATA_VA + 0x1000);
	ck_assert_ptr_nonnull(strstr(fx.finding[0].what, "GLV_INV"));
}
END_TEST

START_TEST(only_l0_invalidated)
{
	two_copies(true, 1 << 8);
	expect(GPU_FINDING_STALE_CACHE, 1);
	ck_assert_ptr_nonnull(strstr(fx.finding[0].what, "GL1_INV"));
}
END_TEST

START_TEST(no_wait)
{
	two_copies(false, GCR_VECTOR);
	expect(GPU_FINDING_STALE_CACHE, 1);
	ck_assert_ptr_nonnull(strstr(fx.finding[0].what, "CS_PARTIAL_FLUSH"));
}
END_TEST

START_TEST(independent_launches)
{
	struct fx_launch first = copy_launch(0, 0x1000), second = copy_launch(0, 0x1080);

	fx_acquire(&fx, FX_GCR_ALL);
	fx_dispatch(&fx, &first);
	fx_dispatch(&fx, &second);
	run_done();
	expect(0, 0);
}
END_TEST

static void cp_write_then_scalar(uint32_t gcr)
{
	struct fx_launch l = copy_launch(0, 0x1000);

	l.code = FX_CODE_OF(&fx, 1, k_scalar_copy);
	l.rsrc2 = 0;
	fx_acquire(&fx, FX_GCR_ALL);
	FX_PACKET(&fx, P_WRITE_DATA, 5 << 8, lo(FX_DATA_VA), hi(FX_DATA_VA), 42);
	fx_acquire(&fx, gcr);
	fx_dispatch(&fx, &l);
	run_done();
	ck_assert_uint_eq(fx_data(&fx)[0x1000 / 4], 42);
}

START_TEST(scalar_invalidated)
{
	cp_write_then_scalar(GCR_SCALAR);
	expect(0, 0);
}
END_TEST

START_TEST(scalar_not_invalidated)
{
	cp_write_then_scalar(GCR_VECTOR);
	expect(GPU_FINDING_STALE_CACHE, 1);
	ck_assert_ptr_nonnull(strstr(fx.finding[0].what, "GLK_INV"));
	ck_assert_ptr_nonnull(strstr(fx.finding[0].what, "command processor"));
}
END_TEST

/* RELEASE_MEM of a 64-bit value behind a store. */
static void release(uint32_t gcr, uint32_t data_sel)
{
	struct fx_launch l = copy_launch(0, 0x1000);

	fx_acquire(&fx, FX_GCR_ALL);
	fx_dispatch(&fx, &l);
	FX_PACKET(&fx, P_RELEASE_MEM, EV_BOTTOM_OF_PIPE | gcr, data_sel << 29, lo(FX_DATA_VA + 0x4000), hi(FX_DATA_VA),
		  7, 0, 0);
	run_done();
}

START_TEST(release_with_writeback)
{
	release(1 << 21, 2);
	expect(0, 0);
	ck_assert_uint_eq(fx_data(&fx)[0x1000], 7);
}
END_TEST

START_TEST(release_without_writeback)
{
	release(0, 2);
	expect(GPU_FINDING_WRITEBACK, 1);
	ck_assert_ptr_nonnull(strstr(fx.finding[0].what, "GL2_WB"));
}
END_TEST

START_TEST(release_of_a_timestamp)
{
	release(0, 3);
	expect(0, 0);
}
END_TEST

START_TEST(write_data_before_the_end)
{
	struct fx_launch l = copy_launch(0, 0x1000);

	ck_assert_int_eq(gpu_vm_map(fx.vm, 0x5000, 4096, fx.mem + FX_DATA + 0x5000, GPU_READ | GPU_WRITE, GPU_MTYPE_UC),
			 0);
	fx_acquire(&fx, FX_GCR_ALL);
	fx_dispatch(&fx, &l);
	FX_PACKET(&fx, P_WRITE_DATA, 5 << 8, 0x5000, 0, 1, 0);
	run_done();
	expect(GPU_FINDING_WRITEBACK, 1);
	ck_assert_ptr_nonnull(strstr(fx.finding[0].what, "not waited"));
}
END_TEST

static void run_kernel(const uint32_t *code, size_t size_B, uint32_t rsrc2, uint32_t threads)
{
	struct fx_launch l = {
		.user_count = 2, .user = {lo(FX_DATA_VA), hi(FX_DATA_VA)}, .rsrc2 = rsrc2, .block = {threads}};

	l.code = fx_code(&fx, 3, code, size_B);
	fx_acquire(&fx, FX_GCR_ALL);
	fx_dispatch(&fx, &l);
	run_done();
}
#define RUN_KERNEL(name, rsrc2, threads) run_kernel(name, sizeof(name), rsrc2, threads)

START_TEST(wait_of_vector_load)
{
	RUN_KERNEL(k_no_wait_vm, 0, 32);
	expect(GPU_FINDING_WAITCNT, 1);
	ck_assert_uint_eq(fx.finding[0].pc, FX_CODE_VA + 3 * 256 + 12);
	ck_assert_ptr_nonnull(strstr(fx.finding[0].what, "v2"));
}
END_TEST

START_TEST(wait_of_scalar_load)
{
	RUN_KERNEL(k_no_wait_lgkm, 0, 32);
	expect(GPU_FINDING_WAITCNT, 1);
	ck_assert_ptr_nonnull(strstr(fx.finding[0].what, "s3"));
}
END_TEST

START_TEST(vgpr_that_nothing_wrote)
{
	RUN_KERNEL(k_uninit_vgpr, 0, 32);
	expect(GPU_FINDING_UNINIT_REG, 1);
	ck_assert_ptr_nonnull(strstr(fx.finding[0].what, "v5"));
}
END_TEST

START_TEST(sgpr_that_nothing_wrote)
{
	RUN_KERNEL(k_uninit_sgpr, 0, 32);
	expect(GPU_FINDING_UNINIT_REG, 1);
	ck_assert_ptr_nonnull(strstr(fx.finding[0].what, "s20"));
}
END_TEST

START_TEST(lds_that_nothing_wrote)
{
	RUN_KERNEL(k_lds_uninit, FX_LDS_1K, 32);
	expect(GPU_FINDING_UNINIT_LDS, 1);
}
END_TEST

START_TEST(lds_race)
{
	RUN_KERNEL(k_exchange_race, FX_LDS_1K, 64);
	ck_assert_uint_ge(fx_found(&fx, GPU_FINDING_LDS_RACE) + fx_found(&fx, GPU_FINDING_UNINIT_LDS), 1);
	ck_assert_uint_ge(fx_found(&fx, GPU_FINDING_LDS_RACE), 1);
}
END_TEST

START_TEST(lds_with_barrier)
{
	RUN_KERNEL(k_exchange, FX_LDS_1K, 64);
	expect(0, 0);
	for (unsigned i = 0; i < 64; i++)
		ck_assert_uint_eq(fx_data(&fx)[i], 100 + (i ^ 32));
}
END_TEST

START_TEST(good_kernels_are_silent)
{
	struct fx_launch l = {.user_count = 2,
			      .user = {lo(FX_DATA_VA), hi(FX_DATA_VA)},
			      .block = {4, 2},
			      .grid = {2},
			      .rsrc2 = FX_TGID_X | FX_TGID_Y | FX_TGID_Z | FX_TG_SIZE | FX_TID_Z | FX_SCRATCH,
			      .tmpring = 64 | 1 << 12};

	l.code = FX_CODE_OF(&fx, 0, k_record);
	fx_acquire(&fx, FX_GCR_ALL);
	fx_dispatch(&fx, &l);
	run_done();
	expect(0, 0);
}
END_TEST

START_TEST(misaligned_ib)
{
	fx_ib(&fx, 4);
	FX_PACKET(&fx, P_NOP, 0);
	run_done();
	expect(GPU_FINDING_ALIGN, 1);
}
END_TEST

START_TEST(reserved_bits_of_a_register)
{
	struct fx_launch l = {.rsrc1 = 1 << 27};

	l.code = FX_CODE_OF(&fx, 0, k_end);
	fx_dispatch(&fx, &l);
	run_done();
	expect(GPU_FINDING_RESERVED, 1);
	ck_assert_ptr_nonnull(strstr(fx.finding[0].what, "COMPUTE_PGM_RSRC1"));
}
END_TEST

START_TEST(reserved_bits_of_a_packet)
{
	FX_PACKET(&fx, P_ACQUIRE_MEM, 0, 0xffffffff, 0xff, 0, 0, 10, 1u << 20);
	run_done();
	expect(GPU_FINDING_RESERVED, 1);
}
END_TEST

START_TEST(off_means_silent)
{
	gpu_set_strict(fx.gpu, false);
	two_copies(false, 0);
	RUN_KERNEL(k_no_wait_vm, 0, 32);
	expect(0, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gpu strict");
	TCase *tcase = tcase_create("strict");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, barrier_kept);
	tcase_add_test(tcase, no_invalidation);
	tcase_add_test(tcase, only_l0_invalidated);
	tcase_add_test(tcase, no_wait);
	tcase_add_test(tcase, independent_launches);
	tcase_add_test(tcase, scalar_invalidated);
	tcase_add_test(tcase, scalar_not_invalidated);
	tcase_add_test(tcase, release_with_writeback);
	tcase_add_test(tcase, release_without_writeback);
	tcase_add_test(tcase, release_of_a_timestamp);
	tcase_add_test(tcase, write_data_before_the_end);
	tcase_add_test(tcase, wait_of_vector_load);
	tcase_add_test(tcase, wait_of_scalar_load);
	tcase_add_test(tcase, vgpr_that_nothing_wrote);
	tcase_add_test(tcase, sgpr_that_nothing_wrote);
	tcase_add_test(tcase, lds_that_nothing_wrote);
	tcase_add_test(tcase, lds_race);
	tcase_add_test(tcase, lds_with_barrier);
	tcase_add_test(tcase, good_kernels_are_silent);
	tcase_add_test(tcase, misaligned_ib);
	tcase_add_test(tcase, reserved_bits_of_a_register);
	tcase_add_test(tcase, reserved_bits_of_a_packet);
	tcase_add_test(tcase, off_means_silent);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/* test_dispatch.c - what a wave finds in its registers, grids, and the kernels' results. */
#include "fixture.h"
#include "kernels.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_DW = 8, RECORDS = 64 / 4 };

static struct fx_launch record_launch(struct fx *fx)
{
	return (struct fx_launch){
		.code = FX_CODE_OF(fx, 0, k_record),
		.user_count = 2,
		.user = {lo(FX_DATA_VA), hi(FX_DATA_VA)},
		.block = {4, 1, 1},
		.rsrc2 = FX_TGID_X | FX_TGID_Y | FX_TGID_Z | FX_TG_SIZE | FX_TID_Z,
	};
}

static const uint32_t *record(struct fx *fx, unsigned i)
{
	return fx_data(fx) + RECORDS + i * RECORD_DW;
}

static void run_launch(struct fx *fx, const struct fx_launch *l, unsigned records)
{
	struct gpu_fault fault;

	fx_dispatch(fx, l);
	fault = fx_run(fx, GPU_RING_COMPUTE);
	ck_assert_msg(fault.status == GPU_DONE, "%s", fault.what);
	ck_assert_uint_eq(fx_data(fx)[0], records);
}

START_TEST(saxpy)
{
	const uint32_t n = 1000;
	struct fx_launch l = {.user_count = 6, .block = {64}, .grid = {16}, .rsrc2 = FX_TGID_X};
	struct fx fx;
	float *x, *y;
	struct gpu_fault fault;

	fx_init(&fx, false, true);
	x = (float *)fx_data(&fx);
	y = x + 1024;
	for (uint32_t i = 0; i < 1024; i++) {
		x[i] = (float)i;
		y[i] = 0.5f;
	}
	l.code = FX_CODE_OF(&fx, 0, k_saxpy);
	l.user[0] = lo(FX_DATA_VA);
	l.user[1] = hi(FX_DATA_VA);
	l.user[2] = lo(FX_DATA_VA + 4096);
	l.user[3] = hi(FX_DATA_VA + 4096);
	l.user[4] = 0x40000000; /* 2.0 */
	l.user[5] = n;
	fx_dispatch(&fx, &l);
	fault = fx_run(&fx, GPU_RING_COMPUTE);
	ck_assert_msg(fault.status == GPU_DONE, "%s", fault.what);
	for (uint32_t i = 0; i < 1024; i++)
		ck_assert_msg(y[i] == (i < n ? 2.0f * (float)i + 0.5f : 0.5f), "y[%u] = %g", i, (double)y[i]);
	fx_finish(&fx);
}
END_TEST

START_TEST(sgprs_and_thread_ids)
{
	struct fx fx;
	struct fx_launch l;
	bool seen[2][3][2][2] = {0};

	fx_init(&fx, false, true);
	l = record_launch(&fx);
	l.block[0] = 2;
	l.block[1] = 2;
	l.grid[0] = 2;
	l.grid[1] = 3;
	run_launch(&fx, &l, 24);
	for (unsigned i = 0; i < 24; i++) {
		const uint32_t *r = record(&fx, i);

		ck_assert_uint_lt(r[0], 2);
		ck_assert_uint_lt(r[1], 3);
		ck_assert_uint_eq(r[2], 0);
		ck_assert_uint_eq(r[3], 1u << 31 | 1);
		ck_assert_uint_lt(r[5], 2);
		ck_assert_uint_lt(r[6], 2);
		ck_assert_uint_eq(r[7], 0);
		ck_assert(!seen[r[0]][r[1]][r[5]][r[6]]);
		seen[r[0]][r[1]][r[5]][r[6]] = true;
	}
	fx_finish(&fx);
}
END_TEST

START_TEST(shared_vgprs)
{
	struct fx fx;
	struct fx_launch l = {
		.user_count = 2, .user = {lo(FX_DATA_VA), hi(FX_DATA_VA)}, .block = {64}, .vgprs = 4, .rsrc3 = 1};
	struct gpu_fault fault;

	fx_init(&fx, true, true);
	l.wave64 = true;
	l.code = FX_CODE_OF(&fx, 0, k_shared_vgprs);
	fx_dispatch(&fx, &l);
	fault = fx_run(&fx, GPU_RING_COMPUTE);
	ck_assert_msg(fault.status == GPU_DONE, "%s", fault.what);
	for (uint32_t i = 0; i < 64; i++) {
		ck_assert_uint_eq(fx_data(&fx)[i], 0x100 + i % 32);           /* the low half wrote */
		ck_assert_uint_eq(fx_data(&fx)[64 + i], 0x100 + 32 + i % 32); /* both did: the high half last */
		ck_assert_uint_eq(fx_data(&fx)[128 + i], 0x100 + 32 + i % 32);
	}
	ck_assert_uint_eq(fx.findings, 0);
	fx_finish(&fx);
}
END_TEST

START_TEST(shared_vgprs_of_wave32_are_refused)
{
	struct fx fx;
	struct fx_launch l = {
		.user_count = 2, .user = {lo(FX_DATA_VA), hi(FX_DATA_VA)}, .block = {64}, .vgprs = 8, .rsrc3 = 1};
	struct gpu_fault fault;

	fx_init(&fx, false, true);
	l.code = FX_CODE_OF(&fx, 0, k_shared_vgprs);
	fx_dispatch(&fx, &l);
	fault = fx_run(&fx, GPU_RING_COMPUTE);
	ck_assert_int_eq(fault.status, GPU_FAULT_PACKET);
	ck_assert_ptr_nonnull(strstr(fault.what, "shared VGPRs"));
	fx_finish(&fx);
}
END_TEST

START_TEST(group_info_of_two_waves)
{
	struct fx fx;
	struct fx_launch l;
	unsigned first = 0;

	fx_init(&fx, false, true);
	l = record_launch(&fx);
	l.block[0] = 40;
	run_launch(&fx, &l, 40);
	for (unsigned i = 0; i < 40; i++) {
		const uint32_t *r = record(&fx, i);
		const bool second = r[5] >= 32;

		ck_assert_uint_eq(r[3], 2 | (second ? 1u << 6 : 1u << 31));
		first += !second;
	}
	ck_assert_uint_eq(first, 32);
	fx_finish(&fx);
}
END_TEST

START_TEST(disabled_ids_leave_no_gap)
{
	struct fx fx;
	struct fx_launch l;

	fx_init(&fx, false, true);
	l = record_launch(&fx);
	l.rsrc2 = FX_TGID_Z | FX_TG_SIZE;
	l.grid[2] = 2;
	l.block[0] = 1;
	run_launch(&fx, &l, 2);
	ck_assert_uint_eq(record(&fx, 0)[0] + record(&fx, 1)[0], 1); /* s2 is the z id */
	ck_assert_uint_eq(record(&fx, 0)[1], 1u << 31 | 1);
	fx_finish(&fx);
}
END_TEST

START_TEST(start_offsets_are_ends)
{
	struct fx fx;
	struct fx_launch l;

	fx_init(&fx, false, true);
	l = record_launch(&fx);
	l.block[0] = 1;
	l.start[0] = 5;
	l.grid[0] = 7;
	run_launch(&fx, &l, 2);
	ck_assert_uint_eq(record(&fx, 0)[0] + record(&fx, 1)[0], 11);
	fx_finish(&fx);
}
END_TEST

START_TEST(partial_groups)
{
	struct fx fx;
	struct fx_launch l;
	unsigned last = 0;

	fx_init(&fx, false, true);
	l = record_launch(&fx);
	l.partial[0] = 3;
	l.partial[1] = l.partial[2] = 1;
	l.grid[0] = 2;
	l.initiator = FX_PARTIAL;
	run_launch(&fx, &l, 7);
	for (unsigned i = 0; i < 7; i++)
		last += record(&fx, i)[0] == 1;
	ck_assert_uint_eq(last, 3);
	fx_finish(&fx);
}
END_TEST

START_TEST(thread_dimensions)
{
	struct fx fx;
	struct fx_launch l;

	fx_init(&fx, false, true);
	l = record_launch(&fx);
	l.grid[0] = 9;
	l.initiator = FX_THREADS;
	run_launch(&fx, &l, 9);
	fx_finish(&fx);
}
END_TEST

START_TEST(scratch_offsets)
{
	struct fx fx;
	struct fx_launch l;
	bool seen[8] = {false};

	fx_init(&fx, false, true);
	l = record_launch(&fx);
	l.rsrc2 = FX_SCRATCH; /* s2 is the wave's offset */
	l.tmpring = 8 | 3 << 12;
	l.block[0] = 128;
	run_launch(&fx, &l, 128);
	for (unsigned i = 0; i < 128; i++) {
		const uint32_t offset = record(&fx, i)[0];

		ck_assert_uint_eq(offset % 3072, 0);
		ck_assert_uint_lt(offset / 3072, 8);
		seen[offset / 3072] = true;
	}
	ck_assert_int_eq(seen[0] + seen[1] + seen[2] + seen[3] + seen[4] + seen[5] + seen[6] + seen[7], 4);
	fx_finish(&fx);
}
END_TEST

START_TEST(scratch_limits_what_is_resident)
{
	struct fx fx;
	struct fx_launch l;

	fx_init(&fx, false, true);
	l = record_launch(&fx);
	l.rsrc2 = FX_SCRATCH;
	l.tmpring = 1 | 1 << 12; /* one wave at a time */
	l.block[0] = 1;
	l.grid[0] = 100;
	run_launch(&fx, &l, 100);
	for (unsigned i = 0; i < 100; i++)
		ck_assert_uint_eq(record(&fx, i)[0], 0);
	fx_finish(&fx);
}
END_TEST

START_TEST(wave64)
{
	struct fx fx;
	struct fx_launch l = {.user_count = 2, .block = {64}, .wave64 = true};
	struct gpu_stats stats;

	fx_init(&fx, false, true);
	l.code = FX_CODE_OF(&fx, 0, k_store_tid);
	l.user[0] = lo(FX_DATA_VA);
	l.user[1] = hi(FX_DATA_VA);
	fx_dispatch(&fx, &l);
	ck_assert_int_eq(fx_run(&fx, GPU_RING_COMPUTE).status, GPU_DONE);
	for (unsigned i = 0; i < 64; i++)
		ck_assert_uint_eq(fx_data(&fx)[i], i);
	gpu_get_stats(fx.gpu, &stats);
	ck_assert_uint_eq(stats.waves, 1);
	ck_assert_uint_eq(stats.groups, 1);
	ck_assert_uint_eq(stats.launches, 1);
	ck_assert_uint_eq(stats.instructions, 3);
	fx_finish(&fx);
}
END_TEST

START_TEST(lds_and_barrier)
{
	struct fx fx;
	struct fx_launch l = {.user_count = 2, .block = {64}, .rsrc2 = FX_LDS_1K};

	fx_init(&fx, false, true);
	l.code = FX_CODE_OF(&fx, 0, k_exchange);
	l.user[0] = lo(FX_DATA_VA);
	l.user[1] = hi(FX_DATA_VA);
	fx_dispatch(&fx, &l);
	ck_assert_int_eq(fx_run(&fx, GPU_RING_COMPUTE).status, GPU_DONE);
	for (unsigned i = 0; i < 64; i++)
		ck_assert_uint_eq(fx_data(&fx)[i], 100 + (i ^ 32));
	fx_finish(&fx);
}
END_TEST

/* Each makes one field wrong; the job ends with a packet fault that names it. */
static const struct {
	const char *what;
	struct fx_launch launch;
} wrong[] = {
	{"NUM_THREAD_PARTIAL", {.initiator = FX_PARTIAL, .block = {4}}},
	{"NUM_THREAD_PARTIAL", {.initiator = FX_PARTIAL, .block = {4}, .partial = {5, 1, 1}}},
	{"1024 threads", {.block = {1025}}},
	{"1024 threads", {.block = {1024, 2}}},
	{"TIDIG_COMP_CNT", {.rsrc2 = 3 << 11}},
	{"LDS", {.rsrc2 = 129 << 15}},
	{"user SGPRs", {.rsrc2 = 17 << 1}},
	{"VGPRs", {.vgprs = 264}},
	{"ORDERED_APPEND_ENBL", {.initiator = 1 << 3}},
	{"ORDERED_APPEND_MODE", {.initiator = 1 << 4}},
	{"RESTORE", {.initiator = 1 << 14}},
	{"never start", {.rsrc2 = FX_SCRATCH, .tmpring = 1 << 12}},
	{"never start", {.vgprs = 256, .block = {1024}, .wave64 = false}},
	{"2^48", {.grid = {0xffffffff, 0xffffffff, 0xffffffff}}},
};

START_TEST(refused)
{
	struct fx_launch l = wrong[_i].launch;
	struct fx fx;
	struct gpu_fault fault;

	fx_init(&fx, false, true);
	l.code = FX_CODE_OF(&fx, 0, k_end);
	fx_dispatch(&fx, &l);
	fault = fx_run(&fx, GPU_RING_COMPUTE);
	ck_assert_int_eq(fault.status, GPU_FAULT_PACKET);
	ck_assert_msg(strstr(fault.what, wrong[_i].what) != NULL, "%s", fault.what);
	ck_assert_uint_eq(fx.ib[(fault.address - fx.ib_va) / 4] >> 8 & 0xff, P_DISPATCH_DIRECT);
	fx_finish(&fx);
}
END_TEST

START_TEST(no_shader_enable)
{
	struct fx_launch l = {.grid = {1}};
	struct fx fx;
	struct gpu_fault fault;

	fx_init(&fx, false, true);
	l.code = FX_CODE_OF(&fx, 0, k_end);
	fx_state(&fx, &l);
	FX_PACKET(&fx, P_DISPATCH_DIRECT, 1, 1, 1, 0x8004);
	fault = fx_run(&fx, GPU_RING_COMPUTE);
	ck_assert_int_eq(fault.status, GPU_FAULT_PACKET);
	ck_assert_ptr_nonnull(strstr(fault.what, "COMPUTE_SHADER_EN"));
	fx_finish(&fx);
}
END_TEST

START_TEST(no_compute_unit_enabled)
{
	struct fx_launch l = {.grid = {1}};
	struct fx fx;
	struct gpu_fault fault;

	fx_init(&fx, false, true);
	l.code = FX_CODE_OF(&fx, 0, k_end);
	fx_state(&fx, &l);
	FX_PACKET(&fx, P_SET_SH_REG, (0xb858 - 0xb000) / 4, 0, 0);
	FX_PACKET(&fx, P_SET_SH_REG, (0xb864 - 0xb000) / 4, 0, 0);
	FX_PACKET(&fx, P_DISPATCH_DIRECT, 1, 1, 1, 0x8005);
	fault = fx_run(&fx, GPU_RING_COMPUTE);
	ck_assert_int_eq(fault.status, GPU_FAULT_PACKET);
	ck_assert_ptr_nonnull(strstr(fault.what, "never start"));
	fx_finish(&fx);
}
END_TEST

START_TEST(empty_grid)
{
	struct fx_launch l = {.grid = {1}};
	struct fx fx;
	struct fx_job job;

	fx_init(&fx, false, true);
	l.code = FX_CODE_OF(&fx, 0, k_end);
	fx_state(&fx, &l);
	FX_PACKET(&fx, P_DISPATCH_DIRECT, 4, 0, 1, 0x8005);
	fx_submit(&fx, &job, GPU_RING_COMPUTE, 0);
	ck_assert_int_eq(fx_wait(&job).status, GPU_DONE);
	ck_assert_uint_eq(job.job.launches, 1);
	fx_finish(&fx);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gpu dispatch");
	TCase *tcase = tcase_create("dispatch");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, saxpy);
	tcase_add_test(tcase, sgprs_and_thread_ids);
	tcase_add_test(tcase, group_info_of_two_waves);
	tcase_add_test(tcase, shared_vgprs);
	tcase_add_test(tcase, shared_vgprs_of_wave32_are_refused);
	tcase_add_test(tcase, disabled_ids_leave_no_gap);
	tcase_add_test(tcase, start_offsets_are_ends);
	tcase_add_test(tcase, partial_groups);
	tcase_add_test(tcase, thread_dimensions);
	tcase_add_test(tcase, scratch_offsets);
	tcase_add_test(tcase, scratch_limits_what_is_resident);
	tcase_add_test(tcase, wave64);
	tcase_add_test(tcase, lds_and_barrier);
	tcase_add_loop_test(tcase, refused, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tcase, no_shader_enable);
	tcase_add_test(tcase, no_compute_unit_enabled);
	tcase_add_test(tcase, empty_grid);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

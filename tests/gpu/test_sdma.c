/* SPDX-License-Identifier: MIT */
/* test_sdma.c - each SDMA packet does its work, and each field that can be wrong is refused by name. */
#include "fixture.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define D         FX_DATA_VA
#define A(offset) (uint32_t)(D + (offset)), (uint32_t)((D + (offset)) >> 32)
#define PUT(...)  put(sizeof((uint32_t[]){__VA_ARGS__}) / 4, (uint32_t[]){__VA_ARGS__})

enum {
	NOP = 0,
	COPY = 1,
	WRITE = 2,
	INDIRECT = 4,
	FENCE = 5,
	TRAP = 6,
	POLL = 8,
	COND = 9,
	ATOMIC = 10,
	FILL = 11,
	TIMESTAMP = 13,
	GCR = 17,
	N = 12,
};

static struct fx fx;

static void setup(void)
{
	fx_init(&fx, false, true);
}

static void teardown(void)
{
	fx_finish(&fx);
}

static void put(unsigned n, const uint32_t *dw)
{
	for (unsigned i = 0; i < n; i++)
		fx_dw(&fx, dw[i]);
}

static void done(void)
{
	const struct gpu_fault fault = fx_run(&fx, GPU_RING_SDMA);

	ck_assert_msg(fault.status == GPU_DONE, "%s", fault.what);
}

START_TEST(copy)
{
	uint8_t *bytes = fx.mem + FX_DATA;

	for (unsigned i = 0; i < 20000; i++)
		bytes[i] = (uint8_t)(i * 11);
	PUT(COPY, 19000 - 1, 0, A(5), A(0x10003));
	PUT(TRAP, 0);
	done();
	ck_assert_mem_eq(bytes + 0x10003, bytes + 5, 19000);
	ck_assert_uint_eq(bytes[0x10002], 0);
	ck_assert_uint_eq(bytes[0x10003 + 19000], 0);
}
END_TEST

START_TEST(write_fence_nop)
{
	PUT(NOP | 2 << 16, 0xdead, 0xbeef);
	PUT(WRITE, A(0), 3 - 1, 1, 2, 3);
	PUT(FENCE, A(12), 4);
	PUT(GCR, 0, 0, 0, 0);
	done();
	ck_assert_mem_eq(fx_data(&fx), ((uint32_t[]){1, 2, 3, 4}), 16);
}
END_TEST

START_TEST(fill)
{
	PUT(FILL | 2u << 30, A(4), 0x12345678, 12 - 1);
	PUT(FILL, A(33), 0xff7e, 3 - 1);
	done();
	ck_assert_mem_eq(fx_data(&fx), ((uint32_t[]){0, 0x12345678, 0x12345678, 0x12345678, 0}), 20);
	ck_assert_uint_eq(fx_data(&fx)[8], 0x7e7e7e00);
	ck_assert_uint_eq(fx_data(&fx)[9], 0);
}
END_TEST

START_TEST(poll)
{
	struct fx_job job;

	PUT(POLL | 3u << 28 | 1u << 31, A(0), 5, 0xf, 0xfff << 16 | 10);
	PUT(FENCE, A(4), 6);
	fx_submit(&fx, &job, GPU_RING_SDMA, 1);
	ck_assert(!fx_done_within(&job, 10));
	__atomic_store_n(fx_data(&fx), 0x25, __ATOMIC_RELEASE);
	ck_assert_int_eq(fx_wait(&job).status, GPU_DONE);
	ck_assert_uint_eq(fx_data(&fx)[1], 6);
}
END_TEST

START_TEST(atomic)
{
	fx_data(&fx)[0] = 5;
	PUT(ATOMIC | 0x2fu << 25, A(0), 3, 1, 0, 0, 0);
	done();
	ck_assert_uint_eq(fx_data(&fx)[0], 8);
	ck_assert_uint_eq(fx_data(&fx)[1], 1);
}
END_TEST

START_TEST(timestamp)
{
	const uint64_t before = gpu_clock(fx.gpu);
	uint64_t clock[2];

	PUT(TIMESTAMP | 1 << 8, A(0));
	PUT(TIMESTAMP | 2 << 8, A(8));
	done();
	memcpy(clock, fx_data(&fx), 16);
	ck_assert_uint_ge(clock[0], before);
	ck_assert_uint_ge(clock[1], clock[0]);
}
END_TEST

START_TEST(cond_exe)
{
	fx_data(&fx)[0] = 3;
	PUT(COND, A(0), 3, 4);
	PUT(FENCE, A(4), 1);
	PUT(COND, A(0), 4, 4);
	PUT(FENCE, A(8), 1);
	done();
	ck_assert_uint_eq(fx_data(&fx)[1], 1);
	ck_assert_uint_eq(fx_data(&fx)[2], 0);
}
END_TEST

START_TEST(indirect)
{
	fx_ib(&fx, 0x1000);
	PUT(FENCE, A(0), 1);
	fx_ib(&fx, 0);
	PUT(INDIRECT, lo(FX_VA + 0x1000), hi(FX_VA), 4, 0, 0);
	PUT(FENCE, A(4), 2);
	done();
	ck_assert_uint_eq(fx_data(&fx)[0], 1);
	ck_assert_uint_eq(fx_data(&fx)[1], 2);
}
END_TEST

static const struct {
	const char *what;
	unsigned n;
	uint32_t dw[N];
} wrong[] = {
	{"opcode 0x3f", 1, {0x3f}},
	{"SRBM_WRITE", 3, {14, 0, 0}},
	{"PTEPDE", 3, {12, 0, 0}},
	{"COPY runs over", 3, {COPY, 3, 0}},
	{"sub-operation 1", 7, {COPY | 1 << 8, 3, 0, A(0), A(64)}},
	{"plain linear", 7, {COPY | 1 << 18, 3, 0, A(0), A(64)}},
	{"plain linear", 7, {COPY | 1 << 25, 3, 0, A(0), A(64)}},
	{"plain linear", 7, {COPY | 1 << 27, 3, 0, A(0), A(64)}},
	{"plain linear", 7, {COPY | 1 << 16, 3, 0, A(0), A(64)}},
	{"WRITE: sub-operation 1", 5, {WRITE | 1 << 8, A(0), 0, 1}},
	{"WRITE: address", 5, {WRITE, A(1), 0, 1}},
	{"WRITE of 2 dwords", 5, {WRITE, A(0), 1, 1}},
	{"FENCE: address", 4, {FENCE, A(2), 1}},
	{"of a register", 6, {POLL | 3u << 28, A(0), 0, 0, 0}},
	{"of a register", 6, {POLL | 3u << 28 | 1u << 31 | 1 << 26, A(0), 0, 0, 0}},
	{"function 7", 6, {POLL | 7u << 28 | 1u << 31, A(0), 0, 0, 0}},
	{"POLL_REGMEM: sub-operation 1", 6, {POLL | 1 << 8 | 3u << 28 | 1u << 31, A(0), 0, 0, 0}},
	{"fill size 1", 5, {FILL | 1u << 30, A(0), 1, 3}},
	{"CONST_FILL of dwords", 5, {FILL | 2u << 30, A(2), 1, 3}},
	{"CONST_FILL of dwords", 5, {FILL | 2u << 30, A(0), 1, 4}},
	{"CONST_FILL: sub-operation 1", 5, {FILL | 1 << 8, A(0), 1, 3}},
	{"atomic operation", 8, {ATOMIC | 1u << 25, A(0), 0, 0, 0, 0, 0}},
	{"TIMESTAMP: sub-operation 0", 3, {TIMESTAMP, A(0)}},
	{"TIMESTAMP: address", 3, {TIMESTAMP | 1 << 8, A(4)}},
	{"COND_EXE: address", 5, {COND, A(1), 0, 0}},
	{"PRIV", 6, {INDIRECT | 1u << 31, A(0), 0, 0, 0}},
};

START_TEST(refused)
{
	struct gpu_fault fault;

	for (unsigned i = 0; i < wrong[_i].n; i++)
		fx_dw(&fx, wrong[_i].dw[i]);
	fault = fx_run(&fx, GPU_RING_SDMA);
	ck_assert_msg(fault.status == GPU_FAULT_PACKET, "status %d: %s", fault.status, fault.what);
	ck_assert_msg(strstr(fault.what, wrong[_i].what) != NULL, "%s", fault.what);
	for (unsigned i = 0; i < 64; i++)
		ck_assert_uint_eq(fx_data(&fx)[i], 0);
}
END_TEST

START_TEST(page_fault)
{
	struct gpu_fault fault;

	PUT(COPY, 5000 - 1, 0, A(0), 0x1000, 0);
	fault = fx_run(&fx, GPU_RING_SDMA);
	ck_assert_int_eq(fault.status, GPU_FAULT_PAGE);
	ck_assert_uint_eq(fault.address, 0x1000);
	ck_assert_uint_eq(fault.access, GPU_WRITE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gpu sdma");
	TCase *tcase = tcase_create("sdma");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, copy);
	tcase_add_test(tcase, write_fence_nop);
	tcase_add_test(tcase, fill);
	tcase_add_test(tcase, poll);
	tcase_add_test(tcase, atomic);
	tcase_add_test(tcase, timestamp);
	tcase_add_test(tcase, cond_exe);
	tcase_add_test(tcase, indirect);
	tcase_add_loop_test(tcase, refused, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tcase, page_fault);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

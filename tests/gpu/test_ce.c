/* SPDX-License-Identifier: MIT */
/* test_ce.c - the constant engine: its packets, its RAM, and how its stream and the draw engine's wait for each other.
 */
#include "fixture.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define D         FX_DATA_VA
#define A(offset) (uint32_t)(D + (offset)), (uint32_t)((D + (offset)) >> 32)

enum {
	INDIRECT_BUFFER_CONST = 0x33,
	LOAD_CONST_RAM = 0x80,
	WRITE_CONST_RAM = 0x81,
	DUMP_CONST_RAM = 0x83,
	INCREMENT_CE_COUNTER = 0x84,
	INCREMENT_DE_COUNTER = 0x85,
	WAIT_ON_CE_COUNTER = 0x86,
	WAIT_ON_DE_COUNTER_DIFF = 0x88,
	SET_CE_DE_COUNTERS = 0x89,
	MEM = 5 << 8,
	EQUAL_MEM = 3 | 1 << 4,
	CE_AT = 0x10000, /* IBs in the block */
	MORE_AT = 0x20000,
	DE_AT = 0x30000,
	RAM_B = 65536,
	DUMP_COUNTS = 1 << 30,
	IBS = 4,
};

static struct fx fx;

/* A job of several IBs. */
static struct {
	struct gpu_job job;
	struct gpu_ib ibs[IBS];
	bool done;
	struct gpu_fault result;
} two;

static void setup(void)
{
	fx_init(&fx, false, true);
	memset(&two, 0, sizeof(two));
	fx_ib(&fx, CE_AT);
}

static void setup_strict(void)
{
	setup();
	gpu_set_strict(fx.gpu, true);
}

static void teardown(void)
{
	fx_finish(&fx);
}

static void on_done(struct gpu_job *job, const struct gpu_fault *result)
{
	(void)job;
	pthread_mutex_lock(&fx.lock);
	two.result = *result;
	two.done = true;
	pthread_cond_broadcast(&fx.cond);
	pthread_mutex_unlock(&fx.lock);
}

/* What has been written becomes an IB of the job; the next is written at an offset of the block. */
static void ib_ends(uint32_t flags, uint32_t next)
{
	fx_pad(&fx);
	two.ibs[two.job.ib_count++] = (struct gpu_ib){.va = fx.ib_va, .size_dw = fx.ib_dw, .flags = flags};
	fx_ib(&fx, next);
}

static void ce_ends(void)
{
	ib_ends(GPU_IB_CE, DE_AT);
}

static void submit(enum gpu_ring_type type)
{
	two.done = false;
	two.job.vm = fx.vm;
	two.job.ibs = two.ibs;
	two.job.done = on_done;
	ck_assert_int_eq(gpu_submit(fx.gpu, type, 0, &two.job), 0);
}

static struct gpu_fault wait_for(void)
{
	pthread_mutex_lock(&fx.lock);
	while (!two.done)
		pthread_cond_wait(&fx.cond, &fx.lock);
	pthread_mutex_unlock(&fx.lock);
	return two.result;
}

static void run(void)
{
	struct gpu_fault fault;

	ib_ends(0, DE_AT);
	submit(GPU_RING_GFX);
	fault = wait_for();
	ck_assert_msg(fault.status == GPU_DONE, "%s", fault.what);
	two.job.ib_count = 0;
	fx_ib(&fx, CE_AT);
}

static void refused_with(const char *what, uint64_t at)
{
	struct gpu_fault fault;

	ib_ends(0, DE_AT);
	submit(GPU_RING_GFX);
	fault = wait_for();
	ck_assert_int_eq(fault.status, GPU_FAULT_PACKET);
	ck_assert_msg(strstr(fault.what, what) != NULL, "%s", fault.what);
	ck_assert_uint_eq(fault.address, at);
	two.job.ib_count = 0;
	fx_ib(&fx, CE_AT);
}

static void write_mem(uint32_t offset, uint32_t value)
{
	FX_PACKET(&fx, P_WRITE_DATA, MEM, A(offset), value);
}

/* The stream of IGT's amd_basic@cs-gfx-with-IP-GFX. */
START_TEST(draw_engine_waits_for_the_constant_engine)
{
	FX_PACKET(&fx, SET_CE_DE_COUNTERS, 0);
	FX_PACKET(&fx, INCREMENT_CE_COUNTER, 1);
	ce_ends();
	FX_PACKET(&fx, WAIT_ON_CE_COUNTER, 1);
	write_mem(0, 1);
	run();
	ck_assert_uint_eq(fx_data(&fx)[0], 1);
}
END_TEST

START_TEST(order_of_the_ibs_is_no_matter)
{
	FX_PACKET(&fx, WAIT_ON_CE_COUNTER, 0);
	write_mem(0, 1);
	ib_ends(0, MORE_AT);
	FX_PACKET(&fx, SET_CE_DE_COUNTERS, 7);
	ib_ends(GPU_IB_CE, DE_AT);
	FX_PACKET(&fx, INCREMENT_CE_COUNTER, 1);
	ib_ends(GPU_IB_CE | GPU_IB_PREAMBLE, CE_AT + 0x1000);
	write_mem(4, 2);
	run();
	ck_assert_mem_eq(fx_data(&fx), ((uint32_t[]){1, 2}), 8);
}
END_TEST

START_TEST(ram_is_written_loaded_and_dumped)
{
	fx_data(&fx)[0] = 11;
	fx_data(&fx)[1] = 12;
	FX_PACKET(&fx, WRITE_CONST_RAM, RAM_B - 16, 1, 2, 3, 4);
	FX_PACKET(&fx, LOAD_CONST_RAM, A(0), 2, RAM_B - 12);
	FX_PACKET(&fx, DUMP_CONST_RAM, RAM_B - 16, 4, A(64));
	FX_PACKET(&fx, DUMP_CONST_RAM, RAM_B - 4, 0, A(128));
	ce_ends();
	run();
	ck_assert_mem_eq(fx_data(&fx) + 16, ((uint32_t[]){1, 11, 12, 4, 0}), 20);
	ck_assert_uint_eq(fx_data(&fx)[32], 0);
}
END_TEST

START_TEST(dump_counts_when_asked)
{
	FX_PACKET(&fx, SET_CE_DE_COUNTERS, 3);
	FX_PACKET(&fx, DUMP_CONST_RAM, DUMP_COUNTS, 1, A(0));
	ce_ends();
	FX_PACKET(&fx, WAIT_ON_CE_COUNTER, 0);
	run();
	FX_PACKET(&fx, SET_CE_DE_COUNTERS, 3);
	FX_PACKET(&fx, DUMP_CONST_RAM, 0, 1, A(0));
	ce_ends();
	FX_PACKET(&fx, WAIT_ON_CE_COUNTER, 0);
	refused_with("would wait for ever", FX_VA + DE_AT);
}
END_TEST

/* The draw engine waits for what the constant engine writes by a packet that comes after all it could be held by. */
START_TEST(constant_engine_runs_ahead)
{
	FX_PACKET(&fx, WRITE_CONST_RAM, 0, 9);
	FX_PACKET(&fx, DUMP_CONST_RAM, 0, 1, A(0));
	ce_ends();
	FX_PACKET(&fx, P_WAIT_REG_MEM, EQUAL_MEM, A(0), 9, 0xffffffff, 4);
	write_mem(4, 1);
	run();
	ck_assert_uint_eq(fx_data(&fx)[1], 1);
}
END_TEST

START_TEST(constant_engine_waits_for_the_draw_engine)
{
	FX_PACKET(&fx, SET_CE_DE_COUNTERS, 0xfffffffe); /* the counters run over */
	for (unsigned i = 1; i <= 6; i++) {
		FX_PACKET(&fx, WAIT_ON_DE_COUNTER_DIFF, 2);
		FX_PACKET(&fx, WRITE_CONST_RAM, 0, i);
		FX_PACKET(&fx, DUMP_CONST_RAM, DUMP_COUNTS, 1, A(0));
	}
	ce_ends();
	for (unsigned i = 1; i <= 6; i++) { /* it is two ahead, and has ended at last */
		FX_PACKET(&fx, WAIT_ON_CE_COUNTER, 0);
		FX_PACKET(&fx, P_COPY_DATA, 1 | 5 << 8, A(0), A(i * 4));
		FX_PACKET(&fx, INCREMENT_DE_COUNTER, 0);
	}
	run();
	ck_assert_mem_eq(fx_data(&fx), ((uint32_t[]){6, 2, 3, 4, 5, 6, 6}), 28);
}
END_TEST

START_TEST(counters_and_ram_outlive_a_job)
{
	FX_PACKET(&fx, SET_CE_DE_COUNTERS, 0);
	FX_PACKET(&fx, WRITE_CONST_RAM, 8, 5);
	FX_PACKET(&fx, INCREMENT_CE_COUNTER, 1);
	ce_ends();
	run();
	FX_PACKET(&fx, DUMP_CONST_RAM, 8, 1, A(0));
	ce_ends();
	FX_PACKET(&fx, WAIT_ON_CE_COUNTER, 0);
	FX_PACKET(&fx, INCREMENT_DE_COUNTER, 0);
	run();
	ck_assert_uint_eq(fx_data(&fx)[0], 5);
	ce_ends();
	FX_PACKET(&fx, WAIT_ON_CE_COUNTER, 0);
	refused_with("CE 1, DE 1", FX_VA + DE_AT);
}
END_TEST

START_TEST(a_job_that_did_not_end_leaves_no_counts)
{
	FX_PACKET(&fx, SET_CE_DE_COUNTERS, 0);
	FX_PACKET(&fx, INCREMENT_CE_COUNTER, 1);
	ce_ends();
	FX_PACKET(&fx, P_DRAW_INDEX_AUTO, 3, 2);
	refused_with("DRAW_INDEX_AUTO", FX_VA + DE_AT);
	ce_ends();
	FX_PACKET(&fx, WAIT_ON_CE_COUNTER, 0);
	refused_with("CE 0, DE 0", FX_VA + DE_AT);
}
END_TEST

START_TEST(ibs_call_and_chain)
{
	const uint64_t called = FX_VA + MORE_AT, chained = FX_VA + MORE_AT + 0x1000;

	FX_PACKET(&fx, SET_CE_DE_COUNTERS, 0);
	FX_PACKET(&fx, INDIRECT_BUFFER_CONST, lo(called), hi(called), 8);
	FX_PACKET(&fx, INCREMENT_CE_COUNTER, 1);
	FX_PACKET(&fx, INDIRECT_BUFFER_CONST, lo(chained), hi(chained), 8 | 1 << 20);
	FX_PACKET(&fx, P_DRAW_INDEX_AUTO, 3, 2); /* never come to */
	ce_ends();
	fx_ib(&fx, MORE_AT);
	FX_PACKET(&fx, WRITE_CONST_RAM, 0, 21);
	fx_pad(&fx);
	fx_ib(&fx, MORE_AT + 0x1000);
	FX_PACKET(&fx, DUMP_CONST_RAM, 0, 1, A(0));
	fx_pad(&fx);
	fx_ib(&fx, DE_AT);
	FX_PACKET(&fx, WAIT_ON_CE_COUNTER, 0);
	run();
	ck_assert_uint_eq(fx_data(&fx)[0], 21);
}
END_TEST

START_TEST(both_wait)
{
	FX_PACKET(&fx, SET_CE_DE_COUNTERS, 4);
	FX_PACKET(&fx, WAIT_ON_DE_COUNTER_DIFF, 0);
	ce_ends();
	FX_PACKET(&fx, WAIT_ON_CE_COUNTER, 0);
	refused_with("constant engine waits too", FX_VA + DE_AT);
}
END_TEST

START_TEST(draw_engine_ends_while_the_constant_engine_waits)
{
	FX_PACKET(&fx, SET_CE_DE_COUNTERS, 0);
	FX_PACKET(&fx, INCREMENT_CE_COUNTER, 1);
	FX_PACKET(&fx, WAIT_ON_DE_COUNTER_DIFF, 1);
	ce_ends();
	write_mem(0, 1);
	refused_with("WAIT_ON_DE_COUNTER_DIFF would wait for ever", FX_VA + CE_AT + 16);
	ck_assert_uint_eq(fx_data(&fx)[0], 1);
}
END_TEST

START_TEST(endless_constant_stream_is_killed)
{
	const uint64_t self = FX_VA + CE_AT;

	FX_PACKET(&fx, INDIRECT_BUFFER_CONST, lo(self), hi(self), 8 | 1 << 20);
	ce_ends();
	ib_ends(0, CE_AT);
	submit(GPU_RING_GFX);
	gpu_ring_reset(fx.gpu, GPU_RING_GFX, 0);
	ck_assert_int_eq(wait_for().status, GPU_KILLED);
}
END_TEST

static const struct {
	const char *what;
	bool on_ce;
	unsigned n;
	uint32_t dw[6];
} wrong[] = {
	{"WRITE_DATA is refused on the constant engine", true, 5, {0xc0033700, MEM, A(0), 1}},
	{"INCREMENT_DE_COUNTER is refused on the constant engine", true, 2, {0xc0008500, 0}},
	{"WAIT_ON_CE_COUNTER is refused on the constant engine", true, 2, {0xc0008600, 0}},
	{"SWITCH_BUFFER", true, 2, {0xc0008b00, 0}},
	{"DUMP_CONST_RAM_OFFSET", true, 4, {0xc0029e00, 0, 1, 0}},
	{"0x87", true, 2, {0xc0008700, 0}},
	{"INCREMENT_CE_COUNTER is refused on the draw engine", false, 2, {0xc0008400, 1}},
	{"WRITE_CONST_RAM is refused on the draw engine", false, 3, {0xc0018100, 0, 1}},
	{"INDIRECT_BUFFER_CONST is refused on the draw engine", false, 4, {0xc0023300, A(0), 8}},
	{"SET_CE_DE_COUNTERS is refused on the draw engine", false, 2, {0xc0008900, 0}},
	{"counter select 0", true, 2, {0xc0008400, 0}},
	{"counter select 2", true, 2, {0xc0008400, 2}},
	{"counter select 3", true, 2, {0xc0008400, 3}},
	{"CS counter", true, 5, {0xc0038300, 1u << 31, 1, A(0)}},
	{"DUMP_CONST_RAM: address", true, 5, {0xc0038300, 0, 1, A(2)}},
	{"2 dwords at 0xfffc of const RAM", true, 5, {0xc0038300, RAM_B - 4, 2, A(0)}},
	{"1 dwords at 0x2 of const RAM", true, 5, {0xc0038300, 2, 1, A(0)}},
	{"LOAD_CONST_RAM: address", true, 5, {0xc0038000, A(1), 1, 0}},
	{"LOAD_CONST_RAM: 2 dwords", true, 5, {0xc0038000, A(0), 2, RAM_B - 4}},
	{"WRITE_CONST_RAM: 2 dwords", true, 4, {0xc0028100, RAM_B - 4, 1, 2}},
	{"dwords behind its header", true, 2, {0xc0008100, 0}},
	{"dwords behind its header", true, 3, {0xc0018900, 0, 0}},
	{"not aligned to dwords", true, 4, {0xc0023300, 2, 0, 8}},
	{"type 0", true, 1, {0}},
};

START_TEST(refused)
{
	const bool on_ce = wrong[_i].on_ce;

	if (!on_ce)
		ce_ends();
	for (unsigned i = 0; i < wrong[_i].n; i++)
		fx_dw(&fx, wrong[_i].dw[i]);
	if (on_ce)
		ce_ends();
	write_mem(0x100, 1);
	/* the IB that is called is what is at fault */
	refused_with(wrong[_i].what, !strncmp(wrong[_i].what, "not", 3) ? 2 : FX_VA + (on_ce ? CE_AT : DE_AT));
	ck_assert_uint_eq(fx_data(&fx)[0x40], 0);
}
END_TEST

START_TEST(compute_rings_have_none)
{
	struct gpu_fault fault;

	FX_PACKET(&fx, P_NOP, 0);
	ce_ends();
	submit(GPU_RING_COMPUTE);
	fault = wait_for();
	ck_assert_int_eq(fault.status, GPU_FAULT_PACKET);
	ck_assert_msg(strstr(fault.what, "constant engine on a ring that has none") != NULL, "%s", fault.what);
	fx_ib(&fx, DE_AT);
	FX_PACKET(&fx, WAIT_ON_CE_COUNTER, 0);
	fault = fx_run(&fx, GPU_RING_COMPUTE);
	ck_assert_msg(strstr(fault.what, "WAIT_ON_CE_COUNTER is refused on a compute ring") != NULL, "%s", fault.what);
}
END_TEST

START_TEST(page_fault_of_a_dump)
{
	FX_PACKET(&fx, DUMP_CONST_RAM, 0, 1, 0x2000, 0);
	ce_ends();
	ib_ends(0, CE_AT);
	submit(GPU_RING_GFX);
	ck_assert_int_eq(wait_for().status, GPU_FAULT_PAGE);
	ck_assert_uint_eq(two.result.address, 0x2000);
}
END_TEST

static const struct {
	bool on_ce;
	uint32_t dw[5];
} reserved[] = {
	{true, {0xc0008401, 1}},
	{true, {0xc0008400, 1 | 4}},
	{true, {0xc0028100, 1u << 16, 0}},
	{true, {0xc0038000, A(0), 1 | 1 << 15, 0}},
	{true, {0xc0038000, A(0), 1, 1 << 24}},
	{true, {0xc0038000, A(0), 1, 1u << 31}},
	{true, {0xc0038300, 1 << 16, 1, A(0)}},
	{true, {0xc0038300, 1 << 27, 1, A(0)}},
	{true, {0xc0038300, 0, 1 | 1 << 15, A(0)}},
	{false, {0xc0008600, 4}},
};

/* Each row begins with a count, so that WAIT_ON_CE_COUNTER holds. */
START_TEST(reserved_bits_are_findings)
{
	const uint32_t *dw = reserved[_i].dw;
	const unsigned n = (dw[0] >> 16 & 0xf) + 2;

	FX_PACKET(&fx, SET_CE_DE_COUNTERS, 0);
	FX_PACKET(&fx, INCREMENT_CE_COUNTER, 1);
	if (!reserved[_i].on_ce)
		ce_ends();
	for (unsigned i = 0; i < n; i++)
		fx_dw(&fx, dw[i]);
	if (reserved[_i].on_ce)
		ce_ends();
	run();
	ck_assert_uint_eq(fx.findings, 1);
	ck_assert_uint_eq(fx_found(&fx, GPU_FINDING_RESERVED), 1);
}
END_TEST

static TCase *tcase_of(Suite *suite, const char *name, void (*before)(void))
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, before, teardown);
	suite_add_tcase(suite, tcase);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("gpu ce");
	TCase *tcase = tcase_of(suite, "ce", setup), *strict = tcase_of(suite, "strict", setup_strict);
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, draw_engine_waits_for_the_constant_engine);
	tcase_add_test(tcase, order_of_the_ibs_is_no_matter);
	tcase_add_test(tcase, ram_is_written_loaded_and_dumped);
	tcase_add_test(tcase, dump_counts_when_asked);
	tcase_add_test(tcase, constant_engine_runs_ahead);
	tcase_add_test(tcase, constant_engine_waits_for_the_draw_engine);
	tcase_add_test(tcase, counters_and_ram_outlive_a_job);
	tcase_add_test(tcase, a_job_that_did_not_end_leaves_no_counts);
	tcase_add_test(tcase, ibs_call_and_chain);
	tcase_add_test(tcase, both_wait);
	tcase_add_test(tcase, draw_engine_ends_while_the_constant_engine_waits);
	tcase_add_test(tcase, endless_constant_stream_is_killed);
	tcase_add_loop_test(tcase, refused, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tcase, compute_rings_have_none);
	tcase_add_test(tcase, page_fault_of_a_dump);
	tcase_add_loop_test(strict, reserved_bits_are_findings, 0, sizeof(reserved) / sizeof(reserved[0]));
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

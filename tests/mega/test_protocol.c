/* SPDX-License-Identifier: MIT */
/* The host's side of the ring over plain memory: every field refused by itself, results, log, IO queue. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drumfire_mega.h"
#include "mega/ref_ring.h"

#define SLOTS   16u
#define WORDS   64u
#define RECORDS 4u
#define IOS     2u

static struct df_mega_shape shape = {sizeof(shape), SLOTS, WORDS, RECORDS, IOS, 0};
static struct df_mega_bytes bytes;
static void *memory[4];
static struct df_mega_view view;

static void setup(void)
{
	ck_assert_int_eq(df_mega_shape_bytes(&shape, &bytes), 0);
	const uint64_t sizes[4] = {bytes.control, bytes.ring, bytes.log, bytes.io};
	for (unsigned i = 0; i < 4; i++)
		memory[i] = malloc(sizes[i]);
	ck_assert_int_eq(df_mega_format_memory(&shape, memory[0], bytes.control, memory[1], bytes.ring, memory[2],
					       bytes.log, memory[3], bytes.io),
			 0);
	ck_assert_int_eq(df_mega_view_memory(memory[0], bytes.control, memory[1], bytes.ring, memory[2], bytes.log,
					     memory[3], bytes.io, &view),
			 0);
}

static void teardown(void)
{
	for (unsigned i = 0; i < 4; i++)
		free(memory[i]);
}

static void run_reference(uint32_t rounds)
{
	struct ref_ring ref = {memory[0],         memory[1],      memory[2],     memory[3],
			       bytes.control / 4, bytes.ring / 4, bytes.log / 4, bytes.io / 4};

	ref_ring_run(&ref, rounds);
}

static void expect_refusal(int got, int expected, const char *words)
{
	ck_assert_int_eq(got, expected);
	ck_assert_msg(strstr(df_error(), words) != NULL, "'%s' does not say '%s'", df_error(), words);
}

START_TEST(layout_is_the_documented_one)
{
	ck_assert_uint_eq(sizeof(struct df_ring_slot), 64);
	ck_assert_uint_eq(bytes.control, (DF_RING_DATA + WORDS) * 4);
	ck_assert_uint_eq(bytes.ring, SLOTS * 64);
	ck_assert_uint_eq(bytes.log, (DF_RING_LOG_HEADER + RECORDS * DF_RING_LOG_RECORD_WORDS) * 4);
	ck_assert_uint_eq(bytes.io, IOS * 64);
	ck_assert_uint_eq(view.control[DF_RING_CTL_MAGIC], DF_RING_MAGIC);
	ck_assert_uint_eq(view.slots, SLOTS);
	ck_assert_uint_eq(view.data_words, WORDS);
	for (unsigned i = 0; i < DF_RING_TENANTS; i++)
		ck_assert_uint_eq(view.control[DF_RING_TENANT_ALLOW + i], DF_RING_ALLOW_ALL);
}
END_TEST

START_TEST(shape_refuses_each_field)
{
	struct df_mega_shape bad = shape;

	bad.slots = 1u << 30;
	expect_refusal(df_mega_shape_bytes(&bad, &bytes), -EINVAL, "slots");
	bad = shape;
	bad.data_words = 1u << 30;
	expect_refusal(df_mega_shape_bytes(&bad, &bytes), -EINVAL, "data_words");
	bad = shape;
	bad.log_records = 1u << 30;
	expect_refusal(df_mega_shape_bytes(&bad, &bytes), -EINVAL, "log_records");
	bad = shape;
	bad.io_slots = 1u << 30;
	expect_refusal(df_mega_shape_bytes(&bad, &bytes), -EINVAL, "io_slots");
	bad = shape;
	bad.recovery = (enum df_bo_class)9;
	expect_refusal(df_mega_shape_bytes(&bad, &bytes), -EINVAL, "recovery");
	bad = shape;
	bad.recovery = DF_BO_INPUT;
	expect_refusal(df_mega_shape_bytes(&bad, &bytes), -EINVAL, "STATE");
	bad = shape;
	bad.size_B = 3;
	ck_assert_int_eq(df_mega_shape_bytes(&bad, &bytes), -EINVAL);
}
END_TEST

static int view_with(size_t control_B, size_t ring_B, size_t log_B, size_t io_B)
{
	struct df_mega_view other;

	return df_mega_view_memory(memory[0], control_B, memory[1], ring_B, memory[2], log_B, memory[3], io_B, &other);
}

START_TEST(view_refuses_each_size)
{
	expect_refusal(view_with(bytes.control - 4, bytes.ring, bytes.log, bytes.io), -EINVAL, "control");
	expect_refusal(view_with(16, bytes.ring, bytes.log, bytes.io), -EINVAL, "control");
	expect_refusal(view_with(bytes.control, bytes.ring - 1, bytes.log, bytes.io), -EINVAL, "ring");
	expect_refusal(view_with(bytes.control, bytes.ring, bytes.log - 1, bytes.io), -EINVAL, "log");
	expect_refusal(view_with(bytes.control, bytes.ring, bytes.log, bytes.io - 1), -EINVAL, "io");
}
END_TEST

START_TEST(view_refuses_each_control_word)
{
	static const struct {
		uint32_t word, value;
		const char *says;
	} rows[] = {
		{DF_RING_CTL_MAGIC, 0, "not formatted"},    {DF_RING_CTL_VERSION, 2, "version"},
		{DF_RING_SLOTS, SLOTS + 1, "ring"},         {DF_RING_SLOTS, UINT32_MAX, "slots"},
		{DF_RING_DATA_WORDS, WORDS + 1, "control"}, {DF_RING_DATA_WORDS, UINT32_MAX, "data_words"},
		{DF_RING_LOG_RECORDS, RECORDS + 1, "log"},  {DF_RING_LOG_RECORDS, UINT32_MAX, "log_records"},
		{DF_RING_IO_SLOTS, IOS + 1, "io"},          {DF_RING_IO_SLOTS, UINT32_MAX, "io_slots"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t was = view.control[rows[i].word];

		view.control[rows[i].word] = rows[i].value;
		expect_refusal(view_with(bytes.control, bytes.ring, bytes.log, bytes.io), -EINVAL, rows[i].says);
		view.control[rows[i].word] = was;
		ck_assert_int_eq(view_with(bytes.control, bytes.ring, bytes.log, bytes.io), 0);
	}
	ck_assert_int_eq(df_mega_view_memory(NULL, 1 << 20, memory[1], bytes.ring, memory[2], bytes.log, memory[3],
					     bytes.io, &view),
			 -EINVAL);
}
END_TEST

START_TEST(publish_refuses_each_field)
{
	static const struct {
		struct df_mega_work work;
		const char *says;
	} rows[] = {
		{{DF_RING_OPS, 0, 0, {0}}, "opcode"},
		{{DF_RING_OP_USER_FIRST - 1, 0, 0, {0}}, "opcode"},
		{{DF_RING_OP_USER_LAST + 1, 0, 0, {0}}, "opcode"},
		{{UINT32_MAX, 0, 0, {0}}, "opcode"},
		{{DF_RING_OP_NOP, DF_RING_TENANTS, 0, {0}}, "tenant"},
		{{DF_RING_OP_NOP, 0, DF_RING_PRIORITIES, {0}}, "priority"},
		{{DF_RING_OP_NOP, 0, 0, {1}}, "argument 0"},
		{{DF_RING_OP_STORE, 0, 0, {0, 0, 1}}, "argument 2"},
		{{DF_RING_OP_STORE, 0, 0, {WORDS}}, "index 64"},
		{{DF_RING_OP_ATOMIC_ADD, 0, 0, {UINT32_MAX}}, "index"},
		{{DF_RING_OP_LOAD, 0, 0, {WORDS}}, "index"},
		{{DF_RING_OP_LOAD, 0, 0, {0, 1}}, "argument 1"},
		{{DF_RING_OP_COMPARE_SWAP, 0, 0, {WORDS}}, "index"},
		{{DF_RING_OP_MEMCPY, 0, 0, {60, 0, 5}}, "index 60"},
		{{DF_RING_OP_MEMCPY, 0, 0, {0, 60, 5}}, "index 60"},
		{{DF_RING_OP_MEMCPY, 0, 0, {0, 0, DF_RING_MEMCPY_MAX + 1}}, "memcpy"},
		{{DF_RING_OP_IO_READ, 0, 0, {1, 2, 3, 60, 5}}, "index 60"},
		{{DF_RING_OP_PRINTF, 0, 0, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}}, "argument 9"},
		{{DF_RING_OP_USER_FIRST, 0, 0, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, "argument 10"},
	};
	struct df_ring_slot before = view.ring[3];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		expect_refusal(df_mega_publish(&view, 3, &rows[i].work), -EINVAL, rows[i].says);
		ck_assert_mem_eq(&before, &view.ring[3], sizeof(before));
	}
	struct df_mega_work nop = {0};
	expect_refusal(df_mega_publish(&view, SLOTS, &nop), -EINVAL, "16 slots");
}
END_TEST

START_TEST(publish_keeps_what_it_was_given)
{
	struct df_mega_work work = {DF_RING_OP_COMPARE_SWAP, 5, 3, {7, 8, 9}};
	struct df_mega_result result;

	ck_assert_int_eq(df_mega_publish(&view, 2, &work), 0);
	ck_assert_uint_eq(view.ring[2].status, DF_RING_PUBLISHED);
	ck_assert_uint_eq(view.ring[2].opcode, DF_RING_OP_COMPARE_SWAP);
	ck_assert_uint_eq(view.ring[2].tenant, 5);
	ck_assert_uint_eq(view.ring[2].priority, 3);
	ck_assert_mem_eq(view.ring[2].args, work.args, sizeof(work.args));
	expect_refusal(df_mega_publish(&view, 2, &work), -EBUSY, "belongs to the GPU");
	ck_assert_int_eq(df_mega_take(&view, 2, &result), -EAGAIN);
	ck_assert_int_eq(df_mega_take(&view, 1, &result), -ENODATA);
	run_reference(1);
	expect_refusal(df_mega_publish(&view, 2, &work), -EBUSY, "not taken");
	ck_assert_int_eq(df_mega_take(&view, 2, &result), 0);
	ck_assert_uint_eq(result.status, DF_RING_DONE);
	ck_assert_uint_eq(result.opcode, DF_RING_OP_COMPARE_SWAP);
	ck_assert_int_eq(df_mega_publish(&view, 2, &work), 0);
}
END_TEST

START_TEST(publish_next_finds_the_free_slot)
{
	struct df_mega_work nop = {0};
	uint32_t slot = 14;

	for (uint32_t i = 0; i < SLOTS; i++) {
		ck_assert_int_eq(df_mega_publish_next(&view, &nop, &slot), 0);
		ck_assert_uint_eq(slot, (14 + i) % SLOTS);
	}
	ck_assert_int_eq(df_mega_publish_next(&view, &nop, &slot), -ENOSPC);
	ck_assert_int_eq(df_mega_reclaim(&view, 5), 0);
	slot = 0;
	ck_assert_int_eq(df_mega_publish_next(&view, &nop, &slot), 0);
	ck_assert_uint_eq(slot, 5);
}
END_TEST

START_TEST(a_status_that_does_not_exist_is_told)
{
	struct df_mega_counts counts;
	struct df_mega_result result;

	view.ring[7].status = 8;
	expect_refusal(df_mega_peek(&view, 7, &result), -EPROTO, "slot 7");
	expect_refusal(df_mega_take(&view, 7, &result), -EPROTO, "slot 7");
	expect_refusal(df_mega_counts(&view, &counts), -EPROTO, "slot 7");
}
END_TEST

START_TEST(faults_carry_their_reason)
{
	struct df_mega_work work = {DF_RING_OP_USER_FIRST + 2, 4, 0, {0}};
	struct df_mega_counts counts;
	struct df_mega_result result;

	ck_assert_int_eq(df_mega_publish(&view, 0, &work), 0);
	work.tenant = 6;
	work.args[0] = 27;
	ck_assert_int_eq(df_mega_publish(&view, 1, &work), 0);
	work.opcode = DF_RING_OP_USER_LAST;
	work.tenant = 0;
	ck_assert_int_eq(df_mega_publish(&view, 2, &work), 0);
	ck_assert_int_eq(df_mega_tenant(&view, 6, ~DF_RING_ALLOW_USER, 0), 0);
	ck_assert_int_eq(df_mega_tenant(&view, DF_RING_TENANTS, 0, 0), -EINVAL);
	run_reference(1);
	ck_assert_int_eq(df_mega_counts(&view, &counts), 0);
	ck_assert_uint_eq(counts.done, 3);
	ck_assert_uint_eq(counts.faults, 3);
	ck_assert_uint_eq(counts.by_status[DF_RING_FAULT], 3);
	ck_assert_uint_eq(counts.metrics[DF_RING_METRICS_MAX - 1], 3);
	static const uint32_t reasons[] = {DF_RING_REASON_USER, DF_RING_REASON_DENIED, DF_RING_REASON_OPCODE};
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_int_eq(df_mega_take(&view, i, &result), 0);
		ck_assert_uint_eq(result.status, DF_RING_FAULT);
		ck_assert_uint_eq(result.reason, reasons[i]);
	}
	df_mega_restart(&view);
	ck_assert_int_eq(df_mega_counts(&view, &counts), 0);
	ck_assert_uint_eq(counts.done + counts.faults, 0);
}
END_TEST

START_TEST(log_records_are_read_and_dropped)
{
	struct df_ring_log_record records[RECORDS];
	uint32_t dropped;

	for (uint32_t i = 0; i < RECORDS + 2; i++) {
		struct df_mega_work work = {DF_RING_OP_PRINTF, i, 0, {100 + i, 1, 2, 3, 4, 5, 6, 7, i}};

		ck_assert_int_eq(df_mega_publish(&view, i, &work), 0);
	}
	run_reference(1);
	ck_assert_uint_eq(df_mega_log_read(&view, records, RECORDS, &dropped), RECORDS);
	ck_assert_uint_eq(dropped, 2);
	for (uint32_t i = 0; i < RECORDS; i++) {
		ck_assert_uint_eq(records[i].slot, i);
		ck_assert_uint_eq(records[i].tenant, i);
		ck_assert_uint_eq(records[i].format, 100 + i);
		ck_assert_uint_eq(records[i].values[0], 1);
		ck_assert_uint_eq(records[i].values[7], i);
	}
	view.log[DF_RING_LOG_HEADER] = 0;
	ck_assert_uint_eq(df_mega_log_read(&view, records, 1, NULL), RECORDS - 1);
	df_mega_log_clear(&view);
	ck_assert_uint_eq(df_mega_log_read(&view, records, RECORDS, &dropped), 0);
	ck_assert_uint_eq(dropped, 0);
}
END_TEST

START_TEST(log_text_formats_and_refuses)
{
	struct df_ring_log_record record = {.values = {42, (uint32_t)-7, 0xbeef, 0x40490fdb, 'x', 6, 7, 8}};
	char text[64];

	ck_assert_int_eq(df_mega_log_text(&record, "%u|%d|%#06x|%.3f|%c|100%%", text, sizeof(text)), 25);
	ck_assert_str_eq(text, "42|-7|0xbeef|3.142|x|100%");
	ck_assert_int_eq(df_mega_log_text(&record, "%u and %d", text, 5), 9);
	ck_assert_str_eq(text, "42 a");
	ck_assert_int_eq(df_mega_log_text(&record, "", text, sizeof(text)), 0);
	static const char *const bad[] = {
		"%s", "%n", "%ld", "%", "%99d", "%.999f", "%p", "%*d", "%u%u%u%u%u%u%u%u%u", "%-+ #0-+ #0-+ #0-+ #0d"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(df_mega_log_text(&record, bad[i], text, sizeof(text)), -EINVAL);
}
END_TEST

START_TEST(io_requests_go_round)
{
	struct df_mega_work work = {DF_RING_OP_IO_READ, 3, 0, {77, 0x1000, 2, 8, 4}};
	struct df_mega_result result;
	struct df_mega_io request;

	ck_assert_int_eq(df_mega_io_next(&view, &request), -EAGAIN);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_int_eq(df_mega_publish(&view, i, &work), 0);
	run_reference(1);
	ck_assert_uint_eq(view.ring[0].status, DF_RING_WAIT_IO);
	ck_assert_uint_eq(view.ring[1].status, DF_RING_WAIT_IO);
	ck_assert_uint_eq(view.ring[2].status, DF_RING_REQUEUE);
	ck_assert_int_eq(df_mega_io_next(&view, &request), 0);
	ck_assert_uint_eq(request.slot, 0);
	ck_assert_uint_eq(request.tenant, 3);
	ck_assert_uint_eq(request.resource, 77);
	ck_assert_uint_eq(request.offset, 0x200001000u);
	ck_assert_uint_eq(request.to, 8);
	ck_assert_uint_eq(request.words, 4);
	ck_assert_int_eq(df_mega_io_answer(&view, IOS, DF_RING_DONE, 0), -EINVAL);
	ck_assert_int_eq(df_mega_io_answer(&view, request.index, DF_RING_EMPTY, 0), -EINVAL);
	ck_assert_int_eq(df_mega_io_answer(&view, request.index, DF_RING_DONE, 55), 0);
	ck_assert_int_eq(df_mega_io_answer(&view, request.index, DF_RING_DONE, 55), -EINVAL);
	ck_assert_int_eq(df_mega_io_next(&view, &request), 0);
	ck_assert_uint_eq(request.slot, 1);
	ck_assert_int_eq(df_mega_io_answer(&view, request.index, DF_RING_FAULT, 66), 0);
	run_reference(1);
	ck_assert_int_eq(df_mega_take(&view, 0, &result), 0);
	ck_assert_uint_eq(result.value, 55);
	ck_assert_int_eq(df_mega_take(&view, 1, &result), 0);
	ck_assert_uint_eq(result.status, DF_RING_FAULT);
	ck_assert_uint_eq(result.reason, DF_RING_REASON_IO);
	ck_assert_uint_eq(view.ring[2].status, DF_RING_WAIT_IO);
	ck_assert_int_eq(df_mega_reclaim(&view, 2), 0);
	for (unsigned i = 0; i < IOS; i++)
		ck_assert_uint_eq(view.io[i].status, DF_RING_EMPTY);
}
END_TEST

START_TEST(a_malformed_io_request_is_answered_with_a_fault)
{
	struct df_mega_io request;

	for (unsigned field = 0; field < 4; field++) {
		view.io[0] = (struct df_ring_io_slot){.status = DF_RING_PUBLISHED};
		if (field == 0)
			view.io[0].slot = SLOTS;
		else if (field == 1)
			view.io[0].tenant = DF_RING_TENANTS;
		else if (field == 2)
			view.io[0].to = WORDS + 1;
		else
			view.io[0].words = WORDS + 1;
		ck_assert_int_eq(df_mega_io_next(&view, &request), -EAGAIN);
		ck_assert_uint_eq(view.io[0].status, DF_RING_FAULT);
	}
}
END_TEST

START_TEST(quota_fence_and_shutdown_put_slots_back)
{
	struct df_mega_work add = {DF_RING_OP_ATOMIC_ADD, 2, 0, {0, 1}};
	struct df_mega_work fence = {DF_RING_OP_BATCH_FENCE, 0, 0, {9, 4}};
	struct df_mega_counts counts;

	for (uint32_t i = 0; i < 4; i++)
		ck_assert_int_eq(df_mega_publish(&view, i, &add), 0);
	ck_assert_int_eq(df_mega_publish(&view, 4, &fence), 0);
	ck_assert_int_eq(df_mega_tenant(&view, 2, DF_RING_ALLOW_ALL, 3), 0);
	run_reference(3);
	ck_assert_uint_eq(view.ring[3].status, DF_RING_YIELD);
	ck_assert_uint_eq(view.ring[4].status, DF_RING_REQUEUE);
	ck_assert_uint_eq(df_mega_data(&view)[0], 3);
	/* Tenant 2 gets new quota; done counts from 0 again, so the fence waits for four more. */
	df_mega_restart(&view);
	df_mega_shutdown(&view);
	run_reference(3);
	ck_assert_uint_eq(view.ring[3].status, DF_RING_YIELD);
	df_mega_restart(&view);
	run_reference(1);
	ck_assert_uint_eq(view.ring[3].status, DF_RING_DONE);
	ck_assert_uint_eq(view.ring[4].status, DF_RING_REQUEUE);
	ck_assert_int_eq(df_mega_counts(&view, &counts), 0);
	ck_assert_uint_eq(counts.epoch, 0);
	view.control[DF_RING_DONE_COUNT] = 4;
	run_reference(1);
	ck_assert_int_eq(df_mega_counts(&view, &counts), 0);
	ck_assert_uint_eq(counts.epoch, 1);
	ck_assert_uint_eq(counts.batch_tag, 9);
}
END_TEST

START_TEST(names_exist_for_everything)
{
	for (uint32_t i = 0; i < DF_RING_STATUSES; i++)
		ck_assert_str_ne(df_mega_status_name(i), "unknown status");
	for (uint32_t i = 0; i < DF_RING_OPS; i++)
		ck_assert_str_ne(df_mega_opcode_name(i), "unknown opcode");
	for (uint32_t i = 0; i < DF_RING_REASONS; i++)
		ck_assert_str_ne(df_mega_reason_text(i), "unknown reason");
	ck_assert_str_eq(df_mega_status_name(99), "unknown status");
	ck_assert_str_eq(df_mega_opcode_name(DF_RING_OPS), "unknown opcode");
	ck_assert_str_eq(df_mega_opcode_name(DF_RING_OP_USER_FIRST), "user opcode");
	ck_assert_str_eq(df_mega_reason_text(99), "unknown reason");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mega protocol");
	TCase *tcase = tcase_create("memory");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, layout_is_the_documented_one);
	tcase_add_test(tcase, shape_refuses_each_field);
	tcase_add_test(tcase, view_refuses_each_size);
	tcase_add_test(tcase, view_refuses_each_control_word);
	tcase_add_test(tcase, publish_refuses_each_field);
	tcase_add_test(tcase, publish_keeps_what_it_was_given);
	tcase_add_test(tcase, publish_next_finds_the_free_slot);
	tcase_add_test(tcase, a_status_that_does_not_exist_is_told);
	tcase_add_test(tcase, faults_carry_their_reason);
	tcase_add_test(tcase, log_records_are_read_and_dropped);
	tcase_add_test(tcase, log_text_formats_and_refuses);
	tcase_add_test(tcase, io_requests_go_round);
	tcase_add_test(tcase, a_malformed_io_request_is_answered_with_a_fault);
	tcase_add_test(tcase, quota_fence_and_shutdown_put_slots_back);
	tcase_add_test(tcase, names_exist_for_everything);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

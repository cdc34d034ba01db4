/* SPDX-License-Identifier: MIT */
/* Progress markers: where they are written, what they cost, and what they say while a batch runs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "rig.h"

static struct df_device *device;
static struct df_code *code;
static struct df_kernel *saxpy;
static const uint32_t one[3] = {1, 1, 1};

static void setup(void)
{
	struct fake_kernel spec = fake_saxpy();
	device = fake_device();
	code = fake_code(device, &spec, 1);
	saxpy = fake_first(code);
}

static void teardown(void)
{
	must(df_code_destroy(code));
	fake_device_free(device);
}

static struct df_batch *make(uint32_t interval, uint32_t reserve_dw)
{
	struct df_batch_options options = DF_OPTIONS(options, .marker_interval = interval, .reserve_dw = reserve_dw);
	struct df_batch *batch;
	must(df_batch_create(device, &options, &batch));
	return batch;
}

static int launch(struct df_batch *batch, uint32_t value)
{
	uint32_t args[8] = {value, 2, 3, 4, 5, 6, 7, ~value};
	return df_batch_launch(batch, saxpy, one, args, sizeof(args));
}

/* launches with a barrier after each `every` of them. */
static void record(struct df_batch *batch, unsigned launches, unsigned every)
{
	for (unsigned i = 1; i <= launches; i++) {
		must(launch(batch, i));
		if (i % every == 0)
			must(df_batch_barrier(batch));
	}
}

struct seen {
	uint64_t words_va;
	unsigned launches, waited, markers, resets;
	unsigned at[4096]; /* launches that each marker names */
};

static void look(void *user, const struct pm4_record *record)
{
	struct seen *seen = user;
	uint64_t to = record->body[1] | (uint64_t)record->body[2] << 32;
	switch (record->event) {
	case PM4_EV_DISPATCH:
		seen->launches++;
		break;
	case PM4_EV_FLUSH:
		seen->waited = seen->launches;
		break;
	case PM4_EV_WRITE:
		ck_assert_uint_eq(to, seen->words_va);
		if (record->header >> 16 == 0xc004) { /* two dwords */
			ck_assert_uint_eq(record->body[3] | record->body[4] | seen->launches, 0);
			seen->resets++;
			break;
		}
		/* Behind a wait for just the launches that it says are finished. */
		ck_assert_uint_eq(record->body[3], seen->launches);
		ck_assert_uint_eq(seen->waited, seen->launches);
		seen->at[seen->markers++] = record->body[3];
		break;
	default:
		break;
	}
}

static struct seen read_stream(struct df_batch *batch)
{
	static struct seen seen;
	seen = (struct seen){.words_va = batch->progress ? batch->progress->va : 0};
	must(df_batch_seal(batch));
	const char *error = pm4_read_batch(batch, look, &seen);
	ck_assert_msg(!error, "%s", error);
	return seen;
}

/* At the first barrier after every interval launches; the stream's beginning resets the words. */
START_TEST(where_they_are)
{
	static const unsigned shapes[][2] = {{1, 1}, {1, 4}, {3, 1}, {3, 2}, {64, 1}, {64, 5}, {7, 100}};
	for (unsigned s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
		unsigned interval = shapes[s][0], every = shapes[s][1], due = interval, n = 0;
		struct df_batch *batch = make(interval, 0);
		record(batch, 500, every);
		struct seen seen = read_stream(batch);
		ck_assert_uint_eq(seen.resets, 1);
		for (unsigned at = every; at <= 500; at += every) {
			if (at < due)
				continue;
			ck_assert_uint_lt(n, seen.markers);
			ck_assert_uint_eq(seen.at[n++], at);
			due = at + interval;
		}
		ck_assert_uint_eq(n, seen.markers);
		must(df_batch_destroy(batch));
	}
}
END_TEST

START_TEST(none_unless_asked_for)
{
	struct df_batch *batch = make(0, 0);
	uint64_t first, end;
	record(batch, 100, 1);
	struct seen seen = read_stream(batch);
	ck_assert_uint_eq(seen.markers + seen.resets, 0);
	ck_assert_ptr_null(batch->progress);
	must(df_batch_progress(df_batch_submit_of(batch), &first, &end));
	ck_assert_uint_eq(first, 0);
	ck_assert_uint_eq(end, 100);
	must(df_batch_destroy(batch));
}
END_TEST

static uint64_t dwords(uint32_t interval)
{
	struct df_batch_info info;
	struct df_batch *batch = make(interval, 0);
	record(batch, 640, 1);
	df_batch_get_info(batch, &info);
	must(df_batch_destroy(batch));
	return info.ib_dwords;
}

START_TEST(what_they_cost)
{
	uint64_t none = dwords(0);
	ck_assert_uint_le(dwords(1) - none, 640 * 8);
	ck_assert_uint_le(dwords(64) - none, 640 / 8);
}
END_TEST

/* The words may say anything that a marker says; the set in flight ends at the next one. */
START_TEST(set_in_flight)
{
	struct df_batch *batch = make(2, 0);
	struct df_batch_submit *submit = df_batch_submit_of(batch);
	static const unsigned want[][3] = {{0, 0, 2}, {2, 2, 4}, {8, 8, 10}, {10, 10, 11}, {11, 11, 11}, {12, 0, 2}};
	uint64_t first, end;
	record(batch, 10, 2);
	must(launch(batch, 11));
	must(df_batch_seal(batch));
	for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		atomic_store(&batch->words[DF_PROGRESS_FINISHED], want[i][0]);
		must(df_batch_progress(submit, &first, &end));
		ck_assert_uint_eq(first, want[i][1]);
		ck_assert_uint_eq(end, want[i][2]);
	}
	df_batch_progress_reset(submit);
	must(df_batch_progress(submit, &first, &end));
	ck_assert_uint_eq(first, 0);
	must(df_batch_destroy(batch));
}
END_TEST

/* Reserved capacity runs out inside a barrier: nothing of it is written, and the batch is good as it is. */
START_TEST(capacity_runs_out)
{
	struct df_batch *batch = make(1, 2000);
	struct df_batch_info before, after;
	unsigned launches = 0;
	int ret = 0;
	while (!ret) {
		df_batch_get_info(batch, &before);
		ret = launch(batch, launches);
		if (ret)
			break;
		launches++;
		df_batch_get_info(batch, &before);
		ret = df_batch_barrier(batch);
	}
	ck_assert_int_eq(ret, -ENOSPC);
	df_batch_get_info(batch, &after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	struct seen seen = read_stream(batch);
	ck_assert_uint_eq(seen.launches, launches);
	ck_assert_uint_ge(seen.markers + 1, launches);
	must(df_batch_destroy(batch));
}
END_TEST

START_TEST(no_memory_for_the_words)
{
	struct df_batch_options options = DF_OPTIONS(options, .marker_interval = 1);
	struct df_batch *batch = NULL;
	unsigned n = 1;
	for (;; n++) {
		fake_fail_bo(n);
		if (!df_batch_create(device, &options, &batch))
			break;
		ck_assert_ptr_null(batch);
		ck_assert_ptr_null(device->bos->next); /* the code's */
	}
	fake_fail_bo(0);
	ck_assert_uint_eq(n, 3);
	must(df_batch_destroy(batch));
}
END_TEST

/* The words follow a batch while it runs: it stops where it waits for the host, launch by launch. */
START_TEST(while_it_runs)
{
	struct rig rig;
	struct df_batch_options options = DF_OPTIONS(options, .marker_interval = 1);
	struct df_batch *batch;
	uint32_t *gate, *out;
	uint64_t first, end;
	rig_open(&rig);
	struct df_bo *gate_bo = rig_bo(&rig, 64, &gate), *out_bo = rig_bo(&rig, 4096, &out);
	must(df_batch_create(rig.device, &options, &batch));
	for (uint32_t i = 0; i < 6; i++) {
		struct rig_args args = {df_bo_address(out_bo), i, 1};
		must(df_batch_wait(batch, gate_bo, 0, DF_GREATER_EQUAL, i + 1, UINT32_MAX));
		must(df_batch_launch(batch, rig.affine, one, &args, sizeof(args)));
		must(df_batch_barrier(batch));
	}
	must(df_batch_seal(batch));
	for (unsigned round = 0; round < 2; round++) {
		uint64_t until = df_now_ns() + 20000000000ull;
		atomic_store((_Atomic uint32_t *)gate, 0);
		df_batch_progress_reset(df_batch_submit_of(batch));
		struct df_fence *fence = rig_submit(&rig, batch);
		for (uint32_t i = 0; i < 6; i++) {
			do {
				must(df_batch_progress(df_batch_submit_of(batch), &first, &end));
			} while (first < i && df_now_ns() < until);
			ck_assert_uint_eq(first, i);
			ck_assert_uint_eq(end, i + 1);
			atomic_store((_Atomic uint32_t *)gate, i + 1);
		}
		rig_finish(fence);
		must(df_batch_progress(df_batch_submit_of(batch), &first, &end));
		ck_assert_uint_eq(first, 6);
		ck_assert_uint_eq(out[63], 5 * 63 + 1);
	}
	must(df_batch_destroy(batch));
	must(df_bo_destroy(gate_bo));
	must(df_bo_destroy(out_bo));
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("progress");
	TCase *cases = tcase_create("stream"), *runs = tcase_create("run");
	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_add_test(cases, where_they_are);
	tcase_add_test(cases, none_unless_asked_for);
	tcase_add_test(cases, what_they_cost);
	tcase_add_test(cases, set_in_flight);
	tcase_add_test(cases, capacity_runs_out);
	tcase_add_test(cases, no_memory_for_the_words);
	tcase_add_test(runs, while_it_runs);
	tcase_set_timeout(runs, 60);
	suite_add_tcase(suite, cases);
	suite_add_tcase(suite, runs);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

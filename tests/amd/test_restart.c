/* SPDX-License-Identifier: MIT */
/* Restart points: what an IB that begins at one holds, and what it leaves when it is run. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drumfire_stream.h"
#include "fake.h"
#include "rig.h"

static const uint32_t one[3] = {1, 1, 1};

enum { LAUNCHES = 60, EVERY = 6, POINTS = LAUNCHES / EVERY - 1 };

/* The compute registers from NUM_THREAD to RSRC3, and user data: offsets of Mesa's gfx103.json. */
static const struct {
	unsigned first, count;
} must_be_known[] = {{0x204, 6}, {0x20a, 1}, {0x20c, 2}, {0x212, 2}, {0x215, 6}, {0x224, 4}, {0x228, 1}, {0x240, 16}};

struct seen {
	unsigned launches, base, words;
	bool based;
	uint32_t word[2];
	struct pm4_state at[LAUNCHES];
	uint32_t grid[LAUNCHES];
};

static void look(void *user, const struct pm4_record *record)
{
	struct seen *seen = user;
	if (record->event == PM4_EV_NOTE && !seen->based) {
		ck_assert_uint_eq(record->body[0], DF_STREAM_LAUNCH_BASE);
		seen->base = record->body[1];
		seen->based = true;
	}
	if (record->event == PM4_EV_WRITE && !seen->words++)
		memcpy(seen->word, record->body + 3, sizeof(seen->word));
	if (record->event != PM4_EV_DISPATCH)
		return;
	ck_assert_uint_lt(seen->launches, LAUNCHES);
	seen->grid[seen->launches] = record->body[0];
	seen->at[seen->launches++] = *record->state;
}

static void check_known(const struct pm4_state *state)
{
	for (unsigned g = 0; g < sizeof(must_be_known) / sizeof(must_be_known[0]); g++)
		for (unsigned i = 0; i < must_be_known[g].count; i++)
			ck_assert_msg(state->known[must_be_known[g].first + i], "register 0x%x is not set",
				      must_be_known[g].first + i);
}

static void record_many(struct df_batch *batch, struct df_kernel *kernel)
{
	for (uint32_t i = 0; i < LAUNCHES; i++) {
		uint32_t args[8] = {i, 2, 3, 4, 5, 6, 7, i / 3}, grid[3] = {i + 1, 1, 1};
		if (i && i % EVERY == 0)
			must(df_batch_restart(batch));
		must(df_batch_launch(batch, kernel, grid, args, sizeof(args)));
		if (i % 4 == 0)
			must(df_batch_barrier(batch));
	}
}

/* Each is an IB that the kernel takes, and from it on every launch has just the registers that it has in the whole. */
START_TEST(whole_ibs)
{
	static const uint32_t longest[] = {0xfffff, 1024, 192};
	static struct seen all, part;
	struct df_device *device = fake_device();
	fake_set_max_ib(device, longest[_i]);
	struct fake_kernel spec = fake_saxpy();
	struct df_code *code = fake_code(device, &spec, 1);
	struct df_batch *batch;
	struct df_batch_options options = DF_OPTIONS(options, .marker_interval = _i);
	must(df_batch_create(device, &options, &batch));
	record_many(batch, fake_first(code));
	must(df_batch_seal(batch));
	all = (struct seen){0};
	const char *error = pm4_read_batch(batch, look, &all);
	ck_assert_msg(!error, "%s", error);
	ck_assert_uint_eq(all.launches, LAUNCHES);
	ck_assert_uint_eq(batch->restart_count, POINTS);
	for (unsigned r = 1; r <= POINTS; r++) {
		uint64_t va, launch;
		uint32_t dw;
		atomic_store(&batch->words[DF_PROGRESS_RESTARTS], r);
		ck_assert(df_batch_resume(df_batch_submit_of(batch), &va, &dw, &launch));
		ck_assert_uint_eq(launch, r * EVERY);
		part = (struct seen){0};
		error = pm4_read(device, va, dw, look, &part, NULL, NULL);
		ck_assert_msg(!error, "%s", error);
		ck_assert_uint_eq(part.base, launch);
		ck_assert_uint_eq(part.word[0], launch);
		ck_assert_uint_eq(part.word[1], r);
		ck_assert_uint_eq(part.launches, LAUNCHES - launch);
		check_known(&part.at[0]);
		for (unsigned i = 0; i < part.launches; i++) {
			ck_assert_uint_eq(part.grid[i], all.grid[launch + i]);
			ck_assert_mem_eq(part.at[i].reg, all.at[launch + i].reg, sizeof(part.at[i].reg));
		}
	}
	must(df_batch_destroy(batch));
	must(df_code_destroy(code));
	fake_device_free(device);
}
END_TEST

START_TEST(none_passed)
{
	struct df_device *device = fake_device();
	struct df_batch *batch;
	uint64_t va, launch;
	uint32_t dw;
	must(df_batch_create(device, NULL, &batch));
	ck_assert(!df_batch_resume(df_batch_submit_of(batch), &va, &dw, &launch));
	must(df_batch_restart(batch));
	must(df_batch_seal(batch));
	ck_assert(!df_batch_resume(df_batch_submit_of(batch), &va, &dw, &launch));
	atomic_store(&batch->words[DF_PROGRESS_RESTARTS], 2);
	ck_assert(!df_batch_resume(df_batch_submit_of(batch), &va, &dw, &launch));
	atomic_store(&batch->words[DF_PROGRESS_RESTARTS], 1);
	ck_assert(df_batch_resume(df_batch_submit_of(batch), &va, &dw, &launch));
	ck_assert_int_eq(df_batch_restart(batch), -EPERM);
	must(df_batch_reset(batch));
	ck_assert_uint_eq(batch->restart_count, 0);
	must(df_batch_destroy(batch));
	ck_assert_int_eq(df_batch_restart(NULL), -EINVAL);
	fake_device_free(device);
}
END_TEST

/* No memory for the words, or no room: the batch is as it was. */
START_TEST(refusals_change_nothing)
{
	struct df_device *device = fake_device();
	struct df_batch_options options = DF_OPTIONS(options, .reserve_dw = 64);
	struct df_batch_info before, after;
	struct df_batch *batch;
	int ret;
	must(df_batch_create(device, &options, &batch));
	df_batch_get_info(batch, &before);
	fake_fail_bo(1);
	ck_assert_int_eq(df_batch_restart(batch), -ENOMEM);
	fake_fail_bo(0);
	df_batch_get_info(batch, &after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	do {
		df_batch_get_info(batch, &before);
		ret = df_batch_restart(batch);
	} while (!ret);
	ck_assert_int_eq(ret, -ENOSPC);
	df_batch_get_info(batch, &after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	ck_assert_uint_eq(batch->restart_count, after.barriers);
	must(df_batch_destroy(batch));
	fake_device_free(device);
}
END_TEST

enum { STRETCHES = 5, STEPS = 4, ITEMS = RIG_GROUP };

/* Each stretch takes x from where the one before left it and leaves it elsewhere: it may run twice. */
static void record_stretches(struct rig *rig, struct df_batch *batch, struct df_bo *x)
{
	for (uint32_t s = 0; s < STRETCHES; s++) {
		uint64_t from = s * ITEMS * 4ull, to = from + ITEMS * 4;
		if (s)
			must(df_batch_restart(batch));
		must(df_batch_copy(batch, x, to, x, from, ITEMS * 4));
		for (uint32_t i = 0; i < STEPS; i++) {
			struct rig_args args = {df_bo_address(x) + to, s * STEPS + i, 0};
			must(df_batch_barrier(batch));
			must(df_batch_launch(batch, rig->step, one, &args, sizeof(args)));
		}
	}
}

static void check_stretches(const uint32_t *x)
{
	for (uint32_t i = 0; i < ITEMS; i++) {
		uint32_t want = i;
		for (uint32_t s = 0; s < STRETCHES * STEPS; s++) {
			want = 3 * want + s;
			if (s % STEPS == STEPS - 1)
				ck_assert_uint_eq(x[(s / STEPS + 1) * ITEMS + i], want);
		}
	}
}

/* From each point on, with everything behind it spoilt, the batch leaves what the whole one left. */
START_TEST(run_from_each)
{
	struct rig rig;
	struct df_batch *batch;
	struct df_batch_options options = DF_OPTIONS(options, .marker_interval = 1);
	uint32_t *x;
	rig_open(&rig);
	if (_i)
		rig.device->info.max_ib_dw = 320;
	struct df_bo *bo = rig_bo(&rig, (STRETCHES + 1) * ITEMS * 4, &x);
	for (uint32_t i = 0; i < ITEMS; i++)
		x[i] = i;
	must(df_batch_create(rig.device, _i ? &options : NULL, &batch));
	record_stretches(&rig, batch, bo);
	must(df_batch_seal(batch));
	rig_run(&rig, batch);
	check_stretches(x);
	ck_assert_uint_eq(atomic_load(&batch->words[DF_PROGRESS_RESTARTS]), STRETCHES - 1);
	for (uint32_t s = 1; s < STRETCHES; s++) {
		uint64_t va, launch;
		uint32_t dw;
		memset(x + (s + 1) * ITEMS, 0xee, (STRETCHES - s) * ITEMS * 4);
		atomic_store(&batch->words[DF_PROGRESS_RESTARTS], s);
		ck_assert(df_batch_resume(df_batch_submit_of(batch), &va, &dw, &launch));
		ck_assert_uint_eq(launch, s * STEPS);
		rig_run_ib(&rig, batch, va, dw);
		check_stretches(x);
		ck_assert_uint_eq(atomic_load(&batch->words[DF_PROGRESS_RESTARTS]), STRETCHES - 1);
	}
	struct df_batch_info info;
	df_batch_get_info(batch, &info);
	ck_assert(!_i || info.ib_count > 1);
	must(df_batch_destroy(batch));
	must(df_bo_destroy(bo));
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("restart");
	TCase *cases = tcase_create("restart");
	tcase_add_loop_test(cases, whole_ibs, 0, 3);
	tcase_add_test(cases, none_passed);
	tcase_add_test(cases, refusals_change_nothing);
	tcase_add_loop_test(cases, run_from_each, 0, 2);
	tcase_set_timeout(cases, 60);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

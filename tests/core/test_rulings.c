/* SPDX-License-Identifier: MIT */
/*
 * The rows of the verdict table (lib/core/verdict.c), each reached on the kernel behaviour that it is for, over the
 * software GPU: which row ruled, with what verdict, and what it names. "any: failed" and "any: success without the
 * marker" are no behaviour of a kernel that hangs; test_loss.c has them.
 */
#include <errno.h>
#include <string.h>

#include "world.h"

#define LAUNCHES  12u
#define AT        5u
#define WHOLE     UINT64_MAX /* no launch is named */
#define MAX_NOTES 8u

static struct world world;

/* Which row ruled over each submission that was at the kernel, at each loss of a context in turn. */
static struct note {
	uint32_t context;
	uint64_t batch, first, end;
	const char *row;
	enum df_verdict verdict;
} notes[MAX_NOTES];
static unsigned note_count;

static void note_one(struct df_context *context, struct df_slot *slot, bool first, bool behind)
{
	const struct df_evidence evidence = {
		.wait = slot->answer,
		.marked = slot->found.marked,
		.first = first,
		.reset = context->reset,
		.page_fault = slot->info.page_fault,
		.spares_others = context->device->info.spares_others,
		.behind = behind,
	};
	struct df_ruling ruling;
	unsigned row;

	ruling = df_verdict(&evidence, &row);
	ck_assert_int_eq(ruling.verdict, slot->found.ruling.verdict);
	ck_assert_str_eq(ruling.why, slot->found.ruling.why);
	ck_assert_uint_lt(note_count, MAX_NOTES);
	notes[note_count++] = (struct note){context->number, slot->sequence,           slot->found.first,
					    slot->found.end, df_verdict_row_name(row), ruling.verdict};
}

/* Called without locks while nothing of the context can change. */
static void note(void *user, const struct df_loss *loss)
{
	struct df_context *context = loss->context;
	bool first = true;

	world_open_gate(user, loss);
	for (uint64_t sequence = context->oldest; sequence != context->unsent; sequence++) {
		struct df_slot *slot = df_context_slot(context, sequence);
		bool behind = sequence + 1 != context->unsent && !df_context_slot(context, sequence + 1)->found.marked;

		ck_assert_ptr_nonnull(slot->batch);
		note_one(context, slot, first, behind);
		first = first && slot->found.marked;
	}
}

static struct df_context *noted_context(void)
{
	struct df_context_options o =
		DF_OPTIONS(o, .check_faults = true, .max_retries = 3, .before_recovery = note, .user = &world);
	struct df_context *context;

	ck_ok(df_context_create(world.device, &o, &context));
	return context;
}

/* ---- a launch of a batch over STATE ---- */

static const struct {
	const char *device, *fault, *row;
	enum df_verdict verdict;
	uint64_t launch;
} launches[] = {
	{"soft:gfx1030,kernel=7.2", "hang@5", "7.2: timed out, its ring was reset", DF_GUILTY_RESET, AT},
	{"soft:gfx1030,kernel=7.2", "cp-hang@5", "7.2: timed out, its ring was reset", DF_GUILTY_RESET, AT},
	{"soft:gfx1030,kernel=7.2", "illegal-opcode@5", "7.2: timed out, its ring was reset", DF_GUILTY_RESET, AT},
	{"soft:gfx1033,kernel=7.2", "queue-reset@5", "7.2: timed out, its ring was reset", DF_GUILTY_RESET, AT},
	{"soft:gfx1030,kernel=7.2", "full-reset@5", "7.2: timed out, the device was reset", DF_GUILTY_RESET, AT},
	{"soft:gfx1030,kernel=6.12", "hang@5", "6.12: waves killed", DF_GUILTY_RESET, WHOLE},
	{"soft:gfx1033,kernel=6.12", "illegal-opcode@5", "6.12: waves killed", DF_GUILTY_RESET, WHOLE},
	{"soft:gfx1030,kernel=6.1", "hang@5", "6.1, 6.12: guilty context", DF_GUILTY_RESET, AT},
	{"soft:gfx1030,kernel=6.1", "illegal-opcode@5", "6.1, 6.12: guilty context", DF_GUILTY_RESET, AT},
	{"soft:gfx1033,kernel=6.1", "cp-hang@5", "6.1, 6.12: guilty context", DF_GUILTY_RESET, AT},
	{"soft:gfx1030,kernel=6.12", "full-reset@5", "6.1, 6.12: guilty context", DF_GUILTY_RESET, AT},
	{"soft:gfx1030,kernel=6.1", "memory-lost@5", "any: memory lost", DF_MEMORY_LOST, AT},
	{"soft:gfx1030,kernel=6.12", "bystander@5", "any: memory lost", DF_MEMORY_LOST, AT},
	{"soft:gfx1033,kernel=7.2", "memory-lost@5", "any: memory lost", DF_MEMORY_LOST, AT},
	{"soft:gfx1030,kernel=6.1", "memory-lost-idle@5", "any: memory lost", DF_MEMORY_LOST, WHOLE},
	{"soft:gfx1030,kernel=6.12", "memory-lost-idle@5", "any: memory lost", DF_MEMORY_LOST, WHOLE},
	{"soft:gfx1030,kernel=7.2", "memory-lost-idle@5", "any: memory lost", DF_MEMORY_LOST, WHOLE},
	{"soft:gfx1030,kernel=6.12", "cp-hang@5", "any: cancelled by a reset", DF_INNOCENT_RESET, AT},
	{"soft:gfx1030,kernel=6.12", "innocent-rerun@5", "any: cancelled by a reset", DF_INNOCENT_RESET, AT},
	{"soft:gfx1033,kernel=7.2", "bystander@5", "any: cancelled by a reset", DF_INNOCENT_RESET, AT},
	{"soft:gfx1030,kernel=6.1", "innocent-rerun@5", "6.1, 7.2: success beside a reset", DF_INNOCENT_RESET, WHOLE},
	{"soft:gfx1030,kernel=6.1", "soft-recovery@5", "6.1, 7.2: success beside a reset", DF_INNOCENT_RESET, WHOLE},
	{"soft:gfx1033,kernel=6.1", "bystander@5", "6.1, 7.2: success beside a reset", DF_INNOCENT_RESET, WHOLE},
	{"soft:gfx1030,kernel=7.2", "innocent-rerun@5", "6.1, 7.2: success beside a reset", DF_INNOCENT_RESET, WHOLE},
	{"soft:gfx1030,kernel=6.12", "page-fault@5", "6.12, 7.2: page fault", DF_GUILTY_RESET, WHOLE},
	{"soft:gfx1030,kernel=7.2", "page-fault@5", "6.12, 7.2: page fault", DF_GUILTY_RESET, WHOLE},
};

START_TEST(test_launch)
{
	const uint64_t named = launches[_i].launch;
	struct df_batch_options marked = DF_OPTIONS(marked, .marker_interval = 1);
	struct df_context *context;
	struct df_wait_info info;
	struct df_batch *batch;
	struct df_bo *state;

	world_open(&world, launches[_i].device, NULL);
	context = noted_context();
	state = world_state(&world, DF_DOMAIN_DEVICE, false);
	batch = world_batch(&world, state, LAUNCHES, UINT32_MAX, &marked);
	ck_ok(df_device_fault(world.device, launches[_i].fault));
	info = world_wait(submit(context, batch));
	ck_assert_uint_eq(note_count, 1);
	ck_assert_str_eq(notes[0].row, launches[_i].row);
	ck_assert_int_eq(info.loss, launches[_i].verdict);
	ck_assert_uint_eq(info.context, 1);
	ck_assert_uint_eq(info.batch, 1);
	ck_assert_uint_eq(info.first_launch, named == WHOLE ? 0 : named);
	ck_assert_uint_eq(info.last_launch, named == WHOLE ? LAUNCHES - 1 : named);
	ck_assert_uint_eq(info.retries, 1);
	ck_assert(info.recovered);
	ck_assert(info.page_fault == !strcmp(launches[_i].row, "6.12, 7.2: page fault"));
	ck_assert_uint_eq(info.poison_count, 0);
	world_check(state, LAUNCHES);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_bo_destroy(state));
	ck_ok(df_context_destroy(context));
	world_close(&world);
}
END_TEST

/* ---- two submissions of one context behind each other, one of another ---- */

/* They stop before launch 2 until something was lost. */
static struct df_batch *scratch_batch(struct df_bo *bo, bool gated)
{
	struct df_batch_options o = DF_OPTIONS(o, .marker_interval = 1);
	struct world_args args = {df_bo_address(world.x), df_bo_address(bo), df_bo_address(bo), WORLD_FLOATS, 1};
	const uint32_t grid[3] = {WORLD_FLOATS / 64, 1, 1};
	struct df_batch *batch;

	ck_ok(df_batch_create(world.device, &o, &batch));
	for (unsigned i = 0; i < 4; i++) {
		if (gated && i == 2)
			ck_ok(df_batch_wait(batch, world.gate_bo, 0, DF_EQUAL, 1, UINT32_MAX));
		ck_ok(df_batch_launch(batch, world.kernel, grid, &args, sizeof(args)));
		ck_ok(df_batch_barrier(batch));
	}
	ck_ok(df_batch_seal(batch));
	return batch;
}

/* Of the one that hangs, of the one behind it, and of the other context's, which hangs in the same way on a ring of its
 * own, where that is told apart. */
static const struct {
	const char *device, *rows[3];
	enum df_verdict verdicts[2];
} queues[] = {
	{"soft:gfx1030,kernel=6.1,timeout_ms=400",
	 {"6.1, 6.12: guilty context", "any: memory lost", "any: memory lost"},
	 {DF_GUILTY_RESET, DF_MEMORY_LOST}},
	{"soft:gfx1033,kernel=6.1,timeout_ms=400",
	 {"6.1, 6.12: guilty context", "any: cancelled by a reset", NULL},
	 {DF_GUILTY_RESET, DF_INNOCENT_RESET}},
	{"soft:gfx1030,kernel=6.12,timeout_ms=400",
	 {"any: cancelled by a reset", "any: cancelled by a reset", NULL},
	 {DF_INNOCENT_RESET, DF_INNOCENT_RESET}},
	{"soft:gfx1030,kernel=7.2,timeout_ms=400",
	 {"7.2: cancelled with its queue", "any: cancelled by a reset", NULL},
	 {DF_GUILTY_RESET, DF_INNOCENT_RESET}},
};
#define QUEUES (sizeof(queues) / sizeof(queues[0]))

static const struct note *note_of(uint32_t context, uint64_t batch)
{
	for (unsigned i = 0; i < note_count; i++)
		if (notes[i].context == context && notes[i].batch == batch)
			return &notes[i];
	ck_abort_msg("nothing was ruled of submission %llu of context %u", (unsigned long long)batch, context);
	return NULL;
}

START_TEST(test_queue)
{
	struct df_context *one, *other;
	struct df_batch *batches[3];
	struct df_fence *fences[3];
	struct df_bo *bo;

	world_open(&world, queues[_i].device, NULL);
	one = noted_context();
	other = noted_context();
	ck_ok(df_bo_create(world.device, 4096, NULL, &bo));
	for (unsigned i = 0; i < 3; i++) {
		batches[i] = scratch_batch(bo, i != 1);
		fences[i] = submit(i == 2 ? other : one, batches[i]);
	}
	for (unsigned i = 0; i < 3; i++)
		world_wait(fences[i]);
	/* What runs again may be lost to the other's reset: the first loss is meant. */
	for (unsigned i = 0; i < 2; i++) {
		const struct note *first = note_of(1, i + 1);

		ck_assert_str_eq(first->row, queues[_i].rows[i]);
		ck_assert_int_eq(first->verdict, queues[_i].verdicts[i]);
		/* The one that stopped is named; the one behind it had not begun. */
		ck_assert_uint_eq(first->first, i ? 0 : 2);
		ck_assert_uint_eq(first->end, first->first + 1);
	}
	if (queues[_i].rows[2])
		ck_assert_str_eq(note_of(2, 1)->row, queues[_i].rows[2]);
	for (unsigned i = 0; i < 3; i++)
		ck_ok(df_batch_destroy(batches[i]));
	ck_ok(df_bo_destroy(bo));
	ck_ok(df_context_destroy(one));
	ck_ok(df_context_destroy(other));
	world_close(&world);
}
END_TEST

/* ---- running, gone, done ---- */

START_TEST(test_others)
{
	static const char *const devices[] = {"soft:gfx1030,kernel=6.1", "soft:gfx1030,kernel=6.12",
					      "soft:gfx1030,kernel=7.2"};
	struct df_device_options reopenable = DF_OPTIONS(reopenable, .reopenable = true);
	struct df_context *context;
	struct df_batch *gated, *batch;
	struct df_wait_info info;
	struct df_fence *fence;
	struct df_bo *bo;

	world_open(&world, devices[_i], &reopenable);
	context = noted_context();
	ck_ok(df_bo_create(world.device, 4096, NULL, &bo));
	gated = scratch_batch(bo, true);
	batch = scratch_batch(bo, false);
	fence = submit(context, gated);
	ck_assert_int_eq(df_fence_wait(fence, df_now_ns() + SECOND / 50, &info), -ETIME);
	ck_assert_int_eq(info.verdict, DF_RUNNING);
	atomic_store(world.gate, 1);
	info = world_wait(fence);
	ck_assert(!info.recovered);
	ck_assert_int_eq(info.loss, DF_DONE);
	ck_assert_uint_eq(note_count, 0);
	ck_ok(df_device_fault(world.device, "removed@2"));
	fence = submit(context, batch);
	ck_assert_int_eq(df_fence_wait(fence, df_now_ns() + 50 * SECOND, &info), -ENODEV);
	ck_assert_int_eq(info.verdict, DF_DEVICE_GONE);
	ck_ok(df_device_reopen(world.device, NULL));
	info = world_wait(fence);
	ck_assert_int_eq(info.loss, DF_DEVICE_GONE);
	ck_assert_uint_eq(info.batch, 2);
	ck_assert_uint_eq(info.first_launch, 0);
	ck_assert_uint_eq(info.last_launch, 3);
	ck_ok(df_batch_destroy(gated));
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_bo_destroy(bo));
	ck_ok(df_context_destroy(context));
	world_close(&world);
}
END_TEST

/* What is not in the tables above is in no row's name but those that other tests have. */
START_TEST(test_every_row)
{
	static const char *const elsewhere[] = {"any: device removed", "any: not over", "any: done", "any: failed",
						"any: success without the marker"};

	for (unsigned row = 0; row < df_verdict_rows(); row++) {
		const char *name = df_verdict_row_name(row);
		unsigned found = 0;

		for (unsigned i = 0; i < sizeof(launches) / sizeof(launches[0]); i++)
			found += !strcmp(launches[i].row, name);
		for (unsigned i = 0; i < QUEUES; i++)
			found += !strcmp(queues[i].rows[0], name);
		for (unsigned i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
			found += !strcmp(elsewhere[i], name);
		ck_assert_msg(found, "no test has row %s", name);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rulings");
	TCase *cases = tcase_create("rulings");
	SRunner *runner;
	int failed;

	tcase_set_timeout(cases, 60);
	tcase_add_loop_test(cases, test_launch, 0, sizeof(launches) / sizeof(launches[0]));
	tcase_add_loop_test(cases, test_queue, 0, QUEUES);
	tcase_add_loop_test(cases, test_others, 0, 3);
	tcase_add_test(cases, test_every_row);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

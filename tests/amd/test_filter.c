/* SPDX-License-Identifier: MIT */
/*
 * Filtered streams. Decoded: every launch keeps its number, and those that run have the registers that they have in the
 * whole stream. Run: what a part of a batch leaves is what the CPU says that it leaves.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "rig.h"

enum { MAX_LAUNCHES = 64 };

/* ---- decoded ---- */

struct seen {
	unsigned launches, empty, other, words;
	uint64_t words_va;
	bool runs[MAX_LAUNCHES], waits_behind[MAX_LAUNCHES];
	uint32_t word[4 * MAX_LAUNCHES][2];
	struct pm4_state at[MAX_LAUNCHES];
	uint32_t body[MAX_LAUNCHES][4];
};

static void look(void *user, const struct pm4_record *record)
{
	struct seen *seen = user;
	uint64_t to = record->body[1] | (uint64_t)record->body[2] << 32;
	bool launch = record->event == PM4_EV_DISPATCH || record->event == PM4_EV_INDIRECT;
	if (record->event == PM4_EV_FLUSH && seen->launches)
		seen->waits_behind[seen->launches - 1] = true;
	if (record->event == PM4_EV_WRITE && to == seen->words_va) {
		ck_assert_uint_lt(seen->words, 4 * MAX_LAUNCHES);
		memcpy(seen->word[seen->words++], record->body + 3, 8);
	} else if (record->event == PM4_EV_WRITE || record->event == PM4_EV_DMA || record->event == PM4_EV_WAIT ||
		   record->event == PM4_EV_RELEASE) {
		seen->other++;
	}
	if (record->event == PM4_EV_DMA)
		ck_assert_msg(!seen->words_va || record->body[0] >> 31, "a DMA packet that nothing waits for");
	if (!launch)
		return;
	ck_assert_uint_lt(seen->launches, MAX_LAUNCHES);
	seen->at[seen->launches] = *record->state;
	memcpy(seen->body[seen->launches], record->body, 16);
	seen->runs[seen->launches] =
		record->event == PM4_EV_INDIRECT || record->body[0] | record->body[1] | record->body[2];
	seen->empty += !seen->runs[seen->launches++];
}

static struct df_device *device;
static struct df_code *code;
static struct df_kernel *saxpy, *kernarg;
static struct df_bo *grid_bo, *data_bo;

static void setup(void)
{
	struct fake_kernel specs[2] = {fake_saxpy(), fake_kernarg()};
	struct df_bo_options options = DF_OPTIONS(options, .domain = DF_DOMAIN_HOST_CACHED);
	device = fake_device();
	code = fake_code(device, specs, 2);
	must(df_code_kernel(code, "saxpy", &saxpy));
	must(df_code_kernel(code, "kernarg", &kernarg));
	must(df_bo_create(device, 4096, &options, &grid_bo));
	must(df_bo_create(device, 4096, &options, &data_bo));
}

static void teardown(void)
{
	must(df_bo_destroy(data_bo));
	must(df_bo_destroy(grid_bo));
	must(df_code_destroy(code));
	fake_device_free(device);
}

/* Forty launches of everything, each with an operation that is none before it. */
static struct df_batch *record(uint32_t interval)
{
	struct df_batch_options options = DF_OPTIONS(options, .marker_interval = interval);
	struct df_batch *batch;
	must(df_batch_create(device, &options, &batch));
	for (uint32_t i = 0; i < 40; i++) {
		uint32_t args[32] = {i, 2, 3, i / 5, 5, 6, 7, i / 7}, grid[3] = {i + 1, i % 3 + 1, 1};
		struct df_kernel *kernel = i % 6 == 2 ? kernarg : saxpy;
		struct df_kernel_info info;
		must(df_kernel_get_info(kernel, &info));
		switch (i % 4) {
		case 0:
			must(df_batch_fill(batch, data_bo, 0, i, 64));
			break;
		case 1:
			must(df_batch_write(batch, data_bo, 64, i));
			break;
		case 2:
			must(df_batch_timestamp(batch, data_bo, 128));
			break;
		default:
			must(df_batch_wait(batch, data_bo, 64, DF_EQUAL, i, UINT32_MAX));
			break;
		}
		if (i % 3 == 0)
			must(df_batch_barrier(batch));
		if (i % 9 == 8)
			must(df_batch_restart(batch));
		if (i % 5 == 4 && kernel == saxpy)
			must(df_batch_launch_indirect(batch, kernel, grid_bo, 0, args, info.args_size_B));
		else
			must(df_batch_launch(batch, kernel, grid, args, info.args_size_B));
	}
	must(df_batch_seal(batch));
	return batch;
}

static void read_filtered(struct df_batch *batch, const struct df_filter *filter, struct seen *seen)
{
	struct df_stream stream;
	must(df_batch_filter(batch, filter, &stream));
	*seen = (struct seen){.words_va = stream.progress->va};
	const char *error = pm4_read(device, stream.ib_va, stream.ib_dw, look, seen, NULL, NULL);
	ck_assert_msg(!error, "%s", error);
	df_stream_finish(&stream);
}

static bool wanted(const struct df_filter *filter, unsigned i)
{
	for (unsigned e = 0; e < filter->exclude_count; e++)
		if (filter->exclude[e] == i)
			return false;
	return i >= filter->first && i < filter->end;
}

static void compare(const struct seen *all, const struct seen *part, const struct df_filter *filter)
{
	ck_assert_uint_eq(part->launches, all->launches);
	for (unsigned i = 0; i < all->launches; i++) {
		ck_assert_msg(part->runs[i] == wanted(filter, i), "launch %u", i);
		if (!part->runs[i])
			continue;
		ck_assert_mem_eq(part->at[i].reg, all->at[i].reg, sizeof(all->at[i].reg));
		ck_assert_mem_eq(part->body[i], all->body[i], 16);
		ck_assert(!filter->barriers || part->waits_behind[i]);
	}
}

/* Before and behind each launch that runs, in order, after the word at the beginning. */
static void check_words(const struct seen *part, const struct df_filter *filter)
{
	unsigned n = 1;
	ck_assert_uint_eq(part->word[0][0], filter->first);
	ck_assert_uint_eq(part->word[0][1], filter->barriers ? filter->first : filter->end);
	for (unsigned i = 0; filter->barriers && i < part->launches; i++) {
		if (!part->runs[i])
			continue;
		ck_assert_uint_eq(part->word[n][0], i);
		ck_assert_uint_eq(part->word[n++][1], i + 1);
		ck_assert_uint_eq(part->word[n][0], i + 1);
		ck_assert_uint_eq(part->word[n++][1], i + 1);
	}
	ck_assert_uint_eq(part->words, n);
}

static const uint64_t excluded[] = {0, 7, 19, 38};
static const struct df_filter filters[] = {
	{0, 40, NULL, 0, false},     {0, 40, NULL, 0, true},      {0, 17, NULL, 0, true},
	{0, 0, NULL, 0, true},       {13, 14, NULL, 0, true},     {40, 40, NULL, 0, false},
	{0, 40, excluded, 4, true},  {5, 33, excluded, 4, false}, {39, 40, excluded, 4, true},
	{18, 25, excluded, 4, true},
};

START_TEST(numbers_and_registers)
{
	static const uint32_t longest[] = {0xfffff, 1024, 200};
	static struct seen all, part;
	fake_set_max_ib(device, longest[_i % 3]);
	device->info.ring_is_gfx = _i >= 3;
	struct df_batch *batch = record(_i % 3);
	all = (struct seen){0};
	const char *error = pm4_read_batch(batch, look, &all);
	ck_assert_msg(!error, "%s", error);
	for (unsigned f = 0; f < sizeof(filters) / sizeof(filters[0]); f++) {
		read_filtered(batch, &filters[f], &part);
		compare(&all, &part, &filters[f]);
		check_words(&part, &filters[f]);
	}
	must(df_batch_destroy(batch));
}
END_TEST

static unsigned operations(struct df_batch *batch, uint64_t first, uint64_t end)
{
	static struct seen part;
	const struct df_filter filter = {.first = first, .end = end};
	read_filtered(batch, &filter, &part);
	return part.other;
}

/* What is no launch belongs to the launch behind it; parts side by side hold all of it, each once. */
START_TEST(parts_add_up)
{
	struct df_batch *batch = record(0);
	for (uint64_t k = 1; k <= 40; k++) {
		ck_assert_uint_eq(operations(batch, 0, k), k < 40 ? k + 1 : 40);
		ck_assert_uint_eq(operations(batch, 0, k) + operations(batch, k, 40), 40);
	}
	/* Behind restart point 2, which lies behind the operation of launch 17, nothing else does. */
	atomic_store(&batch->words[DF_PROGRESS_RESTARTS], 2);
	ck_assert_uint_eq(operations(batch, 17, 40), 22);
	must(df_batch_destroy(batch));
}
END_TEST

START_TEST(refusals)
{
	struct df_batch *batch = record(1), *open;
	struct df_filter filter = {.first = 3, .end = 41};
	struct df_stream stream;
	unsigned n = 1;
	ck_assert_int_eq(df_batch_filter(batch, &filter, &stream), -ERANGE);
	filter = (struct df_filter){.first = 3, .end = 2};
	ck_assert_int_eq(df_batch_filter(batch, &filter, &stream), -ERANGE);
	filter.end = 40;
	for (;; n++) {
		unsigned bos = 0, after = 0;
		for (struct df_bo *bo = device->bos; bo; bo = bo->next)
			bos++;
		fake_fail_bo(n);
		if (!df_batch_filter(batch, &filter, &stream))
			break;
		for (struct df_bo *bo = device->bos; bo; bo = bo->next)
			after++;
		ck_assert_uint_eq(after, bos);
	}
	fake_fail_bo(0);
	ck_assert_uint_eq(n, 3);
	df_stream_finish(&stream);
	must(df_batch_create(device, NULL, &open));
	filter = (struct df_filter){0};
	ck_assert_int_eq(df_batch_filter(open, &filter, &stream), -EINVAL);
	must(df_batch_destroy(open));
	/* Somebody wrote into the stream. */
	filter.end = 40;
	batch->chunks[0].map[0] = 0x12345678;
	ck_assert_int_eq(df_batch_filter(batch, &filter, &stream), -EIO);
	must(df_batch_destroy(batch));
}
END_TEST

/* ---- run ---- */

enum { ROWS = 24, ROW = RIG_GROUP };

struct world {
	struct rig rig;
	struct df_batch *batch;
	struct df_bo *x_bo, *grid_bo;
	uint32_t *x, *grid;
	struct df_patch args_patch, mem_patch, grid_patch;
	uint32_t a[ROWS]; /* of each launch, as patched */
};

static const uint32_t one[3] = {1, 1, 1};

/*
 * Launch i adds to row i what row i - 1 holds (a copy and a step), so that what ran, and after what, is in the result.
 * Kernels, ways to give arguments and grids, and patches change from launch to launch.
 */
static void record_world(struct world *world)
{
	uint64_t x = df_bo_address(world->x_bo);
	world->grid[0] = world->grid[1] = world->grid[2] = 1;
	for (uint32_t i = 0; i < ROWS; i++) {
		struct rig_args args = {x + i * ROW * 4ull, i + 1, i + 1};
		world->a[i] = i + 1;
		if (i)
			must(df_batch_copy(world->batch, world->x_bo, i * ROW * 4, world->x_bo, (i - 1) * ROW * 4,
					   ROW * 4));
		must(df_batch_barrier(world->batch));
		if (i % 8 == 7)
			must(df_batch_restart(world->batch));
		if (i == 5)
			must(df_batch_patch_args(world->batch, 8, 4, &world->args_patch));
		if (i == 6)
			must(df_batch_patch_args(world->batch, 8, 8, &world->mem_patch));
		if (i == 9)
			must(df_batch_patch_grid(world->batch, &world->grid_patch));
		if (i % 4 == 3)
			must(df_batch_launch_indirect(world->batch, world->rig.step, world->grid_bo, 0, &args,
						      sizeof(args)));
		else
			must(df_batch_launch(world->batch, i % 4 == 2 ? world->rig.affine_mem : world->rig.step, one,
					     &args, sizeof(args)));
		must(df_batch_barrier(world->batch));
	}
	must(df_batch_seal(world->batch));
	/* Current values count, not those that were recorded. */
	df_patch_store(&world->args_patch, (const uint32_t[]){1000});
	df_patch_store(&world->mem_patch, (const uint32_t[]){77, 78});
	df_patch_store(&world->grid_patch, (const uint32_t[]){0, 1, 1});
	world->a[5] = 1000;
}

/* What the CPU says that the part leaves in x. */
static void expect(const struct world *world, const struct df_filter *filter, uint32_t *x)
{
	for (uint32_t i = 0; i < ROWS; i++) {
		bool copied = (i > filter->first || !filter->first) && i <= filter->end;
		for (uint32_t j = 0; j < ROW; j++) {
			uint32_t *value = &x[i * ROW + j];
			if (i && copied)
				*value = x[(i - 1) * ROW + j];
			if (!wanted(filter, i) || i == 9)
				continue;
			if (i % 4 == 2)
				*value = i == 6 ? 77 * j + 78 : (i + 1) * j + i + 1;
			else
				*value = 3 * *value + world->a[i];
		}
	}
}

static void spoil(uint32_t *x)
{
	for (uint32_t i = 0; i < ROWS * ROW; i++)
		x[i] = i * 2654435761u;
}

static void run_part(struct world *world, const struct df_filter *filter)
{
	static uint32_t want[ROWS * ROW];
	struct df_stream stream;
	uint64_t first, end;
	spoil(world->x);
	spoil(want);
	expect(world, filter, want);
	df_batch_progress_reset(df_batch_submit_of(world->batch));
	must(df_batch_filter(world->batch, filter, &stream));
	rig_run_ib(&world->rig, world->batch, stream.ib_va, stream.ib_dw);
	for (uint32_t i = 0; i < ROWS * ROW; i++)
		ck_assert_msg(world->x[i] == want[i], "[%u, %u): row %u, element %u: %u, not %u",
			      (unsigned)filter->first, (unsigned)filter->end, i / ROW, i % ROW, world->x[i], want[i]);
	df_stream_progress(&stream, &first, &end);
	if (filter->barriers && filter->end > filter->first && !filter->exclude_count) {
		ck_assert_uint_eq(first, filter->end);
		ck_assert_uint_eq(end, filter->end);
	}
	df_stream_finish(&stream);
}

START_TEST(parts_run)
{
	static const uint64_t without[] = {3, 6, 12};
	static struct world world;
	struct df_batch_options options = DF_OPTIONS(options, .marker_interval = 2);
	rig_open(&world.rig);
	if (_i & 1)
		world.rig.device->info.max_ib_dw = 320;
	world.x_bo = rig_bo(&world.rig, ROWS * ROW * 4, &world.x);
	world.grid_bo = rig_bo(&world.rig, 64, &world.grid);
	must(df_batch_create(world.rig.device, &options, &world.batch));
	record_world(&world);
	for (uint64_t k = 0; k <= ROWS; k += k < 16 ? 1 : 4) {
		run_part(&world, &(struct df_filter){.end = k, .barriers = _i & 2});
		run_part(&world, &(struct df_filter){.first = k, .end = ROWS, .barriers = _i & 2});
		if (k < ROWS)
			run_part(&world, &(struct df_filter){.first = k, .end = k + 1, .barriers = _i & 2});
	}
	run_part(&world, &(struct df_filter){0, ROWS, without, 3, _i & 2});
	/* The batch itself is what it was. */
	static uint32_t want[ROWS * ROW];
	spoil(want);
	spoil(world.x);
	expect(&world, &(struct df_filter){.end = ROWS}, want);
	rig_run(&world.rig, world.batch);
	ck_assert_mem_eq(world.x, want, sizeof(want));
	must(df_batch_destroy(world.batch));
	must(df_bo_destroy(world.x_bo));
	must(df_bo_destroy(world.grid_bo));
	rig_close(&world.rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("filter");
	TCase *cases = tcase_create("stream"), *running = tcase_create("run");
	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_add_loop_test(cases, numbers_and_registers, 0, 6);
	tcase_add_test(cases, parts_add_up);
	tcase_add_test(cases, refusals);
	tcase_add_loop_test(running, parts_run, 0, 4);
	tcase_set_timeout(running, 60);
	suite_add_tcase(suite, cases);
	suite_add_tcase(suite, running);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

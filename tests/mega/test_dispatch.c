/* SPDX-License-Identifier: MIT */
/* Dispatch on a device, compared word for word with the reference. */
#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mega/sets.h"

#define MANY 1000u

static struct df_mega *mega;

/* Heap allocations that the library (linked into this program) asks for; what the software GPU does is its own affair.
 * Sanitizers bring an allocator of their own, and nothing is counted then. */
static unsigned allocations;
static bool counting;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) /* gcc */
#define SANITIZED
#elif defined(__has_feature) /* clang */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif
#ifndef SANITIZED
extern char __executable_start, etext;
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static void count_caller(const char *caller)
{
	if (counting && caller >= &__executable_start && caller < &etext)
		allocations++;
}

void *malloc(size_t size)
{
	count_caller(__builtin_return_address(0));
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	count_caller(__builtin_return_address(0));
	return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	count_caller(__builtin_return_address(0));
	return __libc_realloc(old, size);
}
#endif

static struct df_mega *mega_make(struct df_mega_options options)
{
	struct df_mega *made;

	options.size_B = sizeof(options);
	options.timeout_ns =
		options.timeout_ns ? options.timeout_ns : DF_FOREVER; /* libcheck's is the one that counts */
	ck_assert_msg(df_mega_create(rig.device, rig.kernel, &options, &made) == 0, "%s", df_error());
	return made;
}

static void setup(void)
{
	rig_up();
	mega = mega_make((struct df_mega_options){.rounds = 5});
}

static void teardown(void)
{
	ck_assert_msg(df_mega_destroy(mega) == 0, "%s", df_error());
	rig_down();
}

static void must(int ret)
{
	ck_assert_msg(ret == 0, "%s", df_error());
}

static void expect_refusal(int got, int expected, const char *words)
{
	ck_assert_int_eq(got, expected);
	ck_assert_msg(strstr(df_error(), words) != NULL, "'%s' does not say '%s'", df_error(), words);
}

static uint64_t submissions(void)
{
	struct df_counter counters[64];
	unsigned count = df_device_counters(rig.device, counters, 64);

	for (unsigned i = 0; i < count && i < 64; i++)
		if (strlen(counters[i].name) >= 2 && !strcmp(counters[i].name + strlen(counters[i].name) - 2, "CS"))
			return counters[i].value;
	return 0;
}

START_TEST(one_set_equals_the_reference)
{
	struct df_mega_view view;
	struct df_mega_set set = set_make(&view);
	struct df_mega_stats stats;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct set_copy copy;

		set_fill(&view, seed);
		copy_take(&copy, &view);
		must(df_mega_dispatch(mega, &set, NULL, seed % 2 ? &stats : NULL));
		ref_ring_run(&copy.ref, 5);
		ck_assert_uint_eq(copy_compare(&copy, &view, (unsigned)seed), 0);
		copy_drop(&copy);
	}
	must(df_mega_set_destroy(&set));
}
END_TEST

START_TEST(a_thousand_sets_in_one_submission_equal_the_reference)
{
	struct df_mega_set *sets = calloc(MANY, sizeof(*sets));
	struct df_mega_view *views = calloc(MANY, sizeof(*views));
	struct set_copy *copies = calloc(MANY, sizeof(*copies));
	struct df_mega_stats stats;
	unsigned wrong = 0;
	uint64_t before;

	for (uint32_t i = 0; i < MANY; i++) {
		sets[i] = set_make(&views[i]);
		set_fill(&views[i], 1000 + i);
		copy_take(&copies[i], &views[i]);
	}
	before = submissions();
	must(df_mega_dispatch_many(mega, sets, MANY, NULL, &stats));
	ck_assert_uint_eq(submissions() - before, 1);
	ck_assert_uint_eq(stats.kernel_launches, MANY);
	ck_assert_uint_eq(stats.resident_rows, MANY);
	ck_assert_uint_eq(stats.resident_handles, 4 * MANY);
	ck_assert_uint_eq(stats.sync_points, 1);
	for (uint32_t i = 0; i < MANY; i++) {
		ref_ring_run(&copies[i].ref, 5);
		wrong += copy_compare(&copies[i], &views[i], i);
		copy_drop(&copies[i]);
		must(df_mega_set_destroy(&sets[i]));
	}
	ck_assert_uint_eq(wrong, 0);
	free(copies);
	free(views);
	free(sets);
}
END_TEST

START_TEST(an_empty_batch_is_a_success_without_a_submission)
{
	struct df_mega_stats stats, zero = {0};
	struct df_mega_scratch *scratch;
	struct df_mega_output output;
	uint64_t before = submissions();

	memset(&stats, 0xff, sizeof(stats));
	must(df_mega_dispatch_many(mega, NULL, 0, NULL, &stats));
	ck_assert_uint_eq(stats.latency_ns + stats.kernel_launches + stats.sync_points + stats.resident_rows, 0);
	must(df_mega_dispatch_many(mega, NULL, 0, NULL, NULL));
	must(df_mega_scratch_create(mega, 4, &scratch));
	memset(&stats, 0, sizeof(stats));
	stats.sync_points = 1;
	must(df_mega_dispatch_scratch(mega, NULL, 0, DF_MEGA_RING, scratch, &stats));
	ck_assert_mem_eq(&stats, &zero, sizeof(stats));
	ck_assert_int_eq(df_mega_scratch_output(scratch, 0, &output), -ENOENT);
	must(df_mega_scratch_destroy(scratch));
	ck_assert_uint_eq(submissions(), before);
}
END_TEST

START_TEST(statistics_and_outputs_of_the_caller)
{
	static uint32_t control[DF_RING_DATA + SET_WORDS], log[200];
	static struct df_ring_slot ring[SET_SLOTS];
	static struct df_ring_io_slot io[4];
	struct df_mega_output output = {control, ring, log, io, sizeof(control), sizeof(ring), sizeof(log), sizeof(io)};
	struct df_mega_view view;
	struct df_mega_set set = set_make(&view);
	struct df_mega_stats stats;
	size_t log_B = (DF_RING_LOG_HEADER + 8 * DF_RING_LOG_RECORD_WORDS) * 4;
	size_t total = sizeof(control) + sizeof(ring) + log_B + sizeof(io);

	set_fill(&view, 77);
	must(df_mega_dispatch(mega, &set, &output, &stats));
	ck_assert_uint_eq(output.control_B, sizeof(control));
	ck_assert_uint_eq(output.ring_B, sizeof(ring));
	ck_assert_uint_eq(output.log_B, log_B);
	ck_assert_uint_eq(output.io_B, sizeof(io));
	ck_assert_mem_eq(control, view.control, sizeof(control));
	ck_assert_mem_eq(ring, view.ring, sizeof(ring));
	ck_assert_mem_eq(log, view.log, log_B);
	ck_assert_uint_eq(stats.input_B, 0);
	ck_assert_uint_eq(stats.output_B, total);
	ck_assert_uint_eq(stats.readback_B, total);
	ck_assert_uint_eq(stats.moved_B, total);
	ck_assert_uint_eq(stats.output_buffers, 4);
	ck_assert_uint_eq(stats.resident_rows, 1);
	ck_assert_uint_eq(stats.resident_handles, 4);
	ck_assert_uint_eq(stats.kernel_launches, 1);
	ck_assert_uint_eq(stats.sync_points, 1);
	ck_assert_uint_gt(stats.latency_ns, 0);
	ck_assert(!stats.recovered);
	ck_assert_uint_gt(stats.device_allocations, 0);
	ck_assert_uint_gt(stats.device_allocation_B, 0);
	must(df_mega_set_destroy(&set));
}
END_TEST

START_TEST(outputs_that_are_too_small_are_refused_before_anything_runs)
{
	static uint32_t words[1024];
	struct df_mega_view view;
	struct df_mega_set set = set_make(&view);
	uint64_t before = submissions();

	set_fill(&view, 3);
	expect_refusal(df_mega_dispatch(mega, &set, &(struct df_mega_output){.control = words, .control_B = 4}, NULL),
		       -EINVAL, "control");
	expect_refusal(df_mega_dispatch(mega, &set, &(struct df_mega_output){.ring = words, .ring_B = 64}, NULL),
		       -EINVAL, "ring");
	expect_refusal(df_mega_dispatch(mega, &set, &(struct df_mega_output){.log = words, .log_B = 4}, NULL), -EINVAL,
		       "log");
	expect_refusal(df_mega_dispatch(mega, &set, &(struct df_mega_output){.io = words, .io_B = 255}, NULL), -EINVAL,
		       "io");
	ck_assert_uint_eq(submissions(), before);
	ck_assert_uint_eq(view.control[DF_RING_DONE_COUNT], 0);
	must(df_mega_set_destroy(&set));
}
END_TEST

START_TEST(scratch_makes_repeats_free)
{
	struct df_mega_view views[8];
	struct df_mega_set sets[8];
	struct df_mega_scratch *scratch;
	struct df_mega_output output;
	struct df_mega_stats stats;

	must(df_mega_scratch_create(mega, 8, &scratch));
	for (unsigned i = 0; i < 8; i++)
		sets[i] = set_make(&views[i]);
	for (unsigned round = 0; round < 6; round++) {
		struct set_copy copies[8];
		int ret;

		for (unsigned i = 0; i < 8; i++) {
			set_fill(&views[i], 500 + 8 * round + i);
			copy_take(&copies[i], &views[i]);
		}
		/* Other sets of the same shape: the first and the last change places. */
		if (round == 3) {
			struct df_mega_set set = sets[0];
			struct df_mega_view view = views[0];
			struct set_copy copy = copies[0];

			sets[0] = sets[7], views[0] = views[7], copies[0] = copies[7];
			sets[7] = set, views[7] = view, copies[7] = copy;
		}
		allocations = 0;
		counting = true;
		ret = df_mega_dispatch_scratch(mega, sets, 8, DF_MEGA_CONTROL | DF_MEGA_RING, scratch, &stats);
		counting = false;
		must(ret);
		if (round) {
			ck_assert_uint_eq(allocations, 0);
			ck_assert_uint_eq(stats.device_allocations, 0);
			ck_assert_uint_eq(stats.device_allocation_B, 0);
		}
		ck_assert_uint_eq(stats.output_buffers, 16);
		for (unsigned i = 0; i < 8; i++) {
			ref_ring_run(&copies[i].ref, 5);
			ck_assert_uint_eq(copy_compare(&copies[i], &views[i], i), 0);
			must(df_mega_scratch_output(scratch, i, &output));
			ck_assert_ptr_null(output.log);
			ck_assert_mem_eq(output.control, views[i].control, output.control_B);
			ck_assert_mem_eq(output.ring, views[i].ring, SET_SLOTS * 64);
			copy_drop(&copies[i]);
		}
	}
	ck_assert_int_eq(df_mega_scratch_output(scratch, 8, &output), -ENOENT);
	expect_refusal(df_mega_destroy(mega), -EBUSY, "scratch");
	must(df_mega_scratch_destroy(scratch));
	for (unsigned i = 0; i < 8; i++)
		must(df_mega_set_destroy(&sets[i]));
}
END_TEST

START_TEST(scratch_refuses_what_is_not_its_own)
{
	struct df_mega *other = mega_make((struct df_mega_options){0});
	struct df_mega_view view;
	struct df_mega_set sets[2] = {set_make(&view), set_make(&view)};
	struct df_mega_scratch *scratch;

	must(df_mega_scratch_create(mega, 1, &scratch));
	ck_assert_int_eq(df_mega_scratch_create(mega, 0, &scratch), -EINVAL);
	expect_refusal(df_mega_dispatch_scratch(other, sets, 1, 0, scratch, NULL), -EINVAL, "another megakernel");
	expect_refusal(df_mega_dispatch_scratch(mega, sets, 2, 0, scratch, NULL), -E2BIG, "max_sets");
	expect_refusal(df_mega_dispatch_scratch(mega, sets, 1, 16, scratch, NULL), -EINVAL, "parts");
	must(df_mega_dispatch_scratch(mega, sets, 1, 0, scratch, NULL));
	must(df_mega_scratch_destroy(scratch));
	must(df_mega_destroy(other));
	must(df_mega_set_destroy(&sets[0]));
	must(df_mega_set_destroy(&sets[1]));
}
END_TEST

START_TEST(handles_are_refused_one_by_one)
{
	struct df_mega_view view;
	struct df_mega_set good = set_make(&view), more = set_make(&view);
	static const char *const names[] = {"control", "ring", "log", "io"};

	for (unsigned i = 0; i < 4; i++) {
		struct df_mega_set sets[2] = {good, more};
		struct df_bo **handles[4] = {&sets[1].control, &sets[1].ring, &sets[1].log, &sets[1].io};
		struct df_bo *firsts[4] = {good.control, good.ring, good.log, good.io};

		*handles[i] = NULL;
		expect_refusal(df_mega_dispatch_many(mega, sets, 2, NULL, NULL), -EINVAL, "NULL");
		ck_assert_msg(strstr(df_error(), names[i]) && strstr(df_error(), "set 1"), "%s", df_error());
		*handles[i] = firsts[i];
		expect_refusal(df_mega_dispatch_many(mega, sets, 2, NULL, NULL), -EINVAL, "also in another set");
		ck_assert_msg(strstr(df_error(), names[i]) && strstr(df_error(), "set 1"), "%s", df_error());
	}
	for (unsigned i = 1; i < 4; i++) {
		struct df_mega_set set = good;
		struct df_bo **handles[4] = {&set.control, &set.ring, &set.log, &set.io};

		*handles[i] = *handles[i - 1];
		expect_refusal(df_mega_dispatch(mega, &set, NULL, NULL), -EINVAL, "same buffer object");
	}
	must(df_mega_set_destroy(&good));
	must(df_mega_set_destroy(&more));
}
END_TEST

START_TEST(sizes_and_formats_are_refused)
{
	struct df_mega_shape small = DF_OPTIONS(small, .slots = 64, .log_records = 8, .io_slots = 4),
			     odd = DF_OPTIONS(odd, .slots = 96);
	struct df_bo_options options = DF_OPTIONS(options, .domain = DF_DOMAIN_HOST_CACHED);
	struct df_mega_view view;
	struct df_mega_set set = set_make(&view), other;
	struct df_bo *page, *own = set.ring;

	must(df_bo_create(rig.device, 1024, &options, &page));
	set.ring = page;
	expect_refusal(df_mega_dispatch(mega, &set, NULL, NULL), -EINVAL, "ring");
	set.ring = own;
	view.control[DF_RING_CTL_MAGIC] = 0;
	expect_refusal(df_mega_dispatch(mega, &set, NULL, NULL), -EINVAL, "not formatted");
	must(df_mega_set_format(&set, &small));
	must(df_mega_dispatch(mega, &set, NULL, NULL));
	must(df_mega_set_create(rig.device, &odd, &other));
	expect_refusal(df_mega_dispatch(mega, &other, NULL, NULL), -EINVAL, "multiple of the workgroup size");
	must(df_mega_set_destroy(&other));
	must(df_mega_set_destroy(&set));
	must(df_bo_destroy(page));
}
END_TEST

START_TEST(another_device_is_refused)
{
	struct df_mega_view view;
	struct df_mega_set set = set_make(&view), foreign;
	struct df_device *device;
	struct df_bo *own = set.log;

	must(df_device_open("soft:gfx1030", NULL, &device));
	must(df_mega_set_create(device, NULL, &foreign));
	set.log = foreign.log;
	expect_refusal(df_mega_dispatch(mega, &set, NULL, NULL), -EXDEV, "another device");
	set.log = own;
	must(df_mega_set_destroy(&foreign));
	must(df_device_close(device));
	must(df_mega_set_destroy(&set));
}
END_TEST

START_TEST(ordered_sets_may_share)
{
	struct df_mega *ordered = mega_make((struct df_mega_options){.ordered = true});
	struct df_mega_work add = {DF_RING_OP_ATOMIC_ADD, 0, 0, {SET_SUMS, 1}};
	struct df_mega_view view;
	struct df_mega_set set = set_make(&view), sets[3] = {set, set, set};
	struct df_mega_stats stats;

	for (uint32_t i = 0; i < SET_SLOTS; i++)
		must(df_mega_publish(&view, i, &add));
	must(df_mega_tenant(&view, 0, DF_RING_ALLOW_ALL, 20));
	must(df_mega_dispatch_many(ordered, sets, 3, NULL, &stats));
	ck_assert_uint_eq(stats.kernel_launches, 3);
	ck_assert_uint_eq(df_mega_data(&view)[SET_SUMS], 20);
	for (unsigned again = 0; again < 3; again++) {
		df_mega_restart(&view);
		must(df_mega_dispatch_many(ordered, sets, 2, NULL, NULL));
	}
	ck_assert_uint_eq(df_mega_data(&view)[SET_SUMS], SET_SLOTS);
	must(df_mega_set_destroy(&set));
	must(df_mega_destroy(ordered));
}
END_TEST

START_TEST(grid_barriers_are_checked_split_or_refused)
{
	struct df_mega *barrier = mega_make((struct df_mega_options){.grid_barrier = true});
	struct df_mega *split = mega_make((struct df_mega_options){.grid_barrier = true, .split = true});
	struct df_mega_options bad = DF_OPTIONS(bad, .split = true);
	struct df_mega_geometry geometry;
	struct df_mega_shape shape;
	struct df_mega_set set;
	struct df_mega_view view;
	struct df_mega_stats stats;
	struct df_mega_work add = {DF_RING_OP_ATOMIC_ADD, 0, 0, {0, 1}};
	struct df_mega *never;
	uint32_t slots;

	expect_refusal(df_mega_create(rig.device, rig.kernel, &bad, &never), -EINVAL, "split");
	ck_assert_int_eq(df_mega_geometry(mega, 0, &geometry), -EINVAL);
	must(df_mega_geometry(mega, 640, &geometry));
	ck_assert_uint_eq(geometry.workgroup, 64);
	ck_assert_uint_eq(geometry.groups, 10);
	ck_assert_uint_gt(geometry.groups_resident, 0);
	slots = (geometry.groups_resident + 1) * geometry.workgroup;
	expect_refusal(df_mega_geometry(barrier, slots, &geometry), -E2BIG, "grid barrier");
	must(df_mega_geometry(split, slots, &geometry));
	ck_assert_uint_eq(geometry.segments, 2);
	shape = (struct df_mega_shape){.size_B = sizeof(shape), .slots = slots};
	must(df_mega_set_create(rig.device, &shape, &set));
	must(df_mega_view(&set, &view));
	for (uint32_t i = 0; i < slots; i++)
		must(df_mega_publish(&view, i, &add));
	expect_refusal(df_mega_dispatch(barrier, &set, NULL, NULL), -E2BIG, "split");
	ck_assert_uint_eq(df_mega_data(&view)[0], 0);
	must(df_mega_dispatch(split, &set, NULL, &stats));
	ck_assert_uint_eq(stats.kernel_launches, 2);
	ck_assert_uint_eq(df_mega_data(&view)[0], slots);
	ck_assert_uint_eq(view.control[DF_RING_DONE_COUNT], slots);
	must(df_mega_set_destroy(&set));
	must(df_mega_destroy(split));
	must(df_mega_destroy(barrier));
}
END_TEST

START_TEST(fences_wait_for_the_others)
{
	struct df_mega *patient = mega_make((struct df_mega_options){.rounds = 200});
	struct df_mega_work fence = {DF_RING_OP_BATCH_FENCE, 0, 0, {1234, SET_SLOTS - 1}};
	struct df_mega_work add = {DF_RING_OP_ATOMIC_ADD, 0, 4, {0, 1}};
	struct df_mega_view view;
	struct df_mega_set set = set_make(&view);

	must(df_mega_publish(&view, 0, &fence));
	for (uint32_t i = 1; i < SET_SLOTS; i++)
		must(df_mega_publish(&view, i, &add));
	for (unsigned i = 0; i < 10 && view.ring[0].status != DF_RING_DONE; i++)
		must(df_mega_dispatch(patient, &set, NULL, NULL));
	ck_assert_uint_eq(view.ring[0].status, DF_RING_DONE);
	ck_assert_uint_eq(view.control[DF_RING_EPOCH], 1);
	ck_assert_uint_eq(view.control[DF_RING_BATCH_TAG], 1234);
	ck_assert_uint_eq(df_mega_data(&view)[0], SET_SLOTS - 1);
	must(df_mega_set_destroy(&set));
	must(df_mega_destroy(patient));
}
END_TEST

START_TEST(io_requests_reach_the_host_and_come_back)
{
	struct df_mega_view view;
	struct df_mega_set set = set_make(&view);
	unsigned answered = 0;

	for (uint32_t i = 0; i < SET_SLOTS; i++) {
		struct df_mega_work work = {DF_RING_OP_IO_READ, i % 31, 0, {i, i * 16, 0, i * SET_OWN, 2}};

		must(df_mega_publish(&view, i, &work));
	}
	for (unsigned round = 0; round < 64 && answered < SET_SLOTS; round++) {
		struct df_mega_io request;

		must(df_mega_dispatch(mega, &set, NULL, NULL));
		while (!df_mega_io_next(&view, &request)) {
			ck_assert_uint_eq(request.resource, request.slot);
			ck_assert_uint_eq(request.offset, request.slot * 16);
			ck_assert_uint_eq(request.words, 2);
			df_mega_data(&view)[request.to] = request.resource * 3;
			df_mega_data(&view)[request.to + 1] = request.resource * 5;
			must(df_mega_io_answer(&view, request.index, request.slot % 8 ? DF_RING_DONE : DF_RING_FAULT,
					       request.slot + 9));
			answered++;
		}
	}
	must(df_mega_dispatch(mega, &set, NULL, NULL));
	ck_assert_uint_eq(answered, SET_SLOTS);
	for (uint32_t i = 0; i < SET_SLOTS; i++) {
		struct df_mega_result result;

		must(df_mega_take(&view, i, &result));
		ck_assert_uint_eq(result.status, i % 8 ? DF_RING_DONE : DF_RING_FAULT);
		ck_assert_uint_eq(result.reason, i % 8 ? DF_RING_REASON_NONE : DF_RING_REASON_IO);
		ck_assert_uint_eq(result.value, i + 9);
		ck_assert_uint_eq(df_mega_data(&view)[i * SET_OWN], i * 3);
		ck_assert_uint_eq(df_mega_data(&view)[i * SET_OWN + 1], i * 5);
	}
	must(df_mega_set_destroy(&set));
}
END_TEST

START_TEST(shutdown_stops_before_and_after)
{
	struct df_mega_work nop = {0}, stop = {.opcode = DF_RING_OP_SHUTDOWN};
	struct df_mega_view view;
	struct df_mega_set set = set_make(&view);
	struct df_mega_counts counts;

	for (uint32_t i = 0; i < SET_SLOTS; i++)
		must(df_mega_publish(&view, i, i == 20 ? &stop : &nop));
	df_mega_shutdown(&view);
	must(df_mega_dispatch(mega, &set, NULL, NULL));
	must(df_mega_counts(&view, &counts));
	ck_assert_uint_eq(counts.by_status[DF_RING_PUBLISHED], SET_SLOTS);
	df_mega_restart(&view);
	must(df_mega_dispatch(mega, &set, NULL, NULL));
	must(df_mega_counts(&view, &counts));
	ck_assert(counts.shutdown);
	ck_assert_uint_eq(view.ring[20].status, DF_RING_DONE);
	ck_assert_uint_eq(counts.by_status[DF_RING_PUBLISHED] + counts.by_status[DF_RING_DONE], SET_SLOTS);
	ck_assert_uint_eq(counts.done, counts.by_status[DF_RING_DONE]);
	must(df_mega_set_destroy(&set));
}
END_TEST

START_TEST(a_kernel_that_is_no_megakernel_is_refused)
{
	struct df_kernel *kernel;
	struct df_code *code;
	struct df_mega *never;

	rig_load("saxpy", &code, &kernel);
	expect_refusal(df_mega_create(rig.device, kernel, NULL, &never), -EINVAL, "mega.comp");
	ck_assert_int_eq(df_mega_create(NULL, kernel, NULL, &never), -EINVAL);
	ck_assert_int_eq(df_mega_create(rig.device, NULL, NULL, &never), -EINVAL);
	must(df_code_destroy(code));
}
END_TEST

START_TEST(state_sets_are_declared)
{
	struct df_mega_shape shape = DF_OPTIONS(shape, .slots = SET_SLOTS, .data_words = SET_WORDS, .log_records = 8,
						.recovery = DF_BO_STATE);
	struct df_mega_view view;
	struct df_mega_set set;
	struct set_copy copy;

	must(df_mega_set_create(rig.device, &shape, &set));
	must(df_mega_view(&set, &view));
	set_fill(&view, 4242);
	copy_take(&copy, &view);
	must(df_mega_dispatch(mega, &set, NULL, NULL));
	ref_ring_run(&copy.ref, 5);
	ck_assert_uint_eq(copy_compare(&copy, &view, 0), 0);
	copy_drop(&copy);
	must(df_mega_set_destroy(&set));
}
END_TEST

START_TEST(strict_mode_finds_nothing)
{
	struct df_mega *strict;
	struct df_mega_view views[4];
	struct df_mega_set sets[4];
	char text[512];

	must(df_mega_destroy(mega));
	rig_down();
	setenv("DRUMFIRE_DEVICE", "soft:gfx1030,strict", 1);
	rig_up();
	mega = mega_make((struct df_mega_options){.rounds = 5});
	strict = mega_make((struct df_mega_options){.rounds = 50});
	for (unsigned i = 0; i < 4; i++) {
		sets[i] = set_make(&views[i]);
		set_fill(&views[i], 900 + i);
	}
	must(df_mega_dispatch_many(strict, sets, 4, NULL, NULL));
	ck_assert_msg(df_device_finding(rig.device, 0, text, sizeof(text)) == -ENOENT, "%s", text);
	for (unsigned i = 0; i < 4; i++)
		must(df_mega_set_destroy(&sets[i]));
	must(df_mega_destroy(strict));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mega dispatch");
	TCase *tcase = tcase_create("device");
	SRunner *runner = srunner_create(suite);
	const char *device = getenv("DRUMFIRE_DEVICE");
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, one_set_equals_the_reference);
	tcase_add_test(tcase, a_thousand_sets_in_one_submission_equal_the_reference);
	tcase_add_test(tcase, an_empty_batch_is_a_success_without_a_submission);
	tcase_add_test(tcase, statistics_and_outputs_of_the_caller);
	tcase_add_test(tcase, outputs_that_are_too_small_are_refused_before_anything_runs);
	tcase_add_test(tcase, scratch_makes_repeats_free);
	tcase_add_test(tcase, scratch_refuses_what_is_not_its_own);
	tcase_add_test(tcase, handles_are_refused_one_by_one);
	tcase_add_test(tcase, sizes_and_formats_are_refused);
	tcase_add_test(tcase, another_device_is_refused);
	tcase_add_test(tcase, ordered_sets_may_share);
	tcase_add_test(tcase, grid_barriers_are_checked_split_or_refused);
	tcase_add_test(tcase, fences_wait_for_the_others);
	tcase_add_test(tcase, io_requests_reach_the_host_and_come_back);
	tcase_add_test(tcase, shutdown_stops_before_and_after);
	tcase_add_test(tcase, a_kernel_that_is_no_megakernel_is_refused);
	tcase_add_test(tcase, state_sets_are_declared);
	if (!device || !strncmp(device, "soft", 4))
		tcase_add_test(tcase, strict_mode_finds_nothing);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

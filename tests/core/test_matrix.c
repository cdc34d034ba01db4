/* SPDX-License-Identifier: MIT */
/*
 * Every fault that can be asked for, at a launch of a barriered batch over STATE, on each kernel behaviour: the result
 * is the undisturbed one bit for bit, the loss is told for what it was, and the launch is named where the kernel ends
 * the job at it. DRUMFIRE_SOAK: each of 200 launches in turn, else a sample of a shorter batch.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

static const char *const kernels[] = {
	"soft:gfx1030,kernel=6.1",
	"soft:gfx1030,kernel=6.12",
	"soft:gfx1030,kernel=7.2",
	"soft:gfx1033,kernel=6.1",
};
#define KERNELS (sizeof(kernels) / sizeof(kernels[0]))

/*
 * What each kernel behaviour makes of it. The verdict: - none, G guilty, I innocent, M memory lost, X gone. Then n: the
 * job ends at the launch, which is named; w: the stream goes on behind it, or nobody can look, and it is the whole
 * batch. 6.1 redirects page faults and tells nobody: ?.
 */
static const struct fault {
	const char *name, *told[KERNELS];
} faults[] = {
	{"hang", {"Gn", "Gw", "Gn", "Gn"}}, /* 6.12 kills the waves */
	{"cp-hang", {"Gn", "In", "Gn", "Gn"}},     {"illegal-opcode", {"Gn", "Gw", "Gn", "Gn"}},
	{"page-fault", {"?", "Gw", "Gw", "?"}},    {"soft-recovery", {"Iw", "Gw", "Gw", "Iw"}},
	{"queue-reset", {"Gn", "In", "Gn", "Gn"}}, {"innocent-rerun", {"Iw", "In", "Iw", "Iw"}},
	{"bystander", {"Mn", "Mn", "Mn", "Iw"}},   {"full-reset", {"Gn", "Gn", "Gn", "Gn"}},
	{"memory-lost", {"Mn", "Mn", "Mn", "Mn"}}, {"memory-lost-idle", {"Mw", "Mw", "Mw", "Mw"}},
	{"removed", {"Xw", "Xw", "Xw", "Xw"}},     {"slow", {"-", "-", "-", "-"}},
	{"lost-interrupt", {"-", "-", "-", "-"}},
};
#define FAULTS (sizeof(faults) / sizeof(faults[0]))

static struct world world;

static enum df_verdict verdict_of(char letter)
{
	switch (letter) {
	case 'G':
		return DF_GUILTY_RESET;
	case 'I':
		return DF_INNOCENT_RESET;
	case 'M':
		return DF_MEMORY_LOST;
	case 'X':
		return DF_DEVICE_GONE;
	default:
		return DF_DONE;
	}
}

static void check_told(const struct df_wait_info *info, const char *told, uint32_t launches, uint32_t at,
		       const char *where)
{
	uint64_t first = told[1] == 'n' ? at : 0, last = told[1] == 'n' ? at : launches - 1;

	ck_assert_msg(info->loss == verdict_of(told[0]), "%s: verdict %d", where, info->loss);
	ck_assert_msg(info->recovered == (told[0] != '-'), "%s: recovered %d", where, info->recovered);
	ck_assert_uint_eq(info->poison_count, 0);
	if (told[0] == '-')
		return;
	ck_assert_msg(info->first_launch == first && info->last_launch == last, "%s: launches %llu to %llu named",
		      where, (unsigned long long)info->first_launch, (unsigned long long)info->last_launch);
	ck_assert_uint_eq(info->context, 1);
	ck_assert_msg(info->page_fault == !strncmp(where, "page-fault", strlen("page-fault")), "%s: page fault", where);
}

static void wait_through(struct df_fence *fence, struct df_wait_info *info)
{
	int ret = df_fence_wait(fence, df_now_ns() + 120 * SECOND, info);

	if (ret == -ENODEV) {
		ck_assert_int_eq(info->verdict, DF_DEVICE_GONE);
		ck_ok(df_device_reopen(world.device, NULL));
		ret = df_fence_wait(fence, df_now_ns() + 120 * SECOND, info);
	}
	ck_ok(ret);
	ck_assert_int_eq(info->verdict, DF_DONE);
}

static void one(struct df_context *context, const struct fault *fault, uint32_t launches, uint32_t at, unsigned kernel)
{
	struct df_batch_options marked = DF_OPTIONS(marked, .marker_interval = 1);
	struct df_bo *state = world_state(&world, DF_DOMAIN_DEVICE, false);
	struct df_batch *batch = world_batch(&world, state, launches, UINT32_MAX, &marked);
	struct df_wait_info info;
	struct df_fence *fence;
	char spec[64], where[128];

	snprintf(spec, sizeof(spec), "%s@%u", fault->name, at);
	ck_ok(df_device_fault(world.device, spec));
	ck_ok(df_submit(context, batch, NULL, &fence));
	wait_through(fence, &info);
	df_fence_put(fence);
	world_check(state, launches);
	snprintf(where, sizeof(where), "%s on %s", spec, kernels[kernel]);
	check_told(&info, fault->told[kernel], launches, at, where);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_bo_destroy(state));
}

START_TEST(test_matrix)
{
	const struct fault *fault = &faults[_i / (int)KERNELS];
	const unsigned kernel = (unsigned)(_i % (int)KERNELS);
	const bool soak = getenv("DRUMFIRE_SOAK");
	const uint32_t launches = soak ? 200 : 12, step = soak ? 1 : 5;
	struct df_device_options reopenable = DF_OPTIONS(reopenable, .reopenable = true);
	struct df_context_options o = DF_OPTIONS(o, .check_faults = true);
	struct df_context *context;

	if (fault->told[kernel][0] == '?')
		return;
	world_open(&world, kernels[kernel], &reopenable);
	ck_ok(df_context_create(world.device, &o, &context));
	for (uint32_t at = 0; at < launches; at += step)
		one(context, fault, launches, at, kernel);
	ck_ok(df_context_destroy(context));
	world_close(&world);
	if (soak)
		printf("%s on %s: %u times\n", fault->name, kernels[kernel], launches);
}
END_TEST

/* Every name that is listed has a row above. */
START_TEST(test_all_names)
{
	const char *name, *meaning;
	unsigned i;

	for (i = 0; !df_fault_name(i, &name, &meaning); i++) {
		bool known = false;

		for (unsigned j = 0; j < FAULTS; j++)
			known |= !strcmp(faults[j].name, name);
		ck_assert_msg(known, "%s is not in the matrix", name);
		ck_assert_str_ne(meaning, "");
	}
	ck_assert_uint_eq(i, FAULTS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("matrix");
	TCase *tcase = tcase_create("matrix");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 1800);
	tcase_add_loop_test(tcase, test_matrix, 0, FAULTS * KERNELS);
	tcase_add_test(tcase, test_all_names);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

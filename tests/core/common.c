/* SPDX-License-Identifier: MIT */
#include "common.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "node/soft.h"

atomic_uint allocations;

/* The linker sends the program's allocations here (--wrap). */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__real_reallocarray(void *old, size_t count, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void *__wrap_reallocarray(void *old, size_t count, size_t bytes);

void *__wrap_malloc(size_t bytes)
{
	atomic_fetch_add(&allocations, 1);
	return __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	atomic_fetch_add(&allocations, 1);
	return __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
	atomic_fetch_add(&allocations, 1);
	return __real_realloc(old, bytes);
}

void *__wrap_reallocarray(void *old, size_t count, size_t bytes)
{
	atomic_fetch_add(&allocations, 1);
	return __real_reallocarray(old, count, bytes);
}

void use_fake(void)
{
	fake_reset();
	df_soft_use(&fake_ops);
}

unsigned open_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned count = 0;

	ck_assert_ptr_nonnull(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

void check_nothing_left(void)
{
	ck_assert_uint_eq(atomic_load(&fake_counts.files), 0);
	ck_assert_uint_eq(atomic_load(&fake_counts.handles), 0);
	ck_assert_uint_eq(atomic_load(&fake_counts.maps), 0);
	ck_assert_uint_eq(atomic_load(&fake_counts.mappings), 0);
	ck_assert_uint_eq(atomic_load(&fake_counts.contexts), 0);
	ck_assert_uint_eq(atomic_load(&fake_counts.syncobjs), 0);
}

struct df_device *open_fake(void)
{
	struct df_device *device;

	ck_ok(df_device_open("soft:gfx1030", NULL, &device));
	return device;
}

/* What the kernel would free by itself with the file must have been freed before. */
void close_fake(struct df_device *device)
{
	/* What losses need stays until the device is closed. */
	ck_assert(device->restorer || !device->bos);
	ck_ok(df_device_close(device));
	check_nothing_left();
}

struct df_context *new_context(struct df_device *device, uint32_t max_in_flight)
{
	struct df_context_options options = DF_OPTIONS(options, .max_in_flight = max_in_flight);
	struct df_context *context;

	ck_ok(df_context_create(device, &options, &context));
	return context;
}

struct df_batch *new_batch(struct df_device *device)
{
	struct df_batch *batch;

	ck_ok(df_batch_create(device, NULL, &batch));
	ck_ok(df_batch_seal(batch));
	return batch;
}

struct df_fence *submit(struct df_context *context, struct df_batch *batch)
{
	struct df_fence *fence;

	ck_ok(df_submit(context, batch, NULL, &fence));
	return fence;
}

int run_tests(const char *name, const TTest *const *tests, unsigned count)
{
	Suite *suite = suite_create(name);
	TCase *cases = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(cases, use_fake, NULL);
	tcase_set_timeout(cases, 60);
	for (unsigned i = 0; i < count; i++)
		tcase_add_test(cases, tests[i]);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

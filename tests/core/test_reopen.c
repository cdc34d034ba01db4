/* SPDX-License-Identifier: MIT */
/* The device goes and comes back: waits say so at once, and after a reopening everything ends as if it had stayed. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <drm.h>

#include "node/soft.h"
#include "world.h"

#define LAUNCHES 6u

extern const struct df_soft_ops df_soft_ops;

/* ---- a node whose file can be made dead ---- */

static _Atomic(void *) current, dead;
static atomic_bool refuses_imports;
static struct df_soft_ops mortal_ops;

static void *mortal_open(const char *spec, char *error, size_t error_size)
{
	void *file = df_soft_ops.open(spec, error, error_size);

	atomic_store(&current, file);
	return file;
}

static int mortal_ioctl(void *file, unsigned long request, void *arg)
{
	if (file == atomic_load(&dead)) {
		errno = ENODEV;
		return -1;
	}
	if (request == DRM_IOCTL_PRIME_FD_TO_HANDLE && atomic_load(&refuses_imports)) {
		errno = EINVAL;
		return -1;
	}
	return df_soft_ops.ioctl(file, request, arg);
}

static void unplug(void)
{
	atomic_store(&dead, atomic_load(&current));
}

static void use_mortal(void)
{
	mortal_ops = df_soft_ops;
	mortal_ops.open = mortal_open;
	mortal_ops.ioctl = mortal_ioctl;
	atomic_store(&dead, NULL);
	atomic_store(&refuses_imports, false);
	df_soft_use(&mortal_ops);
}

/* ---- */

static struct world world;

static void set_up(bool reopenable)
{
	struct df_device_options o = DF_OPTIONS(o, .reopenable = reopenable);

	use_mortal();
	memset(&world, 0, sizeof(world));
	ck_ok(df_device_open("soft:gfx1030,timeout_ms=200", &o, &world.device));
	ck_ok(world_try_code(&world));
	ck_ok(world_try_bos(&world));
}

START_TEST(test_pending)
{
	struct df_fence *fences[4];
	struct df_context *context;
	struct df_batch *batch, *hang;
	struct df_recovery_stats stats;
	struct df_wait_info info;
	struct df_bo *state;
	void *map, *again;
	uint64_t address;

	set_up(true);
	context = new_context(world.device, 0);
	state = world_state(&world, DF_DOMAIN_DEVICE, false);
	batch = world_batch(&world, state, LAUNCHES, UINT32_MAX, NULL);
	hang = world_batch(&world, state, LAUNCHES, 3, NULL);
	address = df_bo_address(state);
	ck_ok(df_bo_map(world.gate_bo, &map));
	for (unsigned i = 0; i < 4; i++)
		fences[i] = submit(context, i == 1 ? hang : batch);
	ck_ok(df_fence_wait(fences[0], df_now_ns() + 20 * SECOND, NULL));
	unplug();
	for (unsigned i = 1; i < 4; i++) {
		ck_assert_int_eq(df_fence_wait(fences[i], df_now_ns() + 20 * SECOND, &info), -ENODEV);
		ck_assert_int_eq(info.verdict, DF_DEVICE_GONE);
		ck_assert_ptr_nonnull(strstr(df_error(), "df_device_reopen"));
	}
	/* Another one: the GPU behind the dead file is not gone, and is going to be reset. */
	ck_ok(df_device_reopen(world.device, "soft:gfx1030,timeout_ms=201"));
	ck_assert_uint_eq(df_bo_address(state), address);
	ck_ok(df_bo_map(world.gate_bo, &again));
	ck_assert_ptr_eq(map, again);
	atomic_store(world.gate, 1);
	for (unsigned i = 0; i < 4; i++) {
		ck_ok(df_fence_wait(fences[i], df_now_ns() + 20 * SECOND, &info));
		ck_assert(info.recovered == (i == 1));
		ck_assert_int_eq(info.loss, i == 1 ? DF_DEVICE_GONE : DF_DONE);
		df_fence_put(fences[i]);
	}
	world_check(state, 4 * LAUNCHES);
	/* And on: the same objects, and new ones. */
	df_fence_put(submit(context, batch));
	ck_ok(df_batch_destroy(hang));
	hang = world_batch(&world, state, LAUNCHES, UINT32_MAX, NULL);
	fences[0] = submit(context, hang);
	ck_ok(df_fence_wait(fences[0], df_now_ns() + 20 * SECOND, NULL));
	df_fence_put(fences[0]);
	world_check(state, 6 * LAUNCHES);
	df_device_recovery(world.device, &stats);
	ck_assert_uint_eq(stats.reopened, 1);
	ck_ok(df_context_destroy(context));
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_batch_destroy(hang));
	ck_ok(df_bo_destroy(state));
	world_close(&world);
}
END_TEST

/* A second and a third time; with nothing in flight; memory that only the GPU reaches. */
START_TEST(test_again)
{
	struct df_context *context;
	struct df_batch *batch;
	struct df_bo *state;

	set_up(true);
	context = new_context(world.device, 0);
	state = world_state(&world, DF_DOMAIN_DEVICE, true);
	batch = world_batch(&world, state, LAUNCHES, UINT32_MAX, NULL);
	for (unsigned i = 0; i < 3; i++) {
		struct df_fence *fence = submit(context, batch), *none = NULL;

		ck_ok(df_fence_wait(fence, df_now_ns() + 20 * SECOND, NULL));
		df_fence_put(fence);
		unplug();
		ck_assert_int_eq(df_submit(context, batch, NULL, &none), -ENODEV);
		ck_ok(df_device_reopen(world.device, "soft:gfx1030,timeout_ms=300"));
		world_check(state, (i + 1) * LAUNCHES);
	}
	ck_ok(df_context_destroy(context));
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_bo_destroy(state));
	world_close(&world);
}
END_TEST

START_TEST(test_refusals)
{
	struct df_context *context;
	struct df_batch *batch;
	struct df_fence *fence;
	struct df_bo *state;
	struct df_wait_info info;

	ck_fails(df_device_reopen(NULL, NULL), EINVAL, "device is NULL");
	set_up(false);
	ck_fails(df_device_reopen(world.device, NULL), EINVAL, ".reopenable = true");
	world_close(&world);
	set_up(true);
	ck_fails(df_device_reopen(world.device, NULL), EINVAL, "is not gone");
	context = new_context(world.device, 0);
	state = world_state(&world, DF_DOMAIN_DEVICE, false);
	batch = world_batch(&world, state, LAUNCHES, 1, NULL);
	fence = submit(context, batch);
	unplug();
	ck_assert_int_eq(df_fence_wait(fence, df_now_ns() + 20 * SECOND, NULL), -ENODEV);
	ck_fails(df_device_reopen(world.device, "soft:gfx1033"), ENODEV, "of the same target");
	ck_fails(df_device_reopen(world.device, "soft:nothing"), EINVAL, "nothing");
	ck_assert_int_eq(df_fence_wait(fence, 0, &info), -ENODEV);
	ck_assert_int_eq(info.verdict, DF_DEVICE_GONE);
	/* Without a reopening this is the end. */
	ck_ok(df_context_destroy(context));
	ck_assert_int_eq(df_fence_wait(fence, 0, &info), -ENODEV);
	df_fence_put(fence);
	/* The GPU of the test is not gone: its job ends before the memory that it uses goes. */
	atomic_store(world.gate, 1);
	sleep(1);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_bo_destroy(state));
	world_close(&world);
}
END_TEST

/* ---- memory that is shared with others ---- */

static struct df_bo *shareable(const char *name, enum df_bo_class recovery)
{
	struct df_bo_options o =
		DF_OPTIONS(o, .exportable = true, .domain = DF_DOMAIN_HOST_CACHED, .name = name, .recovery = recovery);
	struct df_bo *bo;

	ck_ok(df_bo_create(world.device, 4096, &o, &bo));
	return bo;
}

/* It can be named, with what is wrong and what to do, and is the only one. */
static void is_named(const char *name, const char *fix)
{
	char text[512];

	ck_ok(df_device_lost_bo(world.device, 0, text, sizeof(text)));
	ck_assert_msg(strstr(text, name) && strstr(text, fix), "%s", text);
	ck_assert_int_eq(df_device_lost_bo(world.device, 1, text, sizeof(text)), -ENOENT);
}

static void none_is_named(void)
{
	char text[512];

	ck_assert_int_eq(df_device_lost_bo(world.device, 0, text, sizeof(text)), -ENOENT);
}

/* Who was given the dma-buf has the old memory; that is said until it is exported again, and stops no batch. */
START_TEST(test_exported)
{
	struct df_bo *frame, *kept, *state;
	struct df_context *context;
	struct df_batch *batch;
	struct df_fence *fence;
	uint32_t word = 4711;
	int fd;

	set_up(true);
	context = new_context(world.device, 0);
	state = world_state(&world, DF_DOMAIN_DEVICE, false);
	batch = world_batch(&world, state, LAUNCHES, 2, NULL);
	frame = shareable("frame", DF_BO_INPUT);
	kept = shareable("kept", DF_BO_SCRATCH);
	ck_ok(df_bo_write(frame, 0, &word, 4));
	ck_ok(df_bo_export(frame, &fd));
	fence = submit(context, batch);
	unplug();
	ck_assert_int_eq(df_fence_wait(fence, df_now_ns() + 20 * SECOND, NULL), -ENODEV);
	none_is_named();
	ck_ok(df_device_reopen(world.device, "soft:gfx1030,timeout_ms=201"));
	is_named("BO frame (4096 bytes", "Fix: export it again");
	atomic_store(world.gate, 1);
	ck_ok(df_fence_wait(fence, df_now_ns() + 20 * SECOND, NULL));
	df_fence_put(fence);
	world_check(state, LAUNCHES);
	/* Its own contents are the host's. */
	word = 0;
	ck_ok(df_bo_read(frame, 0, &word, 4));
	ck_assert_uint_eq(word, 4711);
	close(fd);
	ck_ok(df_bo_export(frame, &fd));
	close(fd);
	none_is_named();
	ck_ok(df_context_destroy(context));
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_bo_destroy(state));
	ck_ok(df_bo_destroy(frame));
	ck_ok(df_bo_destroy(kept));
	world_close(&world);
}
END_TEST

/* What cannot be imported again has an address and no contents; the next reopening may find it. */
START_TEST(test_imported)
{
	struct df_bo_options named = DF_OPTIONS(named, .name = "camera");
	struct df_device *other;
	struct df_bo *source, *twin;
	uint32_t *theirs, *ours;
	struct df_bo_options o = DF_OPTIONS(o, .exportable = true, .domain = DF_DOMAIN_HOST_CACHED);
	uint64_t address;
	int fd;

	set_up(true);
	df_soft_use(&df_soft_ops);
	ck_ok(df_device_open("soft:gfx1030", NULL, &other));
	df_soft_use(&mortal_ops);
	ck_ok(df_bo_create(other, 4096, &o, &source));
	ck_ok(df_bo_map(source, (void **)(void *)&theirs));
	ck_ok(df_bo_export(source, &fd));
	ck_ok(df_bo_import(world.device, fd, &named, &twin));
	close(fd);
	ck_ok(df_bo_map(twin, (void **)(void *)&ours));
	theirs[3] = 5;
	ck_assert_uint_eq(ours[3], 5);
	address = df_bo_address(twin);
	unplug();
	atomic_store(&refuses_imports, true);
	ck_ok(df_device_reopen(world.device, "soft:gfx1030,timeout_ms=201"));
	is_named("BO camera (4096 bytes", "Fix: import it anew");
	ck_assert_uint_eq(df_bo_address(twin), address);
	ck_assert_uint_eq(ours[3], 0);
	unplug();
	atomic_store(&refuses_imports, false);
	ck_ok(df_device_reopen(world.device, "soft:gfx1030,timeout_ms=202"));
	none_is_named();
	ck_assert_uint_eq(ours[3], 5);
	ck_ok(df_bo_destroy(twin));
	world_close(&world);
	ck_ok(df_bo_destroy(source));
	ck_ok(df_device_close(other));
}
END_TEST

/* STATE that was written through its map after its last batch: what the removal took is what drumfire.h says. */
START_TEST(test_state_by_map)
{
	struct df_context *context;
	struct df_fence *fence;
	struct df_batch *batch;
	struct df_bo *state;
	float *map;

	set_up(true);
	context = new_context(world.device, 0);
	state = world_state(&world, DF_DOMAIN_HOST_CACHED, false);
	ck_ok(df_bo_map(state, (void **)(void *)&map));
	batch = world_batch(&world, state, LAUNCHES, UINT32_MAX, NULL);
	fence = submit(context, batch);
	ck_ok(df_fence_wait(fence, df_now_ns() + 20 * SECOND, NULL));
	df_fence_put(fence);
	ck_ok(world_try_fill(state));
	unplug();
	ck_ok(df_device_reopen(world.device, "soft:gfx1030,timeout_ms=201"));
	world_check(state, 0);
	map[7] = 99;
	unplug();
	ck_ok(df_device_reopen(world.device, "soft:gfx1030,timeout_ms=202"));
	world_check(state, 0);
	ck_ok(df_context_destroy(context));
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_bo_destroy(state));
	world_close(&world);
}
END_TEST

int main(void)
{
	TCase *cases = tcase_create("reopen");
	Suite *suite = suite_create("reopen");
	SRunner *runner;
	int failed;

	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, test_pending);
	tcase_add_test(cases, test_again);
	tcase_add_test(cases, test_refusals);
	tcase_add_test(cases, test_exported);
	tcase_add_test(cases, test_imported);
	tcase_add_test(cases, test_state_by_map);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

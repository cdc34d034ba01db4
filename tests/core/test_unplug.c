/* SPDX-License-Identifier: MIT */
/* The device is removed and opened again: what was pending happens exactly once, what is kept is there. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm.h>

#include "core/stream.h"
#include "node/soft.h"
#include "unplug.h"
#include "world.h"

#define LAUNCHES 6u

extern const struct df_soft_ops df_soft_ops;

static const char *const kernels[] = {"soft:gfx1030,kernel=6.1", "soft:gfx1030,kernel=6.12", "soft:gfx1030,kernel=7.2",
				      "soft:gfx1033,kernel=6.1"};
#define KERNELS (sizeof(kernels) / sizeof(kernels[0]))

static struct world world;
static unsigned fds;

static void open_world(const char *name, bool reopenable)
{
	struct df_device_options o = DF_OPTIONS(o, .reopenable = reopenable);

	/* The software GPU keeps some descriptors for good, one device like another. */
	world_soft = NULL;
	world_open(&world, "soft:gfx1030", NULL);
	world_close(&world);
	fds = open_fds();
	world_soft = &unplug_ops;
	world_open(&world, name, &o);
}

static void close_world(void)
{
	world_close(&world);
	ck_assert_uint_eq(unplug_open_files(), 0);
	ck_assert_uint_eq(open_fds(), fds);
}

static struct df_batch *marked(struct df_bo *state, uint32_t hang)
{
	struct df_batch_options o = DF_OPTIONS(o, .marker_interval = 1);

	return world_batch(&world, state, LAUNCHES, hang, &o);
}

/* Until the batch stands before a launch. */
static void stands_at(struct df_batch *batch, uint64_t launch)
{
	uint64_t until = df_now_ns() + 20 * SECOND, first, end;

	do
		ck_ok(df_batch_progress(df_batch_submit_of(batch), &first, &end));
	while (first < launch && df_now_ns() < until);
	ck_assert_uint_eq(first, launch);
}

static void is_gone(struct df_fence *fence)
{
	struct df_wait_info info;
	uint64_t start = df_now_ns();

	ck_assert_int_eq(df_fence_wait(fence, start + 20 * SECOND, &info), -ENODEV);
	ck_assert_int_eq(info.verdict, DF_DEVICE_GONE);
	ck_assert_uint_lt(df_now_ns() - start, 10 * SECOND);
}

static struct df_wait_info is_done(struct df_fence *fence)
{
	struct df_wait_info info;

	ck_ok(df_fence_wait(fence, df_now_ns() + 20 * SECOND, &info));
	ck_assert_int_eq(info.verdict, DF_DONE);
	df_fence_put(fence);
	return info;
}

static void destroy(struct df_batch *batch, struct df_bo *bo)
{
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_bo_destroy(bo));
}

static void nothing_lost(void)
{
	char text[256];

	ck_assert_int_eq(df_device_lost_bo(world.device, 0, text, sizeof(text)), -ENOENT);
}

/* Before each launch in turn, with the state in each memory; one more batch behind. */
START_TEST(test_each_launch)
{
	static const enum df_domain domains[] = {DF_DOMAIN_DEVICE, DF_DOMAIN_HOST_CACHED, DF_DOMAIN_HOST_WC,
						 DF_DOMAIN_DEVICE};
	struct df_context *context;
	struct df_recovery_stats stats;

	open_world(kernels[_i], true);
	context = new_context(world.device, 0);
	for (uint32_t at = 0; at < LAUNCHES; at++) {
		struct df_bo *state = world_state(&world, domains[at % 4], at % 4 == 3);
		struct df_batch *batch = marked(state, at);
		struct df_fence *fence, *behind;
		struct df_wait_info info;

		atomic_store(world.gate, 0);
		fence = submit(context, batch);
		behind = submit(context, batch);
		stands_at(batch, at);
		unplug(world.gate);
		is_gone(fence);
		is_gone(behind);
		ck_ok(df_device_reopen(world.device, NULL));
		nothing_lost();
		atomic_store(world.gate, 1);
		info = is_done(fence);
		ck_assert(info.recovered);
		ck_assert_uint_eq(info.retries, 1);
		ck_assert_int_eq(info.loss, DF_DEVICE_GONE);
		ck_assert_uint_eq(info.launches_rerun, LAUNCHES);
		ck_assert_uint_eq(is_done(behind).retries, 0);
		world_check(state, 2 * LAUNCHES);
		destroy(batch, state);
	}
	df_device_recovery(world.device, &stats);
	ck_assert_uint_eq(stats.reopened, LAUNCHES);
	ck_assert_uint_eq(stats.batches_rerun, LAUNCHES);
	ck_ok(df_context_destroy(context));
	close_world();
}
END_TEST

/* Nothing is in flight: contents, maps, sealed batches and their patches, and a batch that is being recorded. */
START_TEST(test_idle)
{
	struct df_bo_options input = DF_OPTIONS(input, .recovery = DF_BO_INPUT, .domain = DF_DOMAIN_HOST_CACHED);
	struct df_bo_options output = DF_OPTIONS(output, .recovery = DF_BO_OUTPUT, .domain = DF_DOMAIN_HOST_CACHED);
	struct df_context *context;
	struct df_bo *state, *in, *out;
	struct df_batch *batch, *patched, *open;
	struct df_patch patch;
	struct world_args args;
	const uint32_t grid[3] = {WORLD_FLOATS / 64, 1, 1};
	uint32_t *map, value = 4711;
	uint64_t calls;

	open_world(kernels[_i], true);
	context = new_context(world.device, 0);
	state = world_state(&world, DF_DOMAIN_DEVICE, false);
	batch = marked(state, UINT32_MAX);
	ck_ok(df_bo_create(world.device, 4096, &input, &in));
	ck_ok(df_bo_write(in, 8, &value, 4));
	ck_ok(df_bo_create(world.device, 4096, &output, &out));
	ck_ok(df_bo_map(out, (void **)(void *)&map));
	/* saxpy over the first `n` floats of the state, n being patched. */
	args = (struct world_args){df_bo_address(world.x), df_bo_address(state), df_bo_address(state), 0, 1.0f / 3};
	ck_ok(df_batch_create(world.device, NULL, &patched));
	ck_ok(df_batch_use(patched, state, DF_READ | DF_WRITE));
	ck_ok(df_batch_fill(patched, out, 0, 0x55aa55aa, 4096));
	ck_ok(df_batch_patch_args(patched, 24, 4, &patch));
	ck_ok(df_batch_launch(patched, world.kernel, grid, &args, sizeof(args)));
	ck_ok(df_batch_seal(patched));
	value = WORLD_FLOATS;
	df_patch_store(&patch, &value);
	args.n = WORLD_FLOATS;
	ck_ok(df_batch_create(world.device, NULL, &open));
	ck_ok(df_batch_use(open, state, DF_READ | DF_WRITE));
	ck_ok(df_batch_launch(open, world.kernel, grid, &args, sizeof(args)));
	is_done(submit(context, batch));
	is_done(submit(context, patched));
	calls = 0;
	for (unsigned round = 1; round <= 2; round++) {
		struct df_counter counters[64];
		unsigned n;

		unplug(world.gate);
		ck_assert_uint_eq(map[0], 0);
		ck_ok(df_device_reopen(world.device, NULL));
		nothing_lost();
		ck_assert_uint_eq(map[0], 0x55aa55aa);
		ck_ok(df_bo_read(in, 8, &value, 4));
		ck_assert_uint_eq(value, 4711);
		n = df_device_counters(world.device, counters, 64);
		for (unsigned i = 0; i < n; i++)
			if (!strcmp(counters[i].name, "AMDGPU_CS")) {
				ck_assert_uint_ge(counters[i].value, calls);
				calls = counters[i].value + 1;
			}
		ck_assert_uint_gt(calls, 1);
		world_check(state, round * (LAUNCHES + 1));
		is_done(submit(context, batch));
		is_done(submit(context, patched));
	}
	ck_ok(df_batch_barrier(open));
	ck_ok(df_batch_launch(open, world.kernel, grid, &args, sizeof(args)));
	ck_ok(df_batch_seal(open));
	is_done(submit(context, open));
	world_check(state, 3 * (LAUNCHES + 1) + 2);
	ck_ok(df_context_destroy(context));
	ck_ok(df_batch_destroy(open));
	ck_ok(df_batch_destroy(patched));
	destroy(batch, state);
	ck_ok(df_bo_destroy(in));
	ck_ok(df_bo_destroy(out));
	close_world();
}
END_TEST

/* Four contexts with work, one of them waiting for another's; memory of the caller; maps that moved nowhere. */
START_TEST(test_contexts)
{
	struct df_bo_options o = DF_OPTIONS(o, .recovery = DF_BO_STATE);
	struct df_submit_options behind = DF_OPTIONS(behind, .wait_count = 1);
	struct df_context *contexts[4];
	struct df_fence *fences[4];
	struct df_batch *batches[4];
	struct df_bo *states[4];
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	float y[WORLD_FLOATS];

	open_world(kernels[_i], true);
	for (unsigned i = 0; i < 4; i++) {
		contexts[i] = new_context(world.device, 0);
		if (i == 3)
			ck_ok(df_bo_from_memory(world.device, memory, 4096, &o, &states[i]));
		else
			states[i] = world_state(&world, i ? DF_DOMAIN_DEVICE : DF_DOMAIN_HOST_CACHED, i == 2);
	}
	ck_ok(df_bo_read(states[0], 0, y, sizeof(y)));
	ck_ok(df_bo_write(states[3], 0, y, sizeof(y)));
	for (unsigned i = 0; i < 4; i++) {
		batches[i] = marked(states[i], i == 3 ? UINT32_MAX : i);
		behind.waits = &fences[0];
		ck_ok(df_submit(contexts[i], batches[i], i == 3 ? &behind : NULL, &fences[i]));
	}
	for (unsigned i = 0; i < 3; i++)
		stands_at(batches[i], i);
	unplug(world.gate);
	for (unsigned i = 4; i-- > 0;)
		is_gone(fences[i]);
	ck_ok(df_device_reopen(world.device, NULL));
	atomic_store(world.gate, 1);
	for (unsigned i = 4; i-- > 0;) {
		is_done(fences[i]);
		world_check(states[i], LAUNCHES);
		destroy(batches[i], states[i]);
	}
	for (unsigned i = 0; i < 4; i++)
		ck_ok(df_context_destroy(contexts[i]));
	munmap(memory, 4096);
	close_world();
}
END_TEST

/* Refused, with everything as it was; then it goes. */
START_TEST(test_refusals)
{
	struct df_context *context;
	struct df_bo *state;
	struct df_batch *batch;
	struct df_fence *fence, *none;

	ck_fails(df_device_reopen(NULL, NULL), EINVAL, "device is NULL");
	open_world(kernels[0], false);
	unplug(world.gate);
	ck_fails(df_device_reopen(world.device, NULL), EINVAL, ".reopenable = true");
	close_world();

	open_world(kernels[0], true);
	context = new_context(world.device, 0);
	state = world_state(&world, DF_DOMAIN_DEVICE, false);
	batch = marked(state, 2);
	fence = submit(context, batch);
	ck_fails(df_device_reopen(world.device, NULL), EINVAL, "is not gone");
	stands_at(batch, 2);
	unplug(world.gate);
	is_gone(fence);
	ck_fails(df_device_reopen(world.device, "soft:gfx1033,kernel=6.1"), ENODEV, "has another target");
	ck_fails(df_device_reopen(world.device, "soft:nonsense"), EINVAL, "nonsense");
	ck_fails(df_device_reopen(world.device, "/nowhere/renderD128"), ENOENT, "/nowhere/renderD128");
	is_gone(fence);
	ck_fails(df_submit(context, batch, NULL, &none), ENODEV, "gone");
	ck_assert_int_eq(df_batch_destroy(batch), -EBUSY);
	/* Another kernel will do. */
	ck_ok(df_device_reopen(world.device, "soft:gfx1030,kernel=7.2"));
	ck_fails(df_device_reopen(world.device, NULL), EINVAL, "is not gone");
	atomic_store(world.gate, 1);
	is_done(fence);
	world_check(state, LAUNCHES);
	ck_ok(df_context_destroy(context));
	destroy(batch, state);
	close_world();
}
END_TEST

/* Every ioctl and mmap of a reopening fails once: the device stays gone, and the next time it goes. */
START_TEST(test_failures)
{
	static const int errors[] = {ENOMEM, EINVAL, ENODEV, EIO};
	struct df_context *context;
	struct df_bo *state;
	struct df_batch *batch;
	struct df_fence *fence;
	unsigned n = 1, failures = 0;

	open_world(kernels[_i % KERNELS], true);
	context = new_context(world.device, 4);
	state = world_state(&world, DF_DOMAIN_DEVICE, true);
	batch = marked(state, 3);
	fence = submit(context, batch);
	stands_at(batch, 3);
	unplug(world.gate);
	is_gone(fence);
	for (;; n++) {
		int ret;

		unplug_fail(n, errors[n % 4]);
		ret = df_device_reopen(world.device, NULL);
		if (!unplug_failed()) {
			ck_ok(ret);
			break;
		}
		if (!ret) { /* it could do without */
			unplug(world.gate);
			continue;
		}
		failures++;
		ck_assert_str_ne(df_error(), "");
		unplug_fail(0, 0);
		ck_assert_int_eq(df_fence_wait(fence, df_now_ns() + SECOND, NULL), -ENODEV);
		ck_assert_uint_eq(unplug_open_files(), 1);
	}
	unplug_fail(0, 0);
	ck_assert_uint_gt(failures, 40);
	atomic_store(world.gate, 1);
	is_done(fence);
	world_check(state, LAUNCHES);
	ck_ok(df_context_destroy(context));
	destroy(batch, state);
	close_world();
}
END_TEST

/* Gone again before it is done; many times. */
START_TEST(test_again_and_again)
{
	struct df_context *context;
	struct df_bo *state;
	struct df_batch *batch;
	struct df_fence *fence;

	open_world(kernels[_i], true);
	context = new_context(world.device, 0);
	state = world_state(&world, DF_DOMAIN_DEVICE, false);
	batch = marked(state, 4);
	fence = submit(context, batch);
	for (unsigned i = 0; i < 5; i++) {
		unplug(world.gate);
		ck_ok(df_device_reopen(world.device, NULL));
	}
	stands_at(batch, 4);
	unplug(world.gate);
	is_gone(fence);
	ck_ok(df_device_reopen(world.device, NULL));
	atomic_store(world.gate, 1);
	ck_assert_uint_eq(is_done(fence).retries, 6);
	world_check(state, LAUNCHES);
	ck_ok(df_context_destroy(context));
	destroy(batch, state);
	close_world();
}
END_TEST

/* What the host wrote behind the library's back is named, and nothing runs on it as if it were there. */
START_TEST(test_named)
{
	struct df_bo_options o = DF_OPTIONS(o, .recovery = DF_BO_INPUT, .name = "weights");
	struct df_context *context;
	struct df_bo *state, *weights;
	struct df_batch *batch;
	struct df_fence *fence;
	struct df_wait_info info;
	char text[256];
	void *map;

	open_world(kernels[_i], true);
	context = new_context(world.device, 0);
	state = world_state(&world, DF_DOMAIN_DEVICE, false);
	batch = marked(state, 1);
	o.domain = DF_DOMAIN_HOST_CACHED;
	ck_ok(df_bo_create(world.device, 4096, &o, &weights));
	ck_ok(df_bo_map(weights, &map));
	memset(map, 0x11, 4096);
	fence = submit(context, batch);
	stands_at(batch, 1);
	unplug(world.gate);
	is_gone(fence);
	ck_ok(df_device_reopen(world.device, NULL));
	ck_ok(df_device_lost_bo(world.device, 0, text, sizeof(text)));
	ck_assert_ptr_nonnull(strstr(text, "BO weights (4096 bytes"));
	ck_assert_ptr_nonnull(strstr(text, "class INPUT"));
	ck_assert_int_eq(df_device_lost_bo(world.device, 1, text, sizeof(text)), -ENOENT);
	ck_assert_int_eq(df_fence_wait(fence, df_now_ns() + 20 * SECOND, &info), -EIO);
	ck_assert_int_eq(info.verdict, DF_MEMORY_LOST);
	ck_assert_int_eq(info.loss, DF_DEVICE_GONE);
	df_fence_put(fence);
	world_check(state, 0);
	/* The same pointer, and whoever writes again goes on. */
	memset(map, 0x11, 4096);
	atomic_store(world.gate, 1);
	is_done(submit(context, batch));
	world_check(state, LAUNCHES);
	ck_ok(df_context_destroy(context));
	destroy(batch, state);
	ck_ok(df_bo_destroy(weights));
	nothing_lost();
	close_world();
}
END_TEST

/* In-fences are waited for again, shared memory is shared still, and an exported timeline goes on. */
START_TEST(test_shared)
{
	struct df_bo_options o = DF_OPTIONS(o, .exportable = true, .domain = DF_DOMAIN_HOST_CACHED);
	struct df_submit_options behind = DF_OPTIONS(behind, .wait_fd_count = 1);
	struct drm_syncobj_timeline_array query;
	struct drm_syncobj_handle handle = {0};
	struct df_context *context, *far;
	struct df_device *other;
	struct df_bo *state, *shared, *twin;
	struct df_batch *batch, *nothing;
	struct df_fence *fence, *done;
	uint64_t point = 0;
	uint32_t syncobj, *ours, *theirs;
	int fd, timeline;

	open_world(kernels[_i], true);
	context = new_context(world.device, 0);
	state = world_state(&world, DF_DOMAIN_DEVICE, false);
	batch = marked(state, 2);
	ck_ok(df_context_export_timeline(context, &timeline));
	/* Not behind the cable. */
	df_soft_use(&df_soft_ops);
	ck_ok(df_device_open("soft:gfx1030", NULL, &other));
	ck_ok(df_bo_create(other, 4096, &o, &shared));
	ck_ok(df_bo_map(shared, (void **)(void *)&theirs));
	ck_ok(df_bo_export(shared, &fd));
	ck_ok(df_bo_import(world.device, fd, NULL, &twin));
	close(fd);
	ck_ok(df_bo_map(twin, (void **)(void *)&ours));
	far = new_context(other, 0);
	nothing = new_batch(other);
	done = submit(far, nothing);
	ck_ok(df_fence_export(done, &fd));
	is_done(done);
	behind.wait_fds = &fd;
	ck_ok(df_submit(context, batch, &behind, &fence));
	close(fd);
	stands_at(batch, 2);
	theirs[5] = 17;
	unplug(world.gate);
	is_gone(fence);
	df_soft_use(&unplug_ops);
	ck_ok(df_device_reopen(world.device, NULL));
	nothing_lost();
	ck_assert_uint_eq(ours[5], 17);
	ours[6] = 18;
	ck_assert_uint_eq(theirs[6], 18);
	atomic_store(world.gate, 1);
	is_done(fence);
	world_check(state, LAUNCHES);
	handle.fd = timeline;
	ck_assert_int_ge(df_node_ioctl(other->node, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &handle), 0);
	syncobj = handle.handle;
	close(timeline);
	query = (struct drm_syncobj_timeline_array){
		.handles = (uintptr_t)&syncobj, .points = (uintptr_t)&point, .count_handles = 1};
	ck_assert_int_ge(df_node_ioctl(other->node, DRM_IOCTL_SYNCOBJ_QUERY, &query), 0);
	ck_assert_uint_eq(point, 1);
	other->kmd->syncobj_destroy(other, syncobj);
	ck_ok(df_context_destroy(context));
	destroy(batch, state);
	ck_ok(df_bo_destroy(twin));
	ck_ok(df_context_destroy(far));
	destroy(nothing, shared);
	ck_ok(df_device_close(other));
	/* Of the timeline, which was exported twice (once by the library, to have it again), the software GPU keeps its
	 * ends until it exports another. */
	fds += 2;
	close_world();
}
END_TEST

/* Nobody opens it again: the end is the end, and nothing is left. */
START_TEST(test_never)
{
	struct df_context *context;
	struct df_bo *state;
	struct df_batch *batch;
	struct df_fence *fence;
	struct df_wait_info info;

	open_world(kernels[_i], true);
	context = new_context(world.device, 0);
	state = world_state(&world, DF_DOMAIN_DEVICE, true);
	batch = marked(state, 1);
	fence = submit(context, batch);
	stands_at(batch, 1);
	unplug(world.gate);
	is_gone(fence);
	ck_assert(!world.device->copy || df_bo_read(state, 0, &info, 8) == -ENODEV);
	ck_ok(df_context_destroy(context));
	ck_assert_int_eq(df_fence_wait(fence, 0, &info), -ENODEV);
	ck_assert_int_eq(info.verdict, DF_DEVICE_GONE);
	df_fence_put(fence);
	destroy(batch, state);
	close_world();
}
END_TEST

/* A fence outlives its context across a reopening, and the names of the new device are left alone. */
START_TEST(test_old_fence)
{
	struct df_context *context, *next;
	struct df_bo *state;
	struct df_batch *batch;
	struct df_fence *old;

	open_world(kernels[_i], true);
	context = new_context(world.device, 0);
	state = world_state(&world, DF_DOMAIN_DEVICE, false);
	batch = marked(state, UINT32_MAX);
	old = submit(context, batch);
	ck_ok(df_fence_wait(old, df_now_ns() + 20 * SECOND, NULL));
	ck_ok(df_context_destroy(context));
	unplug(world.gate);
	ck_ok(df_device_reopen(world.device, NULL));
	next = new_context(world.device, 0);
	ck_ok(df_fence_wait(old, 0, NULL));
	df_fence_put(old);
	is_done(submit(next, batch));
	world_check(state, 2 * LAUNCHES);
	ck_ok(df_context_destroy(next));
	destroy(batch, state);
	close_world();
}
END_TEST

int main(void)
{
	TCase *cases = tcase_create("unplug");
	Suite *suite = suite_create("unplug");
	SRunner *runner;
	int failed;

	tcase_set_timeout(cases, 60);
	tcase_add_loop_test(cases, test_each_launch, 0, KERNELS);
	tcase_add_loop_test(cases, test_idle, 0, KERNELS);
	tcase_add_loop_test(cases, test_contexts, 0, KERNELS);
	tcase_add_test(cases, test_refusals);
	tcase_add_loop_test(cases, test_failures, 0, 1);
	tcase_add_loop_test(cases, test_again_and_again, 0, KERNELS);
	tcase_add_loop_test(cases, test_named, 0, KERNELS);
	tcase_add_loop_test(cases, test_shared, 0, KERNELS);
	tcase_add_loop_test(cases, test_never, 0, KERNELS);
	tcase_add_loop_test(cases, test_old_fence, 0, KERNELS);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

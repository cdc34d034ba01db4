/* SPDX-License-Identifier: MIT */
/* Submission and waiting: one ioctl, no allocation, bounded waits, what is held back, what is refused. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common.h"

#define MS 1000000ull

static uint64_t counter(struct df_device *device, const char *name)
{
	struct df_counter counters[64];
	unsigned n = df_device_counters(device, counters, 64);

	for (unsigned i = 0; i < n; i++)
		if (!strcmp(counters[i].name, name))
			return counters[i].value;
	return 0;
}

/* In front of libc's: what the library sleeps between two looks. The fake sleeps by nanosleep(). */
static atomic_uint sleeps;

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *request, struct timespec *remain)
{
	atomic_fetch_add(&sleeps, 1);
	return syscall(SYS_clock_nanosleep, clock, flags, request, remain) ? errno : 0;
}

/* Lets the held job end when somebody waits for it in the kernel. */
static void *release_waited(void *device)
{
	while (!counter(device, "AMDGPU_WAIT_CS"))
		sched_yield();
	fake_release(1);
	return NULL;
}

START_TEST(test_kernel_wait_ends_without_another_sleep)
{
	struct df_device *device = open_fake();
	struct df_context *context = new_context(device, 0);
	struct df_batch *batch = new_batch(device);
	struct df_fence *fence;
	pthread_t thread;

	fake.mode = FAKE_HOLD;
	fence = submit(context, batch);
	ck_assert_int_eq(pthread_create(&thread, NULL, release_waited, device), 0);
	atomic_store(&sleeps, 0);
	ck_ok(df_fence_wait(fence, DF_FOREVER, NULL));
	ck_assert_uint_eq(atomic_load(&sleeps), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_gt(counter(device, "AMDGPU_WAIT_CS"), 0);
	df_fence_put(fence);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_context_destroy(context));
	close_fake(device);
}
END_TEST

START_TEST(test_empty_batch)
{
	struct df_device *device = open_fake();
	struct df_context *context = new_context(device, 0);
	struct df_batch *batch = new_batch(device);
	struct df_fence *fence = submit(context, batch);
	struct df_wait_info info;

	ck_ok(df_fence_wait(fence, DF_FOREVER, &info));
	ck_assert_int_eq(info.verdict, DF_DONE);
	ck_assert(!info.recovered && !info.retries && !info.page_fault);
	ck_assert_uint_gt(info.latency_ns, 0);
	/* The stream as it stands, then the context's own tail that writes the marker. */
	ck_assert_uint_eq(fake_last.ibs, 2);
	ck_assert_uint_eq(fake_last.ib_va[0], df_batch_submit_of(batch)->ib_va);
	ck_assert_uint_eq(fake_last.ib_bytes[0], df_batch_submit_of(batch)->ib_dw * 4);
	ck_assert_uint_eq(fake_last.timeline_point, 1);
	ck_assert_uint_eq(fake_last.bos, 0);
	df_fence_put(fence);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_context_destroy(context));
	close_fake(device);
}
END_TEST

START_TEST(test_hot_path)
{
	struct df_device *device = open_fake();
	struct df_context *context = new_context(device, 0);
	struct df_batch *batch = new_batch(device);
	unsigned before_allocations, before_ioctls;
	int ret = 0;

	before_allocations = atomic_load(&allocations);
	before_ioctls = atomic_load(&fake_counts.ioctls);
	/* The test library allocates too: nothing is asserted in here. */
	for (unsigned i = 0; i < 1000 && !ret; i++) {
		struct df_fence *fence;

		ret = df_submit(context, batch, NULL, &fence);
		if (ret < 0)
			break;
		ret = df_fence_wait(fence, DF_FOREVER, NULL);
		df_fence_put(fence);
	}
	before_allocations = atomic_load(&allocations) - before_allocations;
	ck_ok(ret);
	ck_assert_uint_eq(before_allocations, 0);
	/* One to submit, one to verify; and in each round of the kernel's 32 one that asks how far it is itself. */
	ck_assert_uint_le(atomic_load(&fake_counts.ioctls) - before_ioctls, 2000 + 1000 / 31);
	ck_assert_uint_eq(counter(device, "AMDGPU_CS"), 1000);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_context_destroy(context));
	close_fake(device);
}
END_TEST

/* The counting itself works: a fence beyond those reserved is an allocation. */
START_TEST(test_allocations_are_seen)
{
	struct df_device *device = open_fake();
	struct df_context *context = new_context(device, 1);
	struct df_batch *batch = new_batch(device);
	struct df_fence *fences[300];
	unsigned before = atomic_load(&allocations);

	for (unsigned i = 0; i < 300; i++) {
		fences[i] = submit(context, batch);
		ck_ok(df_fence_wait(fences[i], DF_FOREVER, NULL));
	}
	ck_assert_uint_gt(atomic_load(&allocations), before);
	for (unsigned i = 0; i < 300; i++)
		df_fence_put(fences[i]);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_context_destroy(context));
	close_fake(device);
}
END_TEST

START_TEST(test_in_flight_limit)
{
	struct df_device *device = open_fake();
	struct df_context *context = new_context(device, 3);
	struct df_batch *batch = new_batch(device);
	struct df_submit_options soon = DF_OPTIONS(soon);
	struct df_fence *fences[4], *none = NULL;
	uint64_t start;

	fake.mode = FAKE_HOLD;
	for (unsigned i = 0; i < 3; i++)
		fences[i] = submit(context, batch);
	ck_fails(df_submit(context, batch, NULL, &none), EAGAIN, "3 submissions are in flight");
	start = df_now_ns();
	soon.deadline_ns = start + 20 * MS;
	ck_fails(df_submit(context, batch, &soon, &none), EAGAIN, "before the deadline");
	ck_assert_uint_ge(df_now_ns() - start, 20 * MS);
	ck_assert_ptr_null(none);
	ck_assert_uint_eq(atomic_load(&fake_counts.submits), 3);
	ck_fails(df_batch_destroy(batch), EBUSY, "Fix:");

	fake_release(1);
	fences[3] = submit(context, batch);
	fake_release(UINT32_MAX);
	for (unsigned i = 0; i < 4; i++) {
		ck_ok(df_fence_wait(fences[i], DF_FOREVER, NULL));
		ck_assert_uint_eq(fences[i]->sequence, i + 1);
		df_fence_put(fences[i]);
	}
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_context_destroy(context));
	close_fake(device);
}
END_TEST

/* Fences put before they are done keep nothing from being cleaned up. */
START_TEST(test_fence_put_early)
{
	struct df_device *device = open_fake();
	struct df_context *context = new_context(device, 0);
	struct df_batch *batch = new_batch(device);

	fake.mode = FAKE_HOLD;
	for (unsigned i = 0; i < 5; i++)
		df_fence_put(submit(context, batch));
	ck_assert_uint_eq(df_batch_in_flight(df_batch_submit_of(batch)), 5);
	fake_release(2);
	ck_assert_uint_eq(df_batch_in_flight(df_batch_submit_of(batch)), 3);
	fake_release(UINT32_MAX);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_context_destroy(context));
	close_fake(device);
}
END_TEST

START_TEST(test_fence_outlives_context)
{
	struct df_device *device = open_fake();
	struct df_context *context = new_context(device, 0);
	struct df_batch *batch = new_batch(device);
	struct df_fence *fence = submit(context, batch);
	struct df_wait_info info;

	ck_ok(df_context_destroy(context));
	ck_fails(df_device_close(device), EBUSY, "1 batch, 1 fence");
	ck_ok(df_fence_wait(fence, 0, &info));
	ck_assert_int_eq(info.verdict, DF_DONE);
	df_fence_put(fence);
	ck_ok(df_batch_destroy(batch));
	close_fake(device);
}
END_TEST

static void check_bounded(const struct df_device_options *options)
{
	struct df_device *device;
	struct df_context *context;
	struct df_batch *batch;
	struct df_fence *fence;
	struct df_wait_info info;
	uint64_t start;

	ck_ok(df_device_open("soft:gfx1030", options, &device));
	context = new_context(device, 0);
	batch = new_batch(device);
	fake.mode = FAKE_HOLD;
	fence = submit(context, batch);
	ck_fails(df_fence_wait(fence, 0, &info), ETIME, "still running");
	ck_assert_int_eq(info.verdict, DF_RUNNING);
	ck_fails(df_fence_wait(fence, 1, &info), ETIME, "still running");
	start = df_now_ns();
	ck_fails(df_fence_wait(fence, start + 30 * MS, &info), ETIME, "still running");
	ck_assert_uint_ge(df_now_ns() - start, 30 * MS);
	ck_assert_uint_lt(df_now_ns() - start, 2000 * MS);
	fake_release(1);
	ck_ok(df_fence_wait(fence, DF_FOREVER, &info));
	ck_assert_uint_ge(info.latency_ns, 30 * MS);
	df_fence_put(fence);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_context_destroy(context));
	close_fake(device);
}

START_TEST(test_wait_bounded_ioctl)
{
	struct df_device_options options = DF_OPTIONS(options, .spin_ns = 1000);

	check_bounded(&options);
}
END_TEST

START_TEST(test_wait_bounded_sleep)
{
	struct df_device_options options = DF_OPTIONS(options, .spin_ns = 1000, .sleep_ns = 100000);

	check_bounded(&options);
}
END_TEST

START_TEST(test_wait_bounded_spin)
{
	struct df_device_options options = DF_OPTIONS(options, .spin_ns = UINT32_MAX);

	check_bounded(&options);
}
END_TEST

START_TEST(test_submit_refusals)
{
	struct df_device *device = open_fake();
	struct df_context *context = new_context(device, 0);
	struct df_batch *batch = new_batch(device), *open;
	struct df_fence *fence = NULL, *null_fence = NULL;
	struct {
		struct df_submit_options options;
		uint64_t more;
	} longer = {.options = {.size_B = sizeof(longer)}, .more = 1};
	struct df_submit_options o = DF_OPTIONS(o);
	int bad_fd = -1, closed_fd = 1000;
	unsigned ioctls;

	ck_ok(df_batch_create(device, NULL, &open));
	ioctls = atomic_load(&fake_counts.ioctls);
	ck_fails(df_submit(NULL, batch, NULL, &fence), EINVAL, "context is NULL");
	ck_fails(df_submit(context, NULL, NULL, &fence), EINVAL, "batch is NULL");
	ck_fails(df_submit(context, batch, NULL, NULL), EINVAL, "fence_out is NULL");
	ck_fails(df_submit(context, open, NULL, &fence), EINVAL, "not sealed");
	ck_fails(df_submit(context, batch, &longer.options, &fence), E2BIG, "df_submit");
	o.size_B = 0;
	ck_fails(df_submit(context, batch, &o, &fence), EINVAL, "DF_OPTIONS");
	o = (struct df_submit_options)DF_OPTIONS(o, .wait_fd_count = 1);
	ck_fails(df_submit(context, batch, &o, &fence), EINVAL, "wait_fds is NULL");
	o = (struct df_submit_options)DF_OPTIONS(o, .wait_count = 1);
	ck_fails(df_submit(context, batch, &o, &fence), EINVAL, "waits is NULL");
	o = (struct df_submit_options)DF_OPTIONS(o, .wait_count = 1, .waits = &null_fence);
	ck_fails(df_submit(context, batch, &o, &fence), EINVAL, "waits[0] is NULL");
	o = (struct df_submit_options)DF_OPTIONS(o, .wait_fd_count = 1, .wait_fds = &bad_fd);
	ck_fails(df_submit(context, batch, &o, &fence), EBADF, "wait_fds[0]");
	o = (struct df_submit_options)DF_OPTIONS(o, .wait_fd_count = UINT32_MAX, .wait_fds = &bad_fd, .wait_count = 2,
						 .waits = &null_fence);
	ck_fails(df_submit(context, batch, &o, &fence), E2BIG, "at most 64");
	ck_assert_uint_eq(atomic_load(&fake_counts.ioctls), ioctls);
	o = (struct df_submit_options)DF_OPTIONS(o, .wait_fd_count = 1, .wait_fds = &closed_fd);
	ck_fails(df_submit(context, batch, &o, &fence), EINVAL, "Fix: pass a sync_file");
	ck_assert_ptr_null(fence);
	ck_assert_uint_eq(atomic_load(&fake_counts.submits), 0);

	/* Nothing of that stuck. */
	fence = submit(context, batch);
	ck_ok(df_fence_wait(fence, DF_FOREVER, NULL));
	ck_assert_uint_eq(fence->sequence, 1);
	ck_assert_uint_eq(fake_last.waits, 0);
	df_fence_put(fence);
	ck_ok(df_batch_destroy(open));
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_context_destroy(context));
	close_fake(device);
}
END_TEST

START_TEST(test_kernel_refusals)
{
	static const int errors[] = {ENOMEM, EINVAL, EDEADLK, EPERM};
	struct df_device *device = open_fake();
	struct df_context *context = new_context(device, 0);
	struct df_batch *batch = new_batch(device);
	struct df_fence *fence = NULL;

	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		fake.fail_at = 1;
		fake.fail_error = errors[i];
		ck_fails(df_submit(context, batch, NULL, &fence), errors[i], "the kernel refuses the submission");
		ck_assert_ptr_null(fence);
	}
	fence = submit(context, batch);
	ck_assert_uint_eq(fence->sequence, 1);
	ck_ok(df_fence_wait(fence, DF_FOREVER, NULL));
	df_fence_put(fence);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_context_destroy(context));
	close_fake(device);
}
END_TEST

/* EINTR is repeated without end, EAGAIN many times, both below everything else. */
START_TEST(test_interrupted_ioctls)
{
	static const int errors[] = {EINTR, EAGAIN};
	struct df_device *device = open_fake();
	struct df_context *context = new_context(device, 0);
	struct df_batch *batch = new_batch(device);

	for (unsigned i = 0; i < 2; i++) {
		struct df_fence *fence;

		fake.fail_at = 1;
		fake.fail_error = errors[i];
		fence = submit(context, batch);
		ck_ok(df_fence_wait(fence, DF_FOREVER, NULL));
		df_fence_put(fence);
	}
	ck_assert_uint_eq(atomic_load(&fake_counts.submits), 2);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_context_destroy(context));
	close_fake(device);
}
END_TEST

START_TEST(test_waits)
{
	struct df_device *device = open_fake();
	struct df_context *first = new_context(device, 0), *second = new_context(device, 0);
	struct df_batch *batch = new_batch(device);
	struct df_submit_options o = DF_OPTIONS(o);
	struct df_fence *before, *after;
	int fd, fds[2];

	fake.mode = FAKE_HOLD;
	before = submit(first, batch);
	ck_ok(df_fence_export(before, &fd));
	ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
	fds[0] = fds[1] = fd;
	o.waits = &before;
	o.wait_count = 1;
	o.wait_fds = fds;
	o.wait_fd_count = 2;
	ck_ok(df_submit(second, batch, &o, &after));
	ck_assert_uint_eq(fake_last.dependencies, 1);
	ck_assert_uint_eq(fake_last.waits, 2);
	ck_assert_uint_eq(fake_last.context, atomic_load(&second->kernel));
	fake_release(UINT32_MAX);
	ck_ok(df_fence_wait(after, DF_FOREVER, NULL));
	ck_ok(df_fence_wait(before, DF_FOREVER, NULL));
	df_fence_put(after);

	/* A fence that is done is not waited for any more. */
	o.wait_fd_count = 0;
	fake.mode = FAKE_RUN;
	ck_ok(df_submit(second, batch, &o, &after));
	ck_assert_uint_eq(fake_last.dependencies, 0);
	ck_assert_uint_eq(fake_last.waits, 0);
	ck_ok(df_fence_wait(after, DF_FOREVER, NULL));
	df_fence_put(after);
	df_fence_put(before);
	close(fd);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_context_destroy(first));
	ck_ok(df_context_destroy(second));
	close_fake(device);
}
END_TEST

START_TEST(test_other_device)
{
	struct df_device *device = open_fake(), *other = open_fake();
	struct df_context *context = new_context(device, 0), *far = new_context(other, 0);
	struct df_batch *batch = new_batch(device), *far_batch = new_batch(other);
	struct df_submit_options o = DF_OPTIONS(o);
	struct df_fence *fence = NULL, *far_fence;

	ck_fails(df_submit(context, far_batch, NULL, &fence), EXDEV, "belongs to device");
	far_fence = submit(far, far_batch);
	o.waits = &far_fence;
	o.wait_count = 1;
	ck_fails(df_submit(context, batch, &o, &fence), EXDEV, "df_fence_export");
	ck_assert_ptr_null(fence);
	df_fence_put(far_fence);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_batch_destroy(far_batch));
	ck_ok(df_context_destroy(context));
	ck_ok(df_context_destroy(far));
	ck_ok(df_device_close(device));
	ck_ok(df_device_close(other));
	check_nothing_left();
}
END_TEST

/* BOs that are not always valid are listed with each submission. */
START_TEST(test_external_bos)
{
	struct df_bo_options options = DF_OPTIONS(options, .exportable = true);
	struct df_device *device = open_fake();
	struct df_context *context = new_context(device, 0);
	struct df_batch *batch;
	struct df_fence *fence;
	struct df_bo *shared, *private;

	ck_ok(df_bo_create(device, 4096, &options, &shared));
	ck_ok(df_bo_create(device, 4096, NULL, &private));
	ck_ok(df_batch_create(device, NULL, &batch));
	ck_ok(df_batch_use(batch, shared, DF_READ | DF_WRITE));
	ck_ok(df_batch_use(batch, private, DF_READ));
	ck_ok(df_batch_seal(batch));
	for (unsigned i = 0; i < 40; i++) {
		fence = submit(context, batch);
		ck_assert_uint_eq(fake_last.bos, 1);
		ck_ok(df_fence_wait(fence, DF_FOREVER, NULL));
		df_fence_put(fence);
	}
	ck_fails(df_bo_destroy(shared), EBUSY, "used by 1 batch");
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_bo_destroy(shared));
	ck_ok(df_bo_destroy(private));
	ck_ok(df_context_destroy(context));
	close_fake(device);
}
END_TEST

START_TEST(test_export)
{
	struct df_device *device = open_fake();
	struct df_context *context = new_context(device, 0);
	struct df_batch *batch = new_batch(device);
	struct df_fence *fence;
	unsigned fds = open_fds(), syncobjs = atomic_load(&fake_counts.syncobjs);
	int fd = -7;

	fake.mode = FAKE_HOLD;
	fence = submit(context, batch);
	ck_fails(df_fence_export(NULL, &fd), EINVAL, "fence is NULL");
	ck_fails(df_fence_export(fence, NULL), EINVAL, "sync_file_fd_out is NULL");
	for (unsigned i = 1; i <= 3; i++) {
		fake.fail_at = i;
		fake.fail_error = ENOMEM;
		ck_assert_int_eq(df_fence_export(fence, &fd), -ENOMEM);
		ck_assert_int_eq(fd, -7);
		ck_assert_uint_eq(atomic_load(&fake_counts.syncobjs), syncobjs);
		ck_assert_uint_eq(open_fds(), fds);
	}
	ck_ok(df_fence_export(fence, &fd));
	ck_assert_uint_eq(open_fds(), fds + 1);
	close(fd);
	/* Done: what is exported is signalled already. */
	fake_release(1);
	ck_ok(df_fence_wait(fence, DF_FOREVER, NULL));
	for (unsigned i = 1; i <= 2; i++) {
		fake.fail_at = i;
		ck_assert_int_eq(df_fence_export(fence, &fd), -ENOMEM);
		ck_assert_uint_eq(open_fds(), fds);
	}
	ck_ok(df_fence_export(fence, &fd));
	ck_assert_uint_eq(atomic_load(&fake_counts.syncobjs), syncobjs);
	close(fd);
	df_fence_put(fence);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_context_destroy(context));
	close_fake(device);
}
END_TEST

/* Without timelines: no point is signalled, and fences are exported by the older ioctl. */
START_TEST(test_no_timeline)
{
	struct df_device *device;
	struct df_context *context;
	struct df_batch *batch;
	struct df_fence *fence;
	int fd;

	fake.drm_minor = 31;
	device = open_fake();
	context = new_context(device, 0);
	batch = new_batch(device);
	fake.mode = FAKE_HOLD;
	fence = submit(context, batch);
	ck_assert_uint_eq(fake_last.timeline_point, 0);
	ck_assert_uint_eq(fake_last.chunks, 2);
	ck_ok(df_fence_export(fence, &fd));
	close(fd);
	fake_release(1);
	ck_assert_uint_eq(atomic_load(&fake_counts.syncobjs), 0);
	ck_ok(df_fence_wait(fence, DF_FOREVER, NULL));
	df_fence_put(fence);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_context_destroy(context));
	close_fake(device);
}
END_TEST

/* What the host polls bypasses the GPU's caches; streams are never writable by the GPU. */
START_TEST(test_marker_memory)
{
	struct df_device *device = open_fake();
	struct df_context *context = new_context(device, 0);
	uint32_t flags;

	ck_assert_ptr_nonnull(fake_memory(context->marker_bo->va, &flags));
	ck_assert_uint_eq(flags >> 5 & 0xf, 4);
	ck_assert_int_eq(context->marker_bo->domain, DF_DOMAIN_HOST_CACHED);
	ck_assert_ptr_nonnull(fake_memory(context->tail_bo->va, &flags));
	ck_assert_uint_eq(flags & 1 << 2, 0);
	ck_ok(df_context_destroy(context));
	close_fake(device);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_kernel_wait_ends_without_another_sleep,
		test_empty_batch,
		test_hot_path,
		test_allocations_are_seen,
		test_in_flight_limit,
		test_fence_put_early,
		test_fence_outlives_context,
		test_wait_bounded_ioctl,
		test_wait_bounded_sleep,
		test_wait_bounded_spin,
		test_submit_refusals,
		test_kernel_refusals,
		test_interrupted_ioctls,
		test_waits,
		test_other_device,
		test_external_bos,
		test_export,
		test_no_timeline,
		test_marker_memory,
	};

	return RUN_TESTS("submit", tests);
}

/* SPDX-License-Identifier: MIT */
/* What the caller decides about losses, and what he is told: retries, deadlines, callbacks, the recoverable fence. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common.h"

#define MS 1000000ull

static struct df_device *device;
static struct df_context *context;
static struct df_batch *batch;

static void set_up(const struct df_context_options *options)
{
	device = open_fake();
	ck_ok(df_context_create(device, options, &context));
	batch = new_batch(device);
}

static void tear_down(void)
{
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_context_destroy(context));
	close_fake(device);
}

static void lose(unsigned count)
{
	fake.mode = FAKE_LOSE;
	fake.lose_count = count;
	fake.lose_error = -ECANCELED;
	fake.reset = true;
}

/* After give_up_ns a lost batch is not run again; before it, it is. */
START_TEST(test_give_up)
{
	struct df_submit_options o = DF_OPTIONS(o);
	struct df_wait_info info;
	struct df_fence *fence;

	set_up(NULL);
	lose(1);
	o.give_up_ns = df_now_ns() - 1;
	ck_ok(df_submit(context, batch, &o, &fence));
	ck_assert_int_eq(df_fence_wait(fence, df_now_ns() + 5000 * MS, &info), -ECANCELED);
	ck_assert_int_eq(info.verdict, DF_INNOCENT_RESET);
	ck_assert_uint_eq(info.retries, 0);
	ck_assert_uint_eq(atomic_load(&fake_counts.submits), 1);
	df_fence_put(fence);
	lose(1);
	o.give_up_ns = df_now_ns() + 60000 * MS;
	ck_ok(df_submit(context, batch, &o, &fence));
	ck_ok(df_fence_wait(fence, df_now_ns() + 5000 * MS, &info));
	ck_assert_uint_eq(info.retries, 1);
	df_fence_put(fence);
	/* It is the submission's, not the slot's. */
	for (unsigned i = 0; i < 32; i++) {
		lose(1);
		fence = submit(context, batch);
		ck_ok(df_fence_wait(fence, df_now_ns() + 5000 * MS, NULL));
		df_fence_put(fence);
	}
	tear_down();
}
END_TEST

struct diary {
	unsigned before, after;
	struct df_loss loss;
	struct df_recovery_stats stats;
};

static void note_before(void *user, const struct df_loss *loss)
{
	struct diary *diary = user;

	ck_assert_uint_eq(diary->before, diary->after);
	diary->before++;
	diary->loss = *loss;
	/* No lock is held. */
	df_device_recovery(device, &diary->stats);
	ck_assert_int_eq(df_bo_read(context->marker_bo, 0, &(uint32_t){0}, 4), 0);
}

static void note_after(void *user, const struct df_loss *loss)
{
	struct diary *diary = user;

	diary->after++;
	ck_assert_uint_eq(diary->before, diary->after);
	diary->loss = *loss;
}

START_TEST(test_callbacks)
{
	struct diary diary = {0};
	struct df_context_options o = DF_OPTIONS(o, .before_recovery = note_before, .after_recovery = note_after,
						 .user = &diary, .max_retries = 3);
	struct df_wait_info info;
	struct df_fence *fence;

	set_up(&o);
	fence = submit(context, batch);
	ck_ok(df_fence_wait(fence, DF_FOREVER, NULL));
	df_fence_put(fence);
	ck_assert_uint_eq(diary.before, 0);
	lose(2);
	fake.guilty = true;
	fence = submit(context, batch);
	ck_ok(df_fence_wait(fence, df_now_ns() + 5000 * MS, &info));
	ck_assert_uint_eq(diary.after, 2);
	ck_assert_ptr_eq(diary.loss.context, context);
	ck_assert_int_eq(diary.loss.verdict, DF_GUILTY_RESET);
	ck_assert_uint_eq(diary.loss.batch, 2);
	ck_assert_uint_eq(diary.loss.attempt, 2);
	ck_assert_int_eq(diary.loss.result, 0);
	ck_assert_uint_eq(diary.stats.losses, 2);
	ck_assert_uint_eq(info.batch, 2);
	ck_assert_uint_eq(info.context, context->number);
	ck_assert_int_eq(info.loss, DF_GUILTY_RESET);
	df_fence_put(fence);
	lose(4);
	fence = submit(context, batch);
	ck_assert_int_eq(df_fence_wait(fence, df_now_ns() + 5000 * MS, &info), -ECANCELED);
	ck_assert_uint_eq(diary.after, 6);
	ck_assert_int_eq(diary.loss.result, -ECANCELED);
	df_fence_put(fence);
	tear_down();
}
END_TEST

/* A reset between two submissions, of which only another context knew: nothing is run on what was lost. */
START_TEST(test_idle)
{
	struct df_recovery_stats stats;
	struct df_wait_info info;
	struct df_fence *fence;

	set_up(NULL);
	fake.reset = fake.memory_lost = true;
	fake_reset_idle();
	fence = submit(context, batch);
	ck_ok(df_fence_wait(fence, df_now_ns() + 5000 * MS, &info));
	ck_assert(info.recovered);
	ck_assert_int_eq(info.loss, DF_MEMORY_LOST);
	df_fence_put(fence);
	/* Known of through another context: asked about before, so that no run is wasted. */
	fake_reset_idle();
	atomic_fetch_add(&device->losses_seen, 1);
	fence = submit(context, batch);
	ck_ok(df_fence_wait(fence, df_now_ns() + 5000 * MS, &info));
	ck_assert(!info.recovered);
	df_fence_put(fence);
	df_device_recovery(device, &stats);
	ck_assert_uint_eq(stats.contexts_renewed, 2);
	ck_assert_uint_eq(stats.batches_rerun, 1);
	tear_down();
}
END_TEST

/* Page faults that the kernel turns into success are losses for those who ask. */
START_TEST(test_check_faults)
{
	struct df_context_options o = DF_OPTIONS(o, .check_faults = true);
	struct df_wait_info info;
	struct df_fence *fence;

	set_up(&o);
	fake.fault_address = 0x77000;
	fence = submit(context, batch);
	ck_ok(df_fence_wait(fence, df_now_ns() + 5000 * MS, &info));
	ck_assert(info.recovered);
	ck_assert(info.page_fault);
	ck_assert_uint_eq(info.fault_address, 0x77000);
	ck_assert_int_eq(info.loss, DF_GUILTY_RESET);
	df_fence_put(fence);
	/* The kernel goes on telling of it. */
	fence = submit(context, batch);
	ck_ok(df_fence_wait(fence, df_now_ns() + 5000 * MS, &info));
	ck_assert(!info.recovered);
	df_fence_put(fence);
	/* One of before the context was made is not its own. */
	ck_ok(df_context_destroy(context));
	fake.fault_address = 0x99000;
	ck_ok(df_context_create(device, &o, &context));
	fence = submit(context, batch);
	ck_ok(df_fence_wait(fence, df_now_ns() + 5000 * MS, &info));
	ck_assert(!info.recovered);
	df_fence_put(fence);
	tear_down();
}
END_TEST

/* Before the batch runs again the sentinel is read, and once more each time that job was lost itself. */
START_TEST(test_sentinel_lost)
{
	struct df_context_options o = DF_OPTIONS(o, .check_faults = true);
	struct df_wait_info info;
	struct df_fence *fence;

	for (unsigned lost = 0; lost < 4; lost++) {
		fake_reset(); /* a device that opens with the fault knows of it */
		set_up(&o);
		lose(1 + lost);
		fake.reset = false; /* the batch's own context is not touched by what happens to the sentinel's */
		fake.fault_address = 0x1234000;
		fence = submit(context, batch);
		ck_ok(df_fence_wait(fence, df_now_ns() + 5000 * MS, &info));
		ck_assert_uint_eq(info.retries, 1);
		ck_assert_uint_eq(atomic_load(&fake_counts.submits), 1 + (lost + 1) + 1);
		df_fence_put(fence);
		tear_down();
	}
}
END_TEST

/* What waits for a fence that ends otherwise than done is closed, and not run. */
START_TEST(test_failed_wait)
{
	struct df_context_options none = DF_OPTIONS(none, .max_retries = UINT32_MAX);
	struct df_submit_options o = DF_OPTIONS(o, .wait_count = 1);
	struct df_fence *lost, *after, *late;
	struct df_context *other;
	struct df_wait_info info;
	unsigned submits;

	set_up(NULL);
	ck_ok(df_context_create(device, &none, &other));
	fake.mode = FAKE_HOLD;
	lost = submit(other, batch);
	o.waits = &lost;
	ck_ok(df_submit(context, batch, &o, &after));
	fake.reset = true;
	fake_lose(UINT32_MAX, -ECANCELED);
	fake.mode = FAKE_RUN;
	ck_assert_int_eq(df_fence_wait(after, df_now_ns() + 5000 * MS, &info), -ECANCELED);
	ck_assert_int_eq(info.verdict, DF_INNOCENT_RESET);
	ck_assert_int_eq(df_fence_wait(lost, 0, &info), -ECANCELED);
	submits = atomic_load(&fake_counts.submits);
	ck_ok(df_submit(context, batch, &o, &late));
	ck_assert_int_eq(df_fence_wait(late, df_now_ns() + 5000 * MS, &info), -ECANCELED);
	ck_assert_int_eq(info.verdict, DF_INNOCENT_RESET);
	ck_assert_uint_eq(atomic_load(&fake_counts.submits), submits);
	df_fence_put(lost);
	df_fence_put(after);
	df_fence_put(late);
	ck_ok(df_context_destroy(other));
	tear_down();
}
END_TEST

/* The recoverable fence: its points are signalled by the library, and only for what is verified. */
START_TEST(test_timeline)
{
	struct df_fence *fences[3];
	int fd, again;

	set_up(NULL);
	ck_fails(df_context_export_timeline(NULL, &fd), EINVAL, "context is NULL");
	ck_ok(df_context_export_timeline(context, &fd));
	fake.mode = FAKE_HOLD;
	for (unsigned i = 0; i < 3; i++) {
		fences[i] = submit(context, batch);
		ck_assert_uint_eq(df_fence_point(fences[i]), i + 1);
	}
	fake.reset = true;
	fake_lose(1, -ECANCELED);
	fake_release(2);
	ck_assert_uint_eq(fake_last_point, 0);
	fake.mode = FAKE_RUN;
	ck_ok(df_fence_wait(fences[1], df_now_ns() + 5000 * MS, NULL));
	ck_assert_uint_ge(fake_last_point, 2);
	ck_ok(df_fence_wait(fences[2], df_now_ns() + 5000 * MS, NULL));
	ck_assert_uint_eq(fake_last_point, 3);
	for (unsigned i = 0; i < 3; i++)
		df_fence_put(fences[i]);
	/* After one that is not done the timeline stands; asked for again, there is another. */
	lose(2);
	fences[0] = submit(context, batch);
	ck_assert_int_eq(df_fence_wait(fences[0], df_now_ns() + 5000 * MS, NULL), -ECANCELED);
	fake.mode = FAKE_RUN;
	fences[1] = submit(context, batch);
	ck_ok(df_fence_wait(fences[1], df_now_ns() + 5000 * MS, NULL));
	ck_assert_uint_eq(fake_last_point, 3);
	ck_ok(df_context_export_timeline(context, &again));
	fences[2] = submit(context, batch);
	ck_ok(df_fence_wait(fences[2], df_now_ns() + 5000 * MS, NULL));
	ck_assert_uint_eq(fake_last_point, 6);
	for (unsigned i = 0; i < 3; i++)
		df_fence_put(fences[i]);
	close(fd);
	close(again);
	tear_down();
	fake.drm_minor = 30;
	set_up(NULL);
	ck_fails(df_context_export_timeline(context, &fd), ENOTSUP, "Linux 5.2");
	tear_down();
}
END_TEST

/* STATE too is submitted and waited for without an allocation once each slot has seen it. */
START_TEST(test_state_allocates_nothing)
{
	struct df_bo_options o = DF_OPTIONS(o, .recovery = DF_BO_STATE);
	struct df_batch *state;
	unsigned before = 0;
	struct df_bo *bo;
	int ret = 0;

	set_up(NULL);
	ck_ok(df_bo_create(device, 65536, &o, &bo));
	ck_ok(df_batch_create(device, NULL, &state));
	ck_ok(df_batch_use(state, bo, DF_READ | DF_WRITE));
	ck_ok(df_batch_seal(state));
	for (unsigned i = 0; i < 32 + 500 && !ret; i++) {
		struct df_fence *fence;

		if (i == 32)
			before = atomic_load(&allocations);
		ret = df_submit(context, state, NULL, &fence);
		if (ret < 0)
			break;
		ret = df_fence_wait(fence, DF_FOREVER, NULL);
		df_fence_put(fence);
	}
	before = atomic_load(&allocations) - before;
	ck_ok(ret);
	ck_assert_uint_eq(before, 0);
	ck_ok(df_batch_destroy(state));
	ck_ok(df_bo_destroy(bo));
	tear_down();
}
END_TEST

/* Interrupts are lost: the kernel believes that 32 jobs run still. The next is kept back, not blocked on. */
START_TEST(test_kernel_full)
{
	struct df_wait_info info;
	struct df_fence *fence;
	unsigned submits;

	set_up(NULL);
	fake.deaf = true;
	for (unsigned i = 0; i < 32; i++) {
		fence = submit(context, batch);
		ck_ok(df_fence_wait(fence, df_now_ns() + 5000 * MS, NULL));
		df_fence_put(fence);
	}
	submits = atomic_load(&fake_counts.submits);
	fence = submit(context, batch);
	ck_assert_uint_eq(atomic_load(&fake_counts.submits), submits);
	ck_assert_int_eq(df_fence_wait(fence, df_now_ns() + 20 * MS, &info), -ETIME);
	ck_fails(df_fence_export(fence, &(int){0}), EAGAIN, "is kept back");
	ck_assert_uint_eq(atomic_load(&fake_counts.submits), submits);
	fake.deaf = false;
	ck_ok(df_fence_wait(fence, df_now_ns() + 5000 * MS, &info));
	df_fence_put(fence);
	tear_down();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_give_up,      test_callbacks,     test_idle,
				      test_check_faults, test_sentinel_lost, test_failed_wait,
				      test_timeline,     test_kernel_full,   test_state_allocates_nothing};

	return RUN_TESTS("policy", tests);
}

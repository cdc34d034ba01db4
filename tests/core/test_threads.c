/* SPDX-License-Identifier: MIT */
/* What the header says may be shared: a device and its BOs by all threads, a fence by all, a context by one. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "common.h"

#define THREADS 6u
#define ROUNDS  300u

static struct df_device *device;
static struct df_fence *shared_fence;
static struct df_bo *shared_bo;
static atomic_uint failures;

static void run_all(void *(*body)(void *))
{
	pthread_t threads[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, body, (void *)i), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(atomic_load(&failures), 0);
}

static void expect_ok(int ret)
{
	if (ret < 0)
		atomic_fetch_add(&failures, 1);
}

/* Each thread its own context and batch, all on one device, BOs coming and going. */
static void *use_device(void *data)
{
	struct df_context *context;
	struct df_batch *batch;

	(void)data;
	expect_ok(df_context_create(device, NULL, &context));
	expect_ok(df_batch_create(device, NULL, &batch));
	expect_ok(df_batch_seal(batch));
	for (unsigned i = 0; i < ROUNDS && !atomic_load(&failures); i++) {
		struct df_fence *fence;
		struct df_bo *bo;
		void *map;

		expect_ok(df_bo_create(device, 4096 * (1 + i % 5), NULL, &bo));
		expect_ok(df_bo_map(bo, &map));
		expect_ok(df_bo_write(bo, 0, &i, sizeof(i)));
		expect_ok(df_submit(context, batch, NULL, &fence));
		expect_ok(df_fence_wait(fence, DF_FOREVER, NULL));
		df_fence_put(fence);
		expect_ok(df_bo_destroy(bo));
	}
	expect_ok(df_batch_destroy(batch));
	expect_ok(df_context_destroy(context));
	return NULL;
}

START_TEST(test_device)
{
	device = open_fake();
	run_all(use_device);
	close_fake(device);
}
END_TEST

static void *wait_shared(void *data)
{
	struct df_wait_info info;

	(void)data;
	expect_ok(df_fence_wait(shared_fence, DF_FOREVER, &info));
	expect_ok(info.verdict == DF_DONE && info.retries == 1 ? 0 : -EPROTO);
	return NULL;
}

static void *lose_later(void *data)
{
	(void)data;
	fake_lose(UINT32_MAX, -ECANCELED);
	return NULL;
}

/* All wait for one fence whose job is lost once: one of them settles it, all see the same. */
START_TEST(test_fence)
{
	struct df_context *context;
	struct df_batch *batch;

	device = open_fake();
	context = new_context(device, 0);
	batch = new_batch(device);
	for (unsigned i = 0; i < 50; i++) {
		pthread_t thread;

		fake.mode = FAKE_HOLD;
		shared_fence = submit(context, batch);
		fake.mode = FAKE_RUN;
		ck_assert_int_eq(pthread_create(&thread, NULL, lose_later, NULL), 0);
		run_all(wait_shared);
		pthread_join(thread, NULL);
		df_fence_put(shared_fence);
		ck_assert_uint_eq(context->recoveries, i + 1);
	}
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_context_destroy(context));
	close_fake(device);
}
END_TEST

#define QUEUE 64u
static _Atomic(struct df_fence *) queue[QUEUE];
static atomic_bool submitted_all;

/* Takes fences that the submitting thread offers, waits for them and puts them. */
static void *reap(void *data)
{
	for (unsigned i = (unsigned)(uintptr_t)data;; i++) {
		bool last = atomic_load(&submitted_all);
		struct df_fence *fence = NULL;

		for (unsigned n = 0; n < QUEUE && !fence; n++)
			fence = atomic_exchange(&queue[(i + n) % QUEUE], NULL);
		if (fence) {
			expect_ok(df_fence_wait(fence, DF_FOREVER, NULL));
			df_fence_put(fence);
		} else if (last) {
			return NULL;
		}
	}
}

/* One thread submits, others wait and put: fences go round between them. */
START_TEST(test_reapers)
{
	struct df_submit_options o = DF_OPTIONS(o, .deadline_ns = DF_FOREVER);
	pthread_t threads[THREADS];
	struct df_context *context;
	struct df_batch *batch;
	int ret = 0;

	device = open_fake();
	context = new_context(device, 8);
	batch = new_batch(device);
	for (uintptr_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, reap, (void *)i), 0);
	for (unsigned i = 0; i < 3000 && !ret; i++) {
		struct df_fence *fence, *none;

		ret = df_submit(context, batch, &o, &fence);
		if (ret < 0)
			break;
		do
			none = NULL;
		while (!atomic_compare_exchange_weak(&queue[i % QUEUE], &none, fence));
	}
	atomic_store(&submitted_all, true);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_ok(ret);
	ck_assert_uint_eq(atomic_load(&failures), 0);
	ck_assert_uint_eq(atomic_load(&device->live.fences), 0);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_context_destroy(context));
	close_fake(device);
}
END_TEST

static void *map_shared(void *data)
{
	void **maps = data, *map;

	(void)maps;
	expect_ok(df_bo_map(shared_bo, &map));
	expect_ok(map == atomic_load(&shared_bo->map) ? 0 : -EPROTO);
	return NULL;
}

START_TEST(test_map)
{
	device = open_fake();
	for (unsigned i = 0; i < 100; i++) {
		ck_ok(df_bo_create(device, 4096, NULL, &shared_bo));
		run_all(map_shared);
		ck_assert_uint_eq(atomic_load(&fake_counts.maps), 1);
		ck_ok(df_bo_destroy(shared_bo));
	}
	close_fake(device);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_device, test_fence, test_reapers, test_map};

	return RUN_TESTS("threads", tests);
}

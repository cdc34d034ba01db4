/* SPDX-License-Identifier: MIT */
/* Losses: what a wait says, what is run again, what is not, and that nothing is left behind. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common.h"

#define MS 1000000ull

static struct df_device *device;
static struct df_context *context;
static struct df_batch *batch;

static void set_up(uint32_t max_retries)
{
	struct df_device_options options = DF_OPTIONS(options, .spin_ns = 1000);
	struct df_context_options o = DF_OPTIONS(o, .max_retries = max_retries);

	ck_ok(df_device_open("soft", &options, &device));
	ck_ok(df_context_create(device, &o, &context));
	batch = new_batch(device);
}

static void tear_down(void)
{
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_context_destroy(context));
	close_fake(device);
}

/* Waits, checks verdict and retries, and puts the fence. */
static void expect(struct df_fence *fence, enum df_verdict verdict, uint32_t retries)
{
	static const int errors[] = {0, -ETIME, -ECANCELED, -ECANCELED, -EIO, -ENODEV};
	struct df_wait_info info, again;

	ck_assert_int_eq(df_fence_wait(fence, df_now_ns() + 5000 * MS, &info), errors[verdict]);
	ck_assert_int_eq(info.verdict, verdict);
	ck_assert_uint_eq(info.retries, retries);
	ck_assert(info.recovered == (verdict == DF_DONE && retries != 0));
	if (verdict != DF_DONE)
		ck_assert_ptr_nonnull(strstr(df_error(), "Fix:"));
	/* A verdict stands. */
	ck_assert_int_eq(df_fence_wait(fence, 0, &again), errors[verdict]);
	ck_assert_mem_eq(&info, &again, sizeof(info));
	df_fence_put(fence);
}

/* A job that ends without its marker is run again once, in a new kernel context. */
START_TEST(test_retry)
{
	uint32_t before;

	set_up(0);
	before = atomic_load(&context->kernel);
	fake.mode = FAKE_LOSE;
	fake.lose_count = 1;
	fake.reset = true;
	expect(submit(context, batch), DF_DONE, 1);
	ck_assert_uint_ne(atomic_load(&context->kernel), before);
	ck_assert_uint_eq(context->recoveries, 1);
	ck_assert_uint_eq(atomic_load(&fake_counts.contexts), 2); /* and the device's own */
	ck_assert_uint_eq(fake_last.ib_va[0], df_batch_submit_of(batch)->ib_va);
	expect(submit(context, batch), DF_DONE, 0);
	tear_down();
}
END_TEST

START_TEST(test_errors_of_the_fence)
{
	static const int errors[] = {-ECANCELED, -ETIME, -ENODATA, -EIO};

	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		set_up(0);
		fake.mode = FAKE_LOSE;
		fake.lose_error = errors[i];
		fake.lose_count = 1;
		expect(submit(context, batch), DF_DONE, 1);
		tear_down();
	}
}
END_TEST

START_TEST(test_guilty)
{
	struct df_fence *fences[3];

	set_up(0);
	fake.mode = FAKE_HOLD;
	for (unsigned i = 0; i < 3; i++)
		fences[i] = submit(context, batch);
	fake.mode = FAKE_LOSE; /* again and again */
	fake.lose_error = -ECANCELED;
	fake.reset = fake.guilty = true;
	fake.fault_address = 0x1234000;
	fake_lose(UINT32_MAX, -ECANCELED);
	expect(fences[0], DF_GUILTY_RESET, 1);
	ck_assert_uint_eq(fences[0]->info.fault_address, 0x1234000);
	ck_assert(fences[0]->info.page_fault);
	expect(fences[1], DF_INNOCENT_RESET, 1);
	expect(fences[2], DF_INNOCENT_RESET, 1);
	/* The kernel tells of the same fault still: another loss is not put down to it. */
	fences[0] = submit(context, batch);
	expect(fences[0], DF_GUILTY_RESET, 1);
	ck_assert(!fences[0]->info.page_fault);
	/* The context goes on. */
	fake.mode = FAKE_RUN;
	fake.guilty = false;
	expect(submit(context, batch), DF_DONE, 0);
	tear_down();
}
END_TEST

/* What was verified before the loss stays finished and is not run again; what follows is, in order. */
START_TEST(test_order)
{
	struct df_fence *fences[4];
	unsigned submits;

	set_up(0);
	fake.mode = FAKE_HOLD;
	for (unsigned i = 0; i < 4; i++)
		fences[i] = submit(context, batch);
	fake_release(1);
	expect(fences[0], DF_DONE, 0);
	fake_lose(1, -ECANCELED);
	fake_release(2); /* behind the lost one: they saw what it left half done */
	fake.mode = FAKE_RUN;
	fake.reset = true;
	submits = atomic_load(&fake_counts.submits);
	expect(fences[3], DF_DONE, 1);
	expect(fences[1], DF_DONE, 1);
	expect(fences[2], DF_DONE, 1);
	ck_assert_uint_eq(atomic_load(&fake_counts.submits) - submits, 3);
	tear_down();
}
END_TEST

START_TEST(test_no_retries)
{
	set_up(UINT32_MAX);
	fake.mode = FAKE_LOSE;
	fake.lose_count = 1;
	fake.reset = true;
	expect(submit(context, batch), DF_INNOCENT_RESET, 0);
	ck_assert_uint_eq(atomic_load(&fake_counts.submits), 1);
	expect(submit(context, batch), DF_DONE, 0);
	tear_down();
}
END_TEST

START_TEST(test_many_retries)
{
	set_up(5);
	fake.mode = FAKE_LOSE;
	fake.lose_count = 5;
	expect(submit(context, batch), DF_DONE, 5);
	fake.mode = FAKE_LOSE;
	fake.lose_count = 6;
	expect(submit(context, batch), DF_INNOCENT_RESET, 5);
	tear_down();
}
END_TEST

/* What is imported without a class is not run twice: nobody knows what was in it. */
START_TEST(test_not_repeatable)
{
	int fd = memfd_create("dma-buf", MFD_CLOEXEC);
	struct df_batch *foreign;
	struct df_bo *bo;

	ck_assert_int_eq(ftruncate(fd, 4096), 0);
	set_up(0);
	ck_ok(df_bo_import(device, fd, NULL, &bo));
	close(fd);
	ck_ok(df_batch_create(device, NULL, &foreign));
	ck_ok(df_batch_use(foreign, bo, DF_READ | DF_WRITE));
	ck_ok(df_batch_seal(foreign));
	fake.mode = FAKE_LOSE;
	fake.lose_count = 1;
	fake.reset = true;
	expect(submit(context, foreign), DF_INNOCENT_RESET, 0);
	ck_assert_uint_eq(atomic_load(&fake_counts.submits), 1);
	ck_ok(df_batch_destroy(foreign));
	ck_ok(df_bo_destroy(bo));
	tear_down();
}
END_TEST

/* Contents of device memory that the library never saw are gone: nothing can be run again. What was written with
 * df_bo_write() is put back. */
START_TEST(test_memory_lost)
{
	struct df_bo_options input = DF_OPTIONS(input, .recovery = DF_BO_INPUT, .domain = DF_DOMAIN_HOST_CACHED);
	struct df_bo_options output = DF_OPTIONS(output, .recovery = DF_BO_OUTPUT);
	struct df_bo *safe, *vague, *lost, *kept;
	char text[256];
	uint32_t *map;

	set_up(0);
	ck_ok(df_bo_create(device, 4096, &input, &safe));
	ck_ok(df_bo_create(device, 4096, &output, &vague));
	fake.mode = FAKE_LOSE;
	fake.lose_count = 1;
	fake.reset = fake.memory_lost = true;
	expect(submit(context, batch), DF_DONE, 1);
	input.domain = DF_DOMAIN_DEVICE;
	ck_ok(df_bo_create(device, 4096, &input, &kept));
	ck_ok(df_bo_write(kept, 8, &(uint32_t){77}, 4));
	memset(atomic_load(&kept->map), 0xff, 4096);
	fake.mode = FAKE_LOSE;
	fake.lose_count = 1;
	expect(submit(context, batch), DF_DONE, 1);
	ck_assert_uint_eq(((uint32_t *)atomic_load(&kept->map))[2], 77);
	ck_assert_uint_eq(((uint32_t *)atomic_load(&kept->map))[3], 0);
	ck_assert_int_eq(df_device_lost_bo(device, 0, text, sizeof(text)), -ENOENT);
	input.name = "weights";
	ck_ok(df_bo_create(device, 4096, &input, &lost));
	ck_ok(df_bo_map(lost, (void **)(void *)&map));
	fake.mode = FAKE_LOSE;
	fake.lose_count = 1;
	expect(submit(context, batch), DF_MEMORY_LOST, 0);
	ck_ok(df_device_lost_bo(device, 0, text, sizeof(text)));
	ck_assert_ptr_nonnull(strstr(text, "BO weights (4096 bytes"));
	ck_assert_int_eq(df_device_lost_bo(device, 1, text, sizeof(text)), -ENOENT);
	ck_ok(df_bo_destroy(kept));
	ck_ok(df_bo_destroy(safe));
	ck_ok(df_bo_destroy(vague));
	ck_ok(df_bo_destroy(lost));
	tear_down();
}
END_TEST

START_TEST(test_gone)
{
	struct df_fence *fences[3], *none = NULL;
	struct df_bo *bo;

	set_up(0);
	ck_ok(df_bo_create(device, 4096, NULL, &bo));
	fake.mode = FAKE_HOLD;
	for (unsigned i = 0; i < 3; i++)
		fences[i] = submit(context, batch);
	fake_release(1);
	fake.gone = true;
	expect(fences[1], DF_DEVICE_GONE, 0);
	/* It said that it was done; nobody is left to say that nothing was reset. */
	expect(fences[0], DF_DEVICE_GONE, 0);
	expect(fences[2], DF_DEVICE_GONE, 0);
	ck_fails(df_submit(context, batch, NULL, &none), ENODEV, "is gone");
	ck_ok(df_bo_destroy(bo));
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_context_destroy(context));
	ck_ok(df_device_close(device));
	ck_assert_uint_eq(atomic_load(&fake_counts.files), 0);
	ck_assert_uint_eq(atomic_load(&fake_counts.handles), 0);
}
END_TEST

/* While the kernel is in the middle of a reset, waits go on to their deadline. */
START_TEST(test_in_progress)
{
	struct df_fence *fence;
	struct df_wait_info info;
	uint64_t start;

	set_up(0);
	fake.mode = FAKE_LOSE;
	fake.lose_count = 1;
	fake.reset = fake.in_progress = true;
	fence = submit(context, batch);
	start = df_now_ns();
	ck_fails(df_fence_wait(fence, start + 30 * MS, &info), ETIME, "still running");
	ck_assert_uint_ge(df_now_ns() - start, 30 * MS);
	ck_assert_uint_eq(atomic_load(&fake_counts.submits), 1);
	fake.in_progress = false;
	expect(fence, DF_DONE, 1);
	tear_down();
}
END_TEST

/* Those who only poll learn of a loss too. */
START_TEST(test_poll)
{
	struct df_fence *fence;
	struct df_wait_info info;
	uint64_t start = df_now_ns();
	int ret;

	set_up(UINT32_MAX);
	fake.mode = FAKE_LOSE;
	fake.reset = fake.guilty = true;
	fence = submit(context, batch);
	do
		ret = df_fence_wait(fence, 0, &info);
	while (ret == -ETIME && df_now_ns() - start < 5000 * MS);
	ck_assert_int_eq(info.verdict, DF_GUILTY_RESET);
	df_fence_put(fence);
	tear_down();
}
END_TEST

/* The new context cannot be had the first time; the next time it can. */
START_TEST(test_renewal_fails)
{
	struct df_fence *fence;

	set_up(0);
	fake.mode = FAKE_LOSE;
	fake.lose_count = 1;
	fake.reset = true;
	fence = submit(context, batch);
	fake.fail_at = 2; /* AMDGPU_CTX: the question about the reset, then the new context */
	fake.fail_request = 0x42;
	fake.fail_error = ENOMEM;
	expect(fence, DF_DONE, 1);
	ck_assert_uint_eq(fake.fail_at, 0);
	tear_down();
}
END_TEST

/* The question itself fails: that is no loss, and nothing is run again. */
START_TEST(test_wait_refused)
{
	struct df_fence *fence;

	set_up(0);
	fake.mode = FAKE_HOLD;
	fence = submit(context, batch);
	fake.fail_at = 1;
	fake.fail_request = 0x49;
	fake.fail_error = ENOMEM;
	ck_fails(df_fence_wait(fence, df_now_ns() + 1000 * MS, NULL), ENOMEM, "the kernel's wait failed");
	ck_assert_uint_eq(atomic_load(&fake_counts.submits), 1);
	fake_release(1);
	expect(fence, DF_DONE, 0);
	tear_down();
}
END_TEST

/* The kernel refuses a context it has condemned; the submission goes to a new one. */
START_TEST(test_condemned)
{
	static const int errors[] = {ECANCELED, ETIME, ENODATA};

	set_up(0);
	for (unsigned i = 0; i < 3; i++) {
		fake.fail_at = 1;
		fake.fail_request = 0x44;
		fake.fail_error = errors[i];
		expect(submit(context, batch), DF_DONE, 0);
		ck_assert_uint_eq(context->recoveries, i + 1);
	}
	tear_down();
}
END_TEST

/* A lost submission's waits are waited for again, by the names that their fences have then. */
START_TEST(test_waits_again)
{
	struct df_submit_options o = DF_OPTIONS(o);
	struct df_context *other;
	struct df_fence *before, *after;

	set_up(0);
	other = new_context(device, 0);
	fake.mode = FAKE_HOLD;
	before = submit(other, batch);
	o.waits = &before;
	o.wait_count = 1;
	ck_ok(df_submit(context, batch, &o, &after));
	ck_assert_uint_eq(fake_last.dependencies, 1);
	/* Put by its owner: the journal still holds it. */
	df_fence_put(before);
	fake.reset = true;
	fake_lose(UINT32_MAX, -ECANCELED);
	memset(&fake_last, 0, sizeof(fake_last));
	ck_assert_int_eq(df_fence_wait(after, df_now_ns() + 20 * MS, NULL), -ETIME);
	ck_assert_uint_eq(fake_last.dependencies, 1);
	fake.mode = FAKE_RUN;
	fake_release(UINT32_MAX);
	expect(after, DF_DONE, 1);
	ck_ok(df_context_destroy(other));
	tear_down();
}
END_TEST

/* Exports: a finished fence after a renewal is fine, a lost one is refused. */
START_TEST(test_export_after_loss)
{
	struct df_fence *done, *lost;
	int fd = -1;

	set_up(UINT32_MAX);
	done = submit(context, batch);
	ck_ok(df_fence_wait(done, DF_FOREVER, NULL));
	fake.mode = FAKE_LOSE;
	fake.lose_count = 1;
	fake.reset = true;
	lost = submit(context, batch);
	ck_assert_int_eq(df_fence_wait(lost, DF_FOREVER, NULL), -ECANCELED);
	ck_fails(df_fence_export(lost, &fd), ECANCELED, "was lost");
	ck_ok(df_fence_export(done, &fd));
	close(fd);
	df_fence_put(done);
	df_fence_put(lost);
	tear_down();
}
END_TEST

/* A context destroyed with lost jobs in flight settles them first. */
START_TEST(test_destroy)
{
	set_up(0);
	fake.mode = FAKE_HOLD;
	for (unsigned i = 0; i < 4; i++)
		df_fence_put(submit(context, batch));
	fake.reset = fake.guilty = true;
	fake.mode = FAKE_LOSE;
	fake_lose(UINT32_MAX, -ECANCELED);
	ck_ok(df_context_destroy(context));
	ck_ok(df_batch_destroy(batch));
	close_fake(device);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_retry,        test_errors_of_the_fence, test_guilty,      test_order,       test_no_retries,
		test_many_retries, test_not_repeatable,      test_memory_lost, test_gone,        test_in_progress,
		test_poll,         test_renewal_fails,       test_condemned,   test_waits_again, test_export_after_loss,
		test_destroy,      test_wait_refused,
	};

	return RUN_TESTS("loss", tests);
}

/* SPDX-License-Identifier: MIT */
/* The core over the software GPU: real streams, real fences that complete from other threads. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common.h"
#include "node/soft.h"

#define SECOND 1000000000ull

extern const struct df_soft_ops df_soft_ops;

static const char *const kernels[] = {
	"soft:gfx1030,strict",
	"soft:gfx1030,kernel=6.1,strict",
	"soft:gfx1030,kernel=7.2,strict",
};
#define KERNELS (sizeof(kernels) / sizeof(kernels[0]))

static struct df_device *open_soft(const char *name)
{
	struct df_device *device;

	df_soft_use(&df_soft_ops);
	ck_ok(df_device_open(name, NULL, &device));
	return device;
}

static void close_soft(struct df_device *device)
{
	char text[256];

	ck_assert_msg(df_device_finding(device, 0, text, sizeof(text)) == -ENOENT, "finding: %s", text);
	ck_assert_ptr_null(device->bos);
	ck_ok(df_device_close(device));
}

static uint64_t counter(struct df_device *device, const char *name)
{
	struct df_counter counters[64];
	unsigned n = df_device_counters(device, counters, 64);

	for (unsigned i = 0; i < n; i++)
		if (!strcmp(counters[i].name, name))
			return counters[i].value;
	return 0;
}

static void finish(struct df_fence *fence)
{
	struct df_wait_info info;

	ck_ok(df_fence_wait(fence, df_now_ns() + 20 * SECOND, &info));
	ck_assert_int_eq(info.verdict, DF_DONE);
	ck_assert(!info.recovered);
	df_fence_put(fence);
}

static struct df_batch *fill_batch(struct df_device *device, struct df_bo *bo, uint32_t value)
{
	struct df_batch *batch;

	ck_ok(df_batch_create(device, NULL, &batch));
	ck_ok(df_batch_use(batch, bo, DF_WRITE));
	ck_ok(df_batch_fill(batch, bo, 0, value, df_bo_size(bo)));
	ck_ok(df_batch_seal(batch));
	return batch;
}

START_TEST(test_fill)
{
	struct df_device *device = open_soft(kernels[_i]);
	struct df_context *context = new_context(device, 0);
	struct df_batch *batch;
	uint64_t ioctls;
	struct df_bo *bo;
	uint32_t *map;

	ck_ok(df_bo_create(device, 65536, NULL, &bo));
	ck_ok(df_bo_map(bo, (void **)(void *)&map));
	batch = fill_batch(device, bo, 0x01020304);
	ioctls = counter(device, "AMDGPU_CS");
	for (unsigned i = 0; i < 100; i++) {
		map[0] = map[16383] = 0;
		finish(submit(context, batch));
		ck_assert_uint_eq(map[0], 0x01020304);
		ck_assert_uint_eq(map[16383], 0x01020304);
	}
	ck_assert_uint_eq(counter(device, "AMDGPU_CS") - ioctls, 100);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_bo_destroy(bo));
	ck_ok(df_context_destroy(context));
	close_soft(device);
}
END_TEST

/* A full journal: held back, then going on; everything in order. */
START_TEST(test_many_in_flight)
{
	struct df_submit_options o = DF_OPTIONS(o);
	struct df_device *device = open_soft(kernels[_i]);
	struct df_context *context = new_context(device, 0);
	struct df_fence *fences[500];
	struct df_batch *batches[2];
	struct df_bo *bo;
	uint32_t value;

	ck_ok(df_bo_create(device, 65536, NULL, &bo));
	batches[0] = fill_batch(device, bo, 1);
	batches[1] = fill_batch(device, bo, 2);
	for (unsigned i = 0; i < 500; i++) {
		o.deadline_ns = df_now_ns() + 20 * SECOND;
		ck_ok(df_submit(context, batches[i & 1], &o, &fences[i]));
		ck_assert_uint_le(context->next - context->oldest, 32);
	}
	for (unsigned i = 500; i-- > 0;)
		finish(fences[i]);
	ck_ok(df_bo_read(bo, 65532, &value, sizeof(value)));
	ck_assert_uint_eq(value, 2);
	ck_ok(df_batch_destroy(batches[0]));
	ck_ok(df_batch_destroy(batches[1]));
	ck_ok(df_bo_destroy(bo));
	ck_ok(df_context_destroy(context));
	close_soft(device);
}
END_TEST

/* A job that waits in the stream until the host says so: waits end at their deadline, and a poll of the exported fence
 * agrees with ours. */
START_TEST(test_held)
{
	struct df_device *device = open_soft(kernels[_i]);
	struct df_context *context = new_context(device, 0), *other = new_context(device, 0);
	struct df_submit_options o = DF_OPTIONS(o);
	struct df_bo_options host = DF_OPTIONS(host, .domain = DF_DOMAIN_HOST_CACHED);
	struct df_batch *gate, *fill;
	struct df_fence *held, *after, *by_fd;
	struct df_bo *flag, *bo;
	_Atomic uint32_t *map;
	uint32_t value = 0;
	uint64_t start;
	int fd;

	ck_ok(df_bo_create(device, 4096, &host, &flag));
	ck_ok(df_bo_create(device, 4096, NULL, &bo));
	ck_ok(df_bo_map(flag, (void **)(void *)&map));
	atomic_store(map, 0);
	ck_ok(df_batch_create(device, NULL, &gate));
	ck_ok(df_batch_wait(gate, flag, 0, DF_EQUAL, 1, UINT32_MAX));
	ck_ok(df_batch_seal(gate));
	fill = fill_batch(device, bo, 77);
	held = submit(context, gate);
	start = df_now_ns();
	ck_assert_int_eq(df_fence_wait(held, start + SECOND / 20, NULL), -ETIME);
	ck_assert_uint_ge(df_now_ns() - start, SECOND / 20);
	ck_ok(df_fence_export(held, &fd));
	ck_assert_int_eq(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 0), 0);
	o.waits = &held;
	o.wait_count = 1;
	ck_ok(df_submit(other, fill, &o, &after));
	o = (struct df_submit_options)DF_OPTIONS(o, .wait_fds = &fd, .wait_fd_count = 1);
	ck_ok(df_submit(other, fill, &o, &by_fd));
	ck_assert_int_eq(df_fence_wait(after, df_now_ns() + SECOND / 50, NULL), -ETIME);
	ck_ok(df_bo_read(bo, 0, &value, sizeof(value)));
	ck_assert_uint_eq(value, 0);
	ck_fails(df_batch_destroy(gate), EBUSY, "Fix:");
	atomic_store(map, 1);
	finish(after);
	finish(by_fd);
	finish(held);
	ck_assert_int_eq(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 5000), 1);
	close(fd);
	ck_ok(df_bo_read(bo, 0, &value, sizeof(value)));
	ck_assert_uint_eq(value, 77);
	ck_ok(df_batch_destroy(gate));
	ck_ok(df_batch_destroy(fill));
	ck_ok(df_bo_destroy(flag));
	ck_ok(df_bo_destroy(bo));
	ck_ok(df_context_destroy(context));
	ck_ok(df_context_destroy(other));
	close_soft(device);
}
END_TEST

/* Memory that only the GPU reaches, INPUT among it, in pieces larger than the staging BO. */
START_TEST(test_far_memory)
{
	const size_t bytes = (5u << 20) / 2 + 8;
	struct df_bo_options o = DF_OPTIONS(o, .no_cpu_access = true, .recovery = DF_BO_INPUT);
	struct df_device *device = open_soft(kernels[_i]);
	unsigned char *data = malloc(bytes), *back = malloc(bytes);
	struct df_bo *bo;

	for (size_t i = 0; i < bytes; i++)
		data[i] = (unsigned char)(i * 31 + (i >> 12));
	ck_ok(df_bo_create(device, bytes + 16, &o, &bo));
	ck_ok(df_bo_write(bo, 16, data, bytes));
	memset(back, 0, bytes);
	ck_ok(df_bo_read(bo, 16, back, bytes));
	ck_assert(memcmp(data, back, bytes) == 0);
	ck_fails(df_bo_write(bo, 32, data, bytes), ERANGE, "df_bo_write");
	ck_ok(df_bo_destroy(bo));
	free(data);
	free(back);
	ck_ok(df_device_close(device));
}
END_TEST

/* Shared memory: the caller's own pages, and a dma-buf from one device to another open file of it. */
START_TEST(test_shared_memory)
{
	struct df_device *device = open_soft(kernels[_i]), *second = open_soft(kernels[_i]);
	struct df_bo_options cached = DF_OPTIONS(cached, .domain = DF_DOMAIN_HOST_CACHED);
	struct df_bo_options exportable = DF_OPTIONS(exportable, .exportable = true);
	struct df_context *context = new_context(device, 0), *far = new_context(second, 0);
	uint32_t *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), value = 0;
	struct df_bo *own, *shared, *imported;
	struct df_batch *fill_own, *fill_imported;
	unsigned fds = open_fds();
	int fd;

	ck_ok(df_bo_from_memory(device, memory, 8192, &cached, &own));
	fill_own = fill_batch(device, own, 0xabcd);
	finish(submit(context, fill_own));
	ck_assert_uint_eq(memory[2047], 0xabcd);
	ck_ok(df_bo_create(device, 4096, &exportable, &shared));
	ck_ok(df_bo_export(shared, &fd));
	ck_ok(df_bo_import(second, fd, NULL, &imported));
	close(fd);
	fill_imported = fill_batch(second, imported, 0x4321);
	finish(submit(far, fill_imported));
	ck_ok(df_bo_read(shared, 4092, &value, sizeof(value)));
	ck_assert_uint_eq(value, 0x4321);
	ck_ok(df_batch_destroy(fill_own));
	ck_ok(df_batch_destroy(fill_imported));
	ck_ok(df_bo_destroy(own));
	ck_ok(df_bo_destroy(shared));
	ck_ok(df_bo_destroy(imported));
	ck_ok(df_context_destroy(context));
	ck_ok(df_context_destroy(far));
	close_soft(device);
	close_soft(second);
	ck_assert_uint_eq(open_fds(), fds);
	munmap(memory, 8192);
}
END_TEST

static const char *const hanging[] = {
	"soft:gfx1030,timeout_ms=200",
	"soft:gfx1030,kernel=6.1,timeout_ms=200",
	"soft:gfx1030,kernel=7.2,timeout_ms=200",
};

/* A job that never ends is ended by the kernel's timeout: run again once, then a verdict; those before it are done,
 * those behind it and the context's later ones are told or run, and another context's are done. */
START_TEST(test_hang)
{
	struct df_device *device = open_soft(hanging[_i]);
	struct df_context *context = new_context(device, 0), *other = new_context(device, 0);
	struct df_bo_options host = DF_OPTIONS(host, .domain = DF_DOMAIN_HOST_CACHED);
	struct df_batch *hang, *empty = new_batch(device);
	struct df_fence *before, *guilty, *behind, *bystander;
	struct df_wait_info info;
	struct df_bo *flag;

	ck_ok(df_bo_create(device, 4096, &host, &flag));
	ck_ok(df_batch_create(device, NULL, &hang));
	ck_ok(df_batch_wait(hang, flag, 0, DF_EQUAL, 1, UINT32_MAX));
	ck_ok(df_batch_seal(hang));
	before = submit(context, empty);
	guilty = submit(context, hang);
	behind = submit(context, empty);
	bystander = submit(other, empty);
	ck_assert_int_eq(df_fence_wait(guilty, df_now_ns() + 20 * SECOND, &info), -ECANCELED);
	ck_assert_int_eq(info.verdict, DF_GUILTY_RESET);
	ck_assert_uint_eq(info.retries, 1);
	ck_assert_int_eq(df_fence_wait(behind, df_now_ns() + 20 * SECOND, &info), -ECANCELED);
	ck_assert_int_eq(info.verdict, DF_INNOCENT_RESET);
	/* Done as it was, nobody had verified it when the reset came. */
	ck_ok(df_fence_wait(before, df_now_ns() + 20 * SECOND, NULL));
	df_fence_put(before);
	ck_ok(df_fence_wait(bystander, df_now_ns() + 20 * SECOND, NULL));
	finish(submit(context, empty));
	finish(submit(other, empty));
	df_fence_put(guilty);
	df_fence_put(behind);
	df_fence_put(bystander);
	ck_ok(df_batch_destroy(hang));
	ck_ok(df_batch_destroy(empty));
	ck_ok(df_bo_destroy(flag));
	ck_ok(df_context_destroy(context));
	ck_ok(df_context_destroy(other));
	ck_ok(df_device_close(device));
}
END_TEST

static struct df_device *shared_device;
static atomic_uint failures;

static void *use_device(void *data)
{
	uint32_t value = (uint32_t)(uintptr_t)data + 1, back;
	struct df_context *context;
	struct df_batch *batch;
	struct df_fence *fence;
	struct df_bo *bo;
	int ret = df_context_create(shared_device, NULL, &context);

	for (unsigned i = 0; i < 50 && !ret; i++) {
		back = 0;
		ret = df_bo_create(shared_device, 16384, NULL, &bo);
		ret = ret ? ret : df_batch_create(shared_device, NULL, &batch);
		ret = ret ? ret : df_batch_fill(batch, bo, 0, value, 16384);
		ret = ret ? ret : df_batch_seal(batch);
		ret = ret ? ret : df_submit(context, batch, NULL, &fence);
		ret = ret ? ret : df_fence_wait(fence, df_now_ns() + 20 * SECOND, NULL);
		if (ret)
			break;
		df_fence_put(fence);
		ret = df_bo_read(bo, 16380, &back, sizeof(back));
		ret = ret ? ret : back == value ? 0 : -EPROTO;
		ret = ret ? ret : df_batch_destroy(batch);
		ret = ret ? ret : df_bo_destroy(bo);
	}
	ret = ret ? ret : df_context_destroy(context);
	if (ret)
		atomic_fetch_add(&failures, 1);
	return NULL;
}

START_TEST(test_threads)
{
	pthread_t threads[4];

	shared_device = open_soft(kernels[_i]);
	for (uintptr_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, use_device, (void *)i), 0);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(atomic_load(&failures), 0);
	close_soft(shared_device);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("soft");
	TCase *cases = tcase_create("soft");
	SRunner *runner;
	int failed;

	tcase_set_timeout(cases, 120);
	tcase_add_loop_test(cases, test_fill, 0, KERNELS);
	tcase_add_loop_test(cases, test_many_in_flight, 0, KERNELS);
	tcase_add_loop_test(cases, test_held, 0, KERNELS);
	tcase_add_loop_test(cases, test_far_memory, 0, KERNELS);
	tcase_add_loop_test(cases, test_shared_memory, 0, KERNELS);
	tcase_add_loop_test(cases, test_hang, 0, sizeof(hanging) / sizeof(hanging[0]));
	tcase_add_loop_test(cases, test_threads, 0, KERNELS);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

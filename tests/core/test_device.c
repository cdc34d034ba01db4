/* SPDX-License-Identifier: MIT */
/* Opening, describing and closing devices: refusals field by field, older kernels, what may not be closed. */
#include <errno.h>
#include <string.h>

#include "common.h"
#include "node/soft.h"

START_TEST(test_info)
{
	struct df_device *device;
	struct df_device_info info;
	struct df_counter counters[64];
	char text[64];
	unsigned n;

	ck_ok(df_device_open("soft", NULL, &device));
	ck_fails(df_device_get_info(NULL, &info), EINVAL, "device is NULL");
	ck_fails(df_device_get_info(device, NULL), EINVAL, "info_out is NULL");
	ck_ok(df_device_get_info(device, &info));
	ck_assert_str_eq(info.name, "soft:gfx1030");
	ck_assert_str_eq(info.target, "gfx1030");
	ck_assert_str_eq(info.driver, "amdgpu");
	ck_assert(info.soft);
	ck_assert_uint_eq(info.pci_vendor, 0x1002);
	ck_assert_uint_eq(info.pci_device, 0x73bf);
	ck_assert_uint_eq(info.pci_revision, 0xc1);
	ck_assert_uint_eq(info.drm_major, 3);
	ck_assert_uint_eq(info.drm_minor, 64);
	ck_assert_uint_eq(info.compute_units, 80);
	ck_assert_uint_eq(info.visible_memory_B, 256u << 20);
	ck_assert_uint_eq(info.timestamp_hz, 100000000);
	ck_assert_uint_le(info.max_ib_dw, 0xfffff);
	ck_assert_uint_eq(info.max_ib_dw % 8, 0);
	n = df_device_counters(device, counters, 64);
	ck_assert_uint_gt(n, 2);
	ck_assert_uint_eq(df_device_counters(device, NULL, 0), n);
	ck_assert_uint_eq(df_device_counters(NULL, counters, 64), 0);
	ck_assert_str_eq(counters[0].name, "VERSION");
	ck_assert_uint_eq(counters[0].value, 1);
	ck_assert_uint_eq(df_device_model_counters(device, counters, 64), 1);
	ck_assert_str_eq(counters[0].name, "jobs");
	ck_ok(df_device_finding(device, 0, text, sizeof(text)));
	ck_assert_str_eq(text, "a finding");
	ck_assert_int_eq(df_device_finding(device, 1, text, sizeof(text)), -ENOENT);
	ck_fails(df_device_finding(device, 0, NULL, 0), EINVAL, "no room");
	close_fake(device);
}
END_TEST

START_TEST(test_open_refusals)
{
	struct df_device *device = NULL;
	struct {
		struct df_device_options options;
		uint64_t more;
	} longer = {.options = {.size_B = sizeof(longer)}, .more = 1};
	struct df_device_options o = DF_OPTIONS(o);
	char name[100];

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = 0;
	ck_fails(df_device_open("soft", NULL, NULL), EINVAL, "device_out");
	ck_fails(df_device_open(NULL, NULL, &device), EINVAL, "no device name");
	ck_fails(df_device_open("", NULL, &device), EINVAL, "no device name");
	ck_fails(df_device_open(name, NULL, &device), ENAMETOOLONG, "longer");
	ck_fails(df_device_open("/nowhere/renderD128", NULL, &device), ENOENT, "Fix: give the path of a render node");
	ck_fails(df_device_open("/dev/null", NULL, &device), ENOTTY, "does not answer as a DRM device");
	ck_fails(df_device_open("soft:nonsense", NULL, &device), EINVAL, "no target is called nonsense");
	ck_fails(df_device_open("soft", &longer.options, &device), E2BIG, "byte 32");
	longer.more = 0;
	o.size_B = 8;
	ck_fails(df_device_open("soft", &o, &device), EINVAL, "DF_OPTIONS");
	o.size_B = 100000;
	ck_fails(df_device_open("soft", &o, &device), EINVAL, "DF_OPTIONS");
	o = (struct df_device_options)DF_OPTIONS(o, .va_reserve_B = 4096);
	ck_fails(df_device_open("soft", &o, &device), EINVAL, "va_reserve_B");
	ck_assert_ptr_null(device);
	check_nothing_left();
	/* Longer, but zero behind what is known; shorter, of an older caller. */
	ck_ok(df_device_open("soft", &longer.options, &device));
	ck_ok(df_device_close(device));
	o = (struct df_device_options)DF_OPTIONS(o);
	o.size_B = 16;
	ck_ok(df_device_open("soft", &o, &device));
	ck_ok(df_device_close(device));
	ck_ok(df_device_close(NULL));
}
END_TEST

START_TEST(test_no_gpu_library)
{
	struct df_device *device = NULL;

	df_soft_use(NULL);
	setenv("DRUMFIRE_GPU_LIB", "/nowhere/libdrumfire-gpu.so", 1);
	ck_fails(df_device_open("soft", NULL, &device), ENOENT, "DRUMFIRE_GPU_LIB");
	setenv("DRUMFIRE_GPU_LIB", "libm.so.6", 1);
	ck_fails(df_device_open("soft", NULL, &device), ENOEXEC, "no symbol df_soft_ops");
	ck_assert_ptr_null(device);
}
END_TEST

/* Every ioctl of opening fails once; nothing stays. */
START_TEST(test_open_failures)
{
	struct df_device *device = NULL;
	unsigned failures = 0, fds = open_fds();

	for (unsigned i = 1; i < 100; i++) {
		fake.fail_at = i;
		fake.fail_error = ENOMEM;
		if (df_device_open("soft", NULL, &device) < 0) {
			failures++;
			ck_assert_str_ne(df_error(), "");
			ck_assert_ptr_null(device);
		} else {
			ck_ok(df_device_close(device));
			device = NULL;
			if (fake.fail_at)
				break;
		}
		check_nothing_left();
		ck_assert_uint_eq(open_fds(), fds);
	}
	ck_assert_uint_ge(failures, 4);
	ck_assert_uint_gt(fake.fail_at, 0);
}
END_TEST

START_TEST(test_old_kernel)
{
	struct df_device *device = NULL;

	fake.drm_minor = 26;
	ck_fails(df_device_open("soft", NULL, &device), EOPNOTSUPP, "Fix: run Linux 4.20 or newer");
	fake.drm_minor = 19;
	ck_fails(df_device_open("soft", NULL, &device), EOPNOTSUPP, "always valid");
	fake.drm_minor = 49; /* Debian 12 */
	device = open_fake();
	ck_assert(device->info.has_timeline);
	ck_assert(!device->info.has_fault_info);
	close_fake(device);
	fake.drm_minor = 31;
	device = open_fake();
	ck_assert(!device->info.has_timeline);
	close_fake(device);
	check_nothing_left();
}
END_TEST

START_TEST(test_close_busy)
{
	struct df_device *device = open_fake();
	struct df_context *context = new_context(device, 0);
	struct df_batch *batch = new_batch(device);
	struct df_bo *bo, *second;
	struct df_fence *fence;

	ck_ok(df_bo_create(device, 1, NULL, &bo));
	ck_ok(df_bo_create(device, 1, NULL, &second));
	fence = submit(context, batch);
	ck_fails(df_device_close(device), EBUSY, "2 BOs, 1 batch, 1 context, 1 fence");
	df_fence_put(fence);
	ck_ok(df_bo_destroy(second));
	ck_fails(df_device_close(device), EBUSY, "1 BO, 1 batch, 1 context. Fix:");
	ck_ok(df_context_destroy(context));
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_bo_destroy(bo));
	close_fake(device);
}
END_TEST

static void count_device(void *user, const struct df_device_info *info)
{
	unsigned *count = user;

	ck_assert_str_ne(info->name, "");
	if (info->soft)
		(*count)++;
}

START_TEST(test_enumerate)
{
	unsigned soft = 0;

	ck_fails(df_device_enumerate(NULL, NULL), EINVAL, "found is NULL");
	ck_ok(df_device_enumerate(count_device, &soft));
	ck_assert_uint_eq(soft, 2);
	check_nothing_left();
}
END_TEST

START_TEST(test_context_refusals)
{
	struct df_device *device = open_fake();
	struct df_context_options o = DF_OPTIONS(o);
	struct {
		struct df_context_options options;
		uint64_t more;
	} longer = {.options = {.size_B = sizeof(longer)}, .more = 1};
	struct df_context *context = NULL;

	ck_fails(df_context_create(NULL, NULL, &context), EINVAL, "device is NULL");
	ck_fails(df_context_create(device, NULL, NULL), EINVAL, "context_out is NULL");
	ck_fails(df_context_create(device, &longer.options, &context), E2BIG, "df_context_create");
	o.size_B = 1;
	ck_fails(df_context_create(device, &o, &context), EINVAL, "DF_OPTIONS");
	o = (struct df_context_options)DF_OPTIONS(o, .priority = 2);
	ck_fails(df_context_create(device, &o, &context), EINVAL, "priority 2");
	o.priority = (enum df_priority) - 2;
	ck_fails(df_context_create(device, &o, &context), EINVAL, "priority -2");
	o = (struct df_context_options)DF_OPTIONS(o, .max_in_flight = 33);
	ck_fails(df_context_create(device, &o, &context), EINVAL, "max_in_flight is 33");
	o = (struct df_context_options)DF_OPTIONS(o, .priority = DF_PRIORITY_HIGH);
	fake.refuse_priority = true;
	ck_fails(df_context_create(device, &o, &context), EACCES, "CAP_SYS_NICE");
	fake.refuse_priority = false;
	ck_ok(df_context_create(device, &o, &context));
	ck_ok(df_context_destroy(context));
	ck_ok(df_context_destroy(NULL));
	close_fake(device);
}
END_TEST

START_TEST(test_context_failures)
{
	struct df_device *device = open_fake();
	struct df_context *context = NULL;
	unsigned failures = 0;

	for (unsigned i = 1; i < 100; i++) {
		unsigned handles = atomic_load(&fake_counts.handles);

		fake.fail_at = i;
		fake.fail_error = ENOSPC;
		if (!df_context_create(device, NULL, &context)) {
			/* Some questions may go unanswered. */
			if (fake.fail_at)
				break;
			ck_ok(df_context_destroy(context));
			context = NULL;
			continue;
		}
		failures++;
		ck_assert_ptr_null(context);
		ck_assert_uint_eq(atomic_load(&fake_counts.handles), handles);
		ck_assert_uint_eq(atomic_load(&fake_counts.contexts), 1); /* the device's own */
		ck_assert_uint_eq(atomic_load(&fake_counts.syncobjs), 0);
	}
	ck_assert_uint_ge(failures, 6);
	fake.fail_at = 0;
	ck_ok(df_context_destroy(context));
	close_fake(device);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_info,       test_open_refusals, test_no_gpu_library,   test_open_failures,    test_old_kernel,
		test_close_busy, test_enumerate,     test_context_refusals, test_context_failures,
	};

	return RUN_TESTS("device", tests);
}

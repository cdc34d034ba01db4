/* SPDX-License-Identifier: MIT */
/* Buffer objects: placement, maps, sharing, refusals field by field, every ioctl failing once. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common.h"

#include <amdgpu_drm.h>

START_TEST(test_create)
{
	struct df_device *device = open_fake();
	struct df_bo *bo[20];
	uint32_t flags;

	for (unsigned i = 0; i < 20; i++) {
		struct df_bo_options o = DF_OPTIONS(o, .domain = (enum df_domain)(i % 3), .align_B = 4096ull << i % 10);
		void *map, *again;

		ck_ok(df_bo_create(device, 1000 + 5000 * i, &o, &bo[i]));
		ck_assert_uint_eq(df_bo_size(bo[i]), 1000 + 5000 * i);
		ck_assert_uint_eq(df_bo_address(bo[i]) % o.align_B, 0);
		ck_assert_ptr_eq(df_bo_device(bo[i]), device);
		ck_assert(bo[i]->always_valid);
		ck_ok(df_bo_map(bo[i], &map));
		ck_ok(df_bo_map(bo[i], &again));
		ck_assert_ptr_eq(map, again);
		memset(map, 0x5a, 1000);
		ck_assert_int_eq(*(char *)fake_memory(df_bo_address(bo[i]) + 999, &flags), 0x5a);
		ck_assert_uint_eq(flags & AMDGPU_VM_PAGE_EXECUTABLE, 0);
		for (unsigned j = 0; j < i; j++)
			ck_assert(bo[j]->va + bo[j]->alloc_B <= bo[i]->va || bo[i]->va + bo[i]->alloc_B <= bo[j]->va);
	}
	for (unsigned i = 0; i < 20; i++)
		ck_ok(df_bo_destroy(bo[i]));
	ck_ok(df_bo_destroy(NULL));
	close_fake(device);
}
END_TEST

START_TEST(test_hints)
{
	struct df_device *device = open_fake();
	struct df_bo_desc desc = {.bytes = 4096, .va = DF_VA_HIGH};
	struct df_bo *bo;

	ck_ok(df_bo_create_internal(device, &desc, &bo));
	ck_assert_uint_ge(bo->va, 0xffff800000000000ull);
	df_bo_destroy_internal(bo);
	desc.va = DF_VA_WINDOW32;
	desc.va_hi32 = 0xffff8000;
	ck_ok(df_bo_create_internal(device, &desc, &bo));
	ck_assert_uint_eq(bo->va >> 32, 0xffff8000);
	df_bo_destroy_internal(bo);
	desc.va_hi32 = 0x80000000; /* in the hole */
	ck_fails(df_bo_create_internal(device, &desc, &bo), ENOSPC, "no free GPU addresses");
	desc.va = DF_VA_LOW;
	ck_ok(df_bo_create_internal(device, &desc, &bo));
	ck_assert_uint_lt(bo->va, 1ull << 47);
	df_bo_destroy_internal(bo);
	df_bo_destroy_internal(NULL);
	close_fake(device);
}
END_TEST

START_TEST(test_refusals)
{
	struct df_device *device = open_fake();
	struct {
		struct df_bo_options options;
		uint64_t more;
	} longer = {.options = {.size_B = sizeof(longer)}, .more = 1};
	struct df_bo_options o = DF_OPTIONS(o);
	struct df_bo *bo = NULL;
	unsigned ioctls = atomic_load(&fake_counts.ioctls);

	ck_fails(df_bo_create(NULL, 1, NULL, &bo), EINVAL, "device is NULL");
	ck_fails(df_bo_create(device, 1, NULL, NULL), EINVAL, "bo_out is NULL");
	ck_fails(df_bo_create(device, 0, NULL, &bo), EINVAL, "0 bytes");
	ck_fails(df_bo_create(device, UINT64_MAX, NULL, &bo), ENOMEM, "more than any device");
	ck_fails(df_bo_create(device, 1, &longer.options, &bo), E2BIG, "df_bo_create");
	o.size_B = 3;
	ck_fails(df_bo_create(device, 1, &o, &bo), EINVAL, "DF_OPTIONS");
	o = (struct df_bo_options)DF_OPTIONS(o, .domain = (enum df_domain)3);
	ck_fails(df_bo_create(device, 1, &o, &bo), EINVAL, "domain 3");
	o = (struct df_bo_options)DF_OPTIONS(o, .recovery = (enum df_bo_class)5);
	ck_fails(df_bo_create(device, 1, &o, &bo), EINVAL, "recovery class 5");
	o = (struct df_bo_options)DF_OPTIONS(o, .align_B = 4095);
	ck_fails(df_bo_create(device, 1, &o, &bo), EINVAL, "align_B 4095");
	o = (struct df_bo_options)DF_OPTIONS(o, .no_cpu_access = true, .domain = DF_DOMAIN_HOST_WC);
	ck_fails(df_bo_create(device, 1, &o, &bo), EINVAL, "no_cpu_access");
	ck_assert_uint_eq(atomic_load(&fake_counts.ioctls), ioctls);
	o = (struct df_bo_options)DF_OPTIONS(o, .name = "the big one");
	ck_fails(df_bo_create(device, 1ull << 40, &o, &bo), ENOMEM, "the big one");
	ck_assert_ptr_null(bo);
	ck_assert_uint_eq(df_bo_address(NULL), 0);
	ck_assert_uint_eq(df_bo_size(NULL), 0);
	ck_assert_ptr_null(df_bo_device(NULL));
	close_fake(device);
}
END_TEST

START_TEST(test_failures)
{
	struct df_device *device = open_fake();
	struct df_bo *bo = NULL;
	uint64_t free_B = df_va_free_bytes(&device->va);
	void *map = NULL;

	for (unsigned i = 1; i <= 2; i++) {
		fake.fail_at = i;
		fake.fail_error = ENOMEM;
		ck_fails(df_bo_create(device, 4096, NULL, &bo), ENOMEM, "");
		ck_assert_ptr_null(bo);
		ck_assert_uint_eq(atomic_load(&fake_counts.handles), 0);
		ck_assert_uint_eq(df_va_free_bytes(&device->va), free_B);
	}
	ck_ok(df_bo_create(device, 4096, NULL, &bo));
	fake.fail_at = 1;
	ck_fails(df_bo_map(bo, &map), ENOMEM, "BO unnamed");
	ck_assert_ptr_null(map);
	ck_fails(df_bo_map(NULL, &map), EINVAL, "bo is NULL");
	ck_fails(df_bo_map(bo, NULL), EINVAL, "map_out is NULL");
	ck_ok(df_bo_map(bo, &map));
	ck_ok(df_bo_destroy(bo));
	ck_assert_uint_eq(df_va_free_bytes(&device->va), free_B);
	close_fake(device);
}
END_TEST

START_TEST(test_read_write)
{
	struct df_device *device = open_fake();
	char data[100], back[100];
	struct df_bo *bo;

	memset(data, 7, sizeof(data));
	ck_ok(df_bo_create(device, 100, NULL, &bo));
	ck_ok(df_bo_write(bo, 10, data, 90));
	ck_ok(df_bo_read(bo, 10, back, 90));
	ck_assert_mem_eq(data, back, 90);
	ck_ok(df_bo_write(bo, 100, data, 0));
	ck_fails(df_bo_write(bo, 11, data, 90), ERANGE, "90 bytes from offset 11");
	ck_fails(df_bo_read(bo, UINT64_MAX, back, 2), ERANGE, "not inside BO unnamed of 100 bytes");
	ck_fails(df_bo_read(bo, 101, back, 0), ERANGE, "offset 101");
	ck_fails(df_bo_write(NULL, 0, data, 1), EINVAL, "bo is NULL");
	ck_fails(df_bo_read(bo, 0, NULL, 1), EINVAL, "data is NULL");
	ck_ok(df_bo_destroy(bo));
	close_fake(device);
}
END_TEST

/* INPUT is mapped read-only for the GPU. */
START_TEST(test_input)
{
	struct df_bo_options o = DF_OPTIONS(o, .recovery = DF_BO_INPUT);
	struct df_device *device = open_fake();
	struct df_bo *bo;
	uint32_t flags;

	ck_ok(df_bo_create(device, 4096, &o, &bo));
	fake_memory(df_bo_address(bo), &flags);
	ck_assert_uint_eq(flags & (AMDGPU_VM_PAGE_READABLE | AMDGPU_VM_PAGE_WRITEABLE), AMDGPU_VM_PAGE_READABLE);
	ck_ok(df_bo_destroy(bo));
	close_fake(device);
}
END_TEST

START_TEST(test_no_cpu_access)
{
	struct df_bo_options o = DF_OPTIONS(o, .no_cpu_access = true, .name = "far");
	struct df_device *device = open_fake();
	struct df_bo *bo;
	void *map;

	ck_ok(df_bo_create(device, 4096, &o, &bo));
	ck_fails(df_bo_map(bo, &map), EPERM, "BO far was created with no_cpu_access");
	ck_ok(df_bo_destroy(bo));
	close_fake(device);
}
END_TEST

START_TEST(test_memory)
{
	struct df_device *device = open_fake();
	struct df_bo_options o = DF_OPTIONS(o, .domain = DF_DOMAIN_HOST_CACHED);
	char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct df_bo *bo = NULL;
	void *map;

	ck_fails(df_bo_from_memory(device, memory + 8, 4096, &o, &bo), EINVAL, "whole pages");
	ck_fails(df_bo_from_memory(device, memory, 4095, &o, &bo), EINVAL, "whole pages");
	ck_fails(df_bo_from_memory(device, NULL, 4096, &o, &bo), EINVAL, "whole pages");
	ck_fails(df_bo_from_memory(device, memory, 0, &o, &bo), EINVAL, "0 bytes");
	ck_fails(df_bo_from_memory(device, memory, 4096, &o, NULL), EINVAL, "bo_out");
	o.exportable = true;
	ck_fails(df_bo_from_memory(device, memory, 4096, &o, &bo), EINVAL, "exportable");
	o.exportable = false;
	for (unsigned i = 1; i <= 2; i++) {
		fake.fail_at = i;
		fake.fail_error = EFAULT;
		ck_fails(df_bo_from_memory(device, memory, 8192, &o, &bo), EFAULT, "");
		ck_assert_uint_eq(atomic_load(&fake_counts.handles), 0);
	}
	ck_assert_ptr_null(bo);
	ck_ok(df_bo_from_memory(device, memory, 8192, &o, &bo));
	ck_assert(!bo->always_valid);
	ck_ok(df_bo_map(bo, &map));
	ck_assert_ptr_eq(map, memory);
	ck_assert_ptr_eq(fake_memory(df_bo_address(bo), NULL), memory);
	ck_ok(df_bo_destroy(bo));
	memory[0] = 1;
	munmap(memory, 8192);
	close_fake(device);
}
END_TEST

START_TEST(test_sharing)
{
	struct df_device *device = open_fake();
	struct df_bo_options o = DF_OPTIONS(o, .exportable = true);
	struct df_bo *private, *shared, *imported = NULL;
	unsigned fds = open_fds(), handles;
	int fd = -5, other;

	ck_ok(df_bo_create(device, 4096, NULL, &private));
	ck_ok(df_bo_create(device, 4096, &o, &shared));
	ck_fails(df_bo_export(private, &fd), EPERM, ".exportable = true");
	ck_fails(df_bo_export(NULL, &fd), EINVAL, "bo is NULL");
	ck_fails(df_bo_export(shared, NULL), EINVAL, "dmabuf_fd_out");
	fake.fail_at = 1;
	fake.fail_error = EMFILE;
	ck_fails(df_bo_export(shared, &fd), EMFILE, "BO unnamed");
	ck_assert_int_eq(fd, -5);
	ck_ok(df_bo_export(shared, &fd));
	ck_fails(df_bo_import(device, fd, NULL, &imported), EEXIST, "already a BO of this device");
	ck_fails(df_bo_import(device, -1, NULL, &imported), EBADF, "-1");
	ck_fails(df_bo_import(device, 1000, NULL, &imported), EBADF, "1000");
	close(fd);

	other = memfd_create("dmabuf of another", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(other, 8192), 0);
	handles = atomic_load(&fake_counts.handles);
	for (unsigned i = 1; i <= 3; i++) {
		fake.fail_at = i;
		fake.fail_error = ENOMEM;
		ck_fails(df_bo_import(device, other, NULL, &imported), ENOMEM, "");
		ck_assert_uint_eq(atomic_load(&fake_counts.handles), handles);
	}
	ck_assert_ptr_null(imported);
	ck_ok(df_bo_import(device, other, NULL, &imported));
	ck_assert_uint_eq(df_bo_size(imported), 8192);
	ck_assert(imported->imported && !imported->always_valid);
	ck_ok(df_bo_destroy(imported));
	close(other);
	ck_ok(df_bo_destroy(private));
	ck_ok(df_bo_destroy(shared));
	ck_assert_uint_eq(open_fds(), fds);
	close_fake(device);
}
END_TEST

/* Addresses run out where the device was opened with few; freeing gives them back. */
START_TEST(test_address_limit)
{
	struct df_device_options options = DF_OPTIONS(options, .va_reserve_B = 16 << 20);
	struct df_bo_desc desc = {.bytes = 1 << 20, .va = DF_VA_LOW};
	struct df_device *device;
	struct df_bo *bos[17], *bo = NULL;
	unsigned n = 0;

	ck_ok(df_device_open("soft", &options, &device));
	while (n < 17 && !df_bo_create_internal(device, &desc, &bos[n]))
		n++;
	ck_assert_uint_ge(n, 15);
	ck_assert_uint_le(n, 16);
	ck_fails(df_bo_create_internal(device, &desc, &bo), ENOSPC, "larger va_reserve_B");
	df_bo_destroy_internal(bos[3]);
	ck_ok(df_bo_create_internal(device, &desc, &bos[3]));
	while (n)
		df_bo_destroy_internal(bos[--n]);
	close_fake(device);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_create, test_hints,         test_refusals, test_failures, test_read_write,
		test_input,  test_no_cpu_access, test_memory,   test_sharing,  test_address_limit,
	};

	return RUN_TESTS("bo", tests);
}

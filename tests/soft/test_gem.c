/* SPDX-License-Identifier: MIT */
/* test_gem.c - buffer objects, address spaces, PRIME: one refusal per field, with the kernel's errno. */
#include "env.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int create(void *file, uint64_t size, uint64_t domains, uint64_t flags)
{
	union drm_amdgpu_gem_create args = {.in = {.bo_size = size, .domains = domains, .domain_flags = flags}};

	return env_ioctl(file, DRM_IOCTL_AMDGPU_GEM_CREATE, &args);
}

START_TEST(create_checks_each_field)
{
	void *file = env_open("gfx1030,kernel=7.2,vram=64M,gtt=64M");

	ck_err(EINVAL, create(file, 4096, AMDGPU_GEM_DOMAIN_GTT, 1ull << 40));
	ck_err(EINVAL, create(file, 4096, AMDGPU_GEM_DOMAIN_GTT, AMDGPU_GEM_CREATE_VRAM_CONTIGUOUS));
	ck_err(EINVAL, create(file, 4096, AMDGPU_GEM_DOMAIN_GTT, AMDGPU_GEM_CREATE_ENCRYPTED));
	ck_err(EINVAL, create(file, 4096, 0x80, 0));
	ck_err(EINVAL, create(file, 4096, 1ull << 32, 0));
	ck_err(EINVAL, create(file, 4096, AMDGPU_GEM_DOMAIN_GTT | AMDGPU_GEM_DOMAIN_GDS, 0));
	ck_err(EINVAL, create(file, 4096, AMDGPU_GEM_DOMAIN_GWS | AMDGPU_GEM_DOMAIN_GDS, 0));
	ck_err(EINVAL, create(file, 4, AMDGPU_GEM_DOMAIN_GDS, AMDGPU_GEM_CREATE_VM_ALWAYS_VALID));
	ck_err(ENOMEM, create(file, 128 << 20, AMDGPU_GEM_DOMAIN_GTT, 0));
	ck_err(ENOMEM, create(file, 128 << 20, AMDGPU_GEM_DOMAIN_VRAM, 0));
	ck_err(ENOSPC, create(file, 0, AMDGPU_GEM_DOMAIN_GTT, 0));
	ck_ok(create(file, 1, AMDGPU_GEM_DOMAIN_GTT, 0));
	ck_ok(create(file, 4, AMDGPU_GEM_DOMAIN_GDS, 0));
	ck_assert_uint_ge(env_stat(file, "refused_flags"), 6);
	env_close(file);
}
END_TEST

START_TEST(flags_by_kernel)
{
	static const char *const specs[] = {"gfx1030,kernel=6.1", "gfx1030,kernel=6.12", "gfx1030,kernel=7.2"};
	static const struct {
		uint32_t flag;
		int first; /* kernel that knows it */
	} rows[] = {{AMDGPU_GEM_CREATE_VM_ALWAYS_VALID, 0},
		    {ABI_GEM_DISCARDABLE, 0},
		    {ABI_GEM_GFX12_DCC, 1},
		    {ABI_GEM_UNCACHED, 2},
		    {ABI_GEM_COHERENT, 2},
		    {AMDGPU_GEM_CREATE_VRAM_WIPE_ON_RELEASE, 2}};

	for (int k = 0; k < 3; k++) {
		void *file = env_open(specs[k]);

		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			ck_assert_int_eq(create(file, 4096, AMDGPU_GEM_DOMAIN_GTT, rows[i].flag),
					 k >= rows[i].first ? 0 : -EINVAL);
		env_close(file);
	}
}
END_TEST

START_TEST(memory_starts_as_zeros_and_is_shared_by_maps)
{
	void *file = env_open("gfx1030");
	struct env_bo bo = env_bo(file, 8192, 0x10000000);
	union drm_amdgpu_gem_mmap map = {.in = {.handle = bo.handle}};
	uint32_t *again;

	for (int i = 0; i < 2048; i++)
		ck_assert_uint_eq(bo.map[i], 0);
	bo.map[5] = 0x12345678;
	ck_ok(env_ioctl(file, DRM_IOCTL_AMDGPU_GEM_MMAP, &map));
	again = df_soft_ops.mmap(file, NULL, 4096, PROT_READ, MAP_SHARED, map.out.addr_ptr);
	ck_assert_ptr_ne(again, MAP_FAILED);
	ck_assert_uint_eq(again[5], 0x12345678);
	df_soft_ops.munmap(file, again, 4096);
	df_soft_ops.munmap(file, bo.map, 8192);
	env_close(file);
}
END_TEST

static int map_errno(void *file, size_t size, int flags, uint64_t offset)
{
	void *map = df_soft_ops.mmap(file, NULL, size, PROT_READ | PROT_WRITE, flags, offset);

	return map == MAP_FAILED ? -errno : 0;
}

START_TEST(mmap_refusals)
{
	void *file = env_open("gfx1030"), *other = env_open("gfx1030");
	uint32_t hidden = env_gem(file, 4096, AMDGPU_GEM_DOMAIN_VRAM, AMDGPU_GEM_CREATE_NO_CPU_ACCESS);
	uint32_t handle = env_gem(file, 4096, AMDGPU_GEM_DOMAIN_GTT, 0);
	union drm_amdgpu_gem_mmap map = {.in = {.handle = hidden}};

	ck_err(EPERM, env_ioctl(file, DRM_IOCTL_AMDGPU_GEM_MMAP, &map));
	map.in.handle = 999;
	ck_err(ENOENT, env_ioctl(file, DRM_IOCTL_AMDGPU_GEM_MMAP, &map));
	map.in.handle = handle;
	ck_ok(env_ioctl(file, DRM_IOCTL_AMDGPU_GEM_MMAP, &map));
	ck_err(EINVAL, map_errno(file, 8192, MAP_SHARED, map.out.addr_ptr));
	ck_err(EINVAL, map_errno(file, 4096, MAP_SHARED, map.out.addr_ptr + (1ull << 40)));
	ck_err(EINVAL, map_errno(file, 4096, MAP_PRIVATE, map.out.addr_ptr));
	ck_err(EACCES, map_errno(other, 4096, MAP_SHARED, map.out.addr_ptr));
	env_close(other);
	env_close(file);
}
END_TEST

static int userptr(void *file, uint64_t addr, uint64_t size, uint32_t flags)
{
	struct drm_amdgpu_gem_userptr args = {.addr = addr, .size = size, .flags = flags};

	return env_ioctl(file, DRM_IOCTL_AMDGPU_GEM_USERPTR, &args);
}

START_TEST(userptr_checks_each_field)
{
	uint32_t writable = AMDGPU_GEM_USERPTR_REGISTER, checked = writable | AMDGPU_GEM_USERPTR_VALIDATE;
	void *file = env_open("gfx1030");
	char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t at = (uintptr_t)memory;

	ck_err(EINVAL, userptr(file, at + 1, 4096, writable));
	ck_err(EINVAL, userptr(file, at, 4097, writable));
	ck_err(EINVAL, userptr(file, at, 4096, writable | 0x10));
	ck_err(EACCES, userptr(file, at, 4096, 0));
	ck_err(EFAULT, userptr(file, ~0xfffull, 4096, writable));
	ck_ok(userptr(file, at, 8192, checked));
	ck_ok(userptr(file, at, 4096, AMDGPU_GEM_USERPTR_READONLY));
	munmap(memory + 4096, 4096);
	ck_err(EFAULT, userptr(file, at, 8192, checked));
	munmap(memory, 4096);
	env_close(file);
}
END_TEST

START_TEST(close_forgets)
{
	void *file = env_open("gfx1030");
	struct drm_gem_close close_args = {.handle = env_gem(file, 4096, AMDGPU_GEM_DOMAIN_GTT, 0)};
	uint32_t again;

	ck_ok(env_ioctl(file, DRM_IOCTL_GEM_CLOSE, &close_args));
	ck_err(EINVAL, env_ioctl(file, DRM_IOCTL_GEM_CLOSE, &close_args));
	again = env_gem(file, 4096, AMDGPU_GEM_DOMAIN_GTT, 0);
	ck_assert_uint_eq(again, close_args.handle); /* the lowest free handle */
	env_close(file);
}
END_TEST

START_TEST(op_and_metadata)
{
	void *file = env_open("gfx1030,kernel=7.2");
	uint32_t handle = env_gem(file, 8192, AMDGPU_GEM_DOMAIN_VRAM, AMDGPU_GEM_CREATE_CPU_ACCESS_REQUIRED);
	struct drm_amdgpu_gem_create_in info;
	struct abi_gem_op op = {.handle = handle, .op = AMDGPU_GEM_OP_GET_GEM_CREATE_INFO, .value = (uintptr_t)&info};
	unsigned long op_request = DRM_IOWR(DRM_COMMAND_BASE + DRM_AMDGPU_GEM_OP, struct abi_gem_op);
	struct drm_amdgpu_gem_metadata data = {.handle = handle, .op = AMDGPU_GEM_METADATA_OP_SET_METADATA};

	ck_ok(env_ioctl(file, op_request, &op));
	ck_assert_uint_eq(info.bo_size, 8192);
	ck_assert_uint_eq(info.domains, AMDGPU_GEM_DOMAIN_VRAM);
	ck_assert_uint_eq(info.domain_flags,
			  AMDGPU_GEM_CREATE_VRAM_CLEARED); /* the hint is not kept, clearing implied */
	op.padding = 1;
	ck_err(EINVAL, env_ioctl(file, op_request, &op));
	op = (struct abi_gem_op){.handle = handle, .op = 9};
	ck_err(EINVAL, env_ioctl(file, op_request, &op));
	op = (struct abi_gem_op){.handle = 99, .op = AMDGPU_GEM_OP_GET_GEM_CREATE_INFO};
	ck_err(ENOENT, env_ioctl(file, op_request, &op));
	op = (struct abi_gem_op){.handle = handle, .op = AMDGPU_GEM_OP_GET_GEM_CREATE_INFO, .value = 8};
	ck_err(EFAULT, env_ioctl(file, op_request, &op));
	data.data.data_size_bytes = sizeof(data.data.data) + 1;
	ck_err(EINVAL, env_ioctl(file, DRM_IOCTL_AMDGPU_GEM_METADATA, &data));
	data.data.data_size_bytes = 4;
	data.data.data[0] = 77;
	data.data.tiling_info = 5;
	ck_ok(env_ioctl(file, DRM_IOCTL_AMDGPU_GEM_METADATA, &data));
	data = (struct drm_amdgpu_gem_metadata){.handle = handle, .op = AMDGPU_GEM_METADATA_OP_GET_METADATA};
	ck_ok(env_ioctl(file, DRM_IOCTL_AMDGPU_GEM_METADATA, &data));
	ck_assert_uint_eq(data.data.data[0], 77);
	ck_assert_uint_eq(data.data.tiling_info, 5);
	data.handle = 99;
	ck_err(ENOENT, env_ioctl(file, DRM_IOCTL_AMDGPU_GEM_METADATA, &data));
	env_close(file);
}
END_TEST

START_TEST(va_checks_each_field)
{
	void *file = env_open("gfx1030,kernel=7.2");
	uint32_t bo = env_gem(file, 8192, AMDGPU_GEM_DOMAIN_GTT, 0);
	uint64_t at = 0x10000000;

	ck_err(EINVAL, env_va(file, AMDGPU_VA_OP_MAP, bo, 0x8000, 0, 4096, ENV_RWX));     /* reserved bottom */
	ck_err(EINVAL, env_va(file, AMDGPU_VA_OP_MAP, bo, 1ull << 47, 0, 4096, ENV_RWX)); /* hole */
	ck_err(EINVAL, env_va(file, AMDGPU_VA_OP_MAP, bo, 0xffffffffffff0000ull, 0, 4096, ENV_RWX)); /* reserved top */
	ck_err(EINVAL, env_va(file, AMDGPU_VA_OP_MAP, bo, at + 1, 0, 4096, ENV_RWX));
	ck_err(EINVAL, env_va(file, AMDGPU_VA_OP_MAP, bo, at, 1, 4096, ENV_RWX));
	ck_err(EINVAL, env_va(file, AMDGPU_VA_OP_MAP, bo, at, 0, 4095, ENV_RWX));
	ck_err(EINVAL, env_va(file, AMDGPU_VA_OP_MAP, bo, at, 0, 0, ENV_RWX));
	ck_err(EINVAL, env_va(file, AMDGPU_VA_OP_MAP, bo, at, 4096, 8192, ENV_RWX)); /* beyond the BO */
	ck_err(EINVAL, env_va(file, AMDGPU_VA_OP_MAP, bo, at, 0, 4096, 1u << 20));
	ck_err(EINVAL, env_va(file, AMDGPU_VA_OP_MAP, bo, at, 0, 4096, ENV_RWX | AMDGPU_VM_PAGE_PRT));
	ck_err(EINVAL, env_va(file, 0, bo, at, 0, 4096, ENV_RWX));
	ck_err(EINVAL, env_va(file, 5, bo, at, 0, 4096, ENV_RWX));
	ck_err(ENOENT, env_va(file, AMDGPU_VA_OP_MAP, 99, at, 0, 4096, ENV_RWX));
	ck_err(ENOENT, env_va(file, AMDGPU_VA_OP_UNMAP, bo, at, 0, 4096, ENV_RWX));
	ck_ok(env_va(file, AMDGPU_VA_OP_MAP, bo, at, 0, 8192, ENV_RWX));
	ck_err(EINVAL, env_va(file, AMDGPU_VA_OP_MAP, bo, at + 4096, 0, 4096, ENV_RWX));   /* taken */
	ck_err(ENOENT, env_va(file, AMDGPU_VA_OP_UNMAP, bo, at + 4096, 0, 4096, ENV_RWX)); /* not its start */
	ck_ok(env_va(file, AMDGPU_VA_OP_REPLACE, bo, at + 4096, 0, 4096, ENV_RWX));
	ck_ok(env_va(file, AMDGPU_VA_OP_UNMAP, bo, at + 4096, 0, 4096, ENV_RWX));
	ck_ok(env_va(file, AMDGPU_VA_OP_UNMAP, bo, at, 0, 4096, ENV_RWX));
	ck_ok(env_va(file, AMDGPU_VA_OP_MAP, 0, at, 0, 1 << 20, AMDGPU_VM_PAGE_PRT));
	ck_ok(env_va(file, AMDGPU_VA_OP_CLEAR, 0, at + 8192, 0, 4096, 0)); /* splits it in two */
	ck_ok(env_va(file, AMDGPU_VA_OP_MAP, bo, at + 8192, 0, 4096, ENV_RWX));
	ck_err(EINVAL, env_va(file, AMDGPU_VA_OP_MAP, bo, at + 12288, 0, 4096, ENV_RWX));
	ck_ok(env_va(file, AMDGPU_VA_OP_MAP, bo, 0xffff800000200000ull, 0, 4096, ENV_RWX)); /* high half */
	env_close(file);
}
END_TEST

static int to_fd(void *file, uint32_t handle, uint32_t flags, int *fd_out)
{
	struct drm_prime_handle args = {.handle = handle, .flags = flags, .fd = -1};
	int ret = env_ioctl(file, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args);

	*fd_out = args.fd;
	return ret;
}

static int to_handle(void *file, int fd, uint32_t *handle_out)
{
	struct drm_prime_handle args = {.fd = fd};
	int ret = env_ioctl(file, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args);

	*handle_out = args.handle;
	return ret;
}

START_TEST(prime_shares_memory_and_identity)
{
	void *file = env_open("gfx1030"), *other = env_open("gfx1030,kernel=6.1");
	struct env_bo bo = env_bo(file, 4096, 0x10000000);
	uint32_t imported, again, *map;
	int fd, pair[2];

	bo.map[3] = 42;
	ck_err(ENOENT, to_fd(file, 99, DRM_CLOEXEC, &fd));
	ck_err(EINVAL, to_fd(file, bo.handle, 0x4, &fd));
	ck_err(EPERM,
	       to_fd(file, env_gem(file, 4096, AMDGPU_GEM_DOMAIN_GTT, AMDGPU_GEM_CREATE_VM_ALWAYS_VALID), 0, &fd));
	ck_ok(to_fd(file, bo.handle, DRM_CLOEXEC | DRM_RDWR, &fd));
	ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_uint_eq(map[3], 42);
	ck_ok(to_handle(file, fd, &again));
	ck_assert_uint_eq(again, bo.handle);
	ck_ok(to_handle(other, fd, &imported));
	ck_ok(to_handle(other, fd, &again));
	ck_assert_uint_eq(again, imported);
	env_close(file); /* the exporter goes, the memory stays */
	ck_assert_uint_eq(map[3], 42);
	ck_ok(pipe(pair));
	ck_err(EINVAL, to_handle(other, pair[0], &again));
	ck_err(EBADF, to_handle(other, -1, &again));
	close(pair[0]);
	close(pair[1]);
	close(fd);
	munmap(map, 4096);
	env_close(other);
}
END_TEST

START_TEST(flink_names_are_shared)
{
	void *one = env_open("primary:gfx1030"), *two = env_open("primary:gfx1030");
	struct drm_gem_flink flink = {.handle = env_gem(one, 8192, AMDGPU_GEM_DOMAIN_GTT, 0)}, again = flink;
	struct drm_gem_open opened = {0}, twice = {0};

	ck_ok(env_ioctl(one, DRM_IOCTL_GEM_FLINK, &flink));
	ck_ok(env_ioctl(one, DRM_IOCTL_GEM_FLINK, &again));
	ck_assert_uint_ne(flink.name, 0);
	ck_assert_uint_eq(flink.name, again.name);
	opened.name = twice.name = flink.name;
	ck_err(EACCES, env_ioctl(two, DRM_IOCTL_GEM_OPEN, &opened)); /* neither master nor authenticated */
	ck_ok(env_ioctl(one, DRM_IOCTL_GEM_OPEN, &opened));
	ck_ok(env_ioctl(one, DRM_IOCTL_GEM_OPEN, &twice));
	ck_assert_uint_eq(opened.size, 8192);
	ck_assert_uint_ne(opened.handle, twice.handle);
	opened.name = 0;
	ck_err(ENOENT, env_ioctl(one, DRM_IOCTL_GEM_OPEN, &opened));
	again.handle = 999;
	ck_err(ENOENT, env_ioctl(one, DRM_IOCTL_GEM_FLINK, &again));
	env_close(two);
	env_close(one);
}
END_TEST

START_TEST(list_handles_and_mappings)
{
	void *file = env_open("gfx1030,kernel=7.2");
	struct abi_gem_list_handles_entry entries[4];
	struct abi_gem_list_handles list = {0};
	unsigned long request = DRM_IOWR(DRM_COMMAND_BASE + 0x19, struct abi_gem_list_handles);
	struct abi_gem_vm_entry maps[2];
	struct abi_gem_op op = {.op = ABI_GEM_OP_GET_MAPPING_INFO, .value = (uintptr_t)maps, .num_entries = 2};
	uint32_t handle = env_gem(file, 8192, AMDGPU_GEM_DOMAIN_GTT, 0);

	ck_ok(env_ioctl(file, request, &list));
	ck_assert_uint_eq(list.num_entries, 1);
	list.entries = (uintptr_t)entries;
	list.num_entries = 4;
	ck_ok(env_ioctl(file, request, &list));
	ck_assert_uint_eq(list.num_entries, 1);
	ck_assert_uint_eq(entries[0].gem_handle, handle);
	ck_assert_uint_eq(entries[0].size, 8192);
	ck_ok(env_va(file, AMDGPU_VA_OP_MAP, handle, 0x10000000, 4096, 4096, ENV_RWX));
	op.handle = handle;
	ck_ok(env_ioctl(file, DRM_IOWR(DRM_COMMAND_BASE + DRM_AMDGPU_GEM_OP, struct abi_gem_op), &op));
	ck_assert_uint_eq(op.num_entries, 1);
	ck_assert_uint_eq(maps[0].addr, 0x10000000);
	ck_assert_uint_eq(maps[0].offset, 4096);
	env_close(file);
}
END_TEST

/* Far more BOs than descriptors. */
START_TEST(many_buffers)
{
	void *file = env_open("gfx1030");
	int fd;

	for (int i = 0; i < 5000; i++)
		env_gem(file, 4096, AMDGPU_GEM_DOMAIN_GTT, 0);
	fd = open("/dev/null", O_RDONLY);
	ck_assert_int_ge(fd, 0);
	close(fd);
	env_close(file);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {create_checks_each_field,
				      flags_by_kernel,
				      memory_starts_as_zeros_and_is_shared_by_maps,
				      mmap_refusals,
				      userptr_checks_each_field,
				      close_forgets,
				      op_and_metadata,
				      va_checks_each_field,
				      flink_names_are_shared,
				      prime_shares_memory_and_identity,
				      list_handles_and_mappings,
				      many_buffers};

	return env_main("gem", tests, sizeof(tests) / sizeof(tests[0]));
}

/* SPDX-License-Identifier: MIT */
/* test_ioctl.c - what drm_ioctl() decides: versions, sizes, permissions, unknown numbers, bad pointers. */
#include "env.h"

#include <stdio.h>
#include <sys/ioctl.h>

static int minor_of(const char *spec)
{
	void *file = env_open(spec);
	struct drm_version version = {0};
	char name[16] = "";

	version.name = name;
	version.name_len = sizeof(name);
	ck_ok(env_ioctl(file, DRM_IOCTL_VERSION, &version));
	ck_assert_str_eq(name, "amdgpu");
	ck_assert_uint_eq(version.name_len, 6);
	ck_assert_int_eq(version.version_major, 3);
	env_close(file);
	return version.version_minor;
}

START_TEST(versions_by_kernel)
{
	ck_assert_int_eq(minor_of("gfx1030,kernel=6.1"), 49);
	ck_assert_int_eq(minor_of("gfx1030,kernel=6.12"), 59);
	ck_assert_int_eq(minor_of("gfx1030,kernel=7.2"), 64);
	ck_assert_int_eq(minor_of(""), 64);
}
END_TEST

START_TEST(version_name_is_cut_to_the_room)
{
	void *file = env_open("gfx1030");
	char name[4] = "xyz";
	struct drm_version version = {.name = name, .name_len = 2};

	ck_ok(env_ioctl(file, DRM_IOCTL_VERSION, &version));
	ck_assert_uint_eq(version.name_len, 6);
	ck_assert_mem_eq(name, "amz", 3);
	env_close(file);
}
END_TEST

START_TEST(bad_specs_name_the_word)
{
	static const struct {
		const char *spec, *word;
	} rows[] = {
		{"gfx900", "gfx900"},
		{"gfx1030,kernel=5.4", "5.4"},
		{"gfx1030,vram=x", "vram=x"},
		{"gfx1030,threads=0", "threads=0"},
		{"gfx1030,turbo", "turbo"},
		{"gfx1030,turbo=1", "turbo"},
		{"gfx1030,timeout_ms=-1", "timeout_ms=-1"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char error[300] = "";

		errno = 0;
		ck_assert_ptr_null(df_soft_ops.open(rows[i].spec, error, sizeof(error)));
		ck_assert_int_eq(errno, EINVAL);
		ck_assert_msg(strstr(error, rows[i].word) && strstr(error, "Fix: "), "%s: %s", rows[i].spec, error);
	}
}
END_TEST

START_TEST(unknown_ioctls_are_refused_and_counted)
{
	void *file = env_open("gfx1030,kernel=6.1");
	char data[256] = {0};
	uint64_t before = env_stat(file, "refused_ioctls");

	ck_err(EINVAL, env_ioctl(file, DRM_IOWR(DRM_COMMAND_BASE + 0x0a, struct drm_amdgpu_info), data));
	ck_err(EINVAL, env_ioctl(file, DRM_IOWR(0x3f, struct drm_amdgpu_info), data));
	ck_err(EINVAL, env_ioctl(file, DRM_IOWR(0xCF, struct abi_syncobj_eventfd), data));                /* 6.6 */
	ck_err(EINVAL, env_ioctl(file, DRM_IOWR(DRM_COMMAND_BASE + 0x16, struct drm_amdgpu_info), data)); /* USERQ */
	ck_err(EINVAL, env_ioctl(file, DRM_IOWR(DRM_COMMAND_BASE + 0x19, struct abi_gem_list_handles), data));
	ck_assert_uint_eq(env_stat(file, "refused_ioctls"), before + 5);
	env_close(file);
	file = env_open("gfx1030,kernel=7.2");
	ck_err(524, env_ioctl(file, DRM_IOWR(DRM_COMMAND_BASE + 0x16, struct drm_amdgpu_info), data)); /* ENOTSUPP */
	ck_ok(env_ioctl(file, DRM_IOWR(DRM_COMMAND_BASE + 0x19, struct abi_gem_list_handles), data));
	env_close(file);
}
END_TEST

START_TEST(render_nodes_may_not)
{
	void *file = env_open("gfx1030");
	struct drm_unique unique = {0};
	struct drm_set_version version = {0};
	struct drm_set_client_cap cap = {0};
	struct drm_gem_flink flink = {0};
	union drm_amdgpu_sched sched = {0};

	ck_err(EACCES, env_ioctl(file, DRM_IOCTL_GET_UNIQUE, &unique));
	ck_err(EACCES, env_ioctl(file, DRM_IOCTL_SET_VERSION, &version));
	ck_err(EACCES, env_ioctl(file, DRM_IOCTL_SET_CLIENT_CAP, &cap));
	ck_err(EACCES, env_ioctl(file, DRM_IOCTL_GEM_FLINK, &flink));
	ck_err(EACCES, env_ioctl(file, DRM_IOCTL_AMDGPU_SCHED, &sched));
	env_close(file);
}
END_TEST

START_TEST(primary_nodes_want_a_master)
{
	void *master = env_open("primary:gfx1030"), *other = env_open("primary:gfx1030");
	union drm_amdgpu_ctx ctx = {.in = {.op = AMDGPU_CTX_OP_ALLOC_CTX}};
	struct drm_set_client_cap cap = {.capability = DRM_CLIENT_CAP_UNIVERSAL_PLANES, .value = 1};

	ck_ok(env_ioctl(master, DRM_IOCTL_AMDGPU_CTX, &ctx));
	ck_ok(env_ioctl(master, DRM_IOCTL_SET_CLIENT_CAP, &cap));
	cap.value = 2;
	ck_err(EINVAL, env_ioctl(master, DRM_IOCTL_SET_CLIENT_CAP, &cap));
	ck_err(EACCES, env_ioctl(other, DRM_IOCTL_AMDGPU_CTX, &ctx));
	env_close(other);
	env_close(master);
}
END_TEST

START_TEST(caps)
{
	static const struct {
		uint64_t capability, value;
	} rows[] = {{DRM_CAP_PRIME, 3}, {DRM_CAP_SYNCOBJ, 1}, {DRM_CAP_SYNCOBJ_TIMELINE, 1}, {DRM_CAP_DUMB_BUFFER, 1}};
	void *file = env_open("gfx1030");
	struct drm_get_cap cap;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cap = (struct drm_get_cap){.capability = rows[i].capability, .value = 77};
		ck_ok(env_ioctl(file, DRM_IOCTL_GET_CAP, &cap));
		ck_assert_uint_eq(cap.value, rows[i].value);
	}
	cap = (struct drm_get_cap){.capability = 0xff, .value = 77};
	ck_err(EINVAL, env_ioctl(file, DRM_IOCTL_GET_CAP, &cap));
	ck_assert_uint_eq(cap.value, 0); /* written although refused */
	env_close(file);
}
END_TEST

/* A shorter struct is filled up with zeros, a longer one's rest is ignored and given back. */
START_TEST(sizes_differ)
{
	void *file = env_open("gfx1030,kernel=6.1");
	struct {
		struct drm_syncobj_create create;
		uint32_t more;
	} longer = {.create = {.flags = 0}, .more = 0x1234};
	struct drm_syncobj_destroy destroy = {0};
	uint32_t handle;

	ck_ok(env_ioctl(file, _IOC(_IOC_READ | _IOC_WRITE, 'd', 0xBF, sizeof(longer)), &longer));
	ck_assert_uint_eq(longer.more, 0x1234);
	handle = longer.create.handle;
	destroy.handle = handle;
	destroy.pad = 1; /* beyond what is handed in: not seen */
	ck_ok(env_ioctl(file, _IOC(_IOC_READ | _IOC_WRITE, 'd', 0xC0, 4), &destroy));
	env_close(file);
}
END_TEST

/* 7.2's longer GEM_VA on 6.1: the fields that 6.1 does not have are not looked at. */
START_TEST(fields_of_newer_kernels_are_not_seen)
{
	struct abi_gem_va va = {.operation = AMDGPU_VA_OP_MAP,
				.flags = ENV_RWX,
				.va_address = 0x10000000,
				.map_size = 4096,
				.vm_timeline_syncobj_out = 999};
	unsigned long request = DRM_IOW(DRM_COMMAND_BASE + DRM_AMDGPU_GEM_VA, struct abi_gem_va);
	void *file = env_open("gfx1030,kernel=6.1");

	va.handle = env_gem(file, 4096, AMDGPU_GEM_DOMAIN_GTT, 0);
	ck_ok(env_ioctl(file, request, &va));
	env_close(file);
	file = env_open("gfx1030,kernel=7.2");
	va.handle = env_gem(file, 4096, AMDGPU_GEM_DOMAIN_GTT, 0);
	ck_err(ENOENT, env_ioctl(file, request, &va));
	env_close(file);
}
END_TEST

START_TEST(bad_pointers_are_efault)
{
	void *file = env_open("gfx1030");
	void *wild[] = {NULL, (void *)8, (void *)(uintptr_t)0x5a5a5a5a5000ull};
	struct drm_amdgpu_info info = {.return_pointer = 8, .return_size = 4, .query = AMDGPU_INFO_ACCEL_WORKING};

	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++)
		ck_err(EFAULT, env_ioctl(file, DRM_IOCTL_AMDGPU_CTX, wild[i]));
	ck_err(EFAULT, env_ioctl(file, DRM_IOCTL_AMDGPU_INFO, &info));
	env_close(file);
}
END_TEST

START_TEST(same_string_same_device)
{
	void *a = env_open("gfx1030,kernel=7.2,vram=64M"), *b = env_open("gfx1030,kernel=7.2,vram=64M");
	void *c = env_open("gfx1030,kernel=7.2,vram=128M");
	uint64_t used_b = 0, used_c = 1;
	struct drm_amdgpu_info info = {
		.return_pointer = (uintptr_t)&used_b, .return_size = 8, .query = AMDGPU_INFO_VRAM_USAGE};

	env_gem(a, 1 << 20, AMDGPU_GEM_DOMAIN_VRAM, 0);
	ck_ok(env_ioctl(b, DRM_IOCTL_AMDGPU_INFO, &info));
	ck_assert_uint_eq(used_b, 1 << 20);
	info.return_pointer = (uintptr_t)&used_c;
	ck_ok(env_ioctl(c, DRM_IOCTL_AMDGPU_INFO, &info));
	ck_assert_uint_eq(used_c, 0);
	env_close(a);
	info.return_pointer = (uintptr_t)&used_b;
	ck_ok(env_ioctl(b, DRM_IOCTL_AMDGPU_INFO, &info));
	ck_assert_uint_eq(used_b, 0); /* closing a file frees what it had */
	env_close(b);
	env_close(c);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {versions_by_kernel,
				      version_name_is_cut_to_the_room,
				      bad_specs_name_the_word,
				      unknown_ioctls_are_refused_and_counted,
				      render_nodes_may_not,
				      primary_nodes_want_a_master,
				      caps,
				      sizes_differ,
				      fields_of_newer_kernels_are_not_seen,
				      bad_pointers_are_efault,
				      same_string_same_device};

	return env_main("ioctl", tests, sizeof(tests) / sizeof(tests[0]));
}

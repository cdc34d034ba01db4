/* SPDX-License-Identifier: MIT */
#include "env.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

void *env_open(const char *spec)
{
	char error[300] = "";
	void *file = df_soft_ops.open(spec, error, sizeof(error));

	ck_assert_msg(file != NULL, "%s: %s", spec, error);
	return file;
}

void env_close(void *file)
{
	ck_ok(df_soft_ops.close(file));
}

int env_ioctl(void *file, unsigned long request, void *arg)
{
	int ret = df_soft_ops.ioctl(file, request, arg);

	if (ret >= 0)
		return ret;
	ck_assert_int_eq(ret, -1); /* as the system call: -1 and errno */
	return -errno;
}

uint64_t env_stat(void *file, const char *name)
{
	const char *found;
	uint64_t value;

	for (unsigned i = 0; !df_soft_ops.stat(file, i, &found, &value); i++)
		if (!strcmp(found, name))
			return value;
	ck_abort_msg("no statistic \"%s\"", name);
	return 0;
}

uint32_t env_gem(void *file, uint64_t size, uint32_t domains, uint64_t flags)
{
	union drm_amdgpu_gem_create create = {
		.in = {.bo_size = size, .alignment = 4096, .domains = domains, .domain_flags = flags}};

	ck_ok(env_ioctl(file, DRM_IOCTL_AMDGPU_GEM_CREATE, &create));
	return create.out.handle;
}

int env_va(void *file, uint32_t operation, uint32_t handle, uint64_t va, uint64_t offset, uint64_t size, uint32_t flags)
{
	struct drm_amdgpu_gem_va args = {.handle = handle,
					 .operation = operation,
					 .flags = flags,
					 .va_address = va,
					 .offset_in_bo = offset,
					 .map_size = size};

	return env_ioctl(file, DRM_IOW(DRM_COMMAND_BASE + DRM_AMDGPU_GEM_VA, struct drm_amdgpu_gem_va), &args);
}

struct env_bo env_bo(void *file, uint64_t size, uint64_t va)
{
	struct env_bo bo = {.handle = env_gem(file, size, AMDGPU_GEM_DOMAIN_GTT, 0), .size = size, .va = va};
	union drm_amdgpu_gem_mmap map = {.in = {.handle = bo.handle}};

	ck_ok(env_ioctl(file, DRM_IOCTL_AMDGPU_GEM_MMAP, &map));
	bo.map = df_soft_ops.mmap(file, NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, map.out.addr_ptr);
	ck_assert_ptr_ne(bo.map, MAP_FAILED);
	ck_ok(env_va(file, AMDGPU_VA_OP_MAP, bo.handle, va, 0, size, ENV_RWX));
	return bo;
}

uint32_t env_ctx(void *file)
{
	union drm_amdgpu_ctx ctx = {.in = {.op = AMDGPU_CTX_OP_ALLOC_CTX}};

	ck_ok(env_ioctl(file, DRM_IOCTL_AMDGPU_CTX, &ctx));
	return ctx.out.alloc.ctx_id;
}

uint32_t env_syncobj(void *file, int signaled)
{
	struct drm_syncobj_create create = {.flags = signaled ? DRM_SYNCOBJ_CREATE_SIGNALED : 0};

	ck_ok(env_ioctl(file, DRM_IOCTL_SYNCOBJ_CREATE, &create));
	return create.handle;
}

void env_chunk(struct env_cs *cs, uint32_t id, const void *data, size_t size)
{
	cs->chunks[cs->chunk_count++] = (struct drm_amdgpu_cs_chunk){
		.chunk_id = id, .length_dw = (uint32_t)(size / 4), .chunk_data = (uintptr_t)data};
}

struct env_cs env_cs(uint32_t ctx, uint32_t ip, uint64_t va, uint32_t bytes)
{
	return (struct env_cs){.ctx = ctx, .ib = {.va_start = va, .ib_bytes = bytes, .ip_type = ip}};
}

/* The IB's chunk comes last. */
int env_submit(void *file, struct env_cs *cs)
{
	struct drm_amdgpu_cs_chunk ib = {AMDGPU_CHUNK_ID_IB, sizeof(cs->ib) / 4, (uintptr_t)&cs->ib};
	uint64_t pointers[ENV_MAX_CHUNKS + 1];
	union drm_amdgpu_cs args = {.in = {.ctx_id = cs->ctx,
					   .bo_list_handle = cs->bo_list,
					   .num_chunks = cs->chunk_count + 1,
					   .chunks = (uintptr_t)pointers}};
	int ret;

	for (uint32_t i = 0; i < cs->chunk_count; i++)
		pointers[i] = (uintptr_t)&cs->chunks[i];
	pointers[cs->chunk_count] = (uintptr_t)&ib;
	ret = env_ioctl(file, DRM_IOCTL_AMDGPU_CS, &args);
	if (!ret)
		cs->seq = args.out.handle;
	return ret;
}

int64_t env_after_ms(int ms)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ms < 0 ? INT64_MAX : (int64_t)now.tv_sec * 1000000000 + now.tv_nsec + ms * 1000000ll;
}

int env_wait(void *file, uint32_t ctx, uint32_t ip, uint64_t seq, int timeout_ms)
{
	union drm_amdgpu_wait_cs wait = {
		.in = {.handle = seq, .timeout = (uint64_t)env_after_ms(timeout_ms), .ip_type = ip, .ctx_id = ctx}};
	int ret = env_ioctl(file, DRM_IOCTL_AMDGPU_WAIT_CS, &wait);

	return ret ? ret : (int)wait.out.status;
}

#define PKT3(op, count) (3u << 30 | ((count)-1u) << 16 | (op) << 8)

static uint32_t pad(uint32_t *at, uint32_t count)
{
	while (count % 8)
		at[count++] = 0xffff1000; /* NOP, header alone */
	return count * 4;
}

uint32_t env_stream_nop(uint32_t *at)
{
	at[0] = 0xffff1000;
	return pad(at, 1);
}

uint32_t env_stream_write(uint32_t *at, uint64_t address, uint32_t value)
{
	const uint32_t packet[] = {PKT3(0x37u, 4), 5u << 8 | 1u << 20 /* memory, confirmed */, (uint32_t)address,
				   (uint32_t)(address >> 32), value};

	memcpy(at, packet, sizeof(packet));
	return pad(at, 5);
}

uint32_t env_stream_wait(uint32_t *at, uint64_t address, uint32_t value)
{
	const uint32_t packet[] = {PKT3(0x3cu, 6),
				   1u << 4 | 3u /* memory, equal */,
				   (uint32_t)address,
				   (uint32_t)(address >> 32),
				   value,
				   0xffffffffu,
				   4};

	memcpy(at, packet, sizeof(packet));
	return pad(at, 7);
}

int env_main(const char *name, const TTest *const *tests, size_t count)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed;
}

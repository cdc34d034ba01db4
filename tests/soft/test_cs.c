/* SPDX-License-Identifier: MIT */
/* test_cs.c - contexts, BO lists, submission and waits. */
#include "env.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#define AT 0x10000000ull

static int ctx_op(void *file, uint32_t op, uint32_t flags, uint32_t id, int32_t priority)
{
	union drm_amdgpu_ctx args = {.in = {.op = op, .flags = flags, .ctx_id = id, .priority = priority}};

	return env_ioctl(file, DRM_IOCTL_AMDGPU_CTX, &args);
}

START_TEST(ctx_checks_each_field)
{
	void *file = env_open("gfx1030");
	uint32_t id = env_ctx(file), other = env_ctx(file);

	ck_err(EINVAL, ctx_op(file, 0, 0, 0, 0));
	ck_err(EINVAL, ctx_op(file, 7, 0, 0, 0));
	for (uint32_t op = AMDGPU_CTX_OP_ALLOC_CTX; op <= AMDGPU_CTX_OP_GET_STABLE_PSTATE; op++)
		ck_err(EINVAL, ctx_op(file, op, 1, id, 0));
	for (uint32_t op = AMDGPU_CTX_OP_FREE_CTX; op <= AMDGPU_CTX_OP_SET_STABLE_PSTATE; op++)
		ck_err(EINVAL, ctx_op(file, op, 0, 99, 0));
	ck_err(EINVAL, ctx_op(file, AMDGPU_CTX_OP_SET_STABLE_PSTATE, 5, id, 0));
	ck_err(EINVAL, ctx_op(file, AMDGPU_CTX_OP_SET_STABLE_PSTATE, 0x10, id, 0));
	ck_ok(ctx_op(file, AMDGPU_CTX_OP_SET_STABLE_PSTATE, AMDGPU_CTX_STABLE_PSTATE_PEAK, id, 0));
	ck_err(EBUSY, ctx_op(file, AMDGPU_CTX_OP_SET_STABLE_PSTATE, AMDGPU_CTX_STABLE_PSTATE_PEAK, other, 0));
	ck_ok(ctx_op(file, AMDGPU_CTX_OP_ALLOC_CTX, 0, 0, 12345)); /* garbage priority is normal */
	ck_ok(ctx_op(file, AMDGPU_CTX_OP_FREE_CTX, 0, id, 0));
	ck_err(EINVAL, ctx_op(file, AMDGPU_CTX_OP_FREE_CTX, 0, id, 0));
	env_close(file);
}
END_TEST

/* Takes CAP_SYS_NICE from this process: each test has one of its own. */
static void drop_nice(void)
{
	struct {
		uint32_t version;
		int pid;
	} header = {0x20080522, 0};
	struct {
		uint32_t effective, permitted, inheritable;
	} data[2];

	ck_ok((int)syscall(SYS_capget, &header, data));
	data[0].effective &= ~(1u << 23);
	ck_ok((int)syscall(SYS_capset, &header, data));
}

START_TEST(priority_needs_privilege)
{
	void *file = env_open("gfx1030");

	ck_ok(ctx_op(file, AMDGPU_CTX_OP_ALLOC_CTX, 0, 0, AMDGPU_CTX_PRIORITY_LOW));
	drop_nice();
	ck_err(EACCES, ctx_op(file, AMDGPU_CTX_OP_ALLOC_CTX, 0, 0, AMDGPU_CTX_PRIORITY_HIGH));
	ck_err(EACCES, ctx_op(file, AMDGPU_CTX_OP_ALLOC_CTX, 0, 0, AMDGPU_CTX_PRIORITY_VERY_HIGH));
	env_close(file);
}
END_TEST

static int list_op(void *file, uint32_t op, uint32_t handle, const void *entries, uint32_t count, uint32_t size)
{
	union drm_amdgpu_bo_list args = {.in = {.operation = op,
						.list_handle = handle,
						.bo_number = count,
						.bo_info_size = size,
						.bo_info_ptr = (uintptr_t)entries}};
	int ret = env_ioctl(file, DRM_IOCTL_AMDGPU_BO_LIST, &args);

	return ret ? ret : (int)args.out.list_handle;
}

START_TEST(bo_list_checks_each_field)
{
	void *file = env_open("gfx1030");
	struct drm_amdgpu_bo_list_entry entry = {.bo_handle = env_gem(file, 4096, AMDGPU_GEM_DOMAIN_GTT, 0)},
					bad = {99, 0};
	int handle = list_op(file, AMDGPU_BO_LIST_OP_CREATE, 0, &entry, 1, 8);

	ck_assert_int_eq(handle, 1);
	ck_err(EINVAL, list_op(file, 3, 0, &entry, 1, 8));
	ck_err(EINVAL, list_op(file, AMDGPU_BO_LIST_OP_CREATE, 0, &entry, 128 * 1024 + 1, 8));
	ck_err(ENOENT, list_op(file, AMDGPU_BO_LIST_OP_CREATE, 0, &bad, 1, 8));
	ck_err(EFAULT, list_op(file, AMDGPU_BO_LIST_OP_CREATE, 0, (void *)8, 1, 8));
	ck_err(ENOENT, list_op(file, AMDGPU_BO_LIST_OP_UPDATE, 99, &entry, 1, 8));
	ck_assert_int_eq(list_op(file, AMDGPU_BO_LIST_OP_UPDATE, 1, &entry, 1, 4), 1); /* shorter elements */
	ck_assert_int_eq(list_op(file, AMDGPU_BO_LIST_OP_DESTROY, 99, NULL, 0, 0), 0);
	ck_assert_int_eq(list_op(file, AMDGPU_BO_LIST_OP_DESTROY, 1, NULL, 0, 0), 0);
	env_close(file);
}
END_TEST

static int cs_raw(void *file, uint32_t ctx, uint32_t count, const uint64_t *chunks)
{
	union drm_amdgpu_cs args = {.in = {.ctx_id = ctx, .num_chunks = count, .chunks = (uintptr_t)chunks}};

	return env_ioctl(file, DRM_IOCTL_AMDGPU_CS, &args);
}

/* One more chunk before the IB. */
static int cs_with(void *file, uint32_t ctx, uint32_t id, const void *data, size_t size)
{
	struct env_cs cs = env_cs(ctx, AMDGPU_HW_IP_COMPUTE, AT, 32);

	env_chunk(&cs, id, data, size);
	return env_submit(file, &cs);
}

static int cs_ib(void *file, uint32_t ctx, struct drm_amdgpu_cs_chunk_ib ib)
{
	struct env_cs cs = {.ctx = ctx, .ib = ib};

	return env_submit(file, &cs);
}

START_TEST(cs_checks_each_field)
{
	void *file = env_open("gfx1030,kernel=7.2");
	struct env_bo bo = env_bo(file, 4096, AT);
	uint32_t ctx = env_ctx(file), zero[16] = {0};
	struct drm_amdgpu_cs_chunk_ib ib = {.va_start = AT, .ib_bytes = 32, .ip_type = AMDGPU_HW_IP_COMPUTE}, bad = ib;
	struct drm_amdgpu_cs_chunk chunk = {AMDGPU_CHUNK_ID_IB, 1, (uintptr_t)&ib};
	uint64_t pointer = (uintptr_t)&chunk, wild = 8;
	struct drm_amdgpu_cs_chunk_dep dep = {.ctx_id = 99};
	struct drm_amdgpu_cs_chunk_sem sem = {99};
	struct drm_amdgpu_cs_chunk_fence fence = {bo.handle, 4096 - 4};
	struct drm_amdgpu_cs_chunk_syncobj point = {.handle = env_syncobj(file, 0), .point = 5};
	struct abi_cs_chunk_cp_gfx_shadow shadow = {.flags = 2};

	env_stream_nop(bo.map);
	ck_err(EINVAL, cs_raw(file, ctx, 0, NULL));
	ck_err(EINVAL, cs_raw(file, 99, 1, &pointer));
	ck_err(EFAULT, cs_raw(file, ctx, 1, (void *)8));
	ck_err(EFAULT, cs_raw(file, ctx, 1, &wild));
	ck_err(EINVAL, cs_raw(file, ctx, 1, &pointer)); /* IB chunk too short */
	chunk = (struct drm_amdgpu_cs_chunk){AMDGPU_CHUNK_ID_IB, sizeof(ib) / 4, 8};
	ck_err(EFAULT, cs_raw(file, ctx, 1, &pointer));
	chunk = (struct drm_amdgpu_cs_chunk){AMDGPU_CHUNK_ID_SYNCOBJ_IN, 0, (uintptr_t)&ib};
	ck_err(EINVAL, cs_raw(file, ctx, 1, &pointer)); /* no IB */
	ck_err(EINVAL, cs_with(file, ctx, 0x77, zero, 16));
	bad.ip_type = AMDGPU_HW_IP_UVD;
	ck_err(EINVAL, cs_ib(file, ctx, bad));
	bad.ip_type = 99;
	ck_err(EINVAL, cs_ib(file, ctx, bad));
	bad = ib;
	bad.ip_instance = 1;
	ck_err(EINVAL, cs_ib(file, ctx, bad));
	bad = ib;
	bad.ring = 4;
	ck_err(EINVAL, cs_ib(file, ctx, bad));
	bad = ib;
	bad.ib_bytes = 0x100000 * 4;
	ck_err(EINVAL, cs_ib(file, ctx, bad));
	bad = ib;
	bad.flags = AMDGPU_IB_FLAG_CE;
	ck_err(EINVAL, cs_ib(file, ctx, bad));
	ck_err(EINVAL, cs_with(file, ctx, AMDGPU_CHUNK_ID_FENCE, &fence, sizeof(fence)));
	fence = (struct drm_amdgpu_cs_chunk_fence){99, 0};
	ck_err(EINVAL, cs_with(file, ctx, AMDGPU_CHUNK_ID_FENCE, &fence, sizeof(fence)));
	fence = (struct drm_amdgpu_cs_chunk_fence){env_gem(file, 8192, AMDGPU_GEM_DOMAIN_GTT, 0), 0};
	ck_err(EINVAL, cs_with(file, ctx, AMDGPU_CHUNK_ID_FENCE, &fence, sizeof(fence)));
	ck_err(EINVAL, cs_with(file, ctx, AMDGPU_CHUNK_ID_FENCE, &fence, 4));
	ck_err(EINVAL, cs_with(file, ctx, AMDGPU_CHUNK_ID_BO_HANDLES, zero, 4));
	ck_err(EINVAL, cs_with(file, ctx, AMDGPU_CHUNK_ID_DEPENDENCIES, &dep, sizeof(dep)));
	dep.ctx_id = ctx;
	dep.handle = 1; /* not yet submitted */
	ck_err(EINVAL, cs_with(file, ctx, AMDGPU_CHUNK_ID_DEPENDENCIES, &dep, sizeof(dep)));
	ck_err(ENOENT, cs_with(file, ctx, AMDGPU_CHUNK_ID_SYNCOBJ_IN, &sem, sizeof(sem)));
	ck_err(EINVAL, cs_with(file, ctx, AMDGPU_CHUNK_ID_SYNCOBJ_OUT, &sem, sizeof(sem)));
	sem.handle = point.handle;
	ck_err(EINVAL, cs_with(file, ctx, AMDGPU_CHUNK_ID_SYNCOBJ_IN, &sem, sizeof(sem))); /* holds no fence */
	ck_err(EINVAL, cs_with(file, ctx, AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_WAIT, &point, sizeof(point)));
	point.flags = 4;
	ck_err(EINVAL, cs_with(file, ctx, AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_WAIT, &point, sizeof(point)));
	ck_err(EINVAL, cs_with(file, ctx, ABI_CHUNK_CP_GFX_SHADOW, &shadow, sizeof(shadow)));
	ck_err(EINVAL, cs_with(file, ctx, ABI_CHUNK_CP_GFX_SHADOW, &shadow, 8));
	ck_ok(cs_with(file, ctx, AMDGPU_CHUNK_ID_SYNCOBJ_OUT, &sem, sizeof(sem)));
	ck_ok(env_wait(file, ctx, AMDGPU_HW_IP_COMPUTE, ~0ull, -1));
	env_close(file);
}
END_TEST

START_TEST(chunks_of_newer_kernels)
{
	struct abi_cs_chunk_cp_gfx_shadow shadow = {0};
	void *file = env_open("gfx1030,kernel=6.1");
	struct env_bo bo = env_bo(file, 4096, AT);

	env_stream_nop(bo.map);
	ck_err(EINVAL, cs_with(file, env_ctx(file), ABI_CHUNK_CP_GFX_SHADOW, &shadow, sizeof(shadow)));
	env_close(file);
	file = env_open("gfx1030,kernel=6.12");
	bo = env_bo(file, 4096, AT);
	env_stream_nop(bo.map);
	ck_ok(cs_with(file, env_ctx(file), ABI_CHUNK_CP_GFX_SHADOW, &shadow, sizeof(shadow)));
	env_close(file);
}
END_TEST

START_TEST(too_many_ibs)
{
	static struct drm_amdgpu_cs_chunk chunks[200];
	static uint64_t pointers[200];
	struct drm_amdgpu_cs_chunk_ib ib = {.va_start = AT, .ib_bytes = 32, .ip_type = AMDGPU_HW_IP_COMPUTE};

	for (int i = 0; i < 200; i++) {
		chunks[i] = (struct drm_amdgpu_cs_chunk){AMDGPU_CHUNK_ID_IB, sizeof(ib) / 4, (uintptr_t)&ib};
		pointers[i] = (uintptr_t)&chunks[i];
	}
	for (int newer = 0; newer < 2; newer++) {
		void *file = env_open(newer ? "gfx1030,kernel=7.2" : "gfx1030,kernel=6.1");
		struct env_bo bo = env_bo(file, 4096, AT);
		uint32_t ctx = env_ctx(file);

		env_stream_nop(bo.map);
		ck_ok(cs_raw(file, ctx, 125, pointers));
		ck_assert_int_eq(cs_raw(file, ctx, 126, pointers), newer ? -EINVAL : 0);
		env_close(file);
	}
}
END_TEST

START_TEST(work_runs_in_order_and_fences_are_written)
{
	static const uint32_t ips[] = {AMDGPU_HW_IP_GFX, AMDGPU_HW_IP_COMPUTE};

	for (size_t i = 0; i < 2; i++) {
		void *file = env_open("gfx1030");
		struct env_bo code = env_bo(file, 4096, AT), data = env_bo(file, 4096, AT + 0x10000);
		struct env_bo user = env_bo(file, 4096, AT + 0x20000);
		struct drm_amdgpu_cs_chunk_fence fence = {user.handle, 64};
		uint32_t ctx = env_ctx(file);

		for (uint32_t n = 1; n <= 100; n++) {
			struct env_cs cs =
				env_cs(ctx, ips[i], AT, env_stream_write(code.map, data.va + (n % 8) * 4, n));

			env_chunk(&cs, AMDGPU_CHUNK_ID_FENCE, &fence, sizeof(fence));
			ck_ok(env_submit(file, &cs));
			ck_assert_uint_eq(cs.seq, n);
			ck_ok(env_wait(file, ctx, ips[i], cs.seq, -1));
			ck_assert_uint_eq(data.map[n % 8], n);
			ck_assert_uint_eq(*(uint64_t *)(void *)&user.map[16], n);
		}
		ck_ok(env_wait(file, ctx, ips[i], 0, -1)); /* nothing to wait for */
		ck_ok(env_wait(file, ctx, ips[i], 3, 0));  /* long ago */
		ck_err(EINVAL, env_wait(file, ctx, ips[i], 101, 0));
		ck_err(EINVAL, env_wait(file, 99, ips[i], 1, 0));
		ck_err(EINVAL, env_wait(file, ctx, 99, 1, 0));
		env_close(file);
	}
}
END_TEST

/* A job that waits for gate[0] == value, and one that writes. */
struct rig {
	void *file;
	struct env_bo code, gate, data;
	uint32_t ctx;
};

static struct rig rig_open(const char *spec)
{
	void *file = env_open(spec);

	return (struct rig){file, env_bo(file, 65536, AT), env_bo(file, 4096, AT + 0x100000),
			    env_bo(file, 4096, AT + 0x200000), env_ctx(file)};
}

static struct env_cs rig_stall(struct rig *rig, uint32_t ip)
{
	return env_cs(rig->ctx, ip, AT, env_stream_wait(rig->code.map, rig->gate.va, 1));
}

static struct env_cs rig_write(struct rig *rig, uint32_t ip, uint32_t slot, uint32_t value)
{
	uint32_t *at = rig->code.map + 64 + slot * 16;

	return env_cs(rig->ctx, ip, AT + 256 + slot * 64, env_stream_write(at, rig->data.va + slot * 4, value));
}

START_TEST(dependencies_hold_a_job_back)
{
	struct rig rig = rig_open("gfx1030");
	struct env_cs stall = rig_stall(&rig, AMDGPU_HW_IP_COMPUTE);
	struct env_cs after = rig_write(&rig, AMDGPU_HW_IP_GFX, 0, 7), third = rig_write(&rig, AMDGPU_HW_IP_GFX, 1, 8);
	struct drm_amdgpu_cs_chunk_dep dep = {.ip_type = AMDGPU_HW_IP_COMPUTE, .ctx_id = rig.ctx};
	struct drm_amdgpu_cs_chunk_sem sem = {env_syncobj(rig.file, 0)};

	env_chunk(&stall, AMDGPU_CHUNK_ID_SYNCOBJ_OUT, &sem, sizeof(sem));
	ck_ok(env_submit(rig.file, &stall));
	dep.handle = stall.seq;
	env_chunk(&after, AMDGPU_CHUNK_ID_DEPENDENCIES, &dep, sizeof(dep));
	env_chunk(&third, AMDGPU_CHUNK_ID_SYNCOBJ_IN, &sem, sizeof(sem));
	ck_ok(env_submit(rig.file, &after));
	ck_ok(env_submit(rig.file, &third));
	ck_assert_int_eq(env_wait(rig.file, rig.ctx, AMDGPU_HW_IP_COMPUTE, stall.seq, 20), 1);
	ck_assert_int_eq(env_wait(rig.file, rig.ctx, AMDGPU_HW_IP_GFX, after.seq, 20), 1);
	ck_assert_uint_eq(rig.data.map[0] | rig.data.map[1], 0);
	__atomic_store_n(&rig.gate.map[0], 1, __ATOMIC_RELEASE);
	ck_ok(env_wait(rig.file, rig.ctx, AMDGPU_HW_IP_GFX, third.seq, -1));
	ck_assert_uint_eq(rig.data.map[0], 7);
	ck_assert_uint_eq(rig.data.map[1], 8);
	env_close(rig.file);
}
END_TEST

/* Unmapping and closing wait for the jobs that were submitted before. */
START_TEST(unmapping_waits_for_jobs)
{
	struct rig rig = rig_open("gfx1030");
	struct env_cs stall = rig_stall(&rig, AMDGPU_HW_IP_COMPUTE),
		      write = rig_write(&rig, AMDGPU_HW_IP_COMPUTE, 0, 7);
	struct drm_gem_close close_args = {.handle = rig.gate.handle};

	ck_ok(env_submit(rig.file, &stall));
	ck_ok(env_submit(rig.file, &write));
	ck_ok(env_va(rig.file, AMDGPU_VA_OP_UNMAP, rig.data.handle, rig.data.va, 0, 4096, 0));
	ck_ok(env_ioctl(rig.file, DRM_IOCTL_GEM_CLOSE, &close_args));
	__atomic_store_n(&rig.gate.map[0], 1, __ATOMIC_RELEASE);
	ck_ok(env_wait(rig.file, rig.ctx, AMDGPU_HW_IP_COMPUTE, write.seq, -1));
	ck_assert_uint_eq(rig.data.map[0], 7);
	ck_assert_uint_eq(env_stat(rig.file, "page_faults"), 0);
	write = rig_write(&rig, AMDGPU_HW_IP_COMPUTE, 0, 9);
	ck_ok(env_submit(rig.file, &write)); /* after the unmapping: faults, completes, writes nothing */
	ck_ok(env_wait(rig.file, rig.ctx, AMDGPU_HW_IP_COMPUTE, write.seq, -1));
	ck_assert_uint_eq(rig.data.map[0], 7);
	ck_assert_uint_ge(env_stat(rig.file, "page_faults"), 1);
	env_close(rig.file);
}
END_TEST

START_TEST(page_faults_are_recorded)
{
	struct rig rig = rig_open("gfx1030,kernel=7.2");
	struct abi_info_gpuvm_fault fault;
	struct drm_amdgpu_info info = {
		.return_pointer = (uintptr_t)&fault, .return_size = sizeof(fault), .query = ABI_INFO_GPUVM_FAULT};
	struct env_cs cs = env_cs(rig.ctx, AMDGPU_HW_IP_COMPUTE, AT, env_stream_write(rig.code.map, 0x7770000ull, 1));

	ck_ok(env_ioctl(rig.file, DRM_IOCTL_AMDGPU_INFO, &info));
	ck_assert_uint_eq(fault.addr | fault.status, 0);
	ck_ok(env_submit(rig.file, &cs));
	ck_ok(env_wait(rig.file, rig.ctx, AMDGPU_HW_IP_COMPUTE, cs.seq, -1));
	ck_ok(env_ioctl(rig.file, DRM_IOCTL_AMDGPU_INFO, &info));
	ck_assert_uint_eq(fault.addr, 0x7770000);
	ck_assert_uint_eq(fault.status >> 18 & 1, 1); /* a write */
	ck_assert_uint_eq(fault.vmhub, 0);
	env_close(rig.file);
}
END_TEST

START_TEST(wait_fences_all_and_any)
{
	struct rig rig = rig_open("gfx1030");
	struct env_cs stall = rig_stall(&rig, AMDGPU_HW_IP_COMPUTE), write = rig_write(&rig, AMDGPU_HW_IP_GFX, 0, 1);
	struct drm_amdgpu_fence fences[2];
	union drm_amdgpu_wait_fences args;

	ck_ok(env_submit(rig.file, &stall));
	ck_ok(env_submit(rig.file, &write));
	fences[0] = (struct drm_amdgpu_fence){rig.ctx, AMDGPU_HW_IP_COMPUTE, 0, 0, stall.seq};
	fences[1] = (struct drm_amdgpu_fence){rig.ctx, AMDGPU_HW_IP_GFX, 0, 0, write.seq};
	args.in = (struct drm_amdgpu_wait_fences_in){(uintptr_t)fences, 2, 0, UINT64_MAX};
	ck_ok(env_ioctl(rig.file, DRM_IOCTL_AMDGPU_WAIT_FENCES, &args));
	ck_assert_uint_eq(args.out.status, 1);
	ck_assert_uint_eq(args.out.first_signaled, 1);
	args.in = (struct drm_amdgpu_wait_fences_in){(uintptr_t)fences, 2, 1, (uint64_t)env_after_ms(10)};
	ck_ok(env_ioctl(rig.file, DRM_IOCTL_AMDGPU_WAIT_FENCES, &args));
	ck_assert_uint_eq(args.out.status, 0);
	__atomic_store_n(&rig.gate.map[0], 1, __ATOMIC_RELEASE);
	args.in = (struct drm_amdgpu_wait_fences_in){(uintptr_t)fences, 2, 1, UINT64_MAX};
	ck_ok(env_ioctl(rig.file, DRM_IOCTL_AMDGPU_WAIT_FENCES, &args));
	ck_assert_uint_eq(args.out.status, 1);
	args.in = (struct drm_amdgpu_wait_fences_in){(uintptr_t)fences, 0, 0, 0};
	ck_err(EINVAL, env_ioctl(rig.file, DRM_IOCTL_AMDGPU_WAIT_FENCES, &args));
	args.in = (struct drm_amdgpu_wait_fences_in){8, 1, 0, 0};
	ck_err(EFAULT, env_ioctl(rig.file, DRM_IOCTL_AMDGPU_WAIT_FENCES, &args));
	fences[0].ctx_id = 99;
	args.in = (struct drm_amdgpu_wait_fences_in){(uintptr_t)fences, 1, 1, 0};
	ck_err(EINVAL, env_ioctl(rig.file, DRM_IOCTL_AMDGPU_WAIT_FENCES, &args));
	env_close(rig.file);
}
END_TEST

START_TEST(fence_to_handle)
{
	struct rig rig = rig_open("gfx1030");
	struct env_cs stall = rig_stall(&rig, AMDGPU_HW_IP_COMPUTE);
	union drm_amdgpu_fence_to_handle args;
	struct pollfd poll_fd = {.events = POLLIN};

	ck_ok(env_submit(rig.file, &stall));
	for (uint32_t what = 0; what < 4; what++) {
		memset(&args, 0, sizeof(args));
		args.in.fence = (struct drm_amdgpu_fence){rig.ctx, AMDGPU_HW_IP_COMPUTE, 0, 0, stall.seq};
		args.in.what = what;
		ck_assert_int_eq(env_ioctl(rig.file, DRM_IOCTL_AMDGPU_FENCE_TO_HANDLE, &args), what == 3 ? -EINVAL : 0);
		if (what == AMDGPU_FENCE_TO_HANDLE_GET_SYNC_FILE_FD)
			poll_fd.fd = (int)args.out.handle;
	}
	ck_assert_int_eq(poll(&poll_fd, 1, 10), 0);
	__atomic_store_n(&rig.gate.map[0], 1, __ATOMIC_RELEASE);
	ck_assert_int_eq(poll(&poll_fd, 1, 10000), 1);
	close(poll_fd.fd);
	env_close(rig.file);
}
END_TEST

START_TEST(gem_wait_idle)
{
	struct rig rig = rig_open("gfx1030");
	struct env_cs stall = rig_stall(&rig, AMDGPU_HW_IP_COMPUTE);
	struct drm_amdgpu_bo_list_entry entry = {rig.data.handle, 0};
	struct drm_amdgpu_bo_list_in list = {~0u, ~0u, 1, sizeof(entry), (uintptr_t)&entry};
	union drm_amdgpu_gem_wait_idle wait;

	env_chunk(&stall, AMDGPU_CHUNK_ID_BO_HANDLES, &list, sizeof(list));
	ck_ok(env_submit(rig.file, &stall));
	wait.in = (struct drm_amdgpu_gem_wait_idle_in){rig.data.handle, 0, (uint64_t)env_after_ms(10)};
	ck_ok(env_ioctl(rig.file, DRM_IOCTL_AMDGPU_GEM_WAIT_IDLE, &wait));
	ck_assert_uint_eq(wait.out.status, 1);
	wait.in = (struct drm_amdgpu_gem_wait_idle_in){rig.code.handle, 0, 0}; /* not in the list */
	ck_ok(env_ioctl(rig.file, DRM_IOCTL_AMDGPU_GEM_WAIT_IDLE, &wait));
	ck_assert_uint_eq(wait.out.status, 0);
	__atomic_store_n(&rig.gate.map[0], 1, __ATOMIC_RELEASE);
	wait.in = (struct drm_amdgpu_gem_wait_idle_in){rig.data.handle, 0, UINT64_MAX};
	ck_ok(env_ioctl(rig.file, DRM_IOCTL_AMDGPU_GEM_WAIT_IDLE, &wait));
	ck_assert_uint_eq(wait.out.status, 0);
	wait.in = (struct drm_amdgpu_gem_wait_idle_in){99, 0, 0};
	ck_err(ENOENT, env_ioctl(rig.file, DRM_IOCTL_AMDGPU_GEM_WAIT_IDLE, &wait));
	env_close(rig.file);
}
END_TEST

static int vm_op(void *file, uint32_t op, uint32_t flags)
{
	union drm_amdgpu_vm args = {.in = {op, flags}};

	return env_ioctl(file, DRM_IOCTL_AMDGPU_VM, &args);
}

START_TEST(vm)
{
	void *file = env_open("gfx1030");

	ck_err(EINVAL, vm_op(file, 0, 0));
	ck_err(EINVAL, vm_op(file, 3, 0));
	ck_err(EINVAL, vm_op(file, AMDGPU_VM_OP_RESERVE_VMID, 1));
	ck_ok(vm_op(file, AMDGPU_VM_OP_RESERVE_VMID, 0));
	ck_ok(vm_op(file, AMDGPU_VM_OP_UNRESERVE_VMID, 0));
	env_close(file);
}
END_TEST

/* A shared BO orders the jobs of two files, unless it is explicit. */
START_TEST(implicit_sync)
{
	for (int explicit_sync = 0; explicit_sync < 2; explicit_sync++) {
		struct rig rig = rig_open("gfx1030"), other = rig_open("gfx1030");
		struct env_cs stall = rig_stall(&rig, AMDGPU_HW_IP_COMPUTE);
		struct env_cs write = rig_write(&other, AMDGPU_HW_IP_GFX, 0, 7);
		struct drm_amdgpu_bo_list_entry entry = {env_gem(rig.file, 4096, AMDGPU_GEM_DOMAIN_GTT,
								 explicit_sync ? AMDGPU_GEM_CREATE_EXPLICIT_SYNC : 0),
							 0};
		struct drm_amdgpu_bo_list_in list = {~0u, ~0u, 1, sizeof(entry), (uintptr_t)&entry};
		struct drm_prime_handle prime = {.handle = entry.bo_handle, .flags = DRM_CLOEXEC};

		env_chunk(&stall, AMDGPU_CHUNK_ID_BO_HANDLES, &list, sizeof(list));
		ck_ok(env_submit(rig.file, &stall));
		ck_ok(env_ioctl(rig.file, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime));
		ck_ok(env_ioctl(other.file, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime));
		entry.bo_handle = prime.handle;
		env_chunk(&write, AMDGPU_CHUNK_ID_BO_HANDLES, &list, sizeof(list));
		ck_ok(env_submit(other.file, &write));
		if (explicit_sync)
			ck_ok(env_wait(other.file, other.ctx, AMDGPU_HW_IP_GFX, write.seq, -1));
		else
			ck_assert_int_eq(env_wait(other.file, other.ctx, AMDGPU_HW_IP_GFX, write.seq, 30), 1);
		__atomic_store_n(&rig.gate.map[0], 1, __ATOMIC_RELEASE);
		ck_ok(env_wait(other.file, other.ctx, AMDGPU_HW_IP_GFX, write.seq, -1));
		close(prime.fd);
		env_close(rig.file);
		env_close(other.file);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {ctx_checks_each_field,
				      priority_needs_privilege,
				      bo_list_checks_each_field,
				      cs_checks_each_field,
				      chunks_of_newer_kernels,
				      too_many_ibs,
				      work_runs_in_order_and_fences_are_written,
				      dependencies_hold_a_job_back,
				      unmapping_waits_for_jobs,
				      page_faults_are_recorded,
				      wait_fences_all_and_any,
				      fence_to_handle,
				      gem_wait_idle,
				      vm,
				      implicit_sync};

	return env_main("cs", tests, sizeof(tests) / sizeof(tests[0]));
}

/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <sched.h>
#include <sys/mman.h>

enum {
	CODE_VA = 0x10000000,
	SHARED_VA = 0x10100000,
	FENCES_VA = 0x10200000,
	VICTIM_VA = 0x20000000,
	INNOCENT_VA = 0x30000000,
	SHARED_ARRIVED = 16, /* dwords in the shared page; the gate comes first */
	SHARED_VICTIM = 32,
	SHARED_INNOCENT = 48,
	STREAM_B = 0x1000, /* in the code buffer: program, victim, innocent, nothing */
};

/* wave32; s[0:1] words, s2 workgroup: adds 1 to word 64 * workgroup + thread. Assembled by LLVM for gfx1030:
 *   s_lshl_b32 s3, s2, 6
 *   v_add_nc_u32_e32 v0, s3, v0
 *   v_lshlrev_b32_e32 v1, 2, v0
 *   global_load_dword v2, v1, s[0:1]
 *   s_waitcnt vmcnt(0)
 *   v_add_nc_u32_e32 v2, 1, v2
 *   global_store_dword v1, v2, s[0:1]
 *   s_endpgm
 */
static const uint32_t program[] = {
	0x8f038602, 0x4a000003, 0x34020082, 0xdc308000, 0x02000001,
	0xbf8c3f70, 0x4a040481, 0xdc708000, 0x00000201, 0xbf810000,
};

#define PKT3(op, count) (3u << 30 | ((count)-1u) << 16 | (op) << 8)

/* A run of SH registers from a byte offset. */
static uint32_t set_sh(uint32_t *at, uint32_t reg, uint32_t count, const uint32_t *values)
{
	at[0] = PKT3(0x76u, count + 1);
	at[1] = (reg - 0xb000) / 4;
	memcpy(at + 2, values, count * sizeof(*values));
	return count + 2;
}

#define SET_SH(at, reg, ...) set_sh(at, reg, sizeof((uint32_t[]){__VA_ARGS__}) / 4, (uint32_t[]){__VA_ARGS__})

uint32_t rig_launch(uint32_t *at, uint64_t code, uint64_t words, uint32_t groups)
{
	const uint32_t initiator = 1u | 1u << 2 | 1u << 15; /* COMPUTE_SHADER_EN, FORCE_START_AT_000, CS_W32_EN */
	uint32_t n = 0;

	n += SET_SH(at + n, 0xb858, ~0u, ~0u);                                      /* DESTINATION_EN_SE0, SE1 */
	n += SET_SH(at + n, 0xb864, ~0u, ~0u);                                      /* SE2, SE3 */
	n += SET_SH(at + n, 0xb830, (uint32_t)(code >> 8), (uint32_t)(code >> 40)); /* PGM_LO, HI */
	n += SET_SH(at + n, 0xb848, 1, 2u << 1 | 1u << 7);                          /* 16 VGPRs; 2 SGPRs, TGID_X */
	n += SET_SH(at + n, 0xb81c, RIG_BLOCK, 1, 1);                               /* NUM_THREAD_X .. Z */
	n += SET_SH(at + n, 0xb900, (uint32_t)words, (uint32_t)(words >> 32));      /* USER_DATA_0, 1 */
	memcpy(at + n,
	       (const uint32_t[]){PKT3(0x15u, 4), groups, 1, 1, initiator, /* DISPATCH_DIRECT */
				  PKT3(0x46u, 1), 0x407},                  /* EVENT_WRITE: CS_PARTIAL_FLUSH */
	       7 * sizeof(uint32_t));
	return n + 7;
}

static struct env_bo device_bo(void *file, uint64_t size, uint64_t va)
{
	struct env_bo bo = {.handle =
				    env_gem(file, size, AMDGPU_GEM_DOMAIN_VRAM, AMDGPU_GEM_CREATE_CPU_ACCESS_REQUIRED),
			    .size = size,
			    .va = va};
	union drm_amdgpu_gem_mmap map = {.in = {.handle = bo.handle}};

	ck_ok(env_ioctl(file, DRM_IOCTL_AMDGPU_GEM_MMAP, &map));
	bo.map = df_soft_ops.mmap(file, NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, map.out.addr_ptr);
	ck_assert_ptr_ne(bo.map, MAP_FAILED);
	ck_ok(env_va(file, AMDGPU_VA_OP_MAP, bo.handle, va, 0, size, ENV_RWX));
	memset(bo.map, 0, size);
	return bo;
}

static void actor_open(struct rig *rig, struct rig_actor *actor, uint64_t va, uint32_t marker, uint32_t fence_at)
{
	actor->words = device_bo(rig->file, RIG_BUFFER_B, va);
	actor->ctx = env_ctx(rig->file);
	actor->syncobj = env_syncobj(rig->file, 0);
	actor->marker = rig->shared.map + marker;
	actor->fence = (struct drm_amdgpu_cs_chunk_fence){rig->fences.handle, fence_at};
	actor->user_fence = (uint64_t *)(void *)rig->fences.map + fence_at / 8;
	actor->sem = (struct drm_amdgpu_cs_chunk_sem){actor->syncobj};
}

void rig_open(struct rig *rig, const char *spec)
{
	memset(rig, 0, sizeof(*rig));
	rig->file = env_open(spec);
	rig->code = env_bo(rig->file, 4 * STREAM_B, CODE_VA);
	rig->shared = env_bo(rig->file, 4096, SHARED_VA);
	rig->fences = env_bo(rig->file, 4096, FENCES_VA);
	rig->gate = rig->shared.map;
	rig->arrived = rig->shared.map + SHARED_ARRIVED;
	memcpy(rig->code.map, program, sizeof(program));
	env_stream_nop(rig_stream(rig, 3));
	actor_open(rig, &rig->victim, VICTIM_VA, SHARED_VICTIM, 0);
	actor_open(rig, &rig->innocent, INNOCENT_VA, SHARED_INNOCENT, 8);
}

void rig_close(struct rig *rig)
{
	rig_open_gate(rig);
	df_soft_ops.munmap(rig->file, rig->code.map, rig->code.size);
	df_soft_ops.munmap(rig->file, rig->shared.map, rig->shared.size);
	df_soft_ops.munmap(rig->file, rig->fences.map, rig->fences.size);
	df_soft_ops.munmap(rig->file, rig->victim.words.map, rig->victim.words.size);
	df_soft_ops.munmap(rig->file, rig->innocent.words.map, rig->innocent.words.size);
	env_close(rig->file);
}

void rig_fault(struct rig *rig, const char *spec)
{
	char error[1024] = "";

	ck_assert_msg(!df_soft_ops.fault(rig->file, spec, error, sizeof(error)), "%s", error);
}

uint32_t *rig_stream(struct rig *rig, unsigned slot)
{
	return rig->code.map + slot * STREAM_B / 4;
}

uint64_t rig_marker_va(const struct rig *rig, const struct rig_actor *actor)
{
	return rig->shared.va + (uint64_t)(actor->marker - rig->shared.map) * 4;
}

void rig_submit(struct rig *rig, struct rig_actor *actor, uint32_t ip, unsigned slot, uint32_t dwords)
{
	actor->ip = ip;
	actor->cs = env_cs(actor->ctx, ip, CODE_VA + slot * STREAM_B, dwords * 4);
	env_chunk(&actor->cs, AMDGPU_CHUNK_ID_FENCE, &actor->fence, sizeof(actor->fence));
	env_chunk(&actor->cs, AMDGPU_CHUNK_ID_SYNCOBJ_OUT, &actor->sem, sizeof(actor->sem));
	ck_ok(env_submit(rig->file, &actor->cs));
}

void rig_victim(struct rig *rig, uint32_t ip)
{
	uint32_t *at = rig_stream(rig, 1), n = 0;

	for (int i = 0; i < RIG_LAUNCHES; i++)
		n += rig_launch(at + n, CODE_VA, VICTIM_VA, RIG_GROUPS);
	n += env_stream_write(at + n, rig_marker_va(rig, &rig->victim), RIG_MARKER) / 4;
	rig_submit(rig, &rig->victim, ip, 1, n);
}

void rig_innocent(struct rig *rig, uint32_t ip)
{
	uint32_t *at = rig_stream(rig, 2), n = 0;

	for (int i = 0; i < 2; i++)
		n += rig_launch(at + n, CODE_VA, INNOCENT_VA, RIG_GROUPS);
	n += env_stream_write(at + n, SHARED_VA + SHARED_ARRIVED * 4, 1) / 4;
	n += env_stream_wait(at + n, SHARED_VA, 1) / 4;
	n += env_stream_write(at + n, rig_marker_va(rig, &rig->innocent), RIG_MARKER) / 4;
	rig_submit(rig, &rig->innocent, ip, 2, n);
	while (!__atomic_load_n(rig->arrived, __ATOMIC_ACQUIRE))
		sched_yield();
}

void rig_open_gate(struct rig *rig)
{
	__atomic_store_n(rig->gate, 1, __ATOMIC_RELEASE);
}

int rig_wait(struct rig *rig, const struct rig_actor *actor)
{
	return env_wait(rig->file, actor->ctx, actor->ip, actor->cs.seq, -1);
}

int rig_syncobj_wait(struct rig *rig, const struct rig_actor *actor, int timeout_ms)
{
	uint32_t handle = actor->syncobj;
	struct drm_syncobj_wait wait = {
		.handles = (uintptr_t)&handle, .count_handles = 1, .timeout_nsec = env_after_ms(timeout_ms)};

	return env_ioctl(rig->file, DRM_IOCTL_SYNCOBJ_WAIT, &wait);
}

uint32_t rig_flags(struct rig *rig, uint32_t ctx)
{
	union drm_amdgpu_ctx args = {.in = {.op = AMDGPU_CTX_OP_QUERY_STATE2, .ctx_id = ctx}};

	ck_ok(env_ioctl(rig->file, DRM_IOCTL_AMDGPU_CTX, &args));
	return (uint32_t)args.out.state.flags;
}

uint32_t rig_reset_status(struct rig *rig, uint32_t ctx)
{
	union drm_amdgpu_ctx args = {.in = {.op = AMDGPU_CTX_OP_QUERY_STATE, .ctx_id = ctx}};

	ck_ok(env_ioctl(rig->file, DRM_IOCTL_AMDGPU_CTX, &args));
	return args.out.state.reset_status;
}

int rig_submit_nop(struct rig *rig, const struct rig_actor *actor)
{
	struct env_cs cs = env_cs(actor->ctx, actor->ip, CODE_VA + 3 * STREAM_B, 32);

	return env_submit(rig->file, &cs);
}

int rig_page_fault(struct rig *rig, struct abi_info_gpuvm_fault *fault_out)
{
	struct drm_amdgpu_info args = {.return_pointer = (uintptr_t)fault_out,
				       .return_size = sizeof(*fault_out),
				       .query = ABI_INFO_GPUVM_FAULT};

	return env_ioctl(rig->file, DRM_IOCTL_AMDGPU_INFO, &args);
}

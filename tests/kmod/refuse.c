/* SPDX-License-Identifier: MIT */
/*
 * refuse.c - refuse NODE: for each field of each ioctl of the render node a value that must be refused, with the exact
 * error, and afterwards a call that is in order, which proves that the refusals changed nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <libdrm/amdgpu_drm.h>
#include <libdrm/drm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096 };
#define BAD_POINTER 8u /* nothing is mapped there */
#define NOWHERE     0x7fffu

static int fd;
static unsigned refused, wrong;
static uint32_t ctx, bo, big;

static int call(unsigned long number, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, number, arg);
	} while (ret < 0 && (errno == EINTR || errno == EAGAIN));
	return ret < 0 ? errno : 0;
}

static void refuse(const char *what, int expected, int got)
{
	refused++;
	if (got == expected)
		return;
	wrong++;
	printf("refuse: %s: %s instead of %s\n", what, strerror(got), strerror(expected));
}

static int create(uint64_t size_B, uint64_t domains, uint64_t flags, uint32_t *handle_out)
{
	union drm_amdgpu_gem_create args = {
		.in = {.bo_size = size_B, .alignment = PAGE, .domains = domains, .domain_flags = flags}};
	int ret = call(DRM_IOCTL_AMDGPU_GEM_CREATE, &args);

	if (!ret && handle_out)
		*handle_out = args.out.handle;
	return ret;
}

static int offset_of(uint32_t handle, uint64_t *offset_out)
{
	union drm_amdgpu_gem_mmap args = {.in = {.handle = handle}};
	int ret = call(DRM_IOCTL_AMDGPU_GEM_MMAP, &args);

	*offset_out = args.out.addr_ptr;
	return ret;
}

static int map_file(int file, uint64_t offset, size_t size_B, int flags)
{
	void *map = mmap(NULL, size_B, PROT_READ | PROT_WRITE, flags, file, (off_t)offset);

	if (map == MAP_FAILED)
		return errno;
	munmap(map, size_B);
	return 0;
}

static void memory(const char *node)
{
	int other = open(node, O_RDWR | O_CLOEXEC);
	struct drm_prime_handle prime = {.flags = DRM_CLOEXEC | DRM_RDWR};
	uint32_t hidden = 0;
	uint64_t offset = 0;

	refuse("create: no size", EINVAL, create(0, AMDGPU_GEM_DOMAIN_GTT, 0, NULL));
	refuse("create: a size that rounds over", EINVAL, create(~0ull, AMDGPU_GEM_DOMAIN_GTT, 0, NULL));
	refuse("create: more than there is", ENOMEM, create(1ull << 50, AMDGPU_GEM_DOMAIN_GTT, 0, NULL));
	refuse("create: an unknown domain", EINVAL, create(PAGE, 1u << 20, 0, NULL));
	refuse("create: two special domains", EINVAL,
	       create(PAGE, AMDGPU_GEM_DOMAIN_GDS | AMDGPU_GEM_DOMAIN_GWS, 0, NULL));
	refuse("create: GDS of one address space", EINVAL,
	       create(PAGE, AMDGPU_GEM_DOMAIN_GDS, AMDGPU_GEM_CREATE_VM_ALWAYS_VALID, NULL));
	refuse("create: an unknown flag", EINVAL, create(PAGE, AMDGPU_GEM_DOMAIN_GTT, 1u << 30, NULL));
	refuse("mmap: no such handle", ENOENT, offset_of(NOWHERE, &offset));
	refuse("create", 0, create(PAGE, AMDGPU_GEM_DOMAIN_VRAM, AMDGPU_GEM_CREATE_NO_CPU_ACCESS, &hidden));
	refuse("mmap: a buffer without CPU access", EPERM, offset_of(hidden, &offset));
	refuse("create", 0, create(PAGE, AMDGPU_GEM_DOMAIN_GTT, AMDGPU_GEM_CREATE_VM_ALWAYS_VALID, &prime.handle));
	refuse("export: a buffer of one address space", EPERM, call(DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime));
	refuse("mmap", 0, offset_of(bo, &offset));
	refuse("mapping: longer than the buffer", EINVAL, map_file(fd, offset, 2 * PAGE, MAP_SHARED));
	refuse("mapping: private", EINVAL, map_file(fd, offset, PAGE, MAP_PRIVATE));
	refuse("mapping: another file's buffer", EACCES, map_file(other, offset, PAGE, MAP_SHARED));
	refuse("mapping", 0, map_file(fd, offset, PAGE, MAP_SHARED));
	close(other);
}

static int metadata(uint32_t handle, uint32_t op, uint32_t size_B)
{
	struct drm_amdgpu_gem_metadata args = {.handle = handle, .op = op, .data.data_size_bytes = size_B};

	return call(DRM_IOCTL_AMDGPU_GEM_METADATA, &args);
}

static int gem_op(uint32_t handle, uint32_t op, uint64_t value)
{
	struct drm_amdgpu_gem_op args = {.handle = handle, .op = op, .value = value};

	return call(DRM_IOCTL_AMDGPU_GEM_OP, &args);
}

static int wait_idle(uint32_t handle)
{
	union drm_amdgpu_gem_wait_idle args = {.in = {.handle = handle}};

	return call(DRM_IOCTL_AMDGPU_GEM_WAIT_IDLE, &args);
}

static int userptr(uint64_t address, uint64_t size_B, uint32_t flags)
{
	struct drm_amdgpu_gem_userptr args = {.addr = address, .size = size_B, .flags = flags};

	return call(DRM_IOCTL_AMDGPU_GEM_USERPTR, &args);
}

static void objects(void)
{
	const uint32_t wanted = AMDGPU_GEM_USERPTR_ANONONLY | AMDGPU_GEM_USERPTR_VALIDATE | AMDGPU_GEM_USERPTR_REGISTER;
	char *own = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char *file = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, exe, 0);
	uint64_t at = (uintptr_t)own;

	munmap(own + 2 * PAGE, PAGE);
	refuse("metadata: no such handle", ENOENT, metadata(NOWHERE, AMDGPU_GEM_METADATA_OP_GET_METADATA, 0));
	refuse("metadata: too long", EINVAL, metadata(bo, AMDGPU_GEM_METADATA_OP_SET_METADATA, 257));
	refuse("metadata", 0, metadata(bo, AMDGPU_GEM_METADATA_OP_SET_METADATA, 256));
	refuse("op: no such handle", ENOENT, gem_op(NOWHERE, AMDGPU_GEM_OP_GET_GEM_CREATE_INFO, 0));
	refuse("op: unknown", EINVAL, gem_op(bo, 99, 0));
	refuse("op: nowhere to write", EFAULT, gem_op(bo, AMDGPU_GEM_OP_GET_GEM_CREATE_INFO, BAD_POINTER));
	refuse("wait idle: no such handle", ENOENT, wait_idle(NOWHERE));
	refuse("userptr: an odd address", EINVAL, userptr(at + 8, PAGE, wanted));
	refuse("userptr: an odd size", EINVAL, userptr(at, 100, wanted));
	refuse("userptr: no size", EINVAL, userptr(at, 0, wanted));
	refuse("userptr: the kernel's addresses", EFAULT, userptr(0xffff800000000000ull, PAGE, wanted));
	refuse("userptr: an unknown flag", EINVAL, userptr(at, PAGE, wanted | 1u << 10));
	refuse("userptr: writable, but not registered", EACCES, userptr(at, PAGE, AMDGPU_GEM_USERPTR_VALIDATE));
	refuse("userptr: a hole", EFAULT, userptr(at, 4ull * PAGE, wanted));
	refuse("userptr: a file's memory", EPERM, userptr((uintptr_t)file, PAGE, wanted));
	refuse("userptr", 0, userptr(at, 2ull * PAGE, wanted));
	close(exe);
}

static int va(uint32_t handle, uint32_t op, uint32_t flags, uint64_t address, uint64_t offset, uint64_t size_B)
{
	struct drm_amdgpu_gem_va args = {.handle = handle,
					 .operation = op,
					 .flags = flags,
					 .va_address = address,
					 .offset_in_bo = offset,
					 .map_size = size_B};

	return call(DRM_IOCTL_AMDGPU_GEM_VA, &args);
}

static void addresses(void)
{
	const uint32_t map = AMDGPU_VA_OP_MAP, flags = AMDGPU_VM_PAGE_READABLE;
	const uint64_t at = 0x900000;

	refuse("va: no such handle", ENOENT, va(NOWHERE, map, flags, at, 0, PAGE));
	refuse("va: no operation", EINVAL, va(bo, 0, flags, at, 0, PAGE));
	refuse("va: an unknown operation", EINVAL, va(bo, 9, flags, at, 0, PAGE));
	refuse("va: an unknown flag", EINVAL, va(bo, map, 1u << 30, at, 0, PAGE));
	refuse("va: below the first address", EINVAL, va(bo, map, flags, 0, 0, PAGE));
	refuse("va: in the hole", EINVAL, va(bo, map, flags, 1ull << 50, 0, PAGE));
	refuse("va: an odd address", EINVAL, va(bo, map, flags, at + 8, 0, PAGE));
	refuse("va: an odd size", EINVAL, va(bo, map, flags, at, 0, 100));
	refuse("va: no size", EINVAL, va(bo, map, flags, at, 0, 0));
	refuse("va: a size that wraps", EINVAL, va(bo, map, flags, at, 0, ~0ull - PAGE + 1));
	refuse("va: an odd offset", EINVAL, va(big, map, flags, at, 8, PAGE));
	refuse("va: behind the buffer's end", EINVAL, va(bo, map, flags, at, PAGE, PAGE));
	refuse("va: an offset that wraps", EINVAL, va(bo, map, flags, at, ~0ull - PAGE + 1, PAGE));
	refuse("va: unmap what is not mapped", ENOENT, va(bo, AMDGPU_VA_OP_UNMAP, flags, at, 0, PAGE));
	refuse("va: map", 0, va(big, map, flags, at, 0, 4ull * PAGE));
	refuse("va: map over it", EINVAL, va(bo, map, flags, at + PAGE, 0, PAGE));
	refuse("va: unmap from its middle", ENOENT, va(big, AMDGPU_VA_OP_UNMAP, flags, at + PAGE, 0, PAGE));
	refuse("va: unmap another's", ENOENT, va(bo, AMDGPU_VA_OP_UNMAP, flags, at, 0, PAGE));
	refuse("va: replace its middle", 0, va(bo, AMDGPU_VA_OP_REPLACE, flags, at + PAGE, 0, PAGE));
	refuse("va: unmap the middle", 0, va(bo, AMDGPU_VA_OP_UNMAP, flags, at + PAGE, 0, PAGE));
	refuse("va: unmap the head that stayed", 0, va(big, AMDGPU_VA_OP_UNMAP, flags, at, 0, PAGE));
	refuse("va: unmap the tail that stayed", 0, va(big, AMDGPU_VA_OP_UNMAP, flags, at + 2 * PAGE, 0, PAGE));
	refuse("va: nothing is left", ENOENT, va(big, AMDGPU_VA_OP_UNMAP, flags, at, 0, PAGE));
}

static int context(uint32_t op, uint32_t flags, uint32_t id, uint32_t *id_out)
{
	union drm_amdgpu_ctx args = {.in = {.op = op, .flags = flags, .ctx_id = id}};
	int ret = call(DRM_IOCTL_AMDGPU_CTX, &args);

	if (!ret && id_out)
		*id_out = args.out.alloc.ctx_id;
	return ret;
}

static int list(uint32_t op, uint32_t handle, uint32_t number, uint64_t from)
{
	union drm_amdgpu_bo_list args = {.in = {.operation = op,
						.list_handle = handle,
						.bo_number = number,
						.bo_info_size = sizeof(struct drm_amdgpu_bo_list_entry),
						.bo_info_ptr = from}};

	return call(DRM_IOCTL_AMDGPU_BO_LIST, &args);
}

static int info(uint32_t query, uint64_t to, uint32_t size_B, uint32_t type, uint32_t instance)
{
	struct drm_amdgpu_info args = {.return_pointer = to,
				       .return_size = size_B,
				       .query = query,
				       .query_hw_ip = {.type = type, .ip_instance = instance}};

	return call(DRM_IOCTL_AMDGPU_INFO, &args);
}

static int vm(uint32_t op, uint32_t flags)
{
	union drm_amdgpu_vm args = {.in = {.op = op, .flags = flags}};

	return call(DRM_IOCTL_AMDGPU_VM, &args);
}

static void tables(void)
{
	struct drm_amdgpu_bo_list_entry entry = {.bo_handle = bo}, none = {.bo_handle = NOWHERE};
	uint64_t room[16];

	refuse("ctx: no operation", EINVAL, context(0, 0, ctx, NULL));
	refuse("ctx: an unknown operation", EINVAL, context(9, 0, ctx, NULL));
	refuse("ctx: flags", EINVAL, context(AMDGPU_CTX_OP_ALLOC_CTX, 1, 0, NULL));
	refuse("ctx: an unknown power state", EINVAL, context(AMDGPU_CTX_OP_SET_STABLE_PSTATE, 99, ctx, NULL));
	refuse("ctx: free none", EINVAL, context(AMDGPU_CTX_OP_FREE_CTX, 0, NOWHERE, NULL));
	refuse("ctx: ask about none", EINVAL, context(AMDGPU_CTX_OP_QUERY_STATE2, 0, NOWHERE, NULL));
	refuse("list: an unknown operation", EINVAL, list(9, 0, 1, (uintptr_t)&entry));
	refuse("list: too long", EINVAL, list(AMDGPU_BO_LIST_OP_CREATE, 0, 1u << 20, (uintptr_t)&entry));
	refuse("list: from nowhere", EFAULT, list(AMDGPU_BO_LIST_OP_CREATE, 0, 1, BAD_POINTER));
	refuse("list: no such buffer", ENOENT, list(AMDGPU_BO_LIST_OP_CREATE, 0, 1, (uintptr_t)&none));
	refuse("list: no such list", ENOENT, list(AMDGPU_BO_LIST_OP_UPDATE, NOWHERE, 1, (uintptr_t)&entry));
	refuse("info: nowhere", EINVAL, info(AMDGPU_INFO_ACCEL_WORKING, 0, 4, 0, 0));
	refuse("info: no size", EINVAL, info(AMDGPU_INFO_ACCEL_WORKING, (uintptr_t)room, 0, 0, 0));
	refuse("info: a bad pointer", EFAULT, info(AMDGPU_INFO_ACCEL_WORKING, BAD_POINTER, 4, 0, 0));
	refuse("info: an unknown query", EINVAL, info(0xff, (uintptr_t)room, 8, 0, 0));
	refuse("info: an unknown engine", EINVAL, info(AMDGPU_INFO_HW_IP_INFO, (uintptr_t)room, 64, 99, 0));
	refuse("info: its second instance", EINVAL, info(AMDGPU_INFO_HW_IP_INFO, (uintptr_t)room, 64, 0, 1));
	refuse("info: too many registers", EINVAL, info(AMDGPU_INFO_READ_MMR_REG, (uintptr_t)room, 64, 0, 1000));
	refuse("vm: an unknown operation", EINVAL, vm(9, 0));
	refuse("vm: flags", EINVAL, vm(AMDGPU_VM_OP_RESERVE_VMID, 1));
}

static int wait_cs(uint32_t id, uint32_t ip, uint32_t instance, uint32_t ring, uint64_t seq)
{
	union drm_amdgpu_wait_cs args = {
		.in = {.handle = seq, .ip_type = ip, .ip_instance = instance, .ring = ring, .ctx_id = id}};

	return call(DRM_IOCTL_AMDGPU_WAIT_CS, &args);
}

static int wait_fences(uint64_t from, uint32_t count, uint32_t all)
{
	union drm_amdgpu_wait_fences args = {.in = {.fences = from, .fence_count = count, .wait_all = all}};

	return call(DRM_IOCTL_AMDGPU_WAIT_FENCES, &args);
}

static int to_handle(uint32_t id, uint32_t what)
{
	union drm_amdgpu_fence_to_handle args = {.in = {.fence = {.ctx_id = id}, .what = what}};

	return call(DRM_IOCTL_AMDGPU_FENCE_TO_HANDLE, &args);
}

static void waits(void)
{
	struct drm_amdgpu_fence none = {.ctx_id = NOWHERE};

	refuse("wait: no such context", EINVAL, wait_cs(NOWHERE, 0, 0, 0, 0));
	refuse("wait: an unknown engine", EINVAL, wait_cs(ctx, 9, 0, 0, 0));
	refuse("wait: its second instance", EINVAL, wait_cs(ctx, 0, 1, 0, 0));
	refuse("wait: an unknown ring", EINVAL, wait_cs(ctx, 0, 0, 9, 0));
	refuse("wait: what was never submitted", EINVAL, wait_cs(ctx, 0, 0, 0, 1000));
	refuse("fences: none", EINVAL, wait_fences((uintptr_t)&none, 0, 1));
	refuse("fences: too many", EINVAL, wait_fences((uintptr_t)&none, 1u << 20, 1));
	refuse("fences: from nowhere", EFAULT, wait_fences(BAD_POINTER, 1, 1));
	refuse("fences: all, no such context", EINVAL, wait_fences((uintptr_t)&none, 1, 1));
	refuse("fences: any, no such context", EINVAL, wait_fences((uintptr_t)&none, 1, 0));
	refuse("handle: no such context", EINVAL, to_handle(NOWHERE, AMDGPU_FENCE_TO_HANDLE_GET_SYNCOBJ));
	refuse("handle: of an unknown kind", EINVAL, to_handle(ctx, 99));
}

/* An IB in order and, if id is not 0, one chunk after it. */
static int submit2(struct drm_amdgpu_cs_chunk_ib ib, uint32_t id, const void *data, size_t size_B, uint32_t list_handle)
{
	struct drm_amdgpu_cs_chunk chunks[] = {{AMDGPU_CHUNK_ID_IB, sizeof(ib) / 4, (uintptr_t)&ib},
					       {id, (uint32_t)(size_B / 4), (uintptr_t)data}};
	uint64_t pointers[] = {(uintptr_t)&chunks[0], (uintptr_t)&chunks[1]};
	union drm_amdgpu_cs cs = {.in = {.ctx_id = ctx,
					 .bo_list_handle = list_handle,
					 .num_chunks = id ? 2 : 1,
					 .chunks = (uintptr_t)pointers}};

	return call(DRM_IOCTL_AMDGPU_CS, &cs);
}

static const struct drm_amdgpu_cs_chunk_ib good = {
	.va_start = 0x100000, .ib_bytes = 32, .ip_type = AMDGPU_HW_IP_COMPUTE};

static int chunk(uint32_t id, const void *data, size_t size_B)
{
	return submit2(good, id, data, size_B, 0);
}

static int cs_raw(uint32_t id, uint32_t count, uint64_t pointers)
{
	union drm_amdgpu_cs cs = {.in = {.ctx_id = id, .num_chunks = count, .chunks = pointers}};

	return call(DRM_IOCTL_AMDGPU_CS, &cs);
}

static void submissions(void)
{
	struct drm_amdgpu_cs_chunk odd[] = {{AMDGPU_CHUNK_ID_IB, 1, (uintptr_t)&good},
					    {AMDGPU_CHUNK_ID_IB, 8, BAD_POINTER},
					    {AMDGPU_CHUNK_ID_IB, 0x40000000, (uintptr_t)&good},
					    {AMDGPU_CHUNK_ID_SYNCOBJ_IN, 0, (uintptr_t)&good}};
	uint64_t pointers[] = {(uintptr_t)&odd[0], (uintptr_t)&odd[1], (uintptr_t)&odd[2], (uintptr_t)&odd[3],
			       BAD_POINTER};
	struct drm_amdgpu_cs_chunk_ib ib = good;

	refuse("cs: no chunk", EINVAL, cs_raw(ctx, 0, (uintptr_t)pointers));
	refuse("cs: too many chunks", EINVAL, cs_raw(ctx, 5000, (uintptr_t)pointers));
	refuse("cs: no such context", EINVAL, cs_raw(NOWHERE, 1, (uintptr_t)pointers));
	refuse("cs: pointers from nowhere", EFAULT, cs_raw(ctx, 1, BAD_POINTER));
	refuse("cs: a short chunk", EINVAL, cs_raw(ctx, 1, (uintptr_t)&pointers[0]));
	refuse("cs: a chunk's data from nowhere", EFAULT, cs_raw(ctx, 1, (uintptr_t)&pointers[1]));
	refuse("cs: an endless chunk", EINVAL, cs_raw(ctx, 1, (uintptr_t)&pointers[2]));
	refuse("cs: no IB", EINVAL, cs_raw(ctx, 1, (uintptr_t)&pointers[3]));
	refuse("cs: a chunk from nowhere", EFAULT, cs_raw(ctx, 1, (uintptr_t)&pointers[4]));
	refuse("cs: an unknown chunk", EINVAL, chunk(99, &good, sizeof(good)));
	refuse("cs: no such list", ENOENT, submit2(good, 0, NULL, 0, NOWHERE));
	ib.ip_type = 9;
	refuse("ib: an unknown engine", EINVAL, submit2(ib, 0, NULL, 0, 0));
	ib = good, ib.ip_instance = 1;
	refuse("ib: its second instance", EINVAL, submit2(ib, 0, NULL, 0, 0));
	ib = good, ib.ring = 9;
	refuse("ib: an unknown ring", EINVAL, submit2(ib, 0, NULL, 0, 0));
	ib = good, ib.ib_bytes = 0x400000;
	refuse("ib: too long", EINVAL, submit2(ib, 0, NULL, 0, 0));
	ib = good, ib.ip_type = AMDGPU_HW_IP_GFX;
	refuse("ib: of another entity", EINVAL, chunk(AMDGPU_CHUNK_ID_IB, &ib, sizeof(ib)));
}

static void chunks(void)
{
	struct drm_amdgpu_cs_chunk_fence fence = {.handle = NOWHERE};
	struct drm_amdgpu_cs_chunk_dep dep = {.ctx_id = NOWHERE};
	struct drm_amdgpu_cs_chunk_sem sem = {.handle = NOWHERE};
	struct drm_amdgpu_cs_chunk_syncobj point = {.handle = NOWHERE, .point = 1};
	struct drm_amdgpu_bo_list_entry entry = {.bo_handle = NOWHERE};
	struct drm_amdgpu_bo_list_in bos = {
		.bo_number = 1, .bo_info_size = sizeof(entry), .bo_info_ptr = (uintptr_t)&entry};
	struct drm_syncobj_create syncobj = {0};

	refuse("fence: no such buffer", EINVAL, chunk(AMDGPU_CHUNK_ID_FENCE, &fence, sizeof(fence)));
	fence.handle = big;
	refuse("fence: more than a page", EINVAL, chunk(AMDGPU_CHUNK_ID_FENCE, &fence, sizeof(fence)));
	fence.handle = bo, fence.offset = PAGE - 4;
	refuse("fence: over the end", EINVAL, chunk(AMDGPU_CHUNK_ID_FENCE, &fence, sizeof(fence)));
	fence.offset = 4;
	refuse("fence: an odd offset", EINVAL, chunk(AMDGPU_CHUNK_ID_FENCE, &fence, sizeof(fence)));
	refuse("bos: no such buffer", ENOENT, chunk(AMDGPU_CHUNK_ID_BO_HANDLES, &bos, sizeof(bos)));
	bos.bo_info_ptr = BAD_POINTER;
	refuse("bos: from nowhere", EFAULT, chunk(AMDGPU_CHUNK_ID_BO_HANDLES, &bos, sizeof(bos)));
	refuse("dependency: no such context", EINVAL, chunk(AMDGPU_CHUNK_ID_DEPENDENCIES, &dep, sizeof(dep)));
	dep.ctx_id = ctx, dep.ip_type = AMDGPU_HW_IP_COMPUTE, dep.handle = 1000;
	refuse("dependency: never submitted", EINVAL, chunk(AMDGPU_CHUNK_ID_DEPENDENCIES, &dep, sizeof(dep)));
	dep.ip_type = 9;
	refuse("dependency: an unknown engine", EINVAL, chunk(AMDGPU_CHUNK_ID_DEPENDENCIES, &dep, sizeof(dep)));
	refuse("syncobj in: none", ENOENT, chunk(AMDGPU_CHUNK_ID_SYNCOBJ_IN, &sem, sizeof(sem)));
	refuse("syncobj out: none", EINVAL, chunk(AMDGPU_CHUNK_ID_SYNCOBJ_OUT, &sem, sizeof(sem)));
	refuse("point in: none", ENOENT, chunk(AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_WAIT, &point, sizeof(point)));
	refuse("point out: none", EINVAL, chunk(AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_SIGNAL, &point, sizeof(point)));
	refuse("syncobj", 0, call(DRM_IOCTL_SYNCOBJ_CREATE, &syncobj));
	sem.handle = point.handle = syncobj.handle;
	refuse("syncobj in: empty", EINVAL, chunk(AMDGPU_CHUNK_ID_SYNCOBJ_IN, &sem, sizeof(sem)));
	point.flags = 1u << 20;
	refuse("point in: an unknown flag", EINVAL,
	       chunk(AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_WAIT, &point, sizeof(point)));
}

/* What the open file says of itself has this line. */
static int told(const char *line)
{
	char name[64], text[4096] = "";
	FILE *file;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	file = fopen(name, "r");
	if (file) {
		text[fread(text, 1, sizeof(text) - 1, file)] = 0;
		fclose(file);
	}
	return strstr(text, line) ? 0 : ENODATA;
}

int main(int argc, char **argv)
{
	const char *node = argc > 1 ? argv[1] : "";
	uint32_t *map;
	uint64_t offset;

	setvbuf(stdout, NULL, _IOLBF, 0);
	fd = open(node, O_RDWR | O_CLOEXEC);
	if (fd < 0 || context(AMDGPU_CTX_OP_ALLOC_CTX, 0, 0, &ctx) || create(PAGE, AMDGPU_GEM_DOMAIN_GTT, 0, &bo) ||
	    create(4ull * PAGE, AMDGPU_GEM_DOMAIN_GTT, 0, &big) || offset_of(bo, &offset)) {
		perror("usage: refuse NODE");
		return 2;
	}
	refuse("fdinfo: the driver", 0, told("drm-driver:\tamdgpu\n"));
	refuse("fdinfo: host memory", 0, told("drm-memory-gtt:\t20 KiB\n"));
	refuse("fdinfo: device memory", 0, told("drm-memory-vram:\t0 KiB\n"));
	memory(node);
	refuse("fdinfo: device memory", 0, told("drm-memory-vram:\t4 KiB\n"));
	objects();
	addresses();
	tables();
	submissions();
	chunks();
	waits();
	/* and a job of NOPs after all that */
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	if (map == MAP_FAILED)
		return 1;
	for (unsigned i = 0; i < 8; i++)
		map[i] = 0xffff1000u;
	refuse("va", 0,
	       va(bo, AMDGPU_VA_OP_MAP, AMDGPU_VM_PAGE_READABLE | AMDGPU_VM_PAGE_EXECUTABLE, good.va_start, 0, PAGE));
	refuse("cs", 0, chunk(0, NULL, 0));
	refuse("cs: is the first", EINVAL, wait_cs(ctx, AMDGPU_HW_IP_COMPUTE, 0, 0, 2));
	printf("refuse: %u checks, %u wrong\n", refused, wrong);
	return wrong != 0;
}

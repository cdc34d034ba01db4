/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the chunks of a CS ioctl, and as the IB that runs: the soft node answers with 0 or an errno, jobs end,
 * and closing the file leaves nothing. The input: one byte of count, then for each chunk an id, a length and its data.
 */
#include "node/node.h"
#include "soft/abi.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

extern const struct df_soft_ops df_soft_ops;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VA         0x10000000ull
#define MAX_CHUNKS 8u

/* A file with handle 1 mapped at VA, context 1, syncobj 1 (signalled) and BO list 1. */
static void *prepare(const uint8_t *data, size_t size)
{
	static const char *const specs[] = {"gfx1030,kernel=6.1,threads=1,timeout_ms=20",
					    "gfx1030,kernel=7.2,threads=1,timeout_ms=20"};
	char error[256];
	void *file = df_soft_ops.open(specs[size & 1], error, sizeof(error)), *map;
	union drm_amdgpu_gem_create create = {.in = {.bo_size = 4096, .domains = AMDGPU_GEM_DOMAIN_GTT}};
	struct drm_amdgpu_gem_va va = {
		.handle = 1, .operation = AMDGPU_VA_OP_MAP, .flags = 0xe, .va_address = VA, .map_size = 4096};
	union drm_amdgpu_gem_mmap offset = {.in = {.handle = 1}};
	union drm_amdgpu_ctx ctx = {.in = {.op = AMDGPU_CTX_OP_ALLOC_CTX}};
	struct drm_syncobj_create syncobj = {.flags = DRM_SYNCOBJ_CREATE_SIGNALED};

	if (!file)
		return NULL;
	df_soft_ops.ioctl(file, DRM_IOCTL_AMDGPU_GEM_CREATE, &create);
	df_soft_ops.ioctl(file, DRM_IOCTL_AMDGPU_GEM_MMAP, &offset);
	map = df_soft_ops.mmap(file, NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, offset.out.addr_ptr);
	if (map != MAP_FAILED) {
		memcpy(map, data, size < 4096 ? size : 4096);
		df_soft_ops.munmap(file, map, 4096);
	}
	df_soft_ops.ioctl(file, DRM_IOW(DRM_COMMAND_BASE + DRM_AMDGPU_GEM_VA, struct drm_amdgpu_gem_va), &va);
	df_soft_ops.ioctl(file, DRM_IOCTL_AMDGPU_CTX, &ctx);
	df_soft_ops.ioctl(file, DRM_IOCTL_SYNCOBJ_CREATE, &syncobj);
	return file;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct drm_amdgpu_cs_chunk chunks[MAX_CHUNKS];
	uint64_t pointers[MAX_CHUNKS];
	uint32_t copy[MAX_CHUNKS][32];
	union drm_amdgpu_cs cs = {.in = {.ctx_id = 1, .chunks = (uintptr_t)pointers}};
	void *file;

	if (size < 4)
		return 0;
	file = prepare(data, size);
	if (!file)
		return 0;
	cs.in.num_chunks = data[0] % (MAX_CHUNKS + 1);
	for (uint32_t i = 0, at = 1; i < cs.in.num_chunks; i++) {
		size_t left = size > at ? size - at : 0;

		memset(copy[i], 0, sizeof(copy[i]));
		chunks[i].chunk_id = left ? data[at] % 12u : 1;
		chunks[i].length_dw = left > 1 ? data[at + 1] % 33u : 8;
		chunks[i].chunk_data = (uintptr_t)copy[i];
		pointers[i] = (uintptr_t)&chunks[i];
		if (left > 2)
			memcpy(copy[i], data + at + 2, left - 2 < sizeof(copy[i]) ? left - 2 : sizeof(copy[i]));
		if (chunks[i].chunk_id == AMDGPU_CHUNK_ID_IB && (copy[i][0] & 1)) { /* often one that runs */
			struct drm_amdgpu_cs_chunk_ib ib = {
				.va_start = VA, .ib_bytes = 64 + (copy[i][2] & 0x3c0), .ip_type = copy[i][1] % 3};

			memcpy(copy[i], &ib, sizeof(ib));
		}
		at += 2 + chunks[i].length_dw * 4;
	}
	df_soft_ops.ioctl(file, DRM_IOCTL_AMDGPU_CS, &cs);
	df_soft_ops.close(file);
	return 0;
}

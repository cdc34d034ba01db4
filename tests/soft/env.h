/* SPDX-License-Identifier: MIT */
/* env.h - what every test of the soft node needs: an open device, ioctls as 0 or -errno, buffers, streams. */
#ifndef TESTS_SOFT_ENV_H
#define TESTS_SOFT_ENV_H

#include "node/node.h"
#include "soft/abi.h"

#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

extern const struct df_soft_ops df_soft_ops;

/* Opens, or fails the test. */
void *env_open(const char *spec);
void env_close(void *file);
/* 0 or a positive result, or -errno. */
int env_ioctl(void *file, unsigned long request, void *arg);
uint64_t env_stat(void *file, const char *name);

struct env_bo {
	uint32_t handle;
	uint64_t size, va;
	uint32_t *map;
};
uint32_t env_gem(void *file, uint64_t size, uint32_t domains, uint64_t flags);
/* GTT memory, mapped for the CPU and at va for the GPU (read, write, execute). */
struct env_bo env_bo(void *file, uint64_t size, uint64_t va);
int env_va(void *file, uint32_t operation, uint32_t handle, uint64_t va, uint64_t offset, uint64_t size,
	   uint32_t flags);
uint32_t env_ctx(void *file);
uint32_t env_syncobj(void *file, int signaled);

#define ENV_RWX        (AMDGPU_VM_PAGE_READABLE | AMDGPU_VM_PAGE_WRITEABLE | AMDGPU_VM_PAGE_EXECUTABLE)
#define ENV_MAX_CHUNKS 8

struct env_cs {
	uint32_t ctx, bo_list, chunk_count;
	struct drm_amdgpu_cs_chunk chunks[ENV_MAX_CHUNKS];
	struct drm_amdgpu_cs_chunk_ib ib;
	uint64_t seq;
};
void env_chunk(struct env_cs *cs, uint32_t id, const void *data, size_t size);
/* One IB on a ring of ip. */
struct env_cs env_cs(uint32_t ctx, uint32_t ip, uint64_t va, uint32_t bytes);
int env_submit(void *file, struct env_cs *cs);
/* 0, 1 when still busy at the deadline, or -errno. timeout_ms < 0: for ever. */
int env_wait(void *file, uint32_t ctx, uint32_t ip, uint64_t seq, int timeout_ms);
int64_t env_after_ms(int ms);

/* PM4, padded with NOPs to 8 dwords. Each gives the bytes of the stream. */
uint32_t env_stream_nop(uint32_t *at);
uint32_t env_stream_write(uint32_t *at, uint64_t address, uint32_t value);
/* Waits until *address == value: what hangs until the CPU writes it. */
uint32_t env_stream_wait(uint32_t *at, uint64_t address, uint32_t value);

/* Suite with one case of all tests. */
int env_main(const char *name, const TTest *const *tests, size_t count);

#define ck_err(expected, call) ck_assert_int_eq(call, -(expected))
#define ck_ok(call)            ck_assert_int_eq(call, 0)

#endif

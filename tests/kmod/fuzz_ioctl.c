/* SPDX-License-Identifier: MIT */
/*
 * fuzz_ioctl.c - random ioctls on the render node: fuzz_ioctl NODE CALLS SEED. Arguments are half sense, half noise:
 * small handles, addresses of valid memory, flags of few bits, so that calls get past the first check. Nothing is
 * expected of the answers but that there is one; the kernel log is the judge. Waits never last: their deadlines are in
 * the past. With FUZZ_FAILURES set, allocations of the kernel fail for this process as failslab has been told.
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

static const unsigned long requests[] = {
	DRM_IOCTL_AMDGPU_GEM_CREATE,   DRM_IOCTL_AMDGPU_GEM_MMAP,
	DRM_IOCTL_AMDGPU_CTX,          DRM_IOCTL_AMDGPU_BO_LIST,
	DRM_IOCTL_AMDGPU_CS,           DRM_IOCTL_AMDGPU_CS,
	DRM_IOCTL_AMDGPU_CS,           DRM_IOCTL_AMDGPU_INFO,
	DRM_IOCTL_AMDGPU_GEM_METADATA, DRM_IOCTL_AMDGPU_GEM_WAIT_IDLE,
	DRM_IOCTL_AMDGPU_GEM_VA,       DRM_IOCTL_AMDGPU_GEM_VA,
	DRM_IOCTL_AMDGPU_WAIT_CS,      DRM_IOCTL_AMDGPU_GEM_OP,
	DRM_IOCTL_AMDGPU_GEM_USERPTR,  DRM_IOCTL_AMDGPU_WAIT_FENCES,
	DRM_IOCTL_AMDGPU_VM,           DRM_IOCTL_AMDGPU_FENCE_TO_HANDLE,
	DRM_IOCTL_GEM_CLOSE,           DRM_IOCTL_PRIME_HANDLE_TO_FD,
	DRM_IOCTL_PRIME_FD_TO_HANDLE,  DRM_IOCTL_SYNCOBJ_CREATE,
	DRM_IOCTL_SYNCOBJ_DESTROY,     DRM_IOCTL_SYNCOBJ_RESET,
	DRM_IOCTL_SYNCOBJ_SIGNAL,      DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL,
	DRM_IOCTL_SYNCOBJ_TRANSFER,    DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD,
	DRM_IOCTL_SYNCOBJ_QUERY,
};
#define REQUESTS (sizeof(requests) / sizeof(requests[0]))
#define ARENA    (64 * 4096u)

static uint64_t *arena;
static uint64_t seed;

static uint32_t rnd(void)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33);
}

static uint64_t word(void)
{
	switch (rnd() % 10) {
	case 0:
	case 1:
		return rnd() % 6;
	case 2:
		return (uint64_t)(rnd() % 8) << 32 | rnd() % 8;
	case 3:
		return (uintptr_t)arena + (rnd() % ARENA & ~7u);
	case 4:
		return 4096ull * (rnd() % 64);
	case 5:
		return 0x100000 + 4096ull * (rnd() % 256);
	case 6:
		return 1ull << rnd() % 64;
	case 7:
		return (uint64_t)(1u << rnd() % 5) << 32 | 1u << rnd() % 5;
	case 8:
		return 0;
	default:
		return (uint64_t)rnd() << 32 ^ rnd();
	}
}

/* A submission with most of it in order: context 1, an IB, and one chunk of noise. */
static void make_cs(union drm_amdgpu_cs *cs)
{
	struct drm_amdgpu_cs_chunk *chunks = (struct drm_amdgpu_cs_chunk *)(void *)(arena + 1024);
	struct drm_amdgpu_cs_chunk_ib *ib = (struct drm_amdgpu_cs_chunk_ib *)(void *)(arena + 1536);
	unsigned n = 1 + rnd() % 3;

	memset(cs, 0, sizeof(*cs));
	*ib = (struct drm_amdgpu_cs_chunk_ib){.va_start = 0x100000 + 4096ull * (rnd() % 64),
					      .ib_bytes = 32 * (1 + rnd() % 64),
					      .ip_type = rnd() % 3,
					      .ring = rnd() % 2,
					      .flags = rnd() % 8 ? 0 : rnd()};
	chunks[0] = (struct drm_amdgpu_cs_chunk){AMDGPU_CHUNK_ID_IB, sizeof(*ib) / 4, (uintptr_t)ib};
	arena[512] = (uintptr_t)chunks;
	for (unsigned i = 1; i < n; i++) {
		chunks[i] = (struct drm_amdgpu_cs_chunk){1 + rnd() % 9, rnd() % 16, (uintptr_t)(arena + rnd() % 4096)};
		arena[512 + i] = (uintptr_t)(chunks + i);
	}
	cs->in.ctx_id = 1 + rnd() % 3;
	cs->in.num_chunks = n;
	cs->in.chunks = (uintptr_t)(arena + 512);
}

static void one(int fd)
{
	unsigned long request = requests[rnd() % REQUESTS];
	uint64_t arg[40];
	void *map;

	for (unsigned i = 0; i < sizeof(arg) / sizeof(arg[0]); i++)
		arg[i] = word();
	if (request == DRM_IOCTL_AMDGPU_CS && rnd() % 8)
		make_cs((union drm_amdgpu_cs *)(void *)arg);
	if (request == DRM_IOCTL_AMDGPU_GEM_CREATE) {
		arg[0] = 4096ull * (1 + rnd() % 64);
		arg[2] = 1u << (1 + rnd() % 2);
		if (rnd() % 4)
			arg[3] &= 0x7f;
	}
	if (request == DRM_IOCTL_AMDGPU_GEM_MMAP && !ioctl(fd, request, arg)) {
		map = mmap(NULL, 4096ull * (1 + rnd() % 16), PROT_READ | PROT_WRITE,
			   rnd() % 4 ? MAP_SHARED : MAP_PRIVATE, fd, (off_t)arg[0]);
		if (map != MAP_FAILED)
			munmap(map, 4096);
		return;
	}
	if (request == DRM_IOCTL_AMDGPU_WAIT_CS || request == DRM_IOCTL_AMDGPU_GEM_WAIT_IDLE ||
	    request == DRM_IOCTL_AMDGPU_WAIT_FENCES)
		arg[1] = rnd() % 1000; /* the deadline, long past; where it is not, noise in its place */
	/* The core forgets to give a syncobj back when it refuses a flag (6.12, drm_syncobj_find_fence()). */
	if (request == DRM_IOCTL_SYNCOBJ_TRANSFER)
		arg[3] &= ~0xffffffffull;
	/* The DRM core's own arrays: with a count of millions the page allocator itself warns, whatever the driver. */
	if (_IOC_NR(request) >= 0xc3 && _IOC_NR(request) <= 0xcd) {
		arg[1] &= 0xff000000ffu;
		arg[2] &= 0xff000000ffu;
	}
	ioctl(fd, request, arg);
}

/* File descriptors that calls have made. */
static void close_all(int from)
{
	for (int fd = from; fd < from + 200; fd++)
		close(fd);
}

static int allow_failures(void)
{
	int fd = getenv("FUZZ_FAILURES") ? open("/proc/self/make-it-fail", O_WRONLY) : -1;
	int ret = fd < 0 ? 0 : write(fd, "1", 1) != 1;

	if (fd >= 0)
		close(fd);
	return getenv("FUZZ_FAILURES") ? fd < 0 || ret : 0;
}

/* Opening may fail for want of memory, too. */
static int open_again(const char *node)
{
	int fd;

	do
		fd = open(node, O_RDWR);
	while (fd < 0 && errno == ENOMEM);
	return fd;
}

int main(int argc, char **argv)
{
	unsigned calls = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 0;
	int fd = argc > 1 ? open(argv[1], O_RDWR) : -1;

	if (fd < 0 || !calls) {
		fprintf(stderr, "usage: fuzz_ioctl NODE CALLS SEED\n");
		return 2;
	}
	seed = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;
	arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if ((void *)arena == MAP_FAILED)
		return 1;
	if (allow_failures()) {
		fprintf(stderr, "fuzz_ioctl: this kernel cannot make allocations fail\n");
		return 1;
	}
	alarm(3000);
	for (unsigned i = 0; i < calls; i++) {
		if (i % 64 == 0)
			for (unsigned j = 0; j < ARENA / 8; j += 1 + rnd() % 4)
				arena[j] = word();
		one(fd);
		if (i % 500 == 499) {
			close_all(fd);
			fd = open_again(argv[1]);
			if (fd < 0)
				return errno == ENODEV ? 0 : 1;
		}
	}
	printf("fuzz_ioctl: %u calls\n", calls);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * client.c - a client of the render node with bare ioctls: what the tests in the VM are made of. client NODE VERB [N]:
 *
 *   jobs N     N empty jobs, at most 32 in flight; prints the cost of one
 *   cycles N   N children, each opens, submits and exits without a word; every tenth leaves a job that hangs
 *   kills N    N children that submit without end, each killed at a random moment
 *   hang       a job that never ends: guilty, -ETIME, a new context goes on
 *   bystander  beside a hang: jobs of this process all succeed
 *   load       jobs until the device is gone: exit status 0 when every error is ENODEV
 *   memory     takes memory until there is none: a clean error, then as much again
 *   userptr    the process's own memory under the GPU, also after it was changed
 *   passing    a buffer through a file descriptor to another open file, and zeros in new memory
 */
#include <errno.h>
#include <fcntl.h>
#include <libdrm/amdgpu_drm.h>
#include <libdrm/drm.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096 };
/* PM4 headers of type 3 (nvd.h); a NOP of count 0x3fff is one dword. */
#define NOP          0xffff1000u
#define WAIT_REG_MEM 0xc0053c00u
#define WRITE_DATA   0xc0033700u

static const char *node;

struct client {
	int fd;
	uint32_t ctx, ib_handle;
	uint32_t *ib;
	uint64_t ib_va;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int request(int fd, unsigned long number, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, number, arg);
	} while (ret < 0 && (errno == EINTR || errno == EAGAIN));
	return ret < 0 ? -errno : 0;
}

static void must(int ret, const char *what)
{
	if (!ret)
		return;
	printf("client: %s: %s\n", what, strerror(-ret));
	exit(1);
}

static void expect(int holds, const char *what)
{
	if (holds)
		return;
	printf("client: not so: %s\n", what);
	exit(1);
}

static int bo_create(int fd, uint64_t size_B, uint32_t domain, uint64_t flags, uint32_t *handle_out)
{
	union drm_amdgpu_gem_create args = {
		.in = {.bo_size = size_B, .alignment = PAGE, .domains = domain, .domain_flags = flags}};
	int ret = request(fd, DRM_IOCTL_AMDGPU_GEM_CREATE, &args);

	*handle_out = args.out.handle;
	return ret;
}

static void bo_close(int fd, uint32_t handle)
{
	struct drm_gem_close args = {.handle = handle};

	request(fd, DRM_IOCTL_GEM_CLOSE, &args);
}

static int bo_map(int fd, uint32_t handle, size_t size_B, void **map_out)
{
	union drm_amdgpu_gem_mmap args = {.in = {.handle = handle}};
	int ret = request(fd, DRM_IOCTL_AMDGPU_GEM_MMAP, &args);

	if (ret)
		return ret;
	*map_out = mmap(NULL, size_B, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)args.out.addr_ptr);
	return *map_out == MAP_FAILED ? -errno : 0;
}

static int va_map(int fd, uint32_t handle, uint64_t va, uint64_t size_B)
{
	struct drm_amdgpu_gem_va args = {.handle = handle,
					 .operation = AMDGPU_VA_OP_MAP,
					 .flags = AMDGPU_VM_PAGE_READABLE | AMDGPU_VM_PAGE_WRITEABLE |
						  AMDGPU_VM_PAGE_EXECUTABLE,
					 .va_address = va,
					 .map_size = size_B};

	return request(fd, DRM_IOCTL_AMDGPU_GEM_VA, &args);
}

static int ctx_create(int fd, uint32_t *ctx_out)
{
	union drm_amdgpu_ctx args = {.in = {.op = AMDGPU_CTX_OP_ALLOC_CTX}};
	int ret = request(fd, DRM_IOCTL_AMDGPU_CTX, &args);

	*ctx_out = args.out.alloc.ctx_id;
	return ret;
}

static int client_open(struct client *c)
{
	void *map = NULL;
	int ret;

	memset(c, 0, sizeof(*c));
	c->ib_va = 0x100000;
	c->fd = open(node, O_RDWR | O_CLOEXEC);
	if (c->fd < 0)
		return -errno;
	ret = ctx_create(c->fd, &c->ctx);
	if (!ret)
		ret = bo_create(c->fd, PAGE, AMDGPU_GEM_DOMAIN_GTT, 0, &c->ib_handle);
	if (!ret)
		ret = bo_map(c->fd, c->ib_handle, PAGE, &map);
	if (!ret)
		ret = va_map(c->fd, c->ib_handle, c->ib_va, PAGE);
	c->ib = map;
	for (unsigned i = 0; !ret && i < PAGE / 4; i++)
		c->ib[i] = NOP;
	return ret;
}

static void client_close(struct client *c)
{
	if (c->ib)
		munmap(c->ib, PAGE);
	close(c->fd);
}

/* The first dwords of the IB, on the compute ring; list names further buffers. */
static int submit(struct client *c, unsigned dwords, const uint32_t *list, unsigned count, uint64_t *seq_out)
{
	struct drm_amdgpu_cs_chunk_ib ib = {
		.va_start = c->ib_va, .ib_bytes = dwords * 4, .ip_type = AMDGPU_HW_IP_COMPUTE};
	struct drm_amdgpu_bo_list_entry entries[4] = {{.bo_handle = c->ib_handle}};
	struct drm_amdgpu_bo_list_in bos = {.operation = ~0u,
					    .list_handle = ~0u,
					    .bo_number = 1 + count,
					    .bo_info_size = sizeof(entries[0]),
					    .bo_info_ptr = (uintptr_t)entries};
	struct drm_amdgpu_cs_chunk chunks[] = {
		{AMDGPU_CHUNK_ID_IB, sizeof(ib) / 4, (uintptr_t)&ib},
		{AMDGPU_CHUNK_ID_BO_HANDLES, sizeof(bos) / 4, (uintptr_t)&bos},
	};
	uint64_t addresses[] = {(uintptr_t)&chunks[0], (uintptr_t)&chunks[1]};
	union drm_amdgpu_cs cs = {.in = {.ctx_id = c->ctx, .num_chunks = 2, .chunks = (uintptr_t)addresses}};
	int ret;

	for (unsigned i = 0; i < count; i++)
		entries[1 + i].bo_handle = list[i];
	ret = request(c->fd, DRM_IOCTL_AMDGPU_CS, &cs);
	*seq_out = cs.out.handle;
	return ret;
}

/* 0, -EBUSY at the deadline, or the kernel's verdict. */
static int wait_for(struct client *c, uint64_t seq, unsigned seconds)
{
	union drm_amdgpu_wait_cs args = {.in = {.handle = seq,
						.timeout = now_ns() + seconds * 1000000000ull,
						.ip_type = AMDGPU_HW_IP_COMPUTE,
						.ctx_id = c->ctx}};
	int ret = request(c->fd, DRM_IOCTL_AMDGPU_WAIT_CS, &args);

	return ret ? ret : args.out.status ? -EBUSY : 0;
}

static void write_job(struct client *c, uint64_t va, uint32_t value)
{
	const uint32_t packet[] = {WRITE_DATA, 5u << 8 | 1u << 20, (uint32_t)va, (uint32_t)(va >> 32), value, NOP, NOP,
				   NOP};

	memcpy(c->ib, packet, sizeof(packet));
}

/* Waits for a dword that nobody writes. */
static void hang_job(struct client *c)
{
	const uint64_t va = c->ib_va + PAGE - 4;
	const uint32_t packet[] = {WAIT_REG_MEM, 3 | 1 << 4, (uint32_t)va, (uint32_t)(va >> 32), 1, ~0u, 4, NOP};

	c->ib[PAGE / 4 - 1] = 0;
	memcpy(c->ib, packet, sizeof(packet));
}

static int jobs(unsigned n)
{
	struct client c;
	uint64_t seq = 0, start;

	must(client_open(&c), "open");
	start = now_ns();
	for (unsigned i = 0; i < n; i++)
		must(submit(&c, 8, NULL, 0, &seq), "submit");
	must(wait_for(&c, seq, 120), "wait");
	printf("client: %u empty jobs, %llu ns each\n", n, (unsigned long long)((now_ns() - start) / n));
	client_close(&c);
	return 0;
}

static int child_cycle(unsigned i)
{
	struct client c;
	uint64_t seq;

	must(client_open(&c), "open");
	for (unsigned j = 0; j < 3; j++)
		must(submit(&c, 8, NULL, 0, &seq), "submit");
	if (i % 100 == 99) {
		hang_job(&c);
		must(submit(&c, 8, NULL, 0, &seq), "submit");
		raise(SIGKILL);
	}
	_exit(0);
}

static int cycles(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		pid_t pid = fork();
		int status;

		if (!pid)
			child_cycle(i);
		waitpid(pid, &status, 0);
		expect(WIFEXITED(status) ? !WEXITSTATUS(status) : WTERMSIG(status) == SIGKILL, "a child succeeds");
	}
	return 0;
}

static void child_endless(void)
{
	struct client c;
	uint64_t seq;
	uint32_t extra;

	must(client_open(&c), "open");
	for (unsigned i = 0;; i++) {
		must(bo_create(c.fd, 4 * PAGE, AMDGPU_GEM_DOMAIN_VRAM, 0, &extra), "create");
		must(va_map(c.fd, extra, 0x200000 + (i % 16) * 0x10000, 4 * PAGE), "map");
		must(submit(&c, 8, &extra, 1, &seq), "submit");
		if (i % 3 == 0)
			wait_for(&c, seq, 1);
		bo_close(c.fd, extra);
	}
}

static int kills(unsigned n)
{
	srand(1);
	for (unsigned i = 0; i < n; i++) {
		pid_t pid = fork();
		int status;

		if (!pid)
			child_endless();
		usleep((useconds_t)(rand() % 30000));
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		expect(WIFSIGNALED(status), "nothing failed before the kill");
	}
	return 0;
}

static uint32_t state(struct client *c)
{
	union drm_amdgpu_ctx args = {.in = {.op = AMDGPU_CTX_OP_QUERY_STATE2, .ctx_id = c->ctx}};

	must(request(c->fd, DRM_IOCTL_AMDGPU_CTX, &args), "state");
	return args.out.state.flags;
}

static int hang(void)
{
	struct client c;
	uint64_t seq;

	must(client_open(&c), "open");
	expect(state(&c) == 0, "a new context knows of no reset");
	hang_job(&c);
	must(submit(&c, 8, NULL, 0, &seq), "submit");
	expect(wait_for(&c, seq, 0) == -EBUSY, "the job still runs");
	expect(wait_for(&c, seq, 60) == -ETIME, "the job was ended with ETIME");
	expect(state(&c) & AMDGPU_CTX_QUERY2_FLAGS_GUILTY, "the context is guilty");
	expect(state(&c) & AMDGPU_CTX_QUERY2_FLAGS_RESET, "the reset was counted");
	must(ctx_create(c.fd, &c.ctx), "new context");
	c.ib[0] = c.ib[1] = c.ib[2] = c.ib[3] = c.ib[4] = c.ib[5] = c.ib[6] = NOP;
	must(submit(&c, 8, NULL, 0, &seq), "submit again");
	must(wait_for(&c, seq, 60), "wait again");
	client_close(&c);
	return 0;
}

/* Other rings than the one that hangs, then the same ring: all jobs end well. */
static int bystander(void)
{
	pid_t pid = fork();
	struct client c;
	uint64_t seq;
	int status;

	if (!pid)
		_exit(hang());
	must(client_open(&c), "open");
	do {
		for (unsigned i = 0; i < 16; i++)
			must(submit(&c, 8, NULL, 0, &seq), "submit");
		must(wait_for(&c, seq, 60), "wait");
		usleep(10000);
	} while (!waitpid(pid, &status, WNOHANG));
	expect(WIFEXITED(status) && !WEXITSTATUS(status), "the guilty one got its verdict");
	expect(!(state(&c) & AMDGPU_CTX_QUERY2_FLAGS_GUILTY), "nobody blames the bystander");
	client_close(&c);
	return 0;
}

static int load(void)
{
	struct client c;
	uint64_t seq = 0;
	int ret;

	must(client_open(&c), "open");
	do {
		ret = submit(&c, 8, NULL, 0, &seq);
		if (!ret && rand() % 4 == 0)
			ret = wait_for(&c, seq, 60);
		if (ret == -ECANCELED || ret == -ETIME) /* of a reset that went before the end */
			ret = ctx_create(c.fd, &c.ctx);
	} while (!ret);
	expect(ret == -ENODEV, "the error is ENODEV");
	c.ib[0] = 1; /* memory stays */
	expect(bo_create(c.fd, PAGE, AMDGPU_GEM_DOMAIN_GTT, 0, &c.ctx) == -ENODEV, "ENODEV everywhere");
	client_close(&c);
	return 0;
}

static unsigned take_all(int fd, uint32_t *handles, unsigned max)
{
	unsigned n = 0;

	while (n < max && !bo_create(fd, 8 << 20, AMDGPU_GEM_DOMAIN_VRAM, 0, &handles[n]))
		n++;
	return n;
}

static int memory(void)
{
	static uint32_t handles[4096];
	struct client c;
	unsigned first, again;
	uint64_t seq;

	must(client_open(&c), "open");
	first = take_all(c.fd, handles, 4096);
	expect(first > 4 && first < 4096, "memory has an end");
	expect(bo_create(c.fd, 8 << 20, AMDGPU_GEM_DOMAIN_VRAM, 0, &handles[first]) == -ENOMEM, "the error is ENOMEM");
	must(submit(&c, 8, NULL, 0, &seq), "submit without memory left");
	must(wait_for(&c, seq, 60), "wait without memory left");
	for (unsigned i = 0; i < first; i++)
		bo_close(c.fd, handles[i]);
	again = take_all(c.fd, handles, 4096);
	expect(again + 2 >= first, "what was given back can be had again");
	client_close(&c);
	return 0;
}

static int userptr(void)
{
	uint32_t *own = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct drm_amdgpu_gem_userptr args = {.addr = (uintptr_t)own,
					      .size = 4 * PAGE,
					      .flags = AMDGPU_GEM_USERPTR_ANONONLY | AMDGPU_GEM_USERPTR_VALIDATE |
						       AMDGPU_GEM_USERPTR_REGISTER};
	const uint64_t va = 0x400000;
	struct client c;
	uint64_t seq;

	must(client_open(&c), "open");
	must(request(c.fd, DRM_IOCTL_AMDGPU_GEM_USERPTR, &args), "userptr");
	must(va_map(c.fd, args.handle, va, 4 * PAGE), "map");
	for (uint32_t round = 1; round < 20; round++) {
		/* The pages behind the address change under the driver. */
		if (round % 3 == 0)
			own = mmap(own, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1,
				   0);
		expect(own != MAP_FAILED, "memory");
		write_job(&c, va + PAGE + 8, round);
		must(submit(&c, 8, &args.handle, 1, &seq), "submit");
		must(wait_for(&c, seq, 60), "wait");
		expect(own[PAGE / 4 + 2] == round, "the GPU wrote into the process's memory");
	}
	munmap(own, 4 * PAGE);
	expect(submit(&c, 8, &args.handle, 1, &seq) == -EFAULT, "memory that is gone is refused");
	client_close(&c);
	return 0;
}

static int passing(void)
{
	struct client one, two;
	struct drm_prime_handle prime = {.flags = DRM_CLOEXEC | DRM_RDWR};
	uint32_t *map, handle;
	void *memory;
	uint64_t seq;

	must(client_open(&one), "open");
	must(client_open(&two), "open");
	must(bo_create(one.fd, 16 * PAGE, AMDGPU_GEM_DOMAIN_VRAM, 0, &prime.handle), "create");
	must(bo_map(one.fd, prime.handle, 16 * PAGE, &memory), "map");
	map = memory;
	for (unsigned i = 0; i < 16 * PAGE / 4; i++)
		expect(!map[i], "new memory is zero");
	memset(map, 0x5a, 16 * PAGE);
	must(request(one.fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), "export");
	must(request(two.fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime), "import");
	handle = prime.handle;
	must(va_map(two.fd, handle, 0x800000, 16 * PAGE), "va");
	write_job(&two, 0x800000 + 3 * PAGE, 77);
	must(submit(&two, 8, &handle, 1, &seq), "submit");
	must(wait_for(&two, seq, 60), "wait");
	expect(map[3 * PAGE / 4] == 77, "what one file's job writes, the other's mapping reads");
	munmap(map, 16 * PAGE);
	close(prime.fd);
	client_close(&one);
	client_close(&two);
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[2] : "";
	unsigned n = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 0) : 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	node = argc > 1 ? argv[1] : "";
	if (!strcmp(verb, "jobs"))
		return jobs(n);
	if (!strcmp(verb, "cycles"))
		return cycles(n);
	if (!strcmp(verb, "kills"))
		return kills(n);
	if (!strcmp(verb, "hang"))
		return hang();
	if (!strcmp(verb, "bystander"))
		return bystander();
	if (!strcmp(verb, "load"))
		return load();
	if (!strcmp(verb, "memory"))
		return memory();
	if (!strcmp(verb, "userptr"))
		return userptr();
	if (!strcmp(verb, "passing"))
		return passing();
	fprintf(stderr, "usage: client NODE jobs|cycles|kills|hang|bystander|load|memory|userptr|passing [N]\n");
	return 2;
}

/* SPDX-License-Identifier: MIT */
/*
 * client.c - a client of the render node with bare ioctls: what the tests in the VM are made of. client NODE VERB [N]:
 *
 *   jobs N     N empty jobs, at most 32 in flight; prints the cost of one
 *   cycles N   N children, each opens, submits and exits without a word; every tenth leaves a job that hangs
 *   kills N    N children, each in one kind of ioctl without end, each killed at a random moment
 *   hang       a job that never ends: guilty, -ETIME, a new context goes on
 *   bystander  beside a hang: jobs of this process all succeed
 *   load       jobs until the device is gone: exit status 0 when every error is ENODEV
 *   memory     takes memory until there is none: a clean error, then as much again
 *   userptr    the process's own memory under the GPU, also after it was changed
 *   unmapping  the same, unmapped while jobs use it and while others' memory is let go
 *   special    memory of the GDS domain
 *   debugger   a mapping as /proc/self/mem shows it
 *   passing    a buffer through a file descriptor to another open file, and zeros in new memory
 *   fork       what a child may do with the file that it inherits, and what is left when it has ended
 *   strangers  the file and a buffer, by SCM_RIGHTS, to a process that has neither
 *   leaving    processes that exit with work in flight: their memory comes back, a bystander is unharmed
 */
#include <errno.h>
#include <fcntl.h>
#include <libdrm/amdgpu_drm.h>
#include <libdrm/drm.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
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

static int user_create(int fd, void *memory, uint64_t size_B, uint32_t *handle_out)
{
	struct drm_amdgpu_gem_userptr args = {.addr = (uintptr_t)memory,
					      .size = size_B,
					      .flags = AMDGPU_GEM_USERPTR_ANONONLY | AMDGPU_GEM_USERPTR_VALIDATE |
						       AMDGPU_GEM_USERPTR_REGISTER};
	int ret = request(fd, DRM_IOCTL_AMDGPU_GEM_USERPTR, &args);

	*handle_out = args.handle;
	return ret;
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

/* One round each of what a process may be killed in. */
static void round_submit(struct client *c, unsigned i)
{
	uint64_t seq;
	uint32_t extra;

	must(bo_create(c->fd, 4 * PAGE, AMDGPU_GEM_DOMAIN_VRAM, 0, &extra), "create");
	must(va_map(c->fd, extra, 0x200000 + (i % 16) * 0x10000, 4 * PAGE), "map");
	must(submit(c, 8, &extra, 1, &seq), "submit");
	if (i % 3 == 0)
		wait_for(c, seq, 1);
	bo_close(c->fd, extra);
}

static void round_ctx(struct client *c, unsigned i)
{
	union drm_amdgpu_ctx args = {.in = {.op = AMDGPU_CTX_OP_FREE_CTX, .ctx_id = c->ctx}};
	uint64_t seq;

	(void)i;
	must(submit(c, 8, NULL, 0, &seq), "submit");
	must(request(c->fd, DRM_IOCTL_AMDGPU_CTX, &args), "free");
	must(ctx_create(c->fd, &c->ctx), "context");
}

static void round_va(struct client *c, unsigned i)
{
	struct drm_amdgpu_gem_va args = {.handle = c->ib_handle,
					 .flags = AMDGPU_VM_PAGE_READABLE,
					 .va_address = 0x500000 + (i % 7) * PAGE,
					 .map_size = PAGE};
	uint64_t seq;

	must(submit(c, 8, NULL, 0, &seq), "submit"); /* what is unmapped waits for it */
	args.operation = AMDGPU_VA_OP_REPLACE;
	must(request(c->fd, DRM_IOCTL_AMDGPU_GEM_VA, &args), "replace");
	args.operation = i % 2 ? AMDGPU_VA_OP_CLEAR : AMDGPU_VA_OP_UNMAP;
	must(request(c->fd, DRM_IOCTL_AMDGPU_GEM_VA, &args), "unmap");
}

static void round_wait(struct client *c, unsigned i)
{
	struct drm_amdgpu_fence fence = {.ctx_id = c->ctx, .ip_type = AMDGPU_HW_IP_COMPUTE};
	union drm_amdgpu_wait_fences args = {
		.in = {.fences = (uintptr_t)&fence, .fence_count = 1, .timeout_ns = ~0ull >> 1}};
	union drm_amdgpu_gem_wait_idle idle = {.in = {.handle = c->ib_handle, .timeout = ~0ull >> 1}};

	must(submit(c, 8, NULL, 0, (uint64_t *)&fence.seq_no), "submit");
	args.in.wait_all = i % 2;
	must(request(c->fd, DRM_IOCTL_AMDGPU_WAIT_FENCES, &args), "wait");
	must(request(c->fd, DRM_IOCTL_AMDGPU_GEM_WAIT_IDLE, &idle), "wait idle");
}

static void round_list(struct client *c, unsigned i)
{
	struct drm_amdgpu_bo_list_entry entry = {.bo_handle = c->ib_handle};
	union drm_amdgpu_bo_list args = {.in = {.operation = AMDGPU_BO_LIST_OP_CREATE,
						.bo_number = 1,
						.bo_info_size = sizeof(entry),
						.bo_info_ptr = (uintptr_t)&entry}};
	const struct drm_amdgpu_bo_list_in in = args.in;
	uint32_t handle;

	must(request(c->fd, DRM_IOCTL_AMDGPU_BO_LIST, &args), "list");
	handle = args.out.list_handle;
	for (unsigned op = AMDGPU_BO_LIST_OP_UPDATE - i % 2; op >= AMDGPU_BO_LIST_OP_DESTROY; op--) {
		args.in = in;
		args.in.operation = op;
		args.in.list_handle = handle;
		must(request(c->fd, DRM_IOCTL_AMDGPU_BO_LIST, &args), "list");
	}
}

static void round_info(struct client *c, unsigned i)
{
	uint64_t room[32];
	struct drm_amdgpu_info info = {.return_pointer = (uintptr_t)room,
				       .return_size = sizeof(room),
				       .query = i % 2 ? AMDGPU_INFO_MEMORY : AMDGPU_INFO_DEV_INFO};
	struct drm_amdgpu_gem_metadata meta = {
		.handle = c->ib_handle, .op = AMDGPU_GEM_METADATA_OP_SET_METADATA, .data.data_size_bytes = 64};
	struct drm_amdgpu_gem_create_in created;
	struct drm_amdgpu_gem_op op = {
		.handle = c->ib_handle, .op = AMDGPU_GEM_OP_GET_GEM_CREATE_INFO, .value = (uintptr_t)&created};

	must(request(c->fd, DRM_IOCTL_AMDGPU_INFO, &info), "info");
	must(request(c->fd, DRM_IOCTL_AMDGPU_GEM_METADATA, &meta), "metadata");
	must(request(c->fd, DRM_IOCTL_AMDGPU_GEM_OP, &op), "op");
}

static void round_userptr(struct client *c, unsigned i)
{
	void *own = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t handle;
	uint64_t seq;

	must(user_create(c->fd, own, 4 * PAGE, &handle), "userptr");
	must(submit(c, 8, &handle, 1, &seq), "submit");
	if (i % 2) /* under the job */
		munmap(own, 4 * PAGE);
	bo_close(c->fd, handle);
	if (!(i % 2))
		munmap(own, 4 * PAGE);
}

static void round_share(struct client *c, unsigned i)
{
	struct drm_prime_handle prime = {.handle = c->ib_handle, .flags = DRM_CLOEXEC | DRM_RDWR};
	union drm_amdgpu_fence_to_handle args = {.in = {.fence = {.ctx_id = c->ctx, .ip_type = AMDGPU_HW_IP_COMPUTE}}};

	must(request(c->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), "export");
	must(request(c->fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime), "import");
	close(prime.fd);
	must(submit(c, 8, NULL, 0, (uint64_t *)&args.in.fence.seq_no), "submit");
	args.in.what = i % 2 ? AMDGPU_FENCE_TO_HANDLE_GET_SYNCOBJ_FD : AMDGPU_FENCE_TO_HANDLE_GET_SYNC_FILE_FD;
	must(request(c->fd, DRM_IOCTL_AMDGPU_FENCE_TO_HANDLE, &args), "fence");
	close((int)args.out.handle);
}

static void (*const rounds[])(struct client *c, unsigned i) = {round_submit, round_ctx,  round_va,      round_wait,
							       round_list,   round_info, round_userptr, round_share};

/* Says on the pipe when the first round is over. */
static void child_endless(unsigned kind, int pipe)
{
	struct client c;

	must(client_open(&c), "open");
	for (unsigned i = 0;; i++) {
		rounds[kind](&c, i);
		if (!i && write(pipe, "", 1) != 1)
			_exit(1);
	}
}

/* Every fourth is killed while it starts, else in the midst of its rounds. */
static int kills(unsigned n)
{
	srand(1);
	for (unsigned i = 0; i < n; i++) {
		int ends[2], status;
		char byte;
		pid_t pid;

		expect(!pipe(ends), "a pipe");
		pid = fork();
		if (!pid)
			child_endless(i % (sizeof(rounds) / sizeof(rounds[0])), ends[1]);
		close(ends[1]);
		if (i / 8 % 4 != 3)
			expect(read(ends[0], &byte, 1) == 1, "the child does its rounds");
		close(ends[0]);
		usleep((useconds_t)(rand() % 20000));
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
	uint32_t handle;
	const uint64_t va = 0x400000;
	struct client c;
	uint64_t seq;

	must(client_open(&c), "open");
	must(user_create(c.fd, own, 4 * PAGE, &handle), "userptr");
	must(va_map(c.fd, handle, va, 4 * PAGE), "map");
	for (uint32_t round = 1; round < 20; round++) {
		/* The pages behind the address change under the driver. */
		if (round % 3 == 0)
			own = mmap(own, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1,
				   0);
		expect(own != MAP_FAILED, "memory");
		write_job(&c, va + PAGE + 8, round);
		must(submit(&c, 8, &handle, 1, &seq), "submit");
		must(wait_for(&c, seq, 60), "wait");
		expect(own[PAGE / 4 + 2] == round, "the GPU wrote into the process's memory");
	}
	munmap(own, 4 * PAGE);
	expect(submit(&c, 8, &handle, 1, &seq) == -EFAULT, "memory that is gone is refused");
	client_close(&c);
	return 0;
}

static void *let_go_on(void *ib)
{
	struct timespec little = {.tv_nsec = 300000000};

	nanosleep(&little, NULL);
	((uint32_t *)ib)[PAGE / 4 - 1] = 1;
	return NULL;
}

/* The last of a buffer over the process's memory is a job's, which ends while munmap() waits for later ones. */
static int unmapping(void)
{
	void *memory[2];
	uint32_t handle[2];
	pthread_t thread;
	struct client c;
	uint64_t seq = 0;

	must(client_open(&c), "open");
	for (unsigned i = 0; i < 2; i++) {
		memory[i] = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		must(user_create(c.fd, memory[i], PAGE, &handle[i]), "userptr");
	}
	hang_job(&c);
	must(submit(&c, 8, &handle[0], 1, &seq), "submit");
	bo_close(c.fd, handle[0]);
	for (unsigned i = 0; i < 20; i++)
		must(submit(&c, 8, &handle[1], 1, &seq), "submit");
	must(pthread_create(&thread, NULL, let_go_on, c.ib), "thread");
	munmap(memory[1], PAGE);
	pthread_join(thread, NULL);
	must(wait_for(&c, seq, 60), "wait");
	munmap(memory[0], PAGE);
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

/* What a debugger does with a mapping: across pages, up to the end, not behind it. */
static int debugger(void)
{
	static char expected[4 * PAGE], got[4 * PAGE];
	int self = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	struct client c;
	uint32_t handle;
	void *memory;
	char *map;

	expect(self >= 0, "/proc/self/mem opens");
	must(client_open(&c), "open");
	must(bo_create(c.fd, sizeof(got), AMDGPU_GEM_DOMAIN_GTT, 0, &handle), "create");
	must(bo_map(c.fd, handle, sizeof(got), &memory), "map");
	map = memory;
	for (unsigned i = 0; i < sizeof(expected); i++)
		expected[i] = map[i] = (char)(i * 7 + i / PAGE);
	expect(pread(self, got, sizeof(got), (off_t)(uintptr_t)map) == (ssize_t)sizeof(got), "it reads all");
	expect(!memcmp(got, expected, sizeof(got)), "it reads what is there");
	expect(pread(self, got, 100, (off_t)(uintptr_t)map + PAGE - 50) == 100, "it reads across pages");
	expect(!memcmp(got, expected + PAGE - 50, 100), "it reads what is there, across pages");
	expect(pwrite(self, "debugger", 8, (off_t)(uintptr_t)map + 2 * PAGE - 4) == 8, "it writes");
	expect(!memcmp(map + 2 * PAGE - 4, "debugger", 8), "what it writes is there");
	/* the second half alone: its offset is not the buffer's begin */
	munmap(map, 2 * PAGE);
	expect(pread(self, got, PAGE, (off_t)(uintptr_t)map + 3 * PAGE) == PAGE, "it reads a part of a mapping");
	expect(!memcmp(got, expected + 3 * PAGE, PAGE), "it reads what is there, in a part of a mapping");
	munmap(map + 2 * PAGE, 2 * PAGE);
	close(self);
	client_close(&c);
	return 0;
}

/* GDS memory has nothing behind it: what a job writes there arrives nowhere, also not at the start of all memory. */
static int special(void)
{
	struct drm_prime_handle prime = {.flags = DRM_CLOEXEC | DRM_RDWR};
	struct client c;
	uint32_t handle;
	uint64_t seq;
	void *map;

	must(client_open(&c), "open"); /* its IB lies first */
	must(bo_create(c.fd, PAGE, AMDGPU_GEM_DOMAIN_GDS, 0, &handle), "create");
	expect(bo_map(c.fd, handle, PAGE, &map) == -EPERM, "it cannot be mapped");
	prime.handle = handle;
	expect(request(c.fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime) == -EPERM, "it cannot be exported");
	must(va_map(c.fd, handle, 0x900000, PAGE), "va");
	write_job(&c, 0x900000 + 0x800, 77);
	must(submit(&c, 8, &handle, 1, &seq), "submit");
	wait_for(&c, seq, 60); /* a page fault: what becomes of the job is the hardware's to say */
	for (unsigned i = 8; i < PAGE / 4; i++)
		expect(c.ib[i] == NOP, "nothing was written into other memory");
	client_close(&c);
	return 0;
}

/* A child of fork() shares the open file: its context, handles, addresses. It has not the parent's memory. */
static int child_of_fork(struct client *c, uint32_t user_handle)
{
	uint64_t seq;
	uint32_t handle;

	expect(c->ib[100] == 5, "the parent's mapping is the child's too");
	c->ib[101] = 6;
	must(submit(c, 8, NULL, 0, &seq), "the child submits to the parent's context");
	must(wait_for(c, seq, 60), "wait");
	expect(submit(c, 8, &user_handle, 1, &seq) == -EPERM, "the parent's memory is not the child's to list");
	must(bo_create(c->fd, PAGE, AMDGPU_GEM_DOMAIN_GTT, 0, &handle), "create");
	return handle < 256 ? (int)handle : 0;
}

static int forked(void)
{
	uint32_t *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t handle;
	struct client c;
	uint64_t seq;
	int status;
	void *map;

	must(client_open(&c), "open");
	must(user_create(c.fd, own, PAGE, &handle), "userptr");
	must(va_map(c.fd, handle, 0x400000, PAGE), "map");
	c.ib[100] = 5;
	own[0] = 1;
	if (!fork())
		_exit(child_of_fork(&c, handle));
	write_job(&c, 0x400000, 77);
	must(submit(&c, 8, &handle, 1, &seq), "submit beside the child");
	must(wait_for(&c, seq, 60), "wait");
	wait(&status);
	expect(WIFEXITED(status) && WEXITSTATUS(status) > 1, "the child was served");
	expect(own[0] == 77, "the job wrote into the parent's memory, though fork copied it");
	expect(c.ib[100] == 5 && c.ib[101] == 6, "the parent's mapping is there, with what the child wrote");
	must(bo_map(c.fd, (uint32_t)WEXITSTATUS(status), PAGE, &map), "what the child made is left to the file");
	write_job(&c, 0x400000, 78);
	must(submit(&c, 8, &handle, 1, &seq), "submit after the child");
	must(wait_for(&c, seq, 60), "wait");
	expect(own[0] == 78, "and again after the child's end");
	client_close(&c);
	return 0;
}

/* A number and two file descriptors through a socket, either way. */
static void pass_fds(int socket, ssize_t (*pass)(int socket, struct msghdr *message), int fds[2], uint32_t *number)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = {
		.head = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(2 * sizeof(int))}};
	struct iovec data = {number, sizeof(*number)};
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.head), fds, 2 * sizeof(int));
	expect(pass(socket, &message) == sizeof(*number), "passed");
	memcpy(fds, CMSG_DATA(&control.head), 2 * sizeof(int));
}

static ssize_t send_fds(int socket, struct msghdr *message)
{
	return sendmsg(socket, message, 0);
}

static ssize_t take_fds(int socket, struct msghdr *message)
{
	return recvmsg(socket, message, 0);
}

/* Has neither of the two but by the socket: fds[0] the sender's open file, fds[1] a dma-buf of four pages. */
static int stranger(int socket)
{
	struct drm_prime_handle prime = {.flags = DRM_CLOEXEC | DRM_RDWR};
	struct client own, given = {.ib_va = 0x100000};
	uint64_t seq;
	void *map;
	int fds[2] = {-1, -1};

	pass_fds(socket, take_fds, fds, &given.ctx);
	given.fd = fds[0];
	prime.fd = fds[1];
	given.ib_handle = 1;
	must(bo_map(given.fd, 1, PAGE, &map), "the sender's handle in the sender's file");
	given.ib = map;
	expect(given.ib[100] == 5, "what the sender wrote");
	must(submit(&given, 8, NULL, 0, &seq), "submit to the sender's file");
	must(wait_for(&given, seq, 60), "wait");
	must(client_open(&own), "open");
	must(request(own.fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime), "import");
	must(bo_map(own.fd, prime.handle, 4 * PAGE, &map), "map");
	expect(((uint32_t *)map)[PAGE / 4] == 0xabcd, "the contents came along");
	must(va_map(own.fd, prime.handle, 0x800000, 4 * PAGE), "va");
	write_job(&own, 0x800000 + 2 * PAGE, 88);
	must(submit(&own, 8, &prime.handle, 1, &seq), "submit");
	must(wait_for(&own, seq, 60), "wait");
	client_close(&own);
	return 0;
}

static int strangers(void)
{
	struct drm_prime_handle prime = {.flags = DRM_CLOEXEC | DRM_RDWR};
	int ends[2], status;
	struct client c;
	uint32_t *map;
	uint64_t seq;
	void *memory;

	expect(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), "a socket");
	if (!fork()) /* before there is a file to inherit */
		_exit(stranger(ends[1]));
	must(client_open(&c), "open");
	expect(c.ib_handle == 1, "the first handle");
	c.ib[100] = 5;
	must(bo_create(c.fd, 4 * PAGE, AMDGPU_GEM_DOMAIN_VRAM, 0, &prime.handle), "create");
	must(bo_map(c.fd, prime.handle, 4 * PAGE, &memory), "map");
	map = memory;
	map[PAGE / 4] = 0xabcd;
	must(request(c.fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), "export");
	bo_close(c.fd, prime.handle); /* the mapping and the dma-buf keep it */
	pass_fds(ends[0], send_fds, (int[2]){c.fd, prime.fd}, &c.ctx);
	close(prime.fd);
	wait(&status);
	expect(WIFEXITED(status) && !WEXITSTATUS(status), "the stranger succeeds");
	expect(map[2 * PAGE / 4] == 88, "the stranger's job wrote into the buffer");
	must(submit(&c, 8, NULL, 0, &seq), "submit when the stranger is gone");
	must(wait_for(&c, seq, 60), "wait");
	munmap(memory, 4 * PAGE);
	client_close(&c);
	return 0;
}

static void child_leaving(unsigned i)
{
	struct client c;
	uint64_t seq;
	uint32_t extra[2];

	must(client_open(&c), "open");
	for (unsigned j = 0; j < 2; j++) {
		must(bo_create(c.fd, 8 << 20, AMDGPU_GEM_DOMAIN_VRAM, 0, &extra[j]), "create");
		must(va_map(c.fd, extra[j], 0x10000000ull * (j + 1), 8 << 20), "map");
	}
	for (unsigned j = 0; j < 20; j++)
		must(submit(&c, 8, extra, 2, &seq), "submit");
	if (i % 2) /* the file first, with all that it has in flight; the mapping stays */
		close(c.fd);
	_exit(0);
}

/* 16 MiB of device memory each: without their return the children that follow find none. */
static int leaving(void)
{
	struct client c;
	uint64_t seq;

	must(client_open(&c), "open");
	for (unsigned i = 0; i < 16; i++) {
		pid_t pid = fork();
		int status;

		if (!pid) {
			close(c.fd);
			child_leaving(i);
		}
		must(submit(&c, 8, NULL, 0, &seq), "submit");
		must(wait_for(&c, seq, 60), "wait");
		waitpid(pid, &status, 0);
		expect(WIFEXITED(status) && !WEXITSTATUS(status), "a child succeeds");
	}
	expect(state(&c) == 0, "nobody was reset");
	client_close(&c);
	return 0;
}

static const struct {
	const char *name;
	int (*plain)(void);
	int (*counted)(unsigned n);
} verbs[] = {
	{"jobs", 0, jobs},       {"cycles", 0, cycles},       {"kills", 0, kills},
	{"hang", hang, 0},       {"bystander", bystander, 0}, {"load", load, 0},
	{"memory", memory, 0},   {"userptr", userptr, 0},     {"passing", passing, 0},
	{"special", special, 0}, {"fork", forked, 0},         {"strangers", strangers, 0},
	{"leaving", leaving, 0}, {"debugger", debugger, 0},   {"unmapping", unmapping, 0},
};

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[2] : "";
	unsigned n = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 0) : 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	node = argc > 1 ? argv[1] : "";
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verb, verbs[i].name))
			return verbs[i].counted ? verbs[i].counted(n) : verbs[i].plain();
	fprintf(stderr, "usage: client NODE VERB [N]; the head of client.c lists the verbs\n");
	return 2;
}

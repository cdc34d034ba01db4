/* SPDX-License-Identifier: MIT */
/*
 * Any dwords as a command stream of any ring: the job ends, or a reset ends it, and its memory is all it touches.
 *
 * The first byte chooses the ring (bits 1:0), strict mode (bit 2) and how the rest is taken: as dwords, or (bit 3) as
 * choices of known packets with bodies of the right length, so that random input gets past their headers. With bit 4
 * the first half is the constant engine's.
 */
#include "gpu/gpu.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BLOCK_B = 1 << 16, IB_DW = 2048, CODE = 0x8000, WAIT_MS = 20 };
#define S_ENDPGM 0xbf810000u
#define VA       0x10000ull

static struct {
	struct gpu *gpu;
	struct gpu_vm *vm;
	uint8_t *block;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
} f;

static void on_done(struct gpu_job *job, const struct gpu_fault *result)
{
	(void)job;
	(void)result;
	pthread_mutex_lock(&f.lock);
	if (f.done) /* a second time: a bug that a fuzzer must see */
		abort();
	f.done = true;
	pthread_cond_signal(&f.cond);
	pthread_mutex_unlock(&f.lock);
}

static bool start(void)
{
	const struct gpu_config config = {.target = gpu_target_find("gfx1030"), .threads = 1, .fault_stops = false};

	if (f.gpu)
		return true;
	pthread_mutex_init(&f.lock, NULL);
	pthread_cond_init(&f.cond, NULL);
	f.block = aligned_alloc(4096, BLOCK_B);
	if (!f.block || gpu_create(&config, &f.gpu) || gpu_vm_create(f.gpu, &f.vm))
		return false;
	return !gpu_vm_map(f.vm, VA, BLOCK_B, f.block, GPU_READ | GPU_WRITE | GPU_EXEC, GPU_MTYPE_NC);
}

/* Known packets: opcode and dwords of the body. */
static const uint8_t packets[][2] = {
	{0x10, 3}, {0x11, 3}, {0x15, 4}, {0x16, 3}, {0x1e, 8}, {0x22, 4}, {0x23, 1}, {0x37, 5}, {0x3c, 6}, {0x3f, 3},
	{0x40, 5}, {0x45, 8}, {0x46, 1}, {0x49, 7}, {0x50, 6}, {0x58, 7}, {0x63, 4}, {0x76, 6}, {0x76, 2}, {0x79, 2},
	{0x93, 8}, {0x33, 3}, {0x80, 4}, {0x81, 4}, {0x83, 4}, {0x84, 1}, {0x85, 1}, {0x86, 1}, {0x88, 1}, {0x89, 1},
};

static unsigned guided(const uint8_t *data, size_t size, uint32_t *ib)
{
	unsigned n = 0;
	size_t at = 0;

	while (at < size && n + 16 < IB_DW) {
		const uint8_t *packet = packets[data[at++] % (sizeof(packets) / sizeof(packets[0]))];

		ib[n++] = 3u << 30 | (packet[1] - 1u) << 16 | (uint32_t)packet[0] << 8;
		for (unsigned i = 0; i < packet[1]; i++) {
			const unsigned choice = at < size ? data[at++] : 0;

			memset(&ib[n], 0, 4);
			if (choice & 0x80) /* an address of the block, a bit field, or a small number */
				ib[n] = (uint32_t)VA + (choice & 0x7f) * 4;
			else if (choice & 0x40)
				ib[n] = 1u << (choice & 0x1f);
			else
				ib[n] = choice;
			n++;
		}
	}
	return n;
}

static void wait_or_reset(enum gpu_ring_type type)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += WAIT_MS * 1000000l;
	if (until.tv_nsec >= 1000000000l) {
		until.tv_nsec -= 1000000000l;
		until.tv_sec++;
	}
	pthread_mutex_lock(&f.lock);
	while (!f.done && !pthread_cond_timedwait(&f.cond, &f.lock, &until))
		;
	pthread_mutex_unlock(&f.lock);
	gpu_ring_reset(f.gpu, type, 0);
	if (!f.done)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum gpu_ring_type types[] = {GPU_RING_GFX, GPU_RING_COMPUTE, GPU_RING_SDMA, GPU_RING_COMPUTE};
	struct gpu_ib ib = {.va = VA}, ibs[2];
	struct gpu_job job = {.ibs = &ib, .ib_count = 1, .done = on_done};
	enum gpu_ring_type type;

	if (size < 5 || !start())
		return 0;
	type = types[data[0] & 3];
	gpu_set_strict(f.gpu, data[0] & 4);
	memset(f.block, 0, BLOCK_B);
	for (unsigned i = CODE; i < BLOCK_B; i += 4)
		memcpy(f.block + i, &(uint32_t){S_ENDPGM}, 4);
	if ((data[0] & 8) && type != GPU_RING_SDMA) {
		ib.size_dw = guided(data + 1, size - 1, (uint32_t *)f.block);
	} else {
		ib.size_dw = (uint32_t)((size - 1) / 4 < IB_DW ? (size - 1) / 4 : IB_DW);
		memcpy(f.block, data + 1, ib.size_dw * 4);
	}
	if (data[0] & 16) {
		ibs[0] = (struct gpu_ib){.va = VA, .size_dw = ib.size_dw / 2, .flags = GPU_IB_CE};
		ibs[1] = (struct gpu_ib){.va = VA + ib.size_dw / 2 * 4, .size_dw = (ib.size_dw + 1) / 2};
		job.ibs = ibs;
		job.ib_count = 2;
	}
	job.vm = f.vm;
	f.done = false;
	if (!gpu_submit(f.gpu, type, 0, &job))
		wait_or_reset(type);
	return 0;
}

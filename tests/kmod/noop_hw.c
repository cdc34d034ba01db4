/* SPDX-License-Identifier: MIT */
/*
 * noop_hw.c - a whole hardware process in a hundred lines, from drumfire_hw.h alone: it runs nothing and says that
 * every job is done. Proves that the ABI needs nothing of lib/gpu. Runs until it is killed.
 */
#include <drumfire_hw.h>

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

enum { QUERY_HW_IP_INFO = 2 }; /* AMDGPU_INFO_HW_IP_INFO */

/* struct drm_amdgpu_info_hw_ip: version, flags, IB alignment, IB size alignment, rings */
static const uint32_t ip_info[8] = {10, 3, 0, 0, 32, 32, 1, 0x0a0300};

static int describe(int fd, struct df_hw_attach *attach)
{
	struct df_hw_answer answers[] = {
		{.query = QUERY_HW_IP_INFO, .key = DF_HW_GFX, .size_B = sizeof(ip_info)},
		{.query = QUERY_HW_IP_INFO, .key = DF_HW_COMPUTE, .size_B = sizeof(ip_info)},
	};

	memset(attach, 0, sizeof(*attach));
	attach->size_B = sizeof(*attach);
	attach->version = DF_HW_VERSION;
	for (int i = 0; i < DF_HW_RING_TYPES; i++)
		attach->rings[i] = attach->max_ibs[i] = 1;
	attach->answers = (uintptr_t)answers;
	attach->answer_count = 2;
	attach->blob = (uintptr_t)ip_info;
	attach->blob_B = sizeof(ip_info);
	attach->vram_B = attach->gtt_B = 64 << 20;
	attach->va_start = 1 << 16;
	attach->va_end = 1ull << 47;
	return ioctl(fd, DF_HW_ATTACH, attach);
}

static void post(struct df_hw_ring *ring, uint32_t op, uint64_t seq)
{
	struct df_hw_event *events = (struct df_hw_event *)((char *)ring + ring->event_offset_B);
	uint32_t head = ring->event_head;

	events[head % ring->event_slots] = (struct df_hw_event){.op = op, .seq = seq};
	__atomic_store_n(&ring->event_head, head + 1, __ATOMIC_RELEASE);
}

/* Returns how many events were posted. */
static unsigned take(struct df_hw_ring *ring)
{
	const struct df_hw_cmd *commands = (const struct df_hw_cmd *)((char *)ring + ring->cmd_offset_B);
	uint32_t head = __atomic_load_n(&ring->cmd_head, __ATOMIC_ACQUIRE), tail = ring->cmd_tail;
	unsigned posted = 0;

	while (tail != head && posted < ring->event_slots / 2) {
		const struct df_hw_cmd *command = &commands[tail % ring->cmd_slots];

		if (command->op == DF_HW_JOB)
			post(ring, DF_HW_DONE, command->seq), posted++;
		if (command->op == DF_HW_RESET || command->op == DF_HW_RESET_RING)
			post(ring, DF_HW_RESET_DONE, command->seq), posted++;
		tail += command->count + 1;
	}
	__atomic_store_n(&ring->cmd_tail, tail, __ATOMIC_RELEASE);
	return posted;
}

int main(void)
{
	struct df_hw_attach attach;
	struct df_hw_ring *ring;
	struct pollfd wait = {.fd = open("/dev/drumfire-hw", O_RDWR | O_CLOEXEC), .events = POLLIN};

	if (wait.fd < 0 || describe(wait.fd, &attach)) {
		perror("noop_hw: /dev/drumfire-hw");
		return 1;
	}
	ring = mmap(NULL, attach.ring_B, PROT_READ | PROT_WRITE, MAP_SHARED, wait.fd, DF_HW_MMAP_RING);
	if (ring == MAP_FAILED) {
		perror("noop_hw: ring");
		return 1;
	}
	printf("noop_hw: /dev/dri/renderD%u\n", attach.minor);
	fflush(stdout);
	do {
		if (take(ring) && ioctl(wait.fd, DF_HW_KICK))
			break;
		if (__atomic_load_n(&ring->cmd_head, __ATOMIC_ACQUIRE) == ring->cmd_tail)
			poll(&wait, 1, -1);
	} while (!(wait.revents & POLLHUP));
	return 1;
}

// SPDX-License-Identifier: MIT
/*
 * serve.c - commands from the kernel, events to it (drumfire_hw.h). One thread takes commands; events come from the
 * GPU's threads, several at a time.
 */
#include "gpud/gpud.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

static const enum gpu_ring_type ring_types[DF_HW_RING_TYPES] = {GPU_RING_GFX, GPU_RING_COMPUTE, GPU_RING_SDMA};

struct job {
	struct gpu_job gpu;
	struct gpud *gpud;
	uint64_t seq;
	struct gpu_ib ibs[];
};

static uint32_t load(const uint32_t *at)
{
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *at, uint32_t value)
{
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

static void *slot(struct gpud *gpud, uint32_t offset_B, uint32_t number, uint32_t slots)
{
	return (char *)gpud->ring + offset_B + (size_t)(number % slots) * DF_HW_SLOT_B;
}

void gpud_post(struct gpud *gpud, const struct df_hw_event *event)
{
	struct df_hw_ring *ring = gpud->ring;

	pthread_mutex_lock(&gpud->event_lock);
	while (ring->event_head - load(&ring->event_tail) >= ring->event_slots) {
		if (ioctl(gpud->fd, DF_HW_KICK) < 0) /* the device is gone: nobody wants to know */
			break;
		sched_yield();
	}
	memcpy(slot(gpud, ring->event_offset_B, ring->event_head, ring->event_slots), event, sizeof(*event));
	store(&ring->event_head, ring->event_head + 1);
	pthread_mutex_unlock(&gpud->event_lock);
	ioctl(gpud->fd, DF_HW_KICK);
}

void gpud_page_fault(void *user, struct gpu_vm *vm, const struct gpu_fault *fault)
{
	struct gpud *gpud = user;
	struct df_hw_event event = {.op = DF_HW_PAGE_FAULT, .address = fault->address, .pc = fault->pc};

	pthread_mutex_lock(&gpud->as_lock);
	for (uint32_t i = 0; i < gpud->space_count; i++)
		if (gpud->spaces[i] == vm)
			event.as = i;
	pthread_mutex_unlock(&gpud->as_lock);
	event.access = fault->access;
	gpud_post(gpud, &event);
}

static void job_done(struct gpu_job *gpu, const struct gpu_fault *result)
{
	struct job *job = (struct job *)((char *)gpu - offsetof(struct job, gpu));
	struct df_hw_event event = {.op = DF_HW_DONE, .seq = job->seq, .launches = gpu->launches};

	if (result->status == GPU_KILLED) {
		event.status = DF_HW_KILLED;
	} else if (result->status != GPU_DONE) {
		event.status = DF_HW_REFUSED;
		event.address = result->address;
		event.pc = result->pc;
		fprintf(stderr, "drumfire gpud: job %llu: %s\n", (unsigned long long)job->seq, result->what);
	}
	gpud_post(job->gpud, &event);
	free(job);
}

static struct gpu_vm *space(const struct gpud *gpud, uint32_t as)
{
	return as < gpud->space_count ? gpud->spaces[as] : NULL;
}

static int space_create(struct gpud *gpud, uint32_t as)
{
	struct gpu_vm *vm;
	int ret;

	if (as >= gpud->space_count) {
		uint32_t count = as + 64;
		struct gpu_vm **spaces = calloc(count, sizeof(struct gpu_vm *));
		struct gpu_vm **old = gpud->spaces;

		if (!spaces)
			return -ENOMEM;
		if (old)
			memcpy(spaces, old, gpud->space_count * sizeof(struct gpu_vm *));
		pthread_mutex_lock(&gpud->as_lock);
		gpud->spaces = spaces;
		gpud->space_count = count;
		pthread_mutex_unlock(&gpud->as_lock);
		free(old);
	}
	ret = gpu_vm_create(gpud->gpu, &vm);
	if (ret)
		return ret;
	pthread_mutex_lock(&gpud->as_lock);
	gpud->spaces[as] = vm;
	pthread_mutex_unlock(&gpud->as_lock);
	return 0;
}

static void space_destroy(struct gpud *gpud, uint32_t as)
{
	struct gpu_vm *vm = space(gpud, as);

	if (!vm)
		return;
	pthread_mutex_lock(&gpud->as_lock);
	gpud->spaces[as] = NULL;
	pthread_mutex_unlock(&gpud->as_lock);
	gpu_vm_destroy(vm);
}

static int map(struct gpud *gpud, const struct df_hw_cmd *cmd)
{
	struct gpu_vm *vm = space(gpud, cmd->as);
	unsigned access = cmd->access & (GPU_READ | GPU_WRITE | GPU_EXEC);
	enum gpu_mtype mtype = cmd->mtype == DF_HW_UC   ? GPU_MTYPE_UC
			       : cmd->mtype == DF_HW_CC ? GPU_MTYPE_CC
							: GPU_MTYPE_NC;

	if (!vm || cmd->offset_B > gpud->aperture_B || cmd->size_B > gpud->aperture_B - cmd->offset_B)
		return -EINVAL;
	if (cmd->access & DF_HW_PRT)
		return gpu_vm_map(vm, cmd->va, cmd->size_B, NULL, access | GPU_PTE_PRT, mtype);
	return gpu_vm_map(vm, cmd->va, cmd->size_B, gpud->aperture + cmd->offset_B, access, mtype);
}

static int unmap(struct gpud *gpud, const struct df_hw_cmd *cmd)
{
	struct gpu_vm *vm = space(gpud, cmd->as);

	if (!vm)
		return -EINVAL;
	gpu_vm_unmap(vm, cmd->va, cmd->size_B);
	gpu_vm_flush(vm);
	return 0;
}

/* The IBs lie in the slots after the command's own, number. */
static int start_job(struct gpud *gpud, const struct df_hw_cmd *cmd, uint32_t number)
{
	struct df_hw_event refused = {.op = DF_HW_DONE, .status = DF_HW_REFUSED, .seq = cmd->seq};
	struct job *job = calloc(1, sizeof(*job) + cmd->ib_count * sizeof(job->ibs[0]));
	int ret = job && cmd->ring_type < DF_HW_RING_TYPES && space(gpud, cmd->as) ? 0 : -EINVAL;

	for (uint32_t i = 0; !ret && i < cmd->ib_count; i++) {
		const struct df_hw_ib *ib =
			slot(gpud, gpud->ring->cmd_offset_B, number + 1 + i / 4, gpud->ring->cmd_slots);

		job->ibs[i] = (struct gpu_ib){.va = ib[i % 4].va,
					      .size_dw = ib[i % 4].size_dw,
					      .flags = ib[i % 4].flags & (GPU_IB_PREAMBLE | GPU_IB_CE)};
	}
	if (!ret) {
		job->gpud = gpud;
		job->seq = cmd->seq;
		job->gpu = (struct gpu_job){
			.vm = space(gpud, cmd->as), .ibs = job->ibs, .ib_count = cmd->ib_count, .done = job_done};
		ret = gpu_submit(gpud->gpu, ring_types[cmd->ring_type], cmd->ring, &job->gpu);
	}
	if (ret) {
		free(job);
		gpud_post(gpud, &refused);
	}
	return ret;
}

static void reset(struct gpud *gpud, const struct df_hw_cmd *cmd)
{
	struct df_hw_event event = {.op = DF_HW_RESET_DONE, .seq = cmd->seq};

	if (cmd->op == DF_HW_RESET)
		gpu_reset(gpud->gpu);
	else if (!atomic_exchange(&gpud->deaf, false) && cmd->ring_type < DF_HW_RING_TYPES)
		gpu_ring_reset(gpud->gpu, ring_types[cmd->ring_type], cmd->ring);
	gpud_post(gpud, &event);
}

static int run(struct gpud *gpud, const struct df_hw_cmd *cmd, uint32_t number)
{
	switch (cmd->op) {
	case DF_HW_NOP:
		return 0;
	case DF_HW_AS_CREATE:
		return space_create(gpud, cmd->as);
	case DF_HW_AS_DESTROY:
		space_destroy(gpud, cmd->as);
		return 0;
	case DF_HW_MAP:
		return map(gpud, cmd);
	case DF_HW_UNMAP:
		return unmap(gpud, cmd);
	case DF_HW_JOB:
		gpud_faults_read(gpud); /* what was asked for before the submission concerns it */
		return start_job(gpud, cmd, number);
	case DF_HW_RESET_RING:
	case DF_HW_RESET:
		reset(gpud, cmd);
		return 0;
	default:
		return -ENOSYS;
	}
}

static void drain(struct gpud *gpud)
{
	struct df_hw_ring *ring = gpud->ring;

	while (ring->cmd_tail != load(&ring->cmd_head)) {
		const struct df_hw_cmd *cmd = slot(gpud, ring->cmd_offset_B, ring->cmd_tail, ring->cmd_slots);
		int ret = run(gpud, cmd, ring->cmd_tail);

		if (ret)
			fprintf(stderr, "drumfire gpud: command %u of address space %u failed: %s\n", cmd->op, cmd->as,
				strerror(-ret));
		store(&ring->cmd_tail, ring->cmd_tail + cmd->count + 1);
	}
}

int gpud_serve(struct gpud *gpud)
{
	struct pollfd wait[] = {{.fd = gpud->fd, .events = POLLIN}, {.fd = gpud->signal_fd, .events = POLLIN}};

	for (;;) {
		drain(gpud);
		if (poll(wait, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (wait[0].revents & (POLLERR | POLLHUP))
			return -ENODEV;
		if (wait[1].revents)
			return -EINTR;
	}
}

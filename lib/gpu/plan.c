/* SPDX-License-Identifier: MIT */
/*
 * plan.c - launches that are to go wrong, and a ring that cannot go on.
 *
 * A planned wave stands (sched.c keeps its group with the dispatch, no thread works at it); the command processor goes
 * on with its packets, as hardware does, until it waits for the launch. Then all the rest of the ring is let come to
 * its end before the user is told, so that memory is the same in every run when a reset follows.
 */
#include "ring.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum { NAP_NS = 1000000 };

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

static void tell(struct gpu_ring *ring, const struct gpu_fault *why)
{
	struct gpu *gpu = ring->gpu;

	if (gpu->config.stuck)
		gpu->config.stuck(gpu->config.user, ring->job, why);
}

/* Outside every section. */
static void wait_for_reset(struct gpu_ring *ring)
{
	pthread_mutex_lock(&ring->lock);
	while (!atomic_load(&ring->abort))
		pthread_cond_wait(&ring->work, &ring->lock);
	pthread_mutex_unlock(&ring->lock);
}

int gpu_ring_stop(struct gpu_ring *ring, const struct gpu_fault *why, bool silent)
{
	const bool inside = ring->reader.depth;
	struct gpu_vm *vm = ring->reader.tlb.vm;
	const struct gpu_fault told = *why;

	if (inside)
		gpu_thread_leave(&ring->reader);
	if (!silent)
		tell(ring, &told);
	wait_for_reset(ring);
	if (inside)
		gpu_thread_enter(&ring->reader, vm);
	return gpu_ring_check(ring);
}

void gpu_ring_stands(struct gpu_ring *ring)
{
	struct gpu_fault why;
	bool silent = false, told = false;

	for (unsigned i = 0; i < ring->flight_count; i++) {
		struct gpu_dispatch *d = ring->flight[i];

		if (gpu_sched_wait_or_stand(ring->gpu->sched, &ring->worker, d, &why))
			continue;
		silent |= d->silent;
		told = true;
	}
	if (told && !silent)
		tell(ring, &why);
}

static int stop_cp(struct gpu_ring *ring, const struct gpu_dispatch *d, bool silent)
{
	struct gpu_fault why = {.status = GPU_FAULT_PACKET, .address = ring->packet_va, .launch = d->launch};
	int ret = gpu_ring_drain(ring);

	strcpy(why.what, "the command processor stops, as was asked for");
	return ret ? ret : gpu_ring_stop(ring, &why, silent);
}

int gpu_ring_plan(struct gpu_ring *ring, struct gpu_dispatch *d, struct gpu_plan *plan_out)
{
	struct gpu *gpu = ring->gpu;

	gpu_tlb_pause(&ring->reader.tlb);
	gpu->config.plan(gpu->config.user, ring->job, d->launch, plan_out);
	gpu_tlb_resume(&ring->reader.tlb);
	switch (plan_out->kind) {
	case GPU_PLAN_STOP_CP:
		return stop_cp(ring, d, plan_out->silent);
	case GPU_PLAN_STOP_WAVE:
	case GPU_PLAN_STOP_OPCODE:
		d->limit = d->total / 2 + 1;
		d->silent = plan_out->silent;
		ring->planned++;
		break;
	case GPU_PLAN_PAGE_FAULT:
		break;
	default:
		return 0;
	}
	d->plan = plan_out->kind;
	return 0;
}

int gpu_ring_plan_slow(struct gpu_ring *ring, unsigned factor, uint64_t began_ns)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};
	struct gpu_vm *vm = ring->reader.tlb.vm;
	int ret = gpu_ring_drain(ring);
	const uint64_t end_ns = now_ns() + (now_ns() - began_ns) * (factor ? factor - 1 : 0);

	gpu_thread_leave(&ring->reader);
	while (!ret && now_ns() < end_ns) {
		nanosleep(&nap, NULL);
		ret = gpu_ring_check(ring);
	}
	gpu_thread_enter(&ring->reader, vm);
	return ret;
}

uint64_t gpu_plan_now_ns(void)
{
	return now_ns();
}

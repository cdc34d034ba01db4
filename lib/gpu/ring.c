/* SPDX-License-Identifier: MIT */
/*
 * ring.c - the queue of a ring and the life of a job on it.
 *
 * Locks: ring->lock, taken by users and by the CP thread, never while the CP stands in an address space. A job's done()
 * is called with no lock held and outside every section, so it may map, unmap, flush and submit.
 */
#include "ring.h"
#include "fidelity.h"
#include "strict_core.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int gpu_ring_refuse(struct gpu_ring *ring, const char *format, ...)
{
	struct gpu_fault *fault = &ring->fault;
	va_list args;
	size_t used;

	if (fault->status != GPU_DONE)
		return -EFAULT;
	memset(fault, 0, sizeof(*fault));
	fault->status = GPU_FAULT_PACKET;
	fault->address = ring->packet_va;
	fault->launch = ring->job ? ring->job->launches : 0;
	va_start(args, format);
	vsnprintf(fault->what, sizeof(fault->what), format, args);
	va_end(args);
	if (ring->gpu->used)
		gpu_used_refusal(ring->gpu->used, fault->what);
	used = strlen(fault->what);
	snprintf(fault->what + used, sizeof(fault->what) - used, " (packet at 0x%llx)",
		 (unsigned long long)ring->packet_va);
	gpu_count(&ring->gpu->count.refused, 1);
	return -EFAULT;
}

int gpu_ring_check(struct gpu_ring *ring)
{
	if (__builtin_expect(atomic_load_explicit(&ring->abort, memory_order_acquire), 0)) {
		if (ring->fault.status == GPU_DONE) {
			memset(&ring->fault, 0, sizeof(ring->fault));
			ring->fault.status = GPU_KILLED;
			ring->fault.launch = ring->job ? ring->job->launches : 0;
			ring->fault.address = ring->packet_va;
			strcpy(ring->fault.what, "the job was ended by a reset");
		}
		return -ECANCELED;
	}
	return ring->fault.status == GPU_DONE ? 0 : -ECANCELED;
}

/* The first launch that has something to tell stands. */
static void keep_first(struct gpu_fault *kept, const _Atomic uint64_t *key, const struct gpu_fault *fault)
{
	if (atomic_load(key) != GPU_NO_WAVE && (kept->status == GPU_DONE || fault->launch < kept->launch))
		*kept = *fault;
}

static void flight_retire(struct gpu_ring *ring, unsigned i)
{
	struct gpu_dispatch *d = ring->flight[i];

	keep_first(&ring->job->page_fault, &d->page_fault_key, &d->page_fault);
	keep_first(&ring->job->stuck, &d->stuck_key, &d->stuck);
	if (d->fault_set && ring->fault.status == GPU_DONE) {
		ring->fault = d->fault;
		if (d->fault.status == GPU_FAULT_OPCODE)
			gpu_count(&ring->gpu->count.refused, 1);
	}
	ring->flight[i] = ring->flight[--ring->flight_count];
	ring->planned -= d->plan == GPU_PLAN_STOP_WAVE || d->plan == GPU_PLAN_STOP_OPCODE;
	if (ring->spare)
		free(d);
	else
		ring->spare = d;
}

/* Launches that are over leave the list; their faults become the job's. */
static void flight_poll(struct gpu_ring *ring)
{
	for (unsigned i = 0; i < ring->flight_count;)
		if (gpu_sched_over(ring->gpu->sched, ring->flight[i]))
			flight_retire(ring, i);
		else
			i++;
}

int gpu_ring_drain(struct gpu_ring *ring)
{
	const bool inside = ring->reader.depth;
	struct gpu_vm *vm = ring->reader.tlb.vm;

	if (ring->flight_count) {
		if (inside)
			gpu_thread_leave(&ring->reader);
		if (gpu_ring_check(ring))
			gpu_sched_kill_ring(ring->gpu->sched, ring->index);
		else if (ring->planned)
			gpu_ring_stands(ring);
		while (ring->flight_count) {
			gpu_sched_wait(ring->gpu->sched, &ring->worker, ring->flight[0]);
			flight_retire(ring, 0);
		}
		if (inside)
			gpu_thread_enter(&ring->reader, vm);
	}
	return gpu_ring_check(ring);
}

/* Takes over a dispatch that is ready; it may be over when this returns. */
int gpu_ring_launch(struct gpu_ring *ring, struct gpu_dispatch *d)
{
	struct gpu_vm *vm = ring->reader.tlb.vm;

	if (ring->flight_count == GPU_ASYNC_LAUNCHES && gpu_ring_drain(ring)) {
		free(d);
		return -ECANCELED;
	}
	gpu_thread_leave(&ring->reader);
	ring->flight[ring->flight_count++] = d;
	gpu_sched_start(ring->gpu->sched, &ring->worker, d);
	flight_poll(ring);
	gpu_thread_enter(&ring->reader, vm);
	return gpu_ring_check(ring);
}

static void run_ibs(struct gpu_ring *ring, const struct gpu_job *job)
{
	int ret = ring->ce ? gpu_ce_job_begin(ring) : 0;

	for (unsigned i = 0; i < job->ib_count && !ret; i++) {
		const struct gpu_ib *ib = &job->ibs[i];

		if (ring->type == GPU_RING_SDMA)
			ret = gpu_sdma_run(ring, ib);
		else if (!ring->ce || !(ib->flags & GPU_IB_CE))
			ret = gpu_pm4_run(ring, ib);
	}
	if (ring->ce && !ret)
		gpu_ce_job_end(ring);
}

static void job_run(struct gpu_ring *ring, struct gpu_job *job)
{
	memset(&ring->fault, 0, sizeof(ring->fault));
	ring->job = job;
	ring->predicate_off = false;
	ring->pred_exec_skip = 0;
	ring->code_epoch = gpu_next_epoch(ring->gpu);
	job->launches = 0;
	memset(&job->page_fault, 0, sizeof(job->page_fault));
	memset(&job->stuck, 0, sizeof(job->stuck));
	gpu_count(&ring->gpu->count.jobs, 1);
	gpu_strict_job_begin(ring);
	gpu_thread_enter(&ring->reader, job->vm);
	run_ibs(ring, job);
	gpu_ring_drain(ring);
	gpu_thread_leave(&ring->reader);
	if (ring->fault.status != GPU_DONE && ring->fault.status != GPU_KILLED && ring->gpu->config.stuck)
		gpu_ring_stop(ring, &ring->fault, false);
	if (ring->ce && ring->fault.status != GPU_DONE)
		gpu_ce_restart(ring->ce);
	gpu_strict_job_end(ring);
	ring->job = NULL;
}

static void *ring_main(void *argument)
{
	struct gpu_ring *ring = argument;

	pthread_mutex_lock(&ring->lock);
	for (;;) {
		struct gpu_job *job = ring->head;
		struct gpu_fault result;
		bool killed;

		if (!job) {
			if (ring->stop)
				break;
			pthread_cond_wait(&ring->work, &ring->lock);
			continue;
		}
		ring->head = job->next;
		if (!ring->head)
			ring->tail = &ring->head;
		job->next = NULL;
		killed = ring->completed < ring->kill_before;
		ring->busy = true;
		pthread_mutex_unlock(&ring->lock);
		if (killed) {
			memset(&ring->fault, 0, sizeof(ring->fault));
			ring->fault.status = GPU_KILLED;
			strcpy(ring->fault.what, "the job was ended by a reset before it began");
			job->launches = 0;
			job->page_fault.status = job->stuck.status = GPU_DONE;
		} else {
			job_run(ring, job);
		}
		result = ring->fault;
		job->done(job, &result);
		pthread_mutex_lock(&ring->lock);
		ring->completed++;
		ring->busy = false;
		atomic_store(&ring->abort, false);
		pthread_cond_broadcast(&ring->idle);
	}
	pthread_mutex_unlock(&ring->lock);
	return NULL;
}

int gpu_ring_create(struct gpu *gpu, enum gpu_ring_type type, unsigned instance, unsigned index,
		    struct gpu_ring **ring_out)
{
	struct gpu_ring *ring = calloc(1, sizeof(*ring));
	int ret;

	if (!ring)
		return -ENOMEM;
	ret = type == GPU_RING_GFX ? gpu_ce_create(&ring->ce) : 0;
	if (!ret)
		ret = gpu_worker_init(&ring->worker, gpu);
	if (ret) {
		gpu_ce_destroy(ring->ce);
		free(ring);
		return ret;
	}
	ring->gpu = gpu;
	ring->type = type;
	ring->instance = instance;
	ring->index = index;
	ring->tail = &ring->head;
	gpu_thread_init(&ring->reader, gpu);
	ring->reader.ring = ring;
	pthread_mutex_init(&ring->lock, NULL);
	pthread_mutex_init(&ring->slots.lock, NULL);
	pthread_cond_init(&ring->work, NULL);
	pthread_cond_init(&ring->idle, NULL);
	*ring_out = ring;
	return 0;
}

void gpu_ring_destroy(struct gpu_ring *ring)
{
	if (!ring)
		return;
	pthread_mutex_lock(&ring->lock);
	ring->stop = true;
	pthread_cond_broadcast(&ring->work);
	pthread_mutex_unlock(&ring->lock);
	if (ring->started)
		pthread_join(ring->thread, NULL);
	gpu_worker_finish(&ring->worker);
	gpu_thread_finish(&ring->reader);
	pthread_cond_destroy(&ring->work);
	pthread_cond_destroy(&ring->idle);
	pthread_mutex_destroy(&ring->lock);
	pthread_mutex_destroy(&ring->slots.lock);
	free(ring->spare);
	gpu_ce_destroy(ring->ce);
	free(ring);
}

static struct gpu_ring *ring_find(struct gpu *gpu, enum gpu_ring_type type, unsigned instance)
{
	for (unsigned i = 0; i < GPU_RING_COUNT; i++)
		if (gpu->rings[i]->type == type && gpu->rings[i]->instance == instance)
			return gpu->rings[i];
	return NULL;
}

int gpu_submit(struct gpu *gpu, enum gpu_ring_type type, unsigned instance, struct gpu_job *job)
{
	struct gpu_ring *ring = ring_find(gpu, type, instance);
	int ret = 0;

	if (!ring || !job || !job->vm || !job->done || (job->ib_count && !job->ibs))
		return -EINVAL;
	pthread_mutex_lock(&ring->lock);
	if (!ring->started) {
		ret = -pthread_create(&ring->thread, NULL, ring_main, ring);
		ring->started = !ret;
	}
	if (!ret) {
		job->next = NULL;
		*ring->tail = job;
		ring->tail = &job->next;
		ring->submitted++;
		pthread_cond_signal(&ring->work);
	}
	pthread_mutex_unlock(&ring->lock);
	return ret;
}

void gpu_ring_kill_waves(struct gpu *gpu, enum gpu_ring_type type, unsigned instance)
{
	struct gpu_ring *ring = ring_find(gpu, type, instance);

	if (ring)
		gpu_sched_kill_ring(gpu->sched, ring->index);
}

/* Marks jobs numbered below `before` for death. The lock is held. */
static void reset_mark(struct gpu_ring *ring, uint64_t before)
{
	if (ring->kill_before < before)
		ring->kill_before = before;
	if (ring->busy && ring->completed < before) {
		atomic_store(&ring->abort, true);
		pthread_cond_broadcast(&ring->work);
	}
}

static void reset_wait(struct gpu_ring *ring, uint64_t before)
{
	const bool own = ring->started && pthread_equal(pthread_self(), ring->thread);

	pthread_mutex_lock(&ring->lock);
	while (!own && ring->completed < before) {
		pthread_mutex_unlock(&ring->lock);
		gpu_sched_kill_ring(ring->gpu->sched, ring->index);
		pthread_mutex_lock(&ring->lock);
		if (ring->completed < before) {
			struct timespec ts;

			clock_gettime(CLOCK_REALTIME, &ts);
			ts.tv_nsec += 1000000;
			if (ts.tv_nsec >= 1000000000) {
				ts.tv_nsec -= 1000000000;
				ts.tv_sec++;
			}
			pthread_cond_timedwait(&ring->idle, &ring->lock, &ts);
		}
	}
	pthread_mutex_unlock(&ring->lock);
}

void gpu_ring_reset(struct gpu *gpu, enum gpu_ring_type type, unsigned instance)
{
	struct gpu_ring *ring = ring_find(gpu, type, instance);
	uint64_t before;

	if (!ring)
		return;
	pthread_mutex_lock(&ring->lock);
	before = ring->completed + (ring->busy || ring->head ? 1 : 0);
	reset_mark(ring, before);
	pthread_mutex_unlock(&ring->lock);
	reset_wait(ring, before);
}

void gpu_ring_clear(struct gpu *gpu, enum gpu_ring_type type, unsigned instance)
{
	struct gpu_ring *ring = ring_find(gpu, type, instance);
	uint64_t before;

	if (!ring)
		return;
	pthread_mutex_lock(&ring->lock);
	before = ring->submitted;
	reset_mark(ring, before);
	pthread_mutex_unlock(&ring->lock);
	reset_wait(ring, before);
}

void gpu_reset(struct gpu *gpu)
{
	uint64_t before[GPU_RING_COUNT];

	for (unsigned i = 0; i < GPU_RING_COUNT; i++) {
		struct gpu_ring *ring = gpu->rings[i];

		pthread_mutex_lock(&ring->lock);
		before[i] = ring->submitted;
		reset_mark(ring, before[i]);
		pthread_mutex_unlock(&ring->lock);
	}
	for (unsigned i = 0; i < GPU_RING_COUNT; i++)
		reset_wait(gpu->rings[i], before[i]);
}

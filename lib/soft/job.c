/* SPDX-License-Identifier: MIT */
/*
 * job.c - the scheduler: jobs wait for their dependencies, then for their turn on a ring; two at a time are given to
 * the GPU (amdgpu.sched_hw_submission), and only the first of them is timed.
 *
 * A job that cannot go on, because the model refuses what it contains or because that was asked for, would hang the
 * hardware: it is timed out at once. What happens then is reset.c's.
 */
#include "soft.h"

#include <stdlib.h>
#include <string.h>

#define HW_SUBMISSION 2u
#define FALLBACK_NS   500000000ll /* AMDGPU_FENCE_JIFFIES_TIMEOUT, HZ/2: amdgpu_fence_fallback() looks by itself */

const enum gpu_ring_type soft_ring_types[SOFT_IP_NUM] = {GPU_RING_GFX, GPU_RING_COMPUTE, GPU_RING_SDMA};
static struct soft_job *dead; /* finished, not yet freed */

void soft_job_free(struct soft_job *job)
{
	if (!job)
		return;
	pthread_mutex_lock(&soft_lock);
	soft_ctx_put(job->ctx);
	soft_fence_put(job->finished);
	pthread_mutex_unlock(&soft_lock);
	soft_bo_put(job->user_fence);
	soft_bo_list_put(job->list);
	free(job->ibs);
	free(job);
}

void soft_job_abandon(struct soft_gate *gate)
{
	struct soft_job *job = (struct soft_job *)((char *)gate - offsetof(struct soft_job, gate));

	soft_fence_signal(job->finished->scheduled, -ENOMEM);
	soft_fence_signal(job->finished, -ENOMEM);
	job->next = dead;
	dead = job;
}

void soft_jobs_reap(void)
{
	struct soft_job *job;

	pthread_mutex_lock(&soft_lock);
	job = dead;
	dead = NULL;
	pthread_mutex_unlock(&soft_lock);
	while (job) {
		struct soft_job *next = job->next;
		struct soft_file *file = job->file;

		soft_job_free(job);
		pthread_mutex_lock(&soft_lock);
		file->jobs--;
		pthread_cond_broadcast(&soft_cond);
		pthread_mutex_unlock(&soft_lock);
		job = next;
	}
}

/* What amdgpu_ib_schedule() puts behind the IBs: it is written when the ring has got there. */
static void write_user_fence(struct soft_job *job)
{
	uint64_t *at;

	if (!job->user_fence)
		return;
	at = (uint64_t *)(void *)((char *)job->user_fence->host + job->user_fence_offset);
	__atomic_store_n(at, job->sequence, __ATOMIC_RELEASE);
}

/* What a refusal said counts, not that a reset ended the job afterwards. */
static const struct gpu_fault *why_of(const struct soft_job *job)
{
	bool refused = job->why.status == GPU_FAULT_OPCODE || (job->why.status == GPU_FAULT_PACKET && !job->fault[0]);

	return refused ? &job->why : &job->result;
}

void soft_job_finish(struct soft_job *job, int error)
{
	struct soft_entity *entity = job->entity;

	entity->queued--;
	job->file->device->rings[job->ip][job->instance].load--;
	if (error || entity->error)
		entity->error = error;
	if (job->user_fence_written)
		write_user_fence(job);
	if (!job->finished->scheduled->signaled)
		soft_fence_signal(job->finished->scheduled, error);
	soft_stop_keep(job, why_of(job));
	job->next = dead;
	dead = job;
	soft_fence_signal(job->finished, error);
}

static void running_remove(struct soft_ring *ring, const struct soft_job *job)
{
	if (ring->running_count && ring->running[0] == job)
		ring->running[0] = ring->running[1];
	else if (ring->running_count != 2 || ring->running[1] != job)
		return;
	ring->running_count--;
	if (ring->running_count)
		ring->running[0]->started_ns = soft_now_ns();
}

static void keep_fault(struct soft_device *device, const struct gpu_fault *fault)
{
	struct gpu_finding finding = {.kind = GPU_FINDING_KINDS,
				      .pc = fault->pc,
				      .address = fault->address,
				      .launch = fault->launch,
				      .wave = fault->wave};

	memcpy(finding.group, fault->group, sizeof(finding.group));
	memcpy(finding.what, fault->what, sizeof(finding.what));
	soft_finding_add(device, &finding);
}

static struct soft_job *job_of(struct gpu_job *gpu)
{
	return (struct soft_job *)((char *)gpu - offsetof(struct soft_job, gpu));
}

void soft_job_stuck(void *user, struct gpu_job *gpu, const struct gpu_fault *why)
{
	struct soft_device *device = user;
	struct soft_job *job = job_of(gpu);

	if (!job->fault[0] && why->status != GPU_KILLED)
		keep_fault(device, why);
	pthread_mutex_lock(&soft_lock);
	job->stuck = true;
	job->why = *why;
	pthread_cond_signal(&device->worker_cond);
	pthread_cond_broadcast(&soft_cond);
	pthread_mutex_unlock(&soft_lock);
}

static void ring_told(struct soft_ring *ring)
{
	struct soft_job *job = ring->running[0];

	running_remove(ring, job);
	soft_job_finish(job, job->soft_recovered ? job->file->device->spec.kernel->soft_recovery_error : 0);
}

/*
 * From a GPU thread. A reset keeps what it has taken off the ring. An interrupt tells of every job of the ring up to
 * the one that raised it (amdgpu_fence_process), so one that got lost is made good by the next.
 */
static void job_done(struct gpu_job *gpu, const struct gpu_fault *result)
{
	struct soft_job *job = job_of(gpu);
	struct soft_device *device = job->file->device;
	struct soft_ring *ring;

	pthread_mutex_lock(&soft_lock);
	ring = &device->rings[job->ip][job->instance];
	job->result = *result;
	if (job->taken_off && result->status != GPU_DONE) {
		pthread_cond_broadcast(&soft_cond);
		pthread_mutex_unlock(&soft_lock);
		return;
	}
	job->user_fence_written = result->status == GPU_DONE;
	if (job->untold) {
		write_user_fence(job);
		job->told_ns = soft_now_ns() + FALLBACK_NS;
		pthread_cond_signal(&device->worker_cond);
		pthread_mutex_unlock(&soft_lock);
		return;
	}
	while (ring->running[0] != job)
		ring_told(ring);
	soft_fault_job_done(device, job);
	if (result->status == GPU_DONE) {
		ring_told(ring);
	} else { /* the model ran out of memory */
		running_remove(ring, job);
		soft_job_finish(job, -ECANCELED);
	}
	soft_ring_run(device, ring);
	pthread_mutex_unlock(&soft_lock);
	soft_jobs_reap();
}

/* Why a job is not run at all: amdgpu_job_run(), amdgpu_job_prepare_job(), drm_sched_entity_pop_job(). */
static int refusal(const struct soft_device *device, const struct soft_job *job)
{
	if (atomic_load(&device->lost) || job->vram_lost_counter != atomic_load(&device->vram_lost_counter))
		return -ECANCELED;
	if (device->spec.kernel->ctx_guilty && job->ctx->guilty)
		return -ECANCELED;
	return device->spec.kernel->entity_error ? job->entity->error : 0;
}

static struct soft_job *ring_pop(struct soft_ring *ring)
{
	for (unsigned i = 0; i < 3; i++) {
		struct soft_job *job = ring->ready[i];

		if (job) {
			ring->ready[i] = job->next;
			job->next = NULL;
			return job;
		}
	}
	return NULL;
}

void soft_job_start(struct soft_job *job)
{
	struct soft_device *device = job->file->device;
	struct soft_ring *ring = &device->rings[job->ip][job->instance];
	int error;

	ring->running[ring->running_count++] = job;
	job->started_ns = ring->running_count == 1 ? soft_now_ns() : 0;
	job->gpu.done = job_done;
	error = gpu_submit(device->gpu, soft_ring_types[job->ip], job->instance, &job->gpu);
	if (error) {
		running_remove(ring, job);
		soft_job_finish(job, error);
	} else if (!job->finished->scheduled->signaled) {
		soft_fence_signal(job->finished->scheduled, 0);
	}
}

void soft_ring_run(struct soft_device *device, struct soft_ring *ring)
{
	struct soft_job *job;

	while (!ring->stopped && ring->running_count < HW_SUBMISSION && (job = ring_pop(ring))) {
		int error = refusal(device, job);

		if (error)
			soft_job_finish(job, error);
		else
			soft_job_start(job);
	}
	if (device->worker_idle && ring->running_count)
		pthread_cond_signal(&device->worker_cond); /* it has a deadline now */
}

/* drm_sched_entity_select_rq(): an entity with work stays on its ring, another one goes to the least loaded. */
static unsigned select_instance(const struct soft_device *device, const struct soft_entity *entity)
{
	const struct soft_ring *rings = device->rings[entity->ip];
	unsigned best = entity->instance;

	if (entity->queued > 1)
		return best;
	for (unsigned i = 0; i < device->ring_counts[entity->ip]; i++)
		if (rings[i].load < rings[best].load)
			best = i;
	return best;
}

void soft_job_ready(struct soft_gate *gate)
{
	struct soft_job *job = (struct soft_job *)((char *)gate - offsetof(struct soft_job, gate)), **link;
	struct soft_device *device = job->file->device;
	struct soft_ring *ring;
	unsigned level = job->priority > 0 ? 0 : job->priority == 0 ? 1 : 2;

	job->instance = job->entity->instance = select_instance(device, job->entity);
	ring = &device->rings[job->ip][job->instance];
	ring->load++;
	job->next = NULL;
	for (link = &ring->ready[level]; *link; link = &(*link)->next)
		;
	*link = job;
	soft_ring_run(device, ring);
}

/* The model runs a job this many times longer than hardware may; timeout_ms= in the device string is taken as it is. */
#define SLOWER_THAN_HARDWARE 30

static int64_t timeout_ns(const struct soft_device *device, unsigned ip)
{
	const struct soft_kernel *kernel = device->spec.kernel;
	unsigned ms = ip == AMDGPU_HW_IP_COMPUTE ? kernel->job_timeout_ms : kernel->gfx_timeout_ms;

	return (int64_t)(device->spec.timeout_ms ? device->spec.timeout_ms : ms * SLOWER_THAN_HARDWARE) * 1000000;
}

/* When something is to be done about the job at the head of a ring. */
static int64_t head_deadline(const struct soft_device *device, const struct soft_job *job, unsigned ip)
{
	if (job->told_ns)
		return job->told_ns;
	if (job->stuck)
		return 0;
	return job->stalled ? SOFT_MAX_TIMEOUT : job->started_ns + timeout_ns(device, ip);
}

/* The fallback timer found a job whose interrupt was lost, or the job hangs. */
static void head_overdue(struct soft_device *device, struct soft_ring *ring, unsigned ip, unsigned instance)
{
	struct soft_job *job = ring->running[0];

	if (!job->told_ns) {
		soft_reset_job(device, job, ip, instance);
		return;
	}
	soft_fault_job_done(device, job);
	ring_told(ring);
	soft_ring_run(device, ring);
}

int64_t soft_jobs_watch(struct soft_device *device)
{
	int64_t next = SOFT_MAX_TIMEOUT;

	if (device->asked != SOFT_RESET_KERNEL) {
		soft_reset_device(device, device->asked);
		device->asked = SOFT_RESET_KERNEL;
		pthread_cond_broadcast(&soft_cond);
		return 0;
	}
	for (unsigned ip = 0; ip < SOFT_IP_NUM; ip++) {
		for (unsigned i = 0; i < device->ring_counts[ip]; i++) {
			struct soft_ring *ring = &device->rings[ip][i];
			int64_t deadline;

			if (!ring->running_count)
				continue;
			deadline = head_deadline(device, ring->running[0], ip);
			if (deadline <= soft_now_ns()) {
				head_overdue(device, ring, ip, i);
				return 0; /* the rings have changed: look again */
			}
			next = deadline < next ? deadline : next;
		}
	}
	return next;
}

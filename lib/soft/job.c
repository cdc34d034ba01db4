/* SPDX-License-Identifier: MIT */
/*
 * job.c - the scheduler: jobs wait for their dependencies, then for their turn on a ring; two at a time are given to
 * the GPU (amdgpu.sched_hw_submission), and only the first of them is timed.
 *
 * What happens on a time-out depends on the kernel: one function per verdict below. A job that the model refuses
 * (an opcode or packet it cannot run) would hang the hardware; it gets the verdict of a time-out at once.
 */
#include "soft.h"

#include <stdlib.h>
#include <string.h>

#define HW_SUBMISSION    2u
#define SOFT_RECOVERY_NS 10000000ll /* amdgpu_ring_soft_recovery() polls for 10 ms */

static const enum gpu_ring_type ring_types[SOFT_IP_NUM] = {GPU_RING_GFX, GPU_RING_COMPUTE, GPU_RING_SDMA};
static struct soft_job *dead; /* finished, not yet freed */

static void ring_run(struct soft_device *device, struct soft_ring *ring);

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

static void write_user_fence(struct soft_job *job)
{
	uint64_t *at;

	if (!job->user_fence)
		return;
	at = (uint64_t *)(void *)((char *)job->user_fence->host + job->user_fence_offset);
	__atomic_store_n(at, job->sequence, __ATOMIC_RELEASE);
}

/* The job is over with error; soft_lock is held. */
static void job_finish(struct soft_job *job, int error)
{
	struct soft_entity *entity = job->entity;

	entity->queued--;
	job->file->device->rings[job->ip][job->instance].load--;
	if (error || entity->error)
		entity->error = error;
	if (!error || job->soft_recovered || error == -ETIME)
		write_user_fence(job);
	if (!job->finished->scheduled->signaled)
		soft_fence_signal(job->finished->scheduled, error);
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

/* Error that a hang leaves in the fence of the job that hung. */
static int hang_error(struct soft_device *device, struct soft_job *job)
{
	atomic_fetch_add(&device->reset_counter, 1);
	if (device->spec.kernel->queue_reset)
		return -ETIME;
	job->ctx->guilty = true;
	if (!device->spec.target->apu)
		atomic_fetch_add(&device->vram_lost_counter, 1);
	return -ECANCELED;
}

/* From a GPU thread. */
static void job_done(struct gpu_job *gpu, const struct gpu_fault *result)
{
	struct soft_job *job = (struct soft_job *)((char *)gpu - offsetof(struct soft_job, gpu));
	struct soft_device *device = job->file->device;
	struct soft_ring *ring;
	int error;

	if (result->status == GPU_FAULT_OPCODE || result->status == GPU_FAULT_PACKET ||
	    result->status == GPU_FAULT_PAGE)
		keep_fault(device, result);
	pthread_mutex_lock(&soft_lock);
	ring = &device->rings[job->ip][job->instance];
	error = job->verdict;
	if (!error && job->soft_recovered)
		error = device->spec.kernel->entity_error ? -ENODATA : 0;
	else if (!error && result->status == GPU_KILLED)
		error = -ECANCELED;
	else if (!error && result->status != GPU_DONE)
		error = hang_error(device, job);
	soft_stop_keep(job, result);
	running_remove(ring, job);
	job_finish(job, error);
	ring_run(device, ring);
	pthread_mutex_unlock(&soft_lock);
	soft_jobs_reap();
}

/* Why a job is not run at all: amdgpu_job_run(), amdgpu_job_prepare_job(), drm_sched_entity_pop_job(). */
static int refusal(const struct soft_device *device, const struct soft_job *job)
{
	if (job->vram_lost_counter != atomic_load(&device->vram_lost_counter))
		return -ECANCELED;
	if (device->spec.kernel->entity_error)
		return job->entity->error;
	return job->ctx->guilty ? -ECANCELED : 0;
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

static void ring_run(struct soft_device *device, struct soft_ring *ring)
{
	struct soft_job *job;

	while (ring->running_count < HW_SUBMISSION && (job = ring_pop(ring))) {
		int error = refusal(device, job);

		if (error) {
			job_finish(job, error);
			continue;
		}
		ring->running[ring->running_count++] = job;
		job->started_ns = ring->running_count == 1 ? soft_now_ns() : 0;
		job->gpu.done = job_done;
		error = gpu_submit(device->gpu, ring_types[job->ip], job->instance, &job->gpu);
		if (error) {
			running_remove(ring, job);
			job_finish(job, error);
		} else {
			soft_fence_signal(job->finished->scheduled, 0);
		}
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
	ring_run(device, ring);
}

/* Verdict: the waves are killed and the IB goes on. Whether that ended the job. */
static bool soft_recovery(struct soft_device *device, struct soft_job *job, unsigned ip, unsigned instance)
{
	struct soft_fence *finished = soft_fence_get(job->finished);
	bool over;

	job->soft_recovered = true;
	pthread_mutex_unlock(&soft_lock);
	gpu_ring_kill_waves(device->gpu, ring_types[ip], instance);
	pthread_mutex_lock(&soft_lock);
	over = !soft_fence_wait(finished, soft_now_ns() + SOFT_RECOVERY_NS);
	if (!over && device->rings[ip][instance].running[0] == job)
		job->soft_recovered = false;
	soft_fence_put(finished);
	return over;
}

/*
 * Verdict: the job that hung is taken off its ring, the others go on (6.12 and later). amdgpu_job_timedout() resets a
 * ring without amdgpu_device_lock_adev(), so no reset is "in progress" to QUERY_STATE2.
 */
static void queue_reset(struct soft_device *device, struct soft_job *job, unsigned ip, unsigned instance)
{
	job->verdict = -ETIME;
	atomic_fetch_add(&device->reset_counter, 1); /* who waits for the job finds it counted */
	pthread_mutex_unlock(&soft_lock);
	gpu_ring_reset(device->gpu, ring_types[ip], instance);
	pthread_mutex_lock(&soft_lock);
}

/* Verdict: the whole device is reset; every job is cancelled where the memory is lost with it (6.1). */
static void full_reset(struct soft_device *device, struct soft_job *job, unsigned ip, unsigned instance)
{
	bool lost = !device->spec.target->apu;

	job->verdict = -ECANCELED;
	job->ctx->guilty = true;
	atomic_fetch_add(&device->reset_counter, 1);
	if (lost)
		atomic_fetch_add(&device->vram_lost_counter, 1);
	device->resetting = true;
	pthread_mutex_unlock(&soft_lock);
	if (lost)
		gpu_reset(device->gpu);
	else
		gpu_ring_reset(device->gpu, ring_types[ip], instance);
	pthread_mutex_lock(&soft_lock);
	device->resetting = false;
}

static void timed_out(struct soft_device *device, struct soft_job *job, unsigned ip, unsigned instance)
{
	atomic_fetch_add(&device->job_timeouts, 1);
	/* Only gfx10's GFX ring has soft recovery (gfx_v10_0_ring_soft_recovery). */
	if (ip == AMDGPU_HW_IP_GFX && soft_recovery(device, job, ip, instance))
		return;
	if (device->rings[ip][instance].running_count == 0 || device->rings[ip][instance].running[0] != job)
		return;
	if (device->spec.kernel->queue_reset)
		queue_reset(device, job, ip, instance);
	else
		full_reset(device, job, ip, instance);
	pthread_cond_broadcast(&soft_cond);
}

/* The model runs a job this many times longer than hardware may; timeout_ms= in the device string is taken as it is. */
#define SLOWER_THAN_HARDWARE 30

static int64_t timeout_ns(const struct soft_device *device, unsigned ip)
{
	const struct soft_kernel *kernel = device->spec.kernel;
	unsigned ms = ip == AMDGPU_HW_IP_COMPUTE ? kernel->job_timeout_ms : kernel->gfx_timeout_ms;

	return (int64_t)(device->spec.timeout_ms ? device->spec.timeout_ms : ms * SLOWER_THAN_HARDWARE) * 1000000;
}

int64_t soft_jobs_watch(struct soft_device *device)
{
	int64_t next = SOFT_MAX_TIMEOUT;

	for (unsigned ip = 0; ip < SOFT_IP_NUM; ip++) {
		for (unsigned i = 0; i < device->ring_counts[ip]; i++) {
			struct soft_ring *ring = &device->rings[ip][i];
			int64_t deadline;

			if (!ring->running_count)
				continue;
			deadline = ring->running[0]->started_ns + timeout_ns(device, ip);
			if (deadline <= soft_now_ns()) {
				timed_out(device, ring->running[0], ip, i);
				return 0; /* the rings have changed: look again */
			}
			next = deadline < next ? deadline : next;
		}
	}
	return next;
}

/* SPDX-License-Identifier: MIT */
/*
 * reset.c - what becomes of the jobs of a device when one of them hangs, by kernel.
 *
 * Read in drivers/gpu/drm/amd/amdgpu and drivers/gpu/drm/scheduler of Debian's linux 6.1.192, 6.12.117 and 7.2.13. What
 * amdgpu_job_timedout() tries, in this order:
 *
 *                   6.1                        6.12                          7.2
 *   soft recovery   GFX ring: fence 0          GFX, compute: -ENODATA        gone from gfx_v10_0.c (fence -ENODATA)
 *   ring reset      -                          GFX, compute: every job of    and SDMA: guilty -ETIME, its entity's
 *                                              the ring -ECANCELED           others -ECANCELED, user fences written
 *                                                                            for both; the others run again
 *   full reset,     context guilty,            context guilty, every job     guilty -ETIME, every other job of every
 *   memory lost     every job -ECANCELED       of every ring -ECANCELED      ring -ECANCELED
 *   memory kept     the guilty entity's jobs   as above                      as above
 *                   -ECANCELED, all others
 *                   run again
 *
 * Functions: amdgpu_ring_soft_recovery(), gfx_v10_0_reset_kgq()/_kcq(), amdgpu_ring_set_fence_errors_and_reemit()
 * (7.2), drm_sched_stop()/drm_sched_start() (6.12), drm_sched_increase_karma(), drm_sched_resubmit_jobs_ext() (6.1),
 * amdgpu_fence_driver_force_completion(), amdgpu_inc_vram_lost(). gpu_reset_counter rises once for each reset that is
 * done, in 6.1 also for each soft recovery that is tried; it is device-wide. A kind of reset that a kernel does not
 * have is replaced by its nearest: a ring reset in 6.1 by a reset that keeps memory, the re-run of innocent jobs in 7.2
 * by a ring reset for another one's job, in 6.12 (which re-runs nothing) by a reset that keeps memory.
 *
 * "Jobs" are those given to the ring (the scheduler's pending list). Those still queued are looked at when their turn
 * comes (job.c, refusal()).
 */
#include "soft.h"

#define SOFT_RECOVERY_NS 300000000ll /* 10 ms there; the model is slower than hardware */

/* What becomes of a job that a reset took off its ring. */
struct fate {
	int error;
	bool rerun;
	bool user_fence; /* its IB was turned to NOPs, what stands behind it in the ring ran */
};

/* A reset, while it is under way. */
struct reset {
	struct soft_device *device;
	struct soft_job *guilty; /* NULL: another one's */
	struct soft_ring *ring;  /* only this one; NULL: every ring */
	bool kept;               /* memory is as it was */
	struct fate (*fate)(const struct reset *reset, const struct soft_job *job);
};

static bool of_guilty_entity(const struct reset *reset, const struct soft_job *job)
{
	return reset->guilty && job->entity == reset->guilty->entity;
}

/* 6.1: drm_sched_resubmit_jobs_ext() cancels what the guilty entity has, amdgpu_job_run() what has lost its memory. */
static struct fate fate_resubmitted(const struct reset *reset, const struct soft_job *job)
{
	if (!reset->kept || of_guilty_entity(reset, job))
		return (struct fate){.error = -ECANCELED};
	return (struct fate){.rerun = true};
}

/* 6.12 and later: amdgpu_fence_driver_force_completion() or drm_sched_start() end every job. */
static struct fate fate_cancelled(const struct reset *reset, const struct soft_job *job)
{
	const bool guilty = job == reset->guilty;

	return (struct fate){.error = guilty ? reset->device->spec.kernel->guilty_error : -ECANCELED};
}

/* 7.2: amdgpu_ring_set_fence_errors_and_reemit(). */
static struct fate fate_reemitted(const struct reset *reset, const struct soft_job *job)
{
	if (job == reset->guilty)
		return (struct fate){.error = -ETIME, .user_fence = true};
	if (of_guilty_entity(reset, job))
		return (struct fate){.error = -ECANCELED, .user_fence = true};
	return (struct fate){.rerun = true};
}

/* drm_dev_unplug() and amdgpu_device_fini_hw(): fences are completed by force, with no error in 6.1. */
static struct fate fate_removed(const struct reset *reset, const struct soft_job *job)
{
	(void)job;
	return (struct fate){.error = reset->device->spec.kernel->removed_error};
}

static bool concerns(const struct reset *reset, const struct soft_ring *ring)
{
	return !reset->ring || reset->ring == ring;
}

static void stop(const struct reset *reset)
{
	struct soft_device *device = reset->device;

	for (unsigned ip = 0; ip < SOFT_IP_NUM; ip++) {
		for (unsigned i = 0; i < device->ring_counts[ip]; i++) {
			struct soft_ring *ring = &device->rings[ip][i];

			if (!concerns(reset, ring))
				continue;
			ring->stopped = true;
			for (unsigned j = 0; j < ring->running_count; j++)
				ring->running[j]->taken_off = true;
		}
	}
}

static void run_again(struct soft_job *job)
{
	job->taken_off = job->stuck = job->stalled = false;
	job->why.status = job->result.status = GPU_DONE;
	job->reset = SOFT_RESET_KERNEL;
	job->reruns++;
	soft_job_start(job);
}

/* Jobs that came to their end before the reset reached them have left the ring by themselves. */
static void settle(const struct reset *reset, struct soft_ring *ring)
{
	struct soft_job *jobs[2] = {ring->running[0], ring->running[1]};
	const unsigned count = ring->running_count;

	ring->running_count = 0;
	for (unsigned i = 0; i < count && i < 2; i++) {
		const struct fate fate = reset->fate(reset, jobs[i]);

		if (jobs[i]->told_ns) { /* it had ended, only nobody had been told */
			soft_job_finish(jobs[i], 0);
		} else if (fate.rerun) {
			run_again(jobs[i]);
		} else {
			jobs[i]->user_fence_written = fate.user_fence;
			soft_job_finish(jobs[i], fate.error);
		}
	}
}

static void start(const struct reset *reset)
{
	struct soft_device *device = reset->device;

	for (unsigned ip = 0; ip < SOFT_IP_NUM; ip++)
		for (unsigned i = 0; i < device->ring_counts[ip]; i++)
			if (concerns(reset, &device->rings[ip][i]))
				settle(reset, &device->rings[ip][i]);
	for (unsigned ip = 0; ip < SOFT_IP_NUM; ip++) {
		for (unsigned i = 0; i < device->ring_counts[ip]; i++) {
			device->rings[ip][i].stopped = false;
			soft_ring_run(device, &device->rings[ip][i]);
		}
	}
	pthread_cond_broadcast(&soft_cond);
}

/* A reset of one ring is not "in progress" to QUERY_STATE2: amdgpu_job_timedout() does not lock the reset domain. */
static void reset_ring(struct soft_device *device, struct soft_job *guilty, unsigned ip, unsigned instance)
{
	const struct reset reset = {.device = device,
				    .guilty = guilty,
				    .ring = &device->rings[ip][instance],
				    .fate = device->spec.kernel->reemit ? fate_reemitted : fate_cancelled};

	stop(&reset);
	pthread_mutex_unlock(&soft_lock);
	gpu_ring_clear(device->gpu, soft_ring_types[ip], instance);
	pthread_mutex_lock(&soft_lock);
	atomic_fetch_add(&device->reset_counter, 1);
	start(&reset);
}

/* amdgpu_device_gpu_recover() */
static void reset_all(struct soft_device *device, struct soft_job *guilty, bool kept)
{
	const struct reset reset = {.device = device,
				    .guilty = guilty,
				    .kept = kept,
				    .fate = device->spec.kernel->rerun ? fate_resubmitted : fate_cancelled};

	device->resetting = true;
	stop(&reset);
	pthread_mutex_unlock(&soft_lock);
	gpu_reset(device->gpu);
	pthread_mutex_lock(&soft_lock);
	atomic_fetch_add(&device->reset_counter, 1);
	if (guilty && device->spec.kernel->ctx_guilty)
		guilty->ctx->guilty = true;
	if (!kept) {
		atomic_fetch_add(&device->vram_lost_counter, 1);
		soft_bo_lose(device);
	}
	device->resetting = false;
	start(&reset);
}

static void reset_removed(struct soft_device *device)
{
	const struct reset reset = {.device = device, .fate = fate_removed};

	stop(&reset);
	pthread_mutex_unlock(&soft_lock);
	gpu_reset(device->gpu);
	pthread_mutex_lock(&soft_lock);
	/* Who is told maps another device's memory in the same places: the old mappings must be gone by then. */
	soft_map_zap(device);
	atomic_store(&device->lost, true);
	start(&reset);
}

/*
 * amdgpu_ring_soft_recovery(): the waves are killed and the IB goes on. False: that was not enough. Kernels count the
 * reset when they see that the fence has signalled; here it is counted before, so that who waits finds it counted.
 */
static bool soft_recovery(struct soft_device *device, struct soft_job *job, unsigned ip, unsigned instance)
{
	const bool counts = device->spec.kernel->soft_recovery_counts;
	const int64_t deadline = soft_now_ns() + SOFT_RECOVERY_NS * (job->reset == SOFT_RESET_SOFT ? 100 : 1);
	struct soft_fence *finished = soft_fence_get(job->finished);
	bool over = false;

	atomic_fetch_add(&device->reset_counter, 1);
	job->soft_recovered = true;
	while (!over && (job->why.status == GPU_DONE || job->why.status == GPU_KILLED || job->why.pc)) {
		job->stuck = false;
		pthread_mutex_unlock(&soft_lock);
		gpu_ring_kill_waves(device->gpu, soft_ring_types[ip], instance);
		pthread_mutex_lock(&soft_lock);
		while (!(over = soft_fence_done(finished)) && !job->stuck)
			if (soft_wait_until(deadline))
				break;
		if (!over && !job->stuck)
			break;
	}
	if (!over) {
		job->soft_recovered = false;
		if (!counts)
			atomic_fetch_sub(&device->reset_counter, 1);
	}
	soft_fence_put(finished);
	return over;
}

static bool has_soft_recovery(const struct soft_kernel *kernel, unsigned ip)
{
	return ip == AMDGPU_HW_IP_GFX ? kernel->soft_recovery_gfx
				      : ip == AMDGPU_HW_IP_COMPUTE && kernel->soft_recovery_compute;
}

/* amdgpu_job_timedout() */
static void reset_by_kernel(struct soft_device *device, struct soft_job *job, unsigned ip, unsigned instance)
{
	const struct soft_kernel *kernel = device->spec.kernel;

	if (has_soft_recovery(kernel, ip) && soft_recovery(device, job, ip, instance))
		return;
	if (device->rings[ip][instance].running_count == 0 || device->rings[ip][instance].running[0] != job)
		return;
	if (kernel->queue_reset && (ip != AMDGPU_HW_IP_DMA || kernel->sdma_reset))
		reset_ring(device, job, ip, instance);
	else
		reset_all(device, job, device->spec.target->apu);
}

void soft_reset_job(struct soft_device *device, struct soft_job *job, unsigned ip, unsigned instance)
{
	const struct soft_kernel *kernel = device->spec.kernel;

	atomic_fetch_add(&device->job_timeouts, 1);
	switch (job->reset) {
	case SOFT_RESET_SOFT:
		if (!soft_recovery(device, job, ip, instance))
			reset_by_kernel(device, job, ip, instance);
		return;
	case SOFT_RESET_QUEUE:
		if (kernel->queue_reset)
			reset_ring(device, job, ip, instance);
		else
			reset_all(device, job, true);
		return;
	case SOFT_RESET_RERUN:
		if (kernel->reemit)
			reset_ring(device, NULL, ip, instance);
		else
			reset_all(device, NULL, true);
		return;
	case SOFT_RESET_FULL:
		reset_all(device, job, false);
		return;
	case SOFT_RESET_KERNEL:
		reset_by_kernel(device, job, ip, instance);
		return;
	default:
		soft_reset_device(device, job->reset);
		return;
	}
}

void soft_reset_device(struct soft_device *device, enum soft_reset reset)
{
	switch (reset) {
	case SOFT_RESET_REMOVED:
		reset_removed(device);
		break;
	case SOFT_RESET_RERUN:
		reset_all(device, NULL, true);
		break;
	case SOFT_RESET_BYSTANDER:
		reset_all(device, NULL, device->spec.target->apu);
		break;
	default:
		reset_all(device, NULL, false);
		break;
	}
}

void soft_reset_ask(struct soft_device *device, enum soft_reset reset)
{
	while (device->asked != SOFT_RESET_KERNEL)
		soft_wait_until(SOFT_MAX_TIMEOUT);
	device->asked = reset;
	pthread_cond_signal(&device->worker_cond);
	while (device->asked != SOFT_RESET_KERNEL)
		soft_wait_until(SOFT_MAX_TIMEOUT);
}

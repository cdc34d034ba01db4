// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * reset.c - what a job that takes too long brings about: its ring is reset, then, when the hardware
 * does not get that done, the whole device with the loss of its memory, then the device is given
 * up.
 *
 * The guilty job ends with -ETIME (as amdgpu of 6.12 and later tells of a queue reset), those that
 * a full reset takes with it with -ECANCELED. A ring reset leaves the other jobs of the ring in the
 * hardware: they are not run twice.
 */
#include "drumfire.h"

#include <linux/devcoredump.h>
#include <linux/vmalloc.h>

#define DUMP_B 8192

void df_reset_acknowledged(struct df_device *df, u64 seq)
{
	if (seq == READ_ONCE(df->reset_seq))
		complete(&df->reset_done);
}

/* Asks the hardware and waits. 0, -ETIMEDOUT, -ENODEV. */
static int ask(struct df_device *df, struct df_hw_cmd *cmd)
{
	unsigned long flags;
	int ret;

	lockdep_assert_held(&df->reset_lock);
	spin_lock_irqsave(&df->job_lock, flags);
	cmd->seq = ++df->seq;
	spin_unlock_irqrestore(&df->job_lock, flags);
	WRITE_ONCE(df->reset_seq, cmd->seq);
	reinit_completion(&df->reset_done);
	ret = df_hw_push(df, cmd, NULL, 0);
	if (ret)
		return ret == -ENODEV ? ret : -ETIMEDOUT;
	if (!wait_for_completion_timeout(&df->reset_done, msecs_to_jiffies(df_reset_ms)))
		return -ETIMEDOUT;
	return READ_ONCE(df->dead) ? -ENODEV : 0;
}

static void set_verdict(struct df_device *df, struct df_job *guilty, int guilty_error, int error)
{
	struct df_job *job;
	unsigned long flags;

	spin_lock_irqsave(&df->job_lock, flags);
	list_for_each_entry(job, &df->inflight, node)
		if (job == guilty)
			job->verdict = guilty_error;
		else if (error)
			job->verdict = error;
	spin_unlock_irqrestore(&df->job_lock, flags);
}

static int reset_ring(struct df_device *df, struct df_job *job)
{
	struct df_ring *ring = container_of(job->base.sched, struct df_ring, sched);
	struct df_hw_cmd cmd = {
		.op = DF_HW_RESET_RING,
		.ring_type = ring->type,
		.ring = ring->index,
	};
	int ret;

	set_verdict(df, job, -ETIME, 0);
	atomic_inc(&df->reset_counter); /* before the end of the job can be seen */
	ret = ask(df, &cmd);
	if (!ret && !dma_fence_is_signaled(&job->fence->base))
		ret = -EIO; /* it says so, but the job is still there */
	return ret;
}

/* The device's own memory does not survive: nobody shall find anything in it by luck. */
static void reset_device(struct df_device *df, struct df_job *guilty)
{
	struct df_hw_cmd cmd = {.op = DF_HW_RESET};
	int ret;

	set_verdict(df, guilty, -ETIME, -ECANCELED);
	atomic_inc(&df->reset_counter);
	atomic_inc(&df->vram_lost);
	ret = ask(df, &cmd);
	if (ret) {
		drm_err(df->drm, "the hardware does not answer a reset (%d), given up\n", ret);
		queue_work(system_unbound_wq, &df->lost_work);
	}
	df_jobs_cancel(df, -ECANCELED);
	df_vram_lose(df);
}

static void apply_to_scheds(struct df_device *df, struct drm_gpu_scheduler *except,
			    void (*function)(struct drm_gpu_scheduler *))
{
	u32 type, i;

	for (type = 0; type < DF_HW_RING_TYPES; type++)
		for (i = 0; i < df->desc.rings[type]; i++)
			if (&df->rings->ring[type][i].sched != except)
				function(&df->rings->ring[type][i].sched);
}

static void stop(struct drm_gpu_scheduler *sched)
{
	drm_sched_stop(sched, NULL);
}

static void start(struct drm_gpu_scheduler *sched)
{
	drm_sched_resubmit_jobs(sched); /* run_job() hands out the fences that are there already */
	dfc_sched_start(sched);
}

/* What is said of a job outlives it. Without reclaim: the schedulers stand still. */
static struct df_job *copy_for_dump(const struct df_job *job)
{
	struct df_job *copy =
		kmemdup(job, struct_size(job, ibs, job->ib_count), GFP_NOWAIT | __GFP_NOWARN);

	if (copy)
		df_vm_get(copy->vm);
	return copy;
}

/* Text for /sys/class/devcoredump. Best effort: no memory, no dump. */
static void dump(struct df_device *df, struct df_job *job)
{
	struct df_ring *ring = container_of(job->base.sched, struct df_ring, sched);
	char *text = vmalloc(DUMP_B);
	unsigned int i;
	int at;

	if (!text)
		goto put;
	at = scnprintf(text, DUMP_B,
		       "drumfire: a job took too long\nring: %s\njob: %llu\nprocess: %s %d\n"
		       "address space: %u\nran for ns: %lld\nresets: %d\nmemory lost: %d\n",
		       ring->sched.name, job->seq, job->comm, job->pid, job->vm->as,
		       ktime_to_ns(ktime_sub(ktime_get(), job->started)),
		       atomic_read(&df->reset_counter), atomic_read(&df->vram_lost));
	if (job->vm->fault_status)
		at += scnprintf(text + at, DUMP_B - at, "last page fault: 0x%llx status 0x%x\n",
				job->vm->fault_address, job->vm->fault_status);
	for (i = 0; i < job->ib_count; i++)
		at += scnprintf(text + at, DUMP_B - at, "ib %u: 0x%llx, %u dwords, flags 0x%x\n", i,
				job->ibs[i].va, job->ibs[i].size_dw, job->ibs[i].flags);
	dev_coredumpv(df->drm->dev, text, at, GFP_KERNEL);
put:
	df_vm_put(job->vm);
	kfree(job);
}

enum drm_gpu_sched_stat df_job_timedout(struct drm_sched_job *base)
{
	struct df_job *job = container_of(base, struct df_job, base);
	struct drm_gpu_scheduler *sched = base->sched;
	struct df_device *df = job->df;
	struct df_job *copy = NULL;

	mutex_lock(&df->reset_lock);
	WRITE_ONCE(df->resetting, true);
	drm_sched_stop(sched, base);
	if (!dma_fence_is_signaled(&job->fence->base)) {
		atomic_inc(&df->timeouts);
		if (reset_ring(df, job) && !READ_ONCE(df->dead)) {
			apply_to_scheds(df, sched, stop);
			reset_device(df, job);
			apply_to_scheds(df, sched, start);
		}
		copy = copy_for_dump(job);
	}
	WRITE_ONCE(df->resetting, false);
	start(sched);
	mutex_unlock(&df->reset_lock);
	if (copy)
		dump(df, copy);
	return DFC_STAT_RESET;
}

/* Asked for by debugfs: everything in flight is cancelled. */
void df_reset_all(struct df_device *df)
{
	mutex_lock(&df->reset_lock);
	WRITE_ONCE(df->resetting, true);
	apply_to_scheds(df, NULL, stop);
	reset_device(df, NULL);
	apply_to_scheds(df, NULL, start);
	WRITE_ONCE(df->resetting, false);
	mutex_unlock(&df->reset_lock);
}

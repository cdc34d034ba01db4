// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * sched.c - schedulers, hardware fences, and the way of a job through the hardware.
 *
 * One drm_gpu_scheduler a hardware ring. A job is in df_device.inflight from the moment it was
 * pushed until its end was told, and its fence signals exactly once, by whoever takes it off that
 * list: the event, a cancellation, a reset. The error goes into the scheduler's finished fence
 * before the hardware fence signals; older kernels do not carry it over.
 */
#include "drumfire.h"

#include <linux/highmem.h>

static LIST_HEAD(pool); /* of df_rings that no device uses */
static DEFINE_MUTEX(pool_lock);

static const char *fence_driver(struct dma_fence *fence)
{
	return "drumfire";
}

static const char *fence_timeline(struct dma_fence *fence)
{
	return "hardware";
}

/* The module stays as long as a fence of its exists. */
static void fence_release(struct dma_fence *base)
{
	struct df_fence *fence = container_of(base, struct df_fence, base);

	atomic_dec(&df_live[DF_LIVE_FENCE]);
	kfree_rcu(fence, base.rcu);
	module_put(THIS_MODULE);
}

static const struct dma_fence_ops fence_ops = {
	.get_driver_name = fence_driver,
	.get_timeline_name = fence_timeline,
	.release = fence_release,
};

struct df_fence *df_fence_alloc(gfp_t gfp)
{
	struct df_fence *fence = kzalloc(sizeof(*fence), gfp);

	if (fence)
		spin_lock_init(&fence->lock);
	return fence;
}

void df_fence_init(struct df_fence *fence, u64 context, u64 seqno)
{
	__module_get(THIS_MODULE);
	atomic_inc(&df_live[DF_LIVE_FENCE]);
	dma_fence_init(&fence->base, &fence_ops, &fence->lock, context, seqno);
}

void df_fence_free(struct df_fence *fence)
{
	kfree(fence);
}

static void entity_release(struct kref *ref)
{
	kfree(container_of(ref, struct df_entity, ref));
}

void df_entity_put(struct df_entity *entity)
{
	kref_put(&entity->ref, entity_release);
}

static struct df_job *to_job(struct drm_sched_job *base)
{
	return container_of(base, struct df_job, base);
}

static struct df_ring *job_ring(struct df_job *job)
{
	return container_of(job->base.sched, struct df_ring, sched);
}

static void job_set_error(struct df_job *job, int error)
{
	if (!error)
		return;
	dma_fence_set_error(&job->fence->base, error);
	dma_fence_set_error(&job->base.s_fence->finished, error);
}

static void write_user_fence(struct df_job *job)
{
	u8 *page;

	if (!job->user_fence)
		return;
	page = kmap_local_page(job->user_fence->pages[0]);
	/* what the job wrote before its number */
	smp_store_release((u64 *)(page + job->user_fence_offset), job->sequence);
	kunmap_local(page);
}

static void account(struct df_job *job)
{
	struct df_ring *ring = job_ring(job);
	ktime_t now = ktime_get();
	ktime_t from = ktime_after(job->started, ring->last_done) ? job->started : ring->last_done;

	atomic64_add(ktime_to_ns(ktime_sub(now, from)), &job->vm->engine_ns[ring->type]);
	ring->last_done = now;
}

/*
 * The job has just left inflight: nobody else ends it. It may be freed as soon as its fence has
 * signalled.
 */
static void job_end(struct df_job *job, int error)
{
	struct dma_fence *fence = dma_fence_get(&job->fence->base);

	account(job);
	WRITE_ONCE(job->entity->error, error);
	if (!error || error == -ETIME) /* amdgpu 7.x writes it for the guilty too */
		write_user_fence(job);
	job_set_error(job, error);
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

void df_job_ended(struct df_device *df, const struct df_hw_event *event)
{
	struct df_job *job, *found = NULL;
	unsigned long flags;
	int error = 0;

	spin_lock_irqsave(&df->job_lock, flags);
	list_for_each_entry(job, &df->inflight, node)
		if (job->seq == event->seq) {
			found = job;
			break;
		}
	if (found) {
		list_del_init(&found->node);
		error = found->verdict;
	}
	spin_unlock_irqrestore(&df->job_lock, flags);
	if (!found)
		return; /* cancelled before, or never sent */
	if (!error && event->status == DF_HW_KILLED)
		error = -ECANCELED;
	if (!error && event->status != DF_HW_OK) {
		/*
		 * What the model cannot run would hang the chip: the verdict of a queue reset, at
		 * once.
		 */
		atomic_inc(&df->reset_counter);
		error = -ETIME;
	}
	job_end(found, error);
}

void df_jobs_cancel(struct df_device *df, int error)
{
	struct df_job *job;
	unsigned long flags;

	for (;;) {
		spin_lock_irqsave(&df->job_lock, flags);
		job = list_first_entry_or_null(&df->inflight, struct df_job, node);
		if (job)
			list_del_init(&job->node);
		spin_unlock_irqrestore(&df->job_lock, flags);
		if (!job)
			break;
		job_end(job, job->verdict ? job->verdict : error);
	}
}

/* Why a job that has waited for its turn is not run. */
static int refusal(struct df_job *job)
{
	if (READ_ONCE(job->df->dead))
		return -ENODEV;
	if (job->vram_lost != atomic_read(&job->df->vram_lost))
		return -ECANCELED;
	return READ_ONCE(job->entity->error);
}

static int job_push(struct df_job *job, struct df_ring *ring)
{
	struct df_device *df = job->df;
	struct df_hw_cmd cmd = {
		.op = DF_HW_JOB,
		.count = DIV_ROUND_UP(job->ib_count, 4),
		.as = job->vm->as,
		.ring_type = ring->type,
		.ring = ring->index,
		.ib_count = job->ib_count,
	};
	unsigned long flags;
	int ret;

	/*
	 * The lock makes the order of numbers that of the ring, and a cancellation see all or
	 * nothing.
	 */
	spin_lock_irqsave(&df->job_lock, flags);
	job->seq = ++df->seq;
	cmd.seq = job->seq;
	job->started = ktime_get();
	ret = df_hw_push(df, &cmd, job->ibs, 0);
	if (!ret)
		list_add_tail(&job->node, &df->inflight);
	spin_unlock_irqrestore(&df->job_lock, flags);
	return ret == -EAGAIN ? -EIO : ret; /* there is always room, but for a process that lies */
}

static struct dma_fence *run_job(struct drm_sched_job *base)
{
	struct df_job *job = to_job(base);
	struct df_ring *ring = job_ring(job);
	int error;

	/* after a reset of the ring: the hardware kept it, or its end is known */
	if (job->submitted)
		return dma_fence_get(&job->fence->base);
	job->submitted = true;
	df_fence_init(job->fence, ring->context, ++ring->seqno);
	job->initialised = true;
	error = refusal(job);
	if (!error)
		error = job_push(job, ring);
	if (error) {
		WRITE_ONCE(job->entity->error, error);
		job_set_error(job, error);
		dma_fence_signal(&job->fence->base);
	} else {
		atomic64_inc(&job->df->jobs_total);
	}
	return dma_fence_get(&job->fence->base);
}

void df_job_free(struct df_job *job)
{
	struct df_device *df = job->df;

	if (job->fence && job->initialised)
		dma_fence_put(&job->fence->base);
	else
		df_fence_free(job->fence);
	if (job->list)
		df_list_put(job->list);
	df_bo_put(job->user_fence);
	df_entity_put(job->entity);
	df_vm_put(job->vm);
	kfree(job);
	atomic_dec(&df_live[DF_LIVE_JOB]);
	if (refcount_dec_and_test(&df->jobs))
		complete(&df->jobs_done); /* the last touch of the device */
}

static void free_work(struct work_struct *work)
{
	df_job_free(container_of(work, struct df_job, free_work));
}

/*
 * The scheduler's thread starts the next jobs too, and must not wait for them: letting a buffer
 * over a process's memory go waits for invalidations of that memory, and those wait for jobs.
 */
static void free_job(struct drm_sched_job *base)
{
	struct df_job *job = to_job(base);

	drm_sched_job_cleanup(base);
	INIT_WORK(&job->free_work, free_work);
	queue_work(job->df->free_wq, &job->free_work);
}

static const struct drm_sched_backend_ops sched_ops = {
	.run_job = run_job,
	.timedout_job = df_job_timedout,
	.free_job = free_job,
};

static const char *const ring_names[DF_HW_RING_TYPES][DF_RINGS_MAX] = {
	{"gfx_0", "gfx_1", "gfx_2", "gfx_3"},
	{"comp_0", "comp_1", "comp_2", "comp_3"},
	{"sdma0", "sdma1", "sdma2", "sdma3"},
};

static struct df_rings *rings_get(void)
{
	struct df_rings *rings;

	mutex_lock(&pool_lock);
	rings = list_first_entry_or_null(&pool, struct df_rings, node);
	if (rings)
		list_del(&rings->node);
	mutex_unlock(&pool_lock);
	if (!rings)
		return kzalloc(sizeof(*rings), GFP_KERNEL);
	/* not the schedulers: fences of the past read their names */
	memset(rings->list, 0, sizeof(rings->list));
	return rings;
}

int df_rings_create(struct df_device *df)
{
	u32 type, i;

	df->rings = rings_get();
	if (!df->rings)
		return -ENOMEM;
	for (type = 0; type < DF_HW_RING_TYPES; type++)
		for (i = 0; i < df->desc.rings[type]; i++) {
			struct df_ring *ring = &df->rings->ring[type][i];
			int ret;

			ring->df = df;
			ring->seqno = 0;
			ring->last_done = 0;
			ring->type = type;
			ring->index = i;
			ring->context = dma_fence_context_alloc(1);
			ret = dfc_sched_init(&ring->sched, &sched_ops, DF_DEPTH,
					     msecs_to_jiffies(df_job_ms(df)), df->timeout_wq,
					     ring_names[type][i], df->drm->dev);
			if (ret)
				return ret;
			df->rings->list[type][i] = &ring->sched;
		}
	return 0;
}

void df_rings_destroy(struct df_device *df)
{
	u32 type, i;

	if (!refcount_dec_and_test(&df->jobs))
		wait_for_completion(&df->jobs_done);
	for (type = 0; type < DF_HW_RING_TYPES; type++)
		for (i = 0; i < DF_RINGS_MAX; i++)
			if (df->rings->list[type][i])
				drm_sched_fini(&df->rings->ring[type][i].sched);
	mutex_lock(&pool_lock);
	list_add(&df->rings->node, &pool);
	mutex_unlock(&pool_lock);
	df->rings = NULL;
}

void df_rings_free_pool(void)
{
	struct df_rings *rings, *next;

	list_for_each_entry_safe(rings, next, &pool, node)
		kfree(rings);
}

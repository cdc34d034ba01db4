// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * cs.c - command submission, in the two passes of amdgpu_cs.c: everything is read and checked; then
 * the job is made, its dependencies collected, every reservation taken. From drm_sched_job_arm() on
 * nothing fails.
 *
 * All IBs of a submission go to one entity; gangs are refused (the device does not claim them).
 */
#include "drumfire.h"

#include <linux/dma-fence-chain.h>
#include <linux/sort.h>

#define IB_MAX_DW    0xfffffu /* AMDGPU_GFX_SDMA_IB_PACKET_SIZE_MAX_DW */
#define MAX_CHUNKS   1024u
#define MAX_CHUNK_DW 0x100000u

struct df_chunk {
	u32 id;
	u32 length_dw;
	void *data;
};

struct df_post {
	struct drm_syncobj *syncobj;
	struct dma_fence_chain *chain; /* NULL: binary */
	u64 point;
};

struct df_parser {
	struct drm_file *file;
	struct df_file *fpriv;
	struct df_device *df;
	struct df_ctx *ctx;
	struct df_chunk *chunks;
	u32 chunk_count;
	struct df_entity *entity;
	unsigned int ib_count, preempts[2];
	struct df_bo *user_fence;
	u32 user_fence_offset;
	struct df_list *list;
	struct df_job *job;
	struct df_post *posts;
	unsigned int post_count;
	struct drm_gem_object **objs; /* one of each reservation object */
	int obj_count;
	struct ww_acquire_ctx ww;
};

static int pass1_ib(struct df_parser *p, const struct drm_amdgpu_cs_chunk_ib *ib)
{
	struct df_entity *entity;
	int ret = df_ctx_entity(p->ctx, ib->ip_type, ib->ip_instance, ib->ring, &entity);

	if (ret)
		return ret;
	if (p->entity && p->entity != entity)
		return -EINVAL;
	p->entity = entity;
	if (p->ib_count >= p->df->desc.max_ibs[ib->ip_type])
		return -EINVAL;
	p->ib_count++;
	return 0;
}

static int pass1_user_fence(struct df_parser *p, const struct drm_amdgpu_cs_chunk_fence *fence)
{
	struct df_bo *bo = df_bo_lookup(p->file, fence->handle);

	if (!bo)
		return -EINVAL;
	p->user_fence = bo;
	p->user_fence_offset = fence->offset;
	if (bo->base.size != PAGE_SIZE || bo->user || !bo->pages || fence->offset > PAGE_SIZE - 8 ||
	    (fence->offset & 7))
		return -EINVAL;
	return 0;
}

static int pass1_list(struct df_parser *p, const struct drm_amdgpu_bo_list_in *in)
{
	struct df_list *list = df_list_read(p->file, in);

	if (IS_ERR(list))
		return PTR_ERR(list);
	p->list = list;
	return 0;
}

static int pass1_chunk(struct df_parser *p, const struct df_chunk *chunk)
{
	size_t size = chunk->length_dw * 4ul;

	switch (chunk->id) {
	case AMDGPU_CHUNK_ID_IB:
		if (size < sizeof(struct drm_amdgpu_cs_chunk_ib))
			return -EINVAL;
		return pass1_ib(p, chunk->data);
	case AMDGPU_CHUNK_ID_FENCE:
		if (size < sizeof(struct drm_amdgpu_cs_chunk_fence) || p->user_fence)
			return -EINVAL;
		return pass1_user_fence(p, chunk->data);
	case AMDGPU_CHUNK_ID_BO_HANDLES:
		if (size < sizeof(struct drm_amdgpu_bo_list_in) || p->list)
			return -EINVAL;
		return pass1_list(p, chunk->data);
	case AMDGPU_CHUNK_ID_DEPENDENCIES:
	case AMDGPU_CHUNK_ID_SYNCOBJ_IN:
	case AMDGPU_CHUNK_ID_SYNCOBJ_OUT:
	case AMDGPU_CHUNK_ID_SCHEDULED_DEPENDENCIES:
	case AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_WAIT:
	case AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_SIGNAL:
		return 0;
	default:
		return -EINVAL;
	}
}

static int read_chunk(u64 address, struct df_chunk *chunk)
{
	struct drm_amdgpu_cs_chunk header;

	if (copy_from_user(&header, u64_to_user_ptr(address), sizeof(header)))
		return -EFAULT;
	if (header.length_dw > MAX_CHUNK_DW)
		return -EINVAL;
	chunk->id = header.chunk_id;
	chunk->length_dw = header.length_dw;
	chunk->data = vmemdup_user(u64_to_user_ptr(header.chunk_data), header.length_dw * 4ul);
	if (IS_ERR(chunk->data)) {
		int ret = PTR_ERR(chunk->data);

		chunk->data = NULL;
		return ret;
	}
	return 0;
}

static int pass1(struct df_parser *p, const union drm_amdgpu_cs *cs)
{
	u64 *addresses;
	int ret = 0;
	u32 i;

	if (cs->in.num_chunks > MAX_CHUNKS)
		return -EINVAL;
	addresses = vmemdup_user(u64_to_user_ptr(cs->in.chunks),
				 cs->in.num_chunks * sizeof(*addresses));
	if (IS_ERR(addresses))
		return PTR_ERR(addresses);
	p->chunks = kvcalloc(cs->in.num_chunks, sizeof(*p->chunks), GFP_KERNEL);
	if (!p->chunks)
		ret = -ENOMEM;
	for (i = 0; !ret && i < cs->in.num_chunks; i++) {
		p->chunk_count = i + 1;
		ret = read_chunk(addresses[i], &p->chunks[i]);
		if (!ret)
			ret = pass1_chunk(p, &p->chunks[i]);
	}
	kvfree(addresses);
	if (!ret && !p->entity)
		ret = -EINVAL;
	return ret;
}

static int make_job(struct df_parser *p)
{
	struct df_job *job = kzalloc(struct_size(job, ibs, p->ib_count), GFP_KERNEL);
	int ret;

	if (!job)
		return -ENOMEM;
	job->fence = df_fence_alloc(GFP_KERNEL);
	ret = job->fence ? dfc_job_init(&job->base, &p->entity->base, p->fpriv->vm, p->file)
			 : -ENOMEM;
	if (ret) {
		df_fence_free(job->fence);
		kfree(job);
		return ret;
	}
	INIT_LIST_HEAD(&job->node);
	job->df = p->df;
	job->vm = df_vm_get(p->fpriv->vm);
	kref_get(&p->entity->ref);
	job->entity = p->entity;
	job->vram_lost = atomic_read(&p->df->vram_lost);
	get_task_comm(job->comm, current);
	job->pid = task_pid_nr(current);
	refcount_inc(&p->df->jobs);
	atomic_inc(&df_live[DF_LIVE_JOB]);
	p->job = job;
	return p->ctx->vram_lost != job->vram_lost ? -ECANCELED : 0;
}

static int pass2_ib(struct df_parser *p, const struct drm_amdgpu_cs_chunk_ib *chunk)
{
	struct df_hw_ib *ib = &p->job->ibs[p->job->ib_count++];

	if (chunk->ip_type == AMDGPU_HW_IP_GFX && (chunk->flags & AMDGPU_IB_FLAG_PREEMPT) &&
	    ++p->preempts[!!(chunk->flags & AMDGPU_IB_FLAG_CE)] > 1)
		return -EINVAL;
	if (chunk->ib_bytes / 4 > IB_MAX_DW)
		return -EINVAL;
	ib->va = chunk->va_start;
	ib->size_dw = chunk->ib_bytes / 4;
	if (chunk->flags & AMDGPU_IB_FLAG_PREAMBLE)
		ib->flags |= DF_HW_IB_PREAMBLE;
	/* the flag means nothing on other rings (gfx_v10_0_ring_emit_ib_compute) */
	if (chunk->ip_type == AMDGPU_HW_IP_GFX && (chunk->flags & AMDGPU_IB_FLAG_CE))
		ib->flags |= DF_HW_IB_CE;
	return 0;
}

static int dependency(struct df_parser *p, const struct drm_amdgpu_cs_chunk_dep *dep,
		      bool scheduled)
{
	const struct drm_amdgpu_fence user = {
		.ctx_id = dep->ctx_id,
		.ip_type = dep->ip_type,
		.ip_instance = dep->ip_instance,
		.ring = dep->ring,
		.seq_no = dep->handle,
	};
	struct dma_fence *fence;
	int ret = df_ctx_fence(p->fpriv, &user, &fence);

	if (ret || !fence)
		return ret;
	if (scheduled) {
		struct dma_fence *finished = fence;

		fence = dma_fence_get(&to_drm_sched_fence(finished)->scheduled);
		dma_fence_put(finished);
	}
	return drm_sched_job_add_dependency(&p->job->base, fence);
}

static int pass2_dependencies(struct df_parser *p, const struct df_chunk *chunk)
{
	const struct drm_amdgpu_cs_chunk_dep *deps = chunk->data;
	size_t i, count = chunk->length_dw * 4ul / sizeof(*deps);
	int ret = 0;

	for (i = 0; !ret && i < count; i++)
		ret = dependency(p, &deps[i], chunk->id == AMDGPU_CHUNK_ID_SCHEDULED_DEPENDENCIES);
	return ret;
}

static int wait_point(struct df_parser *p, u32 handle, u64 point, u64 flags)
{
	struct dma_fence *fence;
	int ret;

	/* Linux 6.12's drm_syncobj_find_fence() loses a reference when it refuses a flag. */
	if (flags & ~(u64)DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT)
		return -EINVAL;
	ret = drm_syncobj_find_fence(p->file, handle, point, flags, &fence);
	return ret ? ret : drm_sched_job_add_dependency(&p->job->base, fence);
}

static int pass2_wait(struct df_parser *p, const struct df_chunk *chunk)
{
	const struct drm_amdgpu_cs_chunk_sem *sems = chunk->data;
	const struct drm_amdgpu_cs_chunk_syncobj *points = chunk->data;
	bool timeline = chunk->id == AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_WAIT;
	size_t i, count = chunk->length_dw * 4ul / (timeline ? sizeof(*points) : sizeof(*sems));
	int ret = 0;

	for (i = 0; !ret && i < count; i++)
		ret = timeline ? wait_point(p, points[i].handle, points[i].point, points[i].flags)
			       : wait_point(p, sems[i].handle, 0, 0);
	return ret;
}

static int add_post(struct df_parser *p, u32 handle, u64 point)
{
	struct df_post *post = &p->posts[p->post_count];

	post->syncobj = drm_syncobj_find(p->file, handle);
	if (!post->syncobj)
		return -EINVAL;
	p->post_count++;
	post->point = point;
	if (!point)
		return 0;
	post->chain = dma_fence_chain_alloc();
	return post->chain ? 0 : -ENOMEM;
}

static int pass2_signal(struct df_parser *p, const struct df_chunk *chunk)
{
	const struct drm_amdgpu_cs_chunk_sem *sems = chunk->data;
	const struct drm_amdgpu_cs_chunk_syncobj *points = chunk->data;
	bool timeline = chunk->id == AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_SIGNAL;
	size_t i, count = chunk->length_dw * 4ul / (timeline ? sizeof(*points) : sizeof(*sems));
	int ret = 0;

	if (p->posts)
		return -EINVAL;
	p->posts = kvcalloc(count + 1, sizeof(*p->posts), GFP_KERNEL);
	if (!p->posts)
		return -ENOMEM;
	for (i = 0; !ret && i < count; i++)
		ret = timeline ? add_post(p, points[i].handle, points[i].point)
			       : add_post(p, sems[i].handle, 0);
	return ret;
}

static int pass2(struct df_parser *p)
{
	int ret = 0;
	u32 i;

	for (i = 0; !ret && i < p->chunk_count; i++) {
		const struct df_chunk *chunk = &p->chunks[i];

		switch (chunk->id) {
		case AMDGPU_CHUNK_ID_IB:
			ret = pass2_ib(p, chunk->data);
			break;
		case AMDGPU_CHUNK_ID_DEPENDENCIES:
		case AMDGPU_CHUNK_ID_SCHEDULED_DEPENDENCIES:
			ret = pass2_dependencies(p, chunk);
			break;
		case AMDGPU_CHUNK_ID_SYNCOBJ_IN:
		case AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_WAIT:
			ret = pass2_wait(p, chunk);
			break;
		case AMDGPU_CHUNK_ID_SYNCOBJ_OUT:
		case AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_SIGNAL:
			ret = pass2_signal(p, chunk);
			break;
		}
	}
	return ret;
}

static int find_list(struct df_parser *p, const union drm_amdgpu_cs *cs)
{
	if (!cs->in.bo_list_handle)
		return 0;
	if (p->list)
		return -EINVAL;
	p->list = df_list_find(p->fpriv, cs->in.bo_list_handle);
	return p->list ? 0 : -ENOENT;
}

static int validate(struct df_parser *p)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && p->list && i < p->list->count; i++)
		if (p->list->bos[i]->user)
			ret = df_user_validate(p->list->bos[i]);
	return ret;
}

/* ctx->lock is held. The slot of the job DF_SCHED_JOBS before this one must be free. */
static int wait_for_slot(struct df_parser *p)
{
	struct df_entity *entity = p->entity;
	struct dma_fence *fence = dma_fence_get(entity->fences[entity->sequence % DF_SCHED_JOBS]);
	int ret = fence ? dma_fence_wait(fence, true) : 0;

	dma_fence_put(fence);
	return ret;
}

static int by_resv(const void *a, const void *b)
{
	const struct drm_gem_object *const *x = a, *const *y = b;

	return (*x)->resv < (*y)->resv ? -1 : (*x)->resv > (*y)->resv;
}

/* Every reservation object of the submission, once. */
static int collect_resvs(struct df_parser *p)
{
	unsigned int i, count = 0, max = 2 + (p->list ? p->list->count : 0);

	p->objs = kvmalloc_array(max, sizeof(*p->objs), GFP_KERNEL);
	if (!p->objs)
		return -ENOMEM;
	p->objs[count++] = &p->fpriv->vm->root;
	if (p->user_fence)
		p->objs[count++] = &p->user_fence->base;
	for (i = 0; p->list && i < p->list->count; i++)
		p->objs[count++] = &p->list->bos[i]->base;
	sort(p->objs, count, sizeof(*p->objs), by_resv, NULL);
	for (i = 0; i < count; i++)
		if (!i || p->objs[i]->resv != p->objs[i - 1]->resv)
			p->objs[p->obj_count++] = p->objs[i];
	return 0;
}

/*
 * Implicit synchronisation: what others submitted with a buffer comes first. Ours are in order by
 * our own means.
 */
static int sync_resv(struct df_parser *p, struct dma_resv *resv)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	int ret = 0;

	dma_resv_for_each_fence(&cursor, resv, DMA_RESV_USAGE_BOOKKEEP, fence) {
		struct drm_sched_fence *s_fence = to_drm_sched_fence(fence);

		if ((s_fence && s_fence->owner == p->fpriv->vm) || dma_fence_is_signaled(fence))
			continue;
		ret = drm_sched_job_add_dependency(&p->job->base, dma_fence_get(fence));
		if (ret)
			break;
	}
	return ret;
}

static int sync_all(struct df_parser *p)
{
	struct dma_fence *last = df_vm_last(p->fpriv->vm);
	unsigned int i;
	int ret = last ? drm_sched_job_add_dependency(&p->job->base, last) : 0;

	if (!ret && p->user_fence)
		ret = sync_resv(p, p->user_fence->base.resv);
	for (i = 0; !ret && p->list && i < p->list->count; i++)
		if (!(p->list->bos[i]->flags & AMDGPU_GEM_CREATE_EXPLICIT_SYNC) &&
		    !p->list->bos[i]->always_valid)
			ret = sync_resv(p, p->list->bos[i]->base.resv);
	for (i = 0; !ret && i < p->obj_count; i++)
		ret = dma_resv_reserve_fences(p->objs[i]->resv, 1);
	return ret;
}

/* Nothing fails from here on. */
static void submit(struct df_parser *p, union drm_amdgpu_cs *cs)
{
	struct df_entity *entity = p->entity;
	struct df_job *job = p->job;
	struct dma_fence *fence, *old;
	unsigned int i;

	drm_sched_job_arm(&job->base);
	fence = dma_fence_get(&job->base.s_fence->finished);
	for (i = 0; i < p->obj_count; i++)
		dma_resv_add_fence(p->objs[i]->resv, fence,
				   p->objs[i]->resv == p->fpriv->vm->root.resv
					   ? DMA_RESV_USAGE_BOOKKEEP
					   : DMA_RESV_USAGE_WRITE);
	spin_lock(&p->ctx->ring_lock);
	job->sequence = entity->sequence++;
	old = entity->fences[job->sequence % DF_SCHED_JOBS];
	entity->fences[job->sequence % DF_SCHED_JOBS] = dma_fence_get(fence);
	spin_unlock(&p->ctx->ring_lock);
	dma_fence_put(old);
	cs->out.handle = job->sequence;
	job->user_fence = p->user_fence;
	job->user_fence_offset = p->user_fence_offset;
	job->list = p->list;
	p->user_fence = NULL;
	p->list = NULL;
	p->job = NULL;
	for (i = 0; i < p->post_count; i++) {
		struct df_post *post = &p->posts[i];

		if (post->chain)
			drm_syncobj_add_point(post->syncobj, post->chain, fence, post->point);
		else
			drm_syncobj_replace_fence(post->syncobj, fence);
		post->chain = NULL;
	}
	dma_fence_put(fence);
	drm_sched_entity_push_job(&job->base);
}

static void finish(struct df_parser *p)
{
	unsigned int i;

	if (p->job) {
		drm_sched_job_cleanup(&p->job->base);
		df_job_free(p->job);
	}
	for (i = 0; i < p->post_count; i++) {
		dma_fence_chain_free(p->posts[i].chain);
		drm_syncobj_put(p->posts[i].syncobj);
	}
	kvfree(p->posts);
	kvfree(p->objs);
	if (p->list)
		df_list_put(p->list);
	df_bo_put(p->user_fence);
	for (i = 0; i < p->chunk_count; i++)
		kvfree(p->chunks[i].data);
	kvfree(p->chunks);
}

static int locked_part(struct df_parser *p, union drm_amdgpu_cs *cs)
{
	int ret = drm_gem_lock_reservations(p->objs, p->obj_count, &p->ww);
	unsigned int i;

	if (ret)
		return ret;
	ret = sync_all(p);
	mutex_lock(&p->df->user_lock);
	for (i = 0; !ret && p->list && i < p->list->count; i++)
		if (!df_user_valid(p->list->bos[i]))
			ret = -EAGAIN; /* the client calls again */
	if (!ret)
		submit(p, cs);
	mutex_unlock(&p->df->user_lock);
	drm_gem_unlock_reservations(p->objs, p->obj_count, &p->ww);
	return ret;
}

static int run(struct df_parser *p, union drm_amdgpu_cs *cs)
{
	int ret = pass1(p, cs);

	if (!ret)
		ret = make_job(p);
	if (!ret)
		ret = pass2(p);
	if (!ret)
		ret = find_list(p, cs);
	if (!ret)
		ret = validate(p);
	if (!ret)
		ret = collect_resvs(p);
	if (!ret) /* not earlier: a wait for a syncobj's fence to come may be long */
		ret = mutex_lock_interruptible(&p->ctx->lock);
	if (ret)
		return ret;
	ret = wait_for_slot(p);
	if (!ret)
		ret = locked_part(p, cs);
	mutex_unlock(&p->ctx->lock);
	return ret;
}

int df_cs_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	union drm_amdgpu_cs *cs = data;
	struct df_parser p = {
		.file = file,
		.fpriv = file->driver_priv,
		.df = to_df(drm),
	};
	int ret;

	if (!cs->in.num_chunks)
		return -EINVAL;
	p.ctx = df_ctx_find(p.fpriv, cs->in.ctx_id);
	if (!p.ctx)
		return -EINVAL;
	ret = run(&p, cs);
	finish(&p);
	df_ctx_put(p.ctx);
	return ret;
}

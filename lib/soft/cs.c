/* SPDX-License-Identifier: MIT */
/*
 * cs.c - command submission, in the two passes of amdgpu_cs.c: everything is read and checked, then the jobs are made,
 * their dependencies collected, and after the wait for a free slot nothing can fail any more.
 */
#include "soft.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define GANG_SIZE  4u
#define IB_MAX_DW  0xfffffu /* AMDGPU_GFX_SDMA_IB_PACKET_SIZE_MAX_DW */
#define MAX_CHUNKS 65536u

struct chunk {
	uint32_t id, length_dw;
	void *data;
};

struct post {
	struct soft_syncobj *syncobj;
	uint64_t point;
};

struct parser {
	struct soft_file *file;
	struct soft_ctx *ctx;
	uint32_t ctx_id;
	struct chunk *chunks;
	uint32_t chunk_count;
	struct soft_entity *entities[GANG_SIZE];
	struct soft_job *jobs[GANG_SIZE];
	unsigned ib_counts[GANG_SIZE];
	unsigned gang, leader;
	struct soft_bo *user_fence;
	uint32_t user_fence_offset;
	struct soft_bo_list *list;
	struct soft_fence **deps;
	unsigned dep_count, dep_capacity;
	struct post *posts;
	unsigned post_count;
	unsigned ce_preempt, de_preempt;
};

static int job_index(struct parser *p, const struct drm_amdgpu_cs_chunk_ib *ib)
{
	struct soft_entity *entity;
	int ret = soft_ctx_entity(p->ctx, ib->ip_type, ib->ip_instance, ib->ring, &entity);

	if (ret)
		return ret;
	for (unsigned i = 0; i < p->gang; i++)
		if (p->entities[i] == entity)
			return (int)i;
	if (p->gang == GANG_SIZE)
		return -EINVAL;
	p->entities[p->gang] = entity;
	return (int)p->gang++;
}

static unsigned max_ibs(const struct soft_kernel *kernel, uint32_t ip)
{
	unsigned max = ip == AMDGPU_HW_IP_GFX       ? kernel->max_ibs_gfx
		       : ip == AMDGPU_HW_IP_COMPUTE ? kernel->max_ibs_compute
						    : kernel->max_ibs_other;

	return max ? max : UINT32_MAX;
}

static int pass1_ib(struct parser *p, const struct drm_amdgpu_cs_chunk_ib *ib)
{
	int i = job_index(p, ib);

	if (i < 0)
		return i;
	if (p->ib_counts[i] >= max_ibs(p->file->device->spec.kernel, ib->ip_type))
		return -EINVAL;
	p->ib_counts[i]++;
	p->leader = (unsigned)i;
	return 0;
}

static int pass1_user_fence(struct parser *p, const struct drm_amdgpu_cs_chunk_fence *fence)
{
	const struct soft_gem *gem = soft_table_get(&p->file->gems, fence->handle);

	if (!gem)
		return -EINVAL;
	p->user_fence = soft_bo_get(gem->bo);
	if (gem->bo->size != SOFT_PAGE || fence->offset > SOFT_PAGE - 8 || gem->bo->userptr || !gem->bo->host)
		return -EINVAL;
	p->user_fence_offset = fence->offset;
	return 0;
}

/* soft_lock is given up while the list is read. */
static int pass1_handles(struct parser *p, const struct drm_amdgpu_bo_list_in *in)
{
	int ret;

	pthread_mutex_unlock(&soft_lock);
	ret = soft_bo_list_read(p->file, in, &p->list);
	pthread_mutex_lock(&soft_lock);
	return ret;
}

static int pass1_chunk(struct parser *p, const struct chunk *chunk)
{
	size_t size = (size_t)chunk->length_dw * 4;

	switch (chunk->id) {
	case AMDGPU_CHUNK_ID_IB:
		return size < sizeof(struct drm_amdgpu_cs_chunk_ib) ? -EINVAL : pass1_ib(p, chunk->data);
	case AMDGPU_CHUNK_ID_FENCE:
		if (size < sizeof(struct drm_amdgpu_cs_chunk_fence) || p->user_fence)
			return -EINVAL;
		return pass1_user_fence(p, chunk->data);
	case AMDGPU_CHUNK_ID_BO_HANDLES:
		if (size < sizeof(struct drm_amdgpu_bo_list_in) || p->list)
			return -EINVAL;
		return pass1_handles(p, chunk->data);
	case ABI_CHUNK_CP_GFX_SHADOW:
		if (!p->file->device->spec.kernel->chunk_shadow)
			break;
		return size < sizeof(struct abi_cs_chunk_cp_gfx_shadow) ? -EINVAL : 0;
	case AMDGPU_CHUNK_ID_DEPENDENCIES:
	case AMDGPU_CHUNK_ID_SYNCOBJ_IN:
	case AMDGPU_CHUNK_ID_SYNCOBJ_OUT:
	case AMDGPU_CHUNK_ID_SCHEDULED_DEPENDENCIES:
	case AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_WAIT:
	case AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_SIGNAL:
		return 0;
	default:
		break;
	}
	atomic_fetch_add(&p->file->device->refused_flags, 1);
	return -EINVAL;
}

static int read_chunk(uint64_t address, struct chunk *chunk)
{
	struct drm_amdgpu_cs_chunk header;
	int ret;

	if (soft_copy_in(&header, address, sizeof(header)))
		return -EFAULT;
	chunk->id = header.chunk_id;
	chunk->length_dw = header.length_dw;
	ret = soft_copy_in_array(header.chunk_data, header.length_dw, 4, &chunk->data);
	return ret;
}

/* soft_lock is held. Chunks are checked in the order in which they are read. */
static int pass1(struct parser *p, const union drm_amdgpu_cs *cs)
{
	void *addresses;
	int ret = 0;

	if (cs->in.num_chunks > MAX_CHUNKS)
		return -ENOMEM;
	ret = soft_copy_in_array(cs->in.chunks, cs->in.num_chunks, sizeof(uint64_t), &addresses);
	if (ret)
		return ret;
	p->chunks = calloc(cs->in.num_chunks, sizeof(*p->chunks));
	if (!p->chunks)
		ret = -ENOMEM;
	for (uint32_t i = 0; !ret && i < cs->in.num_chunks; i++) {
		ret = read_chunk(((uint64_t *)addresses)[i], &p->chunks[i]);
		p->chunk_count = i + 1;
		if (!ret)
			ret = pass1_chunk(p, &p->chunks[i]);
	}
	free(addresses);
	if (!ret && !p->gang)
		ret = -EINVAL;
	return ret;
}

static int make_job(struct parser *p, unsigned i)
{
	struct soft_job *job = calloc(1, sizeof(*job));

	if (!job)
		return -ENOMEM;
	p->jobs[i] = job;
	job->file = p->file;
	job->ctx = p->ctx;
	job->ctx_id = p->ctx_id;
	p->ctx->refs++;
	job->entity = p->entities[i];
	job->ip = job->entity->ip;
	job->priority = p->ctx->priority;
	job->vram_lost_counter = atomic_load(&p->file->device->vram_lost_counter);
	job->ibs = calloc(p->ib_counts[i], sizeof(*job->ibs));
	job->finished = soft_fence_new(p->file->vm);
	if (!job->ibs || !job->finished || !(job->finished->scheduled = soft_fence_new(p->file->vm)))
		return -ENOMEM;
	return 0;
}

static int make_jobs(struct parser *p)
{
	for (unsigned i = 0; i < p->gang; i++) {
		int ret = make_job(p, i);

		if (ret)
			return ret;
	}
	if (p->ctx->vram_lost_counter != p->jobs[p->leader]->vram_lost_counter)
		return -ECANCELED;
	return 0;
}

static int pass2_ib(struct parser *p, const struct drm_amdgpu_cs_chunk_ib *chunk)
{
	const bool ce = chunk->flags & AMDGPU_IB_FLAG_CE;
	/* Only gfx_v10_0_ring_emit_ib_gfx() looks at the flag: other rings run the IB as any. */
	const bool to_ce = ce && chunk->ip_type == AMDGPU_HW_IP_GFX;
	int i = job_index(p, chunk);
	struct soft_job *job;

	if (i < 0)
		return i;
	job = p->jobs[i];
	if (p->file->device->spec.kernel->ce_blocked && ce)
		return -EINVAL;
	if (chunk->ip_type == AMDGPU_HW_IP_GFX && (chunk->flags & AMDGPU_IB_FLAG_PREEMPT)) {
		unsigned *count = ce ? &p->ce_preempt : &p->de_preempt;

		if (++*count > 1)
			return -EINVAL;
	}
	if (chunk->ib_bytes / 4 > IB_MAX_DW)
		return -EINVAL;
	job->ibs[job->gpu.ib_count++] =
		(struct gpu_ib){.va = chunk->va_start,
				.size_dw = chunk->ib_bytes / 4,
				.flags = ((chunk->flags & AMDGPU_IB_FLAG_PREAMBLE) ? (uint32_t)GPU_IB_PREAMBLE : 0) |
					 (to_ce ? (uint32_t)GPU_IB_CE : 0)};
	return 0;
}

/* Takes the reference over. */
static int add_dep(struct parser *p, struct soft_fence *fence)
{
	if (p->dep_count == p->dep_capacity) {
		unsigned capacity = p->dep_capacity ? p->dep_capacity * 2 : 8;
		struct soft_fence **deps = realloc(p->deps, capacity * sizeof(*deps));

		if (!deps) {
			soft_fence_put(fence);
			return -ENOMEM;
		}
		p->deps = deps;
		p->dep_capacity = capacity;
	}
	p->deps[p->dep_count++] = fence;
	return 0;
}

static int pass2_dependencies(struct parser *p, const struct chunk *chunk)
{
	const struct drm_amdgpu_cs_chunk_dep *deps = chunk->data;
	size_t count = (size_t)chunk->length_dw * 4 / sizeof(*deps);

	for (size_t i = 0; i < count; i++) {
		struct soft_ctx *ctx = soft_table_get(&p->file->ctxs, deps[i].ctx_id);
		struct soft_entity *entity;
		struct soft_fence *fence = NULL;
		int ret;

		if (!ctx)
			return -EINVAL;
		ret = soft_ctx_entity(ctx, deps[i].ip_type, deps[i].ip_instance, deps[i].ring, &entity);
		if (!ret)
			ret = soft_entity_fence(entity, deps[i].handle, &fence);
		if (!ret && fence && chunk->id == AMDGPU_CHUNK_ID_SCHEDULED_DEPENDENCIES) {
			struct soft_fence *finished = fence;

			fence = soft_fence_get(finished->scheduled);
			soft_fence_put(finished);
		}
		if (!ret && fence)
			ret = add_dep(p, fence);
		if (ret)
			return ret;
	}
	return 0;
}

static int wait_point(struct parser *p, uint32_t handle, uint64_t point, uint64_t flags)
{
	struct soft_fence *fence;
	int ret = soft_syncobj_find_fence(p->file, handle, point, flags, &fence);

	return ret ? ret : add_dep(p, fence);
}

static int pass2_wait(struct parser *p, const struct chunk *chunk)
{
	const struct drm_amdgpu_cs_chunk_sem *sems = chunk->data;
	const struct drm_amdgpu_cs_chunk_syncobj *points = chunk->data;
	bool timeline = chunk->id == AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_WAIT;
	size_t count = (size_t)chunk->length_dw * 4 / (timeline ? sizeof(*points) : sizeof(*sems));
	int ret = 0;

	for (size_t i = 0; !ret && i < count; i++)
		ret = timeline ? wait_point(p, points[i].handle, points[i].point, points[i].flags)
			       : wait_point(p, sems[i].handle, 0, 0);
	return ret;
}

static int pass2_signal(struct parser *p, const struct chunk *chunk)
{
	const struct drm_amdgpu_cs_chunk_sem *sems = chunk->data;
	const struct drm_amdgpu_cs_chunk_syncobj *points = chunk->data;
	bool timeline = chunk->id == AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_SIGNAL;
	size_t count = (size_t)chunk->length_dw * 4 / (timeline ? sizeof(*points) : sizeof(*sems));

	if (p->posts)
		return -EINVAL;
	p->posts = calloc(count ? count : 1, sizeof(*p->posts));
	if (!p->posts)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct soft_syncobj *syncobj = soft_syncobj_find(p->file, timeline ? points[i].handle : sems[i].handle);

		if (!syncobj)
			return -EINVAL;
		p->posts[p->post_count++] = (struct post){syncobj, timeline ? points[i].point : 0};
	}
	return 0;
}

static int pass2(struct parser *p)
{
	int ret = 0;

	for (uint32_t i = 0; !ret && i < p->chunk_count; i++) {
		const struct chunk *chunk = &p->chunks[i];

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
		case ABI_CHUNK_CP_GFX_SHADOW:
			if (((const struct abi_cs_chunk_cp_gfx_shadow *)chunk->data)->flags & ~1ull)
				ret = -EINVAL;
			break;
		default:
			break;
		}
	}
	return ret;
}

/* amdgpu_ttm_tt_get_user_pages(): memory that is gone is refused before the GPU would touch it. */
static int check_userptr(const struct soft_bo *bo)
{
	unsigned char seen[256];

	for (uint64_t at = 0; bo->userptr && at < bo->size; at += sizeof(seen) * SOFT_PAGE) {
		uint64_t left = bo->size - at, span = sizeof(seen) * SOFT_PAGE;

		if (mincore((char *)bo->host + at, (size_t)(left < span ? left : span), seen))
			return -EFAULT;
	}
	return 0;
}

static int parser_bos(struct parser *p, const union drm_amdgpu_cs *cs)
{
	int ret = 0;

	if (cs->in.bo_list_handle) {
		if (p->list)
			return -EINVAL;
		p->list = soft_table_get(&p->file->bo_lists, cs->in.bo_list_handle);
		if (!p->list)
			return -ENOENT;
		p->list->refs++;
	}
	for (unsigned i = 0; !ret && p->list && i < p->list->count; i++)
		ret = check_userptr(p->list->bos[i]);
	return ret;
}

/* Implicit synchronisation: what others have submitted with a BO comes first, unless it is explicit. */
static int sync_resv(struct parser *p, const struct soft_resv *resv, bool explicit_sync)
{
	int ret = 0;

	for (unsigned i = 0; !ret && !explicit_sync && i < resv->count; i++)
		if (resv->fences[i]->owner != p->file->vm && !soft_fence_done(resv->fences[i]))
			ret = add_dep(p, soft_fence_get(resv->fences[i]));
	return ret;
}

static int sync_bo(struct parser *p, const struct soft_bo *bo)
{
	return bo->resv == &p->file->resv ? 0 : sync_resv(p, bo->resv, bo->flags & AMDGPU_GEM_CREATE_EXPLICIT_SYNC);
}

static int sync_all(struct parser *p)
{
	int ret = sync_resv(p, &p->file->resv, false);

	for (unsigned i = 0; !ret && p->list && i < p->list->count; i++)
		ret = sync_bo(p, p->list->bos[i]);
	if (!ret && p->user_fence)
		ret = sync_bo(p, p->user_fence);
	if (!ret && p->file->va_fence && !soft_fence_done(p->file->va_fence))
		ret = add_dep(p, soft_fence_get(p->file->va_fence));
	return ret;
}

/* The slot of the job SOFT_JOBS before this one must be free; waits for it, without a deadline. */
static void wait_for_slot(struct soft_entity *entity)
{
	const struct soft_fence *fence;

	while ((fence = entity->fences[entity->sequence & (SOFT_JOBS - 1)]) && !soft_fence_done(fence))
		soft_wait_until(SOFT_MAX_TIMEOUT);
}

/* Out of memory with gates half built: the jobs stay until the fences that know them have signalled. */
static void abandon(struct parser *p)
{
	for (unsigned i = 0; i < p->gang; i++) {
		struct soft_job *job = p->jobs[i];

		p->jobs[i] = NULL;
		p->file->jobs++;
		job->gate.open = soft_job_abandon;
		soft_gate_arm(&job->gate);
	}
}

/* Builds the gates. */
static int prepare(struct parser *p)
{
	int ret = 0;

	for (unsigned i = 0; i < p->gang; i++)
		soft_gate_init(&p->jobs[i]->gate, soft_job_ready);
	for (unsigned i = 0; !ret && i < p->gang; i++) {
		struct soft_job *job = p->jobs[i];

		for (unsigned j = 0; !ret && j < p->dep_count; j++)
			ret = soft_gate_add(&job->gate, p->deps[j]);
		if (!ret && p->entities[i]->last_scheduled)
			ret = soft_gate_add(&job->gate, p->entities[i]->last_scheduled);
	}
	for (unsigned i = 0; !ret && i < p->gang; i++)
		if (i != p->leader)
			ret = soft_gate_add(&p->jobs[p->leader]->gate, p->jobs[i]->finished->scheduled);
	if (ret)
		abandon(p);
	return ret;
}

static void publish(struct parser *p, struct soft_fence *fence)
{
	soft_resv_add(&p->file->resv, fence);
	for (unsigned i = 0; p->list && i < p->list->count; i++)
		if (p->list->bos[i]->resv != &p->file->resv)
			soft_resv_add(p->list->bos[i]->resv, fence);
	if (p->user_fence && p->user_fence->resv != &p->file->resv)
		soft_resv_add(p->user_fence->resv, fence);
}

/* Nothing fails from here on. */
static void submit(struct parser *p, union drm_amdgpu_cs *cs)
{
	struct soft_job *leader = p->jobs[p->leader];
	struct soft_entity *entity = leader->entity;
	uint64_t seq = entity->sequence;
	struct soft_fence **slot = &entity->fences[seq & (SOFT_JOBS - 1)];

	for (unsigned i = 0; i < p->gang; i++)
		publish(p, p->jobs[i]->finished);
	soft_fence_put(*slot);
	*slot = soft_fence_get(leader->finished);
	entity->sequence++;
	leader->sequence = seq;
	leader->user_fence = p->user_fence;
	leader->user_fence_offset = p->user_fence_offset;
	leader->list = p->list;
	p->user_fence = NULL;
	p->list = NULL;
	for (unsigned i = 0; i < p->post_count; i++) {
		if (p->posts[i].point)
			soft_syncobj_add_point(p->posts[i].syncobj, leader->finished, p->posts[i].point);
		else
			soft_syncobj_replace(p->posts[i].syncobj, leader->finished);
	}
	cs->out.handle = seq;
	for (unsigned i = 0; i < p->gang; i++) {
		struct soft_job *job = p->jobs[i];

		soft_fence_put(job->entity->last_scheduled);
		job->entity->last_scheduled = soft_fence_get(job->finished->scheduled);
		job->entity->queued++;
		job->gpu.vm = p->file->vm;
		job->gpu.ibs = job->ibs;
		p->file->jobs++;
	}
	for (unsigned i = 0; i < p->gang; i++) {
		struct soft_job *job = p->jobs[i];

		p->jobs[i] = NULL;
		soft_gate_arm(&job->gate);
	}
}

static void finish(struct parser *p)
{
	for (unsigned i = 0; i < p->dep_count; i++)
		soft_fence_put(p->deps[i]);
	for (unsigned i = 0; i < p->post_count; i++)
		soft_syncobj_put(p->posts[i].syncobj);
	soft_ctx_put(p->ctx);
	pthread_mutex_unlock(&soft_lock);
	for (unsigned i = 0; i < GANG_SIZE; i++)
		soft_job_free(p->jobs[i]);
	soft_bo_list_put(p->list);
	soft_bo_put(p->user_fence);
	for (uint32_t i = 0; i < p->chunk_count; i++)
		free(p->chunks[i].data);
	free(p->chunks);
	free(p->deps);
	free(p->posts);
}

/* Nobody else knows the jobs yet: soft_lock is given up, as mappings are looked up under va_lock. */
static void capture(struct parser *p)
{
	static _Atomic int wanted = -1;

	if (wanted < 0)
		wanted = getenv("DRUMFIRE_CAPTURE") != NULL;
	if (!wanted)
		return;
	pthread_mutex_unlock(&soft_lock);
	for (unsigned i = 0; i < p->gang; i++)
		soft_capture_job(p->file, p->jobs[i]);
	pthread_mutex_lock(&soft_lock);
}

static int run(struct parser *p, union drm_amdgpu_cs *cs)
{
	int ret = pass1(p, cs);

	if (!ret)
		ret = make_jobs(p);
	if (!ret)
		ret = pass2(p);
	if (!ret)
		ret = parser_bos(p, cs);
	if (ret)
		return ret;
	capture(p);
	wait_for_slot(p->entities[p->leader]);
	ret = sync_all(p);
	if (!ret)
		ret = prepare(p);
	if (ret)
		return ret;
	submit(p, cs);
	return 0;
}

int soft_cs_ioctl(struct soft_file *file, void *arg)
{
	union drm_amdgpu_cs *cs = arg;
	struct parser p = {.file = file};
	int ret;

	if (!cs->in.num_chunks)
		return -EINVAL;
	pthread_mutex_lock(&soft_lock);
	p.ctx_id = cs->in.ctx_id;
	p.ctx = soft_ctx_find(file, cs->in.ctx_id);
	if (!p.ctx) {
		pthread_mutex_unlock(&soft_lock);
		return -EINVAL;
	}
	if (file->device->spec.kernel->ctx_guilty && p.ctx->guilty)
		ret = -ECANCELED;
	else
		ret = run(&p, cs);
	finish(&p);
	return ret;
}

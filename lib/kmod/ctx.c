// SPDX-License-Identifier: GPL-2.0 OR MIT
/* ctx.c - contexts and their entities (as amdgpu_ctx.c), and the VM ioctl. */
#include "drumfire.h"

#include <drm/drm_auth.h>
#include <linux/capability.h>

#define MAX_CTX 4096u /* AMDGPU_VM_MAX_NUM_CTX */

/* Of a type, whatever the rings: amdgpu_ctx_num_entities. */
static const u32 entity_counts[DF_HW_RING_TYPES] = {1, 4, 2};

static void entity_destroy(struct df_entity *entity)
{
	unsigned int i;

	drm_sched_entity_destroy(&entity->base);
	for (i = 0; i < DF_SCHED_JOBS; i++)
		dma_fence_put(entity->fences[i]);
	df_entity_put(entity);
}

static void ctx_release(struct kref *ref)
{
	struct df_ctx *ctx = container_of(ref, struct df_ctx, ref);
	unsigned int ip, i;

	for (ip = 0; ip < DF_HW_RING_TYPES; ip++)
		for (i = 0; i < DF_RINGS_MAX; i++)
			if (ctx->entities[ip][i])
				entity_destroy(ctx->entities[ip][i]);
	mutex_destroy(&ctx->lock);
	kfree(ctx);
	atomic_dec(&df_live[DF_LIVE_CTX]);
}

void df_ctx_put(struct df_ctx *ctx)
{
	kref_put(&ctx->ref, ctx_release);
}

struct df_ctx *df_ctx_find(struct df_file *fpriv, u32 id)
{
	struct df_ctx *ctx;

	xa_lock(&fpriv->ctxs);
	ctx = xa_load(&fpriv->ctxs, id);
	if (ctx)
		kref_get(&ctx->ref);
	xa_unlock(&fpriv->ctxs);
	return ctx;
}

static enum drm_sched_priority sched_priority(s32 priority)
{
	if (priority > AMDGPU_CTX_PRIORITY_NORMAL)
		return DRM_SCHED_PRIORITY_HIGH;
	return priority < AMDGPU_CTX_PRIORITY_NORMAL ? DFC_PRIORITY_LOW : DRM_SCHED_PRIORITY_NORMAL;
}

static struct df_entity *entity_new(struct df_ctx *ctx, u32 ip)
{
	struct df_entity *entity = kzalloc(sizeof(*entity), GFP_KERNEL);
	struct df_device *df = ctx->df;

	if (!entity)
		return NULL;
	kref_init(&entity->ref);
	entity->sequence = 1;
	if (drm_sched_entity_init(&entity->base, sched_priority(ctx->priority), df->rings->list[ip],
				  df->desc.rings[ip], NULL)) {
		kfree(entity);
		return NULL;
	}
	return entity;
}

/* amdgpu_ctx_get_entity() */
int df_ctx_entity(struct df_ctx *ctx, u32 ip, u32 instance, u32 ring, struct df_entity **out)
{
	if (ip >= DF_HW_RING_TYPES || instance || ring >= entity_counts[ip])
		return -EINVAL;
	mutex_lock(&ctx->lock);
	if (!ctx->entities[ip][ring]) /* read without the lock by those who wait */
		smp_store_release(&ctx->entities[ip][ring], entity_new(ctx, ip));
	*out = ctx->entities[ip][ring];
	mutex_unlock(&ctx->lock);
	return *out ? READ_ONCE((*out)->error) : -ENOMEM;
}

static int entity_fence(struct df_ctx *ctx, struct df_entity *entity, u64 seq,
			struct dma_fence **out)
{
	int ret = 0;

	spin_lock(&ctx->ring_lock);
	if (seq == ~0ull)
		seq = entity->sequence - 1;
	if (seq >= entity->sequence)
		ret = -EINVAL;
	else if (seq + DF_SCHED_JOBS >= entity->sequence)
		*out = dma_fence_get(entity->fences[seq % DF_SCHED_JOBS]);
	spin_unlock(&ctx->ring_lock);
	return ret;
}

/*
 * amdgpu_cs_get_fence(): with a reference; NULL for one that ended long ago; the entity's error, if
 * it has one. ctx->lock is not taken, a submission may hold it long: entities only come, never go.
 */
int df_ctx_fence(struct df_file *fpriv, const struct drm_amdgpu_fence *user, struct dma_fence **out)
{
	struct df_ctx *ctx = df_ctx_find(fpriv, user->ctx_id);
	struct df_entity *entity;
	int ret = -EINVAL;

	*out = NULL;
	if (!ctx)
		return -EINVAL;
	if (user->ip_type >= DF_HW_RING_TYPES || user->ip_instance ||
	    user->ring >= entity_counts[user->ip_type])
		goto put;
	/* pairs with df_ctx_entity() */
	entity = smp_load_acquire(&ctx->entities[user->ip_type][user->ring]);
	if (!entity) /* nothing was ever submitted */
		ret = user->seq_no && user->seq_no != ~0ull ? -EINVAL : 0;
	else
		ret = READ_ONCE(entity->error);
	if (entity && !ret)
		ret = entity_fence(ctx, entity, user->seq_no, out);
put:
	df_ctx_put(ctx);
	return ret;
}

static int ctx_alloc(struct df_file *fpriv, struct drm_file *file, s32 priority, u32 *id_out)
{
	struct df_device *df = fpriv->df;
	struct df_ctx *ctx;
	int ret;

	if (priority > AMDGPU_CTX_PRIORITY_NORMAL && !capable(CAP_SYS_NICE) &&
	    !drm_is_current_master(file))
		return -EACCES;
	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);
	if (!ctx)
		return -ENOMEM;
	atomic_inc(&df_live[DF_LIVE_CTX]);
	kref_init(&ctx->ref);
	mutex_init(&ctx->lock);
	spin_lock_init(&ctx->ring_lock);
	ctx->df = df;
	ctx->priority = priority;
	ctx->reset_counter = atomic_read(&df->reset_counter);
	ctx->reset_counter_query = ctx->reset_counter;
	ctx->vram_lost = atomic_read(&df->vram_lost);
	ret = xa_alloc(&fpriv->ctxs, id_out, ctx, XA_LIMIT(1, MAX_CTX - 1), GFP_KERNEL);
	if (ret)
		df_ctx_put(ctx);
	return ret == -EBUSY ? -ENOSPC : ret;
}

static int ctx_free(struct df_file *fpriv, u32 id)
{
	struct df_ctx *ctx = xa_erase(&fpriv->ctxs, id);

	if (!ctx)
		return -EINVAL;
	df_ctx_put(ctx);
	return 0;
}

void df_ctx_close_all(struct df_file *fpriv)
{
	struct df_ctx *ctx;
	unsigned long id;

	xa_for_each(&fpriv->ctxs, id, ctx)
		df_ctx_put(ctx);
	xa_destroy(&fpriv->ctxs);
}

static bool ctx_guilty(struct df_ctx *ctx)
{
	bool guilty = false;
	unsigned int ip, i;

	mutex_lock(&ctx->lock);
	for (ip = 0; ip < DF_HW_RING_TYPES; ip++)
		for (i = 0; i < DF_RINGS_MAX; i++)
			if (ctx->entities[ip][i] &&
			    READ_ONCE(ctx->entities[ip][i]->error) == -ETIME)
				guilty = true;
	mutex_unlock(&ctx->lock);
	return guilty;
}

static int query(struct df_ctx *ctx, union drm_amdgpu_ctx_out *out)
{
	u32 now = atomic_read(&ctx->df->reset_counter);

	memset(out, 0, sizeof(*out));
	out->state.reset_status =
		ctx->reset_counter_query == now ? AMDGPU_CTX_NO_RESET : AMDGPU_CTX_UNKNOWN_RESET;
	ctx->reset_counter_query = now;
	return 0;
}

static int query2(struct df_ctx *ctx, union drm_amdgpu_ctx_out *out)
{
	struct df_device *df = ctx->df;

	memset(out, 0, sizeof(*out));
	if (ctx->reset_counter != atomic_read(&df->reset_counter))
		out->state.flags |= AMDGPU_CTX_QUERY2_FLAGS_RESET;
	if (ctx->vram_lost != atomic_read(&df->vram_lost))
		out->state.flags |= AMDGPU_CTX_QUERY2_FLAGS_VRAMLOST;
	if (ctx_guilty(ctx))
		out->state.flags |= AMDGPU_CTX_QUERY2_FLAGS_GUILTY;
	if (READ_ONCE(df->resetting))
		/* AMDGPU_CTX_QUERY2_FLAGS_RESET_IN_PROGRESS, from 6.8 on */
		out->state.flags |= 1u << 5;
	return 0;
}

static int with_ctx(struct df_file *fpriv, union drm_amdgpu_ctx *args)
{
	u32 op = args->in.op, flags = args->in.flags;
	struct df_ctx *ctx = df_ctx_find(fpriv, args->in.ctx_id);
	int ret = 0;

	if (!ctx)
		return -EINVAL;
	if (op == AMDGPU_CTX_OP_QUERY_STATE) {
		ret = query(ctx, &args->out);
	} else if (op == AMDGPU_CTX_OP_QUERY_STATE2) {
		ret = query2(ctx, &args->out);
	} else if (op == AMDGPU_CTX_OP_GET_STABLE_PSTATE) {
		memset(&args->out, 0, sizeof(args->out));
		args->out.pstate.flags = ctx->pstate;
	} else {
		ctx->pstate = flags; /* no clocks to hold */
	}
	df_ctx_put(ctx);
	return ret;
}

int df_ctx_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct df_file *fpriv = file->driver_priv;
	union drm_amdgpu_ctx *args = data;
	s32 priority = args->in.priority;
	u32 op = args->in.op, id = 0;
	int ret;

	switch (priority) { /* garbage counts as normal */
	case AMDGPU_CTX_PRIORITY_VERY_LOW:
	case AMDGPU_CTX_PRIORITY_LOW:
	case AMDGPU_CTX_PRIORITY_HIGH:
	case AMDGPU_CTX_PRIORITY_VERY_HIGH:
		break;
	default:
		priority = AMDGPU_CTX_PRIORITY_NORMAL;
	}
	if (op < AMDGPU_CTX_OP_ALLOC_CTX || op > AMDGPU_CTX_OP_SET_STABLE_PSTATE)
		return -EINVAL;
	if (op == AMDGPU_CTX_OP_SET_STABLE_PSTATE ? args->in.flags > AMDGPU_CTX_STABLE_PSTATE_PEAK
						  : args->in.flags)
		return -EINVAL;
	if (op == AMDGPU_CTX_OP_FREE_CTX)
		return ctx_free(fpriv, args->in.ctx_id);
	if (op != AMDGPU_CTX_OP_ALLOC_CTX)
		return with_ctx(fpriv, args);
	ret = ctx_alloc(fpriv, file, priority, &id);
	args->out.alloc.ctx_id = id;
	return ret;
}

/* Reserving a VMID changes nothing here: every file has its address space to itself. */
int df_vm_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	const union drm_amdgpu_vm *args = data;

	if (args->in.flags)
		return -EINVAL;
	return args->in.op == AMDGPU_VM_OP_RESERVE_VMID ||
			       args->in.op == AMDGPU_VM_OP_UNRESERVE_VMID
		       ? 0
		       : -EINVAL;
}

/* SPDX-License-Identifier: MIT */
/* ctx.c - contexts and their entities (amdgpu_ctx.c), BO lists (amdgpu_bo_list.c), and the VM ioctl. */
#include "soft.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_CTX          4096u /* AMDGPU_VM_MAX_NUM_CTX */
#define MAX_LIST_ENTRIES (128u * 1024u)

static const uint32_t entity_counts[] = {1, 4, 2, 1, 1, 1, 1, 1, 1, 1}; /* amdgpu_ctx_num_entities */

struct soft_ctx *soft_ctx_find(struct soft_file *file, uint32_t id)
{
	struct soft_ctx *ctx = soft_table_get(&file->ctxs, id);

	if (ctx)
		ctx->refs++;
	return ctx;
}

void soft_ctx_put(struct soft_ctx *ctx)
{
	if (!ctx || --ctx->refs)
		return;
	for (unsigned ip = 0; ip < SOFT_IP_NUM; ip++) {
		for (unsigned i = 0; i < 4; i++) {
			struct soft_entity *entity = ctx->entities[ip][i];

			for (unsigned j = 0; entity && j < SOFT_JOBS; j++)
				soft_fence_put(entity->fences[j]);
			if (entity)
				soft_fence_put(entity->last_scheduled);
			free(entity);
		}
	}
	if (ctx->file->device->pstate_ctx == ctx) {
		ctx->file->device->pstate_ctx = NULL;
		ctx->file->device->pstate = ctx->stable_pstate;
	}
	free(ctx);
}

int soft_ctx_entity(struct soft_ctx *ctx, uint32_t ip, uint32_t instance, uint32_t ring, struct soft_entity **out)
{
	const struct soft_kernel *kernel = ctx->file->device->spec.kernel;
	struct soft_entity *entity;

	if (ip >= kernel->hw_ip_num || instance || ring >= entity_counts[ip])
		return -EINVAL;
	if (ip >= SOFT_IP_NUM)
		return -EINVAL; /* no scheduler: the engine is not there */
	entity = ctx->entities[ip][ring];
	if (!entity) {
		entity = calloc(1, sizeof(*entity));
		if (!entity)
			return -ENOMEM;
		entity->sequence = 1;
		entity->ip = ip;
		entity->instance = ring % ctx->file->device->ring_counts[ip];
		ctx->entities[ip][ring] = entity;
	}
	if (kernel->entity_error && entity->error)
		return entity->error;
	*out = entity;
	return 0;
}

int soft_entity_fence(struct soft_entity *entity, uint64_t seq, struct soft_fence **fence_out)
{
	if (seq == ~0ull)
		seq = entity->sequence - 1;
	if (seq >= entity->sequence)
		return -EINVAL;
	*fence_out = seq + SOFT_JOBS < entity->sequence ? NULL : soft_fence_get(entity->fences[seq & (SOFT_JOBS - 1)]);
	return 0;
}

/* CAP_SYS_NICE in the effective set. */
static bool may_raise_priority(const struct soft_file *file)
{
	struct {
		uint32_t version;
		int pid;
	} header = {0x20080522, 0}; /* _LINUX_CAPABILITY_VERSION_3 */
	struct {
		uint32_t effective, permitted, inheritable;
	} data[2];

	if (file->primary && file->master)
		return true;
	return !syscall(SYS_capget, &header, data) && (data[0].effective & (1u << 23));
}

static int ctx_alloc(struct soft_file *file, int32_t priority, uint32_t *id_out)
{
	struct soft_device *device = file->device;
	struct soft_ctx *ctx;
	uint32_t id, live = 0;
	int ret;

	for (uint32_t i = 0; i < file->ctxs.count; i++)
		live += file->ctxs.slots[i] != NULL;
	if (live >= MAX_CTX - 1)
		return -ENOSPC;
	if (priority > AMDGPU_CTX_PRIORITY_NORMAL && !may_raise_priority(file))
		return -EACCES;
	ctx = calloc(1, sizeof(*ctx));
	if (!ctx)
		return -ENOMEM;
	ctx->refs = 1;
	ctx->file = file;
	ctx->priority = priority;
	ctx->reset_counter = ctx->reset_counter_query = atomic_load(&device->reset_counter);
	ctx->vram_lost_counter = atomic_load(&device->vram_lost_counter);
	ret = soft_table_add(&file->ctxs, ctx, &id);
	if (ret) {
		free(ctx);
		return ret;
	}
	soft_stop_forget(file, id);
	*id_out = id;
	return 0;
}

static int ctx_query(struct soft_device *device, struct soft_ctx *ctx, union drm_amdgpu_ctx_out *out)
{
	uint32_t now = atomic_load(&device->reset_counter);

	out->state.flags = 0;
	out->state.hangs = 0;
	out->state.reset_status = ctx->reset_counter_query == now ? AMDGPU_CTX_NO_RESET : AMDGPU_CTX_UNKNOWN_RESET;
	ctx->reset_counter_query = now;
	return 0;
}

/* In 7.x a context is guilty while an entity's last error is a time-out; before, for good. */
static bool ctx_guilty(const struct soft_ctx *ctx)
{
	if (ctx->file->device->spec.kernel->ctx_guilty)
		return ctx->guilty;
	for (unsigned ip = 0; ip < SOFT_IP_NUM; ip++)
		for (unsigned i = 0; i < 4; i++)
			if (ctx->entities[ip][i] && ctx->entities[ip][i]->error == -ETIME)
				return true;
	return false;
}

static int ctx_query2(struct soft_device *device, const struct soft_ctx *ctx, union drm_amdgpu_ctx_out *out)
{
	out->state.flags = 0;
	out->state.hangs = 0;
	if (ctx->reset_counter != atomic_load(&device->reset_counter))
		out->state.flags |= AMDGPU_CTX_QUERY2_FLAGS_RESET;
	if (ctx->vram_lost_counter != atomic_load(&device->vram_lost_counter))
		out->state.flags |= AMDGPU_CTX_QUERY2_FLAGS_VRAMLOST;
	if (ctx_guilty(ctx))
		out->state.flags |= AMDGPU_CTX_QUERY2_FLAGS_GUILTY;
	if (device->resetting && device->spec.kernel->reset_in_progress)
		out->state.flags |= ABI_CTX_QUERY2_RESET_IN_PROGRESS;
	return 0;
}

static int set_pstate(struct soft_device *device, struct soft_ctx *ctx, uint32_t pstate)
{
	if (device->pstate_ctx && device->pstate_ctx != ctx)
		return -EBUSY;
	if (device->pstate == pstate)
		return 0;
	if (!device->pstate_ctx) {
		device->pstate_ctx = ctx;
		ctx->stable_pstate = device->pstate;
	}
	device->pstate = pstate;
	return 0;
}

static int ctx_op(struct soft_file *file, union drm_amdgpu_ctx *args, int32_t priority)
{
	struct soft_device *device = file->device;
	struct soft_ctx *ctx;
	uint32_t id = args->in.ctx_id, flags = args->in.flags, op = args->in.op;
	int ret;

	if (op == AMDGPU_CTX_OP_SET_STABLE_PSTATE) {
		if ((flags & ~(uint32_t)AMDGPU_CTX_STABLE_PSTATE_FLAGS_MASK) || flags > AMDGPU_CTX_STABLE_PSTATE_PEAK)
			return -EINVAL;
	} else if (flags || op < AMDGPU_CTX_OP_ALLOC_CTX || op > AMDGPU_CTX_OP_SET_STABLE_PSTATE) {
		return -EINVAL;
	}
	if (op == AMDGPU_CTX_OP_ALLOC_CTX) {
		ret = ctx_alloc(file, priority, &id);
		args->out.alloc.ctx_id = ret ? 0 : id;
		return ret;
	}
	ctx = op == AMDGPU_CTX_OP_FREE_CTX ? soft_table_remove(&file->ctxs, id) : soft_table_get(&file->ctxs, id);
	if (!ctx)
		return -EINVAL;
	switch (op) {
	case AMDGPU_CTX_OP_FREE_CTX:
		soft_ctx_put(ctx);
		return 0;
	case AMDGPU_CTX_OP_QUERY_STATE:
		return ctx_query(device, ctx, &args->out);
	case AMDGPU_CTX_OP_QUERY_STATE2:
		return ctx_query2(device, ctx, &args->out);
	case AMDGPU_CTX_OP_GET_STABLE_PSTATE:
		args->out.pstate.flags = device->pstate;
		return 0;
	default:
		return set_pstate(device, ctx, flags);
	}
}

int soft_ctx_ioctl(struct soft_file *file, void *arg)
{
	union drm_amdgpu_ctx *args = arg;
	int32_t priority = args->in.priority;
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
	pthread_mutex_lock(&soft_lock);
	ret = ctx_op(file, args, priority);
	pthread_mutex_unlock(&soft_lock);
	return ret;
}

void soft_bo_list_put(struct soft_bo_list *list)
{
	bool last;

	if (!list)
		return;
	pthread_mutex_lock(&soft_lock);
	last = --list->refs == 0;
	pthread_mutex_unlock(&soft_lock);
	if (!last)
		return;
	for (unsigned i = 0; i < list->count; i++)
		soft_bo_put(list->bos[i]);
	free(list->bos);
	free(list);
}

/* With a reference, or NULL. */
struct soft_bo_list *soft_bo_list_find(struct soft_file *file, uint32_t id)
{
	struct soft_bo_list *list;

	pthread_mutex_lock(&soft_lock);
	list = soft_table_get(&file->bo_lists, id);
	if (list)
		list->refs++;
	pthread_mutex_unlock(&soft_lock);
	return list;
}

/* amdgpu_bo_create_list_entry_array(): elements of any size, of which the first eight bytes count. */
static int read_entries(const struct drm_amdgpu_bo_list_in *in, struct drm_amdgpu_bo_list_entry **entries_out)
{
	uint32_t size = in->bo_info_size, known = sizeof(struct drm_amdgpu_bo_list_entry);
	uint64_t from = in->bo_info_ptr;
	struct drm_amdgpu_bo_list_entry *entries;
	void *copy;
	int ret;

	if (in->bo_number > MAX_LIST_ENTRIES)
		return -EINVAL;
	if (size == known) {
		ret = soft_copy_in_array(from, in->bo_number, size, &copy);
		if (!ret)
			*entries_out = copy;
		return ret;
	}
	entries = calloc(in->bo_number ? in->bo_number : 1, known);
	if (!entries)
		return -ENOMEM;
	for (uint32_t i = 0; i < in->bo_number; i++, from += size) {
		if (soft_copy_in(&entries[i], from, size < known ? size : known)) {
			free(entries);
			return -EFAULT;
		}
	}
	*entries_out = entries;
	return 0;
}

int soft_bo_list_read(struct soft_file *file, const struct drm_amdgpu_bo_list_in *in, struct soft_bo_list **list_out)
{
	struct drm_amdgpu_bo_list_entry *entries;
	struct soft_bo_list *list = calloc(1, sizeof(*list));
	int ret = list ? read_entries(in, &entries) : -ENOMEM;

	if (ret) {
		free(list);
		return ret;
	}
	list->refs = 1;
	list->bos = calloc(in->bo_number ? in->bo_number : 1, sizeof(*list->bos));
	if (!list->bos)
		ret = -ENOMEM;
	pthread_mutex_lock(&soft_lock);
	for (uint32_t i = 0; !ret && i < in->bo_number; i++) {
		const struct soft_gem *gem = soft_table_get(&file->gems, entries[i].bo_handle);

		if (gem)
			list->bos[list->count++] = soft_bo_get(gem->bo);
		else
			ret = -ENOENT;
	}
	pthread_mutex_unlock(&soft_lock);
	free(entries);
	if (ret)
		soft_bo_list_put(list);
	else
		*list_out = list;
	return ret;
}

static int bo_list_create(struct soft_file *file, struct soft_bo_list *list, uint32_t *handle)
{
	int ret;

	pthread_mutex_lock(&soft_lock);
	ret = soft_table_add(&file->bo_lists, list, handle);
	pthread_mutex_unlock(&soft_lock);
	if (ret)
		soft_bo_list_put(list);
	return ret;
}

static int bo_list_update(struct soft_file *file, struct soft_bo_list *list, uint32_t handle)
{
	struct soft_bo_list *old;

	pthread_mutex_lock(&soft_lock);
	old = soft_table_replace(&file->bo_lists, handle, list);
	pthread_mutex_unlock(&soft_lock);
	soft_bo_list_put(old ? old : list);
	return old ? 0 : -ENOENT;
}

int soft_bo_list_ioctl(struct soft_file *file, void *arg)
{
	union drm_amdgpu_bo_list *args = arg;
	uint32_t handle = args->in.list_handle;
	struct drm_amdgpu_bo_list_entry *entries;
	struct soft_bo_list *list = NULL;
	int ret = 0;

	switch (args->in.operation) {
	case AMDGPU_BO_LIST_OP_CREATE:
		ret = soft_bo_list_read(file, &args->in, &list);
		if (!ret)
			ret = bo_list_create(file, list, &handle);
		break;
	case AMDGPU_BO_LIST_OP_UPDATE:
		ret = soft_bo_list_read(file, &args->in, &list);
		if (!ret)
			ret = bo_list_update(file, list, handle);
		break;
	default: /* the array is read first, whatever the operation */
		ret = read_entries(&args->in, &entries);
		if (ret)
			return ret;
		free(entries);
		if (args->in.operation != AMDGPU_BO_LIST_OP_DESTROY)
			return -EINVAL;
		pthread_mutex_lock(&soft_lock);
		list = soft_table_remove(&file->bo_lists, handle);
		pthread_mutex_unlock(&soft_lock);
		soft_bo_list_put(list); /* destroying what is not there is no error */
		handle = 0;
		break;
	}
	if (ret)
		return ret;
	memset(args, 0, sizeof(*args));
	args->out.list_handle = handle;
	return 0;
}

int soft_vm_ioctl(struct soft_file *file, void *arg)
{
	const union drm_amdgpu_vm *args = arg;

	if (args->in.flags)
		return -EINVAL;
	switch (args->in.op) {
	case AMDGPU_VM_OP_RESERVE_VMID:
		file->vmid_reserved = true;
		return 0;
	case AMDGPU_VM_OP_UNRESERVE_VMID:
		file->vmid_reserved = false;
		return 0;
	default:
		return -EINVAL;
	}
}

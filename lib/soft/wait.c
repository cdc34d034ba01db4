/* SPDX-License-Identifier: MIT */
/* wait.c - WAIT_CS, WAIT_FENCES and FENCE_TO_HANDLE. */
#include "soft.h"

#include <stdlib.h>
#include <string.h>

/* amdgpu_cs_get_fence(): 0 with NULL when it signalled long ago. soft_lock is held. */
static int get_fence(struct soft_file *file, const struct drm_amdgpu_fence *user, struct soft_fence **fence_out)
{
	struct soft_ctx *ctx = soft_table_get(&file->ctxs, user->ctx_id);
	struct soft_entity *entity;
	int ret;

	if (!ctx)
		return -EINVAL;
	ret = soft_ctx_entity(ctx, user->ip_type, user->ip_instance, user->ring, &entity);
	return ret ? ret : soft_entity_fence(entity, user->seq_no, fence_out);
}

int soft_wait_cs_ioctl(struct soft_file *file, void *arg)
{
	union drm_amdgpu_wait_cs *args = arg;
	struct drm_amdgpu_fence user = {.ctx_id = args->in.ctx_id,
					.ip_type = args->in.ip_type,
					.ip_instance = args->in.ip_instance,
					.ring = args->in.ring,
					.seq_no = args->in.handle};
	struct soft_fence *fence = NULL;
	bool busy = false;
	int ret;

	pthread_mutex_lock(&soft_lock);
	ret = get_fence(file, &user, &fence);
	if (!ret && fence) {
		busy = soft_fence_wait(fence, soft_deadline(args->in.timeout)) != 0;
		if (!busy)
			ret = soft_fence_error(fence);
	}
	soft_fence_put(fence);
	pthread_mutex_unlock(&soft_lock);
	if (ret)
		return ret;
	memset(args, 0, sizeof(*args));
	args->out.status = busy;
	return 0;
}

static int wait_all(struct soft_file *file, union drm_amdgpu_wait_fences *args, const struct drm_amdgpu_fence *users)
{
	int64_t deadline = soft_deadline(args->in.timeout_ns);
	bool done = true;

	for (uint32_t i = 0; done && i < args->in.fence_count; i++) {
		struct soft_fence *fence = NULL;
		int ret = get_fence(file, &users[i], &fence);

		if (ret)
			return ret;
		if (!fence)
			continue;
		done = !soft_fence_wait(fence, deadline);
		ret = done ? soft_fence_error(fence) : 0;
		soft_fence_put(fence);
		if (ret)
			return ret;
	}
	memset(args, 0, sizeof(*args));
	args->out.status = done;
	return 0;
}

static uint32_t first_done(struct soft_fence **fences, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (soft_fence_done(fences[i]))
			return i;
	return ~0u;
}

static int wait_any(struct soft_file *file, union drm_amdgpu_wait_fences *args, const struct drm_amdgpu_fence *users)
{
	int64_t deadline = soft_deadline(args->in.timeout_ns);
	uint32_t count = args->in.fence_count, first = ~0u;
	struct soft_fence **fences = calloc(count ? count : 1, sizeof(*fences));
	int ret = fences ? 0 : -ENOMEM;

	for (uint32_t i = 0; !ret && first == ~0u && i < count; i++) {
		ret = get_fence(file, &users[i], &fences[i]);
		if (!ret && !fences[i])
			first = i; /* signalled long ago: the rest is not looked at */
	}
	if (!ret && !count)
		ret = -EINVAL; /* dma_fence_wait_any_timeout() of nothing */
	if (!ret && first == ~0u) {
		while ((first = first_done(fences, count)) == ~0u)
			if (soft_wait_until(deadline)) {
				first = first_done(fences, count);
				break;
			}
	}
	if (!ret) {
		memset(args, 0, sizeof(*args));
		args->out.status = first != ~0u;
		args->out.first_signaled = first;
		if (first != ~0u && fences[first])
			ret = soft_fence_error(fences[first]);
	}
	for (uint32_t i = 0; fences && i < count; i++)
		soft_fence_put(fences[i]);
	free(fences);
	return ret;
}

int soft_wait_fences_ioctl(struct soft_file *file, void *arg)
{
	union drm_amdgpu_wait_fences *args = arg;
	void *users;
	int ret;

	if (!args->in.fence_count && file->device->spec.kernel->wait_any_idle_empty)
		return -EINVAL;
	ret = soft_copy_in_array(args->in.fences, args->in.fence_count, sizeof(struct drm_amdgpu_fence), &users);
	if (ret)
		return ret;
	pthread_mutex_lock(&soft_lock);
	ret = args->in.wait_all ? wait_all(file, args, users) : wait_any(file, args, users);
	pthread_mutex_unlock(&soft_lock);
	free(users);
	return ret;
}

static int to_syncobj(struct soft_file *file, struct soft_fence *fence, bool fd, uint32_t *out)
{
	struct soft_syncobj *syncobj;
	int ret = soft_syncobj_new(false, fence, &syncobj), number;

	if (ret)
		return ret;
	if (!fd) {
		ret = soft_table_add(&file->syncobjs, syncobj, out);
		if (ret)
			soft_syncobj_put(syncobj);
		return ret;
	}
	ret = soft_syncobj_to_fd(syncobj, &number);
	soft_syncobj_put(syncobj);
	if (!ret)
		*out = (uint32_t)number;
	return ret;
}

int soft_fence_to_handle_ioctl(struct soft_file *file, void *arg)
{
	union drm_amdgpu_fence_to_handle *args = arg;
	struct soft_fence *fence = NULL;
	uint32_t what = args->in.what;
	int ret, fd;

	pthread_mutex_lock(&soft_lock);
	ret = get_fence(file, &args->in.fence, &fence);
	if (!ret && !fence)
		fence = soft_fence_stub();
	if (!ret) {
		switch (what) {
		case AMDGPU_FENCE_TO_HANDLE_GET_SYNCOBJ:
		case AMDGPU_FENCE_TO_HANDLE_GET_SYNCOBJ_FD:
			ret = to_syncobj(file, fence, what == AMDGPU_FENCE_TO_HANDLE_GET_SYNCOBJ_FD, &args->out.handle);
			break;
		case AMDGPU_FENCE_TO_HANDLE_GET_SYNC_FILE_FD:
			ret = soft_sync_file_new(fence, &fd);
			if (!ret)
				args->out.handle = (uint32_t)fd;
			break;
		default:
			ret = -EINVAL;
		}
	}
	soft_fence_put(fence);
	pthread_mutex_unlock(&soft_lock);
	return ret;
}

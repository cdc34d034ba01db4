// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * wait.c - WAIT_CS, WAIT_FENCES and FENCE_TO_HANDLE. None of them takes a context's lock: a
 * submission may hold it long.
 */
#include "drumfire.h"

#include <linux/file.h>
#include <linux/sync_file.h>

#define MAX_FENCES 65536u

int df_wait_cs_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	union drm_amdgpu_wait_cs *args = data;
	struct drm_amdgpu_fence user = {
		.ctx_id = args->in.ctx_id,
		.ip_type = args->in.ip_type,
		.ip_instance = args->in.ip_instance,
		.ring = args->in.ring,
		.seq_no = args->in.handle,
	};
	unsigned long timeout = df_timeout(args->in.timeout);
	struct dma_fence *fence;
	long ret = df_ctx_fence(file->driver_priv, &user, &fence);
	long left = 1;

	if (!ret && fence) {
		left = dma_fence_wait_timeout(fence, true, timeout);
		ret = left < 0 ? left : 0;
		if (left > 0)
			ret = fence->error;
	}
	dma_fence_put(fence);
	if (ret)
		return ret;
	memset(args, 0, sizeof(*args));
	args->out.status = !left;
	return 0;
}

static int wait_all(struct df_file *fpriv, union drm_amdgpu_wait_fences *args,
		    const struct drm_amdgpu_fence *users)
{
	unsigned long timeout = df_timeout(args->in.timeout_ns);
	long left = 1;
	u32 i;

	for (i = 0; i < args->in.fence_count && left; i++) {
		struct dma_fence *fence;
		int ret = df_ctx_fence(fpriv, &users[i], &fence);

		if (ret)
			return ret;
		if (!fence)
			continue;
		left = dma_fence_wait_timeout(fence, true, timeout);
		if (left > 0)
			timeout = left;
		ret = left < 0 ? left : left ? fence->error : 0;
		dma_fence_put(fence);
		if (ret)
			return ret;
	}
	memset(args, 0, sizeof(*args));
	args->out.status = left > 0;
	return 0;
}

static int wait_any(struct df_file *fpriv, union drm_amdgpu_wait_fences *args,
		    const struct drm_amdgpu_fence *users)
{
	u32 count = args->in.fence_count, first = ~0u, i, got = 0;
	unsigned long timeout = df_timeout(args->in.timeout_ns);
	struct dma_fence **fences = kvcalloc(count, sizeof(*fences), GFP_KERNEL);
	long left = 1;
	int ret = 0;

	if (!fences)
		return -ENOMEM;
	for (i = 0; i < count; i++, got++) {
		ret = df_ctx_fence(fpriv, &users[i], &fences[i]);
		if (ret)
			goto free;
		if (!fences[i]) {
			first = i;
			break;
		}
	}
	if (first == ~0u) {
		left = dma_fence_wait_any_timeout(fences, count, true, timeout, &first);
		if (left < 0) {
			ret = left;
			goto free;
		}
	}
	memset(args, 0, sizeof(*args));
	args->out.status = left > 0;
	args->out.first_signaled = first;
	if (left > 0 && first < count && fences[first])
		ret = fences[first]->error;
free:
	for (i = 0; i < got; i++)
		dma_fence_put(fences[i]);
	kvfree(fences);
	return ret;
}

int df_wait_fences_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	union drm_amdgpu_wait_fences *args = data;
	struct drm_amdgpu_fence *users;
	int ret;

	if (!args->in.fence_count || args->in.fence_count > MAX_FENCES)
		return -EINVAL;
	users = vmemdup_user(u64_to_user_ptr(args->in.fences),
			     args->in.fence_count * sizeof(*users));
	if (IS_ERR(users))
		return PTR_ERR(users);
	ret = args->in.wait_all ? wait_all(file->driver_priv, args, users)
				: wait_any(file->driver_priv, args, users);
	kvfree(users);
	return ret;
}

static int to_sync_file(struct dma_fence *fence, u32 *fd_out)
{
	struct sync_file *sync_file;
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0)
		return fd;
	sync_file = sync_file_create(fence);
	if (!sync_file) {
		put_unused_fd(fd);
		return -ENOMEM;
	}
	fd_install(fd, sync_file->file);
	*fd_out = fd;
	return 0;
}

static int to_syncobj(struct drm_file *file, struct dma_fence *fence, bool fd, u32 *out)
{
	struct drm_syncobj *syncobj;
	int ret = drm_syncobj_create(&syncobj, 0, fence);

	if (ret)
		return ret;
	ret = fd ? drm_syncobj_get_fd(syncobj, (int *)out)
		 : drm_syncobj_get_handle(file, syncobj, out);
	drm_syncobj_put(syncobj);
	return ret;
}

int df_fence_to_handle_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	union drm_amdgpu_fence_to_handle *args = data;
	u32 what = args->in.what;
	struct dma_fence *fence;
	int ret = df_ctx_fence(file->driver_priv, &args->in.fence, &fence);

	if (ret)
		return ret;
	if (!fence)
		fence = dma_fence_get_stub();
	switch (what) {
	case AMDGPU_FENCE_TO_HANDLE_GET_SYNCOBJ:
	case AMDGPU_FENCE_TO_HANDLE_GET_SYNCOBJ_FD:
		ret = to_syncobj(file, fence, what == AMDGPU_FENCE_TO_HANDLE_GET_SYNCOBJ_FD,
				 &args->out.handle);
		break;
	case AMDGPU_FENCE_TO_HANDLE_GET_SYNC_FILE_FD:
		ret = to_sync_file(fence, &args->out.handle);
		break;
	default:
		ret = -EINVAL;
	}
	dma_fence_put(fence);
	return ret;
}

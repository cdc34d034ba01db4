/* SPDX-License-Identifier: MIT */
/* syncobj.c - DRM syncobjs: containers of one fence or of a timeline. The ioctls follow drm_syncobj.c. */
#include "soft.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUBMIT_TIMEOUT_NS 5000000000ll /* DRM_SYNCOBJ_WAIT_FOR_SUBMIT_TIMEOUT */

/* An eventfd that is to be signalled when a point is submitted or has signalled. */
struct soft_eventfd {
	struct soft_gate gate;
	struct soft_eventfd *next;
	uint64_t point;
	uint32_t flags;
	int fd;
};

static void eventfd_open(struct soft_gate *gate)
{
	struct soft_eventfd *entry = (struct soft_eventfd *)((char *)gate - offsetof(struct soft_eventfd, gate));
	uint64_t one = 1;

	if (write(entry->fd, &one, sizeof(one)) < 0)
		atomic_thread_fence(memory_order_seq_cst); /* the counter is full: readable all the same */
	close(entry->fd);
	free(entry);
}

/* Whether the point exists: then the entry has been handed to its gate. */
static bool eventfd_try(struct soft_syncobj *syncobj, struct soft_eventfd *entry)
{
	struct soft_fence *fence = soft_fence_get(syncobj->fence);

	if (!fence)
		return false;
	if (soft_chain_find(&fence, entry->point)) {
		soft_fence_put(fence);
		return false;
	}
	soft_gate_init(&entry->gate, eventfd_open);
	if (fence && !(entry->flags & DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE))
		soft_gate_add(&entry->gate, fence);
	soft_gate_arm(&entry->gate);
	soft_fence_put(fence);
	return true;
}

static void syncobj_changed(struct soft_syncobj *syncobj)
{
	struct soft_eventfd **link = &syncobj->events, *entry;

	while ((entry = *link)) {
		struct soft_eventfd *next = entry->next;

		if (eventfd_try(syncobj, entry))
			*link = next;
		else
			link = &entry->next;
	}
	pthread_cond_broadcast(&soft_cond);
}

void soft_syncobj_put(struct soft_syncobj *syncobj)
{
	if (!syncobj || --syncobj->refs)
		return;
	while (syncobj->events) {
		struct soft_eventfd *entry = syncobj->events;

		syncobj->events = entry->next;
		close(entry->fd);
		free(entry);
	}
	soft_fence_put(syncobj->fence);
	free(syncobj);
}

struct soft_syncobj *soft_syncobj_find(struct soft_file *file, uint32_t handle)
{
	struct soft_syncobj *syncobj = soft_table_get(&file->syncobjs, handle);

	if (syncobj)
		syncobj->refs++;
	return syncobj;
}

int soft_syncobj_new(bool signaled, struct soft_fence *fence, struct soft_syncobj **syncobj_out)
{
	struct soft_syncobj *syncobj = calloc(1, sizeof(*syncobj));

	if (!syncobj)
		return -ENOMEM;
	syncobj->refs = 1;
	syncobj->fence = signaled ? soft_fence_stub() : soft_fence_get(fence);
	*syncobj_out = syncobj;
	return 0;
}

void soft_syncobj_replace(struct soft_syncobj *syncobj, struct soft_fence *fence)
{
	struct soft_fence *old = syncobj->fence;

	syncobj->fence = soft_fence_get(fence);
	soft_fence_put(old);
	if (fence != old)
		syncobj_changed(syncobj);
}

int soft_syncobj_add_point(struct soft_syncobj *syncobj, struct soft_fence *fence, uint64_t point)
{
	struct soft_fence *node = soft_chain_new(syncobj->fence, fence, point);

	if (!node)
		return -ENOMEM;
	soft_fence_put(syncobj->fence);
	syncobj->fence = node;
	/* Signalled nodes are dropped here, as the kernel's walk does. */
	soft_fence_put(soft_chain_walk(soft_fence_get(node)));
	syncobj_changed(syncobj);
	return 0;
}

/* The fence of a point: 0 with *fence_out maybe NULL (signalled long ago), or -EINVAL. */
static int fence_at(struct soft_syncobj *syncobj, uint64_t point, struct soft_fence **fence_out)
{
	struct soft_fence *fence = soft_fence_get(syncobj->fence);

	if (!fence)
		return -EINVAL;
	if (soft_chain_find(&fence, point)) {
		soft_fence_put(fence);
		return -EINVAL;
	}
	*fence_out = fence ? fence : soft_fence_stub();
	return 0;
}

int soft_syncobj_find_fence(struct soft_file *file, uint32_t handle, uint64_t point, uint64_t flags,
			    struct soft_fence **fence_out)
{
	struct soft_syncobj *syncobj = soft_syncobj_find(file, handle);
	int64_t deadline = soft_now_ns() + SUBMIT_TIMEOUT_NS;
	int ret;

	if (!syncobj)
		return -ENOENT;
	if (flags & ~(uint64_t)DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT) {
		soft_syncobj_put(syncobj);
		return -EINVAL;
	}
	ret = fence_at(syncobj, point, fence_out);
	while (ret == -EINVAL && (flags & DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT)) {
		int wait = soft_wait_until(deadline);

		ret = fence_at(syncobj, point, fence_out);
		if (ret == -EINVAL && wait == -ETIME)
			ret = -ETIME;
	}
	soft_syncobj_put(syncobj);
	return ret;
}

int soft_syncobj_create_ioctl(struct soft_file *file, void *arg)
{
	struct drm_syncobj_create *args = arg;
	struct soft_syncobj *syncobj;
	int ret;

	if (args->flags & ~(uint32_t)DRM_SYNCOBJ_CREATE_SIGNALED)
		return -EINVAL;
	pthread_mutex_lock(&soft_lock);
	ret = soft_syncobj_new(args->flags & DRM_SYNCOBJ_CREATE_SIGNALED, NULL, &syncobj);
	if (!ret) {
		ret = soft_table_add(&file->syncobjs, syncobj, &args->handle);
		if (ret)
			soft_syncobj_put(syncobj);
	}
	pthread_mutex_unlock(&soft_lock);
	return ret;
}

int soft_syncobj_destroy_ioctl(struct soft_file *file, void *arg)
{
	const struct drm_syncobj_destroy *args = arg;
	struct soft_syncobj *syncobj;

	if (args->pad)
		return -EINVAL;
	pthread_mutex_lock(&soft_lock);
	syncobj = soft_table_remove(&file->syncobjs, args->handle);
	soft_syncobj_put(syncobj);
	pthread_mutex_unlock(&soft_lock);
	return syncobj ? 0 : -EINVAL;
}

static int check_fd_args(const struct soft_file *file, const struct abi_syncobj_handle *args, uint64_t *point_out)
{
	uint32_t valid = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;

	if (file->device->spec.kernel->fd_timeline)
		valid |= ABI_FD_FLAGS_TIMELINE;
	if (args->pad || (args->flags & ~valid))
		return -EINVAL;
	*point_out = (args->flags & ABI_FD_FLAGS_TIMELINE) ? args->point : 0;
	if (!(args->flags & DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE) && args->point)
		return -EINVAL;
	return 0;
}

int soft_syncobj_to_fd_ioctl(struct soft_file *file, void *arg)
{
	struct abi_syncobj_handle *args = arg;
	struct soft_syncobj *syncobj;
	struct soft_fence *fence;
	uint64_t point;
	int ret = check_fd_args(file, args, &point);

	if (ret)
		return ret;
	pthread_mutex_lock(&soft_lock);
	if (args->flags & DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE) {
		ret = soft_syncobj_find_fence(file, args->handle, point, 0, &fence);
		if (!ret) {
			ret = soft_sync_file_new(fence, &args->fd);
			soft_fence_put(fence);
		}
	} else {
		syncobj = soft_syncobj_find(file, args->handle);
		ret = syncobj ? soft_syncobj_to_fd(syncobj, &args->fd) : -EINVAL;
		soft_syncobj_put(syncobj);
	}
	pthread_mutex_unlock(&soft_lock);
	return ret;
}

static int import_sync_file(struct soft_file *file, const struct abi_syncobj_handle *args, uint64_t point)
{
	struct soft_fence *fence = soft_sync_file_get(args->fd);
	struct soft_syncobj *syncobj;
	int ret = 0;

	if (!fence)
		return -EINVAL;
	syncobj = soft_syncobj_find(file, args->handle);
	if (!syncobj)
		ret = -ENOENT;
	else if (point)
		ret = soft_syncobj_add_point(syncobj, fence, point);
	else
		soft_syncobj_replace(syncobj, fence);
	soft_syncobj_put(syncobj);
	soft_fence_put(fence);
	return ret;
}

int soft_syncobj_to_handle_ioctl(struct soft_file *file, void *arg)
{
	struct abi_syncobj_handle *args = arg;
	struct soft_syncobj *syncobj;
	uint64_t point;
	int ret = check_fd_args(file, args, &point);

	if (ret)
		return ret;
	pthread_mutex_lock(&soft_lock);
	if (args->flags & DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE) {
		ret = import_sync_file(file, args, point);
	} else {
		syncobj = soft_syncobj_from_fd(args->fd);
		ret = syncobj ? soft_table_add(&file->syncobjs, syncobj, &args->handle) : -EINVAL;
		if (ret)
			soft_syncobj_put(syncobj);
	}
	pthread_mutex_unlock(&soft_lock);
	return ret;
}

static void put_array(struct soft_syncobj **syncobjs, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		soft_syncobj_put(syncobjs[i]);
	free(syncobjs);
}

/* drm_syncobj_array_find(); soft_lock is held. */
static int find_array(struct soft_file *file, uint64_t handles, uint32_t count, struct soft_syncobj ***syncobjs_out)
{
	struct soft_syncobj **syncobjs;
	void *copy;
	uint32_t *ids;
	int ret = soft_copy_in_array(handles, count, sizeof(*ids), &copy);

	if (ret)
		return ret == -EOVERFLOW ? -ENOMEM : ret;
	ids = copy;
	syncobjs = calloc(count, sizeof(*syncobjs));
	if (!syncobjs) {
		free(ids);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++) {
		syncobjs[i] = soft_syncobj_find(file, ids[i]);
		if (!syncobjs[i]) {
			put_array(syncobjs, i);
			free(ids);
			return -ENOENT;
		}
	}
	free(ids);
	*syncobjs_out = syncobjs;
	return 0;
}

struct wait {
	struct soft_syncobj **syncobjs;
	const uint64_t *points; /* NULL: all 0 */
	struct soft_fence **fences;
	uint32_t count, flags;
	bool looked; /* when all are waited for, only the first look says which came first */
};

/* One look at everything waited for. True when the wait is over. */
static bool wait_look(struct wait *wait, uint32_t *first_out)
{
	bool keep_first = wait->looked && (wait->flags & DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL);
	uint32_t signaled = 0;

	wait->looked = true;
	for (uint32_t i = 0; i < wait->count; i++) {
		if (!wait->fences[i])
			fence_at(wait->syncobjs[i], wait->points ? wait->points[i] : 0, &wait->fences[i]);
		if (!wait->fences[i])
			continue;
		if (!(wait->flags & DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE) && !soft_fence_done(wait->fences[i]))
			continue;
		if (signaled++ == 0 && !keep_first)
			*first_out = i;
	}
	return signaled == wait->count || (signaled && !(wait->flags & DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL));
}

static int wait_run(struct wait *wait, int64_t timeout, uint32_t *first_out)
{
	uint32_t late = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT | DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE;
	int64_t deadline = timeout < 0 ? 0 : timeout;
	bool done;

	if (!(wait->flags & late)) {
		for (uint32_t i = 0; i < wait->count; i++)
			if (fence_at(wait->syncobjs[i], wait->points ? wait->points[i] : 0, &wait->fences[i]))
				return -EINVAL;
	}
	while (!(done = wait_look(wait, first_out)))
		if (soft_wait_until(deadline))
			break;
	return done || wait_look(wait, first_out) ? 0 : -ETIME;
}

static int wait_common(struct soft_file *file, uint64_t handles, uint64_t points, uint32_t count, uint32_t flags,
		       int64_t timeout, uint32_t *first_out)
{
	struct wait wait = {.count = count, .flags = flags};
	void *copied = NULL;
	uint32_t first = ~0u;
	int ret;

	pthread_mutex_lock(&soft_lock);
	ret = find_array(file, handles, count, &wait.syncobjs);
	if (ret) {
		pthread_mutex_unlock(&soft_lock);
		return ret;
	}
	wait.fences = calloc(count, sizeof(*wait.fences));
	if (!wait.fences)
		ret = -ENOMEM;
	else if (points)
		ret = soft_copy_in_array(points, count, sizeof(uint64_t), &copied);
	wait.points = copied;
	if (!ret)
		ret = wait_run(&wait, timeout, &first);
	for (uint32_t i = 0; wait.fences && i < count; i++)
		soft_fence_put(wait.fences[i]);
	put_array(wait.syncobjs, count);
	pthread_mutex_unlock(&soft_lock);
	free(wait.fences);
	free(copied);
	if (!ret)
		*first_out = first;
	return ret;
}

static uint32_t wait_flags(const struct soft_file *file, uint32_t flags)
{
	return file->device->spec.kernel->deadline ? flags | ABI_WAIT_FLAGS_DEADLINE : flags;
}

int soft_syncobj_wait_ioctl(struct soft_file *file, void *arg)
{
	struct abi_syncobj_wait *args = arg;
	uint32_t known = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL | DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT;

	if (args->flags & ~wait_flags(file, known))
		return -EINVAL;
	if (!args->count_handles)
		return 0;
	return wait_common(file, args->handles, 0, args->count_handles, args->flags, args->timeout_nsec,
			   &args->first_signaled);
}

int soft_syncobj_timeline_wait_ioctl(struct soft_file *file, void *arg)
{
	struct abi_syncobj_timeline_wait *args = arg;
	uint32_t known = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL | DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT |
			 DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE;

	if (args->flags & ~wait_flags(file, known))
		return -EINVAL;
	if (!args->count_handles)
		return 0;
	return wait_common(file, args->handles, args->points, args->count_handles, args->flags, args->timeout_nsec,
			   &args->first_signaled);
}

static int set_all(struct soft_file *file, const struct drm_syncobj_array *args, bool signaled)
{
	struct soft_syncobj **syncobjs;
	struct soft_fence *stub;
	int ret;

	if (args->pad || !args->count_handles)
		return -EINVAL;
	pthread_mutex_lock(&soft_lock);
	ret = find_array(file, args->handles, args->count_handles, &syncobjs);
	if (!ret) {
		stub = soft_fence_stub();
		for (uint32_t i = 0; i < args->count_handles; i++)
			soft_syncobj_replace(syncobjs[i], signaled ? stub : NULL);
		soft_fence_put(stub);
		put_array(syncobjs, args->count_handles);
	}
	pthread_mutex_unlock(&soft_lock);
	return ret;
}

int soft_syncobj_reset_ioctl(struct soft_file *file, void *arg)
{
	return set_all(file, arg, false);
}

int soft_syncobj_signal_ioctl(struct soft_file *file, void *arg)
{
	return set_all(file, arg, true);
}

int soft_syncobj_timeline_signal_ioctl(struct soft_file *file, void *arg)
{
	const struct drm_syncobj_timeline_array *args = arg;
	struct soft_syncobj **syncobjs;
	struct soft_fence *stub;
	void *copied = NULL;
	int ret;

	if (args->flags || !args->count_handles)
		return -EINVAL;
	pthread_mutex_lock(&soft_lock);
	ret = find_array(file, args->handles, args->count_handles, &syncobjs);
	if (!ret) {
		if (args->points)
			ret = soft_copy_in_array(args->points, args->count_handles, sizeof(uint64_t), &copied);
		stub = soft_fence_stub();
		for (uint32_t i = 0; !ret && i < args->count_handles; i++)
			ret = soft_syncobj_add_point(syncobjs[i], stub, copied ? ((uint64_t *)copied)[i] : 0);
		soft_fence_put(stub);
		put_array(syncobjs, args->count_handles);
	}
	pthread_mutex_unlock(&soft_lock);
	free(copied);
	return ret;
}

/* The last point of a timeline that has signalled, or that was submitted. */
static uint64_t query_point(struct soft_syncobj *syncobj, uint32_t flags)
{
	struct soft_fence *head = syncobj->fence, *iter, *last;
	uint64_t point;

	if (!head || !head->inner)
		return 0;
	if (flags & DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED)
		return head->seqno;
	last = soft_fence_get(head);
	for (iter = soft_fence_get(head); iter && iter->context == head->context; iter = soft_chain_walk(iter)) {
		soft_fence_put(last);
		last = soft_fence_get(iter);
	}
	soft_fence_put(iter);
	point = soft_fence_done(last) ? last->seqno : last->prev_seqno;
	soft_fence_put(last);
	return point;
}

int soft_syncobj_query_ioctl(struct soft_file *file, void *arg)
{
	const struct drm_syncobj_timeline_array *args = arg;
	struct soft_syncobj **syncobjs;
	int ret;

	if ((args->flags & ~(uint32_t)DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED) || !args->count_handles)
		return -EINVAL;
	pthread_mutex_lock(&soft_lock);
	ret = find_array(file, args->handles, args->count_handles, &syncobjs);
	if (!ret) {
		for (uint32_t i = 0; !ret && i < args->count_handles; i++) {
			uint64_t point = query_point(syncobjs[i], args->flags);

			ret = soft_copy_out(args->points + i * sizeof(point), &point, sizeof(point));
		}
		put_array(syncobjs, args->count_handles);
	}
	pthread_mutex_unlock(&soft_lock);
	return ret;
}

int soft_syncobj_transfer_ioctl(struct soft_file *file, void *arg)
{
	const struct drm_syncobj_transfer *args = arg;
	struct soft_syncobj *syncobj;
	struct soft_fence *fence;
	int ret;

	if (args->pad)
		return -EINVAL;
	pthread_mutex_lock(&soft_lock);
	syncobj = soft_syncobj_find(file, args->dst_handle);
	ret = syncobj ? soft_syncobj_find_fence(file, args->src_handle, args->src_point, args->flags, &fence) : -ENOENT;
	if (!ret) {
		if (args->dst_point)
			ret = soft_syncobj_add_point(syncobj, fence, args->dst_point);
		else
			soft_syncobj_replace(syncobj, fence);
		soft_fence_put(fence);
	}
	soft_syncobj_put(syncobj);
	pthread_mutex_unlock(&soft_lock);
	return ret;
}

/* eventfd_ctx_fdget() and a duplicate of it. */
static int dup_eventfd(int fd, int *fd_out)
{
	char path[64], target[64];
	ssize_t length;
	int copy;

	if (fcntl(fd, F_GETFD) < 0)
		return -EBADF;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return -EINVAL;
	target[length] = '\0';
	if (strcmp(target, "anon_inode:[eventfd]"))
		return -EINVAL;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return -errno;
	*fd_out = copy;
	return 0;
}

int soft_syncobj_eventfd_ioctl(struct soft_file *file, void *arg)
{
	const struct abi_syncobj_eventfd *args = arg;
	struct soft_syncobj *syncobj;
	struct soft_eventfd *entry;
	int ret, fd = -1;

	if ((args->flags & ~(uint32_t)DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE) || args->pad)
		return -EINVAL;
	pthread_mutex_lock(&soft_lock);
	syncobj = soft_syncobj_find(file, args->handle);
	ret = syncobj ? dup_eventfd(args->fd, &fd) : -ENOENT;
	entry = ret ? NULL : calloc(1, sizeof(*entry));
	if (!ret && !entry) {
		close(fd);
		ret = -ENOMEM;
	}
	if (entry) {
		entry->fd = fd;
		entry->point = args->point;
		entry->flags = args->flags;
		if (!eventfd_try(syncobj, entry)) {
			entry->next = syncobj->events;
			syncobj->events = entry;
		}
	}
	soft_syncobj_put(syncobj);
	pthread_mutex_unlock(&soft_lock);
	return ret;
}

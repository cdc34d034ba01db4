/* SPDX-License-Identifier: MIT */
/*
 * Submission. What can fail comes first; the kernel's answer to the one ioctl is the point after which nothing does. A
 * submission that the kernel would block on is held back here: the journal is never deeper than what the kernel takes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/context.h"

struct request {
	struct df_submit_options options;
	struct df_kmd_dependency dependencies[DF_KMD_MAX_WAITS];
	unsigned dependency_count;
};

static int check_batch(const struct df_context *context, const struct df_batch_submit *batch)
{
	if (batch->device != context->device)
		return df_error_set(-EXDEV,
				    "df_submit: the batch belongs to device %s, the context to %s. Fix: record it for "
				    "the context's device",
				    df_device_name(batch->device), df_device_name(context->device));
	if (!batch->sealed)
		return df_error_set(-EINVAL, "df_submit: the batch is not sealed. Fix: df_batch_seal() first");
	if (atomic_load_explicit(&context->device->gone, memory_order_relaxed))
		return df_error_set(-ENODEV, "df_submit: device %s is gone. Fix: close it and open another",
				    df_device_name(context->device));
	return 0;
}

static int check_waits(const struct df_context *context, const struct df_submit_options *options)
{
	if (options->wait_fd_count > DF_KMD_MAX_WAITS ||
	    options->wait_count > DF_KMD_MAX_WAITS - options->wait_fd_count)
		return df_error_set(-E2BIG,
				    "df_submit: %u fences and %u descriptors to wait for. Fix: at most %u in all",
				    options->wait_count, options->wait_fd_count, DF_KMD_MAX_WAITS);
	if ((options->wait_fd_count && !options->wait_fds) || (options->wait_count && !options->waits))
		return df_error_set(-EINVAL, "df_submit: %s is NULL and its count is not 0",
				    options->wait_fd_count && !options->wait_fds ? "wait_fds" : "waits");
	for (uint32_t i = 0; i < options->wait_fd_count; i++)
		if (options->wait_fds[i] < 0)
			return df_error_set(-EBADF, "df_submit: wait_fds[%u] is %d, not a file descriptor", i,
					    options->wait_fds[i]);
	for (uint32_t i = 0; i < options->wait_count; i++) {
		if (!options->waits[i])
			return df_error_set(-EINVAL, "df_submit: waits[%u] is NULL", i);
		if (options->waits[i]->device != context->device)
			return df_error_set(-EXDEV,
					    "df_submit: waits[%u] is a fence of device %s. Fix: export it with "
					    "df_fence_export and pass the descriptor in wait_fds",
					    i, df_device_name(options->waits[i]->device));
	}
	return 0;
}

/* Waits for the oldest submission without holding the lock. */
static int wait_for_place(struct df_context *context, uint64_t deadline_ns)
{
	struct df_fence *fence = df_context_slot(context, context->oldest)->fence;
	int ret;

	df_fence_ref(fence);
	df_lock_give(&context->lock);
	ret = df_fence_wait(fence, deadline_ns, NULL);
	df_fence_unref(fence);
	df_lock_take(&context->lock);
	/* A loss of the oldest is its own waiter's news; here it only made a place. */
	return ret == -ETIME ? ret : 0;
}

static int find_place(struct df_context *context, uint64_t deadline_ns)
{
	if (__builtin_expect(context->next - context->oldest < context->depth, 1))
		return 0;
	df_journal_retire(context, context->next - 1);
	while (context->next - context->oldest >= context->depth) {
		if (!deadline_ns)
			return df_error_set(
				-EAGAIN,
				"df_submit: %u submissions are in flight, as many as the journal keeps. Fix: wait "
				"for one, or set deadline_ns",
				context->depth);
		if (wait_for_place(context, deadline_ns) < 0)
			return df_error_set(
				-EAGAIN, "df_submit: no place in flight became free before the deadline (%u in flight)",
				context->depth);
		df_journal_retire(context, context->next - 1);
	}
	return 0;
}

/* Imports the in-fences into the slot's syncobjs; those that are made stay with the slot. */
static int take_fds(struct df_context *context, struct df_slot *slot, const int *fds, unsigned count)
{
	const struct df_kmd_ops *kmd = context->device->kmd;
	int ret = 0;

	for (unsigned i = 0; i < count && !ret; i++) {
		if (i >= slot->syncobjs_made) {
			ret = kmd->syncobj_create(context->device, &slot->syncobjs[i]);
			if (ret < 0)
				break;
			slot->syncobjs_made++;
		}
		ret = kmd->syncobj_import(context->device, slot->syncobjs[i], fds[i]);
	}
	if (ret < 0)
		return df_error_within(ret, "df_submit");
	slot->syncobj_count = count;
	return 0;
}

/* How kernels refuse a context (to 6.x: that was guilty) or an entity (since: its last job's error). */
static bool is_condemned(int error)
{
	return error == -ECANCELED || error == -ETIME || error == -ENODATA;
}

/* One ioctl; a context that the kernel has condemned is replaced and asked once more. */
static int hand_over(struct df_context *context, struct df_slot *slot, struct df_kmd_submission *submission)
{
	struct df_device *device = context->device;
	uint64_t handle;
	int ret = device->kmd->submit(device, slot->kmd, submission, &handle);

	if (__builtin_expect(ret < 0, 0) && is_condemned(ret)) {
		ret = df_journal_loss(context, ret);
		if (ret == -EBUSY)
			return df_error_set(
				-EAGAIN, "df_submit: the kernel is in the middle of a reset. Fix: submit again later");
		if (ret < 0)
			return ret;
		submission->context = atomic_load(&context->kernel);
		submission->timeline = context->timeline;
		ret = device->kmd->submit(device, slot->kmd, submission, &handle);
	}
	if (ret == -ENODEV)
		atomic_store(&device->gone, true);
	if (ret < 0)
		return ret;
	atomic_store_explicit(&slot->handle, handle, memory_order_relaxed);
	return 0;
}

/* Lock held. Nothing of the context or the batch changes when it fails. */
static int submit_locked(struct df_context *context, struct df_batch_submit *batch, const struct request *request,
			 struct df_fence **fence_out)
{
	struct df_slot *slot = df_context_slot(context, context->next);
	struct df_kmd_submission submission;
	struct df_fence *fence;
	int ret;

	fence = df_fence_take(context, slot, context->next);
	if (!fence)
		return -ENOMEM;
	slot->sequence = context->next;
	slot->batch = batch;
	df_journal_describe(context, slot, &submission);
	if (request) {
		submission.dependencies = request->dependencies;
		submission.dependency_count = request->dependency_count;
	}
	slot->submitted_ns = slot->looked_ns = df_now_ns();
	ret = batch->external_count
		      ? context->device->kmd->slot_reserve(context->device, slot->kmd, batch->external_count)
		      : 0;
	if (!ret)
		ret = hand_over(context, slot, &submission);
	if (__builtin_expect(ret < 0, 0)) {
		slot->batch = NULL;
		slot->syncobj_count = 0;
		df_fence_unref(fence);
		df_fence_unref(fence);
		return ret;
	}
	/* Point of no return. */
	slot->fence = fence;
	slot->retries = 0;
	slot->suspect = false;
	slot->wait_count = 0;
	context->next++;
	atomic_fetch_add_explicit(&batch->in_flight, 1, memory_order_relaxed);
	*fence_out = fence;
	return 0;
}

/* The fences that the submission waits for are kept, so that a replay waits for them again. */
static void keep_waits(struct df_slot *slot, const struct df_submit_options *options)
{
	for (uint32_t i = 0; i < options->wait_count; i++) {
		df_fence_ref(options->waits[i]);
		slot->waits[i] = options->waits[i];
	}
	slot->wait_count = options->wait_count;
}

static int submit_with_options(struct df_context *context, struct df_batch_submit *batch,
			       const struct df_submit_options *options, struct df_fence **fence_out)
{
	struct request request;
	struct df_slot *slot;
	int ret;

	ret = df_options_read("df_submit", options, &request.options, sizeof(request.options));
	if (!ret)
		ret = check_waits(context, &request.options);
	if (!ret)
		ret = df_journal_dependencies(request.options.waits, request.options.wait_count, request.dependencies,
					      &request.dependency_count);
	if (ret < 0)
		return ret;
	df_lock_take(&context->lock);
	ret = find_place(context, request.options.deadline_ns);
	slot = df_context_slot(context, context->next);
	if (!ret)
		ret = take_fds(context, slot, request.options.wait_fds, request.options.wait_fd_count);
	if (!ret)
		ret = submit_locked(context, batch, &request, fence_out);
	if (!ret)
		keep_waits(slot, &request.options);
	df_lock_give(&context->lock);
	return ret;
}

DF_API int df_submit(struct df_context *context, struct df_batch *batch, const struct df_submit_options *options,
		     struct df_fence **fence_out)
{
	struct df_batch_submit *submit;
	int ret;

	if (__builtin_expect(!context || !batch || !fence_out, 0))
		return df_error_set(-EINVAL, "df_submit: %s is NULL",
				    !context ? "context"
				    : batch  ? "fence_out"
					     : "batch");
	submit = df_batch_submit_of(batch);
	ret = check_batch(context, submit);
	if (ret < 0)
		return ret;
	if (options) {
		ret = submit_with_options(context, submit, options, fence_out);
	} else {
		df_lock_take(&context->lock);
		ret = find_place(context, 0);
		if (!ret)
			ret = submit_locked(context, submit, NULL, fence_out);
		df_lock_give(&context->lock);
	}
	if (!ret)
		atomic_fetch_add_explicit(&context->device->live.fences, 1, memory_order_relaxed);
	return ret;
}

/* SPDX-License-Identifier: MIT */
/*
 * Submission. What can fail comes first; the kernel's answer to the one ioctl is the point after which nothing does. A
 * submission that the kernel would block on, that comes behind a commit which is not verified, or while a loss is being
 * settled, is held: it is in the journal, and goes to the kernel from a later call (context.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/contents.h"
#include "core/context.h"

static __attribute__((noinline, cold)) int refuse_batch(const struct df_context *context,
							const struct df_batch_submit *batch)
{
	if (batch->device != context->device)
		return df_error_set(-EXDEV,
				    "df_submit: the batch belongs to device %s, the context to %s. Fix: record it for "
				    "the context's device",
				    df_device_name(batch->device), df_device_name(context->device));
	if (!batch->sealed)
		return df_error_set(-EINVAL, "df_submit: the batch is not sealed. Fix: df_batch_seal() first");
	return df_error_set(-ENODEV, "df_submit: device %s is gone. Fix: close it and open another",
			    df_device_name(context->device));
}

static inline int check_batch(const struct df_context *context, const struct df_batch_submit *batch)
{
	if (__builtin_expect(batch->device == context->device && batch->sealed &&
				     !atomic_load_explicit(&context->device->gone, memory_order_relaxed),
			     1))
		return 0;
	return refuse_batch(context, batch);
}

static DF_COLD int check_waits(const struct df_context *context, const struct df_submit_options *options)
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
static DF_COLD int wait_for_place(struct df_context *context, uint64_t deadline_ns)
{
	struct df_fence *fence = df_context_slot(context, context->oldest)->fence;
	bool final;
	int ret;

	df_fence_ref(fence);
	df_lock_give(&context->lock);
	ret = df_fence_wait(fence, deadline_ns, NULL);
	final = atomic_load(&fence->final);
	df_fence_unref(fence);
	df_lock_take(&context->lock);
	/* A loss of the oldest is its own waiter's news; here it only made a place. */
	return final ? 0 : ret;
}

static DF_COLD __attribute__((noinline)) int make_place(struct df_context *context, uint64_t deadline_ns)
{
	int ret;

	df_journal_retire(context, context->next - 1);
	df_journal_pump(context);
	while (context->next - context->oldest >= context->depth) {
		if (!deadline_ns)
			return df_error_set(
				-EAGAIN,
				"df_submit: %u submissions are in flight, as many as the journal keeps. Fix: wait "
				"for one, or set deadline_ns",
				context->depth);
		ret = wait_for_place(context, deadline_ns);
		if (ret == -ETIME)
			return df_error_set(
				-EAGAIN, "df_submit: no place in flight became free before the deadline (%u in flight)",
				context->depth);
		if (ret < 0)
			return ret;
		df_journal_retire(context, context->next - 1);
		df_journal_pump(context);
	}
	return 0;
}

static inline int find_place(struct df_context *context, uint64_t deadline_ns)
{
	if (__builtin_expect(context->next - context->oldest < context->depth, 1))
		return 0;
	return make_place(context, deadline_ns);
}

/* Imports the in-fences into the slot's syncobjs; those that are made stay with the slot. */
static DF_COLD int take_fds(struct df_context *context, struct df_slot *slot, const int *fds, unsigned count)
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
	if (!ret)
		ret = df_context_keep_fds(context, slot, fds, count);
	if (ret < 0) {
		df_context_drop_fds(slot);
		slot->syncobj_count = 0;
		return df_error_within(ret, "df_submit");
	}
	slot->syncobj_count = count;
	return 0;
}

/* The fences that the submission waits for are kept, so that a replay waits for them again. */
static DF_COLD void keep_waits(struct df_slot *slot, const struct df_submit_options *options)
{
	for (uint32_t i = 0; i < options->wait_count; i++) {
		df_fence_ref(options->waits[i]);
		slot->waits[i] = options->waits[i];
	}
	slot->wait_count = options->wait_count;
}

static DF_COLD void drop_waits(struct df_slot *slot)
{
	for (unsigned i = 0; i < slot->wait_count; i++)
		df_fence_unref(slot->waits[i]);
	df_context_drop_fds(slot);
	slot->wait_count = slot->syncobj_count = 0;
}

/* Memory that the slot needs for the batch; only the first time for each. */
static DF_COLD __attribute__((noinline)) int reserve(struct df_context *context, struct df_slot *slot,
						     struct df_batch_submit *batch)
{
	struct df_device *device = context->device;
	int ret = 0;

	df_batch_refresh(batch);
	if (batch->external_count)
		ret = device->kmd->slot_reserve(device, slot->kmd, batch->external_count);
	if (!ret && batch->commit_count)
		ret = df_journal_reserve(context, slot, batch);
	return ret;
}

/* To the kernel, or held. Errors that leave nothing behind are the caller's. */
static int hand_over(struct df_context *context, struct df_slot *slot)
{
	int ret;

	df_journal_look(context);
	if (context->unsent != context->next - 1 || !df_context_calm(context))
		return 0;
	if (__builtin_expect(df_context_slot(context, context->oldest)->troubled, 0) && df_journal_runs_alone(context))
		return 0;
	/* Closed by the pump. */
	if (__builtin_expect(slot->wait_count, 0) && df_journal_misled_for_good(slot))
		return 0;
	ret = df_journal_send(context, slot);
	if (__builtin_expect(!ret, 1)) {
		context->unsent = context->next;
		return 0;
	}
	if (df_journal_is_condemned(ret)) {
		df_journal_lost(context, ret);
		return 0;
	}
	if (ret == -ENODEV && df_context_is_gone(context))
		atomic_store(&context->device->gone, true);
	return ret == -EAGAIN ? 0 : ret;
}

static void slot_start(struct df_context *context, struct df_slot *slot, struct df_batch_submit *batch,
		       struct df_fence *fence)
{
	slot->sequence = context->next++;
	slot->batch = batch;
	slot->fence = fence;
	atomic_store_explicit(&slot->handle, 0, memory_order_relaxed);
	slot->submitted_ns = slot->looked_ns = df_clock_ns();
	slot->suspect = slot->ran = slot->troubled = false;
	atomic_fetch_add_explicit(&batch->in_flight, 1, memory_order_relaxed);
}

static __attribute__((noinline, cold)) void slot_undo(struct df_context *context, struct df_slot *slot)
{
	atomic_fetch_sub_explicit(&slot->batch->in_flight, 1, memory_order_relaxed);
	if (slot->batch->commit_count)
		df_contents_release(slot->batch);
	df_fence_unref(slot->fence);
	df_fence_unref(slot->fence);
	slot->batch = NULL;
	slot->fence = NULL;
	context->next--;
}

/* Lock held; waits and in-fences are in the slot. Nothing of the context or the batch changes when it fails. */
static int submit_locked(struct df_context *context, struct df_batch_submit *batch, struct df_fence **fence_out)
{
	struct df_slot *slot = df_context_slot(context, context->next);
	struct df_fence *fence;
	int ret;

	ret = batch->external_count | batch->commit_count ? reserve(context, slot, batch) : 0;
	if (!ret && batch->commit_count)
		ret = df_contents_claim(context, batch);
	if (ret < 0)
		return ret;
	fence = df_fence_take(context, slot, context->next);
	if (__builtin_expect(!fence, 0)) {
		df_contents_release(batch);
		return -ENOMEM;
	}
	slot_start(context, slot, batch, fence);
	ret = hand_over(context, slot);
	if (__builtin_expect(ret < 0, 0)) {
		slot_undo(context, slot);
		return ret;
	}
	/* Point of no return. */
	*fence_out = fence;
	return 0;
}

static DF_COLD __attribute__((noinline)) int submit_with_options(struct df_context *context,
								 struct df_batch_submit *batch,
								 const struct df_submit_options *options,
								 struct df_fence **fence_out)
{
	struct df_submit_options copy;
	struct df_slot *slot;
	int ret;

	ret = df_options_read("df_submit", options, &copy, sizeof(copy));
	if (!ret)
		ret = check_waits(context, &copy);
	if (ret < 0)
		return ret;
	df_lock_take(&context->lock);
	ret = find_place(context, copy.deadline_ns);
	slot = df_context_slot(context, context->next);
	if (!ret)
		ret = take_fds(context, slot, copy.wait_fds, copy.wait_fd_count);
	if (!ret) {
		keep_waits(slot, &copy);
		slot->give_up_ns = copy.give_up_ns;
		ret = submit_locked(context, batch, fence_out);
		if (ret < 0)
			drop_waits(slot);
	}
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
		if (!ret) {
			df_context_slot(context, context->next)->give_up_ns = 0;
			ret = submit_locked(context, submit, fence_out);
		}
		df_lock_give(&context->lock);
	}
	/* A loss that was found on the way is settled now as far as it can be; waits do the rest. */
	if (__builtin_expect(!ret && !df_context_calm(context), 0))
		df_recovery_step(context);
	if (!ret)
		atomic_fetch_add_explicit(&context->device->live.fences, 1, memory_order_relaxed);
	return ret;
}

/* SPDX-License-Identifier: MIT */
/*
 * The journal: what a context has submitted and not retired. Submissions retire in order, each when its own marker is
 * there. When one is lost (its kernel fence is over and the marker is missing) everything from it on is run again in a
 * new kernel context, in order, as far as the batches may be repeated; the first that may not, and what follows it,
 * gets a verdict instead. The address space belongs to the open file and survives, so the same streams are submitted.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "core/context.h"

#define RENEWAL_YIELDS 10000u

/* Gives a pending submission its end. The slot keeps its place in the order until those before it have retired. */
static void close_slot(struct df_slot *slot, struct df_wait_info *info)
{
	struct df_fence *fence = slot->fence;

	info->retries = slot->retries;
	for (unsigned i = 0; i < slot->wait_count; i++)
		df_fence_unref(slot->waits[i]);
	slot->wait_count = slot->syncobj_count = 0;
	atomic_fetch_sub_explicit(&slot->batch->in_flight, 1, memory_order_release);
	slot->batch = NULL;
	slot->fence = NULL;
	df_fence_finish(fence, info);
}

bool df_journal_retire(struct df_context *context, uint64_t last)
{
	struct df_wait_info info = {.verdict = DF_DONE};
	uint64_t now = 0;

	while (context->oldest <= last && context->oldest != context->next) {
		struct df_slot *slot = df_context_slot(context, context->oldest);

		if (slot->batch) {
			if (!df_slot_marked(slot, context->oldest))
				return false;
			if (!now)
				now = df_now_ns();
			info.latency_ns = now - slot->submitted_ns;
			info.recovered = slot->retries != 0;
			close_slot(slot, &info);
		}
		context->oldest++;
	}
	return true;
}

struct df_slot *df_journal_youngest(struct df_context *context)
{
	for (uint64_t sequence = context->next; sequence != context->oldest; sequence--) {
		struct df_slot *slot = df_context_slot(context, sequence - 1);

		if (slot->batch)
			return slot;
	}
	return NULL;
}

unsigned df_batch_in_flight(struct df_batch_submit *batch)
{
	struct df_device *device = batch->device;
	struct df_context *contexts[64];
	unsigned count = 0;

	if (!atomic_load_explicit(&batch->in_flight, memory_order_acquire))
		return 0;
	/* Looked at without the device's lock, which comes after the contexts'; held by a reference. */
	pthread_mutex_lock(&device->lock);
	for (struct df_context *context = device->contexts; context && count < 64; context = context->list) {
		atomic_fetch_add(&context->references, 1);
		contexts[count++] = context;
	}
	pthread_mutex_unlock(&device->lock);
	for (unsigned i = 0; i < count; i++) {
		df_lock_take(&contexts[i]->lock);
		df_journal_retire(contexts[i], contexts[i]->next - 1);
		df_lock_give(&contexts[i]->lock);
		df_context_unref(contexts[i]);
	}
	return atomic_load_explicit(&batch->in_flight, memory_order_acquire);
}

void df_journal_describe(struct df_context *context, struct df_slot *slot, struct df_kmd_submission *submission)
{
	const struct df_batch_submit *batch = slot->batch;

	/* Only while the slot is free of jobs: streams in flight are never written. */
	slot->tail_value[0] = (uint32_t)slot->sequence;
	slot->tail_value[1] = (uint32_t)(slot->sequence >> 32);
	submission->context = atomic_load_explicit(&context->kernel, memory_order_relaxed);
	submission->ib_va = batch->ib_va;
	submission->ib_dw = batch->ib_dw;
	submission->tail_va = slot->tail_va;
	submission->tail_dw = context->tail_dw;
	submission->dependencies = NULL;
	submission->dependency_count = 0;
	submission->wait_syncobjs = slot->syncobjs;
	submission->wait_syncobj_count = slot->syncobj_count;
	submission->bo_handles = batch->external_handles;
	submission->bo_count = batch->external_count;
	submission->timeline = context->timeline;
	submission->point = slot->sequence;
}

/*
 * Read without the other context's lock, which could be taken in the opposite order by another thread. kernel is 0
 * while a context is being replaced and its handles change only then, so an equal kernel before and after means a pair
 * that belongs together; names of dead contexts are refused by the kernel.
 */
static int name_fence(const struct df_fence *fence, struct df_kmd_dependency *dependency)
{
	uint32_t kernel = atomic_load(&fence->context->kernel);

	if (!kernel)
		return -EAGAIN;
	dependency->context = kernel;
	dependency->handle = atomic_load(&fence->slot->handle);
	return atomic_load(&fence->context->kernel) == kernel ? 0 : -EAGAIN;
}

int df_journal_dependencies(struct df_fence *const *fences, unsigned count, struct df_kmd_dependency *dependencies,
			    unsigned *count_out)
{
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned yields = 0;
		int ret;

		do {
			ret = name_fence(fences[i], &dependencies[n]);
			if (ret < 0)
				sched_yield();
		} while (ret < 0 && ++yields < RENEWAL_YIELDS);
		/* Asked last: a fence that became final may have lent its slot to a later one, which must not be named.
		 */
		if (atomic_load_explicit(&fences[i]->final, memory_order_acquire))
			continue;
		if (ret < 0)
			return df_error_set(
				-EAGAIN,
				"a context that is waited for is being replaced after a loss. Fix: submit again "
				"later");
		n++;
	}
	*count_out = n;
	return 0;
}

/* ---- loss ---- */

/* What device memory held is gone: only what lies in host memory, or needs no contents, can be run again. */
static bool contents_survive(struct df_device *device)
{
	bool survive = true;

	pthread_mutex_lock(&device->lock);
	for (const struct df_bo *bo = device->bos; bo && survive; bo = bo->next)
		survive =
			bo->domain != DF_DOMAIN_DEVICE || bo->recovery == DF_BO_OUTPUT || bo->recovery == DF_BO_SCRATCH;
	pthread_mutex_unlock(&device->lock);
	return survive;
}

static bool may_repeat(const struct df_context *context, const struct df_slot *slot)
{
	return context->max_retries != DF_MAX_RETRIES_NONE && !slot->batch->not_repeatable &&
	       slot->retries < context->max_retries;
}

static int resubmit(struct df_context *context, struct df_slot *slot)
{
	struct df_device *device = context->device;
	struct df_kmd_dependency dependencies[DF_KMD_MAX_WAITS];
	struct df_kmd_submission submission;
	uint64_t handle;
	int ret;

	slot->suspect = false;
	atomic_store(slot->marker, 0);
	df_journal_describe(context, slot, &submission);
	ret = df_journal_dependencies(slot->waits, slot->wait_count, dependencies, &submission.dependency_count);
	if (ret < 0)
		return ret;
	submission.dependencies = dependencies;
	ret = device->kmd->submit(device, slot->kmd, &submission, &handle);
	if (ret < 0)
		return ret;
	atomic_store(&slot->handle, handle);
	slot->retries++;
	return 0;
}

/* Runs what is pending again where repeat allows it. From the first that is not on, each gets its verdict: the first
 * the one given, those behind it that they were bystanders. */
static void replay(struct df_context *context, bool repeat, struct df_wait_info verdict)
{
	for (uint64_t sequence = context->oldest; sequence != context->next; sequence++) {
		struct df_slot *slot = df_context_slot(context, sequence);

		if (!slot->batch)
			continue;
		repeat = repeat && may_repeat(context, slot) && resubmit(context, slot) == 0;
		if (repeat)
			continue;
		verdict.latency_ns = df_now_ns() - slot->submitted_ns;
		if (verdict.page_fault)
			atomic_store(&context->device->named_fault, verdict.fault_address);
		close_slot(slot, &verdict);
		if (verdict.verdict == DF_GUILTY_RESET)
			verdict = (struct df_wait_info){.verdict = DF_INNOCENT_RESET};
	}
	df_journal_retire(context, context->next - 1);
}

static int device_gone(struct df_context *context)
{
	atomic_store(&context->device->gone, true);
	replay(context, false, (struct df_wait_info){.verdict = DF_DEVICE_GONE});
	return 0;
}

bool df_journal_is_over(int error)
{
	switch (error) {
	case 0:
	case -ECANCELED:
	case -ETIME:
	case -ENODATA:
	case -EIO:
	case -EHWPOISON:
	case -ENODEV:
		return true;
	default:
		return false;
	}
}

/* Are all jobs of the context over, as the kernel sees it? */
static bool settled(struct df_context *context)
{
	struct df_device *device = context->device;
	const struct df_slot *youngest = df_journal_youngest(context);

	return !youngest || df_journal_is_over(device->kmd->wait(device, atomic_load(&context->kernel),
								 atomic_load(&youngest->handle), 0));
}

static struct df_wait_info judge(struct df_context *context, const struct df_kmd_reset *reset, int error)
{
	struct df_wait_info verdict = {.verdict = DF_INNOCENT_RESET};
	struct df_kmd_fault fault;

	/* -ETIME: how newer kernels end the job that a queue reset was for. */
	if (reset->guilty || error == -ETIME)
		verdict.verdict = DF_GUILTY_RESET;
	else if (reset->memory_lost)
		verdict.verdict = DF_MEMORY_LOST;
	if (context->device->kmd->fault(context->device, &fault) >= 0 &&
	    fault.address != atomic_load(&context->device->named_fault)) {
		verdict.page_fault = true;
		verdict.fault_address = fault.address;
	}
	return verdict;
}

int df_journal_loss(struct df_context *context, int error)
{
	struct df_device *device = context->device;
	struct df_kmd_reset reset = {0};
	struct df_wait_info verdict;
	int ret;

	if (error == -ENODEV)
		return device_gone(context);
	ret = device->kmd->context_reset(device, atomic_load(&context->kernel), &reset);
	if (ret == -ENODEV)
		return device_gone(context);
	if (reset.in_progress || !settled(context))
		return -EBUSY;
	/* What finished before the loss stays finished. */
	df_journal_retire(context, context->next - 1);
	verdict = judge(context, &reset, error);
	ret = df_context_renew(context);
	if (ret == -ENODEV)
		return device_gone(context);
	replay(context, !ret && (!reset.memory_lost || contents_survive(device)), verdict);
	return ret;
}

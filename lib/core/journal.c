/* SPDX-License-Identifier: MIT */
/*
 * The journal: what a context has been given and not retired (context.h). Here submissions go to the kernel, in order,
 * and retire, in order, each when its own marker is there and the kernel says that nothing was reset meanwhile: asked
 * once for all that retire together, after their markers were seen. What was lost is recovery.c's.
 */
#include <errno.h>
#include <string.h>

#include "core/contents.h"
#include "core/context.h"
#include "core/poison.h"

#define MAX_SEND_FAILURES 1000u

/* ---- ends ---- */

static DF_COLD __attribute__((noinline)) void signal_point(struct df_context *context, uint64_t sequence)
{
	if (!context->points_end)
		context->device->kmd->timeline_signal(context->device, context->point_syncobj, sequence);
}

/* The submission no longer holds anything but its turn. */
static inline struct df_fence *let_go(struct df_context *context, struct df_slot *slot)
{
	struct df_fence *fence = slot->fence;

	for (unsigned i = 0; i < slot->wait_count; i++)
		df_fence_unref(slot->waits[i]);
	if (__builtin_expect(slot->syncobj_count, 0))
		df_context_drop_fds(slot);
	slot->wait_count = slot->syncobj_count = 0;
	if (slot->batch->commit_count) {
		df_contents_release(slot->batch);
		if (context->committing == slot->sequence)
			context->committing = 0;
	}
	if (__builtin_expect(slot->troubled, 0))
		df_stream_finish(&slot->stream);
	atomic_fetch_sub_explicit(&slot->batch->in_flight, 1, memory_order_release);
	slot->batch = NULL;
	slot->fence = NULL;
	return fence;
}

DF_COLD void df_journal_close(struct df_context *context, struct df_slot *slot, enum df_verdict verdict)
{
	struct df_wait_info info = {0};

	if (slot->troubled)
		info = slot->info;
	info.verdict = verdict;
	info.recovered = verdict == DF_DONE && info.retries;
	info.context = context->number;
	info.batch = slot->sequence;
	info.latency_ns = df_clock_ns() - slot->submitted_ns;
	if (verdict != DF_DONE)
		context->points_end = true;
	slot->fence->info = info;
	slot->fence->soiled = true;
	df_fence_finish(let_go(context, slot));
}

/* It is done after losses, or as much of it as can be without a launch that always hangs. */
static DF_COLD void close_troubled(struct df_context *context, struct df_slot *slot)
{
	uint64_t sequence = slot->sequence;
	bool independent = slot->batch->independent;

	if (!slot->info.poison_count) {
		df_journal_close(context, slot, DF_DONE);
		return;
	}
	slot->info.launches_done = df_poison_done(slot);
	df_journal_close(context, slot, DF_POISONED);
	if (!independent)
		df_journal_close_from(context, sequence + 1, DF_INNOCENT_RESET, DF_INNOCENT_RESET);
}

/* The usual end. A fence's info is clean but for what is set here (df_fence_finish). */
static void close_done(struct df_context *context, struct df_slot *slot, uint64_t now)
{
	struct df_fence *fence = slot->fence;

	context->retired_job = slot->job;
	context->retired_handle = atomic_load_explicit(&slot->handle, memory_order_relaxed);
	if (__builtin_expect(slot->batch->commit_count, 0))
		df_contents_commit(slot->batch);
	if (__builtin_expect(slot->troubled, 0)) {
		close_troubled(context, slot);
		return;
	}
	fence->info.verdict = DF_DONE;
	fence->info.context = context->number;
	fence->info.batch = slot->sequence;
	fence->info.latency_ns = now - slot->submitted_ns;
	let_go(context, slot);
	df_fence_finish(fence);
}

/* ---- retiring ---- */

struct df_fence *df_journal_waits_for(const struct df_slot *slot)
{
	for (unsigned i = 0; i < slot->wait_count; i++)
		if (!atomic_load_explicit(&slot->waits[i]->final, memory_order_acquire))
			return slot->waits[i];
	return NULL;
}

/* Does it wait for a fence that ended otherwise than done? */
DF_COLD bool df_journal_misled_for_good(const struct df_slot *slot)
{
	for (unsigned i = 0; i < slot->wait_count; i++)
		if (atomic_load_explicit(&slot->waits[i]->final, memory_order_acquire) &&
		    slot->waits[i]->info.verdict != DF_DONE)
			return true;
	return false;
}

/* Or for one that was run again after this was submitted behind it? */
DF_COLD bool df_journal_misled(const struct df_slot *slot)
{
	for (unsigned i = 0; i < slot->wait_count; i++) {
		const struct df_fence *fence = slot->waits[i];

		if (!atomic_load_explicit(&fence->final, memory_order_acquire))
			continue;
		if (fence->info.verdict != DF_DONE || atomic_load(&fence->runs) != slot->wait_runs[i])
			return true;
	}
	return false;
}

void df_journal_lost(struct df_context *context, int error)
{
	if (!df_context_calm(context))
		return;
	context->loss_error = error;
	context->lost_ns = df_clock_ns();
	atomic_store_explicit(&context->stage, DF_LOST, memory_order_relaxed);
}

/* The kernel says no, or says that something was reset. */
static __attribute__((noinline, cold)) void doubt(struct df_context *context, int answer)
{
	struct df_kmd_reset reset;

	if (answer == -ENODEV)
		df_journal_lost(context, answer);
	/* While a reset is going on it is not counted yet: asked again. */
	else if (answer > 0 && context->device->kmd->context_reset(context->device, context->kernel, &reset) >= 0 &&
		 (reset.reset || reset.memory_lost || reset.guilty))
		df_journal_lost(context, 0);
}

/* Was nothing reset since the kernel context was made? What that was seen before the question is then done. */
static inline bool verify(struct df_context *context)
{
	struct df_device *device = context->device;
	uint64_t address;
	int ret = device->kmd->context_touched(device, atomic_load_explicit(&context->kernel, memory_order_relaxed));

	if (__builtin_expect(ret, 0)) {
		doubt(context, ret);
		return false;
	}
	if (__builtin_expect(context->check_faults, 0) && df_page_fault_seen(context, &address)) {
		df_journal_lost(context, 0);
		return false;
	}
	return true;
}

DF_COLD void df_journal_look_closely(struct df_context *context)
{
	struct df_device *device = context->device;
	unsigned seen = atomic_load(&device->losses_seen);
	struct df_kmd_reset reset;

	if (!df_context_calm(context) ||
	    device->kmd->context_reset(device, atomic_load_explicit(&context->kernel, memory_order_relaxed), &reset) <
		    0)
		return;
	if (reset.reset || reset.memory_lost || reset.guilty)
		df_journal_lost(context, 0);
	atomic_store(&context->losses_seen, seen);
}

/* The end of what may retire, as far as the host sees. ask_out: something in it went to the kernel. */
static uint64_t finished_to(struct df_context *context, uint64_t last, bool *ask_out)
{
	uint64_t sequence = context->oldest;

	for (; sequence <= last && sequence != context->next; sequence++) {
		struct df_slot *slot = df_context_slot(context, sequence);

		if (!slot->batch)
			continue;
		if (sequence >= context->unsent || !df_slot_marked(slot, sequence))
			break;
		/* What it has shown is recovery's to weigh. */
		if (__builtin_expect(slot->troubled, 0) && slot->run == DF_RUN_PROBE) {
			df_journal_lost(context, 0);
			break;
		}
		if (__builtin_expect(slot->wait_count, 0)) {
			if (df_journal_misled(slot))
				df_journal_lost(context, 0);
			else if (!df_journal_waits_for(slot))
				goto finished;
			break;
		}
	finished:
		*ask_out = true;
	}
	return sequence;
}

bool df_journal_retire(struct df_context *context, uint64_t last)
{
	uint64_t end, now = 0;
	bool ask = false;

	end = finished_to(context, last, &ask);
	if (ask) {
		if (!df_context_calm(context) || !verify(context))
			return context->oldest > last;
		now = df_clock_ns();
	}
	while (context->oldest != end) {
		struct df_slot *slot = df_context_slot(context, context->oldest);

		if (slot->batch)
			close_done(context, slot, now);
		context->oldest++;
	}
	if (context->unsent < context->oldest)
		context->unsent = context->oldest;
	df_context_left(context, context->unsent - context->oldest);
	if (__builtin_expect(context->point_syncobj && ask, 0))
		signal_point(context, end - 1);
	return context->oldest > last;
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

DF_COLD unsigned df_batch_in_flight(struct df_batch_submit *batch)
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
		df_journal_pump(contexts[i]);
		df_lock_give(&contexts[i]->lock);
		df_context_unref(contexts[i]);
	}
	return atomic_load_explicit(&batch->in_flight, memory_order_acquire);
}

/* ---- to the kernel ---- */

/*
 * Read without the other context's lock, which could be taken in the opposite order by another thread. kernel is 0
 * while a context is being replaced and its handles change only then, so an equal kernel before and after means a pair
 * that belongs together; names of dead contexts are refused by the kernel. A handle of 0 is of a held submission.
 */
static int name_fence(const struct df_fence *fence, struct df_kmd_dependency *dependency, uint32_t *run)
{
	uint32_t kernel = atomic_load(&fence->context->kernel);

	/* Others have found a loss since its context was looked at: it may be about to run again. */
	if (!df_context_calm(fence->context) ||
	    atomic_load(&fence->context->losses_seen) != atomic_load(&fence->device->losses_seen))
		return -EAGAIN;
	dependency->context = kernel;
	dependency->handle = atomic_load(&fence->slot->handle);
	*run = atomic_load(&fence->runs);
	return kernel && dependency->handle && atomic_load(&fence->context->kernel) == kernel ? 0 : -EAGAIN;
}

/* The kernel's names of the fences that are pending still. -EAGAIN: one is not at the kernel. */
static DF_COLD int name_waits(struct df_slot *slot, struct df_kmd_dependency *dependencies, unsigned *count_out)
{
	unsigned n = 0;

	for (unsigned i = 0; i < slot->wait_count; i++) {
		const struct df_fence *fence = slot->waits[i];
		int ret = name_fence(fence, &dependencies[n], &slot->wait_runs[i]);

		/* Asked last: a fence that became final may have lent its slot to a later one, which must not be named.
		 */
		if (atomic_load_explicit(&fence->final, memory_order_acquire)) {
			slot->wait_runs[i] = atomic_load(&fence->runs);
			continue;
		}
		if (ret < 0)
			return ret;
		n++;
	}
	*count_out = n;
	return 0;
}

/*
 * The kernel blocks when as many jobs of a context are unfinished as it keeps; what it thinks of those that have
 * retired here is asked once for a whole round of them.
 */
static bool kernel_has_place(struct df_context *context)
{
	struct df_device *device = context->device;

	if (__builtin_expect(context->jobs - context->jobs_over < device->info.max_jobs, 1))
		return true;
	if (!context->retired_handle || context->retired_job <= context->jobs_over ||
	    device->kmd->wait(device, context->kernel, context->retired_handle, 0) != 0)
		return false;
	context->jobs_over = context->retired_job;
	return true;
}

DF_COLD int df_journal_reserve(struct df_context *context, struct df_slot *slot, const struct df_batch_submit *batch)
{
	const struct df_encoder_ops *enc = context->device->enc;
	struct df_bo_desc desc = {
		.domain = DF_DOMAIN_HOST_CACHED, .executable = true, .read_only = true, .name = "commit stream"};
	struct df_copy_range ranges[DF_MAX_COMMITS];
	struct df_bo *bo;
	void *map;
	uint32_t dw;
	int ret;

	dw = enc->copies_dw(ranges, df_contents_ranges(batch, ranges)) + enc->marker_dw + context->tail_dw;
	if (dw <= slot->commit_capacity_dw)
		return 0;
	desc.bytes = dw * 4ull;
	ret = df_bo_create_internal(context->device, &desc, &bo);
	if (ret < 0)
		return ret;
	ret = df_bo_map(bo, &map);
	if (ret < 0) {
		df_bo_destroy_internal(bo);
		return ret;
	}
	df_bo_destroy_internal(slot->commit_bo);
	slot->commit_bo = bo;
	slot->commit_va = bo->va;
	slot->commit_map = map;
	slot->commit_capacity_dw = (uint32_t)(bo->alloc_B / 4);
	return 0;
}

/* The images change places with each verified commit: the copies are written before each run. */
static DF_COLD void write_commit_tail(struct df_context *context, struct df_slot *slot,
				      struct df_kmd_submission *submission)
{
	const struct df_encoder_ops *enc = context->device->enc;
	struct df_copy_range ranges[DF_MAX_COMMITS];
	unsigned count = df_contents_ranges(slot->batch, ranges);
	uint32_t *dw = enc->copies(slot->commit_map, ranges, count, false);
	uint32_t used, align = context->device->info.ib_size_align_dw;

	enc->marker(dw, slot->marker_va, slot->sequence);
	used = (uint32_t)(dw + enc->marker_dw - slot->commit_map);
	submission->tail_va = slot->commit_va;
	submission->tail_dw = (used + align - 1) / align * align;
	enc->nop(slot->commit_map + used, submission->tail_dw - used);
}

/* Behind all that came before, with nothing behind it. */
static bool wants_solitude(const struct df_slot *slot)
{
	return slot->ran && slot->troubled && (df_slot_is_solitary(slot) || slot->info.page_fault);
}

/* What most submissions do not need: commits, waits, another run. */
static DF_COLD __attribute__((noinline)) int prepare(struct df_context *context, struct df_slot *slot,
						     struct df_kmd_submission *submission,
						     struct df_kmd_dependency *dependencies)
{
	const struct df_batch_submit *batch = slot->batch;
	int ret;

	if (batch->commits_state && context->committing)
		return -EAGAIN;
	if (wants_solitude(slot) && context->oldest != slot->sequence)
		return -EAGAIN;
	if (slot->ran && slot->troubled && slot->run != DF_RUN_WHOLE) {
		submission->ib_va = slot->run_va;
		submission->ib_dw = slot->run_dw;
	}
	submission->dependencies = dependencies;
	ret = name_waits(slot, dependencies, &submission->dependency_count);
	if (ret < 0)
		return ret;
	if (batch->commit_count && !slot->ran)
		df_contents_snapshot(batch);
	if (batch->commit_count)
		write_commit_tail(context, slot, submission);
	if (slot->ran)
		atomic_store(slot->marker, 0);
	return 0;
}

static DF_COLD __attribute__((noinline)) void sent_prepared(struct df_context *context, struct df_slot *slot)
{
	uint64_t took;

	if (slot->batch->commits_state)
		context->committing = slot->sequence;
	if (!slot->ran || !context->timing)
		return;
	took = df_clock_ns() - context->judged_ns;
	context->timing = false;
	slot->info.recover_ns += took;
	atomic_fetch_add(&context->device->recovery.recover_ns, took);
}

int df_journal_send(struct df_context *context, struct df_slot *slot)
{
	const struct df_batch_submit *batch = slot->batch;
	struct df_device *device = context->device;
	struct df_kmd_dependency dependencies[DF_KMD_MAX_WAITS];
	bool plain = !(batch->commit_count | slot->wait_count | slot->ran);
	struct df_kmd_submission submission;
	uint64_t handle, traffic;
	int ret = 0;

	if (!kernel_has_place(context))
		return -EAGAIN;
	submission.context = atomic_load_explicit(&context->kernel, memory_order_relaxed);
	submission.ib_va = batch->ib_va;
	submission.ib_dw = batch->ib_dw;
	submission.tail_va = slot->tail_va;
	submission.tail_dw = context->tail_dw;
	submission.dependency_count = 0;
	submission.wait_syncobjs = slot->syncobjs;
	submission.wait_syncobj_count = slot->syncobj_count;
	submission.bo_handles = batch->external_handles;
	submission.bo_count = batch->external_count;
	submission.timeline = context->timeline;
	submission.point = slot->sequence;
	/* Only while the slot is free of jobs: streams in flight are never written. */
	slot->tail_value[0] = (uint32_t)slot->sequence;
	slot->tail_value[1] = (uint32_t)(slot->sequence >> 32);
	if (__builtin_expect(!plain, 0))
		ret = prepare(context, slot, &submission, dependencies);
	if (!ret)
		ret = device->kmd->submit(device, slot->kmd, &submission, &handle);
	if (__builtin_expect(ret < 0, 0))
		return ret;
	if (__builtin_expect(context->check_faults, 0) && context->unsent == context->oldest)
		df_page_fault_forget(context);
	traffic = atomic_fetch_add_explicit(&device->traffic, 1ull << 32 | 1, memory_order_relaxed);
	if (slot->ran) {
		slot->alone = (uint32_t)traffic == context->inside;
		slot->others = (uint32_t)(traffic >> 32) - context->sends;
	}
	context->sends++;
	context->inside++;
	slot->job = ++context->jobs;
	atomic_fetch_add_explicit(&slot->fence->runs, 1, memory_order_relaxed);
	atomic_store_explicit(&slot->handle, handle, memory_order_release);
	if (__builtin_expect(!plain, 0))
		sent_prepared(context, slot);
	slot->ran = true;
	context->send_failures = 0;
	return 0;
}

/* How kernels refuse a context (to 6.x: that was guilty) or an entity (since: its last job's error). */
bool df_journal_is_condemned(int error)
{
	return error == -ECANCELED || error == -ETIME || error == -ENODATA;
}

DF_COLD void df_journal_close_from(struct df_context *context, uint64_t sequence, enum df_verdict verdict,
				   enum df_verdict rest)
{
	for (; sequence != context->next; sequence++) {
		struct df_slot *slot = df_context_slot(context, sequence);

		if (!slot->batch)
			continue;
		df_journal_close(context, slot, verdict);
		verdict = rest;
	}
}

/* Whether the pump goes on behind it. */
static DF_COLD bool pump_one(struct df_context *context, struct df_slot *slot)
{
	int ret;

	if (slot->wait_count && df_journal_misled_for_good(slot)) {
		df_journal_close_from(context, slot->sequence, DF_INNOCENT_RESET, DF_INNOCENT_RESET);
		return true;
	}
	ret = df_journal_send(context, slot);
	if (!ret)
		return true;
	if (df_journal_is_condemned(ret) || ret == -ENODEV)
		df_journal_lost(context, ret);
	else if (ret != -EAGAIN && ++context->send_failures > MAX_SEND_FAILURES)
		df_journal_close_from(context, slot->sequence, DF_INNOCENT_RESET, DF_INNOCENT_RESET);
	return false;
}

DF_COLD bool df_journal_runs_alone(struct df_context *context)
{
	const struct df_slot *slot = df_context_slot(context, context->oldest);

	return context->oldest != context->unsent && slot->batch && wants_solitude(slot);
}

DF_COLD void df_journal_pump_held(struct df_context *context)
{
	while (context->unsent != context->next && df_context_calm(context) && !df_journal_runs_alone(context)) {
		struct df_slot *slot = df_context_slot(context, context->unsent);

		if (slot->batch && !pump_one(context, slot))
			return;
		context->unsent++;
	}
}

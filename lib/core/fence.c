/* SPDX-License-Identifier: MIT */
/*
 * Fences and waiting. A wait polls the marker in host memory for the device's spin time, then sleeps: in the kernel's
 * wait, in slices, or between polls where the device was opened with sleep_ns. Whoever waits also does what the context
 * is behind with: settles losses, gives held submissions to the kernel, and the same for contexts that it waits for.
 * Losses are noticed when the kernel says that a job is over and its marker is missing, and when it is asked before
 * submissions retire. Nothing that is done here sleeps longer than SLICE_NS; every wait ends at its deadline.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/context.h"

#define CHUNK_FENCES 64u
/* Longest sleep in the kernel before the marker is looked at again. */
#define SLICE_NS (250ull * 1000000u)
/* How often a wait that does not sleep in the kernel asks it whether the job was lost. */
#define LOOK_NS (20ull * 1000000u)
/* Between two looks at something that is not finished with. */
#define SETTLE_NS (1ull * 500000u)
/* Contexts that wait for each other's: how far help goes. */
#define HELP_DEPTH 8u
/* The clock is read after this many polls of a marker. */
#define POLLS 64u

struct df_fence_chunk {
	struct df_fence_chunk *next;
	struct df_fence fences[CHUNK_FENCES];
};

/* ---- pool ---- */

static DF_COLD int add_chunk(struct df_context *context)
{
	struct df_fence_chunk *chunk = df_calloc(1, sizeof(*chunk));

	if (!chunk)
		return df_error_set(-ENOMEM, "%s: out of memory for fences", df_device_name(context->device));
	chunk->next = context->fence_chunks;
	context->fence_chunks = chunk;
	for (unsigned i = 0; i < CHUNK_FENCES; i++) {
		chunk->fences[i].device = context->device;
		chunk->fences[i].context = context;
		chunk->fences[i].next = context->free_fences;
		context->free_fences = &chunk->fences[i];
	}
	return 0;
}

int df_fence_reserve(struct df_context *context, unsigned count)
{
	int ret = 0;

	for (unsigned have = 0; !ret && have < count; have += CHUNK_FENCES)
		ret = add_chunk(context);
	return ret;
}

void df_fence_pool_finish(struct df_context *context)
{
	while (context->fence_chunks) {
		struct df_fence_chunk *chunk = context->fence_chunks;

		context->fence_chunks = chunk->next;
		free(chunk);
	}
}

struct df_fence *df_fence_take(struct df_context *context, struct df_slot *slot, uint64_t sequence)
{
	struct df_fence *fence;

	if (!context->free_fences)
		context->free_fences = atomic_exchange_explicit(&context->returned_fences, NULL, memory_order_acquire);
	if (__builtin_expect(!context->free_fences, 0))
		add_chunk(context);
	fence = context->free_fences;
	if (!fence)
		return NULL;
	context->free_fences = fence->next;
	if (__builtin_expect(fence->soiled, 0)) {
		memset(&fence->info, 0, sizeof(fence->info));
		fence->soiled = false;
	}
	fence->slot = slot;
	fence->sequence = sequence;
	atomic_store_explicit(&fence->references, 2, memory_order_relaxed);
	atomic_store_explicit(&fence->runs, 0, memory_order_relaxed);
	atomic_store_explicit(&fence->final, false, memory_order_relaxed);
	atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
	return fence;
}

void df_fence_ref(struct df_fence *fence)
{
	atomic_fetch_add_explicit(&fence->references, 1, memory_order_relaxed);
}

void df_fence_unref(struct df_fence *fence)
{
	struct df_context *context = fence->context;

	if (atomic_fetch_sub_explicit(&fence->references, 1, memory_order_acq_rel) != 1)
		return;
	fence->next = atomic_load_explicit(&context->returned_fences, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&context->returned_fences, &fence->next, fence,
						      memory_order_release, memory_order_relaxed))
		;
	/* The fence's memory is the context's: it may be gone behind this. */
	df_context_unref(context);
}

/* ---- waiting ---- */

static bool is_final(const struct df_fence *fence)
{
	return atomic_load_explicit(&fence->final, memory_order_acquire);
}

static DF_COLD int report_poisoned(const struct df_fence *fence)
{
	const struct df_wait_info *info = &fence->info;

	return df_error_set(
		-ECANCELED,
		"submission %llu: launch %llu hung again when it ran alone; %llu launches are done. Fix: look "
		"for an endless loop or a bad address in it",
		(unsigned long long)fence->sequence, (unsigned long long)info->poison[0],
		(unsigned long long)info->launches_done);
}

static __attribute__((noinline, cold)) int report_loss(const struct df_fence *fence)
{
	switch (fence->info.verdict) {
	case DF_MEMORY_LOST:
		return df_error_set(
			-EIO,
			"submission %llu: device memory was lost in a reset and the batch cannot be run again. "
			"Fix: restore the BOs and submit again",
			(unsigned long long)fence->sequence);
	case DF_DEVICE_GONE:
		return df_error_set(-ENODEV, "submission %llu: the device is gone. Fix: close it and open another",
				    (unsigned long long)fence->sequence);
	case DF_GUILTY_RESET:
		return df_error_set(-ECANCELED,
				    "submission %llu: the batch made the GPU hang or fault and was ended by a reset. "
				    "Fix: look for an endless loop or a bad address in its launches",
				    (unsigned long long)fence->sequence);
	case DF_POISONED:
		return report_poisoned(fence);
	default:
		return df_error_set(-ECANCELED,
				    "submission %llu: ended by a reset that another batch caused. Fix: submit it "
				    "again",
				    (unsigned long long)fence->sequence);
	}
}

static inline int report_final(const struct df_fence *fence, struct df_wait_info *info_out)
{
	if (info_out)
		*info_out = fence->info;
	return __builtin_expect(fence->info.verdict == DF_DONE, 1) ? 0 : report_loss(fence);
}

/* Not final. What is known so far is said too. */
static DF_COLD int report_pending(struct df_fence *fence, int error, struct df_wait_info *info_out)
{
	struct df_context *context = fence->context;
	bool gone = error == -ENODEV;

	if (info_out) {
		*info_out = (struct df_wait_info){0};
		df_lock_take(&context->lock);
		if (!is_final(fence) && fence->slot->troubled)
			*info_out = fence->slot->info;
		df_lock_give(&context->lock);
		info_out->verdict = gone ? DF_DEVICE_GONE : DF_RUNNING;
		info_out->context = context->number;
		info_out->batch = fence->sequence;
	}
	if (gone)
		return df_error_set(-ENODEV,
				    "submission %llu: the device is gone. Fix: df_device_reopen(), then wait again",
				    (unsigned long long)fence->sequence);
	if (error != -ETIME)
		return error;
	return df_error_set(-ETIME, "submission %llu: still running at the deadline",
			    (unsigned long long)fence->sequence);
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Retires the fence if its marker is there and nothing else is to be done first. */
static bool try_marker(struct df_fence *fence)
{
	struct df_context *context = fence->context;

	if (!df_slot_marked(fence->slot, fence->sequence))
		return is_final(fence);
	df_lock_take(&context->lock);
	if (!is_final(fence)) {
		df_journal_retire(context, fence->sequence);
		df_journal_pump(context);
	}
	df_lock_give(&context->lock);
	return is_final(fence);
}

/* Polls for the device's spin time or to the deadline; once the marker is there, the rest is for those who sleep. */
static bool spin(struct df_fence *fence, uint64_t deadline_ns)
{
	uint64_t until = df_clock_ns();

	until = UINT64_MAX - until < fence->device->spin_ns ? UINT64_MAX : until + fence->device->spin_ns;
	if (until > deadline_ns)
		until = deadline_ns;
	do {
		for (unsigned i = 0; i < POLLS; i++) {
			if (df_slot_marked(fence->slot, fence->sequence) || is_final(fence))
				return try_marker(fence);
			relax();
		}
	} while (df_clock_ns() < until && df_context_calm(fence->context));
	return false;
}

static bool is_out(const struct df_slot *slot, uint64_t sequence)
{
	return slot->batch && atomic_load_explicit(&slot->handle, memory_order_relaxed) &&
	       !df_slot_marked(slot, sequence);
}

/*
 * Whose end is asked for: the fence's own; while that is held, of the last that is at the kernel; when those have their
 * markers, of the first that has none: it may be lost. Lock held.
 */
static DF_COLD struct df_slot *asked_slot(struct df_fence *fence)
{
	struct df_context *context = fence->context;
	uint64_t last = fence->sequence < context->unsent ? fence->sequence : context->unsent - 1;

	if (is_final(fence) || !df_context_calm(context) || last < context->oldest)
		return NULL;
	if (is_out(df_context_slot(context, last), last))
		return df_context_slot(context, last);
	for (uint64_t sequence = context->oldest; sequence < last; sequence++)
		if (is_out(df_context_slot(context, sequence), sequence))
			return df_context_slot(context, sequence);
	return NULL;
}

/* The kernel answered about the slot, whose job was handle of kernel. Lock held. Result as of ask_kernel(). */
static DF_COLD int judge(struct df_context *context, struct df_slot *slot, uint32_t kernel, uint64_t handle, int answer)
{
	/* Another thread may have settled it meanwhile; then the names are others. */
	if (!slot->batch || handle != atomic_load_explicit(&slot->handle, memory_order_relaxed) ||
	    kernel != atomic_load_explicit(&context->kernel, memory_order_relaxed) || !df_context_calm(context))
		return 0;
	if (!df_journal_is_over(answer))
		return df_error_set(answer, "submission %llu: the kernel's wait failed: %s",
				    (unsigned long long)slot->sequence, strerror(-answer));
	if (!answer) {
		context->jobs_over = slot->job > context->jobs_over ? slot->job : context->jobs_over;
		/* It ends when those that it waits for do. */
		if (df_slot_marked(slot, slot->sequence))
			return -EBUSY;
	}
	/* A success without the marker is looked at twice, a while apart: nothing is run again by mistake. */
	if (!answer && !slot->suspect) {
		slot->suspect = true;
		return -EBUSY;
	}
	df_journal_lost(context, answer);
	return 0;
}

/* Asks the kernel; deadline_ns 0 polls. 0: look again; -EBUSY: sleep a little first. */
static DF_COLD int ask_kernel(struct df_fence *fence, uint64_t deadline_ns)
{
	struct df_context *context = fence->context;
	struct df_device *device = fence->device;
	struct df_slot *slot;
	uint64_t handle = 0;
	uint32_t kernel = 0;
	int ret;

	df_lock_take(&context->lock);
	slot = asked_slot(fence);
	if (slot) {
		kernel = atomic_load_explicit(&context->kernel, memory_order_relaxed);
		handle = atomic_load_explicit(&slot->handle, memory_order_relaxed);
	}
	df_lock_give(&context->lock);
	if (!handle)
		return -EBUSY;
	ret = device->kmd->wait(device, kernel, handle, deadline_ns);
	if (ret == -EBUSY)
		return 0;
	df_lock_take(&context->lock);
	ret = judge(context, slot, kernel, handle, ret);
	/* Held ones go on when what they were held behind is done. */
	df_journal_retire(context, context->unsent - 1);
	df_journal_pump(context);
	df_lock_give(&context->lock);
	return ret;
}

/* A fence of another context that this one's context cannot go on without, referenced, or NULL. */
static DF_COLD struct df_fence *obstacle(struct df_fence *fence)
{
	struct df_context *context = fence->context;
	struct df_fence *other = NULL;

	df_lock_take(&context->lock);
	for (uint64_t sequence = context->oldest; !other && sequence != context->next && sequence <= fence->sequence;
	     sequence++)
		if (df_context_slot(context, sequence)->batch)
			other = df_journal_waits_for(df_context_slot(context, sequence));
	if (other)
		df_fence_ref(other);
	df_lock_give(&context->lock);
	return other;
}

/* Does what the fence's context, and those that it waits for, are behind with. 0, -EBUSY, -ENODEV. */
static DF_COLD int work(struct df_fence *fence, unsigned depth)
{
	struct df_context *context = fence->context;
	struct df_fence *other;
	int ret = 0;

	if (!df_context_calm(context))
		ret = df_recovery_step(context);
	if (ret < 0 || is_final(fence))
		return ret;
	df_lock_take(&context->lock);
	df_journal_look(context);
	df_journal_retire(context, context->unsent - 1);
	df_journal_pump(context);
	df_lock_give(&context->lock);
	if (is_final(fence) || !df_context_calm(context))
		return 0;
	other = obstacle(fence);
	if (!other)
		return 0;
	if (depth && !try_marker(other)) {
		ret = work(other, depth - 1);
		if (!is_final(other) && ret != -ENODEV)
			ask_kernel(other, 0);
		if (is_final(other) || ret != -ENODEV)
			ret = is_final(other) ? 0 : -EBUSY;
	}
	df_fence_unref(other);
	return ret;
}

static void sleep_until(uint64_t until_ns, uint64_t deadline_ns)
{
	uint64_t ns = until_ns < deadline_ns ? until_ns : deadline_ns;
	struct timespec until = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

/* The kernel, or in between those that sleep on their own: the same results as of ask_kernel(). */
static DF_COLD int sleep_or_ask(struct df_fence *fence, uint64_t now, uint64_t deadline_ns, uint64_t *look)
{
	uint32_t sleep_ns = fence->device->sleep_ns;

	if (!sleep_ns)
		return ask_kernel(fence, now + SLICE_NS < deadline_ns ? now + SLICE_NS : deadline_ns);
	if (now >= *look) {
		*look = now + LOOK_NS;
		return ask_kernel(fence, 0);
	}
	sleep_until(now + sleep_ns, deadline_ns);
	return 0;
}

static DF_COLD int wait_asleep(struct df_fence *fence, uint64_t deadline_ns)
{
	uint64_t now = df_clock_ns(), look = now + LOOK_NS;

	while (!try_marker(fence)) {
		int ret = work(fence, HELP_DEPTH);

		now = df_clock_ns();
		if (is_final(fence) || ret == -ENODEV)
			return is_final(fence) ? 0 : ret;
		if (now >= deadline_ns)
			return -ETIME;
		if (!ret && df_context_calm(fence->context))
			ret = sleep_or_ask(fence, now, deadline_ns, &look);
		/* The marker mostly is there when the kernel's wait ends, and what it was held behind is done. */
		if (ret == -EBUSY && !try_marker(fence))
			sleep_until(df_clock_ns() + SETTLE_NS, deadline_ns);
		else if (ret < 0 && ret != -EBUSY)
			return ret;
	}
	return 0;
}

/* A poll: the marker, and now and then the kernel, so that those who only poll learn of losses too. */
static DF_COLD int poll_once(struct df_fence *fence)
{
	struct df_context *context = fence->context;
	uint64_t now;
	bool look;
	int ret;

	if (try_marker(fence))
		return 0;
	ret = work(fence, HELP_DEPTH);
	if (ret < 0 || is_final(fence))
		return ret == -EBUSY ? 0 : ret;
	now = df_clock_ns();
	df_lock_take(&context->lock);
	look = !is_final(fence) && now - fence->slot->looked_ns >= LOOK_NS;
	if (look)
		fence->slot->looked_ns = now;
	df_lock_give(&context->lock);
	if (look)
		ask_kernel(fence, 0);
	return 0;
}

DF_API int df_fence_wait(struct df_fence *fence, uint64_t deadline_ns, struct df_wait_info *info_out)
{
	int ret;

	if (!fence) {
		if (info_out)
			*info_out = (struct df_wait_info){.verdict = DF_RUNNING};
		return df_error_set(-EINVAL, "df_fence_wait: fence is NULL");
	}
	if (is_final(fence) || try_marker(fence))
		return report_final(fence, info_out);
	if (!deadline_ns)
		ret = poll_once(fence);
	else if (spin(fence, deadline_ns))
		ret = 0;
	else
		ret = wait_asleep(fence, deadline_ns);
	if (is_final(fence))
		return report_final(fence, info_out);
	return report_pending(fence, ret ? ret : -ETIME, info_out);
}

DF_API int df_fence_export(struct df_fence *fence, int *sync_file_fd_out)
{
	struct df_context *context;
	struct df_device *device;
	int ret;

	if (!fence || !sync_file_fd_out)
		return df_error_set(-EINVAL, "df_fence_export: %s is NULL", fence ? "sync_file_fd_out" : "fence");
	context = fence->context;
	device = fence->device;
	df_lock_take(&context->lock);
	if (is_final(fence) && fence->info.verdict != DF_DONE)
		ret = df_error_set(-ECANCELED,
				   "df_fence_export: submission %llu was lost; its fence would say it is done. Fix: "
				   "export the fence of a submission that runs",
				   (unsigned long long)fence->sequence);
	else if (is_final(fence))
		ret = device->kmd->signalled_fd(device, sync_file_fd_out);
	else if (!atomic_load(&fence->slot->handle))
		ret = df_error_set(
			-EAGAIN,
			"df_fence_export: submission %llu is kept back and has no fence of the kernel yet. Fix: "
			"wait for the one before, or take df_context_export_timeline()",
			(unsigned long long)fence->sequence);
	else if (context->timeline)
		ret = device->kmd->point_fd(device, context->timeline, fence->sequence, sync_file_fd_out);
	else
		ret = device->kmd->fence_fd(device, atomic_load(&context->kernel), atomic_load(&fence->slot->handle),
					    sync_file_fd_out);
	df_lock_give(&context->lock);
	return ret;
}

DF_API uint64_t df_fence_point(const struct df_fence *fence)
{
	return fence ? fence->sequence : 0;
}

static DF_COLD int make_points(struct df_context *context)
{
	struct df_device *device = context->device;
	uint32_t syncobj;
	int ret, kept = -1;

	if (context->point_syncobj && !context->points_end)
		return 0;
	ret = device->kmd->syncobj_create(device, &syncobj);
	/* What is behind is told by the fences. */
	if (!ret && context->oldest > 1)
		ret = device->kmd->timeline_signal(device, syncobj, context->oldest - 1);
	if (!ret && device->reopenable)
		ret = device->kmd->syncobj_fd(device, syncobj, &kept);
	if (ret < 0)
		return ret;
	if (context->point_fd >= 0)
		close(context->point_fd);
	context->point_fd = kept;
	if (context->point_syncobj)
		device->kmd->syncobj_destroy(device, context->point_syncobj);
	context->point_syncobj = syncobj;
	context->points_end = false;
	return 0;
}

/*
 * A timeline's point covers all before it. So when a batch ends otherwise than done, the timeline stands still from
 * there on; asked for again, the context makes another.
 */
DF_API int df_context_export_timeline(struct df_context *context, int *syncobj_fd_out)
{
	struct df_device *device;
	int ret;

	if (!context || !syncobj_fd_out)
		return df_error_set(-EINVAL, "df_context_export_timeline: %s is NULL",
				    context ? "syncobj_fd_out" : "context");
	device = context->device;
	if (!device->info.has_timeline)
		return df_error_set(
			-ENOTSUP,
			"df_context_export_timeline: the kernel of %s has no timeline syncobjs. Fix: use Linux "
			"5.2 or later, or wait with df_fence_wait()",
			df_device_name(device));
	df_lock_take(&context->lock);
	ret = make_points(context);
	if (!ret)
		ret = device->kmd->syncobj_fd(device, context->point_syncobj, syncobj_fd_out);
	df_lock_give(&context->lock);
	return ret < 0 ? df_error_within(ret, "df_context_export_timeline") : 0;
}

DF_API void df_fence_put(struct df_fence *fence)
{
	if (!fence)
		return;
	atomic_fetch_sub(&fence->device->live.fences, 1);
	df_fence_unref(fence);
}

/* SPDX-License-Identifier: MIT */
/*
 * Fences and waiting. A wait polls the marker in host memory for the device's spin time, then sleeps: in the kernel's
 * wait, in slices, or between polls where the device was opened with sleep_ns. Losses are noticed when the kernel says
 * that a job is over and its marker is missing. Every wait ends at its deadline.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/context.h"

#define CHUNK_FENCES 64u
/* Longest sleep in the kernel before the marker is looked at again. */
#define SLICE_NS (250ull * 1000000u)
/* How often a wait that does not sleep in the kernel asks it whether the job was lost. */
#define LOOK_NS (20ull * 1000000u)
/* Between two looks at a loss that the kernel has not finished with. */
#define SETTLE_NS (1ull * 1000000u)
/* The clock is read after this many polls of a marker. */
#define POLLS 64u

struct df_fence_chunk {
	struct df_fence_chunk *next;
	struct df_fence fences[CHUNK_FENCES];
};

/* ---- pool ---- */

static int add_chunk(struct df_context *context)
{
	struct df_fence_chunk *chunk = calloc(1, sizeof(*chunk));

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
	fence->slot = slot;
	fence->sequence = sequence;
	atomic_store_explicit(&fence->references, 2, memory_order_relaxed);
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

void df_fence_finish(struct df_fence *fence, const struct df_wait_info *info)
{
	fence->info = *info;
	atomic_store_explicit(&fence->final, true, memory_order_release);
	df_fence_unref(fence);
}

/* ---- waiting ---- */

static bool is_final(const struct df_fence *fence)
{
	return atomic_load_explicit(&fence->final, memory_order_acquire);
}

static int report_final(const struct df_fence *fence, struct df_wait_info *info_out)
{
	if (info_out)
		*info_out = fence->info;
	switch (fence->info.verdict) {
	case DF_DONE:
		return 0;
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
	default:
		return df_error_set(-ECANCELED,
				    "submission %llu: ended by a reset that another batch caused. Fix: submit it "
				    "again",
				    (unsigned long long)fence->sequence);
	}
}

static int report_running(const struct df_fence *fence, struct df_wait_info *info_out)
{
	if (info_out)
		*info_out = (struct df_wait_info){.verdict = DF_RUNNING};
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

/* Retires the fence if its marker is there. */
static bool try_marker(struct df_fence *fence)
{
	struct df_context *context = fence->context;

	if (!df_slot_marked(fence->slot, fence->sequence))
		return is_final(fence);
	df_lock_take(&context->lock);
	if (!is_final(fence))
		df_journal_retire(context, fence->sequence);
	df_lock_give(&context->lock);
	return is_final(fence);
}

/* Polls for the device's spin time or to the deadline. */
static bool spin(struct df_fence *fence, uint64_t deadline_ns)
{
	uint64_t until = df_now_ns();

	until = UINT64_MAX - until < fence->device->spin_ns ? UINT64_MAX : until + fence->device->spin_ns;
	if (until > deadline_ns)
		until = deadline_ns;
	do {
		for (unsigned i = 0; i < POLLS; i++) {
			if (try_marker(fence))
				return true;
			relax();
		}
	} while (df_now_ns() < until);
	return false;
}

/* The kernel answered about the job that was handle of kernel. Lock held. Result as of ask_kernel(). */
static int judge(struct df_fence *fence, uint32_t kernel, uint64_t handle, int answer)
{
	struct df_context *context = fence->context;
	struct df_slot *slot = fence->slot;

	/* Another thread may have settled it meanwhile; then the names are others. */
	if (is_final(fence) || df_journal_retire(context, fence->sequence) ||
	    handle != atomic_load_explicit(&slot->handle, memory_order_relaxed) ||
	    kernel != atomic_load_explicit(&context->kernel, memory_order_relaxed))
		return 0;
	if (!df_journal_is_over(answer))
		return df_error_set(answer, "submission %llu: the kernel's wait failed: %s",
				    (unsigned long long)fence->sequence, strerror(-answer));
	/* A success without the marker is looked at twice, a while apart: nothing is run again by mistake. */
	if (!answer && !slot->suspect) {
		slot->suspect = true;
		return -EBUSY;
	}
	return df_journal_loss(context, answer);
}

/* Asks the kernel; deadline_ns 0 polls. 0: nothing new or settled; -EBUSY: sleep a little, a loss is being settled. */
static int ask_kernel(struct df_fence *fence, uint64_t deadline_ns)
{
	struct df_context *context = fence->context;
	struct df_device *device = fence->device;
	uint64_t handle = 0;
	uint32_t kernel;
	int ret = 0;

	df_lock_take(&context->lock);
	kernel = atomic_load_explicit(&context->kernel, memory_order_relaxed);
	if (!is_final(fence))
		handle = atomic_load_explicit(&fence->slot->handle, memory_order_relaxed);
	df_lock_give(&context->lock);
	if (!handle)
		return 0;
	ret = device->kmd->wait(device, kernel, handle, deadline_ns);
	if (ret == -EBUSY)
		return 0;
	df_lock_take(&context->lock);
	ret = judge(fence, kernel, handle, ret);
	df_lock_give(&context->lock);
	return ret;
}

static void sleep_until(uint64_t until_ns, uint64_t deadline_ns)
{
	uint64_t ns = until_ns < deadline_ns ? until_ns : deadline_ns;
	struct timespec until = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static int wait_asleep(struct df_fence *fence, uint64_t deadline_ns)
{
	uint32_t sleep_ns = fence->device->sleep_ns;
	uint64_t now = df_now_ns(), look = now + LOOK_NS;

	while (!try_marker(fence)) {
		int ret = 0;

		now = df_now_ns();
		if (now >= deadline_ns)
			return -ETIME;
		if (!sleep_ns) {
			ret = ask_kernel(fence, now + SLICE_NS < deadline_ns ? now + SLICE_NS : deadline_ns);
		} else if (now >= look) {
			ret = ask_kernel(fence, 0);
			look = now + LOOK_NS;
		} else {
			sleep_until(now + sleep_ns, deadline_ns);
		}
		if (ret == -EBUSY)
			sleep_until(df_now_ns() + SETTLE_NS, deadline_ns);
		else if (ret < 0)
			return ret;
	}
	return 0;
}

/* A poll: the marker, and now and then the kernel, so that those who only poll learn of losses too. */
static void poll_once(struct df_fence *fence)
{
	struct df_context *context = fence->context;
	uint64_t now;
	bool look;

	if (try_marker(fence))
		return;
	now = df_now_ns();
	df_lock_take(&context->lock);
	look = !is_final(fence) && now - fence->slot->looked_ns >= LOOK_NS;
	if (look)
		fence->slot->looked_ns = now;
	df_lock_give(&context->lock);
	if (look)
		ask_kernel(fence, 0);
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
	if (!deadline_ns) {
		poll_once(fence);
		return is_final(fence) ? report_final(fence, info_out) : report_running(fence, info_out);
	}
	if (spin(fence, deadline_ns))
		return report_final(fence, info_out);
	ret = wait_asleep(fence, deadline_ns);
	if (is_final(fence))
		return report_final(fence, info_out);
	if (ret == -ETIME)
		return report_running(fence, info_out);
	if (info_out)
		*info_out = (struct df_wait_info){.verdict = DF_RUNNING};
	return ret;
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
	else if (context->timeline)
		ret = device->kmd->point_fd(device, context->timeline, fence->sequence, sync_file_fd_out);
	else
		ret = device->kmd->fence_fd(device, atomic_load(&context->kernel), atomic_load(&fence->slot->handle),
					    sync_file_fd_out);
	df_lock_give(&context->lock);
	return ret;
}

DF_API void df_fence_put(struct df_fence *fence)
{
	if (!fence)
		return;
	atomic_fetch_sub(&fence->device->live.fences, 1);
	df_fence_unref(fence);
}

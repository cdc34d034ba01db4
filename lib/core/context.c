/* SPDX-License-Identifier: MIT */
/* Contexts: the kernel driver's unit of submission, priority and loss, with a journal of what is in flight. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/contents.h"
#include "core/context.h"

#define DEFAULT_IN_FLIGHT 32u
/* Destroying waits for what is in flight. Kernels end jobs that run longer than a minute by a reset. */
#define DESTROY_WAIT_NS (120ull * 1000000000u)

static uint32_t round_up(uint32_t value, uint32_t align)
{
	return (value + align - 1) / align * align;
}

/* Writes a slot's tail IB: the marker and the padding behind it. */
static void write_tail(struct df_context *context, uint32_t *dw, uint64_t marker_va)
{
	const struct df_encoder_ops *enc = context->device->enc;

	enc->marker(dw, marker_va, 0);
	enc->nop(dw + enc->marker_dw, context->tail_dw - enc->marker_dw);
}

static int create_memory(struct df_context *context, uint32_t tail_stride_B, void **markers_out, void **tails_out)
{
	struct df_bo_desc marker = {
		.bytes = (uint64_t)context->depth * DF_MARKER_STRIDE_B,
		.domain = DF_DOMAIN_HOST_CACHED,
		.uncached = true,
		.name = "completion markers",
	};
	struct df_bo_desc tail = {
		.bytes = (uint64_t)context->depth * tail_stride_B,
		.domain = DF_DOMAIN_HOST_CACHED,
		.executable = true,
		.read_only = true,
		.name = "tail streams",
	};
	int ret;

	ret = df_bo_create_internal(context->device, &marker, &context->marker_bo);
	if (!ret)
		ret = df_bo_create_internal(context->device, &tail, &context->tail_bo);
	if (!ret)
		ret = df_bo_map(context->marker_bo, markers_out);
	if (!ret)
		ret = df_bo_map(context->tail_bo, tails_out);
	return ret;
}

/* A commit of as many BOs as a batch may have, each small enough for one packet. */
static uint32_t commit_capacity_dw(const struct df_context *context)
{
	struct df_copy_range ranges[DF_MAX_COMMITS];

	for (unsigned i = 0; i < DF_MAX_COMMITS; i++)
		ranges[i] = (struct df_copy_range){.bytes = 1};
	return context->device->enc->copies_dw(ranges, DF_MAX_COMMITS) + context->device->enc->marker_dw +
	       context->tail_dw;
}

static void place_tail(struct df_context *context, uint32_t i, char *tails, uint32_t tail_B, uint32_t stride_B)
{
	struct df_slot *slot = &context->slots[i];
	uint32_t *dw = (uint32_t *)(void *)(tails + (size_t)i * stride_B);

	write_tail(context, dw, slot->marker_va);
	slot->tail_value = dw + context->device->enc->marker_value_at;
	slot->tail_va = context->tail_bo->va + (uint64_t)i * stride_B;
	slot->commit_map = dw + tail_B / 4;
	slot->commit_va = slot->tail_va + tail_B;
	slot->commit_capacity_dw = (stride_B - tail_B) / 4;
}

static int create_slots(struct df_context *context)
{
	struct df_device *device = context->device;
	uint32_t stride_B, tail_B;
	void *markers, *tails;
	int ret;

	context->tail_dw = round_up(device->enc->marker_dw, device->info.ib_size_align_dw);
	tail_B = round_up(context->tail_dw * 4, device->info.ib_align_B);
	stride_B = tail_B + round_up(commit_capacity_dw(context) * 4, device->info.ib_align_B);
	context->slots = df_calloc(context->depth, sizeof(*context->slots));
	if (!context->slots)
		return df_error_set(-ENOMEM, "df_context_create: out of memory");
	ret = create_memory(context, stride_B, &markers, &tails);
	for (uint32_t i = 0; !ret && i < context->depth; i++) {
		struct df_slot *slot = &context->slots[i];

		slot->marker = (void *)((char *)markers + (size_t)i * DF_MARKER_STRIDE_B);
		atomic_store(slot->marker, 0);
		slot->marker_va = context->marker_bo->va + (uint64_t)i * DF_MARKER_STRIDE_B;
		place_tail(context, i, tails, tail_B, stride_B);
		ret = device->kmd->slot_create(device, &slot->kmd);
	}
	return ret;
}

static void destroy_slots(struct df_context *context)
{
	struct df_device *device = context->device;

	for (uint32_t i = 0; context->slots && i < context->depth; i++) {
		struct df_slot *slot = &context->slots[i];

		device->kmd->slot_destroy(device, slot->kmd);
		df_bo_destroy_internal(slot->commit_bo);
		df_context_drop_fds(slot);
		free(slot->fds);
	}
	free(context->slots);
	context->slots = NULL;
}

static void kernel_destroy(struct df_context *context)
{
	struct df_device *device = context->device;
	uint32_t kernel = atomic_exchange(&context->kernel, 0);

	if (context->timeline)
		device->kmd->syncobj_destroy(device, context->timeline);
	if (kernel)
		device->kmd->context_destroy(device, kernel);
	context->timeline = 0;
}

int df_context_kernel_create(struct df_context *context, uint32_t *kernel_out, uint32_t *timeline_out)
{
	struct df_device *device = context->device;
	uint32_t kernel, timeline = 0;
	int ret;

	ret = device->kmd->context_create(device, context->priority, &kernel);
	if (ret < 0)
		return ret;
	if (device->info.has_timeline)
		ret = device->kmd->syncobj_create(device, &timeline);
	if (ret < 0) {
		device->kmd->context_destroy(device, kernel);
		return ret;
	}
	*kernel_out = kernel;
	*timeline_out = timeline;
	return 0;
}

/* The new one is made before the old one goes, so that its number is another: a stale name never fits. */
int df_context_renew(struct df_context *context)
{
	uint32_t kernel, timeline;
	int ret = df_context_kernel_create(context, &kernel, &timeline);

	if (ret < 0)
		return ret;
	kernel_destroy(context);
	context->timeline = timeline;
	context->recoveries++;
	atomic_fetch_add(&context->device->recovery.contexts_renewed, 1);
	context->jobs = context->jobs_over = context->retired_job = context->retired_handle = 0;
	atomic_store(&context->kernel, kernel);
	return 0;
}

/* ---- reopening ---- */

int df_context_keep_fds(struct df_context *context, struct df_slot *slot, const int *fds, unsigned count)
{
	if (!context->device->reopenable || !count)
		return 0;
	if (!slot->fds)
		slot->fds = df_calloc(DF_KMD_MAX_WAITS, sizeof(int));
	if (!slot->fds)
		return df_error_set(-ENOMEM, "out of memory for the descriptors that a reopening needs");
	for (unsigned i = 0; i < count; i++) {
		slot->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
		slot->syncobj_count = i + 1;
		if (slot->fds[i] < 0)
			return df_error_set(-errno, "descriptor %d cannot be kept: %s", fds[i], strerror(errno));
	}
	return 0;
}

void df_context_drop_fds(struct df_slot *slot)
{
	for (unsigned i = 0; slot->fds && i < slot->syncobj_count; i++)
		if (slot->fds[i] >= 0)
			close(slot->fds[i]);
}

void df_context_drop_streams(struct df_context *context)
{
	for (uint64_t sequence = context->oldest; sequence != context->next; sequence++) {
		struct df_slot *slot = df_context_slot(context, sequence);

		if (slot->batch && slot->troubled)
			df_stream_finish(&slot->stream);
	}
}

void df_context_write_tails(struct df_context *context)
{
	for (uint32_t i = 0; i < context->depth; i++) {
		struct df_slot *slot = &context->slots[i];

		atomic_store(slot->marker, 0);
		write_tail(context, slot->tail_value - context->device->enc->marker_value_at, slot->marker_va);
	}
}

/* What the kernel knows of the context. Fences that are final may outlive it. */
static void names_destroy(struct df_context *context)
{
	struct df_device *device = context->device;

	kernel_destroy(context);
	if (context->point_syncobj)
		device->kmd->syncobj_destroy(device, context->point_syncobj);
	context->point_syncobj = 0;
	for (uint32_t i = 0; context->slots && i < context->depth; i++) {
		struct df_slot *slot = &context->slots[i];

		while (slot->syncobjs_made)
			device->kmd->syncobj_destroy(device, slot->syncobjs[--slot->syncobjs_made]);
	}
}

/* All that the context is made of; no fence refers to it any more, or it was never finished. */
static void context_free(struct df_context *context)
{
	names_destroy(context);
	if (context->point_fd >= 0)
		close(context->point_fd);
	free(context->capture);
	destroy_slots(context);
	df_bo_destroy_internal(context->marker_bo);
	df_bo_destroy_internal(context->tail_bo);
	df_fence_pool_finish(context);
	free(context);
}

void df_context_unref(struct df_context *context)
{
	if (atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) == 1)
		context_free(context);
}

static void context_publish(struct df_context *context)
{
	struct df_device *device = context->device;

	if (!context->internal)
		atomic_fetch_add(&device->live.contexts, 1);
	pthread_mutex_lock(&device->lock);
	context->list = device->contexts;
	context->prev = &device->contexts;
	if (context->list)
		context->list->prev = &context->list;
	device->contexts = context;
	pthread_mutex_unlock(&device->lock);
}

static void context_unpublish(struct df_context *context)
{
	struct df_device *device = context->device;

	df_context_left(context, 0);
	if (!context->internal)
		atomic_fetch_sub(&device->live.contexts, 1);
	pthread_mutex_lock(&device->lock);
	*context->prev = context->list;
	if (context->list)
		context->list->prev = context->prev;
	pthread_mutex_unlock(&device->lock);
}

static int take_options(struct df_context *context, const struct df_context_options *options)
{
	context->priority = options->priority;
	context->depth = options->max_in_flight ? options->max_in_flight : DEFAULT_IN_FLIGHT;
	context->max_retries = options->max_retries ? options->max_retries : 1;
	context->check_faults = options->check_faults;
	context->before = options->before_recovery;
	context->after = options->after_recovery;
	context->user = options->user;
	if (!options->capture)
		return 0;
	context->capture = df_malloc(strlen(options->capture) + 1);
	if (!context->capture)
		return df_error_set(-ENOMEM, "df_context_create: out of memory");
	memcpy(context->capture, options->capture, strlen(options->capture) + 1);
	return 0;
}

/*
 * The kernel context, and what was lost before it was made: it does not know of that. Page faults of before are not its
 * own either.
 */
static int start(struct df_context *context)
{
	struct df_device *device = context->device;
	uint64_t restored = 0;
	uint64_t address;
	uint32_t kernel;
	int ret;

	atomic_store(&context->losses_seen, atomic_load(&device->losses_seen));
	ret = df_context_kernel_create(context, &kernel, &context->timeline);
	if (ret < 0)
		return ret;
	atomic_store(&context->kernel, kernel);
	if (context->check_faults && device->info.has_fault_info) {
		ret = df_restore_prepare_gpu(device);
		if (ret < 0)
			return ret;
		df_page_fault_seen(context, &address);
	}
	df_page_fault_forget(context);
	return context->internal ? 0 : df_restore_device_wait(device, &restored);
}

static int context_create(struct df_device *device, const struct df_context_options *options, bool internal,
			  struct df_context **context_out)
{
	struct df_context *context = df_calloc(1, sizeof(*context));
	int ret;

	if (!context)
		return df_error_set(-ENOMEM, "df_context_create: out of memory");
	context->device = device;
	context->internal = internal;
	context->point_fd = -1;
	context->oldest = context->unsent = context->next = 1;
	atomic_store(&context->references, 1);
	ret = take_options(context, options);
	if (!ret)
		ret = start(context);
	if (!ret)
		ret = create_slots(context);
	/* Fences that were waited for and not put yet, beside those in flight. */
	if (!ret)
		ret = df_fence_reserve(context, 2 * context->depth);
	if (ret < 0) {
		context_free(context);
		return ret;
	}
	if (!internal)
		context->number = atomic_fetch_add(&device->context_names, 1) + 1;
	context_publish(context);
	*context_out = context;
	return 0;
}

int df_context_create_internal(struct df_device *device, struct df_context **context_out)
{
	struct df_context_options options = DF_OPTIONS(options, .max_in_flight = 2);

	return context_create(device, &options, true, context_out);
}

DF_API int df_context_create(struct df_device *device, const struct df_context_options *options,
			     struct df_context **context_out)
{
	struct df_context_options copy;
	int ret;

	if (!device || !context_out)
		return df_error_set(-EINVAL, "df_context_create: %s is NULL", device ? "context_out" : "device");
	ret = df_options_read("df_context_create", options, &copy, sizeof(copy));
	if (ret < 0)
		return ret;
	if (copy.priority < DF_PRIORITY_LOW || copy.priority > DF_PRIORITY_HIGH)
		return df_error_set(-EINVAL,
				    "df_context_create: priority %d does not exist. Fix: one of enum df_priority",
				    copy.priority);
	if (copy.max_in_flight > device->info.max_jobs)
		return df_error_set(-EINVAL,
				    "df_context_create: max_in_flight is %u, the kernel takes %u jobs of a context. "
				    "Fix: at most that many, or more contexts",
				    copy.max_in_flight, device->info.max_jobs);
	return context_create(device, &copy, false, context_out);
}

/* The youngest pending fence, referenced, or NULL. */
static struct df_fence *youngest_fence(struct df_context *context)
{
	struct df_fence *fence = NULL;
	struct df_slot *slot;

	df_lock_take(&context->lock);
	slot = df_journal_youngest(context);
	if (slot) {
		fence = slot->fence;
		df_fence_ref(fence);
	}
	df_lock_give(&context->lock);
	return fence;
}

/* The device is gone and the caller does not reopen it: this is the end of what was pending. */
static void abandon(struct df_context *context)
{
	df_lock_take(&context->lock);
	df_journal_close_from(context, context->oldest, DF_DEVICE_GONE, DF_DEVICE_GONE);
	df_journal_retire(context, context->next - 1);
	df_lock_give(&context->lock);
}

/* Nobody writes its STATE any more. */
static void forget_writer(struct df_context *context)
{
	struct df_device *device = context->device;

	pthread_mutex_lock(&device->lock);
	for (struct df_bo *bo = device->bos; bo; bo = bo->next) {
		struct df_context *writer = context;

		atomic_compare_exchange_strong(&bo->contents.writer, &writer, NULL);
	}
	pthread_mutex_unlock(&device->lock);
}

DF_API int df_context_destroy(struct df_context *context)
{
	struct df_fence *fence;
	bool final;
	int ret;

	if (!context)
		return 0;
	fence = youngest_fence(context);
	if (fence) {
		ret = df_fence_wait(fence, df_now_ns() + DESTROY_WAIT_NS, NULL);
		final = atomic_load(&fence->final);
		df_fence_unref(fence);
		/* Without a reopening there is no more to wait for. */
		if (!final && atomic_load(&context->device->gone))
			abandon(context);
		else if (!final)
			return df_error_within(
				ret, "df_context_destroy: a batch still runs and the context stays. Fix: wait for "
				     "its fences first");
	}
	forget_writer(context);
	context_unpublish(context);
	/* A reopening does not see it any more, even while fences hold its memory. */
	names_destroy(context);
	df_context_unref(context);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * df_device_reopen(): the device's objects on another open file, after the one they were made on is gone for good.
 *
 * First everything is made on the new node, beside the old names: memory at the same addresses, CPU maps in place of
 * the old ones, kernel contexts, timelines, syncobjs. Until that is complete a failure gives all of it up, and the
 * device is gone as before. Then the names change places, contents are put back, and what was pending is held again, to
 * be sent to the kernel in order by whoever waits.
 *
 * What survives by itself, because it is memory of the process: streams and argument blocks of a reopenable device
 * (with what was patched since), images of STATE and OUTPUT, memory of the caller. The rest has a copy (contents.c), is
 * written anew before each use (tails, markers), or is named by df_device_lost_bo().
 */
#include <errno.h>
#include <string.h>

#include "core/contents.h"
#include "core/context.h"

/* The node that is not device->node: the new one while things are made, the old one later. */
struct reopening {
	struct df_device *device;
	struct df_node *other;
	struct df_kmd_info other_info;
	uint32_t other_watch;
};

static void change_nodes(struct reopening *reopening)
{
	struct df_device *device = reopening->device;
	struct df_node *node = device->node;
	struct df_kmd_info info = device->info;

	device->node = reopening->other;
	device->info = reopening->other_info;
	reopening->other = node;
	reopening->other_info = info;
}

/* ---- the new device ---- */

static int not_alike(const struct df_device *device, const struct df_node *node, const char *what)
{
	return df_error_set(-ENODEV,
			    "df_device_reopen: %s has another %s than %s had, for which the streams were written. Fix: "
			    "reopen on a GPU of the same target (%s), under the same driver",
			    df_node_name(node), what, df_device_name(device), device->info.target);
}

static int check_alike(const struct df_device *device, const struct df_node *node, const struct df_kmd_info *info)
{
	const struct df_kmd_info *old = &device->info;

	if (strcmp(info->target, old->target) != 0)
		return not_alike(device, node, "target");
	if (info->ring_is_gfx != old->ring_is_gfx)
		return not_alike(device, node, "kind of ring");
	if (info->ib_align_B != old->ib_align_B || info->ib_size_align_dw != old->ib_size_align_dw ||
	    info->max_ib_dw < old->max_ib_dw)
		return not_alike(device, node, "form of command streams");
	if (info->shader_engines != old->shader_engines)
		return not_alike(device, node, "number of shader engines");
	if (info->va_align_B != old->va_align_B)
		return not_alike(device, node, "page size");
	return 0;
}

static int open_other(struct reopening *reopening, const char *name)
{
	struct df_device *device = reopening->device;
	int ret = df_node_open(name ? name : df_device_name(device), &reopening->other);

	if (ret < 0)
		return ret;
	ret = device->kmd->probe(reopening->other, &reopening->other_info);
	if (!ret)
		ret = check_alike(device, reopening->other, &reopening->other_info);
	if (ret < 0)
		df_node_close(reopening->other);
	return ret;
}

/* ---- memory ---- */

static int own_memory(struct df_bo *bo)
{
	const struct df_kmd_bo_desc memory = {
		.size_B = bo->alloc_B,
		.align_B = bo->device->info.va_align_B,
		.domain = bo->domain,
		.cpu_access = bo->cpu_access,
		.private_to_vm = bo->always_valid,
	};

	return bo->device->kmd->bo_create(bo->device, &memory, &bo->next_handle);
}

static int make_memory(struct df_bo *bo)
{
	const struct df_kmd_ops *kmd = bo->device->kmd;

	if (bo->userptr)
		return kmd->bo_userptr(bo->device, atomic_load(&bo->map), bo->alloc_B,
				       !(bo->va_flags & DF_KMD_VA_WRITE), &bo->next_handle);
	/* Memory of a device that is gone: who has its dma-buf shares that with this BO no more. */
	if (!bo->imported) {
		bo->cut_off = bo->exported;
		return own_memory(bo);
	}
	/* Nor can it be imported: then the BO is alone with its name. */
	bo->cut_off = kmd->bo_import(bo->device, bo->dmabuf, &bo->next_handle) < 0;
	return bo->cut_off ? own_memory(bo) : 0;
}

static void unmake_bo(struct df_bo *bo)
{
	void *map = atomic_load(&bo->map);

	if (!bo->next_handle)
		return;
	if (map && !bo->userptr)
		df_node_blank(map, bo->alloc_B);
	bo->device->kmd->bo_close(bo->device, bo->next_handle);
	bo->next_handle = 0;
}

static int make_bo(struct df_bo *bo)
{
	const struct df_kmd_ops *kmd = bo->device->kmd;
	void *map = atomic_load(&bo->map);
	int ret;

	bo->next_handle = 0;
	ret = make_memory(bo);
	if (!ret)
		ret = kmd->va_map(bo->device, bo->next_handle, 0, bo->va, bo->alloc_B, bo->va_flags);
	if (!ret && map && !bo->userptr)
		ret = kmd->bo_map_at(bo->device, bo->next_handle, bo->alloc_B, map);
	if (ret < 0) {
		unmake_bo(bo);
		return df_error_within(ret, "BO %s", df_bo_label(bo));
	}
	return 0;
}

/* ---- contexts ---- */

static void forget_next(struct df_context *context)
{
	context->next_kernel = context->next_timeline = context->next_points = 0;
}

/* The old ones are names on a file that answers nothing; nobody needs them. */
static void forget_syncobjs(struct df_context *context)
{
	for (uint32_t i = 0; i < context->depth; i++) {
		struct df_slot *slot = &context->slots[i];

		while (slot->syncobjs_made)
			context->device->kmd->syncobj_destroy(context->device, slot->syncobjs[--slot->syncobjs_made]);
	}
}

/* In-fences of pending submissions are waited for again. */
static int make_syncobjs(struct df_context *context)
{
	const struct df_kmd_ops *kmd = context->device->kmd;
	int ret = 0;

	for (uint64_t sequence = context->oldest; sequence != context->next && !ret; sequence++) {
		struct df_slot *slot = df_context_slot(context, sequence);

		for (unsigned i = 0; slot->batch && i < slot->syncobj_count && !ret; i++) {
			ret = kmd->syncobj_create(context->device, &slot->syncobjs[i]);
			if (ret < 0)
				break;
			slot->syncobjs_made++;
			ret = kmd->syncobj_import(context->device, slot->syncobjs[i], slot->fds[i]);
		}
	}
	return ret;
}

static void unmake_context(struct df_context *context)
{
	const struct df_kmd_ops *kmd = context->device->kmd;

	forget_syncobjs(context);
	if (context->next_points)
		kmd->syncobj_destroy(context->device, context->next_points);
	if (context->next_timeline)
		kmd->syncobj_destroy(context->device, context->next_timeline);
	if (context->next_kernel)
		kmd->context_destroy(context->device, context->next_kernel);
	forget_next(context);
}

static int make_context(struct df_context *context)
{
	const struct df_kmd_ops *kmd = context->device->kmd;
	int ret;

	forget_next(context);
	ret = df_context_kernel_create(context, &context->next_kernel, &context->next_timeline);
	/* Those who were given the timeline hold the same object still. */
	if (!ret && context->point_syncobj)
		ret = kmd->syncobj_open(context->device, context->point_fd, &context->next_points);
	if (!ret)
		ret = make_syncobjs(context);
	if (ret < 0)
		unmake_context(context);
	return ret;
}

/* ---- all of it ---- */

/* The new node is the device's. */
static void unmake_all(struct reopening *reopening)
{
	struct df_device *device = reopening->device;

	for (struct df_context *context = device->contexts; context; context = context->list)
		unmake_context(context);
	for (struct df_bo *bo = device->bos; bo; bo = bo->next)
		unmake_bo(bo);
	if (reopening->other_watch)
		device->kmd->context_destroy(device, reopening->other_watch);
}

static int make_all(struct reopening *reopening)
{
	struct df_device *device = reopening->device;
	int ret = device->kmd->context_create(device, 0, &reopening->other_watch);

	for (struct df_bo *bo = device->bos; bo && !ret; bo = bo->next)
		ret = make_bo(bo);
	for (struct df_context *context = device->contexts; context && !ret; context = context->list)
		ret = make_context(context);
	return ret;
}

static void exchange(uint32_t *one, uint32_t *other)
{
	uint32_t value = *one;

	*one = *other;
	*other = value;
}

/* The names change places; "other" are the old ones from here on. */
static void exchange_names(struct reopening *reopening)
{
	struct df_device *device = reopening->device;

	exchange(&device->watch, &reopening->other_watch);
	for (struct df_bo *bo = device->bos; bo; bo = bo->next)
		exchange(&bo->handle, &bo->next_handle);
	for (struct df_context *context = device->contexts; context; context = context->list) {
		uint32_t kernel = context->next_kernel;

		exchange(&context->timeline, &context->next_timeline);
		exchange(&context->point_syncobj, &context->next_points);
		context->next_kernel = atomic_exchange(&context->kernel, kernel);
	}
}

/* The old node is the device's for the moment: it hears that its names are not needed, and is closed. */
static void close_old(struct reopening *reopening)
{
	struct df_device *device = reopening->device;
	const struct df_kmd_ops *kmd = device->kmd;

	for (struct df_bo *bo = device->bos; bo; bo = bo->next) {
		kmd->bo_close(device, bo->next_handle);
		bo->next_handle = 0;
	}
	for (struct df_context *context = device->contexts; context; context = context->list) {
		if (context->next_points)
			kmd->syncobj_destroy(device, context->next_points);
		if (context->next_timeline)
			kmd->syncobj_destroy(device, context->next_timeline);
		if (context->next_kernel)
			kmd->context_destroy(device, context->next_kernel);
		forget_next(context);
	}
	kmd->context_destroy(device, reopening->other_watch);
	change_nodes(reopening);
	df_node_inherit_counts(device->node, reopening->other);
	df_node_close(reopening->other);
}

/* Addresses that the old kernel offered and this one does not; BOs have none of them. */
static void keep_free(struct df_device *device, const struct df_va_range *old, const struct df_va_range *range)
{
	uint64_t taken, start = old->start > range->end ? old->start : range->end;

	if (old->start < range->start)
		df_va_alloc(&device->va, range->start - old->start, device->info.va_align_B, old->start, range->start,
			    &taken);
	if (start < old->end)
		df_va_alloc(&device->va, old->end - start, device->info.va_align_B, start, old->end, &taken);
}

static int build(struct df_device *device, const char *name)
{
	struct reopening reopening = {.device = device};
	int ret = open_other(&reopening, name);

	if (ret < 0)
		return ret;
	for (struct df_context *context = device->contexts; context; context = context->list) {
		df_context_drop_streams(context);
		forget_syncobjs(context);
	}
	change_nodes(&reopening);
	ret = make_all(&reopening);
	if (ret < 0) {
		unmake_all(&reopening);
		change_nodes(&reopening);
		df_node_close(reopening.other);
		return ret;
	}
	/* Nothing fails from here. */
	exchange_names(&reopening);
	for (int i = 0; i < 2; i++)
		keep_free(device, &reopening.other_info.va[i], &device->info.va[i]);
	change_nodes(&reopening);
	close_old(&reopening);
	device->generation++;
	df_page_fault_reopened(device);
	return 0;
}

static int check(struct df_device *device)
{
	struct df_kmd_reset reset;
	int ret;

	if (!device)
		return df_error_set(-EINVAL, "df_device_reopen: device is NULL");
	if (!device->reopenable)
		return df_error_set(-EINVAL,
				    "df_device_reopen: device %s was not opened for it. Fix: open it with "
				    "df_device_options .reopenable = true",
				    df_device_name(device));
	ret = device->kmd->context_reset(device, device->watch, &reset);
	if (ret == -ENODEV)
		ret = device->kmd->context_reset(device, device->watch, &reset);
	if (!atomic_load(&device->gone) && ret != -ENODEV)
		return df_error_set(-EINVAL,
				    "df_device_reopen: device %s is not gone. Fix: reopen only after DF_DEVICE_GONE",
				    df_device_name(device));
	atomic_store(&device->gone, true);
	return 0;
}

/* Whoever waits hears that the device is gone until a reopening has succeeded, however far one gets. */
static void lose_pending(struct df_context *context)
{
	df_lock_take(&context->lock);
	if (context->oldest != context->next) {
		df_journal_lost(context, -ENODEV);
		context->loss_error = -ENODEV;
		atomic_store_explicit(&context->stage, DF_LOST, memory_order_relaxed);
	}
	df_lock_give(&context->lock);
}

/* STATE that a batch was at: as the last verified one left it, wherever it lies. */
static void restore_pending(struct df_context *context)
{
	df_lock_take(&context->lock);
	for (uint64_t sequence = context->oldest; sequence != context->unsent; sequence++) {
		const struct df_slot *slot = df_context_slot(context, sequence);

		if (slot->batch)
			df_restore_due(slot->batch);
	}
	df_lock_give(&context->lock);
}

DF_API int df_device_reopen(struct df_device *device, const char *name)
{
	uint64_t bytes = 0;
	int ret = check(device);

	if (ret < 0)
		return ret;
	for (struct df_context *context = device->contexts; context; context = context->list)
		lose_pending(context);
	ret = build(device, name);
	if (ret < 0)
		return ret;
	for (struct df_context *context = device->contexts; context; context = context->list)
		df_context_write_tails(context);
	df_restore_all(device);
	for (struct df_context *context = device->contexts; context; context = context->list)
		restore_pending(context);
	ret = df_restore_device_wait(device, &bytes);
	if (ret < 0)
		return df_error_within(ret, "df_device_reopen: the contents of BOs");
	atomic_store(&device->gone, false);
	atomic_fetch_add(&device->recovery.reopened, 1);
	for (struct df_context *context = device->contexts; context; context = context->list)
		df_recovery_reopened(context, bytes);
	return 0;
}

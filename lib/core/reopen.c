/* SPDX-License-Identifier: MIT */
/*
 * After the device is gone: the same objects over another open file. GPU addresses, CPU maps and everything that
 * streams, arguments and images hold stay as they were; what the kernel named (handles, contexts, syncobjs) is made
 * anew. All that can fail comes first, on the new file; when it does, that is closed with all it has and the old one
 * stays.
 *
 * Contents come from the host (contents.h). Streams and argument blocks of reopenable devices lie in memory of the
 * process; tails and markers are written again. What was pending is held and runs from the next wait on.
 */
#include <errno.h>
#include <string.h>

#include "core/contents.h"
#include "core/context.h"

/* ---- BOs ---- */

static int make_handle(struct df_device *device, struct df_bo *bo)
{
	const struct df_kmd_bo_desc desc = {
		.size_B = bo->alloc_B,
		.align_B = device->info.va_align_B,
		.domain = bo->domain,
		.cpu_access = bo->cpu_access,
		.private_to_vm = bo->always_valid,
	};

	if (bo->userptr)
		return device->kmd->bo_userptr(device, atomic_load(&bo->map), bo->alloc_B,
					       !(bo->va_flags & DF_KMD_VA_WRITE), &bo->next_handle);
	if (bo->imported)
		return device->kmd->bo_import(device, bo->dmabuf, &bo->next_handle);
	return device->kmd->bo_create(device, &desc, &bo->next_handle);
}

static int make_bo(struct df_device *device, struct df_bo *bo)
{
	void *map = atomic_load(&bo->map);
	int ret = make_handle(device, bo);

	if (!ret)
		ret = device->kmd->va_map(device, bo->next_handle, 0, bo->va, bo->alloc_B, bo->va_flags);
	if (!ret && map && !bo->userptr)
		ret = device->kmd->bo_map_at(device, bo->next_handle, bo->alloc_B, map);
	return ret < 0 ? df_error_within(ret, "BO %s", df_bo_label(bo)) : 0;
}

static int make_bos(struct df_device *device)
{
	int ret = 0;

	for (struct df_bo *bo = device->bos; bo && !ret; bo = bo->next)
		ret = make_bo(device, bo);
	return ret;
}

static int make_contexts(struct df_device *device)
{
	int ret = device->kmd->context_create(device, 0, &device->next_watch);

	for (struct df_context *context = device->contexts; context && !ret; context = context->list)
		ret = df_context_prepare_reopen(context);
	return ret;
}

/* ---- the point of no return ---- */

static void take_over(struct df_device *device)
{
	for (struct df_bo *bo = device->bos; bo; bo = bo->next)
		bo->handle = bo->next_handle;
	device->watch = device->next_watch;
	device->generation++;
	for (struct df_context *context = device->contexts; context; context = context->list)
		df_context_take_reopened(context);
	df_restore_all(device);
	atomic_store(&device->gone, false);
	atomic_fetch_add(&device->recovery.reopened, 1);
}

static int check_target(struct df_device *device, struct df_node *node)
{
	struct df_kmd_info info = {0};
	int ret = device->kmd->probe(node, &info);

	if (!ret && (strcmp(info.target, device->info.target) != 0 || info.va_align_B != device->info.va_align_B))
		ret = df_error_set(-ENODEV,
				   "%s is %s, the device that is gone was %s. Fix: name a device of the same target",
				   df_node_name(node), info.target, device->info.target);
	return ret;
}

static int check(struct df_device *device)
{
	if (!device)
		return df_error_set(-EINVAL, "df_device_reopen: device is NULL");
	if (!device->reopenable)
		return df_error_set(
			-EINVAL, "df_device_reopen: device %s was not opened with .reopenable = true. Fix: open it so",
			df_device_name(device));
	if (!atomic_load(&device->gone))
		return df_error_set(-EINVAL, "df_device_reopen: device %s is not gone", df_device_name(device));
	return 0;
}

/* What was made for runs that the library wrote itself goes with the old file. */
static void drop_streams(struct df_device *device)
{
	for (struct df_context *context = device->contexts; context; context = context->list)
		df_context_drop_streams(context);
}

static int rebuild(struct df_device *device, struct df_node *node)
{
	struct df_node *old = device->node;
	int ret;

	drop_streams(device);
	device->node = node;
	ret = make_bos(device);
	if (!ret)
		ret = make_contexts(device);
	if (ret < 0) {
		device->node = old;
		df_node_close(node);
		return ret;
	}
	take_over(device);
	df_node_close(old);
	return 0;
}

DF_API int df_device_reopen(struct df_device *device, const char *name)
{
	struct df_node *node;
	uint64_t restored = 0;
	int ret = check(device);

	if (!ret)
		ret = df_node_open(name ? name : df_device_name(device), &node);
	if (ret < 0)
		return ret;
	ret = check_target(device, node);
	if (ret < 0) {
		df_node_close(node);
		return df_error_within(ret, "df_device_reopen");
	}
	ret = rebuild(device, node);
	if (!ret)
		ret = df_restore_device_wait(device, &restored);
	return ret < 0 ? df_error_within(ret, "df_device_reopen") : 0;
}

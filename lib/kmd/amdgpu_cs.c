/* SPDX-License-Identifier: MIT */
/*
 * Submission, waiting and syncobjs of the amdgpu port. A slot holds one submission's CS arguments and chunks with their
 * pointers set up once: submitting writes the numbers that differ and makes one ioctl.
 */
#include "kmd/amdgpu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/internal.h"

/* Chunks in the order in which they are listed; the optional ones follow the IBs, packed. */
enum { CHUNK_IB, CHUNK_TAIL, CHUNK_SIGNAL, CHUNK_DEPENDENCIES, CHUNK_WAITS, CHUNK_BOS, CHUNKS };

struct df_kmd_slot {
	union drm_amdgpu_cs cs;
	uint64_t list[CHUNKS];
	struct drm_amdgpu_cs_chunk chunks[CHUNKS];
	struct drm_amdgpu_cs_chunk_ib ib, tail;
	struct drm_amdgpu_cs_chunk_syncobj signal;
	struct drm_amdgpu_cs_chunk_dep dependencies[DF_KMD_MAX_WAITS];
	struct drm_amdgpu_cs_chunk_sem waits[DF_KMD_MAX_WAITS];
	struct drm_amdgpu_bo_list_in bo_list;
	struct drm_amdgpu_bo_list_entry *bos;
	unsigned bo_capacity;
};

static void chunk_init(struct df_kmd_slot *slot, unsigned i, uint32_t id, size_t bytes, const void *data)
{
	slot->chunks[i].chunk_id = id;
	slot->chunks[i].length_dw = (uint32_t)(bytes / 4);
	slot->chunks[i].chunk_data = (uintptr_t)data;
	slot->list[i] = (uintptr_t)&slot->chunks[i];
}

int df_amdgpu_slot_create(struct df_device *device, struct df_kmd_slot **slot_out)
{
	struct df_kmd_slot *slot = df_calloc(1, sizeof(*slot));

	if (!slot)
		return df_error_set(-ENOMEM, "%s: out of memory for a submission slot", df_node_name(device->node));
	slot->ib.ip_type = slot->tail.ip_type = df_amdgpu_ip(&device->info);
	slot->ib.ring = slot->tail.ring = DF_AMDGPU_RING_FIRST;
	chunk_init(slot, CHUNK_IB, AMDGPU_CHUNK_ID_IB, sizeof(slot->ib), &slot->ib);
	chunk_init(slot, CHUNK_TAIL, AMDGPU_CHUNK_ID_IB, sizeof(slot->tail), &slot->tail);
	chunk_init(slot, CHUNK_SIGNAL, AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_SIGNAL, sizeof(slot->signal), &slot->signal);
	chunk_init(slot, CHUNK_DEPENDENCIES, AMDGPU_CHUNK_ID_DEPENDENCIES, 0, slot->dependencies);
	chunk_init(slot, CHUNK_WAITS, AMDGPU_CHUNK_ID_SYNCOBJ_IN, 0, slot->waits);
	chunk_init(slot, CHUNK_BOS, AMDGPU_CHUNK_ID_BO_HANDLES, sizeof(slot->bo_list), &slot->bo_list);
	/* As libdrm fills it: the operation and the list are marked as no list object's. */
	slot->bo_list.operation = slot->bo_list.list_handle = UINT32_MAX;
	slot->bo_list.bo_info_size = sizeof(slot->bos[0]);
	*slot_out = slot;
	return 0;
}

void df_amdgpu_slot_destroy(struct df_device *device, struct df_kmd_slot *slot)
{
	(void)device;
	if (!slot)
		return;
	free(slot->bos);
	free(slot);
}

int df_amdgpu_slot_reserve(struct df_device *device, struct df_kmd_slot *slot, unsigned bo_count)
{
	struct drm_amdgpu_bo_list_entry *bos;

	if (bo_count <= slot->bo_capacity)
		return 0;
	bos = df_realloc(slot->bos, bo_count, sizeof(*bos));
	if (!bos)
		return df_error_set(-ENOMEM, "%s: out of memory for a list of %u BOs", df_node_name(device->node),
				    bo_count);
	memset(bos, 0, bo_count * sizeof(*bos));
	slot->bos = bos;
	slot->bo_capacity = bo_count;
	slot->bo_list.bo_info_ptr = (uintptr_t)bos;
	return 0;
}

static unsigned add_waits(const struct df_device *device, struct df_kmd_slot *slot, const struct df_kmd_submission *s,
			  unsigned count)
{
	for (unsigned i = 0; i < s->dependency_count; i++)
		slot->dependencies[i] = (struct drm_amdgpu_cs_chunk_dep){
			.ip_type = df_amdgpu_ip(&device->info),
			.ring = DF_AMDGPU_RING_FIRST,
			.ctx_id = s->dependencies[i].context,
			.handle = s->dependencies[i].handle,
		};
	if (s->dependency_count) {
		slot->chunks[CHUNK_DEPENDENCIES].length_dw =
			s->dependency_count * (uint32_t)(sizeof(slot->dependencies[0]) / 4);
		slot->list[count++] = (uintptr_t)&slot->chunks[CHUNK_DEPENDENCIES];
	}
	for (unsigned i = 0; i < s->wait_syncobj_count; i++)
		slot->waits[i].handle = s->wait_syncobjs[i];
	if (s->wait_syncobj_count) {
		slot->chunks[CHUNK_WAITS].length_dw = s->wait_syncobj_count * (uint32_t)(sizeof(slot->waits[0]) / 4);
		slot->list[count++] = (uintptr_t)&slot->chunks[CHUNK_WAITS];
	}
	return count;
}

static unsigned add_bos(struct df_kmd_slot *slot, const struct df_kmd_submission *s, unsigned count)
{
	for (unsigned i = 0; i < s->bo_count; i++)
		slot->bos[i].bo_handle = s->bo_handles[i];
	slot->bo_list.bo_number = s->bo_count;
	slot->list[count++] = (uintptr_t)&slot->chunks[CHUNK_BOS];
	return count;
}

int df_amdgpu_submit(struct df_device *device, struct df_kmd_slot *slot, const struct df_kmd_submission *s,
		     uint64_t *handle_out)
{
	unsigned count = CHUNK_SIGNAL;
	int ret;

	slot->ib.va_start = s->ib_va;
	slot->ib.ib_bytes = s->ib_dw * 4;
	slot->tail.va_start = s->tail_va;
	slot->tail.ib_bytes = s->tail_dw * 4;
	if (s->timeline) {
		slot->signal.handle = s->timeline;
		slot->signal.point = s->point;
		slot->list[count++] = (uintptr_t)&slot->chunks[CHUNK_SIGNAL];
	}
	if (s->dependency_count | s->wait_syncobj_count)
		count = add_waits(device, slot, s, count);
	if (s->bo_count)
		count = add_bos(slot, s, count);
	slot->cs.in.ctx_id = s->context;
	slot->cs.in.bo_list_handle = 0;
	slot->cs.in.num_chunks = count;
	slot->cs.in.flags = 0;
	slot->cs.in.chunks = (uintptr_t)slot->list;
	ret = df_node_ioctl(device->node, DRM_IOCTL_AMDGPU_CS, &slot->cs);
	if (ret < 0)
		return df_error_kernel(ret, "%s: the kernel refuses the submission", df_node_name(device->node));
	*handle_out = slot->cs.out.handle;
	return 0;
}

int df_amdgpu_wait(struct df_device *device, uint32_t context, uint64_t handle, uint64_t deadline_ns)
{
	union drm_amdgpu_wait_cs args;
	int ret;

	memset(&args, 0, sizeof(args));
	args.in.handle = handle;
	/* Negative means for ever to the kernel. */
	args.in.timeout = deadline_ns > INT64_MAX ? INT64_MAX : deadline_ns;
	args.in.ip_type = df_amdgpu_ip(&device->info);
	args.in.ring = DF_AMDGPU_RING_FIRST;
	args.in.ctx_id = context;
	ret = df_node_ioctl(device->node, DRM_IOCTL_AMDGPU_WAIT_CS, &args);
	if (ret < 0)
		return ret;
	return args.out.status ? -EBUSY : 0;
}

int df_amdgpu_fence_fd(struct df_device *device, uint32_t context, uint64_t handle, int *fd_out)
{
	union drm_amdgpu_fence_to_handle args;
	int ret;

	memset(&args, 0, sizeof(args));
	args.in.fence.ctx_id = context;
	args.in.fence.ip_type = df_amdgpu_ip(&device->info);
	args.in.fence.ring = DF_AMDGPU_RING_FIRST;
	args.in.fence.seq_no = handle;
	args.in.what = AMDGPU_FENCE_TO_HANDLE_GET_SYNC_FILE_FD;
	ret = df_node_ioctl(device->node, DRM_IOCTL_AMDGPU_FENCE_TO_HANDLE, &args);
	if (ret < 0)
		return df_error_kernel(ret, "%s: the fence cannot be exported", df_node_name(device->node));
	*fd_out = (int)args.out.handle;
	return 0;
}

static int syncobj_create(struct df_device *device, uint32_t flags, uint32_t *syncobj_out)
{
	struct drm_syncobj_create args = {.flags = flags};
	int ret = df_node_ioctl(device->node, DRM_IOCTL_SYNCOBJ_CREATE, &args);

	if (ret < 0)
		return df_error_kernel(ret, "%s: the kernel makes no syncobj", df_node_name(device->node));
	*syncobj_out = args.handle;
	return 0;
}

int df_amdgpu_syncobj_create(struct df_device *device, uint32_t *syncobj_out)
{
	return syncobj_create(device, 0, syncobj_out);
}

void df_amdgpu_syncobj_destroy(struct df_device *device, uint32_t syncobj)
{
	struct drm_syncobj_destroy args = {.handle = syncobj};

	df_node_ioctl(device->node, DRM_IOCTL_SYNCOBJ_DESTROY, &args);
}

int df_amdgpu_syncobj_import(struct df_device *device, uint32_t syncobj, int sync_file_fd)
{
	struct drm_syncobj_handle args = {
		.handle = syncobj,
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
		.fd = sync_file_fd,
	};
	int ret = df_node_ioctl(device->node, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &args);

	if (ret < 0)
		return df_error_set(ret, "%s: file descriptor %d cannot be waited for: %s. Fix: pass a sync_file",
				    df_node_name(device->node), sync_file_fd, strerror(-ret));
	return 0;
}

int df_amdgpu_syncobj_open(struct df_device *device, int fd, uint32_t *syncobj_out)
{
	struct drm_syncobj_handle args = {.fd = fd};
	int ret = df_node_ioctl(device->node, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &args);

	if (ret < 0)
		return df_error_kernel(ret, "%s: the timeline cannot be had again", df_node_name(device->node));
	*syncobj_out = args.handle;
	return 0;
}

int df_amdgpu_syncobj_fd(struct df_device *device, uint32_t syncobj, int *fd_out)
{
	struct drm_syncobj_handle args = {.handle = syncobj, .fd = -1};
	int ret = df_node_ioctl(device->node, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args);

	if (ret < 0)
		return df_error_kernel(ret, "%s: the syncobj cannot be exported", df_node_name(device->node));
	*fd_out = args.fd;
	return 0;
}

int df_amdgpu_timeline_signal(struct df_device *device, uint32_t syncobj, uint64_t point)
{
	struct drm_syncobj_timeline_array args = {
		.handles = (uintptr_t)&syncobj,
		.points = (uintptr_t)&point,
		.count_handles = 1,
	};
	int ret = df_node_ioctl(device->node, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &args);

	if (ret < 0)
		return df_error_kernel(ret, "%s: point %llu cannot be signalled", df_node_name(device->node),
				       (unsigned long long)point);
	return 0;
}

/* Takes the fence out of a binary syncobj, which goes either way. */
static int export_and_destroy(struct df_device *device, uint32_t syncobj, int *fd_out)
{
	struct drm_syncobj_handle args = {
		.handle = syncobj,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
		.fd = -1,
	};
	int ret = df_node_ioctl(device->node, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args);

	df_amdgpu_syncobj_destroy(device, syncobj);
	if (ret < 0)
		return df_error_kernel(ret, "%s: the fence cannot be exported", df_node_name(device->node));
	*fd_out = args.fd;
	return 0;
}

int df_amdgpu_point_fd(struct df_device *device, uint32_t timeline, uint64_t point, int *fd_out)
{
	struct drm_syncobj_transfer transfer = {.src_handle = timeline, .src_point = point};
	int ret;

	ret = df_amdgpu_syncobj_create(device, &transfer.dst_handle);
	if (ret < 0)
		return ret;
	ret = df_node_ioctl(device->node, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer);
	if (ret < 0) {
		df_amdgpu_syncobj_destroy(device, transfer.dst_handle);
		return df_error_kernel(ret, "%s: the fence cannot be exported", df_node_name(device->node));
	}
	return export_and_destroy(device, transfer.dst_handle, fd_out);
}

int df_amdgpu_signalled_fd(struct df_device *device, int *fd_out)
{
	uint32_t syncobj = 0;
	int ret = syncobj_create(device, DRM_SYNCOBJ_CREATE_SIGNALED, &syncobj);

	return ret < 0 ? ret : export_and_destroy(device, syncobj, fd_out);
}

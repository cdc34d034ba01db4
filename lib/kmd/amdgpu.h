/* SPDX-License-Identifier: MIT */
/* amdgpu.h - what the files of the amdgpu port share. The port itself is df_kmd_amdgpu (kmd.h). */
#ifndef DF_KMD_AMDGPU_H
#define DF_KMD_AMDGPU_H

#include <amdgpu_drm.h>

#include "kmd/kmd.h"

/* Newer than the header of libdrm 2.4.114; the values are uAPI. */
#define DF_AMDGPU_INFO_GPUVM_FAULT      0x23
#define DF_AMDGPU_CTX_RESET_IN_PROGRESS (1u << 5)
#define DF_AMDGPU_RING_FIRST            0u
struct df_amdgpu_gpuvm_fault {
	uint64_t address;
	uint32_t status, vmhub;
};

static inline uint32_t df_amdgpu_ip(const struct df_kmd_info *info)
{
	return info->ring_is_gfx ? AMDGPU_HW_IP_GFX : AMDGPU_HW_IP_COMPUTE;
}

/* One INFO query; returns -errno as it is, without a sentence. bytes is how much the kernel may write. */
int df_amdgpu_query(struct df_node *node, struct drm_amdgpu_info *request, void *answer, uint32_t bytes);

int df_amdgpu_probe(struct df_node *node, struct df_kmd_info *info);

int df_amdgpu_slot_create(struct df_device *device, struct df_kmd_slot **slot_out);
void df_amdgpu_slot_destroy(struct df_device *device, struct df_kmd_slot *slot);
int df_amdgpu_slot_reserve(struct df_device *device, struct df_kmd_slot *slot, unsigned bo_count);
int df_amdgpu_submit(struct df_device *device, struct df_kmd_slot *slot, const struct df_kmd_submission *submission,
		     uint64_t *handle_out);
int df_amdgpu_wait(struct df_device *device, uint32_t context, uint64_t handle, uint64_t deadline_ns);
int df_amdgpu_fence_fd(struct df_device *device, uint32_t context, uint64_t handle, int *fd_out);

int df_amdgpu_syncobj_create(struct df_device *device, uint32_t *syncobj_out);
void df_amdgpu_syncobj_destroy(struct df_device *device, uint32_t syncobj);
int df_amdgpu_syncobj_import(struct df_device *device, uint32_t syncobj, int sync_file_fd);
int df_amdgpu_syncobj_open(struct df_device *device, int fd, uint32_t *syncobj_out);
int df_amdgpu_syncobj_fd(struct df_device *device, uint32_t syncobj, int *fd_out);
int df_amdgpu_timeline_signal(struct df_device *device, uint32_t syncobj, uint64_t point);
int df_amdgpu_signalled_fd(struct df_device *device, int *fd_out);
int df_amdgpu_point_fd(struct df_device *device, uint32_t timeline, uint64_t point, int *fd_out);

#endif

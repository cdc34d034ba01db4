/* SPDX-License-Identifier: MIT */
/*
 * ioctl_names.h - number and name of each ioctl that is known by name: drm.h and amdgpu_drm.h. Driver ioctls start at
 * DRM_COMMAND_BASE.
 */
#ifndef DF_NODE_IOCTL_NAMES_H
#define DF_NODE_IOCTL_NAMES_H

#include <stdint.h>

static const struct {
	uint8_t number;
	const char *name;
} ioctl_names[] = {
	{0x00, "VERSION"},
	{0x09, "GEM_CLOSE"},
	{0x0c, "GET_CAP"},
	{0x2d, "PRIME_HANDLE_TO_FD"},
	{0x2e, "PRIME_FD_TO_HANDLE"},
	{0x40, "AMDGPU_GEM_CREATE"},
	{0x41, "AMDGPU_GEM_MMAP"},
	{0x42, "AMDGPU_CTX"},
	{0x43, "AMDGPU_BO_LIST"},
	{0x44, "AMDGPU_CS"},
	{0x45, "AMDGPU_INFO"},
	{0x46, "AMDGPU_GEM_METADATA"},
	{0x47, "AMDGPU_GEM_WAIT_IDLE"},
	{0x48, "AMDGPU_GEM_VA"},
	{0x49, "AMDGPU_WAIT_CS"},
	{0x50, "AMDGPU_GEM_OP"},
	{0x51, "AMDGPU_GEM_USERPTR"},
	{0x52, "AMDGPU_WAIT_FENCES"},
	{0x53, "AMDGPU_VM"},
	{0x54, "AMDGPU_FENCE_TO_HANDLE"},
	{0x55, "AMDGPU_SCHED"},
	{0xbf, "SYNCOBJ_CREATE"},
	{0xc0, "SYNCOBJ_DESTROY"},
	{0xc1, "SYNCOBJ_HANDLE_TO_FD"},
	{0xc2, "SYNCOBJ_FD_TO_HANDLE"},
	{0xc3, "SYNCOBJ_WAIT"},
	{0xc4, "SYNCOBJ_RESET"},
	{0xc5, "SYNCOBJ_SIGNAL"},
	{0xca, "SYNCOBJ_TIMELINE_WAIT"},
	{0xcb, "SYNCOBJ_QUERY"},
	{0xcc, "SYNCOBJ_TRANSFER"},
	{0xcd, "SYNCOBJ_TIMELINE_SIGNAL"},
};

#endif

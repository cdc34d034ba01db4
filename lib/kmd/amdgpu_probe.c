/* SPDX-License-Identifier: MIT */
/*
 * What an amdgpu device is and what its kernel can do. Facts come from INFO queries where the uAPI answers them; what
 * it cannot be asked follows from the DRM minor, all of it in the feature table below.
 */
#include "kmd/amdgpu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "node/node.h"

/*
 * Minors as drivers/gpu/drm/amd/amdgpu/amdgpu_drv.c lists them ("KMS wrapper"), and the first Linux with each. What is
 * required has been in every kernel that drives a GPU the library knows.
 */
enum feature {
	FEATURE_ALWAYS_VALID,
	FEATURE_FENCE_TO_HANDLE,
	FEATURE_BO_CHUNK,
	FEATURE_TIMELINE,
	FEATURE_FAULT,
	FEATURE_REEMIT,
};
static const struct {
	const char *name;
	uint32_t minor;
	const char *kernel;
	bool required;
} features[] = {
	[FEATURE_ALWAYS_VALID] = {"buffers that are always valid", 20, "4.15", true},
	[FEATURE_FENCE_TO_HANDLE] = {"fences as file descriptors", 21, "4.15", true},
	[FEATURE_BO_CHUNK] = {"buffer lists inside a submission", 27, "4.20", true},
	[FEATURE_TIMELINE] = {"timeline syncobjs", 32, "5.2", false},
	[FEATURE_FAULT] = {"page fault queries", 55, "6.7", false},
	/* amdgpu_ring_set_fence_errors_and_reemit() came in the cycle of this minor. */
	[FEATURE_REEMIT] = {"jobs of others emitted again after a queue reset", 64, "6.17", false},
};

#define DRM_MAJOR_AMDGPU 3u
#define IB_MAX_DW        0xfffffu /* the size field of INDIRECT_BUFFER, which the kernel ORs in unmasked */
#define SCHED_JOBS       32u      /* amdgpu.sched_jobs, the module's default */

/*
 * GPU by family (amdgpu_drm.h and its successors) and external revision [first, end), as drivers/gpu/drm/amd/amdgpu
 * sets external_rev_id (nv.c). Shader resources of a family: RDNA 2's ISA manual, chapters 2 and 3.
 */
#define FAMILY_GC_10_3_6 149
#define FAMILY_GC_10_3_7 151
static const struct {
	uint32_t family, first, end;
	const char *target, *marketing;
	uint32_t simds_per_unit, waves_per_simd, vgprs, lds_per_group_B;
} targets[] = {
	{AMDGPU_FAMILY_NV, 0x28, 0x32, "gfx1030", "Navi 21", 2, 16, 1024, 65536},
	{AMDGPU_FAMILY_NV, 0x32, 0x3c, "gfx1031", "Navi 22", 2, 16, 1024, 65536},
	{AMDGPU_FAMILY_NV, 0x3c, 0x46, "gfx1032", "Navi 23", 2, 16, 1024, 65536},
	{AMDGPU_FAMILY_NV, 0x46, 0x50, "gfx1034", "Navi 24", 2, 16, 1024, 65536},
	{AMDGPU_FAMILY_VGH, 0x01, 0xff, "gfx1033", "Van Gogh", 2, 16, 1024, 65536},
	{AMDGPU_FAMILY_YC, 0x01, 0xff, "gfx1035", "Rembrandt", 2, 16, 1024, 65536},
	{FAMILY_GC_10_3_6, 0x01, 0xff, "gfx1036", "Raphael", 2, 16, 1024, 65536},
	{FAMILY_GC_10_3_7, 0x01, 0xff, "gfx1036", "Mendocino", 2, 16, 1024, 65536},
};

int df_amdgpu_query(struct df_node *node, struct drm_amdgpu_info *request, void *answer, uint32_t bytes)
{
	memset(answer, 0, bytes);
	request->return_pointer = (uintptr_t)answer;
	request->return_size = bytes;
	return df_node_ioctl(node, DRM_IOCTL_AMDGPU_INFO, request);
}

static int probe_version(struct df_node *node, struct df_kmd_info *info)
{
	struct drm_version version;
	char name[sizeof(info->driver)] = "";
	int ret;

	memset(&version, 0, sizeof(version));
	version.name = name;
	version.name_len = sizeof(name) - 1;
	ret = df_node_ioctl(node, DRM_IOCTL_VERSION, &version);
	if (ret < 0)
		return df_error_set(
			ret,
			"device %s: it does not answer as a DRM device: %s. Fix: name a render node such as "
			"/dev/dri/renderD128",
			df_node_name(node), strerror(-ret));
	if (strcmp(name, "amdgpu") != 0)
		return df_error_set(-ENODEV,
				    "device %s: driver \"%s\" is not supported. Fix: name a render node of the "
				    "amdgpu driver",
				    df_node_name(node), name);
	memcpy(info->driver, name, sizeof(name));
	info->drm_major = (uint32_t)version.version_major;
	info->drm_minor = (uint32_t)version.version_minor;
	info->drm_patch = (uint32_t)version.version_patchlevel;
	if (info->drm_major != DRM_MAJOR_AMDGPU)
		return df_error_set(-EPROTO, "device %s: amdgpu's interface is version %u, this library speaks 3",
				    df_node_name(node), info->drm_major);
	return 0;
}

static bool get_cap(struct df_node *node, uint64_t capability)
{
	struct drm_get_cap cap = {.capability = capability};

	return df_node_ioctl(node, DRM_IOCTL_GET_CAP, &cap) >= 0 && cap.value;
}

static int probe_features(struct df_node *node, struct df_kmd_info *info)
{
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		if (features[i].required && info->drm_minor < features[i].minor)
			return df_error_set(
				-EOPNOTSUPP,
				"device %s: the kernel's amdgpu is version 3.%u and lacks %s (3.%u). Fix: run "
				"Linux %s or newer",
				df_node_name(node), info->drm_minor, features[i].name, features[i].minor,
				features[i].kernel);
	if (!get_cap(node, DRM_CAP_SYNCOBJ))
		return df_error_set(-EOPNOTSUPP, "device %s: the kernel has no syncobjs. Fix: run Linux 4.20 or newer",
				    df_node_name(node));
	info->has_timeline =
		info->drm_minor >= features[FEATURE_TIMELINE].minor && get_cap(node, DRM_CAP_SYNCOBJ_TIMELINE);
	info->has_fault_info = info->drm_minor >= features[FEATURE_FAULT].minor;
	info->spares_others = info->drm_minor >= features[FEATURE_REEMIT].minor;
	return 0;
}

static int probe_target(struct df_node *node, const struct drm_amdgpu_info_device *dev, struct df_kmd_info *info)
{
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		if (dev->family != targets[i].family || dev->external_rev < targets[i].first ||
		    dev->external_rev >= targets[i].end)
			continue;
		snprintf(info->target, sizeof(info->target), "%s", targets[i].target);
		snprintf(info->marketing, sizeof(info->marketing), "AMD %s", targets[i].marketing);
		info->simds_per_unit = targets[i].simds_per_unit;
		info->waves_per_simd = targets[i].waves_per_simd;
		info->vgprs_per_simd_lane = targets[i].vgprs;
		info->lds_per_group_B = targets[i].lds_per_group_B;
		return 0;
	}
	return df_error_set(-ENODEV,
			    "device %s: GPU family %u revision 0x%x is not one that the library drives. Fix: use "
			    "a gfx10.3 GPU (RDNA 2) or \"soft:gfx1030\"",
			    df_node_name(node), dev->family, dev->external_rev);
}

static int probe_device(struct df_node *node, struct df_kmd_info *info)
{
	struct drm_amdgpu_info request = {.query = AMDGPU_INFO_DEV_INFO};
	struct drm_amdgpu_info_device dev;
	int ret = df_amdgpu_query(node, &request, &dev, sizeof(dev));

	if (ret < 0)
		return df_error_kernel(ret, "device %s: the query of its properties failed", df_node_name(node));
	ret = probe_target(node, &dev, info);
	if (ret < 0)
		return ret;
	info->pci_device = (uint16_t)dev.device_id;
	info->pci_revision = (uint8_t)dev.pci_rev;
	info->family = dev.family;
	info->external_revision = dev.external_rev;
	info->compute_units = dev.cu_active_number;
	info->shader_engines = dev.num_shader_engines;
	info->arrays_per_engine = dev.num_shader_arrays_per_engine;
	info->units_per_array = dev.num_cu_per_sh;
	info->wave_size = dev.wave_front_size;
	info->timestamp_hz = (uint64_t)dev.gpu_counter_freq * 1000;
	info->va[0] = (struct df_va_range){dev.virtual_address_offset, dev.virtual_address_max};
	info->va[1] = (struct df_va_range){dev.high_va_offset, dev.high_va_max};
	info->va_align_B =
		dev.virtual_address_alignment > dev.gart_page_size ? dev.virtual_address_alignment : dev.gart_page_size;
	if (!info->compute_units || info->va[0].start >= info->va[0].end || info->va[1].start > info->va[1].end ||
	    info->va_align_B < 4096 || (info->va_align_B & (info->va_align_B - 1)))
		return df_error_set(-EPROTO,
				    "device %s: its properties make no sense (%u compute units, addresses 0x%llx to "
				    "0x%llx in steps of %u)",
				    df_node_name(node), info->compute_units, (unsigned long long)info->va[0].start,
				    (unsigned long long)info->va[0].end, info->va_align_B);
	return 0;
}

static int probe_memory(struct df_node *node, struct df_kmd_info *info)
{
	struct drm_amdgpu_info request = {.query = AMDGPU_INFO_MEMORY};
	struct drm_amdgpu_memory_info memory;
	int ret = df_amdgpu_query(node, &request, &memory, sizeof(memory));

	if (ret < 0)
		return df_error_kernel(ret, "device %s: the query of its memory failed", df_node_name(node));
	info->device_memory_B = memory.vram.total_heap_size;
	info->visible_memory_B = memory.cpu_accessible_vram.total_heap_size;
	info->host_memory_B = memory.gtt.total_heap_size;
	return 0;
}

/* 1 when the IP has a ring, 0 when not, -errno without a sentence. */
static int probe_ip(struct df_node *node, uint32_t type, struct drm_amdgpu_info_hw_ip *ip)
{
	struct drm_amdgpu_info request = {.query = AMDGPU_INFO_HW_IP_INFO};
	int ret;

	request.query_hw_ip.type = type;
	ret = df_amdgpu_query(node, &request, ip, sizeof(*ip));
	return ret < 0 ? ret : (ip->available_rings & 1) != 0;
}

static uint32_t at_least_pow2(uint32_t value, uint32_t least)
{
	uint32_t result = least;

	while (result < value && result < 1u << 20)
		result *= 2;
	return result;
}

static int probe_ring(struct df_node *node, struct df_kmd_info *info)
{
	struct drm_amdgpu_info_hw_ip ip;
	int ret = probe_ip(node, AMDGPU_HW_IP_COMPUTE, &ip);

	if (!ret) {
		info->ring_is_gfx = true;
		ret = probe_ip(node, AMDGPU_HW_IP_GFX, &ip);
	}
	if (ret < 0)
		return df_error_kernel(ret, "device %s: the query of its rings failed", df_node_name(node));
	if (!ret)
		return df_error_set(-ENODEV,
				    "device %s: it has neither a compute nor a graphics ring that works. Fix: see "
				    "the kernel log for why amdgpu disabled them",
				    df_node_name(node));
	/* Both alignments are in bytes. Streams of this command processor are never padded to less than 8 dwords. */
	info->ib_align_B = at_least_pow2(ip.ib_start_alignment, 256);
	info->ib_size_align_dw = at_least_pow2(ip.ib_size_alignment, 32) / 4;
	info->max_ib_dw = IB_MAX_DW & ~(info->ib_size_align_dw - 1);
	info->max_jobs = SCHED_JOBS;
	return 0;
}

/* For information only: kernels refuse the query for engines that a chip does not have. */
static uint32_t probe_firmware(struct df_node *node, uint32_t type)
{
	struct drm_amdgpu_info request = {.query = AMDGPU_INFO_FW_VERSION};
	struct drm_amdgpu_info_firmware firmware;

	request.query_fw.fw_type = type;
	return df_amdgpu_query(node, &request, &firmware, sizeof(firmware)) < 0 ? 0 : firmware.ver;
}

int df_amdgpu_probe(struct df_node *node, struct df_kmd_info *info)
{
	uint16_t vendor, device;
	uint8_t revision;
	int ret;

	memset(info, 0, sizeof(*info));
	ret = probe_version(node, info);
	if (!ret)
		ret = probe_features(node, info);
	if (!ret)
		ret = probe_device(node, info);
	if (!ret)
		ret = probe_memory(node, info);
	if (!ret)
		ret = probe_ring(node, info);
	if (ret < 0)
		return ret;
	info->me_firmware = probe_firmware(node, AMDGPU_INFO_FW_GFX_ME);
	info->mec_firmware = probe_firmware(node, AMDGPU_INFO_FW_GFX_MEC);
	if (!df_node_pci(node, &vendor, &device, &revision)) {
		info->pci_vendor = vendor;
		info->pci_device = device;
		info->pci_revision = revision;
	}
	return 0;
}

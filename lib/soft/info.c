/* SPDX-License-Identifier: MIT */
/*
 * info.c - the INFO ioctl (amdgpu_kms.c). What the chip is comes from its gpu_target; values that no client of compute
 * work depends on are those that a Radeon RX 6800 and a Steam Deck report.
 */
#include "soft.h"

#include <stdlib.h>
#include <string.h>

#define RESERVED_VRAM  (8ull << 20) /* AMDGPU_VM_RESERVED_VRAM */
#define GB_ADDR_CONFIG 0x263eu      /* mmGB_ADDR_CONFIG, in dwords */
#define GRBM_STATUS    0x2004u
#define MAX_SE         8u
#define MAX_SH         2u

static int give(const struct drm_amdgpu_info *info, const void *data, size_t size)
{
	return soft_copy_out(info->return_pointer, data, info->return_size < size ? info->return_size : size);
}

static int give32(const struct drm_amdgpu_info *info, uint32_t value)
{
	return give(info, &value, sizeof(value));
}

static int give64(const struct drm_amdgpu_info *info, uint64_t value)
{
	return give(info, &value, sizeof(value));
}

static int hw_ip_info(const struct soft_device *device, const struct drm_amdgpu_info *info)
{
	uint32_t type = info->query_hw_ip.type, rings = 0;
	const struct gpu_target *target = device->spec.target;
	struct abi_info_hw_ip ip = {0};

	if (info->query_hw_ip.ip_instance || type >= device->spec.kernel->hw_ip_num)
		return -EINVAL;
	if (type >= SOFT_IP_NUM) /* no such block: zeros */
		return give(info, &ip, device->spec.kernel->hw_ip_info_size);
	rings = type == AMDGPU_HW_IP_GFX ? 1 : type == AMDGPU_HW_IP_COMPUTE ? 4 : device->ring_counts[type];
	ip.hw_ip_version_major = type == AMDGPU_HW_IP_DMA ? 5 : target->gfx_ip >> 16;
	ip.hw_ip_version_minor = type == AMDGPU_HW_IP_DMA ? 2 : 0;
	ip.ib_start_alignment = type == AMDGPU_HW_IP_DMA ? 256 : 32;
	ip.ib_size_alignment = type == AMDGPU_HW_IP_DMA ? 4 : 32;
	ip.available_rings = (1u << rings) - 1;
	ip.ip_discovery_version = type == AMDGPU_HW_IP_DMA ? 0x050200u : target->gfx_ip;
	return give(info, &ip, device->spec.kernel->hw_ip_info_size);
}

static int hw_ip_count(const struct soft_device *device, const struct drm_amdgpu_info *info)
{
	switch (info->query_hw_ip.type) {
	case AMDGPU_HW_IP_GFX:
	case AMDGPU_HW_IP_COMPUTE:
		return give32(info, 1);
	case AMDGPU_HW_IP_DMA:
		return give32(info, device->spec.kernel->minor >= 52 ? device->ring_counts[AMDGPU_HW_IP_DMA] : 1);
	default:
		return -EINVAL; /* the block is not there */
	}
}

static int firmware(const struct soft_device *device, const struct drm_amdgpu_info *info)
{
	struct drm_amdgpu_info_firmware fw = {0};
	bool newer = device->spec.kernel->minor >= 59;

	if (info->query_fw.ip_instance)
		return -EINVAL;
	switch (info->query_fw.fw_type) {
	case AMDGPU_INFO_FW_GFX_ME:
		fw = (struct drm_amdgpu_info_firmware){64, 44};
		break;
	case AMDGPU_INFO_FW_GFX_PFP:
		fw = (struct drm_amdgpu_info_firmware){97, 44};
		break;
	case AMDGPU_INFO_FW_GFX_CE:
		fw = (struct drm_amdgpu_info_firmware){37, 44};
		break;
	case AMDGPU_INFO_FW_GFX_MEC:
		if (info->query_fw.index > 1)
			return -EINVAL;
		fw = (struct drm_amdgpu_info_firmware){113, 44};
		break;
	case AMDGPU_INFO_FW_GFX_RLC:
		fw = (struct drm_amdgpu_info_firmware){96, 1};
		break;
	case AMDGPU_INFO_FW_SDMA:
		if (info->query_fw.index >= device->ring_counts[AMDGPU_HW_IP_DMA])
			return -EINVAL;
		fw = (struct drm_amdgpu_info_firmware){83, 52};
		break;
	case AMDGPU_INFO_FW_TA:
		if (info->query_fw.index > 5)
			return -EINVAL;
		break;
	case AMDGPU_INFO_FW_VCE:
	case AMDGPU_INFO_FW_UVD:
	case AMDGPU_INFO_FW_VCN:
	case AMDGPU_INFO_FW_GMC:
	case AMDGPU_INFO_FW_SMC:
	case AMDGPU_INFO_FW_SOS:
	case AMDGPU_INFO_FW_ASD:
	case AMDGPU_INFO_FW_DMCU:
	case AMDGPU_INFO_FW_DMCUB:
	case AMDGPU_INFO_FW_TOC:
	case AMDGPU_INFO_FW_GFX_RLC_RESTORE_LIST_CNTL:
	case AMDGPU_INFO_FW_GFX_RLC_RESTORE_LIST_GPM_MEM:
	case AMDGPU_INFO_FW_GFX_RLC_RESTORE_LIST_SRM_MEM:
	case ABI_INFO_FW_CAP:
	case ABI_INFO_FW_GFX_RLCP:
	case ABI_INFO_FW_GFX_RLCV:
		break; /* not loaded: 0 */
	case ABI_INFO_FW_MES_KIQ:
	case ABI_INFO_FW_MES:
	case ABI_INFO_FW_IMU:
	case ABI_INFO_FW_VPE:
		if (!newer)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	return give(info, &fw, sizeof(fw));
}

static int vram_gtt(const struct soft_device *device, const struct drm_amdgpu_info *info)
{
	struct drm_amdgpu_info_vram_gtt sizes = {.vram_size = device->spec.vram_B - RESERVED_VRAM,
						 .vram_cpu_accessible_size = device->spec.vram_B - RESERVED_VRAM,
						 .gtt_size = device->spec.gtt_B};

	return give(info, &sizes, sizeof(sizes));
}

static uint64_t used(const struct soft_device *device, const uint64_t *counter)
{
	uint64_t value;

	(void)device;
	pthread_mutex_lock(&soft_lock);
	value = *counter;
	pthread_mutex_unlock(&soft_lock);
	return value;
}

static int memory(const struct soft_device *device, const struct drm_amdgpu_info *info)
{
	struct drm_amdgpu_memory_info mem = {0};

	mem.vram.total_heap_size = device->spec.vram_B;
	mem.vram.usable_heap_size = device->spec.vram_B - RESERVED_VRAM;
	mem.vram.heap_usage = used(device, &device->vram_used);
	mem.vram.max_allocation = mem.vram.usable_heap_size * 3 / 4;
	mem.cpu_accessible_vram = mem.vram; /* resizable BAR: all of it is visible */
	mem.gtt.total_heap_size = mem.gtt.usable_heap_size = device->spec.gtt_B;
	mem.gtt.heap_usage = used(device, &device->gtt_used);
	mem.gtt.max_allocation = mem.gtt.usable_heap_size * 3 / 4;
	return give(info, &mem, sizeof(mem));
}

/* nv_allowed_read_registers[]: the others are refused. */
static int read_register(const struct soft_device *device, uint32_t offset, uint32_t *value_out)
{
	if (offset == GB_ADDR_CONFIG)
		*value_out = device->spec.target->apu ? 0x142 : 0x444;
	else if (offset == GRBM_STATUS)
		*value_out = 0x3028; /* idle */
	else
		return -EFAULT;
	return 0;
}

static int read_registers(const struct soft_device *device, const struct drm_amdgpu_info *info)
{
	uint32_t se = (info->read_mmr_reg.instance >> AMDGPU_INFO_MMR_SE_INDEX_SHIFT) & AMDGPU_INFO_MMR_SE_INDEX_MASK;
	uint32_t sh = (info->read_mmr_reg.instance >> AMDGPU_INFO_MMR_SH_INDEX_SHIFT) & AMDGPU_INFO_MMR_SH_INDEX_MASK;
	uint32_t values[128], count = info->read_mmr_reg.count;

	if ((se != AMDGPU_INFO_MMR_SE_INDEX_MASK && se >= (device->spec.kernel->minor >= 59 ? MAX_SE : 4)) ||
	    (sh != AMDGPU_INFO_MMR_SH_INDEX_MASK && sh >= MAX_SH) || count > 128)
		return -EINVAL;
	for (uint32_t i = 0; i < count; i++) {
		int ret = read_register(device, info->read_mmr_reg.dword_offset + i, &values[i]);

		if (ret)
			return ret;
	}
	return give(info, values, count * sizeof(values[0]));
}

static void fill_cus(const struct gpu_target *target, struct abi_info_device *dev)
{
	for (uint32_t se = 0; se < target->num_se && se < 4; se++) {
		for (uint32_t sa = 0; sa < target->num_sa_per_se && sa < 2; sa++) {
			dev->cu_bitmap[se][sa] = target->cu_bitmap[se][sa];
			dev->cu_ao_bitmap[se][sa] = target->cu_bitmap[se][sa];
			dev->cu_active_number += (uint32_t)__builtin_popcount(target->cu_bitmap[se][sa]);
		}
	}
	dev->cu_ao_mask = target->cu_bitmap[0][0];
	dev->num_cu_per_sh = target->num_cu_per_sa;
}

static void fill_va(const struct soft_kernel *kernel, struct abi_info_device *dev)
{
	dev->virtual_address_offset = kernel->va_bottom;
	dev->virtual_address_max = 1ull << 47;
	dev->high_va_offset = 0xffff800000000000ull;
	dev->high_va_max = 0xffff800000000000ull | ((1ull << 48) - kernel->va_top);
	dev->virtual_address_alignment = 4096;
	dev->pte_fragment_size = 2u << 20;
	dev->gart_page_size = 4096;
}

static int dev_info(const struct soft_device *device, const struct drm_amdgpu_info *info)
{
	const struct gpu_target *target = device->spec.target;
	uint32_t minor = device->spec.kernel->minor, rbs = target->apu ? 2 : 16;
	struct abi_info_device dev = {.device_id = target->pci_device,
				      .chip_rev = target->chip_rev,
				      .external_rev = target->external_rev,
				      .pci_rev = target->pci_revision,
				      .family = target->family,
				      .num_shader_engines = target->num_se,
				      .num_shader_arrays_per_engine = target->num_sa_per_se,
				      .gpu_counter_freq = GPU_CLOCK_HZ / 1000,
				      .max_engine_clock = target->apu ? 1600000 : 2475000,
				      .max_memory_clock = target->apu ? 687000 : 1000000,
				      .enabled_rb_pipes_mask = (1u << rbs) - 1,
				      .num_rb_pipes = rbs,
				      .num_hw_gfx_contexts = 8,
				      .pcie_gen = minor >= 51 ? 4 : 0,
				      .vram_type = target->apu ? AMDGPU_VRAM_TYPE_DDR5 : AMDGPU_VRAM_TYPE_GDDR6,
				      .vram_bit_width = target->apu ? 128 : 256,
				      .gc_double_offchip_lds_buf = 1,
				      .wave_front_size = 32,
				      .num_shader_visible_vgprs = 1024,
				      .ce_ram_size = 65536, /* gfx_v10_0.c, F32_CE_PROGRAM_RAM_SIZE */
				      .num_tcc_blocks = target->apu ? 4 : 16,
				      .gs_vgt_table_depth = 32,
				      .gs_prim_buffer_depth = 1792,
				      .max_gs_waves_per_vgt = 32,
				      .pcie_num_lanes = minor >= 51 ? 16 : 0,
				      .min_engine_clock = target->apu ? 200000 : 500000,
				      .min_memory_clock = target->apu ? 400000 : 96000};

	fill_cus(target, &dev);
	fill_va(device->spec.kernel, &dev);
	if (target->apu)
		dev.ids_flags |= AMDGPU_IDS_FLAGS_FUSION;
	if (minor >= 54)
		dev.ids_flags |= ABI_IDS_GANG_SUBMIT;
	if (minor >= 52) { /* from the IP discovery table */
		dev.tcp_cache_size = 16;
		dev.num_sqc_per_wgp = 1;
		dev.sqc_data_cache_size = 16;
		dev.sqc_inst_cache_size = 32;
		dev.gl1c_cache_size = 128;
		dev.gl2c_cache_size = target->apu ? 1024 : 4096;
		dev.mall_size = target->apu ? 0 : 128ull << 20;
	}
	return give(info, &dev, device->spec.kernel->dev_info_size);
}

static int sensor(const struct drm_amdgpu_info *info, uint32_t minor)
{
	switch (info->sensor_info.type) {
	case AMDGPU_INFO_SENSOR_GFX_SCLK:
		return give32(info, 500);
	case AMDGPU_INFO_SENSOR_GFX_MCLK:
		return give32(info, 96);
	case AMDGPU_INFO_SENSOR_GPU_TEMP:
		return give32(info, 40000);
	case AMDGPU_INFO_SENSOR_GPU_LOAD:
		return give32(info, 0);
	case AMDGPU_INFO_SENSOR_GPU_AVG_POWER:
		return give32(info, 7);
	case AMDGPU_INFO_SENSOR_VDDGFX:
		return give32(info, 775);
	case AMDGPU_INFO_SENSOR_STABLE_PSTATE_GFX_SCLK:
		return give32(info, 1825);
	case AMDGPU_INFO_SENSOR_STABLE_PSTATE_GFX_MCLK:
		return give32(info, 1000);
	case ABI_SENSOR_PEAK_SCLK:
		return minor >= 50 ? give32(info, 2475) : -EINVAL;
	case ABI_SENSOR_PEAK_MCLK:
		return minor >= 50 ? give32(info, 1000) : -EINVAL;
	default:
		return -EINVAL; /* also what this board has no sensor for */
	}
}

static int max_ibs(const struct soft_kernel *kernel, const struct drm_amdgpu_info *info)
{
	uint32_t values[10];

	if (!kernel->query_max_ibs)
		return -EINVAL;
	for (uint32_t i = 0; i < kernel->hw_ip_num; i++)
		values[i] = i == AMDGPU_HW_IP_GFX        ? kernel->max_ibs_gfx
			    : i == AMDGPU_HW_IP_COMPUTE  ? kernel->max_ibs_compute
			    : i == AMDGPU_HW_IP_VCN_JPEG ? 16
							 : kernel->max_ibs_other;
	return give(info, values, kernel->hw_ip_num * sizeof(values[0]));
}

static int gpuvm_fault(struct soft_file *file, const struct drm_amdgpu_info *info)
{
	struct abi_info_gpuvm_fault fault;

	if (!file->device->spec.kernel->query_fault)
		return -EINVAL;
	pthread_mutex_lock(&file->device->fault_lock);
	fault = file->fault;
	pthread_mutex_unlock(&file->device->fault_lock);
	return give(info, &fault, sizeof(fault));
}

static int vbios(const struct drm_amdgpu_info *info)
{
	struct drm_amdgpu_info_vbios text = {.name = "NAVI21 SOFTWARE", .vbios_pn = "113-SOFTWARE-001"};

	switch (info->vbios_info.type) {
	case AMDGPU_INFO_VBIOS_SIZE:
		return give32(info, 0);
	case AMDGPU_INFO_VBIOS_IMAGE:
		return -EINVAL; /* any offset is beyond an image of no bytes */
	case AMDGPU_INFO_VBIOS_INFO:
		return give(info, &text, sizeof(text));
	default:
		return -EINVAL;
	}
}

static int video_caps(const struct drm_amdgpu_info *info)
{
	struct drm_amdgpu_info_video_caps caps = {0}; /* no video engine */

	if (info->video_cap.type > AMDGPU_INFO_VIDEO_CAPS_ENCODE)
		return -EINVAL;
	return give(info, &caps, sizeof(caps));
}

static int gds(const struct drm_amdgpu_info *info)
{
	struct drm_amdgpu_info_gds sizes = {.compute_partition_size = 0x10000,
					    .gds_total_size = 0x10000,
					    .gws_per_compute_partition = 64,
					    .oa_per_compute_partition = 16};

	return give(info, &sizes, sizeof(sizes));
}

static int query(struct soft_file *file, const struct drm_amdgpu_info *info)
{
	struct soft_device *device = file->device;

	switch (info->query) {
	case AMDGPU_INFO_ACCEL_WORKING:
		return give32(info, 1);
	case AMDGPU_INFO_HW_IP_INFO:
		return hw_ip_info(device, info);
	case AMDGPU_INFO_HW_IP_COUNT:
		return hw_ip_count(device, info);
	case AMDGPU_INFO_TIMESTAMP:
		return give64(info, gpu_clock(device->gpu));
	case AMDGPU_INFO_FW_VERSION:
		return firmware(device, info);
	case AMDGPU_INFO_NUM_BYTES_MOVED:
		return give64(info, used(device, &device->bytes_moved));
	case AMDGPU_INFO_NUM_EVICTIONS:
		return give64(info, used(device, &device->evictions));
	case AMDGPU_INFO_NUM_VRAM_CPU_PAGE_FAULTS:
		return give64(info, 0);
	case AMDGPU_INFO_VRAM_USAGE:
	case AMDGPU_INFO_VIS_VRAM_USAGE:
		return give64(info, used(device, &device->vram_used));
	case AMDGPU_INFO_GTT_USAGE:
		return give64(info, used(device, &device->gtt_used));
	case AMDGPU_INFO_GDS_CONFIG:
		return gds(info);
	case AMDGPU_INFO_VRAM_GTT:
		return vram_gtt(device, info);
	case AMDGPU_INFO_MEMORY:
		return memory(device, info);
	case AMDGPU_INFO_READ_MMR_REG:
		return read_registers(device, info);
	case AMDGPU_INFO_DEV_INFO:
		return dev_info(device, info);
	case AMDGPU_INFO_VCE_CLOCK_TABLE: {
		struct drm_amdgpu_info_vce_clock_table table = {0};

		return give(info, &table, sizeof(table));
	}
	case AMDGPU_INFO_VBIOS:
		return vbios(info);
	case AMDGPU_INFO_NUM_HANDLES:
		return info->query_hw_ip.type == AMDGPU_HW_IP_UVD ? -ENODATA : -EINVAL;
	case AMDGPU_INFO_SENSOR:
		return sensor(info, device->spec.kernel->minor);
	case AMDGPU_INFO_VRAM_LOST_COUNTER:
		return give32(info, atomic_load(&device->vram_lost_counter));
	case AMDGPU_INFO_VIDEO_CAPS:
		return video_caps(info);
	case ABI_INFO_MAX_IBS:
		return max_ibs(device->spec.kernel, info);
	case ABI_INFO_GPUVM_FAULT:
		return gpuvm_fault(file, info);
	case ABI_INFO_UQ_FW_AREAS: /* gfx10 has none */
		return device->spec.kernel->query_uq && info->query_hw_ip.type < SOFT_IP_NUM ? -EOPNOTSUPP : -EINVAL;
	default: /* also RAS (no context) and CRTC_FROM_ID (no such crtc) */
		return -EINVAL;
	}
}

int soft_info_ioctl(struct soft_file *file, void *arg)
{
	const struct drm_amdgpu_info *info = arg;
	int ret;

	if (!info->return_size || !info->return_pointer)
		return -EINVAL;
	ret = query(file, info);
	if (ret == -EINVAL)
		atomic_fetch_add(&file->device->refused_queries, 1);
	return ret;
}

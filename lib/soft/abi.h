/* SPDX-License-Identifier: MIT */
/*
 * abi.h - what newer kernels added to the uAPI of Debian 12's headers: the soft node speaks it whatever headers it was
 * built with. Layouts from include/uapi/drm/{drm,amdgpu_drm}.h of Linux 7.2.
 */
#ifndef DF_SOFT_ABI_H
#define DF_SOFT_ABI_H

#include <libdrm/amdgpu_drm.h>
#include <libdrm/drm.h>
#include <stdint.h>

/* drm.h */
struct abi_syncobj_handle {
	uint32_t handle, flags;
	int32_t fd;
	uint32_t pad;
	uint64_t point; /* 7.x */
};
#define ABI_FD_FLAGS_TIMELINE (1u << 1)

struct abi_syncobj_wait {
	uint64_t handles;
	int64_t timeout_nsec;
	uint32_t count_handles, flags, first_signaled, pad;
	uint64_t deadline_nsec; /* 6.6 */
};

struct abi_syncobj_timeline_wait {
	uint64_t handles, points;
	int64_t timeout_nsec;
	uint32_t count_handles, flags, first_signaled, pad;
	uint64_t deadline_nsec; /* 6.6 */
};
#define ABI_WAIT_FLAGS_DEADLINE (1u << 3)

struct abi_syncobj_eventfd {
	uint32_t handle, flags;
	uint64_t point;
	int32_t fd;
	uint32_t pad;
};

struct abi_set_client_name {
	uint64_t name_len, name;
};
#define ABI_CLIENT_NAME_MAX_LEN 64

/* amdgpu_drm.h */
#define ABI_GEM_DOMAIN_DOORBELL 0x40u
#define ABI_GEM_DISCARDABLE     (1u << 12)
#define ABI_GEM_COHERENT        (1u << 13)
#define ABI_GEM_UNCACHED        (1u << 14)
#define ABI_GEM_EXT_COHERENT    (1u << 15)
#define ABI_GEM_GFX12_DCC       (1u << 16)

#define ABI_VM_PAGE_NOALLOC (1u << 9)

struct abi_gem_va {
	uint32_t handle, pad, operation, flags;
	uint64_t va_address, offset_in_bo, map_size;
	uint64_t vm_timeline_point; /* from here: 6.16 */
	uint32_t vm_timeline_syncobj_out, num_syncobj_handles;
	uint64_t input_fence_syncobj_handles;
};

struct abi_gem_op {
	uint32_t handle, op;
	uint64_t value;
	uint32_t num_entries, padding; /* 7.x */
};
#define ABI_GEM_OP_GET_MAPPING_INFO 2u

struct abi_gem_vm_entry {
	uint64_t addr, size, offset, flags;
};

struct abi_gem_list_handles {
	uint64_t entries;
	uint32_t num_entries, padding;
};

struct abi_gem_list_handles_entry {
	uint32_t gem_handle, flags;
	uint64_t size, preferred_domains, alloc_flags, alignment;
};
#define ABI_LIST_HANDLES_IS_IMPORT 1u

#define ABI_HW_IP_VPE           9u
#define ABI_CHUNK_CP_GFX_SHADOW 0x0au

struct abi_cs_chunk_cp_gfx_shadow {
	uint64_t shadow_va, csa_va, gds_va, flags;
};

#define ABI_CTX_QUERY2_RESET_IN_PROGRESS (1u << 5)

#define ABI_IDS_CONFORMANT_TRUNC_COORD 0x8u
#define ABI_IDS_GANG_SUBMIT            0x10u

#define ABI_INFO_MAX_IBS     0x22u
#define ABI_INFO_GPUVM_FAULT 0x23u
#define ABI_INFO_UQ_FW_AREAS 0x24u

#define ABI_INFO_FW_CAP      0x16u
#define ABI_INFO_FW_GFX_RLCP 0x17u
#define ABI_INFO_FW_GFX_RLCV 0x18u
#define ABI_INFO_FW_MES_KIQ  0x19u
#define ABI_INFO_FW_MES      0x1au
#define ABI_INFO_FW_IMU      0x1bu
#define ABI_INFO_FW_VPE      0x1cu

#define ABI_SENSOR_PEAK_SCLK   0xau
#define ABI_SENSOR_PEAK_MCLK   0xbu
#define ABI_SENSOR_INPUT_POWER 0xcu

struct abi_info_gpuvm_fault {
	uint64_t addr;
	uint32_t status, vmhub;
};

struct abi_info_hw_ip {
	uint32_t hw_ip_version_major, hw_ip_version_minor;
	uint64_t capabilities_flags;
	uint32_t ib_start_alignment, ib_size_alignment, available_rings;
	uint32_t ip_discovery_version; /* 3.48 */
	uint32_t userq_num_slots;      /* 3.64 */
	uint32_t pad;
};

struct abi_info_device {
	uint32_t device_id, chip_rev, external_rev, pci_rev, family, num_shader_engines, num_shader_arrays_per_engine;
	uint32_t gpu_counter_freq;
	uint64_t max_engine_clock, max_memory_clock;
	uint32_t cu_active_number, cu_ao_mask, cu_bitmap[4][4], enabled_rb_pipes_mask, num_rb_pipes;
	uint32_t num_hw_gfx_contexts, pcie_gen;
	uint64_t ids_flags, virtual_address_offset, virtual_address_max;
	uint32_t virtual_address_alignment, pte_fragment_size, gart_page_size, ce_ram_size, vram_type, vram_bit_width;
	uint32_t vce_harvest_config, gc_double_offchip_lds_buf;
	uint64_t prim_buf_gpu_addr, pos_buf_gpu_addr, cntl_sb_buf_gpu_addr, param_buf_gpu_addr;
	uint32_t prim_buf_size, pos_buf_size, cntl_sb_buf_size, param_buf_size, wave_front_size;
	uint32_t num_shader_visible_vgprs, num_cu_per_sh, num_tcc_blocks, gs_vgt_table_depth, gs_prim_buffer_depth;
	uint32_t max_gs_waves_per_vgt, pcie_num_lanes, cu_ao_bitmap[4][4];
	uint64_t high_va_offset, high_va_max;
	uint32_t pa_sc_tile_steering_override, pad;
	uint64_t tcc_disabled_mask;
	uint64_t min_engine_clock, min_memory_clock;                                                         /* 3.50 */
	uint32_t tcp_cache_size, num_sqc_per_wgp, sqc_data_cache_size, sqc_inst_cache_size, gl1c_cache_size; /* 3.52 */
	uint32_t gl2c_cache_size;
	uint64_t mall_size;
	uint32_t enabled_rb_pipes_mask_hi, shadow_size, shadow_alignment, csa_size, csa_alignment;
	uint32_t userq_ip_mask; /* 3.64 */
};

#endif

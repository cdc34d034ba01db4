/* SPDX-License-Identifier: MIT */
/* gca.c - the chip's shape in the words of amdgpu's debugfs, taken from the soft node's own answers. */
#include "soft/gca.h"

#include <amdgpu_drm.h>
#include <drm.h>
#include <string.h>

#include "node/node.h"

#define GB_ADDR_CONFIG   0x263eu
#define MAX_GPRS         1024u /* gc_info of the chip's discovery table */
#define MAX_GS_THREADS   32u
#define SC_PRIM_FRONTEND 0x20u /* gfx_v10_0_gpu_early_init(), 10.3 */
#define SC_PRIM_BACKEND  0x100u
#define SC_EARLYZ_FIFO   0x4c0u
#define MEM_BURST_BYTES  256u
#define SHADER_TILE_SIZE 32u
#define MULTI_GPU_TILE   64u
#define GCA_VERSION      5u

extern const struct df_soft_ops df_soft_ops;

static int query(void *file, struct drm_amdgpu_info *info, void *out, size_t size)
{
	info->return_pointer = (uintptr_t)out;
	info->return_size = (uint32_t)size;
	return df_soft_ops.ioctl(file, DRM_IOCTL_AMDGPU_INFO, info);
}

/* amdgpu_debugfs_gca_config_read(): dwords in its order; power and clock gating are those of no hardware, 0. */
size_t soft_gca_config(void *file, uint32_t config[SOFT_GCA_MAX])
{
	struct drm_amdgpu_info_device device = {0};
	struct drm_amdgpu_info info = {.query = AMDGPU_INFO_DEV_INFO};
	uint32_t address_config = 0, sh, rb_per_se;
	uint16_t pci_vendor, pci_device;
	uint8_t pci_revision;

	if (query(file, &info, &device, sizeof(device)))
		return 0;
	memset(&info, 0, sizeof(info));
	info.query = AMDGPU_INFO_READ_MMR_REG;
	info.read_mmr_reg.dword_offset = GB_ADDR_CONFIG;
	info.read_mmr_reg.count = 1;
	info.read_mmr_reg.instance = UINT32_MAX;
	if (query(file, &info, &address_config, sizeof(address_config)))
		return 0;
	df_soft_ops.pci_id(file, &pci_vendor, &pci_device, &pci_revision);
	sh = device.num_shader_engines * device.num_shader_arrays_per_engine;
	rb_per_se = device.num_rb_pipes / (device.num_shader_engines ? device.num_shader_engines : 1);
	const uint32_t values[] = {
		GCA_VERSION,
		device.num_shader_engines,
		0, /* max_tile_pipes: before gfx9 */
		device.num_cu_per_sh,
		device.num_shader_arrays_per_engine,
		rb_per_se,
		device.num_tcc_blocks ? device.num_tcc_blocks : sh,
		MAX_GPRS,
		MAX_GS_THREADS,
		device.num_hw_gfx_contexts,
		SC_PRIM_FRONTEND,
		SC_PRIM_BACKEND,
		0,
		SC_EARLYZ_FIFO,
		0,
		device.enabled_rb_pipes_mask,
		MEM_BURST_BYTES,
		0,
		SHADER_TILE_SIZE,
		1,
		MULTI_GPU_TILE,
		0,
		address_config,
		device.num_rb_pipes,
		device.chip_rev,
		0,
		0,
		device.family,
		device.external_rev,
		pci_device,
		pci_revision,
		SOFT_SUBDEVICE,
		SOFT_SUBVENDOR,
		(device.ids_flags & AMDGPU_IDS_FLAGS_FUSION) ? 1 : 0,
		0,
		0,
	};
	_Static_assert(sizeof(values) <= SOFT_GCA_MAX * sizeof(uint32_t), "room for every dword");
	memcpy(config, values, sizeof(values));
	return sizeof(values);
}

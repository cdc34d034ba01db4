/* SPDX-License-Identifier: MIT */
/*
 * target.c - the chips that the model can be.
 *
 * Sources: PCI ids, families, revisions: linux 6.1, amdgpu_drv.c (73BF, 163F), nv.c (external_rev_id: Navi 21 rev +
 * 0x28, Van Gogh rev + 0x01), amdgpu_drm.h (AMDGPU_FAMILY_NV 143, AMDGPU_FAMILY_VGH 144); gfx_ip as the kernel's
 * discovery names GC (10.3.0, 10.3.1). Units: AMD's product pages (RX 6800: 60 compute units on four shader engines of
 * two arrays of ten; Van Gogh: 8 on one). Waves and registers a SIMD: LLVM, AMDGPUBaseInfo.cpp (gfx10.3: 16 waves, 1024
 * VGPRs in wave32, granule 16).
 */
#include "internal.h"

#include <string.h>

#define KIB 1024u
#define GIB (1024ull * 1024 * 1024)

static const struct gpu_target targets[] = {
	{
		.name = "gfx1030",
		.marketing = "AMD Radeon RX 6800 (software)",
		.pci_device = 0x73bf,
		.pci_revision = 0xc3,
		.family = 143,
		.chip_rev = 0,
		.external_rev = 0x28,
		.gfx_ip = 0x0a0300,
		.num_se = 4,
		.num_sa_per_se = 2,
		.num_cu_per_sa = 10,
		.cu_bitmap = {{0xff, 0xff}, {0xff, 0xff}, {0xff, 0xff}, {0x3f, 0x3f}},
		.simds_per_cu = 2,
		.waves_per_simd = 16,
		.vgprs_per_simd = 1024,
		.vgpr_granule32 = 16,
		.lds_per_wgp_B = 128 * KIB,
		.lds_max_per_wg_B = 64 * KIB,
		.vram_size_B = 16 * GIB,
		.apu = false,
	},
	{
		.name = "gfx1033",
		.marketing = "AMD Custom GPU 0405 (software)",
		.pci_device = 0x163f,
		.pci_revision = 0xae,
		.family = 144,
		.chip_rev = 0,
		.external_rev = 0x01,
		.gfx_ip = 0x0a0301,
		.num_se = 1,
		.num_sa_per_se = 1,
		.num_cu_per_sa = 8,
		.cu_bitmap = {{0xff}},
		.simds_per_cu = 2,
		.waves_per_simd = 16,
		.vgprs_per_simd = 1024,
		.vgpr_granule32 = 16,
		.lds_per_wgp_B = 128 * KIB,
		.lds_max_per_wg_B = 64 * KIB,
		.vram_size_B = 1 * GIB,
		.apu = true,
	},
};

static const struct {
	const char *alias, *name;
} aliases[] = {{"navi21", "gfx1030"}, {"vangogh", "gfx1033"}};

const struct gpu_target *gpu_target_find(const char *name)
{
	if (!name)
		return NULL;
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (!strcmp(aliases[i].alias, name))
			name = aliases[i].name;
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		if (!strcmp(targets[i].name, name))
			return &targets[i];
	return NULL;
}

const struct gpu_target *gpu_target_at(unsigned i)
{
	return i < sizeof(targets) / sizeof(targets[0]) ? &targets[i] : NULL;
}

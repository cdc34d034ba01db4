/* SPDX-License-Identifier: MIT */
/* table_mem_smem.c - rows of SMEM, gfx10.3. */
#include "gpu/isa/mem.h"
#include "gpu/isa/tables.h"

/* src[0] is the base (an SGPR pair or a V#), src[3] the offset register. */
#define LOAD(op, name, t, n)                                                                                           \
	{                                                                                                              \
		op, GPU_SMEM, GPU_O_##t, 0, {GPU_O_B64, 0, 0, GPU_O_B32}, GPU_OPF_LOAD, name, mem_s_load, n            \
	}
#define BUFFER(op, name, t, n)                                                                                         \
	{                                                                                                              \
		op, GPU_SMEM, GPU_O_##t, 0, {GPU_O_B128, 0, 0, GPU_O_B32}, GPU_OPF_LOAD, name, mem_s_buffer_load, n    \
	}

const struct gpu_op gpu_gfx10_3_smem[] = {
	LOAD(0x00, "s_load_dword", B32, 1),
	LOAD(0x01, "s_load_dwordx2", B64, 2),
	LOAD(0x02, "s_load_dwordx4", B128, 4),
	LOAD(0x03, "s_load_dwordx8", B256, 8),
	LOAD(0x04, "s_load_dwordx16", B512, 16),
	BUFFER(0x08, "s_buffer_load_dword", B32, 1),
	BUFFER(0x09, "s_buffer_load_dwordx2", B64, 2),
	BUFFER(0x0a, "s_buffer_load_dwordx4", B128, 4),
	BUFFER(0x0b, "s_buffer_load_dwordx8", B256, 8),
	BUFFER(0x0c, "s_buffer_load_dwordx16", B512, 16),
	{0x1f, GPU_SMEM, 0, 0, {0}, 0, "s_gl1_inv", mem_cache_nop, 0},
	{0x20, GPU_SMEM, 0, 0, {0}, 0, "s_dcache_inv", mem_cache_nop, 0},
	{0x24, GPU_SMEM, GPU_O_B64, 0, {0}, GPU_OPF_LOAD, "s_memtime", mem_s_time, 0},
	{0x25, GPU_SMEM, GPU_O_B64, 0, {0}, GPU_OPF_LOAD, "s_memrealtime", mem_s_time, 1},
	{0x26, GPU_SMEM, 0, 0, {GPU_O_B64, 0, 0, GPU_O_B32}, 0, "s_atc_probe", mem_s_probe, 0},
	{0x27, GPU_SMEM, 0, 0, {GPU_O_B128, 0, 0, GPU_O_B32}, 0, "s_atc_probe_buffer", mem_s_probe, 1},
};
GPU_TABLE_COUNT(smem);

/* SPDX-License-Identifier: MIT */
/* regs.h - register offsets as constants, register files, fields. */
#ifndef DF_GPU_REGS_H
#define DF_GPU_REGS_H

#include "regs_gfx10_3.h"

#include <stdbool.h>
#include <stdint.h>

#define GPU_REG_CONSTANT(offset, name) GPU_R_##name = offset,
enum gpu_reg_offset { GPU_REGS_CONFIG(GPU_REG_CONSTANT) GPU_REGS_SH(GPU_REG_CONSTANT) };
#undef GPU_REG_CONSTANT

/* A field of a packet or register: GPU_FIELD(value, name) with name_SHIFT and name_BITS. */
#define GPU_FIELD(value, field)                ((uint32_t)((value) >> field##_SHIFT & ((1ull << field##_BITS) - 1)))
#define GPU_FIELD_MASK(field)                  ((uint32_t)(((1ull << field##_BITS) - 1) << field##_SHIFT))
#define GPU_FIELD_CONSTANTS(name, shift, bits) name##_SHIFT = (shift), name##_BITS = (bits),

/* Blocks of registers that SET_*_REG packets address, byte offsets (nvd.h, PACKET3_SET_*_REG_START and _END, times 4).
 */
enum gpu_reg_block { GPU_BLOCK_CONFIG, GPU_BLOCK_SH, GPU_BLOCK_CONTEXT, GPU_BLOCK_UCONFIG, GPU_BLOCKS };
enum {
	GPU_CONFIG_START = 0x8000,
	GPU_CONFIG_END = 0xb000,
	GPU_SH_START = 0xb000,
	GPU_SH_END = 0xc000,
	GPU_CONTEXT_START = 0x28000,
	GPU_CONTEXT_END = 0x29000,
	GPU_UCONFIG_START = 0x30000,
	GPU_UCONFIG_END = 0x40000,
};

struct gpu_regs {
	uint32_t config[(GPU_CONFIG_END - GPU_CONFIG_START) / 4];
	uint32_t sh[(GPU_SH_END - GPU_SH_START) / 4];
	uint32_t context[(GPU_CONTEXT_END - GPU_CONTEXT_START) / 4];
	uint32_t uconfig[(GPU_UCONFIG_END - GPU_UCONFIG_START) / 4];
};

/* Name of the register at a byte offset, NULL when gfx10.3 has none there. */
const char *gpu_reg_name(uint32_t offset);
/* Where a register is kept, NULL when there is none. */
uint32_t *gpu_reg_slot(struct gpu_regs *regs, uint32_t offset);

static inline uint32_t gpu_sh_reg(const struct gpu_regs *regs, uint32_t offset)
{
	return regs->sh[(offset - GPU_SH_START) / 4];
}

/* Fields of the compute registers; Mesa 22.3.6, src/amd/registers/gfx103.json. */
/* clang-format off */
#define GPU_COMPUTE_FIELDS(F) \
	F(INITIATOR_COMPUTE_SHADER_EN, 0, 1) F(INITIATOR_PARTIAL_TG_EN, 1, 1) \
	F(INITIATOR_FORCE_START_AT_000, 2, 1) F(INITIATOR_ORDERED_APPEND_ENBL, 3, 1) \
	F(INITIATOR_ORDERED_APPEND_MODE, 4, 1) F(INITIATOR_USE_THREAD_DIMENSIONS, 5, 1) \
	F(INITIATOR_ORDER_MODE, 6, 1) F(INITIATOR_SCALAR_L1_INV_VOL, 10, 1) \
	F(INITIATOR_VECTOR_L1_INV_VOL, 11, 1) F(INITIATOR_RESERVED, 12, 1) F(INITIATOR_TUNNEL_ENABLE, 13, 1) \
	F(INITIATOR_RESTORE, 14, 1) F(INITIATOR_CS_W32_EN, 15, 1) F(INITIATOR_UNUSED_7, 7, 3) \
	F(INITIATOR_UNUSED_16, 16, 16) F(RSRC1_VGPRS, 0, 6) F(RSRC1_SGPRS, 6, 4) F(RSRC1_PRIORITY, 10, 2) \
	F(RSRC1_FLOAT_MODE, 12, 8) F(RSRC1_PRIV, 20, 1) F(RSRC1_DX10_CLAMP, 21, 1) F(RSRC1_UNUSED_22, 22, 1) \
	F(RSRC1_IEEE_MODE, 23, 1) F(RSRC1_BULKY, 24, 1) F(RSRC1_UNUSED_25, 25, 1) F(RSRC1_FP16_OVFL, 26, 1) \
	F(RSRC1_UNUSED_27, 27, 2) F(RSRC1_WGP_MODE, 29, 1) F(RSRC1_MEM_ORDERED, 30, 1) \
	F(RSRC1_FWD_PROGRESS, 31, 1) F(RSRC2_SCRATCH_EN, 0, 1) F(RSRC2_USER_SGPR, 1, 5) \
	F(RSRC2_TRAP_PRESENT, 6, 1) F(RSRC2_TGID_X_EN, 7, 1) F(RSRC2_TGID_Y_EN, 8, 1) F(RSRC2_TGID_Z_EN, 9, 1) \
	F(RSRC2_TG_SIZE_EN, 10, 1) F(RSRC2_TIDIG_COMP_CNT, 11, 2) F(RSRC2_EXCP_EN_MSB, 13, 2) \
	F(RSRC2_LDS_SIZE, 15, 9) F(RSRC2_EXCP_EN, 24, 7) F(RSRC2_UNUSED_31, 31, 1) \
	F(RSRC3_SHARED_VGPR_CNT, 0, 4) F(TMPRING_WAVES, 0, 12) F(TMPRING_WAVESIZE, 12, 13) \
	F(TMPRING_UNUSED_25, 25, 7) F(NUM_THREAD_FULL, 0, 16) F(NUM_THREAD_PARTIAL, 16, 16) F(PGM_HI_DATA, 0, 8) \
	F(PGM_HI_UNUSED_8, 8, 24) F(DESTINATION_SA0, 0, 16) F(DESTINATION_SA1, 16, 16)
/* clang-format on */
enum gpu_compute_field { GPU_COMPUTE_FIELDS(GPU_FIELD_CONSTANTS) };

#endif

/* SPDX-License-Identifier: MIT */
/*
 * table_vop2.c: vector operations of two sources. Bit 16 of data: the constant is the second factor (v_fmamk).
 */
#include "gpu/isa/lane_list.h"
#include "gpu/isa/tables.h"
#include "gpu/isa/tables_exec.h"

/* clang-format off */
const struct gpu_op gpu_gfx10_3_vop2[] = {
	{0x01, GPU_VOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_F32, GPU_O_F32, GPU_O_MASK}, GPU_OPF_READS_VCC, "v_cndmask_b32", gpu_valu, GPU_L_INT_cndmask_b32},
	{0x02, GPU_VOP2, GPU_O_F32, GPU_O_NONE, {GPU_O_V2F16, GPU_O_V2F16}, GPU_OPF_READS_DST | GPU_OPF_NO_SDWA | GPU_OPF_NO_VOP3, "v_dot2c_f32_f16", gpu_valu, GPU_L_PK_dot2c_f32_f16},
	{0x03, GPU_VOP2, GPU_O_F32, GPU_O_NONE, {GPU_O_F32, GPU_O_F32}, 0, "v_add_f32", gpu_valu, GPU_L_F32_add_f32},
	{0x04, GPU_VOP2, GPU_O_F32, GPU_O_NONE, {GPU_O_F32, GPU_O_F32}, 0, "v_sub_f32", gpu_valu, GPU_L_F32_sub_f32},
	{0x05, GPU_VOP2, GPU_O_F32, GPU_O_NONE, {GPU_O_F32, GPU_O_F32}, 0, "v_subrev_f32", gpu_valu, GPU_L_F32_subrev_f32},
	{0x06, GPU_VOP2, GPU_O_F32, GPU_O_NONE, {GPU_O_F32, GPU_O_F32}, GPU_OPF_READS_DST | GPU_OPF_NO_DPP | GPU_OPF_NO_SDWA, "v_fmac_legacy_f32", gpu_valu, GPU_L_F32_fmac_legacy_f32},
	{0x07, GPU_VOP2, GPU_O_F32, GPU_O_NONE, {GPU_O_F32, GPU_O_F32}, 0, "v_mul_legacy_f32", gpu_valu, GPU_L_F32_mul_legacy_f32},
	{0x08, GPU_VOP2, GPU_O_F32, GPU_O_NONE, {GPU_O_F32, GPU_O_F32}, 0, "v_mul_f32", gpu_valu, GPU_L_F32_mul_f32},
	{0x09, GPU_VOP2, GPU_O_I32, GPU_O_NONE, {GPU_O_I32, GPU_O_I32}, 0, "v_mul_i32_i24", gpu_valu, GPU_L_INT_mul_i32_i24},
	{0x0a, GPU_VOP2, GPU_O_I32, GPU_O_NONE, {GPU_O_I32, GPU_O_I32}, 0, "v_mul_hi_i32_i24", gpu_valu, GPU_L_INT_mul_hi_i32_i24},
	{0x0b, GPU_VOP2, GPU_O_U32, GPU_O_NONE, {GPU_O_U32, GPU_O_U32}, 0, "v_mul_u32_u24", gpu_valu, GPU_L_INT_mul_u32_u24},
	{0x0c, GPU_VOP2, GPU_O_U32, GPU_O_NONE, {GPU_O_U32, GPU_O_U32}, 0, "v_mul_hi_u32_u24", gpu_valu, GPU_L_INT_mul_hi_u32_u24},
	{0x0d, GPU_VOP2, GPU_O_I32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_READS_DST | GPU_OPF_NO_SDWA | GPU_OPF_NO_VOP3, "v_dot4c_i32_i8", gpu_valu, GPU_L_PK_dot4c_i32_i8},
	{0x0f, GPU_VOP2, GPU_O_F32, GPU_O_NONE, {GPU_O_F32, GPU_O_F32}, 0, "v_min_f32", gpu_valu, GPU_L_F32_min_f32},
	{0x10, GPU_VOP2, GPU_O_F32, GPU_O_NONE, {GPU_O_F32, GPU_O_F32}, 0, "v_max_f32", gpu_valu, GPU_L_F32_max_f32},
	{0x11, GPU_VOP2, GPU_O_I32, GPU_O_NONE, {GPU_O_I32, GPU_O_I32}, 0, "v_min_i32", gpu_valu, GPU_L_INT_min_i32},
	{0x12, GPU_VOP2, GPU_O_I32, GPU_O_NONE, {GPU_O_I32, GPU_O_I32}, 0, "v_max_i32", gpu_valu, GPU_L_INT_max_i32},
	{0x13, GPU_VOP2, GPU_O_U32, GPU_O_NONE, {GPU_O_U32, GPU_O_U32}, 0, "v_min_u32", gpu_valu, GPU_L_INT_min_u32},
	{0x14, GPU_VOP2, GPU_O_U32, GPU_O_NONE, {GPU_O_U32, GPU_O_U32}, 0, "v_max_u32", gpu_valu, GPU_L_INT_max_u32},
	{0x16, GPU_VOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, 0, "v_lshrrev_b32", gpu_valu, GPU_L_INT_lshrrev_b32},
	{0x18, GPU_VOP2, GPU_O_I32, GPU_O_NONE, {GPU_O_B32, GPU_O_I32}, 0, "v_ashrrev_i32", gpu_valu, GPU_L_INT_ashrrev_i32},
	{0x1a, GPU_VOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, 0, "v_lshlrev_b32", gpu_valu, GPU_L_INT_lshlrev_b32},
	{0x1b, GPU_VOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, 0, "v_and_b32", gpu_valu, GPU_L_INT_and_b32},
	{0x1c, GPU_VOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, 0, "v_or_b32", gpu_valu, GPU_L_INT_or_b32},
	{0x1d, GPU_VOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, 0, "v_xor_b32", gpu_valu, GPU_L_INT_xor_b32},
	{0x1e, GPU_VOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, 0, "v_xnor_b32", gpu_valu, GPU_L_INT_xnor_b32},
	{0x25, GPU_VOP2, GPU_O_U32, GPU_O_NONE, {GPU_O_U32, GPU_O_U32}, 0, "v_add_nc_u32", gpu_valu, GPU_L_INT_add_nc_u32},
	{0x26, GPU_VOP2, GPU_O_U32, GPU_O_NONE, {GPU_O_U32, GPU_O_U32}, 0, "v_sub_nc_u32", gpu_valu, GPU_L_INT_sub_nc_u32},
	{0x27, GPU_VOP2, GPU_O_U32, GPU_O_NONE, {GPU_O_U32, GPU_O_U32}, 0, "v_subrev_nc_u32", gpu_valu, GPU_L_INT_subrev_nc_u32},
	{0x28, GPU_VOP2, GPU_O_U32, GPU_O_MASK, {GPU_O_U32, GPU_O_U32, GPU_O_MASK}, GPU_OPF_READS_VCC | GPU_OPF_WRITES_VCC, "v_add_co_ci_u32", gpu_valu, GPU_L_INT_add_co_ci_u32},
	{0x29, GPU_VOP2, GPU_O_U32, GPU_O_MASK, {GPU_O_U32, GPU_O_U32, GPU_O_MASK}, GPU_OPF_READS_VCC | GPU_OPF_WRITES_VCC, "v_sub_co_ci_u32", gpu_valu, GPU_L_INT_sub_co_ci_u32},
	{0x2a, GPU_VOP2, GPU_O_U32, GPU_O_MASK, {GPU_O_U32, GPU_O_U32, GPU_O_MASK}, GPU_OPF_READS_VCC | GPU_OPF_WRITES_VCC, "v_subrev_co_ci_u32", gpu_valu, GPU_L_INT_subrev_co_ci_u32},
	{0x2b, GPU_VOP2, GPU_O_F32, GPU_O_NONE, {GPU_O_F32, GPU_O_F32}, GPU_OPF_READS_DST | GPU_OPF_NO_SDWA, "v_fmac_f32", gpu_valu, GPU_L_F32_fmac_f32},
	{0x2c, GPU_VOP2, GPU_O_F32, GPU_O_NONE, {GPU_O_F32, GPU_O_F32, GPU_O_F32}, GPU_OPF_LITERAL | GPU_OPF_NO_DPP | GPU_OPF_NO_SDWA | GPU_OPF_NO_VOP3, "v_fmamk_f32", gpu_valu, GPU_L_F32_fma_f32 | 1 << 16},
	{0x2d, GPU_VOP2, GPU_O_F32, GPU_O_NONE, {GPU_O_F32, GPU_O_F32, GPU_O_F32}, GPU_OPF_LITERAL | GPU_OPF_NO_DPP | GPU_OPF_NO_SDWA | GPU_OPF_NO_VOP3, "v_fmaak_f32", gpu_valu, GPU_L_F32_fma_f32},
	{0x2f, GPU_VOP2, GPU_O_V2F16, GPU_O_NONE, {GPU_O_F32, GPU_O_F32}, 0, "v_cvt_pkrtz_f16_f32", gpu_valu, GPU_L_F16_cvt_pkrtz_f16_f32},
	{0x32, GPU_VOP2, GPU_O_F16, GPU_O_NONE, {GPU_O_F16, GPU_O_F16}, 0, "v_add_f16", gpu_valu, GPU_L_F16_add_f16},
	{0x33, GPU_VOP2, GPU_O_F16, GPU_O_NONE, {GPU_O_F16, GPU_O_F16}, 0, "v_sub_f16", gpu_valu, GPU_L_F16_sub_f16},
	{0x34, GPU_VOP2, GPU_O_F16, GPU_O_NONE, {GPU_O_F16, GPU_O_F16}, 0, "v_subrev_f16", gpu_valu, GPU_L_F16_subrev_f16},
	{0x35, GPU_VOP2, GPU_O_F16, GPU_O_NONE, {GPU_O_F16, GPU_O_F16}, 0, "v_mul_f16", gpu_valu, GPU_L_F16_mul_f16},
	{0x36, GPU_VOP2, GPU_O_F16, GPU_O_NONE, {GPU_O_F16, GPU_O_F16}, GPU_OPF_READS_DST | GPU_OPF_NO_SDWA, "v_fmac_f16", gpu_valu, GPU_L_F16_fmac_f16},
	{0x37, GPU_VOP2, GPU_O_F16, GPU_O_NONE, {GPU_O_F16, GPU_O_F16, GPU_O_F16}, GPU_OPF_LITERAL | GPU_OPF_NO_DPP | GPU_OPF_NO_SDWA | GPU_OPF_NO_VOP3, "v_fmamk_f16", gpu_valu, GPU_L_F16_fma_f16 | 1 << 16},
	{0x38, GPU_VOP2, GPU_O_F16, GPU_O_NONE, {GPU_O_F16, GPU_O_F16, GPU_O_F16}, GPU_OPF_LITERAL | GPU_OPF_NO_DPP | GPU_OPF_NO_SDWA | GPU_OPF_NO_VOP3, "v_fmaak_f16", gpu_valu, GPU_L_F16_fma_f16},
	{0x39, GPU_VOP2, GPU_O_F16, GPU_O_NONE, {GPU_O_F16, GPU_O_F16}, 0, "v_max_f16", gpu_valu, GPU_L_F16_max_f16},
	{0x3a, GPU_VOP2, GPU_O_F16, GPU_O_NONE, {GPU_O_F16, GPU_O_F16}, 0, "v_min_f16", gpu_valu, GPU_L_F16_min_f16},
	{0x3b, GPU_VOP2, GPU_O_F16, GPU_O_NONE, {GPU_O_F16, GPU_O_I16}, 0, "v_ldexp_f16", gpu_valu, GPU_L_F16_ldexp_f16},
	{0x3c, GPU_VOP2, GPU_O_V2F16, GPU_O_NONE, {GPU_O_V2F16, GPU_O_V2F16}, GPU_OPF_READS_DST | GPU_OPF_NO_DPP | GPU_OPF_NO_SDWA | GPU_OPF_NO_VOP3, "v_pk_fmac_f16", gpu_valu, GPU_L_PK_pk_fmac_f16},
};
/* clang-format on */

GPU_TABLE_COUNT(vop2);

/* SPDX-License-Identifier: MIT */
/*
 * table_vop3p.c: packed, mixed-precision and dot-product operations.
 */
#include "gpu/isa/lane_list.h"
#include "gpu/isa/tables.h"
#include "gpu/isa/tables_exec.h"

/* clang-format off */
const struct gpu_op gpu_gfx10_3_vop3p[] = {
	{0x00, GPU_VOP3P, GPU_O_V2I16, GPU_O_NONE, {GPU_O_V2I16, GPU_O_V2I16, GPU_O_V2I16}, 0, "v_pk_mad_i16", gpu_valu, GPU_L_PK_pk_mad_i16},
	{0x01, GPU_VOP3P, GPU_O_V2I16, GPU_O_NONE, {GPU_O_V2I16, GPU_O_V2I16}, 0, "v_pk_mul_lo_u16", gpu_valu, GPU_L_PK_pk_mul_lo_u16},
	{0x02, GPU_VOP3P, GPU_O_V2I16, GPU_O_NONE, {GPU_O_V2I16, GPU_O_V2I16}, 0, "v_pk_add_i16", gpu_valu, GPU_L_PK_pk_add_i16},
	{0x03, GPU_VOP3P, GPU_O_V2I16, GPU_O_NONE, {GPU_O_V2I16, GPU_O_V2I16}, 0, "v_pk_sub_i16", gpu_valu, GPU_L_PK_pk_sub_i16},
	{0x04, GPU_VOP3P, GPU_O_V2I16, GPU_O_NONE, {GPU_O_V2I16, GPU_O_V2I16}, 0, "v_pk_lshlrev_b16", gpu_valu, GPU_L_PK_pk_lshlrev_b16},
	{0x05, GPU_VOP3P, GPU_O_V2I16, GPU_O_NONE, {GPU_O_V2I16, GPU_O_V2I16}, 0, "v_pk_lshrrev_b16", gpu_valu, GPU_L_PK_pk_lshrrev_b16},
	{0x06, GPU_VOP3P, GPU_O_V2I16, GPU_O_NONE, {GPU_O_V2I16, GPU_O_V2I16}, 0, "v_pk_ashrrev_i16", gpu_valu, GPU_L_PK_pk_ashrrev_i16},
	{0x07, GPU_VOP3P, GPU_O_V2I16, GPU_O_NONE, {GPU_O_V2I16, GPU_O_V2I16}, 0, "v_pk_max_i16", gpu_valu, GPU_L_PK_pk_max_i16},
	{0x08, GPU_VOP3P, GPU_O_V2I16, GPU_O_NONE, {GPU_O_V2I16, GPU_O_V2I16}, 0, "v_pk_min_i16", gpu_valu, GPU_L_PK_pk_min_i16},
	{0x09, GPU_VOP3P, GPU_O_V2I16, GPU_O_NONE, {GPU_O_V2I16, GPU_O_V2I16, GPU_O_V2I16}, 0, "v_pk_mad_u16", gpu_valu, GPU_L_PK_pk_mad_u16},
	{0x0a, GPU_VOP3P, GPU_O_V2I16, GPU_O_NONE, {GPU_O_V2I16, GPU_O_V2I16}, 0, "v_pk_add_u16", gpu_valu, GPU_L_PK_pk_add_u16},
	{0x0b, GPU_VOP3P, GPU_O_V2I16, GPU_O_NONE, {GPU_O_V2I16, GPU_O_V2I16}, 0, "v_pk_sub_u16", gpu_valu, GPU_L_PK_pk_sub_u16},
	{0x0c, GPU_VOP3P, GPU_O_V2I16, GPU_O_NONE, {GPU_O_V2I16, GPU_O_V2I16}, 0, "v_pk_max_u16", gpu_valu, GPU_L_PK_pk_max_u16},
	{0x0d, GPU_VOP3P, GPU_O_V2I16, GPU_O_NONE, {GPU_O_V2I16, GPU_O_V2I16}, 0, "v_pk_min_u16", gpu_valu, GPU_L_PK_pk_min_u16},
	{0x0e, GPU_VOP3P, GPU_O_V2F16, GPU_O_NONE, {GPU_O_V2F16, GPU_O_V2F16, GPU_O_V2F16}, 0, "v_pk_fma_f16", gpu_valu, GPU_L_PK_pk_fma_f16},
	{0x0f, GPU_VOP3P, GPU_O_V2F16, GPU_O_NONE, {GPU_O_V2F16, GPU_O_V2F16}, 0, "v_pk_add_f16", gpu_valu, GPU_L_PK_pk_add_f16},
	{0x10, GPU_VOP3P, GPU_O_V2F16, GPU_O_NONE, {GPU_O_V2F16, GPU_O_V2F16}, 0, "v_pk_mul_f16", gpu_valu, GPU_L_PK_pk_mul_f16},
	{0x11, GPU_VOP3P, GPU_O_V2F16, GPU_O_NONE, {GPU_O_V2F16, GPU_O_V2F16}, 0, "v_pk_min_f16", gpu_valu, GPU_L_PK_pk_min_f16},
	{0x12, GPU_VOP3P, GPU_O_V2F16, GPU_O_NONE, {GPU_O_V2F16, GPU_O_V2F16}, 0, "v_pk_max_f16", gpu_valu, GPU_L_PK_pk_max_f16},
	{0x13, GPU_VOP3P, GPU_O_F32, GPU_O_NONE, {GPU_O_V2F16, GPU_O_V2F16, GPU_O_F32}, 0, "v_dot2_f32_f16", gpu_valu, GPU_L_PK_dot2_f32_f16},
	{0x14, GPU_VOP3P, GPU_O_I32, GPU_O_NONE, {GPU_O_V2I16, GPU_O_V2I16, GPU_O_I32}, 0, "v_dot2_i32_i16", gpu_valu, GPU_L_PK_dot2_i32_i16},
	{0x15, GPU_VOP3P, GPU_O_U32, GPU_O_NONE, {GPU_O_V2I16, GPU_O_V2I16, GPU_O_U32}, 0, "v_dot2_u32_u16", gpu_valu, GPU_L_PK_dot2_u32_u16},
	{0x16, GPU_VOP3P, GPU_O_I32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32, GPU_O_I32}, 0, "v_dot4_i32_i8", gpu_valu, GPU_L_PK_dot4_i32_i8},
	{0x17, GPU_VOP3P, GPU_O_U32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32, GPU_O_U32}, 0, "v_dot4_u32_u8", gpu_valu, GPU_L_PK_dot4_u32_u8},
	{0x18, GPU_VOP3P, GPU_O_I32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32, GPU_O_I32}, 0, "v_dot8_i32_i4", gpu_valu, GPU_L_PK_dot8_i32_i4},
	{0x19, GPU_VOP3P, GPU_O_U32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32, GPU_O_U32}, 0, "v_dot8_u32_u4", gpu_valu, GPU_L_PK_dot8_u32_u4},
	{0x20, GPU_VOP3P, GPU_O_F32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32, GPU_O_B32}, 0, "v_fma_mix_f32", gpu_valu, GPU_L_PK_fma_mix_f32},
	{0x21, GPU_VOP3P, GPU_O_F16, GPU_O_NONE, {GPU_O_B32, GPU_O_B32, GPU_O_B32}, 0, "v_fma_mixlo_f16", gpu_valu, GPU_L_PK_fma_mixlo_f16},
	{0x22, GPU_VOP3P, GPU_O_F16, GPU_O_NONE, {GPU_O_B32, GPU_O_B32, GPU_O_B32}, 0, "v_fma_mixhi_f16", gpu_valu, GPU_L_PK_fma_mixhi_f16},
};
/* clang-format on */

GPU_TABLE_COUNT(vop3p);

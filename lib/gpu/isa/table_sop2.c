/* SPDX-License-Identifier: MIT */
/*
 * table_sop2.c: scalar operations of two sources.
 */
#include "gpu/isa/lane_list.h"
#include "gpu/isa/tables.h"
#include "gpu/isa/tables_exec.h"

/* clang-format off */
const struct gpu_op gpu_gfx10_3_sop2[] = {
	{0x00, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_add_u32", gpu_s_add_u32, 0},
	{0x01, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_sub_u32", gpu_s_sub_u32, 0},
	{0x02, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_add_i32", gpu_s_add_i32, 0},
	{0x03, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_sub_i32", gpu_s_sub_i32, 0},
	{0x04, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC | GPU_OPF_READS_SCC, "s_addc_u32", gpu_s_addc_u32, 0},
	{0x05, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC | GPU_OPF_READS_SCC, "s_subb_u32", gpu_s_subb_u32, 0},
	{0x06, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_min_i32", gpu_s_min_i32, 0},
	{0x07, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_min_u32", gpu_s_min_u32, 0},
	{0x08, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_max_i32", gpu_s_max_i32, 0},
	{0x09, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_max_u32", gpu_s_max_u32, 0},
	{0x0a, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_READS_SCC, "s_cselect_b32", gpu_s_cselect_b32, 0},
	{0x0b, GPU_SOP2, GPU_O_B64, GPU_O_NONE, {GPU_O_B64, GPU_O_B64}, GPU_OPF_READS_SCC, "s_cselect_b64", gpu_s_cselect_b64, 0},
	{0x0e, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_and_b32", gpu_s_and_b32, 0},
	{0x0f, GPU_SOP2, GPU_O_B64, GPU_O_NONE, {GPU_O_B64, GPU_O_B64}, GPU_OPF_WRITES_SCC, "s_and_b64", gpu_s_and_b64, 0},
	{0x10, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_or_b32", gpu_s_or_b32, 0},
	{0x11, GPU_SOP2, GPU_O_B64, GPU_O_NONE, {GPU_O_B64, GPU_O_B64}, GPU_OPF_WRITES_SCC, "s_or_b64", gpu_s_or_b64, 0},
	{0x12, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_xor_b32", gpu_s_xor_b32, 0},
	{0x13, GPU_SOP2, GPU_O_B64, GPU_O_NONE, {GPU_O_B64, GPU_O_B64}, GPU_OPF_WRITES_SCC, "s_xor_b64", gpu_s_xor_b64, 0},
	{0x14, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_andn2_b32", gpu_s_andn2_b32, 0},
	{0x15, GPU_SOP2, GPU_O_B64, GPU_O_NONE, {GPU_O_B64, GPU_O_B64}, GPU_OPF_WRITES_SCC, "s_andn2_b64", gpu_s_andn2_b64, 0},
	{0x16, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_orn2_b32", gpu_s_orn2_b32, 0},
	{0x17, GPU_SOP2, GPU_O_B64, GPU_O_NONE, {GPU_O_B64, GPU_O_B64}, GPU_OPF_WRITES_SCC, "s_orn2_b64", gpu_s_orn2_b64, 0},
	{0x18, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_nand_b32", gpu_s_nand_b32, 0},
	{0x19, GPU_SOP2, GPU_O_B64, GPU_O_NONE, {GPU_O_B64, GPU_O_B64}, GPU_OPF_WRITES_SCC, "s_nand_b64", gpu_s_nand_b64, 0},
	{0x1a, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_nor_b32", gpu_s_nor_b32, 0},
	{0x1b, GPU_SOP2, GPU_O_B64, GPU_O_NONE, {GPU_O_B64, GPU_O_B64}, GPU_OPF_WRITES_SCC, "s_nor_b64", gpu_s_nor_b64, 0},
	{0x1c, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_xnor_b32", gpu_s_xnor_b32, 0},
	{0x1d, GPU_SOP2, GPU_O_B64, GPU_O_NONE, {GPU_O_B64, GPU_O_B64}, GPU_OPF_WRITES_SCC, "s_xnor_b64", gpu_s_xnor_b64, 0},
	{0x1e, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_lshl_b32", gpu_s_lshl_b32, 0},
	{0x1f, GPU_SOP2, GPU_O_B64, GPU_O_NONE, {GPU_O_B64, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_lshl_b64", gpu_s_lshl_b64, 0},
	{0x20, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_lshr_b32", gpu_s_lshr_b32, 0},
	{0x21, GPU_SOP2, GPU_O_B64, GPU_O_NONE, {GPU_O_B64, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_lshr_b64", gpu_s_lshr_b64, 0},
	{0x22, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_ashr_i32", gpu_s_ashr_i32, 0},
	{0x23, GPU_SOP2, GPU_O_I64, GPU_O_NONE, {GPU_O_I64, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_ashr_i64", gpu_s_ashr_i64, 0},
	{0x24, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, 0, "s_bfm_b32", gpu_s_bfm_b32, 0},
	{0x25, GPU_SOP2, GPU_O_B64, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, 0, "s_bfm_b64", gpu_s_bfm_b64, 0},
	{0x26, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, 0, "s_mul_i32", gpu_s_mul_i32, 0},
	{0x27, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_bfe_u32", gpu_s_bfe_u32, 0},
	{0x28, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_bfe_i32", gpu_s_bfe_i32, 0},
	{0x29, GPU_SOP2, GPU_O_B64, GPU_O_NONE, {GPU_O_B64, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_bfe_u64", gpu_s_bfe_u64, 0},
	{0x2a, GPU_SOP2, GPU_O_I64, GPU_O_NONE, {GPU_O_I64, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_bfe_i64", gpu_s_bfe_i64, 0},
	{0x2c, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_absdiff_i32", gpu_s_absdiff_i32, 0},
	{0x2e, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_lshl1_add_u32", gpu_s_lshl1_add_u32, 0},
	{0x2f, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_lshl2_add_u32", gpu_s_lshl2_add_u32, 0},
	{0x30, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_lshl3_add_u32", gpu_s_lshl3_add_u32, 0},
	{0x31, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_lshl4_add_u32", gpu_s_lshl4_add_u32, 0},
	{0x32, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, 0, "s_pack_ll_b32_b16", gpu_s_pack_ll_b32_b16, 0},
	{0x33, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, 0, "s_pack_lh_b32_b16", gpu_s_pack_lh_b32_b16, 0},
	{0x34, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, 0, "s_pack_hh_b32_b16", gpu_s_pack_hh_b32_b16, 0},
	{0x35, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, 0, "s_mul_hi_u32", gpu_s_mul_hi_u32, 0},
	{0x36, GPU_SOP2, GPU_O_B32, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, 0, "s_mul_hi_i32", gpu_s_mul_hi_i32, 0},
};
/* clang-format on */

GPU_TABLE_COUNT(sop2);

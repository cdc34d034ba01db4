/* SPDX-License-Identifier: MIT */
/*
 * table_sopk.c: scalar operations with a 16-bit constant.
 */
#include "gpu/isa/lane_list.h"
#include "gpu/isa/tables.h"
#include "gpu/isa/tables_exec.h"

/* clang-format off */
const struct gpu_op gpu_gfx10_3_sopk[] = {
	{0x00, GPU_SOPK, GPU_O_B32, GPU_O_NONE, {0}, 0, "s_movk_i32", gpu_s_movk_i32, 0},
	{0x01, GPU_SOPK, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_version", gpu_s_nop, 0},
	{0x02, GPU_SOPK, GPU_O_B32, GPU_O_NONE, {GPU_O_B32}, GPU_OPF_READS_SCC | GPU_OPF_READS_DST, "s_cmovk_i32", gpu_s_cmovk_i32, 0},
	{0x03, GPU_SOPK, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmpk_eq_i32", gpu_s_cmpk_eq_i32, 0},
	{0x04, GPU_SOPK, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmpk_lg_i32", gpu_s_cmpk_lg_i32, 0},
	{0x05, GPU_SOPK, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmpk_gt_i32", gpu_s_cmpk_gt_i32, 0},
	{0x06, GPU_SOPK, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmpk_ge_i32", gpu_s_cmpk_ge_i32, 0},
	{0x07, GPU_SOPK, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmpk_lt_i32", gpu_s_cmpk_lt_i32, 0},
	{0x08, GPU_SOPK, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmpk_le_i32", gpu_s_cmpk_le_i32, 0},
	{0x09, GPU_SOPK, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmpk_eq_u32", gpu_s_cmpk_eq_u32, 0},
	{0x0a, GPU_SOPK, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmpk_lg_u32", gpu_s_cmpk_lg_u32, 0},
	{0x0b, GPU_SOPK, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmpk_gt_u32", gpu_s_cmpk_gt_u32, 0},
	{0x0c, GPU_SOPK, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmpk_ge_u32", gpu_s_cmpk_ge_u32, 0},
	{0x0d, GPU_SOPK, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmpk_lt_u32", gpu_s_cmpk_lt_u32, 0},
	{0x0e, GPU_SOPK, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmpk_le_u32", gpu_s_cmpk_le_u32, 0},
	{0x0f, GPU_SOPK, GPU_O_B32, GPU_O_NONE, {GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_addk_i32", gpu_s_addk_i32, 0},
	{0x10, GPU_SOPK, GPU_O_B32, GPU_O_NONE, {GPU_O_B32}, 0, "s_mulk_i32", gpu_s_mulk_i32, 0},
	{0x12, GPU_SOPK, GPU_O_B32, GPU_O_NONE, {0}, 0, "s_getreg_b32", gpu_s_getreg_b32, 0},
	{0x13, GPU_SOPK, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32}, 0, "s_setreg_b32", gpu_s_setreg_b32, 0},
	{0x15, GPU_SOPK, GPU_O_NONE, GPU_O_NONE, {0}, GPU_OPF_LITERAL, "s_setreg_imm32_b32", gpu_s_setreg_imm32_b32, 0},
	{0x16, GPU_SOPK, GPU_O_B64, GPU_O_NONE, {0}, GPU_OPF_BRANCH, "s_call_b64", gpu_s_call_b64, 0},
	{0x17, GPU_SOPK, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32}, 0, "s_waitcnt_vscnt", gpu_s_nop, 0},
	{0x18, GPU_SOPK, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32}, 0, "s_waitcnt_vmcnt", gpu_s_nop, 0},
	{0x19, GPU_SOPK, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32}, 0, "s_waitcnt_expcnt", gpu_s_nop, 0},
	{0x1a, GPU_SOPK, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32}, 0, "s_waitcnt_lgkmcnt", gpu_s_nop, 0},
	{0x1b, GPU_SOPK, GPU_O_B32, GPU_O_NONE, {GPU_O_B32}, GPU_OPF_BRANCH, "s_subvector_loop_begin", gpu_s_subvector_loop_begin, 0},
	{0x1c, GPU_SOPK, GPU_O_B32, GPU_O_NONE, {GPU_O_B32}, GPU_OPF_BRANCH, "s_subvector_loop_end", gpu_s_subvector_loop_end, 0},
};
/* clang-format on */

GPU_TABLE_COUNT(sopk);

/* SPDX-License-Identifier: MIT */
/*
 * table_sopc.c: scalar compares into SCC.
 */
#include "gpu/isa/lane_list.h"
#include "gpu/isa/tables.h"
#include "gpu/isa/tables_exec.h"

/* clang-format off */
const struct gpu_op gpu_gfx10_3_sopc[] = {
	{0x00, GPU_SOPC, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmp_eq_i32", gpu_s_cmp_eq_i32, 0},
	{0x01, GPU_SOPC, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmp_lg_i32", gpu_s_cmp_lg_i32, 0},
	{0x02, GPU_SOPC, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmp_gt_i32", gpu_s_cmp_gt_i32, 0},
	{0x03, GPU_SOPC, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmp_ge_i32", gpu_s_cmp_ge_i32, 0},
	{0x04, GPU_SOPC, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmp_lt_i32", gpu_s_cmp_lt_i32, 0},
	{0x05, GPU_SOPC, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmp_le_i32", gpu_s_cmp_le_i32, 0},
	{0x06, GPU_SOPC, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmp_eq_u32", gpu_s_cmp_eq_u32, 0},
	{0x07, GPU_SOPC, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmp_lg_u32", gpu_s_cmp_lg_u32, 0},
	{0x08, GPU_SOPC, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmp_gt_u32", gpu_s_cmp_gt_u32, 0},
	{0x09, GPU_SOPC, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmp_ge_u32", gpu_s_cmp_ge_u32, 0},
	{0x0a, GPU_SOPC, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmp_lt_u32", gpu_s_cmp_lt_u32, 0},
	{0x0b, GPU_SOPC, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_cmp_le_u32", gpu_s_cmp_le_u32, 0},
	{0x0c, GPU_SOPC, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_bitcmp0_b32", gpu_s_bitcmp0_b32, 0},
	{0x0d, GPU_SOPC, GPU_O_NONE, GPU_O_NONE, {GPU_O_B32, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_bitcmp1_b32", gpu_s_bitcmp1_b32, 0},
	{0x0e, GPU_SOPC, GPU_O_NONE, GPU_O_NONE, {GPU_O_B64, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_bitcmp0_b64", gpu_s_bitcmp0_b64, 0},
	{0x0f, GPU_SOPC, GPU_O_NONE, GPU_O_NONE, {GPU_O_B64, GPU_O_B32}, GPU_OPF_WRITES_SCC, "s_bitcmp1_b64", gpu_s_bitcmp1_b64, 0},
	{0x12, GPU_SOPC, GPU_O_NONE, GPU_O_NONE, {GPU_O_B64, GPU_O_B64}, GPU_OPF_WRITES_SCC, "s_cmp_eq_u64", gpu_s_cmp_eq_u64, 0},
	{0x13, GPU_SOPC, GPU_O_NONE, GPU_O_NONE, {GPU_O_B64, GPU_O_B64}, GPU_OPF_WRITES_SCC, "s_cmp_lg_u64", gpu_s_cmp_lg_u64, 0},
};
/* clang-format on */

GPU_TABLE_COUNT(sopc);

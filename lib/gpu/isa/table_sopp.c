/* SPDX-License-Identifier: MIT */
/*
 * table_sopp.c: program control.
 */
#include "gpu/isa/lane_list.h"
#include "gpu/isa/tables.h"
#include "gpu/isa/tables_exec.h"

/* clang-format off */
const struct gpu_op gpu_gfx10_3_sopp[] = {
	{0x00, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_nop", gpu_s_nop, 0},
	{0x01, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_endpgm", gpu_s_endpgm, 0},
	{0x02, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, GPU_OPF_BRANCH, "s_branch", gpu_s_branch, 0},
	{0x03, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_wakeup", gpu_s_nop, 0},
	{0x04, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, GPU_OPF_BRANCH | GPU_OPF_READS_SCC, "s_cbranch_scc0", gpu_s_cbranch_scc0, 0},
	{0x05, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, GPU_OPF_BRANCH | GPU_OPF_READS_SCC, "s_cbranch_scc1", gpu_s_cbranch_scc1, 0},
	{0x06, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, GPU_OPF_BRANCH | GPU_OPF_READS_VCC, "s_cbranch_vccz", gpu_s_cbranch_vccz, 0},
	{0x07, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, GPU_OPF_BRANCH | GPU_OPF_READS_VCC, "s_cbranch_vccnz", gpu_s_cbranch_vccnz, 0},
	{0x08, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, GPU_OPF_BRANCH, "s_cbranch_execz", gpu_s_cbranch_execz, 0},
	{0x09, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, GPU_OPF_BRANCH, "s_cbranch_execnz", gpu_s_cbranch_execnz, 0},
	{0x0a, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_barrier", gpu_s_barrier, 0},
	{0x0b, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_setkill", gpu_s_setkill, 0},
	{0x0c, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_waitcnt", gpu_s_nop, 0},
	{0x0d, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_sethalt", gpu_s_sethalt, 0},
	{0x0e, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_sleep", gpu_s_sleep, 0},
	{0x0f, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_setprio", gpu_s_nop, 0},
	{0x10, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_sendmsg", gpu_s_sendmsg, 0},
	{0x11, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_sendmsghalt", gpu_s_sendmsg, 1},
	{0x12, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_trap", gpu_s_nop, 0},
	{0x13, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_icache_inv", gpu_s_nop, 0},
	{0x14, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_incperflevel", gpu_s_nop, 0},
	{0x15, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_decperflevel", gpu_s_nop, 0},
	{0x16, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_ttracedata", gpu_s_nop, 0},
	{0x17, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, GPU_OPF_BRANCH, "s_cbranch_cdbgsys", gpu_s_cbranch_cdbgsys, 0},
	{0x18, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, GPU_OPF_BRANCH, "s_cbranch_cdbguser", gpu_s_cbranch_cdbguser, 0},
	{0x19, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, GPU_OPF_BRANCH, "s_cbranch_cdbgsys_or_user", gpu_s_cbranch_cdbgsys_or_user, 0},
	{0x1a, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, GPU_OPF_BRANCH, "s_cbranch_cdbgsys_and_user", gpu_s_cbranch_cdbgsys_and_user, 0},
	{0x1b, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_endpgm_saved", gpu_s_endpgm, 0},
	{0x1e, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_endpgm_ordered_ps_done", gpu_s_endpgm, 0},
	{0x1f, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_code_end", gpu_s_refused, 0},
	{0x20, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_inst_prefetch", gpu_s_nop, 0},
	{0x21, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_clause", gpu_s_nop, 0},
	{0x22, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_wait_idle", gpu_s_nop, 0},
	{0x23, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_waitcnt_depctr", gpu_s_nop, 0},
	{0x24, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_round_mode", gpu_s_round_mode, 0},
	{0x25, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_denorm_mode", gpu_s_denorm_mode, 0},
	{0x28, GPU_SOPP, GPU_O_NONE, GPU_O_NONE, {0}, 0, "s_ttracedata_imm", gpu_s_nop, 0},
};
/* clang-format on */

GPU_TABLE_COUNT(sopp);

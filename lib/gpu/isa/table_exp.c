/* SPDX-License-Identifier: MIT */
/*
 * table_exp.c: exports, refused by name.
 */
#include "gpu/isa/lane_list.h"
#include "gpu/isa/tables.h"
#include "gpu/isa/tables_exec.h"

/* clang-format off */
const struct gpu_op gpu_gfx10_3_exp[] = {
	GPU_REFUSED_ROW(GPU_EXP, 0x00, "exp"),
};
/* clang-format on */

GPU_TABLE_COUNT(exp);

/* SPDX-License-Identifier: MIT */
/*
 * table_vintrp.c: interpolation, refused by name.
 */
#include "gpu/isa/lane_list.h"
#include "gpu/isa/tables.h"
#include "gpu/isa/tables_exec.h"

/* clang-format off */
const struct gpu_op gpu_gfx10_3_vintrp[] = {
	GPU_REFUSED_ROW(GPU_VINTRP, 0x00, "v_interp_p1_f32"),
	GPU_REFUSED_ROW(GPU_VINTRP, 0x01, "v_interp_p2_f32"),
	GPU_REFUSED_ROW(GPU_VINTRP, 0x02, "v_interp_mov_f32"),
};
/* clang-format on */

GPU_TABLE_COUNT(vintrp);

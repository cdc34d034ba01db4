/* SPDX-License-Identifier: MIT */
/*
 * lane_tables.h - the tables of lane functions that lanes_*.c export.
 */
#ifndef DF_GPU_ISA_LANE_TABLES_H
#define DF_GPU_ISA_LANE_TABLES_H

#include "gpu/isa/valu.h"

#define GPU_LANE_TABLES(variant)                                                                                       \
	extern const gpu_lane_fn gpu_lanes_int_##variant[], gpu_lanes_f32_##variant[], gpu_lanes_f16_##variant[],      \
		gpu_lanes_f64_##variant[], gpu_lanes_cmp_##variant[], gpu_lanes_pk_##variant[]
GPU_LANE_TABLES(base);
#if defined(__x86_64__)
GPU_LANE_TABLES(avx2);
#endif

#endif

/* SPDX-License-Identifier: MIT */
/*
 * lane_find.c - the lane functions for the machine that this runs on.
 */
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "gpu/isa/lane_tables.h"

static const gpu_lane_fn *const base[GPU_LANE_GROUPS] = {
	[GPU_LG_INT] = gpu_lanes_int_base, [GPU_LG_F32] = gpu_lanes_f32_base, [GPU_LG_F16] = gpu_lanes_f16_base,
	[GPU_LG_F64] = gpu_lanes_f64_base, [GPU_LG_CMP] = gpu_lanes_cmp_base, [GPU_LG_PK] = gpu_lanes_pk_base,
};

#if defined(__x86_64__)
static const gpu_lane_fn *const avx2[GPU_LANE_GROUPS] = {
	[GPU_LG_INT] = gpu_lanes_int_avx2, [GPU_LG_F32] = gpu_lanes_f32_avx2, [GPU_LG_F16] = gpu_lanes_f16_avx2,
	[GPU_LG_F64] = gpu_lanes_f64_avx2, [GPU_LG_CMP] = gpu_lanes_cmp_avx2, [GPU_LG_PK] = gpu_lanes_pk_avx2,
};

/* Compilers do not agree on a name for it. */
static bool has_f16c(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && c & bit_F16C;
}
#endif

const gpu_lane_fn *gpu_lane_find(uintptr_t data)
{
	unsigned group = data >> 8 & 0xff, index = data & 0xff;

#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c())
		return &avx2[group][index];
#endif
	return &base[group][index];
}

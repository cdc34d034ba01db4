/* SPDX-License-Identifier: MIT */
/* Everything between this and lanes_end.h is compiled for AVX2, FMA and F16C. System headers come before. */
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "gpu/isa/lane_list.h"
#include "gpu/isa/lane_tables.h"

#define LANE_TABLE(group) gpu_lanes_##group##_avx2
#define LANES_HAVE_FMA    1
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,bmi,bmi2")
#endif

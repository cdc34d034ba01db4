/* SPDX-License-Identifier: MIT */
/* lanes_cmp.h for x86-64 with AVX2 and FMA. The order of the three matters: empty lines keep the formatter from
 * sorting. */
#if defined(__x86_64__)
#include "gpu/isa/lanes_avx2.h"

#include "gpu/isa/lanes_cmp.h"

#include "gpu/isa/lanes_end.h"
#else
typedef int gpu_lanes_cmp_not_on_this_host;
#endif

/* SPDX-License-Identifier: MIT */
/* lanes_f16.h for the build's own target. */
#include "gpu/isa/lane_tables.h"
#define LANE_TABLE(group) gpu_lanes_##group##_base
#include "gpu/isa/lanes_f16.h"

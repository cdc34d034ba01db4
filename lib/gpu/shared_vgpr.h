/* SPDX-License-Identifier: MIT */
/* shared_vgpr.h - registers that both halves of a wave64 share; see shared_vgpr.c. */
#ifndef DF_GPU_SHARED_VGPR_H
#define DF_GPU_SHARED_VGPR_H

#include "isa.h"

#define GPU_SHARED_VGPR_MAX     120u /* 15 blocks */
#define GPU_SHARED_VGPR_GRANULE 8u

/* Whether the instruction reaches one by its encoding. Then before() and after() stand around it. */
bool gpu_shared_vgpr_reached(const struct gpu_wave *w, const struct gpu_inst *in);
void gpu_shared_vgpr_before(const struct gpu_wave *w, uint32_t *before);
void gpu_shared_vgpr_after(struct gpu_wave *w, const struct gpu_inst *in, const uint32_t *before);

#endif

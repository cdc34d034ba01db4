/* SPDX-License-Identifier: MIT */
/* pack_spirv.h - what a compute shader's SPIR-V says of its push-constant block. */
#ifndef DF_CLI_PACK_SPIRV_H
#define DF_CLI_PACK_SPIRV_H

#include "cli/pack.h"

/* Adds the members of the push-constant block, in the order of their offsets, as arguments of the kernel; size_out is
 * where the last one ends, rounded up to 4. No push constants: no arguments, 0. */
int pack_spirv_args(const void *spirv, size_t size_B, struct pack_kernel *kernel, uint32_t *size_out);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef DF_CORE_KERNEL_H
#define DF_CORE_KERNEL_H

#include "core/code.h"

/* High halves of the apertures that flat addresses of LDS and of private memory lie in: amdgpu's SH_MEM_BASES. */
#define DF_SHARED_APERTURE_HI  0x20000000u
#define DF_PRIVATE_APERTURE_HI 0x10000000u

#define DF_MAX_BLOCK 1024u /* work-items a workgroup */

/* Completes a kernel whose code, device and image are set. */
int df_kernel_init(struct df_kernel *kernel);

#endif

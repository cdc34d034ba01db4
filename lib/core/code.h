/* SPDX-License-Identifier: MIT */
/*
 * code.h - code objects on the device and their kernels. Constant once made, but for the list of kernels with another
 * block, which device->lock guards.
 */
#ifndef DF_CORE_CODE_H
#define DF_CORE_CODE_H

#include "core/image.h"
#include "core/internal.h"
#include "core/record.h"

struct df_kernel {
	struct df_code *code;
	struct df_device *device;
	struct df_image_kernel image;
	const char *name;
	const struct df_image_arg *args; /* image.arg_count of them, hidden ones too */
	const struct df_image_sgpr *sgprs;
	uint64_t entry_va;
	uint32_t args_size_B; /* of the caller's block */
	uint32_t arg_count;   /* of the caller's arguments */
	uint32_t block[3];    /* of a launch */
	uint32_t lds_dynamic_B;
	uint32_t groups_resident;
	bool args_in_registers;
	struct df_kernel *next; /* code->variants */
};

struct df_code {
	struct df_device *device;
	uint8_t *data; /* the image file */
	struct df_image image;
	struct df_image_arg *args;
	struct df_image_sgpr *sgprs;
	struct df_bo *bo;
	uint32_t queue_at_B; /* in bo: what QUEUE_PTR points at */
	unsigned kernel_count;
	struct df_kernel **kernels;
	struct df_kernel *variants; /* device->lock */
	char label[64];             /* for messages */
};

/* True for arguments that the caller fills. */
static inline bool df_arg_is_public(const struct df_image_arg *arg)
{
	return arg->kind < DF_IMAGE_ARG_BLOCK_COUNT_X;
}

#endif

/* SPDX-License-Identifier: MIT */
/* Kernels: what the caller may know of one, and variants with another block. */
#include "core/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"

/* The caller's part of the argument block: all of it when nothing is hidden, else up to the last argument that is the
 * caller's. */
static void count_args(struct df_kernel *kernel)
{
	uint32_t end = 0;
	kernel->arg_count = 0;
	for (uint32_t i = 0; i < kernel->image.arg_count; i++) {
		const struct df_image_arg *arg = &kernel->args[i];
		if (!df_arg_is_public(arg))
			continue;
		kernel->arg_count++;
		if (arg->offset_B + arg->size_B > end)
			end = arg->offset_B + arg->size_B;
	}
	bool hidden = kernel->arg_count != kernel->image.arg_count;
	kernel->args_size_B = hidden ? end : kernel->image.args_size_B;
}

static uint64_t block_items(const uint32_t block[3])
{
	return (uint64_t)block[0] * block[1] * block[2];
}

static uint32_t max_block(const struct df_kernel *kernel)
{
	uint32_t max = kernel->image.max_flat_size;
	return max && max < DF_MAX_BLOCK ? max : DF_MAX_BLOCK;
}

/* The encoder's part, and whether a workgroup can ever start. */
static int prepare(struct df_kernel *kernel)
{
	const struct df_record_ops *ops = kernel->device->enc->record;
	int ret = ops->kernel_init(kernel);
	if (ret)
		return ret;
	kernel->groups_resident = ops->groups_resident(kernel);
	if (kernel->groups_resident)
		return 0;
	return df_error_set(
		-EINVAL,
		"a workgroup of %ux%ux%u work-items with %u registers each fits into no compute unit. Fix: take "
		"a smaller block, or compile for fewer registers",
		kernel->block[0], kernel->block[1], kernel->block[2], kernel->image.vgprs);
}

int df_kernel_init(struct df_kernel *kernel)
{
	struct df_code *code = kernel->code;
	const struct df_image_kernel *image = &kernel->image;
	kernel->name = df_image_string(&code->image, image->name);
	kernel->args = code->args + image->arg_first;
	kernel->sgprs = code->sgprs + image->sgpr_first;
	kernel->entry_va = code->bo->va + image->entry_offset;
	memcpy(kernel->block, image->block, sizeof(kernel->block));
	for (unsigned i = 0; i < 3; i++)
		if (!kernel->block[i]) /* free, and no default: one wave */
			kernel->block[i] = i ? 1 : image->wave_size;
	if (block_items(kernel->block) > DF_MAX_BLOCK)
		return df_error_set(-EINVAL, "a block of %ux%ux%u work-items is larger than %u", kernel->block[0],
				    kernel->block[1], kernel->block[2], DF_MAX_BLOCK);
	count_args(kernel);
	return prepare(kernel);
}

DF_API int df_kernel_get_info(const struct df_kernel *kernel, struct df_kernel_info *info_out)
{
	if (!kernel || !info_out)
		return df_error_set(-EINVAL, "df_kernel_get_info: kernel or info_out is NULL");
	const struct df_image_kernel *image = &kernel->image;
	*info_out = (struct df_kernel_info){
		.name = kernel->name,
		.args_size_B = kernel->args_size_B,
		.arg_count = kernel->arg_count,
		.block = {kernel->block[0], kernel->block[1], kernel->block[2]},
		.max_block = max_block(kernel),
		.wave_size = image->wave_size,
		.vgprs = image->vgprs,
		.sgprs = image->sgprs,
		.lds_size_B = image->lds_size_B + kernel->lds_dynamic_B,
		.scratch_size_B = image->scratch_size_B,
		.groups_resident = kernel->groups_resident,
		.args_in_registers = kernel->args_in_registers,
	};
	return 0;
}

DF_API int df_kernel_get_arg(const struct df_kernel *kernel, unsigned i, struct df_arg_info *arg_out)
{
	if (!kernel || !arg_out)
		return df_error_set(-EINVAL, "df_kernel_get_arg: kernel or arg_out is NULL");
	unsigned at = 0;
	for (uint32_t n = 0; n < kernel->image.arg_count; n++) {
		const struct df_image_arg *arg = &kernel->args[n];
		if (!df_arg_is_public(arg) || at++ != i)
			continue;
		*arg_out = (struct df_arg_info){
			.name = df_image_string(&kernel->code->image, arg->name),
			.kind = arg->kind == DF_IMAGE_ARG_GLOBAL  ? DF_ARG_POINTER
				: arg->kind == DF_IMAGE_ARG_LOCAL ? DF_ARG_LOCAL
								  : DF_ARG_VALUE,
			.access = arg->access ? arg->access : DF_READ | DF_WRITE,
			.offset_B = arg->offset_B,
			.arg_size_B = arg->size_B,
		};
		if (arg->kind != DF_IMAGE_ARG_GLOBAL)
			arg_out->access = 0;
		return 0;
	}
	return df_error_set(-ENOENT, "df_kernel_get_arg: kernel %s has %u arguments, there is no number %u",
			    kernel->name, kernel->arg_count, i);
}

static int check_block(const struct df_kernel *kernel, const uint32_t block[3], uint32_t lds_dynamic_B)
{
	const struct df_image_kernel *image = &kernel->image;
	if (!block[0] || !block[1] || !block[2])
		return df_error_set(
			-EINVAL,
			"df_kernel_with_block: %s: block %ux%ux%u has a zero. Fix: use 1 for dimensions that "
			"are not used",
			kernel->name, block[0], block[1], block[2]);
	for (unsigned i = 0; i < 3; i++)
		if (block[i] > DF_MAX_BLOCK || block_items(block) > max_block(kernel))
			return df_error_set(
				-EINVAL,
				"df_kernel_with_block: %s: %ux%ux%u work-items are more than the %u that it was "
				"compiled for. Fix: take a smaller block, or compile for a larger one",
				kernel->name, block[0], block[1], block[2], max_block(kernel));
	bool fixed = image->flags & DF_IMAGE_KERNEL_BLOCK_FIXED;
	for (unsigned i = 0; fixed && i < 3; i++)
		if (image->block[i] && block[i] != image->block[i])
			return df_error_set(-EINVAL,
					    "df_kernel_with_block: %s: the code is made for a block of %ux%ux%u only",
					    kernel->name, image->block[0], image->block[1], image->block[2]);
	uint32_t limit = kernel->device->info.lds_per_group_B;
	if (lds_dynamic_B > limit || image->lds_size_B + lds_dynamic_B > limit)
		return df_error_set(
			-EINVAL,
			"df_kernel_with_block: %s: %u + %u bytes of LDS are more than the %u that a workgroup "
			"can have",
			kernel->name, image->lds_size_B, lds_dynamic_B, limit);
	if (lds_dynamic_B && !(image->flags & DF_IMAGE_KERNEL_DYNAMIC_LDS))
		return df_error_set(
			-EINVAL,
			"df_kernel_with_block: %s takes no dynamic LDS. Fix: pass 0, or declare the array extern "
			"in its source",
			kernel->name);
	return 0;
}

DF_API int df_kernel_with_block(struct df_kernel *kernel, const uint32_t block[3], uint32_t lds_dynamic_B,
				struct df_kernel **kernel_out)
{
	if (!kernel || !block || !kernel_out)
		return df_error_set(-EINVAL, "df_kernel_with_block: kernel, block or kernel_out is NULL");
	int ret = check_block(kernel, block, lds_dynamic_B);
	if (ret)
		return ret;
	struct df_device *device = kernel->device;
	const struct df_record_ops *ops = device->enc->record;
	struct df_kernel *variant = df_malloc(ops->kernel_size_B);
	if (!variant)
		return df_error_set(-ENOMEM, "df_kernel_with_block: out of memory");
	memcpy(variant, kernel, ops->kernel_size_B);
	memcpy(variant->block, block, sizeof(variant->block));
	variant->lds_dynamic_B = lds_dynamic_B;
	ret = prepare(variant);
	if (ret) {
		free(variant);
		return df_error_within(ret, "df_kernel_with_block: kernel %s", kernel->name);
	}
	pthread_mutex_lock(&device->lock);
	variant->next = kernel->code->variants;
	kernel->code->variants = variant;
	pthread_mutex_unlock(&device->lock);
	*kernel_out = variant;
	return 0;
}

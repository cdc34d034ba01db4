/* SPDX-License-Identifier: MIT */
/*
 * Code objects: an image is checked, its code put into executable memory for life, and a kernel made of each entry.
 *
 * The BO holds the code, a pad that instruction prefetch may run into, and behind it the block that kernels compiled
 * for a vendor's queue (QUEUE_PTR) read: the apertures of private and shared memory.
 */
#include "core/code.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/kernel.h"

/* amd_queue_t of LLVM's AMDGPU HSA ABI: high halves of the apertures, as amdgpu sets SH_MEM_BASES (0x2000, 0x1000). */
enum { QUEUE_B = 256, QUEUE_SHARED_HI = 0x40, QUEUE_PRIVATE_HI = 0x44 };

static uint32_t align_up(uint32_t value, uint32_t align)
{
	return (value + align - 1) & ~(align - 1);
}

static void destroy_kernels(struct df_code *code)
{
	for (unsigned i = 0; i < code->kernel_count; i++)
		free(code->kernels[i]);
	free(code->kernels);
	for (struct df_kernel *kernel = code->variants, *next; kernel; kernel = next) {
		next = kernel->next;
		free(kernel);
	}
}

/* Who looks through all BOs (capture.c) finds finished codes only. */
static void publish(struct df_code *code, bool live)
{
	if (!code->bo)
		return;
	pthread_mutex_lock(&code->device->lock);
	code->bo->code = live ? code : NULL;
	pthread_mutex_unlock(&code->device->lock);
}

static void release(struct df_code *code)
{
	publish(code, false);
	destroy_kernels(code);
	df_bo_destroy_internal(code->bo);
	free(code->args);
	free(code->sgprs);
	free(code->data);
	free(code);
}

static int read_tables(struct df_code *code)
{
	const struct df_image_header *header = &code->image.header;
	code->args = df_calloc(header->arg_count + 1, sizeof(*code->args));
	code->sgprs = df_calloc(header->sgpr_count + 1, sizeof(*code->sgprs));
	if (!code->args || !code->sgprs)
		return df_error_set(-ENOMEM, "df_code_create: out of memory");
	int ret = 0;
	for (uint32_t i = 0; !ret && i < header->arg_count; i++)
		ret = df_image_get_arg(&code->image, i, &code->args[i]);
	for (uint32_t i = 0; !ret && i < header->sgpr_count; i++)
		ret = df_image_get_sgpr(&code->image, i, &code->sgprs[i]);
	return ret;
}

static int write_block(struct df_code *code, const struct df_record_ops *ops, uint32_t code_B, const void *bytes)
{
	uint32_t total = code->queue_at_B + QUEUE_B;
	uint8_t *block = df_calloc(1, total);
	if (!block)
		return df_error_set(-ENOMEM, "df_code_create: out of memory");
	memcpy(block, bytes, code_B);
	for (uint32_t at = code_B; at < code_B + ops->code_pad_B; at += 4)
		memcpy(block + at, &ops->code_pad_value, 4);
	memcpy(block + code->queue_at_B + QUEUE_SHARED_HI, &(uint32_t){DF_SHARED_APERTURE_HI}, 4);
	memcpy(block + code->queue_at_B + QUEUE_PRIVATE_HI, &(uint32_t){DF_PRIVATE_APERTURE_HI}, 4);
	int ret = df_bo_write(code->bo, 0, block, total);
	free(block);
	return ret;
}

static int upload(struct df_code *code, const struct df_record_ops *ops)
{
	uint32_t code_B;
	const void *bytes = df_image_code(&code->image, &code_B);
	code->queue_at_B = align_up(code_B + ops->code_pad_B, DF_IMAGE_CODE_ALIGN);
	struct df_bo_desc desc = {
		.bytes = code->queue_at_B + QUEUE_B,
		.align_B = DF_PAGE_B,
		.domain = DF_DOMAIN_DEVICE,
		.recovery = DF_BO_INPUT,
		.executable = true,
		.read_only = true,
		.name = "code",
	};
	int ret = df_bo_create_internal(code->device, &desc, &code->bo);
	return ret ? ret : write_block(code, ops, code_B, bytes);
}

static int make_kernels(struct df_code *code, const struct df_record_ops *ops)
{
	uint32_t count = code->image.header.kernel_count;
	code->kernels = df_calloc(count, sizeof(struct df_kernel *));
	if (!code->kernels)
		return df_error_set(-ENOMEM, "df_code_create: out of memory");
	for (uint32_t i = 0; i < count; i++) {
		struct df_kernel *kernel = df_calloc(1, ops->kernel_size_B);
		if (!kernel)
			return df_error_set(-ENOMEM, "df_code_create: out of memory");
		code->kernels[code->kernel_count++] = kernel;
		kernel->code = code;
		kernel->device = code->device;
		int ret = df_image_get_kernel(&code->image, i, &kernel->image);
		if (!ret)
			ret = df_kernel_init(kernel);
		if (ret)
			return df_error_within(ret, "kernel %s", kernel->name ? kernel->name : "?");
	}
	return 0;
}

static int build(struct df_code *code, const void *image, size_t bytes)
{
	const struct df_record_ops *ops = code->device->enc->record;
	code->data = df_malloc(bytes ? bytes : 1);
	if (!code->data)
		return df_error_set(-ENOMEM, "df_code_create: out of memory for an image of %zu bytes", bytes);
	memcpy(code->data, image, bytes);
	int ret = df_image_parse(code->data, bytes, &code->image);
	if (!ret)
		ret = ops->target_check(code->device, code->image.header.target);
	if (!ret)
		ret = read_tables(code);
	if (!ret)
		ret = upload(code, ops);
	if (!ret)
		ret = make_kernels(code, ops);
	return ret;
}

DF_API int df_code_create(struct df_device *device, const void *image, size_t bytes, struct df_code **code_out)
{
	if (!device || !image || !code_out)
		return df_error_set(-EINVAL, "df_code_create: device, image or code_out is NULL");
	if (bytes > DF_IMAGE_MAX_SIZE_B)
		return df_error_set(-E2BIG, "df_code_create: %zu bytes are more than an image may have (%u)", bytes,
				    DF_IMAGE_MAX_SIZE_B);
	struct df_code *code = df_calloc(1, sizeof(*code));
	if (!code)
		return df_error_set(-ENOMEM, "df_code_create: out of memory");
	code->device = device;
	int ret = build(code, image, bytes);
	if (ret) {
		release(code);
		return df_error_within(ret, "df_code_create");
	}
	publish(code, true);
	atomic_fetch_add(&device->live.codes, 1);
	*code_out = code;
	return 0;
}

DF_API int df_code_destroy(struct df_code *code)
{
	if (!code)
		return 0;
	unsigned users = atomic_load(&code->bo->users);
	if (users)
		return df_error_set(-EBUSY,
				    "df_code_destroy: %u batches hold launches of this code. Fix: destroy or reset the "
				    "batches first",
				    users);
	atomic_fetch_sub(&code->device->live.codes, 1);
	release(code);
	return 0;
}

DF_API int df_code_kernel(struct df_code *code, const char *name, struct df_kernel **kernel_out)
{
	if (!code || !kernel_out)
		return df_error_set(-EINVAL, "df_code_kernel: code or kernel_out is NULL");
	uint32_t i;
	int ret = df_image_find_kernel(&code->image, name, &i, NULL);
	if (ret)
		return ret;
	*kernel_out = code->kernels[i];
	return 0;
}

DF_API unsigned df_code_kernel_count(const struct df_code *code)
{
	return code ? code->kernel_count : 0;
}

DF_API const char *df_code_kernel_name(const struct df_code *code, unsigned i)
{
	return code && i < code->kernel_count ? code->kernels[i]->name : NULL;
}

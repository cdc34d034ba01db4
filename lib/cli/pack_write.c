/* SPDX-License-Identifier: MIT */
/* Laying a kernel image out as a file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/pack.h"
#include "core/error.h"
#include "core/image.h"

#define S_CODE_END 0xbf9f0000u /* gfx10 and later: what may be prefetched behind a program */
#define PREFETCH_B 256u        /* instruction cache lines that a wave may run ahead */

struct layout {
	struct df_image_header header;
	uint32_t string_used;
};

void pack_image_finish(struct pack_image *image)
{
	for (uint32_t i = 0; i < image->kernel_count; i++) {
		struct pack_kernel *kernel = &image->kernels[i];

		for (uint32_t j = 0; j < kernel->arg_count; j++)
			free(kernel->args[j].name);
		free(kernel->args);
		free(kernel->name);
	}
	free(image->kernels);
	free(image->provenance);
	free(image->code);
	memset(image, 0, sizeof(*image));
}

struct pack_kernel *pack_add_kernel(struct pack_image *image, const char *name)
{
	struct pack_kernel *kernels = NULL;
	char *copy = strdup(name);

	if (copy)
		kernels = realloc(image->kernels, (image->kernel_count + 1) * sizeof(*kernels));
	if (!kernels) {
		free(copy);
		df_error_set(-ENOMEM, "out of memory for kernel \"%s\"", name);
		return NULL;
	}
	image->kernels = kernels;
	kernels += image->kernel_count++;
	memset(kernels, 0, sizeof(*kernels));
	kernels->name = copy;
	return kernels;
}

struct pack_arg *pack_add_arg(struct pack_kernel *kernel, const char *name, size_t name_size)
{
	struct pack_arg *args = NULL;
	char *copy = strndup(name ? name : "", name_size);

	if (copy)
		args = realloc(kernel->args, (kernel->arg_count + 1) * sizeof(*args));
	if (!args) {
		free(copy);
		df_error_set(-ENOMEM, "out of memory for the arguments of kernel \"%s\"", kernel->name);
		return NULL;
	}
	kernel->args = args;
	args += kernel->arg_count++;
	memset(args, 0, sizeof(*args));
	args->name = copy;
	return args;
}

int pack_add_sgpr(struct pack_kernel *kernel, enum df_image_sgpr_kind kind, unsigned count, uint32_t offset_B)
{
	struct df_image_sgpr *last = kernel->sgpr_count ? &kernel->sgprs[kernel->sgpr_count - 1] : NULL;
	unsigned first = last ? last->first + last->count : 0u;

	if (first + count > DF_IMAGE_USER_SGPRS)
		return df_error_set(-E2BIG, "kernel \"%s\" needs more than %u user SGPRs", kernel->name,
				    DF_IMAGE_USER_SGPRS);
	kernel->sgprs[kernel->sgpr_count++] = (struct df_image_sgpr){
		.kind = (uint16_t)kind,
		.first = (uint8_t)first,
		.count = (uint8_t)count,
		.offset_B = offset_B,
	};
	return 0;
}

int pack_alloc_code(struct pack_image *image, size_t size_B)
{
	size_t total_B = (size_B + PREFETCH_B + DF_IMAGE_CODE_ALIGN - 1) & ~(size_t)(DF_IMAGE_CODE_ALIGN - 1);
	const uint32_t end = S_CODE_END;

	if (size_B > DF_IMAGE_MAX_SIZE_B / 2)
		return df_error_set(-E2BIG, "%zu bytes of code, the limit is %u. Fix: pack fewer kernels", size_B,
				    DF_IMAGE_MAX_SIZE_B / 2);
	image->code = calloc(1, total_B);
	if (!image->code)
		return df_error_set(-ENOMEM, "out of memory for %zu bytes of code", total_B);
	image->code_size_B = (uint32_t)total_B;
	if (strncmp(image->target, "gfx9", 4) == 0)
		return 0;
	for (size_t at = (size_B + 3) & ~(size_t)3; at < total_B; at += sizeof(end))
		memcpy(image->code + at, &end, sizeof(end));
	return 0;
}

static size_t string_size(const char *text)
{
	return text && *text ? strlen(text) + 1 : 0;
}

static void plan(const struct pack_image *image, struct layout *layout)
{
	struct df_image_header *header = &layout->header;
	size_t strings_B = 1 + string_size(image->provenance);

	memset(layout, 0, sizeof(*layout));
	layout->string_used = 1;
	header->magic = DF_IMAGE_MAGIC;
	header->version = DF_IMAGE_VERSION;
	header->header_size_B = sizeof(*header);
	header->origin = image->origin;
	memcpy(header->target, image->target, sizeof(header->target));
	header->kernel_count = image->kernel_count;
	header->kernel_stride = sizeof(struct df_image_kernel);
	header->arg_stride = sizeof(struct df_image_arg);
	header->sgpr_stride = sizeof(struct df_image_sgpr);
	for (uint32_t i = 0; i < image->kernel_count; i++) {
		const struct pack_kernel *kernel = &image->kernels[i];

		header->arg_count += kernel->arg_count;
		header->sgpr_count += kernel->sgpr_count;
		strings_B += string_size(kernel->name);
		for (uint32_t j = 0; j < kernel->arg_count; j++)
			strings_B += string_size(kernel->args[j].name);
	}
	header->strings_size_B = (uint32_t)strings_B;
	header->kernel_offset = sizeof(*header);
	header->arg_offset = header->kernel_offset + header->kernel_count * header->kernel_stride;
	header->sgpr_offset = header->arg_offset + header->arg_count * header->arg_stride;
	header->strings_offset = header->sgpr_offset + header->sgpr_count * header->sgpr_stride;
	header->code_offset = (header->strings_offset + header->strings_size_B + DF_IMAGE_CODE_ALIGN - 1) &
			      ~(DF_IMAGE_CODE_ALIGN - 1);
	header->code_size_B = image->code_size_B;
	header->total_size_B = header->code_offset + header->code_size_B;
}

static uint32_t put_string(struct layout *layout, uint8_t *data, const char *text)
{
	size_t size = string_size(text);
	uint32_t at = layout->string_used;

	if (!size)
		return 0;
	memcpy(data + layout->header.strings_offset + at, text, size);
	layout->string_used += (uint32_t)size;
	return at;
}

static void put_tables(const struct pack_image *image, struct layout *layout, uint8_t *data)
{
	uint8_t *kernels = data + layout->header.kernel_offset;
	uint8_t *args = data + layout->header.arg_offset;
	uint8_t *sgprs = data + layout->header.sgpr_offset;
	uint32_t arg_at = 0, sgpr_at = 0;

	for (uint32_t i = 0; i < image->kernel_count; i++) {
		const struct pack_kernel *kernel = &image->kernels[i];
		struct df_image_kernel out = kernel->kernel;

		out.name = put_string(layout, data, kernel->name);
		out.arg_first = arg_at;
		out.arg_count = kernel->arg_count;
		out.sgpr_first = sgpr_at;
		out.sgpr_count = kernel->sgpr_count;
		memcpy(kernels + i * sizeof(out), &out, sizeof(out));
		for (uint32_t j = 0; j < kernel->arg_count; j++) {
			struct df_image_arg arg = kernel->args[j].arg;

			arg.name = put_string(layout, data, kernel->args[j].name);
			memcpy(args + (size_t)arg_at++ * sizeof(arg), &arg, sizeof(arg));
		}
		memcpy(sgprs + (size_t)sgpr_at * sizeof(kernel->sgprs[0]), kernel->sgprs,
		       kernel->sgpr_count * sizeof(kernel->sgprs[0]));
		sgpr_at += kernel->sgpr_count;
	}
}

int pack_write(const struct pack_image *image, void **data_out, size_t *size_out)
{
	struct df_image check;
	struct layout layout;
	uint8_t *data;
	int ret;

	if (image->kernel_count > DF_IMAGE_MAX_KERNELS)
		return df_error_set(-E2BIG, "%u kernels, the limit is %u. Fix: choose with --kernel",
				    image->kernel_count, DF_IMAGE_MAX_KERNELS);
	plan(image, &layout);
	data = calloc(1, layout.header.total_size_B);
	if (!data)
		return df_error_set(-ENOMEM, "out of memory for an image of %u bytes", layout.header.total_size_B);
	layout.header.provenance = put_string(&layout, data, image->provenance);
	put_tables(image, &layout, data);
	memcpy(data + layout.header.code_offset, image->code, image->code_size_B);
	memcpy(data, &layout.header, sizeof(layout.header));
	layout.header.crc32 = df_image_checksum(data, layout.header.total_size_B);
	memcpy(data, &layout.header, sizeof(layout.header));
	ret = df_image_parse(data, layout.header.total_size_B, &check);
	if (ret) {
		free(data);
		return ret;
	}
	*data_out = data;
	*size_out = layout.header.total_size_B;
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "amd/pm4.h"
#include "core/image.h"
#include "fake.h"

/* User SGPRs loaded; TGID_X; WGP mode, DX10 clamp and memory order as RADV sets them. */
enum { RSRC1 = 0x602c0001, RSRC2_10_SGPRS = 0x94, RSRC2_2_SGPRS = 0x84 };

struct fake_kernel fake_saxpy(void)
{
	return (struct fake_kernel){
		.name = "saxpy",
		.k = {.pgm_rsrc1 = RSRC1,
		      .pgm_rsrc2 = RSRC2_10_SGPRS,
		      .flags = DF_IMAGE_KERNEL_WGP_MODE,
		      .wave_size = 64,
		      .vgprs = 8,
		      .sgprs = 16,
		      .block = {64, 1, 1},
		      .max_flat_size = 64,
		      .args_size_B = 32},
		.args = {{.kind = DF_IMAGE_ARG_GLOBAL, .offset_B = 0, .size_B = 8},
			 {.kind = DF_IMAGE_ARG_GLOBAL, .offset_B = 8, .size_B = 8},
			 {.kind = DF_IMAGE_ARG_GLOBAL, .offset_B = 16, .size_B = 8},
			 {.kind = DF_IMAGE_ARG_VALUE, .offset_B = 24, .size_B = 4},
			 {.kind = DF_IMAGE_ARG_VALUE, .offset_B = 28, .size_B = 4}},
		.arg_count = 5,
		.sgprs = {{.kind = DF_IMAGE_SGPR_ARG_INLINE, .first = 2, .count = 8}},
		.sgpr_count = 1,
	};
}

struct fake_kernel fake_kernarg(void)
{
	return (struct fake_kernel){
		.name = "kernarg",
		.k = {.pgm_rsrc1 = RSRC1,
		      .pgm_rsrc2 = RSRC2_2_SGPRS,
		      .flags = DF_IMAGE_KERNEL_WGP_MODE,
		      .wave_size = 32,
		      .vgprs = 16,
		      .sgprs = 16,
		      .block = {128, 1, 1},
		      .max_flat_size = 1024,
		      .args_size_B = 16,
		      .kernarg_size_B = 16,
		      .kernarg_align_B = 8},
		.args = {{.kind = DF_IMAGE_ARG_GLOBAL, .offset_B = 0, .size_B = 8},
			 {.kind = DF_IMAGE_ARG_VALUE, .offset_B = 8, .size_B = 8}},
		.arg_count = 2,
		.sgprs = {{.kind = DF_IMAGE_SGPR_KERNARG_PTR, .first = 0, .count = 2}},
		.sgpr_count = 1,
	};
}

/* Offsets of the file's parts. */
struct layout {
	uint32_t kernels, args, sgprs, strings, strings_B, code, total;
};

static uint32_t up(uint32_t value, uint32_t align)
{
	return (value + align - 1) & ~(align - 1);
}

static struct layout lay_out(const struct fake_kernel *kernels, unsigned count, uint32_t code_size_B)
{
	struct layout at = {.kernels = sizeof(struct df_image_header), .strings_B = 1};
	uint32_t args = 0, sgprs = 0;
	for (unsigned i = 0; i < count; i++) {
		args += kernels[i].arg_count;
		sgprs += kernels[i].sgpr_count;
		at.strings_B += (uint32_t)strlen(kernels[i].name) + 1;
	}
	at.args = at.kernels + count * (uint32_t)sizeof(struct df_image_kernel);
	at.sgprs = at.args + args * (uint32_t)sizeof(struct df_image_arg);
	at.strings = at.sgprs + sgprs * (uint32_t)sizeof(struct df_image_sgpr);
	at.code = up(at.strings + at.strings_B, DF_IMAGE_CODE_ALIGN);
	at.total = at.code + code_size_B;
	return at;
}

static void put_kernels(uint8_t *file, const struct layout *at, const struct fake_kernel *kernels, unsigned count)
{
	uint32_t arg = 0, sgpr = 0, string = 1;
	for (unsigned i = 0; i < count; i++) {
		struct df_image_kernel k = kernels[i].k;
		k.name = string;
		k.arg_first = arg;
		k.arg_count = kernels[i].arg_count;
		k.sgpr_first = sgpr;
		k.sgpr_count = kernels[i].sgpr_count;
		memcpy(file + at->kernels + i * sizeof(k), &k, sizeof(k));
		memcpy(file + at->args + arg * sizeof(struct df_image_arg), kernels[i].args,
		       k.arg_count * sizeof(struct df_image_arg));
		memcpy(file + at->sgprs + sgpr * sizeof(struct df_image_sgpr), kernels[i].sgprs,
		       k.sgpr_count * sizeof(struct df_image_sgpr));
		memcpy(file + at->strings + string, kernels[i].name, strlen(kernels[i].name) + 1);
		arg += k.arg_count;
		sgpr += k.sgpr_count;
		string += (uint32_t)strlen(kernels[i].name) + 1;
	}
}

void *fake_image(const struct fake_kernel *kernels, unsigned count, const char *target, const void *code,
		 uint32_t code_size_B, size_t *size_out)
{
	static const uint32_t endpgm = 0xbf810000;
	uint32_t code_B = code ? up(code_size_B, DF_IMAGE_CODE_ALIGN) : DF_IMAGE_CODE_ALIGN;
	struct layout at = lay_out(kernels, count, code_B);
	uint8_t *file = calloc(1, at.total);
	struct df_image_header header = {
		.magic = DF_IMAGE_MAGIC,
		.version = DF_IMAGE_VERSION,
		.header_size_B = sizeof(header),
		.total_size_B = at.total,
		.origin = DF_IMAGE_ORIGIN_RADV,
		.kernel_count = count,
		.kernel_offset = at.kernels,
		.kernel_stride = sizeof(struct df_image_kernel),
		.arg_count = (at.sgprs - at.args) / (uint32_t)sizeof(struct df_image_arg),
		.arg_offset = at.args,
		.arg_stride = sizeof(struct df_image_arg),
		.sgpr_count = (at.strings - at.sgprs) / (uint32_t)sizeof(struct df_image_sgpr),
		.sgpr_offset = at.sgprs,
		.sgpr_stride = sizeof(struct df_image_sgpr),
		.code_offset = at.code,
		.code_size_B = code_B,
		.strings_offset = at.strings,
		.strings_size_B = at.strings_B,
	};
	strncpy(header.target, target, sizeof(header.target) - 1);
	memcpy(file, &header, sizeof(header));
	put_kernels(file, &at, kernels, count);
	if (code)
		memcpy(file + at.code, code, code_size_B);
	for (uint32_t i = code ? code_size_B : 0; i + 4 <= code_B; i += 4)
		memcpy(file + at.code + i, &endpgm, 4);
	uint32_t crc = df_image_checksum(file, at.total);
	memcpy(file + offsetof(struct df_image_header, crc32), &crc, 4);
	*size_out = at.total;
	return file;
}

struct df_code *fake_code(struct df_device *device, const struct fake_kernel *kernels, unsigned count)
{
	size_t bytes;
	void *image = fake_image(kernels, count, "gfx1030", NULL, 0, &bytes);
	struct df_code *code = NULL;
	int ret = df_code_create(device, image, bytes, &code);
	free(image);
	ck_assert_msg(ret == 0, "df_code_create: %d %s", ret, df_error());
	return code;
}

struct df_kernel *fake_first(struct df_code *code)
{
	struct df_kernel *kernel = NULL;
	ck_assert_int_eq(df_code_kernel(code, df_code_kernel_name(code, 0), &kernel), 0);
	return kernel;
}

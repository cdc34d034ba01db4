/* SPDX-License-Identifier: MIT */
#include "image/sample.h"

#include <string.h>

#include "core/image.h"

static uint32_t add_string(struct sample *sample, uint32_t *at, const char *text)
{
	uint32_t offset = *at;

	memcpy(sample->strings + offset, text, strlen(text) + 1);
	*at += (uint32_t)strlen(text) + 1;
	return offset;
}

static void make_header(struct sample *sample, uint32_t provenance)
{
	sample->header = (struct df_image_header){
		.magic = DF_IMAGE_MAGIC,
		.version = DF_IMAGE_VERSION,
		.header_size_B = sizeof(sample->header),
		.total_size_B = sizeof(*sample),
		.origin = DF_IMAGE_ORIGIN_CODE_OBJECT,
		.target = "gfx1030",
		.kernel_count = SAMPLE_KERNELS,
		.kernel_offset = offsetof(struct sample, kernels),
		.kernel_stride = sizeof(struct df_image_kernel),
		.arg_count = SAMPLE_ARGS,
		.arg_offset = offsetof(struct sample, args),
		.arg_stride = sizeof(struct df_image_arg),
		.sgpr_count = SAMPLE_SGPRS,
		.sgpr_offset = offsetof(struct sample, sgprs),
		.sgpr_stride = sizeof(struct df_image_sgpr),
		.code_offset = offsetof(struct sample, code),
		.code_size_B = SAMPLE_CODE_B,
		.strings_offset = offsetof(struct sample, strings),
		.strings_size_B = sizeof(sample->strings),
		.provenance = provenance,
	};
}

void sample_make(struct sample *sample)
{
	uint32_t at = 1, alpha, beta, x, n, provenance;

	memset(sample, 0, sizeof(*sample));
	alpha = add_string(sample, &at, "alpha");
	beta = add_string(sample, &at, "beta");
	x = add_string(sample, &at, "x");
	n = add_string(sample, &at, "n");
	provenance = add_string(sample, &at, "by hand");
	make_header(sample, provenance);
	sample->kernels[0] = (struct df_image_kernel){
		.name = alpha,
		.pgm_rsrc1 = 0x20000000 | 1,
		.pgm_rsrc2 = 1 | 6 << 1 | 1 << 7,
		.flags = DF_IMAGE_KERNEL_WGP_MODE | DF_IMAGE_KERNEL_DYNAMIC_LDS,
		.wave_size = 32,
		.vgprs = 12,
		.sgprs = 20,
		.lds_size_B = 1024,
		.scratch_size_B = 64,
		.block = {64, 2, 1},
		.max_flat_size = 256,
		.args_size_B = 24,
		.arg_count = 3,
		.sgpr_count = 2,
		.kernarg_size_B = 24,
		.kernarg_align_B = 8,
	};
	sample->kernels[1] = (struct df_image_kernel){
		.name = beta,
		.entry_offset = 256,
		.pgm_rsrc1 = 2,
		.pgm_rsrc2 = 8 << 1,
		.flags = DF_IMAGE_KERNEL_BLOCK_FIXED,
		.wave_size = 64,
		.vgprs = 12,
		.sgprs = 16,
		.block = {16, 16, 1},
		.max_flat_size = 256,
		.args_size_B = 16,
		.arg_first = 3,
		.arg_count = 2,
		.sgpr_first = 2,
		.sgpr_count = 3,
		.kernarg_size_B = 16,
		.kernarg_align_B = 16,
		.address32_hi = 0xffff8000,
	};
	sample->args[0] = (struct df_image_arg){
		.name = x, .kind = DF_IMAGE_ARG_GLOBAL, .access = DF_IMAGE_ACCESS_READ, .size_B = 8};
	sample->args[1] = (struct df_image_arg){.kind = DF_IMAGE_ARG_LOCAL, .offset_B = 8, .size_B = 4, .align_B = 16};
	sample->args[2] = (struct df_image_arg){.kind = DF_IMAGE_ARG_BLOCK_COUNT_X, .offset_B = 16, .size_B = 4};
	sample->args[3] = (struct df_image_arg){
		.name = x, .kind = DF_IMAGE_ARG_GLOBAL, .access = DF_IMAGE_ACCESS_READ_WRITE, .size_B = 8};
	sample->args[4] = (struct df_image_arg){
		.name = n, .kind = DF_IMAGE_ARG_VALUE, .type = DF_IMAGE_TYPE_UINT, .offset_B = 8, .size_B = 4};
	sample->sgprs[0] = (struct df_image_sgpr){DF_IMAGE_SGPR_PRIVATE_SEGMENT_BUFFER, 0, 4, 0};
	sample->sgprs[1] = (struct df_image_sgpr){DF_IMAGE_SGPR_KERNARG_PTR, 4, 2, 0};
	sample->sgprs[2] = (struct df_image_sgpr){DF_IMAGE_SGPR_PUSH_CONST_PTR, 2, 1, 0};
	sample->sgprs[3] = (struct df_image_sgpr){DF_IMAGE_SGPR_ARG_INLINE, 3, 2, 4};
	sample->sgprs[4] = (struct df_image_sgpr){DF_IMAGE_SGPR_GRID_SIZE, 5, 3, 0};
	memset(sample->code, 0xbf, sizeof(sample->code));
	sample_seal(sample);
}

void sample_seal(struct sample *sample)
{
	sample->header.crc32 = df_image_checksum(sample, sizeof(*sample));
}

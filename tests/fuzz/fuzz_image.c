/* SPDX-License-Identifier: MIT */
/* Kernel images: whatever the bytes, the parser refuses or every accessor holds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint32_t sink;

static void use(const struct df_image *image)
{
	struct df_image_kernel kernel;
	struct df_image_arg arg;
	struct df_image_sgpr sgpr;
	uint32_t i, size_B;

	for (i = 0; df_image_get_kernel(image, i, &kernel) == 0; i++)
		sink += (uint32_t)strlen(df_image_string(image, kernel.name)) + kernel.entry_offset;
	for (i = 0; df_image_get_arg(image, i, &arg) == 0; i++)
		sink += (uint32_t)strlen(df_image_string(image, arg.name));
	for (i = 0; df_image_get_sgpr(image, i, &sgpr) == 0; i++)
		sink += sgpr.kind;
	sink += ((const uint8_t *)df_image_code(image, &size_B))[image->header.code_size_B - 1];
	sink += (uint32_t)df_image_find_kernel(image, "kernel", &i, &kernel);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);
	struct df_image image;
	uint32_t crc;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (df_image_parse(copy, size, &image) == 0)
		use(&image);
	/* And behind the checks that random bytes would not pass. */
	if (size >= sizeof(struct df_image_header)) {
		struct df_image_header header;

		memcpy(&header, copy, sizeof(header));
		header.magic = DF_IMAGE_MAGIC;
		header.version = DF_IMAGE_VERSION;
		header.total_size_B = (uint32_t)size;
		memcpy(copy, &header, sizeof(header));
		crc = df_image_checksum(copy, size);
		memcpy(copy + offsetof(struct df_image_header, crc32), &crc, sizeof(crc));
		if (df_image_parse(copy, size, &image) == 0)
			use(&image);
	}
	free(copy);
	return 0;
}

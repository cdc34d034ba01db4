/* SPDX-License-Identifier: MIT */
/* sample.h - a small valid kernel image for tests to damage. */
#ifndef TESTS_IMAGE_SAMPLE_H
#define TESTS_IMAGE_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "drumfire_image.h"

#define SAMPLE_KERNELS 2
#define SAMPLE_ARGS    5
#define SAMPLE_SGPRS   5
#define SAMPLE_CODE_B  512

/* "alpha" takes its arguments in memory, "beta" in user SGPRs and behind a 32-bit pointer. */
struct sample {
	struct df_image_header header;
	struct df_image_kernel kernels[SAMPLE_KERNELS];
	struct df_image_arg args[SAMPLE_ARGS];
	struct df_image_sgpr sgprs[SAMPLE_SGPRS];
	char strings[64];
	uint8_t pad[DF_IMAGE_CODE_ALIGN - (112 + 2 * 112 + 5 * 24 + 5 * 8 + 64) % DF_IMAGE_CODE_ALIGN];
	uint8_t code[SAMPLE_CODE_B];
};

void sample_make(struct sample *sample);
/* Puts the right checksum into the header. */
void sample_seal(struct sample *sample);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * image.h - reading a kernel image (uapi/drumfire_image.h).
 *
 * df_image_parse() checks every field of the file once; after it succeeded every offset, index and string of the image
 * is good, and the accessors only fail for an index out of range. The parsed image points into the caller's data, which
 * need not be aligned and must stay until the image is no longer used.
 */
#ifndef DF_CORE_IMAGE_H
#define DF_CORE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "drumfire_image.h"

#define DF_IMAGE_CRC_START 0u

struct df_image {
	const uint8_t *data;
	struct df_image_header header;
};

/* 0, or -errno with a sentence: -EBADMSG (not an image, or damaged), -EPROTO (another version), -EINVAL (a bad field),
 * -E2BIG (over a limit). */
int df_image_parse(const void *data, size_t size_B, struct df_image *out);

/* Entry i, copied out; -ENOENT past the last. Arguments and user SGPRs are numbered within the whole image. */
int df_image_get_kernel(const struct df_image *image, uint32_t i, struct df_image_kernel *out);
int df_image_get_arg(const struct df_image *image, uint32_t i, struct df_image_arg *out);
int df_image_get_sgpr(const struct df_image *image, uint32_t i, struct df_image_sgpr *out);
/* Index and entry of a kernel; name NULL: the only one. -ENOENT with a sentence. out may be NULL. */
int df_image_find_kernel(const struct df_image *image, const char *name, uint32_t *i_out, struct df_image_kernel *out);

const char *df_image_string(const struct df_image *image, uint32_t offset); /* "" when out of range */
const void *df_image_code(const struct df_image *image, uint32_t *size_B_out);

/* CRC-32 of IEEE 802.3, reflected, of size_B bytes after crc (DF_IMAGE_CRC_START at first). */
uint32_t df_image_crc32(uint32_t crc, const void *data, size_t size_B);
/* The checksum of a whole file, as its header should carry it. */
uint32_t df_image_checksum(const void *data, size_t size_B);

/* Words of the format for messages and listings; NULL when not known. */
const char *df_image_arg_kind_name(unsigned kind);
const char *df_image_sgpr_kind_name(unsigned kind);
/* Bytes that an argument of this kind takes, 0 when it is free (VALUE). */
uint32_t df_image_arg_kind_size(unsigned kind);

#endif

/* SPDX-License-Identifier: MIT */
/* The parser of kernel images: what it reads, and for each field what it refuses. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/image.h"
#include "drumfire.h"
#include "image/sample.h"

#define HEADER(field)    offsetof(struct sample, header.field), sizeof(((struct sample *)0)->header.field)
#define KERNEL(i, field) offsetof(struct sample, kernels[i].field), sizeof(((struct sample *)0)->kernels[i].field)
#define ARG(i, field)    offsetof(struct sample, args[i].field), sizeof(((struct sample *)0)->args[i].field)
#define SGPR(i, field)   offsetof(struct sample, sgprs[i].field), sizeof(((struct sample *)0)->sgprs[i].field)
#define BYTE(at)         at, 1

/* One damage: these bytes of the sample become value, and the parser says so. */
struct damage {
	size_t at, size;
	uint32_t value;
	int error;
	const char *says;
};

static const struct damage damages[] = {
	{HEADER(magic), 0x464c457f, -EBADMSG, "not a kernel image"},
	{HEADER(version), 2, -EPROTO, "version 2"},
	{HEADER(header_size_B), 104, -EINVAL, "header size"},
	{HEADER(header_size_B), 1u << 30, -EINVAL, "header size"},
	{HEADER(total_size_B), 100, -EBADMSG, "it should have 100"},
	{HEADER(origin), 0, -EINVAL, "origin"},
	{HEADER(origin), 9, -EINVAL, "origin"},
	{BYTE(offsetof(struct sample, header.target)), 0, -EINVAL, "target is empty"},
	{BYTE(offsetof(struct sample, header.target) + 2), 7, -EINVAL, "target has a byte 0x07"},
	{BYTE(offsetof(struct sample, header.target) + 9), 'x', -EINVAL, "bytes behind its NUL"},
	{HEADER(kernel_count), 0, -EINVAL, "no kernel"},
	{HEADER(kernel_count), 5000, -E2BIG, "kernel count 5000"},
	{HEADER(kernel_count), 4000, -EINVAL, "kernel table"},
	{HEADER(kernel_offset), 116, -EINVAL, "kernel table offset 116"},
	{HEADER(kernel_offset), 0, -EINVAL, "header and kernel table overlap"},
	{HEADER(kernel_offset), 0xfffffff8, -EINVAL, "kernel table"},
	{HEADER(kernel_stride), 104, -EINVAL, "kernel stride"},
	{HEADER(kernel_stride), 116, -EINVAL, "kernel stride"},
	{HEADER(kernel_stride), 0xfffffff8, -EINVAL, "kernel stride"},
	{HEADER(arg_count), 70000, -E2BIG, "argument count"},
	{HEADER(arg_count), 60000, -EINVAL, "argument table"},
	{HEADER(arg_offset), 0x80000000, -EINVAL, "argument table"},
	{HEADER(arg_offset), 120, -EINVAL, "overlap"},
	{HEADER(arg_stride), 16, -EINVAL, "argument stride"},
	{HEADER(sgpr_count), 70000, -E2BIG, "user-SGPR count"},
	{HEADER(sgpr_count), 1000, -EINVAL, "user-SGPR table"},
	{HEADER(sgpr_offset), 0x80000000, -EINVAL, "user-SGPR table"},
	{HEADER(sgpr_offset), 120, -EINVAL, "overlap"},
	{HEADER(sgpr_stride), 0, -EINVAL, "user-SGPR stride"},
	{HEADER(code_offset), 8, -EINVAL, "code offset 8"},
	{HEADER(code_offset), 0x100, -EINVAL, "overlap"},
	{HEADER(code_offset), 0xffffff00, -EINVAL, "code at"},
	{HEADER(code_size_B), 0, -EINVAL, "code size 0"},
	{HEADER(code_size_B), 100, -EINVAL, "code size 100"},
	{HEADER(code_size_B), 0x10000, -EINVAL, "code at"},
	{HEADER(strings_offset), 0xffffff00, -EINVAL, "string table at"},
	{HEADER(strings_offset), 112, -EINVAL, "overlap"},
	{HEADER(strings_size_B), 0, -EINVAL, "empty string"},
	{HEADER(strings_size_B), 4, -EINVAL, "does not end in NUL"},
	{HEADER(strings_size_B), 1u << 20, -EINVAL, "string table at"},
	{BYTE(offsetof(struct sample, strings)), 'x', -EINVAL, "empty string"},
	{BYTE(offsetof(struct sample, strings) + 63), 'x', -EINVAL, "does not end in NUL"},
	{HEADER(provenance), 64, -EINVAL, "provenance"},
	{HEADER(reserved), 1, -EINVAL, "reserved header"},

	{KERNEL(0, name), 0, -EINVAL, "name 0 of kernel 0"},
	{KERNEL(0, name), 999, -EINVAL, "name 999"},
	{KERNEL(1, name), 1, -EINVAL, "two kernels are named \"alpha\""},
	{KERNEL(0, entry_offset), 4, -EINVAL, "entry offset 4"},
	{KERNEL(0, entry_offset), 512, -EINVAL, "entry offset 512"},
	{KERNEL(0, pgm_rsrc1), 0x20100001, -EINVAL, "privileged or reserved"},
	{KERNEL(0, pgm_rsrc1), 0x20400001, -EINVAL, "privileged or reserved"},
	{KERNEL(0, pgm_rsrc1), 0x28000001, -EINVAL, "privileged or reserved"},
	{KERNEL(0, pgm_rsrc1), 1, -EINVAL, "WGP mode"},
	{KERNEL(0, pgm_rsrc1), 0x20000000, -EINVAL, "12 VGPRs"},
	{KERNEL(0, pgm_rsrc2), 1 | 6 << 1 | 1 << 6, -EINVAL, "trap"},
	{KERNEL(0, pgm_rsrc2), 1 | 6 << 1 | 3 << 11, -EINVAL, "reserved bits"},
	{KERNEL(0, pgm_rsrc2), 1 | 6 << 1 | 1u << 31, -EINVAL, "reserved bits"},
	{KERNEL(0, pgm_rsrc2), 1 | 6 << 1 | 1 << 15, -EINVAL, "LDS size"},
	{KERNEL(0, pgm_rsrc2), 1 | 17 << 1, -EINVAL, "17 user SGPRs"},
	{KERNEL(0, pgm_rsrc2), 6 << 1, -EINVAL, "SCRATCH_EN"},
	{KERNEL(0, pgm_rsrc2), 1 | 4 << 1, -EINVAL, "kernarg_ptr in user SGPRs 4+2"},
	{KERNEL(0, pgm_rsrc3), 0x10, -EINVAL, "PGM_RSRC3"},
	{KERNEL(0, flags), 0x80000000, -EPROTO, "unknown flags"},
	{KERNEL(0, flags), DF_IMAGE_KERNEL_DYNAMIC_LDS, -EINVAL, "WGP mode"},
	{KERNEL(0, flags), DF_IMAGE_KERNEL_WGP_MODE, -EINVAL, "dynamic-LDS flag"},
	{KERNEL(0, wave_size), 16, -EINVAL, "wave size 16"},
	{KERNEL(0, vgprs), 0, -EINVAL, "0 VGPRs"},
	{KERNEL(0, vgprs), 17, -EINVAL, "17 VGPRs"},
	{KERNEL(1, vgprs), 13, -EINVAL, "13 VGPRs"},
	{KERNEL(0, sgprs), 129, -EINVAL, "129 SGPRs"},
	{KERNEL(0, lds_size_B), 65540, -E2BIG, "65540 bytes of LDS"},
	{KERNEL(0, scratch_size_B), 6, -E2BIG, "6 bytes of scratch"},
	{KERNEL(0, scratch_size_B), 1u << 20, -E2BIG, "of scratch"},
	{KERNEL(0, block[0]), 0, -EINVAL, "block dimension 0 is 0"},
	{KERNEL(0, block[1]), 1025, -EINVAL, "block dimension 1"},
	{KERNEL(0, block[2]), 3, -EINVAL, "block 64x2x3"},
	{KERNEL(0, max_flat_size), 0, -EINVAL, "up to 0 work-items"},
	{KERNEL(0, max_flat_size), 1025, -EINVAL, "up to 1025"},
	{KERNEL(0, max_flat_size), 127, -EINVAL, "is over 127"},
	{KERNEL(0, args_size_B), 22, -E2BIG, "argument block of 22"},
	{KERNEL(0, args_size_B), 8192, -E2BIG, "argument block of 8192"},
	{KERNEL(0, args_size_B), 16, -EINVAL, "passes the end of the block"},
	{KERNEL(0, arg_first), 6, -EINVAL, "arguments 6+3"},
	{KERNEL(0, arg_count), 6, -EINVAL, "arguments 0+6"},
	{KERNEL(0, arg_count), 0xffffffff, -EINVAL, "arguments 0+"},
	{KERNEL(0, sgpr_first), 4, -EINVAL, "user-SGPR entries 4+2"},
	{KERNEL(0, sgpr_count), 0xffffffff, -EINVAL, "user-SGPR entries"},
	{KERNEL(0, sgpr_count), 1, -EINVAL, "24 bytes of arguments in memory, expected 0"},
	{KERNEL(0, kernarg_size_B), 0, -EINVAL, "0 bytes of arguments in memory"},
	{KERNEL(0, kernarg_align_B), 0, -EINVAL, "aligned to 0"},
	{KERNEL(0, kernarg_align_B), 12, -EINVAL, "aligned to 12"},
	{KERNEL(0, kernarg_align_B), 8192, -EINVAL, "aligned to 8192"},
	{KERNEL(0, address32_hi), 1, -EINVAL, "without a 32-bit pointer"},
	{KERNEL(0, reserved), 1, -EINVAL, "reserved fields"},

	{ARG(0, name), 64, -EINVAL, "name 64 of argument 0"},
	{ARG(0, kind), 0, -EPROTO, "unknown kind 0"},
	{ARG(0, kind), 200, -EPROTO, "unknown kind 200"},
	{ARG(0, access), 4, -EINVAL, "has access 4"},
	{ARG(1, access), 1, -EINVAL, "argument 1 has access"},
	{ARG(0, type), 1, -EINVAL, "has type 1"},
	{ARG(4, type), 4, -EINVAL, "argument 1 has type 4"},
	{ARG(0, offset_B), 4, -EINVAL, "not aligned to 8"},
	{ARG(1, offset_B), 4, -EINVAL, "overlaps the one before"},
	{ARG(2, offset_B), 24, -EINVAL, "passes the end of the block"},
	{ARG(2, offset_B), 0xfffffffc, -EINVAL, "passes the end of the block"},
	{ARG(0, size_B), 4, -EINVAL, "has 4 bytes"},
	{ARG(4, size_B), 0, -EINVAL, "has 0 bytes"},
	{ARG(4, size_B), 0xffffffff, -EINVAL, "passes the end of the block"},
	{ARG(1, align_B), 3, -EINVAL, "LDS alignment 3"},
	{ARG(1, align_B), 0, -EINVAL, "LDS alignment 0"},
	{ARG(0, align_B), 4, -EINVAL, "LDS alignment 4"},
	{ARG(0, reserved), 1, -EINVAL, "reserved field"},

	{SGPR(0, kind), 0, -EPROTO, "unknown kind 0"},
	{SGPR(0, kind), DF_IMAGE_SGPR_KIND_END, -EPROTO, "unknown kind"},
	{SGPR(1, first), 3, -EINVAL, "overlaps the one before"},
	{SGPR(1, first), 5, -EINVAL, "in user SGPRs 5+2"},
	{SGPR(1, count), 1, -EINVAL, "kernarg_ptr in 1"},
	{SGPR(3, count), 0, -EINVAL, "arg_inline in 0"},
	{SGPR(4, count), 4, -EINVAL, "grid_size in 4"},
	{SGPR(3, offset_B), 2, -EINVAL, "inline arguments 2+8"},
	{SGPR(3, offset_B), 12, -EINVAL, "inline arguments 12+8"},
	{SGPR(3, offset_B), 0xfffffffc, -EINVAL, "inline arguments"},
	{SGPR(1, offset_B), 4, -EINVAL, "kernarg_ptr with offset 4"},
};

static struct sample *sample;

static void setup(void)
{
	sample = malloc(sizeof(*sample));
	sample_make(sample);
}

static void teardown(void)
{
	free(sample);
}

static int parse(void)
{
	struct df_image image = {.data = (const uint8_t *)&image};
	int ret = df_image_parse(sample, sizeof(*sample), &image);

	/* nothing is written on failure */
	ck_assert(ret == 0 || image.data == (const uint8_t *)&image);
	return ret;
}

START_TEST(each_field)
{
	const struct damage *damage = &damages[_i];

	ck_assert_int_eq(parse(), 0);
	memcpy((uint8_t *)sample + damage->at, &damage->value, damage->size < 4 ? damage->size : 4);
	sample_seal(sample);
	ck_assert_int_eq(parse(), damage->error);
	ck_assert_msg(strstr(df_error(), damage->says), "\"%s\" does not say \"%s\"", df_error(), damage->says);
}
END_TEST

START_TEST(checksum)
{
	sample->code[17] ^= 4;
	ck_assert_int_eq(parse(), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(df_error(), "checksum"));
}
END_TEST

/* The check value that every CRC-32 of this polynomial gives. */
START_TEST(checksum_is_crc32)
{
	ck_assert_uint_eq(df_image_crc32(DF_IMAGE_CRC_START, "123456789", 9), 0xcbf43926);
	ck_assert_uint_eq(df_image_crc32(df_image_crc32(DF_IMAGE_CRC_START, "1234", 4), "56789", 5), 0xcbf43926);
}
END_TEST

START_TEST(target_without_nul)
{
	memset(sample->header.target, 'g', sizeof(sample->header.target));
	sample_seal(sample);
	ck_assert_int_eq(parse(), -EINVAL);
	ck_assert_ptr_nonnull(strstr(df_error(), "does not end in NUL"));
}
END_TEST

/* Every shorter file is refused, whatever its checksum. */
START_TEST(truncated)
{
	struct df_image image;

	for (size_t size = 0; size < sizeof(*sample); size++) {
		uint8_t *copy = malloc(size + 1);

		memcpy(copy, sample, size);
		ck_assert_int_eq(df_image_parse(copy, size, &image), -EBADMSG);
		free(copy);
	}
}
END_TEST

START_TEST(too_large)
{
	struct df_image image;

	ck_assert_int_eq(df_image_parse(sample, (size_t)DF_IMAGE_MAX_SIZE_B + 1, &image), -E2BIG);
}
END_TEST

/* Data may lie at any address. */
START_TEST(unaligned)
{
	uint8_t *copy = malloc(sizeof(*sample) + 8);
	struct df_image image;
	struct df_image_kernel kernel;

	for (size_t shift = 0; shift < 8; shift++) {
		memcpy(copy + shift, sample, sizeof(*sample));
		ck_assert_int_eq(df_image_parse(copy + shift, sizeof(*sample), &image), 0);
		ck_assert_int_eq(df_image_get_kernel(&image, 1, &kernel), 0);
		ck_assert_uint_eq(kernel.address32_hi, 0xffff8000);
	}
	free(copy);
}
END_TEST

START_TEST(accessors)
{
	struct df_image image;
	struct df_image_kernel kernel;
	struct df_image_arg arg;
	struct df_image_sgpr sgpr;
	uint32_t i = 99, size;

	ck_assert_int_eq(df_image_parse(sample, sizeof(*sample), &image), 0);
	ck_assert_int_eq(df_image_find_kernel(&image, "beta", &i, &kernel), 0);
	ck_assert_uint_eq(i, 1);
	ck_assert_str_eq(df_image_string(&image, kernel.name), "beta");
	ck_assert_int_eq(df_image_get_arg(&image, kernel.arg_first + 1, &arg), 0);
	ck_assert_str_eq(df_image_string(&image, arg.name), "n");
	ck_assert_int_eq(df_image_get_sgpr(&image, kernel.sgpr_first, &sgpr), 0);
	ck_assert_int_eq(sgpr.kind, DF_IMAGE_SGPR_PUSH_CONST_PTR);
	ck_assert_int_eq(df_image_get_kernel(&image, SAMPLE_KERNELS, &kernel), -ENOENT);
	ck_assert_int_eq(df_image_get_arg(&image, SAMPLE_ARGS, &arg), -ENOENT);
	ck_assert_int_eq(df_image_get_sgpr(&image, SAMPLE_SGPRS, &sgpr), -ENOENT);
	ck_assert_str_eq(df_image_string(&image, 64), "");
	ck_assert_mem_eq(df_image_code(&image, &size), sample->code, SAMPLE_CODE_B);
	ck_assert_uint_eq(size, SAMPLE_CODE_B);
}
END_TEST

START_TEST(find_refuses)
{
	struct df_image image;
	uint32_t i = 99;

	ck_assert_int_eq(df_image_parse(sample, sizeof(*sample), &image), 0);
	ck_assert_int_eq(df_image_find_kernel(&image, "gamma", &i, NULL), -ENOENT);
	ck_assert_ptr_nonnull(strstr(df_error(), "gamma"));
	ck_assert_int_eq(df_image_find_kernel(&image, NULL, &i, NULL), -ENOENT);
	ck_assert_ptr_nonnull(strstr(df_error(), "2 kernels"));
	ck_assert_uint_eq(i, 99);
}
END_TEST

/* A file of a later version may have longer entries; they are read as long as what is new in them is zero. */
START_TEST(longer_entries)
{
	size_t size = sizeof(*sample) + 8192, at = sizeof(*sample);
	uint8_t *copy = calloc(1, size);
	struct df_image_header *header = (struct df_image_header *)copy;
	struct df_image image;

	memcpy(copy, sample, sizeof(*sample));
	for (int i = 0; i < SAMPLE_KERNELS; i++)
		memcpy(copy + at + (size_t)i * 256, &sample->kernels[i], sizeof(sample->kernels[i]));
	header->kernel_offset = (uint32_t)at;
	header->kernel_stride = 256;
	header->total_size_B = (uint32_t)size;
	header->crc32 = df_image_checksum(copy, size);
	ck_assert_int_eq(df_image_parse(copy, size, &image), 0);
	copy[at + 256 + 200] = 1;
	header->crc32 = df_image_checksum(copy, size);
	ck_assert_int_eq(df_image_parse(copy, size, &image), -EPROTO);
	ck_assert_ptr_nonnull(strstr(df_error(), "kernel 1 has fields"));
	free(copy);
}
END_TEST

START_TEST(words)
{
	for (unsigned kind = 1; kind < DF_IMAGE_SGPR_KIND_END; kind++)
		ck_assert_ptr_nonnull(df_image_sgpr_kind_name(kind));
	ck_assert_ptr_null(df_image_sgpr_kind_name(0));
	ck_assert_ptr_null(df_image_sgpr_kind_name(DF_IMAGE_SGPR_KIND_END));
	ck_assert_str_eq(df_image_arg_kind_name(DF_IMAGE_ARG_GRID_DIMS), "grid_dims");
	ck_assert_ptr_null(df_image_arg_kind_name(0));
	ck_assert_uint_eq(df_image_arg_kind_size(DF_IMAGE_ARG_GROUP_SIZE_X), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("image");
	TCase *tcase = tcase_create("image");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, each_field, 0, (int)(sizeof(damages) / sizeof(damages[0])));
	tcase_add_test(tcase, checksum);
	tcase_add_test(tcase, checksum_is_crc32);
	tcase_add_test(tcase, target_without_nul);
	tcase_add_test(tcase, truncated);
	tcase_add_test(tcase, too_large);
	tcase_add_test(tcase, unaligned);
	tcase_add_test(tcase, accessors);
	tcase_add_test(tcase, find_refuses);
	tcase_add_test(tcase, longer_entries);
	tcase_add_test(tcase, words);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Reading a kernel image. The file is checked from the outside in: header, checksum, regions, strings, then each kernel
 * with its arguments and user SGPRs. Nothing is used before it was checked, and each check has its own sentence.
 *
 * Fields of the PGM_RSRC registers are as the RDNA2 ISA document and LLVM's AMDGPUUsage (compute_pgm_rsrc1..3) give
 * them.
 */
#include "core/image.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "core/error.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is little-endian and is read in place");

#define REGION_COUNT 6

#define RSRC1_VGPRS(r)      ((r)&0x3fu)
#define RSRC1_PRIV          (1u << 20)
#define RSRC1_DEBUG_MODE    (1u << 22)
#define RSRC1_RESERVED      (3u << 27)
#define RSRC1_WGP_MODE      (1u << 29)
#define RSRC2_SCRATCH_EN    (1u << 0)
#define RSRC2_USER_SGPR(r)  ((r) >> 1 & 0x1fu)
#define RSRC2_TRAP_PRESENT  (1u << 6)
#define RSRC2_TIDIG(r)      ((r) >> 11 & 3u)
#define RSRC2_LDS_SIZE(r)   ((r) >> 15 & 0x1ffu)
#define RSRC2_RESERVED      (1u << 31)
#define RSRC3_GFX10         0xfu /* SHARED_VGPR_CNT */
#define MAX_VGPRS           512u
#define MAX_SGPRS           128u
#define MAX_FLAT_SIZE       1024u
#define MAX_DESCRIPTOR_SETS 32u

#define FIX_PACK "Fix: write the image again with drumfire pack."

struct region {
	const char *name;
	uint32_t offset;
	uint64_t size_B;
};

uint32_t df_image_crc32(uint32_t crc, const void *data, size_t size_B)
{
	/* Half-byte table of the reflected polynomial 0xedb88320. */
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	const uint8_t *byte = data;

	crc = ~crc;
	for (size_t i = 0; i < size_B; i++) {
		crc = table[(crc ^ byte[i]) & 15] ^ crc >> 4;
		crc = table[(crc ^ byte[i] >> 4) & 15] ^ crc >> 4;
	}
	return ~crc;
}

uint32_t df_image_checksum(const void *data, size_t size_B)
{
	static const uint8_t zero[sizeof(uint32_t)];
	const size_t at = offsetof(struct df_image_header, crc32);
	const uint8_t *byte = data;
	uint32_t crc;

	if (size_B < sizeof(struct df_image_header))
		return 0;
	crc = df_image_crc32(DF_IMAGE_CRC_START, byte, at);
	crc = df_image_crc32(crc, zero, sizeof(zero));
	return df_image_crc32(crc, byte + at + sizeof(zero), size_B - at - sizeof(zero));
}

static bool all_zero(const void *data, size_t size_B)
{
	const uint8_t *byte = data;

	for (size_t i = 0; i < size_B; i++) {
		if (byte[i])
			return false;
	}
	return true;
}

static bool is_power_of_two(uint32_t value)
{
	return value && !(value & (value - 1));
}

/* ---- words of the format ---- */

struct arg_kind {
	uint16_t kind;
	uint8_t size_B;
	const char *name;
};

static const struct arg_kind arg_kinds[] = {
	{DF_IMAGE_ARG_VALUE, 0, "value"},
	{DF_IMAGE_ARG_GLOBAL, 8, "global"},
	{DF_IMAGE_ARG_LOCAL, 4, "local"},
	{DF_IMAGE_ARG_BLOCK_COUNT_X, 4, "block_count_x"},
	{DF_IMAGE_ARG_BLOCK_COUNT_Y, 4, "block_count_y"},
	{DF_IMAGE_ARG_BLOCK_COUNT_Z, 4, "block_count_z"},
	{DF_IMAGE_ARG_GROUP_SIZE_X, 2, "group_size_x"},
	{DF_IMAGE_ARG_GROUP_SIZE_Y, 2, "group_size_y"},
	{DF_IMAGE_ARG_GROUP_SIZE_Z, 2, "group_size_z"},
	{DF_IMAGE_ARG_REMAINDER_X, 2, "remainder_x"},
	{DF_IMAGE_ARG_REMAINDER_Y, 2, "remainder_y"},
	{DF_IMAGE_ARG_REMAINDER_Z, 2, "remainder_z"},
	{DF_IMAGE_ARG_GLOBAL_OFFSET_X, 8, "global_offset_x"},
	{DF_IMAGE_ARG_GLOBAL_OFFSET_Y, 8, "global_offset_y"},
	{DF_IMAGE_ARG_GLOBAL_OFFSET_Z, 8, "global_offset_z"},
	{DF_IMAGE_ARG_GRID_DIMS, 2, "grid_dims"},
	{DF_IMAGE_ARG_PRIVATE_BASE, 4, "private_base"},
	{DF_IMAGE_ARG_SHARED_BASE, 4, "shared_base"},
	{DF_IMAGE_ARG_DYNAMIC_LDS_SIZE, 4, "dynamic_lds_size"},
	{DF_IMAGE_ARG_NONE, 0, "none"},
	{DF_IMAGE_ARG_PRINTF_BUFFER, 8, "printf_buffer"},
	{DF_IMAGE_ARG_QUEUE_PTR, 8, "queue_ptr"},
	{DF_IMAGE_ARG_HOSTCALL_BUFFER, 8, "hostcall_buffer"},
	{DF_IMAGE_ARG_MULTIGRID_SYNC, 8, "multigrid_sync"},
	{DF_IMAGE_ARG_HEAP, 8, "heap"},
	{DF_IMAGE_ARG_DEFAULT_QUEUE, 8, "default_queue"},
	{DF_IMAGE_ARG_COMPLETION_ACTION, 8, "completion_action"},
};

static const struct arg_kind *find_arg_kind(unsigned kind)
{
	for (size_t i = 0; i < sizeof(arg_kinds) / sizeof(arg_kinds[0]); i++) {
		if (arg_kinds[i].kind == kind)
			return &arg_kinds[i];
	}
	return NULL;
}

const char *df_image_arg_kind_name(unsigned kind)
{
	const struct arg_kind *row = find_arg_kind(kind);

	return row ? row->name : NULL;
}

uint32_t df_image_arg_kind_size(unsigned kind)
{
	const struct arg_kind *row = find_arg_kind(kind);

	return row ? row->size_B : 0;
}

/* Counts of user SGPRs that a kind may take. */
struct sgpr_kind {
	const char *name;
	uint8_t count, other_count;
};

static const struct sgpr_kind sgpr_kinds[DF_IMAGE_SGPR_KIND_END] = {
	[DF_IMAGE_SGPR_ARG_INLINE] = {"arg_inline", 0, 0},
	[DF_IMAGE_SGPR_KERNARG_PTR] = {"kernarg_ptr", 2, 2},
	[DF_IMAGE_SGPR_DISPATCH_PTR] = {"dispatch_ptr", 2, 2},
	[DF_IMAGE_SGPR_DISPATCH_ID] = {"dispatch_id", 2, 2},
	[DF_IMAGE_SGPR_PRIVATE_SEGMENT_BUFFER] = {"private_segment_buffer", 4, 4},
	[DF_IMAGE_SGPR_QUEUE_PTR] = {"queue_ptr", 2, 2},
	[DF_IMAGE_SGPR_FLAT_SCRATCH_INIT] = {"flat_scratch_init", 2, 2},
	[DF_IMAGE_SGPR_PRIVATE_SEGMENT_SIZE] = {"private_segment_size", 1, 1},
	[DF_IMAGE_SGPR_GRID_SIZE] = {"grid_size", 2, 3},
	[DF_IMAGE_SGPR_SCRATCH_RING] = {"scratch_ring", 2, 2},
	[DF_IMAGE_SGPR_PUSH_CONST_PTR] = {"push_const_ptr", 1, 2},
	[DF_IMAGE_SGPR_DESCRIPTOR_SET] = {"descriptor_set", 1, 2},
};

const char *df_image_sgpr_kind_name(unsigned kind)
{
	return kind < DF_IMAGE_SGPR_KIND_END ? sgpr_kinds[kind].name : NULL;
}

/* ---- accessors ---- */

static void read_entry(const struct df_image *image, uint32_t table, uint32_t stride, uint32_t i, void *out,
		       size_t size_B)
{
	memcpy(out, image->data + table + (size_t)stride * i, size_B);
}

int df_image_get_kernel(const struct df_image *image, uint32_t i, struct df_image_kernel *out)
{
	const struct df_image_header *header = &image->header;

	if (i >= header->kernel_count)
		return -ENOENT;
	read_entry(image, header->kernel_offset, header->kernel_stride, i, out, sizeof(*out));
	return 0;
}

int df_image_get_arg(const struct df_image *image, uint32_t i, struct df_image_arg *out)
{
	const struct df_image_header *header = &image->header;

	if (i >= header->arg_count)
		return -ENOENT;
	read_entry(image, header->arg_offset, header->arg_stride, i, out, sizeof(*out));
	return 0;
}

int df_image_get_sgpr(const struct df_image *image, uint32_t i, struct df_image_sgpr *out)
{
	const struct df_image_header *header = &image->header;

	if (i >= header->sgpr_count)
		return -ENOENT;
	read_entry(image, header->sgpr_offset, header->sgpr_stride, i, out, sizeof(*out));
	return 0;
}

const char *df_image_string(const struct df_image *image, uint32_t offset)
{
	if (offset >= image->header.strings_size_B)
		return "";
	return (const char *)image->data + image->header.strings_offset + offset;
}

const void *df_image_code(const struct df_image *image, uint32_t *size_B_out)
{
	*size_B_out = image->header.code_size_B;
	return image->data + image->header.code_offset;
}

int df_image_find_kernel(const struct df_image *image, const char *name, uint32_t *i_out, struct df_image_kernel *out)
{
	uint32_t count = image->header.kernel_count;
	struct df_image_kernel kernel;

	if (!name && count != 1)
		return df_error_set(-ENOENT, "the image holds %u kernels. Fix: name one of them", count);
	for (uint32_t i = 0; i < count; i++) {
		df_image_get_kernel(image, i, &kernel);
		if (name && strcmp(df_image_string(image, kernel.name), name) != 0)
			continue;
		*i_out = i;
		if (out)
			*out = kernel;
		return 0;
	}
	return df_error_set(-ENOENT, "the image holds no kernel named \"%s\". Fix: drumfire image lists its kernels",
			    name);
}

/* ---- header and regions ---- */

static int check_target(const char *target, size_t size)
{
	size_t length = strnlen(target, size);

	if (length == 0)
		return df_error_set(-EINVAL, "image: target is empty. " FIX_PACK);
	if (length == size)
		return df_error_set(-EINVAL, "image: target does not end in NUL. " FIX_PACK);
	if (!all_zero(target + length, size - length))
		return df_error_set(-EINVAL, "image: target has bytes behind its NUL. " FIX_PACK);
	for (size_t i = 0; i < length; i++) {
		if (target[i] <= ' ' || target[i] > '~')
			return df_error_set(-EINVAL, "image: target has a byte 0x%02x that no name has. " FIX_PACK,
					    (unsigned char)target[i]);
	}
	return 0;
}

static int check_identity(const struct df_image_header *header, const uint8_t *data, size_t size_B)
{
	if (header->magic != DF_IMAGE_MAGIC)
		return df_error_set(-EBADMSG,
				    "not a kernel image: it begins with 0x%08x. Fix: make one with drumfire pack",
				    header->magic);
	if (header->version != DF_IMAGE_VERSION)
		return df_error_set(-EPROTO, "image: version %u, this library reads version %u. " FIX_PACK,
				    header->version, DF_IMAGE_VERSION);
	if (header->header_size_B < sizeof(*header) || header->header_size_B > size_B)
		return df_error_set(-EINVAL, "image: header size of %u bytes, expected at least %zu. " FIX_PACK,
				    header->header_size_B, sizeof(*header));
	if (header->total_size_B != size_B)
		return df_error_set(-EBADMSG, "image: %zu bytes, but it should have %u. Fix: copy it again, whole",
				    size_B, header->total_size_B);
	if (header->crc32 != df_image_checksum(data, size_B))
		return df_error_set(-EBADMSG, "image: checksum 0x%08x, the header says 0x%08x. Fix: copy it again",
				    df_image_checksum(data, size_B), header->crc32);
	if (header->origin != DF_IMAGE_ORIGIN_CODE_OBJECT && header->origin != DF_IMAGE_ORIGIN_RADV)
		return df_error_set(-EINVAL, "image: unknown origin %u. " FIX_PACK, header->origin);
	if (!all_zero(header->reserved, sizeof(header->reserved)))
		return df_error_set(-EINVAL, "image: reserved header fields are not zero. " FIX_PACK);
	if (!all_zero(data + sizeof(*header), header->header_size_B - sizeof(*header)))
		return df_error_set(-EPROTO, "image: the header has fields that this library does not know. " FIX_PACK);
	return check_target(header->target, sizeof(header->target));
}

static int check_table(const char *name, uint32_t count, uint32_t most, uint32_t stride, size_t known_B)
{
	if (count > most)
		return df_error_set(-E2BIG, "image: %s count %u is over the limit of %u. " FIX_PACK, name, count, most);
	if (stride < known_B || stride % 8 || stride > 4096)
		return df_error_set(-EINVAL,
				    "image: %s stride of %u bytes, expected at least %zu, a multiple of 8. " FIX_PACK,
				    name, stride, known_B);
	return 0;
}

static int check_tables(const struct df_image_header *header)
{
	int ret = check_table("kernel", header->kernel_count, DF_IMAGE_MAX_KERNELS, header->kernel_stride,
			      sizeof(struct df_image_kernel));

	if (ret)
		return ret;
	if (header->kernel_count == 0)
		return df_error_set(-EINVAL, "image: it holds no kernel. " FIX_PACK);
	ret = check_table("argument", header->arg_count, DF_IMAGE_MAX_ARGS, header->arg_stride,
			  sizeof(struct df_image_arg));
	if (ret)
		return ret;
	return check_table("user-SGPR", header->sgpr_count, DF_IMAGE_MAX_KERNELS * DF_IMAGE_USER_SGPRS,
			   header->sgpr_stride, sizeof(struct df_image_sgpr));
}

static int check_region(const struct region *region, uint32_t total_B, uint32_t align)
{
	if (region->offset % align)
		return df_error_set(-EINVAL, "image: %s offset %u is not a multiple of %u. " FIX_PACK, region->name,
				    region->offset, align);
	if (region->offset > total_B || region->size_B > total_B - region->offset)
		return df_error_set(-EINVAL,
				    "image: %s at %u with %llu bytes passes the end of the file (%u). " FIX_PACK,
				    region->name, region->offset, (unsigned long long)region->size_B, total_B);
	return 0;
}

static int check_regions(const struct df_image_header *header)
{
	const struct region regions[REGION_COUNT] = {
		{"header", 0, header->header_size_B},
		{"kernel table", header->kernel_offset, (uint64_t)header->kernel_count * header->kernel_stride},
		{"argument table", header->arg_offset, (uint64_t)header->arg_count * header->arg_stride},
		{"user-SGPR table", header->sgpr_offset, (uint64_t)header->sgpr_count * header->sgpr_stride},
		{"string table", header->strings_offset, header->strings_size_B},
		{"code", header->code_offset, header->code_size_B},
	};
	static const uint32_t aligns[REGION_COUNT] = {1, 8, 8, 8, 1, DF_IMAGE_CODE_ALIGN};

	for (int i = 0; i < REGION_COUNT; i++) {
		int ret = check_region(&regions[i], header->total_size_B, aligns[i]);

		if (ret)
			return ret;
		for (int j = 0; j < i; j++) {
			const struct region *a = &regions[i], *b = &regions[j];

			if (a->size_B && b->size_B && a->offset < b->offset + b->size_B &&
			    b->offset < a->offset + a->size_B)
				return df_error_set(-EINVAL, "image: %s and %s overlap. " FIX_PACK, b->name, a->name);
		}
	}
	if (header->code_size_B == 0 || header->code_size_B % DF_IMAGE_CODE_ALIGN)
		return df_error_set(-EINVAL, "image: code size %u is not a positive multiple of %u. " FIX_PACK,
				    header->code_size_B, DF_IMAGE_CODE_ALIGN);
	return 0;
}

static bool string_good(const struct df_image *image, uint32_t offset)
{
	return offset < image->header.strings_size_B &&
	       strnlen(df_image_string(image, offset), DF_IMAGE_MAX_NAME) < DF_IMAGE_MAX_NAME;
}

static int check_strings(const struct df_image *image)
{
	const struct df_image_header *header = &image->header;
	const uint8_t *strings = image->data + header->strings_offset;

	if (header->strings_size_B == 0 || strings[0] != 0)
		return df_error_set(-EINVAL, "image: the string table does not begin with the empty string. " FIX_PACK);
	if (strings[header->strings_size_B - 1] != 0)
		return df_error_set(-EINVAL, "image: the string table does not end in NUL. " FIX_PACK);
	if (!string_good(image, header->provenance))
		return df_error_set(-EINVAL, "image: provenance %u is no string of it. " FIX_PACK, header->provenance);
	return 0;
}

/* ---- kernels ---- */

static bool target_is_gfx10(const struct df_image *image)
{
	return strncmp(image->header.target, "gfx10", 5) == 0 && strlen(image->header.target) == 7;
}

static int check_kernel_name(const struct df_image *image, uint32_t i, const struct df_image_kernel *kernel)
{
	struct df_image_kernel other;

	if (!string_good(image, kernel->name) || !*df_image_string(image, kernel->name))
		return df_error_set(-EINVAL, "image: name %u of kernel %u is no string of it. " FIX_PACK, kernel->name,
				    i);
	for (uint32_t j = 0; j < i; j++) {
		df_image_get_kernel(image, j, &other);
		if (strcmp(df_image_string(image, other.name), df_image_string(image, kernel->name)) == 0)
			return df_error_set(-EINVAL, "image: two kernels are named \"%s\". " FIX_PACK,
					    df_image_string(image, kernel->name));
	}
	return 0;
}

static int check_rsrc(const struct df_image *image, const struct df_image_kernel *kernel, const char *name)
{
	bool wgp = kernel->pgm_rsrc1 & RSRC1_WGP_MODE;

	if (kernel->pgm_rsrc1 & (RSRC1_PRIV | RSRC1_DEBUG_MODE | RSRC1_RESERVED))
		return df_error_set(-EINVAL,
				    "image: kernel \"%s\": PGM_RSRC1 0x%08x has privileged or reserved bits. " FIX_PACK,
				    name, kernel->pgm_rsrc1);
	if (target_is_gfx10(image) && wgp != !!(kernel->flags & DF_IMAGE_KERNEL_WGP_MODE))
		return df_error_set(-EINVAL,
				    "image: kernel \"%s\": PGM_RSRC1 and flags differ about WGP mode. " FIX_PACK, name);
	if (kernel->pgm_rsrc2 & (RSRC2_TRAP_PRESENT | RSRC2_RESERVED) || RSRC2_TIDIG(kernel->pgm_rsrc2) == 3)
		return df_error_set(-EINVAL,
				    "image: kernel \"%s\": PGM_RSRC2 0x%08x has trap or reserved bits. " FIX_PACK, name,
				    kernel->pgm_rsrc2);
	if (RSRC2_LDS_SIZE(kernel->pgm_rsrc2))
		return df_error_set(-EINVAL,
				    "image: kernel \"%s\": PGM_RSRC2 carries an LDS size; lds_size_B does. " FIX_PACK,
				    name);
	if (RSRC2_USER_SGPR(kernel->pgm_rsrc2) > DF_IMAGE_USER_SGPRS)
		return df_error_set(-EINVAL, "image: kernel \"%s\": PGM_RSRC2 asks for %u user SGPRs of 16. " FIX_PACK,
				    name, RSRC2_USER_SGPR(kernel->pgm_rsrc2));
	if (kernel->scratch_size_B && !(kernel->pgm_rsrc2 & RSRC2_SCRATCH_EN))
		return df_error_set(
			-EINVAL, "image: kernel \"%s\": scratch size without SCRATCH_EN in PGM_RSRC2. " FIX_PACK, name);
	if (kernel->pgm_rsrc3 & (target_is_gfx10(image) ? ~RSRC3_GFX10 : 0))
		return df_error_set(-EINVAL, "image: kernel \"%s\": PGM_RSRC3 0x%08x has reserved bits. " FIX_PACK,
				    name, kernel->pgm_rsrc3);
	return 0;
}

static int check_resources(const struct df_image *image, const struct df_image_kernel *kernel, const char *name)
{
	uint32_t granule = kernel->wave_size == 32 ? 8 : 4;

	if (kernel->wave_size != 32 && kernel->wave_size != 64)
		return df_error_set(-EINVAL, "image: kernel \"%s\": wave size %u, expected 32 or 64. " FIX_PACK, name,
				    kernel->wave_size);
	if (kernel->vgprs == 0 || kernel->vgprs > MAX_VGPRS ||
	    (target_is_gfx10(image) && kernel->vgprs > (RSRC1_VGPRS(kernel->pgm_rsrc1) + 1) * granule))
		return df_error_set(-EINVAL, "image: kernel \"%s\": %u VGPRs, PGM_RSRC1 allocates %u. " FIX_PACK, name,
				    kernel->vgprs, (RSRC1_VGPRS(kernel->pgm_rsrc1) + 1) * granule);
	if (kernel->sgprs > MAX_SGPRS)
		return df_error_set(-EINVAL, "image: kernel \"%s\": %u SGPRs, the limit is %u. " FIX_PACK, name,
				    kernel->sgprs, MAX_SGPRS);
	if (kernel->lds_size_B > DF_IMAGE_MAX_LDS)
		return df_error_set(-E2BIG, "image: kernel \"%s\": %u bytes of LDS, the limit is %u. Fix: use less",
				    name, kernel->lds_size_B, DF_IMAGE_MAX_LDS);
	if (kernel->scratch_size_B > DF_IMAGE_MAX_SCRATCH || kernel->scratch_size_B % 4)
		return df_error_set(
			-E2BIG,
			"image: kernel \"%s\": %u bytes of scratch a work-item, the limit is %u in steps of 4. "
			"Fix: use less",
			name, kernel->scratch_size_B, DF_IMAGE_MAX_SCRATCH);
	return 0;
}

static int check_shape(const struct df_image *image, const struct df_image_kernel *kernel, const char *name)
{
	const uint32_t *block = kernel->block;

	if (kernel->entry_offset % DF_IMAGE_CODE_ALIGN || kernel->entry_offset >= image->header.code_size_B)
		return df_error_set(
			-EINVAL, "image: kernel \"%s\": entry offset %u is not a multiple of %u in the code. " FIX_PACK,
			name, kernel->entry_offset, DF_IMAGE_CODE_ALIGN);
	if (kernel->flags & ~DF_IMAGE_KERNEL_FLAGS_ALL)
		return df_error_set(-EPROTO, "image: kernel \"%s\": unknown flags 0x%x. " FIX_PACK, name,
				    kernel->flags & ~DF_IMAGE_KERNEL_FLAGS_ALL);
	if (kernel->max_flat_size == 0 || kernel->max_flat_size > MAX_FLAT_SIZE)
		return df_error_set(
			-EINVAL, "image: kernel \"%s\": workgroups of up to %u work-items, expected 1 to %u. " FIX_PACK,
			name, kernel->max_flat_size, MAX_FLAT_SIZE);
	for (int d = 0; d < 3; d++) {
		if (block[d] == 0 || block[d] > MAX_FLAT_SIZE)
			return df_error_set(
				-EINVAL, "image: kernel \"%s\": block dimension %d is %u, expected 1 to %u. " FIX_PACK,
				name, d, block[d], MAX_FLAT_SIZE);
	}
	if (block[0] * block[1] * block[2] > kernel->max_flat_size)
		return df_error_set(-EINVAL,
				    "image: kernel \"%s\": block %ux%ux%u is over %u, the most the code was compiled "
				    "for. " FIX_PACK,
				    name, block[0], block[1], block[2], kernel->max_flat_size);
	if (!all_zero(kernel->reserved, sizeof(kernel->reserved)))
		return df_error_set(-EINVAL, "image: kernel \"%s\": reserved fields are not zero. " FIX_PACK, name);
	return 0;
}

static int check_ranges(const struct df_image *image, const struct df_image_kernel *kernel, const char *name)
{
	const struct df_image_header *header = &image->header;

	if (kernel->args_size_B > DF_IMAGE_MAX_ARGS_B || kernel->args_size_B % 4)
		return df_error_set(
			-E2BIG,
			"image: kernel \"%s\": argument block of %u bytes, the limit is %u in steps of 4. " FIX_PACK,
			name, kernel->args_size_B, DF_IMAGE_MAX_ARGS_B);
	if (kernel->arg_first > header->arg_count || kernel->arg_count > header->arg_count - kernel->arg_first)
		return df_error_set(-EINVAL, "image: kernel \"%s\": arguments %u+%u of %u. " FIX_PACK, name,
				    kernel->arg_first, kernel->arg_count, header->arg_count);
	if (kernel->sgpr_first > header->sgpr_count || kernel->sgpr_count > header->sgpr_count - kernel->sgpr_first)
		return df_error_set(-EINVAL, "image: kernel \"%s\": user-SGPR entries %u+%u of %u. " FIX_PACK, name,
				    kernel->sgpr_first, kernel->sgpr_count, header->sgpr_count);
	return 0;
}

/* ---- arguments ---- */

static int check_arg_fields(const struct df_image *image, const struct df_image_arg *arg, uint32_t i, const char *name)
{
	uint32_t fixed_B;

	if (!string_good(image, arg->name))
		return df_error_set(-EINVAL, "image: kernel \"%s\": name %u of argument %u is no string. " FIX_PACK,
				    name, arg->name, i);
	if (!find_arg_kind(arg->kind))
		return df_error_set(-EPROTO, "image: kernel \"%s\": argument %u is of unknown kind %u. " FIX_PACK, name,
				    i, arg->kind);
	if (arg->access > (arg->kind == DF_IMAGE_ARG_GLOBAL ? DF_IMAGE_ACCESS_READ_WRITE : DF_IMAGE_ACCESS_UNKNOWN))
		return df_error_set(-EINVAL, "image: kernel \"%s\": argument %u has access %u. " FIX_PACK, name, i,
				    arg->access);
	if (arg->type > (arg->kind == DF_IMAGE_ARG_VALUE ? DF_IMAGE_TYPE_FLOAT : DF_IMAGE_TYPE_BYTES))
		return df_error_set(-EINVAL, "image: kernel \"%s\": argument %u has type %u. " FIX_PACK, name, i,
				    arg->type);
	fixed_B = df_image_arg_kind_size(arg->kind);
	if (arg->size_B == 0 || (fixed_B && arg->size_B != fixed_B))
		return df_error_set(-EINVAL, "image: kernel \"%s\": argument %u has %u bytes, expected %u. " FIX_PACK,
				    name, i, arg->size_B, fixed_B);
	if (fixed_B && arg->offset_B % fixed_B)
		return df_error_set(-EINVAL, "image: kernel \"%s\": argument %u at %u is not aligned to %u. " FIX_PACK,
				    name, i, arg->offset_B, fixed_B);
	if (arg->kind == DF_IMAGE_ARG_LOCAL ? !is_power_of_two(arg->align_B) || arg->align_B > 4096 : arg->align_B != 0)
		return df_error_set(-EINVAL, "image: kernel \"%s\": argument %u has LDS alignment %u. " FIX_PACK, name,
				    i, arg->align_B);
	if (arg->reserved)
		return df_error_set(-EINVAL, "image: kernel \"%s\": argument %u: reserved field is not zero. " FIX_PACK,
				    name, i);
	return 0;
}

/* Arguments come in the order of their offsets and do not overlap. */
static int check_args(const struct df_image *image, const struct df_image_kernel *kernel, const char *name)
{
	struct df_image_arg arg;
	uint32_t end_B = 0;

	for (uint32_t i = 0; i < kernel->arg_count; i++) {
		int ret;

		df_image_get_arg(image, kernel->arg_first + i, &arg);
		ret = check_arg_fields(image, &arg, i, name);
		if (ret)
			return ret;
		if (arg.offset_B < end_B)
			return df_error_set(
				-EINVAL, "image: kernel \"%s\": argument %u at %u overlaps the one before. " FIX_PACK,
				name, i, arg.offset_B);
		if (arg.offset_B > kernel->args_size_B || arg.size_B > kernel->args_size_B - arg.offset_B)
			return df_error_set(-EINVAL,
					    "image: kernel \"%s\": argument %u at %u passes the end of the block of %u "
					    "bytes. " FIX_PACK,
					    name, i, arg.offset_B, kernel->args_size_B);
		if (arg.kind == DF_IMAGE_ARG_LOCAL && !(kernel->flags & DF_IMAGE_KERNEL_DYNAMIC_LDS))
			return df_error_set(
				-EINVAL,
				"image: kernel \"%s\": LDS argument %u without the dynamic-LDS flag. " FIX_PACK, name,
				i);
		end_B = arg.offset_B + arg.size_B;
	}
	return 0;
}

/* ---- user SGPRs ---- */

static int check_sgpr_fields(const struct df_image_kernel *kernel, const struct df_image_sgpr *sgpr, uint32_t i,
			     const char *name)
{
	uint32_t inline_B = 4u * sgpr->count;
	const struct sgpr_kind *kind;

	if (sgpr->kind == 0 || sgpr->kind >= DF_IMAGE_SGPR_KIND_END)
		return df_error_set(-EPROTO,
				    "image: kernel \"%s\": user-SGPR entry %u is of unknown kind %u. " FIX_PACK, name,
				    i, sgpr->kind);
	kind = &sgpr_kinds[sgpr->kind];
	if (sgpr->count == 0 || (kind->count && sgpr->count != kind->count && sgpr->count != kind->other_count))
		return df_error_set(-EINVAL, "image: kernel \"%s\": %s in %u user SGPRs. " FIX_PACK, name, kind->name,
				    sgpr->count);
	if ((uint32_t)sgpr->first + sgpr->count > RSRC2_USER_SGPR(kernel->pgm_rsrc2))
		return df_error_set(-EINVAL,
				    "image: kernel \"%s\": %s in user SGPRs %u+%u, PGM_RSRC2 loads %u. " FIX_PACK, name,
				    kind->name, sgpr->first, sgpr->count, RSRC2_USER_SGPR(kernel->pgm_rsrc2));
	if (sgpr->kind == DF_IMAGE_SGPR_ARG_INLINE && (sgpr->offset_B % 4 || sgpr->offset_B > kernel->args_size_B ||
						       inline_B > kernel->args_size_B - sgpr->offset_B))
		return df_error_set(-EINVAL,
				    "image: kernel \"%s\": inline arguments %u+%u of a block of %u bytes. " FIX_PACK,
				    name, sgpr->offset_B, inline_B, kernel->args_size_B);
	if (sgpr->kind == DF_IMAGE_SGPR_DESCRIPTOR_SET ? sgpr->offset_B >= MAX_DESCRIPTOR_SETS
						       : sgpr->kind != DF_IMAGE_SGPR_ARG_INLINE && sgpr->offset_B)
		return df_error_set(-EINVAL, "image: kernel \"%s\": %s with offset %u. " FIX_PACK, name, kind->name,
				    sgpr->offset_B);
	return 0;
}

struct sgpr_summary {
	bool block_pointer; /* the argument block in memory is pointed at */
	bool pointer32;
};

static int check_sgprs(const struct df_image *image, const struct df_image_kernel *kernel, const char *name,
		       struct sgpr_summary *summary_out)
{
	struct sgpr_summary summary = {false, false};
	struct df_image_sgpr sgpr;
	uint32_t end = 0;

	for (uint32_t i = 0; i < kernel->sgpr_count; i++) {
		int ret;

		df_image_get_sgpr(image, kernel->sgpr_first + i, &sgpr);
		ret = check_sgpr_fields(kernel, &sgpr, i, name);
		if (ret)
			return ret;
		if (sgpr.first < end)
			return df_error_set(
				-EINVAL, "image: kernel \"%s\": user-SGPR entry %u overlaps the one before. " FIX_PACK,
				name, i);
		end = sgpr.first + sgpr.count;
		if (sgpr.kind == DF_IMAGE_SGPR_KERNARG_PTR || sgpr.kind == DF_IMAGE_SGPR_PUSH_CONST_PTR)
			summary.block_pointer = true;
		if ((sgpr.kind == DF_IMAGE_SGPR_PUSH_CONST_PTR || sgpr.kind == DF_IMAGE_SGPR_DESCRIPTOR_SET) &&
		    sgpr.count == 1)
			summary.pointer32 = true;
	}
	*summary_out = summary;
	return 0;
}

static int check_block_pointer(const struct df_image_kernel *kernel, const char *name,
			       const struct sgpr_summary *summary)
{
	uint32_t expected_B = summary->block_pointer ? kernel->args_size_B : 0;

	if (kernel->kernarg_size_B != expected_B)
		return df_error_set(-EINVAL,
				    "image: kernel \"%s\": %u bytes of arguments in memory, expected %u. " FIX_PACK,
				    name, kernel->kernarg_size_B, expected_B);
	if (expected_B ? kernel->kernarg_align_B < 4 || kernel->kernarg_align_B > 4096 ||
				 !is_power_of_two(kernel->kernarg_align_B)
		       : kernel->kernarg_align_B != 0)
		return df_error_set(-EINVAL, "image: kernel \"%s\": arguments in memory aligned to %u. " FIX_PACK, name,
				    kernel->kernarg_align_B);
	if (kernel->address32_hi && !summary->pointer32)
		return df_error_set(-EINVAL,
				    "image: kernel \"%s\": high address half 0x%x without a 32-bit pointer. " FIX_PACK,
				    name, kernel->address32_hi);
	return 0;
}

static int check_kernel(const struct df_image *image, uint32_t i)
{
	struct sgpr_summary summary = {false, false};
	struct df_image_kernel kernel;
	const char *name;
	int ret;

	df_image_get_kernel(image, i, &kernel);
	ret = check_kernel_name(image, i, &kernel);
	if (ret)
		return ret;
	name = df_image_string(image, kernel.name);
	ret = check_shape(image, &kernel, name);
	if (!ret)
		ret = check_rsrc(image, &kernel, name);
	if (!ret)
		ret = check_resources(image, &kernel, name);
	if (!ret)
		ret = check_ranges(image, &kernel, name);
	if (!ret)
		ret = check_args(image, &kernel, name);
	if (!ret)
		ret = check_sgprs(image, &kernel, name, &summary);
	if (!ret)
		ret = check_block_pointer(&kernel, name, &summary);
	return ret;
}

/* What an entry has behind the part that this library knows must be zero. */
static int check_tails(const struct df_image *image, const char *name, uint32_t offset, uint32_t count, uint32_t stride,
		       size_t known_B)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *entry = image->data + offset + (size_t)stride * i;

		if (!all_zero(entry + known_B, stride - known_B))
			return df_error_set(
				-EPROTO, "image: %s %u has fields that this library does not know. " FIX_PACK, name, i);
	}
	return 0;
}

static int check_all_tails(const struct df_image *image)
{
	const struct df_image_header *header = &image->header;
	int ret = check_tails(image, "kernel", header->kernel_offset, header->kernel_count, header->kernel_stride,
			      sizeof(struct df_image_kernel));

	if (!ret)
		ret = check_tails(image, "argument", header->arg_offset, header->arg_count, header->arg_stride,
				  sizeof(struct df_image_arg));
	if (!ret)
		ret = check_tails(image, "user-SGPR entry", header->sgpr_offset, header->sgpr_count,
				  header->sgpr_stride, sizeof(struct df_image_sgpr));
	return ret;
}

int df_image_parse(const void *data, size_t size_B, struct df_image *out)
{
	struct df_image image = {.data = data};
	int ret;

	if (size_B < sizeof(image.header))
		return df_error_set(-EBADMSG, "not a kernel image: %zu bytes, the header alone has %zu. " FIX_PACK,
				    size_B, sizeof(image.header));
	if (size_B > DF_IMAGE_MAX_SIZE_B)
		return df_error_set(-E2BIG, "image: %zu bytes, the limit is %u. Fix: pack fewer kernels", size_B,
				    DF_IMAGE_MAX_SIZE_B);
	memcpy(&image.header, data, sizeof(image.header));
	ret = check_identity(&image.header, data, size_B);
	if (!ret)
		ret = check_tables(&image.header);
	if (!ret)
		ret = check_regions(&image.header);
	if (!ret)
		ret = check_strings(&image);
	if (!ret)
		ret = check_all_tails(&image);
	for (uint32_t i = 0; !ret && i < image.header.kernel_count; i++)
		ret = check_kernel(&image, i);
	if (ret)
		return ret;
	*out = image;
	return 0;
}

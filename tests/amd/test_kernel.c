/* SPDX-License-Identifier: MIT */
/* Kernels: what the registers and blocks of a launch hold by the kernel's needs, and what is refused. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/code.h"
#include "fake.h"

enum { USER_DATA = 0x240, NUM_THREAD = 0x207, RSRC2 = 0x213, LIMITS = 0x215, TMPRING = 0x218 };

static struct df_device *device;
static struct df_code *code;
static struct df_batch *batch;
static struct pm4_state last; /* at the last dispatch of the stream */
static unsigned dispatches;
static const uint32_t grid[3] = {3, 2, 1};

static void setup(void)
{
	device = fake_device();
	code = NULL;
	ck_assert_int_eq(df_batch_create(device, NULL, &batch), 0);
}

static void teardown(void)
{
	ck_assert_int_eq(df_batch_destroy(batch), 0);
	ck_assert_int_eq(df_code_destroy(code), 0);
	fake_device_free(device);
}

static struct df_kernel *make(const struct fake_kernel *spec)
{
	code = fake_code(device, spec, 1);
	return fake_first(code);
}

static int try_make(const struct fake_kernel *spec)
{
	size_t bytes;
	void *image = fake_image(spec, 1, "gfx1030", NULL, 0, &bytes);
	int ret = df_code_create(device, image, bytes, &code);
	free(image);
	return ret;
}

static void on_event(void *user, const struct pm4_record *record)
{
	(void)user;
	if (record->event != PM4_EV_DISPATCH && record->event != PM4_EV_INDIRECT)
		return;
	last = *record->state;
	dispatches++;
}

static void read_back(void)
{
	dispatches = 0;
	ck_assert_int_eq(df_batch_seal(batch), 0);
	const char *error = pm4_read_batch(batch, on_event, NULL);
	ck_assert_msg(!error, "%s", error);
}

static void launch(struct df_kernel *kernel, const void *args, size_t bytes)
{
	int ret = df_batch_launch(batch, kernel, grid, args, bytes);
	ck_assert_msg(ret == 0, "%s", df_error());
}

static uint64_t sgpr64(unsigned first)
{
	return last.reg[USER_DATA + first] | (uint64_t)last.reg[USER_DATA + first + 1] << 32;
}

static const void *at(uint64_t va, uint64_t bytes)
{
	const void *memory = fake_at(device, va, bytes);
	ck_assert_msg(memory != NULL, "0x%llx is not mapped", (unsigned long long)va);
	return memory;
}

/* ---- hidden arguments ---- */

struct hidden {
	uint64_t pointer;
	uint32_t local, value;
	uint32_t blocks[3];
	uint16_t group[3], remainder[3];
	uint64_t offset[3];
	uint16_t dims, pad[3];
	uint32_t private_base, shared_base, dynamic_lds, pad2;
	uint64_t printf_buffer, queue;
} __attribute__((packed));

static struct fake_kernel hidden_spec(void)
{
	struct fake_kernel spec = fake_kernarg();
	unsigned n = 0;
#define ARG(k, field, ...)                                                                                             \
	spec.args[n++] = (struct df_image_arg){.kind = (k),                                                            \
					       .offset_B = (uint32_t)offsetof(struct hidden, field),                   \
					       .size_B = (uint32_t)sizeof(((struct hidden *)0)->field),                \
					       __VA_ARGS__}
	ARG(DF_IMAGE_ARG_GLOBAL, pointer, .access = 1);
	ARG(DF_IMAGE_ARG_LOCAL, local, .align_B = 16);
	ARG(DF_IMAGE_ARG_VALUE, value, .type = 1);
	for (unsigned i = 0; i < 3; i++)
		ARG(DF_IMAGE_ARG_BLOCK_COUNT_X + i, blocks[i], .access = 0);
	for (unsigned i = 0; i < 3; i++)
		ARG(DF_IMAGE_ARG_GROUP_SIZE_X + i, group[i], .access = 0);
	for (unsigned i = 0; i < 3; i++)
		ARG(DF_IMAGE_ARG_REMAINDER_X + i, remainder[i], .access = 0);
	for (unsigned i = 0; i < 3; i++)
		ARG(DF_IMAGE_ARG_GLOBAL_OFFSET_X + i, offset[i], .access = 0);
	ARG(DF_IMAGE_ARG_GRID_DIMS, dims, .access = 0);
	ARG(DF_IMAGE_ARG_PRIVATE_BASE, private_base, .access = 0);
	ARG(DF_IMAGE_ARG_SHARED_BASE, shared_base, .access = 0);
	ARG(DF_IMAGE_ARG_DYNAMIC_LDS_SIZE, dynamic_lds, .access = 0);
#undef ARG
	spec.arg_count = n;
	spec.k.flags |= DF_IMAGE_KERNEL_DYNAMIC_LDS;
	spec.k.lds_size_B = 1000;
	spec.k.block[1] = 4;
	spec.k.args_size_B = spec.k.kernarg_size_B = sizeof(struct hidden);
	return spec;
}

START_TEST(hidden_arguments)
{
	struct fake_kernel spec = hidden_spec();
	struct df_kernel *kernel = make(&spec);
	struct df_kernel_info info;
	ck_assert_int_eq(df_kernel_get_info(kernel, &info), 0);
	ck_assert_uint_eq(info.args_size_B, 16);
	ck_assert_uint_eq(info.arg_count, 3);
	ck_assert(!info.args_in_registers);
	uint32_t args[4] = {1, 2, 300 /* bytes of LDS */, 77};
	launch(kernel, args, 16);
	read_back();
	const struct hidden *block = at(sgpr64(0), sizeof(*block));
	ck_assert_uint_eq(block->pointer, 1 | 2ull << 32);
	ck_assert_uint_eq(block->local, 1008); /* behind 1000 static bytes, aligned to 16 */
	ck_assert_uint_eq(block->value, 77);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(block->blocks[i], grid[i]);
		ck_assert_uint_eq(block->group[i], spec.k.block[i]);
		ck_assert_uint_eq(block->remainder[i], 0);
		ck_assert_uint_eq(block->offset[i], 0);
	}
	ck_assert_uint_eq(block->dims, 2);
	ck_assert_uint_eq(block->private_base, 0x10000000);
	ck_assert_uint_eq(block->shared_base, 0x20000000);
	ck_assert_uint_eq(block->dynamic_lds, 308);
	ck_assert_uint_eq(last.reg[RSRC2] >> 15 & 0x1ff, 3); /* 1308 bytes in units of 512 */
}
END_TEST

START_TEST(indirect_needs_no_grid)
{
	struct fake_kernel spec = hidden_spec();
	struct df_kernel *kernel = make(&spec);
	struct df_bo *bo;
	struct df_batch_info before, after;
	uint32_t args[4] = {0};
	struct df_patch patch;
	ck_assert_int_eq(df_bo_create(device, 4096, NULL, &bo), 0);
	df_batch_get_info(batch, &before);
	ck_assert_int_eq(df_batch_launch_indirect(batch, kernel, bo, 0, args, 16), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(df_error(), "Fix:"));
	ck_assert_int_eq(df_batch_patch_grid(batch, &patch), 0);
	ck_assert_int_eq(df_batch_launch(batch, kernel, grid, args, 16), -ENOTSUP);
	df_batch_get_info(batch, &after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	ck_assert_int_eq(df_batch_reset(batch), 0);
	ck_assert_int_eq(df_bo_destroy(bo), 0);
}
END_TEST

START_TEST(local_memory_has_a_limit)
{
	struct fake_kernel spec = hidden_spec();
	struct df_kernel *kernel = make(&spec);
	uint32_t args[4] = {0, 0, 65536 - 1008, 0};
	launch(kernel, args, 16);
	args[2]++;
	ck_assert_int_eq(df_batch_launch(batch, kernel, grid, args, 16), -EINVAL);
	args[2] = UINT32_MAX;
	ck_assert_int_eq(df_batch_launch(batch, kernel, grid, args, 16), -EINVAL);
	read_back();
	ck_assert_uint_eq(dispatches, 1);
	ck_assert_uint_eq(last.reg[RSRC2] >> 15 & 0x1ff, 128);
}
END_TEST

/* ---- argument blocks in memory ---- */

START_TEST(equal_blocks_are_used_again)
{
	struct fake_kernel spec = fake_kernarg();
	struct df_kernel *kernel = make(&spec);
	uint32_t args[4] = {1, 2, 3, 4};
	struct df_batch_info one, same, other;
	launch(kernel, args, 16);
	df_batch_get_info(batch, &one);
	launch(kernel, args, 16);
	df_batch_get_info(batch, &same);
	ck_assert_uint_eq(same.args_B, one.args_B);
	ck_assert_uint_eq(same.ib_dwords - one.ib_dwords, 5);
	args[3]++;
	launch(kernel, args, 16);
	df_batch_get_info(batch, &other);
	ck_assert_uint_eq(other.args_B, one.args_B + 16);
	ck_assert_uint_eq(other.ib_dwords - same.ib_dwords, 8); /* the low half of the pointer */
	read_back();
	ck_assert_mem_eq(at(sgpr64(0), 16), args, 16);
}
END_TEST

START_TEST(blocks_of_32_bit_pointers)
{
	struct fake_kernel spec = fake_saxpy();
	spec.k.pgm_rsrc2 = 0x80 | 3 << 1;
	spec.k.kernarg_size_B = 32;
	spec.k.kernarg_align_B = 4;
	spec.k.address32_hi = 0xffff8000;
	spec.sgprs[0] = (struct df_image_sgpr){.kind = DF_IMAGE_SGPR_PUSH_CONST_PTR, .first = 2, .count = 1};
	struct df_kernel *kernel = make(&spec);
	uint32_t args[8] = {8, 7, 6, 5, 4, 3, 2, 1};
	launch(kernel, args, 32);
	read_back();
	ck_assert_mem_eq(at(0xffff800000000000ull | last.reg[USER_DATA + 2], 32), args, 32);
}
END_TEST

START_TEST(dispatch_packet)
{
	struct fake_kernel spec = fake_kernarg();
	spec.k.pgm_rsrc2 = 0x80 | 8 << 1;
	spec.k.block[0] = 32, spec.k.block[1] = 4;
	spec.k.lds_size_B = 256;
	spec.k.flags |= DF_IMAGE_KERNEL_DISPATCH_PTR;
	spec.sgprs[0] = (struct df_image_sgpr){.kind = DF_IMAGE_SGPR_DISPATCH_PTR, .first = 0, .count = 2};
	spec.sgprs[1] = (struct df_image_sgpr){.kind = DF_IMAGE_SGPR_KERNARG_PTR, .first = 2, .count = 2};
	spec.sgprs[2] = (struct df_image_sgpr){.kind = DF_IMAGE_SGPR_DISPATCH_ID, .first = 4, .count = 2};
	spec.sgprs[3] = (struct df_image_sgpr){.kind = DF_IMAGE_SGPR_QUEUE_PTR, .first = 6, .count = 2};
	spec.sgpr_count = 4;
	struct df_kernel *kernel = make(&spec);
	uint32_t args[4] = {1, 2, 3, 4};
	launch(kernel, args, 16);
	launch(kernel, args, 16);
	read_back();
	const uint32_t *packet = at(sgpr64(0), 64);
	ck_assert_uint_eq(packet[0], 2 | 2u << 16);
	ck_assert_uint_eq(packet[1], 32 | 4u << 16);
	ck_assert_uint_eq(packet[2], 1);
	ck_assert_uint_eq(packet[3], 96);
	ck_assert_uint_eq(packet[4], 8);
	ck_assert_uint_eq(packet[5], 1);
	ck_assert_uint_eq(packet[6], 0);
	ck_assert_uint_eq(packet[7], 256);
	ck_assert_uint_eq(packet[10] | (uint64_t)packet[11] << 32, sgpr64(2));
	ck_assert_mem_eq(at(sgpr64(2), 16), args, 16);
	ck_assert_uint_eq(sgpr64(4), 1); /* the second launch */
	const uint32_t *queue = at(sgpr64(6), 256);
	ck_assert_uint_eq(queue[16], 0x20000000);
	ck_assert_uint_eq(queue[17], 0x10000000);
	ck_assert_uint_eq(sgpr64(0) % 64, 0);
}
END_TEST

/* ---- scratch ---- */

static struct fake_kernel scratch_spec(uint32_t bytes)
{
	struct fake_kernel spec = fake_kernarg();
	spec.k.pgm_rsrc2 = 0x80 | 1 | 9 << 1;
	spec.k.scratch_size_B = bytes;
	spec.sgprs[0] = (struct df_image_sgpr){.kind = DF_IMAGE_SGPR_PRIVATE_SEGMENT_BUFFER, .first = 0, .count = 4};
	spec.sgprs[1] = (struct df_image_sgpr){.kind = DF_IMAGE_SGPR_KERNARG_PTR, .first = 4, .count = 2};
	spec.sgprs[2] = (struct df_image_sgpr){.kind = DF_IMAGE_SGPR_FLAT_SCRATCH_INIT, .first = 6, .count = 2};
	spec.sgprs[3] = (struct df_image_sgpr){.kind = DF_IMAGE_SGPR_PRIVATE_SEGMENT_SIZE, .first = 8, .count = 1};
	spec.sgpr_count = 4;
	return spec;
}

/* Every slot that TMPRING lets the hardware hand out must lie in memory. */
static void check_scratch(uint32_t least_wave_B)
{
	uint64_t waves = last.reg[TMPRING] & 0xfff, wave_B = (last.reg[TMPRING] >> 12 & 0x1fff) * 1024ull;
	uint64_t base = last.reg[USER_DATA] | (uint64_t)(last.reg[USER_DATA + 1] & 0xffff) << 32;
	ck_assert_uint_ge(wave_B, least_wave_B);
	ck_assert_uint_ge(waves, 32 * 4); /* a workgroup of 1024 in each engine */
	ck_assert_uint_eq(base, sgpr64(6) & 0xffffffffffffull);
	at(sgpr64(6), waves * wave_B);
	ck_assert_uint_eq(last.reg[USER_DATA + 1] >> 31, 1);     /* swizzled */
	ck_assert_uint_eq(last.reg[USER_DATA + 3] >> 21 & 3, 2); /* 32 lanes */
	ck_assert_uint_eq(last.reg[USER_DATA + 3] >> 23 & 1, 1); /* by lane */
}

START_TEST(scratch_fits_its_waves)
{
	struct fake_kernel spec = scratch_spec(100u << _i);
	struct df_kernel *kernel = make(&spec);
	uint32_t args[4] = {0};
	launch(kernel, args, 16);
	read_back();
	check_scratch((100u << _i) * 32);
	ck_assert_uint_eq(last.reg[USER_DATA + 8], 100u << _i);
}
END_TEST

/* A smaller kernel uses the slots of the larger one, so that waves of both can run together. */
START_TEST(scratch_slots_have_one_size)
{
	struct fake_kernel specs[2] = {scratch_spec(64), scratch_spec(4096)};
	struct df_kernel *small, *large;
	uint32_t args[4] = {0};
	specs[0].name = "small";
	specs[1].name = "large";
	code = fake_code(device, specs, 2);
	ck_assert_int_eq(df_code_kernel(code, "small", &small), 0);
	ck_assert_int_eq(df_code_kernel(code, "large", &large), 0);
	launch(large, args, 16);
	launch(small, args, 16);
	read_back();
	check_scratch(4096 * 32);
	ck_assert_int_eq(df_batch_reset(batch), 0);
	launch(small, args, 16);
	read_back();
	check_scratch(4096 * 32);
}
END_TEST

START_TEST(reserved_batch_has_its_scratch)
{
	struct fake_kernel spec = scratch_spec(512), larger = scratch_spec(8192);
	struct df_kernel *kernel = make(&spec);
	struct df_batch_options options = DF_OPTIONS(options, .reserve_launches = 10);
	struct df_batch *reserved;
	uint32_t args[4] = {0};
	ck_assert_int_eq(df_batch_create(device, &options, &reserved), 0);
	unsigned bos = fake_bo_count();
	ck_assert_int_eq(df_batch_launch(reserved, kernel, grid, args, 16), 0);
	ck_assert_uint_eq(fake_bo_count(), bos);
	struct df_code *other = fake_code(device, &larger, 1);
	ck_assert_int_eq(df_batch_launch(reserved, fake_first(other), grid, args, 16), -ENOSPC);
	ck_assert_int_eq(df_batch_destroy(reserved), 0);
	ck_assert_int_eq(df_code_destroy(other), 0);
}
END_TEST

/* ---- shapes and limits ---- */

START_TEST(resource_limits)
{
	struct fake_kernel spec = fake_kernarg();
	spec.k.flags &= ~(uint32_t)DF_IMAGE_KERNEL_BLOCK_FIXED;
	struct df_kernel *kernel = make(&spec), *variant;
	static const struct {
		uint32_t items, limits;
	} cases[] = {{1, 1u << 24}, {32, 1u << 24}, {33, 0}, {128, 1u << 22}, {129, 0}, {1024, 1u << 22}};
	uint32_t args[4] = {0};
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint32_t block[3] = {cases[i].items, 1, 1};
		ck_assert_int_eq(df_kernel_with_block(kernel, block, 0, &variant), 0);
		launch(variant, args, 16);
		read_back();
		ck_assert_uint_eq(last.reg[LIMITS], cases[i].limits);
		ck_assert_uint_eq(last.reg[NUM_THREAD], cases[i].items);
		ck_assert_int_eq(df_batch_reset(batch), 0);
	}
}
END_TEST

/* vgprs as RSRC1 holds them (n + 1 times 8 in wave32, 4 in wave64); 80 CUs of 2 SIMDs with 1024 registers and 16 waves.
 */
START_TEST(groups_resident)
{
	static const struct {
		uint32_t wave, vgpr_field, items, lds_B;
		bool wgp;
		uint32_t want;
	} cases[] = {
		{32, 1, 32, 0, false, 80 * 32}, /* wave slots: 16 a SIMD, 2 SIMDs */
		{32, 1, 32, 0, true, 40 * 64},     {64, 1, 64, 0, false, 80 * 32},
		{32, 31, 32, 0, false, 80 * 8}, /* 256 registers: 4 waves a SIMD */
		{32, 8, 32, 0, false, 80 * 24}, /* 72 registers take 80: 12 waves */
		{64, 63, 64, 0, false, 80 * 4}, /* 256 of 512: 2 waves */
		{32, 1, 64, 0, false, 80 * 16}, /* barriers: 16 workgroups of more than one wave */
		{32, 1, 1024, 0, false, 80},       {32, 1, 1024, 0, true, 80},
		{32, 1, 32, 65536, false, 80},     /* all LDS of a CU */
		{32, 1, 32, 65536, true, 80},      /* half of that of a WGP */
		{32, 1, 32, 1025, false, 80 * 32}, /* 2 KiB each: 32 fit into 64 KiB */
		{32, 1, 32, 2049, false, 80 * 21}, /* 3 KiB each */
	};
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake_kernel spec = fake_kernarg();
		struct df_kernel_info info;
		spec.k.wave_size = cases[i].wave;
		spec.k.pgm_rsrc1 = 0x402c0000 | cases[i].vgpr_field | (cases[i].wgp ? 1u << 29 : 0);
		spec.k.flags = cases[i].wgp ? DF_IMAGE_KERNEL_WGP_MODE : 0;
		spec.k.vgprs = 4;
		spec.k.lds_size_B = cases[i].lds_B;
		spec.k.block[0] = cases[i].items;
		struct df_kernel *kernel = make(&spec);
		ck_assert_int_eq(df_kernel_get_info(kernel, &info), 0);
		ck_assert_msg(info.groups_resident == cases[i].want, "case %u: %u, expected %u", i,
			      info.groups_resident, cases[i].want);
		ck_assert_int_eq(df_code_destroy(code), 0);
		code = NULL;
	}
}
END_TEST

/* 32 waves of 256 registers do not fit into a CU: such a launch would wait for ever. */
START_TEST(groups_that_fit_nowhere)
{
	struct fake_kernel spec = fake_kernarg();
	spec.k.pgm_rsrc1 = 0x402c0000 | 31;
	spec.k.flags = 0;
	struct df_kernel *kernel = make(&spec), *variant;
	const uint32_t block[3] = {1024, 1, 1};
	ck_assert_int_eq(df_kernel_with_block(kernel, block, 0, &variant), -EINVAL);
	ck_assert_ptr_nonnull(strstr(df_error(), "Fix:"));
	struct df_code *other = code;
	spec.k.block[0] = 1024;
	ck_assert_int_eq(try_make(&spec), -EINVAL);
	code = other;
}
END_TEST

START_TEST(blocks_are_checked)
{
	struct fake_kernel spec = fake_kernarg();
	spec.k.max_flat_size = 256;
	struct df_kernel *kernel = make(&spec), *variant = NULL;
	const uint32_t good[3] = {16, 16, 1}, zero[3] = {64, 0, 1}, large[3] = {257, 1, 1},
		       huge[3] = {65536, 65536, 65536};
	ck_assert_int_eq(df_kernel_with_block(kernel, good, 0, &variant), 0);
	struct df_kernel *before = variant;
	ck_assert_int_eq(df_kernel_with_block(kernel, zero, 0, &variant), -EINVAL);
	ck_assert_int_eq(df_kernel_with_block(kernel, large, 0, &variant), -EINVAL);
	ck_assert_int_eq(df_kernel_with_block(kernel, huge, 0, &variant), -EINVAL);
	ck_assert_int_eq(df_kernel_with_block(kernel, good, 1024, &variant), -EINVAL); /* takes none */
	ck_assert_int_eq(df_kernel_with_block(NULL, good, 0, &variant), -EINVAL);
	ck_assert_ptr_eq(variant, before);
}
END_TEST

START_TEST(fixed_blocks_stay)
{
	struct fake_kernel spec = fake_saxpy();
	spec.k.flags |= DF_IMAGE_KERNEL_BLOCK_FIXED;
	struct df_kernel *kernel = make(&spec), *variant;
	const uint32_t other[3] = {32, 1, 1}, same[3] = {64, 1, 1};
	ck_assert_int_eq(df_kernel_with_block(kernel, other, 0, &variant), -EINVAL);
	ck_assert_int_eq(df_kernel_with_block(kernel, same, 0, &variant), 0);
}
END_TEST

START_TEST(dynamic_lds)
{
	struct fake_kernel spec = fake_saxpy();
	spec.k.flags |= DF_IMAGE_KERNEL_DYNAMIC_LDS;
	spec.k.lds_size_B = 100;
	struct df_kernel *kernel = make(&spec), *variant;
	const uint32_t block[3] = {64, 1, 1};
	uint32_t args[8] = {0};
	ck_assert_int_eq(df_kernel_with_block(kernel, block, 65536 - 99, &variant), -EINVAL);
	ck_assert_int_eq(df_kernel_with_block(kernel, block, UINT32_MAX, &variant), -EINVAL);
	ck_assert_int_eq(df_kernel_with_block(kernel, block, 65536 - 100, &variant), 0);
	launch(variant, args, 32);
	read_back();
	ck_assert_uint_eq(last.reg[RSRC2] >> 15 & 0x1ff, 128);
	struct df_kernel_info info;
	ck_assert_int_eq(df_kernel_get_info(variant, &info), 0);
	ck_assert_uint_eq(info.lds_size_B, 65536);
	ck_assert(info.args_in_registers);
}
END_TEST

START_TEST(bad_kernels_are_refused)
{
	struct fake_kernel spec = fake_saxpy();
	size_t bytes;
	void *image = fake_image(&spec, 1, "gfx1100", NULL, 0, &bytes);
	ck_assert_int_eq(df_code_create(device, image, bytes, &code), -ENOEXEC);
	ck_assert_ptr_nonnull(strstr(df_error(), "gfx1100"));
	free(image);
	spec = fake_saxpy();
	spec.sgprs[1] = spec.sgprs[0];
	spec.sgprs[0] = (struct df_image_sgpr){.kind = DF_IMAGE_SGPR_DESCRIPTOR_SET, .first = 0, .count = 1};
	spec.sgpr_count = 2;
	spec.k.address32_hi = 0xffff8000;
	int ret = try_make(&spec);
	ck_assert_msg(ret == -ENOTSUP, "%d %s", ret, df_error());
	spec = fake_saxpy();
	spec.sgprs[1] = (struct df_image_sgpr){.kind = DF_IMAGE_SGPR_ARG_INLINE, .first = 9, .count = 1};
	spec.sgpr_count = 2;
	ck_assert_int_lt(try_make(&spec), 0); /* SGPR 9 twice */
	spec = fake_saxpy();
	spec.k.pgm_rsrc1 |= 3u << 10;
	ck_assert_int_lt(try_make(&spec), 0); /* priority */
	ck_assert_ptr_null(code);
	ck_assert_uint_eq(atomic_load(&device->live.codes), 0);
	ck_assert_int_eq(df_code_create(NULL, &spec, 1, &code), -EINVAL);
	ck_assert_int_eq(df_code_create(device, "x", 1, &code), -EBADMSG);
}
END_TEST

START_TEST(arguments_are_listed)
{
	struct fake_kernel spec = hidden_spec();
	struct df_kernel *kernel = make(&spec);
	struct df_arg_info arg;
	ck_assert_int_eq(df_kernel_get_arg(kernel, 0, &arg), 0);
	ck_assert_int_eq(arg.kind, DF_ARG_POINTER);
	ck_assert_uint_eq(arg.access, DF_READ);
	ck_assert_int_eq(df_kernel_get_arg(kernel, 1, &arg), 0);
	ck_assert_int_eq(arg.kind, DF_ARG_LOCAL);
	ck_assert_int_eq(df_kernel_get_arg(kernel, 2, &arg), 0);
	ck_assert_int_eq(arg.kind, DF_ARG_VALUE);
	ck_assert_uint_eq(arg.offset_B, 12);
	ck_assert_int_eq(df_kernel_get_arg(kernel, 3, &arg), -ENOENT);
	ck_assert_str_eq(df_code_kernel_name(code, 0), "kernarg");
	ck_assert_ptr_null(df_code_kernel_name(code, 1));
}
END_TEST

/* ---- patch points ---- */

START_TEST(patches_are_checked)
{
	struct fake_kernel spec = fake_saxpy();
	struct df_kernel *kernel = make(&spec);
	struct df_patch patch = {0};
	struct df_batch_info before, after;
	uint32_t args[8] = {0};
	launch(kernel, args, 32);
	df_batch_get_info(batch, &before);
	ck_assert_int_eq(df_batch_patch_args(batch, 2, 4, &patch), -EINVAL);
	ck_assert_int_eq(df_batch_patch_args(batch, 0, 0, &patch), -EINVAL);
	ck_assert_int_eq(df_batch_patch_args(batch, 0, 6, &patch), -EINVAL);
	ck_assert_int_eq(df_batch_patch_args(batch, 0, 4, NULL), -EINVAL);
	ck_assert_int_eq(df_batch_patch_args(batch, 0, UINT32_MAX & ~3u, &patch), -EINVAL);
	ck_assert_int_eq(df_batch_patch_args(batch, 28, 8, &patch), 0); /* past the end: known when the kernel is */
	ck_assert_int_eq(df_batch_launch(batch, kernel, grid, args, 32), -EINVAL);
	ck_assert_int_eq(df_batch_barrier(batch), -EPERM);
	ck_assert_int_eq(df_batch_seal(batch), -EPERM);
	df_batch_get_info(batch, &after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	ck_assert_ptr_null(patch.where);
	ck_assert_int_eq(df_batch_reset(batch), 0);
	for (unsigned i = 0; i < 8; i++)
		ck_assert_int_eq(df_batch_patch_args(batch, 4 * i, 4, &patch), 0);
	ck_assert_int_eq(df_batch_patch_args(batch, 0, 4, &patch), -ENOSPC);
	launch(kernel, args, 32);
	df_patch_store(&patch, (const uint32_t[]){0x1234});
	df_patch_store(NULL, args);
	read_back();
	ck_assert_uint_eq(last.reg[USER_DATA + 9], 0x1234);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel");
	TCase *tc = tcase_create("kernels");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, hidden_arguments);
	tcase_add_test(tc, indirect_needs_no_grid);
	tcase_add_test(tc, local_memory_has_a_limit);
	tcase_add_test(tc, equal_blocks_are_used_again);
	tcase_add_test(tc, blocks_of_32_bit_pointers);
	tcase_add_test(tc, dispatch_packet);
	tcase_add_loop_test(tc, scratch_fits_its_waves, 0, 8);
	tcase_add_test(tc, scratch_slots_have_one_size);
	tcase_add_test(tc, reserved_batch_has_its_scratch);
	tcase_add_test(tc, resource_limits);
	tcase_add_test(tc, groups_resident);
	tcase_add_test(tc, groups_that_fit_nowhere);
	tcase_add_test(tc, blocks_are_checked);
	tcase_add_test(tc, fixed_blocks_stay);
	tcase_add_test(tc, dynamic_lds);
	tcase_add_test(tc, bad_kernels_are_refused);
	tcase_add_test(tc, arguments_are_listed);
	tcase_add_test(tc, patches_are_checked);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/* test_ds.c - every row of DS against the reference; swizzle modes; refusals. */
#include "gpu/isa/tables.h"
#include "isa/mem_check.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 32

static uint32_t lds_address(struct mem_check *c, unsigned shape, unsigned lane, uint32_t base)
{
	switch (shape % 5) {
	case 0:
		return base + lane * 4;
	case 1:
		return base;
	case 2:
		return mem_check_below(c, RIG_LDS);
	case 3:
		return mem_check_below(c, 64) * 16;
	default:
		return mem_check_below(c, 4) ? mem_check_below(c, 64) * 8 : (uint32_t)mem_check_random(c);
	}
}

static void ds_once(struct mem_check *c, const struct gpu_op *op, unsigned shape)
{
	struct ref_inst in = {.name = op->name, .dst = 8, .addr = 2, .data = 16, .data1 = 24};
	bool aligned = op->flags & GPU_OPF_STORE && op->src[1] != GPU_O_B32;
	uint32_t words[2], base;

	mem_check_randomise(c);
	base = mem_check_below(c, RIG_LDS / 2);
	in.offset = (int32_t)mem_check_below(c, 256);
	in.offset1 = mem_check_below(c, 4) ? mem_check_below(c, 16) : mem_check_below(c, 256);
	if (aligned) { /* elements that overlap in part have no order between lanes */
		in.offset &= ~15;
		base &= ~15u;
	}
	if (shape & 8)
		in.dst = in.addr;
	for (unsigned lane = 0; lane < c->rig.w.lanes; lane++) {
		uint32_t address = lds_address(c, shape, lane, base);

		mem_check_set_vgpr(c, 2, lane, aligned ? address & ~15u : address);
	}
	mem_encode_ds(words, op->opcode, &in);
	mem_check_run(c, words, &in);
}

static void rows(struct mem_check *c)
{
	unsigned run = 0;

	for (unsigned i = 0; i < gpu_gfx10_3_ds_count; i++) {
		const struct gpu_op *op = &gpu_gfx10_3_ds[i];

		if (!op->exec)
			continue;
		for (unsigned round = 0; round < ROUNDS; round++)
			ds_once(c, op, round);
		run++;
	}
	ck_assert_uint_eq(gpu_gfx10_3_ds_count, 123);
	ck_assert_uint_eq(run, 116);
}

START_TEST(ds_rows)
{
	struct mem_check *c = malloc(sizeof(*c));

	ck_assert_ptr_nonnull(c);
	mem_check_init(c, 0x5ca1ab1e);
	rows(c);
	mem_check_finish(c);
	free(c);
}
END_TEST

/* Every offset of the swizzle, half a wave of known values: 64 Ki runs. */
START_TEST(swizzle_modes)
{
	struct mem_check *c = malloc(sizeof(*c));
	struct ref_inst in = {.name = "ds_swizzle_b32", .dst = 8, .addr = 2};
	uint32_t words[2];

	ck_assert_ptr_nonnull(c);
	mem_check_init(c, 77);
	mem_check_randomise(c);
	for (uint32_t offset = 0; offset < 65536; offset++) {
		in.offset = offset & 255;
		in.offset1 = offset >> 8;
		mem_check_set_sgpr(c, 126, offset & 1 ? 0xffffffff : (uint32_t)mem_check_random(c));
		mem_encode_ds(words, 0x35, &in);
		ck_assert_int_eq(mem_rig_run(&c->rig, words), GPU_STEP_NEXT);
		ref_mem_exec(&c->ref, &in);
		for (unsigned lane = 0; lane < c->rig.w.lanes; lane++)
			if (c->rig.vgpr[8 * c->rig.w.lanes + lane] != c->ref.v[8][lane])
				ck_abort_msg("offset %x lane %u", offset, lane);
	}
	mem_check_finish(c);
	free(c);
}
END_TEST

/* A known quad reversal, written out by hand. */
START_TEST(swizzle_by_hand)
{
	struct mem_rig rig;
	const uint32_t reverse[2] = {0xd8d40000 | 0x801b, 8u << 24 | 2};

	mem_rig_init(&rig, false);
	rig.w.s[126] = 0xffffffff;
	for (unsigned lane = 0; lane < 32; lane++)
		rig.vgpr[2 * 32 + lane] = 100 + lane;
	ck_assert_int_eq(mem_rig_run(&rig, reverse), GPU_STEP_NEXT);
	for (unsigned lane = 0; lane < 32; lane++)
		ck_assert_uint_eq(rig.vgpr[8 * 32 + lane], 100 + (lane ^ 3));
	mem_rig_finish(&rig);
}
END_TEST

START_TEST(refusals)
{
	struct mem_rig rig;
	unsigned refused = 0;

	mem_rig_init(&rig, false);
	for (unsigned i = 0; i < gpu_gfx10_3_ds_count; i++) {
		const struct gpu_op *op = &gpu_gfx10_3_ds[i];
		const uint32_t gds[2] = {0xd8000000 | (uint32_t)op->opcode << 18 | 1u << 17, 0x08060402};

		if (!op->exec) {
			ck_assert(op->flags & GPU_OPF_REFUSED);
			ck_assert_msg(strstr(op->name, "gws") || strstr(op->name, "ordered_count"), "%s", op->name);
			refused++;
		} else if (op->opcode != 0x14) {
			ck_assert_msg(mem_rig_run(&rig, gds) == GPU_STEP_FAULT, "%s with gds", op->name);
			ck_assert_int_eq(rig.w.fault.status, GPU_FAULT_OPCODE);
			ck_assert_ptr_nonnull(strstr(rig.w.fault.what, op->name));
		}
	}
	ck_assert_uint_eq(refused, 7);
	mem_rig_finish(&rig);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("DS");
	TCase *tc = tcase_create("rows");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, ds_rows);
	tcase_add_test(tc, swizzle_modes);
	tcase_add_test(tc, swizzle_by_hand);
	tcase_add_test(tc, refusals);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed;
}

/* SPDX-License-Identifier: MIT */
/* test_mem_flat.c - every row of FLAT, GLOBAL and SCRATCH against the reference, in every shape of addresses. */
#include "gpu/isa/tables.h"
#include "isa/mem_check.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { CONSECUTIVE, UNIFORM, ROWS, SAME_ROWS, NEARBY, ANYWHERE, CROSSING, STRAY, SHAPES };

static unsigned element_bytes(const char *name)
{
	return strstr(name, "x4") ? 16 : strstr(name, "x3") ? 12 : strstr(name, "x2") ? 8 : 4;
}

/* A byte offset into the rig's memory (or a little outside) for a lane. */
static uint64_t lane_offset(struct mem_check *c, unsigned shape, unsigned lane, unsigned bytes, uint32_t base)
{
	switch (shape) {
	case CONSECUTIVE:
		return base + lane * bytes;
	case UNIFORM:
		return base;
	case ROWS: /* of 16 lanes, some of them across a page */
		return base / 2 + lane / 16 * (base % 5000 / 4 * 4) + lane % 16 * bytes;
	case SAME_ROWS:
		return base / 2 + lane / 16 * (base % 5000 / 4 * 4);
	case NEARBY:
		return base + mem_check_below(c, 512) * 4;
	case ANYWHERE:
		return mem_check_below(c, RIG_SIZE - 64);
	case CROSSING:
		return (base & ~4095u) + 4096 - mem_check_below(c, 20) + 4096 * mem_check_below(c, 3);
	default:
		return mem_check_below(c, 8) ? mem_check_below(c, RIG_SIZE / 16) * 16 : RIG_SIZE + 4096 * lane;
	}
}

static bool is_addtid(const struct gpu_op *op)
{
	return strstr(op->name, "addtid") != NULL;
}

/* Stores of lanes that partly overlap have no defined order: those shapes keep elements apart or the same. */
static uint64_t settle(const struct gpu_op *op, uint64_t offset, unsigned bytes)
{
	return op->flags & GPU_OPF_STORE && bytes > 4 ? offset - offset % bytes : offset;
}

static void global_once(struct mem_check *c, const struct gpu_op *op, unsigned shape)
{
	struct ref_inst in = {.name = op->name, .dst = 8, .addr = 2, .data = 16, .saddr = 125};
	unsigned bytes = element_bytes(op->name);
	uint32_t base = 4096 + mem_check_below(c, 8 * 4096), words[2];
	bool flat = op->enc == GPU_FLAT;
	uint64_t sgpr = 0;

	mem_check_randomise(c);
	in.glc = mem_check_below(c, 2) || strstr(op->name, "csub");
	in.offset = flat ? (int32_t)mem_check_below(c, 2048) : (int32_t)mem_check_below(c, 4096) - 2048;
	if (mem_check_below(c, 4) == 0)
		in.dst = in.addr; /* over its own addresses */
	if (!flat && (is_addtid(op) || mem_check_below(c, 2))) {
		in.saddr = 10;
		sgpr = RIG_VA - (is_addtid(op) ? 0 : mem_check_below(c, 1000)) + (is_addtid(op) ? base : 0);
		mem_check_set_sgpr(c, 10, (uint32_t)sgpr);
		mem_check_set_sgpr(c, 11, (uint32_t)(sgpr >> 32));
	}
	for (unsigned lane = 0; lane < c->rig.w.lanes; lane++) {
		uint64_t va = RIG_VA + settle(op, lane_offset(c, shape, lane, bytes, base), bytes) -
			      (uint64_t)(int64_t)in.offset;

		if (is_addtid(op))
			break;
		mem_check_set_vgpr(c, in.addr, lane, (uint32_t)(va - sgpr));
		if (!sgpr)
			mem_check_set_vgpr(c, in.addr + 1, lane, (uint32_t)(va >> 32));
	}
	mem_encode_flat(words, op->opcode, flat ? 0 : 2, &in);
	mem_check_run(c, words, &in);
}

/* Lanes of one instruction go to memory, LDS and scratch. */
static void apertures_once(struct mem_check *c, const struct gpu_op *op)
{
	struct ref_inst in = {.name = op->name, .dst = 8, .addr = 2, .data = 16, .saddr = 125};
	unsigned bytes = element_bytes(op->name), kinds = 1 + mem_check_below(c, 7);
	bool aligned = op->flags & (GPU_OPF_STORE | GPU_OPF_ATOMIC),
	     narrow_only = op->flags & GPU_OPF_ATOMIC && bytes > 4;
	uint32_t words[2];

	mem_check_randomise(c);
	c->ref.flat_scratch = c->rig.w.flat_scratch = RIG_VA + 5 * 4096;
	in.glc = mem_check_below(c, 2);
	in.offset = (int32_t)mem_check_below(c, 64) * 4;
	for (unsigned lane = 0; lane < c->rig.w.lanes; lane++) {
		unsigned kind;
		uint32_t at = mem_check_below(c, 250) + (mem_check_below(c, 16) ? 0 : RIG_LDS - 8);
		uint64_t va;

		do
			kind = mem_check_below(c, 3);
		while (!(kinds >> kind & 1));
		if (aligned || mem_check_below(c, 2))
			at &= ~15u;
		if (kind == 1)
			at &= 255; /* scratch has no end of its own */
		if (kind == 1 && narrow_only)
			kind = 2;
		va = kind == 0 ? RIG_VA + 4096 + at : kind == 1 ? RIG_PRIVATE + at : RIG_SHARED + at;
		va -= (uint32_t)in.offset;
		if (kind && at < (uint32_t)in.offset)
			va += (uint32_t)in.offset;
		mem_check_set_vgpr(c, 2, lane, (uint32_t)va);
		mem_check_set_vgpr(c, 3, lane, (uint32_t)(va >> 32));
	}
	mem_encode_flat(words, op->opcode, 0, &in);
	mem_check_run(c, words, &in);
}

static void scratch_once(struct mem_check *c, const struct gpu_op *op, unsigned shape)
{
	struct ref_inst in = {.name = op->name, .dst = 8, .addr = 2, .data = 16, .saddr = 125};
	bool store = op->flags & GPU_OPF_STORE;
	unsigned align = store || mem_check_below(c, 2) ? 16 : 1;
	uint32_t words[2];

	mem_check_randomise(c);
	in.offset = (int32_t)mem_check_below(c, 128) * 16;
	if (shape % 3 == 1) {
		in.saddr = 20;
		mem_check_set_sgpr(c, 20, mem_check_below(c, 300) * align);
	} else if (shape % 3 == 2) {
		in.saddr = 127;
	}
	for (unsigned lane = 0; lane < c->rig.w.lanes && in.saddr == 125; lane++)
		mem_check_set_vgpr(c, 2, lane, mem_check_below(c, 3) ? 64 : mem_check_below(c, 900 / align) * align);
	mem_encode_flat(words, op->opcode, 1, &in);
	mem_check_run(c, words, &in);
}

static struct mem_check *check_new(uint64_t seed)
{
	struct mem_check *c = malloc(sizeof(*c));

	ck_assert_ptr_nonnull(c);
	mem_check_init(c, seed);
	return c;
}

static void check_end(struct mem_check *c, uint64_t at_least)
{
	ck_assert_uint_ge(c->runs, at_least);
	mem_check_finish(c);
	free(c);
}

#define ROUNDS 24

START_TEST(global_rows)
{
	struct mem_check *c = check_new(0x1234567);

	for (unsigned i = 0; i < gpu_gfx10_3_global_count; i++)
		for (unsigned round = 0; round < ROUNDS; round++)
			global_once(c, &gpu_gfx10_3_global[i], round % SHAPES);
	ck_assert_uint_eq(gpu_gfx10_3_global_count, 57);
	ck_assert_uint_gt(c->rig.page_faults, 0);
	check_end(c, 57 * ROUNDS);
}
END_TEST

START_TEST(flat_rows)
{
	struct mem_check *c = check_new(0x7654321);

	for (unsigned i = 0; i < gpu_gfx10_3_flat_count; i++)
		for (unsigned round = 0; round < ROUNDS; round++)
			global_once(c, &gpu_gfx10_3_flat[i], round % SHAPES);
	ck_assert_uint_eq(gpu_gfx10_3_flat_count, 54);
	check_end(c, 54 * ROUNDS);
}
END_TEST

START_TEST(flat_apertures)
{
	struct mem_check *c = check_new(0x99);

	for (unsigned i = 0; i < gpu_gfx10_3_flat_count; i++)
		for (unsigned round = 0; round < ROUNDS; round++)
			apertures_once(c, &gpu_gfx10_3_flat[i]);
	check_end(c, 54 * ROUNDS);
}
END_TEST

START_TEST(scratch_rows)
{
	struct mem_check *c = check_new(0xabcdef);

	for (unsigned i = 0; i < gpu_gfx10_3_scratch_count; i++)
		for (unsigned round = 0; round < ROUNDS; round++)
			scratch_once(c, &gpu_gfx10_3_scratch[i], round);
	ck_assert_uint_eq(gpu_gfx10_3_scratch_count, 22);
	check_end(c, 22 * ROUNDS);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("FLAT, GLOBAL, SCRATCH");
	TCase *tc = tcase_create("rows");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, global_rows);
	tcase_add_test(tc, flat_rows);
	tcase_add_test(tc, flat_apertures);
	tcase_add_test(tc, scratch_rows);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed;
}

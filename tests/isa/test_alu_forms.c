/* SPDX-License-Identifier: MIT */
/*
 * test_alu_forms.c - what clang's code showed: modifiers and destinations of compares in their long forms, and the last
 * steps of divisions at the ends of the range. Encodings are what llvm-mc writes for the text beside them.
 */
#include "gpu/isa.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VGPRS = 8, LANES = 32, KEEP_DENORMS = 0xf0 };

static uint32_t v[VGPRS * LANES] __attribute__((aligned(64)));
static struct gpu_wave w;

static void fresh(void)
{
	memset(&w, 0, sizeof(w));
	memset(v, 0, sizeof(v));
	w.lanes = LANES;
	w.lane_shift = 5;
	w.vgpr = v;
	w.vgpr_count = VGPRS;
	w.mode = KEEP_DENORMS;
	w.s[126] = ~0u;
	w.s[106] = 0x5a5a5a5a;
}

static void run(const char *name, uint32_t d0, uint32_t d1)
{
	const uint32_t dw[5] = {d0, d1};
	struct gpu_inst in;
	const char *why = "";

	ck_assert_msg(gpu_isa_decode(&gpu_isa_gfx10_3, dw, 5, &in, &why) == 2, "%s: %s", name, why);
	ck_assert_str_eq(in.op->name, name);
	ck_assert_int_eq(in.exec(&w, &in), GPU_STEP_NEXT);
}

static void set32(unsigned r, unsigned lane, float value)
{
	memcpy(&v[r * LANES + lane], &value, 4);
}

static float get32(unsigned r, unsigned lane)
{
	float value;

	memcpy(&value, &v[r * LANES + lane], 4);
	return value;
}

static void set64(unsigned r, unsigned lane, double value)
{
	uint32_t words[2];

	memcpy(words, &value, 8);
	v[r * LANES + lane] = words[0];
	v[(r + 1) * LANES + lane] = words[1];
}

static double get64(unsigned r, unsigned lane)
{
	const uint32_t words[2] = {v[r * LANES + lane], v[(r + 1) * LANES + lane]};
	double value;

	memcpy(&value, words, 8);
	return value;
}

/* Compares in VOP3 form have absolute values, and a mask where other operations have their vector. */
START_TEST(compare_of_absolute_values)
{
	fresh();
	set32(4, 0, -2), set32(5, 0, -1);
	set32(4, 1, 1), set32(5, 1, -2);
	set32(4, 2, -3), set32(5, 2, 3);
	run("v_cmp_ge_f32", 0xd4060106, 0x40020b04); /* v_cmp_ge_f32_e64 s6, |v4|, -v5 */
	ck_assert_uint_eq(w.s[6], ~2u);
	ck_assert_uint_eq(w.s[106], 0x5a5a5a5a);
}
END_TEST

/* Compares in SDWA form may name their mask. */
START_TEST(compare_of_parts_to_a_named_mask)
{
	fresh();
	for (unsigned lane = 0; lane < LANES; lane++) {
		v[4 * LANES + lane] = lane << 16 | 0xffff;
		v[5 * LANES + lane] = 0xff00ffff | 9 << 16;
	}
	run("v_cmp_lt_u16", 0x7d520af9, 0x02058604); /* v_cmp_lt_u16_sdwa s6, v4, v5 src0_sel:WORD_1 src1_sel:BYTE_2 */
	ck_assert_uint_eq(w.s[6], (1u << 9) - 1);
	ck_assert_uint_eq(w.s[106], 0x5a5a5a5a);
}
END_TEST

/* A quotient that overflowed on the way, and is no number, is infinite. */
START_TEST(fixup_of_overflow)
{
	fresh();
	set32(1, 0, NAN), set32(2, 0, 0x1p-100f), set32(3, 0, -0x1p100f);
	run("v_div_fixup_f32", 0xd55f0000, 0x040e0501); /* v_div_fixup_f32 v0, v1, v2, v3 */
	ck_assert(get32(0, 0) == -INFINITY);
	set64(2, 0, NAN), set64(4, 0, 0x1p-1000), set64(6, 0, 0x1p1000);
	run("v_div_fixup_f64", 0xd5600000, 0x041a0902); /* v_div_fixup_f64 v[0:1], v[2:3], v[4:5], v[6:7] */
	ck_assert(get64(0, 0) == INFINITY);
}
END_TEST

/*
 * Scaling back into the denormals is part of the one rounding. The third source lies half way between two denormals
 * once scaled; the product, below its last place, says to which side.
 */
START_TEST(fmas_rounds_once_single)
{
	static const float half = 0x1p-86f, even = 0x1p-66f;

	fresh();
	w.s[106] = ~0u;
	for (unsigned lane = 0; lane < 3; lane++) {
		set32(1, lane, 0x1p-60f), set32(2, lane, lane == 2 ? 0 : lane ? -0x1p-60f : 0x1p-60f);
		set32(3, lane, even + half);
	}
	run("v_div_fmas_f32", 0xd56f0000, 0x040e0501); /* v_div_fmas_f32 v0, v1, v2, v3 */
	ck_assert(get32(0, 0) == even * 0x1p-64f + 0x1p-149f);
	ck_assert(get32(0, 1) == even * 0x1p-64f);
	ck_assert(get32(0, 2) == even * 0x1p-64f);
}
END_TEST

START_TEST(fmas_rounds_once_double)
{
	static const double half = 0x1p-947, even = 0x1p-900;

	fresh();
	w.s[106] = ~0u;
	for (unsigned lane = 0; lane < 3; lane++) {
		set64(2, lane, 0x1p-480), set64(4, lane, lane == 2 ? 0 : lane ? -0x1p-480 : 0x1p-480);
		set64(6, lane, even + half);
	}
	run("v_div_fmas_f64", 0xd5700000, 0x041a0902); /* v_div_fmas_f64 v[0:1], v[2:3], v[4:5], v[6:7] */
	ck_assert(get64(0, 0) == even * 0x1p-128 + 0x1p-1074);
	ck_assert(get64(0, 1) == even * 0x1p-128);
	ck_assert(get64(0, 2) == even * 0x1p-128);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("forms of vector instructions");
	TCase *tc = tcase_create("forms");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, compare_of_absolute_values);
	tcase_add_test(tc, compare_of_parts_to_a_named_mask);
	tcase_add_test(tc, fixup_of_overflow);
	tcase_add_test(tc, fmas_rounds_once_single);
	tcase_add_test(tc, fmas_rounds_once_double);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/*
 * test_alu_special.c - vector instructions that do not work lane by lane on plain operands: across lanes, by index,
 * with a literal, on four dwords, mixed precision, or to no effect. Each against what its words say, from random
 * registers.
 */
#include "gpu/isa/tables.h"
#include "isa/tested.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VGPRS = 64, ROUNDS = 300, KEEP_DENORMS = 0xf0 };

static uint32_t v[VGPRS * 64] __attribute__((aligned(64))), before[VGPRS * 64];
static struct gpu_wave w;
static uint64_t seed = 0x853c49e6748fea9bull;

static uint32_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

static void fresh(unsigned round)
{
	memset(&w, 0, sizeof(w));
	w.lanes = round & 1 ? 64 : 32;
	w.lane_shift = round & 1 ? 6 : 5;
	w.vgpr = v;
	w.vgpr_count = VGPRS;
	w.mode = KEEP_DENORMS;
	for (unsigned i = 0; i < 106; i++)
		w.s[i] = rnd();
	w.s[126] = round % 5 == 4 ? 0 : rnd();
	w.s[127] = w.lanes == 64 ? rnd() : 0;
	for (unsigned i = 0; i < VGPRS * 64; i++)
		v[i] = rnd();
	memcpy(before, v, sizeof(before));
}

static uint32_t was(unsigned r, unsigned lane)
{
	return before[(r << w.lane_shift) + lane];
}

static uint32_t is(unsigned r, unsigned lane)
{
	return v[(r << w.lane_shift) + lane];
}

static bool on(const struct gpu_wave *wave, unsigned lane)
{
	return gpu_wave_exec(wave) >> lane & 1;
}

/* A libcheck assertion is a system call: only where it is going to fail. */
static void equal(uint32_t got, uint32_t want, const char *what)
{
	if (got != want)
		ck_abort_msg("%s: %08x, want %08x", what, got, want);
}
#define EQUAL(got, want) equal((got), (want), #got)

/* Runs the instruction, whose name must be the one expected. */
static const struct gpu_op *run(const char *name, uint32_t d0, uint32_t d1)
{
	const uint32_t dw[5] = {d0, d1};
	struct gpu_inst in;
	const char *why = "";

	ck_assert_msg(gpu_isa_decode(&gpu_isa_gfx10_3, dw, 5, &in, &why) > 0, "%s: %s", name, why);
	ck_assert_str_eq(in.op->name, name);
	ck_assert_int_eq(in.exec(&w, &in), GPU_STEP_NEXT);
	return in.op;
}

/* Every register but those in [first, first + count) is as it was. */
static void only(unsigned first, unsigned count)
{
	for (unsigned r = 0; r < VGPRS; r++)
		for (unsigned l = 0; l < w.lanes && (r < first || r >= first + count); l++)
			if (is(r, l) != was(r, l))
				ck_abort_msg("v%u lane %u changed", r, l);
}

static uint32_t vop1(unsigned op, unsigned dst, unsigned src)
{
	return 0x7e000000 | op << 9 | dst << 17 | src;
}

static uint32_t vop3(unsigned op, unsigned dst)
{
	return 0xd4000000 | op << 16 | dst;
}

START_TEST(no_effect)
{
	static const struct {
		const char *name;
		unsigned op;
	} rows[] = {{"v_nop", 0x00}, {"v_pipeflush", 0x1b}, {"v_clrexcp", 0x41}};

	for (unsigned i = 0; i < 3; i++) {
		struct gpu_wave old;

		fresh(i);
		w.trapsts = 0x10ff;
		old = w;
		isa_tested(run(rows[i].name, vop1(rows[i].op, 0, 0), 0));
		only(0, 0);
		ck_assert_uint_eq(w.trapsts, i == 2 ? 0x1000 : 0x10ff); /* v_clrexcp: the exceptions in bits 8:0 */
		ck_assert(memcmp(w.s, old.s, sizeof(w.s)) == 0);
	}
}
END_TEST

START_TEST(lanes_to_scalar)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned lane = rnd();
		uint64_t exec;

		fresh(round);
		exec = gpu_wave_exec(&w);
		w.s[20] = lane;
		isa_tested(run("v_readlane_b32", vop3(0x360, 30), (256 + 8) | 20 << 9));
		EQUAL(w.s[30], was(8, lane % w.lanes));
		isa_tested(run("v_readfirstlane_b32", vop1(0x02, 31, 256 + 8), 0));
		EQUAL(w.s[31], was(8, exec ? (unsigned)__builtin_ctzll(exec) : 0));
		only(0, 0);
		isa_tested(run("v_writelane_b32", vop3(0x361, 40), 21 | 20 << 9));
		only(40, 1);
		for (unsigned l = 0; l < w.lanes; l++)
			EQUAL(is(40, l), l == lane % w.lanes ? w.s[21] : was(40, l));
	}
}
END_TEST

/* Bits of the mask below the lane, of its low or high 32. */
START_TEST(mask_bits_below)
{
	for (unsigned round = 0; round < ROUNDS; round++)
		for (unsigned high = 0; high < 2; high++) {
			fresh(round);
			isa_tested(run(high ? "v_mbcnt_hi_u32_b32" : "v_mbcnt_lo_u32_b32", vop3(0x365 + high, 40),
				       20 | (256 + 8) << 9));
			only(40, 1);
			for (unsigned l = 0; l < w.lanes; l++) {
				uint32_t n = was(8, l);

				for (unsigned b = 0; b < 32; b++)
					n += b + 32 * high < l && w.s[20] >> b & 1;
				EQUAL(is(40, l), on(&w, l) ? n : was(40, l));
			}
		}
}
END_TEST

START_TEST(permuted_rows)
{
	for (unsigned round = 0; round < ROUNDS; round++)
		for (unsigned x = 0; x < 2; x++) {
			unsigned fetch_off = rnd() & 1, zero = rnd() & 1;
			uint64_t select;

			fresh(round);
			select = w.s[20] | (uint64_t)w.s[21] << 32;
			isa_tested(run(x ? "v_permlanex16_b32" : "v_permlane16_b32",
				       vop3(0x377 + x, 40) | fetch_off << 11 | zero << 12,
				       (256 + 8) | 20 << 9 | 21 << 18));
			only(40, 1);
			for (unsigned l = 0; l < w.lanes; l++) {
				unsigned from = l / 16 * 16 + (unsigned)(select >> 4 * (l % 16) & 15);
				uint32_t want = was(40, l);

				from ^= x ? 16 : 0;
				if (on(&w, l) && (fetch_off || on(&w, from)))
					want = was(8, from);
				else if (on(&w, l) && zero)
					want = 0;
				EQUAL(is(40, l), want);
			}
		}
}
END_TEST

START_TEST(indexed_registers)
{
	static const struct {
		const char *name;
		unsigned op;
		bool dst, src, fields;
	} rows[] = {{"v_movreld_b32", 0x42, true, false, false},
		    {"v_movrels_b32", 0x43, false, true, false},
		    {"v_movrelsd_b32", 0x44, true, true, false},
		    {"v_movrelsd_2_b32", 0x48, true, true, true}};

	for (unsigned round = 0; round < ROUNDS; round++)
		for (unsigned i = 0; i < 4; i++) {
			unsigned s = rnd() % 16, d = rows[i].fields ? rnd() % 16 : s, from = 8, to = 40;

			fresh(round);
			w.s[124] = rows[i].fields ? s | d << 16 : s;
			from += rows[i].src ? s : 0;
			to += rows[i].dst ? d : 0;
			isa_tested(run(rows[i].name, vop1(rows[i].op, 40, 256 + 8), 0));
			only(to, 1);
			for (unsigned l = 0; l < w.lanes; l++)
				EQUAL(is(to, l), on(&w, l) ? was(from, l) : was(to, l));
		}
}
END_TEST

START_TEST(swapped_registers)
{
	for (unsigned round = 0; round < ROUNDS; round++)
		for (unsigned rel = 0; rel < 2; rel++) {
			unsigned s = rnd() % 16, d = rnd() % 16, a = 40, b = 8;

			fresh(round);
			w.s[124] = s | d << 16;
			a += rel ? d : 0;
			b += rel ? s : 0;
			isa_tested(run(rel ? "v_swaprel_b32" : "v_swap_b32", vop1(rel ? 0x68 : 0x65, 40, 256 + 8), 0));
			for (unsigned l = 0; l < w.lanes; l++) {
				EQUAL(is(a, l), on(&w, l) ? was(b, l) : was(a, l));
				EQUAL(is(b, l), on(&w, l) ? was(a, l) : was(b, l));
			}
		}
}
END_TEST

/* Four sums of absolute differences at four byte offsets, bytes where the reference is zero left out, each with its own
 * accumulator of 32 bits. */
START_TEST(four_sums)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		fresh(round);
		for (unsigned l = 0; l < w.lanes; l++)
			v[(16 << w.lane_shift) + l] &= rnd() & 1 ? 0xff00ffff : 0xffffff00;
		memcpy(before, v, sizeof(before));
		isa_tested(run("v_mqsad_u32_u8", vop3(0x175, 40), (256 + 8) | (256 + 16) << 9 | (256 + 24) << 18));
		only(40, 4);
		for (unsigned l = 0; l < w.lanes; l++)
			for (unsigned k = 0; k < 4; k++) {
				uint64_t bytes = was(8, l) | (uint64_t)was(9, l) << 32;
				uint32_t sum = was(24 + k, l);

				for (unsigned b = 0; b < 4; b++) {
					int x = (int)(bytes >> 8 * (k + b) & 255), y = (int)(was(16, l) >> 8 * b & 255);

					sum += y ? (uint32_t)abs(x - y) : 0;
				}
				EQUAL(is(40 + k, l), on(&w, l) ? sum : was(40 + k, l));
			}
	}
}
END_TEST

static float as_float(uint32_t u)
{
	float f;

	memcpy(&f, &u, 4);
	return f;
}

/* Small floats, so that no sum overflows and exactness is not in question. */
static void plain_floats(unsigned r)
{
	for (unsigned l = 0; l < w.lanes; l++) {
		float f = (float)((int)(rnd() % 4001) - 2000) / 16;

		memcpy(&before[(r << w.lane_shift) + l], &f, 4);
	}
}

/* As above, in both halves of the register: integers of at most 8 bits. */
static uint32_t half_of(int n)
{
	uint32_t sign = n < 0 ? 0x8000 : 0, m = (uint32_t)abs(n), e = 0;

	if (!m)
		return 0;
	while (m >> (e + 1))
		e++;
	return sign | (e + 15) << 10 | (m << (10 - e) & 1023);
}

static int halves[VGPRS][64][2];

static void plain_halves(unsigned r)
{
	for (unsigned l = 0; l < w.lanes; l++) {
		for (unsigned k = 0; k < 2; k++)
			halves[r][l][k] = (int)(rnd() % 31) - 15;
		before[(r << w.lane_shift) + l] = half_of(halves[r][l][0]) | half_of(halves[r][l][1]) << 16;
	}
}

START_TEST(with_literal)
{
	for (unsigned round = 0; round < ROUNDS; round++)
		for (unsigned add = 0; add < 2; add++) {
			float k = (float)((int)(rnd() % 2001) - 1000) / 8;
			uint32_t literal;

			fresh(round);
			plain_floats(8), plain_floats(16);
			memcpy(v, before, sizeof(v));
			memcpy(&literal, &k, 4);
			isa_tested(run(add ? "v_fmaak_f32" : "v_fmamk_f32",
				       (0x2cu + add) << 25 | 40 << 17 | 16 << 9 | (256 + 8), literal));
			only(40, 1);
			for (unsigned l = 0; l < w.lanes; l++) {
				float a = as_float(was(8, l)), b = as_float(was(16, l));
				float want = add ? a * b + k : a * k + b;

				EQUAL(on(&w, l) ? as_float(is(40, l)) == want : is(40, l) == was(40, l), true);
			}
		}
}
END_TEST

START_TEST(with_half_literal)
{
	for (unsigned round = 0; round < ROUNDS; round++)
		for (unsigned add = 0; add < 2; add++) {
			int k = (int)(rnd() % 15) - 7;

			fresh(round);
			plain_halves(8), plain_halves(16);
			memcpy(v, before, sizeof(v));
			isa_tested(run(add ? "v_fmaak_f16" : "v_fmamk_f16",
				       (0x37u + add) << 25 | 40 << 17 | 16 << 9 | (256 + 8), half_of(k)));
			only(40, 1);
			for (unsigned l = 0; l < w.lanes; l++) {
				int a = halves[8][l][0], b = halves[16][l][0];
				uint32_t want = half_of(add ? a * b + k : a * k + b);

				/* A sum of opposite terms is +0, and so is half_of(0). */
				EQUAL(is(40, l) & 0xffff, on(&w, l) ? want : was(40, l) & 0xffff);
				EQUAL(is(40, l) >> 16, was(40, l) >> 16);
			}
		}
}
END_TEST

/* Source i is a float, or the half that op_sel picks where op_sel_hi says so. */
START_TEST(mixed_precision)
{
	static const char *const names[] = {"v_fma_mix_f32", "v_fma_mixlo_f16", "v_fma_mixhi_f16"};

	for (unsigned round = 0; round < ROUNDS; round++)
		for (unsigned k = 0; k < 3; k++) {
			unsigned sel = rnd() & 7, hi = rnd() & 7;
			static const unsigned at[3] = {8, 16, 24};
			int n[3];

			fresh(round);
			for (unsigned i = 0; i < 3; i++) {
				plain_halves(at[i]);
				for (unsigned l = 0; l < w.lanes && !(hi >> i & 1); l++) {
					float f = (float)(halves[at[i]][l][0] = halves[at[i]][l][1]);

					memcpy(&before[(at[i] << w.lane_shift) + l], &f, 4);
				}
			}
			memcpy(v, before, sizeof(v));
			isa_tested(run(names[k], 0xcc000000 | (0x20 + k) << 16 | sel << 11 | (hi >> 2) << 14 | 40,
				       (256 + 8) | (256 + 16) << 9 | (256 + 24) << 18 | (hi & 3) << 27));
			only(40, 1);
			for (unsigned l = 0; l < w.lanes; l++) {
				uint32_t want = was(40, l), half;
				float f;

				for (unsigned i = 0; i < 3; i++)
					n[i] = halves[at[i]][l][sel >> i & 1];
				f = (float)(n[0] * n[1] + n[2]);
				half = half_of(n[0] * n[1] + n[2]);
				if (on(&w, l) && k == 0)
					memcpy(&want, &f, 4);
				else if (on(&w, l))
					want = k == 1 ? (want & 0xffff0000) | half : (want & 0xffff) | half << 16;
				equal(is(40, l), want, names[k]);
			}
		}
}
END_TEST

/* Dot products of halves, of values whose sums are exact in any order. */
START_TEST(dot_of_halves)
{
	for (unsigned round = 0; round < ROUNDS; round++)
		for (unsigned k = 0; k < 2; k++) {
			fresh(round);
			plain_halves(8), plain_halves(16), plain_floats(24), plain_floats(40);
			memcpy(v, before, sizeof(v));
			if (k)
				isa_tested(run("v_dot2c_f32_f16", 0x02u << 25 | 40 << 17 | 16 << 9 | (256 + 8), 0));
			else
				isa_tested(run("v_dot2_f32_f16", 0xcc000000 | 0x13 << 16 | 1 << 14 | 40,
					       (256 + 8) | (256 + 16) << 9 | (256 + 24) << 18 | 3u << 27));
			only(40, 1);
			for (unsigned l = 0; l < w.lanes; l++) {
				float sum = (float)(halves[8][l][0] * halves[16][l][0] +
						    halves[8][l][1] * halves[16][l][1]) +
					    as_float(was(k ? 40 : 24, l));

				EQUAL(on(&w, l) ? as_float(is(40, l)) == sum : is(40, l) == was(40, l), true);
			}
		}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("special vector instructions");
	TCase *tc = tcase_create("special");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, no_effect);
	tcase_add_test(tc, lanes_to_scalar);
	tcase_add_test(tc, mask_bits_below);
	tcase_add_test(tc, permuted_rows);
	tcase_add_test(tc, indexed_registers);
	tcase_add_test(tc, swapped_registers);
	tcase_add_test(tc, four_sums);
	tcase_add_test(tc, with_literal);
	tcase_add_test(tc, with_half_literal);
	tcase_add_test(tc, mixed_precision);
	tcase_add_test(tc, dot_of_halves);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/*
 * Scalar ALU: results and SCC of SOP2 and SOPC against a reference in 128-bit arithmetic, and known cases of SOP1.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/isa/tables.h"
#include "isa/tested.h"

__extension__ typedef __int128 wide;
static uint64_t seed = 1181783497276652981ull;

static uint64_t rnd(void)
{
	static const uint64_t edges[] = {0,           1,          31,    0x7fffffff, 0x80000000, 0xffffffff,
					 0x100000000, 1ull << 63, ~0ull, 0x100010,   0x400020};

	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return seed >> 33 & 1 ? edges[(seed >> 40) % 11] : seed ^ seed >> 29;
}

static int64_t field(wide v, uint32_t b, unsigned bits, bool is_signed)
{
	unsigned off = b & (bits - 1), n = b >> 16 & 127;
	uint64_t r = 0;

	if (n > bits)
		n = bits;
	for (unsigned i = 0; i < n; i++)
		r |= (uint64_t)(v >> (off + i) & 1) << i;
	if (is_signed && n && n < 64 && r >> (n - 1) & 1)
		r |= ~0ull << n;
	return (int64_t)r;
}

/* name without s_ ; false when not known. The result is cut to its width by the caller. SCC -1: unchanged. */
static bool sop2(const char *n, uint64_t a, uint64_t b, int scc, wide *r, int *out)
{
	int64_t ia = (int32_t)a, ib = (int32_t)b;
	bool q = strlen(n) > 4 && !strcmp(n + strlen(n) - 2, "64");
	uint64_t m = q ? ~0ull : 0xffffffff;
	wide v;

	*out = -1;
#define LOGIC(x, e)                                                                                                    \
	if (!strncmp(n, x "_b", strlen(x) + 2)) {                                                                      \
		*r = (uint64_t)(e)&m;                                                                                  \
		*out = *r != 0;                                                                                        \
		return true;                                                                                           \
	}
#define SET(x, e, s)                                                                                                   \
	if (!strcmp(n, x)) {                                                                                           \
		*r = (e);                                                                                              \
		*out = (s);                                                                                            \
		return true;                                                                                           \
	}
	LOGIC("and", a & b)
	LOGIC("or", a | b)
	LOGIC("xor", a ^ b)
	LOGIC("andn2", a & ~b)
	LOGIC("orn2", a | ~b)
	LOGIC("nand", ~(a & b))
	LOGIC("nor", ~(a | b))
	LOGIC("xnor", ~(a ^ b))
	LOGIC("lshl", a << (b & (q ? 63 : 31)))
	LOGIC("lshr", a >> (b & (q ? 63 : 31)))
	SET("add_u32", a + b, (a + b) >> 32 != 0)
	SET("sub_u32", (wide)a - b, b > a)
	SET("addc_u32", a + b + scc, (a + b + scc) >> 32 != 0)
	SET("subb_u32", (wide)a - b - scc, (wide)a - b - scc < 0)
	v = ia + ib;
	SET("add_i32", v, v != (int32_t)v)
	v = ia - ib;
	SET("sub_i32", v, v != (int32_t)v)
	SET("min_i32", ia < ib ? ia : ib, ia < ib)
	SET("max_i32", ia > ib ? ia : ib, ia > ib)
	SET("min_u32", a < b ? a : b, a < b)
	SET("max_u32", a > b ? a : b, a > b)
	SET("cselect_b32", scc ? a : b, -1)
	SET("cselect_b64", scc ? a : b, -1)
	SET("ashr_i32", ia >> (b & 31), ia >> (b & 31) != 0)
	SET("ashr_i64", (int64_t)a >> (b & 63), (int64_t)a >> (b & 63) != 0)
	SET("mul_i32", ia * ib, -1)
	SET("mul_hi_u32", (a * b) >> 32, -1)
	SET("mul_hi_i32", (ia * ib) >> 32, -1)
	SET("bfe_u32", field(a, (uint32_t)b, 32, false), *r != 0)
	SET("bfe_i32", field(ia, (uint32_t)b, 32, true), (uint32_t)*r != 0)
	SET("bfe_u64", field(a, (uint32_t)b, 64, false), *r != 0)
	SET("bfe_i64", field((int64_t)a, (uint32_t)b, 64, true), *r != 0)
	SET("lshl1_add_u32", (wide)a * 2 + b, *r >> 32 != 0)
	SET("lshl2_add_u32", (wide)a * 4 + b, *r >> 32 != 0)
	SET("lshl3_add_u32", (wide)a * 8 + b, *r >> 32 != 0)
	SET("lshl4_add_u32", (wide)a * 16 + b, *r >> 32 != 0)
	SET("bfm_b32", ((1ull << (a & 31)) - 1) << (b & 31), -1)
	SET("bfm_b64", (uint64_t)(((1ull << (a & 63)) - 1) << (b & 63)), -1)
	SET("absdiff_i32", (uint32_t)((ia - ib) & 0x80000000 ? ib - ia : ia - ib), *r != 0)
	SET("pack_ll_b32_b16", (a & 0xffff) + ((b & 0xffff) << 16), -1)
	SET("pack_lh_b32_b16", (a & 0xffff) + (b >> 16 << 16), -1)
	SET("pack_hh_b32_b16", (a >> 16) + (b >> 16 << 16), -1)
	return false;
}

static unsigned dwords(unsigned type)
{
	return type == GPU_O_B64 || type == GPU_O_I64 || type == GPU_O_U64 ? 2 : 1;
}

static void one(const struct gpu_op *op, unsigned *tested)
{
	struct gpu_wave w;
	struct gpu_inst in;
	const char *why = "";
	uint32_t dw = 0x80000000 | (uint32_t)op->opcode << 23 | 8 << 16 | 6 << 8 | 4;
	uint64_t a = rnd(), b = rnd(), got;
	wide r = 0;
	int scc = (int)(rnd() >> 20 & 1), want;

	a &= dwords(op->src[0]) == 2 ? ~0ull : 0xffffffff;
	b &= dwords(op->src[1]) == 2 ? ~0ull : 0xffffffff;
	if (!sop2(op->name + 2, a, b, scc, &r, &want))
		return;
	++*tested;
	memset(&w, 0, sizeof(w));
	w.lanes = 32;
	w.scc = (uint32_t)scc;
	w.s[4] = (uint32_t)a;
	w.s[5] = (uint32_t)(a >> 32);
	w.s[6] = (uint32_t)b;
	w.s[7] = (uint32_t)(b >> 32);
	ck_assert_uint_eq(gpu_isa_decode(&gpu_isa_gfx10_3, &dw, 1, &in, &why), 1);
	ck_assert_int_eq(in.exec(&w, &in), GPU_STEP_NEXT);
	got = w.s[8] | (uint64_t)w.s[9] << 32;
	if (dwords(op->dst) == 1)
		r = (uint32_t)r;
	ck_assert_msg(got == (uint64_t)r, "%s(%llx, %llx): %llx, want %llx", op->name, (unsigned long long)a,
		      (unsigned long long)b, (unsigned long long)got, (unsigned long long)(uint64_t)r);
	if (want < 0)
		want = scc;
	ck_assert_msg((int)w.scc == want, "%s(%llx, %llx): scc %u, want %d", op->name, (unsigned long long)a,
		      (unsigned long long)b, w.scc, want);
	isa_tested(op);
}

START_TEST(test_sop2)
{
	unsigned tested = 0;

	for (unsigned i = 0; i < *gpu_isa_gfx10_3.count[GPU_SOP2]; i++)
		for (unsigned k = 0; k < 2000; k++)
			one(&gpu_isa_gfx10_3.ops[GPU_SOP2][i], &tested);
	printf("# SOP2: %u opcodes\n", tested / 2000);
	ck_assert_uint_eq(tested, 51 * 2000);
}
END_TEST

/* opcode, source, result, SCC. */
static const struct {
	uint8_t opcode;
	uint64_t source, result;
	int scc;
} sop1[] = {
	{0x03, 5, 5, 0},
	{0x04, 0x123456789abcdef0, 0x123456789abcdef0, 0},
	{0x07, 0xffffffff, 0, 0},
	{0x07, 1, 0xfffffffe, 1},
	{0x09, 0x00800010, 0x00f000f0, 1},
	{0x0b, 1, 0x80000000, 0},
	{0x0c, 1, 1ull << 63, 0},
	{0x0d, 0xf, 28, 1},
	{0x0f, 0xf0f, 8, 1},
	{0x10, ~0ull, 64, 1},
	{0x11, 0x7, 3, 0},
	{0x13, 8, 3, 0},
	{0x13, 0, 0xffffffff, 0},
	{0x14, 1ull << 40, 40, 0},
	{0x15, 1, 31, 0},
	{0x15, 0, 0xffffffff, 0},
	{0x16, 1, 63, 0},
	{0x17, 0xffff0000, 16, 0},
	{0x17, 0xffffffff, 0xffffffff, 0},
	{0x19, 0x80, 0xffffff80, 0},
	{0x1a, 0x8000, 0xffff8000, 0},
	{0x2c, 0x00801001, 0x00000029, 1},
	{0x34, 0xffffffff, 1, 1},
	{0x3b, 0x80000005, 0xc000000000000033, 0},
};

START_TEST(test_sop1)
{
	for (unsigned i = 0; i < sizeof(sop1) / sizeof(sop1[0]); i++) {
		uint32_t dw = 0xbe800000 | (uint32_t)sop1[i].opcode << 8 | 8 << 16 | 4;
		struct gpu_wave w;
		struct gpu_inst in;
		const char *why = "";

		memset(&w, 0, sizeof(w));
		w.lanes = 32;
		w.s[4] = (uint32_t)sop1[i].source;
		w.s[5] = (uint32_t)(sop1[i].source >> 32);
		ck_assert_uint_eq(gpu_isa_decode(&gpu_isa_gfx10_3, &dw, 1, &in, &why), 1);
		in.exec(&w, &in);
		ck_assert_msg((w.s[8] | (uint64_t)w.s[9] << 32) == sop1[i].result && (int)w.scc == sop1[i].scc,
			      "%s(%llx): %08x%08x scc %u", in.op->name, (unsigned long long)sop1[i].source, w.s[9],
			      w.s[8], w.scc);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scalar ALU against a reference");
	TCase *tc = tcase_create("scalar");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_sop2);
	tcase_add_test(tc, test_sop1);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

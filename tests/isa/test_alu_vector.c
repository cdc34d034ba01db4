/* SPDX-License-Identifier: MIT */
/*
 * Vector ALU against the reference: every opcode that ref_*.c knows, on edge and random values, in each of its forms,
 * wave32 and wave64, with random EXEC. Values must be equal bit by bit (NaN: any NaN), or within 1 ulp where hardware's
 * manual allows it. Lanes that are off must not change.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/isa/tables.h"
#include "isa/tested.h"
#include "ref.h"

enum { MODE_KEEP = 0xf0, MODE_FLUSH = 0xc0, ROUNDS = 24, LIMIT_VGPRS = 64 };

static uint32_t registers[LIMIT_VGPRS * 64] __attribute__((aligned(64)));
static uint32_t before[LIMIT_VGPRS * 64];
static uint64_t seed = 88172645463325252ull;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 2685821657736338717ull;
}

static const uint32_t edge32[] = {
	0,          1,          2,          31,         32,         63,         64,         0x7f,       0x80,
	0xff,       0x7fff,     0x8000,     0xffff,     0x10000,    0x7fffffff, 0x80000000, 0xffffffff, 0x3f800000,
	0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0x00000001, 0x007fffff, 0x00800000, 0x80000001,
	0x807fffff, 0x7f7fffff, 0x3f000000, 0xbf000000, 0x40490fdb, 0x4f000000, 0x4f800000, 0xcf000000, 0x3c003c00,
	0x7c00fc00, 0x7e007c01, 0x00010001, 0x03ff0400, 0x7bff8001, 0x80008000, 0x38003800, 0x42f60000,
};
static const uint64_t edge64[] = {
	0,
	1,
	0x8000000000000000,
	0x3ff0000000000000,
	0xbff0000000000000,
	0x7ff0000000000000,
	0xfff0000000000000,
	0x7ff8000000000000,
	0x7ff0000000000001,
	0x000fffffffffffff,
	0x0010000000000000,
	0x7fefffffffffffff,
	0x3fe0000000000000,
	0xbfe0000000000000,
	0x41dfffffffc00000,
	0x41f0000000000000,
	0xc1e0000000000000,
	0xffffffffffffffff,
	0x7fffffffffffffff,
	0x4330000000000001,
	0x3fefffffffffffff,
	0x4024000000000000,
};

static unsigned width_of(unsigned type)
{
	switch (type) {
	case GPU_O_B64:
	case GPU_O_I64:
	case GPU_O_U64:
	case GPU_O_F64:
		return 2;
	case GPU_O_B128:
		return 4;
	default:
		return 1;
	}
}

static bool is_half(unsigned type)
{
	return type == GPU_O_B16 || type == GPU_O_I16 || type == GPU_O_U16 || type == GPU_O_F16;
}

static uint64_t value(unsigned type)
{
	if (width_of(type) == 2 && rnd() % 2)
		return edge64[rnd() % (sizeof(edge64) / 8)];
	if (width_of(type) == 2 && type == GPU_O_F64 && rnd() % 2) {
		double d = ldexp((double)(int64_t)rnd(), (int)(rnd() % 80) - 100);
		uint64_t u;

		memcpy(&u, &d, 8);
		return u;
	}
	if (rnd() % 2)
		return edge32[rnd() % (sizeof(edge32) / 4)] | (uint64_t)edge32[rnd() % (sizeof(edge32) / 4)] << 32;
	if (type == GPU_O_F32 && rnd() % 2) {
		float f = ldexpf((float)(int32_t)rnd(), (int)(rnd() % 60) - 45);
		uint32_t u;

		memcpy(&u, &f, 4);
		return u;
	}
	return rnd();
}

static bool reference(const char *name, const struct ref_in *in, struct ref_out *o)
{
	return ref_int(name, in, o) || ref_float(name, in, o) || ref_compare(name, in, o);
}

static int64_t ordered(uint64_t v, unsigned bits)
{
	uint64_t sign = 1ull << (bits - 1);

	v &= bits == 64 ? ~0ull : (1ull << bits) - 1;
	return v & sign ? -(int64_t)(v & ~sign) : (int64_t)v;
}

static bool nan_of(uint64_t v, char type)
{
	if (type == 'h')
		return (v & 0x7fff) > 0x7c00;
	if (type == 'f')
		return (v & 0x7fffffff) > 0x7f800000;
	return type == 'd' && (v & 0x7fffffffffffffff) > 0x7ff0000000000000;
}

static bool same(uint64_t got, uint64_t want, const struct ref_out *o)
{
	unsigned bits = o->type == 'h' ? 16 : o->type == 'f' ? 32 : 64;
	int64_t d;

	if (o->type == 'p') {
		struct ref_out half = {.type = 'h'};

		return same(got & 0xffff, want & 0xffff, &half) && same(got >> 16 & 0xffff, want >> 16 & 0xffff, &half);
	}
	if (got == want)
		return true;
	if (nan_of(got, o->type) && nan_of(want, o->type))
		return true;
	if (!o->ulp || nan_of(got, o->type) || nan_of(want, o->type))
		return false;
	d = ordered(got, bits) - ordered(want, bits);
	return d >= -(int64_t)o->ulp && d <= (int64_t)o->ulp;
}

/* Flush of f32 denormals for the expected side. */
static uint64_t flush(uint64_t v, unsigned type, uint32_t mode)
{
	if (type == GPU_O_F32 && !(mode & 0x30) && !(v & 0x7f800000))
		return v & 0x80000000;
	return v;
}

struct setup {
	struct gpu_wave w;
	struct gpu_inst in;
	const struct gpu_op *op;
	bool vop3, scalar1; /* scalar1: the second source is an SGPR */
	unsigned reads_dst;
};

/* Encodes op with sources v8, v16, v24 (or s20), result v40 (or mask s[30:31]); false when it has no such form. */
static bool encode(struct setup *t, bool vop3)
{
	const struct gpu_op *op = t->op;
	unsigned base = op->enc == GPU_VOP2 ? 0x100 : op->enc == GPU_VOP1 ? 0x180 : 0, n;
	unsigned s1 = t->scalar1 ? 20 : 256 + 16, dst = op->enc == GPU_VOPC ? 30 : 40, s2;
	uint32_t dw[5] = {0};
	const char *why = "";

	t->vop3 = vop3;
	if (op->enc == GPU_VOP3P) {
		dw[0] = 0xcc004000 | (uint32_t)op->opcode << 16 | 40;
		dw[1] = (256 + 8) | s1 << 9 | (256 + 24) << 18 | 3u << 27;
	} else if (vop3 || op->enc == GPU_VOP3) {
		s2 = op->src[2] == GPU_O_MASK ? 34 : op->src[2] == GPU_O_NONE ? 0 : 256 + 24;
		if (op->flags & GPU_OPF_NO_VOP3)
			return false;
		dw[0] = 0xd4000000 | (op->opcode + base) << 16 | dst |
			(op->sdst == GPU_O_MASK && op->enc != GPU_VOPC ? 30 << 8 : 0);
		dw[1] = (256 + 8) | (op->src[1] ? s1 : 0) << 9 | s2 << 18;
	} else if (op->flags & GPU_OPF_LITERAL) {
		return false;
	} else if (op->enc == GPU_VOP1) {
		dw[0] = 0x7e000000 | (uint32_t)op->opcode << 9 | 40 << 17 | (256 + 8);
	} else if (op->enc == GPU_VOP2) {
		dw[0] = (uint32_t)op->opcode << 25 | 40 << 17 | 16 << 9 | (256 + 8);
	} else {
		dw[0] = 0x7c000000 | (uint32_t)op->opcode << 17 | 16 << 9 | (256 + 8);
	}
	n = gpu_isa_decode(&gpu_isa_gfx10_3, dw, 5, &t->in, &why);
	ck_assert_msg(n > 0, "%s: %s", op->name, why);
	return true;
}

static void fill(struct setup *t, unsigned lanes, uint32_t mode)
{
	static const unsigned at[4] = {8, 16, 24, 40};

	memset(&t->w, 0, sizeof(t->w));
	t->w.lanes = lanes;
	t->w.lane_shift = lanes == 32 ? 5 : 6;
	t->w.vgpr = registers;
	t->w.vgpr_count = LIMIT_VGPRS;
	t->w.mode = mode;
	for (unsigned i = 0; i < 106; i++)
		t->w.s[i] = (uint32_t)value(GPU_O_F32);
	t->w.s[106] = (uint32_t)rnd();
	t->w.s[126] = rnd() % 3 ? (uint32_t)rnd() : 0xffffffff;
	if (lanes == 64) {
		t->w.s[107] = (uint32_t)rnd();
		t->w.s[127] = rnd() % 3 ? (uint32_t)rnd() : 0xffffffff;
	}
	for (unsigned i = 0; i < LIMIT_VGPRS * 64; i++)
		registers[i] = (uint32_t)rnd();
	for (unsigned i = 0; i < 4; i++) {
		unsigned type = i < 3 ? t->op->src[i] : t->op->dst;

		for (unsigned l = 0; l < lanes; l++) {
			uint64_t v = value(type);

			registers[(at[i] << t->w.lane_shift) + l] = (uint32_t)v;
			if (width_of(type) > 1)
				registers[((at[i] + 1) << t->w.lane_shift) + l] = (uint32_t)(v >> 32);
		}
	}
	memcpy(before, registers, sizeof(before));
}

static uint64_t mask_at(const struct setup *t, unsigned code)
{
	return t->w.s[code] | (t->w.lanes == 64 ? (uint64_t)t->w.s[code + 1] << 32 : 0);
}

static uint64_t read_source(const struct setup *t, const struct gpu_wave *w, unsigned i, unsigned lane)
{
	static const unsigned at[4] = {8, 16, 24, 40};
	bool old = i == 2 && t->op->flags & GPU_OPF_READS_DST;
	unsigned type = old ? t->op->dst : t->op->src[i], r = old ? 40 : at[i];
	uint64_t v = before[(r << w->lane_shift) + lane];

	if (width_of(type) > 1)
		v |= (uint64_t)before[((r + 1) << w->lane_shift) + lane] << 32;
	if (i == 1 && t->scalar1)
		v = w->s[20] | (width_of(type) > 1 ? (uint64_t)w->s[21] << 32 : 0);
	if (is_half(type))
		v &= 0xffff;
	return t->op->dst == GPU_O_B32 ? v : flush(v, type, w->mode);
}

static void check_lane(const struct setup *t, const struct gpu_wave *old, unsigned l, uint64_t mask_in,
		       uint64_t mask_out, bool on)
{
	unsigned dwords = t->op->dst == GPU_O_NONE ? 0 : width_of(t->op->dst), at = (40u << old->lane_shift) + l;
	uint64_t got = registers[at], was = before[at];
	struct ref_in in = {.mask = mask_in >> l & 1, .ieee = false};
	struct ref_out o;

	if (dwords == 2) {
		got |= (uint64_t)registers[at + old->lanes] << 32;
		was |= (uint64_t)before[at + old->lanes] << 32;
	}
	if (!on) {
		ck_assert_msg(got == was || !dwords, "%s: lane %u is off and changed", t->op->name, l);
		ck_assert_msg(t->op->sdst != GPU_O_MASK || !(mask_out >> l & 1), "%s: lane %u is off, its mask bit set",
			      t->op->name, l);
		return;
	}
	for (unsigned i = 0; i < 3; i++)
		in.s[i] = read_source(t, old, i, l);
	ck_assert(reference(t->op->name, &in, &o));
	if (t->op->sdst == GPU_O_MASK)
		ck_assert_msg((mask_out >> l & 1) == o.mask, "%s (%llx, %llx, %llx) lane %u mode %x: mask %d, want %d",
			      t->op->name, (unsigned long long)in.s[0], (unsigned long long)in.s[1],
			      (unsigned long long)in.s[2], l, old->mode, (int)(mask_out >> l & 1), o.mask);
	if (!dwords)
		return;
	if (is_half(t->op->dst)) {
		ck_assert_msg(got >> 16 == was >> 16, "%s: the high half changed", t->op->name);
		got &= 0xffff;
	}
	o.d = flush(o.d, t->op->dst, old->mode);
	ck_assert_msg(same(got, o.d, &o), "%s%s (%llx, %llx, %llx) lane %u mode %x: %llx, want %llx", t->op->name,
		      t->vop3 ? "_e64" : "", (unsigned long long)in.s[0], (unsigned long long)in.s[1],
		      (unsigned long long)in.s[2], l, old->mode, (unsigned long long)got, (unsigned long long)o.d);
}

static void run(struct setup *t, unsigned lanes, uint32_t mode)
{
	struct gpu_wave old;
	uint64_t exec, mask_in, mask_out;
	bool compare_exec = t->op->enc == GPU_VOPC && !(t->op->flags & GPU_OPF_WRITES_VCC);

	fill(t, lanes, mode);
	old = t->w;
	exec = gpu_wave_exec(&t->w);
	mask_in = mask_at(t, t->in.src[2] == 34 ? 34 : 106);
	ck_assert_int_eq(t->in.exec(&t->w, &t->in), GPU_STEP_NEXT);
	mask_out = compare_exec ? gpu_wave_exec(&t->w)
				: mask_at(t, t->in.enc == GPU_VOP3 && t->op->sdst == GPU_O_MASK ? 30 : 106);
	for (unsigned l = 0; l < lanes; l++)
		check_lane(t, &old, l, mask_in, mask_out, exec >> l & 1);
}

static bool known(const struct gpu_op *op)
{
	struct ref_in in = {0};
	struct ref_out o;

	return reference(op->name, &in, &o);
}

static void test_encoding(unsigned enc)
{
	unsigned tested = 0;

	for (unsigned i = 0; i < *gpu_isa_gfx10_3.count[enc]; i++) {
		struct setup t = {.op = &gpu_isa_gfx10_3.ops[enc][i]};

		if (t.op->flags & GPU_OPF_REFUSED || !known(t.op) || t.op->flags & GPU_OPF_LITERAL)
			continue;
		for (unsigned form = 0; form < 4; form++) {
			t.scalar1 = form == 3 && t.op->src[1] != GPU_O_NONE && width_of(t.op->src[1]) == 1;
			if (!encode(&t, form >= 2))
				continue;
			if (form && (t.op->enc == GPU_VOP3 || t.op->enc == GPU_VOP3P) && !t.scalar1)
				continue;
			for (unsigned r = 0; r < ROUNDS; r++)
				run(&t, r % 2 ? 64 : 32, r % 4 < 2 ? MODE_KEEP : MODE_FLUSH);
		}
		isa_tested(t.op);
		tested++;
	}
	printf("# encoding %u: %u opcodes equal the reference\n", enc, tested);
	ck_assert_uint_gt(tested, 0);
}

START_TEST(test_vop1)
{
	test_encoding(GPU_VOP1);
}
END_TEST

START_TEST(test_vop2)
{
	test_encoding(GPU_VOP2);
}
END_TEST

START_TEST(test_vopc)
{
	test_encoding(GPU_VOPC);
}
END_TEST

START_TEST(test_vop3)
{
	test_encoding(GPU_VOP3);
}
END_TEST

START_TEST(test_vop3p)
{
	test_encoding(GPU_VOP3P);
}
END_TEST

/* For scripts/isa-coverage: a line for each row, "encoding name state encoding opcode", the last two as tested.c writes
 * them. */
static int list(void)
{
	static const char *const names[GPU_ENCS] = {
		"SOP1",  "SOP2", "SOPC", "SOPK",   "SOPP",    "SMEM",  "VOP1",  "VOP2",   "VOPC", "VOP3",
		"VOP3P", "DS",   "FLAT", "GLOBAL", "SCRATCH", "MUBUF", "MTBUF", "VINTRP", "MIMG", "EXP",
	};

	for (unsigned enc = 0; enc < GPU_ENCS; enc++) {
		for (unsigned i = 0; i < *gpu_isa_gfx10_3.count[enc]; i++) {
			const struct gpu_op *op = &gpu_isa_gfx10_3.ops[enc][i];
			const char *state = op->flags & GPU_OPF_REFUSED ? "refused"
					    : !op->exec                 ? "decoded"
									: "executed";

			printf("%s %s %s %u %u\n", names[enc], op->name, state, enc, op->opcode);
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	Suite *suite = suite_create("vector ALU against a reference");
	TCase *tc = tcase_create("vector");
	SRunner *runner;
	int failed;

	if (argc == 2 && !strcmp(argv[1], "--list"))
		return list();
	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, test_vop1);
	tcase_add_test(tc, test_vop2);
	tcase_add_test(tc, test_vopc);
	tcase_add_test(tc, test_vop3);
	tcase_add_test(tc, test_vop3p);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

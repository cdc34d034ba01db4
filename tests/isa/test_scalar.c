/* SPDX-License-Identifier: MIT */
/*
 * test_scalar.c - SOP1, SOPC, SOPK and SOPP: every row of the tables against the reference, on edge and random values,
 * in wave32 and wave64. All scalar registers, SCC, MODE, the program counter and what becomes of the wave are compared.
 */
#include "gpu/isa/tables.h"
#include "isa/ref_scalar.h"
#include "isa/tested.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 400

static uint64_t seed = 0x9e3779b97f4a7c15ull;

static uint32_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

static uint32_t word(void)
{
	static const uint32_t edges[] = {0,        1,          2,          31,         32,     63,         64,
					 0x7f,     0x80,       0xff,       0x7fff,     0x8000, 0xffff8000, 0xffff,
					 1u << 31, 0x7fffffff, 0xffffffff, 0x0f00f0f0, 0x10000};

	return rnd() & 1 ? rnd() : edges[rnd() % (sizeof(edges) / sizeof(edges[0]))];
}

static uint32_t encode(const struct gpu_op *op, const struct ref_scalar_inst *in)
{
	switch (op->enc) {
	case GPU_SOP1:
		return 0xbe800000 | (uint32_t)op->opcode << 8 | in->dst << 16 | in->src;
	case GPU_SOPC:
		return 0xbf000000 | (uint32_t)op->opcode << 16 | in->src1 << 8 | in->src;
	case GPU_SOPK:
		return 0xb0000000 | (uint32_t)op->opcode << 23 | in->dst << 16 | in->imm;
	default:
		return 0xbf800000 | (uint32_t)op->opcode << 16 | in->imm;
	}
}

/* Values that make each kind of instruction do something: indices that stay in the registers, equal sources ... */
static void set_up(struct ref_scalar *r, struct ref_scalar_inst *in, unsigned round)
{
	memset(r, 0, sizeof(*r));
	r->lanes = round & 1 ? 64 : 32;
	for (unsigned i = 0; i < 128; i++)
		r->s[i] = word();
	r->s[REF_NULL] = 0;
	if (round % 5 == 0)
		r->s[REF_EXEC] = 0;
	if (round % 7 == 0 || r->lanes == 32)
		r->s[REF_EXEC + 1] = 0;
	if (round % 3 == 0)
		r->s[REF_VCC] = 0;
	if (round % 11 == 0 || r->lanes == 32)
		r->s[REF_VCC + 1] = 0;
	r->s[REF_M0] = rnd() % 20 * 2 | (rnd() % 20 * 2) << 16;
	r->scc = rnd() & 1;
	r->mode = rnd() & 0x3ff;
	r->status = rnd() & (3u << 20);
	r->trapsts = rnd() & 0x1ff;
	r->pc = 0x100000000ull + rnd() % 1000 * 4;
	in->dst = 40;
	in->src = 4;
	in->src1 = round % 4 ? 8 : 4;
	if (round % 9 == 1)
		in->dst = REF_VCC;
	if (round % 9 == 2)
		in->src = REF_EXEC;
	in->imm = word() & 0xffff;
	in->literal = word();
	if (round % 4 == 1) /* a constant that is equal to the register */
		r->s[in->dst] = round & 8 ? (uint32_t)(int16_t)in->imm : in->imm;
}

static const char *const steps[] = {"unknown", "next", "end", "yield", "barrier", "refused"};

static enum ref_step model_step(enum gpu_step step)
{
	return step == GPU_STEP_NEXT      ? REF_NEXT
	       : step == GPU_STEP_END     ? REF_END
	       : step == GPU_STEP_YIELD   ? REF_YIELD
	       : step == GPU_STEP_BARRIER ? REF_BARRIER
					  : REF_REFUSED;
}

static void adjust(const struct gpu_op *op, struct ref_scalar *r, struct ref_scalar_inst *in, unsigned round)
{
	const char *name = op->name;

	if (strstr(name, "reg_")) /* MODE and TRAPSTS, and one that is not there */
		in->imm = (in->imm & 0xffc0) | (round % 8 == 0 ? 40u : round & 2 ? 1u : 3u);
	if (strstr(name, "subvector") && in->dst == REF_VCC)
		in->dst = 40;
	if (strstr(name, "movrel") && !strstr(name, "_2_"))
		r->s[REF_M0] &= 0xffff;
	if (strstr(name, "movrel")) {
		in->dst = 40;
		in->src = 4;
	}
	if (strstr(name, "saveexec") || strstr(name, "wrexec"))
		in->dst = 40;
	if (strstr(name, "swappc"))
		in->dst = round & 2 ? 4 : 40; /* also over its own source */
}

static void one(const struct gpu_op *op, unsigned round)
{
	static struct gpu_wave w;
	struct ref_scalar r;
	struct ref_scalar_inst ref = {.name = op->name + 2};
	struct gpu_inst in;
	const char *why = "";
	uint32_t dw[2];
	enum ref_step want, got;

	set_up(&r, &ref, round);
	adjust(op, &r, &ref, round);
	memset(&w, 0, sizeof(w));
	memcpy(w.s, r.s, sizeof(w.s));
	w.lanes = r.lanes;
	w.lane_shift = r.lanes == 64 ? 6 : 5;
	w.scc = r.scc, w.mode = r.mode, w.status = r.status, w.trapsts = r.trapsts, w.pc = r.pc;
	dw[0] = encode(op, &ref);
	dw[1] = ref.literal;
	ck_assert_msg(gpu_isa_decode(&gpu_isa_gfx10_3, dw, 2, &in, &why) == (op->flags & GPU_OPF_LITERAL ? 2u : 1u),
		      "%s: %s", op->name, why);
	ck_assert_ptr_eq(in.op, op);
	want = ref_scalar_exec(&r, &ref);
	ck_assert_msg(want != REF_UNKNOWN, "%s has no reference", op->name);
	got = model_step(in.exec(&w, &in));
	ck_assert_msg(got == want, "%s %x round %u: %s, want %s", op->name, ref.imm, round, steps[got], steps[want]);
	if (want == REF_REFUSED) {
		ck_assert_int_eq(w.fault.status, GPU_FAULT_OPCODE);
		return;
	}
	for (unsigned i = 0; i < 128; i++)
		if (w.s[i] != r.s[i]) /* a libcheck assertion is a system call: only when it is going to fail */
			ck_abort_msg("%s round %u (%08x wave%u): s%u is %08x, want %08x", op->name, round, dw[0],
				     r.lanes, i, w.s[i], r.s[i]);
	ck_assert_msg(w.scc == r.scc, "%s round %u: SCC %u, want %u", op->name, round, w.scc, r.scc);
	ck_assert_msg(w.mode == r.mode && w.trapsts == r.trapsts, "%s round %u: MODE %x, want %x", op->name, round,
		      w.mode, r.mode);
	ck_assert_msg(w.pc == r.pc, "%s round %u: pc %llx, want %llx", op->name, round, (unsigned long long)w.pc,
		      (unsigned long long)r.pc);
}

START_TEST(rows)
{
	static const struct {
		unsigned enc, rows;
	} encodings[] = {{GPU_SOP1, 65}, {GPU_SOPC, 18}, {GPU_SOPK, 27}, {GPU_SOPP, 37}};
	unsigned enc = encodings[_i].enc;

	ck_assert_uint_eq(*gpu_isa_gfx10_3.count[enc], encodings[_i].rows);
	for (unsigned i = 0; i < encodings[_i].rows; i++) {
		const struct gpu_op *op = &gpu_isa_gfx10_3.ops[enc][i];

		for (unsigned round = 0; round < ROUNDS; round++)
			one(op, round);
		isa_tested(op);
	}
}
END_TEST

/* An index that leads out of the SGPRs reads s0 and writes nothing. */
START_TEST(indices_outside)
{
	static const uint32_t sources[] = {0xbe802e00 | 40 << 16 | 4, 0xbe802f00 | 40 << 16 | 4}; /* movrels */
	static const uint32_t destinations[] = {0xbe803000 | 40 << 16 | 4, 0xbe803100 | 40 << 16 | 4};

	for (unsigned i = 0; i < 4; i++) {
		uint32_t dw = i < 2 ? sources[i] : destinations[i - 2], before[128];
		struct gpu_wave w;
		struct gpu_inst in;
		const char *why = "";

		memset(&w, 0, sizeof(w));
		w.lanes = 64;
		for (unsigned k = 0; k < 128; k++)
			w.s[k] = before[k] = k * 3;
		w.s[REF_M0] = before[REF_M0] = 0x7ffffff0;
		ck_assert_uint_eq(gpu_isa_decode(&gpu_isa_gfx10_3, &dw, 1, &in, &why), 1);
		ck_assert_ptr_nonnull(strstr(in.op->name, i < 2 ? "movrels" : "movreld"));
		ck_assert_int_eq(in.exec(&w, &in), GPU_STEP_NEXT);
		if (i < 2)
			before[40] = 0;
		if (i == 1)
			before[41] = 3;
		ck_assert(memcmp(before, w.s, sizeof(before)) == 0);
	}
}
END_TEST

/* STATUS shows SCC, EXECZ and VCCZ; user code does not change it. */
START_TEST(status_register)
{
	const uint32_t get = 0xb9000000 | 40u << 16 | 2 | 31 << 11, set = 0xb9800000 | 4u << 16 | 2 | 31 << 11;
	struct gpu_wave w;
	struct gpu_inst in;
	const char *why = "";

	for (unsigned i = 0; i < 8; i++) {
		memset(&w, 0, sizeof(w));
		w.lanes = 32;
		w.scc = i & 1;
		w.s[REF_EXEC] = i & 2;
		w.s[REF_VCC] = i & 4;
		w.s[4] = 0xffffffff;
		ck_assert_uint_eq(gpu_isa_decode(&gpu_isa_gfx10_3, &set, 1, &in, &why), 1);
		ck_assert_int_eq(in.exec(&w, &in), GPU_STEP_NEXT);
		ck_assert_uint_eq(gpu_isa_decode(&gpu_isa_gfx10_3, &get, 1, &in, &why), 1);
		ck_assert_int_eq(in.exec(&w, &in), GPU_STEP_NEXT);
		ck_assert_uint_eq(w.s[40], (i & 1) | (i & 2 ? 0 : 1u << 9) | (i & 4 ? 0 : 1u << 10));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scalar instructions against a reference");
	TCase *tc = tcase_create("scalar");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, rows, 0, 4);
	tcase_add_test(tc, indices_outside);
	tcase_add_test(tc, status_register);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/* test_mem_smem.c - scalar loads against the reference, clocks, faults. */
#include "gpu/isa/tables.h"
#include "isa/mem_check.h"
#include "isa/tested.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 400

static void load_once(struct mem_check *c, const struct gpu_op *op, unsigned round)
{
	struct ref_inst in = {.name = op->name, .dst = 32, .saddr = 8};
	bool buffer = strstr(op->name, "buffer") != NULL;
	unsigned soffset = 125;
	uint64_t base = RIG_VA + mem_check_below(c, RIG_SIZE - 8192);
	uint32_t words[2];

	mem_check_randomise(c);
	in.offset = buffer ? (int32_t)mem_check_below(c, 4096) : (int32_t)mem_check_below(c, 8192) - 4096;
	if (round & 1) {
		soffset = 70;
		in.soffset = mem_check_below(c, 8) ? mem_check_below(c, 4096) : (uint32_t)mem_check_random(c);
		mem_check_set_sgpr(c, soffset, in.soffset);
	}
	if (round % 7 == 0)
		base = (base | 4095) - mem_check_below(c, 64);
	mem_check_set_sgpr(c, 8, (uint32_t)base);
	mem_check_set_sgpr(c, 9, (uint32_t)(base >> 32));
	if (buffer) {
		uint32_t stride = mem_check_below(c, 2) ? mem_check_below(c, 64) : 0;

		mem_check_set_sgpr(c, 9, (uint32_t)(base >> 32 & 0xffff) | stride << 16);
		mem_check_set_sgpr(c, 10, mem_check_below(c, stride ? 200 : 8192));
		mem_check_set_sgpr(c, 11, 0x31016fac);
	}
	mem_encode_smem(words, op->opcode, &in, soffset);
	mem_check_run(c, words, &in);
}

START_TEST(loads)
{
	struct mem_check *c = malloc(sizeof(*c));

	ck_assert_ptr_nonnull(c);
	mem_check_init(c, 0x5eed);
	for (unsigned i = 0; i < 10; i++)
		for (unsigned round = 0; round < ROUNDS; round++)
			load_once(c, &gpu_gfx10_3_smem[i], round);
	ck_assert_uint_eq(gpu_gfx10_3_smem_count, 16);
	ck_assert_uint_gt(c->rig.page_faults, 0);
	mem_check_finish(c);
	free(c);
}
END_TEST

static void mark(unsigned opcode)
{
	for (unsigned i = 0; i < gpu_gfx10_3_smem_count; i++)
		if (gpu_gfx10_3_smem[i].opcode == opcode)
			isa_tested(&gpu_gfx10_3_smem[i]);
}

START_TEST(clocks)
{
	struct mem_rig rig;
	uint64_t last[2] = {0, 0};

	mem_rig_init(&rig, false);
	for (unsigned i = 0; i < 1000; i++)
		for (unsigned k = 0; k < 2; k++) {
			const uint32_t words[2] = {0xf4000000 | (0x24 + k) << 18 | 4 << 6, 0xfa000000};
			uint64_t now;

			ck_assert_int_eq(mem_rig_run(&rig, words), GPU_STEP_NEXT);
			now = rig.w.s[4] | (uint64_t)rig.w.s[5] << 32;
			ck_assert_uint_ge(now, last[k]);
			ck_assert_uint_gt(now, 0);
			last[k] = now;
		}
	mark(0x24);
	mark(0x25);
	mem_rig_finish(&rig);
}
END_TEST

/* Nothing but the program counter moves. */
START_TEST(caches_and_probes)
{
	static const uint8_t ops[] = {0x1f, 0x20, 0x26, 0x27};
	struct mem_rig rig;
	uint32_t before[128];

	mem_rig_init(&rig, false);
	for (unsigned i = 0; i < 128; i++)
		before[i] = rig.w.s[i] = i * 0x01010101u;
	for (unsigned i = 0; i < sizeof(ops); i++) {
		const uint32_t words[2] = {0xf4000000 | (uint32_t)ops[i] << 18 | 4, 0xfa000000};

		ck_assert_int_eq(mem_rig_run(&rig, words), GPU_STEP_NEXT);
		ck_assert_mem_eq(before, rig.w.s, sizeof(before));
		mark(ops[i]);
	}
	ck_assert_uint_eq(rig.page_faults, 0);
	mem_rig_finish(&rig);
}
END_TEST

/* A destination that runs past the scalar registers writes those that exist. */
START_TEST(destination_end)
{
	struct mem_rig rig;
	const uint32_t words[2] = {0xf4000000 | 4 << 18 | 116 << 6 | 4, 0xfa000000};

	mem_rig_init(&rig, false);
	memset(rig.host, 0x5a, RIG_SIZE);
	rig.w.s[8] = (uint32_t)RIG_VA;
	rig.w.s[9] = RIG_VA >> 32;
	rig.w.s[124] = 1;
	rig.w.s[126] = 0xf;
	ck_assert_int_eq(mem_rig_run(&rig, words), GPU_STEP_NEXT);
	for (unsigned i = 116; i < 124; i++)
		ck_assert_uint_eq(rig.w.s[i], 0x5a5a5a5a);
	ck_assert_uint_eq(rig.w.s[124], 1);
	ck_assert_uint_eq(rig.w.s[125], 0);
	ck_assert_uint_eq(rig.w.s[126], 0xf);
	mem_rig_finish(&rig);
}
END_TEST

/* Faults that stop: status, address, instruction and workgroup; nothing was written. */
START_TEST(fault_stops)
{
	static const struct {
		uint32_t words[2];
		unsigned access;
	} cases[] = {
		{{0xf4000000 | 2 << 18 | 4 << 6 | 4, 0xfa000000}, GPU_READ}, /* s_load_dwordx4 s[4:7], s[8:9], 0 */
		{{0xdc308000, 0x087d0002}, GPU_READ},                        /* global_load_dword v8, v[2:3], off */
		{{0xdc708000, 0x007d0402}, GPU_WRITE},                       /* global_store_dword v[2:3], v4, off */
		{{0xdcc98000, 0x087d0402}, GPU_READ}, /* global_atomic_add v8, v[2:3], v4, off glc */
		{{0xdc300000, 0x087d0002}, GPU_READ}, /* flat_load_dword v8, v[2:3] */
	};
	struct mem_rig rig;

	mem_rig_init(&rig, true);
	rig.group.id[1] = 7;
	rig.w.index = 3;
	rig.w.launch = 12;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t hole = RIG_VA + RIG_SIZE + 0x120, pc = rig.w.pc;

		rig.w.s[126] = 2;
		rig.w.s[8] = rig.vgpr[2 * 32 + 1] = (uint32_t)hole;
		rig.w.s[9] = rig.vgpr[3 * 32 + 1] = (uint32_t)(hole >> 32);
		memset(&rig.w.fault, 0, sizeof(rig.w.fault));
		ck_assert_int_eq(mem_rig_run(&rig, cases[i].words), GPU_STEP_FAULT);
		ck_assert_int_eq(rig.w.fault.status, GPU_FAULT_PAGE);
		ck_assert_uint_eq(rig.w.fault.access & cases[i].access, cases[i].access);
		ck_assert_uint_eq(rig.w.fault.address, hole);
		ck_assert_uint_eq(rig.w.fault.pc, pc);
		ck_assert_uint_eq(rig.w.fault.group[1], 7);
		ck_assert_uint_eq(rig.w.fault.wave, 3);
		ck_assert_uint_eq(rig.w.fault.launch, 12);
		ck_assert_uint_eq(rig.vgpr[8 * 32 + 1], 0);
	}
	mem_rig_finish(&rig);
}
END_TEST

/* Registers that the wave does not have are refused, whatever the instruction. */
START_TEST(registers_bounded)
{
	static const uint32_t cases[][2] = {
		{0xdc308000, 0x207d0002}, {0xdc308000, 0x087d0020}, {0xdc708000, 0x007d2002}, {0xdcc88000, 0x087d2002},
		{0xdc384000, 0x1e7f0002}, {0xd8d80000, 0x20000002}, {0xd8340000, 0x00002002}, {0xd8800000, 0x20000402},
		{0xe0300000, 0x80022002}, {0xe0700000, 0x80022002}, {0xe0002000, 0x80020420}, {0xe80b1000, 0x80021e02},
	};
	struct mem_rig rig;

	mem_rig_init(&rig, false);
	rig.w.vgpr_count = 32;
	rig.w.s[126] = 0xffffffff;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_msg(mem_rig_run(&rig, cases[i]) == GPU_STEP_FAULT, "case %u", i);
		ck_assert_int_eq(rig.w.fault.status, GPU_FAULT_OPCODE);
	}
	mem_rig_finish(&rig);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("SMEM and faults");
	TCase *tc = tcase_create("smem");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, loads);
	tcase_add_test(tc, clocks);
	tcase_add_test(tc, caches_and_probes);
	tcase_add_test(tc, destination_end);
	tcase_add_test(tc, fault_stops);
	tcase_add_test(tc, registers_bounded);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed;
}

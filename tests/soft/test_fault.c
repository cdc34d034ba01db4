/* SPDX-License-Identifier: MIT */
/*
 * test_fault.c - each fault on each kernel behaviour: what WAIT_CS, SYNCOBJ_WAIT, QUERY_STATE, QUERY_STATE2 and CS say
 * of the job that was hit and of one of another context on another ring, whether user fences and markers are written,
 * and what is in memory. One row each; what a row says is read in the kernel that it is of (lib/soft/reset.c names the
 * functions).
 */
#include "rig.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define R AMDGPU_CTX_QUERY2_FLAGS_RESET
#define V AMDGPU_CTX_QUERY2_FLAGS_VRAMLOST
#define G AMDGPU_CTX_QUERY2_FLAGS_GUILTY

/* The victim's words. Launch 2 is stopped in the middle of its fifth group, whose second wave still ends. */
enum memory {
	WHOLE,   /* four launches */
	BEFORE,  /* launches 0 and 1 */
	HALF,    /* and half of launch 2 */
	SKIPPED, /* all, but for the second half of launch 2 */
	TWICE,   /* half of launch 2, then four launches: run again */
	ASTRAY,  /* all, but for a word whose value launch 2 did not find */
	GARBAGE, /* overwritten */
};

struct row {
	const char *fault, *kernel;
	int victim, innocent; /* WAIT_CS */
	uint32_t victim_flags, innocent_flags;
	int victim_cs, innocent_cs; /* the next CS of the context */
	bool user_fence, marker;    /* the victim's */
	enum memory memory;
	unsigned innocent_runs;
	unsigned resets, losses;
};

static const struct row rows[] = {
	{"hang@2", "6.1", -ECANCELED, -ECANCELED, R | V | G, R | V, -ECANCELED, -ECANCELED, false, false, GARBAGE, 0, 1,
	 1},
	{"hang@2", "6.12", -ENODATA, 0, R, R, -ENODATA, 0, true, true, SKIPPED, 1, 1, 0},
	{"hang@2", "7.2", -ETIME, 0, R | G, R, -ETIME, 0, true, false, HALF, 1, 1, 0},
	{"cp-hang@2", "6.1", -ECANCELED, -ECANCELED, R | V | G, R | V, -ECANCELED, -ECANCELED, false, false, GARBAGE, 0,
	 1, 1},
	{"cp-hang@2", "6.12", -ECANCELED, 0, R, R, -ECANCELED, 0, false, false, BEFORE, 1, 1, 0},
	{"cp-hang@2", "7.2", -ETIME, 0, R | G, R, -ETIME, 0, true, false, BEFORE, 1, 1, 0},
	{"illegal-opcode@2", "6.1", -ECANCELED, -ECANCELED, R | V | G, R | V, -ECANCELED, -ECANCELED, false, false,
	 GARBAGE, 0, 1, 1},
	{"illegal-opcode@2", "6.12", -ENODATA, 0, R, R, -ENODATA, 0, true, true, SKIPPED, 1, 1, 0},
	{"illegal-opcode@2", "7.2", -ETIME, 0, R | G, R, -ETIME, 0, true, false, HALF, 1, 1, 0},
	{"page-fault@2", "6.1", 0, 0, 0, 0, 0, 0, true, true, ASTRAY, 1, 0, 0},
	{"page-fault@2", "6.12", 0, 0, 0, 0, 0, 0, true, true, ASTRAY, 1, 0, 0},
	{"page-fault@2", "7.2", 0, 0, 0, 0, 0, 0, true, true, ASTRAY, 1, 0, 0},
	{"soft-recovery@2", "6.1", 0, 0, R, R, 0, 0, true, true, SKIPPED, 1, 1, 0},
	{"soft-recovery@2", "6.12", -ENODATA, 0, R, R, -ENODATA, 0, true, true, SKIPPED, 1, 1, 0},
	{"soft-recovery@2", "7.2", -ENODATA, 0, R, R, -ENODATA, 0, true, true, SKIPPED, 1, 1, 0},
	{"queue-reset@2", "6.1", -ECANCELED, 0, R | G, R, -ECANCELED, 0, false, false, HALF, 2, 1, 0},
	{"queue-reset@2", "6.12", -ECANCELED, 0, R, R, -ECANCELED, 0, false, false, HALF, 1, 1, 0},
	{"queue-reset@2", "7.2", -ETIME, 0, R | G, R, -ETIME, 0, true, false, HALF, 1, 1, 0},
	{"innocent-rerun@2", "6.1", 0, 0, R, R, 0, 0, true, true, TWICE, 2, 1, 0},
	{"innocent-rerun@2", "6.12", -ECANCELED, -ECANCELED, R, R, -ECANCELED, -ECANCELED, false, false, HALF, 1, 1, 0},
	{"innocent-rerun@2", "7.2", 0, 0, R, R, 0, 0, true, true, TWICE, 1, 1, 0},
	{"bystander@2", "6.1", -ECANCELED, -ECANCELED, R | V, R | V, -ECANCELED, -ECANCELED, false, false, GARBAGE, 0,
	 1, 1},
	{"bystander@2", "6.12", -ECANCELED, -ECANCELED, R | V, R | V, -ECANCELED, -ECANCELED, false, false, GARBAGE, 0,
	 1, 1},
	{"bystander@2", "7.2", -ECANCELED, -ECANCELED, R | V, R | V, -ECANCELED, -ECANCELED, false, false, GARBAGE, 0,
	 1, 1},
	{"full-reset@2", "6.1", -ECANCELED, -ECANCELED, R | V | G, R | V, -ECANCELED, -ECANCELED, false, false, GARBAGE,
	 0, 1, 1},
	{"full-reset@2", "6.12", -ECANCELED, -ECANCELED, R | V | G, R | V, -ECANCELED, -ECANCELED, false, false,
	 GARBAGE, 0, 1, 1},
	{"full-reset@2", "7.2", -ETIME, -ECANCELED, R | V | G, R | V, -ETIME, -ECANCELED, false, false, GARBAGE, 0, 1,
	 1},
	{"memory-lost@2", "6.1", -ECANCELED, -ECANCELED, R | V, R | V, -ECANCELED, -ECANCELED, false, false, GARBAGE, 0,
	 1, 1},
	{"memory-lost@2", "6.12", -ECANCELED, -ECANCELED, R | V, R | V, -ECANCELED, -ECANCELED, false, false, GARBAGE,
	 0, 1, 1},
	{"memory-lost@2", "7.2", -ECANCELED, -ECANCELED, R | V, R | V, -ECANCELED, -ECANCELED, false, false, GARBAGE, 0,
	 1, 1},
	{"memory-lost-idle@2", "6.1", 0, -ECANCELED, R | V, R | V, -ECANCELED, -ECANCELED, true, true, GARBAGE, 0, 1,
	 1},
	{"memory-lost-idle@2", "6.12", 0, -ECANCELED, R | V, R | V, -ECANCELED, -ECANCELED, true, true, GARBAGE, 0, 1,
	 1},
	{"memory-lost-idle@2", "7.2", 0, -ECANCELED, R | V, R | V, -ECANCELED, -ECANCELED, true, true, GARBAGE, 0, 1,
	 1},
	{"slow@2", "6.1", 0, 0, 0, 0, 0, 0, true, true, WHOLE, 1, 0, 0},
	{"slow@2", "7.2", 0, 0, 0, 0, 0, 0, true, true, WHOLE, 1, 0, 0},
	{"lost-interrupt@2", "6.1", 0, 0, 0, 0, 0, 0, true, true, WHOLE, 1, 0, 0},
	{"lost-interrupt@2", "6.12", 0, 0, 0, 0, 0, 0, true, true, WHOLE, 1, 0, 0},
	{"lost-interrupt@2", "7.2", 0, 0, 0, 0, 0, 0, true, true, WHOLE, 1, 0, 0},
};

static uint32_t expected(enum memory memory, unsigned word)
{
	const unsigned hit = word / RIG_BLOCK <= RIG_GROUPS / 2; /* the group in the middle still ends */

	switch (memory) {
	case BEFORE:
		return 2;
	case HALF:
		return 2 + hit;
	case SKIPPED:
		return 3 + hit;
	case TWICE:
		return 2 + hit + RIG_LAUNCHES;
	case ASTRAY: /* the first lane of the group's second wave found 0 at launch 2 */
		return word == RIG_GROUPS / 2 * RIG_BLOCK + RIG_BLOCK / 2 ? 2 : RIG_LAUNCHES;
	default:
		return RIG_LAUNCHES;
	}
}

static void check_memory(const struct row *row, const struct rig *rig)
{
	unsigned changed = 0;

	if (row->memory != GARBAGE) {
		for (unsigned i = 0; i < RIG_WORDS; i++)
			ck_assert_msg(rig->victim.words.map[i] == expected(row->memory, i),
				      "%s on %s: word %u is %u, not %u", row->fault, row->kernel, i,
				      rig->victim.words.map[i], expected(row->memory, i));
		for (unsigned i = 0; i < RIG_WORDS; i++)
			ck_assert_uint_eq(rig->innocent.words.map[i], 2 * row->innocent_runs);
		return;
	}
	for (unsigned i = 0; i < RIG_WORDS; i++)
		changed += rig->victim.words.map[i] > 2 * RIG_LAUNCHES && rig->innocent.words.map[i] > 2 * RIG_LAUNCHES;
	ck_assert_uint_gt(changed, RIG_WORDS * 9 / 10);
}

static void check_page_fault(const struct row *row, struct rig *rig)
{
	const bool hit = row->memory == ASTRAY;
	struct abi_info_gpuvm_fault fault = {0};

	if (!strcmp(row->kernel, "6.1")) {
		ck_err(EINVAL, rig_page_fault(rig, &fault));
		return;
	}
	ck_ok(rig_page_fault(rig, &fault));
	ck_assert_uint_eq(fault.addr != 0, hit);
	ck_assert_uint_eq(fault.addr & 4095, 0);
	ck_assert_uint_lt(fault.addr, 1u << 16); /* below every address space */
	ck_assert_uint_eq(fault.status != 0, hit);
}

#define CHECK_EQ(what, is, should)                                                                                     \
	ck_assert_msg((is) == (should), "%s on %s: %s is %d, not %d", row->fault, row->kernel, what, (int)(is),        \
		      (int)(should))

static void check_verdicts(const struct row *row, struct rig *rig)
{
	const uint32_t status = row->resets ? AMDGPU_CTX_UNKNOWN_RESET : AMDGPU_CTX_NO_RESET;

	CHECK_EQ("the victim's SYNCOBJ_WAIT", rig_syncobj_wait(rig, &rig->victim, 20000), 0);
	CHECK_EQ("the innocent one's SYNCOBJ_WAIT", rig_syncobj_wait(rig, &rig->innocent, 20000), 0);
	CHECK_EQ("the victim's second WAIT_CS", rig_wait(rig, &rig->victim), row->victim);
	CHECK_EQ("the victim's QUERY_STATE2", rig_flags(rig, rig->victim.ctx), row->victim_flags);
	CHECK_EQ("the innocent one's QUERY_STATE2", rig_flags(rig, rig->innocent.ctx), row->innocent_flags);
	CHECK_EQ("the victim's QUERY_STATE", rig_reset_status(rig, rig->victim.ctx), status);
	CHECK_EQ("the innocent one's QUERY_STATE", rig_reset_status(rig, rig->innocent.ctx), status);
	CHECK_EQ("the victim's next QUERY_STATE", rig_reset_status(rig, rig->victim.ctx), AMDGPU_CTX_NO_RESET);
	CHECK_EQ("a new context's QUERY_STATE2", rig_flags(rig, env_ctx(rig->file)), 0u);
}

static void check_cs(const struct row *row, struct rig *rig)
{
	struct rig_actor fresh = rig->victim;

	CHECK_EQ("the victim's next CS", rig_submit_nop(rig, &rig->victim), row->victim_cs);
	CHECK_EQ("the innocent one's next CS", rig_submit_nop(rig, &rig->innocent), row->innocent_cs);
	fresh.ctx = env_ctx(rig->file);
	CHECK_EQ("a new context's CS", rig_submit_nop(rig, &fresh), 0);
}

START_TEST(row_by_row)
{
	const struct row *row = &rows[_i];
	struct rig rig;
	char spec[64];

	snprintf(spec, sizeof(spec), "gfx1030,kernel=%s", row->kernel);
	rig_open(&rig, spec);
	rig_innocent(&rig, AMDGPU_HW_IP_COMPUTE);
	rig_fault(&rig, row->fault);
	rig_victim(&rig, AMDGPU_HW_IP_COMPUTE);
	CHECK_EQ("the victim's WAIT_CS", rig_wait(&rig, &rig.victim), row->victim);
	CHECK_EQ("the victim's QUERY_STATE2 at once", rig_flags(&rig, rig.victim.ctx), row->victim_flags);
	rig_open_gate(&rig);
	CHECK_EQ("the innocent one's WAIT_CS", rig_wait(&rig, &rig.innocent), row->innocent);
	check_verdicts(row, &rig);
	CHECK_EQ("the victim's user fence", *rig.victim.user_fence, row->user_fence ? rig.victim.cs.seq : 0);
	CHECK_EQ("the victim's marker", *rig.victim.marker, row->marker ? RIG_MARKER : 0u);
	CHECK_EQ("the innocent one's marker", *rig.innocent.marker, row->innocent ? 0u : RIG_MARKER);
	CHECK_EQ("the innocent one's user fence", *rig.innocent.user_fence, row->innocent ? 0 : rig.innocent.cs.seq);
	check_memory(row, &rig);
	check_page_fault(row, &rig);
	check_cs(row, &rig);
	CHECK_EQ("resets", env_stat(rig.file, "resets"), row->resets);
	CHECK_EQ("losses of memory", env_stat(rig.file, "vram_lost"), row->losses);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fault");
	TCase *tcase = tcase_create("rows");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, row_by_row, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed;
}

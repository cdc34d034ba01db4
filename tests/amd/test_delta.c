/* SPDX-License-Identifier: MIT */
/*
 * Delta state: whatever order launches come in, each dispatch must find the registers that a full state would have set.
 * Random sequences of launches of several kernels are recorded, the stream is read back by a reader that starts knowing
 * nothing, and every register that a dispatch depends on must be known and right.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

/* COMPUTE registers, from Mesa's gfx103.json, as dword offsets. */
enum {
	START_X = 0x204,
	NUM_THREAD_X = 0x207,
	PIPELINESTAT = 0x20a,
	PGM_LO = 0x20c,
	PGM_HI = 0x20d,
	RSRC1 = 0x212,
	RSRC2 = 0x213,
	LIMITS = 0x215,
	EN_SE0 = 0x216,
	TMPRING = 0x218,
	EN_SE2 = 0x219,
	ACCUM = 0x224,
	RSRC3 = 0x228,
	USER_DATA = 0x240,
	TUNNEL = 0x27d,
};
/* Every one that a dispatch of any kernel takes. */
static const uint16_t must_be_known[] = {
	START_X, START_X + 1, START_X + 2, NUM_THREAD_X, NUM_THREAD_X + 1, NUM_THREAD_X + 2, PIPELINESTAT,
	PGM_LO,  PGM_HI,      RSRC1,       RSRC2,        LIMITS,           EN_SE0,           EN_SE0 + 1,
	TMPRING, EN_SE2,      EN_SE2 + 1,  ACCUM,        ACCUM + 1,        ACCUM + 2,        ACCUM + 3,
	RSRC3,   TUNNEL,
};

enum { KERNELS = 6, LAUNCHES = 3000, MAX_EXPECT = LAUNCHES };

struct expect {
	unsigned kernel;
	uint32_t grid[3];
	uint32_t args[16];
	bool indirect, patched;
	uint32_t patch[16]; /* value after patching, of args */
};

static struct df_device *device;
static struct df_code *code;
static struct df_kernel *kernels[KERNELS];
static struct fake_kernel specs[KERNELS];
static struct expect expects[MAX_EXPECT];
static struct df_patch patches[MAX_EXPECT];
static unsigned expect_count, seen;
static uint32_t seed;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

/* Register kernels of several shapes (odd counts, other places, two segments, no arguments at all) and one with its
 * arguments in memory. */
static void make_specs(void)
{
	for (unsigned i = 0; i < KERNELS; i++)
		specs[i] = fake_saxpy();
	specs[0].name = "eight";
	specs[1].name = "sixteen";
	specs[1].k.pgm_rsrc2 = 0x80 | 16 << 1;
	specs[1].k.args_size_B = 64;
	specs[1].sgprs[0] = (struct df_image_sgpr){.kind = DF_IMAGE_SGPR_ARG_INLINE, .first = 0, .count = 16};
	specs[2].name = "three";
	specs[2].k.args_size_B = 12;
	specs[2].k.wave_size = 32;
	specs[2].k.block[1] = 2;
	specs[2].k.max_flat_size = 128;
	specs[2].sgprs[0] = (struct df_image_sgpr){.kind = DF_IMAGE_SGPR_ARG_INLINE, .first = 5, .count = 3};
	specs[3].name = "apart";
	specs[3].k.args_size_B = 24;
	specs[3].sgprs[0] =
		(struct df_image_sgpr){.kind = DF_IMAGE_SGPR_ARG_INLINE, .first = 1, .count = 2, .offset_B = 16};
	specs[3].sgprs[1] = (struct df_image_sgpr){.kind = DF_IMAGE_SGPR_ARG_INLINE, .first = 6, .count = 4};
	specs[3].sgpr_count = 2;
	specs[4].name = "none";
	specs[4].k.args_size_B = 0;
	specs[4].k.lds_size_B = 5000;
	specs[4].sgpr_count = 0;
	specs[5] = fake_kernarg();
	specs[5].name = "memory";
	for (unsigned i = 0; i < KERNELS; i++)
		specs[i].arg_count = 0;
}

static void setup(void)
{
	make_specs();
	device = fake_device();
	code = fake_code(device, specs, KERNELS);
	for (unsigned i = 0; i < KERNELS; i++)
		ck_assert_int_eq(df_code_kernel(code, specs[i].name, &kernels[i]), 0);
	expect_count = seen = 0;
}

static void teardown(void)
{
	ck_assert_int_eq(df_code_destroy(code), 0);
	fake_device_free(device);
}

/* What a kernel finds in its argument block according to the registers. */
static void check_args(const struct pm4_state *state, const struct expect *expect)
{
	const struct fake_kernel *spec = &specs[expect->kernel];
	const uint32_t *want = expect->patched ? expect->patch : expect->args;
	for (unsigned i = 0; i < spec->sgpr_count; i++) {
		const struct df_image_sgpr *sgpr = &spec->sgprs[i];
		for (unsigned n = 0; n < sgpr->count; n++)
			ck_assert_msg(state->known[USER_DATA + sgpr->first + n], "user SGPR %u is not set",
				      sgpr->first + n);
		if (sgpr->kind == DF_IMAGE_SGPR_ARG_INLINE) {
			ck_assert_mem_eq(state->reg + USER_DATA + sgpr->first, want + sgpr->offset_B / 4,
					 sgpr->count * 4u);
			continue;
		}
		uint64_t va = state->reg[USER_DATA] | (uint64_t)state->reg[USER_DATA + 1] << 32;
		const void *block = fake_at(device, va, spec->k.args_size_B);
		ck_assert_ptr_nonnull(block);
		ck_assert_mem_eq(block, want, spec->k.args_size_B);
	}
}

static void check_regs(const struct pm4_state *state, unsigned kernel)
{
	const struct df_image_kernel *k = &specs[kernel].k;
	for (unsigned i = 0; i < sizeof(must_be_known) / sizeof(must_be_known[0]); i++)
		ck_assert_msg(state->known[must_be_known[i]], "register 0x%x is not set", must_be_known[i]);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(state->reg[START_X + i], 0);
		ck_assert_uint_eq(state->reg[NUM_THREAD_X + i], k->block[i]);
	}
	uint64_t entry = (uint64_t)state->reg[PGM_LO] << 8 | (uint64_t)state->reg[PGM_HI] << 40;
	const void *at = fake_at(device, entry | (entry >> 47 ? 0xffffull << 48 : 0), 256);
	ck_assert_ptr_nonnull(at);
	ck_assert_uint_eq(state->reg[RSRC1], k->pgm_rsrc1);
	ck_assert_uint_eq(state->reg[RSRC2], k->pgm_rsrc2 | (k->lds_size_B + 511) / 512 << 15);
	ck_assert_uint_eq(state->reg[RSRC3], k->pgm_rsrc3);
}

static void on_event(void *user, const struct pm4_record *record)
{
	(void)user;
	if (record->event != PM4_EV_DISPATCH && record->event != PM4_EV_INDIRECT)
		return;
	ck_assert_uint_lt(seen, expect_count);
	const struct expect *expect = &expects[seen++];
	ck_assert_int_eq(record->event == PM4_EV_INDIRECT, expect->indirect);
	if (!expect->indirect)
		ck_assert_mem_eq(record->body, expect->grid, sizeof(expect->grid));
	uint32_t initiator = record->body[expect->indirect ? 2 : 3];
	ck_assert_int_eq(initiator >> 15 & 1, specs[expect->kernel].k.wave_size == 32);
	check_regs(record->state, expect->kernel);
	check_args(record->state, expect);
}

static void change_args(uint32_t args[16])
{
	switch (rnd(4)) {
	case 0:
		break;
	case 1:
		args[rnd(16)] += 1;
		break;
	case 2:
		for (unsigned i = 0; i < 16; i++)
			args[i] += rnd(2);
		break;
	default:
		for (unsigned i = 0; i < 16; i++)
			args[i] += 1 + rnd(1000);
	}
}

static void ask_patch(struct df_batch *batch, struct expect *expect)
{
	uint32_t bytes = specs[expect->kernel].k.args_size_B;
	/* The kernel in two segments can have only what lies together. */
	uint32_t first = 0, count = bytes / 4;
	if (expect->kernel == 3)
		count = 4;
	if (count > 2 && rnd(2)) {
		first = rnd(count - 1);
		count = 1 + rnd(count - first);
	}
	if (!count)
		return;
	expect->patched = true;
	memcpy(expect->patch, expect->args, sizeof(expect->patch));
	for (unsigned i = first; i < first + count; i++)
		expect->patch[i] = 0xdead0000 + rnd(65536);
	int ret = df_batch_patch_args(batch, first * 4, count * 4, &patches[expect - expects]);
	ck_assert_msg(ret == 0, "%s", df_error());
	patches[expect - expects].stride_dw = first; /* kept for apply_patches(); recording overwrites it */
}

static unsigned patch_first[MAX_EXPECT];

static void apply_patches(void)
{
	for (unsigned i = 0; i < expect_count; i++)
		if (expects[i].patched)
			df_patch_store(&patches[i], expects[i].patch + patch_first[i]);
}

static void record_one(struct df_batch *batch, struct df_bo *grid, bool with_patches)
{
	static uint32_t args[16];
	static unsigned kernel;
	if (rnd(4) == 0)
		kernel = rnd(KERNELS);
	change_args(args);
	struct expect *expect = &expects[expect_count];
	*expect = (struct expect){.kernel = kernel, .grid = {1 + rnd(3), 1 + rnd(2), 1}};
	memcpy(expect->args, args, sizeof(args));
	if (with_patches && rnd(10) == 0) {
		ask_patch(batch, expect);
		patch_first[expect_count] = patches[expect_count].stride_dw;
	}
	expect->indirect = rnd(12) == 0;
	uint32_t bytes = specs[kernel].k.args_size_B;
	int ret = expect->indirect ? df_batch_launch_indirect(batch, kernels[kernel], grid, 0, args, bytes)
				   : df_batch_launch(batch, kernels[kernel], expect->grid, args, bytes);
	ck_assert_msg(ret == 0, "%s", df_error());
	expect_count++;
	if (rnd(20) == 0)
		ck_assert_int_eq(df_batch_barrier(batch), 0);
}

static void run_random(uint32_t start, uint32_t max_ib, bool with_patches)
{
	seed = start;
	expect_count = seen = 0;
	if (max_ib)
		fake_set_max_ib(device, max_ib);
	struct df_batch *batch;
	struct df_bo *grid;
	ck_assert_int_eq(df_bo_create(device, 4096, NULL, &grid), 0);
	ck_assert_int_eq(df_batch_create(device, NULL, &batch), 0);
	for (unsigned i = 0; i < LAUNCHES; i++)
		record_one(batch, grid, with_patches);
	ck_assert_int_eq(df_batch_seal(batch), 0);
	apply_patches();
	const char *error = pm4_read_batch(batch, on_event, NULL);
	ck_assert_msg(!error, "%s", error);
	ck_assert_uint_eq(seen, expect_count);
	ck_assert_int_eq(df_batch_destroy(batch), 0);
	ck_assert_int_eq(df_bo_destroy(grid), 0);
}

START_TEST(random_launches)
{
	run_random(1 + (uint32_t)_i, 0, false);
}
END_TEST

START_TEST(random_launches_in_small_chunks)
{
	run_random(100 + (uint32_t)_i, 256 + 8 * (uint32_t)_i, false);
}
END_TEST

START_TEST(random_launches_with_patches)
{
	run_random(200 + (uint32_t)_i, _i % 2 ? 512 : 0, true);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("delta");
	TCase *tc = tcase_create("random");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, random_launches, 0, 8);
	tcase_add_loop_test(tc, random_launches_in_small_chunks, 0, 8);
	tcase_add_loop_test(tc, random_launches_with_patches, 0, 8);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

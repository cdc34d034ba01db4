/* SPDX-License-Identifier: MIT */
/*
 * Our register state at each dispatch beside that of RADV, which is known to work on silicon, for the same kernel
 * registers, arguments and grids. The table of both is printed; where they differ, a reason must stand in the table
 * below, and every reason there must be needed. radv-*.regs say what RADV set.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

enum { MAX_REGS = 64, MAX_STEPS = 64, UNSET_TEXT = 12 };

static const struct {
	uint16_t offset;
	const char *name;
} sh_names[] = {
	{0x204, "COMPUTE_START_X"},
	{0x205, "COMPUTE_START_Y"},
	{0x206, "COMPUTE_START_Z"},
	{0x207, "COMPUTE_NUM_THREAD_X"},
	{0x208, "COMPUTE_NUM_THREAD_Y"},
	{0x209, "COMPUTE_NUM_THREAD_Z"},
	{0x20a, "COMPUTE_PIPELINESTAT_ENABLE"},
	{0x20c, "COMPUTE_PGM_LO"},
	{0x20d, "COMPUTE_PGM_HI"},
	{0x212, "COMPUTE_PGM_RSRC1"},
	{0x213, "COMPUTE_PGM_RSRC2"},
	{0x215, "COMPUTE_RESOURCE_LIMITS"},
	{0x216, "COMPUTE_DESTINATION_EN_SE0"},
	{0x217, "COMPUTE_DESTINATION_EN_SE1"},
	{0x218, "COMPUTE_TMPRING_SIZE"},
	{0x219, "COMPUTE_DESTINATION_EN_SE2"},
	{0x21a, "COMPUTE_DESTINATION_EN_SE3"},
	{0x224, "COMPUTE_USER_ACCUM_0"},
	{0x225, "COMPUTE_USER_ACCUM_1"},
	{0x226, "COMPUTE_USER_ACCUM_2"},
	{0x227, "COMPUTE_USER_ACCUM_3"},
	{0x228, "COMPUTE_PGM_RSRC3"},
	{0x240, "COMPUTE_USER_DATA_0"},
	{0x241, "COMPUTE_USER_DATA_1"},
	{0x242, "COMPUTE_USER_DATA_2"},
	{0x243, "COMPUTE_USER_DATA_3"},
	{0x244, "COMPUTE_USER_DATA_4"},
	{0x245, "COMPUTE_USER_DATA_5"},
	{0x246, "COMPUTE_USER_DATA_6"},
	{0x247, "COMPUTE_USER_DATA_7"},
	{0x248, "COMPUTE_USER_DATA_8"},
	{0x249, "COMPUTE_USER_DATA_9"},
	{0x24a, "COMPUTE_USER_DATA_10"},
	{0x24b, "COMPUTE_USER_DATA_11"},
	{0x24c, "COMPUTE_USER_DATA_12"},
	{0x24d, "COMPUTE_USER_DATA_13"},
	{0x24e, "COMPUTE_USER_DATA_14"},
	{0x24f, "COMPUTE_USER_DATA_15"},
	{0x27d, "COMPUTE_DISPATCH_TUNNEL"},
};

#define LEFT_OVER "rings are shared: set once, so that no launch sees what another process left there"
#define NO_IMAGES "border colours of samplers; kernels with images are out of scope"

/* Differences and their reasons. Packets between dispatches count as registers: ACQUIRE and FLUSH, by place. */
static struct reason {
	const char *name, *why;
	bool used;
} reasons[] = {
	{"COMPUTE_PGM_LO", "an address: our code lies elsewhere", false},
	{"COMPUTE_PGM_HI", "an address: our code lies elsewhere", false},
	{"COMPUTE_PIPELINESTAT_ENABLE", "counts invocations for query pools; there are none here, so it is off", false},
	{"COMPUTE_TMPRING_SIZE", "not looked at by code without scratch; part of our full state all the same", false},
	{"TA_CS_BC_BASE_ADDR", NO_IMAGES, false},
	{"TA_CS_BC_BASE_ADDR_HI", NO_IMAGES, false},
	{"COMPUTE_USER_DATA_0", LEFT_OVER, false},
	{"COMPUTE_USER_DATA_1", LEFT_OVER, false},
	{"COMPUTE_USER_DATA_10", LEFT_OVER, false},
	{"COMPUTE_USER_DATA_11", LEFT_OVER, false},
	{"COMPUTE_USER_DATA_12", LEFT_OVER, false},
	{"COMPUTE_USER_DATA_13", LEFT_OVER, false},
	{"COMPUTE_USER_DATA_14", LEFT_OVER, false},
	{"COMPUTE_USER_DATA_15", LEFT_OVER, false},
	{"FLUSH before the first",
	 "jobs of one context may overlap on the ring: a batch begins when the one before has ended", false},
	{"ACQUIRE between",
	 "only what lies in front of L2 is dropped: L2 is shared by all that a batch's launches talk to, "
	 "and there is no image metadata",
	 false},
	{"DMA between",
	 "RADV warms L2 with its code; ours is read by the launch itself, which is recorded once and run often", false},
};

struct reg {
	char name[40];
	uint32_t value;
};

/* The state as of one dispatch. */
struct step {
	struct reg regs[MAX_REGS];
	unsigned count;
	uint32_t dispatch[4];
};

struct side {
	struct step steps[MAX_STEPS];
	unsigned count;
	struct step now;
};

static struct side ours, theirs;

static struct reg *find(struct step *step, const char *name)
{
	for (unsigned i = 0; i < step->count; i++)
		if (!strcmp(step->regs[i].name, name))
			return &step->regs[i];
	return NULL;
}

static void put(struct step *step, const char *name, uint32_t value)
{
	struct reg *reg = find(step, name);
	if (!reg) {
		ck_assert_uint_lt(step->count, MAX_REGS);
		reg = &step->regs[step->count++];
		snprintf(reg->name, sizeof(reg->name), "%s", name);
	}
	reg->value = value;
}

static void packet(struct side *side, const char *what, uint32_t value)
{
	char name[40];
	snprintf(name, sizeof(name), "%s %s", what, side->count ? "between" : "before the first");
	put(&side->now, name, value);
}

static void dispatch(struct side *side, const uint32_t body[4])
{
	ck_assert_uint_lt(side->count, MAX_STEPS);
	memcpy(side->now.dispatch, body, sizeof(side->now.dispatch));
	side->steps[side->count++] = side->now;
	/* Registers stay, packets are over. */
	unsigned kept = 0;
	for (unsigned i = 0; i < side->now.count; i++)
		if (!strchr(side->now.regs[i].name, ' '))
			side->now.regs[kept++] = side->now.regs[i];
	side->now.count = kept;
}

/* The number at text in the base; where the text behind it begins. */
static const char *take(const char *text, int base, uint32_t *value_out)
{
	char *end;
	*value_out = (uint32_t)strtoul(text, &end, base);
	ck_assert_msg(end != text, "no number at '%s'", text);
	return end;
}

static void line(struct side *side, char *text, bool *in_stream, const char *stream)
{
	char name[40];
	uint32_t a = 0, b[4];
	int at = 0;
	if (sscanf(text, "stream %39s", name) == 1)
		*in_stream = !strcmp(name, stream);
	if (!*in_stream)
		return;
	if (sscanf(text, "reg %39s %n", name, &at) == 1) {
		take(text + at, 16, &a);
		put(&side->now, name, a);
	} else if (!strncmp(text, "acquire ", 8)) {
		take(text + 8, 16, &a);
		packet(side, "ACQUIRE", a);
	} else if (!strncmp(text, "dma ", 4)) {
		take(text + 4, 16, &a);
		packet(side, "DMA", a);
	} else if (!strncmp(text, "flush", 5)) {
		packet(side, "FLUSH", 7);
	} else if (!strncmp(text, "dispatch ", 9)) {
		take(take(take(take(text + 9, 10, &b[0]), 10, &b[1]), 10, &b[2]), 16, &b[3]);
		dispatch(side, b);
	}
}

static void read_theirs(const char *gpu, const char *stream)
{
	char path[128], text[256];
	bool in_stream = false;
	snprintf(path, sizeof(path), "tests/amd/radv-%s.regs", gpu);
	FILE *file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s cannot be opened; run from the top of the tree", path);
	memset(&theirs, 0, sizeof(theirs));
	while (fgets(text, sizeof(text), file))
		line(&theirs, text, &in_stream, stream);
	fclose(file);
	ck_assert_uint_eq(theirs.count, 4);
}

static void on_event(void *user, const struct pm4_record *record)
{
	struct side *side = user;
	if (record->event == PM4_EV_UCONFIG)
		put(&side->now, record->body[0] == 0x7b ? "CP_COHER_START_DELAY" : "?", record->body[1]);
	if (record->event == PM4_EV_ACQUIRE)
		packet(side, "ACQUIRE", record->body[6]);
	if (record->event == PM4_EV_FLUSH)
		packet(side, "FLUSH", record->body[0] & 0x3f);
	if (record->event != PM4_EV_DISPATCH)
		return;
	for (unsigned i = 0; i < PM4_REGS; i++) {
		const char *name = NULL;
		for (unsigned n = 0; n < sizeof(sh_names) / sizeof(sh_names[0]); n++)
			if (sh_names[n].offset == i)
				name = sh_names[n].name;
		ck_assert_msg(!record->state->known[i] || name, "register 0x%x is in no table", i);
		if (record->state->known[i])
			put(&side->now, name, record->state->reg[i]);
	}
	dispatch(side, record->body);
}

/* The same launches through the library: RADV's kernel registers, arguments and grids. */
static void record_ours(struct df_device *device, bool barriers)
{
	struct fake_kernel spec = fake_saxpy();
	struct df_code *code = fake_code(device, &spec, 1);
	struct df_kernel *kernel = fake_first(code);
	struct df_batch *batch;
	char name[40];
	memset(&ours, 0, sizeof(ours));
	ck_assert_int_eq(df_batch_create(device, NULL, &batch), 0);
	for (unsigned i = 0; i < theirs.count; i++) {
		uint32_t args[8];
		for (unsigned n = 0; n < 8; n++) {
			snprintf(name, sizeof(name), "COMPUTE_USER_DATA_%u", n + 2);
			args[n] = find(&theirs.steps[i], name)->value;
		}
		if (barriers && i)
			ck_assert_int_eq(df_batch_barrier(batch), 0);
		ck_assert_int_eq(df_batch_launch(batch, kernel, theirs.steps[i].dispatch, args, sizeof(args)), 0);
	}
	ck_assert_int_eq(df_batch_seal(batch), 0);
	const char *error = pm4_read_batch(batch, on_event, &ours);
	ck_assert_msg(!error, "%s", error);
	ck_assert_int_eq(df_batch_destroy(batch), 0);
	ck_assert_int_eq(df_code_destroy(code), 0);
}

static const char *value_text(const struct reg *reg, char text[UNSET_TEXT])
{
	if (!reg)
		return "-";
	snprintf(text, UNSET_TEXT, "0x%08x", reg->value);
	return text;
}

static unsigned compare_reg(struct step *a, struct step *b, const char *name, bool show)
{
	char at[UNSET_TEXT], bt[UNSET_TEXT];
	const struct reg *x = find(a, name), *y = find(b, name);
	bool same = x && y && x->value == y->value;
	struct reason *reason = NULL;
	for (unsigned i = 0; !same && i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (!strcmp(reasons[i].name, name))
			reason = &reasons[i];
	if (reason)
		reason->used = true;
	const char *why = same ? "" : reason ? reason->why : "NO REASON GIVEN";
	if (show || (!same && !reason))
		printf("  %-28s %-11s %-11s %s\n", name, value_text(x, at), value_text(y, bt), why);
	return !same && !reason;
}

/* Number of differences without a reason. */
static unsigned compare(const char *gpu, const char *stream)
{
	unsigned bad = 0;
	ck_assert_uint_eq(ours.count, theirs.count);
	for (unsigned i = 0; i < ours.count; i++) {
		struct step *a = &ours.steps[i], *b = &theirs.steps[i];
		bool show = i < 2; /* the first, and one that follows another */
		printf("%s, %s, dispatch %u: grid %ux%ux%u, initiator ours 0x%08x, RADV 0x%08x\n", gpu, stream, i,
		       a->dispatch[0], a->dispatch[1], a->dispatch[2], a->dispatch[3], b->dispatch[3]);
		ck_assert_mem_eq(a->dispatch, b->dispatch, sizeof(a->dispatch));
		for (unsigned n = 0; n < a->count; n++)
			bad += compare_reg(a, b, a->regs[n].name, show);
		for (unsigned n = 0; n < b->count; n++)
			if (!find(a, b->regs[n].name))
				bad += compare_reg(a, b, b->regs[n].name, show);
	}
	return bad;
}

static struct df_device *device_like(const char *gpu)
{
	struct df_device *device = fake_device();
	if (!strcmp(gpu, "vangogh")) {
		device->info.compute_units = 8;
		device->info.shader_engines = 1;
		device->info.arrays_per_engine = 1;
		device->info.units_per_array = 8;
	}
	return device;
}

START_TEST(every_difference_has_a_reason)
{
	static const char *const gpus[] = {"navi21", "vangogh"}, *const streams[] = {"unordered", "barriers"};
	unsigned bad = 0;
	for (unsigned g = 0; g < 2; g++)
		for (unsigned s = 0; s < 2; s++) {
			struct df_device *device = device_like(gpus[g]);
			read_theirs(gpus[g], streams[s]);
			record_ours(device, s == 1);
			bad += compare(gpus[g], streams[s]);
			fake_device_free(device);
		}
	ck_assert_msg(!bad, "%u differences have no reason", bad);
	for (unsigned i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		ck_assert_msg(reasons[i].used, "the reason given for %s is not needed", reasons[i].name);
}
END_TEST

/* The comparison itself must be able to fail. */
START_TEST(a_difference_is_seen)
{
	struct df_device *device = device_like("navi21");
	read_theirs("navi21", "unordered");
	record_ours(device, false);
	find(&ours.steps[2], "COMPUTE_RESOURCE_LIMITS")->value ^= 1;
	ck_assert_uint_eq(compare("navi21", "spoiled on purpose"), 1);
	fake_device_free(device);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("radv_compare");
	TCase *tc = tcase_create("registers");
	tcase_add_test(tc, every_difference_has_a_reason);
	tcase_add_test(tc, a_difference_is_seen);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

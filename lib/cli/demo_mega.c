/* SPDX-License-Identifier: MIT */
/*
 * Chapter 1: 1,000 sets of resident buffers, each with 64 slots of work, in one submission.
 *
 * Slots of a set run in any order, so the work is chosen such that the results do not depend on it: sums by atomics,
 * words of their own for stores and copies, and constants as inputs. The last slot is a batch fence behind the others.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/demo.h"
#include "drumfire_mega.h"

#define SLOTS      64u
#define CONSTANTS  128u /* index of the constant words in the data area */
#define CONSTANT_N 64u
#define DATA_WORDS (CONSTANTS + CONSTANT_N)
#define ROUNDS     64u

/* Layout of the data area: 0 sum; 16..31 stores; 32..39 swapped words; 64..95 copies; 96..111 saxpy. */
#define STORES 16u
#define SWAPS  32u
#define COPIES 64u
#define SAXPY  96u

#define OP_SAXPY   (DF_RING_OP_USER_FIRST + 0u)
#define OP_HASH    (DF_RING_OP_USER_FIRST + 1u)
#define OP_COLLATZ (DF_RING_OP_USER_FIRST + 2u)
#define OP_DOT     (DF_RING_OP_USER_FIRST + 3u)

struct chapter {
	struct demo *demo;
	struct df_code *code;
	struct df_kernel *kernel;
	struct df_mega *mega;
	struct df_mega_scratch *scratch;
	struct df_mega_set *sets;
	struct df_mega_view *views;
	uint32_t count; /* of sets */
};

static uint32_t constant(uint32_t set, uint32_t i)
{
	return i < 32 ? demo_mix(set, i) : 0x3f800000u + (demo_mix(set, i) & 0x3fffffu); /* floats of 1 to 1.5 */
}

static uint32_t saxpy_factor(uint32_t set)
{
	float factor = 1.0f + (float)(set % 7);
	uint32_t bits;

	memcpy(&bits, &factor, sizeof(bits));
	return bits;
}

static struct df_mega_work work_of(uint32_t set, uint32_t slot)
{
	struct df_mega_work work = {.tenant = slot % 4, .priority = slot % DF_RING_PRIORITIES};
	uint32_t k = slot % 8;

	if (slot < 16) {
		work.opcode = DF_RING_OP_ATOMIC_ADD;
		work.args[1] = demo_mix(set, slot) & 0xffff;
	} else if (slot < 32) {
		work.opcode = DF_RING_OP_STORE;
		work.args[0] = STORES + slot - 16;
		work.args[1] = demo_mix(set, slot);
	} else if (slot < 40) {
		work = (struct df_mega_work){DF_RING_OP_COMPARE_SWAP, 1, 2, {SWAPS + k, 0, demo_mix(set, slot) | 1}};
	} else if (slot < 48) {
		work = (struct df_mega_work){DF_RING_OP_MEMCPY, 2, 0, {COPIES + 4 * k, CONSTANTS + 2 * k, 4}};
	} else if (slot < 54) {
		work = (struct df_mega_work){OP_HASH, 0, 1, {CONSTANTS + k, 8 + k, set}};
	} else if (slot < 58) {
		work = (struct df_mega_work){OP_COLLATZ, 0, 3, {1 + (set * 4 + slot) % 1000}};
	} else if (slot < 60) {
		work = (struct df_mega_work){DF_RING_OP_LOAD, 0, 4, {CONSTANTS + slot - 58}};
	} else if (slot == 60) {
		work = (struct df_mega_work){OP_DOT, 0, 0, {CONSTANTS, CONSTANTS + 16, 16}};
	} else if (slot == 61) {
		work = (struct df_mega_work){
			OP_SAXPY, 0, 0, {CONSTANTS + 32, CONSTANTS + 48, SAXPY, 16, saxpy_factor(set)}};
	} else if (slot == 62) {
		work = (struct df_mega_work){DF_RING_OP_PRINTF, 3, 0, {7, set, slot}};
	} else {
		work = (struct df_mega_work){DF_RING_OP_BATCH_FENCE, 0, 4, {set, SLOTS - 1}};
	}
	return work;
}

static int publish_set(const struct df_mega_view *view, uint32_t set)
{
	uint32_t *data = df_mega_data(view);

	memset(data, 0, DATA_WORDS * sizeof(*data));
	for (uint32_t i = 0; i < CONSTANT_N; i++)
		data[CONSTANTS + i] = constant(set, i);
	df_mega_restart(view);
	df_mega_log_clear(view);
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		struct df_mega_work work = work_of(set, slot);
		int ret = df_mega_publish(view, slot, &work);

		if (ret)
			return ret;
	}
	return 0;
}

/* ---- what the CPU says ---- */

static uint32_t collatz(uint32_t n)
{
	uint32_t steps = 0;

	for (; steps < 1000 && n != 1; steps++)
		n = n & 1 ? 3 * n + 1 : n >> 1;
	return steps;
}

static uint32_t hash(uint32_t set, const struct df_mega_work *work)
{
	uint32_t value = work->args[2] ^ 0x811c9dc5u;

	for (uint32_t i = 0; i < work->args[1]; i++)
		value = (value ^ constant(set, work->args[0] - CONSTANTS + i)) * 0x01000193u;
	return value;
}

static uint32_t dot(uint32_t set)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < 16; i++)
		sum += constant(set, i) * constant(set, 16 + i);
	return sum;
}

static uint32_t saxpy(uint32_t set, uint32_t i)
{
	uint32_t bits[3] = {saxpy_factor(set), constant(set, 32 + i), constant(set, 48 + i)};
	float number[3];
	volatile float product;

	memcpy(number, bits, sizeof(number));
	product = number[0] * number[1];
	number[0] = product + number[2];
	memcpy(bits, number, sizeof(bits));
	return bits[0];
}

static uint64_t wrong_if(bool wrong)
{
	return wrong ? 1 : 0;
}

static uint64_t check_data(const uint32_t *data, uint32_t set)
{
	uint32_t sum = 0;
	uint64_t wrong = 0;

	for (uint32_t slot = 0; slot < 16; slot++) {
		sum += demo_mix(set, slot) & 0xffff;
		wrong += wrong_if(data[STORES + slot] != demo_mix(set, slot + 16));
		wrong += wrong_if(data[SAXPY + slot] != saxpy(set, slot));
	}
	for (uint32_t k = 0; k < 8; k++) {
		wrong += wrong_if(data[SWAPS + k] != (demo_mix(set, 32 + k) | 1));
		for (uint32_t i = 0; i < 4; i++)
			wrong += wrong_if(data[COPIES + 4 * k + i] != constant(set, 2 * k + i));
	}
	for (uint32_t i = 0; i < CONSTANT_N; i++)
		wrong += wrong_if(data[CONSTANTS + i] != constant(set, i));
	return wrong + wrong_if(data[0] != sum);
}

/* Whether a slot's value is right; those of the atomic adds depend on the order and are checked by their sum. */
static bool value_is_right(uint32_t set, uint32_t slot, uint32_t value)
{
	struct df_mega_work work = work_of(set, slot);

	switch (work.opcode) {
	case DF_RING_OP_ATOMIC_ADD:
		return value <= 16 * 0xffffu;
	case OP_HASH:
		return value == hash(set, &work);
	case OP_COLLATZ:
		return value == collatz(work.args[0]);
	case DF_RING_OP_LOAD:
		return value == constant(set, work.args[0] - CONSTANTS);
	case OP_DOT:
		return value == dot(set);
	default:
		return value == 0;
	}
}

static uint64_t check_set(const struct df_mega_view *view, uint32_t set, uint64_t *checked)
{
	struct df_ring_log_record record = {0};
	struct df_mega_result result;
	uint64_t wrong = check_data(df_mega_data(view), set);

	for (uint32_t slot = 0; slot < SLOTS; slot++)
		wrong += wrong_if(df_mega_take(view, slot, &result) || result.status != DF_RING_DONE ||
				  (slot != SLOTS - 1 && !value_is_right(set, slot, result.value)));
	wrong += wrong_if(df_mega_log_read(view, &record, 1, NULL) != 1 || record.slot != 62 || record.format != 7 ||
			  record.values[0] != set || record.values[1] != 62);
	wrong += wrong_if(view->control[DF_RING_BATCH_TAG] != set || view->control[DF_RING_DONE_COUNT] != SLOTS);
	*checked += SLOTS + 3 * 16 + 8 * 5 + CONSTANT_N - 16 + 1 + 2;
	return wrong;
}

/* ---- the run ---- */

static int set_up(struct chapter *chapter)
{
	struct df_mega_shape shape = DF_OPTIONS(shape, .slots = SLOTS, .data_words = DATA_WORDS, .log_records = 16);
	struct df_mega_options options = DF_OPTIONS(options, .context = chapter->demo->context, .rounds = ROUNDS);
	int ret = demo_load(chapter->demo, "mega", &chapter->code, &chapter->kernel);

	if (!ret)
		ret = df_mega_create(chapter->demo->device, chapter->kernel, &options, &chapter->mega);
	if (!ret)
		ret = df_mega_scratch_create(chapter->mega, chapter->count, &chapter->scratch);
	for (uint32_t i = 0; i < chapter->count && !ret; i++) {
		ret = df_mega_set_create(chapter->demo->device, &shape, &chapter->sets[i]);
		if (!ret)
			ret = df_mega_view(&chapter->sets[i], &chapter->views[i]);
	}
	return ret;
}

static bool unfinished(const struct chapter *chapter)
{
	for (uint32_t i = 0; i < chapter->count; i++)
		if (chapter->views[i].control[DF_RING_DONE_COUNT] != SLOTS)
			return true;
	return false;
}

/* All sets once; a fence that ran out of rounds is finished by another dispatch. */
static int run_once(struct chapter *chapter, const char *name)
{
	struct demo_line line = {.name = name};
	struct df_mega_stats stats;
	struct df_batch_info info;
	uint64_t submits, start;
	int ret = 0;

	for (uint32_t i = 0; i < chapter->count && !ret; i++)
		ret = publish_set(&chapter->views[i], i);
	for (unsigned again = 0; !ret && again < 16 && (!again || unfinished(chapter)); again++) {
		submits = demo_submits(chapter->demo);
		start = df_now_ns();
		ret = df_mega_dispatch_scratch(chapter->mega, chapter->sets, chapter->count, 0, chapter->scratch,
					       &stats);
		line.launches += stats.kernel_launches;
		line.run_ns += df_now_ns() - start;
		line.submits += demo_submits(chapter->demo) - submits;
	}
	df_mega_scratch_info(chapter->scratch, &info);
	line.ib_dwords = info.ib_dwords;
	for (uint32_t i = 0; i < chapter->count && !ret; i++)
		line.wrong += check_set(&chapter->views[i], i, &line.checked);
	if (!ret)
		demo_print(chapter->demo, &line);
	return ret;
}

static int tear_down(struct chapter *chapter, int ret)
{
	(void)df_mega_scratch_destroy(chapter->scratch);
	(void)df_mega_destroy(chapter->mega);
	for (uint32_t i = 0; chapter->sets && i < chapter->count; i++)
		(void)df_mega_set_destroy(&chapter->sets[i]);
	(void)df_code_destroy(chapter->code);
	free(chapter->sets);
	free(chapter->views);
	return ret;
}

int demo_mega(struct demo *demo)
{
	struct chapter chapter = {.demo = demo, .count = demo->sets};
	char name[40];
	int ret;

	chapter.sets = calloc(chapter.count, sizeof(*chapter.sets));
	chapter.views = calloc(chapter.count, sizeof(*chapter.views));
	if (!chapter.sets || !chapter.views)
		return tear_down(&chapter, -ENOMEM);
	snprintf(name, sizeof(name), "%u sets, one submission", chapter.count);
	demo_head("1. A megakernel over sets of resident buffers (control, ring, debug log, IO queue), 64 slots each");
	ret = set_up(&chapter);
	if (!ret)
		ret = run_once(&chapter, name);
	if (!ret)
		ret = run_once(&chapter, "the same again, as recorded");
	return tear_down(&chapter, ret);
}

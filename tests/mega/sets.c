/* SPDX-License-Identifier: MIT */
#include "mega/sets.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rig rig;

void rig_load(const char *name, struct df_code **code_out, struct df_kernel **kernel_out)
{
	char path[512];
	uint8_t *data;
	FILE *file;
	long size;

	/* Images are made in the plain build only, whatever build this is. */
	snprintf(path, sizeof(path), "%s/%s.dfi",
		 getenv("DRUMFIRE_SHADERS") ? getenv("DRUMFIRE_SHADERS") : "build/shaders", name);
	file = fopen(path, "rb");
	ck_assert_msg(file != NULL, "%s is missing: run make shaders", path);
	ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	rewind(file);
	data = malloc((size_t)size);
	ck_assert_uint_eq(fread(data, 1, (size_t)size, file), (size_t)size);
	fclose(file);
	ck_assert_msg(df_code_create(rig.device, data, (size_t)size, code_out) == 0, "%s", df_error());
	free(data);
	ck_assert_msg(df_code_kernel(*code_out, NULL, kernel_out) == 0, "%s", df_error());
}

void rig_up(void)
{
	const char *name = getenv("DRUMFIRE_DEVICE");

	setenv("DRUMFIRE_GPU_LIB", BUILD_DIR "/libdrumfire-gpu.so", 0);
	ck_assert_msg(df_device_open(name && *name ? name : "soft:gfx1030", NULL, &rig.device) == 0, "%s", df_error());
	rig_load("mega", &rig.code, &rig.kernel);
}

void rig_down(void)
{
	ck_assert_msg(df_code_destroy(rig.code) == 0, "%s", df_error());
	ck_assert_msg(df_device_close(rig.device) == 0, "%s", df_error());
}

uint32_t set_random(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15u;
	uint64_t z = *state;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)(z >> 32);
}

struct df_mega_set set_make(struct df_mega_view *view_out)
{
	struct df_mega_shape shape =
		DF_OPTIONS(shape, .slots = SET_SLOTS, .data_words = SET_WORDS, .log_records = 8, .io_slots = 4);
	struct df_mega_set set;

	ck_assert_msg(df_mega_set_create(rig.device, &shape, &set) == 0, "%s", df_error());
	ck_assert_msg(df_mega_view(&set, view_out) == 0, "%s", df_error());
	return set;
}

static uint32_t small_float(uint64_t *state)
{
	float value = (float)(set_random(state) % 1000) / 16;
	uint32_t bits;

	memcpy(&bits, &value, 4);
	return bits;
}

/* Arguments of opcode kind for a slot with own words at own. */
static void random_args(uint32_t opcode, uint32_t own, uint64_t *state, uint32_t *args)
{
	uint32_t r = set_random(state), k = r % SET_OWN;

	switch (opcode) {
	case DF_RING_OP_ATOMIC_ADD:
		args[0] = SET_SUMS + r % 4;
		args[1] = set_random(state);
		break;
	case DF_RING_OP_LOAD:
		args[0] = r & 64 ? own + k : SET_CONSTANTS + r % 64;
		break;
	case DF_RING_OP_STORE:
	case DF_RING_OP_COMPARE_SWAP:
		args[0] = own + k;
		args[1] = opcode == DF_RING_OP_STORE || r & 256 ? set_random(state) : own + k;
		args[2] = opcode == DF_RING_OP_STORE ? 0 : set_random(state);
		break;
	case DF_RING_OP_MEMCPY:
		args[0] = own + r % 4;
		args[1] = r & 512 ? own + r / 4 % 4 : SET_CONSTANTS + r % 60;
		args[2] = r / 16 % 5;
		break;
	case DF_RING_OP_PRINTF:
		for (unsigned i = 0; i < DF_RING_ARGS_IN; i++)
			args[i] = set_random(state);
		break;
	case DF_RING_OP_USER_FIRST:
		args[0] = SET_CONSTANTS + r % 60;
		args[1] = SET_CONSTANTS + r / 64 % 60;
		args[2] = own + r % 4;
		args[3] = r / 4 % 5;
		args[4] = small_float(state);
		break;
	case DF_RING_OP_USER_FIRST + 2:
		args[0] = r % 3000;
		break;
	case DF_RING_OP_USER_FIRST + 1:
	case DF_RING_OP_USER_FIRST + 3:
		args[0] = SET_CONSTANTS + r % 32;
		args[1] = opcode == DF_RING_OP_USER_FIRST + 1 ? r / 32 % 32 : SET_CONSTANTS + r / 32 % 32;
		args[2] = r / 1024 % 32;
		break;
	}
}

/* Things the encoder refuses, which the kernel must answer with a fault. */
static void spoil(struct df_ring_slot *slot, uint32_t r)
{
	switch (r % 8) {
	case 0:
		slot->opcode = DF_RING_OPS + r % 64;
		break;
	case 1:
		slot->tenant = DF_RING_TENANTS + r % 5;
		break;
	case 2:
		slot->priority = DF_RING_PRIORITIES + r % 5;
		break;
	case 3:
		slot->opcode = DF_RING_OP_STORE;
		slot->args[0] = SET_WORDS + r % 9;
		break;
	case 4:
		slot->opcode = DF_RING_OP_MEMCPY;
		slot->args[0] = r & 64 ? 0 : UINT32_MAX - r % 4;
		slot->args[1] = SET_CONSTANTS;
		slot->args[2] = r & 64 ? UINT32_MAX : 8;
		break;
	case 5:
		slot->tenant = 31; /* denied everything by set_fill() */
		break;
	case 6:
		slot->opcode = DF_RING_OP_USER_LAST;
		break;
	default:
		slot->opcode = UINT32_MAX - r % 3;
	}
}

void set_fill(const struct df_mega_view *view, uint64_t seed)
{
	static const uint32_t opcodes[] = {DF_RING_OP_NOP,
					   DF_RING_OP_STORE,
					   DF_RING_OP_ATOMIC_ADD,
					   DF_RING_OP_LOAD,
					   DF_RING_OP_COMPARE_SWAP,
					   DF_RING_OP_MEMCPY,
					   DF_RING_OP_PRINTF,
					   DF_RING_OP_USER_FIRST,
					   DF_RING_OP_USER_FIRST + 1,
					   DF_RING_OP_USER_FIRST + 2,
					   DF_RING_OP_USER_FIRST + 3};
	uint32_t *data = df_mega_data(view);
	uint64_t state = seed;

	for (uint32_t i = 0; i < SET_CONSTANTS; i++)
		data[i] = i;
	for (uint32_t i = 0; i < 64; i++)
		data[SET_CONSTANTS + i] = small_float(&state);
	memset(&data[SET_SUMS], 0, 4 * sizeof(*data));
	df_mega_restart(view);
	df_mega_log_clear(view);
	ck_assert_int_eq(df_mega_tenant(view, 31, 0, 0), 0);
	for (uint32_t i = 0; i < view->slots; i++) {
		struct df_mega_work work = {
			.opcode = opcodes[set_random(&state) % (sizeof(opcodes) / sizeof(opcodes[0]))],
			.tenant = set_random(&state) % 31,
			.priority = set_random(&state) % DF_RING_PRIORITIES};
		uint32_t r;

		ck_assert_int_eq(df_mega_reclaim(view, i), 0);
		r = set_random(&state);
		if (r % 16 == 0)
			continue; /* left empty */
		random_args(work.opcode, i % SET_SLOTS * SET_OWN, &state, work.args);
		ck_assert_msg(df_mega_publish(view, i, &work) == 0, "%s", df_error());
		if (r / 16 % 8 == 0)
			spoil(&view->ring[i], r / 128);
	}
}

static uint32_t *duplicate(const void *from, size_t bytes, size_t *words_out)
{
	uint32_t *copy = malloc(bytes);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, from, bytes);
	*words_out = bytes / 4;
	return copy;
}

void copy_take(struct set_copy *copy, const struct df_mega_view *view)
{
	struct ref_ring *ref = &copy->ref;

	ref->control = duplicate(view->control, (DF_RING_DATA + (size_t)view->data_words) * 4, &ref->control_words);
	ref->ring = duplicate(view->ring, (size_t)view->slots * 64, &ref->ring_words);
	ref->log = duplicate(view->log, (DF_RING_LOG_HEADER + (size_t)view->log_records * DF_RING_LOG_RECORD_WORDS) * 4,
			     &ref->log_words);
	ref->io = duplicate(view->io, (size_t)view->io_slots * 64, &ref->io_words);
}

void copy_drop(struct set_copy *copy)
{
	free(copy->ref.control);
	free(copy->ref.ring);
	free(copy->ref.log);
	free(copy->ref.io);
}

static unsigned differ(unsigned set, const char *what, size_t i, uint32_t got, uint32_t expected, unsigned before)
{
	static unsigned lines;

	if (got == expected)
		return 0;
	if (!before && lines++ < 20)
		printf("set %u, %s %zu: 0x%x, the reference has 0x%x\n", set, what, i, got, expected);
	return 1;
}

/* The record numbers that the slots got are 0, 1, 2 ... in some order. */
static unsigned compare_numbers(const struct df_mega_view *view, unsigned set, unsigned wrong)
{
	uint64_t numbers = 0;
	uint32_t count = 0;

	for (uint32_t i = 0; i < view->slots; i++) {
		uint32_t number = view->ring[i].args[DF_RING_ARG_VALUE];

		if (view->ring[i].opcode != DF_RING_OP_PRINTF || view->ring[i].status != DF_RING_DONE)
			continue;
		wrong += differ(set, "record number given twice", number, number > 63 || numbers >> number & 1, 0,
				wrong);
		numbers |= 1ull << (number & 63);
		count++;
	}
	return wrong + differ(set, "records", 0, view->log[DF_RING_LOG_CURSOR], count, wrong);
}

/* A record counts as right when its slot published exactly what it says. */
static unsigned compare_log(const struct set_copy *copy, const struct df_mega_view *view, unsigned set, unsigned wrong)
{
	const struct df_ring_slot *ring = (const struct df_ring_slot *)(const void *)copy->ref.ring;
	struct df_ring_log_record records[8];
	uint32_t dropped, count = df_mega_log_read(view, records, 8, &dropped);
	uint64_t seen = 0;

	wrong += differ(set, "log count", 0, count + dropped, copy->ref.log[DF_RING_LOG_CURSOR], wrong);
	for (uint32_t i = 0; i < count && i < 8; i++) {
		uint32_t slot = records[i].slot % SET_SLOTS;

		wrong += differ(set, "log slot seen twice", i, seen >> slot & 1, 0, wrong);
		seen |= 1ull << slot;
		wrong += differ(set, "log opcode", i, ring[slot].opcode, DF_RING_OP_PRINTF, wrong);
		wrong += differ(set, "log tenant", i, records[i].tenant, ring[slot].tenant, wrong);
		wrong += differ(set, "log format", i, records[i].format, ring[slot].args[0], wrong);
		for (unsigned k = 0; k < DF_RING_LOG_VALUES; k++)
			wrong += differ(set, "log value", k, records[i].values[k], ring[slot].args[1 + k], wrong);
	}
	return wrong;
}

unsigned copy_compare(const struct set_copy *copy, const struct df_mega_view *view, unsigned set)
{
	const struct df_ring_slot *ring = (const struct df_ring_slot *)(const void *)copy->ref.ring;
	unsigned wrong = 0;

	for (size_t i = 0; i < copy->ref.control_words; i++)
		wrong += differ(set, "control word", i, view->control[i], copy->ref.control[i], wrong);
	for (uint32_t i = 0; i < view->slots; i++) {
		bool any_value = ring[i].opcode == DF_RING_OP_ATOMIC_ADD || ring[i].opcode == DF_RING_OP_PRINTF;

		wrong += differ(set, "status of slot", i, view->ring[i].status, ring[i].status, wrong);
		for (unsigned k = 0; k < DF_RING_ARGS; k++)
			if (k != DF_RING_ARG_VALUE || !any_value)
				wrong += differ(set, "argument of slot", i * 16 + k, view->ring[i].args[k],
						ring[i].args[k], wrong);
	}
	for (size_t i = 0; i < copy->ref.io_words; i++)
		wrong += differ(set, "IO word", i, ((uint32_t *)view->io)[i], copy->ref.io[i], wrong);
	return compare_log(copy, view, set, compare_numbers(view, set, wrong));
}

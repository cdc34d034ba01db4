/* SPDX-License-Identifier: MIT */
/* The reference interpreter. Every access goes through get() and put(), or was checked by inside(). */
#include "mega/ref_ring.h"

#include <stdbool.h>
#include <string.h>

#include "drumfire_ring.h"

enum outcome { FINISHED, PUT_BACK, WAITING };

struct lane {
	const struct ref_ring *ref;
	uint32_t slot, opcode, tenant;
	uint32_t args[DF_RING_ARGS];
	uint32_t reason, value;
};

static uint32_t get(const uint32_t *words, size_t count, size_t i)
{
	return i < count ? words[i] : 0;
}

static void put(uint32_t *words, size_t count, size_t i, uint32_t value)
{
	if (i < count)
		words[i] = value;
}

static uint32_t control(const struct ref_ring *ref, size_t i)
{
	return get(ref->control, ref->control_words, i);
}

static void set_control(const struct ref_ring *ref, size_t i, uint32_t value)
{
	put(ref->control, ref->control_words, i, value);
}

static bool inside(const struct ref_ring *ref, uint64_t first, uint64_t count)
{
	size_t room = ref->control_words > DF_RING_DATA ? ref->control_words - DF_RING_DATA : 0;
	uint32_t words = control(ref, DF_RING_DATA_WORDS);

	return first + count <= (words < room ? words : room);
}

static uint32_t *datum(const struct ref_ring *ref, uint32_t i)
{
	return ref->control + DF_RING_DATA + i;
}

static enum outcome fault(struct lane *lane, uint32_t reason)
{
	lane->reason = reason;
	return FINISHED;
}

static enum outcome do_word(struct lane *lane)
{
	uint32_t *word;

	if (!inside(lane->ref, lane->args[0], 1))
		return fault(lane, DF_RING_REASON_RANGE);
	word = datum(lane->ref, lane->args[0]);
	lane->value = lane->opcode == DF_RING_OP_STORE ? 0 : *word;
	if (lane->opcode == DF_RING_OP_STORE)
		*word = lane->args[1];
	else if (lane->opcode == DF_RING_OP_ATOMIC_ADD)
		*word += lane->args[1];
	else if (lane->opcode == DF_RING_OP_COMPARE_SWAP && *word == lane->args[1])
		*word = lane->args[2];
	return FINISHED;
}

static enum outcome do_memcpy(struct lane *lane)
{
	uint32_t to = lane->args[0], from = lane->args[1], count = lane->args[2];

	if (count > DF_RING_MEMCPY_MAX || !inside(lane->ref, to, count) || !inside(lane->ref, from, count))
		return fault(lane, DF_RING_REASON_RANGE);
	for (uint32_t i = 0; i < count; i++)
		*datum(lane->ref, to + i) = *datum(lane->ref, from + i);
	return FINISHED;
}

static enum outcome do_fence(struct lane *lane)
{
	if (control(lane->ref, DF_RING_DONE_COUNT) < lane->args[1])
		return PUT_BACK;
	lane->value = control(lane->ref, DF_RING_EPOCH);
	set_control(lane->ref, DF_RING_EPOCH, lane->value + 1);
	set_control(lane->ref, DF_RING_BATCH_TAG, lane->args[0]);
	return FINISHED;
}

static enum outcome do_printf(struct lane *lane)
{
	const struct ref_ring *ref = lane->ref;
	uint32_t record = get(ref->log, ref->log_words, DF_RING_LOG_CURSOR);
	size_t at = DF_RING_LOG_HEADER + (size_t)record * DF_RING_LOG_RECORD_WORDS;

	put(ref->log, ref->log_words, DF_RING_LOG_CURSOR, record + 1);
	lane->value = record;
	if (record >= control(ref, DF_RING_LOG_RECORDS))
		return FINISHED;
	put(ref->log, ref->log_words, at + DF_RING_LOG_SLOT, lane->slot);
	put(ref->log, ref->log_words, at + DF_RING_LOG_TENANT, lane->tenant);
	for (unsigned i = 0; i <= DF_RING_LOG_VALUES; i++)
		put(ref->log, ref->log_words, at + DF_RING_LOG_FORMAT + i, lane->args[i]);
	put(ref->log, ref->log_words, at + DF_RING_LOG_VALID, 1);
	return FINISHED;
}

static uint32_t io_capacity(const struct ref_ring *ref)
{
	uint32_t slots = control(ref, DF_RING_IO_SLOTS);

	return slots < ref->io_words / DF_RING_IO_WORDS ? slots : (uint32_t)(ref->io_words / DF_RING_IO_WORDS);
}

static enum outcome do_io(struct lane *lane)
{
	const struct ref_ring *ref = lane->ref;
	uint32_t capacity = io_capacity(ref);

	if (!inside(ref, lane->args[3], lane->args[4]))
		return fault(lane, DF_RING_REASON_RANGE);
	for (uint32_t i = 0; i < capacity; i++) {
		uint32_t index = (lane->slot + i) % capacity;
		uint32_t *entry = ref->io + (size_t)index * DF_RING_IO_WORDS;

		if (entry[DF_RING_IO_STATUS] != DF_RING_EMPTY)
			continue;
		entry[DF_RING_IO_SLOT] = lane->slot;
		entry[DF_RING_IO_TENANT] = lane->tenant;
		memcpy(&entry[DF_RING_IO_RESOURCE], lane->args, 5 * sizeof(uint32_t));
		entry[DF_RING_IO_VALUE] = 0;
		entry[DF_RING_IO_STATUS] = DF_RING_PUBLISHED;
		lane->args[DF_RING_ARG_IO] = index;
		return WAITING;
	}
	return PUT_BACK;
}

static enum outcome finish_io(struct lane *lane)
{
	const struct ref_ring *ref = lane->ref;
	uint32_t index = lane->args[DF_RING_ARG_IO], status;
	uint32_t *entry;

	if (index >= io_capacity(ref))
		return fault(lane, DF_RING_REASON_IO);
	entry = ref->io + (size_t)index * DF_RING_IO_WORDS;
	status = entry[DF_RING_IO_STATUS];
	if (status != DF_RING_DONE && status != DF_RING_FAULT)
		return WAITING;
	if (entry[DF_RING_IO_SLOT] != lane->slot)
		return fault(lane, DF_RING_REASON_IO);
	lane->value = entry[DF_RING_IO_VALUE];
	entry[DF_RING_IO_STATUS] = DF_RING_EMPTY;
	return status == DF_RING_DONE ? FINISHED : fault(lane, DF_RING_REASON_IO);
}

/* ---- the user opcodes of shaders/mega_user.glsl ---- */

static enum outcome do_saxpy(struct lane *lane)
{
	uint32_t n = lane->args[3];

	for (unsigned i = 0; i < 3; i++)
		if (!inside(lane->ref, lane->args[i], n))
			return fault(lane, DF_RING_REASON_RANGE);
	for (uint32_t i = 0; i < n; i++) {
		volatile float product;
		float a, x, y;

		memcpy(&a, &lane->args[4], 4);
		memcpy(&x, datum(lane->ref, lane->args[0] + i), 4);
		memcpy(&y, datum(lane->ref, lane->args[1] + i), 4);
		product = a * x;
		y = product + y;
		memcpy(datum(lane->ref, lane->args[2] + i), &y, 4);
	}
	return FINISHED;
}

static enum outcome do_hash(struct lane *lane)
{
	if (!inside(lane->ref, lane->args[0], lane->args[1]))
		return fault(lane, DF_RING_REASON_RANGE);
	lane->value = lane->args[2] ^ 0x811c9dc5u;
	for (uint32_t i = 0; i < lane->args[1]; i++)
		lane->value = (lane->value ^ *datum(lane->ref, lane->args[0] + i)) * 0x01000193u;
	return FINISHED;
}

static enum outcome do_collatz(struct lane *lane)
{
	uint32_t n = lane->args[0];

	if (!n)
		return fault(lane, DF_RING_REASON_USER);
	while (n != 1 && lane->value < 1000) {
		n = n % 2 ? 3 * n + 1 : n / 2;
		lane->value++;
	}
	return FINISHED;
}

static enum outcome do_dot(struct lane *lane)
{
	uint32_t n = lane->args[2];

	if (!inside(lane->ref, lane->args[0], n) || !inside(lane->ref, lane->args[1], n))
		return fault(lane, DF_RING_REASON_RANGE);
	for (uint32_t i = 0; i < n; i++)
		lane->value += *datum(lane->ref, lane->args[0] + i) * *datum(lane->ref, lane->args[1] + i);
	return FINISHED;
}

static enum outcome do_user(struct lane *lane)
{
	switch (lane->opcode - DF_RING_OP_USER_FIRST) {
	case 0:
		return do_saxpy(lane);
	case 1:
		return do_hash(lane);
	case 2:
		return do_collatz(lane);
	case 3:
		return do_dot(lane);
	default:
		return fault(lane, DF_RING_REASON_OPCODE);
	}
}

static enum outcome execute(struct lane *lane)
{
	switch (lane->opcode) {
	case DF_RING_OP_NOP:
		return FINISHED;
	case DF_RING_OP_STORE:
	case DF_RING_OP_ATOMIC_ADD:
	case DF_RING_OP_LOAD:
	case DF_RING_OP_COMPARE_SWAP:
		return do_word(lane);
	case DF_RING_OP_MEMCPY:
		return do_memcpy(lane);
	case DF_RING_OP_BATCH_FENCE:
		return do_fence(lane);
	case DF_RING_OP_PRINTF:
		return do_printf(lane);
	case DF_RING_OP_IO_READ:
		return do_io(lane);
	case DF_RING_OP_SHUTDOWN:
		set_control(lane->ref, DF_RING_SHUTDOWN, 1);
		return FINISHED;
	default:
		return do_user(lane);
	}
}

static uint32_t refusal(const struct lane *lane, uint32_t priority)
{
	bool user = lane->opcode >= DF_RING_OP_USER_FIRST && lane->opcode <= DF_RING_OP_USER_LAST;
	uint32_t bit = user ? 31 : lane->opcode;

	if (!user && lane->opcode >= DF_RING_OPS)
		return DF_RING_REASON_OPCODE;
	if (lane->tenant >= DF_RING_TENANTS)
		return DF_RING_REASON_TENANT;
	if (priority >= DF_RING_PRIORITIES)
		return DF_RING_REASON_PRIORITY;
	return control(lane->ref, DF_RING_TENANT_ALLOW + lane->tenant) >> bit & 1 ? DF_RING_REASON_NONE
										  : DF_RING_REASON_DENIED;
}

static bool takes_quota(const struct lane *lane)
{
	uint32_t quota = control(lane->ref, DF_RING_TENANT_QUOTA + lane->tenant);
	uint32_t used = control(lane->ref, DF_RING_TENANT_USED + lane->tenant);

	if (quota && used >= quota)
		return false;
	set_control(lane->ref, DF_RING_TENANT_USED + lane->tenant, used + 1);
	return true;
}

static void count(const struct ref_ring *ref, uint32_t word)
{
	set_control(ref, word, control(ref, word) + 1);
}

static void store_result(struct lane *lane, uint32_t *entry)
{
	uint32_t metric = lane->opcode < DF_RING_METRICS_MAX ? lane->opcode : DF_RING_METRICS_MAX - 1;

	entry[DF_RING_ARG0 + DF_RING_ARG_REASON] = lane->reason;
	entry[DF_RING_ARG0 + DF_RING_ARG_VALUE] = lane->value;
	entry[DF_RING_STATUS] = lane->reason ? DF_RING_FAULT : DF_RING_DONE;
	count(lane->ref, DF_RING_METRICS + metric);
	if (lane->reason)
		count(lane->ref, DF_RING_FAULT_COUNT);
	count(lane->ref, DF_RING_DONE_COUNT);
}

static void run_slot(const struct ref_ring *ref, uint32_t slot, uint32_t round, uint32_t rounds)
{
	uint32_t *entry = ref->ring + (size_t)slot * DF_RING_SLOT_WORDS;
	struct lane lane = {.ref = ref, .slot = slot, .opcode = entry[DF_RING_OPCODE], .tenant = entry[DF_RING_TENANT]};
	uint32_t status = entry[DF_RING_STATUS], priority = entry[DF_RING_PRIORITY];
	uint32_t first_round = priority < rounds ? priority : rounds - 1;
	enum outcome outcome = FINISHED;

	if (status != DF_RING_PUBLISHED && status != DF_RING_WAIT_IO && status != DF_RING_YIELD &&
	    status != DF_RING_REQUEUE)
		return;
	if (priority < DF_RING_PRIORITIES && round < first_round)
		return;
	memcpy(lane.args, &entry[DF_RING_ARG0], sizeof(lane.args));
	lane.reason = refusal(&lane, priority);
	if (!lane.reason && status != DF_RING_WAIT_IO && status != DF_RING_REQUEUE && !takes_quota(&lane)) {
		entry[DF_RING_STATUS] = DF_RING_YIELD;
		return;
	}
	if (!lane.reason)
		outcome = status == DF_RING_WAIT_IO ? finish_io(&lane) : execute(&lane);
	entry[DF_RING_ARG0 + DF_RING_ARG_IO] = lane.args[DF_RING_ARG_IO];
	if (outcome == FINISHED)
		store_result(&lane, entry);
	else
		entry[DF_RING_STATUS] = outcome == WAITING ? DF_RING_WAIT_IO : DF_RING_REQUEUE;
}

void ref_ring_run(const struct ref_ring *ref, uint32_t rounds)
{
	size_t capacity = ref->ring_words / DF_RING_SLOT_WORDS;
	uint32_t slots = control(ref, DF_RING_SLOTS);

	for (uint32_t round = 0; round < rounds; round++)
		for (uint32_t slot = 0; slot < slots && slot < capacity; slot++)
			if (!control(ref, DF_RING_SHUTDOWN))
				run_slot(ref, slot, round, rounds);
}

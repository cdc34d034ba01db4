/* SPDX-License-Identifier: MIT */
/*
 * A reader of PM4 for the tests. It takes nothing from the encoder: packet numbers and lengths are written down here
 * again, from Linux's nvd.h and Mesa's pkt3.json, so that a wrong number in one place meets a right one in the other.
 */
#include <stdio.h>
#include <string.h>

#include "fake.h"

struct reader {
	struct df_device *device;
	pm4_callback callback;
	void *user;
	struct pm4_state state;
	unsigned ibs;
	uint64_t dw;
	uint64_t next_va;
	uint32_t next_dw;
	bool chained;
	char error[160];
};

static const char *fail(struct reader *reader, const char *what, uint64_t va, uint32_t header)
{
	snprintf(reader->error, sizeof(reader->error), "%s at 0x%llx (header %08x)", what, (unsigned long long)va,
		 header);
	return reader->error;
}

static void tell(struct reader *reader, enum pm4_event event, const uint32_t *packet, unsigned count, uint64_t va)
{
	struct pm4_record record = {.event = event, .header = packet[0], .va = va, .state = &reader->state};
	memcpy(record.body, packet + 1, (count < 8 ? count : 8) * 4);
	if (reader->callback)
		reader->callback(reader->user, &record);
}

static const char *set_sh(struct reader *reader, const uint32_t *packet, unsigned count, uint64_t va)
{
	if (count < 2 || packet[1] + count - 1 > PM4_REGS)
		return fail(reader, "SET_SH_REG outside the block", va, packet[0]);
	for (unsigned i = 0; i + 1 < count; i++) {
		reader->state.reg[packet[1] + i] = packet[2 + i];
		reader->state.known[packet[1] + i] = true;
	}
	return NULL;
}

static const char *load_sh(struct reader *reader, const uint32_t *packet, uint64_t va)
{
	uint64_t from = packet[1] | (uint64_t)packet[2] << 32;
	const uint32_t *values = fake_at(reader->device, from, packet[4] * 4ull);
	if (!values || packet[3] + packet[4] > PM4_REGS)
		return fail(reader, "LOAD_SH_REG_INDEX of nothing", va, packet[0]);
	for (unsigned i = 0; i < packet[4]; i++) {
		reader->state.reg[packet[3] + i] = values[i];
		reader->state.known[packet[3] + i] = true;
	}
	return NULL;
}

static const char *chain(struct reader *reader, const uint32_t *packet, uint64_t va)
{
	if (!(packet[3] & 1u << 20) || !(packet[3] & 1u << 23) || packet[3] >> 24)
		return fail(reader, "INDIRECT_BUFFER that is no chain", va, packet[0]);
	reader->next_va = packet[1] | (uint64_t)packet[2] << 32;
	reader->next_dw = packet[3] & 0xfffff;
	reader->chained = true;
	return NULL;
}

/* Opcode, dwords behind the header (0: any), whether the compute bit belongs into the header, event. */
static const struct rule {
	uint8_t op, count;
	bool compute;
	int event;
} rules[] = {
	{0x10, 2, false, PM4_EV_NOTE},    {0x11, 3, true, PM4_EV_BASE},     {0x15, 4, true, PM4_EV_DISPATCH},
	{0x16, 0, true, PM4_EV_INDIRECT}, /* 3 on compute rings, 2 on graphics rings */
	{0x37, 0, false, PM4_EV_WRITE},   {0x3c, 6, false, PM4_EV_WAIT},    {0x3f, 3, false, PM4_EV_CHAIN},
	{0x46, 1, false, PM4_EV_FLUSH},   {0x49, 7, false, PM4_EV_RELEASE}, {0x50, 6, false, PM4_EV_DMA},
	{0x58, 7, false, PM4_EV_ACQUIRE}, {0x63, 4, false, PM4_EV_LOAD},    {0x76, 0, false, -1},
	{0x79, 2, false, PM4_EV_UCONFIG},
};

static const struct rule *rule_of(uint32_t op)
{
	for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].op == op)
			return &rules[i];
	return NULL;
}

static const char *packet(struct reader *reader, const uint32_t *p, unsigned count, uint64_t va)
{
	uint32_t op = p[0] >> 8 & 0xff;
	const struct rule *rule = rule_of(op);
	if (!rule)
		return fail(reader, "unknown packet", va, p[0]);
	if (rule->count && rule->count != count)
		return fail(reader, "packet of a wrong length", va, p[0]);
	if (op == 0x16 && count != (reader->device->info.ring_is_gfx ? 2 : 3))
		return fail(reader, "DISPATCH_INDIRECT of another ring", va, p[0]);
	if (op == 0x37 && count != 4 && count != 5)
		return fail(reader, "WRITE_DATA of neither one dword nor two", va, p[0]);
	if ((p[0] & 0xff) != (rule->compute ? 2 : 0))
		return fail(reader, "wrong low bits of a header", va, p[0]);
	const char *error = NULL;
	if (op == 0x76)
		error = set_sh(reader, p, count, va);
	else if (op == 0x63)
		error = load_sh(reader, p, va);
	else if (op == 0x3f)
		error = chain(reader, p, va);
	else if (op == 0x46 && p[1] != 0x407)
		error = fail(reader, "EVENT_WRITE of something else than CS_PARTIAL_FLUSH", va, p[0]);
	if (!error && rule->event >= 0)
		tell(reader, (enum pm4_event)rule->event, p, count, va);
	return error;
}

static const char *read_ib(struct reader *reader, uint64_t va, uint32_t dw)
{
	const uint32_t *ib = fake_at(reader->device, va, dw * 4ull);
	if (!ib || va % reader->device->info.ib_align_B)
		return fail(reader, "IB that is not mapped or not aligned", va, 0);
	if (!dw || dw % reader->device->info.ib_size_align_dw || dw > reader->device->info.max_ib_dw)
		return fail(reader, "IB of a length that the kernel refuses", va, dw);
	reader->chained = false;
	for (uint32_t at = 0; at < dw;) {
		uint32_t header = ib[at], count = (header >> 16 & 0x3fff) + 1;
		if (reader->chained)
			return fail(reader, "packets behind a chain", va + at * 4, header);
		if (header == 0xffff1000) { /* NOP without a body */
			at++;
			continue;
		}
		if (header >> 30 != 3 || count > dw - at - 1)
			return fail(reader, "no packet, or one past the end", va + at * 4, header);
		const char *error = packet(reader, ib + at, count, va + at * 4);
		if (error)
			return error;
		at += 1 + count;
	}
	reader->ibs++;
	reader->dw += dw;
	return NULL;
}

const char *pm4_read(struct df_device *device, uint64_t va, uint32_t dw, pm4_callback callback, void *user,
		     unsigned *ibs_out, uint64_t *dw_out)
{
	static struct reader reader;
	reader = (struct reader){.device = device, .callback = callback, .user = user, .next_va = va, .next_dw = dw};
	do {
		const char *error = read_ib(&reader, reader.next_va, reader.next_dw);
		if (error)
			return error;
	} while (reader.chained);
	if (ibs_out)
		*ibs_out = reader.ibs;
	if (dw_out)
		*dw_out = reader.dw;
	return NULL;
}

const char *pm4_read_batch(struct df_batch *batch, pm4_callback callback, void *user)
{
	struct df_batch_submit *submit = df_batch_submit_of(batch);
	struct df_batch_info info;
	unsigned ibs = 0;
	uint64_t dw = 0;
	const char *error = pm4_read(submit->device, submit->ib_va, submit->ib_dw, callback, user, &ibs, &dw);
	if (error)
		return error;
	df_batch_get_info(batch, &info);
	if (info.ib_count != ibs || info.ib_dwords != dw)
		return "df_batch_get_info() and the stream differ in IBs or dwords";
	return NULL;
}

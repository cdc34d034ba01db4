/* SPDX-License-Identifier: MIT */
/*
 * capture.c - with DRUMFIRE_CAPTURE=FOLDER in the environment, what each dispatch of a submission is given is written
 * down before it runs:
 *
 *   dispatch-N.txt   "reg 0xOFFSET 0xVALUE" for every SH register set so far in the stream, by byte offset;
 *                    "grid X Y Z INITIATOR", or "indirect ADDRESS INITIATOR";
 *                    "mem ADDRESS SIZE" and lines of hex for what pairs of user SGPRs point at
 *   dispatch-N.code  memory from COMPUTE_PGM on, to the end of its mapping, at most 64 KiB
 *
 * N counts from 0 in the process. The walk reads streams as the command processor does (PM4 type 3 headers), follows
 * INDIRECT_BUFFER, and stops at what it cannot read. It changes nothing.
 */
#include "soft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SH_BASE    0xb000u /* byte address of the SH registers */
#define SH_COUNT   0x400u
#define MAX_CODE   65536u
#define MAX_MEM    256u
#define MAX_DEPTH  64u
#define MAX_DWORDS (1u << 24) /* of a walk: chains may be loops */

/* PM4 opcodes (sid.h of Mesa, PKT3_*). */
enum {
	PKT3_NOP = 0x10,
	PKT3_SET_BASE = 0x11,
	PKT3_DISPATCH_DIRECT = 0x15,
	PKT3_DISPATCH_INDIRECT = 0x16,
	PKT3_INDIRECT_BUFFER = 0x3f,
	PKT3_SET_SH_REG = 0x76,
	PKT3_SET_SH_REG_INDEX = 0x9b,
};

enum { R_PGM_LO = 0xb830, R_PGM_HI = 0xb834, R_USER_DATA_0 = 0xb900, USER_DATA_COUNT = 16 };

struct walk {
	struct soft_file *file;
	const char *folder;
	uint32_t value[SH_COUNT];
	bool set[SH_COUNT];
	uint64_t base;   /* of SET_BASE, for indirect dispatches */
	uint64_t dwords; /* read so far */
	bool compute;
};

static _Atomic unsigned next_number;

static uint32_t reg(const struct walk *walk, unsigned offset)
{
	return walk->value[(offset - SH_BASE) / 4];
}

static void write_memory(struct walk *walk, FILE *text, uint64_t address)
{
	uint64_t left = 0;
	const uint8_t *host = soft_va_resolve(walk->file, address, &left);

	if (!host)
		return;
	left = left > MAX_MEM ? MAX_MEM : left;
	fprintf(text, "mem 0x%llx %u\n", (unsigned long long)address, (unsigned)left);
	for (unsigned i = 0; i < left; i++)
		fprintf(text, "%02x%s", host[i], i % 32 == 31 || i + 1 == left ? "\n" : "");
}

static void write_code(struct walk *walk, unsigned number)
{
	uint64_t address = ((uint64_t)reg(walk, R_PGM_HI) << 32 | reg(walk, R_PGM_LO)) << 8, left = 0;
	const void *host = soft_va_resolve(walk->file, address, &left);
	char path[4096];
	FILE *file;

	if (!host || (size_t)snprintf(path, sizeof(path), "%s/dispatch-%u.code", walk->folder, number) >= sizeof(path))
		return;
	file = fopen(path, "wbe");
	if (!file)
		return;
	fwrite(host, 1, left > MAX_CODE ? MAX_CODE : (size_t)left, file);
	fclose(file);
}

static void write_dispatch(struct walk *walk, const char *what)
{
	unsigned number = atomic_fetch_add(&next_number, 1);
	char path[4096];
	FILE *text;

	if ((size_t)snprintf(path, sizeof(path), "%s/dispatch-%u.txt", walk->folder, number) >= sizeof(path))
		return;
	write_code(walk, number);
	text = fopen(path, "we");
	if (!text) {
		fprintf(stderr, "drumfire: %s cannot be written. Fix: set DRUMFIRE_CAPTURE to a folder that exists.\n",
			path);
		return;
	}
	for (unsigned i = 0; i < SH_COUNT; i++)
		if (walk->set[i])
			fprintf(text, "reg 0x%04x 0x%08x\n", SH_BASE + i * 4, walk->value[i]);
	fprintf(text, "%s\n", what);
	for (unsigned i = 0; i + 1 < USER_DATA_COUNT; i++) {
		unsigned at = (R_USER_DATA_0 - SH_BASE) / 4 + i;

		if (walk->set[at] && walk->set[at + 1])
			write_memory(walk, text, walk->value[at] | (uint64_t)walk->value[at + 1] << 32);
	}
	fclose(text);
}

static void set_registers(struct walk *walk, const uint32_t *body, unsigned count)
{
	unsigned first = count ? body[0] & 0xffff : 0;

	for (unsigned i = 1; i < count && first + i - 1 < SH_COUNT; i++) {
		walk->value[first + i - 1] = body[i];
		walk->set[first + i - 1] = true;
	}
}

static void dispatch(struct walk *walk, unsigned opcode, const uint32_t *body, unsigned count)
{
	char what[96];

	if (opcode == PKT3_DISPATCH_DIRECT && count >= 4) {
		snprintf(what, sizeof(what), "grid %u %u %u 0x%x", body[0], body[1], body[2], body[3]);
	} else if (walk->compute && count >= 3) {
		snprintf(what, sizeof(what), "indirect 0x%llx 0x%x",
			 (unsigned long long)((uint64_t)body[1] << 32 | body[0]), body[2]);
	} else if (count >= 2) {
		snprintf(what, sizeof(what), "indirect 0x%llx 0x%x", (unsigned long long)walk->base + body[0], body[1]);
	} else {
		return;
	}
	write_dispatch(walk, what);
}

static void walk_ib(struct walk *walk, uint64_t va, uint32_t size_dw, unsigned depth);

/* Whether the stream goes on elsewhere. */
static bool packet(struct walk *walk, unsigned opcode, const uint32_t *body, unsigned count, unsigned depth)
{
	switch (opcode) {
	case PKT3_SET_SH_REG:
	case PKT3_SET_SH_REG_INDEX:
		set_registers(walk, body, count);
		return false;
	case PKT3_SET_BASE:
		if (count >= 3 && (body[0] & 0xf) == 1)
			walk->base = (uint64_t)body[2] << 32 | body[1];
		return false;
	case PKT3_DISPATCH_DIRECT:
	case PKT3_DISPATCH_INDIRECT:
		dispatch(walk, opcode, body, count);
		return false;
	case PKT3_INDIRECT_BUFFER:
		if (count < 3)
			return false;
		walk_ib(walk, (uint64_t)(body[1] & 0xffff) << 32 | body[0], body[2] & 0xfffff, depth + 1);
		return body[2] >> 20 & 1; /* chained: nothing after it is run */
	default:
		return false;
	}
}

static void walk_ib(struct walk *walk, uint64_t va, uint32_t size_dw, unsigned depth)
{
	uint64_t left = 0;
	const uint32_t *ib = soft_va_resolve(walk->file, va, &left);
	uint32_t at = 0;

	if (!ib || depth > MAX_DEPTH)
		return;
	size_dw = left / 4 < size_dw ? (uint32_t)(left / 4) : size_dw;
	while (at < size_dw && walk->dwords < MAX_DWORDS) {
		uint32_t header = ib[at], type = header >> 30, opcode = header >> 8 & 0xff;
		uint32_t count = (header >> 16 & 0x3fff) + 1;

		if (type == 2 || (type == 3 && opcode == PKT3_NOP && count == 0x4000))
			count = 0; /* a header alone */
		else if (type != 3)
			return;
		if (count > size_dw - at - 1)
			return;
		walk->dwords += count + 1;
		if (type == 3 && count && packet(walk, opcode, ib + at + 1, count, depth))
			return;
		at += count + 1;
	}
}

void soft_capture_job(struct soft_file *file, const struct soft_job *job)
{
	const char *folder = getenv("DRUMFIRE_CAPTURE");
	struct walk *walk;

	if (!folder || !*folder || job->ip == AMDGPU_HW_IP_DMA)
		return;
	walk = calloc(1, sizeof(*walk));
	if (!walk)
		return;
	walk->file = file;
	walk->folder = folder;
	walk->compute = job->ip == AMDGPU_HW_IP_COMPUTE;
	for (unsigned i = 0; i < job->gpu.ib_count; i++)
		walk_ib(walk, job->ibs[i].va, job->ibs[i].size_dw, 0);
	free(walk);
}

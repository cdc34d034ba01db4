/* SPDX-License-Identifier: MIT */
/* mem_check.c - the same random state on the model and on the reference. */
#include "isa/mem_check.h"
#include "isa/tested.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

uint64_t mem_check_random(struct mem_check *c)
{
	uint64_t x = c->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return c->random = x;
}

void mem_check_init(struct mem_check *c, uint64_t seed)
{
	memset(c, 0, sizeof(*c));
	c->random = seed | 1;
	mem_rig_init(&c->rig, false);
	c->ref.va = RIG_VA;
	c->ref.size = RIG_SIZE;
	c->ref.ro_page = RIG_RO_PAGE;
	c->ref.prt_page = RIG_PRT_PAGE;
	c->ref.mem = malloc(RIG_SIZE);
	c->ref.lds = malloc(RIG_LDS);
	c->ref.lds_size = RIG_LDS;
	c->ref.private_aperture = RIG_PRIVATE;
	c->ref.shared_aperture = RIG_SHARED;
	ck_assert_ptr_nonnull(c->ref.mem);
	ck_assert_ptr_nonnull(c->ref.lds);
	for (unsigned i = 0; i < RIG_SIZE; i += 8) {
		uint64_t v = mem_check_random(c);

		memcpy(c->ref.mem + i, &v, 8);
	}
	for (unsigned page = 0; page < RIG_PAGES; page++)
		memcpy(mem_rig_host(&c->rig, page * 4096ull), c->ref.mem + page * 4096, 4096);
}

void mem_check_finish(struct mem_check *c)
{
	mem_rig_finish(&c->rig);
	free(c->ref.mem);
	free(c->ref.lds);
}

void mem_check_set_vgpr(struct mem_check *c, unsigned reg, unsigned lane, uint32_t value)
{
	c->ref.v[reg][lane] = value;
	c->rig.vgpr[(reg << c->rig.w.lane_shift) + lane] = value;
}

void mem_check_set_sgpr(struct mem_check *c, unsigned reg, uint32_t value)
{
	c->ref.s[reg] = c->rig.w.s[reg] = value;
}

/* Words that atomics find interesting come often: small numbers, float edges, and each other. */
static uint32_t random_word(struct mem_check *c)
{
	static const uint32_t edges[] = {0,          1,          2,          0x7fffffff, 0x80000000,
					 0xffffffff, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000,
					 0x7fc00000, 0x7f800001, 0x00000001, 0x80000001, 0x3ff00000,
					 0x7ff00000, 0x7ff80000, 0xfff00000, 0x4b000000, 0x477fe000};

	if (mem_check_below(c, 3) == 0)
		return edges[mem_check_below(c, sizeof(edges) / sizeof(edges[0]))];
	return (uint32_t)(mem_check_random(c) >> 16);
}

#define REGS 48 /* the instructions under test use v0 to v47 */

void mem_check_randomise(struct mem_check *c)
{
	bool wide = mem_check_below(c, 2);
	uint64_t exec = mem_check_random(c);

	c->rig.w.lanes = c->ref.lanes = wide ? 64 : 32;
	c->rig.w.lane_shift = wide ? 6 : 5;
	for (unsigned i = 0; i < 256; i++) { /* scattered words of memory, all of it stays compared */
		uint32_t at = mem_check_below(c, RIG_SIZE / 4) * 4, v = random_word(c);

		memcpy(c->ref.mem + at, &v, 4);
		memcpy(mem_rig_host(&c->rig, at), &v, 4);
	}
	for (unsigned i = 0; i < RIG_LDS; i += 4) {
		uint32_t v = random_word(c);

		memcpy(c->ref.lds + i, &v, 4);
		memcpy(c->rig.group.lds + i, &v, 4);
	}
	for (unsigned r = 0; r < REGS; r++)
		for (unsigned lane = 0; lane < c->rig.w.lanes; lane++)
			mem_check_set_vgpr(c, r, lane, random_word(c));
	for (unsigned r = 0; r < 124; r++)
		mem_check_set_sgpr(c, r, random_word(c));
	switch (mem_check_below(c, 4)) {
	case 0:
		exec = mem_check_below(c, 8) ? exec : 0;
		break;
	case 1:
		exec &= mem_check_random(c);
		break;
	default:
		exec = ~0ull;
		break;
	}
	mem_check_set_sgpr(c, 124, mem_check_below(c, 4096));
	mem_check_set_sgpr(c, 126, (uint32_t)exec);
	mem_check_set_sgpr(c, 127, wide ? (uint32_t)(exec >> 32) : 0);
	c->ref.flat_scratch = c->rig.w.flat_scratch = RIG_VA + 4096 * mem_check_below(c, 4);
}

static void compare_registers(struct mem_check *c, const char *name)
{
	unsigned lanes = c->rig.w.lanes;

	for (unsigned r = 0; r < REGS; r++)
		for (unsigned lane = 0; lane < lanes; lane++) {
			uint32_t got = c->rig.vgpr[r * lanes + lane], want = c->ref.v[r][lane];

			if (got != want) /* a libcheck assertion is a system call: only when it is going to fail */
				ck_abort_msg("%s: v%u lane %u is %08x, expected %08x", name, r, lane, got, want);
		}
	for (unsigned r = 0; r < 128; r++)
		if (c->rig.w.s[r] != c->ref.s[r])
			ck_abort_msg("%s: s%u is %08x, expected %08x", name, r, c->rig.w.s[r], c->ref.s[r]);
}

static void tested(const uint32_t words[2])
{
	const uint32_t dw[5] = {words[0], words[1]};
	const char *why = "";
	struct gpu_inst in;

	if (getenv("ISA_TESTED") && gpu_isa_decode(&gpu_isa_gfx10_3, dw, 5, &in, &why))
		isa_tested(in.op);
}

void mem_check_run(struct mem_check *c, const uint32_t words[2], const struct ref_inst *in)
{
	enum gpu_step step = mem_rig_run(&c->rig, words);

	ck_assert_msg(step == GPU_STEP_NEXT, "%s: step %d, %s", in->name, step, c->rig.w.fault.what);
	ref_mem_exec(&c->ref, in);
	compare_registers(c, in->name);
	for (unsigned page = 0; page < RIG_PAGES; page++) {
		const uint8_t *host = mem_rig_host(&c->rig, page * 4096ull), *want = c->ref.mem + page * 4096;

		if (memcmp(host, want, 4096) == 0)
			continue;
		for (unsigned i = 0; i < 4096; i++)
			if (host[i] != want[i])
				ck_abort_msg("%s: memory at +0x%x is %02x, expected %02x", in->name, page * 4096 + i,
					     host[i], want[i]);
	}
	for (unsigned i = 0; i < RIG_LDS; i++)
		if (c->rig.group.lds[i] != c->ref.lds[i])
			ck_abort_msg("%s: LDS at 0x%x is %02x, expected %02x", in->name, i, c->rig.group.lds[i],
				     c->ref.lds[i]);
	c->runs++;
	tested(words);
}

void mem_encode_smem(uint32_t w[2], unsigned op, const struct ref_inst *in, unsigned soffset)
{
	w[0] = 0xf4000000 | op << 18 | (uint32_t)in->glc << 16 | in->dst << 6 | in->saddr / 2;
	w[1] = soffset << 25 | ((uint32_t)in->offset & 0x1fffff);
}

void mem_encode_ds(uint32_t w[2], unsigned op, const struct ref_inst *in)
{
	w[0] = 0xd8000000 | op << 18 | in->offset1 << 8 | (uint32_t)in->offset;
	w[1] = in->dst << 24 | in->data1 << 16 | in->data << 8 | in->addr;
}

void mem_encode_flat(uint32_t w[2], unsigned op, unsigned segment, const struct ref_inst *in)
{
	w[0] = 0xdc000000 | op << 18 | (uint32_t)in->glc << 16 | segment << 14 | ((uint32_t)in->offset & 0xfff);
	w[1] = in->dst << 24 | in->saddr << 16 | in->data << 8 | in->addr;
}

static uint32_t buffer_second(const struct ref_inst *in, unsigned soffset)
{
	return soffset << 24 | in->saddr / 4 << 16 | in->data << 8 | in->addr;
}

void mem_encode_mubuf(uint32_t w[2], unsigned op, const struct ref_inst *in, unsigned soffset)
{
	w[0] = 0xe0000000 | op << 18 | (uint32_t)in->lds << 16 | (uint32_t)in->glc << 14 | (uint32_t)in->idxen << 13 |
	       (uint32_t)in->offen << 12 | (uint32_t)in->offset;
	w[1] = buffer_second(in, soffset);
}

void mem_encode_mtbuf(uint32_t w[2], unsigned op, const struct ref_inst *in, unsigned soffset)
{
	w[0] = 0xe8000000 | in->format << 19 | (op & 7) << 16 | (uint32_t)in->glc << 14 | (uint32_t)in->idxen << 13 |
	       (uint32_t)in->offen << 12 | (uint32_t)in->offset;
	w[1] = buffer_second(in, soffset) | (op >> 3) << 21;
}

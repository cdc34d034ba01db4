/* SPDX-License-Identifier: MIT */
/* test_mem_buffer.c - every row of MUBUF and MTBUF against the reference, with every kind of descriptor. */
#include "gpu/isa/tables.h"
#include "isa/mem_check.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 96
#define RSRC   12

struct descriptor {
	uint64_t base;
	uint32_t stride, records, format, index_stride, oob, sel;
	bool swizzle, tid;
};

static void set_descriptor(struct mem_check *c, const struct descriptor *d)
{
	mem_check_set_sgpr(c, RSRC, (uint32_t)d->base);
	mem_check_set_sgpr(c, RSRC + 1,
			   (uint32_t)(d->base >> 32 & 0xffff) | d->stride << 16 | (uint32_t)d->swizzle << 31);
	mem_check_set_sgpr(c, RSRC + 2, d->records);
	mem_check_set_sgpr(c, RSRC + 3,
			   d->sel | d->format << 12 | d->index_stride << 21 | (uint32_t)d->tid << 23 | 1u << 24 |
				   d->oob << 28);
}

static unsigned element_bytes(const struct gpu_op *op)
{
	return strstr(op->name, "x4") ? 16 : strstr(op->name, "x3") ? 12 : strstr(op->name, "x2") ? 8 : 4;
}

static struct descriptor random_descriptor(struct mem_check *c, const struct gpu_op *op)
{
	struct descriptor d = {.base = RIG_VA + 4096 * mem_check_below(c, 6), .sel = 0xfac};
	bool atomic = op->flags & GPU_OPF_ATOMIC;

	d.oob = mem_check_below(c, 4);
	d.swizzle = mem_check_below(c, 3) == 0 && !(atomic && strstr(op->name, "_x2"));
	d.stride = mem_check_below(c, 3) ? mem_check_below(c, 12) * 16 : 0;
	d.tid = mem_check_below(c, 3) == 0;
	d.index_stride = mem_check_below(c, 4);
	d.format = 1 + mem_check_below(c, 77);
	d.records = mem_check_below(c, 3) ? mem_check_below(c, d.oob == 3 ? 20000 : 100)
					  : mem_check_below(c, 3) * 0x7fffffff;
	if (mem_check_below(c, 2))
		for (unsigned i = 0; i < 4; i++) {
			static const uint8_t sels[] = {0, 1, 4, 5, 6, 7};

			d.sel = (d.sel & ~(7u << 3 * i)) | (uint32_t)sels[mem_check_below(c, 6)] << 3 * i;
		}
	return d;
}

/*
 * Offsets keep elements apart or equal where lanes store, so that the order of lanes decides and not the order of
 * dwords; plain loads take any address, in swizzled buffers those that are not typed.
 */
static void addresses(struct mem_check *c, const struct gpu_op *op, const struct ref_inst *in, unsigned round,
		      bool swizzle)
{
	bool loose = op->flags & GPU_OPF_LOAD && round & 1 && (!swizzle || !strstr(op->name, "format"));
	unsigned bytes = element_bytes(op) == 12 ? 16 : element_bytes(op), shape = mem_check_below(c, 4);

	for (unsigned lane = 0; lane < c->rig.w.lanes; lane++) {
		uint32_t offset = shape == 0   ? lane * bytes
				  : shape == 1 ? 64
				  : shape == 2 ? mem_check_below(c, 16) * 48
					       : mem_check_below(c, 500) * 48;

		if (loose)
			offset += mem_check_below(c, 16);
		if (mem_check_below(c, 50) == 0)
			offset = (uint32_t)mem_check_random(c) & ~15u;
		if (in->idxen)
			mem_check_set_vgpr(c, 2, lane,
					   mem_check_below(c, 20) ? mem_check_below(c, 120)
								  : (uint32_t)mem_check_random(c));
		if (in->offen)
			mem_check_set_vgpr(c, 2 + in->idxen, lane, offset);
	}
}

static void buffer_once(struct mem_check *c, const struct gpu_op *op, unsigned round, unsigned format)
{
	struct ref_inst in = {.name = op->name, .dst = 8, .addr = 2, .data = 8, .saddr = RSRC};
	bool typed = strstr(op->name, "format");
	unsigned soffset = 128;
	struct descriptor d;
	uint32_t words[2];

	mem_check_randomise(c);
	d = random_descriptor(c, op);
	in.format = 1 + mem_check_below(c, 77);
	if (format)
		in.format = d.format = format;
	in.glc = mem_check_below(c, 2) || strstr(op->name, "csub");
	in.idxen = mem_check_below(c, 2);
	in.offen = mem_check_below(c, 2);
	in.offset = (int32_t)mem_check_below(c, 4) * 48;
	if (mem_check_below(c, 4) == 0)
		in.dst = in.data = in.addr;
	if (mem_check_below(c, 3) == 0) {
		soffset = 40;
		in.soffset = mem_check_below(c, 100) * 48;
		mem_check_set_sgpr(c, soffset, in.soffset);
	} else if (mem_check_below(c, 3) == 0) {
		soffset = 128 + 48;
		in.soffset = 48;
	}
	if (op->enc == GPU_MUBUF && mem_check_below(c, 4) == 0 && op->flags & GPU_OPF_LOAD && element_bytes(op) == 4 &&
	    !strstr(op->name, "d16") && (!typed || strstr(op->name, "format_x") + 8 == op->name + strlen(op->name)))
		in.lds = true;
	set_descriptor(c, &d);
	addresses(c, op, &in, round, d.swizzle);
	if (op->enc == GPU_MUBUF)
		mem_encode_mubuf(words, op->opcode, &in, soffset);
	else
		mem_encode_mtbuf(words, op->opcode, &in, soffset);
	mem_check_run(c, words, &in);
}

static void rows(const struct gpu_op *ops, unsigned count, unsigned want, uint64_t seed)
{
	struct mem_check *c = malloc(sizeof(*c));
	unsigned run = 0;

	ck_assert_ptr_nonnull(c);
	mem_check_init(c, seed);
	for (unsigned i = 0; i < count; i++) {
		if (!(ops[i].flags & (GPU_OPF_LOAD | GPU_OPF_STORE | GPU_OPF_ATOMIC)))
			continue;
		for (unsigned round = 0; round < ROUNDS; round++)
			buffer_once(c, &ops[i], round, 0);
		run++;
	}
	ck_assert_uint_eq(run, want);
	mem_check_finish(c);
	free(c);
}

START_TEST(mubuf_rows)
{
	rows(gpu_gfx10_3_mubuf, gpu_gfx10_3_mubuf_count, 71, 0xb0f);
	ck_assert_uint_eq(gpu_gfx10_3_mubuf_count, 73);
}
END_TEST

START_TEST(mtbuf_rows)
{
	rows(gpu_gfx10_3_mtbuf, gpu_gfx10_3_mtbuf_count, 16, 0x7b0f);
	ck_assert_uint_eq(gpu_gfx10_3_mtbuf_count, 16);
}
END_TEST

/* Every format with every typed row. */
START_TEST(formats)
{
	struct mem_check *c = malloc(sizeof(*c));

	ck_assert_ptr_nonnull(c);
	mem_check_init(c, 0xf0);
	for (unsigned i = 0; i < gpu_gfx10_3_mubuf_count + gpu_gfx10_3_mtbuf_count; i++) {
		const struct gpu_op *op = i < gpu_gfx10_3_mubuf_count ? &gpu_gfx10_3_mubuf[i]
								      : &gpu_gfx10_3_mtbuf[i - gpu_gfx10_3_mubuf_count];

		for (unsigned format = 1; format < 78 && strstr(op->name, "format"); format++)
			for (unsigned round = 0; round < 4; round++)
				buffer_once(c, op, round, format);
	}
	mem_check_finish(c);
	free(c);
}
END_TEST

/* Scratch as compilers set it up: stack slots of a wave's lanes, dword by dword beside each other. */
START_TEST(private_segment)
{
	struct mem_rig rig;
	/* buffer_store_dword v4, off, s[0:3], s33 offset:8 and its load into v5 */
	const uint32_t store[2] = {0xe0700008, 0x21000400}, load[2] = {0xe0300008, 0x21000500};
	/* buffer_load_dword v6, v7, s[0:3], s33 offen offset:60 */
	const uint32_t around[2] = {0xe030103c, 0x21000607};
	/* the first two with offset:90 */
	const uint32_t store_over[2] = {0xe070005a, 0x21000400}, load_over[2] = {0xe030005a, 0x21000500};

	mem_rig_init(&rig, false);
	rig.w.s[0] = (uint32_t)RIG_VA;
	rig.w.s[1] = (uint32_t)(RIG_VA >> 32) | 1u << 31;
	rig.w.s[2] = 0xffffffff;
	rig.w.s[3] = 0x00e00000 & ~(1u << 21); /* index stride 32, add_tid */
	rig.w.s[3] |= 1u << 24 | 2u << 28;
	rig.w.s[33] = 128 * 32; /* one frame of 128 bytes a lane, times the lanes */
	rig.w.s[126] = 0xffffffff;
	for (unsigned lane = 0; lane < 32; lane++)
		rig.vgpr[4 * 32 + lane] = 0xabc00000 + lane;
	ck_assert_int_eq(mem_rig_run(&rig, store), GPU_STEP_NEXT);
	for (unsigned lane = 0; lane < 32; lane++) {
		uint32_t v;

		memcpy(&v, mem_rig_host(&rig, (128 + 8) * 32 + lane * 4), 4);
		ck_assert_uint_eq(v, 0xabc00000 + lane);
	}
	ck_assert_int_eq(mem_rig_run(&rig, load), GPU_STEP_NEXT);
	ck_assert_mem_eq(&rig.vgpr[5 * 32], &rig.vgpr[4 * 32], 128);
	/* A negative offset in the VGPR, as clang makes it of an index that counts down. */
	for (unsigned lane = 0; lane < 32; lane++)
		rig.vgpr[7 * 32 + lane] = 8u - 60u;
	ck_assert_int_eq(mem_rig_run(&rig, around), GPU_STEP_NEXT);
	ck_assert_mem_eq(&rig.vgpr[6 * 32], &rig.vgpr[4 * 32], 128);
	/* A dword over the end of another, as clang makes it of four neighbouring bytes. */
	ck_assert_int_eq(mem_rig_run(&rig, store_over), GPU_STEP_NEXT);
	for (unsigned lane = 0; lane < 32; lane++) {
		uint16_t low, high;

		memcpy(&low, mem_rig_host(&rig, (128 + 88) * 32 + lane * 4 + 2), 2);
		memcpy(&high, mem_rig_host(&rig, (128 + 92) * 32 + lane * 4), 2);
		ck_assert_uint_eq(low | (uint32_t)high << 16, 0xabc00000 + lane);
	}
	memset(&rig.vgpr[5 * 32], 0, 128);
	ck_assert_int_eq(mem_rig_run(&rig, load_over), GPU_STEP_NEXT);
	ck_assert_mem_eq(&rig.vgpr[5 * 32], &rig.vgpr[4 * 32], 128);
	mem_rig_finish(&rig);
}
END_TEST

START_TEST(refusals)
{
	struct mem_rig rig;
	static const struct {
		uint32_t words[2];
		const char *why;
	} cases[] = {
		{{0xe0300000, 0x80820400}, "tfe"},
		{{0xe0000000, 0x80820400}, "tfe"},
		{{0xe0c80000, 0x80820400}, "tfe"},
		{{0xe0350000, 0x80020400}, "LDS"},
		{{0xe0000000, 0x80020400}, "format"},
		{{0xe0100000, 0x80020400}, "format"},
		{{0xe8000000 | 100u << 19, 0x80020400}, "format"},
	};

	mem_rig_init(&rig, false);
	rig.w.s[126] = 1;
	rig.w.s[8] = (uint32_t)RIG_VA;
	rig.w.s[9] = RIG_VA >> 32;
	rig.w.s[10] = 4096;
	rig.w.s[11] = 2u << 28 | 100u << 12;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_msg(mem_rig_run(&rig, cases[i].words) == GPU_STEP_FAULT, "case %u", i);
		ck_assert_int_eq(rig.w.fault.status, GPU_FAULT_OPCODE);
		ck_assert_msg(strstr(rig.w.fault.what, cases[i].why) != NULL, "case %u: %s", i, rig.w.fault.what);
	}
	mem_rig_finish(&rig);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("MUBUF, MTBUF");
	TCase *tc = tcase_create("rows");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, mubuf_rows);
	tcase_add_test(tc, mtbuf_rows);
	tcase_add_test(tc, formats);
	tcase_add_test(tc, private_segment);
	tcase_add_test(tc, refusals);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed;
}

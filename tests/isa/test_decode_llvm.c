/* SPDX-License-Identifier: MIT */
/*
 * Decoder against llvm-mc: every opcode number of every encoding, in several operand patterns, is disassembled by
 * both; they must agree whether it exists, on its mnemonic and on its size.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gpu/isa/tables.h"

enum { MAX_CASES = 16384, NAME = 64 };

struct one {
	uint32_t dw[3];
	unsigned n;
	unsigned key;    /* opcode that it tests: any pattern that LLVM knows counts */
	char name[NAME]; /* LLVM's mnemonic, without the suffix of its form; empty: not an instruction */
};

static struct one *cases;
static unsigned count;

static void add(unsigned key, unsigned n, uint32_t a, uint32_t b, uint32_t c)
{
	struct one *o = &cases[count++];

	ck_assert_uint_lt(count, MAX_CASES);
	memset(o, 0, sizeof(*o));
	o->key = key;
	o->n = n;
	o->dw[0] = a;
	o->dw[1] = b;
	o->dw[2] = c;
}

static void emit(FILE *f, uint32_t d)
{
	fprintf(f, "0x%02x 0x%02x 0x%02x 0x%02x ", d & 255, d >> 8 & 255, d >> 16 & 255, d >> 24);
}

/* s_mov_b32 s0, 0x7a000000 + i before each case; s_nop 7 behind it ends what swallows too much. */
static void write_cases(FILE *f)
{
	for (unsigned i = 0; i <= count; i++) {
		emit(f, 0xbe8003ff);
		emit(f, 0x7a000000 | i);
		fputc('\n', f);
		for (unsigned k = 0; i < count && k < cases[i].n; k++)
			emit(f, cases[i].dw[k]);
		fputc('\n', f);
		for (unsigned k = 0; k < 4; k++)
			emit(f, 0xbf800007);
		fputc('\n', f);
	}
}

static void strip(char *name)
{
	static const char *const forms[] = {"_e32", "_e64", "_dpp", "_sdwa"};

	for (unsigned i = 0; i < 4; i++) {
		size_t n = strlen(name), s = strlen(forms[i]);

		if (n > s && !strcmp(name + n - s, forms[i])) {
			name[n - s] = 0;
			return;
		}
	}
}

/* Encoding bytes that LLVM printed: their number and the fourth one, which tells the encoding. */
static unsigned encoding(const char *line, unsigned *top_out)
{
	const char *p = strstr(line, "encoding: [");
	unsigned n = 0;

	for (p = p ? p + 11 : NULL; p && !strncmp(p, "0x", 2); n++) {
		if (n == 3)
			*top_out = (unsigned)strtoul(p, NULL, 16);
		p = strchr(p, ',');
		p = p ? p + 1 : NULL;
	}
	return n;
}

static void read_line(const char *line, int *at, unsigned *seen)
{
	static const char marker[] = "s_mov_b32 s0, 0x7a";
	const char *text = strstr(line, marker);
	unsigned top = 0, bytes;
	char name[NAME];
	struct one *o;

	if (text) {
		*at = (int)(strtoul(text + sizeof(marker) - 1, NULL, 16) & 0xffffff);
		*seen = 0;
		return;
	}
	if (*at < 0 || (unsigned)*at >= count || sscanf(line, " %63s", name) != 1 || name[0] == '.')
		return;
	/* The filler, and what LLVM prints although it is no valid instruction. */
	if (strstr(line, "s_nop 7") || strstr(line, "Invalid") || strstr(line, "not supported"))
		return;
	bytes = encoding(line, &top);
	o = &cases[*at];
	if ((*seen)++ || bytes != 4 * o->n || top != o->dw[0] >> 24)
		return;
	strip(name);
	strcpy(o->name, name);
}

static void run_llvm(const char *attributes)
{
	char path[] = "/tmp/isa-decode-XXXXXX", command[256], line[1024];
	unsigned seen = 0;
	int fd = mkstemp(path), at = -1;
	FILE *f = fdopen(fd, "w");

	ck_assert_ptr_nonnull(f);
	write_cases(f);
	fclose(f);
	snprintf(command, sizeof(command),
		 "llvm-mc-16 -arch=amdgcn -mcpu=gfx1030 -mattr=%s --disassemble --show-encoding %s 2>/dev/null",
		 attributes, path);
	f = popen(command, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		read_line(line, &at, &seen);
	pclose(f);
	unlink(path);
	ck_assert_msg(at == (int)count, "llvm-mc-16 (package llvm-16) is needed and did not answer to the end");
}

/* What gpu_isa_decode says of a case: the mnemonic, or "". */
static const char *ours(const struct one *o)
{
	struct gpu_inst in;
	const char *why;
	uint32_t padded[5] = {o->dw[0], o->dw[1], o->dw[2], 0, 0};
	unsigned n = gpu_isa_decode(&gpu_isa_gfx10_3, padded, 5, &in, &why);

	return n == o->n ? in.op->name : "";
}

/* Cases come grouped by key; an opcode exists when LLVM knows one of its patterns. */
static void compare(const char *what)
{
	unsigned known = 0;

	run_llvm("+wavefrontsize32,-wavefrontsize64");
	for (unsigned i = 0; i < count;) {
		const char *llvm = "", *mine = "";
		unsigned key = cases[i].key, first = i;

		for (; i < count && cases[i].key == key; i++) {
			if (cases[i].name[0]) {
				llvm = cases[i].name;
				ck_assert_msg(!strcmp(ours(&cases[i]), llvm),
					      "%s 0x%x (%08x %08x): llvm-mc says %s, we %s", what, key, cases[i].dw[0],
					      cases[i].dw[1], llvm, ours(&cases[i]));
			}
			if (ours(&cases[i])[0])
				mine = ours(&cases[i]);
		}
		known += llvm[0] != 0;
		ck_assert_msg(!llvm[0] == !mine[0], "%s 0x%x (%08x): llvm-mc '%s', we '%s'", what, key,
			      cases[first].dw[0], llvm, mine);
	}
	ck_assert_msg(known > 0, "%s: nothing was compared", what);
	printf("# %s: %u opcodes agree\n", what, known);
}

static void setup(void)
{
	cases = calloc(MAX_CASES, sizeof(*cases));
	count = 0;
}

static void teardown(void)
{
	free(cases);
}

START_TEST(test_scalar)
{
	for (unsigned op = 0; op < 256; op++) { /* SOP1 */
		add(0x1000 + op, 1, 0xbe800000 | op << 8 | 4 | 2 << 16, 0, 0);
		add(0x1000 + op, 1, 0xbe800000 | op << 8 | 4, 0, 0);
		add(0x1000 + op, 1, 0xbe800000 | op << 8 | 2 << 16, 0, 0);
	}
	for (unsigned op = 0; op < 96; op++)
		add(0x2000 + op, 1, 0x80000000 | op << 23 | 4 | 6 << 8 | 2 << 16, 0, 0);
	for (unsigned op = 0; op < 128; op++)
		add(0x3000 + op, 1, 0xbf000000 | op << 16 | 4 | 6 << 8, 0, 0);
	for (unsigned op = 0; op < 0x1d; op++) {
		add(0x4000 + op, 1, 0xb0000000 | op << 23 | 2 << 16 | 5, 0, 0);
		add(0x4000 + op, 1, 0xb0000000 | op << 23 | 0x7d << 16 | 5, 0, 0);
		add(0x4000 + op, 2, 0xb0000000 | op << 23 | 5, 0x12345678, 0);
	}
	for (unsigned op = 0; op < 128; op++)
		add(0x5000 + op, 1, 0xbf800000 | op << 16, 0, 0);
	compare("scalar");
}
END_TEST

START_TEST(test_vop12c)
{
	for (unsigned op = 0; op < 256; op++) {
		add(0x1000 + op, 1, 0x7e000000 | op << 9 | (256 + 5) | 2 << 17, 0, 0);
		add(0x1000 + op, 1, 0x7e000000 | op << 9, 0, 0);
	}
	for (unsigned op = 0; op < 62; op++) {
		add(0x2000 + op, 1, op << 25 | (256 + 5) | 7 << 9 | 2 << 17, 0, 0);
		add(0x2000 + op, 2, op << 25 | (256 + 5) | 7 << 9 | 2 << 17, 0x12345678, 0);
	}
	for (unsigned op = 0; op < 256; op++)
		add(0x3000 + op, 1, 0x7c000000 | op << 17 | (256 + 5) | 7 << 9, 0, 0);
	compare("VOP1, VOP2, VOPC");
}
END_TEST

START_TEST(test_vop3)
{
	for (unsigned op = 0; op < 1024; op++) {
		uint32_t d = 0xd4000000 | op << 16;

		add(op, 2, d | 2, (256 + 5) | (256 + 6) << 9 | (256 + 8) << 18, 0);
		add(op, 2, d | 2, (256 + 5) | (256 + 6) << 9, 0);
		add(op, 2, d | 2, 256 + 5, 0);
		add(op, 2, d | 2, (256 + 5) | 4 << 9 | 6 << 18, 0);
		add(op, 2, d | 2, (256 + 5) | 4 << 9, 0);
		add(op, 2, d | 2 | 106 << 8, (256 + 5) | (256 + 6) << 9 | 106 << 18, 0);
		add(op, 2, d | 126, (256 + 5) | (256 + 6) << 9, 0);
		add(op, 2, d, 0, 0);
		add(op, 2, d | 2, (256 + 6) << 9, 0);
	}
	compare("VOP3");
}
END_TEST

START_TEST(test_vop3p)
{
	for (unsigned op = 0; op < 128; op++) {
		uint32_t d = 0xcc004002 | op << 16;

		add(op, 2, d, (256 + 5) | (256 + 6) << 9 | (256 + 8) << 18 | 3u << 27, 0);
		add(op, 2, d, (256 + 5) | (256 + 6) << 9 | 3u << 27, 0);
	}
	compare("VOP3P");
}
END_TEST

START_TEST(test_modifier_forms)
{
	static const uint32_t dpp16 = 0xff00e405, dpp8 = 0xfac68805;

	for (unsigned op = 0; op < 128; op++) {
		uint32_t d = 0x7e000000 | op << 9 | 2 << 17;

		add(0x1000 + op, 2, d | 0xfa, dpp16, 0);
		add(0x2000 + op, 2, d | 0xe9, dpp8, 0);
		add(0x3000 + op, 2, d | 0xf9, 0x00060605, 0);
	}
	for (unsigned op = 0; op < 62; op++) {
		uint32_t d = op << 25 | 2 << 17 | 7 << 9;

		if (op == 0x2c || op == 0x2d || op == 0x37 || op == 0x38)
			continue; /* their sources are not free for a modifier, and a literal follows */
		add(0x4000 + op, 2, d | 0xfa, dpp16, 0);
		add(0x5000 + op, 2, d | 0xe9, dpp8, 0);
		add(0x6000 + op, 2, d | 0xf9, 0x06060605, 0);
	}
	for (unsigned op = 0; op < 256; op++)
		add(0x7000 + op, 2, 0x7c000000 | op << 17 | 7 << 9 | 0xf9, 0x06060005, 0);
	compare("DPP and SDWA forms");
}
END_TEST

static uint32_t pick(unsigned bit, unsigned pattern, uint32_t value)
{
	return pattern >> bit & 1 ? value : 0;
}

/* Fields that an opcode has not got must be zero for LLVM: every combination of them is tried. */
START_TEST(test_smem_ds)
{
	for (unsigned op = 0; op < 256; op++)
		for (unsigned p = 0; p < 8; p++)
			add(0x1000 + op, 2, 0xf4000000 | op << 18 | pick(0, p, 8 << 6) | pick(1, p, 4),
			    pick(2, p, 0xfa000000), 0);
	for (unsigned op = 0; op < 256; op++)
		for (unsigned p = 0; p < 32; p++)
			add(0x2000 + op, 2, 0xd8000000 | op << 18 | pick(0, p, 1u << 17),
			    pick(1, p, 2) | pick(2, p, 4 << 8) | pick(3, p, 8 << 16) | pick(4, p, 12u << 24), 0);
	compare("SMEM, DS");
}
END_TEST

START_TEST(test_flat)
{
	for (unsigned segment = 0; segment < 3; segment++)
		for (unsigned op = 0; op < 128; op++)
			for (unsigned p = 0; p < 32; p++)
				add(0x1000 * (segment + 1) + op, 2,
				    0xdc000000 | op << 18 | segment << 14 | pick(0, p, 1 << 16),
				    (p >> 1 & 1 ? 0x7du : 4u) << 16 | pick(2, p, 2) | pick(3, p, 4 << 8) |
					    pick(4, p, 12u << 24),
				    0);
	compare("FLAT, SCRATCH, GLOBAL");
}
END_TEST

START_TEST(test_buffer)
{
	for (unsigned op = 0; op < 256; op++) {
		for (unsigned p = 0; p < 16; p++)
			add(0x1000 + op, 2,
			    0xe0000000 | op << 18 | pick(0, p, 1 << 14) | pick(1, p, 1 << 12) | pick(3, p, 1 << 16),
			    0x80000000 | 2 << 16 | pick(2, p, 8 << 8) | pick(1, p, 4), 0);
		add(0x1000 + op, 2, 0xe0000000 | op << 18, 0, 0);
	}
	for (unsigned op = 0; op < 16; op++)
		add(0x2000 + op, 2, 0xe8000000 | 22 << 19 | (op & 7) << 16,
		    0x80000000 | 2 << 16 | 8 << 8 | op >> 3 << 21, 0);
	compare("MUBUF, MTBUF");
}
END_TEST

/* What is decoded and refused: images in dims that suit each, exports, interpolation. */
START_TEST(test_refused)
{
	for (unsigned op = 0; op < 256; op++)
		for (unsigned p = 0; p < 32; p++) {
			static const uint8_t masks[4] = {1, 3, 15, 4};

			add(0x1000 + op, 2,
			    0xf0000000 | (op & 127) << 18 | op >> 7 | (uint32_t)masks[p & 3] << 8 | pick(2, p, 1 << 3) |
				    pick(3, p, 1 << 12),
			    4 << 16 | pick(4, p, 2 << 21) | 8 << 8 | 32, 0);
		}
	for (unsigned op = 0; op < 4; op++)
		add(0x2000 + op, 1, 0xc8000000 | op << 16 | 2 << 18 | 5, 0, 0);
	add(0x3000, 2, 0xf800000f, 0x04030201, 0);
	compare("MIMG, VINTRP, EXP");
}
END_TEST

/* Registers at the end of the file: a tuple that reaches behind v255 is none; what is no tuple may be v255. */
START_TEST(test_last_vgpr)
{
	static const struct {
		uint32_t dw[2];
		bool valid;
	} c[] = {
		{{0xdc308000, 0x0c0400ff}, true},  /* global_load_dword v12, v255, s[4:5] */
		{{0xdc308000, 0x0c7d00ff}, false}, /* global_load_dword v12, v[255:256], off */
		{{0xdc308000, 0xff7d00fe}, true},  /* global_load_dword v255, v[254:255], off */
		{{0xdc348000, 0xff7d00fe}, false}, /* global_load_dwordx2 v[255:256] */
		{{0xdc704000, 0x0004ff00}, true},  /* scratch_store_dword off, v255, s4 */
		{{0xdc304000, 0xff7d00ff}, true},  /* scratch_load_dword v255, v255, off */
		{{0xdd488000, 0x007d04fe}, true},  /* global_atomic_add_x2 v[254:255], v[4:5], off */
		{{0xdd488000, 0xff7d0402}, true},  /* the same, returning nothing: the destination field is free */
		{{0xdd498000, 0xff7d0402}, false}, /* returning into v[255:256] */
		{{0xe0300000, 0x8002ff00}, true},  /* buffer_load_dword v255, off */
		{{0xe0340000, 0x8002ff00}, false}, /* buffer_load_dwordx2 v[255:256] */
		{{0xd8d80000, 0xff0000ff}, true},  /* ds_read_b32 v255, v255 */
		{{0xd9d80000, 0xff0000ff}, false}, /* ds_read_b64 v[255:256], v255 */
		{{0xd5650002, 0x0003fffe}, false}, /* v_mul_f64 v[2:3], v[254:255], v[255:256] */
	};

	for (unsigned i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		uint32_t padded[5] = {c[i].dw[0], c[i].dw[1]};
		struct gpu_inst in;
		const char *why = "";
		unsigned n = gpu_isa_decode(&gpu_isa_gfx10_3, padded, 5, &in, &why);

		ck_assert_msg(n == (c[i].valid ? 2u : 0u), "%08x %08x: %u dwords %s", c[i].dw[0], c[i].dw[1], n,
			      n ? "" : why);
	}
}
END_TEST

/* DPP controls: all 512. */
START_TEST(test_dpp_controls)
{
	for (unsigned ctrl = 0; ctrl < 512; ctrl++)
		add(ctrl, 2, 0x7e0402fa, 0xff000005 | ctrl << 8, 0);
	compare("DPP16 controls");
}
END_TEST

/* Source codes 0 to 255 of a 32-bit scalar and of a vector operation. */
START_TEST(test_source_codes)
{
	for (unsigned code = 0; code < 255; code++) {
		if (code == 254 || code == 249 || code == 250 || code == 233 || code == 234)
			continue;
		add(code, 1, 0xbe800300 | code, 0, 0);
	}
	add(0x2000, 2, 0xbe8003ff, 0x00345678, 0);
	compare("source codes");
}
END_TEST

/* Every prefix of a long instruction is refused, and nothing behind n is read. */
START_TEST(test_short_code)
{
	static const uint32_t code[][3] = {
		{0xd54b0002, 0x03fe0d05, 0x12345678},
		{0x7e0402fa, 0xff00e405},
		{0x7e0402ff, 1},
		{0xcc0e4002, 0x1c220d05},
		{0x58040f05, 0x12345678},
		{0xd8000000, 0x02040608},
		{0xdc300000, 0x027d0406},
		{0xf4000102, 0xfa000000},
	};
	static const unsigned size[] = {3, 2, 2, 2, 2, 2, 2, 2};

	for (unsigned i = 0; i < 8; i++) {
		for (unsigned n = 1; n <= size[i]; n++) {
			uint32_t *exact = malloc(4 * n); /* sanitizers see a read behind it */
			struct gpu_inst in;
			const char *why = NULL;
			unsigned got;

			memcpy(exact, code[i], 4 * n);
			got = gpu_isa_decode(&gpu_isa_gfx10_3, exact, n, &in, &why);
			if (n < size[i])
				ck_assert_msg(got == 0 && why, "case %u with %u dwords was taken", i, n);
			else
				ck_assert_uint_eq(got, n);
			free(exact);
		}
	}
}
END_TEST

START_TEST(test_tables_sorted)
{
	for (unsigned enc = 0; enc < GPU_ENCS; enc++)
		for (unsigned i = 1; i < *gpu_isa_gfx10_3.count[enc]; i++)
			ck_assert_msg(gpu_isa_gfx10_3.ops[enc][i - 1].opcode < gpu_isa_gfx10_3.ops[enc][i].opcode,
				      "encoding %u row %u (%s) is out of order", enc, i,
				      gpu_isa_gfx10_3.ops[enc][i].name);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("decode against llvm-mc");
	TCase *tc = tcase_create("decode");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_scalar);
	tcase_add_test(tc, test_vop12c);
	tcase_add_test(tc, test_vop3);
	tcase_add_test(tc, test_vop3p);
	tcase_add_test(tc, test_modifier_forms);
	tcase_add_test(tc, test_smem_ds);
	tcase_add_test(tc, test_flat);
	tcase_add_test(tc, test_buffer);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_last_vgpr);
	tcase_add_test(tc, test_dpp_controls);
	tcase_add_test(tc, test_source_codes);
	tcase_add_test(tc, test_short_code);
	tcase_add_test(tc, test_tables_sorted);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

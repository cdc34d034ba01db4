/* SPDX-License-Identifier: MIT */
/*
 * test_fidelity.c - the statement of fidelity names what exists and says what the model does, and a GPU's report says
 * what was used. With --list, every row of every kind is printed for scripts/isa-coverage.
 */
#include "fixture.h"
#include "gpu/fidelity.h"
#include "gpu/internal.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MEM = 5 << 8, SCRATCH_TEXT = 65536 };

static const char *const kinds[GPU_ROW_KINDS] = {"packet", "sdma", "event", "register"};

typedef void row_fn(void *user, unsigned kind, const char *kind_name, const char *name,
		    const struct gpu_statement *statement, const struct gpu_op *op);

static void each_row(row_fn *fn, void *user)
{
	struct gpu_statement statement;

	for (unsigned kind = 0; kind < GPU_ROW_KINDS; kind++)
		for (uint32_t i = 0; i < gpu_row_limit(kind); i += kind == GPU_ROW_REGISTER ? 4 : 1) {
			const char *name = gpu_row_statement(kind, i, &statement);

			if (name)
				fn(user, kind, kinds[kind], name, &statement, NULL);
		}
	for (unsigned enc = 0; enc < GPU_ENCS; enc++)
		for (unsigned i = 0; i < *gpu_isa_gfx10_3.count[enc]; i++) {
			const struct gpu_op *op = &gpu_isa_gfx10_3.ops[enc][i];

			statement = gpu_op_statement(op);
			fn(user, GPU_ROW_KINDS, gpu_enc_name(enc), op->name, &statement, op);
		}
}

struct pattern {
	unsigned kind, matches;
	const char *text;
};

static void count_match(void *user, unsigned kind, const char *kind_name, const char *name,
			const struct gpu_statement *statement, const struct gpu_op *op)
{
	struct pattern *pattern = user;

	(void)kind_name;
	(void)statement;
	(void)op;
	pattern->matches += kind == pattern->kind && gpu_statement_matches(pattern->text, name);
}

START_TEST(every_pattern_names_a_row)
{
	unsigned patterns = 0;

	for (unsigned kind = 0; kind <= GPU_ROW_KINDS; kind++)
		for (unsigned i = 0; gpu_statement_pattern(kind, i); i++, patterns++) {
			struct pattern pattern = {kind, 0, gpu_statement_pattern(kind, i)};

			each_row(count_match, &pattern);
			ck_assert_msg(pattern.matches > 0, "%s: no row has this name", pattern.text);
		}
	ck_assert_uint_gt(patterns, 50);
}
END_TEST

START_TEST(patterns)
{
	ck_assert(gpu_statement_matches("exp", "exp"));
	ck_assert(!gpu_statement_matches("exp", "exp2"));
	ck_assert(gpu_statement_matches("ds_*", "ds_add"));
	ck_assert(!gpu_statement_matches("ds_*", "s_add"));
	ck_assert(gpu_statement_matches("SET_*_REG*", "SET_SH_REG_INDEX"));
	ck_assert(!gpu_statement_matches("SET_*_REG*", "SET_BASE"));
	ck_assert(gpu_statement_matches("*", "anything"));
}
END_TEST

static void bound_is_stated(void *user, unsigned kind, const char *kind_name, const char *name,
			    const struct gpu_statement *statement, const struct gpu_op *op)
{
	unsigned *seen = user;

	(void)kind;
	seen[statement->fidelity]++;
	if (statement->fidelity != GPU_EXACT)
		ck_assert_msg(strlen(statement->text) > 4, "%s %s: nothing is said", kind_name, name);
	if (op && !op->exec)
		ck_assert_msg(statement->fidelity == GPU_REFUSED, "%s has no function", name);
}

START_TEST(what_is_not_exact_says_why)
{
	unsigned seen[3] = {0};

	each_row(bound_is_stated, seen);
	ck_assert_uint_gt(seen[GPU_EXACT], 800);
	ck_assert_uint_gt(seen[GPU_APPROXIMATE], 20);
	ck_assert_uint_gt(seen[GPU_REFUSED], 100);
}
END_TEST

static struct gpu_fault run_code(struct fx *fx, const uint32_t *code, size_t size_B)
{
	const struct fx_launch launch = {.code = fx_code(fx, 0, code, size_B), .block = {32}, .grid = {1}, .vgprs = 8};

	fx_dispatch(fx, &launch);
	return fx_run(fx, GPU_RING_COMPUTE);
}

/* Rows that have a function and are said to be refused: it refuses. */
static void refused_by_function(void *user, unsigned kind, const char *kind_name, const char *name,
				const struct gpu_statement *statement, const struct gpu_op *op)
{
	unsigned *ran = user;
	uint32_t code[2] = {0, 0xbf810000};
	struct gpu_fault fault;
	struct fx fx;

	(void)kind;
	(void)kind_name;
	if (!op || !op->exec || statement->fidelity != GPU_REFUSED)
		return;
	ck_assert_msg(op->enc == GPU_SOPP || op->enc == GPU_SOP1, "%s: of an encoding that is not tried here", name);
	code[0] = op->enc == GPU_SOPP ? 0xbf800000u | (uint32_t)op->opcode << 16
				      : 0xbe800000u | (uint32_t)op->opcode << 8;
	fx_init(&fx, false, true);
	fault = run_code(&fx, code, sizeof(code));
	ck_assert_msg(fault.status == GPU_FAULT_OPCODE && strstr(fault.what, name), "%s: %s", name, fault.what);
	fx_finish(&fx);
	(*ran)++;
}

START_TEST(what_is_said_to_be_refused_is)
{
	unsigned ran = 0;

	each_row(refused_by_function, &ran);
	ck_assert_uint_eq(ran, 3);
}
END_TEST

START_TEST(nothing_is_counted_unasked)
{
	struct fx fx;

	unsetenv("DRUMFIRE_FIDELITY");
	fx_init(&fx, false, true);
	ck_assert_ptr_null(fx.gpu->used);
	fx_finish(&fx);
}
END_TEST

static char path[] = "/tmp/fidelity-XXXXXX";

static void ask(void)
{
	int fd;

	strcpy(path, "/tmp/fidelity-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	setenv("DRUMFIRE_FIDELITY", path, 1);
}

static void unask(void)
{
	unsetenv("DRUMFIRE_FIDELITY");
	unlink(path);
}

/* The report, and how many there are. */
static const char *report(unsigned *reports_out)
{
	static char text[SCRATCH_TEXT];
	FILE *file = fopen(path, "r");
	size_t size;

	ck_assert_ptr_nonnull(file);
	size = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[size] = 0;
	*reports_out = 0;
	for (const char *at = text; (at = strstr(at, "# drumfire fidelity")); at++)
		++*reports_out;
	return text;
}

/* A line that begins "kind name" with this count and fidelity, words somewhere in it. */
static void said(const char *kind, const char *name, unsigned long long count, const char *fidelity, const char *words)
{
	unsigned reports;
	char key[64], want[32];
	const char *line, *end;

	snprintf(key, sizeof(key), "\n%-8s %s ", kind, name);
	snprintf(want, sizeof(want), " %llu %s", count, fidelity);
	line = strstr(report(&reports), key);
	ck_assert_msg(line != NULL, "no line for %s %s", kind, name);
	end = strchr(++line, '\n');
	for (const char *part = want;; part = words) {
		const char *found = strstr(line, part);

		ck_assert_msg(found && found < end, "no '%s' in %.*s", part, (int)(end - line), line);
		if (part == words)
			break;
	}
}

static struct gpu_fault run_reported(const uint32_t *code, size_t size_B)
{
	struct gpu_fault fault;
	struct fx fx;

	fx_init(&fx, false, true);
	fault = run_code(&fx, code, size_B);
	fx_finish(&fx);
	return fault;
}

/* v_mov_b32 v0, 2.0; v_rcp_f32 v1, v0 twice; s_endpgm */
static const uint32_t k_rcp[] = {0x7e0002f4, 0x7e025500, 0x7e025500, 0xbf810000};
/* exp mrt0 v0, v1, v2, v3 done vm; s_endpgm */
static const uint32_t k_exp[] = {0xf800180f, 0x03020100, 0xbf810000};

START_TEST(report_of_what_ran)
{
	unsigned reports;

	ask();
	ck_assert_int_eq(run_reported(k_rcp, sizeof(k_rcp)).status, GPU_DONE);
	said("VOP1", "v_rcp_f32", 2, "approximate", "at most 1 ulp apart");
	said("VOP1", "v_mov_b32", 1, "exact", "-");
	said("SOPP", "s_endpgm", 1, "exact", "-");
	said("packet", "DISPATCH_DIRECT", 1, "exact", "-");
	said("register", "COMPUTE_PGM_LO", 1, "exact", "-");
	ck_assert_ptr_null(strstr(report(&reports), "refus"));
	ck_assert_uint_eq(reports, 1);
	ck_assert_ptr_null(strstr(report(&reports), "v_rcp_f16"));
	unask();
}
END_TEST

START_TEST(report_of_a_refused_instruction)
{
	ask();
	ck_assert_int_eq(run_reported(k_exp, sizeof(k_exp)).status, GPU_FAULT_OPCODE);
	said("EXP", "exp", 1, "refused", "no graphics");
	said("refusal", "-", 1, "refused", "instruction exp is refused");
	unask();
}
END_TEST

START_TEST(report_of_a_refused_packet)
{
	struct fx fx;

	ask();
	fx_init(&fx, false, true);
	FX_PACKET(&fx, P_WRITE_DATA, MEM, lo(FX_DATA_VA), hi(FX_DATA_VA), 1);
	FX_PACKET(&fx, P_DRAW_INDEX_AUTO, 3, 0);
	ck_assert_int_eq(fx_run(&fx, GPU_RING_COMPUTE).status, GPU_FAULT_PACKET);
	fx_finish(&fx);
	said("packet", "WRITE_DATA", 1, "exact", "GDS is refused");
	said("packet", "DRAW_INDEX_AUTO", 1, "refused", "scope");
	said("refusal", "-", 1, "refused", "packet DRAW_INDEX_AUTO is refused");
	unask();
}
END_TEST

START_TEST(report_of_sdma)
{
	struct fx fx;

	ask();
	fx_init(&fx, false, true);
	for (unsigned i = 0; i < 8; i++)
		fx_dw(&fx, 0);
	ck_assert_int_eq(fx_run(&fx, GPU_RING_SDMA).status, GPU_DONE);
	fx_finish(&fx);
	said("sdma", "NOP", 8, "exact", "-");
	unask();
}
END_TEST

START_TEST(no_jobs_no_report)
{
	struct fx fx;
	unsigned reports;

	ask();
	fx_init(&fx, false, true);
	fx_finish(&fx);
	(void)report(&reports);
	ck_assert_uint_eq(reports, 0);
	unask();
}
END_TEST

/* A process that ends with its device open has its report, a child of it that has none of its own does not repeat it.
 */
START_TEST(report_at_the_end_of_a_process)
{
	unsigned reports;
	int status;
	pid_t pid;

	ask();
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		struct fx fx;

		fx_init(&fx, false, true);
		run_code(&fx, k_rcp, sizeof(k_rcp));
		pid = fork();
		exit(pid && (waitpid(pid, &status, 0) != pid || status));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	said("VOP1", "v_rcp_f32", 2, "approximate", "ulp");
	(void)report(&reports);
	ck_assert_uint_eq(reports, 1);
	unask();
}
END_TEST

static void print_row(void *user, unsigned kind, const char *kind_name, const char *name,
		      const struct gpu_statement *statement, const struct gpu_op *op)
{
	(void)user;
	(void)kind;
	gpu_statement_print(stdout, kind_name, name, op ? op->opcode : 0, statement);
}

int main(int argc, char **argv)
{
	Suite *suite = suite_create("gpu fidelity");
	TCase *tcase = tcase_create("fidelity");
	SRunner *runner;
	int failed;

	if (argc == 2 && !strcmp(argv[1], "--list")) {
		each_row(print_row, NULL);
		return EXIT_SUCCESS;
	}
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, patterns);
	tcase_add_test(tcase, every_pattern_names_a_row);
	tcase_add_test(tcase, what_is_not_exact_says_why);
	tcase_add_test(tcase, what_is_said_to_be_refused_is);
	tcase_add_test(tcase, nothing_is_counted_unasked);
	tcase_add_test(tcase, report_of_what_ran);
	tcase_add_test(tcase, report_of_a_refused_instruction);
	tcase_add_test(tcase, report_of_a_refused_packet);
	tcase_add_test(tcase, report_of_sdma);
	tcase_add_test(tcase, no_jobs_no_report);
	tcase_add_test(tcase, report_at_the_end_of_a_process);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

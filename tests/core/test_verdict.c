/* SPDX-License-Identifier: MIT */
/* The verdict table: each row is reached by what it is for, and every combination of evidence has an answer. */
#include <errno.h>
#include <string.h>

#include "common.h"

static const struct {
	const char *row;
	struct df_evidence evidence;
	enum df_verdict verdict;
} cases[] = {
	{"any: device removed", {.wait = -ENODEV, .marked = true}, DF_DEVICE_GONE},
	{"any: not over", {.wait = -EBUSY}, DF_RUNNING},
	{"7.2: timed out, its ring was reset", {.wait = -ETIME, .reset = {.reset = true}}, DF_GUILTY_RESET},
	{"7.2: timed out, the device was reset",
	 {.wait = -ETIME, .reset = {.reset = true, .memory_lost = true}},
	 DF_GUILTY_RESET},
	{"6.12: waves killed", {.wait = -ENODATA, .marked = true, .reset = {.reset = true}}, DF_GUILTY_RESET},
	{"6.1, 6.12: guilty context",
	 {.wait = -ECANCELED, .first = true, .reset = {.reset = true, .guilty = true, .memory_lost = true}},
	 DF_GUILTY_RESET},
	{"any: memory lost", {.wait = -ECANCELED, .reset = {.reset = true, .memory_lost = true}}, DF_MEMORY_LOST},
	{"any: memory lost", {.marked = true, .reset = {.memory_lost = true}}, DF_MEMORY_LOST},
	/* The guilt of a context is not that of each of its jobs. */
	{"any: cancelled by a reset",
	 {.wait = -ECANCELED, .reset = {.reset = true, .guilty = true}},
	 DF_INNOCENT_RESET},
	{"7.2: cancelled with its queue",
	 {.wait = -ECANCELED, .first = true, .reset = {.reset = true}, .spares_others = true, .behind = true},
	 DF_GUILTY_RESET},
	/* With none behind it, it would have been told of as timed out. */
	{"any: cancelled by a reset",
	 {.wait = -ECANCELED, .first = true, .reset = {.reset = true}, .spares_others = true},
	 DF_INNOCENT_RESET},
	{"any: cancelled by a reset",
	 {.wait = -ECANCELED, .reset = {.reset = true}, .spares_others = true},
	 DF_INNOCENT_RESET},
	{"any: failed", {.wait = -EIO}, DF_INNOCENT_RESET},
	{"any: success without the marker", {.wait = 0}, DF_INNOCENT_RESET},
	{"6.1, 7.2: success beside a reset", {.marked = true, .reset = {.reset = true}}, DF_INNOCENT_RESET},
	{"6.12, 7.2: page fault", {.marked = true, .page_fault = true}, DF_GUILTY_RESET},
	{"any: done", {.marked = true}, DF_DONE},
};

START_TEST(test_rows)
{
	bool seen[64] = {false};

	ck_assert_uint_le(df_verdict_rows(), 64);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned row;
		struct df_ruling ruling = df_verdict(&cases[i].evidence, &row);

		ck_assert_str_eq(df_verdict_row_name(row), cases[i].row);
		ck_assert_int_eq(ruling.verdict, cases[i].verdict);
		ck_assert_ptr_nonnull(ruling.why);
		seen[row] = true;
	}
	for (unsigned row = 0; row < df_verdict_rows(); row++)
		ck_assert_msg(seen[row], "no case for %s", df_verdict_row_name(row));
	ck_assert_ptr_null(df_verdict_row_name(df_verdict_rows()));
}
END_TEST

/* Done is only what nothing speaks against; a job that a restart point is believed of was ended by its own queue. */
START_TEST(test_all)
{
	static const int answers[] = {0, -EBUSY, -ENODEV, -ETIME, -ENODATA, -ECANCELED, -EIO, -EHWPOISON};

	for (unsigned a = 0; a < sizeof(answers) / sizeof(answers[0]); a++) {
		for (unsigned bits = 0; bits < 64; bits++) {
			struct df_evidence evidence = {
				.wait = answers[a],
				.marked = bits & 1,
				.first = bits & 2,
				.reset = {.reset = bits & 4, .guilty = bits & 8, .memory_lost = bits & 16},
				.page_fault = bits & 32,
			};
			bool clean = !answers[a] && (bits & 1) && !(bits & (4 | 16 | 32));
			struct df_ruling ruling = df_verdict(&evidence, NULL);

			ck_assert_int_eq(ruling.verdict == DF_DONE, clean);
			ck_assert_int_eq(ruling.exact, answers[a] == -ETIME && !(bits & 16));
		}
	}
}
END_TEST

START_TEST(test_over)
{
	ck_assert(df_journal_is_over(0));
	ck_assert(df_journal_is_over(-ETIME));
	ck_assert(!df_journal_is_over(-EBUSY));
	ck_assert(!df_journal_is_over(-ENOMEM));
	ck_assert(!df_journal_is_over(-EINVAL));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_rows, test_all, test_over};

	return RUN_TESTS("verdict", tests);
}

/* SPDX-License-Identifier: MIT */
/* The address allocator against a plain model: a map of pages. */
#include <errno.h>
#include <string.h>

#include "common.h"
#include "core/va.h"

#define PAGE  4096ull
#define PAGES 512u
#define BASE  0x100000ull

START_TEST(test_merge)
{
	const struct df_va_range ranges[] = {{BASE, BASE + 16 * PAGE}, {1ull << 47, (1ull << 47) + 4 * PAGE}};
	uint64_t a, b, c, high;
	struct df_va va;

	ck_assert_int_eq(df_va_init(&va, ranges, 2), 0);
	ck_assert_int_eq(df_va_alloc(&va, 4 * PAGE, PAGE, 0, UINT64_MAX, &a), 0);
	ck_assert_int_eq(df_va_alloc(&va, 4 * PAGE, PAGE, 0, UINT64_MAX, &b), 0);
	ck_assert_int_eq(df_va_alloc(&va, 4 * PAGE, PAGE, 0, UINT64_MAX, &c), 0);
	ck_assert_int_eq(df_va_alloc(&va, PAGE, PAGE, 1ull << 47, UINT64_MAX, &high), 0);
	ck_assert_uint_eq(a, BASE);
	ck_assert_uint_eq(b, BASE + 4 * PAGE);
	ck_assert_uint_eq(high, 1ull << 47);
	df_va_free(&va, a, 4 * PAGE);
	df_va_free(&va, c, 4 * PAGE);
	ck_assert_int_eq(df_va_alloc(&va, 12 * PAGE, PAGE, 0, 1ull << 46, &a), -ENOSPC);
	df_va_free(&va, b, 4 * PAGE);
	ck_assert_int_eq(df_va_alloc(&va, 16 * PAGE, PAGE, 0, 1ull << 46, &a), 0);
	ck_assert_uint_eq(a, BASE);
	df_va_free(&va, a, 16 * PAGE);
	df_va_free(&va, high, PAGE);
	ck_assert_uint_eq(va.count, 2);
	ck_assert_uint_eq(df_va_free_bytes(&va), 20 * PAGE);
	df_va_finish(&va);
}
END_TEST

START_TEST(test_limits)
{
	const struct df_va_range ranges[] = {{BASE, BASE + 64 * PAGE}, {UINT64_MAX - 8 * PAGE, UINT64_MAX}};
	struct df_va va;
	uint64_t at = 7;

	ck_assert_int_eq(df_va_init(&va, ranges, 2), 0);
	ck_assert_int_eq(df_va_alloc(&va, 0, PAGE, 0, UINT64_MAX, &at), -EINVAL);
	ck_assert_int_eq(df_va_alloc(&va, UINT64_MAX, PAGE, 0, UINT64_MAX, &at), -ENOSPC);
	ck_assert_int_eq(df_va_alloc(&va, PAGE, 1ull << 63, 0, UINT64_MAX, &at), -ENOSPC);
	ck_assert_int_eq(df_va_alloc(&va, 2 * PAGE, PAGE, BASE + 63 * PAGE, BASE + 100 * PAGE, &at), -ENOSPC);
	ck_assert_uint_eq(at, 7);
	ck_assert_int_eq(df_va_alloc(&va, PAGE, 32 * PAGE, BASE + 1, UINT64_MAX, &at), 0);
	ck_assert_uint_eq(at % (32 * PAGE), 0);
	df_va_finish(&va);
}
END_TEST

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

START_TEST(test_random)
{
	const struct df_va_range range = {BASE, BASE + PAGES * PAGE};
	static uint8_t used[PAGES];
	struct {
		uint64_t at, pages;
	} live[64] = {{0}};
	uint32_t state = 1;
	struct df_va va;

	memset(used, 0, sizeof(used));
	ck_assert_int_eq(df_va_init(&va, &range, 1), 0);
	for (unsigned step = 0; step < 20000; step++) {
		unsigned i = next_random(&state) % 64;

		if (live[i].pages) {
			df_va_free(&va, live[i].at, live[i].pages * PAGE);
			memset(used + (live[i].at - BASE) / PAGE, 0, live[i].pages);
			live[i].pages = 0;
			continue;
		}
		uint64_t pages = 1 + next_random(&state) % 20, align = PAGE << next_random(&state) % 4, at;

		if (df_va_alloc(&va, pages * PAGE, align, 0, UINT64_MAX, &at) < 0)
			continue;
		if (at % align || at < BASE || at + pages * PAGE > range.end)
			ck_abort_msg("step %u: address out of range or alignment", step);
		for (uint64_t p = 0; p < pages; p++)
			if (used[(at - BASE) / PAGE + p]++)
				ck_abort_msg("step %u: a page was given twice", step);
		live[i].at = at;
		live[i].pages = pages;
	}
	for (unsigned i = 0; i < 64; i++)
		if (live[i].pages)
			df_va_free(&va, live[i].at, live[i].pages * PAGE);
	ck_assert_uint_eq(va.count, 1);
	ck_assert_uint_eq(va.live, 0);
	ck_assert_uint_eq(df_va_free_bytes(&va), PAGES * PAGE);
	df_va_finish(&va);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_merge, test_limits, test_random};

	return RUN_TESTS("va", tests);
}

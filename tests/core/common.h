/* SPDX-License-Identifier: MIT */
/* common.h - what the tests of the core share: a device over the fake node, batches, leak checks, counted allocations.
 */
#ifndef TESTS_CORE_COMMON_H
#define TESTS_CORE_COMMON_H

#include <check.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/context.h"
#include "drumfire.h"
#include "fake_soft.h"

/* Every malloc, calloc, realloc and reallocarray of the program. */
extern atomic_uint allocations;

/* Fixture: fake_reset() and the fake node behind "soft". The other checks that nothing of it is left. */
void use_fake(void);
void check_nothing_left(void);
unsigned open_fds(void);

struct df_device *open_fake(void);
void close_fake(struct df_device *device);
struct df_context *new_context(struct df_device *device, uint32_t max_in_flight);
struct df_batch *new_batch(struct df_device *device); /* sealed, without launches */
struct df_fence *submit(struct df_context *context, struct df_batch *batch);

/* The call failed with this error, and its sentence holds this text. */
#define ck_fails(call, error, text)                                                                                    \
	do {                                                                                                           \
		int ck_ret_ = (call);                                                                                  \
		ck_assert_msg(ck_ret_ == -(error), "%s gave %d, expected %d", #call, ck_ret_, -(error));               \
		ck_assert_msg(strstr(df_error(), (text)), "%s: \"%s\" does not hold \"%s\"", #call, df_error(),        \
			      (text));                                                                                 \
	} while (0)
#define ck_ok(call)                                                                                                    \
	do {                                                                                                           \
		int ck_ret_ = (call);                                                                                  \
		ck_assert_msg(ck_ret_ == 0, "%s gave %d: %s", #call, ck_ret_, df_error());                             \
	} while (0)

/* Runs a suite of one case with these tests; the program's exit status. */
int run_tests(const char *name, const TTest *const *tests, unsigned count);
#define RUN_TESTS(name, tests) run_tests(name, tests, sizeof(tests) / sizeof((tests)[0]))

#endif

/* SPDX-License-Identifier: MIT */
/*
 * error.h - the thread's error sentence. A failing function writes the sentence once, where the cause is known, and
 * callers above pass the number on. Sentences name the object, what happened, and end in "Fix: ..." where the caller
 * can do something about it.
 */
#ifndef DF_CORE_ERROR_H
#define DF_CORE_ERROR_H

#include <stddef.h>

/* Stores the sentence and returns -error (error > 0): return df_fail(EINVAL, "..."). */
int df_fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Puts "text: " before the sentence there is and returns -error. */
int df_fail_within(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));
void df_error_clear(void);

/*
 * Checks an option struct of the caller against the one of this version. options must not be NULL. known is
 * sizeof(struct df_..._options). Copies what the caller has into copy (known bytes, zeroed first), so that old callers
 * with shorter structs work; refuses non-zero bytes past known (-E2BIG) and sizes that hold no size field (-EINVAL).
 */
int df_options_read(const char *what, const void *options, void *copy, size_t known);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * error.h - the thread's error sentence. A failing function writes the sentence once, where the cause is known, and
 * callers above pass the number on. Sentences name the object, what happened, and end in "Fix: ..." where the caller
 * can do something about it.
 */
#ifndef DF_CORE_ERROR_H
#define DF_CORE_ERROR_H

#include <stddef.h>

/* Both leave errno as it is. */
void df_error_write(const char *format, ...) __attribute__((format(printf, 1, 2)));
void df_error_prepend(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline int df_error_value(int err)
{
	return err;
}

/* Stores the sentence; its value is err (negative), which the compiler sees: return df_error_set(-EINVAL, "..."). */
#define df_error_set(err, ...) (df_error_write(__VA_ARGS__), df_error_value(err))
/* Puts "<text>: " before the sentence there is; its value is err. */
#define df_error_within(err, ...) (df_error_prepend(__VA_ARGS__), df_error_value(err))

/* A call that the kernel refused: appends its reason and what to do. */
#define df_error_kernel(err, ...) (df_error_write(__VA_ARGS__), df_error_append_reason(err), df_error_value(err))
void df_error_append_reason(int err);

/*
 * Reads an option struct of the caller. options may be NULL: then copy is all zero but for its size. known is
 * sizeof(struct df_..._options). Copies what the caller has, so that callers built with a shorter struct work; refuses
 * non-zero bytes past known (-E2BIG) and sizes that cannot be (-EINVAL). what names the function, "df_bo_create".
 */
int df_options_read(const char *what, const void *options, void *copy, size_t known);

#endif

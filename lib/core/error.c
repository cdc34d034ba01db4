/* SPDX-License-Identifier: MIT */
/* The last failure's sentence, one for each thread. */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "drumfire.h"

static _Thread_local char sentence[512];

int df_error_set(int err, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	return err;
}

DF_API const char *df_error(void)
{
	return sentence;
}

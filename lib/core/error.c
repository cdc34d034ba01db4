/* SPDX-License-Identifier: MIT */
/* The last failure's sentence, one for each thread. */
#include "core/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "drumfire.h"

/* No option struct is ever as long as this; a size beyond it is a variable that was never set. */
#define OPTIONS_MAX_B 4096u

static _Thread_local char sentence[512];

void df_error_write(const char *format, ...)
{
	va_list arguments;
	int saved = errno;

	va_start(arguments, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, in the line above */
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	errno = saved;
}

void df_error_prepend(const char *format, ...)
{
	char inner[sizeof(sentence)];
	va_list arguments;
	size_t used, room;
	int saved = errno;

	memcpy(inner, sentence, sizeof(inner));
	va_start(arguments, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, in the line above */
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	used = strlen(sentence);
	room = sizeof(sentence) - used - 1;
	strncat(sentence, ": ", room);
	strncat(sentence, inner, room > 2 ? room - 2 : 0);
	errno = saved;
}

static const char *fix(int err)
{
	switch (err) {
	case -ENOMEM:
	case -ENOSPC:
		return "free buffers, or end what else uses the device's memory";
	case -EACCES:
	case -EPERM:
		return "join the group of the render node (often \"render\"), or ask for less";
	case -ENODEV:
		return "the device is gone: open it again";
	default:
		return "try again; the kernel's log (dmesg) may say more";
	}
}

void df_error_append_reason(int err)
{
	size_t used = strlen(sentence);
	int saved = errno;

	snprintf(sentence + used, sizeof(sentence) - used, ": %s. Fix: %s", strerror(-err), fix(err));
	errno = saved;
}

DF_API const char *df_error(void)
{
	return sentence;
}

int df_options_read(const char *what, const void *options, void *copy, size_t known)
{
	size_t size;

	memset(copy, 0, known);
	memcpy(copy, &known, sizeof(known));
	if (!options)
		return 0;
	memcpy(&size, options, sizeof(size));
	if (size <= sizeof(size) || size > OPTIONS_MAX_B)
		return df_error_set(
			-EINVAL, "%s: options.size_B is %zu, expected %zu. Fix: initialise the options with DF_OPTIONS",
			what, size, known);
	for (size_t i = known; i < size; i++)
		if (((const unsigned char *)options)[i])
			return df_error_set(
				-E2BIG,
				"%s: options byte %zu is set and this library knows %zu bytes. Fix: use the "
				"header of this version, or clear the newer options",
				what, i, known);
	memcpy(copy, options, size < known ? size : known);
	memcpy(copy, &known, sizeof(known));
	return 0;
}

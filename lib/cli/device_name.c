/* SPDX-License-Identifier: MIT */
/* Names of devices as the command's options make them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

bool device_is_soft(const char *name)
{
	return !strcmp(name, "soft") || !strncmp(name, "soft:", 5);
}

int device_name_add(char *name, size_t size, const char *format, ...)
{
	size_t used = strlen(name);
	const char *target = strchr(name, ':');
	va_list arguments;
	int length;

	/* Options come behind a target. */
	length = snprintf(name + used, size - used, "%s", !target ? ":gfx1030," : !target[1] ? "gfx1030," : ",");
	if ((size_t)length >= size - used)
		return -ENAMETOOLONG;
	used += (size_t)length;
	va_start(arguments, format);
	length = vsnprintf(name + used, size - used, format, arguments);
	va_end(arguments);
	return length < 0 || (size_t)length >= size - used ? -ENAMETOOLONG : 0;
}

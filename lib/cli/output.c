/* SPDX-License-Identifier: MIT */
/* What the command prints for machines (JSON) and for people who wait (progress). */
#include <stdarg.h>
#include <unistd.h>

#include "cli/cli.h"

static void put_string(FILE *to, const char *text)
{
	fputc('"', to);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(to, "\\%c", c);
		else if (c < 0x20)
			fprintf(to, "\\u%04x", c);
		else
			fputc(c, to);
	}
	fputc('"', to);
}

static void put_name(struct json *json, const char *name)
{
	fputs(json->first ? "\n" : ",\n", json->to);
	json->first = false;
	for (unsigned i = 0; i < json->depth; i++)
		fputs("  ", json->to);
	if (name) {
		put_string(json->to, name);
		fputs(": ", json->to);
	}
}

void json_begin(struct json *json, FILE *to)
{
	*json = (struct json){.to = to, .first = true, .depth = 1};
	fputc('{', to);
}

void json_open(struct json *json, const char *name, char bracket)
{
	put_name(json, name);
	fputc(bracket, json->to);
	json->first = true;
	json->depth++;
}

void json_close(struct json *json, char bracket)
{
	json->depth--;
	if (!json->first) {
		fputc('\n', json->to);
		for (unsigned i = 0; i < json->depth; i++)
			fputs("  ", json->to);
	}
	fputc(bracket, json->to);
	json->first = false;
}

void json_text(struct json *json, const char *name, const char *text)
{
	put_name(json, name);
	put_string(json->to, text);
}

void json_number(struct json *json, const char *name, uint64_t value)
{
	put_name(json, name);
	fprintf(json->to, "%llu", (unsigned long long)value);
}

void json_bool(struct json *json, const char *name, bool value)
{
	put_name(json, name);
	fputs(value ? "true" : "false", json->to);
}

void json_end(struct json *json)
{
	fputs("\n}\n", json->to);
}

static bool progress_shown;

void progress_show(const char *format, ...)
{
	va_list arguments;

	if (!isatty(STDERR_FILENO))
		return;
	fputs("\r\033[K", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fflush(stderr);
	progress_shown = true;
}

void progress_clear(void)
{
	if (progress_shown)
		fputs("\r\033[K", stderr);
	progress_shown = false;
}

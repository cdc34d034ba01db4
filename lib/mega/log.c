/* SPDX-License-Identifier: MIT */
/* The debug log, and records as text. */
#include <stdio.h>
#include <string.h>

#include "mega/mega.h"

static const uint32_t *record_at(const struct df_mega_view *view, uint32_t i)
{
	return view->log + DF_RING_LOG_HEADER + (size_t)i * DF_RING_LOG_RECORD_WORDS;
}

DF_API uint32_t df_mega_log_read(const struct df_mega_view *view, struct df_ring_log_record *records, uint32_t max,
				 uint32_t *dropped_out)
{
	uint32_t asked = df_mega_load(&view->log[DF_RING_LOG_CURSOR]), complete = 0;
	uint32_t kept = asked < view->log_records ? asked : view->log_records;

	for (uint32_t i = 0; i < kept; i++) {
		const uint32_t *record = record_at(view, i);

		if (df_mega_load(&record[DF_RING_LOG_VALID]) != 1)
			continue;
		if (complete < max)
			memcpy(&records[complete], record, sizeof(*records));
		complete++;
	}
	if (dropped_out)
		*dropped_out = asked - kept;
	return complete;
}

DF_API void df_mega_log_clear(const struct df_mega_view *view)
{
	for (uint32_t i = 0; i < view->log_records; i++)
		df_mega_store(&view->log[DF_RING_LOG_HEADER + (size_t)i * DF_RING_LOG_RECORD_WORDS], 0);
	df_mega_store(&view->log[DF_RING_LOG_CURSOR], 0);
}

/* Flags, width and precision of a conversion: copied to spec, which stays short. Returns what follows, or NULL. */
static const char *read_spec(const char *format, char *spec, size_t spec_size)
{
	size_t length = strspn(format, "-+ #0123456789.");
	unsigned number = 0;

	if (length + 3 > spec_size)
		return NULL;
	for (size_t i = 0; i < length; i++) {
		number = format[i] >= '0' && format[i] <= '9' ? number * 10 + (unsigned)(format[i] - '0') : 0;
		if (number > 64)
			return NULL;
	}
	spec[0] = '%';
	memcpy(spec + 1, format, length);
	spec[length + 1] = format[length];
	spec[length + 2] = 0;
	return format[length] ? format + length + 1 : NULL;
}

/* snprintf with a checked conversion made up here. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static int put_value(char *text, size_t room, const char *spec, char conversion, uint32_t value)
{
	float number;

	switch (conversion) {
	case 'd':
	case 'i':
		return snprintf(text, room, spec, (int)value);
	case 'u':
	case 'x':
	case 'X':
		return snprintf(text, room, spec, (unsigned)value);
	case 'c':
		return snprintf(text, room, spec, value >= 32 && value < 127 ? (int)value : '?');
	case 'f':
	case 'e':
	case 'g':
		memcpy(&number, &value, sizeof(number));
		return snprintf(text, room, spec, (double)number);
	default:
		return -1;
	}
}
#pragma GCC diagnostic pop

DF_API int df_mega_log_text(const struct df_ring_log_record *record, const char *format, char *text, size_t text_size_B)
{
	size_t length = 0;
	unsigned used = 0;

	while (*format) {
		size_t room = length < text_size_B ? text_size_B - length : 0;
		char *to = room ? text + length : NULL;
		char spec[16];
		int put;

		if (*format != '%' || format[1] == '%') {
			if (room > 1)
				*to = *format;
			format += *format == '%' ? 2 : 1;
			length++;
			continue;
		}
		format = read_spec(format + 1, spec, sizeof(spec));
		if (!format || used == DF_RING_LOG_VALUES)
			return df_error_set(
				-EINVAL,
				"megakernel log: the format has a conversion that is not finished, too wide, or "
				"one of more than %u values",
				DF_RING_LOG_VALUES);
		put = put_value(to, room, spec, format[-1], record->values[used++]);
		if (put < 0)
			return df_error_set(
				-EINVAL,
				"megakernel log: '%s' is no conversion of a 32-bit value. Fix: use %%d %%i %%u "
				"%%x %%X %%c %%f %%e %%g",
				spec);
		length += (size_t)put;
	}
	if (text_size_B)
		text[length < text_size_B ? length : text_size_B - 1] = 0;
	return (int)length;
}

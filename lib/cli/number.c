/* SPDX-License-Identifier: MIT */
/* Numbers from the command line, exactly: nothing before, nothing behind, in range. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static bool is_hex(const char *text)
{
	return text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
}

static int read_unsigned(const char *text, uint64_t *value_out)
{
	const char *digits = is_hex(text) ? text + 2 : text;
	char *end;

	if (!(is_hex(text) ? isxdigit((unsigned char)*digits) : isdigit((unsigned char)*digits)))
		return -EINVAL;
	errno = 0;
	*value_out = strtoull(digits, &end, is_hex(text) ? 16 : 10);
	if (*end)
		return -EINVAL;
	return errno ? -ERANGE : 0;
}

int number_u64(const char *text, uint64_t max, uint64_t *value_out)
{
	uint64_t value;
	int ret = read_unsigned(text, &value);

	if (ret)
		return ret;
	if (value > max)
		return -ERANGE;
	*value_out = value;
	return 0;
}

/* limit: magnitude of the least value; the largest is one less. */
static int read_signed(const char *text, uint64_t limit, int64_t *value_out)
{
	bool negative = *text == '-';
	uint64_t magnitude;
	int ret = read_unsigned(text + negative, &magnitude);

	if (ret)
		return ret;
	if (magnitude > limit - !negative)
		return -ERANGE;
	*value_out = (int64_t)(negative ? -magnitude : magnitude);
	return 0;
}

int number_triple(const char *text, uint32_t triple_out[3])
{
	uint32_t triple[3] = {1, 1, 1};
	char part[24];

	for (unsigned i = 0; i < 3; i++) {
		size_t length = strcspn(text, ",");
		uint64_t value;
		int ret;

		if (length >= sizeof(part))
			return -EINVAL;
		memcpy(part, text, length);
		part[length] = 0;
		ret = number_u64(part, UINT32_MAX, &value);
		if (ret)
			return ret;
		if (!value)
			return -ERANGE;
		triple[i] = (uint32_t)value;
		if (!text[length]) {
			memcpy(triple_out, triple, sizeof(triple));
			return 0;
		}
		text += length + 1;
	}
	return -EINVAL;
}

int number_to_half(double value, uint16_t *half_out)
{
	uint16_t sign = signbit(value) ? 0x8000 : 0;
	double magnitude = fabs(value), scaled;
	int exponent;

	if (isnan(value)) {
		*half_out = sign | 0x7e00;
		return 0;
	}
	if (isinf(value)) {
		*half_out = sign | 0x7c00;
		return 0;
	}
	if (magnitude == 0) {
		*half_out = sign;
		return 0;
	}
	(void)frexp(magnitude, &exponent);
	/* Units of the last place: 2^(e-11) of a normal number, 2^-24 below. A carry runs into the exponent by itself.
	 */
	if (exponent < -13)
		exponent = -13;
	scaled = nearbyint(ldexp(magnitude, 11 - exponent));
	if (scaled == 0)
		return -ERANGE;
	uint32_t bits = exponent == -13 ? (uint32_t)scaled : ((uint32_t)(exponent + 13) << 10) + (uint32_t)scaled;
	if (bits >= 0x7c00)
		return -ERANGE;
	*half_out = (uint16_t)(sign | bits);
	return 0;
}

/* strtod and strtof skip spaces and take a plus sign; neither is exact. */
static bool starts_like_float(const char *text)
{
	if (*text == '-')
		text++;
	return isdigit((unsigned char)*text) || *text == '.' || !strcmp(text, "inf") || !strcmp(text, "nan");
}

static int read_float(const char *text, enum number_kind kind, uint8_t bytes[8])
{
	double wide;
	float narrow;
	uint16_t half;
	char *end;
	int ret = 0;

	if (!starts_like_float(text))
		return -EINVAL;
	errno = 0;
	wide = strtod(text, &end);
	if (*end)
		return -EINVAL;
	/* ERANGE also stands for a value that is small but there. */
	if (errno && (isinf(wide) || wide == 0))
		return -ERANGE;
	if (kind == NUMBER_F64) {
		memcpy(bytes, &wide, 8);
	} else if (kind == NUMBER_F32) {
		narrow = strtof(text, &end);
		if ((isinf(narrow) && !isinf(wide)) || (narrow == 0 && wide != 0))
			return -ERANGE;
		memcpy(bytes, &narrow, 4);
	} else {
		ret = number_to_half(wide, &half);
		if (!ret)
			memcpy(bytes, &half, 2);
	}
	return ret;
}

int number_parse(const char *text, enum number_kind kind, uint8_t bytes_out[8], size_t *size_out)
{
	static const size_t sizes[] = {4, 4, 8, 8, 2, 4, 8};
	uint8_t bytes[8] = {0};
	uint64_t value = 0;
	int64_t number = 0;
	int ret;

	switch (kind) {
	case NUMBER_U32:
	case NUMBER_U64:
		ret = number_u64(text, kind == NUMBER_U32 ? UINT32_MAX : UINT64_MAX, &value);
		memcpy(bytes, &value, sizeof(value));
		break;
	case NUMBER_I32:
	case NUMBER_I64:
		ret = read_signed(text, kind == NUMBER_I32 ? 1ull << 31 : 1ull << 63, &number);
		memcpy(bytes, &number, sizeof(number));
		break;
	default:
		ret = read_float(text, kind, bytes);
	}
	if (ret)
		return ret;
	memcpy(bytes_out, bytes, sizes[kind]);
	*size_out = sizes[kind];
	return 0;
}

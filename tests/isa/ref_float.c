/* SPDX-License-Identifier: MIT */
#include <fenv.h>
#include <math.h>
#include <string.h>

#include "ref.h"

static float f32(uint64_t v)
{
	uint32_t u = (uint32_t)v;
	float f;

	memcpy(&f, &u, 4);
	return f;
}

static uint64_t b32(float f)
{
	uint32_t u;

	memcpy(&u, &f, 4);
	return u;
}

static double f64(uint64_t u)
{
	double f;

	memcpy(&f, &u, 8);
	return f;
}

static uint64_t b64(double f)
{
	uint64_t u;

	memcpy(&u, &f, 8);
	return u;
}

/* Halves by the definition of the format. */
static double f16(uint64_t h)
{
	int e = h >> 10 & 31, m = h & 1023;
	double v = e == 31 ? (m ? NAN : INFINITY) : e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);

	return h & 0x8000 ? -v : v;
}

/* Nearest half to an exact value, found by stepping through all of them: ties to even. Long double holds the value. */
static uint64_t b16(long double v)
{
	uint64_t sign = signbit(v) ? 0x8000 : 0;
	unsigned low = 0, high = 0x7c00;

	if (isnan(v))
		return 0x7e00;
	v = fabsl(v);
	if (v >= 65520)
		return sign | 0x7c00;
	while (high - low > 1) {
		unsigned middle = (low + high) / 2;

		if ((long double)f16(middle) <= v)
			low = middle;
		else
			high = middle;
	}
	if (high != 0x7c00) {
		long double below = v - (long double)f16(low), above = (long double)f16(high) - v;

		if (above < below || (above == below && low & 1))
			low = high;
	} else if (v - 65504 >= 16) {
		low = high;
	}
	return sign | low;
}

static uint64_t pick(bool is_max, double a, double b, uint64_t ua, uint64_t ub)
{
	if (isnan(a))
		return isnan(b) ? ua : ub;
	if (isnan(b))
		return ua;
	if (a == b)
		return signbit(a) == (is_max ? 1 : 0) ? ub : ua;
	return (a < b) != is_max ? ua : ub;
}

static double sine(double x, bool cosine)
{
	double t = fmod(x, 1);

	if (isinf(x) || isnan(x))
		return NAN;
	if (fabs(x) > 256)
		return cosine ? 1 : 0;
	if (fmod(t * 4, 1) == 0) {
		int quarter = ((int)(t * 4) % 4 + 4 + (cosine ? 1 : 0)) % 4;

		return quarter == 1 ? 1 : quarter == 3 ? -1 : 0.0 * x;
	}
	return cosine ? (double)cosl(t * 6.28318530717958647692528676655900576839L)
		      : (double)sinl(t * 6.28318530717958647692528676655900576839L);
}

static uint64_t to_int(double v, double low, double high)
{
	if (isnan(v))
		return 0;
	v = trunc(v);
	return (uint64_t)(int64_t)(v < low ? low : v > high ? high : v);
}

#define I32(v) (to_int(v, -2147483648.0, 2147483647.0) & 0xffffffff)
#define U32(v) (to_int(v, 0, 4294967295.0) & 0xffffffff)
/* One operation: its result's type, the error it may have (in units of the last place), its value. */
#define OP(n, t, error, value)                                                                                         \
	do {                                                                                                           \
		if (!strcmp(name, n)) {                                                                                \
			o->type = t;                                                                                   \
			o->ulp = error;                                                                                \
			o->d = (value);                                                                                \
			return true;                                                                                   \
		}                                                                                                      \
	} while (0)
#define RET(n, t, value)   OP(n, t, 0, value)
#define ABOUT(n, t, value) OP(n, t, 1, value)

/* f32 denormals are flushed by transcendentals in every mode. */
static float fz(float f)
{
	return fpclassify(f) == FP_SUBNORMAL ? copysignf(0, f) : f;
}

static float fract(float a)
{
	double r = (double)a - floor((double)a);

	return isinf(a) ? NAN : (float)r >= 1 ? 0x1.fffffep-1f : (float)r;
}

static bool floats32(const char *name, const struct ref_in *in, struct ref_out *o)
{
	const uint64_t *s = in->s;
	float a = f32(s[0]), b = f32(s[1]), c = f32(s[2]);

	RET("v_add_f32", 'f', b32(a + b));
	RET("v_sub_f32", 'f', b32(a - b));
	RET("v_subrev_f32", 'f', b32(b - a));
	RET("v_mul_f32", 'f', b32(a * b));
	RET("v_mul_legacy_f32", 'f', a == 0 || b == 0 ? 0 : b32(a * b));
	RET("v_fma_f32", 'f', b32(fmaf(a, b, c)));
	RET("v_fmac_f32", 'f', b32(fmaf(a, b, c)));
	RET("v_fma_legacy_f32", 'f', b32(a == 0 || b == 0 ? 0 + c : fmaf(a, b, c)));
	RET("v_fmac_legacy_f32", 'f', b32(a == 0 || b == 0 ? 0 + c : fmaf(a, b, c)));
	RET("v_min_f32", 'f', pick(false, a, b, s[0], s[1]));
	RET("v_max_f32", 'f', pick(true, a, b, s[0], s[1]));
	RET("v_fract_f32", 'f', b32(fract(a)));
	RET("v_trunc_f32", 'f', b32((float)trunc((double)a)));
	RET("v_ceil_f32", 'f', b32((float)ceil((double)a)));
	RET("v_floor_f32", 'f', b32((float)floor((double)a)));
	RET("v_rndne_f32", 'f', b32((float)nearbyint((double)a)));
	ABOUT("v_rcp_f32", 'f', b32(fz((float)(1 / (double)fz(a)))));
	ABOUT("v_rcp_iflag_f32", 'f', b32(fz((float)(1 / (double)fz(a)))));
	ABOUT("v_rsq_f32", 'f', b32(fz((float)(1 / sqrtl(fz(a))))));
	ABOUT("v_sqrt_f32", 'f', b32((float)sqrtl(fz(a))));
	ABOUT("v_exp_f32", 'f', b32(fz((float)exp2l(fz(a)))));
	ABOUT("v_log_f32", 'f', b32(fz((float)log2l(fz(a)))));
	ABOUT("v_sin_f32", 'f', b32(fz((float)sine(fz(a), false))));
	ABOUT("v_cos_f32", 'f', b32(fz((float)sine(fz(a), true))));
	RET("v_cvt_i32_f32", 'i', I32(a));
	RET("v_cvt_u32_f32", 'i', U32(a));
	RET("v_cvt_flr_i32_f32", 'i', I32(floor((double)a)));
	RET("v_cvt_rpi_i32_f32", 'i', I32(floor((double)a + 0.5)));
	RET("v_cvt_f32_i32", 'f', b32((float)(int32_t)s[0]));
	RET("v_cvt_f32_u32", 'f', b32((float)(uint32_t)s[0]));
	RET("v_cvt_f32_ubyte0", 'f', b32((float)(s[0] & 255)));
	RET("v_cvt_f32_ubyte1", 'f', b32((float)(s[0] >> 8 & 255)));
	RET("v_cvt_f32_ubyte2", 'f', b32((float)(s[0] >> 16 & 255)));
	RET("v_cvt_f32_ubyte3", 'f', b32((float)(s[0] >> 24 & 255)));
	RET("v_cvt_off_f32_i4", 'f', b32((float)(s[0] & 8 ? (int)(s[0] & 7) - 8 : (int)(s[0] & 7)) / 16));
	RET("v_ldexp_f32", 'f',
	    b32((float)ldexp(a, (int32_t)s[1] > 600    ? 600
				: (int32_t)s[1] < -600 ? -600
						       : (int32_t)s[1])));
	return false;
}

static bool doubles(const char *name, const struct ref_in *in, struct ref_out *o)
{
	const uint64_t *s = in->s;
	double a = f64(s[0]), b = f64(s[1]), c = f64(s[2]);

	RET("v_add_f64", 'd', b64(a + b));
	RET("v_mul_f64", 'd', b64(a * b));
	RET("v_fma_f64", 'd', b64(fma(a, b, c)));
	RET("v_min_f64", 'd', pick(false, a, b, s[0], s[1]));
	RET("v_max_f64", 'd', pick(true, a, b, s[0], s[1]));
	RET("v_trunc_f64", 'd', b64(trunc(a)));
	RET("v_ceil_f64", 'd', b64(ceil(a)));
	RET("v_floor_f64", 'd', b64(floor(a)));
	RET("v_rndne_f64", 'd', b64(nearbyint(a)));
	ABOUT("v_rcp_f64", 'd', b64(1 / a));
	ABOUT("v_rsq_f64", 'd', b64((double)(1 / sqrtl(a))));
	ABOUT("v_sqrt_f64", 'd', b64(sqrt(a)));
	RET("v_cvt_i32_f64", 'i', I32(a));
	RET("v_cvt_u32_f64", 'i', U32(a));
	RET("v_cvt_f64_i32", 'd', b64((double)(int32_t)s[0]));
	RET("v_cvt_f64_u32", 'd', b64((double)(uint32_t)s[0]));
	RET("v_cvt_f32_f64", 'f', b32((float)a));
	RET("v_cvt_f64_f32", 'd', b64((double)f32(s[0])));
	RET("v_ldexp_f64", 'd',
	    b64(ldexp(a, (int32_t)s[1] > 4000    ? 4000
			 : (int32_t)s[1] < -4000 ? -4000
						 : (int32_t)s[1])));
	return false;
}

static bool halves(const char *op, uint64_t sa, uint64_t sb, uint64_t sc, struct ref_out *o)
{
	double a = f16(sa), b = f16(sb), c = f16(sc);

	o->type = 'h';
	if (!strcmp(op, "add_f16"))
		o->d = b16((long double)a + b);
	else if (!strcmp(op, "sub_f16"))
		o->d = b16((long double)a - b);
	else if (!strcmp(op, "subrev_f16"))
		o->d = b16((long double)b - a);
	else if (!strcmp(op, "mul_f16"))
		o->d = b16((long double)a * b);
	else if (!strcmp(op, "fma_f16") || !strcmp(op, "fmac_f16")) {
		/* An exact product and a sum whose lost part only matters as "a little more": 64 bits and a sticky one.
		 */
		long double p = (long double)a * b, r = p + c, e = c - (r - p) + (p - (r - (r - p)));

		o->d = b16(isfinite(r) && e != 0 ? nextafterl(r, e > 0 ? INFINITY : -INFINITY) : r);
	} else if (!strcmp(op, "min_f16"))
		o->d = pick(false, a, b, sa, sb);
	else if (!strcmp(op, "max_f16"))
		o->d = pick(true, a, b, sa, sb);
	else
		return false;
	return true;
}

static bool halves1(const char *name, uint64_t sa, uint64_t sb, struct ref_out *o)
{
	double a = f16(sa);

	ABOUT("v_rcp_f16", 'h', b16(1 / (long double)a));
	ABOUT("v_sqrt_f16", 'h', b16(sqrtl(a)));
	ABOUT("v_rsq_f16", 'h', b16(1 / sqrtl(a)));
	ABOUT("v_exp_f16", 'h', b16(exp2l(a)));
	ABOUT("v_log_f16", 'h', b16(log2l(a)));
	ABOUT("v_sin_f16", 'h', b16(sine(a, false)));
	ABOUT("v_cos_f16", 'h', b16(sine(a, true)));
	RET("v_floor_f16", 'h', b16(floor(a)));
	RET("v_ceil_f16", 'h', b16(ceil(a)));
	RET("v_trunc_f16", 'h', b16(trunc(a)));
	RET("v_rndne_f16", 'h', b16(nearbyint(a)));
	RET("v_cvt_f32_f16", 'f', b32((float)a));
	RET("v_cvt_f16_f32", 'h', b16(f32(sa)));
	RET("v_cvt_f16_u16", 'h', b16((double)(sa & 0xffff)));
	RET("v_cvt_f16_i16", 'h', b16((double)(int16_t)sa));
	RET("v_cvt_u16_f16", 'i', to_int(a, 0, 65535) & 0xffff);
	RET("v_cvt_i16_f16", 'i', to_int(a, -32768, 32767) & 0xffff);
	RET("v_ldexp_f16", 'h', b16(ldexpl(a, (int16_t)sb)));
	RET("v_pack_b32_f16", 'i', (sa & 0xffff) | (sb & 0xffff) << 16);
	return false;
}

bool ref_float(const char *name, const struct ref_in *in, struct ref_out *o)
{
	struct ref_out high;
	const uint64_t *s = in->s;

	memset(o, 0, sizeof(*o));
	memset(&high, 0, sizeof(high));
	if (!strncmp(name, "v_pk_", 5)) {
		if (!halves(name + 5, s[0] & 0xffff, s[1] & 0xffff, s[2] & 0xffff, o))
			return false;
		halves(name + 5, s[0] >> 16 & 0xffff, s[1] >> 16 & 0xffff, s[2] >> 16 & 0xffff, &high);
		o->d |= high.d << 16;
		o->type = 'p';
		return true;
	}
	return floats32(name, in, o) || doubles(name, in, o) ||
	       halves(name + 2, s[0] & 0xffff, s[1] & 0xffff, s[2] & 0xffff, o) || halves1(name, s[0], s[1], o);
}

static bool relation(const char *op, bool unordered, int order)
{
	if (!strcmp(op, "f"))
		return false;
	if (!strcmp(op, "t") || !strcmp(op, "tru"))
		return true;
	if (!strcmp(op, "o"))
		return !unordered;
	if (!strcmp(op, "u"))
		return unordered;
	if (!strcmp(op, "ne") || !strcmp(op, "neq"))
		return unordered || order != 0;
	if (op[0] == 'n')
		return !relation(op + 1, unordered, order);
	if (unordered)
		return false;
	return (!strcmp(op, "lt") && order < 0) || (!strcmp(op, "le") && order <= 0) ||
	       (!strcmp(op, "eq") && order == 0) || (!strcmp(op, "gt") && order > 0) ||
	       (!strcmp(op, "ge") && order >= 0) || (!strcmp(op, "lg") && order != 0);
}

static bool in_class(uint64_t v, unsigned width, uint64_t mask)
{
	unsigned m = width == 16 ? 10 : width == 32 ? 23 : 52, e = width - 1 - m;
	uint64_t exponent = v >> m & ((1ull << e) - 1), mantissa = v & ((1ull << m) - 1);
	bool negative = v >> (width - 1) & 1;
	unsigned bit;

	if (exponent == (1ull << e) - 1)
		bit = mantissa ? (mantissa >> (m - 1) ? 1 : 0) : negative ? 2 : 9;
	else if (exponent)
		bit = negative ? 3 : 8;
	else if (mantissa)
		bit = negative ? 4 : 7;
	else
		bit = negative ? 5 : 6;
	return mask >> bit & 1;
}

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b) ? 1 : 0)

bool ref_compare(const char *name, const struct ref_in *in, struct ref_out *o)
{
	char op[16];
	const char *type = strrchr(name, '_');
	uint64_t a = in->s[0], b = in->s[1];
	double x, y;

	memset(o, 0, sizeof(*o));
	if (strncmp(name, "v_cmp", 5) || !type)
		return false;
	name = strchr(name + 2, '_') + 1;
	memset(op, 0, sizeof(op));
	memcpy(op, name, (size_t)(type - name));
	type++;
	if (!strcmp(op, "class")) {
		o->mask = in_class(a, type[1] == '1' ? 16 : type[1] == '3' ? 32 : 64, b);
		return true;
	}
	if (type[0] == 'f') {
		x = type[1] == '1' ? f16(a & 0xffff) : type[1] == '3' ? (double)f32(a) : f64(a);
		y = type[1] == '1' ? f16(b & 0xffff) : type[1] == '3' ? (double)f32(b) : f64(b);
		o->mask = relation(op, isnan(x) || isnan(y), ORDER(x, y));
	} else if (!strcmp(type, "i16")) {
		o->mask = relation(op, false, ORDER((int16_t)a, (int16_t)b));
	} else if (!strcmp(type, "u16")) {
		o->mask = relation(op, false, ORDER((uint16_t)a, (uint16_t)b));
	} else if (!strcmp(type, "i32")) {
		o->mask = relation(op, false, ORDER((int32_t)a, (int32_t)b));
	} else if (!strcmp(type, "u32")) {
		o->mask = relation(op, false, ORDER((uint32_t)a, (uint32_t)b));
	} else if (!strcmp(type, "i64")) {
		o->mask = relation(op, false, ORDER((int64_t)a, (int64_t)b));
	} else {
		o->mask = relation(op, false, ORDER(a, b));
	}
	return true;
}

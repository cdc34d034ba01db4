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

static uint64_t pick3(bool is_max, const uint64_t *s)
{
	uint64_t r = pick(is_max, (double)f32(s[0]), (double)f32(s[1]), s[0], s[1]);

	return pick(is_max, (double)f32(r), (double)f32(s[2]), r, s[2]);
}

/* Middle of three codes of floats with bits bits, by value, -0 below +0. */
static uint64_t middle(const uint64_t *s, unsigned bits)
{
	int64_t v[3], sign = 1ll << (bits - 1);

	for (unsigned i = 0; i < 3; i++)
		v[i] = s[i] & (uint64_t)sign ? -(int64_t)(s[i] & (uint64_t)(sign - 1)) - 1 : (int64_t)s[i];
	for (unsigned i = 0; i < 3; i++) {
		int64_t a = v[(i + 1) % 3], b = v[(i + 2) % 3];

		if ((a <= v[i] && v[i] <= b) || (b <= v[i] && v[i] <= a))
			return s[i];
	}
	return 0;
}

/* What v_div_fixup makes of the quotient q; m mantissa bits of w (RDNA2 ISA manual, V_DIV_FIXUP_F32). */
static uint64_t fixup(const uint64_t *s, unsigned w, unsigned m, int least)
{
	uint64_t top = 1ull << (w - 1), inf = (top - 1) >> m << m, den = s[1] & (top - 1), num = s[2] & (top - 1);
	uint64_t sign = (s[1] ^ s[2]) & top;

	if (num > inf)
		return s[2];
	if (den > inf)
		return s[1];
	if ((!num && !den) || (num == inf && den == inf))
		return top | inf | 1ull << (m - 1);
	if (!den || num == inf)
		return sign | inf;
	if (!num || den == inf || (int)(num >> m) - (int)(den >> m) < least)
		return sign;
	/* An overflow on the way leaves no number in q (the half's way goes through single precision and does not). */
	if (w > 16 && (s[0] & (top - 1)) > inf)
		return sign | inf;
	return sign | (s[0] & (top - 1));
}

static uint64_t norm(double v, double low, double scale)
{
	v = isnan(v) ? 0 : v < low ? low : v > 1 ? 1 : v;
	return (uint64_t)(int64_t)rint(v * scale) & 0xffff;
}

/* Toward zero: the nearest half, one back when that is further out. */
static uint64_t b16_down(float v)
{
	uint64_t h = b16(v);

	if (isnan(v) || isinf(v))
		return h;
	if ((h & 0x7fff) == 0x7c00)
		return h - 1;
	return fabs(f16(h)) > (double)fabsf(v) ? h - 1 : h;
}

/* Face of a cube map that a direction meets: 0 x, 1 y, 2 z; of equal ones z, then y. */
static int axis(float a, float b, float c)
{
	float x = fabsf(a), y = fabsf(b), z = fabsf(c);

	return z >= x && z >= y ? 2 : y >= x ? 1 : 0;
}

static bool cubes(const char *name, const uint64_t *s, struct ref_out *o)
{
	float v[3] = {f32(s[0]), f32(s[1]), f32(s[2])}, a = v[0], b = v[1], c = v[2];
	int on = axis(a, b, c);
	bool down = v[on] < 0;

	RET("v_cubeid_f32", 'f', b32((float)(2 * on + down)));
	RET("v_cubema_f32", 'f', b32(2 * v[on]));
	RET("v_cubesc_f32", 'f', b32(on == 2 ? (down ? -a : a) : on == 1 ? a : down ? c : -c));
	RET("v_cubetc_f32", 'f', b32(on != 1 ? -b : down ? -c : c));
	return false;
}

static uint64_t mullit(const uint64_t *s)
{
	float a = f32(s[0]), b = f32(s[1]), c = f32(s[2]);

	if (isnan(b) || b <= -0x1.fffffep127f || isnan(c) || c <= 0)
		return 0xff7fffff;
	return a == 0 || b == 0 ? 0 : b32(a * b);
}

static bool exact32(const char *name, const uint64_t *s, struct ref_out *o)
{
	float a = f32(s[0]), b = f32(s[1]);
	bool odd = isnan(a) || isinf(a), zero = a == 0, any_nan = isnan(a) || isnan(b) || isnan(f32(s[2]));

	RET("v_frexp_exp_i32_f32", 'i', odd || zero ? 0 : (uint32_t)(ilogbf(a) + 1));
	RET("v_frexp_mant_f32", 'f', odd || zero ? s[0] : b32(scalbnf(a, -ilogbf(a) - 1)));
	RET("v_min3_f32", 'f', pick3(false, s));
	RET("v_max3_f32", 'f', pick3(true, s));
	RET("v_med3_f32", 'f', any_nan ? pick3(false, s) : middle(s, 32));
	RET("v_div_fixup_f32", 'f', fixup(s, 32, 23, -150));
	RET("v_mullit_f32", 'f', mullit(s));
	RET("v_cvt_pkrtz_f16_f32", 'p', b16_down(a) | b16_down(b) << 16);
	RET("v_cvt_pknorm_i16_f32", 'i', norm((double)a, -1, 32767) | norm((double)b, -1, 32767) << 16);
	RET("v_cvt_pknorm_u16_f32", 'i', norm((double)a, 0, 65535) | norm((double)b, 0, 65535) << 16);
	RET("v_cvt_pk_u8_f32", 'i',
	    (s[2] & ~(255ull << 8 * (s[1] & 3)) & 0xffffffff) |
		    (to_int(isnan(a) ? 0 : nearbyint((double)a), 0, 255) << 8 * (s[1] & 3)));
	return false;
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
	return exact32(name, s, o) || cubes(name, s, o);
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
	RET("v_frexp_exp_i32_f64", 'i', isnan(a) || isinf(a) || a == 0 ? 0 : (uint32_t)(ilogb(a) + 1));
	RET("v_frexp_mant_f64", 'd', isnan(a) || isinf(a) || a == 0 ? s[0] : b64(scalbn(a, -ilogb(a) - 1)));
	RET("v_fract_f64", 'd', b64(isinf(a) ? NAN : fmin(a - floor(a), 0x1.fffffffffffffp-1) + (isnan(a) ? NAN : 0)));
	RET("v_div_fixup_f64", 'd', fixup(s, 64, 52, -1075));
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

static uint64_t pick3_16(bool is_max, const uint64_t *s)
{
	uint64_t r = pick(is_max, f16(s[0]), f16(s[1]), s[0], s[1]);

	return pick(is_max, f16(r), f16(s[2]), r, s[2]);
}

static bool halves3(const char *name, const uint64_t *from, struct ref_out *o)
{
	const uint64_t s[3] = {from[0] & 0xffff, from[1] & 0xffff, from[2] & 0xffff};
	double a = f16(s[0]), b = f16(s[1]);
	bool odd = isnan(a) || isinf(a) || a == 0, any_nan = isnan(a) || isnan(b) || isnan(f16(s[2]));

	RET("v_min3_f16", 'h', pick3_16(false, s));
	RET("v_max3_f16", 'h', pick3_16(true, s));
	RET("v_med3_f16", 'h', any_nan ? pick3_16(false, s) : middle(s, 16));
	RET("v_div_fixup_f16", 'h', fixup(s, 16, 10, -1000));
	RET("v_frexp_exp_i16_f16", 'i', odd ? 0 : (uint64_t)(ilogb(a) + 1) & 0xffff);
	RET("v_frexp_mant_f16", 'h', odd ? s[0] : b16(scalbn(a, -ilogb(a) - 1)));
	RET("v_fract_f16", 'h',
	    isnan(a) || isinf(a)          ? 0x7e00
	    : b16(a - floor(a)) == 0x3c00 ? 0x3bff
					  : b16(a - floor(a)));
	RET("v_cvt_norm_i16_f16", 'i', norm(a, -1, 32767));
	RET("v_cvt_norm_u16_f16", 'i', norm(a, 0, 65535));
	RET("v_cvt_pknorm_i16_f16", 'i', norm(a, -1, 32767) | norm(b, -1, 32767) << 16);
	RET("v_cvt_pknorm_u16_f16", 'i', norm(a, 0, 65535) | norm(b, 0, 65535) << 16);
	return false;
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
	       halves(name + 2, s[0] & 0xffff, s[1] & 0xffff, s[2] & 0xffff, o) || halves1(name, s[0], s[1], o) ||
	       halves3(name, s, o);
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

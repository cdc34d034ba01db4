/* SPDX-License-Identifier: MIT */
/*
 * lanes_f64.h - f64 lane functions. Included by lanes_f64_*.c. Denormal flush is done outside.
 */
#include "gpu/isa/lanes_float.h"

#define D_LOOP(name, to_type, sources, ...)                                                                            \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		to_type *d = v->d;                                                                                     \
		bool ieee = v->mode & GPU_MODE_IEEE;                                                                   \
		sources(void) ieee;                                                                                    \
		LANES                                                                                                  \
		{                                                                                                      \
			__VA_ARGS__                                                                                    \
		}                                                                                                      \
	}
#define SRC_D SRC64(a);
#define SRC_DD                                                                                                         \
	SRC64(a);                                                                                                      \
	SRC64(b);
#define SRC_DDD                                                                                                        \
	SRC64(a);                                                                                                      \
	SRC64(b);                                                                                                      \
	SRC64(c);
#define SRC_W SRC32(a);
#define SRC_DW                                                                                                         \
	SRC64(a);                                                                                                      \
	SRC32(b);
#define DOUBLE1(name, value)                                                                                           \
	D_LOOP(name, uint64_t, SRC_D, uint64_t ua = a_[i]; double a = gpu_f64(ua); (void)a;                            \
	       d[i] = nan2_64(gpu_f64_bits(value), ua, ua);)
#define DOUBLE2(name, value)                                                                                           \
	D_LOOP(name, uint64_t, SRC_DD, uint64_t ua = a_[i], ub = b_[i]; double a = gpu_f64(ua), b = gpu_f64(ub);       \
	       d[i] = nan2_64(gpu_f64_bits(value), ua, ub);)
#define FROM_INT(name, value) D_LOOP(name, uint64_t, SRC_W, uint32_t a = a_[i]; d[i] = gpu_f64_bits(value);)
#define TO_INT(name, value)   D_LOOP(name, uint32_t, SRC_D, double a = gpu_f64(a_[i]); d[i] = (uint32_t)(value);)

static inline uint64_t fmin64(uint64_t a, uint64_t b, bool ieee)
{
	double x = gpu_f64(a), y = gpu_f64(b);
	uint64_t r = x < y ? a : x > y ? b : a | b;

	r = isnan64(b) ? a : r;
	r = isnan64(a) ? b : r;
	r = isnan64(a) & isnan64(b) ? a | QUIET64 : r;
	r = ieee & issnan64(b) ? b | QUIET64 : r;
	return ieee & issnan64(a) ? a | QUIET64 : r;
}

static inline uint64_t fmax64(uint64_t a, uint64_t b, bool ieee)
{
	double x = gpu_f64(a), y = gpu_f64(b);
	uint64_t r = x > y ? a : x < y ? b : a & b;

	r = isnan64(b) ? a : r;
	r = isnan64(a) ? b : r;
	r = isnan64(a) & isnan64(b) ? a | QUIET64 : r;
	r = ieee & issnan64(b) ? b | QUIET64 : r;
	return ieee & issnan64(a) ? a | QUIET64 : r;
}

static inline uint32_t to_u32(double f)
{
	return f >= 0x1p32 ? 0xffffffff : f > 0 ? (uint32_t)(int64_t)f : 0;
}

static inline uint32_t to_i32(double f)
{
	return f >= 0x1p31 ? 0x7fffffff : f <= -0x1p31 ? 0x80000000 : f == f ? (uint32_t)(int32_t)f : 0;
}

static inline double fract(double x)
{
	double r = x - floor(x);

	return r >= 1 ? 0x1.fffffffffffffp-1 : isinf(x) ? NAN : r;
}

/* To nearest even in every rounding mode. */
static inline double rndne(double x)
{
	double t = trunc(x), r = fabs(x - t), away = t + copysign(1, x);
	int odd = fmod(t, 2) != 0;

	return copysign(!(fabs(x) < 0x1p52) ? x : r > 0.5 || (r == 0.5 && odd) ? away : t, x);
}

static inline double mantissa(double x)
{
	int e;

	return isinf(x) || isnan(x) ? x : frexp(x, &e);
}

static inline uint32_t exponent(double x)
{
	int e = 0;

	if (isinf(x) || isnan(x))
		return 0;
	frexp(x, &e);
	return (uint32_t)e;
}

static inline double ldexp64(double x, uint32_t n)
{
	int32_t e = (int32_t)n < -4000 ? -4000 : (int32_t)n > 4000 ? 4000 : (int32_t)n;

	return ldexp(x, e);
}

static inline uint64_t div_fixup64(uint64_t q, uint64_t den, uint64_t num)
{
	uint64_t sign = (den ^ num) & SIGN64, dm = den & ~SIGN64, nm = num & ~SIGN64, inf = 0x7ff0000000000000;
	int64_t de = (int64_t)(dm >> 52), ne = (int64_t)(nm >> 52);

	if (isnan64(num))
		return num | QUIET64;
	if (isnan64(den))
		return den | QUIET64;
	if ((!dm && !nm) || (dm == inf && nm == inf))
		return 0xfff8000000000000;
	if (!dm || nm == inf)
		return sign | inf;
	if (dm == inf || !nm)
		return sign;
	if (ne - de < -1075)
		return sign;
	if (isnan64(q)) /* as in div_fixup32() */
		return sign | inf;
	return sign | (q & ~SIGN64);
}

DOUBLE1(trunc_f64, trunc(a))
DOUBLE1(ceil_f64, ceil(a))
DOUBLE1(floor_f64, floor(a))
DOUBLE1(rndne_f64, rndne(a))
DOUBLE1(fract_f64, fract(a))
DOUBLE1(rcp_f64, 1 / a)
DOUBLE1(rsq_f64, 1 / sqrt(a))
DOUBLE1(sqrt_f64, sqrt(a))
DOUBLE1(frexp_mant_f64, mantissa(a))
DOUBLE2(add_f64, a + b)
DOUBLE2(mul_f64, a *b)
D_LOOP(min_f64, uint64_t, SRC_DD, d[i] = fmin64(a_[i], b_[i], ieee);)
D_LOOP(max_f64, uint64_t, SRC_DD, d[i] = fmax64(a_[i], b_[i], ieee);)
#ifdef LANES_HAVE_FMA
#define FMA64(x, y, z) __builtin_fma(x, y, z)
#else
#define FMA64(x, y, z) fma(x, y, z)
#endif
D_LOOP(fma_f64, uint64_t, SRC_DDD,
       d[i] = nan3_64(gpu_f64_bits(FMA64(gpu_f64(a_[i]), gpu_f64(b_[i]), gpu_f64(c_[i]))), a_[i], b_[i], c_[i]);)
D_LOOP(div_fixup_f64, uint64_t, SRC_DDD, d[i] = div_fixup64(a_[i], b_[i], c_[i]);)
D_LOOP(ldexp_f64, uint64_t, SRC_DW, d[i] = nan2_64(gpu_f64_bits(ldexp64(gpu_f64(a_[i]), b_[i])), a_[i], a_[i]);)
FROM_INT(cvt_f64_i32, (double)(int32_t)a)
FROM_INT(cvt_f64_u32, (double)a)
TO_INT(cvt_i32_f64, to_i32(a))
TO_INT(cvt_u32_f64, to_u32(a))
TO_INT(frexp_exp_i32_f64, exponent(a))

static inline uint32_t narrow_nan(uint64_t u)
{
	return (uint32_t)(u >> 32 & 0x80000000) | 0x7fc00000 | (uint32_t)(u >> 29 & 0x3fffff);
}

static inline uint64_t widen_nan(uint32_t u)
{
	return (uint64_t)(u & 0x80000000) << 32 | 0x7ff8000000000000 | (uint64_t)(u & 0x3fffff) << 29;
}

D_LOOP(cvt_f32_f64, uint32_t, SRC_D, d[i] = isnan64(a_[i]) ? narrow_nan(a_[i]) : gpu_f32_bits((float)gpu_f64(a_[i]));)
D_LOOP(cvt_f64_f32, uint64_t, SRC_W, d[i] = isnan32(a_[i]) ? widen_nan(a_[i]) : gpu_f64_bits((double)gpu_f32(a_[i]));)

/* Denominator b, numerator c, a one of them; scaled by 2^128 (RDNA2 ISA, V_DIV_SCALE_F64). */
static uint64_t div_scale64(uint64_t ua, uint64_t ub, uint64_t uc, uint32_t *scaled_out)
{
	double a = gpu_f64(ua), b = gpu_f64(ub), c = gpu_f64(uc);
	int64_t eb = (int64_t)(ub >> 52 & 2047), ec = (int64_t)(uc >> 52 & 2047);
	uint64_t low = 0x0010000000000000, up = gpu_f64_bits(ldexp(a, 128)), down = gpu_f64_bits(ldexp(a, -128));
	int denormal_r = (gpu_f64_bits(1 / b) & ~SIGN64) < low, denormal_q = (gpu_f64_bits(c / b) & ~SIGN64) < low;

	*scaled_out = 0;
	if (!(ub << 1) || !(uc << 1))
		return NAN64;
	if (ec - eb >= 768) {
		*scaled_out = 1;
		return ua == ub ? up : ua;
	}
	if ((ub & ~SIGN64) < low)
		return up;
	if (denormal_r && denormal_q) {
		*scaled_out = 1;
		return ua == ub ? down : ua;
	}
	if (denormal_r)
		return down;
	if (denormal_q) {
		*scaled_out = 1;
		return ua == uc ? up : ua;
	}
	return ec <= 53 ? up : ua;
}

static void lane_div_scale_f64(struct gpu_lanes *v)
{
	uint64_t *d = v->d;
	uint32_t out = 0;
	SRC64(a);
	SRC64(b);
	SRC64(c);

	for (unsigned i = 0; i < 32; i++) {
		uint32_t scaled;

		d[i] = div_scale64(a_[i], b_[i], c_[i], &scaled);
		out |= scaled << i;
	}
	v->mask_out = out;
}

/* As fmas_down32(). Near a quotient c and r differ by a step of refinement, so that their difference is exact. */
static double fmas_down64(double r, double a, double b, double c)
{
	double d = r * 0x1p-128, back = d * 0x1p128, halfway = fabs(r - back), rest = fma(a, b, c - r);

	if (halfway != 0x1p-947 || rest == 0 || (rest > 0) == (back > r))
		return d;
	return rest > 0 ? d + 0x1p-1074 : d - 0x1p-1074;
}

static void lane_div_fmas_f64(struct gpu_lanes *v)
{
	uint64_t *d = v->d;
	SRC64(a);
	SRC64(b);
	SRC64(c);

	for (unsigned i = 0; i < 32; i++) {
		double r = fma(gpu_f64(a_[i]), gpu_f64(b_[i]), gpu_f64(c_[i]));

		if (v->mask_in >> i & 1)
			r = (c_[i] >> 52 & 2047) > 1023
				    ? r * 0x1p128
				    : fmas_down64(r, gpu_f64(a_[i]), gpu_f64(b_[i]), gpu_f64(c_[i]));
		d[i] = nan3_64(gpu_f64_bits(r), a_[i], b_[i], c_[i]);
	}
}

/*
 * 2/pi as a binary fraction of 1201 bits; v_trig_preop gives 53 of them, segment b, scaled so that multiplying by a
 * large a keeps its weight (RDNA2 ISA, V_TRIG_PREOP_F64).
 */
static const uint32_t two_over_pi[] = {
	0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561,
	0xb7246e3a, 0x424dd2e0, 0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e, 0xe88235f5, 0x2ebb4484,
	0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b, 0xbdf9283b, 0x1ff897ff, 0xde05980f,
	0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7, 0x4f463f66, 0x9e5fea2d, 0x7527bac7, 0xebe5f17b,
	0x3d0739f7, 0x8a5292ea, 0x6bfb5fb1, 0x1f8d5d08, 0x56033046, 0xfc7b6bab,
};
#define TWO_OVER_PI_BITS 1201

static inline uint64_t pi_bit(unsigned at)
{
	return at < TWO_OVER_PI_BITS ? two_over_pi[at / 32] >> (31 - at % 32) & 1 : 0;
}

static double trig_preop(double a, uint32_t b)
{
	unsigned segment = b & 31, e = (unsigned)(gpu_f64_bits(a) >> 52 & 2047), shift = segment * 53;
	uint64_t bits = 0;
	int32_t scale;

	if (e > 1077)
		shift += e - 1077;
	scale = -53 - (int32_t)shift;
	for (unsigned n = 0; n < 53; n++)
		bits = bits << 1 | pi_bit(shift + n);
	if (e >= 1968)
		scale += 128;
	return ldexp((double)bits, scale);
}
D_LOOP(trig_preop_f64, uint64_t, SRC_DW, d[i] = gpu_f64_bits(trig_preop(gpu_f64(a_[i]), b_[i]));)

const gpu_lane_fn LANE_TABLE(f64)[] = {GPU_LANES_F64(LANE_ROW)};

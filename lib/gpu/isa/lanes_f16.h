/* SPDX-License-Identifier: MIT */
/*
 * lanes_f16.h - f16 lane functions. Included by lanes_f16_*.c. Denormal flush is done outside.
 */
#include "gpu/isa/lanes_half.h"

#define H_LOOP1(name, expr)                                                                                            \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		uint32_t *d = v->d;                                                                                    \
		unsigned round = v->round;                                                                             \
		SRC32(a);                                                                                              \
		LANES                                                                                                  \
		{                                                                                                      \
			uint32_t a = a_[i];                                                                            \
			(void)round;                                                                                   \
			d[i] = (uint32_t)(expr);                                                                       \
		}                                                                                                      \
	}
#define H_LOOP2(name, expr)                                                                                            \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		uint32_t *d = v->d;                                                                                    \
		unsigned round = v->round;                                                                             \
		bool ieee = v->mode & GPU_MODE_IEEE;                                                                   \
		SRC32(a);                                                                                              \
		SRC32(b);                                                                                              \
		LANES                                                                                                  \
		{                                                                                                      \
			uint32_t a = a_[i], b = b_[i];                                                                 \
			(void)round, (void)ieee;                                                                       \
			d[i] = (uint32_t)(expr);                                                                       \
		}                                                                                                      \
	}
#define H_LOOP3(name, expr)                                                                                            \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		uint32_t *d = v->d;                                                                                    \
		unsigned round = v->round;                                                                             \
		bool ieee = v->mode & GPU_MODE_IEEE;                                                                   \
		SRC32(a);                                                                                              \
		SRC32(b);                                                                                              \
		SRC32(c);                                                                                              \
		LANES                                                                                                  \
		{                                                                                                      \
			uint32_t a = a_[i], b = b_[i], c = c_[i];                                                      \
			(void)round, (void)ieee;                                                                       \
			d[i] = (uint32_t)(expr);                                                                       \
		}                                                                                                      \
	}
#define H(x)            gpu_half_value(x)
#define R(x)            gpu_half_round(x, round)
#define HALF1(n, value) H_LOOP1(n, nan2_16(R(value), a, a))

static inline double half_rndne(double x)
{
	double t = trunc(x), r = fabs(x - t), away = t + copysign(1, x);
	int odd = fmod(t, 2) != 0;

	return copysign(!(fabs(x) < 0x1p20) ? x : r > 0.5 || (r == 0.5 && odd) ? away : t, x);
}

static inline double half_fract(double x)
{
	return isinf(x) ? NAN : x - floor(x);
}

/* x - floor(x) is below 1 however it is rounded. */
static inline uint32_t half_below_one(uint32_t h)
{
	return h == 0x3c00 ? 0x3bff : h;
}

static inline uint32_t half_to_u16(double f)
{
	return f >= 65535 ? 65535 : f > 0 ? (uint32_t)f : 0;
}

static inline uint32_t half_to_i16(double f)
{
	return (uint32_t)(f >= 32767 ? 32767 : f <= -32768 ? -32768 : f == f ? (int32_t)f : 0) & 0xffff;
}

static inline uint32_t half_mant(uint32_t a)
{
	int e;

	if ((a & 0x7c00) == 0x7c00)
		return isnan16(a) ? a | QUIET16 : a;
	return gpu_half_round(frexp(gpu_half_value(a), &e), 0);
}

static inline uint32_t half_exp(uint32_t a)
{
	int e = 0;

	if ((a & 0x7c00) == 0x7c00)
		return 0;
	frexp(gpu_half_value(a), &e);
	return (uint32_t)e & 0xffff;
}

static inline uint32_t norm_i16(double f)
{
	double c = f > 1 ? 1 : f < -1 ? -1 : f == f ? f : 0;

	return (uint32_t)(int32_t)rint(c * 32767) & 0xffff;
}

static inline uint32_t norm_u16(double f)
{
	double c = f > 1 ? 1 : f > 0 ? f : 0;

	return (uint32_t)(int32_t)rint(c * 65535) & 0xffff;
}

static inline double half_ldexp(double x, uint32_t n)
{
	int32_t e = s16(n);

	return x * pow2(e < -100 ? -100 : e > 100 ? 100 : e);
}

static inline uint32_t narrow(uint32_t u, unsigned round)
{
	uint32_t nan = (u >> 16 & 0x8000) | 0x7e00 | (u >> 13 & 0x1ff);

	return isnan32(u) ? nan : gpu_half_round((double)gpu_f32(u), round);
}

static inline uint32_t half_div_fixup(uint32_t q, uint32_t den, uint32_t num)
{
	uint32_t sign = (den ^ num) & 0x8000, dm = den & 0x7fff, nm = num & 0x7fff;

	if (isnan16(num))
		return num | QUIET16;
	if (isnan16(den))
		return den | QUIET16;
	if ((!dm && !nm) || (dm == 0x7c00 && nm == 0x7c00))
		return 0xfe00;
	if (!dm || nm == 0x7c00)
		return sign | 0x7c00;
	if (dm == 0x7c00 || !nm)
		return sign;
	return sign | (q & 0x7fff);
}

static inline uint32_t half_med(uint32_t a, uint32_t b, uint32_t c, bool ieee)
{
	uint32_t least = half_min(half_min(a, b, ieee), c, ieee);
	uint32_t m = half_max(half_min(a, b, ieee), half_min(half_max(a, b, ieee), c, ieee), ieee);

	return isnan16(a) | isnan16(b) | isnan16(c) ? least : m;
}

H_LOOP1(cvt_f16_f32_any, narrow(a, round))
static void lane_cvt_f16_f32(struct gpu_lanes *v)
{
#ifdef LANES_HAVE_FMA
	/* The host rounds to nearest even alike, and keeps the same bits of a NaN. */
	const float *a = v->a;
	uint32_t *d = v->d;

	for (unsigned i = 0; i < 32 && !v->round; i += 8) {
		__m128i h = _mm256_cvtps_ph(_mm256_loadu_ps(a + i), _MM_FROUND_TO_NEAREST_INT);

		_mm256_storeu_si256((__m256i *)(void *)(d + i), _mm256_cvtepu16_epi32(h));
	}
	if (!v->round)
		return;
#endif
	lane_cvt_f16_f32_any(v);
}
H_LOOP1(cvt_f32_f16, isnan16(a) ? gpu_half_to_f32_bits(a) | QUIET32 : gpu_half_to_f32_bits(a))
H_LOOP1(cvt_f16_u16, R((double)(int32_t)u16(a)))
H_LOOP1(cvt_f16_i16, R((double)s16(a)))
H_LOOP1(cvt_u16_f16, half_to_u16(H(a)))
H_LOOP1(cvt_i16_f16, half_to_i16(H(a)))
H_LOOP1(frexp_mant_f16, half_mant(a))
H_LOOP1(frexp_exp_i16_f16, half_exp(a))
H_LOOP1(cvt_norm_i16_f16, norm_i16(H(a)))
H_LOOP1(cvt_norm_u16_f16, norm_u16(H(a)))
HALF1(rcp_f16, 1 / H(a))
HALF1(sqrt_f16, sqrt(H(a)))
HALF1(rsq_f16, 1 / sqrt(H(a)))
HALF1(log_f16, log2(H(a)))
HALF1(exp_f16, exp2(H(a)))
HALF1(floor_f16, floor(H(a)))
HALF1(ceil_f16, ceil(H(a)))
HALF1(trunc_f16, trunc(H(a)))
HALF1(rndne_f16, half_rndne(H(a)))
HALF1(sin_f16, sin_rev(H(a)))
HALF1(cos_f16, cos_rev(H(a)))
H_LOOP1(fract_f16, half_below_one(nan2_16(R(half_fract(H(a))), a, a)))

H_LOOP2(cvt_pkrtz_f16_f32, narrow(a, 3) | narrow(b, 3) << 16)
H_LOOP2(add_f16, half_add(a, b, round))
H_LOOP2(sub_f16, half_add(a, isnan16(b) ? b : b ^ 0x8000, round))
H_LOOP2(subrev_f16, nan2_16(half_add(b, isnan16(a) ? a : a ^ 0x8000, round), a, b))
H_LOOP2(mul_f16, half_mul(a, b, round))
H_LOOP2(max_f16, half_max(a, b, ieee))
H_LOOP2(min_f16, half_min(a, b, ieee))
H_LOOP2(ldexp_f16, nan2_16(R(half_ldexp(H(a), b)), a, a))
H_LOOP2(pack_b32_f16, u16(a) | b << 16)
H_LOOP2(cvt_pknorm_i16_f16, norm_i16(H(a)) | norm_i16(H(b)) << 16)
H_LOOP2(cvt_pknorm_u16_f16, norm_u16(H(a)) | norm_u16(H(b)) << 16)

H_LOOP3(fma_f16, half_fma(a, b, c, round))
H_LOOP3(fmac_f16, half_fma(a, b, c, round))
H_LOOP3(min3_f16, half_min(half_min(a, b, ieee), c, ieee))
H_LOOP3(max3_f16, half_max(half_max(a, b, ieee), c, ieee))
H_LOOP3(med3_f16, half_med(a, b, c, ieee))
H_LOOP3(div_fixup_f16, half_div_fixup(a, b, c))

const gpu_lane_fn LANE_TABLE(f16)[] = {GPU_LANES_F16(LANE_ROW)};

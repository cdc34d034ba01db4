/* SPDX-License-Identifier: MIT */
/*
 * lanes_f32.h - f32 lane functions. Included by lanes_f32_*.c.
 *
 * Each has two loops: one that keeps denormals and one that flushes those of sources and result; v->flush chooses. On
 * the long way through the ALU the flush is done outside.
 */
#include "gpu/isa/lanes_float.h"

#ifdef LANES_HAVE_FMA
#define FMA32(x, y, z) __builtin_fmaf(x, y, z)
#else
#define FMA32(x, y, z) fmaf(x, y, z)
#endif

#define IN_KEEP(x)  (x)
#define IN_FLUSH(x) flush32(x)

/* ua, ub, uc: bits; a, b, c: values. The expression gives bits. */
#define F_LOOP1(fn, expr, in)                                                                                          \
	static void fn(struct gpu_lanes *v)                                                                            \
	{                                                                                                              \
		uint32_t *d = v->d;                                                                                    \
		SRC32(a);                                                                                              \
		LANES                                                                                                  \
		{                                                                                                      \
			uint32_t ua = in(a_[i]);                                                                       \
			float a = gpu_f32(ua);                                                                         \
			(void)a;                                                                                       \
			d[i] = in((uint32_t)(expr));                                                                   \
		}                                                                                                      \
	}
#define F_LOOP2(fn, expr, in)                                                                                          \
	static void fn(struct gpu_lanes *v)                                                                            \
	{                                                                                                              \
		uint32_t *d = v->d;                                                                                    \
		bool ieee = v->mode & GPU_MODE_IEEE;                                                                   \
		SRC32(a);                                                                                              \
		SRC32(b);                                                                                              \
		LANES                                                                                                  \
		{                                                                                                      \
			uint32_t ua = in(a_[i]), ub = in(b_[i]);                                                       \
			float a = gpu_f32(ua), b = gpu_f32(ub);                                                        \
			(void)a, (void)b, (void)ieee;                                                                  \
			d[i] = in((uint32_t)(expr));                                                                   \
		}                                                                                                      \
	}
#define F_LOOP3(fn, expr, in)                                                                                          \
	static void fn(struct gpu_lanes *v)                                                                            \
	{                                                                                                              \
		uint32_t *d = v->d;                                                                                    \
		bool ieee = v->mode & GPU_MODE_IEEE;                                                                   \
		SRC32(a);                                                                                              \
		SRC32(b);                                                                                              \
		SRC32(c);                                                                                              \
		LANES                                                                                                  \
		{                                                                                                      \
			uint32_t ua = in(a_[i]), ub = in(b_[i]), uc = in(c_[i]);                                       \
			float a = gpu_f32(ua), b = gpu_f32(ub), c = gpu_f32(uc);                                       \
			(void)a, (void)b, (void)c, (void)ieee;                                                         \
			d[i] = in((uint32_t)(expr));                                                                   \
		}                                                                                                      \
	}
#define F_PICK(name)                                                                                                   \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		if (v->flush)                                                                                          \
			lane_##name##_flush(v);                                                                        \
		else                                                                                                   \
			lane_##name##_keep(v);                                                                         \
	}
#define F_DEFINE(n, name, expr)                                                                                        \
	F_LOOP##n(lane_##name##_keep, expr, IN_KEEP) F_LOOP##n(lane_##name##_flush, expr, IN_FLUSH) F_PICK(name)
/* A block whose results hold a NaN (rare) is gone over once more. */
#define NAN_LOOP1(fn)                                                                                                  \
	static void fn##_nan(const struct gpu_lanes *v, uint32_t *r)                                                   \
	{                                                                                                              \
		SRC32(a);                                                                                              \
		for (unsigned i = 0; i < 32; i++)                                                                      \
			r[i] = nan1_32(r[i], a_[i]);                                                                   \
	}
#define NAN_LOOP2(fn)                                                                                                  \
	static void fn##_nan(const struct gpu_lanes *v, uint32_t *r)                                                   \
	{                                                                                                              \
		SRC32(a);                                                                                              \
		SRC32(b);                                                                                              \
		for (unsigned i = 0; i < 32; i++)                                                                      \
			r[i] = nan2_32(r[i], a_[i], b_[i]);                                                            \
	}
#define NAN_LOOP3(fn)                                                                                                  \
	static void fn##_nan(const struct gpu_lanes *v, uint32_t *r)                                                   \
	{                                                                                                              \
		SRC32(a);                                                                                              \
		SRC32(b);                                                                                              \
		SRC32(c);                                                                                              \
		for (unsigned i = 0; i < 32; i++)                                                                      \
			r[i] = nan3_32(r[i], a_[i], b_[i], c_[i]);                                                     \
	}
#define LOAD1(in) float a = gpu_f32(in(a_[i]));
#define LOAD2(in) LOAD1(in) float b = gpu_f32(in(b_[i]));
#define LOAD3(in) LOAD2(in) float c = gpu_f32(in(c_[i]));
#define A_LOOP(n, fn, variant, value, in)                                                                              \
	static void fn##variant(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		const uint32_t *a_ = v->a, *b_ = v->b, *c_ = v->c;                                                     \
		uint32_t r[32], bad = 0;                                                                               \
		LANES                                                                                                  \
		{                                                                                                      \
			LOAD##n(in) uint32_t u = in(gpu_f32_bits(value));                                              \
			bad |= 0x7f800000 - (u & 0x7fffffff);                                                          \
			r[i] = u;                                                                                      \
		}                                                                                                      \
		if (bad >> 31)                                                                                         \
			fn##_nan(v, r);                                                                                \
		memcpy(v->d, r, sizeof(r));                                                                            \
		(void)b_, (void)c_;                                                                                    \
	}
/* Arithmetic: a value, whose NaNs are put right. */
#define A_DEFINE(n, name, value)                                                                                       \
	NAN_LOOP##n(lane_##name) A_LOOP(n, lane_##name, _keep, value, IN_KEEP)                                         \
		A_LOOP(n, lane_##name, _flush, value, IN_FLUSH) F_PICK(name)
#define FLOAT1(name, value) A_DEFINE(1, name, value)
#define FLOAT2(name, value) A_DEFINE(2, name, value)
#define FLOAT3(name, value) A_DEFINE(3, name, value)
/* Bits as they are; sources flushed as well when the mode says so. */
#define BITS1(name, bits) F_DEFINE(1, name, bits)
#define BITS2(name, bits) F_DEFINE(2, name, bits)
#define BITS3(name, bits) F_DEFINE(3, name, bits)
/* The result is an integer: only sources are flushed. */
#define TO_INT1(name, expr)                                                                                            \
	INT1(name##_keep, expr)                                                                                        \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		uint32_t *d = v->d;                                                                                    \
		bool flush = v->flush;                                                                                 \
		SRC32(a);                                                                                              \
		if (!flush) {                                                                                          \
			lane_##name##_keep(v);                                                                         \
			return;                                                                                        \
		}                                                                                                      \
		LANES                                                                                                  \
		{                                                                                                      \
			uint32_t a = flush32(a_[i]);                                                                   \
			d[i] = (uint32_t)(expr);                                                                       \
		}                                                                                                      \
	}

#define F(u) gpu_f32(u)

/* Zero times anything is zero. */
static inline uint32_t legacy_mul(uint32_t a, uint32_t b)
{
	uint32_t r = nan2_32(gpu_f32_bits(gpu_f32(a) * gpu_f32(b)), a, b);

	return (a << 1) && (b << 1) ? r : 0;
}

static inline uint32_t legacy_fma(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t r = nan3_32(gpu_f32_bits(FMA32(gpu_f32(a), gpu_f32(b), gpu_f32(c))), a, b, c);
	uint32_t z = nan1_32(gpu_f32_bits(0.0f + gpu_f32(c)), c);

	return (a << 1) && (b << 1) ? r : z;
}

/* Orders the bits of floats as integers, -0 below +0. */
static inline int32_t order32(uint32_t v)
{
	return (int32_t)(v ^ ((v >> 31 ? 0x7fffffff : 0)));
}

static inline uint32_t minmax_nan(uint32_t r, uint32_t a, uint32_t b, bool ieee)
{
	r = isnan32(b) ? a : r;
	r = isnan32(a) ? b : r;
	r = isnan32(a) & isnan32(b) ? a | QUIET32 : r;
	r = ieee & issnan32(b) ? b | QUIET32 : r;
	return ieee & issnan32(a) ? a | QUIET32 : r;
}

static inline uint32_t fmin32(uint32_t a, uint32_t b, bool ieee)
{
	return minmax_nan(order32(a) < order32(b) ? a : b, a, b, ieee);
}

static inline uint32_t fmax32(uint32_t a, uint32_t b, bool ieee)
{
	return minmax_nan(order32(a) > order32(b) ? a : b, a, b, ieee);
}

/* With a NaN among them the median is the least of the three (RDNA2 ISA, V_MED3_F32). */
static inline uint32_t fmed32(uint32_t a, uint32_t b, uint32_t c, bool ieee)
{
	uint32_t least = fmin32(fmin32(a, b, ieee), c, ieee);
	uint32_t m = fmax32(fmin32(a, b, ieee), fmin32(fmax32(a, b, ieee), c, ieee), ieee);

	return isnan32(a) | isnan32(b) | isnan32(c) ? least : m;
}

static inline uint32_t to_u32(float f)
{
	return f >= 0x1p32f ? 0xffffffff : f > 0 ? (uint32_t)(int64_t)f : 0;
}

static inline uint32_t to_i32(float f)
{
	return f >= 0x1p31f ? 0x7fffffff : f < -0x1p31f ? 0x80000000 : f == f ? (uint32_t)(int32_t)f : 0;
}

static inline uint32_t frexp_exp(uint32_t a)
{
	int e = 0;

	if ((a & 0x7f800000) == 0x7f800000)
		return 0;
	frexpf(gpu_f32(a), &e);
	return (uint32_t)e;
}

static inline uint32_t frexp_mant(uint32_t a)
{
	int e;

	if ((a & 0x7f800000) == 0x7f800000)
		return isnan32(a) ? a | QUIET32 : a;
	return gpu_f32_bits(frexpf(gpu_f32(a), &e));
}

/* x - floor(x), never 1 (RDNA2 ISA, V_FRACT_F32). */
static inline float fract(float x)
{
	float r = x - floorf(x);

	return r >= 1 ? 0x1.fffffep-1f : isinf(x) ? NAN : r;
}

static inline float ldexp32(float x, uint32_t n)
{
	int32_t e = (int32_t)n < -400 ? -400 : (int32_t)n > 400 ? 400 : (int32_t)n;

	return (float)((double)x * pow2(e));
}

static inline uint32_t pknorm_i(float f)
{
	float c = f > 1 ? 1 : f < -1 ? -1 : f == f ? f : 0;

	return (uint32_t)(int32_t)rint((double)c * 32767) & 0xffff;
}

static inline uint32_t pknorm_u(float f)
{
	float c = f > 1 ? 1 : f > 0 ? f : 0;

	return (uint32_t)(int32_t)rint((double)c * 65535) & 0xffff;
}

/* Rounds to nearest even, saturates, replaces byte b of c. */
static inline uint32_t pk_u8(float f, uint32_t b, uint32_t c)
{
	uint32_t v = f >= 255 ? 255 : f > 0 ? (uint32_t)(int32_t)nearbyintf(f) : 0, shift = (b & 3) * 8;

	return (c & ~(255u << shift)) | v << shift;
}

static inline uint32_t div_fixup32(uint32_t q, uint32_t den, uint32_t num)
{
	uint32_t sign = (den ^ num) & 0x80000000, dm = den & 0x7fffffff, nm = num & 0x7fffffff;
	int32_t de = (int32_t)(dm >> 23), ne = (int32_t)(nm >> 23);

	if (isnan32(num))
		return num | QUIET32;
	if (isnan32(den))
		return den | QUIET32;
	if ((!dm && !nm) || (dm == 0x7f800000 && nm == 0x7f800000))
		return 0xffc00000;
	if (!dm || nm == 0x7f800000)
		return sign | 0x7f800000;
	if (dm == 0x7f800000 || !nm)
		return sign;
	if (ne - de < -150)
		return sign;
	/* The steps of a division that overflows end in infinity less infinity: no number, which the manual leaves out.
	 */
	if (de == 255 || isnan32(q))
		return sign | 0x7f800000;
	return sign | (q & 0x7fffffff);
}

/* Cube map faces: 0/1 x, 2/3 y, 4/5 z (RDNA2 ISA, V_CUBE*). */
static inline int cube_z(float a, float b, float c)
{
	return fabsf(c) >= fabsf(a) && fabsf(c) >= fabsf(b);
}

static inline float cube_id(float a, float b, float c)
{
	if (cube_z(a, b, c))
		return c < 0 ? 5 : 4;
	if (fabsf(b) >= fabsf(a))
		return b < 0 ? 3 : 2;
	return a < 0 ? 1 : 0;
}

static inline float cube_sc(float a, float b, float c)
{
	if (cube_z(a, b, c))
		return c < 0 ? -a : a;
	if (fabsf(b) >= fabsf(a))
		return a;
	return a < 0 ? c : -c;
}

static inline float cube_tc(float a, float b, float c)
{
	if (cube_z(a, b, c))
		return -b;
	if (fabsf(b) >= fabsf(a))
		return b < 0 ? -c : c;
	return -b;
}

static inline float cube_ma(float a, float b, float c)
{
	if (cube_z(a, b, c))
		return 2 * c;
	return fabsf(b) >= fabsf(a) ? 2 * b : 2 * a;
}

/* Specular lighting (RDNA2 ISA, V_MULLIT_F32). */
static inline uint32_t mullit(uint32_t ua, uint32_t ub, uint32_t uc)
{
	float c = gpu_f32(uc);

	if (ub == 0xff7fffff || ub == 0xff800000 || isnan32(ub) || !(c > 0) || isnan32(uc))
		return 0xff7fffff;
	return legacy_mul(ua, ub);
}

FLOAT2(add_f32, a + b)
FLOAT2(sub_f32, a - b)
FLOAT2(subrev_f32, b - a)
FLOAT2(mul_f32, a *b)
BITS2(mul_legacy_f32, legacy_mul(ua, ub))
#define MINMAX(name, relation, in)                                                                                     \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		uint32_t r[32], bad = 0;                                                                               \
		SRC32(a);                                                                                              \
		SRC32(b);                                                                                              \
		LANES                                                                                                  \
		{                                                                                                      \
			uint32_t a = in(a_[i]), b = in(b_[i]);                                                         \
			bad |= (0x7f800000 - (a & 0x7fffffff)) | (0x7f800000 - (b & 0x7fffffff));                      \
			r[i] = order32(a) relation order32(b) ? a : b;                                                 \
		}                                                                                                      \
		for (unsigned i = 0; i < 32 && bad >> 31; i++)                                                         \
			r[i] = in(minmax_nan(r[i], in(a_[i]), in(b_[i]), v->mode & GPU_MODE_IEEE));                    \
		memcpy(v->d, r, sizeof(r));                                                                            \
	}
MINMAX(min_f32_keep, <, IN_KEEP)
MINMAX(min_f32_flush, <, IN_FLUSH)
F_PICK(min_f32)
MINMAX(max_f32_keep, >, IN_KEEP)
MINMAX(max_f32_flush, >, IN_FLUSH)
F_PICK(max_f32)
FLOAT3(fma_f32, FMA32(a, b, c))
FLOAT3(fmac_f32, FMA32(a, b, c))
BITS3(fma_legacy_f32, legacy_fma(ua, ub, uc))
BITS3(fmac_legacy_f32, legacy_fma(ua, ub, uc))
BITS3(min3_f32, fmin32(fmin32(ua, ub, ieee), uc, ieee))
BITS3(max3_f32, fmax32(fmax32(ua, ub, ieee), uc, ieee))
BITS3(med3_f32, fmed32(ua, ub, uc, ieee))
FLOAT3(cubeid_f32, cube_id(a, b, c))
FLOAT3(cubesc_f32, cube_sc(a, b, c))
FLOAT3(cubetc_f32, cube_tc(a, b, c))
FLOAT3(cubema_f32, cube_ma(a, b, c))
BITS3(mullit_f32, mullit(ua, ub, uc))
BITS3(div_fixup_f32, div_fixup32(ua, ub, uc))

FLOAT1(fract_f32, fract(a))
FLOAT1(trunc_f32, truncf(a))
FLOAT1(ceil_f32, ceilf(a))
FLOAT1(floor_f32, floorf(a))
/* To nearest even in every rounding mode. */
static inline float rndne(float x)
{
	float t = truncf(x), r = fabsf(x - t);
	float away = t + copysignf(1, x);
	int small = fabsf(x) < 0x1p23f, odd = small ? (int)t & 1 : 0;

	return copysignf(!small ? x : r > 0.5f || (r == 0.5f && odd) ? away : t, x);
}
FLOAT1(rndne_f32, rndne(a))
BITS1(frexp_mant_f32, frexp_mant(ua))
TO_INT1(frexp_exp_i32_f32, frexp_exp(a))
TO_INT1(cvt_u32_f32, to_u32(F(a)))
TO_INT1(cvt_i32_f32, to_i32(F(a)))
TO_INT1(cvt_rpi_i32_f32, to_i32((float)floor((double)F(a) + 0.5)))
TO_INT1(cvt_flr_i32_f32, to_i32(floorf(F(a))))

/* Transcendentals flush f32 denormals in every mode, and are within 1 ulp; these are rounded from double. */
#define TRANSCENDENTAL(name, value)                                                                                    \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		uint32_t *d = v->d;                                                                                    \
		SRC32(a);                                                                                              \
		LANES                                                                                                  \
		{                                                                                                      \
			uint32_t ua = flush32(a_[i]);                                                                  \
			double x = (double)gpu_f32(ua);                                                                \
			d[i] = flush32(nan1_32(gpu_f32_bits((float)(value)), ua));                                     \
		}                                                                                                      \
	}
TRANSCENDENTAL(rcp_f32, 1 / x)
TRANSCENDENTAL(rsq_f32, 1 / sqrt(x))
TRANSCENDENTAL(sqrt_f32, sqrt(x))
TRANSCENDENTAL(exp_f32, exp2(x))
TRANSCENDENTAL(log_f32, log2(x))
TRANSCENDENTAL(sin_f32, sin_rev(x))
TRANSCENDENTAL(cos_f32, cos_rev(x))

/* Integer sources. */
INT1(cvt_f32_i32, gpu_f32_bits((float)(int32_t)a))
INT1(cvt_f32_u32, gpu_f32_bits((float)a))
INT1(cvt_f32_ubyte0, gpu_f32_bits((float)(int32_t)(a & 255)))
INT1(cvt_f32_ubyte1, gpu_f32_bits((float)(int32_t)(a >> 8 & 255)))
INT1(cvt_f32_ubyte2, gpu_f32_bits((float)(int32_t)(a >> 16 & 255)))
INT1(cvt_f32_ubyte3, gpu_f32_bits((float)(int32_t)(a >> 24)))
INT1(cvt_off_f32_i4, gpu_f32_bits((float)((int32_t)(a << 28) >> 28) * 0.0625f))
INT2(ldexp_f32_keep, nan1_32(gpu_f32_bits(ldexp32(gpu_f32(a), b)), a))
INT2(ldexp_f32_flush, flush32(nan1_32(gpu_f32_bits(ldexp32(gpu_f32(flush32(a)), b)), a)))
F_PICK(ldexp_f32)
INT2(cvt_pknorm_i16_f32, pknorm_i(F(a)) | pknorm_i(F(b)) << 16)
INT2(cvt_pknorm_u16_f32, pknorm_u(F(a)) | pknorm_u(F(b)) << 16)
INT3(cvt_pk_u8_f32, pk_u8(F(a), b, c))

/*
 * Division: scales numerator and denominator where the quotient or its steps would leave the normal range, and says so
 * in the mask; v_div_fmas undoes it (RDNA2 ISA, V_DIV_SCALE_F32). a is one of b (denominator) and c (numerator).
 */
static uint32_t div_scale32(uint32_t ua, uint32_t ub, uint32_t uc, uint32_t *scaled_out)
{
	float a = gpu_f32(ua), b = gpu_f32(ub), c = gpu_f32(uc);
	int32_t eb = (int32_t)(ub >> 23 & 255), ec = (int32_t)(uc >> 23 & 255);
	uint32_t low = 0x00800000, up = gpu_f32_bits(ldexp32(a, 64)), down = gpu_f32_bits(ldexp32(a, (uint32_t)-64));
	float quotient = c / b, reciprocal = 1 / b;
	int denormal_r = (gpu_f32_bits(reciprocal) & 0x7fffffff) < low, denormal_q;

	*scaled_out = 0;
	denormal_q = (gpu_f32_bits(quotient) & 0x7fffffff) < low;
	if (!(ub << 1) || !(uc << 1))
		return NAN32;
	if (ec - eb >= 96) {
		*scaled_out = 1;
		return ua == ub ? up : ua;
	}
	if ((ub & 0x7fffffff) < low)
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
	return ec <= 23 ? up : ua;
}

static void lane_div_scale_f32(struct gpu_lanes *v)
{
	uint32_t *d = v->d, out = 0;
	SRC32(a);
	SRC32(b);
	SRC32(c);

	for (unsigned i = 0; i < 32; i++) {
		uint32_t scaled;

		d[i] = div_scale32(a_[i], b_[i], c_[i], &scaled);
		out |= scaled << i;
	}
	v->mask_out = out;
}

/*
 * r, a * b + c rounded, times 2^-64, rounded once: where r lies half way between two denormals, what its own rounding
 * took away decides.
 */
static float fmas_down32(float r, float a, float b, float c)
{
	float d = r * 0x1p-64f, back = d * 0x1p64f, halfway = fabsf(r - back);
	double rest = (double)a * b - ((double)r - c);

	if (halfway != 0x1p-86f || rest == 0 || (rest > 0) == (back > r))
		return d;
	return rest > 0 ? d + 0x1p-149f : d - 0x1p-149f;
}

static void lane_div_fmas_f32(struct gpu_lanes *v)
{
	uint32_t *d = v->d;
	SRC32(a);
	SRC32(b);
	SRC32(c);

	for (unsigned i = 0; i < 32; i++) {
		float x = gpu_f32(a_[i]), y = gpu_f32(b_[i]), z = gpu_f32(c_[i]), r = fmaf(x, y, z);
		/* The quotient had been made smaller or larger by 2^64; its estimate tells which. */
		if (v->mask_in >> i & 1)
			r = (c_[i] >> 23 & 255) > 127 ? r * 0x1p64f : fmas_down32(r, x, y, z);
		d[i] = nan3_32(gpu_f32_bits(r), a_[i], b_[i], c_[i]);
	}
}

const gpu_lane_fn LANE_TABLE(f32)[] = {GPU_LANES_F32(LANE_ROW)};

/* SPDX-License-Identifier: MIT */
/*
 * lanes_pk.h - packed, mixed and dot-product lane functions. Included by lanes_pk_*.c.
 *
 * Sources arrive as whole dwords; op_sel, op_sel_hi, neg and neg_hi are applied here: for the low result op_sel picks
 * the half and neg flips its sign, for the high result op_sel_hi and neg_hi do.
 */
#include "gpu/isa/lanes_half.h"

#ifdef LANES_HAVE_FMA
#define FMA32(x, y, z) __builtin_fmaf(x, y, z)
#else
#define FMA32(x, y, z) fmaf(x, y, z)
#endif

/* How a source's halves reach the low and the high result. */
struct pick {
	uint32_t low_shift, high_shift, low_flip, high_flip;
};

static inline struct pick pick_of(const struct gpu_lanes *v, unsigned source, bool is_float)
{
	const struct gpu_inst *in = v->in;
	bool packed = in->op->enc == GPU_VOP3P;
	struct pick p;

	p.low_shift = packed && in->opsel >> source & 1 ? 16 : 0;
	p.high_shift = !packed || in->opsel_hi >> source & 1 ? 16 : 0;
	p.low_flip = packed && is_float && in->neg >> source & 1 ? 0x8000 : 0;
	p.high_flip = packed && is_float && in->neg_hi >> source & 1 ? 0x8000 : 0;
	return p;
}

static inline uint32_t low_of(uint32_t v, struct pick p)
{
	return (v >> p.low_shift & 0xffff) ^ p.low_flip;
}

static inline uint32_t high_of(uint32_t v, struct pick p)
{
	return (v >> p.high_shift & 0xffff) ^ p.high_flip;
}

/* fn(a, b, c) on 16-bit values for each half. */
#define PACKED(name, sources, is_float, expr)                                                                          \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		struct pick pa = pick_of(v, 0, is_float), pb = pick_of(v, 1, is_float), pc = pick_of(v, 2, is_float);  \
		unsigned round = v->round;                                                                             \
		bool ieee = v->mode & GPU_MODE_IEEE, clamp = v->clamp;                                                 \
		uint32_t *d = v->d;                                                                                    \
		const uint32_t *a_ = v->a, *b_ = v->b, *c_ = sources > 2 ? v->c : v->a;                                \
		LANES                                                                                                  \
		{                                                                                                      \
			uint32_t low, high;                                                                            \
			{                                                                                              \
				uint32_t a = low_of(a_[i], pa), b = low_of(b_[i], pb), c = low_of(c_[i], pc);          \
				(void)round, (void)ieee, (void)clamp, (void)c;                                         \
				low = (uint32_t)(expr)&0xffff;                                                         \
			}                                                                                              \
			{                                                                                              \
				uint32_t a = high_of(a_[i], pa), b = high_of(b_[i], pb), c = high_of(c_[i], pc);       \
				(void)c;                                                                               \
				high = (uint32_t)(expr)&0xffff;                                                        \
			}                                                                                              \
			d[i] = low | high << 16;                                                                       \
		}                                                                                                      \
	}
#define SAT_U(v) (clamp ? sat_u16(v) : (uint32_t)(v))
#define SAT_I(v) (clamp ? sat_i16(v) : (uint32_t)(v))

PACKED(pk_mad_i16, 3, false, SAT_I((int64_t)s16(a) * s16(b) + s16(c)))
PACKED(pk_mad_u16, 3, false, SAT_U((int64_t)a *b + c))
PACKED(pk_mul_lo_u16, 2, false, a *b)
PACKED(pk_add_i16, 2, false, SAT_I((int64_t)s16(a) + s16(b)))
PACKED(pk_sub_i16, 2, false, SAT_I((int64_t)s16(a) - s16(b)))
PACKED(pk_lshlrev_b16, 2, false, b << (a & 15))
PACKED(pk_lshrrev_b16, 2, false, b >> (a & 15))
PACKED(pk_ashrrev_i16, 2, false, s16(b) >> (a & 15))
PACKED(pk_max_i16, 2, false, s16(a) > s16(b) ? a : b)
PACKED(pk_min_i16, 2, false, s16(a) < s16(b) ? a : b)
PACKED(pk_add_u16, 2, false, SAT_U((int64_t)a + b))
PACKED(pk_sub_u16, 2, false, SAT_U((int64_t)a - b))
PACKED(pk_max_u16, 2, false, a > b ? a : b)
PACKED(pk_min_u16, 2, false, a < b ? a : b)
PACKED(pk_fma_f16, 3, true, half_fma(a, b, c, round))
PACKED(pk_fmac_f16, 3, true, half_fma(a, b, c, round))
PACKED(pk_add_f16, 2, true, half_add(a, b, round))
PACKED(pk_mul_f16, 2, true, half_mul(a, b, round))
PACKED(pk_min_f16, 2, true, half_min(a, b, ieee))
PACKED(pk_max_f16, 2, true, half_max(a, b, ieee))

/* Dot products. Integer ones clamp the sum as a 32-bit value. */
#define DOT(name, sum, saturate)                                                                                       \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		struct pick pa = pick_of(v, 0, false), pb = pick_of(v, 1, false);                                      \
		bool clamp = v->clamp;                                                                                 \
		uint32_t *d = v->d;                                                                                    \
		SRC32(a);                                                                                              \
		SRC32(b);                                                                                              \
		SRC32(c);                                                                                              \
		LANES                                                                                                  \
		{                                                                                                      \
			uint32_t a = a_[i], b = b_[i], c = c_[i];                                                      \
			int64_t s = sum;                                                                               \
			d[i] = clamp ? saturate(s) : (uint32_t)s;                                                      \
		}                                                                                                      \
		(void)pa, (void)pb;                                                                                    \
	}

/* Products of bytes or nibbles: their sum fits 32 bits, only adding c can overflow. */
static inline int32_t dot_i(uint32_t a, uint32_t b, unsigned width)
{
	int32_t s = 0;

	for (unsigned n = 0; n < 32; n += width)
		s += ((int32_t)(a << (32 - width - n)) >> (32 - width)) *
		     ((int32_t)(b << (32 - width - n)) >> (32 - width));
	return s;
}

static inline int32_t dot_u(uint32_t a, uint32_t b, unsigned width)
{
	int32_t s = 0;

	for (unsigned n = 0; n < 32; n += width)
		s += (int32_t)((a >> n & ((1u << width) - 1)) * (b >> n & ((1u << width) - 1)));
	return s;
}

#define DOT_SMALL(name, dot, c_type, saturate)                                                                         \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		uint32_t *d = v->d;                                                                                    \
		SRC32(a);                                                                                              \
		SRC32(b);                                                                                              \
		SRC32(c);                                                                                              \
		if (v->clamp) {                                                                                        \
			for (unsigned i = 0; i < 32; i++)                                                              \
				d[i] = saturate((int64_t)dot + (c_type)c_[i]);                                         \
			return;                                                                                        \
		}                                                                                                      \
		LANES                                                                                                  \
		{                                                                                                      \
			d[i] = (uint32_t)dot + c_[i];                                                                  \
		}                                                                                                      \
	}

DOT(dot2_i32_i16,
    (int64_t)s16(low_of(a, pa)) * s16(low_of(b, pb)) + (int64_t)s16(high_of(a, pa)) * s16(high_of(b, pb)) + (int32_t)c,
    sat_i32)
DOT(dot2_u32_u16, (int64_t)low_of(a, pa) * low_of(b, pb) + (int64_t)high_of(a, pa) * high_of(b, pb) + c, sat_u32)
DOT_SMALL(dot4_i32_i8, dot_i(a_[i], b_[i], 8), int32_t, sat_i32)
DOT_SMALL(dot4c_i32_i8, dot_i(a_[i], b_[i], 8), int32_t, sat_i32)
DOT_SMALL(dot4_u32_u8, dot_u(a_[i], b_[i], 8), uint32_t, sat_u32)
DOT_SMALL(dot8_i32_i4, dot_i(a_[i], b_[i], 4), int32_t, sat_i32)
DOT_SMALL(dot8_u32_u4, dot_u(a_[i], b_[i], 4), uint32_t, sat_u32)

/* Halves of 32 dwords as floats; a signalling NaN may come out quiet, results quieten it in any case. */
static inline void widen(uint32_t *restrict to, const uint32_t *from, uint32_t shift, uint32_t flip)
{
#ifdef LANES_HAVE_FMA
	const __m128i count = _mm_cvtsi32_si128((int)shift);
	const __m256i low = _mm256_set1_epi32(0xffff), sign = _mm256_set1_epi32((int)flip);

	for (unsigned i = 0; i < 32; i += 8) {
		__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(from + i));

		v = _mm256_xor_si256(_mm256_and_si256(_mm256_srl_epi32(v, count), low), sign);
		v = _mm256_castps_si256(
			_mm256_cvtph_ps(_mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1))));
		_mm256_storeu_si256((__m256i *)(void *)(to + i), v);
	}
#else
	LANES
	{
		to[i] = gpu_half_to_f32_bits((from[i] >> shift & 0xffff) ^ flip);
	}
#endif
}

struct dot2 {
	uint32_t al[32], ah[32], bl[32], bh[32], c[32], r[32];
};

/* A block that holds a NaN, which is rare, is gone over once more. */
static void dot2_nan(struct dot2 *t)
{
	for (unsigned i = 0; i < 32; i++) {
		uint32_t s = gpu_f32_bits(FMA32(gpu_f32(t->al[i]), gpu_f32(t->bl[i]), gpu_f32(t->c[i])));

		if (!isnan32(t->r[i]))
			continue;
		s = nan3_32(s, t->al[i], t->bl[i], t->c[i]);
		t->r[i] = nan3_32(gpu_f32_bits(FMA32(gpu_f32(t->ah[i]), gpu_f32(t->bh[i]), gpu_f32(s))), t->ah[i],
				  t->bh[i], s);
	}
}

/* c + low product, then + high product, each rounded once. */
static void lane_dot2_f32_f16(struct gpu_lanes *v)
{
	struct pick pa = pick_of(v, 0, true), pb = pick_of(v, 1, true);
	uint32_t flip = v->in->op->enc == GPU_VOP3P && v->in->neg & 4 ? 0x80000000 : 0, bad = 0;
	const uint32_t kept = v->flush ? 0 : 0x7fffffff;
	struct dot2 t;
	SRC32(c);

	widen(t.al, v->a, pa.low_shift, pa.low_flip);
	widen(t.ah, v->a, pa.high_shift, pa.high_flip);
	widen(t.bl, v->b, pb.low_shift, pb.low_flip);
	widen(t.bh, v->b, pb.high_shift, pb.high_flip);
	LANES
	{
		uint32_t c = (c_[i] & 0x7f800000 ? c_[i] : c_[i] & (kept | 0x80000000)) ^ flip, r;
		/* cppcheck-suppress uninitvar; widen() has written them */
		float s = FMA32(gpu_f32(t.al[i]), gpu_f32(t.bl[i]), gpu_f32(c));

		r = gpu_f32_bits(FMA32(gpu_f32(t.ah[i]), gpu_f32(t.bh[i]), s));
		bad |= 0x7f800000 - (r & 0x7fffffff);
		t.c[i] = c;
		t.r[i] = r & 0x7f800000 ? r : r & (kept | 0x80000000);
	}
	if (bad >> 31)
		dot2_nan(&t);
	memcpy(v->d, t.r, sizeof(t.r));
}

static void lane_dot2c_f32_f16(struct gpu_lanes *v)
{
	lane_dot2_f32_f16(v);
}

/*
 * v_fma_mix: each source is an f32, or with op_sel_hi the half that op_sel picks; neg_hi is abs. f16 results are
 * rounded from the exact value.
 */
static void mix_source(const struct gpu_lanes *v, const uint32_t *from, unsigned source, uint32_t *restrict to)
{
	const struct gpu_inst *in = v->in;
	const uint32_t keep = in->neg_hi >> source & 1 ? 0x7fffffff : 0xffffffff;
	const uint32_t flip = in->neg >> source & 1 ? 0x80000000 : 0;

	if (in->opsel_hi >> source & 1) {
		widen(to, from, in->opsel >> source & 1 ? 16 : 0, 0);
		/* Below the least normal half. */
		if (!(v->mode >> GPU_MODE_DENORM64_SHIFT & 1))
			LANES
			{
				to[i] = (to[i] & 0x7fffffff) < 0x38800000 ? to[i] & 0x80000000 : to[i];
			}
	} else if (!(v->mode >> GPU_MODE_DENORM32_SHIFT & 1)) {
		LANES
		{
			to[i] = flush32(from[i]);
		}
	} else {
		memcpy(to, from, 128);
	}
	if (flip || keep != 0xffffffff)
		LANES
		{
			to[i] = (to[i] & keep) ^ flip;
		}
}

struct mix {
	uint32_t a[32], b[32], c[32], r[32];
};

static inline void mix_sources(const struct gpu_lanes *v, struct mix *m)
{
	mix_source(v, v->a, 0, m->a);
	mix_source(v, v->b, 1, m->b);
	mix_source(v, v->c, 2, m->c);
}

static void lane_fma_mix_f32(struct gpu_lanes *v)
{
	uint32_t bad = 0;
	struct mix m;

	mix_sources(v, &m);
	LANES
	{
		uint32_t r = gpu_f32_bits(FMA32(gpu_f32(m.a[i]), gpu_f32(m.b[i]), gpu_f32(m.c[i])));

		bad |= 0x7f800000 - (r & 0x7fffffff);
		m.r[i] = r;
	}
	for (unsigned i = 0; i < 32 && bad >> 31; i++)
		m.r[i] = nan3_32(m.r[i], m.a[i], m.b[i], m.c[i]);
	if (v->flush)
		LANES
		{
			m.r[i] = flush32(m.r[i]);
		}
	memcpy(v->d, m.r, sizeof(m.r));
}

static inline uint32_t mix_clamp(const struct gpu_lanes *v, uint32_t h)
{
	if (!(v->mode >> GPU_MODE_DENORM64_SHIFT & 2) && !(h & 0x7c00))
		h &= 0x8000;
	if (!v->clamp)
		return h;
	if (isnan16(h))
		return v->mode & GPU_MODE_DX10_CLAMP ? 0 : h;
	return h & 0x8000 ? 0 : h > 0x3c00 ? 0x3c00 : h;
}

/* The other half of d stays: the caller has put the old value there. */
static inline void mix_half(struct gpu_lanes *v, unsigned shift)
{
	uint32_t *d = v->d;
	struct mix m;

	mix_sources(v, &m);
	LANES
	{
		uint32_t a = m.a[i], b = m.b[i], c = m.c[i], h;
		uint32_t nan = isnan32(a) ? a : isnan32(b) ? b : isnan32(c) ? c : NAN32;
		double x = (double)gpu_f32(a), y = (double)gpu_f32(b), z = (double)gpu_f32(c), r = fma_odd(x, y, z);

		r = zero_sign(r, x * y, z, v->round);
		h = gpu_half_round(r, v->round);
		if (isnan16(h))
			h = (nan >> 16 & 0x8000) | 0x7e00 | (nan >> 13 & 0x1ff);
		d[i] = (d[i] & ~(0xffffu << shift)) | mix_clamp(v, h) << shift;
	}
}

static void lane_fma_mixlo_f16(struct gpu_lanes *v)
{
	mix_half(v, 0);
}

static void lane_fma_mixhi_f16(struct gpu_lanes *v)
{
	mix_half(v, 16);
}

const gpu_lane_fn LANE_TABLE(pk)[] = {GPU_LANES_PK(LANE_ROW)};

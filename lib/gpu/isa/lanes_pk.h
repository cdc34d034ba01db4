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

static inline int64_t dot_i(uint32_t a, uint32_t b, unsigned width)
{
	int64_t s = 0;

	for (unsigned n = 0; n < 32; n += width)
		s += ((int32_t)(a << (32 - width - n)) >> (32 - width)) *
		     ((int32_t)(b << (32 - width - n)) >> (32 - width));
	return s;
}

static inline int64_t dot_u(uint32_t a, uint32_t b, unsigned width)
{
	int64_t s = 0;

	for (unsigned n = 0; n < 32; n += width)
		s += (int64_t)(a >> n & ((1u << width) - 1)) * (b >> n & ((1u << width) - 1));
	return s;
}

DOT(dot2_i32_i16,
    (int64_t)s16(low_of(a, pa)) * s16(low_of(b, pb)) + (int64_t)s16(high_of(a, pa)) * s16(high_of(b, pb)) + (int32_t)c,
    sat_i32)
DOT(dot2_u32_u16, (int64_t)low_of(a, pa) * low_of(b, pb) + (int64_t)high_of(a, pa) * high_of(b, pb) + c, sat_u32)
DOT(dot4_i32_i8, dot_i(a, b, 8) + (int32_t)c, sat_i32)
DOT(dot4c_i32_i8, dot_i(a, b, 8) + (int32_t)c, sat_i32)
DOT(dot4_u32_u8, dot_u(a, b, 8) + c, sat_u32)
DOT(dot8_i32_i4, dot_i(a, b, 4) + (int32_t)c, sat_i32)
DOT(dot8_u32_u4, dot_u(a, b, 4) + c, sat_u32)

static inline float half_float(uint32_t h)
{
	return gpu_f32(gpu_half_to_f32_bits(h));
}

/* c + low product, then + high product, each rounded once. */
static void lane_dot2_f32_f16(struct gpu_lanes *v)
{
	struct pick pa = pick_of(v, 0, true), pb = pick_of(v, 1, true);
	uint32_t *d = v->d, flip = v->in->op->enc == GPU_VOP3P && v->in->neg & 4 ? 0x80000000 : 0;
	SRC32(a);
	SRC32(b);
	SRC32(c);

	LANES
	{
		uint32_t al = gpu_half_to_f32_bits(low_of(a_[i], pa)), bl = gpu_half_to_f32_bits(low_of(b_[i], pb));
		uint32_t ah = gpu_half_to_f32_bits(high_of(a_[i], pa)), bh = gpu_half_to_f32_bits(high_of(b_[i], pb));
		uint32_t c = c_[i] ^ flip, s;

		s = nan3_32(gpu_f32_bits(FMA32(gpu_f32(al), gpu_f32(bl), gpu_f32(c))), al, bl, c);
		d[i] = nan3_32(gpu_f32_bits(FMA32(gpu_f32(ah), gpu_f32(bh), gpu_f32(s))), ah, bh, s);
	}
}

static void lane_dot2c_f32_f16(struct gpu_lanes *v)
{
	lane_dot2_f32_f16(v);
}

/*
 * v_fma_mix: each source is an f32, or with op_sel_hi the half that op_sel picks; neg_hi is abs. f16 results are
 * rounded from the exact value.
 */
static inline uint32_t mix_source(const struct gpu_lanes *v, const uint32_t *from, unsigned source, unsigned i)
{
	const struct gpu_inst *in = v->in;
	uint32_t u = from[i];

	if (in->opsel_hi >> source & 1) {
		u = in->opsel >> source & 1 ? u >> 16 : u & 0xffff;
		if (!(v->mode >> GPU_MODE_DENORM64_SHIFT & 1) && !(u & 0x7c00))
			u &= 0x8000;
		u = gpu_half_to_f32_bits(u);
	} else if (!(v->mode >> GPU_MODE_DENORM32_SHIFT & 1)) {
		u = flush32(u);
	}
	if (in->neg_hi >> source & 1)
		u &= 0x7fffffff;
	return in->neg >> source & 1 ? u ^ 0x80000000 : u;
}

static void lane_fma_mix_f32(struct gpu_lanes *v)
{
	uint32_t *d = v->d;

	for (unsigned i = 0; i < 32; i++) {
		uint32_t a = mix_source(v, v->a, 0, i), b = mix_source(v, v->b, 1, i), c = mix_source(v, v->c, 2, i);

		d[i] = nan3_32(gpu_f32_bits(FMA32(gpu_f32(a), gpu_f32(b), gpu_f32(c))), a, b, c);
	}
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

	for (unsigned i = 0; i < 32; i++) {
		uint32_t a = mix_source(v, v->a, 0, i), b = mix_source(v, v->b, 1, i), c = mix_source(v, v->c, 2, i), h;
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

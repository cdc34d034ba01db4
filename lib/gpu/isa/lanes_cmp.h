/* SPDX-License-Identifier: MIT */
/*
 * lanes_cmp.h - compare lane functions: a bit for each lane. Included by lanes_cmp_*.c.
 */
#include "gpu/isa/lanes_half.h"

#define CMP(name, type, word, load, expr)                                                                              \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		const word *a_ = v->a, *b_ = v->b;                                                                     \
		uint32_t top[32];                                                                                      \
		LANES                                                                                                  \
		{                                                                                                      \
			type a = load(a_[i]), b = load(b_[i]);                                                         \
			top[i] = -(uint32_t)(expr);                                                                    \
			(void)a, (void)b;                                                                              \
		}                                                                                                      \
		v->mask_out = lane_signs(top);                                                                         \
	}
#define CMP_INT(suffix, type, word, load)                                                                              \
	CMP(lt_##suffix, type, word, load, a < b)                                                                      \
	CMP(eq_##suffix, type, word, load, a == b)                                                                     \
	CMP(le_##suffix, type, word, load, a <= b)                                                                     \
	CMP(gt_##suffix, type, word, load, a > b)                                                                      \
	CMP(ne_##suffix, type, word, load, a != b)                                                                     \
	CMP(ge_##suffix, type, word, load, a >= b)
#define CMP_CONST(suffix, type, word, load)                                                                            \
	CMP(f_##suffix, type, word, load, 0)                                                                           \
	CMP(t_##suffix, type, word, load, 1)
#define CMP_FLOAT(suffix, type, word, load)                                                                            \
	CMP_CONST(suffix, type, word, load)                                                                            \
	CMP(lt_##suffix, type, word, load, a < b)                                                                      \
	CMP(eq_##suffix, type, word, load, a == b)                                                                     \
	CMP(le_##suffix, type, word, load, a <= b)                                                                     \
	CMP(gt_##suffix, type, word, load, a > b)                                                                      \
	CMP(lg_##suffix, type, word, load, (a < b) | (a > b))                                                          \
	CMP(ge_##suffix, type, word, load, a >= b)                                                                     \
	CMP(o_##suffix, type, word, load, (a == a) & (b == b))                                                         \
	CMP(u_##suffix, type, word, load, (a != a) | (b != b))                                                         \
	CMP(nge_##suffix, type, word, load, !(a >= b))                                                                 \
	CMP(nlg_##suffix, type, word, load, !((a < b) | (a > b)))                                                      \
	CMP(ngt_##suffix, type, word, load, !(a > b))                                                                  \
	CMP(nle_##suffix, type, word, load, !(a <= b))                                                                 \
	CMP(neq_##suffix, type, word, load, a != b)                                                                    \
	CMP(nlt_##suffix, type, word, load, !(a < b))
/* f32 flushes its sources here on the short way. */
#define CMP_F32(name, expr)                                                                                            \
	CMP(name##_keep, float, uint32_t, gpu_f32, expr)                                                               \
	CMP(name##_flush, float, uint32_t, flushed_f32, expr)                                                          \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		if (v->flush)                                                                                          \
			lane_##name##_flush(v);                                                                        \
		else                                                                                                   \
			lane_##name##_keep(v);                                                                         \
	}

static inline float flushed_f32(uint32_t v)
{
	return gpu_f32(flush32(v));
}

static inline float half_f32(uint32_t v)
{
	return gpu_f32(gpu_half_to_f32_bits(v));
}

CMP_F32(f_f32, 0)
CMP_F32(lt_f32, a < b)
CMP_F32(eq_f32, a == b)
CMP_F32(le_f32, a <= b)
CMP_F32(gt_f32, a > b)
CMP_F32(lg_f32, (a < b) | (a > b))
CMP_F32(ge_f32, a >= b)
CMP_F32(o_f32, (a == a) & (b == b))
CMP_F32(u_f32, (a != a) | (b != b))
CMP_F32(nge_f32, !(a >= b))
CMP_F32(nlg_f32, !((a < b) | (a > b)))
CMP_F32(ngt_f32, !(a > b))
CMP_F32(nle_f32, !(a <= b))
CMP_F32(neq_f32, a != b)
CMP_F32(nlt_f32, !(a < b))
CMP_F32(t_f32, 1)
CMP_FLOAT(f64, double, uint64_t, gpu_f64)
CMP_FLOAT(f16, float, uint32_t, half_f32)
CMP_INT(i32, int32_t, uint32_t, (int32_t))
CMP_INT(u32, uint32_t, uint32_t, (uint32_t))
CMP_INT(i64, int64_t, uint64_t, (int64_t))
CMP_INT(u64, uint64_t, uint64_t, (uint64_t))
CMP_INT(i16, int32_t, uint32_t, s16)
CMP_INT(u16, uint32_t, uint32_t, u16)
CMP_CONST(i32, int32_t, uint32_t, (int32_t))
CMP_CONST(u32, uint32_t, uint32_t, (uint32_t))
CMP_CONST(i64, int64_t, uint64_t, (int64_t))
CMP_CONST(u64, uint64_t, uint64_t, (uint64_t))

/*
 * Class masks: 0 signaling NaN, 1 quiet NaN, 2 -inf, 3 -normal, 4 -denormal, 5 -0, 6 +0, 7 +denormal, 8 +normal, 9 +inf
 * (RDNA2 ISA, V_CMP_CLASS_F32).
 */
static inline uint32_t class_of(int negative, int zero, int denormal, int infinite, int nan, int signaling)
{
	if (nan)
		return signaling ? 1 << 0 : 1 << 1;
	if (infinite)
		return negative ? 1 << 2 : 1 << 9;
	if (zero)
		return negative ? 1 << 5 : 1 << 6;
	if (denormal)
		return negative ? 1 << 4 : 1 << 7;
	return negative ? 1 << 3 : 1 << 8;
}

static inline uint32_t class32(uint32_t v)
{
	uint32_t m = v & 0x7fffffff;

	return class_of(v >> 31, !m, m < 0x00800000, m == 0x7f800000, isnan32(v), issnan32(v));
}

static inline uint32_t class64(uint64_t v)
{
	uint64_t m = v & ~SIGN64;

	return class_of(v >> 63 & 1, !m, m < 0x0010000000000000, m == 0x7ff0000000000000, isnan64(v), issnan64(v));
}

static inline uint32_t class16(uint32_t v)
{
	uint32_t m = v & 0x7fff;

	return class_of(v >> 15 & 1, !m, m < 0x0400, m == 0x7c00, isnan16(v), issnan16(v));
}

#define CLASS(name, word, class)                                                                                       \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		const word *a_ = v->a;                                                                                 \
		uint32_t out = 0;                                                                                      \
		SRC32(b);                                                                                              \
		LANES                                                                                                  \
		{                                                                                                      \
			out |= (uint32_t)((class(a_[i]) & b_[i]) != 0) << i;                                           \
		}                                                                                                      \
		v->mask_out = out;                                                                                     \
	}
CLASS(class_f32_keep, uint32_t, class32)
CLASS(class_f64, uint64_t, class64)
CLASS(class_f16, uint32_t, class16)

static void lane_class_f32(struct gpu_lanes *v)
{
	uint32_t flushed[32];
	struct gpu_lanes copy = *v;
	SRC32(a);

	if (v->flush) {
		for (unsigned i = 0; i < 32; i++)
			flushed[i] = flush32(a_[i]);
		copy.a = flushed;
	}
	lane_class_f32_keep(&copy);
	v->mask_out = copy.mask_out;
}

const gpu_lane_fn LANE_TABLE(cmp)[] = {GPU_LANES_CMP(LANE_ROW)};

/* SPDX-License-Identifier: MIT */
/*
 * lanes_int.h - integer lane functions. Included by lanes_int_*.c.
 */
#include "gpu/isa/lanes.h"

static inline int32_t s24(uint32_t v)
{
	return (int32_t)(v << 8) >> 8;
}

static inline uint32_t u24(uint32_t v)
{
	return v & 0xffffff;
}

static inline uint32_t smin(uint32_t a, uint32_t b)
{
	return (int32_t)a < (int32_t)b ? a : b;
}

static inline uint32_t smax(uint32_t a, uint32_t b)
{
	return (int32_t)a > (int32_t)b ? a : b;
}

static inline uint32_t umin(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint32_t umax(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static inline uint32_t brev(uint32_t v)
{
	v = (v >> 1 & 0x55555555) | (v & 0x55555555) << 1;
	v = (v >> 2 & 0x33333333) | (v & 0x33333333) << 2;
	v = (v >> 4 & 0x0f0f0f0f) | (v & 0x0f0f0f0f) << 4;
	v = (v >> 8 & 0x00ff00ff) | (v & 0x00ff00ff) << 8;
	return v >> 16 | v << 16;
}

static inline uint32_t popcount(uint32_t v)
{
	v -= v >> 1 & 0x55555555;
	v = (v & 0x33333333) + (v >> 2 & 0x33333333);
	v = (v + (v >> 4)) & 0x0f0f0f0f;
	return v * 0x01010101 >> 24;
}

static inline uint32_t high_zeros(uint32_t v)
{
	return v ? (uint32_t)__builtin_clz(v) : 0xffffffff;
}

static inline uint32_t low_zeros(uint32_t v)
{
	return v ? (uint32_t)__builtin_ctz(v) : 0xffffffff;
}

static inline uint32_t sat_u8(uint32_t v)
{
	return (uint32_t)(s16(v) < 0 ? 0 : s16(v) > 255 ? 255 : s16(v));
}

static inline uint32_t field_u(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t width = c & 31;

	return a >> (b & 31) & ((1u << width) - 1);
}

static inline uint32_t field_i(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t offset = b & 31, width = c & 31;
	uint32_t left = offset + width >= 32 ? 0 : 32 - offset - width;
	int32_t top = (int32_t)(a << (left & 31));

	return width == 0             ? 0
	       : offset + width >= 32 ? (uint32_t)((int32_t)a >> offset)
				      : (uint32_t)(top >> ((32 - width) & 31));
}

static inline uint32_t byte(uint32_t v, unsigned n)
{
	return v >> (8 * n) & 255;
}

static inline uint32_t diff(uint32_t a, uint32_t b)
{
	return a > b ? a - b : b - a;
}

static inline uint32_t sad8(uint32_t a, uint32_t b)
{
	return diff(byte(a, 0), byte(b, 0)) + diff(byte(a, 1), byte(b, 1)) + diff(byte(a, 2), byte(b, 2)) +
	       diff(byte(a, 3), byte(b, 3));
}

/* Masked: bytes of the reference b that are 0 do not count. */
static inline uint32_t msad8(uint32_t a, uint32_t b)
{
	uint32_t sum = 0;

	for (unsigned n = 0; n < 4; n++)
		sum += byte(b, n) ? diff(byte(a, n), byte(b, n)) : 0;
	return sum;
}

/* (a + b + rounding bit of c) / 2 for each byte. */
static inline uint32_t lerp8(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t r = 0;

	for (unsigned n = 0; n < 4; n++)
		r |= (byte(a, n) + byte(b, n) + (byte(c, n) & 1)) >> 1 << (8 * n);
	return r;
}

/* A byte of {a, b} (b low), or a sign, or a constant (RDNA2 ISA, V_PERM_B32). */
static inline uint32_t perm_byte(uint32_t a, uint32_t b, uint32_t sel)
{
	uint64_t data = (uint64_t)a << 32 | b;

	sel &= 255;
	if (sel < 8)
		return (uint32_t)(data >> (8 * sel)) & 255;
	if (sel < 12)
		return data >> (16 * (sel - 8) + 15) & 1 ? 255 : 0;
	return sel == 12 ? 0 : 255;
}

static inline uint32_t perm(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t r = 0;

	for (unsigned n = 0; n < 4; n++)
		r |= perm_byte(a, b, c >> (8 * n)) << (8 * n);
	return r;
}

static inline uint32_t med_i(uint32_t a, uint32_t b, uint32_t c)
{
	return smax(smin(a, b), smin(smax(a, b), c));
}

static inline uint32_t med_u(uint32_t a, uint32_t b, uint32_t c)
{
	return umax(umin(a, b), umin(umax(a, b), c));
}

#define SX(v) ((uint32_t)s16(v))

INT1(mov_b32, a)
INT1(not_b32, ~a)
INT1(bfrev_b32, brev(a))
INT1(ffbh_u32, high_zeros(a))
INT1(ffbl_b32, low_zeros(a))
INT1(ffbh_i32, high_zeros((int32_t)a < 0 ? ~a : a))
INT1(sat_pk_u8_i16, sat_u8(a) | sat_u8(a >> 16) << 8)

INT2(mul_i32_i24, (uint32_t)s24(a) * (uint32_t)s24(b))
INT2(mul_hi_i32_i24, (uint64_t)((int64_t)s24(a) * s24(b)) >> 32)
INT2(mul_u32_u24, u24(a) * u24(b))
INT2(mul_hi_u32_u24, ((uint64_t)u24(a) * u24(b)) >> 32)
INT2(min_i32, smin(a, b))
INT2(max_i32, smax(a, b))
INT2(min_u32, umin(a, b))
INT2(max_u32, umax(a, b))
INT2(lshrrev_b32, b >> (a & 31))
INT2(ashrrev_i32, (int32_t)b >> (a & 31))
INT2(lshlrev_b32, b << (a & 31))
INT2(and_b32, a &b)
INT2(or_b32, a | b)
INT2(xor_b32, a ^ b)
INT2(xnor_b32, ~(a ^ b))
INT2_CLAMP(add_nc_u32, a + b, sat_u32((int64_t)a + b))
INT2_CLAMP(sub_nc_u32, a - b, sat_u32((int64_t)a - b))
INT2_CLAMP(subrev_nc_u32, b - a, sat_u32((int64_t)b - a))
INT2_CLAMP(add_nc_i32, a + b, sat_i32((int64_t)(int32_t)a + (int32_t)b))
INT2_CLAMP(sub_nc_i32, a - b, sat_i32((int64_t)(int32_t)a - (int32_t)b))
INT2_CLAMP(add_nc_u16, u16(a + b), sat_u16((int64_t)u16(a) + u16(b)))
INT2_CLAMP(sub_nc_u16, u16(a - b), sat_u16((int64_t)u16(a) - u16(b)))
INT2_CLAMP(add_nc_i16, u16(a + b), sat_i16(s16(a) + s16(b)))
INT2_CLAMP(sub_nc_i16, u16(a - b), sat_i16(s16(a) - s16(b)))
INT2(mul_lo_u32, a *b)
INT2(mul_hi_u32, ((uint64_t)a * b) >> 32)
INT2(mul_hi_i32, (uint64_t)((int64_t)(int32_t)a *(int32_t)b) >> 32)
INT2(mul_lo_u16, u16(a *b))
INT2(lshrrev_b16, u16(b) >> (a & 15))
INT2(ashrrev_i16, u16((uint32_t)(s16(b) >> (a & 15))))
INT2(lshlrev_b16, u16(b << (a & 15)))
INT2(max_u16, umax(u16(a), u16(b)))
INT2(min_u16, umin(u16(a), u16(b)))
INT2(max_i16, u16(smax(SX(a), SX(b))))
INT2(min_i16, u16(smin(SX(a), SX(b))))
INT2(bfm_b32, ((1u << (a & 31)) - 1) << (b & 31))
INT2(bcnt_u32_b32, popcount(a) + b)
INT2(cvt_pk_u16_u32, umin(a, 0xffff) | umin(b, 0xffff) << 16)
INT2(cvt_pk_i16_i32, sat_i16((int32_t)a) | sat_i16((int32_t)b) << 16)

INT3_CLAMP(mad_i32_i24, (uint32_t)s24(a) * (uint32_t)s24(b) + c, sat_i32((int64_t)s24(a) * s24(b) + (int32_t)c))
INT3_CLAMP(mad_u32_u24, u24(a) * u24(b) + c, sat_u32((int64_t)u24(a) * u24(b) + c))
INT3_CLAMP(mad_u16, u16(a *b + c), sat_u16((int64_t)u16(a) * u16(b) + u16(c)))
INT3_CLAMP(mad_i16, u16(a *b + c), sat_i16((int64_t)s16(a) * s16(b) + s16(c)))
INT3_CLAMP(mad_u32_u16, u16(a) * u16(b) + c, sat_u32((int64_t)u16(a) * u16(b) + c))
INT3_CLAMP(mad_i32_i16, SX(a) * SX(b) + c, sat_i32((int64_t)s16(a) * s16(b) + (int32_t)c))
INT3(bfe_u32, field_u(a, b, c))
INT3(bfe_i32, field_i(a, b, c))
INT3(bfi_b32, (a & b) | (~a & c))
INT3(lerp_u8, lerp8(a, b, c))
INT3(alignbit_b32, ((uint64_t)a << 32 | b) >> (c & 31))
INT3(alignbyte_b32, ((uint64_t)a << 32 | b) >> (8 * (c & 3)))
INT3(min3_i32, smin(smin(a, b), c))
INT3(min3_u32, umin(umin(a, b), c))
INT3(max3_i32, smax(smax(a, b), c))
INT3(max3_u32, umax(umax(a, b), c))
INT3(med3_i32, med_i(a, b, c))
INT3(med3_u32, med_u(a, b, c))
INT3(min3_i16, u16(smin(smin(SX(a), SX(b)), SX(c))))
INT3(min3_u16, umin(umin(u16(a), u16(b)), u16(c)))
INT3(max3_i16, u16(smax(smax(SX(a), SX(b)), SX(c))))
INT3(max3_u16, umax(umax(u16(a), u16(b)), u16(c)))
INT3(med3_i16, u16(med_i(SX(a), SX(b), SX(c))))
INT3(med3_u16, med_u(u16(a), u16(b), u16(c)))
INT3_CLAMP(sad_u8, sad8(a, b) + c, sat_u32((int64_t)sad8(a, b) + c))
INT3_CLAMP(sad_hi_u8, (sad8(a, b) << 16) + c, sat_u32(((int64_t)sad8(a, b) << 16) + c))
INT3_CLAMP(sad_u16, diff(u16(a), u16(b)) + diff(a >> 16, b >> 16) + c,
	   sat_u32((int64_t)diff(u16(a), u16(b)) + diff(a >> 16, b >> 16) + c))
INT3_CLAMP(sad_u32, diff(a, b) + c, sat_u32((int64_t)diff(a, b) + c))
INT3_CLAMP(msad_u8, msad8(a, b) + c, sat_u32((int64_t)msad8(a, b) + c))
INT3(xor3_b32, a ^ b ^ c)
INT3(perm_b32, perm(a, b, c))
INT3(xad_u32, (a ^ b) + c)
INT3(lshl_add_u32, (a << (b & 31)) + c)
INT3(add_lshl_u32, (a + b) << (c & 31))
INT3(add3_u32, a + b + c)
INT3(lshl_or_b32, a << (b & 31) | c)
INT3(and_or_b32, (a & b) | c)
INT3(or3_b32, a | b | c)

/* Lanes below this one whose bit is set in a; mbcnt_lo counts the low 32 lanes, mbcnt_hi the high ones. */
static void lane_mbcnt_lo_u32_b32(struct gpu_lanes *v)
{
	uint32_t *d = v->d;
	unsigned base = v->lane_base;
	SRC32(a);
	SRC32(b);

	LANES
	{
		d[i] = b_[i] + popcount(base ? a_[i] : a_[i] & ((1u << i) - 1));
	}
}

static void lane_mbcnt_hi_u32_b32(struct gpu_lanes *v)
{
	uint32_t *d = v->d;
	unsigned base = v->lane_base;
	SRC32(a);
	SRC32(b);

	LANES
	{
		d[i] = b_[i] + popcount(base ? a_[i] & ((1u << i) - 1) : 0);
	}
}

static void lane_cndmask_b32(struct gpu_lanes *v)
{
	uint32_t *d = v->d, mask = v->mask_in;
	SRC32(a);
	SRC32(b);

	LANES
	{
		d[i] = mask >> i & 1 ? b_[i] : a_[i];
	}
}

/* Carries. x and y are the operands in the order in which they are added or subtracted. */
/*
 * The carry out of p + q (+ 1) = r, or the borrow of p - q (- 1) = r, in bit 31. Each loop does one thing, so that the
 * compiler makes vector code of all of them.
 */
#define CARRY_OUT  ((p & q) | ((p | q) & ~r))
#define BORROW_OUT ((~p & q) | ((~p | q) & r))
#define CARRY(name, x, y, sum, carry, clamped)                                                                         \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		uint32_t *d = v->d, in = v->mask_in, out, top[32];                                                     \
		bool clamp = v->clamp;                                                                                 \
		SRC32(a);                                                                                              \
		SRC32(b);                                                                                              \
		LANES                                                                                                  \
		{                                                                                                      \
			uint32_t a = a_[i], b = b_[i], p = x, q = y, k = in >> i & 1, r = sum;                         \
			top[i] = carry;                                                                                \
			d[i] = r;                                                                                      \
			(void)a, (void)b, (void)k;                                                                     \
		}                                                                                                      \
		out = lane_signs(top);                                                                                 \
		for (unsigned i = 0; clamp && i < 32; i++)                                                             \
			d[i] = out >> i & 1 ? (clamped) : d[i];                                                        \
		v->mask_out = out;                                                                                     \
	}
CARRY(add_co_u32, a, b, p + q, CARRY_OUT, 0xffffffff)
CARRY(sub_co_u32, a, b, p - q, BORROW_OUT, 0)
CARRY(subrev_co_u32, b, a, p - q, BORROW_OUT, 0)
CARRY(add_co_ci_u32, a, b, p + q + k, CARRY_OUT, 0xffffffff)
CARRY(sub_co_ci_u32, a, b, p - q - k, BORROW_OUT, 0)
CARRY(subrev_co_ci_u32, b, a, p - q - k, BORROW_OUT, 0)

static void lane_mad_u64_u32(struct gpu_lanes *v)
{
	uint64_t *d = v->d;
	uint32_t out = 0;
	bool clamp = v->clamp;
	SRC32(a);
	SRC32(b);
	SRC64(c);

	LANES
	{
		uint64_t p = (uint64_t)a_[i] * b_[i], r = p + c_[i];

		out |= (uint32_t)(r < p) << i;
		d[i] = clamp && r < p ? UINT64_MAX : r;
	}
	v->mask_out = out;
}

static void lane_mad_i64_i32(struct gpu_lanes *v)
{
	uint64_t *d = v->d;
	uint32_t out = 0;
	bool clamp = v->clamp;
	SRC32(a);
	SRC32(b);
	SRC64(c);

	LANES
	{
		uint64_t p = (uint64_t)((int64_t)(int32_t)a_[i] * (int32_t)b_[i]), r = p + c_[i];
		uint64_t over = (~(p ^ c_[i]) & (p ^ r)) >> 63;

		out |= (uint32_t)over << i;
		d[i] = clamp && over ? (p >> 63 ? 1ull << 63 : INT64_MAX) : r;
	}
	v->mask_out = out;
}

#define SHIFT64(name, expr)                                                                                            \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		uint64_t *d = v->d;                                                                                    \
		SRC32(a);                                                                                              \
		SRC64(b);                                                                                              \
		LANES                                                                                                  \
		{                                                                                                      \
			uint32_t n = a_[i] & 63;                                                                       \
			uint64_t b = b_[i];                                                                            \
			d[i] = (uint64_t)(expr);                                                                       \
		}                                                                                                      \
	}
SHIFT64(lshlrev_b64, b << n)
SHIFT64(lshrrev_b64, b >> n)
SHIFT64(ashrrev_i64, (int64_t)b >> n)

/* Four sums of absolute differences, the first operand a byte further each time. */
#define QUAD_SAD(name, sad)                                                                                            \
	static void lane_##name(struct gpu_lanes *v)                                                                   \
	{                                                                                                              \
		uint64_t *d = v->d;                                                                                    \
		SRC64(a);                                                                                              \
		SRC32(b);                                                                                              \
		SRC64(c);                                                                                              \
		for (unsigned i = 0; i < 32; i++) {                                                                    \
			uint64_t r = 0;                                                                                \
			for (unsigned n = 0; n < 4; n++) {                                                             \
				uint64_t s = sad((uint32_t)(a_[i] >> (8 * n)), b_[i]) + (c_[i] >> (16 * n) & 0xffff);  \
				r |= (s > 0xffff && v->clamp ? 0xffff : s & 0xffff) << (16 * n);                       \
			}                                                                                              \
			d[i] = r;                                                                                      \
		}                                                                                                      \
	}
QUAD_SAD(qsad_pk_u16_u8, sad8)
QUAD_SAD(mqsad_pk_u16_u8, msad8)

static void lane_mqsad_u32_u8(struct gpu_lanes *v)
{
	uint32_t *d = v->d;
	SRC64(a);
	SRC32(b);
	SRC32(c);

	for (unsigned n = 0; n < 4; n++) {
		for (unsigned i = 0; i < 32; i++) {
			uint64_t s = (uint64_t)msad8((uint32_t)(a_[i] >> (8 * n)), b_[i]) + c_[32 * n + i];

			d[32 * n + i] = s >> 32 && v->clamp ? 0xffffffff : (uint32_t)s;
		}
	}
}

const gpu_lane_fn LANE_TABLE(int)[] = {GPU_LANES_INT(LANE_ROW)};

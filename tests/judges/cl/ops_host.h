/* SPDX-License-Identifier: MIT */
/* ops_host.h - the host's side of ops.h: what OpenCL C says of each operation, in wider integers, doubles and libm. */
#ifndef OPS_HOST_H
#define OPS_HOST_H

/* Vectors, lane by lane, of a function of scalars. */
#define EACH1_WIDTH(f, R, A, W)                                                                                        \
	OP R##W f(A##W x)                                                                                              \
	{                                                                                                              \
		R##W r;                                                                                                \
		for (int i = 0; i < W; i++)                                                                            \
			r[i] = f(x[i]);                                                                                \
		return r;                                                                                              \
	}
#define EACH2_WIDTH(f, R, A, B, W)                                                                                     \
	OP R##W f(A##W x, B##W y)                                                                                      \
	{                                                                                                              \
		R##W r;                                                                                                \
		for (int i = 0; i < W; i++)                                                                            \
			r[i] = f(x[i], y[i]);                                                                          \
		return r;                                                                                              \
	}
#define EACH3_WIDTH(f, R, A, B, C, W)                                                                                  \
	OP R##W f(A##W x, B##W y, C##W z)                                                                              \
	{                                                                                                              \
		R##W r;                                                                                                \
		for (int i = 0; i < W; i++)                                                                            \
			r[i] = f(x[i], y[i], z[i]);                                                                    \
		return r;                                                                                              \
	}
#define EACH1(f, R, A)                                                                                                 \
	EACH1_WIDTH(f, R, A, 2)                                                                                        \
	EACH1_WIDTH(f, R, A, 3) EACH1_WIDTH(f, R, A, 4) EACH1_WIDTH(f, R, A, 8) EACH1_WIDTH(f, R, A, 16)
#define EACH2(f, R, A, B)                                                                                              \
	EACH2_WIDTH(f, R, A, B, 2)                                                                                     \
	EACH2_WIDTH(f, R, A, B, 3)                                                                                     \
	EACH2_WIDTH(f, R, A, B, 4) EACH2_WIDTH(f, R, A, B, 8) EACH2_WIDTH(f, R, A, B, 16)
#define EACH3(f, R, A, B, C)                                                                                           \
	EACH3_WIDTH(f, R, A, B, C, 2)                                                                                  \
	EACH3_WIDTH(f, R, A, B, C, 3)                                                                                  \
	EACH3_WIDTH(f, R, A, B, C, 4) EACH3_WIDTH(f, R, A, B, C, 8) EACH3_WIDTH(f, R, A, B, C, 16)

/* ---- integers ---- */

#define UNARY(T, R, name, result)                                                                                      \
	OP R name(T x)                                                                                                 \
	{                                                                                                              \
		return (R)(result);                                                                                    \
	}                                                                                                              \
	EACH1(name, R, T)
#define BINARY(T, R, name, result)                                                                                     \
	OP R name(T x, T y)                                                                                            \
	{                                                                                                              \
		return (R)(result);                                                                                    \
	}                                                                                                              \
	EACH2(name, R, T, T)
#define TERNARY(T, name, result)                                                                                       \
	OP T name(T x, T y, T z)                                                                                       \
	{                                                                                                              \
		return (T)(result);                                                                                    \
	}                                                                                                              \
	EACH3(name, T, T, T, T)

#define SELECT(T, S)                                                                                                   \
	OP T f_select(T x, T y, S z)                                                                                   \
	{                                                                                                              \
		return z ? y : x;                                                                                      \
	}                                                                                                              \
	SELECT_WIDTH(T, S, 2)                                                                                          \
	SELECT_WIDTH(T, S, 3) SELECT_WIDTH(T, S, 4) SELECT_WIDTH(T, S, 8) SELECT_WIDTH(T, S, 16)
#define SELECT_WIDTH(T, S, W)                                                                                          \
	OP T##W f_select(T##W x, T##W y, S##W z)                                                                       \
	{                                                                                                              \
		T##W r;                                                                                                \
		for (int i = 0; i < W; i++)                                                                            \
			r[i] = z[i] < 0 ? y[i] : x[i];                                                                 \
		return r;                                                                                              \
	}

#define LOWEST(T, BITS)  ((T)-1 < 0 ? -((__int128)1 << (BITS - 1)) : 0)
#define HIGHEST(T, BITS) ((T)-1 < 0 ? ((__int128)1 << (BITS - 1)) - 1 : ((__int128)1 << BITS) - 1)
#define BETWEEN(v, l, h) ((v) < (l) ? (l) : (v) > (h) ? (h) : (v))
/* Of a product that may need 128 bits unsigned: compared in the type's own wide type. */
#define INTEGERS(T, U, S, BITS, WIDE)                                                                                  \
	OP T saturate_##T(__int128 v)                                                                                  \
	{                                                                                                              \
		return (T)BETWEEN(v, LOWEST(T, BITS), HIGHEST(T, BITS));                                               \
	}                                                                                                              \
	BINARY(T, T, f_rotate,                                                                                         \
	       (U)((U)x << ((U)y & (BITS - 1))) | (U)((U)x >> ((BITS - ((U)y & (BITS - 1))) & (BITS - 1))))            \
	BINARY(T, T, f_mul_hi, ((WIDE)x * (WIDE)y) >> BITS)                                                            \
	TERNARY(T, f_mad_sat, BETWEEN((WIDE)x *(WIDE)y + (WIDE)z, (WIDE)LOWEST(T, BITS), (WIDE)HIGHEST(T, BITS)))      \
	BINARY(T, T, f_add_sat, saturate_##T((__int128)x + y))                                                         \
	BINARY(T, T, f_sub_sat, saturate_##T((__int128)x - y))                                                         \
	BINARY(T, T, f_hadd, ((__int128)x + y) >> 1)                                                                   \
	BINARY(T, T, f_rhadd, ((__int128)x + y + 1) >> 1)                                                              \
	UNARY(T, U, f_abs, x < 0 ? -(__int128)x : (__int128)x)                                                         \
	BINARY(T, U, f_abs_diff, x > y ? (__int128)x - y : (__int128)y - x)                                            \
	BINARY(T, T, f_min, y < x ? y : x)                                                                             \
	BINARY(T, T, f_max, x < y ? y : x)                                                                             \
	TERNARY(T, f_clamp, f_min(f_max(x, f_min(y, z)), f_max(y, z)))                                                 \
	UNARY(T, T, f_clz, (U)x ? __builtin_clzl((ulong)(U)x) - (64 - BITS) : BITS)                                    \
	UNARY(T, T, f_ctz, (U)x ? __builtin_ctzl((ulong)(U)x) : BITS)                                                  \
	UNARY(T, T, f_popcount, __builtin_popcountl((ulong)(U)x))                                                      \
	TERNARY(T, f_bitselect, (x & ~z) | (y & z))                                                                    \
	SELECT(T, S)
INT_TYPES(INTEGERS)

BINARY(int, int, f_mul24, (x & 0x7fff) * (y & 0x7fff))
BINARY(uint, uint, f_mul24, (x & 0x7fff) * (y & 0x7fff))
TERNARY(int, f_mad24, (x & 0x7fff) * (y & 0x7fff) + (z >> 1))
TERNARY(uint, f_mad24, (x & 0x7fff) * (y & 0x7fff) + (z >> 1))

#define ANY_WIDTH(S, W)                                                                                                \
	OP int f_any(S##W x)                                                                                           \
	{                                                                                                              \
		int r = 0;                                                                                             \
		for (int i = 0; i < W; i++)                                                                            \
			r |= x[i] < 0;                                                                                 \
		return r;                                                                                              \
	}                                                                                                              \
	OP int f_all(S##W x)                                                                                           \
	{                                                                                                              \
		return !f_any(~x);                                                                                     \
	}
#define ANY(T, U, S, BITS, WIDE) ANY_WIDTH(S, 2) ANY_WIDTH(S, 3) ANY_WIDTH(S, 4) ANY_WIDTH(S, 8) ANY_WIDTH(S, 16)
SIGNED_TYPES(ANY)

/* ---- floats ---- */

/* The next value up, of what is not the highest. */
#define STEPS(T, U, S, BITS)                                                                                           \
	OP T step_up(T x)                                                                                              \
	{                                                                                                              \
		S bits = as_##S(x);                                                                                    \
		return x == 0 ? as_##T((S)1) : as_##T((S)(bits >= 0 ? bits + 1 : bits - 1));                           \
	}                                                                                                              \
	OP T step_down(T x)                                                                                            \
	{                                                                                                              \
		return -step_up(-x);                                                                                   \
	}
FLOAT_TYPES(STEPS)

/*
 * Exact: the product of halves fits a double; the sum is rounded to odd there, so that the rounding to half that
 * follows is the only one that counts.
 */
OP half exact_fma(half x, half y, half z)
{
	double product = (double)x * (double)y, c = (double)z, sum = product + c;
	double back = sum - product, error = (product - (sum - back)) + (c - back);
	long bits = as_long(sum);

	if (error == error && error != 0 && !(bits & 1))
		bits += (error > 0) == (sum > 0) ? 1 : -1;
	return (half)as_double(bits);
}

OP float exact_fma(float x, float y, float z)
{
	return __builtin_fmaf(x, y, z);
}

OP double exact_fma(double x, double y, double z)
{
	return __builtin_fma(x, y, z);
}

/* Halves go through float: exact, or twice the digits and two more, so that the second rounding is harmless. */
#define THROUGH(T, C, suffix)                                                                                          \
	TERNARY(T, f_fma, exact_fma(x, y, z))                                                                          \
	UNARY(T, T, f_sqrt, __builtin_sqrt##suffix((C)x))                                                              \
	UNARY(T, T, f_floor, __builtin_floor##suffix((C)x))                                                            \
	UNARY(T, T, f_ceil, __builtin_ceil##suffix((C)x))                                                              \
	UNARY(T, T, f_trunc, __builtin_trunc##suffix((C)x))                                                            \
	UNARY(T, T, f_rint, __builtin_rint##suffix((C)x))                                                              \
	UNARY(T, T, f_round, __builtin_round##suffix((C)x) + 0)                                                        \
	UNARY(T, T, f_fabs, __builtin_fabs##suffix((C)x))                                                              \
	BINARY(T, T, f_copysign, __builtin_copysign##suffix((C)x, y == y ? (C)y : 0))                                  \
	BINARY(T, T, f_fmin, __builtin_fmin##suffix((C)x, (C)y) + 0)                                                   \
	BINARY(T, T, f_fmax, __builtin_fmax##suffix((C)x, (C)y) + 0)                                                   \
	BINARY(T, T, f_nextafter, x != x || y != y ? x + y : x == y ? y : x < y ? step_up(x) : step_down(x))           \
	OP T f_ldexp(T x, int y)                                                                                       \
	{                                                                                                              \
		return (T)LDEXP_##T((double)x, (y & 63) - 32);                                                         \
	}                                                                                                              \
	EACH2(f_ldexp, T, T, int)
/* A double holds every scaled float and half: one rounding. */
#define LDEXP_half   __builtin_ldexp
#define LDEXP_float  __builtin_ldexp
#define LDEXP_double __builtin_ldexp
THROUGH(half, float, f)
THROUGH(float, float, f)
THROUGH(double, double, )
SELECT(half, short)
SELECT(float, int)
SELECT(double, long)

/* ---- conversions ---- */

#define CONVERT(name) n_convert_##name
#define INT_TYPES_AGAIN(M, D)                                                                                          \
	M(D, char) M(D, uchar) M(D, short) M(D, ushort) M(D, int) M(D, uint) M(D, long) M(D, ulong)
#define FLOAT_TYPES_AGAIN(M, D) M(D, half) M(D, float) M(D, double)

#define CONVERSION(name, D, A, result)                                                                                 \
	OP D n_convert_##D##name(A x)                                                                                  \
	{                                                                                                              \
		return result;                                                                                         \
	}                                                                                                              \
	CONVERSION_WIDTH(name, D, A, 2)                                                                                \
	CONVERSION_WIDTH(name, D, A, 3)                                                                                \
	CONVERSION_WIDTH(name, D, A, 4) CONVERSION_WIDTH(name, D, A, 8) CONVERSION_WIDTH(name, D, A, 16)
#define CONVERSION_WIDTH(name, D, A, W)                                                                                \
	OP D##W n_convert_##D##W##name(A##W x)                                                                         \
	{                                                                                                              \
		D##W r;                                                                                                \
		for (int i = 0; i < W; i++)                                                                            \
			r[i] = n_convert_##D##name(x[i]);                                                              \
		return r;                                                                                              \
	}

#define INT_OF_INT(D, A) CONVERSION(, D, A, (D)x) CONVERSION(_sat, D, A, saturate_##D((__int128)x))
/* x is whole or infinite, or no number. */
OP __int128 whole(double x)
{
	return x != x ? 0 : (__int128)BETWEEN(x, -0x1p100, 0x1p100);
}
#define INT_OF_FLOAT(D, A)                                                                                             \
	CONVERSION(_sat, D, A, saturate_##D(whole(__builtin_trunc((double)x))))                                        \
	CONVERSION(_sat_rtz, D, A, saturate_##D(whole(__builtin_trunc((double)x))))                                    \
	CONVERSION(_sat_rte, D, A, saturate_##D(whole(__builtin_rint((double)x))))                                     \
	CONVERSION(_sat_rtp, D, A, saturate_##D(whole(__builtin_ceil((double)x))))                                     \
	CONVERSION(_sat_rtn, D, A, saturate_##D(whole(__builtin_floor((double)x))))
#define TO_INT(D, U, S, BITS, WIDE) INT_TYPES_AGAIN(INT_OF_INT, D) FLOAT_TYPES_AGAIN(INT_OF_FLOAT, D)
INT_TYPES(TO_INT)

/* How r, x rounded to nearest, lies to x. */
OP int beside(double r, __int128 x)
{
	__int128 i = whole(r);

	return (i > x) - (i < x);
}
OP int beside(double r, double x)
{
	return (r > x) - (r < x);
}
#define EXACT_char   __int128
#define EXACT_uchar  __int128
#define EXACT_short  __int128
#define EXACT_ushort __int128
#define EXACT_int    __int128
#define EXACT_uint   __int128
#define EXACT_long   __int128
#define EXACT_ulong  __int128
#define EXACT_half   double
#define EXACT_float  double
#define EXACT_double double
/* No integer is both inexact as a double and finite as a half. */
#define NEAREST_half(x)   (half)(double)(x)
#define NEAREST_float(x)  (float)(x)
#define NEAREST_double(x) (double)(x)
#define FLOAT_OF(D, A)                                                                                                 \
	CONVERSION(, D, A, NEAREST_##D(x))                                                                             \
	CONVERSION(_rte, D, A, NEAREST_##D(x))                                                                         \
	OP D toward(D r, A x, int zero, int up)                                                                        \
	{                                                                                                              \
		int side = beside((double)r, (EXACT_##A)x);                                                            \
		if (zero)                                                                                              \
			up = x < 0;                                                                                    \
		return up && side < 0 ? step_up(r) : !up && side > 0 ? step_down(r) : r;                               \
	}                                                                                                              \
	CONVERSION(_rtz, D, A, toward(NEAREST_##D(x), x, 1, 0))                                                        \
	CONVERSION(_rtp, D, A, toward(NEAREST_##D(x), x, 0, 1))                                                        \
	CONVERSION(_rtn, D, A, toward(NEAREST_##D(x), x, 0, 0))
#define TO_FLOAT(D, U, S, BITS) INT_TYPES_AGAIN(FLOAT_OF, D) FLOAT_TYPES_AGAIN(FLOAT_OF, D)
FLOAT_TYPES(TO_FLOAT)

/* ---- memory ---- */

#define f_load(T, W, i, p)     n_load_##T##W(i, (const T *)(p))
#define f_store(T, W, v, i, p) n_store_##T##W(v, i, (T *)(p))
#define f_load_half(i, p)      ((float)((const half *)(p))[i])
#define MEMORY_WIDTH(T, W)                                                                                             \
	OP T##W n_load_##T##W(size_t i, const T *p)                                                                    \
	{                                                                                                              \
		T##W r;                                                                                                \
		for (int c = 0; c < W; c++)                                                                            \
			r[c] = p[i * W + c];                                                                           \
		return r;                                                                                              \
	}                                                                                                              \
	OP void n_store_##T##W(T##W v, size_t i, T *p)                                                                 \
	{                                                                                                              \
		for (int c = 0; c < W; c++)                                                                            \
			p[i * W + c] = v[c];                                                                           \
	}
#define MEMORY(T) MEMORY_WIDTH(T, 2) MEMORY_WIDTH(T, 3) MEMORY_WIDTH(T, 4) MEMORY_WIDTH(T, 8) MEMORY_WIDTH(T, 16)
MEMORY(uchar)
MEMORY(ushort)
MEMORY(uint)
MEMORY(ulong)

/* ---- functions with a bound: ref.c; f_sqrt is correctly rounded here ---- */

#define BOUND1(name)                                                                                                   \
	double ref_##name(double x);                                                                                   \
	BOUND1_TYPE(half, name)                                                                                        \
	BOUND1_TYPE(float, name)                                                                                       \
	BOUND1_TYPE(double, name)
#define BOUND1_TYPE(T, name)                                                                                           \
	OP T f_##name(T x)                                                                                             \
	{                                                                                                              \
		return (T)ref_##name((double)x);                                                                       \
	}
#define BOUND2(name)                                                                                                   \
	double ref_##name(double x, double y);                                                                         \
	BOUND2_TYPE(half, name)                                                                                        \
	BOUND2_TYPE(float, name)                                                                                       \
	BOUND2_TYPE(double, name)
#define BOUND2_TYPE(T, name)                                                                                           \
	OP T f_##name(T x, T y)                                                                                        \
	{                                                                                                              \
		return (T)ref_##name((double)x, (double)y);                                                            \
	}
BOUND1(acos)
BOUND1(acosh)
BOUND1(asin)
BOUND1(asinh)
BOUND1(atan)
BOUND1(atanh)
BOUND1(cbrt)
BOUND1(cos)
BOUND1(cosh)
BOUND1(cospi)
BOUND1(erf)
BOUND1(erfc)
BOUND1(exp)
BOUND1(exp2)
BOUND1(exp10)
BOUND1(expm1)
BOUND1(log)
BOUND1(log2)
BOUND1(log10)
BOUND1(log1p)
BOUND1(logb)
BOUND1(rsqrt)
BOUND1(sin)
BOUND1(sinh)
BOUND1(sinpi)
BOUND1(tan)
BOUND1(tanh)
BOUND1(tgamma)
BOUND2(atan2)
BOUND2(fdim)
BOUND2(fmod)
BOUND2(hypot)
BOUND2(pow)
BOUND2(remainder)
BOUND2(divide)

/* ---- between lanes (the ISA's words: a row is 16 lanes) ---- */

#define LANE ((uint)get_local_id(0) % twin_wave_size())

OP uint in_row(uint x, uint old, int lane, bool wraps)
{
	uint row = LANE & ~15u, got = twin_read_lane(x, row + ((uint)lane & 15));

	return wraps || (lane >= 0 && lane < 16) ? got : old;
}

#define IN_ROW                ((int)(LANE & 15))
#define w_row_shl(old, x, by) in_row(x, old, IN_ROW + (by), false)
#define w_row_shr(old, x, by) in_row(x, old, IN_ROW - (by), false)
#define w_row_ror(x, by)      in_row(x, 0, IN_ROW - (by), true)
#define w_row_mirror(x)       in_row(x, 0, 15 - IN_ROW, true)
#define w_row_half_mirror(x)  in_row(x, 0, IN_ROW ^ 7, true)
#define w_row_share(x, lane)  in_row(x, 0, lane, true)
#define w_row_xmask(x, mask)  in_row(x, 0, IN_ROW ^ (mask), true)
#define w_quad(x, a, b, c, d)                                                                                          \
	in_row(x, 0, (IN_ROW & ~3) | (int)(((a) | (b) << 2 | (c) << 4 | (d) << 6) >> 2 * (IN_ROW & 3) & 3), true)
#define w_eight(x, selector)       in_row(x, 0, (IN_ROW & ~7) | (int)((selector) >> 3 * (IN_ROW & 7) & 7), true)
#define NIBBLE(low, high)          ((IN_ROW < 8 ? (low) : (high)) >> 4 * (IN_ROW & 7) & 15)
#define w_permute(x, low, high)    twin_read_lane(x, (LANE & ~15u) + NIBBLE(low, high))
#define w_permute_x(x, low, high)  twin_read_lane(x, ((LANE & ~15u) ^ 16u) + NIBBLE(low, high))
#define w_swizzle(x, and, or, xor) twin_shuffle(x, ((LANE & 31 & (and)) | (or)) ^ (xor))
#define w_shuffle(x, lane)         twin_shuffle(x, lane)
#define w_read(x, lane)            twin_read_lane(x, (lane) & (twin_wave_size() - 1))
#define w_ballot(c)                twin_ballot(c)
#define w_first(x)                 twin_read_lane(x, 0)

#endif

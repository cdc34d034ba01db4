/* SPDX-License-Identifier: MIT */
/*
 * ops.h - the operations of generated kernels (gen.c), for the GPU and for the host (TWIN_NATIVE). On the GPU each is
 * OpenCL's own built-in or operator, with operands guarded so that C and OpenCL define the result. On the host each is
 * written out in terms of a wider type or libm, lane by lane; ops_host.h has those. Results that the language leaves
 * open are made one: NaNs by fold(), the sign of a zero that fmin, fmax and round return by adding 0.
 */
#ifndef OPS_H
#define OPS_H

#include "tests/image/cl/twin.h"

#define OP     static inline __attribute__((overloadable, always_inline, unused))
#define TAIL_W 16 /* words behind out that the kernel's atomics share */

/* type, its unsigned type, its signed type, bits, type wide enough for products */
#define SIGNED_TYPES(M)                                                                                                \
	M(char, uchar, char, 8, __int128)                                                                              \
	M(short, ushort, short, 16, __int128) M(int, uint, int, 32, __int128) M(long, ulong, long, 64, __int128)
#define UNSIGNED_TYPES(M)                                                                                              \
	M(uchar, uchar, char, 8, unsigned __int128)                                                                    \
	M(ushort, ushort, short, 16, unsigned __int128)                                                                \
	M(uint, uint, int, 32, unsigned __int128) M(ulong, ulong, long, 64, unsigned __int128)
#define INT_TYPES(M) SIGNED_TYPES(M) UNSIGNED_TYPES(M)
/* type, integers of its size, bits */
#define FLOAT_TYPES(M) M(half, ushort, short, 16) M(float, uint, int, 32) M(double, ulong, long, 64)

/* ---- what both sides write alike ---- */

#define INT_WIDTH(T, U, S, W, BITS, DIVISOR)                                                                           \
	OP T##W f_add(T##W x, T##W y)                                                                                  \
	{                                                                                                              \
		return as_##T##W((U##W)(as_##U##W(x) + as_##U##W(y)));                                                 \
	}                                                                                                              \
	OP T##W f_sub(T##W x, T##W y)                                                                                  \
	{                                                                                                              \
		return as_##T##W((U##W)(as_##U##W(x) - as_##U##W(y)));                                                 \
	}                                                                                                              \
	OP T##W f_mul(T##W x, T##W y)                                                                                  \
	{                                                                                                              \
		return as_##T##W((U##W)((U##W)1 * as_##U##W(x) * as_##U##W(y)));                                       \
	}                                                                                                              \
	OP T##W f_div(T##W x, T##W y)                                                                                  \
	{                                                                                                              \
		T##W d = DIVISOR(y, T##W, U##W);                                                                       \
		return DIVIDEND_##BITS(x) / d;                                                                         \
	}                                                                                                              \
	OP T##W f_mod(T##W x, T##W y)                                                                                  \
	{                                                                                                              \
		T##W d = DIVISOR(y, T##W, U##W);                                                                       \
		return DIVIDEND_##BITS(x) % d;                                                                         \
	}                                                                                                              \
	OP T##W f_and(T##W x, T##W y)                                                                                  \
	{                                                                                                              \
		return x & y;                                                                                          \
	}                                                                                                              \
	OP T##W f_or(T##W x, T##W y)                                                                                   \
	{                                                                                                              \
		return x | y;                                                                                          \
	}                                                                                                              \
	OP T##W f_xor(T##W x, T##W y)                                                                                  \
	{                                                                                                              \
		return x ^ y;                                                                                          \
	}                                                                                                              \
	OP T##W f_not(T##W x)                                                                                          \
	{                                                                                                              \
		return ~x;                                                                                             \
	}                                                                                                              \
	OP T##W f_shl(T##W x, T##W y)                                                                                  \
	{                                                                                                              \
		return as_##T##W((U##W)(as_##U##W(x) << (as_##U##W(y) & (U##W)(BITS - 1))));                           \
	}                                                                                                              \
	OP T##W f_shr(T##W x, T##W y)                                                                                  \
	{                                                                                                              \
		return x >> (y & (T##W)(BITS - 1));                                                                    \
	}

/*
 * What the compiler knows of a value must not lead it astray. Of 64 bits, when it knows that the dividend fits 32 bits
 * and the divisor 24, clang 16 divides the two as 24-bit numbers, by one product of floats; -2091197199 / 2 is then off
 * by 7. Of 32 bits, it takes the product of two values known to fit 16 for one that fits an int (mul nuw nsw):
 * mad_sat() of 65535 and 65535 saturates wrongly.
 */
#define DIVIDEND_8(x)  x
#define DIVIDEND_16(x) x
#define DIVIDEND_32(x) x
#if defined(TWIN_NATIVE) || !defined(__OPTIMIZE__)
#define DIVIDEND_64(x) x
#define FACTOR(x)      x
#else
#define DIVIDEND_64(x) unknown(x)
#define FACTOR(x)      unknown(x)
#define UNKNOWN_WIDTH(T, W)                                                                                            \
	OP T##W unknown(T##W x)                                                                                        \
	{                                                                                                              \
		for (int i = 0; i < W; i++)                                                                            \
			x[i] = unknown(x[i]);                                                                          \
		return x;                                                                                              \
	}
#define UNKNOWN(T)                                                                                                     \
	OP T unknown(T x)                                                                                              \
	{                                                                                                              \
		__asm__("" : "+v"(x));                                                                                 \
		return x;                                                                                              \
	}                                                                                                              \
	UNKNOWN_WIDTH(T, 2)                                                                                            \
	UNKNOWN_WIDTH(T, 3) UNKNOWN_WIDTH(T, 4) UNKNOWN_WIDTH(T, 8) UNKNOWN_WIDTH(T, 16)
UNKNOWN(int)
UNKNOWN(uint)
UNKNOWN(long)
UNKNOWN(ulong)
#define KNOWN_WIDTH(T, W)                                                                                              \
	OP T##W unknown(T##W x)                                                                                        \
	{                                                                                                              \
		return x;                                                                                              \
	}
#define KNOWN(T)                                                                                                       \
	KNOWN_WIDTH(T, ) KNOWN_WIDTH(T, 2) KNOWN_WIDTH(T, 3) KNOWN_WIDTH(T, 4) KNOWN_WIDTH(T, 8) KNOWN_WIDTH(T, 16)
KNOWN(char)
KNOWN(uchar)
KNOWN(short)
KNOWN(ushort)
#endif

/* Neither 0 nor -1: signed ones end in binary 10. */
#define SIGNED_DIVISOR(y, T, U)   ((y) & ~(T)3) | (T)2
#define UNSIGNED_DIVISOR(y, T, U) (y) | (T)1
#define SIGNED_WIDTHS(T, U, S, BITS, WIDE)                                                                             \
	INT_WIDTH(T, U, S, , BITS, SIGNED_DIVISOR)                                                                     \
	INT_WIDTH(T, U, S, 2, BITS, SIGNED_DIVISOR)                                                                    \
	INT_WIDTH(T, U, S, 3, BITS, SIGNED_DIVISOR)                                                                    \
	INT_WIDTH(T, U, S, 4, BITS, SIGNED_DIVISOR)                                                                    \
	INT_WIDTH(T, U, S, 8, BITS, SIGNED_DIVISOR)                                                                    \
	INT_WIDTH(T, U, S, 16, BITS, SIGNED_DIVISOR)
#define UNSIGNED_WIDTHS(T, U, S, BITS, WIDE)                                                                           \
	INT_WIDTH(T, U, S, , BITS, UNSIGNED_DIVISOR)                                                                   \
	INT_WIDTH(T, U, S, 2, BITS, UNSIGNED_DIVISOR)                                                                  \
	INT_WIDTH(T, U, S, 3, BITS, UNSIGNED_DIVISOR)                                                                  \
	INT_WIDTH(T, U, S, 4, BITS, UNSIGNED_DIVISOR)                                                                  \
	INT_WIDTH(T, U, S, 8, BITS, UNSIGNED_DIVISOR)                                                                  \
	INT_WIDTH(T, U, S, 16, BITS, UNSIGNED_DIVISOR)
SIGNED_TYPES(SIGNED_WIDTHS)
UNSIGNED_TYPES(UNSIGNED_WIDTHS)

#define COMPARE_WIDTH(T, S, W, name, operator)                                                                         \
	OP S##W name(T##W x, T##W y)                                                                                   \
	{                                                                                                              \
		return (S##W)(x operator y);                                                                           \
	}
#define COMPARE_ALL(T, S, W)                                                                                           \
	COMPARE_WIDTH(T, S, W, f_lt, <)                                                                                \
	COMPARE_WIDTH(T, S, W, f_le, <=)                                                                               \
	COMPARE_WIDTH(T, S, W, f_gt, >)                                                                                \
	COMPARE_WIDTH(T, S, W, f_ge, >=)                                                                               \
	COMPARE_WIDTH(T, S, W, f_eq, ==)                                                                               \
	COMPARE_WIDTH(T, S, W, f_ne, !=)
#define COMPARE(T, S)                                                                                                  \
	COMPARE_ALL(T, S, )                                                                                            \
	COMPARE_ALL(T, S, 2)                                                                                           \
	COMPARE_ALL(T, S, 3) COMPARE_ALL(T, S, 4) COMPARE_ALL(T, S, 8) COMPARE_ALL(T, S, 16)
#define COMPARE_INT(T, U, S, BITS, WIDE) COMPARE(T, S)
#define COMPARE_FLOAT(T, U, S, BITS)     COMPARE(T, S)
INT_TYPES(COMPARE_INT)
FLOAT_TYPES(COMPARE_FLOAT)

#define FLOAT_WIDTH(T, W)                                                                                              \
	OP T##W f_add(T##W x, T##W y)                                                                                  \
	{                                                                                                              \
		return x + y;                                                                                          \
	}                                                                                                              \
	OP T##W f_sub(T##W x, T##W y)                                                                                  \
	{                                                                                                              \
		return x - y;                                                                                          \
	}                                                                                                              \
	OP T##W f_mul(T##W x, T##W y)                                                                                  \
	{                                                                                                              \
		return x * y;                                                                                          \
	}                                                                                                              \
	OP T##W f_div(T##W x, T##W y)                                                                                  \
	{                                                                                                              \
		return x / y;                                                                                          \
	}                                                                                                              \
	OP T##W f_neg(T##W x)                                                                                          \
	{                                                                                                              \
		return -x;                                                                                             \
	}
#define FLOAT_WIDTHS(T, U, S, BITS)                                                                                    \
	FLOAT_WIDTH(T, )                                                                                               \
	FLOAT_WIDTH(T, 2) FLOAT_WIDTH(T, 3) FLOAT_WIDTH(T, 4) FLOAT_WIDTH(T, 8) FLOAT_WIDTH(T, 16)
FLOAT_TYPES(FLOAT_WIDTHS)

/* ---- one word of any value ---- */

OP uint mix(uint x, uint y)
{
	return (x ^ (y + 0x9e3779b9u + (x << 6) + (x >> 2))) * 0x85ebca6bu;
}

#define FOLD_INT(T, U, S, BITS, WIDE)                                                                                  \
	OP uint fold(T x)                                                                                              \
	{                                                                                                              \
		return (uint)x ^ (uint)((ulong)x >> 32);                                                               \
	}
#define FOLD_FLOAT(T, U, S, BITS)                                                                                      \
	OP uint fold(T x)                                                                                              \
	{                                                                                                              \
		uint bits = fold(as_##U(x)), none = 0x7fc00000u;                                                       \
		return x == x ? bits : none;                                                                           \
	}
#define FOLD_VECTOR(T)                                                                                                 \
	OP uint fold(T##2 x)                                                                                           \
	{                                                                                                              \
		return mix(fold(x.x), fold(x.y));                                                                      \
	}                                                                                                              \
	OP uint fold(T##3 x)                                                                                           \
	{                                                                                                              \
		return mix(fold(x.xy), fold(x.z));                                                                     \
	}                                                                                                              \
	OP uint fold(T##4 x)                                                                                           \
	{                                                                                                              \
		return mix(fold(x.lo), fold(x.hi));                                                                    \
	}                                                                                                              \
	OP uint fold(T##8 x)                                                                                           \
	{                                                                                                              \
		return mix(fold(x.lo), fold(x.hi));                                                                    \
	}                                                                                                              \
	OP uint fold(T##16 x)                                                                                          \
	{                                                                                                              \
		return mix(fold(x.even), fold(x.odd));                                                                 \
	}
#define FOLD_INTS(T, U, S, BITS, WIDE) FOLD_INT(T, U, S, BITS, WIDE) FOLD_VECTOR(T)
#define FOLD_FLOATS(T, U, S, BITS)     FOLD_FLOAT(T, U, S, BITS) FOLD_VECTOR(T)
INT_TYPES(FOLD_INTS)
FLOAT_TYPES(FOLD_FLOATS)

/* ---- values out of the input's words: any bits for integers, no signalling NaN for floats ---- */

#define LOAD_INT(T, U, S, BITS, WIDE)                                                                                  \
	OP T ld_##T(uint w, uint v)                                                                                    \
	{                                                                                                              \
		return (T)(w ^ v << 7);                                                                                \
	}
LOAD_INT(char, , , , )
LOAD_INT(uchar, , , , )
LOAD_INT(short, , , , )
LOAD_INT(ushort, , , , )
LOAD_INT(int, , , , )
LOAD_INT(uint, , , , )

OP long ld_long(uint w, uint v)
{
	return (long)((ulong)w << 32 | v);
}

OP ulong ld_ulong(uint w, uint v)
{
	return (ulong)v << 32 | w;
}

/* No branches here: see the head of gen_body.c. */
OP float ld_float(uint w, uint v)
{
	float plain = (float)(int)w * 0x1p-20f, any = as_float(w), none = as_float(0x7fc00000u);

	any = (w & 0x7fffffffu) > 0x7f800000u ? none : any;
	return (v & 3) == 0 ? any : plain;
}

OP double ld_double(uint w, uint v)
{
	ulong bits = (ulong)w << 32 | v;
	double plain = (double)(int)w * 0x1p-20 + (double)v * 0x1p-50, any = as_double(bits);
	double none = as_double(0x7ff8000000000000ul);

	any = (bits & 0x7ffffffffffffffful) > 0x7ff0000000000000ul ? none : any;
	return (v & 3) == 0 ? any : plain;
}

OP half ld_half(uint w, uint v)
{
	ushort bits = (ushort)(w ^ v >> 16), none = 0x7e00;

	bits = (bits & 0x7fffu) > 0x7c00u ? none : bits;
	return as_half(bits);
}

/* ---- what the sides write differently ---- */

#ifdef TWIN_NATIVE
#include "tests/judges/cl/ops_host.h"
#else
#include "tests/judges/cl/ops_gpu.h"
#endif

/* What a conversion makes of no number is only recommended; its sign, which copysign would take, is nobody's. */
#define NUMBER_WIDTH(T, W)                                                                                             \
	OP T##W f_number(T##W x)                                                                                       \
	{                                                                                                              \
		return f_select(x, (T##W)(T)0, f_ne(x, x));                                                            \
	}
#define NUMBER(T, U, S, BITS)                                                                                          \
	NUMBER_WIDTH(T, )                                                                                              \
	NUMBER_WIDTH(T, 2) NUMBER_WIDTH(T, 3) NUMBER_WIDTH(T, 4) NUMBER_WIDTH(T, 8) NUMBER_WIDTH(T, 16)
FLOAT_TYPES(NUMBER)

#endif

/* SPDX-License-Identifier: MIT */
/* ref.c - functions with a bound, in long double (64 bits of mantissa on x86), rounded once to double. */
#include <math.h>

#define REF1(name, result)                                                                                             \
	double ref_##name(double argument);                                                                            \
	double ref_##name(double argument)                                                                             \
	{                                                                                                              \
		long double x = argument;                                                                              \
		return (double)(result);                                                                               \
	}
#define REF2(name, result)                                                                                             \
	double ref_##name(double first, double second);                                                                \
	double ref_##name(double first, double second)                                                                 \
	{                                                                                                              \
		long double x = first, y = second;                                                                     \
		return (double)(result);                                                                               \
	}

#define PI 3.14159265358979323846264338327950288L

/* Exact down to a quarter turn, so that multiples of a half are what they should be. */
static long double sine_of_half_turns(long double x, int quarters)
{
	long double turn, rest;
	int quarter;

	if (!isfinite(x))
		return NAN;
	turn = fmodl(x, 2);
	quarter = (int)rintl(turn * 2);
	rest = (turn - (long double)quarter / 2) * PI;
	switch ((quarter + quarters) & 3) {
	case 0:
		return sinl(rest);
	case 1:
		return cosl(rest);
	case 2:
		return -sinl(rest);
	default:
		return -cosl(rest);
	}
}

REF1(acos, acosl(x))
REF1(acosh, acoshl(x))
REF1(asin, asinl(x))
REF1(asinh, asinhl(x))
REF1(atan, atanl(x))
REF1(atanh, atanhl(x))
REF2(atan2, atan2l(x, y))
REF1(cbrt, cbrtl(x))
REF1(cos, cosl(x))
REF1(cosh, coshl(x))
REF1(cospi, sine_of_half_turns(x, 1))
REF1(erf, erfl(x))
REF1(erfc, erfcl(x))
REF1(exp, expl(x))
REF1(exp2, exp2l(x))
REF1(exp10, powl(10, x))
REF1(expm1, expm1l(x))
REF2(fdim, fdiml(x, y))
REF2(fmod, fmodl(x, y))
REF2(hypot, hypotl(x, y))
REF1(log, logl(x))
REF1(log2, log2l(x))
REF1(log10, log10l(x))
REF1(log1p, log1pl(x))
REF1(logb, logbl(x))
REF2(pow, powl(x, y))
REF1(rsqrt, 1 / sqrtl(x))
REF2(remainder, remainderl(x, y))
REF1(sin, sinl(x))
REF1(sinh, sinhl(x))
REF1(sinpi, sine_of_half_turns(x, 0))
REF1(sqrt, sqrtl(x))
REF1(tan, tanl(x))
REF1(tanh, tanhl(x))
REF1(tgamma, tgammal(x))
REF2(divide, x / y)

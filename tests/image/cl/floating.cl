/* SPDX-License-Identifier: MIT */
#include "twin.h"

KERNEL(f32_arith, float, float, float)
{
	uint i = GID;

	if (i < n)
		out[i] = (a[i] + b[i]) * (a[i] - b[i]) - a[i] * 0.3f + fabs(b[i]);
}

KERNEL(f32_divide, float, float, float)
{
	uint i = GID;

	if (i < n)
		out[i] = a[i] / (b[i] + 3.0f) + sqrt(fabs(a[i])) / 7.0f;
}

KERNEL(f32_fma, float, float, float)
{
	uint i = GID;

	if (i < n)
		out[i] = fma(a[i], b[i], fma(b[i], b[i], (float)k));
}

KERNEL(f32_compare, uint, float, float)
{
	uint i = GID;

	if (i < n) {
		float x = a[i], y = b[i];
		uint mask = (x < y) | (x <= y) << 1 | (x == y) << 2 | (x != y) << 3 | (x > y) << 4 | (x >= y) << 5;

		mask |= (uint)!!isnan(x / (y - y)) << 6 | (uint)!!isinf(y) << 7;
		mask |= as_uint(fmin(x, y)) << 8 ^ as_uint(fmax(x, y)) << 9;
		out[i] = mask;
	}
}

KERNEL(f32_convert, int, float, int)
{
	uint i = GID;

	if (i < n) {
		int truncated = (int)(a[i] * 100.0f);
		uint unsigned_part = (uint)fabs(a[i] * 1000.0f);
		float back = (float)b[i] + (float)(uint)b[i];

		out[i] = truncated ^ (int)unsigned_part ^ as_int(back);
	}
}

KERNEL(f32_round, float, float, float)
{
	uint i = GID;

	if (i < n) {
		float x = a[i] * 10.0f;

		out[i] = floor(x) + ceil(x) * 3.0f + trunc(x) * 5.0f + rint(x) * 7.0f + copysign(1.5f, b[i]);
	}
}

KERNEL(f32_exp, float, float, float)
{
	uint i = GID;

	if (i < n)
		out[i] = exp2(a[i]) + exp(b[i]) + log2(fabs(a[i]) + 0.5f);
}

KERNEL(f32_trig, float, float, float)
{
	uint i = GID;

	if (i < n)
		out[i] = sin(a[i]) * cos(b[i]) + rsqrt(fabs(a[i]) + 1.0f);
}

KERNEL(f64_arith, double, double, double)
{
	uint i = GID;

	if (i < n)
		out[i] = (a[i] + b[i]) * (a[i] - b[i]) + a[i] * 0.125 - fabs(b[i]);
}

KERNEL(f64_divide, double, double, double)
{
	uint i = GID;

	if (i < n)
		out[i] = a[i] / (fabs(b[i]) + 1.0) + fma(a[i], b[i], 2.0);
}

KERNEL(f64_sqrt, double, double, double)
{
	uint i = GID;

	if (i < n)
		out[i] = sqrt(fabs(a[i])) + floor(b[i] * 16.0) - trunc(a[i] * 3.0);
}

KERNEL(f64_convert, long, double, long)
{
	uint i = GID;

	if (i < n) {
		long whole = (long)(a[i] * 1000000.0);
		double back = (double)b[i];
		float narrow = (float)a[i];

		out[i] = whole ^ as_long(back) ^ (long)as_uint(narrow) << 7 ^ (long)(double)narrow ^ (int)a[i];
	}
}

KERNEL(f16_arith, half, half, half)
{
	uint i = GID;

	if (i < n)
		out[i] = (a[i] + b[i]) * (a[i] - (half)0.5h) + a[i] * b[i];
}

KERNEL(f16_vector, half2, half2, half2)
{
	uint i = GID;

	if (i < n) {
		half2 v = a[i] * b[i] + (half2)(1.0h, -2.0h);

		out[i] = v.yx + a[i] * (half2)(0.25h);
	}
}

KERNEL(f16_convert, float, half, float)
{
	uint i = GID;

	if (i < n) {
		half narrowed = (half)b[i];

		out[i] = (float)a[i] * 2.0f + (float)narrowed + (float)(half)(short)(i & 255);
	}
}

KERNEL(f16_compare, ushort, half, half)
{
	uint i = GID;

	if (i < n) {
		half low = a[i] < b[i] ? a[i] : b[i];
		half high = a[i] >= b[i] ? a[i] : b[i];

		out[i] = as_ushort((half)(high - low)) ^ (ushort)((a[i] == b[i]) << 1 | (a[i] != low));
	}
}

KERNEL(mandelbrot, uint, float, float)
{
	uint i = GID;

	if (i < n) {
		float cx = a[i], cy = b[i], x = 0.0f, y = 0.0f;
		uint step = 0;

		while (step < k && x * x + y * y < 4.0f) {
			float next = x * x - y * y + cx;

			y = 2.0f * x * y + cy;
			x = next;
			step++;
		}
		out[i] = step;
	}
}

KERNEL(nbody, float4, float4, float4)
{
	uint i = GID;

	if (i < n) {
		float3 force = (float3)(0.0f);
		float4 me = a[i];

		for (uint j = 0; j < k; j++) {
			float3 d = b[j].xyz - me.xyz;
			float r2 = d.x * d.x + d.y * d.y + d.z * d.z + 0.01f;
			float inverse = 1.0f / sqrt(r2);

			force += d * (b[j].w * inverse * inverse * inverse);
		}
		out[i] = (float4)(force, me.w);
	}
}

KERNEL(polynomial, double, double, double)
{
	uint i = GID;

	if (i < n) {
		double x = a[i], sum = 0.0;

		for (uint term = 0; term < k; term++)
			sum = sum * x + b[term];
		out[i] = sum;
	}
}

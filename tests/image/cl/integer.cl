/* SPDX-License-Identifier: MIT */
#include "twin.h"

KERNEL(int_arith, uint, uint, uint)
{
	uint i = GID;

	if (i < n)
		out[i] = (a[i] + b[i]) * 3u - (a[i] ^ k) + (b[i] >> (a[i] & 31)) - (a[i] << (b[i] & 31));
}

KERNEL(int_divide, int, int, int)
{
	uint i = GID;

	if (i < n) {
		int d = b[i] == 0 || b[i] == -1 ? 7 : b[i];

		out[i] = a[i] / d + a[i] % d * 5;
	}
}

KERNEL(uint_divide, uint, uint, uint)
{
	uint i = GID;

	if (i < n) {
		uint d = b[i] | 1;

		out[i] = a[i] / d ^ a[i] % d ^ a[i] / 10 ^ a[i] % 1000;
	}
}

KERNEL(long_arith, ulong, ulong, ulong)
{
	uint i = GID;

	if (i < n)
		out[i] = a[i] * b[i] + (a[i] >> (b[i] & 63)) - (b[i] << (a[i] & 63)) + (a[i] & ~b[i]);
}

KERNEL(long_divide, long, long, long)
{
	uint i = GID;

	if (i < n) {
		long d = b[i] >> (a[i] & 47);

		if (d == 0 || d == -1)
			d = 3;
		out[i] = a[i] / d + a[i] % d + (long)((ulong)b[i] / 1000003ul);
	}
}

KERNEL(int_mul_hi, uint, uint, uint)
{
	uint i = GID;

	if (i < n) {
		uint unsigned_high = mul_hi(a[i], b[i]);
		int signed_high = mul_hi((int)a[i], (int)b[i]);

		out[i] = unsigned_high ^ (uint)signed_high << 1 ^ mad24(a[i] & 0xffff, b[i] & 0xff, k);
	}
}

KERNEL(int_bits, uint, uint, uint)
{
	uint i = GID;

	if (i < n) {
		uint x = a[i], y = b[i];

		out[i] = popcount(x) + clz(y) * 64 + (rotate(x, y) ^ (x >> 7 & 0x1ff) ^ ((x & ~y) | (y & k)));
	}
}

KERNEL(int_min_max, int, int, int)
{
	uint i = GID;

	if (i < n) {
		int low = min(a[i], b[i]), high = max(a[i], b[i]);
		uint ulow = min((uint)a[i], (uint)b[i]);

		out[i] = clamp((int)(i * k), low, high) ^ (int)ulow ^ (int)abs_diff(a[i], b[i]);
	}
}

KERNEL(byte_arith, uchar, uchar, char)
{
	uint i = GID;

	if (i < n) {
		short product = (short)((short)a[i] * b[i]);

		out[i] = (uchar)(product >> 3) + a[i] / 3 - (uchar)b[i];
	}
}

KERNEL(short_arith, short, short, ushort)
{
	uint i = GID;

	if (i < n)
		out[i] = (short)(a[i] * (short)b[i] + (a[i] >> 3) - (short)(b[i] << 2) + max(a[i], (short)k));
}

KERNEL(short2_arith, short2, short2, ushort2)
{
	uint i = GID;

	if (i < n) {
		short2 s = a[i] * (short2)(3, 5) + convert_short2(b[i] >> (ushort2)(1, 2));

		out[i] = s - (a[i] << (short2)(1));
	}
}

KERNEL(int4_mix, uint4, uint4, uint4)
{
	uint i = GID;

	if (i < n) {
		uint4 v = a[i].wzyx * b[i] + (uint4)(i, k, 7, n);

		v.xz ^= v.yw;
		out[i] = v;
	}
}

KERNEL(crc32, uint, uint, uint)
{
	uint i = GID;

	if (i < n) {
		uint crc = ~a[i];

		for (uint bit = 0; bit < 32; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
		for (uint word = 0; word < k; word++) {
			crc ^= b[(i + word) % n];
			for (uint bit = 0; bit < 8; bit++)
				crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
		}
		out[i] = ~crc;
	}
}

KERNEL(xorshift, uint, uint, uint)
{
	uint i = GID;

	if (i < n) {
		uint x = a[i] | 1;

		for (uint round = 0; round < k; round++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			x += b[i];
		}
		out[i] = x;
	}
}

constant uint round_words[16] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
};

KERNEL(hash_rounds, uint, uint, uint)
{
	uint i = GID;

	if (i < n) {
		uint h = a[i], g = b[i];

		for (uint round = 0; round < 16; round++) {
			uint s = rotate(h, 26u) ^ rotate(h, 21u) ^ rotate(h, 7u);

			g += s + ((h & g) ^ (~h & k)) + round_words[round] + round_words[(i + round) & 15];
			h = g ^ rotate(h, 3u);
		}
		out[i] = h;
	}
}

/* SPDX-License-Identifier: MIT */
/* Divergence, loops, private arrays, calls, atomics and waves. */
#include "twin.h"

KERNEL(branches, uint, uint, uint)
{
	uint i = GID, x;

	if (i >= n)
		return;
	x = a[i];
	if (x & 1) {
		if (x & 2)
			x = x * 3 + b[i];
		else
			x = x / 3 - b[i];
	} else if (x & 4) {
		x ^= k;
	} else {
		x = ~x;
		if (b[i] > x)
			return;
	}
	out[i] = x;
}

KERNEL(switches, uint, uint, uint)
{
	uint i = GID, x;

	if (i >= n)
		return;
	x = a[i];
	switch (x % 9) {
	case 0:
		x += 17;
		break;
	case 1:
	case 2:
		x *= b[i];
		break;
	case 3:
		x = popcount(x);
		/* fall through */
	case 4:
		x ^= k;
		break;
	case 7:
		x = x << 4 | x >> 28;
		break;
	default:
		x -= i;
	}
	out[i] = x;
}

KERNEL(collatz, uint, uint, uint)
{
	uint i = GID;

	if (i < n) {
		uint x = (a[i] & 0xffff) + 1, steps = 0;

		while (x != 1 && steps < k) {
			x = x & 1 ? 3 * x + 1 : x / 2;
			steps++;
		}
		out[i] = steps + (b[i] & 1);
	}
}

KERNEL(nested_loops, uint, uint, uint)
{
	uint i = GID, sum = 0;

	if (i >= n)
		return;
	for (uint outer = 0; outer < (a[i] & 7); outer++) {
		for (uint inner = 0; inner < (b[i] & 15); inner++) {
			if ((inner ^ outer) == 5)
				continue;
			if (inner * outer > k)
				break;
			sum += inner * outer + 1;
		}
		if (sum > 300)
			break;
	}
	out[i] = sum;
}

KERNEL(gcd, uint, uint, uint)
{
	uint i = GID;

	if (i < n) {
		uint x = a[i] | 1, y = b[i] % 5000 + k;

		while (y) {
			uint rest = x % y;

			x = y;
			y = rest;
		}
		out[i] = x;
	}
}

KERNEL(binary_search, uint, uint, uint)
{
	uint i = GID;

	if (i < n) {
		uint low = 0, high = n, wanted = a[i] % (3 * n);

		/* the sorted sequence is 3 * index + k % 3 */
		while (low < high) {
			uint middle = (low + high) / 2;

			if (3 * middle + k % 3 < wanted)
				low = middle + 1;
			else
				high = middle;
		}
		out[i] = low + b[low % n] % 2;
	}
}

KERNEL(private_array, uint, uint, uint)
{
	uint i = GID, table[24];

	if (i >= n)
		return;
	for (uint j = 0; j < 24; j++)
		table[j] = a[(i + j) % n] >> (j & 7);
	for (uint j = 0; j < k; j++) {
		uint from = (b[i] + j * 5) % 24, to = (a[i] >> 3) % 24;

		table[to] ^= table[from] + j;
	}
	out[i] = table[b[i] % 24] ^ table[a[i] % 24];
}

KERNEL(private_sort, int, int, uint)
{
	uint i = GID;
	int values[12];

	if (i >= n)
		return;
	for (uint j = 0; j < 12; j++)
		values[j] = a[(i * 12 + j) % n];
	for (uint j = 1; j < 12; j++) {
		int value = values[j];
		uint at = j;

		while (at > 0 && values[at - 1] > value) {
			values[at] = values[at - 1];
			at--;
		}
		values[at] = value;
	}
	out[i] = values[(b[i] + k) % 12];
}

KERNEL(private_bytes, uchar, uchar, uchar)
{
	uint i = GID;
	uchar window[32];
	ushort sums[8];

	if (i >= n)
		return;
	for (uint j = 0; j < 32; j++)
		window[j] = a[(i + j * 3) % n];
	for (uint j = 0; j < 8; j++)
		sums[j] = (ushort)(window[j * 4] * window[(b[i] + j) % 32]);
	out[i] = (uchar)(sums[(b[i] >> 2) % 8] >> (k & 7));
}

NOINLINE static uint mix_up(uint x, uint y)
{
	return rotate(x * 0x9e3779b9u, 11u) ^ y;
}

NOINLINE static uint mix_rounds(uint x, uint y, uint rounds)
{
	for (uint round = 0; round < rounds; round++)
		x = mix_up(x, y + round);
	return x;
}

KERNEL(calls, uint, uint, uint)
{
	uint i = GID;

	if (i < n)
		out[i] = mix_rounds(a[i], b[i], (a[i] & 3) + k) + mix_up(b[i], i);
}

KERNEL(global_atomics, uint, uint, uint)
{
	uint i = GID;

	if (i >= n)
		return;
	ATOMIC_ADD(&out[0], a[i]);
	ATOMIC_MAX(&out[1], a[i]);
	ATOMIC_MIN(&out[2], a[i]);
	ATOMIC_OR(&out[3], 1u << (b[i] & 31));
	ATOMIC_XOR(&out[4], b[i]);
	ATOMIC_AND(&out[5], a[i] | k);
	ATOMIC_ADD(&out[6 + (a[i] & 7)], 1u);
}

KERNEL(global_cas, uint, uint, uint)
{
	uint i = GID;

	if (i < n) {
		uint seen = out[a[i] & 3], wanted;

		do {
			wanted = seen;
			seen = ATOMIC_CMPXCHG(&out[a[i] & 3], wanted, wanted + (b[i] & 15) + k);
		} while (seen != wanted);
	}
}

KERNEL(global_atomics64, ulong, ulong, ulong)
{
	uint i = GID;

	if (i < n) {
		ulong seen = out[8], wanted;

		ATOMIC_ADD64(&out[a[i] & 7], b[i]);
		do {
			wanted = seen;
			seen = ATOMIC_CMPXCHG64(&out[8], wanted, wanted + (b[i] >> 40) + k);
		} while (seen != wanted);
	}
}

KERNEL(wave_sum, uint, uint, uint)
{
	uint sum = a[GID] ^ b[GID], lane = LID % WAVE_SIZE;

	for (uint step = 1; step < 32; step *= 2)
		sum += WAVE_SHUFFLE(sum, lane ^ step);
	for (uint half_wave = 32; half_wave < WAVE_SIZE; half_wave += 32)
		sum = WAVE_READ_LANE(sum, 0) + WAVE_READ_LANE(sum, half_wave);
	out[GID] = sum + k;
}

KERNEL(wave_vote, uint, uint, uint)
{
	ulong votes = WAVE_BALLOT((a[GID] & 3) == 1);
	ulong below = votes & ((1ul << LID % WAVE_SIZE) - 1);

	out[GID] = (uint)popcount(below) + (uint)popcount(votes) * 100 + (b[GID] & k);
}

KERNEL(unaligned, uint, uchar, uchar)
{
	uint i = GID;

	if (i < n) {
		global const uchar *at = a + i * 3;
		uchar3 three = vload3(i, b);
		uint word = at[0] | at[1] << 8 | at[2] << 16;

		out[i] = word ^ (uint)three.x << 8 ^ (uint)three.y << 16 ^ (uint)three.z << 24 ^ k;
	}
}

struct options {
	float scale;
	uint shift;
	short bias;
	uchar flags[3];
	double offset;
};

kernel void values(global float *out, global const float *a, global const uint *b, uint n, uint k, struct options options,
		   half h, double d, long l, char c)
{
	uint i = GID;

	if (i < n)
		out[i] = a[i] * options.scale + (float)(b[i] >> options.shift) + (float)options.bias +
			 (float)options.flags[k % 3] + (float)options.offset + (float)h + (float)d + (float)(l >> 32) + (float)c;
}

kernel void dynamic_local(global uint *out, global const uint *a, global const uint *b, uint n, uint k, local uint *first,
			  local uint *second)
{
	first[LID] = a[GID];
	second[LID] = b[GID];
	SYNC;
	out[GID] = first[(LID + k) % get_local_size(0)] - second[(LID ^ 1) % get_local_size(0)];
}

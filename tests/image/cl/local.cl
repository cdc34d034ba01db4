/* SPDX-License-Identifier: MIT */
/* Kernels that share LDS within workgroups of 128. */
#include "twin.h"

#define GROUP 128

KERNEL(lds_reverse, uint, uint, uint)
{
	local uint tile[GROUP];

	tile[LID] = a[GID] ^ b[GID];
	SYNC;
	out[GID] = tile[GROUP - 1 - LID] + k;
}

KERNEL(lds_reduce, uint, uint, uint)
{
	local uint sums[GROUP];

	sums[LID] = 0;
	if (GID < n)
		sums[LID] = a[GID] + b[GID];
	SYNC;
	for (uint half_size = GROUP / 2; half_size; half_size /= 2) {
		if (LID < half_size)
			sums[LID] += sums[LID + half_size];
		SYNC;
	}
	if (LID == 0)
		out[get_group_id(0)] = sums[0] + k;
}

KERNEL(lds_scan, uint, uint, uint)
{
	local uint sums[2][GROUP];
	uint in = 0;

	sums[0][LID] = a[GID] & 0xffff;
	SYNC;
	for (uint step = 1; step < GROUP; step *= 2) {
		sums[1 - in][LID] = sums[in][LID];
		if (LID >= step)
			sums[1 - in][LID] += sums[in][LID - step];
		in = 1 - in;
		SYNC;
	}
	out[GID] = sums[in][LID] + b[GID] * k;
}

KERNEL(lds_bitonic, uint, uint, uint)
{
	local uint keys[GROUP];

	keys[LID] = a[GID];
	SYNC;
	for (uint size = 2; size <= GROUP; size *= 2) {
		for (uint stride = size / 2; stride; stride /= 2) {
			uint other = LID ^ stride;

			if (other > LID) {
				bool up = (LID & size) == 0;
				uint x = keys[LID], y = keys[other];

				if ((x > y) == up) {
					keys[LID] = y;
					keys[other] = x;
				}
			}
			SYNC;
		}
	}
	out[GID] = keys[LID] ^ (b[GID] & k);
}

KERNEL(lds_histogram, uint, uint, uint)
{
	local uint bins[16];

	if (LID < 16)
		bins[LID] = 0;
	SYNC;
	if (GID < n)
		ATOMIC_ADD(&bins[a[GID] & 15], 1u + (b[GID] & k));
	SYNC;
	if (LID < 16)
		out[get_group_id(0) * 16 + LID] = bins[LID];
}

KERNEL(lds_transpose, float, float, float)
{
	local float tile[16][17];
	uint x = LID & 15, y = LID >> 4;

	for (uint row = y; row < 16; row += GROUP / 16)
		tile[row][x] = a[get_group_id(0) * 256 + row * 16 + x];
	SYNC;
	for (uint row = y; row < 16; row += GROUP / 16)
		out[get_group_id(0) * 256 + row * 16 + x] = tile[x][row] + b[x] * (float)k;
}

KERNEL(lds_bytes, uchar, uchar, uchar)
{
	local uchar bytes[GROUP];
	local ushort words[GROUP];

	bytes[LID] = a[GID];
	words[LID] = (ushort)(b[GID] << 3);
	SYNC;
	out[GID] = (uchar)(bytes[(LID * 7) % GROUP] + (words[(LID * 5 + k) % GROUP] >> 2));
}

KERNEL(lds_double, double, double, double)
{
	local double values[GROUP];

	values[LID] = a[GID] * 2.0;
	SYNC;
	out[GID] = values[(LID + 1) % GROUP] - values[(LID + k) % GROUP] + b[GID];
}

KERNEL(lds_atomics, uint, uint, uint)
{
	local uint low, high, all, any, odd;
	local int signed_low;

	if (LID == 0) {
		low = ~0u;
		high = 0;
		all = ~0u;
		any = 0;
		odd = k;
		signed_low = 0x7fffffff;
	}
	SYNC;
	ATOMIC_MIN(&low, a[GID]);
	ATOMIC_MAX(&high, a[GID]);
	ATOMIC_AND(&all, a[GID] | 0xff);
	ATOMIC_OR(&any, b[GID] & 0xff00);
	ATOMIC_XOR(&odd, b[GID]);
	ATOMIC_MIN(&signed_low, (int)b[GID]);
	SYNC;
	out[GID] = low ^ high ^ all ^ any ^ odd ^ (uint)signed_low ^ LID;
}

KERNEL(tiled_matmul, float, float, float)
{
	local float left[8][8], right[8][8];
	uint x = LOCAL_ID(x), y = LOCAL_ID(y);
	uint column = GLOBAL_ID(x), row = GLOBAL_ID(y);
	float sum = 0.0f;

	for (uint tile = 0; tile < k; tile += 8) {
		left[y][x] = a[row * k + tile + x];
		right[y][x] = b[(tile + y) * k + column];
		SYNC;
		for (uint i = 0; i < 8; i++)
			sum += left[y][i] * right[i][x];
		SYNC;
	}
	out[row * k + column] = sum;
}

KERNEL(ids_3d, uint, uint, uint)
{
	uint x = GLOBAL_ID(x), y = GLOBAL_ID(y), z = GLOBAL_ID(z);
	uint width = GROUP_COUNT(x) * LOCAL_SIZE(x), height = GROUP_COUNT(y) * LOCAL_SIZE(y);
	uint at = (z * height + y) * width + x;

	out[at] = GROUP_ID(x) + GROUP_ID(y) * 10 + GROUP_ID(z) * 100 + LOCAL_ID(z) * 1000 + GROUP_COUNT(x) * 10000 +
		  LOCAL_SIZE(y) * 100000 + GROUP_COUNT(z) * 1000000 + a[at % n] % k + WORK_DIM * 10000000;
}

// SPDX-License-Identifier: MIT
// User opcodes of the megakernel, DF_RING_OP_USER_FIRST and up. Put your own in a file of this name beside mega.comp.
// Arguments by argument(n), data words by data(i) and set_data(i, v), the slot's value by set_value(base, v); returns a reason, DF_RING_REASON_NONE when done.

#define USER_SAXPY   (DF_RING_OP_USER_FIRST + 0u) // x, y, z (indices), n, a (float): z[i] = a * x[i] + y[i]
#define USER_HASH    (DF_RING_OP_USER_FIRST + 1u) // from index, words, seed -> FNV-1a over the words
#define USER_COLLATZ (DF_RING_OP_USER_FIRST + 2u) // n -> steps to 1, at most 1000
#define USER_DOT     (DF_RING_OP_USER_FIRST + 3u) // x, y (indices), n -> integer dot product

uint user_saxpy(uint base)
{
	uint x = argument(base, 0u), y = argument(base, 1u), z = argument(base, 2u), n = argument(base, 3u);
	bool has_x = in_data(x, n), has_y = in_data(y, n), has_z = in_data(z, n);
	if (!has_x || !has_y || !has_z)
		return DF_RING_REASON_RANGE;
	float a = uintBitsToFloat(argument(base, 4u));
	for (uint i = 0u; i < n; i++) {
		float product = a * uintBitsToFloat(data(x + i));
		precise float sum = product + uintBitsToFloat(data(y + i));
		set_data(z + i, floatBitsToUint(sum));
	}
	return DF_RING_REASON_NONE;
}

uint user_hash(uint base)
{
	uint from = argument(base, 0u), n = argument(base, 1u);
	uint value = argument(base, 2u) ^ 0x811c9dc5u;
	if (!in_data(from, n))
		return DF_RING_REASON_RANGE;
	for (uint i = 0u; i < n; i++)
		value = (value ^ data(from + i)) * 0x01000193u;
	set_value(base, value);
	return DF_RING_REASON_NONE;
}

uint user_collatz(uint base)
{
	uint n = argument(base, 0u);
	if (n == 0u)
		return DF_RING_REASON_USER;
	uint value = 0u;
	for (uint i = 0u; i < 1000u && n != 1u; i++) {
		n = (n & 1u) != 0u ? 3u * n + 1u : n >> 1;
		value++;
	}
	set_value(base, value);
	return DF_RING_REASON_NONE;
}

uint user_dot(uint base)
{
	uint x = argument(base, 0u), y = argument(base, 1u), n = argument(base, 2u);
	bool has_x = in_data(x, n), has_y = in_data(y, n);
	if (!has_x || !has_y)
		return DF_RING_REASON_RANGE;
	uint value = 0u;
	for (uint i = 0u; i < n; i++)
		value += data(x + i) * data(y + i);
	set_value(base, value);
	return DF_RING_REASON_NONE;
}

uint user_opcode(uint opcode, uint base)
{
	if (opcode == USER_SAXPY)
		return user_saxpy(base);
	if (opcode == USER_HASH)
		return user_hash(base);
	if (opcode == USER_COLLATZ)
		return user_collatz(base);
	if (opcode == USER_DOT)
		return user_dot(base);
	return DF_RING_REASON_OPCODE;
}

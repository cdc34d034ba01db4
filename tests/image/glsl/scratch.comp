#version 460
// SPDX-License-Identifier: MIT
// A private array that no register file holds: it lives in scratch memory.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require

layout(local_size_x = 64) in;
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer Words {
	uint word[];
};
layout(push_constant, scalar) uniform Arguments {
	Words source;
	Words result;
	uint n;
	uint rounds;
} pc;

void main()
{
	uint i = gl_GlobalInvocationID.x, table[200];
	if (i >= pc.n)
		return;
	for (uint j = 0u; j < 200u; j++)
		table[j] = pc.source.word[(i + j) % pc.n];
	for (uint j = 0u; j < pc.rounds; j++)
		table[(table[j % 200u] + i) % 200u] += table[(i * 7u + j) % 200u] ^ j;
	uint sum = 0u;
	for (uint j = 0u; j < 200u; j++)
		sum = sum * 31u + table[j];
	pc.result.word[i] = sum;
}

#version 460
// SPDX-License-Identifier: MIT
// c = alpha * a * b for n by n matrices, row after row: tiles of 16 by 16 go through LDS.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require

layout(local_size_x = 16, local_size_y = 16) in;
layout(buffer_reference, scalar, buffer_reference_align = 4) readonly buffer Source {
	float v[];
};
layout(buffer_reference, scalar, buffer_reference_align = 4) writeonly buffer Result {
	float v[];
};
layout(push_constant, scalar) uniform Arguments {
	Source a;
	Source b;
	Result c;
	uint n;
	float alpha;
} pc;

shared float left[16][16];
shared float right[16][16];

void main()
{
	uint x = gl_LocalInvocationID.x, y = gl_LocalInvocationID.y;
	uint column = gl_GlobalInvocationID.x, row = gl_GlobalInvocationID.y, n = pc.n;
	float sum = 0.0;
	for (uint tile = 0u; tile < n; tile += 16u) {
		left[y][x] = row < n && tile + x < n ? pc.a.v[row * n + tile + x] : 0.0;
		right[y][x] = tile + y < n && column < n ? pc.b.v[(tile + y) * n + column] : 0.0;
		barrier();
		for (uint k = 0u; k < 16u; k++)
			sum += left[y][k] * right[k][x];
		barrier();
	}
	if (row < n && column < n)
		pc.c.v[row * n + column] = pc.alpha * sum;
}

#version 460
// SPDX-License-Identifier: MIT
// c = alpha * a * b for n by n matrices, row after row: one cell a work-item, straight from memory.
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

void main()
{
	uint column = gl_GlobalInvocationID.x, row = gl_GlobalInvocationID.y, n = pc.n;
	if (row >= n || column >= n)
		return;
	float sum = 0.0;
	for (uint k = 0u; k < n; k++)
		sum += pc.a.v[row * n + k] * pc.b.v[k * n + column];
	pc.c.v[row * n + column] = pc.alpha * sum;
}

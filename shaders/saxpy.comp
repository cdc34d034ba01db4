#version 460
// SPDX-License-Identifier: MIT
// z[i] = a * x[i] + y[i] for i < n
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require

layout(local_size_x = 64) in;
layout(buffer_reference, scalar, buffer_reference_align = 4) readonly buffer Source {
	float v[];
};
layout(buffer_reference, scalar, buffer_reference_align = 4) writeonly buffer Result {
	float v[];
};
layout(push_constant, scalar) uniform Arguments {
	Source x;
	Source y;
	Result z;
	uint n;
	float a;
} pc;

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < pc.n)
		pc.z.v[i] = pc.a * pc.x.v[i] + pc.y.v[i];
}

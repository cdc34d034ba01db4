#version 460
// SPDX-License-Identifier: MIT
// to[i] = from[i] for i < n words
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require

layout(local_size_x = 64) in;
layout(buffer_reference, scalar, buffer_reference_align = 4) writeonly buffer Result {
	uint word[];
};
layout(buffer_reference, scalar, buffer_reference_align = 4) readonly buffer Source {
	uint word[];
};
layout(push_constant, scalar) uniform Arguments {
	Result to;
	Source from;
	uint n;
} pc;

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < pc.n)
		pc.to.word[i] = pc.from.word[i];
}

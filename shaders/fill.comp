#version 460
// SPDX-License-Identifier: MIT
// out[i] = value for i < n
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require

layout(local_size_x = 64) in;
layout(buffer_reference, scalar, buffer_reference_align = 4) writeonly buffer Result {
	uint word[];
};
layout(push_constant, scalar) uniform Arguments {
	Result result;
	uint n;
	uint value;
} pc;

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < pc.n)
		pc.result.word[i] = pc.value;
}

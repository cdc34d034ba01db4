#version 460
// SPDX-License-Identifier: MIT
// Adds to each word of a workgroup's 256 the total of the workgroups before it: totals holds inclusive prefix sums.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require

layout(local_size_x = 256) in;
layout(buffer_reference, scalar, buffer_reference_align = 4) readonly buffer Source {
	uint word[];
};
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer Result {
	uint word[];
};
layout(push_constant, scalar) uniform Arguments {
	Result result;
	Source totals;
	uint n;
} pc;

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < pc.n && gl_WorkGroupID.x > 0u)
		pc.result.word[i] += pc.totals.word[gl_WorkGroupID.x - 1u];
}

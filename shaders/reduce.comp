#version 460
// SPDX-License-Identifier: MIT
// Adds the sum of n words to result[0]: a tree in LDS for each workgroup, then one atomic.
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
	Source source;
	Result result;
	uint n;
} pc;

shared uint sums[256];

void main()
{
	uint lane = gl_LocalInvocationIndex, sum = 0u;
	uint step = gl_NumWorkGroups.x * gl_WorkGroupSize.x;
	for (uint i = gl_GlobalInvocationID.x; i < pc.n; i += step)
		sum += pc.source.word[i];
	sums[lane] = sum;
	barrier();
	for (uint width = 128u; width > 0u; width >>= 1) {
		if (lane < width)
			sums[lane] += sums[lane + width];
		barrier();
	}
	if (lane == 0u)
		atomicAdd(pc.result.word[0], sums[0]);
}

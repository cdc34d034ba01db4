#version 460
// SPDX-License-Identifier: MIT
// Inclusive prefix sums of each workgroup's 256 words, and the workgroup's total in totals[workgroup]. A whole prefix sum
// is this over the input, this over the totals, and scan_add.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require

layout(local_size_x = 256) in;
layout(buffer_reference, scalar, buffer_reference_align = 4) readonly buffer Source {
	uint word[];
};
layout(buffer_reference, scalar, buffer_reference_align = 4) writeonly buffer Result {
	uint word[];
};
layout(push_constant, scalar) uniform Arguments {
	Source source;
	Result result;
	Result totals;
	uint n;
} pc;

shared uint sums[256];

void main()
{
	uint lane = gl_LocalInvocationIndex, i = gl_GlobalInvocationID.x;
	sums[lane] = i < pc.n ? pc.source.word[i] : 0u;
	barrier();
	for (uint step = 1u; step < 256u; step <<= 1) {
		uint before = lane >= step ? sums[lane - step] : 0u;
		barrier();
		sums[lane] += before;
		barrier();
	}
	if (i < pc.n)
		pc.result.word[i] = sums[lane];
	if (lane == 255u)
		pc.totals.word[gl_WorkGroupID.x] = sums[255];
}

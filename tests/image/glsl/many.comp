#version 460
// SPDX-License-Identifier: MIT
// More push constants than user SGPRs hold, and some of them indexed (by workgroup: an index
// must be the same in a whole wave): they come through memory.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require

layout(local_size_x = 32, local_size_y = 2) in;
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer Words {
	uint word[];
};
layout(push_constant, scalar) uniform Arguments {
	Words source;
	Words result;
	uint n;
	float scale;
	ivec3 shift;
	uint table[16];
} pc;

void main()
{
	uint i = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * 64u + gl_LocalInvocationIndex;
	if (i >= pc.n)
		return;
	uint value = pc.source.word[i];
	pc.result.word[i] = value + pc.table[(gl_WorkGroupID.x + 6u * gl_WorkGroupID.y) & 15u] * uint(pc.shift.y) + uint(pc.scale) + gl_NumWorkGroups.z;
}

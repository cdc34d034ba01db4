#version 460
/* Two descriptor sets (an array, a uniform block, a dynamic offset), specialisation constants, push constants. */
layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint factor = 1;
layout(constant_id = 2) const bool twice = false;
layout(constant_id = 3) const int scale = -1;

layout(set = 0, binding = 0) readonly buffer Source {
	uint v[];
} source[3];
layout(set = 0, binding = 2) uniform Block {
	uvec4 weight;
} block;
layout(set = 1, binding = 1) writeonly buffer Result {
	uint v[];
} result;
layout(push_constant) uniform Arguments {
	uint n;
	uint which;
} pc;

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i >= pc.n)
		return;
	uint sum = source[0].v[i] * block.weight.x + source[1].v[i] * block.weight.y + source[pc.which].v[i] * block.weight.z;
	sum = sum * factor + uint(scale) * i + gl_WorkGroupSize.x + gl_NumWorkGroups.x * block.weight.w;
	result.v[i] = twice ? 2u * sum : sum;
}

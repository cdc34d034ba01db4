// SPDX-License-Identifier: MIT
// out[i] = a * in[i] + in[(i + shift) % n], with the sum of each workgroup in sums[]: push constants, LDS, a barrier.
#version 450
layout(local_size_x = 64) in;
layout(std430, set = 0, binding = 0) readonly buffer In { uint data[]; } src;
layout(std430, set = 0, binding = 1) buffer Out { uint data[]; } dst;
layout(std430, set = 0, binding = 2) buffer Sums { uint data[]; } sums;
layout(push_constant) uniform Push { uint a; uint shift; uint n; } push;
shared uint part[64];

void main()
{
	uint i = gl_GlobalInvocationID.x;
	uint value = 0;
	if (i < push.n) {
		value = push.a * src.data[i] + src.data[(i + push.shift) % push.n];
		dst.data[i] = value;
	}
	part[gl_LocalInvocationID.x] = value;
	barrier();
	for (uint step = 32; step > 0; step >>= 1) {
		if (gl_LocalInvocationID.x < step)
			part[gl_LocalInvocationID.x] += part[gl_LocalInvocationID.x + step];
		barrier();
	}
	if (gl_LocalInvocationID.x == 0)
		sums.data[gl_WorkGroupID.x] = part[0];
}

#version 460
/* Shared memory: a sort of 256 words in place, with barriers; atomics on shared words; two-dimensional groups. */
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require

layout(local_size_x = 16, local_size_y = 16) in;
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer Words {
	uint v[];
};
layout(push_constant, scalar) uniform Arguments {
	Words data;
	Words counts;
} pc;

shared uint words[256];
shared uint halves[2], most, least;

void main()
{
	uint i = gl_LocalInvocationIndex, base = gl_WorkGroupID.x * 256u;

	words[i] = pc.data.v[base + i];
	if (i == 0u) {
		halves[0] = halves[1] = most = 0u;
		least = 0xffffffffu;
	}
	barrier();
	atomicAdd(halves[words[i] >> 31], 1u);
	atomicMax(most, words[i]);
	atomicMin(least, words[i]);
	for (uint size = 2u; size <= 256u; size <<= 1) {
		for (uint step = size >> 1; step > 0u; step >>= 1) {
			uint other = i ^ step;
			barrier();
			if (other > i) {
				uint a = words[i], b = words[other];
				if ((a > b) == ((i & size) == 0u)) {
					words[i] = b;
					words[other] = a;
				}
			}
		}
	}
	barrier();
	pc.data.v[base + i] = words[i];
	if (i == 0u) {
		pc.counts.v[gl_WorkGroupID.x * 4u] = halves[0];
		pc.counts.v[gl_WorkGroupID.x * 4u + 1u] = halves[1];
		pc.counts.v[gl_WorkGroupID.x * 4u + 2u] = most;
		pc.counts.v[gl_WorkGroupID.x * 4u + 3u] = least;
	}
}

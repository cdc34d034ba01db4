#version 460
// SPDX-License-Identifier: MIT
// Adds to bins[0..255] how often each byte occurs in n words: counted in LDS, then added with atomics.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require

layout(local_size_x = 256) in;
layout(buffer_reference, scalar, buffer_reference_align = 4) readonly buffer Source {
	uint word[];
};
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer Bins {
	uint count[];
};
layout(push_constant, scalar) uniform Arguments {
	Source source;
	Bins bins;
	uint n;
} pc;

shared uint counts[256];

void main()
{
	uint lane = gl_LocalInvocationIndex, step = gl_NumWorkGroups.x * gl_WorkGroupSize.x;
	counts[lane] = 0u;
	barrier();
	for (uint i = gl_GlobalInvocationID.x; i < pc.n; i += step) {
		uint word = pc.source.word[i];
		for (uint byte = 0u; byte < 4u; byte++)
			atomicAdd(counts[bitfieldExtract(word, int(byte * 8u), 8)], 1u);
	}
	barrier();
	if (counts[lane] != 0u)
		atomicAdd(pc.bins.count[lane], counts[lane]);
}

#version 460
/* Adds one to a word a pass; with no end when the second word says so. */
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require

layout(local_size_x = 1) in;
layout(buffer_reference, scalar, buffer_reference_align = 4) coherent buffer Words {
	uint v[];
};
layout(push_constant, scalar) uniform Arguments {
	Words words;
	uint passes;
} pc;

void main()
{
	uint i = 0u;
	do {
		atomicAdd(pc.words.v[0], 1u);
		i++;
	} while (i < pc.passes || atomicAdd(pc.words.v[1], 0u) != 0u);
}

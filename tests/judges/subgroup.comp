#version 460
/* Every class of subgroup operation, one word of results each; vk_ops.c computes the same. */
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_KHR_shader_subgroup_ballot : require
#extension GL_KHR_shader_subgroup_vote : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_KHR_shader_subgroup_shuffle_relative : require
#extension GL_KHR_shader_subgroup_clustered : require
#extension GL_KHR_shader_subgroup_quad : require

layout(local_size_x = 128) in;
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer Words {
	uint v[];
};
layout(push_constant, scalar) uniform Arguments {
	Words source;
	Words result;
} pc;

void main()
{
	uint id = gl_GlobalInvocationID.x, x = pc.source.v[id], lane = gl_SubgroupInvocationID;
	uint r[20];

	r[0] = gl_SubgroupSize;
	r[1] = lane;
	r[2] = subgroupAdd(x);
	r[3] = subgroupInclusiveAdd(x);
	r[4] = subgroupExclusiveAdd(x);
	r[5] = subgroupMin(x);
	r[6] = subgroupMax(x);
	r[7] = subgroupXor(x);
	uvec4 odd = subgroupBallot((x & 1u) != 0u);
	r[8] = odd.x;
	r[9] = odd.y;
	r[10] = subgroupBallotExclusiveBitCount(odd);
	r[11] = subgroupBroadcastFirst(x);
	r[12] = subgroupBroadcast(x, 3u);
	r[13] = subgroupShuffle(x, (lane * 7u + 3u) % gl_SubgroupSize);
	r[14] = subgroupShuffleXor(x, 5u);
	uint up = subgroupShuffleUp(x, 2u); /* undefined in the first two lanes */
	r[15] = lane >= 2u ? up : x;
	r[16] = subgroupClusteredAdd(x, 8u);
	r[17] = subgroupQuadSwapDiagonal(x);
	r[18] = (subgroupAll(x != 0u) ? 1u : 0u) | (subgroupAny(x > 0xf0000000u) ? 2u : 0u) |
		(subgroupAllEqual(lane >> 6) ? 4u : 0u) | (subgroupElect() ? 8u : 0u);
	/* Lanes that took the other way do not count. */
	r[19] = 0u;
	if ((lane & 3u) == 1u)
		r[19] = subgroupAdd(x);
	for (uint i = 0u; i < 20u; i++)
		pc.result.v[id * 20u + i] = r[i];
}

#version 460
/* Integers of 8, 16 and 64 bits, halves and doubles: arithmetic, conversions, loads and stores of each size. */
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require
#extension GL_EXT_shader_explicit_arithmetic_types : require
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_atomic_int64 : require

layout(local_size_x = 64) in;
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer Bytes {
	uint8_t v[];
};
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer Shorts {
	int16_t v[];
};
layout(buffer_reference, scalar, buffer_reference_align = 8) buffer Longs {
	uint64_t v[];
};
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer Halves {
	float16_t v[];
};
layout(buffer_reference, scalar, buffer_reference_align = 8) buffer Doubles {
	double v[];
};
layout(push_constant, scalar) uniform Arguments {
	Bytes source8, result8;
	Shorts source16, result16;
	Longs source64, result64;
	Halves resulth;
	Doubles resultd;
	Longs sum;
} pc;

void main()
{
	uint i = gl_GlobalInvocationID.x;
	uint8_t a = pc.source8.v[i], b = pc.source8.v[i + 1u];
	int16_t c = pc.source16.v[i], d = pc.source16.v[i + 1u];
	uint64_t e = pc.source64.v[i], f = pc.source64.v[i + 1u];

	pc.result8.v[i] = uint8_t(a * b + (a >> uint8_t(3)) - uint8_t(b ^ a));
	pc.result16.v[i] = int16_t(c * d + (c >> int16_t(2)) - max(c, d));
	pc.result64.v[i] = e * f + (e >> (uint(f) & 63u)) + e / (f | uint64_t(1)) - min(e, f);
	pc.resulth.v[i] = float16_t(int(a) - 100) * float16_t(0.25) + float16_t(b);
	pc.resultd.v[i] = double(int(c)) * double(int(d)) / 64.0 + double(uint(a));
	atomicAdd(pc.sum.v[0], e);
}

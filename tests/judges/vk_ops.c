/* SPDX-License-Identifier: MIT */
/* vk_ops.c FOLDER - subgroup operations, shared memory, and types of 8, 16 and 64 bits, against plain C. */
#include "vk.h"

#define LANES   384u
#define RESULTS 20u
#define SORTED  4u /* groups of 256 */
#define TYPED   640u

static struct vk_rig rig;

static void run(const char *name, const void *push, uint32_t push_B, uint32_t groups)
{
	struct vk_kernel kernel = vk_kernel(&rig, name, push_B, 0, NULL, NULL);
	VkCommandBuffer commands = vk_begin(&rig);

	vk_launch(commands, &kernel, push, push_B, groups, 1, 1);
	VK_MUST(vk_finish(&rig, commands));
	vk_kernel_destroy(&rig, &kernel);
}

/* What the shader gives for one lane of the subgroup whose words are x. */
static void subgroup_lane(const uint32_t *x, uint32_t size, uint32_t lane, uint32_t r[RESULTS])
{
	uint64_t odd = 0;
	bool all = true, any = false;

	memset(r, 0, RESULTS * sizeof(*r));
	r[0] = size;
	r[1] = lane;
	r[5] = UINT32_MAX;
	for (uint32_t i = 0; i < size; i++) {
		r[2] += x[i];
		r[3] += i <= lane ? x[i] : 0;
		r[4] += i < lane ? x[i] : 0;
		r[5] = x[i] < r[5] ? x[i] : r[5];
		r[6] = x[i] > r[6] ? x[i] : r[6];
		r[7] ^= x[i];
		odd |= (uint64_t)(x[i] & 1) << i;
		r[10] += i < lane ? x[i] & 1 : 0;
		r[16] += i / 8 == lane / 8 ? x[i] : 0;
		all = all && x[i];
		any = any || x[i] > 0xf0000000u;
		r[19] += (i & 3) == 1 && (lane & 3) == 1 ? x[i] : 0;
	}
	r[8] = (uint32_t)odd;
	r[9] = (uint32_t)(odd >> 32);
	r[11] = x[0];
	r[12] = x[3];
	r[13] = x[(lane * 7 + 3) % size];
	r[14] = x[lane ^ 5];
	r[15] = lane >= 2 ? x[lane - 2] : x[lane];
	r[17] = x[lane ^ 3];
	r[18] = (all ? 1u : 0) | (any ? 2u : 0) | 4u | (lane == 0 ? 8u : 0);
}

static void subgroups(void)
{
	struct vk_buffer source = vk_buffer(&rig, LANES * 4), result = vk_buffer(&rig, LANES * RESULTS * 4);
	uint64_t push[2] = {source.address, result.address};
	static uint32_t want[LANES * RESULTS];
	uint32_t size;

	run("subgroup", push, sizeof(push), LANES / 128);
	size = result.word[0];
	vk_check(size == 32 || size == 64, "a subgroup is a wave");
	for (uint32_t i = 0; i < LANES && (size == 32 || size == 64); i++)
		subgroup_lane(source.word + i / size * size, size, i % size, want + (size_t)i * RESULTS);
	vk_equal(result.word, want, LANES * RESULTS, "subgroup operations");
	vk_buffer_destroy(&rig, &source);
	vk_buffer_destroy(&rig, &result);
}

static int ascending(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void local_memory(void)
{
	struct vk_buffer data = vk_buffer(&rig, SORTED * 256 * 4), counts = vk_buffer(&rig, SORTED * 16);
	uint64_t push[2] = {data.address, counts.address};
	static uint32_t want[SORTED * 256], want_counts[SORTED * 4];

	memcpy(want, data.word, sizeof(want));
	for (uint32_t g = 0; g < SORTED; g++) {
		qsort(want + (size_t)g * 256, 256, 4, ascending);
		for (uint32_t i = 0; i < 256; i++)
			want_counts[g * 4 + (want[g * 256 + i] >> 31)]++;
		want_counts[g * 4 + 2] = want[g * 256 + 255];
		want_counts[g * 4 + 3] = want[g * 256];
	}
	run("local", push, sizeof(push), SORTED);
	vk_equal(data.word, want, SORTED * 256, "sort in shared memory");
	vk_equal(counts.word, want_counts, SORTED * 4, "atomics in shared memory");
	vk_buffer_destroy(&rig, &data);
	vk_buffer_destroy(&rig, &counts);
}

static float half(uint16_t bits)
{
	const int exponent = bits >> 10 & 31, fraction = bits & 1023;
	float value = exponent ? (float)(1024 + fraction) : (float)(2 * fraction);

	for (int i = exponent; i < 25; i++)
		value /= 2;
	for (int i = 25; i < exponent; i++)
		value *= 2;
	return bits >> 15 ? -value : value;
}

static void types(void)
{
	struct vk_buffer b[9];
	uint64_t push[9], sum = 0;
	bool ok8 = true, ok16 = true, ok64 = true, okh = true, okd = true;

	for (unsigned i = 0; i < 9; i++) {
		b[i] = vk_buffer(&rig, (TYPED + 8) * 8);
		push[i] = b[i].address;
	}
	memset(b[8].word, 0, 8);
	run("types", push, sizeof(push), TYPED / 64);
	for (uint32_t i = 0; i < TYPED; i++) {
		const uint8_t *s8 = (const uint8_t *)b[0].word + i, x = s8[0], y = s8[1];
		const int16_t *s16 = (const int16_t *)(void *)b[2].word + i, c = s16[0], d = s16[1];
		const uint64_t *s64 = (const uint64_t *)(void *)b[4].word + i, e = s64[0], f = s64[1];

		ok8 = ok8 && ((uint8_t *)b[1].word)[i] == (uint8_t)(x * y + (x >> 3) - (y ^ x));
		ok16 = ok16 && ((int16_t *)(void *)b[3].word)[i] == (int16_t)(c * d + (c >> 2) - (c > d ? c : d));
		ok64 = ok64 &&
		       ((uint64_t *)(void *)b[5].word)[i] == e * f + (e >> (f & 63)) + e / (f | 1) - (e < f ? e : f);
		/* Exact: quarters below 2048. */
		okh = okh && half(((uint16_t *)(void *)b[6].word)[i]) == (float)(x - 100) / 4 + (float)y;
		okd = okd && ((double *)(void *)b[7].word)[i] == (double)c * d / 64 + x;
		sum += e;
	}
	vk_check(ok8, "8-bit integers");
	vk_check(ok16, "16-bit integers");
	vk_check(ok64, "64-bit integers, division too");
	vk_check(okh, "halves");
	vk_check(okd, "doubles");
	vk_check(*(uint64_t *)(void *)b[8].word == sum, "64-bit atomics");
	for (unsigned i = 0; i < 9; i++)
		vk_buffer_destroy(&rig, &b[i]);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		vk_folder = argv[1];
	vk_open(&rig);
	subgroups();
	local_memory();
	types();
	vk_close(&rig);
	return vk_summary();
}

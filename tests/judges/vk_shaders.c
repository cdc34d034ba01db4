/* SPDX-License-Identifier: MIT */
/* vk_shaders.c FOLDER - the kernels of shaders/ through Vulkan: buffer device addresses in push constants. */
#include "vk.h"

#include <math.h>

#define COUNT  5000u
#define GUARD  32u
#define SIDE   37u
#define GROUPS ((COUNT + 255) / 256)

static struct vk_rig rig;

struct args {
	uint64_t a, b, c;
	uint32_t n;
	float scale;
};

static void run(const char *name, const void *push, uint32_t push_B, uint32_t x, uint32_t y)
{
	struct vk_kernel kernel = vk_kernel(&rig, name, push_B, 0, NULL, NULL);
	VkCommandBuffer commands = vk_begin(&rig);

	vk_launch(commands, &kernel, push, push_B, x, y, 1);
	VK_MUST(vk_finish(&rig, commands));
	vk_kernel_destroy(&rig, &kernel);
}

static void floats(struct vk_buffer *buffer, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		float value = (float)(buffer->word[i] % 2001) / 8 - 125;

		memcpy(&buffer->word[i], &value, 4);
	}
}

static void saxpy(struct vk_buffer *x, struct vk_buffer *y, struct vk_buffer *z)
{
	struct args args = {x->address, y->address, z->address, COUNT, 1.5f};
	static uint32_t want[COUNT + GUARD];

	floats(x, COUNT);
	floats(y, COUNT);
	memcpy(want, z->word, sizeof(want));
	for (uint32_t i = 0; i < COUNT; i++) { /* exact: no rounding at this size of numbers */
		float a, b;

		memcpy(&a, &x->word[i], 4);
		memcpy(&b, &y->word[i], 4);
		a = 1.5f * a + b;
		memcpy(&want[i], &a, 4);
	}
	run("saxpy", &args, sizeof(args), (COUNT + 63) / 64, 1);
	vk_equal(z->word, want, COUNT + GUARD, "saxpy");
}

static void fill_and_copy(struct vk_buffer *x, struct vk_buffer *y)
{
	struct {
		uint64_t to;
		uint32_t n, value;
	} fill = {x->address, COUNT, 0x89abcdef};
	struct {
		uint64_t to, from;
		uint32_t n;
	} copy = {y->address, x->address, COUNT - 7};
	static uint32_t want[COUNT + GUARD];

	memcpy(want, x->word, sizeof(want));
	for (uint32_t i = 0; i < COUNT; i++)
		want[i] = fill.value;
	run("fill", &fill, sizeof(fill), (COUNT + 63) / 64, 1);
	vk_equal(x->word, want, COUNT + GUARD, "fill");
	for (uint32_t i = 0; i < COUNT; i++)
		x->word[i] = i * 2654435761u;
	memcpy(want, y->word, sizeof(want));
	memcpy(want, x->word, (COUNT - 7) * 4);
	run("copy", &copy, 20, (COUNT + 63) / 64, 1);
	vk_equal(y->word, want, COUNT + GUARD, "copy");
}

static void reduce_and_histogram(struct vk_buffer *x, struct vk_buffer *y)
{
	struct {
		uint64_t source, result;
		uint32_t n;
	} args = {x->address, y->address, COUNT};
	static uint32_t want[256];

	memset(want, 0, sizeof(want));
	y->word[0] = 5;
	want[0] = 5;
	for (uint32_t i = 0; i < COUNT; i++)
		want[0] += x->word[i];
	run("reduce", &args, 20, 7, 1);
	vk_equal(y->word, want, 1, "reduce");
	memset(y->word, 0, sizeof(want));
	memset(want, 0, sizeof(want));
	for (uint32_t i = 0; i < COUNT * 4; i++)
		want[((const uint8_t *)x->word)[i]]++;
	run("histogram", &args, 20, 5, 1);
	vk_equal(y->word, want, 256, "histogram");
}

static void scan(struct vk_buffer *x, struct vk_buffer *y, struct vk_buffer *z)
{
	struct args first = {x->address, y->address, z->address, COUNT, 0};
	struct {
		uint64_t result, totals;
		uint32_t n;
	} second = {y->address, z->address, COUNT};
	static uint32_t want[COUNT];
	uint32_t sum = 0;

	for (uint32_t i = 0; i < COUNT; i++)
		want[i] = sum += x->word[i];
	run("scan", &first, 28, GROUPS, 1);
	for (uint32_t i = 1; i < GROUPS; i++)
		z->word[i] += z->word[i - 1];
	run("scan_add", &second, 20, GROUPS, 1);
	vk_equal(y->word, want, COUNT, "scan, scan_add");
}

static void matmul(struct vk_buffer *x, struct vk_buffer *y, struct vk_buffer *z, const char *name)
{
	struct args args = {x->address, y->address, z->address, SIDE, 0.5f};
	bool ok = true;

	floats(x, SIDE * SIDE);
	floats(y, SIDE * SIDE);
	memset(z->word, 0xff, SIDE * SIDE * 4); /* NaN, which no sum is near */
	run(name, &args, sizeof(args), (SIDE + 15) / 16, (SIDE + 15) / 16);
	for (uint32_t row = 0; row < SIDE; row++) {
		for (uint32_t column = 0; column < SIDE; column++) {
			double sum = 0, size = 0;
			float a, b, got;

			for (uint32_t k = 0; k < SIDE; k++) {
				memcpy(&a, &x->word[row * SIDE + k], 4);
				memcpy(&b, &y->word[k * SIDE + column], 4);
				sum += (double)a * b;
				size += fabs((double)a * b);
			}
			memcpy(&got, &z->word[row * SIDE + column], 4);
			ok = ok && fabs(got - 0.5 * sum) <= size * SIDE * 0x1p-24;
		}
	}
	vk_check(ok, name);
}

int main(int argc, char **argv)
{
	struct vk_buffer x, y, z;

	if (argc > 1)
		vk_folder = argv[1];
	vk_open(&rig);
	x = vk_buffer(&rig, (COUNT + GUARD) * 4);
	y = vk_buffer(&rig, (COUNT + GUARD) * 4);
	z = vk_buffer(&rig, (COUNT + GUARD) * 4);
	saxpy(&x, &y, &z);
	fill_and_copy(&x, &y);
	reduce_and_histogram(&x, &y);
	scan(&x, &y, &z);
	matmul(&x, &y, &z, "matmul");
	matmul(&x, &y, &z, "matmul_tiled");
	vk_buffer_destroy(&rig, &x);
	vk_buffer_destroy(&rig, &y);
	vk_buffer_destroy(&rig, &z);
	vk_close(&rig);
	return vk_summary();
}

/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/image.h"
#include "node/soft.h"

extern const struct df_soft_ops df_soft_ops;

const struct df_soft_ops *world_soft;

static float x_of(uint32_t i)
{
	return 0.25f + (float)i * 0.375f;
}

static float y_of(uint32_t i)
{
	return 3.0f - (float)i * 0.125f;
}

/* ---- steps that may fail ---- */

int world_try_open(struct world *world, const char *name)
{
	return world->device ? 0 : df_device_open(name, NULL, &world->device);
}

/* The file as it was made, for the device's target; its size. */
static size_t read_image(struct world *world, unsigned char *image, size_t capacity)
{
	const char *folder = getenv("DRUMFIRE_SHADERS");
	struct df_device_info info;
	char path[512], *target;
	size_t bytes;
	FILE *file;

	snprintf(path, sizeof(path), "%s/saxpy.dfi", folder ? folder : "build/shaders");
	file = fopen(path, "rb");
	ck_assert_msg(file, "%s: not there", path);
	bytes = fread(image, 1, capacity, file);
	fclose(file);
	ck_ok(df_device_get_info(world->device, &info));
	/* The same instructions for a sister chip. */
	target = memmem(image, bytes, "gfx1030", 7);
	ck_assert_ptr_nonnull(target);
	memcpy(target, info.target, 7);
	return bytes;
}

static int make_code(struct world *world, unsigned char *image, size_t bytes, struct df_code **code_out,
		     struct df_kernel **kernel_out)
{
	uint32_t crc = df_image_checksum(image, bytes);
	int ret;

	memcpy(image + offsetof(struct df_image_header, crc32), &crc, sizeof(crc));
	ret = df_code_create(world->device, image, bytes, code_out);
	return ret ? ret : df_code_kernel(*code_out, NULL, kernel_out);
}

int world_try_code(struct world *world)
{
	static unsigned char image[1 << 18];
	size_t bytes = read_image(world, image, sizeof(image));

	return make_code(world, image, bytes, &world->code, &world->kernel);
}

void world_poison(struct world *world, struct df_code **code_out, struct df_kernel **kernel_out)
{
	static unsigned char image[1 << 18];
	size_t bytes = read_image(world, image, sizeof(image));
	struct df_image_header header;

	memcpy(&header, image, sizeof(header));
	memset(image + header.code_offset, 0xff, 8);
	ck_ok(make_code(world, image, bytes, code_out, kernel_out));
}

int world_try_bos(struct world *world)
{
	struct df_bo_options input = DF_OPTIONS(input, .recovery = DF_BO_INPUT, .name = "x");
	struct df_bo_options host = DF_OPTIONS(host, .domain = DF_DOMAIN_HOST_CACHED, .name = "gate");
	float x[WORLD_FLOATS];
	void *map;
	int ret = 0;

	for (uint32_t i = 0; i < WORLD_FLOATS; i++)
		x[i] = x_of(i);
	if (!world->x)
		ret = df_bo_create(world->device, sizeof(x), &input, &world->x);
	if (!ret)
		ret = df_bo_write(world->x, 0, x, sizeof(x));
	if (!ret && !world->gate_bo)
		ret = df_bo_create(world->device, 4096, &host, &world->gate_bo);
	if (!ret)
		ret = df_bo_map(world->gate_bo, &map);
	if (ret)
		return ret;
	world->gate = map;
	atomic_store(world->gate, 0);
	return 0;
}

int world_try_fill(struct df_bo *state)
{
	float y[WORLD_FLOATS];

	for (uint32_t i = 0; i < WORLD_FLOATS; i++)
		y[i] = y_of(i);
	return df_bo_write(state, 0, y, sizeof(y));
}

void world_try_close(struct world *world)
{
	ck_ok(df_bo_destroy(world->x));
	ck_ok(df_bo_destroy(world->gate_bo));
	ck_ok(df_code_destroy(world->code));
	if (df_device_close(world->device))
		ck_ok(df_device_close(world->device));
	memset(world, 0, sizeof(*world));
}

/* ---- for those that expect no failure ---- */

void world_open(struct world *world, const char *name, const struct df_device_options *options)
{
	df_soft_use(world_soft ? world_soft : &df_soft_ops);
	memset(world, 0, sizeof(*world));
	ck_ok(df_device_open(name, options, &world->device));
	ck_ok(world_try_code(world));
	ck_ok(world_try_bos(world));
}

void world_close(struct world *world)
{
	ck_ok(df_bo_destroy(world->x));
	ck_ok(df_bo_destroy(world->gate_bo));
	ck_ok(df_code_destroy(world->code));
	ck_ok(df_device_close(world->device));
}

struct df_bo *world_state(struct world *world, enum df_domain domain, bool far)
{
	struct df_bo_options o =
		DF_OPTIONS(o, .recovery = DF_BO_STATE, .domain = domain, .no_cpu_access = far, .name = "state");
	struct df_bo *state;

	ck_ok(df_bo_create(world->device, WORLD_FLOATS * sizeof(float), &o, &state));
	ck_ok(world_try_fill(state));
	return state;
}

struct df_batch *world_batch(struct world *world, struct df_bo *state, uint32_t launches, uint32_t hang,
			     const struct df_batch_options *options)
{
	struct world_args args = {df_bo_address(world->x), df_bo_address(state), df_bo_address(state), WORLD_FLOATS,
				  WORLD_FACTOR};
	const uint32_t grid[3] = {WORLD_FLOATS / 64, 1, 1};
	struct df_batch *batch;

	ck_ok(df_batch_create(world->device, options, &batch));
	ck_ok(df_batch_use(batch, state, DF_READ | DF_WRITE));
	for (uint32_t i = 0; i < launches; i++) {
		if (i == hang)
			ck_ok(df_batch_wait(batch, world->gate_bo, 0, DF_EQUAL, 1, UINT32_MAX));
		ck_ok(df_batch_launch(batch, world->kernel, grid, &args, sizeof(args)));
		ck_ok(df_batch_barrier(batch));
	}
	ck_ok(df_batch_seal(batch));
	return batch;
}

int world_try_holds(struct df_bo *state, uint32_t launches)
{
	uint32_t y[WORLD_FLOATS];
	int ret = df_bo_read(state, 0, y, sizeof(y));

	if (ret)
		return ret;
	for (uint32_t i = 0; i < WORLD_FLOATS; i++) {
		union {
			float value;
			uint32_t bits;
		} wanted = {y_of(i)};

		for (uint32_t n = 0; n < launches; n++)
			wanted.value = __builtin_fmaf(WORLD_FACTOR, x_of(i), wanted.value);
		ck_assert_msg(wanted.bits == y[i], "the state is not what %u launches leave, from %u on", launches, i);
	}
	return 0;
}

void world_check(struct df_bo *state, uint32_t launches)
{
	ck_ok(world_try_holds(state, launches));
}

void world_open_gate(void *user, const struct df_loss *loss)
{
	struct world *world = user;

	(void)loss;
	atomic_store(world->gate, 1);
}

struct df_wait_info world_wait(struct df_fence *fence)
{
	struct df_wait_info info;

	ck_ok(df_fence_wait(fence, df_now_ns() + 50 * SECOND, &info));
	ck_assert_int_eq(info.verdict, DF_DONE);
	df_fence_put(fence);
	return info;
}

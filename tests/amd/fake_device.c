/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "amd/encoder.h"
#include "fake.h"
#include "node/soft.h"

#define MAX_HANDLES 4096u

static struct fake_bo {
	uint8_t *memory;
	uint64_t bytes, va;
	bool mapped, borrowed;
} bos[MAX_HANDLES];
static unsigned handles, created, fail_at;

unsigned fake_bo_count(void)
{
	return created;
}

void fake_fail_bo(unsigned n)
{
	fail_at = n;
}

static int bo_create(struct df_device *device, const struct df_kmd_bo_desc *desc, uint32_t *handle_out)
{
	(void)device;
	if (fail_at && !--fail_at)
		return df_error_set(-ENOMEM, "no memory, as asked for");
	if (handles + 1 == MAX_HANDLES)
		return df_error_set(-ENOSPC, "fake device: too many BOs");
	struct fake_bo *bo = &bos[++handles];
	bo->memory = malloc(desc->size_B);
	if (!bo->memory)
		return -ENOMEM;
	memset(bo->memory, 0xa5, desc->size_B);
	bo->bytes = desc->size_B;
	created++;
	*handle_out = handles;
	return 0;
}

static int bo_map(struct df_device *device, uint32_t handle, uint64_t bytes, void **map_out)
{
	(void)device, (void)bytes;
	*map_out = bos[handle].memory;
	return 0;
}

static void bo_close(struct df_device *device, uint32_t handle)
{
	(void)device;
	if (!bos[handle].borrowed)
		free(bos[handle].memory);
	bos[handle] = (struct fake_bo){0};
}

static int bo_userptr(struct df_device *device, void *memory, uint64_t bytes, bool read_only, uint32_t *handle_out)
{
	(void)device, (void)read_only;
	bos[++handles] = (struct fake_bo){.memory = memory, .bytes = bytes, .borrowed = true};
	*handle_out = handles;
	return 0;
}

static int va_map(struct df_device *device, uint32_t handle, uint64_t offset_B, uint64_t va, uint64_t bytes,
		  unsigned flags)
{
	(void)device, (void)offset_B, (void)bytes, (void)flags;
	bos[handle].va = va;
	bos[handle].mapped = true;
	return 0;
}

static int va_unmap(struct df_device *device, uint32_t handle, uint64_t va, uint64_t bytes)
{
	(void)device, (void)va, (void)bytes;
	bos[handle].mapped = false;
	return 0;
}

/* A node with nothing behind it: maps are the host's own memory, so there is nothing to unmap. */
static void *node_open(const char *spec, char *error, size_t error_size)
{
	(void)spec, (void)error, (void)error_size;
	return bos;
}

static int node_close(void *file)
{
	(void)file;
	return 0;
}

static int node_munmap(void *file, void *addr, size_t size)
{
	(void)file, (void)addr, (void)size;
	return 0;
}

static const struct df_soft_ops fake_node = {
	.version = DF_SOFT_OPS_VERSION,
	.open = node_open,
	.close = node_close,
	.munmap = node_munmap,
};

static const struct df_kmd_ops fake_kmd = {
	.driver = "fake",
	.bo_create = bo_create,
	.bo_userptr = bo_userptr,
	.bo_map = bo_map,
	.bo_close = bo_close,
	.va_map = va_map,
	.va_unmap = va_unmap,
};

void *fake_at(struct df_device *device, uint64_t va, uint64_t bytes)
{
	(void)device;
	for (unsigned i = 1; i <= handles; i++)
		if (bos[i].mapped && va >= bos[i].va && va - bos[i].va <= bos[i].bytes &&
		    bytes <= bos[i].bytes - (va - bos[i].va))
			return bos[i].memory + (va - bos[i].va);
	return NULL;
}

struct df_device *fake_device(void)
{
	struct df_device *device = calloc(1, sizeof(*device));
	device->kmd = &fake_kmd;
	device->enc = &df_encoder_gfx10_3;
	device->info = (struct df_kmd_info){
		.driver = "fake",
		.target = "gfx1030",
		.compute_units = 80,
		.shader_engines = 4,
		.arrays_per_engine = 2,
		.units_per_array = 10,
		.simds_per_unit = 2,
		.waves_per_simd = 16,
		.lds_per_group_B = 65536,
		.vgprs_per_simd_lane = 1024,
		.wave_size = 32,
		.ib_align_B = 32,
		.ib_size_align_dw = 8,
		.max_ib_dw = 0xfffff,
		.va = {{0x8000, 0x800000000000ull}, {0xffff800000000000ull, 0xfffffffffff00000ull}},
		.va_align_B = 4096,
	};
	pthread_mutex_init(&device->lock, NULL);
	pthread_mutex_init(&device->restore_lock, NULL);
	df_va_init(&device->va, device->info.va, 2);
	handles = created = fail_at = 0;
	df_soft_use(&fake_node);
	if (df_node_open("soft:fake", &device->node) || device->enc->device_init(device))
		abort();
	df_soft_use(NULL);
	return device;
}

void fake_set_max_ib(struct df_device *device, uint32_t dw)
{
	device->info.max_ib_dw = dw;
}

void fake_device_free(struct df_device *device)
{
	device->enc->device_finish(device);
	df_va_finish(&device->va);
	df_node_close(device->node);
	pthread_mutex_destroy(&device->lock);
	pthread_mutex_destroy(&device->restore_lock);
	free(device);
}

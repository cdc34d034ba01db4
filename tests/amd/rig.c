/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "kernels.h"

static struct fake_kernel spec(unsigned i, const char *name, uint32_t user_sgprs)
{
	return (struct fake_kernel){
		.name = name,
		.k = {.entry_offset = i * 256,
		      .pgm_rsrc1 = 0x602c0000,
		      .pgm_rsrc2 = 0x80 | user_sgprs << 1,
		      .flags = DF_IMAGE_KERNEL_WGP_MODE,
		      .wave_size = 32,
		      .vgprs = 5,
		      .sgprs = 8,
		      .block = {RIG_GROUP, 1, 1},
		      .max_flat_size = RIG_GROUP,
		      .args_size_B = sizeof(struct rig_args)},
		.sgprs = {{.kind = DF_IMAGE_SGPR_ARG_INLINE, .count = 4}},
		.sgpr_count = 1,
	};
}

void rig_open(struct rig *rig)
{
	struct fake_kernel specs[4] = {spec(0, "affine", 4), spec(1, "affine_mem", 2), spec(2, "step", 4),
				       spec(3, "grid", 5)};
	const char *name = getenv("DRUMFIRE_DEVICE");
	size_t bytes;

	specs[1].sgprs[0] = (struct df_image_sgpr){.kind = DF_IMAGE_SGPR_KERNARG_PTR, .count = 2};
	specs[1].k.kernarg_size_B = 16;
	specs[1].k.kernarg_align_B = 16;
	specs[3].k.args_size_B = 8;
	specs[3].sgprs[0].count = 2;
	specs[3].sgprs[1] = (struct df_image_sgpr){.kind = DF_IMAGE_SGPR_GRID_SIZE, .first = 2, .count = 3};
	specs[3].sgpr_count = 2;
	void *image = fake_image(specs, 4, "gfx1030", kernel_code, sizeof(kernel_code), &bytes);
	must(df_device_open(name ? name : "soft:gfx1030,strict", NULL, &rig->device));
	must(df_context_create(rig->device, NULL, &rig->context));
	must(df_code_create(rig->device, image, bytes, &rig->code));
	free(image);
	must(df_code_kernel(rig->code, "affine", &rig->affine));
	must(df_code_kernel(rig->code, "affine_mem", &rig->affine_mem));
	must(df_code_kernel(rig->code, "step", &rig->step));
	must(df_code_kernel(rig->code, "grid", &rig->grid));
}

void rig_close(struct rig *rig)
{
	char text[256];

	ck_assert_msg(df_device_finding(rig->device, 0, text, sizeof(text)) < 0, "strict finding: %s", text);
	must(df_context_destroy(rig->context));
	must(df_code_destroy(rig->code));
	must(df_device_close(rig->device));
}

struct df_bo *rig_bo(struct rig *rig, uint64_t bytes, void *map_out)
{
	struct df_bo_options options = DF_OPTIONS(options, .domain = DF_DOMAIN_HOST_CACHED);
	struct df_bo *bo;
	void *map;

	must(df_bo_create(rig->device, bytes, &options, &bo));
	must(df_bo_map(bo, &map));
	memset(map, 0, bytes);
	memcpy(map_out, &map, sizeof(map));
	return bo;
}

struct df_fence *rig_submit(struct rig *rig, struct df_batch *batch)
{
	struct df_fence *fence;

	must(df_submit(rig->context, batch, NULL, &fence));
	return fence;
}

void rig_finish(struct df_fence *fence)
{
	struct df_wait_info info;
	int ret = df_fence_wait(fence, df_now_ns() + 60000000000ull, &info);

	ck_assert_msg(ret == 0, "wait: %d, verdict %d, fault 0x%llx, %s", ret, info.verdict,
		      (unsigned long long)info.fault_address, df_error());
	df_fence_put(fence);
}

void rig_run(struct rig *rig, struct df_batch *batch)
{
	rig_finish(rig_submit(rig, batch));
}

void rig_run_ib(struct rig *rig, struct df_batch *batch, uint64_t ib_va, uint32_t ib_dw)
{
	struct df_batch_submit *submit = df_batch_submit_of(batch);
	uint64_t va = submit->ib_va;
	uint32_t dw = submit->ib_dw;

	submit->ib_va = ib_va;
	submit->ib_dw = ib_dw;
	rig_run(rig, batch);
	submit->ib_va = va;
	submit->ib_dw = dw;
}

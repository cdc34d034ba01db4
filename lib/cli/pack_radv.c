/* SPDX-License-Identifier: MIT */
/*
 * Kernel images from GLSL, by way of Mesa's RADV. glslangValidator writes SPIR-V; drumfire-radv, under the shim that
 * puts the software GPU in the place of a card, has RADV compile it and record a dispatch; the software GPU writes down
 * the registers and the code of that dispatch.
 *
 * Which user SGPR is what, RADV does not tell. It is learnt: two runs use push constants and grids that share no value,
 * and a user SGPR that holds dword i of the push constants in both runs is that dword. RADV's order is known
 * (radv_shader_args.c): the ring descriptors' address, descriptor sets, the push constants' address, push constants
 * inline, the number of workgroups. The pipeline has no descriptor sets, so whatever stays unexplained behind the ring
 * address can only be the push constants' address, and there can be but one.
 */
#include "cli/pack_radv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/pack_spirv.h"
#include "core/error.h"
#include "core/image.h"

#define PUSH_MAX_B          128u
#define RING_SGPRS          2u
#define LDS_GRANULE_B       512u
#define TMPRING_GRANULE_B   1024u
#define RSRC1_WGP_MODE      (1u << 29)
#define RSRC1_VGPRS(r)      ((r)&0x3fu)
#define RSRC2_SCRATCH_EN    1u
#define RSRC2_USER_SGPR(r)  ((r) >> 1 & 0x1fu)
#define RSRC2_LDS_SIZE(r)   ((r) >> 15 & 0x1ffu)
#define RSRC2_LDS_MASK      (0x1ffu << 15)
#define TMPRING_WAVESIZE(r) ((r) >> 12 & 0x1fffu)
#define UNKNOWN             UINT32_MAX

/* Push constants and grids of the two runs: no value occurs twice. They are small, so
 * that a shader that takes one for a count soon ends. */
const struct radv_pattern radv_patterns[RADV_RUNS] = {
	{.first = 0x0301, .groups = {3, 5, 7}},
	{.first = 0x0502, .groups = {11, 13, 2}},
};

static int refuse(const struct pack_glsl *glsl, const char *what)
{
	return df_error_set(-EOPNOTSUPP, "%s: %s. Fix: pass everything in one push-constant block of up to %u bytes",
			    glsl->path, what, PUSH_MAX_B);
}

/* ---- what a user SGPR holds ---- */

/* Dword of the push constants that SGPR i holds in both runs, or UNKNOWN. */
static uint32_t push_dword(const struct radv_run runs[RADV_RUNS], unsigned i, uint32_t push_dwords)
{
	for (uint32_t dword = 0; dword < push_dwords; dword++) {
		bool same = true;

		for (unsigned r = 0; r < RADV_RUNS; r++)
			same &= runs[r].user[i] == radv_patterns[r].first + 2 * dword;
		if (same)
			return dword;
	}
	return UNKNOWN;
}

static bool holds_groups(const struct radv_run runs[RADV_RUNS], unsigned i, unsigned d)
{
	for (unsigned r = 0; r < RADV_RUNS; r++) {
		if (runs[r].user[i] != radv_patterns[r].groups[d])
			return false;
	}
	return true;
}

static struct df_image_sgpr *add_entry(struct pack_kernel *kernel, enum df_image_sgpr_kind kind, unsigned first,
				       uint32_t offset_B)
{
	struct df_image_sgpr *entry = &kernel->sgprs[kernel->sgpr_count++];

	*entry = (struct df_image_sgpr){
		.kind = (uint16_t)kind, .first = (uint8_t)first, .count = 1, .offset_B = offset_B};
	return entry;
}

static void add_push_dword(struct pack_kernel *kernel, unsigned sgpr, uint32_t dword)
{
	struct df_image_sgpr *last = kernel->sgpr_count ? &kernel->sgprs[kernel->sgpr_count - 1] : NULL;

	if (last && last->kind == DF_IMAGE_SGPR_ARG_INLINE && last->first + last->count == (int)sgpr &&
	    last->offset_B + 4u * last->count == 4 * dword)
		last->count++;
	else
		add_entry(kernel, DF_IMAGE_SGPR_ARG_INLINE, sgpr, 4 * dword);
}

static int add_sgprs(const struct pack_glsl *glsl, const struct radv_run runs[RADV_RUNS], struct pack_kernel *kernel)
{
	unsigned count = RSRC2_USER_SGPR(runs[0].rsrc2), i = RING_SGPRS;
	bool pointer = false;

	if (count < RING_SGPRS || count > DF_IMAGE_USER_SGPRS)
		return refuse(glsl, "RADV loads an unexpected number of user SGPRs");
	if (runs[0].rsrc2 & RSRC2_SCRATCH_EN)
		add_entry(kernel, DF_IMAGE_SGPR_SCRATCH_RING, 0, 0)->count = RING_SGPRS;
	while (i < count) {
		uint32_t dword = push_dword(runs, i, kernel->kernel.args_size_B / 4);

		if (dword != UNKNOWN) {
			add_push_dword(kernel, i++, dword);
		} else if (i + 3 <= count && holds_groups(runs, i, 0) && holds_groups(runs, i + 1, 1) &&
			   holds_groups(runs, i + 2, 2)) {
			add_entry(kernel, DF_IMAGE_SGPR_GRID_SIZE, i, 0)->count = 3;
			i += 3;
		} else if (i == RING_SGPRS && kernel->kernel.args_size_B) {
			add_entry(kernel, DF_IMAGE_SGPR_PUSH_CONST_PTR, i++, 0);
			pointer = true;
		} else {
			return refuse(
				glsl,
				"RADV passes something in user SGPRs that is neither push constants nor the grid");
		}
	}
	if (pointer) {
		kernel->kernel.kernarg_size_B = kernel->kernel.args_size_B;
		kernel->kernel.kernarg_align_B = 16;
		kernel->kernel.address32_hi = runs[0].address32_hi;
	}
	return 0;
}

/* ---- the kernel ---- */

static int check_runs(const struct pack_glsl *glsl, const struct radv_run runs[RADV_RUNS])
{
	const struct radv_run *a = &runs[0], *b = &runs[1];

	if (a->rsrc1 != b->rsrc1 || a->rsrc2 != b->rsrc2 || a->rsrc3 != b->rsrc3 || a->tmpring != b->tmpring ||
	    memcmp(a->block, b->block, sizeof(a->block)) != 0 || a->code_size_B != b->code_size_B ||
	    memcmp(a->code, b->code, a->code_size_B) != 0)
		return df_error_set(-EIO, "%s: RADV compiled it differently the second time", glsl->path);
	if (a->wave_size != 32 && a->wave_size != 64)
		return df_error_set(-EIO, "%s: RADV reports waves of %u", glsl->path, a->wave_size);
	return 0;
}

static void fill_kernel(const struct radv_run *run, struct df_image_kernel *out)
{
	uint32_t granule = run->wave_size == 32 ? 8 : 4;

	out->pgm_rsrc1 = run->rsrc1;
	out->pgm_rsrc2 = run->rsrc2 & ~RSRC2_LDS_MASK;
	out->pgm_rsrc3 = run->rsrc3;
	out->wave_size = run->wave_size;
	out->vgprs = run->vgprs ? run->vgprs : (RSRC1_VGPRS(run->rsrc1) + 1) * granule;
	out->sgprs = run->sgprs;
	out->lds_size_B = RSRC2_LDS_SIZE(run->rsrc2) * LDS_GRANULE_B;
	if (run->rsrc2 & RSRC2_SCRATCH_EN)
		out->scratch_size_B = TMPRING_WAVESIZE(run->tmpring) * TMPRING_GRANULE_B / run->wave_size;
	out->flags |= DF_IMAGE_KERNEL_BLOCK_FIXED;
	if (run->rsrc1 & RSRC1_WGP_MODE)
		out->flags |= DF_IMAGE_KERNEL_WGP_MODE;
	for (int d = 0; d < 3; d++)
		out->block[d] = run->block[d];
	out->max_flat_size = run->block[0] * run->block[1] * run->block[2];
}

/* "shaders/saxpy.comp" makes a kernel named "saxpy". */
static char *kernel_name(const char *path)
{
	const char *slash = strrchr(path, '/'), *begin = slash ? slash + 1 : path, *dot = strchr(begin, '.');

	return strndup(begin, dot && dot != begin ? (size_t)(dot - begin) : strlen(begin));
}

static int start_kernel(const struct pack_glsl *glsl, struct pack_image *image, struct pack_kernel **out)
{
	char *name = kernel_name(glsl->path);

	if (!name)
		return df_error_set(-ENOMEM, "%s: out of memory", glsl->path);
	*out = pack_add_kernel(image, name);
	free(name);
	return *out ? 0 : -ENOMEM;
}

static int finish_image(const struct pack_glsl *glsl, const struct radv_run *run, struct pack_image *image)
{
	const char *slash = strrchr(glsl->path, '/');
	int ret;

	snprintf(image->target, sizeof(image->target), "%s", glsl->target ? glsl->target : "gfx1030");
	ret = pack_alloc_code(image, run->code_size_B);
	if (ret)
		return ret;
	memcpy(image->code, run->code, run->code_size_B);
	if (asprintf(&image->provenance, "%.200s: glslangValidator and RADV (%s)", slash ? slash + 1 : glsl->path,
		     run->driver) < 0) {
		image->provenance = NULL;
		return df_error_set(-ENOMEM, "%s: out of memory", glsl->path);
	}
	return 0;
}

static int build(const struct pack_glsl *glsl, struct radv_run runs[RADV_RUNS], struct pack_image *image)
{
	struct radv_folder folder;
	struct pack_kernel *kernel = NULL;
	void *spirv = NULL;
	size_t spirv_B;
	int ret = radv_folder_make(&folder);

	if (ret)
		return ret;
	ret = radv_compile_glsl(&folder, glsl, &spirv, &spirv_B);
	if (!ret)
		ret = start_kernel(glsl, image, &kernel);
	if (!ret)
		ret = pack_spirv_args(spirv, spirv_B, kernel, &kernel->kernel.args_size_B);
	if (!ret && kernel->kernel.args_size_B > PUSH_MAX_B)
		ret = refuse(glsl, "its push constants are too large");
	for (unsigned r = 0; !ret && r < RADV_RUNS; r++)
		ret = radv_capture(&folder, glsl, r, kernel->kernel.args_size_B, &runs[r]);
	if (!ret)
		ret = check_runs(glsl, runs);
	if (!ret)
		ret = finish_image(glsl, &runs[0], image);
	if (!ret) {
		fill_kernel(&runs[0], &kernel->kernel);
		ret = add_sgprs(glsl, runs, kernel);
	}
	free(spirv);
	radv_folder_remove(&folder);
	return ret;
}

int pack_glsl(const struct pack_glsl *glsl, void **image_out, size_t *size_out)
{
	struct pack_image image = {.origin = DF_IMAGE_ORIGIN_RADV};
	struct radv_run runs[RADV_RUNS] = {0};
	int ret = build(glsl, runs, &image);

	if (!ret)
		ret = pack_write(&image, image_out, size_out);
	for (unsigned r = 0; r < RADV_RUNS; r++)
		free(runs[r].code);
	pack_image_finish(&image);
	return ret;
}

/* SPDX-License-Identifier: MIT */
/*
 * Register values of a kernel, worked out once; and how many of its workgroups the device holds at a time.
 */
#include <errno.h>
#include <string.h>

#include "amd/encoder.h"

enum {
	LDS_ALLOC_B = 1024,     /* what the hardware rounds up to, gfx10.3 [radv] lds_alloc_granularity */
	MAX_GROUPS_CU = 16,     /* workgroups of more than one wave: barrier slots of a CU; twice that of a WGP */
	VGPR_GRANULE_32 = 16,   /* allocation, gfx10.3 (LLVM, getVGPRAllocGranule) */
	VGPR_ENCODE_32 = 8,     /* RSRC1.VGPRS */
	DYNAMIC_STACK_B = 4096, /* on top of what the compiler knows, for recursion and indirect calls */
	MIN_KERNARG_ALIGN_B = 16,
};

static uint32_t waves_per_group(const struct df_kernel *kernel)
{
	uint32_t items = kernel->block[0] * kernel->block[1] * kernel->block[2];
	return (items + kernel->image.wave_size - 1) / kernel->image.wave_size;
}

/* [radv] ac_get_compute_resource_limits, radv_pipeline_emit_compute_state */
static uint32_t resource_limits(const struct df_kernel *kernel)
{
	const struct df_kmd_info *info = &kernel->device->info;
	uint32_t waves = waves_per_group(kernel);
	uint32_t engines = info->shader_engines ? info->shader_engines : 1;
	uint32_t limits = 0;
	if (waves % 4 == 0)
		limits |= LIMITS_SIMD_DEST_CNTL; /* whole workgroups fill the SIMDs evenly: no need to balance waves */
	if (waves == 1) {
		limits |= LIMITS_CU_GROUP_COUNT(1); /* two one-wave workgroups go to a CU before the next is tried */
		if (info->compute_units / engines % 4)
			limits |= LIMITS_FORCE_SIMD_DIST;
	}
	return limits;
}

static int init_regs(struct amd_kernel *kernel)
{
	const struct df_kernel *base = &kernel->base;
	const struct df_image_kernel *image = &base->image;
	if (image->pgm_rsrc1 & (RSRC1_PRIV | RSRC1_PRIORITY | RSRC1_BULKY))
		return df_error_set(-EINVAL, "COMPUTE_PGM_RSRC1 0x%08x asks for privileges", image->pgm_rsrc1);
	if (image->pgm_rsrc2 & (RSRC2_TRAP_PRESENT | RSRC2_LDS_SIZE_MASK))
		return df_error_set(-EINVAL,
				    "COMPUTE_PGM_RSRC2 0x%08x has fields that are the runtime's (TRAP, LDS_SIZE)",
				    image->pgm_rsrc2);
	uint32_t lds_B = image->lds_size_B + base->lds_dynamic_B;
	if (lds_B > base->device->info.lds_per_group_B)
		return df_error_set(-EINVAL, "%u bytes of LDS are more than the %u that a workgroup can have", lds_B,
				    base->device->info.lds_per_group_B);
	kernel->regs[REG_NUM_THREAD_X] = base->block[0];
	kernel->regs[REG_NUM_THREAD_Y] = base->block[1];
	kernel->regs[REG_NUM_THREAD_Z] = base->block[2];
	kernel->regs[REG_PGM_LO] = (uint32_t)(base->entry_va >> 8);
	kernel->regs[REG_PGM_HI] = (uint32_t)(base->entry_va >> 40) & 0xffu;
	kernel->regs[REG_RSRC1] = image->pgm_rsrc1;
	kernel->regs[REG_RSRC2] = image->pgm_rsrc2 | RSRC2_LDS_SIZE(lds_B);
	kernel->regs[REG_LIMITS] = resource_limits(base);
	kernel->regs[REG_TMPRING] = 0;
	kernel->regs[REG_RSRC3] = image->pgm_rsrc3;
	kernel->initiator = INITIATOR_COMPUTE_SHADER_EN | INITIATOR_FORCE_START_AT_000 | INITIATOR_ORDER_MODE;
	if (!base->device->info.ring_is_gfx)
		kernel->initiator |= INITIATOR_TUNNEL_ENABLE;
	if (image->wave_size == 32)
		kernel->initiator |= INITIATOR_CS_W32_EN;
	return 0;
}

/* A wave's slot: whole units, and an odd number of them so that slots spread over the memory channels
 * [radv] ac_get_scratch_tmpring_size. */
static int init_scratch(struct amd_kernel *kernel)
{
	const struct df_image_kernel *image = &kernel->base.image;
	kernel->stack_B = image->scratch_size_B;
	if (image->flags & DF_IMAGE_KERNEL_DYNAMIC_STACK)
		kernel->stack_B += DYNAMIC_STACK_B;
	if (!(image->pgm_rsrc2 & RSRC2_SCRATCH_EN) && !kernel->stack_B)
		return 0;
	uint32_t units = (kernel->stack_B * image->wave_size + TMPRING_WAVESIZE_B - 1) / TMPRING_WAVESIZE_B;
	units |= 1;
	if (units > TMPRING_WAVESIZE_MAX)
		return df_error_set(-EINVAL, "%u bytes of scratch a work-item are more than the hardware can give (%u)",
				    kernel->stack_B, TMPRING_WAVESIZE_MAX * TMPRING_WAVESIZE_B / image->wave_size);
	kernel->scratch_wave_B = units * TMPRING_WAVESIZE_B;
	struct amd_device *device = kernel->base.device->encoder_data;
	unsigned seen = device ? atomic_load(&device->scratch_wave_B) : UINT32_MAX;
	while (seen < kernel->scratch_wave_B &&
	       !atomic_compare_exchange_weak(&device->scratch_wave_B, &seen, kernel->scratch_wave_B))
		;
	return 0;
}

/* Dwords that an entry of the user-SGPR table takes; two numbers where an address may be halved. */
static bool sgpr_count_ok(const struct df_image_sgpr *sgpr)
{
	switch (sgpr->kind) {
	case DF_IMAGE_SGPR_ARG_INLINE:
		return sgpr->count > 0;
	case DF_IMAGE_SGPR_KERNARG_PTR:
	case DF_IMAGE_SGPR_DISPATCH_PTR:
	case DF_IMAGE_SGPR_DISPATCH_ID:
	case DF_IMAGE_SGPR_QUEUE_PTR:
	case DF_IMAGE_SGPR_FLAT_SCRATCH_INIT:
	case DF_IMAGE_SGPR_SCRATCH_RING:
		return sgpr->count == 2;
	case DF_IMAGE_SGPR_PRIVATE_SEGMENT_BUFFER:
		return sgpr->count == 4;
	case DF_IMAGE_SGPR_PRIVATE_SEGMENT_SIZE:
		return sgpr->count == 1;
	case DF_IMAGE_SGPR_GRID_SIZE:
		return sgpr->count == 2 || sgpr->count == 3;
	case DF_IMAGE_SGPR_PUSH_CONST_PTR:
		return sgpr->count == 1 || sgpr->count == 2;
	default:
		return false;
	}
}

static int check_sgpr(const struct amd_kernel *kernel, const struct df_image_sgpr *sgpr)
{
	if (sgpr->kind == DF_IMAGE_SGPR_DESCRIPTOR_SET)
		return df_error_set(-ENOTSUP, "the code takes a descriptor set. Fix: pass buffers by address "
					      "(GL_EXT_buffer_reference) in push constants");
	if (!sgpr_count_ok(sgpr))
		return df_error_set(-EINVAL, "user SGPR %u: kind %u cannot take %u registers", sgpr->first, sgpr->kind,
				    sgpr->count);
	if (sgpr->first + sgpr->count > USER_SGPRS)
		return df_error_set(-EINVAL, "user SGPRs %u to %u: there are only %u", sgpr->first,
				    sgpr->first + sgpr->count - 1, USER_SGPRS);
	uint32_t mask = ((1u << sgpr->count) - 1) << sgpr->first;
	if (kernel->sgpr_mask & mask)
		return df_error_set(-EINVAL, "user SGPR %u is given twice", sgpr->first);
	if (sgpr->kind == DF_IMAGE_SGPR_ARG_INLINE &&
	    (sgpr->offset_B % 4 || sgpr->offset_B + sgpr->count * 4u > amd_align(kernel->base.image.args_size_B, 4)))
		return df_error_set(-EINVAL, "user SGPR %u: bytes %u to %u are not in the argument block of %u",
				    sgpr->first, sgpr->offset_B, sgpr->offset_B + sgpr->count * 4u,
				    kernel->base.image.args_size_B);
	return 0;
}

static void take_sgpr(struct amd_kernel *kernel, const struct df_image_sgpr *sgpr, unsigned *inlines, unsigned *varying)
{
	const struct df_image_kernel *image = &kernel->base.image;
	kernel->sgpr_mask |= (uint16_t)(((1u << sgpr->count) - 1) << sgpr->first);
	switch (sgpr->kind) {
	case DF_IMAGE_SGPR_ARG_INLINE:
		++*inlines;
		kernel->inline_sgpr = sgpr->first;
		kernel->inline_dw = sgpr->count;
		kernel->inline_at_dw = (uint16_t)(sgpr->offset_B / 4);
		break;
	case DF_IMAGE_SGPR_PUSH_CONST_PTR:
		if (sgpr->count == 1)
			kernel->window_hi32 = image->address32_hi;
		/* fall through */
	case DF_IMAGE_SGPR_KERNARG_PTR:
		kernel->block_B = amd_align(image->kernarg_size_B ? image->kernarg_size_B : image->args_size_B, 4);
		++*varying;
		break;
	case DF_IMAGE_SGPR_DISPATCH_PTR:
		kernel->has_packet = true;
		++*varying;
		break;
	case DF_IMAGE_SGPR_GRID_SIZE:
		kernel->has_grid_sgprs = sgpr->count == 3;
		kernel->has_grid_ptr = sgpr->count == 2;
		++*varying;
		break;
	case DF_IMAGE_SGPR_DISPATCH_ID:
		++*varying;
		break;
	default:
		break;
	}
}

static bool depends_on_grid(unsigned kind)
{
	return kind >= DF_IMAGE_ARG_BLOCK_COUNT_X && kind <= DF_IMAGE_ARG_BLOCK_COUNT_Z;
}

static void look_at_args(struct amd_kernel *kernel)
{
	for (uint32_t i = 0; i < kernel->base.image.arg_count; i++) {
		const struct df_image_arg *arg = &kernel->base.args[i];
		kernel->has_local |= arg->kind == DF_IMAGE_ARG_LOCAL;
		kernel->has_hidden |= !df_arg_is_public(arg);
		kernel->needs_grid |= depends_on_grid(arg->kind) || arg->kind == DF_IMAGE_ARG_GRID_DIMS;
	}
}

static int init_sgprs(struct amd_kernel *kernel)
{
	const struct df_image_kernel *image = &kernel->base.image;
	unsigned inlines = 0, varying = 0;
	kernel->sgpr_mask = 0;
	kernel->block_B = kernel->window_hi32 = 0;
	for (uint32_t i = 0; i < image->sgpr_count; i++) {
		int ret = check_sgpr(kernel, &kernel->base.sgprs[i]);
		if (ret)
			return ret;
		take_sgpr(kernel, &kernel->base.sgprs[i], &inlines, &varying);
	}
	if (kernel->sgpr_mask >> RSRC2_USER_SGPR(image->pgm_rsrc2))
		return df_error_set(-EINVAL, "user SGPRs are given past the %u that COMPUTE_PGM_RSRC2 loads",
				    RSRC2_USER_SGPR(image->pgm_rsrc2));
	if (RSRC2_USER_SGPR(image->pgm_rsrc2) > USER_SGPRS)
		return df_error_set(-EINVAL, "COMPUTE_PGM_RSRC2 loads %u user SGPRs, there are only %u",
				    RSRC2_USER_SGPR(image->pgm_rsrc2), USER_SGPRS);
	if (kernel->block_B > DF_IMAGE_MAX_ARGS_B)
		return df_error_set(-EINVAL, "an argument block of %u bytes is larger than %u", kernel->block_B,
				    DF_IMAGE_MAX_ARGS_B);
	look_at_args(kernel);
	kernel->needs_grid |= kernel->has_packet;
	kernel->block_align_B =
		image->kernarg_align_B > MIN_KERNARG_ALIGN_B ? image->kernarg_align_B : MIN_KERNARG_ALIGN_B;
	kernel->base.args_in_registers = !kernel->block_B;
	bool whole = inlines == 0 ||
		     (inlines == 1 && (kernel->inline_at_dw + kernel->inline_dw) * 4u <= kernel->base.args_size_B);
	if (!inlines)
		kernel->inline_sgpr = kernel->inline_dw = 0, kernel->inline_at_dw = 0;
	kernel->inline_quads = kernel->inline_dw && kernel->inline_dw % 4 == 0;
	kernel->simple = whole && !varying && !kernel->has_local && !kernel->has_hidden;
	return 0;
}

int amd_kernel_init(struct df_kernel *base)
{
	struct amd_kernel *kernel = (struct amd_kernel *)(void *)base;
	int ret = init_regs(kernel);
	if (!ret)
		ret = init_scratch(kernel);
	if (!ret)
		ret = init_sgprs(kernel);
	return ret;
}

/* Waves of the kernel that a SIMD holds: by its wave slots and by its registers. */
static uint32_t waves_per_simd(const struct df_kernel *kernel)
{
	const struct df_kmd_info *info = &kernel->device->info;
	bool wave32 = kernel->image.wave_size == 32;
	uint32_t encode = wave32 ? VGPR_ENCODE_32 : VGPR_ENCODE_32 / 2;
	uint32_t granule = wave32 ? VGPR_GRANULE_32 : VGPR_GRANULE_32 / 2;
	uint32_t vgprs = (RSRC1_VGPRS(kernel->image.pgm_rsrc1) + 1) * encode;
	vgprs += (kernel->image.pgm_rsrc3 & 0xfu) * 8 / 2; /* shared by the halves of a wave64 */
	vgprs = amd_align(vgprs, granule);
	uint32_t file = wave32 ? info->vgprs_per_simd_lane : info->vgprs_per_simd_lane / 2;
	uint32_t waves = file / vgprs;
	return waves < info->waves_per_simd ? waves : info->waves_per_simd;
}

/*
 * Per unit (a CU, or a WGP of two for code in WGP mode) the least of: wave slots and registers, LDS, and barriers, as
 * Mesa's compiler counts them (src/amd/compiler/aco_live_var_analysis.cpp, max_suitable_waves); times the units.
 */
uint32_t amd_groups_resident(const struct df_kernel *kernel)
{
	const struct df_kmd_info *info = &kernel->device->info;
	uint32_t cus = kernel->image.pgm_rsrc1 & RSRC1_WGP_MODE ? 2 : 1;
	uint32_t waves = waves_per_group(kernel);
	uint32_t groups = waves_per_simd(kernel) * info->simds_per_unit * cus / waves;
	uint32_t lds = amd_align(kernel->image.lds_size_B + kernel->lds_dynamic_B, LDS_ALLOC_B);
	if (lds && groups > info->lds_per_group_B * cus / lds)
		groups = info->lds_per_group_B * cus / lds;
	if (waves > 1 && groups > MAX_GROUPS_CU * cus)
		groups = MAX_GROUPS_CU * cus;
	return groups * (info->compute_units / cus);
}

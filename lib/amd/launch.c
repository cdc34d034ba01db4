/* SPDX-License-Identifier: MIT */
/*
 * Launches. Two paths lead to the same stream:
 *
 * The short one, for the kernel that the launch before used too, when all its arguments are user SGPRs and no patch
 * point is asked for: compare the arguments with what the registers hold, write the runs that differ and the dispatch.
 *
 * The long one makes a plan first (values of all registers, contents of all blocks in memory, places of patch points),
 * makes room for it, and only then writes; whatever fails, fails before the first store.
 */
#include <errno.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "amd/encoder.h"

#define GRID_MAX_YZ 65535u /* [radv] maxComputeWorkGroupCount; X may use all 32 bits */
#define likely(x)   __builtin_expect(!!(x), 1)

enum { ALL_SGPRS = (1 << USER_SGPRS) - 1 };

static inline uint32_t load(const uint8_t *bytes, unsigned i)
{
	uint32_t value;
	memcpy(&value, bytes + (size_t)i * 4, 4);
	return value;
}

/* ---- the short path ---- */

/* Bit i: dword i of four differs from what its register holds. */
static inline uint32_t changed_quad(const uint32_t *known, const uint8_t *args)
{
#ifdef __SSE2__
	__m128i have = _mm_loadu_si128((const __m128i *)(const void *)known);
	__m128i want = _mm_loadu_si128((const __m128i *)(const void *)args);
	return (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(have, want))) ^ 15u;
#else
	return (uint32_t)(load(args, 0) != known[0]) | (uint32_t)(load(args, 1) != known[1]) << 1 |
	       (uint32_t)(load(args, 2) != known[2]) << 2 | (uint32_t)(load(args, 3) != known[3]) << 3;
#endif
}

static inline uint32_t changed_args(const uint32_t *known, const uint8_t *args, unsigned count)
{
	uint32_t mask = 0;
	unsigned i = 0;
	for (; i + 4 <= count; i += 4)
		mask |= changed_quad(known + i, args + (size_t)i * 4) << i;
	for (; i < count; i++)
		mask |= (uint32_t)(load(args, i) != known[i]) << i;
	return mask;
}

/* A new SET_SH_REG costs two dwords, so one or two registers between two that change are written with them. */
static inline uint32_t bridge_gaps(uint32_t mask)
{
	uint32_t one = (mask << 1) & (mask >> 1);
	uint32_t two = ((mask << 1) & (mask >> 2)) | ((mask << 2) & (mask >> 1));
	return mask | one | two;
}

/* Bits of the lowest run of ones. */
static inline unsigned run_length(uint32_t mask_from_first)
{
	return (unsigned)__builtin_ctz(~mask_from_first);
}

static inline void copy_pair(uint32_t *dw, uint32_t *known, const uint8_t *args)
{
	uint64_t pair;
	memcpy(&pair, args, 8);
	memcpy(known, &pair, 8);
	memcpy(dw, &pair, 8);
}

static inline bool pair_same(const uint32_t *known, const uint8_t *args, unsigned i)
{
	uint64_t have, want;
	memcpy(&have, known + i, 8);
	memcpy(&want, args + (size_t)i * 4, 8);
	return have == want;
}

static inline uint32_t *emit_args(uint32_t *dw, uint32_t *known, const uint8_t *args, uint32_t mask, unsigned reg)
{
	while (mask) {
		unsigned first = (unsigned)__builtin_ctz(mask), count = run_length(mask >> first);
		dw[0] = PM4_HEADER(PM4_SET_SH_REG, count);
		dw[1] = reg + first;
		dw += PM4_SET_REG_DW;
		for (unsigned i = first; i < first + count; i++)
			*dw++ = known[i] = load(args, i);
		mask &= ~0u << (first + count);
	}
	return dw;
}

static inline uint32_t *emit_dispatch(uint32_t *dw, const uint32_t grid[3], uint32_t initiator)
{
	dw[0] = PM4_HEADER(PM4_DISPATCH_DIRECT, PM4_DISPATCH_DIRECT_DW - 2) | PM4_SHADER_TYPE_COMPUTE;
	dw[1] = grid[0];
	dw[2] = grid[1];
	dw[3] = grid[2];
	dw[4] = initiator;
	return dw + PM4_DISPATCH_DIRECT_DW;
}

static inline bool grid_ok(const uint32_t grid[3])
{
	return grid[0] && grid[1] - 1 < GRID_MAX_YZ && grid[2] - 1 < GRID_MAX_YZ; /* 0 - 1 is the largest number */
}

static __attribute__((noinline)) int launch_planned(struct df_batch *base, struct df_kernel *kernel,
						    const uint32_t *grid, uint64_t grid_va, const void *args,
						    size_t args_size_B);

static inline int finish_short(struct df_batch *base, uint32_t *dw, const uint32_t grid[3], uint32_t initiator)
{
	base->cursor = emit_dispatch(dw, grid, initiator);
	base->submit.launches++;
	base->empty = false;
	return 0;
}

static __attribute__((noinline)) int launch_runs(struct df_batch *base, const struct amd_kernel *kernel,
						 const uint32_t grid[3], const uint8_t *from)
{
	uint32_t *known = amd_batch_of(base)->state.ud + kernel->inline_sgpr;
	uint32_t mask = bridge_gaps(changed_args(known, from, kernel->inline_dw));
	uint32_t *dw = emit_args(base->cursor, known, from, mask, SH_COMPUTE_USER_DATA_0 + kernel->inline_sgpr);
	return finish_short(base, dw, grid, kernel->initiator);
}

/*
 * When something differs in every aligned pair of dwords, no three neighbours are equal, and one run from the first to
 * the last that differ is the shortest form. Pairs are copied whole; what that writes too much at either end is written
 * over, by the header before and by whatever follows. The number of dwords is a multiple of 4.
 */
static inline int launch_quads(struct df_batch *base, const struct amd_kernel *kernel, const uint32_t grid[3],
			       const uint8_t *from)
{
	unsigned count = kernel->inline_dw, sgpr = kernel->inline_sgpr, i = 0;
	uint32_t *known = amd_batch_of(base)->state.ud + sgpr;
	do {
		if (pair_same(known, from, i) || pair_same(known, from, i + 2))
			return launch_runs(base, kernel, grid, from);
		i += 4;
	} while (i < count);
	unsigned first = load(from, 0) == known[0], last = load(from, count - 1) == known[count - 1];
	uint32_t *dw = base->cursor, *out = dw + PM4_SET_REG_DW - first;
	i = 0;
	do {
		copy_pair(out + i, known + i, from + i * 4);
		copy_pair(out + i + 2, known + i + 2, from + i * 4 + 8);
		i += 4;
	} while (i < count);
	dw[0] = PM4_HEADER(PM4_SET_SH_REG, count - first - last);
	dw[1] = SH_COMPUTE_USER_DATA_0 + sgpr + first;
	return finish_short(base, out + count - last, grid, kernel->initiator);
}

/* All paths end in calls that this function does not come back from, so that the shortest saves no registers. */
int amd_launch(struct df_batch *base, struct df_kernel *kernel, const uint32_t grid[3], const void *args,
	       size_t args_size_B)
{
	if (!likely(kernel == base->same && args_size_B == kernel->args_size_B && grid && args &&
		    base->limit - base->cursor >= (ptrdiff_t)AMD_LAUNCH_MAX_DW && grid_ok(grid)))
		return launch_planned(base, kernel, grid, 0, args, args_size_B);
	const struct amd_kernel *k = amd_kernel_of(kernel);
	const uint8_t *from = (const uint8_t *)args + k->inline_at_dw * 4u;
	return k->inline_quads ? launch_quads(base, k, grid, from) : launch_runs(base, k, grid, from);
}

/* ---- the long path: planning ---- */

struct patch_place {
	bool in_block;
	uint8_t sgpr; /* first, when not in the block */
};

static const uint32_t no_grid[3];

struct plan {
	struct amd_batch *batch;
	const struct amd_kernel *kernel;
	const uint32_t *grid; /* no_grid: indirect, and grid_va is not 0 */
	uint64_t grid_va;
	uint32_t lds_B;       /* of the launch */
	uint32_t lds_local_B; /* of it, dynamic */
	uint32_t regs[REG_COUNT];
	uint32_t ud[USER_SGPRS];
	uint32_t ud_mask;   /* that the launch sets from ud */
	uint32_t ud_force;  /* patched: written whatever is known */
	uint32_t ud_loaded; /* that a packet loads from memory */
	bool block_new, packet_new, grid_new, ring_new;
	uint64_t block_va, packet_va, grid_block_va, ring_va;
	struct patch_place places[DF_BATCH_PATCHES];
	uint32_t block[DF_IMAGE_MAX_ARGS_B / 4 + 1]; /* arguments, then hidden ones */
	uint32_t packet[AMD_PACKET_B / 4];
	uint32_t ring[4];
};

static int check_launch(const struct amd_batch *batch, const struct df_kernel *kernel, const uint32_t *grid,
			bool indirect, const void *args, size_t args_size_B)
{
	if (!kernel || (!grid && !indirect))
		return df_error_set(-EINVAL, "df_batch_launch: kernel or grid is NULL");
	if (batch->base.submit.sealed)
		return df_error_set(
			-EPERM, "df_batch_launch: the batch is sealed. Fix: df_batch_reset() before recording again");
	if (kernel->device != batch->base.submit.device)
		return df_error_set(
			-EXDEV,
			"df_batch_launch: kernel %s is of another device than the batch. Fix: create the code on "
			"the batch's device",
			kernel->name);
	if (args_size_B != kernel->args_size_B)
		return df_error_set(
			-EINVAL,
			"df_batch_launch: kernel %s takes %u bytes of arguments, %zu were given. Fix: fill the "
			"block as df_kernel_get_arg() lays it out",
			kernel->name, kernel->args_size_B, args_size_B);
	if (args_size_B && !args)
		return df_error_set(-EINVAL, "df_batch_launch: kernel %s takes arguments, args is NULL", kernel->name);
	return 0;
}

static int check_grid(const struct amd_kernel *kernel, const uint32_t grid[3])
{
	const char *name = kernel->base.name;
	if ((grid[1] | grid[2]) > GRID_MAX_YZ)
		return df_error_set(
			-EINVAL,
			"df_batch_launch: %s: a grid of %ux%ux%u workgroups; Y and Z may be at most %u. Fix: fold "
			"them into X",
			name, grid[0], grid[1], grid[2], GRID_MAX_YZ);
	for (unsigned i = 0; kernel->has_packet && i < 3; i++)
		if ((uint64_t)grid[i] * kernel->base.block[i] > UINT32_MAX)
			return df_error_set(
				-EINVAL,
				"df_batch_launch: %s reads its grid in work-items, and %u workgroups of %u are more "
				"than 32 bits hold. Fix: launch in parts",
				name, grid[i], kernel->base.block[i]);
	return 0;
}

static int check_indirect(const struct amd_kernel *kernel)
{
	if (!kernel->needs_grid)
		return 0;
	return df_error_set(-ENOTSUP,
			    "df_batch_launch_indirect: kernel %s takes arguments that depend on the grid, which is not "
			    "known yet. Fix: compile without them, or launch directly",
			    kernel->base.name);
}

/* LOCAL arguments hold sizes in the caller's block and offsets in the kernel's. */
static int place_local(struct plan *plan)
{
	const struct df_kernel *kernel = &plan->kernel->base;
	uint32_t limit = kernel->device->info.lds_per_group_B;
	uint64_t at = kernel->image.lds_size_B + kernel->lds_dynamic_B;
	for (uint32_t i = 0; plan->kernel->has_local && i < kernel->image.arg_count; i++) {
		const struct df_image_arg *arg = &kernel->args[i];
		if (arg->kind != DF_IMAGE_ARG_LOCAL)
			continue;
		uint32_t bytes = 0, align = arg->align_B ? arg->align_B : 4;
		memcpy(&bytes, (uint8_t *)plan->block + arg->offset_B, sizeof(bytes));
		at = (at + align - 1) & ~(uint64_t)(align - 1);
		memcpy((uint8_t *)plan->block + arg->offset_B, &(uint32_t){(uint32_t)at}, sizeof(uint32_t));
		at += bytes;
		if (at > limit)
			return df_error_set(
				-EINVAL,
				"df_batch_launch: %s: local arguments up to the one at byte %u take %llu bytes of LDS, "
				"a workgroup can have %u",
				kernel->name, arg->offset_B, (unsigned long long)at, limit);
	}
	plan->lds_B = (uint32_t)at;
	plan->lds_local_B = (uint32_t)at - kernel->image.lds_size_B;
	return 0;
}

static unsigned grid_dims(const struct plan *plan)
{
	const uint32_t *block = plan->kernel->base.block;
	if (plan->grid[2] > 1 || block[2] > 1)
		return 3;
	return plan->grid[1] > 1 || block[1] > 1 ? 2 : 1;
}

static uint64_t queue_va(const struct amd_kernel *kernel)
{
	return kernel->base.code->bo->va + kernel->base.code->queue_at_B;
}

static uint64_t hidden_value(const struct plan *plan, unsigned kind)
{
	const uint32_t *block = plan->kernel->base.block;
	switch (kind) {
	case DF_IMAGE_ARG_BLOCK_COUNT_X:
	case DF_IMAGE_ARG_BLOCK_COUNT_Y:
	case DF_IMAGE_ARG_BLOCK_COUNT_Z:
		return plan->grid[kind - DF_IMAGE_ARG_BLOCK_COUNT_X];
	case DF_IMAGE_ARG_GROUP_SIZE_X:
	case DF_IMAGE_ARG_GROUP_SIZE_Y:
	case DF_IMAGE_ARG_GROUP_SIZE_Z:
		return block[kind - DF_IMAGE_ARG_GROUP_SIZE_X];
	case DF_IMAGE_ARG_GRID_DIMS:
		return grid_dims(plan);
	case DF_IMAGE_ARG_PRIVATE_BASE:
		return DF_PRIVATE_APERTURE_HI;
	case DF_IMAGE_ARG_SHARED_BASE:
		return DF_SHARED_APERTURE_HI;
	case DF_IMAGE_ARG_DYNAMIC_LDS_SIZE:
		return plan->lds_local_B;
	case DF_IMAGE_ARG_QUEUE_PTR:
		return queue_va(plan->kernel);
	default:
		/* Grids are whole workgroups from 0 on, so remainders and offsets are 0; absent services are 0 too. */
		return 0;
	}
}

static void fill_hidden(struct plan *plan)
{
	const struct df_kernel *kernel = &plan->kernel->base;
	for (uint32_t i = 0; plan->kernel->has_hidden && i < kernel->image.arg_count; i++) {
		const struct df_image_arg *arg = &kernel->args[i];
		if (df_arg_is_public(arg))
			continue;
		uint64_t value = hidden_value(plan, arg->kind);
		memcpy((uint8_t *)plan->block + arg->offset_B, &value, arg->size_B < 8 ? arg->size_B : 8);
	}
}

static int fill_block(struct plan *plan, const void *args, size_t args_size_B)
{
	const struct df_image_kernel *image = &plan->kernel->base.image;
	uint32_t bytes = amd_align(image->args_size_B, 4);
	if (bytes < plan->kernel->block_B)
		bytes = plan->kernel->block_B;
	memset((uint8_t *)plan->block + args_size_B, 0, bytes - args_size_B);
	if (args_size_B)
		memcpy(plan->block, args, args_size_B);
	int ret = place_local(plan);
	if (ret)
		return ret;
	fill_hidden(plan);
	return 0;
}

/* The AQL kernel dispatch packet of the HSA specification, as far as it means something here. */
static void fill_packet(struct plan *plan)
{
	const struct df_kernel *kernel = &plan->kernel->base;
	const uint32_t *block = kernel->block;
	memset(plan->packet, 0, sizeof(plan->packet));
	plan->packet[0] = 2 /* kernel dispatch */ | grid_dims(plan) << 16;
	plan->packet[1] = block[0] | block[1] << 16;
	plan->packet[2] = block[2];
	for (unsigned i = 0; i < 3; i++)
		plan->packet[3 + i] = plan->grid[i] * block[i];
	plan->packet[6] = plan->kernel->stack_B;
	plan->packet[7] = plan->lds_B;
	plan->packet[8] = amd_lo(kernel->entry_va);
	plan->packet[9] = amd_hi(kernel->entry_va);
	plan->packet[10] = amd_lo(plan->block_va);
	plan->packet[11] = amd_hi(plan->block_va);
}

/* ---- planning: patch points ---- */

static int find_in_sgprs(const struct amd_kernel *kernel, uint32_t at, uint32_t end, struct patch_place *place_out)
{
	for (uint32_t i = 0; i < kernel->base.image.sgpr_count; i++) {
		const struct df_image_sgpr *sgpr = &kernel->base.sgprs[i];
		uint32_t first = sgpr->offset_B, last = first + sgpr->count * 4u;
		if (sgpr->kind != DF_IMAGE_SGPR_ARG_INLINE || end <= first || at >= last)
			continue;
		if (at < first || end > last)
			return df_error_set(
				-EINVAL,
				"df_batch_patch_args: bytes %u to %u of kernel %s's arguments do not lie together in "
				"registers (%u to %u do). Fix: patch them in parts",
				at, end, kernel->base.name, first, last);
		*place_out = (struct patch_place){.sgpr = (uint8_t)(sgpr->first + (at - first) / 4)};
		return 0;
	}
	return -ENOENT;
}

static int find_place(const struct amd_kernel *kernel, uint32_t at, uint32_t end, struct patch_place *place_out)
{
	const struct df_kernel *base = &kernel->base;
	if (end > amd_align(base->args_size_B, 4))
		return df_error_set(-EINVAL, "df_batch_patch_args: bytes %u to %u are past the %u of kernel %s", at,
				    end, base->args_size_B, base->name);
	for (uint32_t i = 0; i < base->image.arg_count; i++)
		if (base->args[i].kind == DF_IMAGE_ARG_LOCAL && base->args[i].offset_B < end &&
		    base->args[i].offset_B + 4 > at)
			return df_error_set(
				-EINVAL,
				"df_batch_patch_args: kernel %s: the argument at byte %u is a size of LDS, which is "
				"fixed when the launch is recorded",
				base->name, base->args[i].offset_B);
	int ret = find_in_sgprs(kernel, at, end, place_out);
	if (ret != -ENOENT)
		return ret;
	if (!kernel->block_B)
		return df_error_set(-EINVAL, "df_batch_patch_args: kernel %s does not read bytes %u to %u", base->name,
				    at, end);
	*place_out = (struct patch_place){.in_block = true};
	return 0;
}

static int plan_patches(struct plan *plan)
{
	const struct df_batch *base = &plan->batch->base;
	for (unsigned i = 0; i < base->patch_count; i++) {
		const struct df_pending_patch *patch = &base->patches[i];
		struct patch_place *place = &plan->places[i];
		int ret = find_place(plan->kernel, patch->offset_B, patch->offset_B + patch->bytes, place);
		if (ret)
			return ret;
		if (place->in_block)
			plan->block_new = true;
		else
			plan->ud_force |= ((1u << patch->bytes / 4) - 1) << place->sgpr;
	}
	if (!base->patch_grid)
		return 0;
	if (plan->grid_va)
		return df_error_set(-EINVAL,
				    "df_batch_patch_grid: the launch takes its grid from memory. Fix: write it there");
	if (plan->kernel->needs_grid || plan->kernel->has_grid_sgprs || plan->kernel->has_grid_ptr)
		return df_error_set(
			-ENOTSUP,
			"df_batch_patch_grid: kernel %s takes values that depend on the grid, which a patch would "
			"not change. Fix: launch indirectly, or compile without them",
			plan->kernel->base.name);
	return 0;
}

/* ---- planning: memory and registers ---- */

static bool usable(const struct amd_block *block, const uint32_t *have, const uint32_t *want, uint32_t bytes,
		   uint32_t align_B, uint32_t hi32)
{
	return block->known && block->size_B == bytes && block->va % align_B == 0 &&
	       (!hi32 || amd_hi(block->va) == hi32) && !memcmp(have, want, bytes);
}

static uint32_t block_align(const struct amd_kernel *kernel)
{
	return kernel->block_align_B;
}

/* Which blocks are new, and room for those. Addresses of blocks used again are set; the others when they are taken. */
static int plan_memory(struct plan *plan)
{
	struct amd_batch *batch = plan->batch;
	const struct amd_kernel *kernel = plan->kernel;
	uint32_t hi32 = kernel->window_hi32, need = 0;
	if (kernel->block_B) {
		plan->block_va = batch->kernarg.va;
		plan->block_new |= !usable(&batch->kernarg, batch->kernarg_bytes, plan->block, kernel->block_B,
					   block_align(kernel), hi32);
		need += plan->block_new ? kernel->block_B + block_align(kernel) : 0;
	}
	if (kernel->has_packet) /* its contents hold the block's address: compared when that is known */
		need += 2 * AMD_PACKET_B;
	if (kernel->has_grid_ptr && !plan->grid_va) {
		plan->grid_block_va = batch->grid.va;
		plan->grid_new = !usable(&batch->grid, batch->grid_bytes, plan->grid, AMD_GRID_B, 4, 0);
		need += plan->grid_new ? AMD_GRID_B + 16 : 0;
	}
	if (plan->ring[1]) {
		plan->ring_va = batch->ring.va;
		plan->ring_new = !usable(&batch->ring, batch->ring_bytes, plan->ring, sizeof(plan->ring), 16, 0);
		need += plan->ring_new ? 2 * sizeof(plan->ring) : 0;
	}
	return df_batch_args_room(&batch->base, need, hi32);
}

static void plan_regs(struct plan *plan)
{
	const struct amd_batch *batch = plan->batch;
	const struct amd_kernel *kernel = plan->kernel;
	memcpy(plan->regs, kernel->regs, sizeof(plan->regs));
	if (kernel->has_local) {
		plan->regs[REG_RSRC2] &= ~RSRC2_LDS_SIZE_MASK;
		plan->regs[REG_RSRC2] |= RSRC2_LDS_SIZE(plan->lds_B);
	}
	/* Code without scratch does not look at it: leave what is there. */
	if (kernel->scratch_wave_B)
		plan->regs[REG_TMPRING] = amd_scratch_tmpring(batch);
	else if (batch->state.regs_known)
		plan->regs[REG_TMPRING] = batch->state.regs[REG_TMPRING];
}

static void set64(uint32_t *ud, uint64_t value, unsigned count)
{
	ud[0] = amd_lo(value);
	if (count > 1)
		ud[1] = amd_hi(value);
}

static void plan_sgpr(struct plan *plan, const struct df_image_sgpr *sgpr)
{
	const struct amd_kernel *kernel = plan->kernel;
	uint32_t *ud = plan->ud + sgpr->first;
	switch (sgpr->kind) {
	case DF_IMAGE_SGPR_ARG_INLINE:
		memcpy(ud, plan->block + sgpr->offset_B / 4, sgpr->count * 4u);
		break;
	case DF_IMAGE_SGPR_KERNARG_PTR:
	case DF_IMAGE_SGPR_PUSH_CONST_PTR:
		set64(ud, plan->block_va, sgpr->count);
		break;
	case DF_IMAGE_SGPR_DISPATCH_PTR:
		set64(ud, plan->packet_va, 2);
		break;
	case DF_IMAGE_SGPR_DISPATCH_ID:
		set64(ud, plan->batch->base.submit.launches, 2);
		break;
	case DF_IMAGE_SGPR_QUEUE_PTR:
		set64(ud, queue_va(kernel), 2);
		break;
	case DF_IMAGE_SGPR_PRIVATE_SEGMENT_BUFFER:
		if (kernel->scratch_wave_B)
			amd_scratch_descriptor(plan->batch, kernel->base.image.wave_size, ud);
		break;
	case DF_IMAGE_SGPR_FLAT_SCRATCH_INIT:
		if (kernel->scratch_wave_B)
			set64(ud, plan->batch->base.own[plan->batch->base.own_count - 1]->va, 2);
		break;
	case DF_IMAGE_SGPR_PRIVATE_SEGMENT_SIZE:
		ud[0] = kernel->stack_B;
		break;
	case DF_IMAGE_SGPR_SCRATCH_RING:
		memcpy(ud, plan->ring, 2 * sizeof(*ud)); /* the descriptor's base and swizzle bit, not its address */
		break;
	case DF_IMAGE_SGPR_GRID_SIZE:
		if (sgpr->count == 2)
			set64(ud, plan->grid_va ? plan->grid_va : plan->grid_block_va, 2);
		else if (!plan->grid_va)
			memcpy(ud, plan->grid, AMD_GRID_B);
		else
			plan->ud_loaded |= 7u << sgpr->first;
		break;
	}
}

static bool takes_ring(const struct amd_kernel *kernel)
{
	for (uint32_t i = 0; i < kernel->base.image.sgpr_count; i++)
		if (kernel->base.sgprs[i].kind == DF_IMAGE_SGPR_SCRATCH_RING)
			return true;
	return false;
}

static int make_plan(struct plan *plan, const void *args, size_t args_size_B)
{
	struct amd_batch *batch = plan->batch;
	const struct amd_kernel *kernel = plan->kernel;
	int ret = fill_block(plan, args, args_size_B);
	if (!ret)
		ret = plan_patches(plan);
	if (!ret)
		ret = df_batch_name_bo(&batch->base, kernel->base.code->bo, DF_READ, "df_batch_launch");
	if (!ret && kernel->scratch_wave_B)
		ret = amd_scratch_room(batch, kernel->scratch_wave_B);
	if (ret)
		return ret;
	if (kernel->scratch_wave_B && takes_ring(kernel))
		amd_scratch_descriptor(batch, kernel->base.image.wave_size, plan->ring);
	ret = plan_memory(plan);
	if (!ret)
		ret = df_batch_room(&batch->base, AMD_LAUNCH_MAX_DW);
	if (!ret)
		plan_regs(plan);
	return ret;
}

/* ---- the long path: writing; nothing fails from here on ---- */

static void *put_block(struct amd_batch *batch, struct amd_block *block, uint32_t *copy, const uint32_t *bytes,
		       uint32_t size_B, uint32_t align_B)
{
	void *map = df_batch_args_take(&batch->base, size_B, align_B, &block->va);
	memcpy(map, bytes, size_B);
	memcpy(copy, bytes, size_B);
	block->size_B = size_B;
	block->known = true;
	return map;
}

/* Fills the patch points that lie in the block. */
static void patch_block(struct plan *plan, uint32_t *map)
{
	const struct df_batch *base = &plan->batch->base;
	for (unsigned i = 0; i < base->patch_count; i++) {
		const struct df_pending_patch *patch = &base->patches[i];
		if (!plan->places[i].in_block)
			continue;
		*patch->out = (struct df_patch){.where = map + patch->offset_B / 4, .size_dw = patch->bytes / 4};
		plan->batch->kernarg.known = false;
	}
}

static void write_blocks(struct plan *plan)
{
	struct amd_batch *batch = plan->batch;
	const struct amd_kernel *kernel = plan->kernel;
	if (plan->block_new && kernel->block_B) {
		uint32_t *map = put_block(batch, &batch->kernarg, batch->kernarg_bytes, plan->block, kernel->block_B,
					  block_align(kernel));
		plan->block_va = batch->kernarg.va;
		patch_block(plan, map);
	}
	if (kernel->has_packet) {
		fill_packet(plan);
		if (!usable(&batch->packet, batch->packet_bytes, plan->packet, AMD_PACKET_B, AMD_PACKET_B, 0))
			put_block(batch, &batch->packet, batch->packet_bytes, plan->packet, AMD_PACKET_B, AMD_PACKET_B);
		plan->packet_va = batch->packet.va;
	}
	if (plan->grid_new) {
		put_block(batch, &batch->grid, batch->grid_bytes, plan->grid, AMD_GRID_B, 4);
		plan->grid_block_va = batch->grid.va;
	}
	if (plan->ring_new) {
		put_block(batch, &batch->ring, batch->ring_bytes, plan->ring, sizeof(plan->ring), 16);
		plan->ring_va = batch->ring.va;
	}
}

/* Registers that lie side by side. */
static const struct {
	uint8_t first, count;
	uint16_t offset;
} amd_groups[] = {
	{REG_NUM_THREAD_X, 3, SH_COMPUTE_NUM_THREAD_X}, {REG_PGM_LO, 2, SH_COMPUTE_PGM_LO},
	{REG_RSRC1, 2, SH_COMPUTE_PGM_RSRC1},           {REG_LIMITS, 1, SH_COMPUTE_RESOURCE_LIMITS},
	{REG_TMPRING, 1, SH_COMPUTE_TMPRING_SIZE},      {REG_RSRC3, 1, SH_COMPUTE_PGM_RSRC3},
};

static uint32_t *emit_regs(uint32_t *dw, struct amd_state *state, const uint32_t regs[REG_COUNT])
{
	for (unsigned g = 0; g < sizeof(amd_groups) / sizeof(amd_groups[0]); g++) {
		unsigned first = amd_groups[g].first, count = amd_groups[g].count;
		if (state->regs_known && !memcmp(state->regs + first, regs + first, count * 4))
			continue;
		*dw++ = PM4_HEADER(PM4_SET_SH_REG, count);
		*dw++ = amd_groups[g].offset;
		for (unsigned i = first; i < first + count; i++)
			*dw++ = state->regs[i] = regs[i];
	}
	state->regs_known = true;
	return dw;
}

/* The registers to write: those of the launch that are not known to be right, and small gaps between them. */
static uint32_t changed_sgprs(const struct plan *plan)
{
	const struct amd_state *state = &plan->batch->state;
	uint32_t mask = plan->ud_force;
	for (unsigned i = 0; i < USER_SGPRS; i++)
		if (plan->ud_mask >> i & 1 && (!(state->ud_known >> i & 1) || state->ud[i] != plan->ud[i]))
			mask |= 1u << i;
	return bridge_gaps(mask);
}

static uint32_t *emit_sgprs(uint32_t *dw, struct plan *plan, uint32_t *places[USER_SGPRS])
{
	struct amd_state *state = &plan->batch->state;
	uint32_t mask = changed_sgprs(plan);
	while (mask) {
		unsigned first = (unsigned)__builtin_ctz(mask), count = run_length(mask >> first);
		*dw++ = PM4_HEADER(PM4_SET_SH_REG, count);
		*dw++ = SH_COMPUTE_USER_DATA_0 + first;
		for (unsigned i = first; i < first + count; i++) {
			places[i] = dw;
			*dw++ = state->ud[i] = plan->ud[i];
		}
		state->ud_known |= (uint16_t)(((1u << count) - 1) << first);
		mask &= ~(((1u << count) - 1) << first);
	}
	return dw;
}

/* Fills the patch points in registers; what they cover is unknown from now on. */
static void patch_sgprs(struct plan *plan, uint32_t *places[USER_SGPRS])
{
	const struct df_batch *base = &plan->batch->base;
	for (unsigned i = 0; i < base->patch_count; i++) {
		const struct df_pending_patch *patch = &base->patches[i];
		if (!plan->places[i].in_block)
			*patch->out =
				(struct df_patch){.where = places[plan->places[i].sgpr], .size_dw = patch->bytes / 4};
	}
	plan->batch->state.ud_known &= (uint16_t)~plan->ud_force;
}

/* Three registers from memory [radv] load_grid_size_from_user_sgpr. */
static uint32_t *emit_load_grid(uint32_t *dw, struct plan *plan)
{
	if (!plan->ud_loaded)
		return dw;
	dw[0] = PM4_HEADER(PM4_LOAD_SH_REG_INDEX, PM4_LOAD_SH_REG_INDEX_DW - 2);
	dw[1] = amd_lo(plan->grid_va);
	dw[2] = amd_hi(plan->grid_va);
	dw[3] = SH_COMPUTE_USER_DATA_0 + (unsigned)__builtin_ctz(plan->ud_loaded);
	dw[4] = 3;
	plan->batch->state.ud_known &= (uint16_t)~plan->ud_loaded;
	return dw + PM4_LOAD_SH_REG_INDEX_DW;
}

static uint32_t *emit_indirect(uint32_t *dw, const struct plan *plan)
{
	if (plan->batch->on_gfx_ring) {
		*dw++ = PM4_HEADER(PM4_SET_BASE, PM4_SET_BASE_DW - 2) | PM4_SHADER_TYPE_COMPUTE;
		*dw++ = SET_BASE_DISPATCH_INDIRECT;
		*dw++ = amd_lo(plan->grid_va);
		*dw++ = amd_hi(plan->grid_va);
		*dw++ = PM4_HEADER(PM4_DISPATCH_INDIRECT, PM4_DISPATCH_INDIRECT_GFX_DW - 2) | PM4_SHADER_TYPE_COMPUTE;
		*dw++ = 0;
	} else {
		*dw++ = PM4_HEADER(PM4_DISPATCH_INDIRECT, PM4_DISPATCH_INDIRECT_MEC_DW - 2) | PM4_SHADER_TYPE_COMPUTE;
		*dw++ = amd_lo(plan->grid_va);
		*dw++ = amd_hi(plan->grid_va);
	}
	*dw++ = plan->kernel->initiator;
	return dw;
}

static void plan_sgprs(struct plan *plan)
{
	const struct amd_kernel *kernel = plan->kernel;
	const struct amd_state *state = &plan->batch->state;
	/* Gaps are filled with what is there. At the start all of them are set, so that no launch sees what other
	 * processes left. */
	for (unsigned i = 0; i < USER_SGPRS; i++)
		plan->ud[i] = state->ud_known >> i & 1 ? state->ud[i] : 0;
	for (uint32_t i = 0; i < kernel->base.image.sgpr_count; i++)
		plan_sgpr(plan, &kernel->base.sgprs[i]);
	plan->ud_mask = state->ud_known ? kernel->sgpr_mask : ALL_SGPRS;
	plan->ud_mask &= ~plan->ud_loaded;
}

static void write_launch(struct plan *plan)
{
	struct amd_batch *batch = plan->batch;
	struct df_batch *base = &batch->base;
	uint32_t *places[USER_SGPRS] = {0};
	write_blocks(plan);
	plan_sgprs(plan);
	uint32_t *dw = emit_regs(base->cursor, &batch->state, plan->regs);
	dw = emit_sgprs(dw, plan, places);
	patch_sgprs(plan, places);
	dw = emit_load_grid(dw, plan);
	if (base->patch_grid)
		*base->patch_grid = (struct df_patch){.where = dw + 1, .size_dw = 3};
	dw = plan->grid_va ? emit_indirect(dw, plan) : emit_dispatch(dw, plan->grid, plan->kernel->initiator);
	base->cursor = dw;
	base->submit.launches++;
	base->empty = false;
	bool patched = plan->ud_force || base->patch_count;
	base->same = plan->kernel->simple && !patched && plan->kernel->base.args_size_B ? &plan->kernel->base
											: &df_no_kernel;
	base->patch_count = 0;
	base->patch_grid = NULL;
}

static int launch_planned(struct df_batch *base, struct df_kernel *kernel, const uint32_t *grid, uint64_t grid_va,
			  const void *args, size_t args_size_B)
{
	struct amd_batch *batch = amd_batch_of(base);
	int ret = check_launch(batch, kernel, grid, grid_va != 0, args, args_size_B);
	if (ret)
		return ret;
	struct plan plan;
	memset(&plan, 0, offsetof(struct plan, block));
	memset(plan.ring, 0, sizeof(plan.ring));
	plan.batch = batch;
	plan.kernel = amd_kernel_of(kernel);
	plan.grid = grid ? grid : no_grid;
	plan.grid_va = grid_va;
	ret = grid ? check_grid(plan.kernel, grid) : check_indirect(plan.kernel);
	if (ret)
		return ret;
	bool patched = batch->base.patch_count || batch->base.patch_grid;
	if (grid && !patched && (!grid[0] || !grid[1] || !grid[2]))
		return 0; /* no workgroups: nothing to do, and nothing is recorded */
	ret = make_plan(&plan, args, args_size_B);
	if (ret)
		return ret;
	write_launch(&plan);
	return 0;
}

int amd_launch_indirect(struct df_batch *batch, struct df_kernel *kernel, uint64_t grid_va, const void *args,
			size_t args_size_B)
{
	return launch_planned(batch, kernel, NULL, grid_va, args, args_size_B);
}

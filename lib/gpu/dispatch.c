/* SPDX-License-Identifier: MIT */
/*
 * dispatch.c - from COMPUTE_* registers to a dispatch.
 *
 * Grids: the packet's dimensions are ends, COMPUTE_START_* the first group (FORCE_START_AT_000: zero); with
 * USE_THREAD_DIMENSIONS they count threads. With PARTIAL_TG_EN the last group of a row has NUM_THREAD_PARTIAL threads
 * (Mesa 22.3.6, radv_cmd_buffer.c, radv_emit_dispatch_packets). Sizes of VGPR, LDS and scratch fields: Mesa,
 * ac_binary.c and radv_pipeline.c; LLVM, AMDGPUUsage.
 */
#include "ring.h"
#include "shared_vgpr.h"
#include "strict_core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_THREADS = 1024,
	VGPR_GRANULE32 = 8,
	VGPR_GRANULE64 = 4,  /* COMPUTE_PGM_RSRC1.VGPRS counts these, less one */
	LDS_GRANULE_B = 512, /* COMPUTE_PGM_RSRC2.LDS_SIZE: 128 dwords */
	LDS_ALLOC_B = 1024,
	SCRATCH_GRANULE_B = 1024, /* COMPUTE_TMPRING_SIZE.WAVESIZE: 256 dwords */
	MAX_GROUPS_PER_WGP = 32,  /* of more than one wave: barriers */
	CODE_ALIGN_SHIFT = 8,
	MODE_FP16_OVFL_SHIFT = 23,
};
#define MAX_GROUPS (1ull << 48)

/* Compute units that the target has and COMPUTE_DESTINATION_EN_* lets a launch use. */
static unsigned enabled_cus(const struct gpu_ring *ring)
{
	static const uint32_t destination[] = {
		GPU_R_COMPUTE_DESTINATION_EN_SE0,
		GPU_R_COMPUTE_DESTINATION_EN_SE1,
		GPU_R_COMPUTE_DESTINATION_EN_SE2,
		GPU_R_COMPUTE_DESTINATION_EN_SE3,
	};
	const struct gpu_target *target = ring->gpu->config.target;
	unsigned cus = 0;

	for (unsigned se = 0; se < target->num_se && se < 4; se++) {
		const uint32_t enable = gpu_sh_reg(&ring->regs, destination[se]);

		cus += (unsigned)__builtin_popcount(GPU_FIELD(enable, DESTINATION_SA0) & target->cu_bitmap[se][0]);
		cus += (unsigned)__builtin_popcount(GPU_FIELD(enable, DESTINATION_SA1) & target->cu_bitmap[se][1]);
	}
	return cus;
}

static uint32_t round_up(uint32_t value, uint32_t unit)
{
	return (value + unit - 1) / unit * unit;
}

/* Groups that fit on the target at the same time; 0: one does not fit. */
static uint32_t resident_groups(const struct gpu_ring *ring, const struct gpu_dispatch *d, bool wgp_mode)
{
	const struct gpu_target *target = ring->gpu->config.target;
	const uint32_t cus_per_unit = wgp_mode ? 2 : 1, cus = enabled_cus(ring);
	const uint32_t units = cus / cus_per_unit ? cus / cus_per_unit : cus ? 1 : 0;
	const uint32_t vgprs =
		d->lanes == 64
			? 2 * round_up(d->vgpr_count - d->shared_vgprs, target->vgpr_granule32 / 2) + d->shared_vgprs
			: round_up(d->vgpr_count, target->vgpr_granule32);
	uint32_t waves = target->vgprs_per_simd / vgprs, groups;

	if (waves > target->waves_per_simd)
		waves = target->waves_per_simd;
	groups = waves * target->simds_per_cu * cus_per_unit / d->waves_per_group;
	if (d->waves_per_group > 1 && groups > MAX_GROUPS_PER_WGP / 2 * cus_per_unit)
		groups = MAX_GROUPS_PER_WGP / 2 * cus_per_unit;
	if (d->lds_size_B) {
		const uint32_t lds = target->lds_per_wgp_B / 2 * cus_per_unit / round_up(d->lds_size_B, LDS_ALLOC_B);

		if (groups > lds)
			groups = lds;
	}
	return groups * units;
}

static int dispatch_grid(struct gpu_ring *ring, struct gpu_dispatch *d, const uint32_t dim[3], uint32_t initiator)
{
	static const uint32_t start[] = {GPU_R_COMPUTE_START_X, GPU_R_COMPUTE_START_Y, GPU_R_COMPUTE_START_Z};
	static const uint32_t num[] = {GPU_R_COMPUTE_NUM_THREAD_X, GPU_R_COMPUTE_NUM_THREAD_Y,
				       GPU_R_COMPUTE_NUM_THREAD_Z};
	uint64_t threads = 1;

	d->total = 1;
	for (unsigned i = 0; i < 3; i++) {
		const uint32_t full = GPU_FIELD(gpu_sh_reg(&ring->regs, num[i]), NUM_THREAD_FULL);
		const uint32_t partial = GPU_FIELD(gpu_sh_reg(&ring->regs, num[i]), NUM_THREAD_PARTIAL);
		uint32_t end = dim[i];

		if (!full)
			return gpu_ring_refuse(ring, "dispatch with COMPUTE_NUM_THREAD_%c = 0", "XYZ"[i]);
		d->block[i] = d->last_block[i] = full;
		if (GPU_FIELD(initiator, INITIATOR_USE_THREAD_DIMENSIONS)) {
			end = dim[i] / full + (dim[i] % full != 0);
			if (dim[i] % full)
				d->last_block[i] = dim[i] % full;
		} else if (GPU_FIELD(initiator, INITIATOR_PARTIAL_TG_EN)) {
			if (!partial || partial > full)
				return gpu_ring_refuse(
					ring, "dispatch with PARTIAL_TG_EN and NUM_THREAD_PARTIAL %u of %u in %c",
					partial, full, "XYZ"[i]);
			d->last_block[i] = partial;
		}
		d->start[i] = 0;
		if (!GPU_FIELD(initiator, INITIATOR_FORCE_START_AT_000))
			d->start[i] = gpu_sh_reg(&ring->regs, start[i]);
		d->count[i] = end > d->start[i] ? end - d->start[i] : 0;
		threads *= full;
		if (threads > MAX_THREADS)
			return gpu_ring_refuse(ring, "dispatch of groups with more than %u threads", MAX_THREADS);
		if (d->count[i] && d->total > MAX_GROUPS / d->count[i])
			return gpu_ring_refuse(ring, "dispatch of more than 2^48 groups");
		d->total *= d->count[i];
	}
	d->waves_per_group = (uint32_t)((threads + d->lanes - 1) / d->lanes);
	return 0;
}

static int dispatch_scratch(struct gpu_ring *ring, struct gpu_dispatch *d)
{
	const uint32_t size = gpu_sh_reg(&ring->regs, GPU_R_COMPUTE_TMPRING_SIZE);

	d->scratch_wave_B = d->scratch_waves = 0;
	d->slots = &ring->slots;
	if (!d->scratch)
		return 0;
	d->scratch_wave_B = GPU_FIELD(size, TMPRING_WAVESIZE) * SCRATCH_GRANULE_B;
	d->scratch_waves = GPU_FIELD(size, TMPRING_WAVES);
	if (d->scratch_wave_B && d->scratch_waves < d->waves_per_group)
		return gpu_ring_refuse(ring,
				       "dispatch would never start: COMPUTE_TMPRING_SIZE has scratch for %u waves, a "
				       "group has %u",
				       d->scratch_waves, d->waves_per_group);
	return 0;
}

static int dispatch_program(struct gpu_ring *ring, struct gpu_dispatch *d)
{
	const struct gpu_regs *regs = &ring->regs;
	const uint32_t rsrc1 = gpu_sh_reg(regs, GPU_R_COMPUTE_PGM_RSRC1),
		       rsrc2 = gpu_sh_reg(regs, GPU_R_COMPUTE_PGM_RSRC2);
	const uint64_t pgm = gpu_u64(gpu_sh_reg(regs, GPU_R_COMPUTE_PGM_LO),
				     GPU_FIELD(gpu_sh_reg(regs, GPU_R_COMPUTE_PGM_HI), PGM_HI_DATA));

	/* 48 bits of address; the upper half of the space is canonical with the sign in all upper bits. */
	d->code = (uint64_t)((int64_t)(pgm << CODE_ALIGN_SHIFT << 16) >> 16);
	d->vgpr_count = (GPU_FIELD(rsrc1, RSRC1_VGPRS) + 1) * (d->lanes == 32 ? VGPR_GRANULE32 : VGPR_GRANULE64);
	d->shared_vgprs =
		GPU_FIELD(gpu_sh_reg(regs, GPU_R_COMPUTE_PGM_RSRC3), RSRC3_SHARED_VGPR_CNT) * GPU_SHARED_VGPR_GRANULE;
	if (d->shared_vgprs && d->lanes == 32)
		return gpu_ring_refuse(ring, "dispatch of wave32 with shared VGPRs (COMPUTE_PGM_RSRC3)");
	d->vgpr_count += d->shared_vgprs;
	if (d->vgpr_count > 256)
		return gpu_ring_refuse(ring, "dispatch of waves with %u VGPRs: there are 256", d->vgpr_count);
	d->mode = GPU_FIELD(rsrc1, RSRC1_FLOAT_MODE) | (GPU_FIELD(rsrc1, RSRC1_DX10_CLAMP) ? GPU_MODE_DX10_CLAMP : 0) |
		  (GPU_FIELD(rsrc1, RSRC1_IEEE_MODE) ? GPU_MODE_IEEE : 0) |
		  GPU_FIELD(rsrc1, RSRC1_FP16_OVFL) << MODE_FP16_OVFL_SHIFT;
	d->user_count = GPU_FIELD(rsrc2, RSRC2_USER_SGPR);
	if (d->user_count > GPU_MAX_USER_SGPRS)
		return gpu_ring_refuse(ring, "dispatch with %u user SGPRs: there are %u", d->user_count,
				       GPU_MAX_USER_SGPRS);
	for (unsigned i = 0; i < d->user_count; i++)
		d->user[i] = gpu_sh_reg(regs, GPU_R_COMPUTE_USER_DATA_0 + 4 * i);
	d->tgid[0] = GPU_FIELD(rsrc2, RSRC2_TGID_X_EN);
	d->tgid[1] = GPU_FIELD(rsrc2, RSRC2_TGID_Y_EN);
	d->tgid[2] = GPU_FIELD(rsrc2, RSRC2_TGID_Z_EN);
	d->tg_size = GPU_FIELD(rsrc2, RSRC2_TG_SIZE_EN);
	d->scratch = GPU_FIELD(rsrc2, RSRC2_SCRATCH_EN);
	if (GPU_FIELD(rsrc2, RSRC2_TIDIG_COMP_CNT) > 2)
		return gpu_ring_refuse(ring, "dispatch with TIDIG_COMP_CNT = 3: a thread id has three components");
	d->tid_components = GPU_FIELD(rsrc2, RSRC2_TIDIG_COMP_CNT) + 1;
	d->lds_size_B = GPU_FIELD(rsrc2, RSRC2_LDS_SIZE) * LDS_GRANULE_B;
	if (d->lds_size_B > ring->gpu->config.target->lds_max_per_wg_B)
		return gpu_ring_refuse(ring, "dispatch with %u bytes of LDS a group: there are %u", d->lds_size_B,
				       ring->gpu->config.target->lds_max_per_wg_B);
	return 0;
}

static int initiator_check(struct gpu_ring *ring, uint32_t initiator)
{
	static const struct {
		uint32_t mask;
		const char *name;
	} refused[] = {
		{GPU_FIELD_MASK(INITIATOR_ORDERED_APPEND_ENBL), "ORDERED_APPEND_ENBL"},
		{GPU_FIELD_MASK(INITIATOR_ORDERED_APPEND_MODE), "ORDERED_APPEND_MODE"},
		{GPU_FIELD_MASK(INITIATOR_RESTORE), "RESTORE"},
	};

	if (!GPU_FIELD(initiator, INITIATOR_COMPUTE_SHADER_EN))
		return gpu_ring_refuse(ring, "dispatch without COMPUTE_SHADER_EN");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (initiator & refused[i].mask)
			return gpu_ring_refuse(ring, "dispatch with %s is refused: not modelled", refused[i].name);
	return 0;
}

static void reserved_check(struct gpu_ring *ring, uint32_t initiator)
{
	const struct gpu_regs *regs = &ring->regs;
	const struct {
		const char *name;
		uint32_t bits;
	} reserved[] = {
		{"the dispatch initiator",
		 initiator & (GPU_FIELD_MASK(INITIATOR_UNUSED_7) | GPU_FIELD_MASK(INITIATOR_UNUSED_16) |
			      GPU_FIELD_MASK(INITIATOR_RESERVED))},
		{"COMPUTE_PGM_RSRC1", gpu_sh_reg(regs, GPU_R_COMPUTE_PGM_RSRC1) &
					      (GPU_FIELD_MASK(RSRC1_UNUSED_22) | GPU_FIELD_MASK(RSRC1_UNUSED_25) |
					       GPU_FIELD_MASK(RSRC1_UNUSED_27))},
		{"COMPUTE_PGM_RSRC2", gpu_sh_reg(regs, GPU_R_COMPUTE_PGM_RSRC2) & GPU_FIELD_MASK(RSRC2_UNUSED_31)},
		{"COMPUTE_PGM_HI", gpu_sh_reg(regs, GPU_R_COMPUTE_PGM_HI) & GPU_FIELD_MASK(PGM_HI_UNUSED_8)},
		{"COMPUTE_TMPRING_SIZE",
		 gpu_sh_reg(regs, GPU_R_COMPUTE_TMPRING_SIZE) & GPU_FIELD_MASK(TMPRING_UNUSED_25)},
	};

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (reserved[i].bits)
			gpu_strict_packet(ring, GPU_FINDING_RESERVED, ring->packet_va,
					  "reserved bits 0x%08x of %s are set", reserved[i].bits, reserved[i].name);
}

static int dispatch_describe(struct gpu_ring *ring, struct gpu_dispatch *d, const uint32_t dim[3], uint32_t initiator)
{
	const bool wgp = GPU_FIELD(gpu_sh_reg(&ring->regs, GPU_R_COMPUTE_PGM_RSRC1), RSRC1_WGP_MODE);
	uint32_t groups;
	int ret;

	d->gpu = ring->gpu;
	d->vm = ring->job->vm;
	d->ring = ring->index;
	d->launch = ring->job->launches;
	d->code_epoch = ring->code_epoch;
	d->lanes = GPU_FIELD(initiator, INITIATOR_CS_W32_EN) ? 32 : 64;
	d->lane_shift = d->lanes == 32 ? 5 : 6;
	ret = dispatch_grid(ring, d, dim, initiator);
	if (!ret)
		ret = dispatch_program(ring, d);
	if (!ret)
		ret = dispatch_scratch(ring, d);
	if (ret)
		return ret;
	groups = resident_groups(ring, d, wgp);
	if (!groups)
		return gpu_ring_refuse(
			ring,
			"dispatch would never start: a group of %u waves with %u VGPRs and %u bytes of LDS "
			"fits no enabled compute unit",
			d->waves_per_group, d->vgpr_count, d->lds_size_B);
	d->share = GPU_SHARE_ALL / groups;
	return 0;
}

int gpu_ring_dispatch(struct gpu_ring *ring, const uint32_t dim[3], uint32_t initiator)
{
	struct gpu_dispatch *d = ring->spare;
	struct gpu_plan plan = {GPU_PLAN_RUN, 0, false};
	uint64_t began_ns = 0;
	int ret = initiator_check(ring, initiator);

	if (ret)
		return ret;
	ring->spare = NULL;
	if (!d)
		d = malloc(sizeof(*d));
	if (!d)
		return gpu_ring_refuse(ring, "out of host memory for a dispatch");
	memset(d, 0, sizeof(*d));
	atomic_init(&d->page_fault_key, GPU_NO_WAVE);
	atomic_init(&d->stuck_key, GPU_NO_WAVE);
	ret = dispatch_describe(ring, d, dim, initiator);
	d->limit = d->total;
	if (!ret && d->total && __builtin_expect(atomic_load_explicit(&ring->gpu->plan_on, memory_order_relaxed), 0))
		ret = gpu_ring_plan(ring, d, &plan);
	if (ret) {
		ring->spare = d;
		return ret;
	}
	d->strict = atomic_load_explicit(&ring->gpu->strict_on, memory_order_relaxed);
	if (d->strict)
		reserved_check(ring, initiator);
	gpu_strict_launch(ring, d);
	ring->job->launches++;
	gpu_count(&ring->gpu->count.launches, 1);
	if (!d->total) {
		ring->spare = d;
		return 0;
	}
	if (plan.kind == GPU_PLAN_SLOW)
		began_ns = gpu_plan_now_ns();
	ret = gpu_ring_launch(ring, d);
	return ret || plan.kind != GPU_PLAN_SLOW ? ret : gpu_ring_plan_slow(ring, plan.factor, began_ns);
}

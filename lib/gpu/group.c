/* SPDX-License-Identifier: MIT */
/*
 * group.c - one workgroup: its registers at the start (gfx10.3's order of SGPRs and VGPRs), the run of its waves, its
 * end.
 *
 * Initial SGPRs: user data, then each that COMPUTE_PGM_RSRC2 asks for: workgroup id x, y, z, workgroup info, scratch
 * wave offset (LLVM's AMDGPUUsage, "Initial Kernel Execution State"; Mesa 22.3.6, ac_shader_args and aco's use of
 * them). Registers that the hardware does not set keep what an earlier wave left there, as they do in hardware.
 */
#include "fidelity.h"
#include "sched.h"
#include "shared_vgpr.h"
#include "strict_core.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	QUANTUM = 2000,            /* instructions a wave runs before the next one's turn */
	LOOP_INSTRUCTIONS = 16384, /* that a killed wave is followed for */
	VGPR_ALIGN = 64,
	S_VCC_LO = 106,
	S_VCC_HI = 107,
	S_TTMP = 108,
	S_M0 = 124,
	S_NULL = 125,
	S_EXEC_LO = 126,
	S_EXEC_HI = 127,
	MODE_FP16_OVFL_SHIFT = 23,
	INFO_WAVE_SHIFT = 6, /* workgroup info: waves in the group 5:0, wave's number 11:6, first wave 31 */
	INFO_FIRST_SHIFT = 31,
};

/* Apertures as the amdgpu kernel driver sets SH_MEM_BASES for graphics VMIDs (gmc_v10_0.c). */
#define PRIVATE_APERTURE 0x1000000000000000ull
#define SHARED_APERTURE  0x2000000000000000ull

enum gpu_step gpu_wave_fault(struct gpu_wave *w, enum gpu_status status, uint64_t address, const char *format, ...)
{
	va_list args;

	w->fault.status = status;
	w->fault.address = address;
	w->fault.pc = w->pc;
	w->fault.launch = w->launch;
	w->fault.wave = w->index;
	if (w->group)
		memcpy(w->fault.group, w->group->id, sizeof(w->fault.group));
	va_start(args, format);
	vsnprintf(w->fault.what, sizeof(w->fault.what), format, args);
	va_end(args);
	return GPU_STEP_FAULT;
}

static int grow(void **block, size_t *capacity, size_t size_B)
{
	void *bigger;

	if (size_B <= *capacity)
		return 0;
	size_B = (size_B + VGPR_ALIGN - 1) / VGPR_ALIGN * VGPR_ALIGN;
	bigger = aligned_alloc(VGPR_ALIGN, size_B);
	if (!bigger)
		return -ENOMEM;
	memset(bigger, 0, size_B);
	free(*block);
	*block = bigger;
	*capacity = size_B;
	return 0;
}

static int ctx_reserve(struct gpu_group_ctx *ctx, const struct gpu_dispatch *d)
{
	const unsigned waves = d->waves_per_group;
	size_t size;
	void *block;
	int ret;

	if (waves > ctx->wave_capacity) {
		size = 0;
		block = NULL;
		ret = grow(&block, &size, waves * sizeof(struct gpu_wave));
		if (ret)
			return ret;
		free(ctx->waves);
		ctx->waves = block;
		block = realloc(ctx->slots, waves * sizeof(*ctx->slots));
		if (!block) {
			ctx->wave_capacity = 0;
			return -ENOMEM;
		}
		ctx->slots = block;
		ctx->wave_capacity = waves;
	}
	block = ctx->vgpr;
	ret = grow(&block, &ctx->vgpr_capacity, (size_t)waves * d->vgpr_count * d->lanes * sizeof(uint32_t));
	ctx->vgpr = block;
	if (ret)
		return ret;
	block = ctx->lds;
	ret = grow(&block, &ctx->lds_capacity, d->lds_size_B);
	ctx->lds = block;
	return ret;
}

/* A slot of the scratch ring for each wave, or none. */
static int slots_take(struct gpu_group_ctx *ctx, const struct gpu_dispatch *d)
{
	unsigned got = 0;

	if (!d->scratch_wave_B)
		return 0;
	pthread_mutex_lock(&d->slots->lock);
	for (unsigned i = 0; i < d->scratch_waves && got < d->waves_per_group; i++)
		if (!(d->slots->used[i / 64] >> (i % 64) & 1))
			ctx->slots[got++] = (uint16_t)i;
	if (got == d->waves_per_group)
		for (unsigned i = 0; i < got; i++)
			d->slots->used[ctx->slots[i] / 64] |= 1ull << (ctx->slots[i] % 64);
	pthread_mutex_unlock(&d->slots->lock);
	if (got < d->waves_per_group)
		return -EAGAIN;
	ctx->has_slots = true;
	return 0;
}

static void slots_give(struct gpu_group_ctx *ctx)
{
	const struct gpu_dispatch *d = ctx->d;

	if (!ctx->has_slots)
		return;
	ctx->has_slots = false;
	pthread_mutex_lock(&d->slots->lock);
	for (unsigned i = 0; i < d->waves_per_group; i++)
		d->slots->used[ctx->slots[i] / 64] &= ~(1ull << (ctx->slots[i] % 64));
	pthread_mutex_unlock(&d->slots->lock);
}

static void wave_sgprs(struct gpu_wave *w, const struct gpu_group_ctx *ctx)
{
	const struct gpu_dispatch *d = ctx->d;
	unsigned n = d->user_count;

	memcpy(w->s, d->user, n * sizeof(w->s[0]));
	for (unsigned i = 0; i < 3; i++)
		if (d->tgid[i])
			w->s[n++] = ctx->group.id[i];
	if (d->tg_size)
		w->s[n++] = ctx->group.wave_count | w->index << INFO_WAVE_SHIFT |
			    (uint32_t)(w->index == 0) << INFO_FIRST_SHIFT;
	if (d->scratch)
		w->s[n++] = ctx->has_slots ? ctx->slots[w->index] * d->scratch_wave_B : 0;
	w->s[S_VCC_LO] = w->s[S_VCC_HI] = 0;
	memset(&w->s[S_TTMP], 0, (S_M0 - S_TTMP) * sizeof(w->s[0]));
	w->s[S_M0] = w->s[S_NULL] = 0;
}

static void wave_thread_ids(struct gpu_wave *w, const struct gpu_dispatch *d, const uint32_t size[3], uint32_t first)
{
	uint32_t x = first % size[0], y = first / size[0] % size[1], z = first / size[0] / size[1];

	for (uint32_t lane = 0; lane < d->lanes; lane++) {
		w->vgpr[lane] = x;
		if (d->tid_components > 1)
			w->vgpr[d->lanes + lane] = y;
		if (d->tid_components > 2)
			w->vgpr[2 * d->lanes + lane] = z;
		if (++x == size[0]) {
			x = 0;
			if (++y == size[1]) {
				y = 0;
				z++;
			}
		}
	}
}

/* Thread ids and EXEC: threads are numbered x first through the group's real size, a wave takes the next lanes of them.
 */
static void wave_threads(struct gpu_wave *w, const struct gpu_group_ctx *ctx, const uint32_t size[3])
{
	const struct gpu_dispatch *d = ctx->d;
	const uint32_t threads = size[0] * size[1] * size[2], first = w->index * d->lanes;
	const uint32_t here = first >= threads ? 0 : threads - first < d->lanes ? threads - first : d->lanes;
	const uint64_t exec = here == 64 ? ~0ull : (1ull << here) - 1;

	w->s[S_EXEC_LO] = (uint32_t)exec;
	w->s[S_EXEC_HI] = (uint32_t)(exec >> 32);
	if (d->tid_components == 1 && size[0] == threads) {
		for (uint32_t lane = 0; lane < d->lanes; lane++)
			w->vgpr[lane] = first + lane;
		return;
	}
	wave_thread_ids(w, d, size, first);
}

static void wave_init(struct gpu_worker *worker, struct gpu_group_ctx *ctx, unsigned index, const uint32_t size[3])
{
	struct gpu_dispatch *d = ctx->d;
	struct gpu_wave *w = &ctx->waves[index];

	w->pc = d->code;
	w->lanes = d->lanes;
	w->lane_shift = d->lane_shift;
	w->vgpr = ctx->vgpr + (size_t)index * d->vgpr_count * d->lanes;
	w->vgpr_count = d->vgpr_count;
	w->shared_first = d->vgpr_count - d->shared_vgprs;
	w->scc = 0;
	w->mode = d->mode;
	w->trapsts = w->status = 0;
	w->hw_id1 = index;
	w->hw_id2 = 0;
	w->flat_scratch = 0;
	w->private_aperture = PRIVATE_APERTURE;
	w->shared_aperture = SHARED_APERTURE;
	w->group = &ctx->group;
	w->tlb = &worker->reader[d->ring].tlb;
	w->gpu = d->gpu;
	w->launch = d->launch;
	w->index = index;
	w->instructions = 0;
	w->state = GPU_WAVE_READY;
	w->strict = NULL;
	w->fault.status = GPU_DONE;
	w->fault.pc = 0;
	wave_sgprs(w, ctx);
	wave_threads(w, ctx, size);
}

int gpu_group_reserve(struct gpu_group_ctx *ctx, struct gpu_dispatch *d)
{
	int ret = ctx_reserve(ctx, d);

	if (ret)
		return ret;
	ctx->has_slots = false;
	ctx->d = d;
	ret = slots_take(ctx, d);
	if (!ret && __builtin_expect(d->strict, 0)) {
		ret = gpu_strict_group_reserve(ctx);
		if (ret)
			slots_give(ctx);
	}
	return ret;
}

void gpu_group_unreserve(struct gpu_group_ctx *ctx)
{
	slots_give(ctx);
}

void gpu_group_start(struct gpu_worker *worker, struct gpu_group_ctx *ctx, uint64_t index)
{
	struct gpu_dispatch *d = ctx->d;
	uint32_t size[3];

	ctx->slices = 0;
	ctx->planned = d->plan != GPU_PLAN_RUN && index == d->total / 2;
	ctx->group.lds = ctx->lds;
	ctx->group.lds_size_B = d->lds_size_B;
	ctx->group.at_barrier = ctx->group.ended = ctx->group.barrier_epoch = 0;
	ctx->group.lds_shadow = NULL;
	for (unsigned i = 0; i < 3; i++) {
		const uint64_t here = d->count[i] == 1 ? 0 : index % d->count[i];

		if (d->count[i] > 1)
			index /= d->count[i];
		ctx->group.id[i] = d->start[i] + (uint32_t)here;
		size[i] = here == d->count[i] - 1 ? d->last_block[i] : d->block[i];
	}
	ctx->group.wave_count = (size[0] * size[1] * size[2] + d->lanes - 1) / d->lanes;
	for (unsigned i = 0; i < ctx->group.wave_count; i++)
		wave_init(worker, ctx, i, size);
	if (__builtin_expect(d->strict, 0))
		gpu_strict_group_start(ctx);
}

/* The wave that ended or came to the barrier may have been the last one. */
static void barrier_check(struct gpu_group_ctx *ctx)
{
	struct gpu_group *group = &ctx->group;

	if (!group->at_barrier || group->at_barrier + group->ended < group->wave_count)
		return;
	for (unsigned i = 0; i < group->wave_count; i++)
		if (ctx->waves[i].state == GPU_WAVE_AT_BARRIER)
			ctx->waves[i].state = GPU_WAVE_READY;
	group->at_barrier = 0;
	group->barrier_epoch++;
}

static enum gpu_step wave_run(struct gpu_worker *worker, struct gpu_wave *w, uint64_t epoch)
{
	const struct gpu_code_page *page = gpu_code_page(worker->code, w, epoch);
	const struct gpu_inst *in;
	enum gpu_step step;
	unsigned left = QUANTUM;
	uint64_t base;

	if (!page)
		return GPU_STEP_FAULT;
	base = page->va;
	do {
		uint64_t offset = w->pc - base;

		if (__builtin_expect(offset >= GPU_PAGE_SIZE, 0)) {
			page = gpu_code_page(worker->code, w, epoch);
			if (!page)
				return GPU_STEP_FAULT;
			base = page->va;
			offset = w->pc - base;
		}
		in = &page->inst[offset >> 2];
		w->pc += in->size_dw * 4u;
		step = in->exec(w, in);
	} while (step == GPU_STEP_NEXT && --left);
	w->instructions += QUANTUM - left + (step != GPU_STEP_NEXT);
	if (__builtin_expect(step == GPU_STEP_FAULT, 0))
		w->fault.pc = page->va + ((uint64_t)(in - page->inst) << 2);
	return step;
}

/* The same for a wave with shared VGPRs, in strict mode or counted, which looks at each instruction. */
static enum gpu_step wave_run_slow(struct gpu_worker *worker, struct gpu_wave *w, uint64_t epoch)
{
	enum gpu_step step = GPU_STEP_NEXT;
	unsigned left = QUANTUM;

	while (step == GPU_STEP_NEXT && left--) {
		struct gpu_code_page *page = gpu_code_page(worker->code, w, epoch);
		const struct gpu_inst *in;
		const uint64_t pc = w->pc;
		uint32_t before[GPU_SHARED_VGPR_MAX * 64];
		bool shared;

		if (!page)
			return GPU_STEP_FAULT;
		in = gpu_code_inst(w, page);
		if (w->gpu->used && in->op)
			gpu_used_op(w->gpu->used, in->op);
		shared = gpu_shared_vgpr_reached(w, in);
		if (w->strict)
			gpu_strict_before(w, in, pc);
		if (shared)
			gpu_shared_vgpr_before(w, before);
		w->pc += in->size_dw * 4u;
		step = in->exec(w, in);
		if (shared)
			gpu_shared_vgpr_after(w, in, before);
		if (w->strict)
			gpu_strict_after(w, in, pc);
		w->instructions++;
		if (step == GPU_STEP_FAULT)
			w->fault.pc = pc;
	}
	return step;
}

static void wave_fault(struct gpu_group_ctx *ctx, struct gpu_wave *w)
{
	w->fault.launch = w->launch;
	w->fault.wave = w->index;
	memcpy(w->fault.group, ctx->group.id, sizeof(w->fault.group));
	if (w->fault.status == GPU_DONE)
		w->fault.status = GPU_FAULT_OPCODE;
	if (w->gpu->used && w->fault.status == GPU_FAULT_OPCODE)
		gpu_used_refusal(w->gpu->used, w->fault.what);
	gpu_sched_fault(ctx->d->gpu->sched, ctx->d, &w->fault);
}

static bool wave_turn(struct gpu_worker *worker, struct gpu_group_ctx *ctx, struct gpu_wave *w)
{
	struct gpu_thread *reader = w->tlb->thread;
	enum gpu_step step;

	reader->wave = w;
	const bool slow = w->strict || w->shared_first < w->vgpr_count || w->gpu->used;

	step = __builtin_expect(slow, 0) ? wave_run_slow(worker, w, ctx->d->code_epoch)
					 : wave_run(worker, w, ctx->d->code_epoch);
	reader->wave = NULL;
	switch (step) {
	case GPU_STEP_NEXT:
		return true;
	case GPU_STEP_YIELD:
		return false;
	case GPU_STEP_BARRIER:
		w->state = GPU_WAVE_AT_BARRIER;
		ctx->group.at_barrier++;
		barrier_check(ctx);
		return true;
	case GPU_STEP_END:
		w->state = GPU_WAVE_ENDED;
		ctx->group.ended++;
		barrier_check(ctx);
		return true;
	case GPU_STEP_FAULT:
		break;
	}
	wave_fault(ctx, w);
	return true;
}

static uint64_t wave_key(const struct gpu_group_ctx *ctx, const struct gpu_wave *w)
{
	const struct gpu_dispatch *d = ctx->d;
	uint64_t group = 0;

	for (unsigned i = 3; i--;)
		group = group * d->count[i] + (ctx->group.id[i] - d->start[i]);
	return group * d->waves_per_group + w->index;
}

void gpu_group_note_fault(const struct gpu_wave *w, const struct gpu_fault *fault)
{
	struct gpu_group_ctx *ctx = (struct gpu_group_ctx *)(void *)w->group; /* its first member */
	struct gpu_dispatch *d = ctx->d;

	gpu_sched_note(d->gpu->sched, &d->page_fault_key, &d->page_fault, wave_key(ctx, w), fault);
}

/*
 * A killed wave may have been anywhere in its loop. It runs on for a while, as it would have had the kill come a little
 * later, and the lowest pc it comes by is where the loop begins: the same in every run.
 */
static uint64_t loop_start(struct gpu_worker *worker, struct gpu_group_ctx *ctx, struct gpu_wave *w)
{
	uint64_t lowest = w->pc;

	for (unsigned i = 0; i < LOOP_INSTRUCTIONS; i++) {
		struct gpu_code_page *page = gpu_code_page(worker->code, w, ctx->d->code_epoch);
		const struct gpu_inst *in;
		enum gpu_step step;

		if (!page)
			break;
		lowest = w->pc < lowest ? w->pc : lowest;
		in = gpu_code_inst(w, page);
		w->pc += in->size_dw * 4u;
		step = in->exec(w, in);
		w->instructions++;
		if (step != GPU_STEP_NEXT && step != GPU_STEP_YIELD)
			break;
	}
	return lowest;
}

/* The group was killed from outside: where does its first wave stand that could still run? Those at a barrier wait for
 * such a one. */
static void note_stuck(struct gpu_worker *worker, struct gpu_group_ctx *ctx)
{
	struct gpu_thread *reader = &worker->reader[ctx->d->ring];
	struct gpu_dispatch *d = ctx->d;
	struct gpu_fault at = {.status = GPU_KILLED, .launch = d->launch, .what = "the wave does not come to an end"};
	struct gpu_wave *w = ctx->waves;

	while (w->state != GPU_WAVE_READY)
		if (++w == ctx->waves + ctx->group.wave_count)
			return;
	if (wave_key(ctx, w) >= atomic_load_explicit(&d->stuck_key, memory_order_relaxed))
		return;
	at.wave = w->index;
	memcpy(at.group, ctx->group.id, sizeof(at.group));
	gpu_thread_refresh(reader);
	w->tlb = &reader->tlb;
	reader->wave = w;
	at.pc = loop_start(worker, ctx, w);
	reader->wave = NULL;
	gpu_sched_note(d->gpu->sched, &d->stuck_key, &d->stuck, wave_key(ctx, w), &at);
}

static unsigned planned_wave(const struct gpu_group_ctx *ctx)
{
	return ctx->group.wave_count / 2;
}

uint64_t gpu_group_planned_key(const struct gpu_group_ctx *ctx)
{
	return wave_key(ctx, &ctx->waves[planned_wave(ctx)]);
}

void gpu_group_stands(const struct gpu_group_ctx *ctx, struct gpu_fault *fault_out)
{
	enum { LAST_INSTRUCTION_B = 4 }; /* s_endpgm or s_barrier: SOPP */
	const struct gpu_wave *w = &ctx->waves[planned_wave(ctx)];
	const bool opcode = ctx->d->plan == GPU_PLAN_STOP_OPCODE;

	memset(fault_out, 0, sizeof(*fault_out));
	fault_out->status = opcode ? GPU_FAULT_OPCODE : GPU_KILLED;
	fault_out->pc = fault_out->address = w->pc - LAST_INSTRUCTION_B;
	fault_out->launch = w->launch;
	fault_out->wave = w->index;
	memcpy(fault_out->group, ctx->group.id, sizeof(fault_out->group));
	snprintf(fault_out->what, sizeof(fault_out->what), "%s",
		 opcode ? "an instruction that does not exist, as was asked for"
			: "the wave does not come to an end, as was asked for");
}

/* A group where something is planned: waves behind the planned one do not begin, and it does not come to an end. */
static enum gpu_group_state run_to_stand(struct gpu_worker *worker, struct gpu_group_ctx *ctx)
{
	struct gpu_thread *reader = &worker->reader[ctx->d->ring];
	bool ready = false, busy = false;

	for (unsigned i = 0; i <= planned_wave(ctx); i++) {
		struct gpu_wave *w = &ctx->waves[i];

		if (atomic_load_explicit(&ctx->d->killed, memory_order_relaxed))
			return GPU_GROUP_OVER;
		if (w->state != GPU_WAVE_READY)
			continue;
		gpu_thread_refresh(reader);
		w->tlb = &reader->tlb;
		busy |= wave_turn(worker, ctx, w);
		ready |= w->state == GPU_WAVE_READY;
	}
	ctx->slices++;
	return !ready ? GPU_GROUP_STANDS : busy ? GPU_GROUP_RUNNING : GPU_GROUP_IDLE;
}

/* A turn of the wave whose first access goes astray. */
static bool astray_turn(struct gpu_worker *worker, struct gpu_group_ctx *ctx, struct gpu_wave *w)
{
	struct gpu_thread *reader = w->tlb->thread;
	bool busy;

	gpu_thread_lead_astray(reader);
	busy = wave_turn(worker, ctx, w);
	ctx->planned = reader->astray && w->state != GPU_WAVE_ENDED;
	reader->astray = false;
	return busy;
}

enum gpu_group_state gpu_group_run(struct gpu_worker *worker, struct gpu_group_ctx *ctx)
{
	struct gpu_thread *reader = &worker->reader[ctx->d->ring];
	bool busy = false;

	if (__builtin_expect(ctx->planned && ctx->d->plan != GPU_PLAN_PAGE_FAULT, 0))
		return run_to_stand(worker, ctx);

	for (unsigned i = 0; i < ctx->group.wave_count; i++) {
		struct gpu_wave *w = &ctx->waves[i];

		if (w->state != GPU_WAVE_READY)
			continue;
		if (__builtin_expect(atomic_load_explicit(&ctx->d->killed, memory_order_relaxed), 0)) {
			if (atomic_load_explicit(&ctx->d->look, memory_order_relaxed))
				note_stuck(worker, ctx);
			return GPU_GROUP_OVER;
		}
		gpu_thread_refresh(reader);
		w->tlb = &reader->tlb;
		if (__builtin_expect(ctx->planned && i == planned_wave(ctx), 0))
			busy |= astray_turn(worker, ctx, w);
		else
			busy |= wave_turn(worker, ctx, w);
	}
	ctx->slices++;
	if (ctx->group.ended == ctx->group.wave_count)
		return GPU_GROUP_OVER;
	return busy ? GPU_GROUP_RUNNING : GPU_GROUP_IDLE;
}

void gpu_group_end(struct gpu_worker *worker, struct gpu_group_ctx *ctx)
{
	for (unsigned i = 0; i < ctx->group.wave_count; i++)
		worker->instructions += ctx->waves[i].instructions;
	worker->waves += ctx->group.wave_count;
	worker->groups++;
	slots_give(ctx);
}

void gpu_group_free(struct gpu_group_ctx *ctx)
{
	if (!ctx)
		return;
	free(ctx->waves);
	free(ctx->vgpr);
	free(ctx->lds);
	free(ctx->slots);
	free(ctx->strict);
	free(ctx->lds_shadow);
	free(ctx);
}

/* SPDX-License-Identifier: MIT */
/* gpu.c - life of the GPU object, its clock, counts and callbacks. */
#include "fidelity.h"
#include "ring.h"
#include "strict_core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
	enum gpu_ring_type type;
	unsigned instances;
} ring_kinds[] = {
	{GPU_RING_GFX, GPU_RINGS_GFX},
	{GPU_RING_COMPUTE, GPU_RINGS_COMPUTE},
	{GPU_RING_SDMA, GPU_RINGS_SDMA},
};

static int rings_create(struct gpu *gpu)
{
	unsigned index = 0;

	for (size_t kind = 0; kind < sizeof(ring_kinds) / sizeof(ring_kinds[0]); kind++)
		for (unsigned i = 0; i < ring_kinds[kind].instances; i++, index++) {
			int ret = gpu_ring_create(gpu, ring_kinds[kind].type, i, index, &gpu->rings[index]);

			if (ret)
				return ret;
		}
	return 0;
}

int gpu_create(const struct gpu_config *config, struct gpu **gpu_out)
{
	struct gpu *gpu;
	int ret;

	if (!config || !config->target)
		return -EINVAL;
	gpu = calloc(1, sizeof(*gpu));
	if (!gpu)
		return -ENOMEM;
	gpu->config = *config;
	atomic_init(&gpu->strict_on, config->strict);
	atomic_init(&gpu->code_epoch, 1);
	pthread_mutex_init(&gpu->threads_lock, NULL);
	ret = gpu_used_create(gpu, &gpu->used);
	if (!ret)
		ret = gpu_strict_create(gpu, &gpu->strict);
	if (!ret)
		ret = gpu_sched_create(gpu, &gpu->sched);
	if (!ret)
		ret = rings_create(gpu);
	if (ret) {
		gpu_destroy(gpu);
		return ret;
	}
	*gpu_out = gpu;
	return 0;
}

void gpu_destroy(struct gpu *gpu)
{
	if (!gpu)
		return;
	for (unsigned i = 0; i < GPU_RING_COUNT; i++)
		gpu_ring_destroy(gpu->rings[i]);
	gpu_sched_destroy(gpu->sched);
	gpu_strict_destroy(gpu->strict);
	gpu_used_destroy(gpu->used);
	pthread_mutex_destroy(&gpu->threads_lock);
	free(gpu);
}

void gpu_get_stats(struct gpu *gpu, struct gpu_stats *stats_out)
{
	struct gpu_counters *count = &gpu->count;

	stats_out->jobs = atomic_load(&count->jobs);
	stats_out->packets = atomic_load(&count->packets);
	stats_out->launches = atomic_load(&count->launches);
	stats_out->groups = atomic_load(&count->groups);
	stats_out->waves = atomic_load(&count->waves);
	stats_out->instructions = atomic_load(&count->instructions);
	stats_out->refused = atomic_load(&count->refused);
	stats_out->page_faults = atomic_load(&count->page_faults);
	for (unsigned i = 0; i < GPU_FINDING_KINDS; i++)
		stats_out->findings[i] = atomic_load(&count->findings[i]);
}

void gpu_set_strict(struct gpu *gpu, bool strict)
{
	atomic_store(&gpu->strict_on, strict);
}

void gpu_plan_launches(struct gpu *gpu, bool on)
{
	atomic_store(&gpu->plan_on, on && gpu->config.plan);
}

uint64_t gpu_clock(struct gpu *gpu)
{
	struct timespec ts;

	(void)gpu;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * GPU_CLOCK_HZ + (uint64_t)ts.tv_nsec / (1000000000ull / GPU_CLOCK_HZ);
}

uint64_t gpu_next_epoch(struct gpu *gpu)
{
	return atomic_fetch_add(&gpu->code_epoch, 1) + 1;
}

void gpu_place_page_fault(const struct gpu_tlb *tlb, struct gpu_fault *fault)
{
	enum { MEMORY_INSTRUCTION_B = 8 }; /* SMEM, DS, FLAT and buffer encodings are all two dwords */
	const struct gpu_thread *thread = tlb->thread;

	if (thread && thread->wave) {
		const struct gpu_wave *w = thread->wave;

		fault->pc = w->pc - MEMORY_INSTRUCTION_B;
		fault->launch = w->launch;
		fault->wave = w->index;
		memcpy(fault->group, w->group->id, sizeof(fault->group));
		gpu_group_note_fault(w, fault);
	} else if (thread && thread->ring && thread->ring->job) {
		struct gpu_job *job = thread->ring->job;

		fault->launch = job->launches;
		if (job->page_fault.status == GPU_DONE)
			job->page_fault = *fault;
	}
}

void gpu_tell_page_fault(struct gpu *gpu, struct gpu_vm *vm, struct gpu_tlb *tlb, const struct gpu_fault *fault)
{
	const struct gpu_fault told = *fault;

	gpu_count(&gpu->count.page_faults, 1);
	if (!gpu->config.page_fault)
		return;
	gpu_tlb_pause(tlb);
	gpu->config.page_fault(gpu->config.user, vm, &told);
	gpu_tlb_resume(tlb);
}

void gpu_tell_finding(struct gpu *gpu, struct gpu_tlb *tlb, const struct gpu_finding *finding)
{
	gpu_count(&gpu->count.findings[finding->kind], 1);
	if (!gpu->config.finding)
		return;
	gpu_tlb_pause(tlb);
	gpu->config.finding(gpu->config.user, finding);
	gpu_tlb_resume(tlb);
}

void gpu_forget_vm(struct gpu *gpu, struct gpu_vm *vm)
{
	(void)vm;
	/* A later address space may live at the same place: what was decoded for this one is compared again. */
	gpu_next_epoch(gpu);
}

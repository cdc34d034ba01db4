/* SPDX-License-Identifier: MIT */
/*
 * strict_core.h - strict mode's hooks for the command processors and the scheduler.
 *
 * Every function is called only when strict mode is on for the job or dispatch at hand, or returns at once when it is
 * not.
 */
#ifndef DF_GPU_STRICT_CORE_H
#define DF_GPU_STRICT_CORE_H

#include "sched.h"
#include "strict.h"

struct gpu_ring;

int gpu_strict_create(struct gpu *gpu, struct gpu_strict **strict_out);
void gpu_strict_destroy(struct gpu_strict *strict);

/* strict_mem.c: caches and completion, told by the CP. */
enum gpu_strict_inv { GPU_INV_GLI = 1, GPU_INV_GLK = 2, GPU_INV_GLV = 4, GPU_INV_GL1 = 8, GPU_INV_GL2 = 16 };
void gpu_strict_job_begin(struct gpu_ring *ring);
void gpu_strict_job_end(struct gpu_ring *ring);
void gpu_strict_launch(struct gpu_ring *ring, struct gpu_dispatch *d);
/* Every launch so far has ended as far as later packets are concerned. */
void gpu_strict_shaders_waited(struct gpu_ring *ring);
void gpu_strict_invalidate(struct gpu_ring *ring, unsigned caches, uint64_t base, uint64_t size_B);
void gpu_strict_writeback(struct gpu_ring *ring);
void gpu_strict_cp_write(struct gpu_ring *ring, uint64_t va, uint64_t size_B);
/* The CP reads what a launch may have written. */
void gpu_strict_cp_read(struct gpu_ring *ring, uint64_t va, uint64_t size_B, const char *packet);
/* The CP writes a value that may tell a reader outside the GPU of completion; past_l2: wherever the page lies. */
void gpu_strict_publish(struct gpu_ring *ring, uint64_t va, bool past_l2, const char *packet);

/* strict_ring.c: findings of a packet. */
void gpu_strict_packet(struct gpu_ring *ring, enum gpu_finding_kind kind, uint64_t address, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* strict_wave.c: registers and counters. */
int gpu_strict_group_reserve(struct gpu_group_ctx *ctx);
void gpu_strict_group_start(struct gpu_group_ctx *ctx);
void gpu_strict_before(struct gpu_wave *w, const struct gpu_inst *in, uint64_t pc);
void gpu_strict_after(struct gpu_wave *w, const struct gpu_inst *in, uint64_t pc);
void gpu_strict_wave_finding(struct gpu_wave *w, enum gpu_finding_kind kind, unsigned lane, uint64_t address,
			     const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif

/* SPDX-License-Identifier: MIT */
/* ce.h - the constant engine of the GFX ring (ce.c). */
#ifndef DF_GPU_CE_H
#define DF_GPU_CE_H

struct gpu_ce;
struct gpu_ring;

int gpu_ce_create(struct gpu_ce **ce_out);
void gpu_ce_destroy(struct gpu_ce *ce);
/* Around the draw engine's IBs of the ring's job. 0 or -errno; the fault is the job's then. */
int gpu_ce_job_begin(struct gpu_ring *ring);
int gpu_ce_job_end(struct gpu_ring *ring);
/* What a reset leaves. */
void gpu_ce_restart(struct gpu_ce *ce);

#endif

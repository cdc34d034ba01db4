/* SPDX-License-Identifier: MIT */
/*
 * world.h - work whose result shows whether it happened exactly once: launches of saxpy over a STATE BO that is its own
 * input, y = a * x + y, each behind the one before. Over the software GPU.
 */
#ifndef TESTS_CORE_WORLD_H
#define TESTS_CORE_WORLD_H

#include "common.h"

#define WORLD_FLOATS 256u
#define WORLD_FACTOR (1.0f / 3)
#define SECOND       1000000000ull

struct world_args {
	uint64_t x, y, z;
	uint32_t n;
	float a;
};

struct world {
	struct df_device *device;
	struct df_code *code;
	struct df_kernel *kernel;
	struct df_bo *x, *gate_bo;
	_Atomic uint32_t *gate; /* 1: open */
};

/* domain: of x and of the states. */
extern const struct df_soft_ops *world_soft; /* that worlds are opened on; NULL: the software GPU itself */
void world_open(struct world *world, const char *name, const struct df_device_options *options);
void world_close(struct world *world);
struct df_bo *world_state(struct world *world, enum df_domain domain, bool far);
/* launches of it on state; before launch number hang (none: UINT32_MAX) the stream stops until the gate is open. */
struct df_batch *world_batch(struct world *world, struct df_bo *state, uint32_t launches, uint32_t hang,
			     const struct df_batch_options *options);
/* What a state holds after so many launches; checks every bit. */
void world_check(struct df_bo *state, uint32_t launches);
/* Until it is done, whatever came between; gives the fence back. */
struct df_wait_info world_wait(struct df_fence *fence);
/* The same in steps that may fail, and be taken again then. */
int world_try_open(struct world *world, const char *name);
int world_try_code(struct world *world);
int world_try_bos(struct world *world);
int world_try_fill(struct df_bo *state);
int world_try_holds(struct df_bo *state, uint32_t launches);
void world_try_close(struct world *world);
/* A kernel with the same arguments that begins with an instruction which does not exist: its waves never end. */
void world_poison(struct world *world, struct df_code **code_out, struct df_kernel **kernel_out);
/* A callback for before_recovery: opens the gate. */
void world_open_gate(void *user, const struct df_loss *loss);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * rig.h - the software GPU in strict mode (or the gfx1030 that DRUMFIRE_DEVICE names) with the kernels of kernels.h,
 * for tests that run streams.
 */
#ifndef DF_TESTS_AMD_RIG_H
#define DF_TESTS_AMD_RIG_H

#include <check.h>

#include "core/batch.h"
#include "core/stream.h"
#include "drumfire.h"

enum { RIG_GROUP = 64 }; /* work-items of a workgroup, and elements that it writes */

struct rig_args {
	uint64_t out;
	uint32_t a, b;
};

struct rig {
	struct df_device *device;
	struct df_context *context;
	struct df_code *code;
	/* affine, affine_mem (arguments in memory): out[i] = a i + b; step: x[i] = 3 x[i] + a; grid: see kernels.h */
	struct df_kernel *affine, *affine_mem, *step, *grid;
};

void rig_open(struct rig *rig);
void rig_close(struct rig *rig); /* also: the model had nothing to say of what ran */
struct df_bo *rig_bo(struct rig *rig, uint64_t bytes, void *map_out);
/* Of a sealed batch: runs it as it is, or another stream in its place. */
struct df_fence *rig_submit(struct rig *rig, struct df_batch *batch);
void rig_finish(struct df_fence *fence);
void rig_run(struct rig *rig, struct df_batch *batch);
void rig_run_ib(struct rig *rig, struct df_batch *batch, uint64_t ib_va, uint32_t ib_dw);

#define must(call)                                                                                                     \
	do {                                                                                                           \
		int must_ret_ = (call);                                                                                \
		ck_assert_msg(must_ret_ == 0, "%s: %d, %s", #call, must_ret_, df_error());                             \
	} while (0)

#endif

/* SPDX-License-Identifier: MIT */
/*
 * contents.h - what becomes of BOs' contents when a batch or a memory is lost (struct df_contents in internal.h).
 *
 * STATE. A batch that writes STATE ends, in the tail of its own job, with copies of each such BO into the image that is
 * not the verified one. Only when the batch is verified do the images change places; so at any moment the verified
 * image holds what the last verified batch left, whatever kernels do to the jobs behind it. A context therefore has at
 * most one such batch at the kernel that is not verified.
 * OUTPUT in device memory: one image, good from the first verified batch until the caller releases it.
 * INPUT: a copy of what df_bo_write() wrote.
 */
#ifndef DF_CORE_CONTENTS_H
#define DF_CORE_CONTENTS_H

#include "core/internal.h"

#define DF_MAX_COMMITS 64u /* BOs of one batch */

/* Does a batch that writes the BO commit it? */
bool df_contents_commits(const struct df_bo *bo);
/* Is there something on the host that the BO's contents can be put back from? */
bool df_contents_kept(const struct df_bo *bo);
/* Makes the images of a BO that commits. 0 or -errno with nothing changed. */
int df_contents_prepare(struct df_bo *bo);
void df_contents_finish(struct df_bo *bo);
/* Room for what df_bo_write() is going to keep; then what it wrote. */
int df_contents_reserve(struct df_bo *bo);
void df_contents_written(struct df_bo *bo, uint64_t offset_B, const void *data, size_t bytes);

/* A submission begins and ends to hold the batch's STATE. -EBUSY when another context's is not over. */
int df_contents_claim(struct df_context *context, const struct df_batch_submit *batch);
void df_contents_release(const struct df_batch_submit *batch);
/* What the host changed in STATE since the last batch becomes part of the verified image: before the first run. */
void df_contents_snapshot(const struct df_batch_submit *batch);
/* The copies of the batch's tail: into the images that are not the verified ones. ranges: DF_MAX_COMMITS. */
unsigned df_contents_ranges(const struct df_batch_submit *batch, struct df_copy_range *ranges);
/* The batch is verified. */
void df_contents_commit(const struct df_batch_submit *batch);

/* restore.c */
/* The batch's STATE shall be as the last verified batch left it: done by the next df_restore_device(). */
void df_restore_due(const struct df_batch_submit *batch);
/*
 * Puts back what is due, and if device memory was lost since the last time, everything of which something is kept.
 * Bytes are added. 0; -EBUSY: ask again a little later; or what the kernel refuses it with.
 */
int df_restore_device(struct df_device *device, uint64_t *bytes);
/* The same until it is done. */
int df_restore_device_wait(struct df_device *device, uint64_t *bytes);
/* Was device memory lost since? False also when the kernel does not tell. */
bool df_restore_needed(struct df_device *device);
/* Memory for putting back what only the GPU reaches. */
int df_restore_prepare_gpu(struct df_device *device);
/* The device was reopened: nothing is where it was. */
void df_restore_all(struct df_device *device);
int df_restore_init(struct df_device *device);
void df_restore_finish(struct df_device *device);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * capture.h - writing a lost batch to a file (uapi/drumfire_capture.h), so that it can be run again elsewhere.
 *
 * Called while the loss is being settled: with the context's lock held, the kernel's jobs over, and before anything is
 * run again. Takes the device's lock. Allocates, and is the only part of recovery that may fail without consequence.
 */
#ifndef DF_CORE_CAPTURE_H
#define DF_CORE_CAPTURE_H

#include "core/batch.h"
#include "core/context.h"

struct df_capture_case {
	struct df_context *context;
	struct df_batch *batch;
	const struct df_wait_info *info; /* verdict, and where the batch was as far as the library knows */
	uint32_t attempt;                /* from 1 */
	uint32_t kernel;                 /* the kernel's names of the lost job: context and handle */
	uint64_t handle;
	/* Contents that the batch began with of a BO that it may have written, size_B of them; NULL: as they are. May
	 * be NULL. */
	const void *(*begun_with)(const struct df_bo *bo);
};

/* The file is complete under its name, or -errno with a sentence and what was there before stays. */
int df_capture_write(const char *path, const struct df_capture_case *what);

#endif

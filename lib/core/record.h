/* SPDX-License-Identifier: MIT */
/*
 * record.h - what the core asks of an encoder while kernels are prepared and batches recorded. The core checks what is
 * the same for every GPU (objects, ranges, states), the encoder what its hardware can do, and writes the stream.
 *
 * Every function that can fail does so before it changes anything: df_batch_room() and df_batch_args_room() come first,
 * the dwords after.
 */
#ifndef DF_CORE_RECORD_H
#define DF_CORE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "drumfire.h"

struct df_filter;
struct df_stream;

/* The words of core/stream.h, as dwords: of a batch, and of a filtered stream. */
enum { DF_PROGRESS_FINISHED, DF_PROGRESS_RESTARTS, DF_PROGRESS_WORDS };
enum { DF_FILTER_FIRST, DF_FILTER_END };

struct df_record_ops {
	/* The encoder's own structs, which begin with struct df_batch and struct df_kernel. */
	size_t batch_size_B, kernel_size_B;
	/* The packet that continues the stream elsewhere: its length, and the dword of it that takes the length of
	 * where it goes. */
	unsigned chain_dw, chain_size_at;
	uint32_t chain_flags; /* beside the length in that dword */
	/* No single operation of launch kind is longer. */
	unsigned launch_max_dw, begin_max_dw;

	/* 0 if code of this target runs on the device. */
	int (*target_check)(struct df_device *device, const char *target);
	/* Fills what the encoder keeps of a kernel, after the core's own part; called again for another block. */
	int (*kernel_init)(struct df_kernel *kernel);
	uint32_t (*groups_resident)(const struct df_kernel *kernel);
	/* Bytes behind the code that the instruction prefetcher may touch, and what to put there (a dword). */
	uint32_t code_pad_B, code_pad_value;

	/* Memory that launches of the batch may need besides the stream, for every kernel loaded now. */
	int (*batch_reserve)(struct df_batch *batch);
	void (*batch_finish)(struct df_batch *batch);
	/* Writes the full state at the start of an empty stream; there is room for it. */
	void (*begin)(struct df_batch *batch);
	void (*end)(struct df_batch *batch); /* before the stream is sealed */
	void (*chain)(uint32_t *dw, uint64_t va);

	int (*launch)(struct df_batch *batch, struct df_kernel *kernel, const uint32_t grid[3], const void *args,
		      size_t args_size_B);
	int (*launch_indirect)(struct df_batch *batch, struct df_kernel *kernel, uint64_t grid_va, const void *args,
			       size_t args_size_B);
	/* Also the progress marker, when one is due. */
	int (*barrier)(struct df_batch *batch);
	/* A point where an IB may begin: adds it to batch->restarts, where there is room. */
	int (*restart)(struct df_batch *batch);
	int (*copy)(struct df_batch *batch, uint64_t to, uint64_t from, uint64_t bytes);
	int (*fill)(struct df_batch *batch, uint64_t to, uint32_t value, uint64_t bytes);
	int (*timestamp)(struct df_batch *batch, uint64_t to);
	int (*write)(struct df_batch *batch, uint64_t to, uint32_t value);
	int (*wait)(struct df_batch *batch, uint64_t va, enum df_compare compare, uint32_t value, uint32_t mask);

	/* Of a sealed batch, whose stream is read back. The launches finished at the first marker that says more than
	 * finished; those of the batch when there is none. */
	uint64_t (*next_marker)(const struct df_batch *batch, uint64_t finished);
	/* Fills bo, ib_va and ib_dw of the stream, whose progress words exist. */
	int (*filter)(struct df_batch *batch, const struct df_filter *filter, struct df_stream *stream);
};

extern const struct df_record_ops df_record_gfx10_3;

#endif

/* SPDX-License-Identifier: MIT */
/* launch.h - drumfire launch: the argument words, and the buffers behind them. */
#ifndef DF_CLI_LAUNCH_H
#define DF_CLI_LAUNCH_H

#include "cli/cli.h"
#include "cli/timeline.h"
#include "drumfire.h"

#define LAUNCH_MAX_FAULTS 64u

enum launch_kind { LAUNCH_VALUE, LAUNCH_IN, LAUNCH_OUT, LAUNCH_INOUT, LAUNCH_ZERO, LAUNCH_LOCAL };

struct launch_arg {
	const char *word; /* as typed */
	enum launch_kind kind;
	uint8_t value[8];
	size_t value_size;
	char *in_path, *out_path; /* owned */
	uint64_t bytes;           /* of the buffer or the local array */
	struct df_bo *bo;
};

/* What the command has moved and made, for the statistics. */
struct launch_totals {
	uint64_t input_B, output_B, allocated_B;
	uint32_t output_buffers, buffers;
};

struct launch {
	const char *device_name, *code_path, *kernel_name;
	uint32_t grid[3], block[3];
	bool has_grid, has_block, has_marker, unordered, strict, json, independent, check_faults;
	uint64_t repeat, timeout_ns, marker, retries;
	const char *faults[LAUNCH_MAX_FAULTS];
	unsigned fault_count;
	const char *capture, *timeline_path, *trace_path, *fidelity;
	struct launch_arg *args;
	unsigned arg_count;
	char text[640]; /* why it failed */

	struct df_device *device;
	struct df_code *code;
	struct df_kernel *kernel;
	struct df_batch *batch;
	struct df_context *context;
	uint8_t *block_data;
	struct df_kernel_info info;
	struct df_batch_info batch_info;
	struct df_wait_info wait;
	struct launch_totals totals;
	uint64_t submit_ioctls;
	unsigned reopened;
	struct timeline timeline;
	struct timeline_user user;
};

/* Keeps the library's sentence; its value is err. */
int launch_fail(struct launch *launch, int err);
int launch_record(struct launch *launch);
/* Submits and waits, over every loss that can be recovered. */
int launch_run(struct launch *launch);
/* Statistics, findings. */
void launch_report(struct launch *launch);
/* The timeline and the trace, where they were asked for; a failure is told. */
int launch_draw(struct launch *launch);

/* Parses a word; on failure prints one line and returns CLI_USAGE. */
int launch_arg_parse(const char *word, struct launch_arg *arg);
void launch_arg_finish(struct launch_arg *arg);
/* Checks each word against the kernel's argument and fills the argument block. Makes and fills the buffers.
 * -errno with a sentence in text. */
int launch_args_bind(struct df_device *device, struct df_kernel *kernel, struct launch_arg *args, unsigned count,
		     uint8_t *block, char *text, size_t text_size, struct launch_totals *totals);
/* Sum of the local arrays as the kernel lays them out. */
int launch_args_local(struct df_kernel *kernel, const struct launch_arg *args, unsigned count, uint32_t *bytes_out);
/* Declares buffers that the batch must know of. */
int launch_args_use(struct df_batch *batch, const struct launch_arg *args, unsigned count);
/* Writes the output files. */
int launch_args_write(struct launch_arg *args, unsigned count, char *text, size_t text_size,
		      struct launch_totals *totals);

#endif

/* SPDX-License-Identifier: MIT */
/* demo.h - drumfire demo: its chapters, and the lines they print. */
#ifndef DF_CLI_DEMO_H
#define DF_CLI_DEMO_H

#include "cli/cli.h"
#include "cli/timeline.h"
#include "drumfire.h"

struct demo {
	struct df_device *device;
	struct df_context *context;
	const char *shaders, *timeline_path, *trace_path;
	unsigned sets;   /* of the megakernel's chapter */
	unsigned failed; /* results that differ from the CPU's */
};

struct demo_line {
	const char *name;
	uint64_t launches, submits, ib_dwords;
	uint64_t record_ns, run_ns;
	uint64_t checked, wrong;
};

/* All return 0, or -errno with the sentence in df_error(). */
int demo_mega(struct demo *demo);
int demo_kernels(struct demo *demo);
int demo_loss(struct demo *demo, const char *device);

/* The only kernel of shaders/<name>.dfi. The code is the caller's to destroy. */
int demo_load(struct demo *demo, const char *name, struct df_code **code_out, struct df_kernel **kernel_out);
int demo_load_on(struct demo *demo, struct df_device *device, const char *name, struct df_code **code_out,
		 struct df_kernel **kernel_out);
/* Submission ioctls since the device was opened. */
uint64_t demo_submits(struct demo *demo);
void demo_head(const char *title);
void demo_print(struct demo *demo, const struct demo_line *line);
/* A number that depends on nothing but its arguments. */
uint32_t demo_mix(uint32_t a, uint32_t b);

#endif

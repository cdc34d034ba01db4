/* SPDX-License-Identifier: MIT */
/* pack_radv.h - running glslangValidator and RADV, and reading what the software GPU captured (pack_radv_run.c). */
#ifndef DF_CLI_PACK_RADV_H
#define DF_CLI_PACK_RADV_H

#include "cli/pack.h"

#define RADV_RUNS 2

/* Push constants are first, first + 2, first + 4 ... */
struct radv_pattern {
	uint32_t first;
	uint32_t groups[3];
};
extern const struct radv_pattern radv_patterns[RADV_RUNS];

/* One dispatch as it was captured. */
struct radv_run {
	uint32_t rsrc1, rsrc2, rsrc3, tmpring;
	uint32_t block[3];
	uint32_t user[DF_IMAGE_USER_SGPRS];
	uint32_t address32_hi;            /* high half of the window that the code lies in */
	uint32_t wave_size, vgprs, sgprs; /* as RADV reports them */
	char driver[64];
	uint8_t *code;
	size_t code_size_B;
};

/* A temporary folder. */
struct radv_folder {
	char path[64];
};
int radv_folder_make(struct radv_folder *folder);
void radv_folder_remove(struct radv_folder *folder);

int radv_compile_glsl(const struct radv_folder *folder, const struct pack_glsl *glsl, void **spirv_out,
		      size_t *size_out);
/* Runs the shader that was compiled last in the folder with pattern index. */
int radv_capture(const struct radv_folder *folder, const struct pack_glsl *glsl, unsigned index, uint32_t push_B,
		 struct radv_run *run_out);

#endif

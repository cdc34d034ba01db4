/* SPDX-License-Identifier: MIT */
/*
 * pack.h - how a kernel image comes to be. A front end (code objects: pack_object.c; RADV: pack_radv.c) fills a struct
 * pack_image; pack_write() lays it out as a file and reads it back with the runtime's own parser before anyone sees it.
 */
#ifndef DF_CLI_PACK_H
#define DF_CLI_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drumfire_image.h"

struct pack_arg {
	char *name;              /* may be NULL */
	struct df_image_arg arg; /* name unset */
};

struct pack_kernel {
	char *name;
	struct df_image_kernel kernel; /* name and table ranges unset */
	struct pack_arg *args;
	uint32_t arg_count;
	struct df_image_sgpr sgprs[DF_IMAGE_USER_SGPRS];
	uint32_t sgpr_count;
};

struct pack_image {
	enum df_image_origin origin;
	char target[16];
	char *provenance;
	uint8_t *code; /* code_size_B a multiple of DF_IMAGE_CODE_ALIGN */
	uint32_t code_size_B;
	struct pack_kernel *kernels;
	uint32_t kernel_count;
};

void pack_image_finish(struct pack_image *image);
/* Adds an empty kernel with the name, or argument; NULL when out of memory (with the error sentence). */
struct pack_kernel *pack_add_kernel(struct pack_image *image, const char *name);
struct pack_arg *pack_add_arg(struct pack_kernel *kernel, const char *name, size_t name_size);
/* Adds user SGPRs behind those there are. -E2BIG past 16. */
int pack_add_sgpr(struct pack_kernel *kernel, enum df_image_sgpr_kind kind, unsigned count, uint32_t offset_B);
/* Zeroed code of at least size_B bytes with room for the instruction prefetch behind it, filled as target wants. */
int pack_alloc_code(struct pack_image *image, size_t size_B);
/* The file, to be freed by the caller. */
int pack_write(const struct pack_image *image, void **data_out, size_t *size_out);

/* ---- front ends: 0 or -errno with a sentence ---- */

struct pack_options {
	const char *target; /* NULL: what the input says */
	const char *kernel; /* NULL: all */
	const char *source; /* name of the input, for messages and provenance */
};

/* From an HSA code object or an offload bundle of them to an image, in memory. */
int pack_object(const void *data, size_t size_B, const struct pack_options *options, void **image_out,
		size_t *size_out);

struct pack_glsl {
	const char *path;           /* GLSL compute shader */
	const char *target;         /* NULL: gfx1030 */
	const char *const *defines; /* "NAME=VALUE" */
	unsigned define_count;
	const char *const *includes; /* folders */
	unsigned include_count;
};
int pack_glsl(const struct pack_glsl *glsl, void **image_out, size_t *size_out);

/* ---- helpers shared by the front ends ---- */

/* A whole file, to be freed by the caller. */
int pack_read_file(const char *path, size_t max_B, void **data_out, size_t *size_out);
int pack_write_file(const char *path, const void *data, size_t size_B);

/* The metadata note of a code object (pack_metadata.c). */
struct pack_metadata;
int pack_metadata_parse(const void *note, size_t size_B, const char *source, struct pack_metadata **out);
void pack_metadata_free(struct pack_metadata *metadata);
unsigned pack_metadata_kernel_count(const struct pack_metadata *metadata);
/* Name of kernel i and of its descriptor's symbol; both live as long as the metadata. */
int pack_metadata_kernel_names(const struct pack_metadata *metadata, unsigned i, const char **name_out,
			       const char **symbol_out);
/* target of the whole object ("amdgcn-amd-amdhsa--gfx1030"), or NULL in version 3. */
const char *pack_metadata_target(const struct pack_metadata *metadata);
/* Arguments, block, register counts and flags. services: what of a vendor runtime the code object calls, a set of
 * PACK_SERVICE_*, used where the compiler did not say which hidden arguments are read. */
int pack_metadata_kernel(const struct pack_metadata *metadata, unsigned i, unsigned services,
			 struct pack_kernel *kernel);

#define PACK_SERVICE_HOSTCALL  1u
#define PACK_SERVICE_HEAP      2u
#define PACK_SERVICE_QUEUE     4u
#define PACK_SERVICE_MULTIGRID 8u

#endif

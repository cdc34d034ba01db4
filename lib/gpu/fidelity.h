/* SPDX-License-Identifier: MIT */
/*
 * fidelity.h - how near the model is to hardware, row by row, and which rows a run has used.
 *
 * exact: the same results as hardware, bit by bit, for a program that hardware runs the same way each time.
 * approximate: results or effects may differ, within the bound that the statement gives. refused: the job ends with a
 * sentence that names it. What the statement of an exact row adds is what the row does not do here, or which of its
 * forms are refused.
 */
#ifndef DF_GPU_FIDELITY_H
#define DF_GPU_FIDELITY_H

#include "isa.h"

#include <stdio.h>

enum gpu_fidelity { GPU_EXACT, GPU_APPROXIMATE, GPU_REFUSED };

struct gpu_statement {
	enum gpu_fidelity fidelity;
	const char *text; /* "" when there is nothing to add */
};

/* Kinds of rows beside the encodings of instructions. */
enum gpu_row_kind { GPU_ROW_PACKET, GPU_ROW_SDMA, GPU_ROW_EVENT, GPU_ROW_REGISTER, GPU_ROW_KINDS };

const char *gpu_fidelity_name(enum gpu_fidelity fidelity);
const char *gpu_enc_name(unsigned enc);
struct gpu_statement gpu_op_statement(const struct gpu_op *op);
/* Name of packet, SDMA packet, event or register (byte offset) number and its statement; NULL: there is none. */
const char *gpu_row_statement(enum gpu_row_kind kind, uint32_t number, struct gpu_statement *statement_out);
/* Numbers of a kind are below this. */
uint32_t gpu_row_limit(enum gpu_row_kind kind);
/* The i-th pattern of the statements of a kind (GPU_ROW_KINDS: of instructions); NULL behind the last. */
const char *gpu_statement_pattern(unsigned kind, unsigned i);
bool gpu_statement_matches(const char *pattern, const char *name);
/* A line of a report: kind, name, count, fidelity, statement. */
void gpu_statement_print(FILE *file, const char *kind, const char *name, uint64_t count,
			 const struct gpu_statement *statement);

/* used.c. Counts of a GPU that was made with DRUMFIRE_FIDELITY=FILE in the environment; NULL without. */
struct gpu_used;
int gpu_used_create(struct gpu *gpu, struct gpu_used **used_out);
/* Appends the report to the file, unless the GPU had no jobs. */
void gpu_used_destroy(struct gpu_used *used);
void gpu_used_op(struct gpu_used *used, const struct gpu_op *op);
void gpu_used_row(struct gpu_used *used, enum gpu_row_kind kind, uint32_t number);
/* A refusal's sentence, without addresses. */
void gpu_used_refusal(struct gpu_used *used, const char *what);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * gen.h - the generator of OpenCL C kernels. Everything comes from one seed, so that a kernel is named by the seed and
 * its number. Every kernel is KERNEL() of twin.h, fills `words` words of out for each work-item, and may count in the
 * words behind those by atomics whose order does not show.
 */
#ifndef GEN_H
#define GEN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum kind { I8, U8, I16, U16, I32, U32, I64, U64, F16, F32, F64, KINDS };

struct type {
	enum kind kind;
	unsigned width;
};

enum feature {
	HAS_CALLS = 1,
	HAS_ARRAYS = 2,
	HAS_STRUCTS = 4,
	HAS_MEMORY = 8,
	HAS_RETURNS = 16,
	HAS_LOCAL = 32,
	HAS_ATOMICS = 64,
	HAS_LANES = 128,
};

/* What expressions read and statements write; text is an lvalue, which may hold an index made of v0. */
struct var {
	char text[48];
	struct type type;
};

struct helper {
	unsigned number;
	struct type result, args[2];
};

#define MAX_VARS    48
#define MAX_HELPERS 6
#define MAX_WORDS   16
#define INPUT_W     1024 /* words of a and of b */

struct gen {
	FILE *out;
	uint64_t state;
	unsigned kernel;                  /* number */
	unsigned features, kinds, widths; /* masks; widths by their index in widths[] */
	struct var vars[MAX_VARS];
	unsigned var_count;
	struct helper helpers[MAX_HELPERS];
	unsigned helper_count;
	unsigned words;
	unsigned loops, depth, names;
	bool in_helper;
};

/* gen_expr.c */
extern const unsigned gen_widths[6];
extern const char *const kind_names[KINDS];
unsigned pick(struct gen *g, unsigned below);
bool chance(struct gen *g, unsigned percent);
bool is_float(enum kind kind);
struct type any_type(struct gen *g);
void put_type(struct gen *g, struct type type);
void expression(struct gen *g, struct type type, unsigned depth);
/* An int that is 0 or not. */
void condition(struct gen *g, unsigned depth);
__attribute__((format(printf, 3, 4))) void add_var(struct gen *g, struct type type, const char *format, ...);

/* gen_body.c */
void write_prelude(struct gen *g);
void write_kernel(struct gen *g);

/* gen_math.c: a kernel each of whose words is one call of a function with a bound; the bounds go to index. */
void write_math_kernel(struct gen *g, FILE *index);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * ref.h - reference semantics of vector instructions, one lane at a time, by mnemonic. Shares nothing with lib/gpu.
 */
#ifndef TESTS_ISA_REF_H
#define TESTS_ISA_REF_H

#include <stdbool.h>
#include <stdint.h>

struct ref_in {
	uint64_t s[3]; /* sources, and for accumulating operations the old destination as s[2] */
	bool mask;     /* this lane's bit of the mask operand */
	bool ieee;
};
struct ref_out {
	uint64_t d;
	bool mask;
	unsigned ulp; /* how far the float result may be off */
	char type;    /* of d: i, h (f16), f (f32), d (f64) */
};

/* false: the mnemonic is not known here. */
bool ref_int(const char *name, const struct ref_in *in, struct ref_out *out);
bool ref_float(const char *name, const struct ref_in *in, struct ref_out *out);
bool ref_compare(const char *name, const struct ref_in *in, struct ref_out *out);

#endif

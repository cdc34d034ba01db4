/* SPDX-License-Identifier: MIT */
/*
 * ref_scalar.h - reference semantics of SOP1, SOPC, SOPK and SOPP by mnemonic (RDNA2 ISA manual, chapters 12.2
 * to 12.6). Shares nothing with lib/gpu.
 */
#ifndef TESTS_ISA_REF_SCALAR_H
#define TESTS_ISA_REF_SCALAR_H

#include <stdbool.h>
#include <stdint.h>

/* Registers by operand code, as in the encodings. */
enum { REF_VCC = 106, REF_M0 = 124, REF_NULL = 125, REF_EXEC = 126 };
enum ref_step { REF_UNKNOWN, REF_NEXT, REF_END, REF_YIELD, REF_BARRIER, REF_REFUSED };

struct ref_scalar {
	uint32_t s[128];
	uint32_t scc, lanes, mode, status, trapsts;
	uint64_t pc; /* of the next instruction */
};
struct ref_scalar_inst {
	const char *name; /* without s_ */
	unsigned dst, src, src1;
	uint32_t imm; /* 16 bits */
	uint32_t literal;
};

/* Operand codes below 128 as sources; 125 reads as zero. */
enum ref_step ref_scalar_exec(struct ref_scalar *r, const struct ref_scalar_inst *in);

#endif

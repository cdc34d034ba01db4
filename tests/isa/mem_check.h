/* SPDX-License-Identifier: MIT */
/* mem_check.h - runs an instruction on the model and on the reference from the same random state, and compares. */
#ifndef TEST_MEM_CHECK_H
#define TEST_MEM_CHECK_H

#include "isa/mem_rig.h"
#include "isa/ref_mem.h"

struct mem_check {
	struct mem_rig rig;
	struct ref_mem ref;
	uint64_t random;
	uint64_t runs;
};

void mem_check_init(struct mem_check *c, uint64_t seed);
void mem_check_finish(struct mem_check *c);
uint64_t mem_check_random(struct mem_check *c);
/* In [0, n). */
static inline uint32_t mem_check_below(struct mem_check *c, uint32_t n)
{
	return (uint32_t)(mem_check_random(c) >> 20) % n;
}

/* New memory, LDS, registers, EXEC (full, empty or partial) and wave size. EXEC is never in the tests' way. */
void mem_check_randomise(struct mem_check *c);
void mem_check_set_vgpr(struct mem_check *c, unsigned reg, unsigned lane, uint32_t value);
void mem_check_set_sgpr(struct mem_check *c, unsigned reg, uint32_t value);
/* Runs and compares everything. */
void mem_check_run(struct mem_check *c, const uint32_t words[2], const struct ref_inst *in);

/* Encodings of gfx10. */
void mem_encode_smem(uint32_t w[2], unsigned op, const struct ref_inst *in, unsigned soffset);
void mem_encode_ds(uint32_t w[2], unsigned op, const struct ref_inst *in);
void mem_encode_flat(uint32_t w[2], unsigned op, unsigned segment, const struct ref_inst *in);
void mem_encode_mubuf(uint32_t w[2], unsigned op, const struct ref_inst *in, unsigned soffset);
void mem_encode_mtbuf(uint32_t w[2], unsigned op, const struct ref_inst *in, unsigned soffset);

#endif

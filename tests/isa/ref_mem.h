/* SPDX-License-Identifier: MIT */
/*
 * ref_mem.h - an independent reference of the memory instructions.
 *
 * It works by the instruction's name, byte by byte and lane by lane, and shares nothing with the model: no tables, no
 * decoder, no conversion routine. The machine is flat: one stretch of memory with a few special pages, LDS, registers.
 */
#ifndef TEST_REF_MEM_H
#define TEST_REF_MEM_H

#include <stdbool.h>
#include <stdint.h>

struct ref_mem {
	uint64_t va;
	uint8_t *mem;
	uint32_t size;
	unsigned ro_page, prt_page;
	uint8_t *lds;
	uint32_t lds_size;
	uint32_t v[256][64];
	uint32_t s[128];
	unsigned lanes;
	uint64_t flat_scratch, private_aperture, shared_aperture;
};

/* Operands as an assembler would name them. */
struct ref_inst {
	const char *name;
	unsigned dst, addr, data, data1; /* VGPR numbers; SMEM: dst is an SGPR */
	unsigned saddr;                  /* saddr, srsrc or sbase SGPR; 125 none, 127 scratch's off */
	uint32_t soffset;                /* its value */
	int32_t offset;
	unsigned offset1, format;
	bool glc, offen, idxen, lds;
};

void ref_mem_exec(struct ref_mem *m, const struct ref_inst *in);

#endif

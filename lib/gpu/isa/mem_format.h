/* SPDX-License-Identifier: MIT */
/* mem_format.h - the unified buffer formats of gfx10: typed elements to and from registers. */
#ifndef DF_GPU_ISA_MEM_FORMAT_H
#define DF_GPU_ISA_MEM_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

enum mem_number { MEM_UNORM, MEM_SNORM, MEM_USCALED, MEM_SSCALED, MEM_UINT, MEM_SINT, MEM_FLOAT };

struct mem_format {
	uint8_t bits[4]; /* components X Y Z W from the lowest bit on; 0: the format does not have it */
	uint8_t number;  /* enum mem_number */
};

/* NULL for codes that are no buffer format. */
const struct mem_format *mem_format_get(unsigned code);
unsigned mem_format_size(const struct mem_format *f); /* bytes */

/* Components as 32-bit registers: floats, or integers for UINT and SINT. Those that the format lacks are 0, 0, 0, 1. */
void mem_format_load(const struct mem_format *f, const uint8_t *bytes, uint32_t v[4]);
void mem_format_store(const struct mem_format *f, const uint32_t v[4], uint8_t *bytes);
static inline bool mem_format_integer(const struct mem_format *f)
{
	return f->number == MEM_UINT || f->number == MEM_SINT;
}

uint32_t mem_f16_to_f32(uint32_t half);
uint32_t mem_f32_to_f16(uint32_t single);

#endif

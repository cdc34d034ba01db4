/* SPDX-License-Identifier: MIT */
/* ds.h - LDS instructions: exec functions and what their tables' data mean. */
#ifndef DF_GPU_ISA_DS_H
#define DF_GPU_ISA_DS_H

#include "gpu/isa/mem.h"

#define DS_RTN  0x200 /* atomics: the old value goes to dst */
#define DS_ST64 0x100 /* two addresses: offsets count 64 elements */

enum gpu_step ds_read(struct gpu_wave *w, const struct gpu_inst *in);   /* data: mem_kind */
enum gpu_step ds_write(struct gpu_wave *w, const struct gpu_inst *in);  /* data: mem_kind */
enum gpu_step ds_read2(struct gpu_wave *w, const struct gpu_inst *in);  /* data: element bytes | DS_ST64 */
enum gpu_step ds_write2(struct gpu_wave *w, const struct gpu_inst *in); /* data: element bytes | DS_ST64 */
enum gpu_step ds_wrxchg2(struct gpu_wave *w, const struct gpu_inst *in);
enum gpu_step ds_atomic(struct gpu_wave *w, const struct gpu_inst *in); /* data: mem_atomic | MEM_X2 | DS_RTN */
enum gpu_step ds_condxchg32(struct gpu_wave *w, const struct gpu_inst *in);
enum gpu_step ds_append(struct gpu_wave *w, const struct gpu_inst *in); /* data: 1 adds, 0 subtracts */
enum gpu_step ds_read_addtid(struct gpu_wave *w, const struct gpu_inst *in);
enum gpu_step ds_write_addtid(struct gpu_wave *w, const struct gpu_inst *in);
enum gpu_step ds_swizzle(struct gpu_wave *w, const struct gpu_inst *in);
enum gpu_step ds_permute(struct gpu_wave *w, const struct gpu_inst *in);
enum gpu_step ds_bpermute(struct gpu_wave *w, const struct gpu_inst *in);
enum gpu_step ds_nop(struct gpu_wave *w, const struct gpu_inst *in);

/* The two offset fields taken together, for instructions with one address. */
static inline uint32_t ds_offset(const struct gpu_inst *in)
{
	return (uint32_t)in->imm | (uint32_t)in->offset1 << 8;
}

/* The bytes of LDS at addr, or NULL when they are not all inside the workgroup's allocation. */
static inline uint8_t *ds_ptr(const struct gpu_wave *w, uint32_t addr, unsigned size_B)
{
	const struct gpu_group *g = w->group;

	return (uint64_t)addr + size_B <= g->lds_size_B ? g->lds + addr : NULL;
}

#endif

/* SPDX-License-Identifier: MIT */
/* table_mem_flat.c - rows of FLAT, GLOBAL and SCRATCH, gfx10.3. */
#include "gpu/isa/mem.h"
#include "gpu/isa/tables.h"

/*
 * src[0] is the address: 64 bits, or 32 bits beside an SGPR pair in src[2] (GLOBAL) and in SCRATCH. src[1] is the data
 * of stores and atomics. The dst of an atomic is written with glc only.
 */
#define ROW(op, enc, name, dst, src, addr, saddr, flags, fn, data)                                                     \
	{                                                                                                              \
		op, GPU_##enc, GPU_O_##dst, 0, {GPU_O_##addr, GPU_O_##src, GPU_O_##saddr}, flags, name, fn, data       \
	}
#define FLAT_LOAD(op, name, t, fl, k)    ROW(op, FLAT, name, t, NONE, B64, NONE, GPU_OPF_LOAD | fl, mem_flat_load, k)
#define FLAT_STORE(op, name, t, k)       ROW(op, FLAT, name, NONE, t, B64, NONE, GPU_OPF_STORE, mem_flat_store, k)
#define FLAT_ATOMIC(op, name, t, s, a)   ROW(op, FLAT, name, t, s, B64, NONE, GPU_OPF_ATOMIC, mem_flat_atomic, a)
#define GLOBAL_LOAD(op, name, t, fl, k)  ROW(op, GLOBAL, name, t, NONE, B64, B64, GPU_OPF_LOAD | fl, mem_global_load, k)
#define GLOBAL_STORE(op, name, t, k)     ROW(op, GLOBAL, name, NONE, t, B64, B64, GPU_OPF_STORE, mem_global_store, k)
#define GLOBAL_ATOMIC(op, name, t, s, a) ROW(op, GLOBAL, name, t, s, B64, B64, GPU_OPF_ATOMIC, mem_global_atomic, a)
#define SCRATCH_LOAD(op, name, t, fl, k)                                                                               \
	ROW(op, SCRATCH, name, t, NONE, B32, B32, GPU_OPF_LOAD | fl, mem_scratch_load, k)
#define SCRATCH_STORE(op, name, t, k) ROW(op, SCRATCH, name, NONE, t, B32, B32, GPU_OPF_STORE, mem_scratch_store, k)

const struct gpu_op gpu_gfx10_3_flat[] = {
	FLAT_LOAD(0x08, "flat_load_ubyte", B32, 0, MEM_U8),
	FLAT_LOAD(0x09, "flat_load_sbyte", B32, 0, MEM_I8),
	FLAT_LOAD(0x0a, "flat_load_ushort", B32, 0, MEM_U16),
	FLAT_LOAD(0x0b, "flat_load_sshort", B32, 0, MEM_I16),
	FLAT_LOAD(0x0c, "flat_load_dword", B32, 0, MEM_B32),
	FLAT_LOAD(0x0d, "flat_load_dwordx2", B64, 0, MEM_B64),
	FLAT_LOAD(0x0e, "flat_load_dwordx4", B128, 0, MEM_B128),
	FLAT_LOAD(0x0f, "flat_load_dwordx3", B96, 0, MEM_B96),
	FLAT_STORE(0x18, "flat_store_byte", B32, MEM_U8),
	FLAT_STORE(0x19, "flat_store_byte_d16_hi", B32, MEM_U8_HI),
	FLAT_STORE(0x1a, "flat_store_short", B32, MEM_U16),
	FLAT_STORE(0x1b, "flat_store_short_d16_hi", B32, MEM_B16_HI),
	FLAT_STORE(0x1c, "flat_store_dword", B32, MEM_B32),
	FLAT_STORE(0x1d, "flat_store_dwordx2", B64, MEM_B64),
	FLAT_STORE(0x1e, "flat_store_dwordx4", B128, MEM_B128),
	FLAT_STORE(0x1f, "flat_store_dwordx3", B96, MEM_B96),
	FLAT_LOAD(0x20, "flat_load_ubyte_d16", B32, GPU_OPF_READS_DST, MEM_U8_LO),
	FLAT_LOAD(0x21, "flat_load_ubyte_d16_hi", B32, GPU_OPF_READS_DST, MEM_U8_HI),
	FLAT_LOAD(0x22, "flat_load_sbyte_d16", B32, GPU_OPF_READS_DST, MEM_I8_LO),
	FLAT_LOAD(0x23, "flat_load_sbyte_d16_hi", B32, GPU_OPF_READS_DST, MEM_I8_HI),
	FLAT_LOAD(0x24, "flat_load_short_d16", B32, GPU_OPF_READS_DST, MEM_B16_LO),
	FLAT_LOAD(0x25, "flat_load_short_d16_hi", B32, GPU_OPF_READS_DST, MEM_B16_HI),
	FLAT_ATOMIC(0x30, "flat_atomic_swap", B32, B32, MEM_SWAP),
	FLAT_ATOMIC(0x31, "flat_atomic_cmpswap", B32, B64, MEM_CMPSWAP),
	FLAT_ATOMIC(0x32, "flat_atomic_add", B32, B32, MEM_ADD),
	FLAT_ATOMIC(0x33, "flat_atomic_sub", B32, B32, MEM_SUB),
	FLAT_ATOMIC(0x35, "flat_atomic_smin", B32, B32, MEM_SMIN),
	FLAT_ATOMIC(0x36, "flat_atomic_umin", B32, B32, MEM_UMIN),
	FLAT_ATOMIC(0x37, "flat_atomic_smax", B32, B32, MEM_SMAX),
	FLAT_ATOMIC(0x38, "flat_atomic_umax", B32, B32, MEM_UMAX),
	FLAT_ATOMIC(0x39, "flat_atomic_and", B32, B32, MEM_AND),
	FLAT_ATOMIC(0x3a, "flat_atomic_or", B32, B32, MEM_OR),
	FLAT_ATOMIC(0x3b, "flat_atomic_xor", B32, B32, MEM_XOR),
	FLAT_ATOMIC(0x3c, "flat_atomic_inc", B32, B32, MEM_INC),
	FLAT_ATOMIC(0x3d, "flat_atomic_dec", B32, B32, MEM_DEC),
	FLAT_ATOMIC(0x3e, "flat_atomic_fcmpswap", B32, B64, MEM_FCMPSWAP),
	FLAT_ATOMIC(0x3f, "flat_atomic_fmin", B32, B32, MEM_FMIN),
	FLAT_ATOMIC(0x40, "flat_atomic_fmax", B32, B32, MEM_FMAX),
	FLAT_ATOMIC(0x50, "flat_atomic_swap_x2", B64, B64, MEM_SWAP | MEM_X2),
	FLAT_ATOMIC(0x51, "flat_atomic_cmpswap_x2", B64, B128, MEM_CMPSWAP | MEM_X2),
	FLAT_ATOMIC(0x52, "flat_atomic_add_x2", B64, B64, MEM_ADD | MEM_X2),
	FLAT_ATOMIC(0x53, "flat_atomic_sub_x2", B64, B64, MEM_SUB | MEM_X2),
	FLAT_ATOMIC(0x55, "flat_atomic_smin_x2", B64, B64, MEM_SMIN | MEM_X2),
	FLAT_ATOMIC(0x56, "flat_atomic_umin_x2", B64, B64, MEM_UMIN | MEM_X2),
	FLAT_ATOMIC(0x57, "flat_atomic_smax_x2", B64, B64, MEM_SMAX | MEM_X2),
	FLAT_ATOMIC(0x58, "flat_atomic_umax_x2", B64, B64, MEM_UMAX | MEM_X2),
	FLAT_ATOMIC(0x59, "flat_atomic_and_x2", B64, B64, MEM_AND | MEM_X2),
	FLAT_ATOMIC(0x5a, "flat_atomic_or_x2", B64, B64, MEM_OR | MEM_X2),
	FLAT_ATOMIC(0x5b, "flat_atomic_xor_x2", B64, B64, MEM_XOR | MEM_X2),
	FLAT_ATOMIC(0x5c, "flat_atomic_inc_x2", B64, B64, MEM_INC | MEM_X2),
	FLAT_ATOMIC(0x5d, "flat_atomic_dec_x2", B64, B64, MEM_DEC | MEM_X2),
	FLAT_ATOMIC(0x5e, "flat_atomic_fcmpswap_x2", B64, B128, MEM_FCMPSWAP | MEM_X2),
	FLAT_ATOMIC(0x5f, "flat_atomic_fmin_x2", B64, B64, MEM_FMIN | MEM_X2),
	FLAT_ATOMIC(0x60, "flat_atomic_fmax_x2", B64, B64, MEM_FMAX | MEM_X2),
};
GPU_TABLE_COUNT(flat);

const struct gpu_op gpu_gfx10_3_global[] = {
	GLOBAL_LOAD(0x08, "global_load_ubyte", B32, 0, MEM_U8),
	GLOBAL_LOAD(0x09, "global_load_sbyte", B32, 0, MEM_I8),
	GLOBAL_LOAD(0x0a, "global_load_ushort", B32, 0, MEM_U16),
	GLOBAL_LOAD(0x0b, "global_load_sshort", B32, 0, MEM_I16),
	GLOBAL_LOAD(0x0c, "global_load_dword", B32, 0, MEM_B32),
	GLOBAL_LOAD(0x0d, "global_load_dwordx2", B64, 0, MEM_B64),
	GLOBAL_LOAD(0x0e, "global_load_dwordx4", B128, 0, MEM_B128),
	GLOBAL_LOAD(0x0f, "global_load_dwordx3", B96, 0, MEM_B96),
	ROW(0x16, GLOBAL, "global_load_dword_addtid", B32, NONE, NONE, B64, GPU_OPF_LOAD, mem_global_load_addtid, 0),
	ROW(0x17, GLOBAL, "global_store_dword_addtid", NONE, B32, NONE, B64, GPU_OPF_STORE, mem_global_store_addtid, 0),
	GLOBAL_STORE(0x18, "global_store_byte", B32, MEM_U8),
	GLOBAL_STORE(0x19, "global_store_byte_d16_hi", B32, MEM_U8_HI),
	GLOBAL_STORE(0x1a, "global_store_short", B32, MEM_U16),
	GLOBAL_STORE(0x1b, "global_store_short_d16_hi", B32, MEM_B16_HI),
	GLOBAL_STORE(0x1c, "global_store_dword", B32, MEM_B32),
	GLOBAL_STORE(0x1d, "global_store_dwordx2", B64, MEM_B64),
	GLOBAL_STORE(0x1e, "global_store_dwordx4", B128, MEM_B128),
	GLOBAL_STORE(0x1f, "global_store_dwordx3", B96, MEM_B96),
	GLOBAL_LOAD(0x20, "global_load_ubyte_d16", B32, GPU_OPF_READS_DST, MEM_U8_LO),
	GLOBAL_LOAD(0x21, "global_load_ubyte_d16_hi", B32, GPU_OPF_READS_DST, MEM_U8_HI),
	GLOBAL_LOAD(0x22, "global_load_sbyte_d16", B32, GPU_OPF_READS_DST, MEM_I8_LO),
	GLOBAL_LOAD(0x23, "global_load_sbyte_d16_hi", B32, GPU_OPF_READS_DST, MEM_I8_HI),
	GLOBAL_LOAD(0x24, "global_load_short_d16", B32, GPU_OPF_READS_DST, MEM_B16_LO),
	GLOBAL_LOAD(0x25, "global_load_short_d16_hi", B32, GPU_OPF_READS_DST, MEM_B16_HI),
	GLOBAL_ATOMIC(0x30, "global_atomic_swap", B32, B32, MEM_SWAP),
	GLOBAL_ATOMIC(0x31, "global_atomic_cmpswap", B32, B64, MEM_CMPSWAP),
	GLOBAL_ATOMIC(0x32, "global_atomic_add", B32, B32, MEM_ADD),
	GLOBAL_ATOMIC(0x33, "global_atomic_sub", B32, B32, MEM_SUB),
	GLOBAL_ATOMIC(0x34, "global_atomic_csub", B32, B32, MEM_CSUB),
	GLOBAL_ATOMIC(0x35, "global_atomic_smin", B32, B32, MEM_SMIN),
	GLOBAL_ATOMIC(0x36, "global_atomic_umin", B32, B32, MEM_UMIN),
	GLOBAL_ATOMIC(0x37, "global_atomic_smax", B32, B32, MEM_SMAX),
	GLOBAL_ATOMIC(0x38, "global_atomic_umax", B32, B32, MEM_UMAX),
	GLOBAL_ATOMIC(0x39, "global_atomic_and", B32, B32, MEM_AND),
	GLOBAL_ATOMIC(0x3a, "global_atomic_or", B32, B32, MEM_OR),
	GLOBAL_ATOMIC(0x3b, "global_atomic_xor", B32, B32, MEM_XOR),
	GLOBAL_ATOMIC(0x3c, "global_atomic_inc", B32, B32, MEM_INC),
	GLOBAL_ATOMIC(0x3d, "global_atomic_dec", B32, B32, MEM_DEC),
	GLOBAL_ATOMIC(0x3e, "global_atomic_fcmpswap", B32, B64, MEM_FCMPSWAP),
	GLOBAL_ATOMIC(0x3f, "global_atomic_fmin", B32, B32, MEM_FMIN),
	GLOBAL_ATOMIC(0x40, "global_atomic_fmax", B32, B32, MEM_FMAX),
	GLOBAL_ATOMIC(0x50, "global_atomic_swap_x2", B64, B64, MEM_SWAP | MEM_X2),
	GLOBAL_ATOMIC(0x51, "global_atomic_cmpswap_x2", B64, B128, MEM_CMPSWAP | MEM_X2),
	GLOBAL_ATOMIC(0x52, "global_atomic_add_x2", B64, B64, MEM_ADD | MEM_X2),
	GLOBAL_ATOMIC(0x53, "global_atomic_sub_x2", B64, B64, MEM_SUB | MEM_X2),
	GLOBAL_ATOMIC(0x55, "global_atomic_smin_x2", B64, B64, MEM_SMIN | MEM_X2),
	GLOBAL_ATOMIC(0x56, "global_atomic_umin_x2", B64, B64, MEM_UMIN | MEM_X2),
	GLOBAL_ATOMIC(0x57, "global_atomic_smax_x2", B64, B64, MEM_SMAX | MEM_X2),
	GLOBAL_ATOMIC(0x58, "global_atomic_umax_x2", B64, B64, MEM_UMAX | MEM_X2),
	GLOBAL_ATOMIC(0x59, "global_atomic_and_x2", B64, B64, MEM_AND | MEM_X2),
	GLOBAL_ATOMIC(0x5a, "global_atomic_or_x2", B64, B64, MEM_OR | MEM_X2),
	GLOBAL_ATOMIC(0x5b, "global_atomic_xor_x2", B64, B64, MEM_XOR | MEM_X2),
	GLOBAL_ATOMIC(0x5c, "global_atomic_inc_x2", B64, B64, MEM_INC | MEM_X2),
	GLOBAL_ATOMIC(0x5d, "global_atomic_dec_x2", B64, B64, MEM_DEC | MEM_X2),
	GLOBAL_ATOMIC(0x5e, "global_atomic_fcmpswap_x2", B64, B128, MEM_FCMPSWAP | MEM_X2),
	GLOBAL_ATOMIC(0x5f, "global_atomic_fmin_x2", B64, B64, MEM_FMIN | MEM_X2),
	GLOBAL_ATOMIC(0x60, "global_atomic_fmax_x2", B64, B64, MEM_FMAX | MEM_X2),
};
GPU_TABLE_COUNT(global);

const struct gpu_op gpu_gfx10_3_scratch[] = {
	SCRATCH_LOAD(0x08, "scratch_load_ubyte", B32, 0, MEM_U8),
	SCRATCH_LOAD(0x09, "scratch_load_sbyte", B32, 0, MEM_I8),
	SCRATCH_LOAD(0x0a, "scratch_load_ushort", B32, 0, MEM_U16),
	SCRATCH_LOAD(0x0b, "scratch_load_sshort", B32, 0, MEM_I16),
	SCRATCH_LOAD(0x0c, "scratch_load_dword", B32, 0, MEM_B32),
	SCRATCH_LOAD(0x0d, "scratch_load_dwordx2", B64, 0, MEM_B64),
	SCRATCH_LOAD(0x0e, "scratch_load_dwordx4", B128, 0, MEM_B128),
	SCRATCH_LOAD(0x0f, "scratch_load_dwordx3", B96, 0, MEM_B96),
	SCRATCH_STORE(0x18, "scratch_store_byte", B32, MEM_U8),
	SCRATCH_STORE(0x19, "scratch_store_byte_d16_hi", B32, MEM_U8_HI),
	SCRATCH_STORE(0x1a, "scratch_store_short", B32, MEM_U16),
	SCRATCH_STORE(0x1b, "scratch_store_short_d16_hi", B32, MEM_B16_HI),
	SCRATCH_STORE(0x1c, "scratch_store_dword", B32, MEM_B32),
	SCRATCH_STORE(0x1d, "scratch_store_dwordx2", B64, MEM_B64),
	SCRATCH_STORE(0x1e, "scratch_store_dwordx4", B128, MEM_B128),
	SCRATCH_STORE(0x1f, "scratch_store_dwordx3", B96, MEM_B96),
	SCRATCH_LOAD(0x20, "scratch_load_ubyte_d16", B32, GPU_OPF_READS_DST, MEM_U8_LO),
	SCRATCH_LOAD(0x21, "scratch_load_ubyte_d16_hi", B32, GPU_OPF_READS_DST, MEM_U8_HI),
	SCRATCH_LOAD(0x22, "scratch_load_sbyte_d16", B32, GPU_OPF_READS_DST, MEM_I8_LO),
	SCRATCH_LOAD(0x23, "scratch_load_sbyte_d16_hi", B32, GPU_OPF_READS_DST, MEM_I8_HI),
	SCRATCH_LOAD(0x24, "scratch_load_short_d16", B32, GPU_OPF_READS_DST, MEM_B16_LO),
	SCRATCH_LOAD(0x25, "scratch_load_short_d16_hi", B32, GPU_OPF_READS_DST, MEM_B16_HI),
};
GPU_TABLE_COUNT(scratch);

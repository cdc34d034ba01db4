/* SPDX-License-Identifier: MIT */
/* table_mem_buffer.c - rows of MUBUF and MTBUF, gfx10.3. */
#include "gpu/isa/mem.h"
#include "gpu/isa/tables.h"

/*
 * src[0] is the index, the offset, or both (64 bits), by idxen and offen; src[1] the data of stores and atomics; src[2]
 * the V#; src[3] the SGPR offset. The dst of an atomic is written with glc only, that of a load without lds.
 */
#define ROW(op, enc, name, dst, src, flags, fn, data)                                                                  \
	{                                                                                                              \
		op, GPU_##enc, GPU_O_##dst, 0, {GPU_O_B64, GPU_O_##src, GPU_O_B128, GPU_O_B32}, flags, name, fn, data  \
	}
#define MUBUF_LOAD(op, name, t, fl, k)       ROW(op, MUBUF, name, t, NONE, GPU_OPF_LOAD | fl, mem_buffer_load, k)
#define MUBUF_STORE(op, name, t, k)          ROW(op, MUBUF, name, NONE, t, GPU_OPF_STORE, mem_buffer_store, k)
#define MUBUF_ATOMIC(op, name, t, s, a)      ROW(op, MUBUF, name, t, s, GPU_OPF_ATOMIC, mem_buffer_atomic, a)
#define LOAD_FORMAT(op, enc, name, t, fl, n) ROW(op, enc, name, t, NONE, GPU_OPF_LOAD | fl, mem_buffer_load_format, n)
#define STORE_FORMAT(op, enc, name, t, n)    ROW(op, enc, name, NONE, t, GPU_OPF_STORE, mem_buffer_store_format, n)

const struct gpu_op gpu_gfx10_3_mubuf[] = {
	LOAD_FORMAT(0x00, MUBUF, "buffer_load_format_x", B32, 0, 1),
	LOAD_FORMAT(0x01, MUBUF, "buffer_load_format_xy", B64, 0, 2),
	LOAD_FORMAT(0x02, MUBUF, "buffer_load_format_xyz", B96, 0, 3),
	LOAD_FORMAT(0x03, MUBUF, "buffer_load_format_xyzw", B128, 0, 4),
	STORE_FORMAT(0x04, MUBUF, "buffer_store_format_x", B32, 1),
	STORE_FORMAT(0x05, MUBUF, "buffer_store_format_xy", B64, 2),
	STORE_FORMAT(0x06, MUBUF, "buffer_store_format_xyz", B96, 3),
	STORE_FORMAT(0x07, MUBUF, "buffer_store_format_xyzw", B128, 4),
	MUBUF_LOAD(0x08, "buffer_load_ubyte", B32, 0, MEM_U8),
	MUBUF_LOAD(0x09, "buffer_load_sbyte", B32, 0, MEM_I8),
	MUBUF_LOAD(0x0a, "buffer_load_ushort", B32, 0, MEM_U16),
	MUBUF_LOAD(0x0b, "buffer_load_sshort", B32, 0, MEM_I16),
	MUBUF_LOAD(0x0c, "buffer_load_dword", B32, 0, MEM_B32),
	MUBUF_LOAD(0x0d, "buffer_load_dwordx2", B64, 0, MEM_B64),
	MUBUF_LOAD(0x0e, "buffer_load_dwordx4", B128, 0, MEM_B128),
	MUBUF_LOAD(0x0f, "buffer_load_dwordx3", B96, 0, MEM_B96),
	MUBUF_STORE(0x18, "buffer_store_byte", B32, MEM_U8),
	MUBUF_STORE(0x19, "buffer_store_byte_d16_hi", B32, MEM_U8_HI),
	MUBUF_STORE(0x1a, "buffer_store_short", B32, MEM_U16),
	MUBUF_STORE(0x1b, "buffer_store_short_d16_hi", B32, MEM_B16_HI),
	MUBUF_STORE(0x1c, "buffer_store_dword", B32, MEM_B32),
	MUBUF_STORE(0x1d, "buffer_store_dwordx2", B64, MEM_B64),
	MUBUF_STORE(0x1e, "buffer_store_dwordx4", B128, MEM_B128),
	MUBUF_STORE(0x1f, "buffer_store_dwordx3", B96, MEM_B96),
	MUBUF_LOAD(0x20, "buffer_load_ubyte_d16", B32, GPU_OPF_READS_DST, MEM_U8_LO),
	MUBUF_LOAD(0x21, "buffer_load_ubyte_d16_hi", B32, GPU_OPF_READS_DST, MEM_U8_HI),
	MUBUF_LOAD(0x22, "buffer_load_sbyte_d16", B32, GPU_OPF_READS_DST, MEM_I8_LO),
	MUBUF_LOAD(0x23, "buffer_load_sbyte_d16_hi", B32, GPU_OPF_READS_DST, MEM_I8_HI),
	MUBUF_LOAD(0x24, "buffer_load_short_d16", B32, GPU_OPF_READS_DST, MEM_B16_LO),
	MUBUF_LOAD(0x25, "buffer_load_short_d16_hi", B32, GPU_OPF_READS_DST, MEM_B16_HI),
	MUBUF_ATOMIC(0x30, "buffer_atomic_swap", B32, B32, MEM_SWAP),
	MUBUF_ATOMIC(0x31, "buffer_atomic_cmpswap", B32, B64, MEM_CMPSWAP),
	MUBUF_ATOMIC(0x32, "buffer_atomic_add", B32, B32, MEM_ADD),
	MUBUF_ATOMIC(0x33, "buffer_atomic_sub", B32, B32, MEM_SUB),
	MUBUF_ATOMIC(0x34, "buffer_atomic_csub", B32, B32, MEM_CSUB),
	MUBUF_ATOMIC(0x35, "buffer_atomic_smin", B32, B32, MEM_SMIN),
	MUBUF_ATOMIC(0x36, "buffer_atomic_umin", B32, B32, MEM_UMIN),
	MUBUF_ATOMIC(0x37, "buffer_atomic_smax", B32, B32, MEM_SMAX),
	MUBUF_ATOMIC(0x38, "buffer_atomic_umax", B32, B32, MEM_UMAX),
	MUBUF_ATOMIC(0x39, "buffer_atomic_and", B32, B32, MEM_AND),
	MUBUF_ATOMIC(0x3a, "buffer_atomic_or", B32, B32, MEM_OR),
	MUBUF_ATOMIC(0x3b, "buffer_atomic_xor", B32, B32, MEM_XOR),
	MUBUF_ATOMIC(0x3c, "buffer_atomic_inc", B32, B32, MEM_INC),
	MUBUF_ATOMIC(0x3d, "buffer_atomic_dec", B32, B32, MEM_DEC),
	MUBUF_ATOMIC(0x3e, "buffer_atomic_fcmpswap", B32, B64, MEM_FCMPSWAP),
	MUBUF_ATOMIC(0x3f, "buffer_atomic_fmin", B32, B32, MEM_FMIN),
	MUBUF_ATOMIC(0x40, "buffer_atomic_fmax", B32, B32, MEM_FMAX),
	MUBUF_ATOMIC(0x50, "buffer_atomic_swap_x2", B64, B64, MEM_SWAP | MEM_X2),
	MUBUF_ATOMIC(0x51, "buffer_atomic_cmpswap_x2", B64, B128, MEM_CMPSWAP | MEM_X2),
	MUBUF_ATOMIC(0x52, "buffer_atomic_add_x2", B64, B64, MEM_ADD | MEM_X2),
	MUBUF_ATOMIC(0x53, "buffer_atomic_sub_x2", B64, B64, MEM_SUB | MEM_X2),
	MUBUF_ATOMIC(0x55, "buffer_atomic_smin_x2", B64, B64, MEM_SMIN | MEM_X2),
	MUBUF_ATOMIC(0x56, "buffer_atomic_umin_x2", B64, B64, MEM_UMIN | MEM_X2),
	MUBUF_ATOMIC(0x57, "buffer_atomic_smax_x2", B64, B64, MEM_SMAX | MEM_X2),
	MUBUF_ATOMIC(0x58, "buffer_atomic_umax_x2", B64, B64, MEM_UMAX | MEM_X2),
	MUBUF_ATOMIC(0x59, "buffer_atomic_and_x2", B64, B64, MEM_AND | MEM_X2),
	MUBUF_ATOMIC(0x5a, "buffer_atomic_or_x2", B64, B64, MEM_OR | MEM_X2),
	MUBUF_ATOMIC(0x5b, "buffer_atomic_xor_x2", B64, B64, MEM_XOR | MEM_X2),
	MUBUF_ATOMIC(0x5c, "buffer_atomic_inc_x2", B64, B64, MEM_INC | MEM_X2),
	MUBUF_ATOMIC(0x5d, "buffer_atomic_dec_x2", B64, B64, MEM_DEC | MEM_X2),
	MUBUF_ATOMIC(0x5e, "buffer_atomic_fcmpswap_x2", B64, B128, MEM_FCMPSWAP | MEM_X2),
	MUBUF_ATOMIC(0x5f, "buffer_atomic_fmin_x2", B64, B64, MEM_FMIN | MEM_X2),
	MUBUF_ATOMIC(0x60, "buffer_atomic_fmax_x2", B64, B64, MEM_FMAX | MEM_X2),
	{0x71, GPU_MUBUF, 0, 0, {0}, 0, "buffer_gl0_inv", mem_cache_nop, 0},
	{0x72, GPU_MUBUF, 0, 0, {0}, 0, "buffer_gl1_inv", mem_cache_nop, 0},
	LOAD_FORMAT(0x80, MUBUF, "buffer_load_format_d16_x", B32, GPU_OPF_READS_DST, 1 | MEM_D16),
	LOAD_FORMAT(0x81, MUBUF, "buffer_load_format_d16_xy", B32, 0, 2 | MEM_D16),
	LOAD_FORMAT(0x82, MUBUF, "buffer_load_format_d16_xyz", B64, GPU_OPF_READS_DST, 3 | MEM_D16),
	LOAD_FORMAT(0x83, MUBUF, "buffer_load_format_d16_xyzw", B64, 0, 4 | MEM_D16),
	STORE_FORMAT(0x84, MUBUF, "buffer_store_format_d16_x", B32, 1 | MEM_D16),
	STORE_FORMAT(0x85, MUBUF, "buffer_store_format_d16_xy", B32, 2 | MEM_D16),
	STORE_FORMAT(0x86, MUBUF, "buffer_store_format_d16_xyz", B64, 3 | MEM_D16),
	STORE_FORMAT(0x87, MUBUF, "buffer_store_format_d16_xyzw", B64, 4 | MEM_D16),
};
GPU_TABLE_COUNT(mubuf);

const struct gpu_op gpu_gfx10_3_mtbuf[] = {
	LOAD_FORMAT(0x00, MTBUF, "tbuffer_load_format_x", B32, 0, 1),
	LOAD_FORMAT(0x01, MTBUF, "tbuffer_load_format_xy", B64, 0, 2),
	LOAD_FORMAT(0x02, MTBUF, "tbuffer_load_format_xyz", B96, 0, 3),
	LOAD_FORMAT(0x03, MTBUF, "tbuffer_load_format_xyzw", B128, 0, 4),
	STORE_FORMAT(0x04, MTBUF, "tbuffer_store_format_x", B32, 1),
	STORE_FORMAT(0x05, MTBUF, "tbuffer_store_format_xy", B64, 2),
	STORE_FORMAT(0x06, MTBUF, "tbuffer_store_format_xyz", B96, 3),
	STORE_FORMAT(0x07, MTBUF, "tbuffer_store_format_xyzw", B128, 4),
	LOAD_FORMAT(0x08, MTBUF, "tbuffer_load_format_d16_x", B32, GPU_OPF_READS_DST, 1 | MEM_D16),
	LOAD_FORMAT(0x09, MTBUF, "tbuffer_load_format_d16_xy", B32, 0, 2 | MEM_D16),
	LOAD_FORMAT(0x0a, MTBUF, "tbuffer_load_format_d16_xyz", B64, GPU_OPF_READS_DST, 3 | MEM_D16),
	LOAD_FORMAT(0x0b, MTBUF, "tbuffer_load_format_d16_xyzw", B64, 0, 4 | MEM_D16),
	STORE_FORMAT(0x0c, MTBUF, "tbuffer_store_format_d16_x", B32, 1 | MEM_D16),
	STORE_FORMAT(0x0d, MTBUF, "tbuffer_store_format_d16_xy", B32, 2 | MEM_D16),
	STORE_FORMAT(0x0e, MTBUF, "tbuffer_store_format_d16_xyz", B64, 3 | MEM_D16),
	STORE_FORMAT(0x0f, MTBUF, "tbuffer_store_format_d16_xyzw", B64, 4 | MEM_D16),
};
GPU_TABLE_COUNT(mtbuf);

/* SPDX-License-Identifier: MIT */
/* Four small kernels of gfx1030, wave32, as LLVM assembles them; each starts at a multiple of 256 bytes. */
#ifndef DF_TESTS_AMD_KERNELS_H
#define DF_TESTS_AMD_KERNELS_H

#include <stdint.h>

static const uint32_t kernel_code[4][64] = {
	{
		/* affine: out[i] = a i + b; s[0:1] out, s2 a, s3 b, s4 workgroup of 64 */
		0xd7460000, 0x04010c04, /* v_lshl_add_u32 v0, s4, 6, v0 */
		0xd5690001, 0x00000500, /* v_mul_lo_u32 v1, v0, s2 */
		0x4a020203,             /* v_add_nc_u32 v1, s3, v1 */
		0x34040082,             /* v_lshlrev_b32 v2, 2, v0 */
		0xdc708000, 0x00000102, /* global_store_dword v2, v1, s[0:1] */
		0xbf810000,             /* s_endpgm */
	},
	{
		/* affine_mem: the same; s[0:1] points at {out, a, b}, s2 workgroup of 64 */
		0xf4080100, 0xfa000000, /* s_load_dwordx4 s[4:7], s[0:1], 0 */
		0xd7460000, 0x04010c02, /* v_lshl_add_u32 v0, s2, 6, v0 */
		0x34040082,             /* v_lshlrev_b32 v2, 2, v0 */
		0xbf8cc07f,             /* s_waitcnt lgkmcnt(0) */
		0xd5690001, 0x00000d00, /* v_mul_lo_u32 v1, v0, s6 */
		0x4a020207,             /* v_add_nc_u32 v1, s7, v1 */
		0xdc708000, 0x00040102, /* global_store_dword v2, v1, s[4:5] */
		0xbf810000,             /* s_endpgm */
	},
	{
		/* step: x[i] = 3 x[i] + a; s[0:1] x, s2 a, s4 workgroup of 64 */
		0xd7460000, 0x04010c04, /* v_lshl_add_u32 v0, s4, 6, v0 */
		0x34040082,             /* v_lshlrev_b32 v2, 2, v0 */
		0xdc308000, 0x01000002, /* global_load_dword v1, v2, s[0:1] */
		0xbf8c3f70,             /* s_waitcnt vmcnt(0) */
		0xd5690001, 0x00010701, /* v_mul_lo_u32 v1, v1, 3 */
		0x4a020202,             /* v_add_nc_u32 v1, s2, v1 */
		0xdc708000, 0x00000102, /* global_store_dword v2, v1, s[0:1] */
		0xbf810000,             /* s_endpgm */
	},
	{
		/* grid: out[3 g ...] = size of the grid; s[0:1] out, s[2:4] size, s5 workgroup g */
		0x7e020202,             /* v_mov_b32 v1, s2 */
		0x7e040203,             /* v_mov_b32 v2, s3 */
		0x7e060204,             /* v_mov_b32 v3, s4 */
		0x93068c05,             /* s_mul_i32 s6, s5, 12 */
		0x7e080206,             /* v_mov_b32 v4, s6 */
		0xbefe0381,             /* s_mov_b32 exec_lo, 1 */
		0xdc7c8000, 0x00000104, /* global_store_dwordx3 v4, v[1:3], s[0:1] */
		0xbf810000,             /* s_endpgm */
	},
};

#endif

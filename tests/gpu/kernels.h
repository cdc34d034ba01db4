/* SPDX-License-Identifier: MIT */
/* kernels.h - gfx1030 code for the tests, assembled by LLVM; the source stands in front of each. */
#ifndef DF_TESTS_GPU_KERNELS_H
#define DF_TESTS_GPU_KERNELS_H

#include <stdint.h>

/* wave32; s[0:1] x, s[2:3] y, s4 a, s5 n, s6 workgroup id: y = a * x + y, 64 threads a group
 *   s_lshl_b32 s7, s6, 6
 *   v_add_nc_u32_e32 v0, s7, v0
 *   v_cmp_gt_u32_e32 vcc_lo, s5, v0
 *   s_and_saveexec_b32 s8, vcc_lo
 *   s_cbranch_execz end
 *   v_lshlrev_b32_e32 v1, 2, v0
 *   global_load_dword v2, v1, s[0:1]
 *   global_load_dword v3, v1, s[2:3]
 *   s_waitcnt vmcnt(0)
 *   v_fmac_f32_e32 v3, s4, v2
 *   global_store_dword v1, v3, s[2:3]
 *   end:
 *   s_endpgm
 */
static const uint32_t k_saxpy[] __attribute__((unused)) = {
	0x8f078606, 0x4a000007, 0x7d880005, 0xbe883c6a, 0xbf880009, 0x34020082, 0xdc308000, 0x02000001,
	0xdc308000, 0x03020001, 0xbf8c3f70, 0x56060404, 0xdc708000, 0x00020301, 0xbf810000,
};

/* wave32; s[0:1] base, s2.. s6: what follows the user SGPRs; v0-v2: every thread appends {s2,s3,s4,s5,s6,v0,v1,v2}
 *   v_mov_b32_e32 v3, 1
 *   v_mov_b32_e32 v4, 0
 *   global_atomic_add v5, v4, v3, s[0:1] glc
 *   v_mov_b32_e32 v6, s2
 *   v_mov_b32_e32 v7, s3
 *   v_mov_b32_e32 v8, s4
 *   v_mov_b32_e32 v9, s5
 *   v_mov_b32_e32 v10, s6
 *   s_waitcnt vmcnt(0)
 *   v_lshlrev_b32_e32 v5, 5, v5
 *   global_store_dwordx4 v5, v[6:9], s[0:1] offset:64
 *   v_mov_b32_e32 v11, v0
 *   v_mov_b32_e32 v12, v1
 *   v_mov_b32_e32 v13, v2
 *   global_store_dwordx4 v5, v[10:13], s[0:1] offset:80
 *   s_endpgm
 */
static const uint32_t k_record[] __attribute__((unused)) = {
	0x7e060281, 0x7e080280, 0xdcc98000, 0x05000304, 0x7e0c0202, 0x7e0e0203, 0x7e100204,
	0x7e120205, 0x7e140206, 0xbf8c3f70, 0x340a0a85, 0xdc788040, 0x00000605, 0x7e160300,
	0x7e180301, 0x7e1a0302, 0xdc788050, 0x00000a05, 0xbf810000,
};

/* wave64, 4 VGPRs, v4 and v5 shared; s[0:1] result: lanes 0-31 write v4, all write v5, lanes 32-63 write v4
 *   v_lshlrev_b32_e32 v1, 2, v0
 *   v_add_nc_u32_e32 v2, 0x100, v0
 *   s_mov_b64 exec, 0xffffffff
 *   v_mov_b32_e32 v4, v2
 *   s_mov_b64 exec, -1
 *   global_store_dword v1, v4, s[0:1]
 *   v_mov_b32_e32 v5, v2
 *   global_store_dword v1, v5, s[0:1] offset:256
 *   v_mov_b32_dpp v4, v2 quad_perm:[0,1,2,3] row_mask:0xc bank_mask:0xf
 *   global_store_dword v1, v4, s[0:1] offset:512
 *   s_endpgm
 */
static const uint32_t k_shared_vgprs[] __attribute__((unused)) = {
	0x34020082, 0x4a0400ff, 0x00000100, 0xbefe04ff, 0xffffffff, 0x7e080302, 0xbefe04c1, 0xdc708000, 0x00000401,
	0x7e0a0302, 0xdc708100, 0x00000501, 0x7e0802fa, 0xcf00e402, 0xdc708200, 0x00000401, 0xbf810000,
};

/* s[0:1] flag, s2 value: ends when the flag has the value
 *   loop:
 *   s_load_dword s3, s[0:1], 0x0 glc
 *   s_waitcnt lgkmcnt(0)
 *   s_cmp_lg_u32 s3, s2
 *   s_cbranch_scc1 loop
 *   s_endpgm
 */
static const uint32_t k_spin[] __attribute__((unused)) = {
	0xf40100c0, 0xfa000000, 0xbf8cc07f, 0xbf070203, 0xbf85fffb, 0xbf810000,
};

/* wave32; s[0:1] counter, s2 groups: adds one and spins until every group has, then adds one to the next dword
 *   s_mov_b32 exec_lo, 1
 *   v_mov_b32_e32 v0, 0
 *   v_mov_b32_e32 v1, 1
 *   global_atomic_add v0, v1, s[0:1]
 *   s_waitcnt_vscnt null, 0x0
 *   loop:
 *   global_load_dword v2, v0, s[0:1] glc dlc
 *   s_waitcnt vmcnt(0)
 *   v_readfirstlane_b32 s3, v2
 *   s_cmp_lt_u32 s3, s2
 *   s_cbranch_scc1 loop
 *   global_atomic_add v0, v1, s[0:1] offset:4
 *   s_endpgm
 */
static const uint32_t k_meet[] __attribute__((unused)) = {
	0xbefe0381, 0x7e000280, 0x7e020281, 0xdcc88000, 0x00000100, 0xbbfd0000, 0xdc319000, 0x02000000,
	0xbf8c3f70, 0x7e060502, 0xbf0a0203, 0xbf85fffa, 0xdcc88004, 0x00000100, 0xbf810000,
};

/* never ends
 *   loop:
 *   s_branch loop
 */
static const uint32_t k_forever[] __attribute__((unused)) = {
	0xbf82ffff,
};

/* an image load, refused by name
 *   image_load v0, v0, s[0:7] dmask:0x1 dim:SQ_RSRC_IMG_1D unorm
 *   s_endpgm
 */
static const uint32_t k_image[] __attribute__((unused)) = {
	0xf0001100,
	0x00000000,
	0xbf810000,
};

/* ends
 *   s_endpgm
 */
static const uint32_t k_end[] __attribute__((unused)) = {
	0xbf810000,
};

/* wave32, two waves, LDS: each thread passes 100 + id to the thread of the other wave; s[0:1] out
 *   v_lshlrev_b32_e32 v1, 2, v0
 *   v_add_nc_u32_e32 v2, 0x64, v0
 *   ds_write_b32 v1, v2
 *   s_waitcnt lgkmcnt(0)
 *   s_barrier
 *   v_xor_b32_e32 v3, 0x80, v1
 *   ds_read_b32 v4, v3
 *   s_waitcnt lgkmcnt(0)
 *   global_store_dword v1, v4, s[0:1]
 *   s_endpgm
 */
static const uint32_t k_exchange[] __attribute__((unused)) = {
	0x34020082, 0x4a0400ff, 0x00000064, 0xd8340000, 0x00000201, 0xbf8cc07f, 0xbf8a0000, 0x3a0602ff,
	0x00000080, 0xd8d80000, 0x04000003, 0xbf8cc07f, 0xdc708000, 0x00000401, 0xbf810000,
};

/* the same without the barrier
 *   v_lshlrev_b32_e32 v1, 2, v0
 *   v_add_nc_u32_e32 v2, 0x64, v0
 *   ds_write_b32 v1, v2
 *   s_waitcnt lgkmcnt(0)
 *   v_xor_b32_e32 v3, 0x80, v1
 *   ds_read_b32 v4, v3
 *   s_waitcnt lgkmcnt(0)
 *   global_store_dword v1, v4, s[0:1]
 *   s_endpgm
 */
static const uint32_t k_exchange_race[] __attribute__((unused)) = {
	0x34020082, 0x4a0400ff, 0x00000064, 0xd8340000, 0x00000201, 0xbf8cc07f, 0x3a0602ff,
	0x00000080, 0xd8d80000, 0x04000003, 0xbf8cc07f, 0xdc708000, 0x00000401, 0xbf810000,
};

/* reads LDS that nothing wrote; s[0:1] out
 *   v_lshlrev_b32_e32 v1, 2, v0
 *   ds_read_b32 v4, v1
 *   s_waitcnt lgkmcnt(0)
 *   global_store_dword v1, v4, s[0:1]
 *   s_endpgm
 */
static const uint32_t k_lds_uninit[] __attribute__((unused)) = {
	0x34020082, 0xd8d80000, 0x04000001, 0xbf8cc07f, 0xdc708000, 0x00000401, 0xbf810000,
};

/* uses a vector load before s_waitcnt vmcnt; s[0:1] buffer
 *   v_lshlrev_b32_e32 v1, 2, v0
 *   global_load_dword v2, v1, s[0:1]
 *   v_add_nc_u32_e32 v2, 1, v2
 *   s_waitcnt vmcnt(0)
 *   s_endpgm
 */
static const uint32_t k_no_wait_vm[] __attribute__((unused)) = {
	0x34020082, 0xdc308000, 0x02000001, 0x4a040481, 0xbf8c3f70, 0xbf810000,
};

/* uses a scalar load before s_waitcnt lgkmcnt; s[0:1] buffer
 *   s_load_dword s3, s[0:1], 0x0
 *   s_add_u32 s4, s3, 1
 *   s_waitcnt lgkmcnt(0)
 *   s_endpgm
 */
static const uint32_t k_no_wait_lgkm[] __attribute__((unused)) = {
	0xf40000c0, 0xfa000000, 0x80048103, 0xbf8cc07f, 0xbf810000,
};

/* reads v5, never written; s[0:1] buffer
 *   v_lshlrev_b32_e32 v1, 2, v0
 *   global_store_dword v1, v5, s[0:1]
 *   s_endpgm
 */
static const uint32_t k_uninit_vgpr[] __attribute__((unused)) = {
	0x34020082,
	0xdc708000,
	0x00000501,
	0xbf810000,
};

/* reads s20, never written
 *   s_mov_b32 s4, s20
 *   s_endpgm
 */
static const uint32_t k_uninit_sgpr[] __attribute__((unused)) = {
	0xbe840314,
	0xbf810000,
};

/* wave32; s[0:1] from, s[2:3] to, s4 workgroup id: copies dwords, 32 threads a group
 *   s_lshl_b32 s5, s4, 5
 *   v_add_nc_u32_e32 v0, s5, v0
 *   v_lshlrev_b32_e32 v1, 2, v0
 *   global_load_dword v2, v1, s[0:1]
 *   s_waitcnt vmcnt(0)
 *   global_store_dword v1, v2, s[2:3]
 *   s_endpgm
 */
static const uint32_t k_copy[] __attribute__((unused)) = {
	0x8f058504, 0x4a000005, 0x34020082, 0xdc308000, 0x02000001, 0xbf8c3f70, 0xdc708000, 0x00020201, 0xbf810000,
};

/* wave32; s[0:1] from, s[2:3] to: one dword through the scalar cache
 *   s_load_dword s5, s[0:1], 0x0
 *   s_mov_b32 exec_lo, 1
 *   v_mov_b32_e32 v0, 0
 *   s_waitcnt lgkmcnt(0)
 *   v_mov_b32_e32 v1, s5
 *   global_store_dword v0, v1, s[2:3]
 *   s_endpgm
 */
static const uint32_t k_scalar_copy[] __attribute__((unused)) = {
	0xf4000140, 0xfa000000, 0xbefe0381, 0x7e000280, 0xbf8cc07f, 0x7e020205, 0xdc708000, 0x00020100, 0xbf810000,
};

/* wave32 or wave64; s[0:1] out: out[v0] = v0
 *   v_lshlrev_b32_e32 v1, 2, v0
 *   global_store_dword v1, v0, s[0:1]
 *   s_endpgm
 */
static const uint32_t k_store_tid[] __attribute__((unused)) = {
	0x34020082,
	0xdc708000,
	0x00000001,
	0xbf810000,
};

#endif

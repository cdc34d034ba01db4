/* SPDX-License-Identifier: MIT */
/*
 * pm4.h - packets and compute registers of gfx10.3, each with where its number comes from. No other file of the encoder
 * holds a bare opcode, offset or bit.
 *
 * Sources, by the tag in brackets:
 *   [nvd]  Linux 6.1, drivers/gpu/drm/amd/amdgpu/nvd.h
 *   [v10]  Linux 6.1, drivers/gpu/drm/amd/amdgpu/gfx_v10_0.c: what the kernel driver itself puts on the rings
 *   [sid]  Mesa 22.3.6, src/amd/common/sid.h
 *   [reg]  Mesa 22.3.6, src/amd/registers/gfx103.json
 *   [pkt]  Mesa 22.3.6, src/amd/registers/pkt3.json
 *   [radv] what Mesa's RADV writes for the same work; a capture of its registers is in tests/amd/
 */
#ifndef DF_AMD_PM4_H
#define DF_AMD_PM4_H

#include <stdint.h>

/* Type-3 header: count is the number of dwords behind the header, less one [sid]. */
#define PM4_SHADER_TYPE_COMPUTE (1u << 1) /* [sid] PKT3_SHADER_TYPE_S */
#define PM4_HEADER(op, count)   (3u << 30 | (uint32_t)(count) << 16 | (uint32_t)(op) << 8)
#define PM4_MAX_COUNT           0x3fffu
/* A header-only NOP: a count of all ones means no body [sid] PKT3_NOP_PAD; [radv] pads compute IBs with it. */
#define PM4_OP(header)       ((header) >> 8 & 0xffu)
#define PM4_BODY_DW(header)  (((header) >> 16 & PM4_MAX_COUNT) + 1)
#define PM4_IS_TYPE3(header) ((header) >> 30 == 3)
#define PM4_NOP_PAD          PM4_HEADER(PM4_NOP, PM4_MAX_COUNT)

/* Opcodes [nvd]; all of them are run by the compute engine's firmware (MEC) as well as by the graphics one. */
enum pm4_op {
	PM4_NOP = 0x10,
	PM4_SET_BASE = 0x11,
	PM4_DISPATCH_DIRECT = 0x15,
	PM4_DISPATCH_INDIRECT = 0x16,
	PM4_WRITE_DATA = 0x37,
	PM4_WAIT_REG_MEM = 0x3c,
	PM4_INDIRECT_BUFFER = 0x3f,
	PM4_COPY_DATA = 0x40,
	PM4_PFP_SYNC_ME = 0x42,
	PM4_EVENT_WRITE = 0x46,
	PM4_RELEASE_MEM = 0x49,
	PM4_DMA_DATA = 0x50,
	PM4_ACQUIRE_MEM = 0x58,
	PM4_LOAD_SH_REG_INDEX = 0x63,
	PM4_SET_SH_REG = 0x76,
	PM4_SET_UCONFIG_REG = 0x79,
};

/* Lengths in dwords, header included. */
enum {
	PM4_SET_REG_DW = 2, /* and one a register */
	PM4_DISPATCH_DIRECT_DW = 5,
	PM4_DISPATCH_INDIRECT_MEC_DW = 4, /* 64-bit address in the packet [radv] */
	PM4_DISPATCH_INDIRECT_GFX_DW = 3, /* offset from a base that SET_BASE set before */
	PM4_SET_BASE_DW = 4,
	PM4_EVENT_WRITE_DW = 2,
	PM4_ACQUIRE_MEM_DW = 8,
	PM4_RELEASE_MEM_DW = 8,
	PM4_DMA_DATA_DW = 7,
	PM4_NOP_DW = 1,        /* and the body */
	PM4_WRITE_DATA_DW = 5, /* of one dword */
	PM4_WRITE_PAIR_DW = 6, /* of two */
	PM4_WAIT_REG_MEM_DW = 7,
	PM4_INDIRECT_BUFFER_DW = 4,
	PM4_LOAD_SH_REG_INDEX_DW = 5,
	PM4_PFP_SYNC_ME_DW = 2,
};

/* EVENT_WRITE, RELEASE_MEM: events [reg] VGT_EVENT_TYPE, and their class [nvd]. */
#define EVENT_CS_PARTIAL_FLUSH       (0x07u | 4u << 8)
#define EVENT_CACHE_FLUSH_AND_INV_TS (0x14u | 5u << 8)
#define EVENT_BOTTOM_OF_PIPE_TS      (0x28u | 5u << 8)

/* ACQUIRE_MEM GCR_CNTL [nvd]. Ranges are left at ALL. */
#define GCR_GLI_INV_ALL           (1u << 0) /* instruction cache */
#define GCR_GLM_WB                (1u << 4) /* metadata cache of images */
#define GCR_GLM_INV               (1u << 5)
#define GCR_GLK_INV               (1u << 7) /* scalar cache */
#define GCR_GLV_INV               (1u << 8) /* vector cache of a CU (L0) */
#define GCR_GL1_INV               (1u << 9) /* cache of a shader array (L1) */
#define GCR_GL2_INV               (1u << 14)
#define GCR_GL2_WB                (1u << 15)
#define ACQUIRE_COHER_SIZE_ALL    0xffffffffu
#define ACQUIRE_COHER_SIZE_HI_ALL 0xffu
#define ACQUIRE_POLL_INTERVAL     10u /* [v10] gfx_v10_0_emit_mem_sync, [radv] */

/* RELEASE_MEM [nvd] */
#define RELEASE_GLM_WB              (1u << 12)
#define RELEASE_GLM_INV             (1u << 13)
#define RELEASE_GL2_WB              (1u << 21)
#define RELEASE_SEQ                 (1u << 22)
#define RELEASE_CACHE_POLICY_BYPASS (3u << 25)
#define RELEASE_DATA_64             (2u << 29)
#define RELEASE_DATA_GPU_CLOCK      (3u << 29)
#define RELEASE_INT_NONE            (0u << 24)
#define RELEASE_DATA_AFTER_CONFIRM  (3u << 24) /* [sid] EOP_INT_SEL_SEND_DATA_AFTER_WR_CONFIRM */

/* DMA_DATA control and command [nvd], [pkt] */
#define DMA_CP_SYNC    (1u << 31)
#define DMA_SRC_DATA   (2u << 29)
#define DMA_SRC_L2     (3u << 29)
#define DMA_DST_L2     (3u << 20)
#define DMA_RAW_WAIT   (1u << 30)
#define DMA_BYTE_COUNT 0x03ffffffu             /* bits 25:0 */
#define DMA_CHUNK_B    (DMA_BYTE_COUNT & ~31u) /* whole 32-byte pieces are fastest [radv] */

/* WRITE_DATA [nvd] */
#define WRITE_DATA_DST_GL2 (2u << 8)
#define WRITE_DATA_CONFIRM (1u << 20)

/* WAIT_REG_MEM [nvd]; its functions 1 to 6 are enum df_compare. */
#define WAIT_MEM           (1u << 4)
#define WAIT_POLL_INTERVAL 4u /* [v10] */

/* INDIRECT_BUFFER [nvd], [sid] S_3F2_CHAIN */
#define IB_CHAIN  (1u << 20)
#define IB_VALID  (1u << 23)
#define IB_MAX_DW 0xfffffu

#define SET_BASE_DISPATCH_INDIRECT 1u /* [sid] */

/* ---- registers, as dword offsets for SET_SH_REG (from 0xb000) and SET_UCONFIG_REG (from 0x30000) [reg] ---- */

#define SH_BASE 0x2c00u
enum sh_reg {
	SH_COMPUTE_START_X = 0x204,
	SH_COMPUTE_NUM_THREAD_X = 0x207,
	SH_COMPUTE_PIPELINESTAT_ENABLE = 0x20a,
	SH_COMPUTE_PGM_LO = 0x20c,
	SH_COMPUTE_PGM_HI = 0x20d,
	SH_COMPUTE_PGM_RSRC1 = 0x212,
	SH_COMPUTE_PGM_RSRC2 = 0x213,
	SH_COMPUTE_RESOURCE_LIMITS = 0x215,
	SH_COMPUTE_DESTINATION_EN_SE0 = 0x216,
	SH_COMPUTE_TMPRING_SIZE = 0x218,
	SH_COMPUTE_DESTINATION_EN_SE2 = 0x219,
	SH_COMPUTE_USER_ACCUM_0 = 0x224,
	SH_COMPUTE_PGM_RSRC3 = 0x228,
	SH_COMPUTE_USER_DATA_0 = 0x240,
	SH_COMPUTE_DISPATCH_TUNNEL = 0x27d,
};
enum uconfig_reg { UCONFIG_CP_COHER_START_DELAY = 0x7b };
#define COHER_START_DELAY_GFX10 0x20u /* [radv] */

/* COMPUTE_DISPATCH_INITIATOR [reg] */
#define INITIATOR_COMPUTE_SHADER_EN  (1u << 0)
#define INITIATOR_FORCE_START_AT_000 (1u << 2)
#define INITIATOR_ORDER_MODE         (1u << 6)  /* waves may start out of order [radv] */
#define INITIATOR_TUNNEL_ENABLE      (1u << 13) /* [radv] on compute rings */
#define INITIATOR_CS_W32_EN          (1u << 15)

/* COMPUTE_PGM_RSRC1 [reg] */
#define RSRC1_VGPRS(x) ((x)&0x3fu)
#define RSRC1_PRIORITY (3u << 10)
#define RSRC1_PRIV     (1u << 20)
#define RSRC1_BULKY    (1u << 24)
#define RSRC1_WGP_MODE (1u << 29)

/* COMPUTE_PGM_RSRC2 [reg] */
#define RSRC2_SCRATCH_EN      (1u << 0)
#define RSRC2_USER_SGPR(x)    (((x) >> 1) & 0x1fu)
#define RSRC2_TRAP_PRESENT    (1u << 6)
#define RSRC2_LDS_SIZE_MASK   (0x1ffu << 15)
#define RSRC2_LDS_GRANULE_B   512u /* [radv] lds_encode_granularity */
#define RSRC2_LDS_SIZE(bytes) (((bytes) + RSRC2_LDS_GRANULE_B - 1) / RSRC2_LDS_GRANULE_B << 15)

/* COMPUTE_RESOURCE_LIMITS [reg] */
#define LIMITS_SIMD_DEST_CNTL    (1u << 22)
#define LIMITS_FORCE_SIMD_DIST   (1u << 23)
#define LIMITS_CU_GROUP_COUNT(x) ((uint32_t)(x) << 24)

/* COMPUTE_TMPRING_SIZE [reg]; a wave's scratch is counted in 256 dwords. */
#define TMPRING_WAVES(x)     ((uint32_t)(x)&0xfffu)
#define TMPRING_WAVES_MAX    0xfffu
#define TMPRING_WAVESIZE(x)  ((uint32_t)(x) << 12)
#define TMPRING_WAVESIZE_MAX 0x1fffu
#define TMPRING_WAVESIZE_B   1024u

/* Buffer descriptor (V#) of scratch memory [reg] SQ_BUF_RSRC_WORD0..3 */
#define V1_BASE_HI(va)     ((uint32_t)((va) >> 32) & 0xffffu)
#define V1_SWIZZLE_ENABLE  (1u << 31)
#define V3_DST_SEL_XYZW    (4u | 5u << 3 | 6u << 6 | 7u << 9)
#define V3_FORMAT_32_FLOAT (22u << 12)
#define V3_INDEX_STRIDE(x) ((uint32_t)(x) << 21) /* 2: 32 lanes, 3: 64 */
#define V3_ADD_TID_ENABLE  (1u << 23)
#define V3_RESOURCE_LEVEL  (1u << 24)
#define V3_OOB_SELECT_NONE (2u << 28) /* unless there are no records */

#define USER_SGPRS 16u

#endif

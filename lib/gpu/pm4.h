/* SPDX-License-Identifier: MIT */
/*
 * pm4.h - PM4 of gfx10.3: opcodes, fields, events.
 *
 * Sources: linux 6.1, drivers/gpu/drm/amd/amdgpu/nvd.h (opcodes, fields); Mesa 22.3.6, src/amd/common/sid.h and
 * src/amd/registers/pkt3.json (fields), gfx103.json (VGT_EVENT_TYPE).
 */
#ifndef DF_GPU_PM4_H
#define DF_GPU_PM4_H

#include "ring.h"

/* clang-format off */
#define PM4_HEADER_FIELDS(F) \
	F(PM4_PREDICATE, 0, 1) F(PM4_SHADER_TYPE, 1, 1) F(PM4_RESET_FILTER_CAM, 2, 1) F(PM4_UNUSED_3, 3, 5) \
	F(PM4_OPCODE, 8, 8) F(PM4_COUNT, 16, 14) F(PM4_TYPE, 30, 2)
#define PM4_PACKET_FIELDS(F) \
	F(SET_REG_OFFSET, 0, 16) F(SET_REG_INDEX, 28, 4) F(IB_SIZE, 0, 20) F(IB_CHAIN, 20, 1) \
	F(IB_PRE_ENA, 21, 1) F(IB_VALID, 23, 1) F(IB_UNUSED_24, 24, 4) F(WRITE_DST_SEL, 8, 4) \
	F(WRITE_ONE_ADDR, 16, 1) F(WRITE_CONFIRM, 20, 1) F(WRITE_ENGINE, 30, 2) F(WRITE_UNUSED_0, 0, 8) \
	F(COPY_SRC_SEL, 0, 4) F(COPY_DST_SEL, 8, 4) F(COPY_COUNT_SEL, 16, 1) F(COPY_CONFIRM, 20, 1) \
	F(COPY_UNUSED_4, 4, 4) F(DMA_ENGINE, 0, 1) F(DMA_DST_SEL, 20, 2) F(DMA_SRC_SEL, 29, 2) \
	F(DMA_CP_SYNC, 31, 1) F(DMA_UNUSED_1, 1, 12) F(DMA_BYTE_COUNT, 0, 26) F(DMA_SAS, 26, 1) \
	F(DMA_DAS, 27, 1) F(DMA_SAIC, 28, 1) F(DMA_DAIC, 29, 1) F(DMA_RAW_WAIT, 30, 1) F(ATOMIC_OP, 0, 7) \
	F(ATOMIC_COMMAND, 8, 2) F(ATOMIC_UNUSED_7, 7, 1) F(ATOMIC_UNUSED_10, 10, 15) F(WAIT_FUNCTION, 0, 3) \
	F(WAIT_MEM_SPACE, 4, 2) F(WAIT_OPERATION, 6, 2) F(WAIT_ENGINE, 8, 2) F(WAIT_UNUSED_3, 3, 1) \
	F(COND_WRITE_FUNCTION, 0, 3) F(COND_WRITE_POLL_SPACE, 4, 1) F(COND_WRITE_WRITE_SPACE, 8, 2) \
	F(EVENT_TYPE, 0, 6) F(EVENT_INDEX, 8, 4) F(EVENT_UNUSED_6, 6, 2) F(RELEASE_GLM_WB, 12, 1) \
	F(RELEASE_GLM_INV, 13, 1) F(RELEASE_GLV_INV, 14, 1) F(RELEASE_GL1_INV, 15, 1) F(RELEASE_GL2_US, 16, 1) \
	F(RELEASE_GL2_RANGE, 17, 2) F(RELEASE_GL2_DISCARD, 19, 1) F(RELEASE_GL2_INV, 20, 1) \
	F(RELEASE_GL2_WB, 21, 1) F(RELEASE_SEQ, 22, 2) F(RELEASE_UNUSED_24, 24, 1) F(RELEASE_UNUSED_31, 31, 1) \
	F(RELEASE_DST_SEL, 16, 2) F(RELEASE_INT_SEL, 24, 3) F(RELEASE_DATA_SEL, 29, 3) \
	F(RELEASE_UNUSED_0, 0, 16) F(GCR_GLI_INV, 0, 2) F(GCR_GL1_RANGE, 2, 2) F(GCR_GLM_WB, 4, 1) \
	F(GCR_GLM_INV, 5, 1) F(GCR_GLK_WB, 6, 1) F(GCR_GLK_INV, 7, 1) F(GCR_GLV_INV, 8, 1) F(GCR_GL1_INV, 9, 1) \
	F(GCR_GL2_US, 10, 1) F(GCR_GL2_RANGE, 11, 2) F(GCR_GL2_DISCARD, 13, 1) F(GCR_GL2_INV, 14, 1) \
	F(GCR_GL2_WB, 15, 1) F(GCR_SEQ, 16, 2) F(GCR_RANGE_IS_PA, 18, 1) F(GCR_UNUSED_19, 19, 13) \
	F(PREDICATION_OP, 16, 3) F(PREDICATION_HINT, 12, 1) F(PREDICATION_VISIBLE, 8, 1) \
	F(PREDICATION_CONTINUE, 31, 1) F(BASE_INDEX, 0, 4) F(EXEC_COUNT, 0, 14) F(PRED_EXEC_MASK, 24, 8) \
	F(CONTROL_UPDATE, 31, 1)
/* clang-format on */
enum pm4_field { PM4_HEADER_FIELDS(GPU_FIELD_CONSTANTS) PM4_PACKET_FIELDS(GPU_FIELD_CONSTANTS) };

/* Values of selector fields. */
enum {
	WRITE_DST_REG = 0,
	WRITE_DST_GRBM = 1,
	WRITE_DST_L2 = 2,
	WRITE_DST_GDS = 3,
	WRITE_DST_MEM = 5,
	COPY_REG = 0,
	COPY_MEM = 1,
	COPY_L2 = 2,
	COPY_GDS = 3,
	COPY_PERF = 4,
	COPY_IMM = 5,
	COPY_DST_MEM = 5,
	COPY_TIMESTAMP = 9,
	DMA_SRC_ADDR = 0,
	DMA_SRC_GDS = 1,
	DMA_SRC_DATA = 2,
	DMA_SRC_L2 = 3,
	DMA_DST_ADDR = 0,
	DMA_DST_GDS = 1,
	DMA_DST_NOWHERE = 2,
	DMA_DST_L2 = 3,
	SPACE_REG = 0,
	SPACE_MEM = 1,
	RELEASE_DATA_NONE = 0,
	RELEASE_DATA_32 = 1,
	RELEASE_DATA_64 = 2,
	RELEASE_DATA_CLOCK = 3,
	RELEASE_DATA_SYSTEM = 4,
	PREDICATION_CLEAR = 0,
	PREDICATION_ZPASS = 1,
	PREDICATION_PRIMCOUNT = 2,
	PREDICATION_BOOL64 = 3,
	PREDICATION_BOOL32 = 4,
	BASE_INDIRECT = 1, /* DRAW/DISPATCH_INDIRECT */
	PM4_NOP_HEADER_ONLY = 0x3fff,
};

/* What an EVENT_WRITE or RELEASE_MEM does with an event. */
enum pm4_event_kind {
	EVENT_NOTHING,  /* caches and counters that compute work does not have here */
	EVENT_FLUSH,    /* earlier launches end first */
	EVENT_WAIT,     /* the same, and RELEASE_MEM may carry it */
	EVENT_GRAPHICS, /* graphics only: nothing on the GFX ring, refused on compute rings */
	EVENT_REFUSED,  /* would write results that the model does not have */
};
/* clang-format off */
#define PM4_EVENTS(E) \
	E(0x01, SAMPLE_STREAMOUTSTATS1, REFUSED) E(0x02, SAMPLE_STREAMOUTSTATS2, REFUSED) \
	E(0x03, SAMPLE_STREAMOUTSTATS3, REFUSED) E(0x04, CACHE_FLUSH_TS, WAIT) E(0x05, CONTEXT_DONE, GRAPHICS) \
	E(0x06, CACHE_FLUSH, NOTHING) E(0x07, CS_PARTIAL_FLUSH, FLUSH) E(0x08, VGT_STREAMOUT_SYNC, GRAPHICS) \
	E(0x0a, VGT_STREAMOUT_RESET, GRAPHICS) E(0x0e, BREAK_BATCH, GRAPHICS) \
	E(0x0f, VS_PARTIAL_FLUSH, GRAPHICS) E(0x10, PS_PARTIAL_FLUSH, GRAPHICS) E(0x12, FLUSH_DFSM, GRAPHICS) \
	E(0x14, CACHE_FLUSH_AND_INV_TS_EVENT, WAIT) E(0x15, ZPASS_DONE, REFUSED) \
	E(0x16, CACHE_FLUSH_AND_INV_EVENT, NOTHING) E(0x17, PERFCOUNTER_START, NOTHING) \
	E(0x18, PERFCOUNTER_STOP, NOTHING) E(0x19, PIPELINESTAT_START, NOTHING) \
	E(0x1a, PIPELINESTAT_STOP, NOTHING) E(0x1b, PERFCOUNTER_SAMPLE, REFUSED) \
	E(0x1e, SAMPLE_PIPELINESTAT, REFUSED) E(0x1f, SO_VGTSTREAMOUT_FLUSH, GRAPHICS) \
	E(0x20, SAMPLE_STREAMOUTSTATS, REFUSED) E(0x23, CS_CONTEXT_DONE, NOTHING) E(0x24, VGT_FLUSH, GRAPHICS) \
	E(0x28, BOTTOM_OF_PIPE_TS, WAIT) E(0x2a, DB_CACHE_FLUSH_AND_INV, GRAPHICS) \
	E(0x2b, FLUSH_AND_INV_DB_DATA_TS, WAIT) E(0x2c, FLUSH_AND_INV_DB_META, GRAPHICS) \
	E(0x2d, FLUSH_AND_INV_CB_DATA_TS, WAIT) E(0x2e, FLUSH_AND_INV_CB_META, GRAPHICS) E(0x2f, CS_DONE, WAIT) \
	E(0x30, PS_DONE, WAIT) E(0x31, FLUSH_AND_INV_CB_PIXEL_DATA, GRAPHICS) \
	E(0x33, THREAD_TRACE_START, REFUSED) E(0x34, THREAD_TRACE_STOP, REFUSED) \
	E(0x35, THREAD_TRACE_MARKER, REFUSED) E(0x37, THREAD_TRACE_FINISH, REFUSED) \
	E(0x38, PIXEL_PIPE_STAT_CONTROL, GRAPHICS) E(0x39, PIXEL_PIPE_STAT_DUMP, REFUSED) \
	E(0x3a, PIXEL_PIPE_STAT_RESET, GRAPHICS) E(0x3d, ENABLE_NGG_PIPELINE, GRAPHICS) \
	E(0x3e, ENABLE_LEGACY_PIPELINE, GRAPHICS)
/* clang-format on */

struct pm4_packet {
	uint8_t opcode;
	const char *name;
	int (*run)(struct gpu_ring *ring, const uint32_t *p, uint32_t n); /* NULL: refused by name */
	uint16_t min_dw, max_dw;                                          /* body */
	bool gfx_only;
};

/* The packets of each file, ended by a row without a name. */
extern const struct pm4_packet pm4_reg_packets[], pm4_mem_packets[], pm4_sync_packets[], pm4_flow_packets[];
/* ce.c: those of the constant engine, and those with which the draw engine meets it. */
extern const struct pm4_packet pm4_ce_packets[], pm4_meet_packets[];

/* Name of a packet, and whether it is refused whatever it holds; of an event, and what it does. NULL: there is none. */
const char *gpu_pm4_name(uint32_t opcode, bool *refused_out);
const char *gpu_pm4_event(uint32_t event, enum pm4_event_kind *kind_out);

int pm4_address_check(struct gpu_ring *ring, const char *packet, uint64_t va, unsigned align_B);
/* Reserved bits: a finding of strict mode. */
void pm4_reserved(struct gpu_ring *ring, const char *packet, uint32_t bits);
int pm4_reg_write(struct gpu_ring *ring, const char *packet, uint32_t offset, uint32_t value);
int pm4_reg_read(struct gpu_ring *ring, const char *packet, uint32_t offset, uint32_t *value_out);
/* Goes on at another IB: instead of the running one (chain), or as a call. */
int pm4_ib_enter(struct gpu_ring *ring, uint64_t va, uint32_t size_dw, bool chain);

#endif

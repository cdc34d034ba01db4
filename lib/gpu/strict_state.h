/* SPDX-License-Identifier: MIT */
/* strict_state.h - what strict mode keeps, shared by its own files. */
#ifndef DF_GPU_STRICT_STATE_H
#define DF_GPU_STRICT_STATE_H

#include "strict_core.h"

enum {
	STRICT_SHADOW_BUCKETS = 4096,
	STRICT_RANGES = 16,
	STRICT_TOLD = 1024,
	STRICT_REGS = 128 + 256, /* scalar operand codes, then VGPRs */
	STRICT_SGPRS = 128,
	STRICT_FLIGHTS = 128, /* as many results as the two counters can tell apart */
};

enum strict_writer { WRITER_NONE, WRITER_SHADER, WRITER_CP };

/*
 * The last write of a dword, packed so that it changes as one: time 32 bits, bytes 4, writer 2, ring 3. Time is the
 * number of the event (launch, CP write, invalidation) in strict mode's own order.
 */
struct strict_page {
	uintptr_t host; /* page number of the host address: aliases of one page share their shadow */
	struct strict_page *next;
	_Atomic uint64_t dword[GPU_PAGE_SIZE / 4];
};

struct strict_range {
	unsigned caches;
	uint32_t time;
	uint64_t base, end;
};

/* Of a ring; changed by its CP only, while no launch that reads it runs or atomically. */
struct strict_ring {
	_Atomic uint32_t invalidated[4]; /* time of the last whole invalidation: GLI, GLK, GLV, GL1 */
	_Atomic uint32_t waited;         /* launches up to here have ended */
	_Atomic uint32_t last_launch;
	_Atomic bool stores; /* shaders of this job have stored to cached memory since the last write-back */
	struct strict_range range[STRICT_RANGES];
	_Atomic unsigned ranges; /* ever; the newest STRICT_RANGES are kept */
};

struct gpu_strict {
	struct gpu *gpu;
	_Atomic uint32_t time;
	pthread_mutex_t lock; /* guards told and insertion into shadow */
	_Atomic(struct strict_page *) shadow[STRICT_SHADOW_BUCKETS];
	struct strict_ring ring[GPU_RING_COUNT];
	uint64_t told[STRICT_TOLD];
};

/* What a result waits for. */
enum { PENDING_VM = 1, PENDING_SMEM = 2, PENDING_LDS = 4 };

/* A load's registers until the s_waitcnt that makes them valid. */
struct strict_flight {
	uint64_t lanes; /* that the load writes; all for scalar registers */
	uint32_t vm_seq, lgkm_seq;
	uint16_t reg;
	uint8_t dwords, pending;
};

struct gpu_strict_wave {
	struct gpu_dispatch *d;
	uint64_t vgpr_set[256]; /* lanes that something wrote */
	uint64_t sgpr_set[2];
	struct strict_flight flight[STRICT_FLIGHTS]; /* oldest first */
	unsigned flights;
	uint8_t in_flight[STRICT_REGS]; /* flights that a register is part of */
	uint32_t vm_issued, lgkm_issued, smem_open;
	uint64_t exec, pc;        /* of the instruction, before it */
	uint32_t since_fp_atomic; /* wait states; 0: none is near */
	unsigned clause_left;     /* instructions that the clause still holds */
	unsigned clause_kind;     /* 0: not known yet */
};

/* Operand codes as register numbers: SGPRs by their code, VGPRs from STRICT_SGPRS on; -1 for what is no register. */
int strict_reg(unsigned code);
unsigned strict_dwords(const struct gpu_wave *w, unsigned operand_kind);
bool strict_is_memory(const struct gpu_inst *in);
bool strict_has_result(const struct gpu_inst *in);

/* strict_flight.c: loads under way. */
void strict_flight_issue(struct gpu_strict_wave *state, const struct gpu_inst *in, unsigned dwords);
void strict_flight_wait(struct gpu_strict_wave *state, const struct gpu_inst *in);
/* What the register waits for in some of these lanes, but for `except`; 0: nothing. */
unsigned strict_flight_pending(const struct gpu_strict_wave *state, int reg, uint64_t lanes, unsigned except);
/* What a result of this memory instruction will wait for. */
unsigned strict_flight_kind(const struct gpu_inst *in);

/* strict_inst.c: rules of single instructions and of their neighbourhood. */
void strict_inst_before(struct gpu_wave *w, const struct gpu_inst *in);

/* False when the same finding of the same launch was told before. */
bool strict_first(struct gpu_strict *strict, enum gpu_finding_kind kind, uint32_t launch, uint64_t place);

#endif

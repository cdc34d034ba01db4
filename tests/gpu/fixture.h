/* SPDX-License-Identifier: MIT */
/* fixture.h - a software GPU with one address space and one block of memory, and packets written by hand. */
#ifndef DF_TESTS_GPU_FIXTURE_H
#define DF_TESTS_GPU_FIXTURE_H

#include "gpu/gpu.h"

#include <pthread.h>

enum {
	FX_SIZE = 4 << 20,
	FX_IB = 0x0, /* offsets in the block */
	FX_CODE = 0x100000,
	FX_DATA = 0x200000,
	FX_FINDINGS = 64,
};
#define FX_VA 0xffff800100000000ull

struct fx {
	struct gpu *gpu;
	struct gpu_vm *vm;
	uint8_t *mem;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	unsigned findings, page_faults;
	struct gpu_finding finding[FX_FINDINGS];
	struct gpu_fault page_fault; /* the last one */
	uint32_t *ib;                /* being written */
	unsigned ib_dw;
	uint64_t ib_va;
};

struct fx_job {
	struct gpu_job job;
	struct gpu_ib ib;
	struct fx *fx;
	bool done;
	struct gpu_fault result;
};

void fx_init(struct fx *fx, bool strict, bool fault_stops);
void fx_finish(struct fx *fx);
static inline uint32_t *fx_data(struct fx *fx)
{
	return (uint32_t *)(fx->mem + FX_DATA);
}
#define FX_DATA_VA (FX_VA + FX_DATA)
#define FX_CODE_VA (FX_VA + FX_CODE)

/* Starts writing an IB at an offset of the block. */
void fx_ib(struct fx *fx, uint32_t offset);
void fx_dw(struct fx *fx, uint32_t dw);
void fx_packet(struct fx *fx, unsigned opcode, unsigned n, const uint32_t *body);
#define FX_PACKET(fx, opcode, ...)                                                                                     \
	fx_packet(fx, opcode, sizeof((uint32_t[]){__VA_ARGS__}) / 4, (uint32_t[]){__VA_ARGS__})
/* Pads to eight dwords with NOP. */
void fx_pad(struct fx *fx);

/* Submits what fx_ib() began; fx_wait() gives up after ten seconds (and fails the test). */
void fx_submit(struct fx *fx, struct fx_job *job, enum gpu_ring_type type, unsigned instance);
struct gpu_fault fx_wait(struct fx_job *job);
bool fx_done_within(struct fx_job *job, unsigned ms);
struct gpu_fault fx_run(struct fx *fx, enum gpu_ring_type type);

/* What a launch needs, by registers; zero fields take the defaults of fx_launch_default(). */
struct fx_launch {
	uint64_t code;
	uint32_t block[3], grid[3], start[3], partial[3];
	unsigned vgprs, user_count;
	uint32_t user[16];
	uint32_t rsrc2; /* further bits */
	uint32_t rsrc1; /* further bits */
	uint32_t rsrc3;
	uint32_t initiator; /* further bits */
	uint32_t tmpring;
	bool wave64;
};
enum {
	FX_TGID_X = 1 << 7,
	FX_TGID_Y = 1 << 8,
	FX_TGID_Z = 1 << 9,
	FX_TG_SIZE = 1 << 10,
	FX_SCRATCH = 1,
	FX_TID_Y = 1 << 11,
	FX_TID_Z = 2 << 11,
	FX_LDS_1K = 2 << 15,
	FX_PARTIAL = 2,
	FX_THREADS = 1 << 5,
};
/* Copies code to the block (256-byte slots) and gives its address. */
uint64_t fx_code(struct fx *fx, unsigned slot, const uint32_t *code, size_t size_B);
#define FX_CODE_OF(fx, slot, kernel) fx_code(fx, slot, kernel, sizeof(kernel))
void fx_state(struct fx *fx, const struct fx_launch *launch);
void fx_dispatch(struct fx *fx, const struct fx_launch *launch);
/* CS_PARTIAL_FLUSH; ACQUIRE_MEM of everything with these GCR bits. */
void fx_flush(struct fx *fx);
void fx_acquire(struct fx *fx, uint32_t gcr);
enum { FX_GCR_ALL = 0xc3b1 };

unsigned fx_found(struct fx *fx, enum gpu_finding_kind kind);

/* Opcodes used by tests. */
enum {
	P_NOP = 0x10,
	P_SET_BASE = 0x11,
	P_CLEAR_STATE = 0x12,
	P_DISPATCH_DIRECT = 0x15,
	P_DISPATCH_INDIRECT = 0x16,
	P_ATOMIC_MEM = 0x1e,
	P_SET_PREDICATION = 0x20,
	P_COND_EXEC = 0x22,
	P_PRED_EXEC = 0x23,
	P_CONTEXT_CONTROL = 0x28,
	P_DRAW_INDEX_AUTO = 0x2d,
	P_WRITE_DATA = 0x37,
	P_WAIT_REG_MEM = 0x3c,
	P_INDIRECT_BUFFER = 0x3f,
	P_COPY_DATA = 0x40,
	P_PFP_SYNC_ME = 0x42,
	P_COND_WRITE = 0x45,
	P_EVENT_WRITE = 0x46,
	P_EVENT_WRITE_EOP = 0x47,
	P_RELEASE_MEM = 0x49,
	P_DMA_DATA = 0x50,
	P_ACQUIRE_MEM = 0x58,
	P_PRIME_UTCL2 = 0x5d,
	P_LOAD_SH_REG_INDEX = 0x63,
	P_SET_CONFIG_REG = 0x68,
	P_SET_CONTEXT_REG = 0x69,
	P_SET_SH_REG = 0x76,
	P_SET_UCONFIG_REG = 0x79,
	P_SET_UCONFIG_REG_INDEX = 0x7a,
	P_WAIT_REG_MEM64 = 0x93,
	P_SET_SH_REG_INDEX = 0x9b,
	EV_CS_PARTIAL_FLUSH = 0x407,
	EV_BOTTOM_OF_PIPE = 0x528,
};
static inline uint32_t lo(uint64_t va)
{
	return (uint32_t)va;
}
static inline uint32_t hi(uint64_t va)
{
	return (uint32_t)(va >> 32);
}

#endif

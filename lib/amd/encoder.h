/* SPDX-License-Identifier: MIT */
/*
 * encoder.h - what the gfx10.3 encoder keeps of kernels and of the stream it writes.
 *
 * Delta state. Everything that the compute hardware takes from registers is in struct amd_state, as of the last packet
 * of the stream; a launch writes only what differs from it. At the beginning of a stream nothing is known (rings are
 * shared with other processes), so the first launch writes all of it. A launch with patch points writes what is patched
 * in full and marks it unknown, because the CPU may change it later behind the encoder's back.
 */
#ifndef DF_AMD_ENCODER_H
#define DF_AMD_ENCODER_H

#include <stdatomic.h>

#include "amd/pm4.h"
#include "core/batch.h"
#include "core/code.h"
#include "core/kernel.h"

/* Registers that belong to a kernel, in the order of their offsets; amd_groups says which lie side by side. */
enum amd_reg {
	REG_NUM_THREAD_X,
	REG_NUM_THREAD_Y,
	REG_NUM_THREAD_Z,
	REG_PGM_LO,
	REG_PGM_HI,
	REG_RSRC1,
	REG_RSRC2,
	REG_LIMITS,
	REG_TMPRING,
	REG_RSRC3,
	REG_COUNT,
};

struct amd_device {
	atomic_uint scratch_wave_B; /* the most that a wave of any kernel made so far takes */
};

struct amd_kernel {
	struct df_kernel base;    /* first */
	uint32_t regs[REG_COUNT]; /* TMPRING is the batch's; RSRC2 without the LDS of DF_ARG_LOCAL arguments */
	uint32_t initiator;
	/* Short path: all arguments are dwords that go to user SGPRs side by side, and nothing else varies by launch.
	 */
	bool simple;
	uint8_t inline_sgpr, inline_dw;
	bool inline_quads;     /* inline_dw is a multiple of 4, not 0 */
	uint16_t inline_at_dw; /* in the argument block */

	uint16_t sgpr_mask;      /* user SGPRs that the kernel takes */
	uint32_t scratch_wave_B; /* 0: none */
	uint32_t stack_B;        /* scratch of a work-item */
	uint32_t block_B;        /* of the argument block in memory, 0: none; a multiple of 4 */
	uint32_t block_align_B;
	uint32_t window_hi32; /* argument blocks must lie here; 0: anywhere */
	bool needs_grid;      /* something of the argument block or the packet depends on the grid */
	bool has_local;       /* DF_ARG_LOCAL arguments */
	bool has_hidden;
	bool has_packet; /* DISPATCH_PTR */
	bool has_grid_sgprs, has_grid_ptr;
};

/* A block in argument memory that the next launch may use again when its bytes are the same. */
struct amd_block {
	bool known;
	uint32_t size_B;
	uint64_t va;
};

#define AMD_PACKET_B 64u /* AQL dispatch packet */
#define AMD_GRID_B   12u

struct amd_state {
	bool regs_known;
	uint16_t ud_known; /* user SGPRs whose value is known */
	uint32_t regs[REG_COUNT];
	uint32_t ud[USER_SGPRS];
	uint32_t grid[3]; /* last that was found good */
};

struct amd_batch {
	struct df_batch base; /* first */
	struct amd_state state;
	/* The control dword of the last DMA packet since something waited for DMA, and what it holds. */
	uint32_t *dma_control;
	uint32_t dma_value;
	bool on_gfx_ring;

	uint32_t scratch_wave_B; /* of the open scratch BO, base.own[own_count - 1] */
	uint32_t scratch_waves;

	struct amd_block kernarg, packet, grid;
	uint32_t kernarg_bytes[DF_IMAGE_MAX_ARGS_B / 4 + 1];
	uint32_t packet_bytes[AMD_PACKET_B / 4];
	uint32_t grid_bytes[AMD_GRID_B / 4];
	uint32_t ring_bytes[4]; /* the scratch descriptor that RADV's code loads */
	struct amd_block ring;
};

static inline struct amd_batch *amd_batch_of(struct df_batch *batch)
{
	return (struct amd_batch *)(void *)batch;
}

static inline const struct amd_kernel *amd_kernel_of(const struct df_kernel *kernel)
{
	return (const struct amd_kernel *)(const void *)kernel;
}

/* kernel.c */
int amd_kernel_init(struct df_kernel *kernel);
uint32_t amd_groups_resident(const struct df_kernel *kernel);

/* scratch.c */
int amd_scratch_room(struct amd_batch *batch, uint32_t wave_B);
void amd_scratch_finish(struct df_batch *batch);
int amd_scratch_reserve(struct df_batch *batch);
uint32_t amd_scratch_tmpring(const struct amd_batch *batch);
/* V# of the batch's scratch memory for waves of wave_size. */
void amd_scratch_descriptor(const struct amd_batch *batch, uint32_t wave_size, uint32_t words[4]);

/* launch.c */
#define AMD_LAUNCH_MAX_DW 64u
int amd_launch(struct df_batch *batch, struct df_kernel *kernel, const uint32_t grid[3], const void *args,
	       size_t args_size_B);
int amd_launch_indirect(struct df_batch *batch, struct df_kernel *kernel, uint64_t grid_va, const void *args,
			size_t args_size_B);

/* commands.c */
#define AMD_BEGIN_MAX_DW   64u
#define AMD_RESTART_MAX_DW 64u /* without padding */
void amd_begin(struct df_batch *batch);
void amd_end(struct df_batch *batch);
int amd_barrier(struct df_batch *batch);
int amd_restart(struct df_batch *batch);
int amd_copy(struct df_batch *batch, uint64_t to, uint64_t from, uint64_t bytes);
int amd_fill(struct df_batch *batch, uint64_t to, uint32_t value, uint64_t bytes);
int amd_timestamp(struct df_batch *batch, uint64_t to);
int amd_write(struct df_batch *batch, uint64_t to, uint32_t value);
int amd_wait(struct df_batch *batch, uint64_t va, enum df_compare compare, uint32_t value, uint32_t mask);
void amd_chain(uint32_t *dw, uint64_t va);

uint32_t *amd_wait_waves(uint32_t *dw);
/* What the host and earlier jobs wrote is seen from here on, and all that was written before is behind the caches. */
uint32_t *amd_acquire_all(uint32_t *dw);
/* Two dwords side by side. */
uint32_t *amd_write_pair(uint32_t *dw, uint64_t to, uint32_t first, uint32_t second);

/* copies.c */
unsigned amd_copies_dw(const struct df_copy_range *ranges, unsigned count);
uint32_t *amd_copies(uint32_t *dw, const struct df_copy_range *ranges, unsigned count, bool fresh);

/* filter.c */
uint64_t amd_next_marker(const struct df_batch *batch, uint64_t finished);
int amd_filter(struct df_batch *batch, const struct df_filter *filter, struct df_stream *stream);

/* Everything recorded before is done with DMA before the next packet: see commands.c. */
void amd_dma_sync(struct amd_batch *batch);

static inline uint32_t amd_lo(uint64_t value)
{
	return (uint32_t)value;
}

static inline uint32_t amd_hi(uint64_t value)
{
	return (uint32_t)(value >> 32);
}

static inline uint32_t amd_align(uint32_t value, uint32_t align)
{
	return (value + align - 1) & ~(align - 1);
}

#endif

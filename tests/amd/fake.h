/* SPDX-License-Identifier: MIT */
/*
 * fake.h - what the encoder's unit tests stand on: a device whose memory is the host's (no kernel, no GPU), a builder
 * of kernel images, and a reader of PM4 that shares nothing with the encoder and keeps the whole register state.
 */
#ifndef DF_TESTS_AMD_FAKE_H
#define DF_TESTS_AMD_FAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/internal.h"
#include "drumfire.h"
#include "drumfire_image.h"

/* ---- device ---- */

struct df_device *fake_device(void);
/* Before anything is made of it. */
void fake_set_max_ib(struct df_device *device, uint32_t dw);
void fake_device_free(struct df_device *device);
/* Host memory behind a GPU address, NULL when [va, va + bytes) is not mapped. */
void *fake_at(struct df_device *device, uint64_t va, uint64_t bytes);
/* BOs created so far; and make the n-th next one fail with -ENOMEM (0: never). */
unsigned fake_bo_count(void);
void fake_fail_bo(unsigned n);

/* ---- images ---- */

struct fake_kernel {
	const char *name;
	struct df_image_kernel k; /* name, ranges of tables and zero fields are filled in */
	struct df_image_arg args[24];
	unsigned arg_count;
	struct df_image_sgpr sgprs[16];
	unsigned sgpr_count;
};

/* A kernel in the manner of RADV: 32 bytes of arguments in user SGPRs 2 to 9, wave64. */
struct fake_kernel fake_saxpy(void);
/* A kernel in the manner of clang for HSA: a pointer to its argument block in SGPRs 0 and 1. */
struct fake_kernel fake_kernarg(void);
/* The image in malloc()ed memory. code NULL: 256 bytes of s_endpgm a kernel. */
void *fake_image(const struct fake_kernel *kernels, unsigned count, const char *target, const void *code,
		 uint32_t code_size_B, size_t *size_out);
/* Creates the code, fails the test when it cannot. */
struct df_code *fake_code(struct df_device *device, const struct fake_kernel *kernels, unsigned count);
struct df_kernel *fake_first(struct df_code *code);

/* ---- reading a stream ---- */

#define PM4_REGS 0x400u

enum pm4_event {
	PM4_EV_DISPATCH,
	PM4_EV_INDIRECT,
	PM4_EV_FLUSH,   /* CS_PARTIAL_FLUSH */
	PM4_EV_ACQUIRE, /* value: GCR_CNTL */
	PM4_EV_RELEASE,
	PM4_EV_DMA,
	PM4_EV_WRITE,
	PM4_EV_WAIT,
	PM4_EV_CHAIN,
	PM4_EV_LOAD,    /* registers from memory */
	PM4_EV_UCONFIG, /* body: offset, value */
	PM4_EV_NOTE,    /* NOP with a body */
	PM4_EV_BASE,    /* SET_BASE */
};

struct pm4_state {
	uint32_t reg[PM4_REGS];
	bool known[PM4_REGS];
};

struct pm4_record {
	enum pm4_event event;
	uint32_t body[8]; /* of the packet, without header */
	uint32_t header;
	uint64_t va;
	const struct pm4_state *state; /* dispatches: all registers as they are then; valid during the callback */
};

typedef void (*pm4_callback)(void *user, const struct pm4_record *record);
/* NULL, or what is wrong with the stream. Counts its IBs and dwords. */
const char *pm4_read(struct df_device *device, uint64_t va, uint32_t dw, pm4_callback callback, void *user,
		     unsigned *ibs_out, uint64_t *dw_out);
/* Of a sealed batch. */
const char *pm4_read_batch(struct df_batch *batch, pm4_callback callback, void *user);

#endif

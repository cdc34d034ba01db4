/* SPDX-License-Identifier: MIT */
/*
 * mem_rig.h - one wave with memory, LDS and registers, to run single memory instructions on the model.
 *
 * The rig's memory is RIG_PAGES pages at RIG_VA whose host pages lie in reverse order, so that nothing gets by with
 * host addresses that follow each other. Page RIG_RO_PAGE is read-only, RIG_PRT_PAGE is PRT; around it is nothing.
 */
#ifndef TEST_MEM_RIG_H
#define TEST_MEM_RIG_H

#include "gpu/internal.h"

#define RIG_VA       0x00007f0012340000ull
#define RIG_PAGES    32
#define RIG_SIZE     (RIG_PAGES * 4096u)
#define RIG_RO_PAGE  20
#define RIG_PRT_PAGE 22
#define RIG_LDS      8192u
#define RIG_PRIVATE  (0x1000ull << 48)
#define RIG_SHARED   (0x2000ull << 48)

struct mem_rig {
	struct gpu *gpu;
	struct gpu_vm *vm;
	struct gpu_thread thread;
	uint8_t *host;
	uint32_t *vgpr;
	struct gpu_group group;
	struct gpu_wave w;
	unsigned page_faults;
};

void mem_rig_init(struct mem_rig *rig, bool fault_stops);
void mem_rig_finish(struct mem_rig *rig);
/* Host address of a byte of the rig's memory. */
uint8_t *mem_rig_host(const struct mem_rig *rig, uint64_t offset);
/* Decodes and runs one instruction of two dwords. */
enum gpu_step mem_rig_run(struct mem_rig *rig, const uint32_t words[2]);

#endif

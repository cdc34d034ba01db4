/* SPDX-License-Identifier: MIT */
/* mem_rig.c - one wave with memory, LDS and registers. */
#include "isa/mem_rig.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static void count_fault(void *user, struct gpu_vm *vm, const struct gpu_fault *fault)
{
	struct mem_rig *rig = user;

	ck_assert_ptr_eq(vm, rig->vm);
	ck_assert_int_eq(fault->status, GPU_FAULT_PAGE);
	rig->page_faults++;
}

uint8_t *mem_rig_host(const struct mem_rig *rig, uint64_t offset)
{
	return rig->host + (RIG_PAGES - 1 - offset / 4096) * 4096 + offset % 4096;
}

static void map_pages(struct mem_rig *rig)
{
	for (unsigned page = 0; page < RIG_PAGES; page++) {
		unsigned access = page == RIG_RO_PAGE    ? GPU_READ
				  : page == RIG_PRT_PAGE ? GPU_READ | GPU_WRITE | GPU_PTE_PRT
							 : GPU_READ | GPU_WRITE;
		void *host = page == RIG_PRT_PAGE ? NULL : mem_rig_host(rig, page * 4096ull);

		ck_assert_int_eq(gpu_vm_map(rig->vm, RIG_VA + page * 4096ull, 4096, host, access, GPU_MTYPE_NC), 0);
	}
}

void mem_rig_init(struct mem_rig *rig, bool fault_stops)
{
	struct gpu_config config = {.target = gpu_target_find("gfx1030"),
				    .threads = 1,
				    .user = rig,
				    .page_fault = count_fault,
				    .fault_stops = fault_stops};

	memset(rig, 0, sizeof(*rig));
	ck_assert_int_eq(gpu_create(&config, &rig->gpu), 0);
	ck_assert_int_eq(gpu_vm_create(rig->gpu, &rig->vm), 0);
	rig->host = aligned_alloc(4096, RIG_SIZE);
	rig->vgpr = aligned_alloc(64, 256 * 64 * sizeof(uint32_t));
	rig->group.lds = aligned_alloc(64, RIG_LDS + 64);
	ck_assert_ptr_nonnull(rig->host);
	ck_assert_ptr_nonnull(rig->vgpr);
	ck_assert_ptr_nonnull(rig->group.lds);
	memset(rig->vgpr, 0, 256 * 64 * sizeof(uint32_t));
	rig->group.lds_size_B = RIG_LDS;
	map_pages(rig);
	gpu_thread_init(&rig->thread, rig->gpu);
	gpu_thread_enter(&rig->thread, rig->vm);
	rig->w.vgpr = rig->vgpr;
	rig->w.vgpr_count = 256;
	rig->w.lanes = 32;
	rig->w.lane_shift = 5;
	rig->w.group = &rig->group;
	rig->w.tlb = &rig->thread.tlb;
	rig->w.gpu = rig->gpu;
	rig->w.pc = 0x10000;
	rig->w.private_aperture = RIG_PRIVATE;
	rig->w.shared_aperture = RIG_SHARED;
}

void mem_rig_finish(struct mem_rig *rig)
{
	gpu_thread_leave(&rig->thread);
	gpu_thread_finish(&rig->thread);
	gpu_vm_destroy(rig->vm);
	gpu_destroy(rig->gpu);
	free(rig->host);
	free(rig->vgpr);
	free(rig->group.lds);
}

enum gpu_step mem_rig_run(struct mem_rig *rig, const uint32_t words[2])
{
	const uint32_t dw[5] = {words[0], words[1]};
	const char *why = "";
	struct gpu_inst in;
	unsigned size = gpu_isa_decode(&gpu_isa_gfx10_3, dw, 5, &in, &why);

	ck_assert_msg(size == 2, "%08x %08x: %s", words[0], words[1], why);
	ck_assert_msg(in.exec != NULL, "%s is refused", in.op->name);
	rig->w.pc += 8;
	return in.exec(&rig->w, &in);
}

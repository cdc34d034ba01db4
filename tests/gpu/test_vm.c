/* SPDX-License-Identifier: MIT */
/* test_vm.c - mapping, splitting, translation caches, flush. */
#include "fixture.h"
#include "gpu/isa.h"
#include "kernels.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096ull
#define RW   (GPU_READ | GPU_WRITE)
#define MIB  (1024ull * 1024)

static struct fx fx;
static struct gpu_tlb tlb;

static void setup(void)
{
	fx_init(&fx, false, true);
	gpu_tlb_init(&tlb, fx.vm);
}

static void teardown(void)
{
	fx_finish(&fx);
}

static int read32(uint64_t va, uint32_t *out)
{
	struct gpu_fault fault;

	return gpu_tlb_read(&tlb, va, out, 4, &fault);
}

static const struct {
	uint64_t va, size_B;
	unsigned access;
	int mtype, host_offset;
} bad[] = {
	{0x1001, PAGE, RW, 0, 0},
	{0x1000, PAGE + 1, RW, 0, 0},
	{0x1000, 0, RW, 0, 0},
	{0x1000, PAGE, RW, 4, 0},
	{0x1000, PAGE, 16, 0, 0},
	{0x1000, PAGE, RW, 0, 8},
	{0x800000000000, PAGE, RW, 0, 0},
	{0x7ffffffff000, 2 * PAGE, RW, 0, 0},
	{0xfffffffffffff000, 2 * PAGE, RW, 0, 0},
};

START_TEST(map_rejects)
{
	ck_assert_int_eq(gpu_vm_map(fx.vm, bad[_i].va, bad[_i].size_B, fx.mem + bad[_i].host_offset, bad[_i].access,
				    (enum gpu_mtype)bad[_i].mtype),
			 -EINVAL);
}
END_TEST

START_TEST(map_needs_host)
{
	ck_assert_int_eq(gpu_vm_map(fx.vm, 0x1000, PAGE, NULL, RW, GPU_MTYPE_NC), -EINVAL);
	ck_assert_int_eq(gpu_vm_map(fx.vm, 0x1000, PAGE, NULL, GPU_PTE_PRT, GPU_MTYPE_NC), 0);
}
END_TEST

/* Large leaves are split by maps and unmaps of any part, and what stays is what was there. */
START_TEST(random_maps_agree_with_a_list)
{
	enum { PAGES = 2048, ROUNDS = 400 };
	static uint32_t expect[PAGES];                 /* page of the block + 1 */
	const uint64_t base = 0x40000000 - 700 * PAGE; /* over a 1 GiB border */

	memset(expect, 0, sizeof(expect));
	srand(1);
	for (unsigned i = 0; i < FX_SIZE / PAGE; i++)
		*(uint32_t *)(fx.mem + i * PAGE) = i + 1;
	for (unsigned round = 0; round < ROUNDS; round++) {
		const unsigned host_pages = FX_SIZE / PAGE;
		unsigned first = (unsigned)rand() % PAGES, n = 1 + (unsigned)rand() % (PAGES - first);

		if (n > host_pages)
			n = host_pages;
		if (rand() % 3) {
			const unsigned host = (unsigned)rand() % (host_pages - n + 1);

			ck_assert_int_eq(gpu_vm_map(fx.vm, base + first * PAGE, n * PAGE, fx.mem + host * PAGE, RW,
						    GPU_MTYPE_NC),
					 0);
			for (unsigned i = 0; i < n; i++)
				expect[first + i] = host + i + 1;
		} else {
			gpu_vm_unmap(fx.vm, base + first * PAGE, n * PAGE);
			for (unsigned i = 0; i < n; i++)
				expect[first + i] = 0;
		}
		if (round % 16 == 0)
			gpu_vm_flush(fx.vm);
		for (unsigned i = 0; i < PAGES; i += 1 + (unsigned)rand() % 8) {
			uint32_t value = 0;
			const int ret = read32(base + i * PAGE, &value);

			ck_assert_int_eq(ret, expect[i] ? 0 : -EFAULT);
			ck_assert_uint_eq(value, expect[i]);
		}
	}
}
END_TEST

START_TEST(two_mib_leaf_is_split)
{
	uint32_t value;

	ck_assert_int_eq(gpu_vm_map(fx.vm, 2 * MIB, 2 * MIB, fx.mem, RW, GPU_MTYPE_NC), 0);
	((uint32_t *)(fx.mem + PAGE))[0] = 77;
	gpu_vm_unmap(fx.vm, 2 * MIB, PAGE);
	ck_assert_int_eq(read32(2 * MIB, &value), -EFAULT);
	ck_assert_int_eq(read32(2 * MIB + PAGE, &value), 0);
	ck_assert_uint_eq(value, 77);
	ck_assert_int_eq(read32(4 * MIB, &value), -EFAULT);
}
END_TEST

START_TEST(access_bits)
{
	struct gpu_fault fault;
	uint32_t value = 1;

	ck_assert_int_eq(gpu_vm_map(fx.vm, 0x1000, PAGE, fx.mem, GPU_READ, GPU_MTYPE_NC), 0);
	ck_assert_int_eq(gpu_tlb_read(&tlb, 0x1000, &value, 4, &fault), 0);
	ck_assert_int_eq(gpu_tlb_write(&tlb, 0x1000, &value, 4, &fault), -EFAULT);
	ck_assert_int_eq(fault.status, GPU_FAULT_PAGE);
	ck_assert_uint_eq(fault.address, 0x1000);
	ck_assert_uint_eq(fault.access, GPU_WRITE);
	ck_assert_ptr_null(gpu_tlb_ptr(&tlb, 0x1000, 4, GPU_EXEC, &fault));
	ck_assert_int_eq(fault.status, GPU_FAULT_PAGE);
}
END_TEST

START_TEST(page_crossing)
{
	uint8_t out[64], in[64];
	struct gpu_fault fault;

	for (unsigned i = 0; i < 64; i++)
		in[i] = (uint8_t)(i + 1);
	ck_assert_int_eq(gpu_vm_map(fx.vm, 0x1000, PAGE, fx.mem + 3 * PAGE, RW, GPU_MTYPE_NC), 0);
	ck_assert_int_eq(gpu_vm_map(fx.vm, 0x2000, PAGE, fx.mem, RW, GPU_MTYPE_NC), 0);
	ck_assert_int_eq(gpu_tlb_write(&tlb, 0x1fe3, in, 64, &fault), 0);
	ck_assert_int_eq(gpu_tlb_read(&tlb, 0x1fe3, out, 64, &fault), 0);
	ck_assert_mem_eq(in, out, 64);
	ck_assert_mem_eq(fx.mem, in + 0x1d, 64 - 0x1d);
	ck_assert_ptr_null(gpu_tlb_ptr(&tlb, 0x1fe3, 64, GPU_READ, &fault));
	ck_assert_int_eq(fault.status, GPU_DONE);
	ck_assert_int_eq(gpu_tlb_read(&tlb, 0x2fff, out, 2, &fault), -EFAULT);
	ck_assert_uint_eq(fault.address, 0x3000);
}
END_TEST

START_TEST(prt_reads_zero)
{
	uint32_t value = 5;
	struct gpu_fault fault;

	ck_assert_int_eq(gpu_vm_map(fx.vm, 0x1000, PAGE, NULL, GPU_PTE_PRT | RW, GPU_MTYPE_NC), 0);
	ck_assert_int_eq(gpu_tlb_write(&tlb, 0x1000, &value, 4, &fault), 0);
	ck_assert_int_eq(gpu_tlb_read(&tlb, 0x1000, &value, 4, &fault), 0);
	ck_assert_uint_eq(value, 0);
	ck_assert_uint_eq(fx.page_faults, 0);
}
END_TEST

START_TEST(not_canonical)
{
	uint32_t value;

	ck_assert_int_eq(gpu_vm_map(fx.vm, 0x1000, PAGE, fx.mem, RW, GPU_MTYPE_NC), 0);
	ck_assert_int_eq(read32(0x1000 | 1ull << 48, &value), -EFAULT);
	ck_assert_int_eq(read32(0x1000 | 1ull << 63, &value), -EFAULT);
	ck_assert_int_eq(read32(0x1000, &value), 0);
}
END_TEST

/* A launch spins on a flag; another mapping goes away and flush returns while it runs. */
START_TEST(flush_beside_a_running_wave)
{
	struct fx_launch l = {.user_count = 3};
	struct fx_job job;

	ck_assert_int_eq(gpu_vm_map(fx.vm, 0x1000, PAGE, fx.mem, RW, GPU_MTYPE_NC), 0);
	l.code = FX_CODE_OF(&fx, 0, k_spin);
	l.user[0] = lo(FX_DATA_VA);
	l.user[1] = hi(FX_DATA_VA);
	l.user[2] = 9;
	fx_dispatch(&fx, &l);
	fx_submit(&fx, &job, GPU_RING_COMPUTE, 0);
	for (unsigned i = 0; i < 100; i++) {
		gpu_vm_unmap(fx.vm, 0x1000, PAGE);
		gpu_vm_flush(fx.vm);
		ck_assert_int_eq(gpu_vm_map(fx.vm, 0x1000, PAGE, fx.mem, RW, GPU_MTYPE_NC), 0);
	}
	ck_assert(!fx_done_within(&job, 20));
	__atomic_store_n(fx_data(&fx), 9, __ATOMIC_RELEASE);
	ck_assert_int_eq(fx_wait(&job).status, GPU_DONE);
}
END_TEST

/* The flag's page is unmapped under the spinning wave: it faults and the job ends. */
START_TEST(unmap_under_a_running_wave)
{
	struct fx_launch l = {.user_count = 3};
	struct gpu_fault fault;
	struct fx_job job;

	ck_assert_int_eq(gpu_vm_map(fx.vm, 0x1000, PAGE, fx.mem + FX_DATA, RW, GPU_MTYPE_NC), 0);
	l.code = FX_CODE_OF(&fx, 0, k_spin);
	l.user[0] = 0x1000;
	l.user[2] = 9;
	fx_dispatch(&fx, &l);
	fx_submit(&fx, &job, GPU_RING_COMPUTE, 0);
	ck_assert(!fx_done_within(&job, 10));
	gpu_vm_unmap(fx.vm, 0x1000, PAGE);
	gpu_vm_flush(fx.vm);
	fault = fx_wait(&job);
	ck_assert_int_eq(fault.status, GPU_FAULT_PAGE);
	ck_assert_uint_eq(fault.address, 0x1000);
	ck_assert_uint_eq(fault.pc, l.code);
	ck_assert_uint_eq(fault.access, GPU_READ);
}
END_TEST

/* The allocator often gives the freed address space's place to the next one. */
START_TEST(a_new_space_has_nothing_of_the_old)
{
	for (unsigned round = 0; round < 32; round++) {
		uint32_t *page = (uint32_t *)(void *)(fx.mem + (8 + round) * PAGE);

		gpu_vm_destroy(fx.vm);
		ck_assert_int_eq(gpu_vm_create(fx.gpu, &fx.vm), 0);
		ck_assert_int_eq(gpu_vm_map(fx.vm, FX_VA, 4 * PAGE, fx.mem, RW, GPU_MTYPE_NC), 0);
		ck_assert_int_eq(gpu_vm_map(fx.vm, 0x1000, PAGE, page, RW, GPU_MTYPE_NC), 0);
		page[0] = 0;
		fx_ib(&fx, FX_IB);
		FX_PACKET(&fx, P_WRITE_DATA, 5u << 8 | 1u << 20, 0x1000, 0,
			  100 + round); /* DST_SEL memory, WR_CONFIRM */
		ck_assert_int_eq(fx_run(&fx, GPU_RING_COMPUTE).status, GPU_DONE);
		ck_assert_uint_eq(page[0], 100 + round);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gpu vm");
	TCase *tcase = tcase_create("vm");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, map_rejects, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tcase, map_needs_host);
	tcase_add_test(tcase, random_maps_agree_with_a_list);
	tcase_add_test(tcase, two_mib_leaf_is_split);
	tcase_add_test(tcase, access_bits);
	tcase_add_test(tcase, page_crossing);
	tcase_add_test(tcase, prt_reads_zero);
	tcase_add_test(tcase, not_canonical);
	tcase_add_test(tcase, flush_beside_a_running_wave);
	tcase_add_test(tcase, unmap_under_a_running_wave);
	tcase_add_test(tcase, a_new_space_has_nothing_of_the_old);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

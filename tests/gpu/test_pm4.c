/* SPDX-License-Identifier: MIT */
/* test_pm4.c - each packet does its work, and each field that can be wrong is refused by name. */
#include "fixture.h"
#include "kernels.h"
#include "radv_ib.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define D         FX_DATA_VA
#define A(offset) (uint32_t)(D + (offset)), (uint32_t)((D + (offset)) >> 32)

enum { MEM = 5 << 8, N = 20 };

static struct fx fx;

static void setup(void)
{
	fx_init(&fx, false, true);
}

static void teardown(void)
{
	fx_finish(&fx);
}

static void done_on(enum gpu_ring_type type)
{
	const struct gpu_fault fault = fx_run(&fx, type);

	ck_assert_msg(fault.status == GPU_DONE, "%s", fault.what);
}

static void done(void)
{
	done_on(GPU_RING_COMPUTE);
}

START_TEST(nops)
{
	fx_dw(&fx, 0x80000000); /* type 2 */
	fx_dw(&fx, 0xffff1000);
	FX_PACKET(&fx, P_NOP, 1, 2, 3);
	FX_PACKET(&fx, P_WRITE_DATA, MEM, A(0), 1);
	done();
	ck_assert_uint_eq(fx_data(&fx)[0], 1);
}
END_TEST

START_TEST(write_data)
{
	FX_PACKET(&fx, P_WRITE_DATA, MEM, A(0), 1, 2, 3);
	FX_PACKET(&fx, P_WRITE_DATA, MEM | 1 << 16, A(16), 4, 5);
	FX_PACKET(&fx, P_WRITE_DATA, 2 << 8, A(32), 6);
	FX_PACKET(&fx, P_WRITE_DATA, 0, 0xb900 / 4, 0, 7);
	FX_PACKET(&fx, P_COPY_DATA, 0 | 5 << 8, 0xb900 / 4, 0, A(36));
	done();
	ck_assert_mem_eq(fx_data(&fx), ((uint32_t[]){1, 2, 3, 0, 5, 0, 0, 0, 6, 7}), 40);
}
END_TEST

START_TEST(copy_data)
{
	uint64_t before = gpu_clock(fx.gpu), clock;

	fx_data(&fx)[0] = 11;
	fx_data(&fx)[1] = 12;
	FX_PACKET(&fx, P_COPY_DATA, 1 | 5 << 8, A(0), A(8));
	FX_PACKET(&fx, P_COPY_DATA, 2 | 2 << 8 | 1 << 16, A(0), A(16));
	FX_PACKET(&fx, P_COPY_DATA, 5 | 1 << 8 | 1 << 16, 21, 22, A(24));
	FX_PACKET(&fx, P_COPY_DATA, 9 | 5 << 8 | 1 << 16, 0, 0, A(32));
	FX_PACKET(&fx, P_COPY_DATA, 5 | 0 << 8, 31, 0, 0xb904 / 4, 0);
	FX_PACKET(&fx, P_COPY_DATA, 0 | 5 << 8, 0xb904 / 4, 0, A(40));
	done();
	ck_assert_mem_eq(fx_data(&fx) + 2, ((uint32_t[]){11, 0, 11, 12, 21, 22}), 24);
	memcpy(&clock, fx_data(&fx) + 8, 8);
	ck_assert_uint_ge(clock, before);
	ck_assert_uint_le(clock, gpu_clock(fx.gpu));
	ck_assert_uint_eq(fx_data(&fx)[10], 31);
}
END_TEST

START_TEST(dma_data)
{
	uint8_t *bytes = fx.mem + FX_DATA;

	for (unsigned i = 0; i < 10000; i++)
		bytes[i] = (uint8_t)(i * 7);
	FX_PACKET(&fx, P_DMA_DATA, 0, A(3), A(0x8001), 9001);
	FX_PACKET(&fx, P_DMA_DATA, 2u << 29, 0xabcd1234, 0, A(0x10004), 64);
	FX_PACKET(&fx, P_DMA_DATA, 3u << 29 | 3 << 20, A(0), A(0x11000), 16);
	FX_PACKET(&fx, P_DMA_DATA, 3u << 29 | 2 << 20, 0xdead000, 0, 0xdead000, 0, 128);
	done();
	ck_assert_mem_eq(bytes + 0x8001, bytes + 3, 9001);
	ck_assert_uint_eq(bytes[0x8000], 0);
	ck_assert_uint_eq(bytes[0x8001 + 9001], 0);
	for (unsigned i = 0; i < 16; i++)
		ck_assert_uint_eq(fx_data(&fx)[0x10004 / 4 + i], 0xabcd1234);
	ck_assert_uint_eq(fx_data(&fx)[0x10004 / 4 + 16], 0);
	ck_assert_mem_eq(bytes + 0x11000, bytes, 16);
}
END_TEST

static const struct {
	uint32_t op;
	uint64_t old, source, compare, expect;
} atomics[] = {
	{0x47, 5, 9, 0, 9},
	{0x48, 5, 9, 5, 9},
	{0x48, 5, 9, 6, 5},
	{0x4f, 0xffffffff, 2, 0, 1},
	{0x50, 1, 2, 0, 0xffffffff},
	{0x51, 5, 0xffffffff, 0, 0xffffffff},
	{0x52, 5, 0xffffffff, 0, 5},
	{0x53, 5, 0xffffffff, 0, 5},
	{0x54, 5, 0xffffffff, 0, 0xffffffff},
	{0x55, 12, 10, 0, 8},
	{0x56, 12, 10, 0, 14},
	{0x57, 12, 10, 0, 6},
	{0x58, 4, 4, 0, 0},
	{0x58, 3, 4, 0, 4},
	{0x59, 0, 4, 0, 4},
	{0x59, 3, 4, 0, 2},
	{0x59, 5, 4, 0, 4},
	{0x0f, 1, 2, 0, 3},
	{0x6f, 0xffffffff, 1, 0, 0x100000000},
	{0x68, 1ull << 40, 3, 1ull << 40, 3},
	{0x71, 5, ~0ull, 0, ~0ull},
	{0x67, 1, 1ull << 50, 0, 1ull << 50},
};

START_TEST(atomic_mem)
{
	const uint64_t s = atomics[_i].source, c = atomics[_i].compare;
	uint64_t value;

	memcpy(fx_data(&fx), &atomics[_i].old, 8);
	FX_PACKET(&fx, P_ATOMIC_MEM, atomics[_i].op, A(0), lo(s), hi(s), lo(c), hi(c), 0);
	done();
	memcpy(&value, fx_data(&fx), 8);
	ck_assert_uint_eq(value, atomics[_i].expect);
}
END_TEST

START_TEST(atomic_loop_until_equal)
{
	struct fx_job job;

	FX_PACKET(&fx, P_ATOMIC_MEM, 0x48 | 1 << 8, A(0), 9, 0, 5, 0, 4);
	fx_submit(&fx, &job, GPU_RING_COMPUTE, 0);
	ck_assert(!fx_done_within(&job, 10));
	__atomic_store_n(fx_data(&fx), 5, __ATOMIC_RELEASE);
	ck_assert_int_eq(fx_wait(&job).status, GPU_DONE);
	ck_assert_uint_eq(fx_data(&fx)[0], 9);
}
END_TEST

START_TEST(release_mem)
{
	uint64_t clock;

	FX_PACKET(&fx, P_RELEASE_MEM, EV_BOTTOM_OF_PIPE, 1u << 29, A(0), 1, 2, 0);
	FX_PACKET(&fx, P_RELEASE_MEM, EV_BOTTOM_OF_PIPE, 2u << 29 | 2 << 24, A(8), 3, 4, 0);
	FX_PACKET(&fx, P_RELEASE_MEM, 0x514, 3u << 29, A(16), 0, 0, 0);
	FX_PACKET(&fx, P_RELEASE_MEM, 0x52f, 0, 0, 0, 5, 6, 0);
	done();
	ck_assert_mem_eq(fx_data(&fx), ((uint32_t[]){1, 0, 3, 4}), 16);
	memcpy(&clock, fx_data(&fx) + 4, 8);
	ck_assert_uint_le(clock, gpu_clock(fx.gpu));
	ck_assert_uint_gt(clock, 0);
}
END_TEST

START_TEST(wait_reg_mem)
{
	struct fx_job job;

	FX_PACKET(&fx, P_WAIT_REG_MEM, 3 | 1 << 4, A(0), 0x30, 0xf0, 4);
	FX_PACKET(&fx, P_WAIT_REG_MEM64, 5 | 1 << 4, A(8), 0, 2, 0xffffffff, 0xffffffff, 4);
	FX_PACKET(&fx, P_WRITE_DATA, MEM, A(16), 1);
	fx_submit(&fx, &job, GPU_RING_COMPUTE, 0);
	ck_assert(!fx_done_within(&job, 10));
	__atomic_store_n(fx_data(&fx), 0x735, __ATOMIC_RELEASE);
	ck_assert(!fx_done_within(&job, 10));
	__atomic_store_n(fx_data(&fx) + 3, 7, __ATOMIC_RELEASE);
	ck_assert_int_eq(fx_wait(&job).status, GPU_DONE);
	ck_assert_uint_eq(fx_data(&fx)[4], 1);
}
END_TEST

/* Function, memory, reference: does the condition hold? */
static const struct {
	uint32_t function, memory, reference;
	bool holds;
} conditions[] = {
	{0, 1, 2, true},  {1, 1, 2, true},  {1, 2, 2, false}, {2, 2, 2, true},  {2, 3, 2, false},
	{3, 2, 2, true},  {3, 1, 2, false}, {4, 1, 2, true},  {4, 2, 2, false}, {5, 2, 2, true},
	{5, 1, 2, false}, {6, 3, 2, true},  {6, 2, 2, false},
};

START_TEST(cond_write)
{
	fx_data(&fx)[0] = conditions[_i].memory;
	FX_PACKET(&fx, P_COND_WRITE, conditions[_i].function | 1 << 4 | 1 << 8, A(0), conditions[_i].reference,
		  0xffffffff, A(4), 99);
	done();
	ck_assert_uint_eq(fx_data(&fx)[1], conditions[_i].holds ? 99 : 0);
}
END_TEST

START_TEST(cond_exec_and_pred_exec)
{
	fx_data(&fx)[1] = 1;
	FX_PACKET(&fx, P_COND_EXEC, A(0), 0, 5);
	FX_PACKET(&fx, P_WRITE_DATA, MEM, A(16), 1);
	FX_PACKET(&fx, P_COND_EXEC, A(4), 0, 5);
	FX_PACKET(&fx, P_WRITE_DATA, MEM, A(20), 2);
	FX_PACKET(&fx, P_PRED_EXEC, 5 | 2u << 24);
	FX_PACKET(&fx, P_WRITE_DATA, MEM, A(24), 3);
	FX_PACKET(&fx, P_PRED_EXEC, 5 | 1u << 24);
	FX_PACKET(&fx, P_WRITE_DATA, MEM, A(28), 4);
	done();
	ck_assert_mem_eq(fx_data(&fx) + 4, ((uint32_t[]){0, 2, 0, 4}), 16);
}
END_TEST

static void predicated_write(uint32_t offset, uint32_t value)
{
	fx_dw(&fx, 3u << 30 | 3 << 16 | P_WRITE_DATA << 8 | 1);
	fx_dw(&fx, MEM);
	fx_dw(&fx, lo(D + offset));
	fx_dw(&fx, hi(D + offset));
	fx_dw(&fx, value);
}

START_TEST(predication)
{
	fx_data(&fx)[2] = 1;
	FX_PACKET(&fx, P_SET_PREDICATION, 3 << 16 | 1 << 8, A(0));
	predicated_write(32, 1);
	FX_PACKET(&fx, P_SET_PREDICATION, 3 << 16, A(0));
	predicated_write(36, 2);
	FX_PACKET(&fx, P_SET_PREDICATION, 4 << 16 | 1 << 8, A(8));
	predicated_write(40, 3);
	FX_PACKET(&fx, P_SET_PREDICATION, 4 << 16, A(8));
	predicated_write(44, 4);
	FX_PACKET(&fx, P_SET_PREDICATION, 0, 0, 0);
	predicated_write(48, 5);
	done_on(GPU_RING_GFX);
	ck_assert_mem_eq(fx_data(&fx) + 8, ((uint32_t[]){0, 2, 3, 0, 5}), 20);
}
END_TEST

START_TEST(indirect_buffers)
{
	fx_ib(&fx, 0x1000); /* called */
	FX_PACKET(&fx, P_WRITE_DATA, MEM, A(0), 1);
	fx_pad(&fx);
	fx_ib(&fx, 0x2000); /* chained to */
	FX_PACKET(&fx, P_WRITE_DATA, MEM, A(8), 3);
	fx_pad(&fx);
	fx_ib(&fx, 0);
	FX_PACKET(&fx, P_INDIRECT_BUFFER, lo(FX_VA + 0x1000), hi(FX_VA), 8 | 1 << 23);
	FX_PACKET(&fx, P_WRITE_DATA, MEM, A(4), 2);
	FX_PACKET(&fx, P_INDIRECT_BUFFER, lo(FX_VA + 0x2000), hi(FX_VA), 8 | 1 << 20 | 1 << 23);
	FX_PACKET(&fx, P_WRITE_DATA, MEM, A(12), 4);
	done_on(GPU_RING_GFX);
	ck_assert_mem_eq(fx_data(&fx), ((uint32_t[]){1, 2, 3, 0}), 16);
}
END_TEST

START_TEST(endless_chain_is_killed)
{
	struct fx_job job;

	FX_PACKET(&fx, P_INDIRECT_BUFFER, lo(FX_VA), hi(FX_VA), 8 | 1 << 20 | 1 << 23);
	fx_submit(&fx, &job, GPU_RING_COMPUTE, 0);
	ck_assert(!fx_done_within(&job, 10));
	gpu_ring_reset(fx.gpu, GPU_RING_COMPUTE, 0);
	ck_assert_int_eq(job.result.status, GPU_KILLED);
}
END_TEST

START_TEST(registers_of_each_block)
{
	FX_PACKET(&fx, P_CONTEXT_CONTROL, 0x80000000, 0x80000000);
	FX_PACKET(&fx, P_CLEAR_STATE, 0);
	FX_PACKET(&fx, P_SET_CONTEXT_REG, 0, 5);
	FX_PACKET(&fx, P_SET_CONFIG_REG, (0x8008 - 0x8000) / 4, 1);
	FX_PACKET(&fx, P_SET_UCONFIG_REG, 0x7b, 0x20);
	FX_PACKET(&fx, P_SET_UCONFIG_REG_INDEX, 0x7b | 1 << 28, 0x21);
	FX_PACKET(&fx, P_SET_SH_REG_INDEX, (0xb858 - 0xb000) / 4 | 3u << 28, 0xffff);
	FX_PACKET(&fx, P_PFP_SYNC_ME, 0);
	FX_PACKET(&fx, P_PRIME_UTCL2, 0, 0, 0, 0);
	FX_PACKET(&fx, P_COPY_DATA, MEM, 0xb858 / 4, 0, A(0));
	FX_PACKET(&fx, P_COPY_DATA, MEM, (0x30000 + 0x7b * 4) / 4, 0, A(4));
	done_on(GPU_RING_GFX);
	ck_assert_uint_eq(fx_data(&fx)[0], 0xffff);
	ck_assert_uint_eq(fx_data(&fx)[1], 0x21);
}
END_TEST

/* IGT's preamble: from COMPUTE_REQ_CTRL over a word that has no register to COMPUTE_USER_ACCUM_3. */
START_TEST(hole_within_a_run_of_registers)
{
	FX_PACKET(&fx, P_SET_SH_REG, 0x222, 0x170, 0, 11, 12, 13, 14);
	FX_PACKET(&fx, P_COPY_DATA, 0 | 5 << 8, 0xb888 / 4, 0, A(0));
	FX_PACKET(&fx, P_COPY_DATA, 0 | 5 << 8, 0xb890 / 4, 0, A(4));
	FX_PACKET(&fx, P_COPY_DATA, 0 | 5 << 8, 0xb89c / 4, 0, A(8));
	done();
	ck_assert_mem_eq(fx_data(&fx), ((uint32_t[]){0x170, 11, 14}), 12);
}
END_TEST

START_TEST(load_sh_reg_index)
{
	fx_data(&fx)[0] = 71;
	fx_data(&fx)[1] = 72;
	FX_PACKET(&fx, P_LOAD_SH_REG_INDEX, A(0), (0xb900 - 0xb000) / 4, 2);
	FX_PACKET(&fx, P_COPY_DATA, MEM | 1 << 16, 0xb900 / 4, 0, A(8));
	done();
	ck_assert_uint_eq(fx_data(&fx)[2], 71);
	ck_assert_uint_eq(fx_data(&fx)[3], 72);
}
END_TEST

START_TEST(dispatch_indirect)
{
	struct fx_launch l = {.user_count = 2, .user = {A(0x100)}, .block = {8}};
	struct gpu_stats stats;
	const bool gfx = _i;

	l.code = FX_CODE_OF(&fx, 0, k_store_tid);
	memcpy(fx_data(&fx), ((uint32_t[]){3, 2, 1}), 12);
	fx_state(&fx, &l);
	if (gfx) {
		FX_PACKET(&fx, P_SET_BASE, 1, lo(D - 0x40), hi(D));
		FX_PACKET(&fx, P_DISPATCH_INDIRECT, 0x40, 0x8005);
	} else {
		FX_PACKET(&fx, P_DISPATCH_INDIRECT, A(0), 0x8005);
	}
	done_on(gfx ? GPU_RING_GFX : GPU_RING_COMPUTE);
	gpu_get_stats(fx.gpu, &stats);
	ck_assert_uint_eq(stats.groups, 6);
	ck_assert_uint_eq(fx_data(&fx)[0x40 + 7], 7);
}
END_TEST

START_TEST(radv_stream_is_accepted_and_silent)
{
	uint8_t *memory = aligned_alloc(4096, 1 << 20);
	struct gpu_stats stats;

	ck_assert_ptr_nonnull(memory);
	memset(memory, 0, 1 << 20);
	memcpy(memory, k_end, sizeof(k_end));
	gpu_set_strict(fx.gpu, true);
	ck_assert_int_eq(gpu_vm_map(fx.vm, 0xffff800000000000, 4096, memory, GPU_READ | GPU_EXEC, GPU_MTYPE_NC), 0);
	memcpy(fx.mem, radv_preamble, sizeof(radv_preamble));
	fx.ib_dw = sizeof(radv_preamble) / 4;
	done();
	fx_ib(&fx, 0x1000);
	memcpy(fx.mem + 0x1000, radv_main, sizeof(radv_main));
	fx.ib_dw = sizeof(radv_main) / 4;
	done();
	gpu_get_stats(fx.gpu, &stats);
	ck_assert_uint_eq(stats.launches, 4);
	ck_assert_msg(fx.findings == 0, "%s", fx.finding[0].what);
	free(memory);
}
END_TEST

/* One wrong field each. */
static const struct {
	const char *what;
	enum gpu_ring_type ring;
	unsigned n;
	uint32_t dw[N];
} wrong[] = {
	{"type 0", GPU_RING_COMPUTE, 1, {0}},
	{"type 1", GPU_RING_COMPUTE, 1, {1u << 30}},
	{"0x01", GPU_RING_COMPUTE, 2, {0xc0000100, 0}},
	{"runs over", GPU_RING_COMPUTE, 2, {0xc0ff1000, 0}},
	{"DRAW_INDEX_AUTO", GPU_RING_GFX, 3, {0xc0012d00, 3, 2}},
	{"EVENT_WRITE_EOP", GPU_RING_COMPUTE, 6, {0xc0044700, 0, 0, 0, 0, 0}},
	{"STRMOUT_BUFFER_UPDATE", GPU_RING_GFX, 2, {0xc0003400, 0}},
	{"SURFACE_SYNC", GPU_RING_COMPUTE, 5, {0xc0034300, 0, 0, 0, 0}},
	{"dwords behind its header", GPU_RING_COMPUTE, 4, {0xc0021500, 1, 1, 1}},
	{"no register at 0x0b88c", GPU_RING_COMPUTE, 4, {0xc0027600, 0x222, 0, 0}},
	{"no register at 0x0b88c", GPU_RING_COMPUTE, 4, {0xc0027600, 0x223, 0, 0}},
	{"no register at 0x0b8e0", GPU_RING_COMPUTE, 3, {0xc0017600, 0x238, 0}},
	{"no register", GPU_RING_COMPUTE, 3, {0xc0017900, 0xfff, 0}},
	{"leave the block", GPU_RING_COMPUTE, 4, {0xc0027600, 0x3ff, 0, 0}},
	{"graphics register", GPU_RING_COMPUTE, 3, {0xc0017600, 0x8, 0}},
	{"SET_CONTEXT_REG is refused on a compute ring", GPU_RING_COMPUTE, 3, {0xc0016900, 0, 0}},
	{"CONTEXT_CONTROL is refused on a compute ring", GPU_RING_COMPUTE, 3, {0xc0012800, 0, 0}},
	{"CONTEXT_CONTROL", GPU_RING_GFX, 3, {0xc0012800, 0x80000001, 0x80000000}},
	{"CONTEXT_CONTROL", GPU_RING_GFX, 3, {0xc0012800, 0x80000000, 0x81000000}},
	{"base index", GPU_RING_COMPUTE, 4, {0xc0021100, 5, 0, 0}},
	{"WRITE_DATA: destination 3", GPU_RING_COMPUTE, 5, {0xc0033700, 3 << 8, 0, 0, 1}},
	{"WRITE_DATA: destination 4", GPU_RING_COMPUTE, 5, {0xc0033700, 4 << 8, 0, 0, 1}},
	{"WRITE_DATA: address", GPU_RING_COMPUTE, 5, {0xc0033700, MEM, A(2), 1}},
	{"COPY_DATA: source 3", GPU_RING_COMPUTE, 6, {0xc0044000, 3 | MEM, 0, 0, A(0)}},
	{"COPY_DATA: source 4", GPU_RING_COMPUTE, 6, {0xc0044000, 4 | MEM, 0, 0, A(0)}},
	{"COPY_DATA: source 7", GPU_RING_COMPUTE, 6, {0xc0044000, 7 | MEM, 0, 0, A(0)}},
	{"COPY_DATA: destination 3", GPU_RING_COMPUTE, 6, {0xc0044000, 5 | 3 << 8, 0, 0, A(0)}},
	{"COPY_DATA: address", GPU_RING_COMPUTE, 6, {0xc0044000, 5 | MEM | 1 << 16, 0, 0, A(4)}},
	{"COPY_DATA: address", GPU_RING_COMPUTE, 6, {0xc0044000, 1 | MEM, A(1), A(4)}},
	{"no readable register", GPU_RING_COMPUTE, 6, {0xc0044000, 0 | MEM, 1, 0, A(4)}},
	{"GDS", GPU_RING_COMPUTE, 7, {0xc0055000, 1u << 29, 0, 0, A(0), 4}},
	{"GDS", GPU_RING_COMPUTE, 7, {0xc0055000, 1u << 20, A(0), 0, 0, 4}},
	{"registers", GPU_RING_COMPUTE, 7, {0xc0055000, 0, A(0), A(0), 4 | 1 << 26}},
	{"registers", GPU_RING_COMPUTE, 7, {0xc0055000, 0, A(0), A(0), 4 | 1 << 27}},
	{"SAIC", GPU_RING_COMPUTE, 7, {0xc0055000, 0, A(0), A(0), 4 | 1 << 28}},
	{"DAIC", GPU_RING_COMPUTE, 7, {0xc0055000, 0, A(0), A(0), 4 | 1 << 29}},
	{"multiples of 4", GPU_RING_COMPUTE, 7, {0xc0055000, 2u << 29, 0, 0, A(0), 6}},
	{"multiples of 4", GPU_RING_COMPUTE, 7, {0xc0055000, 2u << 29, 0, 0, A(2), 8}},
	{"atomic operation", GPU_RING_COMPUTE, 9, {0xc0071e00, 0x41, A(0), 0, 0, 0, 0, 0}},
	{"atomic at", GPU_RING_COMPUTE, 9, {0xc0071e00, 0x6f, A(4), 0, 0, 0, 0, 0}},
	{"command 2", GPU_RING_COMPUTE, 9, {0xc0071e00, 0x4f | 2 << 8, A(0), 0, 0, 0, 0, 0}},
	{"event 0x3f", GPU_RING_COMPUTE, 2, {0xc0004600, 0x3f}},
	{"ZPASS_DONE", GPU_RING_GFX, 2, {0xc0004600, 0x15}},
	{"SAMPLE_PIPELINESTAT", GPU_RING_GFX, 4, {0xc0024600, 0x21e, A(0)}},
	{"refused on a compute ring", GPU_RING_COMPUTE, 2, {0xc0004600, 0x410}},
	{"with an address", GPU_RING_COMPUTE, 4, {0xc0024600, 0x407, A(0)}},
	{"does not end a pipe", GPU_RING_COMPUTE, 8, {0xc0064900, 0x407, 1u << 29, A(0), 0, 0, 0}},
	{"data select 5", GPU_RING_COMPUTE, 8, {0xc0064900, 0x528, 5u << 29, A(0), 0, 0, 0}},
	{"interrupt select 5", GPU_RING_COMPUTE, 8, {0xc0064900, 0x528, 5u << 24, A(0), 0, 0, 0}},
	{"destination 2", GPU_RING_COMPUTE, 8, {0xc0064900, 0x528, 1u << 29 | 2 << 16, A(0), 0, 0, 0}},
	{"RELEASE_MEM: address", GPU_RING_COMPUTE, 8, {0xc0064900, 0x528, 2u << 29, A(4), 0, 0, 0}},
	{"RANGE_IS_PA", GPU_RING_COMPUTE, 8, {0xc0065800, 0, 0, 0, 0, 0, 0, 1 << 18}},
	{"function 7", GPU_RING_COMPUTE, 7, {0xc0053c00, 7 | 1 << 4, A(0), 0, 0, 4}},
	{"operation 1", GPU_RING_COMPUTE, 7, {0xc0053c00, 3 | 1 << 4 | 1 << 6, A(0), 0, 0, 4}},
	{"space 2", GPU_RING_COMPUTE, 7, {0xc0053c00, 3 | 2 << 4, A(0), 0, 0, 4}},
	{"WAIT_REG_MEM: address", GPU_RING_COMPUTE, 7, {0xc0053c00, 3 | 1 << 4, A(1), 0, 0, 4}},
	{"for ever", GPU_RING_COMPUTE, 7, {0xc0053c00, 3, 0xb900 / 4, 0, 0x12345, 0xffffffff, 4}},
	{"WAIT_REG_MEM64", GPU_RING_COMPUTE, 9, {0xc0079300, 3, A(0), 0, 0, 0, 0, 4}},
	{"COND_EXEC: address", GPU_RING_COMPUTE, 5, {0xc0032200, A(1), 0, 1}},
	{"write space 2", GPU_RING_COMPUTE, 9, {0xc0074500, 0 | 1 << 4 | 2 << 8, A(0), 0, 0, A(0), 0}},
	{"ZPASS", GPU_RING_GFX, 4, {0xc0022000, 1 << 16, A(0)}},
	{"SET_PREDICATION: address", GPU_RING_GFX, 4, {0xc0022000, 3 << 16, A(4)}},
	{"SET_PREDICATION is refused", GPU_RING_COMPUTE, 4, {0xc0022000, 3 << 16, A(0)}},
	{"not aligned to dwords", GPU_RING_COMPUTE, 4, {0xc0023f00, 2, 0, 8 | 1 << 20}},
	{"DISPATCH_INDIRECT: address", GPU_RING_COMPUTE, 4, {0xc0021600, A(2), 0x8005}},
	{"DISPATCH_INDIRECT with", GPU_RING_COMPUTE, 3, {0xc0011600, 0, 0x8005}},
	{"LOAD_SH_REG_INDEX", GPU_RING_COMPUTE, 5, {0xc0036300, A(0), 0x3fe, 3}},
};

START_TEST(refused)
{
	struct gpu_fault fault;
	struct gpu_stats stats;

	for (unsigned i = 0; i < wrong[_i].n; i++)
		fx_dw(&fx, wrong[_i].dw[i]);
	fault = fx_run(&fx, wrong[_i].ring);
	ck_assert_msg(fault.status == GPU_FAULT_PACKET, "status %d: %s", fault.status, fault.what);
	ck_assert_msg(strstr(fault.what, wrong[_i].what) != NULL, "%s", fault.what);
	gpu_get_stats(fx.gpu, &stats);
	ck_assert_uint_eq(stats.refused, 1);
	for (unsigned i = 0; i < 64; i++)
		ck_assert_uint_eq(fx_data(&fx)[i], 0);
}
END_TEST

START_TEST(nesting_too_deep)
{
	struct gpu_fault fault;

	FX_PACKET(&fx, P_INDIRECT_BUFFER, lo(FX_VA), hi(FX_VA), 8 | 1 << 23);
	fault = fx_run(&fx, GPU_RING_GFX);
	ck_assert_int_eq(fault.status, GPU_FAULT_PACKET);
	ck_assert_ptr_nonnull(strstr(fault.what, "levels"));
}
END_TEST

START_TEST(page_fault_of_a_packet)
{
	struct gpu_fault fault;

	FX_PACKET(&fx, P_WRITE_DATA, MEM, 0x1000, 0, 1);
	fault = fx_run(&fx, GPU_RING_COMPUTE);
	ck_assert_int_eq(fault.status, GPU_FAULT_PAGE);
	ck_assert_uint_eq(fault.address, 0x1000);
	ck_assert_uint_eq(fault.access, GPU_WRITE);
	ck_assert_uint_eq(fx.page_faults, 1);
}
END_TEST

START_TEST(redirected_page_fault)
{
	fx_finish(&fx);
	fx_init(&fx, false, false);
	fx_data(&fx)[0] = 7;
	FX_PACKET(&fx, P_WRITE_DATA, MEM, 0x1000, 0, 1);
	FX_PACKET(&fx, P_COPY_DATA, 1 | MEM, 0x2000, 0, A(0));
	done();
	ck_assert_uint_eq(fx_data(&fx)[0], 0);
	ck_assert_uint_eq(fx.page_faults, 2);
	ck_assert_uint_eq(fx.page_fault.address, 0x2000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gpu pm4");
	TCase *tcase = tcase_create("pm4");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, nops);
	tcase_add_test(tcase, write_data);
	tcase_add_test(tcase, copy_data);
	tcase_add_test(tcase, dma_data);
	tcase_add_loop_test(tcase, atomic_mem, 0, sizeof(atomics) / sizeof(atomics[0]));
	tcase_add_test(tcase, atomic_loop_until_equal);
	tcase_add_test(tcase, release_mem);
	tcase_add_test(tcase, wait_reg_mem);
	tcase_add_loop_test(tcase, cond_write, 0, sizeof(conditions) / sizeof(conditions[0]));
	tcase_add_test(tcase, cond_exec_and_pred_exec);
	tcase_add_test(tcase, predication);
	tcase_add_test(tcase, indirect_buffers);
	tcase_add_test(tcase, endless_chain_is_killed);
	tcase_add_test(tcase, registers_of_each_block);
	tcase_add_test(tcase, hole_within_a_run_of_registers);
	tcase_add_test(tcase, load_sh_reg_index);
	tcase_add_loop_test(tcase, dispatch_indirect, 0, 2);
	tcase_add_test(tcase, radv_stream_is_accepted_and_silent);
	tcase_add_loop_test(tcase, refused, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tcase, nesting_too_deep);
	tcase_add_test(tcase, page_fault_of_a_packet);
	tcase_add_test(tcase, redirected_page_fault);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/* Packets by field, and how many dwords each thing costs. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

static struct df_device *device;
static struct df_code *code;
static struct df_kernel *saxpy;
static struct df_batch *batch;
static const uint32_t grid[3] = {7, 5, 3};

static void setup(void)
{
	struct fake_kernel kernel = fake_saxpy();
	device = fake_device();
	code = fake_code(device, &kernel, 1);
	saxpy = fake_first(code);
	ck_assert_int_eq(df_batch_create(device, NULL, &batch), 0);
}

static void teardown(void)
{
	ck_assert_int_eq(df_batch_destroy(batch), 0);
	ck_assert_int_eq(df_code_destroy(code), 0);
	fake_device_free(device);
}

static uint64_t dwords(void)
{
	struct df_batch_info info;
	df_batch_get_info(batch, &info);
	return info.ib_dwords;
}

static void launch(const uint32_t args[8])
{
	int ret = df_batch_launch(batch, saxpy, grid, args, 32);
	ck_assert_msg(ret == 0, "%s", df_error());
}

/* The last count dwords of the open stream. */
static const uint32_t *tail(unsigned count)
{
	ck_assert_int_eq(df_batch_seal(batch), 0);
	struct df_batch_submit *submit = df_batch_submit_of(batch);
	const uint32_t *ib = fake_at(device, submit->ib_va, submit->ib_dw * 4ull);
	uint32_t end = submit->ib_dw;
	while (ib[end - 1] == 0xffff1000)
		end--;
	return ib + end - count;
}

START_TEST(costs_are_those_promised)
{
	uint32_t args[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	launch(args);
	uint64_t before = dwords();
	launch(args);
	ck_assert_uint_eq(dwords() - before, 5);
	for (unsigned i = 0; i < 8; i++) {
		before = dwords();
		args[i] += 100;
		launch(args);
		ck_assert_uint_eq(dwords() - before, 8);
	}
	before = dwords();
	for (unsigned i = 0; i < 8; i++)
		args[i] += 1000;
	launch(args);
	ck_assert_uint_eq(dwords() - before, 15);
	before = dwords();
	ck_assert_int_eq(df_batch_barrier(batch), 0);
	ck_assert_uint_le(dwords() - before, 10);
	struct df_batch_info info;
	df_batch_get_info(batch, &info);
	ck_assert_uint_eq(info.args_B, 0);
	ck_assert_uint_eq(info.launches, 11);
	ck_assert_uint_eq(info.barriers, 1);
}
END_TEST

START_TEST(gaps_are_bridged_only_where_it_pays)
{
	uint32_t args[8] = {0};
	launch(args);
	uint64_t before = dwords();
	args[0] = args[3] = 1; /* two between: one run of four costs no more than two of one */
	launch(args);
	ck_assert_uint_eq(dwords() - before, 5 + 2 + 4);
	before = dwords();
	args[0] = args[4] = 2; /* three between: two runs */
	launch(args);
	ck_assert_uint_eq(dwords() - before, 5 + 3 + 3);
}
END_TEST

START_TEST(dispatch_fields)
{
	uint32_t args[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	launch(args);
	const uint32_t *dw = tail(5);
	ck_assert_uint_eq(dw[0], 0xc0031502);
	ck_assert_uint_eq(dw[1], 7);
	ck_assert_uint_eq(dw[2], 5);
	ck_assert_uint_eq(dw[3], 3);
	ck_assert_uint_eq(dw[4], 0x2045); /* shader, from 0, any order, tunnel; wave64 */
}
END_TEST

START_TEST(one_argument_fields)
{
	uint32_t args[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	launch(args);
	args[6] = 0xcafe;
	launch(args);
	const uint32_t *dw = tail(8);
	ck_assert_uint_eq(dw[0], 0xc0017600);
	ck_assert_uint_eq(dw[1], 0x240 + 2 + 6);
	ck_assert_uint_eq(dw[2], 0xcafe);
	ck_assert_uint_eq(dw[3], 0xc0031502);
}
END_TEST

START_TEST(barrier_fields)
{
	uint32_t args[8] = {0};
	launch(args);
	ck_assert_int_eq(df_batch_barrier(batch), 0);
	const uint32_t *dw = tail(10);
	const uint32_t want[10] = {0xc0004600, 0x407, 0xc0065800, 0, 0xffffffff, 0xff, 0, 0, 10, 0x380};
	for (unsigned i = 0; i < 10; i++)
		ck_assert_uint_eq(dw[i], want[i]);
}
END_TEST

START_TEST(barrier_after_nothing_is_free)
{
	uint64_t before = dwords();
	ck_assert_int_eq(df_batch_barrier(batch), 0);
	ck_assert_uint_eq(dwords(), before);
}
END_TEST

static struct df_bo *make_bo(uint64_t bytes)
{
	struct df_bo *bo = NULL;
	ck_assert_int_eq(df_bo_create(device, bytes, NULL, &bo), 0);
	return bo;
}

static void drop(struct df_bo *bo)
{
	ck_assert_int_eq(df_batch_reset(batch), 0);
	ck_assert_int_eq(df_bo_destroy(bo), 0);
}

START_TEST(copy_fields)
{
	struct df_bo *bo = make_bo(8192);
	uint64_t va = df_bo_address(bo);
	ck_assert_int_eq(df_batch_copy(batch, bo, 4097, bo, 3, 1001), 0);
	const uint32_t *dw = tail(7);
	ck_assert_uint_eq(dw[0], 0xc0055000);
	ck_assert_uint_eq(dw[1], 3u << 29 | 3u << 20 | 1u << 31); /* L2 to L2; the end waits for it */
	ck_assert_uint_eq(dw[2] | (uint64_t)dw[3] << 32, va + 3);
	ck_assert_uint_eq(dw[4] | (uint64_t)dw[5] << 32, va + 4097);
	ck_assert_uint_eq(dw[6], 1001);
	drop(bo);
}
END_TEST

START_TEST(fill_fields)
{
	struct df_bo *bo = make_bo(8192);
	ck_assert_int_eq(df_batch_fill(batch, bo, 8, 0xabcd, 4000), 0);
	const uint32_t *dw = tail(7);
	ck_assert_uint_eq(dw[1], 2u << 29 | 3u << 20 | 1u << 31);
	ck_assert_uint_eq(dw[2], 0xabcd);
	ck_assert_uint_eq(dw[3], 0);
	ck_assert_uint_eq(dw[4] | (uint64_t)dw[5] << 32, df_bo_address(bo) + 8);
	ck_assert_uint_eq(dw[6], 4000);
	drop(bo);
}
END_TEST

struct dma {
	uint64_t bytes, next_to, next_from;
	unsigned packets, synced, flushes_after;
	bool broken;
};

static void on_dma(void *user, const struct pm4_record *record)
{
	struct dma *dma = user;
	if (record->event != PM4_EV_DMA)
		return;
	const uint32_t *b = record->body;
	uint64_t from = b[1] | (uint64_t)b[2] << 32, to = b[3] | (uint64_t)b[4] << 32;
	uint32_t bytes = b[5] & 0x3ffffff;
	dma->broken |= from != dma->next_from || to != dma->next_to || b[5] >> 26;
	dma->next_from = from + bytes;
	dma->next_to = to + bytes;
	dma->bytes += bytes;
	dma->packets++;
	dma->synced += b[0] >> 31;
}

/* Longer than a packet's 26-bit count; one byte more than a whole number of packets. */
START_TEST(long_copy_is_split)
{
	const uint64_t part = 0x3ffffe0, bytes = 2 * part + 1;
	struct df_bo *from = make_bo(bytes), *to = make_bo(bytes + 5);
	struct dma dma = {.next_from = df_bo_address(from), .next_to = df_bo_address(to) + 5};
	ck_assert_int_eq(df_batch_copy(batch, to, 5, from, 0, bytes), 0);
	ck_assert_int_eq(df_batch_seal(batch), 0);
	const char *error = pm4_read_batch(batch, on_dma, &dma);
	ck_assert_msg(!error, "%s", error);
	ck_assert(!dma.broken);
	ck_assert_uint_eq(dma.bytes, bytes);
	ck_assert_uint_eq(dma.packets, 3);
	ck_assert_uint_eq(dma.synced, 1);
	drop(from);
	ck_assert_int_eq(df_bo_destroy(to), 0);
}
END_TEST

/* Only the last copy before a barrier waits; after it the next one is free again. */
START_TEST(dma_is_waited_for_once)
{
	struct df_bo *bo = make_bo(8192);
	struct dma dma = {0};
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(df_batch_fill(batch, bo, 64 * i, i, 64), 0);
	ck_assert_int_eq(df_batch_barrier(batch), 0);
	ck_assert_int_eq(df_batch_fill(batch, bo, 0, 9, 64), 0);
	ck_assert_int_eq(df_batch_fill(batch, bo, 64, 9, 64), 0);
	ck_assert_int_eq(df_batch_seal(batch), 0);
	ck_assert_ptr_null(pm4_read_batch(batch, on_dma, &dma));
	ck_assert_uint_eq(dma.packets, 5);
	ck_assert_uint_eq(dma.synced, 2);
	drop(bo);
}
END_TEST

START_TEST(write_wait_timestamp_fields)
{
	struct df_bo *bo = make_bo(4096);
	uint64_t va = df_bo_address(bo);
	ck_assert_int_eq(df_batch_write(batch, bo, 12, 0x1234), 0);
	ck_assert_int_eq(df_batch_wait(batch, bo, 16, DF_GREATER_EQUAL, 77, 0xff), 0);
	ck_assert_int_eq(df_batch_timestamp(batch, bo, 24), 0);
	const uint32_t *dw = tail(5 + 7 + 8);
	ck_assert_uint_eq(dw[0], 0xc0033700);
	ck_assert_uint_eq(dw[1], 2u << 8 | 1u << 20);
	ck_assert_uint_eq(dw[2] | (uint64_t)dw[3] << 32, va + 12);
	ck_assert_uint_eq(dw[4], 0x1234);
	dw += 5;
	ck_assert_uint_eq(dw[0], 0xc0053c00);
	ck_assert_uint_eq(dw[1], 5 | 1u << 4);
	ck_assert_uint_eq(dw[2] | (uint64_t)dw[3] << 32, va + 16);
	ck_assert_uint_eq(dw[4], 77);
	ck_assert_uint_eq(dw[5], 0xff);
	ck_assert_uint_eq(dw[6], 4);
	dw += 7;
	ck_assert_uint_eq(dw[0], 0xc0064900);
	ck_assert_uint_eq(dw[1], 40 | 5u << 8);
	ck_assert_uint_eq(dw[2], 3u << 29 | 3u << 24);
	ck_assert_uint_eq(dw[3] | (uint64_t)dw[4] << 32, va + 24);
	drop(bo);
}
END_TEST

START_TEST(marker_fields)
{
	uint32_t dw[DF_MARKER_MAX_DW];
	const struct df_encoder_ops *enc = device->enc;
	ck_assert_uint_eq(enc->marker_dw, 8);
	enc->marker(dw, 0xffff800012345678ull, 0x1122334455667788ull);
	/* As the kernel driver's own fence but for the interrupt: event 0x14 of class 5, GL2 and GLM written back. */
	const uint32_t want[8] = {0xc0064900, 0x06603514, 0x43000000, 0x12345678,
				  0xffff8000, 0x55667788, 0x11223344, 0};
	for (unsigned i = 0; i < 8; i++)
		ck_assert_uint_eq(dw[i], want[i]);
	ck_assert_uint_eq(dw[enc->marker_value_at], 0x55667788);
	enc->nop(dw, 0);
	enc->nop(dw, 2);
	ck_assert_uint_eq(dw[1], 0xffff1000);
}
END_TEST

START_TEST(indirect_fields)
{
	struct df_bo *bo = make_bo(4096);
	uint32_t args[8] = {0};
	launch(args);
	uint64_t before = dwords();
	ck_assert_int_eq(df_batch_launch_indirect(batch, saxpy, bo, 20, args, 32), 0);
	ck_assert_uint_eq(dwords() - before, 4);
	const uint32_t *dw = tail(4);
	ck_assert_uint_eq(dw[0], 0xc0021602);
	ck_assert_uint_eq(dw[1] | (uint64_t)dw[2] << 32, df_bo_address(bo) + 20);
	ck_assert_uint_eq(dw[3], 0x2045);
	drop(bo);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stream");
	TCase *tc = tcase_create("packets");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, costs_are_those_promised);
	tcase_add_test(tc, gaps_are_bridged_only_where_it_pays);
	tcase_add_test(tc, dispatch_fields);
	tcase_add_test(tc, one_argument_fields);
	tcase_add_test(tc, barrier_fields);
	tcase_add_test(tc, barrier_after_nothing_is_free);
	tcase_add_test(tc, copy_fields);
	tcase_add_test(tc, fill_fields);
	tcase_add_test(tc, long_copy_is_split);
	tcase_add_test(tc, dma_is_waited_for_once);
	tcase_add_test(tc, write_wait_timestamp_fields);
	tcase_add_test(tc, marker_fields);
	tcase_add_test(tc, indirect_fields);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/* test_mem_threads.c - atomics and polled words of waves that run on several host threads. */
#include "isa/mem_rig.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4
#define ROUNDS  2000

/* A second wave over the rig's address space, on a thread of its own. */
struct runner {
	struct mem_rig *rig;
	struct gpu_thread thread;
	struct gpu_wave w;
	uint32_t *vgpr;
	unsigned number;
	uint32_t lost;
};

static void runner_enter(struct runner *r)
{
	r->vgpr = aligned_alloc(64, 64 * 32 * sizeof(uint32_t));
	memset(r->vgpr, 0, 64 * 32 * sizeof(uint32_t));
	r->w = r->rig->w;
	r->w.vgpr = r->vgpr;
	r->w.vgpr_count = 64;
	r->w.s[126] = 0xffffffff;
	gpu_thread_init(&r->thread, r->rig->gpu);
	gpu_thread_enter(&r->thread, r->rig->vm);
	r->w.tlb = &r->thread.tlb;
}

static void runner_leave(struct runner *r)
{
	gpu_thread_leave(&r->thread);
	gpu_thread_finish(&r->thread);
	free(r->vgpr);
}

/* No assertion here: libcheck's are for the test's own thread. */
static enum gpu_step run(struct runner *r, uint32_t w0, uint32_t w1)
{
	const uint32_t dw[5] = {w0, w1};
	const char *why;
	struct gpu_inst in;

	if (!gpu_isa_decode(&gpu_isa_gfx10_3, dw, 5, &in, &why))
		return GPU_STEP_FAULT;
	return in.exec(&r->w, &in);
}

static void set_address(struct runner *r, unsigned lane, uint64_t va)
{
	r->vgpr[2 * 32 + lane] = (uint32_t)va;
	r->vgpr[3 * 32 + lane] = (uint32_t)(va >> 32);
}

/* Sum, compare-and-swap loop by retry, 64-bit sum and a maximum, all lanes on few words. */
static void *hammer(void *arg)
{
	struct runner *r = arg;

	runner_enter(r);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned lane = 0; lane < 32; lane++) {
			set_address(r, lane, RIG_VA + 64 * (lane % 2));
			r->vgpr[4 * 32 + lane] = 1;
			r->vgpr[5 * 32 + lane] = 1;
		}
		r->lost += run(r, 0xdcc88000, 0x007d0402) != GPU_STEP_NEXT; /* global_atomic_add */
		r->lost +=
			run(r, 0xdd488000 | 0x80, 0x007d0402) != GPU_STEP_NEXT; /* global_atomic_add_x2, offset 128 */
		for (unsigned lane = 0; lane < 32; lane++)
			r->vgpr[4 * 32 + lane] = (r->number * ROUNDS + round) * 32 + lane;
		r->lost += run(r, 0xdce08000 | 0x180, 0x007d0402) != GPU_STEP_NEXT; /* global_atomic_umax, offset 384 */
	}
	runner_leave(r);
	return NULL;
}

START_TEST(sums_are_whole)
{
	struct runner runners[THREADS];
	pthread_t threads[THREADS];
	struct mem_rig rig;
	uint32_t v32;
	uint64_t v64;

	mem_rig_init(&rig, false);
	memset(rig.host, 0, RIG_SIZE);
	memset(runners, 0, sizeof(runners));
	for (unsigned i = 0; i < THREADS; i++) {
		runners[i].rig = &rig;
		runners[i].number = i;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, hammer, &runners[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		ck_assert_uint_eq(runners[i].lost, 0);
	}
	for (unsigned word = 0; word < 2; word++) {
		memcpy(&v32, mem_rig_host(&rig, 64 * word), 4);
		ck_assert_uint_eq(v32, THREADS * ROUNDS * 16);
		memcpy(&v64, mem_rig_host(&rig, 128 + 64 * word), 8);
		ck_assert_uint_eq(v64, THREADS * ROUNDS * 16 * 0x100000001ull);
		memcpy(&v32, mem_rig_host(&rig, 384 + 64 * word), 4);
		ck_assert_uint_eq(v32, THREADS * ROUNDS * 32 - 2 + word);
	}
	mem_rig_finish(&rig);
}
END_TEST

/* One wave publishes a number by plain stores, the other polls it by plain loads and answers. */
static void *answer(void *arg)
{
	struct runner *r = arg;

	runner_enter(r);
	r->w.s[126] = 1;
	for (uint32_t want = 1; want <= 200; want++) {
		set_address(r, 0, RIG_VA);
		do
			r->lost += run(r, 0xdc308000, 0x087d0002) != GPU_STEP_NEXT; /* global_load_dword v8 */
		while (r->vgpr[8 * 32] != want && !r->lost);
		set_address(r, 0, RIG_VA + 4096);
		r->vgpr[4 * 32] = want;
		r->lost += run(r, 0xdc708000, 0x007d0402) != GPU_STEP_NEXT; /* global_store_dword v4 */
	}
	runner_leave(r);
	return NULL;
}

START_TEST(polled_words_arrive)
{
	struct runner other = {0}, own = {0};
	struct mem_rig rig;
	pthread_t thread;

	mem_rig_init(&rig, false);
	memset(rig.host, 0, RIG_SIZE);
	other.rig = own.rig = &rig;
	runner_enter(&own);
	own.w.s[126] = 1;
	ck_assert_int_eq(pthread_create(&thread, NULL, answer, &other), 0);
	for (uint32_t value = 1; value <= 200; value++) {
		set_address(&own, 0, RIG_VA);
		own.vgpr[4 * 32] = value;
		run(&own, 0xdc708000, 0x007d0402);
		set_address(&own, 0, RIG_VA + 4096);
		do
			run(&own, 0xdc308000, 0x087d0002);
		while (own.vgpr[8 * 32] != value);
	}
	pthread_join(thread, NULL);
	ck_assert_uint_eq(other.lost, 0);
	runner_leave(&own);
	mem_rig_finish(&rig);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("memory across threads");
	TCase *tc = tcase_create("threads");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, sums_are_whole);
	tcase_add_test(tc, polled_words_arrive);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed;
}

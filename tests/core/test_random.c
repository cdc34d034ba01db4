/* SPDX-License-Identifier: MIT */
/*
 * Random losses: four threads, a context and a state each, on one device; batches of 250 launches of which many are
 * lost at a random launch, half of them to a stream that stops, half to a fault of any kind that loses work or might
 * (a fault hits whichever thread's job comes to its launch first). The states end as if nothing had happened, nothing
 * is called poison, and nothing is left. DRUMFIRE_SOAK: a million launches with two thousand losses for each kernel,
 * else a sample.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "node/soft.h"
#include "world.h"

#define THREADS  4u
#define LAUNCHES 250u
#define VARIANTS 8u

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define TIMEOUT ",timeout_ms=1500"
#elif defined(__has_feature)
#define TIMEOUT ",timeout_ms=1500"
#else
#define TIMEOUT ",timeout_ms=250"
#endif

static const char *const kernels[] = {
	"soft:gfx1030,kernel=6.1" TIMEOUT,
	"soft:gfx1030,kernel=6.12" TIMEOUT,
	"soft:gfx1030,kernel=7.2" TIMEOUT,
};
#define KERNELS (sizeof(kernels) / sizeof(kernels[0]))

/* Removal ends a device, not a job: test_unplug.c. 6.1 tells nobody of page faults; they are the last. */
static const char *const kinds[] = {
	"hang",      "cp-hang",    "illegal-opcode", "soft-recovery",    "queue-reset",    "innocent-rerun",
	"bystander", "full-reset", "memory-lost",    "memory-lost-idle", "lost-interrupt", "page-fault",
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct world world;
static unsigned kinds_told;
static unsigned batches_each, losses_each;
static atomic_uint failures, poisoned;

struct worker {
	pthread_t thread;
	unsigned seed;
	struct df_context *context;
	struct df_bo *state, *gate_bo;
	_Atomic uint32_t *gate;
	struct df_batch *plain, *hanging[VARIANTS];
	char why[256];
};

static void open_gate(void *user, const struct df_loss *loss)
{
	struct worker *worker = user;

	(void)loss;
	atomic_store(worker->gate, 1);
}

static struct df_batch *record(struct worker *worker, uint32_t hang)
{
	struct world_args args = {df_bo_address(world.x), df_bo_address(worker->state), df_bo_address(worker->state),
				  WORLD_FLOATS, WORLD_FACTOR};
	const uint32_t grid[3] = {WORLD_FLOATS / 64, 1, 1};
	struct df_batch_options o = DF_OPTIONS(o, .marker_interval = hang % 3 ? 0 : 1 + hang % 16);
	struct df_batch *batch;

	ck_ok(df_batch_create(world.device, &o, &batch));
	ck_ok(df_batch_use(batch, worker->state, DF_READ | DF_WRITE));
	for (uint32_t i = 0; i < LAUNCHES; i++) {
		if (i == hang)
			ck_ok(df_batch_wait(batch, worker->gate_bo, 0, DF_EQUAL, 1, UINT32_MAX));
		ck_ok(df_batch_launch(batch, world.kernel, grid, &args, sizeof(args)));
		ck_ok(df_batch_barrier(batch));
	}
	ck_ok(df_batch_seal(batch));
	return batch;
}

static void worker_start(struct worker *worker, unsigned number)
{
	struct df_context_options o = DF_OPTIONS(o, .before_recovery = open_gate, .user = worker, .check_faults = true);
	struct df_bo_options host = DF_OPTIONS(host, .domain = DF_DOMAIN_HOST_CACHED);
	void *map;

	*worker = (struct worker){.seed = 12345 + number};
	ck_ok(df_context_create(world.device, &o, &worker->context));
	worker->state = world_state(&world, number % 2 ? DF_DOMAIN_HOST_CACHED : DF_DOMAIN_DEVICE, number == 2);
	ck_ok(df_bo_create(world.device, 4096, &host, &worker->gate_bo));
	ck_ok(df_bo_map(worker->gate_bo, &map));
	worker->gate = map;
	atomic_store(worker->gate, 1);
	worker->plain = record(worker, UINT32_MAX);
	for (unsigned i = 0; i < VARIANTS; i++)
		worker->hanging[i] = record(worker, (uint32_t)rand_r(&worker->seed) % LAUNCHES);
}

static void worker_end(struct worker *worker)
{
	ck_ok(df_context_destroy(worker->context));
	ck_ok(df_batch_destroy(worker->plain));
	for (unsigned i = 0; i < VARIANTS; i++)
		ck_ok(df_batch_destroy(worker->hanging[i]));
	ck_ok(df_bo_destroy(worker->state));
	ck_ok(df_bo_destroy(worker->gate_bo));
}

static int ask_for_fault(struct worker *worker)
{
	char spec[64];

	snprintf(spec, sizeof(spec), "%s@%u", kinds[(unsigned)rand_r(&worker->seed) % kinds_told],
		 (unsigned)rand_r(&worker->seed) % LAUNCHES);
	return df_device_fault(world.device, spec);
}

/* No assertions in here: the test library is not for threads. */
static int run_one(struct worker *worker, bool lose)
{
	struct df_submit_options o = DF_OPTIONS(o, .deadline_ns = df_now_ns() + 100 * SECOND);
	struct df_batch *batch = worker->plain;
	struct df_wait_info info;
	struct df_fence *fence;
	int ret = 0;

	if (lose && rand_r(&worker->seed) % 2) {
		ret = ask_for_fault(worker);
	} else if (lose) {
		atomic_store(worker->gate, 0);
		batch = worker->hanging[(unsigned)rand_r(&worker->seed) % VARIANTS];
	}
	if (!ret)
		ret = df_submit(worker->context, batch, &o, &fence);
	if (ret)
		return ret;
	ret = df_fence_wait(fence, df_now_ns() + 100 * SECOND, &info);
	atomic_fetch_add(&poisoned, info.poison_count);
	df_fence_put(fence);
	return ret;
}

static void *work(void *data)
{
	struct worker *worker = data;
	unsigned lost = 0;

	for (unsigned i = 0; i < batches_each; i++) {
		/* So many in all, at random. */
		bool lose = (unsigned)rand_r(&worker->seed) % (batches_each - i) < losses_each - lost;
		int ret = run_one(worker, lose);

		lost += lose;
		if (!ret)
			continue;
		snprintf(worker->why, sizeof(worker->why), "batch %u: %d: %s", i, ret, df_error());
		atomic_fetch_add(&failures, 1);
		break;
	}
	return NULL;
}

START_TEST(test_random)
{
	bool soak = getenv("DRUMFIRE_SOAK");
	struct worker workers[THREADS];
	struct df_recovery_stats stats;
	unsigned fds;

	batches_each = soak ? 1000 : 24;
	losses_each = soak ? 500 : 4;
	kinds_told = (unsigned)KINDS - (_i == 0);
	world_open(&world, kernels[_i], NULL);
	fds = open_fds();
	for (unsigned i = 0; i < THREADS; i++)
		worker_start(&workers[i], i);
	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_msg(!workers[i].why[0], "thread %u, %s", i, workers[i].why);
	ck_assert_uint_eq(atomic_load(&failures), 0);
	ck_assert_uint_eq(atomic_load(&poisoned), 0);
	df_device_recovery(world.device, &stats);
	/* What only delays a job, or lets it end, is not always a loss. */
	ck_assert_uint_ge(stats.losses, THREADS * losses_each / 2);
	ck_assert_uint_eq(stats.poisoned, 0);
	for (unsigned i = 0; i < THREADS; i++)
		world_check(workers[i].state, batches_each * LAUNCHES);
	printf("%s: %u launches, %llu losses, %llu batches run again, %llu bytes restored\n", kernels[_i],
	       THREADS * batches_each * LAUNCHES, (unsigned long long)stats.losses,
	       (unsigned long long)stats.batches_rerun, (unsigned long long)stats.restored_B);
	for (unsigned i = 0; i < THREADS; i++)
		worker_end(&workers[i]);
	ck_assert_uint_eq(atomic_load(&world.device->live.fences), 0);
	ck_assert_uint_eq(open_fds(), fds);
	world_close(&world);
}
END_TEST

int main(void)
{
	TCase *cases = tcase_create("random");
	Suite *suite = suite_create("random");
	SRunner *runner;
	int failed;

	tcase_set_timeout(cases, 1000);
	tcase_add_loop_test(cases, test_random, 0, KERNELS);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

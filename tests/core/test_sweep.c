/* SPDX-License-Identifier: MIT */
/*
 * Every ioctl of a workload made to fail once, with each error, and every allocation: a step that fails says so in a
 * sentence and has changed nothing, so that it can be taken again; the result is the undisturbed one; nothing is left.
 * The workload has a loss in it, so recovery's own calls fail too. DRUMFIRE_SOAK: all combinations, else a sample.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <amdgpu_drm.h>

#include "core/alloc.h"
#include "node/soft.h"
#include "world.h"

#define SUBMISSIONS 3u
#define LAUNCHES    4u
#define DEVICE_NAME "soft:gfx1030,timeout_ms=15"

extern const struct df_soft_ops df_soft_ops;

/* ---- a node that fails at a call ---- */

static atomic_uint calls, fail_at;
static atomic_int fail_error, objects;

static int kind_of(unsigned long request, const void *arg)
{
	const union drm_amdgpu_ctx *ctx = arg;

	switch (request) {
	case DRM_IOCTL_AMDGPU_GEM_CREATE:
	case DRM_IOCTL_AMDGPU_GEM_USERPTR:
	case DRM_IOCTL_SYNCOBJ_CREATE:
		return 1;
	case DRM_IOCTL_GEM_CLOSE:
	case DRM_IOCTL_SYNCOBJ_DESTROY:
		return -1;
	case DRM_IOCTL_AMDGPU_CTX:
		return ctx->in.op == AMDGPU_CTX_OP_ALLOC_CTX ? 1 : ctx->in.op == AMDGPU_CTX_OP_FREE_CTX ? -1 : 0;
	default:
		return 0;
	}
}

static int failing_ioctl(void *file, unsigned long request, void *arg)
{
	int kind = kind_of(request, arg), ret;

	if (atomic_fetch_add(&calls, 1) + 1 == atomic_load(&fail_at)) {
		/* What cannot be destroyed goes with the file: that is no leak of the library's. */
		errno = atomic_load(&fail_error);
		if (kind < 0 && errno != EINTR && errno != EAGAIN)
			atomic_fetch_add(&objects, kind);
		return -1;
	}
	ret = df_soft_ops.ioctl(file, request, arg);
	if (ret >= 0)
		atomic_fetch_add(&objects, kind);
	return ret;
}

static void *failing_mmap(void *file, void *addr, size_t size, int prot, int flags, uint64_t offset)
{
	int error = atomic_load(&fail_error);

	/* mmap() is never interrupted. */
	if (atomic_fetch_add(&calls, 1) + 1 == atomic_load(&fail_at) && error != EINTR && error != EAGAIN) {
		errno = error;
		return (void *)-1; /* MAP_FAILED */
	}
	return df_soft_ops.mmap(file, addr, size, prot, flags, offset);
}

static struct df_soft_ops failing_ops;

/* ---- the workload ---- */

static struct world world;
static struct df_bo *state;
static struct df_batch *batch, *hang;
static struct df_context *context;
static struct df_fence *fences[SUBMISSIONS];
static unsigned failures;
static bool gone;

/* A step that may fail once. */
#define STEP(call)                                                                                                     \
	do {                                                                                                           \
		int step_ = (call);                                                                                    \
		if (step_ < 0) {                                                                                       \
			failures++;                                                                                    \
			ck_assert_msg(df_error()[0], "%s failed without a sentence", #call);                           \
			if (step_ == -ENODEV && lost_device())                                                         \
				gone = true;                                                                           \
			else                                                                                           \
				step_ = (call);                                                                        \
		}                                                                                                      \
		ck_assert_msg(step_ == 0 || gone, "%s, again: %s (call %u, error %d)", #call, df_error(),              \
			      atomic_load(&fail_at), atomic_load(&fail_error));                                        \
		if (gone)                                                                                              \
			return;                                                                                        \
	} while (0)

static bool lost_device(void)
{
	return world.device && atomic_load(&world.device->gone);
}

static int record(struct df_batch **batch_out, uint32_t at)
{
	struct world_args args = {df_bo_address(world.x), df_bo_address(state), df_bo_address(state), WORLD_FLOATS,
				  WORLD_FACTOR};
	const uint32_t grid[3] = {WORLD_FLOATS / 64, 1, 1};
	struct df_batch *made;
	int ret = df_batch_create(world.device, NULL, &made);

	if (ret)
		return ret;
	ret = df_batch_use(made, state, DF_READ | DF_WRITE);
	for (uint32_t i = 0; i < LAUNCHES && !ret; i++) {
		if (i == at)
			ret = df_batch_wait(made, world.gate_bo, 0, DF_EQUAL, 1, UINT32_MAX);
		if (!ret)
			ret = df_batch_launch(made, world.kernel, grid, &args, sizeof(args));
		if (!ret)
			ret = df_batch_barrier(made);
	}
	if (!ret)
		ret = df_batch_seal(made);
	if (ret)
		ck_assert_int_eq(df_batch_destroy(made), 0);
	else
		*batch_out = made;
	return ret;
}

static int make_state(void)
{
	struct df_bo_options o = DF_OPTIONS(o, .recovery = DF_BO_STATE, .name = "state");

	return df_bo_create(world.device, WORLD_FLOATS * sizeof(float), &o, &state);
}

static int make_context(void)
{
	struct df_context_options o =
		DF_OPTIONS(o, .before_recovery = world_open_gate, .user = &world, .max_retries = 4);

	return df_context_create(world.device, &o, &context);
}

static int wait_one(struct df_fence *fence)
{
	struct df_wait_info info;
	int ret = df_fence_wait(fence, df_now_ns() + 20 * SECOND, &info);

	return ret;
}

static void work(void)
{
	STEP(world_try_open(&world, DEVICE_NAME));
	STEP(world_try_code(&world));
	STEP(world_try_bos(&world));
	STEP(make_state());
	STEP(world_try_fill(state));
	STEP(record(&batch, UINT32_MAX));
	STEP(record(&hang, 2));
	STEP(make_context());
	for (unsigned i = 0; i < SUBMISSIONS; i++)
		STEP(df_submit(context, i == 1 ? hang : batch, NULL, &fences[i]));
	for (unsigned i = 0; i < SUBMISSIONS; i++)
		STEP(wait_one(fences[i]));
	STEP(world_try_holds(state, SUBMISSIONS * LAUNCHES));
}

/* Nothing of it may fail for good; a wait for the end of something may fail once. */
static void clean_up(void)
{
	for (unsigned i = 0; i < SUBMISSIONS; i++)
		df_fence_put(fences[i]);
	if (df_context_destroy(context))
		ck_ok(df_context_destroy(context));
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_batch_destroy(hang));
	ck_ok(df_bo_destroy(state));
	world_try_close(&world);
	memset(fences, 0, sizeof(fences));
	context = NULL;
	batch = hang = NULL;
	state = NULL;
}

/* How many calls there were. */
static unsigned run_once(unsigned at, int error)
{
	atomic_store(&calls, 0);
	atomic_store(&objects, 0);
	atomic_store(&fail_at, at);
	atomic_store(&fail_error, error);
	gone = false;
	memset(&world, 0, sizeof(world));
	work();
	clean_up();
	ck_assert_msg(atomic_load(&objects) == 0, "%d objects are left (call %u, error %d)", atomic_load(&objects), at,
		      error);
	return atomic_load(&calls);
}

static unsigned stride(unsigned sample)
{
	return getenv("DRUMFIRE_SOAK") ? 1 : sample;
}

static void use_failing(void)
{
	failing_ops = df_soft_ops;
	failing_ops.ioctl = failing_ioctl;
	failing_ops.mmap = failing_mmap;
	df_soft_use(&failing_ops);
	failures = 0;
}

START_TEST(test_ioctls)
{
	static const int errors[] = {EINTR, EAGAIN, ENOMEM, EINVAL, ENODEV, ECANCELED, ETIME, EIO};
	const int error = errors[_i];
	const unsigned step = stride(5);
	unsigned total, fds;

	use_failing();
	total = run_once(0, 0);
	fds = open_fds(); /* the software GPU keeps some */
	ck_assert_uint_eq(failures, 0);
	ck_assert_uint_gt(total, 80);
	for (unsigned at = 1 + (unsigned)_i % step; at <= total; at += step)
		run_once(at, error);
	/* The node itself repeats these. */
	if (error == EINTR || error == EAGAIN)
		ck_assert_uint_eq(failures, 0);
	else
		ck_assert_uint_gt(failures, 0);
	ck_assert_uint_eq(open_fds(), fds);
}
END_TEST

START_TEST(test_allocations)
{
	const unsigned step = stride(3);
	unsigned long total;

	use_failing();
	df_alloc_fail(0);
	total = df_alloc_count();
	run_once(0, 0);
	total = df_alloc_count() - total;
	ck_assert_uint_gt(total, 30);
	for (unsigned long at = 1; at <= total; at += step) {
		df_alloc_fail(at);
		run_once(0, 0);
	}
	df_alloc_fail(0);
	ck_assert_uint_gt(failures, 10);
}
END_TEST

int main(void)
{
	TCase *cases = tcase_create("sweep");
	Suite *suite = suite_create("sweep");
	SRunner *runner;
	int failed;

	tcase_set_timeout(cases, 600);
	tcase_add_loop_test(cases, test_ioctls, 0, 8);
	tcase_add_test(cases, test_allocations);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

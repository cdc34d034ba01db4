/* SPDX-License-Identifier: MIT */
/*
 * Losses on a render node of drumfire.ko, under the time-outs and resets of the kernel's own scheduler, at sampled
 * launches of a barriered batch over STATE: the result is the undisturbed one bit for bit, and the verdict is the
 * kernel's. DRUMFIRE_DEVICE names the node. The hardware process is asked for what a chip can do through the FIFO that
 * it was started with (drumfire gpud --faults, DRUMFIRE_FAULT_FIFO); a reset for another's sake is asked for in
 * debugfs, as amdgpu has it; a hardware process that ends is started again by whoever runs the test. What only a kernel
 * can do is not to be had there: soft-recovery, queue-reset (which "hang" is, in that driver), innocent-rerun,
 * lost-interrupt.
 *
 * Without such a node the same faults are asked of the soft node, as a test of the test.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

#define LAUNCHES 12u
#define STEP     5u

static const struct fault {
	const char *name;  /* of the soft node's fault */
	const char *asked; /* of the chip; NULL: nothing */
	bool reset;        /* somebody has the kernel reset the device meanwhile */
	enum df_verdict loss;
} faults[] = {
	{"hang", "hang", false, DF_GUILTY_RESET},
	{"cp-hang", "cp-hang", false, DF_GUILTY_RESET},
	{"illegal-opcode", "illegal-opcode", false, DF_GUILTY_RESET},
	{"page-fault", "page-fault", false, DF_GUILTY_RESET},
	{"full-reset", "full-reset", false, DF_GUILTY_RESET},
	{"memory-lost", "hang", true, DF_MEMORY_LOST},
	{"memory-lost-idle", NULL, true, DF_MEMORY_LOST},
	{"removed", "removed", false, DF_DEVICE_GONE},
	{"slow", "slow", false, DF_DONE},
};
#define FAULTS (sizeof(faults) / sizeof(faults[0]))

static struct world world;
static const char *fifo, *device = "soft:gfx1030,kernel=7.2";

static void nap(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void ask_chip(const char *name, uint32_t launch)
{
	char line[64];
	int length = snprintf(line, sizeof(line), "%s@%u\n", name, launch);
	int fd = open(fifo, O_WRONLY | O_CLOEXEC | O_NONBLOCK);

	ck_assert_msg(fd >= 0, "nobody reads %s", fifo);
	ck_assert_int_eq(write(fd, line, (size_t)length), length);
	close(fd);
}

/* Reading the file is what resets the device. */
static void reset_by_another(void)
{
	char text[64];
	glob_t paths;
	int fd;

	nap(500); /* for the launch to be reached */
	ck_assert_int_eq(glob("/sys/kernel/debug/dri/[0-9]*/amdgpu_gpu_recover", 0, NULL, &paths), 0);
	fd = open(paths.gl_pathv[0], O_RDONLY | O_CLOEXEC);
	globfree(&paths);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(read(fd, text, sizeof(text)), 0);
	close(fd);
}

static void ask_before(const struct fault *fault, uint32_t at)
{
	char spec[64];

	if (fifo && fault->asked)
		ask_chip(fault->asked, at);
	if (fifo)
		return;
	snprintf(spec, sizeof(spec), "%s@%u", fault->name, at);
	ck_ok(df_device_fault(world.device, spec));
}

/* The next hardware process needs a moment. */
static int reopen(void)
{
	int ret = df_device_reopen(world.device, device);

	for (unsigned tries = 0; ret && fifo && tries < 600; tries++) {
		nap(100);
		ret = df_device_reopen(world.device, device);
	}
	return ret;
}

static void wait_through(struct df_fence *fence, struct df_wait_info *info)
{
	int ret = df_fence_wait(fence, df_now_ns() + 600 * SECOND, info);

	if (ret == -ENODEV) {
		ck_assert_int_eq(info->verdict, DF_DEVICE_GONE);
		ck_ok(reopen());
		ret = df_fence_wait(fence, df_now_ns() + 600 * SECOND, info);
	}
	ck_ok(ret);
	ck_assert_int_eq(info->verdict, DF_DONE);
}

static void one(struct df_context *context, const struct fault *fault, uint32_t at)
{
	struct df_batch_options marked = DF_OPTIONS(marked, .marker_interval = 1);
	struct df_bo *state = world_state(&world, DF_DOMAIN_DEVICE, false);
	struct df_batch *batch = world_batch(&world, state, LAUNCHES, UINT32_MAX, &marked);
	struct df_wait_info info;
	struct df_fence *fence;

	ask_before(fault, at);
	ck_ok(df_submit(context, batch, NULL, &fence));
	if (fifo && fault->reset)
		reset_by_another();
	wait_through(fence, &info);
	df_fence_put(fence);
	world_check(state, LAUNCHES);
	ck_assert_msg(info.recovered == (fault->loss != DF_DONE) && info.loss == fault->loss,
		      "%s@%u: recovered %d, verdict %d", fault->name, at, info.recovered, info.loss);
	ck_assert_uint_eq(info.poison_count, 0);
	ck_ok(df_batch_destroy(batch));
	ck_ok(df_bo_destroy(state));
}

START_TEST(test_losses)
{
	struct df_device_options reopenable = DF_OPTIONS(reopenable, .reopenable = true);
	struct df_context_options o = DF_OPTIONS(o, .check_faults = true);
	struct df_context *context;

	world_open(&world, device, &reopenable);
	ck_ok(df_context_create(world.device, &o, &context));
	for (uint32_t at = 0; at < LAUNCHES; at += STEP)
		one(context, &faults[_i], at);
	ck_ok(df_context_destroy(context));
	world_close(&world);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("node");
	TCase *tcase = tcase_create("node");
	SRunner *runner = srunner_create(suite);
	int failed;

	fifo = getenv("DRUMFIRE_FAULT_FIFO");
	if (fifo && getenv("DRUMFIRE_DEVICE"))
		device = getenv("DRUMFIRE_DEVICE");
	else
		fifo = NULL;
	tcase_set_timeout(tcase, 600);
	tcase_add_loop_test(tcase, test_losses, 0, FAULTS);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

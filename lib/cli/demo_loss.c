/* SPDX-License-Identifier: MIT */
/*
 * Chapter 3: batches over STATE buffers on two contexts while the GPU is lost in every way, against the same batches
 * undisturbed. Each launch reads what the one before left and writes it back changed, in an order that matters: a
 * launch run twice, left out, or half done shows in every later one.
 *
 * A render node of drumfire.ko is asked for faults through the FIFO of its hardware process (drumfire gpud --faults),
 * which DRUMFIRE_FAULT_FIFO names; a hardware process that ends must be started again by somebody.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/demo.h"

#define CONTEXTS  2u
#define BATCHES   16u /* a context */
#define LAUNCHES  64u
#define IN_FLIGHT 3u
#define WORDS     (256u << 10) /* of a STATE buffer: 1 MiB */
#define PIECE     8192u        /* that a launch works on */
#define WAIT_NS   60000000000ull

struct saxpy_args {
	uint64_t x, y, z;
	uint32_t n;
	float a;
};

struct stage {
	struct demo *demo;
	struct df_device *device;
	struct df_code *code;
	struct df_kernel *kernel;
	struct df_bo *state[CONTEXTS], *input;
	struct df_batch *batch[CONTEXTS][IN_FLIGHT]; /* one a place, so that its markers are of one run */
	struct df_context *context[CONTEXTS];
	struct timeline *timeline; /* NULL: undisturbed */
	struct timeline_user user[CONTEXTS];
	struct df_fence *fences[CONTEXTS][IN_FLIGHT];
	unsigned submitted[CONTEXTS], verified[CONTEXTS];
	uint64_t run_ns;
	uint32_t drm_minor;
	const char *fifo, *name; /* fifo: NULL for a soft device; name: to open it by again */
};

#define FAULT_INFO_MINOR 55u /* the first DRM minor whose kernel can be asked for page faults */

/* Before the wait for this batch of this context. */
static const struct {
	unsigned batch, context;
	const char *spec, *of_chip; /* of_chip: what a hardware process is asked for */
	const char *what;
	uint32_t minor; /* older kernels tell nobody */
} faults[] = {
	{3, 0, "hang@41", "hang@41\n", "a wave that never ends", 0},
	{7, 1, "memory-lost@50", "full-reset@50\n", "reset, device memory lost", 0},
	{10, 0, "page-fault@12", "page-fault@12\n", "an access to nowhere", FAULT_INFO_MINOR},
	{13, 1, "removed@55", "removed@55\n", "unplugged", 0},
};
#define FAULTS (sizeof(faults) / sizeof(faults[0]))

static int make_buffers(struct stage *stage, float *start)
{
	struct df_bo_options state = DF_OPTIONS(state, .recovery = DF_BO_STATE, .name = "state");
	struct df_bo_options input = DF_OPTIONS(input, .recovery = DF_BO_INPUT, .name = "input");
	int ret = df_bo_create(stage->device, WORDS * sizeof(float), &input, &stage->input);

	for (uint32_t i = 0; i < WORDS; i++)
		start[i] = (float)(demo_mix(7, i) & 0xffff) / 256;
	if (!ret)
		ret = df_bo_write(stage->input, 0, start, WORDS * sizeof(float));
	for (unsigned c = 0; c < CONTEXTS && !ret; c++) {
		for (uint32_t i = 0; i < WORDS; i++)
			start[i] = (float)(demo_mix(8 + c, i) & 0xffff);
		ret = df_bo_create(stage->device, WORDS * sizeof(float), &state, &stage->state[c]);
		if (!ret)
			ret = df_bo_write(stage->state[c], 0, start, WORDS * sizeof(float));
	}
	return ret;
}

/* state = a * state + input, piece by piece, each launch behind a barrier, a different from launch to launch. */
static int record(struct stage *stage, unsigned c, struct df_batch **batch_out)
{
	struct df_batch_options options = DF_OPTIONS(options, .marker_interval = 1);
	const uint32_t grid[3] = {PIECE / 64, 1, 1};
	struct df_batch *batch;
	int ret = df_batch_create(stage->device, &options, batch_out);

	batch = *batch_out;
	if (!ret)
		ret = df_batch_use(batch, stage->state[c], DF_READ | DF_WRITE);
	for (uint32_t i = 0; i < LAUNCHES && !ret; i++) {
		uint64_t at = (uint64_t)(i * 7 % (WORDS / PIECE)) * PIECE * sizeof(float);
		const struct saxpy_args args = {df_bo_address(stage->state[c]) + at, df_bo_address(stage->input) + at,
						df_bo_address(stage->state[c]) + at, PIECE,
						0.25f + 0.0625f * (float)(i % 11)};

		if (i)
			ret = df_batch_barrier(batch);
		if (!ret)
			ret = df_batch_launch(batch, stage->kernel, grid, &args, sizeof(args));
	}
	return ret ? ret : df_batch_seal(batch);
}

static int make_contexts(struct stage *stage)
{
	int ret = 0;

	for (unsigned c = 0; c < CONTEXTS && !ret; c++) {
		struct df_context_options options = DF_OPTIONS(options, .check_faults = true, .max_retries = 3);
		char name[32];

		if (stage->timeline) {
			snprintf(name, sizeof(name), "context %u", c + 1);
			stage->user[c] = (struct timeline_user){stage->timeline, timeline_lane(stage->timeline, name)};
			options.before_recovery = timeline_before;
			options.after_recovery = timeline_after;
			options.user = &stage->user[c];
		}
		ret = df_context_create(stage->device, &options, &stage->context[c]);
	}
	return ret;
}

static int build(struct stage *stage, const char *device)
{
	struct df_device_options options = DF_OPTIONS(options, .reopenable = true);
	float *start = malloc(WORDS * sizeof(float));
	struct df_device_info info = {0};
	int ret = start ? df_device_open(device, &options, &stage->device) : -ENOMEM;

	if (!ret)
		ret = df_device_get_info(stage->device, &info);
	stage->drm_minor = info.drm_minor;
	if (!ret)
		ret = demo_load_on(stage->demo, stage->device, "saxpy", &stage->code, &stage->kernel);
	if (!ret)
		ret = make_buffers(stage, start);
	for (unsigned i = 0; i < CONTEXTS * IN_FLIGHT && !ret; i++)
		ret = record(stage, i / IN_FLIGHT, &stage->batch[i / IN_FLIGHT][i % IN_FLIGHT]);
	if (!ret && stage->timeline)
		timeline_init(stage->timeline, stage->device);
	if (!ret)
		ret = make_contexts(stage);
	free(start);
	return ret;
}

static int submit(struct stage *stage, unsigned c)
{
	const unsigned place = stage->submitted[c] % IN_FLIGHT;
	struct df_submit_options options = DF_OPTIONS(options, .deadline_ns = df_now_ns() + WAIT_NS);
	int ret = df_submit(stage->context[c], stage->batch[c][place], &options, &stage->fences[c][place]);

	if (ret)
		return ret;
	if (stage->timeline && stage->submitted[c] == stage->verified[c])
		timeline_begin(stage->timeline, stage->user[c].lane);
	stage->submitted[c]++;
	return 0;
}

static int ask_chip(const char *fifo, const char *line)
{
	const ssize_t length = (ssize_t)strlen(line);
	int fd = open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC), ret = 0;

	if (fd < 0 || write(fd, line, (size_t)length) != length) {
		ret = -errno;
		fprintf(stderr, "drumfire demo: DRUMFIRE_FAULT_FIFO %s: %s. Fix: start drumfire gpud --faults %s\n",
			fifo, strerror(errno), fifo);
	}
	if (fd >= 0)
		close(fd);
	return ret;
}

/* The next hardware process needs a moment. */
static int reopen(struct stage *stage)
{
	int ret = df_device_reopen(stage->device, stage->name);

	for (unsigned tries = 0; ret && stage->fifo && tries < 300; tries++) {
		nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
		ret = df_device_reopen(stage->device, stage->name);
	}
	return ret;
}

static int ask_for_fault(struct stage *stage, unsigned c, unsigned batch)
{
	for (unsigned i = 0; i < FAULTS; i++) {
		if (faults[i].batch != batch || faults[i].context != c || faults[i].minor > stage->drm_minor)
			continue;
		stage->timeline->next_what = faults[i].what;
		return stage->fifo ? ask_chip(stage->fifo, faults[i].of_chip)
				   : df_device_fault(stage->device, faults[i].spec);
	}
	return 0;
}

/* Waits for the context's oldest batch, over every loss. */
static int verify(struct stage *stage, unsigned c)
{
	struct df_fence *fence = stage->fences[c][stage->verified[c] % IN_FLIGHT];
	struct df_wait_info info;
	int ret;

	while ((ret = df_fence_wait(fence, df_now_ns() + WAIT_NS, &info)) == -ENODEV && stage->timeline) {
		timeline_gone(stage->timeline, &info);
		ret = reopen(stage);
		if (ret)
			return ret;
		timeline_reopened(stage->timeline);
	}
	df_fence_put(fence);
	stage->verified[c]++;
	if (stage->timeline)
		timeline_end(stage->timeline, stage->user[c].lane, &info, LAUNCHES,
			     stage->submitted[c] != stage->verified[c]);
	return ret;
}

static int run(struct stage *stage)
{
	uint64_t start = df_now_ns();
	int ret = 0;

	for (unsigned n = 0; n < BATCHES && !ret; n++)
		for (unsigned c = 0; c < CONTEXTS && !ret; c++) {
			while (stage->submitted[c] < BATCHES && stage->submitted[c] < n + IN_FLIGHT && !ret)
				ret = submit(stage, c);
			if (!ret && stage->timeline)
				ret = ask_for_fault(stage, c, n);
			if (!ret)
				ret = verify(stage, c);
		}
	stage->run_ns = df_now_ns() - start;
	return ret;
}

static int read_back(struct stage *stage, uint32_t *words)
{
	int ret = 0;

	for (unsigned c = 0; c < CONTEXTS && !ret; c++)
		ret = df_bo_read(stage->state[c], 0, words + (size_t)c * WORDS, WORDS * sizeof(float));
	return ret;
}

static void tear_down(struct stage *stage)
{
	for (unsigned c = 0; c < CONTEXTS; c++) {
		for (; stage->verified[c] < stage->submitted[c]; stage->verified[c]++)
			df_fence_put(stage->fences[c][stage->verified[c] % IN_FLIGHT]);
		(void)df_context_destroy(stage->context[c]);
		for (unsigned i = 0; i < IN_FLIGHT; i++)
			(void)df_batch_destroy(stage->batch[c][i]);
		(void)df_bo_destroy(stage->state[c]);
	}
	(void)df_bo_destroy(stage->input);
	(void)df_code_destroy(stage->code);
	if (stage->device)
		(void)df_device_close(stage->device);
}

/* ---- the table ---- */

static const char *duration(char *text, size_t size, uint64_t ns)
{
	if (!ns)
		snprintf(text, size, "-");
	else if (ns < 1000000)
		snprintf(text, size, "%.0f us", (double)ns / 1e3);
	else
		snprintf(text, size, "%.2f ms", (double)ns / 1e6);
	return text;
}

static void print_loss(const struct timeline *timeline, const struct timeline_loss *loss)
{
	char where[96], launches[48], detected[24], recovered[24], again[48];

	if (loss->verdict == DF_DEVICE_GONE)
		launches[0] = 0;
	else if (loss->first_launch == loss->last_launch)
		snprintf(launches, sizeof(launches), ", launch %llu", (unsigned long long)loss->first_launch);
	else
		snprintf(launches, sizeof(launches), ", launches %llu-%llu", (unsigned long long)loss->first_launch,
			 (unsigned long long)loss->last_launch);
	snprintf(where, sizeof(where), "%s, batch %llu%s", timeline->lanes[loss->lane].name,
		 (unsigned long long)loss->batch, launches);
	snprintf(again, sizeof(again), "%llu of %llu launches", (unsigned long long)loss->batches_rerun,
		 (unsigned long long)loss->launches_rerun);
	printf("  %-33s %-15s %-38s %9s %7.1f MiB %-19s %9s\n", loss->what, timeline_verdict(loss->verdict), where,
	       duration(detected, sizeof(detected), loss->detect_ns), (double)loss->restored_B / 1048576, again,
	       duration(recovered, sizeof(recovered), loss->recover_ns));
}

static void print_table(struct demo *demo, const struct stage *plain, const struct stage *lossy, uint64_t wrong)
{
	const struct timeline *timeline = lossy->timeline;
	unsigned expected = 0;

	printf("\n3. Losing the GPU: %u batches of %u launches over two STATE buffers, on two contexts\n",
	       CONTEXTS * BATCHES, LAUNCHES);
	printf("  %-33s %-15s %-38s %9s %11s %-19s %9s\n", "what was done", "found", "where", "detected", "restored",
	       "batches run again", "to re-run");
	for (unsigned i = 0; i < timeline->loss_count; i++)
		print_loss(timeline, &timeline->losses[i]);
	printf("  undisturbed %.1f ms, with %u losses %.1f ms; %u words compared bit for bit, %llu wrong\n",
	       (double)plain->run_ns / 1e6, timeline->loss_count, (double)lossy->run_ns / 1e6, CONTEXTS * WORDS,
	       (unsigned long long)wrong);
	if (lossy->drm_minor < FAULT_INFO_MINOR)
		printf("  no access to nowhere: a kernel of DRM 3.%u tells nobody of it\n", lossy->drm_minor);
	for (unsigned i = 0; i < FAULTS; i++)
		expected += faults[i].minor <= lossy->drm_minor;
	if (timeline->loss_count < expected)
		printf("  only %u of %u losses happened\n", timeline->loss_count, expected);
	fflush(stdout);
	demo->failed += wrong != 0 || timeline->loss_count < expected;
}

static int draw(struct demo *demo, struct timeline *timeline, const char *device)
{
	int ret = 0;

	snprintf(timeline->title, sizeof(timeline->title), "Lose the GPU at any moment, lose nothing");
	snprintf(timeline->subtitle, sizeof(timeline->subtitle),
		 "%u batches of %u launches over two STATE buffers on %s; the result equals the undisturbed run bit "
		 "for bit",
		 CONTEXTS * BATCHES, LAUNCHES, device);
	if (demo->timeline_path)
		ret = timeline_write_svg(timeline, demo->timeline_path);
	if (!ret && demo->trace_path)
		ret = timeline_write_trace(timeline, demo->trace_path);
	if (ret)
		fprintf(stderr, "drumfire demo: cannot write the timeline: %s\n", strerror(-ret));
	demo->failed += ret != 0;
	return 0;
}

/* One run of everything; the state that it leaves. */
static int stage_run(struct stage *stage, const char *device, uint32_t *words)
{
	int ret = build(stage, device);

	if (!ret)
		ret = run(stage);
	if (!ret)
		ret = read_back(stage, words);
	tear_down(stage);
	return ret;
}

int demo_loss(struct demo *demo, const char *device)
{
	struct timeline timeline = {0};
	struct stage plain = {.demo = demo}, lossy = {.demo = demo, .timeline = &timeline};
	const size_t bytes = (size_t)CONTEXTS * WORDS * sizeof(uint32_t);
	uint32_t *expected = malloc(bytes), *got = malloc(bytes);
	const char *fault, *meaning;
	const bool soft = device_is_soft(device);
	char name[512];
	uint64_t wrong = 0;
	int ret = expected && got ? 0 : -ENOMEM;

	lossy.name = soft ? NULL : device;
	lossy.fifo = soft ? NULL : getenv("DRUMFIRE_FAULT_FIFO");
	if (soft ? df_fault_name(0, &fault, &meaning) : !lossy.fifo) {
		printf("\n3. Losing the GPU: %s cannot be asked for faults, so nothing is lost\n", device);
		goto out;
	}
	/* A device of its own: unplugging it leaves the other chapters' alone. */
	snprintf(name, sizeof(name), "%s", device);
	if (!ret && soft)
		ret = device_name_add(name, sizeof(name), "timeout_ms=60000");
	if (!ret)
		ret = stage_run(&plain, name, expected);
	if (!ret)
		ret = stage_run(&lossy, name, got);
	for (size_t i = 0; i < (size_t)CONTEXTS * WORDS && !ret; i++)
		wrong += expected[i] != got[i];
	if (!ret) {
		print_table(demo, &plain, &lossy, wrong);
		ret = draw(demo, &timeline, device);
	}
	timeline_finish(&timeline);
out:
	free(expected);
	free(got);
	return ret;
}

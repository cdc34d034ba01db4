/* SPDX-License-Identifier: MIT */
/* drumfire launch: recording, submitting, waiting; what to do when the batch is lost. */
#include <errno.h>
#include <string.h>

#include "cli/launch.h"

#define PROGRESS_NS 500000000u

static uint32_t marker_interval(const struct launch *launch)
{
	return launch->has_marker ? (uint32_t)launch->marker : launch->unordered ? 0 : 1;
}

int launch_record(struct launch *launch)
{
	struct df_batch_options options =
		DF_OPTIONS(options, .marker_interval = marker_interval(launch), .independent = launch->independent);
	int ret = df_batch_create(launch->device, &options, &launch->batch);

	if (!ret)
		ret = launch_args_use(launch->batch, launch->args, launch->arg_count);
	for (uint64_t i = 0; i < launch->repeat && !ret; i++) {
		if (i && !launch->unordered)
			ret = df_batch_barrier(launch->batch);
		if (!ret)
			ret = df_batch_launch(launch->batch, launch->kernel, launch->grid, launch->block_data,
					      launch->info.args_size_B);
		if (i && i % 100000 == 0)
			progress_show("recorded %llu of %llu launches", (unsigned long long)i,
				      (unsigned long long)launch->repeat);
	}
	if (!ret)
		ret = df_batch_seal(launch->batch);
	if (ret)
		return launch_fail(launch, ret);
	df_batch_get_info(launch->batch, &launch->batch_info);
	return 0;
}

static uint64_t ioctl_count(struct df_device *device)
{
	struct df_counter counters[64];
	unsigned count = df_device_counters(device, counters, 64);
	uint64_t sum = 0;

	for (unsigned i = 0; i < count && i < 64; i++)
		sum += counters[i].value;
	return sum;
}

static int wait_shown(struct launch *launch, struct df_fence *fence, uint64_t start)
{
	int ret;

	for (;;) {
		uint64_t now = df_now_ns(), spent = now - start;
		uint64_t left = spent < launch->timeout_ns ? launch->timeout_ns - spent : 0;

		ret = df_fence_wait(fence, now + (left < PROGRESS_NS ? left : PROGRESS_NS), &launch->wait);
		if (ret != -ETIME || df_now_ns() - start >= launch->timeout_ns)
			return ret;
		progress_show("running %llu launches, %.1f s", (unsigned long long)launch->batch_info.launches,
			      (double)(df_now_ns() - start) / 1e9);
	}
}

/* Opens the device again as often as the batch may be run again. */
static int wait_over_removals(struct launch *launch, struct df_fence *fence)
{
	uint64_t start = df_now_ns();
	int ret;

	for (;;) {
		ret = wait_shown(launch, fence, start);
		if (ret != -ENODEV || launch->wait.verdict != DF_DEVICE_GONE || launch->reopened > launch->retries)
			return ret;
		timeline_gone(&launch->timeline, &launch->wait);
		if (df_device_reopen(launch->device, NULL))
			return ret;
		launch->reopened++;
		timeline_reopened(&launch->timeline);
	}
}

/* One line: verdict, context, batch, launch or set of launches, address; then what the library advises. */
static int tell_loss(struct launch *launch, int err)
{
	const struct df_wait_info *info = &launch->wait;
	const char *fix = strstr(df_error(), "Fix:");
	char where[512];
	size_t used;

	if (info->poison_count) {
		used = (size_t)snprintf(where, sizeof(where), "launch%s %llu", info->poison_count > 1 ? "es" : "",
					(unsigned long long)info->poison[0]);
		for (uint32_t i = 1; i < info->poison_count && i < DF_MAX_POISON; i++)
			used += (size_t)snprintf(where + used, sizeof(where) - used, ", %llu",
						 (unsigned long long)info->poison[i]);
	} else if (info->first_launch > info->last_launch) {
		used = (size_t)snprintf(where, sizeof(where), "after launch %llu",
					(unsigned long long)info->last_launch);
	} else if (info->first_launch == info->last_launch) {
		used = (size_t)snprintf(where, sizeof(where), "launch %llu", (unsigned long long)info->first_launch);
	} else {
		used = (size_t)snprintf(where, sizeof(where), "launches %llu to %llu in flight",
					(unsigned long long)info->first_launch, (unsigned long long)info->last_launch);
	}
	used += (size_t)snprintf(where + used, sizeof(where) - used, " of %llu",
				 (unsigned long long)launch->batch_info.launches);
	if (info->page_fault)
		snprintf(where + used, sizeof(where) - used, ", page fault at 0x%llx",
			 (unsigned long long)info->fault_address);
	snprintf(launch->text, sizeof(launch->text), "%s: context %u, batch %llu, %s; %llu launches are done. %s",
		 timeline_verdict(info->verdict), info->context, (unsigned long long)info->batch, where,
		 (unsigned long long)info->launches_done, fix ? fix : "");
	return err;
}

static int tell_failure(struct launch *launch, int err)
{
	if (err == -ETIME)
		snprintf(launch->text, sizeof(launch->text),
			 "still running after %llu s. Fix: --timeout, fewer --repeat, or look for a loop in the kernel",
			 (unsigned long long)(launch->timeout_ns / 1000000000u));
	else if (launch->wait.verdict != DF_DONE && launch->wait.verdict != DF_RUNNING)
		tell_loss(launch, err);
	else
		launch_fail(launch, err);
	return err;
}

int launch_run(struct launch *launch)
{
	struct df_context_options options =
		DF_OPTIONS(options, .max_retries = launch->retries ? (uint32_t)launch->retries : UINT32_MAX,
			   .check_faults = launch->check_faults, .before_recovery = timeline_before,
			   .after_recovery = timeline_after, .user = &launch->user, .capture = launch->capture);
	struct df_fence *fence = NULL;
	uint64_t before;
	int ret;

	timeline_init(&launch->timeline, launch->device);
	launch->user.timeline = &launch->timeline;
	launch->user.lane = timeline_lane(&launch->timeline, "context 1");
	ret = df_context_create(launch->device, &options, &launch->context);
	if (ret)
		return launch_fail(launch, ret);
	before = ioctl_count(launch->device);
	timeline_begin(&launch->timeline, launch->user.lane);
	if (launch->fault_count)
		launch->timeline.next_what = launch->faults[0];
	ret = df_submit(launch->context, launch->batch, NULL, &fence);
	if (ret)
		return launch_fail(launch, ret);
	launch->submit_ioctls = ioctl_count(launch->device) - before;
	ret = wait_over_removals(launch, fence);
	timeline_end(&launch->timeline, launch->user.lane, &launch->wait, launch->batch_info.launches, false);
	if (ret)
		tell_failure(launch, ret);
	df_fence_put(fence);
	return ret;
}

static int draw(const char *path, int err, const char *what)
{
	if (err)
		fprintf(stderr, "drumfire launch: %s %s: %s\n", what, path, strerror(-err));
	return err;
}

int launch_draw(struct launch *launch)
{
	struct timeline *timeline = &launch->timeline;
	int ret = 0, traced = 0;

	if (!timeline->device)
		return 0;
	snprintf(timeline->title, sizeof(timeline->title), "drumfire launch %s", launch->info.name);
	snprintf(timeline->subtitle, sizeof(timeline->subtitle), "%llu launches on %s",
		 (unsigned long long)launch->batch_info.launches, launch->device_name);
	if (launch->timeline_path)
		ret = draw(launch->timeline_path, timeline_write_svg(timeline, launch->timeline_path), "timeline");
	if (launch->trace_path)
		traced = draw(launch->trace_path, timeline_write_trace(timeline, launch->trace_path), "trace");
	timeline_finish(timeline);
	return ret ? ret : traced;
}

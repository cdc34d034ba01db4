/* SPDX-License-Identifier: MIT */
/*
 * The megakernel object, and dispatch. Every way to dispatch goes through a scratch: the caller's, or one made for the
 * call. A submission that runs past its deadline keeps its scratch, because the GPU still reads the batch in it: the
 * caller's stays his (and is refused until it has ended), ours moves to the list of late ones.
 */
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "mega/mega.h"

#define DEFAULT_TIMEOUT_NS 10000000000ull

static int check_kernel(struct df_mega *mega)
{
	struct df_kernel_info info;
	int ret = df_kernel_get_info(mega->kernel, &info);

	if (ret)
		return ret;
	if (info.args_size_B != DF_RING_ARGS_B)
		return df_error_set(
			-EINVAL,
			"df_mega_create: kernel '%s' takes %u bytes of arguments, a megakernel %u. Fix: pass "
			"the kernel of an image of shaders/mega.comp",
			info.name, info.args_size_B, DF_RING_ARGS_B);
	if (!info.block[0] || info.block[1] > 1 || info.block[2] > 1)
		return df_error_set(-EINVAL,
				    "df_mega_create: kernel '%s' has a workgroup of %ux%ux%u, a megakernel's has one "
				    "dimension. Fix: df_kernel_with_block()",
				    info.name, info.block[0], info.block[1], info.block[2]);
	mega->workgroup = info.block[0];
	mega->groups_resident = info.groups_resident;
	return 0;
}

DF_API int df_mega_create(struct df_device *device, struct df_kernel *kernel, const struct df_mega_options *options,
			  struct df_mega **mega_out)
{
	struct df_mega_options full;
	struct df_mega *mega;
	int ret;

	if (!device || !kernel || !mega_out)
		return df_error_set(-EINVAL, "df_mega_create: device, kernel and mega_out must not be NULL");
	ret = df_options_read("df_mega_create", options, &full, sizeof(full));
	if (ret)
		return ret;
	if (full.split && !full.grid_barrier)
		return df_error_set(-EINVAL,
				    "df_mega_create: options.split without options.grid_barrier. Fix: split is what to "
				    "do about a barrier; without one nothing needs to be resident at once");
	mega = df_calloc(1, sizeof(*mega));
	if (!mega)
		return df_error_set(-ENOMEM, "df_mega_create: out of memory");
	mega->device = device;
	mega->kernel = kernel;
	mega->rounds = full.rounds ? full.rounds : 1;
	mega->timeout_ns = full.timeout_ns ? full.timeout_ns : DEFAULT_TIMEOUT_NS;
	mega->ordered = full.ordered;
	mega->grid_barrier = full.grid_barrier;
	mega->split = full.split;
	mega->context = full.context;
	ret = check_kernel(mega);
	if (!ret && !mega->context) {
		ret = df_context_create(device, NULL, &mega->context);
		mega->own_context = !ret;
	}
	if (ret) {
		free(mega);
		return ret;
	}
	*mega_out = mega;
	return 0;
}

/* ---- scratch ---- */

static void free_scratch(struct df_mega_scratch *scratch)
{
	if (scratch->fence)
		df_fence_put(scratch->fence);
	free(scratch->sets);
	free(scratch->slots);
	free(scratch->addresses);
	free(scratch->views);
	free(scratch->outputs);
	free(scratch->arena);
	free(scratch->seen);
	free(scratch);
}

static int make_scratch(struct df_mega *mega, uint32_t max_sets, struct df_mega_scratch **scratch_out)
{
	struct df_mega_scratch *scratch = df_calloc(1, sizeof(*scratch));
	size_t buckets = 16;

	if (!scratch)
		goto no_memory;
	while (buckets < (size_t)max_sets * DF_MEGA_HANDLES * 2)
		buckets *= 2;
	scratch->mega = mega;
	scratch->max_sets = max_sets;
	scratch->sets = df_calloc(max_sets, sizeof(*scratch->sets));
	scratch->slots = df_calloc(max_sets, sizeof(*scratch->slots));
	scratch->addresses = df_calloc(max_sets, sizeof(*scratch->addresses));
	scratch->views = df_calloc(max_sets, sizeof(*scratch->views));
	scratch->outputs = df_calloc(max_sets, sizeof(*scratch->outputs));
	scratch->seen = df_calloc(buckets, sizeof(*scratch->seen));
	scratch->seen_mask = (uint32_t)(buckets - 1);
	if (!scratch->sets || !scratch->slots || !scratch->addresses || !scratch->views || !scratch->outputs ||
	    !scratch->seen) {
		free_scratch(scratch);
		goto no_memory;
	}
	*scratch_out = scratch;
	return 0;
no_memory:
	return df_error_set(-ENOMEM, "megakernel scratch for %u sets: out of memory. Fix: dispatch fewer at a time",
			    max_sets);
}

static int destroy_scratch(struct df_mega_scratch *scratch)
{
	int ret = df_batch_destroy(scratch->batch);

	if (ret)
		return ret;
	free_scratch(scratch);
	return 0;
}

DF_API int df_mega_scratch_create(struct df_mega *mega, uint32_t max_sets, struct df_mega_scratch **scratch_out)
{
	int ret;

	if (!mega || !scratch_out)
		return df_error_set(-EINVAL, "df_mega_scratch_create: mega and scratch_out must not be NULL");
	if (!max_sets || max_sets > DF_MEGA_MAX_SLOTS)
		return df_error_set(-EINVAL, "df_mega_scratch_create: max_sets is %u, expected 1 to %u", max_sets,
				    DF_MEGA_MAX_SLOTS);
	ret = make_scratch(mega, max_sets, scratch_out);
	if (!ret)
		mega->scratches++;
	return ret;
}

DF_API int df_mega_scratch_destroy(struct df_mega_scratch *scratch)
{
	struct df_mega *mega = scratch ? scratch->mega : NULL;
	int ret;

	if (!scratch)
		return 0;
	ret = df_mega_scratch_settle(scratch, 0);
	if (ret)
		return ret;
	ret = destroy_scratch(scratch);
	if (!ret)
		mega->scratches--;
	return ret;
}

int df_mega_scratch_settle(struct df_mega_scratch *scratch, uint64_t deadline_ns)
{
	int ret;

	if (!scratch->fence)
		return 0;
	ret = df_fence_wait(scratch->fence, deadline_ns, NULL);
	if (ret == -ETIME)
		return df_error_set(
			-EBUSY, "megakernel: an earlier dispatch still runs, past its deadline. Fix: wait, or raise "
				"options.timeout_ns");
	/* Ended, well or not: its own dispatch has reported the timeout, there is nothing more to hand back. */
	df_fence_put(scratch->fence);
	scratch->fence = NULL;
	return 0;
}

/* Destroys the late scratches that have ended. */
static int reap_late(struct df_mega *mega, uint64_t deadline_ns)
{
	struct df_mega_scratch **link = &mega->late;

	while (*link) {
		struct df_mega_scratch *scratch = *link, *next = scratch->next;
		int ret = df_mega_scratch_settle(scratch, deadline_ns);

		if (!ret)
			ret = destroy_scratch(scratch);
		if (ret && deadline_ns)
			return ret;
		if (ret)
			link = &scratch->next;
		else
			*link = next;
	}
	return 0;
}

DF_API int df_mega_destroy(struct df_mega *mega)
{
	int ret;

	if (!mega)
		return 0;
	if (mega->scratches)
		return df_error_set(-EBUSY, "df_mega_destroy: %u scratches of it exist. Fix: destroy them first",
				    mega->scratches);
	ret = reap_late(mega, DF_FOREVER);
	if (!ret && mega->own_context)
		ret = df_context_destroy(mega->context);
	if (ret)
		return ret;
	free(mega);
	return 0;
}

/* ---- one submission ---- */

int df_mega_run(struct df_mega_scratch *scratch, struct df_mega_stats *stats)
{
	struct df_mega *mega = scratch->mega;
	uint64_t now = df_now_ns();
	uint64_t deadline = mega->timeout_ns > DF_FOREVER - now ? DF_FOREVER : now + mega->timeout_ns;
	struct df_submit_options submit = DF_OPTIONS(submit, .deadline_ns = deadline);
	struct df_wait_info info = {0};
	int ret = df_submit(mega->context, scratch->batch, &submit, &scratch->fence);

	if (ret)
		return ret;
	ret = df_fence_wait(scratch->fence, deadline, &info);
	if (ret == -ETIME)
		return df_error_within(ret, "megakernel: %u sets still run at their deadline of %llu ms",
				       scratch->count, (unsigned long long)(mega->timeout_ns / 1000000));
	df_fence_put(scratch->fence);
	scratch->fence = NULL;
	if (stats) {
		stats->resident_rows = scratch->count;
		stats->resident_handles = scratch->count * DF_MEGA_HANDLES;
		stats->kernel_launches = scratch->launches * (1 + info.retries);
		stats->sync_points = 1;
		stats->recovered = info.recovered;
	}
	return ret;
}

static int check_part(const char *name, uint32_t i, const void *memory, size_t have_B, size_t need_B)
{
	if (!memory || have_B >= need_B)
		return 0;
	return df_error_set(-EINVAL,
			    "megakernel output %u: %s has room for %zu bytes, the set has %zu. Fix: size it with "
			    "df_mega_shape_bytes()",
			    i, name, have_B, need_B);
}

int df_mega_check_output(const struct df_mega_view *view, const struct df_mega_output *output, uint32_t i)
{
	int ret;

	if ((ret = check_part("control", i, output->control, output->control_B, df_mega_control_B(view))) ||
	    (ret = check_part("ring", i, output->ring, output->ring_B, df_mega_ring_B(view))) ||
	    (ret = check_part("log", i, output->log, output->log_B, df_mega_log_B(view))))
		return ret;
	return check_part("io", i, output->io, output->io_B, df_mega_io_B(view));
}

static void copy_part(void *to, size_t *to_B, const void *from, size_t bytes, struct df_mega_stats *stats)
{
	if (!to)
		return;
	memcpy(to, from, bytes);
	*to_B = bytes;
	if (stats) {
		stats->output_B += bytes;
		stats->readback_B += bytes;
		stats->moved_B += bytes;
		stats->output_buffers++;
	}
}

void df_mega_copy_out(const struct df_mega_view *view, struct df_mega_output *output, struct df_mega_stats *stats)
{
	copy_part(output->control, &output->control_B, view->control, df_mega_control_B(view), stats);
	copy_part(output->ring, &output->ring_B, view->ring, df_mega_ring_B(view), stats);
	copy_part(output->log, &output->log_B, view->log, df_mega_log_B(view), stats);
	copy_part(output->io, &output->io_B, view->io, df_mega_io_B(view), stats);
}

static int run_with(struct df_mega_scratch *scratch, const struct df_mega_set *sets, uint32_t count,
		    struct df_mega_output *outputs, struct df_mega_stats *stats)
{
	int ret = df_mega_prepare(scratch, sets, count, stats);

	for (uint32_t i = 0; outputs && !ret && i < count; i++)
		ret = df_mega_check_output(&scratch->views[i], &outputs[i], i);
	if (!ret)
		ret = df_mega_run(scratch, stats);
	for (uint32_t i = 0; outputs && !ret && i < count; i++)
		df_mega_copy_out(&scratch->views[i], &outputs[i], stats);
	return ret;
}

DF_API int df_mega_dispatch_many(struct df_mega *mega, const struct df_mega_set *sets, uint32_t count,
				 struct df_mega_output *outputs, struct df_mega_stats *stats_out)
{
	uint64_t start = stats_out ? df_now_ns() : 0;
	struct df_mega_stats stats = {0};
	struct df_mega_scratch *scratch;
	int ret;

	if (!count) {
		if (stats_out)
			*stats_out = stats;
		return 0;
	}
	ret = reap_late(mega, 0);
	if (!ret)
		ret = make_scratch(mega, count, &scratch);
	if (ret)
		return ret;
	ret = run_with(scratch, sets, count, outputs, stats_out ? &stats : NULL);
	if (scratch->fence) {
		scratch->next = mega->late;
		mega->late = scratch;
		return ret;
	}
	if (stats_out && !ret) {
		stats.latency_ns = df_now_ns() - start;
		*stats_out = stats;
	}
	/* Not in flight: nothing can keep the batch from being destroyed. */
	if (destroy_scratch(scratch)) {
		scratch->next = mega->late;
		mega->late = scratch;
	}
	return ret;
}

DF_API int df_mega_dispatch(struct df_mega *mega, const struct df_mega_set *set, struct df_mega_output *output,
			    struct df_mega_stats *stats_out)
{
	return df_mega_dispatch_many(mega, set, 1, output, stats_out);
}

/* ---- through a scratch ---- */

/* Lays the outputs of the sets out in the arena. */
static int place_outputs(struct df_mega_scratch *scratch, uint32_t count, unsigned parts)
{
	size_t total = 0;
	uint8_t *at;

	for (uint32_t i = 0; i < count; i++) {
		const struct df_mega_view *view = &scratch->views[i];

		total += (parts & DF_MEGA_CONTROL ? df_mega_control_B(view) : 0) +
			 (parts & DF_MEGA_RING ? df_mega_ring_B(view) : 0) +
			 (parts & DF_MEGA_LOG ? df_mega_log_B(view) : 0) +
			 (parts & DF_MEGA_IO ? df_mega_io_B(view) : 0);
	}
	if (total > scratch->arena_B) {
		at = df_realloc(scratch->arena, 1, total);
		if (!at)
			return df_error_set(
				-ENOMEM,
				"megakernel scratch: no memory for %zu bytes of outputs. Fix: ask for fewer "
				"parts",
				total);
		scratch->arena = at;
		scratch->arena_B = total;
	}
	at = scratch->arena;
	for (uint32_t i = 0; i < count; i++) {
		const struct df_mega_view *view = &scratch->views[i];
		struct df_mega_output *output = &scratch->outputs[i];

		memset(output, 0, sizeof(*output));
#define PLACE(part, field)                                                                                             \
	if (parts & (part)) {                                                                                          \
		output->field = at;                                                                                    \
		output->field##_B = df_mega_##field##_B(view);                                                         \
		at += output->field##_B;                                                                               \
	}
		PLACE(DF_MEGA_CONTROL, control)
		PLACE(DF_MEGA_RING, ring)
		PLACE(DF_MEGA_LOG, log)
		PLACE(DF_MEGA_IO, io)
#undef PLACE
	}
	return 0;
}

DF_API int df_mega_dispatch_scratch(struct df_mega *mega, const struct df_mega_set *sets, uint32_t count,
				    unsigned parts, struct df_mega_scratch *scratch, struct df_mega_stats *stats_out)
{
	uint64_t start = stats_out ? df_now_ns() : 0;
	struct df_mega_stats stats = {0}, *gather = stats_out ? &stats : NULL;
	int ret;

	if (scratch->mega != mega)
		return df_error_set(-EINVAL,
				    "df_mega_dispatch_scratch: the scratch belongs to another megakernel. Fix: create "
				    "one for this");
	if (parts & ~(unsigned)(DF_MEGA_CONTROL | DF_MEGA_RING | DF_MEGA_LOG | DF_MEGA_IO))
		return df_error_set(-EINVAL, "df_mega_dispatch_scratch: parts is 0x%x, unknown bits", parts);
	ret = df_mega_scratch_settle(scratch, 0);
	if (ret)
		return ret;
	if (count) {
		ret = df_mega_prepare(scratch, sets, count, gather);
		if (!ret)
			ret = place_outputs(scratch, count, parts);
		if (!ret)
			ret = df_mega_run(scratch, gather);
		if (ret)
			return ret;
		for (uint32_t i = 0; i < count; i++)
			df_mega_copy_out(&scratch->views[i], &scratch->outputs[i], gather);
		stats.latency_ns = stats_out ? df_now_ns() - start : 0;
	} else {
		scratch->count = 0;
		scratch->recorded = false;
	}
	if (stats_out)
		*stats_out = stats;
	return 0;
}

DF_API void df_mega_scratch_info(const struct df_mega_scratch *scratch, struct df_batch_info *info_out)
{
	memset(info_out, 0, sizeof(*info_out));
	if (scratch->batch && scratch->recorded)
		df_batch_get_info(scratch->batch, info_out);
}

DF_API int df_mega_scratch_output(const struct df_mega_scratch *scratch, uint32_t i, struct df_mega_output *output_out)
{
	if (i >= scratch->count)
		return df_error_set(-ENOENT, "megakernel scratch: output %u, the last dispatch had %u sets", i,
				    scratch->count);
	*output_out = scratch->outputs[i];
	return 0;
}

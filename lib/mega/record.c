/* SPDX-License-Identifier: MIT */
/*
 * Recording a submission: sets are checked, all of them, before anything is recorded; then each is one launch, or
 * several where a grid barrier asks for segments. Per further set of the same shape a launch costs the argument dwords
 * that differ and the dispatch packet.
 */
#include <stdlib.h>
#include <string.h>

#include "core/internal.h"
#include "mega/mega.h"

DF_API int df_mega_geometry(const struct df_mega *mega, uint32_t slots, struct df_mega_geometry *geometry_out)
{
	struct df_mega_geometry geometry = {.workgroup = mega->workgroup, .groups_resident = mega->groups_resident};

	if (!slots || slots % mega->workgroup)
		return df_error_set(
			-EINVAL,
			"megakernel: %u slots are no non-zero multiple of the workgroup size %u. Fix: format "
			"the set with %u",
			slots, mega->workgroup, (slots / mega->workgroup + 1) * mega->workgroup);
	geometry.groups = slots / mega->workgroup;
	geometry.segments = 1;
	geometry.groups_per_segment = geometry.groups;
	if (mega->grid_barrier && geometry.groups > mega->groups_resident) {
		if (!mega->split || !mega->groups_resident)
			return df_error_set(
				-E2BIG,
				"megakernel: a grid barrier over %u workgroups, the device holds %u at once. Fix: at "
				"most %u slots a set, options.split, or a kernel with fewer registers",
				geometry.groups, mega->groups_resident, mega->groups_resident * mega->workgroup);
		geometry.groups_per_segment = mega->groups_resident;
		geometry.segments = (geometry.groups + mega->groups_resident - 1) / mega->groups_resident;
	}
	*geometry_out = geometry;
	return 0;
}

/* ---- checks ---- */

static int check_handles(struct df_mega *mega, const struct df_mega_set *set, uint32_t i)
{
	for (unsigned h = 0; h < DF_MEGA_HANDLES; h++) {
		struct df_bo *bo = df_mega_handle(set, h);

		if (!bo)
			return df_error_set(
				-EINVAL,
				"megakernel set %u: %s is no resident buffer object (NULL). Fix: pass all four "
				"handles, made by df_mega_set_create() or df_bo_create()",
				i, df_mega_handle_name(h));
		if (df_bo_device(bo) != mega->device)
			return df_error_set(
				-EXDEV,
				"megakernel set %u: %s belongs to another device. Fix: create it on the device "
				"of the megakernel, or export and import it",
				i, df_mega_handle_name(h));
		for (unsigned other = 0; other < h; other++)
			if (df_mega_handle(set, other) == bo)
				return df_error_set(
					-EINVAL,
					"megakernel set %u: %s and %s are the same buffer object. Fix: four "
					"different ones",
					i, df_mega_handle_name(other), df_mega_handle_name(h));
	}
	return 0;
}

/* Whether the BO was seen in this submission; remembers it. The table is at most half full. */
static bool seen_before(struct df_mega_scratch *scratch, const struct df_bo *bo)
{
	uint64_t hash = df_bo_address(bo) / DF_PAGE_B * 0x9e3779b97f4a7c15u;
	uint32_t at = (uint32_t)(hash >> 32) & scratch->seen_mask;

	while (scratch->seen[at]) {
		if (scratch->seen[at] == bo)
			return true;
		at = (at + 1) & scratch->seen_mask;
	}
	scratch->seen[at] = bo;
	return false;
}

static int check_duplicates(struct df_mega_scratch *scratch, const struct df_mega_set *set, uint32_t i)
{
	if (scratch->mega->ordered)
		return 0;
	for (unsigned h = 0; h < DF_MEGA_HANDLES; h++)
		if (seen_before(scratch, df_mega_handle(set, h)))
			return df_error_set(
				-EINVAL,
				"megakernel set %u: %s is also in another set of this submission, and nothing orders "
				"the two. Fix: options.ordered, two submissions, or a buffer of its own",
				i, df_mega_handle_name(h));
	return 0;
}

/* Launches and barriers the sets take, or a negative error. */
static int check_sets(struct df_mega_scratch *scratch, const struct df_mega_set *sets, uint32_t count,
		      uint32_t *needed_out)
{
	uint64_t needed = 0;

	memset(scratch->seen, 0, ((size_t)scratch->seen_mask + 1) * sizeof(*scratch->seen));
	for (uint32_t i = 0; i < count; i++) {
		struct df_mega_geometry geometry;
		int ret;

		if ((ret = check_handles(scratch->mega, &sets[i], i)) || (ret = check_duplicates(scratch, &sets[i], i)))
			return ret;
		if ((ret = df_mega_view(&sets[i], &scratch->views[i])) ||
		    (ret = df_mega_geometry(scratch->mega, scratch->views[i].slots, &geometry)))
			return df_error_within(ret, "set %u", i);
		needed += 2ull * geometry.segments;
	}
	if (needed > UINT32_MAX / 2)
		return df_error_set(-E2BIG, "megakernel: %u sets take %llu launches. Fix: several submissions", count,
				    (unsigned long long)needed);
	*needed_out = (uint32_t)needed;
	return 0;
}

/* ---- recording ---- */

/* Memory the device has allocated, and in how many pieces. */
static void device_memory(struct df_device *device, uint64_t *bytes_out, uint64_t *pieces_out)
{
	uint64_t bytes = 0, pieces = 0;

	pthread_mutex_lock(&device->lock);
	for (const struct df_bo *bo = device->bos; bo; bo = bo->next) {
		bytes += bo->alloc_B;
		pieces++;
	}
	pthread_mutex_unlock(&device->lock);
	*bytes_out = bytes;
	*pieces_out = pieces;
}

static int make_batch(struct df_mega_scratch *scratch, uint32_t launches)
{
	struct df_batch_options options = DF_OPTIONS(options, .reserve_launches = launches);
	struct df_batch *batch;
	int ret = df_batch_create(scratch->mega->device, &options, &batch);

	if (ret)
		return df_error_within(ret, "megakernel batch of %u launches", launches);
	if (scratch->batch && (ret = df_batch_destroy(scratch->batch))) {
		(void)df_batch_destroy(batch);
		return ret;
	}
	scratch->batch = batch;
	scratch->capacity = launches;
	return 0;
}

static int reserve_batch(struct df_mega_scratch *scratch, uint32_t launches, struct df_mega_stats *stats)
{
	uint64_t bytes[2] = {0}, pieces[2] = {0};
	int ret;

	if (scratch->batch && launches <= scratch->capacity)
		return df_batch_reset(scratch->batch);
	if (stats)
		device_memory(scratch->mega->device, &bytes[0], &pieces[0]);
	ret = make_batch(scratch, launches);
	if (!ret && stats) {
		device_memory(scratch->mega->device, &bytes[1], &pieces[1]);
		stats->device_allocation_B += bytes[1] > bytes[0] ? bytes[1] - bytes[0] : 0;
		stats->device_allocations += (uint32_t)(pieces[1] > pieces[0] ? pieces[1] - pieces[0] : 0);
	}
	return ret;
}

/* BOs of most sets are always resident and recover nothing: naming those in the batch would be for nothing. */
static int declare(struct df_batch *batch, const struct df_mega_set *set)
{
	for (unsigned h = 0; h < DF_MEGA_HANDLES; h++) {
		struct df_bo *bo = df_mega_handle(set, h);
		int ret;

		if (bo->always_valid && !bo->imported && bo->recovery != DF_BO_STATE && bo->recovery != DF_BO_OUTPUT)
			continue;
		ret = df_batch_use(batch, bo, DF_READ | DF_WRITE);
		if (ret)
			return ret;
	}
	return 0;
}

/* groups_in_flight: workgroups since the last barrier, of programs with a grid barrier. */
static int record_set(struct df_mega_scratch *scratch, uint32_t i, uint32_t *groups_in_flight)
{
	const struct df_mega *mega = scratch->mega;
	const struct df_mega_set *set = &scratch->sets[i];
	struct df_ring_args args = {.control = df_bo_address(set->control),
				    .ring = df_bo_address(set->ring),
				    .log = df_bo_address(set->log),
				    .io = df_bo_address(set->io),
				    .rounds = mega->rounds};
	struct df_mega_geometry geometry;
	int ret;

	if ((ret = declare(scratch->batch, set)) || (ret = df_mega_geometry(mega, scratch->views[i].slots, &geometry)))
		return ret;
	for (uint32_t done = 0; done < geometry.groups; done += geometry.groups_per_segment) {
		uint32_t left = geometry.groups - done;
		uint32_t groups = left < geometry.groups_per_segment ? left : geometry.groups_per_segment;
		bool crowded = mega->grid_barrier && *groups_in_flight + (uint64_t)groups > mega->groups_resident;

		if (scratch->launches && (mega->ordered || crowded)) {
			ret = df_batch_barrier(scratch->batch);
			if (ret)
				return ret;
			*groups_in_flight = 0;
		}
		args.first_slot = done * mega->workgroup;
		ret = df_batch_launch(scratch->batch, mega->kernel, (const uint32_t[3]){groups, 1, 1}, &args,
				      sizeof(args));
		if (ret)
			return ret;
		scratch->launches++;
		*groups_in_flight += groups;
	}
	return 0;
}

static int record(struct df_mega_scratch *scratch, const struct df_mega_set *sets, uint32_t count)
{
	uint32_t groups_in_flight = 0;

	memcpy(scratch->sets, sets, count * sizeof(*sets));
	scratch->launches = 0;
	for (uint32_t i = 0; i < count; i++) {
		int ret = record_set(scratch, i, &groups_in_flight);

		if (ret)
			return df_error_within(ret, "megakernel set %u", i);
		scratch->slots[i] = scratch->views[i].slots;
		for (unsigned h = 0; h < DF_MEGA_HANDLES; h++)
			scratch->addresses[i][h] = df_bo_address(df_mega_handle(&sets[i], h));
	}
	return df_batch_seal(scratch->batch);
}

/* By address too: a BO may have gone and another taken its place in the caller's memory. */
static bool stands_recorded(const struct df_mega_scratch *scratch, const struct df_mega_set *sets, uint32_t count)
{
	if (!scratch->recorded || scratch->count != count || memcmp(scratch->sets, sets, count * sizeof(*sets)) != 0)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (scratch->slots[i] != scratch->views[i].slots)
			return false;
		for (unsigned h = 0; h < DF_MEGA_HANDLES; h++)
			if (scratch->addresses[i][h] != df_bo_address(df_mega_handle(&sets[i], h)))
				return false;
	}
	return true;
}

int df_mega_prepare(struct df_mega_scratch *scratch, const struct df_mega_set *sets, uint32_t count,
		    struct df_mega_stats *stats)
{
	uint32_t needed = 0;
	int ret;

	if (count > scratch->max_sets)
		return df_error_set(-E2BIG,
				    "megakernel scratch: %u sets, it was made for %u. Fix: create it with a larger "
				    "max_sets",
				    count, scratch->max_sets);
	ret = check_sets(scratch, sets, count, &needed);
	if (ret)
		return ret;
	if (stands_recorded(scratch, sets, count))
		return 0;
	scratch->recorded = false;
	ret = reserve_batch(scratch, needed, stats);
	if (!ret)
		ret = record(scratch, sets, count);
	if (ret)
		return ret;
	scratch->count = count;
	scratch->recorded = true;
	return 0;
}

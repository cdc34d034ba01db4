/* SPDX-License-Identifier: MIT */
/*
 * Putting contents back. Device memory is lost for a whole device at once, and any context may be the first to notice;
 * a kernel context on which nothing runs (device->watch) tells whether what is there was put back since. Whoever finds
 * it flagged makes a new one first and puts back everything then, so that a loss in between flags the new one. Contexts
 * pass through here after their own renewal and before they run anything again, and when they are made: nothing runs on
 * memory that was lost, or its own kernel context tells so later.
 *
 * What the CPU reaches is copied by it. The rest is copied by the GPU in jobs on the watching context; nobody waits for
 * them here: -EBUSY says that one is under way. The sentinel (page_fault.c) is read from in the same way.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/alloc.h"
#include "core/contents.h"
#include "core/context.h"

#define JOB_RANGES  32u
#define STREAM_B    16384u
#define TAIL_AT_B   12288u
#define PATIENCE_NS 200000u
#define WAIT_NS     (30ull * 1000000000u)
#define SENTINEL_B  (2u << 20) /* nothing near it: what runs over the end of a BO does not reach its middle */

struct df_restorer {
	struct df_kmd_slot *slot;
	struct df_bo *stream, *marker_bo;
	uint32_t *map;
	_Atomic uint64_t *marker;
	uint64_t number;                  /* of the last job */
	uint64_t handle;                  /* of the job under way, 0: none */
	uint64_t bytes;                   /* that it copies */
	bool sentinel;                    /* it reads from the sentinel instead */
	uint32_t handles[2 * JOB_RANGES]; /* BOs that it names */
};

/* ---- copies by the GPU ---- */

static void restorer_free(struct df_device *device, struct df_restorer *restorer)
{
	if (!restorer)
		return;
	device->kmd->slot_destroy(device, restorer->slot);
	df_bo_destroy_internal(restorer->stream);
	df_bo_destroy_internal(restorer->marker_bo);
	if (device->sentinel_va) {
		pthread_mutex_lock(&device->lock);
		df_va_free(&device->va, device->sentinel_va - SENTINEL_B / 2, SENTINEL_B);
		pthread_mutex_unlock(&device->lock);
		device->sentinel_va = 0;
	}
	free(restorer);
}

static int restorer_create(struct df_device *device, struct df_restorer **restorer_out)
{
	const struct df_bo_desc stream = {.bytes = STREAM_B,
					  .domain = DF_DOMAIN_HOST_CACHED,
					  .executable = true,
					  .read_only = true,
					  .name = "restoring stream"};
	const struct df_bo_desc marker = {
		.bytes = DF_PAGE_B, .domain = DF_DOMAIN_HOST_CACHED, .uncached = true, .name = "restoring marker"};
	struct df_restorer *restorer = df_calloc(1, sizeof(*restorer));
	void *stream_map = NULL, *marker_map = NULL;
	uint64_t sentinel = 0;
	int ret;

	if (!restorer)
		return df_error_set(-ENOMEM, "device %s: out of memory", df_device_name(device));
	ret = df_bo_create_internal(device, &stream, &restorer->stream);
	if (!ret)
		ret = df_bo_create_internal(device, &marker, &restorer->marker_bo);
	if (!ret)
		ret = df_bo_map_internal(restorer->stream, &stream_map);
	if (!ret)
		ret = df_bo_map_internal(restorer->marker_bo, &marker_map);
	if (!ret)
		ret = device->kmd->slot_create(device, &restorer->slot);
	if (!ret)
		ret = device->kmd->slot_reserve(device, restorer->slot, 2 * JOB_RANGES);
	if (!ret) {
		pthread_mutex_lock(&device->lock);
		ret = df_va_alloc(&device->va, SENTINEL_B, device->info.va_align_B, 0, UINT64_MAX, &sentinel);
		pthread_mutex_unlock(&device->lock);
	}
	if (ret < 0) {
		restorer_free(device, restorer);
		return ret;
	}
	device->sentinel_va = sentinel + SENTINEL_B / 2;
	restorer->map = stream_map;
	restorer->marker = marker_map;
	*restorer_out = restorer;
	return 0;
}

int df_restore_prepare_gpu(struct df_device *device)
{
	struct df_restorer *made = NULL;
	int ret = 0;

	pthread_mutex_lock(&device->restore_lock);
	if (!device->restorer)
		ret = restorer_create(device, &made);
	if (made)
		device->restorer = made;
	pthread_mutex_unlock(&device->restore_lock);
	return ret;
}

/* What the BO's contents are put back from; image or copy. */
static const struct df_bo *good_image(const struct df_bo *bo)
{
	return bo->contents.image[atomic_load(&bo->contents.verified)];
}

/* INPUT is mapped so that the GPU cannot write it; for the time of the copy it can. */
static int set_writable(struct df_bo *bo, bool writable)
{
	unsigned flags = bo->va_flags | DF_KMD_VA_REPLACE | (writable ? DF_KMD_VA_WRITE : 0);

	if (bo->va_flags & DF_KMD_VA_WRITE)
		return 0;
	return bo->device->kmd->va_map(bo->device, bo->handle, 0, bo->va, bo->alloc_B, flags);
}

/* device->lock is held. Fills the ranges with what is due, up to JOB_RANGES. */
static int gather(struct df_device *device, struct df_copy_range *ranges, unsigned *count_out, unsigned *handles_out)
{
	struct df_restorer *restorer = device->restorer;
	unsigned count = 0, handles = 0;

	restorer->bytes = 0;
	for (struct df_bo *bo = device->bos; bo && count < JOB_RANGES; bo = bo->next) {
		const struct df_bo *image = good_image(bo);
		int ret;

		if (!bo->contents.due || !image)
			continue;
		ret = set_writable(bo, true);
		if (ret < 0)
			return ret;
		bo->contents.under_way = true;
		ranges[count++] = (struct df_copy_range){bo->va, image->va, bo->alloc_B};
		restorer->handles[handles++] = image->handle;
		if (!bo->always_valid)
			restorer->handles[handles++] = bo->handle;
		restorer->bytes += bo->size_B;
	}
	*count_out = count;
	*handles_out = handles;
	return 0;
}

static uint32_t padded(const struct df_device *device, uint32_t *start, const uint32_t *end)
{
	uint32_t dw = (uint32_t)(end - start), align = device->info.ib_size_align_dw;
	uint32_t total = (dw + align - 1) / align * align;

	device->enc->nop(start + dw, total - dw);
	return total;
}

static int submit_copies(struct df_device *device, const struct df_copy_range *ranges, unsigned count, unsigned handles)
{
	struct df_restorer *restorer = device->restorer;
	const struct df_encoder_ops *enc = device->enc;
	uint32_t *tail = restorer->map + TAIL_AT_B / 4;
	struct df_kmd_submission submission = {
		.context = device->watch,
		.ib_va = restorer->stream->va,
		.tail_va = restorer->stream->va + TAIL_AT_B,
		.bo_handles = restorer->handles,
		.bo_count = handles,
	};

	while (count && enc->copies_dw(ranges, count) * 4 > TAIL_AT_B - DF_PAGE_B)
		count--; /* the rest is due still */
	if (!count)
		return df_error_set(-E2BIG, "device %s: a BO is too large to be put back by the GPU",
				    df_device_name(device));
	submission.ib_dw = padded(device, restorer->map, enc->copies(restorer->map, ranges, count, true));
	atomic_store(restorer->marker, 0);
	enc->marker(tail, restorer->marker_bo->va, ++restorer->number);
	submission.tail_dw = padded(device, tail, tail + enc->marker_dw);
	return device->kmd->submit(device, restorer->slot, &submission, &restorer->handle);
}

/* The job is over: what it put back is no longer due, if it was not lost itself. */
static void finish_copies(struct df_device *device, bool good, uint64_t *bytes)
{
	struct df_restorer *restorer = device->restorer;

	pthread_mutex_lock(&device->lock);
	for (struct df_bo *bo = device->bos; bo; bo = bo->next) {
		if (!bo->contents.under_way)
			continue;
		bo->contents.under_way = false;
		if (good)
			bo->contents.due = false;
		set_writable(bo, false);
	}
	pthread_mutex_unlock(&device->lock);
	restorer->handle = 0;
	if (restorer->sentinel) /* lost: once more */
		device->sentinel_ns = good ? df_clock_ns() : 0;
	restorer->sentinel = false;
	if (good)
		*bytes += restorer->bytes;
}

static int poll_copies(struct df_device *device, uint64_t patience_ns, uint64_t *bytes)
{
	struct df_restorer *restorer = device->restorer;
	int ret;

	if (!restorer || !restorer->handle)
		return 0;
	ret = device->kmd->wait(device, device->watch, restorer->handle, patience_ns ? df_clock_ns() + patience_ns : 0);
	if (ret == -EBUSY || !df_journal_is_over(ret))
		return -EBUSY;
	finish_copies(device, !ret && atomic_load(restorer->marker) == restorer->number, bytes);
	return ret == -ENODEV ? ret : 0;
}

static int copy_by_gpu(struct df_device *device, uint64_t *bytes)
{
	struct df_copy_range ranges[JOB_RANGES];
	unsigned count = 0, handles = 0;
	int ret;

	pthread_mutex_lock(&device->lock);
	ret = gather(device, ranges, &count, &handles);
	pthread_mutex_unlock(&device->lock);
	if (!ret && !count)
		return 0;
	if (!ret)
		ret = submit_copies(device, ranges, count, handles);
	if (ret < 0) {
		finish_copies(device, false, bytes);
		return ret;
	}
	ret = poll_copies(device, PATIENCE_NS, bytes);
	/* What became due late, and what did not fit, comes next time. */
	return ret < 0 ? ret : -EBUSY;
}

/* Reads from where nothing is mapped, for as long as the last page fault would hide the same one again. */
static int read_sentinel(struct df_device *device)
{
	const struct df_copy_range range = {device->restorer->marker_bo->va + DF_PAGE_B / 2, device->sentinel_va, 4};
	int ret;

	if (!df_page_fault_stale(device))
		return 0;
	if (device->sentinel_ns)
		return -EBUSY; /* it was read from: the kernel is about to tell */
	device->restorer->bytes = 0;
	ret = submit_copies(device, &range, 1, 0);
	device->restorer->sentinel = !ret;
	return ret < 0 ? ret : -EBUSY;
}

/* ---- what is due ---- */

static uint64_t copy_by_cpu(struct df_bo *bo)
{
	const struct df_bo *image = good_image(bo);
	const void *from = bo->contents.copy ? bo->contents.copy : atomic_load(&image->map);

	memcpy(atomic_load(&bo->map), from, bo->size_B);
	bo->contents.due = false;
	return bo->size_B;
}

/* restore_lock is held. */
static int put_back(struct df_device *device, uint64_t *bytes)
{
	bool left = false;
	int ret = poll_copies(device, 0, bytes);

	if (ret < 0)
		return ret;
	pthread_mutex_lock(&device->lock);
	for (struct df_bo *bo = device->bos; bo; bo = bo->next) {
		if (!bo->contents.due)
			continue;
		if (bo->cpu_access && atomic_load(&bo->map))
			*bytes += copy_by_cpu(bo);
		else
			left = true;
	}
	pthread_mutex_unlock(&device->lock);
	return left ? copy_by_gpu(device, bytes) : 0;
}

/* Did the host write what the library does not know of? */
static bool is_unknown(const struct df_bo *bo)
{
	const struct df_contents *contents = &bo->contents;

	if (bo->imported && bo->cut_off)
		return bo->recovery != DF_BO_SCRATCH;
	if (!atomic_load(&contents->map_taken))
		return false;
	return bo->recovery == DF_BO_INPUT || (bo->recovery == DF_BO_STATE && !contents->due);
}

/* Of a BO whose memory was lost: is there something to be put back, is something gone for good? */
static void look_at(struct df_bo *bo)
{
	struct df_contents *contents = &bo->contents;
	bool lost;

	contents->due = atomic_load(&contents->filled) && bo->recovery != DF_BO_SCRATCH;
	lost = is_unknown(bo);
	if (lost != atomic_exchange(&contents->lost, lost))
		atomic_fetch_add(&bo->device->lost_bos, lost ? 1 : UINT32_MAX);
}

/* Memory of the process, or of another device that is there, is as it was. */
static bool outlives_device(const struct df_bo *bo)
{
	return bo->userptr || (bo->imported && !bo->cut_off);
}

void df_restore_all(struct df_device *device)
{
	pthread_mutex_lock(&device->restore_lock);
	if (device->restorer)
		device->restorer->handle = 0;
	pthread_mutex_lock(&device->lock);
	for (struct df_bo *bo = device->bos; bo; bo = bo->next) {
		bo->contents.under_way = false;
		if (!outlives_device(bo))
			look_at(bo);
		else
			bo->contents.due = false;
	}
	pthread_mutex_unlock(&device->lock);
	pthread_mutex_unlock(&device->restore_lock);
}

/* Another kernel context in place of the one that watches, which begins before the old one is asked for the last time.
 */
static int change_watch(struct df_device *device)
{
	struct df_kmd_reset reset = {0};
	uint32_t watch, old = device->watch;
	int ret = device->kmd->context_create(device, 0, &watch);

	if (ret < 0)
		return ret;
	ret = device->kmd->context_reset(device, old, &reset);
	if (ret < 0) {
		device->kmd->context_destroy(device, watch);
		return ret;
	}
	device->kmd->context_destroy(device, old);
	device->watch = watch;
	if (!reset.memory_lost)
		return 0;
	pthread_mutex_lock(&device->lock);
	for (struct df_bo *bo = device->bos; bo; bo = bo->next)
		if (bo->domain == DF_DOMAIN_DEVICE)
			look_at(bo);
	pthread_mutex_unlock(&device->lock);
	return 0;
}

static int look_for_loss(struct df_device *device)
{
	struct df_kmd_reset reset = {0};
	int ret = device->kmd->context_reset(device, device->watch, &reset);

	if (ret < 0 || !reset.memory_lost)
		return ret;
	if (reset.in_progress)
		return -EBUSY;
	if (device->restorer && device->restorer->handle)
		return -EBUSY; /* its job ends, in whatever way, first */
	return change_watch(device);
}

int df_restore_device(struct df_device *device, uint64_t *bytes)
{
	uint64_t before = *bytes;
	int ret;

	pthread_mutex_lock(&device->restore_lock);
	ret = poll_copies(device, 0, bytes);
	if (!ret)
		ret = look_for_loss(device);
	if (!ret)
		ret = put_back(device, bytes);
	if (!ret && device->restorer)
		ret = read_sentinel(device);
	/* A job of it was cancelled with others by the reset of a ring: kernels take no more from it. */
	if (df_journal_is_condemned(ret) && !change_watch(device))
		ret = -EBUSY;
	pthread_mutex_unlock(&device->restore_lock);
	atomic_fetch_add(&device->recovery.restored_B, *bytes - before);
	return ret;
}

int df_restore_device_wait(struct df_device *device, uint64_t *bytes)
{
	uint64_t until = df_clock_ns() + WAIT_NS;
	int ret;

	while ((ret = df_restore_device(device, bytes)) == -EBUSY) {
		if (df_clock_ns() >= until)
			return df_error_set(-ETIME, "device %s: its memory was lost and is not put back yet",
					    df_device_name(device));
		nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
	}
	return ret;
}

bool df_restore_needed(struct df_device *device)
{
	struct df_kmd_reset reset = {0};
	int ret;

	pthread_mutex_lock(&device->restore_lock);
	ret = device->kmd->context_reset(device, device->watch, &reset);
	pthread_mutex_unlock(&device->restore_lock);
	return !ret && reset.memory_lost;
}

void df_restore_due(const struct df_batch_submit *batch)
{
	struct df_device *device = batch->device;

	pthread_mutex_lock(&device->restore_lock);
	for (unsigned i = 0; i < batch->commit_count; i++)
		if (batch->commits[i]->recovery == DF_BO_STATE && atomic_load(&batch->commits[i]->contents.filled))
			batch->commits[i]->contents.due = true;
	pthread_mutex_unlock(&device->restore_lock);
}

/* ---- life ---- */

int df_restore_init(struct df_device *device)
{
	return device->kmd->context_create(device, 0, &device->watch);
}

void df_restore_finish(struct df_device *device)
{
	restorer_free(device, device->restorer);
	device->restorer = NULL;
	if (device->watch)
		device->kmd->context_destroy(device, device->watch);
	device->watch = 0;
}

static const char *class_name(enum df_bo_class recovery)
{
	static const char *const names[] = {"SCRATCH", "INPUT", "OUTPUT", "STATE", "SCRATCH"};

	return names[recovery];
}

static const char *what_is_lost(const struct df_bo *bo)
{
	if (bo->imported)
		return "its memory was another's and could not be imported again. Fix: import it anew";
	if (bo->cut_off)
		return "who has its dma-buf shares the memory of the device that is gone, not this BO's. Fix: export "
		       "it "
		       "again, to be imported anew";
	return "its contents were written through a CPU map, which the library does not see. Fix: write it again, and "
	       "use df_bo_write() for what shall survive";
}

DF_API int df_device_lost_bo(struct df_device *device, unsigned i, char *text, size_t text_size_B)
{
	int ret = -ENOENT;

	if (!device || !text || !text_size_B)
		return df_error_set(-EINVAL, "df_device_lost_bo: %s",
				    device ? "no room for the text" : "device is NULL");
	pthread_mutex_lock(&device->lock);
	for (const struct df_bo *bo = device->bos; bo && ret; bo = bo->next) {
		if (!(atomic_load(&bo->contents.lost) || bo->cut_off) || i--)
			continue;
		snprintf(text, text_size_B, "BO %s (%llu bytes at 0x%llx, class %s): %s", df_bo_label(bo),
			 (unsigned long long)bo->size_B, (unsigned long long)bo->va, class_name(bo->recovery),
			 what_is_lost(bo));
		ret = 0;
	}
	pthread_mutex_unlock(&device->lock);
	return ret;
}

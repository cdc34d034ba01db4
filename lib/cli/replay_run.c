/* SPDX-License-Identifier: MIT */
/*
 * Running a capture: its mappings are made at the same addresses on a device of the same target, and the job is given
 * to the kernel once, beside the library's contexts: nothing recovers it, so that it stops where it stops. What the
 * replay itself needs (the completion marker and the stream that writes it) lies at the end of the address space, where
 * no hole of the captured one is filled.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/replay.h"
#include "core/internal.h"

#define OWN_B   (1u << 20) /* the part of the address space that is ours */
#define POLL_NS 100000000ull

struct machine {
	const struct replay_file *file;
	struct df_device *device;
	struct placed {
		uint32_t handle;
		void *map;
	} * bos;
	uint32_t bo_count; /* made */
	struct replay_part part;
	uint32_t tail, marker; /* handles */
	uint64_t tail_va, marker_va;
	uint32_t tail_dw;
	uint32_t *marker_map;
	uint32_t context;
	struct df_kmd_slot *slot;
};

/* Takes these addresses from the device's allocator, which must have them all. */
static int take_addresses(struct machine *m, uint64_t va, uint64_t bytes, const char *what)
{
	uint64_t got;
	int ret;

	pthread_mutex_lock(&m->device->lock);
	ret = df_va_alloc(&m->device->va, bytes, m->device->info.va_align_B, va, va + bytes, &got);
	pthread_mutex_unlock(&m->device->lock);
	if (ret < 0)
		return df_error_set(ret,
				    "%s lies at 0x%llx, which %s does not offer. Fix: --device with the kernel that "
				    "the capture is from",
				    what, (unsigned long long)va, df_device_name(m->device));
	return 0;
}

static void give_addresses(struct machine *m, uint64_t va, uint64_t bytes)
{
	pthread_mutex_lock(&m->device->lock);
	df_va_free(&m->device->va, va, bytes);
	pthread_mutex_unlock(&m->device->lock);
}

/* Memory at an address, mapped for the CPU. */
static int place(struct machine *m, const struct df_kmd_bo_desc *desc, uint64_t va, unsigned va_flags, const char *what,
		 uint32_t *handle_out, void **map_out)
{
	struct df_device *device = m->device;
	uint32_t handle = 0;
	int ret = take_addresses(m, va, desc->size_B, what);

	if (ret < 0)
		return ret;
	ret = device->kmd->bo_create(device, desc, &handle);
	if (ret < 0) {
		give_addresses(m, va, desc->size_B);
		return df_error_within(ret, "%s", what);
	}
	ret = device->kmd->va_map(device, handle, 0, va, desc->size_B, va_flags);
	if (!ret)
		ret = device->kmd->bo_map(device, handle, desc->size_B, map_out);
	if (ret < 0) {
		device->kmd->bo_close(device, handle);
		give_addresses(m, va, desc->size_B);
		return df_error_within(ret, "%s", what);
	}
	*handle_out = handle;
	return 0;
}

static unsigned rights(uint32_t va_flags)
{
	return (va_flags & DF_CAPTURE_VA_READ ? DF_KMD_VA_READ : 0) |
	       (va_flags & DF_CAPTURE_VA_WRITE ? DF_KMD_VA_WRITE : 0) |
	       (va_flags & DF_CAPTURE_VA_EXEC ? DF_KMD_VA_EXEC : 0) |
	       (va_flags & DF_CAPTURE_VA_UNCACHED ? DF_KMD_VA_UNCACHED : 0);
}

static int make_bo(struct machine *m, uint32_t i)
{
	const struct df_capture_bo bo = replay_bo(m->file, i);
	const struct df_kmd_bo_desc desc = {.size_B = bo.alloc_B,
					    .align_B = m->device->info.va_align_B,
					    .domain = (int)bo.domain,
					    .cpu_access = true,
					    .private_to_vm = true};
	char what[96];
	int ret;

	snprintf(what, sizeof(what), "BO %u (%s)", i, bo.name[0] ? bo.name : "unnamed");
	ret = place(m, &desc, bo.va, rights(bo.va_flags), what, &m->bos[i].handle, &m->bos[i].map);
	if (!ret && m->file->contents[i].data)
		replay_unpack(m->file, i, m->bos[i].map);
	return ret;
}

/* CPU address of a GPU address that the file was checked for, NULL: none. */
static void *at_address(const struct machine *m, uint64_t va)
{
	for (uint32_t i = 0; i < m->bo_count; i++) {
		const struct df_capture_bo bo = replay_bo(m->file, i);

		if (va >= bo.va && va - bo.va < bo.alloc_B)
			return (char *)m->bos[i].map + (va - bo.va);
	}
	return NULL;
}

static int make_tail(struct machine *m)
{
	struct df_device *device = m->device;
	const struct df_encoder_ops *enc = device->enc;
	const struct df_va_range *range = &device->info.va[device->info.va[1].end > device->info.va[1].start];
	const uint64_t page = device->info.va_align_B, at = (range->end - OWN_B) & ~(page - 1);
	const struct df_kmd_bo_desc desc = {.size_B = page,
					    .align_B = page,
					    .domain = DF_DOMAIN_HOST_CACHED,
					    .cpu_access = true,
					    .private_to_vm = true};
	uint32_t align = device->info.ib_size_align_dw;
	void *map = NULL, *marker = NULL;
	int ret;

	ret = place(m, &desc, at, DF_KMD_VA_READ | DF_KMD_VA_WRITE | DF_KMD_VA_UNCACHED, "the completion marker",
		    &m->marker, &marker);
	if (ret < 0)
		return ret;
	m->marker_map = marker;
	m->marker_va = at;
	ret = place(m, &desc, at + page, DF_KMD_VA_READ | DF_KMD_VA_EXEC, "the marker's stream", &m->tail, &map);
	if (ret < 0)
		return ret;
	m->tail_va = at + page;
	m->tail_dw = (enc->marker_dw + align - 1) / align * align;
	enc->marker(map, m->marker_va, 1);
	enc->nop((uint32_t *)map + enc->marker_dw, m->tail_dw - enc->marker_dw);
	df_node_munmap(device->node, map, page);
	return 0;
}

static int check_target(const struct machine *m)
{
	const struct df_capture_device *captured = &m->file->device;
	const struct df_kmd_info *info = &m->device->info;

	if (strcmp(captured->target, info->target) != 0)
		return df_error_set(-ENODEV, "the capture is of %s, %s is %s. Fix: --device with that target",
				    captured->target, df_device_name(m->device), info->target);
	if (!(captured->flags & DF_CAPTURE_DEVICE_GFX_RING) != !info->ring_is_gfx)
		return df_error_set(-ENODEV,
				    "the capture ran on the %s ring, %s has the other. Fix: --device with the "
				    "kernel that the capture is from",
				    captured->flags & DF_CAPTURE_DEVICE_GFX_RING ? "graphics" : "compute",
				    df_device_name(m->device));
	return 0;
}

static int build(struct machine *m)
{
	struct df_device *device = m->device;
	int ret = check_target(m);

	m->bos = calloc(m->file->bos.count, sizeof(*m->bos));
	if (!ret && !m->bos)
		ret = df_error_set(-ENOMEM, "out of memory for %u BOs", m->file->bos.count);
	for (uint32_t i = 0; i < m->file->bos.count && !ret; i++) {
		ret = make_bo(m, i);
		m->bo_count += !ret;
	}
	if (!ret)
		ret = make_tail(m);
	if (!ret)
		ret = device->kmd->context_create(device, DF_PRIORITY_NORMAL, &m->context);
	if (!ret)
		ret = device->kmd->slot_create(device, &m->slot);
	return ret;
}

static void remove_bo(struct machine *m, uint32_t handle, uint64_t va, uint64_t bytes, void *map)
{
	if (!handle)
		return;
	if (map)
		df_node_munmap(m->device->node, map, bytes);
	m->device->kmd->va_unmap(m->device, handle, va, bytes);
	m->device->kmd->bo_close(m->device, handle);
	give_addresses(m, va, bytes);
}

static void tear_down(struct machine *m)
{
	const uint64_t page = m->device->info.va_align_B;

	if (m->slot)
		m->device->kmd->slot_destroy(m->device, m->slot);
	if (m->context)
		m->device->kmd->context_destroy(m->device, m->context);
	replay_part_finish(&m->part);
	remove_bo(m, m->tail, m->tail_va, page, NULL);
	remove_bo(m, m->marker, m->marker_va, page, m->marker_map);
	for (uint32_t i = 0; i < m->bo_count; i++) {
		const struct df_capture_bo bo = replay_bo(m->file, i);

		remove_bo(m, m->bos[i].handle, bo.va, bo.alloc_B, m->bos[i].map);
	}
}

static int arm(struct machine *m)
{
	const struct replay_file *file = m->file;
	int ret = 0;

	for (size_t at = 0; at < file->faults_B && !ret; at += strlen(file->faults + at) + 1)
		ret = df_device_fault(m->device, file->faults + at);
	return ret;
}

static int submit(struct machine *m, uint64_t *handle_out)
{
	const struct df_capture_ib ib = replay_ib(m->file, 0);
	const struct df_kmd_submission submission = {.context = m->context,
						     .ib_va = m->part.ib_dw ? m->part.ib_va : ib.va,
						     .ib_dw = m->part.ib_dw ? m->part.ib_dw : ib.size_dw,
						     .tail_va = m->tail_va,
						     .tail_dw = m->tail_dw};

	return m->device->kmd->submit(m->device, m->slot, &submission, handle_out);
}

/* The kernel's last word on the job; -EBUSY: none until the deadline. */
static int wait_over(struct machine *m, uint64_t handle, uint64_t deadline_ns)
{
	int ret;

	do {
		uint64_t now = df_now_ns();

		ret = m->device->kmd->wait(m->device, m->context, handle,
					   now + POLL_NS < deadline_ns ? now + POLL_NS : deadline_ns);
	} while (ret == -EBUSY && df_now_ns() < deadline_ns);
	return ret;
}

/* What the kernel, the markers and the model say of the job. */
static void ask(struct machine *m, uint64_t handle, int over, struct replay_result *result)
{
	struct df_device *device = m->device;
	struct df_kmd_reset reset = {0};
	struct df_kmd_fault fault;
	const struct df_soft_ops *soft;
	struct df_soft_stop stop;
	void *file = NULL;

	result->error = over;
	result->marked = __atomic_load_n(m->marker_map, __ATOMIC_ACQUIRE) != 0;
	if (device->kmd->context_reset(device, m->context, &reset) >= 0) {
		result->reset = reset.reset;
		result->memory_lost = reset.memory_lost;
	}
	/* The file was opened for this job: whatever fault there is, is its own. */
	if (device->kmd->fault(device, &fault) >= 0 && fault.address) {
		result->page_fault = true;
		result->fault_address = fault.address;
	}
	if (m->part.ib_dw) {
		result->has_progress = true;
		result->finished = replay_part_finished(&m->part);
	} else if (m->file->job.progress_va) {
		result->has_progress = true;
		result->finished =
			__atomic_load_n((const uint32_t *)at_address(m, m->file->job.progress_va), __ATOMIC_ACQUIRE);
	}
	soft = df_node_soft(device->node, &file);
	if (!soft || !soft->stop || soft->stop(file, m->context, handle, &stop) < 0)
		return;
	result->where = (struct df_capture_where){.kind = stop.kind,
						  .access = stop.access,
						  .launch = stop.launch,
						  .wave = stop.wave,
						  .group = {stop.group[0], stop.group[1], stop.group[2]},
						  .pc = stop.pc,
						  .address = stop.address};
	memcpy(result->where.what, stop.what, sizeof(result->where.what));
}

/* The part of the batch that is to run. */
static int take_part(struct machine *m, uint64_t until)
{
	uint32_t **maps;
	int ret = 0;

	if (until >= m->file->job.launches)
		return 0;
	maps = calloc(m->file->ibs.count, sizeof(*maps));
	if (!maps)
		return df_error_set(-ENOMEM, "out of memory for %u streams", m->file->ibs.count);
	for (uint32_t i = 0; i < m->file->ibs.count; i++)
		maps[i] = at_address(m, replay_ib(m->file, i).va);
	ret = replay_part_make(m->file, m->device, maps, until, &m->part);
	free(maps);
	return ret;
}

int replay_run(const struct replay_file *file, struct df_device *device, const struct replay_options *options,
	       struct replay_result *result)
{
	struct machine m = {.file = file, .device = device};
	uint64_t handle = 0, start;
	int ret = build(&m);

	memset(result, 0, sizeof(*result));
	if (!ret)
		ret = take_part(&m, options->until);
	if (!ret)
		ret = arm(&m);
	start = df_now_ns();
	if (!ret)
		ret = submit(&m, &handle);
	if (!ret) {
		ask(&m, handle, wait_over(&m, handle, start + options->timeout_ns), result);
		result->took_ns = df_now_ns() - start;
	}
	/* What still runs cannot be taken down; the end of the process does it. */
	if (result->error != -EBUSY)
		tear_down(&m);
	free(m.bos);
	return ret;
}

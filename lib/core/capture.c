/* SPDX-License-Identifier: MIT */
/*
 * Capture files. Everything is written to a temporary file beside the one that was asked for, in one pass with the
 * section table put in front at the end, and renamed: a file under its name is complete.
 */
#include "core/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/code.h"
#include "drumfire_capture.h"

#define FIXED_SECTIONS 7u /* all but CONTENTS */
#define OUT_B          65536u
#define MIN_SAME_DW    4u /* a shorter run is not worth a run of its own */

struct mapping {
	struct df_capture_bo disk;
	struct df_bo *bo;
	const void *contents; /* NULL: none */
	uint64_t contents_B;  /* zeros behind them */
};

struct capture {
	const struct df_capture_case *what;
	struct df_device *device;
	struct mapping *maps;
	unsigned map_count;
	struct df_capture_section *sections;
	uint32_t section_count;
	int fd, error;
	uint64_t at; /* in the file, of what is put next */
	size_t used;
	uint8_t out[OUT_B];
};

/* ---- the file ---- */

static void flush(struct capture *capture)
{
	for (size_t done = 0; done < capture->used && !capture->error;) {
		ssize_t put = write(capture->fd, capture->out + done, capture->used - done);

		if (put >= 0)
			done += (size_t)put;
		else if (errno != EINTR)
			capture->error = -errno;
	}
	capture->used = 0;
}

/* Into the open section. */
static void put(struct capture *capture, const void *data, size_t bytes)
{
	struct df_capture_section *section = &capture->sections[capture->section_count];

	section->crc32 = df_image_crc32(section->crc32, data, bytes);
	section->stored_B += bytes;
	capture->at += bytes;
	while (bytes) {
		size_t piece = bytes < OUT_B - capture->used ? bytes : OUT_B - capture->used;

		memcpy(capture->out + capture->used, data, piece);
		capture->used += piece;
		data = (const char *)data + piece;
		bytes -= piece;
		if (capture->used == OUT_B)
			flush(capture);
	}
}

static void section_begin(struct capture *capture, uint32_t kind, uint32_t index)
{
	capture->sections[capture->section_count] = (struct df_capture_section){
		.kind = kind, .index = index, .offset = capture->at, .crc32 = DF_IMAGE_CRC_START};
}

static void section_end(struct capture *capture)
{
	static const uint8_t zero[DF_CAPTURE_ALIGN];
	struct df_capture_section closed = capture->sections[capture->section_count];

	put(capture, zero, (size_t)(-closed.stored_B % DF_CAPTURE_ALIGN));
	capture->sections[capture->section_count++] = closed;
}

static void put_array(struct capture *capture, uint32_t kind, const void *data, uint32_t count, uint32_t stride)
{
	section_begin(capture, kind, 0);
	capture->sections[capture->section_count].count = count;
	capture->sections[capture->section_count].stride = stride;
	put(capture, data, (size_t)count * stride);
	section_end(capture);
}

/* ---- contents ---- */

static void put_run(struct capture *capture, uint32_t kind, const uint32_t *dw, size_t count)
{
	while (count) {
		uint32_t n = count < DF_CAPTURE_RUN_MAX_DW ? (uint32_t)count : DF_CAPTURE_RUN_MAX_DW;
		uint32_t head = kind << DF_CAPTURE_RUN_SHIFT | n;

		put(capture, &head, sizeof(head));
		if (kind == DF_CAPTURE_RUN_PLAIN)
			put(capture, dw, (size_t)n * 4);
		else if (kind == DF_CAPTURE_RUN_SAME)
			put(capture, dw, 4);
		dw += kind == DF_CAPTURE_RUN_PLAIN ? n : 0;
		count -= n;
	}
}

static size_t same_as_first(const uint32_t *dw, size_t count)
{
	size_t n = 1;

	while (n < count && dw[n] == dw[0])
		n++;
	return n;
}

static void put_dwords(struct capture *capture, const uint32_t *dw, size_t count)
{
	size_t plain = 0, at = 0;

	while (at < count) {
		size_t same = same_as_first(dw + at, count - at);

		if (same < MIN_SAME_DW) {
			at += same;
			continue;
		}
		put_run(capture, DF_CAPTURE_RUN_PLAIN, dw + plain, at - plain);
		put_run(capture, dw[at] ? DF_CAPTURE_RUN_SAME : DF_CAPTURE_RUN_ZERO, dw + at, same);
		at += same;
		plain = at;
	}
	put_run(capture, DF_CAPTURE_RUN_PLAIN, dw + plain, at - plain);
}

/* Page by page through a copy: mapped streams are slow to read, and others may write meanwhile. */
static void put_contents(struct capture *capture, const struct mapping *map)
{
	static const uint32_t zeros[DF_CAPTURE_PAGE_B / 4];
	uint32_t page[DF_CAPTURE_PAGE_B / 4];
	size_t zero_dw = 0;

	for (uint64_t at = 0; at < map->disk.alloc_B; at += sizeof(page)) {
		uint64_t left = at < map->contents_B ? map->contents_B - at : 0;
		size_t bytes = left < sizeof(page) ? (size_t)left : sizeof(page);

		memcpy(page, (const char *)map->contents + at, bytes);
		memset((char *)page + bytes, 0, sizeof(page) - bytes);
		if (!memcmp(page, zeros, sizeof(page))) {
			zero_dw += DF_CAPTURE_PAGE_B / 4;
			continue;
		}
		put_run(capture, DF_CAPTURE_RUN_ZERO, zeros, zero_dw);
		zero_dw = 0;
		put_dwords(capture, page, DF_CAPTURE_PAGE_B / 4);
	}
	put_run(capture, DF_CAPTURE_RUN_ZERO, zeros, zero_dw);
}

/* ---- what is mapped ---- */

/* What the BO is to the batch: 0 if the library's own for something else. */
static uint32_t role(const struct df_batch *batch, const struct df_bo *bo)
{
	if (bo->code)
		return DF_CAPTURE_BO_CODE;
	for (unsigned i = 0; i <= batch->chunk; i++)
		if (batch->chunks[i].bo == bo)
			return DF_CAPTURE_BO_STREAM;
	for (unsigned i = 0; i < batch->args_count; i++)
		if (batch->args[i].bo == bo)
			return DF_CAPTURE_BO_ARGUMENTS;
	return 0;
}

/* Device lock held. NULL when the host has no way to read it. */
static const void *readable(struct df_bo *bo)
{
	void *map = atomic_load(&bo->map);

	if (atomic_load(&bo->device->gone))
		return bo->userptr ? map : NULL;
	if (map || !bo->cpu_access)
		return map;
	if (bo->device->kmd->bo_map(bo->device, bo->handle, bo->alloc_B, &map) < 0)
		return NULL;
	atomic_store_explicit(&bo->map, map, memory_order_release);
	return map;
}

static void describe(struct capture *capture, struct df_bo *bo, struct mapping *map)
{
	uint32_t is = role(capture->what->batch, bo);
	struct df_capture_bo *disk = &map->disk;

	map->bo = bo;
	*disk = (struct df_capture_bo){
		.va = bo->va,
		.size_B = bo->size_B,
		.alloc_B = bo->alloc_B,
		.domain = (uint32_t)bo->domain,
		.recovery = (uint32_t)bo->recovery,
		.flags = is | (bo->cpu_access ? DF_CAPTURE_BO_CPU_ACCESS : 0) |
			 (bo->userptr ? DF_CAPTURE_BO_USERPTR : 0) | (bo->imported ? DF_CAPTURE_BO_IMPORTED : 0) |
			 (bo->internal ? DF_CAPTURE_BO_LIBRARY : 0),
		.va_flags = bo->va_flags & DF_CAPTURE_VA_ALL,
	};
	memcpy(disk->name, bo->name, sizeof(disk->name));
	/* What other batches need is mapped, so that a stray access does what it did, but not what this one runs from.
	 */
	if (bo->internal && !is)
		return;
	map->contents = capture->what->begun_with ? capture->what->begun_with(bo) : NULL;
	map->contents_B = bo->size_B;
	if (!map->contents)
		map->contents = readable(bo);
	disk->flags |= map->contents ? DF_CAPTURE_BO_CONTENTS : DF_CAPTURE_BO_LOST;
}

static int by_address(const void *a, const void *b)
{
	const struct mapping *x = a, *y = b;

	return x->disk.va < y->disk.va ? -1 : x->disk.va > y->disk.va;
}

static int collect(struct capture *capture)
{
	unsigned count = 0;

	for (const struct df_bo *bo = capture->device->bos; bo; bo = bo->next)
		count++;
	capture->maps = df_calloc(count + 1, sizeof(*capture->maps));
	capture->sections = df_calloc(count + FIXED_SECTIONS, sizeof(*capture->sections));
	if (!capture->maps || !capture->sections)
		return -ENOMEM;
	if (count > DF_CAPTURE_MAX_BOS - FIXED_SECTIONS)
		return -E2BIG;
	for (struct df_bo *bo = capture->device->bos; bo; bo = bo->next)
		describe(capture, bo, &capture->maps[capture->map_count++]);
	qsort(capture->maps, count, sizeof(*capture->maps), by_address);
	return 0;
}

/* ---- sections ---- */

static void put_device(struct capture *capture)
{
	const struct df_kmd_info *info = &capture->device->info;
	struct df_capture_device disk = {
		.drm_major = info->drm_major,
		.drm_minor = info->drm_minor,
		.drm_patch = info->drm_patch,
		.flags = (df_node_is_soft(capture->device->node) ? DF_CAPTURE_DEVICE_SOFT : 0) |
			 (info->ring_is_gfx ? DF_CAPTURE_DEVICE_GFX_RING : 0),
		.pci_vendor = info->pci_vendor,
		.pci_device = info->pci_device,
		.pci_revision = info->pci_revision,
		.me_firmware = info->me_firmware,
		.mec_firmware = info->mec_firmware,
		.ib_align_B = info->ib_align_B,
		.ib_size_align_dw = info->ib_size_align_dw,
		.max_ib_dw = info->max_ib_dw,
		.va_align_B = info->va_align_B,
		.device_memory_B = info->device_memory_B,
		.host_memory_B = info->host_memory_B,
		.va = {{info->va[0].start, info->va[0].end}, {info->va[1].start, info->va[1].end}},
	};

	snprintf(disk.name, sizeof(disk.name), "%s", df_device_name(capture->device));
	memcpy(disk.target, info->target, sizeof(disk.target));
	memcpy(disk.driver, info->driver, sizeof(disk.driver));
	memcpy(disk.marketing, info->marketing, sizeof(disk.marketing));
	put_array(capture, DF_CAPTURE_DEVICE, &disk, 1, sizeof(disk));
}

static void put_job(struct capture *capture)
{
	const struct df_capture_case *what = capture->what;
	const struct df_batch *batch = what->batch;
	struct df_capture_job disk = {
		.launches = batch->submit.launches,
		.barriers = batch->barriers,
		.flags = (batch->submit.independent ? DF_CAPTURE_JOB_INDEPENDENT : 0) |
			 (what->context->check_faults ? DF_CAPTURE_JOB_CHECK_FAULTS : 0),
		.marker_interval = (uint32_t)batch->marker_interval,
		.progress_va = batch->progress ? batch->progress->va + DF_PROGRESS_FINISHED * sizeof(uint32_t) : 0,
		.batch = what->info->batch,
		.context = what->info->context,
		.max_retries = what->context->max_retries,
	};

	put_array(capture, DF_CAPTURE_JOB, &disk, 1, sizeof(disk));
}

static void find_stop(const struct capture *capture, struct df_soft_stop *stop)
{
	const struct df_soft_ops *soft;
	void *file = NULL;

	memset(stop, 0, sizeof(*stop));
	soft = df_node_soft(capture->device->node, &file);
	if (soft && soft->stop && soft->stop(file, capture->what->kernel, capture->what->handle, stop) < 0)
		memset(stop, 0, sizeof(*stop));
}

static void put_verdict(struct capture *capture, const struct df_soft_stop *stop)
{
	const struct df_wait_info *info = capture->what->info;
	struct df_capture_verdict disk = {
		.verdict = (uint32_t)info->verdict,
		.flags = info->page_fault ? DF_CAPTURE_VERDICT_PAGE_FAULT : 0,
		.fault_address = info->page_fault ? info->fault_address : 0,
		/* Everything may have ended and still be lost: then it is the last one that is named. */
		.first_launch = info->first_launch < info->last_launch ? info->first_launch : info->last_launch,
		.last_launch = info->last_launch,
		.attempt = capture->what->attempt,
		.poison_count = info->poison_count,
		.where = {.kind = stop->kind,
			  .access = stop->access,
			  .launch = stop->launch,
			  .wave = stop->wave,
			  .group = {stop->group[0], stop->group[1], stop->group[2]},
			  .pc = stop->pc,
			  .address = stop->address},
	};

	for (uint32_t i = 0; i < info->poison_count && i < DF_CAPTURE_MAX_POISON; i++)
		disk.poison[i] = info->poison[i];
	memcpy(disk.where.what, stop->what, sizeof(disk.where.what));
	put_array(capture, DF_CAPTURE_VERDICT, &disk, 1, sizeof(disk));
}

static void put_ibs(struct capture *capture)
{
	const struct df_batch *batch = capture->what->batch;

	section_begin(capture, DF_CAPTURE_IBS, 0);
	capture->sections[capture->section_count].count = batch->chunk + 1;
	capture->sections[capture->section_count].stride = sizeof(struct df_capture_ib);
	for (unsigned i = 0; i <= batch->chunk; i++) {
		struct df_capture_ib disk = {.va = batch->chunks[i].bo->va, .size_dw = batch->chunks[i].used_dw};

		put(capture, &disk, sizeof(disk));
	}
	section_end(capture);
}

static void put_bos(struct capture *capture)
{
	section_begin(capture, DF_CAPTURE_BOS, 0);
	capture->sections[capture->section_count].count = capture->map_count;
	capture->sections[capture->section_count].stride = sizeof(struct df_capture_bo);
	for (unsigned i = 0; i < capture->map_count; i++)
		put(capture, &capture->maps[i].disk, sizeof(capture->maps[i].disk));
	section_end(capture);
	for (unsigned i = 0; i < capture->map_count; i++) {
		if (!capture->maps[i].contents)
			continue;
		section_begin(capture, DF_CAPTURE_CONTENTS, i);
		put_contents(capture, &capture->maps[i]);
		section_end(capture);
	}
}

static void put_kernels(struct capture *capture)
{
	struct df_capture_section *section = &capture->sections[capture->section_count];

	section_begin(capture, DF_CAPTURE_KERNELS, 0);
	section->stride = sizeof(struct df_capture_kernel);
	for (unsigned i = 0; i < capture->map_count; i++) {
		const struct df_code *code = capture->maps[i].bo->code;

		for (unsigned k = 0; code && k < code->kernel_count; k++) {
			const struct df_kernel *kernel = code->kernels[k];
			struct df_capture_kernel disk = {.code_va = code->bo->va,
							 .code_B = code->image.header.code_size_B,
							 .entry_va = kernel->entry_va,
							 .wave_size = kernel->image.wave_size};

			snprintf(disk.name, sizeof(disk.name), "%s", kernel->name);
			put(capture, &disk, sizeof(disk));
			section->count++;
		}
	}
	section_end(capture);
}

static void put_faults(struct capture *capture, const struct df_soft_stop *stop)
{
	if (!stop->fault[0])
		return;
	section_begin(capture, DF_CAPTURE_FAULTS, 0);
	put(capture, stop->fault, strnlen(stop->fault, sizeof(stop->fault) - 1) + 1);
	section_end(capture);
}

static size_t table_B(const struct capture *capture)
{
	return (size_t)(capture->map_count + FIXED_SECTIONS) * sizeof(struct df_capture_section);
}

/* The header and the table, which lie in front of all sections. */
static int put_front(struct capture *capture)
{
	size_t bytes = capture->section_count * sizeof(struct df_capture_section);
	struct df_capture_header header = {
		.magic = DF_CAPTURE_MAGIC,
		.version = DF_CAPTURE_VERSION,
		.header_size_B = sizeof(header),
		.total_size_B = capture->at,
		.section_offset = sizeof(header),
		.section_count = capture->section_count,
		.section_stride = sizeof(struct df_capture_section),
	};

	header.crc32 =
		df_image_crc32(df_image_crc32(DF_IMAGE_CRC_START, &header, sizeof(header)), capture->sections, bytes);
	if (pwrite(capture->fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
	    pwrite(capture->fd, capture->sections, bytes, sizeof(header)) != (ssize_t)bytes)
		return errno ? -errno : -ENOSPC;
	return 0;
}

/* Device lock held. */
static int put_all(struct capture *capture)
{
	struct df_soft_stop stop;
	int ret = collect(capture);

	if (ret < 0)
		return ret;
	capture->at = sizeof(struct df_capture_header) + table_B(capture);
	if (lseek(capture->fd, (off_t)capture->at, SEEK_SET) < 0)
		return -errno;
	find_stop(capture, &stop);
	put_device(capture);
	put_job(capture);
	put_verdict(capture, &stop);
	put_ibs(capture);
	put_kernels(capture);
	put_faults(capture, &stop);
	put_bos(capture);
	flush(capture);
	return capture->error ? capture->error : put_front(capture);
}

int df_capture_write(const char *path, const struct df_capture_case *what)
{
	struct df_device *device = what->context->device;
	struct capture *capture = df_calloc(1, sizeof(*capture));
	char temporary[PATH_MAX];
	int ret = capture ? 0 : -ENOMEM;

	if (!ret && (size_t)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= sizeof(temporary))
		ret = -ENAMETOOLONG;
	if (ret < 0)
		goto out;
	capture->what = what;
	capture->device = device;
	capture->fd = mkostemp(temporary, O_CLOEXEC);
	if (capture->fd < 0) {
		ret = -errno;
		goto out;
	}
	pthread_mutex_lock(&device->lock);
	ret = put_all(capture);
	pthread_mutex_unlock(&device->lock);
	if (close(capture->fd) < 0 && !ret)
		ret = -errno;
	if (!ret && rename(temporary, path) < 0)
		ret = -errno;
	if (ret < 0)
		unlink(temporary);
	free(capture->maps);
	free(capture->sections);
out:
	free(capture);
	return ret < 0 ? df_error_set(ret, "capture %s: not written: %s", path, strerror(-ret)) : 0;
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <amdgpu_drm.h>

#include "unplug.h"

enum { MAX_MAPS = 512, MAX_CONTEXTS = 64 };

extern const struct df_soft_ops df_soft_ops;

struct file {
	void *inner;
	/* The last submission of each context. */
	struct {
		uint32_t context;
		uint64_t handle;
	} last[MAX_CONTEXTS];
	bool dead;
	struct file *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *files;
static struct {
	void *at;
	size_t bytes;
} maps[MAX_MAPS];
static unsigned generation, fail_at;
static int fail_error;
static bool failed;

/* The time-out, which is part of the inner name, makes it another device. */
static void *open_file(const char *spec, char *error, size_t error_size)
{
	struct file *file = calloc(1, sizeof(*file));
	char name[128];

	pthread_mutex_lock(&lock);
	snprintf(name, sizeof(name), "%s,timeout_ms=%u", spec[0] ? spec : "gfx1030", 20000 + generation);
	file->inner = df_soft_ops.open(name, error, error_size);
	if (file->inner) {
		file->next = files;
		files = file;
	}
	pthread_mutex_unlock(&lock);
	if (file->inner)
		return file;
	free(file);
	return NULL;
}

static int close_file(void *data)
{
	struct file *file = data, **link = &files;

	pthread_mutex_lock(&lock);
	while (*link != file)
		link = &(*link)->next;
	*link = file->next;
	pthread_mutex_unlock(&lock);
	df_soft_ops.close(file->inner);
	free(file);
	return 0;
}

/* 0, or the errno that a call on the file ends with. */
static int refused(const struct file *file)
{
	int error = 0;

	pthread_mutex_lock(&lock);
	if (file->dead)
		error = ENODEV;
	else if (fail_at && !--fail_at)
		failed = true, error = fail_error;
	pthread_mutex_unlock(&lock);
	return error;
}

static void note_job(struct file *file, uint32_t context, uint64_t handle)
{
	unsigned i = 0;

	while (file->last[i].context && file->last[i].context != context && i + 1 < MAX_CONTEXTS)
		i++;
	file->last[i].context = context;
	file->last[i].handle = handle;
}

static int call(void *data, unsigned long request, void *arg)
{
	union drm_amdgpu_cs *cs = arg;
	struct file *file = data;
	uint32_t context = request == DRM_IOCTL_AMDGPU_CS ? cs->in.ctx_id : 0;
	int error = refused(file), ret;

	if (error) {
		errno = error;
		return -1;
	}
	ret = df_soft_ops.ioctl(file->inner, request, arg);
	if (!ret && context) {
		pthread_mutex_lock(&lock);
		note_job(file, context, cs->out.handle);
		pthread_mutex_unlock(&lock);
	}
	return ret;
}

/* Until nothing runs on it: the process' memory is looked at no more. */
static void wait_idle(const struct file *file)
{
	static const uint32_t rings[] = {AMDGPU_HW_IP_COMPUTE, AMDGPU_HW_IP_GFX};

	for (unsigned i = 0; i < 2 * MAX_CONTEXTS; i++) {
		union drm_amdgpu_wait_cs wait = {.in = {.handle = file->last[i / 2].handle,
							.timeout = UINT64_MAX,
							.ip_type = rings[i % 2],
							.ctx_id = file->last[i / 2].context}};

		if (wait.in.ctx_id)
			(void)df_soft_ops.ioctl(file->inner, DRM_IOCTL_AMDGPU_WAIT_CS, &wait);
	}
}

static void remember(void *at, size_t bytes)
{
	unsigned i = 0;

	pthread_mutex_lock(&lock);
	while (maps[i].at && maps[i].at != at && i + 1 < MAX_MAPS)
		i++;
	maps[i].at = at;
	maps[i].bytes = bytes;
	pthread_mutex_unlock(&lock);
}

static void *map_file(void *data, void *addr, size_t size, int prot, int flags, uint64_t offset)
{
	const struct file *file = data;
	int error = refused(file);
	void *map = error ? MAP_FAILED : df_soft_ops.mmap(file->inner, addr, size, prot, flags, offset);

	if (map != MAP_FAILED)
		remember(map, size);
	if (error)
		errno = error;
	return map;
}

static int unmap_file(void *data, void *addr, size_t size)
{
	(void)data;
	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < MAX_MAPS; i++)
		if (maps[i].at == addr)
			maps[i].at = NULL;
	pthread_mutex_unlock(&lock);
	return munmap(addr, size);
}

static void pci_id(void *data, uint16_t *vendor, uint16_t *device, uint8_t *revision)
{
	df_soft_ops.pci_id(((struct file *)data)->inner, vendor, device, revision);
}

const struct df_soft_ops unplug_ops = {
	.version = DF_SOFT_OPS_VERSION,
	.open = open_file,
	.close = close_file,
	.ioctl = call,
	.mmap = map_file,
	.munmap = unmap_file,
	.pci_id = pci_id,
};

void unplug(_Atomic uint32_t *gate)
{
	pthread_mutex_lock(&lock);
	generation++;
	for (struct file *file = files; file; file = file->next)
		file->dead = true;
	if (gate)
		atomic_store(gate, 1);
	for (const struct file *file = files; file; file = file->next)
		wait_idle(file);
	for (unsigned i = 0; i < MAX_MAPS; i++)
		if (maps[i].at)
			(void)mmap(maps[i].at, maps[i].bytes, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	pthread_mutex_unlock(&lock);
}

void unplug_fail(unsigned n, int error)
{
	pthread_mutex_lock(&lock);
	fail_at = n;
	fail_error = error;
	failed = false;
	pthread_mutex_unlock(&lock);
}

bool unplug_failed(void)
{
	return failed;
}

unsigned unplug_open_files(void)
{
	unsigned count = 0;

	for (const struct file *file = files; file; file = file->next)
		count++;
	return count;
}

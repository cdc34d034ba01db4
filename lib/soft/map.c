/* SPDX-License-Identifier: MIT */
/*
 * map.c - what user space has mapped of a device.
 *
 * When a device is unplugged the kernel takes every mapping away, and what touches one afterwards gets a page of zeros
 * (drm_dev_unplug(), ttm_bo_vm_dummy_page()). A mapping may have been unmapped behind our back (a program under the
 * shim calls munmap() itself), so before its place is taken the system is asked what is there.
 */
#include "soft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct soft_map {
	struct soft_map *next;
	uintptr_t start, end;
};

int soft_map_add(struct soft_device *device, void *addr, size_t size)
{
	struct soft_map *map = malloc(sizeof(*map));

	if (!map)
		return -ENOMEM;
	map->start = (uintptr_t)addr;
	map->end = map->start + size;
	pthread_mutex_lock(&soft_lock);
	map->next = device->maps;
	device->maps = map;
	pthread_mutex_unlock(&soft_lock);
	return 0;
}

void soft_map_remove(struct soft_device *device, void *addr, size_t size)
{
	const uintptr_t start = (uintptr_t)addr, end = start + size;
	struct soft_map **link;

	pthread_mutex_lock(&soft_lock);
	for (link = &device->maps; *link;) {
		struct soft_map *map = *link;

		if (map->start < start || map->end > end) {
			link = &map->next;
			continue;
		}
		*link = map->next;
		free(map);
	}
	pthread_mutex_unlock(&soft_lock);
}

void soft_map_finish(struct soft_device *device)
{
	while (device->maps) {
		struct soft_map *next = device->maps->next;

		free(device->maps);
		device->maps = next;
	}
}

/* The part of [start, end) that is recorded gives way to zeros. By system call: for tools that watch memory mmap()
 * would be a write of this thread. */
static void zap(const struct soft_device *device, uintptr_t start, uintptr_t end, int prot)
{
	for (const struct soft_map *map = device->maps; map; map = map->next) {
		const uintptr_t from = start > map->start ? start : map->start;
		const uintptr_t to = end < map->end ? end : map->end;

		if (from < to)
			(void)syscall(SYS_mmap, from, to - from, prot,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	}
}

void soft_map_zap(struct soft_device *device)
{
	struct line {
		uintptr_t start, end;
		int prot;
	} *lines = NULL;
	size_t count = 0, capacity = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	char text[512], *at;

	while (maps && fgets(text, sizeof(text), maps)) {
		const unsigned long start = strtoul(text, &at, 16);
		const unsigned long end = *at == '-' ? strtoul(at + 1, &at, 16) : 0;
		const char *rights = at + 1;

		if (!strstr(text, "/memfd:drumfire-") || end <= start || *at != ' ')
			continue;
		if (count == capacity) {
			struct line *grown = realloc(lines, (capacity ? capacity * 2 : 64) * sizeof(*lines));

			if (!grown)
				break;
			lines = grown;
			capacity = capacity ? capacity * 2 : 64;
		}
		lines[count++] = (struct line){
			start, end, (rights[0] == 'r' ? PROT_READ : 0) | (rights[1] == 'w' ? PROT_WRITE : 0)};
	}
	if (maps)
		fclose(maps);
	for (size_t i = 0; i < count; i++)
		zap(device, lines[i].start, lines[i].end, lines[i].prot);
	free(lines);
	soft_map_finish(device);
}

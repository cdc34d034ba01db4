/* SPDX-License-Identifier: MIT */
#include "core/va.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"

/* Freeing adds at most one range: live allocations + the zones that init() made bound the count. */
static int make_room(struct df_va *va, unsigned needed)
{
	struct df_va_range *ranges;
	unsigned capacity = va->capacity ? va->capacity : 16;

	while (capacity < needed)
		capacity *= 2;
	if (capacity == va->capacity)
		return 0;
	ranges = df_realloc(va->free, capacity, sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	va->free = ranges;
	va->capacity = capacity;
	return 0;
}

int df_va_init(struct df_va *va, const struct df_va_range *ranges, unsigned count)
{
	memset(va, 0, sizeof(*va));
	if (make_room(va, count) < 0)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++)
		if (ranges[i].start < ranges[i].end)
			va->free[va->count++] = ranges[i];
	return 0;
}

void df_va_finish(struct df_va *va)
{
	free(va->free);
	memset(va, 0, sizeof(*va));
}

static void remove_at(struct df_va *va, unsigned i)
{
	memmove(&va->free[i], &va->free[i + 1], (va->count - i - 1) * sizeof(va->free[0]));
	va->count--;
}

static void insert_at(struct df_va *va, unsigned i, struct df_va_range range)
{
	memmove(&va->free[i + 1], &va->free[i], (va->count - i) * sizeof(va->free[0]));
	va->free[i] = range;
	va->count++;
}

/* Takes [start, start + bytes) out of range i, which holds it. */
static void carve(struct df_va *va, unsigned i, uint64_t start, uint64_t bytes)
{
	struct df_va_range behind = {start + bytes, va->free[i].end};

	va->free[i].end = start;
	if (behind.start < behind.end)
		insert_at(va, i + 1, behind);
	if (va->free[i].start == va->free[i].end)
		remove_at(va, i);
}

int df_va_alloc(struct df_va *va, uint64_t bytes, uint64_t align, uint64_t low, uint64_t high, uint64_t *va_out)
{
	if (!bytes)
		return -EINVAL;
	/* Room for the split now and, for each allocation, the range that freeing it adds. */
	if (make_room(va, va->count + va->live + 4) < 0)
		return -ENOMEM;
	for (unsigned i = 0; i < va->count; i++) {
		uint64_t start = va->free[i].start > low ? va->free[i].start : low;
		uint64_t end = va->free[i].end < high ? va->free[i].end : high;

		if (start > UINT64_MAX - (align - 1))
			break;
		start = (start + align - 1) & ~(align - 1);
		if (start >= end || end - start < bytes)
			continue;
		carve(va, i, start, bytes);
		va->live++;
		*va_out = start;
		return 0;
	}
	return -ENOSPC;
}

void df_va_free(struct df_va *va, uint64_t address, uint64_t bytes)
{
	unsigned low = 0, high = va->count;
	bool joins_before, joins_behind;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (va->free[middle].start < address)
			low = middle + 1;
		else
			high = middle;
	}
	joins_before = low > 0 && va->free[low - 1].end == address;
	joins_behind = low < va->count && va->free[low].start == address + bytes;
	if (joins_before && joins_behind) {
		va->free[low - 1].end = va->free[low].end;
		remove_at(va, low);
	} else if (joins_before) {
		va->free[low - 1].end = address + bytes;
	} else if (joins_behind) {
		va->free[low].start = address;
	} else {
		insert_at(va, low, (struct df_va_range){address, address + bytes});
	}
	va->live--;
}

uint64_t df_va_free_bytes(const struct df_va *va)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < va->count; i++)
		sum += va->free[i].end - va->free[i].start;
	return sum;
}

/* SPDX-License-Identifier: MIT */
/*
 * va.h - allocator of GPU addresses: a sorted array of free ranges, first fit. Freeing never fails, because every
 * allocation first makes room for the range that freeing it may add. Not locked: device->lock is held by the callers.
 */
#ifndef DF_CORE_VA_H
#define DF_CORE_VA_H

#include <stdint.h>

#include "kmd/kmd.h"

struct df_va {
	struct df_va_range *free; /* by start, none touching another within one zone */
	unsigned count, capacity;
	unsigned live; /* allocations */
};

/* The ranges become free. 0 or -ENOMEM. */
int df_va_init(struct df_va *va, const struct df_va_range *ranges, unsigned count);
void df_va_finish(struct df_va *va);
/* The lowest fit within [low, high), align a power of two. -ENOSPC, -ENOMEM. */
int df_va_alloc(struct df_va *va, uint64_t bytes, uint64_t align, uint64_t low, uint64_t high, uint64_t *va_out);
void df_va_free(struct df_va *va, uint64_t address, uint64_t bytes);
uint64_t df_va_free_bytes(const struct df_va *va);

#endif

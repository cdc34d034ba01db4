/* SPDX-License-Identifier: MIT */
#include "core/alloc.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

static atomic_ulong allocations, fail_at; /* fail_at: the number, 0 none */

static bool refused(void)
{
	unsigned long number = atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed) + 1;

	return __builtin_expect(number == atomic_load_explicit(&fail_at, memory_order_relaxed), 0);
}

void df_alloc_fail(unsigned long n)
{
	atomic_store(&fail_at, n ? atomic_load(&allocations) + n : 0);
}

unsigned long df_alloc_count(void)
{
	return atomic_load(&allocations);
}

void *df_calloc(size_t count, size_t bytes)
{
	return refused() ? NULL : calloc(count, bytes);
}

void *df_malloc(size_t bytes)
{
	return refused() ? NULL : malloc(bytes);
}

void *df_realloc(void *old, size_t count, size_t bytes)
{
	return refused() ? NULL : reallocarray(old, count, bytes);
}

void *df_map_anonymous(size_t bytes)
{
	void *memory;

	if (refused())
		return NULL;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return NULL;
	madvise(memory, bytes, MADV_DONTFORK);
	return memory;
}

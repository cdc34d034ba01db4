/* SPDX-License-Identifier: MIT */
/*
 * alloc.h - every allocation of the library goes through here, so that tests (and the fault alloc#N) can make the N-th
 * one fail. What is allocated is freed with free() or munmap().
 */
#ifndef DF_CORE_ALLOC_H
#define DF_CORE_ALLOC_H

#include <stddef.h>

void *df_calloc(size_t count, size_t bytes);
void *df_malloc(size_t bytes);
void *df_realloc(void *old, size_t count, size_t bytes);
/* Zeroed pages of the process, shared with nobody (not with a child either: the GPU writes to them). NULL: none. */
void *df_map_anonymous(size_t bytes);
/* The n-th allocation from now (1: the next) fails, once; 0: none. Any thread. */
void df_alloc_fail(unsigned long n);
unsigned long df_alloc_count(void); /* allocations so far */

#endif

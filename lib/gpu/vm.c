/* SPDX-License-Identifier: MIT */
/*
 * vm.c - page tables of an address space.
 *
 * 48-bit virtual addresses, canonical (bits 63:47 alike), 4 KiB pages, four levels of 512 entries like the hardware's
 * PDB2-PDB1-PDB0-PTB. An entry of any level may be a leaf ("PDE as PTE"), so a mapping of any size touches at most six
 * tables beside the entries of its own ends. Entries are changed under vm->lock and read without it: a table is
 * complete before it is hooked in, and an unhooked one is freed by gpu_vm_flush() or gpu_vm_destroy() only.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	LEVELS = 4,
	LEVEL_BITS = 9,
	ENTRIES = 1 << LEVEL_BITS,
	TABLE_ALIGN = 256,
	SPARE_TABLES = 2 * (LEVELS - 1), /* both ends of a range, each level below the root */
};

/* Low bits of an entry; host pages and tables leave them free. */
#define E_ACCESS      0xfull /* enum gpu_access and GPU_PTE_PRT */
#define E_MTYPE_SHIFT 4
#define E_VALID       (1ull << 6)
#define E_TABLE       (1ull << 7)
#define E_FLAGS       0xffull

#define VA_BITS  48
#define VA_LIMIT (1ull << VA_BITS)

struct gpu_vm_table {
	_Atomic uint64_t e[ENTRIES];
	struct gpu_vm_table *next; /* retired, spare */
};

static unsigned level_shift(unsigned level)
{
	return GPU_PAGE_SHIFT + LEVEL_BITS * (LEVELS - 1 - level);
}

static bool va_canonical(uint64_t va)
{
	uint64_t top = va >> (VA_BITS - 1);

	return top == 0 || top == (1ull << (64 - VA_BITS + 1)) - 1;
}

static struct gpu_vm_table *table_alloc(void)
{
	size_t size = (sizeof(struct gpu_vm_table) + TABLE_ALIGN - 1) / TABLE_ALIGN * TABLE_ALIGN;
	struct gpu_vm_table *table = aligned_alloc(TABLE_ALIGN, size);

	if (table)
		memset(table, 0, size);
	return table;
}

static struct gpu_vm_table *entry_table(uint64_t entry)
{
	return (struct gpu_vm_table *)(uintptr_t)(entry & ~E_FLAGS);
}

static void table_free(struct gpu_vm_table *table)
{
	for (unsigned i = 0; i < ENTRIES; i++) {
		uint64_t entry = atomic_load_explicit(&table->e[i], memory_order_relaxed);

		if (entry & E_TABLE)
			table_free(entry_table(entry));
	}
	free(table);
}

void gpu_vm_free_tables(struct gpu_vm_table *list)
{
	while (list) {
		struct gpu_vm_table *next = list->next;

		table_free(list);
		list = next;
	}
}

struct gpu_vm_table *gpu_vm_take_retired(struct gpu_vm *vm)
{
	struct gpu_vm_table *list = vm->retired;

	vm->retired = NULL;
	return list;
}

static int spare_fill(struct gpu_vm *vm)
{
	while (vm->spare_count < SPARE_TABLES) {
		struct gpu_vm_table *table = table_alloc();

		if (!table)
			return -ENOMEM;
		table->next = vm->spare;
		vm->spare = table;
		vm->spare_count++;
	}
	return 0;
}

static struct gpu_vm_table *spare_take(struct gpu_vm *vm)
{
	struct gpu_vm_table *table = vm->spare;

	if (table) {
		vm->spare = table->next;
		vm->spare_count--;
		table->next = NULL;
	}
	return table;
}

/* The entry of the page that lies offset bytes into a leaf. */
static uint64_t leaf_at(uint64_t leaf, uint64_t offset)
{
	return leaf & E_ACCESS & GPU_PTE_PRT ? leaf : leaf + offset;
}

/* Table of an entry that a range covers in part: splits a leaf, makes one for an empty entry. */
static struct gpu_vm_table *entry_descend(struct gpu_vm *vm, _Atomic uint64_t *slot, unsigned level)
{
	uint64_t entry = atomic_load_explicit(slot, memory_order_relaxed);
	struct gpu_vm_table *table;

	if (entry & E_TABLE)
		return entry_table(entry);
	table = spare_take(vm);
	if (!table)
		return NULL;
	if (entry & E_VALID)
		for (unsigned i = 0; i < ENTRIES; i++)
			atomic_init(&table->e[i], leaf_at(entry, (uint64_t)i << level_shift(level + 1)));
	atomic_store_explicit(slot, (uint64_t)(uintptr_t)table | E_TABLE, memory_order_release);
	return table;
}

static bool entry_replace(struct gpu_vm *vm, _Atomic uint64_t *slot, uint64_t entry)
{
	uint64_t old = atomic_exchange_explicit(slot, entry, memory_order_acq_rel);

	if (old & E_TABLE) {
		entry_table(old)->next = vm->retired;
		vm->retired = entry_table(old);
	}
	return old != 0 && old != entry;
}

/*
 * Sets [va, end) to leaf (0: nothing), whose host address belongs to va. True when something that was present changed.
 * Without a spare table (only an unmapping can get here so) the whole entry goes: a fault is better than memory that
 * its owner takes for unmapped.
 */
static bool range_set(struct gpu_vm *vm, struct gpu_vm_table *table, unsigned level, uint64_t va, uint64_t end,
		      uint64_t leaf)
{
	const uint64_t span = 1ull << level_shift(level);
	bool changed = false;

	for (uint64_t at = va, next; at < end; at = next) {
		_Atomic uint64_t *slot = &table->e[(at >> level_shift(level)) % ENTRIES];
		uint64_t here = leaf ? leaf_at(leaf, at - va) : 0;
		struct gpu_vm_table *below;

		next = (at / span + 1) * span;
		if (next > end)
			next = end;
		if (next - at == span) {
			changed |= entry_replace(vm, slot, here);
			continue;
		}
		if (!leaf && !atomic_load_explicit(slot, memory_order_relaxed))
			continue;
		below = entry_descend(vm, slot, level);
		if (below)
			changed |= range_set(vm, below, level + 1, at, next, here);
		else
			changed |= entry_replace(vm, slot, 0);
	}
	return changed;
}

/* 0 when the range is page-aligned, not empty, and inside one half of the canonical space. */
static int range_check(uint64_t va, uint64_t size_B)
{
	if (size_B == 0 || ((va | size_B) & GPU_PAGE_MASK) || va + (size_B - 1) < va)
		return -EINVAL;
	if (!va_canonical(va) || !va_canonical(va + (size_B - 1)) || (va ^ (va + (size_B - 1))) >> 63)
		return -EINVAL;
	return 0;
}

int gpu_vm_create(struct gpu *gpu, struct gpu_vm **vm_out)
{
	struct gpu_vm *vm = calloc(1, sizeof(*vm));

	if (!vm)
		return -ENOMEM;
	vm->root = table_alloc();
	if (!vm->root || spare_fill(vm)) {
		gpu_vm_free_tables(vm->spare);
		free(vm->root);
		free(vm);
		return -ENOMEM;
	}
	vm->gpu = gpu;
	/* One that was freed may come back at the same address: what caches keep of it is of other generations. */
	atomic_init(&vm->generation, ((atomic_fetch_add(&gpu->spaces, 1) + 1) << 32) + 1);
	pthread_mutex_init(&vm->lock, NULL);
	*vm_out = vm;
	return 0;
}

void gpu_vm_destroy(struct gpu_vm *vm)
{
	if (!vm)
		return;
	gpu_vm_flush(vm);
	gpu_forget_vm(vm->gpu, vm);
	table_free(vm->root);
	gpu_vm_free_tables(vm->retired);
	gpu_vm_free_tables(vm->spare);
	pthread_mutex_destroy(&vm->lock);
	free(vm);
}

int gpu_vm_map(struct gpu_vm *vm, uint64_t va, uint64_t size_B, void *host, unsigned access, enum gpu_mtype mtype)
{
	const bool prt = access & GPU_PTE_PRT;
	uint64_t leaf = E_VALID | (access & E_ACCESS) | (uint64_t)mtype << E_MTYPE_SHIFT, start;
	int ret = range_check(va, size_B);

	if (ret)
		return ret;
	if ((access & ~E_ACCESS) || (unsigned)mtype > GPU_MTYPE_RW)
		return -EINVAL;
	if (!prt && (!host || ((uintptr_t)host & GPU_PAGE_MASK)))
		return -EINVAL;
	if (!prt)
		leaf |= (uint64_t)(uintptr_t)host;
	pthread_mutex_lock(&vm->lock);
	ret = spare_fill(vm);
	if (!ret) {
		start = va & (VA_LIMIT - 1);
		if (range_set(vm, vm->root, 0, start, start + size_B, leaf))
			atomic_fetch_add(&vm->generation, 1);
	}
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

void gpu_vm_unmap(struct gpu_vm *vm, uint64_t va, uint64_t size_B)
{
	uint64_t start = va & (VA_LIMIT - 1);

	if (range_check(va, size_B))
		return;
	pthread_mutex_lock(&vm->lock);
	(void)spare_fill(vm);
	if (range_set(vm, vm->root, 0, start, start + size_B, 0))
		atomic_fetch_add(&vm->generation, 1);
	pthread_mutex_unlock(&vm->lock);
}

bool gpu_vm_lookup(struct gpu_vm *vm, uint64_t va, struct gpu_tlb_entry *entry_out)
{
	const struct gpu_vm_table *table = vm->root;

	if (!va_canonical(va))
		return false;
	for (unsigned level = 0;; level++) {
		const unsigned shift = level_shift(level);
		uint64_t entry = atomic_load_explicit(&table->e[(va >> shift) % ENTRIES], memory_order_acquire);

		if (entry & E_TABLE) {
			table = entry_table(entry);
			continue;
		}
		if (!(entry & E_VALID))
			return false;
		entry_out->page = va >> GPU_PAGE_SHIFT;
		entry_out->access = entry & E_ACCESS;
		entry_out->mtype = entry >> E_MTYPE_SHIFT & 3;
		entry_out->host = NULL;
		if (!(entry & GPU_PTE_PRT))
			entry_out->host = (uint8_t *)(uintptr_t)(entry & ~E_FLAGS) +
					  (va & ((1ull << shift) - 1) & ~(uint64_t)GPU_PAGE_MASK);
		return true;
	}
}

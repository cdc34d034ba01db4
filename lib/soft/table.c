/* SPDX-License-Identifier: MIT */
/* table.c - handle tables: the lowest free id from 1 up, as the kernel's IDRs give them. Guarded by soft_lock. */
#include "soft.h"

#include <stdlib.h>
#include <string.h>

static int table_grow(struct soft_table *table)
{
	uint32_t count = table->count ? table->count * 2 : 16;
	void **slots = realloc(table->slots, count * sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	memset(slots + table->count, 0, (count - table->count) * sizeof(*slots));
	table->slots = slots;
	table->count = count;
	return 0;
}

int soft_table_add(struct soft_table *table, void *object, uint32_t *id_out)
{
	uint32_t i = table->free_hint;

	while (i < table->count && table->slots[i])
		i++;
	if (i == table->count && table_grow(table))
		return -ENOMEM;
	table->slots[i] = object;
	table->free_hint = i + 1;
	*id_out = i + 1;
	return 0;
}

void *soft_table_get(const struct soft_table *table, uint32_t id)
{
	return id && id <= table->count ? table->slots[id - 1] : NULL;
}

void *soft_table_remove(struct soft_table *table, uint32_t id)
{
	void *object = soft_table_get(table, id);

	if (object) {
		table->slots[id - 1] = NULL;
		if (id - 1 < table->free_hint)
			table->free_hint = id - 1;
	}
	return object;
}

void *soft_table_replace(struct soft_table *table, uint32_t id, void *object)
{
	void *old = soft_table_get(table, id);

	if (old)
		table->slots[id - 1] = object;
	return old;
}

/* SPDX-License-Identifier: MIT */
/*
 * The host's side of the IO queue. The GPU publishes a request (EMPTY, CLAIMED while it fills it, PUBLISHED); the host
 * takes it by storing CLAIMED again, does the work, and answers DONE or FAULT; the GPU frees the slot when it has seen
 * the answer. Requests are at-least-once: after a loss a slot may ask again.
 */
#include "mega/mega.h"

static bool is_well_formed(const struct df_mega_view *view, const struct df_ring_io_slot *entry)
{
	return entry->slot < view->slots && entry->tenant < DF_RING_TENANTS && entry->to <= view->data_words &&
	       entry->words <= view->data_words - entry->to;
}

DF_API int df_mega_io_next(const struct df_mega_view *view, struct df_mega_io *request_out)
{
	for (uint32_t i = 0; i < view->io_slots; i++) {
		struct df_ring_io_slot *entry = &view->io[i];
		uint32_t expected = DF_RING_PUBLISHED;

		if (!__atomic_compare_exchange_n(&entry->status, &expected, DF_RING_CLAIMED, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE))
			continue;
		if (!is_well_formed(view, entry)) {
			df_mega_store(&entry->status, DF_RING_FAULT);
			continue;
		}
		*request_out = (struct df_mega_io){.index = i,
						   .slot = entry->slot,
						   .tenant = entry->tenant,
						   .resource = entry->resource,
						   .offset = (uint64_t)entry->offset_hi << 32 | entry->offset_lo,
						   .to = entry->to,
						   .words = entry->words};
		return 0;
	}
	return df_error_set(-EAGAIN, "megakernel IO queue: no request is waiting");
}

DF_API int df_mega_io_answer(const struct df_mega_view *view, uint32_t index, uint32_t status, uint32_t value)
{
	struct df_ring_io_slot *entry;

	if (index >= view->io_slots)
		return df_error_set(-EINVAL, "megakernel IO queue: request %u does not exist, there are %u", index,
				    view->io_slots);
	if (status != DF_RING_DONE && status != DF_RING_FAULT)
		return df_error_set(-EINVAL,
				    "megakernel IO queue: request %u answered with status %u. Fix: use DF_RING_DONE or "
				    "DF_RING_FAULT",
				    index, status);
	entry = &view->io[index];
	if (df_mega_load(&entry->status) != DF_RING_CLAIMED)
		return df_error_set(-EINVAL,
				    "megakernel IO queue: request %u is %s, not taken. Fix: answer what "
				    "df_mega_io_next() gave, once",
				    index, df_mega_status_name(df_mega_load(&entry->status)));
	entry->value = value;
	df_mega_store(&entry->status, status);
	return 0;
}

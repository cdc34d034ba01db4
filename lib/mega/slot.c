/* SPDX-License-Identifier: MIT */
/* Slots: work encoded into them, results decoded from them, and the counts of the control block. */
#include <string.h>

#include "mega/mega.h"

/* Arguments of a built-in opcode, and which of them are an index (with the count beside it, or 1). */
struct opcode {
	const char *name;
	uint8_t args;
	int8_t index[2], count; /* -1: none */
};
static const struct opcode opcodes[DF_RING_OPS] = {
	[DF_RING_OP_NOP] = {"nop", 0, {-1, -1}, -1},
	[DF_RING_OP_STORE] = {"store", 2, {0, -1}, -1},
	[DF_RING_OP_ATOMIC_ADD] = {"atomic add", 2, {0, -1}, -1},
	[DF_RING_OP_LOAD] = {"load", 1, {0, -1}, -1},
	[DF_RING_OP_COMPARE_SWAP] = {"compare swap", 3, {0, -1}, -1},
	[DF_RING_OP_MEMCPY] = {"memcpy", 3, {0, 1}, 2},
	[DF_RING_OP_BATCH_FENCE] = {"batch fence", 2, {-1, -1}, -1},
	[DF_RING_OP_PRINTF] = {"printf", 9, {-1, -1}, -1},
	[DF_RING_OP_IO_READ] = {"io read", 5, {3, -1}, 4},
	[DF_RING_OP_SHUTDOWN] = {"shutdown", 0, {-1, -1}, -1},
};

static bool is_user(uint32_t opcode)
{
	return opcode >= DF_RING_OP_USER_FIRST && opcode <= DF_RING_OP_USER_LAST;
}

DF_API const char *df_mega_status_name(uint32_t status)
{
	static const char *const names[DF_RING_STATUSES] = {
		[DF_RING_EMPTY] = "empty",     [DF_RING_PUBLISHED] = "published", [DF_RING_CLAIMED] = "claimed",
		[DF_RING_DONE] = "done",       [DF_RING_WAIT_IO] = "wait-io",     [DF_RING_YIELD] = "yield",
		[DF_RING_REQUEUE] = "requeue", [DF_RING_FAULT] = "fault",
	};

	return status < DF_RING_STATUSES ? names[status] : "unknown status";
}

DF_API const char *df_mega_opcode_name(uint32_t opcode)
{
	if (opcode < DF_RING_OPS)
		return opcodes[opcode].name;
	return is_user(opcode) ? "user opcode" : "unknown opcode";
}

DF_API const char *df_mega_reason_text(uint32_t reason)
{
	static const char *const texts[DF_RING_REASONS] = {
		[DF_RING_REASON_NONE] = "no fault",
		[DF_RING_REASON_OPCODE] = "the kernel has no such opcode",
		[DF_RING_REASON_TENANT] = "there is no such tenant",
		[DF_RING_REASON_PRIORITY] = "there is no such priority",
		[DF_RING_REASON_DENIED] = "the tenant may not use the opcode",
		[DF_RING_REASON_RANGE] = "an index or count is outside the data area",
		[DF_RING_REASON_IO] = "the host answered the request with a failure",
		[DF_RING_REASON_USER] = "the user opcode refused its arguments",
	};

	return reason < DF_RING_REASONS ? texts[reason] : "unknown reason";
}

static int check_range(const struct df_mega_view *view, uint32_t slot, const struct df_mega_work *work,
		       const struct opcode *op)
{
	uint32_t count = op->count < 0 ? 1 : work->args[op->count];

	if (work->opcode == DF_RING_OP_MEMCPY && count > DF_RING_MEMCPY_MAX)
		return df_error_set(-EINVAL,
				    "megakernel slot %u: memcpy of %u words, at most %u are possible. Fix: use several "
				    "slots",
				    slot, count, DF_RING_MEMCPY_MAX);
	for (unsigned i = 0; i < 2; i++) {
		uint32_t index;

		if (op->index[i] < 0)
			continue;
		index = work->args[op->index[i]];
		if (index > view->data_words || count > view->data_words - index)
			return df_error_set(
				-EINVAL,
				"megakernel slot %u: %s takes %u words at index %u (argument %d), the data area has "
				"%u. Fix: correct the range or format the set with more data_words",
				slot, op->name, count, index, op->index[i], view->data_words);
	}
	return 0;
}

static int check_work(const struct df_mega_view *view, uint32_t slot, const struct df_mega_work *work)
{
	unsigned args = DF_RING_ARGS_IN;

	if (work->opcode >= DF_RING_OPS && !is_user(work->opcode))
		return df_error_set(-EINVAL,
				    "megakernel slot %u: opcode 0x%x does not exist. Fix: use a built-in one below %u "
				    "or a user opcode from 0x%x to 0x%x",
				    slot, work->opcode, DF_RING_OPS, DF_RING_OP_USER_FIRST, DF_RING_OP_USER_LAST);
	if (work->tenant >= DF_RING_TENANTS)
		return df_error_set(-EINVAL, "megakernel slot %u: tenant %u does not exist, there are %u", slot,
				    work->tenant, DF_RING_TENANTS);
	if (work->priority >= DF_RING_PRIORITIES)
		return df_error_set(-EINVAL, "megakernel slot %u: priority %u does not exist, the lowest is %u", slot,
				    work->priority, DF_RING_PRIORITIES - 1);
	if (!is_user(work->opcode))
		args = opcodes[work->opcode].args;
	for (unsigned i = args; i < DF_RING_ARGS; i++)
		if (work->args[i])
			return df_error_set(
				-EINVAL,
				"megakernel slot %u: %s takes %u arguments, argument %u is 0x%x. Fix: leave "
				"it 0",
				slot, df_mega_opcode_name(work->opcode), args, i, work->args[i]);
	return is_user(work->opcode) ? 0 : check_range(view, slot, work, &opcodes[work->opcode]);
}

static int check_slot(const struct df_mega_view *view, uint32_t slot)
{
	if (slot < view->slots)
		return 0;
	return df_error_set(-EINVAL, "megakernel slot %u: the ring has %u slots", slot, view->slots);
}

DF_API int df_mega_publish(const struct df_mega_view *view, uint32_t slot, const struct df_mega_work *work)
{
	struct df_ring_slot *entry;
	uint32_t status;
	int ret;

	if ((ret = check_slot(view, slot)) || (ret = check_work(view, slot, work)))
		return ret;
	entry = &view->ring[slot];
	status = df_mega_load(&entry->status);
	if (status == DF_RING_DONE || status == DF_RING_FAULT)
		return df_error_set(-EBUSY,
				    "megakernel slot %u: holds a result that was not taken. Fix: call df_mega_take() "
				    "first",
				    slot);
	if (status != DF_RING_EMPTY)
		return df_error_set(-EBUSY, "megakernel slot %u: is %s and belongs to the GPU. Fix: take a free slot",
				    slot, df_mega_status_name(status));
	entry->opcode = work->opcode;
	entry->tenant = work->tenant;
	entry->priority = work->priority;
	memcpy(entry->args, work->args, sizeof(entry->args));
	df_mega_store(&entry->status, DF_RING_PUBLISHED);
	return 0;
}

DF_API int df_mega_publish_next(const struct df_mega_view *view, const struct df_mega_work *work, uint32_t *slot)
{
	for (uint32_t i = 0; i < view->slots; i++) {
		uint32_t at = (uint32_t)(((uint64_t)*slot + i) % view->slots);
		int ret;

		if (df_mega_load(&view->ring[at].status) != DF_RING_EMPTY)
			continue;
		ret = df_mega_publish(view, at, work);
		if (!ret)
			*slot = at;
		return ret;
	}
	return df_error_set(-ENOSPC,
			    "megakernel ring: none of its %u slots is free. Fix: dispatch and take results, or "
			    "format the set with more slots",
			    view->slots);
}

DF_API int df_mega_peek(const struct df_mega_view *view, uint32_t slot, struct df_mega_result *result_out)
{
	struct df_mega_result result = {0};
	const struct df_ring_slot *entry;
	int ret = check_slot(view, slot);

	if (ret)
		return ret;
	entry = &view->ring[slot];
	result.status = df_mega_load(&entry->status);
	if (result.status >= DF_RING_STATUSES)
		return df_error_set(-EPROTO,
				    "megakernel slot %u: status %u does not exist, the ring was overwritten. Fix: "
				    "format the set again and look for a stray write",
				    slot, result.status);
	if (result.status == DF_RING_DONE || result.status == DF_RING_FAULT) {
		result.opcode = entry->opcode;
		result.tenant = entry->tenant;
		result.reason = entry->args[DF_RING_ARG_REASON];
		result.value = entry->args[DF_RING_ARG_VALUE];
	}
	*result_out = result;
	return 0;
}

DF_API int df_mega_take(const struct df_mega_view *view, uint32_t slot, struct df_mega_result *result_out)
{
	struct df_mega_result result;
	int ret = df_mega_peek(view, slot, &result);

	if (ret)
		return ret;
	if (result.status == DF_RING_EMPTY)
		return df_error_set(-ENODATA, "megakernel slot %u: is empty", slot);
	if (result.status != DF_RING_DONE && result.status != DF_RING_FAULT)
		return df_error_set(-EAGAIN, "megakernel slot %u: is %s, not finished. Fix: dispatch the set (again)",
				    slot, df_mega_status_name(result.status));
	df_mega_store(&view->ring[slot].status, DF_RING_EMPTY);
	*result_out = result;
	return 0;
}

DF_API int df_mega_reclaim(const struct df_mega_view *view, uint32_t slot)
{
	int ret = check_slot(view, slot);

	if (ret)
		return ret;
	if (df_mega_load(&view->ring[slot].status) == DF_RING_WAIT_IO) {
		uint32_t io = view->ring[slot].args[DF_RING_ARG_IO];

		if (io < view->io_slots && view->io[io].slot == slot)
			df_mega_store(&view->io[io].status, DF_RING_EMPTY);
	}
	memset(view->ring[slot].args, 0, sizeof(view->ring[slot].args));
	df_mega_store(&view->ring[slot].status, DF_RING_EMPTY);
	return 0;
}

DF_API int df_mega_counts(const struct df_mega_view *view, struct df_mega_counts *counts_out)
{
	struct df_mega_counts counts = {0};

	for (uint32_t i = 0; i < view->slots; i++) {
		uint32_t status = df_mega_load(&view->ring[i].status);

		if (status >= DF_RING_STATUSES)
			return df_error_set(-EPROTO,
					    "megakernel slot %u: status %u does not exist, the ring was overwritten. "
					    "Fix: format the set again and look for a stray write",
					    i, status);
		counts.by_status[status]++;
	}
	counts.done = df_mega_load(&view->control[DF_RING_DONE_COUNT]);
	counts.faults = df_mega_load(&view->control[DF_RING_FAULT_COUNT]);
	counts.epoch = df_mega_load(&view->control[DF_RING_EPOCH]);
	counts.batch_tag = df_mega_load(&view->control[DF_RING_BATCH_TAG]);
	counts.shutdown = df_mega_load(&view->control[DF_RING_SHUTDOWN]) != 0;
	for (unsigned i = 0; i < DF_RING_METRICS_MAX; i++)
		counts.metrics[i] = df_mega_load(&view->control[DF_RING_METRICS + i]);
	*counts_out = counts;
	return 0;
}

DF_API void df_mega_restart(const struct df_mega_view *view)
{
	df_mega_store(&view->control[DF_RING_DONE_COUNT], 0);
	df_mega_store(&view->control[DF_RING_FAULT_COUNT], 0);
	for (unsigned i = 0; i < DF_RING_TENANTS; i++)
		df_mega_store(&view->control[DF_RING_TENANT_USED + i], 0);
	df_mega_store(&view->control[DF_RING_SHUTDOWN], 0);
}

DF_API int df_mega_tenant(const struct df_mega_view *view, uint32_t tenant, uint32_t allow, uint32_t quota)
{
	if (tenant >= DF_RING_TENANTS)
		return df_error_set(-EINVAL, "megakernel: tenant %u does not exist, there are %u", tenant,
				    DF_RING_TENANTS);
	df_mega_store(&view->control[DF_RING_TENANT_ALLOW + tenant], allow);
	df_mega_store(&view->control[DF_RING_TENANT_QUOTA + tenant], quota);
	return 0;
}

DF_API void df_mega_shutdown(const struct df_mega_view *view)
{
	df_mega_store(&view->control[DF_RING_SHUTDOWN], 1);
}

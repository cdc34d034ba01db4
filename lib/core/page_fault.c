/* SPDX-License-Identifier: MIT */
/*
 * Page faults that the kernel turns into success. It keeps the address of an address space's last one and nothing else,
 * and there is no way to clear it: the same fault again looks like the old one. After each fault that was seen a job of
 * the library's own therefore reads from an address where nothing is ever mapped (the sentinel); until something else
 * faults, that is what the kernel tells of.
 *
 * All contexts of a device share the address space, and nobody says whose fault it was: every context that had work at
 * the kernel when one turned up is taken to have faulted, also at the sentinel's own, which may have hidden another.
 */
#include "core/context.h"

#define PATIENCE_NS 20000000u /* the interrupt comes beside the job's fence */

/* Has the kernel anything new to tell? device->fault_lock is held. */
static void look(struct df_device *device)
{
	struct df_kmd_fault fault;

	if (device->kmd->fault(device, &fault) < 0 || fault.address == device->fault_known)
		return;
	device->fault_known = fault.address;
	device->fault_stale = fault.address != device->sentinel_va;
	if (device->fault_stale)
		device->fault_told = fault.address;
	device->faults++;
}

bool df_page_fault_seen(struct df_context *context, uint64_t *address_out)
{
	struct df_device *device = context->device;
	bool seen;

	pthread_mutex_lock(&device->fault_lock);
	look(device);
	seen = device->faults != context->faults_seen;
	*address_out = device->fault_told;
	pthread_mutex_unlock(&device->fault_lock);
	return seen;
}

void df_page_fault_forget(struct df_context *context)
{
	pthread_mutex_lock(&context->device->fault_lock);
	context->faults_seen = context->device->faults;
	pthread_mutex_unlock(&context->device->fault_lock);
}

void df_page_fault_reopened(struct df_device *device)
{
	pthread_mutex_lock(&device->fault_lock);
	device->fault_known = 0;
	device->fault_stale = false;
	device->sentinel_ns = 0;
	pthread_mutex_unlock(&device->fault_lock);
}

bool df_page_fault_stale(struct df_device *device)
{
	bool stale;

	pthread_mutex_lock(&device->fault_lock);
	look(device);
	if (device->sentinel_ns && df_clock_ns() - device->sentinel_ns > PATIENCE_NS)
		device->fault_stale = false; /* a kernel that does not tell of it */
	stale = device->fault_stale;
	if (!stale)
		device->sentinel_ns = 0;
	pthread_mutex_unlock(&device->fault_lock);
	return stale;
}

/* SPDX-License-Identifier: MIT */
/* Faults on request: the software GPU's, and those of the library's own allocations. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/internal.h"
#include "node/soft.h"

/* "alloc#N": the N-th allocation of the library from now. */
static int fail_alloc(const char *spec)
{
	char *end;
	unsigned long n = strtoul(spec + strlen("alloc#"), &end, 10);

	if (!n || *end || spec[strlen("alloc#")] == '-')
		return df_error_set(-EINVAL, "fault '%s': not a number. Fix: alloc#N, N from 1", spec);
	df_alloc_fail(n);
	return 0;
}

DF_API int df_device_fault(struct df_device *device, const char *spec)
{
	const struct df_soft_ops *soft;
	char error[1024] = "";
	void *file = NULL;
	int ret;

	if (!device || !spec)
		return df_error_set(-EINVAL, "df_device_fault: %s is NULL", device ? "spec" : "device");
	if (!strncmp(spec, "alloc#", strlen("alloc#")))
		return fail_alloc(spec);
	soft = df_node_soft(device->node, &file);
	if (!soft || !soft->fault)
		return df_error_set(-ENOTSUP,
				    "device %s: cannot be asked for faults. Fix: use a software GPU, \"soft:gfx1030\"",
				    df_device_name(device));
	ret = soft->fault(file, spec, error, sizeof(error));
	return ret < 0 ? df_error_set(ret, "%s", error) : 0;
}

DF_API int df_fault_name(unsigned i, const char **name_out, const char **meaning_out)
{
	const struct df_soft_ops *soft;

	if (!name_out || !meaning_out)
		return df_error_set(-EINVAL, "df_fault_name: %s is NULL", name_out ? "meaning_out" : "name_out");
	if (df_soft_load(&soft) < 0 || !soft->fault_name || soft->fault_name(i, name_out, meaning_out) < 0)
		return -ENOENT;
	return 0;
}

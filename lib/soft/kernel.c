/* SPDX-License-Identifier: MIT */
/*
 * kernel.c - the kernels that a soft node can behave like, and the device string that chooses one.
 *
 * Rows read at the source: 6.1.192 and 7.2.13 of Debian (drivers/gpu/drm/amd/amdgpu, drm_ioctl.c, drm_syncobj.c);
 * 6.12 from the interface history at the head of amdgpu_drv.c and the same files.
 */
#include "soft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GEM_FLAGS_61                                                                                                   \
	(AMDGPU_GEM_CREATE_CPU_ACCESS_REQUIRED | AMDGPU_GEM_CREATE_NO_CPU_ACCESS | AMDGPU_GEM_CREATE_CPU_GTT_USWC |    \
	 AMDGPU_GEM_CREATE_VRAM_CLEARED | AMDGPU_GEM_CREATE_VM_ALWAYS_VALID | AMDGPU_GEM_CREATE_EXPLICIT_SYNC |        \
	 AMDGPU_GEM_CREATE_ENCRYPTED | ABI_GEM_DISCARDABLE)
#define GEM_FLAGS_612 (GEM_FLAGS_61 | ABI_GEM_GFX12_DCC)
#define GEM_FLAGS_72                                                                                                   \
	(GEM_FLAGS_612 | AMDGPU_GEM_CREATE_VRAM_WIPE_ON_RELEASE | ABI_GEM_COHERENT | ABI_GEM_UNCACHED |                \
	 ABI_GEM_EXT_COHERENT)

static const struct soft_kernel kernels[] = {
	{
		.name = "6.1",
		.minor = 49,
		.gem_flags = GEM_FLAGS_61,
		.gem_domains = AMDGPU_GEM_DOMAIN_MASK,
		.va_bottom = 2ull << 20,
		.va_top = 2ull << 20,
		.hw_ip_num = 9,
		.job_timeout_ms = 60000,
		.gfx_timeout_ms = 10000,
		.dev_info_size = offsetof(struct abi_info_device, min_engine_clock),
		.hw_ip_info_size = offsetof(struct abi_info_hw_ip, userq_num_slots),
		.va_size = offsetof(struct abi_gem_va, vm_timeline_point),
		.gem_op_size = offsetof(struct abi_gem_op, num_entries),
		.wait_size = offsetof(struct abi_syncobj_wait, deadline_nsec),
		.syncobj_handle_size = offsetof(struct abi_syncobj_handle, point),
		.ctx_guilty = true,
		.soft_recovery_gfx = true,
		.soft_recovery_counts = true,
		.rerun = true,
		.guilty_error = -ECANCELED,
	},
	{
		.name = "6.12",
		.minor = 59,
		.gem_flags = GEM_FLAGS_612,
		.gem_domains = AMDGPU_GEM_DOMAIN_MASK | ABI_GEM_DOMAIN_DOORBELL,
		.va_bottom = 1ull << 16,
		.va_top = (2ull << 12) + (2ull << 20) + (2ull << 20),
		.hw_ip_num = 10,
		.max_ibs_gfx = 192,
		.max_ibs_compute = 125,
		.max_ibs_other = 49,
		.job_timeout_ms = 60000,
		.gfx_timeout_ms = 10000,
		.dev_info_size = offsetof(struct abi_info_device, userq_ip_mask),
		.hw_ip_info_size = offsetof(struct abi_info_hw_ip, userq_num_slots),
		.va_size = offsetof(struct abi_gem_va, vm_timeline_point),
		.gem_op_size = offsetof(struct abi_gem_op, num_entries),
		.wait_size = sizeof(struct abi_syncobj_wait),
		.syncobj_handle_size = offsetof(struct abi_syncobj_handle, point),
		.always_clears = true,
		.chunk_shadow = true,
		.query_max_ibs = true,
		.query_fault = true,
		.syncobj_eventfd = true,
		.deadline = true,
		.entity_error = true,
		.ctx_guilty = true,
		.soft_recovery_gfx = true,
		.soft_recovery_compute = true,
		.soft_recovery_error = -ENODATA,
		.queue_reset = true,
		.guilty_error = -ECANCELED,
		.removed_error = -ECANCELED,
		.reset_in_progress = true,
	},
	{
		.name = "7.2",
		.minor = 64,
		.gem_flags = GEM_FLAGS_72,
		.gem_domains = AMDGPU_GEM_DOMAIN_MASK | ABI_GEM_DOMAIN_DOORBELL,
		.va_bottom = 1ull << 16,
		.va_top = (1ull << 16) + (2ull << 20) + (2ull << 20),
		.hw_ip_num = 10,
		.max_ibs_gfx = 192,
		.max_ibs_compute = 125,
		.max_ibs_other = 49,
		.job_timeout_ms = 2000,
		.gfx_timeout_ms = 2000,
		.dev_info_size = sizeof(struct abi_info_device),
		.hw_ip_info_size = sizeof(struct abi_info_hw_ip),
		.va_size = sizeof(struct abi_gem_va),
		.gem_op_size = sizeof(struct abi_gem_op),
		.wait_size = sizeof(struct abi_syncobj_wait),
		.syncobj_handle_size = sizeof(struct abi_syncobj_handle),
		.userq_ioctls = 3,
		.always_clears = true,
		.ce_blocked = true,
		.chunk_shadow = true,
		.query_max_ibs = true,
		.query_fault = true,
		.query_uq = true,
		.wait_any_idle_empty = true,
		.syncobj_eventfd = true,
		.deadline = true,
		.fd_timeline = true,
		.client_name = true,
		.entity_error = true,
		.soft_recovery_error = -ENODATA,
		.queue_reset = true,
		.sdma_reset = true,
		.reemit = true,
		.guilty_error = -ETIME,
		.removed_error = -ECANCELED,
		.reset_in_progress = true,
		.list_handles = true,
	},
};

const struct soft_kernel *soft_kernel_at(unsigned i)
{
	return i < sizeof(kernels) / sizeof(kernels[0]) ? &kernels[i] : NULL;
}

const struct soft_kernel *soft_kernel_find(const char *name)
{
	for (unsigned i = 0; soft_kernel_at(i); i++)
		if (!strcmp(name, kernels[i].name))
			return &kernels[i];
	return NULL;
}

static int parse_number(const char *key, const char *text, uint64_t min, uint64_t max, uint64_t *value_out, char *error,
			size_t error_size)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (end != text && (*end == 'K' || *end == 'M' || *end == 'G')) {
		unsigned shift = *end == 'K' ? 10 : *end == 'M' ? 20 : 30;

		value = value > UINT64_MAX >> shift ? UINT64_MAX : value << shift;
		end++;
	}
	if (errno || end == text || *end || *text == '-' || value < min || value > max) {
		snprintf(error, error_size,
			 "Soft device: %s=%s is not a number from %llu to %llu. Fix: write %s=%llu, for example.", key,
			 text, (unsigned long long)min, (unsigned long long)max, key, (unsigned long long)min);
		return -EINVAL;
	}
	*value_out = value;
	return 0;
}

static int parse_kernel(const char *text, struct soft_spec *spec, char *error, size_t error_size)
{
	spec->kernel = soft_kernel_find(text);
	if (spec->kernel)
		return 0;
	snprintf(error, error_size, "Soft device: no kernel \"%s\". Fix: use kernel=6.1, kernel=6.12 or kernel=7.2.",
		 text);
	return -EINVAL;
}

static int parse_target(const char *text, struct soft_spec *spec, char *error, size_t error_size)
{
	spec->target = gpu_target_find(text);
	if (spec->target)
		return 0;
	snprintf(error, error_size,
		 "Soft device: \"%s\" is neither a target nor an option. Fix: begin with a target such as "
		 "gfx1030; options are kernel=, strict, threads=, vram=, gtt=, timeout_ms=.",
		 text);
	return -EINVAL;
}

static int parse_word(char *word, bool first, struct soft_spec *spec, char *error, size_t error_size)
{
	char *text = strchr(word, '=');
	uint64_t value = 0;
	int ret;

	if (!text) {
		if (!strcmp(word, "strict")) {
			spec->strict = true;
			return 0;
		}
		if (first)
			return parse_target(word, spec, error, error_size);
		snprintf(error, error_size,
			 "Soft device: unknown option \"%s\". Fix: use kernel=, strict, threads=, vram=, "
			 "gtt= or timeout_ms= after the target.",
			 word);
		return -EINVAL;
	}
	*text++ = '\0';
	if (!strcmp(word, "kernel"))
		return parse_kernel(text, spec, error, error_size);
	if (!strcmp(word, "threads")) {
		ret = parse_number(word, text, 1, 256, &value, error, error_size);
		spec->threads = (unsigned)value;
	} else if (!strcmp(word, "vram")) {
		ret = parse_number(word, text, 1ull << 24, 1ull << 40, &value, error, error_size);
		spec->vram_B = value & ~(SOFT_PAGE - 1);
	} else if (!strcmp(word, "gtt")) {
		ret = parse_number(word, text, 1ull << 24, 1ull << 40, &value, error, error_size);
		spec->gtt_B = value & ~(SOFT_PAGE - 1);
	} else if (!strcmp(word, "timeout_ms")) {
		ret = parse_number(word, text, 1, 3600000, &value, error, error_size);
		spec->timeout_ms = (unsigned)value;
	} else {
		snprintf(error, error_size,
			 "Soft device: unknown option \"%s=\". Fix: use kernel=, strict, threads=, vram=, "
			 "gtt= or timeout_ms=.",
			 word);
		return -EINVAL;
	}
	return ret;
}

int soft_spec_parse(const char *text, struct soft_spec *spec_out, char *error, size_t error_size)
{
	struct soft_spec spec = {.kernel = soft_kernel_at(sizeof(kernels) / sizeof(kernels[0]) - 1)};
	char copy[256], *save = NULL, *word;
	bool first = true;

	if (strlen(text) >= sizeof(copy)) {
		snprintf(error, error_size,
			 "Soft device: the device string is longer than %zu characters. Fix: shorten it.",
			 sizeof(copy) - 1);
		return -EINVAL;
	}
	strcpy(copy, text);
	for (word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save), first = false) {
		int ret = parse_word(word, first, &spec, error, error_size);

		if (ret)
			return ret;
	}
	if (!spec.target)
		spec.target = gpu_target_find("gfx1030");
	if (!spec.target) {
		snprintf(error, error_size, "Soft device: the default target gfx1030 is missing. Fix: name a target.");
		return -ENODEV;
	}
	if (!spec.vram_B)
		spec.vram_B = spec.target->vram_size_B;
	if (!spec.gtt_B)
		spec.gtt_B = 8ull << 30;
	*spec_out = spec;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* Devices: a node, the port that speaks to its kernel driver, and the encoder of its command processor. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/contents.h"
#include "core/context.h"
#include "core/internal.h"

#define DEFAULT_SPIN_NS 20000u
#define MIN_RESERVE_B   (16u << 20)

static const struct df_kmd_ops *const ports[] = {&df_kmd_amdgpu};

/* Encoder by target; the first whose prefix fits. */
static const struct {
	const char *prefix;
	const struct df_encoder_ops *encoder;
} encoders[] = {
	{"gfx103", &df_encoder_gfx10_3},
};

static const char *const soft_targets[] = {"soft:gfx1030", "soft:gfx1033"};

DF_API uint64_t df_now_ns(void)
{
	return df_clock_ns();
}

const char *df_device_name(const struct df_device *device)
{
	return df_node_name(device->node);
}

/* Each port says -ENODEV when the driver is not its own; the last sentence stands. */
static int find_port(struct df_device *device)
{
	int ret = -ENODEV;

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]) && ret == -ENODEV; i++) {
		device->kmd = ports[i];
		ret = ports[i]->probe(device->node, &device->info);
	}
	return ret;
}

static int find_encoder(struct df_device *device)
{
	for (size_t i = 0; i < sizeof(encoders) / sizeof(encoders[0]); i++) {
		if (strncmp(device->info.target, encoders[i].prefix, strlen(encoders[i].prefix)) != 0)
			continue;
		device->enc = encoders[i].encoder;
		return 0;
	}
	return df_error_set(-ENODEV,
			    "device %s: no command streams can be written for %s. Fix: use a gfx10.3 GPU or "
			    "\"soft:gfx1030\"",
			    df_device_name(device), device->info.target);
}

static int init_addresses(struct df_device *device, uint64_t reserve_B)
{
	struct df_va_range ranges[2];

	if (reserve_B && reserve_B < MIN_RESERVE_B)
		return df_error_set(-EINVAL,
				    "df_device_open: va_reserve_B is %llu, less than the library itself needs. Fix: "
				    "at least %u, or 0 for all",
				    (unsigned long long)reserve_B, MIN_RESERVE_B);
	for (int i = 0; i < 2; i++) {
		ranges[i] = device->info.va[i];
		if (reserve_B && ranges[i].end - ranges[i].start > reserve_B)
			ranges[i].end = ranges[i].start + reserve_B;
		/* The first page stays free of everything, so that address 0 always faults. */
		if (!ranges[i].start)
			ranges[i].start = device->info.va_align_B;
	}
	if (df_va_init(&device->va, ranges, 2) < 0)
		return df_error_set(-ENOMEM, "device %s: out of memory", df_device_name(device));
	return 0;
}

static void device_free(struct df_device *device)
{
	df_va_finish(&device->va);
	pthread_mutex_destroy(&device->copy_lock);
	pthread_mutex_destroy(&device->restore_lock);
	pthread_mutex_destroy(&device->fault_lock);
	pthread_mutex_destroy(&device->lock);
	df_node_close(device->node);
	free(device);
}

static int device_init(struct df_device *device, const struct df_device_options *options)
{
	int ret;

	device->spin_ns = options->spin_ns ? options->spin_ns : DEFAULT_SPIN_NS;
	device->sleep_ns = options->sleep_ns;
	device->reopenable = options->reopenable;
	ret = find_port(device);
	if (!ret)
		ret = find_encoder(device);
	if (!ret)
		ret = init_addresses(device, options->va_reserve_B);
	if (!ret)
		ret = df_restore_init(device);
	if (!ret && device->enc->device_init)
		ret = device->enc->device_init(device);
	if (ret < 0)
		df_restore_finish(device);
	return ret;
}

DF_API int df_device_open(const char *name, const struct df_device_options *options, struct df_device **device_out)
{
	struct df_device_options copy;
	struct df_device *device;
	int ret;

	if (!device_out)
		return df_error_set(-EINVAL, "df_device_open: device_out is NULL");
	ret = df_options_read("df_device_open", options, &copy, sizeof(copy));
	if (ret < 0)
		return ret;
	device = df_calloc(1, sizeof(*device));
	if (!device)
		return df_error_set(-ENOMEM, "df_device_open: out of memory");
	ret = df_node_open(name, &device->node);
	if (ret < 0) {
		free(device);
		return ret;
	}
	pthread_mutex_init(&device->lock, NULL);
	pthread_mutex_init(&device->copy_lock, NULL);
	pthread_mutex_init(&device->restore_lock, NULL);
	pthread_mutex_init(&device->fault_lock, NULL);
	ret = device_init(device, &copy);
	if (ret < 0) {
		device_free(device);
		return ret;
	}
	*device_out = device;
	return 0;
}

static int refuse_close(const struct df_device *device)
{
	const struct {
		const char *name;
		unsigned count;
	} live[] = {
		{"BO", atomic_load(&device->live.bos)},        {"code", atomic_load(&device->live.codes)},
		{"batch", atomic_load(&device->live.batches)}, {"context", atomic_load(&device->live.contexts)},
		{"fence", atomic_load(&device->live.fences)},
	};
	char list[128] = "";
	size_t used = 0;

	for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++) {
		if (!live[i].count)
			continue;
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%u %s%s", used ? ", " : "", live[i].count,
					 live[i].name,
					 live[i].count == 1 ? ""
					 : i == 2           ? "es"
							    : "s");
	}
	if (!used)
		return 0;
	return df_error_set(-EBUSY,
			    "device %s: not closed, still alive: %s. Fix: destroy them first (df_fence_put for "
			    "fences)",
			    df_device_name(device), list);
}

DF_API int df_device_close(struct df_device *device)
{
	int ret;

	if (!device)
		return 0;
	ret = refuse_close(device);
	if (ret < 0)
		return ret;
	if (device->copy) {
		ret = df_context_destroy(device->copy);
		if (ret < 0)
			return ret;
		device->copy = NULL;
	}
	if (device->enc->device_finish)
		device->enc->device_finish(device);
	df_restore_finish(device);
	device_free(device);
	return 0;
}

static void name_device(const struct df_device *device, char *name, size_t size)
{
	const char *node = df_device_name(device);

	if (!strcmp(node, "soft") || !strcmp(node, "soft:"))
		snprintf(name, size, "soft:%s", device->info.target);
	else
		snprintf(name, size, "%s", node);
}

DF_API int df_device_get_info(struct df_device *device, struct df_device_info *info_out)
{
	const struct df_kmd_info *from;

	if (!device || !info_out)
		return df_error_set(-EINVAL, "df_device_get_info: %s is NULL", device ? "info_out" : "device");
	from = &device->info;
	memset(info_out, 0, sizeof(*info_out));
	name_device(device, info_out->name, sizeof(info_out->name));
	memcpy(info_out->target, from->target, sizeof(info_out->target));
	memcpy(info_out->marketing, from->marketing, sizeof(info_out->marketing));
	memcpy(info_out->driver, from->driver, sizeof(info_out->driver));
	info_out->drm_major = from->drm_major;
	info_out->drm_minor = from->drm_minor;
	info_out->pci_vendor = from->pci_vendor;
	info_out->pci_device = from->pci_device;
	info_out->pci_revision = from->pci_revision;
	info_out->soft = df_node_is_soft(device->node);
	info_out->compute_units = from->compute_units;
	info_out->simds_per_unit = from->simds_per_unit;
	info_out->waves_per_simd = from->waves_per_simd;
	info_out->lds_per_group_B = from->lds_per_group_B;
	info_out->device_memory_B = from->device_memory_B;
	info_out->visible_memory_B = from->visible_memory_B;
	info_out->host_memory_B = from->host_memory_B;
	info_out->timestamp_hz = from->timestamp_hz;
	info_out->max_ib_dw = from->max_ib_dw;
	info_out->va_start = from->va[0].start;
	info_out->va_end = from->va[0].end;
	return 0;
}

DF_API unsigned df_device_counters(struct df_device *device, struct df_counter *counters, unsigned max)
{
	/* The two structs name the same two fields; copied through a piece of the stack, so that neither depends on it.
	 */
	struct df_node_count counts[64];
	unsigned n;

	if (!device)
		return 0;
	n = df_node_counts(device->node, counts, 64);
	for (unsigned i = 0; counters && i < n && i < max; i++)
		counters[i] = (struct df_counter){counts[i].name, counts[i].calls};
	return n;
}

DF_API unsigned df_device_model_counters(struct df_device *device, struct df_counter *counters, unsigned max)
{
	const struct df_soft_ops *soft;
	struct df_counter one;
	void *file = NULL;
	unsigned n = 0;

	soft = device ? df_node_soft(device->node, &file) : NULL;
	if (!soft || !soft->stat)
		return 0;
	for (; soft->stat(file, n, &one.name, &one.value) >= 0; n++)
		if (counters && n < max)
			counters[n] = one;
	return n;
}

DF_API int df_device_finding(struct df_device *device, unsigned i, char *text, size_t text_size_B)
{
	const struct df_soft_ops *soft;
	void *file = NULL;

	if (!device || !text || !text_size_B)
		return df_error_set(-EINVAL, "df_device_finding: %s",
				    device ? "no room for the text" : "device is NULL");
	soft = df_node_soft(device->node, &file);
	if (!soft || !soft->finding || soft->finding(file, i, text, text_size_B) < 0)
		return -ENOENT;
	return 0;
}

DF_API void df_device_recovery(struct df_device *device, struct df_recovery_stats *stats_out)
{
	const struct df_recovery_counts *counts;

	if (!stats_out)
		return;
	memset(stats_out, 0, sizeof(*stats_out));
	if (!device)
		return;
	counts = &device->recovery;
	stats_out->losses = atomic_load(&counts->losses);
	stats_out->contexts_renewed = atomic_load(&counts->contexts_renewed);
	stats_out->reopened = atomic_load(&counts->reopened);
	stats_out->batches_rerun = atomic_load(&counts->batches_rerun);
	stats_out->launches_rerun = atomic_load(&counts->launches_rerun);
	stats_out->restored_B = atomic_load(&counts->restored_B);
	stats_out->poisoned = atomic_load(&counts->poisoned);
	stats_out->detect_ns = atomic_load(&counts->detect_ns);
	stats_out->recover_ns = atomic_load(&counts->recover_ns);
}

struct enumeration {
	void (*found)(void *user, const struct df_device_info *info);
	void *user;
};

static int show_device(void *data, const char *name)
{
	const struct enumeration *enumeration = data;
	struct df_device_info info;
	struct df_device *device;

	if (df_device_open(name, NULL, &device) < 0)
		return 0;
	if (!df_device_get_info(device, &info))
		enumeration->found(enumeration->user, &info);
	return df_device_close(device);
}

DF_API int df_device_enumerate(void (*found)(void *user, const struct df_device_info *info), void *user)
{
	struct enumeration enumeration = {found, user};
	int ret;

	if (!found)
		return df_error_set(-EINVAL, "df_device_enumerate: found is NULL");
	ret = df_node_each(show_device, &enumeration);
	for (size_t i = 0; !ret && i < sizeof(soft_targets) / sizeof(soft_targets[0]); i++)
		ret = show_device(&enumeration, soft_targets[i]);
	return ret;
}

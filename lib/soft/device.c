/* SPDX-License-Identifier: MIT */
/*
 * device.c - devices, open files, the worker thread, and the table of functions that the library and the shim call.
 *
 * A device lives while files of it are open (and the same device string names the same device); closing the last one
 * waits for its jobs, as the kernel's entity flush does, and ends the software GPU.
 */
#include "soft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct soft_device *soft_devices;
static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER; /* serialises opening and closing of files */

static const char *const kind_names[GPU_FINDING_KINDS + 1] = {
	[GPU_FINDING_WAITCNT] = "waitcnt",
	[GPU_FINDING_UNINIT_REG] = "uninitialised register",
	[GPU_FINDING_UNINIT_LDS] = "uninitialised LDS",
	[GPU_FINDING_STALE_CACHE] = "stale cache",
	[GPU_FINDING_WRITEBACK] = "missing write-back",
	[GPU_FINDING_RESERVED] = "reserved bits",
	[GPU_FINDING_LDS_RACE] = "LDS race",
	[GPU_FINDING_HAZARD] = "hazard",
	[GPU_FINDING_ALIGN] = "alignment",
	[GPU_FINDING_KINDS] = "refused",
};

static void finding_text(const struct gpu_finding *finding, char *text, size_t text_size)
{
	snprintf(text, text_size, "%s: %s (pc 0x%llx, address 0x%llx, launch %u, group %u,%u,%u, wave %u, lane %u)",
		 kind_names[finding->kind], finding->what, (unsigned long long)finding->pc,
		 (unsigned long long)finding->address, finding->launch, finding->group[0], finding->group[1],
		 finding->group[2], finding->wave, finding->lane);
}

/* DRUMFIRE_FINDINGS names a file that findings are appended to: a program under the shim cannot ask for them. */
static void finding_append(const struct gpu_finding *finding)
{
	const char *path = getenv("DRUMFIRE_FINDINGS");
	char text[512];
	FILE *file;

	if (!path || !*path)
		return;
	finding_text(finding, text, sizeof(text));
	file = fopen(path, "ae");
	if (!file)
		return;
	fprintf(file, "%s\n", text);
	fclose(file);
}

void soft_finding_add(struct soft_device *device, const struct gpu_finding *finding)
{
	pthread_mutex_lock(&device->finding_lock);
	if (device->finding_count < SOFT_MAX_FINDINGS)
		device->findings[device->finding_count++] = *finding;
	finding_append(finding);
	pthread_mutex_unlock(&device->finding_lock);
}

static void on_finding(void *user, const struct gpu_finding *finding)
{
	soft_finding_add(user, finding);
}

/* amdgpu_vm_update_fault_cache(): the last fault of an address space. Status as GCVM_L2_PROTECTION_FAULT_STATUS. */
static void on_page_fault(void *user, struct gpu_vm *vm, const struct gpu_fault *fault)
{
	enum { PERMISSION_FAULTS = 3u << 4, CLIENT_TCP = 8u << 9, RW = 1u << 18, VMID = 1u << 20 };
	struct soft_device *device = user;

	pthread_mutex_lock(&device->fault_lock);
	for (struct soft_file *file = device->open_files; file; file = file->next) {
		if (file->vm != vm)
			continue;
		file->fault.addr = fault->address & 0xfffffffff000ull;
		file->fault.status = PERMISSION_FAULTS | CLIENT_TCP | VMID | ((fault->access & GPU_WRITE) ? RW : 0);
		file->fault.vmhub = 0; /* GFX */
	}
	pthread_mutex_unlock(&device->fault_lock);
}

/*
 * While a job runs the worker sleeps until that job's time-out, whatever else happens; only a worker that sleeps
 * without a deadline is told of the first job (soft_worker_wake), so that jobs cost it nothing.
 */
static void worker_sleep(struct soft_device *device, int64_t deadline_ns)
{
	struct timespec until = {.tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000};

	if (deadline_ns == SOFT_MAX_TIMEOUT) {
		device->worker_idle = true;
		pthread_cond_wait(&device->worker_cond, &soft_lock);
		device->worker_idle = false;
	} else {
		pthread_cond_timedwait(&device->worker_cond, &soft_lock, &until);
	}
}

static void *worker(void *arg)
{
	struct soft_device *device = arg;

	pthread_mutex_lock(&soft_lock);
	while (!device->worker_stop) {
		int64_t next;

		if (device->va_ready) {
			struct soft_va_op *op = device->va_ready;

			device->va_ready = soft_va_op_next(op);
			pthread_mutex_unlock(&soft_lock);
			soft_va_op_run(op);
			soft_jobs_reap();
			pthread_mutex_lock(&soft_lock);
			continue;
		}
		next = soft_jobs_watch(device);
		if (next && !device->va_ready && !device->worker_stop)
			worker_sleep(device, next);
	}
	pthread_mutex_unlock(&soft_lock);
	return NULL;
}

int soft_worker_start(struct soft_device *device)
{
	int ret = pthread_create(&device->worker, NULL, worker, device);

	device->worker_running = !ret;
	return -ret;
}

void soft_worker_stop(struct soft_device *device)
{
	if (!device->worker_running)
		return;
	pthread_mutex_lock(&soft_lock);
	device->worker_stop = true;
	pthread_cond_signal(&device->worker_cond);
	pthread_mutex_unlock(&soft_lock);
	pthread_join(device->worker, NULL);
}

static void device_free(struct soft_device *device)
{
	soft_worker_stop(device);
	gpu_destroy(device->gpu);
	pthread_cond_destroy(&device->worker_cond);
	pthread_mutex_destroy(&device->fault_lock);
	pthread_mutex_destroy(&device->finding_lock);
	soft_faults_destroy(device);
	soft_map_finish(device);
	free(device->findings);
	free(device->spec_text);
	free(device);
}

static int device_start(struct soft_device *device)
{
	struct gpu_config config = {.target = device->spec.target,
				    .threads = device->spec.threads,
				    .strict = device->spec.strict,
				    .user = device,
				    .finding = on_finding,
				    .page_fault = on_page_fault,
				    .plan = soft_fault_plan,
				    .stuck = soft_job_stuck};
	int ret = gpu_create(&config, &device->gpu);

	return ret ? ret : soft_worker_start(device);
}

static struct soft_device *device_new(const char *text, char *error, size_t error_size)
{
	struct soft_device *device;
	struct soft_spec spec;
	int ret = soft_spec_parse(text, &spec, error, error_size);

	if (ret) {
		errno = -ret;
		return NULL;
	}
	device = calloc(1, sizeof(*device));
	if (!device)
		return NULL;
	pthread_mutex_init(&device->fault_lock, NULL);
	pthread_mutex_init(&device->finding_lock, NULL);
	soft_cond_init(&device->worker_cond);
	device->spec = spec;
	device->ring_counts[AMDGPU_HW_IP_GFX] = GPU_RINGS_GFX;
	device->ring_counts[AMDGPU_HW_IP_COMPUTE] = GPU_RINGS_COMPUTE;
	device->ring_counts[AMDGPU_HW_IP_DMA] = spec.target->apu ? 1 : GPU_RINGS_SDMA;
	device->spec_text = strdup(text);
	device->findings = calloc(SOFT_MAX_FINDINGS, sizeof(*device->findings));
	ret = device->spec_text && device->findings ? soft_faults_create(device) : -ENOMEM;
	if (!ret)
		ret = device_start(device);
	if (ret) {
		snprintf(error, error_size,
			 "Soft device: the software GPU could not be started (%s). Fix: free memory "
			 "or lower threads=.",
			 strerror(-ret));
		device_free(device);
		errno = -ret;
		return NULL;
	}
	return device;
}

/* The device of this exact string, made when there is none or it was unplugged. open_lock is held. */
static struct soft_device *device_get(const char *text, char *error, size_t error_size)
{
	struct soft_device *device, *gone = NULL;

	for (device = soft_devices; device; device = device->next) {
		if (strcmp(device->spec_text, text))
			continue;
		if (!atomic_load(&device->lost))
			return device;
		gone = gone ? gone : device; /* the youngest comes first */
	}
	device = device_new(text, error, error_size);
	if (device && gone) {
		soft_faults_inherit(device, gone);
	} else if (device && soft_faults_from_environment(device, error, error_size)) {
		device_free(device);
		device = NULL;
		errno = EINVAL;
	}
	if (device) {
		pthread_mutex_lock(&soft_lock);
		device->next = soft_devices;
		soft_devices = device;
		pthread_mutex_unlock(&soft_lock);
	}
	return device;
}

static void device_put(struct soft_device *device)
{
	struct soft_device **link;

	if (device->files)
		return;
	pthread_mutex_lock(&soft_lock);
	while (device->bo_count)
		soft_wait_until(SOFT_MAX_TIMEOUT);
	for (link = &soft_devices; *link != device; link = &(*link)->next)
		;
	*link = device->next;
	pthread_mutex_unlock(&soft_lock);
	device_free(device);
}

/* drm_master_open(): the first to open the primary node becomes master. */
static bool has_master(const struct soft_device *device)
{
	for (const struct soft_file *file = device->open_files; file; file = file->next)
		if (file->master)
			return true;
	return false;
}

struct soft_file *soft_file_open(const char *spec, bool primary, char *error, size_t error_size)
{
	struct soft_device *device;
	struct soft_file *file;
	char unused[8];
	int ret;

	if (!error)
		error = unused, error_size = sizeof(unused);
	pthread_mutex_lock(&open_lock);
	device = device_get(spec, error, error_size);
	file = device ? calloc(1, sizeof(*file)) : NULL;
	ret = file ? gpu_vm_create(device->gpu, &file->vm) : device ? -ENOMEM : 0;
	if (file && !ret) {
		file->device = device;
		file->primary = primary;
		file->master = file->authenticated = primary && !has_master(device);
		pthread_mutex_init(&file->va_lock, NULL);
		pthread_mutex_lock(&soft_lock);
		pthread_mutex_lock(&device->fault_lock);
		file->next = device->open_files;
		device->open_files = file;
		pthread_mutex_unlock(&device->fault_lock);
		device->files++;
		pthread_mutex_unlock(&soft_lock);
	} else if (device) {
		snprintf(error, error_size, "Soft device: no memory for another open file. Fix: free memory.");
		free(file);
		file = NULL;
		device_put(device);
		errno = -ret;
	}
	pthread_mutex_unlock(&open_lock);
	return file;
}

static void close_handles(struct soft_file *file)
{
	for (uint32_t i = 0; i < file->gems.count; i++)
		soft_gem_close(file, i + 1);
	for (uint32_t i = 0; i < file->bo_lists.count; i++)
		soft_bo_list_put(file->bo_lists.slots[i]);
	pthread_mutex_lock(&soft_lock);
	for (uint32_t i = 0; i < file->ctxs.count; i++)
		soft_ctx_put(file->ctxs.slots[i]);
	for (uint32_t i = 0; i < file->syncobjs.count; i++)
		soft_syncobj_put(file->syncobjs.slots[i]);
	file->bo_lists.count = file->ctxs.count = file->syncobjs.count = 0;
	pthread_mutex_unlock(&soft_lock);
}

/* drm_sched_entity_flush() gives up on what never ends, and the device is reset. soft_lock is held. */
static void end_stalled(struct soft_file *file)
{
	struct soft_device *device = file->device;

	for (unsigned ip = 0; ip < SOFT_IP_NUM; ip++)
		for (unsigned i = 0; i < device->ring_counts[ip]; i++)
			if (device->rings[ip][i].running_count && device->rings[ip][i].running[0]->file == file &&
			    device->rings[ip][i].running[0]->stalled)
				soft_reset_ask(device, SOFT_RESET_FULL);
}

int soft_file_close(struct soft_file *file)
{
	struct soft_device *device = file->device;
	struct soft_file **link;

	pthread_mutex_lock(&open_lock);
	close_handles(file);
	pthread_mutex_lock(&soft_lock);
	end_stalled(file);
	while (file->jobs || (file->va_fence && !soft_fence_done(file->va_fence))) {
		pthread_mutex_unlock(&soft_lock);
		soft_jobs_reap();
		pthread_mutex_lock(&soft_lock);
		if (file->jobs || (file->va_fence && !soft_fence_done(file->va_fence)))
			soft_wait_until(SOFT_MAX_TIMEOUT);
	}
	pthread_mutex_lock(&device->fault_lock);
	for (link = &device->open_files; *link != file; link = &(*link)->next)
		;
	*link = file->next;
	pthread_mutex_unlock(&device->fault_lock);
	soft_fence_put(file->va_fence);
	soft_resv_clear(&file->resv);
	device->files--;
	pthread_mutex_unlock(&soft_lock);
	gpu_vm_destroy(file->vm);
	soft_va_finish(file);
	free(file->gems.slots);
	free(file->syncobjs.slots);
	free(file->ctxs.slots);
	free(file->bo_lists.slots);
	pthread_mutex_destroy(&file->va_lock);
	free(file);
	device_put(device);
	pthread_mutex_unlock(&open_lock);
	return 0;
}

/* "primary:" before the device string opens what stands for cardN: a file that must be authenticated. */
static void *ops_open(const char *spec, char *error, size_t error_size)
{
	bool primary;

	spec = spec ? spec : "";
	primary = !strncmp(spec, "primary:", 8);
	return soft_file_open(primary ? spec + 8 : spec, primary, error, error_size);
}

static int ops_close(void *file)
{
	return soft_file_close(file);
}

static int ops_ioctl(void *file, unsigned long request, void *arg)
{
	int ret = soft_ioctl(file, request, arg);

	if (ret < 0) {
		errno = -ret;
		return -1;
	}
	return ret;
}

static void *ops_mmap(void *file, void *addr, size_t size, int prot, int flags, uint64_t offset)
{
	return soft_file_mmap(file, addr, size, prot, flags, offset);
}

static int ops_munmap(void *opaque, void *addr, size_t size)
{
	const struct soft_file *file = opaque;

	soft_map_remove(file->device, addr, size);
	return munmap(addr, size);
}

static void ops_pci_id(void *opaque, uint16_t *vendor, uint16_t *device, uint8_t *revision)
{
	const struct soft_file *file = opaque;

	*vendor = 0x1002;
	*device = file->device->spec.target->pci_device;
	*revision = file->device->spec.target->pci_revision;
}

static const char *const finding_stats[GPU_FINDING_KINDS] = {
	[GPU_FINDING_WAITCNT] = "finding_waitcnt",       [GPU_FINDING_UNINIT_REG] = "finding_uninit_reg",
	[GPU_FINDING_UNINIT_LDS] = "finding_uninit_lds", [GPU_FINDING_STALE_CACHE] = "finding_stale_cache",
	[GPU_FINDING_WRITEBACK] = "finding_writeback",   [GPU_FINDING_RESERVED] = "finding_reserved",
	[GPU_FINDING_LDS_RACE] = "finding_lds_race",     [GPU_FINDING_HAZARD] = "finding_hazard",
	[GPU_FINDING_ALIGN] = "finding_align",
};

static int ops_stat(void *opaque, unsigned index, const char **name_out, uint64_t *value_out)
{
	struct soft_device *device = ((struct soft_file *)opaque)->device;
	struct gpu_stats stats;
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"jobs", (gpu_get_stats(device->gpu, &stats), stats.jobs)},
		{"packets", stats.packets},
		{"launches", stats.launches},
		{"groups", stats.groups},
		{"waves", stats.waves},
		{"instructions", stats.instructions},
		{"refused", stats.refused},
		{"page_faults", stats.page_faults},
		{"ioctls", atomic_load(&device->ioctls)},
		{"refused_ioctls", atomic_load(&device->refused_ioctls)},
		{"refused_queries", atomic_load(&device->refused_queries)},
		{"refused_flags", atomic_load(&device->refused_flags)},
		{"job_timeouts", atomic_load(&device->job_timeouts)},
		{"resets", atomic_load(&device->reset_counter)},
		{"vram_lost", atomic_load(&device->vram_lost_counter)},
	};
	unsigned count = sizeof(rows) / sizeof(rows[0]);

	if (index < count) {
		*name_out = rows[index].name;
		*value_out = rows[index].value;
		return 0;
	}
	index -= count;
	if (index >= GPU_FINDING_KINDS)
		return -1;
	*name_out = finding_stats[index];
	*value_out = stats.findings[index];
	return 0;
}

static int ops_finding(void *opaque, unsigned index, char *text, size_t text_size)
{
	struct soft_device *device = ((struct soft_file *)opaque)->device;
	int ret = -1;

	pthread_mutex_lock(&device->finding_lock);
	if (index < device->finding_count) {
		const struct gpu_finding *finding = &device->findings[index];

		finding_text(finding, text, text_size);
		ret = 0;
	}
	pthread_mutex_unlock(&device->finding_lock);
	return ret;
}

static int ops_stop(void *file, uint32_t context, uint64_t handle, struct df_soft_stop *stop_out)
{
	return soft_stop_find(file, context, handle, stop_out);
}

/* amdgpu_debugfs_gpu_recover_get(): every job of every ring is cancelled; a card's memory is taken as lost. */
static void ops_recover(void *opaque)
{
	struct soft_device *device = ((struct soft_file *)opaque)->device;

	pthread_mutex_lock(&soft_lock);
	soft_reset_ask(device, SOFT_RESET_BYSTANDER);
	pthread_mutex_unlock(&soft_lock);
}

static int ops_fault(void *opaque, const char *spec, char *error, size_t error_size)
{
	const struct soft_file *file = opaque;

	return soft_fault_add(file->device, spec, error, error_size);
}

__attribute__((visibility("default"))) const struct df_soft_ops df_soft_ops = {
	.version = DF_SOFT_OPS_VERSION,
	.open = ops_open,
	.close = ops_close,
	.ioctl = ops_ioctl,
	.mmap = ops_mmap,
	.munmap = ops_munmap,
	.pci_id = ops_pci_id,
	.stat = ops_stat,
	.finding = ops_finding,
	.stop = ops_stop,
	.recover = ops_recover,
	.fault = ops_fault,
	.fault_name = soft_fault_name,
};

/* SPDX-License-Identifier: MIT */
#include "fake_soft.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <amdgpu_drm.h>

#include "amd/pm4.h"

#define MAX_HANDLES  512
#define MAX_MAPPINGS 512
#define MAX_CONTEXTS 64
#define MAX_SYNCOBJS 256
#define MAX_JOBS     4096

struct memory {
	void *data;
	uint64_t bytes, flags;
	bool userptr;
	unsigned references;
	ino_t inode; /* of its dma-buf, 0: never exported */
};
struct mapping {
	uint64_t va, bytes, offset;
	uint32_t handle, flags;
};
struct job {
	uint32_t context;
	uint64_t marker_va, value;
	bool held;
	int error;
};
struct file {
	struct memory *handles[MAX_HANDLES]; /* from 1 */
	struct mapping mappings[MAX_MAPPINGS];
	unsigned mapping_count;
	bool contexts[MAX_CONTEXTS], condemned[MAX_CONTEXTS];
	bool syncobjs[MAX_SYNCOBJS];
	struct job jobs[MAX_JOBS];                    /* by handle */
	uint64_t job_count;                           /* the last handle */
	uint64_t losses, losses_before[MAX_CONTEXTS]; /* jobs lost, in all and before each context was made */
};

struct fake_control fake;
struct fake_counts fake_counts;
struct fake_submission fake_last;
uint64_t fake_last_point;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *only;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void fake_reset(void)
{
	memset(&fake, 0, sizeof(fake));
	memset(&fake_last, 0, sizeof(fake_last));
	fake_last_point = 0;
	fake.drm_minor = 64;
	atomic_store(&fake_counts.ioctls, 0);
	atomic_store(&fake_counts.submits, 0);
}

static void *translate(struct file *file, uint64_t va, uint32_t *flags_out)
{
	for (unsigned i = 0; i < file->mapping_count; i++) {
		struct mapping *mapping = &file->mappings[i];

		if (va < mapping->va || va - mapping->va >= mapping->bytes)
			continue;
		if (flags_out)
			*flags_out = mapping->flags;
		return (char *)file->handles[mapping->handle]->data + mapping->offset + (va - mapping->va);
	}
	return NULL;
}

void *fake_memory(uint64_t va, uint32_t *flags_out)
{
	void *data;

	pthread_mutex_lock(&lock);
	data = only ? translate(only, va, flags_out) : NULL;
	pthread_mutex_unlock(&lock);
	return data;
}

/* ---- jobs ---- */

static void end_job(struct file *file, struct job *job, bool lost, int error)
{
	_Atomic uint64_t *marker = translate(file, job->marker_va, NULL);

	job->held = false;
	job->error = error;
	file->losses += lost;
	if (!lost && marker)
		atomic_store_explicit(marker, job->value, memory_order_release);
}

static void end_held(unsigned count, bool lost, int error)
{
	pthread_mutex_lock(&lock);
	for (uint64_t i = 1; only && i <= only->job_count && count; i++) {
		if (!only->jobs[i].held)
			continue;
		end_job(only, &only->jobs[i], lost, error);
		count--;
	}
	pthread_mutex_unlock(&lock);
}

void fake_release(unsigned count)
{
	end_held(count, false, 0);
}

void fake_reset_idle(void)
{
	pthread_mutex_lock(&lock);
	if (only)
		only->losses++;
	pthread_mutex_unlock(&lock);
}

void fake_lose(unsigned count, int error)
{
	end_held(count, true, error);
}

/* The RELEASE_MEM packet of a tail stream: where it stores which 64 bits. */
static int find_marker(struct file *file, uint64_t va, uint32_t bytes, struct job *job)
{
	for (uint32_t at = 0; at < bytes / 4;) {
		const uint32_t *dw = translate(file, va + at * 4, NULL);

		if (!dw || dw[0] >> 30 != 3)
			return -EINVAL;
		if ((dw[0] >> 8 & 0xff) == PM4_RELEASE_MEM) {
			job->marker_va = dw[3] | (uint64_t)dw[4] << 32;
			job->value = dw[5] | (uint64_t)dw[6] << 32;
			return 0;
		}
		at += (dw[0] >> 16 & 0x3fff) == 0x3fff ? 1 : (dw[0] >> 16 & 0x3fff) + 2;
	}
	return -EINVAL;
}

static int take_ib(struct file *file, const struct drm_amdgpu_cs_chunk_ib *ib)
{
	if (ib->_pad || ib->flags || ib->ip_type != AMDGPU_HW_IP_COMPUTE || ib->ring || ib->ip_instance)
		return -EINVAL;
	if (!ib->ib_bytes || ib->ib_bytes % 32 || ib->va_start % 32 || ib->ib_bytes / 4 > 0xfffff || fake_last.ibs >= 2)
		return -EINVAL;
	if (!translate(file, ib->va_start, NULL) || !translate(file, ib->va_start + ib->ib_bytes - 1, NULL))
		return -EINVAL;
	fake_last.ib_va[fake_last.ibs] = ib->va_start;
	fake_last.ib_bytes[fake_last.ibs++] = ib->ib_bytes;
	return 0;
}

static int take_dependencies(struct file *file, const struct drm_amdgpu_cs_chunk_dep *deps, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (deps[i].ctx_id >= MAX_CONTEXTS || !file->contexts[deps[i].ctx_id] ||
		    deps[i].handle > file->job_count)
			return -EINVAL;
	fake_last.dependencies = count;
	return 0;
}

static int take_syncobjs(struct file *file, const struct drm_amdgpu_cs_chunk_sem *waits, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (waits[i].handle >= MAX_SYNCOBJS || !file->syncobjs[waits[i].handle])
			return -EINVAL;
	fake_last.waits = count;
	return 0;
}

static int take_bos(struct file *file, const struct drm_amdgpu_bo_list_in *list)
{
	const struct drm_amdgpu_bo_list_entry *entries = (const void *)(uintptr_t)list->bo_info_ptr;

	if (list->bo_info_size != sizeof(*entries))
		return -EINVAL;
	for (uint32_t i = 0; i < list->bo_number; i++)
		if (entries[i].bo_handle >= MAX_HANDLES || !file->handles[entries[i].bo_handle])
			return -ENOENT;
	fake_last.bos = list->bo_number;
	return 0;
}

static int take_chunk(struct file *file, const struct drm_amdgpu_cs_chunk *chunk)
{
	const void *data = (const void *)(uintptr_t)chunk->chunk_data;
	const struct drm_amdgpu_cs_chunk_syncobj *signal;

	switch (chunk->chunk_id) {
	case AMDGPU_CHUNK_ID_IB:
		return chunk->length_dw * 4 != sizeof(struct drm_amdgpu_cs_chunk_ib) ? -EINVAL : take_ib(file, data);
	case AMDGPU_CHUNK_ID_DEPENDENCIES:
		return take_dependencies(file, data, chunk->length_dw * 4 / sizeof(struct drm_amdgpu_cs_chunk_dep));
	case AMDGPU_CHUNK_ID_SYNCOBJ_IN:
		return take_syncobjs(file, data, chunk->length_dw * 4 / sizeof(struct drm_amdgpu_cs_chunk_sem));
	case AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_SIGNAL:
		signal = data;
		if (signal->flags || signal->handle >= MAX_SYNCOBJS || !file->syncobjs[signal->handle])
			return -EINVAL;
		fake_last.timeline_point = signal->point;
		return 0;
	case AMDGPU_CHUNK_ID_BO_HANDLES:
		return take_bos(file, data);
	default:
		return -EINVAL;
	}
}

static int do_cs(struct file *file, union drm_amdgpu_cs *args)
{
	const uint64_t *list = (const uint64_t *)(uintptr_t)args->in.chunks;
	uint32_t context = args->in.ctx_id;
	struct job *job;
	int ret = 0;

	memset(&fake_last, 0, sizeof(fake_last));
	if (context >= MAX_CONTEXTS || !file->contexts[context] || args->in.flags || args->in.bo_list_handle)
		return -EINVAL;
	if (file->condemned[context])
		return -ECANCELED;
	if (file->job_count + 1 == MAX_JOBS)
		return -ENOMEM;
	for (uint32_t i = 0; i < args->in.num_chunks && !ret; i++)
		ret = take_chunk(file, (const void *)(uintptr_t)list[i]);
	if (ret < 0 || fake_last.ibs != 2)
		return ret < 0 ? ret : -EINVAL;
	job = &file->jobs[file->job_count + 1];
	*job = (struct job){.context = context};
	ret = find_marker(file, fake_last.ib_va[1], fake_last.ib_bytes[1], job);
	if (ret < 0)
		return ret;
	file->job_count++;
	fake_last.context = context;
	fake_last.chunks = args->in.num_chunks;
	atomic_fetch_add(&fake_counts.submits, 1);
	if (fake.mode == FAKE_HOLD)
		job->held = true;
	else
		end_job(file, job, fake.mode == FAKE_LOSE, fake.mode == FAKE_LOSE ? fake.lose_error : 0);
	if (fake.mode == FAKE_LOSE && fake.lose_count && !--fake.lose_count)
		fake.mode = FAKE_RUN;
	args->out.handle = file->job_count;
	return 0;
}

static int do_wait(struct file *file, union drm_amdgpu_wait_cs *args)
{
	uint64_t handle = args->in.handle, timeout = args->in.timeout;
	struct job *job;

	if (args->in.ctx_id >= MAX_CONTEXTS || !file->contexts[args->in.ctx_id] || !handle || handle > file->job_count)
		return -EINVAL;
	job = &file->jobs[handle];
	while (job->held && !fake.gone && now_ns() < timeout) {
		struct timespec little = {.tv_nsec = 200000};

		pthread_mutex_unlock(&lock);
		nanosleep(&little, NULL);
		pthread_mutex_lock(&lock);
	}
	if (fake.gone)
		return -ENODEV;
	if (!job->held && job->error)
		return job->error;
	memset(args, 0, sizeof(*args));
	args->out.status = job->held || fake.deaf;
	return 0;
}

static int do_ctx(struct file *file, union drm_amdgpu_ctx *args)
{
	uint32_t context = args->in.ctx_id;

	if (args->in.op == AMDGPU_CTX_OP_ALLOC_CTX) {
		if (args->in.priority > 0 && fake.refuse_priority)
			return -EACCES;
		for (context = 1; file->contexts[context]; context++)
			if (context == MAX_CONTEXTS - 1)
				return -ENOMEM;
		file->contexts[context] = true;
		file->condemned[context] = false;
		file->losses_before[context] = file->losses;
		atomic_fetch_add(&fake_counts.contexts, 1);
		memset(args, 0, sizeof(*args));
		args->out.alloc.ctx_id = context;
		return 0;
	}
	if (context >= MAX_CONTEXTS || !file->contexts[context])
		return -EINVAL;
	if (args->in.op == AMDGPU_CTX_OP_FREE_CTX) {
		file->contexts[context] = false;
		atomic_fetch_sub(&fake_counts.contexts, 1);
		return 0;
	}
	if (args->in.op != AMDGPU_CTX_OP_QUERY_STATE2)
		return -EINVAL;
	memset(args, 0, sizeof(*args));
	args->out.state.flags = fake.in_progress ? 1u << 5 : 0;
	if (file->losses != file->losses_before[context])
		args->out.state.flags |= (fake.reset ? AMDGPU_CTX_QUERY2_FLAGS_RESET : 0) |
					 (fake.guilty ? AMDGPU_CTX_QUERY2_FLAGS_GUILTY : 0) |
					 (fake.memory_lost ? AMDGPU_CTX_QUERY2_FLAGS_VRAMLOST : 0);
	return 0;
}

/* ---- memory ---- */

static uint32_t new_handle(struct file *file, struct memory *memory)
{
	for (uint32_t i = 1; i < MAX_HANDLES; i++) {
		if (file->handles[i])
			continue;
		file->handles[i] = memory;
		memory->references++;
		atomic_fetch_add(&fake_counts.handles, 1);
		return i;
	}
	return 0;
}

static struct memory *memory_of(struct file *file, uint32_t handle)
{
	return handle < MAX_HANDLES ? file->handles[handle] : NULL;
}

static void close_handle(struct file *file, uint32_t handle)
{
	struct memory *memory = file->handles[handle];

	for (unsigned i = 0; i < file->mapping_count;) {
		if (file->mappings[i].handle != handle) {
			i++;
			continue;
		}
		file->mappings[i] = file->mappings[--file->mapping_count];
		atomic_fetch_sub(&fake_counts.mappings, 1);
	}
	file->handles[handle] = NULL;
	atomic_fetch_sub(&fake_counts.handles, 1);
	if (--memory->references)
		return;
	if (!memory->userptr)
		munmap(memory->data, memory->bytes);
	free(memory);
}

static int do_create(struct file *file, union drm_amdgpu_gem_create *args)
{
	const uint64_t known = AMDGPU_GEM_CREATE_CPU_ACCESS_REQUIRED | AMDGPU_GEM_CREATE_NO_CPU_ACCESS |
			       AMDGPU_GEM_CREATE_CPU_GTT_USWC | AMDGPU_GEM_CREATE_VM_ALWAYS_VALID |
			       AMDGPU_GEM_CREATE_EXPLICIT_SYNC;
	struct memory *memory;
	uint32_t handle;

	if (args->in.domain_flags & ~known || !args->in.bo_size || args->in.bo_size % 4096)
		return -EINVAL;
	if (args->in.domains != AMDGPU_GEM_DOMAIN_VRAM && args->in.domains != AMDGPU_GEM_DOMAIN_GTT)
		return -EINVAL;
	if (args->in.bo_size > 1ull << 30)
		return -ENOMEM;
	memory = calloc(1, sizeof(*memory));
	memory->bytes = args->in.bo_size;
	memory->flags = args->in.domain_flags;
	memory->data = mmap(NULL, memory->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	handle = new_handle(file, memory);
	memset(args, 0, sizeof(*args));
	args->out.handle = handle;
	return 0;
}

static int do_userptr(struct file *file, struct drm_amdgpu_gem_userptr *args)
{
	struct memory *memory;

	if (args->addr % 4096 || args->size % 4096)
		return -EINVAL;
	if (!(args->flags & AMDGPU_GEM_USERPTR_READONLY) && !(args->flags & AMDGPU_GEM_USERPTR_REGISTER))
		return -EACCES;
	memory = calloc(1, sizeof(*memory));
	memory->bytes = args->size;
	memory->data = (void *)(uintptr_t)args->addr;
	memory->userptr = true;
	args->handle = new_handle(file, memory);
	return 0;
}

static int do_va(struct file *file, const struct drm_amdgpu_gem_va *args)
{
	struct memory *memory = memory_of(file, args->handle);
	unsigned i;

	if (!memory)
		return -ENOENT;
	if (args->va_address % 4096 || args->va_address < 1 << 16)
		return -EINVAL;
	if (args->va_address >= 0x800000000000ull && args->va_address < 0xffff800000000000ull)
		return -EINVAL;
	for (i = 0; i < file->mapping_count && file->mappings[i].va != args->va_address; i++)
		;
	if (args->operation == AMDGPU_VA_OP_UNMAP) {
		if (i == file->mapping_count)
			return -ENOENT;
		file->mappings[i] = file->mappings[--file->mapping_count];
		atomic_fetch_sub(&fake_counts.mappings, 1);
		return 0;
	}
	if (args->map_size % 4096 || !args->map_size || args->offset_in_bo + args->map_size > memory->bytes)
		return -EINVAL;
	if (args->operation == AMDGPU_VA_OP_MAP) {
		if (i < file->mapping_count || i == MAX_MAPPINGS)
			return -EINVAL;
		file->mapping_count++;
		atomic_fetch_add(&fake_counts.mappings, 1);
	} else if (args->operation != AMDGPU_VA_OP_REPLACE || i == file->mapping_count) {
		return -EINVAL;
	}
	file->mappings[i] =
		(struct mapping){args->va_address, args->map_size, args->offset_in_bo, args->handle, args->flags};
	return 0;
}

static int do_export(struct file *file, struct drm_prime_handle *args)
{
	struct memory *memory = memory_of(file, args->handle);
	struct stat status;
	int fd;

	if (!memory)
		return -ENOENT;
	if (memory->flags & AMDGPU_GEM_CREATE_VM_ALWAYS_VALID || memory->userptr)
		return -EPERM;
	fd = memfd_create("dmabuf", MFD_CLOEXEC);
	fstat(fd, &status);
	memory->inode = status.st_ino;
	args->fd = fd;
	return 0;
}

static int do_import(struct file *file, struct drm_prime_handle *args)
{
	struct stat status;

	if (fstat(args->fd, &status) < 0)
		return -EBADF;
	for (uint32_t i = 1; i < MAX_HANDLES; i++) {
		if (!file->handles[i] || file->handles[i]->inode != status.st_ino)
			continue;
		args->handle = i;
		return 0;
	}
	/* A dma-buf of someone else: any memfd with a size. */
	if (!status.st_size || status.st_size % 4096)
		return -EINVAL;
	struct memory *memory = calloc(1, sizeof(*memory));
	memory->bytes = (uint64_t)status.st_size;
	memory->data = mmap(NULL, memory->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, args->fd, 0);
	memory->inode = status.st_ino;
	args->handle = new_handle(file, memory);
	return 0;
}

static int do_gem_op(struct file *file, const struct drm_amdgpu_gem_op *args)
{
	struct drm_amdgpu_gem_create_in *info = (void *)(uintptr_t)args->value;
	struct memory *memory = memory_of(file, args->handle);

	if (!memory)
		return -ENOENT;
	if (args->op != AMDGPU_GEM_OP_GET_GEM_CREATE_INFO)
		return -EINVAL;
	*info = (struct drm_amdgpu_gem_create_in){.bo_size = memory->bytes, .alignment = 4096};
	return 0;
}

/* ---- info ---- */

static void fill_device(struct drm_amdgpu_info_device *info)
{
	info->device_id = 0x73bf;
	info->external_rev = 0x28;
	info->family = AMDGPU_FAMILY_NV;
	info->num_shader_engines = 4;
	info->num_shader_arrays_per_engine = 2;
	info->gpu_counter_freq = 100000;
	info->cu_active_number = 80;
	info->num_cu_per_sh = 10;
	info->wave_front_size = 32;
	info->virtual_address_offset = 1 << 20;
	info->virtual_address_max = 0x800000000000ull;
	info->high_va_offset = 0xffff800000000000ull;
	info->high_va_max = 0xffffffffffe00000ull;
	info->virtual_address_alignment = 4096;
	info->gart_page_size = 4096;
}

static int do_info(const struct drm_amdgpu_info *args)
{
	union {
		struct drm_amdgpu_info_device device;
		struct drm_amdgpu_info_hw_ip ip;
		struct drm_amdgpu_memory_info memory;
		struct drm_amdgpu_info_firmware firmware;
		struct {
			uint64_t address;
			uint32_t status, hub;
		} fault;
	} answer;

	memset(&answer, 0, sizeof(answer));
	switch (args->query) {
	case AMDGPU_INFO_DEV_INFO:
		fill_device(&answer.device);
		break;
	case AMDGPU_INFO_HW_IP_INFO:
		answer.ip.ib_start_alignment = answer.ip.ib_size_alignment = 32;
		answer.ip.available_rings = args->query_hw_ip.type == AMDGPU_HW_IP_COMPUTE ? 0xf : 1;
		break;
	case AMDGPU_INFO_MEMORY:
		answer.memory.vram.total_heap_size = 16ull << 30;
		answer.memory.cpu_accessible_vram.total_heap_size = 256ull << 20;
		answer.memory.gtt.total_heap_size = 8ull << 30;
		break;
	case AMDGPU_INFO_FW_VERSION:
		answer.firmware.ver = 100;
		break;
	case 0x23:
		answer.fault.address = fake.fault_address;
		answer.fault.status = fake.fault_address != 0;
		break;
	default:
		return -EINVAL;
	}
	memcpy((void *)(uintptr_t)args->return_pointer, &answer,
	       args->return_size < sizeof(answer) ? args->return_size : sizeof(answer));
	return 0;
}

static int do_version(struct drm_version *version)
{
	version->version_major = 3;
	version->version_minor = (int)fake.drm_minor;
	if (version->name_len >= 6)
		memcpy(version->name, "amdgpu", 6);
	version->name_len = 6;
	return 0;
}

/* ---- syncobjs ---- */

static int new_syncobj(struct file *file, struct drm_syncobj_create *args)
{
	for (uint32_t i = 1; i < MAX_SYNCOBJS; i++) {
		if (file->syncobjs[i])
			continue;
		file->syncobjs[i] = true;
		atomic_fetch_add(&fake_counts.syncobjs, 1);
		args->handle = i;
		return 0;
	}
	return -ENOMEM;
}

static int check_syncobj(const struct file *file, uint32_t handle)
{
	return handle < MAX_SYNCOBJS && file->syncobjs[handle] ? 0 : -ENOENT;
}

static int free_syncobj(struct file *file, uint32_t handle)
{
	if (check_syncobj(file, handle) < 0)
		return -EINVAL;
	file->syncobjs[handle] = false;
	atomic_fetch_sub(&fake_counts.syncobjs, 1);
	return 0;
}

static int new_fd(void)
{
	return memfd_create("sync_file", MFD_CLOEXEC);
}

static int do_syncobj(struct file *file, unsigned long request, void *arg)
{
	struct drm_syncobj_handle *handle = arg;
	const struct drm_syncobj_transfer *transfer = arg;

	switch (request) {
	case DRM_IOCTL_SYNCOBJ_CREATE:
		return new_syncobj(file, arg);
	case DRM_IOCTL_SYNCOBJ_DESTROY:
		return free_syncobj(file, ((struct drm_syncobj_destroy *)arg)->handle);
	case DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE:
		if (handle->flags != DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE || fcntl(handle->fd, F_GETFD) < 0)
			return -EINVAL;
		return check_syncobj(file, handle->handle);
	case DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD:
		if (check_syncobj(file, handle->handle) < 0)
			return -ENOENT;
		handle->fd = new_fd();
		return 0;
	case DRM_IOCTL_SYNCOBJ_TRANSFER:
		return check_syncobj(file, transfer->src_handle) | check_syncobj(file, transfer->dst_handle);
	case DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL:
		fake_last_point = *(const uint64_t *)(uintptr_t)((struct drm_syncobj_timeline_array *)arg)->points;
		return 0;
	default:
		return -EINVAL;
	}
}

static int do_mmap(struct file *file, union drm_amdgpu_gem_mmap *args)
{
	struct memory *memory = memory_of(file, args->in.handle);
	uint64_t offset = (uint64_t)args->in.handle << 32;

	if (!memory)
		return -ENOENT;
	if (memory->userptr || memory->flags & AMDGPU_GEM_CREATE_NO_CPU_ACCESS)
		return -EPERM;
	args->out.addr_ptr = offset;
	return 0;
}

static int do_fence_fd(struct file *file, union drm_amdgpu_fence_to_handle *args)
{
	if (args->in.what != AMDGPU_FENCE_TO_HANDLE_GET_SYNC_FILE_FD || args->in.fence.seq_no > file->job_count)
		return -EINVAL;
	args->out.handle = (uint32_t)new_fd();
	return 0;
}

static int dispatch(struct file *file, unsigned long request, void *arg)
{
	switch (request) {
	case DRM_IOCTL_VERSION:
		return do_version(arg);
	case DRM_IOCTL_GET_CAP:
		((struct drm_get_cap *)arg)->value = 1;
		return 0;
	case DRM_IOCTL_AMDGPU_INFO:
		return do_info(arg);
	case DRM_IOCTL_AMDGPU_CTX:
		return do_ctx(file, arg);
	case DRM_IOCTL_AMDGPU_CS:
		return do_cs(file, arg);
	case DRM_IOCTL_AMDGPU_WAIT_CS:
		return do_wait(file, arg);
	case DRM_IOCTL_AMDGPU_GEM_CREATE:
		return do_create(file, arg);
	case DRM_IOCTL_AMDGPU_GEM_USERPTR:
		return do_userptr(file, arg);
	case DRM_IOCTL_AMDGPU_GEM_MMAP:
		return do_mmap(file, arg);
	case DRM_IOCTL_AMDGPU_GEM_VA:
		return do_va(file, arg);
	case DRM_IOCTL_AMDGPU_GEM_OP:
		return do_gem_op(file, arg);
	case DRM_IOCTL_AMDGPU_FENCE_TO_HANDLE:
		return do_fence_fd(file, arg);
	case DRM_IOCTL_PRIME_HANDLE_TO_FD:
		return do_export(file, arg);
	case DRM_IOCTL_PRIME_FD_TO_HANDLE:
		return do_import(file, arg);
	case DRM_IOCTL_GEM_CLOSE:
		if (!memory_of(file, ((struct drm_gem_close *)arg)->handle))
			return -EINVAL;
		close_handle(file, ((struct drm_gem_close *)arg)->handle);
		return 0;
	default:
		return do_syncobj(file, request, arg);
	}
}

static bool is_creation_undone(unsigned long request, const void *arg)
{
	const union drm_amdgpu_ctx *ctx = arg;

	return request == DRM_IOCTL_GEM_CLOSE || request == DRM_IOCTL_SYNCOBJ_DESTROY ||
	       (request == DRM_IOCTL_AMDGPU_CTX && ctx->in.op == AMDGPU_CTX_OP_FREE_CTX);
}

static int fake_ioctl(void *data, unsigned long request, void *arg)
{
	int ret;

	pthread_mutex_lock(&lock);
	atomic_fetch_add(&fake_counts.ioctls, 1);
	if (fake.fail_at && !is_creation_undone(request, arg) &&
	    (!fake.fail_request || fake.fail_request == _IOC_NR(request)) && !--fake.fail_at)
		ret = -fake.fail_error;
	else if (fake.gone && !is_creation_undone(request, arg))
		ret = -ENODEV;
	else
		ret = dispatch(data, request, arg);
	pthread_mutex_unlock(&lock);
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

static void *fake_open(const char *spec, char *error, size_t error_size)
{
	if (!strcmp(spec, "nonsense")) {
		snprintf(error, error_size, "no target is called nonsense");
		errno = EINVAL;
		return NULL;
	}
	atomic_fetch_add(&fake_counts.files, 1);
	only = calloc(1, sizeof(*only));
	return only;
}

static int fake_close(void *data)
{
	struct file *file = data;

	for (uint32_t i = 1; i < MAX_HANDLES; i++)
		if (file->handles[i])
			close_handle(file, i);
	if (only == file)
		only = NULL;
	free(file);
	atomic_fetch_sub(&fake_counts.files, 1);
	return 0;
}

static void *fake_mmap(void *data, void *addr, size_t size, int prot, int flags, uint64_t offset)
{
	struct memory *memory = memory_of(data, (uint32_t)(offset >> 32));

	(void)addr;
	(void)prot;
	(void)flags;
	if (!memory || size > memory->bytes) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	atomic_fetch_add(&fake_counts.maps, 1);
	return memory->data;
}

static int fake_munmap(void *data, void *addr, size_t size)
{
	(void)data;
	(void)addr;
	(void)size;
	atomic_fetch_sub(&fake_counts.maps, 1);
	return 0;
}

static void fake_pci(void *data, uint16_t *vendor, uint16_t *device, uint8_t *revision)
{
	(void)data;
	*vendor = 0x1002;
	*device = 0x73bf;
	*revision = 0xc1;
}

static int fake_stat(void *data, unsigned index, const char **name_out, uint64_t *value_out)
{
	(void)data;
	if (index)
		return -1;
	*name_out = "jobs";
	*value_out = atomic_load(&fake_counts.submits);
	return 0;
}

static int fake_finding(void *data, unsigned index, char *text, size_t text_size)
{
	(void)data;
	if (index)
		return -1;
	snprintf(text, text_size, "a finding");
	return 0;
}

const struct df_soft_ops fake_ops = {
	.version = DF_SOFT_OPS_VERSION,
	.open = fake_open,
	.close = fake_close,
	.ioctl = fake_ioctl,
	.mmap = fake_mmap,
	.munmap = fake_munmap,
	.pci_id = fake_pci,
	.stat = fake_stat,
	.finding = fake_finding,
};

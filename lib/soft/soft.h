/* SPDX-License-Identifier: MIT */
/*
 * soft.h - the soft node: what the amdgpu kernel driver does for its clients, in user space, over the software GPU.
 *
 * Objects follow the kernel's: a device (one software GPU), open files (handles, address space), buffer objects,
 * contexts with entities, jobs, fences, syncobjs. Every refusal has the errno of the kernel that the device behaves
 * like (struct soft_kernel).
 *
 * Locks, outermost first:
 *   file->va_lock     the address space's mappings, in the order of their changes
 *   soft_lock         everything else; soft_cond is broadcast at every change that a wait may be for
 *   device->fault_lock, device->finding_lock   leaves, taken by callbacks of the GPU
 * The GPU's done callback takes soft_lock. gpu_vm_flush(), gpu_ring_reset() and gpu_reset() wait for GPU threads and
 * are therefore never called under soft_lock.
 */
#ifndef DF_SOFT_H
#define DF_SOFT_H

#include "abi.h"
#include "gpu/gpu.h"
#include "node/node.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOFT_PAGE         4096ull
#define SOFT_JOBS         32u /* amdgpu.sched_jobs */
#define SOFT_IP_NUM       3u  /* GFX, COMPUTE, DMA; others have no rings here */
#define SOFT_MAX_FINDINGS 1000u
#define SOFT_MAX_TIMEOUT  INT64_MAX

extern pthread_mutex_t soft_lock;
extern pthread_cond_t soft_cond;
void soft_cond_init(pthread_cond_t *cond); /* with the monotonic clock */

/* What differs between kernels. One table in kernel.c, each row read at the kernel's source. */
struct soft_kernel {
	const char *name;   /* "6.1" */
	uint32_t minor;     /* DRM minor */
	uint32_t gem_flags; /* GEM_CREATE flags that are accepted */
	uint32_t gem_domains;
	uint64_t va_bottom, va_top; /* reserved at both ends of the address space */
	uint32_t hw_ip_num;
	uint32_t max_ibs_gfx, max_ibs_compute, max_ibs_other; /* 0: no limit */
	uint32_t job_timeout_ms;                              /* compute and SDMA */
	uint32_t gfx_timeout_ms;
	uint32_t dev_info_size, hw_ip_info_size, va_size, gem_op_size, wait_size, syncobj_handle_size;
	uint32_t userq_ioctls; /* number of driver ioctls known */
	bool always_clears;    /* VRAM_CLEARED is implied */
	bool ce_blocked;       /* CE IBs are refused */
	bool chunk_shadow;     /* CP_GFX_SHADOW is known */
	bool query_max_ibs, query_fault, query_uq;
	bool wait_any_idle_empty; /* WAIT_FENCES with no fences is refused */
	bool syncobj_eventfd, deadline, fd_timeline, client_name;
	bool entity_error; /* CS and waits return the entity's last error (6.12 and later) */
	bool ctx_guilty;   /* a context whose job ended in a full reset is marked for good (before 7.x) */
	/* Resets: reset.c. */
	bool soft_recovery_gfx, soft_recovery_compute; /* gfx_v10_0.c gives the ring a soft_recovery() */
	bool soft_recovery_counts;    /* amdgpu_ring_soft_recovery() counts a reset when it fails too */
	int soft_recovery_error;      /* in the fence of the job whose waves were killed */
	bool queue_reset, sdma_reset; /* one ring is reset (amdgpu_job_timedout) */
	bool reemit;                  /* the ring's innocent jobs are emitted again after it (amdgpu_fence.c) */
	bool rerun; /* pending jobs are run again after a reset that kept memory (drm_sched_resubmit_jobs) */
	int guilty_error, removed_error;
	bool reset_in_progress; /* CTX QUERY2 flag */
	bool list_handles;
};
const struct soft_kernel *soft_kernel_find(const char *name);
const struct soft_kernel *soft_kernel_at(unsigned i);

struct soft_spec {
	const struct gpu_target *target;
	const struct soft_kernel *kernel;
	bool strict;
	unsigned threads;
	uint64_t vram_B, gtt_B;
	unsigned timeout_ms; /* 0: the kernel's */
};
int soft_spec_parse(const char *text, struct soft_spec *spec_out, char *error, size_t error_size);

/* ---- fences: fence.c. All under soft_lock. ---- */

struct soft_gate;

/* A node in a fence's list of those who wait for it. */
struct soft_dep {
	struct soft_dep *next;
	struct soft_gate *gate;
};

/* Opens when everything it waits for has signalled. open() runs under soft_lock. */
struct soft_gate {
	unsigned pending;
	void (*open)(struct soft_gate *gate);
};

struct soft_fence {
	unsigned refs;
	bool signaled;
	int error;         /* 0 or -errno */
	const void *owner; /* the address space whose job it is */
	uint64_t context, seqno, prev_seqno;
	struct soft_fence *inner, *prev; /* chain nodes */
	struct soft_fence *scheduled;    /* of a job's finished fence */
	struct soft_dep *deps;
};

struct soft_fence *soft_fence_new(const void *owner);
struct soft_fence *soft_fence_get(struct soft_fence *fence);
void soft_fence_put(struct soft_fence *fence);
struct soft_fence *soft_fence_stub(void); /* a reference on a signalled fence */
void soft_fence_signal(struct soft_fence *fence, int error);
bool soft_fence_done(const struct soft_fence *fence);
int soft_fence_error(const struct soft_fence *fence);
/* Adds to the gate everything of the fence that has not signalled. 0 or -ENOMEM. */
int soft_gate_add(struct soft_gate *gate, struct soft_fence *fence);
void soft_gate_init(struct soft_gate *gate, void (*open)(struct soft_gate *));
/* Ends the building of a gate; opens it when nothing is pending. */
void soft_gate_arm(struct soft_gate *gate);
/* Timeline. Takes over nothing; the new chain node is returned, or NULL. */
struct soft_fence *soft_chain_new(struct soft_fence *prev, struct soft_fence *inner, uint64_t point);
/* The kernel's dma_fence_chain_find_seqno: *fence is replaced by the node that covers point, maybe NULL. */
int soft_chain_find(struct soft_fence **fence, uint64_t point);
struct soft_fence *soft_chain_walk(struct soft_fence *fence);

/* Absolute CLOCK_MONOTONIC in ns. Both wait on soft_cond until then: 0, or -ETIME. */
int64_t soft_now_ns(void);
int soft_wait_until(int64_t deadline_ns);
/* 0 when signalled, -ETIME at the deadline. */
int soft_fence_wait(struct soft_fence *fence, int64_t deadline_ns);

/* A reservation object: the fences that use a BO. */
struct soft_resv {
	struct soft_fence **fences;
	unsigned count, capacity;
};
int soft_resv_add(struct soft_resv *resv, struct soft_fence *fence);
int soft_resv_reserve(struct soft_resv *resv);
bool soft_resv_idle(struct soft_resv *resv);
void soft_resv_clear(struct soft_resv *resv);

/* ---- handle tables: id 1 and up, lowest free first ---- */

struct soft_table {
	void **slots;
	uint32_t count, free_hint;
};
int soft_table_add(struct soft_table *table, void *object, uint32_t *id_out);
void *soft_table_get(const struct soft_table *table, uint32_t id);
void *soft_table_remove(struct soft_table *table, uint32_t id);
void *soft_table_replace(struct soft_table *table, uint32_t id, void *object);

/* ---- buffer objects ---- */

struct soft_bo {
	_Atomic unsigned refs;
	struct soft_device *device; /* whose memory is accounted */
	uint64_t size;
	uint64_t alignment;
	uint32_t preferred, allowed, flags;
	uint32_t placed; /* domain that is charged */
	void *host;
	int fd; /* memfd, or -1: memory of the pool, at pool_offset */
	uint64_t pool_offset;
	uint64_t inode; /* of fd when it was exported */
	bool userptr, readonly, imported;
	uint64_t mmap_offset;
	struct soft_file *always; /* file whose VM it is always valid in */
	struct soft_resv resv_own;
	struct soft_resv *resv; /* its own, or the VM's */
	uint32_t name;          /* GEM_FLINK, from 1; 0: none */
	uint64_t tiling, metadata_flags;
	uint32_t metadata_size, metadata[64];
	unsigned handles;             /* of all files, under soft_lock */
	struct soft_bo *next, **link; /* device->bos, and what points here; NULL: not on it */
};
int soft_bo_create(struct soft_file *file, uint64_t size, uint64_t alignment, uint32_t domains, uint32_t flags,
		   struct soft_bo **bo_out);
int soft_bo_userptr(struct soft_file *file, uint64_t addr, uint64_t size, uint32_t flags, struct soft_bo **bo_out);
int soft_bo_import(struct soft_file *file, int fd, uint64_t size, struct soft_bo **bo_out);
struct soft_bo *soft_bo_get(struct soft_bo *bo);
void soft_bo_put(struct soft_bo *bo); /* never under soft_lock */
int soft_bo_fd(struct soft_bo *bo, int flags);
/* Device memory has lost its contents: every BO in it is overwritten. Under soft_lock, while the GPU does nothing. */
void soft_bo_lose(struct soft_device *device);
struct soft_bo *soft_bo_find_inode(struct soft_device *device, uint64_t inode);

/* map.c: what user space has mapped of a device's BOs, so that it can be taken away. */
struct soft_map;
int soft_map_add(struct soft_device *device, void *addr, size_t size);
void soft_map_remove(struct soft_device *device, void *addr, size_t size);
/* drm_dev_unplug(): pages of zeros take the place of every mapping. Under soft_lock. */
void soft_map_zap(struct soft_device *device);
void soft_map_finish(struct soft_device *device);

/* A handle of a file. */
struct soft_gem {
	struct soft_bo *bo;
	bool prime; /* known to PRIME: importing the same dma-buf again gives this handle */
};
struct soft_bo *soft_gem_lookup(struct soft_file *file, uint32_t handle); /* with a reference, or NULL */
int soft_gem_add(struct soft_file *file, struct soft_bo *bo, bool prime, uint32_t *handle_out);
int soft_gem_close(struct soft_file *file, uint32_t handle);

/* ---- address spaces: va.c ---- */

struct soft_mapping {
	uint64_t start, last; /* pages */
	uint64_t offset;
	struct soft_bo *bo; /* NULL for PRT */
	uint32_t flags;
};

struct soft_va {
	struct soft_mapping *maps; /* sorted by start */
	unsigned count, capacity;
};
int soft_va_close_bo(struct soft_file *file, struct soft_bo *bo);
void soft_va_finish(struct soft_file *file);
/* CPU address of a GPU address, and the bytes behind it; NULL. Takes va_lock. */
void *soft_va_resolve(struct soft_file *file, uint64_t va, uint64_t *left_out);

/* ---- syncobjs ---- */

struct soft_eventfd;

struct soft_syncobj {
	unsigned refs;
	struct soft_fence *fence;
	struct soft_eventfd *events;
};
void soft_syncobj_put(struct soft_syncobj *syncobj);
struct soft_syncobj *soft_syncobj_find(struct soft_file *file, uint32_t handle); /* with a reference */
int soft_syncobj_new(bool signaled, struct soft_fence *fence, struct soft_syncobj **syncobj_out);
void soft_syncobj_replace(struct soft_syncobj *syncobj, struct soft_fence *fence);
int soft_syncobj_add_point(struct soft_syncobj *syncobj, struct soft_fence *fence, uint64_t point);
/* drm_syncobj_find_fence: may wait, giving up soft_lock. */
int soft_syncobj_find_fence(struct soft_file *file, uint32_t handle, uint64_t point, uint64_t flags,
			    struct soft_fence **fence_out);
int soft_syncobj_to_fd(struct soft_syncobj *syncobj, int *fd_out);
struct soft_syncobj *soft_syncobj_from_fd(int fd); /* with a reference, or NULL */
int soft_sync_file_new(struct soft_fence *fence, int *fd_out);
struct soft_fence *soft_sync_file_get(int fd);

/* ---- contexts, jobs ---- */

struct soft_entity {
	uint64_t sequence; /* of the next job; 1 first */
	struct soft_fence *fences[SOFT_JOBS];
	struct soft_fence *last_scheduled; /* scheduled fence of the job before */
	int error;
	unsigned ip, instance;
	unsigned queued; /* jobs not yet finished */
};

struct soft_ctx {
	unsigned refs;
	struct soft_file *file;
	int32_t priority;
	uint32_t reset_counter, reset_counter_query, vram_lost_counter;
	bool guilty;
	uint32_t stable_pstate;
	struct soft_entity *entities[SOFT_IP_NUM][4];
};
struct soft_ctx *soft_ctx_find(struct soft_file *file, uint32_t id); /* with a reference */
void soft_ctx_put(struct soft_ctx *ctx);
int soft_ctx_entity(struct soft_ctx *ctx, uint32_t ip, uint32_t instance, uint32_t ring, struct soft_entity **out);
/* 0 with *fence_out NULL when it has long signalled, or -EINVAL. */
int soft_entity_fence(struct soft_entity *entity, uint64_t seq, struct soft_fence **fence_out);

/* What is to happen to a device or to a job that hangs. */
enum soft_reset {
	SOFT_RESET_KERNEL, /* what the kernel does with a job that hangs */
	SOFT_RESET_SOFT,
	SOFT_RESET_QUEUE,
	SOFT_RESET_RERUN, /* another one's job hung; memory stays */
	SOFT_RESET_FULL,
	SOFT_RESET_BYSTANDER, /* another one's job hung; memory is lost */
	SOFT_RESET_LOSS,      /* the same, on a device whose memory would stay too */
	SOFT_RESET_REMOVED,
};

struct soft_job {
	struct gpu_job gpu;
	struct gpu_ib *ibs;
	struct soft_gate gate;
	struct soft_file *file;
	struct soft_ctx *ctx;
	uint32_t ctx_id;
	struct soft_entity *entity;
	struct soft_fence *finished;
	struct soft_bo *user_fence;
	uint32_t user_fence_offset;
	uint64_t sequence;
	unsigned ip, instance;
	int priority;
	uint32_t vram_lost_counter;
	int64_t started_ns;      /* when it became the head of its ring; 0 before */
	struct gpu_fault result; /* what the GPU said of it last */
	bool soft_recovered, user_fence_written;
	bool taken_off; /* by a reset, which decides what becomes of it */
	bool stuck;     /* it cannot go on (why): timed out without waiting */
	struct gpu_fault why;
	bool stalled; /* never timed out */
	bool untold;  /* its interrupt is lost: nobody is told of its end before told_ns */
	int64_t told_ns;
	bool loses_memory; /* device memory is lost once it has ended */
	unsigned reruns;
	enum soft_reset reset;     /* asked for by a fault */
	char fault[64];            /* the fault */
	struct soft_bo_list *list; /* keeps its BOs until it has finished */
	struct soft_job *next;
};
/* A job that has never been pushed, or has been reaped. Not under soft_lock. */
void soft_job_free(struct soft_job *job);
/* The gate's open(): its dependencies are met. Under soft_lock. */
void soft_job_ready(struct soft_gate *gate);
/* The same for a job that will not run. */
void soft_job_abandon(struct soft_gate *gate);
/* Frees the jobs that have finished. Not under soft_lock. */
void soft_jobs_reap(void);
/* The job is over: its fences signal. Under soft_lock. */
void soft_job_finish(struct soft_job *job, int error);
/* The GPU cannot go on with a job. From a GPU thread. */
void soft_job_stuck(void *user, struct gpu_job *gpu, const struct gpu_fault *why);
/* Gives the job to the GPU, behind those that run on its ring. Under soft_lock. */
void soft_job_start(struct soft_job *job);
struct soft_ring;
void soft_ring_run(struct soft_device *device, struct soft_ring *ring);
extern const enum gpu_ring_type soft_ring_types[SOFT_IP_NUM];
/* Worker: looks for jobs that have run for too long; soft_lock is held, and given up meanwhile. Next deadline. */
int64_t soft_jobs_watch(struct soft_device *device);

/*
 * reset.c. A job hangs: what its kernel does. By the worker, under soft_lock, which is given up meanwhile. Afterwards
 * the ring's jobs are others, or have begun again.
 */
void soft_reset_job(struct soft_device *device, struct soft_job *job, unsigned ip, unsigned instance);
/* A reset that no job of this process is the cause of. */
void soft_reset_device(struct soft_device *device, enum soft_reset reset);
/* Asks the worker for one and waits until it has been. Under soft_lock. */
void soft_reset_ask(struct soft_device *device, enum soft_reset reset);

/* fault.c: faults on request. */
struct soft_faults;
int soft_faults_create(struct soft_device *device); /* 0 or -ENOMEM */
void soft_faults_destroy(struct soft_device *device);
/* 0, or -EINVAL or -ENOSPC with a sentence. */
int soft_fault_add(struct soft_device *device, const char *spec, char *error, size_t error_size);
/* Those of DRUMFIRE_FAULT. */
int soft_faults_from_environment(struct soft_device *device, char *error, size_t error_size);
/* The GPU's question before each launch. */
void soft_fault_plan(void *user, struct gpu_job *gpu, uint32_t launch, struct gpu_plan *plan_out);
/* Before each call. -errno when this ioctl (mmap: SOFT_FAULT_MMAP) is to fail, else 0. Memory that was to be lost while
 * nothing runs is lost now. */
#define SOFT_FAULT_MMAP 0x100u
int soft_fault_call(struct soft_device *device, unsigned number);
/* A device takes the place of one that was unplugged, with the faults that wait there. */
void soft_faults_inherit(struct soft_device *device, struct soft_device *gone);
/* A job has come to its end. Under soft_lock. */
void soft_fault_job_done(struct soft_device *device, const struct soft_job *job);
int soft_fault_name(unsigned i, const char **name_out, const char **meaning_out);

struct soft_bo_list {
	unsigned refs, count;
	struct soft_bo **bos;
};
void soft_bo_list_put(struct soft_bo_list *list); /* not under soft_lock */
struct soft_bo_list *soft_bo_list_find(struct soft_file *file, uint32_t id);
int soft_bo_list_read(struct soft_file *file, const struct drm_amdgpu_bo_list_in *in, struct soft_bo_list **list_out);

/* ---- devices and files ---- */

/* Forward: va.c */
struct soft_va_op;
struct soft_va_op *soft_va_op_next(struct soft_va_op *op);

struct soft_ring {
	struct soft_job *ready[3];   /* by priority, high first; FIFO */
	struct soft_job *running[2]; /* given to the GPU, in order */
	unsigned running_count, load;
	bool stopped; /* a reset is under way: nothing is given to the GPU */
};

struct soft_device {
	struct soft_device *next;
	char *spec_text;
	struct soft_spec spec;
	unsigned files, bo_count; /* keep it alive */
	struct gpu *gpu;
	struct soft_ring rings[SOFT_IP_NUM][4];
	unsigned ring_counts[SOFT_IP_NUM];
	uint64_t vram_used, gtt_used, next_mmap;
	uint32_t names; /* GEM_FLINK names given out */
	uint64_t bytes_moved, evictions;
	_Atomic uint32_t reset_counter, vram_lost_counter;
	bool resetting;
	struct soft_ctx *pstate_ctx;
	uint32_t pstate;
	struct soft_bo *bos;
	struct soft_file *open_files;
	pthread_t worker;
	pthread_cond_t worker_cond;
	bool worker_stop, worker_running, worker_idle;
	struct soft_va_op *va_ready; /* page table changes whose turn has come */
	pthread_mutex_t fault_lock;
	pthread_mutex_t finding_lock;
	struct gpu_finding *findings;
	unsigned finding_count;
	_Atomic uint64_t refused_ioctls, refused_queries, refused_flags, ioctls, job_timeouts;
	_Atomic bool lost;     /* unplugged: every ioctl is ENODEV */
	_Atomic bool faulty;   /* soft_fault_call() has something to do */
	enum soft_reset asked; /* of the worker; SOFT_RESET_KERNEL: nothing */
	struct soft_faults *faults;
	struct soft_map *maps; /* what user space has mapped */
};

/* Where a job stopped; the last few are kept. */
struct soft_stopped {
	uint32_t ctx_id;
	uint64_t sequence;
	struct df_soft_stop stop;
};
#define SOFT_STOPS 16u

struct soft_file {
	struct soft_device *device;
	struct soft_file *next;
	struct gpu_vm *vm;
	bool primary, master, authenticated;
	struct soft_table gems, syncobjs, ctxs, bo_lists;
	pthread_mutex_t va_lock;
	struct soft_va va;
	struct soft_fence *va_fence; /* last change of the page tables that had to wait */
	struct soft_resv resv;       /* jobs of this address space, and always-valid BOs */
	struct abi_info_gpuvm_fault fault;
	struct soft_stopped stops[SOFT_STOPS]; /* under soft_lock */
	unsigned stop_count;
	bool vmid_reserved;
	unsigned jobs;
};

extern struct soft_device *soft_devices; /* under soft_lock */
struct soft_file *soft_file_open(const char *spec, bool primary, char *error, size_t error_size);
int soft_file_close(struct soft_file *file);
int soft_ioctl(struct soft_file *file, unsigned long request, void *arg);
void *soft_file_mmap(struct soft_file *file, void *addr, size_t size, int prot, int flags, uint64_t offset);
int soft_worker_start(struct soft_device *device);
void soft_worker_stop(struct soft_device *device);
void soft_va_op_run(struct soft_va_op *op);
void soft_finding_add(struct soft_device *device, const struct gpu_finding *finding);

/* Copies that give -EFAULT where the kernel's would. */
int soft_copy_in(void *to, uint64_t from, size_t size);
int soft_copy_out(uint64_t to, const void *from, size_t size);
/* A new copy of count * size bytes: 0, -EFAULT, -ENOMEM or -EOVERFLOW. Freed with free(). */
int soft_copy_in_array(uint64_t from, uint64_t count, size_t size, void **to_out);
int64_t soft_deadline(uint64_t timeout_ns);

/* ioctl handlers: 0 or -errno; arg is the kernel's copy. */
typedef int soft_ioctl_fn(struct soft_file *file, void *arg);
soft_ioctl_fn soft_gem_create_ioctl, soft_gem_mmap_ioctl, soft_gem_userptr_ioctl, soft_gem_op_ioctl,
	soft_gem_metadata_ioctl, soft_gem_wait_idle_ioctl, soft_gem_va_ioctl, soft_gem_close_ioctl,
	soft_gem_list_handles_ioctl, soft_gem_flink_ioctl, soft_gem_open_ioctl, soft_prime_to_fd_ioctl,
	soft_prime_to_handle_ioctl, soft_ctx_ioctl, soft_bo_list_ioctl, soft_cs_ioctl, soft_wait_cs_ioctl,
	soft_wait_fences_ioctl, soft_fence_to_handle_ioctl, soft_vm_ioctl, soft_info_ioctl, soft_syncobj_create_ioctl,
	soft_syncobj_destroy_ioctl, soft_syncobj_to_fd_ioctl, soft_syncobj_to_handle_ioctl, soft_syncobj_wait_ioctl,
	soft_syncobj_timeline_wait_ioctl, soft_syncobj_reset_ioctl, soft_syncobj_signal_ioctl,
	soft_syncobj_timeline_signal_ioctl, soft_syncobj_query_ioctl, soft_syncobj_transfer_ioctl,
	soft_syncobj_eventfd_ioctl;

/* stop.c. Keeps where a job stopped that was killed, refused or met a page fault. Under soft_lock. */
void soft_stop_keep(struct soft_job *job, const struct gpu_fault *result);
/* A new context takes over the number of an old one. Under soft_lock. */
void soft_stop_forget(struct soft_file *file, uint32_t ctx_id);
int soft_stop_find(struct soft_file *file, uint32_t ctx_id, uint64_t sequence, struct df_soft_stop *stop_out);

/* capture.c: records dispatches when DRUMFIRE_CAPTURE names a folder. */
void soft_capture_job(struct soft_file *file, const struct soft_job *job);

#endif

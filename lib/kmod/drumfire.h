/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * drumfire.h - a DRM driver whose hardware is a process (uapi/drumfire_hw.h). To clients it is
 * amdgpu.
 *
 * Objects and who keeps them:
 *   df_device  the drm_device; kept by open files, exported buffers, the hardware process
 *   df_vm      address space of a file; kept by the file, its jobs, the buffers it paid for
 *   df_bo      a GEM object; kept by handles, mappings, jobs' lists
 *   df_ctx     kept by the file and by ioctls that use it; df_entity also by its jobs
 *   df_job     kept by the scheduler from push to free; df_fence (hardware's) by anyone
 *
 * Lock order, outer first. No lock is held across a call into the hardware process; nothing
 * allocates with reclaim between drm_sched_job_arm() and the end of the job.
 *   df_attach_lock           devices come, PCI functions go
 *   df_slots_lock            which PCI functions are taken
 *   df_device.reset_lock     one reset at a time; held while schedulers are stopped
 *   df_ctx.lock              submission to the context's entities, in order
 *   dma_resv (ww)            buffers of a submission, and the address space's own
 *   df_bo.lock               uses of the buffer, metadata, user pages
 *   df_vm.lock               tree of mappings, order of page table updates
 *   df_device.user_lock      stale or not, over the publication of a fence; in MMU notifiers
 *   df_device.event_lock     consumer side of the event ring
 *   df_device.job_lock       (spin, irq) jobs in the hardware
 *   df_device.cmd_lock       (spin) producer side of the command ring
 *   df_ctx.ring_lock         (spin) fences of past submissions
 *   df_vm.ops_lock           (spin) updates that wait
 */
#ifndef DRUMFIRE_KMOD_H
#define DRUMFIRE_KMOD_H

#include "compat.h"

#include <drm/amdgpu_drm.h>
#include <drm/drm_device.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_prime.h>
#include <drm/drm_print.h>
#include <drm/drm_syncobj.h>
#include <drm/drm_vma_manager.h>
#include <linux/completion.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/interval_tree.h>
#include <linux/kref.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "drumfire_hw.h"

#define DF_DRM_MAJOR  3
#define DF_DRM_MINOR  59
#define DF_RINGS_MAX  4
#define DF_SCHED_JOBS 32u /* of one entity in flight, amdgpu.sched_jobs */
#define DF_DEPTH      2   /* jobs of one ring in the hardware, amdgpu.sched_hw_submission */
#define DF_APERTURE_B (256ull << 30)

/* Live objects, counted so that unloading can tell of a leak. */
enum df_live {
	DF_LIVE_BO,
	DF_LIVE_VM,
	DF_LIVE_JOB,
	DF_LIVE_CTX,
	DF_LIVE_FENCE,
	DF_LIVE_DEVICE,
	DF_LIVE_KINDS
};

extern atomic_t df_live[DF_LIVE_KINDS];

struct df_fence {
	struct dma_fence base;
	spinlock_t lock; /* protects: the fence's own */
};

struct df_ring {
	struct drm_gpu_scheduler sched;
	struct df_device *df;
	u32 type, index;
	u64 context; /* fence timeline of the ring */
	u64 seqno;
	ktime_t last_done;
};

/*
 * Schedulers outlive their device: fences of theirs name them. Pooled, freed when the module goes.
 */
struct df_rings {
	struct list_head node;
	struct df_ring ring[DF_HW_RING_TYPES][DF_RINGS_MAX];
	struct drm_gpu_scheduler *list[DF_HW_RING_TYPES][DF_RINGS_MAX];
};

struct df_device {
	struct drm_device *drm;
	struct df_slot *slot;
	struct platform_device *platform;
	struct df_hw_attach desc;
	struct df_hw_answer *answers;
	u8 *blob;
	struct df_rings *rings;
	/* The first two signal fences; on the last one may wait for some. */
	struct workqueue_struct *timeout_wq, *vm_wq, *free_wq;
	struct work_struct lost_work; /* the hardware does not answer a reset */

	struct df_hw_ring *ring;
	size_t ring_B;
	spinlock_t cmd_lock; /* protects: cmd_head and the command slots */
	u32 cmd_head;
	wait_queue_head_t hw_wait;
	struct mutex event_lock; /* protects: event_tail */
	u32 event_tail;
	bool dead; /* the process is gone: nothing is pushed any more */
	struct drm_vma_offset_manager aperture;
	struct page *dummy; /* stands where no buffer is */
	bool dummy_used;    /* and it has been seen */

	spinlock_t job_lock; /* protects: inflight, seq, verdicts */
	struct list_head inflight;
	u64 seq;
	refcount_t jobs; /* and one more for the device itself */
	struct completion jobs_done;

	struct mutex reset_lock; /* protects: reset_seq and the schedulers' stops */
	u64 reset_seq;
	struct completion reset_done;
	atomic_t reset_counter, vram_lost, timeouts, page_faults;
	bool resetting;

	struct mutex user_lock; /* protects: df_user.valid; see user.c */
	atomic64_t used[2];     /* bytes by domain: 0 VRAM, 1 GTT */
	atomic64_t jobs_total;
	struct xarray vms; /* by address space number */
};

struct df_vm {
	struct kref ref;
	struct df_device *df;
	u32 as;
	/* No memory: its reservation is that of the jobs, and of the buffers always valid here. */
	struct drm_gem_object root;
	struct mutex lock; /* protects: maps, last, order of updates */
	struct rb_root_cached maps;
	spinlock_t ops_lock; /* protects: ops */
	struct list_head ops;
	struct df_fence *last;
	u64 update_context, update_seqno;
	struct work_struct work, free_work;
	atomic64_t pinned[2]; /* bytes that this file made, as df_device.used */
	atomic64_t engine_ns[DF_HW_RING_TYPES];
	u64 fault_address; /* last page fault, under the device's vms lock */
	u32 fault_status;
};

struct df_file {
	struct df_device *df;
	struct df_vm *vm;
	struct xarray ctxs, lists; /* by handle */
};

struct df_bo {
	struct drm_gem_object base;
	struct page **pages;
	unsigned long count;
	struct drm_vma_offset_node place; /* in the aperture */
	struct df_vm *vm;                 /* who paid */
	bool always_valid, readonly, from_shmem;
	int domain; /* index into used[] */
	u32 preferred;
	u64 flags, alignment;
	struct sg_table *sgt; /* imported */
	struct mutex lock;    /* protects: uses, metadata, user */
	struct list_head uses;
	struct df_user *user;
	u64 tiling, metadata_flags;
	u32 metadata_size;
	u32 *metadata;
};

struct df_entity {
	struct kref ref;
	struct drm_sched_entity base;
	u64 sequence; /* of the next job, 1 first */
	struct dma_fence *fences[DF_SCHED_JOBS];
	int error; /* of the last job */
};

struct df_ctx {
	struct kref ref;
	struct df_device *df;
	s32 priority;
	u32 reset_counter, reset_counter_query, vram_lost;
	u32 pstate;
	struct mutex lock;    /* protects: order of submission */
	spinlock_t ring_lock; /* protects: entities' sequence and fences */
	struct df_entity *entities[DF_HW_RING_TYPES][DF_RINGS_MAX];
};

struct df_list {
	struct kref ref;
	unsigned int count;
	struct df_bo *bos[];
};

struct df_job {
	struct drm_sched_job base;
	struct df_device *df;
	struct df_vm *vm;
	struct df_entity *entity;
	struct df_list *list;
	struct df_bo *user_fence;
	u32 user_fence_offset;
	struct df_fence *fence;
	struct list_head node; /* inflight */
	struct work_struct free_work;
	u64 seq, sequence;
	ktime_t started;
	int verdict;
	u32 vram_lost;
	bool initialised, submitted;
	char comm[TASK_COMM_LEN];
	pid_t pid;
	unsigned int ib_count;
	struct df_hw_ib ibs[];
};

static inline struct df_device *to_df(struct drm_device *drm)
{
	return drm->dev_private;
}

static inline struct df_bo *to_df_bo(struct drm_gem_object *obj)
{
	return container_of(obj, struct df_bo, base);
}

/* drv.c */
struct df_slot;
int df_slot_take(struct df_device *df, struct device **parent_out);
void df_slot_give(struct df_device *df);
extern const struct drm_driver df_driver;
extern unsigned int df_timeout_ms, df_reset_ms, df_file_limit_mb;
static inline u32 df_job_ms(const struct df_device *df)
{
	return df->desc.timeout_ms ? df->desc.timeout_ms : df_timeout_ms;
}

/* hw.c */
extern struct mutex df_attach_lock;
int df_hw_init(void);
void df_hw_fini(void);
/*
 * -ENODEV when the process is gone, -EAGAIN when there is no room. keep_free: slots that must stay.
 */
int df_hw_push(struct df_device *df, const struct df_hw_cmd *cmd, const struct df_hw_ib *ibs,
	       unsigned int keep_free);
void df_hw_push_wait(struct df_device *df, const struct df_hw_cmd *cmd);
void df_unplug(struct df_device *df);
void df_device_free(struct df_device *df);
vm_fault_t df_bo_insert(struct vm_fault *vmf, struct df_bo *bo, unsigned long index);
void df_aperture_zap(struct df_bo *bo);
int df_aperture_place(struct df_bo *bo);
void df_faults_wait(void);
#define DF_HW_ROOM_FOR_JOBS 2048

/* sched.c */
int df_rings_create(struct df_device *df);
void df_rings_destroy(struct df_device *df);
void df_rings_free_pool(void);
struct df_fence *df_fence_alloc(gfp_t gfp);
void df_fence_init(struct df_fence *fence, u64 context, u64 seqno);
void df_fence_free(struct df_fence *fence); /* one that was never initialised */
void df_job_free(struct df_job *job);
void df_job_ended(struct df_device *df, const struct df_hw_event *event);
void df_jobs_cancel(struct df_device *df, int error);
void df_entity_put(struct df_entity *entity);

/* reset.c */
enum drm_gpu_sched_stat df_job_timedout(struct drm_sched_job *sched_job);
void df_reset_acknowledged(struct df_device *df, u64 seq);
void df_reset_all(struct df_device *df);

/* gem.c */
struct df_bo *df_bo_alloc(struct df_device *df, struct df_vm *vm, size_t size, int domain);
bool df_bo_in_use(struct df_bo *bo, const struct df_vm *vm);
struct df_bo *df_bo_lookup(struct drm_file *file, u32 handle);
static inline void df_bo_put(struct df_bo *bo)
{
	if (bo)
		drm_gem_object_put(&bo->base);
}

struct drm_gem_object *df_gem_import_sg(struct drm_device *drm, struct dma_buf_attachment *attach,
					struct sg_table *sgt);
int df_gem_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int df_gem_mmap_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int df_gem_metadata_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int df_gem_op_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int df_gem_wait_idle_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
void df_vram_lose(struct df_device *df);
unsigned long df_timeout(u64 absolute_ns);

/* user.c */
int df_gem_userptr_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int df_user_validate(struct df_bo *bo);
bool df_user_valid(const struct df_bo *bo);
void df_user_free(struct df_bo *bo);
struct page *df_user_page(struct df_bo *bo, unsigned long index);

/* vm.c */
/* struct drm_amdgpu_gem_va as of Linux 6.16; the tail of a shorter one is zero. */
struct df_gem_va {
	u32 handle, pad, operation, flags;
	u64 va_address, offset_in_bo, map_size;
	u64 timeline_point;
	u32 timeline_out, wait_count; /* syncobjs: told, waited for */
	u64 waits;
};

#define DF_IOCTL_GEM_VA DRM_IOW(DRM_COMMAND_BASE + DRM_AMDGPU_GEM_VA, struct df_gem_va)
struct df_vm *df_vm_create(struct df_device *df);
struct df_vm *df_vm_get(struct df_vm *vm);
void df_vm_put(struct df_vm *vm);
void df_vm_forget(struct df_vm *vm, struct df_bo *bo);
struct dma_fence *df_vm_last(struct df_vm *vm);
int df_gem_va_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

/* ctx.c */
struct df_ctx *df_ctx_find(struct df_file *fpriv, u32 id);
void df_ctx_put(struct df_ctx *ctx);
void df_ctx_close_all(struct df_file *fpriv);
int df_ctx_entity(struct df_ctx *ctx, u32 ip, u32 instance, u32 ring, struct df_entity **out);
int df_ctx_fence(struct df_file *fpriv, const struct drm_amdgpu_fence *user,
		 struct dma_fence **out);
int df_ctx_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int df_vm_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

/* list.c */
struct df_list *df_list_read(struct drm_file *file, const struct drm_amdgpu_bo_list_in *in);
struct df_list *df_list_find(struct df_file *fpriv, u32 id);
void df_list_put(struct df_list *list);
int df_bo_list_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

/* cs.c, wait.c, info.c */
int df_cs_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int df_wait_cs_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int df_wait_fences_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int df_fence_to_handle_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int df_info_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
/* What the hardware said for debugfs, or NULL. */
const void *df_info_gca(const struct df_device *df, size_t *size_out);

#endif

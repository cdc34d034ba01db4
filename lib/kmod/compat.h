/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What differs between Linux 6.1, 6.12 and 7.x, and nothing else. */
#ifndef DRUMFIRE_COMPAT_H
#define DRUMFIRE_COMPAT_H

#include <drm/drm_file.h>
#include <drm/gpu_scheduler.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define DFC_PRIORITY_LOW DRM_SCHED_PRIORITY_MIN
#else
#define DFC_PRIORITY_LOW DRM_SCHED_PRIORITY_LOW
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void dfc_vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}
#else
#define dfc_vm_flags_set vm_flags_set
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define DFC_STAT_RESET DRM_GPU_SCHED_STAT_NOMINAL
#else
#define DFC_STAT_RESET DRM_GPU_SCHED_STAT_RESET
#endif

static inline void dfc_sched_start(struct drm_gpu_scheduler *sched)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	drm_sched_start(sched, true);
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
	drm_sched_start(sched);
#else
	drm_sched_start(sched, 0);
#endif
}

static inline int dfc_sched_init(struct drm_gpu_scheduler *sched,
				 const struct drm_sched_backend_ops *ops, u32 depth, long timeout,
				 struct workqueue_struct *wq, const char *name, struct device *dev)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0) && LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
	return drm_sched_init(sched, ops, NULL, DRM_SCHED_PRIORITY_COUNT, depth, 0, timeout, wq,
			      NULL, name, dev);
#else
	const struct drm_sched_init_args args = {
		.ops = ops,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
		.num_rqs = DRM_SCHED_PRIORITY_COUNT,
#endif
		.credit_limit = depth,
		.timeout = timeout,
		.timeout_wq = wq,
		.name = name,
		.dev = dev,
	};

	return drm_sched_init(sched, &args);
#endif
}

static inline int dfc_job_init(struct drm_sched_job *job, struct drm_sched_entity *entity,
			       void *owner, struct drm_file *file)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	return drm_sched_job_init(job, entity, owner);
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
	return drm_sched_job_init(job, entity, 1, owner);
#else
	return drm_sched_job_init(job, entity, 1, owner, file->client_id);
#endif
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
MODULE_IMPORT_NS(DMA_BUF);
#define DFC_DRIVER_DATE .date = "20260101",
#else
MODULE_IMPORT_NS("DMA_BUF");
#define DFC_DRIVER_DATE
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define DFC_DRIVER_PRIME                                                                           \
	.prime_handle_to_fd = drm_gem_prime_handle_to_fd,                                          \
	.prime_fd_to_handle = drm_gem_prime_fd_to_handle, .gem_prime_mmap = drm_gem_prime_mmap,
#else
#define DFC_DRIVER_PRIME
#endif

#ifdef FOP_UNSIGNED_OFFSET
#define DFC_FOP_FLAGS .fop_flags = FOP_UNSIGNED_OFFSET,
#else
#define DFC_FOP_FLAGS
#endif

#endif

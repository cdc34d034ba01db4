/* SPDX-License-Identifier: MIT */
/*
 * internal.h - the objects behind drumfire.h and what the parts of the library may know of each other.
 *
 * Locks, in the order they are taken: device.copy_lock, device.restore_lock, context.lock, device.lock or fault_lock.
 * device.lock guards the lists of live objects, the address allocator and lazy set-up; context.lock the context's slots
 * and everything that retires them; device.restore_lock is held while the contents of lost device memory are put back.
 * Two contexts' locks are never held at once. Nobody sleeps in the kernel's waits with one of the last three held.
 */
#ifndef DF_CORE_INTERNAL_H
#define DF_CORE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "core/error.h"
#include "core/va.h"
#include "drumfire.h"
#include "kmd/kmd.h"
#include "node/node.h"

#define DF_PAGE_B 4096u
/* Off the way of what happens a million times a second: built for size. */
#define DF_COLD __attribute__((cold))

/* ---- what a command-stream encoder offers to the core ---- */

#define DF_MARKER_MAX_DW 64u

struct df_record_ops;

/* A copy of whole dwords from one GPU address to another. */
struct df_copy_range {
	uint64_t to, from, bytes;
};

struct df_encoder_ops {
	const char *name;
	/* Called once when the device is open and memory can be had; may be NULL. What it makes hangs off
	 * device->encoder_data, and device_finish undoes it before the device goes. */
	int (*device_init)(struct df_device *device);
	void (*device_finish)(struct df_device *device);
	/* The end of a submission: once all that came before in the job is finished and written back past every GPU
	 * cache, value (64 bits) lands at va (8-byte aligned). Exactly marker_dw dwords; the low half of the value is
	 * dword marker_value_at, its high half the one behind. */
	unsigned marker_dw, marker_value_at;
	void (*marker)(uint32_t *dw, uint64_t va, uint64_t value);
	/* Fills count (any, 0 too) dwords with packets that do nothing. */
	void (*nop)(uint32_t *dw, unsigned count);
	/* Copies that start when all that came before in the job is finished; what follows in the stream finds them
	 * done. fresh: the copies begin a job, and may read what the host wrote. Returns the end; dwords by copies_dw.
	 */
	unsigned (*copies_dw)(const struct df_copy_range *ranges, unsigned count);
	uint32_t *(*copies)(uint32_t *dw, const struct df_copy_range *ranges, unsigned count, bool fresh);
	const struct df_record_ops *record; /* batches and kernels: core/record.h */
};
extern const struct df_encoder_ops df_encoder_gfx10_3;

/* ---- device ---- */

/* Counts of live objects that the caller made; the library's own are not in them. */
struct df_live {
	atomic_uint bos, codes, batches, contexts, fences;
};

/* What df_device_recovery() tells. */
struct df_recovery_counts {
	_Atomic uint64_t losses, contexts_renewed, reopened, batches_rerun, launches_rerun, restored_B, poisoned,
		detect_ns, recover_ns;
};

struct df_device {
	struct df_node *node;
	const struct df_kmd_ops *kmd;
	const struct df_encoder_ops *enc;
	struct df_kmd_info info;
	uint32_t spin_ns, sleep_ns;
	atomic_bool gone; /* the kernel said ENODEV */
	bool reopenable;
	struct df_recovery_counts recovery;
	/* Rises with every loss that a context has found: others look at themselves before they submit again. */
	atomic_uint losses_seen;
	atomic_uint lost_bos;      /* whose contents could not be put back and were not written since */
	atomic_uint context_names; /* contexts made so far */
	/* Submissions given to the kernel: so many in all (high half), and so many not known to be over. */
	_Atomic uint64_t traffic;
	/* A kernel context that nothing runs on; it tells whether device memory was lost since it was put back. */
	uint32_t watch;               /* restore_lock */
	unsigned generation;          /* rises when the device is reopened: handles are others */
	struct df_restorer *restorer; /* restore_lock; made when first needed */
	pthread_mutex_t restore_lock; /* see above */
	/* Page faults, page_fault.c; fault_lock. How often one turned up; the address that the kernel tells of and that
	 * of the last but the sentinel's; stale: the same fault again would not be seen. */
	pthread_mutex_t fault_lock;
	unsigned faults;
	uint64_t fault_known, fault_told;
	bool fault_stale;
	uint64_t sentinel_va, sentinel_ns; /* restore_lock; when it was read from, 0: not yet */

	struct df_live live;
	pthread_mutex_t lock;
	struct df_va va;             /* lock */
	struct df_bo *bos;           /* lock; all, the library's own too */
	struct df_context *contexts; /* lock */
	struct df_context *copy;     /* lock; of the library's own copies, made on first use */
	void *encoder_data;          /* encoder */
	pthread_mutex_t copy_lock;   /* held over a whole copy by the GPU (bo_copy.c); taken before all others */
};

/* df_now_ns() in line. */
static inline uint64_t df_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* "soft:gfx1030" */
const char *df_device_name(const struct df_device *device);

/* ---- buffer objects ---- */

/* Where in the address space. */
enum df_va_hint {
	DF_VA_ANY = 0,
	DF_VA_LOW,      /* lower half */
	DF_VA_HIGH,     /* upper half, canonical */
	DF_VA_WINDOW32, /* the 4 GiB whose addresses have the upper half va_hi32 */
};

/*
 * What is kept of a BO's contents on the host (contents.c). Images are memory of the process that the GPU copies to: it
 * survives the loss of device memory and the device's removal. STATE has two: the verified one is never written by the
 * GPU while a batch that commits to the other is not verified.
 */
struct df_contents {
	struct df_bo *image[2];
	atomic_uint verified;  /* which image holds what the last verified batch left */
	atomic_bool filled;    /* that image holds something */
	void *copy;            /* INPUT that the CPU reaches: what df_bo_write() wrote; as long as the BO */
	atomic_bool map_taken; /* the caller has a pointer to the contents */
	atomic_bool lost;      /* could not be put back */
	bool due, under_way;   /* device->restore_lock: to be put back; the GPU is at it */
	_Atomic(struct df_context *) writer; /* STATE: the context whose batches write it */
	atomic_uint pending;                 /* submissions that write it and are not over */
};

struct df_bo {
	struct df_device *device;
	uint64_t va;                  /* for life */
	uint64_t size_B;              /* what the caller asked for */
	uint64_t alloc_B;             /* whole pages: of the allocation and of the mapping */
	uint32_t handle, next_handle; /* next_handle: reopen.c */
	int dmabuf;                   /* that it was imported from, kept for a reopening; -1 */
	enum df_domain domain;
	enum df_bo_class recovery;
	bool always_valid; /* in every submission of the address space; others go into the batch's external list */
	bool imported, userptr, exportable, internal;
	bool own_memory; /* userptr, of the library: goes with the BO */
	bool exported;   /* device->lock; others may share its memory */
	bool cut_off;    /* device->lock; shared by dma-buf, and no longer since the device was reopened */
	bool unclassed;  /* no recovery class was asked for */
	bool cpu_access;
	unsigned va_flags; /* DF_KMD_VA_* of its mapping */
	_Atomic(void *) map;
	const struct df_code *code; /* that lies in it; device->lock */
	atomic_uint users;          /* batches that name it */
	struct df_contents contents;
	struct df_bo *next, **prev; /* device->bos, device->lock */
	char name[48];
};

/* A BO of the library's own: not counted, always valid where the kernel can, no public options to check. */
struct df_bo_desc {
	uint64_t bytes, align_B; /* 0: a page */
	enum df_domain domain;
	enum df_bo_class recovery; /* 0: SCRATCH */
	bool no_cpu_access;
	bool executable;
	bool read_only; /* for the GPU */
	bool uncached;  /* the host polls it; asks for DF_DOMAIN_HOST_CACHED */
	bool survives;  /* of a reopenable device: in memory of the process */
	enum df_va_hint va;
	uint32_t va_hi32;
	const char *name;
};
int df_bo_create_internal(struct df_device *device, const struct df_bo_desc *desc, struct df_bo **bo_out);
void df_bo_destroy_internal(struct df_bo *bo); /* NULL is fine */
/* A BO over whole pages of memory of the library's own, which must outlive it. */
int df_bo_wrap_internal(struct df_device *device, void *memory, uint64_t bytes, const char *name,
			struct df_bo **bo_out);
/* df_bo_map() for the library's own eyes. */
int df_bo_map_internal(struct df_bo *bo, void **map_out);
/* A batch begins and ends to name a BO. */
void df_bo_use(struct df_bo *bo);
void df_bo_unuse(struct df_bo *bo);
/* Checks [offset, offset + bytes) with a sentence. what: "df_bo_write", "df_batch_copy: destination" ... */
int df_bo_check_range(const struct df_bo *bo, uint64_t offset_B, uint64_t bytes, const char *what);
const char *df_bo_label(const struct df_bo *bo); /* its name or "unnamed" */

/* ---- what submitting knows of a batch: the first member of struct df_batch ---- */

struct df_batch_submit {
	struct df_device *device;
	bool sealed;
	/* The first IB; others hang off it by chaining. Padded to info.ib_size_align_dw, at most info.max_ib_dw. */
	uint64_t ib_va;
	uint32_t ib_dw;
	/* BOs that are not always valid, each once. external_handles runs beside it (kept by whoever writes the list).
	 */
	struct df_bo **external;
	uint32_t *external_handles;
	unsigned external_count;
	unsigned generation; /* of the device, that the handles are of */
	/* Writes a BO of unknown content rules (imported): must not be run twice. */
	bool not_repeatable;
	/* BOs whose contents are copied to the host when the batch has run: STATE, and OUTPUT in device memory. */
	struct df_bo **commits;
	unsigned commit_count;
	bool commits_state;
	bool independent; /* a launch that always hangs may be left out */
	/* Named in messages. */
	uint64_t launches;
	atomic_uint in_flight;
};
static inline struct df_batch_submit *df_batch_submit_of(struct df_batch *batch)
{
	return (struct df_batch_submit *)(void *)batch;
}
/* The device was reopened: its handles are others. */
static inline void df_batch_refresh(struct df_batch_submit *batch)
{
	if (__builtin_expect(batch->generation == batch->device->generation, 1))
		return;
	for (unsigned i = 0; i < batch->external_count; i++)
		batch->external_handles[i] = batch->external[i]->handle;
	batch->generation = batch->device->generation;
}
/* How many submissions of it are not retired, after having looked. */
unsigned df_batch_in_flight(struct df_batch_submit *batch);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * drumfire.h - launch GPU compute work straight through the Linux DRM interface.
 *
 * Conventions. Functions that return int give 0 or -errno; what they produce comes in the last parameters (*_out),
 * written only on success. After a failure df_error() is a sentence: what happened, to which object, what to do.
 * create/destroy allocate and free, get/put count references, destroy(NULL) is a no-op. Option structs begin with
 * their own size (DF_OPTIONS) and unknown non-zero bytes are refused. Units are in names: _B bytes, _dw dwords, _ns.
 *
 * Threads. A device, and the BOs, codes and kernels of it, may be used from any thread. A batch is recorded by one
 * thread at a time; a sealed batch is read-only but for patching, which the caller orders. A context takes submissions
 * from one thread at a time. A fence may be waited on from any thread.
 */
#ifndef DRUMFIRE_H
#define DRUMFIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DF_VERSION_MAJOR 0
#define DF_VERSION_MINOR 1
#define DF_API           __attribute__((visibility("default")))
#define DF_MUST_CHECK    __attribute__((warn_unused_result))
/* struct df_bo_options o = DF_OPTIONS(o, .domain = DF_DOMAIN_DEVICE); */
#define DF_OPTIONS(...) DF_OPTIONS_OF(__VA_ARGS__, )
#define DF_OPTIONS_OF(object, ...)                                                                                     \
	{                                                                                                              \
		.size_B = sizeof(object), __VA_ARGS__                                                                  \
	}

struct df_device;
struct df_bo;
struct df_code;
struct df_kernel;
struct df_batch;
struct df_context;
struct df_fence;

/* The calling thread's last failure as a sentence, "" if there was none. */
DF_API const char *df_error(void);

/* ---- device ---- */

struct df_device_options {
	size_t size_B;
	uint64_t va_reserve_B; /* 0: all that the kernel offers */
	uint32_t spin_ns;      /* waits poll the completion marker this long before they sleep; 0: 20,000 */
	uint32_t sleep_ns;     /* then sleep this long between polls; 0: in the kernel's wait ioctl */
	bool reopenable;       /* keep on the host what df_device_reopen() needs */
};

/* name: "auto" (first AMD render node), a path, or "soft[:target[,option...]]". options may be NULL. */
DF_API DF_MUST_CHECK int df_device_open(const char *name, const struct df_device_options *options,
					struct df_device **device_out);
/* Everything made from the device must have been destroyed (else -EBUSY and nothing is closed). */
DF_API int df_device_close(struct df_device *device);

struct df_device_info {
	char name[64];   /* "/dev/dri/renderD128", "soft:gfx1030" */
	char target[16]; /* "gfx1030" */
	char marketing[64];
	char driver[16]; /* "amdgpu" */
	uint32_t drm_major, drm_minor;
	uint16_t pci_vendor, pci_device;
	uint8_t pci_revision;
	bool soft;
	uint32_t compute_units, simds_per_unit, waves_per_simd, lds_per_group_B;
	uint64_t device_memory_B, visible_memory_B, host_memory_B;
	uint64_t timestamp_hz;
	uint32_t max_ib_dw;
	uint64_t va_start, va_end;
};
DF_API int df_device_get_info(struct df_device *device, struct df_device_info *info_out);

/* ioctls by name since the device was opened. Fills up to max entries, returns how many there are. */
struct df_counter {
	const char *name;
	uint64_t value;
};
DF_API unsigned df_device_counters(struct df_device *device, struct df_counter *counters, unsigned max);
/* Model counters of a soft device (jobs, launches, instructions, findings ...); 0 on a real one. */
DF_API unsigned df_device_model_counters(struct df_device *device, struct df_counter *counters, unsigned max);
/* i-th strict finding of a soft device as a sentence; -ENOENT past the last. */
DF_API int df_device_finding(struct df_device *device, unsigned i, char *text, size_t text_size_B);

/*
 * After DF_DEVICE_GONE: opens name (NULL: the same name) and rebuilds there, at the same addresses, every BO, code,
 * batch and context of the device; then what was pending is run again, and its fences can be waited on as before. CPU
 * maps stay where they were. The new device must be of the same target: -ENODEV else, and the old one stays gone. Needs
 * df_device_options.reopenable (-EINVAL). No other call on the device may be under way.
 */
DF_API DF_MUST_CHECK int df_device_reopen(struct df_device *device, const char *name);
/*
 * i-th BO whose contents the last loss took and the host could not restore, or that was shared by dma-buf with others
 * and is no longer since the device was reopened, as a sentence; -ENOENT past the last.
 */
DF_API int df_device_lost_bo(struct df_device *device, unsigned i, char *text, size_t text_size_B);
/*
 * Asks a soft device for a fault: "hang@17", "memory-lost@3:always", "ioctl:AMDGPU_CS#2=ENOMEM" ...; drumfire launch
 * --help lists the names. -ENOTSUP on a real device, -EINVAL with the names that exist.
 */
DF_API int df_device_fault(struct df_device *device, const char *spec);
/* i-th name that df_device_fault() knows, and what it means. -ENOENT past the last. */
DF_API int df_fault_name(unsigned i, const char **name_out, const char **meaning_out);

/* What losses have cost since the device was opened. */
struct df_recovery_stats {
	uint64_t losses, contexts_renewed, reopened;
	uint64_t batches_rerun, launches_rerun, restored_B, poisoned;
	uint64_t detect_ns,
		recover_ns; /* sums: the kernel's end of a job to its verdict here; verdict to the first re-run */
};
DF_API void df_device_recovery(struct df_device *device, struct df_recovery_stats *stats_out);

/* Calls found(user, name, info) for each device that could be opened: render nodes, then soft targets. */
DF_API int df_device_enumerate(void (*found)(void *user, const struct df_device_info *info), void *user);

/* ---- buffer objects: resident from creation, one GPU address for life ---- */

enum df_domain { DF_DOMAIN_DEVICE, DF_DOMAIN_HOST_CACHED, DF_DOMAIN_HOST_WC };
/* What becomes of the contents when a placement's memory or a half-done batch is lost; see README.md, Loss. */
enum df_bo_class { DF_BO_INPUT = 1, DF_BO_OUTPUT, DF_BO_STATE, DF_BO_SCRATCH };

struct df_bo_options {
	size_t size_B;
	enum df_domain domain;
	enum df_bo_class recovery; /* 0: SCRATCH */
	bool no_cpu_access;        /* device memory outside the CPU's window is good enough */
	bool exportable;           /* may be exported as a dma-buf */
	uint64_t align_B;          /* of the GPU address; 0: 4096; a power of two */
	const char *name;          /* for messages; copied */
};
DF_API DF_MUST_CHECK int df_bo_create(struct df_device *device, uint64_t bytes, const struct df_bo_options *options,
				      struct df_bo **bo_out);
/* Wraps page-aligned memory of the caller, which must outlive the BO. */
DF_API DF_MUST_CHECK int df_bo_from_memory(struct df_device *device, void *memory, uint64_t bytes,
					   const struct df_bo_options *options, struct df_bo **bo_out);
DF_API DF_MUST_CHECK int df_bo_import(struct df_device *device, int dmabuf_fd, const struct df_bo_options *options,
				      struct df_bo **bo_out);
DF_API DF_MUST_CHECK int df_bo_export(struct df_bo *bo, int *dmabuf_fd_out);
/* -EBUSY while a batch that uses it exists or is in flight. */
DF_API int df_bo_destroy(struct df_bo *bo);
DF_API uint64_t df_bo_address(const struct df_bo *bo);
DF_API uint64_t df_bo_size(const struct df_bo *bo);
DF_API struct df_device *df_bo_device(const struct df_bo *bo);
/*
 * CPU view, mapped on first use, the same pointer for life. What is written through it into STATE is the library's from
 * the next batch that writes the BO (STATE in device memory: the first such batch; later use df_bo_write()): a loss
 * before that leaves it alone in memory that survives, but removal of the device, or loss of device memory where it
 * lies there, puts back what the last verified batch left.
 */
DF_API DF_MUST_CHECK int df_bo_map(struct df_bo *bo, void **map_out);
/* Through the map where there is one, else by a copy on the GPU. Range-checked. */
DF_API DF_MUST_CHECK int df_bo_write(struct df_bo *bo, uint64_t offset_B, const void *data, size_t bytes);
DF_API DF_MUST_CHECK int df_bo_read(struct df_bo *bo, uint64_t offset_B, void *data, size_t bytes);
/* The contents of an OUTPUT BO are no longer needed: a loss from now on does not restore them. */
DF_API int df_bo_release(struct df_bo *bo);

/* ---- code and kernels ---- */

/* An image as uapi/drumfire_image.h defines it (made by drumfire pack). The data is copied. */
DF_API DF_MUST_CHECK int df_code_create(struct df_device *device, const void *image, size_t bytes,
					struct df_code **code_out);
DF_API int df_code_destroy(struct df_code *code);
/* name NULL: the only kernel. The kernel lives as long as its code. */
DF_API DF_MUST_CHECK int df_code_kernel(struct df_code *code, const char *name, struct df_kernel **kernel_out);
DF_API unsigned df_code_kernel_count(const struct df_code *code);
DF_API const char *df_code_kernel_name(const struct df_code *code, unsigned i);

enum df_arg_kind { DF_ARG_VALUE, DF_ARG_POINTER, DF_ARG_LOCAL };
enum df_access { DF_READ = 1, DF_WRITE = 2 };
struct df_arg_info {
	const char *name;
	enum df_arg_kind kind;
	unsigned access; /* enum df_access, pointers; 3 when the image does not say */
	uint32_t offset_B, arg_size_B;
};
struct df_kernel_info {
	const char *name;
	uint32_t args_size_B; /* of the argument block without hidden arguments */
	uint32_t arg_count;
	uint32_t block[3]; /* work-items of a workgroup; 0: free, at most max_block */
	uint32_t max_block, wave_size, vgprs, sgprs, lds_size_B, scratch_size_B;
	uint32_t groups_resident; /* workgroups of the block above (or one wave) that the device holds at once */
	bool args_in_registers;   /* the whole argument block lives in user SGPRs */
};
DF_API int df_kernel_get_info(const struct df_kernel *kernel, struct df_kernel_info *info_out);
DF_API int df_kernel_get_arg(const struct df_kernel *kernel, unsigned i, struct df_arg_info *arg_out);
/* A kernel with another block shape (and dynamic LDS); dimensions the image fixes cannot change. Lives as its code. */
DF_API DF_MUST_CHECK int df_kernel_with_block(struct df_kernel *kernel, const uint32_t block[3], uint32_t lds_dynamic_B,
					      struct df_kernel **kernel_out);

/* ---- batches: recorded once, sealed, submitted often ---- */

struct df_batch_options {
	size_t size_B;
	uint32_t reserve_dw;       /* stream capacity; recording past it is -ENOSPC. 0: grow by chunks (allocates) */
	uint32_t reserve_args_B;   /* capacity for argument blocks of kernels that take them in memory; 0: grow */
	uint32_t reserve_launches; /* shorthand: enough of both for so many launches, with up to 512 B in memory */
	uint32_t marker_interval;  /* progress marker at the first barrier after each so many launches; 0: none */
	bool independent;          /* a launch that always hangs may be left out and the others go on */
};
DF_API DF_MUST_CHECK int df_batch_create(struct df_device *device, const struct df_batch_options *options,
					 struct df_batch **batch_out);
/* -EBUSY while in flight. */
DF_API int df_batch_destroy(struct df_batch *batch);
/* Forgets what was recorded, keeps capacity. -EBUSY while in flight. */
DF_API int df_batch_reset(struct df_batch *batch);

/* Declares what the batch does with a BO. Needed for STATE and OUTPUT BOs (recovery) and for imported ones (residency);
 * all other BOs of the device are always resident. */
DF_API DF_MUST_CHECK int df_batch_use(struct df_batch *batch, struct df_bo *bo, unsigned access);

/* Records a launch: grid in workgroups, args the kernel's argument block (args_size_B bytes of df_kernel_info, laid out
 * as df_kernel_get_arg() says; pointers are GPU addresses). Nothing orders launches but df_batch_barrier(). */
DF_API int df_batch_launch(struct df_batch *batch, struct df_kernel *kernel, const uint32_t grid[3], const void *args,
			   size_t args_size_B);
/* Grid (three uint32) read from GPU memory when the launch starts; 4-byte aligned. */
DF_API int df_batch_launch_indirect(struct df_batch *batch, struct df_kernel *kernel, struct df_bo *grid,
				    uint64_t offset_B, const void *args, size_t args_size_B);
/* Everything recorded before is finished and its writes seen by everything after. */
DF_API int df_batch_barrier(struct df_batch *batch);
/*
 * A barrier from which a lost batch may go on: what is recorded from here to the next restart point (or the end) may
 * run twice in a row and leaves what one run would have left.
 */
DF_API int df_batch_restart(struct df_batch *batch);
DF_API int df_batch_copy(struct df_batch *batch, struct df_bo *to, uint64_t to_B, struct df_bo *from, uint64_t from_B,
			 uint64_t bytes);
/* bytes a multiple of 4 */
DF_API int df_batch_fill(struct df_batch *batch, struct df_bo *to, uint64_t to_B, uint32_t value, uint64_t bytes);
/* GPU clock (64 bits) once everything before is finished. */
DF_API int df_batch_timestamp(struct df_batch *batch, struct df_bo *to, uint64_t to_B);
DF_API int df_batch_write(struct df_batch *batch, struct df_bo *to, uint64_t to_B, uint32_t value);
enum df_compare { DF_LESS = 1, DF_LESS_EQUAL, DF_EQUAL, DF_NOT_EQUAL, DF_GREATER_EQUAL, DF_GREATER };
/* The command processor waits until (memory & mask) compares with value. */
DF_API int df_batch_wait(struct df_batch *batch, struct df_bo *bo, uint64_t offset_B, enum df_compare compare,
			 uint32_t value, uint32_t mask);

/* Closes the stream. A sealed batch can be submitted any number of times. */
DF_API DF_MUST_CHECK int df_batch_seal(struct df_batch *batch);

/* Patch points: asked for while recording, just before the launch they are of; *patch_out is filled in when that launch
 * is recorded and must stay until then. Used while the batch is not in flight. The launch carries its own full copy of
 * what is patched. */
struct df_patch {
	uint32_t *where; /* CPU address of the first dword */
	uint32_t size_dw;
	uint32_t stride_dw; /* internal */
};
/* Makes the next launch record args [offset_B, offset_B + bytes) (4-byte aligned) so that they can be patched. */
DF_API int df_batch_patch_args(struct df_batch *batch, uint32_t offset_B, uint32_t bytes, struct df_patch *patch_out);
DF_API int df_batch_patch_grid(struct df_batch *batch, struct df_patch *patch_out);
/* Stores size_dw dwords. */
DF_API void df_patch_store(const struct df_patch *patch, const uint32_t *values);

struct df_batch_info {
	uint64_t launches, barriers;
	uint64_t ib_dwords, args_B;
	uint32_t ib_count; /* chained indirect buffers */
	bool sealed;
};
DF_API void df_batch_get_info(const struct df_batch *batch, struct df_batch_info *info_out);

/* ---- contexts, submission, fences ---- */

struct df_loss;
enum df_priority { DF_PRIORITY_LOW = -1, DF_PRIORITY_NORMAL, DF_PRIORITY_HIGH };
struct df_context_options {
	size_t size_B;
	enum df_priority priority; /* HIGH needs CAP_SYS_NICE or DRM master: -EACCES */
	uint32_t max_in_flight;    /* submissions kept by the journal; 0: 32 */
	uint32_t max_retries;      /* retries without progress after a loss; default (0): one; UINT32_MAX: none */
	bool check_faults;         /* ask for page faults too before a batch counts as done: one ioctl more a wait */
	/* Called from the thread that found the loss, without locks of the library, around each recovery; may be NULL.
	 * They may read statistics and must not submit or wait on the device. */
	void (*before_recovery)(void *user, const struct df_loss *loss);
	void (*after_recovery)(void *user, const struct df_loss *loss);
	void *user;
	/* File that a lost batch is written to: the last that made the GPU hang or fault, else the first that was lost
	 * with another's; NULL: none. Copied. */
	const char *capture;
};
DF_API DF_MUST_CHECK int df_context_create(struct df_device *device, const struct df_context_options *options,
					   struct df_context **context_out);
/* Waits for what is in flight. */
DF_API int df_context_destroy(struct df_context *context);

struct df_submit_options {
	size_t size_B;
	const int *wait_fds; /* sync_file descriptors to wait for; stay the caller's */
	uint32_t wait_fd_count;
	struct df_fence *const *waits; /* fences of other contexts of the device */
	uint32_t wait_count;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC, for a free place in flight; 0: none (-EAGAIN when the journal is full)
			       */
	uint64_t give_up_ns;  /* CLOCK_MONOTONIC; after it the batch is not run again; 0: never */
};
/* One ioctl. Batches of one context run in the order of submission. The fence is referenced for the caller. */
DF_API DF_MUST_CHECK int df_submit(struct df_context *context, struct df_batch *batch,
				   const struct df_submit_options *options, struct df_fence **fence_out);

enum df_verdict {
	DF_DONE = 0,
	DF_RUNNING,        /* still running at the deadline */
	DF_GUILTY_RESET,   /* this batch made the GPU hang or fault */
	DF_INNOCENT_RESET, /* another's did */
	DF_MEMORY_LOST,
	DF_DEVICE_GONE,
	DF_POISONED, /* a launch that hung again when it ran alone; without it the batch did what it could */
};
#define DF_MAX_POISON 8u
struct df_wait_info {
	enum df_verdict verdict;
	bool recovered; /* done, after at least one loss */
	uint32_t retries;
	bool page_fault;
	uint64_t fault_address;
	uint64_t latency_ns; /* from submission to the completion being seen */

	/* Of the last loss; loss is DF_DONE when there was none. */
	enum df_verdict loss;
	uint32_t context; /* number of the context, from 1, in the order of creation on the device */
	uint64_t batch;   /* number of the submission in its context, from 1 */
	/* Launches (from 0, in the batch) that may have been in flight; the same twice: that launch. Without markers
	 * the whole batch. */
	uint64_t first_launch, last_launch;
	uint64_t launches_done; /* when not DF_DONE: launches whose effects are there */
	uint64_t launches_rerun, restored_B, detect_ns, recover_ns;
	uint32_t poison_count;
	uint64_t poison[DF_MAX_POISON]; /* launches */
};
/* What the callbacks of a context are told. */
struct df_loss {
	struct df_context *context;
	enum df_verdict verdict;
	uint64_t batch; /* as in df_wait_info */
	uint64_t first_launch, last_launch;
	uint32_t attempt; /* from 1 */
	int result;       /* after: 0, or why it could not be recovered */
};
#define DF_FOREVER UINT64_MAX
DF_API uint64_t df_now_ns(void); /* CLOCK_MONOTONIC */
/* deadline_ns absolute (CLOCK_MONOTONIC), 0: poll. Returns 0 when done; -ETIME at the deadline; -ECANCELED, -EIO,
 * -ENODEV by verdict. info_out may be NULL and is always written. */
DF_API int df_fence_wait(struct df_fence *fence, uint64_t deadline_ns, struct df_wait_info *info_out);
/* The kernel's fence: it signals once, also when the job was lost and is run again. -EAGAIN while the submission is
 * kept back behind another that is not verified. */
DF_API DF_MUST_CHECK int df_fence_export(struct df_fence *fence, int *sync_file_fd_out);
/*
 * The recoverable fence: a timeline syncobj of the context, whose point df_fence_point() the library signals, from the
 * caller's wait or poll, once the batch is verified. The descriptor names a syncobj, not a sync_file. -ENOTSUP without
 * timeline syncobjs.
 */
DF_API DF_MUST_CHECK int df_context_export_timeline(struct df_context *context, int *syncobj_fd_out);
DF_API uint64_t df_fence_point(const struct df_fence *fence);
DF_API void df_fence_put(struct df_fence *fence);

#ifdef __cplusplus
}
#endif
#endif

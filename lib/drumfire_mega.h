/* SPDX-License-Identifier: MIT */
/*
 * drumfire_mega.h - the megakernel runtime: work published into rings in resident memory, interpreted by one kernel.
 *
 * A set is four BOs (control, ring, debug log, IO queue; uapi/drumfire_ring.h says what is in them). The host encodes
 * work into the slots of a set's ring, a dispatch lets the kernel go over one set or over many of them in one
 * submission, and the host decodes what became of each slot. Nothing is copied on the way unless outputs are asked for.
 *
 * Conventions, errors and threads as in drumfire.h: a mega object is used by one thread at a time, views of different
 * sets by different threads. While a dispatch runs, the host may publish, take, read the log and serve the IO queue.
 */
#ifndef DRUMFIRE_MEGA_H
#define DRUMFIRE_MEGA_H

#include "drumfire.h"
#include "drumfire_ring.h"

#ifdef __cplusplus
extern "C" {
#endif

struct df_mega;
struct df_mega_scratch;

/* ---- sets: memory ---- */

/* What a set holds. 0 in a field: 64 slots, 256 data words, 64 log records, 16 IO slots. */
struct df_mega_shape {
	size_t size_B;
	uint32_t slots; /* a multiple of the kernel's workgroup size to be dispatched */
	uint32_t data_words, log_records, io_slots;
	enum df_bo_class recovery; /* of the four BOs; 0: SCRATCH */
};
/* Bytes that the four BOs of a shape need at least. shape may be NULL. */
struct df_mega_bytes {
	uint64_t control, ring, log, io;
};
DF_API int df_mega_shape_bytes(const struct df_mega_shape *shape, struct df_mega_bytes *bytes_out);

/* The four handles. The BOs may be the caller's own (large enough, host-visible, formatted once). */
struct df_mega_set {
	struct df_bo *control, *ring, *log, *io;
};
/* Creates the four BOs in host memory, and formats them. */
DF_API DF_MUST_CHECK int df_mega_set_create(struct df_device *device, const struct df_mega_shape *shape,
					    struct df_mega_set *set_out);
/* Destroys the BOs and clears the handles. */
DF_API int df_mega_set_destroy(struct df_mega_set *set);
/* Writes an empty ring, a control block that allows everything to every tenant, an empty log and IO queue. */
DF_API DF_MUST_CHECK int df_mega_set_format(const struct df_mega_set *set, const struct df_mega_shape *shape);

/* CPU pointers into a set, with the sizes it was formatted for. Works on any memory of that layout. */
struct df_mega_view {
	uint32_t *control, *log;
	struct df_ring_slot *ring;
	struct df_ring_io_slot *io;
	uint32_t slots, data_words, log_records, io_slots;
};
DF_API DF_MUST_CHECK int df_mega_view(const struct df_mega_set *set, struct df_mega_view *view_out);
/* The same from memory: checks magic, version and that each piece fits its size. */
DF_API DF_MUST_CHECK int df_mega_view_memory(void *control, size_t control_B, void *ring, size_t ring_B, void *log,
					     size_t log_B, void *io, size_t io_B, struct df_mega_view *view_out);
/* Formats memory; sizes as df_mega_shape_bytes() says. */
DF_API DF_MUST_CHECK int df_mega_format_memory(const struct df_mega_shape *shape, void *control, size_t control_B,
					       void *ring, size_t ring_B, void *log, size_t log_B, void *io,
					       size_t io_B);
/* The data area that built-in opcodes address. */
static inline uint32_t *df_mega_data(const struct df_mega_view *view)
{
	return view->control + DF_RING_DATA;
}

/* ---- slots: encode and decode ---- */

struct df_mega_work {
	uint32_t opcode, tenant, priority;
	uint32_t args[DF_RING_ARGS]; /* of built-in opcodes: the first DF_RING_ARGS_IN at most, the rest 0 */
};
/* Checks the work (opcode, tenant, priority, index ranges, unused arguments) and publishes it. -EBUSY: the slot is the
 * GPU's, or holds a result that was not taken. */
DF_API DF_MUST_CHECK int df_mega_publish(const struct df_mega_view *view, uint32_t slot,
					 const struct df_mega_work *work);
/* Into the first free slot from *slot on, which becomes the slot used; -ENOSPC when the ring is full. */
DF_API DF_MUST_CHECK int df_mega_publish_next(const struct df_mega_view *view, const struct df_mega_work *work,
					      uint32_t *slot);

struct df_mega_result {
	uint32_t status; /* DF_RING_* */
	uint32_t opcode, tenant;
	uint32_t reason; /* DF_RING_REASON_* of a fault */
	uint32_t value;
};
/* Looks at a slot. The words of a slot that the GPU holds are not read but for its status. */
DF_API int df_mega_peek(const struct df_mega_view *view, uint32_t slot, struct df_mega_result *result_out);
/* The same, and frees a finished slot. -EAGAIN while it is not finished; -ENODATA when it is empty. */
DF_API int df_mega_take(const struct df_mega_view *view, uint32_t slot, struct df_mega_result *result_out);
/* Frees a slot that was interrupted or put back, when no dispatch runs. */
DF_API int df_mega_reclaim(const struct df_mega_view *view, uint32_t slot);
DF_API const char *df_mega_status_name(uint32_t status);
DF_API const char *df_mega_opcode_name(uint32_t opcode);
DF_API const char *df_mega_reason_text(uint32_t reason);

struct df_mega_counts {
	uint32_t done, faults, epoch, batch_tag;
	bool shutdown;
	uint32_t by_status[DF_RING_STATUSES]; /* slots */
	uint32_t metrics[DF_RING_METRICS_MAX];
};
/* -EINVAL when a slot holds no status that exists. */
DF_API int df_mega_counts(const struct df_mega_view *view, struct df_mega_counts *counts_out);
/* Clears done, fault and tenant use counts and the shutdown word: what a new round of work starts from. */
DF_API void df_mega_restart(const struct df_mega_view *view);
DF_API int df_mega_tenant(const struct df_mega_view *view, uint32_t tenant, uint32_t allow, uint32_t quota);
/* Asks lanes to start nothing more. */
DF_API void df_mega_shutdown(const struct df_mega_view *view);

/* ---- debug log ---- */

/* Copies up to max complete records, oldest first, and returns how many there are; dropped_out may be NULL. */
DF_API uint32_t df_mega_log_read(const struct df_mega_view *view, struct df_ring_log_record *records, uint32_t max,
				 uint32_t *dropped_out);
DF_API void df_mega_log_clear(const struct df_mega_view *view);
/* A record as text: %d %i %u %x %X %c %f %e %g (a float's bits) and %%, width and precision, at most eight values.
 * Returns the length, or -EINVAL when the format is not one of those. */
DF_API int df_mega_log_text(const struct df_ring_log_record *record, const char *format, char *text,
			    size_t text_size_B);

/* ---- IO queue ---- */

struct df_mega_io {
	uint32_t index; /* of the queue */
	uint32_t slot, tenant, resource;
	uint64_t offset;
	uint32_t to, words; /* range of the data area, checked */
};
/* Takes a request that no one has taken; -EAGAIN when there is none. A malformed request is answered with a fault and
 * passed over. */
DF_API int df_mega_io_next(const struct df_mega_view *view, struct df_mega_io *request_out);
/* Answers it: status DF_RING_DONE or DF_RING_FAULT. The data must have been written before. */
DF_API int df_mega_io_answer(const struct df_mega_view *view, uint32_t index, uint32_t status, uint32_t value);

/* ---- dispatch ---- */

struct df_mega_options {
	size_t size_B;
	struct df_context *context; /* NULL: one of its own */
	uint32_t rounds;            /* times the kernel goes over its slots; 0: one */
	uint64_t timeout_ns;        /* of a dispatch; 0: ten seconds; DF_FOREVER */
	bool ordered;      /* a barrier between the sets of a submission; then a BO may be in several of them */
	bool grid_barrier; /* the program waits for other workgroups: all of a set must be resident at once */
	bool split; /* with grid_barrier: cut what is too large into resident segments, run one after the other */
};
/* The kernel must be an image of shaders/mega.comp (or of a program with the same argument block). */
DF_API DF_MUST_CHECK int df_mega_create(struct df_device *device, struct df_kernel *kernel,
					const struct df_mega_options *options, struct df_mega **mega_out);
/* Waits for a dispatch that ran past its deadline. */
DF_API int df_mega_destroy(struct df_mega *mega);

/* Launch geometry of so many slots: workgroups of each launch and launches. -EINVAL: slots is 0 or no multiple of the
 * workgroup size; -E2BIG: a grid barrier could not be kept. */
struct df_mega_geometry {
	uint32_t workgroup, groups, groups_resident;
	uint32_t segments, groups_per_segment;
};
DF_API int df_mega_geometry(const struct df_mega *mega, uint32_t slots, struct df_mega_geometry *geometry_out);

struct df_mega_stats {
	uint64_t input_B;             /* copied to the device's memory by this dispatch */
	uint64_t output_B;            /* in the outputs handed back */
	uint64_t readback_B;          /* copied from the device's memory */
	uint64_t moved_B;             /* input and readback */
	uint64_t device_allocation_B; /* of memory made for this dispatch */
	uint32_t device_allocations;
	uint64_t latency_ns; /* from the call to the completion being seen */
	uint32_t output_buffers;
	uint32_t resident_rows;    /* sets */
	uint32_t resident_handles; /* BOs */
	uint32_t kernel_launches;
	uint32_t sync_points;
	bool recovered; /* from a loss on the way */
};

/* Storage of the caller for copies of a set's BOs; NULL pointers are left out. Sizes must hold the set's shape. On
 * success the sizes become the bytes written. */
struct df_mega_output {
	void *control, *ring, *log, *io;
	size_t control_B, ring_B, log_B, io_B;
};

/* Runs one set, waits, and copies to output if there is one. output and stats may be NULL. */
DF_API DF_MUST_CHECK int df_mega_dispatch(struct df_mega *mega, const struct df_mega_set *set,
					  struct df_mega_output *output, struct df_mega_stats *stats_out);
/* Runs many in one submission: one command stream, one ioctl, one fence. outputs (count of them) and stats may be NULL.
 * No sets: success, statistics all zero, nothing submitted. */
DF_API DF_MUST_CHECK int df_mega_dispatch_many(struct df_mega *mega, const struct df_mega_set *sets, uint32_t count,
					       struct df_mega_output *outputs, struct df_mega_stats *stats_out);

/* What a dispatch needs, kept: the sealed batch, tables and outputs. The same sets again are submitted as they stand;
 * other sets of the same shapes are recorded anew. Neither allocates. */
DF_API DF_MUST_CHECK int df_mega_scratch_create(struct df_mega *mega, uint32_t max_sets,
						struct df_mega_scratch **scratch_out);
DF_API int df_mega_scratch_destroy(struct df_mega_scratch *scratch);
enum df_mega_part { DF_MEGA_CONTROL = 1, DF_MEGA_RING = 2, DF_MEGA_LOG = 4, DF_MEGA_IO = 8 };
/* parts: which BOs of each set are copied into the scratch, see df_mega_scratch_output(); 0: none. */
DF_API DF_MUST_CHECK int df_mega_dispatch_scratch(struct df_mega *mega, const struct df_mega_set *sets, uint32_t count,
						  unsigned parts, struct df_mega_scratch *scratch,
						  struct df_mega_stats *stats_out);
/* The stream that the last dispatch through the scratch submitted. */
DF_API void df_mega_scratch_info(const struct df_mega_scratch *scratch, struct df_batch_info *info_out);
/* Copies of the i-th set of the last dispatch through the scratch; valid until the next. -ENOENT past the last. */
DF_API int df_mega_scratch_output(const struct df_mega_scratch *scratch, uint32_t i, struct df_mega_output *output_out);

#ifdef __cplusplus
}
#endif
#endif

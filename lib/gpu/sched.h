/* SPDX-License-Identifier: MIT */
/*
 * sched.h - dispatches, workgroups and the threads that run them.
 *
 * A dispatch is on the scheduler's list from its start until its last group has ended and no thread claims from it any
 * more. Threads claim groups by an atomic counter; each thread holds the groups it has claimed and interleaves their
 * waves. The CP thread of a ring works too: for small dispatches it is the only one.
 */
#ifndef DF_GPU_SCHED_H
#define DF_GPU_SCHED_H

#include "internal.h"

#define GPU_MAX_USER_SGPRS 16
#define GPU_SCRATCH_WAVES  4096 /* COMPUTE_TMPRING_SIZE.WAVES is 12 bits wide */
#define GPU_SHARE_ALL      (1u << 30)
#define GPU_NO_WAVE        UINT64_MAX

/* Slots of the scratch ring of one queue: which waves own which part of it. */
struct gpu_scratch_slots {
	pthread_mutex_t lock;
	uint64_t used[GPU_SCRATCH_WAVES / 64];
};

struct gpu_dispatch {
	struct gpu *gpu;
	struct gpu_vm *vm;
	unsigned ring; /* index in gpu->rings */
	uint32_t launch;
	uint64_t code, code_epoch;
	uint32_t lanes, lane_shift, vgpr_count;
	uint32_t shared_vgprs; /* of vgpr_count, the last ones */
	uint32_t waves_per_group;
	uint32_t block[3];           /* threads of a whole group */
	uint32_t last_block[3];      /* threads of the last group of a row */
	uint32_t start[3], count[3]; /* first group, groups */
	uint64_t total;
	uint64_t limit; /* groups that are begun: all, but for what is planned to stop */
	uint32_t user[GPU_MAX_USER_SGPRS];
	unsigned user_count;
	bool tgid[3], tg_size, scratch;
	unsigned tid_components; /* VGPRs with thread ids, 1 to 3 */
	uint32_t lds_size_B, mode;
	uint32_t scratch_wave_B, scratch_waves; /* of the scratch ring */
	struct gpu_scratch_slots *slots;
	uint32_t share; /* of GPU_SHARE_ALL: what one group takes of the target's residency */
	bool strict;
	uint32_t strict_event, strict_waited; /* when it was started, what had been waited for: in strict time */

	/* Claimed and ended groups. killed once: nothing is claimed any more, held groups are dropped. */
	_Atomic uint64_t next, finished;
	_Atomic bool killed;
	_Atomic bool spinning;   /* a group ran long: others are started beside it soon */
	enum gpu_plan_kind plan; /* RUN, STOP_WAVE, STOP_OPCODE or PAGE_FAULT, in group total/2 */
	bool silent;
	/* Guarded by the scheduler's lock. */
	struct gpu_group_ctx *standing; /* the group whose planned wave stands; its fault is in stands */
	struct gpu_fault stands;
	unsigned attached; /* threads that may claim */
	bool listed, fault_set;
	struct gpu_fault fault; /* the first one */
	/* The first wave by workgroup that met a redirected page fault, or had not ended when the waves were killed: a
	 * key each (GPU_NO_WAVE: none), read without the lock, and what it stood at. */
	_Atomic uint64_t page_fault_key, stuck_key;
	struct gpu_fault page_fault, stuck;
	_Atomic bool look; /* killed from outside: find out where the waves stand */
	struct gpu_dispatch *next_listed;
};

struct gpu_code_cache;
struct gpu_group_ctx;

/* A host thread that runs groups. */
struct gpu_worker {
	struct gpu *gpu;
	struct gpu_thread reader[GPU_RING_COUNT]; /* one address space a ring at a time */
	struct gpu_code_cache *code;
	struct gpu_group_ctx **held;
	unsigned held_count, held_capacity;
	struct gpu_group_ctx *free;
	unsigned free_count;
	struct gpu_dispatch *current; /* attached to */
	unsigned claims;              /* since the last turn to another dispatch */
	uint64_t ended;               /* groups of current, not yet in its finished */
	uint32_t spare;               /* residency of a group of current, between two of them */
	unsigned held_of[GPU_RING_COUNT];
	uint64_t groups, waves, instructions; /* not yet in gpu->count */
};

int gpu_worker_init(struct gpu_worker *worker, struct gpu *gpu);
void gpu_worker_finish(struct gpu_worker *worker);

int gpu_sched_create(struct gpu *gpu, struct gpu_sched **sched_out);
void gpu_sched_destroy(struct gpu_sched *sched);

/* Starts a dispatch whose description is complete. The CP that calls works at it for a while. */
void gpu_sched_start(struct gpu_sched *sched, struct gpu_worker *cp, struct gpu_dispatch *d);
/* Works until every group of d has ended and nobody looks at it any more. */
void gpu_sched_wait(struct gpu_sched *sched, struct gpu_worker *cp, struct gpu_dispatch *d);
/* The same, but gives up when nothing of d runs any more because a planned wave stands: false, and *why_out. */
bool gpu_sched_wait_or_stand(struct gpu_sched *sched, struct gpu_worker *cp, struct gpu_dispatch *d,
			     struct gpu_fault *why_out);
/* Is d over? Does not wait. */
bool gpu_sched_over(struct gpu_sched *sched, struct gpu_dispatch *d);
/* Drops the waves of every dispatch of a ring. */
void gpu_sched_kill_ring(struct gpu_sched *sched, unsigned ring);
/* Keeps what a wave with this key stands at, if no wave before it has said so. */
void gpu_sched_note(struct gpu_sched *sched, _Atomic uint64_t *key, struct gpu_fault *kept, uint64_t wave,
		    const struct gpu_fault *at);
/* Ends a dispatch with a fault; the first one stays. */
void gpu_sched_fault(struct gpu_sched *sched, struct gpu_dispatch *d, const struct gpu_fault *fault);

/* group.c: the life of one workgroup. */
enum gpu_group_state { GPU_GROUP_RUNNING, GPU_GROUP_IDLE, GPU_GROUP_OVER, GPU_GROUP_STANDS };

struct gpu_group_ctx {
	struct gpu_group group;
	struct gpu_dispatch *d;
	struct gpu_wave *waves;
	unsigned wave_capacity;
	uint32_t *vgpr;
	size_t vgpr_capacity; /* bytes */
	uint8_t *lds;
	size_t lds_capacity;
	uint16_t *slots; /* scratch slot of each wave */
	unsigned slices; /* quanta it has had */
	bool has_slots;
	bool planned;                   /* what is planned for the dispatch happens here, and has not yet */
	struct gpu_strict_wave *strict; /* a state for each wave, strict mode only */
	size_t strict_capacity;
	uint8_t *lds_shadow;
	size_t shadow_capacity;
	struct gpu_group_ctx *next;
};

/* Memory and scratch slots for a group of d. 0, -ENOMEM, -EAGAIN when the scratch ring has no room now. */
int gpu_group_reserve(struct gpu_group_ctx *ctx, struct gpu_dispatch *d);
void gpu_group_unreserve(struct gpu_group_ctx *ctx);
/* Makes a reserved context group number index. */
void gpu_group_start(struct gpu_worker *worker, struct gpu_group_ctx *ctx, uint64_t index);
/* A quantum for each wave that is ready. */
enum gpu_group_state gpu_group_run(struct gpu_worker *worker, struct gpu_group_ctx *ctx);
void gpu_group_end(struct gpu_worker *worker, struct gpu_group_ctx *ctx);
void gpu_group_free(struct gpu_group_ctx *ctx);
/* Where the planned wave of a group that stands is. */
void gpu_group_stands(const struct gpu_group_ctx *ctx, struct gpu_fault *fault_out);
uint64_t gpu_group_planned_key(const struct gpu_group_ctx *ctx);
/* A wave met a page fault that was redirected. */
void gpu_group_note_fault(const struct gpu_wave *w, const struct gpu_fault *fault);

/* code.c: decoded instructions. */
struct gpu_code_page {
	uint64_t va, epoch, generation;
	struct gpu_vm *vm;
	uint32_t raw[GPU_PAGE_SIZE / 4];
	struct gpu_inst inst[GPU_PAGE_SIZE / 4];
};
struct gpu_code_cache *gpu_code_create(void);
void gpu_code_destroy(struct gpu_code_cache *code);
/* The instruction at w->pc in its page, decoded. */
const struct gpu_inst *gpu_code_inst(struct gpu_wave *w, struct gpu_code_page *page);
/* The page that pc lies in, checked against memory when the epoch or the page tables have changed. NULL: fault. */
struct gpu_code_page *gpu_code_page(struct gpu_code_cache *code, struct gpu_wave *w, uint64_t epoch);

#endif

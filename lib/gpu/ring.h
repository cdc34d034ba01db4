/* SPDX-License-Identifier: MIT */
/*
 * ring.h - a ring instance: its queue of jobs, its command processor's thread and state.
 *
 * The CP's registers outlive jobs, as in hardware: a stream that relies on a register it has not set runs with what the
 * job before left there.
 */
#ifndef DF_GPU_RING_H
#define DF_GPU_RING_H

#include "ce.h"
#include "regs.h"
#include "sched.h"

enum {
	GPU_PACKET_MAX_DW = 0x4001, /* PM4: 14 bits of count, header */
	GPU_IB_LEVELS = 2,          /* an IB of the ring and one below it (IB1, IB2) */
	GPU_ASYNC_LAUNCHES = 64,    /* launches of one ring in flight */
	GPU_SDMA_OPCODES = 256,
};

struct gpu_cp_ib {
	uint64_t va;
	uint32_t size_dw, at_dw;
};

struct gpu_ring {
	struct gpu *gpu;
	enum gpu_ring_type type;
	unsigned instance, index;

	pthread_mutex_t lock; /* guards the queue and its conditions, started, stop, current_seq */
	pthread_cond_t work, idle;
	struct gpu_job *head, **tail;
	uint64_t submitted, completed; /* jobs */
	uint64_t kill_before;          /* jobs numbered below end with GPU_KILLED */
	bool started, stop, busy;
	pthread_t thread;
	_Atomic bool abort; /* the running job is to end now */

	/* The CP thread's own. */
	struct gpu_worker worker;
	struct gpu_thread reader; /* for packets and the memory they touch */
	struct gpu_job *job;
	struct gpu_fault fault; /* status GPU_DONE: none */
	struct gpu_regs regs;
	struct gpu_scratch_slots slots;
	struct gpu_dispatch *flight[GPU_ASYNC_LAUNCHES];
	unsigned flight_count;
	unsigned planned; /* launches in flight that are planned to stop */
	struct gpu_dispatch *spare;
	uint64_t code_epoch;
	struct gpu_cp_ib ib[GPU_IB_LEVELS];
	unsigned ib_level;
	uint64_t packet_va;
	uint32_t packet[GPU_PACKET_MAX_DW]; /* the body of the packet, without its header */
	uint64_t base[4];                   /* SET_BASE, by base index */
	bool predicate_off;                 /* packets with the predicate bit are skipped */
	uint32_t pred_exec_skip;
	struct gpu_ce *ce; /* NULL but on the GFX ring */
	bool on_ce;        /* its packets are run, and ib, ib_level and packet_va are its own */
};

int gpu_ring_create(struct gpu *gpu, enum gpu_ring_type type, unsigned instance, unsigned index,
		    struct gpu_ring **ring_out);
void gpu_ring_destroy(struct gpu_ring *ring);

/* Ends the job with a fault at the current packet: sentence with its address behind it. Returns -EFAULT. */
int gpu_ring_refuse(struct gpu_ring *ring, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* 0, or -ECANCELED when the job is to end (reset, fault of a wave). */
int gpu_ring_check(struct gpu_ring *ring);
/* Memory for the CP. 0 or -EFAULT; the fault is the job's then. */
int gpu_ring_read(struct gpu_ring *ring, uint64_t va, void *to, size_t size_B);
int gpu_ring_write(struct gpu_ring *ring, uint64_t va, const void *from, size_t size_B);
/* Copies through the page tables, any alignment; regions that overlap give what an ascending copy gives. */
int gpu_ring_copy(struct gpu_ring *ring, uint64_t to, uint64_t from, uint64_t size_B);
int gpu_ring_fill(struct gpu_ring *ring, uint64_t to, uint32_t value, uint64_t size_B);
/* One atomic of the TC_OP list (navi10_enum.h), 32 or 64 bits, with or without return. *old_out may be NULL. */
int gpu_ring_atomic(struct gpu_ring *ring, unsigned op, uint64_t va, uint64_t source, uint64_t compare,
		    uint64_t *old_out);
/* Waits until function(value & mask, reference) holds for memory. */
int gpu_ring_poll(struct gpu_ring *ring, uint64_t va, unsigned function, uint64_t reference, uint64_t mask,
		  unsigned size_B);
bool gpu_compare(unsigned function, uint64_t value, uint64_t reference);
/* Waits for every launch that the CP has started. 0 or -ECANCELED. */
int gpu_ring_drain(struct gpu_ring *ring);

/* Takes over a dispatch that is ready; it may be over when this returns. 0 or -ECANCELED. */
int gpu_ring_launch(struct gpu_ring *ring, struct gpu_dispatch *d);

/* plan.c. Asks what is planned for a launch and arranges it. 0, or -ECANCELED when the job is to end. */
int gpu_ring_plan(struct gpu_ring *ring, struct gpu_dispatch *d, struct gpu_plan *plan_out);
/* Makes the launch that has just been started take longer. */
int gpu_ring_plan_slow(struct gpu_ring *ring, unsigned factor, uint64_t began_ns);
uint64_t gpu_plan_now_ns(void);
/* The job cannot go on: tells, unless silent, and waits for a reset. -ECANCELED. */
int gpu_ring_stop(struct gpu_ring *ring, const struct gpu_fault *why, bool silent);
/* Every launch in flight is over but those that are planned to stop, and these stand: tells of them. */
void gpu_ring_stands(struct gpu_ring *ring);

/* dispatch.c: starts a launch from the SH registers. dim as in the packet. */
int gpu_ring_dispatch(struct gpu_ring *ring, const uint32_t dim[3], uint32_t initiator);

/* pm4.c, sdma.c: run one IB of a job. */
int gpu_pm4_run(struct gpu_ring *ring, const struct gpu_ib *ib);
/* The same in steps: 0 or -errno; gpu_pm4_step() runs a packet, and returns 1 when the IB is over. */
int gpu_pm4_begin(struct gpu_ring *ring, const struct gpu_ib *ib);
int gpu_pm4_step(struct gpu_ring *ring);
int gpu_sdma_run(struct gpu_ring *ring, const struct gpu_ib *ib);
/* Name of an SDMA packet, and whether it is refused whatever it holds; NULL: there is none. */
const char *gpu_sdma_name(uint32_t opcode, bool *refused_out);
/* The next n dwords of the running IB into ring->packet. */
int gpu_ib_fetch(struct gpu_ring *ring, uint32_t *to, uint32_t n);

static inline uint64_t gpu_u64(uint32_t low, uint32_t high)
{
	return low | (uint64_t)high << 32;
}

#endif

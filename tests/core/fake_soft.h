/* SPDX-License-Identifier: MIT */
/*
 * fake_soft.h - a render node without a GPU, for tests of the core and the amdgpu port: it keeps the uAPI's objects,
 * refuses what the kernel refuses, and runs a job by storing the completion marker that its last IB writes. The test
 * says when jobs end and how, and which ioctl fails.
 */
#ifndef TESTS_CORE_FAKE_SOFT_H
#define TESTS_CORE_FAKE_SOFT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "node/node.h"

enum fake_mode {
	FAKE_RUN,  /* jobs end at once */
	FAKE_HOLD, /* jobs run until fake_release() or fake_lose() */
	FAKE_LOSE, /* jobs end without their marker, with lose_error (0: success) */
};

/* Read and written by tests while nothing runs. */
struct fake_control {
	enum fake_mode mode;
	int lose_error;
	unsigned lose_count; /* with FAKE_LOSE: how many jobs are lost before jobs run again; 0: all */
	/* What QUERY_STATE2 says of contexts made before the last loss of a job (in_progress: of all). */
	bool reset, guilty, memory_lost, in_progress;
	bool gone; /* every ioctl is refused with ENODEV */
	uint32_t drm_minor;
	uint64_t fault_address; /* 0: none */
	/* The fail_at-th ioctl from now (1: the next; 0: none) with this number (0: any) fails with fail_error. */
	unsigned fail_at, fail_request;
	int fail_error;
	bool refuse_priority;
	bool deaf; /* interrupts are lost: WAIT_CS says of jobs that ended well that they run */
};
extern struct fake_control fake;

/* Counts of what exists, and of ioctls since fake_reset(). */
struct fake_counts {
	atomic_uint handles, maps, mappings, contexts, syncobjs, files;
	atomic_uint ioctls, submits;
};
extern struct fake_counts fake_counts;

/* The last submission as the port made it. */
struct fake_submission {
	uint32_t context, chunks, ibs, dependencies, waits, bos;
	uint64_t ib_va[2];
	uint32_t ib_bytes[2];
	uint64_t timeline_point;
};
extern struct fake_submission fake_last;
extern uint64_t fake_last_point; /* that the host signalled, of any timeline */

extern const struct df_soft_ops fake_ops;

void fake_reset(void);
/* Ends the oldest held jobs: count of them, UINT32_MAX for all. */
void fake_release(unsigned count);
void fake_lose(unsigned count, int error);
void fake_reset_idle(void); /* a loss in which no job was */
/* Finds the memory behind a GPU address of the only open file. NULL: unmapped. flags_out: AMDGPU_VM_*. */
void *fake_memory(uint64_t va, uint32_t *flags_out);

#endif

/* SPDX-License-Identifier: MIT */
/* gpud.h - the software GPU as the hardware of drumfire.ko: parts of drumfire-gpud. */
#ifndef DF_GPUD_H
#define DF_GPUD_H

#include "drumfire_hw.h"
#include "gpu/gpu.h"

#include <pthread.h>
#include <stdatomic.h>

#define GPUD_FAULTS 16
struct gpud_fault_kind;
struct gpud_fault {
	const struct gpud_fault_kind *kind;
	uint32_t launch;
};

struct gpud {
	int fd;
	int signal_fd; /* readable: to end, with a fidelity report; -1: signals do what they always do */
	struct gpu *gpu;
	struct df_hw_ring *ring;
	char *aperture;
	uint64_t aperture_B;
	pthread_mutex_t event_lock; /* guards the producer side of the event ring */
	pthread_mutex_t as_lock;    /* guards spaces against callbacks; changed by the serving thread alone */
	struct gpu_vm **spaces;     /* by address space number */
	uint32_t space_count;
	int fault_fd;               /* -1: none */
	pthread_mutex_t fault_lock; /* guards faults, fault_count */
	struct gpud_fault faults[GPUD_FAULTS];
	unsigned fault_count;
	atomic_bool deaf; /* the next reset of a ring does nothing */
};

struct gpud_options {
	const struct gpu_target *target;
	unsigned threads, timeout_ms;
	bool strict;
	uint64_t vram_B, gtt_B;
	const char *faults;
};

/* answers.c: what clients are told of the chip, asked of a soft node. 0 or -errno, with a line on stderr. */
struct gpud_answers {
	struct df_hw_answer rows[512];
	uint32_t count, blob_B;
	unsigned char blob[64 << 10];
};
int gpud_answers(const struct gpud_options *options, struct gpud_answers *answers, struct df_hw_attach *attach);

/* fault.c */
int gpud_faults_open(struct gpud *gpud, const char *path);
void gpud_faults_read(struct gpud *gpud); /* by the serving thread */
void gpud_plan(void *user, struct gpu_job *job, uint32_t launch, struct gpu_plan *plan_out);

/* serve.c: takes commands until the kernel has nothing to say any more, or until signal_fd has (-EINTR). */
int gpud_serve(struct gpud *gpud);
void gpud_post(struct gpud *gpud, const struct df_hw_event *event);
void gpud_page_fault(void *user, struct gpu_vm *vm, const struct gpu_fault *fault);

#endif

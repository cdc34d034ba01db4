/* SPDX-License-Identifier: MIT */
/*
 * stop.c - where jobs stopped: what no kernel driver can say and a model can. The library asks when it writes a
 * capture, and `drumfire replay` when it has run one.
 */
#include "soft.h"

#include "uapi/drumfire_capture.h"

#include <stdlib.h>
#include <string.h>

/* What the model says of the job, worst first; NULL: it came to its end. */
static const struct gpu_fault *worst(const struct soft_job *job, const struct gpu_fault *result, uint32_t *kind_out)
{
	switch (result->status) {
	case GPU_FAULT_PAGE:
		*kind_out = DF_CAPTURE_STOP_PAGE_FAULT;
		return result;
	case GPU_FAULT_OPCODE:
		*kind_out = DF_CAPTURE_STOP_OPCODE;
		return result;
	case GPU_FAULT_PACKET:
		*kind_out = DF_CAPTURE_STOP_PACKET;
		return result;
	case GPU_KILLED:
	case GPU_DONE:
		break;
	}
	if (job->gpu.stuck.status != GPU_DONE) {
		*kind_out = DF_CAPTURE_STOP_WAVE;
		return &job->gpu.stuck;
	}
	if (result->status == GPU_KILLED) {
		*kind_out = DF_CAPTURE_STOP_CP;
		return result->address ? result : NULL; /* else it had not begun */
	}
	*kind_out = DF_CAPTURE_STOP_PAGE_FAULT;
	return job->gpu.page_fault.status != GPU_DONE ? &job->gpu.page_fault : NULL;
}

/* A fault that was asked for and left the job to come to its end is kept too: what it did is told by the kernel. */
static struct gpu_fault of_request(const struct soft_job *job)
{
	const char *at = strchr(job->fault, '@');

	return (struct gpu_fault){.launch = at ? (uint32_t)strtoul(at + 1, NULL, 10) : 0};
}

void soft_stop_keep(struct soft_job *job, const struct gpu_fault *result)
{
	struct soft_file *file = job->file;
	const struct gpu_fault asked = of_request(job);
	struct soft_stopped *kept;
	uint32_t kind;
	const struct gpu_fault *fault = worst(job, result, &kind);

	if (!fault && !job->fault[0])
		return;
	if (!fault) {
		kind = DF_CAPTURE_STOP_UNKNOWN;
		fault = &asked;
	}
	kept = &file->stops[file->stop_count++ % SOFT_STOPS];
	*kept = (struct soft_stopped){.ctx_id = job->ctx_id,
				      .sequence = job->sequence,
				      .stop = {.kind = kind,
					       .access = fault->access,
					       .launch = fault->launch,
					       .wave = fault->wave,
					       .pc = fault->pc,
					       .address = fault->address}};
	memcpy(kept->stop.group, fault->group, sizeof(kept->stop.group));
	memcpy(kept->stop.what, fault->what, sizeof(kept->stop.what));
	memcpy(kept->stop.fault, job->fault, sizeof(kept->stop.fault));
}

void soft_stop_forget(struct soft_file *file, uint32_t ctx_id)
{
	for (unsigned i = 0; i < SOFT_STOPS; i++)
		if (file->stops[i].ctx_id == ctx_id)
			file->stops[i].ctx_id = 0;
}

int soft_stop_find(struct soft_file *file, uint32_t ctx_id, uint64_t sequence, struct df_soft_stop *stop_out)
{
	unsigned kept;
	int ret = -1;

	pthread_mutex_lock(&soft_lock);
	kept = file->stop_count < SOFT_STOPS ? file->stop_count : SOFT_STOPS;
	for (unsigned i = 0; i < kept && ret; i++) {
		const struct soft_stopped *stopped = &file->stops[(file->stop_count - 1 - i) % SOFT_STOPS];

		if (stopped->ctx_id != ctx_id || stopped->sequence != sequence)
			continue;
		*stop_out = stopped->stop;
		ret = 0;
	}
	pthread_mutex_unlock(&soft_lock);
	return ret;
}

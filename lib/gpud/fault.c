// SPDX-License-Identifier: MIT
/*
 * fault.c - faults on purpose: lines of NAME@LAUNCH, as df_device_fault() takes them, out of a FIFO that somebody
 * writes to (--faults). Each happens once, at the launch of that number of any job. What only a kernel can do to a job
 * is nothing that a chip could be asked for.
 */
#include "gpud/gpud.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOW_FACTOR = 10 };

static const struct gpud_fault_kind {
	const char *name;
	enum gpu_plan_kind plan;
	bool deaf;    /* the ring's reset does nothing, so that a full one must follow */
	bool removed; /* the process ends before the launch */
} kinds[] = {
	{"hang", GPU_PLAN_STOP_WAVE, false, false},
	{"cp-hang", GPU_PLAN_STOP_CP, false, false},
	{"illegal-opcode", GPU_PLAN_STOP_OPCODE, false, false},
	{"page-fault", GPU_PLAN_PAGE_FAULT, false, false},
	{"full-reset", GPU_PLAN_STOP_WAVE, true, false},
	{"removed", GPU_PLAN_RUN, false, true},
	{"slow", GPU_PLAN_SLOW, false, false},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

int gpud_faults_open(struct gpud *gpud, const char *path)
{
	if (mkfifo(path, 0600) && errno != EEXIST)
		goto fail;
	/* For writing too: it has no end then. */
	gpud->fault_fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (gpud->fault_fd >= 0)
		return 0;
fail:
	fprintf(stderr, "drumfire gpud: %s: %s. Fix: name a FIFO, or a path where one can be made.\n", path,
		strerror(errno));
	return -errno;
}

static void add(struct gpud *gpud, const char *line)
{
	const char *at = strchr(line, '@');
	char *end = NULL;
	struct gpud_fault fault = {.launch = at ? (uint32_t)strtoul(at + 1, &end, 10) : 0};

	for (size_t i = 0; i < KINDS; i++)
		if (at && strlen(kinds[i].name) == (size_t)(at - line) &&
		    !strncmp(kinds[i].name, line, (size_t)(at - line)))
			fault.kind = &kinds[i];
	if (!fault.kind || end == at + 1 || *end || gpud->fault_count == GPUD_FAULTS) {
		fprintf(stderr,
			"drumfire gpud: fault \"%s\" cannot be had. Fix: at most %d at a time of hang, cp-hang, "
			"illegal-opcode, page-fault, full-reset, removed, slow; NAME@LAUNCH\n",
			line, GPUD_FAULTS);
		return;
	}
	pthread_mutex_lock(&gpud->fault_lock);
	gpud->faults[gpud->fault_count++] = fault;
	pthread_mutex_unlock(&gpud->fault_lock);
	gpu_plan_launches(gpud->gpu, true);
}

void gpud_faults_read(struct gpud *gpud)
{
	char text[1024], *save = NULL;
	ssize_t bytes = gpud->fault_fd < 0 ? 0 : read(gpud->fault_fd, text, sizeof(text) - 1);

	if (bytes <= 0)
		return;
	text[bytes] = 0;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		add(gpud, line);
}

void gpud_plan(void *user, struct gpu_job *job, uint32_t launch, struct gpu_plan *plan_out)
{
	struct gpud *gpud = user;
	const struct gpud_fault_kind *kind = NULL;

	(void)job;
	pthread_mutex_lock(&gpud->fault_lock);
	for (unsigned i = 0; i < gpud->fault_count && !kind; i++) {
		if (gpud->faults[i].launch != launch)
			continue;
		kind = gpud->faults[i].kind;
		gpud->faults[i] = gpud->faults[--gpud->fault_count];
	}
	if (!gpud->fault_count)
		gpu_plan_launches(gpud->gpu, false);
	pthread_mutex_unlock(&gpud->fault_lock);
	if (!kind)
		return;
	if (kind->removed)
		_exit(1);
	if (kind->deaf)
		atomic_store(&gpud->deaf, true);
	*plan_out = (struct gpu_plan){.kind = kind->plan, .factor = SLOW_FACTOR};
}

/* SPDX-License-Identifier: MIT */
/*
 * fault.c - faults on request: "hang@17", "memory-lost@3:always", "ioctl:AMDGPU_CS#2=ENOMEM", "mmap#1".
 *
 * A fault of a launch waits for the launch of that number in any job of a compute or graphics ring; the model asks
 * before each launch (soft_fault_plan). It happens once, or with ":always" every time. A fault of a call counts the
 * calls of its kind from when it was asked for, and fails the n-th before that has done anything.
 *
 * A device that was unplugged leaves its faults to the one that takes its place. soft_lock guards all of it.
 */
#include "soft.h"

#include "node/ioctl_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FAULTS  64u
#define SLOW_FACTOR 10u
#define SLOW_MAX    1000000u

static const struct kind {
	const char *name, *meaning;
	enum gpu_plan_kind plan;
	enum soft_reset reset;
	bool lost_interrupt, silent;
} kinds[] = {
	{"hang", "a wave of the launch never ends; the kernel does with it what it does with a job that hangs",
	 GPU_PLAN_STOP_WAVE, SOFT_RESET_KERNEL, false, false},
	{"cp-hang", "the command processor stops before the launch", GPU_PLAN_STOP_CP, SOFT_RESET_KERNEL, false, false},
	{"illegal-opcode", "a wave of the launch comes to an instruction that does not exist", GPU_PLAN_STOP_OPCODE,
	 SOFT_RESET_KERNEL, false, false},
	{"page-fault", "an access of the launch goes to an unmapped page; the kernel redirects it and the job succeeds",
	 GPU_PLAN_PAGE_FAULT, SOFT_RESET_KERNEL, false, false},
	{"soft-recovery", "the launch hangs, its waves are killed and the stream goes on behind it", GPU_PLAN_STOP_WAVE,
	 SOFT_RESET_SOFT, false, false},
	{"queue-reset", "the launch hangs and its ring is reset; the others' jobs on it are emitted again",
	 GPU_PLAN_STOP_WAVE, SOFT_RESET_QUEUE, false, false},
	{"innocent-rerun", "another's job hangs while the launch runs; memory stays and the kernel runs the job again",
	 GPU_PLAN_STOP_WAVE, SOFT_RESET_RERUN, false, false},
	{"bystander", "another's job hangs while the launch runs and the device is reset", GPU_PLAN_STOP_WAVE,
	 SOFT_RESET_BYSTANDER, false, false},
	{"full-reset", "the launch hangs; every job on every ring is cancelled and device memory is lost",
	 GPU_PLAN_STOP_WAVE, SOFT_RESET_FULL, false, false},
	{"memory-lost", "device memory is lost in a reset that another process caused, while the launch runs",
	 GPU_PLAN_STOP_WAVE, SOFT_RESET_LOSS, false, false},
	{"memory-lost-idle", "the same, once the job of the launch has ended and before the next ioctl", GPU_PLAN_RUN,
	 SOFT_RESET_LOSS, false, false},
	{"removed", "the device is unplugged while the launch runs", GPU_PLAN_STOP_WAVE, SOFT_RESET_REMOVED, false,
	 false},
	{"slow", "the launch takes ten times as long; slow=FACTOR@LAUNCH: that many times", GPU_PLAN_SLOW,
	 SOFT_RESET_KERNEL, false, false},
	{"lost-interrupt", "the interrupt at the end of the job is lost: the kernel finds out half a second later",
	 GPU_PLAN_RUN, SOFT_RESET_KERNEL, true, false},
	/* Not in the list of names: nothing survives it. For waits with a deadline. */
	{"stall", "a wave of the launch never ends and nothing ever times out", GPU_PLAN_STOP_WAVE, SOFT_RESET_KERNEL,
	 false, true},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const struct {
	const char *name;
	int number;
} errors[] = {
	{"EINTR", EINTR},   {"EAGAIN", EAGAIN}, {"ENOMEM", ENOMEM}, {"EINVAL", EINVAL}, {"ENODEV", ENODEV},
	{"ETIME", ETIME},   {"EIO", EIO},       {"EFAULT", EFAULT}, {"EBUSY", EBUSY},   {"ENOSPC", ENOSPC},
	{"EACCES", EACCES}, {"EPERM", EPERM},   {"ENOENT", ENOENT}, {"EBADF", EBADF},   {"ECANCELED", ECANCELED},
};

struct fault {
	const struct kind *kind; /* NULL: of a call */
	uint32_t launch;
	unsigned factor; /* of slow */
	bool always, used;
	unsigned call; /* ioctl number, or SOFT_FAULT_MMAP */
	uint64_t left; /* calls until it fails, that one included */
	int error;
	char text[64];
};

struct soft_faults {
	struct fault list[MAX_FAULTS];
	unsigned count, calls; /* calls: those of calls that wait */
	bool loss_due;
};

int soft_fault_name(unsigned i, const char **name_out, const char **meaning_out)
{
	if (i >= KINDS - 1)
		return -1;
	*name_out = kinds[i].name;
	*meaning_out = kinds[i].meaning;
	return 0;
}

/* ---- asking for faults ---- */

static int refuse(char *error, size_t error_size, const char *spec, const char *what)
{
	snprintf(error, error_size, "fault \"%.60s\": %s", spec, what);
	return -EINVAL;
}

static int parse_count(const char *text, const char *end, uint64_t min, uint64_t max, uint64_t *value_out)
{
	uint64_t value = 0;

	if (text == end)
		return -EINVAL;
	for (; text != end; text++) {
		if (*text < '0' || *text > '9' || value > max)
			return -EINVAL;
		value = value * 10 + (uint64_t)(*text - '0');
	}
	if (value < min || value > max)
		return -EINVAL;
	*value_out = value;
	return 0;
}

static int unknown_kind(const char *spec, char *error, size_t error_size)
{
	size_t at = (size_t)snprintf(error, error_size, "fault \"%.60s\": there is no such fault. Fix: one of", spec);

	for (size_t i = 0; i < KINDS && at < error_size; i++)
		at += (size_t)snprintf(error + at, error_size - at, "%s %s", i ? "," : "", kinds[i].name);
	if (at < error_size)
		snprintf(error + at, error_size - at, "; or ioctl:NAME#N=ERRNO, mmap#N");
	return -EINVAL;
}

/* NAME, or slow=FACTOR, before the '@'. */
static int parse_name(const char *spec, const char *at, struct fault *fault, char *error, size_t error_size)
{
	const char *equals = memchr(spec, '=', (size_t)(at - spec)), *end = equals ? equals : at;
	uint64_t factor = SLOW_FACTOR;

	for (size_t i = 0; i < KINDS; i++)
		if (strlen(kinds[i].name) == (size_t)(end - spec) &&
		    !strncmp(kinds[i].name, spec, (size_t)(end - spec)))
			fault->kind = &kinds[i];
	if (!fault->kind || (equals && fault->kind->plan != GPU_PLAN_SLOW))
		return unknown_kind(spec, error, error_size);
	if (equals && parse_count(equals + 1, at, 1, SLOW_MAX, &factor))
		return refuse(error, error_size, spec,
			      "the factor is not a number from 1 to 1000000. Fix: slow=FACTOR@LAUNCH");
	fault->factor = (unsigned)factor;
	return 0;
}

static int parse_launch(const char *spec, const char *at, struct fault *fault, char *error, size_t error_size)
{
	const char *end = strchr(at, ':');
	uint64_t launch;
	int ret = parse_name(spec, at, fault, error, error_size);

	if (ret)
		return ret;
	fault->always = end && !strcmp(end, ":always");
	if (end && !fault->always)
		return refuse(error, error_size, spec,
			      "what follows the launch is not \":always\". Fix: NAME@LAUNCH:always");
	if (parse_count(at + 1, end ? end : at + strlen(at), 0, UINT32_MAX - 1, &launch))
		return refuse(error, error_size, spec,
			      "the launch is not a number. Fix: NAME@LAUNCH, launches count from 0 in a batch");
	fault->launch = (uint32_t)launch;
	return 0;
}

static int parse_error(const char *text, int *error_out)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (!strcmp(errors[i].name, text)) {
			*error_out = errors[i].number;
			return 0;
		}
	return -EINVAL;
}

static int parse_ioctl(const char *spec, struct fault *fault, char *error, size_t error_size)
{
	const char *name = spec + strlen("ioctl:"), *hash = strchrnul(name, '#'), *equals = strchr(hash, '=');
	bool known = false;

	for (size_t i = 0; i < sizeof(ioctl_names) / sizeof(ioctl_names[0]); i++)
		if (strlen(ioctl_names[i].name) == (size_t)(hash - name) &&
		    !strncmp(ioctl_names[i].name, name, (size_t)(hash - name))) {
			fault->call = ioctl_names[i].number;
			known = true;
		}
	if (!known)
		return refuse(error, error_size, spec,
			      "no such ioctl. Fix: ioctl:NAME#N=ERRNO, with a name that the statistics show, AMDGPU_CS "
			      "for example");
	if (!*hash || !equals || parse_count(hash + 1, equals, 1, UINT32_MAX, &fault->left))
		return refuse(error, error_size, spec, "N is not a number from 1 on. Fix: ioctl:NAME#N=ERRNO");
	if (parse_error(equals + 1, &fault->error))
		return refuse(error, error_size, spec, "no such error. Fix: ENOMEM, EINVAL, EINTR, ENODEV ...");
	return 0;
}

static int parse(const char *spec, struct fault *fault, char *error, size_t error_size)
{
	const char *at = strchr(spec, '@');

	if (strlen(spec) >= sizeof(fault->text))
		return refuse(error, error_size, spec, "it is longer than 63 characters. Fix: NAME@LAUNCH");
	strcpy(fault->text, spec);
	if (!strncmp(spec, "ioctl:", 6))
		return parse_ioctl(spec, fault, error, error_size);
	if (!strncmp(spec, "mmap#", 5)) {
		fault->call = SOFT_FAULT_MMAP;
		fault->error = ENOMEM;
		return parse_count(spec + 5, spec + strlen(spec), 1, UINT32_MAX, &fault->left)
			       ? refuse(error, error_size, spec, "N is not a number from 1 on. Fix: mmap#N")
			       : 0;
	}
	if (!at) {
		for (size_t i = 0; i < KINDS; i++)
			if (!strcmp(kinds[i].name, spec))
				return refuse(error, error_size, spec, "the launch is missing. Fix: NAME@LAUNCH");
		return unknown_kind(spec, error, error_size);
	}
	return parse_launch(spec, at, fault, error, error_size);
}

static void forget_used(struct soft_faults *faults)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < faults->count; i++)
		if (!faults->list[i].used)
			faults->list[kept++] = faults->list[i];
	faults->count = kept;
}

/* Whether the model and the ioctl layer have anything to ask about. soft_lock is held. */
static void arm(struct soft_device *device)
{
	struct soft_faults *faults = device->faults;
	bool launches = false;

	faults->calls = 0;
	for (unsigned i = 0; i < faults->count; i++) {
		const struct fault *fault = &faults->list[i];

		launches |= fault->kind && !fault->used;
		faults->calls += !fault->kind && !fault->used;
	}
	atomic_store(&device->faulty, faults->calls || faults->loss_due);
	gpu_plan_launches(device->gpu, launches);
}

int soft_fault_add(struct soft_device *device, const char *spec, char *error, size_t error_size)
{
	struct soft_faults *faults = device->faults;
	struct fault fault = {0};
	int ret = parse(spec, &fault, error, error_size);

	if (ret)
		return ret;
	pthread_mutex_lock(&soft_lock);
	forget_used(faults);
	if (faults->count < MAX_FAULTS) {
		faults->list[faults->count++] = fault;
		arm(device);
	} else {
		snprintf(error, error_size, "fault \"%s\": %u are waiting already. Fix: let some of them happen first",
			 spec, MAX_FAULTS);
		ret = -ENOSPC;
	}
	pthread_mutex_unlock(&soft_lock);
	return ret;
}

/* DRUMFIRE_FAULT: a list of them, with commas. */
int soft_faults_from_environment(struct soft_device *device, char *error, size_t error_size)
{
	const char *list = getenv("DRUMFIRE_FAULT");
	char *copy = list ? strdup(list) : NULL, *save = NULL;
	int ret = 0;

	if (list && !copy)
		return -ENOMEM;
	for (char *spec = copy ? strtok_r(copy, ",", &save) : NULL; spec && !ret; spec = strtok_r(NULL, ",", &save)) {
		char why[400];

		ret = soft_fault_add(device, spec, why, sizeof(why));
		if (ret)
			snprintf(error, error_size, "DRUMFIRE_FAULT: %s", why);
	}
	free(copy);
	return ret;
}

int soft_faults_create(struct soft_device *device)
{
	device->faults = calloc(1, sizeof(*device->faults));
	return device->faults ? 0 : -ENOMEM;
}

void soft_faults_destroy(struct soft_device *device)
{
	free(device->faults);
}

void soft_faults_inherit(struct soft_device *device, struct soft_device *gone)
{
	pthread_mutex_lock(&soft_lock);
	*device->faults = *gone->faults;
	device->faults->loss_due = false;
	memset(gone->faults, 0, sizeof(*gone->faults));
	forget_used(device->faults);
	arm(device);
	pthread_mutex_unlock(&soft_lock);
}

/* ---- they happen ---- */

/* Who hung is not there any more when a kernel runs the others' jobs again: those are let pass then. */
static bool by_another(const struct kind *kind)
{
	return kind->reset == SOFT_RESET_RERUN || kind->reset == SOFT_RESET_BYSTANDER || kind->reset == SOFT_RESET_LOSS;
}

void soft_fault_plan(void *user, struct gpu_job *gpu, uint32_t launch, struct gpu_plan *plan_out)
{
	struct soft_device *device = user;
	struct soft_job *job = (struct soft_job *)((char *)gpu - offsetof(struct soft_job, gpu));
	struct soft_faults *faults = device->faults;

	pthread_mutex_lock(&soft_lock);
	for (unsigned i = 0; i < faults->count; i++) {
		struct fault *fault = &faults->list[i];

		if (!fault->kind || fault->used || fault->launch != launch || (job->reruns && by_another(fault->kind)))
			continue;
		fault->used = !fault->always;
		memcpy(job->fault, fault->text, sizeof(job->fault));
		job->reset = fault->kind->reset;
		job->untold |= fault->kind->lost_interrupt;
		job->stalled |= fault->kind->silent;
		job->loses_memory |= fault->kind->plan == GPU_PLAN_RUN && fault->kind->reset == SOFT_RESET_LOSS;
		*plan_out = (struct gpu_plan){fault->kind->plan, fault->factor, fault->kind->silent};
		arm(device);
		break;
	}
	pthread_mutex_unlock(&soft_lock);
}

void soft_fault_job_done(struct soft_device *device, const struct soft_job *job)
{
	if (!job->loses_memory)
		return;
	device->faults->loss_due = true;
	arm(device);
}

static int fail_call(struct soft_faults *faults, unsigned number)
{
	int error = 0;

	for (unsigned i = 0; i < faults->count; i++) {
		struct fault *fault = &faults->list[i];

		if (fault->kind || fault->used || fault->call != number || --fault->left)
			continue;
		fault->used = true;
		error = -fault->error;
	}
	return error;
}

int soft_fault_call(struct soft_device *device, unsigned number)
{
	struct soft_faults *faults = device->faults;
	int ret = 0;

	if (__builtin_expect(!atomic_load_explicit(&device->faulty, memory_order_relaxed), 1))
		return 0;
	pthread_mutex_lock(&soft_lock);
	if (faults->loss_due && !atomic_load(&device->lost)) {
		faults->loss_due = false;
		soft_reset_ask(device, SOFT_RESET_LOSS);
	}
	if (faults->calls)
		ret = fail_call(faults, number);
	arm(device);
	pthread_mutex_unlock(&soft_lock);
	return ret;
}

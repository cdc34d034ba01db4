/* SPDX-License-Identifier: MIT */
/*
 * used.c - which instructions, packets, events and registers a GPU has come to, and how often.
 *
 * DRUMFIRE_FIDELITY=FILE in the environment of the process that holds the GPU: counts are kept, waves are run the slow
 * way, and a report is added to the file in one write when the GPU is destroyed, or at the end of a process that has
 * not done so. "-" is the standard error output. Without it there are no counts (gpu->used is NULL).
 */
#include "fidelity.h"
#include "internal.h"
#include "regs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	OPCODES = 1024, /* VOP3 has 10 bits */
	OTHERS = 256,   /* packets, events */
	REFUSALS = 64,  /* sentences that are kept */
	WHAT_MAX = sizeof(((struct gpu_fault *)0)->what),
};

struct refusal {
	char what[WHAT_MAX];
	uint64_t count;
};

struct gpu_used {
	struct gpu *gpu;
	struct gpu_used *next;
	pid_t owner; /* a child of it has nothing to report */
	char *path;
	_Atomic uint64_t op[GPU_ENCS][OPCODES];
	_Atomic uint64_t other[GPU_ROW_REGISTER][OTHERS];
	_Atomic uint64_t reg[GPU_UCONFIG_END / 4];
	pthread_mutex_t lock; /* guards what follows */
	struct refusal refusals[REFUSALS];
	unsigned refusal_count;
	uint64_t more_refusals; /* of sentences that had no room */
};

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct gpu_used *list;

int gpu_used_create(struct gpu *gpu, struct gpu_used **used_out)
{
	const char *path = secure_getenv("DRUMFIRE_FIDELITY");
	struct gpu_used *used;

	if (!path || !*path)
		return 0;
	used = calloc(1, sizeof(*used));
	if (used)
		used->path = strdup(path);
	if (!used || !used->path) {
		free(used);
		return -ENOMEM;
	}
	used->gpu = gpu;
	used->owner = getpid();
	pthread_mutex_init(&used->lock, NULL);
	pthread_mutex_lock(&list_lock);
	used->next = list;
	list = used;
	pthread_mutex_unlock(&list_lock);
	*used_out = used;
	return 0;
}

void gpu_used_op(struct gpu_used *used, const struct gpu_op *op)
{
	gpu_count(&used->op[op->enc][op->opcode % OPCODES], 1);
}

void gpu_used_row(struct gpu_used *used, enum gpu_row_kind kind, uint32_t number)
{
	if (kind == GPU_ROW_REGISTER)
		gpu_count(&used->reg[number / 4], 1);
	else
		gpu_count(&used->other[kind][number % OTHERS], 1);
}

void gpu_used_refusal(struct gpu_used *used, const char *what)
{
	unsigned i = 0;

	pthread_mutex_lock(&used->lock);
	while (i < used->refusal_count && strcmp(used->refusals[i].what, what) != 0)
		i++;
	if (i == REFUSALS) {
		used->more_refusals++;
	} else {
		if (i == used->refusal_count) {
			snprintf(used->refusals[i].what, WHAT_MAX, "%s", what);
			used->refusal_count++;
		}
		used->refusals[i].count++;
	}
	pthread_mutex_unlock(&used->lock);
}

static void report_ops(const struct gpu_used *used, FILE *file)
{
	for (unsigned enc = 0; enc < GPU_ENCS; enc++)
		for (unsigned i = 0; i < *gpu_isa_gfx10_3.count[enc]; i++) {
			const struct gpu_op *op = &gpu_isa_gfx10_3.ops[enc][i];
			const uint64_t count = atomic_load(&used->op[enc][op->opcode % OPCODES]);
			const struct gpu_statement statement = gpu_op_statement(op);

			if (count)
				gpu_statement_print(file, gpu_enc_name(enc), op->name, count, &statement);
		}
}

static void report_rows(const struct gpu_used *used, enum gpu_row_kind kind, FILE *file)
{
	static const char *const kinds[] = {"packet", "sdma", "event", "register"};
	const uint32_t step = kind == GPU_ROW_REGISTER ? 4 : 1;

	for (uint32_t number = 0; number < gpu_row_limit(kind); number += step) {
		const uint64_t count =
			atomic_load(kind == GPU_ROW_REGISTER ? &used->reg[number / 4] : &used->other[kind][number]);
		struct gpu_statement statement = {GPU_REFUSED, "unknown"};
		const char *name;
		char text[16];

		if (!count)
			continue;
		name = gpu_row_statement(kind, number, &statement);
		if (!name) {
			snprintf(text, sizeof(text), "0x%02x", number);
			name = text;
		}
		gpu_statement_print(file, kinds[kind], name, count, &statement);
	}
}

static void report_refusals(struct gpu_used *used, FILE *file)
{
	struct gpu_statement statement = {GPU_REFUSED, NULL};

	pthread_mutex_lock(&used->lock);
	for (unsigned i = 0; i < used->refusal_count; i++) {
		statement.text = used->refusals[i].what;
		gpu_statement_print(file, "refusal", "-", used->refusals[i].count, &statement);
	}
	statement.text = "others";
	if (used->more_refusals)
		gpu_statement_print(file, "refusal", "-", used->more_refusals, &statement);
	pthread_mutex_unlock(&used->lock);
}

static void append(const char *path, const char *text, size_t size)
{
	const bool to_stderr = !strcmp(path, "-");
	int fd = to_stderr ? STDERR_FILENO : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);

	while (fd >= 0 && size) {
		ssize_t done = write(fd, text, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			break;
		text += done;
		size -= (size_t)done;
	}
	if (fd < 0 || size)
		fprintf(stderr,
			"drumfire: the fidelity report cannot be written to %s: %s. Fix: name a file that can "
			"be written in DRUMFIRE_FIDELITY.\n",
			path, strerror(errno));
	if (fd >= 0 && !to_stderr)
		close(fd);
}

static void report(struct gpu_used *used)
{
	struct gpu_stats stats;
	char *text = NULL;
	size_t size;
	FILE *file;

	gpu_get_stats(used->gpu, &stats);
	if (used->owner != getpid() || !stats.jobs)
		return;
	file = open_memstream(&text, &size);
	if (!file)
		return;
	fprintf(file,
		"# drumfire fidelity: %s, process %d (%s), %llu jobs, %llu launches, %llu instructions\n"
		"# kind, name, times used, fidelity, statement\n",
		used->gpu->config.target->name, (int)used->owner, program_invocation_short_name,
		(unsigned long long)stats.jobs, (unsigned long long)stats.launches,
		(unsigned long long)stats.instructions);
	for (unsigned kind = 0; kind < GPU_ROW_KINDS; kind++)
		report_rows(used, kind, file);
	report_ops(used, file);
	report_refusals(used, file);
	if (!fclose(file))
		append(used->path, text, size);
	free(text);
}

void gpu_used_destroy(struct gpu_used *used)
{
	struct gpu_used **link;

	if (!used)
		return;
	pthread_mutex_lock(&list_lock);
	for (link = &list; *link != used; link = &(*link)->next)
		;
	*link = used->next;
	pthread_mutex_unlock(&list_lock);
	report(used);
	pthread_mutex_destroy(&used->lock);
	free(used->path);
	free(used);
}

/* Programs that end without closing the device. Its threads may be at work: the counts are read as they are. */
__attribute__((destructor)) void gpu_report_fidelity(void)
{
	pthread_mutex_lock(&list_lock);
	for (struct gpu_used *used = list; used; used = used->next)
		report(used);
	pthread_mutex_unlock(&list_lock);
}

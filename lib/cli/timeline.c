/* SPDX-License-Identifier: MIT */
/* Collecting a timeline, and the trace. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/timeline.h"

const char *timeline_verdict(enum df_verdict verdict)
{
	static const char *const names[] = {
		[DF_DONE] = "done",
		[DF_RUNNING] = "running",
		[DF_GUILTY_RESET] = "guilty reset",
		[DF_INNOCENT_RESET] = "innocent reset",
		[DF_MEMORY_LOST] = "memory lost",
		[DF_DEVICE_GONE] = "device gone",
		[DF_POISONED] = "poisoned",
	};

	return (unsigned)verdict < sizeof(names) / sizeof(names[0]) ? names[verdict] : "unknown";
}

void timeline_init(struct timeline *timeline, struct df_device *device)
{
	memset(timeline, 0, sizeof(*timeline));
	timeline->device = device;
	timeline->first_ns = df_now_ns();
}

void timeline_finish(struct timeline *timeline)
{
	free(timeline->spans);
	free(timeline->losses);
	timeline->spans = NULL;
	timeline->losses = NULL;
	timeline->span_count = timeline->loss_count = timeline->span_capacity = timeline->loss_capacity = 0;
}

unsigned timeline_lane(struct timeline *timeline, const char *name)
{
	struct timeline_lane *lane = &timeline->lanes[timeline->lane_count];

	*lane = (struct timeline_lane){.loss = -1};
	snprintf(lane->name, sizeof(lane->name), "%s", name);
	return timeline->lane_count++;
}

/* One more element of an array that grows; NULL: out of memory, and the drawing is given up. */
static void *one_more(struct timeline *timeline, void *array, unsigned count, unsigned *capacity, size_t element)
{
	unsigned wanted = *capacity ? *capacity * 2 : 64;
	void *larger;

	if (count < *capacity)
		return array;
	larger = reallocarray(array, wanted, element);
	if (larger)
		*capacity = wanted;
	else
		timeline->out_of_memory = true;
	return larger;
}

static void add_span(struct timeline *timeline, unsigned lane, enum timeline_kind kind, uint64_t start_ns,
		     uint64_t end_ns, uint64_t batch, const char *format, ...) __attribute__((format(printf, 7, 8)));
static void add_span(struct timeline *timeline, unsigned lane, enum timeline_kind kind, uint64_t start_ns,
		     uint64_t end_ns, uint64_t batch, const char *format, ...)
{
	struct timeline_span *spans = one_more(timeline, timeline->spans, timeline->span_count,
					       &timeline->span_capacity, sizeof(*timeline->spans));
	struct timeline_span *span;
	va_list arguments;

	if (!spans)
		return;
	timeline->spans = spans;
	span = &spans[timeline->span_count++];
	*span = (struct timeline_span){start_ns, end_ns, lane, kind, batch, ""};
	va_start(arguments, format);
	vsnprintf(span->text, sizeof(span->text), format, arguments);
	va_end(arguments);
}

static void launches_text(char *text, size_t size, uint64_t first, uint64_t last)
{
	if (first == last)
		snprintf(text, size, "launch %llu", (unsigned long long)first);
	else
		snprintf(text, size, "launches %llu-%llu", (unsigned long long)first, (unsigned long long)last);
}

/* What the loss has cost since it was found. */
static void settle(struct timeline *timeline, struct timeline_lane *lane)
{
	struct df_recovery_stats now;
	struct timeline_loss *loss;

	if (lane->loss < 0)
		return;
	loss = &timeline->losses[lane->loss];
	df_device_recovery(timeline->device, &now);
	loss->recover_ns = now.recover_ns - lane->before.recover_ns;
	if (!loss->recover_ns && lane->loss_ns) /* opening the device again is not in the library's sum */
		loss->recover_ns = df_now_ns() - lane->loss_ns;
	loss->restored_B = now.restored_B - lane->before.restored_B;
	loss->batches_rerun = now.batches_rerun - lane->before.batches_rerun;
	loss->launches_rerun = now.launches_rerun - lane->before.launches_rerun;
	lane->loss = -1;
}

/* What was under way on the lane is lost at this moment. */
static void lose(struct timeline *timeline, unsigned number, uint64_t now, const struct timeline_loss *loss)
{
	struct timeline_lane *lane = &timeline->lanes[number];
	struct timeline_loss *losses;
	char where[64];

	launches_text(where, sizeof(where), loss->first_launch, loss->last_launch);
	if (lane->run_ns)
		add_span(timeline, number, TIMELINE_LOST, lane->run_ns, now, loss->batch, "batch %llu lost: %s, %s",
			 (unsigned long long)loss->batch, timeline_verdict(loss->verdict), where);
	lane->run_ns = 0;
	lane->loss_ns = now;
	lane->again = true;
	settle(timeline, lane);
	df_device_recovery(timeline->device, &lane->before);
	losses = one_more(timeline, timeline->losses, timeline->loss_count, &timeline->loss_capacity,
			  sizeof(*timeline->losses));
	if (!losses)
		return;
	timeline->losses = losses;
	lane->loss = (int)timeline->loss_count;
	losses[timeline->loss_count] = *loss;
	losses[timeline->loss_count].at_ns = now;
	losses[timeline->loss_count].lane = number;
	/* The library has counted the time to detect just before it told of the loss. */
	losses[timeline->loss_count].detect_ns = lane->before.detect_ns - timeline->detect_ns;
	timeline->detect_ns = lane->before.detect_ns;
	if (timeline->next_what || timeline->named)
		snprintf(losses[timeline->loss_count].what, sizeof(losses->what), "%s",
			 timeline->next_what ? timeline->next_what : "the same, in another context");
	timeline->named |= timeline->next_what != NULL;
	timeline->next_what = NULL;
	timeline->loss_count++;
}

static void restored(struct timeline *timeline, unsigned number, uint64_t batch, const char *how)
{
	struct timeline_lane *lane = &timeline->lanes[number];
	uint64_t now = df_now_ns();

	if (!lane->loss_ns)
		return;
	add_span(timeline, number, TIMELINE_RESTORE, lane->loss_ns, now, batch, "%s", how);
	settle(timeline, lane);
	lane->loss_ns = 0;
	lane->run_ns = now;
}

void timeline_before(void *user, const struct df_loss *loss)
{
	const struct timeline_user *at = user;
	const struct timeline_loss kept = {.verdict = loss->verdict,
					   .batch = loss->batch,
					   .first_launch = loss->first_launch,
					   .last_launch = loss->last_launch};

	lose(at->timeline, at->lane, df_now_ns(), &kept);
}

void timeline_after(void *user, const struct df_loss *loss)
{
	const struct timeline_user *at = user;

	restored(at->timeline, at->lane, loss->batch,
		 loss->result ? "could not be restored" : "new context, contents restored");
}

void timeline_begin(struct timeline *timeline, unsigned lane)
{
	timeline->lanes[lane].run_ns = df_now_ns();
	timeline->lanes[lane].again = false;
}

void timeline_end(struct timeline *timeline, unsigned number, const struct df_wait_info *info, uint64_t launches,
		  bool more)
{
	struct timeline_lane *lane = &timeline->lanes[number];
	uint64_t now = df_now_ns();

	if (lane->run_ns)
		add_span(timeline, number,
			 info->verdict != DF_DONE ? TIMELINE_LOST
			 : lane->again            ? TIMELINE_AGAIN
						  : TIMELINE_RUN,
			 lane->run_ns, now, info->batch, "batch %llu: %llu launches, %s%s",
			 (unsigned long long)info->batch, (unsigned long long)launches,
			 lane->again ? "run again, " : "",
			 info->verdict == DF_DONE ? "verified" : timeline_verdict(info->verdict));
	settle(timeline, lane);
	lane->run_ns = more ? now : 0;
	lane->again = false;
}

void timeline_gone(struct timeline *timeline, const struct df_wait_info *info)
{
	uint64_t now = df_now_ns();
	bool told = false;

	for (unsigned i = 0; i < timeline->lane_count; i++) {
		const struct timeline_loss kept = {.verdict = DF_DEVICE_GONE,
						   .batch = info->batch,
						   .first_launch = info->first_launch,
						   .last_launch = info->last_launch};
		struct timeline_lane *lane = &timeline->lanes[i];

		if (!lane->run_ns)
			continue;
		if (!told) {
			lose(timeline, i, now, &kept);
		} else { /* one loss for all of them */
			add_span(timeline, i, TIMELINE_LOST, lane->run_ns, now, 0, "lost: device gone");
			lane->run_ns = 0;
			lane->loss_ns = now;
			lane->again = true;
		}
		told = true;
	}
}

void timeline_reopened(struct timeline *timeline)
{
	for (unsigned i = 0; i < timeline->lane_count; i++)
		restored(timeline, i, 0, "device opened again, everything rebuilt");
}

/* ---- trace: the JSON that chrome://tracing defined and Perfetto reads ---- */

static double us(const struct timeline *timeline, uint64_t ns)
{
	return (double)(ns - timeline->first_ns) / 1e3;
}

static void put_escaped(FILE *to, const char *text)
{
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			fprintf(to, "\\%c", *text);
		else if ((unsigned char)*text >= 0x20)
			fputc(*text, to);
}

static void put_span(FILE *to, const struct timeline *timeline, const struct timeline_span *span)
{
	static const char *const kinds[] = {"run", "run again", "lost", "restore"};

	fprintf(to, ",\n{\"name\":\"");
	put_escaped(to, span->text);
	fprintf(to,
		"\",\"cat\":\"%s\",\"ph\":\"X\",\"pid\":1,\"tid\":%u,\"ts\":%.3f,\"dur\":%.3f,\"args\":{\"batch\":%llu}"
		"}",
		kinds[span->kind], span->lane + 1, us(timeline, span->start_ns),
		(double)(span->end_ns - span->start_ns) / 1e3, (unsigned long long)span->batch);
}

static void put_loss(FILE *to, const struct timeline *timeline, const struct timeline_loss *loss)
{
	fprintf(to,
		",\n{\"name\":\"%s\",\"cat\":\"loss\",\"ph\":\"i\",\"s\":\"p\",\"pid\":1,\"tid\":%u,\"ts\":%.3f,"
		"\"args\":{\"what\":\"",
		timeline_verdict(loss->verdict), loss->lane + 1, us(timeline, loss->at_ns));
	put_escaped(to, loss->what);
	fprintf(to,
		"\",\"batch\":%llu,\"first_launch\":%llu,\"last_launch\":%llu,\"detect_ns\":%llu,\"recover_ns\":%llu,"
		"\"restored_bytes\":%llu,\"batches_rerun\":%llu,\"launches_rerun\":%llu}}",
		(unsigned long long)loss->batch, (unsigned long long)loss->first_launch,
		(unsigned long long)loss->last_launch, (unsigned long long)loss->detect_ns,
		(unsigned long long)loss->recover_ns, (unsigned long long)loss->restored_B,
		(unsigned long long)loss->batches_rerun, (unsigned long long)loss->launches_rerun);
}

int timeline_write_trace(const struct timeline *timeline, const char *path)
{
	FILE *to = fopen(path, "we");
	int ret;

	if (!to)
		return -errno;
	fprintf(to, "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n"
		    "{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":1,\"args\":{\"name\":\"");
	put_escaped(to, timeline->title[0] ? timeline->title : "drumfire");
	fprintf(to, "\"}}");
	for (unsigned i = 0; i < timeline->lane_count; i++) {
		fprintf(to, ",\n{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":%u,\"args\":{\"name\":\"",
			i + 1);
		put_escaped(to, timeline->lanes[i].name);
		fprintf(to, "\"}}");
	}
	for (unsigned i = 0; i < timeline->span_count; i++)
		put_span(to, timeline, &timeline->spans[i]);
	for (unsigned i = 0; i < timeline->loss_count; i++)
		put_loss(to, timeline, &timeline->losses[i]);
	fprintf(to, "\n]}\n");
	ret = ferror(to) || timeline->out_of_memory ? -EIO : 0;
	return fclose(to) && !ret ? -errno : ret;
}

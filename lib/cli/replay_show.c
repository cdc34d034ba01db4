/* SPDX-License-Identifier: MIT */
/* What a replay says: where the capture stopped, where the replay did, and whether that is the same. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/image.h"
#include "cli/replay.h"
#include "drumfire.h"

#define INDENT "            "

static const char *const verdicts[] = {
	[DF_DONE] = "done",
	[DF_RUNNING] = "running",
	[DF_GUILTY_RESET] = "guilty reset",
	[DF_INNOCENT_RESET] = "innocent reset",
	[DF_MEMORY_LOST] = "memory lost",
	[DF_DEVICE_GONE] = "device gone",
	[DF_POISONED] = "poisoned",
};

static const char *const stops[] = {
	[DF_CAPTURE_STOP_UNKNOWN] = "unknown",
	[DF_CAPTURE_STOP_PAGE_FAULT] = "page fault",
	[DF_CAPTURE_STOP_OPCODE] = "refused instruction",
	[DF_CAPTURE_STOP_PACKET] = "refused packet",
	[DF_CAPTURE_STOP_WAVE] = "wave does not end",
	[DF_CAPTURE_STOP_CP] = "command processor does not go on",
};

/* The kernel whose code pc lies in, by the nearest entry before it; false: none. */
static bool find_kernel(const struct replay_file *file, uint64_t pc, struct df_capture_kernel *found)
{
	bool any = false;

	for (uint32_t i = 0; i < file->kernels.count; i++) {
		struct df_capture_kernel kernel = replay_kernel(file, i);

		if (pc < kernel.entry_va || pc - kernel.code_va >= kernel.code_B)
			continue;
		if (any && kernel.entry_va < found->entry_va)
			continue;
		*found = kernel;
		any = true;
	}
	return any;
}

static void show_instruction(const struct replay_file *file, uint64_t pc)
{
	struct df_capture_kernel kernel;
	uint8_t *memory;

	if (!find_kernel(file, pc, &kernel))
		return;
	for (uint32_t i = 0; i < file->bos.count; i++) {
		struct df_capture_bo bo = replay_bo(file, i);

		if (kernel.code_va < bo.va || kernel.code_va - bo.va >= bo.alloc_B || !file->contents[i].data)
			continue;
		memory = malloc(bo.alloc_B);
		if (!memory)
			return;
		replay_unpack(file, i, memory);
		image_disassemble_around(file->device.target, kernel.wave_size, memory + (kernel.entry_va - bo.va),
					 kernel.code_B - (kernel.entry_va - kernel.code_va), pc - kernel.entry_va,
					 INDENT);
		free(memory);
	}
}

static void show_where(const struct replay_file *file, const struct df_capture_where *where)
{
	struct df_capture_kernel kernel;

	printf("%s at launch %u", stops[where->kind], where->launch);
	if (where->pc) {
		printf(", workgroup %u,%u,%u, wave %u", where->group[0], where->group[1], where->group[2], where->wave);
		if (find_kernel(file, where->pc, &kernel))
			printf(", %s+0x%llx", kernel.name, (unsigned long long)(where->pc - kernel.entry_va));
		printf(" (pc 0x%llx)", (unsigned long long)where->pc);
	}
	if (where->address)
		printf(", address 0x%llx", (unsigned long long)where->address);
	printf("\n");
	if (where->what[0])
		printf(INDENT "%s\n", where->what);
}

static void show_captured(const struct replay_file *file)
{
	const struct df_capture_verdict *verdict = &file->verdict;

	printf("captured    %s", verdicts[verdict->verdict]);
	if (verdict->first_launch == verdict->last_launch)
		printf(", launch %llu in flight", (unsigned long long)verdict->first_launch);
	else
		printf(", launches %llu to %llu in flight", (unsigned long long)verdict->first_launch,
		       (unsigned long long)verdict->last_launch);
	if (verdict->flags & DF_CAPTURE_VERDICT_PAGE_FAULT)
		printf(", page fault at 0x%llx", (unsigned long long)verdict->fault_address);
	for (uint32_t i = 0; i < verdict->poison_count; i++)
		printf("%s %llu", i ? "," : "; poison: launch", (unsigned long long)verdict->poison[i]);
	printf("\n");
	if (verdict->where.kind != DF_CAPTURE_STOP_UNKNOWN) {
		printf(INDENT);
		show_where(file, &verdict->where);
	}
}

static void show_replayed(const struct replay_file *file, const struct replay_result *result)
{
	printf("replayed    ");
	if (result->where.kind != DF_CAPTURE_STOP_UNKNOWN) {
		show_where(file, &result->where);
		if (result->where.pc)
			show_instruction(file, result->where.pc);
		return;
	}
	if (result->error == -EBUSY)
		printf("still running");
	else if (result->error)
		printf("ended by the kernel: %s", strerror(-result->error));
	else if (!result->marked)
		printf("ended without its completion marker");
	else
		printf("came to its end");
	if (result->page_fault)
		printf(", page fault at 0x%llx", (unsigned long long)result->fault_address);
	if (result->has_progress && !result->marked)
		printf(", %u launches had finished", result->finished);
	printf(", after %.3f s\n", (double)result->took_ns / 1e9);
}

static void show_head(const struct replay_file *file, const char *path, const char *device, uint64_t until)
{
	printf("capture     %s: batch %llu of context %u, %llu launches, on %s (%s)\n", path,
	       (unsigned long long)file->job.batch, file->job.context, (unsigned long long)file->job.launches,
	       file->device.name, file->device.target);
	for (size_t at = 0; at < file->faults_B; at += strlen(file->faults + at) + 1)
		printf("asked for   %s\n", file->faults + at);
	printf("replay on   %s", device);
	if (until < file->job.launches)
		printf(", the launches before %llu", (unsigned long long)until);
	printf("\n");
}

void replay_show(const struct replay_file *file, const char *path, const char *device,
		 const struct replay_options *options, const struct replay_result *result)
{
	show_head(file, path, device, options->until);
	show_captured(file);
	show_replayed(file, result);
	fflush(stdout);
}

/* ---- the same? ---- */

static bool same_where(const struct df_capture_where *a, const struct df_capture_where *b)
{
	return a->kind == b->kind && a->launch == b->launch && a->wave == b->wave && a->pc == b->pc &&
	       a->address == b->address && !memcmp(a->group, b->group, sizeof(a->group));
}

/* One side knows no more than what a kernel driver tells. */
static bool same_as_far_as_told(const struct replay_file *file, const struct replay_result *result)
{
	const struct df_capture_verdict *verdict = &file->verdict;
	const bool faulted = verdict->flags & DF_CAPTURE_VERDICT_PAGE_FAULT;
	/* Finished at the last marker; the next one would have come so many launches later. */
	uint64_t first = result->finished, last = first + file->job.marker_interval;

	if (result->marked && !result->error && !result->page_fault && !result->reset)
		return false;
	if (faulted && (!result->page_fault ||
			result->fault_address / DF_CAPTURE_PAGE_B != verdict->fault_address / DF_CAPTURE_PAGE_B))
		return false;
	if (result->where.kind != DF_CAPTURE_STOP_UNKNOWN)
		first = last = result->where.launch;
	else if (!result->has_progress)
		return true;
	return first <= verdict->last_launch && last >= verdict->first_launch;
}

/* The first launch that the capture says may have been at fault. */
static uint64_t stopped_at(const struct replay_file *file)
{
	const struct df_capture_verdict *verdict = &file->verdict;

	return verdict->where.kind != DF_CAPTURE_STOP_UNKNOWN ? verdict->where.launch : verdict->first_launch;
}

bool replay_same(const struct replay_file *file, const struct replay_options *options,
		 const struct replay_result *result)
{
	if (options->until <= stopped_at(file) && options->until < file->job.launches)
		return result->marked && !result->error && !result->page_fault &&
		       result->where.kind == DF_CAPTURE_STOP_UNKNOWN;
	if (result->where.kind != DF_CAPTURE_STOP_UNKNOWN && file->verdict.where.kind != DF_CAPTURE_STOP_UNKNOWN)
		return same_where(&file->verdict.where, &result->where);
	return same_as_far_as_told(file, result);
}

/* ---- JSON ---- */

static void put_where(struct json *json, const struct replay_file *file, const struct df_capture_where *where)
{
	struct df_capture_kernel kernel;

	json_text(json, "stop", stops[where->kind]);
	json_number(json, "launch", where->launch);
	json_open(json, "workgroup", '[');
	for (unsigned i = 0; i < 3; i++)
		json_number(json, NULL, where->group[i]);
	json_close(json, ']');
	json_number(json, "wave", where->wave);
	json_number(json, "pc", where->pc);
	if (where->pc && find_kernel(file, where->pc, &kernel)) {
		json_text(json, "kernel", kernel.name);
		json_number(json, "kernel_offset", where->pc - kernel.entry_va);
	}
	json_number(json, "address", where->address);
	json_text(json, "what", where->what);
}

void replay_show_json(const struct replay_file *file, const char *path, const char *device,
		      const struct replay_options *options, const struct replay_result *result)
{
	const struct df_capture_verdict *verdict = &file->verdict;
	struct json json;

	json_begin(&json, stdout);
	json_text(&json, "file", path);
	json_text(&json, "device", device);
	json_bool(&json, "same", replay_same(file, options, result));
	json_number(&json, "launches", file->job.launches);
	json_open(&json, "faults", '[');
	for (size_t at = 0; at < file->faults_B; at += strlen(file->faults + at) + 1)
		json_text(&json, NULL, file->faults + at);
	json_close(&json, ']');
	json_open(&json, "captured", '{');
	json_text(&json, "device", file->device.name);
	json_text(&json, "verdict", verdicts[verdict->verdict]);
	json_number(&json, "first_launch", verdict->first_launch);
	json_number(&json, "last_launch", verdict->last_launch);
	json_bool(&json, "page_fault", verdict->flags & DF_CAPTURE_VERDICT_PAGE_FAULT);
	json_number(&json, "fault_address", verdict->fault_address);
	put_where(&json, file, &verdict->where);
	json_close(&json, '}');
	json_open(&json, "replayed", '{');
	json_number(&json, "error", (uint64_t)-result->error);
	json_bool(&json, "completed", result->marked);
	json_bool(&json, "reset", result->reset);
	json_bool(&json, "memory_lost", result->memory_lost);
	json_bool(&json, "page_fault", result->page_fault);
	json_number(&json, "fault_address", result->fault_address);
	json_number(&json, "took_ns", result->took_ns);
	put_where(&json, file, &result->where);
	json_close(&json, '}');
	json_end(&json);
}

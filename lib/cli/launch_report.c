/* SPDX-License-Identifier: MIT */
/* drumfire launch: what it says when it is done. */
#include "cli/launch.h"

static void put_ioctls(struct json *json, struct df_device *device)
{
	struct df_counter counters[64];
	unsigned count = df_device_counters(device, counters, 64);

	json_open(json, "ioctls", '{');
	for (unsigned i = 0; i < count && i < 64; i++)
		if (counters[i].value)
			json_number(json, counters[i].name, counters[i].value);
	json_close(json, '}');
}

static void put_findings(struct json *json, struct launch *launch)
{
	char text[512];

	json_open(json, "strict_findings", '[');
	for (unsigned i = 0; launch->strict && !df_device_finding(launch->device, i, text, sizeof(text)); i++)
		json_text(json, NULL, text);
	json_close(json, ']');
}

static void put_model(struct json *json, struct df_device *device)
{
	struct df_counter counters[64];
	unsigned count = df_device_model_counters(device, counters, 64);

	json_open(json, "model", '{');
	for (unsigned i = 0; i < count && i < 64; i++)
		json_number(json, counters[i].name, counters[i].value);
	json_close(json, '}');
}

/* What was lost, and what became of it. */
static void put_loss(struct json *json, const struct launch *launch)
{
	const struct df_wait_info *info = &launch->wait;

	json_open(json, "loss", '{');
	json_text(json, "verdict", timeline_verdict(info->loss));
	json_bool(json, "recovered", info->recovered);
	json_number(json, "retries", info->retries);
	json_number(json, "context", info->context);
	json_number(json, "batch", info->batch);
	json_number(json, "first_launch", info->first_launch);
	json_number(json, "last_launch", info->last_launch);
	json_bool(json, "page_fault", info->page_fault);
	json_number(json, "fault_address", info->fault_address);
	json_open(json, "poison", '[');
	for (uint32_t i = 0; i < info->poison_count && i < DF_MAX_POISON; i++)
		json_number(json, NULL, info->poison[i]);
	json_close(json, ']');
	json_number(json, "launches_rerun", info->launches_rerun);
	json_number(json, "restored_bytes", info->restored_B);
	json_number(json, "detect_ns", info->detect_ns);
	json_number(json, "recover_ns", info->recover_ns);
	json_close(json, '}');
}

static void put_recovery(struct json *json, struct df_device *device)
{
	struct df_recovery_stats stats;

	df_device_recovery(device, &stats);
	json_open(json, "recovery", '{');
	json_number(json, "losses", stats.losses);
	json_number(json, "contexts_renewed", stats.contexts_renewed);
	json_number(json, "reopened", stats.reopened);
	json_number(json, "batches_rerun", stats.batches_rerun);
	json_number(json, "launches_rerun", stats.launches_rerun);
	json_number(json, "restored_bytes", stats.restored_B);
	json_number(json, "poisoned", stats.poisoned);
	json_number(json, "detect_ns", stats.detect_ns);
	json_number(json, "recover_ns", stats.recover_ns);
	json_close(json, '}');
}

static void report_json(struct launch *launch)
{
	const struct launch_totals *totals = &launch->totals;
	struct json json;

	json_begin(&json, stdout);
	json_text(&json, "device", launch->device_name);
	json_text(&json, "kernel", launch->info.name);
	json_number(&json, "launches", launch->batch_info.launches);
	json_number(&json, "barriers", launch->batch_info.barriers);
	json_number(&json, "ib_dwords", launch->batch_info.ib_dwords);
	json_number(&json, "ib_count", launch->batch_info.ib_count);
	json_number(&json, "args_bytes", launch->batch_info.args_B);
	json_number(&json, "submit_ioctls", launch->submit_ioctls);
	put_ioctls(&json, launch->device);
	json_number(&json, "input_bytes", totals->input_B);
	json_number(&json, "output_bytes", totals->output_B);
	json_number(&json, "readback_bytes", totals->output_B);
	json_number(&json, "moved_bytes", totals->input_B + totals->output_B);
	json_number(&json, "device_allocation_bytes", totals->allocated_B);
	json_number(&json, "device_allocation_events", totals->buffers);
	json_number(&json, "latency_ns", launch->wait.latency_ns);
	json_number(&json, "output_buffers", totals->output_buffers);
	json_number(&json, "resident_rows", 1);
	json_number(&json, "resident_handles", totals->buffers);
	json_number(&json, "kernel_launches", launch->batch_info.launches * (1 + (uint64_t)launch->wait.retries));
	json_number(&json, "sync_points", 1);
	json_bool(&json, "recovered", launch->wait.recovered);
	put_loss(&json, launch);
	put_recovery(&json, launch->device);
	put_model(&json, launch->device);
	put_findings(&json, launch);
	json_end(&json);
}

void launch_report(struct launch *launch)
{
	char text[512];

	if (launch->json) {
		report_json(launch);
		return;
	}
	for (unsigned i = 0; launch->strict && !df_device_finding(launch->device, i, text, sizeof(text)); i++)
		fprintf(stderr, "drumfire launch: strict: %s\n", text);
}

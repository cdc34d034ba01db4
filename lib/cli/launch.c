/* SPDX-License-Identifier: MIT */
/* drumfire launch: one kernel, N times in one batch, on files and numbers. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/launch.h"
#include "cli/pack.h"

static const char usage[] =
	"usage: drumfire launch --code FILE --grid X[,Y[,Z]] [OPTION...] ARG...\n"
	"\n"
	"  --device NAME       auto, a render node, or soft[:target[,option...]]; default soft:gfx1030\n"
	"  --code FILE         kernel image, or a code object that clang or hipcc wrote\n"
	"  --kernel NAME       which kernel of it; default the only one\n"
	"  --grid X[,Y[,Z]]    workgroups\n"
	"  --block X[,Y[,Z]]   work-items of a workgroup; default the image's\n"
	"  --repeat N          record N launches in the batch, each behind a barrier on the one before\n"
	"  --unordered         without those barriers\n"
	"  --strict            the software GPU reports what would only sometimes fail on hardware; findings do not\n"
	"                      change the exit status\n"
	"  --stats json        statistics on standard output\n"
	"  --timeout SECONDS   give up waiting; default 600\n"
	"\n"
	"ARG, in the kernel's order:\n"
	"  in:FILE                read-only buffer with the file's contents\n"
	"  out:BYTES:FILE         buffer of zeros, written to the file afterwards\n"
	"  inout:FILE[:OUTFILE]   buffer with the file's contents, written to OUTFILE (or back to FILE) afterwards\n"
	"  zero:BYTES             buffer of zeros\n"
	"  local:BYTES            size of an array in LDS\n"
	"  i32:V u32:V i64:V u64:V f16:V f32:V f64:V\n"
	"\n"
	"Exit status: 0 done, 1 refused or failed with one line that says why, 2 usage.\n";

struct launch {
	const char *device_name, *code_path, *kernel_name;
	uint32_t grid[3], block[3];
	bool has_grid, has_block, unordered, strict, json;
	uint64_t repeat, timeout_ns;
	struct launch_arg *args;
	unsigned arg_count;
	char text[640]; /* why it failed */

	struct df_device *device;
	struct df_code *code;
	struct df_kernel *kernel;
	struct df_batch *batch;
	struct df_context *context;
	uint8_t *block_data;
	struct df_kernel_info info;
	struct df_batch_info batch_info;
	struct df_wait_info wait;
	struct launch_totals totals;
	uint64_t submit_ioctls;
};

/* ---- options ---- */

static int bad_option(const char *option, const char *value, const char *expected)
{
	fprintf(stderr, "drumfire launch: --%s %s: expected %s\n", option, value, expected);
	return CLI_USAGE;
}

static int parse_option(struct launch *launch, int c)
{
	uint64_t seconds;

	switch (c) {
	case 'd':
		launch->device_name = optarg;
		return 0;
	case 'c':
		launch->code_path = optarg;
		return 0;
	case 'k':
		launch->kernel_name = optarg;
		return 0;
	case 'g':
		launch->has_grid = true;
		return number_triple(optarg, launch->grid)
			       ? bad_option("grid", optarg, "X[,Y[,Z]], each from 1 to 4294967295")
			       : 0;
	case 'b':
		launch->has_block = true;
		return number_triple(optarg, launch->block)
			       ? bad_option("block", optarg, "X[,Y[,Z]], each from 1 to 4294967295")
			       : 0;
	case 'r':
		return number_u64(optarg, 100000000, &launch->repeat) || !launch->repeat
			       ? bad_option("repeat", optarg, "a number from 1 to 100000000")
			       : 0;
	case 't':
		if (number_u64(optarg, 1000000, &seconds) || !seconds)
			return bad_option("timeout", optarg, "seconds from 1 to 1000000");
		launch->timeout_ns = seconds * 1000000000u;
		return 0;
	case 'u':
		launch->unordered = true;
		return 0;
	case 's':
		launch->strict = true;
		return 0;
	case 'j':
		launch->json = true;
		return strcmp(optarg, "json") != 0 ? bad_option("stats", optarg, "json") : 0;
	default:
		fprintf(stderr, "Try `drumfire launch --help`.\n");
		return CLI_USAGE;
	}
}

static int parse_words(struct launch *launch, int argc, char **argv)
{
	launch->args = calloc((size_t)(argc - optind) + 1, sizeof(*launch->args));
	if (!launch->args) {
		fprintf(stderr, "drumfire launch: out of memory\n");
		return CLI_FAILED;
	}
	for (int i = optind; i < argc; i++) {
		int ret = launch_arg_parse(argv[i], &launch->args[launch->arg_count++]);

		if (ret)
			return ret;
	}
	if (launch->code_path && launch->has_grid)
		return 0;
	fprintf(stderr, "drumfire launch: %s is missing. Try `drumfire launch --help`.\n",
		launch->code_path ? "--grid X[,Y[,Z]]" : "--code FILE");
	return CLI_USAGE;
}

/* ---- set-up ---- */

static int fail(struct launch *launch, int err)
{
	snprintf(launch->text, sizeof(launch->text), "%s", df_error());
	return err;
}

static int open_device(struct launch *launch)
{
	char name[512];
	bool soft = !strcmp(launch->device_name, "soft") || !strncmp(launch->device_name, "soft:", 5);

	if (launch->strict && !soft) {
		snprintf(launch->text, sizeof(launch->text),
			 "--strict needs a software GPU, the device is %s. Fix: --device soft", launch->device_name);
		return -EINVAL;
	}
	if (strlen(launch->device_name) > sizeof(name) - 32) {
		snprintf(launch->text, sizeof(launch->text), "the device's name is too long");
		return -EINVAL;
	}
	snprintf(name, sizeof(name), "%s%s", launch->device_name,
		 !launch->strict                    ? ""
		 : strchr(launch->device_name, ':') ? ",strict"
						    : ":gfx1030,strict");
	return df_device_open(name, NULL, &launch->device) ? fail(launch, -ENODEV) : 0;
}

static bool is_code_object(const uint8_t *data, size_t size)
{
	static const char bundle[] = "__CLANG_OFFLOAD_BUNDLE__";

	return (size >= 4 && !memcmp(data, "\177ELF", 4)) ||
	       (size >= sizeof(bundle) - 1 && !memcmp(data, bundle, sizeof(bundle) - 1));
}

static int load_code(struct launch *launch)
{
	struct df_device_info info;
	struct pack_options options = {.source = launch->code_path, .kernel = launch->kernel_name};
	void *data = NULL, *image = NULL;
	size_t size = 0;
	int ret = pack_read_file(launch->code_path, DF_IMAGE_MAX_SIZE_B, &data, &size);

	if (!ret)
		ret = df_device_get_info(launch->device, &info);
	if (!ret && is_code_object(data, size)) {
		options.target = info.target;
		ret = pack_object(data, size, &options, &image, &size);
	}
	if (!ret)
		ret = df_code_create(launch->device, image ? image : data, size, &launch->code);
	if (ret)
		fail(launch, ret);
	free(image);
	free(data);
	return ret;
}

static int find_kernel(struct launch *launch)
{
	uint32_t local_B = 0;
	int ret = df_code_kernel(launch->code, launch->kernel_name, &launch->kernel);

	if (!ret)
		ret = df_kernel_get_info(launch->kernel, &launch->info);
	if (ret)
		return fail(launch, ret);
	ret = launch_args_local(launch->kernel, launch->args, launch->arg_count, &local_B);
	if (ret) {
		snprintf(launch->text, sizeof(launch->text), "the local: arrays are larger than any LDS");
		return ret;
	}
	if (!launch->has_block && !local_B)
		return 0;
	if (!launch->has_block)
		memcpy(launch->block, launch->info.block, sizeof(launch->block));
	ret = df_kernel_with_block(launch->kernel, launch->block, local_B, &launch->kernel);
	if (!ret)
		ret = df_kernel_get_info(launch->kernel, &launch->info);
	return ret ? fail(launch, ret) : 0;
}

static int bind_args(struct launch *launch)
{
	launch->block_data = calloc(1, launch->info.args_size_B + 8);
	if (!launch->block_data) {
		snprintf(launch->text, sizeof(launch->text), "out of memory");
		return -ENOMEM;
	}
	return launch_args_bind(launch->device, launch->kernel, launch->args, launch->arg_count, launch->block_data,
				launch->text, sizeof(launch->text), &launch->totals);
}

/* ---- the batch ---- */

static int record(struct launch *launch)
{
	int ret = df_batch_create(launch->device, NULL, &launch->batch);

	if (!ret)
		ret = launch_args_use(launch->batch, launch->args, launch->arg_count);
	for (uint64_t i = 0; i < launch->repeat && !ret; i++) {
		if (i && !launch->unordered)
			ret = df_batch_barrier(launch->batch);
		if (!ret)
			ret = df_batch_launch(launch->batch, launch->kernel, launch->grid, launch->block_data,
					      launch->info.args_size_B);
		if (i && i % 100000 == 0)
			progress_show("recorded %llu of %llu launches", (unsigned long long)i,
				      (unsigned long long)launch->repeat);
	}
	if (!ret)
		ret = df_batch_seal(launch->batch);
	if (ret)
		return fail(launch, ret);
	df_batch_get_info(launch->batch, &launch->batch_info);
	return 0;
}

static uint64_t ioctl_count(struct df_device *device)
{
	struct df_counter counters[64];
	unsigned count = df_device_counters(device, counters, 64);
	uint64_t sum = 0;

	for (unsigned i = 0; i < count && i < 64; i++)
		sum += counters[i].value;
	return sum;
}

static int wait_shown(struct launch *launch, struct df_fence *fence)
{
	uint64_t start = df_now_ns();
	int ret;

	for (;;) {
		uint64_t now = df_now_ns(), left = launch->timeout_ns - (now - start);

		ret = df_fence_wait(fence, now + (left < 500000000u ? left : 500000000u), &launch->wait);
		if (ret != -ETIME || df_now_ns() - start >= launch->timeout_ns)
			return ret;
		progress_show("running %llu launches, %.1f s", (unsigned long long)launch->batch_info.launches,
			      (double)(df_now_ns() - start) / 1e9);
	}
}

static int run(struct launch *launch)
{
	struct df_fence *fence = NULL;
	uint64_t before;
	int ret = df_context_create(launch->device, NULL, &launch->context);

	if (ret)
		return fail(launch, ret);
	before = ioctl_count(launch->device);
	ret = df_submit(launch->context, launch->batch, NULL, &fence);
	if (!ret)
		launch->submit_ioctls = ioctl_count(launch->device) - before;
	if (!ret)
		ret = wait_shown(launch, fence);
	if (ret)
		fail(launch, ret);
	if (ret == -ETIME)
		snprintf(launch->text, sizeof(launch->text),
			 "still running after %llu s. Fix: --timeout, fewer --repeat, or look for a loop in the kernel",
			 (unsigned long long)(launch->timeout_ns / 1000000000u));
	df_fence_put(fence);
	return ret;
}

/* ---- report ---- */

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
	put_model(&json, launch->device);
	put_findings(&json, launch);
	json_end(&json);
}

static void report(struct launch *launch)
{
	char text[512];

	if (launch->json) {
		report_json(launch);
		return;
	}
	for (unsigned i = 0; launch->strict && !df_device_finding(launch->device, i, text, sizeof(text)); i++)
		fprintf(stderr, "drumfire launch: strict: %s\n", text);
}

/* Gives everything back, in the order that makes it possible. */
static void finish(struct launch *launch)
{
	(void)df_context_destroy(launch->context);
	(void)df_batch_destroy(launch->batch);
	for (unsigned i = 0; i < launch->arg_count; i++)
		launch_arg_finish(&launch->args[i]);
	(void)df_code_destroy(launch->code);
	if (launch->device)
		(void)df_device_close(launch->device);
	free(launch->block_data);
	free(launch->args);
}

static int work(struct launch *launch)
{
	int ret;

	if ((ret = open_device(launch)) || (ret = load_code(launch)) || (ret = find_kernel(launch)) ||
	    (ret = bind_args(launch)) || (ret = record(launch)) || (ret = run(launch)))
		return ret;
	return launch_args_write(launch->args, launch->arg_count, launch->text, sizeof(launch->text), &launch->totals);
}

static int parse(struct launch *launch, int argc, char **argv)
{
	static const struct option options[] = {
		{"device", required_argument, NULL, 'd'}, {"code", required_argument, NULL, 'c'},
		{"kernel", required_argument, NULL, 'k'}, {"grid", required_argument, NULL, 'g'},
		{"block", required_argument, NULL, 'b'},  {"repeat", required_argument, NULL, 'r'},
		{"unordered", no_argument, NULL, 'u'},    {"strict", no_argument, NULL, 's'},
		{"stats", required_argument, NULL, 'j'},  {"timeout", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
	};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		int ret;

		if (c == 'h') {
			fputs(usage, stdout);
			return -1;
		}
		ret = parse_option(launch, c);
		if (ret)
			return ret;
	}
	return parse_words(launch, argc, argv);
}

int df_cmd_launch(int argc, char **argv)
{
	struct launch launch = {.device_name = "soft:gfx1030", .repeat = 1, .timeout_ns = 600000000000u};
	int status = parse(&launch, argc, argv);

	if (!status) {
		int ret = work(&launch);

		progress_clear();
		if (ret)
			fprintf(stderr, "drumfire launch: %s\n", launch.text);
		else
			report(&launch);
		/* What still runs cannot be taken down in order; the end of the process does it. */
		if (ret == -ETIME)
			_exit(CLI_FAILED);
		status = ret ? CLI_FAILED : CLI_DONE;
	}
	finish(&launch);
	return status < 0 ? CLI_DONE : status;
}

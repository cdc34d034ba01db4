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
	"  --marker N          a progress marker at the first barrier after each N launches, so that a loss names the\n"
	"                      launch; 0: none; default 1, with --unordered 0\n"
	"  --independent       a launch that hangs whenever it runs is left out, and the others are done\n"
	"  --retries N         times that the batch is run again without getting further; default 1; 0: none\n"
	"  --no-check-faults   do not ask the kernel for page faults before the batch counts as done\n"
	"  --capture FILE      write the batch down when it makes the GPU hang or fault, for `drumfire replay`\n"
	"  --fault SPEC        ask a software GPU for a fault (below); may be given several times\n"
	"  --timeline FILE     draw what happened: SVG, or a page when FILE ends in .html\n"
	"  --trace FILE        the same for Perfetto and chrome://tracing\n"
	"  --strict            the software GPU reports what would only sometimes fail on hardware; findings do not\n"
	"                      change the exit status\n"
	"  --fidelity[=FILE]   which packets, registers and instructions of the software GPU were used, how often, and "
	"whether\n"
	"                      each is exact, approximate (with its bound) or refused; to FILE, else to standard "
	"error\n"
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
	"A fault NAME@LAUNCH happens once, when a job comes to that launch (from 0); NAME@LAUNCH:always every time.\n"
	"A batch that is lost is run again and the results are what they would have been; a device that is gone is "
	"opened\n"
	"again. Faults that can be asked for:\n";

static const char usage_end[] = "\nExit status: 0 done, 1 refused or failed with one line that says why, 2 usage.\n";

/* ---- options ---- */

static int bad_option(const char *option, const char *value, const char *expected)
{
	fprintf(stderr, "drumfire launch: --%s %s: expected %s\n", option, value, expected);
	return CLI_USAGE;
}

static int parse_loss_option(struct launch *launch, int c)
{
	switch (c) {
	case 'm':
		launch->has_marker = true;
		return number_u64(optarg, UINT32_MAX, &launch->marker)
			       ? bad_option("marker", optarg, "a number of launches")
			       : 0;
	case 'i':
		launch->independent = true;
		return 0;
	case 'y':
		return number_u64(optarg, UINT32_MAX - 1, &launch->retries) ? bad_option("retries", optarg, "a number")
									    : 0;
	case 'c' + 256:
	case 'p':
		launch->check_faults = c != 'p';
		return 0;
	case 'a':
		launch->capture = optarg;
		return 0;
	case 'f':
		if (launch->fault_count == LAUNCH_MAX_FAULTS)
			return bad_option("fault", optarg, "at most 64 of them");
		launch->faults[launch->fault_count++] = optarg;
		return 0;
	case 'T':
		launch->timeline_path = optarg;
		return 0;
	case 'J':
		launch->trace_path = optarg;
		return 0;
	default:
		fprintf(stderr, "Try `drumfire launch --help`.\n");
		return CLI_USAGE;
	}
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
	case 'F':
		launch->fidelity = optarg ? optarg : "-";
		return 0;
	case 'j':
		launch->json = true;
		return strcmp(optarg, "json") != 0 ? bad_option("stats", optarg, "json") : 0;
	default:
		return parse_loss_option(launch, c);
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

int launch_fail(struct launch *launch, int err)
{
	snprintf(launch->text, sizeof(launch->text), "%s", df_error());
	return err;
}

static int open_device(struct launch *launch)
{
	struct df_device_options options = DF_OPTIONS(options, .reopenable = true);
	char name[512];
	int ret;

	if ((launch->strict || launch->fidelity) && !device_is_soft(launch->device_name)) {
		snprintf(launch->text, sizeof(launch->text),
			 "--%s needs a software GPU, the device is %s. Fix: --device soft",
			 launch->strict ? "strict" : "fidelity", launch->device_name);
		return -EINVAL;
	}
	/* The software GPU reports when it is closed. */
	if (launch->fidelity && setenv("DRUMFIRE_FIDELITY", launch->fidelity, true))
		return -errno;
	if (strlen(launch->device_name) > sizeof(name) - 32) {
		snprintf(launch->text, sizeof(launch->text), "the device's name is too long");
		return -EINVAL;
	}
	snprintf(name, sizeof(name), "%s", launch->device_name);
	if (launch->strict)
		(void)device_name_add(name, sizeof(name), "strict");
	ret = df_device_open(name, &options, &launch->device);
	for (unsigned i = 0; i < launch->fault_count && !ret; i++)
		ret = df_device_fault(launch->device, launch->faults[i]);
	return ret ? launch_fail(launch, ret) : 0;
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
		launch_fail(launch, ret);
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
		return launch_fail(launch, ret);
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
	return ret ? launch_fail(launch, ret) : 0;
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
	    (ret = bind_args(launch)) || (ret = launch_record(launch)))
		return ret;
	ret = launch_run(launch);
	/* With a launch that is poison, the buffers hold what the others left. */
	if (ret && launch->wait.verdict == DF_POISONED) {
		char why[sizeof(launch->text)];

		(void)launch_args_write(launch->args, launch->arg_count, why, sizeof(why), &launch->totals);
	}
	if (ret)
		return ret;
	return launch_args_write(launch->args, launch->arg_count, launch->text, sizeof(launch->text), &launch->totals);
}

static void show_usage(void)
{
	const char *name, *meaning;

	fputs(usage, stdout);
	for (unsigned i = 0; !df_fault_name(i, &name, &meaning); i++)
		printf("fault %s  %s\n", name, meaning);
	fputs(usage_end, stdout);
}

static int parse(struct launch *launch, int argc, char **argv)
{
	static const struct option options[] = {
		{"device", required_argument, NULL, 'd'},
		{"code", required_argument, NULL, 'c'},
		{"kernel", required_argument, NULL, 'k'},
		{"grid", required_argument, NULL, 'g'},
		{"block", required_argument, NULL, 'b'},
		{"repeat", required_argument, NULL, 'r'},
		{"unordered", no_argument, NULL, 'u'},
		{"strict", no_argument, NULL, 's'},
		{"fidelity", optional_argument, NULL, 'F'},
		{"stats", required_argument, NULL, 'j'},
		{"timeout", required_argument, NULL, 't'},
		{"marker", required_argument, NULL, 'm'},
		{"independent", no_argument, NULL, 'i'},
		{"retries", required_argument, NULL, 'y'},
		{"check-faults", no_argument, NULL, 'c' + 256},
		{"no-check-faults", no_argument, NULL, 'p'},
		{"capture", required_argument, NULL, 'a'},
		{"fault", required_argument, NULL, 'f'},
		{"timeline", required_argument, NULL, 'T'},
		{"trace", required_argument, NULL, 'J'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		int ret;

		if (c == 'h') {
			show_usage();
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
	struct launch launch = {.device_name = "soft:gfx1030",
				.repeat = 1,
				.timeout_ns = 600000000000u,
				.retries = 1,
				.check_faults = true};
	int status = parse(&launch, argc, argv);

	if (!status) {
		int ret = work(&launch);

		progress_clear();
		if (launch_draw(&launch) && !ret)
			ret = -EIO;
		if (ret)
			fprintf(stderr, "drumfire launch: %s\n", launch.text);
		else
			launch_report(&launch);
		/* What still runs cannot be taken down in order; the end of the process does it. */
		if (ret == -ETIME)
			_exit(CLI_FAILED);
		status = ret ? CLI_FAILED : CLI_DONE;
	}
	finish(&launch);
	return status < 0 ? CLI_DONE : status;
}

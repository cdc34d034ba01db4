/* SPDX-License-Identifier: MIT */
/* drumfire replay: runs a captured batch again and says where it stops. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/replay.h"
#include "core/error.h"
#include "drumfire.h"

#define NAME_B   512u
#define MARGIN_S 60u /* for a kernel to end a job that it has given up */

static const char usage[] =
	"usage: drumfire replay FILE [--device NAME] [OPTION...]\n"
	"\n"
	"Runs a batch that `launch --capture` (or df_context_options.capture) wrote down when it made the GPU hang or\n"
	"fault: same memory, same addresses, same command streams. Shows where it stops: kernel, launch, workgroup, "
	"wave,\n"
	"instruction, address.\n"
	"\n"
	"  --device NAME      auto, a render node, or soft[:target[,option...]]; default a software GPU of the target "
	"that\n"
	"                     behaves like the kernel that the capture is from\n"
	"  --until LAUNCH     run the launches before this one only\n"
	"  --strict           the software GPU reports what would only sometimes fail on hardware\n"
	"  --timeout SECONDS  a job that runs longer hangs (software GPUs); default 20\n"
	"  --stats json       the same as JSON on standard output\n"
	"\n"
	"Exit status: 0 it stops as the capture says (with --until before that: it comes to its end), 1 it does not or "
	"could not be run, 2 usage.\n";

struct replay {
	const char *path, *device_name;
	bool strict, json;
	uint64_t timeout_s;
	struct replay_options options;
	void *data;
	size_t size_B;
	struct replay_file file;
	struct df_device *device;
	char name[NAME_B];
	struct replay_result result;
};

static int load(struct replay *replay)
{
	int fd = open(replay->path, O_RDONLY | O_CLOEXEC), ret = 0;
	struct stat st;

	if (fd < 0)
		return df_error_set(-errno, "cannot open %s: %s", replay->path, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !st.st_size)
		ret = df_error_set(-EINVAL, "%s is empty or no regular file. Fix: name a file that --capture wrote",
				   replay->path);
	if (!ret) {
		replay->size_B = (size_t)st.st_size;
		replay->data = mmap(NULL, replay->size_B, PROT_READ, MAP_PRIVATE, fd, 0);
		if (replay->data == MAP_FAILED) {
			replay->data = NULL;
			ret = df_error_set(-errno, "cannot read %s: %s", replay->path, strerror(errno));
		}
	}
	close(fd);
	return ret ? ret : replay_parse(replay->data, replay->size_B, &replay->file);
}

/* The software GPU that is likest to what the capture was made on. */
static int default_name(struct replay *replay)
{
	static const struct {
		uint32_t minor; /* at most */
		const char *kernel;
	} kernels[] = {{53, "6.1"}, {61, "6.12"}, {UINT32_MAX, "7.2"}};
	const struct df_capture_device *device = &replay->file.device;
	unsigned i = 0;

	if (device->flags & DF_CAPTURE_DEVICE_SOFT) {
		snprintf(replay->name, NAME_B, "%s", device->name);
		return 0;
	}
	while (device->drm_minor > kernels[i].minor)
		i++;
	snprintf(replay->name, NAME_B, "soft:%s,kernel=%s", device->target, kernels[i].kernel);
	return 0;
}

static int open_device(struct replay *replay)
{
	int ret = 0;

	if (!replay->device_name)
		ret = default_name(replay);
	else if ((size_t)snprintf(replay->name, NAME_B, "%s", replay->device_name) >= NAME_B)
		ret = -ENAMETOOLONG;
	if (replay->strict && !device_is_soft(replay->name))
		return df_error_set(-EINVAL, "--strict needs a software GPU, the device is %s. Fix: --device soft",
				    replay->name);
	if (!ret && replay->strict && !strstr(replay->name, ",strict"))
		ret = device_name_add(replay->name, NAME_B, "strict");
	/* A hang is only known by its time; hardware's own is too long to sit through. */
	if (!ret && device_is_soft(replay->name) && !strstr(replay->name, ",timeout_ms="))
		ret = device_name_add(replay->name, NAME_B, "timeout_ms=%llu",
				      (unsigned long long)replay->timeout_s * 1000);
	if (ret)
		return df_error_set(ret, "the device's name is too long");
	return df_device_open(replay->name, NULL, &replay->device);
}

static void report(struct replay *replay)
{
	char text[512];

	if (replay->json)
		replay_show_json(&replay->file, replay->path, replay->name, &replay->options, &replay->result);
	else
		replay_show(&replay->file, replay->path, replay->name, &replay->options, &replay->result);
	for (unsigned i = 0; replay->strict && !df_device_finding(replay->device, i, text, sizeof(text)); i++)
		fprintf(stderr, "drumfire replay: strict: %s\n", text);
}

static int work(struct replay *replay)
{
	replay->options.timeout_ns = (replay->timeout_s + MARGIN_S) * 1000000000u;
	if (load(replay) || open_device(replay) ||
	    replay_run(&replay->file, replay->device, &replay->options, &replay->result)) {
		fprintf(stderr, "drumfire replay: %s\n", df_error());
		return CLI_FAILED;
	}
	report(replay);
	if (replay_same(&replay->file, &replay->options, &replay->result))
		return CLI_DONE;
	fflush(stdout);
	fprintf(stderr, "drumfire replay: it does not stop as the capture says\n");
	return CLI_FAILED;
}

static int parse(struct replay *replay, int argc, char **argv)
{
	static const struct option options[] = {
		{"device", required_argument, NULL, 'd'},
		{"strict", no_argument, NULL, 's'},
		{"stats", required_argument, NULL, 'j'},
		{"timeout", required_argument, NULL, 't'},
		{"until", required_argument, NULL, 'u'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		bool good = true;

		switch (c) {
		case 'd':
			replay->device_name = optarg;
			break;
		case 's':
			replay->strict = true;
			break;
		case 'j':
			replay->json = true;
			good = !strcmp(optarg, "json");
			break;
		case 'u':
			good = !number_u64(optarg, UINT32_MAX, &replay->options.until);
			break;
		case 't':
			good = !number_u64(optarg, 1000000, &replay->timeout_s) && replay->timeout_s;
			break;
		case 'h':
			fputs(usage, stdout);
			return -1;
		default:
			good = false;
		}
		if (!good) {
			fprintf(stderr, "Try `drumfire replay --help`.\n");
			return CLI_USAGE;
		}
	}
	if (optind + 1 != argc) {
		fputs(usage, stderr);
		return CLI_USAGE;
	}
	replay->path = argv[optind];
	return 0;
}

int df_cmd_replay(int argc, char **argv)
{
	struct replay replay = {.timeout_s = 20, .options = {.until = UINT64_MAX}};
	int status = parse(&replay, argc, argv);

	if (status)
		return status < 0 ? CLI_DONE : status;
	status = work(&replay);
	/* What still runs cannot be taken down in order; the end of the process does it. */
	if (replay.result.error == -EBUSY)
		_exit(status);
	if (replay.device && df_device_close(replay.device) < 0) {
		fprintf(stderr, "drumfire replay: %s\n", df_error());
		status = CLI_FAILED;
	}
	replay_file_finish(&replay.file);
	if (replay.data)
		munmap(replay.data, replay.size_B);
	return status;
}

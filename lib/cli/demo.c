/* SPDX-License-Identifier: MIT */
/* drumfire demo: the main job, for real, with every result checked against the CPU. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/demo.h"
#include "cli/pack.h"

static const char usage[] =
	"usage: drumfire demo [--device NAME] [--shaders FOLDER] [--sets N] [--timeline FILE] [--trace FILE]\n"
	"\n"
	"  --device NAME     auto, a render node, or soft[:target[,option...]]; default soft:gfx1030\n"
	"  --shaders FOLDER  where the kernel images are; default shaders/ beside the command\n"
	"  --timeline FILE   draw chapter 3: SVG, or a page when FILE ends in .html\n"
	"  --trace FILE      the same for Perfetto and chrome://tracing\n"
	"\n"
	"Chapter 1 dispatches a megakernel over 1,000 sets (--sets) of resident buffers in one submission. Chapter 2\n"
	"runs plain kernels in batches. Every result is checked against the CPU. Chapter 3 runs batches over STATE\n"
	"buffers while the GPU is hung, reset with its memory lost, and unplugged, and compares with an undisturbed\n"
	"run. Exit status: 0 all right, 1 a result is wrong or something failed, 2 usage.\n";

uint32_t demo_mix(uint32_t a, uint32_t b)
{
	uint32_t x = a * 0x9e3779b1u ^ (b + 0x7f4a7c15u) * 0x85ebca6bu;

	x ^= x >> 15;
	x *= 0x2c1b3c6du;
	return x ^ x >> 12;
}

uint64_t demo_submits(struct demo *demo)
{
	struct df_counter counters[64];
	unsigned count = df_device_counters(demo->device, counters, 64);
	uint64_t sum = 0;

	for (unsigned i = 0; i < count && i < 64; i++) {
		size_t length = strlen(counters[i].name);

		if (length >= 3 && !strcmp(counters[i].name + length - 3, "_CS") && !strstr(counters[i].name, "WAIT"))
			sum += counters[i].value;
	}
	return sum;
}

int demo_load(struct demo *demo, const char *name, struct df_code **code_out, struct df_kernel **kernel_out)
{
	return demo_load_on(demo, demo->device, name, code_out, kernel_out);
}

int demo_load_on(struct demo *demo, struct df_device *device, const char *name, struct df_code **code_out,
		 struct df_kernel **kernel_out)
{
	char path[4096];
	struct df_code *code;
	size_t size;
	void *data;
	int ret;

	snprintf(path, sizeof(path), "%s/%s.dfi", demo->shaders, name);
	ret = pack_read_file(path, DF_IMAGE_MAX_SIZE_B, &data, &size);
	if (ret)
		return ret;
	ret = df_code_create(device, data, size, &code);
	free(data);
	if (ret)
		return ret;
	ret = df_code_kernel(code, NULL, kernel_out);
	if (ret)
		(void)df_code_destroy(code);
	else
		*code_out = code;
	return ret;
}

void demo_head(const char *title)
{
	printf("\n%s\n  %-34s %9s %7s %10s %9s %9s %11s %7s\n", title, "", "launches", "submits", "IB dwords", "record",
	       "run", "checked", "wrong");
}

void demo_print(struct demo *demo, const struct demo_line *line)
{
	printf("  %-34s %9llu %7llu %10llu %6.2f ms %6.1f ms %11llu %7llu\n", line->name,
	       (unsigned long long)line->launches, (unsigned long long)line->submits,
	       (unsigned long long)line->ib_dwords, (double)line->record_ns / 1e6, (double)line->run_ns / 1e6,
	       (unsigned long long)line->checked, (unsigned long long)line->wrong);
	fflush(stdout);
	demo->failed += line->wrong != 0;
}

static void default_shaders(char *folder, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", folder, size - sizeof("/shaders"));
	char *slash;

	if (length <= 0)
		length = 0;
	folder[length] = 0;
	slash = strrchr(folder, '/');
	strcpy(slash ? slash + 1 : folder, "shaders");
}

static int show_device(struct demo *demo)
{
	struct df_device_info info;
	int ret = df_device_get_info(demo->device, &info);

	if (!ret)
		printf("device %s: %s, %s %u.%u, %u compute units\n", info.name, info.target, info.driver,
		       info.drm_major, info.drm_minor, info.compute_units);
	return ret;
}

static int run(struct demo *demo, const char *device)
{
	int ret = df_device_open(device, NULL, &demo->device);

	if (ret)
		return ret;
	ret = df_context_create(demo->device, NULL, &demo->context);
	if (ret || (ret = show_device(demo)) || (ret = demo_mega(demo)) || (ret = demo_kernels(demo)) ||
	    (ret = demo_loss(demo, device)))
		fprintf(stderr, "drumfire demo: %s\n", df_error());
	else
		printf("\n%s\n", demo->failed ? "Some results are WRONG." : "Every result equals the CPU's.");
	(void)df_context_destroy(demo->context);
	if (df_device_close(demo->device) && !ret) {
		ret = -EBUSY;
		fprintf(stderr, "drumfire demo: %s\n", df_error());
	}
	return ret;
}

int df_cmd_demo(int argc, char **argv)
{
	static const struct option options[] = {{"device", required_argument, NULL, 'd'},
						{"shaders", required_argument, NULL, 's'},
						{"sets", required_argument, NULL, 'n'},
						{"timeline", required_argument, NULL, 't'},
						{"trace", required_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	const char *device = "soft:gfx1030";
	char folder[4096];
	struct demo demo = {.shaders = folder, .sets = 1000};
	int c, ret;

	default_shaders(folder, sizeof(folder));
	optind = 1;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'd') {
			device = optarg;
		} else if (c == 's') {
			demo.shaders = optarg;
		} else if (c == 'n') {
			demo.sets = (unsigned)strtoul(optarg, NULL, 0);
		} else if (c == 't') {
			demo.timeline_path = optarg;
		} else if (c == 'j') {
			demo.trace_path = optarg;
		} else {
			fputs(usage, c == 'h' ? stdout : stderr);
			return c == 'h' ? CLI_DONE : CLI_USAGE;
		}
	}
	if (optind != argc || !demo.sets || demo.sets > 100000) {
		fputs(usage, stderr);
		return CLI_USAGE;
	}
	ret = run(&demo, device);
	if (ret && !demo.device)
		fprintf(stderr, "drumfire demo: %s\n", df_error());
	return ret || demo.failed ? CLI_FAILED : CLI_DONE;
}

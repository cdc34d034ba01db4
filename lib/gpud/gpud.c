// SPDX-License-Identifier: MIT
/* drumfire-gpud: a software GPU that is the hardware of one device of drumfire.ko, as long as it runs. */
#include "gpud/gpud.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define NODE "/dev/drumfire-hw"

static const char usage[] =
	"usage: drumfire gpud [--target NAME] [--vram SIZE] [--gtt SIZE] [--threads N] [--timeout-ms N] [--strict]\n"
	"                     [--faults PATH]\n"
	"\n"
	"Attaches a software GPU to the kernel module drumfire.ko and serves it until it is killed. The device is then "
	"a\n"
	"render node of the system, driver amdgpu.\n"
	"  --target NAME   gfx1030 (default) or gfx1033\n"
	"  --vram SIZE     device memory, in bytes or with K, M, G; default a quarter of the machine's memory\n"
	"  --gtt SIZE      host memory that clients may use; default half of the machine's memory\n"
	"  --threads N     worker threads; default one a core\n"
	"  --timeout-ms N  time that a job may run; default the module's\n"
	"  --strict        findings of strict mode go to the standard error output\n"
	"  --faults PATH   a FIFO out of which lines of NAME@LAUNCH are read: hang, cp-hang, illegal-opcode, "
	"page-fault,\n"
	"                  full-reset, removed or slow, once, at the launch of that number of any job\n";

static void show_finding(void *user, const struct gpu_finding *finding)
{
	(void)user;
	fprintf(stderr, "drumfire gpud: %s (pc 0x%llx, address 0x%llx, launch %u)\n", finding->what,
		(unsigned long long)finding->pc, (unsigned long long)finding->address, finding->launch);
}

static uint64_t parse_size(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (*end == 'K' || *end == 'M' || *end == 'G')
		value <<= *end == 'K' ? 10 : *end == 'M' ? 20 : 30, end++;
	return *end || end == text ? 0 : value & ~4095ull;
}

static int parse(int argc, char **argv, struct gpud_options *options)
{
	static const struct option names[] = {{"target", required_argument, NULL, 't'},
					      {"vram", required_argument, NULL, 'v'},
					      {"gtt", required_argument, NULL, 'g'},
					      {"threads", required_argument, NULL, 'n'},
					      {"timeout-ms", required_argument, NULL, 'm'},
					      {"strict", no_argument, NULL, 's'},
					      {"faults", required_argument, NULL, 'f'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * 4096;
	int c;

	*options = (struct gpud_options){.target = gpu_target_find("gfx1030"), .gtt_B = memory / 2 & ~4095ull};
	options->vram_B = memory / 4 & ~4095ull;
	while ((c = getopt_long(argc, argv, "h", names, NULL)) != -1) {
		switch (c) {
		case 't':
			options->target = gpu_target_find(optarg);
			break;
		case 'v':
			options->vram_B = parse_size(optarg);
			break;
		case 'g':
			options->gtt_B = parse_size(optarg);
			break;
		case 'n':
			options->threads = (unsigned)strtoul(optarg, NULL, 0);
			break;
		case 'm':
			options->timeout_ms = (unsigned)strtoul(optarg, NULL, 0);
			break;
		case 'f':
			options->faults = optarg;
			break;
		case 's':
			options->strict = true;
			break;
		default:
			fputs(usage, c == 'h' ? stdout : stderr);
			return c == 'h' ? 0 : -EINVAL;
		}
	}
	if (optind == argc && options->target && options->vram_B && options->gtt_B)
		return 1;
	fprintf(stderr, "drumfire gpud: an argument makes no sense.\n%s", usage);
	return -EINVAL;
}

static int attach(struct gpud *gpud, const struct gpud_options *options, struct df_hw_attach *desc)
{
	static struct gpud_answers answers;
	int ret;

	*desc = (struct df_hw_attach){
		.size_B = sizeof(*desc),
		.version = DF_HW_VERSION,
		.rings = {GPU_RINGS_GFX, GPU_RINGS_COMPUTE, options->target->apu ? 1 : GPU_RINGS_SDMA},
		.timeout_ms = options->timeout_ms,
		.vram_B = options->vram_B,
		.gtt_B = options->gtt_B};
	ret = gpud_answers(options, &answers, desc);
	if (ret)
		return ret;
	gpud->fd = open(NODE, O_RDWR | O_CLOEXEC);
	if (gpud->fd < 0 || ioctl(gpud->fd, DF_HW_ATTACH, desc)) {
		ret = -errno;
		fprintf(stderr, "drumfire gpud: %s: %s. Fix: load drumfire.ko, and run as root.\n", NODE,
			strerror(-ret));
	}
	return ret;
}

static int map_regions(struct gpud *gpud, const struct df_hw_attach *desc)
{
	gpud->ring = mmap(NULL, desc->ring_B, PROT_READ | PROT_WRITE, MAP_SHARED, gpud->fd, DF_HW_MMAP_RING);
	gpud->aperture =
		mmap(NULL, desc->aperture_B, PROT_READ | PROT_WRITE, MAP_SHARED, gpud->fd, DF_HW_MMAP_APERTURE);
	gpud->aperture_B = desc->aperture_B;
	if (gpud->ring != MAP_FAILED && (void *)gpud->aperture != MAP_FAILED)
		return 0;
	fprintf(stderr, "drumfire gpud: the device's memory cannot be mapped: %s\n", strerror(errno));
	return -errno;
}

static int start(struct gpud *gpud, const struct gpud_options *options)
{
	struct gpu_config config = {.target = options->target,
				    .threads = options->threads,
				    .strict = options->strict,
				    .user = gpud,
				    .finding = show_finding,
				    .plan = gpud_plan,
				    .page_fault = gpud_page_fault};
	int ret = gpu_create(&config, &gpud->gpu);

	if (ret)
		fprintf(stderr, "drumfire gpud: the software GPU could not be started: %s\n", strerror(-ret));
	return ret;
}

/* A process that is to report has to outlive the signals that end it. Before any thread is started. */
static int signals_for_report(void)
{
	const char *path = getenv("DRUMFIRE_FIDELITY");
	sigset_t ends;

	if (!path || !*path)
		return -1;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	return signalfd(-1, &ends, SFD_CLOEXEC);
}

int main(int argc, char **argv)
{
	static struct gpud gpud = {.event_lock = PTHREAD_MUTEX_INITIALIZER,
				   .as_lock = PTHREAD_MUTEX_INITIALIZER,
				   .fault_lock = PTHREAD_MUTEX_INITIALIZER,
				   .fault_fd = -1};
	struct gpud_options options;
	struct df_hw_attach desc;
	int ret = parse(argc, argv, &options);

	if (ret <= 0)
		return ret ? 2 : 0;
	gpud.signal_fd = signals_for_report();
	ret = options.faults ? gpud_faults_open(&gpud, options.faults) : 0;
	if (!ret)
		ret = attach(&gpud, &options, &desc);
	if (!ret)
		ret = map_regions(&gpud, &desc);
	if (!ret)
		ret = start(&gpud, &options);
	if (ret)
		return 1;
	printf("drumfire gpud: %s is /dev/dri/renderD%u\n", options.target->name, desc.minor);
	fflush(stdout);
	ret = gpud_serve(&gpud);
	fprintf(stderr, "drumfire gpud: %s\n", strerror(-ret));
	gpu_report_fidelity();
	_exit(1); /* threads of the GPU may be at work: the end of the process is the removal of the device */
}

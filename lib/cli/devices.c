/* SPDX-License-Identifier: MIT */
/* drumfire devices: what can be opened, and what it can do. */
#include <getopt.h>
#include <stdio.h>

#include "cli/cli.h"
#include "drumfire.h"

static const char usage[] = "usage: drumfire devices [--json]\n"
			    "\n"
			    "Lists render nodes, then software GPUs, with the name that --device takes.\n"
			    "  --json  the same for programs\n";

struct listing {
	struct json json;
	bool as_json;
	unsigned count;
};

static double mebibytes(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

static void show_json(struct json *json, const struct df_device_info *info)
{
	json_open(json, NULL, '{');
	json_text(json, "name", info->name);
	json_text(json, "target", info->target);
	json_text(json, "marketing", info->marketing);
	json_text(json, "driver", info->driver);
	json_number(json, "drm_major", info->drm_major);
	json_number(json, "drm_minor", info->drm_minor);
	json_number(json, "pci_vendor", info->pci_vendor);
	json_number(json, "pci_device", info->pci_device);
	json_bool(json, "soft", info->soft);
	json_number(json, "compute_units", info->compute_units);
	json_number(json, "device_memory_bytes", info->device_memory_B);
	json_number(json, "visible_memory_bytes", info->visible_memory_B);
	json_number(json, "host_memory_bytes", info->host_memory_B);
	json_number(json, "max_ib_dwords", info->max_ib_dw);
	json_close(json, '}');
}

static void found(void *user, const struct df_device_info *info)
{
	struct listing *listing = user;

	listing->count++;
	if (listing->as_json) {
		show_json(&listing->json, info);
		return;
	}
	printf("%-20s  %-8s  %s %u.%u  %04x:%04x  %u compute units  %.0f MiB device memory  %s\n", info->name,
	       info->target, info->driver, info->drm_major, info->drm_minor, info->pci_vendor, info->pci_device,
	       info->compute_units, mebibytes(info->device_memory_B), info->marketing);
}

int df_cmd_devices(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	struct listing listing = {0};
	int c, ret;

	optind = 1;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c != 'j') {
			fputs(usage, c == 'h' ? stdout : stderr);
			return c == 'h' ? CLI_DONE : CLI_USAGE;
		}
		listing.as_json = true;
	}
	if (optind != argc) {
		fprintf(stderr, "drumfire devices: takes no arguments\n%s", usage);
		return CLI_USAGE;
	}
	if (listing.as_json) {
		json_begin(&listing.json, stdout);
		json_open(&listing.json, "devices", '[');
	}
	ret = df_device_enumerate(found, &listing);
	if (listing.as_json) {
		json_close(&listing.json, ']');
		json_end(&listing.json);
	}
	if (!ret && listing.count)
		return CLI_DONE;
	fprintf(stderr, "drumfire devices: %s\n",
		ret ? df_error()
		    : "no device could be opened. Fix: load the amdgpu driver, or install libdrumfire-gpu.so for a "
		      "soft one");
	return CLI_FAILED;
}

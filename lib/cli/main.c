/* SPDX-License-Identifier: MIT */
/* The drumfire command: finds the subcommand. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "drumfire.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
} commands[] = {
	{"devices", df_cmd_devices, "list the devices that can be opened"},
	{"launch", df_cmd_launch, "run a kernel from a file on files and numbers"},
	{"pack", df_cmd_pack, "make a kernel image from a code object or a GLSL shader"},
	{"image", df_cmd_image, "show what is in a kernel image"},
	{"replay", df_cmd_replay, "run a captured batch again and show where it stops"},
	{"demo", df_cmd_demo, "run the megakernel and batches of kernels, every result checked"},
	{"gpud", df_cmd_gpud, "be the hardware of the kernel module drumfire.ko"},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static int usage(FILE *to)
{
	fputs("usage: drumfire COMMAND [ARGUMENT...]\n\n", to);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(to, "  %-8s  %s\n", commands[i].name, commands[i].what);
	fputs("\n`drumfire COMMAND --help` says more. Exit status: 0 done, 1 refused or failed, 2 usage.\n", to);
	return to == stdout ? CLI_DONE : CLI_USAGE;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return usage(stderr);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return usage(stdout);
	if (!strcmp(argv[1], "--version")) {
		printf("drumfire %d.%d\n", DF_VERSION_MAJOR, DF_VERSION_MINOR);
		return CLI_DONE;
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "drumfire: there is no command '%s'\n", argv[1]);
	return usage(stderr);
}

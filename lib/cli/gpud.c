// SPDX-License-Identifier: MIT
/*
 * drumfire gpud: starts drumfire-gpud, which holds the whole software GPU: this command stays as small as what it
 * links.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

int df_cmd_gpud(int argc, char **argv)
{
	char path[4096 + sizeof("drumfire-gpud")];
	ssize_t length = readlink("/proc/self/exe", path, 4096);
	char *slash;

	(void)argc;
	path[length > 0 ? length : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash) {
		strcpy(slash + 1, "drumfire-gpud");
		execv(path, argv);
	}
	execvp("drumfire-gpud", argv);
	fprintf(stderr, "drumfire gpud: drumfire-gpud cannot be started: %s. Fix: install it beside drumfire.\n",
		strerror(errno));
	return CLI_FAILED;
}

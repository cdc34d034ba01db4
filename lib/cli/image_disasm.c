/* SPDX-License-Identifier: MIT */
/*
 * Disassembly by LLVM's llvm-mc in a process of its own. It reads bytes as text and prints one line for each
 * instruction; the padding behind the last one is left out. The text goes through a temporary file, so that neither
 * side can block on the other.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/image.h"

#define S_CODE_END 0xbf9f0000u
#define S_NOP      0xbf800000u

extern char **environ;

static const char *const programs[] = {"llvm-mc-16", "llvm-mc"};

/* Bytes up to the padding: s_code_end, s_nop or zeros. */
static size_t trim(const uint8_t *code, size_t size_B)
{
	while (size_B >= 4) {
		uint32_t last;

		memcpy(&last, code + size_B - 4, sizeof(last));
		if (last != S_CODE_END && last != S_NOP && last != 0)
			break;
		size_B -= 4;
	}
	return size_B;
}

static FILE *write_input(const uint8_t *code, size_t size_B)
{
	FILE *file = tmpfile();

	for (size_t i = 0; file && i < size_B; i++)
		fprintf(file, "0x%02x%c", code[i], i % 4 == 3 ? '\n' : ' ');
	if (file && (fflush(file) != 0 || lseek(fileno(file), 0, SEEK_SET) < 0)) {
		fclose(file);
		return NULL;
	}
	return file;
}

/* Exit status, or -errno when it could not be started. */
static int run(const char *program, char *const argv[], FILE *input, FILE *output)
{
	posix_spawn_file_actions_t actions;
	int status, ret;
	pid_t pid;

	ret = posix_spawn_file_actions_init(&actions);
	if (ret)
		return -ret;
	ret = posix_spawn_file_actions_adddup2(&actions, fileno(input), STDIN_FILENO);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&actions, fileno(output), STDOUT_FILENO);
	if (!ret)
		ret = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", 1, 0);
	if (!ret)
		ret = posix_spawnp(&pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (ret)
		return -ret;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void print_lines(FILE *output)
{
	char line[512];

	rewind(output);
	while (fgets(line, sizeof(line), output)) {
		char *text = line + strspn(line, " \t");

		if (*text == '.' || *text == '\n')
			continue;
		printf("    %s", text);
	}
}

void image_disassemble(const char *target, unsigned wave_size, const uint8_t *code, size_t size_B)
{
	char cpu[32], features[] = "-mattr=+wavefrontsize64";
	FILE *input, *output = tmpfile();
	int status = -ENOENT;

	snprintf(cpu, sizeof(cpu), "-mcpu=%s", target);
	size_B = trim(code, size_B);
	input = write_input(code, size_B);
	fflush(stdout);
	for (size_t i = 0; input && output && status == -ENOENT && i < sizeof(programs) / sizeof(programs[0]); i++) {
		char arch[] = "-arch=amdgcn", disassemble[] = "-disassemble", name[32];
		char *argv[] = {name, arch, cpu, disassemble, wave_size == 64 ? features : NULL, NULL};

		snprintf(name, sizeof(name), "%s", programs[i]);
		status = run(programs[i], argv, input, output);
	}
	if (status == 0)
		print_lines(output);
	else
		printf("    (%zu bytes; install llvm-mc to see them as instructions)\n", size_B);
	if (input)
		fclose(input);
	if (output)
		fclose(output);
}

/* SPDX-License-Identifier: MIT */
/*
 * Disassembly by LLVM's llvm-mc in a process of its own. It reads bytes as text and prints one line for each
 * instruction; the padding behind the last one is left out. The text goes through a temporary file, so that neither
 * side can block on the other.
 */
#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
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

/* The text of the code's instructions, each with its encoding behind it if that is asked for; NULL: no llvm-mc. */
static FILE *instructions(const char *target, unsigned wave_size, const uint8_t *code, size_t size_B, bool encodings)
{
	char cpu[32], wide[] = "-mattr=+wavefrontsize64", narrow[] = "-mattr=+wavefrontsize32",
		      shown[] = "-show-encoding";
	FILE *input = write_input(code, size_B), *output = tmpfile();
	int status = -ENOENT;

	snprintf(cpu, sizeof(cpu), "-mcpu=%s", target);
	fflush(stdout);
	for (size_t i = 0; input && output && status == -ENOENT && i < sizeof(programs) / sizeof(programs[0]); i++) {
		char arch[] = "-arch=amdgcn", disassemble[] = "-disassemble", name[32];
		char *argv[] = {name, arch, cpu, disassemble, wave_size == 64 ? wide : narrow, encodings ? shown : NULL,
				NULL};

		snprintf(name, sizeof(name), "%s", programs[i]);
		status = run(programs[i], argv, input, output);
	}
	if (input)
		fclose(input);
	if (output && status != 0) {
		fclose(output);
		output = NULL;
	}
	return output;
}

void image_disassemble(const char *target, unsigned wave_size, const uint8_t *code, size_t size_B)
{
	FILE *output;

	size_B = trim(code, size_B);
	output = instructions(target, wave_size, code, size_B, false);
	if (output) {
		print_lines(output);
		fclose(output);
	} else {
		printf("    (%zu bytes; install llvm-mc to see them as instructions)\n", size_B);
	}
}

/* Bytes of the instruction in a line of -show-encoding: "s_nop 0 ; encoding: [0x00,0x00,0x80,0xbf]". The line is cut
 * before it. 0: no instruction. */
static size_t cut_encoding(char *line)
{
	char *encoding = strstr(line, "; encoding: [");
	size_t bytes = 0;

	if (!encoding)
		return 0;
	for (const char *c = encoding; *c && *c != ']'; c++)
		bytes += *c == 'x';
	while (encoding > line && (encoding[-1] == ' ' || encoding[-1] == '\t'))
		encoding--;
	*encoding = 0;
	return bytes;
}

void image_disassemble_around(const char *target, unsigned wave_size, const uint8_t *code, size_t size_B, size_t at_B,
			      const char *indent)
{
	enum { BEFORE = 3, AFTER = 2 };
	char line[512], lines[BEFORE + 1][128] = {{0}};
	FILE *output = instructions(target, wave_size, code, size_B, true);
	size_t at = 0, offset[BEFORE + 1] = {0};
	unsigned seen = 0, after = 0;

	if (!output)
		return;
	rewind(output);
	while (after <= AFTER && fgets(line, sizeof(line), output)) {
		char *text = line + strspn(line, " \t");
		size_t bytes = cut_encoding(text);

		if (!bytes)
			continue;
		for (char *tab = text; (tab = strchr(tab, '\t'));)
			*tab = ' ';
		if (at < at_B) {
			offset[seen % BEFORE] = at;
			snprintf(lines[seen++ % BEFORE], sizeof(lines[0]), "%s", text);
		} else {
			for (unsigned i = seen > BEFORE ? seen - BEFORE : 0; !after && at == at_B && i < seen; i++)
				printf("%s   +0x%04zx  %s\n", indent, offset[i % BEFORE], lines[i % BEFORE]);
			if (!after && at != at_B)
				break; /* not the address of an instruction */
			printf("%s%s +0x%04zx  %s\n", indent, after++ ? "  " : "->", at, text);
		}
		at += bytes;
	}
	fclose(output);
}

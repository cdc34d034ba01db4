/* SPDX-License-Identifier: MIT */
/*
 * The programs that a shader goes through on its way to an image, each in a process of its own with its output in a
 * temporary folder, and the capture that the software GPU leaves there:
 *
 *	dispatch-N.txt   lines "reg 0xOFFSET 0xVALUE": compute registers at dispatch N
 *	dispatch-N.code  memory from COMPUTE_PGM on
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/pack_radv.h"
#include "core/error.h"

#define MAX_WORDS  160
#define MAX_TEXT_B (1u << 20)
#define ICD        "/usr/share/vulkan/icd.d/radeon_icd.x86_64.json"

/* Byte offsets of the registers, as Mesa's sid.h names them. */
#define R_NUM_THREAD_X 0xb81cu
#define R_PGM_LO       0xb830u
#define R_PGM_HI       0xb834u
#define R_PGM_RSRC1    0xb848u
#define R_PGM_RSRC2    0xb84cu
#define R_TMPRING_SIZE 0xb860u
#define R_PGM_RSRC3    0xb8a0u
#define R_USER_DATA_0  0xb900u

extern char **environ;

/* ---- folders and processes ---- */

int radv_folder_make(struct radv_folder *folder)
{
	const char *base = getenv("TMPDIR");

	snprintf(folder->path, sizeof(folder->path), "%s/drumfire-XXXXXX", base && strlen(base) < 32 ? base : "/tmp");
	if (!mkdtemp(folder->path))
		return df_error_set(-errno, "%s: %s", folder->path, strerror(errno));
	return 0;
}

static void remove_files(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	char name[PATH_MAX];

	while (directory && (entry = readdir(directory))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		unlink(name);
	}
	if (directory)
		closedir(directory);
	rmdir(path);
}

void radv_folder_remove(struct radv_folder *folder)
{
	char name[PATH_MAX];

	for (unsigned i = 0; i < RADV_RUNS; i++) {
		snprintf(name, sizeof(name), "%s/run-%u", folder->path, i);
		remove_files(name);
	}
	remove_files(folder->path);
}

/* Runs a program with its output and errors in a file. Exit status, or -errno when it could not be started. */
static int run(const char *const *argv, char *const *environment, const char *output)
{
	posix_spawn_file_actions_t actions;
	int status, ret = posix_spawn_file_actions_init(&actions);
	pid_t pid;

	if (ret)
		return -ret;
	ret = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
	if (!ret)
		ret = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	if (ret)
		return -ret;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A text file with NUL at its end; empty when it cannot be read. */
static char *read_text(const char *path)
{
	void *data;
	size_t size;
	char *text;

	if (pack_read_file(path, MAX_TEXT_B, &data, &size))
		return strdup("");
	text = realloc(data, size + 1);
	if (!text) {
		free(data);
		return NULL;
	}
	text[size] = 0;
	return text;
}

/* The first line that tells what went wrong, else the first. */
static const char *telling_line(const char *text)
{
	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");

		if (memmem(line, length, "rror", 4) || memmem(line, length, "ERROR", 5))
			return line;
		line += length + (line[length] == '\n');
	}
	return text;
}

static int program_failed(const char *program, int status, const char *output, const char *fix)
{
	char *text = read_text(output);
	const char *line;

	if (!text)
		return df_error_set(-ENOMEM, "%s: out of memory", program);
	line = telling_line(text);
	if (status < 0)
		df_error_set(status, "%s cannot be started: %s. Fix: %s", program, strerror(-status), fix);
	else
		df_error_set(-EINVAL, "%s failed (%d): %.*s. Fix: correct what it names", program, status,
			     (int)strcspn(line, "\n"), line);
	free(text);
	return status < 0 ? status : -EINVAL;
}

/* ---- glslangValidator ---- */

int radv_compile_glsl(const struct radv_folder *folder, const struct pack_glsl *glsl, void **spirv_out,
		      size_t *size_out)
{
	char spirv[PATH_MAX], output[PATH_MAX];
	const char *argv[MAX_WORDS] = {
		"glslangValidator", "-V", "--target-env", "vulkan1.2", "-S", "comp", "-o", spirv};
	char words[2 * 64][256];
	unsigned at = 8, used = 0;
	int status;

	snprintf(spirv, sizeof(spirv), "%s/shader.spv", folder->path);
	snprintf(output, sizeof(output), "%s/glslang.log", folder->path);
	for (unsigned i = 0; i < glsl->define_count + glsl->include_count; i++) {
		bool define = i < glsl->define_count;
		const char *word = define ? glsl->defines[i] : glsl->includes[i - glsl->define_count];

		if ((size_t)snprintf(words[used], sizeof(words[used]), "-%c%s", define ? 'D' : 'I', word) >=
		    sizeof(words[used]))
			return df_error_set(-E2BIG, "%s: -%c%s is too long", glsl->path, define ? 'D' : 'I', word);
		argv[at++] = words[used++];
	}
	argv[at] = glsl->path;
	if (access(glsl->path, R_OK) != 0)
		return df_error_set(-errno, "%s: %s. Fix: name a file that can be read", glsl->path, strerror(errno));
	status = run(argv, environ, output);
	if (status)
		return program_failed("glslangValidator", status, output, "install glslang-tools");
	return pack_read_file(spirv, MAX_TEXT_B * 16, spirv_out, size_out);
}

/* ---- RADV under the software GPU ---- */

/* A file that is installed beside the command, or in lib beside its folder. */
static int find_beside(const char *name, char path[PATH_MAX])
{
	static const char *const places[] = {"%s/%s", "%s/../lib/%s"};
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		return df_error_set(-errno, "/proc/self/exe: %s", strerror(errno));
	self[length] = 0;
	*strrchr(self, '/') = 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int wrote = i ? snprintf(path, PATH_MAX, places[1], self, name)
			      : snprintf(path, PATH_MAX, places[0], self, name);

		if (wrote > 0 && wrote < PATH_MAX && access(path, R_OK) == 0)
			return 0;
	}
	return df_error_set(-ENOENT, "%s is not beside the command. Fix: make, or make install", name);
}

struct variables {
	char text[6][PATH_MAX + 32];
	char *list[1024];
};

static bool is_set_by_us(const char *variable, const struct variables *variables, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		size_t name = strcspn(variables->text[i], "=") + 1;

		if (strncmp(variable, variables->text[i], name) == 0)
			return true;
	}
	return strncmp(variable, "RADV_", 5) == 0 || strncmp(variable, "AMD_DEBUG=", 10) == 0;
}

/* The environment of drumfire-radv: ours, but for what would change the driver or its code. */
static int make_variables(const char *shim, const char *capture, const char *target, struct variables *out)
{
	unsigned at = 0, ours = 0;

	snprintf(out->text[ours++], sizeof(out->text[0]), "LD_PRELOAD=%s", shim);
	snprintf(out->text[ours++], sizeof(out->text[0]), "DRUMFIRE_CAPTURE=%s", capture);
	snprintf(out->text[ours++], sizeof(out->text[0]), "DRUMFIRE_SHIM=%s", target);
	snprintf(out->text[ours++], sizeof(out->text[0]), "VK_ICD_FILENAMES=%s", ICD);
	snprintf(out->text[ours++], sizeof(out->text[0]), "VK_DRIVER_FILES=%s", ICD);
	snprintf(out->text[ours++], sizeof(out->text[0]), "MESA_SHADER_CACHE_DISABLE=true");
	for (unsigned i = 0; i < ours; i++)
		out->list[at++] = out->text[i];
	for (char **variable = environ; *variable && at < sizeof(out->list) / sizeof(out->list[0]) - 1; variable++) {
		if (!is_set_by_us(*variable, out, ours))
			out->list[at++] = *variable;
	}
	out->list[at] = NULL;
	return 0;
}

static int start_radv(const struct radv_folder *folder, const struct pack_glsl *glsl, unsigned index, uint32_t push_B,
		      const char *capture, const char *output)
{
	const struct radv_pattern *pattern = &radv_patterns[index];
	char program[PATH_MAX], shim[PATH_MAX], spirv[PATH_MAX], numbers[5][16];
	const char *argv[] = {program, spirv, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], NULL};
	struct variables *variables;
	int ret = find_beside("drumfire-radv", program);

	if (!ret)
		ret = find_beside("libdrumfire-shim.so", shim);
	if (ret)
		return ret;
	variables = malloc(sizeof(*variables));
	if (!variables)
		return df_error_set(-ENOMEM, "%s: out of memory", glsl->path);
	snprintf(spirv, sizeof(spirv), "%s/shader.spv", folder->path);
	snprintf(numbers[0], sizeof(numbers[0]), "%u", push_B);
	snprintf(numbers[1], sizeof(numbers[1]), "%u", pattern->first);
	for (int d = 0; d < 3; d++)
		snprintf(numbers[2 + d], sizeof(numbers[0]), "%u", pattern->groups[d]);
	ret = make_variables(shim, capture, glsl->target ? glsl->target : "gfx1030", variables);
	if (!ret)
		ret = run(argv, variables->list, output);
	free(variables);
	return ret ? program_failed("drumfire-radv", ret, output, "install mesa-vulkan-drivers") : 0;
}

/* ---- the capture ---- */

static void set_register(struct radv_run *run, uint32_t pgm[2], uint32_t offset, uint32_t value)
{
	if (offset >= R_USER_DATA_0 && offset < R_USER_DATA_0 + 4 * DF_IMAGE_USER_SGPRS)
		run->user[(offset - R_USER_DATA_0) / 4] = value;
	else if (offset >= R_NUM_THREAD_X && offset < R_NUM_THREAD_X + 12)
		run->block[(offset - R_NUM_THREAD_X) / 4] = value & 0xffff;
	else if (offset == R_PGM_LO || offset == R_PGM_HI)
		pgm[offset == R_PGM_HI] = value;
	else if (offset == R_PGM_RSRC1)
		run->rsrc1 = value;
	else if (offset == R_PGM_RSRC2)
		run->rsrc2 = value;
	else if (offset == R_PGM_RSRC3)
		run->rsrc3 = value;
	else if (offset == R_TMPRING_SIZE)
		run->tmpring = value;
}

/* COMPUTE_PGM holds address bits 8 to 47; RADV keeps code in the window that its 32-bit pointers reach. */
static uint32_t window(const uint32_t pgm[2])
{
	uint32_t hi = (pgm[1] & 0xff) << 8 | pgm[0] >> 24;

	return hi & 0x8000 ? hi | 0xffff0000u : hi;
}

static int read_registers(const char *path, struct radv_run *run)
{
	char *text = read_text(path);
	uint32_t pgm[2] = {0, 0};
	unsigned count = 0;

	if (!text)
		return df_error_set(-ENOMEM, "%s: out of memory", path);
	for (char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		char *behind, *end;
		unsigned long offset, value;

		if (strncmp(line, "reg ", 4) != 0)
			continue;
		offset = strtoul(line + 4, &behind, 16);
		value = strtoul(behind, &end, 16);
		if (behind == line + 4 || end == behind)
			continue;
		set_register(run, pgm, (unsigned)offset, (unsigned)value);
		count++;
	}
	free(text);
	if (!count || !(pgm[0] | pgm[1]))
		return df_error_set(-EIO, "RADV's dispatch was not captured. Fix: check DRUMFIRE_CAPTURE and the shim");
	run->address32_hi = window(pgm);
	return 0;
}

static int read_report(const char *path, struct radv_run *run)
{
	char *text = read_text(path);
	char name[64];

	if (!text)
		return df_error_set(-ENOMEM, "%s: out of memory", path);
	for (char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		unsigned long long value;
		char *end;
		int at = 0;

		if (sscanf(line, "driver: %63[^\n]", run->driver) == 1)
			continue;
		if (sscanf(line, "%63[^:]: %n", name, &at) != 1 || !at)
			continue;
		value = strtoull(line + at, &end, 10);
		if (end == line + at || value > MAX_TEXT_B)
			continue;
		if (strcmp(name, "wave") == 0)
			run->wave_size = (uint32_t)value;
		else if (strcmp(name, "VGPRs") == 0)
			run->vgprs = (uint32_t)value;
		else if (strcmp(name, "SGPRs") == 0)
			run->sgprs = (uint32_t)value;
		else if (strcmp(name, "Code size") == 0)
			run->code_size_B = (size_t)value;
	}
	free(text);
	if (!run->wave_size || !run->code_size_B)
		return df_error_set(-EIO, "RADV does not report the size of its code");
	return 0;
}

static int read_code(const char *path, struct radv_run *run)
{
	void *data;
	size_t size;
	int ret = pack_read_file(path, DF_IMAGE_MAX_SIZE_B, &data, &size);

	if (ret)
		return ret;
	run->code = data;
	if (size < run->code_size_B)
		return df_error_set(-EIO, "RADV reports %zu bytes of code, %zu were captured", run->code_size_B, size);
	return 0;
}

/* The number of the last dispatch in the folder: a driver may have run some of its own before. -1: none. */
static int last_dispatch(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	int last = -1;

	while (directory && (entry = readdir(directory))) {
		char *end;
		long number;

		if (strncmp(entry->d_name, "dispatch-", 9) != 0)
			continue;
		number = strtol(entry->d_name + 9, &end, 10);
		if (end != entry->d_name + 9 && strcmp(end, ".txt") == 0 && number > last && number <= INT_MAX)
			last = (int)number;
	}
	if (directory)
		closedir(directory);
	return last;
}

int radv_capture(const struct radv_folder *folder, const struct pack_glsl *glsl, unsigned index, uint32_t push_B,
		 struct radv_run *run_out)
{
	char capture[PATH_MAX - 64], output[PATH_MAX], path[PATH_MAX];
	int last, ret;

	snprintf(capture, sizeof(capture), "%s/run-%u", folder->path, index);
	snprintf(output, sizeof(output), "%s/radv-%u.log", folder->path, index);
	if (mkdir(capture, 0700) != 0)
		return df_error_set(-errno, "%s: %s", capture, strerror(errno));
	ret = start_radv(folder, glsl, index, push_B, capture, output);
	if (ret)
		return ret;
	last = last_dispatch(capture);
	if (last < 0)
		return df_error_set(-EIO, "%s: RADV's dispatch was not captured by the software GPU", glsl->path);
	ret = read_report(output, run_out);
	snprintf(path, sizeof(path), "%s/dispatch-%d.txt", capture, last);
	if (!ret)
		ret = read_registers(path, run_out);
	snprintf(path, sizeof(path), "%s/dispatch-%d.code", capture, last);
	if (!ret)
		ret = read_code(path, run_out);
	return ret;
}

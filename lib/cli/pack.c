/* SPDX-License-Identifier: MIT */
/* drumfire pack: kernel images from code objects and from GLSL. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/pack.h"
#include "core/error.h"
#include "core/image.h"
#include "drumfire.h"

#define MAX_DEFINES 64
#define EXIT_USAGE  2

int df_cmd_pack(int argc, char **argv);

static const char usage[] =
	"usage: drumfire pack [--target NAME] [--kernel NAME] -o OUT FILE\n"
	"       drumfire pack --glsl FILE.comp -o OUT [--target NAME] [-DNAME[=VALUE]]... [-IDIR]...\n"
	"\n"
	"Writes a kernel image, the only form that the library loads.\n"
	"  FILE            code object of clang or hipcc for amdgcn-amd-amdhsa (versions 3 to 6), or an offload "
	"bundle\n"
	"  --glsl FILE     GLSL compute shader, compiled by glslangValidator and Mesa's RADV over the software GPU\n"
	"  -o OUT          image to write\n"
	"  --target NAME   chip, as LLVM names it (default: what FILE says; gfx1030 with --glsl)\n"
	"  --kernel NAME   only this kernel (default: all)\n"
	"  -D, -I          passed to glslangValidator\n";

struct command {
	const char *output;
	struct pack_options object;
	struct pack_glsl glsl;
	const char *defines[MAX_DEFINES];
	const char *includes[MAX_DEFINES];
};

/* ---- files ---- */

static int read_all(int fd, const char *path, size_t max_B, uint8_t **data_out, size_t *size_out)
{
	size_t size = 0, room = 0;
	uint8_t *data = NULL;
	ssize_t got = 1;

	while (got > 0) {
		if (size == room) {
			uint8_t *larger = realloc(data, room = room ? room * 2 : 65536);

			if (!larger) {
				free(data);
				return df_error_set(-ENOMEM, "%s: out of memory", path);
			}
			data = larger;
		}
		got = read(fd, data + size, room - size);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got > 0)
			size += (size_t)got;
		if (size > max_B) {
			free(data);
			return df_error_set(
				-E2BIG, "%s: over %zu bytes, too large for code. Fix: name a code object or an image",
				path, max_B);
		}
	}
	if (got < 0) {
		got = errno;
		free(data);
		return df_error_set((int)-got, "%s: %s. Fix: name a file that can be read", path, strerror((int)got));
	}
	*data_out = data;
	*size_out = size;
	return 0;
}

int pack_read_file(const char *path, size_t max_B, void **data_out, size_t *size_out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *data = NULL;
	int ret;

	if (fd < 0)
		return df_error_set(-errno, "%s: %s. Fix: name a file that can be read", path, strerror(errno));
	ret = read_all(fd, path, max_B, &data, size_out);
	close(fd);
	if (!ret)
		*data_out = data;
	return ret;
}

static int write_all(int fd, const uint8_t *data, size_t size_B)
{
	while (size_B) {
		ssize_t put = write(fd, data, size_B);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		data += put;
		size_B -= (size_t)put;
	}
	return 0;
}

/* Through a new file beside it that takes its name at the end, so that nobody sees half of one. */
int pack_write_file(const char *path, const void *data, size_t size_B)
{
	char *temporary;
	int fd, ret;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return df_error_set(-ENOMEM, "%s: out of memory", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		ret = -errno;
		free(temporary);
		return df_error_set(ret, "%s: %s. Fix: name a file that can be written", path, strerror(-ret));
	}
	ret = write_all(fd, data, size_B);
	if (fchmod(fd, 0644) != 0 && !ret)
		ret = -errno;
	if (close(fd) != 0 && !ret)
		ret = -errno;
	if (!ret && rename(temporary, path) != 0)
		ret = -errno;
	if (ret)
		unlink(temporary);
	free(temporary);
	return ret ? df_error_set(ret, "%s: %s. Fix: make room, or name another file", path, strerror(-ret)) : 0;
}

/* ---- the command ---- */

static int add_word(const char **words, unsigned *count, const char *word)
{
	if (*count == MAX_DEFINES) {
		fprintf(stderr, "drumfire pack: more than %d -D or -I options\n", MAX_DEFINES);
		return -E2BIG;
	}
	words[(*count)++] = word;
	return 0;
}

/* 0, EXIT_USAGE, or -1 when help was asked for. */
static int parse(int argc, char **argv, struct command *command)
{
	static const struct option options[] = {
		{"target", required_argument, NULL, 't'}, {"kernel", required_argument, NULL, 'k'},
		{"glsl", required_argument, NULL, 'g'},   {"output", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
	};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "o:D:I:h", options, NULL)) != -1) {
		switch (c) {
		case 't':
			command->object.target = optarg;
			command->glsl.target = optarg;
			break;
		case 'k':
			command->object.kernel = optarg;
			break;
		case 'g':
			command->glsl.path = optarg;
			break;
		case 'o':
			command->output = optarg;
			break;
		case 'D':
			if (add_word(command->defines, &command->glsl.define_count, optarg))
				return EXIT_USAGE;
			break;
		case 'I':
			if (add_word(command->includes, &command->glsl.include_count, optarg))
				return EXIT_USAGE;
			break;
		case 'h':
			return -1;
		default:
			return EXIT_USAGE;
		}
	}
	if (!command->output || (command->glsl.path ? optind != argc || command->object.kernel : optind != argc - 1))
		return EXIT_USAGE;
	if (!command->glsl.path)
		command->object.source = argv[optind];
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int pack_file(const struct pack_options *options, void **image_out, size_t *size_out)
{
	struct pack_options named = *options;
	void *data = NULL;
	size_t size = 0;
	int ret = pack_read_file(options->source, DF_IMAGE_MAX_SIZE_B, &data, &size);

	if (ret)
		return ret;
	named.source = base_name(options->source);
	ret = pack_object(data, size, &named, image_out, size_out);
	free(data);
	return ret;
}

int df_cmd_pack(int argc, char **argv)
{
	struct command command = {0};
	void *image = NULL;
	size_t size = 0;
	int ret = parse(argc, argv, &command);

	if (ret) {
		fputs(usage, ret < 0 ? stdout : stderr);
		return ret < 0 ? 0 : EXIT_USAGE;
	}
	command.glsl.defines = command.defines;
	command.glsl.includes = command.includes;
	if (command.glsl.path)
		ret = pack_glsl(&command.glsl, &image, &size);
	else
		ret = pack_file(&command.object, &image, &size);
	if (!ret)
		ret = pack_write_file(command.output, image, size);
	free(image);
	if (!ret)
		return 0;
	fprintf(stderr, "drumfire pack: %s\n", df_error());
	return 1;
}

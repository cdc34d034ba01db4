/* SPDX-License-Identifier: MIT */
/* Argument words of drumfire launch: parsed, matched with the kernel's arguments, given memory, written back. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/launch.h"

#define PIECE_B (1u << 20)

/* ---- parsing ---- */

static int bad_word(const char *word, const char *why)
{
	fprintf(stderr, "drumfire launch: argument '%s': %s\n", word, why);
	return CLI_USAGE;
}

static int parse_value(struct launch_arg *arg, const char *text, enum number_kind kind)
{
	int ret = number_parse(text, kind, arg->value, &arg->value_size);

	if (ret == -ERANGE)
		return bad_word(arg->word, "the number is out of range for its type");
	return ret ? bad_word(arg->word,
			      "not a number. Fix: decimal or 0x digits (a fraction or exponent for f16, f32, f64), "
			      "nothing around them")
		   : 0;
}

static int parse_bytes(struct launch_arg *arg, const char *text, size_t length)
{
	char digits[32];
	int ret = -EINVAL;

	if (length && length < sizeof(digits)) {
		memcpy(digits, text, length);
		digits[length] = 0;
		ret = number_u64(digits, INT64_MAX, &arg->bytes);
	}
	if (ret == -ERANGE)
		return bad_word(arg->word, "the size is out of range");
	if (ret)
		return bad_word(arg->word, "the size is not a number of bytes");
	return arg->bytes ? 0 : bad_word(arg->word, "the size is 0. Fix: at least one byte");
}

static int copy_path(const struct launch_arg *arg, const char *path, size_t length, char **path_out)
{
	if (!length)
		return bad_word(arg->word, "the file name is empty");
	*path_out = strndup(path, length);
	return *path_out ? 0 : bad_word(arg->word, "out of memory");
}

static int parse_out(struct launch_arg *arg, const char *text)
{
	size_t length = strcspn(text, ":");
	int ret;

	if (!text[length])
		return bad_word(arg->word, "expected out:BYTES:FILE");
	ret = parse_bytes(arg, text, length);
	return ret ? ret : copy_path(arg, text + length + 1, strlen(text + length + 1), &arg->out_path);
}

static int parse_inout(struct launch_arg *arg, const char *text)
{
	size_t length = strcspn(text, ":");
	const char *out = text[length] ? text + length + 1 : text;
	int ret = copy_path(arg, text, length, &arg->in_path);

	return ret ? ret : copy_path(arg, out, strlen(out), &arg->out_path);
}

static int parse_kind(struct launch_arg *arg, const char *text)
{
	switch (arg->kind) {
	case LAUNCH_IN:
		return copy_path(arg, text, strlen(text), &arg->in_path);
	case LAUNCH_OUT:
		return parse_out(arg, text);
	case LAUNCH_INOUT:
		return parse_inout(arg, text);
	default:
		return parse_bytes(arg, text, strlen(text));
	}
}

int launch_arg_parse(const char *word, struct launch_arg *arg)
{
	static const struct {
		const char *prefix;
		enum launch_kind kind;
		enum number_kind number;
	} prefixes[] = {
		{"in:", LAUNCH_IN, 0},
		{"out:", LAUNCH_OUT, 0},
		{"inout:", LAUNCH_INOUT, 0},
		{"zero:", LAUNCH_ZERO, 0},
		{"local:", LAUNCH_LOCAL, 0},
		{"i32:", LAUNCH_VALUE, NUMBER_I32},
		{"u32:", LAUNCH_VALUE, NUMBER_U32},
		{"i64:", LAUNCH_VALUE, NUMBER_I64},
		{"u64:", LAUNCH_VALUE, NUMBER_U64},
		{"f16:", LAUNCH_VALUE, NUMBER_F16},
		{"f32:", LAUNCH_VALUE, NUMBER_F32},
		{"f64:", LAUNCH_VALUE, NUMBER_F64},
	};

	*arg = (struct launch_arg){.word = word};
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t length = strlen(prefixes[i].prefix);

		if (strncmp(word, prefixes[i].prefix, length) != 0)
			continue;
		arg->kind = prefixes[i].kind;
		return arg->kind == LAUNCH_VALUE ? parse_value(arg, word + length, prefixes[i].number)
						 : parse_kind(arg, word + length);
	}
	return bad_word(word, "unknown kind. Fix: in: out: inout: zero: local: i32: u32: i64: u64: f16: f32: f64:");
}

void launch_arg_finish(struct launch_arg *arg)
{
	free(arg->in_path);
	free(arg->out_path);
	(void)df_bo_destroy(arg->bo);
	memset(arg, 0, sizeof(*arg));
}

/* ---- binding ---- */

static int refuse(char *text, size_t text_size, int err, const char *format, ...) __attribute__((format(printf, 4, 5)));
static int refuse(char *text, size_t text_size, int err, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, text_size, format, arguments);
	va_end(arguments);
	return err;
}

static const char *kind_text(enum df_arg_kind kind)
{
	return kind == DF_ARG_POINTER ? "a buffer (in: out: inout: zero:)"
	       : kind == DF_ARG_LOCAL ? "local:BYTES"
				      : "a value";
}

static int check_kind(const struct launch_arg *arg, const struct df_arg_info *info, unsigned i, char *text, size_t size)
{
	enum df_arg_kind given = arg->kind == LAUNCH_VALUE   ? DF_ARG_VALUE
				 : arg->kind == LAUNCH_LOCAL ? DF_ARG_LOCAL
							     : DF_ARG_POINTER;
	const char *name = info->name ? info->name : "";

	if (given != info->kind)
		return refuse(text, size, -EINVAL, "argument %u '%s': the kernel's '%s' takes %s", i, arg->word, name,
			      kind_text(info->kind));
	if (given == DF_ARG_VALUE && arg->value_size != info->arg_size_B)
		return refuse(text, size, -EINVAL,
			      "argument %u '%s': the kernel's '%s' has %u bytes, this type has %zu", i, arg->word, name,
			      info->arg_size_B, arg->value_size);
	if (arg->kind == LAUNCH_IN && info->access == DF_WRITE)
		return refuse(text, size, -EINVAL,
			      "argument %u '%s': the kernel only writes '%s'. Fix: use out: or inout:", i, arg->word,
			      name);
	return 0;
}

static int read_all(int fd, uint8_t *data, size_t bytes)
{
	while (bytes) {
		ssize_t got = read(fd, data, bytes);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			return -EIO;
		data += got;
		bytes -= (size_t)got;
	}
	return 0;
}

/* Copies the file into the buffer piece by piece. */
static int fill_from_file(struct df_bo *bo, int fd, uint64_t bytes, const char **why_out)
{
	uint8_t *piece = malloc(PIECE_B);
	int ret = piece ? 0 : -ENOMEM;

	*why_out = "out of memory";
	for (uint64_t at = 0; at < bytes && !ret;) {
		size_t length = bytes - at < PIECE_B ? (size_t)(bytes - at) : PIECE_B;

		ret = read_all(fd, piece, length);
		*why_out = ret == -EIO ? "ended while it was read" : strerror(-ret);
		if (!ret) {
			ret = df_bo_write(bo, at, piece, length);
			*why_out = df_error();
		}
		at += length;
	}
	free(piece);
	return ret;
}

static int fill_zero(struct df_bo *bo, uint64_t bytes)
{
	uint8_t *piece = calloc(1, PIECE_B);
	int ret = piece ? 0 : -ENOMEM;

	for (uint64_t at = 0; at < bytes && !ret; at += PIECE_B)
		ret = df_bo_write(bo, at, piece, bytes - at < PIECE_B ? (size_t)(bytes - at) : PIECE_B);
	free(piece);
	return ret;
}

static int create_bo(struct df_device *device, struct launch_arg *arg, unsigned i, char *text, size_t size)
{
	/* Kernels add to what they find in buffers of zeros too: only a batch that starts from zeros again gives the
	 * same, so that they are STATE. */
	static const enum df_bo_class classes[] = {[LAUNCH_IN] = DF_BO_INPUT,
						   [LAUNCH_OUT] = DF_BO_STATE,
						   [LAUNCH_INOUT] = DF_BO_STATE,
						   [LAUNCH_ZERO] = DF_BO_STATE};
	struct df_bo_options options =
		DF_OPTIONS(options, .domain = DF_DOMAIN_DEVICE, .recovery = classes[arg->kind], .name = arg->word);
	int ret = df_bo_create(device, arg->bytes, &options, &arg->bo);

	return ret ? refuse(text, size, ret, "argument %u '%s': %s", i, arg->word, df_error()) : 0;
}

static int make_from_file(struct df_device *device, struct launch_arg *arg, unsigned i, char *text, size_t size)
{
	const char *why = "";
	struct stat st = {0};
	int fd = open(arg->in_path, O_RDONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0 || fstat(fd, &st))
		ret = refuse(text, size, -errno, "argument %u: cannot open %s: %s. Fix: name a file that can be read",
			     i, arg->in_path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		ret = refuse(text, size, -EINVAL,
			     "argument %u: %s is not a regular file. Fix: write the data to a file first", i,
			     arg->in_path);
	else if (!st.st_size)
		ret = refuse(text, size, -EINVAL, "argument %u: %s is empty. Fix: a buffer has at least one byte", i,
			     arg->in_path);
	if (!ret) {
		arg->bytes = (uint64_t)st.st_size;
		ret = create_bo(device, arg, i, text, size);
	}
	if (!ret) {
		ret = fill_from_file(arg->bo, fd, arg->bytes, &why);
		if (ret)
			refuse(text, size, ret, "argument %u: %s: %s", i, arg->in_path, why);
	}
	if (fd >= 0)
		close(fd);
	return ret;
}

static int make_buffer(struct df_device *device, struct launch_arg *arg, unsigned i, char *text, size_t size,
		       struct launch_totals *totals)
{
	int ret;

	if (arg->in_path) {
		ret = make_from_file(device, arg, i, text, size);
	} else {
		ret = create_bo(device, arg, i, text, size);
		if (!ret && (ret = fill_zero(arg->bo, arg->bytes)))
			refuse(text, size, ret, "argument %u '%s': %s", i, arg->word, df_error());
	}
	if (ret)
		return ret;
	totals->input_B += arg->in_path ? arg->bytes : 0;
	totals->allocated_B += (arg->bytes + 4095) & ~4095ull;
	totals->buffers++;
	return 0;
}

int launch_args_local(struct df_kernel *kernel, const struct launch_arg *args, unsigned count, uint32_t *bytes_out)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < count; i++) {
		struct df_arg_info info;

		if (df_kernel_get_arg(kernel, i, &info) || info.kind != DF_ARG_LOCAL || args[i].kind != LAUNCH_LOCAL)
			continue;
		/* Arrays are laid out one behind the other at the alignment a vector of 16 words may ask for. */
		total += (args[i].bytes + 63) & ~63ull;
	}
	if (total > UINT32_MAX)
		return -E2BIG;
	*bytes_out = (uint32_t)total;
	return 0;
}

int launch_args_bind(struct df_device *device, struct df_kernel *kernel, struct launch_arg *args, unsigned count,
		     uint8_t *block, char *text, size_t text_size, struct launch_totals *totals)
{
	struct df_kernel_info kernel_info;
	struct df_arg_info info;
	int ret = df_kernel_get_info(kernel, &kernel_info);

	if (ret)
		return refuse(text, text_size, ret, "%s", df_error());
	if (kernel_info.arg_count != count)
		return refuse(text, text_size, -EINVAL,
			      "kernel '%s' takes %u arguments, %u were given. Fix: see `drumfire image FILE`",
			      kernel_info.name, kernel_info.arg_count, count);
	for (unsigned i = 0; i < count; i++) {
		if ((ret = df_kernel_get_arg(kernel, i, &info)))
			return refuse(text, text_size, ret, "%s", df_error());
		if ((ret = check_kind(&args[i], &info, i, text, text_size)))
			return ret;
	}
	for (unsigned i = 0; i < count; i++) {
		uint64_t address;

		(void)df_kernel_get_arg(kernel, i, &info);
		if (args[i].kind == LAUNCH_VALUE) {
			memcpy(block + info.offset_B, args[i].value, args[i].value_size);
			continue;
		}
		if (args[i].kind == LAUNCH_LOCAL) {
			memcpy(block + info.offset_B, &args[i].bytes, info.arg_size_B < 8 ? info.arg_size_B : 8);
			continue;
		}
		ret = make_buffer(device, &args[i], i, text, text_size, totals);
		if (ret)
			return ret;
		address = df_bo_address(args[i].bo);
		memcpy(block + info.offset_B, &address, sizeof(address));
	}
	return 0;
}

int launch_args_use(struct df_batch *batch, const struct launch_arg *args, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned access = args[i].kind == LAUNCH_IN ? DF_READ : DF_READ | DF_WRITE;
		int ret = args[i].bo ? df_batch_use(batch, args[i].bo, access) : 0;

		if (ret)
			return ret;
	}
	return 0;
}

/* ---- results ---- */

static int write_all(int fd, const uint8_t *data, size_t bytes)
{
	while (bytes) {
		ssize_t put = write(fd, data, bytes);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		data += put;
		bytes -= (size_t)put;
	}
	return 0;
}

static int write_buffer(const struct launch_arg *arg, char *text, size_t text_size)
{
	int fd = open(arg->out_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	uint8_t *piece = malloc(PIECE_B);
	const char *why = "out of memory";
	int ret = fd < 0 ? -errno : piece ? 0 : -ENOMEM;

	if (fd < 0)
		why = strerror(-ret);
	for (uint64_t at = 0; at < arg->bytes && !ret; at += PIECE_B) {
		size_t length = arg->bytes - at < PIECE_B ? (size_t)(arg->bytes - at) : PIECE_B;

		ret = df_bo_read(arg->bo, at, piece, length);
		why = df_error();
		if (!ret && (ret = write_all(fd, piece, length)))
			why = strerror(-ret);
	}
	if (fd >= 0 && close(fd) && !ret) {
		ret = -errno;
		why = strerror(-ret);
	}
	free(piece);
	return ret ? refuse(text, text_size, ret,
			    "cannot write %s: %s. Fix: name a file in a folder that exists, with room for %llu bytes",
			    arg->out_path, why, (unsigned long long)arg->bytes)
		   : 0;
}

int launch_args_write(struct launch_arg *args, unsigned count, char *text, size_t text_size,
		      struct launch_totals *totals)
{
	for (unsigned i = 0; i < count; i++) {
		int ret;

		if (!args[i].out_path)
			continue;
		ret = write_buffer(&args[i], text, text_size);
		if (ret)
			return ret;
		totals->output_B += args[i].bytes;
		totals->output_buffers++;
	}
	return 0;
}

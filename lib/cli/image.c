/* SPDX-License-Identifier: MIT */
/* drumfire image: what is in a kernel image (or in what a code object would become). */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/image.h"
#include "cli/pack.h"
#include "core/error.h"
#include "core/image.h"
#include "drumfire.h"

#define EXIT_USAGE 2

int df_cmd_image(int argc, char **argv);

static const char usage[] =
	"usage: drumfire image [--kernel NAME] [--no-code] FILE\n"
	"\n"
	"Shows the kernels of a kernel image or code object: arguments, registers, and the code when\n"
	"llvm-mc-16 or llvm-mc is in the PATH.\n";

struct bit_name {
	uint32_t bit;
	const char *name;
};

static const struct bit_name flag_names[] = {
	{DF_IMAGE_KERNEL_USES_VCC, "vcc"},
	{DF_IMAGE_KERNEL_WGP_MODE, "wgp-mode"},
	{DF_IMAGE_KERNEL_DYNAMIC_LDS, "dynamic-lds"},
	{DF_IMAGE_KERNEL_BLOCK_FIXED, "block-fixed"},
	{DF_IMAGE_KERNEL_DISPATCH_PTR, "dispatch-ptr"},
	{DF_IMAGE_KERNEL_QUEUE_PTR, "queue-ptr"},
	{DF_IMAGE_KERNEL_DYNAMIC_STACK, "dynamic-stack"},
	{DF_IMAGE_KERNEL_FLAT_SCRATCH, "flat-scratch"},
	{DF_IMAGE_KERNEL_PARTIAL_GRID, "partial-grid"},
};

static const char *type_name(const struct df_image_arg *arg)
{
	static const char *const names[] = {
		[DF_IMAGE_TYPE_BYTES] = "bytes",
		[DF_IMAGE_TYPE_INT] = "int",
		[DF_IMAGE_TYPE_UINT] = "uint",
		[DF_IMAGE_TYPE_FLOAT] = "float",
	};
	static const char *const accesses[] = {
		[DF_IMAGE_ACCESS_UNKNOWN] = "",
		[DF_IMAGE_ACCESS_READ] = "read",
		[DF_IMAGE_ACCESS_WRITE] = "write",
		[DF_IMAGE_ACCESS_READ_WRITE] = "read-write",
	};

	if (arg->kind == DF_IMAGE_ARG_VALUE)
		return names[arg->type];
	return arg->kind == DF_IMAGE_ARG_GLOBAL ? accesses[arg->access] : "";
}

static void show_args(const struct df_image *image, const struct df_image_kernel *kernel)
{
	struct df_image_arg arg;

	printf("  arguments: %u in %u bytes\n", kernel->arg_count, kernel->args_size_B);
	for (uint32_t i = 0; i < kernel->arg_count; i++) {
		df_image_get_arg(image, kernel->arg_first + i, &arg);
		printf("    %4u +%-4u %-18s %-10s %s\n", arg.offset_B, arg.size_B, df_image_arg_kind_name(arg.kind),
		       type_name(&arg), df_image_string(image, arg.name));
	}
}

static void show_sgprs(const struct df_image *image, const struct df_image_kernel *kernel)
{
	struct df_image_sgpr sgpr;

	printf("  user SGPRs:\n");
	for (uint32_t i = 0; i < kernel->sgpr_count; i++) {
		df_image_get_sgpr(image, kernel->sgpr_first + i, &sgpr);
		printf("    s[%u:%u] %s", sgpr.first, sgpr.first + sgpr.count - 1u, df_image_sgpr_kind_name(sgpr.kind));
		if (sgpr.kind == DF_IMAGE_SGPR_ARG_INLINE)
			printf(" bytes %u to %u", sgpr.offset_B, sgpr.offset_B + 4u * sgpr.count - 1);
		else if (sgpr.kind == DF_IMAGE_SGPR_DESCRIPTOR_SET)
			printf(" %u", sgpr.offset_B);
		printf("\n");
	}
}

static void show_kernel(const struct df_image *image, const struct df_image_kernel *kernel)
{
	printf("kernel %s\n", df_image_string(image, kernel->name));
	printf("  entry 0x%x, wave%u, block %ux%ux%u%s, at most %u work-items\n", kernel->entry_offset,
	       kernel->wave_size, kernel->block[0], kernel->block[1], kernel->block[2],
	       kernel->flags & DF_IMAGE_KERNEL_BLOCK_FIXED ? " (fixed)" : "", kernel->max_flat_size);
	printf("  %u VGPRs, %u SGPRs, %u bytes of LDS, %u bytes of scratch a work-item\n", kernel->vgprs, kernel->sgprs,
	       kernel->lds_size_B, kernel->scratch_size_B);
	printf("  PGM_RSRC1 0x%08x, PGM_RSRC2 0x%08x, PGM_RSRC3 0x%08x\n", kernel->pgm_rsrc1, kernel->pgm_rsrc2,
	       kernel->pgm_rsrc3);
	printf("  flags:");
	for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++) {
		if (kernel->flags & flag_names[i].bit)
			printf(" %s", flag_names[i].name);
	}
	printf("\n");
	if (kernel->kernarg_size_B)
		printf("  arguments in memory: %u bytes aligned to %u\n", kernel->kernarg_size_B,
		       kernel->kernarg_align_B);
	if (kernel->address32_hi)
		printf("  32-bit pointers are in 0x%x00000000\n", kernel->address32_hi);
	show_args(image, kernel);
	show_sgprs(image, kernel);
}

/* A kernel's code reaches from its entry to the next entry, or to the end. */
static uint32_t code_end(const struct df_image *image, uint32_t entry)
{
	struct df_image_kernel kernel;
	uint32_t end;

	(void)df_image_code(image, &end);
	for (uint32_t i = 0; i < image->header.kernel_count; i++) {
		df_image_get_kernel(image, i, &kernel);
		if (kernel.entry_offset > entry && kernel.entry_offset < end)
			end = kernel.entry_offset;
	}
	return end;
}

static int show(const struct df_image *image, const char *only, bool code)
{
	struct df_image_kernel kernel;
	uint32_t i, size_B;
	const uint8_t *bytes = df_image_code(image, &size_B);

	if (only && df_image_find_kernel(image, only, &i, &kernel))
		return -ENOENT;
	printf("kernel image, version %u, %s, %u kernel%s, %u bytes of code\n", image->header.version,
	       image->header.target, image->header.kernel_count, image->header.kernel_count == 1 ? "" : "s", size_B);
	printf("made from %s\n", df_image_string(image, image->header.provenance));
	for (i = 0; i < image->header.kernel_count; i++) {
		df_image_get_kernel(image, i, &kernel);
		if (only && strcmp(only, df_image_string(image, kernel.name)) != 0)
			continue;
		printf("\n");
		show_kernel(image, &kernel);
		if (code) {
			uint32_t end = code_end(image, kernel.entry_offset);

			printf("  code:\n");
			image_disassemble(image->header.target, kernel.wave_size, bytes + kernel.entry_offset,
					  end - kernel.entry_offset);
		}
	}
	return 0;
}

static int run(const char *path, const char *kernel, bool code)
{
	struct pack_options options = {.source = path};
	struct df_image image;
	void *data = NULL, *packed = NULL;
	uint32_t magic = 0;
	size_t size;
	int ret = pack_read_file(path, DF_IMAGE_MAX_SIZE_B, &data, &size);

	if (ret)
		return ret;
	if (size >= sizeof(magic))
		memcpy(&magic, data, sizeof(magic));
	if (magic != DF_IMAGE_MAGIC) {
		ret = pack_object(data, size, &options, &packed, &size);
		free(data);
		data = packed;
	}
	if (!ret)
		ret = df_image_parse(data, size, &image);
	if (!ret)
		ret = show(&image, kernel, code);
	free(data);
	return ret;
}

int df_cmd_image(int argc, char **argv)
{
	static const struct option options[] = {
		{"kernel", required_argument, NULL, 'k'},
		{"no-code", no_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *kernel = NULL;
	bool code = true;
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'k') {
			kernel = optarg;
		} else if (c == 'n') {
			code = false;
		} else {
			fputs(usage, c == 'h' ? stdout : stderr);
			return c == 'h' ? 0 : EXIT_USAGE;
		}
	}
	if (optind != argc - 1) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	if (run(argv[optind], kernel, code) == 0)
		return 0;
	fprintf(stderr, "drumfire image: %s\n", df_error());
	return 1;
}

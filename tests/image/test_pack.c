/* SPDX-License-Identifier: MIT */
/*
 * drumfire pack and drumfire image as programs: code objects of versions 3 to 5 that clang makes here, of version 6 by
 * its header, GLSL, and what is refused, by name.
 */
#include <check.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/image.h"
#include "drumfire.h"

#define COMMAND   "build/drumfire"
#define TEXT_SIZE 65536

static char folder[64];
static char text[TEXT_SIZE]; /* what the last command printed */

static void setup(void)
{
	snprintf(folder, sizeof(folder), "/tmp/drumfire-pack-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Exit status; $D is the test's folder. */
static int shell(const char *format, ...)
{
	char command[2048], line[4096];
	va_list arguments;
	size_t length;
	FILE *pipe;
	int status;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	snprintf(line, sizeof(line), "D=%s; { %s; } 2>&1", folder, command);
	pipe = popen(line, "r");
	ck_assert_ptr_nonnull(pipe);
	length = fread(text, 1, sizeof(text) - 1, pipe);
	text[length] = 0;
	status = pclose(pipe);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void teardown(void)
{
	ck_assert_int_eq(shell("rm -rf $D"), 0);
}

static void write_source(const char *name, const char *source)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(source, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

#define CLANG "clang-16 -x cl -cl-std=CL2.0 -target amdgcn-amd-amdhsa -mcpu=gfx1030 -nogpulib -Wno-everything "
#define LINK  "ld.lld-16 -shared $D/x.o -o $D/x.co"

static void compile(const char *flags, const char *source)
{
	write_source("x.cl", source);
	ck_assert_msg(shell(CLANG "%s -c $D/x.cl -o $D/x.o && " LINK, flags) == 0, "%s", text);
}

/* The image that was packed last. */
static struct df_image *read_image(void)
{
	static struct df_image image;
	static uint8_t data[1 << 20];
	char path[128];
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/x.dfi", folder);
	file = fopen(path, "rb");
	ck_assert_ptr_nonnull(file);
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	ck_assert_msg(df_image_parse(data, size, &image) == 0, "%s", df_error());
	return &image;
}

static void pack(void)
{
	ck_assert_msg(shell(COMMAND " pack -o $D/x.dfi $D/x.co") == 0, "%s", text);
}

static void refused(const char *arguments, const char *says)
{
	int status = shell(COMMAND " pack -o $D/x.dfi %s", arguments);

	ck_assert_msg(status == 1, "exit status %d: %s", status, text);
	ck_assert_msg(strstr(text, says) != NULL, "\"%s\" does not say \"%s\"", text, says);
	ck_assert_msg(strchr(text, '\n') == text + strlen(text) - 1, "more than one line: %s", text);
	ck_assert_int_ne(shell("test -e $D/x.dfi"), 0);
}

static const char simple[] =
	"kernel void simple(global int *out, global const float *in, int n, double d, char c)\n"
	"{ out[__builtin_amdgcn_workitem_id_x()] = in[n] * d + c; }\n"
	"kernel __attribute__((reqd_work_group_size(8, 4, 2))) void other(global int *out, local int *l)\n"
	"{ local int s[40]; s[*out] = 1; *out = s[l[0]]; }\n";

static void check_simple(void)
{
	struct df_image *image = read_image();
	struct df_image_kernel kernel;
	struct df_image_arg arg;
	uint32_t i;

	ck_assert_str_eq(image->header.target, "gfx1030");
	ck_assert_uint_eq(image->header.kernel_count, 2);
	ck_assert_int_eq(df_image_find_kernel(image, "simple", &i, &kernel), 0);
	ck_assert_uint_eq(kernel.wave_size, 32);
	ck_assert_uint_ge(kernel.arg_count, 5);
	df_image_get_arg(image, kernel.arg_first, &arg);
	ck_assert_int_eq(arg.kind, DF_IMAGE_ARG_GLOBAL);
	df_image_get_arg(image, kernel.arg_first + 1, &arg);
	ck_assert_int_eq(arg.kind, DF_IMAGE_ARG_GLOBAL);
	ck_assert_int_eq(arg.access, DF_IMAGE_ACCESS_READ);
	ck_assert_uint_eq(arg.offset_B, 8);
	df_image_get_arg(image, kernel.arg_first + 3, &arg);
	ck_assert_int_eq(arg.kind, DF_IMAGE_ARG_VALUE);
	ck_assert_int_eq(arg.type, DF_IMAGE_TYPE_FLOAT);
	ck_assert_uint_eq(arg.offset_B, 24);
	ck_assert_uint_eq(arg.size_B, 8);
	df_image_get_arg(image, kernel.arg_first + 4, &arg);
	ck_assert_uint_eq(arg.size_B, 1);
	ck_assert_int_eq(df_image_find_kernel(image, "other", &i, &kernel), 0);
	ck_assert_uint_eq(kernel.block[0], 8);
	ck_assert_uint_eq(kernel.block[1], 4);
	ck_assert_uint_eq(kernel.block[2], 2);
	ck_assert_uint_eq(kernel.max_flat_size, 64);
	ck_assert_uint_eq(kernel.lds_size_B, 160);
	ck_assert(kernel.flags & DF_IMAGE_KERNEL_BLOCK_FIXED);
	ck_assert(kernel.flags & DF_IMAGE_KERNEL_DYNAMIC_LDS);
}

/* _i: version of the code object, and optimisation */
START_TEST(versions)
{
	char flags[64];

	snprintf(flags, sizeof(flags), "-mcode-object-version=%d -O%d", 3 + _i / 2, _i % 2 * 3);
	compile(flags, simple);
	pack();
	check_simple();
	ck_assert_int_eq(shell(COMMAND " image $D/x.dfi"), 0);
	ck_assert_ptr_nonnull(strstr(text, "s_endpgm"));
	snprintf(flags, sizeof(flags), "version %d", 3 + _i / 2);
	ck_assert_ptr_nonnull(strstr(text, flags));
}
END_TEST

/* Clang 16 writes up to version 5; 6 differs in the ABI version of the ELF header, and in generic targets. */
START_TEST(version_6)
{
	compile("-mcode-object-version=5 -O3", simple);
	ck_assert_int_eq(shell("printf '\\004' | dd of=$D/x.co bs=1 seek=8 conv=notrunc"), 0);
	pack();
	check_simple();
	/* EF_AMDGPU_MACH: gfx10-3-generic */
	ck_assert_int_eq(shell("printf '\\123' | dd of=$D/x.co bs=1 seek=48 conv=notrunc && rm $D/x.dfi"), 0);
	refused("$D/x.co", "say which chip with --target");
	ck_assert_int_eq(shell(COMMAND " pack --target gfx1030 -o $D/x.dfi $D/x.co"), 0);
	check_simple();
	ck_assert_int_eq(shell("rm $D/x.dfi"), 0);
	refused("--target gfx1100 $D/x.co", "not for gfx1100");
}
END_TEST

START_TEST(one_kernel)
{
	compile("-O3", simple);
	ck_assert_int_eq(shell(COMMAND " pack --kernel other -o $D/x.dfi $D/x.co"), 0);
	ck_assert_uint_eq(read_image()->header.kernel_count, 1);
	ck_assert_int_eq(shell("rm $D/x.dfi"), 0);
	refused("--kernel third $D/x.co", "no kernel named \"third\"");
}
END_TEST

/* The same code object gives the same bytes. */
START_TEST(reproducible)
{
	compile("-O3", simple);
	pack();
	ck_assert_int_eq(shell("mv $D/x.dfi $D/y.dfi"), 0);
	pack();
	ck_assert_int_eq(shell("cmp $D/x.dfi $D/y.dfi"), 0);
}
END_TEST

START_TEST(refuses_files)
{
	refused("$D/none.co", "No such file");
	write_source("x.co", "");
	refused("$D/x.co", "not an ELF file");
	refused(COMMAND, "no HSA code object");
	compile("-O3", simple);
	refused("$D/x.o", "not linked yet");
	refused("--target gfx1100 $D/x.co", "code for gfx1030, not for gfx1100");
	ck_assert_int_eq(shell("printf '\\011' | dd of=$D/x.co bs=1 seek=8 conv=notrunc"), 0);
	refused("$D/x.co", "code object version 11");
	ck_assert_int_eq(shell("printf CCOB12345678 > $D/x.co"), 0);
	refused("$D/x.co", "compressed offload bundle");
}
END_TEST

START_TEST(refuses_variables)
{
	compile("-O3", "global int counter = 3;\nkernel void k(global int *out) { *out = counter++; }\n");
	refused("$D/x.co", ".data");
}
END_TEST

START_TEST(refuses_externals)
{
	write_source("x.cl", "__attribute__((visibility(\"default\"))) int elsewhere(int);\nkernel void k(global int "
			     "*out) { *out = elsewhere(*out); }\n");
	ck_assert_msg(shell(CLANG "-O3 -c $D/x.cl -o $D/x.o && ld.lld-16 -shared --unresolved-symbols=ignore-all "
				  "$D/x.o -o $D/x.co") == 0,
		      "%s", text);
	refused("$D/x.co", "elsewhere");
}
END_TEST

/* The compiler lists hidden_hostcall_buffer for kernels that read the implicit argument behind it. */
START_TEST(refuses_services)
{
	compile("-O3 -mcode-object-version=5",
		"kernel void k(global ulong *out)\n"
		"{ *out = *(constant ulong *)((constant char *)__builtin_amdgcn_implicitarg_ptr() + 80); }\n");
	refused("$D/x.co", "host calls");
}
END_TEST

/* Appends a file of the folder to the bundle; returns its size. */
static uint64_t append(FILE *out, const char *name)
{
	char path[128];
	uint64_t size = 0;
	FILE *in;
	int byte;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	in = fopen(path, "rb");
	ck_assert_ptr_nonnull(in);
	for (; (byte = fgetc(in)) != EOF; size++)
		ck_assert_int_eq(fputc(byte, out), byte);
	fclose(in);
	return size;
}

/* As clang's offload bundler writes it: magic, count, and for each entry offset, size, length of the name, name. */
static void write_bundle(void)
{
	static const char *const names[] = {"hipv4-amdgcn-amd-amdhsa--gfx1030", "hipv4-amdgcn-amd-amdhsa--gfx1033"};
	static const char *const files[] = {"a.co", "b.co"};
	uint64_t count = 2, at = 4096;
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/x.co", folder);
	file = fopen(path, "wb");
	ck_assert_ptr_nonnull(file);
	fputs("__CLANG_OFFLOAD_BUNDLE__", file);
	fwrite(&count, 8, 1, file);
	for (unsigned i = 0; i < 2; i++) {
		uint64_t entry[3] = {at, 0, strlen(names[i])};
		long header = ftell(file);

		fseek(file, (long)at, SEEK_SET);
		entry[1] = append(file, files[i]);
		at = (at + entry[1] + 4095) & ~4095ull;
		fseek(file, header, SEEK_SET);
		fwrite(entry, sizeof(entry), 1, file);
		fputs(names[i], file);
	}
	ck_assert_int_eq(fclose(file), 0);
}

/* An offload bundle of two targets: the one asked for is taken. */
START_TEST(bundle)
{
	compile("-O3", simple);
	ck_assert_msg(shell("mv $D/x.co $D/a.co; " CLANG "-mcpu=gfx1033 -O3 -c $D/x.cl -o $D/x.o && " LINK
			    " && mv $D/x.co $D/b.co") == 0,
		      "%s", text);
	write_bundle();
	refused("$D/x.co", "choose with --target");
	refused("--target gfx906 $D/x.co", "no code for gfx906");
	ck_assert_int_eq(shell(COMMAND " pack --target gfx1033 -o $D/x.dfi $D/x.co"), 0);
	ck_assert_str_eq(read_image()->header.target, "gfx1033");
	ck_assert_int_eq(shell("truncate -s 5000 $D/x.co && rm $D/x.dfi"), 0);
	refused("$D/x.co", "passes its end");
}
END_TEST

static const char shader[] = "#version 460\n"
			     "#extension GL_EXT_buffer_reference : require\n"
			     "layout(local_size_x = SIZE) in;\n"
			     "layout(buffer_reference) buffer B { uint v[]; };\n"
			     "layout(push_constant) uniform P { B b; uint n; } p;\n"
			     "void main() { p.b.v[gl_GlobalInvocationID.x] = p.n; }\n";

START_TEST(glsl)
{
	struct df_image *image;
	struct df_image_kernel kernel;
	uint32_t i;

	write_source("name.comp", shader);
	ck_assert_msg(shell(COMMAND " pack --glsl $D/name.comp -DSIZE=48 -o $D/x.dfi") == 0, "%s", text);
	image = read_image();
	ck_assert_int_eq(df_image_find_kernel(image, "name", &i, &kernel), 0);
	ck_assert_uint_eq(kernel.block[0], 48);
	ck_assert_uint_eq(kernel.args_size_B, 12);
	ck_assert_uint_eq(image->header.origin, DF_IMAGE_ORIGIN_RADV);
	ck_assert_ptr_nonnull(strstr(df_image_string(image, image->header.provenance), "Mesa"));
}
END_TEST

START_TEST(glsl_refuses)
{
	write_source("bad.comp", shader);
	refused("--glsl $D/bad.comp", "SIZE");
	refused("--glsl $D/none.comp", "No such file");
	write_source("big.comp", "#version 460\nlayout(local_size_x = 1) in;\n"
				 "layout(push_constant) uniform P { uint n[40]; } p;\n"
				 "void main() { if (p.n[39] == 1) barrier(); }\n");
	refused("--glsl $D/big.comp", "push constants are too large");
}
END_TEST

START_TEST(usage)
{
	ck_assert_int_eq(shell(COMMAND " pack"), 2);
	ck_assert_int_eq(shell(COMMAND " pack -o $D/x.dfi"), 2);
	ck_assert_int_eq(shell(COMMAND " pack --none -o $D/x.dfi x"), 2);
	ck_assert_int_eq(shell(COMMAND " pack --help"), 0);
	ck_assert_int_eq(shell(COMMAND " image"), 2);
	ck_assert_int_eq(shell(COMMAND " image $D/none"), 1);
	compile("-O3", simple);
	pack();
	ck_assert_int_eq(shell(COMMAND " image --kernel nobody $D/x.dfi"), 1);
	ck_assert_int_eq(shell(COMMAND " pack -o $D/none/x.dfi $D/x.co"), 1);
	ck_assert_int_eq(shell(COMMAND " image $D/x.co"), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pack");
	TCase *tcase = tcase_create("pack");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, versions, 0, 6);
	tcase_add_test(tcase, version_6);
	tcase_add_test(tcase, one_kernel);
	tcase_add_test(tcase, reproducible);
	tcase_add_test(tcase, refuses_files);
	tcase_add_test(tcase, refuses_variables);
	tcase_add_test(tcase, refuses_externals);
	tcase_add_test(tcase, refuses_services);
	tcase_add_test(tcase, bundle);
	tcase_add_test(tcase, glsl);
	tcase_add_test(tcase, glsl_refuses);
	tcase_add_test(tcase, usage);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

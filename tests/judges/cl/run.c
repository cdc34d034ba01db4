/* SPDX-License-Identifier: MIT */
/*
 * run FOLDER DEVICE: every kernel of FOLDER/index (gen.c) in every build of it that lies there (bN-BUILD-wWAVE.dfi),
 * against its native twin (native.so). Words are compared bit for bit; of kernels with bounds each result is as near to
 * the reference as its function must be. Prints the first difference of each run that has one, a line with the counts,
 * and "N passed, N failed".
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "drumfire.h"
#include "tests/image/cl/native.h"
#include "tests/judges/cl/gen.h"

#define TAIL_W      16 /* words of out that atomics share; as in ops.h */
#define GUARD_W     64 /* behind out: what no kernel may touch */
#define KERNELS     10 /* of a batch */
#define PARAMETER   5
#define MAX_ARGS_B  64
#define DEADLINE_NS 120000000000ull
#define BUILDS      (sizeof(builds) / sizeof(builds[0]))
#define PRECISIONS  3

static const char *const builds[] = {"O0", "O1", "O2", "O3", "Os"};
static const unsigned mantissa_bits[PRECISIONS] = {10, 23, 52};

struct bound {
	unsigned precision, ulp; /* precision: half, float, double */
	char function[16];
};

struct kernel {
	char name[16];
	unsigned block, groups, words;
	struct bound bounds[MAX_WORDS];
	bool bounded[MAX_WORDS];
};

struct batch {
	unsigned number;
	bool exact;
	struct kernel kernels[KERNELS];
	unsigned count;
};

struct run {
	const char *folder;
	struct df_device *device;
	struct df_bo *bo[3];
	size_t out_size_B; /* of bo[0] */
	uint32_t input[2][INPUT_W];
	twin_run_fn *twin;
	unsigned kernels, runs, mismatches;
	unsigned worst[PRECISIONS];
};

/* ---- inputs ---- */

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 32) ^ (uint32_t)(*state >> 17);
}

static void fill(uint32_t *words, size_t count, uint64_t seed)
{
	static const uint32_t edges[] = {0,          1,          0x7f,       0x80,       0xffff,
					 0x7fffffff, 0x80000000, 0xffffffff, 0x3f800000, 0x00800000};

	for (size_t i = 0; i < count; i++) {
		uint32_t word = next_random(&seed);

		words[i] = word % 8 ? word : edges[(word >> 8) % (sizeof(edges) / sizeof(edges[0]))];
	}
}

/* ---- the index ---- */

/* The next word of a line; "" at its end. */
static const char *next_word(char **line)
{
	const char *word = strtok_r(NULL, " \n", line);

	return word ? word : "";
}

static unsigned next_number(char **line)
{
	return (unsigned)strtoul(next_word(line), NULL, 10);
}

/* What follows "kernel" and "bound". */
static void read_kernel(char **line, struct kernel *kernel)
{
	snprintf(kernel->name, sizeof(kernel->name), "%s", next_word(line));
	kernel->block = next_number(line);
	kernel->groups = next_number(line);
	kernel->words = next_number(line);
}

static void read_bound(char **line, struct kernel *kernel)
{
	unsigned at = next_number(line), precision = next_number(line);

	if (at >= MAX_WORDS || precision >= PRECISIONS)
		return;
	kernel->bounded[at] = true;
	kernel->bounds[at].precision = precision;
	kernel->bounds[at].ulp = next_number(line);
	snprintf(kernel->bounds[at].function, sizeof(kernel->bounds[at].function), "%s", next_word(line));
}

/* The next batch; false at the end. Its lines follow "batch", which the caller's line holds. */
static bool read_batch(FILE *index, char line[128], struct batch *batch)
{
	char *at = NULL;
	const char *word = strtok_r(line, " \n", &at);

	memset(batch, 0, sizeof(*batch));
	if (!word || strcmp(word, "batch") != 0)
		return false;
	batch->number = next_number(&at);
	batch->exact = strcmp(next_word(&at), "exact") == 0;
	line[0] = 0;
	while (fgets(line, 128, index) && strncmp(line, "batch", 5) != 0) {
		word = strtok_r(line, " \n", &at);
		if (word && strcmp(word, "kernel") == 0 && batch->count < KERNELS)
			read_kernel(&at, &batch->kernels[batch->count++]);
		else if (word && strcmp(word, "bound") == 0 && batch->count)
			read_bound(&at, &batch->kernels[batch->count - 1]);
		line[0] = 0;
	}
	return true;
}

/* ---- one launch on the GPU ---- */

static int wait_for(struct df_device *device, struct df_kernel *gpu, unsigned groups, const void *args, size_t args_B)
{
	struct df_batch *batch = NULL;
	struct df_context *context = NULL;
	struct df_fence *fence = NULL;
	int ret, end;

	ret = df_batch_create(device, NULL, &batch);
	if (!ret)
		ret = df_context_create(device, NULL, &context);
	if (!ret)
		ret = df_batch_launch(batch, gpu, (uint32_t[3]){groups, 1, 1}, args, args_B);
	if (!ret)
		ret = df_batch_seal(batch);
	if (!ret)
		ret = df_submit(context, batch, NULL, &fence);
	if (!ret) {
		ret = df_fence_wait(fence, df_now_ns() + DEADLINE_NS, NULL);
		df_fence_put(fence);
	}
	end = context ? df_context_destroy(context) : 0;
	if (batch && df_batch_destroy(batch) && !ret)
		ret = -1;
	return ret ? ret : end;
}

/* Arguments as KERNEL() of twin.h has them. */
static int launch(struct run *run, struct df_code *code, const struct kernel *kernel, uint32_t *out)
{
	const uint32_t items = kernel->block * kernel->groups, parameter = PARAMETER;
	uint64_t address[3];
	const void *values[] = {&address[0], &address[1], &address[2], &items, &parameter};
	uint8_t args[MAX_ARGS_B] = {0};
	struct df_kernel *any, *gpu;
	struct df_kernel_info info;
	struct df_arg_info arg;
	int ret;

	ret = df_code_kernel(code, kernel->name, &any);
	if (!ret)
		ret = df_kernel_with_block(any, (uint32_t[3]){kernel->block, 1, 1}, 0, &gpu);
	if (!ret)
		ret = df_kernel_get_info(gpu, &info);
	if (!ret)
		ret = df_bo_write(run->bo[0], 0, out, run->out_size_B);
	for (unsigned i = 0; !ret && i < 3; i++)
		address[i] = df_bo_address(run->bo[i]);
	for (unsigned i = 0; !ret && i < 5; i++) {
		ret = df_kernel_get_arg(gpu, i, &arg);
		if (!ret)
			memcpy(args + arg.offset_B, values[i], i < 3 ? 8 : 4);
	}
	if (!ret)
		ret = wait_for(run->device, gpu, kernel->groups, args, info.args_size_B);
	return ret ? ret : df_bo_read(run->bo[0], 0, out, run->out_size_B);
}

/* ---- comparison ---- */

static uint64_t result_bits(const uint32_t *words, unsigned precision)
{
	return precision == 2 ? (uint64_t)words[1] << 32 | words[0] : words[0];
}

/* Steps between two floats of a precision; -1: one is a number, the other none. */
static double distance(uint64_t got, uint64_t expected, unsigned precision)
{
	unsigned mantissa = mantissa_bits[precision], size = 16u << precision;
	uint64_t sign = 1ull << (size - 1), infinity = (sign - 1) >> mantissa << mantissa;
	uint64_t a = got & (sign - 1), b = expected & (sign - 1);

	if (a > infinity || b > infinity)
		return a > infinity && b > infinity ? 0 : -1;
	if ((got ^ expected) & sign)
		return (double)a + (double)b;
	return (double)(a > b ? a - b : b - a);
}

/* What is wrong with a word, in text; false: nothing. */
static bool differs(struct run *run, const struct kernel *kernel, const uint32_t *got, const uint32_t *expected,
		    size_t at, bool exact, char text[160])
{
	unsigned word = (unsigned)(at % kernel->words);
	const struct bound *bound = &kernel->bounds[word];
	bool inside = at < (size_t)kernel->block * kernel->groups * kernel->words;
	uint64_t g, e;
	double steps;

	if (exact || !inside) {
		snprintf(text, 160, "0x%08" PRIx32 ", expected 0x%08" PRIx32, got[at], expected[at]);
		return got[at] != expected[at];
	}
	if (!kernel->bounded[word])
		return false;
	g = result_bits(got + at, bound->precision);
	e = result_bits(expected + at, bound->precision);
	steps = g == e ? 0 : distance(g, e, bound->precision);
	if (steps > 0 && steps <= bound->ulp && steps > run->worst[bound->precision])
		run->worst[bound->precision] = (unsigned)steps;
	snprintf(text, 160, "%s of %u bits: 0x%" PRIx64 ", expected 0x%" PRIx64 " within %u", bound->function,
		 16u << bound->precision, g, e, bound->ulp);
	return steps < 0 || steps > bound->ulp;
}

static void compare(struct run *run, const struct batch *batch, const struct kernel *kernel, const char *build,
		    const uint32_t *got, const uint32_t *expected)
{
	size_t count = run->out_size_B / 4;
	char text[160], first[160];
	unsigned wrong = 0;
	size_t where = 0;

	for (size_t i = 0; i < count; i++) {
		if (!differs(run, kernel, got, expected, i, batch->exact, text))
			continue;
		if (!wrong++) {
			where = i;
			memcpy(first, text, sizeof(first));
		}
	}
	if (!wrong)
		return;
	run->mismatches++;
	printf("%s of b%u-%s: %u of %zu words, first word %zu of item %zu: %s\n", kernel->name, batch->number, build,
	       wrong, count, where % kernel->words, where / kernel->words, first);
}

/* ---- kernels in every build ---- */

static int run_twin(const struct run *run, const struct kernel *kernel, unsigned wave, uint32_t *out)
{
	struct twin_launch launch = {
		.kernel = kernel->name,
		.signature = TWIN_PLAIN,
		.grid = {kernel->groups, 1, 1},
		.block = {kernel->block, 1, 1},
		.wave_size = wave,
		.out = out,
		.a = run->input[0],
		.b = run->input[1],
		.n = kernel->block * kernel->groups,
		.k = PARAMETER,
	};

	return run->twin(&launch);
}

static struct df_code *load(struct run *run, const char *path)
{
	FILE *file = fopen(path, "rb");
	struct df_code *code = NULL;
	void *data = NULL;
	long size = 0;

	if (!file)
		return NULL;
	if (fseek(file, 0, SEEK_END) == 0)
		size = ftell(file);
	data = size > 0 ? malloc((size_t)size) : NULL;
	rewind(file);
	if (data && fread(data, 1, (size_t)size, file) == (size_t)size &&
	    df_code_create(run->device, data, (size_t)size, &code)) {
		printf("%s: %s\n", path, df_error());
		code = NULL;
	}
	fclose(file);
	free(data);
	return code;
}

static void run_kernel(struct run *run, const struct batch *batch, const struct kernel *kernel, struct df_code *code,
		       unsigned wave, const char *build)
{
	size_t words = (size_t)kernel->block * kernel->groups * kernel->words + TAIL_W + GUARD_W;
	uint32_t *got = malloc(words * 4), *expected = malloc(words * 4);

	run->out_size_B = words * 4;
	run->runs++;
	if (got && expected) {
		fill(got, words, 3);
		memcpy(expected, got, words * 4);
		if (run_twin(run, kernel, wave, expected)) {
			printf("%s of b%u: no twin\n", kernel->name, batch->number);
			run->mismatches++;
		} else if (launch(run, code, kernel, got)) {
			printf("%s of b%u-%s: %s\n", kernel->name, batch->number, build, df_error());
			run->mismatches++;
		} else {
			compare(run, batch, kernel, build, got, expected);
		}
	}
	free(got);
	free(expected);
}

static void run_batch(struct run *run, const struct batch *batch)
{
	run->kernels += batch->count;
	for (unsigned i = 0; i < BUILDS * 2; i++) {
		unsigned wave = i % 2 ? 64 : 32;
		char build[16], path[512];
		struct df_code *code;

		snprintf(build, sizeof(build), "%s-w%u", builds[i / 2], wave);
		snprintf(path, sizeof(path), "%s/b%u-%s.dfi", run->folder, batch->number, build);
		code = load(run, path);
		if (!code)
			continue;
		for (unsigned k = 0; k < batch->count; k++)
			run_kernel(run, batch, &batch->kernels[k], code, wave, build);
		if (df_code_destroy(code)) {
			printf("%s: %s\n", path, df_error());
			run->mismatches++;
		}
	}
}

static int open_all(struct run *run, const char *device)
{
	struct df_bo_options options = DF_OPTIONS(options, .domain = DF_DOMAIN_HOST_CACHED);
	char path[512];
	void *library, *symbol;

	snprintf(path, sizeof(path), "%s/native.so", run->folder);
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	symbol = library ? dlsym(library, "twin_run") : NULL;
	if (!symbol) {
		printf("%s\n", dlerror());
		return -1;
	}
	memcpy(&run->twin, &symbol, sizeof(run->twin));
	if (df_device_open(device, NULL, &run->device))
		return -1;
	for (unsigned i = 0; i < 3; i++) {
		if (df_bo_create(run->device, 1 << 20, &options, &run->bo[i]))
			return -1;
		if (i == 0)
			continue;
		fill(run->input[i - 1], INPUT_W, i);
		if (df_bo_write(run->bo[i], 0, run->input[i - 1], sizeof(run->input[i - 1])))
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct run run;
	static struct batch batch;
	char path[512], line[128];
	FILE *index;

	if (argc != 3) {
		fprintf(stderr, "usage: run FOLDER DEVICE\n");
		return 2;
	}
	run.folder = argv[1];
	snprintf(path, sizeof(path), "%s/index", run.folder);
	index = fopen(path, "r");
	if (!index || !fgets(line, sizeof(line), index) || open_all(&run, argv[2])) {
		printf("%s\n0 passed, 1 failed\n", index ? df_error() : path);
		return 1;
	}
	while (read_batch(index, line, &batch))
		run_batch(&run, &batch);
	fclose(index);
	for (unsigned i = 0; i < 3; i++) {
		if (df_bo_destroy(run.bo[i]))
			run.mismatches++;
	}
	if (df_device_close(run.device))
		run.mismatches++;
	printf("%u kernels, %u runs, %u mismatches; farthest within bounds: %u, %u, %u ulp of half, float, double\n",
	       run.kernels, run.runs, run.mismatches, run.worst[0], run.worst[1], run.worst[2]);
	printf("%u passed, %u failed\n", run.runs - run.mismatches, run.mismatches + (run.runs == 0));
	return run.mismatches || !run.runs;
}

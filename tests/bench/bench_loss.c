// SPDX-License-Identifier: MIT
/*
 * What losses cost, on the software GPU.
 *
 *   bench_loss recover IMAGE    ns from the verdict to the first launch that is run again, with 1 MiB of STATE to put
 *                               back, and ns to copy 1 MiB, make a context and submit once: the best of five of each
 *   bench_loss deadline IMAGE   ms that a wait with a deadline of 50 ms takes, and a submission behind 32 in flight, on
 *                               a node whose job never ends
 */
#include "drumfire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_B (1u << 20)
#define MS      1000000ull
#define ROUNDS  5

static struct df_device *device;
static struct df_kernel *kernel;
static struct df_code *code;
static struct df_bo *state, *gate_bo;
static volatile uint32_t *gate;

static void must(int ret, const char *what)
{
	if (ret) {
		fprintf(stderr, "%s: %s\n", what, df_error());
		exit(1);
	}
}

static void open_gate(void *user, const struct df_loss *loss)
{
	(void)user, (void)loss;
	*gate = 1;
}

static void set_up(const char *name, const char *path)
{
	static char image[1 << 20];
	struct df_bo_options device_memory = DF_OPTIONS(device_memory, .recovery = DF_BO_STATE);
	struct df_bo_options host = DF_OPTIONS(host, .domain = DF_DOMAIN_HOST_CACHED);
	FILE *file = fopen(path, "rb");
	size_t size = file ? fread(image, 1, sizeof(image), file) : 0;
	char *zeros = calloc(1, STATE_B);
	void *map;

	if (file)
		fclose(file);
	must(df_device_open(name, NULL, &device), "device");
	must(df_code_create(device, image, size, &code), "code");
	must(df_code_kernel(code, NULL, &kernel), "kernel");
	must(df_bo_create(device, STATE_B, &device_memory, &state), "state");
	must(df_bo_write(state, 0, zeros, STATE_B), "state");
	must(df_bo_create(device, 4096, &host, &gate_bo), "gate");
	must(df_bo_map(gate_bo, &map), "gate");
	gate = map;
	free(zeros);
}

static void tear_down(void)
{
	must(df_bo_destroy(state), "state");
	must(df_bo_destroy(gate_bo), "gate");
	must(df_code_destroy(code), "code");
	must(df_device_close(device), "device");
}

static struct df_batch *record(int gated, int only_gate)
{
	struct {
		uint64_t x, y, z;
		uint32_t n;
		float a;
	} args = {df_bo_address(state), df_bo_address(state), df_bo_address(state), 64, 2};
	struct df_batch *batch;

	must(df_batch_create(device, NULL, &batch), "batch");
	if (!only_gate)
		must(df_batch_use(batch, state, DF_READ | DF_WRITE), "use");
	if (gated)
		must(df_batch_wait(batch, gate_bo, 0, DF_EQUAL, 1, UINT32_MAX), "wait");
	if (!only_gate)
		must(df_batch_launch(batch, kernel, (uint32_t[3]){1, 1, 1}, &args, sizeof(args)), "launch");
	must(df_batch_seal(batch), "seal");
	return batch;
}

static uint64_t recover_once(struct df_context *context, struct df_batch *batch)
{
	struct df_wait_info info;
	struct df_fence *fence;

	*gate = 0;
	must(df_submit(context, batch, NULL, &fence), "submit");
	must(df_fence_wait(fence, DF_FOREVER, &info), "wait");
	df_fence_put(fence);
	if (!info.recovered || info.restored_B < STATE_B) {
		fprintf(stderr, "nothing was lost\n");
		exit(1);
	}
	return info.recover_ns;
}

/* The same work without a loss. */
static uint64_t plain_once(struct df_batch *batch, char *to, const char *from)
{
	struct df_context *context;
	struct df_fence *fence;
	uint64_t start = df_now_ns(), took;

	memcpy(to, from, STATE_B);
	must(df_context_create(device, NULL, &context), "context");
	must(df_submit(context, batch, NULL, &fence), "submit");
	took = df_now_ns() - start;
	must(df_fence_wait(fence, DF_FOREVER, NULL), "wait");
	df_fence_put(fence);
	must(df_context_destroy(context), "context");
	return took;
}

static void recover(const char *path)
{
	struct df_context_options o = DF_OPTIONS(o, .before_recovery = open_gate, .max_retries = 2);
	uint64_t lost = UINT64_MAX, plain = UINT64_MAX;
	struct df_batch *batch, *gated;
	struct df_context *context;
	char *to = calloc(1, STATE_B), *from = calloc(1, STATE_B);

	memset(from, 1, STATE_B);
	set_up("soft:gfx1030,timeout_ms=20", path);
	must(df_context_create(device, &o, &context), "context");
	batch = record(0, 0);
	gated = record(1, 0);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t a = recover_once(context, gated);

		lost = a < lost ? a : lost;
	}
	must(df_context_destroy(context), "context");
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t b = plain_once(batch, to, from);

		plain = b < plain ? b : plain;
	}
	printf("%llu %llu\n", (unsigned long long)lost, (unsigned long long)plain);
	must(df_batch_destroy(batch), "batch");
	must(df_batch_destroy(gated), "batch");
	tear_down();
	free(to);
	free(from);
}

static void deadline(const char *path)
{
	struct df_submit_options o = DF_OPTIONS(o);
	struct df_fence *fences[32], *none = NULL;
	struct df_context *context;
	struct df_batch *batch;
	uint64_t start, wait_ns, submit_ns;
	int waited, submitted;

	set_up("soft:gfx1030,timeout_ms=600000", path);
	must(df_context_create(device, NULL, &context), "context");
	batch = record(1, 1);
	for (int i = 0; i < 32; i++)
		must(df_submit(context, batch, NULL, &fences[i]), "submit");
	start = df_now_ns();
	waited = df_fence_wait(fences[0], start + 50 * MS, NULL);
	wait_ns = df_now_ns() - start;
	start = df_now_ns();
	o.deadline_ns = start + 50 * MS;
	submitted = df_submit(context, batch, &o, &none);
	submit_ns = df_now_ns() - start;
	printf("%.2f %.2f %d %d\n", (double)wait_ns / MS, (double)submit_ns / MS, waited, submitted);
	*gate = 1;
	for (int i = 0; i < 32; i++) {
		must(df_fence_wait(fences[i], DF_FOREVER, NULL), "wait");
		df_fence_put(fences[i]);
	}
	must(df_context_destroy(context), "context");
	must(df_batch_destroy(batch), "batch");
	tear_down();
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "recover"))
		recover(argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "deadline"))
		deadline(argv[2]);
	else
		return fprintf(stderr, "usage: bench_loss recover|deadline IMAGE\n"), 2;
	return 0;
}

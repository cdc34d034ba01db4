/* SPDX-License-Identifier: MIT */
/*
 * The host's side of the kernel twins: OpenCL's built-in functions in plain C, and workgroups whose work-items are
 * fibres. The fibres of a workgroup run one after another, each up to its next barrier (or exchange within a wave) or
 * its end; when all have got there the next round begins. Kernels keep to what makes that exact: between two rounds
 * either every work-item of the group meets at a barrier, or every one takes part in a wave's exchange.
 *
 * The names are what clang calls OpenCL's overloaded built-ins.
 */
#include "native.h"

#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define MAX_ITEMS 1024
#define STACK_B   65536

struct item {
	ucontext_t context;
	uint32_t id[3];
	bool done;
	uint32_t exchanged; /* what it offers to its wave */
};

struct group {
	const struct twin_launch *launch;
	void *function;
	uint32_t id[3];
	uint32_t count;
	struct item *items;
	struct item *running;
	uint8_t *stacks;
	void *locals[2];
	ucontext_t scheduler;
};

static struct group *current;

/* ---- kernels ---- */

typedef void plain_fn(void *, const void *, const void *, uint32_t, uint32_t);
typedef void values_fn(void *, const void *, const void *, uint32_t, uint32_t, struct twin_options, _Float16, double,
		       int64_t, int8_t);
typedef void local_fn(void *, const void *, const void *, uint32_t, uint32_t, void *, void *);

static void call(const struct group *group)
{
	const struct twin_launch *l = group->launch;
	_Float16 h;

	switch (l->signature) {
	case TWIN_PLAIN:
		((plain_fn *)group->function)(l->out, l->a, l->b, l->n, l->k);
		break;
	case TWIN_VALUES:
		memcpy(&h, &l->values.h, sizeof(h));
		((values_fn *)group->function)(l->out, l->a, l->b, l->n, l->k, l->values.options, h, l->values.d,
					       l->values.l, l->values.c);
		break;
	case TWIN_LOCAL:
		((local_fn *)group->function)(l->out, l->a, l->b, l->n, l->k, group->locals[0], group->locals[1]);
		break;
	}
}

static void fibre(void)
{
	struct item *item = current->running;

	call(current);
	item->done = true;
	swapcontext(&item->context, &current->scheduler);
}

static void yield(void)
{
	swapcontext(&current->running->context, &current->scheduler);
}

static void start_items(struct group *group)
{
	const uint32_t *block = group->launch->block;

	for (uint32_t i = 0; i < group->count; i++) {
		struct item *item = &group->items[i];

		item->id[0] = i % block[0];
		item->id[1] = i / block[0] % block[1];
		item->id[2] = i / block[0] / block[1];
		item->done = false;
		getcontext(&item->context);
		item->context.uc_stack.ss_sp = group->stacks + (size_t)i * STACK_B;
		item->context.uc_stack.ss_size = STACK_B;
		item->context.uc_link = NULL;
		makecontext(&item->context, fibre, 0);
	}
}

static void run_group(struct group *group)
{
	bool alive = true;

	start_items(group);
	while (alive) {
		alive = false;
		for (uint32_t i = 0; i < group->count; i++) {
			if (group->items[i].done)
				continue;
			group->running = &group->items[i];
			swapcontext(&group->scheduler, &group->running->context);
			alive |= !group->items[i].done;
		}
	}
}

static int allocate(struct group *group)
{
	const struct twin_launch *launch = group->launch;

	group->items = calloc(group->count, sizeof(*group->items));
	for (int i = 0; i < 2; i++)
		group->locals[i] = calloc(1, launch->local_B + 1);
	group->stacks = mmap(NULL, (size_t)group->count * STACK_B, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (group->stacks == MAP_FAILED)
		group->stacks = NULL;
	return group->items && group->locals[0] && group->locals[1] && group->stacks ? 0 : -ENOMEM;
}

static void release(struct group *group)
{
	if (group->stacks)
		munmap(group->stacks, (size_t)group->count * STACK_B);
	free(group->items);
	free(group->locals[0]);
	free(group->locals[1]);
}

__attribute__((visibility("default"))) int twin_run(const struct twin_launch *launch)
{
	const uint32_t *grid = launch->grid, *block = launch->block;
	struct group group = {.launch = launch, .count = block[0] * block[1] * block[2]};
	Dl_info self;
	void *library;
	int ret;

	if (group.count > MAX_ITEMS || !dladdr((void *)twin_run, &self))
		return -EINVAL;
	library = dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD);
	group.function = library ? dlsym(library, launch->kernel) : NULL;
	if (library)
		dlclose(library);
	if (!group.function)
		return -ENOENT;
	ret = allocate(&group);
	current = &group;
	for (uint32_t i = 0; !ret && i < grid[0] * grid[1] * grid[2]; i++) {
		group.id[0] = i % grid[0];
		group.id[1] = i / grid[0] % grid[1];
		group.id[2] = i / grid[0] / grid[1];
		run_group(&group);
	}
	current = NULL;
	release(&group);
	return ret;
}

/* ---- work-items and waves ---- */

#define BUILTIN(type, name, symbol, ...)                                                                               \
	type name(__VA_ARGS__) __asm__(symbol);                                                                        \
	type name(__VA_ARGS__)

BUILTIN(size_t, cl_local_id, "_Z12get_local_idj", uint32_t d)
{
	return d < 3 ? current->running->id[d] : 0;
}

BUILTIN(size_t, cl_group_id, "_Z12get_group_idj", uint32_t d)
{
	return d < 3 ? current->id[d] : 0;
}

BUILTIN(size_t, cl_local_size, "_Z14get_local_sizej", uint32_t d)
{
	return d < 3 ? current->launch->block[d] : 1;
}

BUILTIN(size_t, cl_num_groups, "_Z14get_num_groupsj", uint32_t d)
{
	return d < 3 ? current->launch->grid[d] : 1;
}

BUILTIN(size_t, cl_global_size, "_Z15get_global_sizej", uint32_t d)
{
	return cl_num_groups(d) * cl_local_size(d);
}

BUILTIN(size_t, cl_global_id, "_Z13get_global_idj", uint32_t d)
{
	return cl_group_id(d) * cl_local_size(d) + cl_local_id(d);
}

/* Dimensions that the grid uses, as the library counts them. */
BUILTIN(uint32_t, cl_work_dim, "_Z12get_work_dimv", void)
{
	return cl_global_size(2) > 1 ? 3 : cl_global_size(1) > 1 ? 2 : 1;
}

BUILTIN(void, cl_barrier, "_Z7barrierj", uint32_t flags)
{
	(void)flags;
	yield();
}

uint32_t twin_wave_size(void);
uint32_t twin_shuffle(uint32_t value, uint32_t lane);
uint32_t twin_read_lane(uint32_t value, uint32_t lane);
uint64_t twin_ballot(int condition);

uint32_t twin_wave_size(void)
{
	return current->launch->wave_size;
}

/* The first of the count work-items that the running one is among. */
static struct item *among(uint32_t count)
{
	uint32_t index = (uint32_t)(current->running - current->items);

	return current->items + index / count * count;
}

static uint32_t exchange(uint32_t value, uint32_t count, uint32_t lane)
{
	uint32_t result;

	current->running->exchanged = value;
	yield();
	result = among(count)[lane % count].exchanged;
	yield();
	return result;
}

/* ds_bpermute_b32 of gfx10 reaches 32 lanes, also in waves of 64. */
uint32_t twin_shuffle(uint32_t value, uint32_t lane)
{
	return exchange(value, 32, lane);
}

uint32_t twin_read_lane(uint32_t value, uint32_t lane)
{
	return exchange(value, twin_wave_size(), lane);
}

uint64_t twin_ballot(int condition)
{
	uint64_t votes = 0;

	current->running->exchanged = condition != 0;
	yield();
	for (uint32_t lane = 0; lane < twin_wave_size(); lane++)
		votes |= (uint64_t)among(twin_wave_size())[lane].exchanged << lane;
	yield();
	return votes;
}

/* ---- arithmetic ---- */

typedef int16_t short2 __attribute__((ext_vector_type(2)));
typedef uint16_t ushort2 __attribute__((ext_vector_type(2)));
typedef uint8_t uchar3 __attribute__((ext_vector_type(3)));

#define FORWARD1(type, function, symbol)                                                                               \
	BUILTIN(type, cl_##function, symbol, type x)                                                                   \
	{                                                                                                              \
		return function(x);                                                                                    \
	}
#define FORWARD2(type, function, symbol)                                                                               \
	BUILTIN(type, cl_##function, symbol, type x, type y)                                                           \
	{                                                                                                              \
		return function(x, y);                                                                                 \
	}
#define FORWARD3(type, function, symbol)                                                                               \
	BUILTIN(type, cl_##function, symbol, type x, type y, type z)                                                   \
	{                                                                                                              \
		return function(x, y, z);                                                                              \
	}

FORWARD1(float, cosf, "_Z3cosf")
FORWARD1(float, sinf, "_Z3sinf")
FORWARD1(float, expf, "_Z3expf")
FORWARD1(float, exp2f, "_Z4exp2f")
FORWARD1(float, log2f, "_Z4log2f")
FORWARD1(float, ceilf, "_Z4ceilf")
FORWARD1(float, floorf, "_Z5floorf")
FORWARD1(float, truncf, "_Z5truncf")
FORWARD1(float, rintf, "_Z4rintf")
FORWARD1(float, fabsf, "_Z4fabsf")
FORWARD1(float, sqrtf, "_Z4sqrtf")
FORWARD1(double, floor, "_Z5floord")
FORWARD1(double, trunc, "_Z5truncd")
FORWARD1(double, fabs, "_Z4fabsd")
FORWARD1(double, sqrt, "_Z4sqrtd")
FORWARD2(float, fmaxf, "_Z4fmaxff")
FORWARD2(float, fminf, "_Z4fminff")
FORWARD2(float, copysignf, "_Z8copysignff")
FORWARD3(float, fmaf, "_Z3fmafff")
FORWARD3(double, fma, "_Z3fmaddd")

BUILTIN(float, cl_rsqrtf, "_Z5rsqrtf", float x)
{
	return (float)(1.0 / sqrt((double)x));
}

BUILTIN(int, cl_isinff, "_Z5isinff", float x)
{
	return isinf(x) != 0;
}

BUILTIN(int, cl_isnanf, "_Z5isnanf", float x)
{
	return isnan(x) != 0;
}

BUILTIN(uint32_t, cl_clz, "_Z3clzj", uint32_t x)
{
	return x ? (uint32_t)__builtin_clz(x) : 32;
}

BUILTIN(uint32_t, cl_popcount, "_Z8popcountj", uint32_t x)
{
	return (uint32_t)__builtin_popcount(x);
}

BUILTIN(uint64_t, cl_popcountl, "_Z8popcountm", uint64_t x)
{
	return (uint64_t)__builtin_popcountll(x);
}

BUILTIN(uint32_t, cl_rotate, "_Z6rotatejj", uint32_t x, uint32_t by)
{
	return x << (by & 31) | x >> (-by & 31);
}

BUILTIN(uint32_t, cl_mul_hi, "_Z6mul_hijj", uint32_t x, uint32_t y)
{
	return (uint32_t)((uint64_t)x * y >> 32);
}

BUILTIN(int32_t, cl_mul_hi_signed, "_Z6mul_hiii", int32_t x, int32_t y)
{
	return (int32_t)((int64_t)x * y >> 32);
}

BUILTIN(uint32_t, cl_mad24, "_Z5mad24jjj", uint32_t x, uint32_t y, uint32_t z)
{
	return (x & 0xffffff) * (y & 0xffffff) + z;
}

BUILTIN(int32_t, cl_max, "_Z3maxii", int32_t x, int32_t y)
{
	return x > y ? x : y;
}

BUILTIN(int16_t, cl_max_short, "_Z3maxss", int16_t x, int16_t y)
{
	return x > y ? x : y;
}

BUILTIN(int32_t, cl_min, "_Z3minii", int32_t x, int32_t y)
{
	return x < y ? x : y;
}

BUILTIN(uint32_t, cl_min_unsigned, "_Z3minjj", uint32_t x, uint32_t y)
{
	return x < y ? x : y;
}

BUILTIN(int32_t, cl_clamp, "_Z5clampiii", int32_t x, int32_t low, int32_t high)
{
	return cl_min(cl_max(x, low), high);
}

BUILTIN(uint32_t, cl_abs_diff, "_Z8abs_diffii", int32_t x, int32_t y)
{
	return x > y ? (uint32_t)x - (uint32_t)y : (uint32_t)y - (uint32_t)x;
}

BUILTIN(short2, cl_convert_short2, "_Z14convert_short2Dv2_t", ushort2 x)
{
	return __builtin_convertvector(x, short2);
}

BUILTIN(uchar3, cl_vload3, "_Z6vload3mPU9CLgenericKh", size_t i, const uint8_t *from)
{
	return (uchar3){from[3 * i], from[3 * i + 1], from[3 * i + 2]};
}

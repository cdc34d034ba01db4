/* SPDX-License-Identifier: MIT */
/*
 * fence.c - fences, chains of them (timelines), gates that open when fences have signalled, and waits.
 *
 * The model is the kernel's dma_fence and dma_fence_chain: a chain node has signalled when every fence behind it has;
 * nodes that have are dropped from the chain while it is walked. Everything here is guarded by soft_lock.
 */
#include "soft.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

pthread_mutex_t soft_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t soft_cond;
static uint64_t next_context = 1;

void soft_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

__attribute__((constructor)) static void soft_fence_setup(void)
{
	soft_cond_init(&soft_cond);
}

struct soft_fence *soft_fence_new(const void *owner)
{
	struct soft_fence *fence = calloc(1, sizeof(*fence));

	if (!fence)
		return NULL;
	fence->refs = 1;
	fence->owner = owner;
	fence->context = next_context++;
	fence->seqno = 1;
	return fence;
}

struct soft_fence *soft_fence_get(struct soft_fence *fence)
{
	if (fence)
		fence->refs++;
	return fence;
}

/* Chains can be long: their nodes are freed in a loop, not by recursion. */
void soft_fence_put(struct soft_fence *fence)
{
	while (fence && --fence->refs == 0) {
		struct soft_fence *prev = fence->prev;

		soft_fence_put(fence->inner);
		soft_fence_put(fence->scheduled);
		free(fence);
		fence = prev;
	}
}

struct soft_fence *soft_fence_stub(void)
{
	static struct soft_fence stub = {.refs = 1, .signaled = true};

	return soft_fence_get(&stub);
}

void soft_fence_signal(struct soft_fence *fence, int error)
{
	struct soft_dep *dep, *next;

	if (fence->signaled)
		return;
	fence->signaled = true;
	fence->error = error;
	dep = fence->deps;
	fence->deps = NULL;
	for (; dep; dep = next) {
		next = dep->next;
		if (--dep->gate->pending == 0)
			dep->gate->open(dep->gate);
		free(dep);
	}
	pthread_cond_broadcast(&soft_cond);
}

bool soft_fence_done(const struct soft_fence *fence)
{
	for (; fence && fence->inner; fence = fence->prev)
		if (!soft_fence_done(fence->inner))
			return false;
	return !fence || fence->signaled;
}

int soft_fence_error(const struct soft_fence *fence)
{
	for (; fence && fence->inner; fence = fence->prev) {
		int error = soft_fence_error(fence->inner);

		if (error)
			return error;
	}
	return fence ? fence->error : 0;
}

void soft_gate_init(struct soft_gate *gate, void (*open)(struct soft_gate *))
{
	gate->pending = 1;
	gate->open = open;
}

int soft_gate_add(struct soft_gate *gate, struct soft_fence *fence)
{
	struct soft_dep *dep;

	for (; fence && fence->inner; fence = fence->prev) {
		int ret = soft_gate_add(gate, fence->inner);

		if (ret)
			return ret;
	}
	if (!fence || fence->signaled)
		return 0;
	dep = malloc(sizeof(*dep));
	if (!dep)
		return -ENOMEM;
	dep->gate = gate;
	dep->next = fence->deps;
	fence->deps = dep;
	gate->pending++;
	return 0;
}

void soft_gate_arm(struct soft_gate *gate)
{
	if (--gate->pending == 0)
		gate->open(gate);
}

struct merged {
	struct soft_gate gate;
	struct soft_fence *fence, *from;
};

static void merged_open(struct soft_gate *gate)
{
	struct merged *merged = (struct merged *)((char *)gate - offsetof(struct merged, gate));

	soft_fence_signal(merged->fence, soft_fence_error(merged->from));
	soft_fence_put(merged->fence);
	soft_fence_put(merged->from);
	free(merged);
}

/* A plain fence for a whole chain (dma_fence_unwrap_merge), so that chains never nest deeper than one level. */
static struct soft_fence *flatten(struct soft_fence *fence)
{
	struct merged *merged;
	struct soft_fence *flat;

	if (!fence->inner)
		return soft_fence_get(fence);
	if (soft_fence_done(fence) && !soft_fence_error(fence))
		return soft_fence_stub();
	merged = calloc(1, sizeof(*merged));
	flat = soft_fence_new(fence->owner);
	if (!merged || !flat) {
		free(merged);
		soft_fence_put(flat);
		return NULL;
	}
	merged->fence = soft_fence_get(flat);
	merged->from = soft_fence_get(fence);
	soft_gate_init(&merged->gate, merged_open);
	if (soft_gate_add(&merged->gate, fence)) {
		soft_fence_put(flat);
		flat = NULL;
	}
	soft_gate_arm(&merged->gate);
	return flat;
}

struct soft_fence *soft_chain_new(struct soft_fence *prev, struct soft_fence *inner, uint64_t point)
{
	struct soft_fence *node = soft_fence_new(NULL);

	if (!node)
		return NULL;
	node->inner = flatten(inner);
	if (!node->inner) {
		soft_fence_put(node);
		return NULL;
	}
	node->prev = soft_fence_get(prev);
	node->seqno = point;
	if (prev && prev->inner) {
		if (point > prev->seqno) {
			node->context = prev->context;
			node->prev_seqno = prev->seqno;
		} else {
			node->seqno = prev->seqno; /* out of order: the point that was there is kept */
		}
	}
	return node;
}

/* The node before fence, after dropping those that have signalled. The reference moves along. */
struct soft_fence *soft_chain_walk(struct soft_fence *fence)
{
	struct soft_fence *prev;

	if (!fence->inner) {
		soft_fence_put(fence);
		return NULL;
	}
	while ((prev = fence->prev)) {
		if (!(prev->inner ? soft_fence_done(prev->inner) : prev->signaled))
			break;
		fence->prev = prev->inner ? soft_fence_get(prev->prev) : NULL;
		soft_fence_put(prev);
	}
	soft_fence_get(prev);
	soft_fence_put(fence);
	return prev;
}

int soft_chain_find(struct soft_fence **fence, uint64_t point)
{
	struct soft_fence *head = *fence;
	uint64_t context;

	if (!point)
		return 0;
	if (!head || !head->inner || head->seqno < point)
		return -EINVAL;
	context = head->context;
	while (*fence && (*fence)->context == context && (*fence)->prev_seqno >= point)
		*fence = soft_chain_walk(*fence);
	return 0;
}

int64_t soft_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int soft_wait_until(int64_t deadline_ns)
{
	struct timespec until = {.tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000};

	if (deadline_ns == SOFT_MAX_TIMEOUT) {
		pthread_cond_wait(&soft_cond, &soft_lock);
		return 0;
	}
	if (deadline_ns <= soft_now_ns())
		return -ETIME;
	return pthread_cond_timedwait(&soft_cond, &soft_lock, &until) == ETIMEDOUT ? -ETIME : 0;
}

int soft_fence_wait(struct soft_fence *fence, int64_t deadline_ns)
{
	soft_fence_get(fence);
	while (!soft_fence_done(fence)) {
		if (soft_wait_until(deadline_ns) && !soft_fence_done(fence)) {
			soft_fence_put(fence);
			return -ETIME;
		}
	}
	soft_fence_put(fence);
	return 0;
}

/* As amdgpu_gem_timeout(): absolute; what looks negative never ends. */
int64_t soft_deadline(uint64_t timeout_ns)
{
	return (int64_t)timeout_ns < 0 ? SOFT_MAX_TIMEOUT : (int64_t)timeout_ns;
}

static void resv_prune(struct soft_resv *resv)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < resv->count; i++) {
		if (soft_fence_done(resv->fences[i]))
			soft_fence_put(resv->fences[i]);
		else
			resv->fences[kept++] = resv->fences[i];
	}
	resv->count = kept;
}

int soft_resv_reserve(struct soft_resv *resv)
{
	struct soft_fence **grown;
	unsigned capacity;

	if (resv->count < resv->capacity)
		return 0;
	resv_prune(resv);
	if (resv->count < resv->capacity)
		return 0;
	capacity = resv->capacity ? resv->capacity * 2 : 4;
	grown = realloc(resv->fences, capacity * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	resv->fences = grown;
	resv->capacity = capacity;
	return 0;
}

int soft_resv_add(struct soft_resv *resv, struct soft_fence *fence)
{
	int ret = soft_resv_reserve(resv);

	if (ret)
		return ret;
	resv->fences[resv->count++] = soft_fence_get(fence);
	return 0;
}

bool soft_resv_idle(struct soft_resv *resv)
{
	resv_prune(resv);
	return resv->count == 0;
}

void soft_resv_clear(struct soft_resv *resv)
{
	for (unsigned i = 0; i < resv->count; i++)
		soft_fence_put(resv->fences[i]);
	free(resv->fences);
	memset(resv, 0, sizeof(*resv));
}

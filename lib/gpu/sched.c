/* SPDX-License-Identifier: MIT */
/*
 * sched.c - the threads that run workgroups.
 *
 * Progress: hardware runs every wave that is resident, so a wave may spin until another one has done something. A
 * thread therefore gives each wave of its groups a quantum in turn, and when none of its groups seems to get anywhere
 * (long spin, s_sleep) it claims as many again, until the target's residency is used up. Groups that end soon run one
 * after the other, which keeps their memory in the host's cache.
 *
 * The CP of a ring works at its own dispatch for a few milliseconds; then it hands the groups it holds to the pool
 * (orphans) and goes on with its packets, because what the waves wait for may be one of them.
 *
 * Locks: sched->lock guards the list, attached, orphans, and is below every other lock. A dispatch may be freed when it
 * is over: every group finished and attached == 0. The increment of finished is the last access to it of a thread that
 * is not attached.
 */
#include "sched.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CLOSED (1ull << 62) /* d->next of a killed dispatch */

enum {
	PATIENCE = 32,         /* quanta that a group gets before others are started beside it */
	TURN_CLAIMS = 64,      /* groups claimed from one dispatch before another one's turn */
	TINY_WAVES = 8,        /* launches up to this size are the CP's own work */
	CP_WORKS_NS = 2000000, /* the CP's own work at a launch before it goes on */
	CP_ALONE_NS = 50000,   /* and before it wakes others for a tiny launch */
	WAIT_SPINS = 200,
	WAIT_NS = 1000000,
	FREE_CONTEXTS = 32, /* kept by a thread */
};

struct gpu_pool_thread {
	pthread_t thread;
	struct gpu_worker worker;
	struct gpu_sched *sched;
	bool ready, running;
};

struct gpu_sched {
	struct gpu *gpu;
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	struct gpu_dispatch *list; /* started, not over */
	struct gpu_group_ctx *orphans;
	_Atomic unsigned orphan_count;
	_Atomic unsigned listed;   /* length of list */
	_Atomic uint32_t resident; /* of GPU_SHARE_ALL */
	bool stop;
	unsigned threads;
	struct gpu_pool_thread *pool;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

static void cond_wait_ns(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t ns)
{
	const uint64_t until = now_ns() + ns;
	struct timespec ts = {.tv_sec = (time_t)(until / 1000000000ull), .tv_nsec = (long)(until % 1000000000ull)};

	pthread_cond_timedwait(cond, lock, &ts);
}

int gpu_worker_init(struct gpu_worker *worker, struct gpu *gpu)
{
	memset(worker, 0, sizeof(*worker));
	worker->gpu = gpu;
	worker->code = gpu_code_create();
	if (!worker->code)
		return -ENOMEM;
	for (unsigned i = 0; i < GPU_RING_COUNT; i++) {
		gpu_thread_init(&worker->reader[i], gpu);
		worker->reader[i].family = worker->reader;
		worker->reader[i].family_count = GPU_RING_COUNT;
	}
	return 0;
}

void gpu_worker_finish(struct gpu_worker *worker)
{
	for (unsigned i = 0; i < GPU_RING_COUNT; i++)
		gpu_thread_finish(&worker->reader[i]);
	while (worker->free) {
		struct gpu_group_ctx *ctx = worker->free;

		worker->free = ctx->next;
		gpu_group_free(ctx);
	}
	gpu_code_destroy(worker->code);
	free(worker->held);
}

static void worker_count(struct gpu_worker *worker)
{
	struct gpu_counters *count = &worker->gpu->count;

	if (!worker->groups)
		return;
	gpu_count(&count->groups, worker->groups);
	gpu_count(&count->waves, worker->waves);
	gpu_count(&count->instructions, worker->instructions);
	worker->groups = worker->waves = worker->instructions = 0;
}

/* Out of the ring's address space when nothing of the ring is held: a flush must not wait for an idle thread. */
static void reader_settle(struct gpu_worker *worker, unsigned ring)
{
	if (!worker->held_of[ring] && worker->reader[ring].depth)
		gpu_thread_leave(&worker->reader[ring]);
}

static bool claimable(struct gpu_dispatch *d)
{
	return atomic_load_explicit(&d->next, memory_order_relaxed) < d->limit;
}

static bool held_room(struct gpu_worker *worker)
{
	unsigned capacity = worker->held_capacity ? worker->held_capacity * 2 : 64;
	struct gpu_group_ctx **held;

	if (worker->held_count < worker->held_capacity)
		return true;
	held = realloc(worker->held, capacity * sizeof(*held));
	if (!held)
		return false;
	worker->held = held;
	worker->held_capacity = capacity;
	return true;
}

static struct gpu_group_ctx *ctx_get(struct gpu_worker *worker)
{
	struct gpu_group_ctx *ctx = worker->free;

	if (!ctx)
		return calloc(1, sizeof(*ctx));
	worker->free = ctx->next;
	worker->free_count--;
	return ctx;
}

static void ctx_put(struct gpu_worker *worker, struct gpu_group_ctx *ctx)
{
	if (worker->free_count >= FREE_CONTEXTS) {
		gpu_group_free(ctx);
		return;
	}
	ctx->next = worker->free;
	worker->free = ctx;
	worker->free_count++;
}

/* Adds n ended groups; d may be gone afterwards. */
static void finish_groups(struct gpu_sched *sched, struct gpu_dispatch *d, uint64_t n)
{
	const uint64_t total = d->total;

	if (atomic_fetch_add(&d->finished, n) + n != total)
		return;
	pthread_mutex_lock(&sched->lock);
	pthread_cond_broadcast(&sched->done);
	pthread_mutex_unlock(&sched->lock);
}

/* The group whose planned wave stands goes with the dispatch: 1 when there was one. */
static uint64_t standing_drop_locked(struct gpu_dispatch *d)
{
	struct gpu_group_ctx *ctx = d->standing;

	if (!ctx)
		return 0;
	d->standing = NULL;
	d->stuck = d->stands;
	atomic_store_explicit(&d->stuck_key, gpu_group_planned_key(ctx), memory_order_relaxed);
	gpu_group_free(ctx);
	return 1;
}

/* True when it was the last: the caller, who holds the lock, tells those who wait. */
static void dispatch_kill_locked(struct gpu_sched *sched, struct gpu_dispatch *d)
{
	uint64_t next, n;

	if (atomic_exchange(&d->killed, true))
		return;
	next = atomic_exchange(&d->next, CLOSED);
	n = d->total - (next < d->limit ? next : d->limit); /* threads may have counted past the limit */
	n += standing_drop_locked(d);
	if (atomic_fetch_add(&d->finished, n) + n == d->total)
		pthread_cond_broadcast(&sched->done);
}

void gpu_sched_kill_ring(struct gpu_sched *sched, unsigned ring)
{
	pthread_mutex_lock(&sched->lock);
	for (struct gpu_dispatch *d = sched->list; d; d = d->next_listed) {
		if (d->ring != ring)
			continue;
		atomic_store_explicit(&d->look, true, memory_order_relaxed);
		dispatch_kill_locked(sched, d);
	}
	pthread_mutex_unlock(&sched->lock);
}

void gpu_sched_note(struct gpu_sched *sched, _Atomic uint64_t *key, struct gpu_fault *kept, uint64_t wave,
		    const struct gpu_fault *at)
{
	if (wave >= atomic_load_explicit(key, memory_order_relaxed))
		return;
	pthread_mutex_lock(&sched->lock);
	if (wave < atomic_load_explicit(key, memory_order_relaxed)) {
		*kept = *at;
		atomic_store_explicit(key, wave, memory_order_relaxed);
	}
	pthread_mutex_unlock(&sched->lock);
}

void gpu_sched_fault(struct gpu_sched *sched, struct gpu_dispatch *d, const struct gpu_fault *fault)
{
	pthread_mutex_lock(&sched->lock);
	if (!d->fault_set) {
		d->fault = *fault;
		d->fault_set = true;
	}
	dispatch_kill_locked(sched, d);
	pthread_mutex_unlock(&sched->lock);
}

static bool residency_take(struct gpu_sched *sched, uint32_t share)
{
	const uint32_t old = atomic_fetch_add_explicit(&sched->resident, share, memory_order_relaxed);

	if (old == 0 || (uint64_t)old + share <= GPU_SHARE_ALL)
		return true;
	atomic_fetch_sub_explicit(&sched->resident, share, memory_order_relaxed);
	return false;
}

static void residency_give(struct gpu_sched *sched, uint32_t share)
{
	atomic_fetch_sub_explicit(&sched->resident, share, memory_order_relaxed);
}

/*
 * What all threads write costs a small group more than its work. A worker therefore keeps to itself, of the dispatch
 * that it is attached to, how many groups it has ended, until it leaves (nobody frees the dispatch before), and within
 * a turn the residency of the last one, for the next.
 */
static void ended_tell(struct gpu_worker *worker)
{
	const uint64_t ended = worker->ended;

	worker->ended = 0;
	if (ended)
		finish_groups(worker->gpu->sched, worker->current, ended);
}

static void spare_give(struct gpu_worker *worker)
{
	if (worker->spare)
		residency_give(worker->gpu->sched, worker->spare);
	worker->spare = 0;
}

static void group_release(struct gpu_worker *worker, struct gpu_group_ctx *ctx)
{
	struct gpu_sched *sched = worker->gpu->sched;
	struct gpu_dispatch *d = ctx->d;

	gpu_group_end(worker, ctx);
	worker->held_of[d->ring]--;
	ctx_put(worker, ctx);
	if (d == worker->current) {
		spare_give(worker);
		worker->spare = d->share;
		worker->ended++;
		return;
	}
	worker_count(worker);
	reader_settle(worker, d->ring);
	residency_give(sched, d->share);
	finish_groups(sched, d, 1);
}

/* The group leaves the thread and stays with the dispatch, until that is killed. What it took of the target is given
 * back: launches behind it that need not wait for it run, whatever its size. */
static void group_stand(struct gpu_worker *worker, struct gpu_group_ctx *ctx)
{
	struct gpu_sched *sched = worker->gpu->sched;
	struct gpu_dispatch *d = ctx->d;

	pthread_mutex_lock(&sched->lock);
	if (atomic_load_explicit(&d->killed, memory_order_relaxed)) {
		pthread_mutex_unlock(&sched->lock);
		group_release(worker, ctx);
		return;
	}
	gpu_group_end(worker, ctx);
	residency_give(sched, d->share);
	worker->held_of[d->ring]--;
	if (d != worker->current) {
		worker_count(worker);
		reader_settle(worker, d->ring);
	}
	gpu_group_stands(ctx, &d->stands);
	d->standing = ctx;
	pthread_cond_broadcast(&sched->done);
	pthread_mutex_unlock(&sched->lock);
}

static void out_of_memory(struct gpu_sched *sched, struct gpu_dispatch *d)
{
	struct gpu_fault fault = {.status = GPU_KILLED, .launch = d->launch};

	strcpy(fault.what, "out of host memory for the registers of a workgroup");
	gpu_sched_fault(sched, d, &fault);
}

static void reader_enter(struct gpu_worker *worker, const struct gpu_dispatch *d)
{
	struct gpu_thread *reader = &worker->reader[d->ring];

	if (!reader->depth || reader->tlb.vm != d->vm)
		gpu_thread_enter(reader, d->vm);
}

/* One more group of the dispatch that the worker is attached to. False: none to be had now. */
static bool group_claim(struct gpu_worker *worker)
{
	struct gpu_sched *sched = worker->gpu->sched;
	struct gpu_dispatch *d = worker->current;
	struct gpu_group_ctx *ctx;
	uint64_t index;
	int ret;

	if (!claimable(d) || !held_room(worker) || !(worker->spare || residency_take(sched, d->share)))
		return false;
	worker->spare = 0;
	ctx = ctx_get(worker);
	ret = ctx ? gpu_group_reserve(ctx, d) : -ENOMEM;
	if (ret) {
		if (ret == -ENOMEM)
			out_of_memory(sched, d);
		goto give_back;
	}
	index = atomic_fetch_add_explicit(&d->next, 1, memory_order_relaxed);
	if (index >= d->limit) {
		gpu_group_unreserve(ctx);
		goto give_back;
	}
	reader_enter(worker, d);
	gpu_group_start(worker, ctx, index);
	worker->held[worker->held_count++] = ctx;
	worker->held_of[d->ring]++;
	worker->claims++;
	return true;

give_back:
	residency_give(sched, d->share);
	if (ctx)
		ctx_put(worker, ctx);
	return false;
}

static void detach(struct gpu_worker *worker)
{
	struct gpu_sched *sched = worker->gpu->sched;
	struct gpu_dispatch *d = worker->current;

	if (!d)
		return;
	worker_count(worker);
	spare_give(worker);
	ended_tell(worker);
	worker->current = NULL;
	reader_settle(worker, d->ring);
	pthread_mutex_lock(&sched->lock);
	if (--d->attached == 0)
		pthread_cond_broadcast(&sched->done);
	pthread_mutex_unlock(&sched->lock);
}

static void attach(struct gpu_worker *worker, struct gpu_dispatch *d)
{
	struct gpu_sched *sched = worker->gpu->sched;

	pthread_mutex_lock(&sched->lock);
	d->attached++;
	pthread_mutex_unlock(&sched->lock);
	worker->current = d;
	worker->claims = 0;
}

/* The lock is held. Attaches to the next dispatch after the worker's last one that has groups to give. */
static bool attach_any_locked(struct gpu_worker *worker, const struct gpu_dispatch *after)
{
	struct gpu_dispatch *first = NULL, *best = NULL;
	bool passed = false;

	for (struct gpu_dispatch *d = worker->gpu->sched->list; d; d = d->next_listed) {
		if (claimable(d)) {
			if (!first)
				first = d;
			if (passed && !best)
				best = d;
		}
		passed |= d == after;
	}
	if (!best)
		best = first;
	if (!best)
		return false;
	best->attached++;
	worker->current = best;
	worker->claims = 0;
	return true;
}

static void adopt(struct gpu_worker *worker)
{
	struct gpu_sched *sched = worker->gpu->sched;

	while (atomic_load_explicit(&sched->orphan_count, memory_order_relaxed) && held_room(worker)) {
		struct gpu_group_ctx *ctx;

		pthread_mutex_lock(&sched->lock);
		ctx = sched->orphans;
		if (ctx) {
			sched->orphans = ctx->next;
			atomic_fetch_sub_explicit(&sched->orphan_count, 1, memory_order_relaxed);
		}
		pthread_mutex_unlock(&sched->lock);
		if (!ctx)
			return;
		reader_enter(worker, ctx->d);
		worker->held[worker->held_count++] = ctx;
		worker->held_of[ctx->d->ring]++;
	}
}

/* Every held group a quantum per wave. *stuck_out: no group has got anywhere for long. Returns false if all slept. */
static bool worker_pass(struct gpu_worker *worker, bool *stuck_out)
{
	bool busy = false, stuck = true;

	for (unsigned i = 0; i < worker->held_count;) {
		struct gpu_group_ctx *ctx = worker->held[i];
		struct gpu_dispatch *d = ctx->d;
		enum gpu_group_state state = gpu_group_run(worker, ctx);

		if (state == GPU_GROUP_OVER || state == GPU_GROUP_STANDS) {
			worker->held[i] = worker->held[--worker->held_count];
			if (state == GPU_GROUP_OVER)
				group_release(worker, ctx);
			else
				group_stand(worker, ctx);
			busy = true;
			continue;
		}
		if (state == GPU_GROUP_IDLE)
			ctx->slices += PATIENCE;
		else
			busy = true;
		if (ctx->slices >= PATIENCE && !atomic_load_explicit(&d->spinning, memory_order_relaxed))
			atomic_store_explicit(&d->spinning, true, memory_order_relaxed);
		stuck &= ctx->slices >= PATIENCE || atomic_load_explicit(&d->spinning, memory_order_relaxed);
		i++;
	}
	*stuck_out = stuck;
	return busy;
}

/* One turn of work. False when the worker holds nothing and its dispatch has nothing to give. */
static bool worker_turn(struct gpu_worker *worker)
{
	bool stuck = true, busy = true;
	unsigned more;

	if (worker->held_count)
		busy = worker_pass(worker, &stuck);
	if (worker->held_count == 0 || stuck) {
		more = worker->held_count ? worker->held_count : 1;
		while (more && worker->current && group_claim(worker))
			more--;
		if (worker->current)
			reader_settle(worker, worker->current->ring);
	}
	spare_give(worker);
	if (!busy)
		sched_yield();
	return worker->held_count != 0;
}

/* A pool thread's work until there is none. */
static void worker_serve(struct gpu_worker *worker)
{
	struct gpu_sched *sched = worker->gpu->sched;

	for (;;) {
		if (__builtin_expect(atomic_load_explicit(&sched->orphan_count, memory_order_relaxed) != 0, 0))
			adopt(worker);
		if (!worker->current || !claimable(worker->current) ||
		    (worker->claims >= TURN_CLAIMS && atomic_load_explicit(&sched->listed, memory_order_relaxed) > 1)) {
			const struct gpu_dispatch *last = worker->current;

			detach(worker);
			pthread_mutex_lock(&sched->lock);
			attach_any_locked(worker, last);
			pthread_mutex_unlock(&sched->lock);
		}
		if (!worker_turn(worker))
			break;
	}
	detach(worker);
}

static bool work_waits(const struct gpu_sched *sched)
{
	if (sched->orphans)
		return true;
	for (struct gpu_dispatch *d = sched->list; d; d = d->next_listed)
		if (claimable(d))
			return true;
	return false;
}

static void *pool_main(void *argument)
{
	struct gpu_pool_thread *self = argument;
	struct gpu_sched *sched = self->sched;

	pthread_mutex_lock(&sched->lock);
	while (!sched->stop) {
		if (!work_waits(sched)) {
			pthread_cond_wait(&sched->work, &sched->lock);
			continue;
		}
		pthread_mutex_unlock(&sched->lock);
		worker_serve(&self->worker);
		pthread_mutex_lock(&sched->lock);
		if (!sched->stop && work_waits(sched)) /* residency is used up by others */
			cond_wait_ns(&sched->work, &sched->lock, WAIT_NS / 10);
	}
	pthread_mutex_unlock(&sched->lock);
	return NULL;
}

static void wake(struct gpu_sched *sched, uint64_t n)
{
	pthread_mutex_lock(&sched->lock);
	if (n >= sched->threads)
		pthread_cond_broadcast(&sched->work);
	else
		while (n--)
			pthread_cond_signal(&sched->work);
	pthread_mutex_unlock(&sched->lock);
}

/* What the CP still holds becomes the pool's. */
static void orphan(struct gpu_sched *sched, struct gpu_worker *cp)
{
	bool ring[GPU_RING_COUNT] = {false};

	pthread_mutex_lock(&sched->lock);
	while (cp->held_count) {
		struct gpu_group_ctx *ctx = cp->held[--cp->held_count];

		ring[ctx->d->ring] = true;
		cp->held_of[ctx->d->ring]--;
		ctx->next = sched->orphans;
		sched->orphans = ctx;
		atomic_fetch_add_explicit(&sched->orphan_count, 1, memory_order_relaxed);
	}
	pthread_mutex_unlock(&sched->lock);
	for (unsigned i = 0; i < GPU_RING_COUNT; i++)
		if (ring[i])
			reader_settle(cp, i);
	wake(sched, sched->threads);
}

void gpu_sched_start(struct gpu_sched *sched, struct gpu_worker *cp, struct gpu_dispatch *d)
{
	const uint64_t began = now_ns();
	const uint64_t waves = d->total > TINY_WAVES ? d->total : d->total * d->waves_per_group;
	bool woken = waves > TINY_WAVES;

	pthread_mutex_lock(&sched->lock);
	d->listed = true;
	d->attached = 1;
	d->next_listed = sched->list;
	sched->list = d;
	atomic_fetch_add_explicit(&sched->listed, 1, memory_order_relaxed);
	pthread_mutex_unlock(&sched->lock);
	cp->current = d;
	cp->claims = 0;
	if (woken)
		wake(sched, sched->threads > 1 ? sched->threads - 1 : 0);
	for (unsigned turn = 0; worker_turn(cp); turn++) {
		uint64_t spent;

		if (turn % 8 != 7)
			continue;
		spent = now_ns() - began;
		if (!woken && spent > CP_ALONE_NS) {
			woken = true;
			wake(sched, sched->threads);
		}
		if (spent > CP_WORKS_NS)
			break;
	}
	if (cp->held_count)
		orphan(sched, cp);
	else if (claimable(d))
		wake(sched, sched->threads);
	detach(cp);
}

static bool over_locked(struct gpu_sched *sched, struct gpu_dispatch *d)
{
	if (d->attached || atomic_load(&d->finished) != d->total)
		return false;
	if (d->listed) {
		struct gpu_dispatch **link = &sched->list;

		while (*link != d)
			link = &(*link)->next_listed;
		*link = d->next_listed;
		d->listed = false;
		atomic_fetch_sub_explicit(&sched->listed, 1, memory_order_relaxed);
	}
	return true;
}

bool gpu_sched_over(struct gpu_sched *sched, struct gpu_dispatch *d)
{
	bool over;

	pthread_mutex_lock(&sched->lock);
	over = over_locked(sched, d);
	pthread_mutex_unlock(&sched->lock);
	return over;
}

void gpu_sched_wait(struct gpu_sched *sched, struct gpu_worker *cp, struct gpu_dispatch *d)
{
	if (claimable(d)) {
		attach(cp, d);
		while (worker_turn(cp))
			;
		detach(cp);
	}
	for (unsigned spin = 0; spin < WAIT_SPINS; spin++)
		if (atomic_load_explicit(&d->finished, memory_order_relaxed) == d->total)
			break;
	pthread_mutex_lock(&sched->lock);
	while (!over_locked(sched, d)) {
		if (claimable(d)) {
			pthread_mutex_unlock(&sched->lock);
			attach(cp, d);
			while (worker_turn(cp))
				;
			detach(cp);
			pthread_mutex_lock(&sched->lock);
		}
		if (!over_locked(sched, d))
			cond_wait_ns(&sched->done, &sched->lock, WAIT_NS);
	}
	pthread_mutex_unlock(&sched->lock);
}

static bool stands_locked(struct gpu_dispatch *d)
{
	return d->standing && atomic_load(&d->finished) + 1 == d->limit;
}

bool gpu_sched_wait_or_stand(struct gpu_sched *sched, struct gpu_worker *cp, struct gpu_dispatch *d,
			     struct gpu_fault *why_out)
{
	bool over;

	if (claimable(d)) {
		attach(cp, d);
		while (worker_turn(cp))
			;
		detach(cp);
	}
	pthread_mutex_lock(&sched->lock);
	while (!(over = over_locked(sched, d)) && !stands_locked(d))
		cond_wait_ns(&sched->done, &sched->lock, WAIT_NS);
	if (!over)
		*why_out = d->stands;
	pthread_mutex_unlock(&sched->lock);
	return over;
}

static unsigned thread_count(const struct gpu *gpu)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (gpu->config.threads)
		return gpu->config.threads;
	return cores > 0 ? (unsigned)cores : 1;
}

int gpu_sched_create(struct gpu *gpu, struct gpu_sched **sched_out)
{
	struct gpu_sched *sched = calloc(1, sizeof(*sched));
	pthread_condattr_t attr;
	int ret = 0;

	if (!sched)
		return -ENOMEM;
	sched->gpu = gpu;
	pthread_mutex_init(&sched->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&sched->work, &attr);
	pthread_cond_init(&sched->done, &attr);
	pthread_condattr_destroy(&attr);
	sched->threads = thread_count(gpu);
	sched->pool = calloc(sched->threads, sizeof(*sched->pool));
	for (unsigned i = 0; sched->pool && i < sched->threads && !ret; i++) {
		struct gpu_pool_thread *thread = &sched->pool[i];

		thread->sched = sched;
		ret = gpu_worker_init(&thread->worker, gpu);
		if (ret)
			break;
		thread->ready = true;
		ret = -pthread_create(&thread->thread, NULL, pool_main, thread);
		thread->running = !ret;
	}
	if (!sched->pool || ret) {
		gpu_sched_destroy(sched);
		return ret ? ret : -ENOMEM;
	}
	*sched_out = sched;
	return 0;
}

void gpu_sched_destroy(struct gpu_sched *sched)
{
	if (!sched)
		return;
	pthread_mutex_lock(&sched->lock);
	sched->stop = true;
	pthread_cond_broadcast(&sched->work);
	pthread_mutex_unlock(&sched->lock);
	for (unsigned i = 0; sched->pool && i < sched->threads; i++) {
		if (sched->pool[i].running)
			pthread_join(sched->pool[i].thread, NULL);
		if (sched->pool[i].ready)
			gpu_worker_finish(&sched->pool[i].worker);
	}
	free(sched->pool);
	pthread_cond_destroy(&sched->work);
	pthread_cond_destroy(&sched->done);
	pthread_mutex_destroy(&sched->lock);
	free(sched);
}

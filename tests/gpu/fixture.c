/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAIT_MS = 10000, SH_START = 0xb000 };

static void on_finding(void *user, const struct gpu_finding *finding)
{
	struct fx *fx = user;

	pthread_mutex_lock(&fx->lock);
	if (fx->findings < FX_FINDINGS)
		fx->finding[fx->findings] = *finding;
	fx->findings++;
	pthread_mutex_unlock(&fx->lock);
}

static void on_page_fault(void *user, struct gpu_vm *vm, const struct gpu_fault *fault)
{
	struct fx *fx = user;

	ck_assert_ptr_eq(vm, fx->vm);
	pthread_mutex_lock(&fx->lock);
	fx->page_fault = *fault;
	fx->page_faults++;
	pthread_mutex_unlock(&fx->lock);
	gpu_vm_flush(vm); /* a user may: the thread that reports must not be waited for */
}

void fx_init(struct fx *fx, bool strict, bool fault_stops)
{
	struct gpu_config config = {
		.target = gpu_target_find("gfx1030"),
		.threads = 2,
		.strict = strict,
		.user = fx,
		.finding = on_finding,
		.page_fault = on_page_fault,
		.fault_stops = fault_stops,
	};

	memset(fx, 0, sizeof(*fx));
	pthread_mutex_init(&fx->lock, NULL);
	pthread_cond_init(&fx->cond, NULL);
	fx->mem = aligned_alloc(4096, FX_SIZE);
	ck_assert_ptr_nonnull(fx->mem);
	memset(fx->mem, 0, FX_SIZE);
	ck_assert_int_eq(gpu_create(&config, &fx->gpu), 0);
	ck_assert_int_eq(gpu_vm_create(fx->gpu, &fx->vm), 0);
	ck_assert_int_eq(gpu_vm_map(fx->vm, FX_VA, FX_SIZE, fx->mem, GPU_READ | GPU_WRITE | GPU_EXEC, GPU_MTYPE_NC), 0);
	fx_ib(fx, FX_IB);
}

void fx_finish(struct fx *fx)
{
	gpu_vm_destroy(fx->vm);
	gpu_destroy(fx->gpu);
	free(fx->mem);
	pthread_cond_destroy(&fx->cond);
	pthread_mutex_destroy(&fx->lock);
}

void fx_ib(struct fx *fx, uint32_t offset)
{
	fx->ib = (uint32_t *)(fx->mem + offset);
	fx->ib_va = FX_VA + offset;
	fx->ib_dw = 0;
}

void fx_dw(struct fx *fx, uint32_t dw)
{
	fx->ib[fx->ib_dw++] = dw;
}

void fx_packet(struct fx *fx, unsigned opcode, unsigned n, const uint32_t *body)
{
	fx_dw(fx, 3u << 30 | (n - 1) << 16 | opcode << 8);
	for (unsigned i = 0; i < n; i++)
		fx_dw(fx, body[i]);
}

void fx_pad(struct fx *fx)
{
	while (fx->ib_dw % 8)
		fx_dw(fx, 0xffff1000);
}

static void on_done(struct gpu_job *job, const struct gpu_fault *result)
{
	struct fx_job *self = job->user;

	pthread_mutex_lock(&self->fx->lock);
	self->result = *result;
	self->done = true;
	pthread_cond_broadcast(&self->fx->cond);
	pthread_mutex_unlock(&self->fx->lock);
}

void fx_submit(struct fx *fx, struct fx_job *job, enum gpu_ring_type type, unsigned instance)
{
	if (type != GPU_RING_SDMA)
		fx_pad(fx);
	memset(job, 0, sizeof(*job));
	job->fx = fx;
	job->ib = (struct gpu_ib){.va = fx->ib_va, .size_dw = fx->ib_dw};
	job->job = (struct gpu_job){.vm = fx->vm, .ibs = &job->ib, .ib_count = 1, .user = job, .done = on_done};
	ck_assert_int_eq(gpu_submit(fx->gpu, type, instance, &job->job), 0);
}

bool fx_done_within(struct fx_job *job, unsigned ms)
{
	struct timespec until;
	bool done;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&job->fx->lock);
	while (!job->done && !pthread_cond_timedwait(&job->fx->cond, &job->fx->lock, &until))
		;
	done = job->done;
	pthread_mutex_unlock(&job->fx->lock);
	return done;
}

struct gpu_fault fx_wait(struct fx_job *job)
{
	ck_assert_msg(fx_done_within(job, WAIT_MS), "the job did not end");
	return job->result;
}

struct gpu_fault fx_run(struct fx *fx, enum gpu_ring_type type)
{
	struct fx_job job;

	fx_submit(fx, &job, type, 0);
	return fx_wait(&job);
}

uint64_t fx_code(struct fx *fx, unsigned slot, const uint32_t *code, size_t size_B)
{
	const uint32_t offset = FX_CODE + slot * 256;

	memcpy(fx->mem + offset, code, size_B);
	return FX_VA + offset;
}

static void set_sh(struct fx *fx, uint32_t reg, uint32_t value)
{
	FX_PACKET(fx, P_SET_SH_REG, (reg - SH_START) / 4, value);
}

void fx_state(struct fx *fx, const struct fx_launch *l)
{
	const uint32_t vgprs = l->vgprs ? l->vgprs : 16, granule = l->wave64 ? 4 : 8;

	for (unsigned se = 0; se < 2; se++) {
		set_sh(fx, 0xb858 + se * 4, 0xffffffff);
		set_sh(fx, 0xb864 + se * 4, 0xffffffff);
	}
	set_sh(fx, 0xb830, (uint32_t)(l->code >> 8));
	set_sh(fx, 0xb834, (uint32_t)(l->code >> 40 & 0xff));
	set_sh(fx, 0xb848, ((vgprs + granule - 1) / granule - 1) | l->rsrc1);
	set_sh(fx, 0xb84c, l->user_count << 1 | l->rsrc2);
	set_sh(fx, 0xb8a0, l->rsrc3);
	set_sh(fx, 0xb860, l->tmpring);
	for (unsigned i = 0; i < 3; i++) {
		set_sh(fx, 0xb810 + i * 4, l->start[i]);
		set_sh(fx, 0xb81c + i * 4, (l->block[i] ? l->block[i] : 1) | l->partial[i] << 16);
	}
	for (unsigned i = 0; i < l->user_count; i++)
		set_sh(fx, 0xb900 + i * 4, l->user[i]);
}

void fx_dispatch(struct fx *fx, const struct fx_launch *l)
{
	const uint32_t initiator = 1u | (l->start[0] | l->start[1] | l->start[2] ? 0 : 4) | (l->wave64 ? 0 : 1u << 15);

	fx_state(fx, l);
	FX_PACKET(fx, P_DISPATCH_DIRECT, l->grid[0] ? l->grid[0] : 1, l->grid[1] ? l->grid[1] : 1,
		  l->grid[2] ? l->grid[2] : 1, initiator | l->initiator);
}

void fx_flush(struct fx *fx)
{
	FX_PACKET(fx, P_EVENT_WRITE, EV_CS_PARTIAL_FLUSH);
}

void fx_acquire(struct fx *fx, uint32_t gcr)
{
	FX_PACKET(fx, P_ACQUIRE_MEM, 0, 0xffffffff, 0xff, 0, 0, 10, gcr);
}

unsigned fx_found(struct fx *fx, enum gpu_finding_kind kind)
{
	unsigned n = 0;

	for (unsigned i = 0; i < fx->findings && i < FX_FINDINGS; i++)
		n += fx->finding[i].kind == kind;
	return n;
}

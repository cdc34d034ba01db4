/* SPDX-License-Identifier: MIT */
/* test_hang.c - jobs that do not end: what the context and its fences say afterwards, by kernel. */
#include "env.h"

#define AT 0x10000000ull

struct hang {
	void *file;
	struct env_bo code, gate;
	uint32_t ctx, innocent;
	struct env_cs cs;
};

static struct hang hang_open(const char *spec, uint32_t ip)
{
	struct hang hang = {.file = env_open(spec)};

	hang.code = env_bo(hang.file, 4096, AT);
	hang.gate = env_bo(hang.file, 4096, AT + 0x10000);
	hang.ctx = env_ctx(hang.file);
	hang.innocent = env_ctx(hang.file);
	hang.cs = env_cs(hang.ctx, ip, AT, env_stream_wait(hang.code.map, hang.gate.va, 1));
	return hang;
}

static uint32_t flags_of(void *file, uint32_t ctx)
{
	union drm_amdgpu_ctx args = {.in = {.op = AMDGPU_CTX_OP_QUERY_STATE2, .ctx_id = ctx}};

	ck_ok(env_ioctl(file, DRM_IOCTL_AMDGPU_CTX, &args));
	return (uint32_t)args.out.state.flags;
}

static uint32_t reset_status(void *file, uint32_t ctx)
{
	union drm_amdgpu_ctx args = {.in = {.op = AMDGPU_CTX_OP_QUERY_STATE, .ctx_id = ctx}};

	ck_ok(env_ioctl(file, DRM_IOCTL_AMDGPU_CTX, &args));
	return args.out.state.reset_status;
}

static int write_job(struct hang *hang, uint32_t ctx)
{
	struct env_cs cs = env_cs(ctx, AMDGPU_HW_IP_COMPUTE, AT + 256,
				  env_stream_write(hang->code.map + 64, hang->gate.va + 64, 5));
	int ret = env_submit(hang->file, &cs);

	return ret ? ret : env_wait(hang->file, ctx, AMDGPU_HW_IP_COMPUTE, cs.seq, -1);
}

START_TEST(queue_reset)
{
	struct hang hang = hang_open("gfx1030,kernel=7.2,timeout_ms=50", AMDGPU_HW_IP_COMPUTE);

	ck_ok(env_submit(hang.file, &hang.cs));
	ck_assert_int_eq(env_wait(hang.file, hang.ctx, AMDGPU_HW_IP_COMPUTE, hang.cs.seq, 5), 1);
	ck_err(ETIME, env_wait(hang.file, hang.ctx, AMDGPU_HW_IP_COMPUTE, hang.cs.seq, -1));
	ck_err(ETIME, write_job(&hang, hang.ctx)); /* the entity is in error */
	ck_ok(write_job(&hang, hang.innocent));
	ck_assert_uint_eq(hang.gate.map[16], 5);
	ck_assert_uint_eq(flags_of(hang.file, hang.ctx),
			  AMDGPU_CTX_QUERY2_FLAGS_RESET | AMDGPU_CTX_QUERY2_FLAGS_GUILTY);
	ck_assert_uint_eq(flags_of(hang.file, hang.innocent), AMDGPU_CTX_QUERY2_FLAGS_RESET);
	ck_assert_uint_eq(reset_status(hang.file, hang.innocent), AMDGPU_CTX_UNKNOWN_RESET);
	ck_assert_uint_eq(reset_status(hang.file, hang.innocent), AMDGPU_CTX_NO_RESET); /* since the last question */
	ck_assert_uint_eq(flags_of(hang.file, env_ctx(hang.file)), 0);
	ck_assert_uint_eq(env_stat(hang.file, "job_timeouts"), 1);
	env_close(hang.file);
}
END_TEST

START_TEST(full_reset)
{
	struct hang hang = hang_open("gfx1030,kernel=6.1,timeout_ms=50", AMDGPU_HW_IP_COMPUTE);
	uint32_t fresh;

	ck_ok(env_submit(hang.file, &hang.cs));
	ck_err(ECANCELED, env_wait(hang.file, hang.ctx, AMDGPU_HW_IP_COMPUTE, hang.cs.seq, -1));
	ck_err(ECANCELED, write_job(&hang, hang.ctx));
	ck_err(ECANCELED, write_job(&hang, hang.innocent)); /* memory was lost since it was made */
	ck_assert_uint_eq(flags_of(hang.file, hang.ctx), AMDGPU_CTX_QUERY2_FLAGS_RESET |
								 AMDGPU_CTX_QUERY2_FLAGS_VRAMLOST |
								 AMDGPU_CTX_QUERY2_FLAGS_GUILTY);
	ck_assert_uint_eq(flags_of(hang.file, hang.innocent),
			  AMDGPU_CTX_QUERY2_FLAGS_RESET | AMDGPU_CTX_QUERY2_FLAGS_VRAMLOST);
	fresh = env_ctx(hang.file);
	ck_ok(write_job(&hang, fresh));
	ck_assert_uint_eq(hang.gate.map[16], 5);
	env_close(hang.file);
}
END_TEST

/* A sync_file and a syncobj signal for a killed job too, and waiting for them is no error. */
START_TEST(syncobjs_signal_for_killed_jobs)
{
	struct hang hang = hang_open("gfx1030,kernel=7.2,timeout_ms=50", AMDGPU_HW_IP_COMPUTE);
	struct drm_amdgpu_cs_chunk_sem sem = {env_syncobj(hang.file, 0)};
	struct drm_syncobj_wait wait = {
		.handles = (uintptr_t)&sem.handle, .count_handles = 1, .timeout_nsec = env_after_ms(20000)};

	env_chunk(&hang.cs, AMDGPU_CHUNK_ID_SYNCOBJ_OUT, &sem, sizeof(sem));
	ck_ok(env_submit(hang.file, &hang.cs));
	ck_ok(env_ioctl(hang.file, DRM_IOCTL_SYNCOBJ_WAIT, &wait));
	env_close(hang.file);
}
END_TEST

/* What the model refuses would hang the hardware: the verdict comes at once, the sentence is kept. */
START_TEST(refused_packets_end_the_job)
{
	struct hang hang = hang_open("gfx1030,kernel=7.2", AMDGPU_HW_IP_COMPUTE);
	char text[400];

	hang.code.map[0] = 3u << 30 | 0xeeu << 8; /* no such opcode */
	hang.code.map[1] = 0;
	ck_ok(env_submit(hang.file, &hang.cs));
	ck_err(ETIME, env_wait(hang.file, hang.ctx, AMDGPU_HW_IP_COMPUTE, hang.cs.seq, -1));
	ck_ok(df_soft_ops.finding(hang.file, 0, text, sizeof(text)));
	ck_assert_ptr_nonnull(strstr(text, "refused: "));
	ck_assert_int_eq(df_soft_ops.finding(hang.file, 1, text, sizeof(text)), -1);
	ck_ok(write_job(&hang, hang.innocent));
	env_close(hang.file);
}
END_TEST

/* 32 jobs of an entity may be in flight; the next submission waits until the first has ended. */
START_TEST(the_33rd_job_waits)
{
	struct hang hang = hang_open("gfx1030,kernel=7.2,timeout_ms=300", AMDGPU_HW_IP_COMPUTE);
	int64_t before = env_after_ms(0);

	for (int i = 0; i < 32; i++)
		ck_ok(env_submit(hang.file, &hang.cs));
	ck_assert_int_lt(env_after_ms(0) - before, 250000000);
	ck_err(ETIME, env_wait(hang.file, hang.ctx, AMDGPU_HW_IP_COMPUTE, 1, -1));
	ck_assert_int_ge(env_after_ms(0) - before, 290000000);
	hang.gate.map[0] = 1;
	env_close(hang.file);
}
END_TEST

/* Closing a file with jobs that never end: they are timed out, nothing is left behind. */
START_TEST(closing_with_hung_jobs)
{
	struct hang hang = hang_open("gfx1030,kernel=7.2,timeout_ms=30", AMDGPU_HW_IP_GFX);

	ck_ok(env_submit(hang.file, &hang.cs));
	ck_ok(env_submit(hang.file, &hang.cs));
	env_close(hang.file);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {queue_reset,
				      full_reset,
				      syncobjs_signal_for_killed_jobs,
				      refused_packets_end_the_job,
				      the_33rd_job_waits,
				      closing_with_hung_jobs};

	return env_main("hang", tests, sizeof(tests) / sizeof(tests[0]));
}

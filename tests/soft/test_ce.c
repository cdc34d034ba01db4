/* SPDX-License-Identifier: MIT */
/* test_ce.c - IBs of the constant engine: which kernels take them, on which rings, and what a wait without end becomes.
 */
#include "env.h"

#define AT   0x10000000ull
#define GATE (AT + 0x10000)

#define SET_COUNTERS 0xc0008900u
#define INCREMENT_CE 0xc0008400u
#define WAIT_ON_CE   0xc0008600u
#define NOP          0xffff1000u
enum { DE_DW = 64 };

struct pair {
	void *file;
	struct env_bo code, data;
	uint32_t ctx;
	struct drm_amdgpu_cs_chunk_ib ce;
	struct env_cs cs;
};

/* The CE counts to count; the DE waits for more than 0 and then writes 5. */
static struct pair pair_open(const char *spec, uint32_t count)
{
	struct pair pair = {.file = env_open(spec)};
	uint32_t *ce, *de, dw = 2;

	pair.code = env_bo(pair.file, 4096, AT);
	pair.data = env_bo(pair.file, 4096, GATE);
	pair.ctx = env_ctx(pair.file);
	ce = pair.code.map;
	de = ce + DE_DW;
	for (unsigned i = 0; i < DE_DW; i++)
		ce[i] = NOP;
	ce[0] = SET_COUNTERS;
	ce[1] = 0;
	for (uint32_t i = 0; i < count; i++) {
		ce[dw++] = INCREMENT_CE;
		ce[dw++] = 1;
	}
	de[0] = WAIT_ON_CE;
	de[1] = 1;
	for (unsigned i = 2; i < 8; i++)
		de[i] = NOP;
	pair.cs = env_cs(pair.ctx, AMDGPU_HW_IP_GFX, AT + DE_DW * 4, 32 + env_stream_write(de + 8, pair.data.va, 5));
	pair.ce = (struct drm_amdgpu_cs_chunk_ib){
		.flags = AMDGPU_IB_FLAG_CE, .va_start = AT, .ib_bytes = 32, .ip_type = AMDGPU_HW_IP_GFX};
	return pair;
}

static int pair_submit(struct pair *pair)
{
	pair->cs.chunk_count = 0;
	env_chunk(&pair->cs, AMDGPU_CHUNK_ID_IB, &pair->ce, sizeof(pair->ce));
	return env_submit(pair->file, &pair->cs);
}

static int pair_wait(struct pair *pair)
{
	return env_wait(pair->file, pair->ctx, AMDGPU_HW_IP_GFX, pair->cs.seq, -1);
}

static const char *const takers[] = {"gfx1030,kernel=6.1,timeout_ms=50", "gfx1030,kernel=6.12,timeout_ms=50"};

START_TEST(older_kernels_run_it)
{
	for (unsigned i = 0; i < 2; i++) {
		for (uint32_t more = 0; more <= AMDGPU_IB_FLAG_PREAMBLE; more += AMDGPU_IB_FLAG_PREAMBLE) {
			struct pair pair = pair_open(takers[i], 1);

			pair.ce.flags |= more;
			ck_ok(pair_submit(&pair));
			ck_ok(pair_wait(&pair));
			ck_assert_uint_eq(pair.data.map[0], 5);
			env_close(pair.file);
		}
	}
}
END_TEST

START_TEST(newer_kernel_refuses_it_on_every_ring)
{
	static const uint32_t ips[] = {AMDGPU_HW_IP_GFX, AMDGPU_HW_IP_COMPUTE, AMDGPU_HW_IP_DMA};
	struct pair pair = pair_open("gfx1030,kernel=7.2", 1);

	ck_err(EINVAL, pair_submit(&pair));
	for (unsigned i = 0; i < 3; i++) {
		struct env_cs cs = env_cs(pair.ctx, ips[i], AT, 32);

		cs.ib.flags = AMDGPU_IB_FLAG_CE;
		ck_err(EINVAL, env_submit(pair.file, &cs));
		cs.ib.flags |= AMDGPU_IB_FLAG_PREAMBLE;
		ck_err(EINVAL, env_submit(pair.file, &cs));
	}
	env_close(pair.file);
}
END_TEST

/* gfx_v10_0_ring_emit_ib_compute() does not look at the flag. */
START_TEST(on_compute_rings_of_older_kernels_it_is_an_ib_as_any)
{
	for (unsigned i = 0; i < 2; i++) {
		struct pair pair = pair_open(takers[i], 1);
		struct env_cs cs = env_cs(pair.ctx, AMDGPU_HW_IP_COMPUTE, AT,
					  env_stream_write(pair.code.map, pair.data.va + 8, 6));

		cs.ib.flags = AMDGPU_IB_FLAG_CE;
		ck_ok(env_submit(pair.file, &cs));
		ck_ok(env_wait(pair.file, pair.ctx, AMDGPU_HW_IP_COMPUTE, cs.seq, -1));
		ck_assert_uint_eq(pair.data.map[2], 6);
		env_close(pair.file);
	}
}
END_TEST

START_TEST(one_preemptible_ib_of_each_engine)
{
	struct pair pair = pair_open(takers[1], 1);
	struct drm_amdgpu_cs_chunk_ib second;

	pair.ce.flags |= AMDGPU_IB_FLAG_PREEMPT;
	pair.cs.ib.flags |= AMDGPU_IB_FLAG_PREEMPT;
	ck_ok(pair_submit(&pair));
	ck_ok(pair_wait(&pair));
	second = pair.ce;
	pair.cs.chunk_count = 0;
	env_chunk(&pair.cs, AMDGPU_CHUNK_ID_IB, &second, sizeof(second));
	env_chunk(&pair.cs, AMDGPU_CHUNK_ID_IB, &pair.ce, sizeof(pair.ce));
	ck_err(EINVAL, env_submit(pair.file, &pair.cs));
	env_close(pair.file);
}
END_TEST

START_TEST(a_wait_without_end_is_a_hang)
{
	for (unsigned i = 0; i < 2; i++) {
		struct pair pair = pair_open(takers[i], 0);
		uint32_t fresh;

		ck_ok(pair_submit(&pair));
		ck_err(ECANCELED, pair_wait(&pair));
		ck_assert_uint_eq(pair.data.map[0], 0);
		ck_assert_uint_eq(env_stat(pair.file, "job_timeouts"), 1);
		fresh = env_ctx(pair.file); /* the reset ring works */
		pair.code.map[2] = INCREMENT_CE;
		pair.code.map[3] = 1;
		pair.ctx = pair.cs.ctx = fresh;
		ck_ok(pair_submit(&pair));
		ck_ok(pair_wait(&pair));
		ck_assert_uint_eq(pair.data.map[0], 5);
		env_close(pair.file);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {older_kernels_run_it, newer_kernel_refuses_it_on_every_ring,
				      on_compute_rings_of_older_kernels_it_is_an_ib_as_any,
				      one_preemptible_ib_of_each_engine, a_wait_without_end_is_a_hang};

	return env_main("ce", tests, sizeof(tests) / sizeof(tests[0]));
}

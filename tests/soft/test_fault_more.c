/* SPDX-License-Identifier: MIT */
/*
 * test_fault_more.c - faults beyond the table of test_fault.c: two jobs on one ring, unplugging, stalls, lost
 * interrupts, which launch is hit, where it stopped, and that the same request gives the same run.
 */
#include "rig.h"

#include "uapi/drumfire_capture.h"
#include "uapi/drumfire_stream.h"

#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define GFX     AMDGPU_HW_IP_GFX
#define COMPUTE AMDGPU_HW_IP_COMPUTE
#define R       AMDGPU_CTX_QUERY2_FLAGS_RESET
#define V       AMDGPU_CTX_QUERY2_FLAGS_VRAMLOST
#define G       AMDGPU_CTX_QUERY2_FLAGS_GUILTY

static const char *const kernels[] = {"6.1", "6.12", "7.2"};

static const char *spec_of(const char *target, const char *kernel, const char *more)
{
	static char spec[96];

	snprintf(spec, sizeof(spec), "%s,kernel=%s%s", target, kernel, more);
	return spec;
}

/* The victim's stream behind the gate. */
static void gated_victim(struct rig *rig, uint32_t ip)
{
	uint32_t *at = rig_stream(rig, 1), n = env_stream_wait(at, rig->shared.va, 1) / 4;

	for (int i = 0; i < RIG_LAUNCHES; i++)
		n += rig_launch(at + n, rig->code.va, rig->victim.words.va, RIG_GROUPS);
	n += env_stream_write(at + n, rig_marker_va(rig, &rig->victim), RIG_MARKER) / 4;
	rig_submit(rig, &rig->victim, ip, 1, n);
}

/* One launch over the innocent one's words, by any actor. */
static void one_launch(struct rig *rig, struct rig_actor *actor, uint32_t ip)
{
	uint32_t *at = rig_stream(rig, 2), n = rig_launch(at, rig->code.va, rig->innocent.words.va, RIG_GROUPS);

	n += env_stream_write(at + n, rig_marker_va(rig, &rig->innocent), RIG_MARKER) / 4;
	rig_submit(rig, actor, ip, 2, n);
}

static unsigned sum(const struct rig_actor *actor)
{
	unsigned words = 0;

	for (unsigned i = 0; i < RIG_WORDS; i++)
		words += actor->words.map[i];
	return words;
}

/* Another context's job behind the guilty one on its ring: emitted again (7.2), cancelled (6.12), resubmitted (6.1). */
START_TEST(another_ones_job_on_the_ring)
{
	static const int victim[] = {-ECANCELED, -ECANCELED, -ETIME}, other[] = {0, -ECANCELED, 0};
	struct rig rig;

	rig_open(&rig, spec_of("gfx1030", kernels[_i], ""));
	rig_fault(&rig, "queue-reset@2");
	gated_victim(&rig, GFX);
	one_launch(&rig, &rig.innocent, GFX);
	rig_open_gate(&rig);
	ck_assert_int_eq(rig_wait(&rig, &rig.victim), victim[_i]);
	ck_assert_int_eq(rig_wait(&rig, &rig.innocent), other[_i]);
	ck_assert_uint_eq(*rig.innocent.marker, other[_i] ? 0 : RIG_MARKER);
	ck_assert_uint_eq(*rig.innocent.user_fence, other[_i] ? 0 : rig.innocent.cs.seq);
	ck_assert_uint_eq(sum(&rig.innocent), other[_i] ? 0 : RIG_WORDS);
	ck_assert_uint_eq(rig_flags(&rig, rig.innocent.ctx), R);
	rig_close(&rig);
}
END_TEST

/*
 * The guilty context's next job on the ring: its IB is skipped in 7.2, with the user fence written all the same; and
 * as it is the entity's last one, its error hides the other's: WAIT_CS tells of it, nobody is guilty any more.
 */
START_TEST(the_guilty_ones_next_job)
{
	static const uint32_t flags[] = {R | G, R, R};
	struct rig_actor next;
	struct rig rig;

	rig_open(&rig, spec_of("gfx1030", kernels[_i], ""));
	rig_fault(&rig, "queue-reset@2");
	next = rig.victim;
	next.syncobj = rig.innocent.syncobj;
	next.sem = rig.innocent.sem;
	next.fence = rig.innocent.fence;
	gated_victim(&rig, COMPUTE);
	one_launch(&rig, &next, COMPUTE);
	rig_open_gate(&rig);
	ck_ok(rig_syncobj_wait(&rig, &next, 20000));
	ck_err(ECANCELED, rig_wait(&rig, &next));
	ck_err(ECANCELED, rig_wait(&rig, &rig.victim));
	ck_assert_uint_eq(rig_flags(&rig, rig.victim.ctx), flags[_i]);
	ck_assert_uint_eq(*rig.victim.user_fence, _i == 2 ? rig.victim.cs.seq : 0);
	ck_assert_uint_eq(*rig.innocent.user_fence, _i == 2 ? next.cs.seq : 0);
	ck_assert_uint_eq(sum(&rig.innocent), 0);
	ck_assert_uint_eq(*rig.innocent.marker, 0);
	rig_close(&rig);
}
END_TEST

/* The graphics ring: soft recovery up to 6.12, with a success in 6.1. */
START_TEST(hang_on_the_graphics_ring)
{
	static const int ends[] = {0, -ENODATA, -ETIME};
	struct rig rig;

	rig_open(&rig, spec_of("gfx1030", kernels[_i], ""));
	rig_fault(&rig, "hang@2");
	rig_victim(&rig, GFX);
	ck_assert_int_eq(rig_wait(&rig, &rig.victim), ends[_i]);
	ck_assert_uint_eq(rig_flags(&rig, rig.victim.ctx), _i == 2 ? R | G : R);
	ck_assert_uint_eq(*rig.victim.marker, _i == 2 ? 0 : RIG_MARKER);
	ck_assert_uint_eq(rig.victim.words.map[0], _i == 2 ? 3 : 4);
	ck_assert_uint_eq(rig.victim.words.map[RIG_WORDS - 1], _i == 2 ? 2 : 3);
	ck_assert_uint_eq(env_stat(rig.file, "vram_lost"), 0);
	rig_close(&rig);
}
END_TEST

/* 6.1 counts the soft recovery that it tried in vain, and then the reset. */
START_TEST(a_vain_soft_recovery_counts)
{
	static const unsigned resets[] = {2, 1, 1};
	struct rig rig;

	rig_open(&rig, spec_of("gfx1030", kernels[_i], ""));
	rig_fault(&rig, "cp-hang@2");
	rig_victim(&rig, GFX);
	ck_assert_int_eq(rig_wait(&rig, &rig.victim), _i == 2 ? -ETIME : -ECANCELED);
	ck_assert_uint_eq(env_stat(rig.file, "resets"), resets[_i]);
	ck_assert_uint_eq(env_stat(rig.file, "job_timeouts"), 1);
	rig_close(&rig);
}
END_TEST

/* MODE2 of an APU keeps memory: 6.1 runs the others again, half applied or not. */
START_TEST(a_hang_of_an_apu)
{
	struct rig rig;

	rig_open(&rig, spec_of("gfx1033", "6.1", ""));
	rig_innocent(&rig, COMPUTE);
	rig_fault(&rig, "hang@2");
	rig_victim(&rig, COMPUTE);
	ck_err(ECANCELED, rig_wait(&rig, &rig.victim));
	rig_open_gate(&rig);
	ck_ok(rig_wait(&rig, &rig.innocent));
	ck_assert_uint_eq(rig_flags(&rig, rig.victim.ctx), R | G);
	ck_assert_uint_eq(rig_flags(&rig, rig.innocent.ctx), R);
	ck_assert_uint_eq(sum(&rig.innocent), 4 * RIG_WORDS);
	ck_assert_uint_eq(env_stat(rig.file, "vram_lost"), 0);
	rig_close(&rig);
}
END_TEST

/* An instruction that really does not exist is no kinder than one that was asked for. */
START_TEST(a_real_illegal_instruction)
{
	static const int ends[] = {-ECANCELED, -ECANCELED, -ETIME};
	struct rig rig;

	rig_open(&rig, spec_of("gfx1030", kernels[_i], ""));
	rig_innocent(&rig, COMPUTE);
	rig.code.map[2] = 0xffffffff;
	rig_victim(&rig, COMPUTE);
	ck_assert_int_eq(rig_wait(&rig, &rig.victim), ends[_i]);
	rig_open_gate(&rig);
	ck_assert_int_eq(rig_wait(&rig, &rig.innocent), _i == 0 ? -ECANCELED : 0);
	ck_assert_uint_eq(env_stat(rig.file, "vram_lost"), _i == 0);
	ck_assert_uint_eq(env_stat(rig.file, "resets"), 1);
	rig_close(&rig);
}
END_TEST

static int sync_file_of(struct rig *rig, const struct rig_actor *actor)
{
	union drm_amdgpu_fence_to_handle args = {
		.in = {.fence = {.ctx_id = actor->ctx, .ip_type = actor->ip, .seq_no = actor->cs.seq},
		       .what = AMDGPU_FENCE_TO_HANDLE_GET_SYNC_FILE_FD}};

	ck_ok(env_ioctl(rig->file, DRM_IOCTL_AMDGPU_FENCE_TO_HANDLE, &args));
	return (int)args.out.handle;
}

static void check_gone(void *file)
{
	union drm_amdgpu_ctx ctx = {.in = {.op = AMDGPU_CTX_OP_ALLOC_CTX}};
	struct drm_version version = {0};

	ck_err(ENODEV, env_ioctl(file, DRM_IOCTL_AMDGPU_CTX, &ctx));
	ck_err(ENODEV, env_ioctl(file, DRM_IOCTL_VERSION, &version));
	ck_err(ENODEV, env_ioctl(file, 0xc00864ff, &version)); /* unknown ones too */
	errno = 0;
	ck_assert_ptr_eq(df_soft_ops.mmap(file, NULL, 4096, PROT_READ, MAP_SHARED, 1ull << 32), MAP_FAILED);
	ck_assert_int_eq(errno, ENODEV);
}

/* Every file of the device is gone, its mappings are zeros that can be written, its fences signal; the string opens
 * another device. */
START_TEST(unplugged)
{
	const char *spec = spec_of("gfx1030", kernels[_i], "");
	struct rig rig, fresh;
	struct pollfd wait = {.events = POLLIN};
	void *other;

	rig_open(&rig, spec);
	other = env_open(spec);
	rig_innocent(&rig, COMPUTE);
	rig_fault(&rig, "removed@2");
	gated_victim(&rig, COMPUTE);
	wait.fd = sync_file_of(&rig, &rig.victim);
	rig.victim.words.map[RIG_WORDS] = 7;
	rig_open_gate(&rig);
	ck_assert_int_eq(poll(&wait, 1, 20000), 1);
	check_gone(rig.file);
	check_gone(other);
	ck_err(ENODEV, rig_wait(&rig, &rig.victim));
	ck_err(ENODEV, rig_syncobj_wait(&rig, &rig.victim, 20000));
	ck_assert_uint_eq(sum(&rig.victim), 0);
	ck_assert_uint_eq(rig.victim.words.map[RIG_WORDS], 0);
	ck_assert_uint_eq(*rig.gate, 0);
	rig.shared.map[5] = 1;
	ck_assert_uint_eq(rig.shared.map[5], 1);
	rig_open(&fresh, spec);
	rig_victim(&fresh, COMPUTE);
	ck_ok(rig_wait(&fresh, &fresh.victim));
	ck_assert_uint_eq(sum(&fresh.victim), RIG_LAUNCHES * RIG_WORDS);
	check_gone(rig.file);
	close(wait.fd);
	env_close(other);
	rig_close(&rig);
	ck_assert_uint_eq(env_stat(fresh.file, "resets"), 0);
	rig_close(&fresh);
}
END_TEST

/* ":always" goes over to the device that takes the place of the one that was unplugged; what has happened does not. */
START_TEST(faults_of_the_device_that_takes_the_place)
{
	struct rig rig, fresh;

	rig_open(&rig, "gfx1030,kernel=7.2");
	rig_fault(&rig, "removed@2");
	rig_fault(&rig, "queue-reset@3:always");
	rig_victim(&rig, COMPUTE);
	while (env_ioctl(rig.file, DRM_IOCTL_VERSION, &(struct drm_version){0}) != -ENODEV)
		sched_yield();
	rig_open(&fresh, "gfx1030,kernel=7.2");
	rig_victim(&fresh, COMPUTE);
	ck_err(ETIME, rig_wait(&fresh, &fresh.victim));
	ck_assert_uint_eq(fresh.victim.words.map[0], 4);
	rig_close(&rig);
	rig_close(&fresh);
}
END_TEST

/* Never answers, whatever the time-out says; deadlines hold, and closing the file ends it. */
START_TEST(stalled)
{
	struct rig rig;

	rig_open(&rig, spec_of("gfx1030", kernels[_i], ",timeout_ms=500"));
	rig_fault(&rig, "stall@2");
	rig_victim(&rig, COMPUTE);
	ck_assert_int_eq(env_wait(rig.file, rig.victim.ctx, COMPUTE, rig.victim.cs.seq, 700), 1);
	ck_err(ETIME, rig_syncobj_wait(&rig, &rig.victim, 20));
	ck_assert_uint_eq(env_stat(rig.file, "job_timeouts"), 0);
	ck_assert_uint_eq(rig_flags(&rig, rig.victim.ctx), 0);
	rig_close(&rig);
}
END_TEST

/* The marker and the user fence are there before the kernel knows; the ring's next interrupt tells of both jobs. */
START_TEST(the_next_interrupt_tells)
{
	struct rig_actor first;
	struct rig rig;

	rig_open(&rig, spec_of("gfx1030", kernels[_i], ""));
	rig_fault(&rig, "lost-interrupt@2");
	rig_victim(&rig, GFX);
	first = rig.victim;
	while (__atomic_load_n(rig.victim.user_fence, __ATOMIC_ACQUIRE) != 1)
		sched_yield();
	ck_assert_uint_eq(*rig.victim.marker, RIG_MARKER);
	one_launch(&rig, &rig.innocent, GFX);
	ck_ok(rig_wait(&rig, &rig.innocent));
	ck_assert_int_eq(env_wait(rig.file, first.ctx, GFX, first.cs.seq, 0), 0);
	ck_assert_uint_eq(env_stat(rig.file, "resets"), 0);
	rig_close(&rig);
}
END_TEST

/* Launches without barriers between them: those behind the one that hangs have run, to the next barrier. */
START_TEST(launches_in_flight)
{
	static const unsigned left[] = {RIG_WORDS, RIG_WORDS / 8 * 5, RIG_WORDS, 0};
	struct rig rig;
	uint32_t *at, n = 0;

	rig_open(&rig, "gfx1030,kernel=7.2");
	at = rig_stream(&rig, 1);
	for (unsigned i = 0; i < 4; i++) {
		n += rig_launch(at + n, rig.code.va, rig.victim.words.va + (uint64_t)i * RIG_WORDS * 4, RIG_GROUPS);
		n -= i == 0 || i == 1 ? 2 : 0; /* no CS_PARTIAL_FLUSH behind the first two */
	}
	n += env_stream_nop(at + n) / 4;
	rig_fault(&rig, "hang@1");
	rig_submit(&rig, &rig.victim, COMPUTE, 1, n);
	ck_err(ETIME, rig_wait(&rig, &rig.victim));
	for (unsigned i = 0; i < 4; i++) {
		unsigned words = 0;

		for (unsigned j = 0; j < RIG_WORDS; j++)
			words += rig.victim.words.map[i * RIG_WORDS + j];
		ck_assert_uint_eq(words, left[i]);
	}
	rig_close(&rig);
}
END_TEST

/* A group of one wave: it comes to its end, and stands there. */
START_TEST(the_only_wave)
{
	struct rig rig;
	uint32_t *at, n;

	rig_open(&rig, "gfx1030,kernel=7.2");
	at = rig_stream(&rig, 1);
	n = rig_launch(at, rig.code.va, rig.victim.words.va, 1);
	at[18] = 32; /* NUM_THREAD_X */
	n += env_stream_nop(at + n) / 4;
	rig_fault(&rig, "hang@0");
	rig_submit(&rig, &rig.victim, COMPUTE, 1, n);
	ck_err(ETIME, rig_wait(&rig, &rig.victim));
	ck_assert_uint_eq(sum(&rig.victim), 32);
	rig_close(&rig);
}
END_TEST

START_TEST(once_and_always)
{
	struct rig rig;

	rig_open(&rig, "gfx1030,kernel=6.1");
	rig_fault(&rig, "soft-recovery@1");
	rig_fault(&rig, "soft-recovery@3:always");
	for (unsigned i = 0; i < 3; i++) {
		rig_victim(&rig, COMPUTE);
		ck_ok(rig_wait(&rig, &rig.victim));
		ck_assert_uint_eq(env_stat(rig.file, "resets"), i + 1); /* for both in the first job */
		ck_assert_uint_eq(rig.victim.words.map[0], (i + 1) * RIG_LAUNCHES);
		ck_assert_uint_eq(rig.victim.words.map[RIG_WORDS - 1], 2 + 3 * i);
	}
	rig_close(&rig);
}
END_TEST

/* Who hung is gone when the kernel runs the innocent again: ":always" must not hit the same job for ever. */
START_TEST(innocent_for_ever)
{
	struct rig rig;

	rig_open(&rig, spec_of("gfx1030", kernels[_i], ""));
	rig_fault(&rig, "innocent-rerun@2:always");
	for (unsigned i = 0; i < 2; i++) {
		rig_victim(&rig, COMPUTE);
		ck_assert_int_eq(rig_wait(&rig, &rig.victim), _i == 1 ? -ECANCELED : 0);
		ck_assert_uint_eq(env_stat(rig.file, "resets"), i + 1);
		rig.victim.ctx = env_ctx(rig.file);
	}
	rig_close(&rig);
}
END_TEST

/* Launches of no workgroups count and are not hit; an annotation says where the stream begins. */
START_TEST(numbers_of_launches)
{
	struct rig rig;
	uint32_t *at, n = 0;

	rig_open(&rig, "gfx1030,kernel=7.2");
	at = rig_stream(&rig, 1);
	at[n++] = 3u << 30 | 1u << 16 | 0x10u << 8; /* NOP */
	at[n++] = DF_STREAM_LAUNCH_BASE;
	at[n++] = 100;
	n += rig_launch(at + n, rig.code.va, rig.victim.words.va, RIG_GROUPS); /* 100 */
	n += rig_launch(at + n, rig.code.va, rig.victim.words.va, 0);          /* 101 */
	n += rig_launch(at + n, rig.code.va, rig.victim.words.va, RIG_GROUPS); /* 102 */
	n += rig_launch(at + n, rig.code.va, rig.victim.words.va, RIG_GROUPS); /* 103 */
	n += env_stream_nop(at + n) / 4;
	rig_fault(&rig, "queue-reset@0");
	rig_fault(&rig, "queue-reset@3");
	rig_fault(&rig, "queue-reset@101");
	rig_fault(&rig, "queue-reset@103");
	rig_submit(&rig, &rig.victim, COMPUTE, 1, n);
	ck_err(ETIME, rig_wait(&rig, &rig.victim));
	ck_assert_uint_eq(rig.victim.words.map[0], 3);
	ck_assert_uint_eq(rig.victim.words.map[RIG_WORDS - 1], 2);
	rig.victim.ctx = env_ctx(rig.file);
	rig_submit(&rig, &rig.victim, COMPUTE, 1, n);
	ck_ok(rig_wait(&rig, &rig.victim));
	rig_close(&rig);
}
END_TEST

static const struct {
	const char *fault;
	uint32_t kind;
} stops[] = {
	{"queue-reset@2", DF_CAPTURE_STOP_WAVE},      {"full-reset@2", DF_CAPTURE_STOP_WAVE},
	{"soft-recovery@2", DF_CAPTURE_STOP_WAVE},    {"illegal-opcode@2", DF_CAPTURE_STOP_OPCODE},
	{"page-fault@2", DF_CAPTURE_STOP_PAGE_FAULT}, {"cp-hang@2", DF_CAPTURE_STOP_CP},
};

START_TEST(where_it_stopped)
{
	enum { LOAD = 3 * 4, END = 9 * 4 }; /* in the program */
	struct df_soft_stop stop;
	struct rig rig;

	rig_open(&rig, "gfx1030,kernel=7.2");
	rig_fault(&rig, stops[_i].fault);
	rig_victim(&rig, COMPUTE);
	(void)rig_wait(&rig, &rig.victim);
	ck_ok(df_soft_ops.stop(rig.file, rig.victim.ctx, rig.victim.cs.seq, &stop));
	ck_assert_uint_eq(stop.kind, stops[_i].kind);
	ck_assert_uint_eq(stop.launch, 2);
	ck_assert_str_eq(stop.fault, stops[_i].fault);
	if (stop.kind == DF_CAPTURE_STOP_CP) {
		ck_assert_uint_ge(stop.address, rig.victim.cs.ib.va_start);
		ck_assert_uint_lt(stop.address, rig.victim.cs.ib.va_start + rig.victim.cs.ib.ib_bytes);
	} else {
		ck_assert_uint_eq(stop.group[0], RIG_GROUPS / 2);
		ck_assert_uint_eq(stop.wave, 1);
		ck_assert_uint_eq(stop.pc, rig.code.va + (stop.kind == DF_CAPTURE_STOP_PAGE_FAULT ? LOAD : END));
	}
	rig_close(&rig);
}
END_TEST

/* What a run leaves: what was said, and memory. */
struct outcome {
	char told[600];
	uint32_t words[2][RIG_BUFFER_B / 4];
};

static void run(const char *name, const char *kernel, const char *more, struct outcome *out)
{
	struct abi_info_gpuvm_fault page_fault = {0};
	struct df_soft_stop stop = {0};
	struct rig rig;
	uint32_t flags;
	char fault[64];
	int victim, innocent;

	snprintf(fault, sizeof(fault), "%s@2", name);
	rig_open(&rig, spec_of("gfx1030", kernel, more));
	rig_innocent(&rig, COMPUTE);
	rig_fault(&rig, fault);
	rig_victim(&rig, COMPUTE);
	victim = rig_wait(&rig, &rig.victim);
	flags = rig_flags(&rig, rig.victim.ctx);
	rig_open_gate(&rig);
	innocent = rig_wait(&rig, &rig.innocent);
	(void)rig_page_fault(&rig, &page_fault);
	(void)df_soft_ops.stop(rig.file, rig.victim.ctx, rig.victim.cs.seq, &stop);
	snprintf(
		out->told, sizeof(out->told),
		"%d %d, flags %x %x, markers %x %x, fences %llu %llu, resets %llu, losses %llu, fault %llx %x, stop %u "
		"%u %u/%u,%u,%u/%u %llx %llx %s %s",
		victim, innocent, flags, rig_flags(&rig, rig.innocent.ctx), *rig.victim.marker, *rig.innocent.marker,
		(unsigned long long)*rig.victim.user_fence, (unsigned long long)*rig.innocent.user_fence,
		(unsigned long long)env_stat(rig.file, "resets"), (unsigned long long)env_stat(rig.file, "vram_lost"),
		(unsigned long long)page_fault.addr, page_fault.status, stop.kind, stop.access, stop.launch,
		stop.group[0], stop.group[1], stop.group[2], stop.wave, (unsigned long long)stop.pc,
		(unsigned long long)stop.address, stop.what, stop.fault);
	memcpy(out->words[0], rig.victim.words.map, RIG_BUFFER_B);
	memcpy(out->words[1], rig.innocent.words.map, RIG_BUFFER_B);
	rig_close(&rig);
}

static void same(const struct outcome *one, const struct outcome *other)
{
	ck_assert_str_eq(one->told, other->told);
	ck_assert_mem_eq(one->words, other->words, sizeof(one->words));
}

/* Every fault on every kernel, with one thread, with four, and again. */
START_TEST(the_same_request_the_same_run)
{
	static struct outcome first, second, third;
	const char *name, *meaning;

	ck_ok(df_soft_ops.fault_name((unsigned)_i / 3, &name, &meaning));
	if (!strcmp(name, "removed")) /* what WAIT_CS says depends on when it was asked */
		return;
	run(name, kernels[_i % 3], ",threads=1", &first);
	run(name, kernels[_i % 3], ",threads=4", &second);
	run(name, kernels[_i % 3], ",threads=4", &third);
	same(&first, &second);
	same(&second, &third);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fault_more");
	TCase *tcase = tcase_create("fault_more");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, another_ones_job_on_the_ring, 0, 3);
	tcase_add_loop_test(tcase, the_guilty_ones_next_job, 0, 3);
	tcase_add_loop_test(tcase, hang_on_the_graphics_ring, 0, 3);
	tcase_add_loop_test(tcase, a_vain_soft_recovery_counts, 0, 3);
	tcase_add_test(tcase, a_hang_of_an_apu);
	tcase_add_loop_test(tcase, a_real_illegal_instruction, 0, 3);
	tcase_add_loop_test(tcase, unplugged, 0, 3);
	tcase_add_test(tcase, faults_of_the_device_that_takes_the_place);
	tcase_add_loop_test(tcase, stalled, 0, 3);
	tcase_add_loop_test(tcase, the_next_interrupt_tells, 0, 3);
	tcase_add_test(tcase, launches_in_flight);
	tcase_add_test(tcase, the_only_wave);
	tcase_add_test(tcase, once_and_always);
	tcase_add_loop_test(tcase, innocent_for_ever, 0, 3);
	tcase_add_test(tcase, numbers_of_launches);
	tcase_add_loop_test(tcase, where_it_stopped, 0, (int)(sizeof(stops) / sizeof(stops[0])));
	tcase_add_loop_test(tcase, the_same_request_the_same_run, 0, 14 * 3);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed;
}

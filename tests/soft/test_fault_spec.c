/* SPDX-License-Identifier: MIT */
/* test_fault_spec.c - asking for faults: what is refused, with which sentence; calls that fail; the environment. */
#include "rig.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static void *open_quietly(void)
{
	return env_open("gfx1030");
}

static const struct {
	const char *spec, *sentence;
} bad[] = {
	{"", "there is no such fault. Fix: one of hang, cp-hang"},
	{"hung@3", "there is no such fault. Fix: one of hang, cp-hang"},
	{"hangs@3", "there is no such fault. Fix: one of hang, cp-hang"},
	{"han@3", "there is no such fault. Fix: one of hang, cp-hang"},
	{"@3", "there is no such fault. Fix: one of hang, cp-hang"},
	{"hang", "the launch is missing. Fix: NAME@LAUNCH"},
	{"hang@", "the launch is not a number. Fix: NAME@LAUNCH"},
	{"hang@-1", "the launch is not a number. Fix: NAME@LAUNCH"},
	{"hang@0x10", "the launch is not a number. Fix: NAME@LAUNCH"},
	{"hang@4294967295", "the launch is not a number. Fix: NAME@LAUNCH"},
	{"hang@18446744073709551616", "the launch is not a number. Fix: NAME@LAUNCH"},
	{"hang@3:twice", "is not \":always\". Fix: NAME@LAUNCH:always"},
	{"hang@3:", "is not \":always\". Fix: NAME@LAUNCH:always"},
	{"hang@3:always:always", "is not \":always\". Fix: NAME@LAUNCH:always"},
	{"slow=0@3", "the factor is not a number from 1 to 1000000. Fix: slow=FACTOR@LAUNCH"},
	{"slow=@3", "the factor is not a number from 1 to 1000000. Fix: slow=FACTOR@LAUNCH"},
	{"hang=2@3", "there is no such fault. Fix: one of hang, cp-hang"},
	{"ioctl:AMDGPU_CS", "N is not a number from 1 on. Fix: ioctl:NAME#N=ERRNO"},
	{"ioctl:AMDGPU_CS#2", "N is not a number from 1 on. Fix: ioctl:NAME#N=ERRNO"},
	{"ioctl:AMDGPU_CS#0=EIO", "N is not a number from 1 on. Fix: ioctl:NAME#N=ERRNO"},
	{"ioctl:AMDGPU_CS#x=EIO", "N is not a number from 1 on. Fix: ioctl:NAME#N=ERRNO"},
	{"ioctl:AMDGPU_CS#1=5", "no such error. Fix: ENOMEM"},
	{"ioctl:AMDGPU_CS#1=EWHATEVER", "no such error. Fix: ENOMEM"},
	{"ioctl:CS#1=EIO", "no such ioctl. Fix: ioctl:NAME#N=ERRNO"},
	{"ioctl:#1=EIO", "no such ioctl. Fix: ioctl:NAME#N=ERRNO"},
	{"mmap#0", "N is not a number from 1 on. Fix: mmap#N"},
	{"mmap#", "N is not a number from 1 on. Fix: mmap#N"},
	{"mmap#1x", "N is not a number from 1 on. Fix: mmap#N"},
	{"hang@00000000000000000000000000000000000000000000000000000000000001",
	 "it is longer than 63 characters. Fix: NAME@LAUNCH"},
};

START_TEST(refused_with_a_sentence)
{
	void *file = open_quietly();
	char error[1024] = "";

	ck_err(EINVAL, df_soft_ops.fault(file, bad[_i].spec, error, sizeof(error)));
	ck_assert_msg(strstr(error, bad[_i].sentence) != NULL, "\"%s\": %s", bad[_i].spec, error);
	ck_assert_msg(!strncmp(error, "fault \"", 7), "%s", error);
	env_close(file);
}
END_TEST

/* A short buffer gets as much of the sentence as it holds. */
START_TEST(short_buffer)
{
	void *file = open_quietly();
	char error[16];

	memset(error, 'x', sizeof(error));
	ck_err(EINVAL, df_soft_ops.fault(file, "hung@3", error, 8));
	ck_assert_uint_eq(strlen(error), 7);
	ck_assert_int_eq(error[8], 'x');
	env_close(file);
}
END_TEST

START_TEST(names_are_specs)
{
	void *file = open_quietly();
	const char *name, *meaning;
	char spec[64], error[1024];
	unsigned n = 0;

	for (; !df_soft_ops.fault_name(n, &name, &meaning); n++) {
		snprintf(spec, sizeof(spec), "%s@%u", name, n);
		ck_ok(df_soft_ops.fault(file, spec, error, sizeof(error)));
		ck_assert_uint_gt(strlen(meaning), 10);
	}
	ck_assert_uint_eq(n, 14);
	ck_assert_int_eq(df_soft_ops.fault_name(n, &name, &meaning), -1);
	env_close(file);
}
END_TEST

START_TEST(so_many_and_no_more)
{
	void *file = open_quietly();
	char error[1024];

	for (int i = 0; i < 64; i++)
		ck_ok(df_soft_ops.fault(file, "hang@1000", error, sizeof(error)));
	ck_err(ENOSPC, df_soft_ops.fault(file, "hang@1000", error, sizeof(error)));
	ck_assert_ptr_nonnull(strstr(error, "Fix: let some of them happen"));
	env_close(file);
}
END_TEST

/* The n-th of its name from now fails, before it has done anything; the others do not. */
START_TEST(the_nth_ioctl_fails)
{
	static const char *const names[] = {"EINTR",  "EAGAIN",    "ENOMEM", "EINVAL",
					    "ENODEV", "ECANCELED", "ETIME",  "EIO"};
	static const int errors[] = {EINTR, EAGAIN, ENOMEM, EINVAL, ENODEV, ECANCELED, ETIME, EIO};
	union drm_amdgpu_gem_create create = {
		.in = {.bo_size = 1 << 20, .alignment = 4096, .domains = AMDGPU_GEM_DOMAIN_VRAM}};
	union drm_amdgpu_gem_create sent = create;
	uint64_t used, before;
	struct rig rig;
	char spec[64];
	struct drm_amdgpu_info info = {
		.return_pointer = (uintptr_t)&used, .return_size = sizeof(used), .query = AMDGPU_INFO_VRAM_USAGE};

	rig_open(&rig, "gfx1030");
	snprintf(spec, sizeof(spec), "ioctl:AMDGPU_GEM_CREATE#2=%s", names[_i]);
	rig_fault(&rig, spec);
	ck_ok(env_ioctl(rig.file, DRM_IOCTL_AMDGPU_GEM_CREATE, &sent));
	ck_ok(env_ioctl(rig.file, DRM_IOW(DRM_COMMAND_BASE + DRM_AMDGPU_INFO, struct drm_amdgpu_info), &info));
	before = used;
	sent = create;
	ck_err(errors[_i], env_ioctl(rig.file, DRM_IOCTL_AMDGPU_GEM_CREATE, &sent));
	ck_assert_uint_eq(sent.in.bo_size, create.in.bo_size); /* nothing was written over it */
	ck_assert_uint_eq(sent.in.domains, create.in.domains);
	ck_ok(env_ioctl(rig.file, DRM_IOW(DRM_COMMAND_BASE + DRM_AMDGPU_INFO, struct drm_amdgpu_info), &info));
	ck_assert_uint_eq(used, before);
	ck_ok(env_ioctl(rig.file, DRM_IOCTL_AMDGPU_GEM_CREATE, &sent));
	rig_close(&rig);
}
END_TEST

/* A submission that failed has not used up a sequence number, nor a launch's fault. */
START_TEST(a_failed_submission_leaves_no_trace)
{
	struct rig rig;
	uint64_t jobs;

	rig_open(&rig, "gfx1030");
	rig_victim(&rig, AMDGPU_HW_IP_COMPUTE);
	ck_ok(rig_wait(&rig, &rig.victim));
	jobs = env_stat(rig.file, "jobs");
	rig_fault(&rig, "ioctl:AMDGPU_CS#1=ENOMEM");
	ck_err(ENOMEM, env_submit(rig.file, &rig.victim.cs));
	ck_assert_uint_eq(env_stat(rig.file, "jobs"), jobs);
	ck_ok(env_submit(rig.file, &rig.victim.cs));
	ck_assert_uint_eq(rig.victim.cs.seq, 2);
	ck_ok(rig_wait(&rig, &rig.victim));
	ck_assert_uint_eq(rig.victim.words.map[RIG_WORDS - 1], 2 * RIG_LAUNCHES);
	rig_close(&rig);
}
END_TEST

START_TEST(the_nth_mmap_fails)
{
	struct rig rig;
	union drm_amdgpu_gem_mmap map;
	void *at[3];

	rig_open(&rig, "gfx1030");
	map = (union drm_amdgpu_gem_mmap){.in = {.handle = rig.shared.handle}};
	ck_ok(env_ioctl(rig.file, DRM_IOCTL_AMDGPU_GEM_MMAP, &map));
	rig_fault(&rig, "mmap#2");
	for (int i = 0; i < 3; i++) {
		errno = 0;
		at[i] = df_soft_ops.mmap(rig.file, NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, map.out.addr_ptr);
		ck_assert_int_eq(at[i] == MAP_FAILED, i == 1);
		ck_assert_int_eq(errno, i == 1 ? ENOMEM : 0);
	}
	df_soft_ops.munmap(rig.file, at[0], 4096);
	df_soft_ops.munmap(rig.file, at[2], 4096);
	rig_close(&rig);
}
END_TEST

START_TEST(from_the_environment)
{
	struct rig rig;

	setenv("DRUMFIRE_FAULT", "queue-reset@2,ioctl:SYNCOBJ_RESET#1=EIO", 1);
	rig_open(&rig, "gfx1030,kernel=7.2");
	unsetenv("DRUMFIRE_FAULT");
	rig_victim(&rig, AMDGPU_HW_IP_COMPUTE);
	ck_err(ETIME, rig_wait(&rig, &rig.victim));
	ck_err(EIO, env_ioctl(rig.file, DRM_IOCTL_SYNCOBJ_RESET, &(struct drm_syncobj_array){0}));
	rig_close(&rig);
}
END_TEST

START_TEST(a_bad_environment_is_told)
{
	char error[1024] = "";

	setenv("DRUMFIRE_FAULT", "hang@1,hung@2", 1);
	errno = 0;
	ck_assert_ptr_null(df_soft_ops.open("gfx1030", error, sizeof(error)));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_msg(strstr(error, "DRUMFIRE_FAULT: fault \"hung@2\": there is no such fault. Fix:") != NULL, "%s",
		      error);
	unsetenv("DRUMFIRE_FAULT");
	env_close(env_open("gfx1030"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fault_spec");
	TCase *tcase = tcase_create("fault_spec");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, refused_with_a_sentence, 0, (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(tcase, short_buffer);
	tcase_add_test(tcase, names_are_specs);
	tcase_add_test(tcase, so_many_and_no_more);
	tcase_add_loop_test(tcase, the_nth_ioctl_fails, 0, 8);
	tcase_add_test(tcase, a_failed_submission_leaves_no_trace);
	tcase_add_test(tcase, the_nth_mmap_fails);
	tcase_add_test(tcase, from_the_environment);
	tcase_add_test(tcase, a_bad_environment_is_told);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed;
}

/* SPDX-License-Identifier: MIT */
/* test_syncobj.c - syncobjs: refusals, waits, timelines, descriptors. */
#include "env.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TO_FD     DRM_IOWR(0xC1, struct abi_syncobj_handle)
#define TO_HANDLE DRM_IOWR(0xC2, struct abi_syncobj_handle)
#define EVENTFD   DRM_IOWR(0xCF, struct abi_syncobj_eventfd)
#define SYNC_FILE DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE

static int wait_for(void *file, const uint32_t *handles, uint32_t count, uint32_t flags, int ms, uint32_t *first)
{
	struct drm_syncobj_wait args = {.handles = (uintptr_t)handles,
					.timeout_nsec = ms ? env_after_ms(ms) : 0,
					.count_handles = count,
					.flags = flags,
					.first_signaled = 77};
	int ret = env_ioctl(file, DRM_IOCTL_SYNCOBJ_WAIT, &args);

	if (first)
		*first = args.first_signaled;
	return ret;
}

static int wait_point(void *file, uint32_t handle, uint64_t point, uint32_t flags, int ms)
{
	struct drm_syncobj_timeline_wait args = {.handles = (uintptr_t)&handle,
						 .points = (uintptr_t)&point,
						 .timeout_nsec = ms ? env_after_ms(ms) : 0,
						 .count_handles = 1,
						 .flags = flags};

	return env_ioctl(file, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &args);
}

static int signal_point(void *file, uint32_t handle, uint64_t point)
{
	struct drm_syncobj_timeline_array args = {
		.handles = (uintptr_t)&handle, .points = (uintptr_t)&point, .count_handles = 1};

	return env_ioctl(file, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &args);
}

static uint64_t query(void *file, uint32_t handle, uint32_t flags)
{
	uint64_t point = ~0ull;
	struct drm_syncobj_timeline_array args = {
		.handles = (uintptr_t)&handle, .points = (uintptr_t)&point, .count_handles = 1, .flags = flags};

	ck_ok(env_ioctl(file, DRM_IOCTL_SYNCOBJ_QUERY, &args));
	return point;
}

static int array(void *file, unsigned long request, const uint32_t *handles, uint32_t count, uint32_t pad)
{
	struct drm_syncobj_array args = {.handles = (uintptr_t)handles, .count_handles = count, .pad = pad};

	return env_ioctl(file, request, &args);
}

START_TEST(create_and_destroy)
{
	void *file = env_open("gfx1030");
	struct drm_syncobj_create create = {.flags = 2};
	struct drm_syncobj_destroy destroy = {.handle = 99};

	ck_err(EINVAL, env_ioctl(file, DRM_IOCTL_SYNCOBJ_CREATE, &create));
	ck_err(EINVAL, env_ioctl(file, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy));
	destroy.handle = env_syncobj(file, 0);
	destroy.pad = 1;
	ck_err(EINVAL, env_ioctl(file, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy));
	destroy.pad = 0;
	ck_ok(env_ioctl(file, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy));
	ck_err(EINVAL, env_ioctl(file, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy));
	env_close(file);
}
END_TEST

START_TEST(binary_waits)
{
	void *file = env_open("gfx1030");
	uint32_t handles[2] = {env_syncobj(file, 0), env_syncobj(file, 1)}, bad = 99, first;
	uint32_t submit = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT, all = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL;

	ck_err(EINVAL, wait_for(file, handles, 1, 4, 0, NULL)); /* AVAILABLE is for timelines */
	ck_err(EINVAL, wait_for(file, handles, 1, 0x10, 0, NULL));
	ck_err(ENOENT, wait_for(file, &bad, 1, 0, 0, NULL));
	ck_err(EFAULT, wait_for(file, (void *)8, 1, 0, 0, NULL));
	ck_ok(wait_for(file, handles, 0, 0, 0, NULL));
	ck_err(EINVAL, wait_for(file, handles, 2, 0, 0, NULL)); /* one holds no fence */
	ck_ok(wait_for(file, handles, 2, submit, 0, &first));
	ck_assert_uint_eq(first, 1);
	ck_err(ETIME, wait_for(file, handles, 2, submit | all, 0, NULL));
	ck_err(ETIME, wait_for(file, handles, 2, submit | all, 20, NULL));
	ck_ok(array(file, DRM_IOCTL_SYNCOBJ_SIGNAL, handles, 1, 0));
	ck_ok(wait_for(file, handles, 2, all, 0, NULL));
	ck_ok(array(file, DRM_IOCTL_SYNCOBJ_RESET, handles + 1, 1, 0));
	ck_err(EINVAL, wait_for(file, handles + 1, 1, 0, 0, NULL));
	ck_err(EINVAL, array(file, DRM_IOCTL_SYNCOBJ_SIGNAL, handles, 1, 1));
	ck_err(EINVAL, array(file, DRM_IOCTL_SYNCOBJ_SIGNAL, handles, 0, 0));
	ck_err(ENOENT, array(file, DRM_IOCTL_SYNCOBJ_RESET, &bad, 1, 0));
	env_close(file);
}
END_TEST

START_TEST(deadline_flag_by_kernel)
{
	for (int newer = 0; newer < 2; newer++) {
		void *file = env_open(newer ? "gfx1030,kernel=6.12" : "gfx1030,kernel=6.1");
		uint32_t handle = env_syncobj(file, 1);

		ck_assert_int_eq(wait_for(file, &handle, 1, ABI_WAIT_FLAGS_DEADLINE, 0, NULL), newer ? 0 : -EINVAL);
		env_close(file);
	}
}
END_TEST

START_TEST(timelines)
{
	void *file = env_open("gfx1030");
	uint32_t handle = env_syncobj(file, 0), available = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE;
	struct drm_syncobj_timeline_array bad = {.handles = (uintptr_t)&handle, .count_handles = 1, .flags = 1};

	ck_assert_uint_eq(query(file, handle, 0), 0);
	ck_err(EINVAL, env_ioctl(file, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &bad));
	bad.flags = 2;
	ck_err(EINVAL, env_ioctl(file, DRM_IOCTL_SYNCOBJ_QUERY, &bad));
	ck_err(EINVAL, wait_point(file, handle, 5, 0, 0));
	ck_err(ETIME, wait_point(file, handle, 5, available, 10));
	ck_ok(signal_point(file, handle, 5));
	ck_assert_uint_eq(query(file, handle, 0), 5);
	ck_ok(wait_point(file, handle, 5, 0, 0));
	ck_ok(wait_point(file, handle, 3, 0, 0));
	ck_err(EINVAL, wait_point(file, handle, 6, 0, 0));
	ck_ok(signal_point(file, handle, 9));
	ck_assert_uint_eq(query(file, handle, 0), 9);
	ck_assert_uint_eq(query(file, handle, DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED), 9);
	ck_ok(signal_point(file, handle, 2)); /* out of order: the point that was there is kept */
	ck_assert_uint_eq(query(file, handle, DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED), 9);
	env_close(file);
}
END_TEST

/* A job's fence at point 5, then 7 signalled by hand: 7 waits for 5. */
START_TEST(points_signal_in_order)
{
	void *file = env_open("gfx1030");
	struct env_bo code = env_bo(file, 4096, 0x10000000), gate = env_bo(file, 4096, 0x10010000);
	struct drm_amdgpu_cs_chunk_syncobj point = {.handle = env_syncobj(file, 0), .point = 5};
	struct env_cs cs = env_cs(env_ctx(file), AMDGPU_HW_IP_COMPUTE, code.va, env_stream_wait(code.map, gate.va, 1));
	struct drm_syncobj_transfer transfer = {.src_handle = point.handle, .dst_handle = env_syncobj(file, 0)};

	env_chunk(&cs, AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_SIGNAL, &point, sizeof(point));
	ck_ok(env_submit(file, &cs));
	ck_ok(wait_point(file, point.handle, 5, DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE, 0));
	ck_ok(signal_point(file, point.handle, 7));
	ck_err(ETIME, wait_point(file, point.handle, 5, 0, 10));
	ck_err(ETIME, wait_point(file, point.handle, 7, 0, 10));
	ck_assert_uint_eq(query(file, point.handle, 0), 0);
	ck_assert_uint_eq(query(file, point.handle, DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED), 7);
	transfer.pad = 1;
	ck_err(EINVAL, env_ioctl(file, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer));
	transfer.pad = 0;
	transfer.src_point = 9;
	ck_err(EINVAL, env_ioctl(file, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer));
	transfer.src_point = 5;
	ck_ok(env_ioctl(file, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer));
	ck_ok(wait_point(file, transfer.dst_handle, 0, DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE, 0));
	transfer.dst_handle = env_syncobj(file, 0);
	transfer.dst_point = 3;
	ck_ok(env_ioctl(file, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer));
	ck_err(ETIME, wait_point(file, transfer.dst_handle, 3, 0, 10));
	__atomic_store_n(&gate.map[0], 1, __ATOMIC_RELEASE);
	ck_ok(wait_point(file, point.handle, 7, 0, 10000));
	ck_ok(wait_point(file, transfer.dst_handle, 3, 0, 10000));
	ck_assert_uint_eq(query(file, point.handle, 0), 7);
	ck_assert_uint_eq(query(file, transfer.dst_handle, 0), 3);
	transfer.dst_handle = 99;
	ck_err(ENOENT, env_ioctl(file, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer));
	env_close(file);
}
END_TEST

START_TEST(descriptors)
{
	void *file = env_open("gfx1030,kernel=7.2"), *other = env_open("gfx1030,kernel=6.1");
	uint32_t handle = env_syncobj(file, 0), imported;
	struct abi_syncobj_handle args = {.handle = handle};
	struct pollfd poll_fd = {.events = POLLIN};
	int fd;

	args.flags = 8;
	ck_err(EINVAL, env_ioctl(file, TO_FD, &args));
	args = (struct abi_syncobj_handle){.handle = handle, .pad = 1};
	ck_err(EINVAL, env_ioctl(file, TO_FD, &args));
	args = (struct abi_syncobj_handle){.handle = 99};
	ck_err(EINVAL, env_ioctl(file, TO_FD, &args));
	args = (struct abi_syncobj_handle){.handle = 99, .flags = SYNC_FILE};
	ck_err(ENOENT, env_ioctl(file, TO_FD, &args));
	args = (struct abi_syncobj_handle){.handle = handle, .flags = SYNC_FILE};
	ck_err(EINVAL, env_ioctl(file, TO_FD, &args)); /* no fence yet */
	args = (struct abi_syncobj_handle){.handle = handle, .point = 1};
	ck_err(EINVAL, env_ioctl(file, TO_FD, &args));

	args = (struct abi_syncobj_handle){.handle = handle};
	ck_ok(env_ioctl(file, TO_FD, &args));
	fd = args.fd;
	args = (struct abi_syncobj_handle){.fd = fd};
	ck_ok(env_ioctl(other, TO_HANDLE, &args));
	imported = args.handle;
	ck_ok(array(file, DRM_IOCTL_SYNCOBJ_SIGNAL, &handle, 1, 0));
	ck_ok(wait_for(other, &imported, 1, 0, 0, NULL)); /* one object, two handles */
	close(fd);
	args = (struct abi_syncobj_handle){.fd = fd};
	ck_err(EINVAL, env_ioctl(other, TO_HANDLE, &args));

	args = (struct abi_syncobj_handle){.handle = handle, .flags = SYNC_FILE};
	ck_ok(env_ioctl(file, TO_FD, &args));
	poll_fd.fd = args.fd;
	ck_assert_int_eq(poll(&poll_fd, 1, 0), 1);
	args = (struct abi_syncobj_handle){.handle = env_syncobj(other, 0), .flags = SYNC_FILE, .fd = poll_fd.fd};
	ck_ok(env_ioctl(other, TO_HANDLE, &args));
	ck_ok(wait_for(other, &args.handle, 1, 0, 0, NULL));
	args.handle = 99;
	ck_err(ENOENT, env_ioctl(other, TO_HANDLE, &args));
	args.fd = 0;
	ck_err(EINVAL, env_ioctl(other, TO_HANDLE, &args));
	close(poll_fd.fd);
	env_close(other);
	env_close(file);
}
END_TEST

START_TEST(eventfds)
{
	void *file = env_open("gfx1030");
	int ready = eventfd(0, EFD_NONBLOCK), done = eventfd(0, EFD_NONBLOCK);
	struct abi_syncobj_eventfd args = {.handle = env_syncobj(file, 0), .fd = done, .point = 4};
	struct pollfd poll_fds[2] = {{.fd = ready, .events = POLLIN}, {.fd = done, .events = POLLIN}};

	args.flags = 1;
	ck_err(EINVAL, env_ioctl(file, EVENTFD, &args));
	args.flags = 0;
	args.pad = 1;
	ck_err(EINVAL, env_ioctl(file, EVENTFD, &args));
	args.pad = 0;
	args.fd = -1;
	ck_err(EBADF, env_ioctl(file, EVENTFD, &args));
	args.fd = 0;
	ck_err(EINVAL, env_ioctl(file, EVENTFD, &args));
	args.fd = done;
	ck_ok(env_ioctl(file, EVENTFD, &args));
	args.fd = ready;
	args.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE;
	ck_ok(env_ioctl(file, EVENTFD, &args));
	ck_ok(signal_point(file, args.handle, 3));
	ck_assert_int_eq(poll(poll_fds, 2, 10), 0);
	ck_ok(signal_point(file, args.handle, 4));
	ck_assert_int_eq(poll(poll_fds, 2, 1000), 2);
	args.handle = 99;
	ck_err(ENOENT, env_ioctl(file, EVENTFD, &args));
	close(ready);
	close(done);
	env_close(file);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		create_and_destroy, binary_waits, deadline_flag_by_kernel, timelines, points_signal_in_order,
		descriptors,        eventfds};

	return env_main("syncobj", tests, sizeof(tests) / sizeof(tests[0]));
}

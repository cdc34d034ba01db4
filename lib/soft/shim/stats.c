/* SPDX-License-Identifier: MIT */
/* stats.c - the stat family: nodes are character devices 226:N. On 64-bit systems both layouts are the same. */
#include "shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

_Static_assert(sizeof(struct stat) == sizeof(struct stat64), "one layout serves both");

/* One device number and inode a node, by path and by descriptor: callers compare them. */
#define NODE_DEV_MAJOR    0
#define NODE_DEV_MINOR    5 /* devtmpfs */
#define NODE_INODE(minor) (0x44460000u + (unsigned)(minor))

static void make_node(struct stat *st, int minor)
{
	st->st_dev = makedev(NODE_DEV_MAJOR, NODE_DEV_MINOR);
	st->st_ino = NODE_INODE(minor);
	st->st_nlink = 1;
	st->st_mode = S_IFCHR | 0666;
	st->st_rdev = makedev(SHIM_MAJOR, (unsigned)minor);
	st->st_size = 0;
}

static int stat_common(int dir, const char *path, struct stat *st, int flags)
{
	static int (*next)(int, const char *, struct stat *, int);
	char buffer[PATH_MAX];
	const char *led = shim_path_at(dir, path, buffer, sizeof(buffer));
	int minor = led == path ? -1 : shim_node_of(led), ret;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "fstatat");
	ret = next(dir, led, st, flags);
	if (!ret && (flags & AT_EMPTY_PATH) && !*path)
		minor = shim_fd_minor(dir);
	if (!ret && minor >= 0)
		make_node(st, minor);
	return ret;
}

static int fstat_common(int fd, struct stat *st)
{
	static int (*next)(int, struct stat *);
	int minor = shim_fd_minor(fd), ret;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "fstat");
	ret = next(fd, st);
	if (!ret && minor >= 0)
		make_node(st, minor);
	return ret;
}

EXPORT int stat(const char *path, struct stat *st)
{
	return stat_common(AT_FDCWD, path, st, 0);
}

EXPORT int lstat(const char *path, struct stat *st)
{
	return stat_common(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

EXPORT int fstat(int fd, struct stat *st)
{
	return fstat_common(fd, st);
}

EXPORT int fstatat(int dir, const char *path, struct stat *st, int flags)
{
	return stat_common(dir, path, st, flags);
}

EXPORT int stat64(const char *path, struct stat64 *st)
{
	return stat_common(AT_FDCWD, path, (struct stat *)(void *)st, 0);
}

EXPORT int lstat64(const char *path, struct stat64 *st)
{
	return stat_common(AT_FDCWD, path, (struct stat *)(void *)st, AT_SYMLINK_NOFOLLOW);
}

EXPORT int fstat64(int fd, struct stat64 *st)
{
	return fstat_common(fd, (struct stat *)(void *)st);
}

EXPORT int fstatat64(int dir, const char *path, struct stat64 *st, int flags)
{
	return stat_common(dir, path, (struct stat *)(void *)st, flags);
}

/* What programs built against older C libraries call. */
EXPORT int __xstat(int version, const char *path, struct stat *st);
EXPORT int __xstat(int version, const char *path, struct stat *st)
{
	(void)version;
	return stat_common(AT_FDCWD, path, st, 0);
}

EXPORT int __lxstat(int version, const char *path, struct stat *st);
EXPORT int __lxstat(int version, const char *path, struct stat *st)
{
	(void)version;
	return stat_common(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

EXPORT int __fxstat(int version, int fd, struct stat *st);
EXPORT int __fxstat(int version, int fd, struct stat *st)
{
	(void)version;
	return fstat_common(fd, st);
}

EXPORT int __xstat64(int version, const char *path, struct stat64 *st);
EXPORT int __xstat64(int version, const char *path, struct stat64 *st)
{
	(void)version;
	return stat64(path, st);
}

EXPORT int __lxstat64(int version, const char *path, struct stat64 *st);
EXPORT int __lxstat64(int version, const char *path, struct stat64 *st)
{
	(void)version;
	return lstat64(path, st);
}

EXPORT int __fxstat64(int version, int fd, struct stat64 *st);
EXPORT int __fxstat64(int version, int fd, struct stat64 *st)
{
	(void)version;
	return fstat64(fd, st);
}

EXPORT int statx(int dir, const char *restrict path, int flags, unsigned mask, struct statx *restrict st)
{
	char buffer[PATH_MAX];
	const char *led = shim_path_at(dir, path, buffer, sizeof(buffer));
	int minor = led == path ? -1 : shim_node_of(led);
	int ret = (int)syscall(SYS_statx, dir, led, flags, mask, st);

	if (!ret && (flags & AT_EMPTY_PATH) && !*path)
		minor = shim_fd_minor(dir);
	if (!ret && minor >= 0) {
		st->stx_dev_major = NODE_DEV_MAJOR;
		st->stx_dev_minor = NODE_DEV_MINOR;
		st->stx_ino = NODE_INODE(minor);
		st->stx_nlink = 1;
		st->stx_mode = S_IFCHR | 0666;
		st->stx_rdev_major = SHIM_MAJOR;
		st->stx_rdev_minor = (unsigned)minor;
		st->stx_size = 0;
	}
	return ret;
}

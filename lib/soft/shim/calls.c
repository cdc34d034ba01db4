/* SPDX-License-Identifier: MIT */
/*
 * calls.c - the functions of libc that are interposed. Each leads its path (tree.c) or recognises a node (fds.c) and
 * otherwise does what libc does: by system call where that is all there is to it, else by libc's own function.
 */
#include "shim.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* libc's function of that name, looked up once. */
#define NEXT(type, name)                                                                                               \
	static __typeof__(type) next;                                                                                  \
	if (!next)                                                                                                     \
	*(void **)&next = dlsym(RTLD_NEXT, name)

static int open_common(int dir, const char *path, int flags, mode_t mode)
{
	char buffer[PATH_MAX];
	const char *led = shim_path_at(dir, path, buffer, sizeof(buffer));
	int minor = led == path ? -1 : shim_node_of(led);

	if (minor >= 0)
		return shim_node_open(minor, flags);
	if (led != path && shim_is_recover(led))
		shim_recover();
	return (int)syscall(SYS_openat, dir, led, flags, mode);
}

static mode_t mode_arg(int flags, va_list args)
{
	return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(args, mode_t) : 0;
}

#define OPEN_BODY(dir, path, flags, extra)                                                                             \
	do {                                                                                                           \
		va_list args;                                                                                          \
		mode_t mode;                                                                                           \
		va_start(args, flags);                                                                                 \
		mode = mode_arg(flags, args);                                                                          \
		va_end(args);                                                                                          \
		return open_common(dir, path, (flags) | (extra), mode);                                                \
	} while (0)

/* Destructors do not run; a signal leaves the folder behind. */
EXPORT void _exit(int status)
{
	shim_tree_remove();
	for (;;)
		syscall(SYS_exit_group, status);
}

EXPORT void _Exit(int status)
{
	_exit(status);
}

EXPORT int open(const char *path, int flags, ...)
{
	OPEN_BODY(AT_FDCWD, path, flags, 0);
}

EXPORT int open64(const char *path, int flags, ...)
{
	OPEN_BODY(AT_FDCWD, path, flags, O_LARGEFILE);
}

EXPORT int openat(int dir, const char *path, int flags, ...)
{
	OPEN_BODY(dir, path, flags, 0);
}

EXPORT int openat64(int dir, const char *path, int flags, ...)
{
	OPEN_BODY(dir, path, flags, O_LARGEFILE);
}

EXPORT int __open_2(const char *path, int flags);
EXPORT int __open_2(const char *path, int flags)
{
	return open_common(AT_FDCWD, path, flags, 0);
}

EXPORT int __open64_2(const char *path, int flags);
EXPORT int __open64_2(const char *path, int flags)
{
	return open_common(AT_FDCWD, path, flags, 0);
}

EXPORT int __openat_2(int dir, const char *path, int flags);
EXPORT int __openat_2(int dir, const char *path, int flags)
{
	return open_common(dir, path, flags, 0);
}

EXPORT int __openat64_2(int dir, const char *path, int flags);
EXPORT int __openat64_2(int dir, const char *path, int flags)
{
	return open_common(dir, path, flags, 0);
}

EXPORT FILE *fopen(const char *path, const char *mode)
{
	char buffer[PATH_MAX];
	const char *led = shim_path(path, buffer, sizeof(buffer));

	NEXT(FILE * (*)(const char *, const char *), "fopen");
	if (led != path && shim_is_recover(led))
		shim_recover();
	return next(led, mode);
}

EXPORT FILE *fopen64(const char *path, const char *mode)
{
	return fopen(path, mode);
}

EXPORT int close(int fd)
{
	shim_fd_close(fd);
	return (int)syscall(SYS_close, fd);
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	void *file = shim_fd_file(fd), *arg;
	va_list args;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	return file ? df_soft_ops.ioctl(file, request, arg) : (int)syscall(SYS_ioctl, fd, request, arg);
}

static void *map_common(void *addr, size_t size, int prot, int flags, int fd, off_t offset)
{
	void *file = (flags & MAP_ANONYMOUS) ? NULL : shim_fd_file(fd);

	if (file)
		return df_soft_ops.mmap(file, addr, size, prot, flags, (uint64_t)offset);
	return (void *)syscall(SYS_mmap, addr, size, prot, flags, fd, offset);
}

EXPORT void *mmap(void *addr, size_t size, int prot, int flags, int fd, off_t offset)
{
	return map_common(addr, size, prot, flags, fd, offset);
}

EXPORT void *mmap64(void *addr, size_t size, int prot, int flags, int fd, off64_t offset)
{
	return map_common(addr, size, prot, flags, fd, offset);
}

EXPORT int dup(int fd)
{
	int copy = (int)syscall(SYS_dup, fd);

	shim_fd_dup(fd, copy);
	return copy;
}

EXPORT int dup3(int from, int to, int flags)
{
	int copy = (int)syscall(SYS_dup3, from, to, flags);

	shim_fd_dup(from, copy);
	return copy;
}

EXPORT int dup2(int from, int to)
{
	if (from == to)
		return fcntl(from, F_GETFD) < 0 ? -1 : to;
	return dup3(from, to, 0);
}

static int fcntl_common(int fd, int command, void *arg)
{
	int ret = (int)syscall(SYS_fcntl, fd, command, arg);

	if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
		shim_fd_dup(fd, ret);
	return ret;
}

EXPORT int fcntl(int fd, int command, ...)
{
	va_list args;
	void *arg;

	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	return fcntl_common(fd, command, arg);
}

EXPORT int fcntl64(int fd, int command, ...)
{
	va_list args;
	void *arg;

	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	return fcntl_common(fd, command, arg);
}

EXPORT int access(const char *path, int mode)
{
	char buffer[PATH_MAX];

	return (int)syscall(SYS_faccessat, AT_FDCWD, shim_path(path, buffer, sizeof(buffer)), mode);
}

EXPORT int faccessat(int dir, const char *path, int mode, int flags)
{
	char buffer[PATH_MAX];

	NEXT(int (*)(int, const char *, int, int), "faccessat");
	return next(dir, shim_path_at(dir, path, buffer, sizeof(buffer)), mode, flags);
}

EXPORT ssize_t readlink(const char *path, char *text, size_t size)
{
	char buffer[PATH_MAX];

	return syscall(SYS_readlinkat, AT_FDCWD, shim_path(path, buffer, sizeof(buffer)), text, size);
}

EXPORT ssize_t readlinkat(int dir, const char *path, char *text, size_t size)
{
	char buffer[PATH_MAX];

	return syscall(SYS_readlinkat, dir, shim_path_at(dir, path, buffer, sizeof(buffer)), text, size);
}

EXPORT ssize_t __readlink_chk(const char *path, char *text, size_t size, size_t room);
EXPORT ssize_t __readlink_chk(const char *path, char *text, size_t size, size_t room)
{
	return readlink(path, text, size < room ? size : room);
}

EXPORT char *realpath(const char *path, char *resolved)
{
	char buffer[PATH_MAX];
	char *result;

	NEXT(char *(*)(const char *, char *), "realpath");
	result = next(shim_path(path, buffer, sizeof(buffer)), resolved);
	if (result)
		shim_path_back(result);
	return result;
}

EXPORT char *__realpath_chk(const char *path, char *resolved, size_t room);
EXPORT char *__realpath_chk(const char *path, char *resolved, size_t room)
{
	(void)room;
	return realpath(path, resolved);
}

EXPORT DIR *opendir(const char *path)
{
	char buffer[PATH_MAX];

	NEXT(DIR * (*)(const char *), "opendir");
	return next(shim_path(path, buffer, sizeof(buffer)));
}

typedef int scan_filter(const struct dirent *);
typedef int scan_compare(const struct dirent **, const struct dirent **);
typedef int scan_filter64(const struct dirent64 *);
typedef int scan_compare64(const struct dirent64 **, const struct dirent64 **);

EXPORT int scandir(const char *path, struct dirent ***list, scan_filter *filter, scan_compare *compare)
{
	char buffer[PATH_MAX];

	NEXT(int (*)(const char *, struct dirent ***, scan_filter *, scan_compare *), "scandir");
	return next(shim_path(path, buffer, sizeof(buffer)), list, filter, compare);
}

EXPORT int scandir64(const char *path, struct dirent64 ***list, scan_filter64 *filter, scan_compare64 *compare)
{
	char buffer[PATH_MAX];

	NEXT(int (*)(const char *, struct dirent64 ***, scan_filter64 *, scan_compare64 *), "scandir64");
	return next(shim_path(path, buffer, sizeof(buffer)), list, filter, compare);
}

/* SPDX-License-Identifier: MIT */
/*
 * fd.c - the file descriptors that carry syncobjs and fences between files of the process.
 *
 * A sync_file is an eventfd: readable from the moment its fence has signalled. It is recognised again by the
 * "eventfd-id" of /proc/self/fdinfo; the kernel gives ids out again only when the eventfd is gone, and while the fence
 * is pending a duplicate is held here, so an entry is either live or about to be replaced.
 *
 * A syncobj's descriptor is one end of a socket pair whose other end is held here: its inode names it, and hanging up
 * tells that nobody holds it any more.
 */
#include "soft.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct sync_file {
	struct soft_gate gate;
	struct sync_file *next;
	long id;
	int fd; /* duplicate, -1 once signalled */
	struct soft_fence *fence;
};

struct syncobj_fd {
	struct syncobj_fd *next;
	ino_t inode;
	int fd; /* our end */
	struct soft_syncobj *syncobj;
};

static struct sync_file *sync_files;
static struct syncobj_fd *syncobj_fds;

static long eventfd_id(int fd)
{
	char path[64], line[128];
	long id = -1;
	FILE *info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "re");
	if (!info)
		return -1;
	while (id < 0 && fgets(line, sizeof(line), info))
		if (!strncmp(line, "eventfd-id:", 11))
			id = strtol(line + 11, NULL, 10);
	fclose(info);
	return id;
}

static void sync_file_open(struct soft_gate *gate)
{
	struct sync_file *file = (struct sync_file *)((char *)gate - offsetof(struct sync_file, gate));
	uint64_t one = 1;

	if (file->fd >= 0) {
		if (write(file->fd, &one, sizeof(one)) < 0)
			atomic_thread_fence(
				memory_order_seq_cst); /* full already: it is readable, which is all we want */
		close(file->fd);
		file->fd = -1;
	}
}

static struct sync_file *sync_file_find(long id)
{
	struct sync_file *file = sync_files;

	while (file && file->id != id)
		file = file->next;
	return file;
}

int soft_sync_file_new(struct soft_fence *fence, int *fd_out)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct sync_file *file;
	long id;

	if (fd < 0)
		return -errno;
	id = eventfd_id(fd);
	file = sync_file_find(id);
	if (file) { /* what had this id is gone */
		soft_fence_put(file->fence);
	} else {
		file = calloc(1, sizeof(*file));
		if (!file) {
			close(fd);
			return -ENOMEM;
		}
		file->id = id;
		file->next = sync_files;
		sync_files = file;
	}
	file->fence = soft_fence_get(fence);
	file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (file->fd < 0) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	soft_gate_init(&file->gate, sync_file_open);
	if (soft_gate_add(&file->gate, fence)) {
		/* The gate may be pending on part of a chain: it opens early rather than never. */
		soft_gate_arm(&file->gate);
		close(fd);
		return -ENOMEM;
	}
	soft_gate_arm(&file->gate);
	*fd_out = fd;
	return 0;
}

struct soft_fence *soft_sync_file_get(int fd)
{
	long id = eventfd_id(fd);
	struct sync_file *file = id < 0 ? NULL : sync_file_find(id);

	return file ? soft_fence_get(file->fence) : NULL;
}

static void sweep(void)
{
	struct syncobj_fd **link = &syncobj_fds, *entry;

	while ((entry = *link)) {
		struct pollfd poll_fd = {.fd = entry->fd, .events = 0};

		if (poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLHUP)) {
			*link = entry->next;
			close(entry->fd);
			soft_syncobj_put(entry->syncobj);
			free(entry);
		} else {
			link = &entry->next;
		}
	}
}

int soft_syncobj_to_fd(struct soft_syncobj *syncobj, int *fd_out)
{
	struct syncobj_fd *entry;
	struct stat st;
	int pair[2];

	sweep();
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		free(entry);
		return -errno;
	}
	if (fstat(pair[0], &st)) {
		close(pair[0]);
		close(pair[1]);
		free(entry);
		return -errno;
	}
	entry->inode = st.st_ino;
	entry->fd = pair[1];
	entry->syncobj = syncobj;
	syncobj->refs++;
	entry->next = syncobj_fds;
	syncobj_fds = entry;
	*fd_out = pair[0];
	return 0;
}

struct soft_syncobj *soft_syncobj_from_fd(int fd)
{
	struct stat st;

	sweep();
	if (fstat(fd, &st) || !S_ISSOCK(st.st_mode))
		return NULL;
	for (struct syncobj_fd *entry = syncobj_fds; entry; entry = entry->next) {
		if (entry->inode == st.st_ino) {
			entry->syncobj->refs++;
			return entry->syncobj;
		}
	}
	return NULL;
}

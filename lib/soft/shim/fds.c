/* SPDX-License-Identifier: MIT */
/*
 * fds.c - which descriptors are nodes. Each is a real descriptor (of an empty memfd), so that nobody else gets its
 * number; duplicates share the open file, which is closed with the last of them.
 */
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_FD 65536

struct open_node {
	void *file;
	int minor;
	unsigned refs;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards refs and changes of table */
static _Atomic(struct open_node *) table[MAX_FD];

static struct open_node *get(int fd)
{
	return fd >= 0 && fd < MAX_FD ? atomic_load_explicit(&table[fd], memory_order_acquire) : NULL;
}

bool shim_fd_is_node(int fd)
{
	return get(fd) != NULL;
}

int shim_fd_minor(int fd)
{
	const struct open_node *node = get(fd);

	return node ? node->minor : -1;
}

void *shim_fd_file(int fd)
{
	const struct open_node *node = get(fd);

	return node ? node->file : NULL;
}

int shim_node_open(int minor, int flags)
{
	struct open_node *node = calloc(1, sizeof(*node));
	char spec[280], error[256] = "";
	int fd;

	if (!node)
		return -1;
	snprintf(spec, sizeof(spec), "%s%s", minor < 128 ? "primary:" : "", shim_spec());
	node->file = df_soft_ops.open(spec, error, sizeof(error));
	if (!node->file) {
		free(node);
		return -1;
	}
	node->minor = minor;
	node->refs = 1;
	fd = memfd_create("drumfire-node", (flags & O_CLOEXEC) ? MFD_CLOEXEC : 0);
	if (fd < 0 || fd >= MAX_FD) {
		if (fd >= 0)
			syscall(SYS_close, fd);
		df_soft_ops.close(node->file);
		free(node);
		errno = EMFILE;
		return -1;
	}
	atomic_store_explicit(&table[fd], node, memory_order_release);
	return fd;
}

void shim_fd_dup(int from, int to)
{
	struct open_node *node;

	if (to < 0 || to >= MAX_FD || from == to)
		return;
	shim_fd_close(to);
	pthread_mutex_lock(&lock);
	node = get(from);
	if (node) {
		node->refs++;
		atomic_store_explicit(&table[to], node, memory_order_release);
	}
	pthread_mutex_unlock(&lock);
}

void shim_fd_close(int fd)
{
	struct open_node *node;

	if (!get(fd))
		return;
	pthread_mutex_lock(&lock);
	node = atomic_exchange(&table[fd], NULL);
	if (node && --node->refs)
		node = NULL;
	pthread_mutex_unlock(&lock);
	if (node) {
		df_soft_ops.close(node->file);
		free(node);
	}
}

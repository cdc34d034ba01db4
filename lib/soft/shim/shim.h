/* SPDX-License-Identifier: MIT */
/*
 * shim.h - the LD_PRELOAD shim: a soft device under programs that know nothing of it.
 *
 * Paths that belong to DRM (/dev/dri, /sys/dev/char/226:*, the device's PCI folder) are led to a folder made for this
 * process that looks as sysfs does; opening a node there gives a descriptor whose ioctl and mmap go to the soft node.
 * DRUMFIRE_SHIM holds the device string ("gfx1030,kernel=6.1"); unset means gfx1030.
 */
#ifndef DF_SHIM_H
#define DF_SHIM_H

#include "node/node.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

extern const struct df_soft_ops df_soft_ops;

#define SHIM_MAJOR 226u

/* Where a path is led to: text in buffer, or path itself when it is none of ours. */
const char *shim_path(const char *path, char *buffer, size_t size);
/* The same, relative to a folder's descriptor. */
const char *shim_path_at(int dir, const char *path, char *buffer, size_t size);
/* What was led away, back again: for realpath(). In place. */
void shim_path_back(char *path);
/* 128 for renderD128, 0 for card0, -1 for any other (led) path. */
int shim_node_of(const char *led_path);
const char *shim_spec(void);
/* debugfs' amdgpu_gpu_recover: reading it resets the device. Here opening it does. */
bool shim_is_recover(const char *led_path);
void shim_recover(void);

/* Makes the folder; called once, on first use. The root, or NULL when it could not be made. */
const char *shim_tree(void);
/* When the process that made it ends; nothing in others. */
void shim_tree_remove(void);

/* Descriptors. */
int shim_node_open(int minor, int flags);
bool shim_fd_is_node(int fd);
int shim_fd_minor(int fd); /* -1: none of ours */
void *shim_fd_file(int fd);
void shim_fd_dup(int from, int to);
void shim_fd_close(int fd);

#endif

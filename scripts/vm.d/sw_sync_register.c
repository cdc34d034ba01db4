// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * sw_sync_register.c - makes a module of the kernel's own drivers/dma-buf/sw_sync.c, for kernels
 * that are built without CONFIG_SW_SYNC: in place of sync_debug.c, which wants a function that is
 * not exported, it gives the file its place in debugfs and keeps no list of timelines.
 */
#include <linux/debugfs.h>
#include <linux/module.h>

#include "sync_debug.h"

void sync_timeline_debug_add(struct sync_timeline *obj)
{
}

void sync_timeline_debug_remove(struct sync_timeline *obj)
{
}

static int __init sw_sync_register_init(void)
{
	struct dentry *folder = debugfs_create_dir("sync", NULL);

	debugfs_create_file_unsafe("sw_sync", 0644, folder, NULL, &sw_sync_debugfs_fops);
	return 0;
}

/* No exit: fences that are handed out point into the module. */
module_init(sw_sync_register_init);

MODULE_DESCRIPTION("Fences that programs signal, for tests");
MODULE_LICENSE("Dual MIT/GPL");

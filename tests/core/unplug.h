/* SPDX-License-Identifier: MIT */
/*
 * unplug.h - the software GPU behind a cable. Each name stands for one device until that is unplugged: then every ioctl
 * on its open files is refused with ENODEV and pages of zeros take the place of what the CPU had mapped, as
 * drm_dev_unplug() does it; the name stands for another device from then on. What ran goes on where nobody sees it:
 * only memory of the process can tell.
 */
#ifndef TESTS_CORE_UNPLUG_H
#define TESTS_CORE_UNPLUG_H

#include <stdbool.h>

#include "node/node.h"

extern const struct df_soft_ops unplug_ops;

/* All that is open. gate: a word in the GPU's memory that jobs may wait for, set to 1, so that they come to an end. */
void unplug(_Atomic uint32_t *gate);
/* The n-th ioctl or mmap from now (1: the next; 0: none) fails with this error. True: that one has come. */
void unplug_fail(unsigned n, int error);
bool unplug_failed(void);
unsigned unplug_open_files(void);

#endif

/* SPDX-License-Identifier: MIT */
/* gca.h - debugfs' amdgpu_gca_config of a soft device. */
#ifndef SOFT_GCA_H
#define SOFT_GCA_H

#include <stddef.h>
#include <stdint.h>

/* Of the board: the reference design's. */
#define SOFT_SUBVENDOR 0x1002u
#define SOFT_SUBDEVICE 0x0e3au
#define SOFT_GCA_MAX   48

/* What file, an open soft node, has there; bytes, 0: the node refuses to tell. */
size_t soft_gca_config(void *file, uint32_t config[SOFT_GCA_MAX]);

#endif

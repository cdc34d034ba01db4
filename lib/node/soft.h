/* SPDX-License-Identifier: MIT */
/* soft.h - finds libdrumfire-gpu.so, once for the process and only when a soft device is asked for. */
#ifndef DF_NODE_SOFT_H
#define DF_NODE_SOFT_H

struct df_soft_ops;

/* 0, or -errno with a sentence. Any thread. The library stays loaded. */
int df_soft_load(const struct df_soft_ops **ops_out);
/* For programs that hold the software GPU themselves (static link): these ops are used and nothing is loaded. NULL:
 * back to loading. Nodes that are open keep what they were opened with. */
void df_soft_use(const struct df_soft_ops *ops);

#endif

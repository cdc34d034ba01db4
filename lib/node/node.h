/* SPDX-License-Identifier: MIT */
/*
 * node.h - the seam to the kernel. Every ioctl and every mmap of the library goes through the two functions here, which
 * convert errno once, repeat EINTR and EAGAIN in one place, and count. What stands behind is a real render node or a
 * soft node (the amdgpu uAPI in user space); nothing above the seam can tell.
 */
#ifndef DF_NODE_H
#define DF_NODE_H

#include <stddef.h>
#include <stdint.h>

struct df_node;

/* Where a job stood that did not end as it should have. */
struct df_soft_stop {
	uint32_t kind;   /* enum df_capture_stop of uapi/drumfire_capture.h */
	uint32_t access; /* 1 read, 2 write, 4 fetch of an instruction */
	uint32_t launch, group[3], wave;
	uint64_t pc, address;
	char what[160];
	char fault[64]; /* the fault that was asked for and did this; "" */
};

/*
 * What a soft node offers: loaded with dlopen() from libdrumfire-gpu.so, symbol "df_soft_ops", only when a soft device
 * is asked for. ABI-exact as the system calls are: -1 and errno, the same sizes, the same refusals.
 */
#define DF_SOFT_OPS_VERSION 3
struct df_soft_ops {
	uint32_t version;
	/* "" or "gfx1030[,kernel=7.2][,strict][,threads=N][,vram=BYTES]...": a new open file of the process-local
	 * device that this exact string names (same string, same device; each open has its own handles and address
	 * space). NULL + errno, with a sentence in error. */
	void *(*open)(const char *spec, char *error, size_t error_size);
	int (*close)(void *file);
	int (*ioctl)(void *file, unsigned long request, void *arg);
	void *(*mmap)(void *file, void *addr, size_t size, int prot, int flags, uint64_t offset);
	int (*munmap)(void *file, void *addr, size_t size);
	/* What drmGetDevice would say of it. */
	void (*pci_id)(void *file, uint16_t *vendor, uint16_t *device, uint8_t *revision);
	/* Model statistics as "name value" pairs; index from 0 until it returns -1. */
	int (*stat)(void *file, unsigned index, const char **name_out, uint64_t *value_out);
	/* i-th finding of strict mode since the device was made as a sentence, or -1. */
	int (*finding)(void *file, unsigned index, char *text, size_t text_size);
	/* Where the job that context and handle (AMDGPU_CS) name stopped, or -1: it did not, or that was long ago. */
	int (*stop)(void *file, uint32_t context, uint64_t handle, struct df_soft_stop *stop_out);
	/* What reading debugfs' amdgpu_gpu_recover does: a reset of the device that no job is the cause of. */
	void (*recover)(void *file);
	/* Asks for a fault as df_device_fault() takes it. 0, or -errno with a sentence in error. */
	int (*fault)(void *file, const char *spec, char *error, size_t error_size);
	/* i-th name of a fault and what it means, or -1. */
	int (*fault_name)(unsigned i, const char **name_out, const char **meaning_out);
};

/* Opens "auto", a path ("/dev/dri/renderD128") or "soft[:spec]". 0 or -errno with a sentence in the thread's error. */
int df_node_open(const char *name, struct df_node **node_out);
void df_node_close(struct df_node *node);

/* 0 or a positive result of the ioctl, or -errno. request is the full DRM_IOCTL_* number. */
int df_node_ioctl(struct df_node *node, unsigned long request, void *arg);
/* 0 or -errno. Shared, read and write, of the given fake offset. */
int df_node_mmap(struct df_node *node, size_t size_B, uint64_t offset, void **map_out);
/* The same in place of what is mapped at that address. */
int df_node_mmap_at(struct df_node *node, size_t size_B, uint64_t offset, void *at);
/* Zeros in place of a mapping whose device is gone. */
int df_node_blank(void *map, size_t size_B);
void df_node_munmap(struct df_node *node, void *map, size_t size_B);

const char *df_node_name(const struct df_node *node); /* "/dev/dri/renderD128", "soft:gfx1030" */
int df_node_is_soft(const struct df_node *node);
const struct df_soft_ops *df_node_soft(const struct df_node *node, void **file_out); /* NULL when real */

/* As the bus knows it; a real node is asked through libdrm. 0 or -errno. */
int df_node_pci(struct df_node *node, uint16_t *vendor_out, uint16_t *device_out, uint8_t *revision_out);
/* Calls found(user, path) for each render node of an AMD PCI device, in libdrm's order, until it returns non-zero,
 * which is returned. -errno when the system cannot be asked. */
int df_node_each(int (*found)(void *user, const char *path), void *user);

/* Counters by ioctl, since the node was opened. name is "AMDGPU_CS", "SYNCOBJ_WAIT" ... */
struct df_node_count {
	const char *name;
	uint64_t calls;
};
/* Goes on counting where another node stopped. */
void df_node_inherit_counts(struct df_node *node, const struct df_node *from);
unsigned df_node_counts(const struct df_node *node, struct df_node_count *counts, unsigned max);

#endif

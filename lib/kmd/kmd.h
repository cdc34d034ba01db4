/* SPDX-License-Identifier: MIT */
/*
 * kmd.h - ports: how a kernel driver's uAPI is spoken to. A port is one ops table and one file (or a few) in this
 * folder; it uses nothing but the node, and the core reaches a kernel driver only through the table.
 *
 * Every function returns 0 or -errno with the thread's sentence set, unless said otherwise.
 */
#ifndef DF_KMD_H
#define DF_KMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct df_device;
struct df_node;
struct df_kmd_slot; /* the port's preallocated form of one submission */

/* One range of GPU addresses that the kernel offers, [start, end). */
struct df_va_range {
	uint64_t start, end;
};

/* What the port finds out about the device when it is opened. Constant afterwards. */
struct df_kmd_info {
	char driver[16]; /* "amdgpu" */
	char target[16]; /* "gfx1030" */
	char marketing[64];
	uint32_t drm_major, drm_minor, drm_patch;
	uint16_t pci_vendor, pci_device;
	uint8_t pci_revision;
	uint32_t family, external_revision;

	uint32_t compute_units, shader_engines, arrays_per_engine, units_per_array;
	uint32_t simds_per_unit, waves_per_simd, lds_per_group_B;
	uint32_t vgprs_per_simd_lane; /* of wave32, physical registers of a SIMD */
	uint32_t wave_size;           /* that the kernel driver names as native */
	uint64_t device_memory_B, visible_memory_B, host_memory_B;
	uint64_t timestamp_hz;

	/* The ring that is used: all streams run on it. */
	bool ring_is_gfx;                   /* else a compute ring (MEC) */
	uint32_t ib_align_B;                /* of an IB's address */
	uint32_t ib_size_align_dw;          /* an IB's length is a multiple of it (power of two) */
	uint32_t max_ib_dw;                 /* longest IB */
	uint32_t max_jobs;                  /* jobs of one context in flight before the kernel blocks */
	uint32_t me_firmware, mec_firmware; /* versions, 0 when unknown */

	/* va[0]: the lower half; va[1]: the upper half, canonical (sign-extended), empty if there is none. */
	struct df_va_range va[2];
	uint32_t va_align_B;

	/* What the kernel can do; see the feature table of the port. */
	bool has_timeline;   /* timeline syncobjs, signalled by submissions */
	bool has_fault_info; /* address of the last page fault */
	bool spares_others;  /* a reset that keeps memory cancels jobs of the context that hung alone */
};

/* Placement and mapping of a BO. */
struct df_kmd_bo_desc {
	uint64_t size_B, align_B;
	int domain; /* enum df_domain */
	bool cpu_access;
	bool private_to_vm; /* never exported: always valid where the kernel can */
};

#define DF_KMD_VA_READ     1u
#define DF_KMD_VA_WRITE    2u
#define DF_KMD_VA_EXEC     4u
#define DF_KMD_VA_UNCACHED 8u /* GPU caches are bypassed: memory that the host polls */
#define DF_KMD_VA_REPLACE  16u

/* What the kernel says of a context's losses. */
struct df_kmd_reset {
	bool reset;       /* since the context was made */
	bool guilty;      /* this context caused one */
	bool memory_lost; /* contents of device memory are gone */
	bool in_progress; /* a reset is going on (newer kernels) */
};

struct df_kmd_fault {
	uint64_t address;
	uint32_t status;
};

/* One dependency on an earlier submission of the same device. */
struct df_kmd_dependency {
	uint32_t context;
	uint64_t handle;
};

/*
 * A submission as the core fills it. The port keeps a slot per place in flight with everything that can be prepared
 * once; submit() writes the few numbers that differ and makes one ioctl.
 */
struct df_kmd_submission {
	uint32_t context;
	uint64_t ib_va;
	uint32_t ib_dw;
	uint64_t tail_va; /* the context's own IB that writes the completion marker */
	uint32_t tail_dw;
	const struct df_kmd_dependency *dependencies; /* with the syncobjs at most DF_KMD_MAX_WAITS */
	unsigned dependency_count;
	const uint32_t *wait_syncobjs; /* binary */
	unsigned wait_syncobj_count;
	const uint32_t *bo_handles; /* those that are not always valid */
	unsigned bo_count;
	uint32_t timeline; /* syncobj whose point is signalled, 0: none */
	uint64_t point;
};

#define DF_KMD_MAX_WAITS 64u /* dependencies and syncobjs of one submission */

struct df_kmd_ops {
	const char *driver;

	/* Fills the info from the node. Makes nothing that needs undoing. */
	int (*probe)(struct df_node *node, struct df_kmd_info *info);

	int (*bo_create)(struct df_device *device, const struct df_kmd_bo_desc *desc, uint32_t *handle_out);
	int (*bo_userptr)(struct df_device *device, void *memory, uint64_t bytes, bool read_only, uint32_t *handle_out);
	/* The handle may be one that the device has already: the kernel names memory once for an open file. */
	int (*bo_import)(struct df_device *device, int fd, uint32_t *handle_out);
	int (*bo_size)(struct df_device *device, uint32_t handle, uint64_t *bytes_out);
	int (*bo_export)(struct df_device *device, uint32_t handle, int *fd_out);
	int (*bo_map)(struct df_device *device, uint32_t handle, uint64_t bytes, void **map_out);
	/* In place of what is mapped there. */
	int (*bo_map_at)(struct df_device *device, uint32_t handle, uint64_t bytes, void *at);
	void (*bo_close)(struct df_device *device, uint32_t handle);
	int (*va_map)(struct df_device *device, uint32_t handle, uint64_t offset_B, uint64_t va, uint64_t bytes,
		      unsigned flags);
	int (*va_unmap)(struct df_device *device, uint32_t handle, uint64_t va, uint64_t bytes);

	int (*context_create)(struct df_device *device, int priority, uint32_t *context_out);
	void (*context_destroy)(struct df_device *device, uint32_t context);
	int (*context_reset)(struct df_device *device, uint32_t context, struct df_kmd_reset *reset_out);
	/* The same question where only the usual answer matters: 1 when any of the flags is set, else 0. */
	int (*context_touched)(struct df_device *device, uint32_t context);
	/* -ENODATA when there was none or the kernel cannot tell. */
	int (*fault)(struct df_device *device, struct df_kmd_fault *fault_out);

	int (*slot_create)(struct df_device *device, struct df_kmd_slot **slot_out);
	void (*slot_destroy)(struct df_device *device, struct df_kmd_slot *slot);
	/* Grows the slot's room for BO handles; the only part of submitting that allocates. */
	int (*slot_reserve)(struct df_device *device, struct df_kmd_slot *slot, unsigned bo_count);
	/* One ioctl. bo_count is at most what was reserved. */
	int (*submit)(struct df_device *device, struct df_kmd_slot *slot, const struct df_kmd_submission *submission,
		      uint64_t *handle_out);
	/* The kernel's view: 0 signalled, -EBUSY at the deadline (absolute, 0: poll), else the error of the job. */
	int (*wait)(struct df_device *device, uint32_t context, uint64_t handle, uint64_t deadline_ns);
	int (*fence_fd)(struct df_device *device, uint32_t context, uint64_t handle, int *fd_out);

	int (*syncobj_create)(struct df_device *device, uint32_t *syncobj_out);
	void (*syncobj_destroy)(struct df_device *device, uint32_t syncobj);
	/* Puts the fence of a sync_file into a binary syncobj. */
	int (*syncobj_import)(struct df_device *device, uint32_t syncobj, int sync_file_fd);
	/* The syncobj that a descriptor of syncobj_fd() names, also one made on another device. */
	int (*syncobj_open)(struct df_device *device, int fd, uint32_t *syncobj_out);
	/* A host-signalled timeline: the syncobj itself as a descriptor, and its points. */
	int (*syncobj_fd)(struct df_device *device, uint32_t syncobj, int *fd_out);
	int (*timeline_signal)(struct df_device *device, uint32_t syncobj, uint64_t point);
	int (*point_fd)(struct df_device *device, uint32_t timeline, uint64_t point, int *sync_file_fd_out);
	/* A sync_file that is signalled already. */
	int (*signalled_fd)(struct df_device *device, int *sync_file_fd_out);
};

extern const struct df_kmd_ops df_kmd_amdgpu;

#endif

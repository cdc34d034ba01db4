/* SPDX-License-Identifier: MIT */
/*
 * drumfire_capture.h - a batch that made the GPU hang or fault, with all that it takes to run it again elsewhere.
 *
 * All fields are little-endian; every struct is a multiple of 8 bytes and holds no implicit padding; reserved fields
 *are zero. The file is
 *
 *	header | section table | sections
 *
 * with the table and each section at a multiple of 8, none overlapping another. Offsets count from the start of the
 * file. The header and the table have one checksum, each section its own. Arrays have a stride (in df_capture_section),
 * so that structs can grow at their end: a reader takes the part it knows and refuses what is not zero behind it.
 *
 * What the file holds is the state that the batch is run from: every mapping of its address space (address, placement,
 * rights), with the contents of those that the caller made, of code, of the batch's own streams and of its argument
 * memory. A reader makes the same mappings, submits the first indirect buffer (the others hang off it by chaining), and
 * finds the GPU where the verdict says it stopped.
 *
 * Contents are runs of dwords: a dword with the kind in its upper two bits and a count of dwords (not 0) below, then
 * what the kind says. They give exactly alloc_B bytes.
 */
#ifndef DRUMFIRE_CAPTURE_H
#define DRUMFIRE_CAPTURE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DF_CAPTURE_MAGIC        0x31434644u /* "DFC1" */
#define DF_CAPTURE_VERSION      1u
#define DF_CAPTURE_ALIGN        8u
#define DF_CAPTURE_PAGE_B       4096u
#define DF_CAPTURE_MAX_SECTIONS 65536u
#define DF_CAPTURE_MAX_BOS      65536u
#define DF_CAPTURE_MAX_IBS      65536u
#define DF_CAPTURE_MAX_KERNELS  65536u
#define DF_CAPTURE_MAX_POISON   8u
#define DF_CAPTURE_MAX_ALLOC_B  (1ull << 40) /* of all mappings together */

struct df_capture_header {
	uint32_t magic;
	uint32_t version;
	uint32_t header_size_B; /* of this struct in the version that wrote it */
	uint32_t crc32;         /* IEEE 802.3, of the header with this field 0 and of the section table */
	uint64_t total_size_B;  /* of the file */
	uint64_t section_offset;
	uint32_t section_count, section_stride;
	uint32_t reserved[6];
};

enum df_capture_kind {
	DF_CAPTURE_DEVICE = 1, /* one struct df_capture_device */
	DF_CAPTURE_JOB,        /* one struct df_capture_job */
	DF_CAPTURE_VERDICT,    /* one struct df_capture_verdict */
	DF_CAPTURE_IBS,        /* struct df_capture_ib, in the order in which they run */
	DF_CAPTURE_BOS,        /* struct df_capture_bo, by address */
	DF_CAPTURE_KERNELS,    /* struct df_capture_kernel; may be missing */
	DF_CAPTURE_FAULTS,     /* faults that were asked for, as df_device_fault() takes them, each ended by NUL; may be
				  missing */
	DF_CAPTURE_CONTENTS,   /* of BO number `index` */
	DF_CAPTURE_KIND_END,
};

struct df_capture_section {
	uint32_t kind;   /* enum df_capture_kind */
	uint32_t index;  /* CONTENTS: which BO; else 0 */
	uint64_t offset; /* of the section in the file */
	uint64_t stored_B;
	uint32_t count, stride; /* arrays: of structs; stored_B is the product. Else 0 */
	uint32_t crc32;         /* of the stored bytes */
	uint32_t reserved;
};

/* df_capture_device.flags */
#define DF_CAPTURE_DEVICE_SOFT     (1u << 0)
#define DF_CAPTURE_DEVICE_GFX_RING (1u << 1) /* else a compute ring */
#define DF_CAPTURE_DEVICE_ALL      3u

struct df_capture_device {
	char name[256];  /* as df_device_open() takes it: what a software GPU behaves like is in it */
	char target[16]; /* LLVM's name */
	char driver[16];
	char marketing[64];
	uint32_t drm_major, drm_minor, drm_patch;
	uint32_t flags;
	uint16_t pci_vendor, pci_device;
	uint32_t pci_revision;
	uint32_t me_firmware, mec_firmware;
	uint32_t ib_align_B, ib_size_align_dw;
	uint32_t max_ib_dw, va_align_B;
	uint64_t device_memory_B, host_memory_B;
	uint64_t va[2][2]; /* start and end of the lower and the upper half */
};

/* df_capture_job.flags */
#define DF_CAPTURE_JOB_INDEPENDENT  (1u << 0)
#define DF_CAPTURE_JOB_CHECK_FAULTS (1u << 1)
#define DF_CAPTURE_JOB_ALL          3u

struct df_capture_job {
	uint64_t launches, barriers;
	uint64_t batch;           /* number of the submission in its context, from 1 */
	uint32_t context;         /* number of the context on its device, from 1 */
	uint32_t flags;           /* DF_CAPTURE_JOB_* */
	uint32_t marker_interval; /* 0: no progress markers */
	uint32_t max_retries;     /* UINT32_MAX: none */
	uint64_t progress_va;     /* a dword: launches finished at the last marker; 0: none */
	uint32_t reserved[2];
};

/* What the GPU stood at when it stopped: known where the device is a software GPU. */
enum df_capture_stop {
	DF_CAPTURE_STOP_UNKNOWN = 0,
	DF_CAPTURE_STOP_PAGE_FAULT, /* the first access that faulted, by launch, workgroup and wave */
	DF_CAPTURE_STOP_OPCODE,     /* an instruction that the GPU does not have */
	DF_CAPTURE_STOP_PACKET,     /* a packet that the command processor does not have; address is the packet's */
	DF_CAPTURE_STOP_WAVE,       /* waves were killed; the first that had not ended, and where its loop begins */
	DF_CAPTURE_STOP_CP,         /* no wave was running: the command processor stood at the packet at address */
	DF_CAPTURE_STOP_END,
};

struct df_capture_where {
	uint32_t kind;   /* enum df_capture_stop */
	uint32_t access; /* page fault: 1 read, 2 write, 4 fetch of an instruction */
	uint32_t launch; /* from 0, in the batch */
	uint32_t wave;   /* in the workgroup */
	uint32_t group[3];
	uint32_t reserved;
	uint64_t pc;      /* instruction, 0 if no wave was involved */
	uint64_t address; /* faulting address, or the packet's */
	char what[160];   /* a sentence */
};

/* df_capture_verdict.flags */
#define DF_CAPTURE_VERDICT_PAGE_FAULT (1u << 0) /* fault_address is one that the kernel reported */
#define DF_CAPTURE_VERDICT_ALL        1u

struct df_capture_verdict {
	uint32_t verdict; /* enum df_verdict of drumfire.h */
	uint32_t flags;   /* DF_CAPTURE_VERDICT_* */
	uint64_t fault_address;
	uint64_t first_launch, last_launch; /* the set in flight; the same twice: that launch */
	uint32_t attempt;                   /* of this batch, from 1 */
	uint32_t poison_count;
	uint64_t poison[DF_CAPTURE_MAX_POISON];
	struct df_capture_where where;
};

struct df_capture_ib {
	uint64_t va;
	uint32_t size_dw;
	uint32_t reserved;
};

/* df_capture_bo.flags */
#define DF_CAPTURE_BO_CPU_ACCESS (1u << 0)
#define DF_CAPTURE_BO_USERPTR    (1u << 1)
#define DF_CAPTURE_BO_IMPORTED   (1u << 2)
#define DF_CAPTURE_BO_LIBRARY    (1u << 3) /* the library's own */
#define DF_CAPTURE_BO_STREAM     (1u << 4) /* holds indirect buffers of the batch */
#define DF_CAPTURE_BO_ARGUMENTS  (1u << 5) /* argument memory of the batch */
#define DF_CAPTURE_BO_CODE       (1u << 6)
#define DF_CAPTURE_BO_CONTENTS   (1u << 7) /* there is a CONTENTS section; else it is all zero */
#define DF_CAPTURE_BO_LOST       (1u << 8) /* the host could not read what was in it */
#define DF_CAPTURE_BO_ALL        0x1ffu

/* df_capture_bo.va_flags */
#define DF_CAPTURE_VA_READ     (1u << 0)
#define DF_CAPTURE_VA_WRITE    (1u << 1)
#define DF_CAPTURE_VA_EXEC     (1u << 2)
#define DF_CAPTURE_VA_UNCACHED (1u << 3)
#define DF_CAPTURE_VA_ALL      0xfu

struct df_capture_bo {
	uint64_t va;
	uint64_t size_B;   /* asked for */
	uint64_t alloc_B;  /* mapped: whole pages */
	uint32_t domain;   /* enum df_domain */
	uint32_t recovery; /* enum df_bo_class */
	uint32_t flags;    /* DF_CAPTURE_BO_* */
	uint32_t va_flags; /* DF_CAPTURE_VA_* */
	char name[48];
};

struct df_capture_kernel {
	uint64_t code_va, code_B; /* of the image's code */
	uint64_t entry_va;
	uint32_t wave_size;
	uint32_t reserved;
	char name[112];
};

/* Contents: upper two bits of a run's first dword. */
#define DF_CAPTURE_RUN_ZERO   0u /* count zeros */
#define DF_CAPTURE_RUN_SAME   1u /* one dword follows, count times */
#define DF_CAPTURE_RUN_PLAIN  2u /* count dwords follow */
#define DF_CAPTURE_RUN_SHIFT  30u
#define DF_CAPTURE_RUN_MAX_DW ((1u << DF_CAPTURE_RUN_SHIFT) - 1)

#ifdef __cplusplus
}
#define DF_CAPTURE_ASSERT(condition, text) static_assert(condition, text)
#else
#define DF_CAPTURE_ASSERT(condition, text) _Static_assert(condition, text)
#endif
DF_CAPTURE_ASSERT(sizeof(struct df_capture_header) == 64, "header layout");
DF_CAPTURE_ASSERT(sizeof(struct df_capture_section) == 40, "section layout");
DF_CAPTURE_ASSERT(sizeof(struct df_capture_device) == 448, "device layout");
DF_CAPTURE_ASSERT(sizeof(struct df_capture_job) == 56, "job layout");
DF_CAPTURE_ASSERT(sizeof(struct df_capture_where) == 208, "stop layout");
DF_CAPTURE_ASSERT(sizeof(struct df_capture_verdict) == 312, "verdict layout");
DF_CAPTURE_ASSERT(sizeof(struct df_capture_ib) == 16, "IB layout");
DF_CAPTURE_ASSERT(sizeof(struct df_capture_bo) == 88, "BO layout");
DF_CAPTURE_ASSERT(sizeof(struct df_capture_kernel) == 144, "kernel layout");

#endif

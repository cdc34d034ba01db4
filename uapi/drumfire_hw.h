/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * drumfire_hw.h - the device side of drumfire.ko: how a user-space process is the hardware of a DRM
 * device.
 *
 * A process opens /dev/drumfire-hw, describes the hardware with DF_HW_ATTACH, and maps two regions
 * of the file: the ring (DF_HW_MMAP_RING) and the memory aperture (DF_HW_MMAP_APERTURE), in which
 * every buffer object of the device has its place as long as it lives. The kernel writes commands
 * into the ring, the process takes them in order, and writes events back. Places of the aperture
 * where no buffer is read as zeros, and what is written there is lost.
 *
 * The ring has one page of struct df_hw_ring, then the command slots, then the event slots. Both
 * sides are lock-free with one producer and one consumer: head is where the producer writes next,
 * tail where the consumer reads next; both only rise, and the slot is the number modulo the slot
 * count. The producer stores the slots, then head (release); the consumer loads head (acquire),
 * reads, then stores tail (release). poll() reports POLLIN while there are commands,
 * and POLLHUP once the device has been given up or removed: all that is left then is to close the
 * file. After storing events the process calls DF_HW_KICK.
 *
 * Commands take effect in their order: a job sees the address spaces as the commands before it have
 * left them. A command is done with (its tail passed) when its effect is there for the jobs that
 * follow; DF_HW_UNMAP moreover only when no job that runs can still reach the range. A job is done
 * with when it was taken; its end is an event.
 *
 * Closing the file (also by the end of the process) is surprise removal of the device.
 *
 * Structs only grow at their end, pads are zero on both sides, unknown flags are refused. Numbers
 * are the machine's own.
 */
#ifndef DRUMFIRE_HW_H
#define DRUMFIRE_HW_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define DF_HW_VERSION 1

#define DF_HW_MMAP_RING     0x0ull
#define DF_HW_MMAP_APERTURE 0x10000000000ull

#define DF_HW_CMD_SLOTS   16384
#define DF_HW_EVENT_SLOTS 4096
#define DF_HW_SLOT_B      64

enum df_hw_ring_type { DF_HW_GFX, DF_HW_COMPUTE, DF_HW_SDMA, DF_HW_RING_TYPES };

/*
 * An answer to one query of amdgpu's INFO ioctl, as the clients will see it. The kernel looks at
 * none of them. key: for HW_IP_INFO, HW_IP_COUNT type; FW_VERSION type | index << 16; READ_MMR_REG
 * the register (one dword a register); SENSOR, VBIOS, VIDEO_CAPS type; else 0.
 * DF_HW_ANSWER_GCA is no query of clients: what debugfs' amdgpu_gca_config holds.
 */
#define DF_HW_ANSWER_GCA 0x10000u

struct df_hw_answer {
	__u32 query;
	__u32 key;
	__u32 offset_B; /* into the blob */
	__u32 size_B;
};

struct df_hw_attach {
	__u32 size_B; /* of this struct, in; what the kernel knows of it, out */
	__u32 version;
	__u32 rings[DF_HW_RING_TYPES]; /* 1 to 4 of each type */
	__u32 max_ibs[DF_HW_RING_TYPES];
	__u32 timeout_ms; /* of a job; 0: the module's default */
	__u32 answer_count;
	__u32 blob_B;
	__u32 pad;
	__u64 answers; /* struct df_hw_answer[answer_count] */
	__u64 blob;
	__u64 vram_B;
	__u64 gtt_B;
	/* addresses that clients may map: [va_start, va_end) of 48 bits, without sign */
	__u64 va_start;
	__u64 va_end;
	__u64 aperture_B; /* out: size of the mapping at DF_HW_MMAP_APERTURE */
	__u64 ring_B;     /* out: size of the mapping at DF_HW_MMAP_RING */
	__u32 minor;      /* out: N of /dev/dri/renderDN */
	__u32 pad2;
};

#define DF_HW_ATTACH _IOWR('h', 0x00, struct df_hw_attach)
#define DF_HW_KICK   _IO('h', 0x01)

struct df_hw_ring {
	__u32 cmd_head; /* the kernel's */
	__u32 pad0[15];
	__u32 cmd_tail; /* the process's */
	__u32 pad1[15];
	__u32 event_head; /* the process's */
	__u32 pad2[15];
	__u32 event_tail; /* the kernel's */
	__u32 pad3[15];
	__u32 cmd_offset_B; /* from here on constant */
	__u32 cmd_slots;
	__u32 event_offset_B;
	__u32 event_slots;
};

enum df_hw_op {
	DF_HW_NOP,
	DF_HW_AS_CREATE,  /* as */
	DF_HW_AS_DESTROY, /* as: no job of it is left */
	DF_HW_MAP,        /* as, va, size_B, offset_B of the aperture, access, mtype */
	DF_HW_UNMAP,      /* as, va, size_B */
	DF_HW_JOB,        /* as, seq, ring_type, ring; the IBs follow, four a slot */
	/* seq, ring_type, ring: the job that runs there ends with DF_HW_KILLED, later ones go on */
	DF_HW_RESET_RING,
	DF_HW_RESET, /* seq: every job ends with DF_HW_KILLED, and device memory is lost */
};

#define DF_HW_READ  1u
#define DF_HW_WRITE 2u
#define DF_HW_EXEC  4u
#define DF_HW_PRT   8u /* no memory: reads give 0, writes are dropped */

enum df_hw_mtype { DF_HW_NC, DF_HW_UC, DF_HW_CC };

struct df_hw_cmd {
	__u32 op;
	__u32 count; /* slots of IBs: (IBs + 3) / 4 */
	__u64 seq;
	__u32 as;
	__u32 ring_type;
	__u32 ring;
	__u32 ib_count;
	__u64 va; /* canonical */
	__u64 size_B;
	__u64 offset_B;
	__u32 access;
	__u32 mtype;
};

#define DF_HW_IB_PREAMBLE 1u
/* of a GFX ring, for its constant engine; order among IBs without it is no matter */
#define DF_HW_IB_CE 2u
struct df_hw_ib {
	__u64 va;
	__u32 size_dw;
	__u32 flags;
};

enum df_hw_event_op {
	DF_HW_DONE = 1,   /* seq of a job, status */
	DF_HW_RESET_DONE, /* seq of the reset; the ends of the jobs that it killed come before */
	DF_HW_PAGE_FAULT, /* as, address, access: the job may go on */
};

enum df_hw_status {
	DF_HW_OK,
	DF_HW_KILLED,
	/* a packet, register or instruction that the hardware cannot run: taken as a hang */
	DF_HW_REFUSED,
};

struct df_hw_event {
	__u32 op;
	__u32 status;
	__u64 seq;
	__u32 as;
	__u32 access;
	__u64 address;
	__u64 pc;
	__u32 launches; /* dispatches that the job had started */
	__u32 pad[5];
};

#endif

/* SPDX-License-Identifier: MIT */
/*
 * drumfire_ring.h - the memory that a host and a megakernel share. Included by C and by GLSL.
 *
 * A set is four buffer objects: control, ring, debug log and IO queue. All of them are arrays of little-endian 32-bit
 * words; the names below are word indices unless they end in _B.
 *
 * Ring. An array of slots of 64 bytes, as many as control[DF_RING_SLOTS]. A slot belongs to the host while its status
 * is EMPTY, DONE or FAULT, and to the GPU otherwise. The host fills a slot and then stores PUBLISHED (release); the GPU
 * takes it by a compare-and-swap of its status to CLAIMED, works, writes the result words, and then stores DONE or
 * FAULT (release). A slot that cannot be finished now is put back as WAIT_IO, YIELD or REQUEUE and is looked at again
 * in the next round of the same dispatch, or else in the next dispatch. A slot found CLAIMED when no dispatch runs was
 * interrupted half way.
 *
 * Rounds. A dispatch goes over its slots a given number of times. A slot of priority p is not started before round p,
 * or the last round if there are fewer: within a wave, urgent slots go first. Between waves nothing is ordered.
 *
 * Memory. Built-in opcodes address words of the data area, which begins at control[DF_RING_DATA]; an index outside
 * control[DF_RING_DATA_WORDS] is a fault of the slot, and nothing is touched. Slots of one round run in any order.
 */
#ifndef DRUMFIRE_RING_H
#define DRUMFIRE_RING_H

#define DF_RING_MAGIC   0x31524644u /* "DFR1" */
#define DF_RING_VERSION 1u

/* ---- slot ---- */

#define DF_RING_SLOT_WORDS 16u
#define DF_RING_SLOT_B     64u
#define DF_RING_STATUS     0u
#define DF_RING_OPCODE     1u
#define DF_RING_TENANT     2u
#define DF_RING_PRIORITY   3u
#define DF_RING_ARG0       4u
#define DF_RING_ARGS       12u
/* Arguments that a finished slot carries results in. Opcodes take at most the nine before them. */
#define DF_RING_ARG_IO     9u  /* IO queue slot while WAIT_IO */
#define DF_RING_ARG_REASON 10u /* DF_RING_REASON_* of a fault, else 0 */
#define DF_RING_ARG_VALUE  11u /* what the opcode returns, else 0 */
#define DF_RING_ARGS_IN    9u

#define DF_RING_EMPTY     0u
#define DF_RING_PUBLISHED 1u
#define DF_RING_CLAIMED   2u
#define DF_RING_DONE      3u
#define DF_RING_WAIT_IO   4u /* an IO request is out */
#define DF_RING_YIELD     5u /* the tenant's quota is used up */
#define DF_RING_REQUEUE   6u /* what it waits for (fence count, free IO slot) is not there yet */
#define DF_RING_FAULT     7u
#define DF_RING_STATUSES  8u

#define DF_RING_PRIORITY_CRITICAL 0u
#define DF_RING_PRIORITY_HIGH     1u
#define DF_RING_PRIORITY_NORMAL   2u
#define DF_RING_PRIORITY_LOW      3u
#define DF_RING_PRIORITY_IDLE     4u
#define DF_RING_PRIORITIES        5u

/* ---- opcodes: arguments -> value ---- */

#define DF_RING_OP_NOP          0u
#define DF_RING_OP_STORE        1u /* index, value */
#define DF_RING_OP_ATOMIC_ADD   2u /* index, value -> what was there */
#define DF_RING_OP_LOAD         3u /* index -> what is there */
#define DF_RING_OP_COMPARE_SWAP 4u /* index, expected, new -> what was there */
#define DF_RING_OP_MEMCPY       5u /* to index, from index, words; forwards, word by word */
/* tag, n: once n slots of the set have finished since control[DF_RING_DONE_COUNT] was last cleared, adds one to the
 * epoch and leaves its tag -> epoch before */
#define DF_RING_OP_BATCH_FENCE 6u
#define DF_RING_OP_PRINTF      7u /* format, 8 values -> record number; a full log drops the record */
/* resource, offset low, offset high, to index, words -> what the host answered */
#define DF_RING_OP_IO_READ    8u
#define DF_RING_OP_SHUTDOWN   9u /* no slot is started after this is seen */
#define DF_RING_OPS           10u
#define DF_RING_OP_USER_FIRST 0x100u /* the program's own, see shaders/mega_user.glsl */
#define DF_RING_OP_USER_LAST  0xffffu

#define DF_RING_MEMCPY_MAX 65536u /* words a slot may copy */

#define DF_RING_REASON_NONE     0u
#define DF_RING_REASON_OPCODE   1u /* no such opcode */
#define DF_RING_REASON_TENANT   2u /* no such tenant */
#define DF_RING_REASON_PRIORITY 3u /* no such priority */
#define DF_RING_REASON_DENIED   4u /* the tenant may not use the opcode */
#define DF_RING_REASON_RANGE    5u /* index or count outside the data area */
#define DF_RING_REASON_IO       6u /* the host answered with a failure */
#define DF_RING_REASON_USER     7u /* a user opcode refused its arguments */
#define DF_RING_REASONS         8u

/* ---- control ---- */

#define DF_RING_CTL_MAGIC   0u
#define DF_RING_CTL_VERSION 1u
#define DF_RING_SHUTDOWN    2u
#define DF_RING_EPOCH       3u /* batch fences passed */
#define DF_RING_DONE_COUNT  4u /* slots finished, faults included */
#define DF_RING_FAULT_COUNT 5u
#define DF_RING_BATCH_TAG   6u /* of the last batch fence */
#define DF_RING_SLOTS       7u
#define DF_RING_DATA_WORDS  8u
#define DF_RING_LOG_RECORDS 9u
#define DF_RING_IO_SLOTS    10u
/* 0: a lane leaves as soon as its slot is the host's again. 1: it keeps looking for new work until its rounds are over.
 */
#define DF_RING_LIVE 11u

#define DF_RING_TENANTS      32u
#define DF_RING_TENANT_ALLOW 16u /* one word a tenant: bit i allows opcode i, bit 31 user opcodes */
#define DF_RING_TENANT_QUOTA 48u /* slots a tenant may start until the host clears USED; 0: any number */
#define DF_RING_TENANT_USED  80u
#define DF_RING_METRICS      112u /* slots finished by opcode, the last word for user opcodes */
#define DF_RING_METRICS_MAX  32u
#define DF_RING_DATA         160u
#define DF_RING_ALLOW_USER   0x80000000u
#define DF_RING_ALLOW_ALL    0xffffffffu

/* ---- debug log: a header, then records ---- */

#define DF_RING_LOG_CURSOR       0u /* records asked for; those past the capacity were dropped */
#define DF_RING_LOG_HEADER       4u
#define DF_RING_LOG_RECORD_WORDS 12u
#define DF_RING_LOG_VALID        0u /* 1, stored last */
#define DF_RING_LOG_SLOT         1u
#define DF_RING_LOG_TENANT       2u
#define DF_RING_LOG_FORMAT       3u
#define DF_RING_LOG_VALUE0       4u
#define DF_RING_LOG_VALUES       8u

/* ---- IO queue: slots; statuses as in the ring, the GPU being the one that publishes ---- */

#define DF_RING_IO_WORDS     16u
#define DF_RING_IO_STATUS    0u /* EMPTY, CLAIMED (being filled), PUBLISHED, then DONE or FAULT by the host */
#define DF_RING_IO_SLOT      1u /* of the ring */
#define DF_RING_IO_TENANT    2u
#define DF_RING_IO_RESOURCE  3u
#define DF_RING_IO_OFFSET_LO 4u
#define DF_RING_IO_OFFSET_HI 5u
#define DF_RING_IO_TO        6u /* index in the data area */
#define DF_RING_IO_COUNT     7u /* words */
#define DF_RING_IO_VALUE     8u /* the host's answer */

/* ---- the kernel's argument block: push constants, all in user SGPRs ---- */

#define DF_RING_ARGS_B 40u

#ifndef GL_core_profile
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct df_ring_slot {
	uint32_t status, opcode, tenant, priority;
	uint32_t args[DF_RING_ARGS];
};

struct df_ring_log_record {
	uint32_t valid, slot, tenant, format;
	uint32_t values[DF_RING_LOG_VALUES];
};

struct df_ring_io_slot {
	uint32_t status, slot, tenant, resource, offset_lo, offset_hi, to, words, value;
	uint32_t reserved[7];
};

struct df_ring_args {
	uint64_t control, ring, log, io; /* GPU addresses of the four BOs */
	uint32_t first_slot;             /* of the first workgroup */
	uint32_t rounds;                 /* at least one */
};

#ifdef __cplusplus
}
#define DF_RING_ASSERT(condition, text) static_assert(condition, text)
#else
#define DF_RING_ASSERT(condition, text) _Static_assert(condition, text)
#endif
DF_RING_ASSERT(sizeof(struct df_ring_slot) == DF_RING_SLOT_B, "slot layout");
DF_RING_ASSERT(sizeof(struct df_ring_log_record) == DF_RING_LOG_RECORD_WORDS * 4, "log record layout");
DF_RING_ASSERT(sizeof(struct df_ring_io_slot) == DF_RING_IO_WORDS * 4, "IO slot layout");
DF_RING_ASSERT(sizeof(struct df_ring_args) == DF_RING_ARGS_B, "argument block layout");
DF_RING_ASSERT(DF_RING_ARG0 + DF_RING_ARGS == DF_RING_SLOT_WORDS, "slot words");
#endif

#endif

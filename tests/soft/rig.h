/* SPDX-License-Identifier: MIT */
/*
 * rig.h - two jobs and what becomes of them. The victim adds 1 to each word of a buffer in device memory in four
 * launches with a barrier behind each, then writes its marker; faults hit its third launch (number 2). The innocent
 * one, of another context, adds 1 to a buffer of its own twice and then waits for a gate, so that it is in flight for
 * as long as a test wants.
 */
#ifndef TESTS_SOFT_RIG_H
#define TESTS_SOFT_RIG_H

#include "env.h"

enum {
	RIG_GROUPS = 8,
	RIG_BLOCK = 64, /* two waves */
	RIG_WORDS = RIG_GROUPS * RIG_BLOCK,
	RIG_BUFFER_B = 4 * RIG_WORDS * 4, /* room for four such */
	RIG_LAUNCHES = 4,
	RIG_MARKER = 0x600d,
};

struct rig_actor {
	struct env_bo words; /* device memory */
	uint32_t ctx, ip, syncobj;
	struct env_cs cs;
	struct drm_amdgpu_cs_chunk_fence fence;
	struct drm_amdgpu_cs_chunk_sem sem;
	volatile uint32_t *marker;
	uint64_t *user_fence;
};

struct rig {
	void *file;
	struct env_bo code, shared, fences;
	volatile uint32_t *gate, *arrived;
	struct rig_actor victim, innocent;
};

/* Contexts, buffers filled with 0, streams; nothing is submitted. */
void rig_open(struct rig *rig, const char *spec);
void rig_close(struct rig *rig);
void rig_fault(struct rig *rig, const char *spec); /* or fails the test */
/* On a ring of ip. rig_innocent() returns when its launches are over and it waits for the gate. */
void rig_victim(struct rig *rig, uint32_t ip);
void rig_innocent(struct rig *rig, uint32_t ip);
void rig_open_gate(struct rig *rig);
/* A stream of the test's own, in slot 1 (the victim's) or 2, and its submission. */
uint32_t *rig_stream(struct rig *rig, unsigned slot);
void rig_submit(struct rig *rig, struct rig_actor *actor, uint32_t ip, unsigned slot, uint32_t dwords);
uint64_t rig_marker_va(const struct rig *rig, const struct rig_actor *actor);

/* WAIT_CS without a deadline: 0 or -errno. */
int rig_wait(struct rig *rig, const struct rig_actor *actor);
int rig_syncobj_wait(struct rig *rig, const struct rig_actor *actor, int timeout_ms);
/* AMDGPU_CTX: flags of QUERY_STATE2; reset_status of QUERY_STATE. */
uint32_t rig_flags(struct rig *rig, uint32_t ctx);
uint32_t rig_reset_status(struct rig *rig, uint32_t ctx);
/* Submits a stream of nothing. 0 or -errno. */
int rig_submit_nop(struct rig *rig, const struct rig_actor *actor);
/* The fault that the kernel remembers of the address space. */
int rig_page_fault(struct rig *rig, struct abi_info_gpuvm_fault *fault_out);

/* PM4: one launch over the actor's buffer, and the barrier behind it. Dwords. */
uint32_t rig_launch(uint32_t *at, uint64_t code, uint64_t words, uint32_t groups);

#endif

/* SPDX-License-Identifier: MIT */
/* ref_ring.h - what a megakernel makes of a set, written from uapi/drumfire_ring.h alone: one slot after the other. */
#ifndef TESTS_MEGA_REF_RING_H
#define TESTS_MEGA_REF_RING_H

#include <stddef.h>
#include <stdint.h>

struct ref_ring {
	uint32_t *control, *ring, *log, *io;
	size_t control_words, ring_words, log_words, io_words;
};

/* Goes over the slots the given number of rounds. Anything in memory is fine: nothing outside the four arrays is
 * touched. */
void ref_ring_run(const struct ref_ring *ref, uint32_t rounds);

#endif

/* SPDX-License-Identifier: MIT */
/* sets.h - a device with a megakernel, sets full of random work, and their comparison with the reference. */
#ifndef TESTS_MEGA_SETS_H
#define TESTS_MEGA_SETS_H

#include "drumfire_mega.h"
#include "mega/ref_ring.h"

/* Each slot works on words of its own, on constants, and on sums that do not depend on an order. */
#define SET_SLOTS     64u
#define SET_OWN       8u /* words of a slot */
#define SET_CONSTANTS (SET_SLOTS * SET_OWN)
#define SET_SUMS      (SET_CONSTANTS + 64)
#define SET_WORDS     (SET_SUMS + 4)

struct rig {
	struct df_device *device;
	struct df_code *code;
	struct df_kernel *kernel;
};
extern struct rig rig;

/* Fixture: opens $DRUMFIRE_DEVICE or a soft device, and loads mega.dfi. */
void rig_up(void);
void rig_down(void);
void rig_load(const char *name, struct df_code **code_out, struct df_kernel **kernel_out);

uint32_t set_random(uint64_t *state);
/* A set with the shape above. */
struct df_mega_set set_make(struct df_mega_view *view_out);
/* Fills ring and data with work that depends on the seed: built-in and user opcodes, faults too. */
void set_fill(const struct df_mega_view *view, uint64_t seed);

/* Copies of a set's memory, run through the reference. */
struct set_copy {
	struct ref_ring ref;
};
void copy_take(struct set_copy *copy, const struct df_mega_view *view);
void copy_drop(struct set_copy *copy);
/* Differences between the set and the copy, the first one printed. Log records may come in any order, and the values of
 * atomic adds and log records depend on it. */
unsigned copy_compare(const struct set_copy *copy, const struct df_mega_view *view, unsigned set);

#endif

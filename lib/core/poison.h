/* SPDX-License-Identifier: MIT */
/* poison.h - looking for the launch that hangs whenever it runs. The context's lock is held by all callers. */
#ifndef DF_CORE_POISON_H
#define DF_CORE_POISON_H

#include "core/context.h"

/* The slot, out of retries, is lost again: what it runs next. False: there is nothing more to try. */
bool df_poison_step(struct df_slot *slot);
/* Launches that may have been in flight, of a run other than the usual. */
void df_poison_locate(const struct df_slot *slot, uint64_t *first_out, uint64_t *end_out);
/* How many launches are done when the run with poison left out is. */
uint64_t df_poison_done(const struct df_slot *slot);

#endif

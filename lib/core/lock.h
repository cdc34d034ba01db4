/* SPDX-License-Identifier: MIT */
/*
 * lock.h - the context's lock: taken twice for each submission, so it is a futex with its fast path in line (one atomic
 * each way) in place of pthread's. 0: free, 1: taken, 2: taken and someone may sleep. Not recursive, not fair.
 */
#ifndef DF_CORE_LOCK_H
#define DF_CORE_LOCK_H

#include <stdatomic.h>
#include <stdint.h>

struct df_lock {
	_Atomic uint32_t state;
};

void df_lock_slow(struct df_lock *lock);
void df_unlock_slow(struct df_lock *lock);

static inline void df_lock_take(struct df_lock *lock)
{
	uint32_t was = 0;

	if (!atomic_compare_exchange_strong_explicit(&lock->state, &was, 1, memory_order_acquire, memory_order_relaxed))
		df_lock_slow(lock);
}

static inline void df_lock_give(struct df_lock *lock)
{
	if (atomic_exchange_explicit(&lock->state, 0, memory_order_release) == 2)
		df_unlock_slow(lock);
}

#endif

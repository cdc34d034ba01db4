/* SPDX-License-Identifier: MIT */
/* cp_mem.c - what command processors and DMA engines do to memory. */
#include "ring.h"
#include "strict_core.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

enum { POLL_SPINS = 256, POLL_SLEEP_NS = 20000 };

static int take_fault(struct gpu_ring *ring, const struct gpu_fault *fault)
{
	if (ring->fault.status == GPU_DONE) {
		ring->fault = *fault;
		ring->fault.launch = ring->job->launches;
		ring->fault.pc = 0;
	}
	return -EFAULT;
}

int gpu_ring_read(struct gpu_ring *ring, uint64_t va, void *to, size_t size_B)
{
	struct gpu_fault fault = {0};

	gpu_thread_refresh(&ring->reader);
	return gpu_tlb_read(&ring->reader.tlb, va, to, size_B, &fault) ? take_fault(ring, &fault) : 0;
}

int gpu_ring_write(struct gpu_ring *ring, uint64_t va, const void *from, size_t size_B)
{
	struct gpu_fault fault = {0};

	gpu_thread_refresh(&ring->reader);
	gpu_strict_cp_write(ring, va, size_B);
	return gpu_tlb_write(&ring->reader.tlb, va, from, size_B, &fault) ? take_fault(ring, &fault) : 0;
}

int gpu_ring_copy(struct gpu_ring *ring, uint64_t to, uint64_t from, uint64_t size_B)
{
	uint8_t buffer[GPU_PAGE_SIZE];

	while (size_B) {
		size_t part = GPU_PAGE_SIZE - (from & GPU_PAGE_MASK);
		int ret = gpu_ring_check(ring);

		if (part > size_B)
			part = (size_t)size_B;
		if (to > from && to - from < part) /* an ascending copy reads what it has just written */
			part = (size_t)(to - from);
		if (!ret)
			ret = gpu_ring_read(ring, from, buffer, part);
		if (!ret)
			ret = gpu_ring_write(ring, to, buffer, part);
		if (ret)
			return ret;
		to += part;
		from += part;
		size_B -= part;
	}
	return 0;
}

int gpu_ring_fill(struct gpu_ring *ring, uint64_t to, uint32_t value, uint64_t size_B)
{
	uint32_t buffer[GPU_PAGE_SIZE / 4];

	for (unsigned i = 0; i < GPU_PAGE_SIZE / 4; i++)
		buffer[i] = value;
	while (size_B) {
		/* Whole dwords of the pattern in every part, whatever the alignment of `to`. */
		size_t part = size_B < GPU_PAGE_SIZE ? (size_t)size_B : GPU_PAGE_SIZE;
		int ret = gpu_ring_check(ring);

		if (!ret)
			ret = gpu_ring_write(ring, to, buffer, part);
		if (ret)
			return ret;
		to += part;
		size_B -= part;
	}
	return 0;
}

bool gpu_compare(unsigned function, uint64_t value, uint64_t reference)
{
	switch (function) {
	case 1:
		return value < reference;
	case 2:
		return value <= reference;
	case 3:
		return value == reference;
	case 4:
		return value != reference;
	case 5:
		return value >= reference;
	case 6:
		return value > reference;
	default:
		return true; /* 0: always */
	}
}

int gpu_ring_poll(struct gpu_ring *ring, uint64_t va, unsigned function, uint64_t reference, uint64_t mask,
		  unsigned size_B)
{
	const struct timespec nap = {.tv_nsec = POLL_SLEEP_NS};
	struct gpu_vm *vm = ring->reader.tlb.vm;

	for (unsigned spin = 0;; spin++) {
		uint64_t value = 0;
		int ret = gpu_ring_check(ring);

		if (!ret)
			ret = gpu_ring_read(ring, va, &value, size_B);
		if (ret)
			return ret;
		if (gpu_compare(function, value & mask, reference))
			return 0;
		if (spin < POLL_SPINS) {
			sched_yield();
			continue;
		}
		if (ring->planned && gpu_ring_drain(ring))
			return -ECANCELED;
		gpu_thread_leave(&ring->reader);
		nanosleep(&nap, NULL);
		gpu_thread_enter(&ring->reader, vm);
	}
}

/* Operations of TC_OP, without its bits for return and width. */
enum tc_op {
	TC_SWAP = 0x07,
	TC_CMPSWAP = 0x08,
	TC_ADD = 0x0f,
	TC_SUB = 0x10,
	TC_SMIN = 0x11,
	TC_UMIN = 0x12,
	TC_SMAX = 0x13,
	TC_UMAX = 0x14,
	TC_AND = 0x15,
	TC_OR = 0x16,
	TC_XOR = 0x17,
	TC_INC = 0x18,
	TC_DEC = 0x19,
	TC_OP_MASK = 0x1f,
	TC_64 = 0x20,
};

static uint64_t sign_extend(uint64_t value, bool wide)
{
	return wide ? value : (uint64_t)(int64_t)(int32_t)(uint32_t)value;
}

/* False: no such operation. The high half of 32-bit results is ignored by the caller. */
static bool atomic_result(unsigned op, bool wide, uint64_t old, uint64_t source, uint64_t compare, uint64_t *new_out)
{
	const int64_t sold = (int64_t)sign_extend(old, wide), ssource = (int64_t)sign_extend(source, wide);

	switch (op) {
	case TC_SWAP:
		*new_out = source;
		return true;
	case TC_CMPSWAP:
		*new_out = old == compare ? source : old;
		return true;
	case TC_ADD:
		*new_out = old + source;
		return true;
	case TC_SUB:
		*new_out = old - source;
		return true;
	case TC_SMIN:
		*new_out = sold < ssource ? old : source;
		return true;
	case TC_UMIN:
		*new_out = old < source ? old : source;
		return true;
	case TC_SMAX:
		*new_out = sold > ssource ? old : source;
		return true;
	case TC_UMAX:
		*new_out = old > source ? old : source;
		return true;
	case TC_AND:
		*new_out = old & source;
		return true;
	case TC_OR:
		*new_out = old | source;
		return true;
	case TC_XOR:
		*new_out = old ^ source;
		return true;
	case TC_INC:
		*new_out = old >= source ? 0 : old + 1;
		return true;
	case TC_DEC:
		*new_out = old == 0 || old > source ? source : old - 1;
		return true;
	default:
		return false;
	}
}

static uint64_t host_atomic32(uint32_t *host, unsigned op, uint32_t source, uint32_t compare)
{
	uint32_t old = __atomic_load_n(host, __ATOMIC_RELAXED), result;
	uint64_t wide;

	do {
		atomic_result(op, false, old, source, compare, &wide);
		result = (uint32_t)wide;
	} while (!__atomic_compare_exchange_n(host, &old, result, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return old;
}

static uint64_t host_atomic64(uint64_t *host, unsigned op, uint64_t source, uint64_t compare)
{
	uint64_t old = __atomic_load_n(host, __ATOMIC_RELAXED), result;

	do {
		atomic_result(op, true, old, source, compare, &result);
	} while (!__atomic_compare_exchange_n(host, &old, result, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return old;
}

int gpu_ring_atomic(struct gpu_ring *ring, unsigned op, uint64_t va, uint64_t source, uint64_t compare,
		    uint64_t *old_out)
{
	const bool wide = op & TC_64;
	const unsigned size_B = wide ? 8 : 4;
	struct gpu_fault fault = {0};
	uint64_t old = 0, unused;
	void *host;

	if (!atomic_result(op & TC_OP_MASK, wide, 0, 0, 0, &unused))
		return gpu_ring_refuse(ring, "atomic operation 0x%02x is refused: the model has the integer ones", op);
	if (va % size_B)
		return gpu_ring_refuse(ring, "atomic at 0x%llx is not aligned to %u bytes", (unsigned long long)va,
				       size_B);
	gpu_thread_refresh(&ring->reader);
	gpu_strict_cp_write(ring, va, size_B);
	host = gpu_tlb_ptr(&ring->reader.tlb, va, size_B, GPU_READ | GPU_WRITE, &fault);
	if (!host) { /* a fault, or a PRT page: both are the write's to handle */
		if (gpu_tlb_write(&ring->reader.tlb, va, &old, size_B, &fault))
			return take_fault(ring, &fault);
	} else if (wide) {
		old = host_atomic64(host, op & TC_OP_MASK, source, compare);
	} else {
		old = host_atomic32(host, op & TC_OP_MASK, (uint32_t)source, (uint32_t)compare);
	}
	if (old_out)
		*old_out = old;
	return 0;
}

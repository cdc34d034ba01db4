/* SPDX-License-Identifier: MIT */
/*
 * mem_atomic.c - atomics on guest memory, by host atomics, so that they are whole across host threads and rings.
 *
 * Float minimum and maximum take the other operand when one is a NaN and order -0 below +0, as LLVM's atomicrmw
 * fmin/fmax, which it selects these instructions for. Float compare-and-swap compares as floats: -0 equals +0, a NaN
 * equals nothing. Denormals are kept.
 */
#include "gpu/isa/mem.h"
#include "gpu/strict.h"

#include <errno.h>
#include <string.h>

static float as_f32(uint32_t v)
{
	float f;

	memcpy(&f, &v, 4);
	return f;
}

static double as_f64(uint64_t v)
{
	double f;

	memcpy(&f, &v, 8);
	return f;
}

static uint32_t fadd32(uint32_t a, uint32_t b)
{
	float f = as_f32(a) + as_f32(b);
	uint32_t v;

	memcpy(&v, &f, 4);
	return f != f ? 0x7fc00000 : v;
}

static bool nan32(uint32_t v)
{
	return (v & 0x7fffffff) > 0x7f800000;
}

static bool nan64(uint64_t v)
{
	return (v & 0x7fffffffffffffff) > 0x7ff0000000000000;
}

/* A total order of all that is not a NaN, -0 below +0. */
static int32_t order32(uint32_t v)
{
	return v & 0x80000000 ? (int32_t)(0x7fffffff - (v & 0x7fffffff)) - 0x7fffffff - 1 : (int32_t)v;
}

static int64_t order64(uint64_t v)
{
	return v >> 63 ? (int64_t)(0x7fffffffffffffff - (v & 0x7fffffffffffffff)) - 0x7fffffffffffffff - 1 : (int64_t)v;
}

static uint32_t fminmax32(uint32_t old, uint32_t a, bool max)
{
	if (nan32(old))
		return a;
	if (nan32(a))
		return old;
	return (order32(a) < order32(old)) != max ? a : old;
}

static uint64_t fminmax64(uint64_t old, uint64_t a, bool max)
{
	if (nan64(old))
		return a;
	if (nan64(a))
		return old;
	return (order64(a) < order64(old)) != max ? a : old;
}

uint64_t mem_atomic_new64(enum mem_atomic op, uint64_t old, uint64_t a, uint64_t b)
{
	switch (op) {
	case MEM_SWAP:
		return a;
	case MEM_CMPSWAP:
		return old == b ? a : old;
	case MEM_ADD:
		return old + a;
	case MEM_SUB:
		return old - a;
	case MEM_RSUB:
		return a - old;
	case MEM_CSUB:
		return old < a ? 0 : old - a;
	case MEM_SMIN:
		return (int64_t)a < (int64_t)old ? a : old;
	case MEM_UMIN:
		return a < old ? a : old;
	case MEM_SMAX:
		return (int64_t)a > (int64_t)old ? a : old;
	case MEM_UMAX:
		return a > old ? a : old;
	case MEM_AND:
		return old & a;
	case MEM_OR:
		return old | a;
	case MEM_XOR:
		return old ^ a;
	case MEM_INC:
		return old >= a ? 0 : old + 1;
	case MEM_DEC:
		return old == 0 || old > a ? a : old - 1;
	case MEM_FCMPSWAP:
		return as_f64(old) == as_f64(b) ? a : old;
	case MEM_FMIN:
		return fminmax64(old, a, false);
	case MEM_FMAX:
		return fminmax64(old, a, true);
	case MEM_MSKOR:
		return (old & ~a) | b;
	default:
		return old;
	}
}

/* Of 32 bits all that has neither a sign nor is a number of floating point is the low half of the same in 64. */
uint32_t mem_atomic_new32(enum mem_atomic op, uint32_t old, uint32_t a, uint32_t b)
{
	switch (op) {
	case MEM_SMIN:
		return (int32_t)a < (int32_t)old ? a : old;
	case MEM_SMAX:
		return (int32_t)a > (int32_t)old ? a : old;
	case MEM_FCMPSWAP:
		return as_f32(old) == as_f32(b) ? a : old;
	case MEM_FMIN:
		return fminmax32(old, a, false);
	case MEM_FMAX:
		return fminmax32(old, a, true);
	case MEM_WRAP:
		return old >= a ? old - a : old + b;
	case MEM_FADD:
		return fadd32(old, a);
	default:
		return (uint32_t)mem_atomic_new64(op, old, a, b);
	}
}

/* Sequentially consistent: stronger than the guest asks for, and what a locked x86 instruction is anyway. */
static uint32_t host_atomic32(uint32_t *p, enum mem_atomic op, uint32_t a, uint32_t b)
{
	uint32_t old;

	switch (op) {
	case MEM_SWAP:
		return __atomic_exchange_n(p, a, __ATOMIC_SEQ_CST);
	case MEM_ADD:
		return __atomic_fetch_add(p, a, __ATOMIC_SEQ_CST);
	case MEM_SUB:
		return __atomic_fetch_sub(p, a, __ATOMIC_SEQ_CST);
	case MEM_AND:
		return __atomic_fetch_and(p, a, __ATOMIC_SEQ_CST);
	case MEM_OR:
		return __atomic_fetch_or(p, a, __ATOMIC_SEQ_CST);
	case MEM_XOR:
		return __atomic_fetch_xor(p, a, __ATOMIC_SEQ_CST);
	case MEM_CMPSWAP:
		old = b;
		__atomic_compare_exchange_n(p, &old, a, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		return old;
	default:
		old = __atomic_load_n(p, __ATOMIC_RELAXED);
		while (!__atomic_compare_exchange_n(p, &old, mem_atomic_new32(op, old, a, b), true, __ATOMIC_SEQ_CST,
						    __ATOMIC_RELAXED))
			;
		return old;
	}
}

static uint64_t host_atomic64(uint64_t *p, enum mem_atomic op, uint64_t a, uint64_t b)
{
	uint64_t old;

	switch (op) {
	case MEM_SWAP:
		return __atomic_exchange_n(p, a, __ATOMIC_SEQ_CST);
	case MEM_ADD:
		return __atomic_fetch_add(p, a, __ATOMIC_SEQ_CST);
	case MEM_SUB:
		return __atomic_fetch_sub(p, a, __ATOMIC_SEQ_CST);
	case MEM_AND:
		return __atomic_fetch_and(p, a, __ATOMIC_SEQ_CST);
	case MEM_OR:
		return __atomic_fetch_or(p, a, __ATOMIC_SEQ_CST);
	case MEM_XOR:
		return __atomic_fetch_xor(p, a, __ATOMIC_SEQ_CST);
	case MEM_CMPSWAP:
		old = b;
		__atomic_compare_exchange_n(p, &old, a, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		return old;
	default:
		old = __atomic_load_n(p, __ATOMIC_RELAXED);
		while (!__atomic_compare_exchange_n(p, &old, mem_atomic_new64(op, old, a, b), true, __ATOMIC_SEQ_CST,
						    __ATOMIC_RELAXED))
			;
		return old;
	}
}

/* No page to work on: what can be read is returned, the write is dropped or faults. */
static int atomic_nowhere(struct gpu_wave *w, uint64_t va, void *old_out, unsigned size_B)
{
	bool readable = gpu_tlb_ptr(w->tlb, va, size_B, GPU_READ, &w->fault);

	memset(old_out, 0, size_B);
	if (gpu_tlb_read(w->tlb, va, old_out, size_B, &w->fault))
		return -EFAULT;
	return readable ? gpu_tlb_write(w->tlb, va, old_out, size_B, &w->fault) : 0;
}

int mem_atomic32(struct gpu_wave *w, uint64_t va, enum mem_atomic op, uint32_t a, uint32_t b, uint32_t *old_out)
{
	uint32_t *p;

	va &= ~3ull;
	gpu_strict_load(w, va, 4, GPU_STRICT_L2);
	gpu_strict_store(w, va, 4, GPU_STRICT_L2);
	p = gpu_tlb_ptr(w->tlb, va, 4, GPU_READ | GPU_WRITE, &w->fault);
	if (MEM_UNLIKELY(!p))
		return atomic_nowhere(w, va, old_out, 4);
	*old_out = host_atomic32(p, op, a, b);
	return 0;
}

int mem_atomic64(struct gpu_wave *w, uint64_t va, enum mem_atomic op, uint64_t a, uint64_t b, uint64_t *old_out)
{
	uint64_t *p;

	va &= ~7ull;
	gpu_strict_load(w, va, 8, GPU_STRICT_L2);
	gpu_strict_store(w, va, 8, GPU_STRICT_L2);
	p = gpu_tlb_ptr(w->tlb, va, 8, GPU_READ | GPU_WRITE, &w->fault);
	if (MEM_UNLIKELY(!p))
		return atomic_nowhere(w, va, old_out, 8);
	*old_out = host_atomic64(p, op, a, b);
	return 0;
}

int mem_atomic_half(struct gpu_wave *w, const struct gpu_inst *in, const struct mem_half *h, unsigned data,
		    unsigned src_code, unsigned dst_code)
{
	enum mem_atomic op = (enum mem_atomic)(data & 0xff);
	bool cmp = op == MEM_CMPSWAP || op == MEM_FCMPSWAP, back = in->glc;
	const uint32_t *s = mem_vgpr(w, src_code, h->first);
	uint32_t *d = back ? mem_vgpr(w, dst_code, h->first) : NULL;
	size_t row = w->lanes;

	for (uint32_t m = h->mask; m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m);

		if (data & MEM_X2) {
			uint64_t a = s[l] | (uint64_t)s[row + l] << 32, old;
			uint64_t b = cmp ? s[2 * row + l] | (uint64_t)s[3 * row + l] << 32 : 0;

			if (mem_atomic64(w, h->va[l], op, a, b, &old))
				return -EFAULT;
			if (back) {
				d[l] = (uint32_t)old;
				d[row + l] = (uint32_t)(old >> 32);
			}
		} else {
			uint32_t old;

			if (mem_atomic32(w, h->va[l], op, s[l], cmp ? s[row + l] : 0, &old))
				return -EFAULT;
			if (back)
				d[l] = old;
		}
	}
	return 0;
}

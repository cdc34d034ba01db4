/* SPDX-License-Identifier: MIT */
/*
 * mem_access.c - the access engine: one element a lane between guest memory and VGPRs.
 *
 * Shapes, cheapest first: all 32 lanes active and their elements one after the other inside a page; one address for
 * all lanes; anything else lane by lane.
 */
#include "gpu/isa/mem.h"
#include "gpu/strict.h"

#include <errno.h>
#include <string.h>

const uint8_t mem_kind_size[MEM_KINDS] = {1, 1, 2, 2, 4, 8, 12, 16, 1, 1, 1, 1, 2, 2};
const uint8_t mem_kind_regs[MEM_KINDS] = {1, 1, 1, 1, 1, 2, 3, 4, 1, 1, 1, 1, 1, 1};

#define PAGE_MASK 4095u

enum gpu_step mem_page_fault(struct gpu_wave *w, const struct gpu_inst *in)
{
	struct gpu_fault *f = &w->fault;

	f->status = GPU_FAULT_PAGE;
	f->pc = w->pc - in->size_dw * 4u;
	f->launch = w->launch;
	if (w->group)
		memcpy(f->group, w->group->id, sizeof(f->group));
	f->wave = w->index;
	return GPU_STEP_FAULT;
}

enum gpu_step mem_refuse(struct gpu_wave *w, const struct gpu_inst *in, const char *why)
{
	return gpu_wave_fault(w, GPU_FAULT_OPCODE, w->pc - in->size_dw * 4u, "%s refused: %s", in->op->name, why);
}

enum gpu_step mem_refuse_regs(struct gpu_wave *w, const struct gpu_inst *in)
{
	return mem_refuse(w, in, "a VGPR operand lies outside the registers that the wave has");
}

void mem_unpack(enum mem_kind kind, const uint8_t *b, uint32_t *d)
{
	uint32_t half = b[0] | (mem_kind_size[kind] > 1 ? (uint32_t)b[1] << 8 : 0);

	switch (kind) {
	case MEM_U8:
		d[0] = b[0];
		break;
	case MEM_I8:
		d[0] = (uint32_t)(int8_t)b[0];
		break;
	case MEM_U16:
		d[0] = half;
		break;
	case MEM_I16:
		d[0] = (uint32_t)(int16_t)half;
		break;
	case MEM_U8_LO:
		d[0] = (d[0] & 0xffff0000) | b[0];
		break;
	case MEM_U8_HI:
		d[0] = (d[0] & 0xffff) | (uint32_t)b[0] << 16;
		break;
	case MEM_I8_LO:
		d[0] = (d[0] & 0xffff0000) | (uint16_t)(int8_t)b[0];
		break;
	case MEM_I8_HI:
		d[0] = (d[0] & 0xffff) | (uint32_t)(int8_t)b[0] << 16;
		break;
	case MEM_B16_LO:
		d[0] = (d[0] & 0xffff0000) | half;
		break;
	case MEM_B16_HI:
		d[0] = (d[0] & 0xffff) | half << 16;
		break;
	default:
		memcpy(d, b, mem_kind_size[kind]);
		break;
	}
}

void mem_pack(enum mem_kind kind, const uint32_t *d, uint8_t *b)
{
	switch (kind) {
	case MEM_U8_HI:
	case MEM_I8_HI:
		b[0] = (uint8_t)(d[0] >> 16);
		break;
	case MEM_B16_HI:
		b[0] = (uint8_t)(d[0] >> 16);
		b[1] = (uint8_t)(d[0] >> 24);
		break;
	default:
		memcpy(b, d, mem_kind_size[kind]);
		break;
	}
}

static enum gpu_strict_path strict_path(const struct gpu_inst *in)
{
	return !in->glc ? GPU_STRICT_VECTOR : in->dlc ? GPU_STRICT_L2 : GPU_STRICT_VECTOR_GLC;
}

static void strict_half(struct gpu_wave *w, const struct gpu_inst *in, const struct mem_half *h, unsigned size_B,
			bool store)
{
	for (unsigned l = 0; l < MEM_HALF; l++) {
		if (!(h->mask >> l & 1))
			continue;
		if (store)
			gpu_strict_store(w, h->va[l], size_B, GPU_STRICT_L2);
		else
			gpu_strict_load(w, h->va[l], size_B, strict_path(in));
	}
}

/* Whole dwords one after the other, then what is left. The bytes may be guest memory on either side. */
MEM_INLINE void copy_dwords(uint8_t *to, const uint8_t *from, unsigned size_B)
{
	unsigned i = 0;

	for (; i + 4 <= size_B; i += 4)
		*(volatile mem_u32 *)(to + i) = *(const volatile mem_u32 *)(from + i);
	for (; i < size_B; i++)
		to[i] = from[i];
}

MEM_GUEST int mem_read_lane(struct gpu_wave *w, const struct gpu_inst *in, uint64_t va, void *to, unsigned size_B)
{
	const uint8_t *p = NULL;

	gpu_strict_load(w, va, size_B, strict_path(in));
	if ((va & PAGE_MASK) + size_B <= PAGE_MASK + 1)
		p = gpu_tlb_ptr(w->tlb, va, size_B, GPU_READ, &w->fault);
	if (MEM_UNLIKELY(!p))
		return gpu_tlb_read(w->tlb, va, to, size_B, &w->fault);
	copy_dwords(to, p, size_B);
	return 0;
}

MEM_GUEST int mem_write_lane(struct gpu_wave *w, const struct gpu_inst *in, uint64_t va, const void *from,
			     unsigned size_B)
{
	uint8_t *p = NULL;

	(void)in;
	gpu_strict_store(w, va, size_B, GPU_STRICT_L2);
	if ((va & PAGE_MASK) + size_B <= PAGE_MASK + 1)
		p = gpu_tlb_ptr(w->tlb, va, size_B, GPU_WRITE, &w->fault);
	if (MEM_UNLIKELY(!p))
		return gpu_tlb_write(w->tlb, va, from, size_B, &w->fault);
	copy_dwords(p, from, size_B);
	return 0;
}

/* Lane l's address is that of lane 0 plus l elements. */
MEM_INLINE bool consecutive(const uint64_t *va, unsigned size_B, unsigned lanes)
{
	mem_q2 want = {va[0], va[0] + size_B}, step = {2ull * size_B, 2ull * size_B}, bad = {0, 0};

	for (unsigned l = 0; l < lanes; l += 2, want += step)
		bad |= *(const mem_q2 *)(va + l) ^ want;
	return !(bad[0] | bad[1]);
}

MEM_INLINE bool uniform(const uint64_t *va, unsigned lanes)
{
	mem_q2 want = {va[0], va[0]}, bad = {0, 0};

	for (unsigned l = 0; l < lanes; l += 2)
		bad |= *(const mem_q2 *)(va + l) ^ want;
	return !(bad[0] | bad[1]);
}

/* Four dwords of four lanes, memory order to register order or back. */
MEM_INLINE void transpose4(mem_v4 *a, mem_v4 *b, mem_v4 *c, mem_v4 *d)
{
	mem_v4 t0 = __builtin_shufflevector(*a, *b, 0, 4, 1, 5), t1 = __builtin_shufflevector(*a, *b, 2, 6, 3, 7);
	mem_v4 t2 = __builtin_shufflevector(*c, *d, 0, 4, 1, 5), t3 = __builtin_shufflevector(*c, *d, 2, 6, 3, 7);

	*a = __builtin_shufflevector(t0, t2, 0, 1, 4, 5);
	*b = __builtin_shufflevector(t0, t2, 2, 3, 6, 7);
	*c = __builtin_shufflevector(t1, t3, 0, 1, 4, 5);
	*d = __builtin_shufflevector(t1, t3, 2, 3, 6, 7);
}

#define V4(p)  (*(mem_v4 *)(p))
#define CV4(p) (*(const mem_v4 *)(p))

/* Elements of n dwords from p to rows d, d + row, ... */
MEM_INLINE void scatter_rows(uint32_t *d, size_t row, const uint8_t *p, unsigned n, unsigned lanes)
{
	for (unsigned l = 0; l < lanes; l += 4) {
		const uint8_t *q = p + (size_t)l * n * 4;

		if (n == 1) {
			V4(d + l) = CV4(q);
		} else if (n == 2) {
			mem_v4 a = CV4(q), b = CV4(q + 16);

			V4(d + l) = __builtin_shufflevector(a, b, 0, 2, 4, 6);
			V4(d + row + l) = __builtin_shufflevector(a, b, 1, 3, 5, 7);
		} else if (n == 4) {
			mem_v4 a = CV4(q), b = CV4(q + 16), c = CV4(q + 32), e = CV4(q + 48);

			transpose4(&a, &b, &c, &e);
			V4(d + l) = a;
			V4(d + row + l) = b;
			V4(d + 2 * row + l) = c;
			V4(d + 3 * row + l) = e;
		} else {
			for (unsigned i = 0; i < 4 * n; i++)
				d[(i % n) * row + l + i / n] = ((const volatile mem_u32 *)q)[i];
		}
	}
}

MEM_INLINE void gather_rows(const uint32_t *d, size_t row, uint8_t *p, unsigned n)
{
	for (unsigned l = 0; l < MEM_HALF; l += 4) {
		uint8_t *q = p + (size_t)l * n * 4;

		if (n == 1) {
			V4(q) = CV4(d + l);
		} else if (n == 2) {
			mem_v4 a = CV4(d + l), b = CV4(d + row + l);

			V4(q) = __builtin_shufflevector(a, b, 0, 4, 1, 5);
			V4(q + 16) = __builtin_shufflevector(a, b, 2, 6, 3, 7);
		} else if (n == 4) {
			mem_v4 a = CV4(d + l), b = CV4(d + row + l), c = CV4(d + 2 * row + l), e = CV4(d + 3 * row + l);

			transpose4(&a, &b, &c, &e);
			V4(q) = a;
			V4(q + 16) = b;
			V4(q + 32) = c;
			V4(q + 48) = e;
		} else {
			for (unsigned i = 0; i < 4 * n; i++)
				((volatile mem_u32 *)q)[i] = d[(i % n) * row + l + i / n];
		}
	}
}

/* Looked up for each lane: a table hit costs less than a wrong guess that the lane before had the same page. */
MEM_INLINE uint8_t *lane_ptr(struct gpu_wave *w, uint64_t va, unsigned size_B, unsigned access)
{
	if (MEM_UNLIKELY((va & PAGE_MASK) > PAGE_MASK + 1 - size_B))
		return NULL;
	return gpu_tlb_ptr(w->tlb, va, size_B, access, &w->fault);
}

/* 32 elements of n dwords inside one page that allows the access; NULL else, and in strict mode. */
MEM_INLINE uint8_t *row_ptr(struct gpu_wave *w, uint64_t va, unsigned n, unsigned access)
{
	if (w->strict || (va & PAGE_MASK) + MEM_HALF * 4 * n > PAGE_MASK + 1)
		return NULL;
	return gpu_tlb_ptr(w->tlb, va, MEM_HALF * 4 * n, access, &w->fault);
}

MEM_INLINE int load_lane_dwords(struct gpu_wave *w, uint64_t va, uint32_t *d, size_t row, unsigned n)
{
	const uint8_t *p = lane_ptr(w, va, n * 4, GPU_READ);
	uint32_t slow[4];

	if (MEM_UNLIKELY(!p)) {
		if (gpu_tlb_read(w->tlb, va, slow, n * 4, &w->fault))
			return -EFAULT;
		p = (const uint8_t *)slow;
	}
	for (unsigned i = 0; i < n; i++)
		d[i * row] = ((const volatile mem_u32 *)p)[i];
	return 0;
}

MEM_INLINE int store_lane_dwords(struct gpu_wave *w, uint64_t va, const uint32_t *d, size_t row, unsigned n)
{
	uint8_t *p = lane_ptr(w, va, n * 4, GPU_WRITE);
	uint32_t slow[4];

	if (__builtin_expect(p != NULL, 1)) {
		for (unsigned i = 0; i < n; i++)
			((volatile mem_u32 *)p)[i] = d[i * row];
		return 0;
	}
	for (unsigned i = 0; i < n; i++)
		slow[i] = d[i * row];
	return gpu_tlb_write(w->tlb, va, slow, n * 4, &w->fault);
}

MEM_INLINE int load_each(struct gpu_wave *w, const struct mem_half *h, uint32_t *d, size_t row, unsigned n)
{
	if (h->mask == ~0u) {
		for (unsigned l = 0; l < MEM_HALF; l++)
			if (load_lane_dwords(w, h->va[l], d + l, row, n))
				return -EFAULT;
		return 0;
	}
	for (uint32_t m = h->mask; m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m);

		if (load_lane_dwords(w, h->va[l], d + l, row, n))
			return -EFAULT;
	}
	return 0;
}

/* Lanes that are all on and read one after the other, or all the same; false when they do neither, or not in a page. */
MEM_INLINE bool load_run(struct gpu_wave *w, const uint64_t *va, uint32_t *d, size_t row, unsigned n, unsigned lanes)
{
	const uint8_t *p;

	if (consecutive(va, n * 4, lanes)) {
		if ((va[0] & PAGE_MASK) + lanes * 4 * n > PAGE_MASK + 1)
			return false;
		p = gpu_tlb_ptr(w->tlb, va[0], lanes * 4 * n, GPU_READ, &w->fault);
		if (p)
			scatter_rows(d, row, p, n, lanes);
		return p != NULL;
	}
	if (!uniform(va, lanes) || (va[0] & PAGE_MASK) + 4 * n > PAGE_MASK + 1)
		return false;
	p = gpu_tlb_ptr(w->tlb, va[0], 4 * n, GPU_READ, &w->fault);
	for (unsigned i = 0; p && i < n; i++) {
		uint32_t v = ((const volatile mem_u32 *)p)[i];

		for (unsigned l = 0; l < lanes; l++)
			d[i * row + l] = v;
	}
	return p != NULL;
}

/* Rows of a workgroup that is 16 wide lie in halves of these 32 lanes. */
#define ROW_LANES 16u

MEM_INLINE int load_dwords(struct gpu_wave *w, const struct mem_half *h, uint32_t *d, size_t row, unsigned n)
{
	if (h->mask != ~0u)
		return load_each(w, h, d, row, n);
	if (load_run(w, h->va, d, row, n, MEM_HALF))
		return 0;
	for (unsigned at = 0; at < MEM_HALF; at += ROW_LANES) {
		if (load_run(w, h->va + at, d + at, row, n, ROW_LANES))
			continue;
		for (unsigned l = at; l < at + ROW_LANES; l++)
			if (load_lane_dwords(w, h->va[l], d + l, row, n))
				return -EFAULT;
	}
	return 0;
}

MEM_INLINE int store_dwords(struct gpu_wave *w, const struct mem_half *h, const uint32_t *d, size_t row, unsigned n)
{
	uint64_t va = h->va[0];
	uint8_t *p;

	if (h->mask == ~0u && consecutive(h->va, n * 4, MEM_HALF) &&
	    (va & PAGE_MASK) + MEM_HALF * 4 * n <= PAGE_MASK + 1 &&
	    (p = gpu_tlb_ptr(w->tlb, va, MEM_HALF * 4 * n, GPU_WRITE, &w->fault))) {
		gather_rows(d, row, p, n);
		return 0;
	}
	for (uint32_t m = h->mask; m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m);

		if (store_lane_dwords(w, h->va[l], d + l, row, n))
			return -EFAULT;
	}
	return 0;
}

/* Bytes and halves: one host access each. */
MEM_GUEST static int load_small(struct gpu_wave *w, const struct mem_half *h, uint32_t *d, enum mem_kind kind)
{
	unsigned size_B = mem_kind_size[kind];

	for (uint32_t m = h->mask; m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m);
		const uint8_t *p = lane_ptr(w, h->va[l], size_B, GPU_READ);
		uint8_t bytes[2] = {0, 0};

		if (MEM_UNLIKELY(!p)) {
			if (gpu_tlb_read(w->tlb, h->va[l], bytes, size_B, &w->fault))
				return -EFAULT;
		} else if (size_B == 1) {
			bytes[0] = *(const volatile uint8_t *)p;
		} else {
			mem_u16 v = *(const volatile mem_u16 *)p;

			memcpy(bytes, &v, 2);
		}
		mem_unpack(kind, bytes, d + l);
	}
	return 0;
}

MEM_GUEST static int store_small(struct gpu_wave *w, const struct mem_half *h, const uint32_t *d, enum mem_kind kind)
{
	unsigned size_B = mem_kind_size[kind];

	for (uint32_t m = h->mask; m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m);
		uint8_t *p = lane_ptr(w, h->va[l], size_B, GPU_WRITE);
		uint8_t bytes[2];
		uint16_t v;

		mem_pack(kind, d + l, bytes);
		if (MEM_UNLIKELY(!p)) {
			if (gpu_tlb_write(w->tlb, h->va[l], bytes, size_B, &w->fault))
				return -EFAULT;
		} else if (size_B == 1) {
			*(volatile uint8_t *)p = bytes[0];
		} else {
			memcpy(&v, bytes, 2);
			*(volatile mem_u16 *)p = v;
		}
	}
	return 0;
}

MEM_GUEST bool mem_load_row(struct gpu_wave *w, uint64_t va, unsigned first, unsigned code, unsigned n)
{
	uint32_t *d = mem_vgpr(w, code, first);
	const uint8_t *p = row_ptr(w, va, n, GPU_READ);

	if (!p)
		return false;
	switch (n) {
	case 1:
		scatter_rows(d, w->lanes, p, 1, MEM_HALF);
		return true;
	case 2:
		scatter_rows(d, w->lanes, p, 2, MEM_HALF);
		return true;
	case 3:
		scatter_rows(d, w->lanes, p, 3, MEM_HALF);
		return true;
	default:
		scatter_rows(d, w->lanes, p, 4, MEM_HALF);
		return true;
	}
}

MEM_GUEST bool mem_store_row(struct gpu_wave *w, uint64_t va, unsigned first, unsigned code, unsigned n)
{
	const uint32_t *d = mem_vgpr(w, code, first);
	uint8_t *p = row_ptr(w, va, n, GPU_WRITE);

	if (!p)
		return false;
	switch (n) {
	case 1:
		gather_rows(d, w->lanes, p, 1);
		return true;
	case 2:
		gather_rows(d, w->lanes, p, 2);
		return true;
	case 3:
		gather_rows(d, w->lanes, p, 3);
		return true;
	default:
		gather_rows(d, w->lanes, p, 4);
		return true;
	}
}

MEM_GUEST int mem_load(struct gpu_wave *w, const struct gpu_inst *in, const struct mem_half *h, unsigned code,
		       enum mem_kind kind)
{
	uint32_t *d = mem_vgpr(w, code, h->first);
	size_t row = w->lanes;

	if (MEM_UNLIKELY(w->strict != NULL))
		strict_half(w, in, h, mem_kind_size[kind], false);
	switch (kind) {
	case MEM_B32:
		return load_dwords(w, h, d, row, 1);
	case MEM_B64:
		return load_dwords(w, h, d, row, 2);
	case MEM_B96:
		return load_dwords(w, h, d, row, 3);
	case MEM_B128:
		return load_dwords(w, h, d, row, 4);
	default:
		return load_small(w, h, d, kind);
	}
}

MEM_GUEST int mem_store(struct gpu_wave *w, const struct gpu_inst *in, const struct mem_half *h, unsigned code,
			enum mem_kind kind)
{
	const uint32_t *d = mem_vgpr(w, code, h->first);
	size_t row = w->lanes;

	if (MEM_UNLIKELY(w->strict != NULL))
		strict_half(w, in, h, mem_kind_size[kind], true);
	switch (kind) {
	case MEM_B32:
		return store_dwords(w, h, d, row, 1);
	case MEM_B64:
		return store_dwords(w, h, d, row, 2);
	case MEM_B96:
		return store_dwords(w, h, d, row, 3);
	case MEM_B128:
		return store_dwords(w, h, d, row, 4);
	default:
		return store_small(w, h, d, kind);
	}
}

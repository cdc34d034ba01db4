/* SPDX-License-Identifier: MIT */
/*
 * mem_flat.c - FLAT, GLOBAL and SCRATCH (RDNA2 ISA, "Flat Memory Instructions"; LLVM's AMDGPUUsage, "Address Spaces").
 *
 * Scratch is dword-interleaved: byte b of lane l's private segment lies at
 *     flat_scratch + (b / 4) * lanes * 4 + l * 4 + b % 4
 * so an element longer than a dword, or across two, is several accesses. The wave's scratch size is not known to the
 * address unit in this model: an offset beyond it reaches the memory behind.
 *
 * A flat address whose high dword is that of an aperture goes to LDS or to scratch; its low dword is the offset there.
 */
#include "gpu/isa/mem.h"

#include <errno.h>
#include <string.h>

#define NO_SADDR 125
#define NO_ADDR  127 /* scratch: neither VGPR nor SGPR (gfx10.3's ST mode); elsewhere the older code of NO_SADDR */

static bool has_saddr(const struct gpu_inst *in)
{
	return in->src[2] != NO_SADDR && in->src[2] != NO_ADDR;
}

/* False when an operand register does not exist. */
static bool operands_ok(const struct gpu_wave *w, const struct gpu_inst *in, unsigned addr_regs, unsigned code,
			unsigned regs)
{
	return !(addr_regs && mem_regs_bad(w, in->src[0], addr_regs)) && !(regs && mem_regs_bad(w, code, regs));
}

static void global_half(const struct gpu_wave *w, const struct gpu_inst *in, struct mem_half *h)
{
	const uint32_t *a = mem_vgpr(w, in->src[0], h->first), *hi = a + w->lanes;
	uint64_t base = (uint64_t)(int64_t)in->imm;

	if (has_saddr(in)) {
		base += mem_sgpr64(w, in->src[2]);
		for (unsigned l = 0; l < MEM_HALF; l++)
			h->va[l] = base + a[l];
	} else {
		for (unsigned l = 0; l < MEM_HALF; l++)
			h->va[l] = (a[l] | (uint64_t)hi[l] << 32) + base;
	}
}

/* Elements of n dwords of 32 active lanes, one after the other: where they begin. */
static bool global_row(const struct gpu_wave *w, const struct gpu_inst *in, unsigned first, unsigned n,
		       uint64_t *va_out)
{
	const uint32_t *a = mem_vgpr(w, in->src[0], first), *hi = a + w->lanes;

	if (!mem_values_rise(a, n * 4))
		return false;
	if (has_saddr(in)) {
		*va_out = mem_sgpr64(w, in->src[2]) + a[0] + (uint64_t)(int64_t)in->imm;
		return true;
	}
	*va_out = (a[0] | (uint64_t)hi[0] << 32) + (uint64_t)(int64_t)in->imm;
	return mem_values_same(hi);
}

enum gpu_step mem_global_load(struct gpu_wave *w, const struct gpu_inst *in)
{
	enum mem_kind kind = (enum mem_kind)in->op->data;
	struct mem_half h;
	uint64_t va;

	if (MEM_UNLIKELY(!operands_ok(w, in, has_saddr(in) ? 1 : 2, in->dst, mem_kind_regs[kind])))
		return mem_refuse_regs(w, in);
	if (MEM_UNLIKELY(in->lds))
		return mem_refuse(w, in, "loads to LDS do not exist in this encoding");
	for (h.first = 0; h.first < w->lanes; h.first += MEM_HALF) {
		h.mask = mem_exec_half(w, h.first);
		if (!h.mask)
			continue;
		if (h.mask == ~0u && mem_kind_size[kind] >= 4 && global_row(w, in, h.first, mem_kind_regs[kind], &va) &&
		    mem_load_row(w, va, h.first, in->dst, mem_kind_regs[kind]))
			continue;
		global_half(w, in, &h);
		if (MEM_UNLIKELY(mem_load(w, in, &h, in->dst, kind)))
			return mem_page_fault(w, in);
	}
	return GPU_STEP_NEXT;
}

enum gpu_step mem_global_store(struct gpu_wave *w, const struct gpu_inst *in)
{
	enum mem_kind kind = (enum mem_kind)in->op->data;
	struct mem_half h;
	uint64_t va;

	if (MEM_UNLIKELY(!operands_ok(w, in, has_saddr(in) ? 1 : 2, in->src[1], mem_kind_regs[kind])))
		return mem_refuse_regs(w, in);
	for (h.first = 0; h.first < w->lanes; h.first += MEM_HALF) {
		h.mask = mem_exec_half(w, h.first);
		if (!h.mask)
			continue;
		if (h.mask == ~0u && mem_kind_size[kind] >= 4 && global_row(w, in, h.first, mem_kind_regs[kind], &va) &&
		    mem_store_row(w, va, h.first, in->src[1], mem_kind_regs[kind]))
			continue;
		global_half(w, in, &h);
		if (MEM_UNLIKELY(mem_store(w, in, &h, in->src[1], kind)))
			return mem_page_fault(w, in);
	}
	return GPU_STEP_NEXT;
}

static bool atomic_operands_ok(const struct gpu_wave *w, const struct gpu_inst *in, unsigned addr_regs)
{
	unsigned data = (unsigned)in->op->data;

	return operands_ok(w, in, addr_regs, in->src[1], mem_atomic_src_regs(data)) &&
	       !(in->glc && mem_regs_bad(w, in->dst, data & MEM_X2 ? 2 : 1));
}

enum gpu_step mem_global_atomic(struct gpu_wave *w, const struct gpu_inst *in)
{
	struct mem_half h;

	if (MEM_UNLIKELY(!atomic_operands_ok(w, in, has_saddr(in) ? 1 : 2)))
		return mem_refuse_regs(w, in);
	for (h.first = 0; h.first < w->lanes; h.first += MEM_HALF) {
		h.mask = mem_exec_half(w, h.first);
		if (!h.mask)
			continue;
		global_half(w, in, &h);
		if (MEM_UNLIKELY(mem_atomic_half(w, in, &h, (unsigned)in->op->data, in->src[1], in->dst)))
			return mem_page_fault(w, in);
	}
	return GPU_STEP_NEXT;
}

/* Address: SGPR pair + offset + 4 * lane; the address VGPR is not used. */
static void addtid_half(const struct gpu_wave *w, const struct gpu_inst *in, struct mem_half *h)
{
	uint64_t base = (uint64_t)(int64_t)in->imm + (has_saddr(in) ? mem_sgpr64(w, in->src[2]) : 0) + h->first * 4ull;

	for (unsigned l = 0; l < MEM_HALF; l++)
		h->va[l] = base + l * 4ull;
}

enum gpu_step mem_global_load_addtid(struct gpu_wave *w, const struct gpu_inst *in)
{
	struct mem_half h;

	if (mem_regs_bad(w, in->dst, 1))
		return mem_refuse_regs(w, in);
	for (h.first = 0; h.first < w->lanes; h.first += MEM_HALF) {
		h.mask = mem_exec_half(w, h.first);
		addtid_half(w, in, &h);
		if (MEM_UNLIKELY(mem_load(w, in, &h, in->dst, MEM_B32)))
			return mem_page_fault(w, in);
	}
	return GPU_STEP_NEXT;
}

enum gpu_step mem_global_store_addtid(struct gpu_wave *w, const struct gpu_inst *in)
{
	struct mem_half h;

	if (mem_regs_bad(w, in->src[1], 1))
		return mem_refuse_regs(w, in);
	for (h.first = 0; h.first < w->lanes; h.first += MEM_HALF) {
		h.mask = mem_exec_half(w, h.first);
		addtid_half(w, in, &h);
		if (MEM_UNLIKELY(mem_store(w, in, &h, in->src[1], MEM_B32)))
			return mem_page_fault(w, in);
	}
	return GPU_STEP_NEXT;
}

/* Offsets into the private segments of half a wave. */
struct private_half {
	uint32_t offset[MEM_HALF];
	uint32_t mask;
	unsigned first;
};

static uint64_t private_va(const struct gpu_wave *w, unsigned lane, uint32_t offset)
{
	return w->flat_scratch + (((uint64_t)(offset >> 2) << w->lane_shift) + lane) * 4 + (offset & 3);
}

static void private_vas(const struct gpu_wave *w, const struct private_half *p, unsigned plus, struct mem_half *h)
{
	h->mask = p->mask;
	h->first = p->first;
	for (unsigned l = 0; l < MEM_HALF; l++)
		h->va[l] = private_va(w, p->first + l, p->offset[l] + plus);
}

/* One lane, any alignment: a dword's part at a time. */
static int private_lane(struct gpu_wave *w, const struct gpu_inst *in, unsigned lane, uint32_t offset, uint8_t *bytes,
			unsigned size_B, bool store)
{
	for (unsigned i = 0; i < size_B;) {
		unsigned part = 4 - ((offset + i) & 3);
		uint64_t va = private_va(w, lane, offset + i);
		int ret;

		if (part > size_B - i)
			part = size_B - i;
		ret = store ? mem_write_lane(w, in, va, bytes + i, part) : mem_read_lane(w, in, va, bytes + i, part);
		if (ret)
			return ret;
		i += part;
	}
	return 0;
}

static bool private_simple(const struct private_half *p, unsigned size_B)
{
	for (uint32_t m = p->mask; m; m &= m - 1) {
		unsigned in_dword = p->offset[__builtin_ctz(m)] & 3;

		if (size_B > 4 ? in_dword : in_dword + size_B > 4)
			return false;
	}
	return true;
}

static int private_load(struct gpu_wave *w, const struct gpu_inst *in, const struct private_half *p, unsigned code,
			enum mem_kind kind)
{
	unsigned size_B = mem_kind_size[kind], regs = mem_kind_regs[kind];
	uint32_t *d = mem_vgpr(w, code, p->first);
	struct mem_half h;

	if (private_simple(p, size_B)) {
		for (unsigned i = 0; i < regs; i++) {
			private_vas(w, p, i * 4, &h);
			if (mem_load(w, in, &h, code + i, size_B > 4 ? MEM_B32 : kind))
				return -EFAULT;
		}
		return 0;
	}
	for (uint32_t m = p->mask; m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m);
		uint32_t data[4] = {d[l]};
		uint8_t bytes[16];

		if (private_lane(w, in, p->first + l, p->offset[l], bytes, size_B, false))
			return -EFAULT;
		mem_unpack(kind, bytes, data);
		for (unsigned i = 0; i < regs; i++)
			d[i * w->lanes + l] = data[i];
	}
	return 0;
}

static int private_store(struct gpu_wave *w, const struct gpu_inst *in, const struct private_half *p, unsigned code,
			 enum mem_kind kind)
{
	unsigned size_B = mem_kind_size[kind], regs = mem_kind_regs[kind];
	const uint32_t *d = mem_vgpr(w, code, p->first);
	struct mem_half h;

	if (private_simple(p, size_B)) {
		for (unsigned i = 0; i < regs; i++) {
			private_vas(w, p, i * 4, &h);
			if (mem_store(w, in, &h, code + i, size_B > 4 ? MEM_B32 : kind))
				return -EFAULT;
		}
		return 0;
	}
	for (uint32_t m = p->mask; m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m);
		uint32_t data[4];
		uint8_t bytes[16];

		for (unsigned i = 0; i < regs; i++)
			data[i] = d[i * w->lanes + l];
		mem_pack(kind, data, bytes);
		if (private_lane(w, in, p->first + l, p->offset[l], bytes, size_B, true))
			return -EFAULT;
	}
	return 0;
}

/* Scratch: VGPR + offset, SGPR + offset, or the offset alone. */
static void scratch_half(const struct gpu_wave *w, const struct gpu_inst *in, struct private_half *p)
{
	uint32_t base = (uint32_t)in->imm;

	if (in->src[2] == NO_SADDR) {
		const uint32_t *a = mem_vgpr(w, in->src[0], p->first);

		for (unsigned l = 0; l < MEM_HALF; l++)
			p->offset[l] = a[l] + base;
		return;
	}
	if (in->src[2] != NO_ADDR)
		base += w->s[in->src[2] & 127];
	for (unsigned l = 0; l < MEM_HALF; l++)
		p->offset[l] = base;
}

enum gpu_step mem_scratch_load(struct gpu_wave *w, const struct gpu_inst *in)
{
	enum mem_kind kind = (enum mem_kind)in->op->data;
	struct private_half p;

	if (MEM_UNLIKELY(!operands_ok(w, in, in->src[2] == NO_SADDR, in->dst, mem_kind_regs[kind])))
		return mem_refuse_regs(w, in);
	if (MEM_UNLIKELY(in->lds))
		return mem_refuse(w, in, "loads to LDS do not exist in this encoding");
	for (p.first = 0; p.first < w->lanes; p.first += MEM_HALF) {
		p.mask = mem_exec_half(w, p.first);
		if (!p.mask)
			continue;
		scratch_half(w, in, &p);
		if (MEM_UNLIKELY(private_load(w, in, &p, in->dst, kind)))
			return mem_page_fault(w, in);
	}
	return GPU_STEP_NEXT;
}

enum gpu_step mem_scratch_store(struct gpu_wave *w, const struct gpu_inst *in)
{
	enum mem_kind kind = (enum mem_kind)in->op->data;
	struct private_half p;

	if (MEM_UNLIKELY(!operands_ok(w, in, in->src[2] == NO_SADDR, in->src[1], mem_kind_regs[kind])))
		return mem_refuse_regs(w, in);
	for (p.first = 0; p.first < w->lanes; p.first += MEM_HALF) {
		p.mask = mem_exec_half(w, p.first);
		if (!p.mask)
			continue;
		scratch_half(w, in, &p);
		if (MEM_UNLIKELY(private_store(w, in, &p, in->src[1], kind)))
			return mem_page_fault(w, in);
	}
	return GPU_STEP_NEXT;
}

/* A half's lanes by where their addresses point. */
struct flat_split {
	struct mem_half global;
	struct private_half scratch;
	uint32_t lds; /* offsets are the low dwords in global.va */
};

static void flat_half(const struct gpu_wave *w, const struct gpu_inst *in, unsigned first, struct flat_split *f)
{
	uint32_t shared = (uint32_t)(w->shared_aperture >> 32), private = (uint32_t)(w->private_aperture >> 32);
	uint32_t in_lds = 0, in_scratch = 0, exec = mem_exec_half(w, first);

	f->global.first = f->scratch.first = first;
	global_half(w, in, &f->global);
	for (unsigned l = 0; l < MEM_HALF; l++) {
		uint32_t high = (uint32_t)(f->global.va[l] >> 32);

		in_lds |= (uint32_t)(high == shared) << l;
		in_scratch |= (uint32_t)(high == private) << l;
	}
	f->lds = exec & in_lds;
	f->scratch.mask = exec & in_scratch & ~in_lds;
	f->global.mask = exec & ~in_lds & ~in_scratch;
	if (f->scratch.mask)
		for (unsigned l = 0; l < MEM_HALF; l++)
			f->scratch.offset[l] = (uint32_t)f->global.va[l];
}

static void flat_lds_load(struct gpu_wave *w, const struct flat_split *f, unsigned code, enum mem_kind kind)
{
	uint32_t *d = mem_vgpr(w, code, f->global.first);

	for (uint32_t m = f->lds; m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m);
		uint32_t data[4] = {d[l]};
		uint8_t bytes[16];

		mem_lds_read(w, f->global.first + l, (uint32_t)f->global.va[l], bytes, mem_kind_size[kind]);
		mem_unpack(kind, bytes, data);
		for (unsigned i = 0; i < mem_kind_regs[kind]; i++)
			d[i * w->lanes + l] = data[i];
	}
}

static void flat_lds_store(struct gpu_wave *w, const struct flat_split *f, unsigned code, enum mem_kind kind)
{
	const uint32_t *d = mem_vgpr(w, code, f->global.first);

	for (uint32_t m = f->lds; m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m);
		uint32_t data[4];
		uint8_t bytes[16];

		for (unsigned i = 0; i < mem_kind_regs[kind]; i++)
			data[i] = d[i * w->lanes + l];
		mem_pack(kind, data, bytes);
		mem_lds_write(w, f->global.first + l, (uint32_t)f->global.va[l], bytes, mem_kind_size[kind]);
	}
}

enum gpu_step mem_flat_load(struct gpu_wave *w, const struct gpu_inst *in)
{
	enum mem_kind kind = (enum mem_kind)in->op->data;
	struct flat_split f;

	if (MEM_UNLIKELY(!operands_ok(w, in, has_saddr(in) ? 1 : 2, in->dst, mem_kind_regs[kind])))
		return mem_refuse_regs(w, in);
	if (MEM_UNLIKELY(in->lds))
		return mem_refuse(w, in, "loads to LDS do not exist in this encoding");
	for (unsigned first = 0; first < w->lanes; first += MEM_HALF) {
		if (!mem_exec_half(w, first))
			continue;
		flat_half(w, in, first, &f);
		if (f.lds)
			flat_lds_load(w, &f, in->dst, kind);
		if (f.scratch.mask && private_load(w, in, &f.scratch, in->dst, kind))
			return mem_page_fault(w, in);
		if (f.global.mask && mem_load(w, in, &f.global, in->dst, kind))
			return mem_page_fault(w, in);
	}
	return GPU_STEP_NEXT;
}

enum gpu_step mem_flat_store(struct gpu_wave *w, const struct gpu_inst *in)
{
	enum mem_kind kind = (enum mem_kind)in->op->data;
	struct flat_split f;

	if (MEM_UNLIKELY(!operands_ok(w, in, has_saddr(in) ? 1 : 2, in->src[1], mem_kind_regs[kind])))
		return mem_refuse_regs(w, in);
	for (unsigned first = 0; first < w->lanes; first += MEM_HALF) {
		if (!mem_exec_half(w, first))
			continue;
		flat_half(w, in, first, &f);
		if (f.lds)
			flat_lds_store(w, &f, in->src[1], kind);
		if (f.scratch.mask && private_store(w, in, &f.scratch, in->src[1], kind))
			return mem_page_fault(w, in);
		if (f.global.mask && mem_store(w, in, &f.global, in->src[1], kind))
			return mem_page_fault(w, in);
	}
	return GPU_STEP_NEXT;
}

static void flat_lds_atomic(struct gpu_wave *w, const struct gpu_inst *in, const struct flat_split *f)
{
	unsigned data = (unsigned)in->op->data;
	enum mem_atomic op = (enum mem_atomic)(data & 0xff);
	bool cmp = op == MEM_CMPSWAP || op == MEM_FCMPSWAP;
	const uint32_t *s = mem_vgpr(w, in->src[1], f->global.first);
	uint32_t *d = in->glc ? mem_vgpr(w, in->dst, f->global.first) : NULL;
	size_t row = w->lanes;

	for (uint32_t m = f->lds; m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m), lane = f->global.first + l;
		uint32_t addr = (uint32_t)f->global.va[l];
		uint64_t old;

		if (data & MEM_X2)
			old = mem_lds_atomic64(w, lane, addr, op, s[l] | (uint64_t)s[row + l] << 32,
					       cmp ? s[2 * row + l] | (uint64_t)s[3 * row + l] << 32 : 0);
		else
			old = mem_lds_atomic32(w, lane, addr, op, s[l], cmp ? s[row + l] : 0);
		if (d) {
			d[l] = (uint32_t)old;
			if (data & MEM_X2)
				d[row + l] = (uint32_t)(old >> 32);
		}
	}
}

enum gpu_step mem_flat_atomic(struct gpu_wave *w, const struct gpu_inst *in)
{
	unsigned data = (unsigned)in->op->data;
	struct flat_split f;
	struct mem_half h;

	if (MEM_UNLIKELY(!atomic_operands_ok(w, in, has_saddr(in) ? 1 : 2)))
		return mem_refuse_regs(w, in);
	for (unsigned first = 0; first < w->lanes; first += MEM_HALF) {
		if (!mem_exec_half(w, first))
			continue;
		flat_half(w, in, first, &f);
		if (f.scratch.mask && data & MEM_X2)
			return mem_refuse(w, in, "64-bit atomic on the private segment, whose dwords are not adjacent");
		if (f.lds)
			flat_lds_atomic(w, in, &f);
		if (f.scratch.mask) {
			private_vas(w, &f.scratch, 0, &h);
			if (mem_atomic_half(w, in, &h, data, in->src[1], in->dst))
				return mem_page_fault(w, in);
		}
		if (f.global.mask && mem_atomic_half(w, in, &f.global, data, in->src[1], in->dst))
			return mem_page_fault(w, in);
	}
	return GPU_STEP_NEXT;
}

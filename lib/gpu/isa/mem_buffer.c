/* SPDX-License-Identifier: MIT */
/*
 * mem_buffer.c - MUBUF and MTBUF (RDNA2 ISA, "Vector Memory Buffer Instructions"; V#: Mesa's SQ_BUF_RSRC_WORD0-3).
 *
 * index = VGPR (idxen) + lane (add_tid), offset = VGPR (offen) + instruction offset. Linear buffers:
 *     base + soffset + index * stride + offset
 * Swizzled ones keep dwords of neighbouring indices together (elements are 4 bytes on gfx10); with S = index stride:
 *     base + soffset + ((index / S) * stride + offset / 4 * 4) * S + index % S * 4 + offset % 4
 * Scratch through the private segment buffer is that with the lane as index and stride 0. The offset is a sum of 32
 * bits where the range is not checked: LLVM folds constants into the accesses to scratch whose VGPR is negative, from
 * gfx9 on (SelectMUBUFScratchOffen). Where it is checked, the carry puts it out of range.
 *
 * Range (OOB_SELECT): 0 index >= records or offset + payload > stride; 1 index >= records; 2 records == 0; 3 as 0 when
 * swizzled with a stride, else the byte offset from the base, soffset and index * stride included, + payload > records.
 * Out of range reads give 0, writes are dropped. Loads and stores of several dwords are checked dword by dword; typed
 * accesses and atomics as a whole. Plain loads and stores of swizzled elements take any address, byte by byte where one
 * goes over the end of a dword: compilers merge neighbouring bytes of a stack frame into such (LLVM's
 * unaligned-scratch-access). For all others swizzled dwords lie at dword addresses: lower bits are ignored.
 */
#include "gpu/isa/mem.h"
#include "gpu/isa/mem_format.h"
#include "gpu/strict.h"

#include <errno.h>
#include <string.h>

enum { OOB_STRUCTURED_OFFSET, OOB_STRUCTURED, OOB_NONE, OOB_RAW };
enum { SEL_0 = 0, SEL_1 = 1, SEL_X = 4 };

/* A V#, and the SGPR offset with it. */
struct buffer {
	uint64_t base; /* with soffset */
	uint32_t stride, records, soffset;
	uint32_t word3;
	uint8_t oob, index_shift; /* log2 of the index stride */
	bool swizzle, add_tid;
};

static struct buffer buffer_get(const struct gpu_wave *w, const struct gpu_inst *in)
{
	const uint32_t *v = &w->s[in->src[2] & 124];
	struct buffer b = {0};
	uint64_t base = v[0] | (uint64_t)(v[1] & 0xffff) << 32;

	b.soffset = in->src[3] < 128 ? w->s[in->src[3]] : gpu_src32(w, in, in->src[3]);
	b.base = (uint64_t)((int64_t)(base << 16) >> 16) + b.soffset;
	b.stride = v[1] >> 16 & 0x3fff;
	b.swizzle = v[1] >> 31;
	b.records = v[2];
	b.word3 = v[3];
	b.index_shift = (uint8_t)(3 + (v[3] >> 21 & 3));
	b.add_tid = v[3] >> 23 & 1;
	b.oob = v[3] >> 28 & 3;
	return b;
}

/* Where 32 lanes point. */
struct points {
	uint64_t offset[MEM_HALF] __attribute__((aligned(64)));
	uint32_t index[MEM_HALF];
	uint32_t mask;
	unsigned first;
};

static void points_get(const struct gpu_wave *w, const struct gpu_inst *in, const struct buffer *b, struct points *p)
{
	uint32_t lane = b->add_tid ? p->first : 0, step = b->add_tid;
	uint64_t imm = (uint32_t)in->imm, keep = b->oob == OOB_NONE ? UINT32_MAX : UINT64_MAX;
	const uint32_t *v;

	if (in->idxen) {
		v = mem_vgpr(w, in->src[0], p->first);
		for (unsigned l = 0; l < MEM_HALF; l++)
			p->index[l] = v[l] + lane + l * step;
	} else {
		for (unsigned l = 0; l < MEM_HALF; l++)
			p->index[l] = lane + l * step;
	}
	if (in->offen) {
		v = mem_vgpr(w, in->src[0] + in->idxen, p->first);
		for (unsigned l = 0; l < MEM_HALF; l++)
			p->offset[l] = (v[l] + imm) & keep;
	} else {
		for (unsigned l = 0; l < MEM_HALF; l++)
			p->offset[l] = imm;
	}
}

static bool in_range(const struct buffer *b, uint32_t index, uint64_t offset, unsigned size_B)
{
	switch (b->oob) {
	case OOB_STRUCTURED_OFFSET:
		return index < b->records && offset + size_B <= b->stride;
	case OOB_STRUCTURED:
		return index < b->records;
	case OOB_NONE:
		return b->records != 0;
	default:
		if (b->swizzle && b->stride)
			return index < b->records && offset + size_B <= b->stride;
		if (!b->swizzle)
			offset += b->soffset;
		return offset + (uint64_t)index * b->stride + size_B <= b->records;
	}
}

/* All lanes of a raw linear buffer, the common case, in one pass. */
static bool all_in_raw_range(const struct buffer *b, const struct points *p, unsigned size_B)
{
	uint64_t limit = (uint64_t)b->records - size_B - b->soffset, over = 0;

	if (b->oob != OOB_RAW || b->swizzle)
		return false;
	if (b->stride)
		for (unsigned l = 0; l < MEM_HALF; l++)
			over |= limit - p->offset[l] - (uint64_t)p->index[l] * b->stride;
	else
		for (unsigned l = 0; l < MEM_HALF; l++)
			over |= limit - p->offset[l];
	return !(over >> 63);
}

static uint32_t range_mask(const struct buffer *b, const struct points *p, unsigned plus, unsigned size_B)
{
	uint32_t ok = 0;

	if (!plus && all_in_raw_range(b, p, size_B))
		return p->mask;
	for (uint32_t m = p->mask; m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m);

		ok |= (uint32_t)in_range(b, p->index[l], p->offset[l] + plus, size_B) << l;
	}
	return ok;
}

static uint64_t swizzled(const struct buffer *b, uint32_t index, uint64_t offset)
{
	uint32_t low = index & ((1u << b->index_shift) - 1);

	return b->base + (((uint64_t)(index >> b->index_shift) * b->stride + (offset & ~3ull)) << b->index_shift) +
	       low * 4ull + (offset & 3);
}

static uint64_t address(const struct buffer *b, const struct points *p, unsigned lane, unsigned plus)
{
	uint64_t offset = p->offset[lane] + plus;

	return b->swizzle ? swizzled(b, p->index[lane], offset)
			  : b->base + offset + (uint64_t)p->index[lane] * b->stride;
}

/* Addresses of the part of each element that begins `plus` bytes in. */
static void addresses(const struct buffer *b, const struct points *p, unsigned plus, bool dwords, struct mem_half *h)
{
	h->first = p->first;
	if (b->swizzle) {
		uint64_t keep = dwords ? ~3ull : ~0ull;

		for (unsigned l = 0; l < MEM_HALF; l++)
			h->va[l] = swizzled(b, p->index[l], (p->offset[l] + plus) & keep);
	} else if (b->stride) {
		for (unsigned l = 0; l < MEM_HALF; l++)
			h->va[l] = b->base + p->offset[l] + plus + (uint64_t)p->index[l] * b->stride;
	} else {
		for (unsigned l = 0; l < MEM_HALF; l++)
			h->va[l] = b->base + p->offset[l] + plus;
	}
}

static void zero_lanes(struct gpu_wave *w, unsigned code, unsigned first, uint32_t mask, enum mem_kind kind)
{
	static const uint8_t zero[4];
	uint32_t *d = mem_vgpr(w, code, first);

	for (uint32_t m = mask; m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m);

		if (mem_kind_size[kind] >= 4)
			d[l] = 0;
		else
			mem_unpack(kind, zero, d + l);
	}
}

/* Of the lanes in mask, those whose element of up to a dword goes over the end of a swizzled dword. */
static uint32_t over_end(const struct buffer *b, const struct points *p, unsigned plus, unsigned size_B, uint32_t mask)
{
	uint64_t low = 0;
	uint32_t over = 0;

	if (!b->swizzle || size_B == 1)
		return 0;
	for (unsigned l = 0; l < MEM_HALF; l++)
		low |= p->offset[l] + plus;
	if (!(low & 3))
		return 0;
	for (uint32_t m = mask; m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m);

		over |= (uint32_t)((p->offset[l] + plus) % 4 + size_B > 4) << l;
	}
	return over;
}

static int load_bytes(struct gpu_wave *w, const struct gpu_inst *in, const struct buffer *b, const struct points *p,
		      unsigned plus, uint32_t mask, unsigned code, enum mem_kind kind)
{
	uint32_t *d = mem_vgpr(w, code, p->first);

	for (uint32_t m = mask; m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m);
		uint8_t bytes[4];

		for (unsigned i = 0; i < mem_kind_size[kind]; i++)
			if (mem_read_lane(w, in, address(b, p, l, plus + i), bytes + i, 1))
				return -EFAULT;
		mem_unpack(kind, bytes, d + l);
	}
	return 0;
}

static int store_bytes(struct gpu_wave *w, const struct gpu_inst *in, const struct buffer *b, const struct points *p,
		       unsigned plus, uint32_t mask, unsigned code, enum mem_kind kind)
{
	const uint32_t *d = mem_vgpr(w, code, p->first);

	for (uint32_t m = mask; m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m);
		uint8_t bytes[4];

		mem_pack(kind, d + l, bytes);
		for (unsigned i = 0; i < mem_kind_size[kind]; i++)
			if (mem_write_lane(w, in, address(b, p, l, plus + i), bytes + i, 1))
				return -EFAULT;
	}
	return 0;
}

/* A whole element, or the dword of it that begins plus bytes in; range says where there is one. */
static int load_part(struct gpu_wave *w, const struct gpu_inst *in, const struct buffer *b, const struct points *p,
		     unsigned plus, uint32_t range, unsigned code, enum mem_kind kind)
{
	uint32_t over = over_end(b, p, plus, mem_kind_size[kind], range);
	struct mem_half h;

	addresses(b, p, plus, false, &h);
	zero_lanes(w, code, p->first, p->mask & ~range, kind);
	h.mask = range & ~over;
	if (h.mask && mem_load(w, in, &h, code, kind))
		return -EFAULT;
	return over ? load_bytes(w, in, b, p, plus, over, code, kind) : 0;
}

static int store_part(struct gpu_wave *w, const struct gpu_inst *in, const struct buffer *b, const struct points *p,
		      unsigned plus, uint32_t range, unsigned code, enum mem_kind kind)
{
	uint32_t over = over_end(b, p, plus, mem_kind_size[kind], range);
	struct mem_half h;

	addresses(b, p, plus, false, &h);
	h.mask = range & ~over;
	if (h.mask && mem_store(w, in, &h, code, kind))
		return -EFAULT;
	return over ? store_bytes(w, in, b, p, plus, over, code, kind) : 0;
}

static int load_half(struct gpu_wave *w, const struct gpu_inst *in, const struct buffer *b, const struct points *p,
		     unsigned code, enum mem_kind kind)
{
	unsigned size_B = mem_kind_size[kind], parts = mem_kind_regs[kind];

	if (!b->swizzle || parts == 1) {
		uint32_t range = range_mask(b, p, 0, size_B);

		if (range == p->mask || parts == 1)
			return load_part(w, in, b, p, 0, range, code, kind);
	}
	for (unsigned i = 0; i < parts; i++)
		if (load_part(w, in, b, p, i * 4, range_mask(b, p, i * 4, 4), code + i, MEM_B32))
			return -EFAULT;
	return 0;
}

static int store_half(struct gpu_wave *w, const struct gpu_inst *in, const struct buffer *b, const struct points *p,
		      unsigned code, enum mem_kind kind)
{
	unsigned size_B = mem_kind_size[kind], parts = mem_kind_regs[kind];

	if (!b->swizzle || parts == 1) {
		uint32_t range = range_mask(b, p, 0, size_B);

		if (range == p->mask || parts == 1)
			return store_part(w, in, b, p, 0, range, code, kind);
	}
	for (unsigned i = 0; i < parts; i++)
		if (store_part(w, in, b, p, i * 4, range_mask(b, p, i * 4, 4), code + i, MEM_B32))
			return -EFAULT;
	return 0;
}

/* A linear, raw, indexless access of 32 active lanes to elements one after the other, all in range: where they begin.
 */
static bool raw_row(const struct gpu_wave *w, const struct gpu_inst *in, const struct buffer *b, unsigned first,
		    enum mem_kind kind, uint64_t *va_out)
{
	unsigned size_B = mem_kind_size[kind];
	const uint32_t *v = mem_vgpr(w, in->src[0], first);
	uint64_t offset;

	if (size_B < 4 || in->lds || in->idxen || !in->offen || b->add_tid || b->swizzle || b->oob != OOB_RAW ||
	    mem_exec_half(w, first) != ~0u || !mem_values_rise(v, size_B))
		return false;
	offset = (uint64_t)v[0] + (uint32_t)in->imm;
	*va_out = b->base + offset;
	return offset + b->soffset + MEM_HALF * size_B <= b->records;
}

static bool address_bad(const struct gpu_wave *w, const struct gpu_inst *in)
{
	unsigned n = (unsigned)in->idxen + in->offen;

	return n && mem_regs_bad(w, in->src[0], n);
}

static const char *const tfe_why = "the texture-fail status (tfe) is out of scope";

/* To LDS: a dword a lane at M0[15:0] + offset + 4 * lane. */
static int load_to_lds(struct gpu_wave *w, const struct gpu_inst *in, const struct buffer *b, const struct points *p,
		       enum mem_kind kind)
{
	unsigned size_B = mem_kind_size[kind], step = b->swizzle ? 1 : size_B;
	uint32_t ok = range_mask(b, p, 0, size_B);

	for (uint32_t m = p->mask; m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m), lane = p->first + l;
		uint8_t bytes[4] = {0};
		uint32_t v = 0;

		for (unsigned i = 0; ok >> l & 1 && i < size_B; i += step)
			if (mem_read_lane(w, in, address(b, p, l, i), bytes + i, step))
				return -EFAULT;
		mem_unpack(kind, bytes, &v);
		mem_lds_write(w, lane, (w->s[124] & 0xffff) + (uint32_t)in->imm + lane * 4, &v, 4);
	}
	return 0;
}

enum gpu_step mem_buffer_load(struct gpu_wave *w, const struct gpu_inst *in)
{
	enum mem_kind kind = (enum mem_kind)in->op->data;
	struct buffer b = buffer_get(w, in);
	struct points p;
	uint64_t va;
	int ret;

	if (MEM_UNLIKELY(in->tfe))
		return mem_refuse(w, in, tfe_why);
	if (MEM_UNLIKELY(address_bad(w, in) || (!in->lds && mem_regs_bad(w, in->dst, mem_kind_regs[kind]))))
		return mem_refuse_regs(w, in);
	if (MEM_UNLIKELY(in->lds && kind > MEM_B32))
		return mem_refuse(w, in, "only single dwords, bytes and shorts load to LDS");
	for (p.first = 0; p.first < w->lanes; p.first += MEM_HALF) {
		p.mask = mem_exec_half(w, p.first);
		if (!p.mask)
			continue;
		if (raw_row(w, in, &b, p.first, kind, &va) &&
		    mem_load_row(w, va, p.first, in->dst, mem_kind_regs[kind]))
			continue;
		points_get(w, in, &b, &p);
		ret = in->lds ? load_to_lds(w, in, &b, &p, kind) : load_half(w, in, &b, &p, in->dst, kind);
		if (MEM_UNLIKELY(ret))
			return mem_page_fault(w, in);
	}
	return GPU_STEP_NEXT;
}

enum gpu_step mem_buffer_store(struct gpu_wave *w, const struct gpu_inst *in)
{
	enum mem_kind kind = (enum mem_kind)in->op->data;
	struct buffer b = buffer_get(w, in);
	struct points p;
	uint64_t va;

	if (MEM_UNLIKELY(in->tfe || in->lds))
		return mem_refuse(w, in, in->tfe ? tfe_why : "stores from LDS do not exist");
	if (MEM_UNLIKELY(address_bad(w, in) || mem_regs_bad(w, in->src[1], mem_kind_regs[kind])))
		return mem_refuse_regs(w, in);
	for (p.first = 0; p.first < w->lanes; p.first += MEM_HALF) {
		p.mask = mem_exec_half(w, p.first);
		if (!p.mask)
			continue;
		if (raw_row(w, in, &b, p.first, kind, &va) &&
		    mem_store_row(w, va, p.first, in->src[1], mem_kind_regs[kind]))
			continue;
		points_get(w, in, &b, &p);
		if (MEM_UNLIKELY(store_half(w, in, &b, &p, in->src[1], kind)))
			return mem_page_fault(w, in);
	}
	return GPU_STEP_NEXT;
}

enum gpu_step mem_buffer_atomic(struct gpu_wave *w, const struct gpu_inst *in)
{
	unsigned data = (unsigned)in->op->data, size_B = data & MEM_X2 ? 8 : 4;
	struct buffer b = buffer_get(w, in);
	struct points p;
	struct mem_half h;

	if (in->tfe || in->lds)
		return mem_refuse(w, in, in->tfe ? tfe_why : "atomics do not go to LDS");
	if (address_bad(w, in) || mem_regs_bad(w, in->src[1], mem_atomic_src_regs(data)))
		return mem_refuse_regs(w, in);
	if (b.swizzle && size_B == 8)
		return mem_refuse(w, in, "64-bit atomic on a swizzled buffer, whose dwords are not adjacent");
	for (p.first = 0; p.first < w->lanes; p.first += MEM_HALF) {
		p.mask = mem_exec_half(w, p.first);
		if (!p.mask)
			continue;
		points_get(w, in, &b, &p);
		addresses(&b, &p, 0, true, &h);
		h.mask = range_mask(&b, &p, 0, size_B);
		if (MEM_UNLIKELY(mem_atomic_half(w, in, &h, data, in->src[1], in->src[1])))
			return mem_page_fault(w, in);
		for (unsigned i = 0; in->glc && i < size_B / 4; i++)
			zero_lanes(w, in->src[1] + i, p.first, p.mask & ~h.mask, MEM_B32);
	}
	return GPU_STEP_NEXT;
}

/* What a typed access needs besides its addresses. */
struct typed {
	const struct mem_format *format; /* NULL: none that exists */
	uint8_t sel[4];
	unsigned components, size_B;
	bool d16;
};

/* MUBUF takes format and component selection from the V#, MTBUF the format from the instruction, unselected. */
static struct typed typed_get(const struct gpu_inst *in, const struct buffer *b)
{
	struct typed t = {.components = in->op->data & 7, .d16 = in->op->data & MEM_D16};
	bool own = in->enc == GPU_MTBUF;

	t.format = mem_format_get(own ? in->offset1 : b->word3 >> 12 & 0x7f);
	t.size_B = t.format ? mem_format_size(t.format) : 0;
	for (unsigned c = 0; c < 4; c++)
		t.sel[c] = (uint8_t)(own ? SEL_X + c : b->word3 >> (3 * c) & 7);
	return t;
}

static int element_access(struct gpu_wave *w, const struct gpu_inst *in, const struct buffer *b, uint32_t index,
			  uint64_t offset, uint8_t *bytes, unsigned size_B, bool store)
{
	unsigned step = b->swizzle && size_B > 4 ? 4 : size_B;

	for (unsigned i = 0; i < size_B; i += step) {
		uint64_t at = offset + i, va;
		int ret;

		va = b->swizzle ? swizzled(b, index, size_B >= 4 ? at & ~3ull : at)
				: b->base + at + (uint64_t)index * b->stride;
		ret = store ? mem_write_lane(w, in, va, bytes + i, step) : mem_read_lane(w, in, va, bytes + i, step);
		if (ret)
			return ret;
	}
	return 0;
}

/* Components of one lane as they go to registers. in_range false: what the selection makes of zeros. */
static int typed_fetch(struct gpu_wave *w, const struct gpu_inst *in, const struct buffer *b, const struct typed *t,
		       uint32_t index, uint64_t offset, bool inside, uint32_t out[4])
{
	uint32_t v[4] = {0}, one = t->format && mem_format_integer(t->format) ? 1 : 0x3f800000;
	uint8_t bytes[16];

	if (inside) {
		if (element_access(w, in, b, index, offset, bytes, t->size_B, false))
			return -EFAULT;
		mem_format_load(t->format, bytes, v);
	}
	for (unsigned c = 0; c < 4; c++)
		out[c] = t->sel[c] >= SEL_X ? v[t->sel[c] - SEL_X] : t->sel[c] == SEL_1 ? one : 0;
	return 0;
}

static void put_components(const struct typed *t, const uint32_t v[4], uint32_t *d, size_t row)
{
	bool integer = t->format && mem_format_integer(t->format);

	for (unsigned c = 0; c < t->components; c++) {
		uint32_t half;

		if (!t->d16) {
			d[c * row] = v[c];
			continue;
		}
		half = integer ? v[c] & 0xffff : mem_f32_to_f16(v[c]);
		if (c & 1)
			d[c / 2 * row] = (d[c / 2 * row] & 0xffff) | half << 16;
		else
			d[c / 2 * row] = (d[c / 2 * row] & 0xffff0000) | half;
	}
}

static void get_components(const struct typed *t, const uint32_t *d, size_t row, uint32_t v[4])
{
	for (unsigned c = 0; c < 4; c++) {
		uint32_t half;

		if (c >= t->components) {
			v[c] = 0;
		} else if (!t->d16) {
			v[c] = d[c * row];
		} else {
			half = d[c / 2 * row] >> (16 * (c & 1)) & 0xffff;
			v[c] = t->format->number == MEM_UINT   ? half
			       : t->format->number == MEM_SINT ? (uint32_t)(int16_t)half
							       : mem_f16_to_f32(half);
		}
	}
}

/* The memory component that a register component is selected from is the one it goes to. */
static void unselect(const struct typed *t, const uint32_t v[4], uint32_t out[4])
{
	memset(out, 0, 4 * sizeof(out[0]));
	for (unsigned c = t->components; c-- > 0;)
		if (t->sel[c] >= SEL_X)
			out[t->sel[c] - SEL_X] = v[c];
}

static const char *typed_check(const struct gpu_inst *in, const struct typed *t, bool inside)
{
	if (in->tfe)
		return tfe_why;
	if (inside && !t->format)
		return "the buffer's format is none of gfx10's buffer formats";
	if (in->lds && (t->components != 1 || t->d16))
		return "only format_x loads to LDS";
	return NULL;
}

static int typed_load_half(struct gpu_wave *w, const struct gpu_inst *in, const struct buffer *b, const struct typed *t,
			   const struct points *p, uint32_t inside)
{
	uint32_t *d = in->lds ? NULL : mem_vgpr(w, in->dst, p->first);

	for (uint32_t m = p->mask; m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m), lane = p->first + l;
		uint32_t v[4];

		if (typed_fetch(w, in, b, t, p->index[l], p->offset[l], inside >> l & 1, v))
			return -EFAULT;
		if (d)
			put_components(t, v, d + l, w->lanes);
		else
			mem_lds_write(w, lane, (w->s[124] & 0xffff) + (uint32_t)in->imm + lane * 4, v, 4);
	}
	return 0;
}

static unsigned typed_regs(const struct typed *t)
{
	return t->d16 ? (t->components + 1) / 2 : t->components;
}

enum gpu_step mem_buffer_load_format(struct gpu_wave *w, const struct gpu_inst *in)
{
	struct buffer b = buffer_get(w, in);
	struct typed t = typed_get(in, &b);
	struct points p;
	const char *why;

	if (address_bad(w, in) || (!in->lds && mem_regs_bad(w, in->dst, typed_regs(&t))))
		return mem_refuse_regs(w, in);
	for (p.first = 0; p.first < w->lanes; p.first += MEM_HALF) {
		uint32_t inside;

		p.mask = mem_exec_half(w, p.first);
		points_get(w, in, &b, &p);
		inside = range_mask(&b, &p, 0, t.size_B);
		if ((why = typed_check(in, &t, inside != 0)))
			return mem_refuse(w, in, why);
		if (typed_load_half(w, in, &b, &t, &p, inside))
			return mem_page_fault(w, in);
	}
	return GPU_STEP_NEXT;
}

static int typed_store_half(struct gpu_wave *w, const struct gpu_inst *in, const struct buffer *b,
			    const struct typed *t, const struct points *p, uint32_t inside)
{
	const uint32_t *d = mem_vgpr(w, in->src[1], p->first);

	for (uint32_t m = inside; m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m);
		uint32_t v[4], out[4];
		uint8_t bytes[16];

		get_components(t, d + l, w->lanes, v);
		unselect(t, v, out);
		mem_format_store(t->format, out, bytes);
		if (element_access(w, in, b, p->index[l], p->offset[l], bytes, t->size_B, true))
			return -EFAULT;
	}
	return 0;
}

enum gpu_step mem_buffer_store_format(struct gpu_wave *w, const struct gpu_inst *in)
{
	struct buffer b = buffer_get(w, in);
	struct typed t = typed_get(in, &b);
	struct points p;
	const char *why;

	if (in->lds)
		return mem_refuse(w, in, "stores from LDS do not exist");
	if (address_bad(w, in) || mem_regs_bad(w, in->src[1], typed_regs(&t)))
		return mem_refuse_regs(w, in);
	for (p.first = 0; p.first < w->lanes; p.first += MEM_HALF) {
		uint32_t inside;

		p.mask = mem_exec_half(w, p.first);
		points_get(w, in, &b, &p);
		inside = range_mask(&b, &p, 0, t.size_B);
		if ((why = typed_check(in, &t, inside != 0)))
			return mem_refuse(w, in, why);
		if (typed_store_half(w, in, &b, &t, &p, inside))
			return mem_page_fault(w, in);
	}
	return GPU_STEP_NEXT;
}

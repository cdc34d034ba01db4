/* SPDX-License-Identifier: MIT */
/*
 * ds.c - LDS reads and writes, and cross-lane moves through the LDS crossbar (RDNA2 ISA, "Data Share Operations").
 *
 * All waves of a workgroup run on one host thread at a time, so LDS needs no host atomics. The range is the
 * workgroup's allocation; on gfx10 M0 does not clamp it. An element that is not wholly inside reads as 0 and is not
 * written. Address plus offset wraps at 32 bits. GDS forms are refused: the model has no global data share.
 */
#include "gpu/isa/ds.h"
#include "gpu/strict.h"

#include <string.h>

void mem_lds_read(struct gpu_wave *w, unsigned lane, uint32_t addr, void *to, unsigned size_B)
{
	const uint8_t *p = ds_ptr(w, addr, size_B);

	if (!p) {
		memset(to, 0, size_B);
		return;
	}
	gpu_strict_lds_read(w, lane, addr, size_B);
	memcpy(to, p, size_B);
}

void mem_lds_write(struct gpu_wave *w, unsigned lane, uint32_t addr, const void *from, unsigned size_B)
{
	uint8_t *p = ds_ptr(w, addr, size_B);

	if (!p)
		return;
	gpu_strict_lds_write(w, lane, addr, size_B);
	memcpy(p, from, size_B);
}

static enum gpu_step refuse_gds(struct gpu_wave *w, const struct gpu_inst *in)
{
	return mem_refuse(w, in, "the global data share is out of scope");
}

/* 32 lanes, one after the other in LDS: 0 when they are not, or not all inside. */
MEM_INLINE uint8_t *whole_row(const struct gpu_wave *w, const uint32_t *a, uint32_t offset, unsigned size_B)
{
	uint32_t base = a[0], bad = 0;

	for (unsigned l = 0; l < MEM_HALF; l++)
		bad |= a[l] - base - l * size_B;
	return bad ? NULL : ds_ptr(w, base + offset, MEM_HALF * size_B);
}

/* Are the elements of all 32 lanes inside? Addresses and sizes of LDS stay below 2^31. */
static bool all_inside(const struct gpu_wave *w, const uint32_t *a, uint32_t offset, unsigned size_B)
{
	const uint32_t limit = w->group->lds_size_B - size_B;
	uint32_t bad = limit;

	for (unsigned l = 0; l < MEM_HALF; l++)
		bad |= (a[l] + offset) | (limit - (a[l] + offset));
	return !(bad >> 31);
}

MEM_INLINE void read_whole(const struct gpu_wave *w, const uint32_t *a, uint32_t offset, uint32_t *d, unsigned n)
{
	const uint8_t *lds = w->group->lds;
	const size_t row = w->lanes;

	for (unsigned l = 0; l < MEM_HALF; l++) {
		const mem_u64 *p = (const mem_u64 *)(lds + (a[l] + offset));

		for (unsigned i = 0; i + 1 < n; i += 2) {
			d[i * row + l] = (uint32_t)p[i / 2];
			d[(i + 1) * row + l] = (uint32_t)(p[i / 2] >> 32);
		}
		if (n & 1)
			d[(n - 1) * row + l] = ((const mem_u32 *)p)[n - 1];
	}
}

MEM_INLINE void read_lanes(struct gpu_wave *w, uint32_t mask, unsigned first, const uint32_t *a, uint32_t offset,
			   uint32_t *d, unsigned n)
{
	size_t row = w->lanes;

	if (mask == ~0u && !w->strict && all_inside(w, a, offset, n * 4)) {
		read_whole(w, a, offset, d, n);
		return;
	}
	for (uint32_t m = mask; m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m);
		uint32_t addr = a[l] + offset;
		const uint8_t *p = ds_ptr(w, addr, n * 4);

		if (p)
			gpu_strict_lds_read(w, first + l, addr, n * 4);
		for (unsigned i = 0; i < n; i++)
			d[i * row + l] = p ? ((const mem_u32 *)p)[i] : 0;
	}
}

static void read_half(struct gpu_wave *w, unsigned first, uint32_t mask, const uint32_t *a, uint32_t offset,
		      uint32_t *d, enum mem_kind kind)
{
	uint32_t copy[MEM_HALF];
	const uint8_t *p;

	switch (kind) {
	case MEM_B32:
		p = mask == ~0u && !w->strict ? whole_row(w, a, offset, 4) : NULL;
		if (p)
			memcpy(d, p, MEM_HALF * 4);
		else
			read_lanes(w, mask, first, a, offset, d, 1);
		return;
	case MEM_B64:
		memcpy(copy, a, sizeof(copy)); /* dst may lie over the addresses */
		read_lanes(w, mask, first, copy, offset, d, 2);
		return;
	case MEM_B96:
		memcpy(copy, a, sizeof(copy));
		read_lanes(w, mask, first, copy, offset, d, 3);
		return;
	case MEM_B128:
		memcpy(copy, a, sizeof(copy));
		read_lanes(w, mask, first, copy, offset, d, 4);
		return;
	default:
		for (uint32_t m = mask; m; m &= m - 1) {
			unsigned l = (unsigned)__builtin_ctz(m);
			uint8_t bytes[2];

			mem_lds_read(w, first + l, a[l] + offset, bytes, mem_kind_size[kind]);
			mem_unpack(kind, bytes, d + l);
		}
	}
}

enum gpu_step ds_read(struct gpu_wave *w, const struct gpu_inst *in)
{
	enum mem_kind kind = (enum mem_kind)in->op->data;

	if (MEM_UNLIKELY(in->gds))
		return refuse_gds(w, in);
	if (MEM_UNLIKELY(mem_regs_bad(w, in->src[0], 1) || mem_regs_bad(w, in->dst, mem_kind_regs[kind])))
		return mem_refuse_regs(w, in);
	for (unsigned first = 0; first < w->lanes; first += MEM_HALF)
		read_half(w, first, mem_exec_half(w, first), mem_vgpr(w, in->src[0], first), ds_offset(in),
			  mem_vgpr(w, in->dst, first), kind);
	return GPU_STEP_NEXT;
}

static void write_half(struct gpu_wave *w, unsigned first, uint32_t mask, const uint32_t *a, uint32_t offset,
		       const uint32_t *d, enum mem_kind kind)
{
	size_t row = w->lanes;
	uint8_t *p;

	if (kind == MEM_B32 && mask == ~0u && !w->strict && (p = whole_row(w, a, offset, 4))) {
		memcpy(p, d, MEM_HALF * 4);
		return;
	}
	for (uint32_t m = mask; m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m);
		uint32_t data[4];
		uint8_t bytes[16];

		if (kind == MEM_B32) {
			mem_lds_write(w, first + l, a[l] + offset, d + l, 4);
			continue;
		}
		for (unsigned i = 0; i < mem_kind_regs[kind]; i++)
			data[i] = d[i * row + l];
		mem_pack(kind, data, bytes);
		mem_lds_write(w, first + l, a[l] + offset, bytes, mem_kind_size[kind]);
	}
}

enum gpu_step ds_write(struct gpu_wave *w, const struct gpu_inst *in)
{
	enum mem_kind kind = (enum mem_kind)in->op->data;

	if (MEM_UNLIKELY(in->gds))
		return refuse_gds(w, in);
	if (MEM_UNLIKELY(mem_regs_bad(w, in->src[0], 1) || mem_regs_bad(w, in->src[1], mem_kind_regs[kind])))
		return mem_refuse_regs(w, in);
	for (unsigned first = 0; first < w->lanes; first += MEM_HALF)
		write_half(w, first, mem_exec_half(w, first), mem_vgpr(w, in->src[0], first), ds_offset(in),
			   mem_vgpr(w, in->src[1], first), kind);
	return GPU_STEP_NEXT;
}

/* Byte offsets of the two elements. */
static void two_offsets(const struct gpu_inst *in, uint32_t offset[2])
{
	uint32_t unit = (in->op->data & 0xff) * (in->op->data & DS_ST64 ? 64 : 1);

	offset[0] = (uint32_t)in->imm * unit;
	offset[1] = in->offset1 * unit;
}

enum gpu_step ds_read2(struct gpu_wave *w, const struct gpu_inst *in)
{
	unsigned n = (in->op->data & 0xff) / 4;
	uint32_t offset[2], copy[MEM_HALF];

	if (MEM_UNLIKELY(in->gds))
		return refuse_gds(w, in);
	if (MEM_UNLIKELY(mem_regs_bad(w, in->src[0], 1) || mem_regs_bad(w, in->dst, 2 * n)))
		return mem_refuse_regs(w, in);
	two_offsets(in, offset);
	for (unsigned first = 0; first < w->lanes; first += MEM_HALF) {
		uint32_t mask = mem_exec_half(w, first);

		memcpy(copy, mem_vgpr(w, in->src[0], first), sizeof(copy));
		for (unsigned e = 0; e < 2; e++) {
			uint32_t *d = mem_vgpr(w, in->dst + e * n, first);

			if (n == 1)
				read_half(w, first, mask, copy, offset[e], d, MEM_B32);
			else
				read_lanes(w, mask, first, copy, offset[e], d, 2);
		}
	}
	return GPU_STEP_NEXT;
}

enum gpu_step ds_write2(struct gpu_wave *w, const struct gpu_inst *in)
{
	unsigned n = (in->op->data & 0xff) / 4;
	uint32_t offset[2];

	if (MEM_UNLIKELY(in->gds))
		return refuse_gds(w, in);
	if (MEM_UNLIKELY(mem_regs_bad(w, in->src[0], 1) || mem_regs_bad(w, in->src[1], n) ||
			 mem_regs_bad(w, in->src[3], n)))
		return mem_refuse_regs(w, in);
	two_offsets(in, offset);
	for (unsigned first = 0; first < w->lanes; first += MEM_HALF) {
		uint32_t mask = mem_exec_half(w, first);
		const uint32_t *a = mem_vgpr(w, in->src[0], first);

		for (unsigned e = 0; e < 2; e++)
			write_half(w, first, mask, a, offset[e], mem_vgpr(w, in->src[e ? 3 : 1], first),
				   n == 1 ? MEM_B32 : MEM_B64);
	}
	return GPU_STEP_NEXT;
}

/* Address: M0[15:0] + offset + 4 * lane. */
enum gpu_step ds_read_addtid(struct gpu_wave *w, const struct gpu_inst *in)
{
	uint32_t a[MEM_HALF];

	if (in->gds)
		return refuse_gds(w, in);
	if (mem_regs_bad(w, in->dst, 1))
		return mem_refuse_regs(w, in);
	for (unsigned first = 0; first < w->lanes; first += MEM_HALF) {
		for (unsigned l = 0; l < MEM_HALF; l++)
			a[l] = (w->s[124] & 0xffff) + (first + l) * 4;
		read_half(w, first, mem_exec_half(w, first), a, ds_offset(in), mem_vgpr(w, in->dst, first), MEM_B32);
	}
	return GPU_STEP_NEXT;
}

enum gpu_step ds_write_addtid(struct gpu_wave *w, const struct gpu_inst *in)
{
	uint32_t a[MEM_HALF];

	if (in->gds)
		return refuse_gds(w, in);
	if (mem_regs_bad(w, in->src[1], 1))
		return mem_refuse_regs(w, in);
	for (unsigned first = 0; first < w->lanes; first += MEM_HALF) {
		for (unsigned l = 0; l < MEM_HALF; l++)
			a[l] = (w->s[124] & 0xffff) + (first + l) * 4;
		write_half(w, first, mem_exec_half(w, first), a, ds_offset(in), mem_vgpr(w, in->src[1], first),
			   MEM_B32);
	}
	return GPU_STEP_NEXT;
}

/* FFT mode: the lane whose low bits reversed, above those that the mask keeps. */
static unsigned fft_lane(unsigned i, unsigned mask)
{
	unsigned j = 0;

	for (unsigned bit = 0; bit < 5; bit++)
		j |= (i >> bit & 1) << (4 - bit);
	return (j >> __builtin_popcount(mask)) | (i & mask);
}

/* Source lane of lane i in 0..31, by the offset field (RDNA2 ISA, DS_SWIZZLE_B32). */
static unsigned swizzle_lane(unsigned i, uint32_t offset)
{
	unsigned mask = offset & 31, high = offset >> 5 & 31, rotate;

	if (offset >= 0xe000)
		return mask == 31 ? i : fft_lane(i, mask);
	if (offset >= 0xc000) {
		rotate = offset & 0x400 ? 32 - high : high;
		return (i & mask) | ((i + rotate) & 31 & ~mask);
	}
	if (offset & 0x8000)
		return (i & ~3u) | (offset >> (2 * (i & 3)) & 3);
	return ((i & mask) | high) ^ (offset >> 10 & 31);
}

/* Lanes that are off give 0. */
enum gpu_step ds_swizzle(struct gpu_wave *w, const struct gpu_inst *in)
{
	uint32_t from[MEM_HALF];

	if (in->gds)
		return refuse_gds(w, in);
	if (MEM_UNLIKELY(mem_regs_bad(w, in->src[0], 1) || mem_regs_bad(w, in->dst, 1)))
		return mem_refuse_regs(w, in);
	for (unsigned first = 0; first < w->lanes; first += MEM_HALF) {
		uint32_t mask = mem_exec_half(w, first), *d = mem_vgpr(w, in->dst, first);

		memcpy(from, mem_vgpr(w, in->src[0], first), sizeof(from));
		for (uint32_t m = mask; m; m &= m - 1) {
			unsigned l = (unsigned)__builtin_ctz(m), j = swizzle_lane(l, ds_offset(in));

			d[l] = mask >> j & 1 ? from[j] : 0;
		}
	}
	return GPU_STEP_NEXT;
}

/* Permutes stay inside 32 lanes, in wave64 too. Push: of lanes with one target the last wins; no source gives 0. */
enum gpu_step ds_permute(struct gpu_wave *w, const struct gpu_inst *in)
{
	uint32_t to[MEM_HALF];

	if (in->gds)
		return refuse_gds(w, in);
	if (MEM_UNLIKELY(mem_regs_bad(w, in->src[0], 1) || mem_regs_bad(w, in->src[1], 1) ||
			 mem_regs_bad(w, in->dst, 1)))
		return mem_refuse_regs(w, in);
	for (unsigned first = 0; first < w->lanes; first += MEM_HALF) {
		const uint32_t *a = mem_vgpr(w, in->src[0], first), *s = mem_vgpr(w, in->src[1], first);
		uint32_t mask = mem_exec_half(w, first), *d = mem_vgpr(w, in->dst, first);

		memset(to, 0, sizeof(to));
		for (unsigned l = 0; l < MEM_HALF; l++)
			if (mask >> l & 1)
				to[(a[l] + ds_offset(in)) >> 2 & 31] = s[l];
		for (unsigned l = 0; l < MEM_HALF; l++)
			if (mask >> l & 1)
				d[l] = to[l];
	}
	return GPU_STEP_NEXT;
}

/* Pull: a source lane that is off gives 0. */
enum gpu_step ds_bpermute(struct gpu_wave *w, const struct gpu_inst *in)
{
	uint32_t from[MEM_HALF];

	if (in->gds)
		return refuse_gds(w, in);
	if (MEM_UNLIKELY(mem_regs_bad(w, in->src[0], 1) || mem_regs_bad(w, in->src[1], 1) ||
			 mem_regs_bad(w, in->dst, 1)))
		return mem_refuse_regs(w, in);
	for (unsigned first = 0; first < w->lanes; first += MEM_HALF) {
		const uint32_t *a = mem_vgpr(w, in->src[0], first), *s = mem_vgpr(w, in->src[1], first);
		uint32_t mask = mem_exec_half(w, first), *d = mem_vgpr(w, in->dst, first);

		for (unsigned l = 0; l < MEM_HALF; l++)
			from[l] = mask >> l & 1 ? s[l] : 0;
		for (unsigned l = 0; l < MEM_HALF; l++)
			if (mask >> l & 1)
				d[l] = from[(a[l] + ds_offset(in)) >> 2 & 31];
	}
	return GPU_STEP_NEXT;
}

enum gpu_step ds_nop(struct gpu_wave *w, const struct gpu_inst *in)
{
	(void)w;
	(void)in;
	return GPU_STEP_NEXT;
}

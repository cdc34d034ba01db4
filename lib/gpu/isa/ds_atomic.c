/* SPDX-License-Identifier: MIT */
/*
 * ds_atomic.c - LDS atomics, lane by lane in lane order. Address bits below the element's size are ignored.
 *
 * Operands: data0 is the value, except that compare-and-swap takes the comparand in data0 and the new value in data1
 * (the other way round than FLAT and MUBUF); mskor keeps what data0 does not mask and adds data1; wrap subtracts data0
 * or adds data1.
 */
#include "gpu/isa/ds.h"
#include "gpu/strict.h"

#include <string.h>

uint32_t mem_lds_atomic32(struct gpu_wave *w, unsigned lane, uint32_t addr, enum mem_atomic op, uint32_t a, uint32_t b)
{
	uint8_t *p = ds_ptr(w, addr &= ~3u, 4);
	uint32_t old, new;

	if (!p)
		return 0;
	gpu_strict_lds_atomic(w, lane, addr, 4);
	memcpy(&old, p, 4);
	new = mem_atomic_new32(op, old, a, b);
	memcpy(p, &new, 4);
	return old;
}

uint64_t mem_lds_atomic64(struct gpu_wave *w, unsigned lane, uint32_t addr, enum mem_atomic op, uint64_t a, uint64_t b)
{
	uint8_t *p = ds_ptr(w, addr &= ~7u, 8);
	uint64_t old, new;

	if (!p)
		return 0;
	gpu_strict_lds_atomic(w, lane, addr, 8);
	memcpy(&old, p, 8);
	new = mem_atomic_new64(op, old, a, b);
	memcpy(p, &new, 8);
	return old;
}

static bool uses_data1(enum mem_atomic op)
{
	return op == MEM_CMPSWAP || op == MEM_FCMPSWAP || op == MEM_MSKOR || op == MEM_WRAP;
}

static bool operands_ok(const struct gpu_wave *w, const struct gpu_inst *in, unsigned n, bool data1, unsigned back)
{
	return !mem_regs_bad(w, in->src[0], 1) && !mem_regs_bad(w, in->src[1], n) &&
	       !(data1 && mem_regs_bad(w, in->src[3], n)) && !(back && mem_regs_bad(w, in->dst, back));
}

static enum gpu_step refuse_gds(struct gpu_wave *w, const struct gpu_inst *in)
{
	return mem_refuse(w, in, "the global data share is out of scope");
}

static uint64_t pair(const uint32_t *v, size_t row)
{
	return v[0] | (uint64_t)v[row] << 32;
}

static void set_pair(uint32_t *d, size_t row, uint64_t v)
{
	d[0] = (uint32_t)v;
	d[row] = (uint32_t)(v >> 32);
}

static void atomic32_half(struct gpu_wave *w, const struct gpu_inst *in, unsigned first, enum mem_atomic op)
{
	const uint32_t *a = mem_vgpr(w, in->src[0], first), *s = mem_vgpr(w, in->src[1], first);
	const uint32_t *t = uses_data1(op) ? mem_vgpr(w, in->src[3], first) : s;
	uint32_t *d = in->op->data & DS_RTN ? mem_vgpr(w, in->dst, first) : NULL;
	bool swap = op == MEM_CMPSWAP || op == MEM_FCMPSWAP;

	for (uint32_t m = mem_exec_half(w, first); m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m);
		uint32_t old = mem_lds_atomic32(w, first + l, a[l] + ds_offset(in), op, swap ? t[l] : s[l],
						swap ? s[l] : t[l]);

		if (d)
			d[l] = old;
	}
}

static void atomic64_half(struct gpu_wave *w, const struct gpu_inst *in, unsigned first, enum mem_atomic op)
{
	const uint32_t *a = mem_vgpr(w, in->src[0], first), *s = mem_vgpr(w, in->src[1], first);
	const uint32_t *t = uses_data1(op) ? mem_vgpr(w, in->src[3], first) : s;
	uint32_t *d = in->op->data & DS_RTN ? mem_vgpr(w, in->dst, first) : NULL;
	bool swap = op == MEM_CMPSWAP || op == MEM_FCMPSWAP;
	size_t row = w->lanes;

	for (uint32_t m = mem_exec_half(w, first); m; m &= m - 1) {
		unsigned l = (unsigned)__builtin_ctz(m);
		uint64_t x = pair(s + l, row), y = pair(t + l, row);
		uint64_t old = mem_lds_atomic64(w, first + l, a[l] + ds_offset(in), op, swap ? y : x, swap ? x : y);

		if (d)
			set_pair(d + l, row, old);
	}
}

enum gpu_step ds_atomic(struct gpu_wave *w, const struct gpu_inst *in)
{
	enum mem_atomic op = (enum mem_atomic)(in->op->data & 0xff);
	bool wide = in->op->data & MEM_X2;

	if (MEM_UNLIKELY(in->gds))
		return refuse_gds(w, in);
	if (MEM_UNLIKELY(!operands_ok(w, in, wide ? 2 : 1, uses_data1(op), in->op->data & DS_RTN ? (wide ? 2 : 1) : 0)))
		return mem_refuse_regs(w, in);
	for (unsigned first = 0; first < w->lanes; first += MEM_HALF) {
		if (wide)
			atomic64_half(w, in, first, op);
		else
			atomic32_half(w, in, first, op);
	}
	return GPU_STEP_NEXT;
}

/* Two exchanges a lane; data: element bytes | DS_ST64. */
enum gpu_step ds_wrxchg2(struct gpu_wave *w, const struct gpu_inst *in)
{
	unsigned size_B = in->op->data & 0xff, n = size_B / 4, unit = size_B * (in->op->data & DS_ST64 ? 64 : 1);
	size_t row = w->lanes;

	if (in->gds)
		return refuse_gds(w, in);
	if (!operands_ok(w, in, n, true, 2 * n))
		return mem_refuse_regs(w, in);
	for (unsigned first = 0; first < w->lanes; first += MEM_HALF) {
		const uint32_t *a = mem_vgpr(w, in->src[0], first);
		uint32_t *d = mem_vgpr(w, in->dst, first);

		for (uint32_t m = mem_exec_half(w, first); m; m &= m - 1) {
			unsigned l = (unsigned)__builtin_ctz(m);
			uint64_t v[2], old[2];

			for (unsigned e = 0; e < 2; e++) {
				const uint32_t *s = mem_vgpr(w, in->src[e ? 3 : 1], first) + l;

				v[e] = n == 1 ? s[0] : pair(s, row);
			}
			for (unsigned e = 0; e < 2; e++) {
				uint32_t addr = a[l] + (e ? in->offset1 : (uint32_t)in->imm) * unit;

				old[e] = n == 1 ? mem_lds_atomic32(w, first + l, addr, MEM_SWAP, (uint32_t)v[e], 0)
						: mem_lds_atomic64(w, first + l, addr, MEM_SWAP, v[e], 0);
			}
			for (unsigned i = 0; i < 2 * n; i++)
				d[i * row + l] = (uint32_t)(old[i / n] >> (32 * (i % n)));
		}
	}
	return GPU_STEP_NEXT;
}

/* Each dword of the pair is replaced when bit 31 of its data says so; that bit is not stored. */
enum gpu_step ds_condxchg32(struct gpu_wave *w, const struct gpu_inst *in)
{
	size_t row = w->lanes;

	if (in->gds)
		return refuse_gds(w, in);
	if (!operands_ok(w, in, 2, false, 2))
		return mem_refuse_regs(w, in);
	for (unsigned first = 0; first < w->lanes; first += MEM_HALF) {
		const uint32_t *a = mem_vgpr(w, in->src[0], first), *s = mem_vgpr(w, in->src[1], first);
		uint32_t *d = mem_vgpr(w, in->dst, first);

		for (uint32_t m = mem_exec_half(w, first); m; m &= m - 1) {
			unsigned l = (unsigned)__builtin_ctz(m);
			uint32_t addr = (a[l] + ds_offset(in)) & ~7u, data[2] = {s[l], s[row + l]};
			uint8_t *p = ds_ptr(w, addr, 8);

			for (unsigned i = 0; i < 2; i++) {
				uint32_t old = 0, new = data[i] & 0x7fffffff;

				if (p) {
					gpu_strict_lds_atomic(w, first + l, addr + i * 4, 4);
					memcpy(&old, p + i * 4, 4);
					if (data[i] >> 31)
						memcpy(p + i * 4, &new, 4);
				}
				d[i * row + l] = old;
			}
		}
	}
	return GPU_STEP_NEXT;
}

/* Adds or subtracts the number of active lanes, once a wave; the address is M0[15:0] + offset, as LLVM sets it. */
enum gpu_step ds_append(struct gpu_wave *w, const struct gpu_inst *in)
{
	uint64_t exec = gpu_wave_exec(w);
	uint32_t count = (uint32_t)__builtin_popcountll(exec), old;

	if (in->gds)
		return refuse_gds(w, in);
	if (mem_regs_bad(w, in->dst, 1))
		return mem_refuse_regs(w, in);
	if (!exec)
		return GPU_STEP_NEXT;
	old = mem_lds_atomic32(w, (unsigned)__builtin_ctzll(exec), (w->s[124] & 0xffff) + ds_offset(in),
			       in->op->data ? MEM_ADD : MEM_SUB, count, 0);
	for (uint64_t m = exec; m; m &= m - 1)
		mem_vgpr(w, in->dst, 0)[__builtin_ctzll(m)] = old;
	return GPU_STEP_NEXT;
}

/* SPDX-License-Identifier: MIT */
/*
 * mem.h - what the memory instructions share: element kinds, lane addresses, the access engine, atomics.
 *
 * Every vector memory instruction is two steps: its encoding computes an address a lane (half a wave, 32 lanes, at a
 * time), and the engine moves one element a lane between memory and VGPRs. The engine looks for the cheap shapes:
 * elements that follow each other, one address for all lanes.
 *
 * Guest memory. Other waves on other host threads read and write the same bytes; races there belong to the guest. A
 * dword that is aligned is always one host access, never torn and never repeated, so that polling and message passing
 * work; there is no order between accesses beyond what x86 gives and what the host's acquire and release give in
 * gpu_tlb_read/write. MEM_GUEST marks the functions that touch guest memory, so that ThreadSanitizer leaves the
 * guest's races alone.
 *
 * Alignment. amdgpu runs gfx10 in unaligned mode (SH_MEM_CONFIG.ALIGNMENT_MODE): loads and stores of any size take any
 * address. Atomics ignore the low address bits (the hardware requires natural alignment).
 */
#ifndef DF_GPU_ISA_MEM_H
#define DF_GPU_ISA_MEM_H

#include "gpu/isa.h"

#define MEM_GUEST       __attribute__((no_sanitize("thread")))
#define MEM_INLINE      static inline __attribute__((always_inline, no_sanitize("thread")))
#define MEM_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* One element. _LO/_HI: goes to or comes from a half of the register, the other half stays as it is. */
enum mem_kind {
	MEM_U8,
	MEM_I8,
	MEM_U16,
	MEM_I16,
	MEM_B32,
	MEM_B64,
	MEM_B96,
	MEM_B128,
	MEM_U8_LO,
	MEM_U8_HI,
	MEM_I8_LO,
	MEM_I8_HI,
	MEM_B16_LO,
	MEM_B16_HI,
	MEM_KINDS
};
extern const uint8_t mem_kind_size[MEM_KINDS]; /* bytes in memory */
extern const uint8_t mem_kind_regs[MEM_KINDS]; /* VGPRs */

#define MEM_HALF 32

/* Addresses of half a wave. va of lanes outside mask is not defined. */
struct mem_half {
	uint64_t va[MEM_HALF] __attribute__((aligned(64)));
	uint32_t mask;  /* lanes that take part */
	unsigned first; /* lane 0 or 32 */
};

typedef uint16_t mem_u16 __attribute__((aligned(1), may_alias));
typedef uint32_t mem_u32 __attribute__((aligned(1), may_alias));
typedef uint64_t mem_u64 __attribute__((aligned(1), may_alias));
typedef uint64_t mem_q2 __attribute__((vector_size(16), aligned(8), may_alias));
typedef uint32_t mem_v4 __attribute__((vector_size(16), aligned(1), may_alias));

static inline uint32_t mem_exec_half(const struct gpu_wave *w, unsigned first)
{
	return w->s[126 + (first >> 5)];
}

/* First lane of the half in VGPR `code` (256 + n). */
static inline uint32_t *mem_vgpr(const struct gpu_wave *w, unsigned code, unsigned first)
{
	return w->vgpr + ((size_t)(code - 256) << w->lane_shift) + first;
}

static inline bool mem_regs_bad(const struct gpu_wave *w, unsigned code, unsigned n)
{
	return code < 256 || code - 256 + n > w->vgpr_count;
}

static inline uint64_t mem_sgpr64(const struct gpu_wave *w, unsigned code)
{
	return w->s[code & 127] | (uint64_t)w->s[(code + 1) & 127] << 32;
}

/* Faults: fills what the translation does not know. Returns GPU_STEP_FAULT. */
enum gpu_step mem_page_fault(struct gpu_wave *w, const struct gpu_inst *in);
enum gpu_step mem_refuse(struct gpu_wave *w, const struct gpu_inst *in, const char *why);
enum gpu_step mem_refuse_regs(struct gpu_wave *w, const struct gpu_inst *in);

/*
 * The engine. code is the first data VGPR, checked by the caller. 0, or -EFAULT with w->fault filled by the
 * translation. Lanes outside h->mask keep their registers and touch nothing.
 */
int mem_load(struct gpu_wave *w, const struct gpu_inst *in, const struct mem_half *h, unsigned code,
	     enum mem_kind kind);
int mem_store(struct gpu_wave *w, const struct gpu_inst *in, const struct mem_half *h, unsigned code,
	      enum mem_kind kind);

/*
 * The hot shape without an address array: all 32 lanes on, elements of n dwords one after the other from va on. False
 * when that is not inside one page or may not be done: nothing happened then.
 */
bool mem_load_row(struct gpu_wave *w, uint64_t va, unsigned first, unsigned code, unsigned n);
bool mem_store_row(struct gpu_wave *w, uint64_t va, unsigned first, unsigned code, unsigned n);

/* 32 register values that rise by size_B a lane, without a wrap. */
MEM_INLINE bool mem_values_rise(const uint32_t *v, unsigned size_B)
{
	uint32_t base = v[0], bad = 0;

	for (unsigned l = 0; l < MEM_HALF; l++)
		bad |= v[l] - base - l * size_B;
	return !bad && base <= UINT32_MAX - MEM_HALF * size_B;
}

MEM_INLINE bool mem_values_same(const uint32_t *v)
{
	uint32_t base = v[0], bad = 0;

	for (unsigned l = 0; l < MEM_HALF; l++)
		bad |= v[l] ^ base;
	return !bad;
}

/* Any bytes of one lane; dwords that are aligned are whole. For the rare shapes. */
int mem_read_lane(struct gpu_wave *w, const struct gpu_inst *in, uint64_t va, void *to, unsigned size_B);
int mem_write_lane(struct gpu_wave *w, const struct gpu_inst *in, uint64_t va, const void *from, unsigned size_B);

/* Element bytes to register values and back. data[] has mem_kind_regs entries; unpack reads data[0] for _LO/_HI. */
void mem_unpack(enum mem_kind kind, const uint8_t *bytes, uint32_t *data);
void mem_pack(enum mem_kind kind, const uint32_t *data, uint8_t *bytes);

/* Atomic operations, by the order of the opcodes in FLAT and MUBUF. */
enum mem_atomic {
	MEM_SWAP,
	MEM_CMPSWAP,
	MEM_ADD,
	MEM_SUB,
	MEM_CSUB,
	MEM_SMIN,
	MEM_UMIN,
	MEM_SMAX,
	MEM_UMAX,
	MEM_AND,
	MEM_OR,
	MEM_XOR,
	MEM_INC,
	MEM_DEC,
	MEM_FCMPSWAP,
	MEM_FMIN,
	MEM_FMAX,
	/* LDS only */
	MEM_RSUB,
	MEM_MSKOR,
	MEM_WRAP,
	MEM_FADD,
	MEM_ATOMICS
};
#define MEM_X2 0x100 /* in gpu_op.data: 64 bits */

/* The new value of a memory word. b is the second operand: comparand, mask's value, wrap's. */
uint32_t mem_atomic_new32(enum mem_atomic op, uint32_t old, uint32_t a, uint32_t b);
uint64_t mem_atomic_new64(enum mem_atomic op, uint64_t old, uint64_t a, uint64_t b);

/* One lane's atomic on memory. a: data, b: comparand. The old value goes to *old_out. */
int mem_atomic32(struct gpu_wave *w, uint64_t va, enum mem_atomic op, uint32_t a, uint32_t b, uint32_t *old_out);
int mem_atomic64(struct gpu_wave *w, uint64_t va, enum mem_atomic op, uint64_t a, uint64_t b, uint64_t *old_out);

/* A vector atomic instruction on half a wave. data: mem_atomic | MEM_X2; src_code: data VGPRs; returns with glc. */
int mem_atomic_half(struct gpu_wave *w, const struct gpu_inst *in, const struct mem_half *h, unsigned data,
		    unsigned src_code, unsigned dst_code);
static inline unsigned mem_atomic_src_regs(unsigned data)
{
	bool cmp = (data & 0xff) == MEM_CMPSWAP || (data & 0xff) == MEM_FCMPSWAP;

	return (data & MEM_X2 ? 2u : 1u) << cmp;
}

/* LDS accesses by other encodings (flat, buffer loads to LDS): out of range reads give 0, writes are dropped. */
void mem_lds_read(struct gpu_wave *w, unsigned lane, uint32_t addr, void *to, unsigned size_B);
void mem_lds_write(struct gpu_wave *w, unsigned lane, uint32_t addr, const void *from, unsigned size_B);
uint32_t mem_lds_atomic32(struct gpu_wave *w, unsigned lane, uint32_t addr, enum mem_atomic op, uint32_t a, uint32_t b);
uint64_t mem_lds_atomic64(struct gpu_wave *w, unsigned lane, uint32_t addr, enum mem_atomic op, uint64_t a, uint64_t b);

/* Exec functions. */
enum gpu_step mem_s_load(struct gpu_wave *w, const struct gpu_inst *in);        /* data: dwords */
enum gpu_step mem_s_buffer_load(struct gpu_wave *w, const struct gpu_inst *in); /* data: dwords */
enum gpu_step mem_s_time(struct gpu_wave *w, const struct gpu_inst *in);
enum gpu_step mem_cache_nop(struct gpu_wave *w, const struct gpu_inst *in);
enum gpu_step mem_s_probe(struct gpu_wave *w, const struct gpu_inst *in);
enum gpu_step mem_global_load(struct gpu_wave *w, const struct gpu_inst *in);   /* data: mem_kind */
enum gpu_step mem_global_store(struct gpu_wave *w, const struct gpu_inst *in);  /* data: mem_kind */
enum gpu_step mem_global_atomic(struct gpu_wave *w, const struct gpu_inst *in); /* data: mem_atomic | MEM_X2 */
enum gpu_step mem_global_load_addtid(struct gpu_wave *w, const struct gpu_inst *in);
enum gpu_step mem_global_store_addtid(struct gpu_wave *w, const struct gpu_inst *in);
enum gpu_step mem_flat_load(struct gpu_wave *w, const struct gpu_inst *in);
enum gpu_step mem_flat_store(struct gpu_wave *w, const struct gpu_inst *in);
enum gpu_step mem_flat_atomic(struct gpu_wave *w, const struct gpu_inst *in);
enum gpu_step mem_scratch_load(struct gpu_wave *w, const struct gpu_inst *in);
enum gpu_step mem_scratch_store(struct gpu_wave *w, const struct gpu_inst *in);
enum gpu_step mem_buffer_load(struct gpu_wave *w, const struct gpu_inst *in);         /* data: mem_kind */
enum gpu_step mem_buffer_store(struct gpu_wave *w, const struct gpu_inst *in);        /* data: mem_kind */
enum gpu_step mem_buffer_atomic(struct gpu_wave *w, const struct gpu_inst *in);       /* data: mem_atomic | MEM_X2 */
enum gpu_step mem_buffer_load_format(struct gpu_wave *w, const struct gpu_inst *in);  /* data: components | MEM_D16 */
enum gpu_step mem_buffer_store_format(struct gpu_wave *w, const struct gpu_inst *in); /* data: components | MEM_D16 */
#define MEM_D16 0x10

#endif

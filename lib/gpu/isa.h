/* SPDX-License-Identifier: MIT */
/*
 * isa.h - what the ISA tables, the decoder, the wave scheduler and the execution units share.
 *
 * An ISA is a set of tables, one per encoding, one row per opcode (struct gpu_op). The decoder turns the dwords at a
 * program counter into a struct gpu_inst once; the scheduler calls its exec function each time the wave passes there.
 * VGPRs are stored register by register, a lane next to its neighbour, so that one C loop over lanes is one vector
 * operation of the host.
 */
#ifndef DF_GPU_ISA_H
#define DF_GPU_ISA_H

#include "gpu.h"

enum gpu_enc {
	GPU_SOP1,
	GPU_SOP2,
	GPU_SOPC,
	GPU_SOPK,
	GPU_SOPP,
	GPU_SMEM,
	GPU_VOP1,
	GPU_VOP2,
	GPU_VOPC,
	GPU_VOP3,
	GPU_VOP3P,
	GPU_DS,
	GPU_FLAT,
	GPU_GLOBAL,
	GPU_SCRATCH,
	GPU_MUBUF,
	GPU_MTBUF,
	GPU_VINTRP,
	GPU_MIMG,
	GPU_EXP, /* decoded, refused by name */
	GPU_ENCS
};

/* Result of one instruction. */
enum gpu_step {
	GPU_STEP_NEXT,    /* go on at w->pc (already moved past this instruction; branches have set it) */
	GPU_STEP_YIELD,   /* let other waves run first (s_sleep, spinning poll) */
	GPU_STEP_BARRIER, /* wait until every wave of the workgroup came here */
	GPU_STEP_END,     /* the wave has ended */
	GPU_STEP_FAULT,   /* w->fault says why */
};

struct gpu_wave;
struct gpu_inst;
typedef enum gpu_step (*gpu_exec_fn)(struct gpu_wave *w, const struct gpu_inst *in);

/* What an operand slot holds. Width in dwords comes with it, for hazards, uninitialised reads and disassembly tests. */
enum gpu_opnd {
	GPU_O_NONE,
	GPU_O_B16,
	GPU_O_B32,
	GPU_O_B64,
	GPU_O_B96,
	GPU_O_B128,
	GPU_O_B256,
	GPU_O_B512, /* untyped */
	GPU_O_I16,
	GPU_O_U16,
	GPU_O_I32,
	GPU_O_U32,
	GPU_O_I64,
	GPU_O_U64,
	GPU_O_F16,
	GPU_O_F32,
	GPU_O_F64,
	GPU_O_V2F16,
	GPU_O_V2I16,
	GPU_O_MASK, /* lane mask: one SGPR in wave32, two in wave64 */
};

enum gpu_op_flags {
	GPU_OPF_READS_VCC = 1 << 0,
	GPU_OPF_WRITES_VCC = 1 << 1,
	GPU_OPF_READS_SCC = 1 << 2,
	GPU_OPF_WRITES_SCC = 1 << 3,
	GPU_OPF_READS_DST = 1 << 4,  /* v_fmac, v_mac, ..d16 */
	GPU_OPF_SCALAR_DST = 1 << 5, /* v_readlane, v_readfirstlane */
	GPU_OPF_LITERAL = 1 << 6,    /* always followed by a literal (v_madmk, v_fmaak, s_setreg_imm32) */
	GPU_OPF_BRANCH = 1 << 7,
	GPU_OPF_ATOMIC = 1 << 8,
	GPU_OPF_STORE = 1 << 9,
	GPU_OPF_LOAD = 1 << 10,
	GPU_OPF_REFUSED = 1 << 11, /* decoded and refused by name: images, exports, interpolation */
	GPU_OPF_NO_VOP3 = 1 << 12,
	GPU_OPF_NO_DPP = 1 << 13,
	GPU_OPF_NO_SDWA = 1 << 14,
	GPU_OPF_EXEC_ALL = 1 << 15, /* ignores EXEC (v_readlane, v_readfirstlane, v_writelane) */
};

struct gpu_op {
	uint16_t opcode;   /* in its encoding */
	uint8_t enc;       /* enum gpu_enc */
	uint8_t dst, sdst; /* enum gpu_opnd */
	uint8_t src[4];    /* enum gpu_opnd */
	uint32_t flags;    /* enum gpu_op_flags */
	const char *name;  /* LLVM's mnemonic without _e32/_e64 */
	gpu_exec_fn exec;  /* NULL: refused by name */
	uintptr_t data;    /* for the exec function: element size, sub-operation ... */
};

/* All tables of one ISA. */
struct gpu_isa {
	const char *name; /* "gfx1030" */
	const struct gpu_op *ops[GPU_ENCS];
	const unsigned *count[GPU_ENCS]; /* rows */
};
extern const struct gpu_isa gpu_isa_gfx10_3;

/* Modifier kinds of a VALU instruction. */
enum { GPU_MOD_NONE, GPU_MOD_SDWA, GPU_MOD_DPP16, GPU_MOD_DPP8 };

/* Operand codes (gfx10, 9 bits): 0-105 SGPR, 106/107 VCC, 108-123 TTMP, 124 M0, 125 NULL, 126/127 EXEC, 128-192
 * integers 0..64, 193-208 -1..-16, 235-239 apertures and POPS, 240-248 floats, 251 VCCZ, 252 EXECZ, 253 SCC, 255
 * literal, 256-511 VGPR. */
struct gpu_inst {
	gpu_exec_fn exec;
	const struct gpu_op *op;
	uint8_t size_dw;  /* whole, with literal or DPP/SDWA dword */
	uint8_t enc;      /* as encoded: a VOP2 in VOP3 form has op->enc == GPU_VOP2 and enc == GPU_VOP3 */
	uint8_t mod;      /* GPU_MOD_* */
	uint8_t neg, abs; /* bit i: source i */
	uint8_t opsel, opsel_hi, neg_hi;
	uint8_t omod; /* 0 none, 1 x2, 2 x4, 3 /2 */
	bool clamp;
	bool glc, slc, dlc, lds, offen, idxen, tfe, gds;
	uint16_t dst, sdst; /* operand codes; VGPRs are 256 + n */
	uint16_t src[4]; /* operand codes. Memory: src[0] address, src[1] data, src[2] saddr/srsrc, src[3] soffset/data1
			  */
	uint32_t literal;
	uint32_t ctl;     /* the DPP or SDWA dword */
	int32_t imm;      /* simm16, offset, hwreg id ... */
	uint16_t offset1; /* DS: second offset; MTBUF: format */
	uint32_t raw[2];  /* first two dwords, for messages */
	uint16_t vgprs;   /* VGPRs that the instruction reaches by its encoding: 1 + the highest index, 0 when none. An
			   * instruction must not run in a wave with fewer (w->vgpr_count); GPU_STEP_FAULT. */
	const void *spec; /* free for the execution unit's specialisation, NULL after decoding */
};

/*
 * Decodes the instruction in dw[0..n). Returns its size in dwords, 0 with *why_out (static string, ends up in a fault)
 * when it is no instruction of this ISA or n is too small. n >= 1; callers give 5 dwords where the mapping allows it.
 */
unsigned gpu_isa_decode(const struct gpu_isa *isa, const uint32_t *dw, unsigned n, struct gpu_inst *in_out,
			const char **why_out);

/* A workgroup's shared part. */
struct gpu_group {
	uint8_t *lds;
	uint32_t lds_size_B;
	uint32_t id[3];
	unsigned wave_count, at_barrier, ended;
	uint8_t *lds_shadow;    /* strict: state of each LDS dword, else NULL; layout in strict.h */
	uint32_t barrier_epoch; /* barriers passed */
};

/*
 * The translation cache of one host thread, and the only way by which an instruction reaches memory.
 * gpu_tlb_read/write handle any size and page crossing; gpu_tlb_ptr gives a host pointer for an access that stays
 * inside one 4 KiB page (fast path), or NULL: then nothing was touched and *fault is filled (or the page is PRT: use
 * gpu_tlb_read/write, which handle that).
 */
struct gpu_tlb_entry {
	uint64_t page; /* va >> 12, ~0 when empty */
	uint8_t *host; /* host address of the page */
	uint8_t access, mtype;
};
#define GPU_TLB_ENTRIES 64 /* 2^6: see gpu_tlb_slot() */
struct gpu_thread;
struct gpu_tlb {
	struct gpu_vm *vm;
	uint64_t generation;       /* of the address space when the entries were filled */
	struct gpu_thread *thread; /* the GPU thread that owns it; NULL: a test's own */
	uint64_t told_page;        /* last page that page_fault was told of, so that one page is told once by a job */
	struct gpu_tlb_entry e[GPU_TLB_ENTRIES];
};
/* Empties the cache and points it at an address space (NULL: at none). Pointers from gpu_tlb_ptr() are valid until the
 * next call of any gpu_tlb function on the same cache, and never beyond the instruction that asked. */
void gpu_tlb_init(struct gpu_tlb *tlb, struct gpu_vm *vm);
void *gpu_tlb_miss(struct gpu_tlb *tlb, uint64_t va, unsigned size_B, unsigned access, struct gpu_fault *fault);

/* Buffers tend to lie at equal offsets of large powers of two: the upper bits must count too. */
static inline unsigned gpu_tlb_slot(uint64_t va)
{
	return (unsigned)((va >> 12) * 0x9e3779b97f4a7c15ull >> 58);
}

static inline void *gpu_tlb_ptr(struct gpu_tlb *tlb, uint64_t va, unsigned size_B, unsigned access,
				struct gpu_fault *fault)
{
	struct gpu_tlb_entry *e = &tlb->e[gpu_tlb_slot(va)];

	if (e->page == va >> 12 && (e->access & access) == access && (va & 4095) + size_B <= 4096)
		return e->host + (va & 4095);
	return gpu_tlb_miss(tlb, va, size_B, access, fault);
}
/* 0, or -EFAULT with *fault filled. A fault under "redirect" mode reads zeros / drops the write and returns 0 after the
 * page_fault callback was told. */
int gpu_tlb_read(struct gpu_tlb *tlb, uint64_t va, void *to, size_t size_B, struct gpu_fault *fault);
int gpu_tlb_write(struct gpu_tlb *tlb, uint64_t va, const void *from, size_t size_B, struct gpu_fault *fault);

/* MODE register, gfx10: round f32 1:0, round f16/f64 3:2, denorm f32 5:4, denorm f16/f64 7:6, DX10_CLAMP 8, IEEE 9. */
enum {
	GPU_MODE_ROUND32_SHIFT = 0,
	GPU_MODE_ROUND64_SHIFT = 2,
	GPU_MODE_DENORM32_SHIFT = 4,
	GPU_MODE_DENORM64_SHIFT = 6,
	GPU_MODE_DX10_CLAMP = 1 << 8,
	GPU_MODE_IEEE = 1 << 9,
};

struct gpu_wave {
	uint64_t pc;
	uint32_t lanes;      /* 32 or 64 */
	uint32_t lane_shift; /* 5 or 6: VGPR r of lane l is vgpr[(r << lane_shift) + l] */
	uint32_t *vgpr;      /* 64-byte aligned */
	uint32_t vgpr_count;
	uint32_t shared_first; /* wave64: VGPRs from here on are shared by both halves; vgpr_count: none */
	/* By operand code: SGPRs 0-105, VCC 106/107, TTMP 108-123, M0 124, NULL 125 (reads 0), EXEC 126/127. The upper
	 * halves of VCC and EXEC are 0 in wave32. */
	uint32_t s[128];
	uint32_t scc;
	uint32_t mode, trapsts, status, hw_id1, hw_id2;
	uint64_t flat_scratch; /* hwregs FLAT_SCR_LO/HI: base address of the wave's scratch as the code sets it */
	uint64_t private_aperture, shared_aperture; /* high dwords of the flat apertures, from SH_MEM_BASES, << 32 */
	struct gpu_group *group;
	struct gpu_tlb *tlb;
	const struct gpu *gpu;
	uint32_t launch; /* for findings: dispatch in the job */
	uint32_t index;  /* wave in the workgroup */
	uint64_t instructions;
	enum { GPU_WAVE_READY, GPU_WAVE_AT_BARRIER, GPU_WAVE_ENDED } state;
	struct gpu_fault fault;
	/* strict mode only (NULL otherwise): outstanding counters and register states; owned by strict.c */
	struct gpu_strict_wave *strict;
	bool wqm_or_other_reserved;
};

static inline uint64_t gpu_wave_exec(const struct gpu_wave *w)
{
	return w->s[126] | (uint64_t)w->s[127] << 32;
}

/* Fills w->fault (status, pc, group, wave, launch) and formats what; returns GPU_STEP_FAULT. */
enum gpu_step gpu_wave_fault(struct gpu_wave *w, enum gpu_status status, uint64_t address, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Scalar operand of 32 or 64 bits (any code below 256, literal included), without modifiers. */
uint32_t gpu_src32(const struct gpu_wave *w, const struct gpu_inst *in, unsigned code);
uint64_t gpu_src64(const struct gpu_wave *w, const struct gpu_inst *in, unsigned code);

#endif

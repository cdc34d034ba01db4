/* SPDX-License-Identifier: MIT */
/*
 * drumfire_image.h - the kernel image: GPU code of one target with what a launch must know of it.
 *
 * All fields are little-endian; every struct is a multiple of 8 bytes and holds no implicit padding. The file is
 *
 *	header | kernel table | argument table | user-SGPR table | strings | code
 *
 * in any order behind the header, none overlapping another. Offsets count from the start of the file, except where said
 * otherwise. Tables have a stride, so that structs can grow at their end: a reader takes the part it knows and refuses
 * the image when the rest of an entry is not zero. Strings are referred to by their offset in the string table, end in
 * NUL and are not empty, except where said otherwise; offset 0 is the empty string.
 *
 * Code is copied as one piece to a 256-byte aligned address and needs no relocation. It is never written by the GPU.
 *
 * The argument block is what a caller fills: args_size_B bytes with each argument at its offset. How it reaches the
 * kernel is the user-SGPR table's business: dwords of it in user SGPRs (ARG_INLINE), or a pointer to a copy of it in
 * memory (KERNARG_PTR, PUSH_CONST_PTR).
 */
#ifndef DRUMFIRE_IMAGE_H
#define DRUMFIRE_IMAGE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DF_IMAGE_MAGIC       0x31494644u /* "DFI1" */
#define DF_IMAGE_VERSION     1u
#define DF_IMAGE_CODE_ALIGN  256u
#define DF_IMAGE_MAX_SIZE_B  (64u << 20)
#define DF_IMAGE_MAX_KERNELS 4096u
#define DF_IMAGE_MAX_ARGS    65536u
#define DF_IMAGE_MAX_ARGS_B  4096u /* largest argument block */
#define DF_IMAGE_MAX_NAME    1024u
#define DF_IMAGE_USER_SGPRS  16u
#define DF_IMAGE_MAX_SCRATCH (1u << 18) /* bytes a work-item */
#define DF_IMAGE_MAX_LDS     65536u

enum df_image_origin {
	DF_IMAGE_ORIGIN_CODE_OBJECT = 1, /* HSA code object of clang or hipcc */
	DF_IMAGE_ORIGIN_RADV = 2,        /* captured from Mesa's RADV */
};

struct df_image_header {
	uint32_t magic;
	uint32_t version;
	uint32_t header_size_B; /* of this struct in the version that wrote it */
	uint32_t total_size_B;  /* of the file */
	uint32_t crc32;         /* IEEE 802.3, of the whole file with this field 0 */
	uint32_t origin;        /* enum df_image_origin */
	char target[16];        /* LLVM's name, "gfx1030", padded with NUL, at least one */
	uint32_t kernel_count, kernel_offset, kernel_stride;
	uint32_t arg_count, arg_offset, arg_stride;
	uint32_t sgpr_count, sgpr_offset, sgpr_stride;
	uint32_t code_offset, code_size_B; /* both multiples of DF_IMAGE_CODE_ALIGN */
	uint32_t strings_offset, strings_size_B;
	uint32_t provenance; /* string: what the image was made of and by which tools */
	uint32_t reserved[4];
};

/* df_image_kernel.flags */
#define DF_IMAGE_KERNEL_USES_VCC      (1u << 0)
#define DF_IMAGE_KERNEL_WGP_MODE      (1u << 1) /* a workgroup may spread over both CUs of a WGP */
#define DF_IMAGE_KERNEL_DYNAMIC_LDS   (1u << 2) /* takes LDS beyond lds_size_B, sized at launch */
#define DF_IMAGE_KERNEL_BLOCK_FIXED   (1u << 3) /* block[] is required; else it is the default */
#define DF_IMAGE_KERNEL_DISPATCH_PTR  (1u << 4) /* reads the AQL dispatch packet */
#define DF_IMAGE_KERNEL_QUEUE_PTR     (1u << 5) /* reads the AQL queue */
#define DF_IMAGE_KERNEL_DYNAMIC_STACK (1u << 6) /* scratch_size_B is a lower bound: recursion or indirect calls */
#define DF_IMAGE_KERNEL_FLAT_SCRATCH  (1u << 7) /* sets up FLAT_SCRATCH itself from FLAT_SCRATCH_INIT */
#define DF_IMAGE_KERNEL_PARTIAL_GRID  (1u << 8) /* arguments carry remainders: the last workgroup may be partial */
#define DF_IMAGE_KERNEL_FLAGS_ALL     0x1ffu

struct df_image_kernel {
	uint32_t name;         /* string */
	uint32_t entry_offset; /* from the start of the code; multiple of 256 */
	uint32_t pgm_rsrc1;    /* COMPUTE_PGM_RSRC1; as the compiler wrote it */
	uint32_t pgm_rsrc2;    /* COMPUTE_PGM_RSRC2; LDS_SIZE 0, SCRATCH_EN as the compiler wrote it */
	uint32_t pgm_rsrc3;    /* COMPUTE_PGM_RSRC3 */
	uint32_t flags;        /* DF_IMAGE_KERNEL_* */
	uint32_t wave_size;    /* 32 or 64 */
	uint32_t vgprs;        /* used, not rounded up to the allocation granule */
	uint32_t sgprs;
	uint32_t lds_size_B;     /* static */
	uint32_t scratch_size_B; /* a work-item */
	uint32_t block[3];       /* work-items a workgroup, required or default */
	uint32_t max_flat_size;  /* most work-items a workgroup that the code was compiled for */
	uint32_t args_size_B;    /* of the argument block */
	uint32_t arg_first, arg_count;
	uint32_t sgpr_first, sgpr_count;
	uint32_t kernarg_size_B;  /* bytes that KERNARG_PTR or PUSH_CONST_PTR points at: args_size_B; 0: no pointer */
	uint32_t kernarg_align_B; /* power of two, at least 4; 0 if there is none */
	/* High half of the addresses that the code makes of 32-bit pointers (user-SGPR pointers of count 1). */
	uint32_t address32_hi;
	uint32_t reserved[5];
};

enum df_image_arg_kind {
	DF_IMAGE_ARG_VALUE = 1,  /* size_B bytes by value */
	DF_IMAGE_ARG_GLOBAL = 2, /* 64-bit address */
	/* 32-bit byte offset of a dynamic LDS array: the runtime lays them out behind lds_size_B; callers give sizes */
	DF_IMAGE_ARG_LOCAL = 3,
	/* Filled by the runtime from the launch. Sizes as in LLVM's AMDGPU metadata. */
	DF_IMAGE_ARG_BLOCK_COUNT_X = 16, /* u32, whole workgroups in the grid */
	DF_IMAGE_ARG_BLOCK_COUNT_Y,
	DF_IMAGE_ARG_BLOCK_COUNT_Z,
	DF_IMAGE_ARG_GROUP_SIZE_X, /* u16 */
	DF_IMAGE_ARG_GROUP_SIZE_Y,
	DF_IMAGE_ARG_GROUP_SIZE_Z,
	DF_IMAGE_ARG_REMAINDER_X, /* u16, work-items in the last, partial workgroup; 0 if there is none */
	DF_IMAGE_ARG_REMAINDER_Y,
	DF_IMAGE_ARG_REMAINDER_Z,
	DF_IMAGE_ARG_GLOBAL_OFFSET_X, /* u64 */
	DF_IMAGE_ARG_GLOBAL_OFFSET_Y,
	DF_IMAGE_ARG_GLOBAL_OFFSET_Z,
	DF_IMAGE_ARG_GRID_DIMS,        /* u16, 1 to 3 */
	DF_IMAGE_ARG_PRIVATE_BASE,     /* u32, high half of the private aperture */
	DF_IMAGE_ARG_SHARED_BASE,      /* u32, high half of the shared aperture */
	DF_IMAGE_ARG_DYNAMIC_LDS_SIZE, /* u32 */
	DF_IMAGE_ARG_NONE,             /* a slot that the kernel does not read: 0 */
	/* Services of a vendor runtime. The tool writes NONE where it is sure that the code does not read the slot. */
	DF_IMAGE_ARG_SERVICES = 64,
	DF_IMAGE_ARG_PRINTF_BUFFER = 64, /* u64 */
	DF_IMAGE_ARG_QUEUE_PTR,          /* u64 */
	DF_IMAGE_ARG_HOSTCALL_BUFFER,    /* u64 */
	DF_IMAGE_ARG_MULTIGRID_SYNC,     /* u64 */
	DF_IMAGE_ARG_HEAP,               /* u64 */
	DF_IMAGE_ARG_DEFAULT_QUEUE,      /* u64 */
	DF_IMAGE_ARG_COMPLETION_ACTION,  /* u64 */
};

enum df_image_access {
	DF_IMAGE_ACCESS_UNKNOWN = 0,
	DF_IMAGE_ACCESS_READ = 1,
	DF_IMAGE_ACCESS_WRITE = 2,
	DF_IMAGE_ACCESS_READ_WRITE = 3
};

/* df_image_arg.type: what a value means, for those who show or check it */
enum df_image_type {
	DF_IMAGE_TYPE_BYTES = 0, /* unknown, or a struct */
	DF_IMAGE_TYPE_INT = 1,   /* signed */
	DF_IMAGE_TYPE_UINT = 2,
	DF_IMAGE_TYPE_FLOAT = 3,
};

struct df_image_arg {
	uint32_t name;     /* string, may be empty */
	uint16_t kind;     /* enum df_image_arg_kind */
	uint8_t access;    /* enum df_image_access; UNKNOWN unless GLOBAL */
	uint8_t type;      /* enum df_image_type; BYTES unless VALUE */
	uint32_t offset_B; /* in the argument block */
	uint32_t size_B;
	uint32_t align_B; /* LOCAL: alignment of the array, power of two; else 0 */
	uint32_t reserved;
};

enum df_image_sgpr_kind {
	DF_IMAGE_SGPR_ARG_INLINE = 1,         /* count dwords of the argument block from offset_B */
	DF_IMAGE_SGPR_KERNARG_PTR,            /* 64-bit address of the argument block */
	DF_IMAGE_SGPR_DISPATCH_PTR,           /* 64-bit address of an AQL dispatch packet */
	DF_IMAGE_SGPR_DISPATCH_ID,            /* 64 bits */
	DF_IMAGE_SGPR_PRIVATE_SEGMENT_BUFFER, /* 4 dwords: V# of the scratch memory */
	DF_IMAGE_SGPR_QUEUE_PTR,              /* 64-bit address */
	DF_IMAGE_SGPR_FLAT_SCRATCH_INIT,      /* 64 bits: base of the scratch memory, for FLAT_SCRATCH */
	DF_IMAGE_SGPR_PRIVATE_SEGMENT_SIZE,   /* scratch_size_B */
	DF_IMAGE_SGPR_GRID_SIZE, /* number of workgroups: 3 dwords, or (count 2) a 64-bit address of 3 dwords */
	/* RADV: the first two dwords of the scratch V#. The code takes the memory to lie in the upper half (canonical).
	 */
	DF_IMAGE_SGPR_SCRATCH_RING,
	DF_IMAGE_SGPR_PUSH_CONST_PTR, /* RADV: address of the argument block, 64 bits, or (count 1) its low half */
	DF_IMAGE_SGPR_DESCRIPTOR_SET, /* RADV: address of descriptor set offset_B, 64 bits, or (count 1) its low half */
	DF_IMAGE_SGPR_KIND_END,
};

struct df_image_sgpr {
	uint16_t kind; /* enum df_image_sgpr_kind */
	uint8_t first; /* user SGPR */
	uint8_t count; /* of dwords */
	uint32_t offset_B;
};

#ifdef __cplusplus
}
#define DF_IMAGE_ASSERT(condition, text) static_assert(condition, text)
#else
#define DF_IMAGE_ASSERT(condition, text) _Static_assert(condition, text)
#endif
DF_IMAGE_ASSERT(sizeof(struct df_image_header) == 112, "header layout");
DF_IMAGE_ASSERT(sizeof(struct df_image_kernel) == 112, "kernel layout");
DF_IMAGE_ASSERT(sizeof(struct df_image_arg) == 24, "argument layout");
DF_IMAGE_ASSERT(sizeof(struct df_image_sgpr) == 8, "user-SGPR layout");

#endif

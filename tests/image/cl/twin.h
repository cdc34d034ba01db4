/* SPDX-License-Identifier: MIT */
/*
 * twin.h - what lets one OpenCL C source run twice: on the GPU, and compiled for the host (TWIN_NATIVE), where native.c
 * runs each work-item as a fibre. Every kernel has the same shape, so that one table can describe them all:
 *
 *	out (read and written), a and b (read), n (work-items that have work), k (a parameter).
 */
#ifndef TWIN_H
#define TWIN_H

#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#pragma OPENCL EXTENSION cl_khr_int64_base_atomics : enable

#define KERNEL(name, to, ta, tb)                                                                                       \
	kernel void name(global to *out, global const ta *a, global const tb *b, uint n, uint k)
#define GID      ((uint)get_global_id(0))
#define LID      ((uint)get_local_id(0))
#define SYNC     barrier(CLK_LOCAL_MEM_FENCE)
#define NOINLINE __attribute__((noinline))

#ifdef TWIN_NATIVE
/* Work-items take turns on one thread, so plain accesses are atomic. */
#define DEFINE_ATOMICS(type)                                                                                           \
	static __attribute__((overloadable, unused)) type twin_add(volatile type *p, type v)                           \
	{                                                                                                              \
		type old = *p;                                                                                         \
		*p = old + v;                                                                                          \
		return old;                                                                                            \
	}                                                                                                              \
	static __attribute__((overloadable, unused)) type twin_and(volatile type *p, type v)                           \
	{                                                                                                              \
		type old = *p;                                                                                         \
		*p = old & v;                                                                                          \
		return old;                                                                                            \
	}                                                                                                              \
	static __attribute__((overloadable, unused)) type twin_or(volatile type *p, type v)                            \
	{                                                                                                              \
		type old = *p;                                                                                         \
		*p = old | v;                                                                                          \
		return old;                                                                                            \
	}                                                                                                              \
	static __attribute__((overloadable, unused)) type twin_xor(volatile type *p, type v)                           \
	{                                                                                                              \
		type old = *p;                                                                                         \
		*p = old ^ v;                                                                                          \
		return old;                                                                                            \
	}                                                                                                              \
	static __attribute__((overloadable, unused)) type twin_min(volatile type *p, type v)                           \
	{                                                                                                              \
		type old = *p;                                                                                         \
		*p = v < old ? v : old;                                                                                \
		return old;                                                                                            \
	}                                                                                                              \
	static __attribute__((overloadable, unused)) type twin_max(volatile type *p, type v)                           \
	{                                                                                                              \
		type old = *p;                                                                                         \
		*p = v > old ? v : old;                                                                                \
		return old;                                                                                            \
	}                                                                                                              \
	static __attribute__((overloadable, unused)) type twin_cmpxchg(volatile type *p, type c, type v)               \
	{                                                                                                              \
		type old = *p;                                                                                         \
		if (old == c)                                                                                          \
			*p = v;                                                                                        \
		return old;                                                                                            \
	}
DEFINE_ATOMICS(int)
DEFINE_ATOMICS(uint)
DEFINE_ATOMICS(ulong)
#define ATOMIC_ADD(p, v)          twin_add(p, v)
#define ATOMIC_AND(p, v)          twin_and(p, v)
#define ATOMIC_OR(p, v)           twin_or(p, v)
#define ATOMIC_XOR(p, v)          twin_xor(p, v)
#define ATOMIC_MIN(p, v)          twin_min(p, v)
#define ATOMIC_MAX(p, v)          twin_max(p, v)
#define ATOMIC_CMPXCHG(p, c, v)   twin_cmpxchg(p, c, v)
#define ATOMIC_ADD64(p, v)        twin_add(p, v)
#define ATOMIC_CMPXCHG64(p, c, v) twin_cmpxchg(p, c, v)

/* Of native.c: every work-item of the wave must call them together. */
uint twin_wave_size(void);
uint twin_shuffle(uint value, uint lane);
uint twin_read_lane(uint value, uint lane);
ulong twin_ballot(int condition);
#define WAVE_SIZE            twin_wave_size()
#define WAVE_READ_LANE(v, l) twin_read_lane(v, l)
#define WAVE_SHUFFLE(v, l)   twin_shuffle(v, l)
#define WAVE_BALLOT(c)       twin_ballot(c)
#else
#define ATOMIC_ADD(p, v)          atomic_add(p, v)
#define ATOMIC_AND(p, v)          atomic_and(p, v)
#define ATOMIC_OR(p, v)           atomic_or(p, v)
#define ATOMIC_XOR(p, v)          atomic_xor(p, v)
#define ATOMIC_MIN(p, v)          atomic_min(p, v)
#define ATOMIC_MAX(p, v)          atomic_max(p, v)
#define ATOMIC_CMPXCHG(p, c, v)   atomic_cmpxchg(p, c, v)
#define ATOMIC_ADD64(p, v)        atom_add(p, v)
#define ATOMIC_CMPXCHG64(p, c, v) atom_cmpxchg(p, c, v)

#define WAVE_SIZE            ((uint)TWIN_WAVE)
#define WAVE_READ_LANE(v, l) ((uint)__builtin_amdgcn_readlane((int)(v), (int)(l)))
/* Exchanges within the 32 lanes that a work-item is among, also in waves of 64. */
#define WAVE_SHUFFLE(v, l)   ((uint)__builtin_amdgcn_ds_bpermute((int)((l) << 2), (int)(v)))
#if TWIN_WAVE == 64
#define WAVE_BALLOT(c) ((ulong)__builtin_amdgcn_ballot_w64(c))
#else
#define WAVE_BALLOT(c) ((ulong)__builtin_amdgcn_ballot_w32(c))
#endif
#endif

/*
 * Dimensions other than x. At -O0 clang 16 reloads values ahead of the instruction that restores EXEC where branches
 * join, so that the device library's functions, which branch over the dimension, return stale registers for y and z.
 * There the kernels read what those functions would: registers, implicit arguments (code object version 5) and the
 * dispatch packet (version 4).
 */
#if defined(TWIN_NATIVE) || defined(__OPTIMIZE__)
#define LOCAL_ID(d)    ((uint)get_local_id(DIMENSION_##d))
#define GROUP_ID(d)    ((uint)get_group_id(DIMENSION_##d))
#define LOCAL_SIZE(d)  ((uint)get_local_size(DIMENSION_##d))
#define GROUP_COUNT(d) ((uint)get_num_groups(DIMENSION_##d))
#define WORK_DIM       ((uint)get_work_dim())
#else
#define LOCAL_ID(d) ((uint)__builtin_amdgcn_workitem_id_##d())
#define GROUP_ID(d) ((uint)__builtin_amdgcn_workgroup_id_##d())
#if TWIN_VERSION >= 5
#define IMPLICIT(type, at) ((uint) * (constant type *)((constant uchar *)__builtin_amdgcn_implicitarg_ptr() + (at)))
#define LOCAL_SIZE(d)      IMPLICIT(ushort, 12 + 2 * DIMENSION_##d)
#define GROUP_COUNT(d)     IMPLICIT(uint, 4 * DIMENSION_##d)
#define WORK_DIM           IMPLICIT(ushort, 64)
#else
#define PACKET(type, at) ((uint) * (constant type *)((constant uchar *)__builtin_amdgcn_dispatch_ptr() + (at)))
#define LOCAL_SIZE(d)    PACKET(ushort, 4 + 2 * DIMENSION_##d)
#define GROUP_COUNT(d)   (PACKET(uint, 12 + 4 * DIMENSION_##d) / LOCAL_SIZE(d))
#define WORK_DIM         (PACKET(ushort, 2) & 3u)
#endif
#endif
#define DIMENSION_x  0
#define DIMENSION_y  1
#define DIMENSION_z  2
#define GLOBAL_ID(d) (GROUP_ID(d) * LOCAL_SIZE(d) + LOCAL_ID(d))

#endif

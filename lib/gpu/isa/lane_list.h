/* SPDX-License-Identifier: MIT */
/*
 * lane_list.h - names of the lane functions, by group. A group's function tables (lanes_*.h) hold them in this order.
 */
#ifndef DF_GPU_ISA_LANE_LIST_H
#define DF_GPU_ISA_LANE_LIST_H

#include "gpu/isa/valu.h"

/* clang-format off */
#define GPU_LANES_INT(X) \
	X(INT, mov_b32) X(INT, not_b32) X(INT, bfrev_b32) X(INT, ffbh_u32) X(INT, ffbl_b32) X(INT, ffbh_i32) \
	X(INT, sat_pk_u8_i16) X(INT, cndmask_b32) X(INT, mul_i32_i24) X(INT, mul_hi_i32_i24) X(INT, mul_u32_u24) \
	X(INT, mul_hi_u32_u24) X(INT, min_i32) X(INT, max_i32) X(INT, min_u32) X(INT, max_u32) X(INT, lshrrev_b32) \
	X(INT, ashrrev_i32) X(INT, lshlrev_b32) X(INT, and_b32) X(INT, or_b32) X(INT, xor_b32) X(INT, xnor_b32) \
	X(INT, add_nc_u32) X(INT, sub_nc_u32) X(INT, subrev_nc_u32) X(INT, add_co_ci_u32) X(INT, sub_co_ci_u32) \
	X(INT, subrev_co_ci_u32) X(INT, mad_i32_i24) X(INT, mad_u32_u24) X(INT, bfe_u32) X(INT, bfe_i32) \
	X(INT, bfi_b32) X(INT, lerp_u8) X(INT, alignbit_b32) X(INT, alignbyte_b32) X(INT, min3_i32) \
	X(INT, min3_u32) X(INT, max3_i32) X(INT, max3_u32) X(INT, med3_i32) X(INT, med3_u32) X(INT, sad_u8) \
	X(INT, sad_hi_u8) X(INT, sad_u16) X(INT, sad_u32) X(INT, mul_lo_u32) X(INT, mul_hi_u32) X(INT, mul_hi_i32) \
	X(INT, msad_u8) X(INT, qsad_pk_u16_u8) X(INT, mqsad_pk_u16_u8) X(INT, mqsad_u32_u8) X(INT, mad_u64_u32) \
	X(INT, mad_i64_i32) X(INT, xor3_b32) X(INT, lshlrev_b64) X(INT, lshrrev_b64) X(INT, ashrrev_i64) \
	X(INT, add_nc_u16) X(INT, sub_nc_u16) X(INT, mul_lo_u16) X(INT, lshrrev_b16) X(INT, ashrrev_i16) \
	X(INT, max_u16) X(INT, max_i16) X(INT, min_u16) X(INT, min_i16) X(INT, add_nc_i16) X(INT, sub_nc_i16) \
	X(INT, add_co_u32) X(INT, sub_co_u32) X(INT, lshlrev_b16) X(INT, subrev_co_u32) X(INT, mad_u16) \
	X(INT, perm_b32) X(INT, xad_u32) X(INT, lshl_add_u32) X(INT, add_lshl_u32) X(INT, min3_i16) \
	X(INT, min3_u16) X(INT, max3_i16) X(INT, max3_u16) X(INT, med3_i16) X(INT, med3_u16) X(INT, mad_i16) \
	X(INT, bfm_b32) X(INT, bcnt_u32_b32) X(INT, mbcnt_lo_u32_b32) X(INT, mbcnt_hi_u32_b32) \
	X(INT, cvt_pk_u16_u32) X(INT, cvt_pk_i16_i32) X(INT, add3_u32) X(INT, lshl_or_b32) X(INT, and_or_b32) \
	X(INT, or3_b32) X(INT, mad_u32_u16) X(INT, mad_i32_i16) X(INT, sub_nc_i32) X(INT, add_nc_i32)
#define GPU_LANES_F64(X) \
	X(F64, cvt_i32_f64) X(F64, cvt_f64_i32) X(F64, cvt_f32_f64) X(F64, cvt_f64_f32) X(F64, cvt_u32_f64) \
	X(F64, cvt_f64_u32) X(F64, trunc_f64) X(F64, ceil_f64) X(F64, rndne_f64) X(F64, floor_f64) X(F64, rcp_f64) \
	X(F64, rsq_f64) X(F64, sqrt_f64) X(F64, frexp_exp_i32_f64) X(F64, frexp_mant_f64) X(F64, fract_f64) \
	X(F64, fma_f64) X(F64, div_fixup_f64) X(F64, add_f64) X(F64, mul_f64) X(F64, min_f64) X(F64, max_f64) \
	X(F64, ldexp_f64) X(F64, div_scale_f64) X(F64, div_fmas_f64) X(F64, trig_preop_f64)
#define GPU_LANES_F32(X) \
	X(F32, cvt_f32_i32) X(F32, cvt_f32_u32) X(F32, cvt_u32_f32) X(F32, cvt_i32_f32) X(F32, cvt_rpi_i32_f32) \
	X(F32, cvt_flr_i32_f32) X(F32, cvt_off_f32_i4) X(F32, cvt_f32_ubyte0) X(F32, cvt_f32_ubyte1) \
	X(F32, cvt_f32_ubyte2) X(F32, cvt_f32_ubyte3) X(F32, fract_f32) X(F32, trunc_f32) X(F32, ceil_f32) \
	X(F32, rndne_f32) X(F32, floor_f32) X(F32, exp_f32) X(F32, log_f32) X(F32, rcp_f32) X(F32, rsq_f32) \
	X(F32, sqrt_f32) X(F32, sin_f32) X(F32, cos_f32) X(F32, frexp_exp_i32_f32) X(F32, frexp_mant_f32) \
	X(F32, add_f32) X(F32, sub_f32) X(F32, subrev_f32) X(F32, fmac_legacy_f32) X(F32, mul_legacy_f32) \
	X(F32, mul_f32) X(F32, min_f32) X(F32, max_f32) X(F32, fmac_f32) X(F32, fma_f32) X(F32, fma_legacy_f32) \
	X(F32, cubeid_f32) X(F32, cubesc_f32) X(F32, cubetc_f32) X(F32, cubema_f32) X(F32, mullit_f32) \
	X(F32, min3_f32) X(F32, max3_f32) X(F32, med3_f32) X(F32, cvt_pk_u8_f32) X(F32, div_fixup_f32) \
	X(F32, div_scale_f32) X(F32, div_fmas_f32) X(F32, ldexp_f32) X(F32, cvt_pknorm_i16_f32) \
	X(F32, cvt_pknorm_u16_f32)
#define GPU_LANES_F16(X) \
	X(F16, cvt_f16_f32) X(F16, cvt_f32_f16) X(F16, cvt_f16_u16) X(F16, cvt_f16_i16) X(F16, cvt_u16_f16) \
	X(F16, cvt_i16_f16) X(F16, rcp_f16) X(F16, sqrt_f16) X(F16, rsq_f16) X(F16, log_f16) X(F16, exp_f16) \
	X(F16, frexp_mant_f16) X(F16, frexp_exp_i16_f16) X(F16, floor_f16) X(F16, ceil_f16) X(F16, trunc_f16) \
	X(F16, rndne_f16) X(F16, fract_f16) X(F16, sin_f16) X(F16, cos_f16) X(F16, cvt_norm_i16_f16) \
	X(F16, cvt_norm_u16_f16) X(F16, cvt_pkrtz_f16_f32) X(F16, add_f16) X(F16, sub_f16) X(F16, subrev_f16) \
	X(F16, mul_f16) X(F16, fmac_f16) X(F16, fma_f16) X(F16, max_f16) X(F16, min_f16) X(F16, ldexp_f16) \
	X(F16, pack_b32_f16) X(F16, cvt_pknorm_i16_f16) X(F16, cvt_pknorm_u16_f16) X(F16, min3_f16) \
	X(F16, max3_f16) X(F16, med3_f16) X(F16, div_fixup_f16)
#define GPU_LANES_PK(X) \
	X(PK, dot2c_f32_f16) X(PK, dot4c_i32_i8) X(PK, pk_fmac_f16) X(PK, pk_mad_i16) X(PK, pk_mul_lo_u16) \
	X(PK, pk_add_i16) X(PK, pk_sub_i16) X(PK, pk_lshlrev_b16) X(PK, pk_lshrrev_b16) X(PK, pk_ashrrev_i16) \
	X(PK, pk_max_i16) X(PK, pk_min_i16) X(PK, pk_mad_u16) X(PK, pk_add_u16) X(PK, pk_sub_u16) \
	X(PK, pk_max_u16) X(PK, pk_min_u16) X(PK, pk_fma_f16) X(PK, pk_add_f16) X(PK, pk_mul_f16) \
	X(PK, pk_min_f16) X(PK, pk_max_f16) X(PK, dot2_f32_f16) X(PK, dot2_i32_i16) X(PK, dot2_u32_u16) \
	X(PK, dot4_i32_i8) X(PK, dot4_u32_u8) X(PK, dot8_i32_i4) X(PK, dot8_u32_u4) X(PK, fma_mix_f32) \
	X(PK, fma_mixlo_f16) X(PK, fma_mixhi_f16)
#define GPU_LANES_CMP(X) \
	X(CMP, f_f32) X(CMP, lt_f32) X(CMP, eq_f32) X(CMP, le_f32) X(CMP, gt_f32) X(CMP, lg_f32) X(CMP, ge_f32) \
	X(CMP, o_f32) X(CMP, u_f32) X(CMP, nge_f32) X(CMP, nlg_f32) X(CMP, ngt_f32) X(CMP, nle_f32) \
	X(CMP, neq_f32) X(CMP, nlt_f32) X(CMP, t_f32) X(CMP, f_f64) X(CMP, lt_f64) X(CMP, eq_f64) X(CMP, le_f64) \
	X(CMP, gt_f64) X(CMP, lg_f64) X(CMP, ge_f64) X(CMP, o_f64) X(CMP, u_f64) X(CMP, nge_f64) X(CMP, nlg_f64) \
	X(CMP, ngt_f64) X(CMP, nle_f64) X(CMP, neq_f64) X(CMP, nlt_f64) X(CMP, t_f64) X(CMP, f_i32) X(CMP, lt_i32) \
	X(CMP, eq_i32) X(CMP, le_i32) X(CMP, gt_i32) X(CMP, ne_i32) X(CMP, ge_i32) X(CMP, t_i32) X(CMP, class_f32) \
	X(CMP, lt_i16) X(CMP, eq_i16) X(CMP, le_i16) X(CMP, gt_i16) X(CMP, ne_i16) X(CMP, ge_i16) \
	X(CMP, class_f16) X(CMP, f_i64) X(CMP, lt_i64) X(CMP, eq_i64) X(CMP, le_i64) X(CMP, gt_i64) X(CMP, ne_i64) \
	X(CMP, ge_i64) X(CMP, t_i64) X(CMP, class_f64) X(CMP, lt_u16) X(CMP, eq_u16) X(CMP, le_u16) X(CMP, gt_u16) \
	X(CMP, ne_u16) X(CMP, ge_u16) X(CMP, f_u32) X(CMP, lt_u32) X(CMP, eq_u32) X(CMP, le_u32) X(CMP, gt_u32) \
	X(CMP, ne_u32) X(CMP, ge_u32) X(CMP, t_u32) X(CMP, f_f16) X(CMP, lt_f16) X(CMP, eq_f16) X(CMP, le_f16) \
	X(CMP, gt_f16) X(CMP, lg_f16) X(CMP, ge_f16) X(CMP, o_f16) X(CMP, f_u64) X(CMP, lt_u64) X(CMP, eq_u64) \
	X(CMP, le_u64) X(CMP, gt_u64) X(CMP, ne_u64) X(CMP, ge_u64) X(CMP, t_u64) X(CMP, u_f16) X(CMP, nge_f16) \
	X(CMP, nlg_f16) X(CMP, ngt_f16) X(CMP, nle_f16) X(CMP, neq_f16) X(CMP, nlt_f16) X(CMP, t_f16)
/* clang-format on */

#define GPU_LANE_ENUM(group, name) GPU_L_##group##_##name,
enum { GPU_L_INT_FIRST = GPU_LG_INT << 8, GPU_L_INT_BEFORE = GPU_L_INT_FIRST - 1, GPU_LANES_INT(GPU_LANE_ENUM) };
enum { GPU_L_F64_FIRST = GPU_LG_F64 << 8, GPU_L_F64_BEFORE = GPU_L_F64_FIRST - 1, GPU_LANES_F64(GPU_LANE_ENUM) };
enum { GPU_L_F32_FIRST = GPU_LG_F32 << 8, GPU_L_F32_BEFORE = GPU_L_F32_FIRST - 1, GPU_LANES_F32(GPU_LANE_ENUM) };
enum { GPU_L_F16_FIRST = GPU_LG_F16 << 8, GPU_L_F16_BEFORE = GPU_L_F16_FIRST - 1, GPU_LANES_F16(GPU_LANE_ENUM) };
enum { GPU_L_PK_FIRST = GPU_LG_PK << 8, GPU_L_PK_BEFORE = GPU_L_PK_FIRST - 1, GPU_LANES_PK(GPU_LANE_ENUM) };
enum { GPU_L_CMP_FIRST = GPU_LG_CMP << 8, GPU_L_CMP_BEFORE = GPU_L_CMP_FIRST - 1, GPU_LANES_CMP(GPU_LANE_ENUM) };
#undef GPU_LANE_ENUM

#endif

/* SPDX-License-Identifier: MIT */
/* Ends what lanes_avx2.h began. */
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

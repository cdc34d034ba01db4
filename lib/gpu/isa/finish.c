/* SPDX-License-Identifier: MIT */
/*
 * finish.c - results of vector instructions with modifiers: output multiplier, denormal flush, clamp, partial writes.
 */
#include <string.h>

#include "gpu/isa/fetch.h"
#include "gpu/isa/half.h"

void gpu_flush_f32(uint32_t *d)
{
	for (unsigned i = 0; i < 32; i++)
		d[i] = d[i] & 0x7f800000 ? d[i] : d[i] & 0x80000000;
}

void gpu_flush_f16(uint32_t *d)
{
	for (unsigned i = 0; i < 32; i++) {
		uint32_t low = d[i] & 0x7c00 ? 0xffff : 0x8000, high = d[i] & 0x7c000000 ? 0xffff0000 : 0x80000000;

		d[i] &= low | high;
	}
}

void gpu_flush_f64(uint64_t *d)
{
	for (unsigned i = 0; i < 32; i++)
		d[i] = d[i] & 0x7ff0000000000000 ? d[i] : d[i] & 0x8000000000000000;
}

static const float factors[4] = {1, 2, 4, 0.5f};

/* -0 becomes +0 under an output multiplier. */
void gpu_omod_f32(uint32_t *d, unsigned omod)
{
	for (unsigned i = 0; i < 32; i++) {
		float f;

		memcpy(&f, &d[i], 4);
		f *= factors[omod];
		memcpy(&d[i], &f, 4);
		if (!(d[i] & 0x7fffffff))
			d[i] = 0;
	}
}

void gpu_omod_f16(uint32_t *d, unsigned omod)
{
	for (unsigned i = 0; i < 32; i++) {
		d[i] = gpu_half_round(gpu_half_value(d[i]) * (double)factors[omod], 0);
		if (!(d[i] & 0x7fff))
			d[i] = 0;
	}
}

void gpu_omod_f64(uint64_t *d, unsigned omod)
{
	for (unsigned i = 0; i < 32; i++) {
		double f;

		memcpy(&f, &d[i], 8);
		f *= (double)factors[omod];
		memcpy(&d[i], &f, 8);
		if (!(d[i] << 1))
			d[i] = 0;
	}
}

void gpu_clamp_f32(uint32_t *d, bool nan_to_zero)
{
	for (unsigned i = 0; i < 32; i++) {
		uint32_t magnitude = d[i] & 0x7fffffff;

		if (magnitude > 0x7f800000)
			d[i] = nan_to_zero ? 0 : d[i];
		else if (d[i] >> 31)
			d[i] = 0;
		else if (magnitude > 0x3f800000)
			d[i] = 0x3f800000;
	}
}

static uint32_t clamp_half(uint32_t h, bool nan_to_zero)
{
	if ((h & 0x7fff) > 0x7c00)
		return nan_to_zero ? 0 : h;
	if (h & 0x8000)
		return 0;
	return h > 0x3c00 ? 0x3c00 : h;
}

void gpu_clamp_f16(uint32_t *d, bool nan_to_zero)
{
	for (unsigned i = 0; i < 32; i++)
		d[i] = clamp_half(d[i] & 0xffff, nan_to_zero) | clamp_half(d[i] >> 16, nan_to_zero) << 16;
}

void gpu_clamp_f64(uint64_t *d, bool nan_to_zero)
{
	for (unsigned i = 0; i < 32; i++) {
		uint64_t magnitude = d[i] & 0x7fffffffffffffff;

		if (magnitude > 0x7ff0000000000000)
			d[i] = nan_to_zero ? 0 : d[i];
		else if (d[i] >> 63)
			d[i] = 0;
		else if (magnitude > 0x3ff0000000000000)
			d[i] = 0x3ff0000000000000;
	}
}

/* dst_sel in bits 10:8, dst_unused (0 zero, 1 sign-extend, 2 keep) in bits 12:11. */
void gpu_sdwa_result(uint32_t *d, const uint32_t *old, uint32_t ctl, bool half)
{
	unsigned select = ctl >> 8 & 7, unused = ctl >> 11 & 3;
	unsigned shift = select < 4 ? select * 8 : select < 6 ? (select - 4) * 16 : 0;
	unsigned width = select < 4 ? 8 : select < 6 ? 16 : 32;
	uint32_t mask = (width == 32 ? 0xffffffff : (1u << width) - 1) << shift;

	if (width == 32) {
		for (unsigned i = 0; i < 32 && half; i++)
			d[i] &= 0xffff;
		return;
	}
	for (unsigned i = 0; i < 32; i++) {
		uint32_t placed = d[i] << shift & mask;

		if (unused == 2)
			placed |= old[i] & ~mask;
		else if (unused == 1 && placed >> (shift + width - 1) & 1)
			placed |= ~(mask | ((1u << shift) - 1));
		d[i] = placed;
	}
}

void gpu_half_result(uint32_t *d, const uint32_t *old, bool high)
{
	if (high)
		for (unsigned i = 0; i < 32; i++)
			d[i] = d[i] << 16 | (old[i] & 0xffff);
	else
		for (unsigned i = 0; i < 32; i++)
			d[i] = (d[i] & 0xffff) | (old[i] & 0xffff0000);
}

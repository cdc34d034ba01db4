/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "ref.h"

__extension__ typedef __int128 wide;

static uint32_t popc(uint64_t v)
{
	uint32_t n = 0;

	for (; v; v >>= 1)
		n += v & 1;
	return n;
}

static uint32_t absdiff(uint32_t a, uint32_t b)
{
	return a > b ? a - b : b - a;
}

static uint64_t sum_abs(uint32_t a, uint32_t b, unsigned width, bool masked)
{
	uint64_t r = 0;

	for (unsigned i = 0; i < 32; i += width) {
		uint32_t m = width == 32 ? 0xffffffff : (1u << width) - 1, x = a >> i & m, y = b >> i & m;

		if (!masked || y)
			r += absdiff(x, y);
	}
	return r;
}

static int32_t sx(uint32_t v, unsigned width)
{
	uint32_t m = 1u << (width - 1);

	v &= width == 32 ? 0xffffffff : (1u << width) - 1;
	return (int32_t)((v ^ m) - m);
}

static int64_t median(int64_t a, int64_t b, int64_t c)
{
	if ((a <= b && b <= c) || (c <= b && b <= a))
		return b;
	if ((b <= a && a <= c) || (c <= a && a <= b))
		return a;
	return c;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static uint32_t saturate(int64_t v, int64_t low, int64_t high)
{
	return (uint32_t)(v < low ? low : v > high ? high : v);
}

static uint64_t carry(struct ref_out *o, uint64_t a, uint64_t b, uint64_t c, bool subtract)
{
	wide r = subtract ? (wide)a - (wide)b - (wide)c : (wide)a + (wide)b + (wide)c;

	o->mask = r < 0 || r > (wide)0xffffffff;
	return (uint32_t)r;
}

static uint32_t bfe(uint32_t a, uint32_t b, uint32_t c, bool is_signed)
{
	unsigned off = b & 31, n = c & 31;
	int64_t v = is_signed ? (int64_t)(int32_t)a : (int64_t)a;
	int64_t r = 0;

	for (unsigned i = 0; i < n; i++)
		r |= (v >> (off + i) & 1) << i;
	if (is_signed && n && r >> (n - 1) & 1)
		r |= -1ll * (1ll << n);
	return (uint32_t)r;
}

static uint32_t perm(uint32_t a, uint32_t b, uint32_t c)
{
	uint8_t in[8], out[4];
	uint32_t r;

	memcpy(in, &b, 4);
	memcpy(in + 4, &a, 4);
	for (unsigned i = 0; i < 4; i++) {
		unsigned s = c >> (8 * i) & 255;

		if (s <= 7)
			out[i] = in[s];
		else if (s <= 11)
			out[i] = in[2 * (s - 8) + 1] & 0x80 ? 255 : 0;
		else
			out[i] = s == 12 ? 0 : 255;
	}
	memcpy(&r, out, 4);
	return r;
}

static uint64_t quad(const uint64_t *s, bool masked)
{
	uint64_t r = 0;

	for (unsigned i = 0; i < 4; i++)
		r |= ((sum_abs((uint32_t)(s[0] >> (8 * i)), (uint32_t)s[1], 8, masked) + (s[2] >> (16 * i))) & 0xffff)
		     << (16 * i);
	return r;
}

static int64_t dot(uint32_t a, uint32_t b, unsigned width, bool is_signed)
{
	int64_t r = 0;

	for (unsigned i = 0; i < 32; i += width)
		r += is_signed ? (int64_t)sx(a >> i, width) * sx(b >> i, width)
			       : (int64_t)((uint32_t)sx(a >> i, width) & ((1u << width) - 1)) *
					 ((uint32_t)sx(b >> i, width) & ((1u << width) - 1));
	return r;
}

#define IS(n) else if (!strcmp(name, "v_" n))

static bool ints32(const char *name, const struct ref_in *in, struct ref_out *o)
{
	uint32_t a = (uint32_t)in->s[0], b = (uint32_t)in->s[1], c = (uint32_t)in->s[2];
	int32_t ia = (int32_t)a, ib = (int32_t)b, ic = (int32_t)c;

	if (!strcmp(name, "v_mov_b32"))
		o->d = a;
	IS("not_b32") o->d = a ^ 0xffffffff;
	IS("bfrev_b32")
	{
		for (unsigned i = 0; i < 32; i++)
			o->d |= (uint64_t)(a >> i & 1) << (31 - i);
	}
	IS("ffbh_u32")
	{
		int i = 31;

		while (i >= 0 && !(a >> i & 1))
			i--;
		o->d = i < 0 ? 0xffffffff : (uint32_t)(31 - i);
	}
	IS("ffbl_b32")
	{
		unsigned i = 0;

		while (i < 32 && !(a >> i & 1))
			i++;
		o->d = i == 32 ? 0xffffffff : i;
	}
	IS("ffbh_i32")
	{
		int i = 30;

		while (i >= 0 && (a >> i & 1) == a >> 31)
			i--;
		o->d = i < 0 ? 0xffffffff : (uint32_t)(31 - i);
	}
	IS("sat_pk_u8_i16") o->d = saturate(sx(a, 16), 0, 255) | saturate(sx(a >> 16, 16), 0, 255) << 8;
	IS("cndmask_b32") o->d = in->mask ? b : a;
	IS("mul_i32_i24") o->d = (uint32_t)((int64_t)sx(a, 24) * sx(b, 24));
	IS("mul_hi_i32_i24") o->d = (uint32_t)(((int64_t)sx(a, 24) * sx(b, 24)) >> 32);
	IS("mul_u32_u24") o->d = (uint32_t)((uint64_t)(a & 0xffffff) * (b & 0xffffff));
	IS("mul_hi_u32_u24") o->d = ((uint64_t)(a & 0xffffff) * (b & 0xffffff)) >> 32;
	IS("min_i32") o->d = (uint32_t)least(ia, ib);
	IS("max_i32") o->d = (uint32_t)most(ia, ib);
	IS("min_u32") o->d = (uint32_t)least(a, b);
	IS("max_u32") o->d = (uint32_t)most(a, b);
	IS("lshrrev_b32") o->d = b >> (a % 32);
	IS("ashrrev_i32") o->d = (uint32_t)(ib >> (a % 32));
	IS("lshlrev_b32") o->d = (uint32_t)((uint64_t)b << (a % 32));
	IS("and_b32") o->d = a & b;
	IS("or_b32") o->d = a | b;
	IS("xor_b32") o->d = a ^ b;
	IS("xnor_b32") o->d = ~(a ^ b);
	IS("add_nc_u32") o->d = a + b;
	IS("sub_nc_u32") o->d = a - b;
	IS("subrev_nc_u32") o->d = b - a;
	IS("add_nc_i32") o->d = a + b;
	IS("sub_nc_i32") o->d = a - b;
	IS("add_co_ci_u32") o->d = carry(o, a, b, in->mask, false);
	IS("sub_co_ci_u32") o->d = carry(o, a, b, in->mask, true);
	IS("subrev_co_ci_u32") o->d = carry(o, b, a, in->mask, true);
	IS("add_co_u32") o->d = carry(o, a, b, 0, false);
	IS("sub_co_u32") o->d = carry(o, a, b, 0, true);
	IS("subrev_co_u32") o->d = carry(o, b, a, 0, true);
	IS("mad_i32_i24") o->d = (uint32_t)((int64_t)sx(a, 24) * sx(b, 24) + ic);
	IS("mad_u32_u24") o->d = (uint32_t)((uint64_t)(a & 0xffffff) * (b & 0xffffff) + c);
	IS("bfe_u32") o->d = bfe(a, b, c, false);
	IS("bfe_i32") o->d = bfe(a, b, c, true);
	IS("bfi_b32") o->d = (a & b) | (c & ~a);
	IS("lerp_u8")
	{
		for (unsigned i = 0; i < 32; i += 8)
			o->d |= (uint64_t)(((a >> i & 255) + (b >> i & 255) + (c >> i & 1)) / 2) << i;
	}
	IS("alignbit_b32") o->d = (uint32_t)((((uint64_t)a << 32) + b) >> (c % 32));
	IS("alignbyte_b32") o->d = (uint32_t)((((uint64_t)a << 32) + b) >> (c % 4 * 8));
	IS("min3_i32") o->d = (uint32_t)least(ia, least(ib, ic));
	IS("min3_u32") o->d = (uint32_t)least(a, least(b, c));
	IS("max3_i32") o->d = (uint32_t)most(ia, most(ib, ic));
	IS("max3_u32") o->d = (uint32_t)most(a, most(b, c));
	IS("med3_i32") o->d = (uint32_t)median(ia, ib, ic);
	IS("med3_u32") o->d = (uint32_t)median(a, b, c);
	IS("sad_u8") o->d = (uint32_t)(sum_abs(a, b, 8, false) + c);
	IS("sad_hi_u8") o->d = (uint32_t)(sum_abs(a, b, 8, false) * 65536 + c);
	IS("sad_u16") o->d = (uint32_t)(sum_abs(a, b, 16, false) + c);
	IS("sad_u32") o->d = (uint32_t)(sum_abs(a, b, 32, false) + c);
	IS("msad_u8") o->d = (uint32_t)(sum_abs(a, b, 8, true) + c);
	IS("mul_lo_u32") o->d = (uint32_t)((uint64_t)a * b);
	IS("mul_hi_u32") o->d = ((uint64_t)a * b) >> 32;
	IS("mul_hi_i32") o->d = (uint32_t)(((int64_t)ia * ib) >> 32);
	IS("xor3_b32") o->d = a ^ b ^ c;
	IS("perm_b32") o->d = perm(a, b, c);
	IS("xad_u32") o->d = (uint32_t)((a ^ b) + c);
	IS("lshl_add_u32") o->d = (uint32_t)(((uint64_t)a << (b % 32)) + c);
	IS("add_lshl_u32") o->d = (uint32_t)((uint64_t)(a + b) << (c % 32));
	IS("add3_u32") o->d = a + b + c;
	IS("lshl_or_b32") o->d = (uint32_t)((uint64_t)a << (b % 32)) | c;
	IS("and_or_b32") o->d = (a & b) | c;
	IS("or3_b32") o->d = a | b | c;
	IS("bfm_b32") o->d = (uint32_t)(((1ull << (a % 32)) - 1) << (b % 32));
	IS("bcnt_u32_b32") o->d = popc(a) + b;
	IS("cvt_pk_u16_u32") o->d = saturate(a, 0, 65535) | saturate(b, 0, 65535) << 16;
	IS("cvt_pk_i16_i32") o->d = (saturate(ia, -32768, 32767) & 0xffff) | saturate(ib, -32768, 32767) << 16;
	IS("mad_u32_u16") o->d = (uint32_t)((uint64_t)(a & 0xffff) * (b & 0xffff) + c);
	IS("mad_i32_i16") o->d = (uint32_t)((int64_t)sx(a, 16) * sx(b, 16) + ic);
	IS("dot4c_i32_i8") o->d = (uint32_t)(dot(a, b, 8, true) + ic);
	IS("dot4_i32_i8") o->d = (uint32_t)(dot(a, b, 8, true) + ic);
	IS("dot4_u32_u8") o->d = (uint32_t)(dot(a, b, 8, false) + c);
	IS("dot8_i32_i4") o->d = (uint32_t)(dot(a, b, 4, true) + ic);
	IS("dot8_u32_u4") o->d = (uint32_t)(dot(a, b, 4, false) + c);
	IS("dot2_i32_i16") o->d = (uint32_t)(dot(a, b, 16, true) + ic);
	IS("dot2_u32_u16") o->d = (uint32_t)(dot(a, b, 16, false) + c);
	else return false;
	o->d &= 0xffffffff;
	return true;
}

static bool ints64(const char *name, const struct ref_in *in, struct ref_out *o)
{
	uint64_t a = in->s[0], b = in->s[1], c = in->s[2];

	if (!strcmp(name, "v_lshlrev_b64"))
		o->d = b << (a % 64);
	IS("lshrrev_b64") o->d = b >> (a % 64);
	IS("ashrrev_i64") o->d = (uint64_t)((int64_t)b >> (a % 64));
	IS("mad_u64_u32")
	{
		wide r = (wide)((uint64_t)(uint32_t)a * (uint32_t)b) + (wide)c;

		o->d = (uint64_t)r;
		o->mask = r >> 64 != 0;
	}
	IS("mad_i64_i32")
	{
		wide r = (wide)((int64_t)(int32_t)a * (int32_t)b) + (int64_t)c;

		o->d = (uint64_t)r;
		o->mask = r != (wide)(int64_t)r;
	}
	IS("qsad_pk_u16_u8") o->d = quad(in->s, false);
	IS("mqsad_pk_u16_u8") o->d = quad(in->s, true);
	else return false;
	return true;
}

static uint32_t op16(const char *op, uint32_t a, uint32_t b, uint32_t c, bool *known)
{
	int32_t ia = sx(a, 16), ib = sx(b, 16), ic = sx(c, 16);

#define OP(n, e)                                                                                                       \
	if (!strcmp(op, n))                                                                                            \
		return (uint32_t)(e)&0xffff;
	*known = true;
	OP("add_nc_u16", a + b)
	OP("add_u16", a + b)
	OP("add_nc_i16", a + b)
	OP("add_i16", a + b)
	OP("sub_nc_u16", a - b)
	OP("sub_u16", a - b)
	OP("sub_nc_i16", a - b)
	OP("sub_i16", a - b)
	OP("mul_lo_u16", a * b)
	OP("lshrrev_b16", b >> (a & 15))
	OP("ashrrev_i16", ib >> (a & 15))
	OP("lshlrev_b16", b << (a & 15))
	OP("max_u16", most(a, b))
	OP("min_u16", least(a, b))
	OP("max_i16", most(ia, ib))
	OP("min_i16", least(ia, ib))
	OP("mad_u16", a * b + c)
	OP("mad_i16", a * b + c)
	OP("min3_i16", least(ia, least(ib, ic)))
	OP("min3_u16", least(a, least(b, c)))
	OP("max3_i16", most(ia, most(ib, ic)))
	OP("max3_u16", most(a, most(b, c)))
	OP("med3_i16", median(ia, ib, ic))
	OP("med3_u16", median(a, b, c))
	*known = false;
	return 0;
}

bool ref_int(const char *name, const struct ref_in *in, struct ref_out *o)
{
	const uint64_t *s = in->s;
	bool known;

	memset(o, 0, sizeof(*o));
	o->type = 'i';
	if (ints32(name, in, o) || ints64(name, in, o))
		return true;
	if (!strncmp(name, "v_pk_", 5)) {
		uint32_t low = op16(name + 5, s[0] & 0xffff, s[1] & 0xffff, s[2] & 0xffff, &known);

		o->d = low |
		       (uint64_t)op16(name + 5, s[0] >> 16 & 0xffff, s[1] >> 16 & 0xffff, s[2] >> 16 & 0xffff, &known)
			       << 16;
		return known;
	}
	o->d = op16(name + 2, s[0] & 0xffff, s[1] & 0xffff, s[2] & 0xffff, &known);
	return known;
}

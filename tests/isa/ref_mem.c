/* SPDX-License-Identifier: MIT */
/* ref_mem.c - reference of the memory instructions, by name, byte by byte. */
#include "isa/ref_mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool has(const char *s, const char *part)
{
	return strstr(s, part) != NULL;
}

static bool starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static bool lane_on(const struct ref_mem *m, unsigned lane)
{
	return m->s[126 + lane / 32] >> lane % 32 & 1;
}

static uint64_t s64(const struct ref_mem *m, unsigned n)
{
	return (uint64_t)m->s[n + 1] << 32 | m->s[n];
}

static uint8_t read8(const struct ref_mem *m, uint64_t va)
{
	uint64_t off = va - m->va;

	return off < m->size && off / 4096 != m->prt_page ? m->mem[off] : 0;
}

static void write8(struct ref_mem *m, uint64_t va, uint8_t byte)
{
	uint64_t off = va - m->va;

	if (off < m->size && off / 4096 != m->prt_page && off / 4096 != m->ro_page)
		m->mem[off] = byte;
}

/* A place a lane's element can be: each byte's address through a function of the byte's number. */
struct place {
	enum { IN_MEMORY, IN_LDS, IN_PRIVATE, IN_SWIZZLE } where;
	uint64_t at;
	unsigned lane;
	uint64_t base, index, stride, group; /* swizzle */
};

static uint64_t byte_va(const struct ref_mem *m, const struct place *p, unsigned i)
{
	uint64_t at = p->at + i;

	if (p->where == IN_PRIVATE) {
		at = (uint32_t)at;
		return m->flat_scratch + at / 4 * 4 * m->lanes + p->lane * 4 + at % 4;
	}
	if (p->where == IN_SWIZZLE)
		return p->base + (p->index / p->group * p->stride + at / 4 * 4) * p->group + p->index % p->group * 4 +
		       at % 4;
	return at;
}

static void get(const struct ref_mem *m, const struct place *p, uint8_t *to, unsigned n)
{
	if (p->where == IN_LDS) {
		bool inside = (uint64_t)(uint32_t)p->at + n <= m->lds_size;

		for (unsigned i = 0; i < n; i++)
			to[i] = inside ? m->lds[(uint32_t)p->at + i] : 0;
		return;
	}
	for (unsigned i = 0; i < n; i++)
		to[i] = read8(m, byte_va(m, p, i));
}

static void put(struct ref_mem *m, const struct place *p, const uint8_t *from, unsigned n)
{
	if (p->where == IN_LDS) {
		if ((uint64_t)(uint32_t)p->at + n <= m->lds_size)
			memcpy(m->lds + (uint32_t)p->at, from, n);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		write8(m, byte_va(m, p, i), from[i]);
}

/* Element of a load or store by the words in its name. */
struct element {
	unsigned bytes;
	bool is_signed, low, high;
};

static struct element element_of(const char *name)
{
	struct element e = {0};

	e.high = has(name, "_d16_hi");
	e.low = has(name, "_d16") && !e.high;
	e.is_signed = has(name, "sbyte") || has(name, "sshort") || has(name, "_i8") || has(name, "_i16");
	if (has(name, "byte") || has(name, "_b8") || has(name, "_u8") || has(name, "_i8"))
		e.bytes = 1;
	else if (has(name, "short") || has(name, "_b16") || has(name, "_u16") || has(name, "_i16"))
		e.bytes = 2;
	else if (has(name, "x4") || has(name, "b128"))
		e.bytes = 16;
	else if (has(name, "x3") || has(name, "b96"))
		e.bytes = 12;
	else if (has(name, "x2") || has(name, "b64"))
		e.bytes = 8;
	else
		e.bytes = 4;
	return e;
}

static void to_registers(struct ref_mem *m, struct element e, unsigned reg, unsigned lane, const uint8_t *b)
{
	int64_t v = 0;
	uint32_t *d = &m->v[reg][lane];

	if (e.bytes >= 4) {
		for (unsigned i = 0; i < e.bytes; i += 4)
			m->v[reg + i / 4][lane] = b[i] | b[i + 1] << 8 | b[i + 2] << 16 | (uint32_t)b[i + 3] << 24;
		return;
	}
	for (unsigned i = 0; i < e.bytes; i++)
		v |= (int64_t)b[i] << 8 * i;
	if (e.is_signed && v >= 1 << (8 * e.bytes - 1))
		v -= 1 << 8 * e.bytes;
	if (e.high)
		*d = *d % 65536 + (uint32_t)((v & 0xffff) * 65536);
	else if (e.low)
		*d = *d / 65536 * 65536 + (uint32_t)(v & 0xffff);
	else
		*d = (uint32_t)v;
}

static void from_registers(const struct ref_mem *m, struct element e, unsigned reg, unsigned lane, uint8_t *b)
{
	for (unsigned i = 0; i < e.bytes; i++)
		b[i] = (uint8_t)(m->v[reg + i / 4][lane] >> (8 * (i % 4) + (e.high ? 16 : 0)));
}

/* Operation of an atomic's name, with the number suffix cut off. */
static uint64_t atomic_value(const char *op, unsigned bytes, uint64_t old, uint64_t a, uint64_t b)
{
	uint64_t top = bytes == 4 ? 0xffffffff : ~0ull;
	int64_t so = bytes == 4 ? (int32_t)old : (int64_t)old, sa = bytes == 4 ? (int32_t)a : (int64_t)a;
	double fo, fa, fb;
	float f[3] = {0};

	if (bytes == 4) {
		uint32_t bits[3] = {(uint32_t)old, (uint32_t)a, (uint32_t)b};

		memcpy(f, bits, sizeof(f));
		fo = f[0], fa = f[1], fb = f[2];
	} else {
		memcpy(&fo, &old, 8);
		memcpy(&fa, &a, 8);
		memcpy(&fb, &b, 8);
	}
	if (!strcmp(op, "swap"))
		return a;
	if (!strcmp(op, "cmpswap"))
		return old == b ? a : old;
	if (!strcmp(op, "fcmpswap"))
		return fo == fb ? a : old;
	if (!strcmp(op, "add"))
		return (old + a) & top;
	if (!strcmp(op, "sub"))
		return (old - a) & top;
	if (!strcmp(op, "rsub"))
		return (a - old) & top;
	if (!strcmp(op, "csub"))
		return old >= a ? old - a : 0;
	if (!strcmp(op, "smin"))
		return sa < so ? a : old;
	if (!strcmp(op, "smax"))
		return sa > so ? a : old;
	if (!strcmp(op, "umin"))
		return a < old ? a : old;
	if (!strcmp(op, "umax"))
		return a > old ? a : old;
	if (!strcmp(op, "and"))
		return old & a;
	if (!strcmp(op, "or"))
		return old | a;
	if (!strcmp(op, "xor"))
		return old ^ a;
	if (!strcmp(op, "inc"))
		return old < a ? old + 1 : 0;
	if (!strcmp(op, "dec"))
		return old && old <= a ? old - 1 : a;
	if (!strcmp(op, "mskor"))
		return (old & ~a & top) | b;
	if (!strcmp(op, "wrap"))
		return (old >= a ? old - a : old + b) & top;
	if (!strcmp(op, "fmin") || !strcmp(op, "fmax")) {
		bool max = op[2] == 'a', take;

		if (isnan(fo) || isnan(fa))
			return isnan(fo) ? a : old;
		if (fa == fo)
			take = max ? signbit(fo) && !signbit(fa) : signbit(fa) && !signbit(fo);
		else
			take = max ? fa > fo : fa < fo;
		return take ? a : old;
	}
	if (!strcmp(op, "fadd")) {
		float sum = f[0] + f[1];
		uint32_t bits;

		memcpy(&bits, &sum, 4);
		return isnan(sum) ? 0x7fc00000 : bits;
	}
	abort();
}

static uint64_t do_atomic(struct ref_mem *m, struct place p, const char *op, unsigned bytes, uint64_t a, uint64_t b)
{
	uint64_t old = 0, new;

	p.at -= p.at % bytes;
	get(m, &p, (uint8_t *)&old, bytes);
	new = atomic_value(op, bytes, old, a, b);
	put(m, &p, (const uint8_t *)&new, bytes);
	return old;
}

static uint64_t reg(const struct ref_mem *m, unsigned r, unsigned lane, unsigned bytes)
{
	return bytes == 4 ? m->v[r][lane] : m->v[r][lane] | (uint64_t)m->v[r + 1][lane] << 32;
}

static void set_reg(struct ref_mem *m, unsigned r, unsigned lane, unsigned bytes, uint64_t value)
{
	m->v[r][lane] = (uint32_t)value;
	if (bytes == 8)
		m->v[r + 1][lane] = (uint32_t)(value >> 32);
}

/* "xxx_atomic_OP" or "xxx_atomic_OP_x2". */
static unsigned atomic_name(const char *name, char op[16])
{
	unsigned n = (unsigned)strlen(name);
	bool wide = n > 3 && !strcmp(name + n - 3, "_x2");

	strncpy(op, strstr(name, "atomic_") + 7, 15);
	op[15] = 0;
	if (wide)
		op[strlen(op) - 3] = 0;
	return wide ? 8 : 4;
}

static void vector_atomic(struct ref_mem *m, const struct ref_inst *in, unsigned lane, struct place p, unsigned dst)
{
	char op[16];
	unsigned bytes = atomic_name(in->name, op);
	uint64_t a = reg(m, in->data, lane, bytes), b = 0, old;

	if (has(op, "cmpswap"))
		b = reg(m, in->data + bytes / 4, lane, bytes);
	old = do_atomic(m, p, op, bytes, a, b);
	if (in->glc)
		set_reg(m, dst, lane, bytes, old);
}

static struct place flat_place(const struct ref_mem *m, const struct ref_inst *in, unsigned lane)
{
	struct place p = {.lane = lane};
	bool sgpr = in->saddr != 125 && in->saddr != 127;

	if (starts(in->name, "scratch")) {
		p.where = IN_PRIVATE;
		p.at = (uint32_t)((in->saddr == 125   ? m->v[in->addr][lane]
				   : in->saddr == 127 ? 0
						      : m->s[in->saddr]) +
				  (uint32_t)in->offset);
		return p;
	}
	if (has(in->name, "addtid"))
		p.at = (sgpr ? s64(m, in->saddr) : 0) + lane * 4;
	else
		p.at = sgpr ? s64(m, in->saddr) + m->v[in->addr][lane] : reg(m, in->addr, lane, 8);
	p.at += (uint64_t)(int64_t)in->offset;
	if (starts(in->name, "flat")) {
		if (p.at >> 32 == m->shared_aperture >> 32)
			p.where = IN_LDS;
		else if (p.at >> 32 == m->private_aperture >> 32)
			p.where = IN_PRIVATE;
		if (p.where != IN_MEMORY)
			p.at = (uint32_t)p.at;
	}
	return p;
}

static void flat(struct ref_mem *m, const struct ref_inst *in)
{
	struct element e = element_of(in->name);
	uint8_t bytes[16];

	for (unsigned pass = 0; pass < 3; pass++)
		for (unsigned lane = 0; lane < m->lanes; lane++) {
			struct place p;

			if (!lane_on(m, lane))
				continue;
			p = flat_place(m, in, lane);
			if (pass != (p.where == IN_LDS ? 0 : p.where == IN_PRIVATE ? 1 : 2))
				continue;
			/* A lane whose address register was just loaded over is not met again: one pass takes it. */
			if (has(in->name, "atomic")) {
				vector_atomic(m, in, lane, p, in->dst);
			} else if (has(in->name, "load")) {
				get(m, &p, bytes, e.bytes);
				to_registers(m, e, in->dst, lane, bytes);
			} else {
				from_registers(m, e, in->data, lane, bytes);
				put(m, &p, bytes, e.bytes);
			}
		}
}

struct vsharp {
	uint64_t base;
	uint32_t stride, records, sel, format, group, oob;
	bool swizzle, tid;
};

static struct vsharp vsharp(const struct ref_mem *m, unsigned n)
{
	struct vsharp v;

	v.base = (s64(m, n) & 0xffffffffffffull);
	if (v.base >> 47)
		v.base |= 0xffffull << 48;
	v.stride = m->s[n + 1] >> 16 & 0x3fff;
	v.swizzle = m->s[n + 1] >> 31;
	v.records = m->s[n + 2];
	v.sel = m->s[n + 3] & 0xfff;
	v.format = m->s[n + 3] >> 12 & 0x7f;
	v.group = 8u << (m->s[n + 3] >> 21 & 3);
	v.tid = m->s[n + 3] >> 23 & 1;
	v.oob = m->s[n + 3] >> 28 & 3;
	return v;
}

static bool inside(const struct vsharp *v, const struct ref_inst *in, uint64_t index, uint64_t offset, unsigned n)
{
	bool whole = offset + n <= v->stride;

	switch (v->oob) {
	case 0:
		return index < v->records && whole;
	case 1:
		return index < v->records;
	case 2:
		return v->records > 0;
	default:
		if (v->swizzle && v->stride)
			return index < v->records && whole;
		return offset + index * v->stride + (v->swizzle ? 0 : in->soffset) + n <= v->records;
	}
}

static struct place buffer_place(const struct vsharp *v, const struct ref_inst *in, uint64_t index, uint64_t offset)
{
	struct place p = {.where = IN_MEMORY};

	p.base = v->base + in->soffset;
	if (!v->swizzle) {
		p.at = p.base + index * v->stride + offset;
		return p;
	}
	p.where = IN_SWIZZLE;
	p.at = offset;
	p.index = index;
	p.stride = v->stride;
	p.group = v->group;
	return p;
}

/* Names of the format codes 1 to 77, in order. */
static const char *const format_names[] = {"8",         "16+",          "8_8",        "32-",         "16_16+",
					   "10_11_11+", "11_11_10+",    "10_10_10_2", "2_10_10_10",  "8_8_8_8",
					   "32_32-",    "16_16_16_16+", "32_32_32-",  "32_32_32_32-"};
enum { UNORM, SNORM, USCALED, SSCALED, UINT, SINT, FLOAT };

/* Widths from the lowest bits up, and the number type. */
static bool format_find(unsigned code, unsigned width[4], unsigned *type_out)
{
	unsigned at = 1;

	for (unsigned i = 0; i < sizeof(format_names) / sizeof(format_names[0]); i++) {
		const char *name = format_names[i];
		char last = name[strlen(name) - 1];
		unsigned first = last == '-' ? UINT : UNORM, types = last == '-' ? 3 : last == '+' ? 7 : 6;
		unsigned parts[4], n = 0;

		if (code >= at + types) {
			at += types;
			continue;
		}
		for (char *end; *name && *name != '+' && *name != '-'; name = *end == '_' ? end + 1 : end)
			parts[n++] = (unsigned)strtoul(name, &end, 10);
		for (unsigned c = 0; c < 4; c++)
			width[c] = c < n ? parts[n - 1 - c] : 0;
		*type_out = first + code - at;
		return true;
	}
	return false;
}

static uint32_t float_bits(double d)
{
	float f = (float)d;
	uint32_t v;

	memcpy(&v, &f, 4);
	return v;
}

static double bits_double(uint32_t v)
{
	float f;

	memcpy(&f, &v, 4);
	return (double)f;
}

/* A float of 5 exponent bits; sign beside it. NaN keeps its payload's top bits. */
static uint32_t widen(uint32_t v, unsigned width)
{
	unsigned mant = width == 16 ? 10 : width == 11 ? 6 : 5;
	uint32_t sign = width == 16 ? v >> 15 : 0, m = v & ((1u << mant) - 1), e = v >> mant & 31;

	if (e == 31)
		return sign << 31 | 0xffu << 23 | m << (23 - mant);
	return float_bits(ldexp(e ? m + (1 << mant) : m, (e ? (int)e : 1) - 15 - (int)mant)) | sign << 31;
}

/* Nearest value of the small format, ties to the even code, by trying the codes around. */
static uint32_t narrow(uint32_t v, unsigned width)
{
	unsigned mant = width == 16 ? 10 : width == 11 ? 6 : 5;
	uint32_t sign = width == 16 ? v >> 31 << 15 : 0, low = 0, high = 31u << mant;
	double want = fabs(bits_double(v));

	if ((v & 0x7fffffff) > 0x7f800000)
		return sign | 31u << mant | 1u << (mant - 1) | (v & 0x7fffff) >> (23 - mant);
	if (width != 16 && v >> 31)
		return 0;
	if (want >= 65536.0 - ldexp(1, 14 - (int)mant))
		return sign | high;
	while (high - low > 1) { /* codes are in the order of their values */
		uint32_t mid = (low + high) / 2;

		if (bits_double(widen(mid, width)) <= want)
			low = mid;
		else
			high = mid;
	}
	if (high == 31u << mant)
		high = low;
	double below = want - bits_double(widen(low, width)), above = bits_double(widen(high, width)) - want;

	return sign | (below < above || (below == above && !(low & 1)) ? low : high);
}

static uint32_t component_in(uint64_t raw, unsigned width, unsigned type)
{
	int64_t s = (int64_t)(raw << (64 - width)) >> (64 - width);
	double max = ldexp(1, (int)width) - 1, smax = ldexp(1, (int)width - 1) - 1;

	switch (type) {
	case UNORM:
		return float_bits((double)raw / max);
	case SNORM:
		return float_bits(fmax((double)s / smax, -1.0));
	case USCALED:
		return float_bits((double)raw);
	case SSCALED:
		return float_bits((double)s);
	case SINT:
		return (uint32_t)s;
	case FLOAT:
		return width == 32 ? (uint32_t)raw : widen((uint32_t)raw, width);
	default:
		return (uint32_t)raw;
	}
}

static uint64_t component_out(uint32_t v, unsigned width, unsigned type)
{
	double max = ldexp(1, (int)width) - 1, smax = ldexp(1, (int)width - 1) - 1, d = bits_double(v);
	uint64_t mask = width == 64 ? ~0ull : (1ull << width) - 1;
	int64_t i = (int32_t)v;

	if (type < UINT && isnan(d))
		return 0;
	switch (type) {
	case UNORM:
		return (uint64_t)nearbyint((double)((float)fmin(fmax(d, 0), 1) * (float)max));
	case SNORM:
		return (uint64_t)(int64_t)nearbyint((double)((float)fmin(fmax(d, -1), 1) * (float)smax)) & mask;
	case USCALED:
		return (uint64_t)trunc(fmin(fmax(d, 0), max));
	case SSCALED:
		return (uint64_t)(int64_t)trunc(fmin(fmax(d, -smax - 1), smax)) & mask;
	case UINT:
		return v > mask ? mask : v;
	case SINT:
		return (uint64_t)(i < (int64_t)(-smax - 1) ? (int64_t)(-smax - 1)
				  : i > (int64_t)smax      ? (int64_t)smax
							   : i) &
		       mask;
	default:
		return width == 32 ? v : narrow(v, width);
	}
}

static unsigned component_count(const char *name)
{
	return (unsigned)strlen(strrchr(name, '_') + 1);
}

/* Little-endian bit fields of up to 128 bits. */
static uint64_t field(const uint8_t *b, unsigned at, unsigned width)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < width; i++)
		v |= (uint64_t)(b[(at + i) / 8] >> (at + i) % 8 & 1) << i;
	return v;
}

static void set_field(uint8_t *b, unsigned at, unsigned width, uint64_t v)
{
	for (unsigned i = 0; i < width; i++)
		if (v >> i & 1)
			b[(at + i) / 8] |= (uint8_t)(1 << (at + i) % 8);
}

struct typed {
	unsigned width[4], type, bytes, n;
	unsigned sel[4];
	bool d16, integer;
};

static bool typed_of(const struct ref_inst *in, const struct vsharp *v, struct typed *t)
{
	bool own = in->name[0] == 't';

	memset(t, 0, sizeof(*t));
	t->n = component_count(in->name);
	t->d16 = has(in->name, "d16");
	for (unsigned c = 0; c < 4; c++)
		t->sel[c] = own ? 4 + c : v->sel >> 3 * c & 7;
	if (!format_find(own ? in->format : v->format, t->width, &t->type))
		return false;
	t->bytes = (t->width[0] + t->width[1] + t->width[2] + t->width[3]) / 8;
	t->integer = t->type == UINT || t->type == SINT;
	return true;
}

static void typed_load(struct ref_mem *m, const struct ref_inst *in, const struct typed *t, unsigned lane,
		       const struct place *p, bool ok)
{
	uint32_t comp[4] = {0}, one = t->integer ? 1 : 0x3f800000;
	uint8_t bytes[16] = {0};
	unsigned at = 0;

	if (ok)
		get(m, p, bytes, t->bytes);
	for (unsigned c = 0; c < 4 && ok; at += t->width[c++])
		comp[c] = t->width[c] ? component_in(field(bytes, at, t->width[c]), t->width[c], t->type)
			  : c == 3    ? one
				      : 0;
	for (unsigned c = 0; c < t->n; c++) {
		uint32_t v = t->sel[c] >= 4 ? comp[t->sel[c] - 4] : t->sel[c] == 1 ? one : 0;

		if (in->lds) {
			struct place to = {.where = IN_LDS,
					   .at = (m->s[124] & 0xffff) + (uint32_t)in->offset + lane * 4};

			put(m, &to, (const uint8_t *)&v, 4);
		} else if (t->d16) {
			uint32_t half = t->integer ? v & 0xffff : narrow(v, 16), *d = &m->v[in->dst + c / 2][lane];

			*d = c % 2 ? (*d & 0xffff) | half << 16 : (*d & 0xffff0000) | half;
		} else {
			m->v[in->dst + c][lane] = v;
		}
	}
}

static void typed_store(struct ref_mem *m, const struct ref_inst *in, const struct typed *t, unsigned lane,
			const struct place *p)
{
	uint8_t bytes[16] = {0};
	unsigned at = 0;

	for (unsigned c = 0; c < 4 && t->width[c]; at += t->width[c++]) {
		uint32_t v = 0;

		for (unsigned r = t->n; r-- > 0;) {
			if (t->sel[r] != 4 + c)
				continue;
			v = m->v[in->data + (t->d16 ? r / 2 : r)][lane];
			if (t->d16) {
				v = v >> 16 * (r % 2) & 0xffff;
				v = t->type == SINT ? (uint32_t)(int16_t)v : t->type == UINT ? v : widen(v, 16);
			}
		}
		set_field(bytes, at, t->width[c], component_out(v, t->width[c], t->type));
	}
	put(m, p, bytes, t->bytes);
}

struct target {
	uint64_t index, offset;
};

static struct target target_of(const struct ref_mem *m, const struct ref_inst *in, const struct vsharp *v,
			       unsigned lane)
{
	struct target t = {0, (uint64_t)in->offset};

	if (in->offen)
		t.offset += m->v[in->addr + in->idxen][lane];
	if (v->oob == 2) /* nobody looks at the carry */
		t.offset = (uint32_t)t.offset;
	if (in->idxen)
		t.index = m->v[in->addr][lane];
	if (v->tid)
		t.index = (uint32_t)(t.index + lane);
	return t;
}

/* Dword n of an element, or a whole small one. */
static void buffer_part(struct ref_mem *m, const struct ref_inst *in, const struct vsharp *v, unsigned lane,
			struct target t, unsigned part)
{
	struct element e = element_of(in->name);
	uint8_t bytes[4] = {0};
	struct place p;
	bool ok;

	if (e.bytes > 4)
		e.bytes = 4;
	ok = inside(v, in, t.index, t.offset + part * 4, e.bytes);
	p = buffer_place(v, in, t.index, t.offset + part * 4);
	if (has(in->name, "store")) {
		from_registers(m, e, in->data + part, lane, bytes);
		if (ok)
			put(m, &p, bytes, e.bytes);
		return;
	}
	if (ok)
		get(m, &p, bytes, e.bytes);
	if (in->lds) {
		struct place to = {.where = IN_LDS, .at = (m->s[124] & 0xffff) + (uint32_t)in->offset + lane * 4};
		uint32_t keep = m->v[255][lane];

		to_registers(m, e, 255, lane, bytes);
		put(m, &to, (const uint8_t *)&m->v[255][lane], 4);
		m->v[255][lane] = keep;
	} else {
		to_registers(m, e, in->dst + part, lane, bytes);
	}
}

static void buffer(struct ref_mem *m, const struct ref_inst *in)
{
	struct vsharp v = vsharp(m, in->saddr);
	unsigned parts = (element_of(in->name).bytes + 3) / 4;
	struct target t[64];
	struct typed ty;

	for (unsigned lane = 0; lane < m->lanes; lane++)
		t[lane] = target_of(m, in, &v, lane);
	if (has(in->name, "format")) {
		if (!typed_of(in, &v, &ty))
			abort();
		for (unsigned lane = 0; lane < m->lanes; lane++) {
			bool ok = inside(&v, in, t[lane].index, t[lane].offset, ty.bytes);
			struct place p = buffer_place(&v, in, t[lane].index, t[lane].offset);

			if (v.swizzle && ty.bytes >= 4)
				p.at -= p.at % 4;
			if (!lane_on(m, lane))
				continue;
			if (has(in->name, "load"))
				typed_load(m, in, &ty, lane, &p, ok);
			else if (ok)
				typed_store(m, in, &ty, lane, &p);
		}
	} else if (has(in->name, "atomic")) {
		char op[16];
		unsigned bytes = atomic_name(in->name, op);

		for (unsigned lane = 0; lane < m->lanes; lane++) {
			if (!lane_on(m, lane))
				continue;
			if (inside(&v, in, t[lane].index, t[lane].offset, bytes))
				vector_atomic(m, in, lane, buffer_place(&v, in, t[lane].index, t[lane].offset),
					      in->data);
			else if (in->glc)
				set_reg(m, in->data, lane, bytes, 0);
		}
	} else {
		for (unsigned step = 0; step < m->lanes / 32 * parts;
		     step++) /* 32 lanes' dwords, one after the other */
			for (unsigned lane = step / parts * 32; lane < step / parts * 32 + 32; lane++)
				if (lane_on(m, lane))
					buffer_part(m, in, &v, lane, t[lane], step % parts);
	}
}

static void scalar(struct ref_mem *m, const struct ref_inst *in)
{
	bool buf = has(in->name, "buffer");
	const char *x = strstr(in->name, "dwordx");
	unsigned n = x ? (unsigned)strtoul(x + 6, NULL, 10) : 1;
	struct vsharp v = vsharp(m, in->saddr & 124);
	uint64_t base = buf ? v.base : s64(m, in->saddr), size = v.stride ? (uint64_t)v.stride * v.records : v.records;
	int64_t off = (int64_t)in->soffset + in->offset;
	uint32_t out[16];

	off -= off & 3;
	base -= base & 3;
	for (unsigned i = 0; i < n; i++) {
		uint64_t at = (uint64_t)off + i * 4;

		out[i] = 0;
		for (unsigned k = 0; k < 4; k++)
			if (!buf || (off >= 0 && at + 4 <= size))
				out[i] |= (uint32_t)read8(m, base + at + k) << 8 * k;
	}
	memcpy(&m->s[in->dst], out, n * 4);
}

/* ds_OP[_rtn]_TYPE -> OP in the words of atomic_value. */
static bool ds_atomic_name(const char *name, char op[16], unsigned *bytes)
{
	static const struct {
		const char *from, *to;
	} words[] = {{"add_u", "add"},     {"sub_u", "sub"},     {"rsub_u", "rsub"},     {"inc_u", "inc"},
		     {"dec_u", "dec"},     {"min_i", "smin"},    {"max_i", "smax"},      {"min_u", "umin"},
		     {"max_u", "umax"},    {"and_b", "and"},     {"or_b", "or"},         {"xor_b", "xor"},
		     {"mskor_b", "mskor"}, {"wrxchg_b", "swap"}, {"cmpst_b", "cmpswap"}, {"cmpst_f", "fcmpswap"},
		     {"min_f", "fmin"},    {"max_f", "fmax"},    {"add_f", "fadd"},      {"wrap_b", "wrap"}};
	char flat_name[40];
	const char *rtn;

	strcpy(flat_name, name + 3);
	if ((rtn = strstr(name, "rtn_")))
		strcpy(flat_name + (rtn - name - 3), rtn + 4);
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (starts(flat_name, words[i].from)) {
			strcpy(op, words[i].to);
			*bytes = has(flat_name, "64") ? 8 : 4;
			return true;
		}
	return false;
}

static void ds_two(struct ref_mem *m, const struct ref_inst *in)
{
	unsigned bytes = has(in->name, "b64") ? 8 : 4, unit = has(in->name, "st64") ? 64 * bytes : bytes;
	uint32_t addr[64];
	bool xchg = has(in->name, "wrxchg"), read = has(in->name, "read");

	memcpy(addr, m->v[in->addr], sizeof(addr));
	if (xchg) {
		for (unsigned lane = 0; lane < m->lanes; lane++) {
			uint64_t a = reg(m, in->data, lane, bytes), b = reg(m, in->data1, lane, bytes), o0, o1;
			struct place p = {.where = IN_LDS, .at = (uint32_t)(addr[lane] + (uint32_t)in->offset * unit)};

			if (!lane_on(m, lane))
				continue;
			o0 = do_atomic(m, p, "swap", bytes, a, 0);
			p.at = (uint32_t)(addr[lane] + in->offset1 * unit);
			o1 = do_atomic(m, p, "swap", bytes, b, 0);
			set_reg(m, in->dst, lane, bytes, o0);
			set_reg(m, in->dst + bytes / 4, lane, bytes, o1);
		}
		return;
	}
	for (unsigned step = 0; step < m->lanes / 16; step++) /* 32 lanes' first elements, then their second ones */
		for (unsigned lane = step / 2 * 32; lane < step / 2 * 32 + 32; lane++) {
			struct element el = {.bytes = bytes};
			struct place p = {.where = IN_LDS};
			unsigned e = step % 2;
			uint8_t b[8];

			if (!lane_on(m, lane))
				continue;
			p.at = (uint32_t)(addr[lane] + (e ? in->offset1 : (uint32_t)in->offset) * unit);
			if (read) {
				get(m, &p, b, bytes);
				to_registers(m, el, in->dst + e * bytes / 4, lane, b);
			} else {
				from_registers(m, el, e ? in->data1 : in->data, lane, b);
				put(m, &p, b, bytes);
			}
		}
}

static unsigned swizzle_source(unsigned lane, unsigned offset)
{
	unsigned i = lane % 32, mask = offset % 32, j = 0;

	if (offset >= 0xe000) {
		unsigned ones = 0, rev = 0;

		if (mask == 31)
			return lane;
		for (unsigned k = 0; k < 5; k++) {
			ones += mask >> k & 1;
			rev = rev * 2 + (i >> k & 1);
		}
		j = (rev >> ones) | (i & mask);
	} else if (offset >= 0xc000) {
		int rotate = (int)(offset >> 5 & 31);

		if (offset >> 10 & 1)
			rotate = -rotate;
		j = (i & mask) | ((unsigned)((int)i + rotate) & ~mask);
	} else if (offset >> 15) {
		j = i / 4 * 4 + (offset >> 2 * (i % 4)) % 4;
	} else {
		j = ((i & mask) | (offset >> 5 & 31)) ^ (offset >> 10 & 31);
	}
	return lane / 32 * 32 + j % 32;
}

static void ds_cross_lane(struct ref_mem *m, const struct ref_inst *in, unsigned offset)
{
	uint32_t out[64] = {0};
	bool push = has(in->name, "ds_permute");

	for (unsigned lane = 0; lane < m->lanes; lane++) {
		unsigned other = lane / 32 * 32 + (m->v[in->addr][lane] + offset) / 4 % 32;

		if (has(in->name, "swizzle")) {
			unsigned from = swizzle_source(lane, offset);

			out[lane] = lane_on(m, from) ? m->v[in->addr][from] : 0;
		} else if (push && lane_on(m, lane)) {
			out[other] = m->v[in->data][lane];
		} else if (!push) {
			out[lane] = lane_on(m, other) ? m->v[in->data][other] : 0;
		}
	}
	for (unsigned lane = 0; lane < m->lanes; lane++)
		if (lane_on(m, lane))
			m->v[in->dst][lane] = out[lane];
}

static void ds_append_consume(struct ref_mem *m, const struct ref_inst *in, unsigned offset)
{
	struct place p = {.where = IN_LDS, .at = (m->s[124] & 0xffff) + offset};
	uint64_t old, count = 0;

	for (unsigned lane = 0; lane < m->lanes; lane++)
		count += lane_on(m, lane);
	if (!count)
		return;
	old = do_atomic(m, p, has(in->name, "append") ? "add" : "sub", 4, count, 0);
	for (unsigned lane = 0; lane < m->lanes; lane++)
		if (lane_on(m, lane))
			m->v[in->dst][lane] = (uint32_t)old;
}

static void ds_condxchg(struct ref_mem *m, const struct ref_inst *in, unsigned lane, struct place p)
{
	p.at -= p.at % 8;
	for (unsigned i = 0; i < 2; i++) {
		uint32_t data = m->v[in->data + i][lane], old = 0, new = data & 0x7fffffff;
		struct place q = p;

		q.at += i * 4;
		if ((uint64_t)p.at + 8 > m->lds_size)
			q.at = m->lds_size;
		get(m, &q, (uint8_t *)&old, 4);
		if (data & 0x80000000)
			put(m, &q, (const uint8_t *)&new, 4);
		m->v[in->dst + i][lane] = old;
	}
}

static void ds(struct ref_mem *m, const struct ref_inst *in)
{
	unsigned offset = (uint32_t)in->offset + in->offset1 * 256, bytes;
	struct element e = element_of(in->name);
	char op[16];

	if (has(in->name, "ds_nop"))
		return;
	if (has(in->name, "read2") || has(in->name, "write2") || has(in->name, "wrxchg2")) {
		ds_two(m, in);
		return;
	}
	if (has(in->name, "permute") || has(in->name, "swizzle")) {
		ds_cross_lane(m, in, offset);
		return;
	}
	if (has(in->name, "append") || has(in->name, "consume")) {
		ds_append_consume(m, in, offset);
		return;
	}
	for (unsigned lane = 0; lane < m->lanes; lane++) {
		struct place p = {.where = IN_LDS, .at = (uint32_t)(m->v[in->addr][lane] + offset)};
		uint8_t b[16];

		if (!lane_on(m, lane))
			continue;
		if (has(in->name, "addtid"))
			p.at = (m->s[124] & 0xffff) + offset + lane * 4;
		if (has(in->name, "condxchg")) {
			ds_condxchg(m, in, lane, p);
		} else if (has(in->name, "read")) {
			get(m, &p, b, e.bytes);
			to_registers(m, e, in->dst, lane, b);
		} else if (has(in->name, "write")) {
			from_registers(m, e, in->data, lane, b);
			put(m, &p, b, e.bytes);
		} else if (ds_atomic_name(in->name, op, &bytes)) {
			uint64_t x = reg(m, in->data, lane, bytes), y = reg(m, in->data1, lane, bytes), old;

			old = has(op, "cmpswap") ? do_atomic(m, p, op, bytes, y, x) : do_atomic(m, p, op, bytes, x, y);
			if (has(in->name, "rtn"))
				set_reg(m, in->dst, lane, bytes, old);
		} else {
			abort();
		}
	}
}

void ref_mem_exec(struct ref_mem *m, const struct ref_inst *in)
{
	if (starts(in->name, "s_"))
		scalar(m, in);
	else if (starts(in->name, "ds_"))
		ds(m, in);
	else if (starts(in->name, "buffer") || starts(in->name, "tbuffer"))
		buffer(m, in);
	else
		flat(m, in);
}

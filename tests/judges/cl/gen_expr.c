/* SPDX-License-Identifier: MIT */
/* Expressions of generated kernels. Each is written straight out, of exactly the type asked for. */
#include <stdarg.h>

#include "gen.h"

const unsigned gen_widths[6] = {1, 2, 3, 4, 8, 16};
const char *const kind_names[KINDS] = {"char", "uchar", "short", "ushort", "int",   "uint",
				       "long", "ulong", "half",  "float",  "double"};
static const unsigned kind_bits[KINDS] = {8, 8, 16, 16, 32, 32, 64, 64, 16, 32, 64};
static const char *const roundings[] = {"", "_rte", "_rtz", "_rtp", "_rtn"};

/* splitmix64 */
unsigned pick(struct gen *g, unsigned below)
{
	uint64_t z = g->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (unsigned)(((z ^ z >> 31) >> 32) * below >> 32);
}

bool chance(struct gen *g, unsigned percent)
{
	return pick(g, 100) < percent;
}

bool is_float(enum kind kind)
{
	return kind >= F16;
}

static bool is_signed(enum kind kind)
{
	return !is_float(kind) && !(kind & 1);
}

struct type any_type(struct gen *g)
{
	struct type type;
	unsigned width;

	do
		type.kind = (enum kind)pick(g, KINDS);
	while (!(g->kinds >> type.kind & 1));
	do
		width = pick(g, 6);
	while (!(g->widths >> width & 1));
	type.width = gen_widths[width];
	return type;
}

void put_type(struct gen *g, struct type type)
{
	fputs(kind_names[type.kind], g->out);
	if (type.width > 1)
		fprintf(g->out, "%u", type.width);
}

void add_var(struct gen *g, struct type type, const char *format, ...)
{
	struct var *var = &g->vars[g->var_count];
	va_list args;

	if (g->var_count == MAX_VARS)
		return;
	va_start(args, format);
	vsnprintf(var->text, sizeof(var->text), format, args);
	va_end(args);
	var->type = type;
	g->var_count++;
}

/* ---- leaves ---- */

static void literal(struct gen *g, enum kind kind)
{
	uint32_t value = pick(g, 0xffffffffu);

	if (chance(g, 60))
		value %= 67;
	if (is_float(kind))
		fprintf(g->out, "(%s)%d.%uf", kind_names[kind], (int)(value % 201) - 100, 125 * pick(g, 8));
	else if (kind >= I64)
		fprintf(g->out, "(%s)0x%xul", kind_names[kind], value);
	else
		fprintf(g->out, "(%s)0x%xu", kind_names[kind], value);
}

static void vector_literal(struct gen *g, struct type type)
{
	fputc('(', g->out);
	put_type(g, type);
	fputs(")(", g->out);
	for (unsigned i = 0; i < type.width; i++) {
		if (i)
			fputs(", ", g->out);
		literal(g, type.kind);
	}
	fputc(')', g->out);
}

/*
 * CONVERT(...)( of a value of kind from; the caller closes both parentheses. The device library of ROCm 5.2 rounds
 * integers to half to nearest only: its other three clamp to 16 bits, and short rounds down as toward zero.
 */
static void open_conversion(struct gen *g, struct type to, enum kind from)
{
	fputs("CONVERT(", g->out);
	put_type(g, to);
	if (is_float(from) && !is_float(to.kind))
		fprintf(g->out, "_sat%s", roundings[pick(g, 5)]);
	else if (!is_float(to.kind))
		fputs(chance(g, 40) ? "_sat" : "", g->out);
	else if (!is_float(from))
		fputs(roundings[to.kind == F16 ? pick(g, 2) : pick(g, 5)], g->out);
	else if (from > to.kind)
		fputs(roundings[pick(g, 5)], g->out);
	fputs(is_float(from) && !is_float(to.kind) ? ")(f_number(" : ")((", g->out);
}

/* Any variable, made a value of the type: as it is, by conversion, one component of it, or spread. */
static void leaf(struct gen *g, struct type type)
{
	unsigned first = pick(g, g->var_count), same = g->var_count;
	const struct var *var;

	for (unsigned i = 0; i < g->var_count && same == g->var_count; i++) {
		const struct var *v = &g->vars[(first + i) % g->var_count];

		if (v->type.kind == type.kind && v->type.width == type.width)
			same = (first + i) % g->var_count;
	}
	if (same < g->var_count && chance(g, 70)) {
		fputs(g->vars[same].text, g->out);
		return;
	}
	if (chance(g, 15)) {
		if (type.width > 1)
			vector_literal(g, type);
		else
			literal(g, type.kind);
		return;
	}
	var = &g->vars[first];
	if (var->type.width == type.width && var->type.kind != type.kind) {
		open_conversion(g, type, var->type.kind);
		fprintf(g->out, "%s))", var->text);
		return;
	}
	if (type.width > 1) {
		fputc('(', g->out);
		put_type(g, type);
		fputs(")(", g->out);
		leaf(g, (struct type){type.kind, 1});
		fputc(')', g->out);
		return;
	}
	open_conversion(g, type, var->type.kind);
	if (var->type.width > 1)
		fprintf(g->out, "%s.s%x))", var->text, pick(g, var->type.width));
	else
		fprintf(g->out, "%s))", var->text);
}

/* ---- operations ---- */

struct op {
	const char *name;
	unsigned args;
};

static void call(struct gen *g, const struct op *op, struct type type, unsigned depth)
{
	fprintf(g->out, "%s(", op->name);
	for (unsigned i = 0; i < op->args; i++) {
		if (i)
			fputs(", ", g->out);
		expression(g, type, depth);
	}
	fputc(')', g->out);
}

/* A result like that of a comparison of this type: signed integers of its size. */
static void comparison(struct gen *g, struct type type, unsigned depth)
{
	static const struct op ops[] = {{"f_lt", 2}, {"f_le", 2}, {"f_gt", 2}, {"f_ge", 2}, {"f_eq", 2}, {"f_ne", 2}};

	call(g, &ops[pick(g, 6)], type, depth);
}

void condition(struct gen *g, unsigned depth)
{
	static const char *const joins[] = {"&", "|", "^"};
	struct type type = any_type(g);

	if (depth && chance(g, 25)) {
		fputs("(", g->out);
		condition(g, depth - 1);
		fprintf(g->out, " %s ", joins[pick(g, 3)]);
		condition(g, depth - 1);
		fputs(")", g->out);
		return;
	}
	fputs(type.width == 1 ? "(" : chance(g, 50) ? "(f_any(" : "(f_all(", g->out);
	comparison(g, type, depth);
	fputs(type.width == 1 ? " != 0)" : ") != 0)", g->out);
}

static void selection(struct gen *g, struct type type, unsigned depth)
{
	fputs("f_select(", g->out);
	expression(g, type, depth);
	fputs(", ", g->out);
	expression(g, type, depth);
	fputs(", ", g->out);
	comparison(g, type, depth);
	fputc(')', g->out);
}

static void int_operation(struct gen *g, struct type type, unsigned depth)
{
	static const struct op ops[] = {
		{"f_add", 2},     {"f_sub", 2},       {"f_mul", 2},   {"f_and", 2},    {"f_or", 2},
		{"f_xor", 2},     {"f_shl", 2},       {"f_shr", 2},   {"f_rotate", 2}, {"f_mul_hi", 2},
		{"f_add_sat", 2}, {"f_sub_sat", 2},   {"f_hadd", 2},  {"f_rhadd", 2},  {"f_min", 2},
		{"f_max", 2},     {"f_not", 1},       {"f_clz", 1},   {"f_ctz", 1},    {"f_popcount", 1},
		{"f_mad_sat", 3}, {"f_bitselect", 3}, {"f_clamp", 3}, {"f_add", 2},    {"f_xor", 2},
	};
	static const struct op divisions[] = {{"f_div", 2}, {"f_mod", 2}};
	static const struct op short_products[] = {{"f_mul24", 2}, {"f_mad24", 3}};
	static const struct op of_signed[] = {{"f_abs", 1}, {"f_abs_diff", 2}};

	if (type.width <= 4 && chance(g, 12))
		call(g, &divisions[pick(g, 2)], type, depth);
	else if ((type.kind == I32 || type.kind == U32) && chance(g, 10))
		call(g, &short_products[pick(g, 2)], type, depth);
	else if (!is_signed(type.kind) && chance(g, 10))
		call(g, &of_signed[pick(g, 2)], (struct type){(enum kind)(type.kind - 1), type.width}, depth);
	else
		call(g, &ops[pick(g, sizeof(ops) / sizeof(ops[0]))], type, depth);
}

static void float_operation(struct gen *g, struct type type, unsigned depth)
{
	static const struct op ops[] = {
		{"f_add", 2},   {"f_sub", 2},  {"f_mul", 2},   {"f_fma", 3},       {"f_floor", 1}, {"f_ceil", 1},
		{"f_trunc", 1}, {"f_rint", 1}, {"f_round", 1}, {"f_fabs", 1},      {"f_neg", 1},   {"f_copysign", 2},
		{"f_fmin", 2},  {"f_fmax", 2}, {"f_add", 2},   {"f_nextafter", 2}, {"f_fma", 3},
	};
	static const struct op slow[] = {{"f_div", 2}, {"f_sqrt", 1}};

	if (type.width <= 4 && type.kind != F16 && chance(g, 20)) {
		call(g, &slow[pick(g, 2)], type, depth);
	} else if (chance(g, 6)) {
		fputs("f_ldexp(", g->out);
		expression(g, type, depth);
		fputs(", ", g->out);
		expression(g, (struct type){I32, type.width}, depth);
		fputc(')', g->out);
	} else {
		call(g, &ops[pick(g, sizeof(ops) / sizeof(ops[0]))], type, depth);
	}
}

/* Components of a vector in another order; false when no variable has them. */
static bool swizzle(struct gen *g, struct type type)
{
	unsigned first = pick(g, g->var_count);

	for (unsigned i = 0; i < g->var_count; i++) {
		const struct var *v = &g->vars[(first + i) % g->var_count];

		if (v->type.kind != type.kind || v->type.width < 2 || type.width < 2)
			continue;
		fprintf(g->out, "%s.s", v->text);
		for (unsigned c = 0; c < type.width; c++)
			fprintf(g->out, "%x", pick(g, v->type.width));
		return true;
	}
	return false;
}

/* The bits of other integers. */
static void reinterpretation(struct gen *g, struct type type, unsigned depth)
{
	unsigned bits = kind_bits[type.kind] * type.width, width;
	enum kind kind;

	do {
		kind = (enum kind)pick(g, F16);
		width = type.width == 3 ? (kind_bits[kind] == kind_bits[type.kind] ? 3 : 0) : bits / kind_bits[kind];
	} while (width != 1 && width != 2 && width != 3 && width != 4 && width != 8 && width != 16);
	fputs("as_", g->out);
	put_type(g, type);
	fputc('(', g->out);
	expression(g, (struct type){kind, width}, depth);
	fputc(')', g->out);
}

static void conversion(struct gen *g, struct type type, unsigned depth)
{
	enum kind kind;

	do
		kind = (enum kind)pick(g, KINDS);
	while (kind == type.kind || !(g->kinds >> kind & 1));
	open_conversion(g, type, kind);
	expression(g, (struct type){kind, type.width}, depth);
	fputs("))", g->out);
}

/* Loads whose address is made of v0; false when there are none of the type. */
static bool load(struct gen *g, struct type type)
{
	const char *from = chance(g, 50) ? "a" : "b";
	unsigned count = INPUT_W * 32 / kind_bits[type.kind] / 16;

	if (g->in_helper || !(g->features & HAS_MEMORY))
		return false;
	if (type.kind == U32 && type.width == 1 && chance(g, 50))
		fprintf(g->out, "table[v0 + %uu & 15u]", pick(g, 16));
	else if (type.kind == U32 && type.width == 1)
		fprintf(g->out, "%s[v0 + %uu & 1023u]", from, pick(g, 99));
	else if (type.kind == F32 && type.width == 1)
		fprintf(g->out, "f_load_half(v0 + %uu & 1023u, %s)", pick(g, 99), from);
	else if (type.width > 1 && !is_signed(type.kind) && !is_float(type.kind))
		fprintf(g->out, "f_load(%s, %u, v0 + %uu & %uu, %s)", kind_names[type.kind], type.width, pick(g, 99),
			count - 1, from);
	else
		return false;
	return true;
}

static bool helper_call(struct gen *g, struct type type, unsigned depth)
{
	unsigned first = g->helper_count ? pick(g, g->helper_count) : 0;

	if (g->in_helper)
		return false;
	for (unsigned i = 0; i < g->helper_count; i++) {
		const struct helper *h = &g->helpers[(first + i) % g->helper_count];

		if (h->result.kind != type.kind || h->result.width != type.width)
			continue;
		fprintf(g->out, "h%u_%u(", g->kernel, h->number);
		expression(g, h->args[0], depth);
		fputs(", ", g->out);
		expression(g, h->args[1], depth);
		fputs(", v0)", g->out);
		return true;
	}
	return false;
}

void expression(struct gen *g, struct type type, unsigned depth)
{
	if (!depth || chance(g, 12)) {
		leaf(g, type);
		return;
	}
	depth--;
	if (chance(g, 25) && helper_call(g, type, depth / 2))
		return;
	if (chance(g, 15) && load(g, type))
		return;
	if (chance(g, 15) && swizzle(g, type))
		return;
	if (chance(g, 12)) {
		selection(g, type, depth);
		return;
	}
	if (chance(g, 12) && (g->kinds & (g->kinds - 1))) {
		conversion(g, type, depth);
		return;
	}
	if (is_float(type.kind)) {
		float_operation(g, type, depth);
		return;
	}
	if (chance(g, 8))
		reinterpretation(g, type, depth);
	else if (is_signed(type.kind) && chance(g, 8))
		comparison(g,
			   (struct type){type.kind == I16 && chance(g, 40)   ? F16
					 : type.kind == I32 && chance(g, 40) ? F32
					 : type.kind == I64 && chance(g, 40) ? F64
									     : type.kind,
					 type.width},
			   depth);
	else
		int_operation(g, type, depth);
}

/* SPDX-License-Identifier: MIT */
/*
 * Statements and kernels. Loops end: each counts, and its bound is a few bits of a value. At -O0 clang 16 reloads
 * values that cross a join of branches before it restores EXEC (twin.h); the kernels keep all that lives across
 * statements in variables, which are memory there, and use neither && nor ||.
 */
#include "gen.h"

static void statement(struct gen *g);

static void block(struct gen *g)
{
	unsigned count = 1 + pick(g, 3);

	g->depth++;
	fputs("{\n", g->out);
	for (unsigned i = 0; i < count; i++)
		statement(g);
	fputs("}\n", g->out);
	g->depth--;
}

static const struct var *any_var(struct gen *g)
{
	return &g->vars[pick(g, g->var_count)];
}

static void assignment(struct gen *g)
{
	const struct var *var = any_var(g);

	if (var->type.width > 1 && chance(g, 25)) {
		fprintf(g->out, "%s.s%x = ", var->text, pick(g, var->type.width));
		expression(g, (struct type){var->type.kind, 1}, 2);
	} else if (var->type.width > 3 && chance(g, 25)) {
		static const char *const halves[] = {"lo", "hi", "even", "odd"};

		fprintf(g->out, "%s.%s = ", var->text, halves[pick(g, 4)]);
		expression(g, (struct type){var->type.kind, var->type.width / 2}, 2);
	} else {
		fprintf(g->out, "%s = ", var->text);
		expression(g, var->type, var->type.width > 4 ? 2 : 3);
	}
	fputs(";\n", g->out);
}

static void branch(struct gen *g)
{
	fputs("if (", g->out);
	condition(g, 1);
	fputs(") ", g->out);
	block(g);
	if (chance(g, 50)) {
		fputs("else ", g->out);
		block(g);
	}
}

/* In a loop; what follows in its body runs for fewer lanes. */
static void leave_loop(struct gen *g)
{
	fputs("if (", g->out);
	condition(g, 1);
	fprintf(g->out, ")\n%s;\n", chance(g, 50) ? "break" : "continue");
}

static void loop(struct gen *g)
{
	unsigned name = g->names++, shape = pick(g, 3);

	g->loops++;
	fprintf(g->out, "{ uint i%u = 0, n%u = (fold(", name, name);
	expression(g, any_type(g), 1);
	fprintf(g->out, ") >> %u & 7u)%s;\n", pick(g, 8), shape == 2 ? " + 1" : "");
	if (shape == 0)
		fprintf(g->out, "for (; i%u < n%u; i%u++) {\n", name, name, name);
	else if (shape == 1)
		fprintf(g->out, "while (i%u++ < n%u) {\n", name, name);
	else
		fputs("do {\n", g->out);
	fprintf(g->out, "v0 += i%u * %uu;\n", name, 2 * pick(g, 50) + 1);
	statement(g);
	if (chance(g, 50))
		leave_loop(g);
	statement(g);
	fprintf(g->out, shape == 2 ? "} while (++i%u < n%u); }\n" : "} }\n", name, name);
	g->loops--;
}

static void choice(struct gen *g)
{
	unsigned cases = 3 + pick(g, 6);

	fputs("switch (fold(", g->out);
	expression(g, any_type(g), 1);
	fprintf(g->out, ") %% %uu) {\n", cases + 1);
	g->depth++;
	for (unsigned i = 0; i < cases; i++) {
		fprintf(g->out, "case %uu:\n", i);
		if (chance(g, 15))
			continue;
		statement(g);
		if (chance(g, 75))
			fputs("break;\n", g->out);
	}
	fputs("default:\n", g->out);
	statement(g);
	g->depth--;
	fputs("}\n", g->out);
}

/* Over the kernel's own array, from either end, by a pointer. */
static void walk(struct gen *g)
{
	unsigned name = g->names++;

	if (chance(g, 50))
		fprintf(g->out, "for (uint *p%u = array + (v0 & 7u), *e%u = p%u + (k & 7u); p%u != e%u; p%u++) ", name,
			name, name, name, name, name);
	else
		fprintf(g->out, "for (uint *p%u = array + 15u - (v0 >> 3 & 7u); p%u > array + 2; p%u -= 2) ", name,
			name, name);
	fprintf(g->out, "{ v0 = mix(v0, *p%u); *p%u += v0 & 0xffffu; }\n", name, name);
}

static void words_out(struct gen *g)
{
	for (unsigned i = 0; i < g->words; i++)
		fprintf(g->out, "out[i * %uu + %uu] = fold(%s);\n", g->words, i, g->vars[i].text);
}

static void early_return(struct gen *g)
{
	fputs("if (", g->out);
	condition(g, 1);
	fputs(") {\n", g->out);
	words_out(g);
	fputs("return;\n}\n", g->out);
}

static void global_atomic(struct gen *g)
{
	static const char *const ops[] = {"ADD", "AND", "OR", "XOR", "MIN", "MAX"};
	unsigned op = pick(g, 8);

	if (op < 6) {
		fprintf(g->out, "ATOMIC_%s((global uint *)&out[n * %uu + %uu], fold(", ops[op], g->words, op);
		expression(g, any_type(g), 1);
		fputs("));\n", g->out);
	} else if (op == 6) {
		fprintf(g->out, "ATOMIC_ADD64((global ulong *)&out[n * %uu + 8u + (v0 & 2u)], ", g->words);
		expression(g, (struct type){U64, 1}, 1);
		fputs(");\n", g->out);
	} else {
		unsigned name = g->names++;

		/* An addition made of exchanges that may have to be done again. */
		fprintf(g->out,
			"{ global uint *c%u = &out[n * %uu + 14u]; uint w%u, s%u;\n"
			"do { w%u = *(volatile global uint *)c%u; s%u = ATOMIC_CMPXCHG(c%u, w%u, w%u + (v0 & "
			"0xfffu));\n"
			"} while (s%u != w%u); }\n",
			name, g->words, name, name, name, name, name, name, name, name, name, name);
	}
}

static void statement(struct gen *g)
{
	bool deep = g->depth + g->loops >= 3;
	unsigned what = pick(g, 100);

	if (!deep && what < 16)
		branch(g);
	else if (!deep && g->loops < 2 && what < 30)
		loop(g);
	else if (!deep && what < 38)
		choice(g);
	else if (!g->in_helper && (g->features & HAS_ARRAYS) && what < 46)
		walk(g);
	else if (!g->in_helper && (g->features & HAS_RETURNS) && what < 50)
		early_return(g);
	else if (!g->in_helper && (g->features & HAS_ATOMICS) && what < 62)
		global_atomic(g);
	else
		assignment(g);
}

/* ---- what all lanes of a wave, or of a workgroup, do together ---- */

static void lanes_together(struct gen *g)
{
	fputs("v0 ^= ", g->out);
	switch (pick(g, 15)) {
	case 0:
		fprintf(g->out, "w_quad(v0, %u, %u, %u, %u)", pick(g, 4), pick(g, 4), pick(g, 4), pick(g, 4));
		break;
	case 1:
		fprintf(g->out, "w_row_shl(i, v0, %u)", 1 + pick(g, 15));
		break;
	case 2:
		fprintf(g->out, "w_row_shr(i, v0, %u)", 1 + pick(g, 15));
		break;
	case 3:
		fprintf(g->out, "w_row_ror(v0, %u)", 1 + pick(g, 15));
		break;
	case 4:
		fputs(chance(g, 50) ? "w_row_mirror(v0)" : "w_row_half_mirror(v0)", g->out);
		break;
	case 5:
		fprintf(g->out, "w_row_share(v0, %u)", pick(g, 16));
		break;
	case 6:
		fprintf(g->out, "w_row_xmask(v0, %u)", pick(g, 16));
		break;
	case 7:
		fprintf(g->out, "w_eight(v0, 0x%x)", pick(g, 1 << 24));
		break;
	case 8:
		fprintf(g->out, "w_permute(v0, 0x%xu, 0x%xu)", pick(g, ~0u), pick(g, ~0u));
		break;
	case 9:
		fprintf(g->out, "w_permute_x(v0, 0x%xu, 0x%xu)", pick(g, ~0u), pick(g, ~0u));
		break;
	case 10:
		fprintf(g->out, "w_swizzle(v0, %u, %u, %u)", pick(g, 32), pick(g, 32), pick(g, 32));
		break;
	case 11:
		fprintf(g->out, "w_shuffle(v0, (v0 >> %u) & 31u)", pick(g, 27));
		break;
	case 12:
		fprintf(g->out, "w_read(v0, k + %u)", pick(g, 64));
		break;
	case 13:
		fprintf(g->out, "fold(w_ballot((v0 >> %u & 1u) != 0))", pick(g, 32));
		break;
	default:
		fputs("w_first(v0) + LANE", g->out);
	}
	fputs(";\n", g->out);
}

/* Written by each, then read by its neighbours. */
static void local_exchange(struct gen *g)
{
	const struct var *var = any_var(g);
	unsigned name = g->names++;

	fprintf(g->out, "local ");
	put_type(g, var->type);
	fprintf(g->out,
		" l%u[128];\nl%u[LID] = %s;\nSYNC;\n%s = l%u[(LID * %uu + %uu) & (uint)(get_local_size(0) - "
		"1)];\nSYNC;\n",
		name, name, var->text, var->text, name, 2 * pick(g, 40) + 1, pick(g, 128));
}

/* Every word of a small table by one operation only, so that the order does not show; read by an atomic too. */
static void local_atomics(struct gen *g)
{
	static const struct {
		const char *op, *start, *read;
	} ops[] = {{"ADD", "7u", "ADD"}, {"AND", "~0u", "OR"},  {"OR", "0u", "OR"},
		   {"XOR", "k", "XOR"},  {"MIN", "~0u", "MAX"}, {"MAX", "0u", "ADD"}};
	unsigned name = g->names++, op = pick(g, 6);

	fprintf(g->out, "local uint l%u[8];\nif (LID < 8u)\nl%u[LID] = %s;\nSYNC;\n", name, name, ops[op].start);
	fputs("if (", g->out);
	condition(g, 1);
	fprintf(g->out, ")\nATOMIC_%s((local uint *)&l%u[fold(", ops[op].op, name);
	expression(g, any_type(g), 1);
	fputs(") & 7u], fold(", g->out);
	expression(g, any_type(g), 1);
	fprintf(g->out, "));\nSYNC;\nv0 = mix(v0, ATOMIC_%s((local uint *)&l%u[LID & 7u], 0u));\nSYNC;\n", ops[op].read,
		name);
}

/* ---- kernels ---- */

/* Of words of a and b (in helpers: of v0) that every component and variable takes elsewhere. */
static void input_value(struct gen *g, struct type type)
{
	if (type.width > 1) {
		fputc('(', g->out);
		put_type(g, type);
		fputs(")(", g->out);
	}
	for (unsigned c = 0; c < type.width; c++) {
		fprintf(g->out, "%sld_%s(", c ? ", " : "", kind_names[type.kind]);
		if (g->in_helper)
			fprintf(g->out, "v0 * 0x%xu, v0 ^ 0x%xu)", pick(g, 1u << 30) | 1, pick(g, ~0u));
		else
			fprintf(g->out, "a[i * %uu + %uu & 1023u], b[i + %uu & 1023u])", 2 * pick(g, 8) + 1,
				pick(g, 999), pick(g, 999));
	}
	if (type.width > 1)
		fputc(')', g->out);
}

static void variables(struct gen *g, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct type type = any_type(g);

		put_type(g, type);
		fprintf(g->out, " x%u = ", i);
		input_value(g, type);
		fputs(";\n", g->out);
		add_var(g, type, "x%u", i);
	}
}

static void arrays(struct gen *g)
{
	struct type type = any_type(g);

	fputs("uint array[16];\nfor (uint j = 0; j < 16u; j++)\narray[j] = a[i * 16u + j & 1023u];\n", g->out);
	add_var(g, (struct type){U32, 1}, "array[v0 & 15u]");
	put_type(g, type);
	fputs(" list[4];\nfor (uint j = 0; j < 4u; j++)\nlist[j] = ", g->out);
	input_value(g, type);
	fputs(";\n", g->out);
	add_var(g, type, "list[v0 >> 2 & 3u]");
	add_var(g, type, "list[1]");
}

#define FIELDS 4
static void structures(struct gen *g)
{
	struct type types[FIELDS];

	fputs("struct s { ", g->out);
	for (unsigned i = 0; i < FIELDS; i++) {
		types[i] = any_type(g);
		put_type(g, types[i]);
		fprintf(g->out, " f%u; ", i);
	}
	fputs("uchar last[3]; } one, many[3], *at;\nfor (uint j = 0; j < 3u; j++) {\n", g->out);
	for (unsigned i = 0; i < FIELDS; i++) {
		fprintf(g->out, "many[j].f%u = ", i);
		input_value(g, types[i]);
		fputs(";\n", g->out);
	}
	fputs("for (uint c = 0; c < 3u; c++)\nmany[j].last[c] = (uchar)(v0 >> c);\n}\none = many[v0 % 3u];\nat = "
	      "&many[v0 / 3u % 3u];\n",
	      g->out);
	for (unsigned i = 0; i < FIELDS; i++) {
		add_var(g, types[i], "one.f%u", i);
		add_var(g, types[i], "at->f%u", i);
	}
	add_var(g, (struct type){U8, 1}, "many[v0 & 1u].last[2]");
}

static void helper(struct gen *g)
{
	struct helper *h = &g->helpers[g->helper_count];

	h->number = g->helper_count;
	h->result = any_type(g);
	fprintf(g->out, "static %s", chance(g, 70) ? "NOINLINE " : "");
	put_type(g, h->result);
	fprintf(g->out, " h%u_%u(", g->kernel, h->number);
	for (unsigned i = 0; i < 2; i++) {
		h->args[i] = any_type(g);
		put_type(g, h->args[i]);
		fprintf(g->out, " y%u, ", i);
	}
	fputs("uint v0)\n{\n", g->out);
	g->in_helper = true;
	g->var_count = 0;
	add_var(g, (struct type){U32, 1}, "v0");
	add_var(g, h->args[0], "y0");
	add_var(g, h->args[1], "y1");
	variables(g, 1 + pick(g, 2));
	for (unsigned i = 1 + pick(g, 3); i; i--)
		statement(g);
	fputs("return ", g->out);
	expression(g, h->result, 2);
	fputs(";\n}\n\n", g->out);
	g->in_helper = false;
	g->helper_count++;
}

static void together(struct gen *g)
{
	if ((g->features & HAS_LANES) && chance(g, 80))
		lanes_together(g);
	if ((g->features & HAS_LOCAL) && chance(g, 60))
		local_exchange(g);
	if ((g->features & HAS_LOCAL) && chance(g, 40))
		local_atomics(g);
}

void write_prelude(struct gen *g)
{
	fputs("#include \"tests/judges/cl/ops.h\"\n\nstatic constant uint table[16] = {", g->out);
	for (unsigned i = 0; i < 16; i++)
		fprintf(g->out, "0x%xu, ", pick(g, ~0u));
	fputs("};\n\n", g->out);
}

void write_kernel(struct gen *g)
{
	unsigned statements = 4 + pick(g, 5);

	g->helper_count = g->var_count = g->loops = g->depth = g->names = 0;
	for (unsigned i = g->features & HAS_CALLS ? 2 + pick(g, MAX_HELPERS - 1) : 0; i; i--)
		helper(g);
	g->var_count = 0;
	fprintf(g->out, "KERNEL(k%u, uint, uint, uint)\n{\nuint i = GID, v0 = a[i & 1023u] + k;\n", g->kernel);
	add_var(g, (struct type){U32, 1}, "v0");
	variables(g, 4 + pick(g, 6));
	g->words = g->var_count;
	if (g->features & HAS_ARRAYS)
		arrays(g);
	if (g->features & HAS_STRUCTS)
		structures(g);
	if (g->var_count < MAX_WORDS)
		g->words = g->var_count;
	else
		g->words = MAX_WORDS;
	for (unsigned i = 0; i < statements; i++) {
		statement(g);
		together(g);
	}
	words_out(g);
	fputs("}\n\n", g->out);
}

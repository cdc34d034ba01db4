/* SPDX-License-Identifier: MIT */
/*
 * Calls of functions that are allowed an error. Bounds in units in the last place: OpenCL C 2.0, 7.4, tables of single
 * and double precision; OpenCL 2.0 Extensions, cl_khr_fp16, 9.4.7. 2.5 is 3 of what was itself rounded.
 */
#include <string.h>

#include "gen.h"

static const struct {
	const char *name;
	unsigned args;
	unsigned ulp[3]; /* half, float, double */
} functions[] = {
	{"acos", 1, {2, 4, 4}},   {"acosh", 1, {2, 4, 4}}, {"asin", 1, {2, 4, 4}},     {"asinh", 1, {2, 4, 4}},
	{"atan", 1, {2, 5, 5}},   {"atanh", 1, {2, 5, 5}}, {"atan2", 2, {2, 6, 6}},    {"cbrt", 1, {2, 2, 2}},
	{"cos", 1, {2, 4, 4}},    {"cosh", 1, {2, 4, 4}},  {"cospi", 1, {2, 4, 4}},    {"erf", 1, {4, 16, 16}},
	{"erfc", 1, {4, 16, 16}}, {"exp", 1, {2, 3, 3}},   {"exp2", 1, {2, 3, 3}},     {"exp10", 1, {2, 3, 3}},
	{"expm1", 1, {2, 3, 3}},  {"fdim", 2, {0, 0, 0}},  {"fmod", 2, {0, 0, 0}},     {"hypot", 2, {2, 4, 4}},
	{"log", 1, {2, 3, 3}},    {"log2", 1, {2, 3, 3}},  {"log10", 1, {2, 3, 3}},    {"log1p", 1, {2, 2, 2}},
	{"logb", 1, {0, 0, 0}},   {"pow", 2, {4, 16, 16}}, {"rsqrt", 1, {1, 2, 2}},    {"remainder", 2, {0, 0, 0}},
	{"sin", 1, {2, 4, 4}},    {"sinh", 1, {2, 4, 4}},  {"sinpi", 1, {2, 4, 4}},    {"sqrt", 1, {0, 3, 0}},
	{"tan", 1, {2, 5, 5}},    {"tanh", 1, {2, 5, 5}},  {"tgamma", 1, {4, 16, 16}}, {"divide", 2, {0, 3, 0}},
};

#define FUNCTIONS (sizeof(functions) / sizeof(functions[0]))

/*
 * Left out with clang 16 and the device library of ROCm 5.2: sin of a half, whose code selects the quiet NaN where
 * v_cmp_class_f16 finds a finite argument; and tgamma of a float, which is a zero for some negative arguments whose
 * results are small normal numbers.
 */
static bool wrong_in_library(const char *name, enum kind kind)
{
	return (kind == F16 && strcmp(name, "sin") == 0) || (kind == F32 && strcmp(name, "tgamma") == 0);
}

/* An argument somewhere between tiny and beyond every range, or any bits. */
static void argument(struct gen *g, enum kind kind)
{
	static const char *const scales[] = {"0x1p-9f", "0x1p-6f", "0x1p-3f", "1.0f", "0x1p-12f"};

	if (chance(g, 35))
		fprintf(g->out, "ld_%s(a[i + %uu & 1023u], b[i * 3u + %uu & 1023u])", kind_names[kind], pick(g, 999),
			pick(g, 999));
	else
		fprintf(g->out, "((%s)(short)b[i * 5u + %uu & 1023u] * (%s)%s)", kind_names[kind], pick(g, 999),
			kind_names[kind], scales[pick(g, 5)]);
}

void write_math_kernel(struct gen *g, FILE *index)
{
	unsigned word = 0;

	fprintf(g->out, "KERNEL(k%u, uint, uint, uint)\n{\nuint i = GID;\nulong r;\n", g->kernel);
	g->words = MAX_WORDS;
	while (word < MAX_WORDS) {
		unsigned f = (g->kernel * MAX_WORDS + word + pick(g, 3)) % FUNCTIONS, precision = pick(g, 3);
		enum kind kind = (enum kind)(F16 + precision);
		unsigned words = kind == F64 ? 2 : 1;

		if (word + words > MAX_WORDS || wrong_in_library(functions[f].name, kind))
			continue;
		fprintf(g->out, "r = as_%s(f_%s(",
			kind == F64   ? "ulong"
			: kind == F32 ? "uint"
				      : "ushort",
			functions[f].name);
		argument(g, kind);
		if (functions[f].args == 2) {
			fputs(", ", g->out);
			argument(g, kind);
		}
		fprintf(g->out, "));\nout[i * %uu + %uu] = (uint)r;\n", g->words, word);
		if (words == 2)
			fprintf(g->out, "out[i * %uu + %uu] = (uint)(r >> 32);\n", g->words, word + 1);
		fprintf(index, "bound %u %u %u %s\n", word, precision, functions[f].ulp[precision], functions[f].name);
		word += words;
	}
	fputs("}\n\n", g->out);
}

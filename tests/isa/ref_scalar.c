/* SPDX-License-Identifier: MIT */
#include "isa/ref_scalar.h"

#include <stdlib.h>
#include <string.h>

static bool is(const struct ref_scalar_inst *in, const char *name)
{
	return !strcmp(in->name, name);
}

static bool wide_name(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && !strcmp(name + n - 4, "_b64");
}

static uint64_t get(const struct ref_scalar *r, unsigned code, bool wide)
{
	if (code == REF_NULL)
		return 0;
	return wide ? r->s[code & ~1u] | (uint64_t)r->s[code | 1] << 32 : r->s[code];
}

static void put(struct ref_scalar *r, unsigned code, bool wide, uint64_t v)
{
	if (code != REF_NULL && !wide)
		r->s[code] = (uint32_t)v;
	if (code != REF_NULL && wide) {
		r->s[code & ~1u] = (uint32_t)v;
		r->s[code | 1] = (uint32_t)(v >> 32);
	}
	if (r->lanes == 32)
		r->s[REF_EXEC + 1] = 0;
}

static unsigned ones(uint64_t v)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 64; i++)
		n += v >> i & 1;
	return n;
}

/* Distance of the first bit that is on, from bit 0 or from bit top downwards; -1 when there is none. */
static uint32_t first(uint64_t v, unsigned width, bool from_top)
{
	for (unsigned i = 0; i < width; i++)
		if (v >> (from_top ? width - 1 - i : i) & 1)
			return i;
	return 0xffffffff;
}

static bool ends(const char *name, const char *end)
{
	size_t n = strlen(name), e = strlen(end);

	return n >= e && !strcmp(name + n - e, end);
}

/* Counts: SCC is "not zero" for those that count, untouched for those that search. */
static bool counts(struct ref_scalar *r, const struct ref_scalar_inst *in)
{
	bool wide = ends(in->name, "64");
	uint64_t all = wide ? ~0ull : 0xffffffff, a = get(r, in->src, wide) & all;
	unsigned width = wide ? 64 : 32;
	uint64_t sign = a >> (width - 1) & 1 ? ~a & all : a;
	uint32_t v;

	if (!strncmp(in->name, "bcnt", 4)) {
		v = ones(in->name[4] == '0' ? ~a & all : a);
		r->scc = v != 0;
	} else if (!strncmp(in->name, "ff0", 3)) {
		v = first(~a & all, width, false);
	} else if (!strncmp(in->name, "ff1", 3)) {
		v = first(a, width, false);
	} else if (is(in, "flbit_i32_b32") || is(in, "flbit_i32_b64")) {
		v = first(a, width, true);
	} else if (is(in, "flbit_i32") || is(in, "flbit_i32_i64")) {
		v = first(sign, width, true);
	} else {
		return false;
	}
	put(r, in->dst, false, v);
	return true;
}

static uint64_t spread(uint64_t a, const char *name)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 64; i++) {
		bool quad = a >> (i & ~3u) & 15;

		if (!strncmp(name, "wqm", 3))
			v |= (uint64_t)quad << i;
		else if (!strncmp(name, "quadmask", 8))
			v |= i % 4 == 0 ? (uint64_t)quad << (i / 4) : 0;
		else if (!strncmp(name, "brev", 4))
			v |= (a >> i & 1) << ((strstr(name, "64") ? 63 : 31) - (i & (strstr(name, "64") ? 63 : 31)));
		else /* bitreplicate */
			v |= (a >> (i / 2) & 1) << i;
	}
	return v;
}

static bool plain(struct ref_scalar *r, const struct ref_scalar_inst *in)
{
	bool wide = wide_name(in->name);
	uint64_t all = wide ? ~0ull : 0xffffffff, a = get(r, in->src, wide);
	int32_t low = (int32_t)a;
	uint64_t v;

	if (!strncmp(in->name, "mov_b", 5)) {
		put(r, in->dst, wide, a);
	} else if (!strncmp(in->name, "cmov_b", 6)) {
		if (r->scc)
			put(r, in->dst, wide, a);
	} else if (!strncmp(in->name, "not_b", 5) || !strncmp(in->name, "wqm", 3) ||
		   !strncmp(in->name, "quadmask", 8)) {
		v = in->name[0] == 'n' ? ~a & all : spread(a & all, in->name) & all;
		put(r, in->dst, wide, v);
		r->scc = v != 0;
	} else if (!strncmp(in->name, "brev", 4)) {
		put(r, in->dst, wide, spread(a & all, in->name) & all);
	} else if (is(in, "bitreplicate_b64_b32")) {
		put(r, in->dst, true, spread(get(r, in->src, false), in->name));
	} else if (is(in, "sext_i32_i8")) {
		put(r, in->dst, false, (uint64_t)((low & 255) - (low & 128 ? 256 : 0)));
	} else if (is(in, "sext_i32_i16")) {
		put(r, in->dst, false, (uint64_t)((low & 65535) - (low & 32768 ? 65536 : 0)));
	} else if (is(in, "abs_i32")) {
		v = (uint32_t)(low < 0 ? -(int64_t)low : low);
		put(r, in->dst, false, v);
		r->scc = v != 0;
	} else if (!strncmp(in->name, "bitset", 6)) {
		uint64_t bit = 1ull << (get(r, in->src, false) & (wide ? 63 : 31)), d = get(r, in->dst, wide);

		put(r, in->dst, wide, in->name[6] == '1' ? d | bit : d & ~bit);
	} else {
		return false;
	}
	return true;
}

static bool masks(struct ref_scalar *r, const struct ref_scalar_inst *in)
{
	bool wide = wide_name(in->name), save = strstr(in->name, "_saveexec_");
	uint64_t a = get(r, in->src, wide), e = get(r, REF_EXEC, wide), v;

	if (!save && !strstr(in->name, "_wrexec_"))
		return false;
	if (!strncmp(in->name, "andn1", 5))
		v = ~a & e;
	else if (!strncmp(in->name, "andn2", 5))
		v = a & ~e;
	else if (!strncmp(in->name, "orn1", 4))
		v = ~a | e;
	else if (!strncmp(in->name, "orn2", 4))
		v = a | ~e;
	else if (!strncmp(in->name, "and", 3))
		v = a & e;
	else if (!strncmp(in->name, "or", 2))
		v = a | e;
	else if (!strncmp(in->name, "xor", 3))
		v = a ^ e;
	else if (!strncmp(in->name, "nand", 4))
		v = ~(a & e);
	else if (!strncmp(in->name, "nor", 3))
		v = ~(a | e);
	else
		v = ~(a ^ e);
	put(r, in->dst, wide, save ? e : v);
	put(r, REF_EXEC, wide, v);
	if (!wide)
		v &= 0xffffffff;
	if (wide && r->lanes == 32) /* there is no upper half */
		v = save ? v & 0xffffffff : v;
	r->scc = v != 0;
	return true;
}

static bool jumps(struct ref_scalar *r, const struct ref_scalar_inst *in)
{
	uint64_t to = get(r, in->src, true) & ~3ull;

	if (is(in, "getpc_b64") || is(in, "swappc_b64"))
		put(r, in->dst, true, r->pc);
	else if (!is(in, "setpc_b64"))
		return false;
	if (!is(in, "getpc_b64"))
		r->pc = to;
	return true;
}

static bool moves(struct ref_scalar *r, const struct ref_scalar_inst *in)
{
	bool wide = wide_name(in->name), two = is(in, "movrelsd_2_b32");
	uint32_t m0 = r->s[REF_M0];
	uint32_t from = in->src, to = in->dst;

	if (strncmp(in->name, "movrel", 6) != 0)
		return false;
	if (two || !strncmp(in->name, "movrels", 7))
		from += two ? m0 & 1023 : m0;
	if (two || !strncmp(in->name, "movreld", 7))
		to += two ? m0 >> 16 & 1023 : m0;
	put(r, to, wide, get(r, from, wide));
	return true;
}

static bool compare(const char *op, int64_t a, int64_t b)
{
	if (!strcmp(op, "eq"))
		return a == b;
	if (!strcmp(op, "lg"))
		return a != b;
	if (!strcmp(op, "gt"))
		return a > b;
	if (!strcmp(op, "ge"))
		return a >= b;
	return !strcmp(op, "lt") ? a < b : a <= b;
}

static bool compares(struct ref_scalar *r, const struct ref_scalar_inst *in)
{
	bool k = !strncmp(in->name, "cmpk_", 5), is_signed = strstr(in->name, "_i32"), wide = ends(in->name, "64");
	char op[3] = {0};
	uint64_t a, b;

	if (!strncmp(in->name, "bitcmp", 6)) {
		a = get(r, in->src, wide) >> (get(r, in->src1, false) & (wide ? 63 : 31)) & 1;
		r->scc = in->name[6] == '1' ? a != 0 : a == 0;
		return true;
	}
	if (!k && strncmp(in->name, "cmp_", 4) != 0)
		return false;
	memcpy(op, in->name + (k ? 5 : 4), 2);
	a = get(r, k ? in->dst : in->src, wide);
	b = k ? is_signed ? (uint32_t)(int16_t)in->imm : in->imm & 0xffff : get(r, in->src1, wide);
	if (wide)
		r->scc = op[0] == 'e' ? a == b : a != b;
	else
		r->scc = is_signed ? compare(op, (int32_t)a, (int32_t)b) : compare(op, (int64_t)a, (int64_t)b);
	return true;
}

static void branch(struct ref_scalar *r, const struct ref_scalar_inst *in)
{
	r->pc += (uint64_t)((int64_t)(int16_t)in->imm * 4);
}

static bool constants(struct ref_scalar *r, const struct ref_scalar_inst *in)
{
	int32_t k = (int16_t)in->imm, d = (int32_t)get(r, in->dst, false);

	if (is(in, "movk_i32")) {
		put(r, in->dst, false, (uint32_t)k);
	} else if (is(in, "cmovk_i32")) {
		if (r->scc)
			put(r, in->dst, false, (uint32_t)k);
	} else if (is(in, "addk_i32")) {
		int64_t sum = (int64_t)d + k;

		put(r, in->dst, false, (uint32_t)sum);
		r->scc = sum != (int32_t)sum;
	} else if (is(in, "mulk_i32")) {
		put(r, in->dst, false, (uint32_t)((int64_t)d * k));
	} else if (is(in, "call_b64")) {
		put(r, in->dst, true, r->pc);
		branch(r, in);
	} else {
		return false;
	}
	return true;
}

static bool subvectors(struct ref_scalar *r, const struct ref_scalar_inst *in)
{
	uint32_t *low = &r->s[REF_EXEC], *high = &r->s[REF_EXEC + 1], *d = &r->s[in->dst];

	if (is(in, "subvector_loop_begin")) {
		if (!*low && !*high) {
			branch(r, in);
		} else if (!*low) {
			*d = *low;
		} else {
			*d = *high;
			*high = 0;
		}
		return true;
	}
	if (!is(in, "subvector_loop_end"))
		return false;
	if (*high) {
		*low = *d;
	} else if (*d) {
		*high = *d;
		*d = *low;
		*low = 0;
		branch(r, in);
	}
	return true;
}

/* MODE, and of STATUS and TRAPSTS what a program can see. */
static enum ref_step hwregs(struct ref_scalar *r, const struct ref_scalar_inst *in)
{
	unsigned id = in->imm & 63, offset = in->imm >> 6 & 31, size = (in->imm >> 11 & 31) + 1;
	uint64_t mask = ((1ull << size) - 1) << offset;
	uint32_t *at = id == 1 ? &r->mode : id == 3 ? &r->trapsts : NULL, v;

	if (strncmp(in->name, "getreg", 6) != 0 && strncmp(in->name, "setreg", 6) != 0)
		return REF_UNKNOWN;
	if (!at)
		return REF_REFUSED;
	if (in->name[0] == 'g') {
		put(r, in->dst, false, (uint32_t)((*at & mask) >> offset));
		return REF_NEXT;
	}
	v = is(in, "setreg_b32") ? (uint32_t)get(r, in->dst, false) : in->literal;
	*at = (uint32_t)((*at & ~mask) | ((uint64_t)v << offset & mask));
	return REF_NEXT;
}

static int condition(const struct ref_scalar *r, const char *name)
{
	uint64_t vcc = r->s[REF_VCC] | (r->lanes == 64 ? (uint64_t)r->s[REF_VCC + 1] << 32 : 0);
	uint64_t exec = r->s[REF_EXEC] | (r->lanes == 64 ? (uint64_t)r->s[REF_EXEC + 1] << 32 : 0);
	bool user = r->status >> 20 & 1, sys = r->status >> 21 & 1;

	if (!strcmp(name, "branch"))
		return true;
	if (strncmp(name, "cbranch_", 8) != 0)
		return -1;
	name += 8;
	return !strcmp(name, "scc0")               ? !r->scc
	       : !strcmp(name, "scc1")             ? r->scc != 0
	       : !strcmp(name, "vccz")             ? vcc == 0
	       : !strcmp(name, "vccnz")            ? vcc != 0
	       : !strcmp(name, "execz")            ? exec == 0
	       : !strcmp(name, "execnz")           ? exec != 0
	       : !strcmp(name, "cdbgsys")          ? sys
	       : !strcmp(name, "cdbguser")         ? user
	       : !strcmp(name, "cdbgsys_or_user")  ? sys || user
	       : !strcmp(name, "cdbgsys_and_user") ? sys && user
						   : -1;
}

/* What only waits, hints or traces. */
static bool does_nothing(const char *name)
{
	static const char *const names[] = {
		"nop",           "version",    "waitcnt_vscnt", "waitcnt_vmcnt", "waitcnt_expcnt", "waitcnt_lgkmcnt",
		"wakeup",        "waitcnt",    "setprio",       "trap",          "icache_inv",     "incperflevel",
		"decperflevel",  "ttracedata", "inst_prefetch", "clause",        "wait_idle",      "waitcnt_depctr",
		"ttracedata_imm"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static enum ref_step control(struct ref_scalar *r, const struct ref_scalar_inst *in)
{
	int taken = condition(r, in->name);

	if (taken > 0)
		branch(r, in);
	if (taken >= 0 || does_nothing(in->name))
		return REF_NEXT;
	if (!strncmp(in->name, "endpgm", 6))
		return REF_END;
	if (is(in, "barrier"))
		return REF_BARRIER;
	if (is(in, "sleep"))
		return REF_YIELD;
	if (is(in, "setkill"))
		return in->imm & 1 ? REF_END : REF_NEXT;
	if (is(in, "sethalt"))
		return in->imm & 1 ? REF_REFUSED : REF_NEXT;
	if (is(in, "sendmsg")) /* interrupts alone are for compute waves */
		return (in->imm & 15) == 1 ? REF_NEXT : REF_REFUSED;
	if (is(in, "sendmsghalt") || is(in, "code_end") || is(in, "rfe_b64"))
		return REF_REFUSED;
	if (is(in, "round_mode"))
		r->mode = (r->mode & ~0xfu) | (in->imm & 15);
	else if (is(in, "denorm_mode"))
		r->mode = (r->mode & ~0xf0u) | (in->imm & 15) << 4;
	else
		return REF_UNKNOWN;
	return REF_NEXT;
}

enum ref_step ref_scalar_exec(struct ref_scalar *r, const struct ref_scalar_inst *in)
{
	enum ref_step step = control(r, in);

	if (step == REF_UNKNOWN)
		step = hwregs(r, in);
	if (step != REF_UNKNOWN)
		return step;
	return masks(r, in) || counts(r, in) || plain(r, in) || jumps(r, in) || moves(r, in) || compares(r, in) ||
			       constants(r, in) || subvectors(r, in)
		       ? REF_NEXT
		       : REF_UNKNOWN;
}

/* SPDX-License-Identifier: MIT */
/*
 * fidelity.c - the one statement of how near the model is to hardware.
 *
 * What has no row here is exact when it is run and refused when its table says so. A pattern is a name, or its
 * beginning and a star; the first that matches counts.
 *
 * Where hardware's error comes from: AMD's "RDNA3" ISA manual, notes of VOP1 (1 ULP for f32 transcendentals with
 * denormals flushed, 0.51 ULP for f16, 2^29 ULP for f64), which RDNA2's manual leaves out; LLVM's AMDGPUUsage
 * ("llvm.sqrt", "llvm.log2", "llvm.exp2": the same figures for every generation). No manual bounds sin and cos: there
 * the figure is what Vulkan demands of a driver that passes its tests with these instructions (Vulkan 1.3, "Precision
 * and Operation of SPIR-V Instructions").
 */
#include "fidelity.h"
#include "pm4.h"

#include <stddef.h>
#include <string.h>

struct row {
	const char *pattern;
	struct gpu_statement statement;
};

/* clang-format off */
#define EXACT(pattern, text)       {pattern, {GPU_EXACT, text}}
#define APPROXIMATE(pattern, text) {pattern, {GPU_APPROXIMATE, text}}
#define REFUSED(pattern, text)     {pattern, {GPU_REFUSED, text}}
#define NONE                       {NULL, {GPU_EXACT, NULL}}

#define F32_ULP "rounded from double; hardware is within 1 ulp of the true value: at most 1 ulp apart; denormals flushed"
#define F16_ULP "rounded from double; hardware is within 0.51 ulp of the true value: at most 1 ulp apart"
#define F64_ULP "rounded once (rsq: twice); hardware is within 2^29 ulp of the true value"
#define F32_ABS "rounded from double; hardware is within 2^-11 of the true value in [-0.5, 0.5] revolutions"
#define F16_ABS "rounded from double; hardware is within 2^-7 of the true value in [-0.5, 0.5] revolutions"
#define TIMING  "no effect: on hardware it changes when, not what"
#define CACHE   "no effect: memory is always coherent, so stores are seen no later than on hardware; strict mode reports loads that needed it"
#define WAIT    "holds at once: memory instructions end before the next one begins; strict mode reports a wait that is missing"

/* Vector, then scalar instructions. */
static const struct row op_rows[] = {
	APPROXIMATE("v_rcp_f32", F32_ULP), APPROXIMATE("v_rcp_iflag_f32", F32_ULP), APPROXIMATE("v_rsq_f32", F32_ULP),
	APPROXIMATE("v_sqrt_f32", F32_ULP), APPROXIMATE("v_exp_f32", F32_ULP), APPROXIMATE("v_log_f32", F32_ULP),
	APPROXIMATE("v_sin_f32", F32_ABS), APPROXIMATE("v_cos_f32", F32_ABS),
	APPROXIMATE("v_rcp_f16", F16_ULP), APPROXIMATE("v_rsq_f16", F16_ULP), APPROXIMATE("v_sqrt_f16", F16_ULP),
	APPROXIMATE("v_exp_f16", F16_ULP), APPROXIMATE("v_log_f16", F16_ULP),
	APPROXIMATE("v_sin_f16", F16_ABS), APPROXIMATE("v_cos_f16", F16_ABS),
	APPROXIMATE("v_rcp_f64", F64_ULP), APPROXIMATE("v_rsq_f64", F64_ULP), APPROXIMATE("v_sqrt_f64", F64_ULP),
	APPROXIMATE("v_dot2_f32_f16", "low product added first, each sum rounded once; the manual gives no order: at most 1 ulp of the largest sum apart"),
	APPROXIMATE("v_dot2c_f32_f16", "low product added first, each sum rounded once; the manual gives no order: at most 1 ulp of the largest sum apart"),
	EXACT("v_clrexcp", "no instruction sets an exception bit of TRAPSTS here"),
	EXACT("v_pipeflush", TIMING), EXACT("v_nop", ""),
	REFUSED("v_interp_*", "interpolation: no graphics"), REFUSED("image_*", "images: no texture unit"),
	REFUSED("exp", "exports: no graphics"), REFUSED("ds_gws_*", "no global wave sync"),
	REFUSED("ds_ordered_count", "no global data share"),
	EXACT("ds_*", "forms with GDS are refused"),
	APPROXIMATE("buffer_gl0_inv", CACHE), APPROXIMATE("buffer_gl1_inv", CACHE),
	APPROXIMATE("s_gl1_inv", CACHE), APPROXIMATE("s_dcache_inv", CACHE),
	APPROXIMATE("s_icache_inv", "no effect: code that a launch changes is seen by the next job, or behind ACQUIRE_MEM with GLI_INV"),
	EXACT("buffer_*", "TFE is refused"), EXACT("tbuffer_*", "TFE is refused"),
	APPROXIMATE("s_memtime", "the host's monotonic clock at 1 GHz, not cycles"),
	APPROXIMATE("s_memrealtime", "the host's monotonic clock at 100 MHz"),
	EXACT("s_atc_probe*", "asks for a translation and faults nothing"),
	APPROXIMATE("s_getreg_b32", "HW_ID1 is the wave's number in its group, HW_ID2 0, SHADER_CYCLES the host's clock; the rest exact, unknown registers refused"),
	EXACT("s_setreg_*", "of MODE, TRAPSTS, FLAT_SCR; STATUS ignored, others refused"),
	EXACT("s_waitcnt*", WAIT), EXACT("s_wait_idle", WAIT),
	APPROXIMATE("s_sleep", "lets other waves run; how long it takes is not hardware's"),
	EXACT("s_wakeup", TIMING), EXACT("s_setprio", TIMING), EXACT("s_nop", TIMING), EXACT("s_clause", TIMING),
	EXACT("s_inst_prefetch", TIMING),
	APPROXIMATE("s_incperflevel", "no effect: no performance counters"),
	APPROXIMATE("s_decperflevel", "no effect: no performance counters"),
	APPROXIMATE("s_ttracedata*", "no effect: no thread trace"),
	EXACT("s_trap", "no effect, as without a trap handler; handlers are not modelled"),
	EXACT("s_sethalt", "halting is refused: no debugger could start the wave again"),
	EXACT("s_sendmsg", "interrupts have no effect (the kernel driver ignores them), other messages are refused"),
	REFUSED("s_sendmsghalt", "halts a wave"),
	REFUSED("s_rfe_b64", "of the trap handler alone"), REFUSED("s_code_end", "padding behind a program"),
	EXACT("s_endpgm_*", "ends the wave"),
	NONE,
};

static const struct row packet_rows[] = {
	EXACT("NOP", ""), EXACT("SET_BASE", ""),
	APPROXIMATE("CLEAR_STATE", "context registers become 0, not the driver's clear state; compute work reads none"),
	EXACT("CONTEXT_CONTROL", "register loads and shadowing are refused"),
	EXACT("SET_*_REG*", "what a register does is said in its own row"),
	EXACT("WRITE_DATA", "GDS is refused"),
	APPROXIMATE("COPY_DATA", "the clock is the host's monotonic one at 100 MHz; all else exact; GDS and performance counters are refused"),
	EXACT("DMA_DATA", "GDS, registers and standing addresses are refused; a prefetch into L2 has no effect"),
	EXACT("ATOMIC_MEM", "commands but one-shot and loop are refused"),
	EXACT("WAIT_REG_MEM*", "a wait for a register that does not hold is refused: no register changes by itself"),
	EXACT("PFP_SYNC_ME", "no effect: one thread runs packets in order"),
	EXACT("ME_INITIALIZE", "no effect: one thread runs packets in order"),
	EXACT("PRIME_UTCL2", TIMING),
	EXACT("EVENT_WRITE", "what an event does is said in its own row"),
	APPROXIMATE("RELEASE_MEM", "earlier launches end, then the write; no caches: write-back and invalidation have no effect but in strict mode, which reports a write-back that is missing; the clock is the host's at 100 MHz; no interrupt to a queue"),
	APPROXIMATE("ACQUIRE_MEM", "earlier launches end, and code is read again with GLI_INV; no caches: memory is seen no later than on hardware; strict mode reports loads that needed an invalidation"),
	EXACT("SET_PREDICATION", "queries are refused"), EXACT("PRED_EXEC", "the GPU is its group's first"),
	EXACT("INDIRECT_BUFFER", "two levels; more are refused"),
	EXACT("INDIRECT_BUFFER_CONST", "in IBs of the constant engine; two levels, more are refused; the conditional form is refused"),
	EXACT("INCREMENT_CE_COUNTER", "the CS counter is refused"), EXACT("DUMP_CONST_RAM", "the CS counter is refused"),
	EXACT("LOAD_CONST_RAM", "64 KiB, as DEV_INFO says; what is beyond is refused"),
	EXACT("WRITE_CONST_RAM", "64 KiB, as DEV_INFO says; what is beyond is refused"),
	APPROXIMATE("WAIT_ON_CE_COUNTER", "exact when it holds in the end; one that cannot is refused; the synchronisation with the scalar cache has no effect, and in strict mode counts when it is forced"),
	APPROXIMATE("WAIT_ON_DE_COUNTER_DIFF", "exact when it holds in the end; one that does not by the end of the job is refused there"),
	APPROXIMATE("SET_CE_DE_COUNTERS", "both counters at once, of one dword; the engine does not run ahead of its job, as it may on hardware"),
	NONE,
};

static const struct row sdma_rows[] = {
	EXACT("COPY", "linear; tiled, encrypted and broadcast copies are refused"),
	EXACT("WRITE", "linear; tiled writes are refused"),
	EXACT("CONST_FILL", "of bytes or dwords; others are refused"),
	EXACT("POLL_REGMEM", "memory; registers are refused"),
	EXACT("TRAP", "no effect: the end of a job is told without"), EXACT("DUMMY_TRAP", "no effect"),
	APPROXIMATE("GCR_REQ", CACHE), APPROXIMATE("TIMESTAMP", "the host's monotonic clock at 100 MHz"),
	NONE,
};

static const struct row register_rows[] = {
	EXACT("COMPUTE_PGM_LO", ""), EXACT("COMPUTE_PGM_HI", ""),
	EXACT("COMPUTE_PGM_RSRC1", "PRIORITY, BULKY, MEM_ORDERED and FWD_PROGRESS change when, not what, and have no effect"),
	EXACT("COMPUTE_PGM_RSRC2", "exceptions and trap handlers have no effect"),
	EXACT("COMPUTE_PGM_RSRC3", ""), EXACT("COMPUTE_USER_DATA_*", ""), EXACT("COMPUTE_NUM_THREAD_*", ""),
	EXACT("COMPUTE_START_*", ""), EXACT("COMPUTE_TMPRING_SIZE", ""),
	APPROXIMATE("COMPUTE_DESTINATION_EN_SE*", "how many groups are resident at once, not where they run"),
	APPROXIMATE("*", "kept and read back; nothing in the model acts on it"),
	NONE,
};

/* By what the command processor does with an event. */
static const struct gpu_statement event_statements[] = {
	[EVENT_NOTHING] = {GPU_APPROXIMATE, "no effect: no caches, no counters"},
	[EVENT_FLUSH] = {GPU_EXACT, "earlier launches end first"},
	[EVENT_WAIT] = {GPU_EXACT, "earlier launches end first; caches are RELEASE_MEM's"},
	[EVENT_GRAPHICS] = {GPU_APPROXIMATE, "no effect on the GFX ring: no graphics; refused on compute rings"},
	[EVENT_REFUSED] = {GPU_REFUSED, "the model has no such results"},
};
/* clang-format on */

static const struct row *const tables[GPU_ROW_KINDS + 1] = {
	[GPU_ROW_PACKET] = packet_rows,
	[GPU_ROW_SDMA] = sdma_rows,
	[GPU_ROW_REGISTER] = register_rows,
	[GPU_ROW_KINDS] = op_rows,
};

const char *gpu_fidelity_name(enum gpu_fidelity fidelity)
{
	static const char *const names[] = {"exact", "approximate", "refused"};

	return names[fidelity];
}

const char *gpu_enc_name(unsigned enc)
{
	static const char *const names[GPU_ENCS] = {
		"SOP1",  "SOP2", "SOPC", "SOPK",   "SOPP",    "SMEM",  "VOP1",  "VOP2",   "VOPC", "VOP3",
		"VOP3P", "DS",   "FLAT", "GLOBAL", "SCRATCH", "MUBUF", "MTBUF", "VINTRP", "MIMG", "EXP",
	};

	return enc < GPU_ENCS ? names[enc] : "?";
}

bool gpu_statement_matches(const char *pattern, const char *name)
{
	const char *star = strchr(pattern, '*'), *found;

	if (!star)
		return !strcmp(pattern, name);
	if (strncmp(pattern, name, (size_t)(star - pattern)) != 0)
		return false;
	if (!star[1])
		return true;
	/* One more piece between two stars. */
	for (found = name + (star - pattern); *found; found++)
		if (!strncmp(found, star + 1, strcspn(star + 1, "*")))
			return true;
	return false;
}

const char *gpu_statement_pattern(unsigned kind, unsigned i)
{
	return kind > GPU_ROW_KINDS || !tables[kind] ? NULL : tables[kind][i].pattern;
}

static const struct gpu_statement *find(const struct row *rows, const char *name)
{
	for (; rows->pattern; rows++)
		if (gpu_statement_matches(rows->pattern, name))
			return &rows->statement;
	return NULL;
}

/* What a table refuses is refused, whatever a pattern that is wider says. */
static struct gpu_statement statement_of(const struct row *rows, const char *name, bool refused)
{
	const struct gpu_statement *found = find(rows, name);

	if (refused && (!found || found->fidelity != GPU_REFUSED))
		return (struct gpu_statement){GPU_REFUSED, "out of the model's scope"};
	return found ? *found : (struct gpu_statement){GPU_EXACT, ""};
}

struct gpu_statement gpu_op_statement(const struct gpu_op *op)
{
	return statement_of(op_rows, op->name, !op->exec || op->flags & GPU_OPF_REFUSED);
}

uint32_t gpu_row_limit(enum gpu_row_kind kind)
{
	static const uint32_t limits[] = {
		[GPU_ROW_PACKET] = 1u << PM4_OPCODE_BITS,
		[GPU_ROW_SDMA] = GPU_SDMA_OPCODES,
		[GPU_ROW_EVENT] = 1u << EVENT_TYPE_BITS,
		[GPU_ROW_REGISTER] = GPU_UCONFIG_END,
	};

	return limits[kind];
}

static const char *event_statement(uint32_t number, struct gpu_statement *statement_out)
{
	enum pm4_event_kind kind;
	const char *name = gpu_pm4_event(number, &kind);

	if (name)
		*statement_out = event_statements[kind];
	return name;
}

const char *gpu_row_statement(enum gpu_row_kind kind, uint32_t number, struct gpu_statement *statement_out)
{
	bool refused = false;
	const char *name;

	if (kind == GPU_ROW_EVENT)
		return event_statement(number, statement_out);
	name = kind == GPU_ROW_PACKET ? gpu_pm4_name(number, &refused)
	       : kind == GPU_ROW_SDMA ? gpu_sdma_name(number, &refused)
				      : gpu_reg_name(number);
	if (name)
		*statement_out = statement_of(tables[kind], name, refused);
	return name;
}

void gpu_statement_print(FILE *file, const char *kind, const char *name, uint64_t count,
			 const struct gpu_statement *statement)
{
	fprintf(file, "%-8s %-32s %12llu %-11s %s\n", kind, name, (unsigned long long)count,
		gpu_fidelity_name(statement->fidelity), *statement->text ? statement->text : "-");
}

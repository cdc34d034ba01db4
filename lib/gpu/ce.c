/* SPDX-License-Identifier: MIT */
/*
 * ce.c - the constant engine of the GFX ring: a second stream beside the draw engine's, and its RAM.
 *
 * The constant engine (CE) runs the IBs of a job that are marked for it, in their order, the draw engine (DE) all the
 * others; where the two kinds stand among each other means nothing. Each engine has a counter, and the streams meet in
 * their difference alone: the DE waits until the CE's counter is above its own, the CE until it is less than a limit
 * ahead. Nothing else can hold the CE up, so one thread does for both: the CE is run on, as far as it comes, when the
 * job begins and whenever the DE's counter has moved. A wait that does not hold then never will: it is refused, as
 * every wait is that nothing can end. A CE that still waits when the DE is through is told of there; on hardware the
 * fence of the job, which is the DE's, may have been written.
 *
 * Counters and RAM outlive jobs, as registers do; a job that did not end leaves neither. The CE does not run ahead into
 * the next job.
 *
 * Sources: linux 6.1, nvd.h (opcodes), gfx_v10_0.c (INDIRECT_BUFFER_CNST for AMDGPU_IB_FLAG_CE, F32_CE_PROGRAM_RAM_SIZE
 * as DEV_INFO's ce_ram_size), sid.h (SET_CE_DE_COUNTERS, which nvd.h leaves out and libdrm's and IGT's tests send to
 * every generation, with one dword). Fields: AMD's PAL, chip/gfx9_plus_merged_f32_ce_pm4_packets.h and
 * gfx9_plus_merged_f32_me_pm4_packets.h; what the waits mean: PAL's gfx9UniversalCmdBuffer.cpp.
 */
#include "ce.h"
#include "pm4.h"
#include "strict_core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RAM_B = 65536 };

/* clang-format off */
#define CE_FIELDS(F) \
	F(CE_COUNTER_SELECT, 0, 2) F(CE_COUNTER_UNUSED, 2, 30) F(CE_IB_UNUSED_22, 22, 2) F(CE_IB_UNUSED_31, 31, 1) \
	F(CE_RAM_OFFSET, 0, 16) F(CE_RAM_UNUSED_16, 16, 16) F(CE_RAM_UNUSED_16_24, 16, 9) \
	F(CE_LOAD_UNUSED_27, 27, 5) F(CE_DUMP_UNUSED_27, 27, 3) F(CE_DUMP_INCREMENT_CE, 30, 1) \
	F(CE_DUMP_INCREMENT_CS, 31, 1) F(CE_RAM_DWORDS, 0, 15) F(CE_DWORDS_UNUSED, 15, 17) \
	F(CE_WAIT_FORCE_SYNC, 1, 1) F(CE_WAIT_UNUSED, 2, 30)
/* clang-format on */
enum ce_field { CE_FIELDS(GPU_FIELD_CONSTANTS) };

struct gpu_ce {
	uint32_t count, de_count;
	bool waits; /* in WAIT_ON_DE_COUNTER_DIFF, for a lead below limit */
	uint32_t limit;
	unsigned next; /* IB of the job */
	bool inside;   /* the IB before next has not come to its end */
	/* Where the CE is while the DE runs, the other way round while the CE runs. */
	struct gpu_cp_ib ib[GPU_IB_LEVELS];
	unsigned ib_level;
	uint64_t packet_va;
	uint32_t ram[RAM_B / 4];
};

int gpu_ce_create(struct gpu_ce **ce_out)
{
	*ce_out = calloc(1, sizeof(**ce_out));
	return *ce_out ? 0 : -ENOMEM;
}

void gpu_ce_destroy(struct gpu_ce *ce)
{
	free(ce);
}

static int64_t lead(const struct gpu_ce *ce)
{
	return (int32_t)(ce->count - ce->de_count);
}

static bool still_waits(struct gpu_ce *ce)
{
	ce->waits = ce->waits && lead(ce) >= (int64_t)ce->limit;
	return ce->waits;
}

static void exchange_engines(struct gpu_ring *ring)
{
	struct gpu_ce *ce = ring->ce;
	struct gpu_cp_ib ib[GPU_IB_LEVELS];
	const unsigned level = ring->ib_level;
	const uint64_t va = ring->packet_va;

	memcpy(ib, ring->ib, sizeof(ib));
	memcpy(ring->ib, ce->ib, sizeof(ib));
	memcpy(ce->ib, ib, sizeof(ib));
	ring->ib_level = ce->ib_level;
	ce->ib_level = level;
	ring->packet_va = ce->packet_va;
	ce->packet_va = va;
	ring->on_ce = !ring->on_ce;
}

static const struct gpu_ib *next_ib(struct gpu_ring *ring)
{
	const struct gpu_job *job = ring->job;

	while (ring->ce->next < job->ib_count) {
		const struct gpu_ib *ib = &job->ibs[ring->ce->next++];

		if (ib->flags & GPU_IB_CE)
			return ib;
	}
	return NULL;
}

/* As far as the CE comes. 0 or -errno. */
static int run_on(struct gpu_ring *ring)
{
	struct gpu_ce *ce = ring->ce;
	const struct gpu_ib *ib;
	int ret = 0;

	exchange_engines(ring);
	while (!ret && !still_waits(ce)) {
		if (!ce->inside) {
			ib = next_ib(ring);
			if (!ib)
				break;
			ce->inside = true;
			ret = gpu_pm4_begin(ring, ib);
			continue;
		}
		ret = gpu_pm4_step(ring);
		if (ret > 0) {
			ce->inside = false;
			ret = 0;
		}
	}
	exchange_engines(ring);
	return ret;
}

int gpu_ce_job_begin(struct gpu_ring *ring)
{
	ring->ce->next = 0;
	ring->ce->inside = ring->ce->waits = false;
	return run_on(ring);
}

int gpu_ce_job_end(struct gpu_ring *ring)
{
	const struct gpu_ce *ce = ring->ce;
	int ret = 0;

	if (ce->waits) {
		exchange_engines(ring);
		ret = gpu_ring_refuse(ring,
				      "WAIT_ON_DE_COUNTER_DIFF would wait for ever: the constant engine is %lld ahead, "
				      "less than %u is asked for, and the draw engine has come to its end",
				      (long long)lead(ce), ce->limit);
		exchange_engines(ring);
	}
	return ret;
}

void gpu_ce_restart(struct gpu_ce *ce)
{
	memset(ce, 0, sizeof(*ce));
}

/* ---- the CE's packets ---- */

static int run_set_counters(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	(void)n;
	ring->ce->count = ring->ce->de_count = p[0];
	return 0;
}

static int run_increment_ce(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	enum { COUNTER_CE = 1 };

	(void)n;
	if (GPU_FIELD(p[0], CE_COUNTER_SELECT) != COUNTER_CE)
		return gpu_ring_refuse(ring, "INCREMENT_CE_COUNTER: counter select %u is refused: 1 is the CE's",
				       GPU_FIELD(p[0], CE_COUNTER_SELECT));
	pm4_reserved(ring, "INCREMENT_CE_COUNTER", p[0] & GPU_FIELD_MASK(CE_COUNTER_UNUSED));
	ring->ce->count++;
	return 0;
}

static int run_wait_on_de(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	(void)n;
	ring->ce->waits = true;
	ring->ce->limit = p[0];
	return 0;
}

/* The dwords at offset of the CE's RAM; NULL when not all of them are in it, which is then refused. */
static uint32_t *ram_at(struct gpu_ring *ring, const char *packet, uint32_t offset, uint32_t dwords)
{
	if (offset % 4 || offset + dwords * 4 > RAM_B) {
		gpu_ring_refuse(ring, "%s: %u dwords at 0x%x of const RAM: it has %u bytes, in dwords", packet, dwords,
				offset, RAM_B);
		return NULL;
	}
	return ring->ce->ram + offset / 4;
}

static int run_write_ram(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	uint32_t *to = ram_at(ring, "WRITE_CONST_RAM", GPU_FIELD(p[0], CE_RAM_OFFSET), n - 1);

	pm4_reserved(ring, "WRITE_CONST_RAM", p[0] & GPU_FIELD_MASK(CE_RAM_UNUSED_16));
	if (!to)
		return -EFAULT;
	memcpy(to, p + 1, (size_t)(n - 1) * 4);
	return 0;
}

static int run_load_ram(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	const uint64_t va = gpu_u64(p[0], p[1]);
	const uint32_t dwords = GPU_FIELD(p[2], CE_RAM_DWORDS);
	uint32_t *to = ram_at(ring, "LOAD_CONST_RAM", GPU_FIELD(p[3], CE_RAM_OFFSET), dwords);
	int ret = to ? pm4_address_check(ring, "LOAD_CONST_RAM", va, 4) : -EFAULT;

	(void)n;
	if (ret)
		return ret;
	pm4_reserved(ring, "LOAD_CONST_RAM", p[2] & GPU_FIELD_MASK(CE_DWORDS_UNUSED));
	pm4_reserved(ring, "LOAD_CONST_RAM",
		     p[3] & (GPU_FIELD_MASK(CE_RAM_UNUSED_16_24) | GPU_FIELD_MASK(CE_LOAD_UNUSED_27)));
	gpu_strict_cp_read(ring, va, (uint64_t)dwords * 4, "LOAD_CONST_RAM");
	return gpu_ring_read(ring, va, to, (size_t)dwords * 4);
}

static int run_dump_ram(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	const uint64_t va = gpu_u64(p[2], p[3]);
	const uint32_t dwords = GPU_FIELD(p[1], CE_RAM_DWORDS);
	const uint32_t *from = ram_at(ring, "DUMP_CONST_RAM", GPU_FIELD(p[0], CE_RAM_OFFSET), dwords);
	int ret = from ? pm4_address_check(ring, "DUMP_CONST_RAM", va, 4) : -EFAULT;

	(void)n;
	if (ret)
		return ret;
	if (GPU_FIELD(p[0], CE_DUMP_INCREMENT_CS))
		return gpu_ring_refuse(ring, "DUMP_CONST_RAM: the CS counter is refused");
	pm4_reserved(ring, "DUMP_CONST_RAM",
		     p[0] & (GPU_FIELD_MASK(CE_RAM_UNUSED_16_24) | GPU_FIELD_MASK(CE_DUMP_UNUSED_27)));
	pm4_reserved(ring, "DUMP_CONST_RAM", p[1] & GPU_FIELD_MASK(CE_DWORDS_UNUSED));
	ret = gpu_ring_write(ring, va, from, (size_t)dwords * 4);
	if (!ret)
		ring->ce->count += GPU_FIELD(p[0], CE_DUMP_INCREMENT_CE);
	return ret;
}

static int run_indirect_buffer_const(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	(void)n;
	pm4_reserved(ring, "INDIRECT_BUFFER_CONST",
		     p[2] & (GPU_FIELD_MASK(CE_IB_UNUSED_22) | GPU_FIELD_MASK(CE_IB_UNUSED_31)));
	return pm4_ib_enter(ring, gpu_u64(p[0], p[1]), GPU_FIELD(p[2], IB_SIZE), GPU_FIELD(p[2], IB_CHAIN));
}

const struct pm4_packet pm4_ce_packets[] = {
	{0x10, "NOP", NULL, 0, PM4_NOP_HEADER_ONLY + 1, true},
	{0x33, "INDIRECT_BUFFER_CONST", run_indirect_buffer_const, 3, 3, true},
	{0x80, "LOAD_CONST_RAM", run_load_ram, 4, 4, true},
	{0x81, "WRITE_CONST_RAM", run_write_ram, 2, PM4_NOP_HEADER_ONLY + 1, true},
	{0x83, "DUMP_CONST_RAM", run_dump_ram, 4, 4, true},
	{0x84, "INCREMENT_CE_COUNTER", run_increment_ce, 1, 1, true},
	{0x88, "WAIT_ON_DE_COUNTER_DIFF", run_wait_on_de, 1, 1, true},
	{0x89, "SET_CE_DE_COUNTERS", run_set_counters, 1, 1, true},
	{0, NULL, NULL, 0, 0, false},
};

/* ---- the DE's ---- */

static int run_increment_de(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	(void)p;
	(void)n;
	ring->ce->de_count++;
	return run_on(ring);
}

static int run_wait_on_ce(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	const struct gpu_ce *ce = ring->ce;

	(void)n;
	pm4_reserved(ring, "WAIT_ON_CE_COUNTER", p[0] & GPU_FIELD_MASK(CE_WAIT_UNUSED));
	if (lead(ce) <= 0)
		return gpu_ring_refuse(ring,
				       "WAIT_ON_CE_COUNTER would wait for ever: the counters are CE %u, DE %u, and the "
				       "constant engine %s",
				       ce->count, ce->de_count, ce->waits ? "waits too" : "has come to its end");
	if (GPU_FIELD(p[0], CE_WAIT_FORCE_SYNC))
		gpu_strict_invalidate(ring, GPU_INV_GLK, 0, UINT64_MAX);
	return 0;
}

const struct pm4_packet pm4_meet_packets[] = {
	{0x85, "INCREMENT_DE_COUNTER", run_increment_de, 1, 1, true},
	{0x86, "WAIT_ON_CE_COUNTER", run_wait_on_ce, 1, 1, true},
	{0, NULL, NULL, 0, 0, false},
};

/* SPDX-License-Identifier: MIT */
/* pm4_sync.c - packets that wait, flush and signal. */
#include "fidelity.h"
#include "pm4.h"
#include "strict_core.h"

#include <errno.h>

struct event_row {
	uint8_t event;
	const char *name;
	enum pm4_event_kind kind;
};

#define ROW(number, name, kind) {number, #name, EVENT_##kind},
static const struct event_row event_rows[] = {PM4_EVENTS(ROW)};
#undef ROW

static const struct event_row *event_find(uint32_t event)
{
	for (size_t i = 0; i < sizeof(event_rows) / sizeof(event_rows[0]); i++)
		if (event_rows[i].event == event)
			return &event_rows[i];
	return NULL;
}

const char *gpu_pm4_event(uint32_t event, enum pm4_event_kind *kind_out)
{
	const struct event_row *row = event_find(event);

	if (row)
		*kind_out = row->kind;
	return row ? row->name : NULL;
}

/* The event that a packet carries, counted. */
static const struct event_row *event_of(struct gpu_ring *ring, uint32_t control)
{
	const uint32_t event = GPU_FIELD(control, EVENT_TYPE);

	if (__builtin_expect(ring->gpu->used != NULL, 0))
		gpu_used_row(ring->gpu->used, GPU_ROW_EVENT, event);
	return event_find(event);
}

static int wait_shaders(struct gpu_ring *ring)
{
	int ret = gpu_ring_drain(ring);

	gpu_strict_shaders_waited(ring);
	return ret;
}

static int run_event_write(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	const struct event_row *row = event_of(ring, p[0]);

	if (!row)
		return gpu_ring_refuse(ring, "EVENT_WRITE: event 0x%02x is unknown", GPU_FIELD(p[0], EVENT_TYPE));
	pm4_reserved(ring, "EVENT_WRITE", p[0] & GPU_FIELD_MASK(EVENT_UNUSED_6));
	if (row->kind == EVENT_REFUSED)
		return gpu_ring_refuse(ring, "EVENT_WRITE: %s is refused: the model has no such results", row->name);
	if (row->kind == EVENT_GRAPHICS && ring->type != GPU_RING_GFX)
		return gpu_ring_refuse(ring, "EVENT_WRITE: %s is refused on a compute ring", row->name);
	if (n != 1 && row->event != 0x38) /* PIXEL_PIPE_STAT_CONTROL carries a mask */
		return gpu_ring_refuse(ring, "EVENT_WRITE: %s with an address", row->name);
	return row->kind == EVENT_WAIT || row->kind == EVENT_FLUSH ? wait_shaders(ring) : 0;
}

/* GCR_CNTL's invalidations in strict mode's words. */
static unsigned gcr_caches(uint32_t gcr)
{
	return (GPU_FIELD(gcr, GCR_GLI_INV) ? GPU_INV_GLI : 0) | (GPU_FIELD(gcr, GCR_GLK_INV) ? GPU_INV_GLK : 0) |
	       (GPU_FIELD(gcr, GCR_GLV_INV) ? GPU_INV_GLV : 0) | (GPU_FIELD(gcr, GCR_GL1_INV) ? GPU_INV_GL1 : 0) |
	       (GPU_FIELD(gcr, GCR_GL2_INV) ? GPU_INV_GL2 : 0);
}

/* COHER_BASE and COHER_SIZE count 256 bytes. */
static int run_acquire_mem(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	enum { COHER_SHIFT = 8 };
	const uint32_t gcr = p[6];
	const uint64_t size = gpu_u64(p[1], p[2]) << COHER_SHIFT, base = gpu_u64(p[3], p[4]) << COHER_SHIFT;
	int ret = gpu_ring_drain(ring);

	(void)n;
	pm4_reserved(ring, "ACQUIRE_MEM", gcr & GPU_FIELD_MASK(GCR_UNUSED_19));
	if (GPU_FIELD(gcr, GCR_RANGE_IS_PA))
		return gpu_ring_refuse(ring, "ACQUIRE_MEM with RANGE_IS_PA is refused: physical addresses");
	if (GPU_FIELD(gcr, GCR_GLI_INV))
		ring->code_epoch = gpu_next_epoch(ring->gpu);
	if (GPU_FIELD(gcr, GCR_GL2_WB))
		gpu_strict_writeback(ring);
	gpu_strict_invalidate(ring, gcr_caches(gcr), base, size);
	return ret;
}

static int release_write(struct gpu_ring *ring, const uint32_t *p)
{
	enum { DST_MEMORY = 0 };
	const uint32_t select = GPU_FIELD(p[1], RELEASE_DATA_SEL);
	const uint64_t va = gpu_u64(p[2], p[3]);
	uint64_t value = gpu_u64(p[4], p[5]);
	const unsigned size_B = select == RELEASE_DATA_32 ? 4 : 8;
	int ret;

	if (select == RELEASE_DATA_NONE)
		return 0;
	if (select > RELEASE_DATA_SYSTEM)
		return gpu_ring_refuse(ring, "RELEASE_MEM: data select %u is refused", select);
	ret = pm4_address_check(ring, "RELEASE_MEM", va, size_B);
	if (ret)
		return ret;
	if (select == RELEASE_DATA_CLOCK || select == RELEASE_DATA_SYSTEM)
		value = gpu_clock(ring->gpu);
	else if (select == RELEASE_DATA_64)
		gpu_strict_publish(ring, va, GPU_FIELD(p[1], RELEASE_DST_SEL) == DST_MEMORY, "RELEASE_MEM");
	return gpu_ring_write(ring, va, &value, size_B);
}

static int run_release_mem(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	enum { DST_L2 = 1, INT_MAX_SEL = 4 };
	const struct event_row *row = event_of(ring, p[0]);
	int ret;

	(void)n;
	if (!row || row->kind != EVENT_WAIT)
		return gpu_ring_refuse(ring, "RELEASE_MEM: event 0x%02x does not end a pipe",
				       GPU_FIELD(p[0], EVENT_TYPE));
	if (GPU_FIELD(p[1], RELEASE_DST_SEL) > DST_L2)
		return gpu_ring_refuse(ring, "RELEASE_MEM: destination %u is refused",
				       GPU_FIELD(p[1], RELEASE_DST_SEL));
	if (GPU_FIELD(p[1], RELEASE_INT_SEL) > INT_MAX_SEL)
		return gpu_ring_refuse(ring, "RELEASE_MEM: interrupt select %u is refused",
				       GPU_FIELD(p[1], RELEASE_INT_SEL));
	pm4_reserved(ring, "RELEASE_MEM",
		     p[0] & (GPU_FIELD_MASK(EVENT_UNUSED_6) | GPU_FIELD_MASK(RELEASE_UNUSED_24) |
			     GPU_FIELD_MASK(RELEASE_UNUSED_31)));
	pm4_reserved(ring, "RELEASE_MEM", p[1] & GPU_FIELD_MASK(RELEASE_UNUSED_0));
	ret = wait_shaders(ring);
	if (ret)
		return ret;
	if (GPU_FIELD(p[0], RELEASE_GL2_WB))
		gpu_strict_writeback(ring);
	gpu_strict_invalidate(ring,
			      (GPU_FIELD(p[0], RELEASE_GLV_INV) ? GPU_INV_GLV : 0) |
				      (GPU_FIELD(p[0], RELEASE_GL1_INV) ? GPU_INV_GL1 : 0) |
				      (GPU_FIELD(p[0], RELEASE_GL2_INV) ? GPU_INV_GL2 : 0),
			      0, UINT64_MAX);
	return release_write(ring, p);
}

static int run_wait_reg_mem(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	enum { FUNCTION_LAST = 6 };
	const uint32_t function = GPU_FIELD(p[0], WAIT_FUNCTION);
	const uint64_t va = gpu_u64(p[1], p[2]);
	uint32_t value;
	int ret;

	(void)n;
	if (function > FUNCTION_LAST)
		return gpu_ring_refuse(ring, "WAIT_REG_MEM: function %u is unknown", function);
	if (GPU_FIELD(p[0], WAIT_OPERATION))
		return gpu_ring_refuse(ring, "WAIT_REG_MEM: operation %u is refused", GPU_FIELD(p[0], WAIT_OPERATION));
	pm4_reserved(ring, "WAIT_REG_MEM", p[0] & GPU_FIELD_MASK(WAIT_UNUSED_3));
	if (GPU_FIELD(p[0], WAIT_MEM_SPACE) == SPACE_MEM) {
		ret = pm4_address_check(ring, "WAIT_REG_MEM", va, 4);
		return ret ? ret : gpu_ring_poll(ring, va, function, p[3], p[4], 4);
	}
	if (GPU_FIELD(p[0], WAIT_MEM_SPACE) != SPACE_REG)
		return gpu_ring_refuse(ring, "WAIT_REG_MEM: space %u is unknown", GPU_FIELD(p[0], WAIT_MEM_SPACE));
	ret = pm4_reg_read(ring, "WAIT_REG_MEM", p[1] * 4, &value);
	if (ret)
		return ret;
	if (!gpu_compare(function, value & p[4], p[3]))
		return gpu_ring_refuse(ring,
				       "WAIT_REG_MEM would wait for ever: %s is 0x%08x and nothing else changes it",
				       gpu_reg_name(p[1] * 4), value);
	return 0;
}

static int run_wait_reg_mem64(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	const uint64_t va = gpu_u64(p[1], p[2]);
	int ret;

	(void)n;
	if (GPU_FIELD(p[0], WAIT_FUNCTION) > 6 || GPU_FIELD(p[0], WAIT_MEM_SPACE) != SPACE_MEM ||
	    GPU_FIELD(p[0], WAIT_OPERATION))
		return gpu_ring_refuse(ring, "WAIT_REG_MEM64: control 0x%08x is refused", p[0]);
	ret = pm4_address_check(ring, "WAIT_REG_MEM64", va, 8);
	return ret ? ret
		   : gpu_ring_poll(ring, va, GPU_FIELD(p[0], WAIT_FUNCTION), gpu_u64(p[3], p[4]), gpu_u64(p[5], p[6]),
				   8);
}

/* Packets are run in order by one thread: the prefetcher never is ahead, and there is nothing to prime. */
static int run_ordered(struct gpu_ring *ring, const uint32_t *p, uint32_t n)
{
	(void)ring;
	(void)p;
	(void)n;
	return 0;
}

const struct pm4_packet pm4_sync_packets[] = {
	{0x3c, "WAIT_REG_MEM", run_wait_reg_mem, 6, 6, false},
	{0x42, "PFP_SYNC_ME", run_ordered, 1, 1, true},
	{0x44, "ME_INITIALIZE", run_ordered, 6, 6, true},
	{0x46, "EVENT_WRITE", run_event_write, 1, 3, false},
	{0x49, "RELEASE_MEM", run_release_mem, 7, 7, false},
	{0x58, "ACQUIRE_MEM", run_acquire_mem, 7, 7, false},
	{0x5d, "PRIME_UTCL2", run_ordered, 4, 5, false},
	{0x93, "WAIT_REG_MEM64", run_wait_reg_mem64, 8, 8, false},
	{0, NULL, NULL, 0, 0, false},
};

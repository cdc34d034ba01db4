/* SPDX-License-Identifier: MIT */
/*
 * pm4.c - the command processor's loop: fetches packets of an IB and runs them by table.
 *
 * A packet is copied out of memory before it is looked at, so nothing that changes the IB meanwhile can get around a
 * check.
 */
#include "pm4.h"
#include "fidelity.h"
#include "strict_core.h"
#include "uapi/drumfire_stream.h"

#include <errno.h>
#include <string.h>

enum {
	IB_ALIGN_B = 32,         /* start and size; linux 6.1, amdgpu_kms.c, ib_start_alignment of GFX and COMPUTE */
	CE_HEADER_UNUSED = 0xff, /* PAL, PM4_CE_TYPE_3_HEADER */
};

/* Known by name, refused: graphics, firmware and queue management. nvd.h. */
static const struct {
	uint8_t opcode;
	const char *name;
} refused_packets[] = {
	{0x13, "INDEX_BUFFER_SIZE"},
	{0x17, "INDIRECT_BUFFER_END"},
	{0x19, "INDIRECT_BUFFER_CNST_END"},
	{0x1d, "ATOMIC_GDS"},
	{0x1f, "OCCLUSION_QUERY"},
	{0x21, "REG_RMW"},
	{0x24, "DRAW_INDIRECT"},
	{0x25, "DRAW_INDEX_INDIRECT"},
	{0x26, "INDEX_BASE"},
	{0x27, "DRAW_INDEX_2"},
	{0x2a, "INDEX_TYPE"},
	{0x2c, "DRAW_INDIRECT_MULTI"},
	{0x2d, "DRAW_INDEX_AUTO"},
	{0x2f, "NUM_INSTANCES"},
	{0x30, "DRAW_INDEX_MULTI_AUTO"},
	{0x32, "INDIRECT_BUFFER_PRIV"},
	{0x34, "STRMOUT_BUFFER_UPDATE"},
	{0x35, "DRAW_INDEX_OFFSET_2"},
	{0x36, "DRAW_PREAMBLE"},
	{0x38, "DRAW_INDEX_INDIRECT_MULTI"},
	{0x39, "MEM_SEMAPHORE"},
	{0x3a, "DRAW_INDEX_MULTI_INST"},
	{0x3b, "COPY_DW"},
	{0x41, "CP_DMA"},
	{0x43, "SURFACE_SYNC"},
	{0x47, "EVENT_WRITE_EOP"},
	{0x48, "EVENT_WRITE_EOS"},
	{0x4a, "PREAMBLE_CNTL"},
	{0x4c, "DISPATCH_MESH_INDIRECT_MULTI"},
	{0x4d, "DISPATCH_TASKMESH_GFX"},
	{0x51, "CONTEXT_REG_RMW"},
	{0x52, "GFX_CNTX_UPDATE"},
	{0x53, "BLK_CNTX_UPDATE"},
	{0x55, "INCR_UPDT_STATE"},
	{0x59, "REWIND"},
	{0x5a, "INTERRUPT"},
	{0x5b, "GEN_PDEPTE"},
	{0x5c, "INDIRECT_BUFFER_PASID"},
	{0x5e, "LOAD_UCONFIG_REG"},
	{0x5f, "LOAD_SH_REG"},
	{0x60, "LOAD_CONFIG_REG"},
	{0x61, "LOAD_CONTEXT_REG"},
	{0x62, "LOAD_COMPUTE_STATE"},
	{0x6a, "SET_CONTEXT_REG_INDEX"},
	{0x71, "SET_VGPR_REG_DI_MULTI"},
	{0x72, "SET_SH_REG_DI"},
	{0x73, "SET_CONTEXT_REG_INDIRECT"},
	{0x74, "SET_SH_REG_DI_MULTI"},
	{0x75, "GFX_PIPE_LOCK"},
	{0x77, "SET_SH_REG_OFFSET"},
	{0x78, "SET_QUEUE_REG"},
	{0x7c, "FORWARD_HEADER"},
	{0x7d, "SCRATCH_RAM_WRITE"},
	{0x7e, "SCRATCH_RAM_READ"},
	{0x8b, "SWITCH_BUFFER"},
	{0x8c, "DISPATCH_DRAW_PREAMBLE"},
	{0x8d, "DISPATCH_DRAW"},
	{0x8e, "GET_LOD_STATS"},
	{0x8f, "DRAW_MULTI_PREAMBLE"},
	{0x90, "FRAME_CONTROL"},
	{0x91, "INDEX_ATTRIBUTES_INDIRECT"},
	{0x94, "COND_PREEMPT"},
	{0x95, "HDP_FLUSH"},
	{0x96, "COPY_DATA_RB"},
	{0x98, "INVALIDATE_TLBS"},
	{0x99, "AQL_PACKET"},
	{0x9a, "DMA_DATA_FILL_MULTI"},
	{0x9c, "DRAW_INDIRECT_COUNT_MULTI"},
	{0x9d, "DRAW_INDEX_INDIRECT_COUNT_MULTI"},
	{0x9e, "DUMP_CONST_RAM_OFFSET"},
	{0x9f, "LOAD_CONTEXT_REG_INDEX"},
	{0xa0, "SET_RESOURCES"},
	{0xa1, "MAP_PROCESS"},
	{0xa2, "MAP_QUEUES"},
	{0xa3, "UNMAP_QUEUES"},
	{0xa4, "QUERY_STATUS"},
	{0xa5, "RUN_LIST"},
	{0xa6, "MAP_PROCESS_VM"},
	{0xa9, "DISPATCH_TASK_STATE_INIT"},
	{0xaa, "DISPATCH_TASKMESH_DIRECT_ACE"},
	{0xad, "DISPATCH_TASKMESH_INDIRECT_MULTI_ACE"},
};

static const struct pm4_packet *const packet_tables[] = {
	pm4_reg_packets, pm4_mem_packets, pm4_sync_packets, pm4_flow_packets, pm4_meet_packets,
};

static const struct pm4_packet *table_find(const struct pm4_packet *p, unsigned opcode)
{
	while (p->name && p->opcode != opcode)
		p++;
	return p->name ? p : NULL;
}

static const struct pm4_packet *packet_find(unsigned opcode, bool on_ce)
{
	const struct pm4_packet *found = on_ce ? table_find(pm4_ce_packets, opcode) : NULL;

	for (size_t i = 0; !on_ce && !found && i < sizeof(packet_tables) / sizeof(packet_tables[0]); i++)
		found = table_find(packet_tables[i], opcode);
	return found;
}

static const char *refused_name(unsigned opcode)
{
	for (size_t i = 0; i < sizeof(refused_packets) / sizeof(refused_packets[0]); i++)
		if (refused_packets[i].opcode == opcode)
			return refused_packets[i].name;
	return NULL;
}

static int packet_unknown(struct gpu_ring *ring, unsigned opcode)
{
	const struct pm4_packet *other = packet_find(opcode, !ring->on_ce);
	const char *name = refused_name(opcode);

	if (other && ring->type == GPU_RING_GFX)
		return gpu_ring_refuse(ring, "packet %s is refused on the %s engine", other->name,
				       ring->on_ce ? "constant" : "draw");
	if (other)
		name = other->name;
	if (name)
		return gpu_ring_refuse(ring, "packet %s is refused: this model does compute work", name);
	return gpu_ring_refuse(ring, "unknown packet, PM4 opcode 0x%02x", opcode);
}

const char *gpu_pm4_name(uint32_t opcode, bool *refused_out)
{
	const struct pm4_packet *packet = packet_find(opcode, false);

	if (!packet)
		packet = packet_find(opcode, true);
	*refused_out = !packet;
	return packet ? packet->name : refused_name(opcode);
}

int pm4_address_check(struct gpu_ring *ring, const char *packet, uint64_t va, unsigned align_B)
{
	if (va % align_B)
		return gpu_ring_refuse(ring, "%s: address 0x%llx is not aligned to %u bytes", packet,
				       (unsigned long long)va, align_B);
	return 0;
}

void pm4_reserved(struct gpu_ring *ring, const char *packet, uint32_t bits)
{
	if (bits)
		gpu_strict_packet(ring, GPU_FINDING_RESERVED, ring->packet_va, "%s: reserved bits 0x%08x are set",
				  packet, bits);
}

int gpu_ib_fetch(struct gpu_ring *ring, uint32_t *to, uint32_t n)
{
	struct gpu_cp_ib *ib = &ring->ib[ring->ib_level];
	const uint64_t va = ib->va + (uint64_t)ib->at_dw * 4;

	ib->at_dw += n;
	return gpu_ring_read(ring, va, to, (size_t)n * 4);
}

static int ib_check(struct gpu_ring *ring, uint64_t va, uint32_t size_dw)
{
	ring->packet_va = va;
	if (va % 4)
		return gpu_ring_refuse(ring, "IB at 0x%llx is not aligned to dwords", (unsigned long long)va);
	if (va % IB_ALIGN_B || size_dw * 4 % IB_ALIGN_B)
		gpu_strict_packet(ring, GPU_FINDING_ALIGN, va,
				  "IB of %u dwords at 0x%llx: start and size are to be multiples of "
				  "%u bytes",
				  size_dw, (unsigned long long)va, IB_ALIGN_B);
	return 0;
}

int pm4_ib_enter(struct gpu_ring *ring, uint64_t va, uint32_t size_dw, bool chain)
{
	struct gpu_cp_ib *ib;

	if (!chain && ring->ib_level + 1 == GPU_IB_LEVELS)
		return gpu_ring_refuse(ring, "INDIRECT_BUFFER in an IB that was itself called: there are %u levels",
				       GPU_IB_LEVELS);
	if (ib_check(ring, va, size_dw))
		return -EFAULT;
	if (!chain)
		ring->ib_level++;
	ib = &ring->ib[ring->ib_level];
	ib->va = va;
	ib->size_dw = size_dw;
	ib->at_dw = 0;
	return 0;
}

static int nop(struct gpu_ring *ring, uint32_t n)
{
	uint32_t body[2];
	int ret;

	if (n != 2) {
		ring->ib[ring->ib_level].at_dw += n;
		return 0;
	}
	ret = gpu_ib_fetch(ring, body, 2);
	if (!ret && body[0] == DF_STREAM_LAUNCH_BASE)
		ring->job->launches = body[1];
	return ret;
}

static int packet_run(struct gpu_ring *ring, uint32_t header, uint32_t n)
{
	const unsigned opcode = GPU_FIELD(header, PM4_OPCODE);
	const struct pm4_packet *packet = packet_find(opcode, ring->on_ce);
	int ret;

	if (!packet)
		return packet_unknown(ring, opcode);
	if (packet->gfx_only && ring->type != GPU_RING_GFX)
		return gpu_ring_refuse(ring, "packet %s is refused on a compute ring", packet->name);
	if (n < packet->min_dw || n > packet->max_dw)
		return gpu_ring_refuse(ring, "packet %s with %u dwords behind its header: %u to %u are possible",
				       packet->name, n, packet->min_dw, packet->max_dw);
	if (!ring->on_ce && GPU_FIELD(header, PM4_UNUSED_3))
		pm4_reserved(ring, packet->name, header & GPU_FIELD_MASK(PM4_UNUSED_3));
	if (ring->on_ce) /* no predication, no shader types */
		pm4_reserved(ring, packet->name, header & CE_HEADER_UNUSED);
	else if (GPU_FIELD(header, PM4_PREDICATE) && ring->predicate_off) {
		ring->ib[ring->ib_level].at_dw += n;
		return 0;
	}
	if (!packet->run)
		return nop(ring, n);
	ret = gpu_ib_fetch(ring, ring->packet, n);
	return ret ? ret : packet->run(ring, ring->packet, n);
}

static int packet_next(struct gpu_ring *ring)
{
	struct gpu_cp_ib *ib = &ring->ib[ring->ib_level];
	uint32_t header, n;
	int ret;

	ring->packet_va = ib->va + (uint64_t)ib->at_dw * 4;
	ret = gpu_ib_fetch(ring, &header, 1);
	if (ret)
		return ret;
	gpu_count(&ring->gpu->count.packets, 1);
	switch (GPU_FIELD(header, PM4_TYPE)) {
	case 2: /* one dword of padding */
		return 0;
	case 3:
		break;
	default:
		return gpu_ring_refuse(ring, "dword 0x%08x is a PM4 header of type %u: gfx10 has 2 and 3", header,
				       GPU_FIELD(header, PM4_TYPE));
	}
	n = GPU_FIELD(header, PM4_COUNT) + 1;
	if (__builtin_expect(ring->gpu->used != NULL, 0))
		gpu_used_row(ring->gpu->used, GPU_ROW_PACKET, GPU_FIELD(header, PM4_OPCODE));
	if (GPU_FIELD(header, PM4_OPCODE) == 0x10 && GPU_FIELD(header, PM4_COUNT) == PM4_NOP_HEADER_ONLY)
		return 0;
	if (n > ib->size_dw - ib->at_dw)
		return gpu_ring_refuse(ring, "packet 0x%08x runs over the end of its IB: %u dwords, %u are left",
				       header, n, ib->size_dw - ib->at_dw);
	return packet_run(ring, header, n);
}

int gpu_pm4_begin(struct gpu_ring *ring, const struct gpu_ib *ib)
{
	ring->packet_va = ib->va;
	if (ib->flags & GPU_IB_CE && !ring->ce)
		return gpu_ring_refuse(ring, "IB of the constant engine on a ring that has none");
	ring->ib_level = 0;
	if (ib_check(ring, ib->va, ib->size_dw))
		return -EFAULT;
	ring->ib[0].va = ib->va;
	ring->ib[0].size_dw = ib->size_dw;
	ring->ib[0].at_dw = 0;
	return 0;
}

int gpu_pm4_step(struct gpu_ring *ring)
{
	const struct gpu_cp_ib *ib = &ring->ib[ring->ib_level];
	int ret = gpu_ring_check(ring);

	if (ret)
		return ret;
	if (ib->at_dw < ib->size_dw)
		return packet_next(ring);
	if (ring->ib_level == 0)
		return 1;
	ring->ib_level--;
	return 0;
}

int gpu_pm4_run(struct gpu_ring *ring, const struct gpu_ib *ib)
{
	int ret = gpu_pm4_begin(ring, ib);

	while (!ret)
		ret = gpu_pm4_step(ring);
	return ret < 0 ? ret : 0;
}

#version 460
// SPDX-License-Identifier: MIT
// The megakernel: interprets the slots of a ring as uapi/drumfire_ring.h defines them, one slot a lane.
//
// Everything that another wave or the host may touch is accessed through coherent memory or atomics. A slot's words
// other than its status are the lane's own from the moment it has claimed the slot.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require
#extension GL_GOOGLE_include_directive : require
#include "../uapi/drumfire_ring.h"

layout(local_size_x = 64) in;
layout(buffer_reference, scalar, buffer_reference_align = 4) coherent buffer Words {
	uint word[];
};
layout(push_constant, scalar) uniform Arguments {
	Words control;
	Words ring;
	Words log;
	Words io;
	uint first_slot;
	uint rounds;
} pc;

// What a lane does with its slot besides DF_RING_REASON_*: put it back.
const uint PUT_BACK_REQUEUE = 0x100u;
const uint PUT_BACK_WAIT_IO = 0x101u;

uint argument(uint base, uint n)
{
	return pc.ring.word[base + DF_RING_ARG0 + n];
}

bool in_data(uint index, uint count)
{
	uint words = pc.control.word[DF_RING_DATA_WORDS];
	return index <= words && count <= words - index;
}

uint data(uint index)
{
	return pc.control.word[DF_RING_DATA + index];
}

void set_data(uint index, uint value)
{
	pc.control.word[DF_RING_DATA + index] = value;
}

// What the slot returns. Stored at once: kept in a register until the end of the slot it would only wait there.
void set_value(uint base, uint value)
{
	pc.ring.word[base + DF_RING_ARG0 + DF_RING_ARG_VALUE] = value;
}

#include "mega_user.glsl"

uint op_memcpy(uint base)
{
	uint to = argument(base, 0u), from = argument(base, 1u), count = argument(base, 2u);
	bool has_to = in_data(to, count), has_from = in_data(from, count);
	if (count > DF_RING_MEMCPY_MAX || !has_to || !has_from)
		return DF_RING_REASON_RANGE;
	for (uint i = 0u; i < count; i++)
		set_data(to + i, data(from + i));
	return DF_RING_REASON_NONE;
}

uint op_batch_fence(uint base)
{
	if (pc.control.word[DF_RING_DONE_COUNT] < argument(base, 1u))
		return PUT_BACK_REQUEUE;
	set_value(base, atomicAdd(pc.control.word[DF_RING_EPOCH], 1u));
	atomicExchange(pc.control.word[DF_RING_BATCH_TAG], argument(base, 0u));
	return DF_RING_REASON_NONE;
}

void op_printf(uint base, uint slot, uint tenant)
{
	uint record = atomicAdd(pc.log.word[DF_RING_LOG_CURSOR], 1u);
	if (record < pc.control.word[DF_RING_LOG_RECORDS]) {
		uint at = DF_RING_LOG_HEADER + record * DF_RING_LOG_RECORD_WORDS;
		pc.log.word[at + DF_RING_LOG_SLOT] = slot;
		pc.log.word[at + DF_RING_LOG_TENANT] = tenant;
		pc.log.word[at + DF_RING_LOG_FORMAT] = argument(base, 0u);
		for (uint i = 0u; i < DF_RING_LOG_VALUES; i++)
			pc.log.word[at + DF_RING_LOG_VALUE0 + i] = argument(base, 1u + i);
		memoryBarrierBuffer();
		pc.log.word[at + DF_RING_LOG_VALID] = 1u;
	}
	set_value(base, record);
}

uint io_start(uint base, uint slot, uint tenant)
{
	if (!in_data(argument(base, 3u), argument(base, 4u)))
		return DF_RING_REASON_RANGE;
	uint count = pc.control.word[DF_RING_IO_SLOTS], outcome = PUT_BACK_REQUEUE;
	for (uint i = 0u; i < count && outcome == PUT_BACK_REQUEUE; i++) {
		uint index = (slot + i) % count;
		uint at = index * DF_RING_IO_WORDS;
		if (atomicCompSwap(pc.io.word[at + DF_RING_IO_STATUS], DF_RING_EMPTY, DF_RING_CLAIMED) == DF_RING_EMPTY) {
			pc.io.word[at + DF_RING_IO_SLOT] = slot;
			pc.io.word[at + DF_RING_IO_TENANT] = tenant;
			for (uint k = 0u; k < 5u; k++)
				pc.io.word[at + DF_RING_IO_RESOURCE + k] = argument(base, k);
			pc.io.word[at + DF_RING_IO_VALUE] = 0u;
			pc.ring.word[base + DF_RING_ARG0 + DF_RING_ARG_IO] = index;
			memoryBarrierBuffer();
			atomicExchange(pc.io.word[at + DF_RING_IO_STATUS], DF_RING_PUBLISHED);
			outcome = PUT_BACK_WAIT_IO;
		}
	}
	return outcome;
}

uint io_finish(uint base, uint slot)
{
	uint index = argument(base, DF_RING_ARG_IO);
	if (index >= pc.control.word[DF_RING_IO_SLOTS])
		return DF_RING_REASON_IO;
	uint at = index * DF_RING_IO_WORDS;
	uint status = pc.io.word[at + DF_RING_IO_STATUS];
	if (status != DF_RING_DONE && status != DF_RING_FAULT)
		return PUT_BACK_WAIT_IO;
	if (pc.io.word[at + DF_RING_IO_SLOT] != slot)
		return DF_RING_REASON_IO;
	memoryBarrierBuffer();
	set_value(base, pc.io.word[at + DF_RING_IO_VALUE]);
	atomicExchange(pc.io.word[at + DF_RING_IO_STATUS], DF_RING_EMPTY);
	return status == DF_RING_DONE ? DF_RING_REASON_NONE : DF_RING_REASON_IO;
}

uint execute(uint opcode, uint base, uint slot, uint tenant)
{
	uint index = argument(base, 0u);
	switch (opcode) {
	case DF_RING_OP_NOP:
		return DF_RING_REASON_NONE;
	case DF_RING_OP_STORE:
		if (!in_data(index, 1u))
			return DF_RING_REASON_RANGE;
		atomicExchange(pc.control.word[DF_RING_DATA + index], argument(base, 1u));
		return DF_RING_REASON_NONE;
	case DF_RING_OP_ATOMIC_ADD:
		if (!in_data(index, 1u))
			return DF_RING_REASON_RANGE;
		set_value(base, atomicAdd(pc.control.word[DF_RING_DATA + index], argument(base, 1u)));
		return DF_RING_REASON_NONE;
	case DF_RING_OP_LOAD:
		if (!in_data(index, 1u))
			return DF_RING_REASON_RANGE;
		set_value(base, data(index));
		return DF_RING_REASON_NONE;
	case DF_RING_OP_COMPARE_SWAP:
		if (!in_data(index, 1u))
			return DF_RING_REASON_RANGE;
		set_value(base, atomicCompSwap(pc.control.word[DF_RING_DATA + index], argument(base, 1u), argument(base, 2u)));
		return DF_RING_REASON_NONE;
	case DF_RING_OP_MEMCPY:
		return op_memcpy(base);
	case DF_RING_OP_BATCH_FENCE:
		return op_batch_fence(base);
	case DF_RING_OP_PRINTF:
		op_printf(base, slot, tenant);
		return DF_RING_REASON_NONE;
	case DF_RING_OP_IO_READ:
		return io_start(base, slot, tenant);
	case DF_RING_OP_SHUTDOWN:
		atomicExchange(pc.control.word[DF_RING_SHUTDOWN], 1u);
		return DF_RING_REASON_NONE;
	default:
		return user_opcode(opcode, base);
	}
}

// Why a claimed slot may not run, DF_RING_REASON_NONE if it may.
uint refuse(uint opcode, uint tenant, uint priority)
{
	bool user = opcode >= DF_RING_OP_USER_FIRST && opcode <= DF_RING_OP_USER_LAST;
	if (opcode >= DF_RING_OPS && !user)
		return DF_RING_REASON_OPCODE;
	if (tenant >= DF_RING_TENANTS)
		return DF_RING_REASON_TENANT;
	if (priority >= DF_RING_PRIORITIES)
		return DF_RING_REASON_PRIORITY;
	uint bit = user ? DF_RING_ALLOW_USER : 1u << opcode;
	return (pc.control.word[DF_RING_TENANT_ALLOW + tenant] & bit) != 0u ? DF_RING_REASON_NONE : DF_RING_REASON_DENIED;
}

bool over_quota(uint tenant)
{
	uint quota = pc.control.word[DF_RING_TENANT_QUOTA + tenant];
	uint used = atomicAdd(pc.control.word[DF_RING_TENANT_USED + tenant], 1u);
	if (quota == 0u || used < quota)
		return false;
	atomicAdd(pc.control.word[DF_RING_TENANT_USED + tenant], 0xffffffffu);
	return true;
}

void finish(uint base, uint opcode, uint reason)
{
	pc.ring.word[base + DF_RING_ARG0 + DF_RING_ARG_REASON] = reason;
	memoryBarrierBuffer();
	atomicExchange(pc.ring.word[base + DF_RING_STATUS], reason == DF_RING_REASON_NONE ? DF_RING_DONE : DF_RING_FAULT);
	atomicAdd(pc.control.word[DF_RING_METRICS + min(opcode, DF_RING_METRICS_MAX - 1u)], 1u);
	if (reason != DF_RING_REASON_NONE)
		atomicAdd(pc.control.word[DF_RING_FAULT_COUNT], 1u);
	memoryBarrierBuffer();
	atomicAdd(pc.control.word[DF_RING_DONE_COUNT], 1u);
}

void put_back(uint base, uint status)
{
	memoryBarrierBuffer();
	atomicExchange(pc.ring.word[base + DF_RING_STATUS], status);
}

// Runs a slot that this lane has claimed; whether it is to be looked at again.
bool run_claimed(uint base, uint slot, uint status, uint priority)
{
	uint opcode = pc.ring.word[base + DF_RING_OPCODE];
	uint tenant = pc.ring.word[base + DF_RING_TENANT];
	set_value(base, 0u);
	uint reason = refuse(opcode, tenant, priority);
	uint back = DF_RING_EMPTY;
	if (reason == DF_RING_REASON_NONE) {
		if (status == DF_RING_WAIT_IO)
			reason = io_finish(base, slot);
		else if (status != DF_RING_REQUEUE && over_quota(tenant))
			back = DF_RING_YIELD;
		else
			reason = execute(opcode, base, slot, tenant);
	}
	if (reason >= PUT_BACK_REQUEUE)
		back = reason == PUT_BACK_REQUEUE ? DF_RING_REQUEUE : DF_RING_WAIT_IO;
	if (back != DF_RING_EMPTY)
		put_back(base, back);
	else
		finish(base, opcode, reason);
	return back != DF_RING_EMPTY;
}

// Whether the slot is still to be looked at in later rounds.
bool run_slot(uint slot, uint round)
{
	uint base = slot * DF_RING_SLOT_WORDS;
	uint status = pc.ring.word[base + DF_RING_STATUS];
	bool again = status == DF_RING_PUBLISHED || status == DF_RING_WAIT_IO || status == DF_RING_YIELD ||
		     status == DF_RING_REQUEUE;
	if (again) {
		uint priority = pc.ring.word[base + DF_RING_PRIORITY];
		bool due = priority >= DF_RING_PRIORITIES || round >= min(priority, pc.rounds - 1u);
		if (due && atomicCompSwap(pc.ring.word[base + DF_RING_STATUS], status, DF_RING_CLAIMED) == status)
			again = run_claimed(base, slot, status, priority);
	}
	return again;
}

void main()
{
	uint slot = pc.first_slot + gl_GlobalInvocationID.x;
	if (slot < pc.control.word[DF_RING_SLOTS]) {
		bool live = pc.control.word[DF_RING_LIVE] != 0u;
		bool looking = true;
		for (uint round = 0u; round < pc.rounds && looking; round++) {
			looking = pc.control.word[DF_RING_SHUTDOWN] == 0u;
			if (looking)
				looking = run_slot(slot, round) || live;
		}
	}
}

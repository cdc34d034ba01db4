/* SPDX-License-Identifier: MIT */
/* The gfx10.3 encoder as the core sees it, and the packets around a batch. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "amd/encoder.h"
#include "core/alloc.h"

/* Instruction prefetch runs up to three 64-byte lines past what it needs; it must find memory, and instructions that
 * do nothing: s_code_end (LLVM pads code objects of gfx10 in the same way). */
enum { CODE_PAD_B = 256, CODE_PAD_VALUE = (int)0xbf9f0000u };

static int device_init(struct df_device *device)
{
	struct amd_device *data = df_calloc(1, sizeof(*data));
	if (!data)
		return df_error_set(-ENOMEM, "out of memory");
	device->encoder_data = data;
	return 0;
}

static void device_finish(struct df_device *device)
{
	free(device->encoder_data);
	device->encoder_data = NULL;
}

/*
 * The end of a job: when all waves have ended, caches are written back (in order, GLM before GL2) and the value follows
 * when that is confirmed: the very fence that the kernel driver ends a job with [v10] gfx_v10_0_ring_emit_fence,
 * without its interrupt. The value bypasses the caches: the host polls it.
 */
static void marker(uint32_t *dw, uint64_t va, uint64_t value)
{
	dw[0] = PM4_HEADER(PM4_RELEASE_MEM, PM4_RELEASE_MEM_DW - 2);
	dw[1] = EVENT_CACHE_FLUSH_AND_INV_TS | RELEASE_SEQ | RELEASE_GL2_WB | RELEASE_GLM_WB | RELEASE_GLM_INV |
		RELEASE_CACHE_POLICY_BYPASS;
	dw[2] = RELEASE_DATA_64 | RELEASE_DATA_AFTER_CONFIRM;
	dw[3] = amd_lo(va);
	dw[4] = amd_hi(va);
	dw[5] = amd_lo(value);
	dw[6] = amd_hi(value);
	dw[7] = 0;
}

static void nop(uint32_t *dw, unsigned count)
{
	while (count--)
		*dw++ = PM4_NOP_PAD;
}

static int target_check(struct df_device *device, const char *target)
{
	if (!strcmp(target, device->info.target))
		return 0;
	return df_error_set(-ENOEXEC, "the image is made for %s, the device is %s. Fix: compile for %s", target,
			    device->info.target, device->info.target);
}

const struct df_record_ops df_record_gfx10_3 = {
	.batch_size_B = sizeof(struct amd_batch),
	.kernel_size_B = sizeof(struct amd_kernel),
	.chain_dw = PM4_INDIRECT_BUFFER_DW,
	.chain_size_at = 3,
	.chain_flags = IB_CHAIN | IB_VALID,
	.launch_max_dw = AMD_LAUNCH_MAX_DW,
	.begin_max_dw = AMD_BEGIN_MAX_DW,
	.target_check = target_check,
	.kernel_init = amd_kernel_init,
	.groups_resident = amd_groups_resident,
	.code_pad_B = CODE_PAD_B,
	.code_pad_value = (uint32_t)CODE_PAD_VALUE,
	.batch_reserve = amd_scratch_reserve,
	.batch_finish = amd_scratch_finish,
	.begin = amd_begin,
	.end = amd_end,
	.chain = amd_chain,
	.launch = amd_launch,
	.launch_indirect = amd_launch_indirect,
	.barrier = amd_barrier,
	.restart = amd_restart,
	.copy = amd_copy,
	.fill = amd_fill,
	.timestamp = amd_timestamp,
	.write = amd_write,
	.wait = amd_wait,
	.next_marker = amd_next_marker,
	.filter = amd_filter,
};

const struct df_encoder_ops df_encoder_gfx10_3 = {
	.name = "gfx10.3",
	.device_init = device_init,
	.device_finish = device_finish,
	.marker_dw = PM4_RELEASE_MEM_DW,
	.marker_value_at = 5,
	.marker = marker,
	.nop = nop,
	.copies_dw = amd_copies_dw,
	.copies = amd_copies,
	.record = &df_record_gfx10_3,
};

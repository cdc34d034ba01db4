// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * info.c - the INFO ioctl. What the chip is was said by the hardware process (df_hw_answer); the
 * rest is counted here.
 */
#include "drumfire.h"

#include <linux/timekeeping.h>

#define RESERVED_VRAM     (8ull << 20) /* AMDGPU_VM_RESERVED_VRAM */
#define QUERY_GPUVM_FAULT 0x23u        /* AMDGPU_INFO_GPUVM_FAULT, from 6.7 on */
#define MAX_REGISTERS     128u

struct df_gpuvm_fault {
	u64 addr;
	u32 status;
	u32 vmhub;
};

static int give(const struct drm_amdgpu_info *info, const void *data, size_t size)
{
	size = min_t(size_t, size, info->return_size);
	return copy_to_user(u64_to_user_ptr(info->return_pointer), data, size) ? -EFAULT : 0;
}

static int give32(const struct drm_amdgpu_info *info, u32 value)
{
	return give(info, &value, sizeof(value));
}

static int give64(const struct drm_amdgpu_info *info, u64 value)
{
	return give(info, &value, sizeof(value));
}

static const struct df_hw_answer *answer(const struct df_device *df, u32 query, u32 key)
{
	u32 i;

	for (i = 0; i < df->desc.answer_count; i++)
		if (df->answers[i].query == query && df->answers[i].key == key)
			return &df->answers[i];
	return NULL;
}

const void *df_info_gca(const struct df_device *df, size_t *size_out)
{
	const struct df_hw_answer *found = answer(df, DF_HW_ANSWER_GCA, 0);

	*size_out = found ? found->size_B : 0;
	return found ? df->blob + found->offset_B : NULL;
}

static int from_table(const struct df_device *df, const struct drm_amdgpu_info *info, u32 key)
{
	const struct df_hw_answer *found = answer(df, info->query, key);

	return found ? give(info, df->blob + found->offset_B, found->size_B) : -EINVAL;
}

static int registers(const struct df_device *df, const struct drm_amdgpu_info *info)
{
	u32 values[MAX_REGISTERS], i, count = info->read_mmr_reg.count;

	if (count > MAX_REGISTERS)
		return -EINVAL;
	for (i = 0; i < count; i++) {
		const struct df_hw_answer *found =
			answer(df, info->query, info->read_mmr_reg.dword_offset + i);

		if (!found || found->size_B != sizeof(u32))
			return -EFAULT; /* as amdgpu for one that is not on its list */
		memcpy(&values[i], df->blob + found->offset_B, sizeof(u32));
	}
	return give(info, values, count * sizeof(u32));
}

static u64 usable_vram(const struct df_device *df)
{
	u64 size = df->desc.vram_B;

	return size > RESERVED_VRAM ? size - RESERVED_VRAM : size;
}

static int memory(struct df_device *df, const struct drm_amdgpu_info *info)
{
	struct drm_amdgpu_memory_info mem = {};

	mem.vram.total_heap_size = df->desc.vram_B;
	mem.vram.usable_heap_size = usable_vram(df);
	mem.vram.heap_usage = atomic64_read(&df->used[0]);
	mem.vram.max_allocation = mem.vram.usable_heap_size / 4 * 3;
	mem.cpu_accessible_vram = mem.vram; /* all of it is visible */
	mem.gtt.total_heap_size = df->desc.gtt_B;
	mem.gtt.usable_heap_size = df->desc.gtt_B;
	mem.gtt.heap_usage = atomic64_read(&df->used[1]);
	mem.gtt.max_allocation = df->desc.gtt_B / 4 * 3;
	return give(info, &mem, sizeof(mem));
}

static int vram_gtt(struct df_device *df, const struct drm_amdgpu_info *info)
{
	struct drm_amdgpu_info_vram_gtt sizes = {
		.vram_size = usable_vram(df),
		.vram_cpu_accessible_size = usable_vram(df),
		.gtt_size = df->desc.gtt_B,
	};

	return give(info, &sizes, sizeof(sizes));
}

static int fault(struct df_device *df, struct df_vm *vm, const struct drm_amdgpu_info *info)
{
	struct df_gpuvm_fault last = {};

	xa_lock(&df->vms);
	last.addr = vm->fault_address;
	last.status = vm->fault_status;
	xa_unlock(&df->vms);
	return give(info, &last, sizeof(last));
}

int df_info_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct df_file *fpriv = file->driver_priv;
	const struct drm_amdgpu_info *info = data;
	struct df_device *df = to_df(drm);

	if (!info->return_size || !info->return_pointer || info->query >= DF_HW_ANSWER_GCA)
		return -EINVAL;
	switch (info->query) {
	case AMDGPU_INFO_ACCEL_WORKING:
		return give32(info, 1);
	case AMDGPU_INFO_TIMESTAMP:
		return give64(info, div_u64(ktime_get_ns(), 10)); /* 100 MHz */
	case AMDGPU_INFO_NUM_BYTES_MOVED:
	case AMDGPU_INFO_NUM_EVICTIONS:
	case AMDGPU_INFO_NUM_VRAM_CPU_PAGE_FAULTS:
		return give64(info, 0); /* nothing is ever moved */
	case AMDGPU_INFO_VRAM_USAGE:
	case AMDGPU_INFO_VIS_VRAM_USAGE:
		return give64(info, atomic64_read(&df->used[0]));
	case AMDGPU_INFO_GTT_USAGE:
		return give64(info, atomic64_read(&df->used[1]));
	case AMDGPU_INFO_VRAM_GTT:
		return vram_gtt(df, info);
	case AMDGPU_INFO_MEMORY:
		return memory(df, info);
	case AMDGPU_INFO_VRAM_LOST_COUNTER:
		return give32(info, atomic_read(&df->vram_lost));
	case QUERY_GPUVM_FAULT:
		return fault(df, fpriv->vm, info);
	case AMDGPU_INFO_READ_MMR_REG:
		return registers(df, info);
	case AMDGPU_INFO_HW_IP_INFO:
		return info->query_hw_ip.ip_instance ? -EINVAL
						     : from_table(df, info, info->query_hw_ip.type);
	case AMDGPU_INFO_HW_IP_COUNT:
		return from_table(df, info, info->query_hw_ip.type);
	case AMDGPU_INFO_FW_VERSION:
		if (info->query_fw.ip_instance || info->query_fw.index > 0xffff)
			return -EINVAL;
		return from_table(df, info, info->query_fw.fw_type | info->query_fw.index << 16);
	case AMDGPU_INFO_SENSOR:
		return from_table(df, info, info->sensor_info.type);
	case AMDGPU_INFO_VBIOS:
		return from_table(df, info, info->vbios_info.type);
	case AMDGPU_INFO_VIDEO_CAPS:
		return from_table(df, info, info->video_cap.type);
	default:
		return from_table(df, info, 0);
	}
}

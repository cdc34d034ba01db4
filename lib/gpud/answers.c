// SPDX-License-Identifier: MIT
/*
 * answers.c - what clients are told of the chip. The soft node knows it already: its answers to amdgpu's INFO queries,
 * in the way of Linux 6.12, are handed to the kernel as they are.
 */
#include "gpud/gpud.h"

#include "node/node.h"
#include "soft/abi.h"
#include "soft/gca.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

extern const struct df_soft_ops df_soft_ops;

struct asker {
	void *file;
	struct gpud_answers *answers;
};

/* An answer of the soft node, at the end of the blob. Queries that it refuses have no row. */
static void *ask(struct asker *asker, struct drm_amdgpu_info *info, uint32_t key, uint32_t size_B)
{
	struct gpud_answers *answers = asker->answers;
	void *to = answers->blob + answers->blob_B;

	if (answers->count == sizeof(answers->rows) / sizeof(answers->rows[0]) ||
	    answers->blob_B + size_B > sizeof(answers->blob))
		return NULL;
	info->return_pointer = (uintptr_t)to;
	info->return_size = size_B;
	if (df_soft_ops.ioctl(asker->file, DRM_IOCTL_AMDGPU_INFO, info) < 0)
		return NULL;
	answers->rows[answers->count++] =
		(struct df_hw_answer){.query = info->query, .key = key, .offset_B = answers->blob_B, .size_B = size_B};
	answers->blob_B += (size_B + 7) & ~7u;
	return to;
}

static void *ask_plain(struct asker *asker, uint32_t query, uint32_t size_B)
{
	struct drm_amdgpu_info info = {.query = query};

	return ask(asker, &info, 0, size_B);
}

static void ask_ips(struct asker *asker)
{
	for (uint32_t type = 0; type < 10; type++) {
		struct drm_amdgpu_info info = {.query = AMDGPU_INFO_HW_IP_INFO, .query_hw_ip.type = type};
		struct drm_amdgpu_info count = {.query = AMDGPU_INFO_HW_IP_COUNT, .query_hw_ip.type = type};

		ask(asker, &info, type, offsetof(struct abi_info_hw_ip, userq_num_slots));
		ask(asker, &count, type, sizeof(uint32_t));
	}
}

static void ask_firmware(struct asker *asker)
{
	for (uint32_t type = 0; type <= ABI_INFO_FW_VPE; type++) {
		for (uint32_t index = 0; index < 6; index++) {
			struct drm_amdgpu_info info = {.query = AMDGPU_INFO_FW_VERSION,
						       .query_fw = {.fw_type = type, .index = index}};

			ask(asker, &info, type | index << 16, sizeof(struct drm_amdgpu_info_firmware));
		}
	}
}

static void ask_registers(struct asker *asker)
{
	static const uint32_t offsets[] = {0x263e,
					   0x2004}; /* mmGB_ADDR_CONFIG, mmGRBM_STATUS: what the soft node gives */

	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		struct drm_amdgpu_info info = {
			.query = AMDGPU_INFO_READ_MMR_REG,
			.read_mmr_reg = {.dword_offset = offsets[i], .count = 1, .instance = UINT32_MAX}};

		ask(asker, &info, offsets[i], sizeof(uint32_t));
	}
}

static void ask_typed(struct asker *asker)
{
	for (uint32_t type = 0; type < 16; type++) {
		struct drm_amdgpu_info sensor = {.query = AMDGPU_INFO_SENSOR, .sensor_info.type = type};
		struct drm_amdgpu_info bios = {.query = AMDGPU_INFO_VBIOS, .vbios_info.type = type};
		struct drm_amdgpu_info video = {.query = AMDGPU_INFO_VIDEO_CAPS, .video_cap.type = type};

		ask(asker, &sensor, type, sizeof(uint32_t));
		ask(asker, &bios, type,
		    type == AMDGPU_INFO_VBIOS_INFO ? sizeof(struct drm_amdgpu_info_vbios) : sizeof(uint32_t));
		ask(asker, &video, type, sizeof(struct drm_amdgpu_info_video_caps));
	}
}

/* What debugfs tells; the soft node has it whole. */
static void tell_gca(struct asker *asker)
{
	struct gpud_answers *answers = asker->answers;
	uint32_t config[SOFT_GCA_MAX];
	size_t size_B = soft_gca_config(asker->file, config);

	if (!size_B || answers->count == sizeof(answers->rows) / sizeof(answers->rows[0]) ||
	    answers->blob_B + size_B > sizeof(answers->blob))
		return;
	memcpy(answers->blob + answers->blob_B, config, size_B);
	answers->rows[answers->count++] = (struct df_hw_answer){
		.query = DF_HW_ANSWER_GCA, .offset_B = answers->blob_B, .size_B = (uint32_t)size_B};
	answers->blob_B += ((uint32_t)size_B + 7) & ~7u;
}

static int fill(struct asker *asker, struct df_hw_attach *attach)
{
	const struct abi_info_device *dev =
		ask_plain(asker, AMDGPU_INFO_DEV_INFO, offsetof(struct abi_info_device, userq_ip_mask));
	const uint32_t *max_ibs = ask_plain(asker, ABI_INFO_MAX_IBS, 10 * sizeof(uint32_t));

	if (!dev || !max_ibs)
		return -EPROTO;
	attach->va_start = dev->virtual_address_offset;
	attach->va_end = dev->high_va_max & 0xffffffffffffull;
	for (unsigned i = 0; i < DF_HW_RING_TYPES; i++)
		attach->max_ibs[i] = max_ibs[i];
	ask_plain(asker, AMDGPU_INFO_GDS_CONFIG, sizeof(struct drm_amdgpu_info_gds));
	ask_plain(asker, AMDGPU_INFO_VCE_CLOCK_TABLE, sizeof(struct drm_amdgpu_info_vce_clock_table));
	ask_ips(asker);
	ask_firmware(asker);
	ask_registers(asker);
	ask_typed(asker);
	tell_gca(asker);
	return 0;
}

int gpud_answers(const struct gpud_options *options, struct gpud_answers *answers, struct df_hw_attach *attach)
{
	struct asker asker = {.answers = answers};
	char spec[64], error[256] = "";
	int ret;

	snprintf(spec, sizeof(spec), "%s,kernel=6.12,threads=1", options->target->name);
	asker.file = df_soft_ops.open(spec, error, sizeof(error));
	if (!asker.file) {
		fprintf(stderr, "drumfire gpud: %s\n", error);
		return -EIO;
	}
	ret = fill(&asker, attach);
	df_soft_ops.close(asker.file);
	attach->answers = (uintptr_t)answers->rows;
	attach->answer_count = answers->count;
	attach->blob = (uintptr_t)answers->blob;
	attach->blob_B = answers->blob_B;
	return ret;
}

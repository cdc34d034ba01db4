/* SPDX-License-Identifier: MIT */
/* test_info.c - the INFO ioctl: what is known to which kernel, sizes, coherence of what the device says of itself. */
#include "env.h"

#include "gpu/gpu.h"

static int info(void *file, uint32_t query, uint32_t type, void *out, uint32_t size)
{
	struct drm_amdgpu_info args = {.return_pointer = (uintptr_t)out, .return_size = size, .query = query};

	args.query_hw_ip.type = type;
	return env_ioctl(file, DRM_IOCTL_AMDGPU_INFO, &args);
}

START_TEST(device_is_its_target)
{
	static const char *const names[] = {"gfx1030", "gfx1033"};
	static const uint32_t units[] = {60, 8}; /* RX 6800, Van Gogh */

	for (size_t i = 0; i < 2; i++) {
		const struct gpu_target *target = gpu_target_find(names[i]);
		void *file = env_open(names[i]);
		struct abi_info_device dev = {0};
		uint16_t vendor, device;
		uint8_t revision;
		uint32_t cus = 0;

		ck_ok(info(file, AMDGPU_INFO_DEV_INFO, 0, &dev, sizeof(dev)));
		df_soft_ops.pci_id(file, &vendor, &device, &revision);
		ck_assert_uint_eq(vendor, 0x1002);
		ck_assert_uint_eq(dev.device_id, device);
		ck_assert_uint_eq(dev.pci_rev, revision);
		ck_assert_uint_eq(dev.family, target->family);
		for (int se = 0; se < 4; se++)
			for (int sa = 0; sa < 4; sa++)
				cus += (uint32_t)__builtin_popcount(dev.cu_bitmap[se][sa]);
		ck_assert_uint_eq(dev.cu_active_number, cus);
		ck_assert_uint_eq(cus, units[i]);
		ck_assert_uint_eq(!!(dev.ids_flags & AMDGPU_IDS_FLAGS_FUSION), target->apu);
		ck_assert_uint_lt(dev.virtual_address_offset, dev.virtual_address_max);
		ck_assert_uint_lt(dev.virtual_address_max, dev.high_va_offset);
		env_close(file);
	}
}
END_TEST

START_TEST(device_info_by_kernel)
{
	struct abi_info_device dev;
	void *file = env_open("gfx1030,kernel=6.1");

	memset(&dev, 0xa5, sizeof(dev));
	ck_ok(info(file, AMDGPU_INFO_DEV_INFO, 0, &dev, sizeof(dev)));
	ck_assert_uint_eq(dev.virtual_address_offset, 0x200000);
	ck_assert_uint_eq(dev.high_va_max, 0xffffffffffe00000ull);
	ck_assert_uint_eq(dev.min_engine_clock, 0xa5a5a5a5a5a5a5a5ull); /* 3.50 */
	env_close(file);
	file = env_open("gfx1030,kernel=7.2");
	memset(&dev, 0xa5, sizeof(dev));
	ck_ok(info(file, AMDGPU_INFO_DEV_INFO, 0, &dev, 8));
	ck_assert_uint_eq(dev.external_rev, 0xa5a5a5a5); /* no more than was asked for */
	ck_ok(info(file, AMDGPU_INFO_DEV_INFO, 0, &dev, sizeof(dev)));
	ck_assert_uint_eq(dev.virtual_address_offset, 0x10000);
	ck_assert_uint_ne(dev.min_engine_clock, 0xa5a5a5a5a5a5a5a5ull);
	ck_assert_uint_eq(dev.userq_ip_mask, 0);
	env_close(file);
}
END_TEST

START_TEST(queries_by_kernel)
{
	static const char *const specs[] = {"gfx1030,kernel=6.1", "gfx1030,kernel=6.12", "gfx1030,kernel=7.2"};
	static const struct {
		uint32_t query, type;
		int ret[3];
	} rows[] = {
		{AMDGPU_INFO_ACCEL_WORKING, 0, {0, 0, 0}},
		{AMDGPU_INFO_CRTC_FROM_ID, 0, {-EINVAL, -EINVAL, -EINVAL}},
		{AMDGPU_INFO_HW_IP_INFO, AMDGPU_HW_IP_COMPUTE, {0, 0, 0}},
		{AMDGPU_INFO_HW_IP_INFO, AMDGPU_HW_IP_VCN_DEC, {0, 0, 0}}, /* zeros */
		{AMDGPU_INFO_HW_IP_INFO, ABI_HW_IP_VPE, {-EINVAL, 0, 0}},
		{AMDGPU_INFO_HW_IP_INFO, 10, {-EINVAL, -EINVAL, -EINVAL}},
		{AMDGPU_INFO_HW_IP_COUNT, AMDGPU_HW_IP_GFX, {0, 0, 0}},
		{AMDGPU_INFO_HW_IP_COUNT, AMDGPU_HW_IP_VCN_DEC, {-EINVAL, -EINVAL, -EINVAL}},
		{AMDGPU_INFO_TIMESTAMP, 0, {0, 0, 0}},
		{AMDGPU_INFO_FW_VERSION, AMDGPU_INFO_FW_GFX_MEC, {0, 0, 0}},
		{AMDGPU_INFO_FW_VERSION, ABI_INFO_FW_MES, {-EINVAL, 0, 0}},
		{AMDGPU_INFO_FW_VERSION, 0x99, {-EINVAL, -EINVAL, -EINVAL}},
		{AMDGPU_INFO_VRAM_GTT, 0, {0, 0, 0}},
		{AMDGPU_INFO_VRAM_LOST_COUNTER, 0, {0, 0, 0}},
		{AMDGPU_INFO_RAS_ENABLED_FEATURES, 0, {-EINVAL, -EINVAL, -EINVAL}},
		{AMDGPU_INFO_NUM_HANDLES, AMDGPU_HW_IP_UVD, {-ENODATA, -ENODATA, -ENODATA}},
		{AMDGPU_INFO_NUM_HANDLES, AMDGPU_HW_IP_GFX, {-EINVAL, -EINVAL, -EINVAL}},
		{AMDGPU_INFO_SENSOR, AMDGPU_INFO_SENSOR_GPU_TEMP, {0, 0, 0}},
		{AMDGPU_INFO_SENSOR, ABI_SENSOR_PEAK_SCLK, {-EINVAL, 0, 0}},
		{AMDGPU_INFO_SENSOR, 0x77, {-EINVAL, -EINVAL, -EINVAL}},
		{AMDGPU_INFO_VIDEO_CAPS, AMDGPU_INFO_VIDEO_CAPS_ENCODE, {0, 0, 0}},
		{AMDGPU_INFO_VIDEO_CAPS, 2, {-EINVAL, -EINVAL, -EINVAL}},
		{AMDGPU_INFO_VBIOS, AMDGPU_INFO_VBIOS_SIZE, {0, 0, 0}},
		{AMDGPU_INFO_VBIOS, AMDGPU_INFO_VBIOS_IMAGE, {-EINVAL, -EINVAL, -EINVAL}},
		{ABI_INFO_MAX_IBS, 0, {-EINVAL, 0, 0}},
		{ABI_INFO_GPUVM_FAULT, 0, {-EINVAL, 0, 0}},
		{ABI_INFO_UQ_FW_AREAS, 0, {-EINVAL, -EINVAL, -EOPNOTSUPP}},
		{0x77, 0, {-EINVAL, -EINVAL, -EINVAL}},
	};
	char out[4096];

	for (int k = 0; k < 3; k++) {
		void *file = env_open(specs[k]);
		uint64_t before = env_stat(file, "refused_queries"), refused = 0;

		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			int ret = info(file, rows[i].query, rows[i].type, out, sizeof(out));

			ck_assert_msg(ret == rows[i].ret[k], "%s: query 0x%x type %u: %d, not %d", specs[k],
				      rows[i].query, rows[i].type, ret, rows[i].ret[k]);
			refused += rows[i].ret[k] == -EINVAL;
		}
		ck_assert_uint_eq(env_stat(file, "refused_queries") - before, refused);
		env_close(file);
	}
}
END_TEST

START_TEST(arguments)
{
	void *file = env_open("gfx1030");
	uint32_t value;
	struct drm_amdgpu_info args = {
		.return_pointer = (uintptr_t)&value, .return_size = 4, .query = AMDGPU_INFO_READ_MMR_REG};

	ck_err(EINVAL, info(file, AMDGPU_INFO_ACCEL_WORKING, 0, NULL, 4));
	ck_err(EINVAL, info(file, AMDGPU_INFO_ACCEL_WORKING, 0, &value, 0));
	args.read_mmr_reg.dword_offset = 0x263e;
	args.read_mmr_reg.count = 1;
	args.read_mmr_reg.instance = 0xffffffff;
	ck_ok(env_ioctl(file, DRM_IOCTL_AMDGPU_INFO, &args));
	ck_assert_uint_eq(value, 0x444);
	args.read_mmr_reg.dword_offset = 1;
	ck_err(EFAULT, env_ioctl(file, DRM_IOCTL_AMDGPU_INFO, &args));
	args.read_mmr_reg.count = 129;
	ck_err(EINVAL, env_ioctl(file, DRM_IOCTL_AMDGPU_INFO, &args));
	args.read_mmr_reg.count = 1;
	args.read_mmr_reg.instance = 8;
	ck_err(EINVAL, env_ioctl(file, DRM_IOCTL_AMDGPU_INFO, &args));
	args.read_mmr_reg.instance = 2 << 8;
	ck_err(EINVAL, env_ioctl(file, DRM_IOCTL_AMDGPU_INFO, &args));
	env_close(file);
}
END_TEST

START_TEST(usage_follows_buffers)
{
	void *file = env_open("gfx1030,vram=64M,gtt=64M");
	struct drm_gem_close close_args;
	uint64_t used;

	close_args.handle = env_gem(file, 8 << 20, AMDGPU_GEM_DOMAIN_VRAM, 0);
	ck_ok(info(file, AMDGPU_INFO_VRAM_USAGE, 0, &used, 8));
	ck_assert_uint_eq(used, 8 << 20);
	env_gem(file, 60 << 20, AMDGPU_GEM_DOMAIN_VRAM, 0); /* does not fit: GTT */
	ck_ok(info(file, AMDGPU_INFO_GTT_USAGE, 0, &used, 8));
	ck_assert_uint_eq(used, 60 << 20);
	ck_ok(env_ioctl(file, DRM_IOCTL_GEM_CLOSE, &close_args));
	ck_ok(info(file, AMDGPU_INFO_VRAM_USAGE, 0, &used, 8));
	ck_assert_uint_eq(used, 0);
	env_close(file);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {device_is_its_target, device_info_by_kernel, queries_by_kernel, arguments,
				      usage_follows_buffers};

	return env_main("info", tests, sizeof(tests) / sizeof(tests[0]));
}

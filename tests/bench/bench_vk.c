// SPDX-License-Identifier: MIT
/*
 * The peer of bench_df.c: the same work through Vulkan (RADV over the soft node, or lavapipe).
 *
 *   bench_vk record N SPV     records N dispatches, 32 bytes of push constants that differ each time
 *   bench_vk submit N SPV     submits one recorded command buffer N times, waiting each time
 *   bench_vk run KIND SPV     KIND saxpy (1 Mi elements) or matmul (512 x 512): prints the best time of 5 in ns,
 *                             checked
 *   bench_vk side ROUNDS SPV  ROUNDS times: records SIDE_N dispatches (environment), submits, waits (side.h); ioctls
 * and dwords are seen by the program that is built with -DSEE_IBS bench_vk dwords KIND SPV  KIND same, one, eight or
 * barrier: dwords of command stream that each further dispatch takes (built with -DSEE_IBS, which puts this program's
 * ioctl in front of the driver's)
 */
#include "side.h"

#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <vulkan/vulkan.h>

#define CHECK(call)                                                                                                    \
	do {                                                                                                           \
		VkResult result_ = (call);                                                                             \
		if (result_ != VK_SUCCESS) {                                                                           \
			fprintf(stderr, "%s: %d\n", #call, result_);                                                   \
			exit(1);                                                                                       \
		}                                                                                                      \
	} while (0)

#ifdef SEE_IBS
#include <amdgpu_drm.h>
#include <errno.h>
#include <stdarg.h>
#include <xf86drm.h>

static uint64_t ib_bytes, ioctl_count;

static void see_chunks(const union drm_amdgpu_cs *cs)
{
	const uint64_t *chunks = (const uint64_t *)(uintptr_t)cs->in.chunks;

	for (uint32_t i = 0; i < cs->in.num_chunks; i++) {
		const struct drm_amdgpu_cs_chunk *chunk = (const struct drm_amdgpu_cs_chunk *)(uintptr_t)chunks[i];

		if (chunk->chunk_id == AMDGPU_CHUNK_ID_IB)
			ib_bytes += ((const struct drm_amdgpu_cs_chunk_ib *)(uintptr_t)chunk->chunk_data)->ib_bytes;
	}
}

int ioctl(int fd, unsigned long request, ...)
{
	static int (*next)(int, unsigned long, ...);
	va_list list;
	void *arg;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "ioctl");
	va_start(list, request);
	arg = va_arg(list, void *);
	va_end(list);
	ioctl_count++;
	if (request == DRM_IOCTL_AMDGPU_CS)
		see_chunks(arg);
	return next(fd, request, arg);
}
#else
static const uint64_t ib_bytes, ioctl_count;
#endif

struct push {
	uint64_t x, y, z;
	uint32_t n;
	float a;
};

static VkInstance instance;
static VkPhysicalDevice physical;
static VkDevice device;
static VkQueue queue;
static uint32_t family;
static VkPipelineLayout layout;
static VkPipeline pipeline;
static VkCommandPool pool;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void make_device(void)
{
	VkApplicationInfo app = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_2};
	VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app};
	uint32_t count = 1;

	CHECK(vkCreateInstance(&info, NULL, &instance));
	if (vkEnumeratePhysicalDevices(instance, &count, &physical) < 0 || !count) {
		fprintf(stderr, "no Vulkan device\n");
		exit(1);
	}
	VkQueueFamilyProperties families[8];
	uint32_t family_count = 8;
	vkGetPhysicalDeviceQueueFamilyProperties(physical, &family_count, families);
	for (uint32_t i = 0; i < family_count; i++)
		if (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) {
			family = i;
			if (!(families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT))
				break;
		}
	float priority = 1;
	VkDeviceQueueCreateInfo queue_info = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
					      .queueFamilyIndex = family,
					      .queueCount = 1,
					      .pQueuePriorities = &priority};
	VkPhysicalDeviceVulkan12Features features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
						     .bufferDeviceAddress = VK_TRUE,
						     .scalarBlockLayout = VK_TRUE};
	VkDeviceCreateInfo device_info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
					  .pNext = &features,
					  .queueCreateInfoCount = 1,
					  .pQueueCreateInfos = &queue_info};
	CHECK(vkCreateDevice(physical, &device_info, NULL, &device));
	vkGetDeviceQueue(device, family, 0, &queue);
	VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
					     .queueFamilyIndex = family};
	CHECK(vkCreateCommandPool(device, &pool_info, NULL, &pool));
}

static void make_pipeline(const char *path)
{
	static uint32_t words[65536];
	FILE *file = fopen(path, "rb");
	size_t size = file ? fread(words, 1, sizeof(words), file) : 0;

	if (!size) {
		fprintf(stderr, "%s: cannot read\n", path);
		exit(1);
	}
	fclose(file);
	VkShaderModuleCreateInfo module_info = {
		.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = size, .pCode = words};
	VkShaderModule module;
	CHECK(vkCreateShaderModule(device, &module_info, NULL, &module));
	VkPushConstantRange range = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = sizeof(struct push)};
	VkPipelineLayoutCreateInfo layout_info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
						  .pushConstantRangeCount = 1,
						  .pPushConstantRanges = &range};
	CHECK(vkCreatePipelineLayout(device, &layout_info, NULL, &layout));
	VkComputePipelineCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
					    .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
						      .stage = VK_SHADER_STAGE_COMPUTE_BIT,
						      .module = module,
						      .pName = "main"},
					    .layout = layout};
	CHECK(vkCreateComputePipelines(device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline));
	vkDestroyShaderModule(device, module, NULL);
}

static float *make_buffer(size_t bytes, uint64_t *address_out)
{
	VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
				   .size = bytes,
				   .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
					    VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT};
	VkBuffer buffer;
	VkMemoryRequirements need;
	VkPhysicalDeviceMemoryProperties types;
	VkMemoryPropertyFlags want = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
	VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
					   .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
	VkMemoryAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .pNext = &flags};
	VkDeviceMemory memory;
	void *map;

	CHECK(vkCreateBuffer(device, &info, NULL, &buffer));
	vkGetBufferMemoryRequirements(device, buffer, &need);
	vkGetPhysicalDeviceMemoryProperties(physical, &types);
	allocate.allocationSize = need.size;
	while (!(need.memoryTypeBits >> allocate.memoryTypeIndex & 1) ||
	       (types.memoryTypes[allocate.memoryTypeIndex].propertyFlags & want) != want)
		allocate.memoryTypeIndex++;
	CHECK(vkAllocateMemory(device, &allocate, NULL, &memory));
	CHECK(vkBindBufferMemory(device, buffer, memory, 0));
	CHECK(vkMapMemory(device, memory, 0, VK_WHOLE_SIZE, 0, &map));
	VkBufferDeviceAddressInfo where = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO, .buffer = buffer};
	*address_out = vkGetBufferDeviceAddress(device, &where);
	return map;
}

static VkCommandBuffer begin(void)
{
	VkCommandBufferAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = pool, .commandBufferCount = 1};
	VkCommandBufferBeginInfo start = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
	VkCommandBuffer commands;

	CHECK(vkAllocateCommandBuffers(device, &info, &commands));
	CHECK(vkBeginCommandBuffer(commands, &start));
	vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
	return commands;
}

/* The two calls that are one launch; its own function so that a profiler can count what is below it. */
__attribute__((noinline)) void bench_launch(VkCommandBuffer commands, const struct push *push, uint32_t x, uint32_t y);
__attribute__((noinline)) void bench_launch(VkCommandBuffer commands, const struct push *push, uint32_t x, uint32_t y)
{
	vkCmdPushConstants(commands, layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(*push), push);
	vkCmdDispatch(commands, x, y, 1);
}

__attribute__((noinline)) void bench_submit(VkCommandBuffer commands, VkFence fence);
__attribute__((noinline)) void bench_submit(VkCommandBuffer commands, VkFence fence)
{
	VkSubmitInfo info = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};

	CHECK(vkQueueSubmit(queue, 1, &info, fence));
}

__attribute__((noinline)) void bench_wait(VkFence fence);
__attribute__((noinline)) void bench_wait(VkFence fence)
{
	CHECK(vkWaitForFences(device, 1, &fence, VK_TRUE, UINT64_MAX));
}

static VkFence make_fence(void)
{
	VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
	VkFence fence;

	CHECK(vkCreateFence(device, &info, NULL, &fence));
	return fence;
}

static int run(const char *kind)
{
	int saxpy = !strcmp(kind, "saxpy");
	uint32_t n = saxpy ? 1 << 20 : 512;
	size_t count = saxpy ? n : (size_t)n * n;
	struct push push = {.n = n, .a = 2};
	float *x = make_buffer(count * 4, &push.x), *y = make_buffer(count * 4, &push.y),
	      *z = make_buffer(count * 4, &push.z);
	VkFence fence = make_fence();
	uint64_t best = UINT64_MAX;

	for (size_t i = 0; i < count; i++) {
		x[i] = (float)(i % 17);
		y[i] = (float)(i % 13);
	}
	VkCommandBuffer commands = begin();
	bench_launch(commands, &push, saxpy ? n / 64 : n / 16, saxpy ? 1 : n / 16);
	CHECK(vkEndCommandBuffer(commands));
	for (int i = 0; i < 6; i++) {
		uint64_t start = now_ns();
		bench_submit(commands, fence);
		bench_wait(fence);
		uint64_t took = now_ns() - start;
		CHECK(vkResetFences(device, 1, &fence));
		if (i && took < best)
			best = took;
	}
	for (size_t i = 0; i < count; i += 997) {
		float want = 0;
		if (saxpy) {
			want = 2 * x[i] + y[i];
		} else {
			for (uint32_t k = 0; k < n; k++)
				want += x[i / n * n + k] * y[k * n + i % n];
			want *= 2;
		}
		if (fabsf(z[i] - want) > fabsf(want) * 1e-4f) {
			fprintf(stderr, "%s: element %zu is %g, want %g\n", kind, i, (double)z[i], (double)want);
			return 1;
		}
	}
	printf("%llu\n", (unsigned long long)best);
	return 0;
}

static void barrier(VkCommandBuffer commands)
{
	VkMemoryBarrier memory = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
				  .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
				  .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT};

	vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 1,
			     &memory, 0, NULL, 0, NULL);
}

/* Bytes of the streams that n further dispatches make; what is submitted in front of them is the same for every n. */
static uint64_t stream_bytes(const char *kind, unsigned n, struct push push)
{
	VkCommandBuffer commands = begin();
	VkFence fence = make_fence();
	uint32_t *raw = (uint32_t *)&push;
	uint64_t before;

	bench_launch(commands, &push, 1, 1);
	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; !strcmp(kind, "eight") && k < 8; k++)
			raw[k]++;
		push.a += !strcmp(kind, "one");
		if (!strcmp(kind, "barrier"))
			barrier(commands);
		if (!strcmp(kind, "one") || !strcmp(kind, "eight"))
			bench_launch(commands, &push, 1, 1);
		else
			vkCmdDispatch(commands, 1, 1, 1);
	}
	CHECK(vkEndCommandBuffer(commands));
	before = ib_bytes;
	bench_submit(commands, fence);
	bench_wait(fence);
	vkDestroyFence(device, fence, NULL);
	return ib_bytes - before;
}

static int dwords(const char *kind, const struct push *push)
{
	const unsigned few = 10, many = 110; /* streams are padded: the difference of two, rounded */
	uint64_t bytes = stream_bytes(kind, many, *push) - stream_bytes(kind, few, *push);

	if (!ib_bytes) {
		fprintf(stderr, "bench_vk: built without -DSEE_IBS, or not RADV\n");
		return 1;
	}
	printf("%.0f\n", (double)bytes / 4 / (many - few));
	return 0;
}

/* The parts of a round; submission and wait are bench_submit() and bench_wait(). */
__attribute__((noinline)) void side_record(VkCommandBuffer commands, struct push push, unsigned launches);
__attribute__((noinline)) void side_record(VkCommandBuffer commands, struct push push, unsigned launches)
{
	VkCommandBufferBeginInfo start = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
					  .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};

	CHECK(vkResetCommandPool(device, pool, 0));
	CHECK(vkBeginCommandBuffer(commands, &start));
	vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
	for (unsigned i = 0; i < launches; i++) {
		push.a = (float)i;
		vkCmdPushConstants(commands, layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(push), &push);
		vkCmdDispatch(commands, 1, 1, 1);
		push.x += SIDE_FLOATS * 4;
		push.y += SIDE_FLOATS * 4;
		push.z += SIDE_FLOATS * 4;
	}
	CHECK(vkEndCommandBuffer(commands));
}

__attribute__((noinline)) void side_reset(VkFence fence);
__attribute__((noinline)) void side_reset(VkFence fence)
{
	CHECK(vkResetFences(device, 1, &fence));
}

static void side_round(VkCommandBuffer commands, const struct push *push, VkFence fence, unsigned launches,
		       unsigned pause_us)
{
	side_record(commands, *push, launches);
	bench_submit(commands, fence);
	if (pause_us)
		usleep(pause_us);
	bench_wait(fence);
	side_reset(fence);
}

static int side(unsigned rounds)
{
	const unsigned launches = side_number("SIDE_N", 1), pause_us = side_number("SIDE_PAUSE_US", 0);
	struct side side = {.ns = calloc(rounds + 1, sizeof(*side.ns))};
	struct push push = {.n = SIDE_FLOATS};
	const size_t bytes = (size_t)SIDE_MAX * SIDE_FLOATS * 4;
	float *x = make_buffer(bytes, &push.x), *y = make_buffer(bytes, &push.y), *z = make_buffer(bytes, &push.z);
	VkCommandBuffer commands = begin();
	VkFence fence = make_fence();
	uint64_t ioctls, dw_bytes;
	int ret = 0;

	side_fill(x, y);
	for (unsigned i = 0; rounds && !pause_us && i < SIDE_WARM; i++)
		side_round(commands, &push, fence, launches, 0);
	ioctls = ioctl_count;
	dw_bytes = ib_bytes;
	for (unsigned i = 0; i < rounds; i++) {
		side_begin(&side);
		side_round(commands, &push, fence, launches, pause_us);
		side_end(&side);
	}
	if (rounds) {
		side_print(&side, ioctl_count - ioctls, (ib_bytes - dw_bytes) / 4);
		ret = side_check(x, y, z, launches);
	}
	free(side.ns);
	return ret;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr,
			"usage: bench_vk record N SPV | submit N SPV | run saxpy|matmul SPV | side ROUNDS SPV | "
			"dwords same|one|eight|barrier SPV\n");
		return 2;
	}
	make_device();
	make_pipeline(argv[3]);
	if (!strcmp(argv[1], "run"))
		return run(argv[2]);
	if (!strcmp(argv[1], "side"))
		return side((unsigned)strtoul(argv[2], NULL, 10));
	unsigned n = (unsigned)strtoul(argv[2], NULL, 10);
	struct push push = {.n = 0, .a = 2};
	make_buffer(4096, &push.x);
	push.y = push.z = push.x;
	if (!strcmp(argv[1], "dwords"))
		return dwords(argv[2], &push);
	VkCommandBuffer commands = begin();
	unsigned launches = strcmp(argv[1], "record") ? 1 : n;
	for (unsigned i = 0; i < launches; i++) {
		push.x += 4;
		push.y += 4;
		push.z += 4;
		push.a += 1;
		bench_launch(commands, &push, 1, 1);
	}
	CHECK(vkEndCommandBuffer(commands));
	VkFence fence = make_fence();
	for (unsigned i = 0; !strcmp(argv[1], "submit") && i < n; i++) {
		bench_submit(commands, fence);
		usleep(2000); /* as in bench_df.c */
		bench_wait(fence);
		CHECK(vkResetFences(device, 1, &fence));
	}
	return 0;
}

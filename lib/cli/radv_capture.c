/* SPDX-License-Identifier: MIT */
/*
 * drumfire-radv: makes Mesa's RADV compile one compute shader and record one dispatch of it, so that the software GPU
 * under it (libdrumfire-shim.so with DRUMFIRE_CAPTURE set) can write down the code and the registers. A program of its
 * own, because it alone needs Vulkan; drumfire pack runs it twice with different push constants and compares.
 *
 *	drumfire-radv SHADER.spv PUSH_BYTES FIRST GROUPS_X GROUPS_Y GROUPS_Z
 *
 * Push constants are the dwords FIRST, FIRST + 2, FIRST + 4 ... What the shader makes of them does not matter:
 *addresses among them are not mapped, and a dispatch that does not end in time is left behind. Prints "wave N" and the
 *driver's own statistics, one "name: value" a line.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vulkan/vulkan.h>

#define PUSH_MAX_B     128u
#define VENDOR_AMD     0x1002u
#define WAIT_NS        3000000000ull
#define MAX_STATISTICS 64u

struct run {
	VkInstance instance;
	VkPhysicalDevice physical;
	VkDevice device;
	VkQueue queue;
	uint32_t family;
	VkShaderModule module;
	VkPipelineLayout layout;
	VkPipeline pipeline;
	VkCommandBuffer commands;
	uint32_t push[PUSH_MAX_B / 4];
	uint32_t push_B;
	uint32_t groups[3];
};

static int failed(const char *what, VkResult result)
{
	fprintf(stderr, "%s: Vulkan error %d\n", what, (int)result);
	return 1;
}

static void print_driver(VkPhysicalDevice physical)
{
	VkPhysicalDeviceDriverProperties driver = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
	VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
						  .pNext = &driver};

	vkGetPhysicalDeviceProperties2(physical, &properties);
	printf("driver: %s\n", driver.driverInfo);
}

static int find_device(struct run *run)
{
	VkApplicationInfo app = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_3};
	VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app};
	VkPhysicalDevice devices[16];
	uint32_t count = 16;
	VkResult result = vkCreateInstance(&info, NULL, &run->instance);

	if (result != VK_SUCCESS)
		return failed("vkCreateInstance", result);
	result = vkEnumeratePhysicalDevices(run->instance, &count, devices);
	if (result != VK_SUCCESS && result != VK_INCOMPLETE)
		return failed("vkEnumeratePhysicalDevices", result);
	for (uint32_t i = 0; i < count; i++) {
		VkPhysicalDeviceProperties properties;

		vkGetPhysicalDeviceProperties(devices[i], &properties);
		if (properties.vendorID != VENDOR_AMD)
			continue;
		run->physical = devices[i];
		print_driver(run->physical);
		return 0;
	}
	fprintf(stderr, "RADV shows no AMD device\n");
	return 1;
}

static int find_family(struct run *run)
{
	VkQueueFamilyProperties families[16];
	uint32_t count = 16;

	vkGetPhysicalDeviceQueueFamilyProperties(run->physical, &count, families);
	for (uint32_t i = 0; i < count; i++) {
		if (!(families[i].queueFlags & VK_QUEUE_COMPUTE_BIT))
			continue;
		run->family = i;
		return 0;
	}
	fprintf(stderr, "RADV shows no compute queue\n");
	return 1;
}

/* With every feature that there is, but for the bounds checks that would change the code. */
static int make_device(struct run *run)
{
	VkPhysicalDeviceVulkan13Features f13 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES};
	VkPhysicalDeviceVulkan12Features f12 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
						.pNext = &f13};
	VkPhysicalDeviceVulkan11Features f11 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
						.pNext = &f12};
	VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR executable = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR,
		.pNext = &f11,
	};
	VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
					      .pNext = &executable};
	const char *extensions[] = {VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME};
	float priority = 1.0f;
	VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
					 .queueFamilyIndex = run->family,
					 .queueCount = 1,
					 .pQueuePriorities = &priority};
	VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
				   .pNext = &features,
				   .queueCreateInfoCount = 1,
				   .pQueueCreateInfos = &queue,
				   .enabledExtensionCount = 1,
				   .ppEnabledExtensionNames = extensions};
	VkResult result;

	vkGetPhysicalDeviceFeatures2(run->physical, &features);
	features.features.robustBufferAccess = VK_FALSE;
	f13.robustImageAccess = VK_FALSE;
	result = vkCreateDevice(run->physical, &info, NULL, &run->device);
	if (result != VK_SUCCESS)
		return failed("vkCreateDevice", result);
	vkGetDeviceQueue(run->device, run->family, 0, &run->queue);
	return 0;
}

static int load_shader(struct run *run, const char *path)
{
	FILE *file = fopen(path, "rb");
	VkShaderModuleCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
	uint32_t *words = NULL;
	long size = -1;
	VkResult result = VK_ERROR_UNKNOWN;

	if (file && fseek(file, 0, SEEK_END) == 0)
		size = ftell(file);
	if (size > 0)
		words = malloc((size_t)size);
	if (words) {
		rewind(file);
		info.codeSize = fread(words, 1, (size_t)size, file);
		info.pCode = words;
		result = vkCreateShaderModule(run->device, &info, NULL, &run->module);
	}
	free(words);
	if (file)
		fclose(file);
	return result == VK_SUCCESS ? 0 : failed(path, result);
}

static int make_pipeline(struct run *run)
{
	VkPushConstantRange range = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = run->push_B};
	VkPipelineLayoutCreateInfo layout = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
					     .pushConstantRangeCount = run->push_B ? 1 : 0,
					     .pPushConstantRanges = &range};
	VkComputePipelineCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
		.flags = VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR,
		.stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
			  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
			  .module = run->module,
			  .pName = "main"},
	};
	VkResult result = vkCreatePipelineLayout(run->device, &layout, NULL, &run->layout);

	if (result != VK_SUCCESS)
		return failed("vkCreatePipelineLayout", result);
	info.layout = run->layout;
	result = vkCreateComputePipelines(run->device, VK_NULL_HANDLE, 1, &info, NULL, &run->pipeline);
	return result == VK_SUCCESS ? 0 : failed("vkCreateComputePipelines", result);
}

static void print_statistic(const VkPipelineExecutableStatisticKHR *statistic)
{
	if (statistic->format == VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR)
		printf("%s: %" PRIu64 "\n", statistic->name, statistic->value.u64);
}

static int print_statistics(struct run *run)
{
	PFN_vkGetPipelineExecutablePropertiesKHR get_properties =
		(PFN_vkGetPipelineExecutablePropertiesKHR)(uintptr_t)vkGetDeviceProcAddr(
			run->device, "vkGetPipelineExecutablePropertiesKHR");
	PFN_vkGetPipelineExecutableStatisticsKHR get_statistics =
		(PFN_vkGetPipelineExecutableStatisticsKHR)(uintptr_t)vkGetDeviceProcAddr(
			run->device, "vkGetPipelineExecutableStatisticsKHR");
	VkPipelineInfoKHR which = {.sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, .pipeline = run->pipeline};
	VkPipelineExecutableInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR,
					    .pipeline = run->pipeline};
	VkPipelineExecutablePropertiesKHR properties = {.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR};
	VkPipelineExecutableStatisticKHR statistics[MAX_STATISTICS];
	uint32_t count = 1;
	VkResult result;

	if (!get_properties || !get_statistics)
		return failed("VK_KHR_pipeline_executable_properties", VK_ERROR_EXTENSION_NOT_PRESENT);
	result = get_properties(run->device, &which, &count, &properties);
	if (result != VK_SUCCESS || count != 1)
		return failed("vkGetPipelineExecutablePropertiesKHR", result);
	printf("wave: %u\n", properties.subgroupSize);
	count = MAX_STATISTICS;
	for (uint32_t i = 0; i < count; i++)
		statistics[i] = (VkPipelineExecutableStatisticKHR){
			.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR};
	result = get_statistics(run->device, &info, &count, statistics);
	if (result != VK_SUCCESS)
		return failed("vkGetPipelineExecutableStatisticsKHR", result);
	for (uint32_t i = 0; i < count; i++)
		print_statistic(&statistics[i]);
	return fflush(stdout) ? 1 : 0;
}

static int record(struct run *run)
{
	VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
					     .queueFamilyIndex = run->family};
	VkCommandBufferAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
						.commandBufferCount = 1};
	VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
	VkResult result = vkCreateCommandPool(run->device, &pool_info, NULL, &allocate.commandPool);

	if (result == VK_SUCCESS)
		result = vkAllocateCommandBuffers(run->device, &allocate, &run->commands);
	if (result == VK_SUCCESS)
		result = vkBeginCommandBuffer(run->commands, &begin);
	if (result != VK_SUCCESS)
		return failed("command buffer", result);
	vkCmdBindPipeline(run->commands, VK_PIPELINE_BIND_POINT_COMPUTE, run->pipeline);
	if (run->push_B)
		vkCmdPushConstants(run->commands, run->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, run->push_B, run->push);
	vkCmdDispatch(run->commands, run->groups[0], run->groups[1], run->groups[2]);
	result = vkEndCommandBuffer(run->commands);
	return result == VK_SUCCESS ? 0 : failed("vkEndCommandBuffer", result);
}

static int submit(struct run *run)
{
	VkSubmitInfo info = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &run->commands};
	VkFenceCreateInfo fence_info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
	VkFence fence;
	VkResult result = vkCreateFence(run->device, &fence_info, NULL, &fence);

	if (result == VK_SUCCESS)
		result = vkQueueSubmit(run->queue, 1, &info, fence);
	if (result != VK_SUCCESS)
		return failed("vkQueueSubmit", result);
	/* The capture is complete once the dispatch has begun; how it ends is of no interest. */
	(void)vkWaitForFences(run->device, 1, &fence, VK_TRUE, WAIT_NS);
	return 0;
}

static int parse(struct run *run, char **argv)
{
	unsigned long push_B = strtoul(argv[2], NULL, 0), first = strtoul(argv[3], NULL, 0);

	if (push_B > PUSH_MAX_B || push_B % 4) {
		fprintf(stderr, "%lu bytes of push constants, RADV takes up to %u in steps of 4\n", push_B, PUSH_MAX_B);
		return 1;
	}
	run->push_B = (uint32_t)push_B;
	for (uint32_t i = 0; i < PUSH_MAX_B / 4; i++)
		run->push[i] = (uint32_t)first + 2 * i;
	for (int d = 0; d < 3; d++)
		run->groups[d] = (uint32_t)strtoul(argv[4 + d], NULL, 0);
	return 0;
}

int main(int argc, char **argv)
{
	struct run run = {0};

	if (argc != 7) {
		fprintf(stderr, "usage: drumfire-radv SHADER.spv PUSH_BYTES FIRST GROUPS_X GROUPS_Y GROUPS_Z\n");
		return 2;
	}
	if (parse(&run, argv) || find_device(&run) || find_family(&run) || make_device(&run) ||
	    load_shader(&run, argv[1]) || make_pipeline(&run) || print_statistics(&run) || record(&run) || submit(&run))
		return 1;
	/* A dispatch may still run: leave it behind, with everything else. */
	fflush(NULL);
	_exit(0);
}

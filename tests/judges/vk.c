/* SPDX-License-Identifier: MIT */
/* vk.c - see vk.h. */
#include "vk.h"

#define WAIT_NS   120000000000ull
#define MAX_WORDS 65536

const char *vk_folder = ".";
static unsigned passed, failed;

void vk_must(VkResult result, const char *what)
{
	if (result == VK_SUCCESS)
		return;
	printf("FAILED: %s: %d\n%u passed, %u failed\n", what, (int)result, passed, failed + 1);
	exit(1);
}

void vk_check(bool ok, const char *what)
{
	printf("%s: %s\n", ok ? "ok" : "FAILED", what);
	ok ? passed++ : failed++;
}

void vk_equal(const uint32_t *got, const uint32_t *want, uint32_t count, const char *what)
{
	uint32_t i = 0;

	while (i < count && got[i] == want[i])
		i++;
	if (i < count)
		printf("word %u is 0x%08x, expected 0x%08x\n", i, got[i], want[i]);
	vk_check(i == count, what);
}

uint32_t vk_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state ^ *state >> 15;
}

int vk_summary(void)
{
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}

static uint32_t choose_family(VkPhysicalDevice physical)
{
	const char *wanted = getenv("VK_JUDGE_FAMILY");
	VkQueueFamilyProperties families[8];
	uint32_t count = 8, best = 0;

	if (wanted)
		return (uint32_t)strtoul(wanted, NULL, 10);
	vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, families);
	for (uint32_t i = 0; i < count; i++)
		if ((families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) &&
		    !(families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT))
			best = i;
	return best;
}

static void open_physical(struct vk_rig *rig)
{
	VkApplicationInfo app = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_2};
	VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app};
	uint32_t count = 1;
	VkResult result;

	VK_MUST(vkCreateInstance(&info, NULL, &rig->instance));
	result = vkEnumeratePhysicalDevices(rig->instance, &count, &rig->physical);
	vk_must(result < 0 || !count ? VK_ERROR_INITIALIZATION_FAILED : VK_SUCCESS, "a device");
	rig->subgroup.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES;
	rig->properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
	rig->properties.pNext = &rig->subgroup;
	vkGetPhysicalDeviceProperties2(rig->physical, &rig->properties);
	printf("device: %s, driver %x, subgroups of %u\n", rig->properties.properties.deviceName,
	       rig->properties.properties.driverVersion, rig->subgroup.subgroupSize);
	rig->features12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
	rig->features11.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES;
	rig->features11.pNext = &rig->features12;
	rig->features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
	rig->features.pNext = &rig->features11;
	vkGetPhysicalDeviceFeatures2(rig->physical, &rig->features);
	rig->features.features.robustBufferAccess = VK_FALSE;
	rig->features12.bufferDeviceAddressCaptureReplay = VK_FALSE;
}

void vk_open(struct vk_rig *rig)
{
	float priority = 1;
	VkDeviceQueueCreateInfo queue = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
	VkDeviceCreateInfo device = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
				     .pNext = &rig->features,
				     .queueCreateInfoCount = 1,
				     .pQueueCreateInfos = &queue};
	VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};

	memset(rig, 0, sizeof(*rig));
	open_physical(rig);
	rig->family = queue.queueFamilyIndex = pool.queueFamilyIndex = choose_family(rig->physical);
	VK_MUST(vkCreateDevice(rig->physical, &device, NULL, &rig->device));
	vkGetDeviceQueue(rig->device, rig->family, 0, &rig->queue);
	VK_MUST(vkCreateCommandPool(rig->device, &pool, NULL, &rig->commands));
}

void vk_close(struct vk_rig *rig)
{
	vkDestroyCommandPool(rig->device, rig->commands, NULL);
	vkDestroyDevice(rig->device, NULL);
	vkDestroyInstance(rig->instance, NULL);
}

static uint32_t memory_type(struct vk_rig *rig, uint32_t allowed)
{
	const VkMemoryPropertyFlags wanted = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
	VkPhysicalDeviceMemoryProperties memory;

	vkGetPhysicalDeviceMemoryProperties(rig->physical, &memory);
	for (uint32_t i = 0; i < memory.memoryTypeCount; i++)
		if ((allowed >> i & 1) && (memory.memoryTypes[i].propertyFlags & wanted) == wanted)
			return i;
	vk_must(VK_ERROR_FEATURE_NOT_PRESENT, "memory that the CPU sees");
	return 0;
}

struct vk_buffer vk_buffer(struct vk_rig *rig, VkDeviceSize size)
{
	struct vk_buffer buffer = {.size = size};
	VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
				   .size = size,
				   .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT |
					    VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
					    VK_BUFFER_USAGE_TRANSFER_DST_BIT |
					    VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT};
	VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
					   .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
	VkMemoryAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .pNext = &flags};
	VkBufferDeviceAddressInfo address = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO};
	VkMemoryRequirements needs;
	uint32_t state = (uint32_t)size;

	VK_MUST(vkCreateBuffer(rig->device, &info, NULL, &buffer.buffer));
	vkGetBufferMemoryRequirements(rig->device, buffer.buffer, &needs);
	allocate.allocationSize = needs.size;
	allocate.memoryTypeIndex = memory_type(rig, needs.memoryTypeBits);
	VK_MUST(vkAllocateMemory(rig->device, &allocate, NULL, &buffer.memory));
	VK_MUST(vkBindBufferMemory(rig->device, buffer.buffer, buffer.memory, 0));
	VK_MUST(vkMapMemory(rig->device, buffer.memory, 0, VK_WHOLE_SIZE, 0, (void **)&buffer.word));
	address.buffer = buffer.buffer;
	buffer.address = vkGetBufferDeviceAddress(rig->device, &address);
	for (VkDeviceSize i = 0; i < size / 4; i++)
		buffer.word[i] = vk_random(&state);
	return buffer;
}

void vk_buffer_destroy(struct vk_rig *rig, struct vk_buffer *buffer)
{
	vkDestroyBuffer(rig->device, buffer->buffer, NULL);
	vkFreeMemory(rig->device, buffer->memory, NULL);
}

static VkShaderModule load_module(struct vk_rig *rig, const char *name)
{
	static uint32_t code[MAX_WORDS];
	VkShaderModuleCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .pCode = code};
	VkShaderModule module = VK_NULL_HANDLE;
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.spv", vk_folder, name);
	file = fopen(path, "rb");
	vk_must(file ? VK_SUCCESS : VK_ERROR_INITIALIZATION_FAILED, path);
	info.codeSize = fread(code, 1, sizeof(code), file);
	fclose(file);
	VK_MUST(vkCreateShaderModule(rig->device, &info, NULL, &module));
	return module;
}

struct vk_kernel vk_kernel(struct vk_rig *rig, const char *name, uint32_t push_B, uint32_t sets,
			   const VkDescriptorSetLayout *layouts, const VkSpecializationInfo *constants)
{
	struct vk_kernel kernel;
	VkPushConstantRange push = {VK_SHADER_STAGE_COMPUTE_BIT, 0, push_B};
	VkPipelineLayoutCreateInfo layout = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
					     .setLayoutCount = sets,
					     .pSetLayouts = layouts,
					     .pushConstantRangeCount = push_B ? 1 : 0,
					     .pPushConstantRanges = &push};
	VkComputePipelineCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};

	info.stage = (VkPipelineShaderStageCreateInfo){.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
						       .stage = VK_SHADER_STAGE_COMPUTE_BIT,
						       .module = load_module(rig, name),
						       .pName = "main",
						       .pSpecializationInfo = constants};
	VK_MUST(vkCreatePipelineLayout(rig->device, &layout, NULL, &kernel.layout));
	info.layout = kernel.layout;
	VK_MUST(vkCreateComputePipelines(rig->device, VK_NULL_HANDLE, 1, &info, NULL, &kernel.pipeline));
	vkDestroyShaderModule(rig->device, info.stage.module, NULL);
	return kernel;
}

void vk_kernel_destroy(struct vk_rig *rig, struct vk_kernel *kernel)
{
	vkDestroyPipeline(rig->device, kernel->pipeline, NULL);
	vkDestroyPipelineLayout(rig->device, kernel->layout, NULL);
}

VkCommandBuffer vk_begin(struct vk_rig *rig)
{
	VkCommandBufferAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
						.commandPool = rig->commands,
						.commandBufferCount = 1};
	VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
	VkCommandBuffer commands;

	VK_MUST(vkAllocateCommandBuffers(rig->device, &allocate, &commands));
	VK_MUST(vkBeginCommandBuffer(commands, &begin));
	return commands;
}

void vk_launch(VkCommandBuffer commands, const struct vk_kernel *kernel, const void *push, uint32_t push_B, uint32_t x,
	       uint32_t y, uint32_t z)
{
	vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, kernel->pipeline);
	if (push_B)
		vkCmdPushConstants(commands, kernel->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, push_B, push);
	vkCmdDispatch(commands, x, y, z);
}

void vk_barrier(VkCommandBuffer commands)
{
	VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
				   .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
				   .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT};

	vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
			     VK_PIPELINE_STAGE_ALL_COMMANDS_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, NULL,
			     0, NULL);
}

VkResult vk_finish(struct vk_rig *rig, VkCommandBuffer commands)
{
	VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
	VkSubmitInfo submit = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
	VkFence fence;
	VkResult result;

	vk_barrier(commands);
	VK_MUST(vkEndCommandBuffer(commands));
	VK_MUST(vkCreateFence(rig->device, &info, NULL, &fence));
	result = vkQueueSubmit(rig->queue, 1, &submit, fence);
	if (result == VK_SUCCESS)
		result = vkWaitForFences(rig->device, 1, &fence, VK_TRUE, WAIT_NS);
	vkDestroyFence(rig->device, fence, NULL);
	vkFreeCommandBuffers(rig->device, rig->commands, 1, &commands);
	return result;
}

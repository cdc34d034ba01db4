/* SPDX-License-Identifier: MIT */
/*
 * vk_smoke.c - a Vulkan compute program that knows nothing of drumfire: device, buffers, descriptors, push constants,
 * two dispatches with a barrier between, submit, fence, results compared with the CPU's. Runs over the shim.
 *
 * vk_smoke SHADER.spv
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#define COUNT  1000u
#define GROUPS ((COUNT + 63) / 64)

static unsigned passed, failed;

static int check(int ok, const char *what)
{
	printf("%s: %s\n", ok ? "ok" : "FAILED", what);
	ok ? passed++ : failed++;
	return ok;
}

#define VK(call) check((call) == VK_SUCCESS, #call)

struct vk {
	VkInstance instance;
	VkPhysicalDevice physical;
	VkDevice device;
	VkQueue queue;
	uint32_t family;
	VkPipelineLayout layout;
	VkDescriptorSetLayout set_layout;
	VkPipeline pipeline;
	VkDescriptorPool pool;
	VkCommandPool commands;
};

struct buffer {
	VkBuffer buffer;
	VkDeviceMemory memory;
	uint32_t *map;
};

static int open_device(struct vk *vk)
{
	VkApplicationInfo app = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_1};
	VkInstanceCreateInfo instance = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app};
	float priority = 1;
	VkDeviceQueueCreateInfo queue = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
	VkDeviceCreateInfo device = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue};
	VkQueueFamilyProperties families[8];
	const char *wanted;
	VkPhysicalDeviceProperties properties;
	uint32_t count = 1;

	if (!VK(vkCreateInstance(&instance, NULL, &vk->instance)))
		return 0;
	if (vkEnumeratePhysicalDevices(vk->instance, &count, &vk->physical) < 0 || !check(count == 1, "a device"))
		return 0;
	vkGetPhysicalDeviceProperties(vk->physical, &properties);
	printf("device: %s\n", properties.deviceName);
	check(properties.vendorID == 0x1002, "the vendor is AMD");
	count = 8;
	vkGetPhysicalDeviceQueueFamilyProperties(vk->physical, &count, families);
	wanted = getenv("VK_SMOKE_FAMILY");
	vk->family = ~0u;
	for (uint32_t i = 0; i < count; i++) /* a queue family for compute alone, where there is one */
		if (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT &&
		    (vk->family == ~0u || !(families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT)))
			vk->family = i;
	if (wanted)
		vk->family = (uint32_t)strtoul(wanted, NULL, 10);
	queue.queueFamilyIndex = vk->family;
	if (!VK(vkCreateDevice(vk->physical, &device, NULL, &vk->device)))
		return 0;
	vkGetDeviceQueue(vk->device, vk->family, 0, &vk->queue);
	return 1;
}

static int make_buffer(struct vk *vk, VkDeviceSize size, struct buffer *buffer)
{
	VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
				   .size = size,
				   .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT};
	VkMemoryAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
	VkMemoryPropertyFlags wanted = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
	VkPhysicalDeviceMemoryProperties memory;
	VkMemoryRequirements needs;

	if (!VK(vkCreateBuffer(vk->device, &info, NULL, &buffer->buffer)))
		return 0;
	vkGetBufferMemoryRequirements(vk->device, buffer->buffer, &needs);
	vkGetPhysicalDeviceMemoryProperties(vk->physical, &memory);
	allocate.allocationSize = needs.size;
	for (uint32_t i = memory.memoryTypeCount; i-- > 0;)
		if ((needs.memoryTypeBits >> i & 1) && (memory.memoryTypes[i].propertyFlags & wanted) == wanted)
			allocate.memoryTypeIndex = i;
	return VK(vkAllocateMemory(vk->device, &allocate, NULL, &buffer->memory)) &&
	       VK(vkBindBufferMemory(vk->device, buffer->buffer, buffer->memory, 0)) &&
	       VK(vkMapMemory(vk->device, buffer->memory, 0, VK_WHOLE_SIZE, 0, (void **)&buffer->map));
}

static int make_pipeline(struct vk *vk, const char *path)
{
	VkDescriptorSetLayoutBinding bindings[3];
	VkDescriptorSetLayoutCreateInfo set = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 3, .pBindings = bindings};
	VkPushConstantRange push = {VK_SHADER_STAGE_COMPUTE_BIT, 0, 12};
	VkPipelineLayoutCreateInfo layout = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
					     .setLayoutCount = 1,
					     .pSetLayouts = &vk->set_layout,
					     .pushConstantRangeCount = 1,
					     .pPushConstantRanges = &push};
	VkShaderModuleCreateInfo module = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
	VkComputePipelineCreateInfo pipeline = {.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
	static uint32_t code[65536];
	FILE *file = fopen(path, "rb");
	int ok;

	if (!check(file != NULL, "the shader's file"))
		return 0;
	module.codeSize = fread(code, 1, sizeof(code), file);
	module.pCode = code;
	fclose(file);
	for (uint32_t i = 0; i < 3; i++)
		bindings[i] = (VkDescriptorSetLayoutBinding){i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1,
							     VK_SHADER_STAGE_COMPUTE_BIT, NULL};
	pipeline.stage = (VkPipelineShaderStageCreateInfo){.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
							   .stage = VK_SHADER_STAGE_COMPUTE_BIT,
							   .pName = "main"};
	ok = VK(vkCreateDescriptorSetLayout(vk->device, &set, NULL, &vk->set_layout)) &&
	     VK(vkCreatePipelineLayout(vk->device, &layout, NULL, &vk->layout)) &&
	     VK(vkCreateShaderModule(vk->device, &module, NULL, &pipeline.stage.module));
	if (!ok)
		return 0;
	pipeline.layout = vk->layout;
	ok = VK(vkCreateComputePipelines(vk->device, VK_NULL_HANDLE, 1, &pipeline, NULL, &vk->pipeline));
	vkDestroyShaderModule(vk->device, pipeline.stage.module, NULL);
	return ok;
}

static VkDescriptorSet make_set(struct vk *vk, const struct buffer *from, const struct buffer *to,
				const struct buffer *sums)
{
	VkDescriptorSetAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
						.descriptorPool = vk->pool,
						.descriptorSetCount = 1,
						.pSetLayouts = &vk->set_layout};
	VkDescriptorBufferInfo infos[3] = {
		{from->buffer, 0, VK_WHOLE_SIZE}, {to->buffer, 0, VK_WHOLE_SIZE}, {sums->buffer, 0, VK_WHOLE_SIZE}};
	VkWriteDescriptorSet write = {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
				      .descriptorCount = 3,
				      .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
				      .pBufferInfo = infos};
	VkDescriptorSet set = VK_NULL_HANDLE;

	if (VK(vkAllocateDescriptorSets(vk->device, &allocate, &set))) {
		write.dstSet = set;
		vkUpdateDescriptorSets(vk->device, 1, &write, 0, NULL);
	}
	return set;
}

static void dispatch(struct vk *vk, VkCommandBuffer commands, VkDescriptorSet set, uint32_t a, uint32_t shift)
{
	uint32_t push[3] = {a, shift, COUNT};

	vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, vk->pipeline);
	vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, vk->layout, 0, 1, &set, 0, NULL);
	vkCmdPushConstants(commands, vk->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(push), push);
	vkCmdDispatch(commands, GROUPS, 1, 1);
}

static int run(struct vk *vk, VkDescriptorSet first, VkDescriptorSet second)
{
	VkCommandBufferAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
						.commandPool = vk->commands,
						.commandBufferCount = 1};
	VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
	VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
				   .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
				   .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_HOST_READ_BIT};
	VkFenceCreateInfo fence_info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
	VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1};
	VkCommandBuffer commands;
	VkFence fence;
	int ok;

	if (!VK(vkAllocateCommandBuffers(vk->device, &allocate, &commands)) ||
	    !VK(vkBeginCommandBuffer(commands, &begin)))
		return 0;
	dispatch(vk, commands, first, 3, 1);
	vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
			     VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, NULL,
			     0, NULL);
	dispatch(vk, commands, second, 5, 7);
	vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier,
			     0, NULL, 0, NULL);
	submit.pCommandBuffers = &commands;
	if (!VK(vkEndCommandBuffer(commands)) || !VK(vkCreateFence(vk->device, &fence_info, NULL, &fence)))
		return 0;
	ok = VK(vkQueueSubmit(vk->queue, 1, &submit, fence)) &&
	     VK(vkWaitForFences(vk->device, 1, &fence, VK_TRUE, 60000000000ull));
	vkDestroyFence(vk->device, fence, NULL);
	return ok;
}

static uint32_t mix(const uint32_t *in, uint32_t i, uint32_t a, uint32_t shift)
{
	return a * in[i] + in[(i + shift) % COUNT];
}

/* want gets what the dispatch should have written. */
static unsigned compare(const uint32_t *in, const uint32_t *out, const uint32_t *sums, uint32_t a, uint32_t shift,
			uint32_t *want)
{
	uint32_t want_sums[GROUPS] = {0};
	unsigned wrong = 0;

	for (uint32_t i = 0; i < COUNT; i++) {
		want[i] = mix(in, i, a, shift);
		want_sums[i / 64] += want[i];
		wrong += out[i] != want[i];
	}
	for (uint32_t i = 0; i < GROUPS; i++)
		wrong += sums[i] != want_sums[i];
	return wrong;
}

int main(int argc, char **argv)
{
	VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 6};
	VkDescriptorPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
					   .maxSets = 2,
					   .poolSizeCount = 1,
					   .pPoolSizes = &size};
	VkCommandPoolCreateInfo commands = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
	static uint32_t want[2][COUNT];
	struct buffer in, middle, out, sums[2];
	struct vk vk = {0};

	if (argc < 2 || !open_device(&vk))
		goto end;
	commands.queueFamilyIndex = vk.family;
	if (!make_pipeline(&vk, argv[1]) || !VK(vkCreateDescriptorPool(vk.device, &pool, NULL, &vk.pool)) ||
	    !VK(vkCreateCommandPool(vk.device, &commands, NULL, &vk.commands)))
		goto end;
	if (!make_buffer(&vk, COUNT * 4, &in) || !make_buffer(&vk, COUNT * 4, &middle) ||
	    !make_buffer(&vk, COUNT * 4, &out) || !make_buffer(&vk, GROUPS * 4, &sums[0]) ||
	    !make_buffer(&vk, GROUPS * 4, &sums[1]))
		goto end;
	for (uint32_t i = 0; i < COUNT; i++)
		in.map[i] = i * 2654435761u;
	if (run(&vk, make_set(&vk, &in, &middle, &sums[0]), make_set(&vk, &middle, &out, &sums[1]))) {
		check(!compare(in.map, middle.map, sums[0].map, 3, 1, want[0]), "results of the first dispatch");
		check(!compare(want[0], out.map, sums[1].map, 5, 7, want[1]), "results of the second dispatch");
	}
end:
	printf("%u passed, %u failed\n", passed, failed + (argc < 2));
	return failed || argc < 2;
}

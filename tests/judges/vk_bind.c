/* SPDX-License-Identifier: MIT */
/*
 * vk_bind.c FOLDER - what reaches a shader: descriptor sets, dynamic offsets, push and specialisation constants, and
 * the size of the grid, given directly, from memory, and from memory that the GPU has just written. Copies and fills
 * too.
 */
#include "vk.h"

#define COUNT  1000u
#define OFFSET 256u

static struct vk_rig rig;

struct constants {
	uint32_t local;
	uint32_t factor;
	VkBool32 twice;
	int32_t scale;
};

struct scene {
	VkDescriptorSetLayout layouts[2];
	VkDescriptorPool pool;
	VkDescriptorSet sets[2];
	struct vk_buffer source[3], block, result;
};

static VkDescriptorSetLayout set_layout(const VkDescriptorSetLayoutBinding *bindings, uint32_t count)
{
	VkDescriptorSetLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
						.bindingCount = count,
						.pBindings = bindings};
	VkDescriptorSetLayout layout;

	VK_MUST(vkCreateDescriptorSetLayout(rig.device, &info, NULL, &layout));
	return layout;
}

static void write_set(VkDescriptorSet set, uint32_t binding, uint32_t element, VkDescriptorType type,
		      const struct vk_buffer *buffer, VkDeviceSize offset, VkDeviceSize range)
{
	VkDescriptorBufferInfo info = {buffer->buffer, offset, range};
	VkWriteDescriptorSet write = {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
				      .dstSet = set,
				      .dstBinding = binding,
				      .dstArrayElement = element,
				      .descriptorCount = 1,
				      .descriptorType = type,
				      .pBufferInfo = &info};

	vkUpdateDescriptorSets(rig.device, 1, &write, 0, NULL);
}

static void scene_make(struct scene *scene)
{
	const VkDescriptorSetLayoutBinding first[2] = {
		{0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 3, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
		{2, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL}};
	const VkDescriptorSetLayoutBinding second[1] = {
		{1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL}};
	VkDescriptorPoolSize sizes[3] = {{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 3},
					 {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1},
					 {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC, 1}};
	VkDescriptorPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
					   .maxSets = 2,
					   .poolSizeCount = 3,
					   .pPoolSizes = sizes};
	VkDescriptorSetAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
						.descriptorSetCount = 2,
						.pSetLayouts = scene->layouts};

	scene->layouts[0] = set_layout(first, 2);
	scene->layouts[1] = set_layout(second, 1);
	VK_MUST(vkCreateDescriptorPool(rig.device, &pool, NULL, &scene->pool));
	allocate.descriptorPool = scene->pool;
	VK_MUST(vkAllocateDescriptorSets(rig.device, &allocate, scene->sets));
	for (uint32_t i = 0; i < 3; i++) {
		scene->source[i] = vk_buffer(&rig, (COUNT + i) * 4);
		write_set(scene->sets[0], 0, i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, &scene->source[i], 0, VK_WHOLE_SIZE);
	}
	scene->block = vk_buffer(&rig, 256);
	scene->result = vk_buffer(&rig, COUNT * 4 + 2 * OFFSET);
	write_set(scene->sets[0], 2, 0, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, &scene->block, 0, 16);
	write_set(scene->sets[1], 1, 0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC, &scene->result, 0, COUNT * 4);
}

static void scene_destroy(struct scene *scene)
{
	for (unsigned i = 0; i < 3; i++)
		vk_buffer_destroy(&rig, &scene->source[i]);
	vk_buffer_destroy(&rig, &scene->block);
	vk_buffer_destroy(&rig, &scene->result);
	vkDestroyDescriptorPool(rig.device, scene->pool, NULL);
	for (unsigned i = 0; i < 2; i++)
		vkDestroyDescriptorSetLayout(rig.device, scene->layouts[i], NULL);
}

static struct vk_kernel specialised(const struct scene *scene, const struct constants *constants)
{
	const VkSpecializationMapEntry entries[4] = {{0, offsetof(struct constants, local), 4},
						     {1, offsetof(struct constants, factor), 4},
						     {2, offsetof(struct constants, twice), 4},
						     {3, offsetof(struct constants, scale), 4}};
	VkSpecializationInfo info = {4, entries, sizeof(*constants), constants};

	return vk_kernel(&rig, "sets", 8, 2, scene->layouts, &info);
}

static void bind(VkCommandBuffer commands, const struct scene *scene, const struct vk_kernel *kernel,
		 const uint32_t push[2])
{
	const uint32_t offset = OFFSET;

	vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, kernel->pipeline);
	vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, kernel->layout, 0, 2, scene->sets, 1,
				&offset);
	vkCmdPushConstants(commands, kernel->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, 8, push);
}

/* The whole result buffer as it should be, from what it held before. */
static void expect(const struct scene *scene, const struct constants *constants, const uint32_t push[2],
		   uint32_t groups, uint32_t *want)
{
	const uint32_t *weight = scene->block.word;

	for (uint32_t i = 0; i < push[0] && i < groups * constants->local; i++) {
		uint32_t sum = scene->source[0].word[i] * weight[0] + scene->source[1].word[i] * weight[1] +
			       scene->source[push[1]].word[i] * weight[2];

		sum = sum * constants->factor + (uint32_t)constants->scale * i + constants->local + groups * weight[3];
		want[OFFSET / 4 + i] = constants->twice ? 2 * sum : sum;
	}
}

static void sets_and_constants(struct scene *scene)
{
	static const struct constants rows[] = {{64, 1, VK_FALSE, -1}, {32, 3, VK_TRUE, 17}, {96, 7, VK_FALSE, 0}};
	static uint32_t want[COUNT + 2 * OFFSET / 4];

	for (uint32_t i = 0; i < 3; i++) {
		struct vk_kernel kernel = specialised(scene, &rows[i]);
		const uint32_t push[2] = {COUNT - i, i}, groups = (COUNT + rows[i].local - 1) / rows[i].local;
		VkCommandBuffer commands = vk_begin(&rig);
		char what[64];

		memcpy(want, scene->result.word, sizeof(want));
		expect(scene, &rows[i], push, groups, want);
		bind(commands, scene, &kernel, push);
		vkCmdDispatch(commands, groups, 1, 1);
		VK_MUST(vk_finish(&rig, commands));
		snprintf(what, sizeof(what), "descriptor sets and constants, workgroup of %u", rows[i].local);
		vk_equal(scene->result.word, want, COUNT + 2 * OFFSET / 4, what);
		vk_kernel_destroy(&rig, &kernel);
	}
}

/* The grid from memory: written by the CPU, then by a copy on the GPU just before. */
static void indirect(struct scene *scene)
{
	const struct constants constants = {64, 5, VK_FALSE, 3};
	const uint32_t push[2] = {COUNT, 2};
	struct vk_kernel kernel = specialised(scene, &constants);
	struct vk_buffer grid = vk_buffer(&rig, 64);
	VkBufferCopy copy = {0, 32, 12};
	static uint32_t want[COUNT + 2 * OFFSET / 4];

	for (uint32_t round = 0; round < 2; round++) {
		const uint32_t groups = round ? 3 : 9;
		VkCommandBuffer commands = vk_begin(&rig);

		memset(scene->result.word, 0, sizeof(want));
		memset(want, 0, sizeof(want));
		memset(grid.word, 0, 64);
		grid.word[0] = groups;
		grid.word[1] = grid.word[2] = 1;
		expect(scene, &constants, push, groups, want);
		if (round) {
			vkCmdCopyBuffer(commands, grid.buffer, grid.buffer, 1, &copy);
			vk_barrier(commands);
		}
		bind(commands, scene, &kernel, push);
		vkCmdDispatchIndirect(commands, grid.buffer, round ? 32 : 0);
		VK_MUST(vk_finish(&rig, commands));
		vk_equal(scene->result.word, want, COUNT + 2 * OFFSET / 4,
			 round ? "indirect dispatch, grid written by the GPU" : "indirect dispatch");
	}
	vk_buffer_destroy(&rig, &grid);
	vk_kernel_destroy(&rig, &kernel);
}

static void transfers(struct scene *scene)
{
	VkBufferCopy copies[2] = {{4, 8, 400}, {500, 600, 1200}};
	static uint32_t want[COUNT + 2 * OFFSET / 4];
	VkCommandBuffer commands = vk_begin(&rig);
	uint32_t update[5] = {1, 2, 3, 4, 5};

	memcpy(want, scene->result.word, sizeof(want));
	memcpy(want + 2, scene->source[0].word + 1, 400);
	memcpy(want + 150, scene->source[0].word + 125, 1200);
	for (uint32_t i = 0; i < 25; i++)
		want[500 + i] = 0xfeedc0de;
	memcpy(want + 800, update, sizeof(update));
	vkCmdCopyBuffer(commands, scene->source[0].buffer, scene->result.buffer, 2, copies);
	vkCmdFillBuffer(commands, scene->result.buffer, 2000, 100, 0xfeedc0de);
	vkCmdUpdateBuffer(commands, scene->result.buffer, 3200, sizeof(update), update);
	VK_MUST(vk_finish(&rig, commands));
	vk_equal(scene->result.word, want, COUNT + 2 * OFFSET / 4, "copies, fill, update");
}

int main(int argc, char **argv)
{
	struct scene scene;

	if (argc > 1)
		vk_folder = argv[1];
	vk_open(&rig);
	scene_make(&scene);
	sets_and_constants(&scene);
	indirect(&scene);
	transfers(&scene);
	scene_destroy(&scene);
	vk_close(&rig);
	return vk_summary();
}

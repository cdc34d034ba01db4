/* SPDX-License-Identifier: MIT */
/*
 * vk.h - a small Vulkan rig for compute programs that know nothing of drumfire: one device with every feature that it
 * has, buffers that the CPU sees and whose addresses shaders take, pipelines, and command buffers that are waited for.
 * What fails that a program does not look at ends it with a line that says what. Programs print "N passed, N failed".
 */
#ifndef DF_TESTS_JUDGES_VK_H
#define DF_TESTS_JUDGES_VK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#define VK_MUST(call) vk_must(call, #call)
void vk_must(VkResult result, const char *what);

struct vk_rig {
	VkInstance instance;
	VkPhysicalDevice physical;
	VkDevice device;
	VkQueue queue;
	uint32_t family;
	VkCommandPool commands;
	VkPhysicalDeviceProperties2 properties;
	VkPhysicalDeviceSubgroupProperties subgroup;
	VkPhysicalDeviceFeatures2 features;
	VkPhysicalDeviceVulkan11Features features11;
	VkPhysicalDeviceVulkan12Features features12;
};
/* VK_JUDGE_FAMILY chooses the queue family; else one for compute alone. */
void vk_open(struct vk_rig *rig);
void vk_close(struct vk_rig *rig);

struct vk_buffer {
	VkBuffer buffer;
	VkDeviceMemory memory;
	VkDeviceAddress address;
	uint32_t *word;
	VkDeviceSize size;
};
/* Every usage that compute has; filled with a pattern. */
struct vk_buffer vk_buffer(struct vk_rig *rig, VkDeviceSize size);
void vk_buffer_destroy(struct vk_rig *rig, struct vk_buffer *buffer);

struct vk_kernel {
	VkPipeline pipeline;
	VkPipelineLayout layout;
};
/* SPIR-V FOLDER/name.spv, where FOLDER is the program's first argument. */
struct vk_kernel vk_kernel(struct vk_rig *rig, const char *name, uint32_t push_B, uint32_t sets,
			   const VkDescriptorSetLayout *layouts, const VkSpecializationInfo *constants);
void vk_kernel_destroy(struct vk_rig *rig, struct vk_kernel *kernel);
extern const char *vk_folder;

VkCommandBuffer vk_begin(struct vk_rig *rig);
void vk_launch(VkCommandBuffer commands, const struct vk_kernel *kernel, const void *push, uint32_t push_B, uint32_t x,
	       uint32_t y, uint32_t z);
void vk_barrier(VkCommandBuffer commands); /* everything before, everything after, the host too */
/* Ends, submits, waits and frees. */
VkResult vk_finish(struct vk_rig *rig, VkCommandBuffer commands);

void vk_check(bool ok, const char *what);
/* Compares count words and tells of the first that differs. */
void vk_equal(const uint32_t *got, const uint32_t *want, uint32_t count, const char *what);
uint32_t vk_random(uint32_t *state);
int vk_summary(void);

#endif

/* SPDX-License-Identifier: MIT */
/* vk_sync.c FOLDER - timestamps, timeline semaphores (GPU to GPU, GPU to host, host to GPU), events and fences. */
#include "vk.h"

#define PASSES 2000u

static struct vk_rig rig;
static struct vk_kernel kernel;
static struct vk_buffer words;

struct args {
	uint64_t words;
	uint32_t passes;
};

static void timestamps(void)
{
	VkQueryPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
				      .queryType = VK_QUERY_TYPE_TIMESTAMP,
				      .queryCount = 3};
	struct args args = {words.address, PASSES};
	uint64_t times[3] = {0};
	VkCommandBuffer commands = vk_begin(&rig);
	VkQueryPool pool;

	words.word[0] = words.word[1] = 0;
	VK_MUST(vkCreateQueryPool(rig.device, &info, NULL, &pool));
	vkCmdResetQueryPool(commands, pool, 0, 3);
	vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, pool, 0);
	vk_launch(commands, &kernel, &args, 12, 1, 1, 1);
	vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, pool, 1);
	vk_barrier(commands);
	vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, pool, 2);
	VK_MUST(vk_finish(&rig, commands));
	VK_MUST(vkGetQueryPoolResults(rig.device, pool, 0, 3, sizeof(times), times, 8,
				      VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT));
	vk_check(words.word[0] == PASSES, "the launch between timestamps");
	vk_check(times[0] && times[0] < times[1] && times[1] <= times[2], "timestamps in order");
	vk_check(rig.properties.properties.limits.timestampPeriod > 0, "timestamp period");
	vkDestroyQueryPool(rig.device, pool, NULL);
}

static VkSemaphore timeline(void)
{
	VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
					  .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
	VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
	VkSemaphore semaphore;

	VK_MUST(vkCreateSemaphore(rig.device, &info, NULL, &semaphore));
	return semaphore;
}

static VkCommandBuffer add(uint32_t passes)
{
	struct args args = {words.address, passes};
	VkCommandBuffer commands = vk_begin(&rig);

	vk_launch(commands, &kernel, &args, 12, 1, 1, 1);
	vk_barrier(commands);
	VK_MUST(vkEndCommandBuffer(commands));
	return commands;
}

/* Runs behind point `after` and signals `to`. */
static void submit(VkSemaphore semaphore, VkCommandBuffer commands, uint64_t after, uint64_t to)
{
	VkTimelineSemaphoreSubmitInfo points = {.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
						.waitSemaphoreValueCount = 1,
						.pWaitSemaphoreValues = &after,
						.signalSemaphoreValueCount = 1,
						.pSignalSemaphoreValues = &to};
	VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
	VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
			     .pNext = &points,
			     .waitSemaphoreCount = 1,
			     .pWaitSemaphores = &semaphore,
			     .pWaitDstStageMask = &stage,
			     .commandBufferCount = 1,
			     .pCommandBuffers = &commands,
			     .signalSemaphoreCount = 1,
			     .pSignalSemaphores = &semaphore};

	VK_MUST(vkQueueSubmit(rig.queue, 1, &info, VK_NULL_HANDLE));
}

static VkResult wait_for(VkSemaphore semaphore, uint64_t point, uint64_t timeout_ns)
{
	VkSemaphoreWaitInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
				    .semaphoreCount = 1,
				    .pSemaphores = &semaphore,
				    .pValues = &point};

	return vkWaitSemaphores(rig.device, &info, timeout_ns);
}

static void timelines(void)
{
	VkSemaphore semaphore = timeline();
	VkSemaphoreSignalInfo signal = {
		.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO, .semaphore = semaphore, .value = 1};
	VkCommandBuffer commands[2] = {add(10), add(100)};
	uint64_t value = 99;

	words.word[0] = words.word[1] = 0;
	submit(semaphore, commands[0], 1, 2);
	submit(semaphore, commands[1], 2, 5);
	vk_check(wait_for(semaphore, 2, 10000000) == VK_TIMEOUT, "nothing runs before the host's signal");
	vk_check(words.word[0] == 0, "and nothing has been written");
	VK_MUST(vkSignalSemaphore(rig.device, &signal));
	vk_check(wait_for(semaphore, 5, 60000000000ull) == VK_SUCCESS, "wait for the last point");
	VK_MUST(vkGetSemaphoreCounterValue(rig.device, semaphore, &value));
	vk_check(value == 5, "the counter");
	vk_check(words.word[0] == 110, "both have run");
	VK_MUST(vkQueueWaitIdle(rig.queue));
	vkFreeCommandBuffers(rig.device, rig.commands, 2, commands);
	vkDestroySemaphore(rig.device, semaphore, NULL);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		vk_folder = argv[1];
	vk_open(&rig);
	kernel = vk_kernel(&rig, "wait", 12, 0, NULL, NULL);
	words = vk_buffer(&rig, 64);
	timestamps();
	timelines();
	vk_buffer_destroy(&rig, &words);
	vk_kernel_destroy(&rig, &kernel);
	vk_close(&rig);
	return vk_summary();
}

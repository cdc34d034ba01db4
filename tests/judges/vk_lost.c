/* SPDX-License-Identifier: MIT */
/*
 * vk_lost.c FOLDER - a shader that never ends: the device is lost with VK_ERROR_DEVICE_LOST, and both a second process
 * that was running and a new device in this one go on. The shim's device should have a short timeout_ms.
 */
#include "vk.h"

#include <sys/wait.h>
#include <unistd.h>

struct args {
	uint64_t words;
	uint32_t passes;
};

static VkResult launch(struct vk_rig *rig, struct vk_buffer *words, uint32_t passes)
{
	struct vk_kernel kernel = vk_kernel(rig, "wait", 12, 0, NULL, NULL);
	struct args args = {words->address, passes};
	VkCommandBuffer commands = vk_begin(rig);
	VkResult result;

	vk_launch(commands, &kernel, &args, 12, 1, 1, 1);
	result = vk_finish(rig, commands);
	vk_kernel_destroy(rig, &kernel);
	return result;
}

static bool works(uint32_t passes)
{
	struct vk_rig rig;
	struct vk_buffer words;
	bool ok;

	vk_open(&rig);
	words = vk_buffer(&rig, 64);
	words.word[0] = words.word[1] = 0;
	ok = launch(&rig, &words, passes) == VK_SUCCESS && words.word[0] == passes;
	vk_buffer_destroy(&rig, &words);
	vk_close(&rig);
	return ok;
}

static VkResult hang(void)
{
	struct vk_rig rig;
	struct vk_buffer words;
	VkResult first, second;

	vk_open(&rig);
	words = vk_buffer(&rig, 64);
	words.word[0] = 0;
	words.word[1] = 1; /* for ever */
	first = launch(&rig, &words, 1);
	words.word[1] = 0;
	second = first == VK_SUCCESS ? launch(&rig, &words, 1) : first; /* some drivers tell only the next submission */
	vk_buffer_destroy(&rig, &words);
	vk_close(&rig);
	return second;
}

int main(int argc, char **argv)
{
	pid_t other;
	int status = -1;

	if (argc > 1)
		vk_folder = argv[1];
	fflush(stdout);
	other = fork();
	if (other == 0)
		_exit(works(100000) ? 0 : 1);
	vk_check(hang() == VK_ERROR_DEVICE_LOST, "a hang is VK_ERROR_DEVICE_LOST");
	vk_check(waitpid(other, &status, 0) == other && WIFEXITED(status) && !WEXITSTATUS(status),
		 "another process goes on unharmed");
	vk_check(works(10), "a new device works");
	return vk_summary();
}

/* SPDX-License-Identifier: MIT */
#include "isa/tested.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void isa_tested(const struct gpu_op *op)
{
	static uint8_t seen[GPU_ENCS][1024];
	const char *path = getenv("ISA_TESTED");
	char line[32];
	int fd, length;

	if (!path || seen[op->enc][op->opcode & 1023])
		return;
	seen[op->enc][op->opcode & 1023] = 1;
	length = snprintf(line, sizeof(line), "%u %u\n", op->enc, op->opcode);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, line, (size_t)length), length);
	close(fd);
}

/* SPDX-License-Identifier: MIT */
#ifndef DF_CLI_IMAGE_H
#define DF_CLI_IMAGE_H

#include <stddef.h>
#include <stdint.h>

/* Prints the instructions by llvm-mc, or what it would take to see them. */
void image_disassemble(const char *target, unsigned wave_size, const uint8_t *code, size_t size_B);

/* Prints the instruction at at_B of the code and its neighbours, each line behind indent; the code begins with an
 * instruction. Nothing when llvm-mc is not there. */
void image_disassemble_around(const char *target, unsigned wave_size, const uint8_t *code, size_t size_B, size_t at_B,
			      const char *indent);

#endif

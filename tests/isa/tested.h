/* SPDX-License-Identifier: MIT */
/*
 * tested.h - what has been compared with a reference, for scripts/isa-coverage: with ISA_TESTED=FILE in the environment
 * a line "encoding opcode" is added to the file for each opcode, once a process, after its comparison held.
 */
#ifndef TESTS_ISA_TESTED_H
#define TESTS_ISA_TESTED_H

#include "gpu/isa.h"

void isa_tested(const struct gpu_op *op);

#endif

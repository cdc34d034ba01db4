/* SPDX-License-Identifier: MIT */
/*
 * replay.h - drumfire replay: reading a capture (uapi/drumfire_capture.h), running it again, saying where it stops.
 *
 * replay_parse() checks every field of the file once; after it succeeded every index, offset and string is good. The
 * parsed file points into the caller's data, which need not be aligned.
 */
#ifndef DF_CLI_REPLAY_H
#define DF_CLI_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "drumfire_capture.h"

struct replay_array {
	const uint8_t *data;
	uint32_t count, stride;
};

struct replay_file {
	const uint8_t *data;
	struct df_capture_header header;
	struct df_capture_device device;
	struct df_capture_job job;
	struct df_capture_verdict verdict;
	struct replay_array ibs, bos, kernels;
	const char *faults; /* faults_B bytes, each text ended by NUL */
	size_t faults_B;
	struct replay_stored {
		const uint8_t *data;
		size_t size_B;
	} * contents; /* by BO; data NULL: none */
};

/* 0, or -errno with a sentence: -EBADMSG (not a capture, or damaged), -EPROTO (another version), -EINVAL (a bad field),
 * -E2BIG (over a limit), -ENOMEM. */
int replay_parse(const void *data, size_t size_B, struct replay_file *file);
void replay_file_finish(struct replay_file *file);
/* Copied out; i within the array. */
struct df_capture_ib replay_ib(const struct replay_file *file, uint32_t i);
struct df_capture_bo replay_bo(const struct replay_file *file, uint32_t i);
struct df_capture_kernel replay_kernel(const struct replay_file *file, uint32_t i);
/* Unpacks the contents of BO i, alloc_B bytes. */
void replay_unpack(const struct replay_file *file, uint32_t i, void *to);

#endif

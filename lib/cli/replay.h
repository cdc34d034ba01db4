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

/* How a replay ended. */
struct replay_result {
	int error; /* of the kernel's fence; -EBUSY: still running when the time was over */
	bool marked, reset, memory_lost, page_fault, has_progress;
	uint64_t fault_address;
	uint32_t finished; /* launches, by the progress words */
	uint64_t took_ns;
	struct df_capture_where where; /* as the model tells it */
};

struct df_device;
struct replay_options {
	uint64_t timeout_ns;
	uint64_t until; /* launches from this on are left out */
};
/* Runs the job once, alone. What is left mapped when it still runs goes with the process. -errno: it could not be run.
 */
int replay_run(const struct replay_file *file, struct df_device *device, const struct replay_options *options,
	       struct replay_result *result);

/* A stream of the launches before one, made from the captured stream. */
struct replay_part {
	uint64_t ib_va;
	uint32_t ib_dw; /* 0: there is none */
	struct replay_part_state *state;
};
/* maps: CPU addresses of the captured IBs, in their order. 0 or -errno with a sentence. */
int replay_part_make(const struct replay_file *file, struct df_device *device, uint32_t *const *maps, uint64_t until,
		     struct replay_part *part);
/* Launches that had finished. */
uint32_t replay_part_finished(const struct replay_part *part);
void replay_part_finish(struct replay_part *part);

/* Did it stop as the capture says, as far as both tell; with until before that place: did it come to its end? */
bool replay_same(const struct replay_file *file, const struct replay_options *options,
		 const struct replay_result *result);
void replay_show(const struct replay_file *file, const char *path, const char *device,
		 const struct replay_options *options, const struct replay_result *result);
void replay_show_json(const struct replay_file *file, const char *path, const char *device,
		      const struct replay_options *options, const struct replay_result *result);

#endif

/* SPDX-License-Identifier: MIT */
/* Captures: whatever the bytes, the reader refuses or everything it gives holds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The reader is part of the command, not of the library. */
#include "cli/replay_file.c" // NOLINT(bugprone-suspicious-include)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_UNPACKED_B (1u << 20)

static volatile uint32_t sink;

static void use(const struct replay_file *file)
{
	for (uint32_t i = 0; i < file->ibs.count; i++)
		sink += replay_ib(file, i).size_dw;
	for (uint32_t i = 0; i < file->kernels.count; i++)
		sink += (uint32_t)strlen(replay_kernel(file, i).name);
	for (size_t at = 0; at < file->faults_B; at += strlen(file->faults + at) + 1)
		sink++;
	for (uint32_t i = 0; i < file->bos.count; i++) {
		struct df_capture_bo bo = replay_bo(file, i);
		uint8_t *to = bo.alloc_B <= MAX_UNPACKED_B && file->contents[i].data ? malloc(bo.alloc_B) : NULL;

		if (to)
			replay_unpack(file, i, to);
		free(to);
	}
}

/* Checksums made good, so that what is behind them is reached. */
static void repair(uint8_t *copy, size_t size)
{
	struct df_capture_header header;

	memcpy(&header, copy, sizeof(header));
	header.magic = DF_CAPTURE_MAGIC;
	header.version = DF_CAPTURE_VERSION;
	header.header_size_B = sizeof(header);
	header.total_size_B = size;
	header.section_offset = sizeof(header);
	header.section_stride = sizeof(struct df_capture_section);
	header.section_count = header.section_count % 12 + 1;
	memset(header.reserved, 0, sizeof(header.reserved));
	for (uint32_t i = 0; i < header.section_count && sizeof(header) + (i + 1) * 40u <= size; i++) {
		struct df_capture_section section;

		memcpy(&section, copy + sizeof(header) + i * 40, sizeof(section));
		section.kind = section.kind % 9;
		section.reserved = 0;
		section.offset = section.offset % (size + 1) & ~7ull;
		if (section.stored_B > size - section.offset)
			section.stored_B = size - section.offset;
		section.crc32 = df_image_crc32(0, copy + section.offset, (size_t)section.stored_B);
		memcpy(copy + sizeof(header) + i * 40, &section, sizeof(section));
	}
	header.crc32 = 0;
	if (sizeof(header) + header.section_count * 40u <= size)
		header.crc32 = df_image_crc32(df_image_crc32(0, &header, sizeof(header)), copy + sizeof(header),
					      header.section_count * 40u);
	memcpy(copy, &header, sizeof(header));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct replay_file file;
	uint8_t *copy = malloc(size + 1);

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (replay_parse(copy, size, &file) == 0)
		use(&file);
	replay_file_finish(&file);
	if (size >= sizeof(struct df_capture_header)) {
		repair(copy, size);
		if (replay_parse(copy, size, &file) == 0)
			use(&file);
		replay_file_finish(&file);
	}
	free(copy);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* Capture files: what the library writes is read back whole; each field that is wrong has its own sentence. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"
#include "core/capture.h"
#include "node/soft.h"

/* The reader is part of the command, not of the library. */
#include "cli/replay_file.c" // NOLINT(bugprone-suspicious-include)

extern const struct df_soft_ops df_soft_ops;

/* ---- a small capture, made by hand ---- */

enum {
	AT_TABLE = 64,
	SECTIONS = 9,
	AT_DEVICE = AT_TABLE + SECTIONS * 40,
	AT_JOB = AT_DEVICE + 448,
	AT_VERDICT = AT_JOB + 56,
	AT_IBS = AT_VERDICT + 312,
	AT_KERNELS = AT_IBS + 16,
	AT_FAULTS = AT_KERNELS + 144,
	AT_BOS = AT_FAULTS + 16,
	AT_CODE = AT_BOS + 3 * 88,
	AT_STREAM = AT_CODE + 8,
	TOTAL = AT_STREAM + 24,
};

/* In the order of the table. */
static const struct {
	uint32_t kind, index, at, bytes, count, stride;
} layout[SECTIONS] = {
	{DF_CAPTURE_DEVICE, 0, AT_DEVICE, 448, 1, 448},   {DF_CAPTURE_JOB, 0, AT_JOB, 56, 1, 56},
	{DF_CAPTURE_VERDICT, 0, AT_VERDICT, 312, 1, 312}, {DF_CAPTURE_IBS, 0, AT_IBS, 16, 1, 16},
	{DF_CAPTURE_KERNELS, 0, AT_KERNELS, 144, 1, 144}, {DF_CAPTURE_FAULTS, 0, AT_FAULTS, 15, 0, 0},
	{DF_CAPTURE_BOS, 0, AT_BOS, 3 * 88, 3, 88},       {DF_CAPTURE_CONTENTS, 0, AT_CODE, 8, 0, 0},
	{DF_CAPTURE_CONTENTS, 2, AT_STREAM, 24, 0, 0},
};

static uint8_t bytes[TOTAL];

static void at(uint32_t offset, const void *from, size_t size)
{
	memcpy(bytes + offset, from, size);
}

static uint32_t run(uint32_t kind, uint32_t count)
{
	return kind << DF_CAPTURE_RUN_SHIFT | count;
}

/* Checksums of the sections, then of the header and table. */
static void sum(void)
{
	struct df_capture_header header;

	memcpy(&header, bytes, sizeof(header));
	for (unsigned i = 0; i < SECTIONS; i++) {
		struct df_capture_section section;

		memcpy(&section, bytes + AT_TABLE + i * 40, sizeof(section));
		if (section.offset <= TOTAL && section.stored_B <= TOTAL - section.offset)
			section.crc32 = df_image_crc32(0, bytes + section.offset, section.stored_B);
		at(AT_TABLE + i * 40, &section, sizeof(section));
	}
	header.crc32 = 0;
	header.crc32 = df_image_crc32(df_image_crc32(0, &header, sizeof(header)), bytes + AT_TABLE, SECTIONS * 40);
	at(0, &header, sizeof(header));
}

static void make_mappings(void)
{
	const struct df_capture_bo bos[3] = {
		{0x100000, 4000, 4096, DF_DOMAIN_DEVICE, DF_BO_INPUT, DF_CAPTURE_BO_CODE | DF_CAPTURE_BO_CONTENTS, 5,
		 "code"},
		{0x102000, 8192, 8192, DF_DOMAIN_HOST_CACHED, DF_BO_STATE, 0, 3, "data"},
		{0x200000, 4096, 4096, DF_DOMAIN_HOST_WC, DF_BO_SCRATCH,
		 DF_CAPTURE_BO_STREAM | DF_CAPTURE_BO_CONTENTS | DF_CAPTURE_BO_LIBRARY, 1, "stream"},
	};
	const uint32_t code[2] = {run(DF_CAPTURE_RUN_SAME, 1024), 0xbf9f0000};
	const uint32_t stream[6] = {run(DF_CAPTURE_RUN_PLAIN, 3), 1, 2, 3, run(DF_CAPTURE_RUN_ZERO, 1000),
				    run(DF_CAPTURE_RUN_ZERO, 21)};

	at(AT_BOS, bos, sizeof(bos));
	at(AT_CODE, code, sizeof(code));
	at(AT_STREAM, stream, sizeof(stream));
}

static void make(void)
{
	const struct df_capture_header header = {DF_CAPTURE_MAGIC, DF_CAPTURE_VERSION, 64, 0,  TOTAL,
						 AT_TABLE,         SECTIONS,           40, {0}};
	const struct df_capture_device device = {
		.name = "soft:gfx1030,kernel=6.1",
		.target = "gfx1030",
		.driver = "amdgpu",
		.drm_major = 3,
		.drm_minor = 49,
		.flags = DF_CAPTURE_DEVICE_SOFT,
		.ib_align_B = 32,
		.ib_size_align_dw = 8,
		.max_ib_dw = 0xfffff,
		.va_align_B = 4096,
		.va = {{0x1000, 0x800000000000}, {0, 0}},
	};
	const struct df_capture_job job = {.launches = 20,
					   .barriers = 19,
					   .batch = 4,
					   .context = 1,
					   .max_retries = 1,
					   .marker_interval = 1,
					   .progress_va = 0x103000};
	const struct df_capture_verdict verdict = {
		.verdict = DF_GUILTY_RESET,
		.first_launch = 7,
		.last_launch = 7,
		.attempt = 1,
		.poison_count = 1,
		.poison = {7},
		.where = {.kind = DF_CAPTURE_STOP_WAVE, .launch = 7, .pc = 0x100040, .what = "it spins"}};
	const struct df_capture_ib ib = {0x200000, 64, 0};
	const struct df_capture_kernel kernel = {0x100000, 512, 0x100000, 32, 0, "add"};

	memset(bytes, 0, sizeof(bytes));
	at(0, &header, sizeof(header));
	for (unsigned i = 0; i < SECTIONS; i++) {
		const struct df_capture_section section = {layout[i].kind,
							   layout[i].index,
							   layout[i].at,
							   layout[i].bytes,
							   layout[i].count,
							   layout[i].stride,
							   0,
							   0};

		at(AT_TABLE + i * 40, &section, sizeof(section));
	}
	at(AT_DEVICE, &device, sizeof(device));
	at(AT_JOB, &job, sizeof(job));
	at(AT_VERDICT, &verdict, sizeof(verdict));
	at(AT_IBS, &ib, sizeof(ib));
	at(AT_KERNELS, &kernel, sizeof(kernel));
	at(AT_FAULTS, "hang@7\0alloc#3", 15);
	make_mappings();
	sum();
}

START_TEST(test_by_hand)
{
	struct replay_file file;
	uint32_t dw[1024];

	make();
	ck_ok(replay_parse(bytes, TOTAL, &file));
	ck_assert_uint_eq(file.job.launches, 20);
	ck_assert_uint_eq(file.bos.count, 3);
	ck_assert_str_eq(replay_bo(&file, 1).name, "data");
	ck_assert_str_eq(replay_kernel(&file, 0).name, "add");
	ck_assert_uint_eq(replay_ib(&file, 0).size_dw, 64);
	ck_assert_str_eq(file.faults, "hang@7");
	replay_unpack(&file, 0, dw);
	ck_assert_uint_eq(dw[0], 0xbf9f0000);
	ck_assert_uint_eq(dw[1023], 0xbf9f0000);
	memset(dw, 0xff, sizeof(dw));
	replay_unpack(&file, 2, dw);
	ck_assert_uint_eq(dw[2], 3);
	ck_assert_uint_eq(dw[3] | dw[1023], 0);
	ck_assert_ptr_null(file.contents[1].data);
	replay_file_finish(&file);
}
END_TEST

/* ---- one wrong field at a time ---- */

#define HEADER(field) offsetof(struct df_capture_header, field), sizeof(((struct df_capture_header *)0)->field)
#define ENTRY(i, field)                                                                                                \
	AT_TABLE + (i)*40 + offsetof(struct df_capture_section, field), sizeof(((struct df_capture_section *)0)->field)
#define IN(at, type, field) (at) + offsetof(struct type, field), sizeof(((struct type *)0)->field)
#define DEVICE(field)       IN(AT_DEVICE, df_capture_device, field)
#define JOB(field)          IN(AT_JOB, df_capture_job, field)
#define VERDICT(field)      IN(AT_VERDICT, df_capture_verdict, field)
#define IB(field)           IN(AT_IBS, df_capture_ib, field)
#define KERNEL(field)       IN(AT_KERNELS, df_capture_kernel, field)
#define BO(i, field)        IN(AT_BOS + (i)*88, df_capture_bo, field)
#define AGAIN               " Fix: capture again, or copy the file again."

static const struct {
	size_t offset, size;
	uint64_t value;
	int error;
	const char *sentence;
} wrong[] = {
	{HEADER(magic), 0x464c457f, EBADMSG,
	 "no capture: it begins with 0x464c457f, not 0x31434644. Fix: name a file that --capture wrote"},
	{HEADER(version), 2, EPROTO,
	 "version 2, this program reads version 1. Fix: use the version of drumfire that wrote it"},
	{HEADER(header_size_B), 72, EINVAL, "a header of 72 bytes, version 1 has 64." AGAIN},
	{HEADER(total_size_B), TOTAL + 8, EBADMSG, "the file has 1712 bytes, 1720 were written." AGAIN},
	{HEADER(reserved), 1, EINVAL, "reserved fields of the header are not zero." AGAIN},
	{HEADER(section_stride), 32, EINVAL, "section entries of 32 bytes, this version has 40." AGAIN},
	{HEADER(section_count), 0, E2BIG, "0 sections, a capture has from 1 to 65536." AGAIN},
	{HEADER(section_count), 70000, E2BIG, "70000 sections, a capture has from 1 to 65536." AGAIN},
	{HEADER(section_offset), 56, EINVAL,
	 "the section table at 56 with 360 bytes is not inside the file's 1712 behind the header." AGAIN},
	{HEADER(section_offset), 1400, EINVAL,
	 "the section table at 1400 with 360 bytes is not inside the file's 1712 behind the header." AGAIN},
	{ENTRY(0, kind), 0, EINVAL, "section 0 is of kind 0, which this version does not know." AGAIN},
	{ENTRY(0, kind), 99, EINVAL, "section 0 is of kind 99, which this version does not know." AGAIN},
	{ENTRY(2, kind), DF_CAPTURE_JOB, EINVAL, "section JOB is there twice." AGAIN},
	{ENTRY(4, kind), DF_CAPTURE_CONTENTS, EINVAL, "section CONTENTS has a count or stride, it holds bytes." AGAIN},
	{ENTRY(1, index), 3, EINVAL, "section 1 (JOB) has index 3. Fix: only CONTENTS have one"},
	{ENTRY(0, reserved), 1, EINVAL, "section 0 (DEVICE): reserved fields are not zero." AGAIN},
	{ENTRY(1, offset), AT_JOB + 4, EINVAL,
	 "section 1 (JOB) at 876 with 56 bytes is not inside the file's 1712 behind what is before it (872)." AGAIN},
	{ENTRY(1, offset), AT_DEVICE, EINVAL,
	 "section 1 (JOB) at 424 with 56 bytes is not inside the file's 1712 behind what is before it (872)." AGAIN},
	{ENTRY(8, stored_B), 32, EINVAL,
	 "section 8 (CONTENTS) at 1688 with 32 bytes is not inside the file's 1712 behind what is before it "
	 "(1688)." AGAIN},
	{ENTRY(0, stride), 440, EINVAL, "section DEVICE: structs of 440 bytes, this version has 448." AGAIN},
	{ENTRY(6, count), 2, EINVAL, "section BOS: 2 structs of 88 bytes are not its 264 bytes." AGAIN},
	{ENTRY(5, count), 1, EINVAL, "section FAULTS has a count or stride, it holds bytes." AGAIN},
	{ENTRY(7, index), 5, EINVAL, "there are contents of BO 5 of 3." AGAIN},
	{ENTRY(7, index), 1, EINVAL, "contents of BO 1 give 1024 dwords, it has 2048." AGAIN},
	{ENTRY(8, index), 0, EINVAL, "contents of BO 0 are there twice." AGAIN},
	{AT_FAULTS + 15, 1, 9, EINVAL, "bytes before section 6 (BOS) belong to nothing and are not zero." AGAIN},

	{DEVICE(name), 0, EINVAL, "the device's name is empty." AGAIN},
	{AT_DEVICE, 1, '\n', EINVAL, "the device's name holds control characters." AGAIN},
	{DEVICE(target), UINT64_MAX, EINVAL, "the device's target does not end in NUL." AGAIN},
	{DEVICE(driver), 0, EINVAL, "the device's driver is empty." AGAIN},
	{DEVICE(marketing), UINT64_MAX, EINVAL, "the device's marketing name does not end in NUL." AGAIN},
	{DEVICE(flags), 4, EINVAL, "device flags 0x4 are not all known (0x3)." AGAIN},
	{DEVICE(va_align_B), 2048, EINVAL, "the device maps in steps of 2048 bytes, not in pages." AGAIN},
	{DEVICE(ib_align_B), 3, EINVAL,
	 "indirect buffers are aligned to 3 bytes and 8 dwords, not powers of two." AGAIN},
	{DEVICE(ib_size_align_dw), 0, EINVAL,
	 "indirect buffers are aligned to 32 bytes and 0 dwords, not powers of two." AGAIN},
	{AT_DEVICE + offsetof(struct df_capture_device, va), 8, 0x800000000001, EINVAL,
	 "the device's address range 0 ends before it begins." AGAIN},

	{JOB(flags), 8, EINVAL, "job flags 0x8 are not all known (0x3)." AGAIN},
	{JOB(reserved), 1, EINVAL, "reserved fields of the job are not zero." AGAIN},
	{JOB(progress_va), 0x103002, EINVAL, "the progress words at 0x103002 are not aligned." AGAIN},
	{JOB(progress_va), 0x103ffc, EINVAL, "the progress words at 0x103ffc are in no BO." AGAIN},

	{VERDICT(verdict), 7, EINVAL, "verdict 7 does not exist. Fix: one of enum df_verdict"},
	{VERDICT(flags), 2, EINVAL, "verdict flags 0x2 are not all known (0x1)." AGAIN},
	{VERDICT(fault_address), 0x1000, EINVAL, "there is a fault address (0x1000) and no page fault." AGAIN},
	{VERDICT(first_launch), 8, EINVAL, "launches 8 to 7 of 20 cannot have been in flight." AGAIN},
	{VERDICT(last_launch), 21, EINVAL, "launches 7 to 21 of 20 cannot have been in flight." AGAIN},
	{VERDICT(poison_count), 9, EINVAL, "9 launches are poison, at most 8 are named." AGAIN},
	{VERDICT(poison_count), 0, EINVAL, "poison 0 is launch 7, the batch has 0 poison and 20 launches." AGAIN},
	{AT_VERDICT + offsetof(struct df_capture_verdict, poison), 8, 20, EINVAL,
	 "poison 0 is launch 20, the batch has 1 poison and 20 launches." AGAIN},
	{VERDICT(where.kind), 6, EINVAL, "it stopped in a way (6) that this version does not know." AGAIN},
	{VERDICT(where.access), 8, EINVAL, "the access that faulted is 0x8. Fix: it is made of 1, 2 and 4"},
	{VERDICT(where.launch), 21, EINVAL, "it stopped at launch 21 of 20." AGAIN},
	{VERDICT(where.reserved), 1, EINVAL, "reserved fields of the stop are not zero." AGAIN},
	{VERDICT(where.what), UINT64_MAX, EINVAL, "the stop's sentence does not end in NUL." AGAIN},

	{IB(va), 0x200008, EINVAL, "IB 0 at 0x200008 with 64 dwords is not one that the device takes." AGAIN},
	{IB(va), 0x102000, EINVAL, "IB 0 at 0x102000 with 64 dwords is not in a BO that holds streams." AGAIN},
	{IB(size_dw), 0, EINVAL, "IB 0 at 0x200000 with 0 dwords is not one that the device takes." AGAIN},
	{IB(size_dw), 1032, EINVAL, "IB 0 at 0x200000 with 1032 dwords is not in a BO that holds streams." AGAIN},
	{IB(size_dw), 0x100000, EINVAL, "IB 0 at 0x200000 with 1048576 dwords is not one that the device takes." AGAIN},
	{IB(reserved), 1, EINVAL, "IB 0: reserved fields are not zero." AGAIN},

	{KERNEL(name), 0, EINVAL, "a kernel's name is empty." AGAIN},
	{KERNEL(reserved), 1, EINVAL, "kernel 0: reserved fields are not zero." AGAIN},
	{KERNEL(wave_size), 16, EINVAL, "kernel 0 has waves of 16. Fix: 32 or 64"},
	{KERNEL(code_va), 0x102000, EINVAL,
	 "kernel 0: its code at 0x102000 with 512 bytes is not in a BO that holds code." AGAIN},
	{KERNEL(code_B), 8192, EINVAL,
	 "kernel 0: its code at 0x100000 with 8192 bytes is not in a BO that holds code." AGAIN},
	{KERNEL(entry_va), 0x100200, EINVAL, "kernel 0 begins at 0x100200, outside its code." AGAIN},

	{AT_FAULTS, 1, 0, EINVAL, "the text of a fault is empty." AGAIN},
	{AT_FAULTS + 14, 1, 'x', EINVAL, "the text of a fault does not end in NUL." AGAIN},

	{BO(0, va), 0x100001, EINVAL, "BO 0 at 0x100001 with 4096 bytes is not whole pages." AGAIN},
	{BO(0, va), 0, EINVAL, "BO 0 at 0x0 with 4096 bytes is outside the device's addresses." AGAIN},
	{BO(1, va), 0x100000, EINVAL, "BO 1 at 0x100000 overlaps the one before it, or they are not in order." AGAIN},
	{BO(0, alloc_B), 0, EINVAL, "BO 0 at 0x100000 with 0 bytes is not whole pages." AGAIN},
	{BO(2, alloc_B), 0x800000000000, EINVAL,
	 "BO 2 at 0x200000 with 140737488355328 bytes is outside the device's addresses." AGAIN},
	{BO(2, alloc_B), 0x20000000000, E2BIG,
	 "the BOs have more than 1099511627776 bytes. Fix: capture with fewer of them alive"},
	{BO(1, size_B), 8193, EINVAL, "BO 1 is 8193 bytes of the 8192 that are mapped." AGAIN},
	{BO(1, domain), 3, EINVAL, "BO 1: domain 3 does not exist. Fix: one of enum df_domain"},
	{BO(1, recovery), 0, EINVAL, "BO 1: recovery class 0 does not exist. Fix: one of enum df_bo_class"},
	{BO(1, flags), 0x200, EINVAL, "BO 1: flags 0x200 are not all known (0x1ff)." AGAIN},
	{BO(1, flags), DF_CAPTURE_BO_CONTENTS, EINVAL,
	 "contents of BO 1 are missing, its flags say that they are there." AGAIN},
	{BO(0, flags), DF_CAPTURE_BO_CODE, EINVAL,
	 "contents of BO 0 are there, its flags say that they are not." AGAIN},
	{BO(1, va_flags), 2, EINVAL,
	 "BO 1: access 0x2 is not made of known rights (0xf) with reading among them." AGAIN},
	{BO(1, name), UINT64_MAX, EINVAL, "a BO's name does not end in NUL." AGAIN},

	{AT_CODE, 4, 0, EINVAL, "contents of BO 0: what is at byte 0 is no run." AGAIN},
	{AT_CODE, 4, 3u << 30 | 1024, EINVAL, "contents of BO 0: what is at byte 0 is no run." AGAIN},
	{AT_CODE, 4, 1u << 30 | 1025, EINVAL, "contents of BO 0 give 1025 dwords, it has 1024." AGAIN},
	{AT_STREAM, 4, 2u << 30 | 6, EINVAL, "contents of BO 2: what is at byte 0 is no run." AGAIN},
	{AT_STREAM + 16, 4, 2u << 30 | 1, EINVAL, "contents of BO 2 give 4 dwords, it has 1024." AGAIN},
};

START_TEST(test_wrong)
{
	struct replay_file file;
	char expected[512];
	int ret;

	make();
	for (size_t i = 0; i < wrong[_i].size; i++)
		bytes[wrong[_i].offset + i] = wrong[_i].value == UINT64_MAX ? 'x'
					      : i < 8                       ? wrong[_i].value >> 8 * i & 0xff
									    : 0;
	sum();
	ret = replay_parse(bytes, TOTAL, &file);
	snprintf(expected, sizeof(expected), "capture: %s", wrong[_i].sentence);
	ck_assert_str_eq(df_error(), expected);
	ck_assert_int_eq(ret, -wrong[_i].error);
}
END_TEST

START_TEST(test_checksums)
{
	struct replay_file file;

	make();
	bytes[AT_TABLE + 4] ^= 1;
	ck_fails(replay_parse(bytes, TOTAL, &file), EBADMSG, "capture: the header's checksum is 0x");
	make();
	bytes[AT_JOB + 8] ^= 1;
	ck_fails(replay_parse(bytes, TOTAL, &file), EBADMSG, "capture: section 1 (JOB): its checksum is 0x");
}
END_TEST

START_TEST(test_cut_short)
{
	struct replay_file file;

	make();
	for (size_t size = 0; size < TOTAL; size++) {
		uint8_t *cut = malloc(size + 1);

		ck_assert_ptr_nonnull(cut);
		memcpy(cut, bytes, size);
		ck_assert_int_eq(replay_parse(cut, size, &file), -EBADMSG);
		free(cut);
	}
}
END_TEST

static void drop_section(unsigned i)
{
	struct df_capture_section section;

	/* An empty CONTENTS entry would be taken for one: the last entry goes, the others move up. */
	memcpy(&section, bytes + AT_TABLE + i * 40, sizeof(section));
	memset(bytes + section.offset, 0, section.stored_B);
	memmove(bytes + AT_TABLE + i * 40, bytes + AT_TABLE + (i + 1) * 40, (SECTIONS - 1 - i) * 40);
	memset(bytes + AT_TABLE + (SECTIONS - 1) * 40, 0, 40);
}

static void sum_of(unsigned sections)
{
	struct df_capture_header header;

	memcpy(&header, bytes, sizeof(header));
	header.section_count = sections;
	header.crc32 = 0;
	header.crc32 =
		df_image_crc32(df_image_crc32(0, &header, sizeof(header)), bytes + AT_TABLE, (size_t)sections * 40);
	at(0, &header, sizeof(header));
}

START_TEST(test_missing)
{
	static const char *const names[SECTIONS] = {"DEVICE", "JOB", "VERDICT", "IBS", NULL, NULL, "BOS", NULL, NULL};
	struct replay_file file;
	char expected[128];

	make();
	drop_section((unsigned)_i);
	sum_of(SECTIONS - 1);
	if (!names[_i]) {
		int ret = replay_parse(bytes, TOTAL, &file);

		ck_assert(_i < 7 ? !ret : ret == -EINVAL); /* contents belong to a BO that says it has them */
		replay_file_finish(&file);
		return;
	}
	snprintf(expected, sizeof(expected), "capture: section %s is missing." AGAIN, names[_i]);
	ck_fails(replay_parse(bytes, TOTAL, &file), EINVAL, expected);
}
END_TEST

/* ---- what the library writes ---- */

struct scene {
	struct df_device *device;
	struct df_context *context;
	struct df_batch *batch;
	struct df_bo *state, *large;
	char path[64];
	uint8_t *data;
	size_t size;
	struct replay_file file;
};

static void scene_make(struct scene *scene)
{
	struct df_bo_options state = DF_OPTIONS(state, .recovery = DF_BO_STATE, .name = "state");
	struct df_bo_options large = DF_OPTIONS(large, .domain = DF_DOMAIN_HOST_CACHED, .name = "large");
	uint32_t pattern[1500];

	memset(scene, 0, sizeof(*scene));
	strcpy(scene->path, "/tmp/drumfire-capture-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(scene->path));
	strcat(scene->path, "/file");
	df_soft_use(&df_soft_ops);
	ck_ok(df_device_open("soft:gfx1030,kernel=7.2,threads=1", NULL, &scene->device));
	scene->context = new_context(scene->device, 4);
	ck_ok(df_bo_create(scene->device, 6000, &state, &scene->state));
	ck_ok(df_bo_create(scene->device, 64 << 20, &large, &scene->large));
	for (unsigned i = 0; i < 1500; i++)
		pattern[i] = i < 700 ? i * 77777 : 5;
	ck_ok(df_bo_write(scene->state, 0, pattern, sizeof(pattern)));
	ck_ok(df_bo_write(scene->large, 40 << 20, pattern, sizeof(pattern)));
	ck_ok(df_batch_create(scene->device, NULL, &scene->batch));
	ck_ok(df_batch_use(scene->batch, scene->state, DF_READ | DF_WRITE));
	for (unsigned i = 0; i < 3000; i++)
		ck_ok(df_batch_write(scene->batch, scene->state, 0, i));
	ck_ok(df_batch_seal(scene->batch));
}

static int write_it(struct scene *scene, const void *(*begun_with)(const struct df_bo *bo))
{
	const struct df_wait_info info = {
		.verdict = DF_GUILTY_RESET, .page_fault = true, .fault_address = 0x1234000, .context = 3, .batch = 9};
	const struct df_capture_case what = {.context = scene->context,
					     .batch = scene->batch,
					     .info = &info,
					     .attempt = 2,
					     .begun_with = begun_with};

	return df_capture_write(scene->path, &what);
}

static void read_it(struct scene *scene)
{
	int fd = open(scene->path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	scene->size = (size_t)st.st_size;
	scene->data = mmap(NULL, scene->size, PROT_READ, MAP_PRIVATE, fd, 0);
	ck_assert_ptr_ne(scene->data, MAP_FAILED);
	close(fd);
	ck_ok(replay_parse(scene->data, scene->size, &scene->file));
}

static void scene_end(struct scene *scene)
{
	if (scene->data)
		munmap(scene->data, scene->size);
	replay_file_finish(&scene->file);
	unlink(scene->path);
	*strrchr(scene->path, '/') = 0;
	ck_assert_int_eq(rmdir(scene->path), 0); /* nothing but the file was left */
	ck_ok(df_context_destroy(scene->context));
	ck_ok(df_batch_destroy(scene->batch));
	ck_ok(df_bo_destroy(scene->state));
	ck_ok(df_bo_destroy(scene->large));
	ck_ok(df_device_close(scene->device));
}

static uint32_t find(const struct scene *scene, uint64_t va)
{
	uint32_t i = 0;

	while (replay_bo(&scene->file, i).va != va)
		ck_assert_uint_lt(++i, scene->file.bos.count);
	return i;
}

/* The contents in the file against size bytes at expected. */
static void check_contents_of(const struct scene *scene, const struct df_bo *bo, const void *expected, size_t size)
{
	uint32_t i = find(scene, bo->va);
	uint8_t *got = malloc(bo->alloc_B);

	ck_assert_ptr_nonnull(got);
	ck_assert(replay_bo(&scene->file, i).flags & DF_CAPTURE_BO_CONTENTS);
	replay_unpack(&scene->file, i, got);
	ck_assert_int_eq(memcmp(got, expected, size), 0);
	ck_assert(all_zero(got + size, bo->alloc_B - size));
	free(got);
}

START_TEST(test_written)
{
	struct scene scene;
	struct df_capture_bo bo;

	scene_make(&scene);
	ck_ok(write_it(&scene, NULL));
	read_it(&scene);
	ck_assert_str_eq(scene.file.device.name, "soft:gfx1030,kernel=7.2,threads=1");
	ck_assert_str_eq(scene.file.device.target, "gfx1030");
	ck_assert_uint_eq(scene.file.job.context, 3);
	ck_assert_uint_eq(scene.file.job.batch, 9);
	ck_assert_uint_eq(scene.file.verdict.verdict, DF_GUILTY_RESET);
	ck_assert_uint_eq(scene.file.verdict.fault_address, 0x1234000);
	ck_assert_uint_eq(scene.file.verdict.attempt, 2);
	bo = replay_bo(&scene.file, find(&scene, scene.state->va));
	ck_assert_str_eq(bo.name, "state");
	ck_assert_uint_eq(bo.size_B, 6000);
	ck_assert_uint_eq(bo.alloc_B, 8192);
	ck_assert_uint_eq(bo.recovery, DF_BO_STATE);
	check_contents_of(&scene, scene.state, atomic_load(&scene.state->map), 6000);
	check_contents_of(&scene, scene.large, atomic_load(&scene.large->map), 64 << 20);
	scene_end(&scene);
}
END_TEST

/* Every IB of the chain, and the dwords in it. */
START_TEST(test_streams)
{
	struct scene scene;

	scene_make(&scene);
	ck_assert_uint_gt(scene.batch->chunk, 0);
	ck_ok(write_it(&scene, NULL));
	read_it(&scene);
	ck_assert_uint_eq(scene.file.ibs.count, scene.batch->chunk + 1);
	for (unsigned i = 0; i <= scene.batch->chunk; i++) {
		const struct df_stream_chunk *chunk = &scene.batch->chunks[i];
		struct df_capture_ib ib = replay_ib(&scene.file, i);

		ck_assert_uint_eq(ib.va, chunk->bo->va);
		ck_assert_uint_eq(ib.size_dw, chunk->used_dw);
		check_contents_of(&scene, chunk->bo, chunk->map, chunk->bo->size_B);
	}
	scene_end(&scene);
}
END_TEST

/* Zeros and repeated words cost nothing: 64 MiB of which 6,000 bytes are something. */
START_TEST(test_small)
{
	struct scene scene;

	scene_make(&scene);
	ck_ok(write_it(&scene, NULL));
	read_it(&scene);
	ck_assert_uint_lt(scene.size, 200000);
	scene_end(&scene);
}
END_TEST

static const uint8_t begun[6000] = {1, 2, 3};

static const void *begun_with(const struct df_bo *bo)
{
	return bo->recovery == DF_BO_STATE ? begun : NULL;
}

START_TEST(test_begun_with)
{
	struct scene scene;

	scene_make(&scene);
	ck_ok(write_it(&scene, begun_with));
	read_it(&scene);
	check_contents_of(&scene, scene.state, begun, sizeof(begun));
	scene_end(&scene);
}
END_TEST

/* The library's other memory is mapped, but what is in it is not the batch's. */
START_TEST(test_only_what_it_needs)
{
	struct scene scene;
	struct df_capture_bo bo;

	scene_make(&scene);
	ck_ok(write_it(&scene, NULL));
	read_it(&scene);
	bo = replay_bo(&scene.file, find(&scene, scene.context->marker_bo->va));
	ck_assert_uint_eq(bo.flags & (DF_CAPTURE_BO_CONTENTS | DF_CAPTURE_BO_LIBRARY), DF_CAPTURE_BO_LIBRARY);
	scene_end(&scene);
}
END_TEST

START_TEST(test_cannot_write)
{
	struct scene scene;
	char path[64];

	scene_make(&scene);
	ck_ok(write_it(&scene, NULL));
	strcpy(path, scene.path);
	strcpy(strrchr(scene.path, '/'), "/nowhere/file");
	ck_fails(write_it(&scene, NULL), ENOENT, "nowhere/file: not written: No such file or directory");
	strcpy(scene.path, path);
	read_it(&scene); /* the one before stayed */
	scene_end(&scene);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("capture");
	TCase *tcase = tcase_create("capture");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 20);
	tcase_add_test(tcase, test_by_hand);
	tcase_add_loop_test(tcase, test_wrong, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
	tcase_add_test(tcase, test_checksums);
	tcase_add_test(tcase, test_cut_short);
	tcase_add_loop_test(tcase, test_missing, 0, SECTIONS);
	tcase_add_test(tcase, test_written);
	tcase_add_test(tcase, test_streams);
	tcase_add_test(tcase, test_small);
	tcase_add_test(tcase, test_begun_with);
	tcase_add_test(tcase, test_only_what_it_needs);
	tcase_add_test(tcase, test_cannot_write);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

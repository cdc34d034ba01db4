/* SPDX-License-Identifier: MIT */
/*
 * Reading a capture. The file is checked from the outside in: header, checksums, sections, then each struct with what
 * it refers to. Nothing is used before it was checked, and each check has its own sentence.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/replay.h"
#include "core/error.h"
#include "core/image.h"
#include "drumfire.h"

#define FIX_AGAIN        "Fix: capture again, or copy the file again."
#define MAX_FAULTS_B     4096u
#define RUN_COUNT(head)  ((head)&DF_CAPTURE_RUN_MAX_DW)
#define RUN_KIND(head)   ((head) >> DF_CAPTURE_RUN_SHIFT)
#define refuse(err, ...) df_error_set(err, "capture: " __VA_ARGS__)

static const struct {
	const char *name;
	uint32_t known_B; /* of one struct; 0: bytes */
	bool required, single;
} kinds[DF_CAPTURE_KIND_END] = {
	[DF_CAPTURE_DEVICE] = {"DEVICE", sizeof(struct df_capture_device), true, true},
	[DF_CAPTURE_JOB] = {"JOB", sizeof(struct df_capture_job), true, true},
	[DF_CAPTURE_VERDICT] = {"VERDICT", sizeof(struct df_capture_verdict), true, true},
	[DF_CAPTURE_IBS] = {"IBS", sizeof(struct df_capture_ib), true, false},
	[DF_CAPTURE_BOS] = {"BOS", sizeof(struct df_capture_bo), true, false},
	[DF_CAPTURE_KERNELS] = {"KERNELS", sizeof(struct df_capture_kernel), false, false},
	[DF_CAPTURE_FAULTS] = {"FAULTS", 0, false, false},
	[DF_CAPTURE_CONTENTS] = {"CONTENTS", 0, false, false},
};

struct parser {
	struct replay_file *file;
	size_t size_B;
	struct df_capture_section found[DF_CAPTURE_KIND_END]; /* stored_B and offset; kind 0: not found */
};

static bool all_zero(const void *data, size_t size_B)
{
	const uint8_t *byte = data;

	for (size_t i = 0; i < size_B; i++)
		if (byte[i])
			return false;
	return true;
}

static bool power_of_two(uint64_t value)
{
	return value && !(value & (value - 1));
}

/* ---- header and section table ---- */

static struct df_capture_section section_at(const struct replay_file *file, uint32_t i)
{
	struct df_capture_section section;

	memcpy(&section, file->data + file->header.section_offset + (size_t)i * file->header.section_stride,
	       sizeof(section));
	return section;
}

static int check_header(struct parser *p)
{
	struct df_capture_header *header = &p->file->header;

	if (p->size_B < sizeof(*header))
		return refuse(-EBADMSG, "%zu bytes are no capture: its header alone has %zu. %s", p->size_B,
			      sizeof(*header), FIX_AGAIN);
	memcpy(header, p->file->data, sizeof(*header));
	if (header->magic != DF_CAPTURE_MAGIC)
		return refuse(-EBADMSG,
			      "no capture: it begins with 0x%08x, not 0x%08x. Fix: name a file that --capture "
			      "wrote",
			      header->magic, DF_CAPTURE_MAGIC);
	if (header->version != DF_CAPTURE_VERSION)
		return refuse(-EPROTO,
			      "version %u, this program reads version %u. Fix: use the version of drumfire that "
			      "wrote it",
			      header->version, DF_CAPTURE_VERSION);
	if (header->header_size_B != sizeof(*header))
		return refuse(-EINVAL, "a header of %u bytes, version %u has %zu. %s", header->header_size_B,
			      DF_CAPTURE_VERSION, sizeof(*header), FIX_AGAIN);
	if (header->total_size_B != p->size_B)
		return refuse(-EBADMSG, "the file has %zu bytes, %llu were written. %s", p->size_B,
			      (unsigned long long)header->total_size_B, FIX_AGAIN);
	if (!all_zero(header->reserved, sizeof(header->reserved)))
		return refuse(-EINVAL, "reserved fields of the header are not zero. %s", FIX_AGAIN);
	return 0;
}

static int check_table(struct parser *p)
{
	const struct df_capture_header *header = &p->file->header;
	struct df_capture_header blank = *header;
	uint64_t bytes = (uint64_t)header->section_count * header->section_stride;
	uint32_t crc;

	if (header->section_stride < sizeof(struct df_capture_section) || header->section_stride % DF_CAPTURE_ALIGN ||
	    header->section_stride > 4096)
		return refuse(-EINVAL, "section entries of %u bytes, this version has %zu. %s", header->section_stride,
			      sizeof(struct df_capture_section), FIX_AGAIN);
	if (!header->section_count || header->section_count > DF_CAPTURE_MAX_SECTIONS)
		return refuse(-E2BIG, "%u sections, a capture has from 1 to %u. %s", header->section_count,
			      DF_CAPTURE_MAX_SECTIONS, FIX_AGAIN);
	if (header->section_offset % DF_CAPTURE_ALIGN || header->section_offset < sizeof(*header) ||
	    header->section_offset > p->size_B || bytes > p->size_B - header->section_offset)
		return refuse(-EINVAL,
			      "the section table at %llu with %llu bytes is not inside the file's %zu behind the "
			      "header. %s",
			      (unsigned long long)header->section_offset, (unsigned long long)bytes, p->size_B,
			      FIX_AGAIN);
	blank.crc32 = 0;
	crc = df_image_crc32(DF_IMAGE_CRC_START, &blank, sizeof(blank));
	crc = df_image_crc32(crc, p->file->data + header->section_offset, (size_t)bytes);
	if (crc != header->crc32)
		return refuse(-EBADMSG, "the header's checksum is 0x%08x, its bytes give 0x%08x. %s", header->crc32,
			      crc, FIX_AGAIN);
	return 0;
}

static int check_array(const struct df_capture_section *section)
{
	const char *name = kinds[section->kind].name;
	uint32_t known_B = kinds[section->kind].known_B;

	if (!known_B) {
		if (section->count || section->stride)
			return refuse(-EINVAL, "section %s has a count or stride, it holds bytes. %s", name, FIX_AGAIN);
		return 0;
	}
	if (section->stride < known_B || section->stride % DF_CAPTURE_ALIGN || section->stride > 65536)
		return refuse(-EINVAL, "section %s: structs of %u bytes, this version has %u. %s", name,
			      section->stride, known_B, FIX_AGAIN);
	if ((uint64_t)section->count * section->stride != section->stored_B)
		return refuse(-EINVAL, "section %s: %u structs of %u bytes are not its %llu bytes. %s", name,
			      section->count, section->stride, (unsigned long long)section->stored_B, FIX_AGAIN);
	if (kinds[section->kind].single && section->count != 1)
		return refuse(-EINVAL, "section %s holds %u structs. Fix: a capture has exactly one", name,
			      section->count);
	return 0;
}

/* behind: the end of the section before. */
static int check_section(struct parser *p, uint32_t i, uint64_t *behind)
{
	const struct df_capture_section section = section_at(p->file, i);
	const uint8_t *entry =
		p->file->data + p->file->header.section_offset + (size_t)i * p->file->header.section_stride;
	uint32_t crc;

	if (!section.kind || section.kind >= DF_CAPTURE_KIND_END)
		return refuse(-EINVAL, "section %u is of kind %u, which this version does not know. %s", i,
			      section.kind, FIX_AGAIN);
	if (section.reserved || !all_zero(entry + sizeof(section), p->file->header.section_stride - sizeof(section)))
		return refuse(-EINVAL, "section %u (%s): reserved fields are not zero. %s", i, kinds[section.kind].name,
			      FIX_AGAIN);
	if (section.index && section.kind != DF_CAPTURE_CONTENTS)
		return refuse(-EINVAL, "section %u (%s) has index %u. Fix: only CONTENTS have one", i,
			      kinds[section.kind].name, section.index);
	if (section.kind != DF_CAPTURE_CONTENTS && p->found[section.kind].kind)
		return refuse(-EINVAL, "section %s is there twice. %s", kinds[section.kind].name, FIX_AGAIN);
	if (section.offset % DF_CAPTURE_ALIGN || section.offset < *behind || section.offset > p->size_B ||
	    section.stored_B > p->size_B - section.offset)
		return refuse(-EINVAL,
			      "section %u (%s) at %llu with %llu bytes is not inside the file's %zu behind what "
			      "is before it (%llu). %s",
			      i, kinds[section.kind].name, (unsigned long long)section.offset,
			      (unsigned long long)section.stored_B, p->size_B, (unsigned long long)*behind, FIX_AGAIN);
	if (!all_zero(p->file->data + *behind, (size_t)(section.offset - *behind)))
		return refuse(-EINVAL, "bytes before section %u (%s) belong to nothing and are not zero. %s", i,
			      kinds[section.kind].name, FIX_AGAIN);
	crc = df_image_crc32(DF_IMAGE_CRC_START, p->file->data + section.offset, (size_t)section.stored_B);
	if (crc != section.crc32)
		return refuse(-EBADMSG, "section %u (%s): its checksum is 0x%08x, its bytes give 0x%08x. %s", i,
			      kinds[section.kind].name, section.crc32, crc, FIX_AGAIN);
	*behind = section.offset + section.stored_B;
	if (section.kind != DF_CAPTURE_CONTENTS)
		p->found[section.kind] = section;
	return check_array(&section);
}

static int check_sections(struct parser *p)
{
	const struct df_capture_header *header = &p->file->header;
	uint64_t behind = header->section_offset + (uint64_t)header->section_count * header->section_stride;
	int ret = 0;

	for (uint32_t i = 0; i < header->section_count && !ret; i++)
		ret = check_section(p, i, &behind);
	if (!ret && !all_zero(p->file->data + behind, (size_t)(p->size_B - behind)))
		ret = refuse(-EINVAL, "bytes behind the last section are not zero. %s", FIX_AGAIN);
	for (uint32_t kind = 1; kind < DF_CAPTURE_KIND_END && !ret; kind++)
		if (kinds[kind].required && !p->found[kind].kind)
			ret = refuse(-EINVAL, "section %s is missing. %s", kinds[kind].name, FIX_AGAIN);
	return ret;
}

/* Struct i of an array, with what is behind the part this version knows zero. */
static int take(const struct replay_array *array, uint32_t i, void *out, size_t known_B, const char *name)
{
	const uint8_t *at = array->data + (size_t)i * array->stride;

	memcpy(out, at, known_B);
	if (all_zero(at + known_B, array->stride - known_B))
		return 0;
	return refuse(-EINVAL,
		      "section %s: entry %u has fields that this version does not know. Fix: use the version of "
		      "drumfire that wrote it",
		      name, i);
}

static int check_text(const char *text, size_t size_B, bool may_be_empty, const char *what)
{
	if (!memchr(text, 0, size_B))
		return refuse(-EINVAL, "%s does not end in NUL. %s", what, FIX_AGAIN);
	for (size_t i = 0; text[i]; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return refuse(-EINVAL, "%s holds control characters. %s", what, FIX_AGAIN);
	if (!text[0] && !may_be_empty)
		return refuse(-EINVAL, "%s is empty. %s", what, FIX_AGAIN);
	return 0;
}

static struct replay_array array_of(const struct parser *p, uint32_t kind)
{
	const struct df_capture_section *section = &p->found[kind];

	return (struct replay_array){p->file->data + section->offset, section->count, section->stride};
}

/* ---- device, job, verdict ---- */

static int check_device(struct parser *p)
{
	const struct replay_array array = array_of(p, DF_CAPTURE_DEVICE);
	struct df_capture_device *device = &p->file->device;
	int ret = take(&array, 0, device, sizeof(*device), "DEVICE");

	if (ret || (ret = check_text(device->name, sizeof(device->name), false, "the device's name")) ||
	    (ret = check_text(device->target, sizeof(device->target), false, "the device's target")) ||
	    (ret = check_text(device->driver, sizeof(device->driver), false, "the device's driver")) ||
	    (ret = check_text(device->marketing, sizeof(device->marketing), true, "the device's marketing name")))
		return ret;
	if (device->flags & ~DF_CAPTURE_DEVICE_ALL)
		return refuse(-EINVAL, "device flags 0x%x are not all known (0x%x). %s", device->flags,
			      DF_CAPTURE_DEVICE_ALL, FIX_AGAIN);
	if (!power_of_two(device->va_align_B) || device->va_align_B % DF_CAPTURE_PAGE_B)
		return refuse(-EINVAL, "the device maps in steps of %u bytes, not in pages. %s", device->va_align_B,
			      FIX_AGAIN);
	if (!power_of_two(device->ib_align_B) || !power_of_two(device->ib_size_align_dw))
		return refuse(-EINVAL, "indirect buffers are aligned to %u bytes and %u dwords, not powers of two. %s",
			      device->ib_align_B, device->ib_size_align_dw, FIX_AGAIN);
	for (unsigned i = 0; i < 2; i++)
		if (device->va[i][0] > device->va[i][1])
			return refuse(-EINVAL, "the device's address range %u ends before it begins. %s", i, FIX_AGAIN);
	return 0;
}

static int check_job(struct parser *p)
{
	const struct replay_array array = array_of(p, DF_CAPTURE_JOB);
	struct df_capture_job *job = &p->file->job;
	int ret = take(&array, 0, job, sizeof(*job), "JOB");

	if (ret)
		return ret;
	if (job->flags & ~DF_CAPTURE_JOB_ALL)
		return refuse(-EINVAL, "job flags 0x%x are not all known (0x%x). %s", job->flags, DF_CAPTURE_JOB_ALL,
			      FIX_AGAIN);
	if (!all_zero(job->reserved, sizeof(job->reserved)))
		return refuse(-EINVAL, "reserved fields of the job are not zero. %s", FIX_AGAIN);
	if (job->progress_va % 4)
		return refuse(-EINVAL, "the progress words at 0x%llx are not aligned. %s",
			      (unsigned long long)job->progress_va, FIX_AGAIN);
	return 0;
}

static int check_where(const struct df_capture_where *where, uint64_t launches)
{
	if (where->kind >= DF_CAPTURE_STOP_END)
		return refuse(-EINVAL, "it stopped in a way (%u) that this version does not know. %s", where->kind,
			      FIX_AGAIN);
	if (where->access > 7)
		return refuse(-EINVAL, "the access that faulted is 0x%x. Fix: it is made of 1, 2 and 4", where->access);
	if (where->launch > launches)
		return refuse(-EINVAL, "it stopped at launch %u of %llu. %s", where->launch,
			      (unsigned long long)launches, FIX_AGAIN);
	if (where->reserved)
		return refuse(-EINVAL, "reserved fields of the stop are not zero. %s", FIX_AGAIN);
	return check_text(where->what, sizeof(where->what), true, "the stop's sentence");
}

static int check_verdict(struct parser *p)
{
	const struct replay_array array = array_of(p, DF_CAPTURE_VERDICT);
	struct df_capture_verdict *verdict = &p->file->verdict;
	const uint64_t launches = p->file->job.launches;
	int ret = take(&array, 0, verdict, sizeof(*verdict), "VERDICT");

	if (ret)
		return ret;
	if (verdict->verdict > DF_POISONED)
		return refuse(-EINVAL, "verdict %u does not exist. Fix: one of enum df_verdict", verdict->verdict);
	if (verdict->flags & ~DF_CAPTURE_VERDICT_ALL)
		return refuse(-EINVAL, "verdict flags 0x%x are not all known (0x%x). %s", verdict->flags,
			      DF_CAPTURE_VERDICT_ALL, FIX_AGAIN);
	if (verdict->fault_address && !(verdict->flags & DF_CAPTURE_VERDICT_PAGE_FAULT))
		return refuse(-EINVAL, "there is a fault address (0x%llx) and no page fault. %s",
			      (unsigned long long)verdict->fault_address, FIX_AGAIN);
	if (verdict->first_launch > verdict->last_launch || verdict->last_launch > launches)
		return refuse(-EINVAL, "launches %llu to %llu of %llu cannot have been in flight. %s",
			      (unsigned long long)verdict->first_launch, (unsigned long long)verdict->last_launch,
			      (unsigned long long)launches, FIX_AGAIN);
	if (verdict->poison_count > DF_CAPTURE_MAX_POISON)
		return refuse(-EINVAL, "%u launches are poison, at most %u are named. %s", verdict->poison_count,
			      DF_CAPTURE_MAX_POISON, FIX_AGAIN);
	for (uint32_t i = 0; i < DF_CAPTURE_MAX_POISON; i++)
		if (i < verdict->poison_count ? verdict->poison[i] >= launches : verdict->poison[i] != 0)
			return refuse(-EINVAL,
				      "poison %u is launch %llu, the batch has %u poison and %llu launches. %s", i,
				      (unsigned long long)verdict->poison[i], verdict->poison_count,
				      (unsigned long long)launches, FIX_AGAIN);
	return check_where(&verdict->where, launches);
}

/* ---- mappings and what lies in them ---- */

struct df_capture_bo replay_bo(const struct replay_file *file, uint32_t i)
{
	struct df_capture_bo bo;

	memcpy(&bo, file->bos.data + (size_t)i * file->bos.stride, sizeof(bo));
	return bo;
}

struct df_capture_ib replay_ib(const struct replay_file *file, uint32_t i)
{
	struct df_capture_ib ib;

	memcpy(&ib, file->ibs.data + (size_t)i * file->ibs.stride, sizeof(ib));
	return ib;
}

struct df_capture_kernel replay_kernel(const struct replay_file *file, uint32_t i)
{
	struct df_capture_kernel kernel;

	memcpy(&kernel, file->kernels.data + (size_t)i * file->kernels.stride, sizeof(kernel));
	return kernel;
}

static bool inside_device(const struct df_capture_device *device, uint64_t va, uint64_t bytes)
{
	for (unsigned i = 0; i < 2; i++)
		if (va >= device->va[i][0] && va <= device->va[i][1] && bytes <= device->va[i][1] - va)
			return true;
	return false;
}

static int check_bo(struct parser *p, uint32_t i, uint64_t *behind)
{
	struct df_capture_bo bo;
	int ret = take(&p->file->bos, i, &bo, sizeof(bo), "BOS");

	if (ret || (ret = check_text(bo.name, sizeof(bo.name), true, "a BO's name")))
		return ret;
	if (bo.va % DF_CAPTURE_PAGE_B || bo.alloc_B % DF_CAPTURE_PAGE_B || !bo.alloc_B)
		return refuse(-EINVAL, "BO %u at 0x%llx with %llu bytes is not whole pages. %s", i,
			      (unsigned long long)bo.va, (unsigned long long)bo.alloc_B, FIX_AGAIN);
	if (!inside_device(&p->file->device, bo.va, bo.alloc_B))
		return refuse(-EINVAL, "BO %u at 0x%llx with %llu bytes is outside the device's addresses. %s", i,
			      (unsigned long long)bo.va, (unsigned long long)bo.alloc_B, FIX_AGAIN);
	if (bo.va < *behind)
		return refuse(-EINVAL, "BO %u at 0x%llx overlaps the one before it, or they are not in order. %s", i,
			      (unsigned long long)bo.va, FIX_AGAIN);
	if (!bo.size_B || bo.size_B > bo.alloc_B)
		return refuse(-EINVAL, "BO %u is %llu bytes of the %llu that are mapped. %s", i,
			      (unsigned long long)bo.size_B, (unsigned long long)bo.alloc_B, FIX_AGAIN);
	if (bo.domain > DF_DOMAIN_HOST_WC)
		return refuse(-EINVAL, "BO %u: domain %u does not exist. Fix: one of enum df_domain", i, bo.domain);
	if (bo.recovery < DF_BO_INPUT || bo.recovery > DF_BO_SCRATCH)
		return refuse(-EINVAL, "BO %u: recovery class %u does not exist. Fix: one of enum df_bo_class", i,
			      bo.recovery);
	if (bo.flags & ~DF_CAPTURE_BO_ALL)
		return refuse(-EINVAL, "BO %u: flags 0x%x are not all known (0x%x). %s", i, bo.flags, DF_CAPTURE_BO_ALL,
			      FIX_AGAIN);
	if (bo.va_flags & ~DF_CAPTURE_VA_ALL || !(bo.va_flags & DF_CAPTURE_VA_READ))
		return refuse(-EINVAL,
			      "BO %u: access 0x%x is not made of known rights (0x%x) with reading among them. %s", i,
			      bo.va_flags, DF_CAPTURE_VA_ALL, FIX_AGAIN);
	*behind = bo.va + bo.alloc_B;
	return 0;
}

static int check_bos(struct parser *p)
{
	struct replay_file *file = p->file;
	uint64_t behind = 1, total = 0;
	int ret = 0;

	file->bos = array_of(p, DF_CAPTURE_BOS);
	if (!file->bos.count || file->bos.count > DF_CAPTURE_MAX_BOS)
		return refuse(-E2BIG, "%u BOs, a capture has from 1 to %u. %s", file->bos.count, DF_CAPTURE_MAX_BOS,
			      FIX_AGAIN);
	for (uint32_t i = 0; i < file->bos.count && !ret; i++) {
		ret = check_bo(p, i, &behind);
		total += replay_bo(file, i).alloc_B;
		if (!ret && total > DF_CAPTURE_MAX_ALLOC_B)
			ret = refuse(-E2BIG, "the BOs have more than %llu bytes. Fix: capture with fewer of them alive",
				     (unsigned long long)DF_CAPTURE_MAX_ALLOC_B);
	}
	return ret;
}

/* The BO with these flags that holds all of [va, va + bytes), or -1. */
static int find_bo(const struct replay_file *file, uint64_t va, uint64_t bytes, uint32_t flags)
{
	uint32_t low = 0, high = file->bos.count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (replay_bo(file, middle).va <= va)
			low = middle;
		else
			high = middle;
	}
	const struct df_capture_bo bo = replay_bo(file, low);

	if (va < bo.va || va - bo.va > bo.alloc_B || bytes > bo.alloc_B - (va - bo.va) || (bo.flags & flags) != flags)
		return -1;
	return (int)low;
}

static int check_ibs(struct parser *p)
{
	struct replay_file *file = p->file;
	struct df_capture_ib ib;

	file->ibs = array_of(p, DF_CAPTURE_IBS);
	if (!file->ibs.count || file->ibs.count > DF_CAPTURE_MAX_IBS)
		return refuse(-E2BIG, "%u indirect buffers, a capture has from 1 to %u. %s", file->ibs.count,
			      DF_CAPTURE_MAX_IBS, FIX_AGAIN);
	for (uint32_t i = 0; i < file->ibs.count; i++) {
		int ret = take(&file->ibs, i, &ib, sizeof(ib), "IBS");

		if (ret)
			return ret;
		if (ib.reserved)
			return refuse(-EINVAL, "IB %u: reserved fields are not zero. %s", i, FIX_AGAIN);
		if (ib.va % file->device.ib_align_B || !ib.size_dw || ib.size_dw > file->device.max_ib_dw ||
		    ib.size_dw % file->device.ib_size_align_dw)
			return refuse(-EINVAL, "IB %u at 0x%llx with %u dwords is not one that the device takes. %s", i,
				      (unsigned long long)ib.va, ib.size_dw, FIX_AGAIN);
		if (find_bo(file, ib.va, (uint64_t)ib.size_dw * 4, DF_CAPTURE_BO_STREAM | DF_CAPTURE_BO_CONTENTS) < 0)
			return refuse(-EINVAL, "IB %u at 0x%llx with %u dwords is not in a BO that holds streams. %s",
				      i, (unsigned long long)ib.va, ib.size_dw, FIX_AGAIN);
	}
	if (file->job.progress_va && find_bo(file, file->job.progress_va, 8, 0) < 0)
		return refuse(-EINVAL, "the progress words at 0x%llx are in no BO. %s",
			      (unsigned long long)file->job.progress_va, FIX_AGAIN);
	return 0;
}

static int check_kernel(struct parser *p, uint32_t i)
{
	struct df_capture_kernel kernel;
	int ret = take(&p->file->kernels, i, &kernel, sizeof(kernel), "KERNELS");

	if (ret || (ret = check_text(kernel.name, sizeof(kernel.name), false, "a kernel's name")))
		return ret;
	if (kernel.reserved)
		return refuse(-EINVAL, "kernel %u: reserved fields are not zero. %s", i, FIX_AGAIN);
	if (kernel.wave_size != 32 && kernel.wave_size != 64)
		return refuse(-EINVAL, "kernel %u has waves of %u. Fix: 32 or 64", i, kernel.wave_size);
	if (find_bo(p->file, kernel.code_va, kernel.code_B, DF_CAPTURE_BO_CODE) < 0)
		return refuse(-EINVAL,
			      "kernel %u: its code at 0x%llx with %llu bytes is not in a BO that holds code. %s", i,
			      (unsigned long long)kernel.code_va, (unsigned long long)kernel.code_B, FIX_AGAIN);
	if (kernel.entry_va < kernel.code_va || kernel.entry_va - kernel.code_va >= kernel.code_B)
		return refuse(-EINVAL, "kernel %u begins at 0x%llx, outside its code. %s", i,
			      (unsigned long long)kernel.entry_va, FIX_AGAIN);
	return 0;
}

static int check_kernels(struct parser *p)
{
	struct replay_file *file = p->file;
	int ret = 0;

	if (!p->found[DF_CAPTURE_KERNELS].kind)
		return 0;
	file->kernels = array_of(p, DF_CAPTURE_KERNELS);
	if (file->kernels.count > DF_CAPTURE_MAX_KERNELS)
		return refuse(-E2BIG, "%u kernels, a capture has at most %u. %s", file->kernels.count,
			      DF_CAPTURE_MAX_KERNELS, FIX_AGAIN);
	for (uint32_t i = 0; i < file->kernels.count && !ret; i++)
		ret = check_kernel(p, i);
	return ret;
}

static int check_faults(struct parser *p)
{
	const struct df_capture_section *section = &p->found[DF_CAPTURE_FAULTS];
	const char *text = (const char *)p->file->data + section->offset;
	int ret = 0;

	if (!section->kind)
		return 0;
	if (!section->stored_B || section->stored_B > MAX_FAULTS_B)
		return refuse(-E2BIG, "%llu bytes of faults, a capture has from 1 to %u. %s",
			      (unsigned long long)section->stored_B, MAX_FAULTS_B, FIX_AGAIN);
	p->file->faults = text;
	p->file->faults_B = (size_t)section->stored_B;
	for (size_t at = 0; at < p->file->faults_B && !ret; at += strlen(text + at) + 1)
		ret = check_text(text + at, p->file->faults_B - at, false, "the text of a fault");
	return ret;
}

/* ---- contents ---- */

static uint32_t dword_at(const uint8_t *data, size_t at)
{
	uint32_t dw;

	memcpy(&dw, data + at, sizeof(dw));
	return dw;
}

/* Bytes of a run behind its first dword. */
static uint64_t run_data_B(uint32_t head)
{
	return RUN_KIND(head) == DF_CAPTURE_RUN_PLAIN  ? (uint64_t)RUN_COUNT(head) * 4
	       : RUN_KIND(head) == DF_CAPTURE_RUN_SAME ? 4
						       : 0;
}

static int check_runs(const struct replay_stored *stored, uint32_t i, uint64_t alloc_B)
{
	uint64_t dwords = 0;

	for (size_t at = 0; at < stored->size_B;) {
		uint32_t head = 0;

		if (stored->size_B - at >= 4)
			head = dword_at(stored->data, at);
		if (!RUN_COUNT(head) || RUN_KIND(head) > DF_CAPTURE_RUN_PLAIN ||
		    run_data_B(head) > stored->size_B - at - 4)
			return refuse(-EINVAL, "contents of BO %u: what is at byte %zu is no run. %s", i, at,
				      FIX_AGAIN);
		dwords += RUN_COUNT(head);
		at += 4 + (size_t)run_data_B(head);
	}
	if (dwords != alloc_B / 4)
		return refuse(-EINVAL, "contents of BO %u give %llu dwords, it has %llu. %s", i,
			      (unsigned long long)dwords, (unsigned long long)(alloc_B / 4), FIX_AGAIN);
	return 0;
}

static int check_contents(struct parser *p)
{
	struct replay_file *file = p->file;

	file->contents = calloc(file->bos.count, sizeof(*file->contents));
	if (!file->contents)
		return refuse(-ENOMEM, "out of memory for %u BOs", file->bos.count);
	for (uint32_t s = 0; s < file->header.section_count; s++) {
		const struct df_capture_section section = section_at(file, s);
		struct replay_stored *stored;
		int ret;

		if (section.kind != DF_CAPTURE_CONTENTS)
			continue;
		if (section.index >= file->bos.count)
			return refuse(-EINVAL, "there are contents of BO %u of %u. %s", section.index, file->bos.count,
				      FIX_AGAIN);
		stored = &file->contents[section.index];
		if (stored->data)
			return refuse(-EINVAL, "contents of BO %u are there twice. %s", section.index, FIX_AGAIN);
		*stored = (struct replay_stored){file->data + section.offset, (size_t)section.stored_B};
		ret = check_runs(stored, section.index, replay_bo(file, section.index).alloc_B);
		if (ret)
			return ret;
	}
	for (uint32_t i = 0; i < file->bos.count; i++)
		if (!file->contents[i].data != !(replay_bo(file, i).flags & DF_CAPTURE_BO_CONTENTS))
			return refuse(-EINVAL, "contents of BO %u are %s. %s", i,
				      file->contents[i].data ? "there, its flags say that they are not"
							     : "missing, its flags say that they are there",
				      FIX_AGAIN);
	return 0;
}

void replay_unpack(const struct replay_file *file, uint32_t i, void *to)
{
	const struct replay_stored *stored = &file->contents[i];
	uint8_t *out = to;

	for (size_t at = 0; at < stored->size_B;) {
		uint32_t head = dword_at(stored->data, at), count = RUN_COUNT(head);
		const uint8_t *data = stored->data + at + 4;

		if (RUN_KIND(head) == DF_CAPTURE_RUN_PLAIN)
			memcpy(out, data, (size_t)count * 4);
		else if (RUN_KIND(head) == DF_CAPTURE_RUN_ZERO)
			memset(out, 0, (size_t)count * 4);
		for (uint32_t n = 0; n < count && RUN_KIND(head) == DF_CAPTURE_RUN_SAME; n++)
			memcpy(out + (size_t)n * 4, data, 4);
		out += (size_t)count * 4;
		at += 4 + (size_t)run_data_B(head);
	}
}

int replay_parse(const void *data, size_t size_B, struct replay_file *file)
{
	struct parser p = {.file = file, .size_B = size_B};
	int ret;

	memset(file, 0, sizeof(*file));
	file->data = data;
	if ((ret = check_header(&p)) || (ret = check_table(&p)) || (ret = check_sections(&p)) ||
	    (ret = check_device(&p)) || (ret = check_job(&p)) || (ret = check_verdict(&p)) || (ret = check_bos(&p)) ||
	    (ret = check_ibs(&p)) || (ret = check_kernels(&p)) || (ret = check_faults(&p)) ||
	    (ret = check_contents(&p)))
		replay_file_finish(file);
	return ret;
}

void replay_file_finish(struct replay_file *file)
{
	free(file->contents);
	file->contents = NULL;
}

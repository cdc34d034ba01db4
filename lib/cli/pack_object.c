/* SPDX-License-Identifier: MIT */
/*
 * HSA code objects, versions 3 to 6, as clang and hipcc write them for amdgcn-amd-amdhsa: LLVM's AMDGPUUsage, "Code
 * Object", "Kernel Descriptor" and "Initial Kernel Execution State". The read-only sections that a loader would map are
 * copied with the distances between them kept, so that the code's PC-relative addresses hold wherever the copy lies.
 * Whatever would ask a loader to patch or to link is refused by name.
 */
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/pack.h"
#include "core/error.h"
#include "core/image.h"

#define OSABI_AMDGPU_HSA 64
#define MACH_MASK        0xffu
#define NOTE_METADATA    32 /* NT_AMDGPU_METADATA */
#define MAX_NOTE_B       (16u << 20)
#define MAX_SECTIONS     65536u
#define GENERIC_TARGET   "-generic"

/* A kernel descriptor. */
struct descriptor {
	uint32_t group_segment_size;
	uint32_t private_segment_size;
	uint32_t kernarg_size;
	uint32_t reserved0;
	int64_t entry_offset; /* from the descriptor */
	uint32_t reserved1[5];
	uint32_t rsrc3;
	uint32_t rsrc1;
	uint32_t rsrc2;
	uint16_t properties;
	uint16_t preload;
	uint32_t reserved2;
};
_Static_assert(sizeof(struct descriptor) == 64, "kernel descriptor layout");

#define PROPERTY_WAVE32        (1u << 10)
#define PROPERTY_DYNAMIC_STACK (1u << 11)
#define PROPERTIES_KNOWN       0xc7fu
#define RSRC1_WGP_MODE         (1u << 29)
#define RSRC2_SCRATCH_EN       1u
#define RSRC2_USER_SGPR(r)     ((r) >> 1 & 0x1fu)

struct object {
	const struct pack_options *options;
	Elf *elf;
	GElf_Ehdr header;
	size_t strings;      /* section header names */
	uint64_t start, end; /* addresses of what is copied */
	struct pack_metadata *metadata;
	unsigned services;
};

/* EF_AMDGPU_MACH of LLVM's BinaryFormat/ELF.h, wave-64-only gfx9 and later. */
static const struct {
	uint8_t mach;
	const char *target;
} machines[] = {
	{0x2c, "gfx900"},          {0x2d, "gfx902"},          {0x2e, "gfx904"},        {0x2f, "gfx906"},
	{0x30, "gfx908"},          {0x31, "gfx909"},          {0x32, "gfx90c"},        {0x33, "gfx1010"},
	{0x34, "gfx1011"},         {0x35, "gfx1012"},         {0x36, "gfx1030"},       {0x37, "gfx1031"},
	{0x38, "gfx1032"},         {0x39, "gfx1033"},         {0x3d, "gfx1035"},       {0x3e, "gfx1034"},
	{0x3f, "gfx90a"},          {0x41, "gfx1100"},         {0x42, "gfx1013"},       {0x43, "gfx1150"},
	{0x44, "gfx1103"},         {0x45, "gfx1036"},         {0x46, "gfx1101"},       {0x47, "gfx1102"},
	{0x48, "gfx1200"},         {0x4a, "gfx1151"},         {0x4e, "gfx1201"},       {0x51, "gfx9-generic"},
	{0x52, "gfx10-1-generic"}, {0x53, "gfx10-3-generic"}, {0x54, "gfx11-generic"},
};

static int refuse(const struct object *object, const char *what)
{
	return df_error_set(-EBADMSG, "%s: %s. Fix: build it with clang -target amdgcn-amd-amdhsa",
			    object->options->source, what);
}

/* ---- the ELF file ---- */

static int open_elf(struct object *object, const void *data, size_t size_B)
{
	unsigned version;

	elf_version(EV_CURRENT);
	/* libelf only reads from it */
	object->elf = elf_memory((char *)(uintptr_t)data, size_B);
	if (!object->elf || elf_kind(object->elf) != ELF_K_ELF || !gelf_getehdr(object->elf, &object->header))
		return refuse(object, "not an ELF file");
	if (object->header.e_machine != EM_AMDGPU || object->header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    object->header.e_ident[EI_OSABI] != OSABI_AMDGPU_HSA)
		return refuse(object, "an ELF file, but no HSA code object of an AMD GPU");
	version = object->header.e_ident[EI_ABIVERSION] + 2u;
	if (version < 3 || version > 6)
		return df_error_set(
			-EPROTO, "%s: code object version %u, versions 3 to 6 are read. Fix: -mcode-object-version=5",
			object->options->source, version);
	if (object->header.e_type != ET_DYN)
		return df_error_set(-EINVAL, "%s: not linked yet. Fix: ld.lld -shared %s -o OUT",
				    object->options->source, object->options->source);
	if (elf_getshdrstrndx(object->elf, &object->strings) != 0)
		return refuse(object, "no section names");
	return 0;
}

static const char *section_name(const struct object *object, const GElf_Shdr *section)
{
	const char *name = elf_strptr(object->elf, object->strings, section->sh_name);

	return name ? name : "";
}

static bool section_is_loaded(const GElf_Shdr *section)
{
	return (section->sh_flags & SHF_ALLOC) && !(section->sh_flags & SHF_WRITE) &&
	       section->sh_type == SHT_PROGBITS && section->sh_size;
}

static int check_section(struct object *object, const GElf_Shdr *section)
{
	const char *name = section_name(object, section);
	uint64_t end = section->sh_addr + section->sh_size;

	if ((section->sh_flags & SHF_ALLOC) && (section->sh_type == SHT_RELA || section->sh_type == SHT_REL) &&
	    section->sh_size)
		return df_error_set(
			-EOPNOTSUPP,
			"%s: section %s holds relocations for a loader. Fix: keep pointers to variables or functions "
			"out of constant data, and link every function in",
			object->options->source, name);
	if ((section->sh_flags & SHF_ALLOC) && (section->sh_flags & SHF_WRITE) && section->sh_size &&
	    (section->sh_type == SHT_PROGBITS || section->sh_type == SHT_NOBITS) && strcmp(name, ".relro_padding") != 0)
		return df_error_set(
			-EOPNOTSUPP,
			"%s: section %s holds %llu bytes of variables. Fix: pass them to the kernel in a buffer",
			object->options->source, name, (unsigned long long)section->sh_size);
	if (!section_is_loaded(section))
		return 0;
	if (end < section->sh_addr || section->sh_size > DF_IMAGE_MAX_SIZE_B)
		return df_error_set(-EBADMSG, "%s: section %s has an impossible size", object->options->source, name);
	if (section->sh_addr < object->start)
		object->start = section->sh_addr & ~(uint64_t)(DF_IMAGE_CODE_ALIGN - 1);
	if (end > object->end)
		object->end = end;
	return 0;
}

/* Checks every section and finds the range of addresses to copy. */
static int scan_sections(struct object *object)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr section;

	object->start = UINT64_MAX;
	while ((scn = elf_nextscn(object->elf, scn))) {
		int ret;

		if (!gelf_getshdr(scn, &section))
			return refuse(object, "a section header that cannot be read");
		ret = check_section(object, &section);
		if (ret)
			return ret;
	}
	if (object->end == 0)
		return refuse(object, "no code");
	if (object->end - object->start > DF_IMAGE_MAX_SIZE_B / 2)
		return df_error_set(-E2BIG, "%s: its sections span %llu bytes, the limit is %u",
				    object->options->source, (unsigned long long)(object->end - object->start),
				    DF_IMAGE_MAX_SIZE_B / 2);
	return 0;
}

static int copy_sections(struct object *object, struct pack_image *image)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr section;
	int ret = pack_alloc_code(image, (size_t)(object->end - object->start));

	if (ret)
		return ret;
	while ((scn = elf_nextscn(object->elf, scn))) {
		const Elf_Data *data;

		if (!gelf_getshdr(scn, &section) || !section_is_loaded(&section))
			continue;
		data = elf_rawdata(scn, NULL);
		if (!data || !data->d_buf || data->d_size != section.sh_size)
			return df_error_set(-EBADMSG, "%s: section %s passes the end of the file",
					    object->options->source, section_name(object, &section));
		memcpy(image->code + (section.sh_addr - object->start), data->d_buf, data->d_size);
	}
	return 0;
}

/* ---- symbols ---- */

/* Calls each(symbol, name) for the symbols of tables of this type until it returns not 0. */
static int for_symbols(struct object *object, GElf_Word type,
		       int (*each)(struct object *, const GElf_Sym *, const char *, void *), void *user)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr section;
	GElf_Sym symbol;

	while ((scn = elf_nextscn(object->elf, scn))) {
		Elf_Data *data;
		int ret;

		if (!gelf_getshdr(scn, &section) || section.sh_type != type)
			continue;
		data = elf_getdata(scn, NULL);
		for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
			const char *name = elf_strptr(object->elf, section.sh_link, symbol.st_name);

			ret = each(object, &symbol, name ? name : "", user);
			if (ret)
				return ret;
		}
	}
	return 0;
}

static int refuse_undefined(struct object *object, const GElf_Sym *symbol, const char *name, void *user)
{
	(void)user;
	if (symbol->st_shndx == SHN_UNDEF && *name)
		return df_error_set(-EOPNOTSUPP, "%s: symbol %s is not defined in it. Fix: link its definition in",
				    object->options->source, name);
	return 0;
}

/* Functions of the device libraries that stand for a service of the vendor runtime. */
static const struct {
	const char *prefix;
	unsigned service;
} service_functions[] = {
	{"__ockl_hostcall", PACK_SERVICE_HOSTCALL},
	{"__ockl_printf", PACK_SERVICE_HOSTCALL},
	{"__ockl_fprintf", PACK_SERVICE_HOSTCALL},
	{"__ockl_call_host_function", PACK_SERVICE_HOSTCALL},
	{"__ockl_devmem", PACK_SERVICE_HOSTCALL},
	{"__ockl_sanitizer", PACK_SERVICE_HOSTCALL},
	{"__ockl_dm_", PACK_SERVICE_HEAP},
	{"__enqueue_kernel", PACK_SERVICE_QUEUE},
	{"__amd_enqueue_kernel", PACK_SERVICE_QUEUE},
	{"__ockl_multi_grid", PACK_SERVICE_MULTIGRID},
	{"__ockl_grid_sync", PACK_SERVICE_MULTIGRID},
	{"get_default_queue", PACK_SERVICE_QUEUE},
};

static int note_service(struct object *object, const GElf_Sym *symbol, const char *name, void *user)
{
	(void)symbol;
	(void)user;
	for (size_t i = 0; i < sizeof(service_functions) / sizeof(service_functions[0]); i++) {
		if (strncmp(name, service_functions[i].prefix, strlen(service_functions[i].prefix)) == 0)
			object->services |= service_functions[i].service;
	}
	return 0;
}

struct lookup {
	const char *name;
	GElf_Sym symbol;
};

static int match_symbol(struct object *object, const GElf_Sym *symbol, const char *name, void *user)
{
	struct lookup *lookup = user;

	(void)object;
	if (symbol->st_shndx == SHN_UNDEF || strcmp(name, lookup->name) != 0)
		return 0;
	lookup->symbol = *symbol;
	return 1;
}

/* ---- metadata note and target ---- */

static int read_note_section(struct object *object, Elf_Scn *scn)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t offset = 0, name_at, desc_at;
	GElf_Nhdr note;

	while (data && data->d_buf && (offset = gelf_getnote(data, offset, &note, &name_at, &desc_at)) > 0) {
		const char *bytes = data->d_buf;

		if (note.n_type != NOTE_METADATA || note.n_namesz != sizeof("AMDGPU") ||
		    memcmp(bytes + name_at, "AMDGPU", sizeof("AMDGPU")) != 0)
			continue;
		if (note.n_descsz > MAX_NOTE_B)
			return refuse(object, "metadata too long");
		return pack_metadata_parse(bytes + desc_at, note.n_descsz, object->options->source, &object->metadata);
	}
	return 0;
}

static int read_metadata(struct object *object)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr section;

	while (!object->metadata && (scn = elf_nextscn(object->elf, scn))) {
		int ret;

		if (!gelf_getshdr(scn, &section) || section.sh_type != SHT_NOTE)
			continue;
		ret = read_note_section(object, scn);
		if (ret)
			return ret;
	}
	return object->metadata ? 0 : refuse(object, "no AMDGPU metadata note");
}

static const char *machine_target(const struct object *object)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		if (machines[i].mach == (object->header.e_flags & MACH_MASK))
			return machines[i].target;
	}
	return NULL;
}

/* gfx10-3-generic runs on gfx103x, gfx9-generic on gfx90x. */
static bool generic_covers(const char *generic, const char *target)
{
	char family[16];
	size_t length = 0;

	for (const char *c = generic; *c && strcmp(c, GENERIC_TARGET) != 0 && length < sizeof(family) - 1; c++) {
		if (*c != '-')
			family[length++] = *c;
	}
	family[length] = 0;
	return strncmp(target, family, length) == 0 && strlen(target) > length;
}

static int choose_target(const struct object *object, struct pack_image *image)
{
	const char *wanted = object->options->target, *has = machine_target(object);
	bool generic = has && strstr(has, GENERIC_TARGET);

	if (!has)
		return df_error_set(-EOPNOTSUPP,
				    "%s: machine 0x%02x of its ELF flags is not known. Fix: build for gfx1030",
				    object->options->source, (unsigned)(object->header.e_flags & MACH_MASK));
	if (generic && !wanted)
		return df_error_set(-EINVAL, "%s: code for %s. Fix: say which chip with --target",
				    object->options->source, has);
	if (wanted && strcmp(wanted, has) != 0 && !(generic && generic_covers(has, wanted)))
		return df_error_set(-EINVAL, "%s: code for %s, not for %s. Fix: build with -mcpu=%s",
				    object->options->source, has, wanted, wanted);
	snprintf(image->target, sizeof(image->target), "%s", wanted ? wanted : has);
	return 0;
}

/* ---- kernels ---- */

static int read_descriptor(struct object *object, const struct pack_image *image, const char *symbol_name,
			   struct descriptor *out, uint64_t *address_out)
{
	struct lookup lookup = {.name = symbol_name};
	uint64_t address;

	if (for_symbols(object, SHT_DYNSYM, match_symbol, &lookup) == 0 &&
	    for_symbols(object, SHT_SYMTAB, match_symbol, &lookup) == 0)
		return df_error_set(-EBADMSG, "%s: no kernel descriptor %s", object->options->source, symbol_name);
	address = lookup.symbol.st_value;
	if (address < object->start || address > object->end || object->end - address < sizeof(*out))
		return df_error_set(-EBADMSG, "%s: kernel descriptor %s lies outside its sections",
				    object->options->source, symbol_name);
	memcpy(out, image->code + (address - object->start), sizeof(*out));
	*address_out = address;
	return 0;
}

static int check_descriptor(const struct descriptor *descriptor, const char *name)
{
	if (descriptor->preload)
		return df_error_set(-EOPNOTSUPP,
				    "kernel \"%s\": its descriptor asks for preloaded arguments. Fix: build with "
				    "-mllvm -amdgpu-kernarg-preload-count=0",
				    name);
	if (descriptor->properties & ~PROPERTIES_KNOWN)
		return df_error_set(-EPROTO, "kernel \"%s\": unknown properties 0x%04x in its descriptor", name,
				    descriptor->properties);
	return 0;
}

/* The user SGPRs that the properties enable, in the order of AMDGPUUsage's "SGPR Register Set Up Order". */
static int add_sgprs(struct pack_kernel *kernel, const struct descriptor *descriptor)
{
	static const struct {
		uint8_t bit, count;
		uint16_t kind;
	} order[] = {
		{0, 4, DF_IMAGE_SGPR_PRIVATE_SEGMENT_BUFFER},
		{1, 2, DF_IMAGE_SGPR_DISPATCH_PTR},
		{2, 2, DF_IMAGE_SGPR_QUEUE_PTR},
		{3, 2, DF_IMAGE_SGPR_KERNARG_PTR},
		{4, 2, DF_IMAGE_SGPR_DISPATCH_ID},
		{5, 2, DF_IMAGE_SGPR_FLAT_SCRATCH_INIT},
		{6, 1, DF_IMAGE_SGPR_PRIVATE_SEGMENT_SIZE},
	};
	unsigned total = 0;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		int ret;

		if (!(descriptor->properties >> order[i].bit & 1))
			continue;
		ret = pack_add_sgpr(kernel, order[i].kind, order[i].count, 0);
		if (ret)
			return ret;
		total += order[i].count;
	}
	if (total != RSRC2_USER_SGPR(descriptor->rsrc2))
		return df_error_set(-EOPNOTSUPP, "kernel \"%s\": its properties enable %u user SGPRs, PGM_RSRC2 has %u",
				    kernel->name, total, RSRC2_USER_SGPR(descriptor->rsrc2));
	return 0;
}

static void fill_kernel(struct df_image_kernel *out, const struct descriptor *descriptor)
{
	out->pgm_rsrc1 = descriptor->rsrc1;
	out->pgm_rsrc2 = descriptor->rsrc2;
	out->pgm_rsrc3 = descriptor->rsrc3;
	out->wave_size = descriptor->properties & PROPERTY_WAVE32 ? 32 : 64;
	out->lds_size_B = descriptor->group_segment_size;
	out->scratch_size_B = (descriptor->private_segment_size + 3) & ~3u;
	if (descriptor->rsrc1 & RSRC1_WGP_MODE)
		out->flags |= DF_IMAGE_KERNEL_WGP_MODE;
	if (descriptor->properties & PROPERTY_DYNAMIC_STACK)
		out->flags |= DF_IMAGE_KERNEL_DYNAMIC_STACK;
	if (descriptor->properties >> 1 & 1)
		out->flags |= DF_IMAGE_KERNEL_DISPATCH_PTR;
	if (descriptor->properties >> 2 & 1)
		out->flags |= DF_IMAGE_KERNEL_QUEUE_PTR;
	if (descriptor->properties >> 5 & 1)
		out->flags |= DF_IMAGE_KERNEL_FLAT_SCRATCH;
	if (!(descriptor->properties >> 3 & 1))
		out->kernarg_size_B = 0;
	if (!out->kernarg_size_B)
		out->kernarg_align_B = 0;
	else if (out->kernarg_align_B < 4)
		out->kernarg_align_B = 4;
}

static int add_kernel(struct object *object, struct pack_image *image, unsigned i)
{
	struct descriptor descriptor;
	struct pack_kernel *kernel;
	const char *name, *symbol;
	uint64_t address = 0, entry;
	int ret = pack_metadata_kernel_names(object->metadata, i, &name, &symbol);

	if (ret || (object->options->kernel && strcmp(object->options->kernel, name) != 0))
		return ret;
	kernel = pack_add_kernel(image, name);
	if (!kernel)
		return -ENOMEM;
	ret = read_descriptor(object, image, symbol, &descriptor, &address);
	if (!ret)
		ret = check_descriptor(&descriptor, name);
	if (!ret)
		ret = pack_metadata_kernel(object->metadata, i, object->services, kernel);
	if (!ret)
		ret = add_sgprs(kernel, &descriptor);
	if (ret)
		return ret;
	entry = address + (uint64_t)descriptor.entry_offset;
	if (entry < object->start || entry >= object->end)
		return df_error_set(-EBADMSG, "%s: the entry of kernel \"%s\" lies outside its sections",
				    object->options->source, name);
	kernel->kernel.entry_offset = (uint32_t)(entry - object->start);
	fill_kernel(&kernel->kernel, &descriptor);
	return 0;
}

static int add_kernels(struct object *object, struct pack_image *image)
{
	for (unsigned i = 0; i < pack_metadata_kernel_count(object->metadata); i++) {
		int ret = add_kernel(object, image, i);

		if (ret)
			return ret;
	}
	if (image->kernel_count == 0)
		return df_error_set(-ENOENT,
				    "%s: no kernel named \"%s\". Fix: drumfire image lists what was packed without "
				    "--kernel",
				    object->options->source, object->options->kernel);
	return 0;
}

static int set_provenance(const struct object *object, struct pack_image *image)
{
	const char *target = pack_metadata_target(object->metadata);

	if (asprintf(&image->provenance, "%.200s: HSA code object version %u for %s", object->options->source,
		     object->header.e_ident[EI_ABIVERSION] + 2u, target ? target : machine_target(object)) < 0) {
		image->provenance = NULL;
		return df_error_set(-ENOMEM, "%s: out of memory", object->options->source);
	}
	return 0;
}

static int build(struct object *object, const void *data, size_t size_B, struct pack_image *image)
{
	int ret = open_elf(object, data, size_B);

	if (!ret)
		ret = choose_target(object, image);
	if (!ret)
		ret = for_symbols(object, SHT_DYNSYM, refuse_undefined, NULL);
	if (!ret)
		ret = scan_sections(object);
	if (!ret)
		ret = for_symbols(object, SHT_SYMTAB, note_service, NULL);
	if (!ret)
		ret = read_metadata(object);
	if (!ret)
		ret = copy_sections(object, image);
	if (!ret)
		ret = add_kernels(object, image);
	if (!ret)
		ret = set_provenance(object, image);
	return ret;
}

static int pack_elf(const void *data, size_t size_B, const struct pack_options *options, void **image_out,
		    size_t *size_out)
{
	struct pack_image image = {.origin = DF_IMAGE_ORIGIN_CODE_OBJECT};
	struct object object = {.options = options};
	int ret = build(&object, data, size_B, &image);

	if (!ret)
		ret = pack_write(&image, image_out, size_out);
	pack_metadata_free(object.metadata);
	if (object.elf)
		elf_end(object.elf);
	pack_image_finish(&image);
	return ret;
}

/* ---- offload bundles (clang's Offload Bundler): several code objects in one file, each with the name of its target
 * ---- */

#define BUNDLE_MAGIC     "__CLANG_OFFLOAD_BUNDLE__"
#define BUNDLE_MAGIC_B   24u
#define BUNDLE_ENTRY_B   24u /* offset, size, length of the name, then the name */
#define COMPRESSED_MAGIC "CCOB"

struct bundle_entry {
	uint64_t offset, size, name_length;
	const char *name;
};

static bool read_bundle_entry(const uint8_t *data, size_t size_B, size_t *at, struct bundle_entry *entry)
{
	if (size_B - *at < BUNDLE_ENTRY_B)
		return false;
	memcpy(&entry->offset, data + *at, 8);
	memcpy(&entry->size, data + *at + 8, 8);
	memcpy(&entry->name_length, data + *at + 16, 8);
	*at += BUNDLE_ENTRY_B;
	if (entry->name_length > size_B - *at || entry->offset > size_B || entry->size > size_B - entry->offset)
		return false;
	entry->name = (const char *)data + *at;
	*at += (size_t)entry->name_length;
	return true;
}

/* Entry names are kind-triple-processor, "hipv4-amdgcn-amd-amdhsa--gfx1030". */
static bool bundle_entry_fits(const struct bundle_entry *entry, const char *target)
{
	const char *name = entry->name, *end = name + entry->name_length;
	const char *dash = end;

	if (memmem(name, (size_t)entry->name_length, "amdgcn", 6) == NULL || !entry->size)
		return false;
	if (!target)
		return true;
	for (const char *c = name; c + 1 < end; c++) {
		if (c[0] == '-' && c[1] == 'g')
			dash = c + 1;
	}
	for (const char *c = dash; c < end; c++) {
		if (*c == ':')
			end = c;
	}
	return (size_t)(end - dash) == strlen(target) && memcmp(dash, target, strlen(target)) == 0;
}

static int pack_bundle(const uint8_t *data, size_t size_B, const struct pack_options *options, void **image_out,
		       size_t *size_out)
{
	size_t at = BUNDLE_MAGIC_B + 8;
	struct bundle_entry entry, found = {0};
	unsigned fitting = 0;
	uint64_t count = 0;

	if (size_B >= at)
		memcpy(&count, data + BUNDLE_MAGIC_B, 8);
	for (uint64_t i = 0; i < count; i++) {
		if (!read_bundle_entry(data, size_B, &at, &entry))
			return df_error_set(-EBADMSG, "%s: entry %llu of the offload bundle passes its end",
					    options->source, (unsigned long long)i);
		if (bundle_entry_fits(&entry, options->target)) {
			found = entry;
			fitting++;
		}
	}
	if (fitting == 0)
		return df_error_set(-ENOENT,
				    "%s: the offload bundle holds no code for %s. Fix: build with --offload-arch=%s",
				    options->source, options->target ? options->target : "amdgcn",
				    options->target ? options->target : "gfx1030");
	if (fitting > 1)
		return df_error_set(-EINVAL,
				    "%s: the offload bundle holds code for %u targets. Fix: choose with --target",
				    options->source, fitting);
	return pack_elf(data + found.offset, (size_t)found.size, options, image_out, size_out);
}

int pack_object(const void *data, size_t size_B, const struct pack_options *options, void **image_out, size_t *size_out)
{
	if (size_B >= 4 && memcmp(data, COMPRESSED_MAGIC, 4) == 0)
		return df_error_set(-EOPNOTSUPP,
				    "%s: a compressed offload bundle. Fix: build with --no-offload-compress",
				    options->source);
	if (size_B >= BUNDLE_MAGIC_B && memcmp(data, BUNDLE_MAGIC, BUNDLE_MAGIC_B) == 0)
		return pack_bundle(data, size_B, options, image_out, size_out);
	return pack_elf(data, size_B, options, image_out, size_out);
}

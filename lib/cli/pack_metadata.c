/* SPDX-License-Identifier: MIT */
/*
 * The metadata note of an HSA code object: a MessagePack map described in LLVM's AMDGPUUsage, "Code Object V3 Metadata"
 * to "V5 Metadata". The note is untrusted: before it goes to the MessagePack library, whose containers are allocated by
 * the count that they claim, a walk over it proves that every claimed element has its byte.
 */
#include <errno.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "cli/pack.h"
#include "core/error.h"
#include "core/image.h"

#define MAX_DEPTH     16
#define DEFAULT_BLOCK 64u

struct pack_metadata {
	msgpack_unpacked unpacked;
	char *source;
	char *target;
	const msgpack_object_array *kernels;
	char **names; /* name and symbol of each kernel */
};

/* ---- proof that the note holds what its containers claim ---- */

struct walk {
	const uint8_t *at, *end;
};

static bool walk_number(struct walk *walk, unsigned bytes, uint64_t *out)
{
	if ((size_t)(walk->end - walk->at) < bytes)
		return false;
	*out = 0;
	for (unsigned i = 0; i < bytes; i++)
		*out = *out << 8 | *walk->at++;
	return true;
}

static bool walk_skip(struct walk *walk, uint64_t bytes)
{
	if ((uint64_t)(walk->end - walk->at) < bytes)
		return false;
	walk->at += bytes;
	return true;
}

static bool walk_object(struct walk *walk, unsigned depth);

static bool walk_container(struct walk *walk, uint64_t objects, unsigned depth)
{
	if (depth >= MAX_DEPTH || (uint64_t)(walk->end - walk->at) < objects)
		return false;
	while (objects--) {
		if (!walk_object(walk, depth + 1))
			return false;
	}
	return true;
}

/* Bytes of the length field of str8..32, bin8..32, array16..32 and map16..32; 0 for other leading bytes. */
static unsigned length_bytes(uint8_t lead)
{
	switch (lead) {
	case 0xc4:
	case 0xd9:
		return 1;
	case 0xc5:
	case 0xda:
	case 0xdc:
	case 0xde:
		return 2;
	case 0xc6:
	case 0xdb:
	case 0xdd:
	case 0xdf:
		return 4;
	default:
		return 0;
	}
}

/* Bytes behind the leading byte of numbers; extension types do not occur in metadata and are refused. */
static bool walk_scalar(struct walk *walk, uint8_t lead)
{
	if (lead == 0xc0 || lead == 0xc2 || lead == 0xc3)
		return true;
	if (lead == 0xca || lead == 0xcb)
		return walk_skip(walk, lead == 0xca ? 4 : 8);
	if (lead >= 0xcc && lead <= 0xd3)
		return walk_skip(walk, 1u << ((lead - 0xcc) & 3));
	return false;
}

static bool walk_object(struct walk *walk, unsigned depth)
{
	uint64_t count;
	uint8_t lead;

	if (walk->at == walk->end)
		return false;
	lead = *walk->at++;
	if (lead < 0x80 || lead >= 0xe0)
		return true;
	if (lead < 0x90)
		return walk_container(walk, 2u * (lead & 15u), depth);
	if (lead < 0xa0)
		return walk_container(walk, lead & 15u, depth);
	if (lead < 0xc0)
		return walk_skip(walk, lead & 31u);
	if (!length_bytes(lead))
		return walk_scalar(walk, lead);
	if (!walk_number(walk, length_bytes(lead), &count))
		return false;
	if (lead >= 0xdc)
		return walk_container(walk, lead >= 0xde ? 2 * count : count, depth);
	return walk_skip(walk, count);
}

/* ---- reading the tree ---- */

static const msgpack_object *find(const msgpack_object *map, const char *key)
{
	size_t length = strlen(key);

	if (!map || map->type != MSGPACK_OBJECT_MAP)
		return NULL;
	for (uint32_t i = 0; i < map->via.map.size; i++) {
		const msgpack_object *k = &map->via.map.ptr[i].key;

		if (k->type == MSGPACK_OBJECT_STR && k->via.str.size == length &&
		    memcmp(k->via.str.ptr, key, length) == 0)
			return &map->via.map.ptr[i].val;
	}
	return NULL;
}

static const msgpack_object_str *find_string(const msgpack_object *map, const char *key)
{
	const msgpack_object *object = find(map, key);

	return object && object->type == MSGPACK_OBJECT_STR ? &object->via.str : NULL;
}

static const msgpack_object_array *find_array(const msgpack_object *map, const char *key)
{
	const msgpack_object *object = find(map, key);

	return object && object->type == MSGPACK_OBJECT_ARRAY ? &object->via.array : NULL;
}

/* A number that fits in 32 bits, or otherwise when there is none. */
static uint32_t find_number(const msgpack_object *map, const char *key, uint32_t otherwise)
{
	const msgpack_object *object = find(map, key);

	if (!object || object->type != MSGPACK_OBJECT_POSITIVE_INTEGER || object->via.u64 > UINT32_MAX)
		return otherwise;
	return (uint32_t)object->via.u64;
}

static bool find_true(const msgpack_object *map, const char *key)
{
	const msgpack_object *object = find(map, key);

	return object && ((object->type == MSGPACK_OBJECT_BOOLEAN && object->via.boolean) ||
			  (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER && object->via.u64));
}

static bool string_is(const msgpack_object_str *string, const char *text)
{
	return string && string->size == strlen(text) && memcmp(string->ptr, text, string->size) == 0;
}

static char *string_copy(const msgpack_object_str *string)
{
	return string ? strndup(string->ptr, string->size) : strdup("");
}

/* ---- arguments ---- */

struct value_kind {
	const char *name;
	uint16_t kind;
	uint16_t service;    /* PACK_SERVICE_* that the slot stands for */
	const char *refusal; /* not NULL: kernels that read it are refused */
};

static const struct value_kind value_kinds[] = {
	{"by_value", DF_IMAGE_ARG_VALUE, 0, NULL},
	{"global_buffer", DF_IMAGE_ARG_GLOBAL, 0, NULL},
	{"dynamic_shared_pointer", DF_IMAGE_ARG_LOCAL, 0, NULL},
	{"hidden_global_offset_x", DF_IMAGE_ARG_GLOBAL_OFFSET_X, 0, NULL},
	{"hidden_global_offset_y", DF_IMAGE_ARG_GLOBAL_OFFSET_Y, 0, NULL},
	{"hidden_global_offset_z", DF_IMAGE_ARG_GLOBAL_OFFSET_Z, 0, NULL},
	{"hidden_none", DF_IMAGE_ARG_NONE, 0, NULL},
	{"hidden_block_count_x", DF_IMAGE_ARG_BLOCK_COUNT_X, 0, NULL},
	{"hidden_block_count_y", DF_IMAGE_ARG_BLOCK_COUNT_Y, 0, NULL},
	{"hidden_block_count_z", DF_IMAGE_ARG_BLOCK_COUNT_Z, 0, NULL},
	{"hidden_group_size_x", DF_IMAGE_ARG_GROUP_SIZE_X, 0, NULL},
	{"hidden_group_size_y", DF_IMAGE_ARG_GROUP_SIZE_Y, 0, NULL},
	{"hidden_group_size_z", DF_IMAGE_ARG_GROUP_SIZE_Z, 0, NULL},
	{"hidden_remainder_x", DF_IMAGE_ARG_REMAINDER_X, 0, NULL},
	{"hidden_remainder_y", DF_IMAGE_ARG_REMAINDER_Y, 0, NULL},
	{"hidden_remainder_z", DF_IMAGE_ARG_REMAINDER_Z, 0, NULL},
	{"hidden_grid_dims", DF_IMAGE_ARG_GRID_DIMS, 0, NULL},
	{"hidden_private_base", DF_IMAGE_ARG_PRIVATE_BASE, 0, NULL},
	{"hidden_shared_base", DF_IMAGE_ARG_SHARED_BASE, 0, NULL},
	{"hidden_dynamic_lds_size", DF_IMAGE_ARG_DYNAMIC_LDS_SIZE, 0, NULL},
	{"hidden_printf_buffer", DF_IMAGE_ARG_PRINTF_BUFFER, 0, NULL},
	{"hidden_hostcall_buffer", DF_IMAGE_ARG_HOSTCALL_BUFFER, PACK_SERVICE_HOSTCALL,
	 "host calls (printf of HIP, assert)"},
	{"hidden_heap_v1", DF_IMAGE_ARG_HEAP, PACK_SERVICE_HEAP, "a device heap (malloc in kernels)"},
	{"hidden_default_queue", DF_IMAGE_ARG_DEFAULT_QUEUE, PACK_SERVICE_QUEUE,
	 "a device-side queue (enqueue_kernel)"},
	{"hidden_completion_action", DF_IMAGE_ARG_COMPLETION_ACTION, PACK_SERVICE_QUEUE,
	 "a device-side queue (enqueue_kernel)"},
	{"hidden_multigrid_sync_arg", DF_IMAGE_ARG_MULTIGRID_SYNC, PACK_SERVICE_MULTIGRID,
	 "synchronisation over several grids"},
	{"hidden_queue_ptr", DF_IMAGE_ARG_QUEUE_PTR, 0, NULL},
};

static const struct value_kind *find_value_kind(const msgpack_object_str *name)
{
	for (size_t i = 0; i < sizeof(value_kinds) / sizeof(value_kinds[0]); i++) {
		if (string_is(name, value_kinds[i].name))
			return &value_kinds[i];
	}
	return NULL;
}

struct type_word {
	const char *name;
	uint8_t size_B;
	uint8_t type;
};

/* What .type_name (OpenCL, HIP) and .value_type (version 3) call the scalars. */
static const struct type_word type_words[] = {
	{"char", 1, DF_IMAGE_TYPE_INT},    {"short", 2, DF_IMAGE_TYPE_INT},    {"int", 4, DF_IMAGE_TYPE_INT},
	{"long", 8, DF_IMAGE_TYPE_INT},    {"uchar", 1, DF_IMAGE_TYPE_UINT},   {"ushort", 2, DF_IMAGE_TYPE_UINT},
	{"uint", 4, DF_IMAGE_TYPE_UINT},   {"ulong", 8, DF_IMAGE_TYPE_UINT},   {"half", 2, DF_IMAGE_TYPE_FLOAT},
	{"float", 4, DF_IMAGE_TYPE_FLOAT}, {"double", 8, DF_IMAGE_TYPE_FLOAT}, {"i8", 1, DF_IMAGE_TYPE_INT},
	{"i16", 2, DF_IMAGE_TYPE_INT},     {"i32", 4, DF_IMAGE_TYPE_INT},      {"i64", 8, DF_IMAGE_TYPE_INT},
	{"u8", 1, DF_IMAGE_TYPE_UINT},     {"u16", 2, DF_IMAGE_TYPE_UINT},     {"u32", 4, DF_IMAGE_TYPE_UINT},
	{"u64", 8, DF_IMAGE_TYPE_UINT},    {"f16", 2, DF_IMAGE_TYPE_FLOAT},    {"f32", 4, DF_IMAGE_TYPE_FLOAT},
	{"f64", 8, DF_IMAGE_TYPE_FLOAT},
};

static uint8_t arg_type(const msgpack_object *map, uint32_t size_B)
{
	const msgpack_object_str *name = find_string(map, ".type_name");

	if (!name)
		name = find_string(map, ".value_type");
	for (size_t i = 0; i < sizeof(type_words) / sizeof(type_words[0]); i++) {
		if (string_is(name, type_words[i].name) && type_words[i].size_B == size_B)
			return type_words[i].type;
	}
	return DF_IMAGE_TYPE_BYTES;
}

static uint8_t arg_access(const msgpack_object *map)
{
	const msgpack_object_str *access = find_string(map, ".actual_access");

	if (!access)
		access = find_string(map, ".access");
	if (string_is(access, "read_only") || (!access && find_true(map, ".is_const")))
		return DF_IMAGE_ACCESS_READ;
	if (string_is(access, "write_only"))
		return DF_IMAGE_ACCESS_WRITE;
	if (string_is(access, "read_write"))
		return DF_IMAGE_ACCESS_READ_WRITE;
	return DF_IMAGE_ACCESS_UNKNOWN;
}

static bool has_arg(const msgpack_object_array *args, const char *value_kind)
{
	for (uint32_t i = 0; i < args->size; i++) {
		if (string_is(find_string(&args->ptr[i], ".value_kind"), value_kind))
			return true;
	}
	return false;
}

/*
 * A compiler that optimises lists the hidden arguments that a kernel reads. One that does not (-O0) lists them all;
 * then it is the functions linked into the code object that tell which services it may call.
 */
static bool hidden_args_are_exact(const msgpack_object_array *args)
{
	return !has_arg(args, "hidden_hostcall_buffer") || !has_arg(args, "hidden_multigrid_sync_arg") ||
	       !has_arg(args, "hidden_default_queue");
}

static int add_arg(struct pack_kernel *kernel, const msgpack_object *map, bool exact, unsigned services)
{
	const msgpack_object_str *value_kind = find_string(map, ".value_kind");
	const struct value_kind *row = find_value_kind(value_kind);
	const msgpack_object_str *name = find_string(map, ".name");
	struct pack_arg *out;

	if (!row)
		return df_error_set(
			-EOPNOTSUPP,
			"kernel \"%s\": argument %u is of kind \"%.*s\", which only a graphics or vendor runtime "
			"has. Fix: pass buffers and values",
			kernel->name, kernel->arg_count, value_kind ? (int)value_kind->size : 0,
			value_kind ? value_kind->ptr : "");
	if (row->refusal && (exact || (row->service & services)))
		return df_error_set(-EOPNOTSUPP,
				    "kernel \"%s\" needs %s (%s), a service of a vendor runtime. Fix: build it without",
				    kernel->name, row->refusal, row->name);
	out = pack_add_arg(kernel, name ? name->ptr : NULL, name ? name->size : 0);
	if (!out)
		return -ENOMEM;
	out->arg.kind = row->kind;
	out->arg.offset_B = find_number(map, ".offset", UINT32_MAX);
	out->arg.size_B = find_number(map, ".size", 0);
	if (!exact && (row->refusal || row->kind == DF_IMAGE_ARG_QUEUE_PTR))
		out->arg.kind = DF_IMAGE_ARG_NONE;
	if (row->kind == DF_IMAGE_ARG_VALUE)
		out->arg.type = arg_type(map, out->arg.size_B);
	if (row->kind == DF_IMAGE_ARG_GLOBAL)
		out->arg.access = arg_access(map);
	if (row->kind == DF_IMAGE_ARG_LOCAL) {
		out->arg.align_B = find_number(map, ".pointee_align", 16);
		kernel->kernel.flags |= DF_IMAGE_KERNEL_DYNAMIC_LDS;
	}
	if (row->kind == DF_IMAGE_ARG_DYNAMIC_LDS_SIZE)
		kernel->kernel.flags |= DF_IMAGE_KERNEL_DYNAMIC_LDS;
	if (row->kind == DF_IMAGE_ARG_REMAINDER_X)
		kernel->kernel.flags |= DF_IMAGE_KERNEL_PARTIAL_GRID;
	return 0;
}

/* ---- kernels ---- */

static bool read_block(const msgpack_object *map, const char *key, uint32_t block[3])
{
	const msgpack_object_array *array = find_array(map, key);

	if (!array || array->size != 3)
		return false;
	for (uint32_t i = 0; i < 3; i++) {
		if (array->ptr[i].type != MSGPACK_OBJECT_POSITIVE_INTEGER || array->ptr[i].via.u64 > UINT32_MAX)
			return false;
		block[i] = (uint32_t)array->ptr[i].via.u64;
	}
	return true;
}

static void read_shape(const msgpack_object *map, struct df_image_kernel *kernel)
{
	kernel->max_flat_size = find_number(map, ".max_flat_workgroup_size", 0);
	if (read_block(map, ".reqd_workgroup_size", kernel->block)) {
		kernel->flags |= DF_IMAGE_KERNEL_BLOCK_FIXED;
	} else if (!read_block(map, ".workgroup_size_hint", kernel->block)) {
		kernel->block[0] = kernel->max_flat_size < DEFAULT_BLOCK ? kernel->max_flat_size : DEFAULT_BLOCK;
		kernel->block[1] = 1;
		kernel->block[2] = 1;
	}
}

int pack_metadata_kernel(const struct pack_metadata *metadata, unsigned i, unsigned services,
			 struct pack_kernel *kernel)
{
	const msgpack_object *map = &metadata->kernels->ptr[i];
	const msgpack_object_array *args = find_array(map, ".args");
	struct df_image_kernel *out = &kernel->kernel;
	uint32_t size_B = find_number(map, ".kernarg_segment_size", UINT32_MAX);
	bool exact;

	if (size_B > DF_IMAGE_MAX_ARGS_B)
		return df_error_set(-E2BIG, "kernel \"%s\": .kernarg_segment_size is missing or over %u bytes",
				    kernel->name, DF_IMAGE_MAX_ARGS_B);
	read_shape(map, out);
	out->args_size_B = (size_B + 3) & ~3u;
	out->kernarg_size_B = out->args_size_B;
	out->kernarg_align_B = find_number(map, ".kernarg_segment_align", 0);
	out->vgprs = find_number(map, ".vgpr_count", 0);
	out->sgprs = find_number(map, ".sgpr_count", UINT32_MAX);
	if (out->vgprs == 0)
		out->vgprs = 1;
	if (find_true(map, ".uses_dynamic_stack"))
		out->flags |= DF_IMAGE_KERNEL_DYNAMIC_STACK;
	if (!args)
		return 0;
	exact = hidden_args_are_exact(args);
	for (uint32_t j = 0; j < args->size; j++) {
		int ret = add_arg(kernel, &args->ptr[j], exact, services);

		if (ret)
			return ret;
	}
	return 0;
}

/* ---- the note ---- */

static int damaged(const char *source, const char *what)
{
	return df_error_set(-EBADMSG, "%s: metadata %s. Fix: build the code object again with clang or hipcc", source,
			    what);
}

static int read_names(struct pack_metadata *metadata)
{
	const msgpack_object_array *kernels = metadata->kernels;

	metadata->names = calloc((size_t)kernels->size * 2 + 1, sizeof(char *));
	if (!metadata->names)
		return df_error_set(-ENOMEM, "%s: out of memory", metadata->source);
	for (uint32_t i = 0; i < kernels->size; i++) {
		const msgpack_object_str *name = find_string(&kernels->ptr[i], ".name");
		const msgpack_object_str *symbol = find_string(&kernels->ptr[i], ".symbol");

		if (!name || !symbol || !name->size)
			return damaged(metadata->source, "has a kernel without .name or .symbol");
		metadata->names[2 * i] = string_copy(name);
		metadata->names[2 * i + 1] = string_copy(symbol);
		if (!metadata->names[2 * i] || !metadata->names[2 * i + 1])
			return df_error_set(-ENOMEM, "%s: out of memory", metadata->source);
	}
	return 0;
}

static int read_root(struct pack_metadata *metadata, const void *note, size_t size_B)
{
	struct walk walk = {note, (const uint8_t *)note + size_B};
	const msgpack_object_array *version;
	const msgpack_object *root;
	size_t offset = 0;

	if (!walk_object(&walk, 0))
		return damaged(metadata->source, "is not MessagePack");
	if (msgpack_unpack_next(&metadata->unpacked, note, size_B, &offset) != MSGPACK_UNPACK_SUCCESS)
		return damaged(metadata->source, "is not MessagePack");
	root = &metadata->unpacked.data;
	version = find_array(root, "amdhsa.version");
	if (!version || version->size != 2 || version->ptr[0].type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
	    version->ptr[0].via.u64 != 1)
		return damaged(metadata->source, "does not say version 1.x");
	metadata->kernels = find_array(root, "amdhsa.kernels");
	if (!metadata->kernels || !metadata->kernels->size)
		return damaged(metadata->source, "lists no kernel");
	if (find_string(root, "amdhsa.target")) {
		metadata->target = string_copy(find_string(root, "amdhsa.target"));
		if (!metadata->target)
			return df_error_set(-ENOMEM, "%s: out of memory", metadata->source);
	}
	return read_names(metadata);
}

int pack_metadata_parse(const void *note, size_t size_B, const char *source, struct pack_metadata **out)
{
	struct pack_metadata *metadata = calloc(1, sizeof(*metadata));
	int ret;

	if (!metadata)
		return df_error_set(-ENOMEM, "%s: out of memory", source);
	msgpack_unpacked_init(&metadata->unpacked);
	metadata->source = strdup(source);
	ret = metadata->source ? read_root(metadata, note, size_B) : df_error_set(-ENOMEM, "%s: out of memory", source);
	if (ret) {
		pack_metadata_free(metadata);
		return ret;
	}
	*out = metadata;
	return 0;
}

void pack_metadata_free(struct pack_metadata *metadata)
{
	if (!metadata)
		return;
	for (size_t i = 0; metadata->names && i < (size_t)metadata->kernels->size * 2; i++)
		free(metadata->names[i]);
	free(metadata->names);
	free(metadata->target);
	free(metadata->source);
	msgpack_unpacked_destroy(&metadata->unpacked);
	free(metadata);
}

unsigned pack_metadata_kernel_count(const struct pack_metadata *metadata)
{
	return metadata->kernels->size;
}

int pack_metadata_kernel_names(const struct pack_metadata *metadata, unsigned i, const char **name_out,
			       const char **symbol_out)
{
	if (i >= metadata->kernels->size)
		return -ENOENT;
	*name_out = metadata->names[2 * i];
	*symbol_out = metadata->names[2 * i + 1];
	return 0;
}

const char *pack_metadata_target(const struct pack_metadata *metadata)
{
	return metadata->target;
}

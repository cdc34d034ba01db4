/* SPDX-License-Identifier: MIT */
/*
 * A reader of as much SPIR-V (the Khronos specification, version 1.6) as it takes to describe a push-constant block:
 * types, names, offsets, and whether what a pointer leads to is read or written. Words are visited twice: once for
 * types, names and decorations, once per question; ids are looked up in a table as large as the module's bound.
 */
#include "cli/pack_spirv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/image.h"

#define SPIRV_MAGIC  0x07230203u
#define HEADER_WORDS 5u
#define MAX_BOUND    (1u << 20)
#define MAX_MEMBERS  64u
#define MAX_DEPTH    8u

enum op {
	OP_MEMBER_NAME = 6,
	OP_TYPE_INT = 21,
	OP_TYPE_FLOAT = 22,
	OP_TYPE_VECTOR = 23,
	OP_TYPE_MATRIX = 24,
	OP_TYPE_ARRAY = 28,
	OP_TYPE_STRUCT = 30,
	OP_TYPE_POINTER = 32,
	OP_CONSTANT = 43,
	OP_VARIABLE = 59,
	OP_DECORATE = 71,
	OP_MEMBER_DECORATE = 72,
};
enum { STORAGE_PUSH_CONSTANT = 9, STORAGE_PHYSICAL = 5349 };
enum {
	DECORATION_ARRAY_STRIDE = 6,
	DECORATION_NON_WRITABLE = 24,
	DECORATION_NON_READABLE = 25,
	DECORATION_DESCRIPTOR_SET = 34,
	DECORATION_OFFSET = 35
};

struct module {
	const uint32_t *words;
	size_t count;
	uint32_t bound;
	uint32_t *definition; /* by id: index of the word where its type or constant begins; 0: none */
};

struct member {
	uint32_t type, offset_B;
	const char *name;
	size_t name_size;
};

static int damaged(void)
{
	return df_error_set(-EBADMSG,
			    "the shader's SPIR-V is damaged. Fix: compile it with glslangValidator of Debian 12");
}

static uint32_t op_of(const struct module *module, size_t at)
{
	return module->words[at] & 0xffff;
}

static uint32_t words_of(const struct module *module, size_t at)
{
	return module->words[at] >> 16;
}

/* Operand i of the instruction at, 0 when it has no such operand. */
static uint32_t operand(const struct module *module, size_t at, uint32_t i)
{
	return i + 1 < words_of(module, at) ? module->words[at + 1 + i] : 0;
}

static size_t definition(const struct module *module, uint32_t id)
{
	return id < module->bound ? module->definition[id] : 0;
}

/* Which operand holds the id that a defining instruction defines; -1 for the others. */
static int result_operand(uint32_t op)
{
	if (op >= OP_TYPE_INT && op <= OP_TYPE_POINTER)
		return 0;
	return op == OP_CONSTANT || op == OP_VARIABLE ? 1 : -1;
}

static int index_module(struct module *module)
{
	if (module->count < HEADER_WORDS || module->words[0] != SPIRV_MAGIC)
		return damaged();
	module->bound = module->words[3];
	if (module->bound > MAX_BOUND)
		return damaged();
	module->definition = calloc((size_t)module->bound + 1, sizeof(uint32_t));
	if (!module->definition)
		return df_error_set(-ENOMEM, "out of memory for the shader's SPIR-V");
	for (size_t at = HEADER_WORDS; at < module->count; at += words_of(module, at)) {
		int which = result_operand(op_of(module, at));

		if (words_of(module, at) == 0 || words_of(module, at) > module->count - at)
			return damaged();
		if (which >= 0 && operand(module, at, (uint32_t)which) < module->bound)
			module->definition[operand(module, at, (uint32_t)which)] = (uint32_t)at;
	}
	return 0;
}

/* Value of a decoration of a struct's member, or otherwise. */
static uint32_t member_decoration(const struct module *module, uint32_t id, uint32_t member, uint32_t decoration,
				  uint32_t otherwise)
{
	for (size_t at = HEADER_WORDS; at < module->count; at += words_of(module, at)) {
		if (op_of(module, at) == OP_MEMBER_DECORATE && operand(module, at, 0) == id &&
		    operand(module, at, 1) == member && operand(module, at, 2) == decoration)
			return words_of(module, at) > 4 ? operand(module, at, 3) : 1;
	}
	return otherwise;
}

static uint32_t decoration(const struct module *module, uint32_t id, uint32_t wanted, uint32_t otherwise)
{
	for (size_t at = HEADER_WORDS; at < module->count; at += words_of(module, at)) {
		if (op_of(module, at) == OP_DECORATE && operand(module, at, 0) == id &&
		    operand(module, at, 1) == wanted)
			return operand(module, at, 2);
	}
	return otherwise;
}

static void member_name(const struct module *module, uint32_t id, uint32_t member, struct member *out)
{
	for (size_t at = HEADER_WORDS; at < module->count; at += words_of(module, at)) {
		if (op_of(module, at) != OP_MEMBER_NAME || operand(module, at, 0) != id ||
		    operand(module, at, 1) != member || words_of(module, at) < 4)
			continue;
		out->name = (const char *)&module->words[at + 3];
		out->name_size = strnlen(out->name, 4 * (size_t)(words_of(module, at) - 3));
		return;
	}
}

/* Bytes that a member takes; 0 when that cannot be told. */
static uint64_t type_size(const struct module *module, uint32_t id, unsigned depth)
{
	size_t at = definition(module, id), length;

	if (!at || depth > MAX_DEPTH)
		return 0;
	switch (op_of(module, at)) {
	case OP_TYPE_INT:
	case OP_TYPE_FLOAT:
		return operand(module, at, 1) / 8;
	case OP_TYPE_VECTOR:
	case OP_TYPE_MATRIX:
		return type_size(module, operand(module, at, 1), depth + 1) * operand(module, at, 2);
	case OP_TYPE_ARRAY:
		length = definition(module, operand(module, at, 2));
		return length ? (uint64_t)decoration(module, id, DECORATION_ARRAY_STRIDE, 0) *
					operand(module, length, 2)
			      : 0;
	case OP_TYPE_POINTER:
		return operand(module, at, 1) == STORAGE_PHYSICAL ? 8 : 0;
	case OP_TYPE_STRUCT: {
		uint32_t last = words_of(module, at) - 3;

		if (words_of(module, at) < 3)
			return 0;
		return member_decoration(module, id, last, DECORATION_OFFSET, 0) +
		       type_size(module, operand(module, at, 1 + last), depth + 1);
	}
	default:
		return 0;
	}
}

static uint8_t value_type(const struct module *module, uint32_t id)
{
	size_t at = definition(module, id);

	if (at && op_of(module, at) == OP_TYPE_FLOAT)
		return DF_IMAGE_TYPE_FLOAT;
	if (at && op_of(module, at) == OP_TYPE_INT)
		return operand(module, at, 2) ? DF_IMAGE_TYPE_INT : DF_IMAGE_TYPE_UINT;
	return DF_IMAGE_TYPE_BYTES;
}

/* readonly and writeonly are decorations of each member of the block that a pointer leads to. */
static uint8_t pointer_access(const struct module *module, size_t pointer)
{
	uint32_t block = operand(module, pointer, 2);
	size_t at = definition(module, block);
	bool read = false, write = false;

	if (!at || op_of(module, at) != OP_TYPE_STRUCT)
		return DF_IMAGE_ACCESS_UNKNOWN;
	for (uint32_t i = 0; i + 2 < words_of(module, at); i++) {
		write |= !member_decoration(module, block, i, DECORATION_NON_WRITABLE, 0);
		read |= !member_decoration(module, block, i, DECORATION_NON_READABLE, 0);
	}
	return (uint8_t)((read ? DF_IMAGE_ACCESS_READ : 0) | (write ? DF_IMAGE_ACCESS_WRITE : 0));
}

/* The struct of the push-constant variable, or 0. */
static uint32_t find_block(const struct module *module)
{
	for (size_t at = HEADER_WORDS; at < module->count; at += words_of(module, at)) {
		size_t pointer;

		if (op_of(module, at) != OP_VARIABLE || operand(module, at, 2) != STORAGE_PUSH_CONSTANT)
			continue;
		pointer = definition(module, operand(module, at, 0));
		if (pointer && op_of(module, pointer) == OP_TYPE_POINTER)
			return operand(module, pointer, 2);
	}
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct member *left = a, *right = b;

	return (left->offset_B > right->offset_B) - (left->offset_B < right->offset_B);
}

static int read_members(const struct module *module, uint32_t block, struct member *members, uint32_t *count_out)
{
	size_t at = definition(module, block);
	uint32_t count;

	if (!at || op_of(module, at) != OP_TYPE_STRUCT || words_of(module, at) < 2)
		return damaged();
	count = words_of(module, at) - 2;
	if (count > MAX_MEMBERS)
		return df_error_set(-E2BIG, "the shader's push-constant block has over %u members", MAX_MEMBERS);
	for (uint32_t i = 0; i < count; i++) {
		members[i].type = operand(module, at, 1 + i);
		members[i].offset_B = member_decoration(module, block, i, DECORATION_OFFSET, 0);
		member_name(module, block, i, &members[i]);
	}
	qsort(members, count, sizeof(*members), by_offset);
	*count_out = count;
	return 0;
}

static int add_member(const struct module *module, const struct member *member, struct pack_kernel *kernel)
{
	size_t at = definition(module, member->type);
	uint64_t size_B = type_size(module, member->type, 0);
	struct pack_arg *arg;

	if (size_B == 0 || size_B > DF_IMAGE_MAX_ARGS_B || member->offset_B > DF_IMAGE_MAX_ARGS_B)
		return df_error_set(-EOPNOTSUPP,
				    "push constant \"%.*s\": its type is not understood. Fix: use numbers, vectors and "
				    "buffer references",
				    (int)member->name_size, member->name ? member->name : "");
	arg = pack_add_arg(kernel, member->name, member->name_size);
	if (!arg)
		return -ENOMEM;
	arg->arg.offset_B = member->offset_B;
	arg->arg.size_B = (uint32_t)size_B;
	if (op_of(module, at) == OP_TYPE_POINTER) {
		arg->arg.kind = DF_IMAGE_ARG_GLOBAL;
		arg->arg.access = pointer_access(module, at);
	} else {
		arg->arg.kind = DF_IMAGE_ARG_VALUE;
		arg->arg.type = value_type(module, member->type);
	}
	return 0;
}

static int add_members(const struct module *module, struct pack_kernel *kernel, uint32_t *size_out)
{
	struct member members[MAX_MEMBERS] = {0};
	uint32_t block = find_block(module), count = 0, size_B = 0;
	int ret = 0;

	if (block)
		ret = read_members(module, block, members, &count);
	for (uint32_t i = 0; !ret && i < count; i++) {
		ret = add_member(module, &members[i], kernel);
		if (!ret)
			size_B = members[i].offset_B + kernel->args[kernel->arg_count - 1].arg.size_B;
	}
	if (!ret)
		*size_out = (size_B + 3) & ~3u;
	return ret;
}

/* The pipeline that RADV is asked for has no descriptor sets, and it does not check. */
static int refuse_descriptors(const struct module *module)
{
	for (size_t at = HEADER_WORDS; at < module->count; at += words_of(module, at)) {
		if (op_of(module, at) == OP_DECORATE && operand(module, at, 1) == DECORATION_DESCRIPTOR_SET)
			return df_error_set(
				-EINVAL,
				"the shader takes a buffer or an image through descriptor set %u. Fix: take its "
				"address in the push-constant block (GL_EXT_buffer_reference)",
				operand(module, at, 2));
	}
	return 0;
}

int pack_spirv_args(const void *spirv, size_t size_B, struct pack_kernel *kernel, uint32_t *size_out)
{
	uint32_t *words = malloc(size_B + sizeof(uint32_t));
	struct module module = {.words = words, .count = size_B / sizeof(uint32_t)};
	int ret;

	if (!words)
		return df_error_set(-ENOMEM, "out of memory for the shader's SPIR-V");
	memcpy(words, spirv, module.count * sizeof(uint32_t));
	ret = index_module(&module);
	if (!ret)
		ret = refuse_descriptors(&module);
	if (!ret)
		ret = add_members(&module, kernel, size_out);
	free(module.definition);
	free(words);
	return ret;
}

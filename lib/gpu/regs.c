/* SPDX-License-Identifier: MIT */
/* regs.c - the register files of a queue and the names of what is in them. */
#include "regs.h"

#include <stddef.h>

struct reg_row {
	uint32_t offset;
	const char *name;
};

#define ROW(offset, name) {offset, #name},
static const struct reg_row config_rows[] = {GPU_REGS_CONFIG(ROW)};
static const struct reg_row sh_rows[] = {GPU_REGS_SH(ROW)};
static const struct reg_row context_rows[] = {GPU_REGS_CONTEXT(ROW)};
static const struct reg_row uconfig_rows[] = {GPU_REGS_UCONFIG(ROW)};
#undef ROW

static const char *row_find(const struct reg_row *rows, size_t n, uint32_t offset)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;

		if (rows[middle].offset == offset)
			return rows[middle].name;
		if (rows[middle].offset < offset)
			low = middle + 1;
		else
			n = middle;
	}
	return NULL;
}

#define FIND(rows, offset) row_find(rows, sizeof(rows) / sizeof((rows)[0]), offset)

const char *gpu_reg_name(uint32_t offset)
{
	if (offset >= GPU_SH_START && offset < GPU_SH_END)
		return FIND(sh_rows, offset);
	if (offset >= GPU_CONTEXT_START && offset < GPU_CONTEXT_END)
		return FIND(context_rows, offset);
	if (offset >= GPU_UCONFIG_START && offset < GPU_UCONFIG_END)
		return FIND(uconfig_rows, offset);
	if (offset >= GPU_CONFIG_START && offset < GPU_CONFIG_END)
		return FIND(config_rows, offset);
	return NULL;
}

uint32_t *gpu_reg_slot(struct gpu_regs *regs, uint32_t offset)
{
	if ((offset & 3) || !gpu_reg_name(offset))
		return NULL;
	if (offset >= GPU_CONFIG_START && offset < GPU_CONFIG_END)
		return &regs->config[(offset - GPU_CONFIG_START) / 4];
	if (offset >= GPU_SH_START && offset < GPU_SH_END)
		return &regs->sh[(offset - GPU_SH_START) / 4];
	if (offset >= GPU_CONTEXT_START && offset < GPU_CONTEXT_END)
		return &regs->context[(offset - GPU_CONTEXT_START) / 4];
	if (offset >= GPU_UCONFIG_START && offset < GPU_UCONFIG_END)
		return &regs->uconfig[(offset - GPU_UCONFIG_START) / 4];
	return NULL;
}

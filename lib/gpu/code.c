/* SPDX-License-Identifier: MIT */
/*
 * code.c - decoded instructions, a page of code at a time.
 *
 * Each host thread has its own cache, so that an instruction is an index away and nothing is shared. A page keeps the
 * dwords it was decoded from. It is trusted as long as neither the code epoch (start of a job, ACQUIRE_MEM with
 * GLI_INV) nor the address space has changed; then it is compared with memory, and what differs is decoded again. A
 * slot that was never decoded holds exec_decode, which decodes it in place and runs it.
 */
#include "sched.h"

#include <stdlib.h>
#include <string.h>

enum {
	PAGE_DWORDS = GPU_PAGE_SIZE / 4,
	MAX_INST_DWORDS = 5,
	CACHE_PAGES = 64,
};

struct gpu_code_cache {
	struct gpu_code_page *page[CACHE_PAGES];
};

static enum gpu_step exec_refused(struct gpu_wave *w, const struct gpu_inst *in)
{
	return gpu_wave_fault(w, GPU_FAULT_OPCODE, 0, "instruction %s is refused: it is out of this model's scope",
			      in->op->name);
}

static enum gpu_step exec_illegal(struct gpu_wave *w, const struct gpu_inst *in)
{
	return gpu_wave_fault(w, GPU_FAULT_OPCODE, 0, "illegal instruction 0x%08x 0x%08x: %s", in->raw[0], in->raw[1],
			      (const char *)in->spec);
}

static struct gpu_code_page *page_of(const struct gpu_inst *in, unsigned index)
{
	return (struct gpu_code_page *)((uintptr_t)(in - index) - offsetof(struct gpu_code_page, inst));
}

/* The dwords at a slot; those beyond the page come from the next one, when it is there. */
static unsigned slot_dwords(struct gpu_wave *w, const struct gpu_code_page *page, unsigned index,
			    uint32_t dw[MAX_INST_DWORDS])
{
	unsigned n = 0;

	for (; n < MAX_INST_DWORDS && index + n < PAGE_DWORDS; n++)
		dw[n] = page->raw[index + n];
	for (; n < MAX_INST_DWORDS; n++) {
		uint64_t va = page->va + ((uint64_t)(index + n) << 2);
		const uint32_t *host = gpu_tlb_ptr(w->tlb, va, 4, GPU_EXEC, NULL);

		if (!host)
			break;
		dw[n] = *host;
	}
	return n;
}

static void slot_decode(struct gpu_wave *w, struct gpu_code_page *page, unsigned index)
{
	struct gpu_inst decoded = {0};
	uint32_t dw[MAX_INST_DWORDS] = {0};
	unsigned n = slot_dwords(w, page, index, dw);
	const char *why = "unknown encoding";

	if (!gpu_isa_decode(&gpu_isa_gfx10_3, dw, n, &decoded, &why)) {
		memset(&decoded, 0, sizeof(decoded));
		decoded.size_dw = 1;
		decoded.raw[0] = dw[0];
		decoded.raw[1] = dw[1];
		decoded.spec = why;
		decoded.exec = exec_illegal;
	} else if (!decoded.exec) {
		decoded.exec = exec_refused;
	}
	page->inst[index] = decoded;
}

static enum gpu_step exec_decode(struct gpu_wave *w, const struct gpu_inst *in)
{
	const unsigned index = (w->pc & GPU_PAGE_MASK) >> 2;
	struct gpu_code_page *page = page_of(in, index);

	slot_decode(w, page, index);
	w->pc += in->size_dw * 4u;
	return in->exec(w, in);
}

const struct gpu_inst *gpu_code_inst(struct gpu_wave *w, struct gpu_code_page *page)
{
	const unsigned index = (w->pc & GPU_PAGE_MASK) >> 2;

	if (page->inst[index].exec == exec_decode)
		slot_decode(w, page, index);
	return &page->inst[index];
}

static void slot_clear(struct gpu_inst *slot)
{
	memset(slot, 0, sizeof(*slot));
	slot->exec = exec_decode;
}

struct gpu_code_cache *gpu_code_create(void)
{
	return calloc(1, sizeof(struct gpu_code_cache));
}

void gpu_code_destroy(struct gpu_code_cache *code)
{
	if (!code)
		return;
	for (unsigned i = 0; i < CACHE_PAGES; i++)
		free(code->page[i]);
	free(code);
}

/* Takes over the dwords that have changed. Instructions that read beyond the page are always decoded again. */
static void page_renew(struct gpu_code_page *page, const uint32_t *memory)
{
	uint32_t now[PAGE_DWORDS];

	memcpy(now, memory, sizeof(now));
	for (unsigned i = PAGE_DWORDS - MAX_INST_DWORDS + 1; i < PAGE_DWORDS; i++)
		if (i + page->inst[i].size_dw > PAGE_DWORDS)
			slot_clear(&page->inst[i]);
	if (!memcmp(page->raw, now, sizeof(now)))
		return;
	for (unsigned i = 0; i < PAGE_DWORDS; i++) {
		if (page->raw[i] == now[i])
			continue;
		for (unsigned back = 0; back < MAX_INST_DWORDS && back <= i; back++)
			slot_clear(&page->inst[i - back]);
		page->raw[i] = now[i];
	}
}

static struct gpu_code_page *page_create(struct gpu_code_page *page, struct gpu_vm *vm, uint64_t va,
					 const uint32_t *memory)
{
	if (!page)
		page = malloc(sizeof(*page));
	if (!page)
		return NULL;
	page->va = va;
	page->vm = vm;
	memcpy(page->raw, memory, sizeof(page->raw));
	for (unsigned i = 0; i < PAGE_DWORDS; i++)
		slot_clear(&page->inst[i]);
	return page;
}

struct gpu_code_page *gpu_code_page(struct gpu_code_cache *code, struct gpu_wave *w, uint64_t epoch)
{
	const uint64_t va = w->pc & ~(uint64_t)GPU_PAGE_MASK;
	struct gpu_tlb *tlb = w->tlb;
	struct gpu_code_page **slot = &code->page[(va >> GPU_PAGE_SHIFT ^ (uintptr_t)tlb->vm >> 8) % CACHE_PAGES];
	struct gpu_code_page *page = *slot;
	const bool known = page && page->va == va && page->vm == tlb->vm;
	const uint32_t *memory;

	if (known && page->epoch >= epoch && page->generation == tlb->generation)
		return page;
	memory = gpu_tlb_ptr(tlb, va, GPU_PAGE_SIZE, GPU_EXEC, &w->fault);
	if (!memory) {
		gpu_wave_fault(w, GPU_FAULT_PAGE, w->pc, "page fault: instruction fetch at 0x%llx",
			       (unsigned long long)w->pc);
		w->fault.access = GPU_EXEC;
		return NULL;
	}
	if (known) {
		page_renew(page, memory);
	} else {
		page = page_create(page, tlb->vm, va, memory);
		if (!page) {
			gpu_wave_fault(w, GPU_KILLED, w->pc, "out of host memory for decoded code");
			return NULL;
		}
		*slot = page;
	}
	page->epoch = epoch;
	page->generation = tlb->generation;
	return page;
}

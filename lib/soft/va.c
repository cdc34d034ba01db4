/* SPDX-License-Identifier: MIT */
/*
 * va.c - address spaces: the mappings of one open file, and GEM_VA.
 *
 * The list of mappings changes at once, as the kernel's tree does. The page tables follow: at once when nothing stands
 * in the way, else in order, by the worker thread, when the jobs that were submitted before an unmapping have finished
 * (amdgpu_vm_clear_freed() waits for the same). A job waits for the page table changes made before it.
 */
#include "soft.h"

#include <stdlib.h>
#include <string.h>

#define HOLE_START 0x0000800000000000ull
#define HOLE_END   0xffff800000000000ull
#define HOLE_MASK  0x0000ffffffffffffull
#define VM_SIZE    (1ull << 48)

/* One change of the page tables. */
struct va_item {
	uint64_t va, size;
	void *host;
	unsigned access; /* 0: unmap */
	enum gpu_mtype mtype;
	struct soft_bo *keep; /* reference to drop afterwards */
};

struct soft_va_op {
	struct soft_gate gate;
	struct soft_va_op *next;
	struct soft_file *file;
	struct soft_fence *fence;
	struct va_item *items;
	unsigned count;
};

/* Changes that an ioctl collects before they are carried out. */
struct va_batch {
	struct va_item *items;
	unsigned count, capacity;
	bool unmaps;
};

static int batch_add(struct va_batch *batch, struct va_item item)
{
	if (batch->count == batch->capacity) {
		unsigned capacity = batch->capacity ? batch->capacity * 2 : 4;
		struct va_item *items = realloc(batch->items, capacity * sizeof(*items));

		if (!items)
			return -ENOMEM;
		batch->items = items;
		batch->capacity = capacity;
	}
	batch->unmaps |= !item.access;
	batch->items[batch->count++] = item;
	return 0;
}

/* The GPU's addresses are canonical; here they are 48 bits, and a range may touch both halves. */
static void apply_range(struct gpu_vm *vm, const struct va_item *item, uint64_t va, uint64_t size)
{
	uint64_t canonical = va >= HOLE_START ? va | HOLE_END : va;

	if (item->access)
		gpu_vm_map(vm, canonical, size, item->host ? (char *)item->host + (va - item->va) : NULL, item->access,
			   item->mtype);
	else
		gpu_vm_unmap(vm, canonical, size);
}

static void apply(struct soft_file *file, struct va_item *items, unsigned count)
{
	bool flush = false;

	for (unsigned i = 0; i < count; i++) {
		const struct va_item *item = &items[i];
		uint64_t low = item->va < HOLE_START ? HOLE_START - item->va : 0;

		low = low > item->size ? item->size : low;
		if (low)
			apply_range(file->vm, item, item->va, low);
		if (low < item->size)
			apply_range(file->vm, item, item->va + low, item->size - low);
		flush |= !item->access;
	}
	if (flush)
		gpu_vm_flush(file->vm);
	for (unsigned i = 0; i < count; i++)
		soft_bo_put(items[i].keep);
	free(items);
}

static void op_open(struct soft_gate *gate)
{
	struct soft_va_op *op = (struct soft_va_op *)((char *)gate - offsetof(struct soft_va_op, gate)), **link;

	for (link = &op->file->device->va_ready; *link; link = &(*link)->next)
		;
	*link = op;
	pthread_cond_signal(&op->file->device->worker_cond);
}

struct soft_va_op *soft_va_op_next(struct soft_va_op *op)
{
	return op->next;
}

/* By the worker, without soft_lock. */
void soft_va_op_run(struct soft_va_op *op)
{
	apply(op->file, op->items, op->count);
	pthread_mutex_lock(&soft_lock);
	soft_fence_signal(op->fence, 0);
	soft_fence_put(op->fence);
	pthread_mutex_unlock(&soft_lock);
	free(op);
}

/* soft_lock is held: queues the batch behind what it must wait for. */
static int defer(struct soft_file *file, struct va_batch *batch)
{
	struct soft_va_op *op = calloc(1, sizeof(*op));
	int ret = 0;

	if (!op || !(op->fence = soft_fence_new(NULL))) {
		free(op);
		return -ENOMEM;
	}
	op->file = file;
	op->items = batch->items;
	op->count = batch->count;
	soft_gate_init(&op->gate, op_open);
	if (file->va_fence)
		ret = soft_gate_add(&op->gate, file->va_fence);
	for (unsigned i = 0; !ret && batch->unmaps && i < file->resv.count; i++)
		ret = soft_gate_add(&op->gate, file->resv.fences[i]);
	/* Out of memory in the middle: the change comes early, and the jobs that still need the range would fault. */
	soft_fence_put(file->va_fence);
	file->va_fence = soft_fence_get(op->fence);
	soft_gate_arm(&op->gate);
	return 0;
}

/* Takes the batch over. va_lock is held. */
static void commit(struct soft_file *file, struct va_batch *batch)
{
	bool wait;

	if (!batch->count) {
		free(batch->items);
		return;
	}
	pthread_mutex_lock(&soft_lock);
	wait = (file->va_fence && !soft_fence_done(file->va_fence)) || (batch->unmaps && !soft_resv_idle(&file->resv));
	if (wait && !defer(file, batch)) {
		pthread_mutex_unlock(&soft_lock);
		return;
	}
	pthread_mutex_unlock(&soft_lock);
	apply(file, batch->items, batch->count);
}

/* Index of the first mapping that ends at or after page. */
static unsigned lower(const struct soft_va *va, uint64_t page)
{
	unsigned low = 0, high = va->count;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (va->maps[middle].last < page)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int reserve(struct soft_va *va, unsigned more)
{
	struct soft_mapping *maps;
	unsigned capacity = va->capacity ? va->capacity : 16;

	if (va->count + more <= va->capacity)
		return 0;
	while (capacity < va->count + more)
		capacity *= 2;
	maps = realloc(va->maps, capacity * sizeof(*maps));
	if (!maps)
		return -ENOMEM;
	va->maps = maps;
	va->capacity = capacity;
	return 0;
}

static void insert(struct soft_va *va, struct soft_mapping map)
{
	unsigned at = lower(va, map.start);

	memmove(va->maps + at + 1, va->maps + at, (va->count - at) * sizeof(*va->maps));
	va->maps[at] = map;
	va->count++;
}

static void take_out(struct soft_va *va, unsigned at)
{
	va->count--;
	memmove(va->maps + at, va->maps + at + 1, (va->count - at) * sizeof(*va->maps));
}

/* amdgpu_vm_verify_parameters() */
static int verify(const struct soft_bo *bo, uint64_t va, uint64_t offset, uint64_t size)
{
	uint64_t end;

	if ((va | offset | size) & (SOFT_PAGE - 1))
		return -EINVAL;
	if (!size || __builtin_add_overflow(va, size, &end) || __builtin_add_overflow(offset, size, &end))
		return -EINVAL;
	if (bo && offset + size > bo->size)
		return -EINVAL;
	return (va + size - 1) >> 12 >= VM_SIZE >> 12 ? -EINVAL : 0;
}

/* gmc_v10_0_map_mtype() and, from 6.x on, the BO's own wish. */
static enum gpu_mtype mtype_of(const struct soft_bo *bo, uint32_t flags)
{
	enum gpu_mtype mtype = GPU_MTYPE_NC;

	if ((flags & AMDGPU_VM_MTYPE_MASK) == AMDGPU_VM_MTYPE_CC)
		mtype = GPU_MTYPE_CC;
	else if ((flags & AMDGPU_VM_MTYPE_MASK) == AMDGPU_VM_MTYPE_UC)
		mtype = GPU_MTYPE_UC;
	if (bo && (bo->flags & (ABI_GEM_UNCACHED | ABI_GEM_COHERENT | ABI_GEM_EXT_COHERENT)))
		mtype = GPU_MTYPE_UC;
	return mtype;
}

static struct va_item map_item(const struct soft_mapping *map)
{
	struct va_item item = {.va = map->start * SOFT_PAGE, .size = (map->last - map->start + 1) * SOFT_PAGE};

	item.mtype = mtype_of(map->bo, map->flags);
	if (map->flags & AMDGPU_VM_PAGE_READABLE)
		item.access |= GPU_READ;
	if ((map->flags & AMDGPU_VM_PAGE_WRITEABLE) && !(map->bo && map->bo->readonly))
		item.access |= GPU_WRITE;
	if (map->flags & AMDGPU_VM_PAGE_EXECUTABLE)
		item.access |= GPU_EXEC;
	if (map->bo && map->bo->host)
		item.host = (char *)map->bo->host + map->offset;
	else if (map->flags & AMDGPU_VM_PAGE_PRT)
		item.access = GPU_READ | GPU_WRITE | GPU_PTE_PRT;
	else
		item.access = 0; /* GDS and the like have no pages */
	return item;
}

/* A BO is kept until the page tables have forgotten the range. */
static struct va_item unmap_item(uint64_t start, uint64_t last, struct soft_bo *bo)
{
	return (struct va_item){
		.va = start * SOFT_PAGE, .size = (last - start + 1) * SOFT_PAGE, .keep = bo ? soft_bo_get(bo) : NULL};
}

static int op_map(struct soft_file *file, struct soft_bo *bo, const struct abi_gem_va *args, struct va_batch *batch)
{
	struct soft_mapping map = {.start = args->va_address / SOFT_PAGE,
				   .last = (args->va_address + args->map_size - 1) / SOFT_PAGE,
				   .offset = args->offset_in_bo,
				   .bo = bo,
				   .flags = args->flags};
	unsigned at = lower(&file->va, map.start);
	struct va_item item = map_item(&map);

	if (at < file->va.count && file->va.maps[at].start <= map.last)
		return -EINVAL; /* the range is taken */
	if (reserve(&file->va, 1) || (item.access && batch_add(batch, item)))
		return -ENOMEM;
	insert(&file->va, map);
	return 0;
}

static int op_unmap(struct soft_file *file, struct soft_bo *bo, uint64_t va, struct va_batch *batch)
{
	uint64_t page = va / SOFT_PAGE;
	unsigned at = lower(&file->va, page);
	const struct soft_mapping *map = at < file->va.count ? &file->va.maps[at] : NULL;

	if (!map || map->start != page || map->bo != bo)
		return -ENOENT;
	if (batch_add(batch, unmap_item(map->start, map->last, map->bo)))
		return -ENOMEM;
	take_out(&file->va, at);
	return 0;
}

static int op_clear(struct soft_file *file, uint64_t va, uint64_t size, struct va_batch *batch)
{
	uint64_t start = va / SOFT_PAGE, last = (va + size - 1) / SOFT_PAGE;
	unsigned at;

	if (reserve(&file->va, 2))
		return -ENOMEM;
	while ((at = lower(&file->va, start)) < file->va.count && file->va.maps[at].start <= last) {
		struct soft_mapping map = file->va.maps[at], part = map;
		uint64_t from = map.start < start ? start : map.start, to = map.last > last ? last : map.last;

		if (batch_add(batch, unmap_item(from, to, map.bo)))
			return -ENOMEM;
		take_out(&file->va, at);
		if (map.start < start) {
			part.last = start - 1;
			insert(&file->va, part);
		}
		if (map.last > last) {
			part = map;
			part.start = last + 1;
			part.offset += (part.start - map.start) * SOFT_PAGE;
			insert(&file->va, part);
		}
	}
	return 0;
}

static int run(struct soft_file *file, struct soft_bo *bo, const struct abi_gem_va *args)
{
	struct va_batch batch = {0};
	int ret;

	pthread_mutex_lock(&file->va_lock);
	switch (args->operation) {
	case AMDGPU_VA_OP_MAP:
		ret = verify(bo, args->va_address, args->offset_in_bo, args->map_size);
		if (!ret)
			ret = op_map(file, bo, args, &batch);
		break;
	case AMDGPU_VA_OP_UNMAP:
		ret = op_unmap(file, bo, args->va_address, &batch);
		break;
	case AMDGPU_VA_OP_CLEAR:
		ret = verify(NULL, args->va_address, 0, args->map_size);
		if (!ret)
			ret = op_clear(file, args->va_address, args->map_size, &batch);
		break;
	default:
		ret = verify(bo, args->va_address, args->offset_in_bo, args->map_size);
		if (!ret)
			ret = op_clear(file, args->va_address, args->map_size, &batch);
		if (!ret)
			ret = op_map(file, bo, args, &batch);
		break;
	}
	commit(file, &batch);
	pthread_mutex_unlock(&file->va_lock);
	return ret;
}

static int check(struct soft_file *file, struct abi_gem_va *args)
{
	const struct soft_kernel *kernel = file->device->spec.kernel;
	uint32_t valid = AMDGPU_VM_DELAY_UPDATE | AMDGPU_VM_PAGE_READABLE | AMDGPU_VM_PAGE_WRITEABLE |
			 AMDGPU_VM_PAGE_EXECUTABLE | AMDGPU_VM_MTYPE_MASK | ABI_VM_PAGE_NOALLOC;
	uint32_t prt = AMDGPU_VM_DELAY_UPDATE | AMDGPU_VM_PAGE_PRT;
	uint64_t end;

	if (args->va_address < kernel->va_bottom)
		return -EINVAL;
	if (args->va_address >= HOLE_START && args->va_address < HOLE_END)
		return -EINVAL;
	args->va_address &= HOLE_MASK;
	if (__builtin_add_overflow(args->va_address, args->map_size, &end) || end > VM_SIZE - kernel->va_top)
		return -EINVAL;
	if ((args->flags & ~valid) && (args->flags & ~prt)) {
		atomic_fetch_add(&file->device->refused_flags, 1);
		return -EINVAL;
	}
	if (args->operation < AMDGPU_VA_OP_MAP || args->operation > AMDGPU_VA_OP_REPLACE)
		return -EINVAL;
	if ((args->flags & AMDGPU_VM_DELAY_UPDATE) && args->vm_timeline_syncobj_out)
		return -EINVAL;
	return 0;
}

/* amdgpu_gem_add_input_fence() */
static int wait_inputs(struct soft_file *file, const struct abi_gem_va *args)
{
	void *copy;
	int ret;

	if (!args->num_syncobj_handles)
		return 0;
	ret = soft_copy_in_array(args->input_fence_syncobj_handles, args->num_syncobj_handles, sizeof(uint32_t), &copy);
	if (ret)
		return ret;
	pthread_mutex_lock(&soft_lock);
	for (uint32_t i = 0; !ret && i < args->num_syncobj_handles; i++) {
		uint32_t handle = ((uint32_t *)copy)[i];
		struct soft_fence *fence;

		ret = handle ? soft_syncobj_find_fence(file, handle, 0, 0, &fence) : -EINVAL;
		if (!ret) {
			soft_fence_wait(fence, SOFT_MAX_TIMEOUT);
			soft_fence_put(fence);
		}
	}
	pthread_mutex_unlock(&soft_lock);
	free(copy);
	return ret;
}

/* The fence of the last page table change, into the client's timeline. */
static int publish(struct soft_file *file, struct soft_syncobj *syncobj, uint64_t point)
{
	struct soft_fence *fence;
	int ret = 0;

	pthread_mutex_lock(&soft_lock);
	fence = file->va_fence ? soft_fence_get(file->va_fence) : soft_fence_stub();
	if (point)
		ret = soft_syncobj_add_point(syncobj, fence, point);
	else
		soft_syncobj_replace(syncobj, fence);
	soft_fence_put(fence);
	pthread_mutex_unlock(&soft_lock);
	return ret;
}

int soft_gem_va_ioctl(struct soft_file *file, void *arg)
{
	struct abi_gem_va *args = arg;
	struct soft_syncobj *timeline = NULL;
	struct soft_bo *bo = NULL;
	int ret = check(file, args);

	if (ret)
		return ret;
	if (args->operation != AMDGPU_VA_OP_CLEAR && !(args->flags & AMDGPU_VM_PAGE_PRT)) {
		bo = soft_gem_lookup(file, args->handle);
		if (!bo)
			return -ENOENT;
	}
	ret = wait_inputs(file, args);
	if (!ret && args->vm_timeline_syncobj_out) {
		pthread_mutex_lock(&soft_lock);
		timeline = soft_syncobj_find(file, args->vm_timeline_syncobj_out);
		pthread_mutex_unlock(&soft_lock);
		ret = timeline ? 0 : -ENOENT;
	}
	if (!ret)
		ret = run(file, bo, args);
	if (timeline) {
		if (!ret)
			ret = publish(file, timeline, args->vm_timeline_point);
		pthread_mutex_lock(&soft_lock);
		soft_syncobj_put(timeline);
		pthread_mutex_unlock(&soft_lock);
	}
	soft_bo_put(bo);
	return ret;
}

/* The last handle of a BO goes: so do its mappings. */
int soft_va_close_bo(struct soft_file *file, struct soft_bo *bo)
{
	struct va_batch batch = {0};

	pthread_mutex_lock(&file->va_lock);
	for (unsigned at = 0; at < file->va.count;) {
		const struct soft_mapping *map = &file->va.maps[at];

		if (map->bo == bo) {
			batch_add(&batch, unmap_item(map->start, map->last, bo));
			take_out(&file->va, at);
		} else {
			at++;
		}
	}
	commit(file, &batch);
	pthread_mutex_unlock(&file->va_lock);
	return 0;
}

void soft_va_finish(struct soft_file *file)
{
	free(file->va.maps);
	memset(&file->va, 0, sizeof(file->va));
}

void *soft_va_resolve(struct soft_file *file, uint64_t va, uint64_t *left_out)
{
	uint64_t page = (va & HOLE_MASK) / SOFT_PAGE;
	void *host = NULL;
	unsigned at;

	pthread_mutex_lock(&file->va_lock);
	at = lower(&file->va, page);
	if (at < file->va.count && file->va.maps[at].start <= page && file->va.maps[at].bo &&
	    file->va.maps[at].bo->host) {
		const struct soft_mapping *map = &file->va.maps[at];
		uint64_t inside = (va & HOLE_MASK) - map->start * SOFT_PAGE;

		host = (char *)map->bo->host + map->offset + inside;
		*left_out = (map->last - map->start + 1) * SOFT_PAGE - inside;
	}
	pthread_mutex_unlock(&file->va_lock);
	return host;
}

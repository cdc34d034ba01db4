// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vm.c - address spaces: the mappings of one open file, and GEM_VA.
 *
 * The tree of mappings changes at once. The hardware's page tables follow: at once when nothing
 * stands in the way, else in order, by the work item (which never takes vm->lock: that is held over
 * allocations), when the jobs that were submitted before an unmapping have ended. Later jobs depend
 * on the last update. A mapping keeps its buffer until the hardware has forgotten the range.
 */
#include "drumfire.h"

#include <linux/dma-fence-chain.h>

#define HOLE_START 0x0000800000000000ull
#define HOLE_END   0xffff800000000000ull
#define HOLE_MASK  0x0000ffffffffffffull
#define MAX_WAITS  65536u

struct df_mapping {
	struct interval_tree_node it; /* pages */
	struct list_head node;        /* in df_op.unmaps, when it is out of the tree */
	u64 offset;
	struct df_bo *bo; /* NULL: PRT */
	u32 flags;
};

/* One change of the page tables. Everything that can fail is made before the tree changes. */
struct df_op {
	struct list_head node;
	struct work_struct free_work;
	struct df_fence *fence; /* until it has signalled */
	struct dma_fence *wait;
	struct list_head unmaps; /* ranges, which keep their buffers until they are forgotten */
	struct df_hw_cmd map;    /* afterwards; no access: nothing */
	struct df_mapping *spare[3];
	unsigned int spares;
};

static u64 map_va(const struct df_mapping *map)
{
	return (u64)map->it.start << PAGE_SHIFT;
}

static u64 map_size(const struct df_mapping *map)
{
	return (u64)(map->it.last - map->it.start + 1) << PAGE_SHIFT;
}

/* With an address without sign. A range may touch both halves of the addresses. */
static void push(struct df_vm *vm, struct df_hw_cmd cmd)
{
	u64 size = cmd.size_B;
	u64 low = cmd.va < HOLE_START ? min(HOLE_START - cmd.va, size) : 0;

	cmd.as = vm->as;
	if (low) {
		cmd.size_B = low;
		df_hw_push_wait(vm->df, &cmd);
	}
	if (low < size) {
		cmd.va = (cmd.va + low) | HOLE_END;
		cmd.size_B = size - low;
		if (cmd.op == DF_HW_MAP)
			cmd.offset_B += low;
		df_hw_push_wait(vm->df, &cmd);
	}
}

static void mapping_free(struct df_mapping *map)
{
	df_bo_put(map->bo);
	kfree(map);
}

/* Not where fences are signalled: the last reference to a buffer takes locks. */
static void op_free(struct df_op *op)
{
	struct df_mapping *map, *next;

	while (op->spares)
		kfree(op->spare[--op->spares]);
	list_for_each_entry_safe(map, next, &op->unmaps, node)
		mapping_free(map);
	df_fence_free(op->fence);
	dma_fence_put(op->wait);
	kfree(op);
}

static void op_free_work(struct work_struct *work)
{
	op_free(container_of(work, struct df_op, free_work));
}

static void op_run(struct df_vm *vm, struct df_op *op)
{
	struct df_mapping *map;

	if (op->wait)
		dma_fence_wait(op->wait, false);
	list_for_each_entry(map, &op->unmaps, node)
		push(vm, (struct df_hw_cmd){
				 .op = DF_HW_UNMAP,
				 .va = map_va(map),
				 .size_B = map_size(map),
			 });
	if (op->map.access)
		push(vm, op->map);
	dma_fence_signal(&op->fence->base);
	dma_fence_put(&op->fence->base);
	op->fence = NULL;
}

static void vm_work(struct work_struct *work)
{
	struct df_vm *vm = container_of(work, struct df_vm, work);
	struct df_op *op;

	for (;;) {
		spin_lock(&vm->ops_lock);
		op = list_first_entry_or_null(&vm->ops, struct df_op, node);
		if (op)
			list_del(&op->node);
		spin_unlock(&vm->ops_lock);
		if (!op)
			break;
		op_run(vm, op);
		queue_work(vm->df->free_wq, &op->free_work);
	}
	df_vm_put(vm); /* of whoever queued the work */
}

static struct df_op *op_new(unsigned int spares, gfp_t gfp)
{
	struct df_op *op = kzalloc(sizeof(*op), gfp);

	if (!op)
		return NULL;
	INIT_LIST_HEAD(&op->unmaps);
	INIT_WORK(&op->free_work, op_free_work);
	op->fence = df_fence_alloc(gfp);
	while (op->fence && op->spares < spares) {
		op->spare[op->spares] = kzalloc(sizeof(*op->spare[0]), gfp);
		if (!op->spare[op->spares])
			break;
		op->spares++;
	}
	if (op->fence && op->spares == spares)
		return op;
	op_free(op);
	return NULL;
}

/*
 * vm->lock is held. Takes the operation over. The fences to wait for are those of now: jobs that
 * come later depend on this very update.
 */
static void commit(struct df_vm *vm, struct df_op *op)
{
	struct dma_fence *last = vm->last ? &vm->last->base : NULL;
	bool idle = !last || dma_fence_is_signaled(last);

	if (list_empty(&op->unmaps) && !op->map.access) {
		op_free(op);
		return;
	}
	if (!list_empty(&op->unmaps) &&
	    dma_resv_get_singleton(vm->root.resv, DMA_RESV_USAGE_BOOKKEEP, &op->wait)) {
		/* No memory for the list: all that is there now is waited for here. */
		dma_resv_wait_timeout(vm->root.resv, DMA_RESV_USAGE_BOOKKEEP, false,
				      MAX_SCHEDULE_TIMEOUT);
		op->wait = NULL;
	}
	df_fence_init(op->fence, vm->update_context, ++vm->update_seqno);
	dma_fence_put(last);
	vm->last = op->fence;
	dma_fence_get(&op->fence->base);
	if (idle && (!op->wait || dma_fence_is_signaled(op->wait))) {
		op_run(vm, op);
		op_free(op); /* not with the last reference to a buffer: the caller has one */
		return;
	}
	spin_lock(&vm->ops_lock);
	list_add_tail(&op->node, &vm->ops);
	spin_unlock(&vm->ops_lock);
	df_vm_get(vm);
	if (!queue_work(vm->df->vm_wq, &vm->work))
		df_vm_put(vm);
}

/* With a reference, or NULL. */
struct dma_fence *df_vm_last(struct df_vm *vm)
{
	struct dma_fence *fence = NULL;

	mutex_lock(&vm->lock);
	if (vm->last && !dma_fence_is_signaled(&vm->last->base))
		fence = dma_fence_get(&vm->last->base);
	mutex_unlock(&vm->lock);
	return fence;
}

static void retire(struct df_vm *vm, struct df_op *op, struct df_mapping *map)
{
	interval_tree_remove(&map->it, &vm->maps);
	list_add_tail(&map->node, &op->unmaps);
}

/* gmc_v10_0_map_mtype(): what the flags ask for. */
static u32 mtype_of(u32 flags)
{
	switch (flags & AMDGPU_VM_MTYPE_MASK) {
	case AMDGPU_VM_MTYPE_CC:
		return DF_HW_CC;
	case AMDGPU_VM_MTYPE_UC:
		return DF_HW_UC;
	default:
		return DF_HW_NC;
	}
}

static struct df_hw_cmd map_command(const struct df_mapping *map)
{
	struct df_hw_cmd cmd = {
		.op = DF_HW_MAP,
		.va = map_va(map),
		.size_B = map_size(map),
		.mtype = mtype_of(map->flags),
	};

	if (!map->bo) {
		cmd.access = DF_HW_READ | DF_HW_WRITE | DF_HW_PRT;
		return cmd;
	}
	if (!map->bo->pages && !map->bo->user)
		return cmd; /* GDS and the like: there is nothing to see */
	cmd.offset_B = ((u64)drm_vma_node_start(&map->bo->place) << PAGE_SHIFT) + map->offset;
	if (map->flags & AMDGPU_VM_PAGE_READABLE)
		cmd.access |= DF_HW_READ;
	if ((map->flags & AMDGPU_VM_PAGE_WRITEABLE) && !map->bo->readonly)
		cmd.access |= DF_HW_WRITE;
	if (map->flags & AMDGPU_VM_PAGE_EXECUTABLE)
		cmd.access |= DF_HW_EXEC;
	return cmd;
}

/* A part of a mapping that stays, outside of what is cleared. */
static void keep_part(struct df_vm *vm, struct df_op *op, const struct df_mapping *map, u64 first,
		      u64 last)
{
	struct df_mapping *part = op->spare[--op->spares];

	part->it.start = first;
	part->it.last = last;
	part->offset = map->offset + ((first - map->it.start) << PAGE_SHIFT);
	part->flags = map->flags;
	part->bo = map->bo;
	if (part->bo)
		drm_gem_object_get(&part->bo->base);
	interval_tree_insert(&part->it, &vm->maps);
}

static void clear(struct df_vm *vm, struct df_op *op, u64 first, u64 last)
{
	struct interval_tree_node *it;

	while ((it = interval_tree_iter_first(&vm->maps, first, last))) {
		struct df_mapping *map = container_of(it, struct df_mapping, it);

		retire(vm, op, map);
		if (it->start < first)
			keep_part(vm, op, map, it->start, first - 1);
		if (it->last > last)
			keep_part(vm, op, map, last + 1, it->last);
		it->start = max_t(u64, it->start, first);
		it->last = min_t(u64, it->last, last);
	}
}

static void insert(struct df_vm *vm, struct df_op *op, struct df_bo *bo,
		   const struct df_gem_va *args)
{
	struct df_mapping *map = op->spare[--op->spares];

	map->it.start = args->va_address >> PAGE_SHIFT;
	map->it.last = (args->va_address + args->map_size - 1) >> PAGE_SHIFT;
	map->offset = args->offset_in_bo;
	map->flags = args->flags;
	map->bo = bo;
	if (bo)
		drm_gem_object_get(&bo->base);
	interval_tree_insert(&map->it, &vm->maps);
	op->map = map_command(map);
}

/* amdgpu_vm_verify_parameters() */
static int verify(const struct df_bo *bo, u64 va, u64 offset, u64 size)
{
	u64 end;

	if ((va | offset | size) & ~PAGE_MASK)
		return -EINVAL;
	if (!size || check_add_overflow(va, size, &end) || check_add_overflow(offset, size, &end))
		return -EINVAL;
	if (bo && end > bo->base.size)
		return -EINVAL;
	return va + size > 1ull << 48 ? -EINVAL : 0;
}

static int do_map(struct df_vm *vm, struct df_bo *bo, const struct df_gem_va *args, bool replace)
{
	u64 first = args->va_address >> PAGE_SHIFT;
	u64 last = (args->va_address + args->map_size - 1) >> PAGE_SHIFT;
	struct df_op *op;

	if (!replace && interval_tree_iter_first(&vm->maps, first, last))
		return -EINVAL;
	op = op_new(3, GFP_KERNEL);
	if (!op)
		return -ENOMEM;
	clear(vm, op, first, last);
	insert(vm, op, bo, args);
	commit(vm, op);
	return 0;
}

static int do_clear(struct df_vm *vm, u64 va, u64 size)
{
	struct df_op *op = op_new(2, GFP_KERNEL);

	if (!op)
		return -ENOMEM;
	clear(vm, op, va >> PAGE_SHIFT, (va + size - 1) >> PAGE_SHIFT);
	commit(vm, op);
	return 0;
}

static int do_unmap(struct df_vm *vm, struct df_bo *bo, u64 va)
{
	u64 page = va >> PAGE_SHIFT;
	struct interval_tree_node *it = interval_tree_iter_first(&vm->maps, page, page);
	struct df_mapping *map = it ? container_of(it, struct df_mapping, it) : NULL;
	struct df_op *op;

	if (!map || map->it.start != page || map->bo != bo)
		return -ENOENT;
	op = op_new(0, GFP_KERNEL);
	if (!op)
		return -ENOMEM;
	retire(vm, op, map);
	commit(vm, op);
	return 0;
}

static int check(struct df_device *df, struct df_gem_va *args)
{
	u32 valid = AMDGPU_VM_DELAY_UPDATE | AMDGPU_VM_PAGE_READABLE | AMDGPU_VM_PAGE_WRITEABLE |
		    AMDGPU_VM_PAGE_EXECUTABLE | AMDGPU_VM_MTYPE_MASK | AMDGPU_VM_PAGE_NOALLOC;
	u32 prt = AMDGPU_VM_DELAY_UPDATE | AMDGPU_VM_PAGE_PRT;
	u64 end;

	if (args->va_address >= HOLE_START && args->va_address < HOLE_END)
		return -EINVAL;
	args->va_address &= HOLE_MASK;
	if (args->va_address < df->desc.va_start)
		return -EINVAL;
	if (check_add_overflow(args->va_address, args->map_size, &end) || end > df->desc.va_end)
		return -EINVAL;
	if ((args->flags & ~valid) && (args->flags & ~prt))
		return -EINVAL;
	if (args->operation < AMDGPU_VA_OP_MAP || args->operation > AMDGPU_VA_OP_REPLACE)
		return -EINVAL;
	return 0;
}

static int run(struct df_vm *vm, struct df_bo *bo, const struct df_gem_va *args)
{
	int ret = 0;

	if (args->operation == AMDGPU_VA_OP_CLEAR)
		ret = verify(NULL, args->va_address, 0, args->map_size);
	else if (args->operation != AMDGPU_VA_OP_UNMAP)
		ret = verify(bo, args->va_address, args->offset_in_bo, args->map_size);
	if (ret)
		return ret;
	if (bo) /* the handle stays, or the mapping would outlive it */
		mutex_lock(&bo->lock);
	mutex_lock(&vm->lock);
	switch (bo && !df_bo_in_use(bo, vm) ? U32_MAX : args->operation) {
	case AMDGPU_VA_OP_MAP:
		ret = do_map(vm, bo, args, false);
		break;
	case AMDGPU_VA_OP_UNMAP:
		ret = do_unmap(vm, bo, args->va_address);
		break;
	case AMDGPU_VA_OP_CLEAR:
		ret = do_clear(vm, args->va_address, args->map_size);
		break;
	case AMDGPU_VA_OP_REPLACE:
		ret = do_map(vm, bo, args, true);
		break;
	default:
		ret = -ENOENT;
	}
	mutex_unlock(&vm->lock);
	if (bo)
		mutex_unlock(&bo->lock);
	return ret;
}

/* amdgpu_gem_add_input_fence() */
static int wait_inputs(struct drm_file *file, const struct df_gem_va *args)
{
	u32 *handles;
	int ret = 0;
	u32 i;

	if (!args->wait_count)
		return 0;
	if (args->wait_count > MAX_WAITS)
		return -EINVAL;
	handles = vmemdup_user(u64_to_user_ptr(args->waits), args->wait_count * sizeof(*handles));
	if (IS_ERR(handles))
		return PTR_ERR(handles);
	for (i = 0; !ret && i < args->wait_count; i++) {
		struct dma_fence *fence;

		ret = drm_syncobj_find_fence(file, handles[i], 0, 0, &fence);
		if (ret)
			break;
		ret = dma_fence_wait(fence, true);
		dma_fence_put(fence);
	}
	kvfree(handles);
	return ret;
}

/* The client's syncobj that is to tell when the page tables have changed, if there is one. */
static int find_timeline(struct drm_file *file, const struct df_gem_va *args,
			 struct drm_syncobj **syncobj_out, struct dma_fence_chain **chain_out)
{
	if (!args->timeline_out)
		return 0;
	if (args->flags & AMDGPU_VM_DELAY_UPDATE)
		return -EINVAL;
	if (args->timeline_point) {
		*chain_out = dma_fence_chain_alloc();
		if (!*chain_out)
			return -ENOMEM;
	}
	*syncobj_out = drm_syncobj_find(file, args->timeline_out);
	return *syncobj_out ? 0 : -ENOENT;
}

static void publish(struct df_vm *vm, struct drm_syncobj *syncobj, struct dma_fence_chain *chain,
		    u64 point)
{
	struct dma_fence *fence = df_vm_last(vm);

	if (!fence)
		fence = dma_fence_get_stub();
	if (chain)
		drm_syncobj_add_point(syncobj, chain, fence, point);
	else
		drm_syncobj_replace_fence(syncobj, fence);
	dma_fence_put(fence);
}

int df_gem_va_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct df_file *fpriv = file->driver_priv;
	struct df_gem_va *args = data;
	struct dma_fence_chain *chain = NULL;
	struct drm_syncobj *syncobj = NULL;
	struct df_bo *bo = NULL;
	int ret = check(to_df(drm), args);

	if (ret)
		return ret;
	if (args->operation != AMDGPU_VA_OP_CLEAR && !(args->flags & AMDGPU_VM_PAGE_PRT)) {
		bo = df_bo_lookup(file, args->handle);
		if (!bo)
			return -ENOENT;
	}
	ret = wait_inputs(file, args);
	if (!ret)
		ret = find_timeline(file, args, &syncobj, &chain);
	if (!ret)
		ret = run(fpriv->vm, bo, args);
	if (!ret && syncobj) {
		publish(fpriv->vm, syncobj, chain, args->timeline_point);
		chain = NULL;
	}
	dma_fence_chain_free(chain);
	if (syncobj)
		drm_syncobj_put(syncobj);
	df_bo_put(bo);
	return ret;
}

/*
 * Every mapping of bo (NULL: every mapping) goes, when its last handle does, or the file: mappings
 * keep buffers, and those the address space that paid for them. That cannot fail.
 */
void df_vm_forget(struct df_vm *vm, struct df_bo *bo)
{
	struct df_op *op = NULL;
	struct rb_node *node, *next;

	mutex_lock(&vm->lock);
	for (node = rb_first_cached(&vm->maps); node; node = next) {
		struct df_mapping *map = container_of(node, struct df_mapping, it.rb);

		next = rb_next(node);
		if (bo && map->bo != bo)
			continue;
		if (!op)
			op = op_new(0, GFP_KERNEL | __GFP_NOFAIL);
		retire(vm, op, map);
	}
	if (op)
		commit(vm, op);
	mutex_unlock(&vm->lock);
}

static void vm_free(struct df_vm *vm)
{
	drm_gem_object_release(&vm->root);
	mutex_destroy(&vm->lock);
	kfree(vm);
}

static void free_work(struct work_struct *work)
{
	struct df_vm *vm = container_of(work, struct df_vm, free_work);
	struct df_hw_cmd cmd = {.op = DF_HW_AS_DESTROY, .as = vm->as};

	df_hw_push_wait(vm->df, &cmd);
	xa_erase(&vm->df->vms, vm->as);
	if (vm->last)
		dma_fence_put(&vm->last->base);
	vm_free(vm);
	atomic_dec(&df_live[DF_LIVE_VM]);
}

static void vm_release(struct kref *ref)
{
	struct df_vm *vm = container_of(ref, struct df_vm, ref);

	queue_work(vm->df->free_wq, &vm->free_work);
}

struct df_vm *df_vm_get(struct df_vm *vm)
{
	kref_get(&vm->ref);
	return vm;
}

void df_vm_put(struct df_vm *vm)
{
	kref_put(&vm->ref, vm_release);
}

struct df_vm *df_vm_create(struct df_device *df)
{
	struct df_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL);
	struct df_hw_cmd cmd = {.op = DF_HW_AS_CREATE};
	int ret;

	if (!vm)
		return ERR_PTR(-ENOMEM);
	kref_init(&vm->ref);
	vm->df = df;
	vm->maps = RB_ROOT_CACHED;
	vm->update_context = dma_fence_context_alloc(1);
	drm_gem_private_object_init(df->drm, &vm->root, PAGE_SIZE);
	mutex_init(&vm->lock);
	spin_lock_init(&vm->ops_lock);
	INIT_LIST_HEAD(&vm->ops);
	INIT_WORK(&vm->work, vm_work);
	INIT_WORK(&vm->free_work, free_work);
	ret = xa_alloc(&df->vms, &vm->as, vm, xa_limit_31b, GFP_KERNEL);
	if (!ret) {
		cmd.as = vm->as;
		ret = df_hw_push(df, &cmd, NULL, DF_HW_ROOM_FOR_JOBS);
		if (ret)
			xa_erase(&df->vms, vm->as);
	}
	if (ret) {
		vm_free(vm);
		return ERR_PTR(ret == -EAGAIN ? -ENOMEM : ret);
	}
	atomic_inc(&df_live[DF_LIVE_VM]);
	return vm;
}

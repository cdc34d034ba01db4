// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * gem.c - buffer objects and the ioctls on them.
 *
 * A buffer's pages come from shmem when it is made, zeroed, and stay until it is freed, so that
 * neither the hardware process nor a client ever meets the lack of a page. Device memory is told
 * from host memory by the account alone.
 */
#include "drumfire.h"

#include <linux/capability.h>
#include <linux/dma-buf.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>

#define GEM_FLAGS                                                                                  \
	(AMDGPU_GEM_CREATE_CPU_ACCESS_REQUIRED | AMDGPU_GEM_CREATE_NO_CPU_ACCESS |                 \
	 AMDGPU_GEM_CREATE_CPU_GTT_USWC | AMDGPU_GEM_CREATE_VRAM_CLEARED |                         \
	 AMDGPU_GEM_CREATE_VM_ALWAYS_VALID | AMDGPU_GEM_CREATE_EXPLICIT_SYNC |                     \
	 AMDGPU_GEM_CREATE_DISCARDABLE)
#define NORMAL_DOMAINS  (AMDGPU_GEM_DOMAIN_CPU | AMDGPU_GEM_DOMAIN_GTT | AMDGPU_GEM_DOMAIN_VRAM)
#define SPECIAL_DOMAINS (AMDGPU_GEM_DOMAIN_GDS | AMDGPU_GEM_DOMAIN_GWS | AMDGPU_GEM_DOMAIN_OA)
#define METADATA_B      256

/* A handle in a file: the buffer's mappings there go with the last one. */
struct df_use {
	struct list_head node;
	struct df_vm *vm;
	unsigned int count;
};

unsigned long df_timeout(u64 absolute_ns)
{
	ktime_t left;

	if ((s64)absolute_ns < 0)
		return MAX_SCHEDULE_TIMEOUT;
	left = ktime_sub(ns_to_ktime(absolute_ns), ktime_get());
	if (ktime_to_ns(left) <= 0)
		return 0;
	return min_t(u64, nsecs_to_jiffies64(ktime_to_ns(left)) + 1, MAX_SCHEDULE_TIMEOUT - 1);
}

static void discharge(struct df_device *df, struct df_vm *vm, u64 size, int domain)
{
	atomic64_sub(size, &df->used[domain]);
	if (vm)
		atomic64_sub(size, &vm->pinned[domain]);
}

/* Takes size bytes of the domain's and the file's account, or says that one is full. */
static int charge(struct df_device *df, struct df_vm *vm, u64 size, int domain)
{
	u64 all = df->desc.vram_B + df->desc.gtt_B, limit = (u64)df_file_limit_mb << 20;
	u64 room = domain ? df->desc.gtt_B : df->desc.vram_B;

	if (!limit || limit > all)
		limit = all;
	if (atomic64_add_return(size, &df->used[domain]) > room) {
		atomic64_sub(size, &df->used[domain]);
		return -ENOMEM;
	}
	if (!vm)
		return 0;
	atomic64_add(size, &vm->pinned[domain]);
	if (atomic64_read(&vm->pinned[0]) + atomic64_read(&vm->pinned[1]) > limit) {
		discharge(df, vm, size, domain);
		return -ENOMEM;
	}
	return 0;
}

static void bo_free(struct drm_gem_object *obj)
{
	struct df_device *df = to_df(obj->dev);
	struct df_bo *bo = to_df_bo(obj);

	df_aperture_zap(bo);
	drm_vma_offset_remove(&df->aperture, &bo->place);
	if (bo->user)
		df_user_free(bo);
	if (bo->from_shmem)
		drm_gem_put_pages(obj, bo->pages, true, false);
	else
		kvfree(bo->pages);
	if (obj->import_attach)
		drm_prime_gem_destroy(obj, bo->sgt);
	discharge(df, bo->vm, obj->size, bo->domain);
	drm_gem_object_release(obj);
	if (bo->vm)
		df_vm_put(bo->vm);
	mutex_destroy(&bo->lock);
	kfree(bo->metadata);
	kfree(bo);
	atomic_dec(&df_live[DF_LIVE_BO]);
}

/* bo->lock is held. */
static struct df_use *find_use(struct df_bo *bo, const struct df_vm *vm)
{
	struct df_use *use;

	list_for_each_entry(use, &bo->uses, node)
		if (use->vm == vm)
			return use;
	return NULL;
}

bool df_bo_in_use(struct df_bo *bo, const struct df_vm *vm)
{
	lockdep_assert_held(&bo->lock);
	return find_use(bo, vm);
}

static int bo_open(struct drm_gem_object *obj, struct drm_file *file)
{
	struct df_vm *vm = ((struct df_file *)file->driver_priv)->vm;
	struct df_bo *bo = to_df_bo(obj);
	struct df_use *use;

	if (bo->always_valid && bo->vm != vm)
		return -EPERM;
	mutex_lock(&bo->lock);
	use = find_use(bo, vm);
	if (!use) {
		use = kzalloc(sizeof(*use), GFP_KERNEL);
		if (use) {
			use->vm = vm;
			list_add(&use->node, &bo->uses);
		}
	}
	if (use)
		use->count++;
	mutex_unlock(&bo->lock);
	return use ? 0 : -ENOMEM;
}

static void bo_close(struct drm_gem_object *obj, struct drm_file *file)
{
	struct df_vm *vm = ((struct df_file *)file->driver_priv)->vm;
	struct df_bo *bo = to_df_bo(obj);
	struct df_use *use;
	bool last;

	mutex_lock(&bo->lock);
	use = find_use(bo, vm);
	last = use && !--use->count;
	if (last) {
		list_del(&use->node);
		kfree(use);
	}
	mutex_unlock(&bo->lock);
	if (last)
		df_vm_forget(vm, bo);
}

static struct dma_buf *bo_export(struct drm_gem_object *obj, int flags)
{
	struct df_bo *bo = to_df_bo(obj);

	if (!bo->pages || bo->always_valid)
		return ERR_PTR(-EPERM);
	return drm_gem_prime_export(obj, flags);
}

static struct sg_table *bo_sg_table(struct drm_gem_object *obj)
{
	struct df_bo *bo = to_df_bo(obj);

	return drm_prime_pages_to_sg(obj->dev, bo->pages, bo->count);
}

static int bo_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	struct df_bo *bo = to_df_bo(obj);

	if (bo->user || (bo->flags & AMDGPU_GEM_CREATE_NO_CPU_ACCESS))
		return -EPERM;
	if (is_cow_mapping(vma->vm_flags))
		return -EINVAL;
	dfc_vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	return 0;
}

/* Also after the device is gone: the memory is there, and a client must not die of a removal. */
static vm_fault_t bo_fault(struct vm_fault *vmf)
{
	struct drm_gem_object *obj = vmf->vma->vm_private_data;

	return df_bo_insert(vmf, to_df_bo(obj), vmf->pgoff - drm_vma_node_start(&obj->vma_node));
}

/* For debuggers. */
static int bo_access(struct vm_area_struct *vma, unsigned long address, void *data, int len,
		     int write)
{
	struct drm_gem_object *obj = vma->vm_private_data;
	struct df_bo *bo = to_df_bo(obj);
	unsigned long at = (vma->vm_pgoff - drm_vma_node_start(&obj->vma_node)) << PAGE_SHIFT;
	int done, part;

	at += address - vma->vm_start;
	if (at >= obj->size)
		return -EIO;
	len = min_t(u64, len, obj->size - at);
	for (done = 0; done < len; done += part) {
		struct page *page = bo->pages[(at + done) >> PAGE_SHIFT];
		size_t offset = offset_in_page(at + done);

		part = min_t(size_t, len - done, PAGE_SIZE - offset);
		if (write)
			memcpy_to_page(page, offset, data + done, part);
		else
			memcpy_from_page(data + done, page, offset, part);
	}
	return len;
}

static const struct vm_operations_struct bo_vm_ops = {
	.fault = bo_fault,
	.access = bo_access,
	.open = drm_gem_vm_open,
	.close = drm_gem_vm_close,
};

static const struct drm_gem_object_funcs bo_funcs = {
	.free = bo_free,
	.open = bo_open,
	.close = bo_close,
	.export = bo_export,
	.get_sg_table = bo_sg_table,
	.mmap = bo_mmap,
	.vm_ops = &bo_vm_ops,
};

/*
 * Without pages yet, on the account of vm, or of nobody; drm_gem_object_put() undoes all of it, at
 * any stage.
 */
struct df_bo *df_bo_alloc(struct df_device *df, struct df_vm *vm, size_t size, int domain)
{
	struct df_bo *bo;
	int ret;

	if (!size || size > min_t(u64, df->desc.vram_B + df->desc.gtt_B, 1ull << 38))
		return ERR_PTR(size ? -ENOMEM : -EINVAL);
	ret = charge(df, vm, size, domain);
	if (ret)
		return ERR_PTR(ret);
	bo = kzalloc(sizeof(*bo), GFP_KERNEL);
	if (!bo) {
		discharge(df, vm, size, domain);
		return ERR_PTR(-ENOMEM);
	}
	atomic_inc(&df_live[DF_LIVE_BO]);
	bo->base.funcs = &bo_funcs;
	bo->vm = vm ? df_vm_get(vm) : NULL;
	bo->count = size >> PAGE_SHIFT;
	bo->domain = domain;
	bo->preferred = domain ? AMDGPU_GEM_DOMAIN_GTT : AMDGPU_GEM_DOMAIN_VRAM;
	mutex_init(&bo->lock);
	INIT_LIST_HEAD(&bo->uses);
	return bo;
}

/* The pages: as many as there are, or an error, never the OOM killer. */
static int fill(struct df_bo *bo)
{
	struct page **pages;

	mapping_set_gfp_mask(bo->base.filp->f_mapping,
			     GFP_HIGHUSER | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	pages = drm_gem_get_pages(&bo->base);
	if (IS_ERR(pages))
		return PTR_ERR(pages) == -EINTR ? -EINTR : -ENOMEM;
	bo->pages = pages;
	bo->from_shmem = true;
	return 0;
}

/* On-chip memory and counters: a handle and an account, no pages. */
static struct df_bo *special_create(struct df_device *df, struct df_vm *vm, u64 size)
{
	struct df_bo *bo = df_bo_alloc(df, vm, size, 1);

	if (!IS_ERR(bo))
		drm_gem_private_object_init(df->drm, &bo->base, size);
	return bo;
}

static struct df_bo *bo_create(struct df_device *df, struct df_vm *vm, u64 size, int domain,
			       bool always_valid)
{
	struct df_bo *bo = df_bo_alloc(df, vm, size, domain);
	int ret;

	if (IS_ERR(bo))
		return bo;
	ret = drm_gem_object_init(df->drm, &bo->base, size);
	if (always_valid) {
		bo->always_valid = true;
		bo->base.resv = vm->root.resv;
	}
	if (!ret)
		ret = fill(bo);
	if (!ret)
		ret = df_aperture_place(bo);
	if (!ret)
		ret = drm_gem_create_mmap_offset(&bo->base);
	if (ret) {
		df_bo_put(bo);
		return ERR_PTR(ret);
	}
	return bo;
}

struct df_bo *df_bo_lookup(struct drm_file *file, u32 handle)
{
	struct drm_gem_object *obj = drm_gem_object_lookup(file, handle);

	return obj ? to_df_bo(obj) : NULL;
}

/* The first buffer of device memory at that page of the aperture or behind it, with a reference. */
static struct df_bo *vram_after(struct df_device *df, unsigned long page)
{
	const unsigned long end = DF_APERTURE_B >> PAGE_SHIFT;
	struct drm_mm_node *node;
	struct df_bo *found = NULL;

	if (page >= end)
		return NULL;
	drm_vma_offset_lock_lookup(&df->aperture);
	drm_mm_for_each_node_in_range(node, &df->aperture.vm_addr_space_mm, page, end) {
		struct df_bo *bo = container_of(node, struct df_bo, place.vm_node);

		if (!bo->domain && bo->from_shmem && kref_get_unless_zero(&bo->base.refcount)) {
			found = bo;
			break;
		}
	}
	drm_vma_offset_unlock_lookup(&df->aperture);
	return found;
}

/* What a full reset does to the device's own memory. */
void df_vram_lose(struct df_device *df)
{
	unsigned long page = 0, i;
	struct df_bo *bo;

	while ((bo = vram_after(df, page))) {
		for (i = 0; i < bo->count; i++) {
			u8 *at = kmap_local_page(bo->pages[i]);

			memset(at, 0xdb, PAGE_SIZE);
			kunmap_local(at);
		}
		page = drm_vma_node_start(&bo->place) + bo->count;
		df_bo_put(bo);
		cond_resched();
	}
}

struct drm_gem_object *df_gem_import_sg(struct drm_device *drm, struct dma_buf_attachment *attach,
					struct sg_table *sgt)
{
	/* drm_gem_prime_fd_to_handle() does not say for whom: the device pays. */
	struct df_device *df = to_df(drm);
	size_t size = PAGE_ALIGN(attach->dmabuf->size);
	struct df_bo *bo = df_bo_alloc(df, NULL, size, 1);
	int ret;

	if (IS_ERR(bo))
		return ERR_CAST(bo);
	drm_gem_private_object_init(drm, &bo->base, size);
	bo->pages = kvcalloc(bo->count, sizeof(*bo->pages), GFP_KERNEL);
	ret = bo->pages ? drm_prime_sg_to_page_array(sgt, bo->pages, bo->count) : -ENOMEM;
	if (!ret)
		ret = df_aperture_place(bo);
	if (!ret)
		ret = drm_gem_create_mmap_offset(&bo->base);
	if (ret) {
		df_bo_put(bo);
		return ERR_PTR(ret);
	}
	bo->sgt = sgt;
	return &bo->base;
}

static bool domains_valid(u64 domains)
{
	u64 special = domains & ~(u64)NORMAL_DOMAINS;

	if (domains & ~(u64)AMDGPU_GEM_DOMAIN_MASK)
		return false;
	return !special || (!(domains & NORMAL_DOMAINS) && !(special & (special - 1)));
}

int df_gem_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct df_file *fpriv = file->driver_priv;
	struct df_device *df = to_df(drm);
	union drm_amdgpu_gem_create *args = data;
	u64 domains = args->in.domains, flags = args->in.domain_flags;
	u64 size = args->in.bo_size, alignment = args->in.alignment;
	bool always_valid = flags & AMDGPU_GEM_CREATE_VM_ALWAYS_VALID;
	struct df_bo *bo;
	u32 handle;
	int ret;

	if ((flags & ~(u64)GEM_FLAGS) || !domains_valid(domains))
		return -EINVAL;
	if ((domains & ~(u64)(NORMAL_DOMAINS | SPECIAL_DOMAINS)) ||
	    ((domains & SPECIAL_DOMAINS) && always_valid))
		return -EINVAL;
	if (!size || size > U64_MAX - PAGE_SIZE)
		return -EINVAL;
	size = PAGE_ALIGN(size);
	if (domains & SPECIAL_DOMAINS) {
		flags |= AMDGPU_GEM_CREATE_NO_CPU_ACCESS;
		bo = special_create(df, fpriv->vm, size);
	} else {
		bo = bo_create(df, fpriv->vm, size, !(domains & AMDGPU_GEM_DOMAIN_VRAM),
			       always_valid);
	}
	if (bo == ERR_PTR(-ENOMEM) && (domains & AMDGPU_GEM_DOMAIN_VRAM))
		bo = bo_create(df, fpriv->vm, size, 1, always_valid); /* as amdgpu: spill */
	if (IS_ERR(bo))
		return PTR_ERR(bo);
	bo->preferred = domains;
	bo->flags = flags | AMDGPU_GEM_CREATE_VRAM_CLEARED;
	bo->alignment = alignment;
	ret = drm_gem_handle_create(file, &bo->base, &handle);
	df_bo_put(bo);
	if (ret)
		return ret;
	memset(args, 0, sizeof(*args));
	args->out.handle = handle;
	return 0;
}

int df_gem_mmap_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	union drm_amdgpu_gem_mmap *args = data;
	struct df_bo *bo = df_bo_lookup(file, args->in.handle);
	int ret = 0;

	if (!bo)
		return -ENOENT;
	memset(args, 0, sizeof(*args));
	if (bo->user || (bo->flags & AMDGPU_GEM_CREATE_NO_CPU_ACCESS))
		ret = -EPERM;
	else
		args->out.addr_ptr = drm_vma_node_offset_addr(&bo->base.vma_node);
	df_bo_put(bo);
	return ret;
}

int df_gem_wait_idle_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	union drm_amdgpu_gem_wait_idle *args = data;
	unsigned long timeout = df_timeout(args->in.timeout);
	struct df_bo *bo = df_bo_lookup(file, args->in.handle);
	long ret;

	if (!bo)
		return -ENOENT;
	ret = dma_resv_wait_timeout(bo->base.resv, DMA_RESV_USAGE_BOOKKEEP, true, timeout);
	df_bo_put(bo);
	if (ret < 0)
		return ret;
	memset(args, 0, sizeof(*args));
	args->out.status = !ret;
	return 0;
}

static int set_metadata(struct df_bo *bo, const struct drm_amdgpu_gem_metadata *args)
{
	u32 size = args->data.data_size_bytes;

	if (size > METADATA_B || size > sizeof(args->data.data))
		return -EINVAL;
	if (size && !bo->metadata)
		bo->metadata = kzalloc(METADATA_B, GFP_KERNEL);
	if (size && !bo->metadata)
		return -ENOMEM;
	bo->tiling = args->data.tiling_info;
	bo->metadata_size = size;
	if (size) {
		bo->metadata_flags = args->data.flags;
		memcpy(bo->metadata, args->data.data, size);
	}
	return 0;
}

int df_gem_metadata_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_amdgpu_gem_metadata *args = data;
	struct df_bo *bo = df_bo_lookup(file, args->handle);
	int ret = 0;

	if (!bo)
		return -ENOENT;
	mutex_lock(&bo->lock);
	if (args->op == AMDGPU_GEM_METADATA_OP_GET_METADATA) {
		args->data.tiling_info = bo->tiling;
		args->data.flags = bo->metadata_flags;
		args->data.data_size_bytes = bo->metadata_size;
		if (bo->metadata_size)
			memcpy(args->data.data, bo->metadata, bo->metadata_size);
	} else if (args->op == AMDGPU_GEM_METADATA_OP_SET_METADATA) {
		ret = set_metadata(bo, args);
	}
	mutex_unlock(&bo->lock);
	df_bo_put(bo);
	return ret;
}

static int create_info(struct df_bo *bo, u64 to)
{
	struct drm_amdgpu_gem_create_in info = {
		.bo_size = bo->base.size,
		.alignment = bo->alignment,
		.domains = bo->preferred,
		.domain_flags = bo->flags,
	};

	return copy_to_user(u64_to_user_ptr(to), &info, sizeof(info)) ? -EFAULT : 0;
}

int df_gem_op_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_amdgpu_gem_op *args = data;
	struct df_bo *bo = df_bo_lookup(file, args->handle);
	int ret = 0;

	if (!bo)
		return -ENOENT;
	if (args->op == AMDGPU_GEM_OP_GET_GEM_CREATE_INFO)
		ret = create_info(bo, args->value);
	else if (args->op != AMDGPU_GEM_OP_SET_PLACEMENT)
		ret = -EINVAL;
	else if (bo->base.import_attach && (args->value & AMDGPU_GEM_DOMAIN_VRAM))
		ret = -EINVAL;
	else if (bo->user)
		ret = -EPERM;
	else
		bo->preferred = args->value & NORMAL_DOMAINS;
	df_bo_put(bo);
	return ret;
}

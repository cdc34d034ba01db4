// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * user.c - buffers over a process's own memory.
 *
 * The pages are pinned while they are in use. When the range changes under us (munmap, fork,
 * mremap), the notifier marks the buffer stale and waits for the jobs that use it; the pages
 * themselves are given back later by a work item, which is safe because they are pinned: nobody
 * else can have got them. The next submission that lists the buffer pins anew. Whether a buffer is
 * stale is looked at once more, under the lock that marking it takes, when the fence of the
 * submission is put into its reservation: so either the submission or the notifier sees the other.
 * A stale buffer's place in the aperture is the device's dummy page.
 */
#include "drumfire.h"

#include <linux/sched/mm.h>

struct df_user {
	struct mmu_interval_notifier notifier;
	struct df_bo *bo;
	u64 address;
	u64 flags;
	bool registered;
	bool valid;          /* under the device's user_lock */
	spinlock_t lock;     /* protects: pages, in view of the aperture */
	struct page **pages; /* pinned, or NULL */
	struct work_struct release;
};

static void unpin(struct df_user *user)
{
	struct page **pages;

	spin_lock(&user->lock);
	pages = user->pages;
	user->pages = NULL;
	spin_unlock(&user->lock);
	if (!pages)
		return;
	df_faults_wait();
	df_aperture_zap(user->bo);
	unpin_user_pages_dirty_lock(pages, user->bo->count,
				    !(user->flags & AMDGPU_GEM_USERPTR_READONLY));
	kvfree(pages);
}

static void release_work(struct work_struct *work)
{
	struct df_user *user = container_of(work, struct df_user, release);

	mutex_lock(&user->bo->lock);
	if (!READ_ONCE(user->valid))
		unpin(user);
	mutex_unlock(&user->bo->lock);
}

static bool invalidate(struct mmu_interval_notifier *notifier,
		       const struct mmu_notifier_range *range, unsigned long sequence)
{
	struct df_user *user = container_of(notifier, struct df_user, notifier);
	struct df_device *df = to_df(user->bo->base.dev);

	if (!mmu_notifier_range_blockable(range))
		return false;
	mutex_lock(&df->user_lock);
	mmu_interval_set_seq(notifier, sequence);
	user->valid = false;
	mutex_unlock(&df->user_lock);
	dma_resv_wait_timeout(user->bo->base.resv, DMA_RESV_USAGE_BOOKKEEP, false,
			      MAX_SCHEDULE_TIMEOUT);
	schedule_work(&user->release);
	return true;
}

static const struct mmu_interval_notifier_ops notifier_ops = {.invalidate = invalidate};

struct page *df_user_page(struct df_bo *bo, unsigned long index)
{
	struct df_user *user = bo->user;
	struct page *page;

	spin_lock(&user->lock);
	page = user->pages ? user->pages[index] : to_df(bo->base.dev)->dummy;
	spin_unlock(&user->lock);
	return page;
}

/* amdgpu's ANONONLY: no page of a file. */
static int check_anonymous(struct mm_struct *mm, u64 address, u64 size)
{
	struct vm_area_struct *vma;
	u64 at = address;
	int ret = 0;

	mmap_read_lock(mm);
	while (at < address + size) {
		vma = find_vma(mm, at);
		if (!vma || vma->vm_start > at)
			ret = -EFAULT;
		else if (vma->vm_file)
			ret = -EPERM;
		if (ret)
			break;
		at = vma->vm_end;
	}
	mmap_read_unlock(mm);
	return ret;
}

static int pin(struct df_bo *bo, struct df_user *user, struct page **pages)
{
	unsigned int flags = FOLL_LONGTERM;
	unsigned long done = 0;
	int n;

	if (!(user->flags & AMDGPU_GEM_USERPTR_READONLY))
		flags |= FOLL_WRITE;
	while (done < bo->count) {
		n = pin_user_pages_fast(user->address + done * PAGE_SIZE,
					min_t(unsigned long, bo->count - done, 512), flags,
					pages + done);
		if (n <= 0) {
			unpin_user_pages(pages, done);
			return n == -EINTR || n == -ERESTARTSYS ? n : -EFAULT;
		}
		done += n;
	}
	return 0;
}

/*
 * bo->lock is held, by the process that owns the memory. 0, -EAGAIN when the range changed
 * meanwhile.
 */
static int pin_once(struct df_bo *bo, struct df_user *user)
{
	unsigned long sequence = mmu_interval_read_begin(&user->notifier);
	struct df_device *df = to_df(bo->base.dev);
	struct page **pages;
	int ret;

	unpin(user);
	pages = kvcalloc(bo->count, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	ret = user->flags & AMDGPU_GEM_USERPTR_ANONONLY
		      ? check_anonymous(current->mm, user->address, bo->base.size)
		      : 0;
	if (!ret)
		ret = pin(bo, user, pages);
	if (ret) {
		kvfree(pages);
		return ret;
	}
	spin_lock(&user->lock);
	user->pages = pages;
	spin_unlock(&user->lock);
	df_aperture_zap(bo);
	mutex_lock(&df->user_lock);
	user->valid = !mmu_interval_read_retry(&user->notifier, sequence);
	ret = user->valid ? 0 : -EAGAIN;
	mutex_unlock(&df->user_lock);
	return ret;
}

/* user_lock is held. */
bool df_user_valid(const struct df_bo *bo)
{
	return !bo->user || bo->user->valid;
}

/* Before a submission that lists the buffer. */
int df_user_validate(struct df_bo *bo)
{
	struct df_user *user = bo->user;
	int ret = 0, tries;

	if (current->mm != user->notifier.mm)
		return -EPERM;
	mutex_lock(&bo->lock);
	for (tries = 0; !READ_ONCE(user->valid) && tries < 8; tries++) {
		ret = pin_once(bo, user);
		if (ret && ret != -EAGAIN)
			break;
	}
	mutex_unlock(&bo->lock);
	return ret;
}

void df_user_free(struct df_bo *bo)
{
	struct df_user *user = bo->user;

	if (user->registered)
		mmu_interval_notifier_remove(&user->notifier);
	cancel_work_sync(&user->release);
	unpin(user);
	bo->user = NULL;
	kfree(user);
}

static int user_create(struct df_bo *bo, const struct drm_amdgpu_gem_userptr *args)
{
	struct df_user *user = kzalloc(sizeof(*user), GFP_KERNEL);
	int ret;

	if (!user)
		return -ENOMEM;
	user->bo = bo;
	user->address = args->addr;
	user->flags = args->flags;
	spin_lock_init(&user->lock);
	INIT_WORK(&user->release, release_work);
	bo->user = user;
	bo->readonly = args->flags & AMDGPU_GEM_USERPTR_READONLY;
	ret = mmu_interval_notifier_insert(&user->notifier, current->mm, args->addr, args->size,
					   &notifier_ops);
	if (ret)
		return ret;
	user->registered = true;
	return args->flags & AMDGPU_GEM_USERPTR_VALIDATE ? df_user_validate(bo) : 0;
}

int df_gem_userptr_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct df_file *fpriv = file->driver_priv;
	struct drm_amdgpu_gem_userptr *args = data;
	u32 known = AMDGPU_GEM_USERPTR_READONLY | AMDGPU_GEM_USERPTR_ANONONLY |
		    AMDGPU_GEM_USERPTR_VALIDATE | AMDGPU_GEM_USERPTR_REGISTER;
	struct df_bo *bo;
	int ret;

	if ((args->addr | args->size) & ~PAGE_MASK)
		return -EINVAL;
	if (!access_ok((void __user *)args->addr, args->size))
		return -EFAULT;
	if ((args->flags & ~known) || !args->size)
		return -EINVAL;
	if (!(args->flags & AMDGPU_GEM_USERPTR_READONLY) &&
	    !(args->flags & AMDGPU_GEM_USERPTR_REGISTER))
		return -EACCES;
	bo = df_bo_alloc(to_df(drm), fpriv->vm, args->size, 1);
	if (IS_ERR(bo))
		return PTR_ERR(bo);
	drm_gem_private_object_init(drm, &bo->base, args->size);
	bo->flags = AMDGPU_GEM_CREATE_NO_CPU_ACCESS;
	ret = user_create(bo, args);
	if (!ret)
		ret = df_aperture_place(bo);
	if (!ret)
		ret = drm_gem_handle_create(file, &bo->base, &args->handle);
	df_bo_put(bo);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * hw.c - /dev/drumfire-hw: attaching, the command and event rings, the memory aperture, surprise
 * removal.
 *
 * What the process writes into the ring is not trusted: numbers are read once and checked, events
 * are copied before they are looked at. A process that lies can stall or lose its own device,
 * nothing else.
 */
#include "drumfire.h"

#include <linux/delay.h>
#include <linux/miscdevice.h>
#include <linux/poll.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#define MAX_BLOB_B   0x100000u
#define MAX_ANSWERS  4096
#define MAX_MEMORY_B (128ull << 30)
#define FAULT_AROUND 16

int df_hw_push(struct df_device *df, const struct df_hw_cmd *cmd, const struct df_hw_ib *ibs,
	       unsigned int keep_free)
{
	u8 *slots = (u8 *)df->ring + PAGE_SIZE;
	unsigned int i, used;
	int ret = 0;

	spin_lock(&df->cmd_lock);
	/* the process has read what it gives back */
	used = df->cmd_head - smp_load_acquire(&df->ring->cmd_tail);
	if (df->dead) {
		ret = -ENODEV;
	} else if (used > DF_HW_CMD_SLOTS || DF_HW_CMD_SLOTS - used < cmd->count + 1 + keep_free) {
		ret = -EAGAIN;
	} else {
		memcpy(slots + (df->cmd_head % DF_HW_CMD_SLOTS) * DF_HW_SLOT_B, cmd, sizeof(*cmd));
		for (i = 0; i < cmd->ib_count; i++) {
			u32 slot = (df->cmd_head + 1 + i / 4) % DF_HW_CMD_SLOTS;

			memcpy(slots + slot * DF_HW_SLOT_B + (i % 4) * sizeof(*ibs), &ibs[i],
			       sizeof(*ibs));
		}
		df->cmd_head += cmd->count + 1;
		/* the slots before their number */
		smp_store_release(&df->ring->cmd_head, df->cmd_head);
	}
	spin_unlock(&df->cmd_lock);
	if (!ret && wq_has_sleeper(&df->hw_wait))
		wake_up_interruptible(&df->hw_wait);
	return ret;
}

/*
 * Waits for room in the ring, which is kept for jobs in part. A process that takes nothing out of
 * it for as long as a job and a reset may last has hung: the device is given up.
 */
void df_hw_push_wait(struct df_device *df, const struct df_hw_cmd *cmd)
{
	unsigned long patience = msecs_to_jiffies(df_job_ms(df)) + msecs_to_jiffies(df_reset_ms);
	unsigned long since = jiffies;
	u32 tail = READ_ONCE(df->ring->cmd_tail), seen;

	while (df_hw_push(df, cmd, NULL, DF_HW_ROOM_FOR_JOBS) == -EAGAIN) {
		usleep_range(100, 1000);
		seen = READ_ONCE(df->ring->cmd_tail);
		if (seen != tail)
			since = jiffies;
		else if (time_after(jiffies, since + patience))
			queue_work(system_unbound_wq, &df->lost_work);
		tail = seen;
	}
}

static void page_fault(struct df_device *df, const struct df_hw_event *event)
{
	/*
	 * GCVM_L2_PROTECTION_FAULT_STATUS of gc_10_3_0_sh_mask.h: PERMISSION_FAULTS, CID (TCP), RW,
	 * VMID
	 */
	u32 status = 3u << 4 | 8u << 9 | 1u << 20;
	struct df_vm *vm;

	if (event->access & DF_HW_WRITE)
		status |= 1u << 18;
	atomic_inc(&df->page_faults);
	xa_lock(&df->vms);
	vm = xa_load(&df->vms, event->as);
	if (vm) {
		vm->fault_address = event->address & 0xfffffffff000ull;
		vm->fault_status = status;
	}
	xa_unlock(&df->vms);
}

static void take_event(struct df_device *df, const struct df_hw_event *event)
{
	switch (event->op) {
	case DF_HW_DONE:
		df_job_ended(df, event);
		break;
	case DF_HW_RESET_DONE:
		df_reset_acknowledged(df, event->seq);
		break;
	case DF_HW_PAGE_FAULT:
		page_fault(df, event);
		break;
	default: /* from a newer process: nothing that this kernel asked for */
		break;
	}
}

static long kick(struct df_device *df)
{
	const u8 *slots = (u8 *)df->ring + PAGE_SIZE + DF_HW_CMD_SLOTS * DF_HW_SLOT_B;
	unsigned int left = DF_HW_EVENT_SLOTS;

	mutex_lock(&df->event_lock);
	/* the number before the slots */
	while (left-- && df->event_tail != smp_load_acquire(&df->ring->event_head)) {
		struct df_hw_event event;

		memcpy(&event, slots + (df->event_tail % DF_HW_EVENT_SLOTS) * DF_HW_SLOT_B,
		       sizeof(event));
		df->event_tail++;
		/* read, then given back */
		smp_store_release(&df->ring->event_tail, df->event_tail);
		take_event(df, &event);
	}
	mutex_unlock(&df->event_lock);
	return 0;
}

/* Read side: a fault of a process, from looking a page up until it is mapped. */
DEFINE_STATIC_SRCU(faults);

void df_faults_wait(void)
{
	synchronize_srcu(&faults);
}

/* The buffer that lies at a page of the aperture, with a reference, or NULL. */
static struct df_bo *bo_at(struct df_device *df, unsigned long page, unsigned long *index_out)
{
	struct drm_vma_offset_node *node;
	struct df_bo *bo = NULL;

	drm_vma_offset_lock_lookup(&df->aperture);
	node = drm_vma_offset_lookup_locked(&df->aperture, page, 1);
	if (node) {
		bo = container_of(node, struct df_bo, place);
		*index_out = page - drm_vma_node_start(node);
		if (!kref_get_unless_zero(&bo->base.refcount))
			bo = NULL;
	}
	drm_vma_offset_unlock_lookup(&df->aperture);
	return bo;
}

/* Page index of the buffer, and a few that follow it, into the process that touched it. */
vm_fault_t df_bo_insert(struct vm_fault *vmf, struct df_bo *bo, unsigned long index)
{
	unsigned long address = vmf->address & PAGE_MASK;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	unsigned int i;

	for (i = 0; i < FAULT_AROUND && index + i < bo->count; i++) {
		struct page *page = bo->user ? df_user_page(bo, index + i) : bo->pages[index + i];

		if (address + i * PAGE_SIZE >= vmf->vma->vm_end)
			break;
		ret = vmf_insert_pfn(vmf->vma, address + i * PAGE_SIZE, page_to_pfn(page));
		if (ret != VM_FAULT_NOPAGE)
			break;
	}
	return i ? VM_FAULT_NOPAGE : ret;
}

/*
 * Where no buffer is, the dummy page is mapped. One that comes later must not find it there: it
 * waits for the faults under way and has the range forgotten, if the dummy was ever seen.
 */
static vm_fault_t aperture_fault(struct vm_fault *vmf)
{
	struct df_device *df = vmf->vma->vm_private_data;
	unsigned long page = vmf->pgoff - (DF_HW_MMAP_APERTURE >> PAGE_SHIFT), index = 0;
	int token = srcu_read_lock(&faults);
	struct df_bo *bo = bo_at(df, page, &index);
	vm_fault_t ret;

	if (!bo) {
		WRITE_ONCE(df->dummy_used, true);
		/* pairs with df_aperture_place(): it sees the flag, or we see the buffer */
		smp_mb();
		bo = bo_at(df, page, &index);
	}
	if (bo)
		ret = df_bo_insert(vmf, bo, index);
	else
		ret = vmf_insert_pfn(vmf->vma, vmf->address & PAGE_MASK, page_to_pfn(df->dummy));
	srcu_read_unlock(&faults, token);
	df_bo_put(bo);
	return ret;
}

static const struct vm_operations_struct aperture_vm_ops = {.fault = aperture_fault};

/* Page by page, since the removal of the device unmaps all that it has. */
static vm_fault_t ring_fault(struct vm_fault *vmf)
{
	struct df_device *df = vmf->vma->vm_private_data;

	vmf->page = vmalloc_to_page((u8 *)df->ring + (vmf->pgoff << PAGE_SHIFT));
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct ring_vm_ops = {.fault = ring_fault};

/* Makes the process forget the pages of a buffer. Its mappings are the device's own (attach()). */
void df_aperture_zap(struct df_bo *bo)
{
	struct df_device *df = to_df(bo->base.dev);

	if (drm_mm_node_allocated(&bo->place.vm_node))
		unmap_mapping_range(df->drm->anon_inode->i_mapping,
				    DF_HW_MMAP_APERTURE +
					    ((loff_t)drm_vma_node_start(&bo->place) << PAGE_SHIFT),
				    (loff_t)bo->count << PAGE_SHIFT, 1);
}

int df_aperture_place(struct df_bo *bo)
{
	struct df_device *df = to_df(bo->base.dev);
	int ret = drm_vma_offset_add(&df->aperture, &bo->place, bo->count);

	smp_mb(); /* see aperture_fault() */
	if (!ret && READ_ONCE(df->dummy_used)) {
		df_faults_wait();
		df_aperture_zap(bo);
	}
	return ret;
}

/* NULL before DF_HW_ATTACH. */
static struct df_device *hw_device(struct file *filp)
{
	/* pairs with attach() */
	return smp_load_acquire(&filp->private_data);
}

static int hw_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct df_device *df = hw_device(filp);
	unsigned long size = vma->vm_end - vma->vm_start;

	if (!df)
		return -ENOTCONN;
	if (is_cow_mapping(vma->vm_flags))
		return -EINVAL;
	vma->vm_private_data = df;
	if (vma->vm_pgoff == DF_HW_MMAP_RING >> PAGE_SHIFT) {
		dfc_vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
		vma->vm_ops = &ring_vm_ops;
		return size == df->ring_B ? 0 : -EINVAL;
	}
	if (vma->vm_pgoff != DF_HW_MMAP_APERTURE >> PAGE_SHIFT || size > DF_APERTURE_B)
		return -EINVAL;
	dfc_vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY);
	vma->vm_ops = &aperture_vm_ops;
	return 0;
}

static __poll_t hw_poll(struct file *filp, poll_table *table)
{
	struct df_device *df = hw_device(filp);

	if (!df)
		return EPOLLERR;
	poll_wait(filp, &df->hw_wait, table);
	if (READ_ONCE(df->dead))
		return EPOLLHUP;
	return READ_ONCE(df->cmd_head) != READ_ONCE(df->ring->cmd_tail) ? EPOLLIN : 0;
}

static int desc_valid(const struct df_hw_attach *desc)
{
	unsigned int i;

	if (desc->version != DF_HW_VERSION || desc->pad || desc->pad2)
		return -EINVAL;
	for (i = 0; i < DF_HW_RING_TYPES; i++)
		if (!desc->rings[i] || desc->rings[i] > DF_RINGS_MAX || !desc->max_ibs[i] ||
		    desc->max_ibs[i] > 256)
			return -EINVAL;
	if (desc->blob_B > MAX_BLOB_B || desc->answer_count > MAX_ANSWERS)
		return -EINVAL;
	if (!desc->vram_B || !desc->gtt_B || desc->vram_B > MAX_MEMORY_B ||
	    desc->gtt_B > MAX_MEMORY_B)
		return -EINVAL;
	if (desc->va_start >= desc->va_end || desc->va_end > 1ull << 48)
		return -EINVAL;
	return 0;
}

static int read_answers(struct df_device *df)
{
	size_t size = df->desc.answer_count * sizeof(*df->answers);
	unsigned int i;

	df->answers = vmemdup_user(u64_to_user_ptr(df->desc.answers), size);
	if (IS_ERR(df->answers))
		return PTR_ERR(df->answers);
	df->blob = vmemdup_user(u64_to_user_ptr(df->desc.blob), df->desc.blob_B);
	if (IS_ERR(df->blob))
		return PTR_ERR(df->blob);
	for (i = 0; i < df->desc.answer_count; i++)
		if (df->answers[i].offset_B > df->desc.blob_B ||
		    df->answers[i].size_B > df->desc.blob_B - df->answers[i].offset_B)
			return -EINVAL;
	return 0;
}

static int ring_create(struct df_device *df)
{
	df->ring_B = PAGE_SIZE + PAGE_ALIGN((DF_HW_CMD_SLOTS + DF_HW_EVENT_SLOTS) * DF_HW_SLOT_B);
	df->ring = vmalloc_user(df->ring_B);
	if (!df->ring)
		return -ENOMEM;
	df->ring->cmd_offset_B = PAGE_SIZE;
	df->ring->cmd_slots = DF_HW_CMD_SLOTS;
	df->ring->event_offset_B = PAGE_SIZE + DF_HW_CMD_SLOTS * DF_HW_SLOT_B;
	df->ring->event_slots = DF_HW_EVENT_SLOTS;
	return 0;
}

static void lost_work(struct work_struct *work)
{
	df_unplug(container_of(work, struct df_device, lost_work));
}

static struct df_device *device_new(void)
{
	struct df_device *df = kzalloc(sizeof(*df), GFP_KERNEL);

	if (!df)
		return NULL;
	atomic_inc(&df_live[DF_LIVE_DEVICE]);
	spin_lock_init(&df->cmd_lock);
	spin_lock_init(&df->job_lock);
	mutex_init(&df->event_lock);
	mutex_init(&df->reset_lock);
	mutex_init(&df->user_lock);
	init_waitqueue_head(&df->hw_wait);
	init_completion(&df->jobs_done);
	refcount_set(&df->jobs, 1);
	init_completion(&df->reset_done);
	INIT_LIST_HEAD(&df->inflight);
	INIT_WORK(&df->lost_work, lost_work);
	xa_init_flags(&df->vms, XA_FLAGS_ALLOC1);
	drm_vma_offset_manager_init(&df->aperture, 0, DF_APERTURE_B >> PAGE_SHIFT);
	return df;
}

/* The drm_device is gone, or has never been: everything else goes. */
void df_device_free(struct df_device *df)
{
	if (df->rings)
		df_rings_destroy(df); /* waits for the jobs, which give back address spaces */
	if (df->vm_wq)
		destroy_workqueue(df->vm_wq);
	if (df->free_wq)
		destroy_workqueue(df->free_wq);
	if (df->timeout_wq)
		destroy_workqueue(df->timeout_wq);
	cancel_work_sync(&df->lost_work); /* those who ask for it are gone */
	df_slot_give(df);
	xa_destroy(&df->vms);
	drm_vma_offset_manager_destroy(&df->aperture);
	if (df->dummy)
		__free_page(df->dummy);
	vfree(df->ring);
	if (!IS_ERR_OR_NULL(df->answers))
		kvfree(df->answers);
	if (!IS_ERR_OR_NULL(df->blob))
		kvfree(df->blob);
	kfree(df);
	atomic_dec(&df_live[DF_LIVE_DEVICE]);
}

static int device_fill(struct df_device *df)
{
	int ret = read_answers(df);

	if (!ret)
		ret = ring_create(df);
	if (ret)
		return ret;
	df->dummy = alloc_page(GFP_KERNEL | __GFP_ZERO);
	df->timeout_wq = alloc_ordered_workqueue("drumfire-timeout", WQ_MEM_RECLAIM);
	df->vm_wq = alloc_workqueue("drumfire-vm", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	df->free_wq = alloc_workqueue("drumfire-free", WQ_UNBOUND, 0);
	if (!df->dummy || !df->timeout_wq || !df->vm_wq || !df->free_wq)
		return -ENOMEM;
	return 0;
}

/* From drm_dev_alloc() on, drm_dev_put() frees all of it. */
static int publish(struct df_device *df)
{
	struct device *parent;
	int ret = df_slot_take(df, &parent);

	if (ret)
		goto free;
	df->drm = drm_dev_alloc(&df_driver, parent);
	if (IS_ERR(df->drm)) {
		ret = PTR_ERR(df->drm);
		goto free;
	}
	df->drm->dev_private = df;
	ret = df_rings_create(df);
	if (!ret)
		ret = drm_dev_register(df->drm, 0);
	if (ret)
		drm_dev_put(df->drm);
	return ret;
free:
	df_device_free(df);
	return ret;
}

static long attach(struct file *filp, struct df_hw_attach __user *arg)
{
	struct df_device *df;
	u32 size;
	int ret;

	if (filp->private_data)
		return -EBUSY;
	if (get_user(size, &arg->size_B))
		return -EFAULT;
	if (size < offsetofend(struct df_hw_attach, pad2))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	df = device_new();
	if (!df)
		return -ENOMEM;
	ret = copy_struct_from_user(&df->desc, sizeof(df->desc), arg, size);
	if (!ret)
		ret = desc_valid(&df->desc);
	if (!ret)
		ret = device_fill(df);
	if (ret) {
		df_device_free(df);
		return ret;
	}
	ret = publish(df);
	if (ret)
		return ret;
	df->desc.size_B = sizeof(df->desc);
	df->desc.aperture_B = DF_APERTURE_B;
	df->desc.ring_B = df->ring_B;
	df->desc.minor = df->drm->render->index;
	filp->f_mapping = df->drm->anon_inode->i_mapping;
	/* pairs with hw_device(): the device is whole */
	smp_store_release(&filp->private_data, df);
	return copy_to_user(arg, &df->desc, sizeof(df->desc)) ? -EFAULT : 0;
}

/* Outermost: held while a device is made, and while a PCI function goes. */
DEFINE_MUTEX(df_attach_lock);

static long hw_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct df_device *df = hw_device(filp);
	long ret;

	if (cmd == DF_HW_ATTACH) {
		mutex_lock(&df_attach_lock);
		ret = attach(filp, (struct df_hw_attach __user *)arg);
		mutex_unlock(&df_attach_lock);
		return ret;
	}
	if (cmd != DF_HW_KICK)
		return -ENOTTY;
	if (!df)
		return -ENOTCONN;
	return READ_ONCE(df->dead) ? -ENODEV : kick(df);
}

/*
 * Once, whoever comes first: the process that closes, a reset without an answer, the PCI function
 * that goes.
 */
void df_unplug(struct df_device *df)
{
	bool first;

	spin_lock(&df->cmd_lock);
	first = !df->dead;
	df->dead = true;
	spin_unlock(&df->cmd_lock);
	if (!first)
		return;
	wake_up_all(&df->hw_wait);
	df_jobs_cancel(df, -ENODEV);
	complete_all(&df->reset_done);
	drm_dev_unplug(df->drm); /* waits for who reads debugfs, and may wait for a reset there */
}

static int hw_release(struct inode *inode, struct file *filp)
{
	struct df_device *df = filp->private_data;

	if (df) {
		df_unplug(df);
		drm_dev_put(df->drm);
	}
	return 0;
}

static int hw_open(struct inode *inode, struct file *filp)
{
	filp->private_data = NULL; /* the misc core's */
	return 0;
}

static const struct file_operations hw_fops = {
	.owner = THIS_MODULE,
	.open = hw_open,
	.release = hw_release,
	.unlocked_ioctl = hw_ioctl,
	.mmap = hw_mmap,
	.poll = hw_poll,
};

static struct miscdevice hw_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "drumfire-hw",
	.fops = &hw_fops,
	.mode = 0600,
};

int df_hw_init(void)
{
	return misc_register(&hw_misc);
}

void df_hw_fini(void)
{
	misc_deregister(&hw_misc);
}

// SPDX-License-Identifier: GPL-2.0 OR MIT
/* drv.c - the module, the PCI functions to sit on, the DRM driver and its open files. */
#include "drumfire.h"

#include <drm/drm_debugfs.h>
#include <linux/debugfs.h>
#include <linux/dma-mapping.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/seq_file.h>
#include <linux/sysfs.h>

#define PCI_SUBVENDOR_QEMU 0x1af4 /* Red Hat; QEMU's ati-vga. Never a card that somebody owns. */

atomic_t df_live[DF_LIVE_KINDS];
static const char *const live_names[DF_LIVE_KINDS] = {
	"buffers", "address spaces", "jobs", "contexts", "fences", "devices",
};

unsigned int df_timeout_ms = 10000;
module_param_named(timeout_ms, df_timeout_ms, uint, 0644);
MODULE_PARM_DESC(timeout_ms,
		 "time that a job may run on the hardware, in ms, where the hardware names none");
unsigned int df_reset_ms = 5000;
module_param_named(reset_ms, df_reset_ms, uint, 0644);
MODULE_PARM_DESC(reset_ms, "time that the hardware has to acknowledge a reset, in ms");
unsigned int df_file_limit_mb;
module_param_named(file_limit_mb, df_file_limit_mb, uint, 0644);
MODULE_PARM_DESC(file_limit_mb,
		 "memory that one open file may pin, in MiB (0: all that the device has)");

/* A PCI function that a device can sit on. */
struct df_slot {
	struct list_head node;
	struct pci_dev *pdev; /* NULL once it is gone */
	struct df_device *df;
};

static LIST_HEAD(slots);
static DEFINE_MUTEX(df_slots_lock);

static int pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct df_slot *slot = kzalloc(sizeof(*slot), GFP_KERNEL);

	if (!slot)
		return -ENOMEM;
	dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	slot->pdev = pdev;
	pci_set_drvdata(pdev, slot);
	mutex_lock(&df_slots_lock);
	list_add_tail(&slot->node, &slots);
	mutex_unlock(&df_slots_lock);
	return 0;
}

static void pci_remove(struct pci_dev *pdev)
{
	struct df_slot *slot = pci_get_drvdata(pdev);
	struct df_device *df;
	bool held;

	mutex_lock(&df_attach_lock); /* a device is whole, or not there */
	mutex_lock(&df_slots_lock);
	list_del(&slot->node);
	slot->pdev = NULL;
	df = slot->df;
	/* one without users is being freed, and gives the slot back by itself */
	held = df && kref_get_unless_zero(&df->drm->ref);
	mutex_unlock(&df_slots_lock);
	if (!df)
		kfree(slot);
	if (held) {
		df_unplug(df);
		drm_dev_put(df->drm);
	}
	mutex_unlock(&df_attach_lock);
}

static const struct pci_device_id pci_ids[] = {
	{PCI_DEVICE_SUB(PCI_VENDOR_ID_ATI, PCI_ANY_ID, PCI_SUBVENDOR_QEMU, PCI_ANY_ID)},
	{},
};
MODULE_DEVICE_TABLE(pci, pci_ids);

/* How far a reset reaches, in the words of amdgpu_show_reset_mask(): see reset.c. */
static ssize_t reset_mask_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "queue full\n");
}

static struct device_attribute gfx_mask = __ATTR(gfx_reset_mask, 0444, reset_mask_show, NULL);
static struct device_attribute compute_mask =
	__ATTR(compute_reset_mask, 0444, reset_mask_show, NULL);
static struct device_attribute sdma_mask = __ATTR(sdma_reset_mask, 0444, reset_mask_show, NULL);
static struct attribute *pci_attrs[] = {
	&gfx_mask.attr,
	&compute_mask.attr,
	&sdma_mask.attr,
	NULL,
};
ATTRIBUTE_GROUPS(pci);

static struct pci_driver pci_driver = {
	.name = "drumfire",
	.id_table = pci_ids,
	.probe = pci_probe,
	.remove = pci_remove,
	.dev_groups = pci_groups,
};

/* A PCI function that is free, else a platform device made for it. */
int df_slot_take(struct df_device *df, struct device **parent_out)
{
	struct platform_device *platform;
	struct df_slot *slot;

	mutex_lock(&df_slots_lock);
	list_for_each_entry(slot, &slots, node)
		if (!slot->df) {
			slot->df = df;
			df->slot = slot;
			*parent_out = &slot->pdev->dev;
			mutex_unlock(&df_slots_lock);
			return 0;
		}
	mutex_unlock(&df_slots_lock);
	platform = platform_device_register_simple("drumfire", PLATFORM_DEVID_AUTO, NULL, 0);
	if (IS_ERR(platform))
		return PTR_ERR(platform);
	dma_coerce_mask_and_coherent(&platform->dev, DMA_BIT_MASK(64));
	df->platform = platform;
	*parent_out = &platform->dev;
	return 0;
}

void df_slot_give(struct df_device *df)
{
	struct df_slot *slot = df->slot;

	if (df->platform)
		platform_device_unregister(df->platform);
	if (!slot)
		return;
	mutex_lock(&df_slots_lock);
	slot->df = NULL;
	if (!slot->pdev)
		kfree(slot);
	mutex_unlock(&df_slots_lock);
}

static int file_open(struct drm_device *drm, struct drm_file *file)
{
	struct df_file *fpriv = kzalloc(sizeof(*fpriv), GFP_KERNEL);

	if (!fpriv)
		return -ENOMEM;
	fpriv->df = to_df(drm);
	fpriv->vm = df_vm_create(fpriv->df);
	if (IS_ERR(fpriv->vm)) {
		int ret = PTR_ERR(fpriv->vm);

		kfree(fpriv);
		return ret;
	}
	xa_init_flags(&fpriv->ctxs, XA_FLAGS_ALLOC1);
	xa_init_flags(&fpriv->lists, XA_FLAGS_ALLOC1);
	file->driver_priv = fpriv;
	return 0;
}

static void file_postclose(struct drm_device *drm, struct drm_file *file)
{
	struct df_file *fpriv = file->driver_priv;
	struct df_list *list;
	unsigned long id;

	df_ctx_close_all(fpriv);
	xa_for_each(&fpriv->lists, id, list)
		df_list_put(list);
	xa_destroy(&fpriv->lists);
	df_vm_forget(fpriv->vm, NULL);
	df_vm_put(fpriv->vm);
	kfree(fpriv);
	file->driver_priv = NULL;
}

static void driver_release(struct drm_device *drm)
{
	df_device_free(to_df(drm));
}

static void show_fdinfo(struct seq_file *m, struct file *filp)
{
	static const char *const engines[DF_HW_RING_TYPES] = {"gfx", "compute", "dma"};
	struct drm_file *file = filp->private_data;
	struct df_file *fpriv = file->driver_priv;
	struct drm_device *drm = file->minor->dev;
	unsigned int i;

	seq_printf(m, "drm-driver:\tamdgpu\ndrm-pdev:\t%s\ndrm-client-id:\t%u\n",
		   dev_name(drm->dev), fpriv->vm->as);
	seq_printf(m, "drm-memory-vram:\t%llu KiB\ndrm-memory-gtt:\t%llu KiB\n",
		   (u64)atomic64_read(&fpriv->vm->pinned[0]) >> 10,
		   (u64)atomic64_read(&fpriv->vm->pinned[1]) >> 10);
	for (i = 0; i < DF_HW_RING_TYPES; i++)
		seq_printf(m, "drm-engine-%s:\t%llu ns\n", engines[i],
			   (u64)atomic64_read(&fpriv->vm->engine_ns[i]));
}

/* Once a job has ended with ENODEV everything does: drm_dev_unplug() comes later (df_unplug()). */
static long driver_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct drm_file *file = filp->private_data;

	if (READ_ONCE(to_df(file->minor->dev)->dead))
		return -ENODEV;
	return drm_ioctl(filp, cmd, arg);
}

static const struct file_operations driver_fops = {.owner = THIS_MODULE,
						   .open = drm_open,
						   .release = drm_release,
						   .unlocked_ioctl = driver_ioctl,
						   .compat_ioctl = drm_compat_ioctl,
						   .poll = drm_poll,
						   .read = drm_read,
						   .llseek = noop_llseek,
						   .mmap = drm_gem_mmap,
						   .show_fdinfo = show_fdinfo,
						   DFC_FOP_FLAGS};

#ifdef CONFIG_DEBUG_FS
static int show_state(struct seq_file *m, void *unused)
{
	struct drm_info_node *node = m->private;
	struct df_device *df = to_df(node->minor->dev);

	seq_printf(m, "device memory: %llu of %llu\nhost memory: %llu of %llu\n",
		   (u64)atomic64_read(&df->used[0]), df->desc.vram_B,
		   (u64)atomic64_read(&df->used[1]), df->desc.gtt_B);
	seq_printf(m, "jobs: %llu run, %d live\ntimeouts: %d\nresets: %d\nmemory lost: %d\n",
		   (u64)atomic64_read(&df->jobs_total), refcount_read(&df->jobs) - 1,
		   atomic_read(&df->timeouts), atomic_read(&df->reset_counter),
		   atomic_read(&df->vram_lost));
	seq_printf(m, "page faults: %d\nhardware: %s\n", atomic_read(&df->page_faults),
		   READ_ONCE(df->dead) ? "gone" : "attached");
	return 0;
}

/* Reading asks for a full reset, as with amdgpu. */
static int show_recover(struct seq_file *m, void *unused)
{
	struct drm_info_node *node = m->private;

	df_reset_all(to_df(node->minor->dev));
	seq_puts(m, "gpu recover 0\n");
	return 0;
}

static const struct drm_info_list debugfs_files[] = {
	{"drumfire_state", show_state, 0, NULL},
	{"amdgpu_gpu_recover", show_recover, 0, NULL},
};

static ssize_t gca_read(struct file *filp, char __user *to, size_t size, loff_t *pos)
{
	size_t gca_size;
	const void *gca = df_info_gca(filp->private_data, &gca_size);

	return simple_read_from_buffer(to, size, pos, gca, gca_size);
}

static const struct file_operations gca_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = gca_read,
	.llseek = default_llseek,
};

static void debugfs_init(struct drm_minor *minor)
{
	debugfs_create_file("amdgpu_gca_config", 0444, minor->debugfs_root, to_df(minor->dev),
			    &gca_fops);
	drm_debugfs_create_files(debugfs_files, ARRAY_SIZE(debugfs_files), minor->debugfs_root,
				 minor);
}
#endif

#define DF_IOCTL(name, function) DRM_IOCTL_DEF_DRV(name, function, DRM_AUTH | DRM_RENDER_ALLOW)
static const struct drm_ioctl_desc ioctls[] = {
	DF_IOCTL(AMDGPU_GEM_CREATE, df_gem_create_ioctl),
	DF_IOCTL(AMDGPU_GEM_MMAP, df_gem_mmap_ioctl),
	DF_IOCTL(AMDGPU_CTX, df_ctx_ioctl),
	DF_IOCTL(AMDGPU_BO_LIST, df_bo_list_ioctl),
	DF_IOCTL(AMDGPU_CS, df_cs_ioctl),
	DF_IOCTL(AMDGPU_INFO, df_info_ioctl),
	DF_IOCTL(AMDGPU_GEM_METADATA, df_gem_metadata_ioctl),
	DF_IOCTL(AMDGPU_GEM_WAIT_IDLE, df_gem_wait_idle_ioctl),
	[DRM_AMDGPU_GEM_VA] = {.cmd = DF_IOCTL_GEM_VA,
			       .func = df_gem_va_ioctl,
			       .flags = DRM_AUTH | DRM_RENDER_ALLOW,
			       .name = "AMDGPU_GEM_VA"},
	DF_IOCTL(AMDGPU_WAIT_CS, df_wait_cs_ioctl),
	DF_IOCTL(AMDGPU_GEM_OP, df_gem_op_ioctl),
	DF_IOCTL(AMDGPU_GEM_USERPTR, df_gem_userptr_ioctl),
	DF_IOCTL(AMDGPU_WAIT_FENCES, df_wait_fences_ioctl),
	DF_IOCTL(AMDGPU_VM, df_vm_ioctl),
	DF_IOCTL(AMDGPU_FENCE_TO_HANDLE, df_fence_to_handle_ioctl),
};

const struct drm_driver df_driver = {
	.driver_features = DRIVER_GEM | DRIVER_RENDER | DRIVER_SYNCOBJ | DRIVER_SYNCOBJ_TIMELINE,
	.open = file_open,
	.postclose = file_postclose,
	.release = driver_release,
	.gem_prime_import_sg_table = df_gem_import_sg,
	DFC_DRIVER_PRIME
#ifdef CONFIG_DEBUG_FS
		.debugfs_init = debugfs_init,
#endif
	.ioctls = ioctls,
	.num_ioctls = ARRAY_SIZE(ioctls),
	.fops = &driver_fops,
	.name = "amdgpu",
	.desc = "AMD GPU",
	DFC_DRIVER_DATE.major = DF_DRM_MAJOR,
	.minor = DF_DRM_MINOR,
};

static int __init df_init(void)
{
	int ret = pci_register_driver(&pci_driver);

	if (ret)
		return ret;
	ret = df_hw_init();
	if (ret)
		pci_unregister_driver(&pci_driver);
	return ret;
}

static void __exit df_exit(void)
{
	unsigned int i;

	df_hw_fini();
	pci_unregister_driver(&pci_driver);
	rcu_barrier();
	df_rings_free_pool();
	for (i = 0; i < DF_LIVE_KINDS; i++)
		if (atomic_read(&df_live[i]))
			pr_err("drumfire: leak: %d %s\n", atomic_read(&df_live[i]), live_names[i]);
}

module_init(df_init);
module_exit(df_exit);
MODULE_DESCRIPTION("DRM driver whose hardware is a process");
MODULE_AUTHOR("drumfire");
MODULE_LICENSE("Dual MIT/GPL");

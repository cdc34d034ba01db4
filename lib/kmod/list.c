// SPDX-License-Identifier: GPL-2.0 OR MIT
/* list.c - lists of buffers that a submission names (as amdgpu_bo_list.c). */
#include "drumfire.h"

#define MAX_ENTRIES (128u * 1024u)

static void list_release(struct kref *ref)
{
	struct df_list *list = container_of(ref, struct df_list, ref);
	unsigned int i;

	for (i = 0; i < list->count; i++)
		df_bo_put(list->bos[i]);
	kvfree(list);
}

void df_list_put(struct df_list *list)
{
	kref_put(&list->ref, list_release);
}

/* Elements of any size, of which the first eight bytes count. */
static struct drm_amdgpu_bo_list_entry *read_entries(const struct drm_amdgpu_bo_list_in *in)
{
	const u32 known = sizeof(struct drm_amdgpu_bo_list_entry);
	const char __user *from = u64_to_user_ptr(in->bo_info_ptr);
	struct drm_amdgpu_bo_list_entry *entries;
	u32 i;

	if (in->bo_number > MAX_ENTRIES)
		return ERR_PTR(-EINVAL);
	if (in->bo_info_size == known)
		return vmemdup_user(from, array_size(in->bo_number, known));
	entries = kvcalloc(in->bo_number, known, GFP_KERNEL);
	if (!entries)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < in->bo_number; i++, from += in->bo_info_size)
		if (copy_from_user(&entries[i], from, min(in->bo_info_size, known))) {
			kvfree(entries);
			return ERR_PTR(-EFAULT);
		}
	return entries;
}

struct df_list *df_list_read(struct drm_file *file, const struct drm_amdgpu_bo_list_in *in)
{
	struct drm_amdgpu_bo_list_entry *entries = read_entries(in);
	struct df_list *list;
	int ret = 0;

	if (IS_ERR(entries))
		return ERR_CAST(entries);
	list = kvzalloc(struct_size(list, bos, in->bo_number), GFP_KERNEL);
	if (!list) {
		kvfree(entries);
		return ERR_PTR(-ENOMEM);
	}
	kref_init(&list->ref);
	while (!ret && list->count < in->bo_number) {
		struct df_bo *bo = df_bo_lookup(file, entries[list->count].bo_handle);

		if (bo)
			list->bos[list->count++] = bo;
		else
			ret = -ENOENT;
	}
	kvfree(entries);
	if (ret) {
		df_list_put(list);
		return ERR_PTR(ret);
	}
	return list;
}

struct df_list *df_list_find(struct df_file *fpriv, u32 id)
{
	struct df_list *list;

	xa_lock(&fpriv->lists);
	list = xa_load(&fpriv->lists, id);
	if (list)
		kref_get(&list->ref);
	xa_unlock(&fpriv->lists);
	return list;
}

static int update(struct df_file *fpriv, struct df_list *list, u32 handle)
{
	struct df_list *old;

	xa_lock(&fpriv->lists);
	old = xa_load(&fpriv->lists, handle);
	if (old)
		__xa_store(&fpriv->lists, handle, list, 0); /* there is an entry: no memory */
	xa_unlock(&fpriv->lists);
	df_list_put(old ? old : list);
	return old ? 0 : -ENOENT;
}

int df_bo_list_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct df_file *fpriv = file->driver_priv;
	union drm_amdgpu_bo_list *args = data;
	u32 handle = args->in.list_handle;
	struct df_list *list;
	int ret;

	/* The array is read first, whatever the operation. */
	list = df_list_read(file, &args->in);
	if (IS_ERR(list))
		return PTR_ERR(list);
	switch (args->in.operation) {
	case AMDGPU_BO_LIST_OP_CREATE:
		ret = xa_alloc(&fpriv->lists, &handle, list, xa_limit_31b, GFP_KERNEL);
		if (ret)
			df_list_put(list);
		break;
	case AMDGPU_BO_LIST_OP_UPDATE:
		ret = update(fpriv, list, handle);
		break;
	case AMDGPU_BO_LIST_OP_DESTROY:
		df_list_put(list);
		list = xa_erase(&fpriv->lists, handle);
		if (list)
			df_list_put(list);
		handle = 0;
		ret = 0;
		break;
	default:
		df_list_put(list);
		ret = -EINVAL;
	}
	if (ret)
		return ret;
	memset(args, 0, sizeof(*args));
	args->out.list_handle = handle;
	return 0;
}

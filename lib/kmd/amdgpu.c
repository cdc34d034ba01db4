/* SPDX-License-Identifier: MIT */
/*
 * The amdgpu port: memory, addresses, contexts. Rules of the uAPI that are kept here: a buffer that is always valid can
 * never be exported; one that is not goes into each submission's list; explicit synchronisation on all private buffers,
 * or implicit fences would serialise their users; device memory that the CPU looks at asks for a place in the BAR.
 */
#include "kmd/amdgpu.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "core/internal.h"

static uint64_t create_flags(const struct df_kmd_bo_desc *desc)
{
	uint64_t flags = 0;

	if (desc->private_to_vm)
		flags |= AMDGPU_GEM_CREATE_VM_ALWAYS_VALID | AMDGPU_GEM_CREATE_EXPLICIT_SYNC;
	if (desc->domain == DF_DOMAIN_DEVICE)
		flags |= desc->cpu_access ? AMDGPU_GEM_CREATE_CPU_ACCESS_REQUIRED : AMDGPU_GEM_CREATE_NO_CPU_ACCESS;
	if (desc->domain == DF_DOMAIN_HOST_WC)
		flags |= AMDGPU_GEM_CREATE_CPU_GTT_USWC;
	return flags;
}

static int bo_create(struct df_device *device, const struct df_kmd_bo_desc *desc, uint32_t *handle_out)
{
	union drm_amdgpu_gem_create args;
	int ret;

	memset(&args, 0, sizeof(args));
	args.in.bo_size = desc->size_B;
	args.in.alignment = desc->align_B;
	args.in.domains = desc->domain == DF_DOMAIN_DEVICE ? AMDGPU_GEM_DOMAIN_VRAM : AMDGPU_GEM_DOMAIN_GTT;
	args.in.domain_flags = create_flags(desc);
	ret = df_node_ioctl(device->node, DRM_IOCTL_AMDGPU_GEM_CREATE, &args);
	if (ret < 0)
		return df_error_set(
			ret,
			"%s: the kernel gives no %s memory of %llu bytes: %s. Fix: free BOs, make it smaller "
			"or choose another domain",
			df_node_name(device->node), desc->domain == DF_DOMAIN_DEVICE ? "device" : "host",
			(unsigned long long)desc->size_B, strerror(-ret));
	*handle_out = args.out.handle;
	return 0;
}

static int bo_userptr(struct df_device *device, void *memory, uint64_t bytes, bool read_only, uint32_t *handle_out)
{
	struct drm_amdgpu_gem_userptr args;
	int ret;

	memset(&args, 0, sizeof(args));
	args.addr = (uintptr_t)memory;
	args.size = bytes;
	args.flags = AMDGPU_GEM_USERPTR_ANONONLY | AMDGPU_GEM_USERPTR_VALIDATE | AMDGPU_GEM_USERPTR_REGISTER;
	if (read_only)
		args.flags |= AMDGPU_GEM_USERPTR_READONLY;
	ret = df_node_ioctl(device->node, DRM_IOCTL_AMDGPU_GEM_USERPTR, &args);
	if (ret < 0)
		return df_error_set(
			ret,
			"%s: the kernel does not take memory at %p of %llu bytes: %s. Fix: use whole pages of "
			"anonymous memory that is mapped and writable, or df_bo_create",
			df_node_name(device->node), memory, (unsigned long long)bytes, strerror(-ret));
	*handle_out = args.handle;
	return 0;
}

static void bo_close(struct df_device *device, uint32_t handle)
{
	struct drm_gem_close args = {.handle = handle};

	df_node_ioctl(device->node, DRM_IOCTL_GEM_CLOSE, &args);
}

static int bo_import(struct df_device *device, int fd, uint32_t *handle_out)
{
	struct drm_prime_handle prime = {.fd = fd};
	int ret = df_node_ioctl(device->node, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);

	if (ret < 0)
		return df_error_set(
			ret,
			"%s: file descriptor %d cannot be imported: %s. Fix: pass a dma-buf that the device "
			"can reach",
			df_node_name(device->node), fd, strerror(-ret));
	*handle_out = prime.handle;
	return 0;
}

static int bo_size(struct df_device *device, uint32_t handle, uint64_t *bytes_out)
{
	struct drm_amdgpu_gem_create_in created;
	struct drm_amdgpu_gem_op op;
	int ret;

	memset(&created, 0, sizeof(created));
	memset(&op, 0, sizeof(op));
	op.handle = handle;
	op.op = AMDGPU_GEM_OP_GET_GEM_CREATE_INFO;
	op.value = (uintptr_t)&created;
	ret = df_node_ioctl(device->node, DRM_IOCTL_AMDGPU_GEM_OP, &op);
	if (ret < 0)
		return df_error_kernel(ret, "%s: the size of a buffer cannot be found out", df_node_name(device->node));
	*bytes_out = created.bo_size;
	return 0;
}

static int bo_export(struct df_device *device, uint32_t handle, int *fd_out)
{
	struct drm_prime_handle prime = {.handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR, .fd = -1};
	int ret = df_node_ioctl(device->node, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);

	if (ret < 0)
		return df_error_kernel(ret, "%s: the export as a dma-buf failed", df_node_name(device->node));
	*fd_out = prime.fd;
	return 0;
}

static int bo_map(struct df_device *device, uint32_t handle, uint64_t bytes, void **map_out)
{
	union drm_amdgpu_gem_mmap args;
	int ret;

	memset(&args, 0, sizeof(args));
	args.in.handle = handle;
	ret = df_node_ioctl(device->node, DRM_IOCTL_AMDGPU_GEM_MMAP, &args);
	if (ret >= 0)
		ret = df_node_mmap(device->node, bytes, args.out.addr_ptr, map_out);
	if (ret < 0)
		return df_error_kernel(ret, "%s: mapping %llu bytes for the CPU failed", df_node_name(device->node),
				       (unsigned long long)bytes);
	return 0;
}

static int bo_map_at(struct df_device *device, uint32_t handle, uint64_t bytes, void *at)
{
	union drm_amdgpu_gem_mmap args;
	int ret;

	memset(&args, 0, sizeof(args));
	args.in.handle = handle;
	ret = df_node_ioctl(device->node, DRM_IOCTL_AMDGPU_GEM_MMAP, &args);
	if (ret >= 0)
		ret = df_node_mmap_at(device->node, bytes, args.out.addr_ptr, at);
	if (ret < 0)
		return df_error_kernel(ret, "%s: mapping %llu bytes at %p failed", df_node_name(device->node),
				       (unsigned long long)bytes, at);
	return 0;
}

static uint32_t map_flags(unsigned flags)
{
	uint32_t result = flags & DF_KMD_VA_UNCACHED ? AMDGPU_VM_MTYPE_UC : AMDGPU_VM_MTYPE_DEFAULT;

	if (flags & DF_KMD_VA_READ)
		result |= AMDGPU_VM_PAGE_READABLE;
	if (flags & DF_KMD_VA_WRITE)
		result |= AMDGPU_VM_PAGE_WRITEABLE;
	if (flags & DF_KMD_VA_EXEC)
		result |= AMDGPU_VM_PAGE_EXECUTABLE;
	return result;
}

static int va_map(struct df_device *device, uint32_t handle, uint64_t offset_B, uint64_t va, uint64_t bytes,
		  unsigned flags)
{
	struct drm_amdgpu_gem_va args;
	int ret;

	memset(&args, 0, sizeof(args));
	args.handle = handle;
	args.operation = flags & DF_KMD_VA_REPLACE ? AMDGPU_VA_OP_REPLACE : AMDGPU_VA_OP_MAP;
	args.flags = map_flags(flags);
	args.va_address = va;
	args.offset_in_bo = offset_B;
	args.map_size = bytes;
	ret = df_node_ioctl(device->node, DRM_IOCTL_AMDGPU_GEM_VA, &args);
	if (ret < 0)
		return df_error_kernel(ret, "%s: mapping %llu bytes at GPU address 0x%llx failed",
				       df_node_name(device->node), (unsigned long long)bytes, (unsigned long long)va);
	return 0;
}

static int va_unmap(struct df_device *device, uint32_t handle, uint64_t va, uint64_t bytes)
{
	struct drm_amdgpu_gem_va args;

	memset(&args, 0, sizeof(args));
	args.handle = handle;
	args.operation = AMDGPU_VA_OP_UNMAP;
	args.va_address = va;
	args.map_size = bytes;
	return df_node_ioctl(device->node, DRM_IOCTL_AMDGPU_GEM_VA, &args);
}

static int32_t kernel_priority(int priority)
{
	if (priority == DF_PRIORITY_HIGH)
		return AMDGPU_CTX_PRIORITY_HIGH;
	return priority == DF_PRIORITY_LOW ? AMDGPU_CTX_PRIORITY_LOW : AMDGPU_CTX_PRIORITY_NORMAL;
}

static int context_create(struct df_device *device, int priority, uint32_t *context_out)
{
	union drm_amdgpu_ctx args;
	int ret;

	memset(&args, 0, sizeof(args));
	args.in.op = AMDGPU_CTX_OP_ALLOC_CTX;
	args.in.priority = kernel_priority(priority);
	ret = df_node_ioctl(device->node, DRM_IOCTL_AMDGPU_CTX, &args);
	if (ret == -EACCES)
		return df_error_set(ret,
				    "%s: the kernel refuses a context of high priority. Fix: give the process "
				    "CAP_SYS_NICE, or use DF_PRIORITY_NORMAL",
				    df_node_name(device->node));
	if (ret < 0)
		return df_error_kernel(ret, "%s: the kernel makes no context", df_node_name(device->node));
	*context_out = args.out.alloc.ctx_id;
	return 0;
}

static void context_destroy(struct df_device *device, uint32_t context)
{
	union drm_amdgpu_ctx args;

	memset(&args, 0, sizeof(args));
	args.in.op = AMDGPU_CTX_OP_FREE_CTX;
	args.in.ctx_id = context;
	df_node_ioctl(device->node, DRM_IOCTL_AMDGPU_CTX, &args);
}

static int query_state(struct df_device *device, uint32_t context, union drm_amdgpu_ctx *args)
{
	int ret;

	memset(args, 0, sizeof(*args));
	args->in.op = AMDGPU_CTX_OP_QUERY_STATE2;
	args->in.ctx_id = context;
	ret = df_node_ioctl(device->node, DRM_IOCTL_AMDGPU_CTX, args);
	if (__builtin_expect(ret < 0, 0))
		return df_error_kernel(ret, "%s: the kernel does not tell about resets", df_node_name(device->node));
	return 0;
}

static int context_reset(struct df_device *device, uint32_t context, struct df_kmd_reset *reset_out)
{
	union drm_amdgpu_ctx args;
	int ret = query_state(device, context, &args);

	if (ret < 0)
		return ret;
	reset_out->reset = args.out.state.flags & AMDGPU_CTX_QUERY2_FLAGS_RESET;
	reset_out->guilty = args.out.state.flags & AMDGPU_CTX_QUERY2_FLAGS_GUILTY;
	reset_out->memory_lost = args.out.state.flags & AMDGPU_CTX_QUERY2_FLAGS_VRAMLOST;
	reset_out->in_progress = args.out.state.flags & DF_AMDGPU_CTX_RESET_IN_PROGRESS;
	return 0;
}

static int context_touched(struct df_device *device, uint32_t context)
{
	union drm_amdgpu_ctx args;
	int ret = query_state(device, context, &args);

	if (ret < 0)
		return ret;
	return (args.out.state.flags & (AMDGPU_CTX_QUERY2_FLAGS_RESET | AMDGPU_CTX_QUERY2_FLAGS_GUILTY |
					AMDGPU_CTX_QUERY2_FLAGS_VRAMLOST | DF_AMDGPU_CTX_RESET_IN_PROGRESS)) != 0;
}

static int fault(struct df_device *device, struct df_kmd_fault *fault_out)
{
	struct drm_amdgpu_info request = {.query = DF_AMDGPU_INFO_GPUVM_FAULT};
	struct df_amdgpu_gpuvm_fault answer;
	int ret;

	if (!device->info.has_fault_info)
		return -ENODATA;
	ret = df_amdgpu_query(device->node, &request, &answer, sizeof(answer));
	if (ret < 0)
		return ret;
	if (!answer.status)
		return -ENODATA;
	fault_out->address = answer.address;
	fault_out->status = answer.status;
	return 0;
}

const struct df_kmd_ops df_kmd_amdgpu = {
	.driver = "amdgpu",
	.probe = df_amdgpu_probe,
	.bo_create = bo_create,
	.bo_userptr = bo_userptr,
	.bo_import = bo_import,
	.bo_size = bo_size,
	.bo_export = bo_export,
	.bo_map = bo_map,
	.bo_map_at = bo_map_at,
	.bo_close = bo_close,
	.va_map = va_map,
	.va_unmap = va_unmap,
	.context_create = context_create,
	.context_destroy = context_destroy,
	.context_reset = context_reset,
	.context_touched = context_touched,
	.fault = fault,
	.slot_create = df_amdgpu_slot_create,
	.slot_destroy = df_amdgpu_slot_destroy,
	.slot_reserve = df_amdgpu_slot_reserve,
	.submit = df_amdgpu_submit,
	.wait = df_amdgpu_wait,
	.fence_fd = df_amdgpu_fence_fd,
	.syncobj_create = df_amdgpu_syncobj_create,
	.syncobj_destroy = df_amdgpu_syncobj_destroy,
	.syncobj_import = df_amdgpu_syncobj_import,
	.syncobj_open = df_amdgpu_syncobj_open,
	.syncobj_fd = df_amdgpu_syncobj_fd,
	.timeline_signal = df_amdgpu_timeline_signal,
	.point_fd = df_amdgpu_point_fd,
	.signalled_fd = df_amdgpu_signalled_fd,
};

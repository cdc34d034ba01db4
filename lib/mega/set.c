/* SPDX-License-Identifier: MIT */
/* Sets: their sizes, their memory, and views of it. */
#include <string.h>

#include "mega/mega.h"

const char *df_mega_handle_name(unsigned i)
{
	static const char *const names[DF_MEGA_HANDLES] = {"control", "ring", "log", "io"};

	return names[i];
}

struct df_bo *df_mega_handle(const struct df_mega_set *set, unsigned i)
{
	struct df_bo *const handles[DF_MEGA_HANDLES] = {set->control, set->ring, set->log, set->io};

	return handles[i];
}

static int check_field(const char *name, uint32_t value, uint32_t max)
{
	if (value <= max)
		return 0;
	return df_error_set(-EINVAL, "megakernel shape: %s is %u, at most %u are possible. Fix: use several sets", name,
			    value, max);
}

int df_mega_shape_read(const struct df_mega_shape *shape, struct df_mega_shape *full_out)
{
	struct df_mega_shape full;
	int ret = df_options_read("megakernel shape", shape, &full, sizeof(full));

	if (ret)
		return ret;
	full.slots = full.slots ? full.slots : 64;
	full.data_words = full.data_words ? full.data_words : 256;
	full.log_records = full.log_records ? full.log_records : 64;
	full.io_slots = full.io_slots ? full.io_slots : 16;
	if ((ret = check_field("slots", full.slots, DF_MEGA_MAX_SLOTS)) ||
	    (ret = check_field("data_words", full.data_words, DF_MEGA_MAX_WORDS)) ||
	    (ret = check_field("log_records", full.log_records, DF_MEGA_MAX_RECORDS)) ||
	    (ret = check_field("io_slots", full.io_slots, DF_MEGA_MAX_IO)))
		return ret;
	if ((unsigned)full.recovery > DF_BO_SCRATCH)
		return df_error_set(-EINVAL, "megakernel shape: recovery class %d does not exist", (int)full.recovery);
	if (full.recovery == DF_BO_INPUT || full.recovery == DF_BO_OUTPUT)
		return df_error_set(-EINVAL,
				    "megakernel shape: a set is read and written by the kernel, INPUT and OUTPUT "
				    "do not fit. Fix: use DF_BO_STATE or DF_BO_SCRATCH");
	*full_out = full;
	return 0;
}

static struct df_mega_view view_of_shape(const struct df_mega_shape *shape)
{
	return (struct df_mega_view){.slots = shape->slots,
				     .data_words = shape->data_words,
				     .log_records = shape->log_records,
				     .io_slots = shape->io_slots};
}

DF_API int df_mega_shape_bytes(const struct df_mega_shape *shape, struct df_mega_bytes *bytes_out)
{
	struct df_mega_shape full;
	struct df_mega_view view;
	int ret = df_mega_shape_read(shape, &full);

	if (ret)
		return ret;
	view = view_of_shape(&full);
	*bytes_out = (struct df_mega_bytes){df_mega_control_B(&view), df_mega_ring_B(&view), df_mega_log_B(&view),
					    df_mega_io_B(&view)};
	return 0;
}

static int check_size(const char *name, const void *memory, uint64_t have_B, uint64_t need_B)
{
	if (!memory)
		return df_error_set(-EINVAL, "megakernel set: %s has no memory. Fix: pass all four", name);
	if ((uintptr_t)memory % 4)
		return df_error_set(-EINVAL, "megakernel set: %s at %p is not 4-byte aligned", name, memory);
	if (have_B < need_B)
		return df_error_set(-EINVAL,
				    "megakernel set: %s has %llu bytes, its shape needs %llu. Fix: size it with "
				    "df_mega_shape_bytes()",
				    name, (unsigned long long)have_B, (unsigned long long)need_B);
	return 0;
}

static int check_sizes(const struct df_mega_view *view, size_t control_B, size_t ring_B, size_t log_B, size_t io_B)
{
	int ret;

	if ((ret = check_size("control", view->control, control_B, df_mega_control_B(view))) ||
	    (ret = check_size("ring", view->ring, ring_B, df_mega_ring_B(view))) ||
	    (ret = check_size("log", view->log, log_B, df_mega_log_B(view))))
		return ret;
	return check_size("io", view->io, io_B, df_mega_io_B(view));
}

DF_API int df_mega_format_memory(const struct df_mega_shape *shape, void *control, size_t control_B, void *ring,
				 size_t ring_B, void *log, size_t log_B, void *io, size_t io_B)
{
	struct df_mega_shape full;
	struct df_mega_view view;
	int ret = df_mega_shape_read(shape, &full);

	if (ret)
		return ret;
	view = view_of_shape(&full);
	view.control = control;
	view.ring = ring;
	view.log = log;
	view.io = io;
	ret = check_sizes(&view, control_B, ring_B, log_B, io_B);
	if (ret)
		return ret;
	memset(control, 0, df_mega_control_B(&view));
	memset(ring, 0, df_mega_ring_B(&view));
	memset(log, 0, df_mega_log_B(&view));
	memset(io, 0, df_mega_io_B(&view));
	view.control[DF_RING_SLOTS] = view.slots;
	view.control[DF_RING_DATA_WORDS] = view.data_words;
	view.control[DF_RING_LOG_RECORDS] = view.log_records;
	view.control[DF_RING_IO_SLOTS] = view.io_slots;
	for (unsigned i = 0; i < DF_RING_TENANTS; i++)
		view.control[DF_RING_TENANT_ALLOW + i] = DF_RING_ALLOW_ALL;
	view.control[DF_RING_CTL_VERSION] = DF_RING_VERSION;
	df_mega_store(&view.control[DF_RING_CTL_MAGIC], DF_RING_MAGIC);
	return 0;
}

DF_API int df_mega_view_memory(void *control, size_t control_B, void *ring, size_t ring_B, void *log, size_t log_B,
			       void *io, size_t io_B, struct df_mega_view *view_out)
{
	struct df_mega_view view = {.control = control, .log = log, .ring = ring, .io = io};
	int ret = check_size("control", control, control_B, DF_RING_DATA * 4);

	if (ret)
		return ret;
	if (df_mega_load(&view.control[DF_RING_CTL_MAGIC]) != DF_RING_MAGIC)
		return df_error_set(-EINVAL,
				    "megakernel set: control is not formatted (magic 0x%08x). Fix: call "
				    "df_mega_set_format() once",
				    view.control[DF_RING_CTL_MAGIC]);
	if (view.control[DF_RING_CTL_VERSION] != DF_RING_VERSION)
		return df_error_set(-EINVAL, "megakernel set: control has version %u, this library speaks %u",
				    view.control[DF_RING_CTL_VERSION], DF_RING_VERSION);
	view.slots = view.control[DF_RING_SLOTS];
	view.data_words = view.control[DF_RING_DATA_WORDS];
	view.log_records = view.control[DF_RING_LOG_RECORDS];
	view.io_slots = view.control[DF_RING_IO_SLOTS];
	if ((ret = check_field("slots", view.slots, DF_MEGA_MAX_SLOTS)) ||
	    (ret = check_field("data_words", view.data_words, DF_MEGA_MAX_WORDS)) ||
	    (ret = check_field("log_records", view.log_records, DF_MEGA_MAX_RECORDS)) ||
	    (ret = check_field("io_slots", view.io_slots, DF_MEGA_MAX_IO)) ||
	    (ret = check_sizes(&view, control_B, ring_B, log_B, io_B)))
		return ret;
	*view_out = view;
	return 0;
}

/* CPU pointers of the four BOs. */
static int map_set(const struct df_mega_set *set, void *maps[DF_MEGA_HANDLES])
{
	for (unsigned i = 0; i < DF_MEGA_HANDLES; i++) {
		struct df_bo *bo = df_mega_handle(set, i);
		int ret;

		if (!bo)
			return df_error_set(-EINVAL,
					    "megakernel set: %s is no resident buffer object (NULL). Fix: pass all "
					    "four handles, made by df_mega_set_create() or df_bo_create()",
					    df_mega_handle_name(i));
		ret = df_bo_map(bo, &maps[i]);
		if (ret)
			return df_error_within(ret, "megakernel set: %s", df_mega_handle_name(i));
	}
	return 0;
}

DF_API int df_mega_view(const struct df_mega_set *set, struct df_mega_view *view_out)
{
	void *maps[DF_MEGA_HANDLES];
	int ret = map_set(set, maps);

	if (ret)
		return ret;
	return df_mega_view_memory(maps[0], df_bo_size(set->control), maps[1], df_bo_size(set->ring), maps[2],
				   df_bo_size(set->log), maps[3], df_bo_size(set->io), view_out);
}

DF_API int df_mega_set_format(const struct df_mega_set *set, const struct df_mega_shape *shape)
{
	void *maps[DF_MEGA_HANDLES];
	int ret = map_set(set, maps);

	if (ret)
		return ret;
	return df_mega_format_memory(shape, maps[0], df_bo_size(set->control), maps[1], df_bo_size(set->ring), maps[2],
				     df_bo_size(set->log), maps[3], df_bo_size(set->io));
}

DF_API int df_mega_set_destroy(struct df_mega_set *set)
{
	struct df_bo **const handles[DF_MEGA_HANDLES] = {&set->control, &set->ring, &set->log, &set->io};

	for (unsigned i = 0; i < DF_MEGA_HANDLES; i++) {
		int ret = df_bo_destroy(*handles[i]);

		if (ret)
			return ret;
		*handles[i] = NULL;
	}
	return 0;
}

DF_API int df_mega_set_create(struct df_device *device, const struct df_mega_shape *shape, struct df_mega_set *set_out)
{
	struct df_mega_set set = {0};
	struct df_bo **const handles[DF_MEGA_HANDLES] = {&set.control, &set.ring, &set.log, &set.io};
	struct df_mega_shape full;
	struct df_mega_bytes bytes;
	int ret;

	if (!device || !set_out)
		return df_error_set(-EINVAL, "df_mega_set_create: device and set_out must not be NULL");
	if ((ret = df_mega_shape_read(shape, &full)) || (ret = df_mega_shape_bytes(&full, &bytes)))
		return ret;
	const uint64_t sizes[DF_MEGA_HANDLES] = {bytes.control, bytes.ring, bytes.log, bytes.io};
	for (unsigned i = 0; i < DF_MEGA_HANDLES && !ret; i++) {
		/* Host memory: a ring that both sides touch while it runs must not sit behind the bus. */
		struct df_bo_options options = DF_OPTIONS(options, .domain = DF_DOMAIN_HOST_CACHED,
							  .recovery = full.recovery, .name = df_mega_handle_name(i));

		ret = df_bo_create(device, sizes[i], &options, handles[i]);
	}
	if (!ret)
		ret = df_mega_set_format(&set, &full);
	if (ret) {
		/* Not in any batch yet: destroying cannot fail, and the sentence to keep is the one there is. */
		char sentence[512];

		strncpy(sentence, df_error(), sizeof(sentence) - 1);
		sentence[sizeof(sentence) - 1] = 0;
		(void)df_mega_set_destroy(&set);
		return df_error_set(ret, "%s", sentence);
	}
	*set_out = set;
	return 0;
}

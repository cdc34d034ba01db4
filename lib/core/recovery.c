/* SPDX-License-Identifier: MIT */
/*
 * Recovery: from "something was lost" to everything being on its way again. A loss is settled in steps, by whichever
 * thread waits, and no step sleeps, so that waits keep their deadlines:
 *
 *   DF_LOST     ask what happened, until the kernel is finished with it: nothing of the context may run any more, and
 * the kernel's own replay, if it has one, must be over. One ruling for each submission (verdict.c). DF_REBUILD  a new
 * kernel context first, so that what is lost from here on is seen there; then contents: STATE as the last verified
 * batch left it, and all that is known of device memory if that was lost. DF_CALM     each submission is held again, to
 * be run in order, or has its end.
 *
 * The address space belongs to the open file and survives, so the same streams are submitted.
 */
#include <errno.h>
#include <string.h>

#include "core/capture.h"
#include "core/contents.h"
#include "core/context.h"
#include "core/poison.h"

#define MAX_RENEW_FAILURES 100u
#define PATIENCE           100u

/* ---- what happened ---- */

/*
 * Where the batch was: the launches that may have been in flight. Its progress words are of the run that began last, so
 * they say something while there is one.
 */
static void locate(struct df_slot *slot)
{
	slot->found.first = 0;
	slot->found.end = slot->batch->launches;
	if (df_slot_is_solitary(slot))
		df_poison_locate(slot, &slot->found.first, &slot->found.end);
	else if (!slot->found.marked && atomic_load(&slot->batch->in_flight) == 1)
		df_batch_progress(slot->batch, &slot->found.first, &slot->found.end);
}

/*
 * May it go on from a restart point? Only where the kernel ended the job at once and left it alone, and when nothing
 * before it is run again: that would undo what it has built on. Once from each point.
 */
static bool can_resume(const struct df_context *context, struct df_slot *slot)
{
	uint64_t launch;

	if (!slot->found.ruling.exact || context->device->info.ring_is_gfx || slot->sequence != context->oldest ||
	    df_slot_is_solitary(slot) || slot->misled || atomic_load(&slot->batch->in_flight) != 1 ||
	    !df_batch_resume(slot->batch, &slot->run_va, &slot->run_dw, &launch) || launch <= slot->resumed_at)
		return false;
	slot->resumed_at = launch;
	return true;
}

/* Did one that was given to the kernel later not finish? */
static bool is_behind(struct df_context *context, uint64_t sequence)
{
	while (++sequence < context->unsent) {
		const struct df_slot *slot = df_context_slot(context, sequence);

		if (slot->batch && !df_slot_marked(slot, sequence))
			return true;
	}
	return false;
}

static struct df_evidence gather(struct df_context *context, const struct df_slot *slot, bool first, bool page_fault)
{
	return (struct df_evidence){
		.wait = slot->answer,
		.marked = df_slot_marked(slot, slot->sequence),
		.first = first,
		.reset = context->reset,
		.page_fault = page_fault,
		.spares_others = context->device->info.spares_others,
		.behind = is_behind(context, slot->sequence),
	};
}

static int gone_or_busy(struct df_context *context)
{
	return df_context_is_gone(context) ? -ENODEV : -EBUSY;
}

/* The kernel's answer about each; -EBUSY when one is not over, -ENODEV when the device is gone. */
static int ask_all(struct df_context *context)
{
	struct df_device *device = context->device;

	for (uint64_t sequence = context->unsent; sequence != context->oldest; sequence--) {
		struct df_slot *slot = df_context_slot(context, sequence - 1);

		if (!slot->batch)
			continue;
		slot->answer = device->kmd->wait(device, context->kernel, atomic_load(&slot->handle), 0);
		if (slot->answer == -ENODEV)
			return gone_or_busy(context);
		if (!df_journal_is_over(slot->answer))
			return -EBUSY;
	}
	return 0;
}

/* What only losses need is made when the first comes. */
static void start_case(struct df_slot *slot)
{
	if (slot->troubled)
		return;
	memset(&slot->info, 0, sizeof(slot->info));
	slot->barren = slot->cancelled = 0;
	slot->progress = slot->resumed_at = 0;
	slot->run = DF_RUN_WHOLE;
	slot->stream = (struct df_stream){0};
	slot->troubled = true;
}

/* Had no other context anything at the kernel while it ran again? */
static bool was_alone(const struct df_context *context, const struct df_slot *slot)
{
	uint64_t traffic = atomic_load_explicit(&context->device->traffic, memory_order_relaxed);

	return slot->info.retries && slot->alone && (uint32_t)(traffic >> 32) - context->sends == slot->others;
}

/*
 * A ruling for each that was at the kernel. The oldest that is lost, or NULL. context->culprit is the one that the loss
 * is put down to: the guilty one, else where the context was.
 */
static struct df_slot *rule(struct df_context *context)
{
	uint64_t fault_address;
	bool faulted = df_page_fault_seen(context, &fault_address), first = true;
	struct df_slot *guilty = NULL, *missing = NULL, *oldest = NULL;

	for (uint64_t sequence = context->oldest; sequence != context->unsent; sequence++) {
		struct df_slot *slot = df_context_slot(context, sequence);
		struct df_evidence evidence;

		if (!slot->batch)
			continue;
		start_case(slot);
		slot->misled = df_journal_misled(slot);
		evidence = gather(context, slot, first, faulted && context->check_faults);
		first = first && evidence.marked;
		slot->found.marked = evidence.marked;
		slot->found.ruling = df_verdict(&evidence, NULL);
		slot->found.page_fault =
			evidence.page_fault && !slot->answer && slot->found.ruling.verdict == DF_GUILTY_RESET;
		slot->found.doubtful = slot->found.page_fault && !was_alone(context, slot);
		slot->found.passed =
			slot->run == DF_RUN_PROBE && !slot->misled && slot->found.ruling.verdict == DF_DONE;
		if ((slot->misled || slot->found.passed) && slot->found.ruling.verdict == DF_DONE)
			slot->found.ruling.verdict = DF_INNOCENT_RESET;
		locate(slot);
		if (slot->found.ruling.verdict == DF_DONE)
			continue;
		if (!oldest)
			oldest = slot;
		if (!missing && !evidence.marked)
			missing = slot;
		if (!guilty && slot->found.ruling.verdict == DF_GUILTY_RESET)
			guilty = slot;
	}
	missing = missing ? missing : oldest;
	context->culprit = guilty ? guilty : missing;
	if (faulted && context->culprit) {
		context->culprit->info.page_fault = true;
		context->culprit->info.fault_address = fault_address;
	}
	return oldest;
}

/* Nothing before it is lost: that stays finished. */
static void retire_before(struct df_context *context, const struct df_slot *lost)
{
	uint64_t last = lost ? lost->sequence - 1 : context->unsent - 1;

	if (context->reset.reset || context->reset.memory_lost || context->reset.guilty)
		return;
	for (uint64_t sequence = context->oldest; sequence <= last && sequence < context->unsent; sequence++)
		if (df_context_slot(context, sequence)->batch &&
		    df_context_slot(context, sequence)->found.ruling.verdict != DF_DONE)
			return;
	atomic_store_explicit(&context->stage, DF_CALM, memory_order_relaxed);
	df_journal_retire(context, last);
	if (df_context_calm(context))
		atomic_store_explicit(&context->stage, DF_LOST, memory_order_relaxed);
}

static void describe_loss(struct df_context *context, const struct df_slot *slot)
{
	context->loss = (struct df_loss){
		.context = context,
		.verdict = DF_INNOCENT_RESET,
		.attempt = 1,
	};
	if (!slot)
		return;
	context->loss.verdict = slot->found.passed ? DF_DONE : slot->found.ruling.verdict;
	context->loss.batch = slot->sequence;
	context->loss.first_launch = slot->found.first;
	context->loss.last_launch = slot->found.end ? slot->found.end - 1 : 0;
	context->loss.attempt = slot->barren + 1;
}

static void count_loss(struct df_context *context)
{
	struct df_recovery_counts *counts = &context->device->recovery;

	context->judged_ns = df_clock_ns();
	if (context->loss.verdict == DF_DONE)
		return;
	atomic_fetch_add(&counts->losses, 1);
	atomic_fetch_add(&counts->detect_ns, context->judged_ns - context->lost_ns);
	atomic_fetch_add(&context->device->losses_seen, 1);
}

/* What the BO's contents are put back from. */
static const void *kept(const struct df_bo *bo)
{
	const struct df_contents *contents = &bo->contents;

	if (!atomic_load(&contents->filled))
		return NULL;
	if (contents->copy || !contents->image[0])
		return contents->copy;
	return atomic_load(&contents->image[atomic_load(&contents->verified)]->map);
}

/* STATE that the batch may have written: as it found it. Everything else is in its place. */
static const void *kept_state(const struct df_bo *bo)
{
	return bo->recovery == DF_BO_STATE ? kept(bo) : NULL;
}

/* Device memory holds nothing any more. */
static const void *kept_all(const struct df_bo *bo)
{
	return bo->recovery == DF_BO_STATE || bo->domain == DF_DOMAIN_DEVICE ? kept(bo) : NULL;
}

/* Before anything is changed. That it fails is nobody's loss. A bystander does not replace a batch that is to blame. */
static void capture(struct df_context *context, const struct df_slot *slot)
{
	struct df_wait_info info;
	struct df_capture_case what = {
		.context = context,
		.info = &info,
		.kernel = atomic_load(&context->kernel),
		.begun_with = atomic_load(&context->device->gone) ? kept
			      : context->reset.memory_lost        ? kept_all
								  : kept_state,
	};

	if (!context->capture || !slot || slot->found.passed ||
	    (context->captured && slot->found.ruling.verdict != DF_GUILTY_RESET))
		return;
	info = slot->info;
	info.verdict = info.loss = slot->found.ruling.verdict;
	info.context = context->number;
	info.batch = slot->sequence;
	info.first_launch = slot->found.first;
	info.last_launch = slot->found.end ? slot->found.end - 1 : 0;
	what.batch = (struct df_batch *)(void *)slot->batch;
	what.attempt = slot->barren + 1;
	what.handle = atomic_load(&slot->handle);
	if (!df_capture_write(context->capture, &what))
		context->captured = true;
}

/* Lock held. 0: stage is DF_REBUILD now, or DF_CALM when nothing was lost after all. */
static int find_out(struct df_context *context)
{
	struct df_device *device = context->device;
	struct df_slot *oldest;
	int ret;

	if (context->loss_error == -ENODEV && df_context_is_gone(context))
		return -ENODEV;
	memset(&context->reset, 0, sizeof(context->reset));
	ret = device->kmd->context_reset(device, context->kernel, &context->reset);
	if (ret == -ENODEV)
		return gone_or_busy(context);
	if (ret < 0 || context->reset.in_progress)
		return -EBUSY;
	ret = ask_all(context);
	if (ret < 0)
		return ret;
	oldest = rule(context);
	retire_before(context, oldest);
	if (!oldest && !context->loss_error && !context->reset.reset) {
		atomic_store_explicit(&context->stage, DF_CALM, memory_order_relaxed);
		return 0;
	}
	describe_loss(context, context->culprit);
	count_loss(context);
	capture(context, context->culprit);
	context->renewed = context->announced = false;
	context->restored_B = 0;
	for (uint64_t sequence = context->oldest; sequence != context->unsent; sequence++) {
		struct df_slot *slot = df_context_slot(context, sequence);

		if (!slot->batch)
			continue;
		slot->resumes = can_resume(context, slot);
		if (!slot->resumes)
			df_restore_due(slot->batch);
	}
	atomic_store_explicit(&context->stage, DF_REBUILD, memory_order_relaxed);
	return 0;
}

/* ---- the policy ---- */

/* What the slot's owner is told of the loss. */
static void record(struct df_context *context, struct df_slot *slot)
{
	struct df_wait_info *info = &slot->info;

	info->restored_B += context->restored_B;
	if (slot->found.passed)
		return;
	info->loss = slot->found.ruling.verdict == DF_DONE ? DF_INNOCENT_RESET : slot->found.ruling.verdict;
	info->first_launch = slot->found.first;
	info->last_launch = slot->found.end ? slot->found.end - 1 : 0;
	info->detect_ns += context->judged_ns - context->lost_ns;
}

static bool may_run_again(const struct df_context *context, struct df_slot *slot)
{
	if (context->max_retries == DF_MAX_RETRIES_NONE || slot->batch->not_repeatable)
		return false;
	if (context->reset.memory_lost && atomic_load(&context->device->lost_bos))
		return false;
	if (slot->give_up_ns && df_clock_ns() >= slot->give_up_ns)
		return false;
	if (slot == context->culprit && slot->cancelled > (uint64_t)context->max_retries * PATIENCE)
		return false;
	if (slot == context->culprit && (slot->barren > context->max_retries || df_slot_is_solitary(slot)))
		return df_poison_step(slot);
	if (slot->run == DF_RUN_WHOLE || slot->run == DF_RUN_RESUMED)
		slot->run = slot->resumes ? DF_RUN_RESUMED : DF_RUN_WHOLE;
	return true;
}

/*
 * What counts against a batch is a loss that may be its own, when it did not get further than last time. Others' losses
 * have more patience, PATIENCE times as much, so that a device that never recovers is given up on. A page fault counts
 * once; then only when no other context can have made it.
 */
static void measure_progress(struct df_slot *slot)
{
	if (!slot || slot->found.passed)
		return;
	if (slot->found.first > slot->progress)
		slot->barren = slot->cancelled = 0;
	slot->progress = slot->found.first;
	if (slot->found.doubtful && slot->barren)
		slot->cancelled++;
	else if (slot->found.ruling.verdict == DF_GUILTY_RESET || slot->found.ruling.unknown)
		slot->barren++;
	else
		slot->cancelled++;
}

static void hold_again(struct df_context *context, struct df_slot *slot)
{
	struct df_recovery_counts *counts = &context->device->recovery;
	uint64_t launches = slot->batch->launches - (slot->run == DF_RUN_RESUMED ? slot->resumed_at : 0);

	atomic_store(&slot->handle, 0);
	slot->suspect = false;
	slot->info.retries++;
	slot->info.launches_rerun += launches;
	atomic_fetch_add(&counts->batches_rerun, 1);
	atomic_fetch_add(&counts->launches_rerun, launches);
}

static void give_up(struct df_context *context, struct df_slot *slot)
{
	enum df_verdict verdict = slot->info.poison_count ? DF_POISONED : slot->info.loss, rest;

	if (context->reset.memory_lost && atomic_load(&context->device->lost_bos) && verdict != DF_GUILTY_RESET &&
	    verdict != DF_POISONED)
		verdict = DF_MEMORY_LOST;
	if (slot->misled && df_journal_misled_for_good(slot))
		verdict = DF_INNOCENT_RESET;
	rest = verdict == DF_MEMORY_LOST ? DF_MEMORY_LOST : DF_INNOCENT_RESET;
	df_journal_close_from(context, slot->sequence, verdict, rest);
}

/* Lock held; the kernel context is new and contents are back. */
static void plan(struct df_context *context, bool possible)
{
	measure_progress(context->culprit);
	for (uint64_t sequence = context->oldest; sequence != context->unsent; sequence++) {
		struct df_slot *slot = df_context_slot(context, sequence);

		if (!slot->batch)
			continue;
		record(context, slot);
		if (!possible || (slot->misled && df_journal_misled_for_good(slot)) || !may_run_again(context, slot)) {
			context->loss.result = -ECANCELED;
			give_up(context, slot);
			break;
		}
		hold_again(context, slot);
	}
	df_page_fault_forget(context);
	df_context_left(context, 0);
	context->unsent = context->oldest;
	context->committing = 0;
	context->timing = true;
	context->loss_error = 0;
	atomic_store_explicit(&context->stage, DF_CALM, memory_order_relaxed);
	df_journal_retire(context, context->next - 1);
}

/* ---- steps ---- */

static void tell(void (*callback)(void *user, const struct df_loss *loss), const struct df_context *context)
{
	if (callback && context->loss.verdict != DF_DONE)
		callback(context->user, &context->loss);
}

/* Lock held, no thread is at it. */
static int renew(struct df_context *context)
{
	unsigned seen = atomic_load(&context->device->losses_seen);
	int ret;

	if (context->renewed)
		return 0;
	ret = df_context_renew(context);
	context->renewed = !ret;
	if (!ret)
		atomic_store(&context->losses_seen, seen);
	return ret;
}

/* No lock is held; busy is set. */
static int rebuild(struct df_context *context)
{
	int ret;

	if (!context->announced)
		tell(context->before, context);
	context->announced = true;
	df_lock_take(&context->lock);
	ret = renew(context);
	df_lock_give(&context->lock);
	return ret < 0 ? ret : df_restore_device(context->device, &context->restored_B);
}

/* The oldest that was at the kernel. Nobody says where it was; of a device that is not reopenable not even its streams
 * are left. */
static void capture_gone(struct df_context *context)
{
	for (uint64_t sequence = context->oldest; sequence != context->unsent; sequence++) {
		struct df_slot *slot = df_context_slot(context, sequence);

		if (!slot->batch)
			continue;
		start_case(slot);
		slot->found = (struct df_case){.ruling = {.verdict = DF_DEVICE_GONE}, .end = slot->batch->launches};
		capture(context, slot);
		return;
	}
}

void df_recovery_gone(struct df_context *context)
{
	struct df_device *device = context->device;

	atomic_store(&device->gone, true);
	if (device->reopenable)
		capture_gone(context);
	/* The library's own copies are made again by whoever wants them. */
	if (device->reopenable && !context->internal)
		return;
	df_journal_close_from(context, context->oldest, DF_DEVICE_GONE, DF_DEVICE_GONE);
	df_context_left(context, 0);
	df_journal_retire(context, context->next - 1);
	context->loss_error = 0;
	atomic_store_explicit(&context->stage, DF_CALM, memory_order_relaxed);
}

/* ---- after a reopening ---- */

static void told_of_removal(struct df_context *context, struct df_slot *slot, uint64_t bytes)
{
	start_case(slot);
	slot->misled = false;
	slot->run = DF_RUN_WHOLE;
	slot->resumed_at = 0;
	slot->info.poison_count = 0;
	slot->suspected_times = slot->attempts = 0;
	slot->info.loss = DF_DEVICE_GONE;
	slot->info.first_launch = 0;
	slot->info.last_launch = slot->batch->launches ? slot->batch->launches - 1 : 0;
	slot->info.restored_B += bytes;
	df_batch_refresh(slot->batch);
	context->loss = (struct df_loss){
		.context = context,
		.verdict = DF_DEVICE_GONE,
		.batch = slot->sequence,
		.last_launch = slot->info.last_launch,
		.attempt = slot->barren + 1,
	};
}

/* The end of what cannot be run again; 0: it can. */
static enum df_verdict end_of_removed(const struct df_context *context, const struct df_slot *slot)
{
	if (atomic_load(&context->device->lost_bos))
		return DF_MEMORY_LOST;
	if (context->max_retries == DF_MAX_RETRIES_NONE || slot->batch->not_repeatable ||
	    (slot->give_up_ns && df_clock_ns() >= slot->give_up_ns))
		return DF_DEVICE_GONE;
	return DF_DONE;
}

/* Lock held. Those that were at the kernel, marked or not: nobody is left to say that they are done. */
static void hold_removed(struct df_context *context, uint64_t bytes)
{
	for (uint64_t sequence = context->unsent; sequence-- != context->oldest;) {
		struct df_slot *slot = df_context_slot(context, sequence);

		if (slot->batch)
			told_of_removal(context, slot, bytes);
	}
	for (uint64_t sequence = context->oldest; sequence != context->unsent; sequence++) {
		struct df_slot *slot = df_context_slot(context, sequence);
		enum df_verdict end = slot->batch ? end_of_removed(context, slot) : DF_DONE;

		if (end != DF_DONE) {
			context->loss.result = -ECANCELED;
			df_journal_close_from(context, sequence, end, end);
			break;
		}
		if (slot->batch)
			hold_again(context, slot);
	}
}

void df_recovery_reopened(struct df_context *context, uint64_t bytes)
{
	bool pending;

	df_lock_take(&context->lock);
	pending = context->oldest != context->unsent;
	context->loss = (struct df_loss){.context = context, .verdict = DF_DEVICE_GONE};
	context->judged_ns = df_clock_ns();
	for (uint64_t sequence = context->unsent; sequence != context->next; sequence++)
		if (df_context_slot(context, sequence)->batch)
			df_batch_refresh(df_context_slot(context, sequence)->batch);
	hold_removed(context, bytes);
	df_context_left(context, 0);
	context->unsent = context->oldest;
	context->committing = 0;
	context->timing = true;
	context->loss_error = 0;
	context->renewed = context->announced = false;
	context->jobs = context->jobs_over = context->retired_job = context->retired_handle = 0;
	df_page_fault_forget(context);
	memset(&context->reset, 0, sizeof(context->reset));
	df_lock_give(&context->lock);
	if (pending)
		tell(context->before, context);
	df_lock_take(&context->lock);
	atomic_store(&context->losses_seen, atomic_load(&context->device->losses_seen));
	atomic_store_explicit(&context->stage, DF_CALM, memory_order_relaxed);
	df_journal_retire(context, context->next - 1);
	df_journal_pump(context);
	df_lock_give(&context->lock);
	if (pending)
		tell(context->after, context);
}

/* Lock held. The step after rebuild(). */
static int conclude(struct df_context *context, int ret)
{
	if (ret == -EBUSY)
		return ret;
	if (ret == -ENODEV && df_context_is_gone(context)) {
		df_recovery_gone(context);
		return ret;
	}
	if (ret < 0 && ++context->renew_failures < MAX_RENEW_FAILURES)
		return -EBUSY;
	context->renew_failures = 0;
	plan(context, !ret);
	df_journal_pump(context);
	return 0;
}

/* Lock held. 1: this thread is to rebuild. */
static int begin(struct df_context *context)
{
	int stage = atomic_load_explicit(&context->stage, memory_order_relaxed), ret;

	if (stage == DF_CALM)
		return 0;
	if (context->busy)
		return -EBUSY;
	ret = stage == DF_LOST ? find_out(context) : 0;
	if (ret == -ENODEV)
		df_recovery_gone(context);
	if (ret < 0 || df_context_calm(context))
		return ret;
	context->busy = true;
	return 1;
}

int df_recovery_step(struct df_context *context)
{
	int ret;

	df_lock_take(&context->lock);
	ret = begin(context);
	df_lock_give(&context->lock);
	if (ret != 1)
		return ret;
	ret = rebuild(context);
	df_lock_take(&context->lock);
	ret = conclude(context, ret);
	if (ret)
		context->busy = false;
	df_lock_give(&context->lock);
	if (ret)
		return ret;
	tell(context->after, context);
	df_lock_take(&context->lock);
	context->busy = false;
	df_lock_give(&context->lock);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Sends into a kernel lane from threads, softirqs, hard interrupts and NMIs, and receives from one. */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>
#include <linux/uaccess.h>
#include <asm/apic.h>
#include <asm/nmi.h>

#include <ringshm/kernel.h>
/* Nothing here uses these two; they are to compile in the kernel all the same. */
#include <ringshm/mpmc.h>
#include <ringshm/token.h>

#include "ringshm_contexts.h"

#define PERIOD_NS	100000
#define BURST		8

/* One context on one CPU. */
struct source {
	struct run *run;
	enum ringshm_context context;
	int cpu;
	u64 sequence;
	struct hrtimer timer;
};

struct run {
	struct ringshm_kproducer *producer;
	struct ringshm_contexts_run *arg;
	atomic_t busy;			/* sources that have not finished */
	struct completion done;
	struct source sources[];	/* context by context, CPU by CPU */
};

/* An open file: one lane. */
struct client {
	struct mutex lock;
	struct ringshm_kproducer *producer;
	struct ringshm_kconsumer *consumer;
};

/* ---- sending -------------------------------------------------------------------------------- */

static void send_one(struct source *source)
{
	struct ringshm_contexts_record *record;
	u64 sequence = source->sequence++;
	u32 filler = source->run->arg->filler ? sequence % (source->run->arg->filler + 1) : 0;

	record = ringshm_kproducer_reserve(source->run->producer, sizeof(*record) + filler);
	if (!record)
		return;
	if (sequence % 17 == 16) { /* given up once, then sent after all: nothing may show of it */
		ringshm_kproducer_discard(source->run->producer);
		record = ringshm_kproducer_reserve(source->run->producer, sizeof(*record) + filler);
		if (!record)
			return;
	}
	record->sequence = sequence;
	record->context = source->context;
	record->cpu = source->cpu;
	record->check = sequence ^ (u64)source->context << 32 ^ source->cpu ^ RINGSHM_CONTEXTS_SALT;
	memset(record + 1, (u8)sequence, filler);
	ringshm_kproducer_commit_typed(source->run->producer, sizeof(*record) + filler,
				       source->context, source->cpu);
}

static void finished(struct source *source)
{
	if (atomic_dec_and_test(&source->run->busy))
		complete(&source->run->done);
}

static int thread_main(void *data)
{
	struct source *source = data;

	while (source->sequence < source->run->arg->records) {
		send_one(source);
		if (source->sequence % 256 == 0)
			cond_resched();
	}
	finished(source);
	return 0;
}

static enum hrtimer_restart timer_fires(struct hrtimer *timer)
{
	struct source *source = container_of(timer, struct source, timer);
	int i;

	for (i = 0; i < BURST && source->sequence < source->run->arg->records; i++)
		send_one(source);
	if (source->sequence < source->run->arg->records) {
		hrtimer_forward_now(timer, ns_to_ktime(PERIOD_NS));
		return HRTIMER_RESTART;
	}
	finished(source);
	return HRTIMER_NORESTART;
}

/* ---- NMIs ----------------------------------------------------------------------------------- */

static struct source *nmi_source;	/* whose record the next NMI on its CPU sends */

static int nmi_fires(unsigned int type, struct pt_regs *regs)
{
	struct source *source = READ_ONCE(nmi_source);

	if (!source || raw_smp_processor_id() != source->cpu)
		return NMI_DONE;
	WRITE_ONCE(nmi_source, NULL);
	send_one(source);
	return NMI_HANDLED;
}

/* From a thread bound to the source's CPU: interrupts itself while others use the lane. */
static int nmi_main(void *data)
{
	struct source *source = data;
	unsigned long patience;

	while (source->sequence < source->run->arg->records) {
		WRITE_ONCE(nmi_source, source);
		preempt_disable();
		apic->send_IPI(source->cpu, NMI_VECTOR);
		preempt_enable();
		for (patience = 0; READ_ONCE(nmi_source) && patience < 1000000; patience++)
			cpu_relax();
		cond_resched();
	}
	finished(source);
	return 0;
}

/* ---- a probe within -------------------------------------------------------------------------- */

/* On lockdep's tracepoint, which fires while the lane's lock is held: tries to send, and must not wait. */
struct nested {
	struct tracepoint *point;
	struct ringshm_kproducer *producer;
	atomic_t tried;
};

#ifdef CONFIG_LOCKDEP
static void lock_released(void *data, struct lockdep_map *lock, unsigned long ip)
{
	struct nested *nested = data;

	if (!lock->name || strcmp(lock->name, "&producer->lock"))
		return;
	atomic_inc(&nested->tried);
	if (ringshm_kproducer_reserve(nested->producer, 8))
		ringshm_kproducer_discard(nested->producer);
}

static void find_point(struct tracepoint *point, void *data)
{
	struct nested *nested = data;

	if (!strcmp(point->name, "lock_release"))
		nested->point = point;
}

static int nested_begin(struct nested *nested)
{
	for_each_kernel_tracepoint(find_point, nested);
	if (!nested->point)
		return -EOPNOTSUPP;
	return tracepoint_probe_register(nested->point, lock_released, nested);
}

static void nested_end(struct nested *nested)
{
	tracepoint_probe_unregister(nested->point, lock_released, nested);
	tracepoint_synchronize_unregister();
}
#else
static int nested_begin(struct nested *nested)
{
	return -EOPNOTSUPP;
}

static void nested_end(struct nested *nested)
{
}
#endif

/* ---- a run ---------------------------------------------------------------------------------- */

static void timer_begin(struct source *source, enum hrtimer_mode mode)
{
	hrtimer_init(&source->timer, CLOCK_MONOTONIC, mode);
	source->timer.function = timer_fires;
	hrtimer_start(&source->timer, ns_to_ktime(PERIOD_NS), mode);
}

/* On the source's own CPU, so that its timer fires there. */
static long source_begin_here(void *data)
{
	struct source *source = data;

	if (source->context == RINGSHM_IN_SOFTIRQ)
		timer_begin(source, HRTIMER_MODE_REL_PINNED_SOFT);
	else
		timer_begin(source, HRTIMER_MODE_REL_PINNED_HARD);
	return 0;
}

static int thread_begin(struct source *source, int (*body)(void *))
{
	struct task_struct *task;

	task = kthread_create_on_node(body, source, cpu_to_node(source->cpu), "ringshm_test/%d", source->cpu);
	if (IS_ERR(task))
		return PTR_ERR(task);
	kthread_bind(task, source->cpu);
	wake_up_process(task);
	return 0;
}

static void source_begin(struct source *source)
{
	int err;

	if (source->context == RINGSHM_IN_THREAD)
		err = thread_begin(source, thread_main);
	else if (source->context == RINGSHM_IN_NMI)
		err = thread_begin(source, nmi_main);
	else
		err = work_on_cpu(source->cpu, source_begin_here, source);
	if (err) {
		pr_err("ringshm_contexts: a source of records cannot start: %d\n", err);
		finished(source);
	}
}

/* NMIs come from one CPU only: there is one word that says whose turn it is. */
static int sources_fill(struct run *run, struct client *client, struct ringshm_contexts_run *arg)
{
	int context, cpu, n = 0;

	run->producer = client->producer;
	run->arg = arg;
	init_completion(&run->done);
	for (context = 0; context < RINGSHM_CONTEXTS; context++) {
		if (!(arg->contexts & 1u << context))
			continue;
		for_each_online_cpu(cpu) {
			run->sources[n++] = (struct source){ .run = run, .context = context, .cpu = cpu };
			if (context == RINGSHM_IN_NMI)
				break;
		}
	}
	return n;
}

static int run_sources(struct client *client, struct ringshm_contexts_run *arg)
{
	u64 began = ktime_get_ns(), before = ringshm_kproducer_dropped(client->producer);
	struct run *run;
	int i, n;

	run = kvzalloc(struct_size(run, sources, RINGSHM_CONTEXTS * num_possible_cpus()), GFP_KERNEL);
	if (!run)
		return -ENOMEM;
	cpus_read_lock();
	n = sources_fill(run, client, arg);
	atomic_set(&run->busy, n);
	cpus_read_unlock();
	for (i = 0; i < n; i++)
		source_begin(&run->sources[i]);
	wait_for_completion(&run->done);
	for (i = 0; i < n; i++) {
		if (run->sources[i].timer.function)
			hrtimer_cancel(&run->sources[i].timer);
		arg->tried += run->sources[i].sequence;
	}
	arg->nanoseconds = ktime_get_ns() - began;
	arg->dropped = ringshm_kproducer_dropped(client->producer) - before;
	arg->status = ringshm_kproducer_status(client->producer);
	kvfree(run);
	return 0;
}

static int run_all(struct client *client, struct ringshm_contexts_run *arg)
{
	struct nested nested = { .producer = client->producer };
	int err;

	if (!arg->nested)
		return run_sources(client, arg);
	err = nested_begin(&nested);
	if (err)
		return err;
	err = run_sources(client, arg);
	nested_end(&nested);
	arg->nested = atomic_read(&nested.tried);
	arg->tried += arg->nested;
	return err;
}

static long user_run(struct client *client, struct ringshm_contexts_run __user *from)
{
	struct ringshm_contexts_run arg;
	int err;

	if (copy_from_user(&arg, from, sizeof(arg)))
		return -EFAULT;
	if (!client->producer || !arg.contexts || arg.contexts >> RINGSHM_CONTEXTS || arg.nested > 1 || arg.filler > 65536)
		return -EINVAL;
	arg.tried = 0;
	err = run_all(client, &arg);
	if (err)
		return err;
	return copy_to_user(from, &arg, sizeof(arg)) ? -EFAULT : 0;
}

/* ---- receiving ------------------------------------------------------------------------------ */

static int drain(struct client *client, struct ringshm_contexts_drain *arg, void *buffer, u32 size)
{
	u64 end = ktime_get_ns() + (u64)arg->milliseconds * NSEC_PER_MSEC;
	int err = 0;
	u32 len;

	while (arg->received < arg->records && ktime_get_ns() < end && !fatal_signal_pending(current)) {
		err = ringshm_kconsumer_recv(client->consumer, buffer, size, &len);
		if (!err)
			arg->received++;
		else if (err != -EAGAIN)
			break;
		cond_resched();
	}
	return err == -EAGAIN ? 0 : err;
}

static long user_drain(struct client *client, struct ringshm_contexts_drain __user *from)
{
	struct ringshm_contexts_drain arg;
	const u32 size = 65536;
	void *buffer;

	if (copy_from_user(&arg, from, sizeof(arg)))
		return -EFAULT;
	if (!client->consumer)
		return -EINVAL;
	buffer = kvmalloc(size, GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	arg.received = 0;
	arg.status = drain(client, &arg, buffer, size);
	kvfree(buffer);
	return copy_to_user(from, &arg, sizeof(arg)) ? -EFAULT : 0;
}

/* ---- the device ----------------------------------------------------------------------------- */

static long user_lane(struct client *client, struct ringshm_contexts_lane __user *from, bool produce)
{
	struct ringshm_contexts_lane lane;
	void *got;

	if (copy_from_user(&lane, from, sizeof(lane)))
		return -EFAULT;
	if (produce ? !!client->producer : !!client->consumer)
		return -EBUSY;
	if (produce)
		got = ringshm_kproducer_get(lane.ctl_fd, lane.data_fd);
	else
		got = ringshm_kconsumer_get(lane.ctl_fd, lane.data_fd);
	if (IS_ERR(got))
		return PTR_ERR(got);
	if (produce)
		client->producer = got;
	else
		client->consumer = got;
	return 0;
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct client *client = file->private_data;
	void __user *from = (void __user *)arg;
	long result = -ENOTTY;

	if (cmd == RINGSHM_CONTEXTS_DRAIN) /* runs beside the others */
		return user_drain(client, from);
	mutex_lock(&client->lock);
	if (cmd == RINGSHM_CONTEXTS_PRODUCE || cmd == RINGSHM_CONTEXTS_CONSUME)
		result = user_lane(client, from, cmd == RINGSHM_CONTEXTS_PRODUCE);
	else if (cmd == RINGSHM_CONTEXTS_RUN)
		result = user_run(client, from);
	mutex_unlock(&client->lock);
	return result;
}

static int device_open(struct inode *inode, struct file *file)
{
	struct client *client = kzalloc(sizeof(*client), GFP_KERNEL);

	if (!client)
		return -ENOMEM;
	mutex_init(&client->lock);
	file->private_data = client;
	return 0;
}

static int device_release(struct inode *inode, struct file *file)
{
	struct client *client = file->private_data;

	ringshm_kproducer_put(client->producer);
	ringshm_kconsumer_put(client->consumer);
	kfree(client);
	return 0;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.unlocked_ioctl = device_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ringshm_contexts",
	.fops = &device_fops,
	.mode = 0600,
};

static int __init contexts_init(void)
{
	int err = register_nmi_handler(NMI_LOCAL, nmi_fires, 0, "ringshm_contexts");

	if (err)
		return err;
	err = misc_register(&device);
	if (err)
		unregister_nmi_handler(NMI_LOCAL, "ringshm_contexts");
	return err;
}

static void __exit contexts_exit(void)
{
	misc_deregister(&device);
	unregister_nmi_handler(NMI_LOCAL, "ringshm_contexts");
}

module_init(contexts_init);
module_exit(contexts_exit);

MODULE_DESCRIPTION("Test of ringshm.ko: kernel lanes from every context");
MODULE_LICENSE("GPL");

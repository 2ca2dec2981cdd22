// SPDX-License-Identifier: GPL-2.0-only
/* Publishes every task switch of a CPU into a kernel lane of its own: a producer under a run queue's lock. */
#include <linux/capability.h>
#include <linux/cpumask.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/tracepoint.h>
#include <linux/uaccess.h>

#include <ringshm/kernel.h>

#include "ringshm_sched.h"

/* The probe reads its own CPU's; changed under lanes_lock, freed after a grace period. */
static DEFINE_PER_CPU(struct ringshm_kproducer *, lane);
static DEFINE_PER_CPU(struct file *, lane_owner);
static DEFINE_MUTEX(lanes_lock);

static struct tracepoint *sched_switch;

static void probe(void *data, bool preempt, struct task_struct *prev, struct task_struct *next,
		  unsigned int prev_state)
{
	struct ringshm_kproducer *producer = READ_ONCE(*this_cpu_ptr(&lane));
	struct ringshm_sched_switch *record;

	if (!producer)
		return;
	record = ringshm_kproducer_reserve(producer, sizeof(*record));
	if (!record)
		return;
	record->ns = ktime_get_mono_fast_ns();
	record->cpu = raw_smp_processor_id();
	record->prev_pid = prev->pid;
	record->next_pid = next->pid;
	record->prev_state = preempt ? 0 : prev_state;
	memcpy(record->prev_comm, prev->comm, sizeof(record->prev_comm));
	memcpy(record->next_comm, next->comm, sizeof(record->next_comm));
	ringshm_kproducer_commit_typed(producer, sizeof(*record), RINGSHM_SCHED_TYPE, 0);
}

static int lane_put_in(struct file *file, int cpu, struct ringshm_kproducer *producer)
{
	int err = -EBUSY;

	mutex_lock(&lanes_lock);
	if (!per_cpu(lane, cpu)) {
		per_cpu(lane_owner, cpu) = file;
		WRITE_ONCE(per_cpu(lane, cpu), producer);
		err = 0;
	}
	mutex_unlock(&lanes_lock);
	return err;
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ringshm_sched_attach attach;
	struct ringshm_kproducer *producer;
	int err;

	if (cmd != RINGSHM_SCHED_ATTACH)
		return -ENOTTY;
	if (copy_from_user(&attach, (void __user *)arg, sizeof(attach)))
		return -EFAULT;
	if (!perfmon_capable())
		return -EPERM;
	if (attach.pad || attach.cpu >= nr_cpu_ids || !cpu_possible(attach.cpu))
		return -EINVAL;
	attach.cpu = array_index_nospec(attach.cpu, nr_cpu_ids);
	producer = ringshm_kproducer_get(attach.ctl_fd, attach.data_fd);
	if (IS_ERR(producer))
		return PTR_ERR(producer);
	err = lane_put_in(file, attach.cpu, producer);
	if (err)
		ringshm_kproducer_put(producer);
	return err;
}

/* Takes out first, waits once for all probes, then frees. */
static int device_release(struct inode *inode, struct file *file)
{
	struct ringshm_kproducer **taken;
	int cpu, n = 0;

	taken = kcalloc(nr_cpu_ids, sizeof(*taken), GFP_KERNEL | __GFP_NOFAIL);
	mutex_lock(&lanes_lock);
	for_each_possible_cpu(cpu) {
		if (per_cpu(lane_owner, cpu) != file)
			continue;
		taken[n++] = per_cpu(lane, cpu);
		WRITE_ONCE(per_cpu(lane, cpu), NULL);
		per_cpu(lane_owner, cpu) = NULL;
	}
	mutex_unlock(&lanes_lock);
	if (n)
		tracepoint_synchronize_unregister();
	while (n)
		ringshm_kproducer_put(taken[--n]);
	kfree(taken);
	return 0;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.release = device_release,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ringshm_sched",
	.fops = &device_fops,
	.mode = 0600,
};

/* The tracepoint is not exported by name, but all of them can be walked. */
static void find(struct tracepoint *tracepoint, void *data)
{
	if (!strcmp(tracepoint->name, "sched_switch"))
		sched_switch = tracepoint;
}

static int __init sched_init(void)
{
	int err;

	for_each_kernel_tracepoint(find, NULL);
	if (!sched_switch)
		return -ENOENT;
	err = tracepoint_probe_register(sched_switch, probe, NULL);
	if (err)
		return err;
	err = misc_register(&device);
	if (err) {
		tracepoint_probe_unregister(sched_switch, probe, NULL);
		tracepoint_synchronize_unregister();
	}
	return err;
}

static void __exit sched_exit(void)
{
	misc_deregister(&device);
	tracepoint_probe_unregister(sched_switch, probe, NULL);
	tracepoint_synchronize_unregister();
}

module_init(sched_init);
module_exit(sched_exit);

MODULE_DESCRIPTION("Sample of ringshm.ko: publishes task switches, one lane per CPU");
MODULE_AUTHOR("The ringshm authors");
MODULE_LICENSE("GPL");

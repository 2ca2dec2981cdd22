// SPDX-License-Identifier: GPL-2.0-only
/* ringshm.ko: the device, and the module's coming and going. */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "region.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = ringshm_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ringshm",
	.fops = &device_fops,
	.mode = 0660,
};

static int __init ringshm_init(void)
{
	int err = misc_register(&device);

	if (err) {
		pr_err("ringshm: cannot register /dev/ringshm: %pe\n", ERR_PTR(err));
		return err;
	}
	ringshm_listing_init();
	return 0;
}

/* Regions pin the module, so there is none left here. */
static void __exit ringshm_exit(void)
{
	ringshm_listing_exit();
	misc_deregister(&device);
}

module_init(ringshm_init);
module_exit(ringshm_exit);

MODULE_DESCRIPTION("Huge, contiguous, node-local memory for ringshm channels, and kernel endpoints on their rings");
MODULE_AUTHOR("The ringshm authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(RINGSHM_VERSION);

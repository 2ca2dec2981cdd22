// SPDX-License-Identifier: GPL-2.0-only
/* Bugs on purpose, so that a quiet debug kernel means something: insmod ringshm_planted.ko bug=NAME */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

static char *bug = "";
module_param(bug, charp, 0);
MODULE_PARM_DESC(bug, "kasan-slab, kasan-vmalloc, kasan-pages, lockdep, sleep or kmemleak");

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spin);

/* Hides a pointer from the compiler, which would warn. */
static char *hidden(void *pointer)
{
	OPTIMIZER_HIDE_VAR(pointer);
	return pointer;
}

static void beyond_slab(void)
{
	char *object = hidden(kmalloc(100, GFP_KERNEL));

	if (object)
		object[100] = 1;
	kfree(object);
}

/* As where a lane that spans blocks is mapped: beyond its end. */
static void beyond_vmalloc(void)
{
	char *memory = hidden(vmalloc(100));

	if (memory)
		pr_info("ringshm_planted: %d\n", READ_ONCE(memory[104]));
	vfree(memory);
}

/* As a region's memory is: used after it was freed. */
static void freed_block(void)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, 3);
	char *memory;

	if (!page)
		return;
	memory = hidden(page_address(page));
	__free_pages(page, 3);
	WRITE_ONCE(memory[5000], 1);
}

static void crossed_locks(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void sleeping_under_lock(void)
{
	spin_lock(&spin);
	mutex_lock(&first);
	mutex_unlock(&first);
	spin_unlock(&spin);
}

static void forgotten(void)
{
	int i;

	for (i = 0; i < 8; i++)
		hidden(kmalloc(200, GFP_KERNEL));
}

static const struct {
	const char *name;
	void (*commit)(void);
} bugs[] = {
	{ "kasan-slab", beyond_slab },
	{ "kasan-vmalloc", beyond_vmalloc },
	{ "kasan-pages", freed_block },
	{ "lockdep", crossed_locks },
	{ "sleep", sleeping_under_lock },
	{ "kmemleak", forgotten },
};

static int __init planted_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		if (strcmp(bug, bugs[i].name))
			continue;
		bugs[i].commit();
		return 0;
	}
	return -EINVAL;
}

static void __exit planted_exit(void)
{
}

module_init(planted_init);
module_exit(planted_exit);

MODULE_DESCRIPTION("Test of the debug kernel: bugs on purpose");
MODULE_LICENSE("GPL");

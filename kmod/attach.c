// SPDX-License-Identifier: GPL-2.0-only
/* Participants: an id belongs to a descriptor and dies with the last mapping made through it. */
#include <linux/nospec.h>

#include "region.h"
#include "trace.h"

/* Counts a memory area in; true if the descriptor has an id, so the area is not for children. */
bool ringshm_area_added(struct ringshm_file *rf)
{
	struct ringshm_region *region = rf->region;
	bool attached;

	atomic_inc(&region->mappings);
	spin_lock_irq(&region->lock);
	rf->areas++;
	attached = rf->id != RINGSHM_KMOD_ANY_ID;
	spin_unlock_irq(&region->lock);
	return attached;
}

static bool id_release(struct ringshm_file *rf)
{
	lockdep_assert_held(&rf->region->lock);
	if (rf->id == RINGSHM_KMOD_ANY_ID)
		return false;
	__clear_bit(rf->id, rf->region->ids);
	trace_ringshm_death(rf->region, rf->id);
	rf->id = RINGSHM_KMOD_ANY_ID;
	return true;
}

/* The id is free before anybody is told, so whoever wakes finds it so. */
static void death_tell(struct ringshm_region *region)
{
	atomic64_inc(&region->deaths);
	ringshm_wake(region);
}

void ringshm_area_gone(struct ringshm_file *rf)
{
	struct ringshm_region *region = rf->region;
	bool died = false;

	spin_lock_irq(&region->lock);
	if (!--rf->areas)
		died = id_release(rf);
	spin_unlock_irq(&region->lock);
	atomic_dec(&region->mappings);
	if (died)
		death_tell(region);
}

/* The descriptor goes. */
void ringshm_detach(struct ringshm_file *rf)
{
	bool died;

	spin_lock_irq(&rf->region->lock);
	died = id_release(rf);
	spin_unlock_irq(&rf->region->lock);
	if (died)
		death_tell(rf->region);
}

static int id_take(struct ringshm_file *rf, u32 id)
{
	unsigned long *ids = rf->region->ids;

	lockdep_assert_held(&rf->region->lock);
	if (rf->id != RINGSHM_KMOD_ANY_ID || rf->areas)	/* children would inherit these areas */
		return -EALREADY;
	if (id == RINGSHM_KMOD_ANY_ID) {
		id = find_first_zero_bit(ids, RINGSHM_KMOD_IDS);
		if (id == RINGSHM_KMOD_IDS)
			return -ENOSPC;
	}
	if (id >= RINGSHM_KMOD_IDS)
		return -EINVAL;
	id = array_index_nospec(id, RINGSHM_KMOD_IDS);
	if (test_bit(id, ids))
		return -EBUSY;
	__set_bit(id, ids);
	rf->id = id;
	return 0;
}

int ringshm_attach(struct ringshm_file *rf, u32 *id)
{
	int err;

	spin_lock_irq(&rf->region->lock);
	err = id_take(rf, *id);
	if (!err)
		*id = rf->id;
	spin_unlock_irq(&rf->region->lock);
	return err;
}

int ringshm_alive(struct ringshm_region *region, u32 id)
{
	int alive;

	if (id >= RINGSHM_KMOD_IDS)
		return -EINVAL;
	id = array_index_nospec(id, RINGSHM_KMOD_IDS);
	spin_lock_irq(&region->lock);
	alive = test_bit(id, region->ids);
	spin_unlock_irq(&region->lock);
	return alive;
}

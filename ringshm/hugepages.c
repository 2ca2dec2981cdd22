/* SPDX-License-Identifier: MIT */
/* Pools of huge pages: what sysfs says of them, taking from them, and the commands that fill them. */
#include "config.h"

#include "hugepages.h"
#include "internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define POOLS "/sys/kernel/mm/hugepages"
#define SIZES_MOST 16 /* the most sizes of huge pages that any architecture has is 8 */

static bool read_number(const char *path, uint64_t *number)
{
	FILE *file = fopen(path, "re");
	unsigned long long value;
	bool good = file && fscanf(file, "%llu", &value) == 1;

	if (file)
		fclose(file);
	if (good)
		*number = value;
	return good;
}

uint64_t ringshm__huge_page(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Hugepagesize: %llu kB", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return (uint64_t)kib * 1024;
}

uint64_t ringshm__thp_page(void)
{
	uint64_t page = 0;

	read_number("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", &page);
	return page & (page - 1) ? 0 : page;
}

const char *ringshm__page_option(uint64_t page, char text[static 24])
{
	const char *unit = "K";
	uint64_t value = page >> 10;

	if (value >= 1 << 20) {
		value >>= 20;
		unit = "G";
	} else if (value >= 1 << 10) {
		value >>= 10;
		unit = "M";
	}
	snprintf(text, 24, "%llu%s", (unsigned long long)value, unit);
	return text;
}

/* ---- what sysfs says ------------------------------------------------------------------------ */

static void pool_path(char path[static 128], uint64_t page, int node, const char *file)
{
	char where[64] = POOLS;

	if (node >= 0)
		snprintf(where, sizeof(where), "/sys/devices/system/node/node%d/hugepages", node);
	snprintf(path, 128, "%s/hugepages-%llukB/%s", where, (unsigned long long)(page >> 10), file);
}

static bool pool_number(uint64_t page, int node, const char *file, uint64_t *number)
{
	char path[128];

	pool_path(path, page, node, file);
	return read_number(path, number);
}

bool ringshm__pool_exists(uint64_t page)
{
	uint64_t total;

	return pool_number(page, RINGSHM_NODE_ANY, "nr_hugepages", &total);
}

static bool read_pool(uint64_t page, int node, struct ringshm_pool_info *pool)
{
	uint64_t most = 0;

	memset(pool, 0, sizeof(*pool));
	pool->page_size = page;
	pool->node = node;
	if (!pool_number(page, node, "nr_hugepages", &pool->total))
		return false;
	pool_number(page, node, "free_hugepages", &pool->free);
	pool_number(page, node, "surplus_hugepages", &pool->surplus);
	if (node >= 0) /* promises to mappings and room to grow are kept for the whole machine only */
		return true;
	pool_number(page, node, "resv_hugepages", &pool->reserved);
	pool_number(page, node, "nr_overcommit_hugepages", &most);
	pool->overcommit = most > pool->surplus ? most - pool->surplus : 0;
	return true;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Sizes of huge pages that the kernel has pools of, smallest first. */
static unsigned int pool_sizes(uint64_t sizes[static SIZES_MOST])
{
	DIR *pools = opendir(POOLS);
	struct dirent *entry;
	unsigned int count = 0;
	unsigned long long kib;

	while (pools && count < SIZES_MOST && (entry = readdir(pools)))
		if (sscanf(entry->d_name, "hugepages-%llukB", &kib) == 1)
			sizes[count++] = (uint64_t)kib * 1024;
	if (pools)
		closedir(pools);
	qsort(sizes, count, sizeof(*sizes), by_value);
	return count;
}

int ringshm_pool_info(unsigned int index, int32_t node, struct ringshm_pool_info *out)
{
	uint64_t sizes[SIZES_MOST];
	struct ringshm_pool_info pool;
	uint32_t size = out ? out->size : 0;

	if (size < sizeof(uint32_t))
		return ringshm__fail(EINVAL, "pool: set pool.size to sizeof(struct ringshm_pool_info)");
	if (index >= pool_sizes(sizes))
		return ringshm__fail(ERANGE, "pool %u: the kernel has no such size of huge pages", index);
	if (!read_pool(sizes[index], node < 0 ? RINGSHM_NODE_ANY : node, &pool))
		return ringshm__fail(ENOENT, "pool %u: there is no node %d", index, node);
	pool.size = size < sizeof(pool) ? size : sizeof(pool);
	memcpy(out, &pool, pool.size);
	return 0;
}

/* ---- taking from a pool --------------------------------------------------------------------- */

/* The command after which the pool has `more` pages beyond what it has. */
static void mend(char command[static 192], uint64_t page, int node, uint64_t total)
{
	char path[128];

	if (node < 0 && page == ringshm__huge_page()) {
		snprintf(command, 192, "sysctl vm.nr_hugepages=%llu", (unsigned long long)total);
		return;
	}
	pool_path(path, page, node, "nr_hugepages");
	snprintf(command, 192, "echo %llu > %s", (unsigned long long)total, path);
}

static int no_such_pages(uint64_t page, const struct ringshm_area_place *place)
{
	uint64_t sizes[SIZES_MOST];
	unsigned int count = pool_sizes(sizes);
	char asked[24], one[24], all[128] = "none";
	size_t length = 0;

	for (unsigned int i = 0; i < count && length < sizeof(all) - 24; i++)
		length += (size_t)snprintf(all + length, sizeof(all) - length, "%s%s", i ? ", " : "",
					   ringshm__bytes(sizes[i], one));
	return ringshm__refuse(EINVAL, place->name, "", "the kernel has no huge pages of %s; it has: %s",
			       ringshm__bytes(page, asked), all);
}

static uint64_t at_hand(const struct ringshm_pool_info *pool)
{
	uint64_t free = pool->free > pool->reserved ? pool->free - pool->reserved : 0;

	return free + pool->overcommit;
}

static int refuse_pool(const struct ringshm_pool_info *pool, uint64_t need, const struct ringshm_area_place *place)
{
	char command[192], one[24], all[24], where[24] = "";
	uint64_t have = at_hand(pool);

	if (pool->node >= 0)
		snprintf(where, sizeof(where), " on node %d", pool->node);
	mend(command, pool->page_size, pool->node, pool->total + need - have);
	return ringshm__refuse(ENOSPC, place->name, command,
			       "%s asked, that is %llu huge pages of %s, and %llu of %llu are free%s",
			       ringshm__bytes(need * pool->page_size, all), (unsigned long long)need,
			       ringshm__bytes(pool->page_size, one), (unsigned long long)have,
			       (unsigned long long)pool->total, where);
}

int ringshm__pool_check(uint64_t page, uint64_t size, const struct ringshm_area_place *place)
{
	struct ringshm_pool_info pool;
	uint64_t need = size / page;

	if (!read_pool(page, RINGSHM_NODE_ANY, &pool))
		return no_such_pages(page, place);
	if (need > at_hand(&pool))
		return refuse_pool(&pool, need, place);
	/* room to grow is nobody's in particular: then the attempt decides */
	if (place->node >= 0 && !pool.overcommit && read_pool(page, place->node, &pool) && need > at_hand(&pool))
		return refuse_pool(&pool, need, place);
	return 0;
}

/* The pool had enough a moment ago. */
static int explain(int error, uint64_t page, uint64_t size, const struct ringshm_area_place *place)
{
	char all[24], one[24];
	int why;

	if (error != ENOSPC && error != ENOMEM)
		return ringshm__refuse(error, place->name, "", "allocate %s in huge pages: %s",
				       ringshm__bytes(size, all), ringshm__reason(error));
	why = ringshm__pool_check(page, size, place);
	if (why)
		return why;
	return ringshm__refuse(
		error, place->name, "",
		"%s in huge pages of %s: the pool has them, but a limit of the mount (size=) or of the control group (hugetlb.*.max) forbids it",
		ringshm__bytes(size, all), ringshm__bytes(page, one));
}

int ringshm__pool_take(int fd, uint64_t page, uint64_t size, const struct ringshm_area_place *place)
{
	int error = ringshm__check_file_limit(size, place->name);

	if (error)
		return error;
	if (size > INT64_MAX)
		return explain(ENOSPC, page, size, place);
	do
		error = fallocate(fd, 0, 0, (off_t)size) ? errno : 0;
	while (error == EINTR);
	return error ? explain(error, page, size, place) : 0;
}

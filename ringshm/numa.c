/* SPDX-License-Identifier: MIT */
/* NUMA through libnuma: where memory comes from, where it is, and what the machine's nodes are. */
#include "config.h"

#include "internal.h"
#include "node.h"

/* A 64-bit tree's config.h also serves the tests' 32-bit programs, for which there is no libnuma. */
#if !defined(HAVE_LIBNUMA) || defined(RINGSHM_WITHOUT_LIBNUMA)

static int no_numa(const char *what)
{
	return ringshm__fail(EOPNOTSUPP,
			     "%s: this library (%s) was built without libnuma; install libnuma-dev and build it anew",
			     what, ringshm_version());
}

int ringshm__node_enter(int32_t *node, const char *name, struct ringshm_node_policy *before)
{
	before->changed = 0;
	if (*node == RINGSHM_NODE_ANY)
		return 0;
	return ringshm__refuse(
		EOPNOTSUPP, name, "",
		"a node was asked for, and this library (%s) was built without libnuma; install libnuma-dev and build it anew",
		ringshm_version());
}

void ringshm__node_leave(const struct ringshm_node_policy *before)
{
	(void)before;
}

void ringshm__node_deal(void *address, uint64_t size, uint64_t piece, int32_t node)
{
	(void)address, (void)size, (void)piece, (void)node;
}

int ringshm__node_settle(void *address, uint64_t size, uint64_t page, int32_t node, const char *name)
{
	(void)address, (void)size, (void)page, (void)node, (void)name;
	return 0; /* node_enter() has let nothing but RINGSHM_NODE_ANY pass */
}

void ringshm__node_count(void *address, uint64_t size, uint64_t page, uint64_t *bytes, unsigned int nodes,
			 uint64_t *unknown)
{
	(void)address, (void)page, (void)bytes, (void)nodes;
	*unknown = size;
}

int ringshm_node_info(int32_t node, struct ringshm_node_info *info)
{
	(void)node, (void)info;
	return no_numa("nodes");
}

int ringshm_node_distance(int32_t from, int32_t to)
{
	(void)from, (void)to;
	return no_numa("distances");
}

int ringshm_node_of_cpu(int cpu)
{
	(void)cpu;
	return no_numa("node of a CPU");
}

#else

#include <numa.h>
#include <numaif.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#define BATCH 512
#define WORD_BITS (8 * sizeof(unsigned long))

/* libnuma keeps what it has read in tables without locks. */
static pthread_mutex_t numa_lock = PTHREAD_MUTEX_INITIALIZER;

static int numa_works(const char *what)
{
	if (numa_available() >= 0)
		return 0;
	return ringshm__fail(
		EOPNOTSUPP, "%s: the kernel has no NUMA, or this container may not ask (docker run --cap-add SYS_NICE)",
		what);
}

/* "0, 2": the nodes in `mask`, for people. */
static const char *list_nodes(const struct bitmask *mask, char text[static 128])
{
	size_t length = 0;

	text[0] = 0;
	for (int node = 0; node <= numa_max_node() && length < 100; node++)
		if (numa_bitmask_isbitset(mask, (unsigned int)node))
			length += (size_t)snprintf(text + length, 128 - length, "%s%d", length ? ", " : "", node);
	return text;
}

static int check_node(int32_t node, const char *name)
{
	char text[128];

	if (node < 0 || node > numa_max_node() || !numa_bitmask_isbitset(numa_nodes_ptr, (unsigned int)node))
		return ringshm__refuse(ENODEV, name, "", "node %d does not exist; this machine has: %s", node,
				       list_nodes(numa_nodes_ptr, text));
	if (numa_node_size64(node, NULL) <= 0)
		return ringshm__refuse(ENODEV, name, "", "node %d has no memory; those with memory: %s", node,
				       list_nodes(numa_all_nodes_ptr, text));
	if (!numa_bitmask_isbitset(numa_all_nodes_ptr, (unsigned int)node))
		return ringshm__refuse(EPERM, name, "",
				       "node %d is not allowed to this process (cpuset.mems); allowed: %s", node,
				       list_nodes(numa_all_nodes_ptr, text));
	return 0;
}

static int local_node(int32_t *node, const char *name)
{
	unsigned int here;

	if (getcpu(NULL, &here))
		return ringshm__refuse(errno, name, "", "the node of this processor: %s", ringshm__reason(errno));
	*node = (int32_t)here;
	return 0;
}

/* The kernel's form of config.node. */
static int policy_mask(int32_t node, unsigned long mask[static RINGSHM_NODES_MOST / WORD_BITS])
{
	memset(mask, 0, RINGSHM_NODES_MOST / 8);
	for (int i = 0; i <= numa_max_node() && i < RINGSHM_NODES_MOST; i++)
		if (node == RINGSHM_NODE_INTERLEAVE ? numa_bitmask_isbitset(numa_all_nodes_ptr, (unsigned int)i) :
						      i == node)
			mask[(size_t)i / WORD_BITS] |= 1ul << ((size_t)i % WORD_BITS);
	return node == RINGSHM_NODE_INTERLEAVE ? MPOL_INTERLEAVE : MPOL_BIND;
}

/*
 * MPOL_PREFERRED and not MPOL_BIND while allocating: a full node would otherwise call in the out-of-memory killer.
 * What lands elsewhere is moved, or refused, by node_settle().
 */
static int set_policy(int32_t node, const char *name, struct ringshm_node_policy *before)
{
	unsigned long mask[RINGSHM_NODES_MOST / WORD_BITS];
	int mode = policy_mask(node, mask) == MPOL_INTERLEAVE ? MPOL_INTERLEAVE : MPOL_PREFERRED;

	if (get_mempolicy(&before->mode, before->mask, RINGSHM_NODES_MOST, NULL, 0) ||
	    set_mempolicy(mode, mask, RINGSHM_NODES_MOST))
		return ringshm__refuse(errno, name, "", "memory policy of this thread: %s%s", ringshm__reason(errno),
				       errno == EPERM ? "; containers: docker run --cap-add SYS_NICE" : "");
	before->changed = 1;
	return 0;
}

int ringshm__node_enter(int32_t *node, const char *name, struct ringshm_node_policy *before)
{
	int error = 0;

	before->changed = 0;
	if (*node == RINGSHM_NODE_ANY)
		return 0;
	pthread_mutex_lock(&numa_lock);
	if (numa_available() < 0)
		error = ringshm__refuse(
			EOPNOTSUPP, name, "",
			"a node was asked for; the kernel has no NUMA, or this container may not ask (docker run --cap-add SYS_NICE)");
	if (!error && *node == RINGSHM_NODE_LOCAL)
		error = local_node(node, name);
	if (!error && *node != RINGSHM_NODE_INTERLEAVE)
		error = check_node(*node, name);
	if (!error)
		error = set_policy(*node, name, before);
	pthread_mutex_unlock(&numa_lock);
	return error;
}

void ringshm__node_leave(const struct ringshm_node_policy *before)
{
	/* cannot fail: the kernel gave us this policy itself */
	if (before->changed)
		set_mempolicy(before->mode, before->mask, RINGSHM_NODES_MOST);
}

/* The next allowed node behind `node`; there is one. */
static int next_node(int node)
{
	do
		node = node < numa_max_node() ? node + 1 : 0;
	while (!numa_bitmask_isbitset(numa_all_nodes_ptr, (unsigned int)node));
	return node;
}

void ringshm__node_deal(void *address, uint64_t size, uint64_t piece, int32_t node)
{
	unsigned long mask[RINGSHM_NODES_MOST / WORD_BITS];
	int turn = -1;

	if (node != RINGSHM_NODE_INTERLEAVE)
		return;
	pthread_mutex_lock(&numa_lock);
	for (uint64_t offset = 0; offset < size; offset += piece) {
		turn = next_node(turn);
		policy_mask(turn, mask);
		/* an attempt: node_settle() looks at what came of it */
		mbind((unsigned char *)address + offset, size - offset < piece ? size - offset : piece, MPOL_PREFERRED,
		      mask, RINGSHM_NODES_MOST, 0);
	}
	pthread_mutex_unlock(&numa_lock);
}

/* ---- where pages are ------------------------------------------------------------------------ */

static void count_batch(void **pages, const uint64_t *sizes, unsigned int count, uint64_t *bytes, unsigned int nodes,
			uint64_t *unknown)
{
	int status[BATCH];
	bool asked = !move_pages(0, count, pages, NULL, status, 0);

	for (unsigned int i = 0; i < count; i++)
		if (asked && status[i] >= 0 && (unsigned int)status[i] < nodes)
			bytes[status[i]] += sizes[i];
		else
			*unknown += sizes[i];
}

/* A rest behind the last whole huge page is in small ones (backend thp). */
void ringshm__node_count(void *address, uint64_t size, uint64_t page, uint64_t *bytes, unsigned int nodes,
			 uint64_t *unknown)
{
	void *pages[BATCH];
	uint64_t sizes[BATCH], small = ringshm__page(), step;
	unsigned int count = 0;

	memset(bytes, 0, nodes * sizeof(*bytes));
	*unknown = 0;
	for (uint64_t offset = 0; offset < size; offset += step) {
		step = size - offset >= page ? page : small;
		pages[count] = (unsigned char *)address + offset;
		sizes[count++] = step;
		if (count < BATCH && offset + step < size)
			continue;
		count_batch(pages, sizes, count, bytes, nodes, unknown);
		count = 0;
	}
}

static int refuse_elsewhere(uint64_t there, uint64_t size, int32_t node, const char *name)
{
	char got[24], all[24], left[24];
	long long free = 0;

	numa_node_size64(node, &free);
	return ringshm__refuse(ENOMEM, name, "",
			       "%s of %s came from node %d, where %s are free; free some there, or choose another node",
			       ringshm__bytes(there, got), ringshm__bytes(size, all), node,
			       ringshm__bytes((uint64_t)free, left));
}

/* Every allowed node has at least half of its fair share; a fair share of less than one page asks nothing. */
static int check_spread(const uint64_t *bytes, uint64_t size, uint64_t page, const char *name)
{
	unsigned int nodes = numa_bitmask_weight(numa_all_nodes_ptr);
	uint64_t fair = size / page / (nodes ? nodes : 1) * page;
	char got[24], share[24];

	for (int node = 0; node <= numa_max_node() && node < RINGSHM_NODES_MOST; node++)
		if (numa_bitmask_isbitset(numa_all_nodes_ptr, (unsigned int)node) && bytes[node] < fair / 2)
			return ringshm__refuse(
				ENOMEM, name, "",
				"node %d gave %s where %s were its share; free some there, or choose nodes", node,
				ringshm__bytes(bytes[node], got), ringshm__bytes(fair, share));
	return 0;
}

/* The policy stays with the memory, so that pages that are swapped out come back to where they were. */
int ringshm__node_settle(void *address, uint64_t size, uint64_t page, int32_t node, const char *name)
{
	unsigned long mask[RINGSHM_NODES_MOST / WORD_BITS];
	uint64_t bytes[RINGSHM_NODES_MOST], unknown;
	int mode, error = 0;

	if (node == RINGSHM_NODE_ANY)
		return 0;
	mode = policy_mask(node, mask);
	if (mbind(address, (unsigned long)size, mode, mask, RINGSHM_NODES_MOST, MPOL_MF_MOVE) && errno != EIO)
		return ringshm__refuse(errno, name, "", "bind memory to node %d: %s", node, ringshm__reason(errno));
	ringshm__node_count(address, size, page, bytes, RINGSHM_NODES_MOST, &unknown);
	pthread_mutex_lock(&numa_lock);
	if (mode == MPOL_INTERLEAVE)
		error = check_spread(bytes, size, page, name);
	else if (bytes[node] != size)
		error = refuse_elsewhere(bytes[node], size, node, name);
	pthread_mutex_unlock(&numa_lock);
	return error;
}

/* ---- what there is -------------------------------------------------------------------------- */

static uint32_t count_cpus(int node)
{
	struct bitmask *cpus = numa_allocate_cpumask();
	uint32_t count = cpus && !numa_node_to_cpus(node, cpus) ? numa_bitmask_weight(cpus) : 0;

	if (cpus)
		numa_free_cpumask(cpus);
	return count;
}

static int describe_node(int32_t node, struct ringshm_node_info *info)
{
	long long free = 0, memory;

	if (node < 0 || node > numa_max_node())
		return ringshm__fail(ERANGE, "node %d: the last one is %d", node, numa_max_node());
	if (!numa_bitmask_isbitset(numa_nodes_ptr, (unsigned int)node))
		return ringshm__fail(ENOENT, "node %d does not exist", node);
	memory = numa_node_size64(node, &free);
	info->node = node;
	info->memory = memory > 0 ? (uint64_t)memory : 0;
	info->free = free > 0 ? (uint64_t)free : 0;
	info->cpus = count_cpus(node);
	info->allowed = numa_bitmask_isbitset(numa_all_nodes_ptr, (unsigned int)node) != 0;
	return 0;
}

int ringshm_node_info(int32_t node, struct ringshm_node_info *out)
{
	struct ringshm_node_info info = {0};
	uint32_t size = out ? out->size : 0;
	int error;

	if (size < sizeof(uint32_t))
		return ringshm__fail(EINVAL, "node: set info.size to sizeof(struct ringshm_node_info)");
	pthread_mutex_lock(&numa_lock);
	error = numa_works("nodes");
	if (!error)
		error = describe_node(node, &info);
	pthread_mutex_unlock(&numa_lock);
	if (error)
		return error;
	info.size = size < sizeof(info) ? size : sizeof(info);
	memcpy(out, &info, info.size);
	return 0;
}

int ringshm_node_distance(int32_t from, int32_t to)
{
	int distance, error;

	pthread_mutex_lock(&numa_lock);
	error = numa_works("distances");
	distance = error ? 0 : numa_distance(from, to);
	pthread_mutex_unlock(&numa_lock);
	if (error)
		return error;
	return distance > 0 ? distance : ringshm__fail(ENOENT, "distance of nodes %d and %d: not known", from, to);
}

int ringshm_node_of_cpu(int cpu)
{
	int node, error;

	pthread_mutex_lock(&numa_lock);
	error = numa_works("node of a CPU");
	node = error || cpu < 0 ? -1 : numa_node_of_cpu(cpu);
	pthread_mutex_unlock(&numa_lock);
	if (error)
		return error;
	return node >= 0 ? node : ringshm__fail(ENOENT, "node of CPU %d: there is no such CPU", cpu);
}

#endif /* HAVE_LIBNUMA */

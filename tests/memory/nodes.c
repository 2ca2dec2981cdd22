/* SPDX-License-Identifier: MIT */
/* NUMA: memory on the node that was asked for, every backend, and what there is to know of nodes. Prints TAP. */
#include "machine.h"

#include "tap.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MASK_BITS 1024
#define MASK_WORDS (MASK_BITS / (8 * sizeof(unsigned long)))

/* ---- a planted fault ------------------------------------------------------------------------ */

static bool lying;

/*
 * In the place of libnuma's: where pages are. When lying it has one page on a node where nothing was put, as a kernel
 * would that could not do what it was asked.
 */
long move_pages(int pid, unsigned long count, void **pages, const int *nodes, int *status, int flags);

__attribute__((visibility("default"))) long move_pages(int pid, unsigned long count, void **pages, const int *nodes,
						       int *status, int flags)
{
	long result = syscall(SYS_move_pages, pid, count, pages, nodes, status, flags);

	if (lying && !result && status)
		status[count - 1] = 63;
	return result;
}

/* ---- placing -------------------------------------------------------------------------------- */

struct place {
	uint32_t backend;
	uint64_t page_size;
	bool named;
	bool pool;
};

static const struct place places[] = {
	{RINGSHM_BACKEND_SHM, 0, true, false},	    {RINGSHM_BACKEND_MEMFD, 0, false, false},
	{RINGSHM_BACKEND_THP, 0, true, false},	    {RINGSHM_BACKEND_SYSV, 0, true, false},
	{RINGSHM_BACKEND_MEMFD, HUGE, false, true}, {RINGSHM_BACKEND_HUGETLBFS, 0, true, true},
	{RINGSHM_BACKEND_SYSV, HUGE, true, true},
};

static struct ringshm *make(const struct place *place, int32_t node)
{
	struct ringshm_config config;
	struct ringshm *channel = NULL;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 8 * MIB;
	config.backend = place->backend;
	config.page_size = place->page_size;
	config.node = node;
	if (ringshm_create(&channel, place->named ? "node" : NULL, &config))
		tap_note("%s", ringshm_last_error());
	return channel;
}

static void drop(const struct place *place, struct ringshm *channel)
{
	ringshm_close(channel);
	if (place->named)
		ringshm_unlink("node");
}

static uint64_t sum(const uint64_t bytes[static RINGSHM_PLACEMENT_NODES])
{
	uint64_t all = 0;

	for (unsigned int i = 0; i < RINGSHM_PLACEMENT_NODES; i++)
		all += bytes[i];
	return all;
}

/* All of it there and known, and the header says so. */
static bool stands_on(struct ringshm *channel, int32_t node)
{
	struct ringshm_placement p = {.size = sizeof(p)};
	struct ringshm_info info = {.size = sizeof(info)};

	if (!channel || ringshm_info(channel, &info) || ringshm_placement(channel, &p))
		return false;
	if (info.node == node && !p.unknown_bytes && p.data_bytes[node] == info.data_size &&
	    p.control_bytes[node] == info.ctl_size + info.cons_size)
		return true;
	tap_note("node %d: header %d, %llu of %llu data bytes, %llu of %llu control bytes, %llu unknown", node,
		 info.node, (unsigned long long)p.data_bytes[node], (unsigned long long)info.data_size,
		 (unsigned long long)p.control_bytes[node], (unsigned long long)(info.ctl_size + info.cons_size),
		 (unsigned long long)p.unknown_bytes);
	return false;
}

static void place_on(const struct place *place, int32_t node)
{
	struct ringshm *channel = make(place, node);
	char question[96];

	snprintf(question, sizeof(question), "%s%s: all of it on node %d", ringshm_backend_name(place->backend),
		 place->page_size ? ", huge" : "", node);
	tap_ok(stands_on(channel, node), question);
	drop(place, channel);
}

static bool has_memory(int32_t node, uint64_t *free)
{
	struct ringshm_node_info info = {.size = sizeof(info)};

	if (ringshm_node_info(node, &info) || !info.memory || !info.allowed || node >= RINGSHM_PLACEMENT_NODES)
		return false;
	if (free)
		*free = info.free;
	return true;
}

/* Whether every node with memory has a share of at least half the fair one. */
static bool is_spread(struct ringshm *channel)
{
	struct ringshm_placement p = {.size = sizeof(p)};
	struct ringshm_info info = {.size = sizeof(info)};
	uint64_t nodes = 0;

	if (!channel || ringshm_info(channel, &info) || ringshm_placement(channel, &p) ||
	    info.node != RINGSHM_NODE_INTERLEAVE || sum(p.data_bytes) != info.data_size)
		return false;
	for (int32_t node = 0; node < RINGSHM_PLACEMENT_NODES; node++)
		nodes += has_memory(node, NULL);
	for (int32_t node = 0; node < RINGSHM_PLACEMENT_NODES; node++)
		if (has_memory(node, NULL) &&
		    p.data_bytes[node] < info.data_size / p.page_size / nodes * p.page_size / 2) {
			tap_note("node %d has %llu of %llu", node, (unsigned long long)p.data_bytes[node],
				 (unsigned long long)info.data_size);
			return false;
		}
	return true;
}

/* The node of this thread, which from here on it does not leave; -1: nobody knows. */
static int32_t stay(cpu_set_t *before)
{
	unsigned int cpu, node;
	cpu_set_t one;

	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof(*before), before) || getcpu(&cpu, NULL))
		return -1;
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one) || getcpu(NULL, &node))
		return -1;
	return (int32_t)node;
}

static void try_place(const struct place *place)
{
	struct ringshm *channel;
	cpu_set_t before;
	int32_t here;
	char question[96];

	for (int32_t node = 0; node < RINGSHM_PLACEMENT_NODES; node++)
		if (has_memory(node, NULL))
			place_on(place, node);
	snprintf(question, sizeof(question), "%s%s: over all nodes in turn", ringshm_backend_name(place->backend),
		 place->page_size ? ", huge" : "");
	channel = make(place, RINGSHM_NODE_INTERLEAVE);
	tap_ok(is_spread(channel), question);
	drop(place, channel);
	snprintf(question, sizeof(question), "%s%s: on the node of this thread", ringshm_backend_name(place->backend),
		 place->page_size ? ", huge" : "");
	here = stay(&before);
	channel = make(place, RINGSHM_NODE_LOCAL);
	tap_ok(here >= 0 && stands_on(channel, here), question);
	sched_setaffinity(0, sizeof(before), &before);
	drop(place, channel);
}

static void refuse_what_is_elsewhere(const struct place *place)
{
	struct ringshm *channel;
	char question[96];

	lying = true;
	channel = make(place, 0);
	lying = false;
	snprintf(question, sizeof(question), "%s%s: a page elsewhere is noticed, and nothing is left",
		 ringshm_backend_name(place->backend), place->page_size ? ", huge" : "");
	tap_ok(!channel && strstr(ringshm_last_error(), "came from node 0") && !machine_files(ringshm_directory()),
	       question);
	if (channel)
		drop(place, channel);
}

/* ---- policies ------------------------------------------------------------------------------- */

/* The thread's own policy is as before, whether it had one or not, and also after a refusal. */
static bool policy_stays(int mode, int32_t node)
{
	unsigned long set[MASK_WORDS] = {mode == MPOL_DEFAULT ? 0 : 1}, got[MASK_WORDS] = {0};
	struct ringshm *channel;
	int now = -1;

	if (syscall(SYS_set_mempolicy, mode, mode == MPOL_DEFAULT ? NULL : set, mode == MPOL_DEFAULT ? 0 : MASK_BITS))
		return false;
	channel = make(&places[0], node);
	if (channel)
		drop(&places[0], channel);
	if (syscall(SYS_get_mempolicy, &now, got, MASK_BITS, NULL, 0))
		return false;
	syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0);
	return now == mode && got[0] == set[0];
}

/* Pages that are swapped out shall come back to the same node: the memory itself has the policy. */
static bool memory_keeps_policy(void)
{
	struct ringshm *channel = make(&places[0], 0);
	struct ringshm_spsc_producer producer;
	bool bound = false;
	char line[512];
	FILE *maps;

	if (!channel || ringshm_spsc_producer_open(&producer, channel))
		return false;
	maps = fopen("/proc/self/numa_maps", "r");
	while (maps && fgets(line, sizeof(line), maps))
		bound = bound || (strstr(line, "bind:0") && strstr(line, "node/data"));
	if (maps)
		fclose(maps);
	ringshm_spsc_producer_close(&producer);
	drop(&places[0], channel);
	return bound;
}

/* ---- refusals and topology ------------------------------------------------------------------ */

static bool refused(int32_t node, int error, const char *words)
{
	struct ringshm_config config;
	struct ringshm *channel = NULL;
	int got;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 65536;
	config.node = node;
	got = ringshm_create(&channel, "nowhere", &config);
	if (got == error && strstr(ringshm_last_error(), words))
		return true;
	tap_note("%d: %s", got, ringshm_last_error());
	return false;
}

static void topology(void)
{
	struct ringshm_node_info info = {.size = sizeof(info)};
	unsigned int cpu, node;
	uint64_t cpus = 0;
	int32_t last = 0;

	for (int32_t n = 0; ringshm_node_info(n, &info) != -ERANGE; n++) {
		cpus += info.cpus;
		last = n;
		tap_note("node %d: %llu MiB, %llu MiB free, %u CPUs", n, (unsigned long long)(info.memory >> 20),
			 (unsigned long long)(info.free >> 20), info.cpus);
	}
	tap_ok(!ringshm_node_info(0, &info) && info.memory && info.free <= info.memory, "node 0 has memory");
	tap_ok(cpus == (uint64_t)sysconf(_SC_NPROCESSORS_ONLN), "every CPU belongs to a node");
	tap_ok(!getcpu(&cpu, &node) && ringshm_node_of_cpu((int)cpu) == (int)node, "a CPU's node is the kernel's");
	tap_ok(ringshm_node_of_cpu(100000) == -ENOENT && ringshm_node_of_cpu(-1) == -ENOENT, "a CPU that there is not");
	tap_ok(ringshm_node_distance(0, 0) == 10, "a node is 10 from itself");
	tap_ok(ringshm_node_distance(0, last + 1) == -ENOENT, "a distance that nobody knows");
	tap_ok(last == 0 || ringshm_node_distance(0, last) > 10, "another node is farther");
	tap_ok(refused(last + 1, -ENODEV, "does not exist; this machine has: 0"),
	       "a node that there is not: the sentence names those there are");
	tap_ok(refused(100000, -ENODEV, "does not exist"), "a node beyond all numbers");
}

static int without_libnuma(void)
{
	tap_ok(refused(0, -EOPNOTSUPP, "libnuma-dev"), "without libnuma a node is refused, and the sentence says why");
	tap_ok(refused(RINGSHM_NODE_LOCAL, -EOPNOTSUPP, "libnuma-dev"), "so is the local one");
	tap_ok(ringshm_node_of_cpu(0) == -EOPNOTSUPP && ringshm_node_distance(0, 0) == -EOPNOTSUPP,
	       "so are questions about nodes");
	return tap_done();
}

static int tests(void)
{
	struct ringshm_node_info info = {.size = sizeof(info)};
	uint64_t pages = 0;

	if (ringshm_node_info(0, &info) == -EOPNOTSUPP)
		return without_libnuma();
	topology();
	if (!machine_refusal()) {
		pages = machine_pool(64);
		machine_mount();
	}
	for (unsigned int i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (places[i].pool && pages < 32) {
			tap_skip("a node for huge pages", machine_refusal() ? machine_refusal() : "too few huge pages");
		} else {
			try_place(&places[i]);
			refuse_what_is_elsewhere(&places[i]);
		}
	tap_ok(policy_stays(MPOL_DEFAULT, 0), "a thread without a policy has none afterwards");
	tap_ok(policy_stays(MPOL_INTERLEAVE, 0), "a thread with a policy has the same afterwards");
	tap_ok(policy_stays(MPOL_PREFERRED, 100000), "also when the node was refused");
	tap_ok(memory_keeps_policy(), "the memory keeps the policy");
	tap_ok(machine_is_clean(), "nothing is left of all this");
	return tap_done();
}

int main(void)
{
	return machine_run(tests);
}

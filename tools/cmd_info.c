// SPDX-License-Identifier: MIT
/* ringshm info: what this machine offers channels, what `auto` would take, and how to mend the rest. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "command.h"
#include "options.h"
#include "report.h"

#define NODES_MOST 1024
#define TRIALS_MOST 16

struct info_request {
	uint64_t capacity;
	uint64_t page_size;
	bool json;
};

enum {
	KEY_PAGES = 256,
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct info_request *r = state->input;

	switch (key) {
	case 'c':
		r->capacity = option_number(state, "--capacity", arg, 64, UINT64_C(1) << 40);
		return 0;
	case KEY_PAGES:
		r->page_size = option_number(state, "--pages", arg, 4096, UINT64_C(1) << 34);
		return 0;
	case 'j':
		r->json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "info is about the machine; for the channel '%s' there is 'ringshm stat'", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{"capacity", 'c', "BYTES", 0, "Of the ring that 'auto' is asked about, a power of two (default 2M)", 0},
	{"pages", KEY_PAGES, "BYTES", 0, "Page size that it shall have (default: any)", 0},
	{"json", 'j', NULL, 0, "Print a JSON object", 0},
	{0},
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Show what this machine offers channels: page sizes and pools of huge pages, mounts, NUMA nodes and "
	       "their distances, limits; then which memory 'auto' would take now, why not the better ones, and the "
	       "commands that mend that.\v"
	       "The last part is found out by really taking the memory and giving it back at once.",
};

/* ---- gathered as JSON, printed from it ------------------------------------------------------ */

static json_t *integer(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *pools(int32_t node)
{
	json_t *array = json_array();

	for (unsigned int i = 0;; i++) {
		struct ringshm_pool_info p = {.size = sizeof(p)};

		if (ringshm_pool_info(i, node, &p))
			return array;
		json_array_append_new(array, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "page_size",
						       integer(p.page_size), "total", integer(p.total), "free",
						       integer(p.free), "reserved", integer(p.reserved), "surplus",
						       integer(p.surplus), "overcommit", integer(p.overcommit)));
	}
}

static json_t *mounts(void)
{
	json_t *array = json_array();

	for (unsigned int i = 0;; i++) {
		struct ringshm_mount_info m = {.size = sizeof(m)};

		if (ringshm_mount_info(i, &m))
			return array;
		json_array_append_new(array, json_pack("{s:s, s:o, s:o, s:b}", "path", m.path, "page_size",
						       integer(m.page_size), "limit", integer(m.limit), "writable",
						       (int)m.writable));
	}
}

/* Distances to the nodes that there are, by number. */
static json_t *distances(int32_t from)
{
	json_t *object = json_object();
	char key[12];

	for (int32_t to = 0; to < NODES_MOST; to++) {
		struct ringshm_node_info n = {.size = sizeof(n)};
		int error = ringshm_node_info(to, &n), distance;

		if (error && error != -ENOENT)
			break;
		distance = error ? error : ringshm_node_distance(from, to);
		snprintf(key, sizeof(key), "%d", (int)to);
		if (distance > 0)
			json_object_set_new(object, key, json_integer(distance));
	}
	return object;
}

static json_t *nodes(void)
{
	json_t *array = json_array();

	for (int32_t node = 0; node < NODES_MOST; node++) {
		struct ringshm_node_info n = {.size = sizeof(n)};
		int error = ringshm_node_info(node, &n);

		if (error && error != -ENOENT)
			break;
		if (!error)
			json_array_append_new(array, json_pack("{s:i, s:o, s:o, s:i, s:b, s:o, s:o}", "node", (int)node,
							       "memory", integer(n.memory), "free", integer(n.free),
							       "cpus", (int)n.cpus, "allowed", (int)n.allowed,
							       "distances", distances(node), "pools", pools(node)));
	}
	return array;
}

/* The first number or line of a small file of the kernel's; null when there is none. */
static json_t *kernel_word(const char *path)
{
	FILE *in = fopen(path, "re");
	char text[256] = "";
	json_t *word;

	if (!in)
		return json_null();
	if (!fgets(text, sizeof(text), in))
		*text = 0;
	fclose(in);
	text[strcspn(text, "\n")] = 0;
	word = json_string(text);
	return word ? word : json_null();
}

static json_t *limit(int resource)
{
	struct rlimit l;

	if (getrlimit((__rlimit_resource_t)resource, &l) || l.rlim_cur == RLIM_INFINITY)
		return json_null();
	return integer(l.rlim_cur);
}

static json_t *limits(void)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "memlock", limit(RLIMIT_MEMLOCK), "nofile",
			 limit(RLIMIT_NOFILE), "shmmax", kernel_word("/proc/sys/kernel/shmmax"), "shmall",
			 kernel_word("/proc/sys/kernel/shmall"), "shmmni", kernel_word("/proc/sys/kernel/shmmni"),
			 "hugetlb_shm_group", kernel_word("/proc/sys/vm/hugetlb_shm_group"), "thp_shmem",
			 kernel_word("/sys/kernel/mm/transparent_hugepage/shmem_enabled"));
}

/* The directory of the channels, or its parent while nobody has made one. */
static json_t *directory(void)
{
	const char *path = ringshm_directory();
	struct statvfs fs;
	json_t *o = json_pack("{s:s}", "path", path);

	if (statvfs(path, &fs) && statvfs("/dev/shm", &fs))
		return o;
	json_object_set_new(o, "size", integer((uint64_t)fs.f_blocks * fs.f_frsize));
	json_object_set_new(o, "free", integer((uint64_t)fs.f_bavail * fs.f_frsize));
	return o;
}

/* What `auto` would try, in its order; NULL: it refused the question, and that was said. */
static json_t *trials(const struct info_request *r, int anonymous)
{
	struct ringshm_backend_trial all[TRIALS_MOST] = {{.size = sizeof(all[0])}};
	struct ringshm_config config;
	json_t *array;
	int n;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = r->capacity;
	config.page_size = r->page_size;
	n = ringshm_backend_report(&config, anonymous, all, TRIALS_MOST);
	if (n < 0) {
		report_library_failure(n);
		return NULL;
	}
	array = json_array();
	for (int i = 0; i < n && i < TRIALS_MOST; i++)
		json_array_append_new(array, report_trial(&all[i]));
	return array;
}

static json_t *gather(const struct info_request *r)
{
	json_t *named = trials(r, 0), *anonymous = named ? trials(r, 1) : NULL;

	if (!anonymous) {
		json_decref(named);
		return NULL;
	}
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:o, s:o, s:o}}", "version", ringshm_version(),
			 "page_size", integer((uint64_t)sysconf(_SC_PAGESIZE)), "directory", directory(), "pools",
			 pools(RINGSHM_NODE_ANY), "mounts", mounts(), "nodes", nodes(), "limits", limits(), "auto",
			 "capacity", integer(r->capacity), "named", named, "anonymous", anonymous);
}

/* ---- as text -------------------------------------------------------------------------------- */

static uint64_t number_of(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "none";
}

/* "1.5 GiB": rounded, for what is only to be looked at. */
static const char *roughly(char *text, uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double n = (double)bytes;
	unsigned int u = 0;

	for (; u < 4 && n >= 1024; u++)
		n /= 1024;
	snprintf(text, 32, "%.*f %s", n < 10 && u ? 1 : 0, n, units[u]);
	return text;
}

static void pools_text(const json_t *pools)
{
	char size[32];

	for (size_t i = 0; i < json_array_size(pools); i++) {
		const json_t *p = json_array_get(pools, i);

		printf("pool          pages of %s: %" PRIu64 ", of them %" PRIu64 " free, %" PRIu64
		       " promised; %" PRIu64 " more on demand\n",
		       report_bytes(size, number_of(p, "page_size")), number_of(p, "total"), number_of(p, "free"),
		       number_of(p, "reserved"), number_of(p, "overcommit"));
	}
	if (!json_array_size(pools))
		puts("pool          none: this kernel has no pools of huge pages");
}

static void mounts_text(const json_t *mounts)
{
	char size[32];

	for (size_t i = 0; i < json_array_size(mounts); i++) {
		const json_t *m = json_array_get(mounts, i);

		printf("hugetlbfs     %s, pages of %s%s\n", text_of(m, "path"),
		       report_bytes(size, number_of(m, "page_size")),
		       json_is_true(json_object_get(m, "writable")) ? "" : ", not writable for you");
	}
	if (!json_array_size(mounts))
		puts("hugetlbfs     not mounted");
}

static void node_text(const json_t *n)
{
	const json_t *distances = json_object_get(n, "distances");
	char memory[32], left[32];
	const char *to;
	json_t *distance;

	printf("node %-8" PRIu64 " %s, %s free, %" PRIu64 " CPUs%s; distances", number_of(n, "node"),
	       roughly(memory, number_of(n, "memory")), roughly(left, number_of(n, "free")), number_of(n, "cpus"),
	       json_is_true(json_object_get(n, "allowed")) ? "" : ", forbidden to you");
	json_object_foreach((json_t *)(uintptr_t)distances, to, distance)
		printf(" %s:%d", to, (int)json_integer_value(distance));
	putchar('\n');
}

static void nodes_text(const json_t *nodes)
{
	for (size_t i = 0; i < json_array_size(nodes); i++)
		node_text(json_array_get(nodes, i));
	if (!json_array_size(nodes))
		puts("nodes         not known: the library was built without libnuma");
}

static void limits_text(const json_t *limits)
{
	const json_t *memlock = json_object_get(limits, "memlock");
	char size[32];

	printf("limits        memory locked %s, open files %" PRIu64 "\n",
	       json_is_null(memlock) ? "unlimited" : roughly(size, number_of(limits, "memlock")),
	       number_of(limits, "nofile"));
	printf("System V      shmmax %s bytes, shmall %s pages, shmmni %s segments, hugetlb_shm_group %s\n",
	       text_of(limits, "shmmax"), text_of(limits, "shmall"), text_of(limits, "shmmni"),
	       text_of(limits, "hugetlb_shm_group"));
	printf("tmpfs         transparent huge pages %s\n", text_of(limits, "thp_shmem"));
}

static void auto_text(const json_t *trials, const char *what, uint64_t capacity)
{
	const char *taken = "nothing";
	char size[32];

	for (size_t i = json_array_size(trials); i-- > 0;)
		if (json_is_true(json_object_get(json_array_get(trials, i), "works")))
			taken = text_of(json_array_get(trials, i), "backend");
	printf("\nauto, for %s ring of %s, takes %s:\n", what, report_bytes(size, capacity), taken);
	for (size_t i = 0; i < json_array_size(trials); i++)
		report_trial_text(json_array_get(trials, i));
}

static int print_text(const json_t *all)
{
	const json_t *place = json_object_get(all, "directory"), *choice = json_object_get(all, "auto");
	char size[32], left[32];

	printf("ringshm       %s\n", text_of(all, "version"));
	printf("channels      %s: %s, %s free\n", text_of(place, "path"), roughly(size, number_of(place, "size")),
	       roughly(left, number_of(place, "free")));
	printf("pages         %s\n", report_bytes(size, number_of(all, "page_size")));
	pools_text(json_object_get(all, "pools"));
	mounts_text(json_object_get(all, "mounts"));
	nodes_text(json_object_get(all, "nodes"));
	limits_text(json_object_get(all, "limits"));
	auto_text(json_object_get(choice, "named"), "a named", number_of(choice, "capacity"));
	auto_text(json_object_get(choice, "anonymous"), "an anonymous", number_of(choice, "capacity"));
	return report_end();
}

int cmd_info(int argc, char **argv)
{
	struct info_request r = {.capacity = UINT64_C(2) << 20};
	json_t *all;
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, &r);
	all = gather(&r);
	if (!all)
		return EXIT_FAILED;
	if (r.json)
		return report_json(all);
	code = print_text(all);
	json_decref(all);
	return code;
}

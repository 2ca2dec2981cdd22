// SPDX-License-Identifier: MIT
/* Who maps a channel: /proc/PID/maps searched for its files, smaps and numa_maps read where they are. */
#include "mappings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <ringshm/kmod.h>
#include <ringshm/ringshm.h>

#include "command.h"
#include "report.h"

/* How a file of the channel is known again in a list of mappings. */
struct identity {
	const char *file;
	dev_t device;
	ino_t inode;
};

struct channel {
	struct identity files[4];
	unsigned int n;
	char segment[24]; /* how a System V segment is called there; "" when there is none */
	char uuid[33];	  /* in the name of a file in hugetlbfs */
};

struct search {
	struct channel channel;
	void (*visit)(const struct mapping *mapping, void *context);
	void *context;
	unsigned int unseen;
};

/* ---- what to look for ----------------------------------------------------------------------- */

static void identify(struct channel *c, const char *file, int fd)
{
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return;
	c->files[c->n++] = (struct identity){file, status.st_dev, status.st_ino};
}

static void identify_region(struct channel *c)
{
	struct ringshm_kmod_open request = {.size = sizeof(request), .flags = RINGSHM_KMOD_RDONLY};
	int device = open(RINGSHM_KMOD_DEVICE, O_RDONLY | O_CLOEXEC), fd;

	if (device < 0)
		return;
	snprintf(request.name, sizeof(request.name), "%s", c->uuid);
	fd = ioctl(device, RINGSHM_KMOD_OPEN, &request);
	identify(c, "data", fd);
	if (fd >= 0)
		close(fd);
	close(device);
}

/* The key of a System V segment stands in the header; the library has checked the header when it opened. */
static void identify_outside(struct channel *c, int ctl, const struct ringshm_info *info)
{
	struct ringshm_header header;

	for (unsigned int i = 0; i < RINGSHM_UUID_SIZE; i++)
		snprintf(c->uuid + 2 * i, 3, "%02x", info->uuid[i]);
	if (info->backend == RINGSHM_BACKEND_KMOD)
		identify_region(c);
	if (info->backend == RINGSHM_BACKEND_SYSV && pread(ctl, &header, sizeof(header), 0) == (ssize_t)sizeof(header))
		snprintf(c->segment, sizeof(c->segment), "/SYSV%08" PRIx32, (uint32_t)header.backend_key);
}

static void identify_files(struct channel *c, const char *name, const struct ringshm_info *info)
{
	static const char *const files[] = {"ctl", "cons", "data"};
	char path[4096 + 256];

	for (unsigned int i = 0; i < 3; i++) {
		int fd;

		snprintf(path, sizeof(path), "%.4095s/%.200s/%s", ringshm_directory(), name, files[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		identify(c, files[i], fd);
		if (!i)
			identify_outside(c, fd, info);
		if (fd >= 0)
			close(fd);
	}
}

static int find_channel(struct channel *c, const char *name)
{
	struct ringshm_info info = {.size = sizeof(info)};
	struct ringshm *channel;
	int error = report_open(&channel, name);

	if (!error) {
		error = ringshm_info(channel, &info);
		ringshm_close(channel);
	}
	if (error)
		return report_library_failure(error);
	identify_files(c, name, &info);
	return EXIT_DONE;
}

/* ---- one line of maps or smaps -------------------------------------------------------------- */

struct line {
	uint64_t start;
	uint64_t end;
	char perms[8];
	dev_t device;
	ino_t inode;
	const char *path;
};

static bool parse_line(const char *text, struct line *line)
{
	unsigned int major_number, minor_number;
	uint64_t inode;
	int at = 0;

	if (sscanf(text, "%" SCNx64 "-%" SCNx64 " %7s %*x %x:%x %" SCNu64 " %n", &line->start, &line->end, line->perms,
		   &major_number, &minor_number, &inode, &at) < 6 ||
	    !at)
		return false;
	line->device = makedev(major_number, minor_number);
	line->inode = (ino_t)inode;
	line->path = text + at;
	return true;
}

/* Which of the channel's files it maps, or NULL. */
static const char *file_of(const struct channel *c, const struct line *line)
{
	for (unsigned int i = 0; i < c->n; i++)
		if (c->files[i].inode == line->inode && c->files[i].device == line->device)
			return c->files[i].file;
	if (*c->segment && !strncmp(line->path, c->segment, strlen(c->segment)))
		return "data";
	return strstr(line->path, "/ringshm.") && strstr(line->path, c->uuid) ? "data" : NULL;
}

/* ---- what is known about a mapping ---------------------------------------------------------- */

static FILE *open_proc(pid_t pid, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	return fopen(path, "re");
}

/* "Rss:   68 kB": adds up, for some things have two names. */
static void add_figure(const char *text, const char *name, uint64_t *bytes)
{
	size_t length = strlen(name);

	if (!strncmp(text, name, length) && text[length] == ':')
		*bytes += strtoull(text + length + 1, NULL, 10) << 10;
}

static void read_smaps(struct mapping *m)
{
	FILE *in = open_proc(m->pid, "smaps");
	struct line line;
	bool here = false;
	char text[4200];

	while (in && fgets(text, sizeof(text), in)) {
		if (parse_line(text, &line)) {
			if (here)
				break;
			here = line.start == m->start;
			continue;
		}
		if (!here)
			continue;
		add_figure(text, "KernelPageSize", &m->page_size);
		add_figure(text, "Rss", &m->resident);
		add_figure(text, "Shared_Hugetlb", &m->resident);
		add_figure(text, "Private_Hugetlb", &m->resident);
		add_figure(text, "ShmemPmdMapped", &m->huge);
		add_figure(text, "FilePmdMapped", &m->huge);
	}
	if (in)
		fclose(in);
}

/* " N0=512 N1=3": pages of kernelpagesize_kB by node. */
static void read_nodes(struct mapping *m, const char *text)
{
	const char *size = strstr(text, "kernelpagesize_kB=");
	uint64_t page = size ? strtoull(size + strlen("kernelpagesize_kB="), NULL, 10) << 10 : m->page_size;

	for (text = strstr(text, " N"); text; text = strstr(text + 1, " N")) {
		char *end;
		unsigned long node = strtoul(text + 2, &end, 10);

		if (*end == '=' && end != text + 2 && node < MAPPING_NODES)
			m->node_bytes[node] += strtoull(end + 1, NULL, 10) * page;
	}
	m->nodes_known = 1;
}

static void read_numa_maps(struct mapping *m)
{
	FILE *in = open_proc(m->pid, "numa_maps");
	char text[4200];

	while (in && fgets(text, sizeof(text), in))
		if (strtoull(text, NULL, 16) == m->start) {
			read_nodes(m, text);
			break;
		}
	if (in)
		fclose(in);
}

/* ---- the walk ------------------------------------------------------------------------------- */

/* What tmpfs maps by one entry where it can. */
static uint64_t transparent_page(void)
{
	FILE *in = fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "re");
	uint64_t size = 0;

	if (in) {
		if (fscanf(in, "%" SCNu64, &size) != 1)
			size = 0;
		fclose(in);
	}
	return size;
}

static void show(const struct search *s, pid_t pid, const struct line *line, const char *file)
{
	struct mapping m = {.pid = pid, .file = file, .start = line->start, .end = line->end};

	memcpy(m.perms, line->perms, sizeof(m.perms));
	read_smaps(&m);
	read_numa_maps(&m);
	if (m.page_size > (uint64_t)sysconf(_SC_PAGESIZE))
		m.huge = m.resident;
	else if (m.huge)
		m.page_size = transparent_page();
	s->visit(&m, s->context);
}

static void search_process(struct search *s, pid_t pid)
{
	FILE *in = open_proc(pid, "maps");
	struct line line;
	char text[4200];

	if (!in) {
		s->unseen += errno == EACCES || errno == EPERM;
		return;
	}
	while (fgets(text, sizeof(text), in)) {
		const char *file = parse_line(text, &line) ? file_of(&s->channel, &line) : NULL;

		if (file)
			show(s, pid, &line, file);
	}
	s->unseen += ferror(in) && (errno == EACCES || errno == EPERM);
	fclose(in);
}

int mappings_walk(const char *channel, void (*visit)(const struct mapping *mapping, void *context), void *context,
		  unsigned int *unseen)
{
	struct search search = {.visit = visit, .context = context};
	int code = find_channel(&search.channel, channel);
	struct dirent *entry;
	DIR *proc;

	if (code)
		return code;
	proc = opendir("/proc");
	if (!proc)
		return report_failure("/proc, which knows who maps what: %m");
	while ((entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && pid != getpid())
			search_process(&search, pid);
	}
	closedir(proc);
	*unseen = search.unseen;
	return EXIT_DONE;
}

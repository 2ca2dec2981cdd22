/* SPDX-License-Identifier: MIT */
/* Backend auto: what it takes on machines that offer more and less, and the account it gives. Prints TAP. */
#include "machine.h"

#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define MOST 8

/* What the machine offers, what is asked for, what must come of it. */
struct scene {
	const char *question;
	bool named;
	bool mounted;	  /* a hugetlbfs */
	uint64_t pool;	  /* pages in it */
	bool without_thp; /* transparent huge pages switched off for the process */
	uint64_t capacity;
	uint64_t page_size; /* asked */
	uint32_t backend;   /* taken */
	uint64_t page;	    /* obtained */
};

static const struct scene scenes[] = {
	{"named, large, pool and mount: hugetlbfs", true, true, 8, false, 4 * MIB, 0, RINGSHM_BACKEND_HUGETLBFS, HUGE},
	{"named, large, pool too small: thp", true, true, 2, false, 4 * MIB, 0, RINGSHM_BACKEND_THP, HUGE},
	{"named, large, no mount: thp", true, false, 8, false, 4 * MIB, 0, RINGSHM_BACKEND_THP, HUGE},
	{"named, large, no mount, no thp: sysv", true, false, 8, true, 4 * MIB, 0, RINGSHM_BACKEND_SYSV, HUGE},
	{"named, large, nothing huge: shm", true, false, 0, true, 4 * MIB, 0, RINGSHM_BACKEND_SHM, 4096},
	{"named, just half a huge page: huge", true, true, 8, false, MIB, 0, RINGSHM_BACKEND_HUGETLBFS, HUGE},
	{"named, less than half a huge page: shm", true, true, 8, false, MIB / 2, 0, RINGSHM_BACKEND_SHM, 4096},
	{"named, small, 2 MiB asked: hugetlbfs", true, true, 8, false, 16384, HUGE, RINGSHM_BACKEND_HUGETLBFS, HUGE},
	{"named, small, 2 MiB asked, no pool: thp", true, true, 0, false, 16384, HUGE, RINGSHM_BACKEND_THP, HUGE},
	{"named, large, 4 KiB asked: shm", true, true, 8, false, 4 * MIB, 4096, RINGSHM_BACKEND_SHM, 4096},
	{"anonymous, large, pool: memfd in huge pages", false, true, 8, false, 4 * MIB, 0, RINGSHM_BACKEND_MEMFD, HUGE},
	{"anonymous, large, no pool: thp", false, true, 0, false, 4 * MIB, 0, RINGSHM_BACKEND_THP, HUGE},
	{"anonymous, large, nothing huge: memfd", false, true, 0, true, 4 * MIB, 0, RINGSHM_BACKEND_MEMFD, 4096},
	{"anonymous, small: memfd", false, true, 8, false, 65536, 0, RINGSHM_BACKEND_MEMFD, 4096},
};

static void configure(struct ringshm_config *config, const struct scene *scene)
{
	ringshm_config_init(config, RINGSHM_SPSC);
	config->capacity = scene->capacity;
	config->page_size = scene->page_size;
}

/* Each trial before the last was refused with a reason; the last one is what the channel got. */
static bool account_fits(const struct ringshm_backend_trial *trials, int count, const struct scene *scene)
{
	for (int i = 0; i < count - 1; i++)
		if (!trials[i].error || !trials[i].reason[0])
			return false;
	return count > 0 && count <= MOST && !trials[count - 1].error && !trials[count - 1].reason[0] &&
	       trials[count - 1].backend == scene->backend && trials[count - 1].page_size == scene->page;
}

static void note_account(const struct ringshm_backend_trial *trials, int count)
{
	for (int i = 0; i < count && i < MOST; i++)
		tap_note("%s, pages of %llu: %d %s; run: %s", ringshm_backend_name(trials[i].backend),
			 (unsigned long long)trials[i].page_size, trials[i].error, trials[i].reason, trials[i].mend);
}

/* The report foresees what is then taken, and takes nothing itself. */
static bool report_foresees(const struct ringshm_config *config, const struct scene *scene)
{
	struct ringshm_backend_trial trials[MOST] = {{.size = sizeof(trials[0])}};
	int count = ringshm_backend_report(config, !scene->named, trials, MOST), first = 0;

	while (first < count && trials[first].error)
		first++;
	if (count > 0 && first < count && trials[first].backend == scene->backend &&
	    trials[first].page_size == scene->page && machine_is_clean())
		return true;
	tap_note("report: %d, %s", count, ringshm_last_error());
	note_account(trials, count);
	return false;
}

static bool play(void *context)
{
	const struct scene *scene = (const struct scene *)context;
	struct ringshm_backend_trial trials[MOST] = {{.size = sizeof(trials[0])}};
	struct ringshm_info info = {.size = sizeof(info)};
	struct ringshm_config config;
	struct ringshm *channel = NULL;
	bool good;
	int count;

	if (scene->without_thp && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0))
		return false;
	configure(&config, scene);
	good = report_foresees(&config, scene);
	if (ringshm_create(&channel, scene->named ? "auto" : NULL, &config) || ringshm_info(channel, &info)) {
		tap_note("%s", ringshm_last_error());
		return false;
	}
	count = ringshm_backend_trials(trials, MOST);
	good = good && account_fits(trials, count, scene) && info.backend == scene->backend &&
	       info.page_size == scene->page;
	if (!good)
		note_account(trials, count);
	good = good && (scene->named ? ring_run("auto") : ring_run_passed(channel));
	ringshm_close(channel);
	return good && (!scene->named || !ringshm_unlink("auto"));
}

static void play_all(void)
{
	for (unsigned int i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		const struct scene *scene = &scenes[i];

		if (machine_pool(scene->pool) != scene->pool || (scene->mounted && !machine_mount())) {
			tap_skip(scene->question, "this machine has no huge pages left for it");
			continue;
		}
		tap_ok(in_child(play, (void *)(uintptr_t)scene), scene->question);
		if (scene->mounted)
			machine_unmount();
	}
}

/* Asked for 2 MiB where nobody has them: every reason in the sentence, and nothing smaller instead. */
static bool nobody_has_them(void *context)
{
	struct ringshm_config config;
	struct ringshm *channel;

	(void)context;
	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 4096;
	config.page_size = HUGE;
	if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) || ringshm_create(&channel, "none", &config) != -ENOMEM)
		return false;
	tap_note("%s", ringshm_last_error());
	return strstr(ringshm_last_error(), "no pages of 2 MiB") && strstr(ringshm_last_error(), "hugetlbfs: ") &&
	       strstr(ringshm_last_error(), "thp: ") && strstr(ringshm_last_error(), "sysv: ") &&
	       strstr(ringshm_last_error(), "; run: ");
}

/* The module's door: it is asked first, and says what is the matter. */
static void door(void)
{
	struct ringshm_backend_trial trials[MOST] = {{.size = sizeof(trials[0])}};
	struct ringshm_config config;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 4 * MIB;
	tap_ok(ringshm_backend_report(&config, 0, trials, MOST) == 5, "the report for named channels has five entries");
	tap_ok(trials[0].backend == RINGSHM_BACKEND_KMOD, "the kernel module comes first");
	if (access("/dev/ringshm", F_OK))
		tap_ok(trials[0].error == -ENODEV && !strcmp(trials[0].reason, "module not present") &&
			       !strcmp(trials[0].mend, "modprobe ringshm"),
		       "it is not present, and the report says how to load it");
	else
		tap_skip("the module is not present", "it is");
	tap_ok(ringshm_backend_report(&config, 1, trials, MOST) == 4, "the report for anonymous ones has four");
	note_account(trials, 4);
}

/* What a caller compiled against a shorter struct gives is not written beyond. */
static void short_struct(void)
{
	struct {
		uint32_t size, backend;
		uint64_t page_size;
		uint64_t guard;
	} trials[MOST];
	struct ringshm_config config;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 4096;
	memset(trials, 0x55, sizeof(trials));
	trials[0].size = sizeof(trials[0]);
	trials[0].guard = 7;
	tap_ok(ringshm_backend_report(&config, 1, (struct ringshm_backend_trial *)(void *)trials, 2) == 4 &&
		       trials[1].backend == RINGSHM_BACKEND_MEMFD && trials[2].size == 0x55555555,
	       "a report into shorter and fewer entries stays within them");
}

static bool sentence_stays(void)
{
	struct ringshm_config config;
	struct ringshm *channel;
	char before[512];

	ringshm_config_init(&config, RINGSHM_SPSC);
	if (!ringshm_open(&channel, "no-such", RINGSHM_CONSUMER))
		return false;
	snprintf(before, sizeof(before), "%s", ringshm_last_error());
	config.capacity = 4096;
	if (ringshm_create(&channel, NULL, &config))
		return false;
	ringshm_close(channel);
	return !strcmp(before, ringshm_last_error());
}

static int tests(void)
{
	if (machine_refusal())
		tap_skip("machines with and without huge pages", machine_refusal());
	else
		play_all();
	if (!machine_refusal())
		machine_pool(0);
	if (machine_pool_free())
		tap_skip("huge pages that nobody has", "this machine has some");
	else
		tap_ok(in_child(nobody_has_them, NULL), "huge pages that nobody has: every reason in one sentence");
	door();
	short_struct();
	tap_ok(sentence_stays(), "what auto tried on the way to a channel is no last error");
	tap_ok(machine_is_clean(), "nothing is left of all this");
	return tap_done();
}

int main(void)
{
	return machine_run(tests);
}

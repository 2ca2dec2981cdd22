/* SPDX-License-Identifier: MIT */
/* Every backend: created, used between processes, measured, removed. Prints TAP. */
#include "machine.h"

#include "tap.h"

#include <stdio.h>
#include <string.h>

/* What is asked for, and what must come of it. */
struct wish {
	const char *what;
	uint32_t backend;
	uint64_t page_size; /* asked */
	uint64_t capacity;
	uint64_t page;	    /* obtained */
	uint64_t data_size; /* obtained */
	uint64_t huge;	    /* of it in huge pages, as the kernel maps it */
	bool named;
	bool pool; /* its pages come out of the pool */
};

static const struct wish wishes[] = {
	{"shm", RINGSHM_BACKEND_SHM, 0, 4 * MIB, 4096, 4 * MIB + 4096, 0, true, false},
	{"shm, 4 KiB asked", RINGSHM_BACKEND_SHM, 4096, 65536, 4096, 65536 + 4096, 0, true, false},
	{"memfd", RINGSHM_BACKEND_MEMFD, 0, 4 * MIB, 4096, 4 * MIB + 4096, 0, false, false},
	{"memfd, 2 MiB pages", RINGSHM_BACKEND_MEMFD, HUGE, 4 * MIB, HUGE, 6 * MIB, 6 * MIB, false, true},
	{"hugetlbfs", RINGSHM_BACKEND_HUGETLBFS, 0, 4 * MIB, HUGE, 6 * MIB, 6 * MIB, true, true},
	{"hugetlbfs, small ring", RINGSHM_BACKEND_HUGETLBFS, HUGE, 16384, HUGE, 2 * MIB, 2 * MIB, true, true},
	{"thp", RINGSHM_BACKEND_THP, 0, 4 * MIB, HUGE, 4 * MIB + 4096, 4 * MIB, true, false},
	{"thp, small ring", RINGSHM_BACKEND_THP, HUGE, 16384, HUGE, 2 * MIB, 2 * MIB, true, false},
	{"thp, anonymous", RINGSHM_BACKEND_THP, 0, 16 * MIB, HUGE, 16 * MIB + 4096, 16 * MIB, false, false},
	{"sysv", RINGSHM_BACKEND_SYSV, 0, 4 * MIB, 4096, 4 * MIB + 4096, 0, true, false},
	{"sysv, 2 MiB pages", RINGSHM_BACKEND_SYSV, HUGE, 4 * MIB, HUGE, 6 * MIB, 6 * MIB, true, true},
};

static struct ringshm *make(const struct wish *wish)
{
	struct ringshm_config config;
	struct ringshm *channel = NULL;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = wish->capacity;
	config.backend = wish->backend;
	config.page_size = wish->page_size;
	if (ringshm_create(&channel, wish->named ? "ring" : NULL, &config))
		tap_note("%s", ringshm_last_error());
	return channel;
}

static bool header_says(struct ringshm *channel, const struct wish *wish)
{
	struct ringshm_info info = {.size = sizeof(info)};

	if (ringshm_info(channel, &info))
		return false;
	if (info.backend == wish->backend && info.page_size == wish->page && info.data_size == wish->data_size)
		return true;
	tap_note("backend %s, pages of %llu, data of %llu", ringshm_backend_name(info.backend),
		 (unsigned long long)info.page_size, (unsigned long long)info.data_size);
	return false;
}

static bool kernel_says(struct ringshm *channel, const struct wish *wish)
{
	struct ringshm_placement placement = {.size = sizeof(placement)};

	if (ringshm_placement(channel, &placement)) {
		tap_note("%s", ringshm_last_error());
		return false;
	}
	if (placement.page_size == wish->page && placement.huge_bytes == wish->huge)
		return true;
	tap_note("pages of %llu, %llu in huge ones", (unsigned long long)placement.page_size,
		 (unsigned long long)placement.huge_bytes);
	return false;
}

static bool looked_at(void *context)
{
	struct ringshm *channel;

	if (ringshm_open(&channel, "ring", RINGSHM_OBSERVER))
		return false;
	return header_says(channel, (const struct wish *)context) && kernel_says(channel, (const struct wish *)context);
}

static void ask(const char *what, const char *question, bool answer)
{
	char text[160];

	snprintf(text, sizeof(text), "%s: %s", what, question);
	tap_ok(answer, text);
}

static void try_wish(const struct wish *wish)
{
	struct ringshm *channel = make(wish);

	ask(wish->what, "a channel is created", channel);
	if (!channel)
		return;
	ask(wish->what, "the header says what was obtained", header_says(channel, wish));
	ask(wish->what, "the kernel says the same", kernel_says(channel, wish));
	ask(wish->what, "records come through unharmed", wish->named ? ring_run("ring") : ring_run_passed(channel));
	if (wish->named) {
		ask(wish->what, "another process sees it as it is", in_child(looked_at, (void *)(uintptr_t)wish));
		ask(wish->what, "it is unlinked", ringshm_unlink("ring") == 0);
	}
	ringshm_close(channel);
	ask(wish->what, "nothing is left of it", machine_is_clean());
}

static int tests(void)
{
	uint64_t pages = 0;

	if (!machine_refusal()) {
		pages = machine_pool(64);
		machine_mount();
	}
	for (unsigned int i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++)
		if (!wishes[i].pool || pages >= 16)
			try_wish(&wishes[i]);
		else
			tap_skip(wishes[i].what,
				 machine_refusal() ? machine_refusal() : "memory is too fragmented for huge pages");
	return tap_done();
}

int main(void)
{
	return machine_run(tests);
}

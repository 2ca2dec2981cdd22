/* SPDX-License-Identifier: MIT */
/* A hostile peer writes random words over control and data while both sides run: nobody crashes or hangs. */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include <ringshm/kmod.h>
#include <ringshm/ringshm.h>
#include <sys/ioctl.h>

#include "processes.h"
#include "random.h"
#include "tap.h"

#define ROUNDS 40
#define ENOUGH (5 * ROUNDS) /* records that come through, or the damage was all there was */
#define ROUND_NS UINT64_C(50000000)
#define CAPACITY 4096

static char directory[256];
static unsigned int round_number;
static uint64_t *shown; /* records that consumers looked at, in all rounds */
static bool trusting;	/* fault: a length that was checked is read again */

struct file {
	ringshm_word *words;
	uint64_t count;
};

static int open_file(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/target/%s", directory, name);
	return open(path, O_RDWR | O_CLOEXEC);
}

/* Where the data is a region of the module's: by the channel's uuid, which nobody has scribbled on yet. */
static int open_region(const struct ringshm_header *header)
{
	struct ringshm_kmod_open opening = {.size = sizeof(opening)};
	int device = open(RINGSHM_KMOD_DEVICE, O_RDWR | O_CLOEXEC), fd;

	for (size_t i = 0; i < RINGSHM_UUID_SIZE; i++)
		snprintf(opening.name + 2 * (size_t)i, 3, "%02x", header->uuid[i]);
	fd = ioctl(device, RINGSHM_KMOD_OPEN, &opening);
	close(device);
	return fd;
}

static bool map_file(int fd, struct file *file)
{
	struct stat status;
	void *map;

	if (fd < 0 || fstat(fd, &status))
		return false;
	map = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	file->words = (ringshm_word *)map;
	file->count = (uint64_t)status.st_size / 8;
	return map != MAP_FAILED;
}

/* Words that are nearly right do more harm than noise. */
static uint64_t evil(uint64_t *seed, uint64_t old)
{
	switch (random_below(seed, 5)) {
	case 0:
		return random_next(seed);
	case 1:
		return old + random_below(seed, 4096) * 8;
	case 2:
		return old ^ (UINT64_C(1) << random_below(seed, 64));
	case 3:
		return ringshm_record_header(random_below(seed, 8192), 0, 0) | random_below(seed, 8);
	default:
		return 0;
	}
}

/* What says which channel this is, and that it lives: without it nobody would come to look at anything else. */
static const size_t identity[3] = {sizeof(struct ringshm_header) + sizeof(struct ringshm_line), 128, 128};

static void save_identity(const struct file file[static 3], ringshm_word saved[static 3][128])
{
	for (int i = 0; i < 3; i++)
		memcpy(saved[i], file[i].words, identity[i]);
}

static void restore_identity(const struct file file[static 3], ringshm_word saved[static 3][128])
{
	for (int i = 0; i < 3; i++)
		for (size_t k = 0; k < identity[i] / sizeof(ringshm_word); k++)
			__atomic_store_n(&file[i].words[k], saved[i][k], __ATOMIC_RELAXED);
}

/* The words in use lie in the first two pages; a few, and then the sides have a moment for them. */
static void scribble_some(const struct file file[static 3], uint64_t *seed)
{
	uint64_t end;

	for (uint32_t i = random_below(seed, 32); i; i--) {
		const struct file *f = &file[random_below(seed, 3)];
		ringshm_word *word = &f->words[random_below(seed, f->count < 1024 ? (uint32_t)f->count : 1024)];

		__atomic_store_n(word, evil(seed, __atomic_load_n(word, __ATOMIC_RELAXED)), __ATOMIC_RELAXED);
	}
	for (end = now_ns() + random_below(seed, 20000); now_ns() < end;)
		ringshm_cpu_relax();
}

static int scribble(void *unused)
{
	static ringshm_word saved[3][128];
	int data = open_file("data");
	struct file file[3];
	uint64_t seed = round_number, end = now_ns() + ROUND_NS;

	(void)unused;
	if (!map_file(open_file("ctl"), &file[0]) || !map_file(open_file("cons"), &file[1]))
		return 2;
	if (!map_file(data < 0 ? open_region((const struct ringshm_header *)file[0].words) : data, &file[2]))
		return 2;
	save_identity(file, saved);
	while (now_ns() < end) {
		scribble_some(file, &seed);
		if (round_number % 4) /* in the other rounds the first hits end it all */
			restore_identity(file, saved);
	}
	return 0;
}

static int produce(void *argument)
{
	struct ringshm_spsc_producer p;
	uint64_t end = now_ns() + ROUND_NS, seed = round_number;

	while (now_ns() < end) {
		if (ringshm_spsc_producer_open(&p, (struct ringshm *)argument))
			continue; /* what it found was not sound, and it said so */
		for (int i = 0; i < 2000 && !p.status; i++) {
			uint32_t length = random_below(&seed, p.max_payload + 1);
			void *room = ringshm_spsc_reserve(&p, length);

			if (room) {
				memset(room, 0x5a, length);
				ringshm_spsc_commit_more(&p, length);
			}
			if (i % 3 == 0)
				ringshm_spsc_flush(&p);
		}
		ringshm_spsc_producer_close(&p);
	}
	return 0;
}

/* The fault: what was checked may have changed meanwhile. */
static uint32_t read_again(const void *payload)
{
	rest_ns(1000);
	return ringshm_record_length(ringshm_load_relaxed((const ringshm_word *)payload - 1));
}

static int consume(void *argument)
{
	struct ringshm_spsc_consumer c;
	volatile unsigned char last = 0;
	uint64_t end = now_ns() + ROUND_NS;

	while (now_ns() < end) {
		if (ringshm_spsc_consumer_open(&c, (struct ringshm *)argument))
			continue;
		for (int i = 0; i < 2000 && !c.status; i++) {
			uint32_t length;
			const unsigned char *payload = (const unsigned char *)ringshm_spsc_peek_next(&c, &length);

			*shown += payload != NULL;
			if (payload && trusting)
				length = read_again(payload);
			if (payload && length)
				last = payload[length - 1]; /* outside the mapping this would fault */
			if (i % 3 == 0)
				ringshm_spsc_release(&c, (uint32_t)i % 4);
		}
		ringshm_spsc_consumer_close(&c);
	}
	(void)last;
	return 0;
}

/* The number of sides that did not end well. */
static int one_round(void)
{
	struct ringshm_config config;
	struct ringshm *channel;
	pid_t side[3];
	int bad = 0;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = CAPACITY;
	config.flags = RINGSHM_CREATE_REPLACE;
	if (ringshm_create(&channel, "target", &config)) {
		tap_note("%s", ringshm_last_error());
		return 3;
	}
	side[0] = start(produce, channel);
	side[1] = start(consume, channel);
	side[2] = start(scribble, NULL);
	for (int i = 0; i < 3; i++) {
		int end = end_of(side[i]);

		if (end)
			tap_note("round %u: %s ended with %d", round_number,
				 i == 0 ? "the producer" :
				 i == 1 ? "the consumer" :
					  "the scribbler",
				 end);
		bad += end != 0;
	}
	ringshm_close(channel);
	return bad;
}

/* A slow machine takes more rounds until enough has come through; what goes wrong by chance takes more to show. */
static bool go_on(int bad)
{
	if (trusting)
		return !bad && round_number <= 10 * ROUNDS;
	return round_number <= ROUNDS || (*shown < ENOUGH && round_number <= 5 * ROUNDS);
}

int main(int argc, char **argv)
{
	int bad = 0;

	trusting = argc > 1 && !strcmp(argv[1], "trusting"); /* to be seen to fail */
	shown = (uint64_t *)shared_memory(sizeof(*shown));
	alarm(300); /* a side that hangs fails the test */
	if (!private_directory(directory))
		return 1;
	for (round_number = 1; go_on(bad); round_number++)
		bad += one_round();
	tap_note("%" PRIu64 " records shown", *shown);
	tap_ok(trusting || *shown >= ENOUGH, "records come through between the damage");
	tap_ok(bad == 0, "producer and consumer outlive a peer that scribbles over every word");
	ringshm_unlink("target");
	rmdir(directory);
	return tap_done();
}

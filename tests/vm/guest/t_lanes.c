/* SPDX-License-Identifier: MIT */
/* Kernel lanes: every record accounted for from every context, and a user who scribbles. */
#include "lanes.h"

#include <fcntl.h>
#include <linux/ioctl.h>
#include <linux/memfd.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../../kmod/tests/ringshm_contexts.h"

static int contexts_open(void)
{
	int fd = open("/dev/ringshm_contexts", O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static int produce(int device_fd, const struct lane *lane)
{
	struct ringshm_contexts_lane arg = {lane->ctl_fd, lane->data_fd};

	return ioctl(device_fd, RINGSHM_CONTEXTS_PRODUCE, &arg);
}

static int consume(int device_fd, const struct lane *lane)
{
	struct ringshm_contexts_lane arg = {lane->ctl_fd, lane->data_fd};

	return ioctl(device_fd, RINGSHM_CONTEXTS_CONSUME, &arg);
}

/* What a child that runs the kernel's sources reports back. */
struct running {
	int device;
	struct ringshm_contexts_run *run; /* shared with the child */
	volatile int *over;
};

static int run_body(void *context)
{
	struct running *running = context;
	int result = ioctl(running->device, RINGSHM_CONTEXTS_RUN, running->run);

	*running->over = 1;
	return result ? errno : 0;
}

static pid_t run_start(struct running *running, int device_fd, uint32_t contexts, uint32_t filler, uint64_t records)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(page != MAP_FAILED);
	running->device = device_fd;
	running->run = (struct ringshm_contexts_run *)page;
	running->over = (volatile int *)(page + 2048);
	*running->run = (struct ringshm_contexts_run){.contexts = contexts, .filler = filler, .records = records};
	return spawn(run_body, running);
}

/* Sequences may jump (records dropped), never go back; everything else must be exact. */
struct account {
	uint64_t next[RINGSHM_CONTEXTS][64];
	uint64_t received[RINGSHM_CONTEXTS];
	uint64_t total;
};

static void account_one(struct account *account, const struct ringshm_spsc_consumer *consumer, const void *payload,
			uint32_t len)
{
	struct ringshm_contexts_record record;
	const unsigned char *filler = (const unsigned char *)payload + sizeof(record);

	CHECK(len >= sizeof(record));
	memcpy(&record, payload, sizeof(record));
	CHECK(record.context < RINGSHM_CONTEXTS && record.cpu < 64);
	CHECK_EQ(record.check, record.sequence ^ (uint64_t)record.context << 32 ^ record.cpu ^ RINGSHM_CONTEXTS_SALT);
	CHECK_EQ(ringshm_spsc_type(consumer), record.context);
	CHECK_EQ(ringshm_spsc_flags(consumer), record.cpu);
	for (uint32_t i = 0; i < len - sizeof(record); i++)
		CHECK_EQ(filler[i], (unsigned char)record.sequence);
	CHECK(record.sequence >= account->next[record.context][record.cpu]);
	account->next[record.context][record.cpu] = record.sequence + 1;
	account->received[record.context]++;
	account->total++;
}

/* Until the child is done and the ring is empty. */
static void account_all(struct account *account, struct lane *lane, const struct running *running, bool sleeping)
{
	const void *payload;
	uint32_t len;

	for (;;) {
		int over = *running->over;

		while ((payload = ringshm_spsc_peek(&lane->consumer, &len))) {
			account_one(account, &lane->consumer, payload, len);
			ringshm_spsc_release(&lane->consumer, 1);
		}
		CHECK_EQ(lane->consumer.status, 0);
		if (over)
			return;
		if (sleeping)
			lane_wait(lane, 100);
	}
}

static void account_for(struct lane *lane, uint32_t contexts, uint64_t records, bool sleeping)
{
	struct account account = {0};
	struct running running;
	int fd = contexts_open();
	pid_t pid;

	CHECK_EQ(produce(fd, lane), 0);
	pid = run_start(&running, fd, contexts, 200, records);
	account_all(&account, lane, &running, sleeping);
	CHECK_EQ(reap(pid), 0);
	guest_note(
		"thread %llu, softirq %llu, hard irq %llu, NMI %llu received; %llu tried, %llu dropped, %llu records/s",
		(unsigned long long)account.received[0], (unsigned long long)account.received[1],
		(unsigned long long)account.received[2], (unsigned long long)account.received[3],
		(unsigned long long)running.run->tried, (unsigned long long)running.run->dropped,
		(unsigned long long)(account.total * 1000000000 / (running.run->nanoseconds + 1)));
	CHECK_EQ(running.run->status, 0);
	CHECK_EQ(account.total + running.run->dropped, running.run->tried);
	CHECK_EQ(lane->data->count.lost, running.run->dropped);
	for (int i = 0; i < RINGSHM_CONTEXTS; i++) /* beside others an NMI may find the lane always taken */
		if (i != RINGSHM_IN_NMI || contexts == 1u << RINGSHM_IN_NMI)
			CHECK_EQ(account.received[i] > 0, (contexts >> i) & 1);
	close(fd);
}

GUEST_TEST_LONG(each_context, "records from threads, softirqs, hard interrupts and NMIs, each alone, all accounted for",
		120)
{
	for (uint32_t i = 0; i < RINGSHM_CONTEXTS; i++) {
		struct lane lane;

		lane_make(&lane, create(NULL, 2 * MIB), 2 * MIB, MIB, 0);
		account_for(&lane, 1u << i, 1000, true);
	}
}

GUEST_TEST_LONG(all_contexts, "records from all contexts of all CPUs at once, all accounted for", 120)
{
	struct lane lane;

	lane_make(&lane, create(NULL, 2 * MIB), 2 * MIB, MIB, RINGSHM_F_TIMESTAMP);
	account_for(&lane, 15, 2000, true);
}

static bool has_lockdep(void)
{
	return !access("/proc/lockdep", F_OK);
}

GUEST_TEST_IF(probe_within, "a probe that fires while its own CPU holds the lane gets nothing, and waits for nobody",
	      60, has_lockdep)
{
	struct ringshm_contexts_run run = {.contexts = 7, .records = 200, .nested = 1};
	uint64_t received = 0;
	struct lane lane;
	int fd = contexts_open();

	lane_make(&lane, create(NULL, 2 * MIB), 2 * MIB, MIB, 0);
	CHECK_EQ(produce(fd, &lane), 0);
	CHECK_EQ(ioctl(fd, RINGSHM_CONTEXTS_RUN, &run), 0);
	CHECK(run.nested >= 7 * 200);
	for (uint32_t len; ringshm_spsc_peek(&lane.consumer, &len); received++)
		ringshm_spsc_release(&lane.consumer, 1);
	guest_note("%u tries from within, %llu of %llu received", run.nested, (unsigned long long)received,
		   (unsigned long long)run.tried);
	CHECK_EQ(received + run.dropped, run.tried);
	CHECK(run.dropped >= run.nested);
	CHECK_EQ(run.status, 0);
}

GUEST_TEST_LONG(small_lane, "a lane too small for its producers drops, counts, and stays whole", 120)
{
	struct lane lane;

	lane_make(&lane, create(NULL, 2 * MIB), 2 * MIB, 4096, 0);
	account_for(&lane, 7, 2000, false);
}

GUEST_TEST_LONG(contiguous_lane, "a lane over many blocks, in one run and in several, works alike", 120)
{
	for (uint32_t flavour = 0; flavour <= RINGSHM_KMOD_CONTIGUOUS; flavour++) {
		struct lane lane;

		lane_make(&lane, create_on(NULL, 16 * MIB, flavour, RINGSHM_KMOD_NODE_LOCAL), 16 * MIB, 8 * MIB, 0);
		account_for(&lane, 3, 1000, true);
	}
}

static int huge_memfd(size_t size)
{
	int fd = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB);

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, (off_t)size), 0);
	return fd;
}

GUEST_TEST_LONG(hugetlb_lane, "a lane in a user's huge memory file is pinned: it works after truncation too", 120)
{
	long before;
	struct lane lane;
	int fd = contexts_open();

	write_file("/proc/sys/vm/nr_hugepages", "8");
	before = read_number("/proc/sys/vm/nr_hugepages");
	CHECK(before >= 4);
	lane_make(&lane, huge_memfd(4 * MIB), 4 * MIB, 2 * MIB, 0);
	account_for(&lane, 7, 1000, false);
	CHECK_EQ(produce(fd, &lane), 0);
	CHECK_EQ(ftruncate(lane.data_fd, 0), 0); /* the kernel's pages stay; ours are gone */
	struct ringshm_contexts_run run = {.contexts = 3, .records = 100};

	CHECK_EQ(ioctl(fd, RINGSHM_CONTEXTS_RUN, &run), 0);
	CHECK(run.tried >= 200);
	close(fd);
	close(lane.data_fd);
}

GUEST_TEST(small_pages_lane, "a lane in a memory file of small pages works too")
{
	struct lane lane;
	int fd = memfd_create("small", MFD_CLOEXEC);

	CHECK_EQ(ftruncate(fd, MIB), 0);
	lane_make(&lane, fd, MIB, 512 * 1024, 0);
	account_for(&lane, 1, 500, false);
}

GUEST_TEST(sleeping_consumer, "a consumer asleep in poll is woken by the first record")
{
	struct lane lane;
	struct running running;
	int fd = contexts_open();
	pid_t pid;

	lane_make(&lane, create(NULL, 2 * MIB), 2 * MIB, MIB, 0);
	CHECK_EQ(produce(fd, &lane), 0);
	CHECK_EQ(lane_wait(&lane, 50), 0);
	pid = run_start(&running, fd, 1u << RINGSHM_IN_SOFTIRQ, 0, 1);
	CHECK_EQ(lane_wait(&lane, 10000), 1);
	CHECK_EQ(reap(pid), 0);
	close(fd);
}

GUEST_TEST(one_producer, "a lane has one kernel producer, and takes the next where the last one stopped")
{
	struct lane lane;
	int first = contexts_open(), second = contexts_open();

	lane_make(&lane, create(NULL, 2 * MIB), 2 * MIB, 65536, 0);
	CHECK_EQ(produce(first, &lane), 0);
	CHECK_ERRNO(produce(second, &lane), EBUSY);
	struct ringshm_contexts_run run = {.contexts = 1, .records = 10};

	CHECK_EQ(ioctl(first, RINGSHM_CONTEXTS_RUN, &run), 0);
	close(first);
	CHECK_EQ(produce(second, &lane), 0);
	uint64_t expected = run.tried - run.dropped;

	run = (struct ringshm_contexts_run){.contexts = 1, .records = 10};
	CHECK_EQ(ioctl(second, RINGSHM_CONTEXTS_RUN, &run), 0);
	expected += run.tried - run.dropped;
	for (uint32_t len; ringshm_spsc_peek(&lane.consumer, &len); expected--)
		ringshm_spsc_release(&lane.consumer, 1);
	CHECK_EQ(expected, 0);
}

#define REFUSED_LANE(error, change)                       \
	do {                                              \
		struct ringshm_header good = lane.header; \
		change;                                   \
		lane_write_header(&lane);                 \
		CHECK_ERRNO(produce(fd, &lane), error);   \
		CHECK_ERRNO(consume(fd, &lane), error);   \
		lane.header = good;                       \
	} while (0)

GUEST_TEST(unsound_lanes, "control files and data that are no sound kernel lane are refused")
{
	struct lane lane;
	int fd = contexts_open();

	lane_make(&lane, create(NULL, 2 * MIB), 2 * MIB, MIB, 0);
	REFUSED_LANE(EPROTO, lane.header.magic++);
	REFUSED_LANE(EPROTO, lane.header.major++);
	REFUSED_LANE(EPROTO, lane.header.byte_order = 0x04030201);
	REFUSED_LANE(EPROTO, lane.header.kind = RINGSHM_MPMC);
	REFUSED_LANE(EPROTO, lane.header.incompat = 0);
	REFUSED_LANE(EPROTO, lane.header.incompat |= 1ull << 63);
	REFUSED_LANE(EPROTO, lane.header.capacity = 0);
	REFUSED_LANE(EPROTO, lane.header.capacity--);
	REFUSED_LANE(EPROTO, lane.header.capacity = 8);
	REFUSED_LANE(EPROTO, lane.header.capacity = 2 * MIB);
	REFUSED_LANE(EPROTO, lane.header.capacity = 1ull << 63);
	REFUSED_LANE(EPROTO, lane.header.alignment = 0);
	REFUSED_LANE(EPROTO, lane.header.alignment = 1u << 31);
	REFUSED_LANE(EPROTO, lane.header.data_offset = 0);
	REFUSED_LANE(EPROTO, lane.header.data_offset = 2 * MIB);
	REFUSED_LANE(EPROTO, lane.header.data_offset = ~63ull);
	REFUSED_LANE(EPROTO, lane.header.data_offset += 8);
	REFUSED_LANE(EPROTO, lane.header.uuid[3]++);
	lane_write_header(&lane);
	lane.data->credit.word += 8 * MIB;
	CHECK_ERRNO(produce(fd, &lane), EPROTO);
	lane.data->credit.word = lane.header.start_position + 1;
	CHECK_ERRNO(produce(fd, &lane), EPROTO);
	lane.data->credit.word = lane.header.start_position;
	CHECK_EQ(ftruncate(lane.ctl_fd, 100), 0);
	CHECK_ERRNO(produce(fd, &lane), EPROTO);
}

GUEST_TEST(wrong_descriptors, "descriptors that are not a lane's, or not writable, are refused")
{
	struct lane lane, wrong;
	int fd = contexts_open(), pipes[2];

	lane_make(&lane, create(NULL, 2 * MIB), 2 * MIB, MIB, 0);
	wrong = lane;
	wrong.data_fd = dup_region(lane.data_fd, RINGSHM_KMOD_RDONLY);
	CHECK_ERRNO(produce(fd, &wrong), EBADF);
	wrong.data_fd = 9999;
	CHECK_ERRNO(produce(fd, &wrong), EBADF);
	CHECK_EQ(pipe(pipes), 0);
	wrong.data_fd = open("/dev/zero", O_RDWR);
	CHECK_ERRNO(produce(fd, &wrong), EINVAL);
	wrong = lane;
	wrong.ctl_fd = -1;
	CHECK_ERRNO(produce(fd, &wrong), EBADF);
	wrong.ctl_fd = pipes[1];
	CHECK_ERRNO(produce(fd, &wrong), EBADF);
	wrong.ctl_fd = pipes[0]; /* a read of it would wait for ever */
	CHECK_ERRNO(produce(fd, &wrong), EINVAL);
	CHECK_EQ(produce(fd, &lane), 0);
}

/* Writes all over the lane, words of every kind and of meaningful values, until killed. */
static int scribbler(void *context)
{
	const struct lane *lane = context;
	volatile uint64_t *word = (volatile uint64_t *)lane->data;
	uint64_t random = (uint64_t)getpid() * 0x9e3779b97f4a7c15ull + 1, position = 0;
	const size_t control = sizeof(struct ringshm_data) / 8, words = (4096 + lane->header.capacity) / 8;

	for (;;) {
		uint64_t values[] = {random,
				     0,
				     ~0ull,
				     position,
				     position + 8,
				     lane->header.capacity,
				     ringshm_record_header((uint32_t)random, 0, 0),
				     random & 0xffff};

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		position = lane->data->tail.word;
		word[(random & 1 ? random >> 8 : control + (random >> 8)) % (random & 1 ? control : words)] =
			values[random % 8];
	}
	return 0;
}

static int drainer(void *context)
{
	int fd = *(int *)context;
	struct ringshm_contexts_drain drain = {.records = ~0ull, .milliseconds = 400};

	return ioctl(fd, RINGSHM_CONTEXTS_DRAIN, &drain) ? errno : 0;
}

/* The kernel produces and consumes; whatever either makes of it, both calls come back. */
static void scribble_round(int round)
{
	struct ringshm_contexts_run run = {.contexts = 7, .filler = 500, .records = 300};
	int producing = contexts_open(), consuming = contexts_open();
	pid_t scribblers[2], draining;
	struct lane lane;

	lane_make(&lane, create(NULL, 2 * MIB), 2 * MIB, round % 2 ? 4096 : MIB, 0);
	CHECK_EQ(produce(producing, &lane), 0);
	CHECK_EQ(consume(consuming, &lane), 0);
	for (int i = 0; i < 2; i++)
		scribblers[i] = spawn(scribbler, &lane);
	draining = spawn(drainer, &consuming);
	CHECK_EQ(ioctl(producing, RINGSHM_CONTEXTS_RUN, &run), 0);
	CHECK_EQ(reap(draining), 0);
	for (int i = 0; i < 2; i++) {
		kill(scribblers[i], SIGKILL);
		reap(scribblers[i]);
	}
	munmap(lane.data, lane.size);
	close(lane.data_fd);
	close(lane.ctl_fd);
	close(producing);
	close(consuming);
}

GUEST_TEST_LONG(scribbling, "a user who scribbles every word while the kernel produces and consumes harms nobody", 240)
{
	int other = create(NULL, 2 * MIB);
	unsigned char *guard = map(other, 2 * MIB);

	memset(guard, 0x3c, 2 * MIB);
	for (int round = 0; round < 12; round++)
		scribble_round(round);
	for (size_t i = 0; i < 2 * MIB; i++)
		CHECK_EQ(guard[i], 0x3c);
}

GUEST_TEST(killed_with_lane, "a process killed while the kernel produces for it leaves nothing behind")
{
	long before = free_kib();

	for (int i = 0; i < 20; i++) {
		struct lane lane;
		struct running running;
		int fd = contexts_open();
		pid_t pid;

		lane_make(&lane, create(NULL, 2 * MIB), 2 * MIB, MIB, 0);
		CHECK_EQ(produce(fd, &lane), 0);
		pid = run_start(&running, fd, 1, 0, 2000);
		munmap(lane.data, lane.size);
		close(lane.data_fd);
		close(lane.ctl_fd);
		close(fd);
		usleep(1000);
		kill(pid, SIGKILL);
		reap(pid);
	}
	usleep(100000);
	CHECK(before - free_kib() < 4096);
}

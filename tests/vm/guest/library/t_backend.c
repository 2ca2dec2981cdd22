/* SPDX-License-Identifier: MIT */
/* The library's kmod backend: channels in regions, found again, passed on, noticed when dead, removed. */
#include "../guest.h"

#include <ringshm/mpmc.h>
#include <ringshm/ringshm.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void check_api(int result, int line)
{
	if (result)
		guest_fail(__FILE__, line, "%s (%s)", ringshm_last_error(), strerrorname_np(-result));
}

#define API(call) check_api(call, __LINE__)

static struct ringshm_config kmod_config(uint32_t kind, uint64_t capacity)
{
	struct ringshm_config config;

	ringshm_config_init(&config, kind);
	config.capacity = capacity;
	config.backend = RINGSHM_BACKEND_KMOD;
	return config;
}

static struct ringshm_info channel_info(struct ringshm *channel)
{
	struct ringshm_info info = {.size = sizeof(info)};

	API(ringshm_info(channel, &info));
	return info;
}

#define MESSAGES 20000u

static int produce_many(void *context)
{
	struct ringshm_spsc_producer producer;
	struct ringshm *channel;

	API(ringshm_open(&channel, context, RINGSHM_PRODUCER));
	API(ringshm_spsc_producer_open(&producer, channel));
	for (uint64_t i = 0; i < MESSAGES; i++)
		API(ringshm_spsc_send_wait(&producer, &i, sizeof(i), -1));
	ringshm_spsc_producer_close(&producer);
	ringshm_close(channel);
	return 0;
}

static void consume_many(struct ringshm *channel)
{
	struct ringshm_spsc_consumer consumer;
	uint64_t value;
	uint32_t len;

	API(ringshm_spsc_consumer_open(&consumer, channel));
	for (uint64_t i = 0; i < MESSAGES; i++) {
		API(ringshm_spsc_recv_wait(&consumer, &value, sizeof(value), &len, 10000000000));
		CHECK_EQ(value, i);
	}
	ringshm_spsc_consumer_close(&consumer);
}

GUEST_TEST_LONG(named_channel, "a named channel in a region: found by another process, used, unlinked, gone", 120)
{
	struct ringshm_config config = kmod_config(RINGSHM_SPSC, 65536);
	struct ringshm *channel;
	char name[] = "in-region";
	pid_t pid;

	API(ringshm_create(&channel, name, &config));
	CHECK_EQ(channel_info(channel).backend, RINGSHM_BACKEND_KMOD);
	CHECK_EQ(channel_info(channel).page_size, 2 * MIB);
	CHECK_EQ(channel_info(channel).data_size, 2 * MIB);
	CHECK_EQ(regions_named(), 1);
	pid = spawn(produce_many, name);
	consume_many(channel);
	CHECK_EQ(reap(pid), 0);
	API(ringshm_unlink(name));
	CHECK_EQ(regions_named(), 0);
	ringshm_close(channel);
	CHECK_EQ(ringshm_open(&channel, name, RINGSHM_CONSUMER), -ENOENT);
}

static int receive_and_produce(void *context)
{
	struct ringshm_spsc_producer producer;
	struct ringshm *channel;

	API(ringshm_recv_fd(&channel, *(int *)context));
	API(ringshm_spsc_producer_open(&producer, channel));
	for (uint64_t i = 0; i < MESSAGES; i++)
		API(ringshm_spsc_send_wait(&producer, &i, sizeof(i), -1));
	return 0;
}

GUEST_TEST_LONG(anonymous_channel, "an anonymous channel in a region is passed over a socket and used", 120)
{
	struct ringshm_config config = kmod_config(RINGSHM_SPSC, 1 << 20);
	struct ringshm *channel;
	int pair[2];
	pid_t pid;

	API(ringshm_create(&channel, NULL, &config));
	CHECK_EQ(channel_info(channel).backend, RINGSHM_BACKEND_KMOD);
	CHECK_EQ(regions_named(), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid = spawn(receive_and_produce, &pair[1]);
	API(ringshm_send_fd(channel, pair[0], RINGSHM_PRODUCER));
	consume_many(channel);
	CHECK_EQ(reap(pid), 0);
	ringshm_close(channel);
}

static int receive_as_observer(void *context)
{
	struct ringshm *channel;
	struct ringshm_spsc_producer producer;

	API(ringshm_recv_fd(&channel, *(int *)context));
	CHECK_EQ(channel_info(channel).backend, RINGSHM_BACKEND_KMOD);
	CHECK_EQ(ringshm_spsc_producer_open(&producer, channel), -EACCES);
	return 0;
}

GUEST_TEST(observer_passed, "an observer who is sent a channel in a region cannot write it")
{
	struct ringshm_config config = kmod_config(RINGSHM_SPSC, 65536);
	struct ringshm *channel;
	int pair[2];
	pid_t pid;

	API(ringshm_create(&channel, NULL, &config));
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid = spawn(receive_as_observer, &pair[1]);
	API(ringshm_send_fd(channel, pair[0], RINGSHM_OBSERVER));
	CHECK_EQ(reap(pid), 0);
	ringshm_close(channel);
}

GUEST_TEST(auto_chain, "auto takes the module first, named and anonymous, and says so")
{
	for (int anonymous = 0; anonymous < 2; anonymous++) {
		struct ringshm_backend_trial trials[8] = {{.size = sizeof(trials[0])}};
		struct ringshm_config config;
		struct ringshm *channel;

		ringshm_config_init(&config, RINGSHM_SPSC);
		config.capacity = 4 << 20;
		API(ringshm_create(&channel, anonymous ? NULL : "auto", &config));
		CHECK_EQ(channel_info(channel).backend, RINGSHM_BACKEND_KMOD);
		CHECK_EQ(ringshm_backend_trials(trials, 8), 1);
		CHECK_EQ(trials[0].backend, RINGSHM_BACKEND_KMOD);
		CHECK_EQ(trials[0].error, 0);
		ringshm_close(channel);
	}
	API(ringshm_unlink("auto"));
}

GUEST_TEST(contiguous_channel, "a channel asked for in one physical run lies in one, and only the module has that")
{
	struct ringshm_kmod_info info = {.size = sizeof(info)};
	struct ringshm_config config;
	struct ringshm *channel;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 32 << 20;
	config.flags = RINGSHM_CREATE_CONTIGUOUS;
	API(ringshm_create(&channel, "one-run", &config));
	CHECK_EQ(channel_info(channel).backend, RINGSHM_BACKEND_KMOD);
	CHECK_EQ(ioctl(device(), RINGSHM_KMOD_INFO, &info), 0);
	CHECK_EQ(info.flavour, RINGSHM_KMOD_CONTIGUOUS);
	CHECK_EQ(info.runs, 1);
	CHECK(info.run_length > 32 * MIB);
	ringshm_close(channel);
	API(ringshm_unlink("one-run"));
	config.node = RINGSHM_NODE_INTERLEAVE;
	CHECK_EQ(ringshm_create(&channel, "one-run", &config), -EINVAL);
	config.node = RINGSHM_NODE_ANY;
	config.backend = RINGSHM_BACKEND_SHM;
	CHECK_EQ(ringshm_create(&channel, "one-run", &config), -EINVAL);
}

static int sit_down(void *context)
{
	struct ringshm_spsc_producer producer;
	struct ringshm *channel;
	uint64_t value = 77;

	API(ringshm_open(&channel, context, RINGSHM_PRODUCER));
	API(ringshm_spsc_producer_open(&producer, channel));
	API(ringshm_spsc_send(&producer, &value, sizeof(value)));
	pause();
	return 0;
}

GUEST_TEST(death_by_mapping, "a killed producer is known dead by the closing of its mapping; a new one takes over")
{
	struct ringshm_config config = kmod_config(RINGSHM_SPSC, 65536);
	struct ringshm_spsc_consumer consumer;
	struct ringshm_spsc_producer producer;
	struct ringshm *channel;
	char name[] = "deadly";
	uint64_t value, killed;
	uint32_t len;
	pid_t pid;

	API(ringshm_create(&channel, name, &config));
	API(ringshm_spsc_consumer_open(&consumer, channel));
	pid = spawn(sit_down, name);
	API(ringshm_spsc_recv_wait(&consumer, &value, sizeof(value), &len, 10000000000));
	CHECK_EQ(value, 77);
	CHECK_EQ(ringshm_spsc_consumer_recover(&consumer), 0);
	CHECK_EQ(channel_info(channel).producers, 1);
	CHECK_EQ(ringshm_spsc_producer_open(&producer, channel), -EBUSY);
	killed = now_ns();
	kill(pid, SIGKILL);
	while (!ringshm_spsc_consumer_recover(&consumer))
		usleep(100);
	guest_note("known dead %llu us after SIGKILL", (unsigned long long)(now_ns() - killed) / 1000);
	reap(pid);
	CHECK_EQ(channel_info(channel).producers, 0);
	API(ringshm_spsc_producer_open(&producer, channel));
	API(ringshm_spsc_send(&producer, &value, sizeof(value)));
	API(ringshm_spsc_recv(&consumer, &value, sizeof(value), &len));
	ringshm_spsc_producer_close(&producer);
	ringshm_spsc_consumer_close(&consumer);
	ringshm_close(channel);
	API(ringshm_unlink(name));
}

GUEST_TEST(seat_thief, "whoever may only read a region cannot keep a dead participant's seat alive")
{
	struct ringshm_config config = kmod_config(RINGSHM_SPSC, 65536);
	struct ringshm_kmod_info info = {.size = sizeof(info)};
	struct ringshm_spsc_consumer consumer;
	struct ringshm *channel;
	uint32_t len, seat = RINGSHM_SEAT_PRODUCER;
	char name[] = "stolen";
	uint64_t value;
	pid_t pid;
	int thief;

	API(ringshm_create(&channel, name, &config));
	API(ringshm_spsc_consumer_open(&consumer, channel));
	pid = spawn(sit_down, name);
	API(ringshm_spsc_recv_wait(&consumer, &value, sizeof(value), &len, 10000000000));
	CHECK_EQ(ioctl(device(), RINGSHM_KMOD_INFO, &info), 0);
	thief = open_named(info.name, RINGSHM_KMOD_RDONLY);
	CHECK_ERRNO(attach(thief, &seat), EBUSY);
	kill(pid, SIGKILL);
	CHECK_EQ(reap(pid), 1000 + SIGKILL);
	CHECK_EQ(attach(thief, &seat), 0);
	CHECK_EQ(ringshm_spsc_consumer_recover(&consumer), 1);
	CHECK_EQ(channel_info(channel).producers, 0);
	ringshm_spsc_consumer_close(&consumer);
	ringshm_close(channel);
	API(ringshm_unlink(name));
}

static int forked_child(void *context)
{
	struct ringshm_spsc_producer *producer = context;
	uint64_t value = 5;

	CHECK_EQ(ringshm_spsc_send(producer, &value, sizeof(value)), -ESTALE);
	return 0;
}

GUEST_TEST(fork_cut_off, "a fork child's calls change nothing, and it keeps nobody alive")
{
	struct ringshm_config config = kmod_config(RINGSHM_SPSC, 65536);
	struct ringshm_spsc_producer producer;
	struct ringshm *channel;

	API(ringshm_create(&channel, "forked", &config));
	API(ringshm_spsc_producer_open(&producer, channel));
	CHECK_EQ(in_child(forked_child, &producer), 0);
	CHECK_EQ(channel_info(channel).producers, 1);
	CHECK_EQ(channel_info(channel).used, 0);
	ringshm_spsc_producer_close(&producer);
	CHECK_EQ(channel_info(channel).producers, 0);
	ringshm_close(channel);
	API(ringshm_unlink("forked"));
}

static void count_orphan(const struct ringshm_orphan *orphan, void *context)
{
	guest_note("%s, %llu bytes", orphan->where, (unsigned long long)orphan->bytes);
	CHECK_EQ(orphan->backend, RINGSHM_BACKEND_KMOD);
	++*(int *)context;
}

GUEST_TEST(orphans, "a region whose channel was deleted behind our back is found and removed, others stay")
{
	struct ringshm_config config = kmod_config(RINGSHM_SPSC, 65536);
	struct ringshm *lost, *kept;
	int seen = 0;

	API(ringshm_create(&lost, "lost", &config));
	API(ringshm_create(&kept, "kept", &config));
	ringshm_close(lost);
	CHECK_EQ(system("rm -r /dev/shm/ringshm/lost"), 0);
	CHECK_EQ(ringshm_orphans(0, count_orphan, &seen), 1);
	CHECK_EQ(regions_named(), 2);
	CHECK_EQ(ringshm_orphans(1, count_orphan, &seen), 1);
	CHECK_EQ(seen, 2);
	CHECK_EQ(regions_named(), 1);
	ringshm_close(kept);
	API(ringshm_unlink("kept"));
	CHECK_EQ(regions_named(), 0);
}

static int without_permission(void *context)
{
	struct ringshm_config config = kmod_config(RINGSHM_SPSC, 65536);
	struct ringshm *channel;

	become(1000, 1000);
	CHECK_EQ(ringshm_create(&channel, NULL, &config), -EACCES);
	CHECK(strstr(ringshm_last_error(), "usermod -aG ringshm"));
	config.flags = RINGSHM_CREATE_CONTIGUOUS;
	CHECK_EQ(ringshm_create(&channel, NULL, &config), -EACCES);
	return context != NULL;
}

GUEST_TEST(says_why, "without permission, over the quota and over the node the sentence says what to do")
{
	struct ringshm_config config = kmod_config(RINGSHM_SPSC, 64 << 20);
	struct ringshm *channel;

	CHECK_EQ(in_child(without_permission, NULL), 0);
	write_file("/sys/module/ringshm/parameters/quota_total_mib", "8");
	CHECK_EQ(ringshm_create(&channel, "large", &config), -EDQUOT);
	guest_note("%s", ringshm_last_error());
	CHECK(strstr(ringshm_last_error(), "quota"));
	write_file("/sys/module/ringshm/parameters/quota_total_mib", "0");
	config.page_size = 4096;
	CHECK_EQ(ringshm_create(&channel, "small", &config), -EINVAL);
}

#define WORKERS 3

static int mpmc_worker(void *context)
{
	struct ringshm_mpmc_producer producer;
	struct ringshm *channel;

	API(ringshm_open(&channel, context, RINGSHM_PRODUCER));
	API(ringshm_mpmc_producer_open(&producer, channel));
	for (uint64_t i = 1; i <= 3000; i++)
		API(ringshm_mpmc_send_wait(&producer, &i, sizeof(i), -1));
	return (int)ringshm_mpmc_producer_close(&producer);
}

GUEST_TEST_LONG(mpmc_in_region, "an mpmc channel in a region loses nothing between four processes", 120)
{
	struct ringshm_config config = kmod_config(RINGSHM_MPMC, 1024);
	struct ringshm_mpmc_consumer consumer;
	struct ringshm *channel;
	char name[] = "many";
	uint64_t value, sum = 0;
	pid_t pids[WORKERS];
	uint32_t len;

	config.slot_size = 64;
	API(ringshm_create(&channel, name, &config));
	API(ringshm_mpmc_consumer_open(&consumer, channel));
	for (int i = 0; i < WORKERS; i++)
		pids[i] = spawn(mpmc_worker, name);
	for (int i = 0; i < WORKERS * 3000; i++) {
		API(ringshm_mpmc_recv_wait(&consumer, &value, sizeof(value), &len, 20000000000));
		sum += value;
	}
	for (int i = 0; i < WORKERS; i++)
		CHECK_EQ(reap(pids[i]), 0);
	CHECK_EQ(sum, WORKERS * 3000ull * 3001 / 2);
	ringshm_mpmc_consumer_close(&consumer);
	ringshm_close(channel);
	API(ringshm_unlink(name));
}

/* SPDX-License-Identifier: MIT */
/* Kernel lanes as the library makes them: channels, waiting, pollers. */
#include "../guest.h"

#include <fcntl.h>
#include <linux/ioctl.h>
#include <ringshm/poller.h>
#include <ringshm/ringshm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../../../kmod/tests/ringshm_contexts.h"

static void check_api(int result, int line)
{
	if (result)
		guest_fail(__FILE__, line, "%s (%s)", ringshm_last_error(), strerrorname_np(-result));
}

#define API(call) check_api(call, __LINE__)

static struct ringshm *lane_channel(uint32_t backend, const char *name)
{
	struct ringshm_config config;
	struct ringshm *channel;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 1 << 20;
	config.features |= RINGSHM_F_KLANE | RINGSHM_F_TIMESTAMP;
	config.backend = backend;
	API(ringshm_create(&channel, name, &config));
	return channel;
}

static int kernel_joins(struct ringshm *channel)
{
	struct ringshm_contexts_lane lane;
	int fd = open("/dev/ringshm_contexts", O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	API(ringshm_kernel_lane_fds(channel, &lane.ctl_fd, &lane.data_fd));
	CHECK_EQ(ioctl(fd, RINGSHM_CONTEXTS_PRODUCE, &lane), 0);
	return fd;
}

struct order {
	int fd;
	unsigned int delay_us;
	struct ringshm_contexts_run *run;
};

static int run_later(void *context)
{
	struct order *order = context;

	usleep(order->delay_us);
	return ioctl(order->fd, RINGSHM_CONTEXTS_RUN, order->run) ? errno : 0;
}

static struct ringshm_contexts_run *run_arg(uint32_t contexts, uint64_t records)
{
	struct ringshm_contexts_run *run = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(run != MAP_FAILED);
	*run = (struct ringshm_contexts_run){.contexts = contexts, .filler = 50, .records = records};
	return run;
}

static void receive_through(uint32_t backend, const char *name)
{
	struct ringshm *channel = lane_channel(backend, name);
	struct order order = {kernel_joins(channel), 30000, run_arg(7, 500)};
	struct ringshm_spsc_consumer consumer;
	uint64_t received = 0, last = 0;
	const void *payload;
	uint32_t len;
	pid_t pid;
	int error;

	API(ringshm_spsc_consumer_open(&consumer, channel));
	pid = spawn(run_later, &order);
	while (!(error = ringshm_spsc_peek_wait(&consumer, received ? 1000000000 : 20000000000, &payload, &len))) {
		CHECK(ringshm_spsc_timestamp(&consumer) + 1000000 >= last); /* clocks of CPUs may differ */
		last = ringshm_spsc_timestamp(&consumer);
		CHECK(len >= sizeof(struct ringshm_contexts_record));
		ringshm_spsc_release(&consumer, 1);
		received++;
	}
	CHECK_EQ(error, -ETIMEDOUT);
	CHECK_EQ(reap(pid), 0);
	CHECK_EQ(received + order.run->dropped, order.run->tried);
	CHECK_EQ(ringshm_spsc_consumer_fd(&consumer) >= 0, backend == RINGSHM_BACKEND_KMOD);
	ringshm_spsc_consumer_close(&consumer);
	close(order.fd);
	ringshm_close(channel);
	if (name)
		API(ringshm_unlink(name));
}

GUEST_TEST_LONG(lane_kmod, "a consumer waits for a kernel lane in a region, named and anonymous, and gets every record",
		120)
{
	receive_through(RINGSHM_BACKEND_KMOD, NULL);
	receive_through(RINGSHM_BACKEND_KMOD, "lane");
}

GUEST_TEST_LONG(lane_files, "a consumer waits for a kernel lane in a memory file and in tmpfs", 120)
{
	receive_through(RINGSHM_BACKEND_MEMFD, NULL);
	receive_through(RINGSHM_BACKEND_SHM, "lane");
}

GUEST_TEST(lane_drops, "info tells what a full kernel lane holds and what the kernel dropped")
{
	for (uint32_t backend = RINGSHM_BACKEND_MEMFD; backend <= RINGSHM_BACKEND_KMOD;
	     backend += RINGSHM_BACKEND_KMOD - RINGSHM_BACKEND_MEMFD) {
		struct ringshm_info info = {.size = sizeof(info)};
		struct ringshm *channel = lane_channel(backend, NULL);
		struct order order = {kernel_joins(channel), 0, run_arg(1, 20000)};

		CHECK_EQ(run_later(&order), 0); /* nobody consumes */
		CHECK(order.run->dropped > 1000);
		API(ringshm_info(channel, &info));
		CHECK_EQ(info.lost_produced, order.run->dropped);
		CHECK(info.used > (1 << 20) - 4096 && info.used <= 1 << 20);
		close(order.fd);
		ringshm_close(channel);
	}
}

GUEST_TEST(lane_role, "nobody in user space is the producer of a kernel lane")
{
	struct ringshm *channel = lane_channel(RINGSHM_BACKEND_KMOD, NULL);
	struct ringshm_spsc_producer producer;

	CHECK_EQ(ringshm_spsc_producer_open(&producer, channel), -EACCES);
	ringshm_close(channel);
}

#define LANES 4

GUEST_TEST_LONG(lane_poller, "a poller asleep over four kernel lanes wakes for each and gets every record", 120)
{
	struct ringshm_spsc_consumer consumers[LANES];
	struct ringshm *channels[LANES];
	struct ringshm_event events[LANES];
	struct order orders[LANES];
	struct ringshm_poller *poller;
	uint64_t received = 0, expected = 0;
	pid_t pids[LANES];
	uint32_t len;

	API(ringshm_poller_create(&poller));
	for (int i = 0; i < LANES; i++) {
		channels[i] = lane_channel(RINGSHM_BACKEND_KMOD, NULL);
		API(ringshm_spsc_consumer_open(&consumers[i], channels[i]));
		API(ringshm_poller_add(poller, RINGSHM_SPSC, &consumers[i], &consumers[i]));
		orders[i] = (struct order){kernel_joins(channels[i]), 50000 + 30000 * (unsigned int)i,
					   run_arg(1u << (i % 3), 100)};
		pids[i] = spawn(run_later, &orders[i]);
	}
	for (;;) {
		int n = ringshm_poller_wait(poller, events, LANES, received ? 2000000000 : 20000000000);

		CHECK(n >= 0);
		if (!n)
			break;
		for (int i = 0; i < n; i++)
			for (; ringshm_spsc_peek(events[i].user, &len); received++)
				ringshm_spsc_release(events[i].user, 1);
	}
	for (int i = 0; i < LANES; i++) {
		CHECK_EQ(reap(pids[i]), 0);
		expected += orders[i].run->tried - orders[i].run->dropped;
		ringshm_poller_remove(poller, &consumers[i]);
		ringshm_spsc_consumer_close(&consumers[i]);
		close(orders[i].fd);
		ringshm_close(channels[i]);
	}
	CHECK_EQ(received, expected);
	ringshm_poller_destroy(poller);
}

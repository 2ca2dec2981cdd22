// SPDX-License-Identifier: MIT
// A socket pair, a channel to send through it, and what came out.
#include "passing.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

int pair[2];
struct ringshm *sent, *got;

void passing_setup(void)
{
	scratch_make();
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	sent = make_anonymous(0);
	got = NULL;
}

void passing_teardown(void)
{
	ringshm_close(sent);
	ringshm_close(got);
	close(pair[0]);
	close(pair[1]);
	scratch_remove();
}

void pass(unsigned int access)
{
	cr_assert_eq(ringshm_send_fd(sent, pair[0], access), 0, "%s", ringshm_last_error());
	cr_assert_eq(ringshm_recv_fd(&got, pair[1]), 0, "%s", ringshm_last_error());
}

int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

void exchange(struct ringshm *from, struct ringshm *to)
{
	struct ringshm_spsc_producer p;
	struct ringshm_spsc_consumer c;
	char bytes[8] = "";
	uint32_t len;

	cr_assert_eq(ringshm_spsc_producer_open(&p, from), 0, "%s", ringshm_last_error());
	cr_assert_eq(ringshm_spsc_consumer_open(&c, to), 0, "%s", ringshm_last_error());
	cr_assert_eq(ringshm_spsc_send(&p, "passed", 6), 0);
	cr_assert_eq(ringshm_spsc_recv(&c, bytes, sizeof(bytes), &len), 0);
	cr_expect_str_eq(bytes, "passed");
	ringshm_spsc_producer_close(&p);
	ringshm_spsc_consumer_close(&c);
}

// SPDX-License-Identifier: MIT
/*
 * Runs the entry point of fuzz_iextp.c on mutated frames; each stands at the end of a page behind
 * which nothing may be read.  Prints TAP.  For a search guided by coverage instead:
 *   clang -g -fsanitize=fuzzer,address fuzz_iextp.c ..., without this file
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "craft.h"

#define ROUNDS 300000
#define PAGE 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state = 88172645463325252;

static uint64_t any(void) /* xorshift64 (Marsaglia) */
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Input as the entry point wants it: how much was captured, then a good frame. */
static void seed(struct bytes *b)
{
	struct frame f = {.vlan = {any() % 3 ? 0 : 0x8100},
			  .ip_options = (uint8_t)(any() % 4),
			  .protocol = any() % 4 ? 0x8003 : 0x8004,
			  .first_seq = any() % 8 ? any() % 1000 : any(),
			  .padding = (unsigned int)(any() % 20)};
	struct messages m = {0};
	uint64_t n = any() % 5;

	while (n--) {
		add_quote(&m, "ABC", 1, 2, 3, 4);
		add_trade(&m, "ABC", (uint32_t)any(), (int64_t)any());
	}
	b->len = 0;
	put_be(b, any(), 2);
	craft_frame(b, &f, &m);
	messages_free(&m);
}

static void mutate(struct bytes *b)
{
	uint64_t n = any() % 4;

	while (n--)
		b->p[any() % b->len] = (uint8_t)any();
	if (any() % 4 == 0)
		b->len = 2 + any() % (b->len - 2);
}

/* Two pages, the second one out of bounds. */
static uint8_t *fence(void)
{
	uint8_t *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED || mprotect(pages + PAGE, PAGE, PROT_NONE) < 0) {
		perror("fuzz_run");
		exit(1);
	}
	return pages + PAGE;
}

/* `too_far`: bytes that are claimed to be there and are not. */
static void run(uint8_t *end, unsigned int rounds, size_t too_far)
{
	struct bytes b = {0};

	while (rounds--) {
		seed(&b);
		mutate(&b);
		memcpy(end - b.len, b.p, b.len);
		LLVMFuzzerTestOneInput(end - b.len, b.len + too_far);
	}
	bytes_free(&b);
}

/* Whether a child that does this ends by itself. */
static bool survives(unsigned int rounds, size_t too_far)
{
	struct rlimit no_core = {0, 0};
	int wstatus;
	pid_t pid = fork();

	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		if (too_far && !freopen("/dev/null", "w", stderr))
			_exit(2);
		run(fence(), rounds, too_far);
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &wstatus, 0) == pid && WIFEXITED(wstatus) && WEXITSTATUS(wstatus) == 0;
}

int main(void)
{
	bool good = survives(ROUNDS, 0), noticed = !survives(ROUNDS, 16);

	printf("%sok 1 - %d mutated frames are read and nothing behind them\n", good ? "" : "not ", ROUNDS);
	printf("%sok 2 - a planted length of 16 bytes too many is noticed\n", noticed ? "" : "not ");
	printf("1..2\n");
	return !good || !noticed;
}

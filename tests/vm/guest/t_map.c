/* SPDX-License-Identifier: MIT */
/* Creating and mapping: content, sharing, one fault per 2 MiB. */
#include "guest.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int count_nonzero(const unsigned char *at, size_t length)
{
	const uint64_t *word = (const uint64_t *)at;
	int bad = 0;

	for (size_t i = 0; i < length / sizeof(*word); i++)
		bad += word[i] != 0;
	return bad;
}

GUEST_TEST(create_and_stat, "a new region is as large as asked and says so to fstat and lseek")
{
	int region = create(NULL, 4 * MIB);
	struct stat st;

	CHECK_EQ(fstat(region, &st), 0);
	CHECK_EQ(st.st_size, 4 * MIB);
	CHECK_EQ(st.st_ino, info_of(region).ino);
	CHECK_EQ(lseek(region, 0, SEEK_END), 4 * MIB);
	CHECK_EQ(info_of(region).length, 4 * MIB);
	CHECK_EQ(info_of(region).abi, RINGSHM_KMOD_ABI);
	CHECK(fcntl(region, F_GETFD) & FD_CLOEXEC);
}

GUEST_TEST(zeroed, "memory that others wrote before comes back zeroed, blocks and contiguous")
{
	for (uint32_t flavour = RINGSHM_KMOD_BLOCKS; flavour <= RINGSHM_KMOD_CONTIGUOUS; flavour++) {
		for (int round = 0; round < 3; round++) {
			int region = create_on(NULL, 16 * MIB, flavour, RINGSHM_KMOD_NODE_LOCAL);
			unsigned char *at;

			CHECK(region >= 0);
			at = map(region, 16 * MIB);
			CHECK_EQ(count_nonzero(at, 16 * MIB), 0);
			memset(at, 0xa5, 16 * MIB);
			CHECK(count_nonzero(at, 16 * MIB) != 0);
			munmap(at, 16 * MIB);
			close(region);
		}
	}
}

static int reader(void *context)
{
	const char *name = context;
	int region = open_named(name, 0);
	unsigned char *at;

	CHECK(region >= 0);
	at = map(region, 2 * MIB);
	CHECK_EQ(at[4096], 0x5a);
	at[8192] = 0xc3;
	return 0;
}

GUEST_TEST(two_processes, "two processes that open one name share its memory")
{
	int region = create("two", 2 * MIB);
	unsigned char *at = map(region, 2 * MIB);
	char name[] = "two";

	at[4096] = 0x5a;
	CHECK_EQ(in_child(reader, name), 0);
	CHECK_EQ(at[8192], 0xc3);
	CHECK_EQ(unlink_named("two"), 0);
	CHECK_ERRNO(open_named("two", 0), ENOENT);
	CHECK_EQ(at[8192], 0xc3);
}

GUEST_TEST(name_persists, "a named region keeps its content with no descriptor open, until unlinked")
{
	int region = create("kept", 2 * MIB);
	unsigned char *at = map(region, 2 * MIB);

	at[77] = 77;
	munmap(at, 2 * MIB);
	close(region);
	CHECK(has_debugfs_line("kept"));
	region = open_named("kept", 0);
	CHECK(region >= 0);
	at = map(region, 2 * MIB);
	CHECK_EQ(at[77], 77);
	CHECK_EQ(unlink_named("kept"), 0);
	CHECK(!has_debugfs_line("kept"));
	CHECK_ERRNO(unlink_named("kept"), ENOENT);
}

static long touch_all(unsigned char *at, size_t length, size_t step, bool writing)
{
	long before = faults();
	unsigned char sum = 0;

	for (size_t i = 0; i < length; i += step) {
		if (writing)
			at[i] = 1;
		else
			sum = (unsigned char)(sum + *(volatile unsigned char *)(at + i));
	}
	CHECK_EQ(sum, 0);
	return faults() - before;
}

static void count_faults(size_t length, uint32_t flavour, bool writing)
{
	int region = create_on(NULL, length, flavour, RINGSHM_KMOD_NODE_LOCAL);
	unsigned char *at;
	long n;

	if (region < 0)
		guest_fail(__FILE__, __LINE__, "%zu MiB: %s", length / MIB, strerror(errno));
	at = map(region, length);
	CHECK_EQ((uintptr_t)at % BLOCK, 0);
	n = touch_all(at, length, 4096, writing);
	guest_note("%zu MiB touched page by page: %ld faults", length / MIB, n);
	CHECK_EQ(n, length / BLOCK);
	CHECK_EQ(touch_all(at, length, 4096, writing), 0);
	munmap(at, length);
	close(region);
}

GUEST_TEST_LONG(pmd_gib, "1 GiB written page by page takes 512 faults: it is mapped by 2 MiB entries", 120)
{
	write_file("/sys/module/ringshm/parameters/quota_total_mib", "1100");
	write_file("/sys/module/ringshm/parameters/quota_user_mib", "1100");
	count_faults(1024 * MIB, RINGSHM_KMOD_BLOCKS, true);
	write_file("/sys/module/ringshm/parameters/quota_total_mib", "0");
	write_file("/sys/module/ringshm/parameters/quota_user_mib", "0");
}

GUEST_TEST(pmd_contiguous, "a contiguous region is mapped by 2 MiB entries too, also when first read")
{
	count_faults(64 * MIB, RINGSHM_KMOD_CONTIGUOUS, true);
	count_faults(64 * MIB, RINGSHM_KMOD_CONTIGUOUS, false);
}

GUEST_TEST(fault_counter_works, "the fault count tells 4 KiB pages from 2 MiB ones (planted: a tmpfs memory)")
{
	int fd = memfd_create("small", 0);
	unsigned char *at;

	CHECK_EQ(ftruncate(fd, 4 * MIB), 0);
	at = map(fd, 4 * MIB);
	CHECK(touch_all(at, 4 * MIB, 4096, true) > (long)(4 * MIB / BLOCK));
}

GUEST_TEST(read_then_write, "a write after a read of the same 2 MiB costs no second fault")
{
	unsigned char *at = map(create(NULL, 2 * MIB), 2 * MIB);

	CHECK_EQ(touch_all(at, 2 * MIB, 4096, false), 1);
	CHECK_EQ(touch_all(at, 2 * MIB, 4096, true), 0);
}

GUEST_TEST(unaligned, "a mapping that cannot be aligned works page by page")
{
	int region = create(NULL, 4 * MIB);
	unsigned char *hole = mmap(NULL, 8 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *at;
	unsigned char *aligned = map(region, 4 * MIB);

	CHECK(hole != MAP_FAILED);
	at = (unsigned char *)(((uintptr_t)hole + BLOCK) & ~(BLOCK - 1)) + 4096;
	CHECK(mmap(at, 4 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, region, 0) == at);
	for (size_t i = 0; i < 4 * MIB; i += 4096)
		at[i] = (unsigned char)(i >> 12);
	for (size_t i = 0; i < 4 * MIB; i += 4096)
		CHECK_EQ(aligned[i], (unsigned char)(i >> 12));
}

GUEST_TEST(offset_mapping, "a mapping that begins in the middle shows the right bytes")
{
	int region = create(NULL, 8 * MIB);
	uint32_t *at = map(region, 8 * MIB), *part;

	for (size_t i = 0; i < 8 * MIB / 4; i += 1024)
		at[i] = (uint32_t)i;
	part = mmap(NULL, 3 * MIB, PROT_READ, MAP_SHARED, region, 2 * MIB + 8192);
	CHECK(part != MAP_FAILED);
	for (size_t i = 0; i < 3 * MIB / 4; i += 1024)
		CHECK_EQ(part[i], at[i + (2 * MIB + 8192) / 4]);
}

GUEST_TEST(split_and_move, "punching, protecting and moving parts of a mapping keeps the content")
{
	int region = create(NULL, 8 * MIB);
	unsigned char *at = map(region, 8 * MIB), *moved;

	for (size_t i = 0; i < 8 * MIB; i += 4096)
		at[i] = (unsigned char)(i >> 12 | 1);
	CHECK_EQ(munmap(at + MIB, 4096), 0);
	CHECK_EQ(mprotect(at + 3 * MIB, MIB, PROT_READ), 0);
	moved = mremap(at + 4 * MIB, 2 * MIB, 2 * MIB, MREMAP_MAYMOVE | MREMAP_FIXED, at + 12 * MIB);
	CHECK(moved == at + 12 * MIB);
	for (size_t i = 0; i < 2 * MIB; i += 4096)
		CHECK_EQ(moved[i], (unsigned char)((i + 4 * MIB) >> 12 | 1));
	for (size_t i = 0; i < 4 * MIB; i += 4096)
		if (i != MIB)
			CHECK_EQ(at[i], (unsigned char)(i >> 12 | 1));
	CHECK_ERRNO((long)mremap(moved, 2 * MIB, 4 * MIB, MREMAP_MAYMOVE), EFAULT);
	CHECK_EQ(mprotect(at + 3 * MIB, MIB, PROT_READ | PROT_WRITE), 0);
	at[3 * MIB] = 9;
	CHECK_EQ(info_of(region).mappings > 1, 1);
}

GUEST_TEST(soft_dirty, "clearing soft-dirty bits leaves the mapping writable")
{
	unsigned char *at = map(create(NULL, 4 * MIB), 4 * MIB);

	touch_all(at, 4 * MIB, 4096, true);
	write_file("/proc/self/clear_refs", "4");
	write_file("/proc/self/clear_refs", "1");
	for (size_t i = 0; i < 4 * MIB; i += 4096)
		at[i] = 3;
	CHECK_EQ(at[BLOCK], 3);
}

/* Two-letter flags of the area that begins at `at`, as smaps tells them. */
static void area_flags(const void *at, char *flags, size_t size)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	char line[512], start[32];
	bool here = false, found = false;

	CHECK(file);
	snprintf(start, sizeof(start), "%lx-", (unsigned long)at);
	while (!found && fgets(line, sizeof(line), file)) {
		here = here || !strncmp(line, start, strlen(start));
		found = here && !strncmp(line, "VmFlags:", 8);
	}
	fclose(file);
	CHECK(found);
	snprintf(flags, size, "%s", line + 8);
}

GUEST_TEST(flags_of_areas, "a mapping is shared and of frames, not dumped, not grown, and what is not allowed stays so")
{
	int region = create(NULL, 2 * MIB), readonly = dup_region(region, RINGSHM_KMOD_RDONLY);
	const char *always[] = {" sh ", " pf ", " de ", " dd "}; /* (mr, mw, me: may read, write, execute) */
	void *at = map(region, 2 * MIB), *seen = mmap(NULL, 2 * MIB, PROT_READ, MAP_SHARED, readonly, 0);
	char flags[256], seen_flags[256];

	CHECK(seen != MAP_FAILED);
	area_flags(at, flags, sizeof(flags));
	area_flags(seen, seen_flags, sizeof(seen_flags));
	for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
		CHECK(strstr(flags, always[i]));
	CHECK(strstr(flags, " mw ") && !strstr(flags, " me ") && !strstr(flags, " dc "));
	CHECK(strstr(seen_flags, " dd ") && !strstr(seen_flags, " mw ") && !strstr(seen_flags, " me "));
	CHECK_ERRNO(madvise(at, 2 * MIB, MADV_DODUMP), EINVAL);
}

static int forked(void *context)
{
	unsigned char *at = context;

	CHECK_EQ(at[5], 5);
	at[6] = 6;
	return 0;
}

GUEST_TEST(fork_inherits, "a fork child shares the mapping, and the region outlives the parent's descriptor")
{
	int region = create(NULL, 2 * MIB);
	unsigned char *at = map(region, 2 * MIB);

	at[5] = 5;
	close(region);
	CHECK_EQ(in_child(forked, at), 0);
	CHECK_EQ(at[6], 6);
}

static int receiver(void *context)
{
	int region = receive_fd(*(int *)context);
	unsigned char *at = map(region, 2 * MIB);

	CHECK_EQ(at[100], 42);
	at[101] = 43;
	return 0;
}

GUEST_TEST(scm_rights, "a descriptor sent over a socket maps the same memory")
{
	int region = create(NULL, 2 * MIB), pair[2];
	unsigned char *at = map(region, 2 * MIB);
	pid_t pid;

	at[100] = 42;
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid = spawn(receiver, &pair[1]);
	send_fd(pair[0], region);
	close(region);
	CHECK_EQ(reap(pid), 0);
	CHECK_EQ(at[101], 43);
}

static int traced(void *context)
{
	(void)context;
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	return 0;
}

GUEST_TEST(debugger, "a debugger reads and writes a mapping, but writes none that is read-only")
{
	int region = create(NULL, 2 * MIB), status;
	long *at = map(region, 2 * MIB);
	long *readonly = mmap(NULL, 2 * MIB, PROT_READ, MAP_SHARED, dup_region(region, RINGSHM_KMOD_RDONLY), 0);
	pid_t pid;

	CHECK(readonly != MAP_FAILED);
	at[1] = 1234567;
	pid = spawn(traced, NULL);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	errno = 0;
	CHECK_EQ(ptrace(PTRACE_PEEKDATA, pid, at + 1, NULL), 1234567);
	CHECK_EQ(ptrace(PTRACE_PEEKDATA, pid, readonly + 1, NULL), 1234567);
	CHECK_EQ(errno, 0);
	CHECK_EQ(ptrace(PTRACE_POKEDATA, pid, at + 2, (void *)99L), 0);
	CHECK_EQ(at[2], 99);
	CHECK_EQ(ptrace(PTRACE_POKEDATA, pid, readonly + 2, (void *)98L), -1);
	CHECK_EQ(at[2], 99);
	kill(pid, SIGKILL);
	reap(pid);
}

/* Splices `length` bytes into a pipe by reference; what came of it is read again after the region is gone. */
static ssize_t splice_out(unsigned char *at, size_t length, int pipes[2])
{
	struct iovec part = {at, length};

	CHECK_EQ(pipe2(pipes, O_NONBLOCK), 0);
	return vmsplice(pipes[1], &part, 1, 0);
}

GUEST_TEST(vmsplice_refused, "vmsplice gets no reference to a region's pages, one or many, of either flavour")
{
	for (uint32_t flavour = RINGSHM_KMOD_BLOCKS; flavour <= RINGSHM_KMOD_CONTIGUOUS; flavour++) {
		for (size_t pages = 1; pages <= 8; pages += 7) {
			int region = create_on(NULL, 4 * MIB, flavour, RINGSHM_KMOD_NODE_LOCAL), pipes[2];
			unsigned char *at = map(region, 4 * MIB);

			memset(at, 0x77, 4 * MIB);
			CHECK_ERRNO(splice_out(at + 8192, pages * 4096, pipes), EFAULT);
			CHECK_ERRNO(read(pipes[0], at, 4096), EAGAIN);
			munmap(at, 4 * MIB);
			close(region);
		}
	}
}

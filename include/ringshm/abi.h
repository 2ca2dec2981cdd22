/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The layout of a channel in shared memory: every word that two programs must agree on. */
#ifndef RINGSHM_ABI_H
#define RINGSHM_ABI_H

/*
 * A channel is four files, split by who writes them so that page permissions enforce roles:
 *
 *   ctl    struct ringshm_ctl   written by producers; consumers map it read-only
 *   cons   struct ringshm_cons  written by consumers; producers map it read-only
 *   lock   one byte a participant, never mapped: a write lock on byte i says "i is alive"
 *   data   struct ringshm_data  header page, then the records or slots
 *
 * Rules: fixed-width integers in native byte order (the header carries a mark), 64-bit words
 * aligned to 8 on every machine, offsets and never pointers, words of different writers at least
 * RINGSHM_LINE bytes apart. docs/layout.md draws it; tests/abi freezes every offset.
 */

#ifdef __KERNEL__
#include <linux/types.h>
#ifndef UINT64_C
#define UINT64_C(c) c##ULL
#define UINT32_C(c) c##U
#endif
#else
#include <stddef.h>
#include <stdint.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A shared word. The explicit alignment matters on i386, where uint64_t aligns to 4. */
typedef uint64_t ringshm_word __attribute__((aligned(8)));
typedef uint32_t ringshm_word32 __attribute__((aligned(4)));
typedef uint16_t ringshm_word16 __attribute__((aligned(2)));

#define RINGSHM_MAGIC UINT64_C(0x314d4853474e4952)	/* "RINGSHM1" in little-endian bytes */
#define RINGSHM_CONS_MAGIC UINT64_C(0x31534e4f43474e52) /* "RNGCONS1" */
#define RINGSHM_DATA_MAGIC UINT64_C(0x3141544144474e52) /* "RNGDATA1" */
#define RINGSHM_ABI_MAJOR 1u				/* another major: another layout, refused */
#define RINGSHM_ABI_MINOR 0u				/* a higher minor: more, compatible */
#define RINGSHM_BYTE_ORDER UINT32_C(0x01020304)

#define RINGSHM_LINE 128u   /* bytes between words of different writers: two lines, as prefetched in pairs */
#define RINGSHM_BLOCK 4096u /* fixed part of ctl and of cons, header part of data */
#define RINGSHM_UUID_SIZE 16u
#define RINGSHM_PARTICIPANTS_DEFAULT 64u
#define RINGSHM_PARTICIPANTS_MAX 1024u

/* ringshm_header.kind: which ring the data area holds. */
enum ringshm_kind {
	RINGSHM_SPSC = 1,  /* one producer, one consumer, variable length */
	RINGSHM_TOKEN = 2, /* one producer, one consumer, one 64-bit value */
	RINGSHM_MPMC = 3,  /* many producers, many consumers, each message to one */
	RINGSHM_BCAST = 4, /* many producers, each message to every consumer */
};

/* ringshm_header.backend: where the data area lives. */
enum ringshm_backend {
	RINGSHM_BACKEND_AUTO = 0, /* config only: the best this machine offers */
	RINGSHM_BACKEND_SHM = 1,
	RINGSHM_BACKEND_MEMFD = 2,
	RINGSHM_BACKEND_HUGETLBFS = 3,
	RINGSHM_BACKEND_THP = 4,
	RINGSHM_BACKEND_SYSV = 5,
	RINGSHM_BACKEND_KMOD = 6,
};

/* ringshm_header.incompat: who does not know a bit set here must refuse the channel. */
#define RINGSHM_F_TIMESTAMP UINT64_C(0x1) /* every record carries a u64 CLOCK_MONOTONIC stamp, ns */
#define RINGSHM_F_BLOCK UINT64_C(0x2)	  /* wake-ups are certain: a full barrier at every publish */
#define RINGSHM_F_POLLFD UINT64_C(0x4)	  /* wake-ups also through a pollable descriptor */
#define RINGSHM_F_EOF UINT64_C(0x8)	  /* producer gone and ring drained: -EPIPE */
#define RINGSHM_F_KLANE UINT64_C(0x10)	  /* the producer is the kernel; its words live in data */
#define RINGSHM_F_GATED UINT64_C(0x20)	  /* bcast: the slowest live consumer holds producers back */
#define RINGSHM_F_STATES UINT64_C(0x40)	  /* every mpmc, unasked: states stand beside the slots, not in them */
#define RINGSHM_F_KNOWN UINT64_C(0x3f)	  /* what may be asked for */

/* ringshm_ctl.state.word: why a channel came to its end; 0 while it lives. Bits are only ever added,
 * but for RINGSHM_STATE_EOF, which the next producer takes away. */
#define RINGSHM_STATE_SHUTDOWN UINT64_C(0x1)   /* ringshm_shutdown(): -ESHUTDOWN once drained */
#define RINGSHM_STATE_SUPERSEDED UINT64_C(0x2) /* unlinked or recreated: -ESTALE */
#define RINGSHM_STATE_EOF UINT64_C(0x4)	       /* RINGSHM_F_EOF: the last producer closed */
#define RINGSHM_STATE_FORKED UINT64_C(0x8)     /* only in a fork child's private copy: -ESTALE */
#define RINGSHM_STATE_BROKEN UINT64_C(0x10)    /* only in the private copy that ringshm_guard() puts there: -EPROTO */
#define RINGSHM_STATE_PRIVATE (RINGSHM_STATE_FORKED | RINGSHM_STATE_BROKEN) /* nothing behind it is shared any more */

/*
 * The identity of a channel: written once by its builder, `magic` last, constant ever after.
 * Who attaches copies it once, checks the copy and uses only the copy.
 */
struct ringshm_header {
	ringshm_word magic;    /* RINGSHM_MAGIC; stored with release after everything else */
	uint16_t major;	       /* RINGSHM_ABI_MAJOR */
	uint16_t minor;	       /* RINGSHM_ABI_MINOR */
	uint32_t header_size;  /* sizeof(struct ringshm_header) as its builder knew it */
	uint32_t byte_order;   /* RINGSHM_BYTE_ORDER */
	uint32_t kind;	       /* enum ringshm_kind */
	ringshm_word incompat; /* RINGSHM_F_*: all must be known */
	ringshm_word compat;   /* may be ignored */
	uint8_t uuid[RINGSHM_UUID_SIZE];
	ringshm_word capacity; /* power of two: bytes (spsc) or slots (the others) */
	ringshm_word start_position;
	uint32_t slot_size;	/* bytes a slot, as asked for; 0 for spsc */
	uint32_t alignment;	/* of payloads: 8 or 64 */
	uint32_t participants;	/* records in ctl and in cons, bytes in lock */
	uint32_t backend;	/* enum ringshm_backend of data */
	ringshm_word page_size; /* of data, bytes, as obtained */
	ringshm_word ctl_size;	/* bytes of each file */
	ringshm_word cons_size;
	ringshm_word data_size;
	ringshm_word data_offset; /* of the first record, value or state from the start of data */
	ringshm_word schema_id;	  /* the user's; 0: none */
	uint32_t schema_version;
	int32_t node;		 /* NUMA node of data; -1: any; -2: interleaved */
	ringshm_word created_ns; /* CLOCK_REALTIME */
	uint32_t creator_pid;	 /* for people; in the creator's pid namespace */
	uint32_t creator_uid;
	ringshm_word backend_key; /* sysv: the segment's key | inode of its IPC namespace << 32; otherwise 0 */
	uint8_t reserved[344];	  /* zero */
};

/* One word that stands alone on its line pair. */
struct ringshm_line {
	ringshm_word word;
	ringshm_word reserved[15];
};

/* Both halves of a sleep: a sequence that wakers advance and sleep is on, and the wakers' own sleepers. */
struct ringshm_wake_line {
	ringshm_word32 sequence; /* futex of the *other* side's sleepers; this side advances it */
	ringshm_word32 sleepers; /* 0: nobody of *this* side sleeps; one-seat kinds: number of the sleep; others: 1 */
	ringshm_word reserved[15];
};

/* What repairers count; totals since creation, never wrapping in practice (64 bits). */
struct ringshm_count_line {
	ringshm_word lost;	/* messages lost with a dead participant of this side */
	ringshm_word repairs;	/* positions repaired by this side's claims */
	ringshm_word takeovers; /* times a newcomer took over a dead one's place on this side */
	ringshm_word reserved[13];
};

/*
 * A position that a living participant of this side holds up, as noticed by one whom it holds up, so
 * that people can be told since when. `position` is stored last; it stands while that word of the
 * ring is unfinished, and means nothing afterwards.
 */
struct ringshm_stall_line {
	ringshm_word position; /* mpmc: position << RINGSHM_MPMC_SHIFT | 1; 0: none yet */
	ringshm_word since_ns; /* CLOCK_MONOTONIC */
	ringshm_word holder;   /* participant */
	ringshm_word reserved[13];
};

/* ringshm_participant.state */
#define RINGSHM_SEAT_FREE 0u	 /* never used */
#define RINGSHM_SEAT_ATTACHED 1u /* in use, if its lock byte is held; else its owner died */
#define RINGSHM_SEAT_CLOSED 2u	 /* left in good order */

/*
 * A participant's own line: written by the holder of its lock byte alone, one in `ctl` for a
 * producer or one in `cons` for a consumer. Only `intent` and `position` are of the ring protocols;
 * the rest is for sweepers and for people.
 */
struct ringshm_participant {
	ringshm_word intent;	 /* mpmc: the range last tried to claim, position | count */
	ringshm_word generation; /* owners of this id so far; the owner's own number */
	ringshm_word position;	 /* bcast: how far this consumer has read */
	uint32_t state;		 /* RINGSHM_SEAT_* */
	uint32_t role;		 /* enum ringshm_role */
	uint32_t pid;		 /* for people; in the owner's pid namespace */
	uint32_t tid;
	ringshm_word attached_ns; /* CLOCK_MONOTONIC */
	ringshm_word dropped;	  /* messages its caller gave up, by note_dropped() */
	char comm[16];		  /* the thread's name, zero-terminated */
	ringshm_word reserved[7];
};

enum ringshm_role {
	RINGSHM_ROLE_PRODUCER = 1,
	RINGSHM_ROLE_CONSUMER = 2
};

/* spsc and token: fixed seats, so that a lock byte is the role. */
#define RINGSHM_SEAT_PRODUCER 0u
#define RINGSHM_SEAT_CONSUMER 1u

/* `ctl`: the identity and the producers' words. */
struct ringshm_ctl {
	struct ringshm_header header;	 /*    0 */
	struct ringshm_line state;	 /*  512  RINGSHM_STATE_* */
	struct ringshm_line tail;	 /*  640  spsc, token: end of what is published; mpmc, bcast: claim cursor */
	struct ringshm_wake_line wake;	 /*  768  sequence: consumers sleep on it; sleepers: producers */
	struct ringshm_count_line count; /*  896 */
	struct ringshm_stall_line stall; /* 1024 */
	uint8_t reserved[RINGSHM_BLOCK - 1152];
	/* 4096: header.participants times struct ringshm_participant */
};

/* `cons`: the consumers' words. */
struct ringshm_cons {
	ringshm_word magic;		 /*    0  RINGSHM_CONS_MAGIC */
	uint8_t uuid[RINGSHM_UUID_SIZE]; /*   8  the channel's */
	uint8_t reserved0[104];
	struct ringshm_line head;	 /*  128  spsc, token: end of what is released; mpmc: claim cursor */
	struct ringshm_line credit;	 /*  256  spsc: the copy of head that the producer polls */
	struct ringshm_wake_line wake;	 /*  384  sequence: producers sleep on it; sleepers: consumers */
	struct ringshm_count_line count; /* 512 */
	struct ringshm_stall_line stall; /* 640 */
	uint8_t reserved1[RINGSHM_BLOCK - 768];
	/* 4096: header.participants times struct ringshm_participant */
};

/* Participant id's line of `ctl` (producers) or `cons` (consumers); `file` is the start of the mapping. */
static inline struct ringshm_participant *ringshm_participant_line(void *file, uint32_t id)
{
	return (struct ringshm_participant *)((unsigned char *)file + RINGSHM_BLOCK) + id;
}

/* `data`: a header page, then records or slots at header.data_offset. The lines of a kernel lane
 * (RINGSHM_F_KLANE) stand here, where the kernel has the pages pinned; unused otherwise. */
struct ringshm_data {
	ringshm_word magic;		 /*    0  RINGSHM_DATA_MAGIC */
	uint8_t uuid[RINGSHM_UUID_SIZE]; /*   8  the channel's */
	ringshm_word size;		 /*   24  bytes of the whole area */
	ringshm_word home;		 /*   32  tag of the directory that holds the channel; 0: anonymous */
	uint8_t reserved0[88];
	struct ringshm_line state;	 /*  128  kernel lane: as ringshm_ctl.state */
	struct ringshm_line tail;	 /*  256  kernel lane: the kernel's */
	struct ringshm_line head;	 /*  384  kernel lane: the consumer's */
	struct ringshm_line credit;	 /*  512  kernel lane: the consumer's */
	struct ringshm_count_line count; /* 640  kernel lane: lost = records the kernel dropped */
	struct ringshm_wake_line wake; /*  768  kernel lane: sleepers: the consumer; it sleeps in poll, so no sequence */
	uint8_t reserved1[RINGSHM_BLOCK - 896];
};

/*
 * A record header: one word, stored whole, before every spsc payload.
 *
 *   63      48 47      32 31                    3   2     1      0
 *   [ flags   |  type    |  length (bytes)       | pad | lap | committed ]
 *
 * `lap` is the parity of the position's lap round the ring, so that a header of the lap before is
 * never taken for a new one. A pad reaches to the end of the ring; its length is not looked at.
 */
#define RINGSHM_RECORD_COMMITTED UINT64_C(0x1)
#define RINGSHM_RECORD_LAP UINT64_C(0x2)
#define RINGSHM_RECORD_PAD UINT64_C(0x4)
#define RINGSHM_RECORD_LENGTH_SHIFT 3
#define RINGSHM_RECORD_LENGTH_MAX UINT32_C(0x1fffffff)
#define RINGSHM_RECORD_TYPE_SHIFT 32
#define RINGSHM_RECORD_FLAGS_SHIFT 48

static inline uint64_t ringshm_record_header(uint32_t length, uint16_t type, uint16_t flags)
{
	return RINGSHM_RECORD_COMMITTED | (uint64_t)length << RINGSHM_RECORD_LENGTH_SHIFT |
	       (uint64_t)type << RINGSHM_RECORD_TYPE_SHIFT | (uint64_t)flags << RINGSHM_RECORD_FLAGS_SHIFT;
}

static inline uint32_t ringshm_record_length(uint64_t header)
{
	return (uint32_t)(header >> RINGSHM_RECORD_LENGTH_SHIFT) & RINGSHM_RECORD_LENGTH_MAX;
}

static inline uint16_t ringshm_record_type(uint64_t header)
{
	return (uint16_t)(header >> RINGSHM_RECORD_TYPE_SHIFT);
}

static inline uint16_t ringshm_record_flags(uint64_t header)
{
	return (uint16_t)(header >> RINGSHM_RECORD_FLAGS_SHIFT);
}

/*
 * mpmc. Every word but the states is a position, 56 bits, above one byte; so all are compared by plain
 * subtraction, modulo 2^64, and a position comes again after 2^56 messages only.
 *
 *   cursor      [ position | losses counted, modulo 256       ]   ctl.tail, cons.head
 *   intent      [ position | count                            ]   ringshm_participant
 *   verdict     [ position | what it is, since its owner died ]   one a slot, written by repairers alone
 *   state       [ lap, modulo 256 | state of the slot         ]   one a slot, 16 bits
 *
 * The data area holds, from header.data_offset on and each from a multiple of 128 bytes on: the states,
 * the verdicts, and the slots (ringshm_mpmc_shape() has the figures). States stand close together, 32 in
 * 64 bytes, because they travel between processors in both directions: a batch of 32 moves one line of them.
 *
 * States: below 0x80 it is the producers' turn, from there on the consumers'. Messages in slots of
 * up to 128 bytes ("compact") have their length in the state; longer ones, and all with
 * RINGSHM_F_TIMESTAMP, are [record header][stamp, with that feature][payload], payload at 64 when the
 * alignment is 64. A slot's state is what its state word says, unless a verdict says more of the position.
 * The byte of the consumers' cursor belongs to ctl.count.lost, that of the producers' to
 * cons.count.lost: true value = lost + ((cursor - lost) & 255).
 */
#define RINGSHM_MPMC_SHIFT 8
#define RINGSHM_MPMC_LOW UINT64_C(0xff)
#define RINGSHM_MPMC_FREE 0x00u
#define RINGSHM_MPMC_READY 0x80u     /* a message; compact: plus its length */
#define RINGSHM_MPMC_DISCARDED 0xfeu /* its producer gave it up */
#define RINGSHM_MPMC_LENGTH 0x7fu
#define RINGSHM_MPMC_LAP 0x100u /* added to a state by each lap */
/* Verdicts; below 0x80 the slot awaits producers. The low six bits count verdicts with no state stored between. */
#define RINGSHM_MPMC_RETURNED UINT64_C(0x00)  /* free: its reader died, and no message was in it */
#define RINGSHM_MPMC_FREED UINT64_C(0x40)     /* free: its reader died with a message, a loss not yet counted */
#define RINGSHM_MPMC_TOMBSTONE UINT64_C(0x80) /* for consumers to pass: its producer died, a loss not yet counted */
#define RINGSHM_MPMC_VERDICT UINT64_C(0xc0)   /* mask of these */
#define RINGSHM_MPMC_CHAIN UINT64_C(0x3f)     /* mask of the count */
#define RINGSHM_MPMC_BATCH_MAX 255u	      /* slots of one claim */
#define RINGSHM_MPMC_COMPACT_MAX 128u	      /* bytes of the largest compact slot */

#ifdef __cplusplus
}
#endif

#endif

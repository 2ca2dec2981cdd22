/* SPDX-License-Identifier: MIT */
/* The library: channels, endpoints, waiting, information. Everything but the hot paths. */
#ifndef RINGSHM_RINGSHM_H
#define RINGSHM_RINGSHM_H

/*
 * A channel is a named (or anonymous) ring in shared memory; an endpoint is one thread's role in it.
 *
 *   struct ringshm *ch;                      struct ringshm *ch;
 *   struct ringshm_spsc_producer p;          struct ringshm_spsc_consumer c;
 *   ringshm_open_or_create(&ch, "md", &cfg); ringshm_open(&ch, "md", RINGSHM_CONSUMER);
 *   ringshm_spsc_producer_open(&p, ch);      ringshm_spsc_consumer_open(&c, ch);
 *   ringshm_spsc_send(&p, buf, len);         ringshm_spsc_recv_wait(&c, buf, cap, &len, -1);
 *
 * Errors. Functions return 0 or a negative errno value. ringshm_last_error() then has a sentence for
 * people: what failed, on what, why, and what to do. Errors that every function may give:
 *
 *   -EINVAL       an argument or a field of the configuration is out of its range
 *   -ENOMEM       no memory or no address space
 *   -EACCES       the channel's owner and mode do not allow it
 *   -EPROTO       the shared memory is not a sound ringshm channel, or a peer broke its rules
 *   -ESTALE       the channel was unlinked or recreated under the same name
 *   -ESHUTDOWN    ringshm_shutdown() was called
 *
 * Threads. A channel handle may be used by many threads; an endpoint belongs to the thread that uses
 * it, one at a time. fork(): a child keeps its channel handles and opens endpoints of its own; the
 * parent's endpoints are dead in the child (status -ESTALE) and change nothing. A raw clone() that
 * bypasses the C library's fork handlers is not supported.
 */

#include <ringshm/mpmc.h>
#include <ringshm/spsc.h>
#include <ringshm/token.h>

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default) /* the library is built with everything else hidden */

/* ---- configuration -------------------------------------------------------------------------- */

/*
 * What a channel shall be. Fill in with ringshm_config_init(), then change what you care about; a
 * zero always means the default given here.
 */
struct ringshm_config {
	uint32_t size;		 /* sizeof(struct ringshm_config), by ringshm_config_init() */
	uint32_t kind;		 /* enum ringshm_kind */
	uint64_t capacity;	 /* power of two: bytes (spsc: 64 .. 2^40), slots (the others: 2 .. 2^32) */
	uint32_t slot_size;	 /* bytes a slot; 0: the kind's own (token: 8; mpmc: 64, payloads up to 56) */
	uint32_t alignment;	 /* of payloads: 8 (default) or 64 */
	uint32_t backend;	 /* enum ringshm_backend; default RINGSHM_BACKEND_AUTO */
	int32_t node;		 /* of all its memory: NUMA node, or RINGSHM_NODE_*; default RINGSHM_NODE_ANY */
	uint64_t page_size;	 /* of data, bytes; 0: the backend's choice; else that or failure */
	uint64_t features;	 /* RINGSHM_F_TIMESTAMP | RINGSHM_F_BLOCK | ...; default none */
	uint64_t start_position; /* first position: makes wrap-around testable; a multiple of alignment */
	uint64_t schema_id;	 /* the caller's: what the payloads mean; 0: unchecked */
	uint32_t schema_version;
	uint32_t participants;	/* most endpoints at a time; default 64, at most 1024; spsc, token: 2 */
	uint32_t mode;		/* who may produce (read and write bits) or look (read bits); default 0600 */
	uint32_t consumer_mode; /* who may consume (read and write bits); default: as mode */
	uint32_t group;		/* gid of the files; RINGSHM_GROUP_NONE: the creator's */
	uint32_t flags;		/* RINGSHM_CREATE_* */
};

#define RINGSHM_NODE_ANY (-1)
#define RINGSHM_NODE_INTERLEAVE (-2)
#define RINGSHM_NODE_LOCAL (-3) /* the node of the calling thread; near a CPU: ringshm_node_of_cpu() */
#define RINGSHM_GROUP_NONE UINT32_C(0xffffffff)

/* ringshm_create(): put the new channel in the place of an old one of that name, whose endpoints get -ESTALE. */
#define RINGSHM_CREATE_REPLACE 0x1u
/* The data area in one physical run, which only backend kmod has, and gives to CAP_SYS_ADMIN; auto then means kmod. */
#define RINGSHM_CREATE_CONTIGUOUS 0x2u

/* The defaults, for a channel of this kind. capacity stays 0: choose it. */
static inline void ringshm_config_init(struct ringshm_config *config, uint32_t kind)
{
	memset(config, 0, sizeof(*config));
	config->size = sizeof(*config);
	config->kind = kind;
	config->node = RINGSHM_NODE_ANY;
	config->group = RINGSHM_GROUP_NONE;
}

/* ---- channels ------------------------------------------------------------------------------- */

struct ringshm;

/* What an opener wants to be able to do; more needs more permission. */
#define RINGSHM_OBSERVER 0x1u /* look: everything mapped read-only, leaves no trace */
#define RINGSHM_CONSUMER 0x2u
#define RINGSHM_PRODUCER 0x4u

/*
 * Create a channel. `name`: 1 to 128 of A-Z a-z 0-9 . _ - and not beginning with a dot; NULL: an
 * anonymous one, made of sealed memory files, for children and for ringshm_send_fd(). All its memory
 * is allocated here or -ENOSPC / -ENOMEM is returned and nothing is left behind. The handle has every
 * access. -EEXIST: the name is taken (open it, unlink it, or ask for RINGSHM_CREATE_REPLACE).
 */
int ringshm_create(struct ringshm **channel, const char *name, const struct ringshm_config *config);

/*
 * Open a channel. `access`: RINGSHM_* or-ed. -ENOENT: no such channel. -ENXIO: it is there, and its data memory is
 * not: in another IPC namespace, in a hugetlbfs that is not mounted here, or removed by others.
 */
int ringshm_open(struct ringshm **channel, const char *name, unsigned int access);

/* Demands on a channel, for those who do not trust whoever made it. */
struct ringshm_open_options {
	uint32_t size; /* sizeof(struct ringshm_open_options) */
	uint32_t access;
	uint32_t kind;		 /* 0: any; else -EPROTOTYPE when it differs */
	uint32_t schema_version; /* with schema_id */
	uint64_t schema_id;	 /* 0: any; else -EPROTOTYPE when id or version differ */
	uint32_t owner;		 /* uid that must own every file, else -EACCES; RINGSHM_OWNER_ANY */
	uint32_t reserved;
};

#define RINGSHM_OWNER_ANY UINT32_C(0xffffffff)

static inline void ringshm_open_options_init(struct ringshm_open_options *options, unsigned int access)
{
	memset(options, 0, sizeof(*options));
	options->size = sizeof(*options);
	options->access = access;
	options->owner = RINGSHM_OWNER_ANY;
}

int ringshm_open_with(struct ringshm **channel, const char *name, const struct ringshm_open_options *options);

/*
 * Open the channel of that name, with every access, or create it. Of several processes that call this
 * at once one creates. -EEXIST: it exists with another kind, shape, features or schema.
 */
int ringshm_open_or_create(struct ringshm **channel, const char *name, const struct ringshm_config *config);

/*
 * Drop the handle. Endpoints opened through it go on working and are closed by their own threads; the
 * memory goes when the last of them has. NULL is fine. Always 0.
 */
int ringshm_close(struct ringshm *channel);

/*
 * Remove the name. Those still attached get -ESTALE at their next slow path (producers at their next
 * reserve). Also removes what a crash left half built or half removed. -ENOENT: nothing of that name.
 */
int ringshm_unlink(const char *name);

/*
 * End the channel for everybody: producers get -ESHUTDOWN at once, consumers after they have drained
 * it, sleepers are woken. Needs write access to the producers' words, else -EACCES.
 */
int ringshm_shutdown(struct ringshm *channel);

/*
 * Pass a channel over a Unix socket (any type). The receiver gets descriptors of its own with `access`
 * at most. Blocking sockets block. -EMSGSIZE, -EPIPE...: as sendmsg(2).
 * ringshm_recv_fd: -EPROTO: something else arrived; -EPIPE: the other side closed.
 */
int ringshm_send_fd(struct ringshm *channel, int socket, unsigned int access);
int ringshm_recv_fd(struct ringshm **channel, int socket);

/*
 * What a kernel producer is given of a channel with RINGSHM_F_KLANE: the descriptors of its control file
 * and of its data. They stay the handle's: pass them to the module's ioctl, do not close them. -EINVAL:
 * no kernel lane; -EACCES: the handle was not opened for producing.
 */
int ringshm_kernel_lane_fds(struct ringshm *channel, int *ctl_fd, int *data_fd);

/*
 * Call `visit` for every channel handle of this process, whichever thread opened it, while others open
 * and close: an exporter of figures needs no list of its own. The handle is good during the call, not
 * after it; ringshm_info() is what it is for. Stops at the first result that is not 0 and returns it.
 */
int ringshm_attached(int (*visit)(struct ringshm *channel, void *context), void *context);

/* The directory that holds the named channels: $RINGSHM_DIR, or /dev/shm/ringshm. */
const char *ringshm_directory(void);

/* ---- information ---------------------------------------------------------------------------- */

struct ringshm_info {
	uint32_t size; /* sizeof(struct ringshm_info), set by the caller; no more is written */
	uint32_t kind;
	uint64_t capacity;
	uint64_t start_position;
	uint32_t slot_size;
	uint32_t alignment;
	uint32_t max_payload; /* bytes: the largest message */
	uint32_t backend;     /* what data lives in */
	uint64_t page_size;   /* of data, bytes, as obtained */
	uint64_t features;
	int32_t node;
	uint32_t participants;
	uint64_t ctl_size; /* bytes of each file */
	uint64_t cons_size;
	uint64_t data_size;
	uint64_t schema_id;
	uint32_t schema_version;
	uint32_t state; /* RINGSHM_STATE_* */
	uint8_t uuid[RINGSHM_UUID_SIZE];
	uint64_t created_ns; /* CLOCK_REALTIME */
	uint32_t creator_pid;
	uint32_t owner; /* uid of the files */
	uint32_t mode;	/* of ctl */
	uint32_t consumer_mode;
	uint64_t head; /* positions: all before head is released, all before tail is published */
	uint64_t tail;
	uint64_t used;	    /* bytes (spsc) or slots between them */
	uint32_t producers; /* alive now */
	uint32_t consumers;
	uint32_t dead;		/* seats whose owner died and that nobody has swept */
	uint32_t attached_ever; /* 0: nobody ever produced or consumed */
	uint64_t dropped;	/* by note_dropped(), all participants, this generation of them */
	uint64_t lost_produced; /* messages lost with a dead producer */
	uint64_t lost_consumed; /* messages lost with a dead consumer */
	uint64_t repairs;
	uint64_t takeovers; /* newcomers that took over from a dead one */
	/* mpmc: a living participant that stands before others, as they noticed */
	uint32_t stalled_role; /* enum ringshm_role; 0: nobody */
	uint32_t stalled_id;
	uint32_t stalled_pid;
	uint32_t reserved;
	uint64_t stalled_position;
	uint64_t stalled_ns;	 /* since it was noticed */
	uint64_t producers_ever; /* attached since it was created, the living included */
	uint64_t consumers_ever;
};

/* A snapshot of the channel. Fields beyond the caller's `size` are not written. */
int ringshm_info(struct ringshm *channel, struct ringshm_info *info);

struct ringshm_participant_info {
	uint32_t size; /* sizeof, set by the caller */
	uint32_t id;
	uint32_t role;	/* enum ringshm_role */
	uint32_t alive; /* its lock is held; only known to those who may consume or produce, else 1 */
	uint32_t pid;	/* in its own pid namespace */
	uint32_t tid;
	uint64_t generation;
	uint64_t attached_ns; /* CLOCK_MONOTONIC */
	uint64_t dropped;
	char comm[16];
};

/*
 * One participant, producers' side or consumers' side. -ENOENT: that seat is empty; -ERANGE: no such
 * id, which ends a loop over all.
 */
int ringshm_participant_info(struct ringshm *channel, uint32_t role, uint32_t id,
			     struct ringshm_participant_info *info);

/* The sentence about this thread's last failed call; never NULL; good until its next call here. */
const char *ringshm_last_error(void);

/* "1.2.3" */
const char *ringshm_version(void);

/* Names for people and JSON, "unknown" for what is not known: "spsc", "shm". */
const char *ringshm_kind_name(uint32_t kind);
const char *ringshm_backend_name(uint32_t backend);

/* ---- memory --------------------------------------------------------------------------------- */

/*
 * What became of one backend when a data area was to be made of it. RINGSHM_BACKEND_AUTO tries, for named
 * channels: kmod, hugetlbfs, thp, sysv with huge pages, shm; for anonymous ones: kmod, memfd with huge pages, thp,
 * memfd; and takes the first that works. It does not take a huge page of which more than half would stay empty,
 * so rings smaller than half a huge page (1 MiB on x86) get small pages unless config.page_size asks otherwise.
 */
struct ringshm_backend_trial {
	uint32_t size;	    /* sizeof; of the first in an array set by the caller, for all */
	uint32_t backend;   /* enum ringshm_backend */
	uint64_t page_size; /* bytes, as obtained; when refused, as wanted */
	int32_t error;	    /* 0: it works; else -errno */
	uint32_t reserved;
	char reason[256]; /* why not; "" when it works */
	char mend[256];	  /* the command that mends it, where there is one */
};

/*
 * Try each backend that `auto` would, for a channel of this configuration, by really making its data area and
 * giving it back at once. Fills in up to `count` of `trials` and returns how many there are, or -errno. The first
 * with error 0 is what `auto` would take now. `anonymous`: for a channel without a name.
 */
int ringshm_backend_report(const struct ringshm_config *config, int anonymous, struct ringshm_backend_trial *trials,
			   unsigned int count);

/* The same account of what the calling thread's last ringshm_create() tried: the last one is what it got. */
int ringshm_backend_trials(struct ringshm_backend_trial *trials, unsigned int count);

#define RINGSHM_PLACEMENT_NODES 64

/* Where a channel's pages are at the moment, by the kernel's account. */
struct ringshm_placement {
	uint32_t size; /* sizeof, set by the caller */
	uint32_t reserved;
	uint64_t page_size;			      /* of data, bytes, as mapped */
	uint64_t huge_bytes;			      /* of data, in pages larger than the smallest */
	uint64_t unknown_bytes;			      /* of both; all, without libnuma */
	uint64_t data_bytes[RINGSHM_PLACEMENT_NODES]; /* by node */
	uint64_t control_bytes[RINGSHM_PLACEMENT_NODES];
};

/* Maps the data area for a moment to look at it. */
int ringshm_placement(struct ringshm *channel, struct ringshm_placement *placement);

/* One size of huge pages that the kernel keeps a pool of. */
struct ringshm_pool_info {
	uint32_t size; /* sizeof, set by the caller */
	int32_t node;  /* or RINGSHM_NODE_ANY: the whole machine */
	uint64_t page_size;
	uint64_t total; /* pages */
	uint64_t free;
	uint64_t reserved;   /* of those free, promised to mappings; whole machine only */
	uint64_t surplus;    /* of the total, taken beyond what was configured */
	uint64_t overcommit; /* pages that may yet be taken beyond it; whole machine only */
};

/* Pool number `index`, smallest pages first, on one node or RINGSHM_NODE_ANY. -ERANGE ends a loop over all. */
int ringshm_pool_info(unsigned int index, int32_t node, struct ringshm_pool_info *pool);

/* One mounted hugetlbfs. */
struct ringshm_mount_info {
	uint32_t size;	   /* sizeof, set by the caller */
	uint32_t writable; /* by the calling process */
	uint64_t page_size;
	uint64_t limit; /* bytes, by its option size=; 0: none */
	char path[256];
};

/* hugetlbfs number `index` as this process sees the mounts. -ERANGE ends a loop over all. */
int ringshm_mount_info(unsigned int index, struct ringshm_mount_info *mount);

/* One NUMA node. */
struct ringshm_node_info {
	uint32_t size; /* sizeof, set by the caller */
	int32_t node;
	uint64_t memory; /* bytes; 0: a node of processors only */
	uint64_t free;
	uint32_t cpus;
	uint32_t allowed; /* to this process */
};

/* NUMA by libnuma; without it all three return -EOPNOTSUPP. -ENOENT: a gap in the numbers; -ERANGE: beyond the last. */
int ringshm_node_info(int32_t node, struct ringshm_node_info *info);
/* 10: the same node; -ENOENT: not known. */
int ringshm_node_distance(int32_t from, int32_t to);
/* The node that is near a CPU, for config.node. -ENOENT: no such CPU. */
int ringshm_node_of_cpu(int cpu);

/* Data memory outside ringshm_directory() whose channel is gone: a crash or an rm -r left it. */
struct ringshm_orphan {
	uint32_t size; /* as the library knows it */
	uint32_t backend;
	uint64_t bytes;
	uint32_t owner;	 /* uid */
	int32_t error;	 /* removing it: 0 or -errno */
	char where[256]; /* a path, or which segment */
};

/*
 * Find such memory that channels of this very directory had, show each to `visit` (may be NULL), and with
 * `remove` remove it. Memory of channels in other directories is left alone. Number found, or -errno.
 */
int ringshm_orphans(int remove, void (*visit)(const struct ringshm_orphan *orphan, void *context), void *context);

/* A hidden directory of a channel that a crash left half built or half removed. */
struct ringshm_leftover {
	uint32_t size; /* as the library knows it */
	uint32_t half_built;
	uint32_t owner;	   /* uid */
	int32_t error;	   /* removing it: 0 or -errno */
	char channel[136]; /* the name that it would have, or had */
	char entry[256];   /* in ringshm_directory() */
};

/*
 * Find these, show each to `visit` (may be NULL), and with `remove` remove it. What a living process is
 * building is left alone. Number found, or -errno.
 */
int ringshm_leftovers(int remove, void (*visit)(const struct ringshm_leftover *leftover, void *context), void *context);

/*
 * Survive the loss of memory. Whoever may write a named channel's files may also cut them short, and an access
 * then raises SIGBUS. After this call such a fault in a channel of this library puts private pages of zeros in the
 * place of the endpoint's memory and breaks the endpoint: what was under way sees zeros, the next call that finds
 * nothing has status -EPROTO, and nobody else is harmed. Other faults go to the handler that was there before.
 * Call it once, before other threads install handlers of their own for SIGBUS; more calls do nothing.
 */
int ringshm_guard(void);

/* ---- spsc endpoints ------------------------------------------------------------------------- */

int ringshm_spsc_producer_open_as(struct ringshm_spsc_producer *producer, struct ringshm *channel, uint32_t protocol,
				  uint32_t size);
int ringshm_spsc_consumer_open_as(struct ringshm_spsc_consumer *consumer, struct ringshm *channel, uint32_t protocol,
				  uint32_t size);

/*
 * Take the producer's (consumer's) role for the calling thread. Maps the ring into this process with
 * the role's own permissions and touches every page. Takes over where a dead one stopped: its
 * unpublished records never existed; records it had not released are shown again. -EBUSY: the role is
 * held by a live process. -EPROTONOSUPPORT: this program was compiled for a protocol that the library
 * does not speak. After any failure the endpoint is as closed, and closing it does nothing.
 */
static inline int ringshm_spsc_producer_open(struct ringshm_spsc_producer *producer, struct ringshm *channel)
{
	return ringshm_spsc_producer_open_as(producer, channel, RINGSHM_SPSC_PROTOCOL, sizeof(*producer));
}

static inline int ringshm_spsc_consumer_open(struct ringshm_spsc_consumer *consumer, struct ringshm *channel)
{
	return ringshm_spsc_consumer_open_as(consumer, channel, RINGSHM_SPSC_PROTOCOL, sizeof(*consumer));
}

/* Leave the role in good order: publishes a batch, gives up an open reservation, unmaps. Always 0. */
int ringshm_spsc_producer_close(struct ringshm_spsc_producer *producer);
int ringshm_spsc_consumer_close(struct ringshm_spsc_consumer *consumer);

/*
 * Waiting forms: as the base verbs, but wait up to `timeout_ns` (CLOCK_MONOTONIC, relative; 0: try
 * once; -1: for ever). 0, or -ETIMEDOUT (-EAGAIN with timeout 0), or the endpoint's status, or -EINTR
 * when a signal handler ran while they slept (not while they looked, in between). They spin a little
 * (50 us; less where others want the processor), then sleep, at most 2 ms at a time, and look after the
 * other side's life. With RINGSHM_F_BLOCK whoever publishes is certain to see a sleeper; without it (and
 * without its barrier, about 5 ns a publish) a sleeper may, seldom, be missed and wake by its own tick,
 * 2 ms.
 */
int ringshm_spsc_reserve_wait(struct ringshm_spsc_producer *producer, uint32_t len, int64_t timeout_ns, void **payload);
int ringshm_spsc_send_wait(struct ringshm_spsc_producer *producer, const void *buf, uint32_t len, int64_t timeout_ns);
int ringshm_spsc_peek_wait(struct ringshm_spsc_consumer *consumer, int64_t timeout_ns, const void **payload,
			   uint32_t *len);
int ringshm_spsc_peek_next_wait(struct ringshm_spsc_consumer *consumer, int64_t timeout_ns, const void **payload,
				uint32_t *len);
int ringshm_spsc_recv_wait(struct ringshm_spsc_consumer *consumer, void *buf, uint32_t cap, uint32_t *len,
			   int64_t timeout_ns);

/*
 * Ask the system now whether the other side lives, instead of after many failed looks. 1: it is dead
 * or closed, 0: alive (or never came), or -errno.
 */
int ringshm_spsc_producer_recover(struct ringshm_spsc_producer *producer);
int ringshm_spsc_consumer_recover(struct ringshm_spsc_consumer *consumer);

/* ---- token endpoints ------------------------------------------------------------------------ */

int ringshm_token_producer_open_as(struct ringshm_token_producer *producer, struct ringshm *channel, uint32_t protocol,
				   uint32_t size);
int ringshm_token_consumer_open_as(struct ringshm_token_consumer *consumer, struct ringshm *channel, uint32_t protocol,
				   uint32_t size);

/* As the spsc forms. What a dead producer had not stored never existed; what a dead consumer had not
 * released is shown again. */
static inline int ringshm_token_producer_open(struct ringshm_token_producer *producer, struct ringshm *channel)
{
	return ringshm_token_producer_open_as(producer, channel, RINGSHM_TOKEN_PROTOCOL, sizeof(*producer));
}

static inline int ringshm_token_consumer_open(struct ringshm_token_consumer *consumer, struct ringshm *channel)
{
	return ringshm_token_consumer_open_as(consumer, channel, RINGSHM_TOKEN_PROTOCOL, sizeof(*consumer));
}

int ringshm_token_producer_close(struct ringshm_token_producer *producer);
int ringshm_token_consumer_close(struct ringshm_token_consumer *consumer);

/* Waiting forms: as the spsc ones. peek_wait stores a value that is not 0 in *value when it returns 0. */
int ringshm_token_send_wait(struct ringshm_token_producer *producer, uint64_t value, int64_t timeout_ns);
int ringshm_token_peek_wait(struct ringshm_token_consumer *consumer, int64_t timeout_ns, uint64_t *value);
int ringshm_token_recv_wait(struct ringshm_token_consumer *consumer, uint64_t *value, int64_t timeout_ns);

int ringshm_token_producer_recover(struct ringshm_token_producer *producer);
int ringshm_token_consumer_recover(struct ringshm_token_consumer *consumer);

/* ---- mpmc endpoints ------------------------------------------------------------------------- */

int ringshm_mpmc_producer_open_as(struct ringshm_mpmc_producer *producer, struct ringshm *channel, uint32_t protocol,
				  uint32_t size);
int ringshm_mpmc_consumer_open_as(struct ringshm_mpmc_consumer *consumer, struct ringshm *channel, uint32_t protocol,
				  uint32_t size);

/*
 * Join as one of the producers (consumers), on a free seat; a dead one's seat is free at once. A handle
 * opened for either role maps both control files and the data writable. -EBUSY: every seat is taken.
 * -EPROTONOSUPPORT: this program was compiled for a protocol that the library does not speak.
 */
static inline int ringshm_mpmc_producer_open(struct ringshm_mpmc_producer *producer, struct ringshm *channel)
{
	return ringshm_mpmc_producer_open_as(producer, channel, RINGSHM_MPMC_PROTOCOL, sizeof(*producer));
}

static inline int ringshm_mpmc_consumer_open(struct ringshm_mpmc_consumer *consumer, struct ringshm *channel)
{
	return ringshm_mpmc_consumer_open_as(consumer, channel, RINGSHM_MPMC_PROTOCOL, sizeof(*consumer));
}

/* Leave in good order: a producer discards what it has reserved, a consumer releases what it holds. Always 0. */
int ringshm_mpmc_producer_close(struct ringshm_mpmc_producer *producer);
int ringshm_mpmc_consumer_close(struct ringshm_mpmc_consumer *consumer);

/*
 * Waiting forms, as for spsc. While they wait they look, after 50 us and then every 2 ms, whether who
 * holds them up has died, and free what it held. Producers that sleep because the ring is full are woken
 * when a quarter of it, or all of it, has been released, and by their own tick, 2 ms.
 */
int ringshm_mpmc_reserve_wait(struct ringshm_mpmc_producer *producer, uint32_t len, int64_t timeout_ns, void **payload);
int ringshm_mpmc_reserve_n_wait(struct ringshm_mpmc_producer *producer, uint32_t n, int64_t timeout_ns,
				uint32_t *reserved);
int ringshm_mpmc_send_wait(struct ringshm_mpmc_producer *producer, const void *buf, uint32_t len, int64_t timeout_ns);
int ringshm_mpmc_peek_wait(struct ringshm_mpmc_consumer *consumer, int64_t timeout_ns, const void **payload,
			   uint32_t *len);
int ringshm_mpmc_peek_next_wait(struct ringshm_mpmc_consumer *consumer, int64_t timeout_ns, const void **payload,
				uint32_t *len);
int ringshm_mpmc_peek_n_wait(struct ringshm_mpmc_consumer *consumer, uint32_t n, int64_t timeout_ns, uint32_t *peeked);
int ringshm_mpmc_recv_wait(struct ringshm_mpmc_consumer *consumer, void *buf, uint32_t cap, uint32_t *len,
			   int64_t timeout_ns);

/*
 * Ask the system now who has died, on both sides, and free what they held, instead of after many failed
 * looks. Returns how many positions were freed; -ESTALE in a fork child; -EPROTO when a slot is worn out,
 * because more than 64 owners in a row died over it. A position that somebody alive holds ends the look at
 * its side; ringshm_info() then names that one.
 */
int ringshm_mpmc_producer_recover(struct ringshm_mpmc_producer *producer);
int ringshm_mpmc_consumer_recover(struct ringshm_mpmc_consumer *consumer);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif

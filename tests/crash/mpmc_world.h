/* SPDX-License-Identifier: MIT */
/* A tiny mpmc ring with everybody who uses it in one struct, so that a moment of it can be copied and judged. */
#ifndef RINGSHM_TESTS_MPMC_WORLD_H
#define RINGSHM_TESTS_MPMC_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <ringshm/mpmc.h>

#define F1 (RINGSHM_MPMC_LOW + 1) /* one position, in f */
#define CAPACITY 4
#define SEATS 8
#define AREA 512 /* bytes that such a ring takes, and more */
#define LOG 160	 /* messages an agent remembers */
#define CLAIMS 16

/* Who takes part. A seat is one agent's at a time; the newcomer takes the victim's. */
enum {
	FIRST_PRODUCER,
	SECOND_PRODUCER,
	FIRST_CONSUMER,
	SECOND_CONSUMER,
	VICTIM,
	BYSTANDER,
	NEWCOMER,
	FORMER, /* died before it all began */
	AGENTS
};

enum operation {
	SEND,
	SEND_TWICE,
	SEND_N,
	RESERVE_N,
	COMMIT_PART,
	DISCARD,
	RECV,
	RECV_TWICE,
	RECV_N,
	PEEK_N,
	PEEK_NEXT,
	RELEASE_PART,
	REPAIR_PRODUCED,
	REPAIR_CONSUMED,
	FOLD,
	OPERATIONS
};

/* What happens to somebody at the moment in question. */
enum fate {
	KILLED,
	KILLED_AND_REPLACED,	       /* its seat taken at once, by one of the same role */
	KILLED_AND_REPLACED_OTHERWISE, /* ... of the other role */
	STOPPED,		       /* alive, goes on when the others have gone as far as they can */
	FATES
};

extern const char *const fate_name[FATES];

/* A slot as it stood. */
struct slot {
	uint16_t state;
	uint64_t data;
};

/* A position that somebody was seen to claim, with what stood there. */
struct claim {
	uint64_t f;
	struct slot slot; /* when it was claimed */
	unsigned int side;
};

/* One participant: its endpoint, and what it remembers for the judge. Nobody else reads it. */
struct agent {
	struct ringshm_mpmc_producer p;
	struct ringshm_mpmc_consumer c;
	uint64_t sent[LOG], received[LOG];
	uint32_t sends, receives, discards;
	uint64_t ordinal;
	uint32_t seat;
	enum operation operation;
	bool present;
	bool dead; /* then `sent` and `received` are what world_doom() found it to have done */
	struct claim claim[CLAIMS];
	uint32_t claims;
};

struct world {
	struct ringshm__mpmc_ring ring; /* in this process: the words below, or a channel's */
	ringshm_word cursor[2];
	ringshm_word lost[2];
	ringshm_word repairs[2];
	ringshm_word state;
	ringshm_word32 nobody_sleeps;
	struct ringshm_participant lines[2][SEATS];
	unsigned char area[AREA] __attribute__((aligned(RINGSHM_LINE)));
	bool dead[SEATS];
	struct agent agent[AGENTS];
	uint64_t seen[2];	      /* cursors, when somebody last looked who had claimed ... */
	struct slot before[CAPACITY]; /* ... and each slot then */
	uint64_t counted[2];	      /* losses, by the side that counts them, when it all began */
	uint64_t mended[2];	      /* positions repaired by then */
	uint64_t unfinished[2];	      /* positions that the dead left: repaired exactly once each ... */
	uint64_t doubtful;	      /* ... but by repairers who died, perhaps before they counted that */
	bool worn;		      /* a repairer has refused */
	uint64_t died_with[LOG];      /* messages that dead consumers had not released */
	uint32_t lost_c, lost_p;      /* by the dead: exactly what must be counted */
	uint64_t start;
	uint64_t ordinal; /* of the last message sent */
};

extern struct world *world;
/* From now on children of this process share it. False: they cannot. */
bool world_share(void);
extern const char *const operation_name[OPERATIONS];

bool operation_produces(enum operation operation);
void operation_run(void *agent);
/* Whatever was claimed since the last look, `who` has claimed. To be called after its steps ... */
void world_watch(int who);
/* ... and this when somebody else has run meanwhile. */
void world_look_away(void);

/* ---- the ring: in the world itself (mpmc_inside.c), or a channel (mpmc_processes.c) ---------------- */

/* Seat and endpoint for an agent; whatever a former owner of the seat had intended is ended. */
struct agent *world_join(int who, uint32_t seat, enum operation operation);
/* Repair what the dead of that side have left. */
void world_repair(struct agent *agent, unsigned int side);

/* It dies like world_kill()'s, but has claimed nothing. */
void world_kill_repairer(int who);

/*
 * An empty world but for `fill` messages, at a start position. `scars`: 1: dead consumers have marked every
 * slot; 2: a dead producer holds every second position of the fill; 4: that is repaired already; 8: owner after
 * owner of every slot has died, so that its state is laps old.
 */
void world_begin(uint64_t start, uint32_t fill, uint32_t scars);
#define WORLD_SCARS 8

/*
 * So many owners of each of the next slots die in turn, a producer, the consumer who passes what it left, the next
 * producer ..., and nobody else ever has one of these slots; the others are used by those who live. `first`: the
 * side that begins; if it is the consumers, there is a message in each slot.
 */
void world_age(uint32_t deaths, uint32_t slots, unsigned int first);
/* Messages until the ring is as full as asked. */
void world_fill(uint32_t fill);
/* The agent dies here: what it has claimed and not finished is what must be counted as lost, exactly. */
void world_kill(int who);
/* It never goes on from here, but dies later. */
void world_doom(int who);
/* The survivors send, receive and repair, `rounds` times at most, until nothing moves. */
void world_go_on(uint32_t rounds);
/* Everything is taken and repaired, then so many messages pass, one after the other. False: somebody is in the way. */
bool world_turn(uint64_t positions);
/* Built with an override of the atomics: choose its fault, and keep what it remembers with a moment. */
bool world_plant(const char *fault);
struct world_faults {
	unsigned char state[2560];
};
void world_save_faults(struct world_faults *faults);
void world_restore_faults(const struct world_faults *faults);
uint64_t world_cursor(unsigned int side);
/* Those who send in one go do so one after the other, and their messages have one order. */
bool world_sends_in_one_go(uint64_t sender);
/* Take and repair until nothing moves. */
void world_drain(void);
/* Into the empty ring go as many as ever; it is empty again. */
bool world_is_full_size(void);
/* Everything accounted for, in order, once, and the ring as large as ever. NULL, or what is wrong. */
const char *world_judge(void);

#endif

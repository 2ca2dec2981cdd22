/* SPDX-License-Identifier: MIT */
/* What the files of the library share: the channel, the endpoint, and who offers what. */
#ifndef RINGSHM_INTERNAL_H
#define RINGSHM_INTERNAL_H

#include <ringshm/ringshm.h>

#include <stdbool.h>
#include <stdio.h>

#include <urcu/list.h>

#include "backend.h"

#define RINGSHM_NAME_SIZE 129 /* longest name and its zero */
#define RINGSHM_UUID_TEXT 33  /* 32 hexadecimal digits and a zero */

/* channel.bell_fd: rung for sleeping producers, for sleeping consumers. */
enum {
	RINGSHM_BELL_PRODUCERS,
	RINGSHM_BELL_CONSUMERS,
	RINGSHM_BELLS
};

/* A handle. Immutable after it was built, but for `refs`; so threads share it without a lock. */
struct ringshm {
	unsigned int refs; /* the user's one, and one an endpoint */
	unsigned int access;
	char name[RINGSHM_NAME_SIZE]; /* "" when anonymous */
	struct ringshm_header header; /* the checked private copy */
	int ctl_fd;
	int cons_fd;
	int lock_fd;		    /* -1 for observers; never holds a lock itself */
	struct ringshm_ctl *ctl;    /* mapped read-only, for information */
	struct ringshm_cons *cons;  /* as above */
	int bell_fd[RINGSHM_BELLS]; /* RINGSHM_F_POLLFD; else -1 */
	struct ringshm_area data;
	struct cds_list_head attached; /* table.c */
	bool listed;
};

/* The library's half of an endpoint: what its header half does not need to know. */
struct ringshm_endpoint {
	struct ringshm_endpoint *next; /* all of this process, for fork() */
	struct ringshm_endpoint **link;
	struct ringshm *channel;
	const void *user; /* where the program's struct stood when it was opened */
	uint32_t role;
	uint32_t id;
	int lock_fd; /* a description of its own, holding the write lock on byte `id` */
	bool forked; /* inherited: memory replaced by private pages, lock closed */
	struct ringshm_ctl *ctl;
	struct ringshm_cons *cons;
	struct ringshm_data *data;
	struct ringshm_participant *self;
	struct ringshm_wake_line *own;	       /* where this side sleeps are announced */
	const struct ringshm_wake_line *other; /* whose sequence this side sleeps on */
	uint32_t sleep_number;
	uint32_t crowded; /* wait.c: so many sleeps before it yields the processor again */
	bool many;	  /* others of this side sleep on the same words */
};

/* error.c: compose the sentence of ringshm_last_error() and return -`error`. */
int ringshm__fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* `error` in words: "No space left on device". */
const char *ringshm__reason(int error);
/* Bytes for people: "64 KiB". */
const char *ringshm__bytes(uint64_t bytes, char text[static 24]);

/* directory.c: the place of named channels. */
int ringshm__check_name(const char *name);
const char *ringshm__way_out(int error);
int ringshm__open_base(bool create);
int ringshm__open_channel_dir(int base, const char *name);
int ringshm__hold_channel_dir(int base, const char *name);
bool ringshm__is_still(int base, const char *name, int dir);
int ringshm__hidden_name(char out[static 256], const char *prefix, const char *name);
int ringshm__remove_dir(int base, const char *entry);

/* leftover.c */
int ringshm__remove_leftovers(int base, const char *name);

/* file.c: open one file of a channel, refuse what is not a plain file. */
int ringshm__open_file(int dir, const char *file, bool writable, const char *channel);
int ringshm__reopen(int fd, bool writable);
int ringshm__reopen_as(int fd, bool writable);
bool ringshm__is_writable(int fd);
void ringshm__close_fd(int *fd);

/* allocate.c: real memory now, so that no access can fail later. */
int ringshm__allocate(int fd, uint64_t size, const char *name);
int ringshm__check_file_limit(uint64_t size, const char *name);
int ringshm__check_memory(uint64_t size, const char *name);
int ringshm__check_room(int fd, uint64_t size, const char *name);

/* config.c: check what the caller wants and turn it into a header. */
int ringshm__config_copy(struct ringshm_config *copy, const struct ringshm_config *config);
int ringshm__config_header(struct ringshm_header *header, const struct ringshm_config *config, bool anonymous);
int ringshm__config_matches(const struct ringshm_config *config, const struct ringshm_header *header, const char *name);

/* kind.c: what differs between the kinds; each kind's .c has its table. */
struct ringshm_kind_ops {
	uint64_t features;				   /* RINGSHM_F_* that make sense */
	uint64_t layout;				   /* RINGSHM_F_* that all of its channels have, unasked */
	uint32_t slot_size;				   /* default; 0: no slots */
	uint32_t seats;					   /* fixed number of participants; 0: as configured */
	bool consumers_write_data;			   /* consumers need the data area writable */
	bool shares_control;				   /* each side writes the other's control file too */
	int (*check)(const struct ringshm_config *config); /* what else it demands; may be NULL */
	uint32_t (*max_payload)(const struct ringshm_header *header);
	bool (*sound)(const struct ringshm_header *header); /* could check() have let this shape pass? may be NULL */
	uint64_t (*records)(const struct ringshm_header *header); /* bytes; NULL: capacity times slot size */
	uint64_t (*cursor)(uint64_t position); /* head and tail as they stand in shared memory; NULL: so */
	/* Prepare the zeroed slots of a channel being built; may be NULL. */
	void (*format)(const struct ringshm_header *header, void *slots);
	/* Positions as they stand in shared memory, widened to 64 bits. */
	void (*positions)(const struct ringshm_header *header, const struct ringshm_ctl *ctl,
			  const struct ringshm_cons *cons, uint64_t *head, uint64_t *tail);
	/* What only this kind has to tell; may be NULL. */
	void (*inform)(const struct ringshm *channel, struct ringshm_info *info);
};

extern const struct ringshm_kind_ops ringshm__kind_mpmc;
extern const struct ringshm_kind_ops ringshm__kind_spsc;
extern const struct ringshm_kind_ops ringshm__kind_token;

bool ringshm__kind_supported(uint32_t kind);
bool ringshm__kind_has_slots(uint32_t kind);
uint64_t ringshm__kind_features(uint32_t kind);
uint64_t ringshm__kind_layout(uint32_t kind);
bool ringshm__kind_seats_fit(const struct ringshm_header *header);
int ringshm__kind_check(const struct ringshm_config *config);
uint32_t ringshm__kind_slot_size(const struct ringshm_config *config);
uint32_t ringshm__kind_participants(const struct ringshm_config *config);
uint32_t ringshm__kind_max_payload(const struct ringshm_header *header);
uint64_t ringshm__kind_records(const struct ringshm_header *header);
bool ringshm__kind_consumers_write_data(const struct ringshm_header *header);
bool ringshm__kind_shares_control(const struct ringshm_header *header);
bool ringshm__kind_sound(const struct ringshm_header *header);
uint64_t ringshm__kind_cursor(const struct ringshm_header *header);
void ringshm__kind_inform(const struct ringshm *channel, struct ringshm_info *info);
int ringshm__kind_format(const struct ringshm_header *header, void *records);
void ringshm__kind_positions(const struct ringshm_header *header, const struct ringshm_ctl *ctl,
			     const struct ringshm_cons *cons, uint64_t *head, uint64_t *tail);

/* attach.c: read and check everything that another process wrote. */
int ringshm__read_header(int ctl_fd, struct ringshm_header *header, const char *name);
int ringshm__check_files(struct ringshm *channel);
uint32_t ringshm__overhead(const struct ringshm_header *header);

/* channel.c */
struct ringshm *ringshm__channel_new(const char *name, unsigned int access);
struct ringshm *ringshm__channel_get(struct ringshm *channel);
const char *ringshm__title(const struct ringshm *channel); /* its name for people */
void ringshm__channel_put(struct ringshm *channel);
int ringshm__channel_map(struct ringshm *channel);
bool ringshm__data_writable(const struct ringshm_header *header, unsigned int access);
int ringshm__channel_finish(struct ringshm *channel);
struct ringshm_area_place ringshm__place(const struct ringshm *channel, int dir);

/* create.c */
int ringshm__make_hidden(int base, const char *name, char hidden[static 256]);
int ringshm__promise(int ctl_fd, const struct ringshm_header *header, const char *name);

/* guard.c: ranges whose loss ringshm_guard() mends. */
int ringshm__guard_endpoint(struct ringshm_endpoint *endpoint);
int ringshm__guard_channel(struct ringshm *channel);
void ringshm__guard_forget(const void *owner);

/* table.c: the channels of this process. */
void ringshm__table_add(struct ringshm *channel);
void ringshm__table_remove(struct ringshm *channel);

/* life.c */
int ringshm__mark(int dir, uint64_t state, const char *name);
int ringshm__remove_marked(int base, const char *hidden, const char *name);
int ringshm__remove_held(int base, const char *name);
void ringshm__end_of_file(struct ringshm_endpoint *producer);
void ringshm__mark_mapped(struct ringshm_ctl *ctl, struct ringshm_cons *cons, uint64_t state);

/* memory.c: map a whole area and touch every page of it. */
int ringshm__map(int fd, uint64_t size, bool writable, const char *what, void **address);
void *ringshm__map_file(int fd, uint64_t size, uint64_t align, int protection);
int ringshm__map_aligned(int fd, uint64_t size, uint64_t align, bool writable, const char *what, void **address);
int ringshm__populate(void *address, uint64_t size, bool writable, const char *what);
int ringshm__no_map(int error, uint64_t size, const char *what);
uint64_t ringshm__smaps(const void *address, uint64_t size, const char *field);
uint64_t ringshm__page(void);

/* attach.c: do these marks say that the data area is the channel's? */
int ringshm__check_marks(const struct ringshm_data *data, const struct ringshm_header *header, const char *name);
/* area.c: map the data area and check its marks. */
int ringshm__area_attach(const struct ringshm *channel, bool writable, void **address);

/* The same for every kind whose two words cannot both be true. */
int ringshm__contradiction(const struct ringshm *channel);

/* seat.c: who holds which seat, and who is dead. */
int ringshm__seat_take(struct ringshm_endpoint *endpoint, uint32_t id);
bool ringshm__seat_alive(const struct ringshm *channel, uint32_t id);
void ringshm__seat_sign(struct ringshm_endpoint *endpoint);
void ringshm__seat_settle(struct ringshm_endpoint *endpoint, struct ringshm_count_line *count);
void ringshm__seat_settle_any(struct ringshm_endpoint *endpoint, struct ringshm_count_line *count);
void ringshm__seat_leave(struct ringshm_endpoint *endpoint);
bool ringshm__seat_gone(const struct ringshm *channel, uint32_t role, uint32_t id);

/* endpoint.c: the life of an endpoint, and fork(). */
struct ringshm_endpoint_request {
	struct ringshm *channel;
	void *user; /* the program's endpoint struct */
	uint32_t kind;
	uint32_t role;
	uint32_t id;		/* seat; RINGSHM_SEAT_ANY: the first that is free */
	uint32_t protocol;	/* of the program's compiled header */
	uint32_t spoken;	/* by this library */
	uint32_t size;		/* of the program's endpoint struct */
	uint32_t expected_size; /* of this library's */
};
#define RINGSHM_SEAT_ANY UINT32_MAX

int ringshm__endpoint_open(struct ringshm_endpoint **out, const struct ringshm_endpoint_request *request);
void ringshm__endpoint_close(struct ringshm_endpoint *endpoint);

/* wait.c: sleep until something may have changed. */
struct ringshm_wait {
	struct ringshm_endpoint *endpoint;
	int64_t timeout_ns;
	uint64_t started_ns;
	uint64_t probed_ns; /* when the peer's life was last looked at; 0: not yet */
	uint32_t spins;
	uint32_t sequence;
	bool spun;   /* long enough */
	bool probed; /* since the last sleep */
	bool announced;
};

uint64_t ringshm__now(void);
void ringshm__announce(struct ringshm_endpoint *endpoint);
void ringshm__wait_begin(struct ringshm_wait *wait, struct ringshm_endpoint *endpoint, int64_t timeout_ns);
/* Between two looks. 0: look again; -ETIMEDOUT, -EAGAIN, -EINTR: give up. *probe: look after the peer. */
int ringshm__wait_step(struct ringshm_wait *wait, bool *probe);
void ringshm__wait_end(struct ringshm_wait *wait);
void ringshm__wake(struct ringshm_endpoint *endpoint, uint32_t sleep, uint32_t *woken);
void ringshm__wake_some(struct ringshm_endpoint *endpoint, uint32_t most);
void ringshm__wake_all(struct ringshm_wake_line *line);

/* bell.c: descriptors that become readable when a ring may have something. */
int ringshm__bells_make(struct ringshm *channel, int dir, const char *name);
int ringshm__bells_open(struct ringshm *channel, int dir);
int ringshm__bell_adopt(int *bell_fd);
void ringshm__ring(int bell_fd);
void ringshm__ring_at(int dir);
int ringshm__bell_fd(struct ringshm_endpoint *endpoint);
int ringshm__bell_arm(struct ringshm_endpoint *endpoint);
int ringshm__bell_ack(struct ringshm_endpoint *endpoint);

/* What a poller does with a consumer; a table a kind, in the kind's file. */
struct ringshm_poll_ops {
	struct ringshm_endpoint *(*endpoint)(void *consumer);
	bool (*ready)(void *consumer); /* a message, or a status that says why there will be none */
	bool (*ended)(void *consumer); /* ask the system about the producer; false when nobody wants to know */
};

extern const struct ringshm_poll_ops ringshm__poll_spsc;
extern const struct ringshm_poll_ops ringshm__poll_token;

#endif

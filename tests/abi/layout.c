// SPDX-License-Identifier: MIT
// Has any struct of shared memory moved? Asserted by the compiler, whatever it compiles for, and shown by TAP.
#include <stddef.h>
#include <stdio.h>

#include <ringshm/ringshm.h>

#include "tap.h"

/* At compile time: also says it for machines whose programs cannot run here. */
#define LAYOUT_STRUCT(name, bytes) _Static_assert(sizeof(struct name) == (bytes), "size of struct " #name);
#define LAYOUT_FIELD(name, field, offset, bytes)                                                 \
	_Static_assert(offsetof(struct name, field) == (offset), "offset of " #name "." #field); \
	_Static_assert(sizeof(((struct name *)NULL)->field) == (bytes), "size of " #name "." #field);
#define LAYOUT_END(name)
#define LAYOUT_SHAPE(...)
#include "layout.h"
#undef LAYOUT_STRUCT
#undef LAYOUT_FIELD
#undef LAYOUT_END

#ifdef LAYOUT_PLANTED /* the fault that a test plants, to see the assertions fire */
_Static_assert(offsetof(struct ringshm_header, capacity) == LAYOUT_PLANTED, "planted");
#endif

/* At run time: no holes between the fields, because holes are where two compilers differ. */
struct field {
	const char *of;
	const char *name;
	size_t offset;
	size_t size;
};

static const struct field fields[] = {
#define LAYOUT_STRUCT(name, bytes)
#define LAYOUT_FIELD(name, field, offset, bytes) {#name, #field, offset, bytes},
#define LAYOUT_END(name) {#name, NULL, sizeof(struct name), 0},
#include "layout.h"
};
#undef LAYOUT_STRUCT
#undef LAYOUT_FIELD
#undef LAYOUT_END
#undef LAYOUT_SHAPE

/* An mpmc ring, and the shape that was fixed for its data area. */
struct shape {
	uint64_t capacity;
	uint32_t slot_size, alignment, features;
	struct ringshm_mpmc_shape as_fixed;
};

static const struct shape shapes[] = {
#define LAYOUT_STRUCT(name, bytes)
#define LAYOUT_FIELD(name, field, offset, bytes)
#define LAYOUT_END(name)
#define LAYOUT_SHAPE(capacity, slot_size, alignment, features, verdicts, slots, size, stride, offset, most) \
	{UINT64_C(capacity),                                                                                \
	 slot_size,                                                                                         \
	 alignment,                                                                                         \
	 features,                                                                                          \
	 {0, UINT64_C(verdicts), UINT64_C(slots), UINT64_C(size), stride, offset, most}},
#include "layout.h"
};

static void check_holes(void)
{
	char question[128];
	size_t behind = 0;
	bool whole = true;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct field *f = &fields[i];

		if (f->offset != behind) {
			tap_note("%s.%s: %zu bytes of hole or overlap", f->of, f->name ? f->name : "(end)",
				 f->offset - behind);
			whole = false;
		}
		behind = f->offset + f->size;
		if (f->name)
			continue;
		snprintf(question, sizeof(question), "struct %s has no holes", f->of);
		tap_ok(whole, question);
		behind = 0;
		whole = true;
	}
}

static void check_lines(void)
{
	tap_ok(sizeof(struct ringshm_line) >= RINGSHM_LINE && sizeof(struct ringshm_participant) % RINGSHM_LINE == 0 &&
		       offsetof(struct ringshm_ctl, state) % RINGSHM_LINE == 0 &&
		       offsetof(struct ringshm_cons, head) % RINGSHM_LINE == 0 &&
		       offsetof(struct ringshm_data, state) % RINGSHM_LINE == 0,
	       "words of different writers stand on line pairs of their own");
	tap_ok(sizeof(struct ringshm_ctl) == RINGSHM_BLOCK && sizeof(struct ringshm_cons) == RINGSHM_BLOCK &&
		       sizeof(struct ringshm_data) == RINGSHM_BLOCK,
	       "participants and records begin where the fixed part ends");
	tap_ok(_Alignof(ringshm_word) == 8 && _Alignof(struct ringshm_participant) == 8,
	       "64-bit words are aligned to 8 on this machine");
}

static void check_record_header(void)
{
	uint64_t header = ringshm_record_header(0x12345678, 0xabcd, 0x1e2f);

	tap_ok(header == UINT64_C(0x1e2fabcd91a2b3c1),
	       "a record header packs length, type and flags where it was fixed");
	tap_ok(ringshm_record_length(header) == 0x12345678 && ringshm_record_type(header) == 0xabcd &&
		       ringshm_record_flags(header) == 0x1e2f,
	       "a record header gives back what it was made of");
	header = ringshm_record_header(RINGSHM_RECORD_LENGTH_MAX, 0, 0);
	tap_ok(ringshm_record_length(header) == RINGSHM_RECORD_LENGTH_MAX && ringshm_record_type(header) == 0,
	       "the greatest length does not spill into the type");
	tap_ok(RINGSHM_RECORD_COMMITTED == 1 && RINGSHM_RECORD_LAP == 2 && RINGSHM_RECORD_PAD == 4,
	       "the state bits of a record header are where they were fixed");
}

static void check_names(void)
{
	static const char magic[] = "RINGSHM1RNGCONS1RNGDATA1";
	const uint64_t marks[] = {RINGSHM_MAGIC, RINGSHM_CONS_MAGIC, RINGSHM_DATA_MAGIC};

	tap_ok(!memcmp(marks, magic, sizeof(marks)), "the magic numbers read as text on a little-endian machine");
	tap_ok(RINGSHM_F_TIMESTAMP == 1 && RINGSHM_F_BLOCK == 2 && RINGSHM_F_POLLFD == 4 && RINGSHM_F_EOF == 8 &&
		       RINGSHM_F_KLANE == 16 && RINGSHM_F_GATED == 32 && RINGSHM_F_STATES == 64 &&
		       RINGSHM_F_KNOWN == 63,
	       "feature bits have the values that were fixed");
	tap_ok(RINGSHM_SPSC == 1 && RINGSHM_TOKEN == 2 && RINGSHM_MPMC == 3 && RINGSHM_BCAST == 4,
	       "kinds have the values that were fixed");
	tap_ok(RINGSHM_STATE_SHUTDOWN == 1 && RINGSHM_STATE_SUPERSEDED == 2 && RINGSHM_STATE_EOF == 4 &&
		       RINGSHM_SEAT_FREE == 0 && RINGSHM_SEAT_ATTACHED == 1 && RINGSHM_SEAT_CLOSED == 2,
	       "states have the values that were fixed");
	tap_ok(RINGSHM_SPSC_PROTOCOL == 1 && RINGSHM_TOKEN_PROTOCOL == 1 && RINGSHM_MPMC_PROTOCOL == 2,
	       "programs and library speak the protocols that were fixed");
}

static void check_mpmc_words(void)
{
	tap_ok(RINGSHM_MPMC_SHIFT == 8 && RINGSHM_MPMC_LOW == 0xff && RINGSHM_MPMC_LAP == 0x100 &&
		       RINGSHM_MPMC_BATCH_MAX == 255 && RINGSHM_MPMC_COMPACT_MAX == 128,
	       "the words of mpmc are cut where they were cut");
	tap_ok(RINGSHM_MPMC_FREE == 0 && RINGSHM_MPMC_READY == 0x80 && RINGSHM_MPMC_DISCARDED == 0xfe &&
		       RINGSHM_MPMC_LENGTH == 0x7f,
	       "states of slots have the values that were fixed");
	tap_ok(RINGSHM_MPMC_RETURNED == 0 && RINGSHM_MPMC_FREED == 0x40 && RINGSHM_MPMC_TOMBSTONE == 0x80 &&
		       RINGSHM_MPMC_VERDICT == 0xc0 && RINGSHM_MPMC_CHAIN == 0x3f,
	       "verdicts have the values that were fixed");
	tap_ok(sizeof(ringshm_word16) == 2 && _Alignof(ringshm_word16) == 2, "a state is 16 bits on this machine");
	tap_ok(RINGSHM_MPMC_READY + RINGSHM_MPMC_COMPACT_MAX - 8 < RINGSHM_MPMC_DISCARDED,
	       "the length of every compact message has a state");
	tap_ok((RINGSHM_MPMC_VERDICT | RINGSHM_MPMC_CHAIN) == RINGSHM_MPMC_LOW &&
		       !(RINGSHM_MPMC_VERDICT & RINGSHM_MPMC_CHAIN) && RINGSHM_MPMC_LAP == RINGSHM_MPMC_LOW + 1,
	       "verdict and count fill the low byte, and a lap begins above it");
}

static bool same_shape(const struct ringshm_mpmc_shape *a, const struct ringshm_mpmc_shape *b)
{
	return a->states == b->states && a->verdicts == b->verdicts && a->slots == b->slots && a->size == b->size &&
	       a->stride == b->stride && a->offset == b->offset && a->max_payload == b->max_payload;
}

/* Areas one behind the other, each on lines of its own; slots big enough, their payloads aligned. */
static bool sound_shape(const struct shape *s, const struct ringshm_mpmc_shape *is)
{
	uint32_t before = ringshm_mpmc_compact(s->slot_size, s->features) ? 0 : s->features & 1 ? 16 : 8;

	return is->states + s->capacity * sizeof(ringshm_word16) <= is->verdicts && is->verdicts % RINGSHM_LINE == 0 &&
	       is->verdicts + s->capacity * sizeof(ringshm_word) <= is->slots && is->slots % RINGSHM_LINE == 0 &&
	       is->offset >= before && is->offset + is->max_payload <= is->stride && is->offset % s->alignment == 0 &&
	       is->stride % s->alignment == 0 && is->slots + s->capacity * is->stride <= is->size;
}

static void check_shapes(void)
{
	char question[128];

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct shape *s = &shapes[i];
		struct ringshm_mpmc_shape is = ringshm_mpmc_shape(s->capacity, s->slot_size, s->alignment, s->features);

		if (!same_shape(&is, &s->as_fixed))
			tap_note("verdicts %llu, slots %llu, size %llu, stride %u, offset %u, max_payload %u",
				 (unsigned long long)is.verdicts, (unsigned long long)is.slots,
				 (unsigned long long)is.size, is.stride, is.offset, is.max_payload);
		snprintf(question, sizeof(question), "mpmc, %llu slots of %u, alignment %u, %s stamps: shaped as fixed",
			 (unsigned long long)s->capacity, s->slot_size, s->alignment, s->features ? "with" : "without");
		tap_ok(same_shape(&is, &s->as_fixed) && sound_shape(s, &is), question);
	}
}

int main(void)
{
	check_holes();
	check_lines();
	check_record_header();
	check_names();
	check_mpmc_words();
	check_shapes();
	return tap_done();
}

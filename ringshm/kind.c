/* SPDX-License-Identifier: MIT */
/* What differs between the kinds of ring, as far as making and checking channels goes. */
#include "config.h"

#include "internal.h"

static const struct ringshm_kind_ops *const kinds[] = {
	[RINGSHM_MPMC] = &ringshm__kind_mpmc,
	[RINGSHM_SPSC] = &ringshm__kind_spsc,
	[RINGSHM_TOKEN] = &ringshm__kind_token,
};

static const struct ringshm_kind_ops *kind_ops(uint32_t kind)
{
	return kind < sizeof(kinds) / sizeof(kinds[0]) ? kinds[kind] : NULL;
}

bool ringshm__kind_supported(uint32_t kind)
{
	return kind_ops(kind);
}

bool ringshm__kind_has_slots(uint32_t kind)
{
	return kind_ops(kind)->slot_size;
}

/* What a channel of this kind may have. */
uint64_t ringshm__kind_features(uint32_t kind)
{
	return kind_ops(kind)->features;
}

/* What every channel of this kind has. */
uint64_t ringshm__kind_layout(uint32_t kind)
{
	return kind_ops(kind)->layout;
}

bool ringshm__kind_seats_fit(const struct ringshm_header *header)
{
	uint32_t seats = kind_ops(header->kind)->seats;

	return !seats || header->participants == seats;
}

/* The first of these features, as programs call it. */
static const char *feature_name(uint64_t features)
{
	static const char *const names[] = {"TIMESTAMP", "BLOCK", "POLLFD", "EOF", "KLANE", "GATED"};
	unsigned int bit = (unsigned int)__builtin_ctzll(features);

	return bit < sizeof(names) / sizeof(names[0]) ? names[bit] : "?";
}

int ringshm__kind_check(const struct ringshm_config *config)
{
	const struct ringshm_kind_ops *ops = kind_ops(config->kind);
	uint64_t refused = config->features & ~ops->features;

	if (refused)
		return ringshm__fail(EINVAL, "create: %s rings do not have the feature RINGSHM_F_%s; leave it out",
				     ringshm_kind_name(config->kind), feature_name(refused));
	return ops->check ? ops->check(config) : 0;
}

uint32_t ringshm__kind_slot_size(const struct ringshm_config *config)
{
	const struct ringshm_kind_ops *ops = kind_ops(config->kind);

	return config->slot_size ? config->slot_size : ops->slot_size;
}

uint32_t ringshm__kind_participants(const struct ringshm_config *config)
{
	const struct ringshm_kind_ops *ops = kind_ops(config->kind);

	if (ops->seats)
		return ops->seats;
	return config->participants ? config->participants : RINGSHM_PARTICIPANTS_DEFAULT;
}

uint32_t ringshm__kind_max_payload(const struct ringshm_header *header)
{
	return kind_ops(header->kind)->max_payload(header);
}

/* Bytes of a data area behind its header page. */
uint64_t ringshm__kind_records(const struct ringshm_header *header)
{
	const struct ringshm_kind_ops *ops = kind_ops(header->kind);

	if (ops->records)
		return ops->records(header);
	return header->capacity * (header->slot_size ? header->slot_size : 1);
}

bool ringshm__kind_consumers_write_data(const struct ringshm_header *header)
{
	return kind_ops(header->kind)->consumers_write_data || (header->incompat & RINGSHM_F_KLANE);
}

/* Does each side write the other's control file too? */
bool ringshm__kind_shares_control(const struct ringshm_header *header)
{
	return kind_ops(header->kind)->shares_control;
}

bool ringshm__kind_sound(const struct ringshm_header *header)
{
	const struct ringshm_kind_ops *ops = kind_ops(header->kind);

	return !ops->sound || ops->sound(header);
}

/* Where head and tail begin. */
uint64_t ringshm__kind_cursor(const struct ringshm_header *header)
{
	const struct ringshm_kind_ops *ops = kind_ops(header->kind);

	return ops->cursor ? ops->cursor(header->start_position) : header->start_position;
}

void ringshm__kind_inform(const struct ringshm *channel, struct ringshm_info *info)
{
	const struct ringshm_kind_ops *ops = kind_ops(channel->header.kind);

	if (ops->inform)
		ops->inform(channel, info);
}

int ringshm__kind_format(const struct ringshm_header *header, void *records)
{
	const struct ringshm_kind_ops *ops = kind_ops(header->kind);

	if (ops->format)
		ops->format(header, records);
	return 0;
}

void ringshm__kind_positions(const struct ringshm_header *header, const struct ringshm_ctl *ctl,
			     const struct ringshm_cons *cons, uint64_t *head, uint64_t *tail)
{
	kind_ops(header->kind)->positions(header, ctl, cons, head, tail);
}

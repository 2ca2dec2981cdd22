/* SPDX-License-Identifier: MIT */
/* Backend auto: the best memory that this machine gives, and an account of why better was refused. */
#include "config.h"

#include "backend.h"
#include "hugepages.h"
#include "internal.h"
#include "node.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>
#include <unistd.h>

/* One link of a chain. Backends that have both huge and small pages stand there twice. */
struct choice {
	uint32_t backend;
	bool huge;
};

#define CHAIN_MOST 5
#define LAST_ERROR_SIZE 512

static const struct choice named_chain[CHAIN_MOST] = {
	{RINGSHM_BACKEND_KMOD, true}, {RINGSHM_BACKEND_HUGETLBFS, true}, {RINGSHM_BACKEND_THP, true},
	{RINGSHM_BACKEND_SYSV, true}, {RINGSHM_BACKEND_SHM, false},
};

static const struct choice anonymous_chain[CHAIN_MOST] = {
	{RINGSHM_BACKEND_KMOD, true},
	{RINGSHM_BACKEND_MEMFD, true},
	{RINGSHM_BACKEND_THP, true},
	{RINGSHM_BACKEND_MEMFD, false},
};

/* The refusal being composed, and the account of this thread's last channel. */
static __thread struct ringshm_backend_trial refusal;
static __thread struct ringshm_backend_trial tried[CHAIN_MOST];
static __thread unsigned int tried_count;

int ringshm__refuse(int error, const char *name, const char *mend, const char *format, ...)
{
	char reason[sizeof(refusal.reason)], command[sizeof(refusal.mend)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	snprintf(command, sizeof(command), "%s", mend);
	memcpy(refusal.reason, reason, sizeof(reason));
	memcpy(refusal.mend, command, sizeof(command));
	return ringshm__fail(error, "create %s: %s%s%s", name, reason, *command ? "; run: " : "", command);
}

/* ---- one attempt ---------------------------------------------------------------------------- */

static uint64_t wanted_page(const struct choice *choice, uint64_t asked)
{
	if (!choice->huge)
		return ringshm__page();
	if (asked)
		return asked;
	if (choice->backend == RINGSHM_BACKEND_KMOD)
		return UINT64_C(0x200000);
	return choice->backend == RINGSHM_BACKEND_THP ? ringshm__thp_page() : ringshm__huge_page();
}

/* Does it make sense to try? A huge page of which more than half stays empty is not taken unless asked for. */
static int check_sense(const struct choice *choice, const struct ringshm_area *wanted, uint64_t page, const char *name)
{
	char asked[24], size[24];

	if (choice->huge ? wanted->page_size && wanted->page_size <= ringshm__page() :
			   wanted->page_size > ringshm__page())
		return ringshm__refuse(EINVAL, name, "", "pages of %s were asked for",
				       ringshm__bytes(wanted->page_size, asked));
	if (choice->huge && !wanted->page_size && page && wanted->size < page / 2)
		return ringshm__refuse(
			ERANGE, name, "",
			"a data area of %s would leave most of a page of %s empty; ask for that page size to have it all the same",
			ringshm__bytes(wanted->size, size), ringshm__bytes(page, asked));
	return 0;
}

static int no_backend(const struct choice *choice, const char *name)
{
	if (choice->backend == RINGSHM_BACKEND_KMOD && access("/dev/ringshm", F_OK))
		return ringshm__refuse(ENODEV, name, "modprobe ringshm", "module not present");
	return ringshm__refuse(EOPNOTSUPP, name, "", "this library (%s) was built without it", ringshm_version());
}

static int try(const struct choice *choice, struct ringshm_area *area, const struct ringshm_area *wanted,
	       const struct ringshm_area_place *place)
{
	const struct ringshm_backend_ops *ops = ringshm__backend(choice->backend);
	struct ringshm_area request = *wanted;
	int error;

	request.page_size = wanted_page(choice, wanted->page_size);
	error = check_sense(choice, wanted, request.page_size, place->name);
	if (error)
		return error;
	return ops ? ringshm__area_create(area, ops, &request, place) : no_backend(choice, place->name);
}

/* The sentence without its "create NAME: ", for failures that gave no reason and mend of their own. */
static const char *bare_sentence(const char *name)
{
	const char *sentence = ringshm_last_error(), *start = "create ";
	size_t skip = strlen(start) + strlen(name) + 2;

	return strncmp(sentence, start, strlen(start)) || strlen(sentence) < skip ? sentence : sentence + skip;
}

/* try(), and write down what came of it. */
static int record(struct ringshm_backend_trial *trial, const struct choice *choice, struct ringshm_area *area,
		  const struct ringshm_area *wanted, const struct ringshm_area_place *place)
{
	int error;

	memset(&refusal, 0, sizeof(refusal));
	error = try(choice, area, wanted, place);
	if (error && !refusal.reason[0])
		snprintf(refusal.reason, sizeof(refusal.reason), "%s", bare_sentence(place->name));
	*trial = refusal;
	trial->backend = choice->backend;
	trial->page_size = error ? wanted_page(choice, wanted->page_size) : area->page_size;
	trial->error = error;
	return error;
}

/* ---- creating ------------------------------------------------------------------------------- */

/* Pages were asked for that nobody gave: all reasons in one sentence. */
static int refuse_all(const struct ringshm_area *wanted, const char *name)
{
	char text[384], page[24];
	const char *mend = "";
	size_t length = 0;

	for (unsigned int i = 0; i < tried_count && length < sizeof(text); i++) {
		const struct ringshm_backend_trial *t = &tried[i];

		if (t->error == -EINVAL && t->page_size <= ringshm__page())
			continue; /* it has no such pages, which is no news */
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s: %s", length ? "; " : "",
					   ringshm_backend_name(t->backend), t->reason);
		if (!*mend && t->backend != RINGSHM_BACKEND_KMOD)
			mend = t->mend;
	}
	return ringshm__fail(ENOMEM, "create %s: no pages of %s: %s%s%s", name, ringshm__bytes(wanted->page_size, page),
			     text, *mend ? "; run: " : "", mend);
}

static int create_auto(struct ringshm_area *area, const struct ringshm_area *wanted,
		       const struct ringshm_area_place *place)
{
	const struct choice *chain = place->dir < 0 ? anonymous_chain : named_chain;
	char before[LAST_ERROR_SIZE];
	int error = -EINVAL;

	snprintf(before, sizeof(before), "%s", ringshm_last_error());
	tried_count = 0;
	for (unsigned int i = 0; i < CHAIN_MOST && chain[i].backend && error; i++)
		error = record(&tried[tried_count++], &chain[i], area, wanted, place);
	if (error && wanted->page_size > ringshm__page())
		return refuse_all(wanted, place->name);
	if (!error)
		ringshm__fail(0, "%s", before); /* the call has not failed, so what it tried is no last error */
	return error;				/* else the sentence is that of the last one, which every machine has */
}

int ringshm__area_choose(struct ringshm_area *area, uint32_t backend, const struct ringshm_area *wanted,
			 const struct ringshm_area_place *place)
{
	struct choice choice = {.backend = backend};
	const struct ringshm_backend_ops *ops;
	int error;

	if (backend == RINGSHM_BACKEND_AUTO)
		return create_auto(area, wanted, place);
	ops = ringshm__backend(backend);
	memset(&refusal, 0, sizeof(refusal));
	error = ops ? ringshm__area_create(area, ops, wanted, place) : no_backend(&choice, place->name);
	tried[0] = refusal;
	tried[0].backend = backend;
	tried[0].error = error;
	tried[0].page_size = error ? wanted->page_size : area->page_size;
	tried_count = 1;
	return error;
}

/* ---- reporting ------------------------------------------------------------------------------ */

static int hand_out(struct ringshm_backend_trial *out, unsigned int count)
{
	uint32_t size = out && count ? out->size : 0;

	if (count && size < sizeof(uint32_t))
		return ringshm__fail(EINVAL, "report: set trials[0].size to sizeof(struct ringshm_backend_trial)");
	for (unsigned int i = 0; i < count && i < tried_count; i++) {
		struct ringshm_backend_trial trial = tried[i];

		trial.size = size < sizeof(trial) ? size : sizeof(trial);
		memcpy((unsigned char *)out + (size_t)i * size, &trial, trial.size);
	}
	return (int)tried_count;
}

int ringshm_backend_trials(struct ringshm_backend_trial *trials, unsigned int count)
{
	return hand_out(trials, count);
}

/* Every link is tried, also those behind the one that `auto` would take, and given back at once. */
static void try_all(const struct ringshm_area *wanted, const struct ringshm_area_place *place)
{
	const struct choice *chain = place->dir < 0 ? anonymous_chain : named_chain;

	tried_count = 0;
	for (unsigned int i = 0; i < CHAIN_MOST && chain[i].backend; i++) {
		struct ringshm_area area = {.fd = -1};

		if (!record(&tried[tried_count++], &chain[i], &area, wanted, place))
			ringshm__area_drop(&area, place);
	}
}

static int try_in_directory(const struct ringshm_header *header, const struct ringshm_area *wanted)
{
	struct ringshm_area_place place;
	char hidden[256], name[] = "report";
	int base = ringshm__open_base(true), dir, ctl, error;

	if (base < 0)
		return base;
	dir = ringshm__make_hidden(base, name, hidden);
	ctl = dir < 0 ? -1 : openat(dir, "ctl", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	error = dir < 0 ? dir : ringshm__promise(ctl, header, name);
	if (!error) {
		place = ringshm__place_of(header, dir, name);
		try_all(wanted, &place);
	}
	if (dir >= 0)
		ringshm__remove_dir(base, hidden);
	ringshm__close_fd(&ctl);
	ringshm__close_fd(&dir);
	close(base);
	return error;
}

int ringshm_backend_report(const struct ringshm_config *given, int anonymous, struct ringshm_backend_trial *trials,
			   unsigned int count)
{
	struct ringshm_config config;
	struct ringshm_header header;
	struct ringshm_area wanted = {.fd = -1};
	struct ringshm_node_policy before;
	int error = ringshm__config_copy(&config, given);

	if (!error)
		error = ringshm__config_header(&header, &config, anonymous);
	if (!error)
		error = ringshm__node_enter(&header.node, "report", &before);
	if (error)
		return error;
	wanted.size = header.data_size;
	wanted.page_size = config.page_size;
	if (anonymous) {
		struct ringshm_area_place place = ringshm__place_of(&header, -1, "report");

		try_all(&wanted, &place);
	} else {
		error = try_in_directory(&header, &wanted);
	}
	ringshm__node_leave(&before);
	return error ? error : hand_out(trials, count);
}

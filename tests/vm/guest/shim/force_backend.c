/* SPDX-License-Identifier: MIT */
/* Preloaded into the library's own test programs: what they create with backend `auto` lives in regions. */
#include <dlfcn.h>
#include <ringshm/ringshm.h>
#include <stdlib.h>

typedef int create_function(struct ringshm **, const char *, const struct ringshm_config *);

static int with_kmod(const char *function, struct ringshm **out, const char *name, const struct ringshm_config *given)
{
	create_function *real = (create_function *)dlsym(RTLD_NEXT, function);
	struct ringshm_config config;

	if (!real)
		abort();
	if (!given || given->size != sizeof(config) || given->backend != RINGSHM_BACKEND_AUTO || given->page_size)
		return real(out, name, given);
	config = *given;
	config.backend = RINGSHM_BACKEND_KMOD;
	return real(out, name, &config);
}

int ringshm_create(struct ringshm **out, const char *name, const struct ringshm_config *config)
{
	return with_kmod("ringshm_create", out, name, config);
}

int ringshm_open_or_create(struct ringshm **out, const char *name, const struct ringshm_config *config)
{
	return with_kmod("ringshm_open_or_create", out, name, config);
}

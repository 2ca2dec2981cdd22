// SPDX-License-Identifier: MIT
// The library's version, as configure.ac states it.
#include "config.h"

#include <ringshm/ringshm.h>

const char *ringshm_version(void)
{
	return PACKAGE_VERSION;
}

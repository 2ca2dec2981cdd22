// SPDX-License-Identifier: MIT
// Does the library that was just built answer through its public interface? Prints TAP.
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <ringshm/ringshm.h>

int main(void)
{
	int same = strcmp(ringshm_version(), PACKAGE_VERSION) == 0;

	printf("%sok 1 - the library reports version %s\n", same ? "" : "not ", PACKAGE_VERSION);
	printf("1..1\n");
	return !same;
}

// SPDX-License-Identifier: MIT
/* screen_absent.c - stands in for screen.c where ncurses is not installed. */
#include "view.h"

const struct tel_view_ops tel_view_screen;

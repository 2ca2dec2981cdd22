// SPDX-License-Identifier: MIT
/* json_absent.c - stands in for json.c where jansson is not installed. */
#include "view.h"

const struct tel_view_ops tel_view_json;

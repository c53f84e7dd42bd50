/* SPDX-License-Identifier: MIT */
#ifndef IO_NEIGHBOUR_H
#define IO_NEIGHBOUR_H

/* What may have been meant by a path that is not there. */

#include "pack/error.h"

/*
 * Hints at the first folder of PATH that is missing, or at the nearest name in its folder.
 * `advice` ("build the images first") is added, and is all where nothing is near; with NULL the
 * error stays as it is then. It never fails: without memory there is no hint.
 */
void pack_hint_neighbour(struct pack_error *error, const char *path, const char *advice);

#endif

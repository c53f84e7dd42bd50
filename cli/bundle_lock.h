/* SPDX-License-Identifier: MIT */
#ifndef CLI_BUNDLE_LOCK_H
#define CLI_BUNDLE_LOCK_H

/* Bundles that are changed in their place: one writer at a time. */

#include "cli.h"

#include "pack/io.h"

/*
 * Opens the file and locks it, waiting for another writer; the lock goes with the input. What is
 * opened is what the name stands for then. Pipes are refused (PACK_E_USAGE): `verb` says what is
 * done to it, "signed".
 */
PACK_MUST_USE int bundle_lock(struct pack_input **input, struct cli *cli, const char *path,
                              const char *verb, struct pack_error *error);
/* Whether the name still stands for the file that was opened: not everybody heeds the lock. */
bool bundle_is_current(const struct pack_input *input, const char *path);

#endif

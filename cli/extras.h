/* SPDX-License-Identifier: MIT */
#ifndef CLI_EXTRAS_H
#define CLI_EXTRAS_H

/* permit.json and rollout.json in words and as JSON, for `inspect` and `permit`. */

#include "cli.h"

#include "pack/bundle.h"
#include "pack/permit.h"

/* One line of a permit without its end; `print` is cli_print or cli_note. */
void permit_lines(struct cli *cli, void (*print)(struct cli *cli, const char *format, ...),
                  const struct pack_permit *permit);
/* An object of that name. */
void permit_json(struct pack_json *json, const char *name, const struct pack_permit *permit);

/* What a bundle carries of them, as it stands there: nothing of it is proved. */
void extras_print(struct cli *cli, const struct pack_bundle *bundle);
/* "permit" and "rollout", each where it is there. */
void extras_json(struct pack_json *json, const struct pack_bundle *bundle);

#endif

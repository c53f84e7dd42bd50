/* SPDX-License-Identifier: MIT */
#ifndef BOOT_ORDER_H
#define BOOT_ORDER_H

/*
 * A state as an order in which sets are tried, which is how RAUC keeps it in U-Boot's and GRUB's
 * environments: "B A". A variable of our own says which set is on trial.
 */

#include "boot/boot.h"

struct boot_order {
    size_t count; /* 1 or 2 */
    enum pack_set sets[PACK_SETS];
    bool startable[PACK_SETS]; /* by set */
    bool trial;                /* of `on_trial` */
    enum pack_set on_trial;
    unsigned tries; /* that are left of it */
};

/* "A", "B", "A B" or "B A"; fills count and sets. */
bool boot_order_parse(struct boot_order *order, const char *text);
/* "" for none. Fills trial and on_trial. */
bool boot_order_parse_trial(struct boot_order *order, const char *text);
/* PACK_E_STATE where the set on trial is not the first of two. `worn` is left to the caller. */
PACK_MUST_USE int boot_order_judge(struct boot_state *state, const struct boot_order *order,
                                   struct pack_error *error);

/* The order that a state is kept as: a set that must not start is not in it. */
const char *boot_order_text(const struct boot_state *state);
/* "A", "B", or "". */
const char *boot_trial_text(const struct boot_state *state);
/* Whether the set may start, by the order or as the one on trial. */
bool boot_order_has(const struct boot_state *state, enum pack_set set);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef INSTALL_RECONCILE_H
#define INSTALL_RECONCILE_H

/*
 * What became of the last run: what is remembered, held against what the bootloader says and what
 * runs. Pure, so that `status` can tell what the next run will do.
 */

#include "boot/boot.h"
#include "install/state.h"

enum reconciliation {
    RECONCILE_NOTHING, /* all agrees */
    RECONCILE_ADOPT,   /* the bootloader knows of a trial: power went before that was noted */
    RECONCILE_DROP,    /* a trial was noted, and the bootloader does not know: as if never begun */
    RECONCILE_CONFIRMED, /* power went after the bootloader was told that the set is good */
    RECONCILE_FELL_BACK, /* the set was tried and did not make it */
};

struct reconciled {
    enum reconciliation what;
    enum pack_set set; /* whose trial it is; of FELL_BACK: the one that failed */
    enum pack_trial trial;
};

struct reconciled reconcile(const struct state *state, const struct boot_state *loader,
                            enum pack_set running, const char *session);

#endif

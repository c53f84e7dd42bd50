/* SPDX-License-Identifier: MIT */
#ifndef STORAGE_TRIAL_H
#define STORAGE_TRIAL_H

/*
 * A storage over files of the system that behaves as a machine that loses power: writes stay in
 * memory until their file is flushed, names until their folder is; at a chosen operation the
 * machine stops, and what was not flushed is lost, kept, torn or reordered as a seed says. All
 * operations from then on fail with PACK_E_INTERRUPTED, so that the engine unwinds.
 */

#include "storage/storage.h"

enum trial_fault {
    TRIAL_NONE,
    TRIAL_POWER_CUT, /* before operation number `at` takes effect; without so many, at the end */
    TRIAL_ERROR, /* operation number `at` fails with `number` (EIO, ENOSPC), later ones do not */
    TRIAL_SHORT, /* operation number `at`, a write, stores a part only and fails with ENOSPC */
};

/* What becomes of unflushed writes when the power goes. */
enum trial_loss {
    TRIAL_LOSE_ALL,
    TRIAL_KEEP_ALL, /* all had reached the medium by chance */
    TRIAL_RANDOM,   /* any subset, in any order, the last torn at `sector` bytes: by `seed` */
};

struct trial_options {
    enum trial_fault fault;
    uint64_t at; /* operations count from 1: opens for writing, writes, resizes, flushes, names */
    int number;
    enum trial_loss loss;
    uint64_t seed;
    unsigned sector; /* 512 or 4096 */
};

/* The paths that the engine names are found below `root` where that is not NULL. */
PACK_MUST_USE int trial_new(struct storage **storage, const char *root,
                            const struct trial_options *options, struct pack_error *error);
/* Operations so far: run once without a fault to learn how many there are. */
uint64_t trial_count(const struct storage *storage);
/* Whether the fault has happened. */
bool trial_fired(const struct storage *storage);
/* Carries the losses out (power cut), or flushes all (else), to the real files; and frees it. */
PACK_MUST_USE int trial_end(struct storage **storage, struct pack_error *error);

#endif

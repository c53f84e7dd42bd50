/* SPDX-License-Identifier: MIT */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

/*
 * Bootloaders: which set of slots starts, for how many tries, and what it falls back to. Each is
 * one entry in one table (docs/bootloaders.md). All that is known is one struct, which is written
 * at once: a power cut leaves the old or the new one.
 */

#include "pack/device.h"
#include "storage/storage.h"

struct boot_state {
    enum pack_set primary; /* the set that starts when no trial is on */
    /*
     * A trial: the other set is started first, while tries are left. 0 with `trial` set: they are
     * used up, and primary starts again.
     */
    bool trial;
    unsigned tries;
    bool fallback; /* whether the other set may be started when primary does not (it is whole) */
    /*
     * Of a read: the loader counts starts of primary as well, and some were used. Writing the same
     * state again gives them back, which is due once it has started well.
     */
    bool worn;
};

struct boot; /* an entry's own state begins with it */

struct boot_type {
    const char *name;
    const char *summary;
    unsigned max_tries; /* what it can count: 1 for EFI's BootNext and tryboot */
    bool falls_back;    /* whether it can start the other set when primary does not */
    int (*open)(struct boot **boot, const struct pack_device *device, struct storage *storage,
                struct pack_error *error);
    /* PACK_E_STATE where what is stored cannot be read or means nothing. */
    int (*read)(struct boot *boot, struct boot_state *state, struct pack_error *error);
    /* Durable, whole or not at all, when it returns 0. */
    int (*write)(struct boot *boot, const struct boot_state *state, struct pack_error *error);
    /* The set that runs; NULL: by /proc/cmdline and /proc/self/mountinfo (boot_running). */
    int (*running)(struct boot *boot, enum pack_set *set, struct pack_error *error);
    /* For loaders that ask fwpack (`file`): counts a try, and says what starts; NULL: others. */
    int (*next)(struct boot *boot, enum pack_set *set, struct pack_error *error);
    /* Differs after each start of the machine; NULL: the kernel's boot_id. */
    int (*session)(struct boot *boot, char text[64], struct pack_error *error);
    void (*close)(struct boot **boot);
};

struct boot {
    const struct boot_type *type;
    const struct pack_device *device; /* borrowed */
    struct storage *storage;          /* borrowed */
};

/* The table, ended by NULL. */
const struct boot_type *const *boot_types(void);
/* By device->boot.type. PACK_E_UNSUPPORTED where there is none, or it was left out of the build. */
PACK_MUST_USE int boot_open(struct boot **boot, const struct pack_device *device,
                            struct storage *storage, struct pack_error *error);
void boot_close(struct boot **boot);
PACK_MUST_USE int boot_read(struct boot *boot, struct boot_state *state, struct pack_error *error);
/*
 * Reads back what it wrote, and compares (PACK_E_IO). More tries than the loader can count are as
 * many as it can; `fallback` says nothing of a trial, nor where the loader cannot fall back.
 */
PACK_MUST_USE int boot_write(struct boot *boot, const struct boot_state *state,
                             struct pack_error *error);
/*
 * By device->boot.running_file or running_cmdline, else the type's own way, else the root file
 * system of /proc/cmdline or mountinfo that is one of the targets. PACK_E_STATE where none tells.
 */
PACK_MUST_USE int boot_running(struct boot *boot, enum pack_set *set, struct pack_error *error);
/* PACK_E_UNSUPPORTED where the loader decides by itself. */
PACK_MUST_USE int boot_next(struct boot *boot, enum pack_set *set, struct pack_error *error);
PACK_MUST_USE int boot_session(struct boot *boot, char text[64], struct pack_error *error);

#endif

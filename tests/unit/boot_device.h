/* SPDX-License-Identifier: MIT */
#ifndef BOOT_DEVICE_H
#define BOOT_DEVICE_H

/* What the tests of bootloaders share: a storage whose paths lie in a folder, and states. */

#include "boot/boot.h"
#include "support/test.h"

/* The files of the system, each path found below the folder. */
struct rooted {
    struct storage storage;
    struct storage_ops ops;
    const char *folder;
};
void rooted_init(struct rooted *rooted, const char *folder);

/* Writes a file below the folder, and the folders that it needs. */
void rooted_write(const char *folder, const char *path, const char *text);

/*
 * What a command of the shell prints, run in the folder; the test is skipped where its program is
 * missing. To be freed.
 */
char *run_tool(const char *folder, const char *command);

#define AUTO_BOOT PACK_AUTO(boot_close)

/* "A", "A+", "A B3", "A+!": primary, + falls back, B3 a trial of B with 3 tries, ! worn. */
const char *boot_state_text(char text[static 16], const struct boot_state *state);
struct boot_state boot_state_of(const char *text);

/* Each of these states, written by one and read by another `boot`, in every order of two. */
void check_round_trips(const struct pack_device *device, struct storage *storage,
                       const char *const *states);
/* What is read now. */
void check_state(const struct pack_device *device, struct storage *storage, const char *state);
void write_state(const struct pack_device *device, struct storage *storage, const char *state);
/* Reading fails with the code, and the text has `says`. */
void check_refused(const struct pack_device *device, struct storage *storage, int code,
                   const char *says);

#endif

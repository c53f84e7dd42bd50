/* SPDX-License-Identifier: MIT */
#ifndef BOOT_GRUB_BLOCK_H
#define BOOT_GRUB_BLOCK_H

/*
 * GRUB's environment block (GRUB 2.06, grub-core/lib/envblk.c): 1,024 bytes of lines "NAME=VALUE",
 * in whose values a backslash stands before a backslash or a line feed; lines that begin with '#'
 * are comments, the first one is the signature, and '#' fills what is left.
 */

#include "pack/error.h"

#define GRUB_BLOCK_SIZE 1024
/* The least that any medium writes at once. What fits in is old or new, never a mixture. */
#define GRUB_SECTOR_SIZE 512
#define GRUB_VALUE_SIZE 64 /* with the final zero byte, of the values that are asked for */

struct grub_variable {
    const char *name;
    char value[GRUB_VALUE_SIZE]; /* plain: nothing in it needs a backslash */
};

/* PACK_E_STATE with the offset. */
PACK_MUST_USE int grub_block_check(const uint8_t *block, size_t size, struct pack_error *error);
/* Of a block that was checked. False where it is not there, or is longer than a value. */
bool grub_block_get(const uint8_t block[GRUB_BLOCK_SIZE], const char *name,
                    char value[GRUB_VALUE_SIZE]);
/*
 * The variables, all within the first sector, then what else is in `old` (a block that was
 * checked, or NULL). PACK_E_NO_SPACE where that is too much.
 */
PACK_MUST_USE int grub_block_make(uint8_t block[GRUB_BLOCK_SIZE],
                                  const struct grub_variable *variables, size_t count,
                                  const uint8_t *old, struct pack_error *error);

#endif

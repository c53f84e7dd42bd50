/* SPDX-License-Identifier: MIT */
#ifndef SLOT_GPT_H
#define SLOT_GPT_H

/*
 * GUID partition tables (UEFI 2.10, chapter 5): the header and entries at a disk's beginning, or,
 * where their checksums do not hold, the copy at its end.
 */

#include "pack/io.h"

enum {
    GPT_GUID_TEXT = 37,          /* "4f68bce3-e8cd-4db1-96e7-fbcaf984b709" */
    GPT_LABEL_SIZE = 36 * 3 + 1, /* 36 UTF-16 units as UTF-8 */
    GPT_MAX_ENTRIES = 1024,
};

struct gpt_partition {
    uint32_t number; /* from 1, as the kernel counts */
    char type[GPT_GUID_TEXT], id[GPT_GUID_TEXT];
    char label[GPT_LABEL_SIZE]; /* what is no character is U+FFFD */
    uint64_t first, last;       /* blocks, both within */
};

struct gpt {
    size_t count;
    struct gpt_partition *partitions; /* those in use, in the table's order */
    bool from_backup;
};

/*
 * `block` is the size of the disk's logical blocks, or 0: 512, then 4096. PACK_E_NOT_FOUND where
 * there is no table at all, PACK_E_MALFORMED where neither copy holds.
 */
PACK_MUST_USE int gpt_read(struct gpt *gpt, struct pack_input *disk, uint32_t block,
                           struct pack_error *error);
void gpt_clear(struct gpt *gpt);

#endif

/* SPDX-License-Identifier: MIT */
/* bzip2, whose header tells its block size only. */
#include "formats/archive.h"
#include "formats/backends.h"
#include "formats/support.h"

enum { HEADER_SIZE = 10, MAGIC_SIZE = 6 };

/* What follows the level: a block, or the end. */
static const char block_magic[] = "1AY&SY", end_magic[] = "\x17rE8P\x90";

static int bzip2_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    if (!fwpack_has(head, size, 0, "BZh", 3) || size < HEADER_SIZE || head[3] < '1' ||
        head[3] > '9')
        return 0;
    return fwpack_has(head, size, 4, block_magic, MAGIC_SIZE) ||
                   fwpack_has(head, size, 4, end_magic, MAGIC_SIZE)
               ? 95
               : 0;
}

static int bzip2_describe(struct pack_input *input, struct pack_facts *facts,
                          struct pack_error *error)
{
    uint8_t header[HEADER_SIZE];
    const int code = fwpack_read(input, 0, header, sizeof header, error);
    if (code != 0)
        return code;
    pack_fact_number(facts, "block_size", 100000 * (uint64_t)(header[3] - '0'));
    if (fwpack_has(header, sizeof header, 4, end_magic, MAGIC_SIZE))
        return 0;
    return fwpack_archive_peek(facts, input, ARCHIVE_BZIP2, error);
}

const struct pack_format fwpack_format_bzip2 = {
    .name = "bzip2",
    .summary = "bzip2 compressed data",
    .suffixes = ".bz2",
    .probe = bzip2_probe,
    .describe = bzip2_describe,
};

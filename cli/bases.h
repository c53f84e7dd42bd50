/* SPDX-License-Identifier: MIT */
#ifndef CLI_BASES_H
#define CLI_BASES_H

/* --base FILE…: old images, or old bundles that are verified as the new one is; --identity. */

#include "cli.h"

#include "pack/bundle.h"

struct base_file;

struct cli_bases {
    struct pack_context context; /* lent to the bundles among them */
    struct pack_age_identities *identities;
    struct pack_bases *bases;
    size_t count;
    struct base_file *files;
};

#define BASE_OPTION                                                               \
    {                                                                             \
        .name = "base", .kind = OPTION_PATH, .value = "FILE", .repeatable = true, \
        .help = "an old image or bundle, which deltas are applied to; repeatable" \
    }

#define DECODER_MEMORY_OPTION                                                         \
    {                                                                                 \
        .name = "decoder-memory", .kind = OPTION_SIZE, .value = "SIZE", .minimum = 1, \
        .help = "most memory that a decoder may take (64MiB)"                         \
    }
/* The context with what DECODER_MEMORY_OPTION allows. */
struct pack_context cli_decoder_context(const struct cli *cli);

/* With the identities of GROUP_IDENTITY, for encrypted bundles too; `asks` as there. */
PACK_MUST_USE int cli_bases_open(struct cli_bases *bases, struct cli *cli, bool asks,
                                 const struct pack_trust *trust, struct pack_error *error);
void cli_bases_close(struct cli_bases *bases);
/* Lets a bundle use them: the bases and the identities. */
void cli_bases_lend(const struct cli_bases *bases, struct pack_trusted *trusted);

#endif

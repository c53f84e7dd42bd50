/* SPDX-License-Identifier: MIT */
#ifndef CLI_ATTEST_INPUT_H
#define CLI_ATTEST_INPUT_H

/* What the command line and a CI machine's variables say of a build. */

#include "cli.h"

#include "pack/attest.h"

struct attest_input {
    struct pack_provenance provenance; /* without release and release_sha256 */
    struct pack_parameter *parameters;
    struct pack_dependency *dependencies;
    char **storage; /* of names and dependencies */
    size_t storage_count;
    char *builder_id, *invocation_id; /* where they come from variables */
    const char *source;               /* of the builder: "GitHub Actions"; NULL: --builder-id */
};

/*
 * --builder-id, --invocation-id, --parameter, --dependency, SOURCE_DATE_EPOCH. Without a builder,
 * that of GitHub Actions or GitLab CI where this runs in one of them, else PACK_E_USAGE.
 */
PACK_MUST_USE int attest_input_read(struct attest_input *input, const struct arguments *arguments,
                                    struct pack_error *error);
void attest_input_clear(struct attest_input *input);

/* The options that it reads, for a command's table. */
#define ATTEST_OPTIONS                                                                         \
    {.name = "builder-id",                                                                     \
     .kind = OPTION_TEXT,                                                                      \
     .value = "URI",                                                                           \
     .help = "what built the images (GitHub's or GitLab's, in their CI)"},                     \
        {.name = "invocation-id",                                                              \
         .kind = OPTION_TEXT,                                                                  \
         .value = "ID",                                                                        \
         .help = "which run of the builder it was"},                                           \
        {.name = "parameter",                                                                  \
         .kind = OPTION_DEFINITION,                                                            \
         .value = "NAME=VALUE",                                                                \
         .repeatable = true,                                                                   \
         .help = "a parameter of the build, as it was called; repeatable"},                    \
    {                                                                                          \
        .name = "dependency", .kind = OPTION_TEXT, .value = "URI@ALG:HEX", .repeatable = true, \
        .help = "what the build was made from, and its hash; repeatable"                       \
    }

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CLI_SIGN_PAGE_H
#define CLI_SIGN_PAGE_H

/* SIGN.md, the page for a person who signs elsewhere. */

#include "signing.h"

#include "pack/bundle.h"
#include "pack/permit.h"

#define SIGN_PAGE "SIGN.md"

/* A document that is to be signed. */
struct sign_document {
    enum signed_document what;
    const char *name; /* "release.json" */
    const void *bytes;
    size_t size;
    uint8_t sha256[PACK_SHA256_SIZE];
    uint8_t prehash[PACK_PREHASH_SIZE];
    char comment[PACK_MAX_TRUSTED_COMMENT];
};

/*
 * The page's text, to be freed with free(). `permit` is that of the documents, or NULL. What the
 * bundle says of itself stands in it so that it can forge no line, and the commands are a shell's,
 * to be run in the folder.
 */
PACK_MUST_USE int sign_page(char **text, size_t *size, const char *bundle,
                            const struct pack_release *release, const struct pack_permit *permit,
                            const struct sign_document *documents, size_t count,
                            struct pack_error *error);

#endif

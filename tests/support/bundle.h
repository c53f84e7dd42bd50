/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_BUNDLE_H
#define SUPPORT_BUNDLE_H

/* Small signed bundles for tests, built by the library itself in memory. */

#include "pack/bundle.h"

struct test_bundle {
    uint8_t *bytes;
    size_t size;
    struct pack_secret_key *keys[3];
    size_t key_count;
};

/* What one is made of. Zero means the usual. */
struct test_bundle_plan {
    const char *folder;  /* for its files; wanted */
    const char *codec;   /* "zstd" */
    size_t image_size;   /* 5,000 bytes */
    uint32_t block_size; /* 1024 */
    size_t key_count;    /* 1; none with `not_signed` */
    bool not_signed;
    bool attachment;
    unsigned role_of[3];                          /* roles that each key signs; 0: both */
    const struct pack_age_recipients *recipients; /* whom its payloads are encrypted to, or NULL */
};

void test_bundle_make(struct test_bundle *bundle, const struct test_bundle_plan *plan);
void test_bundle_clear(struct test_bundle *bundle);

/* A trust in keys 0 … key_count - 1 for everything. */
struct pack_trust *test_bundle_trust(const struct test_bundle *bundle);

/* All of verify, from opening to the last byte, over bytes in memory. */
int test_bundle_verify(const void *bytes, size_t size, const struct pack_trust *trust, bool forward,
                       struct pack_verify_report *report, struct pack_error *error);

#endif

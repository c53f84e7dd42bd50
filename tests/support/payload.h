/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_PAYLOAD_H
#define SUPPORT_PAYLOAD_H

/* Reading the payloads of bundles in memory, and making them say what a stolen key would. */

#include "support/bundle.h"

#include "base/bytes.h"
#include "bundle/trusted.h"

/* A bundle in memory, opened and trusted. */
struct test_opened {
    struct pack_context context;
    struct pack_trust *trust;
    struct pack_input *input;
    struct pack_bundle *bundle;
    struct pack_trusted *trusted;
};

void test_opened_make(struct test_opened *opened, const struct test_bundle *bundle, unsigned jobs);
void test_opened_clear(struct test_opened *opened);
#define TEST_AUTO_OPENED __attribute__((cleanup(test_opened_clear)))

/* Keeps what it is given, and may refuse it from some byte on. */
struct test_sink {
    struct pack_sink sink;
    struct pack_buffer bytes;
    size_t full; /* 0: never */
};

struct test_sink test_sink_make(void);
void test_sink_clear(struct test_sink *sink);
#define TEST_AUTO_SINK __attribute__((cleanup(test_sink_clear)))

/* Where the data of a member of the first image's first encoding stands. */
struct layout_entry test_member(const struct test_bundle *bundle, enum layout_kind kind);
void test_member_digest(const struct test_bundle *bundle, const struct layout_entry *entry,
                        uint8_t digest[PACK_SHA256_SIZE]);

/* The stored block table, as it must be for the stored bytes. */
void test_hash_stored_blocks(struct test_bundle *bundle, const struct layout_entry *payload,
                             const struct layout_entry *blocks, uint32_t block_size);
/* Puts a text in the place of another of the same length in delivery.json, and signs it. */
void test_forge(struct test_bundle *bundle, const char *from, const char *to);
/* Lets delivery.json call a member's bytes, as they are now, the right ones; signs it. */
void test_approve(struct test_bundle *bundle, const struct layout_entry *entry,
                  const uint8_t before[PACK_SHA256_SIZE]);

#endif

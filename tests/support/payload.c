/* SPDX-License-Identifier: MIT */
#include "support/payload.h"
#include "support/test.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* --- opening --------------------------------------------------------------------------------- */

void test_opened_make(struct test_opened *opened, const struct test_bundle *bundle, unsigned jobs)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE struct pack_trust_report *report = calloc(1, sizeof *report);
    assert_non_null(report);
    *opened = (struct test_opened){.context = {.jobs = jobs}, .trust = test_bundle_trust(bundle)};
    assert_pack_ok(
        pack_input_memory(&opened->input, bundle->bytes, bundle->size, "test.fwb", &error));
    assert_pack_ok(pack_bundle_open(&opened->bundle, opened->input, &opened->context, &error));
    assert_pack_ok(
        pack_bundle_trust(&opened->trusted, opened->bundle, opened->trust, report, &error));
}

void test_opened_clear(struct test_opened *opened)
{
    pack_trusted_free(&opened->trusted);
    pack_bundle_close(&opened->bundle);
    pack_input_close(&opened->input);
    pack_trust_free(&opened->trust);
}

/* --- sinks ----------------------------------------------------------------------------------- */

static int keep(struct pack_sink *sink, const void *bytes, size_t size, struct pack_error *error)
{
    struct test_sink *memory = (struct test_sink *)sink;
    if (memory->full != 0 && memory->bytes.size + size > memory->full)
        return pack_fail(error, PACK_E_NO_SPACE, "the sink is full");
    return pack_buffer_append(&memory->bytes, bytes, size, error);
}

static const struct pack_sink_ops keep_ops = {.write = keep};

struct test_sink test_sink_make(void)
{
    return (struct test_sink){.sink.ops = &keep_ops, .bytes.limit = 64 << 20};
}

void test_sink_clear(struct test_sink *sink)
{
    pack_buffer_clear(&sink->bytes);
}

struct layout_entry test_member(const struct test_bundle *bundle, enum layout_kind kind)
{
    TEST_AUTO_OPENED struct test_opened opened;
    test_opened_make(&opened, bundle, 1);
    const struct layout_entry *entry = layout_find(opened.trusted->layout, kind, 0, 0);
    assert_non_null(entry);
    return *entry;
}

/* --- forging --------------------------------------------------------------------------------- */

static uint8_t *find_text(const struct test_bundle *bundle, const char *text, size_t size)
{
    uint8_t *found = memmem(bundle->bytes, bundle->size, text, size);
    assert_non_null(found);
    return found;
}

/* Writes the delivery's signature anew over what delivery.json says now. */
static void sign_again(struct test_bundle *bundle)
{
    struct pack_error error = {0};
    TEST_AUTO_OPENED struct test_opened opened;
    struct pack_signature signature = {0};
    uint8_t digest[PACK_PREHASH_SIZE];
    char comment[PACK_MAX_TRUSTED_COMMENT];
    const struct pack_signature_member *members = NULL;
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0, text_size = 0;
    opened = (struct test_opened){.context = {.jobs = 1}};
    assert_pack_ok(
        pack_input_memory(&opened.input, bundle->bytes, bundle->size, "test.fwb", &error));
    assert_pack_ok(pack_bundle_open(&opened.bundle, opened.input, &opened.context, &error));
    const void *document = pack_bundle_document(opened.bundle, PACK_ROLE_DELIVERY, &size);
    assert_int_equal(pack_bundle_signatures(opened.bundle, PACK_ROLE_DELIVERY, &members), 1);
    const struct pack_signer signer = pack_signer_from_key(bundle->keys[0]);
    pack_prehash_bytes(document, size, digest);
    assert_pack_ok(pack_trusted_comment(comment, PACK_ROLE_DELIVERY, "acme-test", "1.2.3", document,
                                        size, &error));
    assert_pack_ok(pack_sign(&signature, &signer, digest, comment, &error));
    assert_pack_ok(pack_signature_format(&text, &text_size, &signature, &error));
    assert_int_equal(text_size, members[0].size);
    memcpy(find_text(bundle, members[0].bytes, members[0].size), text, text_size);
}

void test_forge(struct test_bundle *bundle, const char *from, const char *to)
{
    assert_int_equal(strlen(from), strlen(to));
    memcpy(find_text(bundle, from, strlen(from)), to, strlen(to));
    sign_again(bundle);
}

void test_approve(struct test_bundle *bundle, const struct layout_entry *entry,
                  const uint8_t before[PACK_SHA256_SIZE])
{
    struct pack_error error = {0};
    uint8_t digest[PACK_SHA256_SIZE];
    char old[PACK_SHA256_HEX_SIZE], new[PACK_SHA256_HEX_SIZE];
    assert_pack_ok(
        pack_sha256_bytes(bundle->bytes + entry->data, (size_t)entry->size, digest, &error));
    pack_sha256_hex(before, old);
    pack_sha256_hex(digest, new);
    test_forge(bundle, old, new);
}

void test_member_digest(const struct test_bundle *bundle, const struct layout_entry *entry,
                        uint8_t digest[PACK_SHA256_SIZE])
{
    struct pack_error error = {0};
    assert_pack_ok(
        pack_sha256_bytes(bundle->bytes + entry->data, (size_t)entry->size, digest, &error));
}

void test_hash_stored_blocks(struct test_bundle *bundle, const struct layout_entry *payload,
                             const struct layout_entry *blocks, uint32_t block_size)
{
    struct pack_error error = {0};
    for (uint64_t at = 0; at < payload->size; at += block_size) {
        const uint64_t size = payload->size - at < block_size ? payload->size - at : block_size;
        assert_pack_ok(pack_sha256_bytes(bundle->bytes + payload->data + at, (size_t)size,
                                         bundle->bytes + blocks->data + at / block_size * 32,
                                         &error));
    }
}

/* SPDX-License-Identifier: MIT */
#include "support/payload.h"
#include "support/test.h"

#include "base/memory.h"
#include "pack/age.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 512, SMALL = 6000 };

/* --- who reads, and who does not ------------------------------------------------------------- */

/* One recipient, its identity, and somebody else's. */
struct parties {
    struct pack_age_recipients *recipients;
    struct pack_age_identities *own, *other;
};

static struct pack_age_identities *make_identity(const char *folder, const char *name,
                                                 char recipient[PACK_AGE_TEXT_SIZE])
{
    struct pack_error error = {0};
    struct pack_age_identities *identities = NULL;
    const struct pack_passphrase none = {.ask = NULL};
    const struct pack_signing_access access = {.module = NULL};
    PACK_AUTO_FREE char *path = test_path(folder, name);
    remove(path);
    assert_pack_ok(pack_age_identity_generate(path, &none, recipient, &error));
    assert_pack_ok(pack_age_identities_new(&identities, &error));
    assert_pack_ok(pack_age_identities_add(identities, path, &access, &error));
    return identities;
}

static struct parties make_parties(const char *folder)
{
    struct pack_error error = {0};
    char recipient[PACK_AGE_TEXT_SIZE], stranger[PACK_AGE_TEXT_SIZE];
    struct parties parties = {.own = make_identity(folder, "own.age", recipient),
                              .other = make_identity(folder, "other.age", stranger)};
    assert_pack_ok(pack_age_recipients_new(&parties.recipients, &error));
    assert_pack_ok(pack_age_recipients_add(parties.recipients, recipient, &error));
    return parties;
}

static void parties_clear(struct parties *parties)
{
    pack_age_recipients_free(&parties->recipients);
    pack_age_identities_free(&parties->own);
    pack_age_identities_free(&parties->other);
}
#define AUTO_PARTIES __attribute__((cleanup(parties_clear)))

static void make(struct test_bundle *bundle, const char *folder, const char *codec, size_t size,
                 const struct parties *parties)
{
    const struct test_bundle_plan plan = {.folder = folder,
                                          .codec = codec,
                                          .image_size = size,
                                          .block_size = BLOCK,
                                          .attachment = true,
                                          .recipients = parties->recipients};
    test_bundle_make(bundle, &plan);
}

/* --- what comes out -------------------------------------------------------------------------- */

/* What a failure says, and how much came out before it. */
struct outcome {
    int code;
    struct pack_error error;
    size_t written;
};

/* Whatever happens, what comes out is the image's beginning. */
static struct outcome extract(const struct test_bundle *bundle, const char *folder,
                              const struct pack_age_identities *identities, unsigned jobs)
{
    struct outcome outcome = {.code = 0};
    TEST_AUTO_OPENED struct test_opened opened;
    TEST_AUTO_SINK struct test_sink sink = test_sink_make();
    PACK_AUTO_FREE char *path = test_path(folder, "image.bin");
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *image = test_read_file(path, &size);
    test_opened_make(&opened, bundle, jobs);
    pack_trusted_use_identities(opened.trusted, identities);
    outcome.code = pack_bundle_extract(opened.trusted, 0, &sink.sink, &outcome.error);
    outcome.written = sink.bytes.size;
    assert_true(sink.bytes.size <= size);
    assert_int_equal(outcome.code == 0, sink.bytes.size == size);
    if (sink.bytes.size != 0)
        assert_memory_equal(sink.bytes.bytes, image, sink.bytes.size);
    return outcome;
}

static int verify(const struct test_bundle *bundle, const struct pack_age_identities *identities,
                  bool forward, struct pack_image_report *image, struct pack_error *error)
{
    TEST_AUTO_OPENED struct test_opened opened = {.context = {.jobs = 2}};
    PACK_AUTO_FREE struct pack_trust_report *signers = calloc(1, sizeof *signers);
    PACK_AUTO_FREE struct pack_verify_report *report = calloc(1, sizeof *report);
    PACK_AUTO(pack_input_close) struct pack_input *inner = NULL;
    assert_non_null(signers);
    assert_non_null(report);
    pack_error_clear(error);
    opened.trust = test_bundle_trust(bundle);
    assert_int_equal(pack_input_memory(&inner, bundle->bytes, bundle->size, "test.fwb", error), 0);
    if (forward)
        assert_int_equal(pack_input_forward(&opened.input, pack_steal(&inner), error), 0);
    else
        opened.input = pack_steal(&inner);
    int code = pack_bundle_open(&opened.bundle, opened.input, &opened.context, error);
    if (code == 0)
        code = pack_bundle_trust(&opened.trusted, opened.bundle, opened.trust, signers, error);
    if (code == 0)
        pack_trusted_use_identities(opened.trusted, identities);
    if (code == 0)
        code = pack_bundle_verify(opened.trusted, true, report, error);
    *image = report->images[0];
    return code;
}

static void check_roundtrip(const char *folder, const char *codec, size_t size,
                            const struct parties *parties)
{
    struct pack_error error = {0};
    struct test_bundle bundle;
    struct pack_image_report image;
    make(&bundle, folder, codec, size, parties);
    for (unsigned jobs = 1; jobs <= 4; jobs += 3) {
        const struct outcome outcome = extract(&bundle, folder, parties->own, jobs);
        error = outcome.error;
        assert_pack_ok(outcome.code);
    }
    for (int forward = 0; forward < 2; forward++) {
        assert_pack_ok(verify(&bundle, parties->own, forward, &image, &error));
        assert_int_equal(image.proof, PACK_PROOF_PLAIN);
        assert_string_equal(image.missing, "");
    }
    test_bundle_clear(&bundle);
}

static void every_codec_travels_encrypted(void **state)
{
    static const char *const codecs[] = {"none", "gzip", "zstd", "xz"};
    static const size_t sizes[] = {1, 511, 512, 513, SMALL, 65536, 65537, 131072};
    AUTO_PARTIES struct parties parties = make_parties(*state);
    for (size_t c = 0; c < sizeof codecs / sizeof codecs[0]; c++)
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
            check_roundtrip(*state, codecs[c], sizes[s], &parties);
    check_roundtrip(*state, "none", 3 << 20, &parties);
    check_roundtrip(*state, "zstd", 3 << 20, &parties);
}

/* What is stored is described as it is: larger, with a table of its own, under a name that tells.
 */
static void the_layout_is_that_of_the_ciphertext(void **state)
{
    AUTO_PARTIES struct parties parties = make_parties(*state);
    const uint64_t header = pack_age_header_size(parties.recipients);
    struct test_bundle bundle;
    make(&bundle, *state, "none", SMALL, &parties);
    const struct layout_entry payload = test_member(&bundle, LAYOUT_PAYLOAD);
    const struct layout_entry blocks = test_member(&bundle, LAYOUT_STORED_BLOCKS);
    assert_string_equal(payload.name, "payloads/app.0.bin.age");
    assert_string_equal(blocks.name, "payloads/app.0.blocks");
    assert_int_equal(payload.size, header + SMALL + 16);
    assert_int_equal(blocks.size, (payload.size + BLOCK - 1) / BLOCK * 32);
    assert_memory_equal(bundle.bytes + payload.data, "age-encryption.org/v1\n", 22);
    test_bundle_clear(&bundle);
    make(&bundle, *state, "zstd", SMALL, &parties);
    const struct layout_entry packed = test_member(&bundle, LAYOUT_PAYLOAD);
    assert_string_equal(packed.name, "payloads/app.0.zst.age");
    test_bundle_clear(&bundle);
}

/* --- without the identity -------------------------------------------------------------------- */

static void without_an_identity_stored_bytes_are_proved(void **state)
{
    struct pack_error error = {0};
    struct pack_image_report image;
    struct test_bundle bundle;
    AUTO_PARTIES struct parties parties = make_parties(*state);
    make(&bundle, *state, "zstd", SMALL, &parties);
    for (int forward = 0; forward < 2; forward++) {
        assert_pack_ok(verify(&bundle, NULL, forward, &image, &error));
        assert_int_equal(image.proof, PACK_PROOF_STORED);
        assert_int_equal(image.lacking, PACK_E_KEY_STORE);
        assert_string_equal(image.missing, "an identity (it is encrypted to 1 recipient)");
    }
    const struct outcome outcome = extract(&bundle, *state, NULL, 1);
    error = outcome.error;
    assert_pack_fails(outcome.code, PACK_E_KEY_STORE);
    assert_pack_says("is encrypted to 1 recipient, and no identity was given");
    assert_string_not_equal(error.hint, "");
    assert_int_equal(outcome.written, 0);
    test_bundle_clear(&bundle);
}

static void another_identity_is_told_the_recipients(void **state)
{
    struct pack_error error = {0};
    struct pack_image_report image;
    struct test_bundle bundle;
    AUTO_PARTIES struct parties parties = make_parties(*state);
    make(&bundle, *state, "none", SMALL, &parties);
    for (int forward = 0; forward < 2; forward++) {
        assert_pack_fails(verify(&bundle, parties.other, forward, &image, &error),
                          PACK_E_KEY_STORE);
        assert_pack_says("encrypted to 1 recipient");
        assert_string_equal(error.member, "payloads/app.0.bin.age");
    }
    const struct outcome outcome = extract(&bundle, *state, parties.other, 1);
    error = outcome.error;
    assert_pack_fails(outcome.code, PACK_E_KEY_STORE);
    assert_pack_says("encrypted to 1 recipient");
    assert_int_equal(outcome.written, 0);
    test_bundle_clear(&bundle);
}

/* A damaged byte is a damaged byte, whoever can read the rest. */
static void damage_beats_a_missing_identity(void **state)
{
    struct pack_error error = {0};
    struct pack_image_report image;
    struct test_bundle bundle;
    AUTO_PARTIES struct parties parties = make_parties(*state);
    make(&bundle, *state, "none", SMALL, &parties);
    const struct layout_entry payload = test_member(&bundle, LAYOUT_PAYLOAD);
    bundle.bytes[payload.data + payload.size - 1] ^= 1;
    assert_pack_fails(verify(&bundle, NULL, false, &image, &error), PACK_E_CORRUPT);
    assert_pack_fails(verify(&bundle, parties.other, false, &image, &error), PACK_E_CORRUPT);
    assert_pack_fails(verify(&bundle, parties.other, true, &image, &error), PACK_E_CORRUPT);
    test_bundle_clear(&bundle);
}

/* --- damage, layer by layer ------------------------------------------------------------------ */

static void a_flipped_byte_of_ciphertext_names_its_block(void **state)
{
    AUTO_PARTIES struct parties parties = make_parties(*state);
    struct test_bundle bundle;
    make(&bundle, *state, "zstd", SMALL, &parties);
    const struct layout_entry payload = test_member(&bundle, LAYOUT_PAYLOAD);
    for (uint64_t at = 0; at < payload.size; at += 97) {
        char words[64];
        struct pack_error error = {0};
        bundle.bytes[payload.data + at] ^= 0x10;
        const struct outcome outcome = extract(&bundle, *state, parties.own, 1);
        error = outcome.error;
        snprintf(words, sizeof words, "block %llu differs", (unsigned long long)(at / BLOCK));
        assert_pack_fails(outcome.code, PACK_E_CORRUPT);
        assert_pack_says(words);
        assert_int_equal(outcome.written, 0);
        bundle.bytes[payload.data + at] ^= 0x10;
    }
    test_bundle_clear(&bundle);
}

/* Makes the table and the delivery right for the stored bytes as they are now. */
static void approve_payload(struct test_bundle *bundle, const struct layout_entry *payload)
{
    uint8_t before[PACK_SHA256_SIZE];
    const struct layout_entry blocks = test_member(bundle, LAYOUT_STORED_BLOCKS);
    test_member_digest(bundle, &blocks, before);
    test_hash_stored_blocks(bundle, payload, &blocks, BLOCK);
    test_approve(bundle, &blocks, before);
}

/* A stolen delivery key signs any table; what age then refuses is damage, and nothing else. */
static void damage_that_the_delivery_approves_is_no_image(void **state)
{
    AUTO_PARTIES struct parties parties = make_parties(*state);
    struct test_bundle bundle;
    make(&bundle, *state, "zstd", SMALL, &parties);
    const struct layout_entry payload = test_member(&bundle, LAYOUT_PAYLOAD);
    const uint64_t header = pack_age_header_size(parties.recipients);
    for (uint64_t at = 0; at < payload.size; at += at < header ? 3 : 997) {
        bundle.bytes[payload.data + at] ^= 0x01;
        approve_payload(&bundle, &payload);
        const struct outcome outcome = extract(&bundle, *state, parties.own, 1);
        /* In the header a stanza may be another's now, which no identity opens. */
        const bool refused =
            outcome.code == PACK_E_CORRUPT || (at < header && (outcome.code == PACK_E_MALFORMED ||
                                                               outcome.code == PACK_E_UNSUPPORTED ||
                                                               outcome.code == PACK_E_KEY_STORE));
        if (!refused)
            fail_msg("byte %llu gives code %d: %s", (unsigned long long)at, outcome.code,
                     outcome.error.text);
        assert_int_equal(outcome.written, 0);
        bundle.bytes[payload.data + at] ^= 0x01;
    }
    test_bundle_clear(&bundle);
}

/* Puts an age file of other bytes, to the same recipients, into the payload's place. */
static void replace_payload(struct test_bundle *bundle, const struct parties *parties, uint8_t byte)
{
    struct pack_error error = {0};
    struct pack_age_writer *writer = NULL;
    uint8_t plain[SMALL];
    memset(plain, byte, sizeof plain);
    const struct layout_entry payload = test_member(bundle, LAYOUT_PAYLOAD);
    TEST_AUTO_SINK struct test_sink sink = test_sink_make();
    assert_pack_ok(pack_age_writer_new(&writer, parties->recipients, &sink.sink, &error));
    assert_pack_ok(pack_sink_write(pack_age_writer_sink(writer), plain, sizeof plain, &error));
    assert_pack_ok(pack_age_writer_finish(writer, &error));
    pack_age_writer_free(&writer);
    assert_int_equal(sink.bytes.size, payload.size);
    memcpy(bundle->bytes + payload.data, sink.bytes.bytes, sink.bytes.size);
    approve_payload(bundle, &payload);
}

/* A stolen delivery key encrypts another image to the same devices. */
static void another_image_is_refused_whatever_the_delivery_says(void **state)
{
    struct pack_error error = {0};
    struct test_bundle bundle;
    AUTO_PARTIES struct parties parties = make_parties(*state);
    make(&bundle, *state, "none", SMALL, &parties);
    replace_payload(&bundle, &parties, 'x');
    const struct outcome outcome = extract(&bundle, *state, parties.own, 4);
    error = outcome.error;
    assert_pack_fails(outcome.code, PACK_E_CORRUPT);
    assert_pack_says("the image that it decodes to: block 0 differs");
    assert_int_equal(outcome.written, 0);
    test_bundle_clear(&bundle);
}

/* delivery.json calls a number by one less, and is signed again. */
static void understate(struct test_bundle *bundle, const char *member, uint64_t number)
{
    char from[64], to[64];
    snprintf(from, sizeof from, "\"%s\": %llu", member, (unsigned long long)number);
    snprintf(to, sizeof to, "\"%s\": %llu", member, (unsigned long long)number - 1);
    test_forge(bundle, from, to);
}

/* What delivery.json says of the age file must be what it is. */
static void sizes_that_lie_are_refused(void **state)
{
    struct pack_error error = {0};
    struct pack_image_report image;
    struct test_bundle bundle;
    AUTO_PARTIES struct parties parties = make_parties(*state);
    const uint64_t header = pack_age_header_size(parties.recipients);
    make(&bundle, *state, "none", SMALL, &parties);
    understate(&bundle, "header_size", header);
    assert_pack_fails(verify(&bundle, parties.own, false, &image, &error), PACK_E_MALFORMED);
    assert_pack_says("do not make an age file of");
    test_bundle_clear(&bundle);
    make(&bundle, *state, "zstd", SMALL, &parties);
    understate(&bundle, "size", test_member(&bundle, LAYOUT_PAYLOAD).size - header - 16);
    assert_pack_fails(verify(&bundle, parties.own, false, &image, &error), PACK_E_MALFORMED);
    assert_pack_says("frames hold");
    test_bundle_clear(&bundle);
}

/* --- ranges ---------------------------------------------------------------------------------- */

/* Counts what is read of the bundle behind it. */
struct counting {
    struct pack_input input;
    struct pack_input *inner;
    uint64_t read;
};

static int count_read(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                      size_t *got, struct pack_error *error)
{
    struct counting *counting = (struct counting *)input;
    const int code = pack_input_read(counting->inner, offset, buffer, size, got, error);
    counting->read += *got;
    return code;
}

static void count_close(struct pack_input *input)
{
    struct counting *counting = (struct counting *)input;
    pack_input_close(&counting->inner);
}

struct range {
    uint64_t offset, size;
};

static int extract_range(const struct test_bundle *bundle, const struct parties *parties,
                         const struct range *range, const uint8_t *image, uint64_t *read,
                         struct pack_error *error)
{
    static const struct pack_input_ops ops = {.read_at = count_read, .close = count_close};
    TEST_AUTO_OPENED struct test_opened opened;
    TEST_AUTO_SINK struct test_sink sink = test_sink_make();
    struct counting counting = {.read = 0};
    pack_error_clear(error);
    test_opened_make(&opened, bundle, 2);
    counting.input = *opened.input;
    counting.input.ops = &ops;
    counting.inner = opened.input;
    opened.input = opened.bundle->input = &counting.input;
    pack_trusted_use_identities(opened.trusted, parties->own);
    const int code =
        pack_bundle_extract_range(opened.trusted, 0, range->offset, range->size, &sink.sink, error);
    *read = counting.read;
    assert_int_equal(sink.bytes.size, code == 0 ? range->size : 0);
    if (sink.bytes.size != 0)
        assert_memory_equal(sink.bytes.bytes, image + range->offset, sink.bytes.size);
    return code;
}

static void check_ranges(const char *folder, const char *codec, const struct parties *parties)
{
    enum { SIZE = (3 << 20) + 777, FRAME = 1 << 20 };
    static const struct range ranges[] = {
        {0, 1},
        {0, SIZE},
        {SIZE - 1, 1},
        {SIZE - 700, 700},
        {511, 2},
        {512, 512},
        {FRAME - 1, 2},
        {FRAME, FRAME},
        {2 * PACK_AGE_CHUNK - 500, 1000},
        {SIZE / 2, SIZE - SIZE / 2},
    };
    struct pack_error error = {0};
    struct test_bundle bundle;
    uint64_t read = 0;
    make(&bundle, folder, codec, SIZE, parties);
    PACK_AUTO_FREE char *path = test_path(folder, "image.bin");
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *image = test_read_file(path, &size);
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        assert_pack_ok(extract_range(&bundle, parties, &ranges[i], image, &read, &error));
    static const struct range outside[] = {
        {0, SIZE + 1}, {SIZE, 1}, {UINT64_MAX, 2}, {2, UINT64_MAX}, {5, 0}};
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        assert_pack_fails(extract_range(&bundle, parties, &outside[i], image, &read, &error),
                          PACK_E_USAGE);
    test_bundle_clear(&bundle);
}

static void every_range_is_that_of_the_image(void **state)
{
    AUTO_PARTIES struct parties parties = make_parties(*state);
    const struct parties nobody = {.recipients = NULL};
    static const char *const codecs[] = {"none", "gzip", "zstd"};
    for (size_t c = 0; c < sizeof codecs / sizeof codecs[0]; c++) {
        check_ranges(*state, codecs[c], &parties);
        check_ranges(*state, codecs[c], &nobody);
    }
}

/* A range opens the chunks that it lies in, and proves their blocks only. */
static void a_range_reads_its_chunks_only(void **state)
{
    static const struct range range = {2 * PACK_AGE_CHUNK - 500, 1000};
    struct pack_error error = {0};
    struct test_bundle bundle;
    uint64_t read = 0;
    AUTO_PARTIES struct parties parties = make_parties(*state);
    make(&bundle, *state, "none", 3 << 20, &parties);
    PACK_AUTO_FREE char *path = test_path(*state, "image.bin");
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *image = test_read_file(path, &size);
    const struct layout_entry payload = test_member(&bundle, LAYOUT_PAYLOAD);
    const struct layout_entry blocks = test_member(&bundle, LAYOUT_STORED_BLOCKS);
    const struct layout_entry plain = test_member(&bundle, LAYOUT_IMAGE_BLOCKS);
    assert_pack_ok(extract_range(&bundle, &parties, &range, image, &read, &error));
    assert_true(read < blocks.size + plain.size + 3 * PACK_AGE_CHUNK);
    bundle.bytes[payload.data + payload.size - 1] ^= 1; /* far behind it */
    assert_pack_ok(extract_range(&bundle, &parties, &range, image, &read, &error));
    bundle.bytes[payload.data + 2 * PACK_AGE_CHUNK] ^= 1;
    assert_pack_fails(extract_range(&bundle, &parties, &range, image, &read, &error),
                      PACK_E_CORRUPT);
    test_bundle_clear(&bundle);
}

/* --- finished bundles ------------------------------------------------------------------------ */

/* Runs encrypt, or with no recipients decrypt, and reads what came of it back. */
static int recrypt(struct test_bundle *bundle, const char *folder,
                   const struct pack_age_recipients *recipients,
                   const struct pack_age_identities *identities,
                   struct pack_bundle_crypt_report *report, struct pack_error *error)
{
    TEST_AUTO_OPENED struct test_opened opened;
    PACK_AUTO(pack_output_discard) struct pack_output *output = NULL;
    PACK_AUTO_FREE char *path = test_path(folder, "other.fwb");
    const struct pack_signer signer = pack_signer_from_key(bundle->keys[0]);
    const unsigned role = 1U << PACK_ROLE_DELIVERY;
    const struct pack_bundle_crypt_options options = {
        .signer_count = 1, .signers = &signer, .signer_roles = &role};
    test_opened_make(&opened, bundle, 1);
    pack_trusted_use_identities(opened.trusted, identities);
    int code = pack_output_open(&output, path, PACK_OUTPUT_SEEKABLE, NULL, error);
    if (code == 0)
        code =
            recipients != NULL
                ? pack_bundle_encrypt(output, opened.trusted, recipients, &options, report, error)
                : pack_bundle_decrypt(output, opened.trusted, &options, report, error);
    if (code == 0)
        code = pack_output_commit(&output, error);
    if (code != 0)
        return code;
    free(bundle->bytes);
    bundle->bytes = test_read_file(path, &bundle->size);
    return 0;
}

/* The size of a bundle's beginning, up to delivery.json: what the release's signers have said. */
static size_t release_end(const struct test_bundle *bundle)
{
    const uint8_t *found = memmem(bundle->bytes, bundle->size, "delivery.json\0", 14);
    assert_non_null(found);
    return (size_t)(found - bundle->bytes);
}

static void check_recrypted(const char *folder, const char *codec, const struct parties *parties)
{
    struct pack_error error = {0};
    struct pack_bundle_crypt_report report;
    struct pack_image_report image;
    struct test_bundle bundle;
    const struct parties nobody = {.recipients = NULL};
    make(&bundle, folder, codec, SMALL, &nobody);
    const struct layout_entry plain = test_member(&bundle, LAYOUT_PAYLOAD);
    const size_t before = release_end(&bundle);
    PACK_AUTO_FREE uint8_t *original = malloc(bundle.size);
    memcpy(original, bundle.bytes, bundle.size);
    assert_pack_ok(recrypt(&bundle, folder, parties->recipients, NULL, &report, &error));
    assert_int_equal(report.revision, 2);
    assert_int_equal(report.count, 1);
    assert_int_equal(report.payloads[0].plain_size, plain.size);
    assert_int_equal(report.size, bundle.size);
    pack_bundle_crypt_report_clear(&report);
    assert_int_equal(release_end(&bundle), before);
    assert_memory_equal(bundle.bytes, original, before);
    assert_pack_ok(verify(&bundle, parties->own, true, &image, &error));
    assert_int_equal(image.proof, PACK_PROOF_PLAIN);
    assert_pack_fails(recrypt(&bundle, folder, NULL, parties->other, &report, &error),
                      PACK_E_KEY_STORE);
    assert_pack_fails(recrypt(&bundle, folder, NULL, NULL, &report, &error), PACK_E_KEY_STORE);
    /* Once more to others, and back: what the codec made is what it was. */
    assert_pack_ok(recrypt(&bundle, folder, parties->recipients, parties->own, &report, &error));
    pack_bundle_crypt_report_clear(&report);
    assert_pack_ok(recrypt(&bundle, folder, NULL, parties->own, &report, &error));
    assert_int_equal(report.revision, 4);
    pack_bundle_crypt_report_clear(&report);
    const struct layout_entry after = test_member(&bundle, LAYOUT_PAYLOAD);
    assert_int_equal(after.size, plain.size);
    assert_string_equal(after.name, plain.name);
    assert_memory_equal(bundle.bytes + after.data, original + plain.data, plain.size);
    assert_pack_ok(verify(&bundle, NULL, false, &image, &error));
    assert_int_equal(image.proof, PACK_PROOF_PLAIN);
    assert_pack_fails(recrypt(&bundle, folder, NULL, parties->own, &report, &error), PACK_E_USAGE);
    test_bundle_clear(&bundle);
}

static void a_finished_bundle_is_encrypted_and_back(void **state)
{
    AUTO_PARTIES struct parties parties = make_parties(*state);
    check_recrypted(*state, "none", &parties);
    check_recrypted(*state, "gzip", &parties);
    check_recrypted(*state, "zstd", &parties);
}

/* The release's table would be written beside it, so decrypt refuses it itself. */
static void decrypt_gives_no_other_image(void **state)
{
    struct pack_error error = {0};
    struct pack_bundle_crypt_report report;
    struct test_bundle bundle;
    AUTO_PARTIES struct parties parties = make_parties(*state);
    make(&bundle, *state, "none", SMALL, &parties);
    replace_payload(&bundle, &parties, 0);
    assert_pack_fails(recrypt(&bundle, *state, NULL, parties.own, &report, &error), PACK_E_CORRUPT);
    assert_pack_says("is not the image");
    test_bundle_clear(&bundle);
}

/* A thousand devices: less than 200 bytes for each. */
static void a_thousand_recipients_cost_little(void **state)
{
    enum { COUNT = 1000 };
    struct pack_error error = {0};
    struct pack_image_report image;
    struct test_bundle bundle;
    char recipient[PACK_AGE_TEXT_SIZE];
    AUTO_PARTIES struct parties parties = make_parties(*state);
    for (int i = 1; i < COUNT; i++) {
        struct pack_age_identities *one = make_identity(*state, "many.age", recipient);
        assert_pack_ok(pack_age_recipients_add(parties.recipients, recipient, &error));
        pack_age_identities_free(&one);
    }
    assert_int_equal(pack_age_recipients_count(parties.recipients), COUNT);
    make(&bundle, *state, "none", SMALL, &parties);
    const struct layout_entry payload = test_member(&bundle, LAYOUT_PAYLOAD);
    assert_true(payload.size < SMALL + 200 * COUNT);
    assert_pack_ok(verify(&bundle, parties.own, false, &image, &error));
    assert_int_equal(image.proof, PACK_PROOF_PLAIN);
    assert_pack_fails(verify(&bundle, parties.other, false, &image, &error), PACK_E_KEY_STORE);
    assert_pack_says("encrypted to 1000 recipients");
    test_bundle_clear(&bundle);
}

/* --- blocks that are at hand -------------------------------------------------------------------
 */

/* Those of the second half. */
static int give_half(void *user, size_t image, uint64_t block,
                     const uint8_t sha256[PACK_SHA256_SIZE], uint8_t *bytes, size_t size,
                     bool *found, struct pack_error *error)
{
    (void)image, (void)sha256, (void)error;
    *found = block >= 2048;
    if (*found)
        memcpy(bytes, (const uint8_t *)user + block * 512, size);
    return 0;
}

/* What they are in is not decrypted, nor read where the bundle can seek. */
static void check_half(const struct test_bundle *bundle, const struct parties *parties,
                       uint8_t *image, size_t size, bool forward)
{
    const struct pack_local_blocks half = {.get = give_half, .user = image};
    struct pack_error error = {0};
    TEST_AUTO_OPENED struct test_opened opened;
    TEST_AUTO_SINK struct test_sink sink = test_sink_make();
    test_opened_make(&opened, bundle, 2);
    if (forward) /* which closes what it reads */
        assert_pack_ok(pack_input_forward(&opened.input, opened.input, &error));
    opened.bundle->input = opened.input;
    pack_trusted_use_identities(opened.trusted, parties->own);
    pack_trusted_use_local(opened.trusted, &half);
    assert_pack_ok(pack_bundle_extract(opened.trusted, 0, &sink.sink, &error));
    assert_int_equal(sink.bytes.size, size);
    assert_memory_equal(sink.bytes.bytes, image, size);
    assert_int_equal(pack_trusted_local_size(opened.trusted), size - (1 << 20));
}

static void blocks_at_hand_are_not_decrypted(void **state)
{
    static const char *const codecs[] = {"none", "zstd"};
    AUTO_PARTIES struct parties parties = make_parties(*state);
    for (size_t c = 0; c < sizeof codecs / sizeof codecs[0]; c++) {
        struct test_bundle bundle;
        size_t size = 0;
        make(&bundle, *state, codecs[c], (2 << 20) + 100, &parties);
        PACK_AUTO_FREE char *path = test_path(*state, "image.bin");
        PACK_AUTO_FREE uint8_t *image = test_read_file(path, &size);
        const struct layout_entry payload = test_member(&bundle, LAYOUT_PAYLOAD);
        check_half(&bundle, &parties, image, size, true);
        bundle.bytes[payload.data + payload.size - 1] ^= 1; /* nobody looks there */
        check_half(&bundle, &parties, image, size, false);
        test_bundle_clear(&bundle);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_codec_travels_encrypted),
        cmocka_unit_test(the_layout_is_that_of_the_ciphertext),
        cmocka_unit_test(without_an_identity_stored_bytes_are_proved),
        cmocka_unit_test(another_identity_is_told_the_recipients),
        cmocka_unit_test(damage_beats_a_missing_identity),
        cmocka_unit_test(a_flipped_byte_of_ciphertext_names_its_block),
        cmocka_unit_test(damage_that_the_delivery_approves_is_no_image),
        cmocka_unit_test(another_image_is_refused_whatever_the_delivery_says),
        cmocka_unit_test(sizes_that_lie_are_refused),
        cmocka_unit_test(every_range_is_that_of_the_image),
        cmocka_unit_test(a_range_reads_its_chunks_only),
        cmocka_unit_test(blocks_at_hand_are_not_decrypted),
        cmocka_unit_test(a_finished_bundle_is_encrypted_and_back),
        cmocka_unit_test(decrypt_gives_no_other_image),
        cmocka_unit_test(a_thousand_recipients_cost_little),
    };
    return cmocka_run_group_tests_name("encryption", tests, test_make_folder, test_remove_folder);
}

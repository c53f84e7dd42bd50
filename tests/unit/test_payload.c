/* SPDX-License-Identifier: MIT */
#include "support/bundle.h"
#include "support/test.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "bundle/trusted.h"
#include "pack/backend/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const codecs[] = {"none", "gzip", "zstd", "xz"};
static const char *const packing_codecs[] = {"gzip", "zstd", "xz"};

enum { BLOCK = 512, SMALL = 6000, FRAME_ENTRY = 8 };

/* --- opening and extracting ------------------------------------------------------------------ */

/* A bundle in memory, opened and trusted. */
struct opened {
    struct pack_context context;
    struct pack_trust *trust;
    struct pack_input *input;
    struct pack_bundle *bundle;
    struct pack_trusted *trusted;
};

static void open_bundle(struct opened *opened, const struct test_bundle *bundle, unsigned jobs)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE struct pack_trust_report *report = calloc(1, sizeof *report);
    assert_non_null(report);
    *opened = (struct opened){.context = {.jobs = jobs}, .trust = test_bundle_trust(bundle)};
    assert_pack_ok(
        pack_input_memory(&opened->input, bundle->bytes, bundle->size, "test.fwb", &error));
    assert_pack_ok(pack_bundle_open(&opened->bundle, opened->input, &opened->context, &error));
    assert_pack_ok(
        pack_bundle_trust(&opened->trusted, opened->bundle, opened->trust, report, &error));
}

static void close_bundle(struct opened *opened)
{
    pack_trusted_free(&opened->trusted);
    pack_bundle_close(&opened->bundle);
    pack_input_close(&opened->input);
    pack_trust_free(&opened->trust);
}
#define AUTO_OPENED __attribute__((cleanup(close_bundle)))

/* Keeps what it is given, and may refuse it from some byte on. */
struct memory_sink {
    struct pack_sink sink;
    struct pack_buffer bytes;
    size_t full; /* 0: never */
};

static int keep(struct pack_sink *sink, const void *bytes, size_t size, struct pack_error *error)
{
    struct memory_sink *memory = (struct memory_sink *)sink;
    if (memory->full != 0 && memory->bytes.size + size > memory->full)
        return pack_fail(error, PACK_E_NO_SPACE, "the sink is full");
    return pack_buffer_append(&memory->bytes, bytes, size, error);
}

static const struct pack_sink_ops keep_ops = {.write = keep};

static struct memory_sink new_sink(void)
{
    return (struct memory_sink){.sink.ops = &keep_ops, .bytes.limit = 64 << 20};
}

static void clear_sink(struct memory_sink *sink)
{
    pack_buffer_clear(&sink->bytes);
}
#define AUTO_SINK __attribute__((cleanup(clear_sink)))

/* The image's bytes, as test_bundle_make put them beside the bundle. */
static uint8_t *image_of(const char *folder, size_t *size)
{
    PACK_AUTO_FREE char *path = test_path(folder, "image.bin");
    return test_read_file(path, size);
}

static void make(struct test_bundle *bundle, const char *folder, const char *codec, size_t size)
{
    const struct test_bundle_plan plan = {
        .folder = folder, .codec = codec, .image_size = size, .block_size = BLOCK};
    test_bundle_make(bundle, &plan);
}

/* --- what comes out -------------------------------------------------------------------------- */

static void check_extracted(const char *folder, const char *codec, size_t size, unsigned jobs)
{
    struct pack_error error = {0};
    struct test_bundle bundle;
    size_t image_size = 0;
    make(&bundle, folder, codec, size);
    PACK_AUTO_FREE uint8_t *image = image_of(folder, &image_size);
    {
        AUTO_OPENED struct opened opened;
        AUTO_SINK struct memory_sink sink = new_sink();
        open_bundle(&opened, &bundle, jobs);
        assert_pack_ok(pack_bundle_extract(opened.trusted, 0, &sink.sink, &error));
        assert_int_equal(sink.bytes.size, image_size);
        assert_memory_equal(sink.bytes.bytes, image, image_size);
    }
    test_bundle_clear(&bundle);
}

static void every_codec_gives_the_image_back(void **state)
{
    static const size_t sizes[] = {1, 511, 512, 513, SMALL};
    for (size_t c = 0; c < sizeof codecs / sizeof codecs[0]; c++)
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
            for (unsigned jobs = 1; jobs <= 4; jobs += 3)
                check_extracted(*state, codecs[c], sizes[s], jobs);
    check_extracted(*state, "none", 3 << 20, 4);
    check_extracted(*state, "gzip", 3 << 20, 4);
    check_extracted(*state, "zstd", 5 << 20, 4);
}

/* --- what was changed afterwards (A10, A13, A14) --------------------------------------------- */

/* What a failure says, and how much came out before it. */
struct outcome {
    int code;
    struct pack_error error;
    size_t written;
    bool proved; /* whether what came out is the image's beginning */
};

static void extract(struct outcome *outcome, const struct test_bundle *bundle, const char *folder,
                    unsigned jobs)
{
    AUTO_OPENED struct opened opened;
    AUTO_SINK struct memory_sink sink = new_sink();
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *image = image_of(folder, &size);
    memset(outcome, 0, sizeof *outcome);
    open_bundle(&opened, bundle, jobs);
    outcome->code = pack_bundle_extract(opened.trusted, 0, &sink.sink, &outcome->error);
    outcome->written = sink.bytes.size;
    outcome->proved =
        sink.bytes.size <= size &&
        (sink.bytes.size == 0 || memcmp(sink.bytes.bytes, image, sink.bytes.size) == 0);
}

/* The same failure however many threads work, and never a byte that was not proved. */
static void expect_failure(const struct test_bundle *bundle, const char *folder,
                           enum pack_code code, const char *member, const char *words)
{
    struct pack_error error = {0};
    struct outcome one, four;
    extract(&one, bundle, folder, 1);
    extract(&four, bundle, folder, 4);
    error = one.error;
    assert_pack_fails(one.code, code);
    assert_pack_says(words);
    assert_string_equal(error.member, member);
    assert_string_equal(error.file, "test.fwb");
    assert_memory_equal(&one.error, &four.error, sizeof error);
    assert_true(one.proved && four.proved);
}

/* Where a member's data stands. */
static struct layout_entry find(const struct test_bundle *bundle, enum layout_kind kind)
{
    AUTO_OPENED struct opened opened;
    open_bundle(&opened, bundle, 1);
    const struct layout_entry *entry = layout_find(opened.trusted->layout, kind, 0, 0);
    assert_non_null(entry);
    return *entry;
}

static void check_flips(const char *folder, const char *codec, size_t size)
{
    struct test_bundle bundle;
    make(&bundle, folder, codec, size);
    const struct layout_entry payload = find(&bundle, LAYOUT_PAYLOAD);
    const uint64_t step = payload.size > 100000 ? payload.size / 3 : 1 + payload.size / 7;
    for (uint64_t at = 0; at < payload.size; at += step) {
        char words[64];
        struct outcome outcome;
        bundle.bytes[payload.data + at] ^= 0x10;
        snprintf(words, sizeof words, "block %llu differs", (unsigned long long)(at / BLOCK));
        expect_failure(&bundle, folder, PACK_E_CORRUPT, payload.name, words);
        extract(&outcome, &bundle, folder, 1);
        assert_true(outcome.error.has_offset);
        assert_int_equal(outcome.error.offset, at / BLOCK * BLOCK);
        bundle.bytes[payload.data + at] ^= 0x10;
    }
    test_bundle_clear(&bundle);
}

static void a_flipped_byte_names_its_block(void **state)
{
    for (size_t c = 0; c < sizeof codecs / sizeof codecs[0]; c++)
        check_flips(*state, codecs[c], SMALL);
    check_flips(*state, "none", 3 << 20);
    check_flips(*state, "zstd", 5 << 20);
}

/* Several at once: the first one is reported, whichever thread meets which. */
static void of_several_flips_the_first_is_named(void **state)
{
    for (size_t c = 0; c < 2; c++) {
        struct test_bundle bundle;
        make(&bundle, *state, c == 0 ? "none" : "gzip", 4 << 20);
        const struct layout_entry payload = find(&bundle, LAYOUT_PAYLOAD);
        char words[64];
        const uint64_t first = payload.size * 2 / 5;
        snprintf(words, sizeof words, "block %llu differs", (unsigned long long)(first / BLOCK));
        for (uint64_t at = first; at < payload.size; at += payload.size / 9)
            bundle.bytes[payload.data + at] ^= 1;
        for (int round = 0; round < 5; round++)
            expect_failure(&bundle, *state, PACK_E_CORRUPT, payload.name, words);
        test_bundle_clear(&bundle);
    }
}

static void tables_are_proved_before_they_are_used(void **state)
{
    static const enum layout_kind kinds[] = {LAYOUT_IMAGE_BLOCKS, LAYOUT_STORED_BLOCKS,
                                             LAYOUT_FRAMES};
    for (size_t c = 0; c < sizeof packing_codecs / sizeof packing_codecs[0]; c++)
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
            struct test_bundle bundle;
            make(&bundle, *state, packing_codecs[c], SMALL);
            const struct layout_entry table = find(&bundle, kinds[k]);
            for (uint64_t at = 0; at < table.size; at += 1 + table.size / 3) {
                bundle.bytes[table.data + at] ^= 0x80;
                expect_failure(&bundle, *state, PACK_E_CORRUPT, table.name, "");
                bundle.bytes[table.data + at] ^= 0x80;
            }
            test_bundle_clear(&bundle);
        }
}

/* A21: what stood there when the bundle was opened is not what is read later. */
static void a_bundle_that_changes_after_it_was_trusted(void **state)
{
    for (size_t c = 0; c < sizeof codecs / sizeof codecs[0]; c++) {
        struct pack_error error = {0};
        struct test_bundle bundle;
        make(&bundle, *state, codecs[c], SMALL);
        const struct layout_entry payload = find(&bundle, LAYOUT_PAYLOAD);
        {
            AUTO_OPENED struct opened opened;
            AUTO_SINK struct memory_sink sink = new_sink();
            open_bundle(&opened, &bundle, 1);
            memset(bundle.bytes + payload.data, 'x', (size_t)payload.size);
            assert_pack_fails(pack_bundle_extract(opened.trusted, 0, &sink.sink, &error),
                              PACK_E_CORRUPT);
            assert_int_equal(sink.bytes.size, 0);
        }
        test_bundle_clear(&bundle);
    }
}

/* --- what a stolen delivery key can do ------------------------------------------------------- */

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
    AUTO_OPENED struct opened opened;
    struct pack_signature signature = {0};
    uint8_t digest[PACK_PREHASH_SIZE];
    char comment[PACK_MAX_TRUSTED_COMMENT];
    const struct pack_signature_member *members = NULL;
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0, text_size = 0;
    opened = (struct opened){.context = {.jobs = 1}};
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

/* Lets delivery.json call a member's bytes, as they are now, the right ones; signs it. */
static void approve(struct test_bundle *bundle, const struct layout_entry *entry,
                    const uint8_t before[PACK_SHA256_SIZE])
{
    struct pack_error error = {0};
    uint8_t digest[PACK_SHA256_SIZE];
    char old[PACK_SHA256_HEX_SIZE], new[PACK_SHA256_HEX_SIZE];
    assert_pack_ok(
        pack_sha256_bytes(bundle->bytes + entry->data, (size_t)entry->size, digest, &error));
    pack_sha256_hex(before, old);
    pack_sha256_hex(digest, new);
    memcpy(find_text(bundle, old, strlen(old)), new, strlen(new));
    sign_again(bundle);
}

static void digest_of(const struct test_bundle *bundle, const struct layout_entry *entry,
                      uint8_t digest[PACK_SHA256_SIZE])
{
    struct pack_error error = {0};
    assert_pack_ok(
        pack_sha256_bytes(bundle->bytes + entry->data, (size_t)entry->size, digest, &error));
}

static void frames_that_lie_are_refused(void **state)
{
    static const struct {
        uint32_t plain, stored; /* added to the first entry's */
        const char *words;
    } lies[] = {
        {1, 0, "frame 0 has an impossible size"},
        {0xffffffff, 0, "frame 0 has an impossible size"},
        {0, 1, "frames hold"},
        {0, 0xffffffff, "frames hold"},
        {0, 0x40000000, "frame 0 has an impossible size"},
        {0, 0 /* becomes zero below */, "frame 0 has an impossible size"},
    };
    for (size_t c = 0; c < sizeof packing_codecs / sizeof packing_codecs[0]; c++)
        for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
            struct test_bundle bundle;
            uint8_t before[PACK_SHA256_SIZE];
            make(&bundle, *state, packing_codecs[c], SMALL);
            const struct layout_entry frames = find(&bundle, LAYOUT_FRAMES);
            uint8_t *entry = bundle.bytes + frames.data;
            const uint32_t stored = pack_le32(entry + 4);
            digest_of(&bundle, &frames, before);
            pack_put_le32(entry, pack_le32(entry) + lies[i].plain);
            pack_put_le32(entry + 4,
                          i + 1 == sizeof lies / sizeof lies[0] ? 0 : stored + lies[i].stored);
            approve(&bundle, &frames, before);
            expect_failure(&bundle, *state, PACK_E_MALFORMED, frames.name, lies[i].words);
            test_bundle_clear(&bundle);
        }
}

/* Frames of the right sum that are cut elsewhere: the decoder sees no frame. */
static void frames_that_are_cut_elsewhere_do_not_decode(void **state)
{
    struct test_bundle bundle;
    uint8_t before[PACK_SHA256_SIZE];
    make(&bundle, *state, "gzip", 3 << 20);
    const struct layout_entry frames = find(&bundle, LAYOUT_FRAMES);
    const struct layout_entry payload = find(&bundle, LAYOUT_PAYLOAD);
    uint8_t *entry = bundle.bytes + frames.data;
    assert_true(frames.size >= 3 * FRAME_ENTRY);
    digest_of(&bundle, &frames, before);
    pack_put_le32(entry + FRAME_ENTRY + 4, pack_le32(entry + FRAME_ENTRY + 4) - 1);
    pack_put_le32(entry + 2 * FRAME_ENTRY + 4, pack_le32(entry + 2 * FRAME_ENTRY + 4) + 1);
    approve(&bundle, &frames, before);
    expect_failure(&bundle, *state, PACK_E_CORRUPT, payload.name, "frame 1: ");
    test_bundle_clear(&bundle);
}

/* The stored block table, as it must be for the stored bytes. */
static void hash_stored_blocks(struct test_bundle *bundle, const struct layout_entry *payload,
                               const struct layout_entry *blocks)
{
    struct pack_error error = {0};
    for (uint64_t at = 0; at < payload->size; at += BLOCK) {
        const uint64_t size = payload->size - at < BLOCK ? payload->size - at : BLOCK;
        assert_pack_ok(pack_sha256_bytes(bundle->bytes + payload->data + at, (size_t)size,
                                         bundle->bytes + blocks->data + at / BLOCK * 32, &error));
    }
}

static void garbage_that_the_delivery_approves_does_not_decode(void **state)
{
    for (size_t c = 0; c < sizeof packing_codecs / sizeof packing_codecs[0]; c++) {
        struct test_bundle bundle;
        uint8_t before[PACK_SHA256_SIZE];
        make(&bundle, *state, packing_codecs[c], SMALL);
        const struct layout_entry payload = find(&bundle, LAYOUT_PAYLOAD);
        const struct layout_entry blocks = find(&bundle, LAYOUT_STORED_BLOCKS);
        digest_of(&bundle, &blocks, before);
        memset(bundle.bytes + payload.data + payload.size / 2, 0xa5, 200);
        hash_stored_blocks(&bundle, &payload, &blocks);
        approve(&bundle, &blocks, before);
        expect_failure(&bundle, *state, PACK_E_CORRUPT, payload.name, "frame 0: ");
        test_bundle_clear(&bundle);
    }
}

/* Another image whose stored bytes are as many: exchanging two bytes mostly keeps their number. */
static uint8_t *pack_another(const char *folder, uint64_t wanted)
{
    struct pack_error error = {0};
    const struct pack_codec *gzip = pack_codec_find("gzip");
    void *encoder = NULL;
    size_t size = 0, stored_size = 0;
    PACK_AUTO_FREE uint8_t *plain = image_of(folder, &size);
    const size_t capacity = gzip->bound(size);
    uint8_t *stored = malloc(capacity);
    assert_non_null(stored);
    assert_pack_ok(gzip->encoder_new(&encoder, gzip->level_default, &error));
    for (size_t i = 0; stored_size != wanted && i < 4096; i++) {
        const size_t a = i % size, b = (i * 37 + 11) % size;
        const uint8_t kept = plain[a];
        plain[a] = plain[b];
        plain[b] = kept;
        assert_pack_ok(gzip->encode(encoder, plain, size, stored, capacity, &stored_size, &error));
    }
    gzip->encoder_free(&encoder);
    assert_int_equal(stored_size, wanted);
    return stored;
}

/* It decodes well, and the delivery's key approves it: the release's block table stands against. */
static void another_image_is_refused_whatever_the_delivery_says(void **state)
{
    struct test_bundle bundle;
    uint8_t before[PACK_SHA256_SIZE];
    make(&bundle, *state, "gzip", SMALL);
    const struct layout_entry payload = find(&bundle, LAYOUT_PAYLOAD);
    const struct layout_entry blocks = find(&bundle, LAYOUT_STORED_BLOCKS);
    PACK_AUTO_FREE uint8_t *other = pack_another(*state, payload.size);
    digest_of(&bundle, &blocks, before);
    memcpy(bundle.bytes + payload.data, other, (size_t)payload.size);
    hash_stored_blocks(&bundle, &payload, &blocks);
    approve(&bundle, &blocks, before);
    expect_failure(&bundle, *state, PACK_E_CORRUPT, payload.name, "the image that it decodes to");
    test_bundle_clear(&bundle);
}

/* --- sinks and limits ------------------------------------------------------------------------ */

static void a_full_sink_stops_the_extraction(void **state)
{
    for (unsigned jobs = 1; jobs <= 4; jobs += 3) {
        struct pack_error error = {0};
        struct test_bundle bundle;
        make(&bundle, *state, "gzip", 3 << 20);
        {
            AUTO_OPENED struct opened opened;
            AUTO_SINK struct memory_sink sink = new_sink();
            sink.full = 2 << 20;
            open_bundle(&opened, &bundle, jobs);
            assert_pack_fails(pack_bundle_extract(opened.trusted, 0, &sink.sink, &error),
                              PACK_E_NO_SPACE);
            assert_pack_says("the sink is full");
            assert_int_equal(sink.bytes.size, 2 << 20);
        }
        test_bundle_clear(&bundle);
    }
}

/* What may not be decoded is proved as far as its stored bytes go, and does not come out. */
static void a_decoder_may_not_take_more_than_allowed(void **state)
{
    for (size_t c = 0; c < sizeof packing_codecs / sizeof packing_codecs[0]; c++) {
        struct pack_error error = {0};
        struct test_bundle bundle;
        PACK_AUTO_FREE struct pack_verify_report *report = calloc(1, sizeof *report);
        make(&bundle, *state, packing_codecs[c], SMALL);
        {
            AUTO_OPENED struct opened opened;
            AUTO_SINK struct memory_sink sink = new_sink();
            open_bundle(&opened, &bundle, 1);
            opened.context.decoder_memory = 1024;
            assert_pack_ok(pack_bundle_verify(opened.trusted, true, report, &error));
            assert_int_equal(report->images[0].proof, PACK_PROOF_STORED);
            assert_int_not_equal(pack_bundle_extract(opened.trusted, 0, &sink.sink, &error), 0);
            assert_int_equal(sink.bytes.size, 0);
        }
        test_bundle_clear(&bundle);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_codec_gives_the_image_back),
        cmocka_unit_test(a_flipped_byte_names_its_block),
        cmocka_unit_test(of_several_flips_the_first_is_named),
        cmocka_unit_test(tables_are_proved_before_they_are_used),
        cmocka_unit_test(a_bundle_that_changes_after_it_was_trusted),
        cmocka_unit_test(frames_that_lie_are_refused),
        cmocka_unit_test(frames_that_are_cut_elsewhere_do_not_decode),
        cmocka_unit_test(garbage_that_the_delivery_approves_does_not_decode),
        cmocka_unit_test(another_image_is_refused_whatever_the_delivery_says),
        cmocka_unit_test(a_full_sink_stops_the_extraction),
        cmocka_unit_test(a_decoder_may_not_take_more_than_allowed),
    };
    return cmocka_run_group_tests_name("payload", tests, test_make_folder, test_remove_folder);
}

/* SPDX-License-Identifier: MIT */
#include "support/payload.h"
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
        TEST_AUTO_OPENED struct test_opened opened;
        TEST_AUTO_SINK struct test_sink sink = test_sink_make();
        test_opened_make(&opened, &bundle, jobs);
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
    TEST_AUTO_OPENED struct test_opened opened;
    TEST_AUTO_SINK struct test_sink sink = test_sink_make();
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *image = image_of(folder, &size);
    memset(outcome, 0, sizeof *outcome);
    test_opened_make(&opened, bundle, jobs);
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

static void check_flips(const char *folder, const char *codec, size_t size)
{
    struct test_bundle bundle;
    make(&bundle, folder, codec, size);
    const struct layout_entry payload = test_member(&bundle, LAYOUT_PAYLOAD);
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
        const struct layout_entry payload = test_member(&bundle, LAYOUT_PAYLOAD);
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
            const struct layout_entry table = test_member(&bundle, kinds[k]);
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
        const struct layout_entry payload = test_member(&bundle, LAYOUT_PAYLOAD);
        {
            TEST_AUTO_OPENED struct test_opened opened;
            TEST_AUTO_SINK struct test_sink sink = test_sink_make();
            test_opened_make(&opened, &bundle, 1);
            memset(bundle.bytes + payload.data, 'x', (size_t)payload.size);
            assert_pack_fails(pack_bundle_extract(opened.trusted, 0, &sink.sink, &error),
                              PACK_E_CORRUPT);
            assert_int_equal(sink.bytes.size, 0);
        }
        test_bundle_clear(&bundle);
    }
}

/* --- what a stolen delivery key can do ------------------------------------------------------- */

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
            const struct layout_entry frames = test_member(&bundle, LAYOUT_FRAMES);
            uint8_t *entry = bundle.bytes + frames.data;
            const uint32_t stored = pack_le32(entry + 4);
            test_member_digest(&bundle, &frames, before);
            pack_put_le32(entry, pack_le32(entry) + lies[i].plain);
            pack_put_le32(entry + 4,
                          i + 1 == sizeof lies / sizeof lies[0] ? 0 : stored + lies[i].stored);
            test_approve(&bundle, &frames, before);
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
    const struct layout_entry frames = test_member(&bundle, LAYOUT_FRAMES);
    const struct layout_entry payload = test_member(&bundle, LAYOUT_PAYLOAD);
    uint8_t *entry = bundle.bytes + frames.data;
    assert_true(frames.size >= 3 * FRAME_ENTRY);
    test_member_digest(&bundle, &frames, before);
    pack_put_le32(entry + FRAME_ENTRY + 4, pack_le32(entry + FRAME_ENTRY + 4) - 1);
    pack_put_le32(entry + 2 * FRAME_ENTRY + 4, pack_le32(entry + 2 * FRAME_ENTRY + 4) + 1);
    test_approve(&bundle, &frames, before);
    expect_failure(&bundle, *state, PACK_E_CORRUPT, payload.name, "frame 1: ");
    test_bundle_clear(&bundle);
}

static void garbage_that_the_delivery_approves_does_not_decode(void **state)
{
    for (size_t c = 0; c < sizeof packing_codecs / sizeof packing_codecs[0]; c++) {
        struct test_bundle bundle;
        uint8_t before[PACK_SHA256_SIZE];
        make(&bundle, *state, packing_codecs[c], SMALL);
        const struct layout_entry payload = test_member(&bundle, LAYOUT_PAYLOAD);
        const struct layout_entry blocks = test_member(&bundle, LAYOUT_STORED_BLOCKS);
        test_member_digest(&bundle, &blocks, before);
        memset(bundle.bytes + payload.data + payload.size / 2, 0xa5, 200);
        test_hash_stored_blocks(&bundle, &payload, &blocks, BLOCK);
        test_approve(&bundle, &blocks, before);
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
    const struct layout_entry payload = test_member(&bundle, LAYOUT_PAYLOAD);
    const struct layout_entry blocks = test_member(&bundle, LAYOUT_STORED_BLOCKS);
    PACK_AUTO_FREE uint8_t *other = pack_another(*state, payload.size);
    test_member_digest(&bundle, &blocks, before);
    memcpy(bundle.bytes + payload.data, other, (size_t)payload.size);
    test_hash_stored_blocks(&bundle, &payload, &blocks, BLOCK);
    test_approve(&bundle, &blocks, before);
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
            TEST_AUTO_OPENED struct test_opened opened;
            TEST_AUTO_SINK struct test_sink sink = test_sink_make();
            sink.full = 2 << 20;
            test_opened_make(&opened, &bundle, jobs);
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
            TEST_AUTO_OPENED struct test_opened opened;
            TEST_AUTO_SINK struct test_sink sink = test_sink_make();
            test_opened_make(&opened, &bundle, 1);
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

/* SPDX-License-Identifier: MIT */
#include "support/payload.h"
#include "support/test.h"

#include "base/memory.h"
#include "confine/confine.h"

#include <stdlib.h>
#include <string.h>

/* Images rebuilt from old ones: by whom, from which encoding, and what may go wrong. */

enum { OLD = 100000, NEW = 120000, BLOCK = 4096 };

/* A bundle with a delta from the old image, then the full one. */
static struct made {
    struct test_bundle bundle;
    uint8_t *old_image, *image;
} made;

static void make_delta(struct test_opened *old, struct test_opened *new, const char *path,
                       const struct pack_secret_key *key)
{
    static const unsigned roles = 1U << PACK_ROLE_DELIVERY;
    const struct pack_delta_options delta = {.decoder = PACK_DECODER_SMALL};
    const struct pack_signer signer = pack_signer_from_key(key);
    const struct pack_bundle_delta_options options = {.delta = &delta,
                                                      .keep_full = true,
                                                      .signer_count = 1,
                                                      .signers = &signer,
                                                      .signer_roles = &roles};
    struct pack_bundle_delta_report report = {0};
    struct pack_error error = {0};
    struct pack_output *output = NULL;
    assert_pack_ok(pack_output_open(&output, path, PACK_OUTPUT_SEEKABLE, NULL, &error));
    assert_pack_ok(pack_bundle_delta(output, new->trusted, &old->trusted, 1, &options,
                                     &new->context, &report, &error));
    assert_pack_ok(pack_output_commit(&output, &error));
    pack_bundle_delta_report_clear(&report);
}

static int make_all(void **state)
{
    const int code = test_make_folder(state);
    struct test_bundle old;
    struct test_bundle_plan plan = {
        .folder = *state, .codec = "zstd", .image_size = OLD, .block_size = BLOCK};
    PACK_AUTO_FREE char *image = test_path(*state, "image.bin");
    PACK_AUTO_FREE char *path = test_path(*state, "delta.fwb");
    size_t size = 0;
    test_bundle_make(&old, &plan);
    made.old_image = test_read_file(image, &size);
    plan.image_size = NEW;
    test_bundle_make(&made.bundle, &plan);
    made.image = test_read_file(image, &size);
    {
        TEST_AUTO_OPENED struct test_opened from, to;
        test_opened_make(&from, &old, 1);
        test_opened_make(&to, &made.bundle, 1);
        make_delta(&from, &to, path, made.bundle.keys[0]);
    }
    free(made.bundle.bytes);
    made.bundle.bytes = test_read_file(path, &made.bundle.size);
    test_bundle_clear(&old);
    return code;
}

static int clear_all(void **state)
{
    test_bundle_clear(&made.bundle);
    free(made.old_image);
    free(made.image);
    return test_remove_folder(state);
}

/* --- a base that counts, and may change ------------------------------------------------------ */

struct base {
    struct pack_input input;
    uint64_t read;
    uint64_t changes_after; /* bytes that were read; 0: never */
    enum pack_code fails;   /* with this, from then on */
};

static int base_read(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                     size_t *got, struct pack_error *error)
{
    struct base *base = (struct base *)input;
    const bool changed = base->changes_after != 0 && base->read >= base->changes_after;
    *got = offset >= OLD ? 0 : size < OLD - offset ? size : (size_t)(OLD - offset);
    if (changed && base->fails != PACK_OK)
        return pack_fail(error, base->fails, "the base is another one now");
    memcpy(buffer, made.old_image + offset, *got);
    for (size_t i = 0; changed && i < *got; i++)
        ((uint8_t *)buffer)[i] ^= 1;
    base->read += *got;
    return 0;
}

static void base_close(struct pack_input *input)
{
    (void)input;
}

static struct base base_make(bool repeats)
{
    static const struct pack_input_ops ops = {.read_at = base_read, .close = base_close};
    return (struct base){.input = {.ops = &ops,
                                   .name = "old.img",
                                   .seekable = true,
                                   .has_size = true,
                                   .size = OLD,
                                   .repeats = repeats}};
}

/* --- rebuilding ------------------------------------------------------------------------------ */

struct result {
    int code;
    struct pack_error error;
    size_t written;
    size_t encoding; /* the one that was used */
};

/* Starting at an encoding. What came out is always the image's beginning. */
static struct result rebuild(struct base *base, size_t encoding, enum pack_confinement confinement)
{
    struct result result = {.encoding = encoding};
    struct pack_error error = {0};
    TEST_AUTO_OPENED struct test_opened opened;
    TEST_AUTO_SINK struct test_sink sink = test_sink_make();
    PACK_AUTO(pack_bases_free) struct pack_bases *bases = NULL;
    test_opened_make(&opened, &made.bundle, 2);
    opened.context.confinement = confinement;
    assert_pack_ok(pack_bases_new(&bases, &error));
    if (base != NULL)
        assert_pack_ok(pack_bases_add(bases, &base->input, "old.img", &error));
    pack_trusted_use_bases(opened.trusted, bases);
    result.code = pack_bundle_extract_encoding(opened.trusted, 0, &result.encoding, &sink.sink,
                                               &result.error);
    result.written = sink.bytes.size;
    assert_true(result.written <= NEW);
    assert_true(result.written == 0 || memcmp(sink.bytes.bytes, made.image, result.written) == 0);
    return result;
}

static void check(const struct result *result, size_t encoding)
{
    test_check_ok(result->code, &result->error, "rebuild", __FILE__, __LINE__);
    assert_int_equal(result->encoding, encoding);
    assert_int_equal(result->written, NEW);
}

static const enum pack_confinement ways[] = {PACK_CONFINE_NONE, PACK_CONFINE_PREFERRED};

static void the_first_encoding_that_fits_is_used(void **state)
{
    (void)state;
    for (size_t way = 0; way < 2; way++) {
        struct base base = base_make(false);
        struct result result = rebuild(&base, 0, ways[way]);
        check(&result, 0);
        result = rebuild(&base, 1, ways[way]);
        check(&result, 1);
        result = rebuild(NULL, 0, ways[way]);
        check(&result, 1);
        result = rebuild(&base, 2, ways[way]);
        assert_int_equal(result.code, 0);
        assert_int_equal(result.encoding, 2); /* there is none */
        assert_int_equal(result.written, 0);
    }
}

/* A base that cannot become another one is hashed once. */
static void a_base_is_not_hashed_twice(void **state)
{
    (void)state;
    for (size_t way = 0; way < 2; way++) {
        struct base twice = base_make(false), once = base_make(true);
        struct result result = rebuild(&twice, 0, ways[way]);
        check(&result, 0);
        result = rebuild(&once, 0, ways[way]);
        check(&result, 0);
        assert_int_equal(twice.read - once.read, OLD);
    }
}

/* A96: it is another one after it was hashed; the next encoding is tried by who can. */
static void a_base_that_changes_spoils_nothing(void **state)
{
    (void)state;
    for (size_t way = 0; way < 2; way++) {
        struct base base = base_make(true);
        base.changes_after = OLD + 40000;
        struct result result = rebuild(&base, 0, ways[way]);
        assert_int_equal(result.code, PACK_E_CORRUPT);
        assert_non_null(strstr(result.error.text, "the image that it makes: block "));
        assert_true(result.written < OLD);
        base = base_make(true);
        base.changes_after = OLD + 40000;
        base.fails = PACK_E_CHANGED;
        result = rebuild(&base, 0, ways[way]);
        assert_int_equal(result.code, PACK_E_CHANGED);
        assert_non_null(strstr(result.error.text, "the base is another one now"));
        result = rebuild(&base, result.encoding + 1, ways[way]);
        check(&result, 1);
    }
}

/* What is there already is not asked for by deltas. */
static int no_blocks(void *user, size_t image, uint64_t block,
                     const uint8_t sha256[PACK_SHA256_SIZE], uint8_t *bytes, size_t size,
                     bool *found, struct pack_error *error)
{
    (void)user, (void)image, (void)block, (void)sha256, (void)bytes, (void)size, (void)found;
    return pack_fail(error, PACK_E_INTERNAL, "nobody asks");
}

static void deltas_take_no_blocks(void **state)
{
    static const struct pack_local_blocks local = {.get = no_blocks};
    struct pack_error error = {0};
    struct base base = base_make(true);
    TEST_AUTO_OPENED struct test_opened opened;
    TEST_AUTO_SINK struct test_sink sink = test_sink_make();
    PACK_AUTO(pack_bases_free) struct pack_bases *bases = NULL;
    (void)state;
    test_opened_make(&opened, &made.bundle, 1);
    assert_pack_ok(pack_bases_new(&bases, &error));
    assert_pack_ok(pack_bases_add(bases, &base.input, "old.img", &error));
    pack_trusted_use_bases(opened.trusted, bases);
    pack_trusted_use_local(opened.trusted, &local);
    assert_pack_ok(pack_bundle_extract(opened.trusted, 0, &sink.sink, &error));
    assert_int_equal(sink.bytes.size, NEW);
}

/* --- what a stolen delivery key can do ------------------------------------------------------- */

/* Bytes for the patcher that no maker of patches wrote, behind a good header. */
static void garbage_that_is_signed_does_not_come_out(void **state)
{
    const struct layout_entry payload = test_member(&made.bundle, LAYOUT_PAYLOAD);
    const struct layout_entry blocks = test_member(&made.bundle, LAYOUT_STORED_BLOCKS);
    PACK_AUTO_FREE uint8_t *good = malloc(made.bundle.size);
    assert_non_null(good);
    memcpy(good, made.bundle.bytes, made.bundle.size);
    (void)state;
    for (uint64_t at = 150; at < payload.size; at += payload.size / 9) {
        struct result results[2];
        uint8_t before[PACK_SHA256_SIZE];
        test_member_digest(&made.bundle, &blocks, before);
        for (uint64_t i = at; i < payload.size && i < at + 300; i++)
            made.bundle.bytes[payload.data + i] = (uint8_t)(i * 37 ^ i >> 3);
        test_hash_stored_blocks(&made.bundle, &payload, &blocks, BLOCK);
        test_approve(&made.bundle, &blocks, before);
        for (size_t way = 0; way < 2; way++) {
            struct base base = base_make(way == 0);
            results[way] = rebuild(&base, 0, ways[way]);
            assert_int_equal(results[way].encoding, 0);
            assert_true(results[way].written < NEW);
        }
        assert_int_not_equal(results[0].code, 0);
        assert_int_equal(results[0].code, results[1].code);
        assert_string_equal(results[0].error.text, results[1].error.text);
        assert_int_equal(results[0].written, results[1].written);
        memcpy(made.bundle.bytes, good, made.bundle.size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_encoding_that_fits_is_used),
        cmocka_unit_test(a_base_is_not_hashed_twice),
        cmocka_unit_test(a_base_that_changes_spoils_nothing),
        cmocka_unit_test(deltas_take_no_blocks),
        cmocka_unit_test(garbage_that_is_signed_does_not_come_out),
    };
    return cmocka_run_group_tests(tests, make_all, clear_all);
}

/* SPDX-License-Identifier: MIT */
#include "support/bundle.h"
#include "support/test.h"

#include "base/memory.h"
#include "bundle/tar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pack_verify_report report;

/* --- a good bundle --------------------------------------------------------------------------- */

static void check_good(const char *folder, const char *codec, size_t size, uint32_t block_size)
{
    struct pack_error error = {0};
    struct test_bundle bundle;
    const struct test_bundle_plan plan = {.folder = folder,
                                          .codec = codec,
                                          .image_size = size,
                                          .block_size = block_size,
                                          .attachment = true};
    test_bundle_make(&bundle, &plan);
    struct pack_trust *trust = test_bundle_trust(&bundle);
    for (int forward = 0; forward <= 1; forward++) {
        assert_pack_ok(
            test_bundle_verify(bundle.bytes, bundle.size, trust, forward, &report, &error));
        assert_int_equal(report.image_count, 1);
        assert_int_equal(report.images[0].proof, PACK_PROOF_PLAIN);
        assert_int_equal(report.attachment_count, 1);
    }
    pack_trust_free(&trust);
    test_bundle_clear(&bundle);
}

static void every_codec_and_size_verifies(void **state)
{
    static const char *const codecs[] = {"none", "gzip", "zstd", "xz"};
    static const size_t sizes[] = {
        1, 511, 512, 513, 1024, 5000, 2 * 1024 * 1024, 2 * 1024 * 1024 + 1};
    for (size_t c = 0; c < sizeof codecs / sizeof codecs[0]; c++)
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
            check_good(*state, codecs[c], sizes[s], s % 2 == 0 ? 512 : 65536);
    check_good(*state, "zstd", 5 * 1024 * 1024, 512);
}

static void overhead_of_a_small_bundle_is_small(void **state)
{
    struct test_bundle bundle;
    const struct test_bundle_plan plan = {
        .folder = *state, .codec = "none", .image_size = 4096, .block_size = 65536};
    test_bundle_make(&bundle, &plan);
    assert_in_range(bundle.size - 4096, 1, 8192);
    test_bundle_clear(&bundle);
}

static const char *codec_kept(const char *folder, size_t size)
{
    struct pack_error error = {0};
    struct test_bundle bundle;
    const struct test_bundle_plan plan = {.folder = folder, .codec = "zstd", .image_size = size};
    test_bundle_make(&bundle, &plan);
    struct pack_trust *trust = test_bundle_trust(&bundle);
    assert_pack_ok(test_bundle_verify(bundle.bytes, bundle.size, trust, false, &report, &error));
    pack_trust_free(&trust);
    const bool stored = memmem(bundle.bytes, bundle.size, "payloads/app.0.bin", 18) != NULL;
    test_bundle_clear(&bundle);
    return stored ? "none" : "zstd";
}

static void a_codec_that_does_not_shrink_is_not_used(void **state)
{
    assert_string_equal(codec_kept(*state, 1), "none");
    assert_string_equal(codec_kept(*state, 50000), "zstd");
}

/* --- A10: every byte of a signed bundle counts ------------------------------------------------ */

static void every_flipped_byte_is_noticed(void **state)
{
    struct test_bundle bundle;
    const struct test_bundle_plan plan = {
        .folder = *state, .image_size = 700, .block_size = 512, .attachment = true};
    test_bundle_make(&bundle, &plan);
    struct pack_trust *trust = test_bundle_trust(&bundle);
    for (size_t i = 0; i < bundle.size; i++) {
        struct pack_error error = {0};
        bundle.bytes[i] ^= (uint8_t)(1 << i % 8);
        if (test_bundle_verify(bundle.bytes, bundle.size, trust, false, &report, &error) == 0)
            fail_msg("bit %zu of byte %zu may change without notice", i % 8, i);
        bundle.bytes[i] ^= (uint8_t)(1 << i % 8);
    }
    pack_trust_free(&trust);
    test_bundle_clear(&bundle);
}

/* A60, and A99's cuts: no beginning of a good bundle is a good bundle. */
static void every_truncation_is_noticed(void **state)
{
    struct test_bundle bundle;
    const struct test_bundle_plan plan = {.folder = *state, .image_size = 700, .block_size = 512};
    test_bundle_make(&bundle, &plan);
    struct pack_trust *trust = test_bundle_trust(&bundle);
    for (size_t size = 0; size < bundle.size; size++)
        for (int forward = 0; forward <= (size % 8 == 0); forward++) {
            struct pack_error error = {0};
            assert_int_not_equal(
                test_bundle_verify(bundle.bytes, size, trust, forward, &report, &error), 0);
        }
    pack_trust_free(&trust);
    test_bundle_clear(&bundle);
}

/* A61: anything after the end, be it zeros or a second bundle. */
static void data_after_the_end_is_noticed(void **state)
{
    struct pack_error error = {0};
    struct test_bundle bundle;
    const struct test_bundle_plan plan = {.folder = *state};
    test_bundle_make(&bundle, &plan);
    struct pack_trust *trust = test_bundle_trust(&bundle);
    const size_t extra[] = {1, 512, bundle.size};
    for (size_t i = 0; i < sizeof extra / sizeof extra[0]; i++) {
        uint8_t *longer = calloc(1, bundle.size + extra[i]);
        memcpy(longer, bundle.bytes, bundle.size);
        if (extra[i] == bundle.size)
            memcpy(longer + bundle.size, bundle.bytes, bundle.size);
        for (int forward = 0; forward <= 1; forward++) {
            assert_pack_fails(
                test_bundle_verify(longer, bundle.size + extra[i], trust, forward, &report, &error),
                PACK_E_MALFORMED);
            assert_pack_says("after the end");
        }
        free(longer);
    }
    pack_trust_free(&trust);
    test_bundle_clear(&bundle);
}

/* --- signatures and roles -------------------------------------------------------------------- */

/* A1 */
static void a_bundle_without_signatures_is_not_signed(void **state)
{
    struct pack_error error = {0};
    struct test_bundle bundle, other;
    const struct test_bundle_plan plan = {.folder = *state, .not_signed = true};
    const struct test_bundle_plan signed_plan = {.folder = *state};
    test_bundle_make(&bundle, &plan);
    test_bundle_make(&other, &signed_plan);
    struct pack_trust *trust = test_bundle_trust(&other);
    assert_pack_fails(test_bundle_verify(bundle.bytes, bundle.size, trust, false, &report, &error),
                      PACK_E_NOT_SIGNED);
    pack_trust_free(&trust);
    test_bundle_clear(&other);
    test_bundle_clear(&bundle);
}

static void a_stranger_is_not_trusted(void **state)
{
    struct pack_error error = {0};
    struct test_bundle bundle, other;
    const struct test_bundle_plan plan = {.folder = *state};
    test_bundle_make(&bundle, &plan);
    test_bundle_make(&other, &plan);
    struct pack_trust *trust = test_bundle_trust(&other);
    assert_pack_fails(test_bundle_verify(bundle.bytes, bundle.size, trust, false, &report, &error),
                      PACK_E_UNTRUSTED);
    pack_trust_free(&trust);
    test_bundle_clear(&other);
    test_bundle_clear(&bundle);
}

/* A7: each document wants a signature of its own role. */
static void both_documents_must_be_signed(void **state)
{
    struct pack_error error = {0};
    for (int role = PACK_ROLE_RELEASE; role <= PACK_ROLE_DELIVERY; role++) {
        struct test_bundle bundle;
        const struct test_bundle_plan plan = {.folder = *state, .role_of = {1U << role}};
        test_bundle_make(&bundle, &plan);
        struct pack_trust *trust = test_bundle_trust(&bundle);
        assert_pack_fails(
            test_bundle_verify(bundle.bytes, bundle.size, trust, false, &report, &error),
            PACK_E_NOT_SIGNED);
        assert_string_equal(error.member,
                            role == PACK_ROLE_RELEASE ? "delivery.json" : "release.json");
        pack_trust_free(&trust);
        test_bundle_clear(&bundle);
    }
}

static void a_threshold_counts_distinct_keys(void **state)
{
    struct pack_error error = {0};
    struct test_bundle bundle;
    const struct test_bundle_plan plan = {
        .folder = *state,
        .key_count = 3,
        .role_of = {0, 1U << PACK_ROLE_RELEASE, 1U << PACK_ROLE_DELIVERY}};
    test_bundle_make(&bundle, &plan);
    struct pack_trust *trust = test_bundle_trust(&bundle);
    assert_pack_ok(pack_trust_require(trust, PACK_ROLE_RELEASE, 2, &error));
    assert_pack_ok(test_bundle_verify(bundle.bytes, bundle.size, trust, false, &report, &error));
    assert_pack_ok(pack_trust_require(trust, PACK_ROLE_RELEASE, 3, &error));
    assert_pack_fails(test_bundle_verify(bundle.bytes, bundle.size, trust, false, &report, &error),
                      PACK_E_UNTRUSTED);
    assert_pack_says("2 of 3");
    pack_trust_free(&trust);
    test_bundle_clear(&bundle);
}

/* --- the head's order ------------------------------------------------------------------------ */

/* Members of a head in the making. */
struct head {
    uint8_t bytes[65536];
    size_t size;
};

static void head_add(struct head *head, const char *name, const char *text)
{
    const size_t size = strlen(text);
    tar_header(head->bytes + head->size, name, size);
    memcpy(head->bytes + head->size + TAR_BLOCK, text, size);
    head->size += TAR_BLOCK + size + tar_padding(size);
}

static void head_fails(const struct head *head, enum pack_code code, const char *words)
{
    static const struct pack_context context = {0};
    struct pack_error error = {0};
    struct pack_input *input = NULL;
    struct pack_bundle *bundle = NULL;
    assert_pack_ok(pack_input_memory(&input, head->bytes, head->size, "test.fwb", &error));
    assert_pack_fails(pack_bundle_open(&bundle, input, &context, &error), code);
    assert_pack_says(words);
    pack_input_close(&input);
}

#define KEYID_A "1111111111111111111111111111111111111111111111111111111111111111"
#define KEYID_B "2222222222222222222222222222222222222222222222222222222222222222"

/* A12, A55, A67: order, repeats and strangers, each named. */
static void the_head_has_one_order(void **state)
{
    (void)state;
    static const struct {
        const char *names[4];
        const char *words;
    } cases[] = {
        {{"delivery.json", "release.json"}, "before release.json"},
        {{"release.json", "release.json"}, "duplicate"},
        {{"release.json", "delivery.json", "release.json." KEYID_A ".minisig"}, "out of order"},
        {{"release.json", "release.json." KEYID_B ".minisig", "release.json." KEYID_A ".minisig"},
         "out of order"},
        {{"release.json", "release.json." KEYID_A ".minisig", "release.json." KEYID_A ".minisig"},
         "duplicate"},
        {{"release.json", "delivery.json." KEYID_A ".minisig"}, "without the document"},
        {{"release.json", "roots/2.root.json"}, "out of order"},
        {{"roots/2.root.json", "roots/1.root.json"}, "out of order"},
        {{"roots/02.root.json"}, "no member of a bundle"},
        {{"Release.json"}, "no member of a bundle"},
        {{"./release.json"}, "no member of a bundle"},
        {{"../release.json"}, "no member of a bundle"},
        {{"release.json"}, "no delivery.json"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct head head = {0};
        for (size_t n = 0; n < 4 && cases[i].names[n] != NULL; n++)
            head_add(&head, cases[i].names[n], "{}\n");
        head_fails(&head, PACK_E_MALFORMED, cases[i].words);
    }
}

/* A6, A65: limits before anything is read. */
static void the_head_has_limits(void **state)
{
    (void)state;
    struct head head = {0};
    tar_header(head.bytes, "release.json", 1024 * 1024 + 1);
    head.size = TAR_BLOCK;
    head_fails(&head, PACK_E_LIMIT, "1048576");
    head = (struct head){0};
    head_add(&head, "release.json", "{}");
    for (unsigned i = 0; i < 65 && head.size + 1024 <= sizeof head.bytes; i++) {
        char name[128];
        snprintf(name, sizeof name, "release.json.%064x.minisig", i);
        tar_header(head.bytes + head.size, name, 0);
        head.size += TAR_BLOCK;
    }
    head_fails(&head, PACK_E_LIMIT, "64 signatures");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_codec_and_size_verifies),
        cmocka_unit_test(overhead_of_a_small_bundle_is_small),
        cmocka_unit_test(a_codec_that_does_not_shrink_is_not_used),
        cmocka_unit_test(every_flipped_byte_is_noticed),
        cmocka_unit_test(every_truncation_is_noticed),
        cmocka_unit_test(data_after_the_end_is_noticed),
        cmocka_unit_test(a_bundle_without_signatures_is_not_signed),
        cmocka_unit_test(a_stranger_is_not_trusted),
        cmocka_unit_test(both_documents_must_be_signed),
        cmocka_unit_test(a_threshold_counts_distinct_keys),
        cmocka_unit_test(the_head_has_one_order),
        cmocka_unit_test(the_head_has_limits),
    };
    return cmocka_run_group_tests_name("bundle", tests, test_make_folder, test_remove_folder);
}

/* SPDX-License-Identifier: MIT */
#include "document_text.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "pack/document.h"

#include <stdio.h>
#include <string.h>

static const char sample[] =
    "{\n"
    "  \"type\": \"fwpack.release\",\n"
    "  \"format\": 1,\n"
    "  \"product\": \"acme-gateway\",\n"
    "  \"version\": \"1.10.0\",\n"
    "  \"security_version\": 7,\n"
    "  \"data_epoch\": 2,\n"
    "  \"created\": 0,\n"
    "  \"compatible\": [\n"
    "    \"acme,gateway-r2\",\n"
    "    \"acme,gateway-r3\"\n"
    "  ],\n"
    "  \"requires\": {\n"
    "    \"from\": \">=1.0.0 <3.0.0\"\n"
    "  },\n"
    "  \"images\": [\n"
    "    {\n"
    "      \"name\": \"rootfs\",\n"
    "      \"slot\": \"system\",\n"
    "      \"size\": 1000000,\n"
    "      \"sha256\": \"" DIGEST_A "\",\n"
    "      \"block_size\": 65536,\n"
    "      \"blocks_sha256\": \"" DIGEST_B "\"\n"
    "    },\n"
    "    {\n"
    "      \"name\": \"app\",\n"
    "      \"slot\": \"mcu0\",\n"
    "      \"version\": \"1.0.3\",\n"
    "      \"format\": \"ihex\",\n"
    "      \"format_note\": \"6968657805\",\n"
    "      \"size\": 4196,\n"
    "      \"sha256\": \"" DIGEST_B "\",\n"
    "      \"block_size\": 1024,\n"
    "      \"blocks_sha256\": \"" DIGEST_C "\",\n"
    "      \"segments\": [\n"
    "        {\"address\": 134217728, \"size\": 4096},\n"
    "        {\"address\": 134225920, \"size\": 100}\n"
    "      ],\n"
    "      \"entry\": 0\n"
    "    }\n"
    "  ],\n"
    "  \"attachments\": [\n"
    "    {\n"
    "      \"name\": \"sbom.cdx.json\",\n"
    "      \"size\": 0,\n"
    "      \"sha256\": \"" DIGEST_C "\"\n"
    "    }\n"
    "  ],\n"
    "  \"meta\": {\"build-host\":\"ci-7\",\"n\":[1,true,{\"x\":\"\xc3\xa4\"}]}\n"
    "}\n";

static int parse(const char *text, size_t size, struct pack_error *error)
{
    PACK_AUTO(pack_release_free) struct pack_release *release = NULL;
    return pack_release_parse(&release, text, size, error);
}

#define CHECK(variations) \
    check_variations(sample, variations, sizeof variations / sizeof variations[0], parse)

static void every_member_is_read(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(pack_release_free) struct pack_release *release = NULL;
    assert_pack_ok(pack_release_parse(&release, sample, strlen(sample), &error));
    assert_string_equal(release->product, "acme-gateway");
    assert_string_equal(release->version, "1.10.0");
    assert_int_equal(release->security_version, 7);
    assert_int_equal(release->data_epoch, 2);
    assert_true(release->has_created);
    assert_int_equal(release->created, 0);
    assert_int_equal(release->compatible_count, 2);
    assert_string_equal(release->compatible[1], "acme,gateway-r3");
    assert_string_equal(release->requires_from, ">=1.0.0 <3.0.0");
    assert_int_equal(release->attachment_count, 1);
    assert_string_equal(release->attachments[0].name, "sbom.cdx.json");
    assert_string_equal(release->meta,
                        "{\"build-host\":\"ci-7\",\"n\":[1,true,{\"x\":\"\xc3\xa4\"}]}");
}

static void every_member_of_an_image_is_read(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(pack_release_free) struct pack_release *release = NULL;
    assert_pack_ok(pack_release_parse(&release, sample, strlen(sample), &error));
    assert_int_equal(release->image_count, 2);
    const struct pack_release_image *raw = &release->images[0], *segmented = &release->images[1];
    assert_string_equal(raw->slot, "system");
    assert_null(raw->version);
    assert_null(raw->format);
    assert_false(raw->has_entry);
    assert_int_equal(raw->size, 1000000);
    assert_int_equal(raw->block_size, 65536);
    assert_int_equal(raw->sha256[0], 0x01);
    assert_int_equal(raw->blocks_sha256[31], 0x10);
    assert_string_equal(segmented->format, "ihex");
    assert_string_equal(segmented->version, "1.0.3");
    assert_int_equal(segmented->segment_count, 2);
    assert_int_equal(segmented->segments[1].address, 134225920);
    assert_int_equal(segmented->segments[1].size, 100);
    assert_true(segmented->has_entry);
    uint8_t note[64];
    size_t size = 0;
    pack_release_note(segmented, note, &size);
    assert_int_equal(size, 5);
    assert_memory_equal(note, "ihex\x05", 5);
    pack_release_note(raw, note, &size);
    assert_int_equal(size, 0);
}

static void what_is_read_is_written_the_same(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(pack_release_free) struct pack_release *release = NULL;
    char *text PACK_AUTO_FREE = NULL;
    size_t size = 0;
    assert_pack_ok(pack_release_parse(&release, sample, strlen(sample), &error));
    assert_pack_ok(pack_release_encode(&text, &size, release, &error));
    assert_string_equal(text, sample);
    assert_int_equal(size, strlen(sample));
}

static struct pack_release_image small_image(void)
{
    return (struct pack_release_image){
        .name = "app", .slot = "app", .size = 262144, .block_size = 65536};
}

static struct pack_release small_release(const struct pack_release_image *images, size_t count)
{
    static const char *const compatible[] = {"acme,gateway-r2"};
    return (struct pack_release){.product = "acme-gateway",
                                 .version = "2.0.0",
                                 .compatible_count = 1,
                                 .compatible = compatible,
                                 .image_count = count,
                                 .images = images};
}

static void a_small_release_is_small(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    const struct pack_release_image image = small_image();
    const struct pack_release release = small_release(&image, 1);
    char *text PACK_AUTO_FREE = NULL;
    size_t size = 0;
    assert_pack_ok(pack_release_encode(&text, &size, &release, &error));
    assert_true(size < 1024);
    assert_non_null(strstr(text, "\"security_version\": 0"));
    assert_null(strstr(text, "data_epoch"));
    assert_null(strstr(text, "created"));
    assert_null(strstr(text, "attachments"));
}

static void a_wrong_model_is_not_written(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    struct pack_release_image image = small_image();
    struct pack_release release = small_release(&image, 1);
    char *text = NULL;
    size_t size = 0;
    image.size = 0;
    assert_pack_fails(pack_release_encode(&text, &size, &release, &error), PACK_E_MALFORMED);
    assert_pack_says("images[0].size: 0 where 1 to 9007199254740991 is wanted");
    image = small_image();
    image.name = "../app";
    assert_pack_fails(pack_release_encode(&text, &size, &release, &error), PACK_E_MALFORMED);
    assert_pack_says("images[0].name: \"../app\" is no name");
    image = small_image();
    image.has_entry = true;
    assert_pack_fails(pack_release_encode(&text, &size, &release, &error), PACK_E_MALFORMED);
    assert_pack_says("images[0].entry: has no place here");
    image = small_image();
    release.product = NULL;
    assert_pack_fails(pack_release_encode(&text, &size, &release, &error), PACK_E_MALFORMED);
    assert_pack_says("product: is missing");
    release.product = "p";
    release.meta = "[1]";
    assert_pack_fails(pack_release_encode(&text, &size, &release, &error), PACK_E_MALFORMED);
    release.meta = "{\"a\":1.5}";
    assert_pack_fails(pack_release_encode(&text, &size, &release, &error), PACK_E_MALFORMED);
    assert_null(text);
}

static void types_and_formats_are_judged_first(void **state)
{
    (void)state;
    static const struct variation variations[] = {
        {"fwpack.release", "fwpack.delivery", PACK_E_MALFORMED,
         "type: \"fwpack.delivery\" where \"fwpack.release\" is wanted"},
        {"fwpack.release", "fwpack.release ", PACK_E_MALFORMED, "type"},
        {"fwpack.release", "", PACK_E_MALFORMED, "type"},
        {"fwpack.release", "Fwpack.Release", PACK_E_MALFORMED, "type"},
        {"\"type\"", "\"kind\"", PACK_E_MALFORMED, "type: is missing"},
        {"\"format\": 1", "\"format\": 2", PACK_E_UNSUPPORTED, "format: 2"},
        {"\"format\": 1", "\"format\": 0", PACK_E_MALFORMED, "format: 0"},
        {"\"format\": 1", "\"format\": \"1\"", PACK_E_MALFORMED, "an integer is wanted"},
        {"\"format\": 1,\n", "", PACK_E_MALFORMED, "format: is missing"},
    };
    CHECK(variations);
    struct pack_error error = {.code = PACK_OK};
    assert_pack_fails(parse("[]", 2, &error), PACK_E_MALFORMED);
    assert_pack_says("an object is wanted, not an array");
}

static void a46_unknown_members_are_ignored(void **state)
{
    (void)state;
    static const struct variation variations[] = {
        {"\"product\"", "\"flavour\": null, \"product\"", PACK_OK, NULL},
        {"\"slot\"", "\"colour\": {\"a\": [1]}, \"slot\"", PACK_OK, NULL},
        {"\"address\"", "\"note\": \"x\", \"address\"", PACK_OK, NULL},
    };
    CHECK(variations);
}

static void critical_members_are_not(void **state)
{
    (void)state;
    static const struct variation variations[] = {
        {"\"product\"", "\"critical\": [\"flavour\"], \"flavour\": 1, \"product\"",
         PACK_E_UNSUPPORTED, "critical[0]: needs \"flavour\""},
        {"\"product\"", "\"critical\": [\"images\", \"meta\", \"type\"], \"product\"", PACK_OK,
         NULL},
        {"\"product\"", "\"critical\": [], \"product\"", PACK_OK, NULL},
        {"\"product\"", "\"critical\": [\"flavour\"], \"product\"", PACK_E_MALFORMED,
         "\"flavour\" is no member of this document"},
        {"\"product\"", "\"critical\": \"meta\", \"product\"", PACK_E_MALFORMED, "an array"},
        {"\"product\"", "\"critical\": [1], \"product\"", PACK_E_MALFORMED,
         "critical[0]: a string"},
        {"\"from\"", "\"memory\": 5, \"from\"", PACK_E_UNSUPPORTED, "requires: needs \"memory\""},
        {"\"from\"", "\"a\\u001b\": 5, \"from\"", PACK_E_UNSUPPORTED, "needs \"a\\x1b\""},
    };
    CHECK(variations);
}

static void a78_missing_members_are_named(void **state)
{
    (void)state;
    static const struct variation variations[] = {
        {"\"product\"", "\"x\"", PACK_E_MALFORMED, "product: is missing"},
        {"\"version\"", "\"x\"", PACK_E_MALFORMED, "version: is missing"},
        {"\"security_version\"", "\"x\"", PACK_E_MALFORMED, "security_version: is missing"},
        {"\"compatible\"", "\"x\"", PACK_E_MALFORMED, "compatible: is missing"},
        {"\"images\"", "\"x\"", PACK_E_MALFORMED, "images: is missing"},
        {"\"name\"", "\"x\"", PACK_E_MALFORMED, "images[0].name: is missing"},
        {"\"slot\"", "\"x\"", PACK_E_MALFORMED, "images[0].slot: is missing"},
        {"\"size\"", "\"x\"", PACK_E_MALFORMED, "images[0].size: is missing"},
        {"\"sha256\"", "\"x\"", PACK_E_MALFORMED, "images[0].sha256: is missing"},
        {"\"block_size\"", "\"x\"", PACK_E_MALFORMED, "images[0].block_size: is missing"},
        {"\"blocks_sha256\"", "\"x\"", PACK_E_MALFORMED, "images[0].blocks_sha256: is missing"},
        {"\"segments\"", "\"x\"", PACK_E_MALFORMED, "images[1].segments: is missing"},
        {"\"address\"", "\"x\"", PACK_E_MALFORMED, "images[1].segments[0].address: is missing"},
        {"\"data_epoch\"", "\"x\"", PACK_OK, NULL},
        {"\"created\"", "\"x\"", PACK_OK, NULL},
        {"\"requires\"", "\"x\"", PACK_OK, NULL},
        {"\"from\": \">=1.0.0 <3.0.0\"", "", PACK_OK, NULL},
        {"\"attachments\"", "\"x\"", PACK_OK, NULL},
        {"\"meta\"", "\"x\"", PACK_OK, NULL},
        {"\"entry\"", "\"x\"", PACK_OK, NULL},
    };
    CHECK(variations);
}

static void a14_digests_are_64_lower_case_digits(void **state)
{
    (void)state;
    static const struct variation variations[] = {
        {"\"" DIGEST_A, "\" " DIGEST_A, PACK_E_MALFORMED, "65 characters, 64 are wanted"},
        {DIGEST_A "\"", DIGEST_A " \"", PACK_E_MALFORMED, "images[0].sha256"},
        {"\"0123", "\"0x0123", PACK_E_MALFORMED, "66 characters"},
        {"\"0123", "\" 123", PACK_E_MALFORMED, "lower-case"},
        {"abcdef", "ABCDEF", PACK_E_MALFORMED, "lower-case hexadecimal"},
        {"\"0123", "\"123", PACK_E_MALFORMED, "63 characters"},
        {"\"" DIGEST_A "\"", "\"\"", PACK_E_MALFORMED, "0 characters"},
        {"\"" DIGEST_A "\"", "null", PACK_E_MALFORMED, "a string is wanted, not null"},
        {"\"" DIGEST_A "\"", "0", PACK_E_MALFORMED, "a string is wanted, not a number"},
        {"\"" DIGEST_A "\"", "[]", PACK_E_MALFORMED, "an array"},
        {"\"0123", "\"sha256:0123", PACK_E_MALFORMED, "71 characters"},
        {"\"sha256\"", "\"sha512\"", PACK_E_MALFORMED, "sha256: is missing"},
    };
    CHECK(variations);
}

static void a83_texts_read_as_they_are(void **state)
{
    (void)state;
    static const struct variation variations[] = {
        {"acme-gateway", "\xc3\xa4\xe4\xb8\xad", PACK_OK, NULL},
        {"acme-gateway", "a\\u001b[31m", PACK_E_MALFORMED, "product: \"a\\x1b[31m\""},
        {"acme-gateway", "a\\u202eb", PACK_E_MALFORMED, "product"},
        {"acme-gateway", "a\\nb", PACK_E_MALFORMED, "product"},
        {"acme-gateway", "a\\u0000b", PACK_E_MALFORMED, "not valid JSON"},
        {"acme-gateway", "a\\ud800b", PACK_E_MALFORMED, "not valid JSON"},
        {"acme-gateway", "a\\u200bb", PACK_E_MALFORMED, "product"},
        {"acme-gateway", "", PACK_E_MALFORMED, "product: empty text"},
        {"acme-gateway", " a", PACK_E_MALFORMED, "a space at an end"},
        {"acme-gateway", "a ", PACK_E_MALFORMED, "a space at an end"},
        {"acme,gateway-r3", "a\\u0007", PACK_E_MALFORMED, "compatible[1]"},
        {"acme,gateway-r3", "acme,gateway-r2", PACK_E_MALFORMED,
         "compatible[1]: \"acme,gateway-r2\" stands twice"},
        {"\"acme,gateway-r3\"", "3", PACK_E_MALFORMED, "compatible[1]: a string is wanted"},
        {"ci-7", "\\u001b[31m\\u202e", PACK_OK, NULL},
    };
    CHECK(variations);
}

static void a86_names_are_names(void **state)
{
    (void)state;
    static const char *const bad[] = {"",       "--help",   "../a",     "a/b", ".",
                                      ".a",     "-a",       "_a",       "A",   "a b",
                                      "a\\\\b", "a\\u0000", "\xc3\xa4", "a@1", "a:b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct variation variations[] = {{"rootfs", bad[i], PACK_E_MALFORMED, NULL},
                                               {"system", bad[i], PACK_E_MALFORMED, NULL},
                                               {"sbom.cdx.json", bad[i], PACK_E_MALFORMED, NULL}};
        CHECK(variations);
    }
    static const struct variation variations[] = {
        {"rootfs", "0._-", PACK_OK, NULL},
        {"rootfs", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddx", PACK_OK, NULL},
        {"rootfs", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddxy", PACK_E_MALFORMED, "is no name"},
    };
    CHECK(variations);
}

static void a12_names_stand_once(void **state)
{
    (void)state;
    static const struct variation variations[] = {
        {"rootfs", "app", PACK_E_MALFORMED, "images: image \"app\" stands twice"},
        {"mcu0", "system", PACK_E_MALFORMED, "images: slot \"system\" stands twice"},
        {"  \"attachments\": [\n",
         "  \"attachments\": [ {\"name\": \"sbom.cdx.json\", \"size\": 1, \"sha256\": \"" DIGEST_A
         "\"},\n",
         PACK_E_MALFORMED, "attachments: attachment \"sbom.cdx.json\" stands twice"},
    };
    CHECK(variations);
}

static void a80_numbers_keep_their_bounds(void **state)
{
    (void)state;
    static const struct variation variations[] = {
        {"1000000", "1.0", PACK_E_MALFORMED, "no plain integer"},
        {"1000000", "-0", PACK_E_MALFORMED, "negative"},
        {"1000000", "\"1\"", PACK_E_MALFORMED, "an integer is wanted, not a string"},
        {"1000000", "9007199254740992", PACK_E_MALFORMED, "larger than 9007199254740991"},
        {"1000000", "0", PACK_E_MALFORMED, "images[0].size: 0 where 1 to"},
        {"65536", "256", PACK_E_MALFORMED, "images[0].block_size: 256 is no block size"},
        {"65536", "65537", PACK_E_MALFORMED, "block_size"},
        {"65536", "2097152", PACK_E_MALFORMED, "block_size"},
        {"65536", "0", PACK_E_MALFORMED, "block_size"},
        {"65536", "4294967808", PACK_E_MALFORMED, "block_size"},
        {"65536", "512", PACK_OK, NULL},
        {"65536", "1048576", PACK_OK, NULL},
        {"\"security_version\": 7", "\"security_version\": true", PACK_E_MALFORMED, "not true"},
        {"1000000", "9007199254740991", PACK_E_LIMIT, "block tables"},
    };
    CHECK(variations);
}

static void versions_and_ranges_are_judged(void **state)
{
    (void)state;
    static const struct variation variations[] = {
        {"1.10.0", "1.10", PACK_E_MALFORMED, "version: \"1.10\" is no semantic version"},
        {"\"1.10.0\"", "1.10", PACK_E_MALFORMED, "no plain integer"},
        {"1.0.3", "x", PACK_E_MALFORMED, "images[1].version"},
        {"<3.0.0", "<3", PACK_E_MALFORMED, "requires.from"},
        {"\">=1.0.0 <3.0.0\"", "[]", PACK_E_MALFORMED, "requires.from: a string is wanted"},
    };
    CHECK(variations);
}

static void segments_make_up_the_image(void **state)
{
    (void)state;
    static const struct variation variations[] = {
        {"134225920", "134221824", PACK_E_MALFORMED, "images[1].segments: segment 1 begins at"},
        {"134225920", "134221825", PACK_OK, NULL},
        {"134225920", "134217728", PACK_E_MALFORMED, "segment 1"},
        {"134225920", "0", PACK_E_MALFORMED, "segment 1"},
        {"134225920", "9007199254740991", PACK_OK, NULL},
        {"4196", "4197", PACK_E_MALFORMED, "the segments have 4196 bytes, the image 4197"},
        {"\"size\": 100}", "\"size\": 0}", PACK_E_MALFORMED, "images[1].segments[1].size: 0"},
        {"\"ihex\"", "\"hex\"", PACK_E_UNSUPPORTED, "images[1].format: \"hex\""},
        {"\"ihex\"", "\"elf\"", PACK_OK, NULL},
        {"      \"format\": \"ihex\",\n", "", PACK_E_MALFORMED,
         "images[1].format_note: has no place here"},
        {"      \"format\": \"ihex\",\n      \"format_note\": \"6968657805\",\n", "",
         PACK_E_MALFORMED, "images[1].segments: has no place here"},
        {"\"6968657805\"", "\"\"", PACK_E_MALFORMED, "images[1].format_note: is not 1 to 64"},
        {"\"6968657805\"", "\"696\"", PACK_E_MALFORMED, "format_note"},
        {"\"6968657805\"", "\"69686578FF\"", PACK_E_MALFORMED, "format_note"},
        {"\"6968657805\"", "\"" DIGEST_A DIGEST_A "\"", PACK_OK, NULL},
        {"\"6968657805\"", "\"" DIGEST_A DIGEST_A "00\"", PACK_E_MALFORMED, "format_note"},
        {"\"slot\": \"system\"", "\"slot\": \"system\", \"entry\": 1", PACK_E_MALFORMED,
         "images[0].entry: has no place here"},
    };
    CHECK(variations);
}

static void large_segmented_images_are_refused(void **state)
{
    (void)state;
    char *large PACK_AUTO_FREE = replaced(sample, "\"size\": 4096", "\"size\": 268435357");
    char *text PACK_AUTO_FREE = replaced(large, "134225920", "500000000");
    const struct variation variation = {"4196", "268435457", PACK_E_LIMIT,
                                        "the segments have 268435457 bytes"};
    check_variations(text, &variation, 1, parse);
}

static void meta_is_an_object_without_null(void **state)
{
    (void)state;
    static const struct variation variations[] = {
        {"{\"build-host\"", "[{\"build-host\"", PACK_E_MALFORMED, "not valid JSON"},
        {"{\"x\":\"\xc3\xa4\"}", "null", PACK_E_MALFORMED, "meta: holds a null"},
        {"\"ci-7\"", "null", PACK_E_MALFORMED, "meta: holds a null"},
        {"\"ci-7\"", "1.5", PACK_E_MALFORMED, "no plain integer"},
        {"\"meta\": {", "\"meta\": 1, \"x\": {", PACK_E_MALFORMED, "meta: an object is wanted"},
    };
    CHECK(variations);
}

/* `before`, `count` copies of `item` with their number in place of #, joined by commas, `after`. */
static char *repeated(const char *before, const char *item, size_t count, const char *after)
{
    struct pack_error error = {.code = PACK_OK};
    struct pack_buffer text PACK_AUTO_BUFFER = {.limit = PACK_MAX_DOCUMENT};
    char *result = NULL;
    size_t size = 0;
    assert_pack_ok(pack_buffer_print(&text, &error, "%s", before));
    for (size_t i = 0; i < count; i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        char *piece PACK_AUTO_FREE = replaced(item, "#", number);
        assert_pack_ok(pack_buffer_print(&text, &error, "%s%s", i != 0 ? "," : "", piece));
    }
    assert_pack_ok(pack_buffer_print(&text, &error, "%s", after));
    assert_pack_ok(pack_buffer_take(&text, &result, &size, &error));
    return result;
}

static void a84_counts_are_limited(void **state)
{
    (void)state;
    char *compatible PACK_AUTO_FREE = repeated("", "\"r#\"", 64, "");
    char *too_many PACK_AUTO_FREE = repeated("", "\"r#\"", 65, "");
    char *attachments PACK_AUTO_FREE = repeated(
        "\"attachments\": [", "{\"name\":\"a#\",\"size\":1,\"sha256\":\"" DIGEST_A "\"}", 257, ",");
    const struct variation variations[] = {
        {"\"acme,gateway-r2\",\n    \"acme,gateway-r3\"", compatible, PACK_OK, NULL},
        {"\"acme,gateway-r2\",\n    \"acme,gateway-r3\"", too_many, PACK_E_LIMIT,
         "compatible: has 65 entries, 64 are allowed"},
        {"\"acme,gateway-r2\",\n    \"acme,gateway-r3\"", "", PACK_E_MALFORMED,
         "compatible: has 0 entries, at least 1 wanted"},
        {"\"attachments\": [", attachments, PACK_E_LIMIT,
         "attachments: has 258 entries, 256 are allowed"},
    };
    CHECK(variations);
}

static void a84_image_counts_are_limited(void **state)
{
    (void)state;
    static const char *const before =
        "{\"type\":\"fwpack.release\",\"format\":1,\"product\":\"p\",\"version\":\"1.0.0\","
        "\"security_version\":0,\"compatible\":[\"c\"],\"images\":[";
    static const char *const image =
        "{\"name\":\"i#\",\"slot\":\"i\",\"size\":1,\"block_size\":512,\"sha256\":\"" DIGEST_A
        "\",\"blocks_sha256\":\"" DIGEST_A "\"}";
    struct pack_error error = {.code = PACK_OK};
    char *text PACK_AUTO_FREE = repeated(before, image, 257, "]}");
    assert_pack_fails(parse(text, strlen(text), &error), PACK_E_LIMIT);
    assert_pack_says("images: has 257 entries, 256 are allowed");
}

static void a84_a_document_that_grows_too_large_is_not_written(void **state)
{
    (void)state;
    enum { COUNT = 30000 };
    struct pack_error error = {.code = PACK_OK};
    struct pack_segment *segments PACK_AUTO_FREE = calloc(COUNT, sizeof *segments);
    assert_non_null(segments);
    for (size_t i = 0; i < COUNT; i++)
        segments[i] = (struct pack_segment){.address = UINT64_C(1000000000) + 32 * i, .size = 16};
    struct pack_release_image image = small_image();
    image.format = "srec";
    image.size = UINT64_C(16) * COUNT;
    image.segment_count = COUNT;
    image.segments = segments;
    const struct pack_release release = small_release(&image, 1);
    char *text = NULL;
    size_t size = 0;
    assert_pack_fails(pack_release_encode(&text, &size, &release, &error), PACK_E_LIMIT);
    assert_null(text);
}

/* Whatever single byte is changed, the reader says so or gives a model that can be written. */
static void a45_every_changed_byte_is_survived(void **state)
{
    (void)state;
    static const char changes[] = {'\0', '"', '-', '9', '}', '\x80'};
    char text[sizeof sample];
    for (size_t i = 0; i < sizeof sample - 1; i++) {
        for (size_t c = 0; c < sizeof changes; c++) {
            struct pack_error error = {.code = PACK_OK};
            PACK_AUTO(pack_release_free) struct pack_release *release = NULL;
            char *encoded PACK_AUTO_FREE = NULL;
            size_t size = 0;
            memcpy(text, sample, sizeof sample);
            text[i] = changes[c];
            if (pack_release_parse(&release, text, sizeof sample - 1, &error) == 0)
                assert_pack_ok(pack_release_encode(&encoded, &size, release, &error));
            else
                assert_true(error.text[0] != '\0' && release == NULL);
        }
    }
}

static void a60_every_shortened_document_is_refused(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    for (size_t size = 0; size < sizeof sample - 2; size++)
        assert_pack_fails(parse(sample, size, &error), PACK_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_is_read),
        cmocka_unit_test(every_member_of_an_image_is_read),
        cmocka_unit_test(what_is_read_is_written_the_same),
        cmocka_unit_test(a_small_release_is_small),
        cmocka_unit_test(a_wrong_model_is_not_written),
        cmocka_unit_test(types_and_formats_are_judged_first),
        cmocka_unit_test(a46_unknown_members_are_ignored),
        cmocka_unit_test(critical_members_are_not),
        cmocka_unit_test(a78_missing_members_are_named),
        cmocka_unit_test(a14_digests_are_64_lower_case_digits),
        cmocka_unit_test(a83_texts_read_as_they_are),
        cmocka_unit_test(a86_names_are_names),
        cmocka_unit_test(a12_names_stand_once),
        cmocka_unit_test(a80_numbers_keep_their_bounds),
        cmocka_unit_test(versions_and_ranges_are_judged),
        cmocka_unit_test(segments_make_up_the_image),
        cmocka_unit_test(large_segmented_images_are_refused),
        cmocka_unit_test(meta_is_an_object_without_null),
        cmocka_unit_test(a84_counts_are_limited),
        cmocka_unit_test(a84_image_counts_are_limited),
        cmocka_unit_test(a84_a_document_that_grows_too_large_is_not_written),
        cmocka_unit_test(a45_every_changed_byte_is_survived),
        cmocka_unit_test(a60_every_shortened_document_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

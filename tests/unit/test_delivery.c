/* SPDX-License-Identifier: MIT */
#include "document_text.h"

#include "base/memory.h"
#include "pack/document.h"
#include "pack/permit.h"

#include <string.h>

static const char sample[] = "{\n"
                             "  \"type\": \"fwpack.delivery\",\n"
                             "  \"format\": 1,\n"
                             "  \"release_sha256\": \"" DIGEST_C "\",\n"
                             "  \"revision\": 3,\n"
                             "  \"images\": [\n"
                             "    {\n"
                             "      \"name\": \"rootfs\",\n"
                             "      \"encodings\": [\n"
                             "        {\n"
                             "          \"type\": \"full\",\n"
                             "          \"codec\": \"zstd\",\n"
                             "          \"library\": \"zstd 1.5.4\",\n"
                             "          \"size\": 1500000,\n"
                             "          \"block_size\": 65536,\n"
                             "          \"blocks_sha256\": \"" DIGEST_A "\",\n"
                             "          \"frame_size\": 1048576,\n"
                             "          \"frame_count\": 4,\n"
                             "          \"frames_sha256\": \"" DIGEST_B "\",\n"
                             "          \"reusable\": true,\n"
                             "          \"decoder_memory\": 196608\n"
                             "        },\n"
                             "        {\n"
                             "          \"type\": \"keep\",\n"
                             "          \"base\": {\n"
                             "            \"size\": 4000000,\n"
                             "            \"sha256\": \"" DIGEST_A "\"\n"
                             "          }\n"
                             "        }\n"
                             "      ]\n"
                             "    },\n"
                             "    {\n"
                             "      \"name\": \"app\",\n"
                             "      \"encodings\": [\n"
                             "        {\n"
                             "          \"type\": \"full\",\n"
                             "          \"codec\": \"none\",\n"
                             "          \"size\": 5000,\n"
                             "          \"block_size\": 1024,\n"
                             "          \"blocks_sha256\": \"" DIGEST_B "\"\n"
                             "        }\n"
                             "      ]\n"
                             "    }\n"
                             "  ],\n"
                             "  \"attachments\": [\n"
                             "    \"notes\",\n"
                             "    \"sbom\"\n"
                             "  ],\n"
                             "  \"attestations\": [\n"
                             "    {\n"
                             "      \"size\": 10,\n"
                             "      \"sha256\": \"" DIGEST_B "\"\n"
                             "    }\n"
                             "  ]\n"
                             "}\n";

static int parse(const char *text, size_t size, struct pack_error *error)
{
    PACK_AUTO(pack_delivery_free) struct pack_delivery *delivery = NULL;
    return pack_delivery_parse(&delivery, text, size, error);
}

#define CHECK(variations) \
    check_variations(sample, variations, sizeof variations / sizeof variations[0], parse)

static struct pack_delivery *parsed(const char *text)
{
    struct pack_error error = {.code = PACK_OK};
    struct pack_delivery *delivery = NULL;
    assert_pack_ok(pack_delivery_parse(&delivery, text, strlen(text), &error));
    return delivery;
}

/* --- reading and writing --------------------------------------------------------------------- */

static void every_member_is_read(void **state)
{
    (void)state;
    PACK_AUTO(pack_delivery_free) struct pack_delivery *delivery = parsed(sample);
    assert_int_equal(delivery->release_sha256[1], 0x11);
    assert_int_equal(delivery->revision, 3);
    assert_int_equal(delivery->image_count, 2);
    assert_string_equal(delivery->images[1].name, "app");
    assert_int_equal(delivery->images[0].encoding_count, 2);
    assert_int_equal(delivery->attachment_count, 2);
    assert_string_equal(delivery->attachments[1], "sbom");
    assert_int_equal(delivery->attestation_count, 1);
    assert_int_equal(delivery->attestations[0].size, 10);
    const struct pack_encoding *plain = &delivery->images[1].encodings[0];
    assert_string_equal(plain->codec, "none");
    assert_true(plain->supported);
    assert_null(plain->library);
    assert_int_equal(plain->frame_size, 0);
    assert_int_equal(plain->frame_count, 0);
}

static void every_member_of_an_encoding_is_read(void **state)
{
    (void)state;
    PACK_AUTO(pack_delivery_free) struct pack_delivery *delivery = parsed(sample);
    const struct pack_encoding *full = &delivery->images[0].encodings[0];
    const struct pack_encoding *keep = &delivery->images[0].encodings[1];
    assert_int_equal(full->kind, PACK_ENCODING_FULL);
    assert_true(full->supported);
    assert_null(full->unsupported);
    assert_string_equal(full->codec, "zstd");
    assert_string_equal(full->library, "zstd 1.5.4");
    assert_int_equal(full->size, 1500000);
    assert_int_equal(full->block_size, 65536);
    assert_int_equal(full->blocks_sha256[0], 0x01);
    assert_int_equal(full->frame_size, 1048576);
    assert_int_equal(full->frame_count, 4);
    assert_int_equal(full->frames_sha256[0], 0xfe);
    assert_true(full->reusable);
    assert_int_equal(full->decoder_memory, 196608);
    assert_int_equal(keep->kind, PACK_ENCODING_KEEP);
    assert_true(keep->supported);
    assert_null(keep->codec);
    assert_int_equal(keep->base_size, 4000000);
    assert_int_equal(keep->base_sha256[0], 0x01);
}

static void what_is_read_is_written_the_same(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(pack_delivery_free) struct pack_delivery *delivery = parsed(sample);
    char *text PACK_AUTO_FREE = NULL;
    size_t size = 0;
    assert_pack_ok(pack_delivery_encode(&text, &size, delivery, &error));
    assert_string_equal(text, sample);
    assert_int_equal(size, strlen(sample));
}

static void a_small_delivery_is_small(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    const struct pack_encoding encoding = {.kind = PACK_ENCODING_FULL,
                                           .codec = "zstd",
                                           .library = "zstd 1.5.4",
                                           .size = 260000,
                                           .block_size = 65536,
                                           .frame_size = 1048576,
                                           .frame_count = 1,
                                           .decoder_memory = 196608};
    const struct pack_delivery_image image = {"app", 1, &encoding};
    const struct pack_delivery delivery = {.revision = 1, .image_count = 1, .images = &image};
    char *text PACK_AUTO_FREE = NULL;
    size_t size = 0;
    assert_pack_ok(pack_delivery_encode(&text, &size, &delivery, &error));
    assert_true(size < 1024);
    assert_null(strstr(text, "attachments"));
    assert_null(strstr(text, "reusable"));
}

static void a_wrong_model_is_not_written(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    struct pack_encoding encoding = {
        .kind = PACK_ENCODING_FULL, .codec = "none", .size = 1, .block_size = 512};
    const struct pack_delivery_image image = {"app", 1, &encoding};
    struct pack_delivery delivery = {.revision = 1, .image_count = 1, .images = &image};
    char *text = NULL;
    size_t size = 0;
    encoding.frame_size = 5;
    assert_pack_fails(pack_delivery_encode(&text, &size, &delivery, &error), PACK_E_MALFORMED);
    assert_pack_says("images[0].encodings[0].frame_size: has no place here");
    encoding.frame_size = 0;
    encoding.codec = NULL;
    assert_pack_fails(pack_delivery_encode(&text, &size, &delivery, &error), PACK_E_MALFORMED);
    assert_pack_says("images[0].encodings[0].codec: is missing");
    encoding.codec = "none";
    delivery.revision = 0;
    assert_pack_fails(pack_delivery_encode(&text, &size, &delivery, &error), PACK_E_MALFORMED);
    assert_pack_says("revision: 0 where 1 to");
    assert_null(text);
}

/* --- strictness ------------------------------------------------------------------------------ */

static void types_and_formats_are_judged_first(void **state)
{
    (void)state;
    static const struct variation variations[] = {
        {"fwpack.delivery", "fwpack.release", PACK_E_MALFORMED, "type: \"fwpack.release\""},
        {"\"format\": 1", "\"format\": 7", PACK_E_UNSUPPORTED, "format: 7"},
        {"\"revision\"", "\"critical\": [\"later\"], \"later\": 1, \"revision\"",
         PACK_E_UNSUPPORTED, "critical[0]: needs \"later\""},
        {"\"revision\"", "\"later\": 1, \"revision\"", PACK_OK, NULL},
        {"\"codec\"", "\"later\": 1, \"codec\"", PACK_OK, NULL},
    };
    CHECK(variations);
}

static void a78_missing_members_are_named(void **state)
{
    (void)state;
    static const struct variation variations[] = {
        {"\"release_sha256\"", "\"x\"", PACK_E_MALFORMED, "release_sha256: is missing"},
        {"\"revision\"", "\"x\"", PACK_E_MALFORMED, "revision: is missing"},
        {"\"images\"", "\"x\"", PACK_E_MALFORMED, "images: is missing"},
        {"\"name\"", "\"x\"", PACK_E_MALFORMED, "images[0].name: is missing"},
        {"\"encodings\"", "\"x\"", PACK_E_MALFORMED, "images[0].encodings: is missing"},
        {"\"full\"", "5", PACK_E_MALFORMED, "images[0].encodings[0].type: a string is wanted"},
        {"\"type\": \"full\"", "\"x\": 1", PACK_E_MALFORMED, "encodings[0].type: is missing"},
        {"\"codec\"", "\"x\"", PACK_E_MALFORMED, "encodings[0].codec: is missing"},
        {"\"size\"", "\"x\"", PACK_E_MALFORMED, "encodings[0].size: is missing"},
        {"\"block_size\"", "\"x\"", PACK_E_MALFORMED, "encodings[0].block_size: is missing"},
        {"\"blocks_sha256\"", "\"x\"", PACK_E_MALFORMED, "encodings[0].blocks_sha256: is missing"},
        {"\"frame_size\"", "\"x\"", PACK_E_MALFORMED, "encodings[0].frame_size: is missing"},
        {"\"frame_count\"", "\"x\"", PACK_E_MALFORMED, "encodings[0].frame_count: is missing"},
        {"\"frames_sha256\"", "\"x\"", PACK_E_MALFORMED, "encodings[0].frames_sha256: is missing"},
        {"\"decoder_memory\"", "\"x\"", PACK_E_MALFORMED,
         "encodings[0].decoder_memory: is missing"},
        {"\"base\"", "\"x\"", PACK_E_MALFORMED, "encodings[1].base: is missing"},
        {"\"sha256\"", "\"x\"", PACK_E_MALFORMED, "encodings[1].base.sha256: is missing"},
        {"\"library\"", "\"x\"", PACK_OK, NULL},
        {"\"reusable\"", "\"x\"", PACK_OK, NULL},
        {"\"attachments\"", "\"x\"", PACK_OK, NULL},
        {"\"attestations\"", "\"x\"", PACK_OK, NULL},
    };
    CHECK(variations);
}

static void encodings_keep_to_their_type(void **state)
{
    (void)state;
    static const struct variation variations[] = {
        {"\"codec\": \"none\"", "\"codec\": \"none\", \"frame_size\": 5", PACK_E_MALFORMED,
         "images[1].encodings[0].frame_size: has no place here"},
        {"\"codec\": \"none\"", "\"codec\": \"none\", \"decoder_memory\": 5", PACK_E_MALFORMED,
         "decoder_memory: has no place here"},
        {"\"codec\": \"none\"", "\"codec\": \"none\", \"base\": {}", PACK_E_MALFORMED,
         "base: has no place here"},
        {"\"type\": \"keep\"", "\"type\": \"keep\", \"codec\": \"none\"", PACK_E_MALFORMED,
         "codec: has no place here"},
        {"\"type\": \"keep\"", "\"type\": \"keep\", \"size\": 1", PACK_E_MALFORMED,
         "size: has no place here"},
        {"\"frame_size\": 1048576", "\"frame_size\": 2097152", PACK_E_MALFORMED,
         "encodings[0].frame_size: 2097152 bytes, frames of codec zstd have 1048576"},
        {"\"frame_count\": 4", "\"frame_count\": 0", PACK_E_MALFORMED, "frame_count: 0"},
        {"\"reusable\": true", "\"reusable\": 1", PACK_E_MALFORMED, "true or false is wanted"},
        {"\"revision\": 3", "\"revision\": 0", PACK_E_MALFORMED, "revision: 0"},
        {"1500000", "0", PACK_E_MALFORMED, "encodings[0].size: 0"},
        {"\"block_size\": 65536", "\"block_size\": 65535", PACK_E_MALFORMED, "block_size: 65535"},
        {"\"size\": 10", "\"size\": 0", PACK_E_MALFORMED, "attestations[0].size: 0"},
    };
    CHECK(variations);
}

static void a12_names_stand_once(void **state)
{
    (void)state;
    static const struct variation variations[] = {
        {"\"app\"", "\"rootfs\"", PACK_E_MALFORMED, "images: image \"rootfs\" stands twice"},
        {"\"notes\"", "\"sbom\"", PACK_E_MALFORMED, "attachments[1]: \"sbom\" stands twice"},
        {"\"notes\"", "\"../notes\"", PACK_E_MALFORMED, "attachments[0]: \"../notes\" is no name"},
        {"\"app\"", "\"App\"", PACK_E_MALFORMED, "images[1].name: \"App\" is no name"},
    };
    CHECK(variations);
}

static void a14_digests_are_64_lower_case_digits(void **state)
{
    (void)state;
    static const struct variation variations[] = {
        {"\"00112233", "\"0011223", PACK_E_MALFORMED, "release_sha256: a digest of 63 characters"},
        {"\"fedcba98", "\"FEDCBA98", PACK_E_MALFORMED, "frames_sha256: a digest is 64 lower-case"},
        {"\"" DIGEST_A "\"", "\"\"", PACK_E_MALFORMED, "0 characters"},
    };
    CHECK(variations);
}

static void codecs_have_names_that_end_a_member(void **state)
{
    (void)state;
    static const struct variation variations[] = {
        {"\"zstd\"", "\"\"", PACK_E_MALFORMED, "codec: \"\" is no name of a codec"},
        {"\"zstd\"", "\"Zstd\"", PACK_E_MALFORMED, "codec"},
        {"\"zstd\"", "\"../x\"", PACK_E_MALFORMED, "codec"},
        {"\"zstd\"", "\"a.b\"", PACK_E_MALFORMED, "codec"},
        {"\"zstd\"", "\"blocks\"", PACK_E_MALFORMED, "codec"},
        {"\"zstd\"", "\"frames\"", PACK_E_MALFORMED, "codec"},
        {"\"zstd\"", "\"abcdefghijklmnopq\"", PACK_E_MALFORMED, "codec"},
        {"\"zstd\"", "\"abcdefghijklmnop\"", PACK_OK, NULL},
        {"\"zstd\"", "\"xz\"", PACK_E_MALFORMED, "frames of codec xz have 2097152"},
        {"\"zstd\"", "\"none\"", PACK_E_MALFORMED, "frame_size: has no place here"},
    };
    CHECK(variations);
}

/* --- deltas ----------------------------------------------------------------------------------- */

static const char delta[] = "\"type\": \"delta\",\n"
                            "          \"codec\": \"fwd\",\n"
                            "          \"library\": \"fwpack 0.1.0\",\n"
                            "          \"size\": 1200,\n"
                            "          \"block_size\": 1024,\n"
                            "          \"blocks_sha256\": \"" DIGEST_B "\",\n"
                            "          \"decoder_memory\": 34104,\n"
                            "          \"decoder\": \"small\",\n"
                            "          \"in_place\": {\n"
                            "            \"page_size\": 4096,\n"
                            "            \"scratch\": 0\n"
                            "          },\n"
                            "          \"base\": {\n"
                            "            \"size\": 4000000";

static char *sample_with_delta(void)
{
    return replaced(
        sample, "\"type\": \"keep\",\n          \"base\": {\n            \"size\": 4000000", delta);
}

static void a_delta_is_read_and_written_the_same(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    char *text PACK_AUTO_FREE = sample_with_delta();
    PACK_AUTO(pack_delivery_free) struct pack_delivery *delivery = parsed(text);
    const struct pack_encoding *encoding = &delivery->images[0].encodings[1];
    assert_int_equal(encoding->kind, PACK_ENCODING_DELTA);
    assert_true(encoding->supported);
    assert_int_equal(encoding->size, 1200);
    assert_int_equal(encoding->decoder_memory, 34104);
    assert_string_equal(encoding->decoder, "small");
    assert_int_equal(encoding->in_place, 4096);
    assert_int_equal(encoding->scratch, 0);
    assert_int_equal(encoding->base_size, 4000000);
    char *encoded PACK_AUTO_FREE = NULL;
    size_t size = 0;
    assert_pack_ok(pack_delivery_encode(&encoded, &size, delivery, &error));
    assert_string_equal(encoded, text);
}

static void deltas_keep_to_their_members(void **state)
{
    (void)state;
    static const struct variation variations[] = {
        {"\"decoder\": \"small\",", "", PACK_E_MALFORMED, "encodings[1].decoder: is missing"},
        {"\"decoder_memory\": 34104,", "", PACK_E_MALFORMED, "decoder_memory: is missing"},
        {"\"page_size\": 4096", "\"page_size\": 0", PACK_E_MALFORMED, "in_place.page_size: 0"},
        {"\"size\": 1200", "\"size\": 1200, \"frame_count\": 1", PACK_E_MALFORMED,
         "frame_count: has no place here"},
        {"\"codec\": \"none\"", "\"codec\": \"none\", \"decoder\": \"tiny\"", PACK_E_MALFORMED,
         "decoder: has no place here"},
        {"\"codec\": \"none\"", "\"codec\": \"none\", \"in_place\": {}", PACK_E_MALFORMED,
         "in_place: has no place here"},
    };
    char *text PACK_AUTO_FREE = sample_with_delta();
    check_variations(text, variations, sizeof variations / sizeof variations[0], parse);
}

static void deltas_for_unknown_decoders_are_passed_over(void **state)
{
    (void)state;
    char *text PACK_AUTO_FREE = sample_with_delta();
    char *later PACK_AUTO_FREE = replaced(text, "\"small\"", "\"vast\"");
    PACK_AUTO(pack_delivery_free) struct pack_delivery *delivery = parsed(later);
    assert_false(delivery->images[0].encodings[1].supported);
    assert_string_equal(delivery->images[0].encodings[1].unsupported, "the decoder \"vast\"");
}

/* --- encryption ------------------------------------------------------------------------------- */

#define ENCRYPTION                        \
    "\"encryption\": {\n"                 \
    "            \"type\": \"age\",\n"    \
    "            \"size\": 1499000,\n"    \
    "            \"header_size\": 216,\n" \
    "            \"recipients\": 1\n"     \
    "          },\n"

static char *encrypted_sample(void)
{
    char *first PACK_AUTO_FREE =
        replaced(sample, "\"full\",\n",
                 "\"full\",\n          \"requires\": [\n            \"age\"\n          ],\n");
    return replaced(first, "\"frame_size\"", ENCRYPTION "          \"frame_size\"");
}

static void encryption_is_read_and_written_the_same(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    char *text PACK_AUTO_FREE = encrypted_sample();
    PACK_AUTO(pack_delivery_free) struct pack_delivery *delivery = parsed(text);
    const struct pack_encoding *encoding = &delivery->images[0].encodings[0];
    assert_true(encoding->supported && encoding->encrypted && encoding->requires_age);
    assert_string_equal(encoding->encryption, "age");
    assert_int_equal(encoding->size, 1500000);
    assert_int_equal(pack_encoding_inner_size(encoding), 1499000);
    assert_int_equal(encoding->header_size, 216);
    assert_int_equal(encoding->recipient_count, 1);
    assert_false(delivery->images[1].encodings[0].encrypted);
    assert_int_equal(pack_encoding_inner_size(&delivery->images[1].encodings[0]), 5000);
    char *encoded PACK_AUTO_FREE = NULL;
    size_t size = 0;
    assert_pack_ok(pack_delivery_encode(&encoded, &size, delivery, &error));
    assert_string_equal(encoded, text);
}

static void encryption_says_all_of_itself(void **state)
{
    (void)state;
    static const struct variation variations[] = {
        {"\"size\": 1499000,", "", PACK_E_MALFORMED, "encryption.size: is missing"},
        {"\"size\": 1499000", "\"size\": 0", PACK_E_MALFORMED, "encryption.size"},
        {"\"header_size\": 216,", "", PACK_E_MALFORMED, "encryption.header_size: is missing"},
        {"\"recipients\": 1", "\"recipients\": 0", PACK_E_MALFORMED, "encryption.recipients"},
        {"\"recipients\": 1", "\"recipients\": \"1\"", PACK_E_MALFORMED, "encryption.recipients"},
        {"\"recipients\": 1", "\"recipients\": 1, \"more\": 5", PACK_OK, NULL},
        {"\"type\": \"age\",", "", PACK_E_MALFORMED, "encryption.type: is missing"},
        {"\"type\": \"age\"", "\"type\": \"a.b\"", PACK_E_MALFORMED, "encryption.type"},
        {"\"type\": \"age\"", "\"type\": \"pgp\"", PACK_OK, NULL},
        {"\"age\"\n          ],", "\"x\"\n          ],", PACK_E_MALFORMED,
         "encryption: the encoding does not say"},
        {"\"type\": \"keep\",", "\"type\": \"keep\", \"encryption\": {},", PACK_E_MALFORMED,
         "encryption: has no place here"},
    };
    char *text PACK_AUTO_FREE = encrypted_sample();
    check_variations(text, variations, sizeof variations / sizeof variations[0], parse);
}

static void another_encryption_is_passed_over(void **state)
{
    (void)state;
    char *text PACK_AUTO_FREE = encrypted_sample();
    char *later PACK_AUTO_FREE = replaced(text, "\"type\": \"age\"", "\"type\": \"later\"");
    char *bare PACK_AUTO_FREE = replaced(later, "\"header_size\": 216,", "");
    PACK_AUTO(pack_delivery_free) struct pack_delivery *delivery = parsed(bare);
    const struct pack_encoding *encoding = &delivery->images[0].encodings[0];
    assert_false(encoding->supported);
    assert_true(encoding->encrypted);
    assert_string_equal(encoding->unsupported, "the encryption \"later\"");
}

/* --- what this version does not know ---------------------------------------------------------- */

/* After the change, the first encoding is read, but not supported because of `what`. */
static void check_unsupported(const char *from, const char *to, const char *what)
{
    struct pack_error error = {.code = PACK_OK};
    char *text PACK_AUTO_FREE = replaced(sample, from, to);
    PACK_AUTO(pack_delivery_free) struct pack_delivery *delivery = parsed(text);
    const struct pack_encoding *encoding = &delivery->images[0].encodings[0];
    assert_false(encoding->supported);
    assert_string_equal(encoding->unsupported, what);
    assert_int_equal(encoding->size, 1500000);
    assert_int_equal(encoding->block_size, 65536);
    assert_int_equal(encoding->frame_count, 4);
    assert_true(delivery->images[0].encodings[1].supported);
    char *encoded = NULL;
    size_t size = 0;
    assert_pack_fails(pack_delivery_encode(&encoded, &size, delivery, &error), PACK_E_UNSUPPORTED);
    assert_pack_says(what);
}

static void unknown_encodings_are_kept_but_not_used(void **state)
{
    (void)state;
    check_unsupported("\"full\"", "\"patch\"", "the encoding type \"patch\"");
    check_unsupported("\"full\"", "\"\\u001b\"", "the encoding type \"\\x1b\"");
    check_unsupported("\"full\"",
                      "\"delta\", \"base\": {\"size\": 5, \"sha256\": \"" DIGEST_C "\"}",
                      "the codec \"zstd\"");
    check_unsupported("\"zstd\"", "\"lz5\"", "the codec \"lz5\"");
    check_unsupported("\"full\"", "\"full\", \"requires\": [\"age\", \"more\"]",
                      "the feature \"more\"");
}

static void what_an_unknown_feature_changes_is_not_judged(void **state)
{
    (void)state;
    static const struct variation variations[] = {
        {"\"full\"", "\"patch\", \"base\": 7", PACK_OK, NULL},
        {"\"frame_size\": 1048576", "\"requires\": [\"x\"], \"frame_size\": 77", PACK_OK, NULL},
        {"\"type\": \"keep\"", "\"type\": \"later\"", PACK_OK, NULL},
        {"\"type\": \"keep\"", "\"type\": \"keep\", \"requires\": []", PACK_OK, NULL},
        {"\"type\": \"keep\"", "\"type\": \"keep\", \"requires\": \"x\"", PACK_E_MALFORMED,
         "requires: an array is wanted"},
        {"\"type\": \"keep\"", "\"type\": \"keep\", \"requires\": [1]", PACK_E_MALFORMED,
         "requires[0]: a string is wanted"},
        {"\"type\": \"keep\"", "\"type\": \"later\", \"codec\": \"x\"", PACK_E_MALFORMED,
         "encodings[1].size: is missing"},
        {"\"full\"", "\"delta\"", PACK_E_MALFORMED, "encodings[0].base: is missing"},
    };
    CHECK(variations);
}

/* --- release and delivery together ------------------------------------------------------------ */

static const struct pack_release_attachment attachments[] = {
    {.name = "licence"}, {.name = "notes"}, {.name = "sbom"}};

static struct pack_release_image *matching_images(const struct pack_delivery *delivery)
{
    static struct pack_release_image images[2];
    images[0] = (struct pack_release_image){.name = "rootfs", .size = 4000000, .block_size = 65536};
    images[1] = (struct pack_release_image){.name = "app", .size = 5000, .block_size = 1024};
    memcpy(images[0].sha256, delivery->images[0].encodings[1].base_sha256, PACK_SHA256_SIZE);
    memcpy(images[1].blocks_sha256, delivery->images[1].encodings[0].blocks_sha256,
           PACK_SHA256_SIZE);
    return images;
}

static struct pack_release matching_release(const struct pack_release_image *images)
{
    return (struct pack_release){.image_count = 2,
                                 .images = images,
                                 .attachment_count = sizeof attachments / sizeof attachments[0],
                                 .attachments = attachments};
}

static void a11_a_delivery_matches_its_release_only(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(pack_delivery_free) struct pack_delivery *delivery = parsed(sample);
    struct pack_release_image *images = matching_images(delivery);
    struct pack_release release = matching_release(images);
    uint8_t digest[PACK_SHA256_SIZE];
    memcpy(digest, delivery->release_sha256, sizeof digest);
    assert_pack_ok(pack_delivery_match(delivery, &release, digest, &error));
    for (size_t i = 0; i < sizeof digest; i++) {
        digest[i] ^= 1;
        assert_pack_fails(pack_delivery_match(delivery, &release, digest, &error),
                          PACK_E_SIGNATURE);
        digest[i] ^= 1;
    }
    assert_pack_says("delivery.json is for another release");
    release.image_count = 1;
    assert_pack_fails(pack_delivery_match(delivery, &release, digest, &error), PACK_E_MALFORMED);
    assert_pack_says("images: 2 of them, the release has 1");
}

/* With the image changed, the documents no longer match. */
static void check_mismatch(const struct pack_delivery *delivery, size_t index,
                           const struct pack_release_image *changed, const char *says)
{
    struct pack_error error = {.code = PACK_OK};
    struct pack_release_image *images = matching_images(delivery);
    const struct pack_release release = matching_release(images);
    images[index] = *changed;
    assert_pack_fails(pack_delivery_match(delivery, &release, delivery->release_sha256, &error),
                      PACK_E_MALFORMED);
    assert_pack_says(says);
}

static void a11_images_match_one_to_one(void **state)
{
    (void)state;
    PACK_AUTO(pack_delivery_free) struct pack_delivery *delivery = parsed(sample);
    const struct pack_release_image *images = matching_images(delivery);
    struct pack_release_image image = images[0];
    image.name = "kernel";
    check_mismatch(delivery, 0, &image, "images[0].name: \"rootfs\", the release has \"kernel\"");
    image = matching_images(delivery)[0];
    image.size = 2097152;
    check_mismatch(delivery, 0, &image, "images[0].encodings[0]: 4 frames, the image has 2");
    image.size = 4000001;
    check_mismatch(delivery, 0, &image, "images[0].encodings[1]: keeps another image");
    image = matching_images(delivery)[0];
    image.sha256[31] ^= 1;
    check_mismatch(delivery, 0, &image, "images[0].encodings[1]: keeps another image");
    image = matching_images(delivery)[1];
    image.size = 5001;
    check_mismatch(delivery, 1, &image, "not of the image's size");
    image = matching_images(delivery)[1];
    image.block_size = 2048;
    check_mismatch(delivery, 1, &image, "not in the image's blocks");
    image = matching_images(delivery)[1];
    image.blocks_sha256[0] ^= 1;
    check_mismatch(delivery, 1, &image, "not in the image's blocks");
}

static void attachments_travel_in_the_releases_order(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } changes[] = {{"\"sbom\"", "\"licence\""}, {"\"sbom\"", "\"other\""}};
    struct pack_error error = {.code = PACK_OK};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char *text PACK_AUTO_FREE = replaced(sample, changes[i].from, changes[i].to);
        PACK_AUTO(pack_delivery_free) struct pack_delivery *delivery = parsed(text);
        const struct pack_release release = matching_release(matching_images(delivery));
        assert_pack_fails(pack_delivery_match(delivery, &release, delivery->release_sha256, &error),
                          PACK_E_MALFORMED);
        assert_pack_says("attachments[1]: ");
    }
}

static void encodings_that_are_not_known_match_anything(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    char *text PACK_AUTO_FREE = replaced(sample, "\"full\"", "\"patch\"");
    PACK_AUTO(pack_delivery_free) struct pack_delivery *delivery = parsed(text);
    struct pack_delivery_image first = delivery->images[0];
    const struct pack_delivery changed = {.image_count = 1, .images = &first};
    const struct pack_release_image image = {.name = "rootfs", .size = 1};
    const struct pack_release release = {.image_count = 1, .images = &image};
    first.encoding_count = 1;
    assert_pack_ok(pack_delivery_match(&changed, &release, changed.release_sha256, &error));
}

/* --- the manual ------------------------------------------------------------------------------ */

/* The next block of JSON in a page, ended by a zero byte; *rest moves behind it. */
static const char *next_example(char **rest)
{
    static const char begin[] = "```json\n";
    char *start = strstr(*rest, begin);
    assert_non_null(start);
    start += sizeof begin - 1;
    char *end = strstr(start, "```");
    assert_non_null(end);
    *end = '\0';
    *rest = end + 1;
    return start;
}

static void the_manuals_examples_are_good(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    char *path PACK_AUTO_FREE = test_fixture("../docs/documents.md");
    size_t size = 0;
    char *page PACK_AUTO_FREE = (char *)test_read_file(path, &size);
    char *rest = page, *encoded PACK_AUTO_FREE = NULL, *encoded_release PACK_AUTO_FREE = NULL;
    const char *permit_text = next_example(&rest), *text = next_example(&rest);
    const char *delivery_text = next_example(&rest);
    PACK_AUTO(pack_permit_free) struct pack_permit *permit = NULL;
    uint8_t digest[PACK_SHA256_SIZE];
    PACK_AUTO(pack_release_free) struct pack_release *release = NULL;
    PACK_AUTO(pack_delivery_free) struct pack_delivery *delivery = parsed(delivery_text);
    assert_pack_ok(pack_release_parse(&release, text, strlen(text), &error));
    assert_pack_ok(pack_sha256_bytes(text, strlen(text), digest, &error));
    assert_pack_ok(pack_delivery_match(delivery, release, digest, &error));
    assert_pack_ok(pack_release_encode(&encoded_release, &size, release, &error));
    assert_string_equal(encoded_release, text);
    assert_pack_ok(pack_delivery_encode(&encoded, &size, delivery, &error));
    assert_string_equal(encoded, delivery_text);
    assert_pack_ok(pack_permit_parse(&permit, permit_text, strlen(permit_text), &error));
}

/* --- damage ---------------------------------------------------------------------------------- */

static void a45_every_changed_byte_is_survived(void **state)
{
    (void)state;
    static const char changes[] = {'\0', '"', '-', '9', '}', '\x80'};
    char text[sizeof sample];
    for (size_t i = 0; i < sizeof sample - 1; i++) {
        for (size_t c = 0; c < sizeof changes; c++) {
            struct pack_error error = {.code = PACK_OK};
            PACK_AUTO(pack_delivery_free) struct pack_delivery *delivery = NULL;
            memcpy(text, sample, sizeof sample);
            text[i] = changes[c];
            if (pack_delivery_parse(&delivery, text, sizeof sample - 1, &error) != 0)
                assert_true(error.text[0] != '\0' && delivery == NULL);
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
        cmocka_unit_test(every_member_of_an_encoding_is_read),
        cmocka_unit_test(what_is_read_is_written_the_same),
        cmocka_unit_test(a_small_delivery_is_small),
        cmocka_unit_test(a_wrong_model_is_not_written),
        cmocka_unit_test(types_and_formats_are_judged_first),
        cmocka_unit_test(a78_missing_members_are_named),
        cmocka_unit_test(a_delta_is_read_and_written_the_same),
        cmocka_unit_test(deltas_keep_to_their_members),
        cmocka_unit_test(deltas_for_unknown_decoders_are_passed_over),
        cmocka_unit_test(encryption_is_read_and_written_the_same),
        cmocka_unit_test(encryption_says_all_of_itself),
        cmocka_unit_test(another_encryption_is_passed_over),
        cmocka_unit_test(encodings_keep_to_their_type),
        cmocka_unit_test(a12_names_stand_once),
        cmocka_unit_test(a14_digests_are_64_lower_case_digits),
        cmocka_unit_test(codecs_have_names_that_end_a_member),
        cmocka_unit_test(unknown_encodings_are_kept_but_not_used),
        cmocka_unit_test(what_an_unknown_feature_changes_is_not_judged),
        cmocka_unit_test(a11_a_delivery_matches_its_release_only),
        cmocka_unit_test(a11_images_match_one_to_one),
        cmocka_unit_test(attachments_travel_in_the_releases_order),
        cmocka_unit_test(encodings_that_are_not_known_match_anything),
        cmocka_unit_test(the_manuals_examples_are_good),
        cmocka_unit_test(a45_every_changed_byte_is_survived),
        cmocka_unit_test(a60_every_shortened_document_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

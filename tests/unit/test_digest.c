/* SPDX-License-Identifier: MIT */
/* SHA-256 and its hexadecimal spelling. */
#include "pack/digest.h"
#include "support/test.h"

#include "base/memory.h"

#include <string.h>

/* FIPS 180-4's examples, and lengths around a block, as sha256sum prints them. */
static const struct {
    size_t size; /* of 'a' repeated, unless there is a text */
    const char *text;
    const char *hex;
} cases[] = {
    {0, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {3, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {56, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {64, NULL, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"},
    {1000000, NULL, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

static void *case_bytes(size_t i)
{
    void *bytes = NULL;
    struct pack_error error = {0};
    assert_pack_ok(pack_allocate(&bytes, cases[i].size, 1, &error));
    if (cases[i].text != NULL)
        memcpy(bytes, cases[i].text, cases[i].size);
    else
        memset(bytes, 'a', cases[i].size);
    return bytes;
}

static void known_digests(void **state)
{
    (void)state;
    struct pack_error error = {0};
    uint8_t digest[PACK_SHA256_SIZE];
    char hex[PACK_SHA256_HEX_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        PACK_AUTO_FREE void *bytes = case_bytes(i);
        assert_pack_ok(pack_sha256_bytes(bytes, cases[i].size, digest, &error));
        pack_sha256_hex(digest, hex);
        assert_string_equal(hex, cases[i].hex);
    }
}

static void a_hash_starts_anew_after_finish(void **state)
{
    (void)state;
    struct pack_error error = {0};
    PACK_AUTO(pack_sha256_free) struct pack_sha256 *hash = NULL;
    uint8_t digest[PACK_SHA256_SIZE];
    char hex[PACK_SHA256_HEX_SIZE];
    assert_pack_ok(pack_sha256_new(&hash, &error));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        PACK_AUTO_FREE uint8_t *bytes = case_bytes(i);
        for (size_t at = 0; at < cases[i].size; at += 777) {
            const size_t left = cases[i].size - at;
            assert_pack_ok(pack_sha256_update(hash, bytes + at, left < 777 ? left : 777, &error));
        }
        assert_pack_ok(pack_sha256_finish(hash, digest, &error));
        pack_sha256_hex(digest, hex);
        assert_string_equal(hex, cases[i].hex);
    }
    assert_pack_ok(pack_sha256_of(hash, "abc", 3, digest, &error));
    pack_sha256_hex(digest, hex);
    assert_string_equal(hex, cases[1].hex);
}

static void hex_digits_become_the_digest_again(void **state)
{
    (void)state;
    uint8_t digest[PACK_SHA256_SIZE], parsed[PACK_SHA256_SIZE] = {0};
    char hex[PACK_SHA256_HEX_SIZE];
    for (size_t i = 0; i < sizeof digest; i++)
        digest[i] = (uint8_t)(i * 8 + 7);
    pack_sha256_hex(digest, hex);
    assert_true(pack_sha256_parse(hex, parsed));
    assert_memory_equal(parsed, digest, sizeof digest);
}

#define DIGITS63 "a7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void a14_a_digest_has_exactly_64_lower_case_digits(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "",
        " ",
        DIGITS63,
        "b" DIGITS63 "0",
        " b" DIGITS63,
        "b" DIGITS63 " ",
        "b" DIGITS63 "\n",
        " " DIGITS63,
        DIGITS63 " ",
        "B" DIGITS63,
        "g" DIGITS63,
        ":" DIGITS63,
        "0xb" DIGITS63,
        "sha256:b" DIGITS63,
        "sha512",
        "null",
    };
    uint8_t digest[PACK_SHA256_SIZE];
    assert_true(pack_sha256_parse("b" DIGITS63, digest));
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (pack_sha256_parse(refused[i], digest))
            fail_msg("taken for a digest: \"%s\"", refused[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_digests),
        cmocka_unit_test(a_hash_starts_anew_after_finish),
        cmocka_unit_test(hex_digits_become_the_digest_again),
        cmocka_unit_test(a14_a_digest_has_exactly_64_lower_case_digits),
    };
    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}

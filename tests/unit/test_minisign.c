/* SPDX-License-Identifier: MIT */
/* Signatures: Ed25519's verdicts, minisign's text, signing and verifying. */
#include "crypto/ed25519.h"
#include "support/keys.h"

#include "base/memory.h"
#include "pack/limits.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* --- Ed25519 --------------------------------------------------------------------------------- */

/* Whether a signature in hex verifies; one of another length than 64 bytes does not. */
static bool verifies(const char *public, const char *message, const char *signature)
{
    size_t key_size = 0, message_size = 0, signature_size = 0;
    PACK_AUTO_FREE uint8_t *key = test_unhex(public, &key_size);
    PACK_AUTO_FREE uint8_t *bytes = test_unhex(message, &message_size);
    PACK_AUTO_FREE uint8_t *proof = test_unhex(signature, &signature_size);
    return key_size == PACK_PUBLIC_KEY_SIZE && signature_size == PACK_SIGNATURE_SIZE &&
           pack_ed25519_verify(proof, bytes, message_size, key);
}

/* RFC 8032, 7.1: TEST 1 and 2. */
#define RFC_PUBLIC_1 "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define RFC_SIGNATURE_1                                                \
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155" \
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
#define RFC_SEED_2 "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
#define RFC_PUBLIC_2 "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
#define RFC_SIGNATURE_2                                                \
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" \
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"

static void rfc8032_signatures_verify(void **state)
{
    (void)state;
    assert_true(verifies(RFC_PUBLIC_1, "", RFC_SIGNATURE_1));
    assert_true(verifies(RFC_PUBLIC_2, "72", RFC_SIGNATURE_2));
    assert_false(verifies(RFC_PUBLIC_2, "73", RFC_SIGNATURE_2));
    assert_false(verifies(RFC_PUBLIC_1, "72", RFC_SIGNATURE_2));
    assert_false(verifies(RFC_PUBLIC_1, "", RFC_SIGNATURE_1 "00"));
}

static void assert_seed_signs(const char *seed, const char *public, const char *message,
                              const char *signature)
{
    struct pack_error error = {0};
    const uint8_t id[PACK_MINISIGN_ID_SIZE] = {0};
    size_t size = 0, message_size = 0, signature_size = 0;
    uint8_t made[PACK_SIGNATURE_SIZE];
    AUTO_KEY struct pack_secret_key *key = NULL;
    PACK_AUTO_FREE uint8_t *seed_bytes = test_unhex(seed, &size);
    PACK_AUTO_FREE uint8_t *public_bytes = test_unhex(public, &size);
    PACK_AUTO_FREE uint8_t *bytes = test_unhex(message, &message_size);
    PACK_AUTO_FREE uint8_t *expected = test_unhex(signature, &signature_size);
    assert_pack_ok(pack_secret_key_make(&key, seed_bytes, id, PACK_PURPOSE_ANY, &error));
    const struct pack_signer signer = pack_signer_from_key(key);
    assert_memory_equal(signer.key->bytes, public_bytes, PACK_PUBLIC_KEY_SIZE);
    assert_pack_ok(signer.sign(&signer, bytes, message_size, made, &error));
    assert_memory_equal(made, expected, PACK_SIGNATURE_SIZE);
}

static void a_seed_makes_rfc8032s_key_and_signature(void **state)
{
    (void)state;
    assert_seed_signs(RFC_SEED_2, RFC_PUBLIC_2, "72", RFC_SIGNATURE_2);
}

/* The same signature with the group's order added to its second half. */
static void a15_a_signature_has_one_form_only(void **state)
{
    (void)state;
    static const char order[] = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *signature = test_unhex(RFC_SIGNATURE_1, &size);
    PACK_AUTO_FREE uint8_t *key = test_unhex(RFC_PUBLIC_1, &size);
    PACK_AUTO_FREE uint8_t *addend = test_unhex(order, &size);
    assert_true(pack_ed25519_verify(signature, "", 0, key));
    unsigned carry = 0;
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned)signature[32 + i] + addend[i];
        signature[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_false(pack_ed25519_verify(signature, "", 0, key));
}

/* With the identity for key and R, S = 0 "signs" anything where small orders are let through. */
static void a16_keys_and_points_of_small_order_verify_nothing(void **state)
{
    (void)state;
    static const char *const points[] = {
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
        for (unsigned message = 0; message < 16; message++) {
            char text[3], signature[129];
            snprintf(text, sizeof text, "%02x", message);
            snprintf(signature, sizeof signature, "%s%s", points[0], zeros);
            assert_false(verifies(points[i], text, signature));
            snprintf(signature, sizeof signature, "%s%s", points[i], zeros);
            assert_false(verifies(points[i], text, signature));
        }
}

static json_t *load_shared(const char *name)
{
    json_error_t problem;
    PACK_AUTO_FREE char *path = test_shared(name);
    json_t *root = json_load_file(path, 0, &problem);
    assert_non_null(root);
    return root;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    assert_non_null(text);
    return text;
}

static void all_of_rfc8032_sign_and_verify(void **state)
{
    (void)state;
    json_t *root = load_shared("vectors/rfc8032/ed25519.json");
    size_t i = 0;
    json_t *entry = NULL;
    json_array_foreach(root, i, entry)
    {
        assert_true(verifies(text_of(entry, "public"), text_of(entry, "message"),
                             text_of(entry, "signature")));
        assert_seed_signs(text_of(entry, "seed"), text_of(entry, "public"),
                          text_of(entry, "message"), text_of(entry, "signature"));
    }
    assert_true(i >= 4);
    json_decref(root);
}

static void check_wycheproof_group(const json_t *group, size_t *valid, size_t *invalid)
{
    const char *public = text_of(json_object_get(group, "publicKey"), "pk");
    size_t i = 0;
    json_t *entry = NULL;
    json_array_foreach(json_object_get(group, "tests"), i, entry)
    {
        const bool expected = strcmp(text_of(entry, "result"), "valid") == 0;
        if (verifies(public, text_of(entry, "msg"), text_of(entry, "sig")) != expected)
            fail_msg("case %d", (int)json_integer_value(json_object_get(entry, "tcId")));
        *valid += expected;
        *invalid += !expected;
    }
}

static void a15_wycheproof_verdicts(void **state)
{
    (void)state;
    json_t *root = load_shared("vectors/wycheproof/ed25519_test.json");
    size_t valid = 0, invalid = 0, i = 0;
    json_t *group = NULL;
    json_array_foreach(json_object_get(root, "testGroups"), i, group)
        check_wycheproof_group(group, &valid, &invalid);
    assert_int_equal(valid, 88);
    assert_int_equal(invalid, 63);
    json_decref(root);
}

static void a16_speccheck_verdicts(void **state)
{
    (void)state;
    json_t *root = load_shared("vectors/ed25519-speccheck/cases.json");
    size_t i = 0;
    json_t *entry = NULL;
    json_array_foreach(root, i, entry)
    {
        const bool accepted = verifies(text_of(entry, "pub_key"), text_of(entry, "message"),
                                       text_of(entry, "signature"));
        if (accepted != (i == 3))
            fail_msg("case %zu", i);
    }
    assert_int_equal(i, 12);
    json_decref(root);
}

/* --- signing and verifying ------------------------------------------------------------------- */

static const char message[] = "a small file\n";

static struct pack_signature sign(const struct pack_secret_key *key, const char *comment)
{
    struct pack_error error = {0};
    struct pack_signature signature = {0};
    const struct pack_signer signer = pack_signer_from_key(key);
    uint8_t digest[PACK_PREHASH_SIZE];
    pack_prehash_bytes(message, strlen(message), digest);
    assert_pack_ok(pack_sign(&signature, &signer, digest, comment, &error));
    return signature;
}

static int verify(const struct pack_signature *signature, const struct pack_public_key *key,
                  const char *bytes, struct pack_error *error)
{
    uint8_t digest[PACK_PREHASH_SIZE];
    pack_prehash_bytes(bytes, strlen(bytes), digest);
    return pack_signature_verify(signature, key, digest, error);
}

static void a_signature_verifies_with_its_key_and_bytes_only(void **state)
{
    (void)state;
    struct pack_error error = {0};
    AUTO_KEY struct pack_secret_key *key = test_key(1);
    AUTO_KEY struct pack_secret_key *other = test_key(2);
    struct pack_signature signature = sign(key, "type x\tversion 1");
    assert_pack_ok(verify(&signature, pack_secret_key_public(key), message, &error));
    assert_pack_fails(verify(&signature, pack_secret_key_public(key), "other", &error),
                      PACK_E_SIGNATURE);
    assert_pack_says("does not verify");
    assert_pack_fails(verify(&signature, pack_secret_key_public(other), message, &error),
                      PACK_E_SIGNATURE);
    assert_pack_says("0101010101010101");
    assert_pack_says("0202020202020202");
    struct pack_public_key bare = *pack_secret_key_public(other);
    bare.has_minisign_id = false;
    assert_pack_fails(verify(&signature, &bare, message, &error), PACK_E_SIGNATURE);
    assert_pack_says(bare.keyid);
    signature.comment[0] = 'T';
    assert_pack_fails(verify(&signature, pack_secret_key_public(key), message, &error),
                      PACK_E_SIGNATURE);
    assert_pack_says("the trusted comment was changed");
    assert_int_equal(pack_code_exit(error.code), 12);
}

static void signing_twice_gives_the_same_bytes(void **state)
{
    (void)state;
    AUTO_KEY struct pack_secret_key *key = test_key(1);
    const struct pack_signature a = sign(key, "x"), b = sign(key, "x");
    assert_memory_equal(&a, &b, sizeof a);
}

static void a_comment_that_could_not_be_read_back_is_not_signed(void **state)
{
    (void)state;
    static const struct {
        const char *comment;
        enum pack_code code;
    } cases[] = {{"two\nlines", PACK_E_USAGE}, {"\r", PACK_E_USAGE},
                 {"\x1b[2J", PACK_E_USAGE},    {"\xff", PACK_E_USAGE},
                 {"\xc2\x9b", PACK_E_USAGE},   {"\x7f", PACK_E_USAGE}};
    AUTO_KEY struct pack_secret_key *key = test_key(1);
    const struct pack_signer signer = pack_signer_from_key(key);
    const uint8_t digest[PACK_PREHASH_SIZE] = {0};
    char comment[PACK_MAX_TRUSTED_COMMENT + 1];
    struct pack_signature signature = {0};
    struct pack_error error = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_pack_fails(pack_sign(&signature, &signer, digest, cases[i].comment, &error),
                          cases[i].code);
    memset(comment, 'x', sizeof comment - 1);
    comment[sizeof comment - 1] = '\0';
    assert_pack_fails(pack_sign(&signature, &signer, digest, comment, &error), PACK_E_LIMIT);
    comment[sizeof comment - 2] = '\0';
    assert_pack_ok(pack_sign(&signature, &signer, digest, comment, &error));
}

/* A signer whose n-th signature has one bit wrong. */
struct faulty {
    const struct pack_secret_key *key;
    unsigned good; /* signatures before the wrong one */
};

static int sign_wrongly(const struct pack_signer *broken, const void *bytes, size_t size,
                        uint8_t signature[PACK_SIGNATURE_SIZE], struct pack_error *error)
{
    struct faulty *faulty = broken->user;
    const struct pack_signer signer = pack_signer_from_key(faulty->key);
    const int code = signer.sign(&signer, bytes, size, signature, error);
    if (faulty->good-- == 0)
        signature[40] ^= 1;
    return code;
}

static void what_a_signer_returns_is_verified_first(void **state)
{
    (void)state;
    AUTO_KEY struct pack_secret_key *key = test_key(1);
    const uint8_t digest[PACK_PREHASH_SIZE] = {0};
    for (unsigned good = 0; good < 2; good++) {
        struct pack_error error = {0};
        struct pack_signature signature = {0};
        const struct pack_signature untouched = {0};
        struct faulty faulty = {key, good};
        const struct pack_signer signer = {
            .key = pack_secret_key_public(key), .sign = sign_wrongly, .user = &faulty};
        assert_pack_fails(pack_sign(&signature, &signer, digest, "x", &error), PACK_E_KEY_STORE);
        assert_pack_says("does not verify");
        assert_memory_equal(&signature, &untouched, sizeof signature);
    }
}

static int refuse_to_sign(const struct pack_signer *signer, const void *bytes, size_t size,
                          uint8_t signature[PACK_SIGNATURE_SIZE], struct pack_error *error)
{
    (void)signer, (void)bytes, (void)size, (void)signature;
    return pack_fail(error, PACK_E_KEY_STORE, "the token is locked");
}

static void a_signers_failure_is_passed_on(void **state)
{
    (void)state;
    AUTO_KEY struct pack_secret_key *key = test_key(1);
    struct pack_error error = {0};
    struct pack_signature signature = {0};
    const uint8_t digest[PACK_PREHASH_SIZE] = {0};
    const struct pack_signer signer = {.key = pack_secret_key_public(key), .sign = refuse_to_sign};
    assert_pack_fails(pack_sign(&signature, &signer, digest, "x", &error), PACK_E_KEY_STORE);
    assert_pack_says("the token is locked");
}

static void bytes_and_a_stream_have_the_same_prehash(void **state)
{
    (void)state;
    struct pack_error error = {0};
    enum { SIZE = 600 * 1024 };
    PACK_AUTO_FREE uint8_t *bytes = malloc(SIZE);
    const struct pack_context context = {0};
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)(i * 7 >> 3);
    static const size_t sizes[] = {0, 1, 256 * 1024, SIZE};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
        uint8_t whole[PACK_PREHASH_SIZE], streamed[PACK_PREHASH_SIZE];
        pack_prehash_bytes(bytes, sizes[i], whole);
        assert_pack_ok(pack_input_memory(&input, bytes, sizes[i], "x", &error));
        assert_pack_ok(pack_prehash(input, streamed, &context, &error));
        assert_memory_equal(streamed, whole, sizeof whole);
    }
}

static bool always(void *user)
{
    (void)user;
    return true;
}

static void hashing_can_be_interrupted(void **state)
{
    (void)state;
    struct pack_error error = {0};
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    const struct pack_context context = {.cancelled = always};
    uint8_t digest[PACK_PREHASH_SIZE];
    assert_pack_ok(pack_input_memory(&input, message, strlen(message), "x", &error));
    assert_pack_fails(pack_prehash(input, digest, &context, &error), PACK_E_INTERRUPTED);
}

/* --- text ------------------------------------------------------------------------------------ */

/* By minisign 0.11, over `message`. */
#define MINISIGN_PUBLIC "RWS5YH/XE6Rf/7P9LUa9GAOV/wuJSJu33TWI706MSsaCR89NUXkHqHoS"
#define FIRST "untrusted comment: signature from minisign secret key\n"
#define SECOND                                                                              \
    "RUS5YH/XE6Rf/7MEO15uvEW5cQHITXBC/e5NOIMk80KeJe3MIS/KZ/4muTj+6/xFeB7YxzJIh1kKpKWKZjmJ/" \
    "QwaEAWR9snDswA=\n"
#define THIRD "trusted comment: file:fx.txt\n"
#define FOURTH                                                                                 \
    "Fg9z8fEYxzgEjfjVsgMAO+C+bEobZkwuP9x9JgiS5tELttkUQ9LJPDP2zV3GcKuilSF50DXIWyhKm8CCenUkDQ==" \
    "\n"
#define LEGACY                                                                                     \
    "RWS5YH/XE6Rf/0jNN9paKTwwm/xBlIvMoThwlPy4imXXtSbSnibCxAUn6WO/4KQLSQ9J822879nJ6emQvtMQsQxcSu6u" \
    "PN/dCww=\n"
#define CANONICAL "untrusted comment: signature from fwpack\n"

static void a_signature_of_minisign_verifies(void **state)
{
    (void)state;
    struct pack_error error = {0};
    struct pack_signature signature;
    struct pack_public_key key;
    static const char text[] = FIRST SECOND THIRD FOURTH;
    assert_pack_ok(pack_public_key_parse(&key, MINISIGN_PUBLIC, strlen(MINISIGN_PUBLIC), &error));
    assert_pack_ok(pack_signature_parse(&signature, text, strlen(text), false, &error));
    assert_pack_ok(verify(&signature, &key, message, &error));
    assert_string_equal(signature.comment, "file:fx.txt");
}

static void a_signature_is_written_in_one_way(void **state)
{
    (void)state;
    struct pack_error error = {0};
    struct pack_signature signature;
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0;
    static const char minisigns[] = FIRST SECOND THIRD FOURTH;
    static const char ours[] = CANONICAL SECOND THIRD FOURTH;
    assert_pack_ok(pack_signature_parse(&signature, minisigns, strlen(minisigns), false, &error));
    assert_pack_ok(pack_signature_format(&text, &size, &signature, &error));
    assert_string_equal(text, ours);
    assert_int_equal(size, strlen(ours));
    assert_pack_ok(pack_signature_parse(&signature, ours, strlen(ours), true, &error));
    assert_pack_fails(pack_signature_parse(&signature, minisigns, strlen(minisigns), true, &error),
                      PACK_E_MALFORMED);
    assert_pack_says("untrusted comment is not");
}

struct text_case {
    const char *text, *says;
    unsigned line;
};

static void assert_text_refused(const struct text_case *refused)
{
    struct pack_error error = {0};
    struct pack_signature signature;
    assert_pack_fails(
        pack_signature_parse(&signature, refused->text, strlen(refused->text), false, &error),
        PACK_E_MALFORMED);
    assert_pack_says(refused->says);
    assert_int_equal(error.line, refused->line);
    assert_int_equal(pack_code_exit(error.code), 3);
}

static void a23_loose_signature_files_are_refused(void **state)
{
    (void)state;
    static const struct text_case cases[] = {
        {FIRST SECOND "trusted comment: file:fx.txt\r\n" FOURTH, "carriage return", 3},
        {"untrusted comment: x\r\n" SECOND THIRD FOURTH, "carriage return", 1},
        {FIRST SECOND "trusted comment: a\rb\n" FOURTH, "carriage return", 3},
        {FIRST SECOND THIRD FOURTH "extra\n", "data after the signature", 5},
        {FIRST SECOND THIRD FOURTH "\n", "data after the signature", 5},
        {"untrusted comment: \x1b[2Jchanged\n" SECOND THIRD FOURTH, "control character", 1},
        {"untrusted comment: \x01\n" SECOND THIRD FOURTH, "control character", 1},
        {"untrusted comment: \xc3(\n" SECOND THIRD FOURTH, "not UTF-8", 1},
        {"untrusted comment: \xc2\x85\n" SECOND THIRD FOURTH, "control character", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_text_refused(&cases[i]);
}

static void a23_missing_and_exchanged_lines_are_named(void **state)
{
    (void)state;
    static const struct text_case cases[] = {
        {FIRST, "signature is missing", 2},
        {FIRST SECOND, "trusted comment is missing", 3},
        {FIRST SECOND THIRD, "global signature is missing", 4},
        {FIRST SECOND "trusted comment: file:fx.txt", "trusted comment has no line end", 3},
        {"untrusted comment:x\n" SECOND THIRD FOURTH, "untrusted comment does not begin", 1},
        {"Untrusted comment: x\n" SECOND THIRD FOURTH, "untrusted comment does not begin", 1},
        {SECOND FIRST THIRD FOURTH, "untrusted comment does not begin", 1},
        {FIRST THIRD SECOND FOURTH, "signature is not padded base64", 2},
        {FIRST SECOND "trusted comment:file\n" FOURTH, "trusted comment does not begin", 3},
        {FIRST SECOND FIRST FOURTH, "trusted comment does not begin", 3},
        {FIRST FOURTH THIRD SECOND, "signature has 54 bytes, 64 wanted", 2},
        {FIRST LEGACY THIRD FOURTH, "legacy kind (Ed)", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_text_refused(&cases[i]);
}

static void a1_an_empty_signature_is_no_signature(void **state)
{
    (void)state;
    const struct text_case empty = {"", "the signature is empty", 0};
    assert_text_refused(&empty);
}

/* The text of a signature file whose second line holds `size` bytes. */
static char *text_with_signature(size_t size)
{
    char *text = NULL;
    PACK_AUTO_FREE uint8_t *bytes = calloc(1, size + 1);
    PACK_AUTO_FREE char *line = malloc(PACK_BASE64_TEXT_SIZE(size));
    memcpy(bytes, "ED", size < 2 ? size : 2);
    pack_base64_encode(line, PACK_BASE64_TEXT_SIZE(size), bytes, size);
    assert_true(asprintf(&text, "%s%s\n%s%s", FIRST, line, THIRD, FOURTH) > 0);
    return text;
}

static void a2_signatures_of_odd_sizes_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        const char *says;
    } cases[] = {{0, "signature has 0 bytes, 64 wanted"},
                 {10, "signature has 0 bytes, 64 wanted"},
                 {10 + 1, "signature has 1 bytes, 64 wanted"},
                 {10 + 63, "signature has 63 bytes, 64 wanted"},
                 {10 + 65, "signature has 65 bytes, 64 wanted"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        PACK_AUTO_FREE char *text = text_with_signature(cases[i].size);
        const struct text_case refused = {text, cases[i].says, 2};
        assert_text_refused(&refused);
    }
    struct pack_error error = {0};
    struct pack_signature signature;
    PACK_AUTO_FREE char *large = text_with_signature(10 + 64 * 1024);
    assert_pack_fails(pack_signature_parse(&signature, large, strlen(large), false, &error),
                      PACK_E_LIMIT);
}

static void a25_comments_have_a_limit(void **state)
{
    (void)state;
    PACK_AUTO_FREE char *comment = calloc(1, 10001);
    memset(comment, 'x', 10000);
    for (int first = 0; first < 2; first++) {
        struct pack_error error = {0};
        struct pack_signature signature;
        PACK_AUTO_FREE char *text = NULL;
        assert_true(asprintf(&text, "untrusted comment: %s\n%strusted comment: %s\n%s",
                             first ? comment : "x", SECOND, first ? "x" : comment, FOURTH) > 0);
        assert_pack_fails(pack_signature_parse(&signature, text, strlen(text), false, &error),
                          PACK_E_LIMIT);
        assert_int_equal(error.line, first ? 1 : 3);
    }
}

/* Nothing of a canonical signature may change unnoticed: every bit of every byte counts. */
static void a10_no_bit_of_a_signature_is_free(void **state)
{
    (void)state;
    struct pack_error error = {0};
    size_t size = 0;
    AUTO_KEY struct pack_secret_key *key = test_key(1);
    PACK_AUTO_FREE char *text = test_sign(key, message, strlen(message), "file:x", &size);
    for (size_t at = 0; at < size; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            struct pack_signature signature;
            text[at] = (char)(text[at] ^ 1 << bit);
            if (pack_signature_parse(&signature, text, size, true, &error) == 0 &&
                verify(&signature, pack_secret_key_public(key), message, &error) == 0)
                fail_msg("bit %u of byte %zu changed unnoticed", bit, at);
            text[at] = (char)(text[at] ^ 1 << bit);
        }
}

static void base64_has_one_spelling(void **state)
{
    (void)state;
    /* "A" of the last group's second digit carries four bits beyond the end. */
    static const struct text_case cases[] = {
        {FIRST
         "RUS5YH/XE6Rf/7MEO15uvEW5cQHITXBC/e5NOIMk80KeJe3MIS/KZ/4muTj+6/xFeB7YxzJIh1kKpKWKZjmJ/"
         "QwaEAWR9snDswB=\n" THIRD FOURTH,
         "canonical base64", 2},
        {FIRST SECOND THIRD "Fg9z8fEYxzgEjfjVsgMAO+C+"
                            "bEobZkwuP9x9JgiS5tELttkUQ9LJPDP2zV3GcKuilSF50DXIWyhKm8CCenUkDR==\n",
         "canonical base64", 4},
        {FIRST SECOND THIRD "Fg9z8fEYxzgEjfjVsgMAO-C-"
                            "bEobZkwuP9x9JgiS5tELttkUQ9LJPDP2zV3GcKuilSF50DXIWyhKm8CCenUkDQ==\n",
         "not padded base64", 4},
        {FIRST SECOND THIRD
         "Fg9z8fEYxzgEjfjVsgMAO+C+bEobZkwuP9x9JgiS5tELttkUQ9LJPDP2zV3GcKuilSF50DXIWyhKm8CCenUkDQ\n",
         "not padded base64", 4},
        {FIRST SECOND THIRD "Fg9z8fEYxzgEjfjVsgMAO+C+bEob "
                            "ZkwuP9x9JgiS5tELttkUQ9LJPDP2zV3GcKuilSF50DXIWyhKm8CCenUk==\n",
         "not padded base64", 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_text_refused(&cases[i]);
}

/* --- signatures made by others --------------------------------------------------------------- */

static uint8_t *made_file(const char *name, size_t *size)
{
    char path[256];
    snprintf(path, sizeof path, "vectors/minisign-signify-made/%s", name);
    PACK_AUTO_FREE char *shared = test_shared(path);
    return test_read_file(shared, size);
}

/* What is said of a signature over a file: 0, or the code of parsing or of verifying it. */
static int verdict_of(const char *name, const char *signed_name, struct pack_error *failure)
{
    struct pack_error error = {0};
    struct pack_public_key key;
    struct pack_signature signature;
    uint8_t digest[PACK_PREHASH_SIZE];
    size_t key_size = 0, size = 0, signed_size = 0;
    PACK_AUTO_FREE uint8_t *public = made_file("m1.pub", &key_size);
    PACK_AUTO_FREE uint8_t *text = made_file(name, &size);
    PACK_AUTO_FREE uint8_t *bytes = made_file(signed_name, &signed_size);
    assert_pack_ok(pack_public_key_parse(&key, (char *)public, key_size, &error));
    pack_prehash_bytes(bytes, signed_size, digest);
    const int code = pack_signature_parse(&signature, text, size, false, failure);
    return code != 0 ? code : pack_signature_verify(&signature, &key, digest, failure);
}

static void a23_files_of_other_tools_get_their_verdicts(void **state)
{
    (void)state;
    static const struct {
        const char *name, *over;
        int code;
        const char *says;
    } cases[] = {
        {"a.txt.minisig", "a.txt", 0, ""},
        {"empty.bin.minisig", "empty.bin", 0, ""},
        {"random.bin.minisig", "random.bin", 0, ""},
        {"a.txt.legacy.minisig", "a.txt", PACK_E_MALFORMED, "legacy"},
        {"a.txt.by-m2.minisig", "a.txt", PACK_E_SIGNATURE, "F4F91AB133E29F83"},
        {"a.txt.bad-trusted-comment.minisig", "a.txt", PACK_E_SIGNATURE,
         "trusted comment was changed"},
        {"a.txt.untrusted-comment-escape.minisig", "a.txt", PACK_E_MALFORMED, "control character"},
        {"a.txt.cr.minisig", "a.txt", PACK_E_MALFORMED, "carriage return"},
        {"a.txt.truncated.minisig", "a.txt", PACK_E_MALFORMED, "trusted comment is missing"},
        {"a.txt.empty.minisig", "a.txt", PACK_E_MALFORMED, "empty"},
        {"a.txt.trailing.minisig", "a.txt", PACK_E_MALFORMED, "data after the signature"},
        {"a.txt.signify.sig", "a.txt", PACK_E_MALFORMED, ""},
        {"a.txt.sshsig", "a.txt", PACK_E_MALFORMED, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        const int code = verdict_of(cases[i].name, cases[i].over, &error);
        if (code != cases[i].code)
            fail_msg("%s: code %d, %d wanted: %s", cases[i].name, code, cases[i].code, error.text);
        assert_pack_says(cases[i].says);
    }
}

/* --- two answers ----------------------------------------------------------------------------- */

static void the_two_answers_of_a_signer_are_told_apart(void **state)
{
    (void)state;
    static const char document[] = "a document", comment[] = "a comment";
    struct pack_error error = {0};
    AUTO_KEY struct pack_secret_key *key = test_key(1);
    AUTO_KEY struct pack_secret_key *other = test_key(2);
    const struct pack_public_key *public = pack_secret_key_public(key);
    const struct pack_signer signer = pack_signer_from_key(key);
    struct pack_signature made = {0};
    uint8_t digest[PACK_PREHASH_SIZE], wrong[PACK_PREHASH_SIZE];
    char longest[2 * PACK_MAX_TRUSTED_COMMENT];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    pack_prehash_bytes(document, strlen(document), digest);
    pack_prehash_bytes("another", 7, wrong);
    assert_pack_ok(pack_sign(&made, &signer, digest, comment, &error));
    assert_true(pack_signature_is_first(made.bytes, public, digest));
    assert_true(pack_signature_is_second(made.global, public, made.bytes, comment));
    assert_false(pack_signature_is_first(made.global, public, digest));
    assert_false(pack_signature_is_first(made.bytes, public, wrong));
    assert_false(pack_signature_is_first(made.bytes, pack_secret_key_public(other), digest));
    assert_false(pack_signature_is_second(made.global, public, made.global, comment));
    assert_false(pack_signature_is_second(made.global, public, made.bytes, "a Comment"));
    assert_false(
        pack_signature_is_second(made.global, pack_secret_key_public(other), made.bytes, comment));
    assert_false(pack_signature_is_second(made.global, public, made.bytes, longest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc8032_signatures_verify),
        cmocka_unit_test(a_seed_makes_rfc8032s_key_and_signature),
        cmocka_unit_test(a15_a_signature_has_one_form_only),
        cmocka_unit_test(a16_keys_and_points_of_small_order_verify_nothing),
        cmocka_unit_test(all_of_rfc8032_sign_and_verify),
        cmocka_unit_test(a15_wycheproof_verdicts),
        cmocka_unit_test(a16_speccheck_verdicts),
        cmocka_unit_test(a_signature_verifies_with_its_key_and_bytes_only),
        cmocka_unit_test(signing_twice_gives_the_same_bytes),
        cmocka_unit_test(a_comment_that_could_not_be_read_back_is_not_signed),
        cmocka_unit_test(what_a_signer_returns_is_verified_first),
        cmocka_unit_test(a_signers_failure_is_passed_on),
        cmocka_unit_test(bytes_and_a_stream_have_the_same_prehash),
        cmocka_unit_test(hashing_can_be_interrupted),
        cmocka_unit_test(a_signature_of_minisign_verifies),
        cmocka_unit_test(a_signature_is_written_in_one_way),
        cmocka_unit_test(a23_loose_signature_files_are_refused),
        cmocka_unit_test(a23_missing_and_exchanged_lines_are_named),
        cmocka_unit_test(a1_an_empty_signature_is_no_signature),
        cmocka_unit_test(a2_signatures_of_odd_sizes_are_refused),
        cmocka_unit_test(a25_comments_have_a_limit),
        cmocka_unit_test(a10_no_bit_of_a_signature_is_free),
        cmocka_unit_test(base64_has_one_spelling),
        cmocka_unit_test(a23_files_of_other_tools_get_their_verdicts),
        cmocka_unit_test(the_two_answers_of_a_signer_are_told_apart),
    };
    return cmocka_run_group_tests_name("minisign", tests, NULL, NULL);
}

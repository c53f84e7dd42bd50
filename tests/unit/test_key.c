/* SPDX-License-Identifier: MIT */
/* Public keys: what is taken for one, its ids and purposes. */
#include "pack/key.h"
#include "support/keys.h"

#include "base/memory.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

/* Made from the seed 00 01 … 1f by an independent implementation. */
#define PUBLIC_HEX "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
#define KEYID "63d00ee3cf4f5c61ad94efa696c68f13b608fe56ecea13fb144a6fd18e9235b9"

/* Made by minisign 0.11. */
#define MINISIGN_LINE "RWRZ0t/UAj9Dm1Zks0hcG1wwSpo/HaCaQ6mmhMBHucBka8N3OBhEBNx1"
#define MINISIGN_ID "9B433F02D4DFD259"
#define COMMENT "untrusted comment: minisign public key " MINISIGN_ID "\n"

static int parse(struct pack_public_key *key, const char *text, struct pack_error *error)
{
    return pack_public_key_parse(key, text, strlen(text), error);
}

static void the_key_id_is_tufs(void **state)
{
    (void)state;
    struct pack_error error = {0};
    size_t size = 0;
    char keyid[PACK_KEYID_SIZE];
    PACK_AUTO_FREE uint8_t *bytes = test_unhex(PUBLIC_HEX, &size);
    assert_pack_ok(pack_keyid(bytes, keyid, &error));
    assert_string_equal(keyid, KEYID);
}

static void a_public_key_of_minisign_is_taken(void **state)
{
    (void)state;
    static const char *const forms[] = {
        (COMMENT MINISIGN_LINE "\n"),
        (COMMENT MINISIGN_LINE),
        (MINISIGN_LINE "\n"),
        MINISIGN_LINE,
        ("untrusted comment: \n" MINISIGN_LINE),
        ("untrusted comment: x\r\n" MINISIGN_LINE "\r\n"),
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct pack_error error = {0};
        struct pack_public_key key;
        char id[17], line[PACK_PUBLIC_KEY_TEXT_SIZE];
        assert_pack_ok(parse(&key, forms[i], &error));
        assert_true(key.has_minisign_id);
        pack_minisign_id_text(key.minisign_id, id);
        assert_string_equal(id, MINISIGN_ID);
        pack_public_key_text(&key, line);
        assert_string_equal(line, MINISIGN_LINE);
        assert_int_equal(strlen(key.keyid), 64);
    }
}

static void minisigns_id_keeps_its_leading_zeros(void **state)
{
    (void)state;
    const uint8_t id[PACK_MINISIGN_ID_SIZE] = {0x01, 0x20, [7] = 0};
    char text[17];
    pack_minisign_id_text(id, text);
    assert_string_equal(text, "0000000000002001");
}

static void what_is_no_public_key_is_refused_by_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
        unsigned line;
    } cases[] = {
        {"", "public key has 0 bytes, 32 wanted", 0},
        {"hello\n", "not padded base64", 0},
        {"hello\nworld\n", "not a key of minisign, signify, OpenSSH or PEM", 1},
        {PUBLIC_HEX, "a bare key in hex", 0},
        {"A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=", "a bare key in base64", 0},
        {COMMENT, "public key has 0 bytes, 32 wanted", 0},
        {"untrusted comment: x\ry\r\n" MINISIGN_LINE "\r\n", "carriage return", 1},
        {MINISIGN_LINE "\r\r\n", "not padded base64", 0},
        {"untrusted comment: \x1b[2J\n" MINISIGN_LINE "\n", "control character", 1},
        {COMMENT MINISIGN_LINE "\n\n", "data after the key", 3},
        {COMMENT MINISIGN_LINE "\n" MINISIGN_LINE "\n", "data after the key", 3},
        {" " MINISIGN_LINE, "not padded base64", 0},
        {MINISIGN_LINE " ", "not padded base64", 0},
        {"RWRZ0t/UAj9Dm1Zks0hcG1wwSpo/HaCaQ6mmhMBH ucBka8N3OBhEBNx1", "not padded base64", 0},
        /* A signify key file's algorithm is Ed too; ED is that of a signature. */
        {"RURZ0t/UAj9Dm1Zks0hcG1wwSpo/HaCaQ6mmhMBHucBka8N3OBhEBNx1", "algorithm is not Ed", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        struct pack_public_key key;
        assert_pack_fails(parse(&key, cases[i].text, &error), PACK_E_KEY_INVALID);
        assert_pack_says(cases[i].says);
        assert_int_equal(error.line, cases[i].line);
    }
}

static void a_secret_key_given_as_a_public_one_is_named_so(void **state)
{
    (void)state;
    struct pack_error error = {0};
    struct pack_public_key key;
    char text[213];
    memset(text, 'A', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_pack_fails(parse(&key, text, &error), PACK_E_KEY_INVALID);
    assert_pack_says("this is a secret key");
    assert_null(strstr(error.text, "AAAA"));
}

static void a2_keys_of_31_and_33_bytes_are_refused(void **state)
{
    (void)state;
    struct pack_error error = {0};
    struct pack_public_key key;
    uint8_t bytes[43] = {'E', 'd'};
    char text[PACK_BASE64_TEXT_SIZE(sizeof bytes)];
    pack_base64_encode(text, sizeof text, bytes, 41);
    assert_pack_fails(parse(&key, text, &error), PACK_E_KEY_INVALID);
    assert_pack_says("public key has 31 bytes, 32 wanted");
    assert_pack_fails(pack_public_key_load(&key, text, &error), PACK_E_KEY_INVALID);
    assert_pack_says("public key has 31 bytes, 32 wanted");
    pack_base64_encode(text, sizeof text, bytes, 43);
    assert_pack_fails(parse(&key, text, &error), PACK_E_KEY_INVALID);
    assert_pack_says("public key has 33 bytes, 32 wanted");
}

static void a_comment_of_a_kilobyte_is_beyond_the_limit(void **state)
{
    (void)state;
    struct pack_error error = {0};
    struct pack_public_key key;
    char text[2048];
    snprintf(text, sizeof text, "untrusted comment: %*s\n%s\n", PACK_MAX_TRUSTED_COMMENT, "x",
             MINISIGN_LINE);
    assert_pack_fails(parse(&key, text, &error), PACK_E_LIMIT);
    snprintf(text, sizeof text, "untrusted comment: %*s\n%s\n", PACK_MAX_TRUSTED_COMMENT - 1, "x",
             MINISIGN_LINE);
    assert_pack_ok(parse(&key, text, &error));
}

/* --- points ---------------------------------------------------------------------------------- */

static int make_from_hex(const char *hex, struct pack_error *error)
{
    size_t size = 0;
    struct pack_public_key key;
    const uint8_t id[PACK_MINISIGN_ID_SIZE] = {0};
    PACK_AUTO_FREE uint8_t *bytes = test_unhex(hex, &size);
    assert_int_equal(size, PACK_PUBLIC_KEY_SIZE);
    return pack_public_key_make(&key, bytes, id, error);
}

/* All made by an independent implementation of the curve. */
static void a17_unusable_public_keys_are_refused(void **state)
{
    (void)state;
    static const char *const unusable[] = {
        /* small order: 1, 2, 4, 4, 8, 8, 8, 8 */
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        /* order 2L: honest keys plus the point of order 2 */
        "ea5ef8400c31ef41e28f22e718b43f66981b29cf645af2a0e223799bedaace47",
        "63771c228bf60e6a02ad24d2c345a28d3598f640e26bede40c8b77fe4bf090a3",
        "6cc688f15782e8a0a95cab993cb381333472756e4b11c85da209f0a470364c6b",
        /* order 4L and 8L */
        "8b2a59ac4324b312dd8d7e5480f0d2e11412b04eeb4e515268a730a951142b6c",
        "62d5a653bcdb4ced227281ab7f0f2d1eebed4fb114b1aead9758cf56aeebd493",
        "b502ff3d92e31d8190b4aa4ea0414005167fad089c4de9dac8a2fc850fed4f58",
        "38fd00c26d1ce27e6f4b55b15fbebffae98052f763b21625375d037af012b0a7",
        /* not on the curve */
        "0200000000000000000000000000000000000000000000000000000000000000",
        /* not canonical: y is p, p + 1, p + 3, 2^255 - 1; and -0 */
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    for (size_t i = 0; i < sizeof unusable / sizeof unusable[0]; i++) {
        struct pack_error error = {0};
        assert_pack_fails(make_from_hex(unusable[i], &error), PACK_E_KEY_INVALID);
        assert_pack_says("not a usable key");
    }
}

static void a17_honest_keys_are_usable(void **state)
{
    (void)state;
    static const char *const usable[] = {
        PUBLIC_HEX,
        "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
        "8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394",
    };
    for (size_t i = 0; i < sizeof usable / sizeof usable[0]; i++) {
        struct pack_error error = {0};
        assert_pack_ok(make_from_hex(usable[i], &error));
    }
}

/* --- files ----------------------------------------------------------------------------------- */

static void a_key_is_named_by_its_file_or_its_text(void **state)
{
    struct pack_error error = {0};
    struct pack_public_key from_file, from_text;
    PACK_AUTO_FREE char *path = test_path(*state, "release.pub");
    test_write_text(path, COMMENT MINISIGN_LINE "\n");
    assert_pack_ok(pack_public_key_load(&from_file, path, &error));
    assert_pack_ok(pack_public_key_load(&from_text, MINISIGN_LINE, &error));
    assert_string_equal(from_file.keyid, from_text.keyid);
}

static void a3_no_key_where_one_is_named_means_no_trust(void **state)
{
    struct pack_error error = {0};
    struct pack_public_key key;
    PACK_AUTO_FREE char *missing = test_path(*state, "missing.pub");
    PACK_AUTO_FREE char *empty = test_path(*state, "empty.pub");
    PACK_AUTO_FREE char *below_a_file = test_path(*state, "empty.pub/key.pub");
    test_write_text(empty, "");
    const char *const names[] = {missing, empty, below_a_file, *state};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_pack_fails(pack_public_key_load(&key, names[i], &error), PACK_E_UNTRUSTED);
        assert_pack_says("no trusted key at ");
        assert_pack_says(names[i]);
        assert_int_equal(pack_code_exit(error.code), 11);
    }
}

static void a_damaged_key_file_is_named(void **state)
{
    struct pack_error error = {0};
    struct pack_public_key key;
    PACK_AUTO_FREE char *path = test_path(*state, "release.pub");
    test_write_text(path, "nonsense\n");
    assert_pack_fails(pack_public_key_load(&key, path, &error), PACK_E_KEY_INVALID);
    assert_string_equal(error.file, path);
    PACK_AUTO_FREE char *large = calloc(1, 20000);
    memset(large, 'x', 20000);
    test_write_file(path, large, 20000);
    assert_pack_fails(pack_public_key_load(&key, path, &error), PACK_E_LIMIT);
    assert_string_equal(error.file, path);
}

/* --- purposes -------------------------------------------------------------------------------- */

static void purposes_have_names(void **state)
{
    (void)state;
    static const enum pack_key_purpose all[] = {PACK_PURPOSE_ANY, PACK_PURPOSE_RELEASE,
                                                PACK_PURPOSE_DELIVERY, PACK_PURPOSE_DEMO};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        enum pack_key_purpose purpose = PACK_PURPOSE_ANY;
        assert_true(pack_purpose_parse(pack_purpose_name(all[i]), &purpose));
        assert_int_equal(purpose, all[i]);
    }
    enum pack_key_purpose purpose = PACK_PURPOSE_DEMO;
    assert_false(pack_purpose_parse("Release", &purpose));
    assert_false(pack_purpose_parse(NULL, &purpose));
    assert_int_equal(purpose, PACK_PURPOSE_DEMO);
    assert_null(pack_purpose_name((enum pack_key_purpose)99));
}

static void a_demo_key_is_known_by_its_id_in_any_spelling(void **state)
{
    (void)state;
    struct pack_error error = {0};
    char line[PACK_PUBLIC_KEY_TEXT_SIZE];
    struct pack_public_key parsed;
    AUTO_KEY struct pack_secret_key *demo = NULL;
    AUTO_KEY struct pack_secret_key *release = NULL;
    assert_pack_ok(pack_secret_key_generate(&demo, PACK_PURPOSE_DEMO, &error));
    assert_pack_ok(pack_secret_key_generate(&release, PACK_PURPOSE_RELEASE, &error));
    assert_true(pack_public_key_is_demo(pack_secret_key_public(demo)));
    assert_false(pack_public_key_is_demo(pack_secret_key_public(release)));
    pack_public_key_text(pack_secret_key_public(demo), line);
    assert_pack_ok(parse(&parsed, line, &error));
    assert_true(pack_public_key_is_demo(&parsed));
}

static bool is_public_file(const char *name)
{
    const size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".pub") == 0;
}

static void published_demo_keys_are_known_without_their_id(void **state)
{
    (void)state;
    size_t count = 0;
    PACK_AUTO_FREE char *folder = test_fixture("../keys-example");
    DIR *listing = opendir(folder);
    assert_non_null(listing);
    for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        struct pack_error error = {0};
        struct pack_public_key key;
        PACK_AUTO_FREE char *path = test_path(folder, entry->d_name);
        if (!is_public_file(entry->d_name))
            continue;
        assert_pack_ok(pack_public_key_load(&key, path, &error));
        assert_true(pack_public_key_is_demo(&key));
        key.has_minisign_id = false;
        assert_true(pack_public_key_is_demo(&key));
        count++;
    }
    closedir(listing);
    assert_true(count >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_id_is_tufs),
        cmocka_unit_test(a_public_key_of_minisign_is_taken),
        cmocka_unit_test(minisigns_id_keeps_its_leading_zeros),
        cmocka_unit_test(what_is_no_public_key_is_refused_by_reason),
        cmocka_unit_test(a_secret_key_given_as_a_public_one_is_named_so),
        cmocka_unit_test(a2_keys_of_31_and_33_bytes_are_refused),
        cmocka_unit_test(a_comment_of_a_kilobyte_is_beyond_the_limit),
        cmocka_unit_test(a17_unusable_public_keys_are_refused),
        cmocka_unit_test(a17_honest_keys_are_usable),
        cmocka_unit_test_setup_teardown(a_key_is_named_by_its_file_or_its_text, test_make_folder,
                                        test_remove_folder),
        cmocka_unit_test_setup_teardown(a3_no_key_where_one_is_named_means_no_trust,
                                        test_make_folder, test_remove_folder),
        cmocka_unit_test_setup_teardown(a_damaged_key_file_is_named, test_make_folder,
                                        test_remove_folder),
        cmocka_unit_test(purposes_have_names),
        cmocka_unit_test(a_demo_key_is_known_by_its_id_in_any_spelling),
        cmocka_unit_test(published_demo_keys_are_known_without_their_id),
    };
    return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}

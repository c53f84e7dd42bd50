/* SPDX-License-Identifier: MIT */
/*
 * Key files of PEM, OpenSSH and signify. Those in keys/ were made by openssl, ssh-keygen and
 * signify's own layout from the seed 00 01 … 1f, with the passphrase "secret" and cheap KDFs.
 */
#include "crypto/pkcs8.h"
#include "crypto/secret_file.h"
#include "support/keys.h"

#include "base/bytes.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PUBLIC_HEX "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
#define KEYID "63d00ee3cf4f5c61ad94efa696c68f13b608fe56ecea13fb144a6fd18e9235b9"
#define FIDO_KEYID "9e444c1055996614a57d529ddbf38de9727a66e3f7a9517476bda3480ebdc49d"

/* --- reading a text -------------------------------------------------------------------------- */

struct answer {
    const char *text;
    unsigned asked;
};

static int answer(void *user, const char *what, bool confirm, char *buffer, size_t capacity,
                  size_t *length, struct pack_error *error)
{
    struct answer *given = user;
    (void)what;
    (void)confirm;
    (void)error;
    given->asked++;
    *length = strlen(given->text);
    assert_true(*length < capacity);
    memcpy(buffer, given->text, *length + 1);
    return 0;
}

/* Opens a text as a secret key file; the passphrase may be NULL. */
static int open_text(struct pack_secret_key **key, const char *text, size_t size,
                     struct answer *given, struct pack_error *error)
{
    PACK_AUTO_GUARDED struct pack_secret_file *file = NULL;
    const struct pack_passphrase passphrase = {given != NULL ? answer : NULL, given};
    struct pack_key_text parts;
    int code = pack_key_text_split(&parts, text, size, error);
    if (code == 0)
        code = pack_secret_file_read(&file, &parts, error);
    return code != 0 ? code : pack_secret_file_open(key, file, &passphrase, "test", error);
}

static char *fixture(const char *name, size_t *size)
{
    char path[128];
    snprintf(path, sizeof path, "unit/keys/%s", name);
    PACK_AUTO_FREE char *full = test_fixture(path);
    return (char *)test_read_file(full, size);
}

static int open_fixture(struct pack_secret_key **key, const char *name, struct answer *given,
                        struct pack_error *error)
{
    size_t size = 0;
    PACK_AUTO_FREE char *text = fixture(name, &size);
    return open_text(key, text, size, given, error);
}

static void assert_the_key(const struct pack_secret_key *key)
{
    assert_string_equal(key->key.keyid, KEYID);
    for (uint8_t i = 0; i < PACK_SEED_SIZE; i++)
        assert_int_equal(key->expanded[i], i);
    assert_memory_equal(key->expanded + PACK_SEED_SIZE, key->key.bytes, PACK_PUBLIC_KEY_SIZE);
}

/* --- good files ------------------------------------------------------------------------------ */

static void plain_files_give_the_key(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum pack_key_format format;
        enum pack_key_purpose purpose;
        bool has_id;
    } files[] = {
        {"plain.pem", PACK_KEY_PEM, PACK_PURPOSE_ANY, false},
        {"version2.pem", PACK_KEY_PEM, PACK_PURPOSE_ANY, false},
        {"plain.openssh", PACK_KEY_OPENSSH, PACK_PURPOSE_RELEASE, false},
        {"plain.signify", PACK_KEY_SIGNIFY, PACK_PURPOSE_DELIVERY, true},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct pack_error error = {0};
        AUTO_KEY struct pack_secret_key *key = NULL;
        assert_pack_ok(open_fixture(&key, files[i].name, NULL, &error));
        assert_the_key(key);
        assert_int_equal(pack_secret_key_format(key), files[i].format);
        assert_int_equal(pack_secret_key_purpose(key), files[i].purpose);
        assert_int_equal(key->key.has_minisign_id, files[i].has_id);
    }
}

static const char *const encrypted[] = {
    "pbkdf2-sha1.pem",    "pbkdf2-sha224.pem",  "pbkdf2-sha256.pem",         "pbkdf2-sha384.pem",
    "pbkdf2-sha512.pem",  "scrypt.pem",         "aes256-ctr.openssh",        "aes192-ctr.openssh",
    "aes128-ctr.openssh", "aes256-cbc.openssh", "aes192-cbc.openssh",        "aes128-cbc.openssh",
    "aes256-gcm.openssh", "aes128-gcm.openssh", "chacha20-poly1305.openssh", "bcrypt.signify",
};
enum { ENCRYPTED = sizeof encrypted / sizeof encrypted[0] };

static void encrypted_files_give_the_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < ENCRYPTED; i++) {
        struct pack_error error = {0};
        struct answer right = {.text = "secret"};
        AUTO_KEY struct pack_secret_key *key = NULL;
        assert_pack_ok(open_fixture(&key, encrypted[i], &right, &error));
        assert_the_key(key);
        assert_int_equal(right.asked, 1);
    }
}

static void a119_a_wrong_passphrase_is_no_damage(void **state)
{
    (void)state;
    for (size_t i = 0; i < ENCRYPTED; i++) {
        struct pack_error error = {0};
        struct answer wrong = {.text = "Secret"};
        AUTO_KEY struct pack_secret_key *key = NULL;
        assert_pack_fails(open_fixture(&key, encrypted[i], &wrong, &error), PACK_E_PASSPHRASE);
        assert_pack_says("the passphrase is wrong");
        assert_pack_fails(open_fixture(&key, encrypted[i], NULL, &error), PACK_E_PASSPHRASE);
        assert_pack_says("there is no passphrase");
        assert_null(key);
    }
}

/* RFC 8410, section 10.3: the second has attributes and a public half. */
static void the_rfcs_own_keys_are_taken(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "-----BEGIN PRIVATE KEY-----\n"
        "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
        "-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n"
        "MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
        "oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB\n"
        "Z9w7lshQhqowtrbLDFw4rXAxZuE=\n"
        "-----END PRIVATE KEY-----\n",
    };
    static const char public_text[] =
        "-----BEGIN PUBLIC KEY-----\n"
        "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
        "-----END PUBLIC KEY-----\n";
    for (size_t i = 0; i < 2; i++) {
        struct pack_error error = {0};
        struct pack_public_key public;
        AUTO_KEY struct pack_secret_key *key = NULL;
        assert_pack_ok(open_text(&key, texts[i], strlen(texts[i]), NULL, &error));
        assert_pack_ok(pack_public_key_parse(&public, public_text, strlen(public_text), &error));
        assert_string_equal(public.keyid, key->key.keyid);
    }
}

/* Every line end as Windows has it, and none behind the last line, as $(cat FILE) leaves it. */
static void line_ends_do_not_matter(void **state)
{
    (void)state;
    static const char *const names[] = {"plain.pem", "plain.openssh", "plain.signify"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct pack_error error = {0};
        size_t size = 0, length = 0;
        AUTO_KEY struct pack_secret_key *one = NULL;
        AUTO_KEY struct pack_secret_key *other = NULL;
        PACK_AUTO_FREE char *text = fixture(names[i], &size);
        PACK_AUTO_FREE char *windows = calloc(2, size);
        for (size_t j = 0; j < size; j++) {
            if (text[j] == '\n')
                windows[length++] = '\r';
            windows[length++] = text[j];
        }
        assert_pack_ok(open_text(&one, windows, length, NULL, &error));
        assert_the_key(one);
        assert_pack_ok(open_text(&other, text, size - 1, NULL, &error));
        assert_the_key(other);
    }
}

static void text_before_pem_explains(void **state)
{
    (void)state;
    struct pack_error error = {0};
    size_t size = 0;
    AUTO_KEY struct pack_secret_key *key = NULL;
    PACK_AUTO_FREE char *pem = fixture("plain.pem", &size);
    PACK_AUTO_BUFFER struct pack_buffer text = {.limit = 4096};
    assert_pack_ok(pack_buffer_print(&text, &error, "Bag Attributes\n  name: x\n%s\n \n", pem));
    assert_pack_ok(open_text(&key, (const char *)text.bytes, text.size, NULL, &error));
    assert_the_key(key);
    pack_secret_key_free(&key);
    assert_pack_ok(pack_buffer_print(&text, &error, "%s", pem));
    assert_pack_fails(open_text(&key, (const char *)text.bytes, text.size, NULL, &error),
                      PACK_E_KEY_INVALID);
    assert_pack_says("data after the key");
}

/* --- writing --------------------------------------------------------------------------------- */

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    AUTO_KEY struct pack_secret_key *key = test_key(9);
    for (unsigned i = 0; i < 2 * PACK_KEY_FORMAT_COUNT; i++) {
        struct pack_error error = {0};
        struct answer words = {.text = "correct horse"};
        const struct pack_passphrase none = {NULL, NULL}, some = {answer, &words};
        AUTO_KEY struct pack_secret_key *again = NULL;
        PACK_AUTO_SECRET_TEXT struct pack_secret_text text = {NULL, 0};
        assert_pack_ok(pack_secret_text_new(&text, &error));
        assert_pack_ok(pack_secret_file_write(&text, key, (enum pack_key_format)(i / 2), NULL,
                                              i % 2 == 0 ? &none : &some, "test", &error));
        assert_pack_ok(open_text(&again, (const char *)text.bytes, text.size, &words, &error));
        assert_memory_equal(again->expanded, key->expanded, PACK_EXPANDED_KEY_SIZE);
        assert_int_equal(words.asked, i % 2 == 0 ? 0 : 2);
        assert_int_equal(pack_secret_key_format(again), i / 2);
    }
}

/* A comment of any length fits, and one that ends a block needs no padding. */
static void openssh_pads_as_it_must(void **state)
{
    (void)state;
    AUTO_KEY struct pack_secret_key *key = test_key(9);
    for (int length = 0; length < 20; length++) {
        struct pack_error error = {0};
        char comment[32];
        const struct pack_passphrase none = {NULL, NULL};
        AUTO_KEY struct pack_secret_key *again = NULL;
        PACK_AUTO_SECRET_TEXT struct pack_secret_text text = {NULL, 0};
        snprintf(comment, sizeof comment, "%.*s", length, "aaaaaaaaaaaaaaaaaaaaaaaa");
        assert_pack_ok(pack_secret_text_new(&text, &error));
        assert_pack_ok(
            pack_secret_file_write(&text, key, PACK_KEY_OPENSSH, comment, &none, "test", &error));
        assert_pack_ok(open_text(&again, (const char *)text.bytes, text.size, NULL, &error));
    }
}

static void public_keys_are_written_and_read_again(void **state)
{
    (void)state;
    AUTO_KEY struct pack_secret_key *key = test_key(9);
    for (unsigned i = 0; i < PACK_KEY_FORMAT_COUNT; i++) {
        struct pack_error error = {0};
        struct pack_public_key again;
        size_t size = 0;
        PACK_AUTO_FREE char *text = NULL;
        assert_pack_ok(pack_public_key_format(&text, &size, pack_secret_key_public(key),
                                              PACK_PURPOSE_RELEASE, (enum pack_key_format)i,
                                              &error));
        assert_int_equal(size, strlen(text));
        assert_pack_ok(pack_public_key_parse(&again, text, size, &error));
        assert_string_equal(again.keyid, key->key.keyid);
    }
}

static void a123_a_demo_key_keeps_saying_so(void **state)
{
    (void)state;
    struct pack_error error = {0};
    AUTO_KEY struct pack_secret_key *demo = NULL;
    assert_pack_ok(pack_secret_key_generate(&demo, PACK_PURPOSE_DEMO, &error));
    for (unsigned i = 0; i < PACK_KEY_FORMAT_COUNT; i++) {
        const enum pack_key_format format = (enum pack_key_format)i;
        struct pack_public_key again;
        size_t size = 0;
        PACK_AUTO_FREE char *text = NULL;
        const int code =
            pack_public_key_format(&text, &size, &demo->key, PACK_PURPOSE_DEMO, format, &error);
        if (format == PACK_KEY_PEM || format == PACK_KEY_OPENSSH) {
            assert_int_equal(code, PACK_E_USAGE);
            continue;
        }
        assert_int_equal(code, 0);
        assert_pack_ok(pack_public_key_parse(&again, text, size, &error));
        assert_true(pack_public_key_is_demo(&again));
    }
}

/* --- public keys ----------------------------------------------------------------------------- */

static void public_keys_of_all_formats_are_the_same_key(void **state)
{
    (void)state;
    static const char *const names[] = {"public.pem", "public.openssh"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct pack_error error = {0};
        struct pack_public_key key;
        size_t size = 0;
        PACK_AUTO_FREE char *text = fixture(names[i], &size);
        assert_pack_ok(pack_public_key_parse(&key, text, size, &error));
        assert_string_equal(key.keyid, KEYID);
        assert_false(key.has_minisign_id);
    }
}

static void an_openssh_line_is_a_pub_by_itself(void **state)
{
    (void)state;
    struct pack_error error = {0};
    struct pack_public_key key;
    size_t size = 0;
    PACK_AUTO_FREE char *line = fixture("public.openssh", &size);
    line[strlen(line) - 1] = '\0';
    assert_pack_ok(pack_public_key_load(&key, line, &error));
    assert_string_equal(key.keyid, KEYID);
    line[strlen(line) - strlen(" a signer, purpose release") - 1] = '!';
    assert_pack_fails(pack_public_key_load(&key, line, &error), PACK_E_KEY_INVALID);
}

static void a_fido_key_has_its_application_and_an_id_of_its_own(void **state)
{
    (void)state;
    struct pack_error error = {0};
    struct pack_public_key key;
    size_t size = 0;
    PACK_AUTO_FREE char *text = fixture("fido-public.openssh", &size);
    PACK_AUTO_FREE char *line = NULL;
    PACK_AUTO_FREE char *none = NULL;
    assert_pack_ok(pack_public_key_parse(&key, text, size, &error));
    assert_string_equal(key.application, "ssh:");
    assert_string_equal(key.keyid, FIDO_KEYID);
    assert_pack_ok(pack_public_key_ssh_text(&line, &key, &error));
    assert_memory_equal(line, text, strlen(line));
    assert_pack_fails(
        pack_public_key_format(&none, &size, &key, PACK_PURPOSE_ANY, PACK_KEY_PEM, &error),
        PACK_E_USAGE);
}

static void names_are_those_of_the_other_tools(void **state)
{
    (void)state;
    struct pack_error error = {0};
    char fingerprint[PACK_SSH_FINGERPRINT_SIZE], hex[PACK_SHA256_HEX_SIZE];
    uint8_t digest[PACK_SHA256_SIZE];
    struct pack_public_key key;
    size_t size = 0;
    PACK_AUTO_FREE char *text = fixture("public.pem", &size);
    assert_pack_ok(pack_public_key_parse(&key, text, size, &error));
    assert_pack_ok(pack_ssh_fingerprint(fingerprint, &key, &error));
    assert_string_equal(fingerprint, "SHA256:lbmsoA0yIEcEiVDRnMWuzm+nV+3ZEEpVIURqFoeSspg");
    assert_pack_ok(pack_spki_sha256(digest, &key, &error));
    pack_sha256_hex(digest, hex);
    assert_string_equal(hex, "a050837d85070582ccf7394b0988847cc312cb88259b894899f6f239cf1791a5");
}

/* A public key of these bytes in PEM, or in OpenSSH's line. */
static int parse_point(const uint8_t *point, size_t size, bool is_pem, struct pack_error *error)
{
    uint8_t bytes[128] = {0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0};
    char digits[PACK_BASE64_TEXT_SIZE(sizeof bytes)], text[512];
    struct pack_public_key key;
    size_t header = 12;
    if (is_pem) {
        bytes[1] = (uint8_t)(10 + size);
        bytes[10] = (uint8_t)(1 + size);
    } else {
        memcpy(bytes, "\0\0\0\x0bssh-ed25519\0\0\0", header = 18);
        bytes[header++] = (uint8_t)size;
    }
    memcpy(bytes + header, point, size);
    pack_base64_encode(digits, sizeof digits, bytes, header + size);
    snprintf(text, sizeof text,
             is_pem ? "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----"
                    : "ssh-ed25519 %s comment",
             digits);
    return pack_public_key_parse(&key, text, strlen(text), error);
}

static void a17_unusable_points_are_refused_in_every_format(void **state)
{
    (void)state;
    static const char *const unusable[] = {
        "0100000000000000000000000000000000000000000000000000000000000000", /* the identity */
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", /* order 8 */
        "ea5ef8400c31ef41e28f22e718b43f66981b29cf645af2a0e223799bedaace47", /* order 2L */
        "8b2a59ac4324b312dd8d7e5480f0d2e11412b04eeb4e515268a730a951142b6c", /* order 4L */
        "0200000000000000000000000000000000000000000000000000000000000000", /* no point */
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* not canonical */
    };
    for (size_t i = 0; i < 2 * sizeof unusable / sizeof unusable[0]; i++) {
        struct pack_error error = {0};
        size_t size = 0;
        PACK_AUTO_FREE uint8_t *point = test_unhex(unusable[i / 2], &size);
        assert_pack_fails(parse_point(point, size, i % 2 == 0, &error), PACK_E_KEY_INVALID);
        assert_pack_says("not a usable key");
    }
}

static void a2_keys_of_31_and_33_bytes_are_refused(void **state)
{
    (void)state;
    const uint8_t point[33] = {1};
    for (size_t size = 31; size <= 33; size += 2)
        for (int is_pem = 0; is_pem <= 1; is_pem++) {
            struct pack_error error = {0};
            char says[64];
            snprintf(says, sizeof says, "has %zu bytes, 32 wanted", size);
            assert_pack_fails(parse_point(point, size, is_pem, &error), PACK_E_KEY_INVALID);
            assert_pack_says(says);
        }
}

/* --- damage ---------------------------------------------------------------------------------- */

/* Opens the decoded bytes of a format, as the file would be after its base64. */
static int open_bytes(enum pack_key_format format, bool sealed, const uint8_t *bytes, size_t size,
                      struct answer *given, struct pack_error *error)
{
    static const char *const frames[PACK_KEY_FORMAT_COUNT][2] = {
        [PACK_KEY_PEM] = {"PRIVATE KEY", "ENCRYPTED PRIVATE KEY"},
        [PACK_KEY_OPENSSH] = {"OPENSSH PRIVATE KEY", "OPENSSH PRIVATE KEY"},
    };
    AUTO_KEY struct pack_secret_key *key = NULL;
    char digits[4096], text[8192];
    const char *frame = frames[format][sealed];
    pack_base64_encode(digits, sizeof digits, bytes, size);
    if (frame == NULL)
        snprintf(text, sizeof text, "untrusted comment: x\n%s\n", digits);
    else
        snprintf(text, sizeof text, "-----BEGIN %s-----\n%s\n-----END %s-----\n", frame, digits,
                 frame);
    const int code = open_text(&key, text, strlen(text), given, error);
    assert_true(code == 0 || key == NULL);
    return code;
}

static uint8_t *decoded(const char *name, enum pack_key_format *format, size_t *size)
{
    struct pack_error error = {0};
    struct pack_key_text parts;
    PACK_AUTO_FREE char *text = fixture(name, size);
    uint8_t *bytes = calloc(1, *size);
    assert_pack_ok(pack_key_text_split(&parts, text, *size, &error));
    assert_true(pack_key_text_decode(parts.data, bytes, *size, size));
    *format = parts.format;
    return bytes;
}

static void a18_a_public_half_of_another_seed_is_damage(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t from_end; /* of a bit in a public half; that of OpenSSH stands there three times */
    } halves[] = {
        {"version2.pem", 1},    {"plain.signify", 1},   {"plain.openssh", 38},
        {"plain.openssh", 106}, {"plain.openssh", 190},
    };
    for (size_t i = 0; i < sizeof halves / sizeof halves[0]; i++) {
        struct pack_error error = {0};
        enum pack_key_format format = PACK_KEY_MINISIGN;
        size_t size = 0;
        PACK_AUTO_FREE uint8_t *bytes = decoded(halves[i].name, &format, &size);
        assert_int_equal(open_bytes(format, false, bytes, size, NULL, &error), 0);
        bytes[size - halves[i].from_end] ^= 1;
        assert_pack_fails(open_bytes(format, false, bytes, size, NULL, &error), PACK_E_KEY_INVALID);
        assert_true(strstr(error.text, "damaged") != NULL ||
                    strstr(error.text, "not a usable key") != NULL);
    }
}

/* PEM guards nothing, so another seed is another key there; elsewhere each bit is told. */
static void flipped_bits_fail_by_known_codes(void **state)
{
    (void)state;
    static const char *const names[] = {"plain.pem", "version2.pem", "plain.openssh",
                                        "plain.signify"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        enum pack_key_format format = PACK_KEY_MINISIGN;
        size_t size = 0;
        PACK_AUTO_FREE uint8_t *bytes = decoded(names[i], &format, &size);
        for (size_t at = 0; at < size; at++) {
            struct pack_error error = {0};
            struct answer none = {.text = "x"};
            bytes[at] ^= 1;
            if (open_bytes(format, false, bytes, size, &none, &error) != 0)
                assert_true(error.code == PACK_E_KEY_INVALID || error.code == PACK_E_PASSPHRASE ||
                            error.code == PACK_E_LIMIT);
            bytes[at] ^= 1;
        }
    }
}

static void truncated_files_are_damaged(void **state)
{
    (void)state;
    static const char *const names[] = {"plain.pem", "version2.pem", "plain.openssh", "scrypt.pem",
                                        "aes256-gcm.openssh"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        enum pack_key_format format = PACK_KEY_MINISIGN;
        size_t size = 0;
        PACK_AUTO_FREE uint8_t *bytes = decoded(names[i], &format, &size);
        for (size_t shorter = 0; shorter < size; shorter++) {
            struct pack_error error = {0};
            assert_pack_fails(open_bytes(format, i == 3, bytes, shorter, NULL, &error),
                              PACK_E_KEY_INVALID);
        }
        struct pack_error error = {0};
        PACK_AUTO_FREE uint8_t *longer = calloc(1, size + 1);
        memcpy(longer, bytes, size);
        assert_pack_fails(open_bytes(format, i == 3, longer, size + 1, NULL, &error),
                          PACK_E_KEY_INVALID);
    }
}

/* Overwrites bytes of an encrypted fixture, and expects it to be refused before anybody is asked.
 */
static void assert_refused(const char *name, size_t at, const char *hex, enum pack_code code)
{
    struct pack_error error = {0};
    struct answer never = {.text = "secret"};
    enum pack_key_format format = PACK_KEY_MINISIGN;
    size_t size = 0, count = 0;
    PACK_AUTO_FREE uint8_t *bytes = decoded(name, &format, &size);
    PACK_AUTO_FREE uint8_t *changed = test_unhex(hex, &count);
    memcpy(bytes + at, changed, count);
    assert_pack_fails(open_bytes(format, true, bytes, size, &never, &error), code);
    assert_int_equal(never.asked, 0);
}

static size_t find(const char *name, const char *hex)
{
    enum pack_key_format format = PACK_KEY_MINISIGN;
    size_t size = 0, count = 0;
    PACK_AUTO_FREE uint8_t *bytes = decoded(name, &format, &size);
    PACK_AUTO_FREE uint8_t *wanted = test_unhex(hex, &count);
    const uint8_t *found = memmem(bytes, size, wanted, count);
    assert_non_null(found);
    return (size_t)(found - bytes);
}

static void a119_absurd_costs_are_refused_before_asking(void **state)
{
    (void)state;
    /* N 16, r 1, p 1 as INTEGERs; then the rounds behind the 16 bytes of the salt. */
    const size_t scrypt = find("scrypt.pem", "020110020101020101");
    assert_refused("scrypt.pem", scrypt, "0207400000000000000201", PACK_E_KEY_INVALID);
    assert_refused("scrypt.pem", scrypt + 1, "0111", PACK_E_KEY_INVALID);
    assert_refused("scrypt.pem", scrypt + 1, "0180", PACK_E_KEY_INVALID);
    assert_refused("aes256-ctr.openssh", find("aes256-ctr.openssh", "0000000100000001"), "ffffffff",
                   PACK_E_LIMIT);
    assert_refused("aes256-ctr.openssh", find("aes256-ctr.openssh", "0000000100000001"), "00000401",
                   PACK_E_LIMIT);
    assert_refused("aes256-ctr.openssh", find("aes256-ctr.openssh", "0000000100000001"), "00000000",
                   PACK_E_KEY_INVALID);
    assert_refused("bcrypt.signify", 4, "80000000", PACK_E_LIMIT);
}

/* --- keys of others -------------------------------------------------------------------------- */

static void keys_of_other_kinds_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *name, *says;
    } files[] = {
        {"sec1.pem", "an ECDSA key"},
        {"ecdsa.pem", "an ECDSA key"},
        {"ecdsa.openssh", "ecdsa-sha2-nistp256"},
        {"rsa.pem", "an RSA key"},
        {"x25519.pem", "an X25519 key, which encrypts and cannot sign"},
        {"x25519-encrypted.pem", "an X25519 key"},
        {"fido.openssh", "handle of a FIDO key"},
        {"pbes1.pem", "encrypted with a scheme that is not known, PBES2 wanted"},
        {"des3.pem", "encrypted with a cipher that is not known"},
        {"3des-cbc.openssh", "encrypted with a cipher that is not known"},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct pack_error error = {0};
        struct answer right = {.text = "secret"};
        AUTO_KEY struct pack_secret_key *key = NULL;
        assert_pack_fails(open_fixture(&key, files[i].name, &right, &error), PACK_E_KEY_INVALID);
        assert_pack_says(files[i].says);
    }
}

static void files_of_other_programs_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says, *hints;
    } texts[] = {
        {"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "a key of PuTTY", "puttygen"},
        {"# created: 2026-01-01\nAGE-SECRET-KEY-1QQ\n", "an age identity", "cannot sign"},
        {"AGE-SECRET-KEY-1QQ\n", "an age identity", "cannot sign"},
        {"age1qqq\n", "an age recipient", "cannot sign"},
        {"-----BEGIN AGE ENCRYPTED FILE-----\n", "an encrypted age file", "age -d"},
        {"-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n", "an X.509 certificate",
         "openssl x509"},
        {"-----BEGIN RSA PRIVATE KEY-----\n", "an RSA key", "fwpack key generate"},
        {"-----BEGIN RSA PUBLIC KEY-----\n", "an RSA key", "fwpack key generate"},
        {"-----BEGIN EC PARAMETERS-----\n", "an ECDSA key", "fwpack key generate"},
        {"-----BEGIN DSA PRIVATE KEY-----\n", "a DSA key", "fwpack key generate"},
        {"-----BEGIN PGP PRIVATE KEY BLOCK-----\n", "a PGP file", "fwpack key generate"},
        {"-----BEGIN SSH SIGNATURE-----\n", "an SSH signature", "--import"},
        {"-----BEGIN \x1b[2J-----\n", "\\x1b[2J", "fwpack key generate"},
        {"---- BEGIN SSH2 PUBLIC KEY ----\n", "a key of RFC 4716", "ssh-keygen -i"},
        {"0.\x02\x01", "a binary file", "openssl pkey -inform DER"},
        {"{\"kty\":\"OKP\"}", "a JSON file", "fwpack key generate"},
        {"-----BEGIN PRIVATE KEY-----\nMC4=\n", "cut short", ""},
        {"-----BEGIN PRIVATE KEY----- MC4=\n-----END PRIVATE KEY-----", "a line of its own", ""},
        {"-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PUBLIC KEY-----", "ends otherwise", ""},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct pack_error error = {0};
        struct pack_public_key public;
        AUTO_KEY struct pack_secret_key *key = NULL;
        const size_t size = strlen(texts[i].text);
        assert_pack_fails(open_text(&key, texts[i].text, size, NULL, &error), PACK_E_KEY_INVALID);
        assert_pack_says(texts[i].says);
        assert_non_null(strstr(error.hint, texts[i].hints));
        assert_pack_fails(pack_public_key_parse(&public, texts[i].text, size, &error),
                          PACK_E_KEY_INVALID);
    }
}

static void the_other_half_is_named(void **state)
{
    (void)state;
    static const char *const secrets[] = {"plain.pem", "scrypt.pem", "plain.openssh",
                                          "fido.openssh", "plain.signify"};
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        struct pack_error error = {0};
        struct pack_public_key public;
        size_t size = 0;
        PACK_AUTO_FREE char *text = fixture(secrets[i], &size);
        assert_pack_fails(pack_public_key_parse(&public, text, size, &error), PACK_E_KEY_INVALID);
        assert_pack_says("this is a secret key, where a public key is wanted");
    }
}

/* --- files ----------------------------------------------------------------------------------- */

static void a_file_tells_its_format_and_cost(void **state)
{
    static const struct {
        const char *name;
        enum pack_key_format format;
        bool has_key;
        const char *kdf;
        uint64_t rounds, memory;
        enum pack_key_purpose purpose;
    } files[] = {
        {"plain.pem", PACK_KEY_PEM, true, NULL, 0, 0, PACK_PURPOSE_ANY},
        {"pbkdf2-sha384.pem", PACK_KEY_PEM, false, "PBKDF2-HMAC-SHA384", 10, 0, PACK_PURPOSE_ANY},
        {"scrypt.pem", PACK_KEY_PEM, false, "scrypt", 0, 2048, PACK_PURPOSE_ANY},
        {"plain.openssh", PACK_KEY_OPENSSH, true, NULL, 0, 0, PACK_PURPOSE_RELEASE},
        {"aes256-ctr.openssh", PACK_KEY_OPENSSH, true, "bcrypt", 1, 0, PACK_PURPOSE_ANY},
        {"plain.signify", PACK_KEY_SIGNIFY, true, NULL, 0, 0, PACK_PURPOSE_DELIVERY},
        {"bcrypt.signify", PACK_KEY_SIGNIFY, false, "bcrypt", 1, 0, PACK_PURPOSE_DELIVERY},
        {"fido-public.openssh", PACK_KEY_OPENSSH, true, NULL, 0, 0, PACK_PURPOSE_RELEASE},
    };
    PACK_AUTO_FREE char *path = test_path(*state, "k");
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct pack_error error = {0};
        struct pack_key_info info;
        size_t size = 0;
        PACK_AUTO_FREE char *text = fixture(files[i].name, &size);
        test_write_file(path, text, size);
        assert_pack_ok(pack_key_info_load(&info, path, &error));
        assert_int_equal(info.format, files[i].format);
        assert_int_equal(info.has_key, files[i].has_key);
        assert_int_equal(info.purpose, files[i].purpose);
        assert_int_equal(info.kdf_rounds, files[i].rounds);
        assert_int_equal(info.kdf_memory, files[i].memory);
        if (files[i].kdf == NULL)
            assert_null(info.kdf);
        else
            assert_string_equal(info.kdf, files[i].kdf);
    }
}

static void a115_another_passphrase_makes_the_file_private(void **state)
{
    static const char *const names[] = {"plain.pem", "plain.openssh", "plain.signify"};
    PACK_AUTO_FREE char *path = test_path(*state, "k");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct pack_error error = {0};
        struct answer words = {.text = "other words"};
        const struct pack_passphrase some = {answer, &words}, none = {NULL, NULL};
        const struct pack_key_access access = {.passphrase = some};
        struct stat status;
        struct pack_key_info info;
        size_t size = 0;
        AUTO_KEY struct pack_secret_key *key = NULL;
        PACK_AUTO_FREE char *text = fixture(names[i], &size);
        test_write_file(path, text, size);
        chmod(path, 0644);
        assert_pack_ok(pack_secret_key_rekey(path, &access, &some, &error));
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
        assert_pack_ok(pack_key_info_load(&info, path, &error));
        assert_true(info.encrypted);
        assert_pack_ok(pack_secret_key_load(&key, path, &access, &error));
        assert_the_key(key);
        assert_pack_ok(pack_secret_key_rekey(path, &access, &none, &error));
        assert_pack_ok(pack_key_info_load(&info, path, &error));
        assert_false(info.encrypted);
        assert_int_equal(test_count_files(*state), 1);
    }
}

static void a117_a_wrong_passphrase_leaves_the_old_file(void **state)
{
    struct pack_error error = {0};
    struct answer wrong = {.text = "wrong"};
    const struct pack_passphrase passphrase = {answer, &wrong};
    const struct pack_key_access access = {.passphrase = passphrase};
    size_t size = 0, after = 0;
    PACK_AUTO_FREE char *path = test_path(*state, "k");
    PACK_AUTO_FREE char *text = fixture("scrypt.pem", &size);
    test_write_file(path, text, size);
    assert_pack_fails(pack_secret_key_rekey(path, &access, &passphrase, &error), PACK_E_PASSPHRASE);
    PACK_AUTO_FREE uint8_t *kept = test_read_file(path, &after);
    assert_int_equal(after, size);
    assert_memory_equal(kept, text, size);
    assert_int_equal(test_count_files(*state), 1);
}

static void a116_export_replaces_nothing(void **state)
{
    struct pack_error error = {0};
    const struct pack_passphrase none = {NULL, NULL};
    AUTO_KEY struct pack_secret_key *key = test_key(9);
    PACK_AUTO_FREE char *path = test_path(*state, "k");
    struct stat status;
    assert_pack_ok(pack_secret_key_export(key, path, PACK_KEY_PEM, &none, &error));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_pack_fails(pack_secret_key_export(key, path, PACK_KEY_OPENSSH, &none, &error),
                      PACK_E_EXISTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_files_give_the_key),
        cmocka_unit_test(encrypted_files_give_the_key),
        cmocka_unit_test(a119_a_wrong_passphrase_is_no_damage),
        cmocka_unit_test(the_rfcs_own_keys_are_taken),
        cmocka_unit_test(line_ends_do_not_matter),
        cmocka_unit_test(text_before_pem_explains),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(openssh_pads_as_it_must),
        cmocka_unit_test(public_keys_are_written_and_read_again),
        cmocka_unit_test(a123_a_demo_key_keeps_saying_so),
        cmocka_unit_test(public_keys_of_all_formats_are_the_same_key),
        cmocka_unit_test(an_openssh_line_is_a_pub_by_itself),
        cmocka_unit_test(a_fido_key_has_its_application_and_an_id_of_its_own),
        cmocka_unit_test(names_are_those_of_the_other_tools),
        cmocka_unit_test(a17_unusable_points_are_refused_in_every_format),
        cmocka_unit_test(a2_keys_of_31_and_33_bytes_are_refused),
        cmocka_unit_test(a18_a_public_half_of_another_seed_is_damage),
        cmocka_unit_test(flipped_bits_fail_by_known_codes),
        cmocka_unit_test(truncated_files_are_damaged),
        cmocka_unit_test(a119_absurd_costs_are_refused_before_asking),
        cmocka_unit_test(keys_of_other_kinds_are_named),
        cmocka_unit_test(files_of_other_programs_are_named),
        cmocka_unit_test(the_other_half_is_named),
        cmocka_unit_test_setup_teardown(a_file_tells_its_format_and_cost, test_make_folder,
                                        test_remove_folder),
        cmocka_unit_test_setup_teardown(a115_another_passphrase_makes_the_file_private,
                                        test_make_folder, test_remove_folder),
        cmocka_unit_test_setup_teardown(a117_a_wrong_passphrase_leaves_the_old_file,
                                        test_make_folder, test_remove_folder),
        cmocka_unit_test_setup_teardown(a116_export_replaces_nothing, test_make_folder,
                                        test_remove_folder),
    };
    return cmocka_run_group_tests_name("key_formats", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* age's keys: Bech32, recipients, files of identities, plain and encrypted, and new ones. */
#include "age/armor.h"
#include "age/bech32.h"
#include "age/parties.h"
#include "age_bytes.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "pack/age.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define AUTO_IDENTITIES PACK_AUTO(pack_age_identities_free)
#define AUTO_RECIPIENTS PACK_AUTO(pack_age_recipients_free)
#define AUTO_INPUT PACK_AUTO(pack_input_close)

/* --- Bech32 ---------------------------------------------------------------------------------- */

/* The pair in age's specification. */
static const char known_secret[] =
    "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
static const char known_recipient[] =
    "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

static void test_bech32_both_ways(void **state)
{
    (void)state;
    uint8_t secret[32], expected[32];
    char text[AGE_BECH32_TEXT];
    struct pack_error error = {0};
    memset(expected, 0x42, sizeof expected);
    assert_pack_ok(age_bech32_decode(&age_bech32_identity, known_secret, strlen(known_secret),
                                     secret, &error));
    assert_memory_equal(secret, expected, sizeof secret);
    age_bech32_encode(&age_bech32_identity, expected, text);
    assert_string_equal(text, known_secret);
    for (unsigned i = 0; i < 256; i++) {
        uint8_t back[32];
        memset(expected, (int)i, sizeof expected);
        expected[i % 32] = (uint8_t)(i * 7);
        age_bech32_encode(&age_bech32_recipient, expected, text);
        assert_pack_ok(age_bech32_decode(&age_bech32_recipient, text, strlen(text), back, &error));
        assert_memory_equal(back, expected, sizeof back);
    }
}

/* Any one character that is another, and any two that are swapped. */
static void test_bech32_finds_each_slip(void **state)
{
    (void)state;
    static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7lb1io-Q A\x80";
    const size_t size = strlen(known_recipient);
    uint8_t bytes[32];
    for (size_t i = 0; i < size; i++)
        for (size_t k = 0; k < sizeof alphabet - 1; k++) {
            char text[] = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
            struct pack_error error = {0};
            text[i] = alphabet[k];
            if (text[i] != known_recipient[i])
                assert_pack_fails(
                    age_bech32_decode(&age_bech32_recipient, text, size, bytes, &error),
                    PACK_E_KEY_INVALID);
        }
    for (size_t i = 1; i < size; i++) {
        char text[] = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
        struct pack_error error = {0};
        text[i] = known_recipient[i - 1];
        text[i - 1] = known_recipient[i];
        if (text[i] != text[i - 1])
            assert_pack_fails(age_bech32_decode(&age_bech32_recipient, text, size, bytes, &error),
                              PACK_E_KEY_INVALID);
    }
}

static void test_bech32_says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujw",
         "has 61 characters, 62 wanted"},
        {"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwjj",
         "has 63 characters, 62 wanted"},
        {"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwi", "character 62"},
        {"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwq", "checksum"},
        {"AGE1ZVKYG2LQZRAA2LNJVQEJ32NKUU0UES2S82HZRYE869XEEXVN73EQUNUJWJ", "does not begin with"},
        /* The last of its four spare bits is set; the checksum is that of this text. */
        {"age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqpfwgqrs", "bits beyond the end"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        uint8_t bytes[32];
        assert_pack_fails(age_bech32_decode(&age_bech32_recipient, cases[i].text,
                                            strlen(cases[i].text), bytes, &error),
                          PACK_E_KEY_INVALID);
        assert_pack_says(cases[i].says);
    }
}

/* --- recipients ------------------------------------------------------------------------------ */

static const struct refused {
    const char *text, *says;
} refused_recipients[] = {
    {"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwq", "checksum"},
    {"age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z", "low order"},
    {"age1pq1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj", "post-quantum"},
    {"age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t",
     "recipient of an age plugin"},
    {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN x",
     "an SSH key"},
    {"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQDE x", "an SSH key"},
    {"AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX",
     "a secret identity, where a recipient is wanted"},
};

static void test_refused_recipients(void **state)
{
    PACK_AUTO_FREE char *path = test_path(*state, "recipients.txt");
    for (size_t i = 0; i < sizeof refused_recipients / sizeof refused_recipients[0]; i++) {
        AUTO_RECIPIENTS struct pack_age_recipients *recipients = NULL;
        PACK_AUTO_BUFFER struct pack_buffer text = {.limit = 4096};
        const struct refused *refused = &refused_recipients[i];
        struct pack_error error = {0};
        assert_pack_ok(pack_age_recipients_new(&recipients, &error));
        assert_pack_fails(pack_age_recipients_add(recipients, refused->text, &error),
                          PACK_E_KEY_INVALID);
        assert_pack_says(refused->says);
        assert_null(strstr(error.text, "GFPYYSJZ"));
        assert_string_equal(error.file, "");

        assert_pack_ok(pack_buffer_print(&text, &error, "# mine\n%s\r\n\n%s\n", known_recipient,
                                         refused->text));
        test_write_file(path, text.bytes, text.size);
        pack_error_clear(&error);
        assert_pack_fails(pack_age_recipients_add(recipients, path, &error), PACK_E_KEY_INVALID);
        assert_pack_says(refused->says);
        assert_int_equal(error.line, 4);
        assert_string_equal(error.file, path);
    }
}

static void test_recipients_count_once(void **state)
{
    PACK_AUTO_FREE char *path = test_path(*state, "recipients.txt");
    PACK_AUTO_FREE char *empty = test_path(*state, "empty.txt");
    PACK_AUTO_FREE char *none = test_path(*state, "none.txt");
    AUTO_RECIPIENTS struct pack_age_recipients *recipients = NULL;
    struct pack_error error = {0};
    test_write_text(path, "# two\nage1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj\n"
                          "age15nsf9y4k28p83wth93tf7hafhvfajp45d2mge80ems45gz0c5gys3me64l");
    test_write_text(empty, "# nobody\n");
    assert_pack_ok(pack_age_recipients_new(&recipients, &error));
    assert_int_equal(pack_age_recipients_count(recipients), 0);
    assert_pack_ok(pack_age_recipients_add(recipients, known_recipient, &error));
    assert_pack_ok(pack_age_recipients_add(recipients, path, &error));
    assert_pack_ok(pack_age_recipients_add(recipients, known_recipient, &error));
    assert_int_equal(pack_age_recipients_count(recipients), 2);
    assert_pack_fails(pack_age_recipients_add(recipients, empty, &error), PACK_E_KEY_INVALID);
    assert_pack_says("no recipient in this file");
    assert_pack_fails(pack_age_recipients_add(recipients, none, &error), PACK_E_NOT_FOUND);
}

/* --- passphrases ----------------------------------------------------------------------------- */

struct answer {
    const char *text;
    unsigned asked;
    bool confirmed;
};

static int say(void *user, const char *what, bool confirm, char *buffer, size_t capacity,
               size_t *length, struct pack_error *error)
{
    struct answer *answer = user;
    (void)error;
    assert_true(what[0] != '\0');
    answer->asked++;
    answer->confirmed = confirm;
    *length = strlen(answer->text);
    assert_true(*length < capacity);
    memcpy(buffer, answer->text, *length + 1);
    return 0;
}

static void test_a_passphrase_stands_alone(void **state)
{
    (void)state;
    AUTO_RECIPIENTS struct pack_age_recipients *recipients = NULL;
    struct answer answer = {.text = "correct horse"};
    struct answer nothing = {.text = ""};
    const struct pack_passphrase passphrase = {say, &answer}, empty = {say, &nothing},
                                 none = {NULL, NULL};
    struct pack_error error = {0};
    assert_pack_ok(pack_age_recipients_new(&recipients, &error));
    assert_pack_fails(pack_age_recipients_passphrase(recipients, &none, &error), PACK_E_PASSPHRASE);
    assert_pack_fails(pack_age_recipients_passphrase(recipients, &empty, &error),
                      PACK_E_PASSPHRASE);
    assert_pack_ok(pack_age_recipients_passphrase(recipients, &passphrase, &error));
    assert_true(answer.confirmed);
    assert_int_equal(pack_age_recipients_count(recipients), 1);
    assert_pack_fails(pack_age_recipients_add(recipients, known_recipient, &error), PACK_E_USAGE);
    assert_pack_fails(pack_age_recipients_passphrase(recipients, &passphrase, &error),
                      PACK_E_USAGE);
    pack_age_recipients_free(&recipients);
    assert_pack_ok(pack_age_recipients_new(&recipients, &error));
    assert_pack_ok(pack_age_recipients_add(recipients, known_recipient, &error));
    assert_pack_fails(pack_age_recipients_passphrase(recipients, &passphrase, &error),
                      PACK_E_USAGE);
}

/* Files of one passphrase ask for it once. */
static void test_a_passphrase_is_asked_for_once(void **state)
{
    (void)state;
    AUTO_IDENTITIES struct pack_age_identities *identities = NULL;
    AUTO_AGE_FILE struct age_file file =
        age_file_make("age-encryption.org/v1\n-> scrypt {salt} 10\n{wrapped}\n--- {mac}\n", NULL);
    struct answer answer = {.text = age_passphrase_text};
    const struct pack_passphrase passphrase = {say, &answer};
    struct pack_error error = {0};
    assert_pack_ok(pack_age_identities_new(&identities, &error));
    for (unsigned i = 0; i < 3; i++) {
        AUTO_INPUT struct pack_input *input = NULL;
        AUTO_INPUT struct pack_input *plain = NULL;
        assert_pack_ok(pack_input_memory(&input, file.bytes, file.size, "x", &error));
        if (i == 0) {
            assert_pack_fails(pack_age_open(&plain, input, identities, &error), PACK_E_PASSPHRASE);
            assert_pack_says("there is none");
            pack_age_identities_ask(identities, &passphrase);
        }
        assert_pack_ok(pack_age_open(&plain, input, identities, &error));
    }
    assert_int_equal(answer.asked, 1);
    assert_false(answer.confirmed);
}

/* --- identities ------------------------------------------------------------------------------ */

static const struct refused refused_identities[] = {
    {"AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEQ", "checksum"},
    {"age-secret-key-1gfpyysjzgfpyysjzgfpyysjzgfpyysjzgfpyysjzgfpyysjzgfpq4egaex",
     "no identity of age"},
    {"AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR",
     "post-quantum"},
    {"AGE-PLUGIN-YUBIKEY-1GFPYYSJZ", "age plugin"},
    {"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj", "a recipient"},
    {"-----BEGIN OPENSSH PRIVATE KEY-----", "an SSH key"},
    {"-----BEGIN PRIVATE KEY-----", "a key in PEM"},
    {"untrusted comment: minisign secret key", "a key that signs"},
    {"# nothing", "no identity in this file"},
    {"something else", "no identity of age"},
};

static const struct pack_signing_access no_access;

static void test_refused_identities(void **state)
{
    PACK_AUTO_FREE char *path = test_path(*state, "identity.txt");
    for (size_t i = 0; i < sizeof refused_identities / sizeof refused_identities[0]; i++) {
        AUTO_IDENTITIES struct pack_age_identities *identities = NULL;
        struct pack_error error = {0};
        test_write_text(path, refused_identities[i].text);
        assert_pack_ok(pack_age_identities_new(&identities, &error));
        assert_pack_fails(pack_age_identities_add(identities, path, &no_access, &error),
                          PACK_E_KEY_INVALID);
        assert_pack_says(refused_identities[i].says);
        assert_null(strstr(error.text, "GFPYYSJZ"));
        assert_string_equal(error.file, path);
    }
}

/* What is on the command line everybody sees; it is not shown once more. */
static void test_a_secret_is_no_name(void **state)
{
    (void)state;
    AUTO_IDENTITIES struct pack_age_identities *identities = NULL;
    struct pack_error error = {0};
    assert_pack_ok(pack_age_identities_new(&identities, &error));
    assert_pack_fails(pack_age_identities_add(identities, known_secret, &no_access, &error),
                      PACK_E_USAGE);
    assert_null(strstr(error.text, "GFPYYSJZ"));
    assert_string_equal(error.file, "");
}

static void expect_recipient(const struct pack_age_identities *identities, size_t index,
                             const char *expected)
{
    char text[PACK_AGE_TEXT_SIZE];
    assert_true(index < pack_age_identities_count(identities));
    pack_age_identities_recipient(identities, index, text);
    assert_string_equal(text, expected);
}

static void test_a_file_of_identities(void **state)
{
    PACK_AUTO_FREE char *path = test_path(*state, "identity.txt");
    AUTO_IDENTITIES struct pack_age_identities *identities = NULL;
    struct pack_signing_access access = {.files = {.allow_insecure = false}};
    struct pack_error error = {0};
    test_write_text(path,
                    "# created: some day\r\n\r\n"
                    "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX\r\n"
                    "AGE-SECRET-KEY-1QYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZ9K4CN");
    assert_int_equal(chmod(path, 0600), 0);
    assert_pack_ok(pack_age_identities_new(&identities, &error));
    assert_pack_ok(pack_age_identities_add(identities, path, &access, &error));
    assert_int_equal(pack_age_identities_count(identities), 2);
    expect_recipient(identities, 0, known_recipient);
    expect_recipient(identities, 1, age_recipient);

    /* Others may read it: refused, unless that is allowed. */
    assert_int_equal(chmod(path, 0644), 0);
    assert_pack_fails(pack_age_identities_add(identities, path, &access, &error), PACK_E_KEY_STORE);
    assert_pack_says("others may read");
    access.files.allow_insecure = true;
    assert_pack_ok(pack_age_identities_add(identities, path, &access, &error));
}

static void test_identities_by_descriptor(void **state)
{
    (void)state;
    AUTO_IDENTITIES struct pack_age_identities *identities = NULL;
    struct pack_error error = {0};
    char name[16];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], age_secret, strlen(age_secret)), strlen(age_secret));
    close(ends[1]);
    snprintf(name, sizeof name, "fd:%d", ends[0]);
    assert_pack_ok(pack_age_identities_new(&identities, &error));
    assert_pack_ok(pack_age_identities_add(identities, name, &no_access, &error));
    close(ends[0]);
    expect_recipient(identities, 0, age_recipient);
    assert_pack_fails(pack_age_identities_add(identities, "env:NONE", &no_access, &error),
                      PACK_E_KEY_STORE);
}

/* --- new ones -------------------------------------------------------------------------------- */

static void test_a_new_identity(void **state)
{
    PACK_AUTO_FREE char *path = test_path(*state, "device.age");
    AUTO_IDENTITIES struct pack_age_identities *identities = NULL;
    static const struct pack_passphrase none;
    struct pack_error error = {0};
    char recipient[PACK_AGE_TEXT_SIZE];
    struct stat status;
    size_t size = 0;
    assert_pack_ok(pack_age_identity_generate(path, &none, recipient, &error));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    PACK_AUTO_FREE uint8_t *text = test_read_file(path, &size);
    assert_int_equal(strncmp((char *)text, "# public key: age1", 18), 0);
    assert_int_equal(strncmp((char *)text + 14, recipient, strlen(recipient)), 0);
    assert_non_null(strstr((char *)text, "\nAGE-SECRET-KEY-1"));
    assert_pack_ok(pack_age_identities_new(&identities, &error));
    assert_pack_ok(pack_age_identities_add(identities, path, &no_access, &error));
    expect_recipient(identities, 0, recipient);
    assert_pack_fails(pack_age_identity_generate(path, &none, recipient, &error), PACK_E_EXISTS);
}

/* One at a time of each kind costs half a second, for scrypt's work factor is the real one. */
static void test_a_new_encrypted_identity(void **state)
{
    PACK_AUTO_FREE char *path = test_path(*state, "device.age");
    AUTO_IDENTITIES struct pack_age_identities *identities = NULL;
    struct answer right = {.text = "correct horse"}, wrong = {.text = "incorrect"};
    const struct pack_passphrase passphrase = {say, &right};
    struct pack_signing_access access = {.files = {.passphrase = {say, &wrong}}};
    struct pack_error error = {0};
    char recipient[PACK_AGE_TEXT_SIZE];
    size_t size = 0;
    assert_pack_ok(pack_age_identity_generate(path, &passphrase, recipient, &error));
    assert_true(right.confirmed);
    PACK_AUTO_FREE uint8_t *text = test_read_file(path, &size);
    assert_true(age_armor_begins(text, size));
    assert_int_equal(chmod(path, 0644), 0); /* nobody minds, as it is encrypted */
    assert_pack_ok(pack_age_identities_new(&identities, &error));
    assert_pack_fails(pack_age_identities_add(identities, path, &access, &error),
                      PACK_E_PASSPHRASE);
    assert_pack_says("the passphrase is wrong");
    access.files.passphrase.user = &right;
    assert_pack_ok(pack_age_identities_add(identities, path, &access, &error));
    expect_recipient(identities, 0, recipient);
}

/* An identity file that is encrypted to recipients would need identities to be read. */
static void test_identities_encrypted_to_recipients(void **state)
{
    PACK_AUTO_FREE char *path = test_path(*state, "identity.age");
    AUTO_AGE_FILE struct age_file file =
        age_file_make("age-encryption.org/v1\n-> X25519 {share}\n{body}\n--- {mac}\n", NULL);
    AUTO_IDENTITIES struct pack_age_identities *identities = NULL;
    struct pack_error error = {0};
    test_write_file(path, file.bytes, file.size);
    assert_pack_ok(pack_age_identities_new(&identities, &error));
    assert_pack_fails(pack_age_identities_add(identities, path, &no_access, &error),
                      PACK_E_KEY_INVALID);
    assert_pack_says("encrypted to 1 recipient");
}

/* --- armor ----------------------------------------------------------------------------------- */

struct memory {
    struct pack_sink sink;
    struct pack_buffer bytes;
};

static int memory_write(struct pack_sink *sink, const void *bytes, size_t size,
                        struct pack_error *error)
{
    return pack_buffer_append(&((struct memory *)sink)->bytes, bytes, size, error);
}

static const struct pack_sink_ops memory_ops = {.write = memory_write};

static void test_armor_both_ways(void **state)
{
    (void)state;
    uint8_t bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = age_plain_byte(i);
    for (size_t size = 1; size <= sizeof bytes; size++) {
        struct memory memory = {.sink = {&memory_ops}, .bytes = {.limit = 4096}};
        PACK_AUTO_BUFFER struct pack_buffer back = {.limit = 4096};
        struct age_armor_writer writer = age_armor_writer(&memory.sink);
        struct pack_error error = {0};
        assert_pack_ok(pack_sink_write(&writer.sink, bytes, size / 3, &error));
        assert_pack_ok(pack_sink_write(&writer.sink, bytes + size / 3, size - size / 3, &error));
        assert_pack_ok(age_armor_writer_finish(&writer, &error));
        assert_pack_ok(age_armor_decode(&back, memory.bytes.bytes, memory.bytes.size, &error));
        assert_int_equal(back.size, size);
        assert_memory_equal(back.bytes, bytes, size);
        pack_buffer_clear(&memory.bytes);
    }
}

#define BEGIN "-----BEGIN AGE ENCRYPTED FILE-----"
#define FINISH "-----END AGE ENCRYPTED FILE-----"
#define LINE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const struct {
    const char *name, *text;
    bool good;
    unsigned line;
} armors[] = {
    {"armor", BEGIN "\n" LINE "\nAAAA\n" FINISH "\n", true, 0},
    {"armor_crlf", BEGIN "\r\n" LINE "\r\nAAAA\r\n" FINISH "\r\n", true, 0},
    {"armor_full_last_line", BEGIN "\n" LINE "\n" LINE "\n" FINISH "\n", true, 0},
    {"armor_no_eol", BEGIN "\nAAAA\n" FINISH, true, 0},
    {"armor_whitespace_outside", "\n\t \r\n" BEGIN "\nAAAA\n" FINISH "\n \n", true, 0},
    {"armor_empty_line_begin", BEGIN "\n\nAAAA\n" FINISH "\n", false, 2},
    {"armor_empty_line_end", BEGIN "\nAAAA\n\n" FINISH "\n", false, 2},
    {"armor_eol_between_padding", BEGIN "\nAAA\n=\n" FINISH "\n", false, 2},
    {"armor_garbage_trailing", BEGIN "\nAAAA\n" FINISH "\nx\n", false, 4},
    {"armor_headers", BEGIN "\nKey: value\n\nAAAA\n" FINISH "\n", false, 2},
    {"armor_invalid_character", BEGIN "\nAA*A\n" FINISH "\n", false, 2},
    {"armor_high_byte", BEGIN "\nAAA\xff\n" FINISH "\n", false, 2},
    {"armor_long_line", BEGIN "\nAAAA" LINE "\n" FINISH "\n", false, 2},
    {"armor_short_line", BEGIN "\nAAAA\nAAAA\n" FINISH "\n", false, 2},
    {"armor_padding_within", BEGIN "\n" LINE "\nAAA=\nAAAA\n" FINISH "\n", false, 3},
    {"armor_lowercase", "-----begin age encrypted file-----\nAAAA\n" FINISH "\n", false, 1},
    {"armor_no_end_line", BEGIN "\nAAAA\n", false, 2},
    {"armor_no_padding", BEGIN "\nAAA\n" FINISH "\n", false, 2},
    {"armor_not_canonical", BEGIN "\nAAB=\n" FINISH "\n", false, 2},
    {"armor_pgp_checksum", BEGIN "\nAAAA\n=AAAA\n" FINISH "\n", false, 2},
    {"armor_whitespace_begin", BEGIN " \nAAAA\n" FINISH "\n", false, 1},
    {"armor_whitespace_end", BEGIN "\nAAAA\n" FINISH " x\n", false, 2},
    {"armor_whitespace_eol", BEGIN "\nAAAA \n" FINISH "\n", false, 2},
    {"armor_whitespace_line_start", BEGIN "\n AAAA\n" FINISH "\n", false, 2},
    {"armor_wrong_type", "-----BEGIN AGE DECRYPTED FILE-----\nAAAA\n" FINISH "\n", false, 1},
    {"armor_nothing", "", false, 1},
};

static void test_armor_is_strict(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof armors / sizeof armors[0]; i++) {
        PACK_AUTO_BUFFER struct pack_buffer binary = {.limit = 4096};
        struct pack_error error = {0};
        const int code = age_armor_decode(&binary, armors[i].text, strlen(armors[i].text), &error);
        if (code != (armors[i].good ? 0 : PACK_E_MALFORMED) || error.line != armors[i].line)
            fail_msg("%s: %s in line %u", armors[i].name, error.text, error.line);
    }
}

static void test_an_armored_file(void **state)
{
    (void)state;
    AUTO_AGE_FILE struct age_file file =
        age_file_make("age-encryption.org/v1\n-> X25519 {share}\n{body}\n--- {mac}\n", NULL);
    struct memory memory = {.sink = {&memory_ops}, .bytes = {.limit = 4096}};
    struct age_armor_writer writer = age_armor_writer(&memory.sink);
    AUTO_INPUT struct pack_input *input = NULL;
    struct pack_age_info info;
    struct pack_error error = {0};
    assert_pack_ok(pack_sink_write(&writer.sink, file.bytes, file.size, &error));
    assert_pack_ok(age_armor_writer_finish(&writer, &error));
    assert_pack_ok(
        pack_input_memory(&input, memory.bytes.bytes, memory.bytes.size, "x.age", &error));
    assert_pack_ok(pack_age_info(&info, input, &error));
    assert_true(info.armored);
    assert_int_equal(info.recipient_count, 1);
    assert_int_equal(info.header_size, file.header_size + 16);
    pack_buffer_clear(&memory.bytes);
}

#define WITH_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bech32_both_ways),
        cmocka_unit_test(test_bech32_finds_each_slip),
        cmocka_unit_test(test_bech32_says_what_is_wrong),
        WITH_FOLDER(test_refused_recipients),
        WITH_FOLDER(test_recipients_count_once),
        cmocka_unit_test(test_a_passphrase_stands_alone),
        cmocka_unit_test(test_a_passphrase_is_asked_for_once),
        WITH_FOLDER(test_refused_identities),
        cmocka_unit_test(test_a_secret_is_no_name),
        WITH_FOLDER(test_a_file_of_identities),
        cmocka_unit_test(test_identities_by_descriptor),
        WITH_FOLDER(test_a_new_identity),
        WITH_FOLDER(test_a_new_encrypted_identity),
        WITH_FOLDER(test_identities_encrypted_to_recipients),
        cmocka_unit_test(test_armor_both_ways),
        cmocka_unit_test(test_armor_is_strict),
        cmocka_unit_test(test_an_armored_file),
    };
    return cmocka_run_group_tests_name("age_keys", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* External signers: how their command is taken apart, how they are run, and what they answer. */
#include "keystore/exec.h"

#include "base/memory.h"
#include "pack/signer.h"
#include "support/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AUTO_SIGNER PACK_AUTO(pack_signing_key_free)
#define AUTO_WORDS PACK_AUTO(exec_words_clear)

/* --- words ----------------------------------------------------------------------------------- */

static void test_commands_are_split(void **state)
{
    (void)state;
    static const struct {
        const char *command;
        const char *words[5];
    } cases[] = {
        {"sign", {"sign"}},
        {"  sign\t--fast \n now ", {"sign", "--fast", "now"}},
        {"a 'b c' \"d e\" f\\ g", {"a", "b c", "d e", "f g"}},
        {"a b'c'\"d\"e", {"a", "bcde"}},
        {"a '' \"\"", {"a", "", ""}},
        {"a '$HOME' \\$HOME \"\\$x\\\"\\\\\"", {"a", "$HOME", "$HOME", "$x\"\\"}},
        {"a \"\\n\" '|;&'", {"a", "\\n", "|;&"}},
        {"sh -c 'a | b'", {"sh", "-c", "a | b"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        AUTO_WORDS struct exec_words words = {.memory = NULL};
        size_t count = 0;
        assert_pack_ok(exec_split(&words, cases[i].command, &error));
        for (; cases[i].words[count] != NULL; count++)
            assert_string_equal(words.words[count], cases[i].words[count]);
        assert_null(words.words[count]);
    }
}

static void test_other_commands_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {"",        "  ",    "''",    "a | b", "a;b",    "a & b",
                                        "a>b",     "a<b",   "$HOME", "a `b`", "\"$x\"", "a *.key",
                                        "~/x",     "a (b)", "a {b}", "a 'b",  "a \"b",  "a \\",
                                        "\"`x`\"", "a ?",   "a [b]", "# a"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        struct exec_words words;
        assert_pack_fails(exec_split(&words, cases[i], &error), PACK_E_USAGE);
    }
}

static void test_commands_have_limits(void **state)
{
    (void)state;
    struct pack_error error = {0};
    struct exec_words words;
    char text[EXEC_MAX_COMMAND + 2];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_pack_fails(exec_split(&words, text, &error), PACK_E_USAGE);
    text[EXEC_MAX_COMMAND] = '\0';
    assert_pack_ok(exec_split(&words, text, &error));
    exec_words_clear(&words);
    for (size_t i = 0; i < EXEC_MAX_WORDS; i++)
        memcpy(text + 2 * i, "a ", 2);
    text[2 * EXEC_MAX_WORDS] = '\0';
    assert_pack_ok(exec_split(&words, text, &error));
    exec_words_clear(&words);
    memcpy(text + 2 * EXEC_MAX_WORDS, "a", 2);
    assert_pack_fails(exec_split(&words, text, &error), PACK_E_USAGE);
}

/* --- answers --------------------------------------------------------------------------------- */

static void test_signatures_are_read(void **state)
{
    (void)state;
    uint8_t bytes[PACK_SIGNATURE_SIZE], got[PACK_SIGNATURE_SIZE];
    char hex[2 * sizeof bytes + 1], base64[89], wrapped[95], text[4][200];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 5);
    sodium_bin2hex(hex, sizeof hex, bytes, sizeof bytes);
    sodium_bin2base64(base64, sizeof base64, bytes, sizeof bytes, sodium_base64_VARIANT_ORIGINAL);
    snprintf(wrapped, sizeof wrapped, "%.76s\n%s\n", base64, base64 + 76);
    snprintf(text[0], sizeof text[0], "%s\n", hex);
    snprintf(text[1], sizeof text[1], "%s\r\n", base64);
    snprintf(text[2], sizeof text[2], "%s", base64);
    snprintf(text[3], sizeof text[3], "%s", wrapped);
    for (size_t i = 0; i < 4; i++) {
        struct pack_error error = {0};
        memset(got, 0, sizeof got);
        assert_pack_ok(exec_read_signature(got, (const uint8_t *)text[i], strlen(text[i]), &error));
        assert_memory_equal(got, bytes, sizeof got);
    }
    struct pack_error error = {0};
    assert_pack_ok(exec_read_signature(got, bytes, sizeof bytes, &error));
    assert_memory_equal(got, bytes, sizeof got);
}

static void test_other_answers_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {"", "\n", "error: no such key", "vault:v1:AAAA", "{}"};
    static const char *const says[] = {"printed no signature", "no signature, '\\x0a'",
                                       "'error: no such key'", "vault:v1", "2 bytes"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        uint8_t got[PACK_SIGNATURE_SIZE];
        assert_pack_fails(
            exec_read_signature(got, (const uint8_t *)cases[i], strlen(cases[i]), &error),
            PACK_E_KEY_STORE);
        assert_pack_says(says[i]);
        if (strncmp(cases[i], "vault", 5) == 0)
            assert_non_null(strstr(error.hint, "cut -d: -f3"));
    }
}

/* --- signers --------------------------------------------------------------------------------- */

static struct pack_signing_access access_of(const char *const *variables,
                                            const struct pack_secret_key *told)
{
    return (struct pack_signing_access){
        .variables = (char *const *)(uintptr_t)variables,
        .public_key_count = told != NULL ? 1 : 0,
        .public_keys = told != NULL ? pack_secret_key_public(told) : NULL,
    };
}

static char *write_script(const char *folder, const char *text)
{
    char *path = test_path(folder, "signer");
    test_write_text(path, text);
    chmod(path, 0700);
    return path;
}

static void test_the_environment_tells_the_request(void **state)
{
    struct pack_error error = {0};
    char name[600], line[PACK_PUBLIC_KEY_TEXT_SIZE];
    uint8_t signature[PACK_SIGNATURE_SIZE];
    size_t size = 0;
    const char *const variables[] = {
        "PATH=/usr/bin:/bin",       "AWS_SECRET=x",     "FWPACK_PASSPHRASE_FILE=secret",
        "FWPACK_PASSPHRASE=secret", "FWPACK_ROLE=root", NULL};
    AUTO_KEY struct pack_secret_key *told = test_key(1);
    PACK_AUTO_FREE char *script =
        write_script(*state, "#!/bin/sh\nenv | sort > \"$1\"\ncat > \"$1.stdin\"\necho 00\n");
    PACK_AUTO_FREE char *log = test_path(*state, "log");
    PACK_AUTO_FREE char *input = test_path(*state, "log.stdin");
    const struct pack_signing_access access = access_of(variables, told);
    AUTO_SIGNER struct pack_signing_key *key = NULL;
    snprintf(name, sizeof name, "exec:%s %s", script, log);
    assert_pack_ok(pack_signing_key_open(&key, name, &access, &error));
    struct pack_signer signer = pack_signing_key_signer(key);
    signer.role = "release";
    assert_pack_fails(pack_signer_sign(&signer, "bytes", 5, signature, &error), PACK_E_KEY_STORE);
    PACK_AUTO_FREE char *text = (char *)test_read_file(log, &size);
    pack_public_key_text(pack_secret_key_public(told), line);
    assert_non_null(strstr(text, "FWPACK_REQUEST=sign\n"));
    assert_non_null(strstr(text, "FWPACK_ROLE=release\n"));
    assert_non_null(strstr(text, line));
    assert_non_null(strstr(text, pack_secret_key_public(told)->keyid));
    assert_non_null(strstr(text, "AWS_SECRET=x\n"));
    assert_null(strstr(text, "PASSPHRASE"));
    assert_null(strstr(text, "root"));
    PACK_AUTO_FREE char *given = (char *)test_read_file(input, &size);
    assert_string_equal(given, "bytes");
}

static void test_the_public_key_is_asked_for(void **state)
{
    struct pack_error error = {0};
    char name[600], text[600], line[PACK_PUBLIC_KEY_TEXT_SIZE];
    const char *const variables[] = {"PATH=/usr/bin:/bin", NULL};
    AUTO_KEY struct pack_secret_key *file = test_key(1);
    pack_public_key_text(pack_secret_key_public(file), line);
    snprintf(text, sizeof text, "#!/bin/sh\n[ $FWPACK_REQUEST = public-key ] && echo %s\n", line);
    PACK_AUTO_FREE char *script = write_script(*state, text);
    const struct pack_signing_access access = access_of(variables, NULL);
    AUTO_SIGNER struct pack_signing_key *key = NULL;
    snprintf(name, sizeof name, "exec:%s", script);
    assert_pack_ok(pack_signing_key_open(&key, name, &access, &error));
    assert_memory_equal(pack_signing_key_public(key), pack_secret_key_public(file),
                        sizeof(struct pack_public_key));
}

static void test_signers_without_a_public_key(void **state)
{
    (void)state;
    static const char *const names[] = {"exec:false", "exec:true", "exec:echo nonsense",
                                        "exec:/nowhere/signer"};
    const char *const variables[] = {"PATH=/usr/bin:/bin", NULL};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct pack_error error = {0};
        struct pack_signing_key *key = NULL;
        const struct pack_signing_access access = access_of(variables, NULL);
        assert_pack_fails(pack_signing_key_open(&key, names[i], &access, &error), PACK_E_KEY_STORE);
        assert_pack_says("asked for its public key: ");
        assert_non_null(strstr(error.hint, "--signer-pub"));
    }
}

static void test_wrong_signatures_do_not_leave(void **state)
{
    (void)state;
    struct pack_error error = {0};
    uint8_t signature[PACK_SIGNATURE_SIZE];
    const char *const variables[] = {"PATH=/usr/bin:/bin", NULL};
    AUTO_KEY struct pack_secret_key *told = test_key(1);
    const struct pack_signing_access access = access_of(variables, told);
    AUTO_SIGNER struct pack_signing_key *key = NULL;
    assert_pack_ok(pack_signing_key_open(&key, "exec:head -c 64 /dev/zero", &access, &error));
    const struct pack_signer signer = pack_signing_key_signer(key);
    assert_pack_fails(pack_signer_sign(&signer, "m", 1, signature, &error), PACK_E_KEY_STORE);
    assert_pack_says("no signature of these bytes by key");
    assert_non_null(strstr(error.hint, "not a hash of them"));
}

#define WITH_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands_are_split),
        cmocka_unit_test(test_other_commands_are_refused),
        cmocka_unit_test(test_commands_have_limits),
        cmocka_unit_test(test_signatures_are_read),
        cmocka_unit_test(test_other_answers_are_refused),
        WITH_FOLDER(test_the_environment_tells_the_request),
        WITH_FOLDER(test_the_public_key_is_asked_for),
        cmocka_unit_test(test_signers_without_a_public_key),
        cmocka_unit_test(test_wrong_signatures_do_not_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

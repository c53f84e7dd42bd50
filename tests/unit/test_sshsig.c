/* SPDX-License-Identifier: MIT */
/* SSH signatures: what ssh-keygen made, FIDO's demands, and every way to damage one. */
#include "pack/sshsig.h"

#include "base/memory.h"
#include "crypto/ssh_wire.h"
#include "support/fido.h"

#include <stdio.h>
#include <stdlib.h>

static const char message[] = "a small file\n";

/* `ssh-keygen -Y sign -n fwpack-release@1` of OpenSSH 9.2 */
#define BEGIN "-----BEGIN SSH SIGNATURE-----\n"
#define END "-----END SSH SIGNATURE-----\n"
static const char with_sha512[] =
    BEGIN "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgkYBvviaAXTD7vG2Ic5QUQefzRs\n"
          "Yr/6h6VfbeRj+lEckAAAAQZndwYWNrLXJlbGVhc2VAMQAAAAAAAAAGc2hhNTEyAAAAUwAA\n"
          "AAtzc2gtZWQyNTUxOQAAAEBtrB1/CCqLKjTPLkLYPKwmA8x7k65MC38ka7IKMf8S4dDAVU\n"
          "QeFD5VEOa+m0MAhFGf5QQYxpSD905ycHKCInAB\n" END;
/* the same with -n file -O hashalg=sha256 */
static const char with_sha256[] =
    BEGIN "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgkYBvviaAXTD7vG2Ic5QUQefzRs\n"
          "Yr/6h6VfbeRj+lEckAAAAEZmlsZQAAAAAAAAAGc2hhMjU2AAAAUwAAAAtzc2gtZWQyNTUx\n"
          "OQAAAEBWH8rczUBcBkE4SmavLaeVTjnMXa77UmcekdHMB1TTTAM+0pYAn6T8AjWc1FPhsU\n"
          "SWT/crHiR/4RUl5sTqc+AK\n" END;
/* of a key of type ecdsa-sha2-nistp256 */
static const char with_ecdsa[] =
    BEGIN "U1NIU0lHAAAAAQAAAGgAAAATZWNkc2Etc2hhMi1uaXN0cDI1NgAAAAhuaXN0cDI1NgAAAE\n"
          "EE2AXlfmkgFshtq6PDdzqCbPd/W3LZP8SuFobo+7DxZJnXYN7o3+obfUqKK2FWrbeoyxyR\n"
          "48abYNAb6TliXtO8SgAAABBmd3BhY2stcmVsZWFzZUAxAAAAAAAAAAZzaGE1MTIAAABlAA\n"
          "AAE2VjZHNhLXNoYTItbmlzdHAyNTYAAABKAAAAIQDR+3arV/QujZAu4LOJh5608B5J9/zl\n"
          "iDlpgpJ5gB7aPgAAACEA143N7u2HXWqBfbc5ZE+gLSPi9/Am+rJvLilQt823CXM=\n" END;

static struct pack_ssh_signature parsed(const char *text)
{
    struct pack_error error = {0};
    struct pack_ssh_signature signature;
    assert_pack_ok(pack_ssh_signature_parse(&signature, text, strlen(text), true, &error));
    return signature;
}

static void assert_refused(const char *text, bool canonical, enum pack_code code, const char *says)
{
    struct pack_error error = {0};
    struct pack_ssh_signature signature;
    assert_pack_fails(pack_ssh_signature_parse(&signature, text, strlen(text), canonical, &error),
                      code);
    assert_pack_says(says);
}

static void assert_bad(const struct pack_ssh_signature *signature,
                       const struct pack_public_key *key, const char *says)
{
    struct pack_error error = {0};
    assert_pack_fails(pack_ssh_signature_verify(signature, key, "fwpack-release@1", message,
                                                strlen(message), &error),
                      PACK_E_SIGNATURE);
    assert_pack_says(says);
}

/* --- what ssh-keygen makes ------------------------------------------------------------------- */

static void assert_verifies(const char *text, const char *name_space, bool sha256)
{
    struct pack_error error = {0};
    const struct pack_ssh_signature signature = parsed(text);
    PACK_AUTO_FREE char *written = NULL;
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    const struct pack_context context = {.jobs = 1};
    size_t size = 0;
    assert_int_equal(signature.sha256, sha256);
    assert_string_equal(signature.name_space, name_space);
    assert_string_equal(signature.key.application, "");
    assert_pack_ok(pack_ssh_signature_verify(&signature, &signature.key, name_space, message,
                                             strlen(message), &error));
    assert_pack_ok(pack_input_memory(&input, message, strlen(message), "message", &error));
    assert_pack_ok(pack_ssh_signature_verify_input(&signature, &signature.key, name_space, input,
                                                   &context, &error));
    assert_pack_ok(pack_ssh_signature_format(&written, &size, &signature, &error));
    assert_string_equal(written, text);
}

static void signatures_of_ssh_keygen_verify(void **state)
{
    (void)state;
    assert_verifies(with_sha512, "fwpack-release@1", false);
    assert_verifies(with_sha256, "file", true);
}

static void another_kind_of_key_is_named(void **state)
{
    (void)state;
    assert_refused(with_ecdsa, false, PACK_E_UNSUPPORTED, "\"ecdsa-sha2-nistp256\"");
}

static void a24_another_namespace_is_named(void **state)
{
    (void)state;
    const struct pack_ssh_signature signature = parsed(with_sha256);
    assert_bad(&signature, &signature.key,
               "made for namespace \"file\", \"fwpack-release@1\" is wanted");
}

static void another_message_does_not_verify(void **state)
{
    (void)state;
    struct pack_error error = {0};
    const struct pack_ssh_signature signature = parsed(with_sha512);
    assert_pack_fails(pack_ssh_signature_verify(&signature, &signature.key, "fwpack-release@1",
                                                "a small file", 12, &error),
                      PACK_E_SIGNATURE);
}

static void another_key_is_named(void **state)
{
    (void)state;
    AUTO_KEY struct pack_secret_key *other = test_key(1);
    const struct pack_ssh_signature signature = parsed(with_sha512);
    assert_bad(&signature, pack_secret_key_public(other), "was made by key ");
}

/* --- FIDO ------------------------------------------------------------------------------------ */

static void a_fido_signature_verifies(void **state)
{
    (void)state;
    AUTO_KEY struct pack_secret_key *key = test_key(3);
    struct pack_error error = {0};
    for (int i = 0; i < 2; i++) {
        struct pack_ssh_signature made = test_ssh_sign(key, "ssh:", "fwpack-release@1", message);
        made.sha256 = i == 1;
        made.flags = i == 1 ? 5 : 1;
        test_ssh_sign_bytes(&made, key, message);
        size_t size = 0;
        PACK_AUTO_FREE char *text = test_ssh_text(&made, &size);
        const struct pack_ssh_signature read = parsed(text);
        assert_string_equal(read.key.application, "ssh:");
        assert_int_equal(read.flags, made.flags);
        assert_int_equal(read.counter, 7);
        assert_pack_ok(pack_ssh_signature_verify(&read, &made.key, "fwpack-release@1", message,
                                                 strlen(message), &error));
    }
}

static void a_fido_signature_wants_the_user(void **state)
{
    (void)state;
    AUTO_KEY struct pack_secret_key *key = test_key(3);
    struct pack_ssh_signature made = test_ssh_sign(key, "ssh:", "fwpack-release@1", message);
    made.flags = 4; /* verified by PIN, but nobody there to touch it */
    test_ssh_sign_bytes(&made, key, message);
    assert_bad(&made, &made.key, "nobody touched");
}

static void a_fido_signature_wants_its_application(void **state)
{
    (void)state;
    AUTO_KEY struct pack_secret_key *key = test_key(3);
    const struct pack_ssh_signature made =
        test_ssh_sign(key, "ssh:other", "fwpack-release@1", message);
    struct pack_public_key enrolled = made.key;
    snprintf(enrolled.application, sizeof enrolled.application, "ssh:");
    assert_bad(&made, &enrolled, "\"ssh:other\"");
    enrolled.application[0] = '\0'; /* the same key as a plain one */
    assert_bad(&made, &enrolled, "FIDO application");
    const struct pack_ssh_signature plain = test_ssh_sign(key, "", "fwpack-release@1", message);
    assert_bad(&plain, &made.key, "FIDO application");
}

static void flags_and_counter_are_signed(void **state)
{
    (void)state;
    AUTO_KEY struct pack_secret_key *key = test_key(3);
    struct pack_ssh_signature made = test_ssh_sign(key, "ssh:", "fwpack-release@1", message);
    made.flags = 5;
    assert_bad(&made, &made.key, "does not verify");
    made.flags = 1;
    made.counter++;
    assert_bad(&made, &made.key, "does not verify");
}

/* --- damage ---------------------------------------------------------------------------------- */

static void every_truncation_is_refused(void **state)
{
    (void)state;
    struct pack_ssh_signature signature;
    for (size_t size = 0; size < strlen(with_sha512); size++) {
        struct pack_error error = {0};
        PACK_AUTO_FREE char *cut = malloc(size + 1); /* exact, so that ASan sees a byte too many */
        assert_non_null(cut);
        memcpy(cut, with_sha512, size);
        assert_pack_fails(pack_ssh_signature_parse(&signature, cut, size, false, &error),
                          PACK_E_MALFORMED);
    }
}

/* The armour around any blob. */
static char *armour(const uint8_t *blob, size_t size)
{
    char base64[2048];
    char *text = NULL;
    sodium_bin2base64(base64, sizeof base64, blob, size, sodium_base64_VARIANT_ORIGINAL);
    PACK_AUTO_FREE char *lines = calloc(1, 2 * strlen(base64) + 2);
    for (size_t i = 0, at = 0; base64[i] != '\0'; i++) {
        lines[at++] = base64[i];
        if (i % 70 == 69 || base64[i + 1] == '\0')
            lines[at++] = '\n';
    }
    assert_true(asprintf(&text, BEGIN "%s" END, lines) > 0);
    return text;
}

static size_t blob_of(const char *text, uint8_t *blob, size_t capacity)
{
    size_t size = 0;
    assert_int_equal(sodium_base642bin(blob, capacity, text + strlen(BEGIN),
                                       strlen(text) - strlen(BEGIN END), "\n", &size, NULL,
                                       sodium_base64_VARIANT_ORIGINAL),
                     0);
    return size;
}

static void every_truncation_of_the_blob_is_refused(void **state)
{
    (void)state;
    AUTO_KEY struct pack_secret_key *key = test_key(3);
    const struct pack_ssh_signature made = test_ssh_sign(key, "ssh:", "fwpack-release@1", message);
    size_t size = 0;
    uint8_t blob[1024];
    PACK_AUTO_FREE char *text = test_ssh_text(&made, &size);
    const size_t whole = blob_of(text, blob, sizeof blob);
    for (size_t cut = 0; cut < whole; cut++) {
        PACK_AUTO_FREE char *damaged = armour(blob, cut);
        assert_refused(damaged, false, PACK_E_MALFORMED, "");
    }
    blob[whole] = 0;
    PACK_AUTO_FREE char *longer = armour(blob, whole + 1);
    assert_refused(longer, false, PACK_E_MALFORMED, "data after the signature's bytes");
}

/* A10: each bit of a member that is believed has a meaning. */
static void a10_no_bit_is_free(void **state)
{
    (void)state;
    const struct pack_ssh_signature good = parsed(with_sha512);
    const size_t size = strlen(with_sha512);
    char text[sizeof with_sha512];
    for (size_t bit = 0; bit < 8 * size; bit++) {
        struct pack_error error = {0};
        struct pack_ssh_signature signature;
        memcpy(text, with_sha512, sizeof text);
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        int code = pack_ssh_signature_parse(&signature, text, size, true, &error);
        if (code == 0)
            code = pack_ssh_signature_verify(&signature, &good.key, "fwpack-release@1", message,
                                             strlen(message), &error);
        assert_int_not_equal(code, 0);
    }
}

static void fields_of_another_value_are_named(void **state)
{
    (void)state;
    static const struct {
        size_t at; /* in the blob */
        const char *bytes;
        const char *says;
        enum pack_code code;
    } cases[] = {
        {0, "X", "does not begin with SSHSIG", PACK_E_MALFORMED},
        {9, "\2", "has version 2", PACK_E_UNSUPPORTED},
    };
    uint8_t blob[512];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const size_t size = blob_of(with_sha512, blob, sizeof blob);
        memcpy(blob + cases[i].at, cases[i].bytes, strlen(cases[i].bytes));
        PACK_AUTO_FREE char *text = armour(blob, size);
        assert_refused(text, false, cases[i].code, cases[i].says);
    }
}

/* A blob written field by field; NULL leaves the usual. */
struct fields {
    const char *name_space, *reserved, *hash, *type;
    size_t signature_size;
    uint8_t key[32];
};

static void assert_fields_refused(struct fields fields, const char *says)
{
    struct fido_bytes blob = {.size = 0}, inner = {.size = 0};
    const struct pack_ssh_signature good = parsed(with_sha512);
    fido_put(&blob, "SSHSIG\0\0\0\1", 10);
    fido_put_string(&inner, "ssh-ed25519", 11);
    fido_put_string(&inner, fields.key[0] != 0 ? fields.key : good.key.bytes, 32);
    fido_put_string(&blob, inner.bytes, inner.size);
    const char *name_space = fields.name_space != NULL ? fields.name_space : "fwpack-release@1";
    fido_put_string(&blob, name_space, strlen(name_space));
    const char *reserved = fields.reserved != NULL ? fields.reserved : "";
    fido_put_string(&blob, reserved, strlen(reserved));
    fido_put_string(&blob, fields.hash != NULL ? fields.hash : "sha512", 6);
    const char *type = fields.type != NULL ? fields.type : "ssh-ed25519";
    inner.size = 0;
    fido_put_string(&inner, type, strlen(type));
    fido_put_string(&inner, good.bytes, fields.signature_size != 0 ? fields.signature_size : 64);
    fido_put_string(&blob, inner.bytes, inner.size);
    PACK_AUTO_FREE char *text = armour(blob.bytes, blob.size);
    if (says == NULL)
        (void)parsed(text);
    else
        assert_refused(text, false, PACK_E_MALFORMED, says);
}

static void fields_are_strict(void **state)
{
    (void)state;
    assert_fields_refused((struct fields){0}, NULL);
    assert_fields_refused((struct fields){.name_space = ""}, "namespace has 0 bytes");
    assert_fields_refused((struct fields){.name_space = "a\x1b[1m"}, "not plain text");
    assert_fields_refused((struct fields){.name_space = "0123456789012345678901234567890123456789"
                                                        "012345678901234567890123"},
                          "namespace has 64 bytes, 1 to 63 wanted");
    assert_fields_refused((struct fields){.reserved = "x"}, "reserved field is not empty");
    assert_fields_refused((struct fields){.hash = "sha384"}, "hash is \"sha384\"");
    assert_fields_refused((struct fields){.type = "ssh-rsa"}, "type is not its key's");
    assert_fields_refused((struct fields){.signature_size = 63},
                          "signature has 63 bytes, 64 wanted");
    assert_fields_refused((struct fields){.key = {1}}, "not a usable key"); /* small order */
}

static void armour_is_strict(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "empty"},
        {"\n", "BEGIN SSH SIGNATURE"},
        {" " BEGIN "AAAA\n" END, "BEGIN SSH SIGNATURE"},
        {BEGIN END, "SSHSIG"},
        {BEGIN "\n" END, "empty or longer"},
        {BEGIN "AAAA\r\n" END, "carriage return"},
        {BEGIN "AAA\n" END, "base64"},
        {BEGIN "AAB=\n" END, "base64"},
        {BEGIN "AA AA\n" END, "base64"},
        {BEGIN "AA==\nAAAA\n" END, "base64"},
        {BEGIN "AAAA\n", "ends before its last line"},
        {BEGIN "AAAA\n" END "\n", "data after"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_refused(cases[i].text, false, PACK_E_MALFORMED, cases[i].says);
}

static void other_lines_are_not_canonical(void **state)
{
    (void)state;
    struct pack_error error = {0};
    struct pack_ssh_signature signature;
    PACK_AUTO_FREE char *text = strdup(with_sha512);
    char *end = text + strlen(BEGIN) + 70; /* one line end a character earlier */
    end[0] = end[-1];
    end[-1] = '\n';
    assert_pack_ok(pack_ssh_signature_parse(&signature, text, strlen(text), false, &error));
    assert_refused(text, true, PACK_E_MALFORMED, "70 characters");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_of_ssh_keygen_verify),
        cmocka_unit_test(another_kind_of_key_is_named),
        cmocka_unit_test(a24_another_namespace_is_named),
        cmocka_unit_test(another_message_does_not_verify),
        cmocka_unit_test(another_key_is_named),
        cmocka_unit_test(a_fido_signature_verifies),
        cmocka_unit_test(a_fido_signature_wants_the_user),
        cmocka_unit_test(a_fido_signature_wants_its_application),
        cmocka_unit_test(flags_and_counter_are_signed),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_truncation_of_the_blob_is_refused),
        cmocka_unit_test(a10_no_bit_is_free),
        cmocka_unit_test(fields_of_another_value_are_named),
        cmocka_unit_test(fields_are_strict),
        cmocka_unit_test(armour_is_strict),
        cmocka_unit_test(other_lines_are_not_canonical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

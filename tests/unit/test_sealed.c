/* SPDX-License-Identifier: MIT */
/* Files of keys sealed to a TPM: read, written, refused; and lists of PCRs. */
#include "keystore/tpm2.h"
#include "support/test.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZEROS_32 "0000000000000000000000000000000000000000000000000000000000000000"
#define KEY "RWRMHwhW2jXvTwFUTQi1TNVX8qYGKzRSXuu3QNzzz+KWvm0vzrj3Ncrv"

/* The members of a file, each of which a test may change. */
struct file {
    const char *kind, *pin, *bank, *pcrs, *parent, *public, *private;
};

static const struct file good = {
    .kind = "\"kind\": \"age\",\n  \"recipient\": \"age1q\"",
    .pin = "true",
    .bank = "\"sha256\"",
    .pcrs = "{\"7\": \"" ZEROS_32 "\", \"16\": \"" ZEROS_32 "\"}",
    .parent = "\"" ZEROS_32 "\"",
    .public = "\"AAECAA==\"",
    .private = "\"AAIBAg==\"",
};

static int parse(struct tpm2_sealed *sealed, const struct file *file, struct pack_error *error)
{
    PACK_AUTO_FREE char *text = NULL;
    *error = (struct pack_error){.code = PACK_OK};
    const int size = asprintf(
        &text,
        "{\n  \"type\": \"fwpack.sealed\",\n  \"format\": 1,\n  %s,\n  \"pin\": %s,\n"
        "  \"pcr_bank\": %s,\n  \"pcrs\": %s,\n  \"parent\": %s,\n"
        "  \"tpm2b_public\": %s,\n  \"tpm2b_private\": %s\n}\n",
        file->kind, file->pin, file->bank, file->pcrs, file->parent, file->public, file->private);
    assert_true(size > 0);
    return tpm2_sealed_parse(sealed, text, (size_t)size, error);
}

static void a_file_is_read(void **state)
{
    (void)state;
    struct tpm2_sealed sealed;
    struct pack_error error;
    struct file file = good;
    file.public = "\"AAECAw==\"";
    assert_int_equal(parse(&sealed, &file, &error), PACK_E_KEY_INVALID);
    file.public = "\"AAIBAg==\"";
    assert_pack_ok(parse(&sealed, &file, &error));
    assert_int_equal(sealed.info.kind, PACK_SEALED_AGE);
    assert_string_equal(sealed.info.recipient, "age1q");
    assert_int_equal(sealed.info.pcrs, 1 << 7 | 1 << 16);
    assert_true(sealed.info.pin);
    assert_int_equal(sealed.private_size, 4);
    assert_int_equal(sealed.private[3], 2);
}

static void assert_refused(const struct file *file, const char *says)
{
    struct tpm2_sealed sealed;
    struct pack_error error;
    assert_int_equal(parse(&sealed, file, &error), PACK_E_KEY_INVALID);
    assert_non_null(strstr(error.text, says));
}

#define REFUSED(member, value, says)   \
    do {                               \
        struct file file = good;       \
        file.public = good.private;    \
        file.member = (value);         \
        assert_refused(&file, (says)); \
    } while (0)

static void each_member_is_checked(void **state)
{
    (void)state;
    REFUSED(kind, "\"kind\": \"rsa\"", "kind");
    REFUSED(kind, "\"kind\": \"age\", \"recipient\": \"age2q\"", "recipient");
    REFUSED(kind, "\"kind\": \"age\", \"recipient\": \"age1\\u001b\"", "recipient");
    REFUSED(kind, "\"kind\": \"age\"", "recipient");
    REFUSED(kind, "\"kind\": \"age\", \"recipient\": \"age1q\", \"purpose\": \"any\"", "members");
    REFUSED(kind, "\"kind\": \"ed25519\", \"purpose\": \"any\"", "public_key");
    REFUSED(kind, "\"kind\": \"ed25519\", \"purpose\": \"any\", \"public_key\": \"RW\"",
            "public_key");
    REFUSED(kind, "\"kind\": \"ed25519\", \"purpose\": \"x\", \"public_key\": \"" KEY "\"", "p");
    REFUSED(pin, "1", "pin");
    REFUSED(bank, "\"sha1\"", "pcr_bank");
    REFUSED(pcrs, "{}", "pcrs");
    REFUSED(pcrs, "[7]", "pcrs");
    REFUSED(pcrs, "{\"24\": \"" ZEROS_32 "\"}", "24: a PCR");
    REFUSED(pcrs, "{\"7,8\": \"" ZEROS_32 "\"}", "7,8: a PCR");
    REFUSED(pcrs, "{\"7\": \"00\"}", "hex digits");
    REFUSED(parent, "\"00\"", "parent");
    REFUSED(public, "\"AAI=\"", "tpm2b_public");
    REFUSED(private, "\"AAMBAg==\"", "tpm2b_private");
    REFUSED(private, "\"AAIBA*==\"", "tpm2b_private");
    REFUSED(private, "null", "tpm2b_private");
}

static void what_is_too_large_is_refused(void **state)
{
    (void)state;
    char text[1024] = "\"";
    memset(text + 1, 'A', 1000);
    text[1001] = '"';
    REFUSED(private, text, "tpm2b_private");
}

static void a_file_is_written_as_it_was_read(void **state)
{
    (void)state;
    struct tpm2_sealed sealed, again;
    struct pack_error error;
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0;
    struct file file = good;
    file.public = good.private;
    assert_pack_ok(parse(&sealed, &file, &error));
    assert_pack_ok(tpm2_sealed_format(&text, &size, &sealed, &error));
    assert_true(pack_sealed_probe(text, size));
    assert_pack_ok(tpm2_sealed_parse(&again, text, size, &error));
    assert_int_equal(again.info.pcrs, sealed.info.pcrs);
    assert_memory_equal(again.private, sealed.private, sizeof again.private);
}

static void lists_of_pcrs(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    ",",   "7,", ",7", "07",  "24",         "7 ",
                                      "7,7", "7;8", "-1", "+1", "0x1", "99999999999"};
    uint32_t pcrs = 0;
    char text[PACK_PCRS_TEXT_SIZE];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(pack_pcrs_parse(bad[i], &pcrs));
    assert_true(pack_pcrs_parse("16,0,7", &pcrs));
    assert_int_equal(pcrs, 1 | 1 << 7 | 1 << 16);
    pack_pcrs_text(pcrs, text);
    assert_string_equal(text, "0,7,16");
    pack_pcrs_text((UINT32_C(1) << PACK_TPM_PCRS) - 1, text);
    assert_true(pack_pcrs_parse(text, &pcrs));
    assert_int_equal(pcrs, (UINT32_C(1) << PACK_TPM_PCRS) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read),
        cmocka_unit_test(each_member_is_checked),
        cmocka_unit_test(what_is_too_large_is_refused),
        cmocka_unit_test(a_file_is_written_as_it_was_read),
        cmocka_unit_test(lists_of_pcrs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

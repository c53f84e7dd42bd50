/* SPDX-License-Identifier: MIT */
/* KDFs of key files against published vectors, and the costs that are refused. */
#include "crypto/bcrypt_pbkdf.h"
#include "crypto/blowfish.h"
#include "crypto/kdf.h"
#include "support/test.h"

#include "base/memory.h"

#include <string.h>

static void assert_derives(const struct pack_kdf *kdf, const char *passphrase, const char *hex)
{
    struct pack_error error = {0};
    size_t size = 0;
    uint8_t derived[64];
    char text[64];
    PACK_AUTO_FREE uint8_t *wanted = test_unhex(hex, &size);
    const struct pack_password password = {text, strlen(passphrase)};
    memcpy(text, passphrase, password.size + 1);
    assert_pack_ok(pack_kdf_derive(kdf, &password, derived, size, &error));
    assert_memory_equal(derived, wanted, size);
}

/* --- bcrypt ---------------------------------------------------------------------------------- */

/* OpenBSD regress/lib/libutil/bcrypt_pbkdf. */
static void bcrypt_derives_openbsds_keys(void **state)
{
    (void)state;
    static const struct {
        const char *passphrase, *salt;
        size_t length, salt_size;
        uint32_t rounds;
        const char *hex;
    } vectors[] = {
        {"password", "salt", 8, 4, 4,
         "5bbf0cc293587f1c3635555c27796598d47e579071bf427e9d8fbe842aba34d9"},
        {"password", "\0", 8, 1, 4, "c12b566235eee04c212598970a579a67"},
        {"\0", "salt", 1, 4, 4, "6051be18c2f4f82cbf0efee5471b4bb9"},
        {"password\0", "salt\0", 9, 5, 4,
         "7410e44cf4fa07bfaac8a928b1727fac001375e7bf7384370f48efd121743050"},
        {"pass\0wor", "sa\0l", 8, 4, 4, "c2bffd9db38f6569efef4372f4de83c0"},
        {"pass\0word", "sa\0lt", 9, 5, 4, "4ba4ac3925c0e8d7f0cdb6bb1684a56f"},
        {"password", "salt", 8, 4, 8,
         "e1367ec5151a33faac4cc1c144cd23fa15d5548493ecc99b9b5d9c0d3b27bec76227ea66088b849b20ab7aa4"
         "78010246e74bba51723fefa9f9474d6508845e8d"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct pack_error error = {0};
        size_t size = 0;
        uint8_t derived[64];
        PACK_AUTO_FREE uint8_t *wanted = test_unhex(vectors[i].hex, &size);
        assert_pack_ok(pack_bcrypt_pbkdf(vectors[i].passphrase, vectors[i].length,
                                         (const uint8_t *)vectors[i].salt, vectors[i].salt_size,
                                         vectors[i].rounds, derived, size, &error));
        assert_memory_equal(derived, wanted, size);
    }
}

/* Each output byte needs all blocks, so a shorter key is no prefix of a longer one. */
static void bcrypt_deals_its_bytes_out(void **state)
{
    (void)state;
    struct pack_error error = {0};
    uint8_t shorter[32], longer[33];
    const uint8_t *salt = (const uint8_t *)"salt";
    assert_pack_ok(pack_bcrypt_pbkdf("password", 8, salt, 4, 1, shorter, sizeof shorter, &error));
    assert_pack_ok(pack_bcrypt_pbkdf("password", 8, salt, 4, 1, longer, sizeof longer, &error));
    assert_int_equal(shorter[0], longer[0]);
    assert_int_equal(shorter[1], longer[2]);
    assert_memory_not_equal(shorter, longer, sizeof shorter);
}

/* Eric Young's vectors of Blowfish itself, with 8-byte keys as they cycle. */
static void blowfish_encrypts_its_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        uint32_t left, right, wanted_left, wanted_right;
    } vectors[] = {
        {"0000000000000000", 0, 0, 0x4EF99745, 0x6198DD78},
        {"FFFFFFFFFFFFFFFF", 0xFFFFFFFF, 0xFFFFFFFF, 0x51866FD5, 0xB85ECB8A},
        {"3000000000000000", 0x10000000, 0x00000001, 0x7D856F9A, 0x613063F2},
        {"0123456789ABCDEF", 0x11111111, 0x11111111, 0x61F9C380, 0x2281B096},
        {"FEDCBA9876543210", 0x01234567, 0x89ABCDEF, 0x0ACEAB0F, 0xC6A0A28D},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        static struct pack_blowfish cipher;
        size_t size = 0;
        PACK_AUTO_FREE uint8_t *key = test_unhex(vectors[i].key, &size);
        uint32_t left = vectors[i].left, right = vectors[i].right;
        pack_blowfish_start(&cipher);
        pack_blowfish_expand(&cipher, NULL, (struct pack_blowfish_stream){key, size});
        pack_blowfish_encrypt(&cipher, &left, &right);
        assert_int_equal(left, vectors[i].wanted_left);
        assert_int_equal(right, vectors[i].wanted_right);
    }
}

/* --- scrypt, PBKDF2 -------------------------------------------------------------------------- */

static struct pack_kdf scrypt_of(const char *salt, uint64_t n, uint64_t r, uint64_t p)
{
    return (struct pack_kdf){.method = &pack_kdf_scrypt,
                             .n = n,
                             .r = r,
                             .p = p,
                             .salt = (const uint8_t *)salt,
                             .salt_size = strlen(salt)};
}

/* RFC 7914, section 12. */
static void scrypt_derives_the_rfcs_keys(void **state)
{
    (void)state;
    const struct pack_kdf small = scrypt_of("", 16, 1, 1),
                          parallel = scrypt_of("NaCl", 1024, 8, 16);
    assert_derives(&small, "",
                   "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
                   "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906");
    assert_derives(&parallel, "password",
                   "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
                   "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640");
}

static struct pack_kdf pbkdf2_of(const char *digest, const char *salt, uint64_t rounds)
{
    return (struct pack_kdf){.method = &pack_kdf_pbkdf2,
                             .digest = digest,
                             .rounds = rounds,
                             .salt = (const uint8_t *)salt,
                             .salt_size = strlen(salt)};
}

/* RFC 6070, RFC 7914; those of SHA-224, SHA-384 and SHA-512 by an independent implementation. */
static void pbkdf2_derives_keys_with_each_hash(void **state)
{
    (void)state;
    static const struct {
        const char *digest, *passphrase, *name, *hex;
        uint64_t rounds;
    } vectors[] = {
        {"SHA1", "password", "PBKDF2-HMAC-SHA1", "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957", 2},
        {"SHA224", "password", "PBKDF2-HMAC-SHA224",
         "93200ffa96c5776d38fa10abdf8f5bfc0054b9718513df472d2331d2", 2},
        {"SHA256", "passwd", "PBKDF2-HMAC-SHA256",
         "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
         "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
         1},
        {"SHA384", "password", "PBKDF2-HMAC-SHA384",
         "54f775c6d790f21930459162fc535dbf04a939185127016a04176a0730c6f1f4"
         "fb48832ad1261baadd2cedd50814b1c8",
         2},
        {"SHA512", "password", "PBKDF2-HMAC-SHA512",
         "e1d9c16aa681708a45f5c7c4e215ceb66e011a2e9f0040713f18aefdb866d53c"
         "f76cab2868a39b9f7840edce4fef5a82be67335c77a6068e04112754f27ccf4e",
         2},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const struct pack_kdf kdf = pbkdf2_of(vectors[i].digest, "salt", vectors[i].rounds);
        assert_derives(&kdf, vectors[i].passphrase, vectors[i].hex);
        assert_string_equal(pack_kdf_name(&kdf), vectors[i].name);
    }
}

/* --- costs ----------------------------------------------------------------------------------- */

static void a119_costs_beyond_the_limits_are_refused(void **state)
{
    (void)state;
    const struct pack_kdf beyond[] = {
        scrypt_of("", UINT64_C(1) << 24, 8, 1),
        scrypt_of("", UINT64_C(1) << 63, 8, 1),
        scrypt_of("", 2, UINT64_MAX, 1),
        scrypt_of("", 2, 1, UINT64_MAX),
        scrypt_of("", 16384, 8, 65),
        pbkdf2_of("SHA256", "", PACK_MAX_PBKDF2_ROUNDS + 1),
        pbkdf2_of("SHA256", "", UINT64_MAX),
        {.method = &pack_kdf_bcrypt, .rounds = PACK_MAX_BCRYPT_ROUNDS + 1},
        {.method = &pack_kdf_bcrypt, .rounds = UINT32_MAX},
    };
    for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
        struct pack_error error = {0};
        struct pack_kdf kdf = beyond[i];
        assert_pack_fails(pack_kdf_check(&kdf, &error), PACK_E_LIMIT);
        assert_pack_says("its KDF asks for");
    }
}

static void a119_costs_that_are_none_are_refused(void **state)
{
    (void)state;
    const struct pack_kdf none[] = {
        scrypt_of("", 0, 8, 1),
        scrypt_of("", 1, 8, 1),
        scrypt_of("", 1000, 8, 1),
        scrypt_of("", 16, 0, 1),
        scrypt_of("", 16, 8, 0),
        pbkdf2_of("SHA256", "", 0),
        {.method = &pack_kdf_bcrypt, .rounds = 0},
    };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        struct pack_error error = {0};
        struct pack_kdf kdf = none[i];
        assert_pack_fails(pack_kdf_check(&kdf, &error), PACK_E_KEY_INVALID);
    }
}

static void a119_costs_at_the_limits_are_honoured(void **state)
{
    (void)state;
    const struct pack_kdf most[] = {
        scrypt_of("", UINT64_C(1) << 20, 8, 1),
        scrypt_of("", 16384, 8, 64),
        pbkdf2_of("SHA256", "", PACK_MAX_PBKDF2_ROUNDS),
        {.method = &pack_kdf_bcrypt, .rounds = PACK_MAX_BCRYPT_ROUNDS},
    };
    for (size_t i = 0; i < sizeof most / sizeof most[0]; i++) {
        struct pack_error error = {0};
        struct pack_kdf kdf = most[i];
        assert_pack_ok(pack_kdf_check(&kdf, &error));
        assert_true(kdf.memory == (i == 0 ? UINT64_C(1) << 30 : i == 1 ? UINT64_C(1) << 24 : 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bcrypt_derives_openbsds_keys),
        cmocka_unit_test(bcrypt_deals_its_bytes_out),
        cmocka_unit_test(blowfish_encrypts_its_vectors),
        cmocka_unit_test(scrypt_derives_the_rfcs_keys),
        cmocka_unit_test(pbkdf2_derives_keys_with_each_hash),
        cmocka_unit_test(a119_costs_beyond_the_limits_are_refused),
        cmocka_unit_test(a119_costs_that_are_none_are_refused),
        cmocka_unit_test(a119_costs_at_the_limits_are_honoured),
    };
    return cmocka_run_group_tests_name("kdf", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "crypto/kdf.h"

#include "base/checked.h"
#include "crypto/bcrypt_pbkdf.h"
#include "crypto/libcrypto.h"
#include "pack/limits.h"

#include <errno.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

struct pack_kdf_method {
    const char *name;
    int (*check)(struct pack_kdf *kdf, struct pack_error *error);
    int (*derive)(const struct pack_kdf *kdf, const struct pack_password *password, uint8_t *out,
                  size_t size, struct pack_error *error);
};

/* --- passphrases ----------------------------------------------------------------------------- */

int pack_password_ask(struct pack_password *password, const struct pack_passphrase *passphrase,
                      const char *name, bool confirm, struct pack_error *error)
{
    if (passphrase->ask == NULL)
        return pack_fail(error, PACK_E_PASSPHRASE,
                         "the key is encrypted, and there is no passphrase");
    int code = pack_guarded_new(&password->text, PACK_MAX_PASSPHRASE + 1, error);
    if (code == 0)
        code = passphrase->ask(passphrase->user, name, confirm, password->text,
                               PACK_MAX_PASSPHRASE + 1, &password->size, error);
    if (code == 0 && confirm && password->size == 0)
        code = pack_fail(error, PACK_E_PASSPHRASE, "the passphrase is empty");
    return code;
}

void pack_password_clear(struct pack_password *password)
{
    pack_guarded_free(&password->text);
    password->size = 0;
}

static int fail_memory(uint64_t memory, struct pack_error *error)
{
    return pack_fail(error, PACK_E_NO_MEMORY, "out of memory: the KDF needs %llu bytes",
                     (unsigned long long)memory);
}

/* --- minisign's scrypt ----------------------------------------------------------------------- */

/* The work that 1 GiB takes: what minisign asks for, and the most that is honoured. */
#define MAX_OPSLIMIT (PACK_MAX_KDF_MEMORY / 32)

static int check_minisign(struct pack_kdf *kdf, struct pack_error *error)
{
    if (kdf->rounds > MAX_OPSLIMIT || kdf->memory > PACK_MAX_KDF_MEMORY)
        return pack_fail(error, PACK_E_LIMIT,
                         "its KDF asks for %llu bytes of memory and work %llu, at most %llu and "
                         "%llu are honoured",
                         (unsigned long long)kdf->memory, (unsigned long long)kdf->rounds,
                         (unsigned long long)PACK_MAX_KDF_MEMORY, (unsigned long long)MAX_OPSLIMIT);
    return 0;
}

static int derive_minisign(const struct pack_kdf *kdf, const struct pack_password *password,
                           uint8_t *out, size_t size, struct pack_error *error)
{
    return crypto_pwhash_scryptsalsa208sha256(out, size, password->text, password->size, kdf->salt,
                                              kdf->rounds, (size_t)kdf->memory) == 0
               ? 0
               : fail_memory(kdf->memory, error);
}

const struct pack_kdf_method pack_kdf_minisign = {"scrypt", check_minisign, derive_minisign};

/* --- scrypt ---------------------------------------------------------------------------------- */

static bool is_power_of_two(uint64_t n)
{
    return n > 1 && (n & (n - 1)) == 0;
}

static int check_scrypt(struct pack_kdf *kdf, struct pack_error *error)
{
    uint64_t blocks = 0, work = 0;
    if (!is_power_of_two(kdf->n) || kdf->r == 0 || kdf->p == 0)
        return pack_fail(error, PACK_E_KEY_INVALID,
                         "its KDF's parameters are none of scrypt's: N %llu, r %llu, p %llu",
                         (unsigned long long)kdf->n, (unsigned long long)kdf->r,
                         (unsigned long long)kdf->p);
    const bool fits = pack_multiply(kdf->n, kdf->r, &blocks) &&
                      pack_multiply(blocks, kdf->p, &work) &&
                      pack_multiply(blocks, 128, &kdf->memory);
    if (!fits || work > PACK_MAX_SCRYPT_WORK || kdf->memory > PACK_MAX_KDF_MEMORY)
        return pack_fail(error, PACK_E_LIMIT,
                         "its KDF asks for scrypt with N %llu, r %llu, p %llu; at most 1 GiB of "
                         "memory and N r p %llu are honoured",
                         (unsigned long long)kdf->n, (unsigned long long)kdf->r,
                         (unsigned long long)kdf->p, (unsigned long long)PACK_MAX_SCRYPT_WORK);
    return 0;
}

/* By libsodium, whose working memory is mapped for the call, where libcrypto's is the heap's. */
static int derive_scrypt(const struct pack_kdf *kdf, const struct pack_password *password,
                         uint8_t *out, size_t size, struct pack_error *error)
{
    if (crypto_pwhash_scryptsalsa208sha256_ll((const uint8_t *)password->text, password->size,
                                              kdf->salt, kdf->salt_size, kdf->n, (uint32_t)kdf->r,
                                              (uint32_t)kdf->p, out, size) == 0)
        return 0;
    return errno == ENOMEM
               ? fail_memory(kdf->memory, error)
               : pack_fail(error, PACK_E_KEY_INVALID, "its KDF's parameters are none of scrypt's");
}

const struct pack_kdf_method pack_kdf_scrypt = {"scrypt", check_scrypt, derive_scrypt};

/* --- PBKDF2 ---------------------------------------------------------------------------------- */

static int check_rounds(const struct pack_kdf *kdf, uint64_t most, struct pack_error *error)
{
    if (kdf->rounds == 0)
        return pack_fail(error, PACK_E_KEY_INVALID, "its KDF asks for 0 rounds, at least 1 wanted");
    if (kdf->rounds > most)
        return pack_fail(
            error, PACK_E_LIMIT, "its KDF asks for %llu rounds of %s, at most %llu are honoured",
            (unsigned long long)kdf->rounds, pack_kdf_name(kdf), (unsigned long long)most);
    return 0;
}

static int check_pbkdf2(struct pack_kdf *kdf, struct pack_error *error)
{
    return check_rounds(kdf, PACK_MAX_PBKDF2_ROUNDS, error);
}

static int derive_pbkdf2(const struct pack_kdf *kdf, const struct pack_password *password,
                         uint8_t *out, size_t size, struct pack_error *error)
{
    const int code = pack_libcrypto_ready(error);
    if (code != 0)
        return code;
    EVP_MD *digest = EVP_MD_fetch(NULL, kdf->digest, NULL);
    const bool derived =
        digest != NULL &&
        PKCS5_PBKDF2_HMAC(password->text, (int)password->size, kdf->salt, (int)kdf->salt_size,
                          (int)kdf->rounds, digest, (int)size, out) == 1;
    EVP_MD_free(digest);
    return derived ? 0 : pack_libcrypto_fail("PBKDF2", error);
}

const struct pack_kdf_method pack_kdf_pbkdf2 = {NULL, check_pbkdf2, derive_pbkdf2};

/* --- bcrypt ---------------------------------------------------------------------------------- */

static int check_bcrypt(struct pack_kdf *kdf, struct pack_error *error)
{
    return check_rounds(kdf, PACK_MAX_BCRYPT_ROUNDS, error);
}

static int derive_bcrypt(const struct pack_kdf *kdf, const struct pack_password *password,
                         uint8_t *out, size_t size, struct pack_error *error)
{
    return pack_bcrypt_pbkdf(password->text, password->size, kdf->salt, kdf->salt_size,
                             (uint32_t)kdf->rounds, out, size, error);
}

const struct pack_kdf_method pack_kdf_bcrypt = {"bcrypt", check_bcrypt, derive_bcrypt};

/* --- all ------------------------------------------------------------------------------------- */

const char *pack_kdf_name(const struct pack_kdf *kdf)
{
    static const char *const named[][2] = {
        {"SHA1", "PBKDF2-HMAC-SHA1"},     {"SHA224", "PBKDF2-HMAC-SHA224"},
        {"SHA256", "PBKDF2-HMAC-SHA256"}, {"SHA384", "PBKDF2-HMAC-SHA384"},
        {"SHA512", "PBKDF2-HMAC-SHA512"},
    };
    if (kdf->method == NULL || kdf->method->name != NULL)
        return kdf->method == NULL ? NULL : kdf->method->name;
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        if (strcmp(named[i][0], kdf->digest) == 0)
            return named[i][1];
    return "PBKDF2";
}

int pack_kdf_check(struct pack_kdf *kdf, struct pack_error *error)
{
    return kdf->method->check(kdf, error);
}

int pack_kdf_derive(const struct pack_kdf *kdf, const struct pack_password *password, uint8_t *out,
                    size_t size, struct pack_error *error)
{
    return kdf->method->derive(kdf, password, out, size, error);
}

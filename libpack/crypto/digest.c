/* SPDX-License-Identifier: MIT */
#include "pack/digest.h"

#include "base/memory.h"
#include "crypto/libcrypto.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

struct pack_sha256 {
    EVP_MD *algorithm;
    EVP_MD_CTX *state;
};

/*
 * Every libcrypto has SHA-256, and no argument of ours can be wrong, so what is missing is memory,
 * whatever libcrypto says of it.
 */
static int fail_libcrypto(struct pack_error *error)
{
    return pack_libcrypto_fail("SHA-256", error);
}

/*
 * The algorithm is fetched once for all digests of a hash, for fetching costs more than hashing a
 * block.
 */
static int prepare(struct pack_sha256 *hash, struct pack_error *error)
{
    const int code = pack_libcrypto_ready(error);
    if (code != 0)
        return code;
    hash->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    hash->state = EVP_MD_CTX_new();
    if (hash->algorithm == NULL || hash->state == NULL ||
        EVP_DigestInit_ex2(hash->state, hash->algorithm, NULL) != 1)
        return fail_libcrypto(error);
    return 0;
}

int pack_sha256_new(struct pack_sha256 **hash, struct pack_error *error)
{
    PACK_AUTO(pack_sha256_free) struct pack_sha256 *made = NULL;
    int code = pack_allocate(&made, 1, sizeof *made, error);
    if (code == 0)
        code = prepare(made, error);
    if (code == 0)
        *hash = pack_steal(&made);
    return code;
}

int pack_sha256_update(struct pack_sha256 *hash, const void *bytes, size_t size,
                       struct pack_error *error)
{
    if (EVP_DigestUpdate(hash->state, bytes, size) != 1)
        return fail_libcrypto(error);
    return 0;
}

int pack_sha256_finish(struct pack_sha256 *hash, uint8_t digest[PACK_SHA256_SIZE],
                       struct pack_error *error)
{
    if (EVP_DigestFinal_ex(hash->state, digest, NULL) != 1 ||
        EVP_DigestInit_ex2(hash->state, hash->algorithm, NULL) != 1)
        return fail_libcrypto(error);
    return 0;
}

void pack_sha256_free(struct pack_sha256 **hash)
{
    if (*hash == NULL)
        return;
    EVP_MD_CTX_free((*hash)->state);
    EVP_MD_free((*hash)->algorithm);
    free(*hash);
    *hash = NULL;
}

int pack_sha256_of(struct pack_sha256 *hash, const void *bytes, size_t size,
                   uint8_t digest[PACK_SHA256_SIZE], struct pack_error *error)
{
    const int code = pack_sha256_update(hash, bytes, size, error);
    return code != 0 ? code : pack_sha256_finish(hash, digest, error);
}

int pack_sha256_bytes(const void *bytes, size_t size, uint8_t digest[PACK_SHA256_SIZE],
                      struct pack_error *error)
{
    PACK_AUTO(pack_sha256_free) struct pack_sha256 *hash = NULL;
    const int code = pack_sha256_new(&hash, error);
    return code != 0 ? code : pack_sha256_of(hash, bytes, size, digest, error);
}

void pack_sha256_hex(const uint8_t digest[PACK_SHA256_SIZE], char text[PACK_SHA256_HEX_SIZE])
{
    sodium_bin2hex(text, PACK_SHA256_HEX_SIZE, digest, PACK_SHA256_SIZE);
}

bool pack_sha256_parse(const char *text, uint8_t digest[PACK_SHA256_SIZE])
{
    const size_t length = 2 * PACK_SHA256_SIZE;
    if (strnlen(text, length + 1) != length || strspn(text, "0123456789abcdef") != length)
        return false;
    return sodium_hex2bin(digest, PACK_SHA256_SIZE, text, length, NULL, NULL, NULL) == 0;
}

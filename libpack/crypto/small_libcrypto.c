/* SPDX-License-Identifier: MIT */

/*
 * What libpack calls of libcrypto, made of its SHA-256 alone: for a program that is linked
 * statically, where a fetched algorithm would bring all others along, four megabytes of them. What
 * a device does not need says that it is not there: encrypted key files, certificates in tokens.
 * Compiled into fwpack-device by cmake/FwpackDevice.cmake, and into nothing else.
 */

#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/libcrypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdlib.h>

int pack_libcrypto_ready(struct pack_error *error)
{
    (void)error;
    return 0;
}

int pack_libcrypto_fail(const char *what, struct pack_error *error)
{
    return pack_fail(error, PACK_E_UNSUPPORTED, "this program was built without %s", what);
}

const char *OpenSSL_version(int type)
{
    (void)type;
    return OPENSSL_VERSION_STR " (SHA-256 only)";
}

/* --- SHA-256 --------------------------------------------------------------------------------- */

EVP_MD *EVP_MD_fetch(OSSL_LIB_CTX *library, const char *algorithm, const char *properties)
{
    (void)library;
    (void)algorithm;
    (void)properties;
    return malloc(1);
}

void EVP_MD_free(EVP_MD *algorithm)
{
    free(algorithm);
}

EVP_MD_CTX *EVP_MD_CTX_new(void)
{
    return malloc(sizeof(SHA256_CTX));
}

void EVP_MD_CTX_free(EVP_MD_CTX *context)
{
    free(context);
}

int EVP_DigestInit_ex2(EVP_MD_CTX *context, const EVP_MD *algorithm, const OSSL_PARAM *parameters)
{
    (void)algorithm;
    (void)parameters;
    return SHA256_Init((SHA256_CTX *)(void *)context);
}

int EVP_DigestUpdate(EVP_MD_CTX *context, const void *bytes, size_t size)
{
    return SHA256_Update((SHA256_CTX *)(void *)context, bytes, size);
}

int EVP_DigestFinal_ex(EVP_MD_CTX *context, unsigned char *digest, unsigned *size)
{
    if (size != NULL)
        *size = SHA256_DIGEST_LENGTH;
    return SHA256_Final(digest, (SHA256_CTX *)(void *)context);
}

/* --- what is not there ----------------------------------------------------------------------- */

int PKCS5_PBKDF2_HMAC(const char *password, int password_size, const unsigned char *salt,
                      int salt_size, int rounds, const EVP_MD *algorithm, int size,
                      unsigned char *out)
{
    (void)password;
    (void)password_size;
    (void)salt;
    (void)salt_size;
    (void)rounds;
    (void)algorithm;
    (void)size;
    (void)out;
    return 0;
}

EVP_CIPHER *EVP_CIPHER_fetch(OSSL_LIB_CTX *library, const char *algorithm, const char *properties)
{
    (void)library;
    (void)algorithm;
    (void)properties;
    return NULL;
}

void EVP_CIPHER_free(EVP_CIPHER *cipher)
{
    (void)cipher;
}

EVP_CIPHER_CTX *EVP_CIPHER_CTX_new(void)
{
    return NULL;
}

void EVP_CIPHER_CTX_free(EVP_CIPHER_CTX *context)
{
    (void)context;
}

int EVP_CIPHER_CTX_ctrl(EVP_CIPHER_CTX *context, int type, int number, void *bytes)
{
    (void)context;
    (void)type;
    (void)number;
    (void)bytes;
    return 0;
}

int EVP_CIPHER_CTX_set_padding(EVP_CIPHER_CTX *context, int padding)
{
    (void)context;
    (void)padding;
    return 0;
}

int EVP_CipherInit_ex2(EVP_CIPHER_CTX *context, const EVP_CIPHER *cipher, const unsigned char *key,
                       const unsigned char *iv, int encrypt, const OSSL_PARAM *parameters)
{
    (void)context;
    (void)cipher;
    (void)key;
    (void)iv;
    (void)encrypt;
    (void)parameters;
    return 0;
}

int EVP_CipherUpdate(EVP_CIPHER_CTX *context, unsigned char *out, int *out_size,
                     const unsigned char *in, int in_size)
{
    (void)context;
    (void)out;
    (void)out_size;
    (void)in;
    (void)in_size;
    return 0;
}

int EVP_CipherFinal_ex(EVP_CIPHER_CTX *context, unsigned char *out, int *out_size)
{
    (void)context;
    (void)out;
    (void)out_size;
    return 0;
}

X509 *d2i_X509(X509 **certificate, const unsigned char **bytes, long size)
{
    (void)certificate;
    (void)bytes;
    (void)size;
    return NULL;
}

void X509_free(X509 *certificate)
{
    (void)certificate;
}

EVP_PKEY *X509_get0_pubkey(const X509 *certificate)
{
    (void)certificate;
    return NULL;
}

int EVP_PKEY_get_raw_public_key(const EVP_PKEY *key, unsigned char *bytes, size_t *size)
{
    (void)key;
    (void)bytes;
    (void)size;
    return 0;
}

/* SPDX-License-Identifier: MIT */
#include "crypto/cipher.h"

#include "crypto/libcrypto.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

static const struct pack_cipher ciphers[] = {
    {"aes256-ctr", 32, 16, 16, 0, "AES-256-CTR"},
    {"aes192-ctr", 24, 16, 16, 0, "AES-192-CTR"},
    {"aes128-ctr", 16, 16, 16, 0, "AES-128-CTR"},
    {"aes256-cbc", 32, 16, 16, 0, "AES-256-CBC"},
    {"aes192-cbc", 24, 16, 16, 0, "AES-192-CBC"},
    {"aes128-cbc", 16, 16, 16, 0, "AES-128-CBC"},
    {"aes256-gcm@openssh.com", 32, 12, 16, PACK_CIPHER_TAG, "AES-256-GCM"},
    {"aes128-gcm@openssh.com", 16, 12, 16, PACK_CIPHER_TAG, "AES-128-GCM"},
    {"chacha20-poly1305@openssh.com", 64, 0, 8, PACK_CIPHER_TAG, NULL},
};

const struct pack_cipher *pack_cipher_named(const char *name, size_t size)
{
    for (size_t i = 0; i < sizeof ciphers / sizeof ciphers[0]; i++)
        if (strlen(ciphers[i].name) == size && strncmp(ciphers[i].name, name, size) == 0)
            return &ciphers[i];
    return NULL;
}

static int wrong_tag(struct pack_error *error)
{
    return pack_fail(error, PACK_E_PASSPHRASE,
                     "the passphrase is wrong, or the encrypted key was altered");
}

/* --- libcrypto ------------------------------------------------------------------------------- */

/* One run over all the bytes; the context is wiped when it is freed. */
struct run {
    EVP_CIPHER *algorithm;
    EVP_CIPHER_CTX *context;
};

static void run_clear(struct run *run)
{
    EVP_CIPHER_CTX_free(run->context);
    EVP_CIPHER_free(run->algorithm);
}

static int run_start(struct run *run, const struct pack_cipher *cipher, const uint8_t *key,
                     const uint8_t *iv, bool encrypt, struct pack_error *error)
{
    const int code = pack_libcrypto_ready(error);
    if (code != 0)
        return code;
    run->algorithm = EVP_CIPHER_fetch(NULL, cipher->evp, NULL);
    run->context = EVP_CIPHER_CTX_new();
    if (run->algorithm == NULL || run->context == NULL ||
        EVP_CipherInit_ex2(run->context, run->algorithm, key, iv, encrypt, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(run->context, 0) != 1)
        return pack_libcrypto_fail(cipher->evp, error);
    return 0;
}

static bool run_over(const struct run *run, uint8_t *bytes, size_t size)
{
    int updated = 0, last = 0;
    return EVP_CipherUpdate(run->context, bytes, &updated, bytes, (int)size) == 1 &&
           EVP_CipherFinal_ex(run->context, bytes + updated, &last) == 1;
}

static bool has_tag(const struct run *run, int control, const uint8_t *tag)
{
    return EVP_CIPHER_CTX_ctrl(run->context, control, PACK_CIPHER_TAG, (void *)(uintptr_t)tag) == 1;
}

/* --- chacha20-poly1305@openssh.com (OpenSSH PROTOCOL.chacha20poly1305), as packet number 0 -------
 */

/* The first half of the key encrypts; the second would encrypt a packet's length. */
static void chacha_tag(const uint8_t *key, const uint8_t *bytes, size_t size, uint8_t *tag)
{
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    uint8_t once[crypto_onetimeauth_KEYBYTES];
    crypto_stream_chacha20(once, sizeof once, nonce, key);
    crypto_onetimeauth(tag, bytes, size, once);
    sodium_memzero(once, sizeof once);
}

static void chacha_stream(const uint8_t *key, uint8_t *bytes, size_t size)
{
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    crypto_stream_chacha20_xor_ic(bytes, bytes, size, nonce, 1, key);
}

static int chacha_decrypt(const uint8_t *key, uint8_t *bytes, size_t size, const uint8_t *tag,
                          struct pack_error *error)
{
    uint8_t computed[PACK_CIPHER_TAG];
    chacha_tag(key, bytes, size, computed);
    if (sodium_memcmp(computed, tag, sizeof computed) != 0)
        return wrong_tag(error);
    chacha_stream(key, bytes, size);
    return 0;
}

/* --- both ------------------------------------------------------------------------------------ */

int pack_cipher_encrypt(const struct pack_cipher *cipher, const uint8_t *key, const uint8_t *iv,
                        uint8_t *bytes, size_t size, uint8_t *tag, struct pack_error *error)
{
    __attribute__((cleanup(run_clear))) struct run run = {NULL, NULL};
    if (cipher->evp == NULL) {
        chacha_stream(key, bytes, size);
        chacha_tag(key, bytes, size, tag);
        return 0;
    }
    const int code = run_start(&run, cipher, key, iv, true, error);
    if (code != 0)
        return code;
    if (!run_over(&run, bytes, size) ||
        (cipher->tag != 0 && !has_tag(&run, EVP_CTRL_AEAD_GET_TAG, tag)))
        return pack_libcrypto_fail(cipher->evp, error);
    return 0;
}

int pack_cipher_decrypt(const struct pack_cipher *cipher, const uint8_t *key, const uint8_t *iv,
                        uint8_t *bytes, size_t size, const uint8_t *tag, struct pack_error *error)
{
    __attribute__((cleanup(run_clear))) struct run run = {NULL, NULL};
    if (cipher->evp == NULL)
        return chacha_decrypt(key, bytes, size, tag, error);
    const int code = run_start(&run, cipher, key, iv, false, error);
    if (code != 0)
        return code;
    if (cipher->tag != 0 && !has_tag(&run, EVP_CTRL_AEAD_SET_TAG, tag))
        return pack_libcrypto_fail(cipher->evp, error);
    if (run_over(&run, bytes, size))
        return 0;
    return cipher->tag != 0 ? wrong_tag(error) : pack_libcrypto_fail(cipher->evp, error);
}

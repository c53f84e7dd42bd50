/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_FIDO_H
#define SUPPORT_FIDO_H

/*
 * SSH signatures as a person's key and as a FIDO token make them, written from OpenSSH's
 * PROTOCOL.sshsig and PROTOCOL.u2f with libsodium alone.
 */

#include "crypto/key_text.h"
#include "pack/sshsig.h"
#include "support/keys.h"

#include <sodium.h>

/* Bytes in the making; tests are small. */
struct fido_bytes {
    uint8_t bytes[1024];
    size_t size;
};

static inline void fido_put(struct fido_bytes *to, const void *bytes, size_t size)
{
    assert_true(size <= sizeof to->bytes - to->size);
    memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

static inline void fido_put_string(struct fido_bytes *to, const void *bytes, size_t size)
{
    const uint8_t length[4] = {0, 0, (uint8_t)(size >> 8), (uint8_t)size};
    fido_put(to, length, 4);
    fido_put(to, bytes, size);
}

/* Fills in the signature bytes; all other fields of `signature` say what kind it is. */
static inline void test_ssh_sign_bytes(struct pack_ssh_signature *signature,
                                       const struct pack_secret_key *key, const char *message)
{
    const char *application = signature->key.application;
    struct fido_bytes plain = {.size = 0}, fido = {.size = 0};
    uint8_t hash[64];
    fido_put(&plain, "SSHSIG", 6);
    fido_put_string(&plain, signature->name_space, strlen(signature->name_space));
    fido_put_string(&plain, "", 0);
    fido_put_string(&plain, signature->sha256 ? "sha256" : "sha512", 6);
    if (signature->sha256)
        crypto_hash_sha256(hash, (const uint8_t *)message, strlen(message));
    else
        crypto_hash_sha512(hash, (const uint8_t *)message, strlen(message));
    fido_put_string(&plain, hash, signature->sha256 ? 32 : 64);
    if (application[0] != '\0') {
        const uint8_t counter[4] = {
            (uint8_t)(signature->counter >> 24), (uint8_t)(signature->counter >> 16),
            (uint8_t)(signature->counter >> 8), (uint8_t)signature->counter};
        crypto_hash_sha256(hash, (const uint8_t *)application, strlen(application));
        fido_put(&fido, hash, 32);
        fido_put(&fido, &signature->flags, 1);
        fido_put(&fido, counter, 4);
        crypto_hash_sha256(hash, plain.bytes, plain.size);
        fido_put(&fido, hash, 32);
        plain = fido;
    }
    const struct pack_signer signer = pack_signer_from_key(key);
    struct pack_error error = {0};
    assert_pack_ok(pack_signer_sign(&signer, plain.bytes, plain.size, signature->bytes, &error));
}

/* A signature over text; of a FIDO token where there is an application. */
static inline struct pack_ssh_signature test_ssh_sign(const struct pack_secret_key *key,
                                                      const char *application,
                                                      const char *name_space, const char *message)
{
    struct pack_ssh_signature signature = {.key = *pack_secret_key_public(key)};
    if (application[0] != '\0') {
        struct pack_error error = {0};
        assert_pack_ok(pack_public_key_set_application(&signature.key, application,
                                                       strlen(application), &error));
    }
    snprintf(signature.name_space, sizeof signature.name_space, "%s", name_space);
    if (application[0] != '\0') {
        signature.flags = 1;
        signature.counter = 7;
    }
    test_ssh_sign_bytes(&signature, key, message);
    return signature;
}

/* Its text, to be freed with free(). */
static inline char *test_ssh_text(const struct pack_ssh_signature *signature, size_t *size)
{
    struct pack_error error = {0};
    char *text = NULL;
    assert_pack_ok(pack_ssh_signature_format(&text, size, signature, &error));
    return text;
}

#endif

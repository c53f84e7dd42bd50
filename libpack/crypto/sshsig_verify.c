/* SPDX-License-Identifier: MIT */
#include "crypto/ed25519.h"
#include "crypto/hash_input.h"
#include "crypto/ssh_wire.h"
#include "crypto/sshsig.h"
#include "pack/limits.h"

#include <sodium.h>

/* The message's hash: of one kind or the other. */
struct message_digest {
    uint8_t bytes[crypto_hash_sha512_BYTES];
    size_t size;
};

static int put_signed(struct pack_buffer *buffer, const struct pack_ssh_signature *signature,
                      const struct message_digest *digest, struct pack_error *error)
{
    int code = pack_buffer_append(buffer, PACK_SSHSIG_MAGIC, strlen(PACK_SSHSIG_MAGIC), error);
    if (code == 0)
        code = pack_ssh_put_text(buffer, signature->name_space, error);
    if (code == 0)
        code = pack_ssh_put_text(buffer, "", error);
    if (code == 0)
        code = pack_ssh_put_text(buffer, pack_ssh_hash_name(signature), error);
    return code != 0 ? code : pack_ssh_put_string(buffer, digest->bytes, digest->size, error);
}

/* What a token signs in the message's place: who asked it, how, and its count of signatures. */
static int put_fido(struct pack_buffer *buffer, const struct pack_ssh_signature *signature,
                    const struct pack_buffer *message, struct pack_error *error)
{
    const char *application = signature->key.application;
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, (const uint8_t *)application, strlen(application));
    int code = pack_buffer_append(buffer, digest, sizeof digest, error);
    if (code == 0)
        code = pack_buffer_append(buffer, &signature->flags, 1, error);
    if (code == 0)
        code = pack_ssh_put_u32(buffer, signature->counter, error);
    crypto_hash_sha256(digest, message->bytes, message->size);
    return code != 0 ? code : pack_buffer_append(buffer, digest, sizeof digest, error);
}

static int check_signer(const struct pack_ssh_signature *signature,
                        const struct pack_public_key *key, struct pack_error *error)
{
    enum { USER_PRESENT = 1 };
    if (sodium_memcmp(signature->key.bytes, key->bytes, sizeof key->bytes) != 0)
        return pack_fail(error, PACK_E_SIGNATURE, "the signature was made by key %s, not by %s",
                         signature->key.keyid, key->keyid);
    if (strcmp(signature->key.application, key->application) != 0)
        return pack_fail(error, PACK_E_SIGNATURE,
                         "made for the FIDO application \"%s\", the key's is \"%s\"",
                         signature->key.application, key->application);
    if (key->application[0] != '\0' && (signature->flags & USER_PRESENT) == 0)
        return pack_fail(error, PACK_E_SIGNATURE,
                         "made by a FIDO token that nobody touched (user presence is wanted)");
    return 0;
}

static int check_digest(const struct pack_ssh_signature *signature,
                        const struct pack_public_key *key, const struct message_digest *digest,
                        struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer plain = {.limit = PACK_MAX_SIGNATURE};
    PACK_AUTO_BUFFER struct pack_buffer fido = {.limit = PACK_MAX_SIGNATURE};
    const bool is_fido = key->application[0] != '\0';
    int code = put_signed(&plain, signature, digest, error);
    if (code == 0 && is_fido)
        code = put_fido(&fido, signature, &plain, error);
    if (code != 0)
        return code;
    const struct pack_buffer *message = is_fido ? &fido : &plain;
    if (!pack_ed25519_verify(signature->bytes, message->bytes, message->size, key->bytes))
        return pack_fail(error, PACK_E_SIGNATURE, "the signature does not verify with key %s",
                         key->keyid);
    return 0;
}

static int check_claims(const struct pack_ssh_signature *signature,
                        const struct pack_public_key *key, const char *name_space,
                        struct pack_error *error)
{
    const int code = check_signer(signature, key, error);
    if (code != 0 || strcmp(signature->name_space, name_space) == 0)
        return code;
    return pack_fail(error, PACK_E_SIGNATURE, "made for namespace \"%s\", \"%s\" is wanted",
                     signature->name_space, name_space);
}

/* Both hashes are made of a message, of which the signature covers one. */
struct message_hash {
    crypto_hash_sha256_state sha256;
    crypto_hash_sha512_state sha512;
};

static void hash_init(struct message_hash *hash)
{
    crypto_hash_sha256_init(&hash->sha256);
    crypto_hash_sha512_init(&hash->sha512);
}

static void hash_update(void *state, const void *bytes, size_t size)
{
    struct message_hash *hash = state;
    crypto_hash_sha256_update(&hash->sha256, bytes, size);
    crypto_hash_sha512_update(&hash->sha512, bytes, size);
}

static int hash_check(struct message_hash *hash, const struct pack_ssh_signature *signature,
                      const struct pack_public_key *key, struct pack_error *error)
{
    struct message_digest digest;
    if (signature->sha256) {
        crypto_hash_sha256_final(&hash->sha256, digest.bytes);
        digest.size = crypto_hash_sha256_BYTES;
    } else {
        crypto_hash_sha512_final(&hash->sha512, digest.bytes);
        digest.size = crypto_hash_sha512_BYTES;
    }
    return check_digest(signature, key, &digest, error);
}

int pack_ssh_signature_verify(const struct pack_ssh_signature *signature,
                              const struct pack_public_key *key, const char *name_space,
                              const void *message, size_t size, struct pack_error *error)
{
    struct message_hash hash;
    int code = pack_crypto_ready(error);
    if (code == 0)
        code = check_claims(signature, key, name_space, error);
    if (code != 0)
        return code;
    hash_init(&hash);
    hash_update(&hash, message, size);
    return hash_check(&hash, signature, key, error);
}

int pack_ssh_signature_verify_input(const struct pack_ssh_signature *signature,
                                    const struct pack_public_key *key, const char *name_space,
                                    struct pack_input *input, const struct pack_context *context,
                                    struct pack_error *error)
{
    struct message_hash hash;
    int code = pack_crypto_ready(error);
    if (code == 0)
        code = check_claims(signature, key, name_space, error);
    if (code != 0)
        return code;
    hash_init(&hash);
    code = pack_hash_input(input, hash_update, &hash, context, error);
    return code != 0 ? code : hash_check(&hash, signature, key, error);
}

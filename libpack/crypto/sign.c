/* SPDX-License-Identifier: MIT */
#include "crypto/ed25519.h"
#include "crypto/hash_input.h"
#include "crypto/key_text.h"
#include "crypto/textline.h"

#include <sodium.h>
#include <string.h>

/* --- prehash ------------------------------------------------------------------------------- */

static void update(void *state, const void *bytes, size_t size)
{
    crypto_generichash_update(state, bytes, size);
}

int pack_prehash(struct pack_input *input, uint8_t digest[PACK_PREHASH_SIZE],
                 const struct pack_context *context, struct pack_error *error)
{
    crypto_generichash_state state;
    int code = pack_crypto_ready(error);
    if (code != 0)
        return code;
    crypto_generichash_init(&state, NULL, 0, PACK_PREHASH_SIZE);
    code = pack_hash_input(input, update, &state, context, error);
    if (code == 0)
        crypto_generichash_final(&state, digest, PACK_PREHASH_SIZE);
    return code;
}

void pack_prehash_bytes(const void *bytes, size_t size, uint8_t digest[PACK_PREHASH_SIZE])
{
    crypto_generichash(digest, PACK_PREHASH_SIZE, bytes, size, NULL, 0);
}

/* --- signing and verifying ----------------------------------------------------------------- */

/* What the global signature covers: the signature, then the trusted comment. */
struct global_message {
    uint8_t bytes[PACK_SIGNATURE_SIZE + PACK_MAX_TRUSTED_COMMENT];
    size_t size;
};

static void global_message(struct global_message *message, const struct pack_signature *signature)
{
    const size_t length = strnlen(signature->comment, sizeof signature->comment);
    memcpy(message->bytes, signature->bytes, PACK_SIGNATURE_SIZE);
    memcpy(message->bytes + PACK_SIGNATURE_SIZE, signature->comment, length);
    message->size = PACK_SIGNATURE_SIZE + length;
}

/* A fault in the signer, or in the machine, must not leave with a signature that reveals a key. */
int pack_signer_sign(const struct pack_signer *signer, const void *message, size_t size,
                     uint8_t signature[PACK_SIGNATURE_SIZE], struct pack_error *error)
{
    const int code = signer->sign(signer, message, size, signature, error);
    if (code != 0)
        return code;
    if (!pack_ed25519_verify(signature, message, size, signer->key->bytes))
        return pack_fail(error, PACK_E_KEY_STORE,
                         "the signer made a signature that does not verify with key %s",
                         signer->key->keyid);
    return 0;
}

int pack_signer_record(const struct pack_signer *signer, const void *document, size_t size,
                       struct pack_error *error)
{
    uint8_t digest[PACK_SHA256_SIZE];
    if (signer->record == NULL)
        return 0;
    const int code = pack_sha256_bytes(document, size, digest, error);
    return code != 0 ? code : signer->record(signer, digest, error);
}

static int set_comment(struct pack_signature *signature, const char *comment,
                       struct pack_error *error)
{
    const struct pack_span span = {comment, strlen(comment)};
    if (span.size >= sizeof signature->comment)
        return pack_fail(error, PACK_E_LIMIT,
                         "trusted comment has %zu bytes, fewer than %zu wanted", span.size,
                         sizeof signature->comment);
    if (!pack_comment_valid(span))
        return pack_fail(error, PACK_E_USAGE,
                         "trusted comment has a control character, or bytes that are not UTF-8");
    memcpy(signature->comment, comment, span.size);
    return 0;
}

bool pack_signature_is_first(const uint8_t answer[PACK_SIGNATURE_SIZE],
                             const struct pack_public_key *key,
                             const uint8_t digest[PACK_PREHASH_SIZE])
{
    return pack_ed25519_verify(answer, digest, PACK_PREHASH_SIZE, key->bytes);
}

bool pack_signature_is_second(const uint8_t answer[PACK_SIGNATURE_SIZE],
                              const struct pack_public_key *key,
                              const uint8_t first[PACK_SIGNATURE_SIZE], const char *comment)
{
    struct pack_signature signature = {0};
    struct global_message message;
    if (strlen(comment) >= sizeof signature.comment)
        return false;
    memcpy(signature.bytes, first, sizeof signature.bytes);
    memcpy(signature.comment, comment, strlen(comment));
    global_message(&message, &signature);
    return pack_ed25519_verify(answer, message.bytes, message.size, key->bytes);
}

int pack_sign(struct pack_signature *signature, const struct pack_signer *signer,
              const uint8_t digest[PACK_PREHASH_SIZE], const char *comment,
              struct pack_error *error)
{
    struct pack_signature made = {0};
    struct global_message message;
    int code = pack_crypto_ready(error);
    if (code == 0)
        code = set_comment(&made, comment, error);
    if (code == 0)
        code = pack_signer_sign(signer, digest, PACK_PREHASH_SIZE, made.bytes, error);
    if (code != 0)
        return code;
    memcpy(made.minisign_id, signer->key->minisign_id, sizeof made.minisign_id);
    global_message(&message, &made);
    code = pack_signer_sign(signer, message.bytes, message.size, made.global, error);
    if (code == 0)
        *signature = made;
    return code;
}

static int check_id(const struct pack_signature *signature, const struct pack_public_key *key,
                    struct pack_error *error)
{
    uint8_t derived[PACK_MINISIGN_ID_SIZE];
    char found[17], wanted[17];
    if (!key->has_minisign_id ||
        sodium_memcmp(signature->minisign_id, key->minisign_id, PACK_MINISIGN_ID_SIZE) == 0)
        return 0;
    /* The same key may be kept in a token, which knows of no id. */
    const int code = pack_minisign_id_derive(key->bytes, derived, error);
    if (code != 0 || sodium_memcmp(signature->minisign_id, derived, PACK_MINISIGN_ID_SIZE) == 0)
        return code;
    pack_minisign_id_text(signature->minisign_id, found);
    pack_minisign_id_text(key->minisign_id, wanted);
    return pack_fail(error, PACK_E_SIGNATURE,
                     "the signature was made by a key with minisign id %s, key %s has %s", found,
                     key->keyid, wanted);
}

int pack_signature_verify(const struct pack_signature *signature, const struct pack_public_key *key,
                          const uint8_t digest[PACK_PREHASH_SIZE], struct pack_error *error)
{
    struct global_message message;
    int code = pack_crypto_ready(error);
    if (code == 0)
        code = check_id(signature, key, error);
    if (code != 0)
        return code;
    if (!pack_ed25519_verify(signature->bytes, digest, PACK_PREHASH_SIZE, key->bytes))
        return pack_fail(error, PACK_E_SIGNATURE, "the signature does not verify with key %s",
                         key->keyid);
    global_message(&message, signature);
    if (!pack_ed25519_verify(signature->global, message.bytes, message.size, key->bytes))
        return pack_fail(error, PACK_E_SIGNATURE,
                         "the trusted comment was changed: it does not verify with key %s",
                         key->keyid);
    return 0;
}

int pack_raw_signature_verify(const uint8_t signature[PACK_SIGNATURE_SIZE],
                              const struct pack_public_key *key, const void *message, size_t size,
                              struct pack_error *error)
{
    const int code = pack_crypto_ready(error);
    if (code != 0)
        return code;
    if (key->application[0] == '\0' && pack_ed25519_verify(signature, message, size, key->bytes))
        return 0;
    return pack_fail(error, PACK_E_SIGNATURE, "the signature does not verify with key %s",
                     key->keyid);
}

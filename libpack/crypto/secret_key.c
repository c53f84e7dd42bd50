/* SPDX-License-Identifier: MIT */
#include "crypto/secret_key.h"

#include <sodium.h>
#include <string.h>

int pack_secret_key_make(struct pack_secret_key **key, const uint8_t seed[PACK_SEED_SIZE],
                         const uint8_t id[PACK_MINISIGN_ID_SIZE], enum pack_key_purpose purpose,
                         struct pack_error *error)
{
    PACK_AUTO_GUARDED struct pack_secret_key *made = NULL;
    uint8_t public[PACK_PUBLIC_KEY_SIZE];
    int code = pack_guarded_new(&made, sizeof *made, error);
    if (code != 0)
        return code;
    pack_guarded_inherit(made, sizeof *made);
    if (crypto_sign_seed_keypair(public, made->expanded, seed) != 0)
        return pack_fail(error, PACK_E_INTERNAL, "libsodium cannot derive a key");
    made->purpose = id != NULL && pack_minisign_id_is_demo(id) ? PACK_PURPOSE_DEMO : purpose;
    code = pack_public_key_make(&made->key, public, id, error);
    if (code == 0)
        *key = pack_steal(&made);
    return code;
}

int pack_secret_key_generate(struct pack_secret_key **key, enum pack_key_purpose purpose,
                             struct pack_error *error)
{
    PACK_AUTO_GUARDED uint8_t *seed = NULL;
    int code = pack_guarded_new(&seed, PACK_SEED_SIZE, error);
    if (code == 0)
        code = pack_random(seed, PACK_SEED_SIZE, error);
    if (code == 0)
        code = pack_secret_key_make(key, seed, NULL, purpose, error);
    if (code == 0)
        pack_secret_key_set_purpose(*key, purpose);
    return code;
}

void pack_secret_key_set_purpose(struct pack_secret_key *key, enum pack_key_purpose purpose)
{
    key->purpose = purpose;
    key->key.has_minisign_id = true;
    if (purpose == PACK_PURPOSE_DEMO)
        memcpy(key->key.minisign_id, PACK_DEMO_ID, strlen(PACK_DEMO_ID));
}

void pack_secret_key_free(struct pack_secret_key **key)
{
    pack_guarded_free(key);
}

const struct pack_public_key *pack_secret_key_public(const struct pack_secret_key *key)
{
    return &key->key;
}

enum pack_key_purpose pack_secret_key_purpose(const struct pack_secret_key *key)
{
    return key->purpose;
}

enum pack_key_format pack_secret_key_format(const struct pack_secret_key *key)
{
    return key->format;
}

static int sign_with_key(const struct pack_signer *signer, const void *message, size_t size,
                         uint8_t signature[PACK_SIGNATURE_SIZE], struct pack_error *error)
{
    const struct pack_secret_key *key = signer->user;
    if (crypto_sign_detached(signature, NULL, message, size, key->expanded) != 0)
        return pack_fail(error, PACK_E_INTERNAL, "libsodium cannot sign");
    return 0;
}

struct pack_signer pack_signer_from_key(const struct pack_secret_key *key)
{
    return (struct pack_signer){
        .key = &key->key, .sign = sign_with_key, .user = (void *)(uintptr_t)key};
}

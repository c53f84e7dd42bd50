/* SPDX-License-Identifier: MIT */
#include "keystore/keystore.h"

#include <string.h>

/* Key files, from the disk, the environment or a descriptor: the whole key is in our memory. */

static int open_file(struct pack_signing_key *key, const char *name,
                     const struct pack_signing_access *access, struct pack_error *error)
{
    struct pack_secret_key *secret = NULL;
    int code = pack_secret_key_load(&secret, name, &access->files, error);
    if (code != 0)
        return code;
    key->state = secret;
    key->public = *pack_secret_key_public(secret);
    key->purpose = pack_secret_key_purpose(secret);
    return key->public.has_minisign_id ? 0
                                       : keystore_set_public(key, key->public.bytes, access, error);
}

static int sign_with_file(struct pack_signing_key *key, const char *role, const void *message,
                          size_t size, uint8_t signature[PACK_SIGNATURE_SIZE],
                          struct pack_error *error)
{
    const struct pack_signer signer = pack_signer_from_key(key->state);
    (void)role;
    return signer.sign(&signer, message, size, signature, error);
}

static void close_file(struct pack_signing_key *key)
{
    struct pack_secret_key *secret = key->state;
    pack_secret_key_free(&secret);
    key->state = NULL;
}

const struct keystore keystore_file = {
    .name = "file",
    .open = open_file,
    .sign = sign_with_file,
    .close = close_file,
};

/* SPDX-License-Identifier: MIT */
#include "keystore/keystore.h"

#include "crypto/key_text.h"
#include "pack/text.h"

#include <stdio.h>
#include <string.h>

/* The only list of key stores; the last takes what no scheme claims. */
static const struct keystore *const stores[] = {
    &keystore_pkcs11, &keystore_agent, &keystore_tpm2, &keystore_exec, &keystore_file,
};

static const struct keystore *store_of(const char **name)
{
    const size_t last = sizeof stores / sizeof stores[0] - 1;
    for (size_t i = 0; i < last; i++) {
        const size_t length = strlen(stores[i]->scheme);
        if (strncmp(*name, stores[i]->scheme, length) != 0)
            continue;
        *name += length;
        return stores[i];
    }
    return stores[last];
}

bool pack_signing_key_is_file(const char *name)
{
    return store_of(&name) == &keystore_file;
}

/* "pkcs12:…" is meant as no file: a name that begins as a scheme does. */
static int hint_scheme(const char *name, struct pack_error *error)
{
    const char *words[sizeof stores / sizeof stores[0] + 1] = {"env:", "fd:"};
    char scheme[16];
    size_t count = 2;
    const size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789") + 1;
    if (length < 3 || length >= sizeof scheme || name[length - 1] != ':')
        return (int)error->code;
    snprintf(scheme, sizeof scheme, "%.*s", (int)length, name);
    for (size_t i = 0; stores[i]->scheme != NULL; i++)
        words[count++] = stores[i]->scheme;
    const char *nearest = pack_nearest(scheme, words, count);
    if (nearest != NULL)
        return pack_hint(error, "did you mean %s?", nearest);
    return pack_hint(error, "a KEY is a file, env:NAME, fd:N, pkcs11:…, agent:[WHICH], tpm2:FILE "
                            "or exec:COMMAND");
}

int pack_signing_key_open(struct pack_signing_key **key, const char *name,
                          const struct pack_signing_access *access, struct pack_error *error)
{
    PACK_AUTO(pack_signing_key_free) struct pack_signing_key *made = NULL;
    const char *rest = name;
    *key = NULL;
    int code = pack_allocate(&made, 1, sizeof *made, error);
    if (code != 0)
        return code;
    made->store = store_of(&rest);
    code = made->store->open(made, rest, access, error);
    if (code == PACK_E_NOT_FOUND && made->store == &keystore_file)
        hint_scheme(name, error);
    if (code != 0)
        return pack_at_file(error, name);
    *key = pack_steal(&made);
    return 0;
}

void pack_signing_key_free(struct pack_signing_key **key)
{
    if (*key == NULL)
        return;
    if ((*key)->store->close != NULL)
        (*key)->store->close(*key);
    free(*key);
    *key = NULL;
}

/* The known public half of these bytes, NULL where there is none. */
static const struct pack_public_key *known_half(const struct pack_signing_access *access,
                                                const uint8_t bytes[PACK_PUBLIC_KEY_SIZE])
{
    for (size_t i = 0; i < access->public_key_count; i++)
        if (memcmp(access->public_keys[i].bytes, bytes, PACK_PUBLIC_KEY_SIZE) == 0)
            return &access->public_keys[i];
    return NULL;
}

int keystore_set_public(struct pack_signing_key *key, const uint8_t bytes[PACK_PUBLIC_KEY_SIZE],
                        const struct pack_signing_access *access, struct pack_error *error)
{
    const struct pack_public_key *known = known_half(access, bytes);
    return pack_public_key_make(&key->public, bytes,
                                known != NULL && known->has_minisign_id ? known->minisign_id : NULL,
                                error);
}

const struct pack_public_key *pack_signing_key_public(const struct pack_signing_key *key)
{
    return &key->public;
}

enum pack_key_purpose pack_signing_key_purpose(const struct pack_signing_key *key)
{
    return key->purpose;
}

const char *pack_signing_key_store(const struct pack_signing_key *key)
{
    return key->store->name;
}

const struct pack_secret_key *pack_signing_key_secret(const struct pack_signing_key *key)
{
    return key->store == &keystore_file ? key->state : NULL;
}

static int sign(const struct pack_signer *signer, const void *message, size_t size,
                uint8_t signature[PACK_SIGNATURE_SIZE], struct pack_error *error)
{
    struct pack_signing_key *key = signer->user;
    return key->store->sign(key, signer->role, message, size, signature, error);
}

struct pack_signer pack_signing_key_signer(const struct pack_signing_key *key)
{
    return (struct pack_signer){.key = &key->public, .sign = sign, .user = (void *)(uintptr_t)key};
}

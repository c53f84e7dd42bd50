/* SPDX-License-Identifier: MIT */
#include "keystore/x25519.h"

#include "base/memory.h"
#include "keystore/pkcs11.h"

#include <sodium.h>
#include <string.h>

struct keystore_x25519 {
    struct pkcs11_key *key;
    uint8_t public[KEYSTORE_X25519_SIZE];
};

static int find_public(struct keystore_x25519 *key, struct pack_error *error)
{
    bool found = false;
    const int code = pkcs11_public(key->key, key->public, &found, error);
    if (code != 0 || found)
        return code;
    return pack_fail(error, PACK_E_KEY_STORE, "token '%s' has no public half of key %s",
                     key->key->token.label, key->key->name);
}

int keystore_x25519_open(struct keystore_x25519 **key, const char *name,
                         const struct pack_signing_access *access, struct pack_error *error)
{
    static const char scheme[] = "pkcs11:";
    const size_t length = sizeof scheme - 1;
    PACK_AUTO(keystore_x25519_close) struct keystore_x25519 *made = NULL;
    *key = NULL;
    if (strncmp(name, scheme, length) != 0)
        return pack_fail(error, PACK_E_USAGE, "'%.64s' names no key in a token, pkcs11:… does",
                         name);
    int code = pack_allocate(&made, 1, sizeof *made, error);
    if (code == 0)
        code = pkcs11_open_private(&made->key, name + length, access, error);
    if (code == 0)
        code = pkcs11_check_curve(made->key, false, error);
    if (code == 0)
        code = find_public(made, error);
    if (code != 0)
        return pack_at_file(error, name);
    *key = pack_steal(&made);
    return 0;
}

const uint8_t *keystore_x25519_public(const struct keystore_x25519 *key)
{
    return key->public;
}

/* A session object that we may read: the secret is needed for a KDF that tokens do not have. */
static CK_RV derive(const struct pkcs11_key *key, const uint8_t peer[KEYSTORE_X25519_SIZE],
                    CK_OBJECT_HANDLE *object)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ULONG size = KEYSTORE_X25519_SIZE;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},   {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_TOKEN, &no, sizeof no},         {CKA_SENSITIVE, &no, sizeof no},
        {CKA_EXTRACTABLE, &yes, sizeof yes}, {CKA_VALUE_LEN, &size, sizeof size},
    };
    CK_ECDH1_DERIVE_PARAMS parameters = {CKD_NULL, 0, NULL, KEYSTORE_X25519_SIZE,
                                         (unsigned char *)(uintptr_t)peer};
    CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, &parameters, sizeof parameters};
    return key->module.call->C_DeriveKey(key->session, &mechanism, key->object, template,
                                         sizeof template / sizeof template[0], object);
}

static int fail_derive(struct pkcs11_key *key, CK_RV result, struct pack_error *error)
{
    pkcs11_fail_call(key, result, "C_DeriveKey", error);
    if (result == CKR_KEY_FUNCTION_NOT_PERMITTED)
        return pack_hint(error, "it was made without CKA_DERIVE");
    return (int)error->code;
}

int keystore_x25519_shared(struct keystore_x25519 *key, const uint8_t peer[KEYSTORE_X25519_SIZE],
                           uint8_t shared[KEYSTORE_X25519_SIZE], struct pack_error *error)
{
    struct pkcs11_key *token = key->key;
    CK_OBJECT_HANDLE object = 0;
    size_t size = 0;
    const CK_RV result = derive(token, peer, &object);
    if (result != CKR_OK)
        return fail_derive(token, result, error);
    const bool read = pkcs11_read(token, object, CKA_VALUE, shared, KEYSTORE_X25519_SIZE, &size) &&
                      size == KEYSTORE_X25519_SIZE;
    token->module.call->C_DestroyObject(token->session, object);
    if (!read)
        return pack_fail(error, PACK_E_KEY_STORE,
                         "token '%s' does not give out the shared secret of key %s",
                         token->token.label, token->name);
    if (sodium_is_zero(shared, KEYSTORE_X25519_SIZE))
        return pack_fail(error, PACK_E_KEY_INVALID, "the other public key is of small order");
    return 0;
}

void keystore_x25519_close(struct keystore_x25519 **key)
{
    if (*key == NULL)
        return;
    pkcs11_close(&(*key)->key);
    free(*key);
    *key = NULL;
}

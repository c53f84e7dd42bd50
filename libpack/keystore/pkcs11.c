/* SPDX-License-Identifier: MIT */
#include "keystore/pkcs11.h"
#include "keystore/keystore.h"

/* Ed25519 keys in PKCS#11 tokens: CKM_EDDSA over the whole message in one call. */

/* The URI's key, else the next that the user told of. */
static int find_public(struct pack_signing_key *key, const struct pkcs11_key *opened,
                       const struct pack_signing_access *access, struct pack_error *error)
{
    uint8_t public[PACK_PUBLIC_KEY_SIZE];
    bool found = false;
    int code = pkcs11_public(opened, public, &found, error);
    if (code != 0)
        return pack_context(error, "key %s of token '%s'", opened->name, opened->token.label);
    if (found)
        return keystore_set_public(key, public, access, error);
    if (access->public_key_count != 0) {
        key->public = access->public_keys[0];
        return 0;
    }
    pack_fail(error, PACK_E_KEY_STORE, "token '%s' has no public half of key %s",
              opened->token.label, opened->name);
    return pack_hint(error, "name it with --signer-pub");
}

static int open_pkcs11(struct pack_signing_key *key, const char *name,
                       const struct pack_signing_access *access, struct pack_error *error)
{
    struct pkcs11_key *opened = NULL;
    int code = pkcs11_open_private(&opened, name, access, error);
    if (code != 0)
        return code;
    key->state = opened;
    code = pkcs11_check_curve(opened, true, error);
    return code != 0 ? code : find_public(key, opened, access, error);
}

/*
 * Once with a buffer that is large enough: modules that are asked for the size, or given the
 * message in parts, have failed here.
 */
static int sign_with_token(struct pack_signing_key *key, const char *role, const void *message,
                           size_t size, uint8_t signature[PACK_SIGNATURE_SIZE],
                           struct pack_error *error)
{
    struct pkcs11_key *opened = key->state;
    CK_MECHANISM mechanism = {CKM_EDDSA, NULL, 0};
    CK_ULONG length = PACK_SIGNATURE_SIZE;
    (void)role;
    CK_RV result = opened->module.call->C_SignInit(opened->session, &mechanism, opened->object);
    if (result != CKR_OK)
        return pkcs11_fail_call(opened, result, "C_SignInit", error);
    int code = pkcs11_authenticate(opened, error);
    if (code != 0) {
        pkcs11_renew_session(opened);
        return code;
    }
    result = opened->module.call->C_Sign(opened->session, (unsigned char *)(uintptr_t)message, size,
                                         signature, &length);
    if (result != CKR_OK)
        return pkcs11_fail_call(opened, result, "C_Sign", error);
    if (length == PACK_SIGNATURE_SIZE)
        return 0;
    pkcs11_renew_session(opened);
    return pack_fail(error, PACK_E_KEY_STORE, "token '%s': the signature has %lu bytes, %d wanted",
                     opened->token.label, (unsigned long)length, PACK_SIGNATURE_SIZE);
}

static void close_pkcs11(struct pack_signing_key *key)
{
    struct pkcs11_key *opened = key->state;
    pkcs11_close(&opened);
    key->state = NULL;
}

const struct keystore keystore_pkcs11 = {
    .name = "pkcs11",
    .scheme = "pkcs11:",
    .open = open_pkcs11,
    .sign = sign_with_token,
    .close = close_pkcs11,
};

/* SPDX-License-Identifier: MIT */
#ifndef KEYSTORE_PKCS11_H
#define KEYSTORE_PKCS11_H

/*
 * Private keys in PKCS#11 tokens. A module is loaded on first use and initialised once; several
 * keys of one module share that, and the login. Sessions count the module's users, for the
 * standard has one state for the whole process: who initialised it finalises it when no session
 * is left, and else leaves it to the process's end.
 */

#include "base/bytes.h"
#include "keystore/pkcs11_uri.h"
#include "pack/signer.h"

#include <p11-kit/pkcs11.h>

/* PKCS#11 3.0, which p11-kit's header lacks. */
#define PKCS11_KEY_MONTGOMERY ((CK_KEY_TYPE)0x41)

enum {
    PKCS11_MAX_LABEL = 32,
    PKCS11_MAX_SERIAL = 16,
    PKCS11_NAME_SIZE = 200, /* an object's name as messages have it */
    PKCS11_MAX_PARAMS = 32,
    PKCS11_MAX_LISTED = 400, /* bytes of names in a message */
};

/* --- module ---------------------------------------------------------------------------------- */

struct pkcs11_module {
    void *library;
    CK_FUNCTION_LIST *call;
    bool initialised; /* by us */
    bool is_softhsm;  /* which has a store of its own for each SOFTHSM2_CONF */
};

/* The URI's module, else `fallback`, else p11-kit's proxy of all that are configured. */
PACK_MUST_USE int pkcs11_module_open(struct pkcs11_module *module, const struct pkcs11_uri *uri,
                                     const char *fallback, struct pack_error *error);
/* After the caller's own sessions are closed. */
void pkcs11_module_close(struct pkcs11_module *module);

/* "CKR_PIN_LOCKED", NULL for what the standard does not name. */
const char *pkcs11_result_name(CK_RV result);
/* The failure of `call` ("C_Sign"), in words of its own where there are any. */
int pkcs11_fail(struct pack_error *error, CK_RV result, const char *call);

/* --- token ----------------------------------------------------------------------------------- */

struct pkcs11_token {
    CK_SLOT_ID slot;
    CK_FLAGS flags;
    char label[PKCS11_MAX_LABEL + 1]; /* without the spaces that fill it up */
    char serial[PKCS11_MAX_SERIAL + 1];
};

/* Exactly one that fits the URI. */
PACK_MUST_USE int pkcs11_token_find(struct pkcs11_token *token, const struct pkcs11_module *module,
                                    const struct pkcs11_uri *uri, struct pack_error *error);
/* Sessions that the process has open with any token of the module. */
size_t pkcs11_sessions_open(const struct pkcs11_module *module);
/* Text of a fixed size that spaces fill up, as PKCS#11 has it, cut where a zero byte stands. */
void pkcs11_text(char *out, size_t capacity, const unsigned char *bytes, size_t size);

/* Adds a name to a list for a message; one that finds no room is left out. */
void pkcs11_list(struct pack_buffer *names, const char *name);
static inline const char *pkcs11_listed(const struct pack_buffer *names)
{
    return names->size != 0 ? (const char *)names->bytes : "";
}

/* --- a private key --------------------------------------------------------------------------- */

/* In guarded memory. */
struct pkcs11_pin {
    size_t size;
    char text[1024];
};

struct pkcs11_key {
    struct pkcs11_uri uri;
    struct pkcs11_module module;
    struct pkcs11_token token;
    CK_SESSION_HANDLE session; /* 0: none */
    CK_OBJECT_HANDLE object;
    CK_KEY_TYPE type;
    uint8_t parameters[PKCS11_MAX_PARAMS]; /* CKA_EC_PARAMS */
    size_t parameters_size;
    char name[PKCS11_NAME_SIZE];
    bool always_authenticate; /* wants a login for each use */
    struct pkcs11_pin *pin;   /* kept for such a key only, else NULL */
};

/*
 * Loads, finds the token, logs in, finds exactly one private key. `name` is a KEY without its
 * scheme. The type of the key is the caller's affair.
 */
PACK_MUST_USE int pkcs11_open_private(struct pkcs11_key **key, const char *name,
                                      const struct pack_signing_access *access,
                                      struct pack_error *error);
void pkcs11_close(struct pkcs11_key **key);

/* A context-specific login, where the key wants one between C_…Init and its use. */
PACK_MUST_USE int pkcs11_authenticate(const struct pkcs11_key *key, struct pack_error *error);
/* After a failed call the state of a session is not known: another one takes its place. */
void pkcs11_renew_session(struct pkcs11_key *key);
/* pkcs11_fail with the token's name before it; the session is renewed. */
int pkcs11_fail_call(struct pkcs11_key *key, CK_RV result, const char *call,
                     struct pack_error *error);

/* --- objects --------------------------------------------------------------------------------- */

PACK_MUST_USE int pkcs11_find_private(struct pkcs11_key *key, struct pack_error *error);
/* One attribute of an object; false where there is none, or more than `capacity` bytes. */
bool pkcs11_read(const struct pkcs11_key *key, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                 void *value, size_t capacity, size_t *size);
/* PACK_E_KEY_INVALID, naming the type, unless the key is of the curve Ed25519, or X25519. */
PACK_MUST_USE int pkcs11_check_curve(const struct pkcs11_key *key, bool ed25519,
                                     struct pack_error *error);
/*
 * The public half, from a public key object, the private key's own attributes, or a certificate.
 * *found is false where the token has none.
 */
PACK_MUST_USE int pkcs11_public(const struct pkcs11_key *key, uint8_t public[32], bool *found,
                                struct pack_error *error);

#endif
